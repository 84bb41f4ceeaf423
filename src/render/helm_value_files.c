/* Files that source.helm names: in the repository, in another source of the application ("$name/
 * path"), or on another server. */
#include <stdlib.h>

#include "lang/glob.h"
#include "render/helm_app.h"

#define GLOB_FILES_MAX 10000
#define DEPTH_MAX 64   /* folders of a pattern */
#define NAME_MARK '\1' /* "\1TREE/path": a name of ours; tree 0 is the source's own */
#define SHOWN_ROOT STR("<path to cached source>/")

struct place {           /* where a name leads */
    struct files *files; /* NULL: another server */
    size_t tree;
    str path; /* or the URL */
};

struct places {
    str *at; /* names of ours, and URLs */
    size_t n, cap;
};

/* ---- names ---- */

static str name_of(struct arena *a, const struct place *p)
{
    if (!p->files)
        return p->path;
    return arena_printf(a, "%c%zu/%.*s", NAME_MARK, p->tree, STR_FMT(p->path));
}

static struct files *files_of_tree(const struct helm_app *x, size_t tree)
{
    const struct render_request *r = x->request;
    return tree ? r->ref[tree - 1].files : r->files;
}

/* The place that a name of ours means; false: it is a URL. */
static bool place_of(const struct helm_app *x, str name, struct place *ret)
{
    str number, path;
    uint64_t tree;
    if (!name.len || name.at[0] != NAME_MARK || !str_cut(str_from(name, 1), '/', &number, &path) ||
        !str_to_u64(number, &tree) || tree > x->request->n_refs)
        return false;
    *ret = (struct place){files_of_tree(x, (size_t)tree), (size_t)tree, path};
    return true;
}

str helm_app_shown(struct arena *a, str text)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] != NAME_MARK) {
            buf_addc(&b, text.at[i]);
            continue;
        }
        while (i < text.len && text.at[i] != '/')
            i++;
        buf_add(&b, SHOWN_ROOT);
    }
    return arena_str(a, buf_str(&b));
}

static bool is_named(const struct places *p, str name)
{
    for (size_t i = 0; i < p->n; i++)
        if (str_eq(p->at[i], name))
            return true;
    return false;
}

static void add_name(struct helm_app *x, struct places *p, str name)
{
    if (!is_named(p, name))
        vec_push(x->arena, p, name);
}

/* ---- where an entry leads ---- */

/* A path against the chart's folder, or with a leading '/' against the repository. */
static int resolve(struct helm_app *x, str name, str folder, str *ret, struct err *err)
{
    bool absolute = str_starts(name, STR("/"));
    if (!files_path_join(x->arena, absolute ? STR("") : folder, absolute ? str_from(name, 1) : name,
                         ret))
        return err_set(err, ERR_INVALID, "file '%.*s' resolved to outside repository root",
                       STR_FMT(name));
    if (!ret->len)
        return err_set(err, ERR_INVALID,
                       "internal error: failed to resolve path. Check logs for more details");
    return 0;
}

/* "scheme:" at the front; empty: none. */
static str scheme_of(str name)
{
    ptrdiff_t colon = str_find_char(name, ':');
    for (ptrdiff_t i = 0; i < colon; i++) {
        char c = name.at[i] | 32;
        bool letter = c >= 'a' && c <= 'z';
        if (!letter && (!i || !((name.at[i] >= '0' && name.at[i] <= '9') || name.at[i] == '+' ||
                                name.at[i] == '-' || name.at[i] == '.')))
            return STR("");
    }
    return colon > 0 ? str_sub(name, 0, (size_t)colon) : STR("");
}

/* helm.valuesFileSchemes. */
static bool scheme_is_allowed(const struct helm_app *x, str scheme)
{
    str rest = x->request->value_file_schemes, one;
    while (rest.len && str_next(&rest, ',', &one))
        if (str_ieq(str_trim(one), scheme))
            return true;
    return false;
}

