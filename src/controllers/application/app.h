/* controllers/application/app.h: the facts of one application; private to this folder.
 *
 * Handlers (informer, mirror, absorbed answers) write facts and call application_advance, which
 * lets the pure rooms draw conclusions until nothing changes; plan() in steps.c only reads. */
#ifndef CONTROLLERS_APPLICATION_APP_H
#define CONTROLLERS_APPLICATION_APP_H

#include "argo/project.h"
#include "base/map.h"
#include "control/steps.h"
#include "controllers/application/controller.h"
#include "plan/compare.h"
#include "base/log.h"
#include "plan/operation.h"
#include "plan/sync.h"

#define APP_CHANGED_MAX 64 /* keys that changed since the last look; more: all is compared */
/* A tree is drawn again this long after a change: the larger, the later. */
#define TREE_SETTLE_US(n_rows) (50 * USEC_PER_MS + (usec)(n_rows)*USEC_PER_MS)
#define APP_EVENTS_MAX 32 /* Kubernetes events that wait to be sent; more are dropped */

struct settings_snapshot { /* immutable, reference-counted; one loop */
    int refs;
    struct arena arena;
    struct settings settings;
};
struct settings_snapshot *settings_snapshot_ref(struct settings_snapshot *s);
void settings_snapshot_unref(struct settings_snapshot *s);

/* ---- one look at an application: everything a comparison is made of ---- */

struct evaluation {
    struct arena arena;
    struct app_controller *controller;
    struct settings_snapshot *settings;
    struct app view;
    struct app_cluster cluster;
    struct project project;
    value *global; /* projects that `project` inherits from */
    size_t n_globals;
    bool has_project, has_cluster;
    struct cluster_kinds *cluster_kinds;
    struct plan_kinds kinds;
    struct normalizer *rules;
    struct compare_context context;
    struct app_conditions spec_errors;
    str destination_error;
    struct compare_desired desired;
    struct compare_result result;
    size_t n_missing; /* live objects that are not whole yet, see whole.c */
    bool compared;
    bool cluster_away; /* it could not be asked: the comparison says so */
    bool incomplete;   /* a live object's body is asked for: nothing can be said yet */
};

/* ---- rendering of all sources ---- */

enum source_state { SOURCE_ASKED, SOURCE_RENDERED, SOURCE_FAILED };
struct source_fact {
    enum source_state state;
    struct manifests_result *result;
    struct err *err; /* SOURCE_FAILED; heap */
};
struct round {
    bool active;
    uint64_t serial;     /* names the round: answers of an older one are dropped */
    int level;           /* enum compare_level */
    unsigned flags;      /* MANIFESTS_* */
    struct doc *sources; /* list of the sources */
    bool multi_source;
    struct doc *revisions; /* list of texts, as asked for; absent entries: the source's own */
    struct source_fact *source;
    size_t n_sources;
    bool refs_are_wrong; /* names of sources that cannot be: all of them failed with that */
    bool is_local;       /* nothing is rendered: the operation brought its manifests along */
    uint64_t local_id;   /* which ones */
    struct doc *local;   /* is_local: list of objects; NULL when they could not be read */
    usec started_at;
};
bool round_answered(const struct round *r);
bool round_failed(const struct round *r);
void round_reset(struct round *r);

/* ---- a sync under way ---- */

struct action_fact {
    uint64_t id;
    bool answered;
    bool seen; /* the mirror knows what the answer said: it alone counts from now on */
    struct doc *object, *live; /* to send; known to live there */
    struct sync_action action; /* texts in the operation's arena, values of object and live */
    struct sync_answer answer; /* message in the operation's arena, object in answer_object */
    struct doc *answer_object;
};

struct operation {
    struct arena arena;
    struct doc *state; /* operationState as it shall be stored */
    bool resumed, started;
    bool done;         /* completed: waits for the write that clears app.operation */
    int refresh_level; /* to ask for when the end is stored; -1: none */
    struct round round;
    struct action_fact *action;
    size_t n_actions, cap_actions;
    usec wake_at; /* wall; 0: none */
    char waiting_for[200];
};

