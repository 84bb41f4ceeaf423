/* Commands about parts of the spec: add-source, remove-source, unset. */
#include "cli/app.h"
#include "cli/commands.h"

/* The application's spec as a tree that may be changed; 0 or an exit code (told). */
static int fetch_spec(struct cli *c, struct app_name name, value *ret)
{
    struct err err;
    value app;
    int r = remote_open(c);
    if (r)
        return r;
    if (app_fetch(c, name, "", &app, &err))
        return cli_error(c, &err);
    *ret = value_copy(c->arena, value_getz(app, "spec"));
    return 0;
}

static int put_spec(struct cli *c, struct app_name name, value spec)
{
    struct err err;
    const struct remote_query query[] = {{"appNamespace", name.namespace}};
    if (remote_call(c, METHOD_PUT, app_path(c, name, "/spec"), query, 1, spec, NULL, &err))
        return cli_error(c, &err);
    return 0;
}

int app_add_source_run(struct cli *c)
{
    value spec, added = value_new_map(c->arena);
    size_t changed;
    if (c->args.n != 1)
        return cli_usage(c);
    struct app_name name = app_name_of(c, c->args.at[0]);
    int r = fetch_spec(c, name, &spec);
    if (r)
        return r;
    if (!value_len(value_getz(spec, "sources")))
        return cli_fatal(c, CLI_EXIT_ERROR,
                         "Cannot add source: application %.*s does not have spec.sources defined",
                         STR_FMT(name.name));
    r = app_apply_options(c, added, 0, &changed);
    if (r)
        return r;
    value_push(c->arena, value_edit_list(c->arena, spec, STR("sources")),
               value_edit_map(c->arena, added, STR("source")));
    r = put_spec(c, name, spec);
    if (!r)
        fprintf(c->out, "Application '%.*s' updated successfully\n", STR_FMT(name.name));
    return r;
}

int app_remove_source_run(struct cli *c)
{
    value spec;
    int64_t position = cli_number(c, "source-position");
    str wanted = cli_flag(c, "source-name");
    if (c->args.n != 1)
        return cli_usage(c);
    if (!wanted.len && position <= 0)
        return cli_fatal(c, CLI_EXIT_ERROR, "Value of source-position must be greater than 0");
    struct app_name name = app_name_of(c, c->args.at[0]);
    int r = fetch_spec(c, name, &spec);
    if (r)
        return r;
    value sources = value_getz(spec, "sources");
    size_t n = value_len(sources);
    for (size_t i = 0; wanted.len && i < n; i++)
        if (str_eq(value_str(value_getz(value_at(sources, i), "name")), wanted))
            position = (int64_t)i + 1;
    if (!n)
        return cli_fatal(c, CLI_EXIT_ERROR,
                         "Application does not have multiple sources configured");
    if (n == 1)
        return cli_fatal(c, CLI_EXIT_ERROR, "Cannot remove the only source remaining in the app");
    if (wanted.len && position <= 0)
        return cli_fatal(c, CLI_EXIT_USE, "Unknown source name '%.*s'", STR_FMT(wanted));
    if ((size_t)position > n)
        return cli_fatal(c, CLI_EXIT_ERROR, "Application does not have source at %ld\n",
                         (long)position);
    value_remove_at(sources, (size_t)position - 1);
    r = put_spec(c, name, spec);
    if (!r)
        fprintf(c->out, "Application '%.*s' updated successfully\n", STR_FMT(name.name));
    return r;
}

/* ---- unset ---- */

static const struct {
    const char *flag, *section, *field;
} fields[] = {
    {"nameprefix", "kustomize", "namePrefix"},
    {"namesuffix", "kustomize", "nameSuffix"},
    {"kustomize-version", "kustomize", "version"},
    {"kustomize-namespace", "kustomize", "namespace"},
    {"ignore-missing-components", "kustomize", "ignoreMissingComponents"},
    {"ignore-missing-value-files", "helm", "ignoreMissingValueFiles"},
    {"pass-credentials", "helm", "passCredentials"},
    {"values-literal", "helm", "values"},
    {"values-literal", "helm", "valuesObject"},
};

