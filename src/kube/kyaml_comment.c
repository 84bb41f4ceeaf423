/* kube/kyaml_comment.c: a schema that stands in a comment (kyaml's fieldmeta):
 *
 *     hosts: # {"x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "host"}
 *
 * Any JSON object that is not empty counts as one, and then nothing else is known of the node: a
 * list with a setter ({"$openapi": "name"}) is replaced. Schemas of parts and $ref are not looked
 * at. */
#include "kube/kyaml_walk.h"
#include "value/json.h"

static str comment_of(const struct yaml_node *n)
{
    if (!n || !n->comments)
        return STR("");
    str s = n->comments->line.len ? n->comments->line : n->comments->head;
    while (s.len && s.at[0] == '#')
        s = str_from(s, 1);
    return str_trim(s);
}

/* The object that a text begins with; what is behind it does not matter. */
static str first_object(str s)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']') && --depth == 0)
            return str_sub(s, 0, i + 1);
    }
    return STR("");
}

static str keys_of(struct arena *a, value schema)
{
    value list = value_getz(schema, "x-kubernetes-list-map-keys");
    str keys = STR("");
    if (!value_is_list(list))
        return value_path_str(schema, "x-kubernetes-patch-merge-key");
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (value_is_string(it.val))
            keys = keys.len ? ARENA_CAT(a, keys, STR(","), value_str(it.val)) : value_str(it.val);
    return keys;
}

struct kyaml_known kyaml_known_comment(const struct yaml_node *n, struct arena *a)
{
    str text = comment_of(n), strategy, one;
    value schema;
    text = text.len && text.at[0] == '{' ? first_object(text) : STR("");
    if (!text.len || json_parse(text, NULL, a, &schema, NULL) || !value_is_map(schema) ||
        !value_len(schema))
        return (struct kyaml_known){NULL, NULL, false};
    struct kyaml_field *f = ARENA_NEW(a, struct kyaml_field);
    value given = value_getz(schema, "x-kubernetes-patch-strategy");
    f->name = f->keys = STR("");
    strategy = value_is_string(given) ? value_str(given) : STR("");
    while (str_next(&strategy, ',', &one))
        f->merge |= str_is(one, "merge");
    if (f->merge)
        f->keys = keys_of(a, schema);
    return (struct kyaml_known){NULL, f, false};
}
