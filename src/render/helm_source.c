/* What Argo CD makes of source.helm, and what it does with what helm prints. */
#include "render/helm_app.h"

#include "lang/semver.h"
#include "render/helm_cache.h"
#include "render/helm_values.h"
#include "value/yaml.h"

static str text_at(const struct helm_app *x, const char *key)
{
    return value_str(value_get(x->helm, str_of(key)));
}

static bool flag_at(const struct helm_app *x, const char *key)
{
    return value_bool(value_get(x->helm, str_of(key)));
}

void helm_app_argument(struct helm_app *x, const char *flag, str text)
{
    x->command =
        ARENA_CAT(x->arena, x->command, STR(" "), str_of(flag), text.at ? STR(" ") : STR(""), text);
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
    struct helm_value_source s = {HELM_VALUE_FILE, STR(HELM_EXTRA_VALUES)};
    vec_push(x->arena, &x->values, s);
    helm_app_argument(x, "--values", STR(HELM_EXTRA_VALUES));
}

str helm_clean_parameter(struct arena *a, str v)
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
                             helm_clean_parameter(x->arena, text));
        struct helm_value_source s = {kind, line};
        vec_push(x->arena, &x->values, s);
        helm_app_argument(x, flag, line);
    }
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
        helm_app_argument(x, "--namespace", ret->namespace);
    else
        ret->namespace = STR("default");
    if (ret->kube_version.len)
        helm_app_argument(x, "--kube-version", ret->kube_version);
    return 0;
}

static void add_last_arguments(struct helm_app *x, const struct helm_options *o)
{
    if (o->n_api_versions)
        helm_app_argument(x, "<api versions removed>", (str){NULL, 0});
    if (!flag_at(x, "skipCrds"))
        helm_app_argument(x, "--include-crds", (str){NULL, 0});
    if (o->skip_schema)
        helm_app_argument(x, "--skip-schema-validation", (str){NULL, 0});
    if (flag_at(x, "skipTests"))
        helm_app_argument(x, "--skip-tests", (str){NULL, 0});
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

static int add_objects(struct helm_app *x, const struct helm_reader *reader,
                       const struct helm_output *h, struct render_result *ret, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && !flag_at(x, "skipCrds") && i < h->n_crds; i++) {
        str file = shown_file(x, h->crd[i].file);
        str data = helm_file_data(h->crd[i].content);
        rc = directory_decode(STR("crd.yaml"), file, data, x->arena, ret, err);
    }
    if (reader && reader->rc) {
        *err = reader->err;
        return reader->rc;
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
    str command = helm_app_shown(x->arena, x->command);
    text = helm_app_shown(x->arena, text);
    return err_set(err, err->kind,
                   "failed to execute helm template command: failed running helm: `%.*s` failed "
                   "exit status 1: Error: %.*s%s",
                   STR_FMT(command), STR_FMT(text),
                   h->started ? "\n\nUse --debug flag to render out invalid YAML" : "");
}

/* In upstream's order of errors; in the command values stand behind what is set. */
static int take_all(struct helm_app *x, struct helm_options *o, struct err *err)
{
    int rc = take_options(x, o, err);
    if (rc)
        return rc;
    str command = x->command;
    x->command = STR("");
    rc = helm_take_value_files(x, err);
    if (rc)
        return rc;
    take_values(x);
    str values = x->command;
    x->command = command;
    take_parameters(x, false, HELM_VALUE_SET, "--set");
    take_parameters(x, true, HELM_VALUE_STRING, "--set-string");
    rc = helm_take_file_parameters(x, err);
    x->command = ARENA_CAT(x->arena, x->command, values);
    add_last_arguments(x, o);
    return rc;
}

/* With needs stated nothing is rendered: the next round has their answers. */
static int render(struct helm_app *x, const struct helm_options *o, struct err *err)
{
    const struct render_request *r = x->request;
    struct helm_log log = {.arena = x->arena, .level = o->level};
    struct helm_job j = {.options = o, .cache = r->helm_cache, .log = &log};
    struct helm_output h = {.failure = STR("")};
    struct helm_value_input in = {.level = o->level,
                                  .at = x->values.at,
                                  .n = x->values.n,
                                  .read = helm_read_value_file,
                                  .read_arg = x};
    const struct helm_chart *chart = NULL;
    int rc = helm_user_values(&in, x->arena, &j.user, err);
    if (!rc)
        rc = helm_cache_load(r->helm_cache, r->files, x->path, x->arena, &log, &chart, err);
    if (rc)
        return command_failed(x, &h, err);
    rc = helm_build(x, &log, &chart, err);
    if (rc || x->result->needs.n)
        return rc;
    j.chart = chart;
    rc = helm_render(&j, x->arena, &h, err);
    return rc ? command_failed(x, &h, err) : add_objects(x, chart->reader, &h, x->result, err);
}

int helm_source_render(const struct render_request *r, value source, str path, struct arena *a,
                       struct render_result *ret, struct err *err)
{
    struct helm_app x = {.request = r,
                         .arena = a,
                         .source = source,
                         .helm = value_getz(source, "helm"),
                         .path = path,
                         .result = ret};
    struct helm_options o;
    int rc = take_all(&x, &o, err);
    return rc ? rc : render(&x, &o, err);
}
