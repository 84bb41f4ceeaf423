/* tests/sim/sim_test.c: the loop under random faults on the virtual clock.
 *
 *   sim_test                       rounds from a fixed list of seeds until STEPS_WANTED steps were
 * made TIPHYS_SIM_SEED=n sim_test     that round alone, with every action of the tester printed
 *
 * A round: a tester commits, edits and deletes objects, asks for refreshes, deletes and makes
 * Applications and kills the product, at random times, while requests fail, answers get lost and
 * watches break off. Then the faults end, and within QUIET_US of virtual time everything must be as
 * git says: no operation lost, no history entry out of order, nothing too much or too little in the
 * cluster. A failing round prints its seed. */
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cluster_world.h"

#define STEPS_WANTED 100000
#define ROUNDS_MAX 40
#define ROUND_US (5 * 60 * USEC_PER_SEC)
#define QUIET_US (10 * 60 * USEC_PER_SEC)
#define TURN_STEPS_MAX 200000 /* of one second: more is a loop that does not rest */

#define APPLICATIONS "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"
#define MERGE "application/merge-patch+json"

struct round {
    struct sim *sim;
    const char *folder;
    uint64_t steps;
    bool loud;
    int content; /* of the next change */
};

static void say(const struct round *r, const char *what, int app, int file)
{
    if (r->loud)
        printf("# %.3f s: %s app-%d c%d\n", (double)loop_now(sim_loop(r->sim)) / 1e6, what, app,
               file);
}

/* ---- what the tester does ---- */

static void make_app(struct round *r, int app)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    bool manual = app == SIM_APPS - 1;
    str ns = arena_printf(
        &a, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"app-%d\"}}",
        app);
    str body = arena_printf(
        &a,
        "{\"apiVersion\":\"argoproj.io/v1alpha1\",\"kind\":\"Application\",\"metadata\":{\"name\":"
        "\"app-%d\",\"namespace\":\"argocd\",\"finalizers\":[\"resources-finalizer.argocd.argoproj."
        "io\"]},\"spec\":{\"project\":\"default\",\"source\":{\"repoURL\":\"file://%s/repo.git\","
        "\"path\":\"app-%d\",\"targetRevision\":\"main\"},\"destination\":{\"server\":\"https://"
        "kubernetes.default.svc\",\"namespace\":\"app-%d\"}%s}}",
        app, r->folder, app, app,
        manual ? ""
               : ",\"syncPolicy\":{\"automated\":{\"prune\":true,\"selfHeal\":true,\"allowEmpty\":"
                 "true},\"retry\":{\"limit\":-1,\"backoff\":{\"duration\":\"1s\",\"maxDuration\":"
                 "\"5s\"}}}");
    sim_request(r->sim, "POST", "/api/v1/namespaces", "application/json", ns.at, &a, NULL);
    sim_request(r->sim, "POST", APPLICATIONS, "application/json", body.at, &a, NULL);
    arena_done(&a);
}

static void patch_app(struct round *r, int app, const char *patch)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    sim_request(r->sim, "PATCH", arena_printf(&a, APPLICATIONS "/app-%d", app).at, MERGE, patch, &a,
                NULL);
    arena_done(&a);
}

static void sync_by_hand(struct round *r)
{
    patch_app(r, SIM_APPS - 1,
              "{\"operation\":{\"initiatedBy\":{\"username\":\"tester\"},\"sync\":{\"prune\":true}}"
              "}");
}

static void do_commit(struct round *r, int app, int file)
{
    sim_set_file(r->sim, app, file, sim_random(r->sim, 4) ? ++r->content : -1);
    sim_commit(r->sim);
}

static void do_edit(struct round *r, int app, int file)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    sim_request(r->sim, "PATCH",
                arena_printf(&a, "/api/v1/namespaces/app-%d/configmaps/c%d", app, file).at, MERGE,
                "{\"data\":{\"k\":\"edited\"}}", &a, NULL);
    arena_done(&a);
}

static void do_delete(struct round *r, int app, int file)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    sim_request(r->sim, "DELETE",
                arena_printf(&a, "/api/v1/namespaces/app-%d/configmaps/c%d", app, file).at, "", "",
                &a, NULL);
    arena_done(&a);
}

/* Somebody puts another object in the place of ours. */
static void do_stranger(struct round *r, int app, int file)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    do_delete(r, app, file);
    sim_request(r->sim, "POST", arena_printf(&a, "/api/v1/namespaces/app-%d/configmaps", app).at,
                "application/json",
                arena_printf(&a,
                             "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{"
                             "\"name\":\"c%d\"},\"data\":{\"k\":\"strange\"}}",
                             file)
                    .at,
                &a, NULL);
    arena_done(&a);
}

static void do_refresh(struct round *r, int app, int file UNUSED)
{
    patch_app(r, app, "{\"metadata\":{\"annotations\":{\"argocd.argoproj.io/refresh\":\"hard\"}}}");
}

static void do_restart(struct round *r, int app UNUSED, int file UNUSED) { sim_restart(r->sim); }

static void do_sync(struct round *r, int app UNUSED, int file UNUSED) { sync_by_hand(r); }

static void do_delete_app(struct round *r, int app, int file UNUSED)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    sim_request(r->sim, "DELETE", arena_printf(&a, APPLICATIONS "/app-%d", app).at, "", "", &a,
                NULL);
    arena_done(&a);
}

