/* plan/kinds.h: what plan/ asks about kinds of the destination cluster.
 *
 * A port, so that plan/ is pure: the controller answers from the cluster's discovery, tests from
 * kube's table of built-in kinds. The functions are called during planning only, on the caller's
 * thread, and must be cheap. */
#ifndef PLAN_KINDS_H
#define PLAN_KINDS_H

#include "kube/object.h"

struct plan_kind {
    bool known;      /* the cluster serves this group, version and kind */
    bool namespaced; /* meaningful when known */
};

struct plan_kinds {
    const void *arg;
    /* version may be empty: any. */
    struct plan_kind (*find)(const void *arg, str group, str version, str kind);
};

/* Answer of find; unknown kinds count as namespaced. kinds NULL: built-in kinds of kube/ only. */
struct plan_kind plan_kind_of(const struct plan_kinds *kinds, str group, str version, str kind);
bool plan_kind_namespaced(const struct plan_kinds *kinds, str group, str kind);

#endif
