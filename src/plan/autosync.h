/* plan/autosync.h: whether a comparison starts an automated sync.
 *
 * Pure. Called at the end of a refresh when the sync windows allow.
 * Source: argo-cd controller autoSync, alreadyAttemptedSync, selfHealRemainingBackoff. */
#ifndef PLAN_AUTOSYNC_H
#define PLAN_AUTOSYNC_H

#include "plan/compare.h"

struct autosync_input {
    const struct app *app; /* as stored: operation, status.operationState */
    const struct settings *settings;
    value sync_status;         /* status.sync of this comparison */
    value resources;           /* status.resources of this comparison */
    bool revisions_may_differ; /* false: the new commits touched none of the application's paths */
    usec now;
};
struct autosync_result {
    bool start; /* put `operation` into app.operation */
    value operation;
    str condition;       /* text of a SyncError condition to set; "": clear it */
    usec again_at;       /* self-heal waits: refresh (level 2) then; 0: no */
    const char *why_not; /* for the log, NULL when start */
    str event_message;   /* "Initiated automated sync to '...'" */
};
void autosync_decide(const struct autosync_input *in, struct arena *a, struct autosync_result *ret);

#endif
