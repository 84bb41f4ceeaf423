/* From tokens to nodes. The grammar is walked by recursive descent (bounded by VALUE_DEPTH_MAX) and
 * the tree is made on the way (decode.c). */
#include "value/doc.h"
#include "value/yaml/direct.h"
#include "value/yaml/parse.h"

static bool parse_node(struct parser *p, bool block, bool indentless, struct ynode *n);

static bool parser_error(struct parser *p, const char *problem, uint32_t line, uint32_t context)
{
    p->s.failed = YAML_PARSER;
    p->s.problem = problem;
    p->s.problem_line = line;
    p->s.context_line = context;
    return false;
}

/* ---- the grammar ---- */

static struct yaml_token *peek(struct parser *p)
{
    struct yaml_token *t = yaml_peek(&p->s);
    if (p->s.next_comment < p->s.comments.n && t)
        yaml_node_unfold(p, t);
    return t;
}

static bool one_of(enum yaml_token_type type, enum yaml_token_type a, enum yaml_token_type b,
                   enum yaml_token_type c)
{
    return type == a || type == b || type == c;
}

static bool empty_node(struct parser *p, struct yaml_mark mark, struct ynode *n)
{
    *n = (struct ynode){.kind = SCALAR, .implicit = true, .text = STR(""), .mark = mark};
    if (p->nodes)
        yaml_node_scalar(p, n, 0);
    yaml_count_decode(p);
    return true;
}

static void begin(struct parser *p, struct ynode *n, int kind)
{
    n->kind = kind;
    if (p->nodes) {
        yaml_node_begin(p, n);
        return;
    }
    n->v = kind == MAPPING ? value_new_map(p->arena) : value_new_list(p->arena);
    value_set_pos(n->v, (struct value_pos){n->mark.line + 1 + p->line_base, n->mark.column + 1});
}

/* Over a dash. A head that stands above it is that of the collection behind it, when there is one.
 */
static struct yaml_token *dash(struct parser *p)
{
    size_t above = p->nodes ? p->comments->head.len : 0;
    yaml_skip(&p->s);
    struct yaml_token *t = peek(p);
    if (above && t &&
        (t->type == YAML_T_BLOCK_SEQUENCE_START || t->type == YAML_T_BLOCK_MAPPING_START))
        yaml_node_split_stem(p, above);
    return t;
}

/* An item's own error is kept apart: a merge of items asks for it. yaml_add_item puts the first of
 * both back. */
static str take_error(struct parser *p)
{
    str before = p->decode;
    p->decode = (str){NULL, 0};
    return before;
}

static bool block_sequence(struct parser *p, struct ynode *n)
{
    begin(p, n, SEQUENCE);
    struct yaml_token *t = peek(p);
    struct yaml_mark context = t->start;
    yaml_skip(&p->s);
    for (;;) {
        if (!(t = peek(p)))
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
        str before = take_error(p);
        if (!(t = dash(p)))
            return false;
        if (!(t->type == YAML_T_BLOCK_ENTRY || t->type == YAML_T_BLOCK_END
                  ? empty_node(p, mark, &item)
                  : parse_node(p, true, false, &item)))
            return false;
        yaml_add_item(p, n, &item, before);
    }
}

static bool indentless_sequence(struct parser *p, struct ynode *n)
{
    begin(p, n, SEQUENCE);
    for (;;) {
        struct yaml_token *t = peek(p);
        if (!t)
            return false;
        if (t->type != YAML_T_BLOCK_ENTRY)
            return true;
        struct yaml_mark mark = t->end;
        struct ynode item;
        str before = take_error(p);
        if (!(t = dash(p)))
            return false;
        if (!(t->type == YAML_T_BLOCK_ENTRY ||
                      one_of(t->type, YAML_T_KEY, YAML_T_VALUE, YAML_T_BLOCK_END)
                  ? empty_node(p, mark, &item)
                  : parse_node(p, true, false, &item)))
            return false;
        yaml_add_item(p, n, &item, before);
    }
}

/* Behind KEY or VALUE in a block mapping: a node, or nothing. */
static bool block_mapping_part(struct parser *p, struct yaml_mark mark, struct ynode *n)
{
    struct yaml_token *t = peek(p);
    if (!t)
        return false;
    if (one_of(t->type, YAML_T_KEY, YAML_T_VALUE, YAML_T_BLOCK_END))
        return empty_node(p, mark, n);
    return parse_node(p, true, true, n);
}

