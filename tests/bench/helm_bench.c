/* tests/bench/helm_bench.c: a chart rendered again and again in a jailed worker, one value changed
 * each time, round trip included (row B8). Started by tools/bench-helm, which makes the repository
 * and the real helm's outputs.
 *
 * usage: helm-bench EXE OBJECTS TREE PATH PARAMETER EXPECTED N RUNS: EXPECTED holds 0.yaml to
 * N-1.yaml, what helm prints when PARAMETER is "v<i>". Prints one JSON line. */
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

struct bench {
    struct loop *loop;
    struct jail *jail;
    struct arena arena; /* what helm said */
    str objects, tree, path, parameter;
    value expected[VALUES_MAX]; /* lists of objects */
    size_t n_values, n_runs, i;
    usec started, first;
    usec *took;
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

static void next(struct bench *b);

static void answered(void *arg, struct answer *a)
{
    struct bench *b = arg;
    usec took = time_monotonic_now() - b->started;
    struct jail_answer *r = a->result;
    if (a->rc)
        die("job", &a->err);
    if (b->i)
        b->took[b->i - 1] = took;
    else
        b->first = took;
    b->bytes = r->json.len;
    if (b->i < b->n_values)
        compare(b, r->json, b->expected[b->i]);
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
    if (b->i > b->n_runs) {
        loop_stop(b->loop);
        return;
    }
    arena_init(&a, ARENA_BYTES_DEFAULT);
    value source = value_new_map(&a), helm = value_new_map(&a), list = value_new_list(&a);
    value parameter = value_new_map(&a);
    value_set_str(&a, parameter, "name", b->parameter);
    value_set_str(&a, parameter, "value",
                  arena_printf(&a, "v%zu", b->i % MAX_OF(b->n_values, (size_t)1)));
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
    struct jail_order job = {.domain = STR("bench"),
                             .folder = &b->objects,
                             .n_folders = 1,
                             .frame = buf_str(&frame),
                             .timeout_us = 90 * USEC_PER_SEC};
    b->started = time_monotonic_now();
    jail_run(b->jail, &job, call_open(b->loop, 0, answered, b));
    arena_done(&a);
}

static int compare_usec(const void *a, const void *b)
{
    usec x = *(const usec *)a, y = *(const usec *)b;
    return x < y ? -1 : x > y;
}

/* Kilobytes of the largest process below us. */
static long worker_kib(int pid, int depth)
{
    char path[64], line[256];
    long most = 0, child, kib;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    FILE *f = fopen(path, "r");
    while (f && fscanf(f, "%ld", &child) == 1) {
        long below = depth < 3 ? worker_kib((int)child, depth + 1) : 0;
        most = MAX_OF(most, below);
        snprintf(path, sizeof(path), "/proc/%ld/status", child);
        FILE *status = fopen(path, "r");
        while (status && fgets(line, sizeof(line), status))
            if (sscanf(line, "VmHWM: %ld", &kib) == 1 && kib > most)
                most = kib;
        if (status)
            fclose(status);
    }
    if (f)
        fclose(f);
    return most;
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
    qsort(b.took, b.n_runs, sizeof(*b.took), compare_usec);
    printf("{\"cold_us\":%lld,\"warm_p50_us\":%lld,\"warm_p99_us\":%lld,\"runs\":%zu,"
           "\"objects\":%zu,\"bytes\":%zu,\"equal\":%zu,\"different\":%zu,\"worker_kib\":%ld}\n",
           (long long)b.first, (long long)b.took[b.n_runs / 2],
           (long long)b.took[b.n_runs * 99 / 100], b.n_runs, b.n_objects, b.bytes, b.n_equal,
           b.n_different, worker_kib((int)getpid(), 0));
    jail_close(b.jail);
    loop_free(b.loop);
    free(b.took);
    arena_done(&b.arena);
    return b.n_different != 0;
}