/* Of a name with variables replaced. */
static int place_in_tree(struct helm_app *x, str name, size_t tree, struct place *ret,
                         struct err *err)
{
    str scheme = scheme_of(name), path;
    if (scheme.len) {
        if (!scheme_is_allowed(x, scheme))
            return err_set(err, ERR_INVALID, "the URL scheme '%.*s' is not allowed",
                           STR_FMT(scheme));
        *ret = (struct place){.path = name};
        return 0;
    }
    int rc = resolve(x, name, tree ? STR("") : x->path, &path, err);
    if (!rc)
        *ret = (struct place){files_of_tree(x, tree), tree, path};
    return rc;
}

/* "$values" of "$values/a/b.yaml": the tree it names; 0: none of the sources. */
static size_t tree_named(const struct helm_app *x, str entry, str *ret_below)
{
    str name;
    if (!str_starts(entry, STR("$")))
        return 0;
    if (!str_cut(entry, '/', &name, ret_below))
        *ret_below = STR("");
    for (size_t i = 0; i < x->request->n_refs; i++)
        if (str_eq(x->request->ref[i].name, name))
            return i + 1;
    return 0;
}

/* The name of a source is taken off before variables are replaced. */
static int place_of_entry(struct helm_app *x, str entry, struct place *ret, struct err *err)
{
    str below;
    size_t tree = tree_named(x, entry, &below);
    if (!tree)
        return place_in_tree(x, build_env_expand(x->request, x->source, x->arena, entry), 0, ret,
                             err);
    if (!files_of_tree(x, tree))
        return err_set(err, ERR_INVALID, "failed to find repo \"%.*s\"",
                       STR_FMT(x->request->ref[tree - 1].repo_url));
    below = build_env_expand(x->request, x->source, x->arena, below);
    int rc = place_in_tree(x, ARENA_CAT(x->arena, STR("/"), below), tree, ret, err);
    return rc ? err_wrap(err, "error resolving value file path") : 0;
}

/* ---- patterns ---- */

struct matching {
    struct helm_app *app;
    struct place pattern;
    struct places *found;
};

/* Regular files below `folder` that match; entries come sorted. */
static int match_below(struct matching *m, str folder, unsigned depth, struct err *err)
{
    struct file_list l = {0};
    struct arena *a = m->app->arena;
    int rc = depth > DEPTH_MAX ? 0 : files_list(m->pattern.files, folder, a, &l, err);
    for (size_t i = 0; !rc && i < l.n; i++) {
        str path = folder.len ? ARENA_CAT(a, folder, STR("/"), l.at[i].name) : l.at[i].name;
        struct file_entry e = l.at[i];
        bool matched = false;
        if (e.kind == FILE_LINK)
            rc = files_stat(m->pattern.files, path, true, a, &e, err);
        if (!rc && e.kind == FILE_FOLDER && l.at[i].kind == FILE_FOLDER)
            rc = match_below(m, path, depth + 1, err);
        else if (!rc && file_kind_is_regular(e.kind))
            rc = doublestar_match(m->pattern.path, path, &matched, err);
        if (matched)
            add_name(m->app, m->found,
                     name_of(a, &(struct place){m->pattern.files, m->pattern.tree, path}));
        if (m->found->n > GLOB_FILES_MAX)
            return err_set(err, ERR_TOO_LARGE,
                           "values file glob \"%.*s\" matches more than %d files",
                           STR_FMT(m->pattern.path), GLOB_FILES_MAX);
    }
    return rc;
}

/* The folder above the first part that is a pattern. */
static str fixed_folder(str pattern)
{
    str folder = pattern;
    while (doublestar_has_meta(folder))
        folder = files_path_folder(folder);
    return folder;
}

static int expand_pattern(struct helm_app *x, const struct place *pattern, struct places *ret,
                          struct err *err)
{
    struct file_entry e;
    struct matching m = {x, *pattern, ret};
    str folder = fixed_folder(pattern->path);
    int rc = files_stat(pattern->files, folder, true, x->arena, &e, err);
    return !rc && e.kind == FILE_FOLDER ? match_below(&m, folder, 0, err) : rc;
}

/* ---- valueFiles ---- */

static bool is_pattern(const struct place *p) { return p->files && doublestar_has_meta(p->path); }

/* A file that is named and matched stands where it is named. */
static void find_named(struct helm_app *x, value list, struct places *ret)
{
    struct place p;
    struct err ignored; /* told when the entry's turn comes */
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (!place_of_entry(x, value_str(it.val), &p, &ignored) && !is_pattern(&p))
            add_name(x, ret, name_of(x->arena, &p));
}

