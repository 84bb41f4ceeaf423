/* Trees of nodes that are looked into and changed. */
#include "value/yaml/parse.h"
#include "value/yaml_node.h"

ptrdiff_t yaml_node_find(const struct yaml_node *map, str key)
{
    if (map->kind != YAML_NODE_MAP)
        return -1;
    for (size_t i = 0; i + 1 < map->n_children; i += 2)
        if (str_eq(map->child[i]->text, key))
            return (ptrdiff_t)i;
    return -1;
}

struct yaml_node *yaml_node_get(const struct yaml_node *map, str key)
{
    ptrdiff_t i = yaml_node_find(map, key);
    return i < 0 ? NULL : map->child[i + 1];
}

void yaml_node_push(struct yaml_node *to, struct yaml_node *child, struct arena *a)
{
    if (to->n_children == to->cap_children) {
        size_t cap = MAX_OF(to->cap_children * 2, (size_t)4);
        to->child = arena_grow(a, to->child, to->cap_children * sizeof(struct yaml_node *),
                               cap * sizeof(struct yaml_node *));
        to->cap_children = cap;
    }
    to->child[to->n_children++] = child;
}

void yaml_node_remove(struct yaml_node *n, size_t at, size_t count)
{
    memmove(n->child + at, n->child + at + count,
            (n->n_children - at - count) * sizeof(struct yaml_node *));
    n->n_children -= count;
}

struct yaml_node *yaml_node_new(struct arena *a, enum yaml_node_kind kind, str text)
{
    struct yaml_node *n = ARENA_NEW(a, struct yaml_node);
    n->kind = kind;
    n->text = text;
    n->tag = n->anchor = STR("");
    return n;
}

struct yaml_node *yaml_node_copy(const struct yaml_node *n, struct arena *a)
{
    if (!n)
        return NULL;
    struct yaml_node *copy = arena_copy(a, n, sizeof(*n));
    if (n->comments)
        copy->comments = arena_copy(a, n->comments, sizeof(*n->comments));
    copy->cap_children = n->n_children;
    copy->child = ARENA_ARRAY(a, struct yaml_node *, n->n_children);
    for (size_t i = 0; i < n->n_children; i++)
        copy->child[i] = yaml_node_copy(n->child[i], a);
    return copy;
}

bool yaml_node_reads_otherwise(str text, struct arena *a)
{
    static const struct yaml_input in;
    struct parser p;
    struct ynode n;
    bool any;
    if (!text.len || str_find_char(text, '\n') >= 0 || yaml_take_in(text, &in, 0, a, &p, NULL) ||
        !yaml_parse_document(&p, &n, &any))
        return false;
    if (!any || n.kind != SCALAR)
        return !p.decode.len;
    value v = yaml_decoded(&p, &n);
    return !p.decode.len && !value_is_string(v);
}
