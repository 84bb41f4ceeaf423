/* lang/template_fuzz.c: any text is parsed and executed on a small budget; it ends, with an
 * output or an error that says something. */
#include <stdlib.h>

#include "lang/template.h"
#include "lang/template/node.h"
#include "value/json.h"

#define TEXT_BYTES_MAX 4096
#define ARENA_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char DATA[] =
    "{\"Values\":{\"a\":1,\"b\":\"x\",\"l\":[1,\"y\",null,{\"k\":2.5}],\"m\":{\"n\":null}}}";

/* Every node has a text, for errors. */
static void print_nodes(const struct template_tree *tree)
{
    struct buf b = BUF_INIT;
    node_print(&tree->body->root->head, &b);
    if (b.overflow)
        abort();
    buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct err err;
    value v;
    const struct template_tree *tree;
    str name = STR("fuzz");
    struct buf out = BUF_INIT;
    if (size > TEXT_BYTES_MAX)
        return 0;
    arena_init(&a, ARENA_BYTES);
    if (json_parse(str_of(DATA), NULL, &a, &v, &err))
        abort();
    struct template_set *set = template_set_new(&a);
    struct template_env env = {.set = set,
                               .funcs = &TEMPLATE_FUNCS_HELM4,
                               .limits = {.steps_max = 20000, .output_bytes_max = 1 << 20}};
    if (!template_parse(name, str_mem(data, size), env.funcs, &a, &tree, &err)) {
        print_nodes(tree);
        template_set_add(set, tree);
        struct template_run *run = template_run_new(&a, &env);
        buf_init(&out, 1 << 20);
        if (template_execute(run, name, template_view(&a, v, NULL), &out, &err) &&
            !template_run_error(run).len && !err.text[0])
            abort();
        buf_done(&out);
    }
    arena_done(&a);
    return 0;
}
