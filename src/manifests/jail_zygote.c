/* jail_zygote.c: the process that forks workers: single-threaded, empty environment, no key, no
 * tenant's byte. It reads only orders of its parent:
 * {"folders":[..],"memory":N,"opensNothing":bool} with the worker's socket; it answers {"pid":N}
 * with a pidfd. */
#include <fcntl.h>
#include <git2.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "manifests/jail_frame.h"
#include "manifests/jail_worker.h"
#include "manifests/jail_zygote.h"
#include "value/json.h"

struct zygote {
    int socket;
    worker_fn *fn;
    char frame[JAIL_FRAME_MAX];
};

static NORETURN void be_worker(struct zygote *z, int socket, value order, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    close(z->socket);
    prctl(PR_SET_NAME, "tiphys-render");
    signal(SIGCHLD, SIG_DFL);
    value list = value_getz(order, "folders");
    str folder[JAIL_FOLDERS_MAX];
    size_t n = 0;
    for (; n < value_len(list) && n < JAIL_FOLDERS_MAX; n++)
        folder[n] = value_str(value_at(list, n));
    worker_main(&(struct worker_start){
        .socket = socket,
        .folder = folder,
        .n_folders = n,
        .memory_max = (size_t)value_uint(value_getz(order, "memory")),
        .opens_nothing = value_bool(value_getz(order, "opensNothing")),
        .fn = z->fn,
    });
}

static void fork_worker(struct zygote *z, str text, int socket)
{
    struct arena a;
    struct err err;
    value order;
    arena_init(&a, (size_t)16 << 20);
    char answer[128];
    int pidfd = -1, n = snprintf(answer, sizeof(answer), "{\"pid\":0}");
    if (socket >= 0 && json_parse(text, NULL, &a, &order, &err) == 0) {
        pid_t self = getpid(), pid = fork();
        if (pid == 0)
            be_worker(z, socket, order, self);
        if (pid > 0)
            pidfd = pidfd_open(pid, 0);
        n = snprintf(answer, sizeof(answer), "{\"pid\":%d}", pidfd < 0 ? 0 : (int)pid);
    }
    if (frame_send(z->socket, str_mem(answer, (size_t)n), pidfd, &err))
        _exit(0);
    if (pidfd >= 0)
        close(pidfd);
    arena_done(&a);
}

int zygote_serve(int socket, worker_fn *fn)
{
    struct zygote *z = calloc(1, sizeof(*z));
    if (!z)
        return 1;
    z->socket = socket;
    z->fn = fn;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "tiphys-zygote");
    signal(SIGCHLD, SIG_IGN); /* children leave no zombies */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* a Ctrl-C is for the parent, whose end is ours */
    signal(SIGTERM, SIG_IGN);
    git_libgit2_init(); /* static tables, once for all workers */
    /* A pack's objects were hashed when it arrived; as git, do not hash each one again that is
     * read. */
    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
    for (;;) {
        struct err err;
        size_t len;
        int fd;
        if (frame_receive(socket, z->frame, &len, &fd, &err) || len == 0)
            break;
        fork_worker(z, str_mem(z->frame, len), fd);
        if (fd >= 0)
            close(fd);
    }
    free(z);
    return 0;
}

int render_zygote_main(int socket)
{
    close_range(3, (unsigned)socket - 1, 0);
    close_range((unsigned)socket + 1, ~0U, 0);
    fcntl(socket, F_SETFD, FD_CLOEXEC);
    return zygote_serve(socket, worker_render);
}
