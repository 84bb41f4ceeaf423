/* value/json/print.h: what the printers share. Private to the room. */
#ifndef VALUE_JSON_PRINT_H
#define VALUE_JSON_PRINT_H

#include "value/json.h"

/* v, frozen, for the WIRE audience without indentation. False: the buffer's bound was near or the
 * tree too deep; out is as before and the general printer must do it. */
bool json_print_tape(value v, unsigned flags, struct buf *out);

/* Write text from *io_at up to `stop` (or past it, to finish a character; `end` is the end of the
 * text) as it stands inside quotes. out has room for 6 bytes a byte and 32 more; returns the new
 * end. */
char *json_escape(const char **io_at, const char *stop, const char *end, char *out, bool html);

void json_print_number(value v, unsigned flags, struct buf *out);

#endif
