/* api/results.c: what was computed for an application (from appcache/), and its single resources.
 * Source: argo-cd server/application/application.go (ResourceTree, GetManifests,
 * GetResource, ListResourceEvents, RevisionMetadata). */
#include "api/impl.h"
#include "argo/project.h"
#include "argo/tracking.h"
#include "kube/object.h"
#include "base/digest.h"
#include "plan/diff.h"

#define CALL_TIMEOUT_US (60 * USEC_PER_SEC)

const struct doc *app_named(struct api_request *r, const char *action)
{
    return app_of(r, r->var[0], query_get(r, "appNamespace"), query_get(r, "project"), action);
}

static void unref_entry(void *e) { appcache_entry_unref(e); }

struct appcache_entry *app_results(struct api_request *r, const struct doc *d)
{
    str key = ARENA_CAT(r->a, object_ns(doc_root(d)), STR("/"), object_name(doc_root(d)));
    struct appcache_entry *e = appcache_read_whole(r->api->config.results, key);
    if (e)
        arena_on_done(r->a, unref_entry, e);
    return e;
}

struct cluster_client *app_destination(struct api_request *r, value app)
{
    const struct api_ports *p = &r->api->config.ports;
    return p->cluster ? p->cluster(p->arg, value_path_str(app, "spec.destination.server"),
                                   value_path_str(app, "spec.destination.name"))
                      : r->api->config.home;
}

void handle_app_tree(struct api_request *r)
{
    const struct doc *d = app_named(r, "get");
    if (!d)
        return;
    struct appcache_entry *e = app_results(r, d);
    answer_value(r, e && e->tree ? doc_root(e->tree) : value_new_map(r->a));
}

/* ---- manifests ---- */

/* stringData of a (masked) Secret is shown as data, as the API server would store it. */
static value secret_as_stored(struct arena *a, value object)
{
    value texts = value_getz(object, "stringData");
    if (!str_is(object_kind(object), "Secret") || !value_is_map(texts))
        return object;
    value v = value_edit(a, object), data = value_edit_map(a, v, STR("data"));
    for (struct value_iter it = value_iter(texts); value_next(&it);)
        value_set(a, data, it.key, it.val);
    value_remove(v, STR("stringData"));
    return v;
}

static str manifest_text(struct arena *a, value object)
{
    return json_str(a, secret_as_stored(a, object), AUDIENCE_WIRE, JSON_SORT_KEYS);
}

struct rendering { /* all sources of an application, one after the other */
    struct api_request *r;
    struct app *app;
    str revision[APP_SOURCES_MAX]; /* to use in place of the source's; "" the source's */
    size_t at;
    value list;
};

static void render_next(struct rendering *x);

static void rendered(void *arg, struct answer *ans)
{
    struct rendering *x = arg;
    struct api_request *r = x->r;
    struct arena *a = r->a;
    if (ans->rc) {
        answer_error(r, GRPC_UNKNOWN, "%s", ans->err.text);
        return;
    }
    const struct manifests_result *m = ans->result;
    const struct settings *settings = auth_settings(auth_now(r->api));
    for (size_t i = 0; i < m->n_objects; i++) {
        value one = tracking_write(settings, a, doc_root(m->object[i].object), x->app->instance,
                                   x->app->destination.namespace);
        diff_mask_secrets(a, &one, 1, settings->sensitive_annotations);
        value_push(a, x->list,
                   value_borrow_str(a, json_str(a, one, AUDIENCE_WIRE, JSON_SORT_KEYS)));
    }
    x->at++;
    render_next(x);
}

