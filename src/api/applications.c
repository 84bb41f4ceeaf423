/* api/applications.c: list, get, create, update, patch and delete of Applications.
 * Source: argo-cd server/application/application.go. */
#include "api/impl.h"
#include "argo/project.h"
#include "base/digest.h"
#include "base/fault.h"
#include "control/write.h"
#include "kube/object.h"
#include "kube/selector.h"
#include "value/patch.h"

#define FINALIZER "resources-finalizer.argocd.argoproj.io"
#define FILTERS_MAX 64
#define CALL_TIMEOUT_US (60 * USEC_PER_SEC)
#define CREATING "error while validating and normalizing app"
#define UPDATING "error validating and normalizing app"

static struct call api_call(struct api_request *r, call_fn *fn)
{
    return call_open(r->api->config.loop, CALL_TIMEOUT_US, fn, r);
}

/* ---- list ---- */

struct filter {
    str name, repo, ns;
    str project[FILTERS_MAX];
    size_t n_projects;
    struct kube_selector selector;
};

static bool filter_read(struct api_request *r, struct filter *f)
{
    struct err err;
    *f = (struct filter){.name = query_get(r, "name"),
                         .repo = query_get(r, "repo"),
                         .ns = query_get(r, "appNamespace")};
    f->n_projects = query_all(r, "projects", f->project, FILTERS_MAX / 2);
    f->n_projects += query_all(r, "project", f->project + f->n_projects, FILTERS_MAX / 2);
    if (kube_label_selector_parse(query_get(r, "selector"), r->a, &f->selector, &err)) {
        answer_error(r, GRPC_INVALID, "error parsing the selector: %s", err.text);
        return false;
    }
    return true;
}

static bool filter_matches(const struct filter *f, value app)
{
    bool in_project = f->n_projects == 0;
    for (size_t i = 0; i < f->n_projects; i++)
        in_project |= str_eq(f->project[i], app_project(app));
    return in_project && (!f->name.len || str_eq(f->name, object_name(app))) &&
           (!f->ns.len || str_eq(f->ns, object_ns(app))) &&
           (!f->repo.len || str_eq(f->repo, value_path_str(app, "spec.source.repoURL"))) &&
           kube_selector_matches(&f->selector, object_labels(app));
}

static int by_name(const void *x, const void *y)
{
    value a = doc_root(*(const struct doc *const *)x), b = doc_root(*(const struct doc *const *)y);
    int c = str_cmp(object_name(a), object_name(b));
    return c ? c : str_cmp(object_ns(a), object_ns(b));
}

void handle_app_list(struct api_request *r)
{
    struct filter f;
    struct arena *a = r->a;
    const struct doc *d;
    VEC(const struct doc *) found = {0};
    str newest = STR("");
    if (!filter_read(r, &f))
        return;
    for (size_t at = 0; (d = informer_next(r->api->applications, &at));) {
        value app = doc_root(d);
        if (!newest.len || resource_version_newer(object_resource_version(app), newest))
            newest = object_resource_version(app);
        if (filter_matches(&f, app) && app_allowed(r, app, "get"))
            vec_push(a, &found, d);
    }
    if (found.n)
        qsort(found.at, found.n, sizeof(*found.at), by_name);
    value v = value_new_map(a), items = value_new_list(a);
    value meta = value_edit_map(a, v, STR("metadata"));
    value_setz(a, meta, "resourceVersion", value_of_str(a, newest.len ? newest : STR("0")));
    for (size_t i = 0; i < found.n; i++)
        value_push(a, items, app_public(a, doc_root(found.at[i])));
    value_setz(a, v, "items", found.n ? items : value_null(a));
    answer_value(r, fields_filter(r, v));
}

/* ---- get, with refresh ---- */

struct refresh {
    struct api_request *r;
    struct timer timer;
    str ns, name;
    usec deadline;
};

#define REFRESH_LOOK_US (20 * USEC_PER_MS)

