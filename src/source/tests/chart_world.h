/* source/tests/chart_world.h: a struct charts, its loop, and a web peer (tests/peers/web_peer.py)
 * that does what a table says. */
#ifndef SOURCE_TESTS_CHART_WORLD_H
#define SOURCE_TESTS_CHART_WORLD_H

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "source/chart.h"
#include "source/store.h"

struct world {
    struct loop *loop;
    struct pool *pool;
    struct charts *charts;
    struct arena arena;
    char folder[64];
    pid_t peer;
    int peer_stdin, peer_stdout;
    str a, b; /* "127.0.0.1:PORT" of the peer */
    int tls_port;
    struct answer answer;
    unsigned n_answers, n_wanted;
};

static inline str world_read(struct world *w, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", w->folder, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t cap = (size_t)16 << 20, n;
    char *at = arena_alloc(&w->arena, cap);
    n = fread(at, 1, cap - 1, f);
    fclose(f);
    return str_mem(at, n);
}

/* The peer does what this table says from now on: JSON on one line, or the name of a file beside
 * web_peer.py. */
static inline void world_table(struct world *w, const char *table)
{
    char path[512], line[128] = "";
    char *text = arena_cstr(&w->arena, str_of(table));
    if (table[0] != '{') {
        snprintf(path, sizeof(path), "%s/tests/peers/%s.json", getenv("TIPHYS_SOURCE_ROOT"), table);
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        text = arena_alloc(&w->arena, 65536);
        assert_true(fread(text, 1, 65535, f) > 0);
        fclose(f);
    }
    for (char *p = text; (p = strchr(p, '\n'));)
        *p = ' ';
    assert_true(dprintf(w->peer_stdin, "%s\n", text) > 0);
    for (size_t n = 0; n < sizeof(line) - 1 && !strchr(line, '\n'); n++)
        if (read(w->peer_stdout, line + n, 1) != 1)
            fail_msg("the peer does not answer");
    int a, b;
    assert_int_equal(sscanf(line, "%d %d %d", &a, &b, &w->tls_port), 3);
    w->a = arena_printf(&w->arena, "127.0.0.1:%d", a);
    w->b = arena_printf(&w->arena, "127.0.0.1:%d", b);
}

static inline void world_peer(struct world *w)
{
    char log[256];
    int in[2], out[2];
    snprintf(log, sizeof(log), "%s/log", w->folder);
    assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
    w->peer = fork();
    if (w->peer == 0) {
        char program[512];
        snprintf(program, sizeof(program), "%s/tests/peers/web_peer.py",
                 getenv("TIPHYS_SOURCE_ROOT"));
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(in[0], 0);
        dup2(out[1], 1);
        execlp("python3", "python3", program, log, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    w->peer_stdin = in[1];
    w->peer_stdout = out[0];
}

static inline void world_charts(struct world *w, struct charts_options o)
{
    struct err err;
    charts_free(w->charts);
    o.cache_dir = ARENA_CAT(&w->arena, str_of(w->folder), STR("/cache/charts"));
    if (!o.timeout_us)
        o.timeout_us = 20 * USEC_PER_SEC;
    if (charts_new(w->loop, w->pool, &o, &w->charts, &err))
        fail_msg("%s", err.text);
}

static inline struct world *world_open(const char *table)
{
    struct world *w = calloc(1, sizeof(*w));
    memcpy(w->folder, "/tmp/charts.XXXXXX", sizeof("/tmp/charts.XXXXXX"));
    assert_non_null(mkdtemp(w->folder));
    arena_init(&w->arena, ARENA_BYTES_DEFAULT);
    w->loop = loop_new(EVENT_UV, 0);
    w->pool = pool_new(NULL, 2);
    world_charts(w, (struct charts_options){0});
    world_peer(w);
    world_table(w, table);
    return w;
}

static inline void world_drop(struct world *w)
{
    if (w->answer.rc == 0 && w->answer.drop)
        w->answer.drop(w->answer.result);
    w->answer = (struct answer){0};
}

static inline void world_close(struct world *w)
{
    world_drop(w);
    charts_free(w->charts);
    pool_free(w->pool);
    loop_free(w->loop);
    close(w->peer_stdin);
    close(w->peer_stdout);
    waitpid(w->peer, NULL, 0);
    folder_remove(w->folder);
    arena_done(&w->arena);
    free(w);
}

/* Only the last answer is kept; the driver drops the others. */
static inline void world_take(void *arg, struct answer *a)
{
    struct world *w = arg;
    w->answer = *a;
    if (++w->n_answers < w->n_wanted)
        return;
    w->answer.result = answer_take(a);
    loop_stop(w->loop);
}

static inline struct call world_expect(struct world *w)
{
    if (w->n_answers == w->n_wanted)
        world_drop(w);
    w->n_wanted++;
    return call_open(w->loop, 60 * USEC_PER_SEC, world_take, w);
}

static inline void world_wait(struct world *w)
{
    if (w->n_answers < w->n_wanted)
        loop_run(w->loop);
    assert_int_equal(w->n_answers, w->n_wanted);
}

/* {a} and {b} in a text of the tables. */
static inline str world_fill(struct world *w, str text)
{
    str out = STR("");
    for (size_t i = 0; i < text.len; i++) {
        bool a = str_starts(str_from(text, i), STR("{a}")),
             b = str_starts(str_from(text, i), STR("{b}"));
        out = ARENA_CAT(&w->arena, out, a ? w->a : b ? w->b : str_sub(text, i, 1));
        i += a || b ? 2 : 0;
    }
    return out;
}

#endif
