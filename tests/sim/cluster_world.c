/* tests/sim/cluster_world.c */
#include "cluster_world.h"

#include <assert.h>
#include <git2.h>
#include <stdio.h>
#include <string.h>

#include "appcache/appcache.h"
#include "cluster/client.h"
#include "control/fleet.h"
#include "controllers/application/controller.h"
#include "main/bootstrap.h"
#include "kube/object.h"
#include "main/embedded.h"
#include "manifests/manifests.h"
#include "microkube/microkube.h"
#include "value/json.h"

#define RECONCILE_US (10 * USEC_PER_SEC)
#define FAULT_PERMILLE 60
#define WATCH_FAULT_PERMILLE 10
#define MANIFESTS_FAULT_PERMILLE 50
#define MANUAL (SIM_APPS - 1)

struct sim {
    uint64_t state; /* of the random numbers */
    const char *folder;
    struct loop *loop;
    struct pool *pool;
    struct microkube *core;
    struct timer tick;
    bool faults;
    struct sim_counts counts;

    git_repository *repository;
    int file[SIM_APPS][SIM_FILES];
    char head[SOURCE_SHA_BYTES];

    struct cluster_client *home;
    struct manifests *manifests;
    struct appcache *results;
    struct app_controller *controller;
    struct fleet *fleet;
    bool bootstrapped;
    struct timer again;
    struct timer known; /* clusters and credentials become known some time after the start */
    bool are_known;
};

struct loop *sim_loop(struct sim *s) { return s->loop; }
struct sim_counts *sim_counts(struct sim *s) { return &s->counts; }
const char *sim_head(const struct sim *s) { return s->head; }
void sim_faults(struct sim *s, bool on) { s->faults = on; }

