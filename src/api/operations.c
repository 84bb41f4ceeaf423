/* api/operations.c: sync, rollback, terminate: each writes `.operation` (or the phase Terminating)
 * and leaves the rest to the controller. Source: argo-cd server/application/application.go (Sync,
 * Rollback, TerminateOperation). */
#include "api/impl.h"
#include "argo/project.h"
#include "kube/object.h"

#define CALL_TIMEOUT_US (60 * USEC_PER_SEC)
#define WRITE_TRIES_MAX 5

struct operation {
    struct api_request *r;
    str ns, name, revision;
    value op;
    const struct doc *app;
    bool terminate;
    str event; /* what the caller did, for the Event */
    unsigned tries;
};

static struct call op_call(struct operation *o, call_fn *fn)
{
    return call_open(o->r->api->config.loop, CALL_TIMEOUT_US, fn, o);
}

static void op_read(struct operation *o);

static void op_written(void *arg, struct answer *ans)
{
    struct operation *o = arg;
    if (ans->rc == -ERR_CONFLICT && ++o->tries < WRITE_TRIES_MAX) {
        op_read(o);
        return;
    }
    if (ans->rc) {
        answer_err(o->r, &ans->err);
        return;
    }
    informer_put(o->r->api->applications, ans->result);
    event_record(o->r, doc_root(ans->result), o->terminate ? "ResourceUpdated" : "OperationStarted",
                 o->event);
    if (o->terminate)
        answer_empty(o->r);
    else
        answer_value(o->r, app_public(o->r->a, doc_root(ans->result)));
}

/* Upstream stores the whole object when it writes an operation; its clients see these two appear.
 */
static void add_empty_members(struct arena *a, value patch, value app)
{
    static const char *const member[] = {"summary", "sourceHydrator"};
    value have = value_getz(app, "status");
    for (size_t i = 0; i < ARRAY_LEN(member); i++)
        if (value_is_map(have) && !value_exists(value_get(have, str_of(member[i]))))
            value_set(a, value_edit_map(a, patch, STR("status")), str_of(member[i]),
                      value_new_map(a));
}

/* The resourceVersion makes the patch fail when somebody wrote in between: two operations never
 * overwrite each other. */
static void op_write(struct operation *o, value app)
{
    struct arena *a = o->r->a;
    value patch = value_new_map(a);
    value_setz(a, value_edit_map(a, patch, STR("metadata")), "resourceVersion",
               value_of_str(a, object_resource_version(app)));
    if (o->terminate)
        value_set_path(a, patch, "status.operationState.phase",
                       value_of_str(a, STR("Terminating")));
    else {
        value_edit_map(a, o->op, STR("retry"));
        value_setz(a, patch, "operation", o->op);
    }
    add_empty_members(a, patch, app);
    struct cluster_target t = app_target(o->ns, o->name);
    const struct cluster_options opt = {.field_manager = STR("argocd")};
    cluster_patch(o->r->api->config.home, &t, CLUSTER_PATCH_MERGE,
                  json_str(a, patch, AUDIENCE_WIRE, 0), &opt, op_call(o, op_written));
}

static void op_have(void *arg, struct answer *ans)
{
    struct operation *o = arg;
    if (ans->rc) {
        answer_err(o->r, &ans->err);
        return;
    }
    value app = doc_root(ans->result);
    bool running = value_is_map(value_getz(app, "operation"));
    if (o->terminate && (!running || !value_is_map(value_path(app, "status.operationState"))))
        answer_error(o->r, GRPC_INVALID,
                     "Unable to terminate operation. No operation is in progress");
    else if (!o->terminate && running)
        answer_error(o->r, GRPC_PRECONDITION, "another operation is already in progress");
    else
        op_write(o, app);
}

static void op_read(struct operation *o)
{
    struct cluster_target t = app_target(o->ns, o->name);
    cluster_get(o->r->api->config.home, &t, op_call(o, op_have));
}

static struct operation *op_new(struct api_request *r, const struct doc *d)
{
    struct operation *o = ARENA_NEW(r->a, struct operation);
    *o = (struct operation){.r = r,
                            .app = d,
                            .ns = object_ns(doc_root(d)),
                            .name = object_name(doc_root(d))};
    return o;
}

static void initiated_by(struct operation *o)
{
    struct arena *a = o->r->a;
    value by = value_edit_map(a, o->op, STR("initiatedBy"));
    value_set_str(a, by, "username", o->r->user.name);
}

/* ---- sync ---- */

