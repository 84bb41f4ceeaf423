/* jail.c: the parent's side: the zygote, the workers it forked, and the jobs that wait for them. */
#include "manifests/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "manifests/jail_frame.h"
#include "manifests/jail_lock.h"
#include "manifests/jail_run.h"
#include "value/json.h"

#define JOBS_MAX 65536
#define IDLE_DEFAULT (30 * USEC_PER_SEC)
#define ZYGOTE_FD 3
#define ZYGOTE_PAUSE (100 * USEC_PER_MS) /* before one that ended is replaced */

/* A descriptor that is watched for reading. It outlives its owner by the turn libuv needs to close
 * it. */
struct watch {
    uv_poll_t poll;
    int fd;
    void (*fn)(void *arg);
    void *arg; /* NULL: the owner is gone */
};

struct jail_job {
    struct jail_job *next;
    struct arena arena;
    str domain, frame;
    str *folder;
    size_t n_folders;
    int block_fd; /* memory file that goes along; -1: none */
    usec timeout_us;
    struct jail_files files;
    struct call asker;
};

struct worker {
    struct worker *next;
    struct jail *jail;
    char *domain;
    struct watch *watch; /* its socket */
    int pidfd;           /* -1 until the zygote has answered */
    struct jail_job *job;
    struct call asking; /* for a file, on its behalf */
    struct timer deadline, idle;
};

struct jail {
    struct jail_options options;
    char *exe;
    pid_t zygote;
    int socket;     /* the zygote's, until it is watched */
    usec zygote_at; /* when it was started last */
    bool burying;   /* the zygote ended: no new work before the old is answered */
    struct loop *loop;
    struct watch *watch; /* the zygote's socket */
    struct worker *workers;
    struct worker **starting; /* in the order the zygote was asked; NULL: gone meanwhile */
    size_t n_starting, n_workers;
    struct jail_job *queue, **queue_end;
    size_t n_queue;
    struct jail_stats stats;
    char frame[JAIL_FRAME_MAX];
};

/* ---- the zygote ---- */

static NORETURN void exec_zygote(const char *exe, int socket)
{
    static char *const env[] = {NULL};
    static char name[] = "tiphys", arg[] = JAIL_ZYGOTE_ARG, number[] = "3";
    char *const argv[] = {name, arg, number, NULL};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(socket, ZYGOTE_FD) >= 0)
        fcntl(ZYGOTE_FD, F_SETFD, 0);
    execve(exe, argv, env);
    _exit(127);
}

static __attribute__((noinline)) pid_t spawn_zygote(const char *exe, int socket)
{
    pid_t pid = vfork();
    if (pid == 0)
        exec_zygote(exe, socket);
    return pid;
}

static int above_zygote_fd(int *fd)
{
    /* The child puts its end on descriptor 3: nothing of ours may sit there. */
    if (*fd > ZYGOTE_FD)
        return 0;
    int up = fcntl(*fd, F_DUPFD_CLOEXEC, ZYGOTE_FD + 1);
    if (up < 0)
        return -1;
    close(*fd);
    *fd = up;
    return 0;
}

/* Start the zygote; its socket is j->socket. A new one in place of one that ended is as clean as
 * the first: exec leaves nothing of this process but the one descriptor. */
static int zygote_start(struct jail *j, struct err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return err_errno(err, errno, "jail: socket");
    if (above_zygote_fd(&pair[0]) || above_zygote_fd(&pair[1])) {
        int e = errno;
        close(pair[0]);
        close(pair[1]);
        return err_errno(err, e, "jail: socket");
    }
    j->zygote = spawn_zygote(j->exe, pair[1]);
    int e = errno;
    close(pair[1]);
    if (j->zygote < 0) {
        close(pair[0]);
        return err_errno(err, e, "jail: starting the zygote");
    }
    j->socket = pair[0];
    return 0;
}

static void zygote_reap(struct jail *j)
{
    if (j->zygote <= 0)
        return;
    kill(j->zygote, SIGKILL);
    while (waitpid(j->zygote, NULL, 0) < 0 && errno == EINTR) {
    }
    j->zygote = 0;
}

