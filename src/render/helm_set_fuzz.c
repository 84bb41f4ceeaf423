/* The --set family: any text, any kind. What was written prints and its lists stay bounded. */
#include <stdlib.h>

#include "render/helm_set.h"
#include "value/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int no_file(void *arg, str path, struct arena *a, str *ret, struct err *err)
{
    (void)arg, (void)a, (void)err;
    *ret = path;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1 << 12)
        return 0;
    struct arena a;
    struct err err;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    struct helm_set_input in = {.kind = data[0] % 5, .read = no_file};
    value map = value_new_map(&a), list = value_new_list(&a);
    value_push(&a, list, value_of_str(&a, STR("x")));
    value_set(&a, map, STR("l"), list);
    value_set(&a, map, STR("m"), value_new_map(&a));
    value_set(&a, map, STR("s"), value_of_str(&a, STR("x")));
    if (helm_set_into(&in, str_mem((const char *)data + 1, size - 1), &a, map, &err) && !err.kind)
        abort();
    if (!json_str(&a, map, AUDIENCE_WIRE, 0).len)
        abort();
    arena_done(&a);
    return 0;
}
