/* main/up.c: the composition of the whole product in one process, as a list of stages.
 *
 *   jail (before anything else exists) -> loop and pool -> the cluster we run against (embedded,
 * kubeconfig or pod) -> discovery -> bootstrap objects -> controllers -> API -> serve until SIGTERM
 * or SIGINT -> the same backwards */
#include "main/up.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "cluster/kubeconfig.h"
#include "cluster/transport_http.h"
#include "control/quarantine.h"
#include "controllers/application/controller.h"
#include "argo/project.h"
#include "kube/object.h"
#include "main/bootstrap.h"
#include "main/embedded.h"
#include "main/memory.h"
#include "main/repos.h"
#include "main/serve.h"
#include "main/up_options.h"
#include "manifests/jail.h"
#include "microkube/serve.h"

/* Mostly they wait for git: a host that hangs must not hold up the other repositories. */
#define POOL_THREADS 32

struct up {
    struct up_options options;
    struct arena arena; /* of the process: paths and texts */
    str data_dir;
    struct jail *jail;
    struct loop *loop;
    struct pool *pool;
    struct microkube_server *embedded;
    struct cluster_client *home;
    struct appcache *results;
    struct metrics *metrics;
    struct quarantine *quarantine;
    struct manifests *manifests;
    struct app_controller *controller;
    struct fleet *fleet;
    struct informer *secrets;
    struct serve *serve;
    struct memory_keeper memory;
    uv_signal_t signal[2];
    char password[BOOTSTRAP_PASSWORD_BYTES];
    bool stopping, failed;
};

static void stop(struct up *u);

static void fail(struct up *u, const struct err *err)
{
    fprintf(stderr, "tiphys up: %s\n", err->text);
    u->failed = true;
    stop(u);
}

/* ---- folders ---- */

static int make_folder(struct up *u, str path, struct err *err)
{
    for (size_t i = 1; i <= path.len; i++) {
        if (i < path.len && path.at[i] != '/')
            continue;
        const char *part = arena_cstr(&u->arena, str_sub(path, 0, i));
        if (mkdir(part, 0700) < 0 && errno != EEXIST)
            return err_errno(err, errno, "making the folder '%s'", part);
    }
    return 0;
}

static int choose_data_dir(struct up *u, struct err *err)
{
    const char *home = getenv("HOME");
    if (u->options.data_dir)
        u->data_dir = str_of(u->options.data_dir);
    else if (home && home[0])
        u->data_dir = ARENA_CAT(&u->arena, str_of(home), STR("/.local/share/tiphys"));
    else
        return err_set(err, ERR_INVALID, "HOME is not set; say where to keep data with --data-dir");
    if (!str_starts(u->data_dir, STR("/"))) {
        char *here = getcwd(NULL, 0);
        u->data_dir = ARENA_CAT(&u->arena, str_of(here), STR("/"), u->data_dir);
        free(here);
    }
    return make_folder(u, u->data_dir, err);
}

/* ---- the cluster we run against ---- */

static int write_kubeconfig(struct up *u, struct err *err)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    const char *path = u->options.write_kubeconfig;
    microkube_server_kubeconfig(u->embedded, &text);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, errno, "writing '%s'", path);
    ssize_t n = write(fd, text.at, text.len);
    int saved = errno;
    close(fd);
    return n == (ssize_t)text.len ? 0
                                  : err_errno(err, n < 0 ? saved : ENOSPC, "writing '%s'", path);
}

static int open_embedded(struct up *u, struct err *err)
{
    const struct microkube_server_config config = {
        .loop = u->loop,
        .data_dir = u->options.memory ? NULL : arena_cstr(&u->arena, u->data_dir),
        .host = "127.0.0.1",
        .port = (uint16_t)u->options.kube_port,
    };
    int rc = microkube_server_open(&config, &u->embedded, err);
    if (rc < 0)
        return err_wrap(err, "starting the embedded Kubernetes API");
    struct kube_transport t;
    const struct embedded_config wire = {
        .loop = u->loop,
        .core = microkube_server_core(u->embedded),
        .user = STR("tiphys"),
    };
    embedded_transport(&wire, &t);
    u->home = cluster_client_new(u->loop, &t);
    printf("Running against the embedded Kubernetes API on https://127.0.0.1:%d (%s)\n",
           microkube_server_port(u->embedded),
           u->options.memory ? "in memory" : arena_cstr(&u->arena, u->data_dir));
    return u->options.write_kubeconfig ? write_kubeconfig(u, err) : 0;
}