/* ---- what shall be stored in our own object ---- */

struct wanted {
    struct doc *status;    /* NULL: as it is */
    struct doc *operation; /* automated sync to start; NULL: none */
    bool clear_operation;
    bool drop_refresh;                        /* the annotation named by refresh_value was served */
    struct doc *spec;                         /* normalised spec */
    unsigned finalizers_add, finalizers_drop; /* FINALIZER_BIT_* */
    bool conflicted;                          /* the last write met a newer object: read it first */
    uint64_t serial;
    usec since;      /* monotonic: when status began to differ; 0: it does not */
    usec not_before; /* monotonic: back-off after a failure */
    unsigned failures;
};

/* ---- the end of an application: deletion.c ---- */

enum app_finalizer {
    FINALIZER_BIT_RESOURCES = 1,
    FINALIZER_BIT_PRE_DELETE = 2,
    FINALIZER_BIT_PRE_DELETE_CLEANUP = 4,
    FINALIZER_BIT_POST_DELETE = 8,
    FINALIZER_BIT_POST_DELETE_CLEANUP = 16,
};

struct deletion_action { /* one object to create or to delete now */
    uint64_t id;         /* the same as long as it is the same wish */
    struct doc *object;
    bool create, foreground;
    const char *blame; /* put before an error's text */
    bool asked;        /* answered: the mirror tells what became of it */
};

struct deletion_made { /* a hook that was created and that the mirror may not have yet */
    char *key;         /* heap */
    usec at;           /* monotonic */
    bool foreign;      /* it was there already and is none of ours */
};

struct changed_key {
    struct kube_key key;
    char text[];
};

struct app_event {
    str reason, message;
    bool warning;
};

struct application {
    struct subject subject; /* first */
    struct app_controller *controller;
    char *key;       /* "namespace/name", heap */
    char *instance;  /* tracking name, heap */
    char **interest; /* keys without our mark that we wait for */
    size_t n_interests;
    struct doc *object; /* newest seen */
    struct doc *held;   /* as it was when it was quarantined; NULL: it is not */
    bool gone;

    int wanted_level; /* asked for in memory; -1: none */
    usec jitter_us;
    usec advanced_at; /* monotonic: last turn by time */
    usec concluded_at,
        put_off_until; /* monotonic: last conclusions; the next, if put off, else 0 */
    usec looked_at;    /* wall: when the sources were last known to be compared or unmoved */
    usec refresh_at;   /* wall: next refresh by time; 0: none */
    usec look_at;      /* wall: an automated sync may be possible then; 0: nothing waits for it */
    struct application *next_late, **back_late; /* controller.late */
    bool live_changed;                          /* look again: `changed` says at what */
    struct changed_key **changed;
    size_t n_changed;
    bool changed_all;
    struct compared *compared; /* compared.c; NULL: nothing is kept */
    usec tree_at;              /* wall: when the tree is drawn again; 0: it is as it should be */
    struct round refresh;
    struct round rendered; /* the last complete one: what live changes are compared with */
    bool waiting_for_cluster;

    struct operation *operation;
    struct wanted wanted;
    struct whole **whole; /* whole.c */
    size_t n_whole, cap_whole;

    struct {
        bool active;
        struct deletion_action *action;
        size_t n;
        struct deletion_made *made;
        size_t n_made;
        unsigned settled; /* turns spent on telling the end */
        usec again_at;    /* monotonic; 0: none */
    } deletion;

    char told_sync[16], told_health[16]; /* what the last event said; "" nothing yet */
    struct arena event_arena;
    struct app_event *event; /* heap: room for APP_EVENTS_MAX, while there are any */
    size_t n_events;
    uint64_t event_serial;
    uint64_t serial; /* last handed out to rounds and writes */
};