int jail_open(const struct jail_options *o, struct jail **ret, struct err *err)
{
    struct jail *j = calloc(1, sizeof(*j));
    if (!j)
        abort();
    j->options = *o;
    j->options.no_landlock |= !jail_landlock_version();
    if (!j->options.memory_max)
        j->options.memory_max = JAIL_MEMORY_DEFAULT;
    if (!j->options.workers_max)
        j->options.workers_max = (unsigned)MAX_OF(sysconf(_SC_NPROCESSORS_ONLN), 1);
    j->options.workers_max = MIN_OF(j->options.workers_max, JAIL_WORKERS_MAX);
    if (!j->options.idle_us)
        j->options.idle_us = IDLE_DEFAULT;
    j->queue_end = &j->queue;
    j->exe = o->exe.len ? strndup(o->exe.at, o->exe.len) : strdup("/proc/self/exe");
    if (!j->exe)
        abort();
    int rc = zygote_start(j, err);
    if (rc) {
        free(j->exe);
        free(j);
        return rc;
    }
    *ret = j;
    return 0;
}

str jail_describe(const struct jail *j)
{
    return j->options.no_landlock ? STR("seccomp, files by descriptor (the kernel has no Landlock)")
                                  : STR("Landlock and seccomp");
}

struct jail_stats jail_stats(const struct jail *j) { return j->stats; }

/* ---- watched descriptors ---- */

static void watch_ready(uv_poll_t *p, UNUSED int status, UNUSED int events)
{
    struct watch *w = CONTAINER_OF(p, struct watch, poll);
    if (w->arg)
        w->fn(w->arg);
}

static struct watch *watch_open(struct loop *l, int take_fd, void (*fn)(void *), void *arg)
{
    struct watch *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    *w = (struct watch){.fd = take_fd, .fn = fn, .arg = arg};
    fcntl(take_fd, F_SETFL, O_NONBLOCK);
    if (uv_poll_init(loop_uv(l), &w->poll, take_fd) ||
        uv_poll_start(&w->poll, UV_READABLE, watch_ready))
        abort(); /* a socket of ours that cannot be polled */
    return w;
}

static void watch_gone(uv_handle_t *h)
{
    struct watch *w = CONTAINER_OF(h, struct watch, poll);
    close(w->fd);
    free(w);
}

static void watch_close(struct watch *w)
{
    if (!w)
        return;
    w->arg = NULL;
    uv_poll_stop(&w->poll);
    uv_close((uv_handle_t *)&w->poll, watch_gone);
}

/* ---- jobs ---- */

static void job_free(struct jail_job *job)
{
    arena_done(&job->arena);
    if (job->block_fd >= 0)
        close(job->block_fd);
    free(job);
}

static void job_error(struct jail_job *job, int kind, const char *text)
{
    struct err err;
    (void)err_set(&err, kind, "%s", text);
    call_answer_err(job->asker, &err);
    job_free(job);
}

void jail_answer_free(void *arg)
{
    struct jail_answer *a = arg;
    munmap(a->map, a->map_bytes);
    free(a);
}

/* ---- workers ---- */

static void advance(struct jail *j);

static void forget_start(struct worker *w)
{
    struct jail *j = w->jail;
    for (size_t i = 0; i < j->n_starting; i++)
        if (j->starting[i] == w)
            j->starting[i] = NULL;
}

static void worker_kill(struct worker *w)
{
    if (w->pidfd >= 0)
        pidfd_send_signal(w->pidfd, SIGKILL, NULL, 0);
    else
        forget_start(w); /* the pidfd, when it comes, is used to kill it */
}

/* Forget the worker; its process is dead, killed, or ends with its socket. */
static void worker_free(struct worker *w)
{
    struct jail *j = w->jail;
    struct worker **at = &j->workers;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    j->n_workers--;
    timer_stop(&w->deadline);
    timer_stop(&w->idle);
    call_forget(&w->asking);
    watch_close(w->watch);
    if (w->pidfd >= 0)
        close(w->pidfd);
    free(w->domain);
    free(w);
}

/* A worker that must not go on: its job is answered, its process killed. */
static void worker_end(struct worker *w, int kind, const char *text)
{
    struct jail *j = w->jail;
    struct jail_job *job = w->job;
    worker_kill(w);
    worker_free(w);
    j->stats.n_died++;
    if (job)
        job_error(job, kind, text);
    advance(j);
}

static void deadline_passed(void *arg)
{
    worker_end(arg, ERR_TIMEOUT, "rendering took too long and was stopped");
}

static void idle_passed(void *arg)
{
    struct worker *w = arg;
    worker_kill(w);
    worker_free(w);
}

/* Error kinds a worker may claim: what it says decides about its tenant's retries only. */
static bool kind_is_plausible(int64_t kind)
{
    static const int kinds[] = {ERR_INVALID,     ERR_NOT_FOUND, ERR_PRECONDITION, ERR_TOO_LARGE,
                                ERR_UNSUPPORTED, ERR_IO,        ERR_FORBIDDEN,    ERR_INTERNAL};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kind == kinds[i])
            return true;
    return false;
}