static bool block_mapping(struct parser *p, struct ynode *n)
{
    begin(p, n, MAPPING);
    struct yaml_token *t = peek(p);
    struct yaml_mark context = t->start;
    yaml_skip(&p->s);
    for (;;) {
        struct ynode key, val;
        if (!(t = peek(p)))
            return false;
        if (t->type == YAML_T_BLOCK_END) {
            yaml_node_end(p, n);
            yaml_skip(&p->s);
            return true;
        }
        if (t->type != YAML_T_KEY)
            return parser_error(p, "did not find expected key", t->start.line, context.line);
        struct yaml_mark mark = t->end;
        yaml_skip(&p->s);
        if (!block_mapping_part(p, mark, &key) || !(t = peek(p)))
            return false;
        mark = t->start;
        yaml_parsed_key(p, &key);
        str before = p->decode;
        if (t->type == YAML_T_VALUE) {
            mark = t->end;
            yaml_skip(&p->s);
            if (!block_mapping_part(p, mark, &val))
                return false;
        } else {
            empty_node(p, mark, &val);
        }
        yaml_add_entry(p, n, &key, &val, before);
    }
}

/* The value of a pair in a flow collection: `: node`, or nothing before `,` and the closing
 * bracket. */
static bool flow_value(struct parser *p, enum yaml_token_type close, struct ynode *n)
{
    struct yaml_token *t = peek(p);
    if (!t)
        return false;
    if (t->type == YAML_T_VALUE) {
        yaml_skip(&p->s);
        if (!(t = peek(p)))
            return false;
        if (t->type != YAML_T_FLOW_ENTRY && t->type != close)
            return parse_node(p, false, false, n);
    }
    return empty_node(p, t->start, n);
}

/* `[a: b]`: a map of one pair inside a flow sequence. */
static bool flow_pair(struct parser *p, struct ynode *n)
{
    struct yaml_token *t = peek(p);
    struct ynode key, val;
    *n = (struct ynode){.mark = t->start};
    begin(p, n, MAPPING);
    yaml_count_decode(p);
    yaml_skip(&p->s);
    if (!(t = peek(p)))
        return false;
    if (one_of(t->type, YAML_T_VALUE, YAML_T_FLOW_ENTRY, YAML_T_FLOW_SEQUENCE_END)) {
        struct yaml_mark mark = t->end;
        yaml_skip(&p->s); /* upstream takes this token, whatever it is */
        empty_node(p, mark, &key);
    } else if (!parse_node(p, false, false, &key)) {
        return false;
    }
    yaml_parsed_key(p, &key);
    str before = p->decode;
    if (!flow_value(p, YAML_T_FLOW_SEQUENCE_END, &val))
        return false;
    yaml_add_entry(p, n, &key, &val, before);
    return peek(p);
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
    return peek(p);
}

static bool flow_sequence(struct parser *p, struct ynode *n)
{
    begin(p, n, SEQUENCE);
    struct yaml_token *t = peek(p);
    struct yaml_mark context = t->start;
    yaml_skip(&p->s);
    for (bool first = true;; first = false) {
        struct ynode item;
        if (!(t = peek(p)))
            return false;
        if (t->type != YAML_T_FLOW_SEQUENCE_END && !first &&
            !(t = flow_comma(p, t, "did not find expected ',' or ']'", context)))
            return false;
        if (t->type == YAML_T_FLOW_SEQUENCE_END)
            break;
        str before = take_error(p);
        if (!(t->type == YAML_T_KEY ? flow_pair(p, &item) : parse_node(p, false, false, &item)))
            return false;
        yaml_add_item(p, n, &item, before);
    }
    yaml_node_end(p, n);
    yaml_skip(&p->s);
    return true;
}