static int take_entry(struct helm_app *x, str entry, const struct places *named, struct places *io,
                      struct err *err)
{
    struct place p;
    struct file_entry e;
    struct places matched = {0};
    bool may_miss = value_bool(helm_app_get(x, "ignoreMissingValueFiles"));
    int rc = place_of_entry(x, entry, &p, err);
    if (rc)
        return err_wrap(err, "error resolving value file path");
    if (is_pattern(&p)) {
        rc = expand_pattern(x, &p, &matched, err);
        if (!rc && !matched.n && !may_miss)
            return err_set(err, ERR_INVALID, "values file glob \"%.*s\" matched no files",
                           STR_FMT(entry));
        for (size_t i = 0; !rc && i < matched.n; i++)
            if (!is_named(named, matched.at[i]))
                add_name(x, io, matched.at[i]);
        return rc;
    }
    if (p.files && may_miss) {
        rc = files_stat(p.files, p.path, true, x->arena, &e, err);
        if (rc || e.kind == FILE_MISSING)
            return rc;
    }
    add_name(x, io, name_of(x->arena, &p));
    return 0;
}

int helm_take_value_files(struct helm_app *x, struct err *err)
{
    struct places all = {0}, named = {0};
    value list = helm_app_get(x, "valueFiles");
    find_named(x, list, &named);
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (take_entry(x, value_str(it.val), &named, &all, err))
            return err_wrap(err, "error resolving helm value files");
    for (size_t i = 0; i < all.n; i++) {
        struct helm_value_source s = {HELM_VALUE_FILE, all.at[i]};
        vec_push(x->arena, &x->values, s);
        helm_app_argument(x, "--values", all.at[i]);
    }
    return 0;
}

/* ---- fileParameters ---- */

int helm_take_file_parameters(struct helm_app *x, struct err *err)
{
    str ignored;
    for (struct value_iter it = value_iter(helm_app_get(x, "fileParameters")); value_next(&it);) {
        struct place p;
        str entry = value_str(value_getz(it.val, "path"));
        if (place_of_entry(x, entry, &p, err))
            return err_wrap(err, tree_named(x, entry, &ignored)
                                     ? "error resolving set-file path"
                                     : "error resolving helm value file path");
        str line = ARENA_CAT(x->arena, value_str(value_getz(it.val, "name")), STR("="),
                             helm_clean_parameter(x->arena, name_of(x->arena, &p)));
        struct helm_value_source s = {HELM_VALUE_SET_FILE, line};
        vec_push(x->arena, &x->values, s);
        helm_app_argument(x, "--set-file", line);
    }
    return 0;
}

/* ---- contents ---- */

/* Of a file on another server: what was supplied, or a need and nothing for now. */
static int read_remote(struct helm_app *x, str url, str *ret, struct err *err)
{
    struct need n = {.kind = NEED_REMOTE, .remote = {.url = url}};
    const struct render_supply *s = render_supply_find(x->request, &n);
    *ret = STR("");
    if (!s)
        return render_need(x->arena, x->result, &n, err);
    if (s->error)
        return err_set(err, s->error, "%.*s", STR_FMT(s->text));
    *ret = s->bytes;
    return 0;
}

int helm_read_value_file(void *arg, str name, struct arena *a, str *ret, struct err *err)
{
    struct helm_app *x = arg;
    struct file_entry e;
    struct place p;
    if (str_is(name, HELM_EXTRA_VALUES)) {
        *ret = x->extra;
        return 0;
    }
    if (!place_of(x, name, &p))
        return read_remote(x, name, ret, err);
    int rc = files_stat(p.files, p.path, true, a, &e, err);
    if (rc)
        return rc;
    if (e.kind == FILE_MISSING)
        return err_set(err, ERR_INVALID, "open %.*s: no such file or directory", STR_FMT(name));
    if (e.kind == FILE_FOLDER)
        return err_set(err, ERR_INVALID, "read %.*s: is a directory", STR_FMT(name));
    return files_read(p.files, p.path, 0, a, ret, err);
}
