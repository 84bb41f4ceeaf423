/* net/http1_fuzz.c: whatever a peer sends to an HTTP/1.1 server. */
#include "net/server_fuzz_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_server(STR(""), str_mem(data, MIN_OF(size, (size_t)65536)));
    return 0;
}
