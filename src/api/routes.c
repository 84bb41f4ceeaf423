/* api/routes.c: the route table and its matching. A pattern's {x} takes one path piece; pieces are
 * compared escaped and handed out decoded, {x=**} takes all that is left, so an "%2F" inside a name
 * (repository URLs) is no separator. */
#include "api/impl.h"

#define APP "/api/v1/applications/{name}"

const struct route api_routes[] = {
    {METHOD_GET, "/healthz", handle_healthz, ROUTE_OPEN | ROUTE_PLAIN},
    {METHOD_GET, "/metrics", handle_metrics, ROUTE_OPEN | ROUTE_PLAIN},
    {METHOD_GET, "/", handle_status_page, ROUTE_OPEN | ROUTE_PLAIN},
    {METHOD_GET, "/api/version", handle_version, ROUTE_OPEN},
    {METHOD_GET, "/api/v1/settings", handle_settings, ROUTE_OPEN},
    {METHOD_GET, "/api/v1/settings/plugins", handle_plugins, 0},
    {METHOD_POST, "/api/v1/session", handle_session_create, ROUTE_OPEN | ROUTE_BODY},
    {METHOD_DELETE, "/api/v1/session", handle_session_delete, ROUTE_OPEN},
    {METHOD_GET, "/api/v1/session/userinfo", handle_userinfo, ROUTE_OPEN},
    {METHOD_GET, "/api/v1/account", handle_accounts, 0},
    {METHOD_PUT, "/api/v1/account/password", handle_password, ROUTE_BODY},
    {METHOD_GET, "/api/v1/account/{name}", handle_account, 0},
    {METHOD_POST, "/api/v1/account/{name}/token", handle_token_create, ROUTE_BODY},
    {METHOD_DELETE, "/api/v1/account/{name}/token/{id}", handle_token_delete, 0},
    {METHOD_GET, "/api/v1/account/can-i/{resource}/{action}/{subresource=**}", handle_can_i, 0},
    {METHOD_GET, "/api/v1/projects", handle_projects, 0},
    {METHOD_GET, "/api/v1/projects/{name}", handle_project, 0},
    {METHOD_GET, "/api/v1/applications", handle_app_list, 0},
    {METHOD_POST, "/api/v1/applications", handle_app_create, ROUTE_BODY},
    {METHOD_GET, APP, handle_app_get, 0},
    {METHOD_PUT, APP, handle_app_update, ROUTE_BODY},
    {METHOD_PATCH, APP, handle_app_patch, ROUTE_BODY},
    {METHOD_DELETE, APP, handle_app_delete, 0},
    {METHOD_PUT, APP "/spec", handle_app_update_spec, ROUTE_BODY},
    {METHOD_POST, APP "/sync", handle_app_sync, ROUTE_BODY},
    {METHOD_POST, APP "/rollback", handle_app_rollback, ROUTE_BODY},
    {METHOD_DELETE, APP "/operation", handle_app_terminate, 0},
    {METHOD_GET, APP "/resource-tree", handle_app_tree, 0},
    {METHOD_GET, APP "/managed-resources", handle_app_managed, 0},
    {METHOD_GET, APP "/manifests", handle_app_manifests, 0},
    {METHOD_GET, APP "/resource", handle_app_resource, 0},
    {METHOD_POST, APP "/resource", handle_app_resource_patch, ROUTE_BODY},
    {METHOD_DELETE, APP "/resource", handle_app_resource_delete, 0},
    {METHOD_GET, APP "/events", handle_app_events, 0},
    {METHOD_GET, APP "/revisions/{revision}/metadata", handle_app_revision, 0},
    {METHOD_GET, APP "/links", handle_app_links, 0},
    {METHOD_GET, "/api/v1/stream/applications", handle_stream_apps, ROUTE_STREAM},
    {METHOD_GET, "/api/v1/stream/applications/{name}/resource-tree", handle_stream_tree,
     ROUTE_STREAM},
    {METHOD_GET, APP "/syncwindows", handle_app_windows, 0},
    {METHOD_GET, APP "/revisions/{revision}/chartdetails", handle_app_chart, 0},
    /* Known to clients, not built: a clear 501 instead of a 404, and 401 before it. */
    {METHOD_GET, "/api/v1/clusters", handle_not_built, 0},
    {METHOD_POST, "/api/v1/clusters", handle_not_built, 0},
    {METHOD_GET, "/api/v1/clusters/{id}", handle_not_built, 0},
    {METHOD_PUT, "/api/v1/clusters/{id}", handle_not_built, 0},
    {METHOD_DELETE, "/api/v1/clusters/{id}", handle_not_built, 0},
    {METHOD_GET, "/api/v1/repositories", handle_not_built, 0},
    {METHOD_POST, "/api/v1/repositories", handle_not_built, 0},
    {METHOD_GET, "/api/v1/repositories/{repo}", handle_not_built, 0},
    {METHOD_PUT, "/api/v1/repositories/{repo}", handle_not_built, 0},
    {METHOD_DELETE, "/api/v1/repositories/{repo}", handle_not_built, 0},
    {METHOD_POST, "/api/v1/repositories/{repo}/validate", handle_not_built, 0},
    {METHOD_GET, "/api/v1/repositories/{repo}/refs", handle_not_built, 0},
    {METHOD_GET, "/api/v1/repositories/{repo}/apps", handle_not_built, 0},
    {METHOD_POST, "/api/v1/repositories/{repo}/appdetails", handle_not_built, 0},
    {METHOD_GET, "/api/v1/repositories/{repo}/helmcharts", handle_not_built, 0},
    {METHOD_GET, "/api/v1/repocreds", handle_not_built, 0},
    {METHOD_POST, "/api/v1/repocreds", handle_not_built, 0},
    {METHOD_GET, "/api/v1/certificates", handle_not_built, 0},
    {METHOD_POST, "/api/v1/certificates", handle_not_built, 0},
    {METHOD_DELETE, "/api/v1/certificates", handle_not_built, 0},
    {METHOD_GET, "/api/v1/gpgkeys", handle_not_built, 0},
    {METHOD_POST, "/api/v1/gpgkeys", handle_not_built, 0},
    {METHOD_DELETE, "/api/v1/gpgkeys", handle_not_built, 0},
    {METHOD_GET, "/api/v1/gpgkeys/{id}", handle_not_built, 0},
    {METHOD_GET, "/api/v1/applicationsets", handle_not_built, 0},
    {METHOD_POST, "/api/v1/applicationsets", handle_not_built, 0},
    {METHOD_GET, "/api/v1/applicationsets/{name}", handle_not_built, 0},
    {METHOD_DELETE, "/api/v1/applicationsets/{name}", handle_not_built, 0},
    {METHOD_GET, "/api/v1/stream/applicationsets", handle_not_built, 0},
    {METHOD_POST, "/api/v1/projects", handle_not_built, 0},
    {METHOD_PUT, "/api/v1/projects/{name}", handle_not_built, 0},
    {METHOD_DELETE, "/api/v1/projects/{name}", handle_not_built, 0},
    {METHOD_GET, "/api/v1/projects/{name}/detailed", handle_not_built, 0},
    {METHOD_GET, "/api/v1/projects/{name}/events", handle_not_built, 0},
    {METHOD_GET, APP "/logs", handle_not_built, 0},
    {METHOD_GET, APP "/pods/{pod}/logs", handle_not_built, 0},
    {METHOD_GET, APP "/resource/actions", handle_not_built, 0},
    {METHOD_POST, APP "/resource/actions", handle_not_built, 0},
    {METHOD_POST, APP "/resource/actions/v2", handle_not_built, 0},
    {METHOD_GET, APP "/resource/links", handle_not_built, 0},
    {METHOD_GET, APP "/server-side-diff", handle_not_built, 0},
    {METHOD_GET, "/api/badge", handle_not_built, ROUTE_OPEN},
    {METHOD_POST, "/api/webhook", handle_not_built, ROUTE_OPEN},
};
const size_t api_n_routes = ARRAY_LEN(api_routes);