static void do_make_app(struct round *r, int app, int file UNUSED) { make_app(r, app); }

static const struct {
    const char *name;
    void (*run)(struct round *r, int app, int file);
    unsigned weight;
} actions[] = {
    {"commit", do_commit, 8},     {"edit", do_edit, 8},       {"delete", do_delete, 6},
    {"refresh", do_refresh, 4},   {"restart", do_restart, 2}, {"sync", do_sync, 3},
    {"remove", do_delete_app, 1}, {"make", do_make_app, 3},   {"stranger", do_stranger, 4},
};

static void act(struct round *r)
{
    unsigned sum = 0, at;
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        sum += actions[i].weight;
    at = (unsigned)sim_random(r->sim, sum);
    int app = (int)sim_random(r->sim, SIM_APPS), file = (int)sim_random(r->sim, SIM_FILES);
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (at < actions[i].weight) {
            say(r, actions[i].name, app, file);
            actions[i].run(r, app, file);
            sim_counts(r->sim)->actions++;
            return;
        }
        at -= actions[i].weight;
    }
}

/* ---- rounds ---- */

static bool run_for(struct round *r, usec us)
{
    struct loop *l = sim_loop(r->sim);
    uint64_t steps = loop_run_sim(l, loop_now(l) + us, TURN_STEPS_MAX);
    r->steps += steps;
    return steps < TURN_STEPS_MAX;
}

/* NULL, or what is wrong. */
static const char *play(struct round *r, struct arena *a)
{
    struct loop *l = sim_loop(r->sim);
    for (int app = 0; app < SIM_APPS; app++)
        make_app(r, app);
    sim_faults(r->sim, true);
    for (usec end = loop_now(l) + ROUND_US; loop_now(l) < end;) {
        usec before = loop_now(l);
        if (!run_for(r, (usec)(1 + sim_random(r->sim, 3 * USEC_PER_SEC))))
            return "the loop does not rest";
        act(r);
        if (loop_now(l) == before) /* nothing was planned: time itself must go on */
            break;
    }
    sim_faults(r->sim, false);
    const char *wrong = NULL;
    for (usec end = loop_now(l) + QUIET_US; loop_now(l) < end;) {
        /* Applications that were being deleted are gone by now or soon: they are made again. */
        for (int app = 0; app < SIM_APPS; app++)
            make_app(r, app);
        sync_by_hand(r);
        usec before = loop_now(l);
        if (!run_for(r, 20 * USEC_PER_SEC))
            return "the loop does not rest";
        wrong = sim_difference(r->sim, a);
        if (!wrong || loop_now(l) == before)
            break;
    }
    return wrong;
}

static int remove_one(const char *path, const struct stat *st UNUSED, int kind UNUSED,
                      struct FTW *ftw UNUSED)
{
    return remove(path);
}

struct sums {
    uint64_t steps, rows_compared, rows_checked;
};

static const char *play_seed(uint64_t seed, bool loud, struct arena *a, struct sums *io)
{
    char folder[] = "/tmp/tiphys-sim-XXXXXX";
    if (!mkdtemp(folder))
        return "no folder in /tmp";
    struct round r = {.folder = folder, .loud = loud};
    r.sim = sim_new(seed, folder);
    const char *wrong = play(&r, a);
    sim_stop(r.sim);
    const struct sim_counts *c = sim_counts(r.sim);
    printf("# seed %" PRIu64 ": %" PRIu64 " steps, %" PRIu64 " actions, %" PRIu64
           " commits, %" PRIu64 " faults, %" PRIu64 " restarts, %" PRIu64
           " resources compared by themselves\n",
           seed, r.steps, c->actions, c->commits, c->faults, c->restarts, c->rows_compared);
    io->steps += r.steps;
    io->rows_compared += c->rows_compared;
    io->rows_checked += c->rows_checked;
    sim_free(r.sim);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return wrong;
}

int main(void)
{
    const char *one = getenv("TIPHYS_SIM_SEED");
    struct sums sums = {0};
    int tests = 0, failed = 0;
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    setvbuf(stdout, NULL, _IOLBF, 0);
    log_setup(one ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    for (uint64_t seed = one ? strtoull(one, NULL, 10) : 1; tests < ROUNDS_MAX; seed++) {
        const char *wrong = play_seed(seed, one != NULL, &a, &sums);
        printf("%sok %d - the world of seed %" PRIu64 " ends as git says\n", wrong ? "not " : "",
               ++tests, seed);
        if (wrong)
            printf("# %s\n# again: TIPHYS_SIM_SEED=%" PRIu64 "\n", wrong, seed);
        failed += wrong != NULL;
        arena_reset(&a);
        if (one || sums.steps >= STEPS_WANTED)
            break;
    }
    if (!one) {
        bool enough = sums.steps >= STEPS_WANTED;
        bool checked = sums.rows_compared > 0 && sums.rows_checked > sums.rows_compared;
        printf("%sok %d - at least 100000 steps were played\n# %" PRIu64 " steps\n",
               enough ? "" : "not ", ++tests, sums.steps);
        printf("%sok %d - single resources were compared, and checked against whole applications\n"
               "# %" PRIu64 " and %" PRIu64 " rows\n",
               checked ? "" : "not ", ++tests, sums.rows_compared, sums.rows_checked);
        failed += !enough + !checked;
    }
    printf("1..%d\n", tests);
    arena_done(&a);
    return failed ? 1 : 0;
}
