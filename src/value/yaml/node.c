/* What trees of nodes are as JSON. */
#include "value/yaml_node.h"

#include <math.h>

#include "value/number.h"
#include "value/text.h"
#include "value/yaml/resolve3.h"
#include "value/yaml/parse.h"

#define GENERAL_MAP 1  /* style of a map whose keys are not all strings */
#define ERRORS_TOLD 20 /* lines of a message about several errors */

/* ---- as JSON ---- */

struct decoder {
    struct arena *arena;
    const char *fatal; /* the first error that ends decoding */
    VEC(str) errors;   /* those that are told together */
    bool general_map, infinite;
    bool string_keys; /* of the map at hand: that of the root */
    uint64_t decodes, alias_decodes;
    unsigned alias_depth, depth;
};

static value decode(struct decoder *d, const struct yaml_node *n);

static value fatal(struct decoder *d, str text)
{
    if (!d->fatal)
        d->fatal = arena_cstr(d->arena, text);
    return VALUE_ABSENT;
}

static void add_error(struct decoder *d, str text)
{
    if (d->errors.n < ERRORS_TOLD)
        vec_push(d->arena, &d->errors, text);
}

/* A node that is not what it has to become. */
static void cannot_unmarshal(struct decoder *d, const struct yaml_node *n, const char *into)
{
    str shown =
        n->text.len > 10 ? ARENA_CAT(d->arena, str_sub(n->text, 0, 7), STR("...")) : n->text;
    bool bare = str_is(n->tag, "!!seq") || str_is(n->tag, "!!map"); /* whatever the node is */
    char line[40];
    snprintf(line, sizeof(line), "line %u: cannot unmarshal ", n->line);
    shown = bare ? n->text : ARENA_CAT(d->arena, STR(" `"), shown, STR("`"));
    add_error(d, ARENA_CAT(d->arena, str_of(line), n->tag, shown, STR(" into "), str_of(into)));
}

static str tag_of(const struct yaml_node *n)
{
    while (n->kind == YAML_NODE_ALIAS && n->alias)
        n = n->alias;
    return n->tag;
}

/* What resolving a scalar under its tag gives; false: the tag is not that of the text. */
static bool under_tag(struct decoder *d, const struct yaml_node *n, struct yaml3_scalar *ret)
{
    static const char *const resolvable[] = {"",        "!!bool", "!!int",
                                             "!!float", "!!null", "!!timestamp"};
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(resolvable); i++)
        known |= str_is(n->tag, resolvable[i]);
    *ret = (struct yaml3_scalar){.tag = n->tag, .is.kind = YAML_STR};
    if (!known)
        return true;
    struct yaml3_scalar is = yaml3_resolve_as(n->tag, n->text);
    if (!n->tag.len || str_eq(n->tag, is.tag)) {
        *ret = is;
        return true;
    }
    if (str_is(n->tag, "!!float") && is.is.kind == YAML_INT) {
        is.tag = n->tag;
        is.is = (struct yaml_scalar){.kind = YAML_FLOAT, .d = (double)is.is.i};
        *ret = is;
        return true;
    }
    fatal(d, arena_printf(d->arena, "cannot decode %.*s `%.*s` as a %.*s", STR_FMT(is.tag),
                          STR_FMT(n->text), STR_FMT(n->tag)));
    return false;
}

static bool is_text(const struct yaml_node *n)
{
    return str_is(n->tag, "!!str") || (!n->tag.len && (n->style & VALUE_STYLE_QUOTED));
}

