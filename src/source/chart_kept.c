/* chart_kept.c: see chart_kept.h. */
#include "source/chart_kept.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"

#define KNOWN_BYTES_MAX 16384

static char *path_of(struct arena *a, str dir, const char *folder, str name, const char *suffix)
{
    return arena_cstr(a, ARENA_CAT(a, dir, STR("/"), str_of(folder), name.len ? STR("/") : STR(""),
                                   name, str_of(suffix)));
}

static int make_folder(const char *path, struct err *err)
{
    if (mkdir(path, 0700) && errno != EEXIST)
        return err_errno(err, errno, "making folder %s", path);
    return 0;
}

static void remove_parts(const char *path)
{
    DIR *d = opendir(path);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));)
        (void)unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
}

int kept_open(str dir, struct err *err)
{
    static const char *const folders[] = {"blob", "known", "part"};
    struct arena a;
    arena_init(&a, (size_t)1 << 20);
    char *z = arena_cstr(&a, dir);
    int rc = 0;
    for (char *p = z + 1; !rc && (p = strchr(p, '/')); p++) {
        *p = 0;
        rc = make_folder(z, err);
        *p = '/';
    }
    if (!rc)
        rc = make_folder(z, err);
    for (size_t i = 0; !rc && i < ARRAY_LEN(folders); i++)
        rc = make_folder(path_of(&a, dir, folders[i], STR(""), ""), err);
    if (!rc)
        remove_parts(path_of(&a, dir, "part", STR(""), "")); /* of a run that was killed */
    arena_done(&a);
    return rc;
}

/* ---- archives ---- */

struct chart_archive *chart_archive_ref(struct chart_archive *x)
{
    CONTAINER_OF(x, struct chart_archive_memory, is)->n_refs++;
    return x;
}

void chart_archive_unref(struct chart_archive *x)
{
    if (!x)
        return;
    struct chart_archive_memory *m = CONTAINER_OF(x, struct chart_archive_memory, is);
    if (--m->n_refs)
        return;
    close(x->fd);
    arena_done(&m->arena);
    free(m);
}

static int read_all(int fd, size_t bytes, char *to)
{
    for (size_t at = 0; at < bytes;) {
        ssize_t n = pread(fd, to + at, bytes - at, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        at += (size_t)n;
    }
    return 0;
}

int chart_archive_read(const struct chart_archive *x, struct arena *a, str *ret, struct err *err)
{
    char *at = arena_alloc(a, x->bytes + 1);
    int e = read_all(x->fd, x->bytes, at);
    if (e)
        return err_errno(err, e, "reading the archive of chart %.*s", STR_FMT(x->name));
    *ret = str_mem(at, x->bytes);
    return 0;
}

/* ---- the folder ---- */

struct known {
    struct sha256 digest;
    uint64_t bytes;
    str hex, url;
    bool digest_differs;
};

static bool known_parse(str text, struct known *ret)
{
    str bytes, differs, rest;
    if (!str_cut(text, ' ', &ret->hex, &rest) || !str_cut(rest, ' ', &bytes, &rest) ||
        !str_cut(rest, ' ', &differs, &ret->url))
        return false;
    ret->digest_differs = str_is(differs, "1");
    return ret->hex.len == 64 && hex_parse(ret->hex, ret->digest.byte, sizeof(ret->digest.byte)) &&
           str_to_u64(bytes, &ret->bytes);
}

static bool known_read(const char *path, char text[KNOWN_BYTES_MAX], struct known *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, KNOWN_BYTES_MAX);
    (void)futimens(fd, NULL);
    close(fd);
    return n > 0 && known_parse(str_mem(text, (size_t)n), ret);
}

static struct chart_archive *archive_new(int fd, str path, const struct known *k)
{
    struct chart_archive_memory *m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    arena_init(&m->arena, (size_t)1 << 20);
    m->n_refs = 1;
    m->is = (struct chart_archive){.fd = fd,
                                   .bytes = (size_t)k->bytes,
                                   .digest = k->digest,
                                   .digest_differs = k->digest_differs,
                                   .path = arena_str(&m->arena, path),
                                   .url = url_shown(&m->arena, k->url)};
    return &m->is;
}

/* The bytes are those the digest names. */
static bool is_whole(int fd, const struct known *k)
{
    struct stat st;
    char piece[65536];
    struct sha256_stream *s = sha256_open();
    ssize_t n = 0;
    uint64_t at = 0;
    if (fstat(fd, &st) == 0 && st.st_size >= 0 && (uint64_t)st.st_size == k->bytes)
        while ((n = pread(fd, piece, sizeof(piece), (off_t)at)) > 0) {
            sha256_add(s, str_mem(piece, (size_t)n));
            at += (uint64_t)n;
        }
    struct sha256 is = sha256_close(s);
    return n == 0 && at == k->bytes && sha256_eq(&is, &k->digest);
}

static int find(str dir, str key, struct arena *a, struct chart_archive **ret, struct err *err)
{
    char *text = arena_alloc(a, KNOWN_BYTES_MAX);
    struct known k;
    if (!known_read(path_of(a, dir, "known", key, ""), text, &k))
        return 0;
    char *path = path_of(a, dir, "blob", k.hex, ".tgz");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_errno(err, errno, "opening %s", path);
    if (!is_whole(fd, &k)) {
        close(fd);
        (void)unlink(path);
        return 0;
    }
    *ret = archive_new(fd, str_of(path), &k);
    return 0;
}

