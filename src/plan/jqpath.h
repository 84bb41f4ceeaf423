/* plan/jqpath.h: the jq expressions people write in ignoreDifferences, as path programs.
 *
 * Understood: . .a ."a" .["a"] .[0] .[] ? | , (...) select(...) .. and, inside select, comparisons,
 * and, or, not, has, test of presence, startswith, endswith, contains, length, type, keys,
 * to_entries-free values. An expression that is jq but not in this list is refused with
 * -ERR_UNSUPPORTED. Bounds: JQPATH_BYTES_MAX of text, JQPATH_DEPTH_MAX of nesting, JQPATH_STEPS_MAX
 * visited values a run. A program is immutable. Source: gojq (del, path expressions). */
#ifndef PLAN_JQPATH_H
#define PLAN_JQPATH_H

#include "value/value.h"

#define JQPATH_BYTES_MAX 4096
#define JQPATH_DEPTH_MAX 64
#define JQPATH_STEPS_MAX 1000000

struct jqpath;

/* -ERR_INVALID with gojq's words ("unexpected token \")\""); -ERR_UNSUPPORTED names what is not
 * understood. */
int jqpath_compile(str text, struct arena *a, struct jqpath **ret, struct err *err) MUST_CHECK;

/* del(expression): *ret is the input when nothing was deleted. -ERR_UNPROCESSABLE: the program
 * fails on this document (upstream then leaves the document as it is). */
int jqpath_delete(const struct jqpath *p, value document, struct arena *a, value *ret,
                  struct err *err) MUST_CHECK;

#endif
