/* read_set_fuzz.c: the serialised read set: what parses prints and parses to the same. */
#include "files/read_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    CLEANUP(read_set_freep) struct read_set *s = NULL, *again = NULL;
    if (read_set_parse(str_mem((const char *)data, size), &s, &err))
        return 0;
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    read_set_print(s, &b);
    if (read_set_parse(buf_str(&b), &again, &err))
        abort();
    struct sha256 one = read_set_digest(s), two = read_set_digest(again);
    if (!sha256_eq(&one, &two) || read_set_len(s) != read_set_len(again))
        abort();
    return 0;
}
