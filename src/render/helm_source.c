/* What Argo CD makes of source.helm, and what it does with what helm prints. */
#include "render/helm_source.h"

#include <stdlib.h>

#include "lang/glob.h"
#include "lang/semver.h"
#include "render/helm_cache.h"
#include "render/helm_values.h"
#include "value/yaml.h"

#define EXTRA_VALUES "values.inline.yaml" /* in place of a temporary file's name */
#define GLOB_FILES_MAX 10000

struct helm_app {
    const struct render_request *request;
    struct arena *arena;
    value source, helm;
    str path; /* of the chart */
    VEC(struct helm_value_source) values;
    str extra;   /* text of values or valuesObject; at NULL: none */
    str command; /* as Argo CD shows it */
};

static str text_at(const struct helm_app *x, const char *key)
{
    return value_str(value_get(x->helm, str_of(key)));
}

static bool flag_at(const struct helm_app *x, const char *key)
{
    return value_bool(value_get(x->helm, str_of(key)));
}

static void add_argument(struct helm_app *x, const char *flag, str text)
{
    x->command =
        ARENA_CAT(x->arena, x->command, STR(" "), str_of(flag), text.at ? STR(" ") : STR(""), text);
}

/* ---- files ---- */

/* A file of source.helm against the chart's folder, or with a leading '/' against the repository.
 */
static int resolve(struct helm_app *x, str name, str *ret, struct err *err)
{
    bool absolute = str_starts(name, STR("/"));
    if (!files_path_join(x->arena, absolute ? STR("") : x->path,
                         absolute ? str_from(name, 1) : name, ret))
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
        if (!letter && (!i || !((name.at[i] >= '0' && name.at[i] <= '9') || c == '+' || c == '-' ||
                                c == '.' || name.at[i] == '+')))
            return STR("");
    }
    return colon > 0 ? str_sub(name, 0, (size_t)colon) : STR("");
}

static int check_scheme(str name, struct err *err)
{
    str scheme = scheme_of(name);
    if (!scheme.len)
        return 0;
    if (!str_ieq(scheme, STR("http")) && !str_ieq(scheme, STR("https")))
        return err_set(err, ERR_INVALID, "the URL scheme '%.*s' is not allowed", STR_FMT(scheme));
    return err_set(err, ERR_UNSUPPORTED,
                   "value file '%.*s': files of other servers are not fetched", STR_FMT(name));
}

struct found {
    struct {
        str path;
        bool by_pattern;
    } * at;
    size_t n, cap;
};

static bool is_found(const struct found *f, str path)
{
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(f->at[i].path, path))
            return true;
    return false;
}

static void add_found(struct helm_app *x, struct found *f, str path, bool by_pattern)
{
    if (is_found(f, path))
        return;
    f->n++;
    if (f->n > f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 8;
        f->at = arena_grow(x->arena, f->at, f->cap * sizeof(f->at[0]), cap * sizeof(f->at[0]));
        f->cap = cap;
    }
    f->at[f->n - 1].path = path;
    f->at[f->n - 1].by_pattern = by_pattern;
}