/* The controller takes the annotation away when it has compared. */
static void refresh_look(void *arg)
{
    struct refresh *w = arg;
    struct api_request *r = w->r;
    const struct doc *d = informer_find(r->api->applications, w->ns, w->name);
    if (!d) {
        answer_error(r, GRPC_DENIED, "permission denied");
    } else if (!object_has_annotation(doc_root(d), STR("argocd.argoproj.io/refresh"))) {
        answer_value(r, fields_filter(r, app_shown(r->api, r->a, doc_root(d))));
    } else if (loop_now(r->api->config.loop) >= w->deadline) {
        answer_error(r, GRPC_DEADLINE, "application refresh deadline exceeded");
    } else if (http_reply_wanted(r->reply) && !r->api->closed) {
        timer_arm_in(&w->timer, REFRESH_LOOK_US);
    } else {
        http_reply_abort(r->reply);
    }
}

static void refresh_written(void *arg, struct answer *ans)
{
    struct refresh *w = arg;
    struct api_request *r = w->r;
    if (ans->rc) {
        answer_err(r, &ans->err);
        return;
    }
    informer_put(r->api->applications, ans->result);
    refresh_look(w);
}

static void refresh_start(struct api_request *r, value app, str kind)
{
    struct refresh *w = ARENA_NEW(r->a, struct refresh);
    struct cluster_target t = app_target(object_ns(app), object_name(app));
    const struct cluster_options o = {.field_manager = STR("argocd")};
    *w = (struct refresh){.r = r, .ns = t.ns, .name = t.name};
    w->deadline = loop_now(r->api->config.loop) + CALL_TIMEOUT_US;
    timer_init(&w->timer, r->api->config.loop, refresh_look, w);
    value patch = value_new_map(r->a);
    value notes =
        value_edit_map(r->a, value_edit_map(r->a, patch, STR("metadata")), STR("annotations"));
    value_set(r->a, notes, STR("argocd.argoproj.io/refresh"), value_of_str(r->a, kind));
    value_set(r->a, notes, STR("argocd.argoproj.io/hydrate"), value_of_str(r->a, kind));
    value_set(r->a, notes, STR("argocd.argoproj.io/hydrate-timestamp"),
              value_borrow_str(r->a, time_str(r->a, r->now)));
    cluster_patch(r->api->config.home, &t, CLUSTER_PATCH_MERGE,
                  json_str(r->a, patch, AUDIENCE_WIRE, 0), &o,
                  call_open(r->api->config.loop, CALL_TIMEOUT_US, refresh_written, w));
}

void handle_app_get(struct api_request *r)
{
    str project[2], refresh = query_get(r, "refresh");
    size_t n = query_all(r, "project", project, 1);
    if (!n)
        n = query_all(r, "projects", project, 2);
    const struct doc *d =
        app_of(r, r->var[0], query_get(r, "appNamespace"), n ? project[0] : STR(""), "get");
    if (!d)
        return;
    if (refresh.len)
        refresh_start(r, doc_root(d), str_is(refresh, "hard") ? STR("hard") : STR("normal"));
    else
        answer_value(r, fields_filter(r, app_shown(r->api, r->a, doc_root(d))));
}

/* ---- validation ---- */

/* The cluster a destination names: our own, or a cluster Secret. */
static void find_cluster(struct api_request *r, const struct app_destination *d,
                         struct app_cluster *ret)
{
    const struct doc *s;
    *ret = (struct app_cluster){0};
    if (str_is(d->server, "https://kubernetes.default.svc") || str_is(d->name, "in-cluster")) {
        *ret = (struct app_cluster){.server = STR("https://kubernetes.default.svc"),
                                    .name = STR("in-cluster"),
                                    .found = true,
                                    .n_same_name = 1};
        return;
    }
    for (size_t at = 0; (s = informer_next(r->api->secrets, &at));) {
        value secret = doc_root(s), data = value_getz(secret, "data");
        str server, name;
        if (!str_is(object_label(secret, STR("argocd.argoproj.io/secret-type")), "cluster") ||
            !base64_parse(r->a, value_str(value_getz(data, "server")), &server) ||
            !base64_parse(r->a, value_str(value_getz(data, "name")), &name))
            continue;
        if (d->server.len ? str_eq(d->server, server) : str_eq(d->name, name)) {
            ret->server = server;
            ret->name = name;
            ret->n_same_name++;
        }
    }
    ret->found = ret->n_same_name == 1 || (d->server.len && ret->n_same_name);
}

