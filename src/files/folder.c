/* folder.c: a folder of this machine as a file tree. Every path is opened beneath the root's
 * descriptor with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS, so a folder that is swapped for a link
 * meanwhile is refused by the kernel. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files/files.h"
#include "files/read_set.h"

struct folder {
    struct files files;
    int root;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static int open_beneath(struct files *f, str path, int flags)
{
    char z[FILES_PATH_MAX];
    if (path.len >= sizeof(z)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(z, path.len ? path.at : ".", path.len ? path.len : 1);
    z[path.len ? path.len : 1] = 0;
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, CONTAINER_OF(f, struct folder, files)->root, z, &how,
                        sizeof(how));
}

static enum file_kind kind_of_mode(mode_t mode)
{
    if (S_ISREG(mode))
        return mode & S_IXUSR ? FILE_EXECUTABLE : FILE_REGULAR;
    if (S_ISDIR(mode))
        return FILE_FOLDER;
    return S_ISLNK(mode) ? FILE_LINK : FILE_OTHER;
}

static int read_all(int fd, str path, size_t bytes_max, struct arena *a, str *ret, struct err *err)
{
    size_t cap = 8192, len = 0;
    char *at = arena_alloc(a, cap);
    for (;;) {
        ssize_t n = read(fd, at + len, cap - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, errno, "%.*s", STR_FMT(path));
        len += (size_t)n;
        if (len > bytes_max)
            return err_set(err, ERR_TOO_LARGE, "%.*s: file is larger than %zu bytes", STR_FMT(path),
                           bytes_max);
        if (n == 0)
            break;
        if (len == cap) {
            at = arena_grow(a, at, cap, cap * 2);
            cap *= 2;
        }
    }
    *ret = str_mem(at, len);
    return 0;
}

static int folder_read(struct files *f, str path, size_t bytes_max, struct arena *a, str *ret,
                       struct err *err)
{
    /* NONBLOCK: a fifo put in the file's place must not hang us. */
    CLEANUP(close_fd) int fd = open_beneath(f, path, O_RDONLY | O_NONBLOCK);
    if (fd < 0)
        return err_errno(err, errno, "%.*s", STR_FMT(path));
    return read_all(fd, path, bytes_max, a, ret, err);
}

static int folder_link(struct files *f, str path, struct arena *a, str *ret, struct err *err)
{
    CLEANUP(close_fd) int fd = open_beneath(f, path, O_PATH);
    char target[FILES_PATH_MAX];
    ssize_t n = fd < 0 ? -1 : readlinkat(fd, "", target, sizeof(target));
    if (n < 0)
        return err_errno(err, errno, "%.*s", STR_FMT(path));
    if ((size_t)n == sizeof(target))
        return err_set(err, ERR_TOO_LARGE, "%.*s: link target is too long", STR_FMT(path));
    *ret = arena_str(a, str_mem(target, (size_t)n));
    return 0;
}

/* A folder of this machine has no object ids: content is hashed when it is asked about. */
static int identify(struct files *f, str path, struct file_entry *e, struct err *err)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    str bytes = STR("");
    int rc = 0;
    if (file_kind_is_regular(e->kind))
        rc = folder_read(f, path, FILES_BYTES_DEFAULT, &a, &bytes, err);
    else if (e->kind == FILE_LINK)
        rc = folder_link(f, path, &a, &bytes, err);
    if (!rc && e->kind != FILE_FOLDER && e->kind != FILE_OTHER)
        e->id = read_id_of_bytes(bytes);
    arena_done(&a);
    return rc;
}

static int folder_stat(struct files *f, str path, struct file_entry *ret, struct err *err)
{
    struct file_entry e = {.kind = FILE_MISSING};
    struct stat st;
    CLEANUP(close_fd) int fd = open_beneath(f, path, O_PATH);
    /* ELOOP: a link among the parts but the last; the walk in files.c takes that path step by step.
     */
    if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
        return err_errno(err, errno, "%.*s", STR_FMT(path));
    if (fd >= 0) {
        if (fstat(fd, &st))
            return err_errno(err, errno, "%.*s", STR_FMT(path));
        e.kind = kind_of_mode(st.st_mode);
        int rc = identify(f, path, &e, err);
        if (rc)
            return rc;
    }
    *ret = e;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct file_entry *x = a, *y = b;
    return str_cmp(x->name, y->name);
}

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

static int folder_list(struct files *f, str path, struct arena *a, struct file_list *ret,
                       struct err *err)
{
    int fd = open_beneath(f, path, O_RDONLY | O_DIRECTORY);
    CLEANUP(close_dir) DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d)
        return err_errno(err, errno, "%.*s", STR_FMT(path));
    struct dirent *e;
    while (errno = 0, (e = readdir(d))) {
        struct stat st;
        str name = str_of(e->d_name);
        if (str_is(name, ".") || str_is(name, ".."))
            continue;
        if (ret->n == FILES_FOLDER_ENTRIES_MAX)
            return err_set(err, ERR_TOO_LARGE, "%.*s: folder has more than %d entries",
                           STR_FMT(path), FILES_FOLDER_ENTRIES_MAX);
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            vec_push(a, ret,
                     (struct file_entry){.name = arena_str(a, name),
                                         .kind = kind_of_mode(st.st_mode)});
    }
    if (errno)
        return err_errno(err, errno, "%.*s", STR_FMT(path));
    if (ret->n)
        qsort(ret->at, ret->n, sizeof(*ret->at), by_name);
    return 0;
}

static void folder_close(struct files *f)
{
    struct folder *d = CONTAINER_OF(f, struct folder, files);
    close(d->root);
    free(d);
}

static const struct files_kind folder_kind = {
    .name = "folder",
    .stat = folder_stat,
    .list = folder_list,
    .read = folder_read,
    .link = folder_link,
    .close = folder_close,
};

int files_open_folder(str path, struct files **ret, struct err *err)
{
    char z[FILES_PATH_MAX];
    if (path.len >= sizeof(z))
        return err_set(err, ERR_INVALID, "path is longer than %d bytes", FILES_PATH_MAX);
    memcpy(z, path.at, path.len);
    z[path.len] = 0;
    int root = open(z, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_errno(err, errno, "opening folder %s", z);
    struct folder *d = calloc(1, sizeof(*d));
    if (!d)
        abort();
    d->files.kind = &folder_kind;
    d->root = root;
    *ret = &d->files;
    return 0;
}
