/* files.c: asking a tree: path resolution with links, recording. Backends are in folder.c, git.c,
 * memory.c. */
#include "files/files.h"

#include <string.h>

#include "files/read_set.h"

str file_kind_name(enum file_kind k)
{
    static const str names[] = {
        [FILE_MISSING] = STR_INIT("missing"),       [FILE_REGULAR] = STR_INIT("file"),
        [FILE_EXECUTABLE] = STR_INIT("executable"), [FILE_LINK] = STR_INIT("link"),
        [FILE_FOLDER] = STR_INIT("folder"),         [FILE_MODULE] = STR_INIT("submodule"),
        [FILE_OTHER] = STR_INIT("other"),
    };
    return names[k];
}

bool file_id_eq(const struct file_id *a, const struct file_id *b)
{
    return a->len == b->len && memcmp(a->byte, b->byte, a->len) == 0;
}

bool file_id_parse(str hex, struct file_id *ret)
{
    if (hex.len % 2 || hex.len == 0 || hex.len > 2 * sizeof(ret->byte))
        return false;
    struct file_id id = {.len = (uint8_t)(hex.len / 2)};
    if (!hex_parse(hex, id.byte, id.len))
        return false;
    *ret = id;
    return true;
}

void files_close(struct files *f)
{
    if (f)
        f->kind->close(f);
}

/* ---- paths ---- */

str files_path_folder(str path)
{
    ptrdiff_t slash = str_rfind_char(path, '/');
    return slash < 0 ? STR("") : str_sub(path, 0, (size_t)slash);
}

str files_path_base(str path)
{
    ptrdiff_t slash = str_rfind_char(path, '/');
    return slash < 0 ? path : str_from(path, (size_t)slash + 1);
}

/* A path under construction: parts that were walked, as text "a/b". */
struct trail {
    char at[FILES_PATH_MAX];
    size_t len;
};

static str trail_str(const struct trail *t) { return str_mem(t->at, t->len); }

static bool trail_push(struct trail *t, str part)
{
    size_t slash = t->len > 0;
    if (t->len + slash + part.len >= sizeof(t->at))
        return false;
    if (slash)
        t->at[t->len++] = '/';
    memcpy(t->at + t->len, part.at, part.len);
    t->len += part.len;
    return true;
}

static bool trail_pop(struct trail *t) /* false: was at the root */
{
    if (t->len == 0)
        return false;
    t->len = files_path_folder(trail_str(t)).len;
    return true;
}

/* Append the parts of `path` to the trail; false when a step is above the root or it grows too
 * long. */
static bool trail_walk(struct trail *t, str path)
{
    str rest = path, part;
    while (str_next(&rest, '/', &part)) {
        if (part.len == 0 || str_is(part, "."))
            continue;
        if (str_is(part, "..") ? !trail_pop(t) : !trail_push(t, part))
            return false;
    }
    return true;
}

bool files_path_is_clean(str path)
{
    str rest = path, part;
    if (path.len == 0)
        return true;
    if (str_find_char(path, 0) >= 0)
        return false;
    while (str_next(&rest, '/', &part))
        if (part.len == 0 || str_is(part, ".") || str_is(part, ".."))
            return false;
    return true;
}

bool files_path_join(struct arena *a, str base, str path, str *ret)
{
    struct trail t = {.len = 0};
    if (!trail_walk(&t, base) || !trail_walk(&t, path))
        return false;
    *ret = arena_str(a, trail_str(&t));
    return true;
}

bool files_link_escapes(str path, str target)
{
    if (str_starts(target, STR("/")))
        return true;
    struct trail t = {.len = 0};
    return !trail_walk(&t, files_path_folder(path)) || !trail_walk(&t, target);
}

/* ---- resolution ---- */

struct walk {
    struct files *f;
    struct arena *a;
    str asked; /* for messages */
    struct trail at;
    str pending[FILES_PARTS_MAX]; /* parts still to take, last first */
    size_t n_pending;
    unsigned n_links;
};

static void record(struct files *f, enum read_kind kind, const struct file_entry *e, str path)
{
    if (f->reads)
        read_set_add(f->reads, kind, e->kind, &e->id, path);
}

