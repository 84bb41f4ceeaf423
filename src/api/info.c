/* api/info.c: version, settings, projects, health, metrics, and the small page at "/".
 * Source: argo-cd server/version, server/settings, server/project, controller/metrics. */
#include <sys/utsname.h>

#include "api/impl.h"
#include "kube/object.h"

void handle_healthz(struct api_request *r)
{
    const struct api_ports *p = &r->api->config.ports;
    bool well = !p->healthy || p->healthy(p->arg);
    answer_text(r, well ? 200 : 503, "text/plain; charset=utf-8",
                well ? STR("ok\n") : STR("not ready\n"));
}

/* Anonymous callers learn the version only. */
void handle_version(struct api_request *r)
{
    struct arena *a = r->a;
    value v = value_new_map(a);
    value_setz(a, v, "Version", value_of_str(a, r->api->config.version));
    if (r->user.logged_in) {
        struct utsname u;
        uname(&u);
        value_set_str(a, v, "Compiler", STR(__VERSION__));
        value_setz(a, v, "Platform",
                   value_of_str(a,
                                arena_printf(a, "linux/%s",
                                             strcmp(u.machine, "x86_64") ? u.machine : "amd64")));
    }
    answer_value(r, v);
}

void handle_settings(struct api_request *r)
{
    struct arena *a = r->a;
    const struct settings *s = auth_settings(auth_now(r->api));
    static const char *const methods[] = {"annotation", "label", "annotation+label"};
    value v = value_new_map(a);
    if (s->url.len)
        value_setz(a, v, "url", value_of_str(a, s->url));
    value_setz(a, v, "appLabelKey", value_of_str(a, s->instance_label));
    if (str_is(value_str(value_getz(s->cm, "statusbadge.enabled")), "true"))
        value_setz(a, v, "statusBadgeEnabled", value_of_bool(a, true));
    value_setz(a, value_edit_map(a, v, STR("googleAnalytics")), "anonymizeUsers",
               value_of_bool(a, true));
    value kustomize = value_edit_map(a, v, STR("kustomizeOptions"));
    value_setz(a, kustomize, "BuildOptions",
               value_of_str(a, value_str(value_getz(s->cm, "kustomize.buildOptions"))));
    value_set_str(a, kustomize, "BinaryPath", STR(""));
    value_setz(a, kustomize, "Versions", value_null(a));
    value_edit_map(a, v, STR("help"));
    value_set_str(a, v, "trackingMethod", str_of(methods[s->tracking]));
    if (value_len(s->application_namespaces))
        value_setz(a, v, "appsInAnyNamespaceEnabled", value_of_bool(a, true));
    value_setz(a, v, "syncWithReplaceAllowed", value_of_bool(a, true));
    value_setz(a, v, "resourceViewEnabled", value_of_bool(a, true));
    if (r->user.logged_in) {
        str pattern = value_str(value_getz(s->cm, "passwordPattern"));
        value_setz(a, v, "passwordPattern",
                   value_of_str(a, pattern.len ? pattern : STR("^.{8,32}$")));
        value_set_str(a, v, "controllerNamespace", r->api->config.namespace);
    }
    answer_value(r, v);
}

void handle_plugins(struct api_request *r) { answer_empty(r); }

void handle_not_built(struct api_request *r)
{
    answer_error(r, GRPC_UNIMPLEMENTED, "%.*s is not supported by this version of Tiphys",
                 STR_FMT(r->http->path));
}

/* ---- projects ---- */

static value without_type(struct arena *a, value object)
{
    value v = value_new_map(a);
    for (struct value_iter it = value_iter(object); value_next(&it);)
        if (!str_is(it.key, "apiVersion") && !str_is(it.key, "kind"))
            value_set(a, v, it.key, it.val);
    if (!value_is_map(value_getz(v, "status")))
        value_setz(a, v, "status", value_new_map(a));
    return v;
}

static int by_name(const void *x, const void *y)
{
    return str_cmp(object_name(doc_root(*(const struct doc *const *)x)),
                   object_name(doc_root(*(const struct doc *const *)y)));
}

void handle_projects(struct api_request *r)
{
    struct arena *a = r->a;
    const struct doc *d;
    VEC(const struct doc *) found = {0};
    str newest = STR("0"), only = query_get(r, "name");
    for (size_t at = 0; (d = informer_next(r->api->projects, &at));) {
        value p = doc_root(d);
        if (resource_version_newer(object_resource_version(p), newest))
            newest = object_resource_version(p);
        if ((!only.len || str_eq(only, object_name(p))) &&
            allowed(r, STR("projects"), STR("get"), object_name(p)))
            vec_push(a, &found, d);
    }
    if (found.n)
        qsort(found.at, found.n, sizeof(*found.at), by_name);
    value v = value_new_map(a), items = value_new_list(a);
    value_setz(a, value_edit_map(a, v, STR("metadata")), "resourceVersion",
               value_of_str(a, newest));
    for (size_t i = 0; i < found.n; i++)
        value_push(a, items, without_type(a, doc_root(found.at[i])));
    value_setz(a, v, "items", found.n ? items : value_null(a));
    answer_value(r, fields_filter(r, v));
}

void handle_project(struct api_request *r)
{
    if (!allowed_or_denied(r, STR("projects"), STR("get"), r->var[0]))
        return;
    const struct doc *d = informer_find(r->api->projects, r->api->config.namespace, r->var[0]);
    if (!d)
        answer_error(r, GRPC_NOT_FOUND, "appprojects.argoproj.io \"%.*s\" not found",
                     STR_FMT(r->var[0]));
    else
        answer_value(r, without_type(r->a, doc_root(d)));
}

