/* git_run.c */
#include "source/git_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Descriptors under which git and its helpers find their inherited files. */
enum { FD_CONFIG = 20, FD_CREDENTIAL, FD_CA, FD_CERT, FD_KEY, FD_END };
#define FD_COUNT (FD_END - FD_CONFIG)

#define ASKER_LOOK_MS 100 /* how often we look whether somebody still waits */

struct run {
    const struct git_run *g;
    struct arena arena;
    int fd[FD_COUNT];            /* memory files, or -1 */
    char *key_file, *hosts_file; /* private files of ssh, or NULL */
    char *env[24];
    size_t n_env;
    const char *argv[GIT_RUN_ARGS_MAX + 8];
    int out[2], complaint[2];
    pid_t pid;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- what git is told ---- */

static int write_all(int fd, str s)
{
    while (s.len) {
        ssize_t n = write(fd, s.at, s.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        s = str_from(s, (size_t)n);
    }
    return 0;
}

/* The child puts each file on its number in turn: none may sit on another's number, nor on its own,
 * where it would stay close-on-exec. */
static int move_above(int *fd, int number)
{
    if (*fd < 0 || *fd >= number)
        return 0;
    int up = fcntl(*fd, F_DUPFD_CLOEXEC, number);
    if (up < 0)
        return -1;
    close(*fd);
    *fd = up;
    return 0;
}

static int memory_file(struct run *r, int number, str text, struct err *err)
{
    int fd = memfd_create("git", MFD_CLOEXEC);
    if (fd < 0 || move_above(&fd, FD_END) || write_all(fd, text)) {
        int e = errno;
        close_fd(&fd);
        return err_errno(err, e, "memory file for git");
    }
    r->fd[number - FD_CONFIG] = fd;
    return 0;
}

static int private_file(struct run *r, str text, char **ret, struct err *err)
{
    char *path = arena_cstr(&r->arena, ARENA_CAT(&r->arena, r->g->private_dir, STR("/XXXXXX")));
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "private file in %.*s", STR_FMT(r->g->private_dir));
    *ret = path;
    int rc = write_all(fd, text) ? err_errno(err, errno, "private file %s", path) : 0;
    close(fd);
    return rc;
}

/* A value in a git config file: quoted, with the escapes git-config(1) names. */
static void add_config(struct buf *b, const char *key, str text)
{
    buf_printf(b, "\t%s = \"", key);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '\n' || c == '\r' || c == 0)
            continue; /* none of these values has lines; a forged one must not make its own keys */
        if (c == '"' || c == '\\')
            buf_addc(b, '\\');
        buf_addc(b, c);
    }
    buf_addz(b, "\"\n");
}

static int config_tls(struct run *r, struct buf *b, struct err *err)
{
    static const struct {
        int number;
        size_t at;
        const char *key, *path;
    } rows[] = {
        {FD_CA, offsetof(struct source_repo, ca_pem), "sslCAInfo", "/proc/self/fd/22"},
        {FD_CERT, offsetof(struct source_repo, tls_client_cert), "sslCert", "/proc/self/fd/23"},
        {FD_KEY, offsetof(struct source_repo, tls_client_key), "sslKey", "/proc/self/fd/24"},
    };
    const struct source_repo *repo = r->g->repo;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str text = *(const str *)((const char *)repo + rows[i].at);
        if (text.len == 0)
            continue;
        int rc = memory_file(r, rows[i].number, text, err);
        if (rc)
            return rc;
        add_config(b, rows[i].key, str_of(rows[i].path));
    }
    if (repo->insecure)
        add_config(b, "sslVerify", STR("false"));
    return 0;
}

static int config_http(struct run *r, struct buf *b, str user, str password, struct err *err)
{
    const struct source_repo *repo = r->g->repo;
    buf_addz(b, "[http]\n");
    add_config(b, "followRedirects", STR("initial"));
    int rc = config_tls(r, b, err);
    if (rc)
        return rc;
    if (repo->proxy.len)
        add_config(b, "proxy", repo->proxy);
    if (repo->bearer_token.len)
        add_config(b, "extraHeader",
                   ARENA_CAT(&r->arena, STR("Authorization: Bearer "), repo->bearer_token));
    if (repo->force_basic_auth && password.len)
        add_config(b, "extraHeader",
                   ARENA_CAT(&r->arena, STR("Authorization: Basic "),
                             base64_str(&r->arena,
                                        ARENA_CAT(&r->arena, user, STR(":"), password))));
    return 0;
}

static bool has_line_end(str s)
{
    return s.len && (memchr(s.at, '\n', s.len) || memchr(s.at, 0, s.len));
}

