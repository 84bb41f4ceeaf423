/* Flags whose values are "name=value" entries of a list or map of the source. Source: argo-cd
 * cmd/util/app.go, pkg/apis/application/v1alpha1 (NewHelmParameter, NewKustomizeReplica, ...). */
#include "cli/app.h"
#include "value/yaml.h"

enum entry_value { ENTRY_TEXT, ENTRY_COMMAS, ENTRY_COUNT };

static const struct entry {
    const char *flag, *path; /* of the list, below the source */
    const char *value;       /* key of the value; the name's is "name" */
    const char *mark;        /* set to true, or NULL */
    enum entry_value type;
    bool merge;           /* an entry of the same name is replaced */
    const char *expected; /* error without "="; NULL: then there is no value */
} entries[] = {
    {"helm-set", "helm.parameters", "value", NULL, ENTRY_COMMAS, true,
     "expected helm parameter of the form param=value but received: "},
    {"helm-set-string", "helm.parameters", "value", "forceString", ENTRY_COMMAS, true,
     "expected helm parameter of the form param=value but received: "},
    {"helm-set-file", "helm.fileParameters", "path", NULL, ENTRY_TEXT, true,
     "expected helm file parameter of the form param=path but received: "},
    {"parameter", "helm.parameters", "value", NULL, ENTRY_COMMAS, true,
     "expected helm parameter of the form param=value but received: "},
    {"kustomize-replica", "kustomize.replicas", "count", NULL, ENTRY_COUNT, true,
     "expected parameter of the form: name=count. Received: "},
    {"plugin-env", "plugin.env", "value", NULL, ENTRY_TEXT, true,
     "expected env entry of the form: param=value but received: "},
    {"jsonnet-tla-str", "directory.jsonnet.tlas", "value", NULL, ENTRY_TEXT, false, NULL},
    {"jsonnet-tla-code", "directory.jsonnet.tlas", "value", "code", ENTRY_TEXT, false, NULL},
    {"jsonnet-ext-var-str", "directory.jsonnet.extVars", "value", NULL, ENTRY_TEXT, false, NULL},
    {"jsonnet-ext-var-code", "directory.jsonnet.extVars", "value", "code", ENTRY_TEXT, false, NULL},
};

static const struct {
    const char *flag, *path;
} maps[] = {
    {"kustomize-common-label", "kustomize.commonLabels"},
    {"kustomize-common-annotation", "kustomize.commonAnnotations"},
};

/* A comma would begin another parameter of --set: it gets a backslash unless it has one. */
static str escape_commas(struct cli *c, str text)
{
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == ',' && i && text.at[i - 1] != '\\')
            buf_addc(&out, '\\');
        buf_addc(&out, text.at[i]);
    }
    str escaped = arena_str(c->arena, buf_str(&out));
    buf_done(&out);
    return escaped;
}

/* The list at a dotted path of maps, made if missing. */
static value list_at(struct cli *c, value source, str path)
{
    str key;
    while (str_next(&path, '.', &key)) {
        if (!path.len)
            return value_edit_list(c->arena, source, key);
        source = value_edit_map(c->arena, source, key);
    }
    return VALUE_ABSENT;
}

static int entry_of(struct cli *c, const struct entry *e, str text, value *ret)
{
    str name, val;
    int64_t count;
    value v = value_new_map(c->arena);
    bool pair = str_cut(text, '=', &name, &val);
    if (!pair && e->expected)
        return cli_fatal(c, CLI_EXIT_USE, "%s%.*s", e->expected, STR_FMT(text));
    value_set_str(c->arena, v, "name", pair ? name : text);
    if (e->type == ENTRY_COUNT) {
        if (!str_to_i64(val, &count))
            return cli_fatal(c, CLI_EXIT_USE, "expected integer value for count. Received: %.*s",
                             STR_FMT(val));
        value_set(c->arena, v, str_of(e->value), value_of_int(c->arena, count));
    } else {
        val = pair ? val : STR("");
        value_set_str(c->arena, v, e->value, e->type == ENTRY_COMMAS ? escape_commas(c, val) : val);
    }
    if (e->mark)
        value_set(c->arena, v, str_of(e->mark), value_of_bool(c->arena, true));
    *ret = v;
    return 0;
}

static void add_entry(struct cli *c, const struct entry *e, value list, value fresh)
{
    str name = value_str(value_getz(fresh, "name"));
    for (size_t k = 0; e->merge && k < value_len(list); k++)
        if (str_eq(value_str(value_getz(value_at(list, k), "name")), name)) {
            value_put(c->arena, list, k, fresh);
            return;
        }
    value_push(c->arena, list, fresh);
}

static int set_map(struct cli *c, value source, const char *path, const struct cli_given *g)
{
    value map = value_new_map(c->arena);
    for (size_t i = 0; i < g->list.n; i++) {
        str key, val;
        bool pair = str_cut(g->list.at[i], '=', &key, &val);
        if (!pair || str_find_char(val, '=') >= 0)
            return cli_fatal(c, CLI_EXIT_ERROR,
                             "labels should have key=value, but instead got: %.*s",
                             STR_FMT(g->list.at[i]));
        value_set(c->arena, map, key, value_of_str(c->arena, val));
    }
    value_set_path(c->arena, source, path, map);
    return 0;
}

/* --values-literal-file: the file's YAML becomes helm.valuesObject. */
static int set_values(struct cli *c, value source, str path)
{
    str text;
    struct yaml_input in = {0};
    struct err err;
    value v = VALUE_ABSENT;
    if (str_starts(path, STR("http://")) || str_starts(path, STR("https://")))
        return cli_fatal(c, CLI_EXIT_ERROR, "%.*s: values from a URL are not supported",
                         STR_FMT(path));
    if (app_read_text(c, path, &text, &err))
        return cli_error(c, &err);
    if (text.len && yaml_parse(text, &in, c->arena, &v, &err))
        return cli_fatal(c, CLI_EXIT_USE, "failed converting yaml to json: %s", err.text);
    if (text.len && !value_is_map(v) && !value_is_string(v))
        return cli_fatal(c, CLI_EXIT_USE, "invalid type of the values in %.*s", STR_FMT(path));
    value helm = value_edit_map(c->arena, source, STR("helm"));
    value_setz(c->arena, helm, "valuesObject", v);
    value_setz(c->arena, helm, "values", VALUE_ABSENT);
    return 0;
}

bool app_has_entries(const struct cli *c)
{
    bool has = cli_changed(c, "values-literal-file");
    for (size_t i = 0; i < ARRAY_LEN(entries); i++)
        has |= cli_changed(c, entries[i].flag);
    for (size_t i = 0; i < ARRAY_LEN(maps); i++)
        has |= cli_changed(c, maps[i].flag);
    return has;
}

int app_apply_entries(struct cli *c, value source, size_t *io_changed)
{
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        const struct cli_given *g = cli_given(c, entries[i].flag);
        *io_changed += g->changed;
        for (size_t k = 0; k < g->list.n; k++) {
            value fresh;
            int r = entry_of(c, &entries[i], g->list.at[k], &fresh);
            if (r)
                return r;
            add_entry(c, &entries[i], list_at(c, source, str_of(entries[i].path)), fresh);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        const struct cli_given *g = cli_given(c, maps[i].flag);
        int r = g->changed ? set_map(c, source, maps[i].path, g) : 0;
        *io_changed += g->changed;
        if (r)
            return r;
    }
    if (!cli_changed(c, "values-literal-file"))
        return 0;
    ++*io_changed;
    return set_values(c, source, cli_flag(c, "values-literal-file"));
}
