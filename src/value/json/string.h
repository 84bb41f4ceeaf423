/* value/json/string.h: the slow half of reading strings: escapes, characters outside ASCII, errors.
 * Private to the room. */
#ifndef VALUE_JSON_STRING_H
#define VALUE_JSON_STRING_H

#include "value/json/error.h"
#include "value/tape_write.h"
#include "value/text_index.h"

struct json_string {
    const char *at;          /* where it goes on in the text */
    const uint32_t *special; /* entry of the first byte from there on that is not plain */
    size_t to;               /* offset on the tape that it is decoded to */
    bool plain;              /* returned: so is all that was decoded (text_is_plain) */
};

/* Decode up to behind the closing quote and move all three, `special` to an entry that is not
 * behind the new place. w has room for the rest of the text and 48 bytes more; so it has
 * afterwards, but w->at may have moved. -ERR_INVALID. */
int json_read_odd_string(const struct json_source *s, struct text_index *x, struct tape_writer *w,
                         struct json_string *io) MUST_CHECK;

#endif
