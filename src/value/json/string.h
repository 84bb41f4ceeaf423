/* value/json/string.h: the slow half of reading strings: escapes, characters outside ASCII, errors.
 * Private to the room. */
#ifndef VALUE_JSON_STRING_H
#define VALUE_JSON_STRING_H

#include "value/json/error.h"
#include "value/tape_write.h"

/* Decode from *io_at up to behind the closing quote, appending to w at offset *io_to. w has room
 * there for the rest of the text and 64 bytes more; so it has afterwards, but w->at may have moved.
 * -ERR_INVALID. */
int json_read_odd_string(const struct json_source *s, struct tape_writer *w, const char **io_at,
                         size_t *io_to) MUST_CHECK;

#endif