static bool answer_conditions(struct api_request *r, str name, const struct app_conditions *c)
{
    if (!c->n)
        return true;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    for (size_t i = 0; i < c->n; i++)
        buf_printf(&text, "%sInvalidSpecError: %.*s", i ? ";" : "", STR_FMT(c->at[i].message));
    answer_error(r, GRPC_INVALID, "application spec for %.*s is invalid: %s", STR_FMT(name),
                 text.at);
    return false;
}

static bool check_spec(struct api_request *r, value object)
{
    struct app *app = ARENA_NEW(r->a, struct app);
    struct app_conditions *c = ARENA_NEW(r->a, struct app_conditions);
    struct project project;
    struct app_cluster cluster;
    str name = object_name(object);
    if (!name.len) {
        answer_error(r, GRPC_UNKNOWN, CREATING ": resource name may not be empty");
        return false;
    }
    app_view(object, r->api->config.namespace, r->a, app);
    const struct doc *d = informer_find(r->api->projects, r->api->config.namespace, app->project);
    if (d)
        project_view(doc_root(d), NULL, 0, r->a, &project);
    const struct settings *settings = auth_settings(auth_now(r->api));
    if (!d || !project_app_namespace_permitted(&project, app->namespace, settings)) {
        answer_error(r, GRPC_INVALID,
                     "app is not allowed in project \"%.*s\", or the project does not exist",
                     STR_FMT(app->project));
        return false;
    }
    find_cluster(r, &app->destination, &cluster);
    str wrong = app_destination_error(app, &cluster, r->a);
    if (wrong.len) {
        answer_error(r, GRPC_INVALID, "application destination spec for %.*s is invalid: %.*s",
                     STR_FMT(name), STR_FMT(wrong));
        return false;
    }
    app_spec_check(app, r->a, c);
    project_check_app(&project, app, &cluster, settings, r->a, c);
    return answer_conditions(r, name, c);
}

/* ---- rendering as a check ---- */

struct check {
    struct api_request *r;
    const char *doing; /* for errors that have no code */
    value object;
    void (*then)(struct api_request *r, value object);
    struct app *app;
    struct source_repo repo;
    size_t at;
};

static void check_next(struct check *c);

static void check_rendered(void *arg, struct answer *ans)
{
    struct check *c = arg;
    if (ans->rc == 0) {
        c->at++;
        check_next(c);
        return;
    }
    str path = value_str(value_getz(c->app->source[c->at], "path"));
    answer_error(c->r, GRPC_INVALID,
                 "application spec for %.*s is invalid: InvalidSpecError: Unable to generate "
                 "manifests in %.*s: rpc error: code = %s desc = %s",
                 STR_FMT(c->app->name), STR_FMT(path), manifests_error_code(ans->err.kind),
                 ans->err.text);
}

static void check_reached(void *arg, struct answer *ans)
{
    struct check *c = arg;
    struct api *api = c->r->api;
    if (ans->rc) {
        answer_error(c->r, GRPC_INVALID,
                     "application spec for %.*s is invalid: InvalidSpecError: repository not "
                     "accessible: repositories not accessible: &Repository{Repo: \"%.*s\", Type: "
                     "\"\", Name: \"\", Project: \"\"}: repo client error while testing "
                     "repository: rpc error: code = Unknown desc = error testing repository "
                     "connectivity: unable to ls-remote HEAD on repository: %s",
                     STR_FMT(c->app->name), STR_FMT(c->repo.url), ans->err.text);
        return;
    }
    value list = value_new_list(c->r->a);
    for (size_t i = 0; i < c->app->n_sources; i++)
        value_push(c->r->a, list, c->app->source[i]);
    struct manifests_request q = {
        .app_name = c->app->instance,
        .namespace = c->app->destination.namespace,
        .project = c->app->project,
        .value_file_schemes = auth_settings(auth_now(api))->value_file_schemes,
    };
    const struct manifests_sources sources = {.list = list,
                                              .multi_source = c->app->multi_source,
                                              .repo = api->config.ports.repo,
                                              .repo_arg = api->config.ports.arg};
    manifests_request_source(&q, &sources, c->at, c->r->a);
    manifests_get(api->config.manifests, &q,
                  call_open(api->config.loop, 2 * CALL_TIMEOUT_US, check_rendered, c));
}

