/* Tokens: which indicator begins here, how indentation opens and closes block collections, and
 * which token turns out to have been a mapping key when its ':' is met. */
#include "value/yaml/scan.h"

/* ---- the queue ---- */

static struct yaml_token *insert(struct yaml_scan *s, ptrdiff_t at)
{
    if (s->head == s->n_tokens)
        s->head = s->n_tokens = 0;
    if (s->n_tokens == s->cap_tokens) {
        if (s->head > s->cap_tokens / 2) {
            memmove(s->token, s->token + s->head, (s->n_tokens - s->head) * sizeof(*s->token));
            s->n_tokens -= s->head;
            s->head = 0;
        } else {
            size_t cap = s->cap_tokens ? s->cap_tokens * 2 : 64;
            s->token = arena_grow(s->arena, s->token, s->cap_tokens * sizeof(*s->token),
                                  cap * sizeof(*s->token));
            s->cap_tokens = cap;
        }
    }
    struct yaml_token *t = &s->token[s->n_tokens++];
    if (at >= 0) {
        struct yaml_token *place = &s->token[s->head + (size_t)at];
        memmove(place + 1, place, (size_t)(t - place) * sizeof(*t));
        t = place;
    }
    t->key_level = 0;
    t->plain = false;
    t->quote = 0;
    t->text = t->suffix = (str){NULL, 0};
    return t;
}

static struct yaml_token *insert_mark(struct yaml_scan *s, ptrdiff_t at, enum yaml_token_type type,
                                      struct yaml_mark mark)
{
    struct yaml_token *t = insert(s, at);
    t->type = type;
    t->start = t->end = mark;
    return t;
}

static uint64_t next_number(const struct yaml_scan *s)
{
    return s->tokens_parsed + (s->n_tokens - s->head);
}

/* The token `number` is no longer known as the place of a possible key. */
static void forget(struct yaml_scan *s, uint64_t number)
{
    if (number >= s->tokens_parsed && number - s->tokens_parsed < s->n_tokens - s->head)
        s->token[s->head + (size_t)(number - s->tokens_parsed)].key_level = 0;
}

/* ---- simple keys ---- */

static struct yaml_simple_key *top_key(struct yaml_scan *s) { return &s->keys.at[s->keys.n - 1]; }

static bool too_far(const struct yaml_scan *s, const struct yaml_simple_key *key)
{
    if (s->p - key->at <= YAML_SIMPLE_KEY_MAX)
        return false;
    if (s->ascii)
        return true;
    size_t n = 0;
    for (const char *p = key->at; p < s->p; p++)
        n += ((uint8_t)*p & 0xc0) != 0x80;
    return n > YAML_SIMPLE_KEY_MAX;
}

static bool key_is_valid(struct yaml_scan *s, struct yaml_simple_key *key, bool *ret_valid)
{
    *ret_valid = false;
    if (!key->possible)
        return true;
    if (key->mark.line < s->line || too_far(s, key)) {
        if (key->required)
            return yaml_scan_fail(s, "could not find expected ':'", key->mark);
        key->possible = false;
        return true;
    }
    *ret_valid = true;
    return true;
}

static bool remove_key(struct yaml_scan *s)
{
    struct yaml_simple_key *key = top_key(s);
    if (!key->possible)
        return true;
    if (key->required)
        return yaml_scan_fail(s, "could not find expected ':'", key->mark);
    key->possible = false;
    forget(s, key->token_number);
    return true;
}

/* The next token may be a key; *ret_level goes into it. */
static bool save_key(struct yaml_scan *s, uint32_t *ret_level)
{
    *ret_level = 0;
    if (!s->simple_key_allowed)
        return true;
    struct yaml_mark here = yaml_here(s);
    struct yaml_simple_key key = {
        .possible = true,
        .required = s->flow_level == 0 && s->indent == (int32_t)here.column,
        .token_number = next_number(s),
        .at = s->p,
        .mark = here,
    };
    if (!remove_key(s))
        return false;
    *top_key(s) = key;
    *ret_level = (uint32_t)s->keys.n;
    return true;
}

/* ---- indentation ---- */

static bool roll_indent(struct yaml_scan *s, ptrdiff_t at, enum yaml_token_type type,
                        struct yaml_mark mark)
{
    if (s->flow_level > 0 || s->indent >= (int32_t)mark.column)
        return true;
    vec_push(s->arena, &s->indents, s->indent);
    s->indent = (int32_t)mark.column;
    if (s->indents.n > YAML_NEST_MAX)
        return yaml_scan_fail(s, "exceeded max depth of 10000", top_key(s)->mark);
    insert_mark(s, at, type, mark);
    return true;
}

