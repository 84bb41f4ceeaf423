/* value/json/reader.h: what the two halves of the JSON reader share: json/parse.c, which all text
 * goes through, and json/rare.c, which is called for what few objects have. Private to the room. */
#ifndef VALUE_JSON_READER_H
#define VALUE_JSON_READER_H

#include "value/json/error.h"
#include "value/tape_write.h"
#include "value/text_index.h"

/* Before every value the tape has room for the rest of the text and this; what takes more makes
 * room itself. */
#define JSON_ROOM_MIN 64

/* An open container. */
struct json_frame {
    uint32_t start;   /* offset of its header */
    uint32_t entries; /* that have begun */
    uint64_t seen[4]; /* a set of the hashes of its keys */
    char end;         /* the closing bracket; 0: the frame around the root */
};

/* What moves while reading. */
struct json_spot {
    const char *p;           /* in the text; NULL: failed, reader.result says how */
    char *out;               /* on the tape */
    const uint32_t *special; /* entry of the index that is not behind p */
    struct json_frame *frame;
};

struct json_reader {
    struct json_source source;
    struct tape_writer w;
    const char *text, *end;
    uint32_t fast_end; /* strings that end before this may be copied 32 bytes at a time */
    ptrdiff_t spare;   /* how far `out` may be behind `p` before json_rare_value is needed */
    bool positions, literals, strict, duplicates;
    const char *line_start; /* positions: where the last computed line begins */
    const char *counted;    /* and the end of what its breaks were counted in */
    uint32_t line;
    int result;            /* of a failure */
    str kind, api_version; /* put in front of the root's entries unless empty */
    struct json_spot at;   /* the rare half finds the spot here and leaves it here */
    struct json_frame frames[VALUE_DEPTH_MAX + 1]; /* the first is around the root */
    struct text_index index;
};

/* Each goes on at r->at. False: failed, r->result says how. */
typedef bool json_rare_fn(struct json_reader *r);
json_rare_fn json_rare_value;  /* makes room for a value and notes where it stands */
json_rare_fn json_rare_text;   /* any string, from its opening quote */
json_rare_fn json_rare_key;    /* any key, from its opening quote, without the colon */
json_rare_fn json_rare_number; /* any number */
json_rare_fn json_rare_close;  /* a container with an index, behind its bracket */
json_rare_fn json_rare_kind;   /* writes reader.kind and .api_version as entries of the root */

/* A key of an open map that is perhaps there already; it is not among the entries yet. `at`: its
 * quote. False: it is, and the reader is strict. */
bool json_rare_duplicate(struct json_reader *r, const struct json_frame *f, const char *at,
                         str key);
void json_measure_spare(struct json_reader *r); /* to be called when the tape moved */

/* Add a key's hash to the frame's set; true when it, or another with the same bit, was there. */
static inline bool json_frame_add(struct json_frame *f, uint64_t hash)
{
    uint64_t *word = &f->seen[hash >> 62], bit = (uint64_t)1 << (hash >> 56 & 63);
    bool seen = *word & bit;
    *word |= bit;
    return seen;
}

#endif
