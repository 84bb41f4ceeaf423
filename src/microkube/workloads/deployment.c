/* microkube/workloads/deployment.c: Deployment -> ReplicaSet -> Pods, with the revisions,
 * conditions and counts of the real controllers. */
#include <inttypes.h>

#include "microkube/workloads.h"

#define REVISION STR("deployment.kubernetes.io/revision")
#define HASH_LABEL "pod-template-hash"

/* ---- ReplicaSet ---- */

struct counts {
    int64_t all, ready;
};

static struct counts count_pods(const struct mk_children *pods)
{
    struct counts c = {0, 0};
    for (size_t i = 0; i < pods->n; i++) {
        value pod = doc_root(pods->at[i]->doc);
        c.all += !mk_pod_is_done(pod);
        c.ready += mk_pod_is_ready(pod);
    }
    return c;
}

void mk_replicaset_controller(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    value rs = doc_root(o->doc);
    int64_t want = value_int(value_path(rs, "spec.replicas"));
    if (object_is_deleting(rs))
        return;
    struct mk_children pods = mk_children_of(mk, o, "Pod", a);
    int64_t have = count_pods(&pods).all;
    for (; have < want; have++)
        if (!mk_pod_create(mk, o, value_path(rs, "spec.template"), STR(""), "", STR(""), a))
            break;
    for (size_t i = pods.n; i-- > 0 && have > want;
         have--) /* unready ones could go first; names decide here */
        mk_remove_object(mk, pods.at[i], a);
    pods = mk_children_of(mk, o, "Pod", a);
    struct counts c = count_pods(&pods);
    value status = value_new_map(a);
    mk_set_count(a, status, "availableReplicas", c.ready);
    mk_set_count(a, status, "fullyLabeledReplicas", c.all);
    value_setz(a, status, "observedGeneration",
               value_of_int(a, object_generation(doc_root(o->doc))));
    mk_set_count(a, status, "readyReplicas", c.ready);
    value_setz(a, status, "replicas", value_of_int(a, c.all));
    value_setz(a, status, "terminatingReplicas", value_of_int(a, 0)); /* pods end at once */
    mk_status_update(mk, o, status, a);
}

/* ---- Deployment ---- */

struct rollout {
    struct microkube *mk;
    struct mk_object *d;
    struct arena *a;
    struct mk_children sets;
    struct mk_object *now; /* the set of the present template */
    int64_t want;
    int64_t surge, spare; /* maxSurge, maxUnavailable in pods; 0 unless it rolls */
    bool recreate;
    str hash;
};

static int64_t revision_of(value o)
{
    int64_t n = 0;
    str_to_i64(object_annotation(o, REVISION), &n);
    return n;
}

static int64_t replicas_of(const struct mk_object *o)
{
    return value_int(value_path(doc_root(o->doc), "spec.replicas"));
}
static int64_t status_of(const struct mk_object *o, const char *path)
{
    return value_int(value_path(doc_root(o->doc), path));
}

static void set_annotation(struct arena *a, value object, str key, str text)
{
    value meta = value_edit_map(a, object, STR("metadata"));
    value ann = value_edit_map(a, meta, STR("annotations"));
    value_set(a, ann, key, value_of_str(a, text));
}

/* Annotations of the Deployment that do not travel to its sets. */
static bool stays(str key)
{
    return str_is(key, "kubectl.kubernetes.io/last-applied-configuration") ||
           str_eq(key, REVISION) || str_is(key, "deployment.kubernetes.io/desired-replicas") ||
           str_is(key, "deployment.kubernetes.io/max-replicas");
}

static void set_bookkeeping(struct rollout *r, value set, int64_t revision)
{
    value d = doc_root(r->d->doc);
    for (struct value_iter it = value_iter(object_annotations(d)); value_next(&it);)
        if (!stays(it.key))
            set_annotation(r->a, set, it.key, value_str(it.val));
    set_annotation(r->a, set, STR("deployment.kubernetes.io/desired-replicas"),
                   arena_printf(r->a, "%" PRId64, r->want));
    set_annotation(r->a, set, STR("deployment.kubernetes.io/max-replicas"),
                   arena_printf(r->a, "%" PRId64, r->want + r->surge));
    set_annotation(r->a, set, REVISION, arena_printf(r->a, "%" PRId64, revision));
}

