/* lang/template/func/time_type.h: time.Time and its relatives as values. Private to the room. */
#ifndef LANG_TEMPLATE_FUNC_TIME_TYPE_H
#define LANG_TEMPLATE_FUNC_TIME_TYPE_H

#include "lang/gotime.h"
#include "lang/template_value.h"

tval time_value(struct arena *a, struct gotime t);
static inline struct gotime time_of(tval v) { return *(const struct gotime *)v.p; }
str duration_text(struct arena *a, int64_t d);

#endif