static str default_kubeconfig(struct up *u)
{
    const char *home = getenv("HOME");
    return home ? ARENA_CAT(&u->arena, str_of(home), STR("/.kube/config")) : STR("");
}

static int find_cluster(struct up *u, struct kube_access *ret, struct err *err)
{
    str file = str_of(u->options.kubeconfig), context = str_of(u->options.context);
    if (file.len)
        return kubeconfig_read(file, context, &u->arena, ret, err);
    int rc = kubeconfig_in_cluster(str_of(getenv("KUBERNETES_SERVICE_HOST")),
                                   str_of(getenv("KUBERNETES_SERVICE_PORT")), &u->arena, ret, err);
    if (rc != -ERR_NOT_FOUND)
        return rc;
    rc = kubeconfig_read(default_kubeconfig(u), context, &u->arena, ret, err);
    if (rc < 0)
        err_wrap(err, "no cluster to run against (give --kubeconfig, or --embedded)");
    return rc;
}

static int open_cluster(struct up *u, struct err *err)
{
    struct kube_access access;
    struct kube_transport t;
    int rc = find_cluster(u, &access, err);
    if (rc == 0)
        rc = kube_transport_open(u->loop, &access, &t, err);
    if (rc < 0)
        return rc;
    u->home = cluster_client_new(u->loop, &t);
    printf("Running against the Kubernetes API at %.*s (%.*s)\n", STR_FMT(access.server),
           STR_FMT(access.context));
    return 0;
}

/* ---- ports of the controllers ---- */

static void world_get(void *arg, const struct manifests_request *r, struct call c)
{
    struct up *u = arg;
    manifests_get(u->manifests, r, c);
}

static void world_forget(void *arg, str key)
{
    struct up *u = arg;
    manifests_forget(u->manifests, key);
}

static void world_poll(void *arg, struct call c)
{
    struct up *u = arg;
    manifests_poll(u->manifests, NULL, c);
}

static bool trust(struct up *u, struct arena *a, struct source_repo *io_repo)
{
    struct informer *maps = u->controller ? app_controller_config_maps(u->controller) : NULL;
    return repos_trust(maps, str_of(u->options.namespace), a, io_repo);
}

static bool world_repo(void *arg, str url, str project, struct arena *a, struct source_repo *ret)
{
    struct up *u = arg;
    bool found = repos_find(u->secrets, url, project, a, ret);
    return trust(u, a, ret) || found;
}

/* Credentials are only used for repositories that the project permits. */
static bool world_chart_repo(void *arg, str url, str project, struct arena *a,
                             struct source_repo *ret)
{
    struct up *u = arg;
    struct project view;
    struct informer *projects = u->controller ? app_controller_projects(u->controller) : NULL;
    const struct doc *d =
        projects ? informer_find(projects, str_of(u->options.namespace), project) : NULL;
    if (!d)
        return false;
    *ret = (struct source_repo){.url = url};
    bool found = repos_find_chart(u->secrets, url, project, a, ret);
    if (!trust(u, a, ret) && !found)
        return false;
    project_view(doc_root(d), NULL, 0, a, &view);
    return project_source_permitted(&view, ret->url);
}

static void secret_changed(void *arg, const struct doc *before, const struct doc *after)
{
    struct up *u = arg;
    if (u->fleet)
        fleet_secret_changed(u->fleet, before, after);
    if (repos_is_secret(before) || repos_is_secret(after))
        app_controller_credentials_changed(u->controller);
}

static bool world_ready(void *arg) { return informer_synced(((struct up *)arg)->secrets); }

static void secrets_listed(void *arg) { app_controller_look(((struct up *)arg)->controller); }

#define WAVE_DELAY_S_MAX 3600

static usec reconcile_of_environment(void)
{
    usec every = 0;
    duration_parse(str_of(getenv("ARGOCD_RECONCILIATION_TIMEOUT")), &every);
    return every;
}

