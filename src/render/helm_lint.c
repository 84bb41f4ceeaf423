/* helm_lint.c: rendering for the linter. */
#include "render/helm_lint.h"

#include "lang/jsonschema.h"
#include "render/helm_engine.h"
#include "render/helm_schema.h"
#include "render/helm_values.h"
#include "value/yaml.h"

static const char *json_name(value v)
{
    static const char *const names[] = {
        [VALUE_NONE] = "null",     [VALUE_NULL] = "null",   [VALUE_BOOL] = "bool",
        [VALUE_INT] = "number",    [VALUE_UINT] = "number", [VALUE_DOUBLE] = "number",
        [VALUE_STRING] = "string", [VALUE_LIST] = "array",  [VALUE_MAP] = "object",
    };
    return names[value_type(v)];
}

int helm_lint_values(str text, enum helm_level level, struct arena *a, value *ret, struct err *err)
{
    value v = VALUE_ABSENT;
    if (yaml_parse(text, NULL, a, &v, err))
        return err_wrap(err, "error converting YAML to JSON");
    if (!value_is_nil(v) && !value_is_map(v))
        return err_set(err, ERR_INVALID,
                       "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal %s "
                       "into Go value of type %s.Values",
                       json_name(v), level == HELM_LEVEL_3 ? "chartutil" : "common");
    *ret = value_is_map(v) ? helm_values_as_float(a, v) : value_new_map(a);
    return 0;
}

int helm_lint_schema(str schema, value values, value over, struct arena *a, str *ret_why,
                     struct err *err)
{
    struct jsonschema_input in = {.url = STR("file:///values.schema.json"),
                                  .regexp = &JSONSCHEMA_RE2};
    const struct jsonschema *s;
    value all = helm_values_merge(a, values, value_is_map(over) ? value_thaw(a, over) : over);
    int rc = jsonschema_compile(schema, &in, a, &s, ret_why, err);
    if (rc)
        return rc;
    rc = jsonschema_validate(s, all, a, ret_why, err);
    if (rc)
        *ret_why = ARENA_CAT(a, *ret_why, STR("\n"));
    return rc;
}

int helm_lint_render(const struct helm_job *j, struct arena *a, struct helm_lint_rendered *ret,
                     str *ret_why, struct err *err)
{
    const struct helm_options *o = j->options;
    struct helm_options options = *o;
    struct helm_values_context x = {.arena = a, .log = j->log, .level3 = o->level == HELM_LEVEL_3};
    struct helm_engine e = {.arena = a, .options = &options, .log = j->log};
    struct helm_kube_version kube;
    struct helm_rendered *at = NULL;
    value values;
    options.lint = true;
    int rc = helm_kube_version_parse(o->kube_version, o->level, a, &kube, err);
    if (rc)
        return rc;
    struct helm_chart *c = helm_chart_clone(a, j->chart);
    /* What cannot be put together is told by other rules: helm says nothing here. */
    if (helm_dependencies_process(&x, c, j->user, err) ||
        helm_values_coalesce(&x, c, j->user, &values, err))
        return 0;
    if (!o->skip_schema)
        rc = helm_schema_check(c, values, a, j->log, ret_why, err);
    if (rc)
        return rc;
    helm_objects_init(&e.objects, &options, &kube, a);
    rc = helm_engine_run(&e, c, values, &at, &ret->n, err);
    *ret_why = e.failure;
    ret->at = at;
    return rc;
}

str helm_lint_text(const struct helm_lint_rendered *r, str path)
{
    for (size_t i = 0; i < r->n; i++)
        if (str_eq(r->at[i].path, path))
            return r->at[i].text;
    return STR("");
}
