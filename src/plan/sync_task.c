#include "plan/sync_task.h"

#include <stdlib.h>

#include "kube/object.h"

/* Kinds in the order they are applied; others come after all of these. */
static const char *const kind_order[] = {"Namespace",
                                         "NetworkPolicy",
                                         "ResourceQuota",
                                         "LimitRange",
                                         "PodSecurityPolicy",
                                         "PodDisruptionBudget",
                                         "ServiceAccount",
                                         "Secret",
                                         "SecretList",
                                         "ConfigMap",
                                         "StorageClass",
                                         "PersistentVolume",
                                         "PersistentVolumeClaim",
                                         "CustomResourceDefinition",
                                         "ClusterRole",
                                         "ClusterRoleList",
                                         "ClusterRoleBinding",
                                         "ClusterRoleBindingList",
                                         "Role",
                                         "RoleList",
                                         "RoleBinding",
                                         "RoleBindingList",
                                         "Service",
                                         "DaemonSet",
                                         "Pod",
                                         "ReplicationController",
                                         "ReplicaSet",
                                         "Deployment",
                                         "HorizontalPodAutoscaler",
                                         "StatefulSet",
                                         "Job",
                                         "CronJob",
                                         "IngressClass",
                                         "Ingress",
                                         "APIService"};

static int kind_rank(str kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kind_order); i++)
        if (str_is(kind, kind_order[i]))
            return (int)i;
    return ARRAY_LEN(kind_order);
}

value task_object(const struct sync_task *t)
{
    return value_exists(t->target) ? t->target : t->live;
}

bool task_deletes_first(const struct sync_task *t)
{
    return t->hook && value_exists(t->live) && task_pending(t) &&
           (t->policies & HOOK_DELETE_BEFORE_CREATION);
}

static str prune_option(const struct sync_run *r, const struct sync_task *t)
{
    str own = object_option_value(t->live, KEY_SYNC_OPTIONS, "Prune");
    return own.len ? own : r->opt.prune_default;
}

bool task_needs_confirmation(const struct sync_run *r, const struct sync_task *t)
{
    return task_is_prune(t) && str_is(prune_option(r, t), "confirm");
}

/* ---- options ---- */

void sync_options_read(const struct sync_facts *f, struct sync_options *ret)
{
    static const struct {
        const char *option, *policy;
    } propagation[] = {{"PrunePropagationPolicy=background", "Background"},
                       {"PrunePropagationPolicy=foreground", "Foreground"},
                       {"PrunePropagationPolicy=orphan", "Orphan"}};
    value sync = value_getz(f->operation, "sync"), list = value_getz(sync, "syncOptions");
    value strategy = value_getz(sync, "syncStrategy");
    value apply = value_getz(strategy, "apply"), hook = value_getz(strategy, "hook");
    *ret = (struct sync_options){
        .prune = value_bool(value_getz(sync, "prune")),
        .dry_run = value_bool(value_getz(sync, "dryRun")),
        .force = value_bool(value_getz(value_is_map(apply) ? apply : hook, "force")),
        .selected = value_getz(sync, "resources"),
        .create_namespace = options_have(list, "CreateNamespace=true"),
        .apply_out_of_sync_only = options_have(list, "ApplyOutOfSyncOnly=true"),
        .prune_last = options_have(list, "PruneLast=true"),
        .replace = options_have(list, "Replace=true"),
        .server_side = options_have(list, "ServerSideApply=true"),
        .migrate = !options_have(list, "ClientSideApplyMigration=false"),
        .validate = !options_have(list, "Validate=false"),
        .skip_dry_run_missing = options_have(list, "SkipDryRunOnMissingResource=true"),
        .respect_ignored = options_have(list, "RespectIgnoreDifferences=true"),
        .prune_default = options_value(list, "Prune"),
        .propagation = STR("Foreground"),
    };
    ret->skip_hooks = value_is_map(apply) || value_len(ret->selected) > 0;
    ret->prune_confirmed = app_deletion_confirmed(f->context->app, f->started_at);
    for (size_t i = 0; i < ARRAY_LEN(propagation); i++) {
        if (!options_have(list, propagation[i].option))
            continue;
        ret->propagation = str_of(propagation[i].policy);
        break;
    }
}

/* ---- making tasks ---- */

static struct sync_task *task_new(struct sync_run *r, enum sync_phase phase, value target,
                                  value live)
{
    struct sync_task *t = ARENA_NEW(r->a, struct sync_task);
    t->phase = phase;
    t->target = target;
    t->live = live;
    vec_push(r->a, &r->tasks, t);
    return t;
}

