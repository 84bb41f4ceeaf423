/* value/text_index.h: where the bytes of a text are that are not plain (text_scan.h). Private to
 * the room.
 *
 * A reader that looks for the end of each string by itself must wait for every search before it
 * knows where the next one starts. The index is made ahead of it, a piece at a time, by a loop that
 * waits for nothing; the reader then takes the ends from a list. This is the one place that is
 * compiled for more than one kind of processor (AVX2, SSE2, any). */
#ifndef VALUE_TEXT_INDEX_H
#define VALUE_TEXT_INDEX_H

#include "base/str.h"

#define TEXT_INDEX_PIECE 2048      /* bytes of text indexed at once */
#define TEXT_INDEX_SURPLUS 16      /* entries that may be written and do not count */
#define TEXT_INDEX_MORE UINT32_MAX /* last entry of a piece that is not the text's last */

/* What a processor can: each one finds the same. */
enum text_index_way { TEXT_INDEX_PLAIN, TEXT_INDEX_AVX2, TEXT_INDEX_AVX512 };
enum text_index_way text_index_best_way(void); /* of this processor */

/* The positions in one piece of the text, rising, then TEXT_INDEX_MORE or the text's length. */
struct text_index {
    const char *text, *end;
    const char *next; /* what is not indexed yet */
    enum text_index_way way;
    uint32_t at[TEXT_INDEX_PIECE + TEXT_INDEX_SURPLUS];
};

/* text is borrowed; below 4 GiB. Returns the first entry, as text_index_more. */
const uint32_t *text_index_init(struct text_index *x, str text, enum text_index_way way);
/* Instead of an entry that is TEXT_INDEX_MORE: the next one, which is none. */
const uint32_t *text_index_more(struct text_index *x);

/* The first entry, `i` or behind it, that is not before `position`, which is in the text or its
 * end.
 */
static inline const uint32_t *text_index_from(struct text_index *x, const uint32_t *i,
                                              uint32_t position)
{
    for (;; i++) {
        if (__builtin_expect(*i == TEXT_INDEX_MORE, 0))
            i = text_index_more(x);
        if (*i >= position)
            return i;
    }
}

#endif
