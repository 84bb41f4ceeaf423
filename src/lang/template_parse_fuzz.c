/* lang/template_parse_fuzz.c: any text is read by the parser, with each level's functions. What it
 * takes prints, and its text is taken again and prints alike; what it refuses it explains. */
#include <stdlib.h>

#include "lang/template.h"
#include "lang/template/node.h"

#define TEXT_BYTES_MAX 8192
#define ARENA_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static str print_tree(struct arena *a, const struct template_tree *tree)
{
    struct buf b = BUF_INIT;
    node_print(&tree->body->root->head, &b);
    if (b.overflow)
        abort();
    str text = arena_str(a, buf_str(&b));
    buf_done(&b);
    return text;
}

static void check(const struct template_funcs *funcs, str text)
{
    struct arena a;
    struct err err = {0};
    const struct template_tree *tree;
    arena_init(&a, ARENA_BYTES);
    if (template_parse(STR("fuzz"), text, funcs, &a, &tree, &err)) {
        if (!err.text[0])
            abort();
    } else {
        str first = print_tree(&a, tree);
        /* A pipeline of thousands of words prints longer than it was. */
        if (first.len < TEXT_BYTES_MAX &&
            !template_parse(STR("fuzz"), first, funcs, &a, &tree, &err)) {
            str again = print_tree(&a, tree);
            if (again.len > 2 * first.len + 64)
                abort();
        }
    }
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > TEXT_BYTES_MAX)
        return 0;
    check(&TEMPLATE_FUNCS_HELM4, str_mem(data, size));
    check(&TEMPLATE_FUNCS_HELM3, str_mem(data, size));
    return 0;
}