/* Regular files below `folder` that match; entries come sorted. */
static int match_below(struct helm_app *x, str folder, str pattern, unsigned depth,
                       struct found *ret, struct err *err)
{
    struct file_list l = {0};
    int rc = depth > HELM_DEPTH_MAX ? 0 : files_list(x->request->files, folder, x->arena, &l, err);
    for (size_t i = 0; !rc && i < l.n; i++) {
        str path = folder.len ? ARENA_CAT(x->arena, folder, STR("/"), l.at[i].name) : l.at[i].name;
        struct file_entry e = l.at[i];
        bool matched = false;
        if (e.kind == FILE_LINK)
            rc = files_stat(x->request->files, path, true, x->arena, &e, err);
        if (!rc && e.kind == FILE_FOLDER && l.at[i].kind == FILE_FOLDER)
            rc = match_below(x, path, pattern, depth + 1, ret, err);
        else if (!rc && file_kind_is_regular(e.kind))
            rc = doublestar_match(pattern, path, &matched, err);
        if (matched)
            add_found(x, ret, path, true);
        if (ret->n > GLOB_FILES_MAX)
            return err_set(err, ERR_TOO_LARGE,
                           "values file glob \"%.*s\" matches more than %d files", STR_FMT(pattern),
                           GLOB_FILES_MAX);
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

static int expand_pattern(struct helm_app *x, str name, str pattern, struct found *ret,
                          struct err *err)
{
    struct file_entry e;
    size_t before = ret->n;
    str folder = fixed_folder(pattern);
    int rc = files_stat(x->request->files, folder, true, x->arena, &e, err);
    if (!rc && e.kind == FILE_FOLDER)
        rc = match_below(x, folder, pattern, 0, ret, err);
    if (!rc && ret->n == before && !flag_at(x, "ignoreMissingValueFiles"))
        return err_set(err, ERR_INVALID, "values file glob \"%.*s\" matched no files",
                       STR_FMT(name));
    return rc;
}

static int resolve_value_file(struct helm_app *x, str entry, struct found *ret, struct err *err)
{
    struct file_entry e;
    str path, name = build_env_expand(x->request, x->source, x->arena, entry);
    int rc = check_scheme(name, err);
    if (!rc)
        rc = resolve(x, name, &path, err);
    if (rc)
        return rc;
    if (doublestar_has_meta(path))
        return expand_pattern(x, name, path, ret, err);
    if (flag_at(x, "ignoreMissingValueFiles")) {
        rc = files_stat(x->request->files, path, true, x->arena, &e, err);
        if (rc || e.kind == FILE_MISSING)
            return rc;
    }
    add_found(x, ret, path, false);
    return 0;
}

/* A file that is named and matched stands where it is named. */
static void add_value_files(struct helm_app *x, const struct found *all, const struct found *named)
{
    for (size_t i = 0; i < all->n; i++) {
        if (all->at[i].by_pattern && is_found(named, all->at[i].path))
            continue;
        struct helm_value_source s = {HELM_VALUE_FILE, all->at[i].path};
        vec_push(x->arena, &x->values, s);
        add_argument(x, "--values", all->at[i].path);
    }
}

static int take_value_files(struct helm_app *x, struct err *err)
{
    struct found all = {0}, named = {0};
    value list = value_getz(x->helm, "valueFiles");
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        struct found one = {0};
        int rc = resolve_value_file(x, value_str(it.val), &one, err);
        if (rc) {
            (void)err_wrap(err, "error resolving value file path");
            return err_wrap(err, "error resolving helm value files");
        }
        for (size_t i = 0; i < one.n; i++) {
            if (!one.at[i].by_pattern)
                add_found(x, &named, one.at[i].path, false);
            if (!is_found(&all, one.at[i].path))
                add_found(x, &all, one.at[i].path, one.at[i].by_pattern);
            else if (!one.at[i].by_pattern)
                for (size_t j = 0; j < all.n; j++) /* matched before: it moves here */
                    if (str_eq(all.at[j].path, one.at[i].path) && all.at[j].by_pattern) {
                        all.at[j].path = STR("");
                        add_found(x, &all, one.at[i].path, false);
                    }
        }
    }
    add_value_files(x, &all, &named);
    return 0;
}

static int read_value_file(void *arg, str path, struct arena *a, str *ret, struct err *err)
{
    struct helm_app *x = arg;
    struct file_entry e;
    if (str_is(path, EXTRA_VALUES)) {
        *ret = x->extra;
        return 0;
    }
    int rc = path.len ? files_stat(x->request->files, path, true, a, &e, err) : 0;
    if (rc)
        return rc;
    if (!path.len || e.kind == FILE_MISSING)
        return err_set(err, ERR_INVALID, "open %.*s: no such file or directory", STR_FMT(path));
    return files_read(x->request->files, path, 0, a, ret, err);
}

/* ---- values and parameters ---- */

static void take_values(struct helm_app *x)
{
    value object = value_getz(x->helm, "valuesObject");
    str text = text_at(x, "values");
    if (value_exists(object) && !value_is_null(object)) {
        CLEANUP(buf_done) struct buf b = BUF_INIT;
        yaml_print(object, YAML_SIGS, AUDIENCE_WIRE, &b);
        text = arena_str(x->arena, buf_str(&b));
    }
    if (!text.len)
        return;
    x->extra = text;
    struct helm_value_source s = {HELM_VALUE_FILE, STR(EXTRA_VALUES)};
    vec_push(x->arena, &x->values, s);
    add_argument(x, "--values", STR(EXTRA_VALUES));
}

/* Commas escaped, but not in "{a,b}" and not twice. */
static str clean_parameter(struct arena *a, str v)
{
    if (str_starts(v, STR("{")) && str_ends(v, STR("}")))
        return v;
    char *at = arena_alloc(a, v.len * 2 + 1);
    size_t n = 0;
    for (size_t i = 0; i < v.len; i++) {
        if (v.at[i] == ',' && (!i || v.at[i - 1] != '\\'))
            at[n++] = '\\';
        at[n++] = v.at[i];
    }
    return str_mem(at, n);
}

static bool is_last_of_its_name(value list, size_t i, bool force)
{
    str name = value_str(value_getz(value_at(list, i), "name"));
    for (size_t j = i + 1; j < value_len(list); j++) {
        value other = value_at(list, j);
        if (str_eq(value_str(value_getz(other, "name")), name) &&
            value_bool(value_getz(other, "forceString")) == force)
            return false;
    }
    return true;
}

static void take_parameters(struct helm_app *x, bool force, enum helm_value_kind kind,
                            const char *flag)
{
    value list = value_getz(x->helm, "parameters");
    for (size_t i = 0; i < value_len(list); i++) {
        value p = value_at(list, i);
        if (value_bool(value_getz(p, "forceString")) != force ||
            !is_last_of_its_name(list, i, force))
            continue;
        str text =
            build_env_expand(x->request, x->source, x->arena, value_str(value_getz(p, "value")));
        str line = ARENA_CAT(x->arena, value_str(value_getz(p, "name")), STR("="),
                             clean_parameter(x->arena, text));
        struct helm_value_source s = {kind, line};
        vec_push(x->arena, &x->values, s);
        add_argument(x, flag, line);
    }
}

static int take_file_parameters(struct helm_app *x, struct err *err)
{
    value list = value_getz(x->helm, "fileParameters");
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        str path, name = build_env_expand(x->request, x->source, x->arena,
                                          value_str(value_getz(it.val, "path")));
        int rc = check_scheme(name, err);
        if (!rc)
            rc = resolve(x, name, &path, err);
        if (rc)
            return err_wrap(err, "error resolving helm value file path");
        str line = ARENA_CAT(x->arena, value_str(value_getz(it.val, "name")), STR("="),
                             clean_parameter(x->arena, path));
        struct helm_value_source s = {HELM_VALUE_SET_FILE, line};
        vec_push(x->arena, &x->values, s);
        add_argument(x, "--set-file", line);
    }
    return 0;
}

