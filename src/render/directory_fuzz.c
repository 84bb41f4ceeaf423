/* directory_fuzz.c: one file of a repository, under the name its first line gives: never a crash,
 * and what is rendered has a kind and a line. */
#include "render/directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 << 18)
        return 0;
    str name, text;
    str_cut(str_mem((const char *)data, size), '\n', &name, &text);
    struct arena a;
    struct err err;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    struct render_result r = {0};
    if (directory_decode(name, name, text, &a, &r, &err) == 0)
        for (size_t i = 0; i < r.n_objects; i++)
            if (!value_is_map(r.object[i].object) ||
                value_str(value_getz(r.object[i].object, "kind")).len == 0 || r.object[i].line == 0)
                abort();
    arena_done(&a);
    return 0;
}
