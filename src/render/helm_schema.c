/* Each chart's values against its own schema; all complaints in one text. */
#include "render/helm_schema.h"

#include "lang/jsonschema.h"

#define LEAD                                                                                       \
    STR("values don't meet the specifications of the schema(s) in the following chart(s):\n")

struct checking {
    struct arena *arena;
    struct helm_log *log;
    str complaints;
};

static void tell_unresolved(void *arg, str urn)
{
    helm_log_add(arg, "WARN", STR("unresolved URN reference ignored; using permissive schema"),
                 "urn", urn, NULL);
    helm_log_add3(arg, "jsonschema.go:192: ",
                  "WARNING: unresolved URN reference ignored; using permissive schema: %.*s",
                  STR_FMT(urn));
}

static int check_one(struct checking *x, const struct helm_chart *c, value values, struct err *err)
{
    struct jsonschema_input in = {.url = STR("file:///values.schema.json"),
                                  .regexp = &JSONSCHEMA_RE2,
                                  .unresolved = tell_unresolved,
                                  .arg = x->log};
    const struct jsonschema *s;
    str text = STR("");
    int rc = jsonschema_compile(c->schema, &in, x->arena, &s, &text, err);
    bool valid_schema = !rc;
    if (!rc)
        rc = jsonschema_validate(s, values, x->arena, &text, err);
    if (!rc)
        return 0;
    if (err->kind == ERR_TOO_LARGE)
        return err_wrap(err, "%.*s: values.schema.json", STR_FMT(helm_chart_name(c)));
    x->complaints = ARENA_CAT(x->arena, x->complaints, helm_chart_name(c), STR(":\n"), text,
                              valid_schema ? STR("\n") : STR(""));
    return 0;
}

static const char *go_type(value v)
{
    switch (value_type(v)) {
    case VALUE_BOOL: return "bool";
    case VALUE_INT: return "int64";
    case VALUE_DOUBLE: return "float64";
    case VALUE_STRING: return "string";
    default: return "[]interface {}";
    }
}

static int check(struct checking *x, const struct helm_chart *c, value values, struct err *err)
{
    int rc = c->has_schema ? check_one(x, c, values, err) : 0;
    for (size_t i = 0; !rc && i < c->n_dependencies; i++) {
        const struct helm_chart *sub = c->dependency[i];
        value below = value_get(values, helm_chart_name(sub));
        if (value_is_nil(below))
            continue;
        if (value_is_map(below))
            rc = check(x, sub, below, err);
        else
            x->complaints =
                ARENA_CAT(x->arena, x->complaints, helm_chart_name(sub),
                          STR(":\ninvalid type for values: expected object (map), got "),
                          str_of(go_type(below)), STR("\n"));
    }
    return rc;
}

int helm_schema_check(const struct helm_chart *c, value values, struct arena *a,
                      struct helm_log *log, str *ret_text, struct err *err)
{
    struct checking x = {.arena = a, .log = log, .complaints = STR("")};
    int rc = check(&x, c, values, err);
    if (rc || !x.complaints.len)
        return rc;
    *ret_text = ARENA_CAT(a, LEAD, x.complaints);
    return err_set(err, ERR_UNPROCESSABLE, "%.*s", STR_FMT(*ret_text));
}