/* ---- options ---- */

/* "1.36.3" of "v1.36.3-gke.1"; a text that is no version stays. */
static str plain_version(struct arena *a, str text)
{
    str rest = str_trim_prefix(str_trim(text), STR("v")), part;
    str parts[3] = {STR("0"), STR("0"), STR("0")};
    for (size_t i = 0; i < 3 && str_next(&rest, '.', &part); i++) {
        size_t n = 0;
        while (n < part.len && part.at[n] >= '0' && part.at[n] <= '9')
            n++;
        if (!n)
            return i ? ARENA_CAT(a, parts[0], STR("."), parts[1], STR("."), parts[2]) : text;
        parts[i] = str_sub(part, 0, n);
        if (n < part.len)
            break;
    }
    return ARENA_CAT(a, parts[0], STR("."), parts[1], STR("."), parts[2]);
}

static str release_name(const struct helm_app *x)
{
    str name = text_at(x, "releaseName"), space, rest;
    if (name.len)
        return name;
    /* "namespace_name" outside the control plane's namespace */
    return str_cut(x->request->app_name, '_', &space, &rest) ? rest : x->request->app_name;
}

static int take_options(struct helm_app *x, struct helm_options *ret, struct err *err)
{
    const struct render_request *r = x->request;
    str version = text_at(x, "version"), kube = text_at(x, "kubeVersion");
    value apis = value_getz(x->helm, "apiVersions");
    if (version.len && !str_is(version, "v3") && !str_is(version, "v4"))
        return err_set(err, ERR_INVALID,
                       "error initializing helm app object: failed to create new helm command: "
                       "helm version '%.*s' is not supported",
                       STR_FMT(version));
    *ret = (struct helm_options){
        .level = str_is(version, "v3") ? HELM_LEVEL_3 : HELM_LEVEL_4,
        .release = release_name(x),
        .namespace = text_at(x, "namespace").len ? text_at(x, "namespace") : r->namespace,
        .kube_version = plain_version(x->arena, kube.len ? kube : r->kube_version),
        .api_version = r->api_version,
        .n_api_versions = r->n_api_versions,
        .skip_schema = flag_at(x, "skipSchemaValidation"),
    };
    if (!r->kube_version.len && !kube.len)
        ret->kube_version = STR("");
    if (value_len(apis)) {
        str *at = ARENA_ARRAY(x->arena, str, value_len(apis));
        for (struct value_iter it = value_iter(apis); value_next(&it);)
            at[it.i] = value_str(it.val);
        ret->api_version = at;
        ret->n_api_versions = value_len(apis);
    }
    x->command = ARENA_CAT(x->arena, STR("helm template . --name-template "), ret->release);
    if (ret->namespace.len)
        add_argument(x, "--namespace", ret->namespace);
    else
        ret->namespace = STR("default");
    if (ret->kube_version.len)
        add_argument(x, "--kube-version", ret->kube_version);
    return 0;
}

