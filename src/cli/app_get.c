/* Commands that only read: get, list, history, resources, manifests. */
#include "base/time.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "cli/targets.h"
#include "cli/table.h"
#include "value/json.h"

static const char *refresh_of(const struct cli *c)
{
    return cli_switch(c, "hard-refresh") ? "hard" : cli_switch(c, "refresh") ? "normal" : "";
}

/* Whose parameters, when there are several sources? 0 or an exit code. */
static int check_position(struct cli *c, value sources, int64_t position)
{
    if (value_len(sources) && position <= 0)
        return cli_fatal(c, CLI_EXIT_ERROR,
                         "Source position should be specified and must be greater than 0 for "
                         "applications with multiple sources");
    if (value_len(sources) && (size_t)position > value_len(sources))
        return cli_fatal(c, CLI_EXIT_ERROR,
                         "Source position should be less than the number of sources in the "
                         "application");
    return 0;
}

int app_get_run(struct cli *c)
{
    struct err err;
    value app;
    str format = cli_flag(c, "output");
    if (!c->args.n)
        return cli_usage(c);
    int r = remote_open(c);
    if (r)
        return r;
    struct app_name name = app_name_of(c, c->args.at[0]);
    if (app_fetch(c, name, refresh_of(c), &app, &err))
        return cli_error(c, &err);
    int64_t position = cli_number(c, "source-position");
    value sources = value_path(app, "spec.sources");
    bool params = cli_switch(c, "show-params");
    r = app_named_position(c, sources, &position);
    r = r ? r : params ? check_position(c, sources, position) : 0;
    if (r)
        return r;
    if (!app_known_format(format))
        return cli_fatal(c, CLI_EXIT_ERROR, "unknown output format: %.*s", STR_FMT(format));
    if (cli_print_value(c, app_ordered(c, app), format))
        return 0;
    app_show_header(c, app, cli_switch(c, "show-operation"), params,
                    position > 0 ? (size_t)position - 1 : 0);
    if (app_show_body(c, app, format, &err))
        return cli_error(c, &err);
    return 0;
}

/* ---- list ---- */

static bool keep(const struct cli *c, value app)
{
    str cluster = cli_flag(c, "cluster"), path = cli_flag(c, "path"), repo = cli_flag(c, "repo");
    bool path_ok = !path.len, repo_ok = !repo.len;
    for (size_t i = 0; i < MAX_OF(app_n_sources(app), (size_t)1); i++) {
        value source = app_source(app, i);
        path_ok |= str_eq(value_str(value_getz(source, "path")), path);
        repo_ok |= str_eq(value_str(value_getz(source, "repoURL")), repo);
    }
    return path_ok && repo_ok &&
           (!cluster.len || str_eq(value_path_str(app, "spec.destination.server"), cluster) ||
            str_eq(value_path_str(app, "spec.destination.name"), cluster));
}

/* "ComparisonError,SyncError(2)" in order of their names. */
static str conditions_text(struct cli *c, value app)
{
    value conditions = value_path(app, "status.conditions");
    size_t n = 0;
    str *types = ARENA_ARRAY(c->arena, str, value_len(conditions) + 1), text = STR("");
    for (struct value_iter it = value_iter(conditions); value_next(&it);)
        types[n++] = value_str(value_getz(it.val, "type"));
    qsort(types, n, sizeof(*types), str_cmp_qsort);
    for (size_t i = 0, same; i < n; i += same) {
        for (same = 1; i + same < n && str_eq(types[i], types[i + same]);)
            same++;
        text = ARENA_CAT(c->arena, text, i ? STR(",") : STR(""), types[i],
                         same > 1 ? arena_printf(c->arena, "(%zu)", same) : STR(""));
    }
    return n ? text : STR("<none>");
}

static void print_apps(struct cli *c, value apps, bool wide)
{
    struct table t;
    table_init(&t, c->arena, 0, 2);
    table_add(&t, "NAME\tCLUSTER\tNAMESPACE\tPROJECT\tSTATUS\tHEALTH\tSYNCPOLICY\tCONDITIONS%s",
              wide ? "\tREPO\tPATH\tTARGET" : "");
    for (struct value_iter it = value_iter(apps); value_next(&it);) {
        value app = it.val, source = app_source(app, 0);
        str more = STR("");
        if (wide)
            more = ARENA_CAT(c->arena, STR("\t"), value_str(value_getz(source, "repoURL")),
                             STR("\t"), value_str(value_getz(source, "path")), STR("\t"),
                             value_str(value_getz(source, "targetRevision")));
        table_add(&t, "%.*s\t%.*s\t%.*s\t%.*s\t%.*s\t%.*s\t%.*s\t%.*s%.*s",
                  STR_FMT(app_qualified(c, app)), STR_FMT(app_server(app)),
                  STR_FMT(value_path_str(app, "spec.destination.namespace")),
                  STR_FMT(value_path_str(app, "spec.project")),
                  STR_FMT(value_path_str(app, "status.sync.status")),
                  STR_FMT(value_path_str(app, "status.health.status")),
                  STR_FMT(app_sync_policy(app)), STR_FMT(conditions_text(c, app)), STR_FMT(more));
    }
    table_print(&t, c->out);
}