/* ---- how many pods each set may have ----
 * Source: kubernetes pkg/controller/deployment/rolling.go, util/deployment_util.go. */

/* A number, or a percentage of the wanted pods. */
static int64_t portion(value v, int64_t of, bool round_up)
{
    int64_t percent = 0;
    str text = value_str(v);
    if (!value_is_string(v))
        return value_int(v);
    if (!str_to_i64(str_trim_suffix(text, STR("%")), &percent))
        return 0;
    return (of * percent + (round_up ? 99 : 0)) / 100;
}

static void read_strategy(struct rollout *r)
{
    value strategy = value_path(doc_root(r->d->doc), "spec.strategy");
    r->recreate = str_is(value_path_str(strategy, "type"), "Recreate");
    if (r->recreate)
        return;
    r->surge = portion(value_path(strategy, "rollingUpdate.maxSurge"), r->want, true);
    r->spare = portion(value_path(strategy, "rollingUpdate.maxUnavailable"), r->want, false);
    if (!r->surge && !r->spare)
        r->spare = 1; /* or it would never move */
    r->spare = MIN_OF(r->spare, r->want);
}

static int64_t total(const struct rollout *r, const char *path)
{
    int64_t n = 0;
    for (size_t i = 0; i < r->sets.n; i++)
        n += value_int(value_path(doc_root(r->sets.at[i]->doc), path));
    return n;
}

/* The new set may have what the surge leaves room for. */
static int64_t grown(const struct rollout *r, int64_t has)
{
    int64_t room = r->want + r->surge - total(r, "spec.replicas");
    return room <= 0 ? has : has + MIN_OF(room, r->want - has);
}

static int64_t first_replicas(const struct rollout *r)
{
    if (r->recreate)
        return total(r, "status.replicas") ? 0 : r->want;
    return grown(r, 0);
}

static struct mk_object *create_set(struct rollout *r, int64_t revision)
{
    struct arena *a = r->a;
    value d = doc_root(r->d->doc), set = value_new_map(a),
          meta = value_edit_map(a, set, STR("metadata"));
    value_set_str(a, meta, "name", ARENA_CAT(a, r->d->name, STR("-"), r->hash));
    value_set_str(a, meta, "namespace", r->d->ns);
    value_setz(a, meta, "labels", value_path(d, "spec.template.metadata.labels"));
    value_set_str(a, value_edit_map(a, meta, STR("labels")), HASH_LABEL, r->hash);
    value_setz(a, meta, "ownerReferences", mk_owner_ref(a, d));
    value spec = value_edit_map(a, set, STR("spec"));
    value_setz(a, spec, "minReadySeconds", value_path(d, "spec.minReadySeconds"));
    value_setz(a, spec, "replicas", value_of_int(a, first_replicas(r)));
    value selector = value_edit(a, value_path(d, "spec.selector"));
    value_set_str(a, value_edit_map(a, selector, STR("matchLabels")), HASH_LABEL, r->hash);
    value_setz(a, spec, "selector", selector);
    value template = value_edit(a, value_path(d, "spec.template"));
    value tmeta = value_edit_map(a, template, STR("metadata"));
    value_set_str(a, value_edit_map(a, tmeta, STR("labels")), HASH_LABEL, r->hash);
    value_setz(a, spec, "template", template);
    set_bookkeeping(r, set, revision);
    return mk_controller_create(r->mk, "apps", "ReplicaSet", set, a);
}

static void scale_set(struct rollout *r, struct mk_object *set, int64_t replicas)
{
    if (replicas_of(set) == replicas)
        return;
    value v = value_edit(r->a, doc_root(set->doc));
    value_set_path(r->a, v, "spec.replicas", value_of_int(r->a, replicas));
    value_set_path(r->a, v, "metadata.generation", value_of_int(r->a, object_generation(v) + 1));
    mk_controller_update(r->mk, set, v, r->a);
}

