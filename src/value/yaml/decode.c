/* Nodes as values: what scalars mean, the names of keys, merges, duplicates, the budget of aliases.
 *
 * A map's keys are told apart as Go's map[interface{}]interface{} does, by kind and value; JSON
 * knows their texts only, and of two with the same text the last wins. A key that JSON cannot have
 * (null, an integer above INT64_MAX) becomes the entry BAD_KEY whose value is the message: keys of
 * texts are UTF-8, so it cannot be another one's, and it is gone with its map when that is
 * overwritten. */
#include <math.h>

#include "value/node.h"
#include "value/number.h"
#include "value/text.h"
#include "value/yaml/parse.h"

#define TAG_PREFIX YAML_TAG_PREFIX
#define BAD_KEY STR("\xff")
#define ALIAS_RATIO_LOW 400000.0
#define ALIAS_RATIO_HIGH 4000000.0
#define DUPLICATES_TOLD 20 /* lines of the message about duplicate keys */

void yaml_past_bound(struct parser *p, struct yaml_mark at, const char *what, size_t max,
                     const char *unit)
{
    if (!p->bound.len)
        p->bound = arena_printf(p->arena, "yaml: line %u column %u: %s %zu %s",
                                at.line + 1 + p->line_base, at.column + 1, what, max, unit);
}

void yaml_decode_error(struct parser *p, str text)
{
    if (!p->decode.len)
        p->decode = text;
}

/* ---- scalars ---- */

static str short_tag(struct parser *p, str tag)
{
    if (!str_starts(tag, STR(TAG_PREFIX)))
        return tag;
    return ARENA_CAT(p->arena, STR("!!"), str_from(tag, sizeof(TAG_PREFIX) - 1));
}

static const char *kind_tag(enum yaml_kind kind)
{
    static const char *const names[] = {
        [YAML_STR] = "!!str", [YAML_NULL] = "!!null", [YAML_BOOL] = "!!bool",
        [YAML_INT] = "!!int", [YAML_UINT] = "!!int",  [YAML_FLOAT] = "!!float",
    };
    return names[kind];
}

/* A tag whose scalar is checked against it. */
static bool kind_of_tag(str tag, enum yaml_kind *ret)
{
    static const struct {
        str tag;
        enum yaml_kind kind;
    } tags[] = {
        {STR_INIT(TAG_PREFIX "null"), YAML_NULL},
        {STR_INIT(TAG_PREFIX "bool"), YAML_BOOL},
        {STR_INIT(TAG_PREFIX "int"), YAML_INT},
        {STR_INIT(TAG_PREFIX "float"), YAML_FLOAT},
    };
    for (size_t i = 0; i < ARRAY_LEN(tags); i++)
        if (str_eq(tag, tags[i].tag)) {
            *ret = tags[i].kind;
            return true;
        }
    return false;
}

static str cannot_decode(struct parser *p, const char *as, const struct ynode *n)
{
    str tag = short_tag(p, n->tag);
    return arena_printf(p->arena, "yaml: cannot decode %s `%.*s` as a %.*s", as, STR_FMT(n->text),
                        STR_FMT(tag));
}

static struct yaml_scalar tagged(struct parser *p, struct ynode *n)
{
    struct yaml_scalar is = {.kind = YAML_STR};
    enum yaml_kind want;
    if (str_is(n->tag, TAG_PREFIX "binary")) {
        if (!yaml_base64(n->text, p->arena, &n->text))
            yaml_decode_error(p, STR("yaml: !!binary value contains invalid base64 data"));
    } else if (str_is(n->tag, TAG_PREFIX "timestamp")) {
        if (yaml_is_timestamp(n->text))
            return is;
        is = yaml_resolve(n->text);
        yaml_decode_error(p, cannot_decode(p, kind_tag(is.kind), n));
    } else if (kind_of_tag(n->tag, &want)) {
        is = yaml_resolve(n->text);
        if (want == YAML_FLOAT && is.kind == YAML_INT)
            is = (struct yaml_scalar){.kind = YAML_FLOAT, .d = (double)is.i};
        else if (is.kind != want && !(want == YAML_INT && is.kind == YAML_UINT))
            yaml_decode_error(p, cannot_decode(p, kind_tag(is.kind), n));
    }
    return is;
}

static struct yaml_scalar resolve(struct parser *p, struct ynode *n)
{
    if (n->tag.len)
        return tagged(p, n);
    if (!n->implicit)
        return (struct yaml_scalar){.kind = YAML_STR};
    return yaml_resolve(n->text);
}

