/* plan/operation.h: the life of status.operationState around a sync.
 *
 * All functions are pure: they take the stored operationState value and give the next one, in the
 * arena. The controller:
 *   1. operation_begin when app.operation is set and no operation runs;
 *   2. operation_next tells what to do now (wait for a retry time, restart, sync, terminate,
 * finish);
 *   3. after sync_plan: operation_record; when that phase is completed: operation_complete, which
 * decides about a retry. Source: argo-cd controller/appcontroller.go processRequestedAppOperation,
 * controller/sync.go. */
#ifndef PLAN_OPERATION_H
#define PLAN_OPERATION_H

#include "argo/application.h"
#include "argo/settings.h"

/* New operationState {operation, phase Running, startedAt}. */
value operation_begin(struct arena *a, value operation, usec now);
/* phase Terminating "operation is terminating"; the state unchanged when it does not run. */
value operation_terminate(struct arena *a, value state, str message);

enum operation_todo {
    OPERATION_NONE,      /* nothing runs */
    OPERATION_WAIT,      /* until ret->wake_at: the retry is not due */
    OPERATION_RESTART,   /* ret->state has finishedAt and syncResult cleared: store it, forget rows
                            and answers, then sync */
    OPERATION_SYNC,      /* compare with ret->revision(s) and source(s), then sync_plan */
    OPERATION_TIMED_OUT, /* ret->state is Terminating: store it, then sync_plan */
    OPERATION_INVALID,   /* ret->state is completed (no sync in the request): store it and clear
                            app.operation */
};
struct operation_next {
    enum operation_todo todo;
    value state;
    usec wake_at;  /* also set with SYNC when a timeout is near */
    value sources; /* list: what to compare */
    bool multi_source;
    value revisions; /* list of texts as requested or resolved; empty text: the source's
                        targetRevision */
};
void operation_next(const struct app *app, const struct settings *s, value state, usec now,
                    struct arena *a, struct operation_next *ret);

/* What sync may be refused for before it starts: error conditions, shared resources. OP_NONE: go
 * on. */
struct operation_refusal {
    enum op_phase phase;
    str message;
};
void operation_check(const struct app *app, value state, value conditions, struct arena *a,
                     struct operation_refusal *ret);

/* syncResult with source(s), resolved revision(s), rows and managedNamespaceMetadata; phase and
 * message of the state. */
struct operation_progress {
    enum op_phase phase;
    str message;
    value rows;
    const str *revision; /* resolved; NULL: as they are */
    size_t n_revisions;
};
value operation_record(struct arena *a, const struct app *app, value state,
                       const struct operation_progress *p);

/* A completed state: decides about a retry. */
struct operation_end {
    value state; /* Running again with "Retrying attempt #N at ..." and finishedAt, or final with
                    finishedAt */
    bool retry;
    usec retry_at;
    bool history;                    /* append operation_history */
    bool clear;                      /* remove app.operation */
    int refresh_level;               /* refresh to ask for (3 manual, 2 automated); -1 none */
    str event_reason, event_message; /* of the Kubernetes event; empty when retrying */
    bool event_warning;
};
void operation_complete(const struct app *app, value state, bool was_terminating, usec now,
                        struct arena *a, struct operation_end *ret);

/* status.history with one more entry, cut to the limit. */
value operation_history(struct arena *a, const struct app *app, value state, usec now);

/* Seconds until the next attempt by a RetryStrategy (5s, factor 2, max 3m by default). */
usec operation_retry_at(value retry, int64_t retry_count, usec last_attempt_at);

/* An operation that goes back to history entry `id`. -ERR_NOT_FOUND, -ERR_PRECONDITION (auto-sync
 * is on). */
int operation_rollback(const struct app *app, int64_t id, bool prune, bool dry_run, struct arena *a,
                       value *ret_operation, struct err *err) MUST_CHECK;

#endif
