/* Commands that start an operation or wait for one: sync, wait, rollback, terminate-op. */
#include "cli/app.h"
#include "cli/commands.h"
#include "cli/targets.h"
#include "argo/application.h"
#include "kube/object.h"
#include "value/json.h"

int app_wait_run(struct cli *c)
{
    struct app_wait w = {
        .sync = cli_switch(c, "sync"),
        .health = cli_switch(c, "health"),
        .suspended = cli_switch(c, "suspended"),
        .degraded = cli_switch(c, "degraded"),
        .operation = cli_switch(c, "operation"),
        .hydrated = cli_switch(c, "hydrated"),
        .gone = cli_switch(c, "delete"),
        .timeout_s = cli_number(c, "timeout"),
        .only = cli_given(c, "resource"),
        .format = cli_flag(c, "output"),
    };
    str selector = cli_flag(c, "selector");
    if (!c->args.n && !selector.len)
        return cli_usage(c);
    if (!w.sync && !w.health && !w.operation && !w.suspended && !w.degraded && !w.gone &&
        !w.hydrated)
        w.sync = w.health = w.operation = true;
    int r = app_check_selection(c, w.only);
    r = r ? r : remote_open(c);
    if (r)
        return r;
    str *names = ARENA_ARRAY(c->arena, str, APP_NAMES_MAX);
    size_t n = 0;
    struct err err;
    if (selector.len && app_names(c, selector, NULL, names, APP_NAMES_MAX, &n, &err))
        return cli_error(c, &err);
    for (size_t i = 0; i < c->args.n && n < APP_NAMES_MAX; i++)
        names[n++] = c->args.at[i];
    for (size_t i = 0; i < n && !r; i++)
        r = app_wait(c, app_name_of(c, names[i]), &w, NULL, NULL);
    return r;
}

/* ---- sync ---- */

static int set_infos(struct cli *c, value body, const struct cli_given *infos)
{
    value list = value_new_list(c->arena);
    for (size_t i = 0; i < infos->list.n; i++) {
        str key, text;
        if (!str_cut(infos->list.at[i], '=', &key, &text) || str_find_char(text, '=') >= 0)
            return cli_fatal(c, CLI_EXIT_ERROR,
                             "labels should have key=value, but instead got: %.*s",
                             STR_FMT(infos->list.at[i]));
        value info = value_new_map(c->arena);
        value_set_str(c->arena, info, "name", key);
        value_set_str(c->arena, info, "value", text);
        value_push(c->arena, list, info);
    }
    if (value_len(list))
        value_setz(c->arena, body, "infos", list);
    return 0;
}

static void set_options(struct cli *c, value body)
{
    static const struct {
        const char *flag, *option;
    } options[] = {{"replace", "Replace=true"},
                   {"server-side", "ServerSideApply=true"},
                   {"apply-out-of-sync-only", "ApplyOutOfSyncOnly=true"}};
    value items = value_new_list(c->arena);
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (cli_switch(c, options[i].flag))
            value_push(c->arena, items, value_of_str(c->arena, str_of(options[i].option)));
    if (value_len(items))
        value_set_path(c->arena, body, "syncOptions.items", items);
}

static void set_retry(struct cli *c, value body)
{
    int64_t limit = cli_number(c, "retry-limit");
    if (!limit)
        return;
    value retry = value_new_map(c->arena);
    value_setz(c->arena, retry, "limit", value_of_int(c->arena, limit));
    if (cli_switch(c, "retry-refresh"))
        value_setz(c->arena, retry, "refresh", value_of_bool(c->arena, true));
    value backoff = value_edit_map(c->arena, retry, STR("backoff"));
    value_set_str(c->arena, backoff, "duration", cli_flag(c, "retry-backoff-duration"));
    value_set_str(c->arena, backoff, "maxDuration", cli_flag(c, "retry-backoff-max-duration"));
    value_setz(c->arena, backoff, "factor",
               value_of_int(c->arena, cli_number(c, "retry-backoff-factor")));
    value_setz(c->arena, body, "retryStrategy", retry);
}