static bool match(struct api_request *r, const char *pattern, str path, size_t *ret_plain)
{
    str p = str_of(pattern), want, have;
    size_t n = 0;
    *ret_plain = 0;
    for (;;) {
        bool more_want = str_next(&p, '/', &want), more_have = str_next(&path, '/', &have);
        if (more_want != more_have)
            return false;
        if (!more_want)
            return true;
        if (str_ends(want, STR("=**}"))) { /* all the rest */
            str rest = path.at ? ARENA_CAT(r->a, have, STR("/"), path) : have;
            return n < API_VARS_MAX && http_path_decode(r->a, rest, &r->var[n]);
        }
        if (want.len && want.at[0] == '{') {
            if (!have.len || n == API_VARS_MAX || !http_path_decode(r->a, have, &r->var[n++]))
                return false;
        } else if (str_eq(want, have)) {
            ++*ret_plain;
        } else {
            return false;
        }
    }
}

const struct route *route_find(struct api_request *r, int *ret_status)
{
    const struct route *best = NULL;
    size_t best_plain = 0, plain;
    *ret_status = 404;
    for (size_t i = 0; i < api_n_routes; i++) {
        if (!match(r, api_routes[i].pattern, r->http->path, &plain))
            continue;
        bool head = r->http->method == METHOD_HEAD && api_routes[i].method == METHOD_GET &&
                    (api_routes[i].flags & ROUTE_PLAIN); /* the gateway knows no HEAD */
        if (api_routes[i].method != r->http->method && !head) {
            *ret_status = 405;
        } else if (!best || plain > best_plain) {
            best = &api_routes[i];
            best_plain = plain;
        }
    }
    if (best)
        match(r, best->pattern, r->http->path, &plain); /* its variables */
    return best;
}
