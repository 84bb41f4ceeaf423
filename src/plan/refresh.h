/* plan/refresh.h: when an application is compared again, and how thoroughly.
 *
 * Pure. Source: argo-cd controller needRefreshAppStatus. */
#ifndef PLAN_REFRESH_H
#define PLAN_REFRESH_H

#include "argo/application.h"
#include "argo/settings.h"

enum compare_level {
    COMPARE_NOTHING,      /* the tree only */
    COMPARE_RECENT,       /* with the revisions of status.sync */
    COMPARE_LATEST,       /* resolve again, cached answers allowed */
    COMPARE_FORCE_RESOLVE /* resolve again, past caches */
};

struct refresh_request {
    int level; /* in-memory request, e.g. of a watch event; < 0: none */
    /* Somebody tells when a source moves or the cluster changes: the period's end alone is no
     * reason. A hard period counts as ever. */
    bool watched;
};
struct refresh_decision {
    bool needed;
    enum compare_level level;
    enum refresh_type type; /* REFRESH_HARD: drop cached manifests */
    const char *reason;     /* one of a few fixed texts, for log and metrics */
    usec expires_at;        /* when the next periodic comparison is due; 0: never */
};
/* jitter_us: the application's share of the jitter, 0..settings->reconcile_jitter_us, chosen by the
 * caller. */
void refresh_decide(const struct app *app, const struct settings *s,
                    const struct refresh_request *request, usec jitter_us, usec now,
                    struct refresh_decision *ret, struct arena *a);

/* JSON patch that removes the refresh annotations; guarded by a test op when refresh-timestamp is
 * there. */
value refresh_annotation_patch(struct arena *a, value object);

#endif
