/* api/api.c: opening and closing, and the way of a request to its handler; see api.h and impl.h. */
#include "api/impl.h"

#include <stdlib.h>

static struct informer *own_informer(struct api *api, const struct kube_kind *kind, str ns)
{
    const struct informer_config config = {.client = api->config.home,
                                           .kind = kind,
                                           .ns = ns,
                                           .arg = api};
    return informer_open(&config);
}

static void own_changed(void *arg, const struct doc *before, const struct doc *after)
{
    api_application_changed(arg, before, after);
}

struct api *api_new(const struct api_config *config)
{
    struct api *api = calloc(1, sizeof(*api));
    if (!api)
        abort();
    str ns = config->namespace;
    api->config = *config;
    arena_init(&api->failure_arena, (size_t)16 << 20);
    map_init(&api->failures, &api->failure_arena);
    api->metrics = config->metrics ? config->metrics : metrics_new();
    api->own_metrics = !config->metrics;
    metrics_declare(api);
    timer_init(&api->keepalive, config->loop, NULL, NULL);
    api->config_maps = api->own[0] = own_informer(api, &informer_kind_config_map, ns);
    api->secrets = config->secrets;
    if (!api->secrets)
        api->secrets = api->own[1] = own_informer(api, &informer_kind_secret, ns);
    api->projects = config->projects;
    if (!api->projects)
        api->projects = api->own[2] = own_informer(api, &informer_kind_project, ns);
    api->applications = config->applications;
    if (!api->applications) {
        const struct informer_config apps = {.client = config->home,
                                             .kind = &informer_kind_application,
                                             .arg = api,
                                             .changed = own_changed};
        api->applications = api->own[3] = informer_open(&apps);
    }
    return api;
}

void api_application_changed(struct api *api, const struct doc *before, const struct doc *after)
{
    metrics_changed(api, before, after);
    streams_changed(api, before, after);
}

void api_close(struct api *api)
{
    api->closed = true;
    streams_end(api);
}

void api_free(struct api *api)
{
    if (!api)
        return;
    api_close(api);
    for (size_t i = 0; i < ARRAY_LEN(api->own); i++)
        informer_close(api->own[i]);
    auth_free(api->auth);
    if (api->own_metrics)
        metrics_free(api->metrics);
    arena_done(&api->failure_arena);
    free(api);
}

/* ---- the way of a request ---- */

static bool has_body(const struct http_request *http)
{
    return http->method == METHOD_POST || http->method == METHOD_PUT ||
           http->method == METHOD_PATCH || http->method == METHOD_DELETE;
}

/* Against cross-site requests: what changes something must say that it is JSON, which a form
 * cannot. */
static bool content_type_good(const struct http_request *http)
{
    str type = http_header_find(&http->header, "content-type"), head, rest;
    if (!str_cut(type, ';', &head, &rest))
        head = type;
    return str_ieq(str_trim(head), STR("application/json"));
}

/* Text of encoding/json for the commonest faults; ours otherwise. */
static void bad_json(struct api_request *r, str body, const struct err *err)
{
    str t = str_trim(body);
    if (str_has(err_str(err), STR("end of")) || str_has(err_str(err), STR("unexpected end")))
        answer_error(r, GRPC_INVALID, "unexpected EOF");
    else if (t.len && !strchr("{[\"-0123456789tfn", t.at[0]))
        answer_error(r, GRPC_INVALID, "invalid character '%c' looking for beginning of value",
                     t.at[0]);
    else
        answer_error(r, GRPC_INVALID, "%s", err->text);
}

static bool read_body(struct api_request *r)
{
    struct err err;
    const struct json_input in = {.bytes_max = API_BODY_BYTES_MAX};
    str body = str_trim(r->http->body);
    r->body = VALUE_ABSENT;
    if (!(r->route->flags & ROUTE_BODY))
        return true;
    if (!body.len) {
        r->body = value_new_map(r->a);
        return true;
    }
    if (json_parse(body, &in, r->a, &r->body, &err)) {
        bad_json(r, body, &err);
        return false;
    }
    return true;
}

static void run(struct api_request *r)
{
    bool open = r->route->flags & ROUTE_OPEN;
    if (!(r->route->flags & ROUTE_PLAIN)) {
        if (has_body(r->http) && !content_type_good(r->http)) {
            if (r->http->body.len || r->http->method != METHOD_DELETE) {
                answer_text(r, 415, "text/plain; charset=utf-8", STR("Invalid content type\n"));
                return;
            }
        }
        const struct auth *auth = auth_now(r->api);
        if (!auth && !str_is(r->http->path, "/api/version")) {
            answer_error(r, GRPC_UNAVAILABLE, "settings were not read yet");
            return;
        }
        auth_user(r->api, r->http, r->a, r->now, &r->user);
        if (!open && !r->user.logged_in &&
            !str_is(value_str(value_getz(auth_settings(auth)->cm, "users.anonymous.enabled")),
                    "true")) {
            answer_error(r, GRPC_UNAUTHENTICATED, "no session information");
            return;
        }
    }
    if (read_body(r))
        r->route->fn(r);
}

void api_handle(void *arg, const struct http_request *req, struct http_reply reply)
{
    struct api *api = arg;
    struct arena *a = http_reply_arena(reply);
    struct api_request *r = ARENA_NEW(a, struct api_request);
    int status;
    *r = (struct api_request){.api = api,
                              .http = req,
                              .reply = reply,
                              .a = a,
                              .now = loop_wall(api->config.loop)};
    r->query = http_query_parse(a, req->query);
    r->route = route_find(r, &status);
    metric_add(api->request_total, 1,
               LABELS(method_name(req->method), str_of(r->route ? r->route->pattern : "")));
    if (!r->route)
        answer_text(r, status, "text/plain; charset=utf-8",
                    status == 405 ? STR("Method Not Allowed\n") : STR("Not Found\n"));
    else if (api->closed)
        answer_error(r, GRPC_UNAVAILABLE, "the server is shutting down");
    else
        run(r);
}
