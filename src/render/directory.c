/* directory.c: the walk through a folder of manifests. Two passes, as upstream: first every file
 * that may count is found and measured, then they are decoded (decode.c), so that a size error
 * comes before any other. */
#include "render/directory.h"

#include "lang/glob.h"
#include "render/engine.h"

struct candidate {
    str relative; /* to the application's folder: what include and exclude see */
    str file;     /* to the repository root */
    str text;
};

struct walk {
    const struct render_request *r;
    struct arena *a;
    struct render_result *ret;
    str root; /* the application's folder */
    bool recurse, any_extension;
    str include, exclude;
    size_t bytes_left;
    bool bounded;
    VEC(struct candidate) found;
};

static bool has_extension(str name)
{
    static const char *const extensions[] = {".yaml", ".yml", ".json", ".jsonnet"};
    for (size_t i = 0; i < ARRAY_LEN(extensions); i++)
        if (str_ends(name, str_of(extensions[i])))
            return true;
    return false;
}

static void warn(struct walk *w, str text)
{
    struct {
        str *at;
        size_t n, cap;
    } v = {w->ret->warning, w->ret->n_warnings, w->ret->cap_warnings};
    vec_push(w->a, &v, text);
    w->ret->warning = v.at;
    w->ret->n_warnings = v.n;
    w->ret->cap_warnings = v.cap;
}

/* A link counts by what it leads to. *ret_file empty: passed over. */
static int real_file(struct walk *w, str file, str relative, const struct file_entry *e,
                     str *ret_file, struct err *err)
{
    struct file_entry real = *e;
    *ret_file = STR("");
    if (e->kind == FILE_LINK) {
        int rc = files_stat(w->r->files, file, true, w->a, &real, err);
        if (rc == -ERR_INVALID)
            return err_set(err, ERR_INVALID,
                           "failed to get potentially valid manifests: invalid manifest file "
                           "\"<path to cached "
                           "source>/%.*s\": illegal filepath in symlink at \"%.*s\"",
                           STR_FMT(file), STR_FMT(relative));
        if (rc)
            return rc;
        if (real.kind == FILE_MISSING)
            warn(w,
                 arena_printf(w->a,
                              "skipping manifest file \"%.*s\": destination of symlink is missing",
                              STR_FMT(file)));
    }
    if (file_kind_is_regular(real.kind))
        *ret_file = file;
    else if (real.kind != FILE_MISSING)
        warn(w, arena_printf(w->a, "skipping manifest file \"%.*s\": it leads to a %.*s",
                             STR_FMT(file), STR_FMT(file_kind_name(real.kind))));
    return 0;
}

static int take_text(struct walk *w, struct candidate *c, struct err *err)
{
    bool jsonnet = str_ends(c->file, STR(".jsonnet"));
    size_t limit = w->bounded && !jsonnet ? w->bytes_left : 0;
    /* A bound of 0 bytes would mean the default one to files_read. */
    int rc = files_read(w->r->files, c->file, w->bounded && !jsonnet ? limit + 1 : 0, w->a,
                        &c->text, err);
    if (rc == -ERR_TOO_LARGE || (!rc && w->bounded && !jsonnet && c->text.len > limit))
        return err_set(
            err, ERR_TOO_LARGE,
            "failed to get potentially valid manifests: exceeded max combined manifest file size");
    if (!rc && w->bounded && !jsonnet)
        w->bytes_left -= c->text.len;
    return rc;
}

static int visit_file(struct walk *w, str relative, const struct file_entry *e, struct err *err)
{
    if (!w->any_extension && !has_extension(e->name))
        return 0;
    struct candidate c = {.relative = relative,
                          .file = w->root.len ? ARENA_CAT(w->a, w->root, STR("/"), relative)
                                              : relative};
    str real;
    int rc = real_file(w, c.file, relative, e, &real, err);
    if (rc || !real.len)
        return rc;
    if (w->exclude.len && glob_matches(w->exclude, relative, STR("")))
        return 0;
    if (w->include.len && !glob_matches(w->include, relative, STR("")))
        return 0;
    rc = take_text(w, &c, err);
    if (!rc)
        vec_push(w->a, &w->found, c);
    return rc;
}

struct level {
    str relative;
    struct file_list list;
    size_t i;
};

static str below(struct walk *w, str base, str name)
{
    return base.len ? ARENA_CAT(w->a, base, STR("/"), name) : name;
}

static int open_level(struct walk *w, struct level *l, str relative, struct err *err)
{
    *l = (struct level){.relative = relative};
    return files_list(w->r->files, below(w, w->root, relative), w->a, &l->list, err);
}

/* Depth first, names in byte order, folders in their place among files. */
static int find(struct walk *w, struct err *err)
{
    struct level *stack = ARENA_ARRAY(w->a, struct level, FILES_PARTS_MAX);
    size_t depth = 1;
    int rc = open_level(w, &stack[0], STR(""), err);
    while (!rc && depth) {
        struct level *top = &stack[depth - 1];
        if (top->i == top->list.n) {
            depth--;
            continue;
        }
        const struct file_entry *e = &top->list.at[top->i++];
        str relative = below(w, top->relative, e->name);
        if (e->kind != FILE_FOLDER && e->kind != FILE_MODULE) {
            rc = visit_file(w, relative, e, err);
            continue;
        }
        if (!w->recurse)
            continue;
        /* Passing over a submodule in silence would prune what it holds. */
        if (e->kind == FILE_MODULE)
            return err_set(err, ERR_UNSUPPORTED,
                           "%.*s: is a git submodule, and submodules are not supported",
                           STR_FMT(below(w, w->root, relative)));
        if (depth == FILES_PARTS_MAX)
            return err_set(err, ERR_INVALID, "folders are nested more than %d deep",
                           FILES_PARTS_MAX);
        rc = open_level(w, &stack[depth++], relative, err);
    }
    return rc;
}

static int decode_all(struct walk *w, struct err *err)
{
    for (size_t i = 0; i < w->found.n; i++) {
        const struct candidate *c = &w->found.at[i];
        str shown = files_path_base(c->file);
        if (str_ends(shown, STR(".jsonnet"))) {
            if (w->r->disable_jsonnet)
                continue;
            return err_set(err, ERR_UNSUPPORTED,
                           "Failed to evaluate jsonnet \"%.*s\": Jsonnet is not supported yet",
                           STR_FMT(shown));
        }
        int rc = directory_decode(shown, c->file, c->text, w->a, w->ret, err);
        if (rc)
            return rc;
    }
    return 0;
}

int directory_render(const struct render_request *r, str path, value options, struct arena *a,
                     struct render_result *ret, struct err *err)
{
    struct walk w = {
        .r = r,
        .a = a,
        .ret = ret,
        .root = path,
        .recurse = value_bool(value_getz(options, "recurse")),
        .any_extension = value_bool(value_getz(options, "disableExtensionFilter")),
        .include = value_str(value_getz(options, "include")),
        .exclude = value_str(value_getz(options, "exclude")),
        .bytes_left = r->combined_bytes_max ? r->combined_bytes_max : DIRECTORY_BYTES_DEFAULT,
        .bounded = r->combined_bytes_max != SIZE_MAX,
    };
    int rc = find(&w, err);
    if (!rc)
        rc = decode_all(&w, err);
    return rc ? rc : render_expand_lists(a, ret, err);
}