/* Whole seconds, as upstream reads it; anything else: false. */
static bool wave_delay_of_environment(usec *ret)
{
    const char *text = getenv("ARGOCD_SYNC_WAVE_DELAY");
    int64_t seconds;
    *ret = 0;
    if (!text || !str_to_i64(str_of(text), &seconds) || seconds < 0 || seconds > WAVE_DELAY_S_MAX)
        return false;
    *ret = seconds * USEC_PER_SEC;
    return true;
}

static str of_environment(const char *name, const char *lower)
{
    const char *text = getenv(name);
    return str_of(text && text[0] ? text : getenv(lower));
}

static int open_controllers(struct up *u, struct err *err)
{
    const struct manifests_options m = {
        .source = {.cache_dir = ARENA_CAT(&u->arena, u->data_dir, STR("/repos"))},
        .charts = {.cache_dir = ARENA_CAT(&u->arena, u->data_dir, STR("/charts")),
                   .proxy = of_environment("HTTPS_PROXY", "https_proxy"),
                   .no_proxy = of_environment("NO_PROXY", "no_proxy")},
        .chart_repo = world_chart_repo,
        .chart_repo_arg = u,
        .jail = u->jail,
    };
    const char *at_work = arena_cstr(&u->arena, ARENA_CAT(&u->arena, u->data_dir, STR("/at-work")));
    u->results = appcache_new(u->loop);
    u->metrics = metrics_new();
    int rc = manifests_new(u->loop, u->pool, &m, &u->manifests, err);
    if (rc == 0)
        rc = quarantine_open(at_work, loop_wall(u->loop), &u->quarantine, err);
    if (rc < 0)
        return rc;
    usec wave_delay;
    bool wave_delay_set = wave_delay_of_environment(&wave_delay);
    const struct app_controller_config config = {
        .loop = u->loop,
        .sync_wave_delay_set = wave_delay_set,
        .sync_wave_delay_us = wave_delay,
        .home = u->home,
        .results = u->results,
        .metrics = u->metrics,
        .quarantine = u->quarantine,
        .world = {u, world_get, world_forget, world_poll, world_repo, world_ready},
        .control_namespace = str_of(u->options.namespace),
        .reconcile_us = reconcile_of_environment(),
    };
    u->controller = app_controller_new(&config);
    const struct fleet_config f = {
        .loop = u->loop,
        .in_cluster = u->home,
        .policy = app_controller_policy(u->controller),
        .owner = app_controller_fleet_owner(u->controller),
    };
    u->fleet = fleet_new(&f);
    const struct informer_config secrets = {
        .client = u->home,
        .kind = &informer_kind_secret,
        .ns = str_of(u->options.namespace),
        .arg = u,
        .changed = secret_changed,
        .synced = secrets_listed,
    };
    u->secrets = informer_open(&secrets);
    app_controller_start(u->controller, u->fleet);
    memory_keeper_start(&u->memory, u->loop, u->controller);
    return 0;
}

/* ---- stages ---- */

static void serving(struct up *u)
{
    printf("URL: %s\n", serve_url(u->serve));
    if (u->password[0])
        printf("admin password: %s (shown once; also in Secret argocd-initial-admin-secret)\n",
               u->password);
    fflush(stdout);
}

static void bootstrapped(void *arg, struct answer *ans)
{
    struct up *u = arg;
    struct err err;
    if (u->stopping)
        return;
    if (ans->rc < 0) {
        fail(u, &ans->err);
        return;
    }
    const struct bootstrap_result *r = ans->result;
    memcpy(u->password, r->password, sizeof(u->password));
    int rc = open_controllers(u, &err);
    const struct serve_config config = {
        .loop = u->loop,
        .pool = u->pool,
        .home = u->home,
        .results = u->results,
        .metrics = u->metrics,
        .manifests = u->manifests,
        .controller = u->controller,
        .fleet = u->fleet,
        .namespace = str_of(u->options.namespace),
        .address = str_of(u->options.address),
        .port = (uint16_t)u->options.port,
        .insecure = u->options.insecure,
        .repo = world_repo,
        .repo_arg = u,
    };
    if (rc == 0)
        rc = serve_open(&config, &u->serve, &err);
    if (rc < 0)
        fail(u, &err);
    else
        serving(u);
}

