/* cli/tests/cli_test.c: whole invocations against a server of canned answers (tests/golden/cli:
 * routes, then runs with their output and exit code as argocd gives them). Runs of blanks count as
 * two, as in the recordings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/table.h"
#include "event/loop.h"
#include "net/server.h"
#include "value/json.h"
#include "value/yaml.h"

#define OUTPUT_BYTES_MAX (1 << 20)

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = calloc(1, OUTPUT_BYTES_MAX);
    if (!f || !text || !fread(text, 1, OUTPUT_BYTES_MAX - 1, f))
        fail_msg("cannot read %s", path);
    fclose(f);
    return text;
}

/* ---- the server ---- */

struct server {
    value routes;
    struct arena arena;
};

/* Routes are "METHOD /path"; the value is the answer, or {"status": n, "body": ...}. */
static void answer(void *arg, const struct http_request *req, struct http_reply reply)
{
    struct server *s = arg;
    str key = ARENA_CAT(&s->arena, method_name(req->method), STR(" "), req->path);
    value v = value_get(s->routes, key), body = value_getz(v, "body");
    int status = value_exists(v) ? 200 : 404;
    if (value_is_number(value_getz(v, "status"))) {
        status = (int)value_int(value_getz(v, "status"));
        v = body;
    }
    str text = value_exists(v) ? json_str(&s->arena, v, AUDIENCE_WIRE, 0)
                               : STR("{\"code\":5,\"message\":\"Not Found\"}");
    http_reply_simple(reply, status, "application/json", text);
}

/* A child that serves the routes; its port comes through a pipe. */
static pid_t start_server(value routes, uint16_t *ret_port)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid) {
        close(pipes[1]);
        assert_int_equal(read(pipes[0], ret_port, sizeof(*ret_port)), sizeof(*ret_port));
        close(pipes[0]);
        return pid;
    }
    struct server s = {.routes = routes};
    struct http_server *http;
    struct err err;
    arena_init(&s.arena, ARENA_BYTES_DEFAULT);
    struct loop *l = loop_new(EVENT_UV, 0);
    struct http_server_config config = {.handler = answer, .arg = &s};
    if (http_server_open(l, &config, &http, &err))
        _exit(1);
    uint16_t port = http_server_port(http);
    if (write(pipes[1], &port, sizeof(port)) != sizeof(port))
        _exit(1);
    alarm(60);
    loop_run(l);
    _exit(0);
}

/* ---- one invocation ---- */

static char folder[] = "/tmp/cli-testXXXXXX";

