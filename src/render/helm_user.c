/* Values that the user gives: files, then the --set family in helm's order of kinds. */
#include "render/helm.h"
#include "render/helm_values.h"
#include "value/json.h"

static int add_file(const struct helm_value_input *in, str name, struct arena *a, value *io,
                    struct err *err)
{
    str text;
    value v;
    int rc = in->read(in->read_arg, name, a, &text, err);
    if (rc)
        return rc;
    if (helm_values_parse(text, in->level, a, &v, err))
        return err_wrap(err, "failed to parse %.*s", STR_FMT(name));
    *io = helm_values_merge(a, *io, v);
    return 0;
}

static int add_json(str text, enum helm_level level, struct arena *a, value *io, struct err *err)
{
    str trimmed = str_trim(text);
    struct err ignored;
    value v = VALUE_ABSENT;
    if (level != HELM_LEVEL_3 && str_starts(trimmed, STR("{"))) {
        if (json_parse(trimmed, NULL, a, &v, &ignored))
            return err_set(err, ERR_INVALID, "failed parsing --set-json data JSON: %.*s",
                           STR_FMT(text));
        *io = helm_values_merge(a, *io, helm_values_as_float(a, v));
        return 0;
    }
    struct helm_set_input set = {.kind = HELM_SET_JSON, .level3 = level == HELM_LEVEL_3};
    if (helm_set_into(&set, text, a, *io, &ignored))
        return err_set(err, ERR_INVALID, "failed parsing --set-json data %.*s", STR_FMT(text));
    return 0;
}

static const struct {
    enum helm_value_kind kind;
    enum helm_set_kind set;
    const char *flag;
} set_kinds[] = {
    {HELM_VALUE_SET, HELM_SET, "--set"},
    {HELM_VALUE_STRING, HELM_SET_STRING, "--set-string"},
    {HELM_VALUE_SET_FILE, HELM_SET_FILE, "--set-file"},
    {HELM_VALUE_LITERAL, HELM_SET_LITERAL, "--set-literal"},
};

static int add_sets(const struct helm_value_input *in, size_t which, struct arena *a, value io,
                    struct err *err)
{
    struct helm_set_input set = {.kind = set_kinds[which].set,
                                 .level3 = in->level == HELM_LEVEL_3,
                                 .read = in->read,
                                 .arg = in->read_arg};
    for (size_t i = 0; i < in->n; i++)
        if (in->at[i].kind == set_kinds[which].kind &&
            helm_set_into(&set, in->at[i].text, a, io, err))
            return err_wrap(err, "failed parsing %s data", set_kinds[which].flag);
    return 0;
}

int helm_user_values(const struct helm_value_input *in, struct arena *a, value *ret,
                     struct err *err)
{
    value all = value_new_map(a);
    int rc = 0;
    for (size_t i = 0; !rc && i < in->n; i++)
        if (in->at[i].kind == HELM_VALUE_FILE)
            rc = add_file(in, in->at[i].text, a, &all, err);
    for (size_t i = 0; !rc && i < in->n; i++)
        if (in->at[i].kind == HELM_VALUE_JSON)
            rc = add_json(in->at[i].text, in->level, a, &all, err);
    for (size_t i = 0; !rc && i < ARRAY_LEN(set_kinds); i++)
        rc = add_sets(in, i, a, all, err);
    if (!rc)
        *ret = all;
    return rc;
}
