/* lang/template/func/cast.h: spf13/cast: numbers out of anything. Private to the room.
 *
 * They never fail: what is no number is 0. Source: spf13/cast 1.7.0. */
#ifndef LANG_TEMPLATE_FUNC_CAST_H
#define LANG_TEMPLATE_FUNC_CAST_H

#include "lang/template_value.h"

int64_t cast_int(tval v);
double cast_float(tval v);
/* Go's conversion of a float to an int64: what does not fit is the smallest int64 (amd64). */
int64_t cast_truncate(double d);

#endif