/* Only one kind of tool may have options. */
static bool explicit_type(struct check *c, value source)
{
    static const struct {
        const char *key, *name;
    } types[] = {{"kustomize", "Kustomize"},
                 {"helm", "Helm"},
                 {"directory", "Directory"},
                 {"plugin", "Plugin"}};
    str names = STR("");
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (!value_is_map(value_get(source, str_of(types[i].key))))
            continue;
        names = ARENA_CAT(c->r->a, names, n++ ? STR(",") : STR(""), str_of(types[i].name));
    }
    if (n > 1)
        answer_error(c->r, GRPC_UNKNOWN,
                     "%s: error validating the repo: error verifying source type: multiple "
                     "application sources defined: %.*s",
                     c->doing, STR_FMT(names));
    return n <= 1;
}

static void check_next(struct check *c)
{
    if (c->at == c->app->n_sources) {
        c->then(c->r, c->object);
        return;
    }
    if (!explicit_type(c, c->app->source[c->at]))
        return;
    app_repo(c->r, value_str(value_getz(c->app->source[c->at], "repoURL")), c->app->project,
             &c->repo);
    manifests_reach(c->r->api->config.manifests, &c->repo, c->app->source[c->at],
                    call_open(c->r->api->config.loop, CALL_TIMEOUT_US, check_reached, c));
}

/* Spec, project, destination; then, unless validate=false, that the source renders; then `then`. */
static void validate(struct api_request *r, const char *doing, value object,
                     void (*then)(struct api_request *r, value object))
{
    bool render = !str_is(query_get(r, "validate"), "false") && r->api->config.manifests;
    if (!check_spec(r, object))
        return;
    if (!render) {
        then(r, object);
        return;
    }
    struct check *c = ARENA_NEW(r->a, struct check);
    *c = (struct check){.r = r,
                        .doing = doing,
                        .object = object,
                        .then = then,
                        .app = ARENA_NEW(r->a, struct app)};
    /* frozen: whoever edits a source on the way gets a copy of his own */
    app_view(object_private(r->a, object), r->api->config.namespace, r->a, c->app);
    check_next(c);
}

/* ---- create ---- */

static void copy_key(struct arena *a, value to, value from, const char *key)
{
    value v = value_get(from, str_of(key));
    if (!value_is_nil(v))
        value_set(a, to, str_of(key), v);
}