/* A flag that names entries: of a list of texts (key NULL), or of maps by that key. */
static const struct {
    const char *flag, *section, *field, *key;
} lists[] = {
    {"values", "helm", "valueFiles", NULL},
    {"parameter", "helm", "parameters", "name"},
    {"kustomize-image", "kustomize", "images", NULL},
    {"plugin-env", "plugin", "env", "name"},
};

static bool is_entry(value entry, const char *key, str wanted)
{
    str text = key ? value_str(value_get(entry, str_of(key))) : value_str(entry);
    return str_eq(text, wanted) || (!key && str_starts(text, wanted) && text.len > wanted.len &&
                                    strchr("=:@", text.at[wanted.len]));
}

static bool remove_entries(value list, const char *key, const struct cli_given *g)
{
    bool removed = false;
    for (size_t i = 0; i < g->list.n; i++)
        for (size_t k = value_len(list); k-- > 0;)
            if (is_entry(value_at(list, k), key, g->list.at[i])) {
                value_remove_at(list, k);
                removed = true;
            }
    return removed;
}

static bool unset_all(struct cli *c, value source)
{
    bool changed = false;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        value section = value_get(source, str_of(fields[i].section));
        if (cli_switch(c, fields[i].flag) && value_is_map(section))
            changed |= value_remove(section, str_of(fields[i].field));
    }
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        value section = value_get(source, str_of(lists[i].section));
        value list = value_get(section, str_of(lists[i].field));
        changed |= remove_entries(list, lists[i].key, cli_given(c, lists[i].flag));
        if (value_is_list(list) && !value_len(list))
            value_remove(section, str_of(lists[i].field));
    }
    if (cli_switch(c, "ref"))
        changed |= value_remove(source, STR("ref"));
    static const char *const sections[] = {"helm", "kustomize", "plugin"};
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        value section = value_get(source, str_of(sections[i]));
        if (value_is_map(section) && !value_len(section))
            value_remove(source, str_of(sections[i]));
    }
    return changed;
}

int app_named_position(struct cli *c, value sources, int64_t *io_position)
{
    str name = cli_flag(c, "source-name");
    if (!name.len)
        return 0;
    if (*io_position != -1)
        return cli_fatal(c, CLI_EXIT_ERROR,
                         "Only one of source-position and source-name can be specified.");
    for (size_t i = 0; i < value_len(sources); i++)
        if (str_eq(value_str(value_getz(value_at(sources, i), "name")), name)) {
            *io_position = (int64_t)i + 1;
            return 0;
        }
    return cli_fatal(c, CLI_EXIT_USE, "Unknown source name '%.*s'", STR_FMT(name));
}

int app_unset_run(struct cli *c)
{
    value spec, source;
    int64_t position = cli_number(c, "source-position");
    if (c->args.n != 1)
        return cli_usage(c);
    struct app_name name = app_name_of(c, c->args.at[0]);
    int r = fetch_spec(c, name, &spec);
    if (r)
        return r;
    value sources = value_getz(spec, "sources");
    if ((r = app_named_position(c, sources, &position)))
        return r;
    if (value_len(sources) && position <= 0)
        return cli_fatal(c, CLI_EXIT_ERROR,
                         "Source position should be specified and must be greater than 0 for "
                         "applications with multiple sources");
    if (value_len(sources) && (size_t)position > value_len(sources))
        return cli_fatal(c, CLI_EXIT_ERROR,
                         "Source position should be less than the number of sources in the "
                         "application");
    source =
        value_len(sources) ? value_at(sources, (size_t)position - 1) : value_getz(spec, "source");
    return value_is_map(source) && unset_all(c, source) ? put_spec(c, name, spec) : 0;
}