str yaml_json_text(struct arena *a, str s)
{
    if (utf8_valid(s))
        return s;
    char *at = arena_alloc(a, s.len * 3), *w = at;
    const char *end = s.at + s.len;
    for (const char *q = s.at; q < end;) {
        uint32_t rune;
        q += utf8_decode(q, end, &rune);
        w += utf8_encode(rune, w);
    }
    return str_mem(at, (size_t)(w - at));
}

static value float_value(struct parser *p, double d)
{
    if (!isfinite(d)) {
        p->infinite = true;
        return value_of_double(p->arena, d);
    }
    struct yaml_scalar is = yaml_through_json(d);
    return is.kind == YAML_INT    ? value_of_int(p->arena, is.i)
           : is.kind == YAML_UINT ? value_of_uint(p->arena, is.u)
                                  : value_of_double(p->arena, d);
}

static value scalar_value(struct parser *p, struct ynode *n)
{
    struct yaml_scalar is = resolve(p, n);
    if (is.kind > YAML_BOOL && n->text.len > JSON_NUMBER_BYTES_MAX)
        yaml_past_bound(p, n->mark, "number longer than", JSON_NUMBER_BYTES_MAX, "bytes");
    switch (is.kind) {
    case YAML_NULL: return value_null(p->arena);
    case YAML_BOOL: return value_of_bool(p->arena, is.b);
    case YAML_INT: return value_of_int(p->arena, is.i);
    case YAML_UINT: return value_of_uint(p->arena, is.u);
    case YAML_FLOAT: return float_value(p, is.d);
    case YAML_STR: break;
    }
    return value_borrow_str(p->arena, n->tag.len ? yaml_json_text(p->arena, n->text) : n->text);
}

value yaml_decoded(struct parser *p, struct ynode *n)
{
    if (n->kind != SCALAR)
        return n->v;
    value v = scalar_value(p, n);
    value_set_pos(v, (struct value_pos){n->mark.line + 1 + p->line_base, n->mark.column + 1});
    return v;
}

/* ---- the budget of aliases ---- */

bool yaml_is_past_budget(uint64_t decodes, uint64_t alias_decodes)
{
    double n = (double)decodes, allowed = 0.99;
    if (alias_decodes <= 100 || decodes <= 1000)
        return false;
    if (n >= ALIAS_RATIO_HIGH)
        allowed = 0.10;
    else if (n > ALIAS_RATIO_LOW)
        allowed = 0.99 - 0.89 * ((n - ALIAS_RATIO_LOW) / (ALIAS_RATIO_HIGH - ALIAS_RATIO_LOW));
    return (double)alias_decodes / n > allowed;
}

void yaml_check_budget(struct parser *p)
{
    if (yaml_is_past_budget(p->decodes, p->alias_decodes))
        yaml_decode_error(p, STR("yaml: document contains excessive aliasing"));
}

bool yaml_parse_alias(struct parser *p, str name, struct yaml_mark mark, struct ynode *n)
{
    struct anchor *anchor = map_find(&p->anchors, name);
    if (!anchor) {
        p->s.failed = YAML_PARSER;
        p->s.problem_line = p->s.context_line = 0;
        p->s.problem = arena_printf(p->arena, "unknown anchor '%.*s' referenced", STR_FMT(name)).at;
        return false;
    }
    yaml_count_decode(p);
    if (p->nodes) {
        *n = (struct ynode){.kind = SCALAR, .mark = mark, .node = anchor->node.node};
        yaml_node_alias(p, n, name);
        return true;
    }
    *n = anchor->node;
    n->alias = true;
    n->mark = mark;
    if (anchor->open) {
        n->kind = anchor->building->kind; /* a merge asks for it */
        yaml_decode_error(p, arena_printf(p->arena, "yaml: anchor '%.*s' value contains itself",
                                          STR_FMT(name)));
        n->v = value_null(p->arena);
        return true;
    }
    p->decodes += anchor->decodes;
    p->alias_decodes += anchor->decodes;
    yaml_check_budget(p);
    if (p->alias_decodes > YAML_ALIAS_NODES_MAX && !p->decode.len)
        yaml_past_bound(p, mark, "aliases stand for more than", YAML_ALIAS_NODES_MAX, "nodes");
    for (size_t i = anchor->dup_from; i < anchor->dup_to && p->duplicates.n < DUPLICATES_TOLD; i++)
        vec_push(p->arena, &p->duplicates, p->duplicates.at[i]);
    if (n->kind != SCALAR)
        n->v = p->decode.len || p->bound.len ? value_null(p->arena)
                                             : value_copy(p->arena, anchor->node.v);
    return true;
}