/* The application's resources that --resource selects; *ret_n how many. */
static value chosen_resources(struct cli *c, value app, const struct cli_given *only, size_t *ret_n)
{
    value list = value_new_list(c->arena);
    for (struct value_iter it = value_iter(value_path(app, "status.resources")); value_next(&it);) {
        str group = value_str(value_getz(it.val, "group")),
            kind = value_str(value_getz(it.val, "kind"));
        str ns = value_str(value_getz(it.val, "namespace")),
            name = value_str(value_getz(it.val, "name"));
        if (!app_resource_is_selected(c, only, group, kind, ns, name))
            continue;
        value r = value_new_map(c->arena);
        value_set_str(c->arena, r, "group", group);
        value_set_str(c->arena, r, "kind", kind);
        value_set_str(c->arena, r, "name", name);
        value_set_str(c->arena, r, "namespace", ns);
        value_push(c->arena, list, r);
    }
    *ret_n = value_len(list);
    return list;
}

static str joined_with(struct cli *c, const struct cli_given *g, str between)
{
    str text = STR("");
    for (size_t i = 0; i < g->list.n; i++)
        text = ARENA_CAT(c->arena, text, i ? between : STR(""), g->list.at[i]);
    return text;
}

static str joined(struct cli *c, const struct cli_given *g) { return joined_with(c, g, STR(", ")); }

static void set_revisions(struct cli *c, value body, const struct target_choice *choice)
{
    value revisions = value_new_list(c->arena), positions = value_new_list(c->arena);
    for (size_t i = 0; i < choice->revisions->list.n; i++)
        value_push(c->arena, revisions, value_of_str(c->arena, choice->revisions->list.at[i]));
    for (size_t i = 0; i < choice->position.n; i++)
        value_push(c->arena, positions, value_of_int(c->arena, choice->position.at[i]));
    if (value_len(revisions))
        value_setz(c->arena, body, "revisions", revisions);
    if (value_len(positions))
        value_setz(c->arena, body, "sourcePositions", positions);
}

/* --local: the manifests travel with the request. 0 or an exit code. */
static int set_manifests(struct cli *c, value app, const struct target_choice *choice, value body)
{
    struct settings *s = ARENA_NEW(c->arena, struct settings);
    struct targets t = {0};
    struct err err;
    value list = value_new_list(c->arena), policy = value_path(app, "spec.syncPolicy.automated");
    bool off =
        value_exists(value_getz(policy, "enabled")) && !value_bool(value_getz(policy, "enabled"));
    if (!choice->local.len)
        return 0;
    if (value_is_map(policy) && !off && !cli_switch(c, "dry-run"))
        return cli_fatal(c, CLI_EXIT_USE,
                         "Cannot use local sync when Automatic Sync Policy is enabled except with "
                         "--dry-run");
    if (target_settings(c, s, &err) || targets_local(c, app, choice, s, &t, &err))
        return cli_error(c, &err);
    for (size_t i = 0; i < t.n; i++)
        value_push(c->arena, list,
                   value_borrow_str(c->arena, json_str(c->arena, t.object[i], AUDIENCE_WIRE,
                                                       JSON_SORT_KEYS)));
    value_setz(c->arena, body, "manifests", list);
    return 0;
}

