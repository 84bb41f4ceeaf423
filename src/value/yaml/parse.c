/* From tokens to values. The grammar is walked by recursive descent (bounded by VALUE_DEPTH_MAX)
 * and the tree is made on the way. Upstream works in three stages: parse all, decode all, convert
 * to JSON; so an error of an earlier stage hides those of later ones wherever they stand. Here
 * later-stage errors are kept (`decode`, `duplicates`, `convert`) and the first of the earliest
 * stage is told at the end. */
#include <math.h>

#include "base/map.h"
#include "value/doc.h"
#include "value/number.h"
#include "value/text.h"
#include "value/yaml.h"
#include "value/yaml/direct.h"
#include "value/yaml/resolve.h"
#include "value/yaml/scan.h"
#include "value/yaml/tree.h"

#define TAG_PREFIX "tag:yaml.org,2002:"
#define ALIAS_RATIO_LOW 400000.0
#define ALIAS_RATIO_HIGH 4000000.0
#define DUPLICATES_TOLD 20 /* lines of the message about duplicate keys */

/* A node as the grammar delivers it. A scalar is not resolved yet: a key stays text. */
struct ynode {
    enum { SCALAR, SEQUENCE, MAPPING } kind;
    bool alias, implicit;
    str tag, text;
    struct yaml_mark mark;
    value v;               /* collections */
    struct yaml_scalar is; /* keys: what the text means */
    bool tells;            /* keys: the conversion's message is about this one */
};

struct anchor {
    struct ynode node;
    uint64_t decodes; /* nodes that decoding it costs */
    size_t dup_from, dup_to;
    bool open; /* its node is still being read */
};

struct tag_rule {
    str handle, prefix;
};

struct parser {
    struct yaml_scan s;
    struct arena *arena;
    bool strict;
    uint32_t line_base; /* added to positions of values */
    unsigned depth;
    bool too_deep, too_many_aliases;
    VEC(struct tag_rule) rules;
    struct map anchors;
    uint64_t decodes, alias_decodes;
    str decode;        /* first decoding error, with its "yaml: " */
    bool converts_not; /* a key was met that JSON cannot have; the outermost one is told */
    str convert;       /* error of the conversion to JSON */
    bool infinite;     /* a number was met that JSON cannot have */
    VEC(str) duplicates;
};

static bool parse_node(struct parser *p, bool block, bool indentless, struct ynode *n);

/* ---- errors ---- */

static bool parser_error(struct parser *p, const char *problem, uint32_t line, uint32_t context)
{
    p->s.failed = YAML_PARSER;
    p->s.problem = problem;
    p->s.problem_line = line;
    p->s.context_line = context;
    return false;
}

static void decode_error(struct parser *p, str text)
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
            decode_error(p, STR("yaml: !!binary value contains invalid base64 data"));
    } else if (str_is(n->tag, TAG_PREFIX "timestamp")) {
        if (yaml_is_timestamp(n->text))
            return is;
        is = yaml_resolve(n->text);
        decode_error(p, cannot_decode(p, kind_tag(is.kind), n));
    } else if (kind_of_tag(n->tag, &want)) {
        is = yaml_resolve(n->text);
        if (want == YAML_FLOAT && is.kind == YAML_INT)
            is = (struct yaml_scalar){.kind = YAML_FLOAT, .d = (double)is.i};
        else if (is.kind != want && !(want == YAML_INT && is.kind == YAML_UINT))
            decode_error(p, cannot_decode(p, kind_tag(is.kind), n));
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

/* Text as JSON can hold it: each byte that is not UTF-8 becomes U+FFFD (only !!binary has such). */
static str json_text(struct arena *a, str s)
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
    switch (is.kind) {
    case YAML_NULL: return value_null(p->arena);
    case YAML_BOOL: return value_of_bool(p->arena, is.b);
    case YAML_INT: return value_of_int(p->arena, is.i);
    case YAML_UINT: return value_of_uint(p->arena, is.u);
    case YAML_FLOAT: return float_value(p, is.d);
    case YAML_STR: break;
    }
    return value_borrow_str(p->arena, n->tag.len ? json_text(p->arena, n->text) : n->text);
}