/* ---- maps ---- */

static void add_duplicate(struct parser *p, uint32_t line, str key)
{
    if (p->duplicates.n < DUPLICATES_TOLD)
        vec_push(p->arena, &p->duplicates,
                 arena_printf(p->arena, "line %u: key %.*s already set in map", line,
                              STR_FMT(key)));
}

static bool is_merge(const struct ynode *key)
{
    return key->text.len == 2 && key->text.at[0] == '<' && key->text.at[1] == '<' &&
           key->kind == SCALAR && !key->alias &&
           (key->implicit || str_is(key->tag, TAG_PREFIX "merge"));
}

/* A float as Go's %#v shows it. */
static size_t go_float(double d, char *ret)
{
    if (isfinite(d))
        return yaml_print_float(d, 64, ret);
    return (size_t)snprintf(ret, YAML_FLOAT_BYTES_MAX, "%s",
                            isnan(d) ? "NaN"
                            : d > 0  ? "+Inf"
                                     : "-Inf");
}

void yaml_parsed_key(struct parser *p, struct ynode *key)
{
    if (is_merge(key) || p->nodes)
        return;
    if (key->kind == SCALAR && key->text.len > JSON_KEY_BYTES_MAX)
        yaml_past_bound(p, key->mark, "key longer than", JSON_KEY_BYTES_MAX, "bytes");
    if (key->kind != SCALAR)
        yaml_decode_error(p, ARENA_CAT(p->arena, STR("yaml: invalid map key: "),
                                       yaml_go_value(p->arena, key->v)));
    else
        key->is = resolve(p, key);
}

/* What a key is called in JSON. *ret_go: how Go's %#v shows it. */
static str key_text(struct parser *p, const struct ynode *key, str *ret_go)
{
    char text[YAML_FLOAT_BYTES_MAX];
    str s;
    switch (key->is.kind) {
    case YAML_STR:
        s = key->tag.len ? yaml_json_text(p->arena, key->text) : key->text;
        if (p->strict)
            *ret_go = yaml_go_quote(p->arena, s);
        return s.at ? s : STR("");
    case YAML_BOOL: s = key->is.b ? STR("true") : STR("false"); break;
    case YAML_INT: s = arena_str(p->arena, str_mem(text, number_print_int(key->is.i, text))); break;
    case YAML_FLOAT:
        *ret_go = arena_str(p->arena, str_mem(text, go_float(key->is.d, text)));
        return arena_str(p->arena, str_mem(text, yaml_print_float(key->is.d, 32, text)));
    case YAML_UINT:
    case YAML_NULL:
    default: s = STR("interface {}(nil)"); break;
    }
    *ret_go = s;
    return s;
}

/* How a key is known among those that were seen: by kind and text; 0.0 and -0.0 are one. */
static str seen_name(struct arena *a, char kind, str key)
{
    if (kind == YAML_FLOAT && str_is(key, "-0"))
        key = STR("0");
    return ARENA_CAT(a, str_mem(&kind, 1), key);
}

/* When strict: true when the map has the key already; otherwise it is entered. */
static bool is_seen(struct parser *p, struct ynode *map, char kind, str key, str go)
{
    str *told = ARENA_NEW(p->arena, str);
    *told = go;
    if (!map->seen) {
        map->seen = ARENA_NEW(p->arena, struct map);
        map_init(map->seen, p->arena);
    }
    str typed = seen_name(p->arena, kind, key);
    if (map_has(map->seen, typed))
        return true;
    map_set(map->seen, typed, told);
    return false;
}

/* line: of the value where it stands, or of the alias that stands for it. */
static void set_entry(struct parser *p, struct ynode *map, char kind, str key, str go, value val,
                      uint32_t line)
{
    if (p->strict && is_seen(p, map, kind, key, go))
        add_duplicate(p, line, go);
    else
        value_set_borrow_key(p->arena, map->v, key, val);
}

static void merge_map(struct parser *p, struct ynode *map, value from, const struct map *seen)
{
    for (struct value_iter it = value_iter(from); value_next(&it);) {
        bool any = false;
        for (char kind = YAML_STR; seen && kind <= YAML_FLOAT; kind++) {
            const str *go = map_find(seen, seen_name(p->arena, kind, it.key));
            if (go)
                set_entry(p, map, kind, it.key, *go, it.val, value_pos(it.val).line - p->line_base);
            any |= go != NULL;
        }
        if (!any) /* not strict, or BAD_KEY */
            value_set_borrow_key(p->arena, map->v, it.key, it.val);
    }
}