/* from: where the blanks in front of what stands here begin. */
static void unroll_indent(struct yaml_scan *s, int32_t column, struct yaml_mark from)
{
    if (s->flow_level > 0 || s->indent <= column)
        return;
    struct yaml_mark end = s->keep_comments ? from : yaml_here(s);
    end.at--;
    if (s->keep_comments)
        yaml_find_starts(s, end.at);
    while (s->indent > column) {
        end = yaml_block_end(s, end);
        insert_mark(s, -1, YAML_T_BLOCK_END, end);
        s->indent = s->indents.at[--s->indents.n];
    }
}

/* ---- fetching ---- */

static bool fetch_simple(struct yaml_scan *s, enum yaml_token_type type, unsigned width)
{
    struct yaml_token *t = insert_mark(s, -1, type, yaml_here(s));
    s->p += width;
    t->end = yaml_here(s);
    return true;
}

static bool fetch_stream_end(struct yaml_scan *s)
{
    if (s->p != s->line_at) {
        s->line_at = s->column_at = s->p;
        s->column = 0;
        s->line++;
    }
    unroll_indent(s, -1, yaml_here(s));
    if (!remove_key(s))
        return false;
    s->simple_key_allowed = false;
    insert_mark(s, -1, YAML_T_STREAM_END, yaml_here(s));
    return true;
}

static bool begin_top(struct yaml_scan *s)
{
    s->content_line = s->line;
    unroll_indent(s, -1, yaml_here(s));
    if (!remove_key(s))
        return false;
    s->simple_key_allowed = false;
    return true;
}

static bool fetch_directive(struct yaml_scan *s)
{
    struct yaml_token t = {0};
    if (!begin_top(s) || !yaml_scan_directive(s, &t))
        return false;
    *insert(s, -1) = t;
    return true;
}

static bool fetch_document_mark(struct yaml_scan *s, enum yaml_token_type type)
{
    return begin_top(s) && fetch_simple(s, type, 3);
}

static bool fetch_flow_start(struct yaml_scan *s, enum yaml_token_type type)
{
    uint32_t level;
    if (!save_key(s, &level))
        return false;
    struct yaml_simple_key inner = {.token_number = next_number(s),
                                    .at = s->p,
                                    .mark = yaml_here(s)};
    vec_push(s->arena, &s->keys, inner);
    if (++s->flow_level > YAML_NEST_MAX)
        return yaml_scan_fail(s, "exceeded max depth of 10000", inner.mark);
    s->simple_key_allowed = true;
    struct yaml_token *t = insert_mark(s, -1, type, inner.mark);
    t->key_level = level;
    s->p++;
    t->end = yaml_here(s);
    return true;
}

static bool fetch_flow_end(struct yaml_scan *s, enum yaml_token_type type)
{
    if (!remove_key(s))
        return false;
    if (s->flow_level > 0) {
        s->flow_level--;
        forget(s, top_key(s)->token_number);
        s->keys.n--;
    }
    s->simple_key_allowed = false;
    return fetch_simple(s, type, 1);
}

static bool fetch_flow_entry(struct yaml_scan *s)
{
    if (!remove_key(s))
        return false;
    s->simple_key_allowed = true;
    return fetch_simple(s, YAML_T_FLOW_ENTRY, 1);
}

static bool fetch_block_entry(struct yaml_scan *s)
{
    if (s->flow_level == 0) {
        if (!s->simple_key_allowed)
            return yaml_scan_fail(s, "block sequence entries are not allowed in this context",
                                  yaml_here(s));
        if (!roll_indent(s, -1, YAML_T_BLOCK_SEQUENCE_START, yaml_here(s)))
            return false;
    }
    if (!remove_key(s))
        return false;
    s->simple_key_allowed = true;
    return fetch_simple(s, YAML_T_BLOCK_ENTRY, 1);
}

static bool fetch_key(struct yaml_scan *s)
{
    if (s->flow_level == 0) {
        if (!s->simple_key_allowed)
            return yaml_scan_fail(s, "mapping keys are not allowed in this context", yaml_here(s));
        if (!roll_indent(s, -1, YAML_T_BLOCK_MAPPING_START, yaml_here(s)))
            return false;
    }
    if (!remove_key(s))
        return false;
    s->simple_key_allowed = s->flow_level == 0;
    return fetch_simple(s, YAML_T_KEY, 1);
}

