/* value/json/parse.h: reading with a kind put in front. Private to the room. */
#ifndef VALUE_JSON_PARSE_H
#define VALUE_JSON_PARSE_H

#include "value/json.h"

/* As json_parse_doc for an item of a list: an object without kind or apiVersion of its own gets
 * these. */
int json_parse_item(str text, str kind, str api_version, struct doc **ret,
                    struct err *err) MUST_CHECK;

#endif