static void render_next(struct rendering *x)
{
    struct api_request *r = x->r;
    const struct app *app = x->app;
    if (x->at == app->n_sources) {
        value v = value_new_map(r->a);
        if (value_len(x->list))
            value_setz(r->a, v, "manifests", x->list);
        answer_value(r, v);
        return;
    }
    value list = value_new_list(r->a), revisions = value_new_list(r->a);
    for (size_t i = 0; i < app->n_sources; i++) {
        value_push(r->a, list, app->source[i]);
        value_push(r->a, revisions, value_of_str(r->a, x->revision[i]));
    }
    struct manifests_request q = {
        .app_name = app->instance,
        .namespace = app->destination.namespace,
        .project = app->project,
        .value_file_schemes = auth_settings(auth_now(r->api))->value_file_schemes,
        .flags = http_query_bool(&r->query, "noCache") ? MANIFESTS_NO_CACHE : 0,
    };
    const struct manifests_sources sources = {.list = list,
                                              .revisions = revisions,
                                              .multi_source = app->multi_source,
                                              .repo = r->api->config.ports.repo,
                                              .repo_arg = r->api->config.ports.arg};
    manifests_request_source(&q, &sources, x->at, r->a);
    manifests_get(r->api->config.manifests, &q,
                  call_open(r->api->config.loop, 2 * CALL_TIMEOUT_US, rendered, x));
}

/* revision= of a single source; revisions= and sourcePositions= go in pairs. */
static bool read_revisions(struct rendering *x)
{
    struct api_request *r = x->r;
    str revision[APP_SOURCES_MAX], position[APP_SOURCES_MAX];
    size_t n = query_all(r, "sourcePositions", position, APP_SOURCES_MAX);
    size_t n_revisions = query_all(r, "revisions", revision, APP_SOURCES_MAX);
    if (!x->app->multi_source && x->app->n_sources)
        x->revision[0] = query_get(r, "revision");
    for (size_t i = 0; x->app->multi_source && i < n; i++) {
        uint64_t at;
        if (!str_to_u64(position[i], &at) || at < 1 || at > x->app->n_sources) {
            answer_error(r, GRPC_UNKNOWN, "source position is out of range");
            return false;
        }
        x->revision[at - 1] = i < n_revisions ? revision[i] : STR("");
    }
    return true;
}

static bool refs_are_good(struct api_request *r, const struct doc *d)
{
    str error = app_refs_error(value_path(doc_root(d), "spec.sources"), r->a);
    if (error.len)
        answer_error(r, GRPC_UNKNOWN, "failed to get ref sources: %.*s", STR_FMT(error));
    return !error.len;
}

static void render_revision(struct api_request *r, const struct doc *d)
{
    struct rendering *x = ARENA_NEW(r->a, struct rendering);
    *x = (struct rendering){.r = r, .app = ARENA_NEW(r->a, struct app)};
    x->list = value_new_list(r->a);
    app_view(doc_root(d), r->api->config.namespace, r->a, x->app);
    if (!x->app->n_sources || !r->api->config.manifests)
        answer_empty(r);
    else if (read_revisions(x) && refs_are_good(r, d))
        render_next(x);
}

void handle_app_manifests(struct api_request *r)
{
    const struct doc *d = app_named(r, "get");
    if (!d)
        return;
    struct appcache_entry *e = app_results(r, d);
    bool asked = query_get(r, "revision").len || query_get(r, "revisions").len ||
                 http_query_bool(&r->query, "noCache");
    if (asked || !e || !e->manifests) {
        render_revision(r, d);
        return;
    }
    value v = value_new_map(r->a), list = value_new_list(r->a), one;
    for (struct value_iter it = value_iter(value_getz(doc_root(e->manifests), "manifests"));
         value_next(&it);) {
        bool secret = str_has(value_str(it.val), STR("\"stringData\""));
        if (secret && json_parse(value_str(it.val), NULL, r->a, &one, NULL) == 0)
            value_push(r->a, list, value_borrow_str(r->a, manifest_text(r->a, one)));
        else
            value_push(r->a, list, it.val);
    }
    if (value_len(list))
        value_setz(r->a, v, "manifests", list);
    answer_value(r, v);
}

/* ---- one resource ---- */

struct resource {
    struct api_request *r;
    value app;
    struct cluster_client *cluster;
    struct cluster_target target;
};

static bool required(struct api_request *r, const char *key)
{
    if (http_query_find(&r->query, key).at)
        return true;
    answer_error(r, GRPC_INTERNAL,
                 "grpc: error while marshaling: proto: required field \"%s\" not set", key);
    return false;
}

static bool in_list(value nodes, str group, str kind, str ns, str name)
{
    for (struct value_iter it = value_iter(nodes); value_next(&it);)
        if (str_eq(value_str(value_getz(it.val, "group")), group) &&
            str_eq(value_str(value_getz(it.val, "kind")), kind) &&
            str_eq(value_str(value_getz(it.val, "namespace")), ns) &&
            str_eq(value_str(value_getz(it.val, "name")), name) &&
            value_str(value_getz(it.val, "uid")).len)
            return true;
    return false;
}

