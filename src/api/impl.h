/* api/impl.h: what the files of this room share: a request on its way to its handler, the ways to
 * answer it, the caller.
 *
 * A handler gets a struct api_request that lives in the exchange's arena (until the answer) and
 * answers it exactly once, now or from the answer of a call. gRPC codes are those of
 * google.golang.org/grpc/codes; the HTTP status follows from them as in grpc-gateway. */
#ifndef API_IMPL_H
#define API_IMPL_H

#include "api/api.h"
#include "api/rbac.h"
#include "argo/application.h"
#include "argo/settings.h"
#include "value/json.h"

#define API_VARS_MAX 4
#define API_BODY_BYTES_MAX ((size_t)8 << 20)

enum grpc_code {
    GRPC_OK = 0,
    GRPC_CANCELED = 1,
    GRPC_UNKNOWN = 2,
    GRPC_INVALID = 3,
    GRPC_DEADLINE = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_EXISTS = 6,
    GRPC_DENIED = 7,
    GRPC_PRECONDITION = 9,
    GRPC_ABORTED = 10,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_UNAUTHENTICATED = 16,
};

struct api_user {
    bool logged_in;
    str name;    /* account, or proj:<project>:<role> */
    str subject; /* as the token says it: "admin:login" */
    int64_t issued_at;
};

struct api_request {
    struct api *api;
    const struct http_request *http;
    struct http_reply reply;
    struct arena *a;
    const struct route *route;
    str var[API_VARS_MAX]; /* path variables, decoded */
    struct http_query query;
    struct api_user user;
    value body;  /* absent without one */
    usec now;    /* wall clock */
    void *state; /* the handler's own */
};

typedef void api_handler_fn(struct api_request *r);

enum route_flags {
    ROUTE_OPEN = 1,   /* no login needed */
    ROUTE_BODY = 2,   /* JSON body required to parse; absent is {} */
    ROUTE_STREAM = 4, /* errors in the shape of streams */
    ROUTE_PLAIN = 8,  /* not of the gateway: no Content-Type check */
};
struct route {
    enum method method;
    const char *pattern; /* "/api/v1/applications/{name}/sync" */
    api_handler_fn *fn;
    unsigned flags;
};
extern const struct route api_routes[];
extern const size_t api_n_routes;
/* The route, or NULL with *ret_status 404 or 405. Fills r->var. */
const struct route *route_find(struct api_request *r, int *ret_status);

/* ---- answers ---- */
void answer_value(struct api_request *r, value v);
void answer_empty(struct api_request *r); /* {} */
void answer_error(struct api_request *r, int grpc_code, const char *format, ...) PRINTF(3, 4);
/* By the error's kind. */
void answer_err(struct api_request *r, const struct err *err);
void answer_text(struct api_request *r, int status, const char *content_type, str body);
int grpc_http_status(int grpc_code);
const char *grpc_http_text(int grpc_code);

/* ---- reading the request ---- */
str query_get(const struct api_request *r, const char *key); /* "" when missing */
/* A list field: all values of key. */
size_t query_all(const struct api_request *r, const char *key, str *ret, size_t max);
/* Keep only `fields=` paths (prefix "items." or "result."), or drop those that begin with "-"; v
 * itself without fields. */
value fields_filter(struct api_request *r, value v);

/* ---- caller ---- */
struct auth; /* snapshot of accounts, keys and policies */
const struct auth *auth_now(
    struct api *api); /* reads again when something changed; NULL: not there yet */
void auth_free(struct auth *auth);
/* Who sends this request; logged_in false when the token is missing or no good. */
void auth_user(struct api *api, const struct http_request *http, struct arena *a, usec now,
               struct api_user *ret);
const struct rbac *auth_rbac(const struct auth *auth);
/* May the caller? With `deny` the request is answered "permission denied: ..." when not. */
bool allowed(struct api_request *r, str resource, str action, str object);
bool allowed_or_denied(struct api_request *r, str resource, str action, str object);

struct account {
    str name;
    bool enabled, api_key, login;
    str password_hash;
    int64_t password_at; /* seconds; 0 unknown */
    value tokens;        /* [{id, iat, exp}] */
};
size_t auth_accounts(const struct auth *auth, const struct account **ret);
const struct account *auth_account(const struct auth *auth, str name);
str auth_sign(const struct auth *auth, value claims, struct arena *a); /* a JWT */
str random_uuid(struct arena *a);
const struct settings *auth_settings(const struct auth *auth);

/* ---- applications ---- */
/* The application a request names (variable `name`, appNamespace, project) when the caller may
 * `action` it; else the request is answered and NULL comes back. */
const struct doc *app_of(struct api_request *r, str name, str app_namespace, str project,
                         const char *action);
str app_rbac_object(struct api_request *r, value app);
str app_project(value app); /* "default" when empty */
/* As the typed Go object prints: without apiVersion and kind, empty status parts filled in. */
value app_public(struct arena *a, value object);
/* The same with the health of each resource, which is kept in the resource tree and not in the
 * object (status.resourceHealthSource appTree). Lists leave it out, as upstream. */
value app_shown(struct api *api, struct arena *a, value object);
struct cluster_target app_target(str ns, str name);
bool app_allowed(struct api_request *r, value app, const char *action);
/* As app_of, named by the path and the query. */
const struct doc *app_named(struct api_request *r, const char *action);
/* What was computed for it, kept until the answer; NULL when nothing was yet. */
struct appcache_entry *app_results(struct api_request *r, const struct doc *d);
/* The repository with its credentials; only its URL when none are configured. */
void app_repo(struct api_request *r, str url, str project, struct source_repo *ret);
/* The client of its destination; NULL: not known. */
struct cluster_client *app_destination(struct api_request *r, value app);
/* A Kubernetes Event "<user> <text>" about the application; written in the background, failures are
 * logged. */
void event_record(struct api_request *r, value app, const char *reason, str text);

/* ---- streams ---- */
struct stream;

struct api {
    struct api_config config;
    struct informer *applications, *projects, *config_maps, *secrets;
    struct informer *own[4];
    struct auth *auth;
    uint64_t auth_version[3];
    struct stream *streams;
    struct timer keepalive;
    struct metrics *metrics;
    bool own_metrics, closed;
    struct metric *login_total, *request_total, *app_info, *info, *sync_total, *sync_seconds;
    struct map failures; /* user name -> struct login_failure */
    struct arena failure_arena;
    uint64_t n_logins_running;
};
void streams_changed(struct api *api, const struct doc *before, const struct doc *after);
void streams_end(struct api *api);
void metrics_declare(struct api *api);
void metrics_changed(struct api *api, const struct doc *before, const struct doc *after);

api_handler_fn handle_password, handle_token_create, handle_token_delete, handle_version,
    handle_settings, handle_plugins, handle_healthz, handle_metrics, handle_status_page,
    handle_session_create, handle_session_delete, handle_userinfo, handle_accounts, handle_account,
    handle_can_i, handle_projects, handle_project, handle_app_list, handle_app_get,
    handle_app_create, handle_app_update, handle_app_update_spec, handle_app_patch,
    handle_app_delete, handle_app_sync, handle_app_rollback, handle_app_terminate, handle_app_tree,
    handle_app_managed, handle_app_manifests, handle_app_resource, handle_app_resource_delete,
    handle_app_resource_patch, handle_app_events, handle_app_revision, handle_app_links,
    handle_app_windows, handle_app_chart, handle_stream_apps, handle_stream_tree, handle_clusters,
    handle_not_built;

#endif
