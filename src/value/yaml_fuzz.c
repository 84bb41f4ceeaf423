/* value/yaml_fuzz.c: no text makes the YAML reader crash, and what it read prints as JSON that
 * reads back equal. */
#include "value/yaml.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int nothing(void *arg, value document, size_t index, uint32_t first_line, struct err *err)
{
    (void)arg;
    (void)index;
    (void)err;
    assert(value_exists(document) && first_line > 0);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct err err = {0};
    value v, again;
    str text = str_mem(data, size);
    if (size > (1 << 16))
        return 0;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    struct yaml_input strict = {.strict = true};
    if (!yaml_parse(text, NULL, &a, &v, &err)) {
        struct json_input exact = {.exact_uint64 = true};
        str json = json_str(&a, v, AUDIENCE_WIRE, 0);
        int r = json_parse(json, &exact, &a, &again, &err);
        assert(!r && value_equal(v, again));
    } else {
        assert(err.text[0]);
    }
    if (yaml_parse(text, &strict, &a, &v, &err))
        assert(err.text[0]);
    if (yaml_parse_stream(text, NULL, &a, nothing, NULL, &err))
        assert(err.text[0]);
    arena_done(&a);
    return 0;
}
