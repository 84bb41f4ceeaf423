/* jail_test.c: a worker that was captured. The zygote of this test runs `attempt` instead of the
 * renderer: what it is told to try it tries from inside the lock, and answers with the outcome. Run
 * as root and as nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "event/pool.h"
#include "files/tests/git_fixture.h"
#include "manifests/jail_frame.h"
#include "manifests/jail_run.h"
#include "manifests/jail_zygote.h"
#include "value/json.h"

/* ---- inside ---- */

static int try_open(str path, int flags)
{
    char z[PATH_MAX];
    snprintf(z, sizeof(z), "%.*s", STR_FMT(path));
    int fd = open(z, flags, 0600);
    return fd < 0 ? errno : 0;
}

static int try_read(str path) { return try_open(path, O_RDONLY); }
static int try_write(str path) { return try_open(path, O_WRONLY); }
static int try_create(str path) { return try_open(path, O_WRONLY | O_CREAT); }
static int try_tmpfile(str path) { return try_open(path, O_TMPFILE | O_RDWR); }

static int try_stat(str path)
{
    struct stat st;
    char z[PATH_MAX];
    snprintf(z, sizeof(z), "%.*s", STR_FMT(path));
    return stat(z, &st) ? errno : 0;
}

static int try_socket(UNUSED str path) { return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0; }
static int try_unix(UNUSED str path) { return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0; }
static int try_fork(UNUSED str path)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid < 0 ? errno : 0;
}
static int try_exec(UNUSED str path)
{
    char *const argv[] = {(char[]){"true"}, NULL};
    execve("/bin/true", argv, NULL);
    return errno;
}
static int try_kill(UNUSED str path) { return kill(getppid(), 0) ? errno : 0; }
static int try_ptrace(UNUSED str path) { return ptrace(PTRACE_TRACEME, 0, NULL, NULL) ? errno : 0; }
static int try_exec_memory(UNUSED str path)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? errno
               : 0;
}
static int try_raise_limit(UNUSED str path)
{
    struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};
    return setrlimit(RLIMIT_DATA, &r) ? errno : 0;
}
static int try_mount(UNUSED str path) { return mount("none", "/", "tmpfs", 0, NULL) ? errno : 0; }
static int try_unlink(str path)
{
    char z[PATH_MAX];
    snprintf(z, sizeof(z), "%.*s", STR_FMT(path));
    return unlink(z) ? errno : 0;
}
static int try_io_uring(UNUSED str path)
{
    return syscall(SYS_io_uring_setup, 1, NULL) < 0 ? errno : 0;
}
static int try_bpf(UNUSED str path) { return syscall(SYS_bpf, 0, NULL, 0) < 0 ? errno : 0; }

static const struct attempt {
    const char *what;
    int (*fn)(str path);
} attempts[] = {
    {"read", try_read},
    {"stat", try_stat},
    {"write", try_write},
    {"create", try_create},
    {"tmpfile", try_tmpfile},
    {"socket", try_socket},
    {"unix", try_unix},
    {"fork", try_fork},
    {"exec", try_exec},
    {"kill", try_kill},
    {"ptrace", try_ptrace},
    {"exec-memory", try_exec_memory},
    {"raise-limit", try_raise_limit},
    {"mount", try_mount},
    {"unlink", try_unlink},
    {"io_uring", try_io_uring},
    {"bpf", try_bpf},
};

static void fill_arena(struct worker_job *j)
{
    for (;;)
        memset(arena_alloc(worker_arena(j), 1 << 20), 1, 1 << 20);
}

static void attempt(struct worker_job *j, str order)
{
    value v;
    struct err err;
    if (json_parse(order, NULL, worker_arena(j), &v, &err)) {
        worker_error(j, ERR_INVALID, err_str(&err));
        return;
    }
    str what = value_path_str(v, "what"), path = value_path_str(v, "path");
    for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
        if (str_is(what, attempts[i].what)) {
            int e = attempts[i].fn(path);
            worker_answer(j, arena_printf(worker_arena(j), "%d", e), STR("-"));
            return;
        }
    }
    if (str_is(what, "die"))
        _exit(1);
    if (str_is(what, "question"))
        worker_ask(j, STR("r9 a"));
    if (str_is(what, "hang"))
        for (;;)
            sched_yield();
    if (str_is(what, "eat"))
        fill_arena(j);
    if (str_is(what, "lie-kind"))
        worker_error(j, 99, STR("x"));
    else if (str_is(what, "quote"))
        worker_error(j, ERR_INVALID, STR("a \"b\"\n\\c"));
    else
        worker_error(j, ERR_INVALID, STR("unknown attempt"));
}

