/* event/tests/process_test.c */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "event/process.h"

struct got {
    int n, rc, exit_code, signal;
    bool err_cut;
    char text[ERR_TEXT_MAX], out[1024], err[1024];
};

static void on_answer(void *arg, struct answer *a)
{
    struct got *g = arg;
    g->n++;
    g->rc = a->rc;
    if (a->rc) {
        snprintf(g->text, sizeof(g->text), "%s", a->err.text);
        return;
    }
    struct process_result *r = a->result;
    g->exit_code = r->exit_code;
    g->signal = r->signal;
    g->err_cut = r->err_cut;
    snprintf(g->out, sizeof(g->out), "%.*s", STR_FMT(r->out));
    snprintf(g->err, sizeof(g->err), "%.*s", STR_FMT(r->err));
}

static struct got run(const struct process_input *in, usec timeout_us)
{
    struct loop *l = loop_new(EVENT_UV, 0);
    struct got g = {0};
    process_run(l, in, call_open(l, timeout_us, on_answer, &g));
    loop_run(l);
    loop_free(l);
    assert_int_equal(g.n, 1);
    return g;
}
#define ARGV(...)                                                                                  \
    (const char *const[]) { __VA_ARGS__, NULL }

static void a_child_gets_its_input_and_gives_both_outputs_and_its_code(void **state)
{
    struct got g = run(&(struct process_input){.argv = ARGV("sh", "-c", "cat; echo no >&2; exit 7"),
                                               .input = STR("hello")},
                       USEC_PER_MIN);
    assert_int_equal(g.rc, 0);
    assert_int_equal(g.exit_code, 7);
    assert_string_equal(g.out, "hello");
    assert_string_equal(g.err, "no\n");
}

static void environment_and_folder_are_what_was_given(void **state)
{
    setenv("SECRET_OF_PARENT", "x", 1);
    struct got g = run(&(struct process_input){.argv = ARGV("/bin/sh", "-c",
                                                            "echo \"$A-$SECRET_OF_PARENT\"; pwd"),
                                               .env = ARGV("A=b"),
                                               .cwd = "/"},
                       USEC_PER_MIN);
    assert_string_equal(g.out, "b-\n/\n");
    g = run(&(struct process_input){.argv = ARGV("/bin/sh", "-c", "echo \"-$SECRET_OF_PARENT\"")},
            USEC_PER_MIN);
    assert_string_equal(g.out, "-\n");
}

static void a_missing_program_is_not_found(void **state)
{
    struct got g = run(&(struct process_input){.argv = ARGV("/no/such/program")}, USEC_PER_MIN);
    assert_int_equal(g.rc, -ERR_NOT_FOUND);
    assert_string_equal(g.text, "starting '/no/such/program': No such file or directory");
}

static bool gone(int pid)
{
    for (int i = 0; i < 200; i++) {
        if (kill(pid, 0) != 0 && errno == ESRCH)
            return true;
        usleep(10000);
    }
    return false;
}

static void the_deadline_kills_the_whole_group(void **state)
{
    char file[] = "/tmp/tiphys-process-XXXXXX", text[32] = "";
    int fd = mkstemp(file);
    struct got g =
        run(&(struct process_input){.argv = ARGV("sh", "-c", "sleep 100 & echo $! > \"$0\"; wait",
                                                 file)},
            300 * USEC_PER_MS);
    assert_int_equal(g.rc, -ERR_TIMEOUT);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    int pid = 0;
    assert_int_equal(sscanf(text, "%d", &pid), 1);
    assert_true(gone(pid));
    close(fd);
    unlink(file);
}

static void a_child_left_behind_does_not_hold_the_answer(void **state)
{
    struct got g = run(&(struct process_input){.argv = ARGV("sh", "-c", "sleep 100 & echo done")},
                       USEC_PER_MIN);
    assert_int_equal(g.rc, 0);
    assert_string_equal(g.out, "done\n");
}

static void too_much_output_kills_and_too_many_errors_are_cut(void **state)
{
    struct got g =
        run(&(struct process_input){.argv = ARGV("sh", "-c", "yes"), .out_bytes_max = 1000},
            USEC_PER_MIN);
    assert_int_equal(g.rc, -ERR_TOO_LARGE);
    assert_string_equal(g.text, "output is larger than 1000 bytes");
    g = run(&(struct process_input){.argv = ARGV("sh", "-c", "echo 123456789 >&2"),
                                    .err_bytes_max = 4},
            USEC_PER_MIN);
    assert_int_equal(g.rc, 0);
    assert_true(g.err_cut);
    assert_string_equal(g.err, "1234");
}

static void a_child_killed_by_a_signal_says_which(void **state)
{
    struct got g =
        run(&(struct process_input){.argv = ARGV("sh", "-c", "kill -TERM $$")}, USEC_PER_MIN);
    assert_int_equal(g.signal, SIGTERM);
    assert_int_equal(g.exit_code, 128 + SIGTERM);
}

static void unread_input_is_no_error(void **state)
{
    static char big[1 << 20];
    struct got g = run(&(struct process_input){.argv = ARGV("sh", "-c", "exit 0"),
                                               .input = {big, sizeof(big)}},
                       USEC_PER_MIN);
    assert_int_equal(g.rc, 0);
    assert_int_equal(g.exit_code, 0);
}

static void a_simulated_loop_starts_nothing(void **state)
{
    struct loop *l = loop_new(EVENT_SIM, 1);
    struct got g = {0};
    process_run(l, &(struct process_input){.argv = ARGV("true")}, call_open(l, 0, on_answer, &g));
    loop_run(l);
    assert_int_equal(g.rc, -ERR_UNSUPPORTED);
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_gets_its_input_and_gives_both_outputs_and_its_code),
        cmocka_unit_test(environment_and_folder_are_what_was_given),
        cmocka_unit_test(a_missing_program_is_not_found),
        cmocka_unit_test(the_deadline_kills_the_whole_group),
        cmocka_unit_test(a_child_left_behind_does_not_hold_the_answer),
        cmocka_unit_test(too_much_output_kills_and_too_many_errors_are_cut),
        cmocka_unit_test(a_child_killed_by_a_signal_says_which),
        cmocka_unit_test(unread_input_is_no_error),
        cmocka_unit_test(a_simulated_loop_starts_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