/* --label: what carries one of these labels is added to the chosen resources. 0 or an exit code. */
static int choose_labelled(struct cli *c, struct app_name name, value app,
                           const struct target_choice *choice, struct cli_given *only)
{
    const struct cli_given *labels = cli_given(c, "label");
    struct settings *s = ARENA_NEW(c->arena, struct settings);
    const struct remote_query query[] = {{"appNamespace", name.namespace}};
    struct targets t;
    struct err err;
    value managed;
    if (!labels->list.n)
        return 0;
    int rc = target_settings(c, s, &err);
    if (!rc)
        rc = remote_get(c, app_path(c, name, "/managed-resources"), query, &managed, &err);
    const struct target_question q = {name, app, choice, s, rc ? VALUE_ABSENT : managed};
    if (rc || targets_get(c, &q, &t, &err))
        return cli_fatal(c, CLI_EXIT_USE, "%s", err.text);
    fprintf(c->out, "The name of the app is  %.*s\n", STR_FMT(name.name));
    for (size_t i = 0; i < t.n; i++)
        for (size_t k = 0; k < labels->list.n; k++) {
            str key, wanted;
            value o = t.object[i], have;
            str_cut(labels->list.at[k], '=', &key, &wanted);
            have = value_get(object_labels(o), key);
            if (value_exists(have) && str_eq(value_str(have), wanted))
                vec_push(c->arena, &only->list,
                         ARENA_CAT(c->arena, object_group(o), STR(":"), object_kind(o), STR(":"),
                                   object_name(o)));
        }
    if (only->list.n)
        return 0;
    return cli_fatal(c, CLI_EXIT_USE, "No matching resources found for labels: [%.*s]",
                     STR_FMT(joined_with(c, labels, STR(" "))));
}

static int sync_body(struct cli *c, struct app_name name, value app,
                     const struct target_choice *choice, const struct cli_given *only, value *ret)
{
    value body = value_new_map(c->arena);
    str strategy = cli_flag(c, "strategy");
    bool apply = str_is(strategy, "apply");
    if (!apply && strategy.len && !str_is(strategy, "hook"))
        return cli_fatal(c, CLI_EXIT_USE, "Unknown sync strategy: '%.*s'", STR_FMT(strategy));
    value_set_str(c->arena, body, "name", name.name);
    value_set_str(c->arena, body, "appNamespace", name.namespace);
    value_set_str(c->arena, body, "revision", cli_flag(c, "revision"));
    value_setz(c->arena, body, "dryRun", value_of_bool(c->arena, cli_switch(c, "dry-run")));
    value_setz(c->arena, body, "prune", value_of_bool(c->arena, cli_switch(c, "prune")));
    value hook = value_new_map(c->arena);
    if (cli_switch(c, "force"))
        value_setz(c->arena, hook, "force", value_of_bool(c->arena, true));
    value_set_path(c->arena, body, apply ? "strategy.apply" : "strategy.hook", hook);
    if (only->list.n) {
        size_t n;
        value_setz(c->arena, body, "resources", chosen_resources(c, app, only, &n));
        if (!n)
            return cli_fatal(c, CLI_EXIT_USE,
                             "No matching app resources found for resource filter: %.*s",
                             STR_FMT(joined(c, only)));
    }
    int r = set_infos(c, body, cli_given(c, "info"));
    if (r)
        return r;
    set_options(c, body);
    set_retry(c, body);
    set_revisions(c, body, choice);
    *ret = body;
    return set_manifests(c, app, choice, body);
}

static size_t pruning_required(value operation)
{
    size_t n = 0;
    for (struct value_iter it = value_iter(value_path(operation, "syncResult.resources"));
         value_next(&it);)
        n += str_is(value_str(value_getz(it.val, "status")), "PruneSkipped");
    return n;
}

/* --preview-changes; *ret_go: the sync is wanted. 0 or an exit code. */
static int preview(struct cli *c, struct app_name name, value app,
                   const struct target_choice *choice, bool *ret_go)
{
    struct err err;
    bool differs = false;
    char answer[16] = "";
    str shown =
        name.namespace.len ? ARENA_CAT(c->arena, name.namespace, STR("/"), name.name) : name.name;
    *ret_go = true;
    if (!cli_switch(c, "preview-changes"))
        return 0;
    fprintf(c->out,
            "====== Previewing differences between live and desired state of application %.*s "
            "======\n",
            STR_FMT(shown));
    if (targets_diff(c, name, app, choice, &differs, &err))
        return cli_error(c, &err);
    if (!differs)
        fputs("====== No Differences found ======\n", c->out);
    *ret_go = differs;
    while (differs && !cli_switch(c, "assumeYes")) {
        fprintf(c->out,
                "Please review changes to application %.*s shown above. Do you want to continue "
                "the sync process? (y/n): ",
                STR_FMT(shown));
        fflush(c->out);
        *ret_go = fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
        if (*ret_go || !answer[0] || answer[0] == 'n' || answer[0] == 'N')
            break;
    }
    return 0;
}