/* splitmix64: the tester's own numbers, apart from those of the loop. */
uint64_t sim_random(struct sim *s, uint64_t below)
{
    uint64_t z = (s->state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % below;
}

static bool happens(struct sim *s, uint64_t permille)
{
    return s->faults && sim_random(s, 1000) < permille;
}

/* ---- microkube ---- */

static usec core_now(void *arg) { return loop_wall(((struct sim *)arg)->loop); }
static uint64_t core_random(void *arg) { return loop_random(((struct sim *)arg)->loop); }
static void core_tick(void *arg) { microkube_tick(((struct sim *)arg)->core); }

static void core_wake(void *arg, usec at)
{
    struct sim *s = arg;
    usec delay = at - loop_wall(s->loop);
    if (!at)
        timer_stop(&s->tick);
    else
        timer_arm_in(&s->tick, delay > 0 ? delay : 0);
}

static void wire_fault(void *arg, const struct kube_request *r, bool is_watch,
                       struct embedded_fault *ret)
{
    static const int status[] = {429, 500, 503, 409};
    struct sim *s = arg;
    bool reads = r->method == METHOD_GET;
    if (!happens(s, is_watch ? WATCH_FAULT_PERMILLE : FAULT_PERMILLE))
        return;
    s->counts.faults++;
    if (is_watch) {
        ret->end_stream = true;
        return;
    }
    switch (sim_random(s, 4)) {
    case 0: ret->lose_request = true; break;
    case 1: ret->lose_answer = true; break;
    case 2: ret->status = status[sim_random(s, reads ? 3 : 4)]; break;
    default: ret->delay_us = (usec)sim_random(s, 2 * USEC_PER_SEC);
    }
}

/* ---- the product ---- */

static void world_get(void *arg, const struct manifests_request *r, struct call c)
{
    struct sim *s = arg;
    assert(s->are_known); /* before that nothing may be concluded */
    if (happens(s, MANIFESTS_FAULT_PERMILLE)) {
        struct err err;
        s->counts.faults++;
        err_set(&err, ERR_UNAVAILABLE, "failed to list refs: injected fault");
        call_answer_err(c, &err);
        return;
    }
    manifests_get(s->manifests, r, c);
}

static void world_forget(void *arg, str key)
{
    struct sim *s = arg;
    manifests_forget(s->manifests, key);
}

static void world_poll(void *arg, struct call c)
{
    struct sim *s = arg;
    manifests_poll(s->manifests, NULL, c);
}

static bool world_repo(void *arg UNUSED, str url UNUSED, str project UNUSED, struct arena *a UNUSED,
                       struct source_repo *ret UNUSED)
{
    return false;
}

static bool world_ready(void *arg) { return ((struct sim *)arg)->are_known; }

static void now_known(void *arg)
{
    struct sim *s = arg;
    s->are_known = true;
    app_controller_look(s->controller);
}

static void open_controllers(struct sim *s)
{
    struct err err;
    char cache[1024];
    snprintf(cache, sizeof(cache), "%s/cache", s->folder);
    const struct manifests_options m = {.source = {.cache_dir = str_of(cache)}};
    s->results = appcache_new(s->loop);
    int rc = manifests_new(s->loop, s->pool, &m, &s->manifests, &err);
    if (rc < 0)
        fprintf(stderr, "%s\n", err.text);
    assert(rc == 0);
    const struct app_controller_config config = {
        .check_counters = true,
        .loop = s->loop,
        .home = s->home,
        .results = s->results,
        .world = {s, world_get, world_forget, world_poll, world_repo, world_ready},
        .control_namespace = STR("argocd"),
        .reconcile_us = RECONCILE_US,
    };
    s->controller = app_controller_new(&config);
    const struct fleet_config f = {
        .loop = s->loop,
        .in_cluster = s->home,
        .policy = app_controller_policy(s->controller),
        .owner = app_controller_fleet_owner(s->controller),
    };
    s->fleet = fleet_new(&f);
    app_controller_start(s->controller, s->fleet);
    s->are_known = false;
    timer_init(&s->known, s->loop, now_known, s);
    timer_arm_in(&s->known, (usec)sim_random(s, 100 * USEC_PER_MS));
}

static void begin(void *arg);

static void bootstrapped(void *arg, struct answer *ans)
{
    struct sim *s = arg;
    if (ans->rc < 0) {
        printf("# bootstrap: %s\n", ans->err.text);
        timer_arm_in(&s->again, USEC_PER_SEC);
        return;
    }
    s->bootstrapped = true;
    open_controllers(s);
}

static void discovered(void *arg, struct answer *ans)
{
    struct sim *s = arg;
    if (ans->rc < 0)
        timer_arm_in(&s->again, USEC_PER_SEC);
    else if (s->bootstrapped) /* a password's digest costs more than a whole round */
        open_controllers(s);
    else
        bootstrap_run(s->home, STR("argocd"), call_open(s->loop, 0, bootstrapped, s));
}

static void begin(void *arg)
{
    struct sim *s = arg;
    cluster_discover(s->home, call_open(s->loop, 60 * USEC_PER_SEC, discovered, s));
}

static void start_product(struct sim *s)
{
    struct kube_transport t;
    const struct embedded_config wire = {
        .loop = s->loop,
        .core = s->core,
        .user = STR("tiphys"),
        .fault = wire_fault,
        .fault_arg = s,
    };
    embedded_transport(&wire, &t);
    s->home = cluster_client_new(s->loop, &t);
    begin(s);
}

void sim_stop(struct sim *s)
{
    timer_stop(&s->again);
    timer_stop(&s->known);
    if (s->controller) {
        struct app_controller_status status;
        app_controller_status(s->controller, &status);
        s->counts.rows_compared += status.n_rows_compared;
        s->counts.rows_checked += status.n_rows_checked;
        app_controller_free(s->controller);
    }
    if (s->fleet)
        fleet_free(s->fleet);
    if (s->manifests)
        manifests_free(s->manifests);
    if (s->results)
        appcache_free(s->results);
    cluster_client_free(s->home);
    s->controller = NULL;
    s->fleet = NULL;
    s->manifests = NULL;
    s->results = NULL;
    s->home = NULL;
}

void sim_restart(struct sim *s)
{
    if (!s->controller) /* it is only just starting */
        return;
    s->counts.restarts++;
    sim_stop(s);
    start_product(s);
}

/* ---- the repository ---- */

static void must(int rc, const char *what)
{
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", what, git_error_last() ? git_error_last()->message : "?");
    assert(rc >= 0);
}

void sim_set_file(struct sim *s, int app, int file, int content) { s->file[app][file] = content; }

static void write_app(struct sim *s, int app, git_oid *ret)
{
    git_treebuilder *folder;
    must(git_treebuilder_new(&folder, s->repository, NULL), "treebuilder");
    for (int f = 0; f < SIM_FILES; f++) {
        char name[32], text[256];
        git_oid blob;
        if (s->file[app][f] < 0)
            continue;
        snprintf(name, sizeof(name), "c%d.yaml", f);
        int n = snprintf(text, sizeof(text),
                         "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c%d\n"
                         "data:\n  k: \"%d\"\n",
                         f, s->file[app][f]);
        must(git_blob_create_from_buffer(&blob, s->repository, text, (size_t)n), "blob");
        must(git_treebuilder_insert(NULL, folder, name, &blob, GIT_FILEMODE_BLOB), "insert");
    }
    must(git_treebuilder_write(ret, folder), "tree");
    git_treebuilder_free(folder);
}

void sim_commit(struct sim *s)
{
    git_treebuilder *top;
    git_oid id, tree_id;
    git_tree *tree;
    git_signature *who;
    git_commit *parent = NULL;
    must(git_treebuilder_new(&top, s->repository, NULL), "treebuilder");
    for (int app = 0; app < SIM_APPS; app++) {
        char name[32];
        snprintf(name, sizeof(name), "app-%d", app);
        write_app(s, app, &id);
        must(git_treebuilder_insert(NULL, top, name, &id, GIT_FILEMODE_TREE), "insert");
    }
    must(git_treebuilder_write(&tree_id, top), "tree");
    git_treebuilder_free(top);
    must(git_tree_lookup(&tree, s->repository, &tree_id), "tree");
    must(git_signature_new(&who, "Dev", "dev@example.com", loop_wall(s->loop) / USEC_PER_SEC, 0),
         "signature");
    if (git_oid_fromstr(&id, s->head) == 0)
        must(git_commit_lookup(&parent, s->repository, &id), "parent");
    const git_commit *parents[] = {parent};
    must(git_commit_create(&id, s->repository, "refs/heads/main", who, who, NULL, "change", tree,
                           parent != NULL, parents),
         "commit");
    git_oid_tostr(s->head, sizeof(s->head), &id);
    git_commit_free(parent);
    git_signature_free(who);
    git_tree_free(tree);
    s->counts.commits++;
}

static void make_repository(struct sim *s)
{
    git_repository_init_options o = GIT_REPOSITORY_INIT_OPTIONS_INIT;
    char path[1024];
    snprintf(path, sizeof(path), "%s/repo.git", s->folder);
    o.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
    o.initial_head = "main";
    must(git_repository_init_ext(&s->repository, path, &o), "init");
    for (int app = 0; app < SIM_APPS; app++)
        for (int f = 0; f < SIM_FILES; f++)
            s->file[app][f] = f < 3 ? 0 : -1;
    sim_commit(s);
}

/* ---- the tester's requests ---- */

static enum method method_of(const char *name)
{
    static const struct {
        const char *name;
        enum method method;
    } methods[] = {{"GET", METHOD_GET},
                   {"POST", METHOD_POST},
                   {"PUT", METHOD_PUT},
                   {"PATCH", METHOD_PATCH},
                   {"DELETE", METHOD_DELETE}};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (strcmp(name, methods[i].name) == 0)
            return methods[i].method;
    assert(!"a known method");
    return METHOD_GET;
}

int sim_request(struct sim *s, const char *method, const char *target, const char *content_type,
                const char *body, struct arena *a, value *ret)
{
    struct mk_response r = {0};
    struct err err;
    const struct mk_request q = {
        .method = method_of(method),
        .target = str_of(target),
        .accept = STR("application/json"),
        .content_type = str_of(content_type),
        .user_agent = STR("tester"),
        .user = STR("tester"),
        .body = str_of(body),
    };
    microkube_request(s->core, &q, a, &r);
    if (ret && json_parse(r.body, NULL, a, ret, &err) < 0)
        *ret = VALUE_ABSENT;
    return r.status;
}

/* ---- what should be ---- */

static const char *object_difference(struct sim *s, int app, value list, struct arena *a)
{
    bool seen[SIM_FILES] = {false};
    for (size_t i = 0; i < value_len(list); i++) {
        value o = value_at(list, i);
        str name = value_path_str(o, "metadata.name");
        int64_t f;
        if (name.len != 2 || name.at[0] != 'c' || !str_to_i64(str_from(name, 1), &f) ||
            f >= SIM_FILES)
            continue;
        /* A stranger in the place of what git has no more is nobody's business. */
        if (s->file[app][f] < 0 && !object_has_annotation(o, STR("argocd.argoproj.io/tracking-id")))
            continue;
        seen[f] = true;
        str want = arena_printf(a, "%d", s->file[app][f]);
        if (s->file[app][f] < 0)
            return arena_printf(a, "app-%d: c%d is in the cluster and not in git", app, (int)f).at;
        if (!str_eq(value_path_str(o, "data.k"), want))
            return arena_printf(a, "app-%d: c%d is %.*s in the cluster and %.*s in git", app,
                                (int)f, STR_FMT(value_path_str(o, "data.k")), STR_FMT(want))
                .at;
    }
    for (int f = 0; f < SIM_FILES; f++)
        if (s->file[app][f] >= 0 && !seen[f])
            return arena_printf(a, "app-%d: c%d is in git and not in the cluster", app, f).at;
    return NULL;
}

static const char *history_difference(int app, value history, struct arena *a)
{
    int64_t last = -1;
    for (size_t i = 0; i < value_len(history); i++) {
        int64_t id = value_int(value_path(value_at(history, i), "id"));
        if (id <= last)
            return arena_printf(a, "app-%d: history %lld after %lld", app, (long long)id,
                                (long long)last)
                .at;
        last = id;
    }
    return last < 0 ? arena_printf(a, "app-%d: no history", app).at : NULL;
}

const char *sim_difference(struct sim *s, struct arena *a)
{
    for (int app = 0; app < SIM_APPS; app++) {
        char target[256];
        value o, list;
        snprintf(target, sizeof(target),
                 "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/app-%d", app);
        if (sim_request(s, "GET", target, "", "", a, &o) != 200)
            return arena_printf(a, "app-%d is not there", app).at;
        str sync = value_path_str(o, "status.sync.status"),
            revision = value_path_str(o, "status.sync.revision"),
            phase = value_path_str(o, "status.operationState.phase");
        if (!str_is(sync, "Synced") || !str_is(revision, s->head) || !str_is(phase, "Succeeded"))
            return arena_printf(a, "app-%d: %.*s at %.*s, last operation %.*s: %.*s; head is %s",
                                app, STR_FMT(sync), STR_FMT(revision), STR_FMT(phase),
                                STR_FMT(value_path_str(o, "status.operationState.message")),
                                s->head)
                .at;
        if (value_exists(value_path(o, "operation")))
            return arena_printf(a, "app-%d: its operation is still there", app).at;
        const char *bad = history_difference(app, value_path(o, "status.history"), a);
        snprintf(target, sizeof(target), "/api/v1/namespaces/app-%d/configmaps", app);
        sim_request(s, "GET", target, "", "", a, &list);
        if (!bad)
            bad = object_difference(s, app, value_path(list, "items"), a);
        if (bad)
            return bad;
    }
    return NULL;
}

/* ---- from the beginning to the end ---- */

struct sim *sim_new(uint64_t seed, const char *folder)
{
    struct sim *s = calloc(1, sizeof(*s));
    struct err err;
    if (!s)
        abort();
    git_libgit2_init();
    s->state = seed;
    s->folder = folder;
    s->loop = loop_new(EVENT_SIM, seed);
    s->pool = pool_new(s->loop, 1);
    timer_init(&s->tick, s->loop, core_tick, s);
    timer_init(&s->again, s->loop, begin, s);
    timer_init(&s->known, s->loop, now_known, s);
    const struct microkube_config config = {
        .now = core_now,
        .random = core_random,
        .wake = core_wake,
        .arg = s,
    };
    int rc = microkube_open(&config, &s->core, &err);
    if (rc < 0)
        fprintf(stderr, "%s\n", err.text);
    assert(rc == 0);
    make_repository(s);
    start_product(s);
    while (!s->bootstrapped && loop_run_sim(s->loop, loop_now(s->loop) + USEC_PER_SEC, 100000))
        ;
    assert(s->bootstrapped);
    return s;
}

void sim_free(struct sim *s)
{
    sim_stop(s);
    timer_stop(&s->tick);
    microkube_close(s->core);
    timer_stop(&s->tick);
    git_repository_free(s->repository);
    pool_free(s->pool);
    loop_free(s->loop);
    git_libgit2_shutdown();
    free(s);
}