static value node_value(struct parser *p, struct ynode *n)
{
    if (n->kind != SCALAR)
        return n->v;
    value v = scalar_value(p, n);
    value_set_pos(v, (struct value_pos){n->mark.line + 1 + p->line_base, n->mark.column + 1});
    return v;
}

/* ---- the budget of aliases ---- */

static void check_budget(struct parser *p)
{
    double n = (double)p->decodes, allowed = 0.99;
    if (p->alias_decodes <= 100 || p->decodes <= 1000)
        return;
    if (n >= ALIAS_RATIO_HIGH)
        allowed = 0.10;
    else if (n > ALIAS_RATIO_LOW)
        allowed = 0.99 - 0.89 * ((n - ALIAS_RATIO_LOW) / (ALIAS_RATIO_HIGH - ALIAS_RATIO_LOW));
    if ((double)p->alias_decodes / n > allowed)
        decode_error(p, STR("yaml: document contains excessive aliasing"));
}

static inline void count_decode(struct parser *p)
{
    p->decodes++;
    if (p->alias_decodes > 100)
        check_budget(p);
}

static bool parse_alias(struct parser *p, str name, struct yaml_mark mark, struct ynode *n)
{
    struct anchor *anchor = map_find(&p->anchors, name);
    if (!anchor) {
        p->s.failed = YAML_PARSER;
        p->s.problem_line = p->s.context_line = 0;
        p->s.problem = arena_printf(p->arena, "unknown anchor '%.*s' referenced", STR_FMT(name)).at;
        return false;
    }
    count_decode(p);
    *n = anchor->node;
    n->alias = true;
    n->mark = mark;
    if (anchor->open) {
        decode_error(p, arena_printf(p->arena, "yaml: anchor '%.*s' value contains itself",
                                     STR_FMT(name)));
        n->v = value_null(p->arena);
        return true;
    }
    p->decodes += anchor->decodes;
    p->alias_decodes += anchor->decodes;
    check_budget(p);
    if (p->alias_decodes > YAML_ALIAS_NODES_MAX && !p->decode.len)
        p->too_many_aliases = true;
    for (size_t i = anchor->dup_from; i < anchor->dup_to && p->duplicates.n < DUPLICATES_TOLD; i++)
        vec_push(p->arena, &p->duplicates, p->duplicates.at[i]);
    if (n->kind != SCALAR)
        n->v = p->decode.len || p->too_many_aliases ? value_null(p->arena)
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

/* A key is decoded before its value is looked at. */
static void parsed_key(struct parser *p, struct ynode *key)
{
    if (is_merge(key))
        return;
    if (key->kind != SCALAR) {
        decode_error(p, ARENA_CAT(p->arena, STR("yaml: invalid map key: "),
                                  yaml_go_value(p->arena, key->v)));
        return;
    }
    key->is = resolve(p, key);
    if ((key->is.kind == YAML_NULL || key->is.kind == YAML_UINT) && !p->converts_not)
        key->tells = p->converts_not = true;
}

/* What a key is called in JSON. *ret_go: how Go's %#v shows it. */
static str key_text(struct parser *p, const struct ynode *key, value val, str *ret_go)
{
    char text[YAML_FLOAT_BYTES_MAX];
    str s;
    switch (key->is.kind) {
    case YAML_STR:
        s = key->tag.len ? json_text(p->arena, key->text) : key->text;
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
    default:
        if (key->tells)
            p->convert = yaml_bad_key(p->arena, key->is.kind == YAML_UINT, key->is.u, val);
        *ret_go = STR("interface {}(nil)");
        return STR("");
    }
    *ret_go = s;
    return s;
}

static void set_entry(struct parser *p, value map, str key, str go, value val)
{
    if (p->strict && value_exists(value_get(map, key)))
        add_duplicate(p, value_pos(val).line - p->line_base, go);
    else
        value_set_borrow_key(p->arena, map, key, val);
}

static void merge_map(struct parser *p, value map, value from)
{
    for (struct value_iter it = value_iter(from); value_next(&it);)
        set_entry(p, map, it.key, p->strict ? yaml_go_quote(p->arena, it.key) : it.key, it.val);
}

/* `<<`: entries of a map, or of each map of a list (the first wins, so backwards), set over what is
 * there already. `before`: the error there was before the value was read; what is no map is not
 * decoded. */
static void merge(struct parser *p, value map, struct ynode *from, str before)
{
    bool ok = from->kind == MAPPING;
    if (from->kind == SEQUENCE && !from->alias) {
        ok = true;
        for (size_t i = value_len(from->v); i-- > 0 && ok;) {
            value item = value_at(from->v, i);
            ok = value_is_map(item);
            if (ok)
                merge_map(p, map, item);
        }
    } else if (ok && value_is_map(from->v)) {
        merge_map(p, map, from->v);
    }
    if (ok)
        return;
    p->decode = before;
    decode_error(p, STR("yaml: map merge requires map or sequence of maps as the value"));
}

static void add_entry(struct parser *p, value map, struct ynode *key, struct ynode *val, str before)
{
    if (is_merge(key)) {
        merge(p, map, val, before);
        return;
    }
    if (key->kind != SCALAR)
        return;
    value v = node_value(p, val);
    str go = {NULL, 0};
    str name = key_text(p, key, v, &go);
    set_entry(p, map, name, go, v);
}

/* ---- the grammar ---- */

static bool one_of(enum yaml_token_type type, enum yaml_token_type a, enum yaml_token_type b,
                   enum yaml_token_type c)
{
    return type == a || type == b || type == c;
}

static bool empty_node(struct parser *p, struct yaml_mark mark, struct ynode *n)
{
    *n = (struct ynode){.kind = SCALAR, .implicit = true, .text = STR(""), .mark = mark};
    count_decode(p);
    return true;
}

static value begin(struct parser *p, struct ynode *n, int kind)
{
    n->kind = kind;
    n->v = kind == MAPPING ? value_new_map(p->arena) : value_new_list(p->arena);
    value_set_pos(n->v, (struct value_pos){n->mark.line + 1 + p->line_base, n->mark.column + 1});
    return n->v;
}

static bool block_sequence(struct parser *p, struct ynode *n)
{
    value list = begin(p, n, SEQUENCE);
    struct yaml_token *t = yaml_peek(&p->s);
    struct yaml_mark context = t->start;
    yaml_skip(&p->s);
    for (;;) {
        if (!(t = yaml_peek(&p->s)))
            return false;
        if (t->type == YAML_T_BLOCK_END) {
            yaml_skip(&p->s);
            return true;
        }
        if (t->type != YAML_T_BLOCK_ENTRY)
            return parser_error(p, "did not find expected '-' indicator", t->start.line,
                                context.line);
        struct yaml_mark mark = t->end;
        struct ynode item;
        yaml_skip(&p->s);
        if (!(t = yaml_peek(&p->s)))
            return false;
        if (!(t->type == YAML_T_BLOCK_ENTRY || t->type == YAML_T_BLOCK_END
                  ? empty_node(p, mark, &item)
                  : parse_node(p, true, false, &item)))
            return false;
        value_push(p->arena, list, node_value(p, &item));
    }
}

static bool indentless_sequence(struct parser *p, struct ynode *n)
{
    value list = begin(p, n, SEQUENCE);
    for (;;) {
        struct yaml_token *t = yaml_peek(&p->s);
        if (!t)
            return false;
        if (t->type != YAML_T_BLOCK_ENTRY)
            return true;
        struct yaml_mark mark = t->end;
        struct ynode item;
        yaml_skip(&p->s);
        if (!(t = yaml_peek(&p->s)))
            return false;
        if (!(t->type == YAML_T_BLOCK_ENTRY ||
                      one_of(t->type, YAML_T_KEY, YAML_T_VALUE, YAML_T_BLOCK_END)
                  ? empty_node(p, mark, &item)
                  : parse_node(p, true, false, &item)))
            return false;
        value_push(p->arena, list, node_value(p, &item));
    }
}

/* Behind KEY or VALUE in a block mapping: a node, or nothing. */
static bool block_mapping_part(struct parser *p, struct yaml_mark mark, struct ynode *n)
{
    struct yaml_token *t = yaml_peek(&p->s);
    if (!t)
        return false;
    if (one_of(t->type, YAML_T_KEY, YAML_T_VALUE, YAML_T_BLOCK_END))
        return empty_node(p, mark, n);
    return parse_node(p, true, true, n);
}

static bool block_mapping(struct parser *p, struct ynode *n)
{
    value map = begin(p, n, MAPPING);
    struct yaml_token *t = yaml_peek(&p->s);
    struct yaml_mark context = t->start;
    yaml_skip(&p->s);
    for (;;) {
        struct ynode key, val;
        if (!(t = yaml_peek(&p->s)))
            return false;
        if (t->type == YAML_T_BLOCK_END) {
            yaml_skip(&p->s);
            return true;
        }
        if (t->type != YAML_T_KEY)
            return parser_error(p, "did not find expected key", t->start.line, context.line);
        struct yaml_mark mark = t->end;
        yaml_skip(&p->s);
        if (!block_mapping_part(p, mark, &key) || !(t = yaml_peek(&p->s)))
            return false;
        mark = t->start;
        parsed_key(p, &key);
        str before = p->decode;
        if (t->type == YAML_T_VALUE) {
            mark = t->end;
            yaml_skip(&p->s);
            if (!block_mapping_part(p, mark, &val))
                return false;
        } else {
            empty_node(p, mark, &val);
        }
        add_entry(p, map, &key, &val, before);
    }
}

/* The value of a pair in a flow collection: `: node`, or nothing before `,` and the closing
 * bracket. */
static bool flow_value(struct parser *p, enum yaml_token_type close, struct ynode *n)
{
    struct yaml_token *t = yaml_peek(&p->s);
    if (!t)
        return false;
    if (t->type == YAML_T_VALUE) {
        yaml_skip(&p->s);
        if (!(t = yaml_peek(&p->s)))
            return false;
        if (t->type != YAML_T_FLOW_ENTRY && t->type != close)
            return parse_node(p, false, false, n);
    }
    return empty_node(p, t->start, n);
}

/* `[a: b]`: a map of one pair inside a flow sequence. */
static bool flow_pair(struct parser *p, struct ynode *n)
{
    struct yaml_token *t = yaml_peek(&p->s);
    struct ynode key, val;
    *n = (struct ynode){.mark = t->start};
    value map = begin(p, n, MAPPING);
    count_decode(p);
    yaml_skip(&p->s);
    if (!(t = yaml_peek(&p->s)))
        return false;
    if (one_of(t->type, YAML_T_VALUE, YAML_T_FLOW_ENTRY, YAML_T_FLOW_SEQUENCE_END)) {
        struct yaml_mark mark = t->end;
        yaml_skip(&p->s); /* upstream takes this token, whatever it is */
        empty_node(p, mark, &key);
    } else if (!parse_node(p, false, false, &key)) {
        return false;
    }
    parsed_key(p, &key);
    str before = p->decode;
    if (!flow_value(p, YAML_T_FLOW_SEQUENCE_END, &val))
        return false;
    add_entry(p, map, &key, &val, before);
    return yaml_peek(&p->s);
}

/* In front of an entry that is not the first there has to be a comma. */
static struct yaml_token *flow_comma(struct parser *p, struct yaml_token *t, const char *problem,
                                     struct yaml_mark context)
{
    if (t->type != YAML_T_FLOW_ENTRY) {
        parser_error(p, problem, t->start.line, context.line);
        return NULL;
    }
    yaml_skip(&p->s);
    return yaml_peek(&p->s);
}

static bool flow_sequence(struct parser *p, struct ynode *n)
{
    value list = begin(p, n, SEQUENCE);
    struct yaml_token *t = yaml_peek(&p->s);
    struct yaml_mark context = t->start;
    yaml_skip(&p->s);
    for (bool first = true;; first = false) {
        struct ynode item;
        if (!(t = yaml_peek(&p->s)))
            return false;
        if (t->type != YAML_T_FLOW_SEQUENCE_END && !first &&
            !(t = flow_comma(p, t, "did not find expected ',' or ']'", context)))
            return false;
        if (t->type == YAML_T_FLOW_SEQUENCE_END)
            break;
        if (!(t->type == YAML_T_KEY ? flow_pair(p, &item) : parse_node(p, false, false, &item)))
            return false;
        value_push(p->arena, list, node_value(p, &item));
    }
    yaml_skip(&p->s);
    return true;
}

static bool flow_mapping(struct parser *p, struct ynode *n)
{
    value map = begin(p, n, MAPPING);
    struct yaml_token *t = yaml_peek(&p->s);
    struct yaml_mark context = t->start;
    yaml_skip(&p->s);
    for (bool first = true;; first = false) {
        struct ynode key, val;
        if (!(t = yaml_peek(&p->s)))
            return false;
        if (t->type != YAML_T_FLOW_MAPPING_END && !first &&
            !(t = flow_comma(p, t, "did not find expected ',' or '}'", context)))
            return false;
        if (t->type == YAML_T_FLOW_MAPPING_END)
            break;
        bool pair = t->type == YAML_T_KEY;
        if (pair) {
            yaml_skip(&p->s);
            if (!(t = yaml_peek(&p->s)))
                return false;
        }
        bool no_key =
            pair && one_of(t->type, YAML_T_VALUE, YAML_T_FLOW_ENTRY, YAML_T_FLOW_MAPPING_END);
        if (!(no_key ? empty_node(p, t->start, &key) : parse_node(p, false, false, &key)))
            return false;
        parsed_key(p, &key);
        str before = p->decode;
        if (!(t = yaml_peek(&p->s)) ||
            !(pair ? flow_value(p, YAML_T_FLOW_MAPPING_END, &val) : empty_node(p, t->start, &val)))
            return false;
        add_entry(p, map, &key, &val, before);
    }
    yaml_skip(&p->s);
    return true;
}

/* Tag and anchor in front of a node, in any order. The tag is written out; *ret_anchor .at NULL:
 * none. */
static bool properties(struct parser *p, struct yaml_token *t, struct ynode *n, str *ret_anchor)
{
    str handle = {NULL, 0}, suffix = {NULL, 0};
    uint32_t tag_line = 0;
    bool tag = false, anchor = false;
    n->mark = t->start;
    while ((t->type == YAML_T_ANCHOR && !anchor) || (t->type == YAML_T_TAG && !tag)) {
        if (t->type == YAML_T_ANCHOR) {
            anchor = true;
            *ret_anchor = t->text;
        } else {
            tag = true;
            handle = t->text;
            suffix = t->suffix;
            tag_line = t->start.line;
        }
        yaml_skip(&p->s);
        if (!(t = yaml_peek(&p->s)))
            return false;
    }
    if (!tag)
        return true;
    if (!handle.len)
        n->tag = suffix;
    for (size_t i = 0; handle.len && i < p->rules.n; i++)
        if (str_eq(p->rules.at[i].handle, handle)) {
            n->tag = ARENA_CAT(p->arena, p->rules.at[i].prefix, suffix);
            break;
        }
    if (!n->tag.len)
        return parser_error(p, "found undefined tag handle", tag_line, n->mark.line);
    return true;
}

static bool parse_content(struct parser *p, bool block, bool indentless, struct ynode *n)
{
    struct yaml_token *t = yaml_peek(&p->s);
    switch (t->type) {
    case YAML_T_SCALAR:
        n->implicit = n->tag.len ? n->tag.len == 1 && n->tag.at[0] == '!' : t->plain;
        n->text = t->text;
        yaml_skip(&p->s);
        return true;
    case YAML_T_BLOCK_ENTRY:
        if (indentless)
            return indentless_sequence(p, n);
        break;
    case YAML_T_FLOW_SEQUENCE_START: return flow_sequence(p, n);
    case YAML_T_FLOW_MAPPING_START: return flow_mapping(p, n);
    case YAML_T_BLOCK_SEQUENCE_START:
        if (block)
            return block_sequence(p, n);
        break;
    case YAML_T_BLOCK_MAPPING_START:
        if (block)
            return block_mapping(p, n);
        break;
    default: break;
    }
    return parser_error(p, "did not find expected node content", t->start.line, n->mark.line);
}

static bool is_content(enum yaml_token_type type, bool block, bool indentless)
{
    return type == YAML_T_SCALAR || type == YAML_T_FLOW_SEQUENCE_START ||
           type == YAML_T_FLOW_MAPPING_START || (indentless && type == YAML_T_BLOCK_ENTRY) ||
           (block && (type == YAML_T_BLOCK_SEQUENCE_START || type == YAML_T_BLOCK_MAPPING_START));
}

static bool parse_node(struct parser *p, bool block, bool indentless, struct ynode *n)
{
    struct yaml_token *t = yaml_peek(&p->s);
    if (!t)
        return false;
    *n = (struct ynode){.text = STR(""), .mark = t->start};
    if (t->type == YAML_T_ALIAS) {
        str name = t->text;
        yaml_skip(&p->s);
        return parse_alias(p, name, n->mark, n);
    }
    if (++p->depth > VALUE_DEPTH_MAX) {
        p->too_deep = true;
        return parser_error(p, "nested too deep", t->start.line, 0);
    }
    str name = {NULL, 0};
    struct anchor *anchor = NULL;
    count_decode(p);
    if (t->type == YAML_T_TAG || t->type == YAML_T_ANCHOR) {
        if (!properties(p, t, n, &name) || !(t = yaml_peek(&p->s)))
            return false;
        if (name.at) {
            anchor = ARENA_NEW(p->arena, struct anchor);
            anchor->open = true;
            anchor->dup_from = p->duplicates.n;
            anchor->decodes = p->decodes - 1;
            map_set(&p->anchors, name, anchor);
        }
    }
    if ((n->tag.len || name.at) && !is_content(t->type, block, indentless))
        n->implicit = !n->tag.len; /* a node that is only properties */
    else if (!parse_content(p, block, indentless, n))
        return false;
    if (anchor) {
        anchor->node = *n;
        anchor->decodes = p->decodes - anchor->decodes;
        anchor->dup_to = p->duplicates.n;
        anchor->open = false;
    }
    p->depth--;
    return true;
}

/* ---- documents ---- */

static bool directives(struct parser *p)
{
    struct yaml_token *t = yaml_peek(&p->s);
    bool version = false;
    for (; t && (t->type == YAML_T_VERSION_DIRECTIVE || t->type == YAML_T_TAG_DIRECTIVE);
         yaml_skip(&p->s), t = yaml_peek(&p->s)) {
        if (t->type == YAML_T_VERSION_DIRECTIVE) {
            if (version)
                return parser_error(p, "found duplicate %YAML directive", t->start.line, 0);
            if (t->text.at[0] != 1 || t->text.at[1] != 1)
                return parser_error(p, "found incompatible YAML document", t->start.line, 0);
            version = true;
            continue;
        }
        for (size_t i = 0; i < p->rules.n; i++)
            if (str_eq(p->rules.at[i].handle, t->text))
                return parser_error(p, "found duplicate %TAG directive", t->start.line, 0);
        vec_push(p->arena, &p->rules, (struct tag_rule){t->text, t->suffix});
    }
    vec_push(p->arena, &p->rules, (struct tag_rule){STR("!"), STR("!")});
    vec_push(p->arena, &p->rules, (struct tag_rule){STR("!!"), STR(TAG_PREFIX)});
    return t;
}

static bool parse_document(struct parser *p, value *ret)
{
    struct ynode n;
    *ret = VALUE_ABSENT;
    struct yaml_token *t = yaml_peek(&p->s); /* stream start */
    if (!t)
        return false;
    yaml_skip(&p->s);
    if (!(t = yaml_peek(&p->s)))
        return false;
    if (t->type == YAML_T_STREAM_END)
        return true;
    bool is_explicit = t->type == YAML_T_DOCUMENT_START || t->type == YAML_T_VERSION_DIRECTIVE ||
                       t->type == YAML_T_TAG_DIRECTIVE;
    if (!directives(p) || !(t = yaml_peek(&p->s)))
        return false;
    bool empty = false;
    if (is_explicit) {
        if (t->type != YAML_T_DOCUMENT_START)
            return parser_error(p, "did not find expected <document start>", t->start.line, 0);
        yaml_skip(&p->s);
        if (!(t = yaml_peek(&p->s)))
            return false;
        empty =
            t->type == YAML_T_DOCUMENT_END || t->type == YAML_T_STREAM_END ||
            one_of(t->type, YAML_T_DOCUMENT_START, YAML_T_VERSION_DIRECTIVE, YAML_T_TAG_DIRECTIVE);
    }
    p->decodes++; /* the document */
    if (empty)
        empty_node(p, t->start, &n);
    else if (!parse_node(p, true, false, &n))
        return false;
    if (!yaml_peek(&p->s)) /* what follows is looked at, and not more */
        return false;
    *ret = node_value(p, &n);
    return true;
}

/* ---- the outside ---- */

static int fail(const struct yaml_input *in, int kind, struct err *err, const char *text, int len)
{
    if (in->name.len)
        return err_set(err, kind, "%.*s: %.*s", STR_FMT(in->name), len, text);
    return err_set(err, kind, "%.*s", len, text);
}

static int syntax_error(const struct parser *p, const struct yaml_input *in, struct err *err)
{
    char text[ERR_TEXT_MAX];
    uint32_t line =
        p->s.problem_line ? p->s.problem_line + (p->s.failed == YAML_SCANNER) : p->s.context_line;
    if (p->too_deep) {
        snprintf(text, sizeof(text), "yaml: line %u: nested deeper than %d levels",
                 p->s.problem_line + 1, VALUE_DEPTH_MAX);
        return fail(in, ERR_TOO_LARGE, err, text, (int)strlen(text));
    }
    if (line)
        snprintf(text, sizeof(text), "yaml: line %u: %s", line, p->s.problem);
    else
        snprintf(text, sizeof(text), "yaml: %s", p->s.problem);
    return fail(in, ERR_INVALID, err, text, (int)strlen(text));
}

/* The first number, in the order of sorted keys, that JSON cannot have; empty: there is none. */
static str unsupported(value v)
{
    str least = {NULL, 0}, found = {NULL, 0};
    if (value_type(v) == VALUE_DOUBLE && !isfinite(value_double(v)))
        return isnan(value_double(v)) ? STR("json: unsupported value: NaN")
               : value_double(v) > 0  ? STR("json: unsupported value: +Inf")
                                      : STR("json: unsupported value: -Inf");
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        str text = unsupported(it.val);
        if (text.len && (!found.len || (value_is_map(v) && str_cmp(it.key, least) < 0))) {
            found = text;
            least = it.key;
        }
    }
    return found;
}