static bool is_selected(const struct sync_run *r, const struct compare_row *row)
{
    if (!value_len(r->opt.selected))
        return true;
    for (struct value_iter it = value_iter(r->opt.selected); value_next(&it);) {
        str ns = value_str(value_getz(it.val, "namespace"));
        if (str_eq(value_str(value_getz(it.val, "name")), row->key.name) &&
            str_eq(value_str(value_getz(it.val, "kind")), row->key.kind) &&
            str_eq(value_str(value_getz(it.val, "group")), row->key.group) &&
            (!ns.len || str_eq(ns, row->key.ns)))
            return true;
    }
    return false;
}

static int resource_tasks(struct sync_run *r)
{
    const struct compare_result *c = r->f->compared;
    for (size_t i = 0; i < c->n_rows; i++) {
        const struct compare_row *row = &c->row[i];
        value o = value_exists(row->target) ? row->target : row->live;
        if (!row->self_referenced || !is_selected(r, row) || object_is_hook(o) || object_skipped(o))
            continue;
        value target = row->target;
        if (r->opt.respect_ignored && value_exists(target) && value_exists(row->live)) {
            int rc = sync_respect_ignored(r->f->context, target, row->live, r->a, &target, r->err);
            if (rc)
                return rc;
        }
        struct sync_task *t = task_new(r, PHASE_SYNC, target, row->live);
        t->modified =
            row->verdict.modified || !value_exists(row->target) || !value_exists(row->live);
    }
    return 0;
}

static str hook_generated_name(struct sync_run *r, value o, enum sync_phase phase)
{
    str revision = r->f->revision.len >= 8 ? str_sub(r->f->revision, 0, 7) : r->f->revision;
    str suffix =
        arena_printf(r->a, "%.*s-%.*s-%lld", STR_FMT(revision), STR_FMT(sync_phase_name(phase)),
                     (long long)(r->f->started_at / USEC_PER_SEC));
    char *lower = arena_cstr(r->a, suffix);
    for (char *p = lower; *p; p++)
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
    return ARENA_CAT(r->a, object_generate_name(o), str_of(lower));
}

static value hook_target(struct sync_run *r, value hook, enum sync_phase phase)
{
    value o = value_edit(r->a, object_private(r->a, hook));
    value meta = value_edit_map(r->a, o, STR("metadata"));
    if (!object_name(hook).len)
        value_set_str(r->a, meta, "name", hook_generated_name(r, hook, phase));
    if (!object_has_finalizer(hook, STR(FINALIZER_HOOK)))
        value_push(r->a, value_edit_list(r->a, meta, STR("finalizers")),
                   value_of_str(r->a, STR(FINALIZER_HOOK)));
    return object_private(r->a, o);
}

static void hook_tasks(struct sync_run *r)
{
    const struct compare_desired *d = r->f->compared->desired;
    for (size_t i = 0; d && !r->opt.skip_hooks && i < d->n_hooks; i++) {
        unsigned phases = object_hook_phases(d->hook[i]);
        for (int p = PHASE_PRE_SYNC; p <= PHASE_SYNC_FAIL; p++)
            if (phases & PHASE_BIT(p))
                task_new(r, (enum sync_phase)p, hook_target(r, d->hook[i], (enum sync_phase)p),
                         VALUE_ABSENT);
    }
}

/* The cache often shows that an object is gone before its deletion is answered, or the wave
 * complete: until it has a row, its task stays. */
static void pruned_task(struct sync_run *r, const struct sync_action *action)
{
    if (!action || action->kind != SYNC_ACTION_PRUNE || !value_exists(action->live))
        return;
    struct kube_key key = object_key(action->live);
    for (size_t k = 0; k < r->tasks.n; k++)
        if (kube_key_eq(object_key(task_object(r->tasks.at[k])), key))
            return;
    str row = ARENA_CAT(r->a, kube_key_str(r->a, key), STR(":"), sync_phase_name(PHASE_SYNC));
    if (!map_has(&r->row_of, row))
        task_new(r, PHASE_SYNC, VALUE_ABSENT, action->live);
}

static void pruned_tasks(struct sync_run *r)
{
    for (size_t i = 0; i < r->f->n_answers; i++)
        pruned_task(r, r->f->answer[i].action);
    for (size_t i = 0; i < r->f->n_asked; i++)
        pruned_task(r, r->f->asked[i]);
}