/* A worker that answers with files of its own making: {"json":N,"reads":M} is what it claims. */
static void answer_with(int socket, const char *claim, int fd)
{
    struct err err;
    (void)!frame_send(socket, str_of(claim), fd, &err);
}

/* ---- outside ---- */

static struct err err;

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        int rc_ = (call);                                                                          \
        if (rc_)                                                                                   \
            fail_msg("%s: %s", #call, err.text);                                                   \
    } while (0)

struct world {
    struct jail *jail;
    struct loop *loop;
    char mine[64], other[64];
    struct answer answer;
    char json[64];
    bool answered;
};

/* jail_open starts our own program with JAIL_ZYGOTE_ARG; main() below serves `attempt` there. */
static void world_open_with(struct world *w, struct jail_options o)
{
    memset(w, 0, sizeof(*w));
    o.memory_max = (size_t)64 << 20;
    assert_ok(jail_open(&o, &w->jail, &err));
    w->loop = loop_new(EVENT_UV, 0);
    assert_ok(jail_attach(w->jail, w->loop, &err));
    snprintf(w->mine, sizeof(w->mine), "/tmp/tiphys-jail-mine-XXXXXX");
    snprintf(w->other, sizeof(w->other), "/tmp/tiphys-jail-other-XXXXXX");
    assert_non_null(mkdtemp(w->mine));
    assert_non_null(mkdtemp(w->other));
    const char *const folders[] = {w->mine, w->other};
    for (int i = 0; i < 2; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof(path), "%s/file", folders[i]);
        int fd = open(path, O_WRONLY | O_CREAT, 0644);
        assert_true(fd >= 0);
        close(fd);
    }
}

static void world_open(struct world *w, unsigned workers_max, usec idle_us)
{
    world_open_with(w, (struct jail_options){.workers_max = workers_max, .idle_us = idle_us});
}

static void world_close(struct world *w)
{
    jail_close(w->jail);
    loop_free(w->loop);
    FIXTURE_RUN("/", NULL, 0, "rm", "-rf", "--", w->mine, w->other);
}

static void take_answer(void *arg, struct answer *a)
{
    struct world *w = arg;
    w->answer = *a;
    w->answered = true;
    if (!a->rc) {
        const struct jail_answer *j = a->result;
        snprintf(w->json, sizeof(w->json), "%.*s", STR_FMT(j->json));
    }
    loop_stop(w->loop);
}

static int ask(struct world *w, const char *what, const char *path, usec timeout_us)
{
    char frame[PATH_MAX];
    snprintf(frame, sizeof(frame), "{\"what\":\"%s\",\"path\":\"%s\"}", what, path);
    str folder = str_of(w->mine);
    w->answered = false;
    const struct jail_order o = {.domain = STR("domain"),
                                 .folder = &folder,
                                 .n_folders = 1,
                                 .frame = str_of(frame),
                                 .timeout_us = timeout_us};
    jail_run(w->jail, &o, call_open(w->loop, 30 * USEC_PER_SEC, take_answer, w));
    while (!w->answered)
        loop_run(w->loop);
    return w->answer.rc;
}

static int outcome(struct world *w, const char *what, const char *path)
{
    if (ask(w, what, path, 10 * USEC_PER_SEC))
        fail_msg("%s: %s", what, w->answer.err.text);
    int64_t e = -1;
    assert_true(str_to_i64(str_of(w->json), &e));
    return (int)e;
}