static int later_error(struct parser *p, const struct yaml_input *in, value root, struct err *err)
{
    str text = {NULL, 0};
    if (p->decode.len) {
        text = p->decode;
    } else if (p->too_many_aliases) {
        text = arena_printf(p->arena, "yaml: aliases stand for more than %d nodes",
                            YAML_ALIAS_NODES_MAX);
        return fail(in, ERR_TOO_LARGE, err, text.at, (int)text.len);
    } else if (p->duplicates.n) {
        text = STR("yaml: unmarshal errors:");
        for (size_t i = 0; i < p->duplicates.n; i++)
            text = ARENA_CAT(p->arena, text, STR("\n  "), p->duplicates.at[i]);
    } else {
        text = p->convert.len ? p->convert : p->infinite ? unsupported(root) : text;
    }
    return text.len ? fail(in, ERR_INVALID, err, text.at, (int)MIN_OF(text.len, (size_t)900)) : 0;
}

static const struct yaml_input defaults;

static int take_in(str text, const struct yaml_input *in, uint32_t line_base, struct arena *a,
                   struct parser *ret, struct err *err)
{
    size_t bytes_max = in->bytes_max ? in->bytes_max : YAML_BYTES_MAX;
    if (text.len > bytes_max) {
        char say[80];
        int n = snprintf(say, sizeof(say), "yaml: text is larger than %zu bytes", bytes_max);
        return fail(in, ERR_TOO_LARGE, err, say, n);
    }
    *ret = (struct parser){.arena = a, .strict = in->strict, .line_base = line_base};
    yaml_scan_init(&ret->s, text, a);
    return 0;
}

