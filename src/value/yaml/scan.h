/* value/yaml/scan.h: from bytes to YAML tokens; used by yaml/parse.c only.
 *
 * One pass over a private, NUL-padded copy of the text. Scalars are views into that copy: folding
 * and escapes are undone in place (the result is never longer than its source, with one exception
 * that gets memory of its own). Tokens wait in a queue only while an earlier one may still turn out
 * to be a mapping key.
 *
 * Token rules, their laziness (which error comes first) and the error texts are those of the
 * go-yaml v2 reader, including its window of 512 bytes in front of a forbidden character.
 * Everything lives in the arena of the call. Source: YAML 1.1; go.yaml.in/yaml/v2 2.4. */
#ifndef VALUE_YAML_SCAN_H
#define VALUE_YAML_SCAN_H

#include "base/arena.h"
#include "base/str.h"

#define YAML_SCAN_PAD 16         /* readable NUL bytes behind the text */
#define YAML_NEST_MAX 10000      /* flow levels and indentation levels, as in Go */
#define YAML_SIMPLE_KEY_MAX 1024 /* characters before the ':' of a key without '?' */

enum yaml_token_type {
    YAML_T_STREAM_START,
    YAML_T_STREAM_END,
    YAML_T_VERSION_DIRECTIVE, /* text: "major.minor" as two bytes */
    YAML_T_TAG_DIRECTIVE,     /* text: handle, suffix: prefix */
    YAML_T_DOCUMENT_START,
    YAML_T_DOCUMENT_END,
    YAML_T_BLOCK_SEQUENCE_START,
    YAML_T_BLOCK_MAPPING_START,
    YAML_T_BLOCK_END,
    YAML_T_FLOW_SEQUENCE_START,
    YAML_T_FLOW_SEQUENCE_END,
    YAML_T_FLOW_MAPPING_START,
    YAML_T_FLOW_MAPPING_END,
    YAML_T_BLOCK_ENTRY,
    YAML_T_FLOW_ENTRY,
    YAML_T_KEY,
    YAML_T_VALUE,
    YAML_T_ALIAS,  /* text: name */
    YAML_T_ANCHOR, /* text: name */
    YAML_T_TAG,    /* text: handle, suffix: rest */
    YAML_T_SCALAR, /* text: content */
};

struct yaml_mark {
    uint32_t line, column; /* 0-based; columns count characters */
    int32_t at;            /* byte of the text */
};

struct yaml_token {
    enum yaml_token_type type;
    bool plain;         /* scalar without quotes */
    char quote;         /* else its first character */
    uint32_t key_level; /* 1 + level of the simple key that begins here, 0: none */
    struct yaml_mark start, end;
    str text, suffix;
};

/* A comment that waits for the token that it belongs to (comment.c). Numbers without a name are
 * bytes of the text, as are those of marks. */
struct yaml_comment {
    enum { YAML_COMMENT_HEAD, YAML_COMMENT_LINE, YAML_COMMENT_FOOT } kind;
    int32_t scan, end; /* what was looked at for it: blanks and the comment */
    int32_t token;     /* the first token from here on takes it */
    int32_t start, start_line, start_column;
    str text; /* from its first # to the end of its last line, as written; empty: taken */
};

/* A text that grows; cap 0: it is borrowed. */
struct yaml_comment_text {
    char *at;
    size_t len, cap;
};

struct yaml_comment_start {
    int32_t column, at, line;
};

struct yaml_simple_key {
    bool possible, required;
    uint64_t token_number;
    const char *at;
    struct yaml_mark mark;
};

enum yaml_problem_kind { YAML_OK, YAML_READER, YAML_SCANNER, YAML_PARSER };

struct yaml_scan {
    struct arena *arena;
    char *text;
    const char *end; /* first padding byte */
    const char
        *wall; /* reading past it meets a forbidden character; end + pad when there is none */
    char *p;   /* next byte */
    const char *line_at;
    uint32_t line;
    bool ascii;            /* no byte above 0x7e */
    bool plain_eol;        /* line breaks are "\n" only */
    const char *column_at; /* column cache for lines with wide characters */
    uint32_t column;

    struct yaml_token *token;
    size_t head, n_tokens, cap_tokens;
    uint64_t tokens_parsed;
    bool token_available, stream_started;
    unsigned lookahead; /* tokens that are always read ahead: 0 as go-yaml v2, 2 as v3 */

    int32_t indent;
    VEC(int32_t) indents;
    int32_t flow_level;
    VEC(struct yaml_simple_key) keys;
    bool simple_key_allowed;

    bool keep_comments;
    uint32_t content_line; /* of the last character that is no blank, when comments are kept */
    VEC(struct yaml_comment) comments;
    size_t next_comment; /* the first that no token took */
    VEC(struct yaml_comment_start) starts;
    bool too_many_comments;
    struct yaml_mark too_many_at;

    enum yaml_problem_kind failed;
    const char *problem;
    uint32_t problem_line, context_line;
    const char *reader_problem; /* what is behind the wall */
};