static int push_parts(struct walk *w, str path, struct err *err)
{
    str part[FILES_PARTS_MAX], rest = path, one;
    size_t n = 0;
    while (str_next(&rest, '/', &one)) {
        if (one.len == 0 || str_is(one, "."))
            continue;
        if (n == FILES_PARTS_MAX)
            return err_set(err, ERR_INVALID, "%.*s: path has more than %d parts", STR_FMT(w->asked),
                           FILES_PARTS_MAX);
        part[n++] = one;
    }
    if (w->n_pending + n > FILES_PARTS_MAX)
        return err_set(err, ERR_INVALID, "%.*s: path has more than %d parts", STR_FMT(w->asked),
                       FILES_PARTS_MAX);
    while (n)
        w->pending[w->n_pending++] = part[--n];
    return 0;
}

static int follow_link(struct walk *w, const struct file_entry *e, struct err *err)
{
    if (++w->n_links > FILES_LINKS_MAX)
        return err_set(err, ERR_INVALID, "%.*s: more than %d symbolic links on the way",
                       STR_FMT(w->asked), FILES_LINKS_MAX);
    str target;
    int rc = w->f->kind->link(w->f, trail_str(&w->at), w->a, &target, err);
    if (rc)
        return rc;
    record(w->f, READ_LINK, e, trail_str(&w->at));
    if (str_starts(target, STR("/")))
        return err_set(err, ERR_INVALID, "%.*s: symbolic link leads out of the repository",
                       STR_FMT(w->asked));
    trail_pop(&w->at);
    return push_parts(w, target, err);
}

/* One part further. *ret_done: e is the answer. */
static int walk_part(struct walk *w, bool follow, struct file_entry *e, bool *ret_done,
                     struct err *err)
{
    str part = w->pending[--w->n_pending];
    if (str_is(part, "..")) {
        if (!trail_pop(&w->at))
            return err_set(err, ERR_INVALID, "%.*s: path leads out of the repository",
                           STR_FMT(w->asked));
        return 0;
    }
    if (!trail_push(&w->at, part))
        return err_set(err, ERR_INVALID, "%.*s: path is longer than %d bytes", STR_FMT(w->asked),
                       FILES_PATH_MAX);
    int rc = w->f->kind->stat(w->f, trail_str(&w->at), e, err);
    if (rc)
        return rc;
    if (e->kind == FILE_LINK && (follow || w->n_pending))
        return follow_link(w, e, err);
    if (e->kind == FILE_MISSING) {
        *ret_done = true;
        return 0;
    }
    if (e->kind == FILE_MODULE && w->n_pending)
        return err_set(err, ERR_UNSUPPORTED,
                       "%.*s: '%.*s' is a git submodule, and submodules are not supported",
                       STR_FMT(w->asked), STR_FMT(trail_str(&w->at)));
    if (w->n_pending && e->kind != FILE_FOLDER) { /* a file where a folder is wanted */
        record(w->f, READ_KIND, e, trail_str(&w->at));
        e->kind = FILE_MISSING;
        *ret_done = true;
    }
    return 0;
}

static int resolve_slowly(struct walk *w, str path, bool follow, struct file_entry *ret,
                          struct err *err)
{
    int rc = push_parts(w, path, err);
    struct file_entry e = {.kind = FILE_FOLDER};
    bool done = false;
    while (!rc && !done && w->n_pending) {
        memset(&e, 0, sizeof(e));
        rc = walk_part(w, follow, &e, &done, err);
    }
    if (rc)
        return rc;
    /* The walk may end on ".." or on the root, whose entry was not looked up. */
    if (!done && (rc = w->f->kind->stat(w->f, trail_str(&w->at), &e, err)))
        return rc;
    *ret = e;
    ret->name = arena_str(w->a, trail_str(&w->at));
    return 0;
}

/* The common case, a clean path without links, costs one question to the backend. */
static int resolve(struct files *f, str path, bool follow, struct arena *a, struct file_entry *ret,
                   struct err *err)
{
    if (str_starts(path, STR("/")))
        return err_set(err, ERR_INVALID, "%.*s: path is absolute", STR_FMT(path));
    if (path.len >= FILES_PATH_MAX)
        return err_set(err, ERR_INVALID, "%.*s...: path is longer than %d bytes",
                       STR_FMT(str_sub(path, 0, 60)), FILES_PATH_MAX);
    if (path.len && memchr(path.at, 0, path.len))
        return err_set(err, ERR_INVALID, "path holds a NUL byte");
    struct file_entry e = {.kind = FILE_MISSING};
    if (files_path_is_clean(path)) {
        int rc = f->kind->stat(f, path, &e, err);
        if (rc)
            return rc;
        if (e.kind != FILE_MISSING && !(e.kind == FILE_LINK && follow)) {
            *ret = e;
            ret->name = arena_str(a, path);
            return 0;
        }
    }
    struct walk w = {.f = f, .a = a, .asked = path};
    return resolve_slowly(&w, path, follow, ret, err);
}

