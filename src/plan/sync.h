/* plan/sync.h: one sync operation, planned again from facts after every change.
 *
 * sync_plan is pure: desired and live objects, the result rows so far, the answers of actions done
 * so far and the time go in; the actions that should be running now, the rows, phase and message
 * come out. The caller (controllers/ application) starts actions it has not started yet (same id:
 * same action), stores each answer as a struct sync_answer, writes ret->rows, phase and message
 * into status.operationState, and plans again.
 *
 * Waves are atomic in the rows, as upstream: while the actions of a wave are under way the rows
 * stay as they were; when the last answer is in, all of the wave's rows appear at once.
 *
 * After a restart answers are lost and rows are as stored: applies are sent again (an apply twice
 * is one apply), and with `resumed` a hook that was created since started_at counts as created, so
 * none is created twice.
 *
 * Source: gitops-engine pkg/sync (sync_context, sync_tasks, reconcile), argo-cd controller/sync.go.
 */
#ifndef PLAN_SYNC_H
#define PLAN_SYNC_H

#include "plan/compare.h"

enum sync_action_kind {
    SYNC_ACTION_DRY_RUN, /* kubectl --dry-run=client of what would be done: no write request */
    SYNC_ACTION_APPLY,   /* client-side (three-way, manager argocd-controller) or server-side apply,
                            see flags */
    SYNC_ACTION_CREATE,  /* POST; Replace without a live object */
    SYNC_ACTION_REPLACE, /* kubectl replace: PUT, or with force delete and create */
    SYNC_ACTION_UPDATE,  /* PUT with the live resourceVersion (CRD, Namespace) */
    SYNC_ACTION_PRUNE,   /* DELETE with propagation */
    SYNC_ACTION_DELETE_HOOK,         /* DELETE with propagation; not found is success */
    SYNC_ACTION_DROP_HOOK_FINALIZER, /* PUT of the live object without
                                        argocd.argoproj.io/hook-finalizer, no fieldManager; not
                                        found is success; conflict: read again and repeat */
    SYNC_ACTION_GET, /* read one object past the cache; not found: answer.found false */
    SYNC_ACTION_COUNT
};
str sync_action_name(enum sync_action_kind k); /* for "waiting for", log, metrics */

struct sync_action {
    enum sync_action_kind kind;
    uint64_t id;
    struct kube_key key; /* ns "" for cluster-scoped kinds */
    str api_version;
    value object;          /* what to send; absent for deletes and reads */
    value live;            /* what is known to live there, absent when nothing */
    bool server_side;      /* APPLY: server-side, force conflicts */
    bool force, validate;  /* validate: strict field validation */
    bool rbac_reconcile;   /* APPLY: `kubectl auth reconcile` first; texts are joined */
    bool wait_established; /* a CRD: after success wait up to 3 s until Established */
    str migrate_manager; /* APPLY server-side: move this client-side manager's fields first; "": no
                          */
    enum sync_action_kind dry_run_of; /* DRY_RUN: APPLY, CREATE, REPLACE or UPDATE */
    str propagation;                  /* "Foreground", "Background", "Orphan" */
};

struct sync_answer {
    uint64_t id;
    bool ok;
    bool found;  /* GET */
    bool seen;   /* the cache has caught up with this answer: it alone counts from now on */
    str message; /* kubectl's text ("configmap/c1 created") or the error, exactly as it shall appear
                  */
    value object; /* the object after a write or read; may be absent */
    usec at;      /* wall clock */
    const struct sync_action
        *action; /* what was answered: a pruned object may be gone from the cache by now */
};

struct sync_facts {
    const struct compare_context *context;
    const struct compare_result *compared; /* against the operation's revision */
    value operation;                       /* status.operationState.operation */
    enum op_phase phase;                   /* OP_RUNNING or OP_TERMINATING */
    usec started_at;
    str revision; /* resolved */
    value rows;   /* status.operationState.syncResult.resources, absent at first */
    bool
        started; /* rows were not empty when this process took the operation up: no dry run again */
    bool resumed;                     /* the operation was begun by another process */
    bool windows_blocked;             /* only answers are taken; nothing new starts */
    const struct sync_answer *answer; /* all of this operation (this attempt) in this process */
    size_t n_answers;
    /* Begun and not answered: what the cache shows already may be their doing (a hook that appears,
     * a pruned object that is gone). */
    const struct sync_action *const *asked;
    size_t n_asked;
    value namespace_live;   /* the destination namespace, absent: missing. Looked at with
                               CreateNamespace=true only */
    const value *hook_live; /* live objects of hooks (compared->row has those that carry the
                               tracking mark already) */
    size_t n_hook_live;
};

struct sync_plan {
    struct sync_action *action; /* that should be running; those answered are left out */
    size_t n_actions;
    value rows; /* what the rows shall be now; absent when there are none */
    enum op_phase phase;
    str message;
    usec wake_at; /* plan again then even if nothing changes; 0: no */
};

int sync_plan(const struct sync_facts *f, struct arena *a, struct sync_plan *ret,
              struct err *err) MUST_CHECK;

/* kubectl's success text: "deployment.apps/x configured". what: "created", "configured",
 * "unchanged", "serverside-applied", "replaced". */
str sync_object_text(struct arena *a, value object, const char *what);

/* The target with the live values of ignored fields (RespectIgnoreDifferences=true). */
int sync_respect_ignored(const struct compare_context *c, value target, value live, struct arena *a,
                         value *ret, struct err *err) MUST_CHECK;

/* The labels and annotations of managedNamespaceMetadata put on `namespace_object`; false when
 * nothing has to be written (the namespace lives and no metadata is managed). */
bool sync_namespace_wanted(const struct app *app, value live, struct arena *a, value *ret_target);

#endif