/* Take a copy of text into the arena (byte order marks removed, UTF-16 converted) and stand before
 * it. */
void yaml_scan_init(struct yaml_scan *s, str text, struct arena *a);

/* The next token without taking it; NULL: s->failed says why. */
struct yaml_token *yaml_scan_more(struct yaml_scan *s);
static inline struct yaml_token *yaml_peek(struct yaml_scan *s)
{
    return s->token_available ? &s->token[s->head] : yaml_scan_more(s);
}
static inline void yaml_skip(struct yaml_scan *s)
{
    s->token_available = false;
    s->tokens_parsed++;
    s->head++;
}

/* ---- shared by the files of the scanner ---- */

enum {
    YAML_C_BLANK = 1, /* space, tab */
    YAML_C_BREAK = 2, /* LF, CR */
    YAML_C_NUL = 4,
    YAML_C_WIDE = 8, /* C2, E2: may begin NEL, LS, PS */
    YAML_C_COLON = 16,
    YAML_C_FLOW = 32,   /* , ? [ ] { } */
    YAML_C_WORD = 64,   /* 0-9 A-Z a-z _ - */
    YAML_C_QUOTE = 128, /* " ' \ */
};
extern const uint8_t yaml_class[256];

bool yaml_wide_break(const char *p);
static inline uint8_t yaml_class_of(const char *p) { return yaml_class[(uint8_t)*p]; }
static inline bool yaml_is_blank(const char *p) { return *p == ' ' || *p == '\t'; }
static inline bool yaml_is_break(const char *p)
{
    uint8_t c = yaml_class_of(p);
    return (c & YAML_C_BREAK) || ((c & YAML_C_WIDE) && yaml_wide_break(p));
}
static inline bool yaml_is_breakz(const char *p) { return *p == 0 || yaml_is_break(p); }
static inline bool yaml_is_blankz(const char *p)
{
    uint8_t c = yaml_class_of(p);
    return (c & (YAML_C_BLANK | YAML_C_BREAK | YAML_C_NUL)) ||
           ((c & YAML_C_WIDE) && yaml_wide_break(p));
}
static inline unsigned yaml_width(const char *p)
{
    uint8_t c = (uint8_t)*p;
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

uint32_t yaml_column_slow(struct yaml_scan *s);
static inline uint32_t yaml_column(struct yaml_scan *s)
{
    return s->ascii ? (uint32_t)(s->p - s->line_at) : yaml_column_slow(s);
}
static inline struct yaml_mark yaml_here(struct yaml_scan *s)
{
    return (struct yaml_mark){s->line, yaml_column(s), (int32_t)(s->p - s->text)};
}
/* Step over one line break (CR LF is one). */
void yaml_skip_line(struct yaml_scan *s);
/* The same; its normal form (LF, or LS / PS as they are) goes to w. Returns the new end of the
 * output. */
char *yaml_read_line(struct yaml_scan *s, char *w);

bool yaml_scan_fail(struct yaml_scan *s, const char *problem, struct yaml_mark context);
bool yaml_scan_wall(struct yaml_scan *s);
/* False when the next n bytes are not all in front of the wall: the reader's error goes first. */
static inline bool yaml_need(struct yaml_scan *s, size_t n)
{
    return s->p + n <= s->wall || yaml_scan_wall(s);
}
/* "---" or "..." with a blank, break or end behind, at the beginning of a line. */
static inline bool yaml_at_document_mark(const struct yaml_scan *s)
{
    const char *p = s->p;
    return p == s->line_at && (*p == '-' || *p == '.') && p[1] == *p && p[2] == *p &&
           yaml_is_blankz(p + 3);
}

/* ---- comments (comment.c); only when they are kept ---- */

/* From the `#` that stands here over comments and empty lines to the last comment's end. `from`:
 * where the blanks in front of it begin. */
bool yaml_scan_comments(struct yaml_scan *s, struct yaml_mark from);
/* A comment behind what was just read, on its line. token: byte of the token it belongs to. */
bool yaml_scan_line_comment(struct yaml_scan *s, int32_t token);
/* Where the block that ends at this indentation has its end: in front of comments that are indented
 * as it is, which are its feet; else `end`. yaml_find_starts goes before, once for all the blocks
 * that end here; `stop`: where the blanks begin, and one byte more. */
void yaml_find_starts(struct yaml_scan *s, int32_t stop);
struct yaml_mark yaml_block_end(const struct yaml_scan *s, struct yaml_mark end);
void yaml_comment_add(struct arena *a, struct yaml_comment_text *to, str more);

bool yaml_scan_plain(struct yaml_scan *s, struct yaml_token *t);
bool yaml_scan_quoted(struct yaml_scan *s, struct yaml_token *t, bool single);
bool yaml_scan_block(struct yaml_scan *s, struct yaml_token *t, bool literal);
bool yaml_scan_directive(struct yaml_scan *s, struct yaml_token *t);
bool yaml_scan_anchor(struct yaml_scan *s, struct yaml_token *t);
bool yaml_scan_tag(struct yaml_scan *s, struct yaml_token *t);

#endif