static void a_worker_reads_its_folder_and_nothing_else(UNUSED void **state)
{
    struct world w;
    char mine[PATH_MAX], other[PATH_MAX], up[2 * PATH_MAX];
    world_open(&w, 1, 0);
    snprintf(mine, sizeof(mine), "%s/file", w.mine);
    snprintf(other, sizeof(other), "%s/file", w.other);
    snprintf(up, sizeof(up), "%s/../%s/file", w.mine, w.other + 5);
    assert_int_equal(outcome(&w, "read", mine), 0);
    const char *const forbidden[] =
        {other, up, "/etc/passwd", "/proc/self/environ", "/proc/1/environ", "/dev/zero", "/"};
    for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
        if (outcome(&w, "read", forbidden[i]) == 0)
            fail_msg("a worker opened %s", forbidden[i]);
    world_close(&w);
}

static void everything_but_rendering_is_refused(struct world *w)
{
    static const char *const whats[] = {"write",  "create",      "tmpfile",     "socket",
                                        "unix",   "fork",        "exec",        "kill",
                                        "ptrace", "exec-memory", "raise-limit", "mount",
                                        "unlink", "io_uring",    "bpf"};
    char mine[PATH_MAX];
    for (size_t i = 0; i < ARRAY_LEN(whats); i++) {
        bool folder = strcmp(whats[i], "tmpfile") == 0;
        snprintf(mine, sizeof(mine), "%s%s", w->mine,
                 folder                       ? ""
                 : strcmp(whats[i], "create") ? "/file"
                                              : "/new");
        int e = outcome(w, whats[i], mine);
        if (e != EPERM && e != EACCES)
            fail_msg("%s in the jail: %s", whats[i], e ? strerror(e) : "works");
    }
    assert_int_equal(jail_stats(w->jail).n_started, 1); /* all by one worker, which lives */
}

static void a_worker_can_do_nothing_but_render(UNUSED void **state)
{
    struct world w;
    world_open(&w, 1, 0);
    everything_but_rendering_is_refused(&w);
    world_close(&w);
}

static void without_landlock_a_worker_opens_nothing_at_all(UNUSED void **state)
{
    struct world w;
    char mine[PATH_MAX];
    world_open_with(&w, (struct jail_options){.workers_max = 1, .no_landlock = true});
    snprintf(mine, sizeof(mine), "%s/file", w.mine);
    const char *const forbidden[] = {mine, "/etc/passwd", "/proc/self/environ", "/"};
    for (size_t i = 0; i < ARRAY_LEN(forbidden); i++) {
        assert_int_equal(outcome(&w, "read", forbidden[i]), EPERM);
        assert_int_equal(outcome(&w, "stat", forbidden[i]), EPERM);
    }
    everything_but_rendering_is_refused(&w);
    world_close(&w);
}

/* One that asks out of turn is one that somebody else steers. */
static void a_question_that_no_worker_of_ours_asks_ends_it(UNUSED void **state)
{
    struct world w;
    world_open(&w, 1, 0); /* with Landlock nobody asks */
    assert_int_equal(ask(&w, "question", "", 10 * USEC_PER_SEC), -ERR_UNAVAILABLE);
    assert_string_equal(w.answer.err.text, "the render worker answered nonsense and was stopped");
    world_close(&w);
}

static void a_worker_that_dies_is_told_and_replaced(UNUSED void **state)
{
    struct world w;
    world_open(&w, 1, 0);
    assert_int_equal(ask(&w, "die", "", 10 * USEC_PER_SEC), -ERR_UNAVAILABLE);
    assert_string_equal(w.answer.err.text, "the render worker ended unexpectedly");
    assert_int_equal(outcome(&w, "socket", ""), EPERM);
    assert_int_equal(jail_stats(w.jail).n_started, 2);
    world_close(&w);
}

static void a_worker_that_hangs_is_killed_at_the_deadline(UNUSED void **state)
{
    struct world w;
    world_open(&w, 1, 0);
    usec start = time_monotonic_now();
    assert_int_equal(ask(&w, "hang", "", 100 * USEC_PER_MS), -ERR_TIMEOUT);
    assert_true(time_monotonic_now() - start < 5 * USEC_PER_SEC);
    assert_int_equal(outcome(&w, "socket", ""), EPERM);
    world_close(&w);
}