static int configure(struct run *r, str user, str password, struct err *err)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT, credential = BUF_INIT;
    buf_addz(&b, "[safe]\n\tdirectory = *\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n"
                 "[protocol]\n\tversion = 2\n[core]\n\thooksPath = /dev/null\n");
    int rc = config_http(r, &b, user, password, err);
    if (!rc && (user.len || password.len)) {
        if (has_line_end(user) || has_line_end(password))
            return err_set(err, ERR_INVALID, "user name or password holds a line end");
        buf_printf(&credential, "username=%.*s\npassword=%.*s\n", STR_FMT(user), STR_FMT(password));
        buf_addz(&b, "[credential]\n\thelper = \"!f() { cat /proc/self/fd/21; }; f\"\n");
        rc = memory_file(r, FD_CREDENTIAL, buf_str(&credential), err);
        memset(credential.at, 0, credential.len);
    }
    return rc ? rc : memory_file(r, FD_CONFIG, buf_str(&b), err);
}

/* For GIT_SSH_COMMAND, which a shell reads. */
static int ssh_command(struct run *r, str *ret, struct err *err)
{
    const struct source_repo *repo = r->g->repo;
    int rc = 0;
    if (repo->ssh_private_key.len) {
        /* A key that lost its last line end is a common paste error; ssh refuses it. */
        str key = repo->ssh_private_key;
        if (!str_ends(key, STR("\n")))
            key = ARENA_CAT(&r->arena, key, STR("\n"));
        rc = private_file(r, key, &r->key_file, err);
    }
    if (!rc && !repo->insecure)
        rc = private_file(r, repo->ssh_known_hosts, &r->hosts_file, err);
    if (rc)
        return rc;
    *ret =
        arena_printf(&r->arena, "ssh -F /dev/null -o BatchMode=yes -o ConnectTimeout=15%s%s%s%s",
                     r->key_file ? " -o IdentitiesOnly=yes -i " : "",
                     r->key_file ? r->key_file : "",
                     repo->insecure ? " -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
                                    : " -o StrictHostKeyChecking=yes -o UserKnownHostsFile=",
                     repo->insecure ? "" : r->hosts_file);
    return 0;
}

static void env_add(struct run *r, const char *name, str text)
{
    r->env[r->n_env++] = arena_cstr(&r->arena, ARENA_CAT(&r->arena, str_of(name), STR("="), text));
}

