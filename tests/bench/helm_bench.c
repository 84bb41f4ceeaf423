/* tests/bench/helm_bench.c: a chart rendered again and again in a jailed worker, one value changed
 * each time, round trip included (row B8). Started by tools/bench-helm, which makes the repository
 * and the real helm's outputs.
 *
 * usage: helm-bench EXE OBJECTS TREE PATH PARAMETER EXPECTED N RUNS: EXPECTED holds 0.yaml to
 * N-1.yaml, what helm prints when PARAMETER is "v<i>". Prints one JSON line.
 *
 * start: the first job of all, the zygote's own start included. cold: the first job of a new worker
 * (fork, jail, git, chart, templates), the median of COLD_RUNS workers. warm: the last worker's
 * jobs. cpu: what the worker itself ran, per warm job. worker_kib: what one more worker costs while
 * it waits, its proportional set size after the runs; worker_peak_kib: its largest resident set
 * less what it shares with the zygote and its like. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "base/time.h"
#include "event/loop.h"
#include "manifests/jail_run.h"
#include "manifests/payload.h"
#include "value/json.h"
#include "value/yaml.h"

#define VALUES_MAX 64
#define COLD_RUNS 7
#define REST_US 300000 /* before memory is looked at: a worker that waits gives some back */

struct bench {
    struct loop *loop;
    struct jail *jail;
    struct arena arena; /* what helm said */
    str objects, tree, path, parameter;
    value expected[VALUES_MAX]; /* lists of objects */
    size_t n_values, n_runs, i;
    usec started, first;
    usec cold[COLD_RUNS];
    usec *took;
    uint64_t cpu_before;
    size_t n_objects, bytes, n_equal, n_different;
};

static void die(const char *what, const struct err *err)
{
    fprintf(stderr, "helm-bench: %s: %s\n", what, err->text);
    exit(1);
}

static int add_document(void *arg, value document, size_t index, uint32_t first_line,
                        struct err *err)
{
    (void)index, (void)first_line, (void)err;
    struct bench *b = arg;
    if (value_is_map(document))
        value_push(&b->arena, b->expected[b->n_values], document);
    return 0;
}

static void read_expected(struct bench *b, const char *folder, size_t n)
{
    for (b->n_values = 0; b->n_values < n; b->n_values++) {
        char path[4096];
        struct err err;
        CLEANUP(buf_done) struct buf text = BUF_INIT;
        snprintf(path, sizeof(path), "%s/%zu.yaml", folder, b->n_values);
        FILE *f = fopen(path, "rb");
        size_t got = 1;
        while (f && got && buf_reserve(&text, 1 << 16)) {
            got = fread(text.at + text.len, 1, 1 << 16, f);
            buf_advance(&text, got);
        }
        if (f)
            fclose(f);
        b->expected[b->n_values] = value_new_list(&b->arena);
        if (yaml_parse_stream(arena_str(&b->arena, buf_str(&text)), NULL, &b->arena, add_document,
                              b, &err))
            die(path, &err);
    }
}

static bool is_expected(value list, value object)
{
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (value_equal(it.val, object))
            return true;
    return false;
}

/* Every object of helm's is in the answer, and no other. */
static void compare(struct bench *b, str json, value expected)
{
    struct arena a;
    struct err err;
    value v;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    if (json_parse(json, NULL, &a, &v, &err))
        die("answer", &err);
    value objects = value_getz(v, "objects");
    bool equal = value_len(objects) == value_len(expected);
    for (struct value_iter it = value_iter(objects); equal && value_next(&it);)
        equal = is_expected(expected, value_getz(it.val, "object"));
    b->n_objects = value_len(objects);
    b->n_equal += equal;
    b->n_different += !equal;
    arena_done(&a);
}

/* ---- the worker ---- */

/* Opens /proc/PID/NAME; NULL: it is not for us. */
static FILE *proc_open(int pid, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    return fopen(path, "r");
}

static bool is_worker(int pid)
{
    char name[32] = "";
    FILE *f = proc_open(pid, "comm");
    bool is = f && fgets(name, sizeof(name), f) && strcmp(name, "tiphys-render\n") == 0;
    if (f)
        fclose(f);
    return is;
}

/* The youngest rendering process below us, or 0. */
static int worker_pid(int pid, int depth)
{
    char name[64];
    int child, found = 0;
    snprintf(name, sizeof(name), "task/%d/children", pid);
    FILE *f = proc_open(pid, name);
    while (f && fscanf(f, "%d", &child) == 1) {
        int below = depth < 3 ? worker_pid(child, depth + 1) : 0;
        found = MAX_OF(found, below);
        if (is_worker(child))
            found = MAX_OF(found, child);
    }
    if (f)
        fclose(f);
    return found;
}

static uint64_t worker_cpu_ns(int pid)
{
    unsigned long long ns = 0;
    FILE *f = proc_open(pid, "schedstat");
    if (f && fscanf(f, "%llu", &ns) != 1)
        ns = 0;
    if (f)
        fclose(f);
    return ns;
}

/* The number behind "KEY:" in a file of /proc; -1: there is none. */
static long proc_kib(int pid, const char *name, const char *key)
{
    char line[256];
    long kib = -1;
    FILE *f = proc_open(pid, name);
    while (f && kib < 0 && fgets(line, sizeof(line), f))
        if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
            (void)sscanf(line + strlen(key) + 1, "%ld", &kib);
    if (f)
        fclose(f);
    return kib;
}

static int compare_usec(const void *a, const void *b)
{
    usec x = *(const usec *)a, y = *(const usec *)b;
    return x < y ? -1 : x > y;
}