/* What a caller may set: name, labels, annotations, finalizers, spec. */
static value fresh_object(struct api_request *r, value body)
{
    struct arena *a = r->a;
    value v = value_new_map(a), meta, from = value_getz(body, "metadata");
    value_set_str(a, v, "apiVersion", STR("argoproj.io/v1alpha1"));
    value_set_str(a, v, "kind", STR("Application"));
    meta = value_edit_map(a, v, STR("metadata"));
    static const char *const keys[] = {"name",   "generateName", "namespace",
                                       "labels", "annotations",  "finalizers"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        copy_key(a, meta, from, keys[i]);
    if (!value_str(value_getz(meta, "namespace")).len)
        value_setz(a, meta, "namespace", value_of_str(a, r->api->config.namespace));
    value spec = value_getz(body, "spec");
    value_setz(a, v, "spec", app_spec_normalized(a, value_is_map(spec) ? spec : value_new_map(a)));
    return v;
}

static void stored(void *arg, struct answer *ans)
{
    struct api_request *r = arg;
    FAULT_POINT("api.change.answered");
    if (ans->rc) {
        answer_err(r, &ans->err);
        return;
    }
    informer_put(r->api->applications, ans->result);
    answer_value(r, fields_filter(r, app_public(r->a, doc_root(ans->result))));
}

static void created(void *arg, struct answer *ans)
{
    struct api_request *r = arg;
    FAULT_POINT("api.create.answered");
    if (ans->rc) {
        err_wrap(&ans->err, "error creating application");
        answer_err(r, &ans->err);
        return;
    }
    event_record(r, doc_root(ans->result), "ResourceCreated", STR("created application"));
    stored(r, ans);
}

static void create_now(struct api_request *r, value object)
{
    struct cluster_target t = app_target(object_ns(object), STR(""));
    const struct cluster_options o = {.field_manager = STR("argocd")};
    FAULT_POINT("api.create.start");
    cluster_create(r->api->config.home, &t, object, &o, api_call(r, created));
}

static bool same_or_absent(value a, value b)
{
    return value_equal(a, b) || (value_len(a) == 0 && value_len(b) == 0);
}

/* Merge patch from the stored object to what is wanted; nothing to do: the stored one is the
 * answer. */
static void store_changes(struct api_request *r, value before, value after)
{
    value patch = merge_patch_between(r->a, before, after);
    struct cluster_target t = app_target(object_ns(before), object_name(before));
    const struct cluster_options o = {.field_manager = STR("argocd")};
    if (!value_len(patch)) {
        answer_value(r, fields_filter(r, app_public(r->a, before)));
        return;
    }
    FAULT_POINT("api.change.start");
    cluster_patch(r->api->config.home, &t, CLUSTER_PATCH_MERGE,
                  json_str(r->a, patch, AUDIENCE_WIRE, 0), &o, api_call(r, stored));
}

/* before with spec, labels, annotations and finalizers of `from`. merge: labels and annotations are
 * added to. */
static value with_changes(struct arena *a, value before, value from, bool merge)
{
    static const char *const keys[] = {"labels", "annotations", "finalizers"};
    value v = value_edit(a, object_private(a, before));
    value meta = value_edit_map(a, v, STR("metadata")), news = value_getz(from, "metadata");
    value_setz(a, v, "spec", value_getz(from, "spec"));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        value given = value_get(news, str_of(keys[i]));
        if (!merge || i == 2) {
            value_set(a, meta, str_of(keys[i]), value_is_nil(given) ? VALUE_ABSENT : given);
            continue;
        }
        if (!value_len(given))
            continue;
        value map = value_edit_map(a, meta, str_of(keys[i]));
        for (struct value_iter it = value_iter(given); value_next(&it);)
            value_set(a, map, it.key, it.val);
    }
    return v;
}

static void upsert_now(struct api_request *r, value object)
{
    const struct doc *d =
        informer_find(r->api->applications, object_ns(object), object_name(object));
    if (!d) {
        create_now(r, object);
        return;
    }
    arena_on_done(r->a, (void (*)(void *))doc_unref, doc_ref(d));
    store_changes(r, doc_root(d), with_changes(r->a, doc_root(d), object, true));
}

/* Creating what is there already: equal is fine, different needs upsert. */
static void create_again(struct api_request *r, const struct doc *d, value object)
{
    value old = doc_root(d);
    bool same = value_equal(value_getz(old, "spec"), value_getz(object, "spec")) &&
                same_or_absent(object_labels(old), object_labels(object)) &&
                same_or_absent(object_annotations(old), object_annotations(object)) &&
                same_or_absent(object_finalizers(old), object_finalizers(object));
    if (same) {
        answer_value(r, app_public(r->a, old));
    } else if (!http_query_bool(&r->query, "upsert")) {
        answer_error(r, GRPC_INVALID,
                     "existing application spec is different, use upsert flag to force update");
    } else if (allowed_or_denied(r, STR("applications"), STR("update"), app_rbac_object(r, old))) {
        validate(r, CREATING, object, upsert_now);
    }
}

static void create_checked(struct api_request *r, value object)
{
    const struct doc *d =
        informer_find(r->api->applications, object_ns(object), object_name(object));
    if (d) {
        arena_on_done(r->a, (void (*)(void *))doc_unref, doc_ref(d));
        create_again(r, d, object);
    } else {
        create_now(r, object);
    }
}

static bool is_object(struct api_request *r, value v, const char *type)
{
    static const char *const names[] = {"value",  "null",   "bool",  "number", "number",
                                        "number", "string", "array", "object"};
    if (value_is_map(v))
        return true;
    answer_error(r, GRPC_INVALID, "json: cannot unmarshal %s into Go value of type %s",
                 names[value_type(v)], type);
    return false;
}

