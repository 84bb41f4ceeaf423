#include "base/digest.h"
#include "kube/object.h"
#include "plan/sync_task.h"
#include "plan/typed.h"

static const char *const action_names[SYNC_ACTION_COUNT] = {
    "dry run", "apply", "create",      "replace",
    "update",  "prune", "delete hook", "drop hook finalizer",
    "get",
};

str sync_action_name(enum sync_action_kind k)
{
    return k >= 0 && k < SYNC_ACTION_COUNT ? str_of(action_names[k]) : STR("");
}

/* Writes of one task share an id whatever their kind: what is sent may change between plans (a live
 * object appears), the step does not. */
uint64_t action_id(const struct sync_run *r, enum sync_action_kind kind, const struct sync_task *t,
                   unsigned salt)
{
    static const char *const steps[SYNC_ACTION_COUNT] = {
        [SYNC_ACTION_DRY_RUN] = "dry",
        [SYNC_ACTION_APPLY] = "write",
        [SYNC_ACTION_CREATE] = "write",
        [SYNC_ACTION_REPLACE] = "write",
        [SYNC_ACTION_UPDATE] = "write",
        [SYNC_ACTION_PRUNE] = "prune",
        [SYNC_ACTION_DELETE_HOOK] = "delete",
        [SYNC_ACTION_DROP_HOOK_FINALIZER] = "drop",
        [SYNC_ACTION_GET] = "get",
    };
    uint64_t id = hash64_mix(hash64(t->row_key), hash64(str_of(steps[kind])));
    return hash64_mix(id, (uint64_t)salt + (uint64_t)r->f->started_at);
}

static str id_text(const uint64_t *id) { return str_mem(id, sizeof(*id)); }

const struct sync_answer *answer_find(const struct sync_run *r, uint64_t id)
{
    return map_find(&r->answers, id_text(&id));
}

static struct kube_key action_key(const struct sync_run *r, const struct sync_task *t)
{
    struct kube_key k = t->key;
    if (!plan_kind_namespaced(r->f->context->kinds, k.group, k.kind))
        k.ns = STR("");
    return k;
}

const struct sync_answer *action_ask(struct sync_run *r, struct sync_action action,
                                     const struct sync_task *t, unsigned salt)
{
    action.id = action_id(r, action.kind, t, salt);
    const struct sync_answer *done = answer_find(r, action.id);
    if (done || r->f->windows_blocked)
        return done;
    action.key = action_key(r, t);
    action.api_version = object_api_version(task_object(t));
    action.live = t->live;
    for (size_t i = 0; i < r->actions.n; i++)
        if (r->actions.at[i].id == action.id)
            return NULL;
    vec_push(r->a, &r->actions, action);
    return NULL;
}

/* ---- writes ---- */

static bool option_on(const struct sync_task *t, bool app, const char *option)
{
    return app || object_has_option(t->target, KEY_SYNC_OPTIONS, option) ||
           object_has_option(t->live, KEY_SYNC_OPTIONS, option);
}

static bool is_kind(const struct sync_task *t, const char *group, const char *kind)
{
    return str_is(t->key.group, group) && str_is(t->key.kind, kind);
}

static enum sync_action_kind write_kind(const struct sync_run *r, const struct sync_task *t)
{
    if (!option_on(t, r->opt.replace, "Replace=true"))
        return SYNC_ACTION_APPLY;
    if (!value_exists(t->live))
        return SYNC_ACTION_CREATE;
    bool keep = is_kind(t, "apiextensions.k8s.io", "CustomResourceDefinition") ||
                str_is(t->key.kind, "Namespace");
    return keep ? SYNC_ACTION_UPDATE : SYNC_ACTION_REPLACE;
}

static bool needs_rbac_reconcile(const struct sync_task *t)
{
    static const char *const kinds[] = {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"};
    if (!str_is(object_api_version(t->target), "rbac.authorization.k8s.io/v1"))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_is(t->key.kind, kinds[i]))
            return true;
    return false;
}

/* The manager whose client-side fields move to ours; "" when the live object is known to have none
 * of it. */