static value decode_scalar(struct decoder *d, const struct yaml_node *n)
{
    struct yaml3_scalar s = {.is.kind = YAML_STR};
    str text = n->text;
    if (!is_text(n) && !under_tag(d, n, &s))
        return VALUE_ABSENT;
    switch (s.is.kind) {
    case YAML_NULL: return value_null(d->arena);
    case YAML_BOOL: return value_of_bool(d->arena, s.is.b);
    case YAML_INT: return value_of_int(d->arena, s.is.i);
    case YAML_UINT: return value_of_uint(d->arena, s.is.u);
    case YAML_FLOAT:
        d->infinite |= !isfinite(s.is.d);
        if (isfinite(s.is.d))
            s.is = yaml_through_json(s.is.d);
        return s.is.kind == YAML_INT    ? value_of_int(d->arena, s.is.i)
               : s.is.kind == YAML_UINT ? value_of_uint(d->arena, s.is.u)
                                        : value_of_double(d->arena, s.is.d);
    case YAML_STR: break;
    }
    if (!is_text(n) && str_is(s.tag, "!!binary") && !yaml_base64(text, d->arena, &text))
        return fatal(d, STR("!!binary value contains invalid base64 data"));
    if (!is_text(n) && str_is(s.tag, "!!timestamp"))
        return value_borrow_str(d->arena, yaml3_timestamp(d->arena, text));
    return value_borrow_str(d->arena, yaml_json_text(d->arena, text));
}

static void check_budget(struct decoder *d)
{
    d->decodes++;
    d->alias_decodes += d->alias_depth > 0;
    if (yaml_is_past_budget(d->decodes, d->alias_decodes))
        fatal(d, STR("document contains excessive aliasing"));
}

/* Maps whose keys are all strings become maps of strings; JSON knows no others. */
static bool is_string_map(const struct yaml_node *n)
{
    for (size_t i = 0; i + 1 < n->n_children; i += 2) {
        str tag = tag_of(n->child[i]);
        if (!str_is(tag, "!!str") && !str_is(tag, "!!merge"))
            return false;
    }
    return true;
}

static str key_name(struct decoder *d, const struct yaml_node *key)
{
    char kind = (char)('0' + key->kind);
    return ARENA_CAT(d->arena, str_mem(&kind, 1), key->text);
}

/* Every pair of keys with a name that is there twice is told, as far as errors are. */
static void tell_duplicates(struct decoder *d, const struct yaml_node *n, const struct map *twice)
{
    for (size_t i = 0; i + 1 < n->n_children; i += 2) {
        const struct yaml_node *key = n->child[i];
        if (!map_has(twice, key_name(d, key)))
            continue;
        for (size_t j = i + 2; j + 1 < n->n_children; j += 2) {
            const struct yaml_node *other = n->child[j];
            if (other->kind == key->kind && str_eq(other->text, key->text))
                add_error(d, arena_printf(d->arena,
                                          "line %u: mapping key %.*s already defined at line %u",
                                          other->line, STR_FMT(yaml_go_quote(d->arena, key->text)),
                                          key->line));
        }
        if (d->errors.n == ERRORS_TOLD)
            return;
    }
}

/* Keys of the same kind with the same text are one. */
static bool has_duplicates(struct decoder *d, const struct yaml_node *n)
{
    struct map seen, twice;
    map_init(&seen, d->arena);
    map_init(&twice, d->arena);
    for (size_t i = 0; i + 1 < n->n_children; i += 2) {
        str name = key_name(d, n->child[i]);
        if (map_has(&seen, name))
            map_set(&twice, name, d);
        map_set(&seen, name, d);
    }
    if (!map_len(&twice))
        return false;
    tell_duplicates(d, n, &twice);
    return true;
}

static bool is_merge(const struct yaml_node *key)
{
    return key->kind == YAML_NODE_SCALAR && str_is(key->text, "<<") &&
           (!key->tag.len || str_is(key->tag, "!!merge"));
}

static void unhashable(struct decoder *d, const struct yaml_node *key)
{
    fatal(d, ARENA_CAT(d->arena, STR("runtime error: hash of unhashable type "),
                       key->kind == YAML_NODE_LIST ? STR("[]interface {}")
                       : is_string_map(key)        ? STR("map[string]interface {}")
                                                   : STR("map[interface {}]interface {}")));
}

/* A map's own entries, then what its `<<` brings. merged: names that are set already and stay;
 * NULL: none. */
static void decode_map(struct decoder *d, const struct yaml_node *n, value map, struct map *merged);

