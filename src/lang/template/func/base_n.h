/* lang/template/func/base_n.h: base64 and base32 with Go's standard alphabets, padding and errors.
 * Private to the room. Source: Go encoding/base64, encoding/base32. */
#ifndef LANG_TEMPLATE_FUNC_BASE_N_H
#define LANG_TEMPLATE_FUNC_BASE_N_H

#include "base/arena.h"
#include "base/buf.h"

/* CR and LF are skipped. False: *ret_bad is the byte that Go's CorruptInputError names. */
bool base64_read(str text, struct arena *a, str *ret, size_t *ret_bad);
bool base32_read(str text, struct arena *a, str *ret, size_t *ret_bad);
void base32_add(struct buf *out, str bytes);

#endif