/* Upstream writes the destination namespace even into cluster-scoped objects; for us it only shows
 * in the rows' keys. */
static void task_name(struct sync_run *r, struct sync_task *t)
{
    t->key = object_key(task_object(t));
    if (!t->key.ns.len && value_exists(t->target) && !t->is_namespace)
        t->key.ns = r->f->context->app->destination.namespace;
    t->hook = object_is_hook(task_object(t));
    t->policies = t->hook ? object_hook_policies(task_object(t)) : 0;
    t->wave = object_wave(task_object(t));
}

static bool is_destination_namespace(const struct sync_run *r, value o)
{
    return value_exists(o) && str_is(object_kind(o), "Namespace") && !object_group(o).len &&
           str_eq(object_name(o), r->f->context->app->destination.namespace);
}

static void find_row(struct sync_run *r, struct sync_task *t)
{
    t->row_key = ARENA_CAT(r->a, kube_key_str(r->a, t->key), STR(":"), sync_phase_name(t->phase));
    t->row = map_find(&r->row_of, t->row_key);
}

static void namespace_task(struct sync_run *r)
{
    value target, live = r->f->namespace_live;
    const struct app *app = r->f->context->app;
    bool managed = value_exists(app->managed_namespace_metadata);
    if (!r->opt.create_namespace || !app->destination.namespace.len)
        return;
    for (size_t i = 0; i < r->f->compared->n_rows; i++)
        if (is_destination_namespace(r, r->f->compared->row[i].target))
            return;
    if (!sync_namespace_wanted(app, VALUE_ABSENT, r->a, &target))
        return;
    struct sync_task *t = task_new(r, PHASE_PRE_SYNC, target, live);
    t->is_namespace = true;
    t->modified = true;
    task_name(r, t);
    find_row(r, t);
    bool answered = answer_find(r, action_id(r, SYNC_ACTION_APPLY, t, 0)) != NULL;
    if (answered && !t->row)
        t->live =
            VALUE_ABSENT; /* as it was when it was asked for: its row is still to be written */
    else if (!managed && (value_exists(live) || (answered && t->row)))
        r->tasks.n--; /* it is there, or was made a moment ago: nothing to do */
}

static bool same_object(const struct sync_task *t, value live)
{
    str ns = object_ns(live);
    return str_eq(object_name(live), t->key.name) && str_eq(object_kind(live), t->key.kind) &&
           str_eq(object_group(live), t->key.group) && (!ns.len || str_eq(ns, t->key.ns));
}

static void find_live(struct sync_run *r, struct sync_task *t)
{
    const struct compare_result *c = r->f->compared;
    for (size_t i = 0; i < c->n_rows && !value_exists(t->live); i++)
        if (value_exists(c->row[i].live) && same_object(t, c->row[i].live))
            t->live = c->row[i].live;
    for (size_t i = 0; i < r->f->n_hook_live && !value_exists(t->live); i++)
        if (same_object(t, r->f->hook_live[i]))
            t->live = r->f->hook_live[i];
}

#define ANSWER_FRESH_US (5 * USEC_PER_SEC)

/* The cache may lag behind our own write: the object we were answered counts until the cache shows
 * it or a newer one. */
static void prefer_answer(struct sync_run *r, struct sync_task *t)
{
    const struct sync_answer *wrote = answer_find(r, action_id(r, SYNC_ACTION_APPLY, t, 0));
    int64_t seen, ours;
    if (!wrote || !wrote->ok || wrote->seen || !value_exists(wrote->object))
        return;
    if (!value_exists(t->live)) {
        if (r->f->context->now - wrote->at >= ANSWER_FRESH_US)
            return;
        t->live = wrote->object;
        r->ret->wake_at = wrote->at + ANSWER_FRESH_US;
    } else if (str_eq(object_uid(t->live), object_uid(wrote->object)) &&
               str_to_i64(object_resource_version(t->live), &seen) &&
               str_to_i64(object_resource_version(wrote->object), &ours) && seen < ours) {
        t->live = wrote->object;
    }
}

static const struct sync_action *action_begun(const struct sync_run *r, uint64_t id)
{
    const struct sync_answer *done = answer_find(r, id);
    for (size_t i = 0; !done && i < r->f->n_asked; i++)
        if (r->f->asked[i]->id == id)
            return r->f->asked[i];
    return done ? done->action : NULL;
}

/* A hook that was found completed is released and perhaps deleted before its row is stored: what
 * was found then stays true, whatever the cache shows of its end. */