static void add_last_arguments(struct helm_app *x, const struct helm_options *o)
{
    if (o->n_api_versions)
        add_argument(x, "<api versions removed>", (str){NULL, 0});
    if (!flag_at(x, "skipCrds"))
        add_argument(x, "--include-crds", (str){NULL, 0});
    if (o->skip_schema)
        add_argument(x, "--skip-schema-validation", (str){NULL, 0});
    if (flag_at(x, "skipTests"))
        add_argument(x, "--skip-tests", (str){NULL, 0});
}

/* ---- subcharts that are not in charts/ ---- */

static bool has_subchart(const struct helm_chart *c, str name)
{
    for (size_t i = 0; i < c->n_dependencies; i++)
        if (str_eq(helm_chart_name(c->dependency[i]), name))
            return true;
    return false;
}

static int load_local(struct helm_app *x, struct helm_chart *c, const struct helm_dependency *d,
                      struct helm_log *log, struct err *err)
{
    str path, where = str_from(d->repository, STR("file://").len);
    struct helm_chart *sub;
    if (str_starts(where, STR("/")) || !files_path_join(x->arena, x->path, where, &path))
        return err_set(err, ERR_INVALID, "directory %.*s is outside of the repository",
                       STR_FMT(where));
    int rc = helm_load_folder(x->request->files, path, path, x->arena, log, &sub, err);
    if (rc)
        return rc;
    if (!helm_is_compatible(x->arena, d->version, sub->metadata->version))
        return err_set(err, ERR_INVALID,
                       "can't get a valid version for dependency \"%.*s\": %.*s is not in %.*s",
                       STR_FMT(d->name), STR_FMT(sub->metadata->version), STR_FMT(d->version));
    helm_chart_add(x->arena, c, sub);
    return 0;
}

static int build_dependencies(struct helm_app *x, const struct helm_chart **io_c,
                              struct helm_log *log, struct err *err)
{
    struct helm_chart *c = helm_chart_clone(x->arena, *io_c);
    *io_c = c;
    for (size_t i = 0; i < c->metadata->n_dependencies; i++) {
        const struct helm_dependency *d = &c->metadata->dependency[i];
        int rc = 0;
        if (has_subchart(c, d->name))
            continue;
        if (str_starts(d->repository, STR("file://")))
            rc = load_local(x, c, d, log, err);
        else if (d->repository.len)
            rc = err_set(err, ERR_UNSUPPORTED,
                         "chart %.*s %.*s of %.*s is not in charts/, and charts of repositories "
                         "are not fetched",
                         STR_FMT(d->name), STR_FMT(d->version), STR_FMT(d->repository));
        if (rc)
            return err_wrap(err, "error building helm chart dependencies");
    }
    return 0;
}