static void report(struct bench *b)
{
    int pid = worker_pid((int)getpid(), 0);
    uint64_t cpu = worker_cpu_ns(pid) - b->cpu_before;
    usleep(REST_US);
    long pss = proc_kib(pid, "smaps_rollup", "Pss"), rss = proc_kib(pid, "smaps_rollup", "Rss");
    long most = proc_kib(pid, "status", "VmHWM");
    qsort(b->took, b->n_runs, sizeof(*b->took), compare_usec);
    qsort(b->cold, COLD_RUNS, sizeof(*b->cold), compare_usec);
    printf("{\"start_us\":%lld,\"cold_us\":%lld,\"cold_min_us\":%lld,\"warm_p50_us\":%lld,"
           "\"warm_p99_us\":%lld,\"warm_min_us\":%lld,\"warm_cpu_us\":%llu,\"runs\":%zu,",
           (long long)b->first, (long long)b->cold[COLD_RUNS / 2], (long long)b->cold[0],
           (long long)b->took[b->n_runs / 2], (long long)b->took[b->n_runs * 99 / 100],
           (long long)b->took[0], (unsigned long long)(cpu / 1000 / b->n_runs), b->n_runs);
    printf("\"objects\":%zu,\"bytes\":%zu,\"equal\":%zu,\"different\":%zu,\"worker_kib\":%ld,"
           "\"worker_peak_kib\":%ld}\n",
           b->n_objects, b->bytes, b->n_equal, b->n_different, pss, most - (rss - pss));
}

static void next(struct bench *b);

static void answered(void *arg, struct answer *a)
{
    struct bench *b = arg;
    usec took = time_monotonic_now() - b->started;
    struct jail_answer *r = a->result;
    if (a->rc)
        die("job", &a->err);
    if (b->i > COLD_RUNS)
        b->took[b->i - COLD_RUNS - 1] = took;
    else if (b->i)
        b->cold[b->i - 1] = took;
    else
        b->first = took;
    b->bytes = r->json.len;
    if (b->i < COLD_RUNS + b->n_values)
        compare(b, r->json, b->expected[b->i % b->n_values]);
    if (b->i == COLD_RUNS)
        b->cpu_before = worker_cpu_ns(worker_pid((int)getpid(), 0));
    b->i++;
    next(b);
}

/* Else the chart draws one. */
static value fixed_parameter(struct arena *a)
{
    value v = value_new_map(a);
    value_set_str(a, v, "name", STR("grafana.adminPassword"));
    value_set_str(a, v, "value", STR("bench"));
    return v;
}

static void next(struct bench *b)
{
    struct arena a;
    CLEANUP(buf_done) struct buf frame = BUF_INIT;
    if (b->i > COLD_RUNS + b->n_runs) {
        loop_stop(b->loop);
        return;
    }
    arena_init(&a, ARENA_BYTES_DEFAULT);
    value source = value_new_map(&a), helm = value_new_map(&a), list = value_new_list(&a);
    value parameter = value_new_map(&a);
    value_set_str(&a, parameter, "name", b->parameter);
    value_set_str(&a, parameter, "value", arena_printf(&a, "v%zu", b->i % b->n_values));
    value_push(&a, list, parameter);
    value_push(&a, list, fixed_parameter(&a));
    value_setz(&a, helm, "parameters", list);
    value_setz(&a, helm, "skipCrds", value_of_bool(&a, true)); /* no template, nothing to render */
    value_setz(&a, source, "helm", helm);
    value_set_str(&a, source, "path", b->path);
    struct render_order o = {.objects_dir = b->objects,
                             .tree = b->tree,
                             .source = source,
                             .app_name = STR("release"),
                             .namespace = STR("ns"),
                             .project = STR("default")};
    order_print(&o, &frame);
    /* A domain has its own worker; of the last cold one the warm jobs are, too. */
    struct jail_order job = {.domain =
                                 arena_printf(&a, "bench %zu", MIN_OF(b->i, (size_t)COLD_RUNS)),
                             .folder = &b->objects,
                             .n_folders = 1,
                             .frame = buf_str(&frame),
                             .timeout_us = 90 * USEC_PER_SEC};
    b->started = time_monotonic_now();
    jail_run(b->jail, &job, call_open(b->loop, 0, answered, b));
    arena_done(&a);
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    struct err err;
    uint64_t n = 0, runs = 0;
    if (argc != 9 || !str_to_u64(str_of(argv[7]), &n) || !str_to_u64(str_of(argv[8]), &runs) ||
        !n || n > VALUES_MAX || !runs || runs > 1000000) {
        fputs("usage: helm-bench EXE OBJECTS TREE PATH PARAMETER EXPECTED N RUNS\n", stderr);
        return 2;
    }
    struct jail_options o = {.exe = str_of(argv[1]), .workers_max = 1};
    if (jail_open(&o, &b.jail, &err))
        die("jail", &err);
    arena_init(&b.arena, (size_t)4 << 30);
    b.objects = str_of(argv[2]);
    b.tree = str_of(argv[3]);
    b.path = str_of(argv[4]);
    b.parameter = str_of(argv[5]);
    b.n_runs = MAX_OF(runs, n);
    b.took = calloc(b.n_runs + 1, sizeof(*b.took));
    read_expected(&b, argv[6], n);
    b.loop = loop_new(EVENT_UV, 0);
    if (!b.took || jail_attach(b.jail, b.loop, &err))
        die("jail", &err);
    next(&b);
    loop_run(b.loop);
    report(&b);
    jail_close(b.jail);
    loop_free(b.loop);
    free(b.took);
    arena_done(&b.arena);
    return b.n_different != 0;
}
