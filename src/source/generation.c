/* generation.c: repository folders that are only ever added to, and replaced as a whole. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "source/store.h"

struct generation *generation_ref(struct generation *g)
{
    g->n++;
    return g;
}

void generation_unref(struct generation *g)
{
    if (!g || --g->n)
        return;
    git_store_unref(g->objects);
    if (g->dropped)
        folder_remove(g->dir);
    free(g->dir);
    free(g->objects_dir);
    free(g);
}

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

static void remove_at(int parent, const char *name, int depth)
{
    if (depth < 32 && unlinkat(parent, name, 0) && (errno == EISDIR || errno == EPERM)) {
        int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        CLEANUP(close_dir) DIR *d = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *e;
        while (d && (e = readdir(d)))
            if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                remove_at(dirfd(d), e->d_name, depth + 1);
        unlinkat(parent, name, AT_REMOVEDIR);
    }
}

void folder_remove(const char *path) { remove_at(AT_FDCWD, path, 0); }

static char *path_of(const char *format, const char *dir, const char *rest)
{
    char path[PATH_MAX];
    struct buf b;
    buf_init(&b, sizeof(path));
    buf_addz(&b, dir);
    buf_addz(&b, "/");
    buf_addz(&b, rest);
    buf_addz(&b, format);
    char *z = strdup(b.at);
    buf_done(&b);
    if (!z)
        abort();
    return z;
}

/* What git needs to take a folder for a repository; written by hand, for `git init` would be one
 * more process. */
static int make_repository(const char *dir, struct err *err)
{
    static const char *const folders[] = {"",           "/objects",      "/refs",
                                          "/refs/keep", "/objects/info", "/objects/pack"};
    static const struct {
        const char *name, *text;
    } files[] = {
        {"/HEAD", "ref: refs/heads/none\n"},
        {"/config", "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"},
    };
    char path[PATH_MAX];
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        snprintf(path, sizeof(path), "%s%s", dir, folders[i]);
        if (mkdir(path, 0700) && errno != EEXIST)
            return err_errno(err, errno, "making folder %s", path);
    }
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(path, sizeof(path), "%s%s", dir, files[i].name);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        size_t len = strlen(files[i].text);
        bool ok =
            fd >= 0 && write(fd, files[i].text, len) == (ssize_t)len && !FAULT("source.write");
        int e = ok ? 0 : errno ? errno : EIO;
        if (fd >= 0)
            close(fd);
        if (e)
            return err_errno(err, e, "writing %s", path);
    }
    return 0;
}

static int open_numbered(str dir, uint64_t number, struct generation **ret, struct err *err)
{
    struct generation *g = calloc(1, sizeof(*g));
    char z[PATH_MAX], name[32];
    if (!g)
        abort();
    snprintf(z, sizeof(z), "%.*s", STR_FMT(dir));
    snprintf(name, sizeof(name), "%llu", (unsigned long long)number);
    g->n = 1;
    g->number = number;
    g->dir = path_of("", z, name);
    g->objects_dir = path_of("/objects", z, name);
    int rc = git_store_open(str_of(g->objects_dir), &g->objects, err);
    if (rc) {
        generation_unref(g);
        return rc;
    }
    *ret = g;
    return 0;
}

int generation_make(str dir, uint64_t number, struct generation **ret, struct err *err)
{
    char fresh[PATH_MAX], final[PATH_MAX];
    snprintf(fresh, sizeof(fresh), "%.*s/%llu.new", STR_FMT(dir), (unsigned long long)number);
    snprintf(final, sizeof(final), "%.*s/%llu", STR_FMT(dir), (unsigned long long)number);
    folder_remove(fresh);
    int rc = make_repository(fresh, err);
    FAULT_POINT("source.generation.made");
    if (!rc && rename(fresh, final))
        rc = err_errno(err, errno, "making folder %s", final);
    return rc ? rc : open_numbered(dir, number, ret, err);
}

/* The highest number below dir; what is left of earlier ones and of a broken start goes. */
static uint64_t newest(const char *dir)
{
    uint64_t best = 0, number;
    CLEANUP(close_dir) DIR *d = opendir(dir);
    struct dirent *e;
    while (d && (e = readdir(d)))
        if (str_to_u64(str_of(e->d_name), &number) && number > best)
            best = number;
    if (d)
        rewinddir(d);
    while (d && (e = readdir(d)))
        if (e->d_name[0] != '.' && !(str_to_u64(str_of(e->d_name), &number) && number == best))
            remove_at(dirfd(d), e->d_name, 1);
    return best;
}

int generation_open(str dir, struct generation **ret, struct err *err)
{
    char z[PATH_MAX];
    if (dir.len + 32 >= sizeof(z))
        return err_set(err, ERR_INVALID, "cache folder's path is too long");
    snprintf(z, sizeof(z), "%.*s", STR_FMT(dir));
    if (mkdir(z, 0700) && errno != EEXIST)
        return err_errno(err, errno, "making folder %s", z);
    uint64_t number = newest(z);
    if (number && open_numbered(dir, number, ret, NULL) == 0)
        return 0;
    return generation_make(dir, number + 1, ret, err);
}

static size_t count_entries(const char *dir, const char *below)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", dir, below);
    CLEANUP(close_dir) DIR *d = opendir(path);
    size_t n = 0;
    while (d && readdir(d))
        n++;
    return n > 2 ? n - 2 : 0;
}

/* Bounds as gc.auto's: a sample folder of loose objects stands for all 256. */
bool generation_wants_rewrite(const struct generation *g)
{
    return count_entries(g->dir, "objects/17") > 27 ||
           count_entries(g->dir, "objects/pack") > 150 || count_entries(g->dir, "refs/keep") > 512;
}
