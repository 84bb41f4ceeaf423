/* lang/template/types.h: questions about types. Private to the room. Source: Go reflect. */
#ifndef LANG_TEMPLATE_TYPES_H
#define LANG_TEMPLATE_TYPES_H

#include "lang/template_value.h"

bool type_is_bytes(const struct template_type *t); /* []uint8 or named so */
bool type_can_be_nil(const struct template_type *t);
bool type_assignable(const struct template_type *from, const struct template_type *to);
const char *kind_name(enum template_kind k);
bool kind_is_int(enum template_kind k);  /* signed */
bool kind_is_uint(enum template_kind k); /* unsigned */

/* The type an error names: of an element held in an interface that is `interface {}`. */
const char *static_type_name(tval v);

#endif
