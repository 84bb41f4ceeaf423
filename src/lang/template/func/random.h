/* lang/template/func/random.h: the run's source of random bytes. Private to the room. */
#ifndef LANG_TEMPLATE_FUNC_RANDOM_H
#define LANG_TEMPLATE_FUNC_RANDOM_H

#include "lang/template_func.h"

void random_fill(struct template_call *c, void *ret, size_t len);

#endif