static int parse(struct parser *p, const struct yaml_input *in, value *ret, struct err *err)
{
    value v;
    map_init(&p->anchors, p->arena);
    if (!parse_document(p, &v))
        return syntax_error(p, in, err);
    int r = later_error(p, in, v, err);
    if (!r)
        *ret = value_exists(v) ? v : value_null(p->arena);
    return r;
}

int yaml_parse_any(str text, const struct yaml_input *in, struct arena *a, value *ret,
                   struct err *err)
{
    struct parser p;
    in = in ? in : &defaults;
    int r = take_in(text, in, 0, a, &p, err);
    return r ? r : parse(&p, in, ret, err);
}

int yaml_parse_at(str text, const struct yaml_input *in, uint32_t line_base, struct arena *a,
                  value *ret, struct err *err)
{
    struct parser p;
    in = in ? in : &defaults;
    int r = take_in(text, in, line_base, a, &p, err);
    if (r)
        return r;
    struct doc *d = yaml_direct(&p.s, true, line_base);
    if (!d)
        return parse(&p, in, ret, err);
    *ret = value_thaw(a, doc_root(d));
    doc_unref(d);
    return 0;
}

int yaml_parse(str text, const struct yaml_input *in, struct arena *a, value *ret, struct err *err)
{
    return yaml_parse_at(text, in, 0, a, ret, err);
}

int yaml_parse_doc(str text, const struct yaml_input *in, struct doc **ret, struct err *err)
{
    struct arena a;
    struct parser p;
    value v;
    in = in ? in : &defaults;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    int r = take_in(text, in, 0, &a, &p, err);
    struct doc *d = r ? NULL : yaml_direct(&p.s, in->keep_positions, 0);
    if (!d && !r && !(r = parse(&p, in, &v, err)))
        d = doc_freeze(v, in->keep_positions ? DOC_KEEP_POSITIONS : 0);
    if (!r)
        *ret = d;
    arena_done(&a);
    return r;
}