/* Runs argocd in a child with a home of its own; its output is read from files. */
static int run(struct arena *a, value args, uint16_t port, str *ret_out, str *ret_log)
{
    char *argv[40] = {(char *)"argocd"}, address[32], out[64], log[64];
    int argc = 1, status;
    snprintf(address, sizeof(address), "127.0.0.1:%u", port);
    snprintf(out, sizeof(out), "%s/out", folder);
    snprintf(log, sizeof(log), "%s/log", folder);
    for (struct value_iter it = value_iter(args); value_next(&it) && argc < 39;) {
        str arg = value_str(it.val);
        argv[argc++] = str_is(arg, "$SERVER") ? address : arena_cstr(a, arg);
    }
    pid_t pid = fork();
    if (!pid) {
        setenv("HOME", folder, 1);
        setenv("TZ", "UTC", 1);
        setenv("ARGOCD_OPTS", "--plaintext", 1);
        unsetenv("XDG_CONFIG_HOME");
        if (value_len(args) && str_is(value_str(value_at(args, 0)), "anonymous")) {
            argv[1] = argv[0];
            argc--;
            memmove(argv, argv + 1, sizeof(argv) - sizeof(argv[0]));
        } else {
            setenv("ARGOCD_SERVER", address, 1);
            setenv("ARGOCD_AUTH_TOKEN", "t", 1);
        }
        if (!freopen(out, "w", stdout) || !freopen(log, "w", stderr))
            _exit(99);
        int code = cli_main(argc, argv);
        fflush(NULL);
        _exit(code);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    FILE *f[2] = {fopen(out, "r"), fopen(log, "r")};
    for (int i = 0; i < 2; i++) {
        char *text = arena_alloc(a, OUTPUT_BYTES_MAX);
        size_t n = f[i] ? fread(text, 1, OUTPUT_BYTES_MAX, f[i]) : 0;
        if (f[i])
            fclose(f[i]);
        *(i ? ret_log : ret_out) = str_mem(text, n);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Blanks inside a line are two at most, at its end none; times, and the server's address, have
 * names. */
static str plain(struct arena *a, str text, uint16_t port)
{
    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%u", port);
    struct buf b = BUF_INIT;
    str line;
    while (str_next(&text, '\n', &line)) {
        ptrdiff_t at = str_find(line, STR(",\"time\":\""));
        if (at >= 0)
            line = ARENA_CAT(a, str_sub(line, 0, (size_t)at), STR("}"));
        while (line.len && line.at[line.len - 1] == ' ')
            line.len--;
        bool begun = false;
        for (size_t i = 0; i < line.len;) {
            size_t n = 0;
            while (i + n < line.len && line.at[i + n] == ' ')
                n++;
            if (n > 1 && begun) {
                buf_addz(&b, "  ");
                i += n;
            } else if (str_starts(str_from(line, i), str_of(address))) {
                buf_addz(&b, "$SERVER");
                i += strlen(address);
            } else {
                begun |= line.at[i] != ' ';
                buf_addc(&b, line.at[i++]);
            }
        }
        if (text.at)
            buf_addc(&b, '\n');
    }
    str s = arena_str(a, buf_str(&b));
    buf_done(&b);
    return s;
}

static bool same(const char *what, str got, str want)
{
    if (str_eq(got, want))
        return true;
    print_message("%s: got\n%.*s\nwant\n%.*s\n", what, STR_FMT(got), STR_FMT(want));
    return false;
}

static void run_story(const char *name)
{
    char path[4096];
    struct arena a;
    struct err err;
    value story;
    uint16_t port;
    size_t bad = 0;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    snprintf(path, sizeof(path), "%s/tests/golden/cli/%s.yaml", getenv("TIPHYS_SOURCE_ROOT"), name);
    char *text = read_file(path);
    if (yaml_parse(str_of(text), NULL, &a, &story, &err))
        fail_msg("%s: %s", path, err.text);
    free(text);
    pid_t server = start_server(value_getz(story, "routes"), &port);
    for (struct value_iter it = value_iter(value_getz(story, "runs")); value_next(&it);) {
        str out, log;
        int code = run(&a, value_getz(it.val, "args"), port, &out, &log);
        bool ok = same("stdout", plain(&a, out, port), value_str(value_getz(it.val, "stdout")));
        ok &= same("stderr", plain(&a, log, port), value_str(value_getz(it.val, "stderr")));
        ok &= code == value_int(value_getz(it.val, "exit"));
        if (!ok) {
            bad++;
            print_message("exit %d, of %.*s\n", code,
                          STR_FMT(json_str(&a, value_getz(it.val, "args"), AUDIENCE_WIRE, 0)));
        }
    }
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    arena_done(&a);
    if (bad)
        fail_msg("%zu runs of %s differ", bad, name);
}

static void applications_are_shown_as_argocd_shows_them(void **state) { run_story("app-get"); }
static void wrong_use_is_answered_as_argocd_does(void **state) { run_story("usage"); }
static void contexts_are_kept_as_argocd_keeps_them(void **state) { run_story("contexts"); }

static void columns_are_as_wide_as_in_go(void **state)
{
    struct arena a;
    struct table t;
    char *text = NULL;
    size_t n;
    arena_init(&a, 1 << 20);
    table_init(&t, &a, 0, 2);
    table_add(&t, "SOURCE\tu");
    table_add(&t, "ID\tDATE\tR");
    table_add(&t, "1\tyesterday\t");
    FILE *f = open_memstream(&text, &n);
    table_print(&t, f);
    fclose(f);
    assert_string_equal(text, "SOURCE  u\nID      DATE       R\n1       yesterday  \n");
    free(text);
    arena_done(&a);
}

static int set_up(void **state) { return mkdtemp(folder) ? 0 : 1; }

static int tear_down(void **state)
{
    char path[128];
    static const char *const files[] = {"out",     "log", ".config/argocd/config", ".config/argocd",
                                        ".config", ""};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        remove(path);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_in_go),
        cmocka_unit_test(applications_are_shown_as_argocd_shows_them),
        cmocka_unit_test(wrong_use_is_answered_as_argocd_does),
        cmocka_unit_test(contexts_are_kept_as_argocd_keeps_them),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
