/* api/operations.c: sync, rollback, terminate: each writes `.operation` (or the phase Terminating)
 * and leaves the rest to the controller. Source: argo-cd server/application/application.go (Sync,
 * Rollback, TerminateOperation). */
#include "api/impl.h"
#include "argo/project.h"
#include "base/fault.h"
#include "kube/object.h"

#define CALL_TIMEOUT_US (60 * USEC_PER_SEC)
#define WRITE_TRIES_MAX 5

struct ask { /* one source whose revision an operation needs */
    value source;
    str wanted;   /* as the caller or the spec says it; "" is HEAD */
    str revision; /* resolved */
    str shown;    /* "main (<sha>)" */
};

struct operation {
    struct api_request *r;
    str ns, name;
    struct ask *ask;
    size_t n_asks, at;
    bool multi_source;
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
    FAULT_POINT("api.operation.answered");
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
        if (value_exists(value_path(app, "status.operationState"))) /* that of the last one */
            value_set_path(a, patch, "status.operationState", value_null(a));
    }
    add_empty_members(a, patch, app);
    struct cluster_target t = app_target(o->ns, o->name);
    const struct cluster_options opt = {.field_manager = STR("argocd")};
    FAULT_POINT("api.operation.start");
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

/* A switch of argocd-cm. */
static bool cm_says(struct api_request *r, const char *key)
{
    const struct settings *s = auth_settings(auth_now(r->api));
    return str_is(value_str(value_get(s->cm, str_of(key))), "true");
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

static void set_revisions(struct operation *o, value sync)
{
    struct arena *a = o->r->a;
    if (!o->multi_source) {
        if (o->n_asks && o->ask[0].revision.len)
            value_set_str(a, sync, "revision", o->ask[0].revision);
        return;
    }
    value list = value_new_list(a);
    for (size_t i = 0; i < o->n_asks; i++)
        value_push(a, list, value_of_str(a, o->ask[i].revision));
    value_setz(a, sync, "revisions", list);
}

static void build_sync(struct operation *o)
{
    struct arena *a = o->r->a;
    value body = o->r->body, app = doc_root(o->app), spec = value_getz(app, "spec");
    value sync = value_edit_map(a, o->op, STR("sync"));
    set_revisions(o, sync);
    copy_as(a, sync, "prune", value_getz(body, "prune"));
    copy_as(a, sync, "dryRun", value_getz(body, "dryRun"));
    copy_as(a, sync, "syncStrategy", value_getz(body, "strategy"));
    copy_as(a, sync, "resources", value_getz(body, "resources"));
    copy_as(a, sync, "manifests", value_getz(body, "manifests"));
    if (!o->multi_source)
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

static bool automated(value app)
{
    value policy = value_path(app, "spec.syncPolicy.automated");
    return value_is_map(policy) && !(value_exists(value_getz(policy, "enabled")) &&
                                     !value_bool(value_getz(policy, "enabled")));
}

static bool may_sync(struct api_request *r, value app)
{
    bool local = value_len(value_getz(r->body, "manifests")),
         dry = value_bool(value_getz(r->body, "dryRun"));
    if (local &&
        !allowed_or_denied(r, STR("applications"), STR("override"), app_rbac_object(r, app)))
        return false;
    if (local && automated(app) && !dry) {
        answer_error(
            r, GRPC_PRECONDITION,
            "cannot use local sync when Automatic Sync Policy is enabled unless for dry run");
        return false;
    }
    if (object_is_deleting(app)) {
        answer_error(r, GRPC_PRECONDITION, "application is deleting");
        return false;
    }
    return true;
}

/* ---- revisions of the sources ---- */

/* With auto-sync on nobody may ask for another revision than the spec's. */
static bool revision_allowed(struct operation *o, const struct ask *x)
{
    str own = value_str(value_getz(x->source, "targetRevision"));
    bool other = x->wanted.len && !str_eq(x->wanted, own.len ? own : STR("HEAD"));
    if (other && cm_says(o->r, "application.sync.requireOverridePrivilegeForRevisionSync") &&
        !allowed_or_denied(o->r, STR("applications"), STR("override"),
                           app_rbac_object(o->r, doc_root(o->app))))
        return false;
    if (!other || !automated(doc_root(o->app)) || value_bool(value_getz(o->r->body, "dryRun")))
        return true;
    str which = o->multi_source ? ARENA_CAT(o->r->a, STR("source "),
                                            value_str(value_getz(x->source, "repoURL")), STR(" "))
                                : STR("");
    answer_error(o->r, GRPC_PRECONDITION,
                 "Cannot sync %.*sto %.*s: auto-sync currently set to %.*s", STR_FMT(which),
                 STR_FMT(x->wanted), STR_FMT(own));
    return false;
}

static bool int_of(value v, int64_t *ret)
{
    str text = value_str(v); /* int64 travels as text in proto JSON */
    if (text.len)
        return str_to_i64(text, ret);
    *ret = value_int(v);
    return value_is_number(v);
}

/* What the caller wants of each source; false: answered. */
static bool read_asks(struct operation *o)
{
    struct api_request *r = o->r;
    value spec = value_getz(doc_root(o->app), "spec"), list = value_getz(spec, "sources");
    value revisions = value_getz(r->body, "revisions"), one = value_getz(spec, "source");
    o->multi_source = value_len(list) > 0;
    o->n_asks = o->multi_source ? value_len(list) : (size_t)value_is_map(one);
    o->ask = ARENA_ARRAY(r->a, struct ask, o->n_asks + 1);
    for (size_t i = 0; i < o->n_asks; i++)
        o->ask[i].source = o->multi_source ? value_at(list, i) : one;
    if (!o->multi_source)
        o->ask[0].wanted = value_str(value_getz(r->body, "revision"));
    size_t at = 0;
    for (struct value_iter it = value_iter(value_getz(r->body, "sourcePositions"));
         o->multi_source && value_next(&it); at++) {
        int64_t position;
        if (!int_of(it.val, &position) || position <= 0 || position > (int64_t)o->n_asks) {
            answer_error(r, GRPC_UNKNOWN, "source position is out of range");
            return false;
        }
        o->ask[position - 1].wanted = value_str(value_at(revisions, at));
    }
    for (size_t i = 0; i < o->n_asks; i++)
        if (!revision_allowed(o, &o->ask[i]))
            return false;
    return true;
}

static void all_resolved(struct operation *o)
{
    struct arena *a = o->r->a;
    bool partial = value_len(value_getz(o->r->body, "resources")) > 0;
    str shown = STR("");
    for (size_t i = 0; i < o->n_asks; i++)
        shown = ARENA_CAT(a, shown, i ? STR(",") : STR(""), o->ask[i].shown);
    o->event = ARENA_CAT(a, STR("initiated "), partial ? STR("partial ") : STR(""), STR("sync to "),
                         shown);
    build_sync(o);
}

static void resolve_next(struct operation *o);

static bool is_chart(const struct ask *x) { return value_str(value_getz(x->source, "chart")).len; }

static void resolved(void *arg, struct answer *ans)
{
    struct operation *o = arg;
    struct ask *x = &o->ask[o->at];
    if (ans->rc) {
        answer_error(o->r, GRPC_PRECONDITION,
                     "error resolving repo revision: rpc error: code = Unknown desc = %s",
                     ans->err.text);
        return;
    }
    if (is_chart(x))
        x->revision = arena_str(o->r->a, ((const struct chart_revision *)ans->result)->version);
    else
        x->revision = arena_str(o->r->a, str_of(((const struct source_commit *)ans->result)->sha));
    x->shown = arena_printf(o->r->a, "%.*s (%.*s)", STR_FMT(x->wanted), STR_FMT(x->revision));
    o->at++;
    resolve_next(o);
}

/* A whole SHA is taken as it is. */
static bool needs_no_look(const struct operation *o, const struct ask *x)
{
    return !o->r->api->config.manifests || (!is_chart(x) && source_is_sha(x->wanted));
}

static void resolve_next(struct operation *o)
{
    struct api_request *r = o->r;
    for (; o->at < o->n_asks; o->at++) {
        struct ask *x = &o->ask[o->at];
        if (!x->wanted.len)
            x->wanted = value_str(value_getz(x->source, "targetRevision"));
        if (!x->wanted.len)
            x->wanted = STR("HEAD");
        if (!needs_no_look(o, x)) {
            struct source_repo repo;
            str url = value_str(value_getz(x->source, "repoURL"));
            app_repo(r, url, app_project(doc_root(o->app)), &repo);
            if (is_chart(x))
                manifests_chart_version(r->api->config.manifests, &repo,
                                        value_str(value_getz(x->source, "chart")), x->wanted,
                                        op_call(o, resolved));
            else
                manifests_commit(r->api->config.manifests, &repo, x->wanted, op_call(o, resolved));
            return;
        }
        x->revision = x->shown = x->wanted;
    }
    all_resolved(o);
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
    o->op = value_new_map(r->a);
    if (!read_asks(o))
        return;
    if (value_len(value_getz(r->body, "manifests"))) {
        o->event = STR("initiated sync locally");
        build_sync(o);
    } else {
        resolve_next(o);
    }
}

/* ---- rollback ---- */

void handle_app_rollback(struct api_request *r)
{
    struct arena *a = r->a;
    bool enforced = cm_says(r, "server.rbac.rollback.enforce.enable");
    const struct doc *d =
        app_of(r, r->var[0], value_str(value_getz(r->body, "appNamespace")),
               value_str(value_getz(r->body, "project")), enforced ? "rollback" : "sync");
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
    if (!value_len(value_getz(found, "sources")) && !value_path_str(found, "source.repoURL").len) {
        answer_error(r, GRPC_PRECONDITION,
                     "cannot rollback to revision deployed with Argo CD v0.11 or lower. sync to "
                     "revision instead.");
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
