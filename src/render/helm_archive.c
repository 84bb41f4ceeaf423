/* A .tgz chart, read in memory. libarchive does the formats; names and sizes are judged here before
 * any byte is kept, so that neither a bomb nor a path trick gets further than this file. */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "render/helm_chart.h"

static void archive_freep(struct archive **ar)
{
    if (*ar)
        archive_read_free(*ar);
}

/* Go's path.Clean of a relative path. ".." at the front stays. */
static str clean_path(struct arena *a, str p)
{
    str *part = ARENA_ARRAY(a, str, p.len / 2 + 2), rest = p, one;
    size_t n = 0;
    while (str_next(&rest, '/', &one)) {
        if (!one.len || str_is(one, "."))
            continue;
        if (str_is(one, "..") && n && !str_is(part[n - 1], ".."))
            n--;
        else
            part[n++] = one;
    }
    if (!n)
        return STR(".");
    char *at = arena_alloc(a, p.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (i)
            at[len++] = '/';
        memcpy(at + len, part[i].at, part[i].len);
        len += part[i].len;
    }
    return str_mem(at, len);
}

static bool has_drive(str n)
{
    return n.len >= 3 && ((n.at[0] | 32) >= 'a' && (n.at[0] | 32) <= 'z') && n.at[1] == ':' &&
           n.at[2] == '/';
}

static int entry_name(str full, struct arena *a, str *ret, struct err *err)
{
    char delimiter = str_find_char(full, '\\') >= 0 ? '\\' : '/';
    str first, rest;
    str_cut(full, delimiter, &first, &rest);
    char *n = arena_cstr(a, rest);
    for (size_t i = 0; i < rest.len; i++)
        if (n[i] == delimiter)
            n[i] = '/';
    str name = str_mem(n, rest.len);
    if (str_starts(name, STR("/")))
        return err_set(err, ERR_INVALID, "chart illegally contains absolute paths");
    name = clean_path(a, name);
    if (str_is(name, "."))
        return err_set(err, ERR_INVALID,
                       "chart illegally contains content outside the base directory: \"%.*s\"",
                       STR_FMT(full));
    if (str_starts(name, STR("..")))
        return err_set(err, ERR_INVALID, "chart illegally references parent directory");
    if (has_drive(name))
        return err_set(err, ERR_INVALID, "chart contains illegally named files");
    if (str_is(first, "Chart.yaml"))
        return err_set(err, ERR_INVALID, "chart yaml not in base directory");
    *ret = name;
    return 0;
}

static int too_large(struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "decompressed chart is larger than the maximum size %zu",
                   HELM_CHART_BYTES_MAX);
}

static int broken(struct archive *ar, struct err *err)
{
    const char *text = archive_error_string(ar);
    return err_set(err, ERR_INVALID, "%s", text ? text : "the archive cannot be read");
}

/* One regular entry's bytes; its header's size is a promise that is checked. */
static int read_entry(struct archive *ar, size_t size, struct arena *a, str *ret, struct err *err)
{
    char *at = arena_alloc(a, size + 1);
    size_t len = 0;
    while (len < size) {
        la_ssize_t n = archive_read_data(ar, at + len, size - len);
        if (n < 0)
            return broken(ar, err);
        if (!n)
            return err_set(err, ERR_INVALID, "unexpected EOF");
        len += (size_t)n;
    }
    *ret = str_trim_prefix(str_mem(at, len), STR("\xef\xbb\xbf"));
    return 0;
}

static int take_entry(struct archive *ar, struct archive_entry *e, struct arena *a, size_t *io_left,
                      struct helm_files *ret, struct err *err)
{
    const char *path = archive_entry_pathname(e);
    str full = str_of(path), name;
    /* Before anything is passed over: skipping a promised 10 GiB means inflating it. */
    if (archive_entry_size_is_set(e) && (uint64_t)archive_entry_size(e) > *io_left)
        return too_large(err);
    if (archive_entry_filetype(e) == AE_IFDIR || str_ends(full, STR("/")))
        return 0;
    int rc = entry_name(full, a, &name, err);
    if (rc)
        return rc;
    /* Links and devices have no bytes of their own: helm keeps them as empty files. */
    size_t size = 0;
    if (archive_entry_filetype(e) == AE_IFREG && !archive_entry_hardlink(e)) {
        size = (size_t)archive_entry_size(e);
    }
    if (size > HELM_FILE_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE,
                       "decompressed chart file \"%.*s\" is larger than the maximum file size %zu",
                       STR_FMT(full), HELM_FILE_BYTES_MAX);
    str data = STR("");
    rc = read_entry(ar, size, a, &data, err);
    if (rc)
        return rc;
    *io_left -= size;
    if (!*io_left)
        return too_large(err);
    if (ret->n >= HELM_FILES_MAX)
        return err_set(err, ERR_TOO_LARGE, "chart archive has more than %d files", HELM_FILES_MAX);
    vec_push(a, ret, (struct helm_file){.name = name, .data = data});
    return 0;
}

int helm_archive_read(str bytes, struct arena *a, struct helm_files *ret, struct err *err)
{
    struct archive *ar __attribute__((cleanup(archive_freep))) = archive_read_new();
    struct helm_files files = {0};
    size_t left = HELM_CHART_BYTES_MAX;
    if (bytes.len < 10) /* a gzip header */
        return err_set(err, ERR_INVALID, "%s", bytes.len ? "unexpected EOF" : "EOF");
    if (memcmp(bytes.at, "\x1f\x8b\x08", 3) != 0)
        return err_set(err, ERR_INVALID, "gzip: invalid header");
    if (!ar || archive_read_support_filter_gzip(ar) != ARCHIVE_OK ||
        archive_read_support_format_tar(ar) != ARCHIVE_OK)
        return err_set(err, ERR_INTERNAL, "no archive reader");
    if (archive_read_open_memory(ar, bytes.at, bytes.len) != ARCHIVE_OK)
        return broken(ar, err);
    for (;;) {
        struct archive_entry *e = NULL;
        int r = archive_read_next_header(ar, &e);
        if (r == ARCHIVE_EOF)
            break;
        if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
            return broken(ar, err);
        int rc = take_entry(ar, e, a, &left, &files, err);
        if (rc)
            return rc;
    }
    if (!files.n)
        return err_set(err, ERR_INVALID, "no files in chart archive");
    *ret = files;
    return 0;
}