/* Only what the tree shows may be read or changed: otherwise an application would open the whole
 * cluster. */
static struct resource *resource_of(struct api_request *r, const char *verb)
{
    static const char *const fields[] = {"resourceName", "kind", "version"};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (!required(r, fields[i]))
            return NULL;
    const struct doc *d = app_named(r, "get");
    if (!d)
        return NULL;
    str group = query_get(r, "group"), kind = query_get(r, "kind"), ns = query_get(r, "namespace"),
        name = query_get(r, "resourceName");
    if (strcmp(verb, "get") != 0) {
        str action = arena_printf(r->a, "%s/%.*s/%.*s/%.*s/%.*s", verb, STR_FMT(group),
                                  STR_FMT(kind), STR_FMT(ns), STR_FMT(name));
        if (!allowed_or_denied(r, STR("applications"), action, app_rbac_object(r, doc_root(d))))
            return NULL;
    }
    struct appcache_entry *e = app_results(r, d);
    value tree = e && e->tree ? doc_root(e->tree) : VALUE_ABSENT;
    if (!in_list(value_getz(tree, "nodes"), group, kind, ns, name) &&
        !in_list(value_getz(tree, "orphanedNodes"), group, kind, ns, name)) {
        answer_error(r, GRPC_INVALID, "%.*s %.*s %.*s not found as part of application %.*s",
                     STR_FMT(kind), STR_FMT(group), STR_FMT(name), STR_FMT(r->var[0]));
        return NULL;
    }
    struct resource *x = ARENA_NEW(r->a, struct resource);
    x->r = r;
    x->app = doc_root(d);
    x->target = (struct cluster_target){.gvk = {.group = group,
                                                .version = query_get(r, "version"),
                                                .kind = kind},
                                        .ns = ns,
                                        .name = name};
    str server = value_path_str(x->app, "spec.destination.server");
    x->cluster = app_destination(r, x->app);
    if (!x->cluster)
        answer_error(r, GRPC_UNKNOWN, "the cluster \"%.*s\" is not connected", STR_FMT(server));
    return x->cluster ? x : NULL;
}

static void answer_manifest(struct resource *x, value object)
{
    struct api_request *r = x->r;
    value v = value_new_map(r->a), one = object;
    const struct settings *settings = auth_settings(auth_now(r->api));
    diff_mask_secrets(r->a, &one, 1, settings->sensitive_annotations);
    value_setz(r->a, v, "manifest",
               value_borrow_str(r->a, json_str(r->a, one, AUDIENCE_WIRE, JSON_SORT_KEYS)));
    answer_value(r, v);
}

static void resource_read(void *arg, struct answer *ans)
{
    struct resource *x = arg;
    if (ans->rc) {
        err_wrap(&ans->err, "error getting resource");
        answer_err(x->r, &ans->err);
        return;
    }
    answer_manifest(x, doc_root(ans->result));
}

void handle_app_resource(struct api_request *r)
{
    struct resource *x = resource_of(r, "get");
    if (x)
        cluster_get(x->cluster, &x->target,
                    call_open(r->api->config.loop, CALL_TIMEOUT_US, resource_read, x));
}

static void resource_patched(void *arg, struct answer *ans)
{
    struct resource *x = arg;
    if (ans->rc && str_is(x->target.gvk.kind, "Secret")) { /* the text could quote the Secret */
        answer_error(x->r, GRPC_UNKNOWN, "failed to patch Secret %.*s/%.*s", STR_FMT(x->target.ns),
                     STR_FMT(x->target.name));
    } else if (ans->rc) {
        answer_error(x->r, GRPC_UNKNOWN, "error patching resource: %s", ans->err.text);
    } else {
        answer_manifest(x, doc_root(ans->result));
    }
}

