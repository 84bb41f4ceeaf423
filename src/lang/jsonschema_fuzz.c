/* A schema and a value, cut at the first NUL: compiling and validating end within their bounds, and
 * a failure has a text. */
#include <stdlib.h>

#include "lang/jsonschema.h"
#include "value/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 << 14)
        return 0;
    str schema, text, whole = STR("");
    str_cut(str_mem((const char *)data, size), '\0', &schema, &text);
    struct arena a;
    struct err err;
    arena_init(&a, (size_t)1 << 30);
    struct jsonschema_input in = {.url = STR("file:///values.schema.json"),
                                  .regexp = &JSONSCHEMA_RE2};
    const struct jsonschema *s;
    value v;
    if (jsonschema_compile(schema, &in, &a, &s, &whole, &err)) {
        if (!whole.len && err.kind == ERR_INVALID)
            abort();
    } else if (!json_parse(text, NULL, &a, &v, &err)) {
        whole = STR("");
        if (jsonschema_validate(s, v, &a, &whole, &err) == -ERR_UNPROCESSABLE && !whole.len)
            abort();
    }
    arena_done(&a);
    return 0;
}
