/* microkube/openapi.c */
#include "microkube/core.h"

bool mk_openapi(struct mk_ctx *c) { return false; }