void handle_app_resource_patch(struct api_request *r)
{
    static const struct {
        const char *mime;
        enum cluster_patch_type type;
    } types[] = {{"application/json-patch+json", CLUSTER_PATCH_JSON},
                 {"application/merge-patch+json", CLUSTER_PATCH_MERGE},
                 {"application/strategic-merge-patch+json", CLUSTER_PATCH_STRATEGIC}};
    const struct cluster_options o = {.field_manager = STR("argocd")};
    struct resource *x = resource_of(r, "update");
    if (!x)
        return;
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_is(query_get(r, "patchType"), types[i].mime)) {
            cluster_patch(x->cluster, &x->target, types[i].type, value_str(r->body), &o,
                          call_open(r->api->config.loop, CALL_TIMEOUT_US, resource_patched, x));
            return;
        }
    answer_error(r, GRPC_UNKNOWN, "error patching resource: 415: Unsupported Media Type");
}

static void resource_deleted(void *arg, struct answer *ans)
{
    struct resource *x = arg;
    if (ans->rc) {
        err_wrap(&ans->err, "error deleting resource");
        answer_err(x->r, &ans->err);
    } else {
        answer_empty(x->r);
    }
}

void handle_app_resource_delete(struct api_request *r)
{
    struct resource *x = resource_of(r, "delete");
    if (!x)
        return;
    struct cluster_options o = {.propagation = STR("Foreground")};
    if (http_query_bool(&r->query, "orphan"))
        o.propagation = STR("Orphan");
    else if (http_query_bool(&r->query, "force"))
        o.propagation = STR("Background");
    cluster_delete(x->cluster, &x->target, &o,
                   call_open(r->api->config.loop, CALL_TIMEOUT_US, resource_deleted, x));
}

/* ---- events ---- */

static void events_read(void *arg, struct answer *ans)
{
    struct api_request *r = arg;
    struct doc *d;
    struct err err;
    int rc = ans->rc ? err_copy(&err, &ans->err) : cluster_answer(ans->result, &d, &err);
    if (rc) {
        answer_err(r, &err);
        return;
    }
    arena_on_done(r->a, (void (*)(void *))doc_unref, d);
    value v = value_new_map(r->a);
    value_setz(r->a, v, "metadata", value_getz(doc_root(d), "metadata"));
    value_setz(r->a, v, "items", value_getz(doc_root(d), "items"));
    answer_value(r, v);
}

static void ask_events(struct api_request *r, struct cluster_client *cluster, str ns, str name,
                       str uid)
{
    CLEANUP(buf_done) struct buf path = BUF_INIT;
    str selector = arena_printf(r->a, "involvedObject.name=%.*s,involvedObject.namespace=%.*s",
                                STR_FMT(name), STR_FMT(ns));
    if (uid.len)
        selector = ARENA_CAT(r->a, selector, STR(",involvedObject.uid="), uid);
    buf_addz(&path, "/api/v1/namespaces/");
    http_path_escape(&path, ns);
    buf_addz(&path, "/events");
    http_query_add(&path, "fieldSelector", selector);
    const struct kube_request q = {.method = METHOD_GET, .target = buf_str(&path)};
    cluster_raw(cluster, &q, call_open(r->api->config.loop, CALL_TIMEOUT_US, events_read, r));
}

void handle_app_events(struct api_request *r)
{
    const struct doc *d = app_named(r, "get");
    if (!d)
        return;
    value app = doc_root(d);
    str uid = query_get(r, "resourceUID"), name = query_get(r, "resourceName"),
        ns = query_get(r, "resourceNamespace");
    if (!uid.len && !name.len) {
        ask_events(r, r->api->config.home, object_ns(app), object_name(app), object_uid(app));
        return;
    }
    struct appcache_entry *e = app_results(r, d);
    value tree = e && e->tree ? doc_root(e->tree) : VALUE_ABSENT;
    bool found = false;
    for (struct value_iter it = value_iter(value_getz(tree, "nodes")); value_next(&it);)
        found |= str_eq(value_str(value_getz(it.val, "uid")), uid) &&
                 str_eq(value_str(value_getz(it.val, "name")), name) &&
                 str_eq(value_str(value_getz(it.val, "namespace")), ns);
    struct cluster_client *cluster = app_destination(r, app);
    if (!found || !cluster)
        answer_error(r, GRPC_INVALID, "%.*s not found as part of application %.*s", STR_FMT(name),
                     STR_FMT(r->var[0]));
    else
        ask_events(r, cluster, ns, name, uid);
}

