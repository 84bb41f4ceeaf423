/* value/toml_fuzz.c: what was read from TOML prints as TOML that reads back to the same. */
#include <assert.h>

#include "value/json.h"
#include "value/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct err err;
    value v, again;
    CLEANUP(buf_done) struct buf once, twice;
    buf_init(&once, TOML_BYTES_MAX * 16);
    buf_init(&twice, TOML_BYTES_MAX * 16);
    arena_init(&a, ARENA_BYTES_DEFAULT);
    if (size < 65536 && toml_parse(str_mem(data, size), &a, &v, &err) == 0) {
        int r = toml_print(v, &once, &err);
        assert(r == 0);
        if (toml_parse(buf_str(&once), &a, &again, &err) == 0) {
            r = toml_print(again, &twice, &err);
            assert(r == 0 && str_eq(buf_str(&once), buf_str(&twice)));
        } else {
            assert(err.kind == ERR_TOO_LARGE || str_has(buf_str(&once), STR(", }")));
        }
    }
    arena_done(&a);
    return 0;
}
