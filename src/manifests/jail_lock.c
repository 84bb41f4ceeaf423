/* jail_lock.c: Landlock, seccomp, rlimits. The filter is a list of what is allowed; everything else
 * fails with EPERM, which ends badly for whoever tries and harmlessly for a library that only asks.
 */
#include "manifests/jail_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of Debian 12. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

int jail_landlock_version(void)
{
    long v = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return v > 0 ? (int)v : 0;
}

/* A sanitizer's shadow memory counts as data: its builds go without that limit. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DATA_MAX(bytes) RLIM_INFINITY
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DATA_MAX(bytes) RLIM_INFINITY
#endif
#endif
#ifndef DATA_MAX
#define DATA_MAX(bytes) (bytes)
#endif

static int limit(const struct jail_limits *l, struct err *err)
{
    const struct {
        int resource;
        rlim_t max;
    } rows[] = {
        {RLIMIT_CORE, 0},
        {RLIMIT_NOFILE, 256},
        {RLIMIT_FSIZE, l->file_bytes_max},
        {RLIMIT_DATA, DATA_MAX(l->memory_max)},
        {RLIMIT_MEMLOCK, 0},
        {RLIMIT_MSGQUEUE, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rlimit r = {rows[i].max, rows[i].max};
        if (setrlimit((__rlimit_resource_t)rows[i].resource, &r))
            return err_errno(err, errno, "jail: setting limit %d", rows[i].resource);
    }
    return 0;
}

static int drop_capabilities(struct err *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
        syscall(SYS_capset, &head, none))
        return err_errno(err, errno, "jail: dropping privileges");
    return 0;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static uint64_t rights_of_version(int version)
{
    static const struct {
        int since;
        uint64_t rights;
    } rows[] = {
        {1, (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1},
        {2, LANDLOCK_ACCESS_FS_REFER},
        {3, LANDLOCK_ACCESS_FS_TRUNCATE},
        {5, LANDLOCK_ACCESS_FS_IOCTL_DEV},
    };
    uint64_t rights = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (version >= rows[i].since)
            rights |= rows[i].rights;
    return rights;
}

static int landlock(const str *folder, size_t n_folders, struct err *err)
{
    int version = jail_landlock_version();
    if (!version)
        return err_set(err, ERR_UNSUPPORTED, "jail: the kernel has no Landlock");
    struct landlock_ruleset_attr rules = {.handled_access_fs = rights_of_version(version)};
    CLEANUP(close_fd) int set = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
    if (set < 0)
        return err_errno(err, errno, "jail: Landlock");
    for (size_t i = 0; i < n_folders; i++) {
        char z[PATH_MAX];
        if (folder[i].len >= sizeof(z))
            return err_set(err, ERR_INVALID, "jail: a folder's path is too long");
        memcpy(z, folder[i].at, folder[i].len);
        z[folder[i].len] = 0;
        CLEANUP(close_fd) int fd = open(z, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct landlock_path_beneath_attr beneath = {.allowed_access =
                                                         LANDLOCK_ACCESS_FS_READ_FILE |
                                                         LANDLOCK_ACCESS_FS_READ_DIR,
                                                     .parent_fd = fd};
        if (fd < 0 || syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0))
            return err_errno(err, errno, "jail: folder %s", z);
    }
    if (syscall(SYS_landlock_restrict_self, set, 0))
        return err_errno(err, errno, "jail: Landlock");
    return 0;
}

/* ---- system calls ---- */