/* Find or make the set of the present template and give it the newest revision. */
static bool find_sets(struct rollout *r)
{
    int64_t newest_old = 0;
    r->sets = mk_children_of(r->mk, r->d, "ReplicaSet", r->a);
    r->hash = mk_template_hash(r->a, value_path(doc_root(r->d->doc), "spec.template"));
    for (size_t i = 0; i < r->sets.n; i++) {
        value set = doc_root(r->sets.at[i]->doc);
        if (str_eq(object_label(set, STR(HASH_LABEL)), r->hash))
            r->now = r->sets.at[i];
        else
            newest_old = MAX_OF(newest_old, revision_of(set));
    }
    if (!r->now) {
        r->now = create_set(r, newest_old + 1);
        return r->now != NULL;
    }
    int64_t revision = MAX_OF(revision_of(doc_root(r->now->doc)), newest_old + 1);
    value v = value_edit(r->a, doc_root(r->now->doc));
    set_bookkeeping(r, v, revision);
    return mk_controller_update(r->mk, r->now, v, r->a) != NULL;
}

static void recreate(struct rollout *r)
{
    int64_t old_pods = 0;
    for (size_t i = 0; i < r->sets.n; i++)
        if (r->sets.at[i] != r->now) {
            old_pods += status_of(r->sets.at[i], "status.replicas");
            scale_set(r, r->sets.at[i], 0);
        }
    if (!old_pods)
        scale_set(r, r->now, r->want);
}

/* Takes up to `most` pods from the old sets, oldest first; only_unready: those that serve nobody.
 */
static int64_t shrink_old(struct rollout *r, int64_t most, bool only_unready)
{
    int64_t taken = 0, last = -1;
    while (taken < most) {
        struct mk_object *oldest = NULL;
        for (size_t i = 0; i < r->sets.n; i++) {
            struct mk_object *s = r->sets.at[i];
            int64_t revision = revision_of(doc_root(s->doc));
            if (s != r->now && revision > last &&
                (!oldest || revision < revision_of(doc_root(oldest->doc))))
                oldest = s;
        }
        if (!oldest)
            break;
        last = revision_of(doc_root(oldest->doc));
        int64_t has = replicas_of(oldest);
        int64_t idle = MAX_OF(has - status_of(oldest, "status.readyReplicas"), 0);
        int64_t n = MIN_OF(most - taken, only_unready ? idle : has);
        scale_set(r, oldest, has - n);
        taken += n;
    }
    return taken;
}

static void roll(struct rollout *r)
{
    int64_t has = replicas_of(r->now);
    if (has > r->want)
        scale_set(r, r->now, r->want);
    else if (has < r->want && grown(r, has) > has)
        scale_set(r, r->now, grown(r, has));
    int64_t least = r->want - r->spare; /* pods that must serve at any time */
    int64_t new_unready =
        MAX_OF(replicas_of(r->now) - status_of(r->now, "status.readyReplicas"), 0);
    int64_t most = total(r, "spec.replicas") - least - new_unready;
    if (most <= 0)
        return;
    int64_t unready = shrink_old(r, most, true);
    int64_t ready = total(r, "status.readyReplicas");
    shrink_old(r, MIN_OF(most - unready, ready - least), false);
}

static void drop_old_sets(struct rollout *r)
{
    int64_t limit = value_int(value_path(doc_root(r->d->doc), "spec.revisionHistoryLimit")),
            idle = 0;
    for (size_t i = 0; i < r->sets.n; i++)
        idle += r->sets.at[i] != r->now && !replicas_of(r->sets.at[i]) &&
                !status_of(r->sets.at[i], "status.replicas");
    while (idle > limit) {
        struct mk_object *oldest = NULL;
        size_t at = 0;
        for (size_t i = 0; i < r->sets.n; i++) {
            struct mk_object *s = r->sets.at[i];
            if (s && s != r->now && !replicas_of(s) && !status_of(s, "status.replicas") &&
                (!oldest || revision_of(doc_root(s->doc)) < revision_of(doc_root(oldest->doc)))) {
                oldest = s;
                at = i;
            }
        }
        if (!oldest)
            return;
        r->sets.at[at] = r->sets.at[--r->sets.n];
        mk_remove_object(r->mk, oldest, r->a);
        idle--;
    }
}