/* ---- asking ---- */

int files_stat(struct files *f, str path, bool follow, struct arena *a, struct file_entry *ret,
               struct err *err)
{
    struct file_entry e;
    int rc = resolve(f, path, follow, a, &e, err);
    if (rc)
        return rc;
    record(f, e.kind == FILE_MISSING ? READ_ABSENT : READ_KIND, &e, e.name);
    *ret = e;
    return 0;
}

int files_read(struct files *f, str path, size_t bytes_max, struct arena *a, str *ret,
               struct err *err)
{
    struct file_entry e;
    int rc = resolve(f, path, true, a, &e, err);
    if (rc)
        return rc;
    if (e.kind == FILE_MISSING) {
        record(f, READ_ABSENT, &e, e.name);
        return err_set(err, ERR_NOT_FOUND, "%.*s: no such file", STR_FMT(path));
    }
    if (!file_kind_is_regular(e.kind)) {
        record(f, READ_KIND, &e, e.name);
        return err_set(err, ERR_INVALID, "%.*s: is a %.*s, not a file", STR_FMT(path),
                       STR_FMT(file_kind_name(e.kind)));
    }
    record(f, READ_FILE, &e, e.name);
    return f->kind->read(f, e.name, bytes_max ? bytes_max : FILES_BYTES_DEFAULT, a, ret, err);
}

int files_size(struct files *f, str path, size_t *ret, struct err *err)
{
    if (!f->kind->size)
        return err_set(err, ERR_UNSUPPORTED, "%.*s: its size is known by reading it",
                       STR_FMT(path));
    return f->kind->size(f, path, ret, err);
}

int files_list(struct files *f, str path, struct arena *a, struct file_list *ret, struct err *err)
{
    struct file_entry e;
    int rc = resolve(f, path, true, a, &e, err);
    if (rc)
        return rc;
    if (e.kind != FILE_FOLDER) {
        record(f, e.kind == FILE_MISSING ? READ_ABSENT : READ_KIND, &e, e.name);
        if (e.kind == FILE_MISSING)
            return err_set(err, ERR_NOT_FOUND, "%.*s: no such folder", STR_FMT(path));
        if (e.kind == FILE_MODULE)
            return err_set(err, ERR_UNSUPPORTED,
                           "%.*s: is a git submodule, and submodules are not supported",
                           STR_FMT(path));
        return err_set(err, ERR_INVALID, "%.*s: is a %.*s, not a folder", STR_FMT(path),
                       STR_FMT(file_kind_name(e.kind)));
    }
    struct file_list l = {0};
    rc = f->kind->list(f, e.name, a, &l, err);
    if (rc)
        return rc;
    if (f->reads) {
        struct file_entry answer = {.kind = FILE_FOLDER, .id = read_id_of_list(&l)};
        record(f, READ_LIST, &answer, e.name);
    }
    *ret = l;
    return 0;
}

/* Depth-first in byte order; the trail bounds the depth, an explicit stack of listings the C stack.
 */
int files_find_escaping_link(struct files *f, struct arena *a, str *ret_link, struct err *err)
{
    struct level {
        str path;
        struct file_list list;
        size_t i;
    } *stack = ARENA_ARRAY(a, struct level, FILES_PARTS_MAX);
    size_t depth = 1;
    int rc = f->kind->list(f, STR(""), a, &stack[0].list, err);
    while (!rc && depth) {
        struct level *top = &stack[depth - 1];
        if (top->i == top->list.n) {
            depth--;
            continue;
        }
        const struct file_entry *e = &top->list.at[top->i++];
        if (e->kind != FILE_LINK && e->kind != FILE_FOLDER)
            continue;
        str path = top->path.len ? ARENA_CAT(a, top->path, STR("/"), e->name) : e->name;
        if (e->kind == FILE_LINK) {
            str target;
            rc = f->kind->link(f, path, a, &target, err);
            if (!rc && files_link_escapes(path, target)) {
                *ret_link = path;
                return 0;
            }
            continue;
        }
        if (depth == FILES_PARTS_MAX)
            return err_set(err, ERR_INVALID, "%.*s...: more than %d folders deep",
                           STR_FMT(str_sub(path, 0, 60)), FILES_PARTS_MAX);
        stack[depth] = (struct level){.path = path};
        rc = f->kind->list(f, path, a, &stack[depth++].list, err);
    }
    if (!rc)
        *ret_link = STR("");
    return rc;
}