struct app_controller {
    struct app_controller_config config;
    struct fleet *fleet;
    struct mirror_policy policy;
    struct informer *applications, *projects, *config_maps;
    struct settings_snapshot *settings;
    struct map app;         /* key -> struct application */
    struct map by_instance; /* tracking instance -> struct application */
    struct map by_key;      /* interest.c */
    /* Their source moved to a commit that changed nothing they read: only the revision in the
     * status is old. They are done one by one beside everything else. */
    struct application *late, **late_end;
    struct timer late_turn;
    struct timer poll;
    bool polling;
    struct call poll_call;
    struct app_controller_status status;
    uint64_t world_serial; /* grows when clusters or their kinds come, go or are listed anew */
    void (*watcher)(void *arg, const struct doc *before, const struct doc *after);
    void *watcher_arg;
    struct metric *reconcile, *queue_depth; /* NULL without metrics */
    struct arena spare;                     /* of the last evaluation; no block: none */
};

/* Draw conclusions from the facts, then poke. The only entry of handlers. */
void application_advance(struct application *app);
void application_free(struct application *app);

/* evaluate.c */
struct evaluation *evaluation_new(struct application *app);
void evaluation_free(struct evaluation *e);
/* Names the state of the project and of those it inherits from. */
struct sha256 evaluation_project_digest(const struct evaluation *e);
/* The kinds that the destination serves now; once for an evaluation. */
void evaluation_take_kinds(struct evaluation *e, struct cluster_client *client);
/* Desired objects of a complete round and the live ones -> e->result. not ready: the cluster is not
 * mirrored yet. */
enum evaluation_outcome { EVALUATION_DONE, EVALUATION_WAITS, EVALUATION_FAILED };
enum evaluation_outcome evaluation_compare(struct application *app, struct evaluation *e,
                                           const struct round *r, const struct operation *op,
                                           struct err *err);
/* Desired objects alone, of a complete round; the kinds must be taken. */
int evaluation_desired(struct evaluation *e, const struct round *r, struct err *err) MUST_CHECK;
/* Why the project cannot be used by the application at all, in upstream's words; "": it can. */
str evaluation_project_error(struct evaluation *e);
/* "failed to generate manifest for source 1 of 2: ..." of a round that failed, "" else. */
str round_error(struct arena *a, const struct round *r);
/* Why the objects of a cluster are not known, as upstream says it. */
str evaluation_cluster_error(struct arena *a, str server, const struct err *why);
bool evaluation_cluster(struct application *app, const struct evaluation *e,
                        struct fleet_cluster *ret);
/* Live object by key with a body, from the newest answers of `op` or from the mirror; NULL: not
 * there, or e->incomplete. A reference. */
struct doc *live_object(struct application *app, struct evaluation *e, const struct operation *op,
                        struct kube_key key);

/* compared.c */
void compared_keep(struct application *app, struct evaluation *e, const struct round *r);
void compared_forget(struct application *app);
/* The cluster changed there. */
void compared_changed(struct application *app, struct kube_key key);
/* Changes so far are looked at. */
void compared_settled(struct application *app);
/* Compares the rows that changed; e->result gets sync, health and resources, and no rows.
 * ret_news: some verdict is another than before. false: the whole application must be compared. */
bool compared_again(struct application *app, struct evaluation *e, bool *ret_news);
/* e->result.row with live objects, and targets where nothing is live: what a tree needs. */
bool compared_rows(struct application *app, struct evaluation *e);

/* metrics.c */
void controller_metrics_open(struct app_controller *c);
void controller_metrics_reconciled(struct application *app, const struct evaluation *e,
                                   usec started_at);

/* refresh.c */
void refresh_advance(struct application *app);
void refresh_ask(struct application *app, int level);
void round_start(struct application *app, struct round *r, value sources, bool multi,
                 value revisions, unsigned flags);

/* local.c */
void round_take_local(struct application *app, struct round *r);
/* The round has the manifests of the last operation, if that brought some. */
bool round_is_current(const struct application *app, const struct round *r);

/* whole.c */
/* The live object as the comparison with `target` needs it; counts e->n_missing when it has to be
 * read first. */