static void judge_once(struct sync_run *r, struct sync_task *t)
{
    const struct sync_action *begun;
    if (!t->hook || !task_running(t) || r->f->phase == OP_TERMINATING)
        return;
    begun = action_begun(r, action_id(r, SYNC_ACTION_DROP_HOOK_FINALIZER, t, SALT_AFTER));
    if (!begun)
        begun = action_begun(r, action_id(r, SYNC_ACTION_DELETE_HOOK, t, SALT_END));
    if (begun && value_exists(begun->live))
        t->live = begun->live;
}

/* ---- may it run? ---- */

static bool crd_defines(value o, str group, str kind)
{
    return value_exists(o) && str_is(object_kind(o), "CustomResourceDefinition") &&
           str_eq(value_path_str(o, "spec.group"), group) &&
           str_eq(value_path_str(o, "spec.names.kind"), kind);
}

static bool crd_in_sync(const struct sync_run *r, const struct kube_key *k)
{
    const struct compare_desired *d = r->f->compared->desired;
    for (size_t i = 0; i < r->f->compared->n_rows; i++)
        if (crd_defines(r->f->compared->row[i].target, k->group, k->kind))
            return true;
    for (size_t i = 0; d && i < d->n_hooks; i++)
        if (crd_defines(d->hook[i], k->group, k->kind))
            return true;
    return false;
}

#define KIND_PATIENCE_US (10 * USEC_PER_SEC)
#define KIND_LOOK_US (200 * USEC_PER_MS)

bool task_waits_for_kind(struct sync_run *r, const struct sync_task *t)
{
    usec written = 0;
    if (!t->skip_dry_run ||
        plan_kind_of(r->f->context->kinds, t->key.group, object_version(t->target), t->key.kind)
            .known)
        return false;
    for (size_t i = 0; i < r->tasks.n; i++) {
        if (!crd_defines(r->tasks.at[i]->target, t->key.group, t->key.kind))
            continue;
        const struct sync_answer *a =
            answer_find(r, action_id(r, SYNC_ACTION_APPLY, r->tasks.at[i], 0));
        if (a && a->ok)
            written = MAX_OF(written, a->at);
    }
    if (!written || r->f->context->now - written > KIND_PATIENCE_US)
        return false;
    r->ret->wake_at = r->f->context->now + KIND_LOOK_US;
    return true;
}

static str unknown_kind_text(struct sync_run *r, value o)
{
    return arena_printf(
        r->a,
        "failed to discover server resources for group version %.*s: the server could not find the "
        "requested resource",
        STR_FMT(object_api_version(o)));
}

static bool check(struct sync_run *r, struct sync_task *t)
{
    const struct compare_context *c = r->f->context;
    value o = task_object(t);
    struct plan_kind kind = plan_kind_of(c->kinds, t->key.group, object_version(o), t->key.kind);
    str text;
    if (kind.known) {
        text = c->project ? project_sync_refusal(c->project, o, kind.namespaced, c->cluster, r->a)
                          : STR("");
    } else {
        t->skip_dry_run =
            r->opt.skip_dry_run_missing ||
            object_has_option(t->target, KEY_SYNC_OPTIONS, "SkipDryRunOnMissingResource=true") ||
            crd_in_sync(r, &t->key);
        text = t->skip_dry_run ? STR("") : unknown_kind_text(r, o);
    }
    if (!text.len)
        return true;
    row_set(r, t, RESULT_SYNC_FAILED, OP_NONE, text);
    return false;
}

/* ---- waves and order ---- */

static int wave_cmp(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return a < b ? -1 : a > b;
}

/* Objects go in the reverse of the order they came: the distinct waves of prune tasks are mirrored.
 */
static void mirror_prune_waves(struct sync_run *r)
{
    VEC(int64_t) waves = {0};
    for (size_t i = 0; i < r->tasks.n; i++)
        if (task_is_prune(r->tasks.at[i]))
            vec_push(r->a, &waves, r->tasks.at[i]->wave);
    if (!waves.n)
        return;
    qsort(waves.at, waves.n, sizeof(*waves.at), wave_cmp);
    size_t n = 0;
    for (size_t i = 0; i < waves.n; i++)
        if (!n || waves.at[n - 1] != waves.at[i])
            waves.at[n++] = waves.at[i];
    for (size_t i = 0; i < r->tasks.n; i++) {
        struct sync_task *t = r->tasks.at[i];
        if (!task_is_prune(t))
            continue;
        for (size_t w = 0; w < n; w++) {
            if (waves.at[w] != t->wave)
                continue;
            t->wave = waves.at[n - 1 - w];
            break;
        }
    }
}