static void merge_one(struct decoder *d, const struct yaml_node *from, value map,
                      struct map *merged)
{
    const struct yaml_node *target = from;
    bool alias = from->kind == YAML_NODE_ALIAS;
    if (alias)
        target = from->alias;
    if (target && target->kind != YAML_NODE_MAP) {
        fatal(d, STR("map merge requires map or sequence of maps as the value"));
        return;
    }
    check_budget(d);
    if (!target || ++d->depth > VALUE_DEPTH_MAX) {
        fatal(d,
              arena_printf(d->arena, "anchor '%.*s' value contains itself", STR_FMT(from->text)));
        return;
    }
    d->alias_depth += alias;
    if (alias)
        check_budget(d);
    if (!has_duplicates(d, target))
        decode_map(d, target, map, merged);
    d->alias_depth -= alias;
    d->depth--;
}

/* Upstream decodes the keys beside `<<` once more, whatever they are keys of: those of a map of
 * strings that are numbers, say, are not found among what is merged. */
static bool is_name(struct decoder *d, const struct yaml_node *key)
{
    struct yaml3_scalar is;
    return key->kind != YAML_NODE_SCALAR || is_text(key) ||
           (under_tag(d, key, &is) && is.is.kind == YAML_STR && !str_is(is.tag, "!!timestamp"));
}

static void merge(struct decoder *d, const struct yaml_node *n, const struct yaml_node *from,
                  value map, struct map *merged)
{
    struct map own;
    if (!merged) {
        merged = &own;
        map_init(merged, d->arena);
        for (size_t i = 0; i + 1 < n->n_children; i += 2) {
            const struct yaml_node *key = n->child[i];
            while (key->kind == YAML_NODE_ALIAS && key->alias)
                key = key->alias;
            if (!d->string_keys || is_name(d, key))
                map_set(merged, key->text, d);
            if (key->kind != YAML_NODE_SCALAR && value_exists(decode(d, key)))
                unhashable(d, key);
        }
    }
    if (from->kind != YAML_NODE_LIST) {
        merge_one(d, from, map, merged);
        return;
    }
    for (size_t i = 0; i < from->n_children && !d->fatal; i++)
        merge_one(d, from->child[i], map, merged);
}

/* The name of a key; false: the entry is passed over, or decoding is at its end. */
static bool decode_key(struct decoder *d, const struct yaml_node *key, bool merged, str *ret)
{
    const struct yaml_node *n = key;
    while (n->kind == YAML_NODE_ALIAS && n->alias)
        n = n->alias;
    if (d->string_keys && (n->kind == YAML_NODE_LIST || n->kind == YAML_NODE_MAP)) {
        check_budget(d);
        if (n->kind == YAML_NODE_LIST || !has_duplicates(d, n))
            cannot_unmarshal(d, n, "string");
        return false;
    }
    value k = decode(d, key);
    if (d->fatal || !value_exists(k) || (d->string_keys && value_is_null(k)))
        return false;
    if (value_is_map(k) || value_is_list(k)) {
        if (merged) /* upstream looks for it there first */
            unhashable(d, n);
        else
            fatal(d, ARENA_CAT(d->arena, STR("invalid map key: "), yaml_go_value(d->arena, k)));
        return false;
    }
    *ret = str_is(n->tag, "!!binary") ? value_str(k) : n->text;
    return true;
}

static void decode_map(struct decoder *d, const struct yaml_node *n, value map, struct map *merged)
{
    bool string_keys = d->string_keys;
    const struct yaml_node *merge_node = NULL;
    for (size_t i = 0; i + 1 < n->n_children && !d->fatal; i += 2) {
        const struct yaml_node *key = n->child[i], *val = n->child[i + 1];
        if (is_merge(key)) {
            merge_node = val;
            continue;
        }
        str name;
        d->string_keys = string_keys;
        if (!decode_key(d, key, merged, &name))
            continue;
        if (merged && map_has(merged, name))
            continue;
        if (merged)
            map_set(merged, name, d);
        d->string_keys = false;
        value v = decode(d, val);
        if (value_exists(v))
            value_set_borrow_key(d->arena, map, name, v);
    }
    d->string_keys = string_keys;
    if (merge_node && !d->fatal)
        merge(d, n, merge_node, map, merged);
}

