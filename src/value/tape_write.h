/* value/tape_write.h: writing a tape: what freezing and the JSON reader share. Private to the room.
 */
#ifndef VALUE_TAPE_WRITE_H
#define VALUE_TAPE_WRITE_H

#include <endian.h>

#include "value/tape.h"

struct tape_writer {
    char *at;         /* start of the tape, inside the document being made */
    size_t len, cap;  /* bytes of the tape */
    uint32_t *offset; /* stack: entries of the open containers, innermost last */
    size_t n_offset, cap_offset;
    struct tape_pos *pos;
    size_t n_pos, cap_pos;
    bool fixed; /* a container ends in an index, or literals are kept: not doc->movable */
};

/* Start with room for cap bytes; the root goes to TAPE_ROOT (= len). */
void tape_writer_init(struct tape_writer *w, size_t cap);
/* Room for n more bytes and TAPE_SLACK behind len. */
void tape_writer_grow(struct tape_writer *w, size_t n);
static inline char *tape_writer_room(struct tape_writer *w, size_t n)
{
    if (w->cap - w->len < n + TAPE_SLACK)
        tape_writer_grow(w, n);
    return w->at + w->len;
}
void tape_writer_grow_offsets(struct tape_writer *w);
static inline void tape_writer_entry(struct tape_writer *w, size_t at)
{
    if (w->n_offset == w->cap_offset)
        tape_writer_grow_offsets(w);
    w->offset[w->n_offset++] = (uint32_t)at;
}
/* A hash for sets of seen keys, whose upper bits are the good ones, of the key's first and last
 * eight bytes; all of these must be readable from its start on. Without a branch on the length,
 * which nothing could predict: of a short key both are the same, with what follows it shifted out.
 */
static inline uint64_t tape_key_hash(str key)
{
    int64_t missing = 8 - (int64_t)key.len;
    missing = missing < 0 ? 0 : missing;
    if (__builtin_expect(key.len == 0, 0))
        return 0;
    uint64_t first = le64toh(tape_u64(key.at)) << missing * 8;
    uint64_t last = le64toh(tape_u64(key.at + key.len - 8 + missing)) << missing * 8;
    return (first + last * 5) * 0x9e3779b97f4a7c15u;
}
/* The same as a bit of a small set. */
static inline uint64_t tape_key_bit(str key) { return (uint64_t)1 << (tape_key_hash(key) >> 58); }
void tape_writer_pos(struct tape_writer *w, size_t at, struct value_pos pos);

/* Finish the container whose header is at `start` and whose entries are on the stack from `base`;
 * they leave it. kind: TAPE_LIST or TAPE_MAP, with TAPE_SENSITIVE. ret_duplicate (may be NULL): set
 * true when a map with more than TAPE_SEARCH_MAX entries holds a key twice; smaller ones are not
 * looked through. */
void tape_writer_close(struct tape_writer *w, size_t start, size_t base, unsigned kind,
                       bool *ret_duplicate);

/* The document; the writer is empty afterwards. */
struct doc *tape_writer_finish(struct tape_writer *w);
void tape_writer_drop(struct tape_writer *w);

/* A document of that many bytes, to be filled. */
struct doc *tape_doc_new(size_t tape_bytes);

#endif