static void copy_as(struct arena *a, value to, const char *key, value v)
{
    bool empty = value_is_nil(v) || ((value_is_list(v) || value_is_map(v)) && !value_len(v)) ||
                 (value_is_string(v) && !value_str(v).len) ||
                 (value_type(v) == VALUE_BOOL && !value_bool(v));
    if (!empty)
        value_set(a, to, str_of(key), v);
}

static void build_sync(struct operation *o)
{
    struct arena *a = o->r->a;
    value body = o->r->body, app = doc_root(o->app), spec = value_getz(app, "spec");
    value sync = value_edit_map(a, o->op, STR("sync"));
    if (o->revision.len)
        value_set_str(a, sync, "revision", o->revision);
    copy_as(a, sync, "prune", value_getz(body, "prune"));
    copy_as(a, sync, "dryRun", value_getz(body, "dryRun"));
    copy_as(a, sync, "syncStrategy", value_getz(body, "strategy"));
    copy_as(a, sync, "resources", value_getz(body, "resources"));
    copy_as(a, sync, "manifests", value_getz(body, "manifests"));
    copy_as(a, sync, "source", value_getz(spec, "source"));
    copy_as(a, sync, "sources", value_getz(spec, "sources"));
    value asked = value_path(body, "syncOptions.items");
    copy_as(a, sync, "syncOptions",
            value_is_list(asked) ? asked : value_path(spec, "syncPolicy.syncOptions"));
    initiated_by(o);
    copy_as(a, o->op, "info", value_getz(body, "infos"));
    value retry = value_getz(body, "retryStrategy");
    if (!value_is_map(retry))
        retry = value_path(spec, "syncPolicy.retry");
    value_setz(a, o->op, "retry", value_is_map(retry) ? retry : value_new_map(a));
    op_read(o);
}

static str target_revision(value app)
{
    str t = value_path_str(app, "spec.source.targetRevision");
    return t.len ? t : STR("HEAD");
}

static void resolved(void *arg, struct answer *ans)
{
    struct operation *o = arg;
    if (ans->rc) {
        answer_error(o->r, GRPC_PRECONDITION,
                     "error resolving repo revision: rpc error: code = Unknown desc = %s",
                     ans->err.text);
        return;
    }
    const struct source_commit *commit = ans->result;
    o->revision = arena_str(o->r->a, str_of(commit->sha));
    str asked = value_str(value_getz(o->r->body, "revision"));
    o->event =
        arena_printf(o->r->a, "initiated sync to %.*s (%s)",
                     STR_FMT(asked.len ? asked : target_revision(doc_root(o->app))), commit->sha);
    build_sync(o);
}

static bool automated(value app)
{
    value policy = value_path(app, "spec.syncPolicy.automated");
    return value_is_map(policy) && !(value_exists(value_getz(policy, "enabled")) &&
                                     !value_bool(value_getz(policy, "enabled")));
}

static bool may_sync(struct api_request *r, value app)
{
    str asked = value_str(value_getz(r->body, "revision")), target = target_revision(app);
    bool local = value_len(value_getz(r->body, "manifests")),
         dry = value_bool(value_getz(r->body, "dryRun"));
    if (object_is_deleting(app)) {
        answer_error(r, GRPC_PRECONDITION, "application is deleting");
        return false;
    }
    if (local &&
        !allowed_or_denied(r, STR("applications"), STR("override"), app_rbac_object(r, app)))
        return false;
    if (local && automated(app) && !dry) {
        answer_error(
            r, GRPC_PRECONDITION,
            "cannot use local sync when Automatic Sync Policy is enabled unless for dry run");
        return false;
    }
    if (asked.len && !str_eq(asked, target) && automated(app) && !dry) {
        answer_error(r, GRPC_PRECONDITION, "Cannot sync to %.*s: auto-sync currently set to %.*s",
                     STR_FMT(asked), STR_FMT(target));
        return false;
    }
    return true;
}

/* Sync windows of the project. */
static bool window_open(struct api_request *r, value object)
{
    struct app *app = ARENA_NEW(r->a, struct app);
    struct project project;
    struct window_verdict verdict = {0};
    app_view(object, r->api->config.namespace, r->a, app);
    const struct doc *d = informer_find(r->api->projects, r->api->config.namespace, app->project);
    if (!d) {
        answer_error(r, GRPC_INVALID,
                     "app is not allowed in project \"%.*s\", or the project does not exist",
                     STR_FMT(app->project));
        return false;
    }
    project_view(doc_root(d), NULL, 0, r->a, &project);
    project_can_sync(&project, app, true, 0, r->now, r->a, &verdict);
    if (verdict.allowed)
        return true;
    answer_error(r, GRPC_DENIED, "cannot sync: blocked by sync window");
    return false;
}