value whole_of(struct application *app, struct evaluation *e, value target, value live);
void wholes_free(struct application *app);
/* The next at or after `from` that is to be read, with its id and a digest of its version; n_whole:
 * none. */
size_t wholes_asked(const struct application *app, size_t from, uint64_t *ret_id,
                    uint64_t *ret_version);
int whole_start(struct subject *s, const struct step *st, struct call c, struct err *err);
void whole_absorb(struct subject *s, const struct step *st, struct answer *ans);

/* status.c */
value status_now(const struct application *app, struct arena *a); /* wanted, or as stored */
void status_want(struct application *app, value status);
void status_of_comparison(struct application *app, struct evaluation *e, const struct round *r,
                          bool reconciled);
void status_of_bad_spec(struct application *app, struct evaluation *e);
/* Sync, health and resources of e->result: after single rows were compared again. */
void status_of_rows(struct application *app, struct evaluation *e);
/* After a refresh that compared no more than rows; news: a verdict has changed. */
void status_of_refresh(struct application *app, struct evaluation *e, bool news);
/* Kubernetes events about what app->object says now and did not say before. */
void status_events(struct application *app);
/* A newer object is about to be taken: what is durable now and not yet known to us. */
void application_changes(const struct application *app, const struct doc *now);
value wanted_patch(const struct application *app, struct arena *a); /* absent: nothing to write */
void wanted_reset(struct application *app);
void application_event(struct application *app, bool warning, str reason, str message);

/* operation.c */
void operation_advance(struct application *app);
void operation_free(struct operation *op);
/* The mirror told that this object is gone. */
void operation_saw_deletion(struct application *app, struct kube_key key, str uid);

/* finalizers.c */
unsigned finalizers_present(value object); /* bits of enum app_finalizer */
/* The first finalizer of a cascade says "background". */
bool finalizers_background(value object);
/* The new list; absent: nothing changes. */
value finalizers_changed(struct arena *a, value object, unsigned add, unsigned drop);

/* deletion.c */
void deletion_advance(struct application *app);
void deletion_close(struct application *app);
void deletion_plan(const struct application *app, const struct step_kind *kind, struct plan *ret);
int deletion_start(struct subject *s, const struct step *st, struct call c, struct err *err);
void deletion_absorb(struct subject *s, const struct step *st, struct answer *ans);

/* held.c */
bool application_held(struct application *app);   /* quarantined: says so and is not worked */
void application_rested(struct application *app); /* forgets a crash once all is done */

/* interest.c */
void interest_register(struct application *app, const struct evaluation *e);
void interest_clear(struct application *app);
/* A key whose object, whoever owns it, must be looked at. */
void interest_add(struct application *app, struct kube_key key);
/* The same for one row that was compared again. */
void interest_of_row(struct application *app, const struct evaluation *e,
                     const struct compare_row *row);
struct application *interest_find(struct app_controller *c, struct kube_key key); /* NULL: nobody */

/* results.c */
void results_store(struct application *app, struct evaluation *e, const struct round *r);
/* What was computed holds no more: it says nothing; it is computed again for the next reader. */
void results_forget(struct application *app);
void results_outdated(struct application *app);
/* For appcache_on_miss: managed resources and manifests as they are now. */
void results_fill(void *controller, str key);
void results_store_tree(struct application *app, struct evaluation *e); /* tree.c */

/* act.c */
struct serial_args {
    uint64_t serial; /* of the round, the write, the action */
};
bool application_destination(struct application *app, struct fleet_cluster *ret);
int act_start(struct subject *s, const struct step *st, struct call c, struct err *err);
void act_absorb(struct subject *s, const struct step *st, struct answer *ans);

/* steps.c */
bool application_acts(const struct application *app); /* requests of a sync are under way */
void application_plan(const struct subject *s, usec now, struct arena *a, struct plan *ret);

/* controller.c */
usec application_wall(const struct application *app);
str application_ns(const struct application *app);
str application_name(const struct application *app);
void *checked_calloc(size_t n, size_t size);

#endif