/* {"json":N,"reads":N} with a file, or {"kind":K,"text":"..","last":bool} without;
 * last: the worker leaves after it. */
static int read_answer(str text, int fd, struct jail_answer **ret, struct err *ret_told,
                       bool *ret_last, struct err *err)
{
    struct arena a;
    value v = VALUE_ABSENT;
    arena_init(&a, (size_t)16 << 20);
    int rc = json_parse(text, NULL, &a, &v, err);
    uint64_t json = value_uint(value_getz(v, "json")), reads = value_uint(value_getz(v, "reads"));
    int64_t kind = rc ? 0 : value_int(value_getz(v, "kind"));
    *ret_last = !rc && value_bool(value_getz(v, "last"));
    if (!rc && fd < 0) {
        if (kind_is_plausible(kind))
            (void)err_set(ret_told, (int)kind, "%.*s", STR_FMT(value_str(value_getz(v, "text"))));
        else
            rc = err_set(err, ERR_INVALID, "jail: an answer without content");
    } else if (!rc) {
        struct jail_answer *ans = calloc(1, sizeof(*ans));
        if (!ans)
            abort();
        if (json > JAIL_RESULT_MAX || reads > JAIL_RESULT_MAX)
            rc = err_set(err, ERR_INVALID, "jail: an answer that is too large");
        if (!rc)
            rc = sealed_map(fd, json + reads, JAIL_RESULT_MAX, &ans->map, err);
        if (rc) {
            free(ans);
        } else {
            ans->map_bytes = json + reads;
            ans->json = str_mem(ans->map, json);
            ans->reads = str_mem((const char *)ans->map + json, reads);
            *ret = ans;
        }
    }
    arena_done(&a);
    return rc;
}

static void worker_rests(struct worker *w)
{
    timer_stop(&w->deadline);
    w->job = NULL;
    timer_arm_in(&w->idle, w->jail->options.idle_us);
}

/* ---- files for a worker that opens nothing ---- */

struct jail_file *jail_file_new(void)
{
    struct jail_file *f = calloc(1, sizeof(*f));
    if (!f)
        abort();
    arena_init(&f->arena, JAIL_RESULT_MAX);
    return f;
}

void jail_file_free(void *arg)
{
    struct jail_file *f = arg;
    arena_done(&f->arena);
    free(f);
}

static int send_file(const struct worker *w, str bytes, struct err *err)
{
    char text[32];
    int fd = -1, n = snprintf(text, sizeof(text), "=%zu", bytes.len);
    int rc = bytes.len ? sealed_file("file", &bytes, 1, &fd, err) : 0;
    if (!rc)
        rc = frame_send(w->watch->fd, str_mem(text, (size_t)n), fd, err);
    if (fd >= 0)
        close(fd);
    return rc;
}

static void file_answered(void *arg, struct answer *a)
{
    struct worker *w = arg;
    struct err err;
    char text[ERR_TEXT_MAX + 32];
    int n, rc;
    w->asking = (struct call){0};
    if (a->rc) {
        n = snprintf(text, sizeof(text), "!%d %s", a->err.kind, a->err.text);
        rc = frame_send(w->watch->fd, str_mem(text, (size_t)n), -1, &err);
    } else {
        rc = send_file(w, ((const struct jail_file *)a->result)->bytes, &err);
    }
    if (rc)
        worker_end(w, ERR_UNAVAILABLE, "the render worker ended unexpectedly");
}

/* One question at a time: a second one before the answer is no question of our code. */
static bool worker_asks(struct worker *w, str question)
{
    if (!w->jail->options.no_landlock || !w->job->files.ask || w->asking.gen)
        return false;
    if (!call_wanted(w->job->asker)) { /* whoever would answer is gone */
        worker_end(w, ERR_CANCELED, "nobody waits for it");
        return true;
    }
    w->asking = call_open(w->jail->loop, 0, file_answered, w);
    w->job->files.ask(w->job->files.arg, question, w->asking);
    return true;
}

/* ---- what workers say ---- */