static bool fetch_value(struct yaml_scan *s)
{
    struct yaml_simple_key *key = top_key(s);
    bool valid;
    if (!key_is_valid(s, key, &valid))
        return false;
    if (valid) {
        /* A key whose token was handed out already goes to the end of the queue, as upstream. */
        ptrdiff_t at = key->token_number >= s->tokens_parsed
                           ? (ptrdiff_t)(key->token_number - s->tokens_parsed)
                           : -1;
        struct yaml_mark mark = key->mark;
        forget(s, key->token_number);
        insert_mark(s, at, YAML_T_KEY, mark);
        if (!roll_indent(s, at, YAML_T_BLOCK_MAPPING_START, mark))
            return false;
        key->possible = false;
        s->simple_key_allowed = false;
    } else {
        if (s->flow_level == 0) {
            if (!s->simple_key_allowed)
                return yaml_scan_fail(s, "mapping values are not allowed in this context",
                                      yaml_here(s));
            if (!roll_indent(s, -1, YAML_T_BLOCK_MAPPING_START, yaml_here(s)))
                return false;
        }
        s->simple_key_allowed = s->flow_level == 0;
    }
    return fetch_simple(s, YAML_T_VALUE, 1);
}

enum what { ANCHOR, ALIAS, TAG, PLAIN, SINGLE, DOUBLE };

/* Tokens that may be a key themselves. */
static bool fetch_keyable(struct yaml_scan *s, enum what what)
{
    struct yaml_token t = {.type = YAML_T_SCALAR};
    uint32_t level;
    if (!save_key(s, &level))
        return false;
    s->simple_key_allowed = false;
    bool ok = false;
    switch (what) {
    case ANCHOR:
    case ALIAS:
        t.type = what == ANCHOR ? YAML_T_ANCHOR : YAML_T_ALIAS;
        ok = yaml_scan_anchor(s, &t);
        break;
    case TAG: ok = yaml_scan_tag(s, &t); break;
    case PLAIN: ok = yaml_scan_plain(s, &t); break;
    case SINGLE:
    case DOUBLE: ok = yaml_scan_quoted(s, &t, what == SINGLE); break;
    }
    if (!ok)
        return false;
    t.key_level = level;
    *insert(s, -1) = t;
    return true;
}

static bool fetch_block_scalar(struct yaml_scan *s, bool literal)
{
    struct yaml_token t = {.type = YAML_T_SCALAR};
    if (!remove_key(s))
        return false;
    s->simple_key_allowed = true;
    if (!yaml_scan_block(s, &t, literal))
        return false;
    *insert(s, -1) = t;
    return true;
}

static void skip_comment(struct yaml_scan *s)
{
    if (s->plain_eol) {
        const char *eol = memchr(s->p, '\n', (size_t)(s->end - s->p));
        s->p += (eol ? eol : s->end) - s->p;
    } else {
        while (!yaml_is_breakz(s->p))
            s->p += yaml_width(s->p);
    }
}

static bool to_next_token(struct yaml_scan *s, struct yaml_mark from)
{
    for (;;) {
        if (!yaml_need(s, 1))
            return false;
        /* A byte order mark that opens the text a second time hides the first character of each
         * line of the Go reader's first window; only the first line of that is kept here. */
        if (s->p == s->text && !memcmp(s->p, "\xef\xbb\xbf", 3))
            s->p += 3;
        bool tabs = s->flow_level > 0 || !s->simple_key_allowed;
        while (*s->p == ' ' || (tabs && *s->p == '\t'))
            s->p++;
        if (*s->p == '#' && s->keep_comments) {
            if (!yaml_scan_comments(s, from))
                return false;
        } else if (*s->p == '#') {
            skip_comment(s);
        }
        if (!yaml_need(s, 1))
            return false;
        if (!yaml_is_break(s->p))
            return true;
        yaml_skip_line(s);
        if (s->flow_level == 0)
            s->simple_key_allowed = true;
    }
}

/* Characters that a plain scalar cannot begin with, beside blanks and - ? :. */
static const bool no_plain_start[256] = {
    [','] = true, ['['] = true, [']'] = true, ['{'] = true, ['}'] = true, ['#'] = true,
    ['&'] = true, ['*'] = true, ['!'] = true, ['|'] = true, ['>'] = true, ['\''] = true,
    ['"'] = true, ['%'] = true, ['@'] = true, ['`'] = true,
};