/* ---- revisions ---- */

static void commit_known(void *arg, struct answer *ans)
{
    struct api_request *r = arg;
    struct arena *a = r->a;
    if (ans->rc) {
        answer_error(r, GRPC_UNKNOWN, "%s", ans->err.text);
        return;
    }
    const struct source_commit *c = ans->result;
    value v = value_new_map(a);
    value_setz(a, v, "author", value_of_str(a, c->author));
    value_setz(a, v, "date", value_borrow_str(a, time_str(a, c->author_at)));
    value_setz(a, v, "message", value_of_str(a, c->message));
    answer_value(r, v);
}

static bool is_sha(str s)
{
    unsigned char raw[20];
    return s.len == 40 && hex_parse(s, raw, sizeof(raw));
}

void handle_app_revision(struct api_request *r)
{
    const struct doc *d = app_named(r, "get");
    if (!d)
        return;
    if (!is_sha(r->var[1]) || !r->api->config.manifests) {
        answer_error(r, GRPC_UNKNOWN, "revision %.*s must be resolved", STR_FMT(r->var[1]));
        return;
    }
    struct source_repo repo;
    app_repo(r, value_path_str(doc_root(d), "spec.source.repoURL"), app_project(doc_root(d)),
             &repo);
    manifests_commit(r->api->config.manifests, &repo, r->var[1],
                     call_open(r->api->config.loop, CALL_TIMEOUT_US, commit_known, r));
}

void handle_app_chart(struct api_request *r)
{
    const struct doc *d = app_named(r, "get");
    if (d)
        answer_error(r, GRPC_UNKNOWN, "no chart found for application: %.*s", STR_FMT(r->var[0]));
}

/* ---- sync windows ---- */

static value window_shown(struct arena *a, value w)
{
    value v = value_new_map(a);
    static const char *const keys[] = {"kind", "schedule", "duration"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        value_set(a, v, str_of(keys[i]), value_of_str(a, value_str(value_get(w, str_of(keys[i])))));
    value_setz(a, v, "manualSync", value_of_bool(a, value_bool(value_getz(w, "manualSync"))));
    return v;
}

void handle_app_windows(struct api_request *r)
{
    struct arena *a = r->a;
    struct project project;
    struct window_verdict verdict;
    struct err err;
    const struct doc *d = app_named(r, "get");
    if (!d)
        return;
    struct app *app = ARENA_NEW(a, struct app);
    app_view(doc_root(d), r->api->config.namespace, a, app);
    const struct doc *p = informer_find(r->api->projects, r->api->config.namespace, app->project);
    if (!p) {
        answer_error(r, GRPC_NOT_FOUND, "appprojects.argoproj.io \"%.*s\" not found",
                     STR_FMT(app->project));
        return;
    }
    project_view(doc_root(p), NULL, 0, a, &project);
    struct app_cluster cluster = {.server = app->destination.server,
                                  .name = app->destination.name,
                                  .found = true};
    value v = value_new_map(a), active = value_new_list(a), assigned = value_new_list(a);
    for (struct value_iter it = value_iter(project_windows(&project, app, &cluster, a));
         value_next(&it);) {
        int is = project_window_active(it.val, r->now, &err);
        if (is < 0) {
            answer_error(r, GRPC_UNKNOWN, "invalid sync windows: %s", err.text);
            return;
        }
        if (is)
            value_push(a, active, window_shown(a, it.val));
        value_push(a, assigned, window_shown(a, it.val));
    }
    project_can_sync(&project, app, true, 0, r->now, a, &verdict);
    if (value_len(active))
        value_setz(a, v, "activeWindows", active);
    if (value_len(assigned))
        value_setz(a, v, "assignedWindows", assigned);
    value_setz(a, v, "canSync", value_of_bool(a, verdict.allowed));
    answer_value(r, v);
}

void handle_app_links(struct api_request *r)
{
    const struct doc *d = app_named(r, "get");
    if (!d)
        return;
    const struct settings *s = auth_settings(auth_now(r->api));
    if (value_str(value_getz(s->cm, "application.links")).len)
        answer_error(r, GRPC_UNIMPLEMENTED, "application.links is not supported yet");
    else
        answer_empty(r);
}
