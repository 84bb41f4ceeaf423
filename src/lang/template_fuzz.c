/* lang/template_fuzz.c: the evaluator. What parses is executed on a small budget, at both of Helm's
 * levels; it ends, with an output or an error that says something. The parser has a target of its
 * own. */
#include <stdlib.h>

#include "lang/template.h"
#include "value/json.h"

#define TEXT_BYTES_MAX 4096
#define ARENA_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char DATA[] =
    "{\"Values\":{\"a\":1,\"b\":\"x\",\"l\":[1,\"y\",null,{\"k\":2.5}],\"m\":{\"n\":null}}}";

static void execute(const struct template_funcs *funcs, str text)
{
    struct arena a;
    struct err err;
    value v;
    const struct template_tree *tree;
    str name = STR("fuzz");
    struct buf out = BUF_INIT;
    arena_init(&a, ARENA_BYTES);
    if (json_parse(str_of(DATA), NULL, &a, &v, &err))
        abort();
    struct template_set *set = template_set_new(&a);
    struct template_env env = {.set = set,
                               .funcs = funcs,
                               .limits = {.steps_max = 20000, .output_bytes_max = 1 << 20}};
    if (!template_parse(name, text, env.funcs, &a, &tree, &err)) {
        template_set_add(set, tree);
        struct template_run *run = template_run_new(&a, &env);
        buf_init(&out, 1 << 20);
        if (template_execute(run, name, template_view(&a, v, NULL), &out, &err) &&
            !template_run_error(run).len && !err.text[0])
            abort();
        buf_done(&out);
    }
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > TEXT_BYTES_MAX)
        return 0;
    execute((size & 1) ? &TEMPLATE_FUNCS_HELM3 : &TEMPLATE_FUNCS_HELM4, str_mem(data, size));
    return 0;
}