static void prune_last(struct sync_run *r)
{
    int64_t last = 0;
    for (size_t i = 0; i < r->tasks.n; i++)
        if (r->tasks.at[i]->phase == PHASE_SYNC)
            last = MAX_OF(last, r->tasks.at[i]->wave);
    for (size_t i = 0; i < r->tasks.n; i++) {
        struct sync_task *t = r->tasks.at[i];
        if (task_is_prune(t) &&
            (r->opt.prune_last || object_has_option(t->live, KEY_SYNC_OPTIONS, "PruneLast=true")))
            t->wave = last + 1;
    }
}

static int task_cmp(const void *x, const void *y)
{
    const struct sync_task *a = *(struct sync_task *const *)x, *b = *(struct sync_task *const *)y;
    if (a->phase != b->phase)
        return a->phase < b->phase ? -1 : 1;
    if (a->wave != b->wave)
        return a->wave < b->wave ? -1 : 1;
    int rank = kind_rank(a->key.kind) - kind_rank(b->key.kind);
    if (rank)
        return rank;
    int c = str_cmp(a->key.name, b->key.name);
    return c ? c : kube_key_cmp(a->key, b->key);
}

static str provides_namespace(struct arena *a, const struct sync_task *t)
{
    (void)a;
    return str_is(t->key.kind, "Namespace") && !t->key.group.len ? t->key.name : STR("");
}

static str needs_namespace(struct arena *a, const struct sync_task *t)
{
    (void)a;
    return t->key.ns;
}

static str provides_kind(struct arena *a, const struct sync_task *t)
{
    if (!str_is(t->key.kind, "CustomResourceDefinition") ||
        !str_is(t->key.group, "apiextensions.k8s.io"))
        return STR("");
    return ARENA_CAT(a, value_path_str(t->target, "spec.group"), STR("/"),
                     value_path_str(t->target, "spec.names.kind"));
}

static str needs_kind(struct arena *a, const struct sync_task *t)
{
    return ARENA_CAT(a, t->key.group, STR("/"), t->key.kind);
}

/* What others need moves just before the first that needs it, into its phase and wave. */
static void move_up(struct sync_run *r, str (*provides)(struct arena *, const struct sync_task *),
                    str (*needs)(struct arena *, const struct sync_task *))
{
    for (size_t i = 0; i < r->tasks.n; i++) {
        struct sync_task *t = r->tasks.at[i];
        str given = value_exists(t->target) ? provides(r->a, t) : STR("");
        if (!given.len)
            continue;
        size_t first = 0;
        while (first < i) {
            const struct sync_task *user = r->tasks.at[first];
            if (value_exists(user->target) && !provides(r->a, user).len &&
                str_eq(needs(r->a, user), given))
                break;
            first++;
        }
        if (first == i)
            continue;
        t->wave = r->tasks.at[first]->wave;
        t->phase = r->tasks.at[first]->phase;
        for (size_t j = i; j > first; j--)
            r->tasks.at[j] = r->tasks.at[j - 1];
        r->tasks.at[first] = t;
    }
}

int sync_tasks_make(struct sync_run *r, bool *ret_valid)
{
    r->tasks.n = 0;
    *ret_valid = true;
    int rc = resource_tasks(r);
    if (rc)
        return rc;
    hook_tasks(r);
    pruned_tasks(r);
    for (size_t i = 0; i < r->tasks.n; i++)
        task_name(r, r->tasks.at[i]);
    namespace_task(r);
    for (size_t i = 0; i < r->tasks.n; i++) {
        struct sync_task *t = r->tasks.at[i];
        find_row(r, t);
        if (value_exists(t->target) && !value_exists(t->live) && !t->is_namespace)
            find_live(r, t);
        if (value_exists(t->target) && !(t->is_namespace && !t->row))
            prefer_answer(r, t);
        judge_once(r, t);
        *ret_valid &= check(r, t);
    }
    mirror_prune_waves(r);
    prune_last(r);
    if (r->tasks.n)
        qsort(r->tasks.at, r->tasks.n, sizeof(*r->tasks.at), task_cmp);
    move_up(r, provides_namespace, needs_namespace);
    move_up(r, provides_kind, needs_kind);
    for (size_t i = 0; i < r->tasks.n; i++)
        find_row(r, r->tasks.at[i]); /* moving may have changed the phase */
    return 0;
}