static str migration(const struct sync_run *r, const struct sync_task *t)
{
    if (!r->opt.migrate || !value_exists(t->live))
        return STR("");
    str manager = object_annotation(r->f->context->app->object, STR(KEY_CSA_MIGRATION_MANAGER));
    if (!manager.len)
        manager = STR("kubectl-client-side-apply");
    value fields = object_managed_fields(t->live);
    if (!value_exists(fields))
        return manager; /* the cache does not keep them: the writer looks */
    for (struct value_iter it = value_iter(fields); value_next(&it);)
        if (str_eq(value_str(value_getz(it.val, "manager")), manager) &&
            str_is(value_str(value_getz(it.val, "operation")), "Update"))
            return manager;
    return STR("");
}

/* Sent as it is, but for the namespace that upstream puts into cluster-scoped objects. */
static struct sync_action write_action(const struct sync_run *r, const struct sync_task *t)
{
    struct sync_action w = {.kind = write_kind(r, t), .object = t->target};
    w.force = option_on(t, r->opt.force, "Force=true");
    w.validate =
        r->opt.validate && !object_has_option(t->target, KEY_SYNC_OPTIONS, "Validate=false");
    bool server_side = !object_has_option(t->target, KEY_SYNC_OPTIONS, "ServerSideApply=false") &&
                       (r->opt.server_side ||
                        object_has_option(t->target, KEY_SYNC_OPTIONS, "ServerSideApply=true"));
    w.server_side = w.kind == SYNC_ACTION_APPLY && server_side;
    w.rbac_reconcile = w.kind == SYNC_ACTION_APPLY && !w.server_side && needs_rbac_reconcile(t);
    w.wait_established = is_kind(t, "apiextensions.k8s.io", "CustomResourceDefinition");
    w.migrate_manager = server_side ? migration(r, t) : STR("");
    return w;
}

const struct sync_answer *ask_dry_run(struct sync_run *r, struct sync_task *t)
{
    struct sync_action w = write_action(r, t);
    w.dry_run_of = w.kind;
    w.kind = SYNC_ACTION_DRY_RUN;
    w.server_side = w.wait_established = false; /* a dry run is always client-side */
    w.rbac_reconcile = w.dry_run_of == SYNC_ACTION_APPLY && needs_rbac_reconcile(t);
    w.migrate_manager = STR("");
    return action_ask(r, w, t, 0);
}

const struct sync_answer *ask_write(struct sync_run *r, struct sync_task *t)
{
    return action_ask(r, write_action(r, t), t, 0);
}

const struct sync_answer *ask_prune(struct sync_run *r, struct sync_task *t)
{
    return action_ask(r,
                      (struct sync_action){.kind = SYNC_ACTION_PRUNE,
                                           .propagation = r->opt.propagation},
                      t, 0);
}

const struct sync_answer *ask_delete_hook(struct sync_run *r, struct sync_task *t, unsigned salt)
{
    return action_ask(r,
                      (struct sync_action){.kind = SYNC_ACTION_DELETE_HOOK,
                                           .propagation = r->opt.propagation},
                      t, salt);
}

const struct sync_answer *ask_drop_finalizer(struct sync_run *r, struct sync_task *t, unsigned salt)
{
    static const struct sync_answer nothing_to_do = {.ok = true};
    if (!value_exists(t->live) || !object_has_finalizer(t->live, STR(FINALIZER_HOOK)))
        return &nothing_to_do;
    return action_ask(r, (struct sync_action){.kind = SYNC_ACTION_DROP_HOOK_FINALIZER}, t, salt);
}

#define GET_FRESH_US (5 * USEC_PER_SEC)
#define GET_ROUNDS_MAX 10000

/* Reads again when the last answer has grown old: each round has its own id. */
const struct sync_answer *ask_exists(struct sync_run *r, struct sync_task *t)
{
    const struct sync_answer *last = NULL;
    for (unsigned round = 0; round < GET_ROUNDS_MAX; round++) {
        const struct sync_answer *a = answer_find(r, action_id(r, SYNC_ACTION_GET, t, round));
        if (a && r->f->context->now - a->at < GET_FRESH_US) {
            r->ret->wake_at = a->at + GET_FRESH_US;
            return a;
        }
        if (!a)
            return action_ask(r, (struct sync_action){.kind = SYNC_ACTION_GET}, t, round);
        last = a;
    }
    return last;
}