static bool flow_mapping(struct parser *p, struct ynode *n)
{
    begin(p, n, MAPPING);
    struct yaml_token *t = peek(p);
    struct yaml_mark context = t->start;
    yaml_skip(&p->s);
    for (bool first = true;; first = false) {
        struct ynode key, val;
        if (!(t = peek(p)))
            return false;
        if (t->type != YAML_T_FLOW_MAPPING_END && !first &&
            !(t = flow_comma(p, t, "did not find expected ',' or '}'", context)))
            return false;
        if (t->type == YAML_T_FLOW_MAPPING_END)
            break;
        bool pair = t->type == YAML_T_KEY;
        if (pair) {
            yaml_skip(&p->s);
            if (!(t = peek(p)))
                return false;
        }
        bool no_key =
            pair && one_of(t->type, YAML_T_VALUE, YAML_T_FLOW_ENTRY, YAML_T_FLOW_MAPPING_END);
        if (!(no_key ? empty_node(p, t->start, &key) : parse_node(p, false, false, &key)))
            return false;
        yaml_parsed_key(p, &key);
        str before = p->decode;
        if (!(t = peek(p)) ||
            !(pair ? flow_value(p, YAML_T_FLOW_MAPPING_END, &val) : empty_node(p, t->start, &val)))
            return false;
        yaml_add_entry(p, n, &key, &val, before);
    }
    yaml_node_end(p, n);
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
        if (!(t = peek(p)))
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
    struct yaml_token *t = peek(p);
    if (t->type != YAML_T_SCALAR && p->depth > VALUE_DEPTH_MAX) {
        yaml_past_bound(p, t->start, "nested deeper than", VALUE_DEPTH_MAX, "levels");
        return parser_error(p, "nested too deep", t->start.line, 0);
    }
    switch (t->type) {
    case YAML_T_SCALAR:
        n->implicit = n->tag.len ? n->tag.len == 1 && n->tag.at[0] == '!' : t->plain;
        n->text = t->text;
        if (p->nodes) {
            yaml_node_scalar(p, n, t->quote);
            yaml_node_take_comments(p, n->node);
        }
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

/* A node without content behind its tag and anchor. */
static void only_properties(struct parser *p, struct ynode *n)
{
    n->implicit = !n->tag.len;
    if (p->nodes)
        yaml_node_scalar(p, n, 0);
}

static bool parse_node(struct parser *p, bool block, bool indentless, struct ynode *n)
{
    struct yaml_token *t = peek(p);
    if (!t)
        return false;
    *n = (struct ynode){.text = STR(""), .mark = t->start};
    if (t->type == YAML_T_ALIAS) {
        str name = t->text;
        yaml_skip(&p->s);
        return yaml_parse_alias(p, name, n->mark, n);
    }
    p->depth++;
    if (++p->n_nodes > YAML_NODES_MAX)
        yaml_past_bound(p, t->start, "more than", YAML_NODES_MAX, "nodes");
    if (p->bound.len)
        return parser_error(p, "past a bound", t->start.line, 0);
    str name = {NULL, 0};
    struct anchor *anchor = NULL;
    yaml_count_decode(p);
    if (t->type == YAML_T_TAG || t->type == YAML_T_ANCHOR) {
        if (!properties(p, t, n, &name) || !(t = peek(p)))
            return false;
        if (name.at) {
            anchor = ARENA_NEW(p->arena, struct anchor);
            anchor->open = true;
            anchor->building = n;
            anchor->dup_from = p->duplicates.n;
            anchor->decodes = p->decodes - 1;
            map_set(&p->anchors, name, anchor);
        }
    }
    if ((n->tag.len || name.at) && !is_content(t->type, block, indentless))
        only_properties(p, n);
    else if (!parse_content(p, block, indentless, n))
        return false;
    if (anchor && n->node)
        n->node->anchor = name;
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
    struct yaml_token *t = peek(p);
    bool version = false;
    for (; t && (t->type == YAML_T_VERSION_DIRECTIVE || t->type == YAML_T_TAG_DIRECTIVE);
         yaml_skip(&p->s), t = peek(p)) {
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
    vec_push(p->arena, &p->rules, (struct tag_rule){STR("!!"), STR(YAML_TAG_PREFIX)});
    return t;
}

bool yaml_parse_document(struct parser *p, struct ynode *ret, bool *ret_any)
{
    *ret_any = false;
    struct yaml_token *t = peek(p); /* stream start */
    if (!t)
        return false;
    yaml_skip(&p->s);
    if (!(t = peek(p)))
        return false;
    if (t->type == YAML_T_STREAM_END)
        return true;
    bool is_explicit = t->type == YAML_T_DOCUMENT_START || t->type == YAML_T_VERSION_DIRECTIVE ||
                       t->type == YAML_T_TAG_DIRECTIVE;
    if (!directives(p) || !(t = peek(p)))
        return false;
    bool empty = false;
    if (p->nodes && !is_explicit)
        yaml_node_begin_document(p);
    if (is_explicit) {
        if (t->type != YAML_T_DOCUMENT_START)
            return parser_error(p, "did not find expected <document start>", t->start.line, 0);
        yaml_skip(&p->s);
        if (!(t = peek(p)))
            return false;
        empty =
            t->type == YAML_T_DOCUMENT_END || t->type == YAML_T_STREAM_END ||
            one_of(t->type, YAML_T_DOCUMENT_START, YAML_T_VERSION_DIRECTIVE, YAML_T_TAG_DIRECTIVE);
    }
    p->decodes++; /* the document */
    if (empty)
        empty_node(p, t->start, ret);
    else if (!parse_node(p, true, false, ret))
        return false;
    *ret_any = true;
    if (!peek(p)) /* what follows is looked at, and not more */
        return false;
    if (p->nodes)
        yaml_node_end_document(p);
    return true;
}

/* ---- the outside ---- */

int yaml_fail(const struct yaml_input *in, int kind, struct err *err, const char *text, int len)
{
    if (in->name.len)
        return err_set(err, kind, "%.*s: %.*s", STR_FMT(in->name), len, text);
    return err_set(err, kind, "%.*s", len, text);
}

int yaml_syntax_error(const struct parser *p, const struct yaml_input *in, struct err *err)
{
    char text[ERR_TEXT_MAX];
    bool scanner = p->s.failed == YAML_SCANNER;
    uint32_t line = p->s.problem_line ? p->s.problem_line + scanner : p->s.context_line;
    if (p->nodes && p->s.context_line)
        line = p->s.context_line + scanner;
    if (p->bound.len)
        return yaml_fail(in, ERR_TOO_LARGE, err, p->bound.at, (int)p->bound.len);
    if (line)
        snprintf(text, sizeof(text), "yaml: line %u: %s", line, p->s.problem);
    else
        snprintf(text, sizeof(text), "yaml: %s", p->s.problem);
    return yaml_fail(in, ERR_INVALID, err, text, (int)strlen(text));
}

static int later_error(struct parser *p, const struct yaml_input *in, value root, struct err *err)
{
    str text = {NULL, 0};
    if (p->decode.len) {
        text = p->decode;
    } else if (p->bound.len) {
        return yaml_fail(in, ERR_TOO_LARGE, err, p->bound.at, (int)p->bound.len);
    } else if (p->duplicates.n) {
        text = STR("yaml: unmarshal errors:");
        for (size_t i = 0; i < p->duplicates.n; i++)
            text = ARENA_CAT(p->arena, text, STR("\n  "), p->duplicates.at[i]);
    } else {
        text = yaml_not_json(p, root);
    }
    return text.len ? yaml_fail(in, ERR_INVALID, err, text.at, (int)MIN_OF(text.len, (size_t)900))
                    : 0;
}

static const struct yaml_input defaults;

int yaml_take_in(str text, const struct yaml_input *in, uint32_t line_base, struct arena *a,
                 struct parser *ret, struct err *err)
{
    size_t bytes_max = in->bytes_max ? in->bytes_max : YAML_BYTES_MAX;
    if (text.len > bytes_max) {
        char say[120];
        int n = snprintf(say, sizeof(say), "yaml: line 1 column 1: text is larger than %zu bytes",
                         bytes_max);
        return yaml_fail(in, ERR_TOO_LARGE, err, say, n);
    }
    *ret = (struct parser){.arena = a, .strict = in->strict, .line_base = line_base};
    map_init(&ret->anchors, a);
    yaml_scan_init(&ret->s, text, a);
    return 0;
}

static int parse(struct parser *p, const struct yaml_input *in, value *ret, struct err *err)
{
    struct ynode n;
    bool any;
    if (!yaml_parse_document(p, &n, &any))
        return yaml_syntax_error(p, in, err);
    value v = any ? yaml_decoded(p, &n) : value_null(p->arena);
    int r = later_error(p, in, v, err);
    if (!r)
        *ret = v;
    return r;
}

int yaml_parse_any(str text, const struct yaml_input *in, struct arena *a, value *ret,
                   struct err *err)
{
    struct parser p;
    in = in ? in : &defaults;
    int r = yaml_take_in(text, in, 0, a, &p, err);
    return r ? r : parse(&p, in, ret, err);
}

int yaml_parse_at(str text, const struct yaml_input *in, uint32_t line_base, struct arena *a,
                  value *ret, struct err *err)
{
    struct parser p;
    in = in ? in : &defaults;
    int r = yaml_take_in(text, in, line_base, a, &p, err);
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
    int r = yaml_take_in(text, in, 0, &a, &p, err);
    struct doc *d = r ? NULL : yaml_direct(&p.s, in->keep_positions, 0);
    if (!d && !r && !(r = parse(&p, in, &v, err)))
        d = doc_freeze(v, in->keep_positions ? DOC_KEEP_POSITIONS : 0);
    if (!r)
        *ret = d;
    arena_done(&a);
    return r;
}