static int environment(struct run *r, struct err *err)
{
    str ssh;
    int rc = ssh_command(r, &ssh, err);
    if (rc)
        return rc;
    env_add(r, "PATH", STR("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
    env_add(r, "HOME", r->g->private_dir);
    env_add(r, "LC_ALL", STR("C"));
    env_add(r, "GIT_CONFIG_NOSYSTEM", STR("1"));
    env_add(r, "GIT_CONFIG_GLOBAL", STR("/proc/self/fd/20"));
    env_add(r, "GIT_TERMINAL_PROMPT", STR("0"));
    env_add(r, "GIT_ALLOW_PROTOCOL", STR("file:http:https:ssh:git"));
    env_add(r, "GIT_SSH_COMMAND", ssh);
    env_add(r, "GIT_SSH_VARIANT", STR("ssh"));
    if (r->g->repo->no_proxy.len)
        env_add(r, "NO_PROXY", r->g->repo->no_proxy);
    return 0;
}

/* ---- running ---- */

static NORETURN void child(const struct run *r)
{
    /* Between vfork and exec: system calls only. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGCHLD, SIG_DFL); /* ignored, it would hide the end of git's own children from git */
    int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(r->out[1], 1);
    dup2(r->complaint[1], 2);
    for (int i = 0; i < FD_COUNT; i++)
        if (r->fd[i] >= 0)
            dup2(r->fd[i], FD_CONFIG + i);
    execve(r->argv[0], (char *const *)(uintptr_t)r->argv, r->env);
    _exit(127);
}

static __attribute__((noinline)) pid_t spawn(const struct run *r)
{
    pid_t pid = vfork();
    if (pid == 0)
        child(r);
    return pid;
}

/* Take what the pipe holds; false at its end. */
static bool drain(int fd, struct buf *b, bool *ret_overflow)
{
    char chunk[65536];
    ssize_t n = read(fd, chunk, sizeof(chunk));
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    buf_add(b, str_mem(chunk, (size_t)n));
    *ret_overflow |= b->overflow;
    return n > 0;
}

/* Until both pipes are at their end and the process is gone. */
static int attend(struct run *r, int pidfd, struct buf *out, struct buf *complaint, struct err *err)
{
    usec deadline = time_monotonic_now() + r->g->timeout_us;
    struct pollfd p[3] = {{r->out[0], POLLIN, 0}, {r->complaint[0], POLLIN, 0}, {pidfd, POLLIN, 0}};
    bool too_much = false, ignored = false;
    while (p[2].fd >= 0 || p[0].fd >= 0) {
        usec left = deadline - time_monotonic_now();
        if (left <= 0)
            return err_set(err, ERR_TIMEOUT, "git did not finish within %s",
                           arena_cstr(&r->arena, duration_str(&r->arena, r->g->timeout_us)));
        if (r->g->asker.gen && !call_wanted(r->g->asker))
            return err_set(err, ERR_CANCELED, "nobody waits for git any more");
        if (poll(p, 3, (int)MIN_OF(left / USEC_PER_MS + 1, ASKER_LOOK_MS)) < 0 && errno != EINTR)
            return err_errno(err, errno, "waiting for git");
        if (p[0].revents && !drain(p[0].fd, out, &too_much))
            p[0].fd = -1;
        if (p[1].revents && !drain(p[1].fd, complaint, &ignored))
            p[1].fd = -1;
        if (p[2].revents)
            p[2].fd = -1;
        if (too_much)
            return err_set(err, ERR_TOO_LARGE, "git printed more than %zu bytes", out->bytes_max);
    }
    if (p[1].fd >= 0) /* a daemonised grandchild may hold it open: take what is there */
        drain(p[1].fd, complaint, &ignored);
    return 0;
}

static int start_and_attend(struct run *r, struct buf *out, struct buf *complaint, int *ret_exit,
                            struct err *err)
{
    if (pipe2(r->out, O_CLOEXEC | O_NONBLOCK) || pipe2(r->complaint, O_CLOEXEC | O_NONBLOCK))
        return err_errno(err, errno, "pipe");
    /* The child's ends block, as programs expect. */
    fcntl(r->out[1], F_SETFL, 0);
    fcntl(r->complaint[1], F_SETFL, 0);
    r->pid = spawn(r);
    if (r->pid < 0)
        return err_errno(err, errno, "starting git");
    close_fd(&r->out[1]);
    close_fd(&r->complaint[1]);
    CLEANUP(close_fd) int pidfd = pidfd_open(r->pid, 0);
    int rc =
        pidfd < 0 ? err_errno(err, errno, "pidfd of git") : attend(r, pidfd, out, complaint, err);
    if (rc)
        kill(-r->pid, SIGKILL);
    int status = 0;
    while (waitpid(r->pid, &status, 0) < 0) {
        if (errno != EINTR) /* somebody else took it: nothing is known of its end */
            return rc ? rc : err_errno(err, errno, "waiting for git");
    }
    *ret_exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return rc;
}

static const char *find_program(struct run *r)
{
    static const char *const folders[] = {"/usr/bin/", "/usr/local/bin/", "/bin/"};
    str git = r->g->git.len ? r->g->git : STR("git");
    if (str_find_char(git, '/') >= 0)
        return arena_cstr(&r->arena, git);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        char *path = arena_cstr(&r->arena, ARENA_CAT(&r->arena, str_of(folders[i]), git));
        if (access(path, X_OK) == 0)
            return path;
    }
    return NULL;
}

static void arguments(struct run *r)
{
    size_t n = 1;
    if (r->g->repo_dir.len)
        r->argv[n++] =
            arena_cstr(&r->arena, ARENA_CAT(&r->arena, STR("--git-dir="), r->g->repo_dir));
    for (size_t i = 0; i < GIT_RUN_ARGS_MAX && r->g->arg[i]; i++)
        r->argv[n++] = r->g->arg[i];
    r->argv[n] = NULL;
}

static int prepare(struct run *r, struct err *err)
{
    const struct source_repo *repo = r->g->repo;
    if (repo->unsupported.len)
        return err_set(err, ERR_UNSUPPORTED, "repository option %.*s is not supported",
                       STR_FMT(repo->unsupported));
    char *url;
    str user = repo->username, password = repo->password, in_url_user = STR(""),
        in_url_password = STR("");
    int rc = git_url(repo->url, &r->arena, &url, &in_url_user, &in_url_password, err);
    if (rc)
        return rc;
    if (user.len == 0 && password.len == 0) {
        user = in_url_user;
        password = in_url_password;
    }
    rc = configure(r, user, password, err);
    if (!rc)
        rc = environment(r, err);
    if (rc)
        return rc;
    arguments(r);
    r->argv[0] = find_program(r);
    return r->argv[0] ? 0 : err_set(err, ERR_IO, "the program git is not installed");
}

static void clean_up(struct run *r)
{
    for (int i = 0; i < FD_COUNT; i++)
        close_fd(&r->fd[i]);
    for (int i = 0; i < 2; i++) {
        close_fd(&r->out[i]);
        close_fd(&r->complaint[i]);
    }
    if (r->key_file)
        unlink(r->key_file);
    if (r->hosts_file)
        unlink(r->hosts_file);
    arena_done(&r->arena);
}

int git_run(const struct git_run *g, struct buf *out, struct buf *complaint, int *ret_exit,
            struct err *err)
{
    struct run r = {.g = g, .out = {-1, -1}, .complaint = {-1, -1}};
    for (int i = 0; i < FD_COUNT; i++)
        r.fd[i] = -1;
    arena_init(&r.arena, (size_t)64 << 20);
    int rc = prepare(&r, err);
    if (!rc)
        rc = start_and_attend(&r, out, complaint, ret_exit, err);
    clean_up(&r);
    return rc;
}