static void a_job_that_needs_too_much_memory_is_told_so(UNUSED void **state)
{
    struct world w;
    world_open(&w, 1, 0);
    assert_int_equal(ask(&w, "eat", "", 20 * USEC_PER_SEC), -ERR_TOO_LARGE);
    assert_string_equal(w.answer.err.text, "rendering needs more than 64 MiB of memory");
    assert_int_equal(outcome(&w, "socket", ""), EPERM);
    world_close(&w);
}

static void nonsense_from_a_worker_ends_it(UNUSED void **state)
{
    struct world w;
    world_open(&w, 1, 0);
    assert_int_equal(ask(&w, "lie-kind", "", 10 * USEC_PER_SEC), -ERR_UNAVAILABLE);
    assert_int_equal(ask(&w, "quote", "", 10 * USEC_PER_SEC), -ERR_INVALID);
    assert_string_equal(w.answer.err.text, "a \"b\"\n\\c");
    assert_int_equal(jail_stats(w.jail).n_died, 1);
    world_close(&w);
}

static void an_idle_worker_is_ended(UNUSED void **state)
{
    struct world w;
    world_open(&w, 1, 20 * USEC_PER_MS);
    assert_int_equal(outcome(&w, "socket", ""), EPERM);
    struct timer t;
    timer_init(&t, w.loop, (void (*)(void *))loop_stop, w.loop);
    timer_arm_in(&t, 100 * USEC_PER_MS);
    loop_run(w.loop);
    assert_int_equal(outcome(&w, "socket", ""), EPERM);
    assert_int_equal(jail_stats(w.jail).n_started, 2);
    assert_int_equal(jail_stats(w.jail).n_died, 0);
    world_close(&w);
}

static int64_t only_child_of(pid_t pid)
{
    char path[PATH_MAX], children[256] = "";
    int64_t child = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(children, sizeof(children), f));
    fclose(f);
    assert_true(str_to_i64(str_trim(str_of(children)), &child));
    return child;
}

