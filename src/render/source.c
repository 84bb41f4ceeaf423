/* source.c: the one door of render/: path, overrides, type, engine. */
#include "render/engine.h"
#include "render/helm_source.h"
#include "value/patch.h"
#include "value/yaml.h"

str render_type_name(enum render_type t)
{
    static const str names[] = {
        [RENDER_DIRECTORY] = STR_INIT("Directory"),
        [RENDER_HELM] = STR_INIT("Helm"),
        [RENDER_KUSTOMIZE] = STR_INIT("Kustomize"),
        [RENDER_PLUGIN] = STR_INIT("Plugin"),
        [RENDER_NOTHING] = STR_INIT(""),
    };
    return names[t];
}

int render_app_path(struct files *f, str path, struct arena *a, str *ret_path, struct err *err)
{
    if (str_starts(path, STR("/")))
        return err_set(err, ERR_INVALID, "%.*s: app path is absolute", STR_FMT(path));
    str clean;
    /* Lexically, as upstream's path.Join: "a/../../b" is outside even if the walk would come back.
     */
    if (!files_path_join(a, STR(""), path, &clean))
        return err_set(err, ERR_INVALID, "%.*s: app path outside root", STR_FMT(path));
    struct file_entry e;
    int rc = files_stat(f, clean, true, a, &e, err);
    if (rc)
        return rc;
    if (e.kind == FILE_MISSING)
        return err_set(err, ERR_INVALID, "%.*s: app path does not exist", STR_FMT(path));
    if (e.kind == FILE_MODULE)
        return err_set(err, ERR_UNSUPPORTED,
                       "%.*s: is a git submodule, and submodules are not supported", STR_FMT(path));
    if (e.kind != FILE_FOLDER)
        return err_set(err, ERR_INVALID, "%.*s: app path is not a directory", STR_FMT(path));
    *ret_path = e.name;
    return 0;
}

/* ---- .argocd-source.yaml ---- */

static int merge_file(const struct render_request *r, str path, str name, struct arena *a,
                      value *io_source, struct err *err)
{
    str file = path.len ? ARENA_CAT(a, path, STR("/"), name) : name, text;
    struct file_entry e;
    value patch = VALUE_ABSENT;
    int rc = files_stat(r->files, file, true, a, &e, err);
    if (rc || !file_kind_is_regular(e.kind))
        return rc;
    struct yaml_input in = {0};
    rc = files_read(r->files, file, 0, a, &text, err);
    if (!rc)
        rc = yaml_parse(text, &in, a, &patch, err);
    if (!rc)
        rc = json_merge_patch_apply(a, *io_source, patch, io_source, err);
    if (rc && str_starts(err_str(err), STR("yaml: ")))
        (void)err_wrap(err, "error converting YAML to JSON");
    return rc ? err_wrap(err, "error while parsing source parameters: %.*s", STR_FMT(file)) : 0;
}

/* What an override file must not change. */
static const char *const kept_keys[] = {"chart", "path", "repoURL", "targetRevision"};

static int merge_overrides(const struct render_request *r, str path, struct arena *a,
                           value *io_source, struct err *err)
{
    value source = *io_source;
    int rc = merge_file(r, path, STR(".argocd-source.yaml"), a, &source, err);
    if (!rc && r->app_name.len && str_find_char(r->app_name, '/') < 0)
        rc = merge_file(r, path, ARENA_CAT(a, STR(".argocd-source-"), r->app_name, STR(".yaml")), a,
                        &source, err);
    if (rc)
        return rc;
    source = value_edit(a, value_is_map(source) ? source : value_new_map(a));
    for (size_t i = 0; i < ARRAY_LEN(kept_keys); i++)
        value_set(a, source, str_of(kept_keys[i]), value_get(*io_source, str_of(kept_keys[i])));
    *io_source = source;
    return 0;
}

/* ---- type ---- */

static const struct {
    const char *key;
    enum render_type type;
} sections[] = {
    /* in the order upstream names them */
    {"kustomize", RENDER_KUSTOMIZE},
    {"helm", RENDER_HELM},
    {"directory", RENDER_DIRECTORY},
    {"plugin", RENDER_PLUGIN},
};

static bool is_disabled(const struct render_request *r, enum render_type t)
{
    return (t == RENDER_HELM && r->disable_helm) || (t == RENDER_KUSTOMIZE && r->disable_kustomize);
}

/* *ret_n: how many sections there are. */
static int explicit_type(value source, struct arena *a, enum render_type *ret, size_t *ret_n,
                         struct err *err)
{
    str names = STR("");
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        if (value_is_nil(value_get(source, str_of(sections[i].key))))
            continue;
        *ret = sections[i].type;
        names = ARENA_CAT(a, names, n++ ? STR(",") : STR(""), render_type_name(sections[i].type));
    }
    *ret_n = n;
    if (n > 1)
        return err_set(err, ERR_INVALID, "multiple application sources defined: %.*s",
                       STR_FMT(names));
    return 0;
}

static bool is_kustomization(str name)
{
    return str_is(name, "kustomization.yaml") || str_is(name, "kustomization.yml") ||
           str_is(name, "Kustomization");
}

int render_detect(const struct render_request *r, value source, str path, struct arena *a,
                  enum render_type *ret, struct err *err)
{
    enum render_type type = RENDER_DIRECTORY;
    size_t n = 0;
    int rc = explicit_type(source, a, &type, &n, err);
    struct file_list l = {0};
    if (!rc && !n)
        rc = files_list(r->files, path, a, &l, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < l.n; i++) { /* the last one in order decides */
        if (l.at[i].kind == FILE_FOLDER || l.at[i].kind == FILE_MODULE)
            continue;
        if (str_ends(l.at[i].name, STR("Chart.yaml")) && !r->disable_helm)
            type = RENDER_HELM;
        else if (is_kustomization(l.at[i].name) && !r->disable_kustomize)
            type = RENDER_KUSTOMIZE;
    }
    *ret = is_disabled(r, type) ? RENDER_DIRECTORY : type;
    return 0;
}

/* ---- engines ---- */

int render_source(const struct render_request *r, struct arena *a, struct render_result *ret,
                  struct err *err)
{
    value source = r->source;
    str path;
    bool is_chart = value_str(value_getz(source, "chart")).len; /* its folder is the root */
    int rc = render_app_path(r->files, is_chart ? STR("") : value_str(value_getz(source, "path")),
                             a, &path, err);
    if (rc)
        return rc;
    rc = merge_overrides(r, path, a, &source, err);
    if (!rc)
        rc = render_detect(r, source, path, a, &ret->type, err);
    if (rc)
        return err_wrap(err, "error getting app source type");
    if (ret->type == RENDER_HELM)
        return helm_source_render(r, source, path, a, ret, err);
    if (ret->type != RENDER_DIRECTORY)
        return err_set(err, ERR_UNSUPPORTED, "%.*s: %.*s sources are not supported yet",
                       STR_FMT(path.len ? path : STR(".")), STR_FMT(render_type_name(ret->type)));
    return directory_render(r, path, value_getz(source, "directory"), a, ret, err);
}
