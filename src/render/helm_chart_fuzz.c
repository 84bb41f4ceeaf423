/* A chart archive of a stranger: first as it is, then its bytes as the files of a folder, one per
 * "\n--- NAME\n". What loads has a name, a version and no file outside. */
#include <stdlib.h>
#include <string.h>

#include "render/helm_values.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct helm_chart *c)
{
    if (!c->metadata->name.len || !c->metadata->version.len)
        abort();
    for (size_t i = 0; i < c->raw.n; i++)
        if (str_starts(c->raw.at[i].name, STR("/")) || str_starts(c->raw.at[i].name, STR("../")))
            abort();
    for (size_t i = 0; i < c->n_dependencies; i++)
        check(c->dependency[i]);
}

static void take(struct arena *a, struct helm_log *log, struct helm_chart *c)
{
    struct err err;
    value v;
    struct helm_values_context x = {.arena = a, .log = log};
    check(c);
    c = helm_chart_clone(a, c);
    if (!helm_dependencies_process(&x, c, VALUE_ABSENT, &err) &&
        !helm_values_coalesce(&x, c, VALUE_ABSENT, &v, &err) && !value_is_map(v))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 << 16)
        return 0;
    struct arena a;
    struct err err;
    arena_init(&a, (size_t)1 << 30);
    struct helm_log log = {.arena = &a};
    struct helm_chart *c;
    str all = str_mem((const char *)data, size);
    if (!helm_load_archive(all, STR("x.tgz"), &a, &log, &c, &err))
        take(&a, &log, c);
    struct helm_files files = {0};
    while (all.len && files.n < 64) {
        ptrdiff_t next = str_find(all, STR("\n--- "));
        str one = str_sub(all, 0, next < 0 ? all.len : (size_t)next), name, text;
        all = next < 0 ? (str){NULL, 0} : str_from(all, (size_t)next + 5);
        str_cut(one, '\n', &name, &text);
        if (name.len && name.at[0] != '/' && !str_has(name, STR("..")))
            vec_push(&a, &files, (struct helm_file){.name = name, .data = text});
    }
    if (!helm_load_files(&files, &a, &log, &c, &err))
        take(&a, &log, c);
    arena_done(&a);
    return 0;
}