int kept_find(str dir, str key, struct chart_archive **ret, struct err *err)
{
    struct arena a;
    arena_init(&a, (size_t)1 << 20);
    *ret = NULL;
    int rc = find(dir, key, &a, ret, err);
    arena_done(&a);
    return rc;
}

void kept_forget(str dir, str key)
{
    struct arena a;
    arena_init(&a, (size_t)1 << 20);
    (void)unlink(path_of(&a, dir, "known", key, ""));
    arena_done(&a);
}

int kept_begin(str dir, struct arena *a, str *ret_path, int *ret_fd, struct err *err)
{
    char *path = path_of(a, dir, "part", STR("XXXXXX"), "");
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "making a file in %.*s/part", STR_FMT(dir));
    *ret_path = str_of(path);
    *ret_fd = fd;
    return 0;
}

static int known_write(str dir, const struct kept_archive *k, str hex, struct arena *a,
                       struct err *err)
{
    str part = STR("");
    int fd = -1;
    int rc = kept_begin(dir, a, &part, &fd, err);
    if (rc)
        return rc;
    str text = arena_printf(a, "%.*s %zu %d %.*s", STR_FMT(hex), k->bytes, k->digest_differs,
                            STR_FMT(str_sub(url_shown(a, k->url), 0, KNOWN_BYTES_MAX / 2)));
    char *path = path_of(a, dir, "known", k->key, "");
    bool ok = write(fd, text.at, text.len) == (ssize_t)text.len;
    ok &= close(fd) == 0;
    if (!ok || rename(part.at, path)) {
        rc = err_errno(err, errno, "writing %s", path);
        (void)unlink(part.at);
    }
    return rc;
}

static int add(str dir, const struct kept_archive *k, struct arena *a, struct chart_archive **ret,
               struct err *err)
{
    str hex = hex_str(a, k->digest.byte, sizeof(k->digest.byte));
    char *path = path_of(a, dir, "blob", hex, ".tgz"), *part = arena_cstr(a, k->part);
    if (rename(part, path))
        return err_errno(err, errno, "keeping %s", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_errno(err, errno, "opening %s", path);
    int rc = known_write(dir, k, hex, a, err);
    if (rc)
        close(fd);
    else
        *ret = archive_new(fd, str_of(path),
                           &(struct known){.digest = k->digest,
                                           .bytes = k->bytes,
                                           .url = k->url,
                                           .digest_differs = k->digest_differs});
    return rc;
}

int kept_add(str dir, const struct kept_archive *k, struct chart_archive **ret, struct err *err)
{
    struct arena a;
    arena_init(&a, (size_t)1 << 20);
    int rc = add(dir, k, &a, ret, err);
    arena_done(&a);
    return rc;
}

/* ---- sweeping ---- */

static usec used_at(int folder, const char *name)
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
        return 0;
    return st.st_mtim.tv_sec * USEC_PER_SEC + st.st_mtim.tv_nsec / 1000;
}

/* Old names go; the digests of the others are noted. */
static int sweep_known(str dir, usec before, struct arena *a, struct map *ret_wanted,
                       struct err *err)
{
    char *path = path_of(a, dir, "known", STR(""), "");
    DIR *d = opendir(path);
    if (!d)
        return err_errno(err, errno, "reading %s", path);
    for (struct dirent *e; (e = readdir(d));) {
        struct known k;
        char text[KNOWN_BYTES_MAX];
        if (e->d_name[0] == '.')
            continue;
        usec at = used_at(dirfd(d), e->d_name);
        int fd = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
        if (fd >= 0)
            close(fd);
        if (at < before || n <= 0 || !known_parse(str_mem(text, (size_t)n), &k))
            (void)unlinkat(dirfd(d), e->d_name, 0);
        else
            map_set(ret_wanted, arena_str(a, k.hex), ret_wanted);
    }
    closedir(d);
    return 0;
}

static int sweep_blobs(str dir, usec before, struct arena *a, const struct map *wanted,
                       struct err *err)
{
    char *path = path_of(a, dir, "blob", STR(""), "");
    DIR *d = opendir(path);
    if (!d)
        return err_errno(err, errno, "reading %s", path);
    for (struct dirent *e; (e = readdir(d));) {
        str hex = str_trim_suffix(str_of(e->d_name), STR(".tgz"));
        bool young = used_at(dirfd(d), e->d_name) >= before; /* its name may come any moment */
        if (e->d_name[0] != '.' && !map_has(wanted, hex) && !young)
            (void)unlinkat(dirfd(d), e->d_name, 0);
    }
    closedir(d);
    return 0;
}

int kept_sweep(str dir, usec before, struct err *err)
{
    struct arena a;
    struct map wanted;
    arena_init(&a, (size_t)256 << 20);
    map_init(&wanted, &a);
    int rc = sweep_known(dir, before, &a, &wanted, err);
    if (!rc)
        rc = sweep_blobs(dir, before, &a, &wanted, err);
    arena_done(&a);
    return rc;
}
