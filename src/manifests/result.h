/* manifests/result.h: making answers; private to manifests/. */
#ifndef MANIFESTS_RESULT_H
#define MANIFESTS_RESULT_H

#include "manifests/payload.h"

/* References to both are taken; the caller fills cached and the times before it hands it on. */
struct manifests_result *result_new(struct rendered *r, struct source_commit *c, str version);

#endif
