/* net/http2_fuzz.c: whatever a peer sends after the HTTP/2 preface. */
#include "net/server_fuzz_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_server(STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
                str_mem(data, MIN_OF(size, (size_t)65536)));
    return 0;
}
