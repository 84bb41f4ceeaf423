/* api/applications_read.c: Applications are listed, and got with a refresh.
 * Source: argo-cd server/application/application.go. */
#include "api/applications.h"
#include "kube/object.h"
#include "kube/selector.h"

#define FILTERS_MAX 64

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
    w->deadline = loop_now(r->api->config.loop) + APPLICATION_CALL_TIMEOUT_US;
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
                  call_open(r->api->config.loop, APPLICATION_CALL_TIMEOUT_US, refresh_written, w));
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