void handle_app_sync(struct api_request *r)
{
    const struct doc *d = app_of(r, r->var[0], value_str(value_getz(r->body, "appNamespace")),
                                 value_str(value_getz(r->body, "project")), "get");
    if (!d || !window_open(r, doc_root(d)) ||
        !allowed_or_denied(r, STR("applications"), STR("sync"), app_rbac_object(r, doc_root(d))) ||
        !may_sync(r, doc_root(d)))
        return;
    struct operation *o = op_new(r, d);
    value source = value_path(doc_root(d), "spec.source");
    str asked = value_str(value_getz(r->body, "revision"));
    o->op = value_new_map(r->a);
    bool local = value_len(value_getz(r->body, "manifests"));
    if (local || !value_is_map(source) || !r->api->config.manifests) {
        o->revision = local ? STR("") : asked;
        o->event = local ? STR("initiated sync locally")
                         : ARENA_CAT(r->a, STR("initiated sync to "), asked);
        build_sync(o);
        return;
    }
    struct source_repo repo = {0};
    str url = value_str(value_getz(source, "repoURL"));
    const struct api_ports *p = &r->api->config.ports;
    if (!p->repo || !p->repo(p->arg, url, app_project(doc_root(d)), r->a, &repo))
        repo.url = url;
    manifests_commit(r->api->config.manifests, &repo,
                     asked.len ? asked : target_revision(doc_root(d)), op_call(o, resolved));
}

/* ---- rollback ---- */

void handle_app_rollback(struct api_request *r)
{
    struct arena *a = r->a;
    const struct doc *d = app_of(r, r->var[0], value_str(value_getz(r->body, "appNamespace")),
                                 value_str(value_getz(r->body, "project")), "sync");
    if (!d)
        return;
    value app = doc_root(d), found = VALUE_ABSENT;
    int64_t id = value_int(value_getz(r->body, "id"));
    str id_text = value_str(value_getz(r->body, "id"));
    if (id_text.len && !str_to_i64(id_text, &id)) { /* int64 travels as text in proto JSON */
        answer_error(r, GRPC_INVALID, "id: '%.*s' is not a number", STR_FMT(id_text));
        return;
    }
    if (object_is_deleting(app)) {
        answer_error(r, GRPC_PRECONDITION, "application is deleting");
        return;
    }
    if (automated(app)) {
        answer_error(r, GRPC_PRECONDITION,
                     "rollback cannot be initiated when auto-sync is enabled");
        return;
    }
    for (struct value_iter it = value_iter(value_path(app, "status.history")); value_next(&it);)
        if (value_int(value_getz(it.val, "id")) == id)
            found = it.val;
    if (!value_exists(found)) {
        answer_error(r, GRPC_INVALID, "application %.*s/%.*s does not have deployment with id %lld",
                     STR_FMT(object_ns(app)), STR_FMT(object_name(app)), (long long)id);
        return;
    }
    struct operation *o = op_new(r, d);
    o->op = value_new_map(a);
    value sync = value_edit_map(a, o->op, STR("sync"));
    copy_as(a, sync, "revision", value_getz(found, "revision"));
    copy_as(a, sync, "revisions", value_getz(found, "revisions"));
    copy_as(a, sync, "dryRun", value_getz(r->body, "dryRun"));
    copy_as(a, sync, "prune", value_getz(r->body, "prune"));
    copy_as(a, sync, "source", value_getz(found, "source"));
    copy_as(a, sync, "sources", value_getz(found, "sources"));
    copy_as(a, sync, "syncOptions", value_path(app, "spec.syncPolicy.syncOptions"));
    value_edit_map(a, value_edit_map(a, sync, STR("syncStrategy")), STR("apply"));
    initiated_by(o);
    value_setz(a, o->op, "retry", value_new_map(a));
    o->event = arena_printf(a, "initiated rollback to %lld", (long long)id);
    op_read(o);
}

/* ---- terminate ---- */

void handle_app_terminate(struct api_request *r)
{
    const struct doc *d =
        app_of(r, r->var[0], query_get(r, "appNamespace"), query_get(r, "project"), "sync");
    if (!d)
        return;
    struct operation *o = op_new(r, d);
    o->terminate = true;
    o->event = STR("terminated running operation");
    op_read(o);
}
