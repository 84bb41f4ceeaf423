/* value/toml/read.h: the state of the TOML reader. Private to the room.
 *
 * scan.c walks the text, time.c knows dates, parse.c builds tables. The reader stops at its first
 * problem: `failed` is set, what is left of the text counts as its end, and everything returns. */
#ifndef VALUE_TOML_READ_H
#define VALUE_TOML_READ_H

#include "base/map.h"
#include "value/toml.h"

#define TOML_EOF 0

/* What is known of a key, by its name alone: all tables of a list share it. */
struct toml_name {
    struct map child; /* struct toml_name by part */
    bool implicit;    /* nobody wrote it down: it may be written once */
    bool array;       /* the last value there was an array */
};

struct toml {
    str in;
    size_t start, pos; /* of the token, of the next character */
    int line;
    bool at_eof, failed, escaped; /* escaped: the string has a backslash */
    struct arena *arena;
    struct err *err;
    value root;
    struct toml_name names;
    str context[TOML_DEPTH_MAX + 2]; /* table of what is read */
    size_t n_context;
    str key;      /* of the value that is read, or "" */
    int key_line; /* where the first part of that key ended */
    unsigned depth;
};

/* ---- scan.c ---- */

uint32_t toml_next(struct toml *t); /* TOML_EOF at the end, U+FFFD at what is not allowed */
void toml_backup(struct toml *t);   /* one character back; once for the end */
uint32_t toml_peek(struct toml *t);
bool toml_accept(struct toml *t, uint32_t r);
void toml_skip_blanks(struct toml *t);
static inline void toml_ignore(struct toml *t) { t->start = t->pos; }
static inline bool toml_is_blank(uint32_t r) { return r == ' ' || r == '\t'; }
static inline bool toml_is_newline(uint32_t r) { return r == '\n' || r == '\r'; }
static inline bool toml_is_digit(uint32_t r) { return r >= '0' && r <= '9'; }
bool toml_is_hex(uint32_t r);
bool toml_is_bare(uint32_t r); /* may stand in a key without quotes */
str toml_token(const struct toml *t);

/* A string behind its opening quotes; the closing ones are passed. */
str toml_string(struct toml *t);
str toml_raw_string(struct toml *t);
str toml_multiline_string(struct toml *t);
str toml_multiline_raw_string(struct toml *t);

/* Numbers, dates, true and false, words: what starts with a digit, a sign or a letter. */
value toml_number_or_date(struct toml *t);
value toml_signed_number(struct toml *t); /* behind the sign */
value toml_float(struct toml *t, str text);
value toml_bool(struct toml *t);

/* ---- parse.c ---- */

/* The first problem, at a line. */
PRINTF(3, 4) void toml_fail(struct toml *t, int line, const char *format, ...);
/* The same where the reader is; the end of the text belongs to the line before a last line break.
 */
PRINTF(2, 3) void toml_fail_here(struct toml *t, const char *format, ...);
/* A character, or a text, as Go quotes it; in arena. */
str toml_quoted_rune(struct toml *t, uint32_t r);
str toml_quoted(struct toml *t, str s);

/* ---- print.c ---- */

void toml_print_quoted(str s, struct buf *out);

/* ---- time.c ---- */

/* A date or time in the text's canonical form; false: it is none. *ret_style: TOML_DATETIME... */
bool toml_time(struct arena *a, str text, str *ret, unsigned *ret_style);

#endif