int app_list_run(struct cli *c)
{
    VEC(struct remote_query) query = {0};
    const struct cli_given *projects = cli_given(c, "project");
    str format = cli_flag(c, "output");
    struct err err;
    value list;
    int r = remote_open(c);
    if (r)
        return r;
    vec_push(c->arena, &query, (struct remote_query){"selector", cli_flag(c, "selector")});
    vec_push(c->arena, &query, (struct remote_query){"appNamespace", cli_flag(c, "app-namespace")});
    for (size_t i = 0; i < projects->list.n; i++)
        vec_push(c->arena, &query, (struct remote_query){"projects", projects->list.at[i]});
    if (remote_call(c, METHOD_GET, STR("/api/v1/applications"), query.at, query.n, VALUE_ABSENT,
                    &list, &err))
        return cli_error(c, &err);
    value apps = value_new_list(c->arena);
    for (struct value_iter it = value_iter(value_getz(list, "items")); value_next(&it);)
        if (keep(c, it.val))
            value_push(c->arena, apps, it.val);
    if (cli_print_value(c, app_ordered(c, apps), format))
        return 0;
    if (str_is(format, "name"))
        for (struct value_iter it = value_iter(apps); value_next(&it);)
            fprintf(c->out, "%.*s\n", STR_FMT(app_qualified(c, it.val)));
    else if (!format.len || str_is(format, "wide"))
        print_apps(c, apps, str_is(format, "wide"));
    else
        return cli_fatal(c, CLI_EXIT_ERROR, "unknown output format: %.*s", STR_FMT(format));
    return 0;
}

/* ---- history ---- */

struct history {
    struct cli *c;
    struct table table;
};

static void history_row(struct history *h, value entry, value source, str revision)
{
    str target = value_str(value_getz(source, "targetRevision"));
    if (revision.len >= 7)
        target = ARENA_CAT(h->c->arena, target, STR(" ("), str_sub(revision, 0, 7), STR(")"));
    table_add(&h->table, "%ld\t%.*s\t%.*s", (long)value_int(value_getz(entry, "id")),
              STR_FMT(app_time(h->c, value_getz(entry, "deployedAt"))), STR_FMT(target));
}

/* Rows of one repository; url .at NULL: only find out the next repository behind `after`. */
static void history_of(struct history *h, value entries, str url)
{
    table_add(&h->table, "SOURCE\t%.*s", STR_FMT(url));
    table_add(&h->table, "ID\tDATE\tREVISION");
    for (struct value_iter it = value_iter(entries); value_next(&it);) {
        value sources = value_getz(it.val, "sources"), one = value_getz(it.val, "source");
        for (struct value_iter s = value_iter(sources); value_next(&s);)
            if (str_eq(value_str(value_getz(s.val, "repoURL")), url))
                history_row(h, it.val, s.val,
                            value_str(value_at(value_getz(it.val, "revisions"), s.i)));
        if (!value_len(sources) && str_eq(value_str(value_getz(one, "repoURL")), url))
            history_row(h, it.val, one, value_str(value_getz(it.val, "revision")));
    }
}

static void add_once(struct cli *c, value list, str text)
{
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (str_eq(value_str(it.val), text))
            return;
    value_push(c->arena, list, value_of_str(c->arena, text));
}

int app_history_run(struct cli *c)
{
    struct err err;
    value app, urls = value_new_list(c->arena);
    if (c->args.n != 1)
        return cli_usage(c);
    int r = remote_open(c);
    if (r)
        return r;
    if (app_fetch(c, app_name_of(c, c->args.at[0]), "", &app, &err))
        return cli_error(c, &err);
    value entries = value_path(app, "status.history");
    if (str_is(cli_flag(c, "output"), "id")) {
        for (struct value_iter it = value_iter(entries); value_next(&it);)
            fprintf(c->out, "%ld\n", (long)value_int(value_getz(it.val, "id")));
        return 0;
    }
    struct history h = {.c = c};
    table_init(&h.table, c->arena, 0, 2);
    for (struct value_iter it = value_iter(entries); value_next(&it);) {
        for (struct value_iter s = value_iter(value_getz(it.val, "sources")); value_next(&s);)
            add_once(c, urls, value_str(value_getz(s.val, "repoURL")));
        if (!value_len(value_getz(it.val, "sources")))
            add_once(c, urls, value_path_str(it.val, "source.repoURL"));
    }
    for (struct value_iter it = value_iter(urls); value_next(&it);) {
        if (it.i)
            table_add(&h.table, "%s", "");
        history_of(&h, entries, value_str(it.val));
    }
    table_print(&h.table, c->out);
    return 0;
}