static const int allowed[] = {
    SCMP_SYS(read),           SCMP_SYS(pread64),
    SCMP_SYS(readv),          SCMP_SYS(write),
    SCMP_SYS(writev),         SCMP_SYS(lseek),
    SCMP_SYS(close),          SCMP_SYS(fstat),
    SCMP_SYS(munmap),         SCMP_SYS(mremap),
    SCMP_SYS(madvise),        SCMP_SYS(brk),
    SCMP_SYS(recvmsg),        SCMP_SYS(sendmsg),
    SCMP_SYS(poll),           SCMP_SYS(ppoll),
    SCMP_SYS(memfd_create),   SCMP_SYS(ftruncate),
    SCMP_SYS(futex),          SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),   SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),      SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction),
    SCMP_SYS(sigaltstack),    SCMP_SYS(exit),
    SCMP_SYS(exit_group),     SCMP_SYS(getpid),
    SCMP_SYS(gettid),         SCMP_SYS(restart_syscall),
    SCMP_SYS(sched_yield),    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(getuid),         SCMP_SYS(geteuid),
    SCMP_SYS(getgid),         SCMP_SYS(getegid),
};

/* Calls that name a file: only behind Landlock. */
static const int allowed_on_files[] = {
    SCMP_SYS(newfstatat), SCMP_SYS(stat),       SCMP_SYS(lstat),     SCMP_SYS(statx),
    SCMP_SYS(getdents64), SCMP_SYS(access),     SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),   SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
};

/* glibc's __O_TMPFILE holds O_DIRECTORY as well, which must stay allowed. */
#define OPEN_TMPFILE_BIT (__O_TMPFILE & ~O_DIRECTORY)
#define OPEN_FORBIDDEN (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND | OPEN_TMPFILE_BIT)

/* Calls that are allowed with some arguments only: `arg` masked must equal `value`. */
struct conditional {
    int call;
    unsigned arg;
    uint64_t mask, value;
};
static const struct conditional conditional_on_files[] = {
    {SCMP_SYS(openat), 2, OPEN_FORBIDDEN, 0},
    {SCMP_SYS(open), 1, OPEN_FORBIDDEN, 0},
};
static const struct conditional conditional[] = {
    {SCMP_SYS(mmap), 2, PROT_EXEC, 0},
    {SCMP_SYS(mprotect), 2, PROT_EXEC, 0},
    {SCMP_SYS(fcntl), 1, 0xffffffff, F_GETFD},
    {SCMP_SYS(fcntl), 1, 0xffffffff, F_SETFD},
    {SCMP_SYS(fcntl), 1, 0xffffffff, F_GETFL},
    {SCMP_SYS(fcntl), 1, 0xffffffff, F_ADD_SEALS},
    {SCMP_SYS(fcntl), 1, 0xffffffff, F_GET_SEALS},
};

static void release(scmp_filter_ctx *f)
{
    if (*f)
        seccomp_release(*f);
}

static int allow(scmp_filter_ctx f, const int *call, size_t n, const struct conditional *c,
                 size_t n_conditional)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, call[i], 0);
    for (size_t i = 0; !rc && i < n_conditional; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, c[i].call, 1,
                              SCMP_CMP(c[i].arg, SCMP_CMP_MASKED_EQ, c[i].mask, c[i].value));
    return rc;
}

static int filter(bool opens_nothing, struct err *err)
{
    CLEANUP(release) scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int rc = f ? 0 : -ENOMEM;
    /* A call by another ABI (32 bit, x32) would pass numbers of another table. */
    if (!rc)
        rc = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (!rc)
        rc = allow(f, allowed, ARRAY_LEN(allowed), conditional, ARRAY_LEN(conditional));
    if (!rc && !opens_nothing)
        rc = allow(f, allowed_on_files, ARRAY_LEN(allowed_on_files), conditional_on_files,
                   ARRAY_LEN(conditional_on_files));
    if (!rc)
        rc = seccomp_load(f);
    return rc ? err_errno(err, -rc, "jail: system call filter") : 0;
}

int jail_lock(const str *folder, size_t n_folders, const struct jail_limits *l, struct err *err)
{
    int rc = limit(l, err);
    if (!rc)
        rc = drop_capabilities(err);
    if (!rc && !l->opens_nothing)
        rc = landlock(folder, n_folders, err);
    return rc ? rc : filter(l->opens_nothing, err);
}