/* ---- objects ---- */

static int add_object(struct helm_app *x, value object, str file, struct render_result *ret,
                      struct err *err)
{
    if (value_is_nil(object))
        return 0;
    int rc = render_check_object(object, err);
    if (rc)
        return err_wrap(err, "failed to unmarshal manifest: error unmarshaling JSON: while "
                             "decoding JSON");
    return render_add(x->arena, ret, object, file, 1, err);
}

/* "chart/charts/x/templates/y.yaml" -> below the repository, for messages. */
static str shown_file(struct helm_app *x, str chart_file)
{
    str chart, below;
    str_cut(chart_file, '/', &chart, &below);
    return x->path.len ? ARENA_CAT(x->arena, x->path, STR("/"), below) : below;
}

static int add_objects(struct helm_app *x, const struct helm_output *h, struct render_result *ret,
                       struct err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && !flag_at(x, "skipCrds") && i < h->n_crds; i++) {
        str file = shown_file(x, h->crd[i].file);
        rc = directory_decode(STR("crd.yaml"), file, h->crd[i].data, x->arena, ret, err);
    }
    for (size_t i = 0; !rc && i < h->manifests.n; i++)
        rc = add_object(x, h->manifests.at[i].object, shown_file(x, h->manifests.at[i].path), ret,
                        err);
    for (size_t i = 0; !rc && i < h->hooks.n; i++)
        if (!flag_at(x, "skipTests") || !h->hooks.at[i].is_test)
            rc = add_object(x, h->hooks.at[i].object, shown_file(x, h->hooks.at[i].path), ret, err);
    return rc ? rc : render_expand_lists(x->arena, ret, err);
}

/* ---- all of it ---- */

static int command_failed(const struct helm_app *x, const struct helm_output *h, struct err *err)
{
    str text = str_trim(arena_str(x->arena, h->failure.len ? h->failure : err_str(err)));
    return err_set(err, err->kind,
                   "failed to execute helm template command: failed running helm: `%.*s` failed "
                   "exit status 1: Error: %.*s%s",
                   STR_FMT(x->command), STR_FMT(text),
                   h->started ? "\n\nUse --debug flag to render out invalid YAML" : "");
}

static int take_all(struct helm_app *x, struct helm_options *o, struct err *err)
{
    int rc = take_options(x, o, err);
    if (rc)
        return rc;
    take_parameters(x, false, HELM_VALUE_SET, "--set");
    take_parameters(x, true, HELM_VALUE_STRING, "--set-string");
    rc = take_file_parameters(x, err);
    if (!rc)
        rc = take_value_files(x, err);
    if (rc)
        return rc;
    take_values(x);
    add_last_arguments(x, o);
    return 0;
}

int helm_source_render(const struct render_request *r, value source, str path, struct arena *a,
                       struct render_result *ret, struct err *err)
{
    struct helm_app x = {.request = r,
                         .arena = a,
                         .source = source,
                         .helm = value_getz(source, "helm"),
                         .path = path};
    struct helm_options o;
    struct helm_log log = {.arena = a};
    struct helm_job j = {.options = &o, .cache = r->helm_cache, .log = &log};
    struct helm_output h = {.failure = STR("")};
    const struct helm_chart *chart = NULL;
    int rc = take_all(&x, &o, err);
    if (rc)
        return rc;
    struct helm_value_input in = {.at = x.values.at,
                                  .n = x.values.n,
                                  .read = read_value_file,
                                  .read_arg = &x};
    rc = helm_user_values(&in, a, &j.user, err);
    if (!rc)
        rc = helm_cache_load(r->helm_cache, r->files, path, a, &log, &chart, err);
    if (rc)
        return command_failed(&x, &h, err);
    rc = build_dependencies(&x, &chart, &log, err);
    if (rc)
        return rc;
    j.chart = chart;
    rc = helm_render(&j, a, &h, err);
    return rc ? command_failed(&x, &h, err) : add_objects(&x, &h, ret, err);
}