static void discovered(void *arg, struct answer *ans)
{
    struct up *u = arg;
    if (u->stopping)
        return;
    if (ans->rc < 0) {
        err_wrap(&ans->err, "asking the Kubernetes API what it serves");
        fail(u, &ans->err);
        return;
    }
    bootstrap_run(u->home, str_of(u->options.namespace), call_open(u->loop, 0, bootstrapped, u));
}

static void signalled(uv_signal_t *s, int number UNUSED) { stop(s->data); }

static void watch_signals(struct up *u)
{
    static const int number[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < ARRAY_LEN(number); i++) {
        uv_signal_init(loop_uv(u->loop), &u->signal[i]);
        u->signal[i].data = u;
        uv_signal_start(&u->signal[i], signalled, number[i]);
        uv_unref((uv_handle_t *)&u->signal[i]);
    }
}

static int start(struct up *u, struct err *err)
{
    int rc = choose_data_dir(u, err);
    if (rc < 0)
        return rc;
    u->loop = loop_new(EVENT_UV, 0);
    u->pool = pool_new(NULL, POOL_THREADS);
    if (u->jail)
        rc = jail_attach(u->jail, u->loop, err);
    if (rc == 0)
        rc = u->options.embedded ? open_embedded(u, err) : open_cluster(u, err);
    if (rc < 0)
        return rc;
    LOG(LOG_LEVEL_INFO, "render workers are held by: %.*s",
        STR_FMT(u->jail ? jail_describe(u->jail) : STR("nothing (--no-jail)")));
    watch_signals(u);
    cluster_discover(u->home, call_open(u->loop, 60 * USEC_PER_SEC, discovered, u));
    return 0;
}

/* ---- the same backwards ---- */

static void closed_embedded(void *arg)
{
    struct up *u = arg;
    u->embedded = NULL;
    loop_stop(u->loop);
}

static void close_rest(void *arg)
{
    struct up *u = arg;
    serve_free(u->serve);
    informer_close(u->secrets);
    memory_keeper_stop(&u->memory);
    app_controller_free(u->controller);
    quarantine_close(u->quarantine);
    if (u->fleet)
        fleet_free(u->fleet);
    if (u->manifests)
        manifests_free(u->manifests);
    if (u->results)
        appcache_free(u->results);
    metrics_free(u->metrics);
    cluster_client_free(u->home);
    for (size_t i = 0; i < ARRAY_LEN(u->signal); i++)
        if (u->signal[i].data)
            uv_close((uv_handle_t *)&u->signal[i], NULL);
    if (u->embedded)
        microkube_server_close(u->embedded, closed_embedded, u);
    else
        loop_stop(u->loop);
}

static void stop(struct up *u)
{
    if (u->stopping)
        return;
    u->stopping = true;
    if (u->serve)
        serve_close(u->serve, close_rest, u);
    else
        loop_defer(u->loop, close_rest, u);
}

int up_main(int argc, char **argv)
{
    struct up u = {0};
    struct err err;
    enum log_level level;
    if (up_options_parse(argc, argv, &u.options, &err) < 0) {
        fprintf(stderr, "tiphys up: %s\n", err.text);
        return 2;
    }
    if (u.options.help) {
        up_options_help();
        return 0;
    }
    if (!log_level_parse(str_of(u.options.log_level), &level)) {
        fprintf(stderr, "tiphys up: --loglevel: '%s' is not a level\n", u.options.log_level);
        return 2;
    }
    log_setup(level,
              str_is(str_of(u.options.log_format), "json") ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT);
    arena_init(&u.arena, ARENA_BYTES_DEFAULT);
    signal(SIGPIPE, SIG_IGN);
    memory_setup();
    int rc = u.options.no_jail ? 0 : jail_open(&(struct jail_options){0}, &u.jail, &err);
    if (rc == 0)
        rc = start(&u, &err);
    if (rc < 0) {
        fprintf(stderr, "tiphys up: %s\n", err.text);
        jail_close(u.jail);
        arena_done(&u.arena);
        return 1;
    }
    loop_run(u.loop);
    jail_close(u.jail);
    pool_free(u.pool);
    loop_free(u.loop);
    arena_done(&u.arena);
    return u.failed ? 1 : 0;
}
