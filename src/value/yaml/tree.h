/* value/yaml/tree.h: pieces that the files of the YAML reader share. Private to the room. */
#ifndef VALUE_YAML_TREE_H
#define VALUE_YAML_TREE_H

#include "value/yaml.h"

/* yaml_parse of a part of a file: line_base is added to the lines of positions (not of messages,
 * which count from the document as upstream). */
int yaml_parse_at(str text, const struct yaml_input *in, uint32_t line_base, struct arena *a,
                  value *ret, struct err *err) MUST_CHECK;

/* yaml_parse by the general reader only: what the direct one (yaml/direct.h) is held to. */
int yaml_parse_any(str text, const struct yaml_input *in, struct arena *a, value *ret,
                   struct err *err) MUST_CHECK;

/* ---- texts of Go's fmt that appear in messages ---- */

str yaml_go_quote(struct arena *a, str s);   /* strconv.Quote */
str yaml_go_value(struct arena *a, value v); /* %#v of the decoded tree */
/* The message about a key that JSON cannot have: an unsigned number or null. */
str yaml_bad_key(struct arena *a, bool is_unsigned, uint64_t u, value val);

#endif