static void a_zygote_that_was_killed_is_replaced(UNUSED void **state)
{
    struct world w;
    world_open(&w, 1, 0);
    assert_int_equal(outcome(&w, "socket", ""), EPERM);
    usleep(150000);
    kill((pid_t)only_child_of(getpid()), SIGKILL);
    /* The worker dies with its zygote, but a moment later: up to two jobs may meet it. */
    int rc = -1;
    for (int i = 0; i < 3; i++) {
        rc = ask(&w, "socket", "", 10 * USEC_PER_SEC);
        assert_true(rc == 0 || rc == -ERR_UNAVAILABLE);
        usleep(100000);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(outcome(&w, "socket", ""), EPERM);
    world_close(&w);
}

static void two_domains_never_share_a_worker(UNUSED void **state)
{
    struct world w;
    world_open(&w, 1, 0); /* room for one: the second domain takes its place, not its process */
    assert_int_equal(outcome(&w, "socket", ""), EPERM);
    char frame[PATH_MAX];
    snprintf(frame, sizeof(frame), "{\"what\":\"read\",\"path\":\"%s/file\"}", w.mine);
    str folder = str_of(w.other);
    w.answered = false;
    const struct jail_order o = {.domain = STR("another"),
                                 .folder = &folder,
                                 .n_folders = 1,
                                 .frame = str_of(frame),
                                 .timeout_us = 10 * USEC_PER_SEC};
    jail_run(w.jail, &o, call_open(w.loop, 30 * USEC_PER_SEC, take_answer, &w));
    while (!w.answered)
        loop_run(w.loop);
    assert_int_equal(w.answer.rc, 0);
    assert_string_not_equal(w.json, "0");
    assert_int_equal(jail_stats(w.jail).n_started, 2);
    world_close(&w);
}

static void only_sealed_files_of_the_announced_size_are_mapped(UNUSED void **state)
{
    void *at;
    int fd;
    const str part = STR("hello");
    assert_ok(sealed_file("x", &part, 1, &fd, &err));
    assert_ok(sealed_map(fd, 5, 100, &at, &err));
    assert_memory_equal(at, "hello", 5);
    munmap(at, 5);
    assert_int_equal(sealed_map(fd, 6, 100, &at, &err), -ERR_INVALID);
    assert_int_equal(sealed_map(fd, 5, 4, &at, &err), -ERR_INVALID);
    assert_int_equal(ftruncate(fd, 0), -1);
    close(fd);
    fd = memfd_create("loose", MFD_ALLOW_SEALING);
    assert_int_equal(write(fd, "hello", 5), 5);
    assert_int_equal(sealed_map(fd, 5, 100, &at, &err), -ERR_INVALID);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    assert_int_equal(sealed_map(fd, 5, 100, &at, &err), -ERR_INVALID);
    close(fd);
    int p[2];
    assert_int_equal(pipe(p), 0);
    assert_int_equal(sealed_map(p[0], 5, 100, &at, &err), -ERR_INVALID);
    close(p[0]);
    close(p[1]);
}

static void a_message_with_two_descriptors_is_refused_and_leaks_none(UNUSED void **state)
{
    static char at[JAIL_FRAME_MAX];
    int pair[2], fd;
    size_t len;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    union {
        struct cmsghdr align;
        char at[CMSG_SPACE(2 * sizeof(int))];
    } control = {0};
    struct iovec iov = {(char[]){"{}"}, 2};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.at,
                       .msg_controllen = sizeof(control.at)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(2 * sizeof(int));
    const int fds[2] = {0, 1};
    memcpy(CMSG_DATA(c), fds, sizeof(fds));
    assert_int_equal(sendmsg(pair[0], &m, 0), 2);
    int next = dup(0);
    close(next);
    assert_int_equal(frame_receive(pair[1], at, &len, &fd, &err), -ERR_INVALID);
    int again = dup(0);
    close(again);
    assert_int_equal(next, again);
    answer_with(pair[0], "{}", -1);
    assert_ok(frame_receive(pair[1], at, &len, &fd, &err));
    assert_int_equal(len, 2);
    close(pair[0]);
    assert_ok(frame_receive(pair[1], at, &len, &fd, &err));
    assert_int_equal(len, 0);
    close(pair[1]);
}

static void the_zygote_dies_with_us_and_takes_its_workers_along(UNUSED void **state)
{
    int out[2];
    char text[64] = "";
    assert_int_equal(pipe(out), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct world w;
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failing test leaves nobody behind */
        world_open(&w, 1, 0);
        (void)outcome(&w, "socket", "");
        FIXTURE_RUN("/", NULL, 0, "rm", "-rf", "--", w.mine, w.other);
        dprintf(out[1], "ready"); /* its one child is the zygote */
        for (;;)
            pause();
    }
    assert_true(read(out[0], text, sizeof(text) - 1) > 0);
    int64_t zygote = only_child_of(pid);
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0) {
    }
    bool gone = false;
    for (int i = 0; i < 200 && !gone; i++) {
        gone = kill((pid_t)zygote, 0) != 0;
        usleep(10000);
    }
    assert_true(gone);
    close(out[0]);
    close(out[1]);
}

int main(int argc, char **argv)
{
    if (argc == 3 && str_is(str_of(argv[1]), JAIL_ZYGOTE_ARG))
        return zygote_serve(argv[2][0] - '0', attempt);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_reads_its_folder_and_nothing_else),
        cmocka_unit_test(a_worker_can_do_nothing_but_render),
        cmocka_unit_test(without_landlock_a_worker_opens_nothing_at_all),
        cmocka_unit_test(a_question_that_no_worker_of_ours_asks_ends_it),
        cmocka_unit_test(a_worker_that_dies_is_told_and_replaced),
        cmocka_unit_test(a_worker_that_hangs_is_killed_at_the_deadline),
        cmocka_unit_test(a_job_that_needs_too_much_memory_is_told_so),
        cmocka_unit_test(nonsense_from_a_worker_ends_it),
        cmocka_unit_test(an_idle_worker_is_ended),
        cmocka_unit_test(a_zygote_that_was_killed_is_replaced),
        cmocka_unit_test(two_domains_never_share_a_worker),
        cmocka_unit_test(only_sealed_files_of_the_announced_size_are_mapped),
        cmocka_unit_test(a_message_with_two_descriptors_is_refused_and_leaks_none),
        cmocka_unit_test(the_zygote_dies_with_us_and_takes_its_workers_along),
    };
    return cmocka_run_group_tests_name("jail", tests, NULL, NULL);
}