static bool starts_plain(const struct yaml_scan *s)
{
    const char *p = s->p;
    if (yaml_class_of(p) == YAML_C_WORD && *p != '-')
        return true;
    if (*p == '-')
        return !yaml_is_blank(p + 1);
    if (*p == '?' || *p == ':')
        return s->flow_level == 0 && !yaml_is_blankz(p + 1);
    return !yaml_is_blankz(p) && !no_plain_start[(uint8_t)*p];
}

static bool fetch_other(struct yaml_scan *s)
{
    if (s->flow_level == 0 && (*s->p == '|' || *s->p == '>'))
        return fetch_block_scalar(s, *s->p == '|');
    if (starts_plain(s))
        return fetch_keyable(s, PLAIN);
    return yaml_scan_fail(s, "found character that cannot start any token", yaml_here(s));
}

static bool fetch_indicator(struct yaml_scan *s)
{
    const char *p = s->p;
    switch (*p) {
    case '[': return fetch_flow_start(s, YAML_T_FLOW_SEQUENCE_START);
    case '{': return fetch_flow_start(s, YAML_T_FLOW_MAPPING_START);
    case ']': return fetch_flow_end(s, YAML_T_FLOW_SEQUENCE_END);
    case '}': return fetch_flow_end(s, YAML_T_FLOW_MAPPING_END);
    case ',': return fetch_flow_entry(s);
    case '-': return yaml_is_blankz(p + 1) ? fetch_block_entry(s) : fetch_other(s);
    case '?': return s->flow_level > 0 || yaml_is_blankz(p + 1) ? fetch_key(s) : fetch_other(s);
    case ':': return s->flow_level > 0 || yaml_is_blankz(p + 1) ? fetch_value(s) : fetch_other(s);
    case '*': return fetch_keyable(s, ALIAS);
    case '&': return fetch_keyable(s, ANCHOR);
    case '!': return fetch_keyable(s, TAG);
    case '\'': return fetch_keyable(s, SINGLE);
    case '"': return fetch_keyable(s, DOUBLE);
    default: return fetch_other(s);
    }
}

/* A token and the comment behind it. That behind `:`, and behind a comma in a flow collection, is
 * that of the token before; behind a dash it is the head of what follows. */
static bool fetch_commented(struct yaml_scan *s)
{
    bool of_last = s->n_tokens && *s->p == (s->flow_level > 0 ? ',' : ':');
    struct yaml_mark mark = of_last ? s->token[s->n_tokens - 1].start : yaml_here(s);
    s->content_line = s->line;
    return fetch_indicator(s) && (s->token[s->n_tokens - 1].type == YAML_T_BLOCK_ENTRY ||
                                  yaml_scan_line_comment(s, mark.at));
}

static bool fetch_next(struct yaml_scan *s)
{
    if (!yaml_need(s, 1))
        return false;
    if (!s->stream_started) {
        s->stream_started = true;
        vec_push(s->arena, &s->keys, (struct yaml_simple_key){0});
        insert_mark(s, -1, YAML_T_STREAM_START, yaml_here(s));
        return true;
    }
    struct yaml_mark from = s->keep_comments ? yaml_here(s) : (struct yaml_mark){0};
    if (!to_next_token(s, from))
        return false;
    unroll_indent(s, (int32_t)yaml_column(s), from);
    if (!yaml_need(s, 4))
        return false;
    if (*s->p == 0)
        return fetch_stream_end(s);
    if (s->p == s->line_at) {
        if (*s->p == '%')
            return fetch_directive(s);
        if (yaml_at_document_mark(s))
            return fetch_document_mark(s,
                                       *s->p == '-' ? YAML_T_DOCUMENT_START : YAML_T_DOCUMENT_END);
    }
    return s->keep_comments ? fetch_commented(s) : fetch_indicator(s);
}

struct yaml_token *yaml_scan_more(struct yaml_scan *s)
{
    if (s->failed)
        return NULL;
    for (;;) {
        if (s->head + s->lookahead < s->n_tokens) {
            uint32_t level = s->token[s->head].key_level;
            if (!level)
                break;
            bool valid;
            if (!key_is_valid(s, &s->keys.at[level - 1], &valid))
                return NULL;
            if (!valid)
                break;
        }
        if (!fetch_next(s))
            return NULL;
    }
    s->token_available = true;
    return &s->token[s->head];
}
