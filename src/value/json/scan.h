/* value/json/scan.h: where a JSON value ends, found without reading it. Private to the room.
 *
 * Knows only strings, escapes and nesting; what it calls a value may be anything but well-formed.
 */
#ifndef VALUE_JSON_SCAN_H
#define VALUE_JSON_SCAN_H

#include "base/str.h"

struct json_scan {
    uint32_t depth;
    bool in_string, escaped;
    bool scalar; /* a number or a word: ends where something else starts */
};

/* Start with the value's first byte, which json_scan will see. */
void json_scan_start(struct json_scan *s, char first);
/* How many of the bytes belong to the value; *ret_complete when its end is among them. */
size_t json_scan(struct json_scan *s, str bytes, bool *ret_complete);

#endif