static void set_progress(struct rollout *r, value status, bool complete)
{
    value d = doc_root(r->d->doc), was = mk_condition_find(d, "Progressing");
    struct mk_condition c = {"Progressing", "True", "ReplicaSetUpdated", STR(""), true};
    int64_t deadline = value_int(value_path(d, "spec.progressDeadlineSeconds"));
    str text = r->now->name;
    usec since;
    if (complete) {
        c.reason = "NewReplicaSetAvailable";
        c.message =
            arena_printf(r->a, "ReplicaSet \"%.*s\" has successfully progressed.", STR_FMT(text));
    } else {
        bool same = str_has(value_path_str(was, "message"), text);
        usec from = same && time_parse(value_path_str(was, "lastUpdateTime"), &since)
                        ? since
                        : mk_now(r->mk);
        c.message = arena_printf(r->a, "ReplicaSet \"%.*s\" is progressing.", STR_FMT(text));
        usec at = from + deadline * USEC_PER_SEC;
        if (deadline && (mk_now(r->mk) >= at || (same && str_is(value_path_str(was, "reason"),
                                                                "ProgressDeadlineExceeded")))) {
            c.status = "False";
            c.reason = "ProgressDeadlineExceeded";
            c.message =
                arena_printf(r->a, "ReplicaSet \"%.*s\" has timed out progressing.", STR_FMT(text));
        } else if (deadline && deadline < INT32_MAX) {
            mk_enqueue_at(r->mk, r->d, at);
        }
    }
    mk_condition_set(r->mk, r->a, status, &c);
}

static void write_status(struct rollout *r)
{
    struct arena *a = r->a;
    value d = doc_root(r->d->doc), status = value_new_map(a);
    int64_t all = 0, ready = 0, updated = status_of(r->now, "status.replicas");
    for (size_t i = 0; i < r->sets.n; i++) {
        all += status_of(r->sets.at[i], "status.replicas");
        ready += status_of(r->sets.at[i], "status.readyReplicas");
    }
    bool complete = updated == r->want && all == r->want && ready == r->want &&
                    status_of(r->now, "status.readyReplicas") == r->want;
    mk_set_count(a, status, "availableReplicas", ready);
    value_setz(a, status, "conditions", value_path(d, "status.conditions"));
    bool available = ready >= r->want - r->spare;
    mk_condition_set(r->mk, a, status,
                     &(struct mk_condition){
                         "Available", available ? "True" : "False",
                         available ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
                         available ? STR("Deployment has minimum availability.")
                                   : STR("Deployment does not have minimum availability."),
                         true});
    if (value_bool(value_path(d, "spec.paused")))
        mk_condition_set(r->mk, a, status,
                         &(struct mk_condition){"Progressing", "Unknown", "DeploymentPaused",
                                                STR("Deployment is paused"), true});
    else
        set_progress(r, status, complete);
    value_setz(a, status, "observedGeneration", value_of_int(a, object_generation(d)));
    mk_set_count(a, status, "readyReplicas", ready);
    mk_set_count(a, status, "replicas", all);
    value_setz(a, status, "terminatingReplicas", value_of_int(a, 0));
    mk_set_count(a, status, "unavailableReplicas", MAX_OF(r->want - ready, 0));
    mk_set_count(a, status, "updatedReplicas", updated);
    value v = value_edit(a, d);
    value_setz(a, v, "status", status);
    int64_t revision = revision_of(doc_root(r->now->doc));
    if (revision != revision_of(d))
        set_annotation(a, v, REVISION, arena_printf(a, "%" PRId64, revision));
    mk_controller_update(r->mk, r->d, v, a);
}

void mk_deployment_controller(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    value d = doc_root(o->doc);
    struct rollout r = {.mk = mk,
                        .d = o,
                        .a = a,
                        .want = value_int(value_path(d, "spec.replicas"))};
    if (object_is_deleting(d))
        return;
    read_strategy(&r);
    if (value_bool(value_path(d, "spec.paused"))) {
        r.sets = mk_children_of(mk, o, "ReplicaSet", a);
        if (!r.sets.n)
            return;
        r.now = r.sets.at[0];
        for (size_t i = 1; i < r.sets.n; i++)
            if (revision_of(doc_root(r.sets.at[i]->doc)) > revision_of(doc_root(r.now->doc)))
                r.now = r.sets.at[i];
        scale_set(&r, r.now, r.want);
        write_status(&r);
        return;
    }
    if (!find_sets(&r))
        return;
    r.sets = mk_children_of(mk, o, "ReplicaSet", a);
    if (r.recreate)
        recreate(&r);
    else
        roll(&r);
    write_status(&r);
    drop_old_sets(&r);
}
