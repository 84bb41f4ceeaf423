/* kube/protobuf_fuzz.c: hostile protobuf: no crash, no endless work. */
#include "kube/protobuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    value v;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    if (kube_protobuf_parse(str_mem(data, size), &a, &v, NULL) == 0 && !value_is_map(v))
        abort();
    arena_done(&a);
    return 0;
}