void handle_app_create(struct api_request *r)
{
    if (!is_object(r, r->body, "v1alpha1.Application"))
        return;
    value object = fresh_object(r, r->body);
    if (!allowed_or_denied(r, STR("applications"), STR("create"), app_rbac_object(r, object)))
        return;
    validate(r, CREATING, object, create_checked);
}

/* ---- update ---- */

static void update_now(struct api_request *r, value object)
{
    store_changes(r, doc_root(r->state), object);
}

static void change(struct api_request *r, const struct doc *d, value after)
{
    value old = doc_root(d);
    r->state = (void *)d;
    value spec = value_getz(after, "spec");
    value_setz(r->a, after, "spec",
               app_spec_normalized(r->a, value_is_map(spec) ? spec : value_new_map(r->a)));
    if (!str_eq(app_project(old), app_project(after)) &&
        !allowed_or_denied(r, STR("applications"), STR("create"), app_rbac_object(r, after)))
        return;
    validate(r, UPDATING, after, update_now);
}

void handle_app_update(struct api_request *r)
{
    if (!is_object(r, r->body, "v1alpha1.Application"))
        return;
    const struct doc *d =
        app_of(r, r->var[0], object_ns(r->body), query_get(r, "project"), "update");
    if (d)
        change(r, d, with_changes(r->a, doc_root(d), r->body, false));
}

static void spec_stored(void *arg, struct answer *ans)
{
    struct api_request *r = arg;
    if (ans->rc) {
        answer_err(r, &ans->err);
        return;
    }
    informer_put(r->api->applications, ans->result);
    answer_value(r, value_getz(doc_root(ans->result), "spec"));
}

static void update_spec_now(struct api_request *r, value object)
{
    value before = doc_root(r->state), patch = merge_patch_between(r->a, before, object);
    struct cluster_target t = app_target(object_ns(before), object_name(before));
    const struct cluster_options o = {.field_manager = STR("argocd")};
    if (!value_len(patch))
        answer_value(r, value_getz(before, "spec"));
    else
        cluster_patch(r->api->config.home, &t, CLUSTER_PATCH_MERGE,
                      json_str(r->a, patch, AUDIENCE_WIRE, 0), &o, api_call(r, spec_stored));
}

void handle_app_update_spec(struct api_request *r)
{
    if (!is_object(r, r->body, "v1alpha1.ApplicationSpec"))
        return;
    const struct doc *d =
        app_of(r, r->var[0], query_get(r, "appNamespace"), query_get(r, "project"), "update");
    if (!d)
        return;
    value after = value_edit(r->a, object_private(r->a, doc_root(d)));
    value_setz(r->a, after, "spec", app_spec_normalized(r->a, r->body));
    if (!str_eq(app_project(doc_root(d)), app_project(after)) &&
        !allowed_or_denied(r, STR("applications"), STR("create"), app_rbac_object(r, after)))
        return;
    r->state = (void *)d;
    validate(r, "error validating and updating app: " UPDATING, after, update_spec_now);
}

void handle_app_patch(struct api_request *r)
{
    struct err err;
    value patch, after;
    str type = value_str(value_getz(r->body, "patchType"));
    const struct doc *d = app_of(r, r->var[0], value_str(value_getz(r->body, "appNamespace")),
                                 value_str(value_getz(r->body, "project")), "update");
    if (!d)
        return;
    bool merge = str_is(type, "merge");
    if (!merge && type.len && !str_is(type, "json")) {
        answer_error(r, GRPC_INVALID, "Patch type '%.*s' is not supported", STR_FMT(type));
        return;
    }
    const struct json_input plain = {.bare_errors = true};
    if (json_parse(value_str(value_getz(r->body, "patch")), &plain, r->a, &patch, &err)) {
        answer_error(r, GRPC_UNKNOWN, "%s: %s",
                     merge ? "error calculating merge patch" : "error decoding json patch",
                     merge ? "Invalid JSON Patch" : err.text);
        return;
    }
    int rc = merge ? json_merge_patch_apply(r->a, doc_root(d), patch, &after, &err)
                   : json_patch_apply(r->a, doc_root(d), patch, &after, &err);
    if (rc) {
        const char *doing = merge                ? "error calculating merge patch"
                            : rc == -ERR_INVALID ? "error decoding json patch"
                                                 : "error applying patch";
        answer_error(r, GRPC_UNKNOWN, "%s: %s", doing, err.text);
        return;
    }
    change(r, d, with_changes(r->a, doc_root(d), after, false));
}