/* ---- resources, manifests ---- */

static void resource_row(struct table *t, value r, const char *orphaned)
{
    table_add(t, "%.*s\t%.*s\t%.*s\t%.*s\t%s", STR_FMT(value_str(value_getz(r, "group"))),
              STR_FMT(value_str(value_getz(r, "kind"))),
              STR_FMT(value_str(value_getz(r, "namespace"))),
              STR_FMT(value_str(value_getz(r, "name"))), orphaned);
}

int app_resources_run(struct cli *c)
{
    struct err err;
    struct table t;
    value tree;
    if (c->args.n != 1)
        return cli_usage(c);
    int r = remote_open(c);
    if (r)
        return r;
    struct app_name name = app_name_of(c, c->args.at[0]);
    const struct remote_query query[] = {{"appNamespace", name.namespace},
                                         {"project", cli_flag(c, "project")}};
    if (str_starts(cli_flag(c, "output"), STR("tree"))) {
        value app;
        if (app_fetch(c, name, "", &app, &err) ||
            app_show_tree(c, app, str_is(cli_flag(c, "output"), "tree=detailed"), &err))
            return cli_error(c, &err);
        return 0;
    }
    if (remote_get(c, app_path(c, name, "/resource-tree"), query, &tree, &err))
        return cli_error(c, &err);
    table_init(&t, c->arena, 0, 2);
    table_add(&t, "GROUP\tKIND\tNAMESPACE\tNAME\tORPHANED");
    bool only_orphaned = cli_switch(c, "orphaned");
    for (struct value_iter it = value_iter(value_getz(tree, "nodes")); value_next(&it);)
        if (!only_orphaned && !value_len(value_getz(it.val, "parentRefs")))
            resource_row(&t, it.val, "No");
    for (struct value_iter it = value_iter(value_getz(tree, "orphanedNodes")); value_next(&it);)
        if (!value_len(value_getz(it.val, "parentRefs")))
            resource_row(&t, it.val, "Yes");
    table_print(&t, c->out);
    return 0;
}

static void print_manifest(struct cli *c, value v)
{
    fputs("---\n", c->out);
    if (value_exists(v))
        cli_print_value(c, v, STR("yaml"));
    else
        fputs("null\n", c->out);
    fputc('\n', c->out);
}

static void print_live(struct cli *c, value managed)
{
    const struct json_input exact = {.exact_uint64 = true};
    for (struct value_iter it = value_iter(value_getz(managed, "items")); value_next(&it);) {
        str text = value_str(value_getz(it.val, "liveState"));
        value v;
        if (text.len && !str_is(text, "null") && json_parse(text, &exact, c->arena, &v, NULL) == 0)
            print_manifest(c, v);
    }
}

int app_manifests_run(struct cli *c)
{
    struct err err;
    value app, managed;
    struct target_choice choice;
    struct settings *s = ARENA_NEW(c->arena, struct settings);
    struct targets t;
    str source = cli_flag(c, "source");
    if (c->args.n != 1)
        return cli_usage(c);
    int r = target_choice_read(c, CLI_EXIT_ERROR, &choice);
    r = r ? r : remote_open(c);
    if (r)
        return r;
    struct app_name name = app_name_of(c, c->args.at[0]);
    const struct remote_query query[] = {{"appNamespace", name.namespace}};
    if (app_fetch(c, name, "", &app, &err))
        return cli_error(c, &err);
    if ((r = target_choice_names(c, app, &choice)))
        return r;
    if (remote_get(c, app_path(c, name, "/managed-resources"), query, &managed, &err))
        return cli_error(c, &err);
    bool live = str_is(source, "live");
    if (!live && !str_is(source, "git"))
        return cli_fatal(c, CLI_EXIT_USE, "Unknown source type '%.*s'", STR_FMT(source));
    if (live) {
        print_live(c, managed);
        return 0;
    }
    const struct target_question q = {name, app, &choice, s, managed};
    if ((choice.local.len && target_settings(c, s, &err)) || targets_get(c, &q, &t, &err))
        return cli_error(c, &err);
    for (size_t i = 0; i < t.n; i++)
        print_manifest(c, t.object[i]);
    return 0;
}