static int check_sources(struct cli *c, value app, const struct target_choice *choice)
{
    if (app_n_sources(app) && choice->revision.len)
        return cli_fatal(c, CLI_EXIT_USE,
                         "argocd cli does not work on multi-source app with --revision flag. Use "
                         "--revisions and --source-positions instead.");
    if (app_n_sources(app) && choice->local.len)
        return cli_fatal(c, CLI_EXIT_USE,
                         "argocd cli does not work on multi-source app with --local flag");
    return 0;
}

static int sync_one(struct cli *c, struct app_name name, const struct target_choice *all)
{
    struct err err;
    value app, body, operation;
    struct cli_given *only = ARENA_NEW(c->arena, struct cli_given);
    struct target_choice choice = *all;
    bool go;
    *only = *cli_given(c, "resource");
    if (app_fetch(c, name, "", &app, &err))
        return cli_error(c, &err);
    int r = target_choice_names(c, app, &choice);
    r = r ? r : choose_labelled(c, name, app, &choice, only);
    r = r ? r : check_sources(c, app, &choice);
    r = r ? r : sync_body(c, name, app, &choice, only, &body);
    r = r ? r : preview(c, name, app, &choice, &go);
    if (r || !go)
        return r;
    if (remote_call(c, METHOD_POST, app_path(c, name, "/sync"), NULL, 0, body, NULL, &err))
        return cli_error(c, &err);
    if (cli_switch(c, "async"))
        return 0;
    struct app_wait w = {.operation = true,
                         .timeout_s = cli_number(c, "timeout"),
                         .only = only,
                         .format = cli_flag(c, "output")};
    r = app_wait(c, name, &w, &app, &operation);
    if (r || cli_switch(c, "dry-run"))
        return r;
    str phase = value_str(value_getz(operation, "phase"));
    if (!str_is(phase, "Succeeded"))
        return cli_fatal(c, CLI_EXIT_USE, "Operation has completed with phase: %.*s",
                         STR_FMT(phase));
    size_t left = pruning_required(operation);
    if (!only->list.n && !str_is(value_path_str(app, "status.sync.status"), "Synced") && left)
        return cli_fatal(c, CLI_EXIT_USE, "%zu resources require pruning", left);
    return 0;
}

static int names_to_sync(struct cli *c, str *names, size_t *io_n)
{
    str selector = cli_flag(c, "selector");
    const struct cli_given *projects = cli_given(c, "project");
    size_t found = 0;
    struct err err;
    if (!selector.len && !projects->list.n)
        return 0;
    if (app_names(c, selector, projects, names + *io_n, APP_NAMES_MAX - *io_n, &found, &err))
        return cli_error(c, &err);
    *io_n += found;
    if (found)
        return 0;
    str what = selector.len ? ARENA_CAT(c->arena, STR(" selector "), selector) : STR("");
    if (projects->list.n)
        what = ARENA_CAT(c->arena, what, STR(" projects ["), joined(c, projects), STR("]"));
    return cli_fatal(c, CLI_EXIT_USE, "No matching apps found for filter:%.*s", STR_FMT(what));
}

/* Revisions of single sources are of one application. */
static int check_revisions(struct cli *c)
{
    static const char *const flags[] = {"source-positions", "source-names"};
    for (size_t i = 0; i < ARRAY_LEN(flags) && c->args.n != 1; i++)
        if (cli_given(c, "revisions")->list.n || cli_given(c, flags[i])->list.n)
            return cli_fatal(c, CLI_EXIT_USE,
                             "Cannot use --revisions and --%s options when 0 or more than 1 "
                             "application names are passed as argument(s)",
                             flags[i]);
    return 0;
}

