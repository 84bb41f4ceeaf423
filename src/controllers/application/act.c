/* controllers/application/act.c: the step `act`: one action of a sync becomes requests, and their
 * answer a fact. */
#include "controllers/application/app.h"

#include "base/fault.h"
#include "cluster/apply.h"
#include "cluster/finalizer.h"
#include "control/quarantine.h"
#include "kube/object.h"

bool application_destination(struct application *app, struct fleet_cluster *ret)
{
    struct evaluation *e = evaluation_new(app);
    bool found = evaluation_cluster(app, e, ret);
    evaluation_free(e);
    return found;
}

static struct action_fact *action_of(struct application *app, const struct step *st)
{
    const struct serial_args *args = st->args;
    struct operation *op = app->operation;
    for (size_t i = 0; op && i < op->n_actions; i++)
        if (op->action[i].id == args->serial)
            return &op->action[i];
    return NULL;
}

static enum apply_verb verb_of(const struct sync_action *x, enum sync_action_kind kind)
{
    switch (kind) {
    case SYNC_ACTION_CREATE: return APPLY_CREATE;
    case SYNC_ACTION_REPLACE: return APPLY_REPLACE;
    case SYNC_ACTION_UPDATE: return APPLY_UPDATE;
    default: return x->server_side ? APPLY_SERVER_SIDE : APPLY_CLIENT_SIDE;
    }
}

static struct cluster_target target_of_action(const struct sync_action *x)
{
    struct cluster_target t = {.gvk = {x->key.group, STR(""), x->key.kind},
                               .ns = x->key.ns,
                               .name = x->key.name};
    str group;
    if (kube_api_version_parse(x->api_version, &group, &t.gvk.version, NULL) < 0)
        t.gvk.version = STR("");
    return t;
}

int act_start(struct subject *s, const struct step *st, struct call c, struct err *err)
{
    struct application *app = (struct application *)s;
    struct action_fact *f = action_of(app, st);
    struct fleet_cluster cluster;
    if (!f)
        return err_set(err, ERR_CANCELED, "the operation is over");
    if (!application_destination(app, &cluster))
        return err_set(err, ERR_UNAVAILABLE, "the destination cluster is not known any more");
    FAULT_POINT("application.act.start");
    const struct sync_action *x = &f->action;
    struct cluster_target t = target_of_action(x);
    bool dry = x->kind == SYNC_ACTION_DRY_RUN;
    struct apply_options o = {
        .verb = verb_of(x, dry ? x->dry_run_of : x->kind),
        .field_manager = STR(FIELD_MANAGER),
        .force = x->force,
        .dry_run = dry,
        .live_known = true,
        .migrate_manager = x->migrate_manager,
        .rbac_reconcile = x->rbac_reconcile,
        .wait_established = x->wait_established,
    };
    const struct cluster_options removal = {.propagation = x->propagation};
    switch (x->kind) {
    case SYNC_ACTION_GET: cluster_get(cluster.client, &t, c); break;
    case SYNC_ACTION_PRUNE:
    case SYNC_ACTION_DELETE_HOOK: cluster_delete(cluster.client, &t, &removal, c); break;
    case SYNC_ACTION_DROP_HOOK_FINALIZER:
        cluster_drop_finalizer(cluster.client, &t, NULL, STR(FINALIZER_HOOK), c);
        break;
    default:
        quarantine_begin(app->controller->config.quarantine, str_of(app->key));
        cluster_apply(cluster.client, x->object, f->live, &o, c);
        quarantine_end(app->controller->config.quarantine);
        break;
    }
    return 0;
}

static void keep_answer(struct application *app, struct action_fact *f, struct answer *ans)
{
    struct operation *op = app->operation;
    const struct sync_action *x = &f->action;
    bool removal = x->kind == SYNC_ACTION_PRUNE || x->kind == SYNC_ACTION_DELETE_HOOK;
    bool missing = ans->rc == -ERR_NOT_FOUND;
    f->answered = true;
    f->answer = (struct sync_answer){.id = f->id, .at = application_wall(app)};
    f->answer.ok = ans->rc == 0 || (missing && (removal || x->kind == SYNC_ACTION_GET));
    f->answer.found = ans->rc == 0;
    if (ans->rc < 0) {
        f->answer.message = arena_str(&op->arena, err_str(&ans->err));
        return;
    }
    bool plain =
        removal || x->kind == SYNC_ACTION_GET || x->kind == SYNC_ACTION_DROP_HOOK_FINALIZER;
    if (plain) {
        f->answer_object = removal ? NULL : answer_take(ans);
    } else {
        struct apply_result *r = ans->result;
        f->answer.message = arena_str(&op->arena, buf_str(&r->message));
        f->answer_object = doc_ref(r->object);
    }
    f->answer.object = doc_root(f->answer_object);
    struct fleet_cluster cluster;
    if (f->answer_object && x->kind != SYNC_ACTION_DRY_RUN &&
        application_destination(app, &cluster) && cluster.mirror)
        mirror_put(cluster.mirror, doc_root(f->answer_object));
}

void act_absorb(struct subject *s, const struct step *st, struct answer *ans)
{
    struct application *app = (struct application *)s;
    struct action_fact *f = action_of(app, st);
    if (!f || f->answered || ans->rc == -ERR_CANCELED)
        return;
    FAULT_POINT("application.act.answered");
    keep_answer(app, f, ans);
    app->live_changed = true;
    application_advance(app);
}
