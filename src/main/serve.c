/* main/serve.c */
#include "main/serve.h"

#include <stdlib.h>

#include "api/api.h"
#include "main/version.h"

#define CERTIFICATE_DAYS 365
#define GRACE_US (2 * USEC_PER_SEC)

struct serve {
    struct serve_config config;
    struct api *api;
    struct http_server *server;
    struct tls_context *tls;
    char url[128];
};

static bool find_repo(void *arg, str url, str project, struct arena *a, struct source_repo *ret)
{
    struct serve *s = arg;
    return s->config.repo(s->config.repo_arg, url, project, a, ret);
}

static struct cluster_client *find_cluster(void *arg, str server, str name)
{
    struct serve *s = arg;
    struct fleet_cluster cluster;
    struct err err;
    return fleet_find(s->config.fleet, server, name, &cluster, &err) == 0 ? cluster.client : NULL;
}

static bool healthy(void *arg)
{
    struct serve *s = arg;
    struct app_controller_status status;
    app_controller_status(s->config.controller, &status);
    return status.synced;
}

static void application_changed(void *arg, const struct doc *before, const struct doc *after)
{
    struct serve *s = arg;
    api_application_changed(s->api, before, after);
}

static int open_tls(struct serve *s, struct err *err)
{
    CLEANUP(buf_done) struct buf cert = BUF_INIT, key = BUF_INIT;
    const str name[] = {STR("localhost"), s->config.address};
    int rc = tls_self_signed(name, ARRAY_LEN(name), loop_wall(s->config.loop), CERTIFICATE_DAYS,
                             &cert, &key, err);
    return rc < 0 ? rc : tls_server_new(buf_str(&cert), buf_str(&key), STR(""), &s->tls, err);
}

static int listen_on(struct serve *s, struct err *err)
{
    struct arena a;
    arena_init(&a, 4096 * 4);
    const struct http_server_config config = {
        .host = arena_cstr(&a, s->config.address),
        .port = s->config.port,
        .tls = s->tls,
        .handler = api_handle,
        .arg = s->api,
    };
    int rc = http_server_open(s->config.loop, &config, &s->server, err);
    if (rc == 0)
        snprintf(s->url, sizeof(s->url), "%s://%.*s:%d", s->tls ? "https" : "http",
                 STR_FMT(s->config.address), http_server_port(s->server));
    arena_done(&a);
    return rc;
}

int serve_open(const struct serve_config *config, struct serve **ret, struct err *err)
{
    struct serve *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    s->config = *config;
    const struct api_config api = {
        .loop = config->loop,
        .pool = config->pool,
        .home = config->home,
        .results = config->results,
        .metrics = config->metrics,
        .manifests = config->manifests,
        .applications = app_controller_applications(config->controller),
        .projects = app_controller_projects(config->controller),
        .ports = {s, find_repo, find_cluster, healthy},
        .namespace = config->namespace,
        .version = STR(TIPHYS_VERSION),
    };
    s->api = api_new(&api);
    app_controller_watch(config->controller, application_changed, s);
    int rc = config->insecure ? 0 : open_tls(s, err);
    if (rc == 0)
        rc = listen_on(s, err);
    if (rc < 0) {
        app_controller_watch(config->controller, NULL, NULL);
        serve_free(s);
        return err_wrap(err, "serving on %.*s", STR_FMT(config->address));
    }
    *ret = s;
    return 0;
}

const char *serve_url(const struct serve *s) { return s->url; }

void serve_close(struct serve *s, void (*done)(void *arg), void *arg)
{
    app_controller_watch(s->config.controller, NULL, NULL);
    api_close(s->api);
    http_server_stop(s->server, GRACE_US, done, arg);
}

void serve_free(struct serve *s)
{
    if (!s)
        return;
    api_free(s->api);
    tls_context_unref(s->tls);
    free(s);
}