static value decode_alias(struct decoder *d, const struct yaml_node *n)
{
    if (!n->alias)
        return fatal(d, arena_printf(d->arena, "anchor '%.*s' value contains itself",
                                     STR_FMT(n->text)));
    d->alias_depth++;
    value v = decode(d, n->alias);
    d->alias_depth--;
    return v;
}

static value decode(struct decoder *d, const struct yaml_node *n)
{
    value v = VALUE_ABSENT;
    check_budget(d);
    if (d->alias_decodes > YAML_ALIAS_NODES_MAX)
        fatal(d, STR("aliases stand for more than 1000000 nodes"));
    if (d->depth >= VALUE_DEPTH_MAX && n->kind != YAML_NODE_SCALAR)
        fatal(d, STR("nested too deep"));
    if (d->fatal)
        return v;
    d->depth++;
    switch (n->kind) {
    case YAML_NODE_SCALAR: v = decode_scalar(d, n); break;
    case YAML_NODE_ALIAS: v = decode_alias(d, n); break;
    case YAML_NODE_LIST:
        v = value_new_list(d->arena);
        for (size_t i = 0; i < n->n_children && !d->fatal; i++) {
            value item = decode(d, n->child[i]);
            if (value_exists(item))
                value_push(d->arena, v, item);
        }
        break;
    case YAML_NODE_MAP:
        if (has_duplicates(d, n))
            break;
        v = value_new_map(d->arena);
        if (!is_string_map(n)) {
            d->general_map = true;
            value_set_style(v, GENERAL_MAP);
        }
        bool outer = d->string_keys;
        d->string_keys = is_string_map(n);
        decode_map(d, n, v, NULL);
        d->string_keys = outer;
        break;
    }
    if (value_exists(v) && !v.doc)
        value_set_pos(v, (struct value_pos){n->line, n->column});
    d->depth--;
    return v;
}

/* The root is a map of strings whatever its keys are; null ones are passed over. */
static value decode_root(struct decoder *d, const struct yaml_node *n)
{
    value map = value_new_map(d->arena);
    check_budget(d);
    if (n->kind == YAML_NODE_SCALAR) {
        value v = decode_scalar(d, n);
        d->infinite = false;
        if (d->fatal || value_is_null(v))
            return v;
        cannot_unmarshal(d, n, "map[string]interface {}");
        return map;
    }
    if (n->kind == YAML_NODE_ALIAS || has_duplicates(d, n))
        return map;
    d->depth++;
    d->string_keys = true;
    decode_map(d, n, map, NULL);
    return map;
}

/* The first thing in the order of sorted keys that JSON cannot have, in words. */
static str not_json(value v)
{
    str least = STR(""), found = yaml_bad_number(value_type(v) == VALUE_DOUBLE ? v : VALUE_ABSENT);
    if (value_style(v) == GENERAL_MAP)
        return STR("json: unsupported type: map[interface {}]interface {}");
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        str text = not_json(it.val);
        if (text.len && (!found.len || (value_is_map(v) && str_cmp(it.key, least) < 0))) {
            found = text;
            least = it.key;
        }
    }
    return found;
}

int yaml_node_value(const struct yaml_node *n, struct arena *a, value *ret, struct err *err)
{
    struct decoder d = {.arena = a};
    value v = n->kind == YAML_NODE_LIST ? decode(&d, n) : decode_root(&d, n);
    if (d.fatal)
        return err_set(err, ERR_INVALID, "yaml: %s", d.fatal);
    if (d.errors.n) {
        str text = STR("yaml: unmarshal errors:");
        for (size_t i = 0; i < d.errors.n; i++)
            text = ARENA_CAT(a, text, STR("\n  "), d.errors.at[i]);
        return err_set(err, ERR_INVALID, "%.*s", (int)MIN_OF(text.len, (size_t)900), text.at);
    }
    str text = d.general_map || d.infinite ? not_json(v) : STR("");
    if (text.len)
        return err_set(err, ERR_INVALID, "%.*s", STR_FMT(text));
    *ret = v;
    return 0;
}
