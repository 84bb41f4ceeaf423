/* value/yaml/direct.h: the everyday form of YAML straight into a frozen document. Private to the
 * room.
 *
 * Block maps and lists, plain, quoted and block scalars, comments and simple flow collections: what
 * manifests are made of. Anything else (anchors, tags, merge keys, `?` keys, keys that are not
 * strings, duplicate keys, tabs between tokens, several documents, odd line breaks) and every
 * mistake makes it give up: yaml/parse.c then reads the text from the beginning and says what is
 * wrong. What it does read it reads exactly as yaml/parse.c, which the fuzz target holds it to.
 *
 * The text is walked once, line by line, by recursive descent (bounded by VALUE_DEPTH_MAX). `struct
 * spot` holds the two positions that everything moves, the next byte of the text and the next byte
 * of the tape; it is passed and returned by value so that both stay in registers. p NULL: given up.
 *
 * Room: before every token the tape has room for the rest of the text and DIRECT_ROOM bytes; no
 * token takes more than its own length and that. The tape takes at most 8 bytes a byte of text
 * (`[],[],...`), its stack of offsets 2. */
#ifndef VALUE_YAML_DIRECT_H
#define VALUE_YAML_DIRECT_H

#include "value/tape_write.h"
#include "value/yaml.h"
#include "value/yaml/scan.h"

/* The document, or NULL: given up. scan: a text that was just taken in; it is not changed. */
struct doc *yaml_direct(const struct yaml_scan *scan, bool keep_positions, uint32_t line_base);

/* ---- shared by the files of the reader ---- */

#define DIRECT_ROOM 128
#define DIRECT_DEPTH_MAX (VALUE_DEPTH_MAX - 5) /* yaml/parse.c knows the exact bound */
#define DIRECT_KEY_BYTES_MAX 1000              /* it also knows what a longer key is */
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

struct direct {
    struct tape_writer w;
    const char *end;     /* of the text; NUL bytes behind it */
    const char *line_at; /* begin of the line of the next content */
    int32_t column;      /* of the next content; -1: there is none */
    unsigned depth;
    size_t n_nodes; /* in closed containers */
    bool positions, ascii;
    const char *pos_at; /* positions: the last one */
    uint32_t pos_line, pos_column;
};

struct spot {
    const char *p;
    char *out;
};

#define GIVE_UP ((struct spot){NULL, NULL})

enum {
    DIRECT_WORD = 1,    /* may begin a plain scalar */
    DIRECT_RESOLVE = 2, /* a plain scalar that begins so may be something else than a string */
    DIRECT_DASH = 4,    /* - ? : begin one when no blank follows */
    DIRECT_FLOW = 8,    /* goes on in a plain scalar of a flow collection */
};
extern const uint8_t direct_class[256];

struct spot direct_grown(struct direct *r, struct spot s);
ALWAYS_INLINE struct spot direct_room(struct direct *r, struct spot s)
{
    size_t left = r->w.cap - (size_t)(s.out - r->w.at);
    if (UNLIKELY(left < (size_t)(r->end - s.p) + DIRECT_ROOM + TAPE_SLACK))
        s = direct_grown(r, s);
    return s;
}

void direct_note(struct direct *r, struct spot s);
/* A value begins at s.p in the text and at s.out on the tape. */
ALWAYS_INLINE void direct_value(struct direct *r, struct spot s)
{
    if (UNLIKELY(r->positions))
        direct_note(r, s);
}

/* From the end of a token: over blanks, comments and empty lines to the next content, whose column
 * is noted. NULL: tabs, a document mark, or more on this line. */
const char *direct_to_content(struct direct *r, const char *p);

/* Readers of values. s.p is at the first character. Those that take `parent`, the column that
 * continuing lines have to be right of, end at the next content; others behind the token. */
struct spot direct_plain(struct direct *r, struct spot s, int32_t parent);
struct spot direct_block(struct direct *r, struct spot s, int32_t parent);
struct spot direct_quoted(struct direct *r, struct spot s);
struct spot direct_flow(struct direct *r, struct spot s);
/* A quoted text without header behind `room` bytes of the tape; its text goes to *ret, which is on
 * the tape. *ret_lines: it has line breaks. */
struct spot direct_unquote(struct direct *r, struct spot s, size_t room, str *ret, bool *ret_lines);

/* End of the plain text on this line, which stops at ": ", " #" or the end of the line; NULL: at a
 * tab. *ret_stop: where it stops. */
const char *direct_plain_end(const char *p, const char **ret_stop);

/* The text, which begins 4 bytes into `out`, as a value; behind it. */
char *direct_put_text(char *out, size_t len);
/* A plain text at `out` + 4, resolved; NULL: JSON cannot have it. */
char *direct_put_plain(char *out, size_t len, bool may_resolve);

/* Put a key (at `out` + 1 already when `at` is NULL) on the tape and enter it; NULL: seen before.
 */
char *direct_put_key(struct direct *r, char *out, const char *at, size_t len, size_t base,
                     uint64_t *io_seen);

/* Close the container of `base`'s entries whose header is at `start`. */
struct spot direct_close(struct direct *r, struct spot s, size_t start, size_t base, unsigned kind);

#endif