/* ---- metrics ---- */

static str or_unknown(str s, const char *other) { return s.len ? s : str_of(other); }

static void collect(void *arg)
{
    struct api *api = arg;
    const struct doc *d;
    metric_clear(api->app_info);
    for (size_t at = 0; (d = informer_next(api->applications, &at));) {
        value app = doc_root(d), op = value_getz(app, "operation");
        bool automated = value_is_map(value_path(app, "spec.syncPolicy.automated"));
        str operation = object_is_deleting(app) ? STR("delete")
                        : value_is_map(op)      ? STR("sync")
                                                : STR("");
        metric_set(api->app_info, 1,
                   LABELS(object_ns(app), object_name(app), app_project(app),
                          automated ? STR("true") : STR("false"),
                          value_path_str(app, "spec.source.repoURL"),
                          value_path_str(app, "spec.destination.server"),
                          value_path_str(app, "spec.destination.namespace"),
                          or_unknown(value_path_str(app, "status.sync.status"), "Unknown"),
                          or_unknown(value_path_str(app, "status.health.status"), "Unknown"),
                          operation));
    }
}

static bool finished(value app)
{
    str phase = value_path_str(app, "status.operationState.phase");
    return str_is(phase, "Succeeded") || str_is(phase, "Failed") || str_is(phase, "Error");
}

/* Operations are counted when their end becomes visible; those that ended before we came are not.
 */
void metrics_changed(struct api *api, const struct doc *before, const struct doc *after)
{
    value was = before ? doc_root(before) : VALUE_ABSENT,
          is = after ? doc_root(after) : VALUE_ABSENT;
    usec from, to;
    str ended = value_path_str(is, "status.operationState.finishedAt");
    bool same =
        finished(was) && str_eq(value_path_str(was, "status.operationState.finishedAt"), ended);
    if (!before || !after || !finished(is) || same)
        return;
    str server = value_path_str(is, "spec.destination.server");
    bool dry = value_bool(value_path(is, "status.operationState.operation.sync.dryRun"));
    metric_add(api->sync_total, 1,
               LABELS(object_ns(is), object_name(is), app_project(is), server,
                      value_path_str(is, "status.operationState.phase"),
                      dry ? STR("true") : STR("false")));
    if (time_parse(ended, &to) &&
        time_parse(value_path_str(is, "status.operationState.startedAt"), &from))
        metric_add(api->sync_seconds, (double)(to - from) / (double)USEC_PER_SEC,
                   LABELS(object_ns(is), object_name(is), app_project(is), server));
}

void metrics_declare(struct api *api)
{
    static const char *const sync[] = {"namespace", "name",    "project", "dest_server",
                                       "phase",     "dry_run", NULL},
                             *const took[] = {"namespace", "name", "project", "dest_server", NULL};
    api->sync_total = metrics_counter(api->metrics, "argocd_app_sync_total",
                                      "Number of application syncs.", sync);
    api->sync_seconds = metrics_counter(api->metrics, "argocd_app_sync_duration_seconds_total",
                                        "Application sync performance in seconds total.", took);
    static const char *const app[] = {"namespace",        "name",        "project",
                                      "autosync_enabled", "repo",        "dest_server",
                                      "dest_namespace",   "sync_status", "health_status",
                                      "operation",        NULL};
    static const char *const status[] = {"status", NULL}, *const version[] = {"version", NULL},
                             *const route[] = {"method", "route", NULL};
    api->app_info =
        metrics_gauge(api->metrics, "argocd_app_info", "Information about application.", app);
    api->login_total = metrics_counter(api->metrics, "argocd_login_request_total",
                                       "Number of login requests.", status);
    api->request_total =
        metrics_counter(api->metrics, "tiphys_api_request_total", "Requests by route.", route);
    api->info = metrics_gauge(api->metrics, "argocd_info", "ArgoCD version information", version);
    metric_set(api->info, 1, &api->config.version);
    metrics_on_collect(api->metrics, collect, api);
}

void handle_metrics(struct api_request *r)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    metrics_print(r->api->metrics, &out);
    answer_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&out));
}

/* ---- the page at "/" ---- */

/* No application is named: the page needs no login. */
void handle_status_page(struct api_request *r)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    static const struct http_header header[] = {
        {STR_INIT("Content-Type"), STR_INIT("text/html; charset=utf-8")},
        {STR_INIT("Cache-Control"), STR_INIT("no-store")},
        {STR_INIT("X-Frame-Options"), STR_INIT("DENY")},
        {STR_INIT("Content-Security-Policy"),
         STR_INIT("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")},
        {STR_INIT("X-Content-Type-Options"), STR_INIT("nosniff")},
    };
    buf_printf(
        &out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Tiphys</title>"
        "<style>body{font:16px/1.5 sans-serif;max-width:40em;margin:4em auto;padding:0 1em}"
        "code{background:#eee;padding:.1em .3em}</style></head><body><h1>Tiphys %.*s</h1>"
        "<p>The API is running (%s); %zu applications are watched. There is no web "
        "interface in this version: use the command line, for example "
        "<code>tiphys login &lt;this address&gt;</code> and <code>tiphys app list</code>, or "
        "the REST API under <code>/api/v1</code>.</p><p><a href=\"/healthz\">health</a> "
        "&middot; <a href=\"/metrics\">metrics</a> &middot; <a href=\"/api/version\">version"
        "</a></p></body></html>\n",
        STR_FMT(r->api->config.version), r->http->tls ? "TLS" : "without TLS",
        informer_len(r->api->applications));
    http_reply_send(r->reply, 200, header, ARRAY_LEN(header), buf_str(&out));
}
