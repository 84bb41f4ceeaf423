/* api/applications_check.c: an Application is looked at before it is stored: its spec, project and
 * destination, and whether its sources render.
 * Source: argo-cd server/application/application.go, util/argo/argo.go. */
#include "api/applications.h"
#include "argo/project.h"
#include "base/digest.h"
#include "kube/object.h"

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
        answer_error(r, GRPC_UNKNOWN, APPLICATION_CREATING ": resource name may not be empty");
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
                  call_open(api->config.loop, 2 * APPLICATION_CALL_TIMEOUT_US, check_rendered, c));
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
                    call_open(c->r->api->config.loop, APPLICATION_CALL_TIMEOUT_US, check_reached,
                              c));
}

void application_validate(struct api_request *r, const char *doing, value object,
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
