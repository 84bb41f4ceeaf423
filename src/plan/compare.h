/* plan/compare.h: an application's desired objects against the live ones.
 *
 * Three layers, each pure:
 *   compare_targets  rendered manifests -> desired objects (namespaces, duplicates, exclusions,
 * tracking marks), hooks apart. Depends on manifests, settings and kinds only; may be kept until
 * one of them changes. compare_app      desired and live objects -> rows (pairs with verdicts),
 * sync code, health, conditions, status values. compare_row_again / compare_tally one row again
 * after a watch event, and the application's codes from the rows' verdicts. All results live in the
 * arena passed in. Source: argo-cd controller/state.go, controller/health.go; gitops-engine
 * pkg/sync/reconcile. */
#ifndef PLAN_COMPARE_H
#define PLAN_COMPARE_H

#include "argo/project.h"
#include "argo/tracking.h"
#include "plan/diff.h"
#include "plan/health.h"
#include "plan/kinds.h"

#define COMPARE_OBJECTS_MAX 100000 /* desired objects of one application; more: -ERR_TOO_LARGE */

struct compare_context {
    const struct app *app;
    const struct settings *settings;
    const struct project *project;
    const struct app_cluster *cluster;
    const struct plan_kinds *kinds;
    const struct normalizer *rules; /* NULL: they could not be compiled, see rules_error */
    str rules_error;                /* text of normalizer_new's error */
    usec now;
    bool unmarked; /* manifests that did not come from a source carry no tracking mark, but those
                      whose namespace is changed */
};

/* ---- desired objects ---- */

struct compare_desired {
    value *object; /* without hooks, in source order; the last of duplicates */
    struct kube_key *key;
    size_t *manifest; /* which of the manifests it is */
    size_t n;
    value *hook; /* sync hooks (PreSync, Sync, PostSync, SyncFail), with tracking marks */
    size_t n_hooks;
    value *delete_hook; /* PreDelete and PostDelete hooks */
    size_t n_delete_hooks;
    bool pre_delete, post_delete;     /* there are such hooks: finalizers are wanted */
    struct app_conditions conditions; /* RepeatedResourceWarning, ExcludedResourceWarning */
};
int compare_targets(const struct compare_context *c, const value *manifest, size_t n,
                    struct arena *a, struct compare_desired *ret, struct err *err) MUST_CHECK;

/* ---- verdicts ---- */

struct compare_verdict { /* small and without pointers but `health_message`: may be kept per
                            resource */
    enum sync_code sync; /* SYNC_NONE: no effect on the application */
    enum health_code health;
    str health_message;
    bool modified; /* desired and live differ, or one is missing */
    bool hook, requires_pruning, requires_deletion_confirmation;
    bool counts_sync;   /* an OutOfSync row makes the application OutOfSync */
    bool counts_health; /* takes part in the aggregate */
    bool live, managed; /* there is a live object; it is no hook */
    int64_t wave;
};

struct compare_row {
    struct kube_key key;
    str version;
    value target, live; /* either may be absent */
    struct diff_result diff;
    struct compare_verdict verdict;
    size_t manifest; /* 1 + which of the manifests the target is; 0: none */
    bool self_referenced;
    bool need_dry_run; /* server-side diff: ask, then compare_row_again with `dry_run` */
};

struct compare_input {
    const struct compare_desired
        *desired;      /* NULL: the target state could not be loaded (see load_error) */
    const value *live; /* objects that carry the application's tracking mark and have no owner, and
                          those that live at a desired key; duplicates are fine */
    size_t n_live;
    str load_error; /* "Failed to load target state: ..." in full; every row and the application
                       become Unknown */
    const value *dry_run; /* server-side diff: answers in the order of `rows`, NULL at first */
    size_t n_dry_run;
    value sources; /* list of the sources compared (the spec's, or an operation's) */
    bool multi_source;
    const str *revision; /* resolved, one per source; unresolved text when that failed */
    size_t n_revisions;
    value source_types; /* list of texts ("Directory"), absent when not loaded */
};

struct compare_result {
    struct compare_row *row; /* sorted by group, kind, namespace, name */
    size_t n_rows;
    const struct compare_desired *desired;
    enum sync_code sync;
    struct health health;
    struct app_conditions conditions; /* of this comparison only */
    value sync_status;                /* status.sync */
    value resources;                  /* status.resources, without health */
    bool need_dry_run;                /* some row waits for a dry-run apply */
    value
        images; /* sorted unique list of the targets' images; the tree's are the caller's to add */
};
/* The target is compared by server-side apply: the live object's managedFields are asked for. */
bool compare_uses_managers(const struct compare_context *c, value target);

int compare_app(const struct compare_context *c, const struct compare_input *in, struct arena *a,
                struct compare_result *ret, struct err *err) MUST_CHECK;

/* ---- incremental ---- */

/* One pair again: fills row->diff and row->verdict from row->target and `live`. A row without
 * target and live is to be dropped by the caller. */
struct compare_again {
    value live;                        /* absent: it is gone */
    value dry_run;                     /* answer of a server-side diff, absent at first */
    bool failed;                       /* the target state is not known */
    struct app_conditions *conditions; /* may be NULL */
};
int compare_row_again(const struct compare_context *c, struct compare_row *row,
                      const struct compare_again *again, struct arena *a,
                      struct err *err) MUST_CHECK;

/* Counters of an application: O(1) update per changed row. */
struct compare_tally {
    int64_t rows, out_of_sync, unknown; /* rows that count */
    int64_t by_health[HEALTH_COUNT];    /* rows that count */
    int64_t managed, managed_live;      /* rows that are no hooks; those with a live object */
};
void compare_tally_add(struct compare_tally *t, const struct compare_verdict *v);
void compare_tally_remove(struct compare_tally *t, const struct compare_verdict *v);
enum sync_code compare_tally_sync(const struct compare_tally *t, const struct app *app,
                                  bool failed);
enum health_code compare_tally_health(const struct compare_tally *t);

/* One entry of status.resources. with_health: resource.health.persist. */
value compare_row_status(const struct compare_row *row, bool with_health, struct arena *a);
/* The same from what may be kept of a row; key: as the object calls itself. */
value compare_verdict_status(struct kube_key key, str version, const struct compare_verdict *v,
                             bool with_health, struct arena *a);
/* "Caused by g/Kind:ns/name, ... and N more" for `code`, "" for Healthy. */
str compare_health_cause(const struct compare_row *row, size_t n_rows, enum health_code code,
                         struct arena *a);
/* status.sync of an application that cannot be compared at all (bad spec): as it was, with status
 * Unknown. */
value compare_status_unknown(const struct compare_context *c, const struct compare_input *in,
                             struct arena *a);

/* The destination namespace whose metadata the application manages. */
bool compare_is_managed_namespace(const struct app *app, value object);

/* Sync wave, hook phases and delete policies of an object (also used by sync and the deletion
 * steps). */
int64_t object_wave(value object);
bool object_is_hook(
    value object); /* an Argo or Helm hook annotation that is a hook, known or not */
unsigned object_hook_phases(value object);        /* PHASE_BIT bits; 0: garbage, never applied */
unsigned object_delete_hook_phases(value object); /* PHASE_PRE_DELETE, PHASE_POST_DELETE bits */
unsigned object_hook_policies(
    value object);                 /* enum hook_policy bits; BeforeHookCreation when none */
bool object_ignored(value object); /* hook annotation of an unknown type or test hook: no effect */
bool object_skipped(value object); /* hook: Skip */

#endif