static void worker_spoke(void *arg)
{
    struct worker *w = arg;
    struct jail *j = w->jail;
    struct err err, told = {0};
    struct jail_answer *answer = NULL;
    bool last = false;
    size_t len;
    int fd;
    int rc = frame_receive(w->watch->fd, j->frame, &len, &fd, &err);
    if (rc == -ERR_BUSY)
        return;
    if (!rc && len == 0) {
        worker_end(w, ERR_UNAVAILABLE, "the render worker ended unexpectedly");
        return;
    }
    if (!rc && !w->job)
        rc = err_set(&err, ERR_INVALID, "jail: an answer nobody asked for");
    if (!rc && fd < 0 && j->frame[0] == '?' && worker_asks(w, str_mem(j->frame + 1, len - 1)))
        return;
    if (!rc)
        rc = read_answer(str_mem(j->frame, len), fd, &answer, &told, &last, &err);
    if (fd >= 0)
        close(fd);
    if (rc) {
        worker_end(w, ERR_UNAVAILABLE, "the render worker answered nonsense and was stopped");
        return;
    }
    struct jail_job *job = w->job;
    worker_rests(w);
    if (last) {
        worker_kill(w);
        worker_free(w);
    }
    if (answer)
        call_answer_ok(job->asker, answer, jail_answer_free);
    else
        call_answer_err(job->asker, &told);
    job_free(job);
    advance(j);
}

/* ---- the zygote's answers ---- */

static void zygote_spoke(void *arg);

static int zygote_watch(struct jail *j, struct err *err)
{
    int rc = j->zygote > 0 ? 0 : zygote_start(j, err);
    if (rc)
        return rc;
    j->zygote_at = loop_now(j->loop);
    j->watch = watch_open(j->loop, j->socket, zygote_spoke, j);
    j->socket = -1;
    return 0;
}

/* Nothing but a fault or somebody's kill ends it. Its workers went with it; another one takes over.
 */
static void zygote_gone(struct jail *j)
{
    watch_close(TAKE(j->watch));
    zygote_reap(j);
    j->n_starting = 0;
    j->burying = true;
    while (j->workers)
        worker_end(j->workers, ERR_UNAVAILABLE, "the render zygote ended unexpectedly");
    j->burying = false;
    advance(j);
}

static void zygote_spoke(void *arg)
{
    struct jail *j = arg;
    struct err err;
    size_t len;
    int fd;
    int rc = frame_receive(j->watch->fd, j->frame, &len, &fd, &err);
    if (rc == -ERR_BUSY)
        return;
    if (rc || len == 0 || j->n_starting == 0) {
        if (!rc && fd >= 0)
            close(fd);
        zygote_gone(j);
        return;
    }
    struct worker *w = j->starting[0];
    memmove(j->starting, j->starting + 1, --j->n_starting * sizeof(*j->starting));
    if (!w) { /* given up before it was born */
        if (fd >= 0) {
            pidfd_send_signal(fd, SIGKILL, NULL, 0);
            close(fd);
        }
        return;
    }
    w->pidfd = fd;
    if (fd < 0)
        worker_end(w, ERR_UNAVAILABLE, "no render worker could be started");
}

/* ---- who does what ---- */

static void start_order(const struct jail *j, const struct jail_job *job, struct buf *out)
{
    buf_addz(out, "{\"folders\":[");
    for (size_t i = 0; i < job->n_folders; i++) {
        buf_addz(out, i ? "," : "");
        json_print_str(job->folder[i], 0, out);
    }
    buf_printf(out, "],\"memory\":%zu,\"opensNothing\":%s}", j->options.memory_max,
               j->options.no_landlock ? "true" : "false");
}

/* Tell the zygote; one that turns out to be dead is replaced, its workers notice by themselves. */
static int order_worker(struct jail *j, str order, int fd, struct err *err)
{
    if (frame_send(j->watch->fd, order, fd, err) == 0)
        return 0;
    watch_close(TAKE(j->watch));
    zygote_reap(j);
    j->n_starting = 0;
    int rc = zygote_watch(j, err);
    return rc ? rc : frame_send(j->watch->fd, order, fd, err);
}

static struct worker *worker_start(struct jail *j, const struct jail_job *job, struct err *err)
{
    int pair[2];
    if (!j->watch && loop_now(j->loop) - j->zygote_at < ZYGOTE_PAUSE) {
        (void)err_set(err, ERR_UNAVAILABLE, "the render zygote ended unexpectedly");
        return NULL;
    }
    if (!j->watch && zygote_watch(j, err))
        return NULL;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
        (void)err_errno(err, errno, "jail: socket");
        return NULL;
    }
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, JAIL_FRAME_MAX);
    start_order(j, job, &b);
    int rc = buf_check(&b, "order to the zygote", err);
    if (!rc)
        rc = order_worker(j, buf_str(&b), pair[1], err);
    close(pair[1]);
    if (rc) {
        close(pair[0]);
        return NULL;
    }
    struct worker *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    w->next = j->workers;
    j->workers = w;
    w->jail = j;
    w->domain = strndup(job->domain.at, job->domain.len);
    w->pidfd = -1;
    timer_init(&w->deadline, j->loop, deadline_passed, w);
    timer_init(&w->idle, j->loop, idle_passed, w);
    w->watch = watch_open(j->loop, pair[0], worker_spoke, w);
    j->starting = realloc(j->starting, (j->n_starting + 1) * sizeof(*j->starting));
    if (!j->starting)
        abort();
    j->starting[j->n_starting++] = w;
    j->n_workers++;
    j->stats.n_started++;
    return w;
}