/* ---- delete ---- */

static void deleted(void *arg, struct answer *ans)
{
    struct api_request *r = arg;
    FAULT_POINT("api.delete.answered");
    if (ans->rc && ans->rc != -ERR_NOT_FOUND) {
        err_wrap(&ans->err, "error deleting application");
        answer_err(r, &ans->err);
        return;
    }
    event_record(r, doc_root(r->state), "ResourceDeleted", STR("deleted application"));
    answer_empty(r);
}

static void delete_now(struct api_request *r)
{
    value app = doc_root(r->state);
    struct cluster_target t = app_target(object_ns(app), object_name(app));
    FAULT_POINT("api.delete.start");
    cluster_delete(r->api->config.home, &t, NULL, api_call(r, deleted));
}

static void finalizers_set(void *arg, struct answer *ans)
{
    struct api_request *r = arg;
    if (ans->rc) {
        err_wrap(&ans->err, "error patching application with finalizers");
        answer_err(r, &ans->err);
    } else {
        delete_now(r);
    }
}

static bool is_resources_finalizer(str f)
{
    return str_is(f, FINALIZER) || str_is(f, FINALIZER "/foreground") ||
           str_is(f, FINALIZER "/background");
}

/* The list with `wanted` ("": without any of ours). Upstream adds to what is there: the first one
 * of ours decides how it is deleted. true: it differs. */
static bool finalizers_for(struct api_request *r, value app, str wanted, value *ret)
{
    bool differ = false, have = !wanted.len;
    *ret = value_new_list(r->a);
    for (struct value_iter it = value_iter(object_finalizers(app)); value_next(&it);) {
        str f = value_str(it.val);
        bool drop = !wanted.len && is_resources_finalizer(f);
        differ |= drop;
        have |= str_eq(f, wanted);
        if (!drop)
            value_push(r->a, *ret, it.val);
    }
    if (have)
        return differ;
    if (object_is_deleting(app)) /* Kubernetes takes no new finalizers then */
        return false;
    value_push(r->a, *ret, value_of_str(r->a, wanted));
    return true;
}

/* "": no such policy. */
static str finalizer_of_policy(str policy)
{
    static const struct {
        const char *policy;
        str finalizer;
    } table[] = {{"", STR_INIT(FINALIZER)},
                 {"foreground", STR_INIT(FINALIZER "/foreground")},
                 {"background", STR_INIT(FINALIZER "/background")}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (str_ieq(policy, str_of(table[i].policy)))
            return table[i].finalizer;
    return STR("");
}

void handle_app_delete(struct api_request *r)
{
    const struct doc *d =
        app_of(r, r->var[0], query_get(r, "appNamespace"), query_get(r, "project"), "delete");
    if (!d)
        return;
    str policy = query_get(r, "propagationPolicy"), cascade_text = query_get(r, "cascade");
    bool cascade = !cascade_text.len || http_query_bool(&r->query, "cascade");
    if (!cascade && policy.len) {
        answer_error(r, GRPC_INVALID, "cannot set propagation policy when cascading is disabled");
        return;
    }
    str wanted = cascade ? finalizer_of_policy(policy) : STR("");
    if (cascade && !wanted.len) {
        answer_error(r, GRPC_INVALID, "invalid propagation policy: %.*s", STR_FMT(policy));
        return;
    }
    value list, patch = value_new_map(r->a);
    r->state = (void *)d;
    if (!finalizers_for(r, doc_root(d), wanted, &list)) {
        delete_now(r);
        return;
    }
    value_setz(r->a, value_edit_map(r->a, patch, STR("metadata")), "finalizers", list);
    struct cluster_target t = app_target(object_ns(doc_root(d)), object_name(doc_root(d)));
    const struct cluster_options o = {.field_manager = STR("argocd")};
    cluster_patch(r->api->config.home, &t, CLUSTER_PATCH_MERGE,
                  json_str(r->a, patch, AUDIENCE_WIRE, 0), &o, api_call(r, finalizers_set));
}
