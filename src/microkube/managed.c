/* microkube/managed.c: managedFields. */
#include "microkube/core.h"

void mk_track(struct mk_ctx *c, value old, value object, bool apply) {}

int mk_apply(struct mk_ctx *c, struct mk_object *o, value patch)
{
    return mk_fail(c, &(struct mk_fault){.code = 501, .reason = "NotImplemented"},
                   "server-side apply");
}