/* `<<`: entries of a map, or of each map of a list (the first wins, so backwards), set over what is
 * there already. What is no map is not decoded, nor what comes before it. */
static void merge(struct parser *p, struct ynode *map, struct ynode *from, str before)
{
    bool ok = from->kind == MAPPING;
    if (from->kind == SEQUENCE && !from->alias) {
        ok = true;
        p->decode = before;
        for (size_t i = value_len(from->v); i-- > 0 && ok;) {
            value item = value_at(from->v, i);
            struct item about = i < from->n_items ? from->item[i] : (struct item){0};
            ok = value_is_map(item);
            if (ok && about.error.len)
                yaml_decode_error(p, about.error);
            if (ok)
                merge_map(p, map, item, about.seen);
        }
    } else if (ok && value_is_map(from->v)) {
        merge_map(p, map, from->v, from->seen);
    } else if (!ok) {
        p->decode = before;
    }
    if (!ok)
        yaml_decode_error(p, STR("yaml: map merge requires map or sequence of maps as the value"));
}

static void set_bad_key(struct parser *p, value map, const struct ynode *key, value val)
{
    str text = yaml_bad_key(p->arena, key->is.kind == YAML_UINT, key->is.u, val);
    p->bad_keys = true;
    if (!value_exists(value_get(map, BAD_KEY)))
        value_set_borrow_key(p->arena, map, BAD_KEY, value_borrow_str(p->arena, text));
}

void yaml_add_entry(struct parser *p, struct ynode *map, struct ynode *key, struct ynode *val,
                    str before)
{
    if (p->nodes) {
        yaml_node_push(map->node, key->node, p->arena);
        yaml_node_push(map->node, val->node, p->arena);
        yaml_node_move_foot(p, map->node);
        return;
    }
    if (is_merge(key)) {
        merge(p, map, val, before);
        return;
    }
    if (key->kind != SCALAR)
        return;
    value v = yaml_decoded(p, val);
    str go = {NULL, 0}, name = key_text(p, key, &go);
    if (key->is.kind == YAML_NULL || key->is.kind == YAML_UINT) {
        set_bad_key(p, map->v, key, v);
        if (p->strict && is_seen(p, map, (char)key->is.kind, name, go))
            add_duplicate(p, val->mark.line + 1, go);
        return;
    }
    if (key->is.kind == YAML_FLOAT && key->is.d == 0 && !p->strict) {
        if (map->zero.len && !str_eq(map->zero, name)) /* 0.0 and -0.0 are one key */
            value_remove(map->v, map->zero);
        map->zero = name;
    }
    set_entry(p, map, (char)key->is.kind, name, go, v, val->mark.line + 1);
}

void yaml_add_item(struct parser *p, struct ynode *list, struct ynode *item, str before)
{
    str own = p->decode;
    p->decode = before.len ? before : own;
    if (p->nodes) {
        yaml_node_push(list->node, item->node, p->arena);
        return;
    }
    size_t i = value_len(list->v);
    p->decode = own;
    value_push(p->arena, list->v, yaml_decoded(p, item)); /* may be the first error */
    own = p->decode;
    p->decode = before.len ? before : own;
    if (!own.len && !item->seen)
        return;
    if (i >= list->n_items) {
        size_t n = MAX_OF(i + 1, list->n_items * 2);
        list->item = arena_grow(p->arena, list->item, list->n_items * sizeof(*list->item),
                                n * sizeof(*list->item));
        list->n_items = n;
    }
    list->item[i] = (struct item){own, item->seen};
}

/* ---- what JSON cannot have ---- */

static str bad_key_in(value v)
{
    str found = value_is_map(v) ? value_str(value_get(v, BAD_KEY)) : STR("");
    for (struct value_iter it = value_iter(v); !found.len && value_next(&it);)
        found = bad_key_in(it.val);
    return found;
}

str yaml_bad_number(value v)
{
    str least = {NULL, 0}, found = {NULL, 0};
    if (value_type(v) == VALUE_DOUBLE && !isfinite(value_double(v)))
        return isnan(value_double(v)) ? STR("json: unsupported value: NaN")
               : value_double(v) > 0  ? STR("json: unsupported value: +Inf")
                                      : STR("json: unsupported value: -Inf");
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        str text = yaml_bad_number(it.val);
        if (text.len && (!found.len || (value_is_map(v) && str_cmp(it.key, least) < 0))) {
            found = text;
            least = it.key;
        }
    }
    return found;
}

str yaml_not_json(const struct parser *p, value root)
{
    str found = p->bad_keys ? bad_key_in(root) : STR("");
    return !found.len && p->infinite ? yaml_bad_number(root) : found;
}