int app_sync_run(struct cli *c)
{
    str *names = ARENA_ARRAY(c->arena, str, APP_NAMES_MAX);
    size_t n = 0;
    if (!c->args.n && !cli_flag(c, "selector").len && !cli_given(c, "project")->list.n)
        return cli_usage(c);
    if (c->args.n > 1 && cli_flag(c, "selector").len)
        return cli_fatal(
            c, CLI_EXIT_USE,
            "Cannot use selector option when application name(s) passed as argument(s)");
    struct target_choice choice;
    int r = check_revisions(c);
    r = r ? r : target_choice_read(c, CLI_EXIT_USE, &choice);
    for (size_t i = 0; !r && i < choice.position.n; i++)
        if (choice.position.at[i] <= 0)
            r = cli_fatal(c, CLI_EXIT_USE,
                          "source-position cannot be less than or equal to 0, Counting starts at "
                          "1");
    r = r ? r : app_check_selection(c, cli_given(c, "resource"));
    r = r ? r : remote_open(c);
    for (size_t i = 0; i < c->args.n && n < APP_NAMES_MAX; i++)
        names[n++] = c->args.at[i];
    r = r ? r : names_to_sync(c, names, &n);
    for (size_t i = 0; i < n && !r; i++)
        r = sync_one(c, app_name_of(c, names[i]), &choice);
    return r;
}

/* ---- rollback, terminate-op ---- */

/* The history entry with that id; id -1: the one before the last. 0 or an exit code. */
static int find_history(struct cli *c, value app, int64_t id, value *ret)
{
    value history = value_path(app, "status.history");
    size_t n = value_len(history);
    str name = value_path_str(app, "metadata.name");
    if (id < 0 && n < 2)
        return cli_fatal(c, CLI_EXIT_ERROR,
                         "application '%.*s' should have at least two successful deployments",
                         STR_FMT(name));
    if (id < 0) {
        *ret = value_at(history, n - 2);
        return 0;
    }
    for (struct value_iter it = value_iter(history); value_next(&it);)
        if (value_int(value_getz(it.val, "id")) == id) {
            *ret = it.val;
            return 0;
        }
    return cli_fatal(c, CLI_EXIT_ERROR,
                     "application '%.*s' does not have deployment id '%ld' in history",
                     STR_FMT(name), (long)id);
}

int app_rollback_run(struct cli *c)
{
    struct err err;
    value app, entry, body = value_new_map(c->arena);
    int64_t id = -1;
    if (!c->args.n)
        return cli_usage(c);
    if (c->args.n > 1 && !str_to_i64(c->args.at[1], &id))
        return cli_fatal(c, CLI_EXIT_ERROR, "strconv.Atoi: parsing \"%.*s\": invalid syntax",
                         STR_FMT(c->args.at[1]));
    int r = remote_open(c);
    if (r)
        return r;
    struct app_name name = app_name_of(c, c->args.at[0]);
    if (app_fetch(c, name, "", &app, &err))
        return cli_error(c, &err);
    r = find_history(c, app, id, &entry);
    if (r)
        return r;
    value_set_str(c->arena, body, "name", name.name);
    value_set_str(c->arena, body, "appNamespace", name.namespace);
    value_setz(c->arena, body, "id", value_of_int(c->arena, value_int(value_getz(entry, "id"))));
    value_setz(c->arena, body, "prune", value_of_bool(c->arena, cli_switch(c, "prune")));
    if (remote_call(c, METHOD_POST, app_path(c, name, "/rollback"), NULL, 0, body, NULL, &err))
        return cli_error(c, &err);
    struct app_wait w = {.operation = true,
                         .timeout_s = cli_number(c, "timeout"),
                         .format = cli_flag(c, "output")};
    return app_wait(c, name, &w, NULL, NULL);
}

int app_terminate_run(struct cli *c)
{
    struct err err;
    if (c->args.n != 1)
        return cli_usage(c);
    int r = remote_open(c);
    if (r)
        return r;
    struct app_name name = app_name_of(c, c->args.at[0]);
    const struct remote_query query[] = {{"appNamespace", name.namespace}};
    if (remote_call(c, METHOD_DELETE, app_path(c, name, "/operation"), query, 1, VALUE_ABSENT, NULL,
                    &err))
        return cli_error(c, &err);
    fprintf(c->out, "Application '%.*s' operation terminating\n", STR_FMT(name.name));
    return 0;
}