/* A worker of this domain that has nothing to do; else the one that may be ended in favour of a new
 * one. */
static struct worker *find_idle(struct jail *j, str domain, struct worker **ret_other)
{
    *ret_other = NULL;
    for (struct worker *w = j->workers; w; w = w->next) {
        if (w->job)
            continue;
        if (str_eq(str_of(w->domain), domain))
            return w;
        *ret_other = w; /* the last in the list is the oldest */
    }
    return NULL;
}

static void give(struct worker *w, struct jail_job *job)
{
    struct err err;
    timer_stop(&w->idle);
    w->job = job;
    w->jail->stats.n_jobs++;
    if (frame_send(w->watch->fd, job->frame, job->block_fd, &err)) {
        worker_end(w, ERR_UNAVAILABLE, "the render worker ended unexpectedly");
        return;
    }
    timer_arm_in(&w->deadline, job->timeout_us);
}

static struct worker *worker_for(struct jail *j, const struct jail_job *job, bool *ret_wait,
                                 struct err *err)
{
    struct worker *other, *w = find_idle(j, job->domain, &other);
    *ret_wait = false;
    if (w)
        return w;
    if (j->n_workers >= j->options.workers_max) {
        if (!other) {
            *ret_wait = true;
            return NULL;
        }
        idle_passed(other);
    }
    return worker_start(j, job, err);
}

/* In order of asking: the first job takes a free worker of its domain, a new one, or waits. */
static void advance(struct jail *j)
{
    struct err err;
    bool wait = false;
    while (j->queue && !wait && !j->burying) {
        struct jail_job *job = j->queue;
        struct worker *w = worker_for(j, job, &wait, &err);
        if (wait)
            break;
        j->queue = job->next;
        if (!j->queue)
            j->queue_end = &j->queue;
        j->n_queue--;
        if (w)
            give(w, job);
        else
            job_error(job, err.kind, err.text);
    }
}

void jail_run(struct jail *j, const struct jail_order *o, struct call c)
{
    struct jail_job *job = calloc(1, sizeof(*job));
    if (!job)
        abort();
    arena_init(&job->arena, (size_t)1 << 20);
    job->asker = c;
    job->block_fd = -1;
    struct err err;
    if (!j->loop || o->n_folders > JAIL_FOLDERS_MAX || o->frame.len > JAIL_FRAME_MAX ||
        j->n_queue >= JOBS_MAX) {
        job_error(job, ERR_BUSY,
                  j->loop ? "too many renderings are waiting" : "jail: no loop is attached");
        return;
    }
    job->domain = arena_str(&job->arena, o->domain);
    job->frame = arena_str(&job->arena, o->frame);
    job->folder = ARENA_ARRAY(&job->arena, str, o->n_folders + 1);
    for (; job->n_folders < o->n_folders; job->n_folders++)
        job->folder[job->n_folders] = arena_str(&job->arena, o->folder[job->n_folders]);
    job->timeout_us = o->timeout_us;
    job->files = o->files;
    if (o->n_block && sealed_file("block", o->block, o->n_block, &job->block_fd, &err)) {
        job_error(job, err.kind, err.text);
        return;
    }
    *j->queue_end = job;
    j->queue_end = &job->next;
    j->n_queue++;
    advance(j);
}

/* ---- opening on a loop, closing ---- */

int jail_attach(struct jail *j, struct loop *l, struct err *err)
{
    if (!loop_uv(l))
        return err_set(err, ERR_UNSUPPORTED, "jail: workers need a loop with sockets");
    j->loop = l;
    return zygote_watch(j, err);
}

void jail_close(struct jail *j)
{
    if (!j)
        return;
    while (j->queue) {
        struct jail_job *job = j->queue;
        j->queue = job->next;
        job_error(job, ERR_CANCELED, "shutting down");
    }
    while (j->workers) {
        struct worker *w = j->workers;
        struct jail_job *job = TAKE(w->job);
        worker_kill(w);
        worker_free(w);
        if (job)
            job_error(job, ERR_CANCELED, "shutting down");
    }
    watch_close(j->watch);
    if (j->socket >= 0)
        close(j->socket);
    /* Its socket closes at the loop's end at the latest; workers not yet known to us die with it.
     */
    zygote_reap(j);
    free(j->exe);
    free(j->starting);
    free(j);
}
