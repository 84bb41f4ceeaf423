/* Commands about single live objects of an application: patch-resource, delete-resource; and
 * confirm-deletion. Source: argo-cd cmd/argocd/commands/app_resources.go, cmd/util/app.go
 * (FilterResources). */
#include "argo/names.h"
#include "base/time.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "kube/object.h"
#include "value/json.h"

static int required(struct cli *c, const char *const *flags, size_t n)
{
    str missing = STR("");
    for (size_t i = 0; i < n; i++)
        if (!cli_changed(c, flags[i]))
            missing = ARENA_CAT(c->arena, missing, missing.len ? STR("\", \"") : STR(""),
                                str_of(flags[i]));
    if (!missing.len)
        return 0;
    fprintf(c->out, "Error: required flag(s) \"%.*s\" not set\n", STR_FMT(missing));
    return CLI_EXIT_USE;
}

static bool chosen(struct cli *c, value o)
{
    str ns = cli_flag(c, "namespace"), name = cli_flag(c, "resource-name");
    return (!cli_changed(c, "group") || str_eq(cli_flag(c, "group"), object_group(o))) &&
           (!ns.len || str_eq(ns, object_ns(o))) && (!name.len || str_eq(name, object_name(o))) &&
           str_eq(cli_flag(c, "kind"), object_kind(o));
}

/* The live objects that the flags choose; 0 or an exit code (told). */
static int choose(struct cli *c, struct app_name name, value **ret, size_t *ret_n)
{
    const struct json_input exact = {.exact_uint64 = true};
    const struct remote_query query[] = {{"appNamespace", name.namespace}};
    struct err err;
    value managed, o;
    VEC(value) found = {0};
    if (remote_get(c, app_path(c, name, "/managed-resources"), query, &managed, &err))
        return cli_error(c, &err);
    for (struct value_iter it = value_iter(value_getz(managed, "items")); value_next(&it);) {
        str text = value_str(value_getz(it.val, "liveState"));
        if (!text.len || str_is(text, "null") || json_parse(text, &exact, c->arena, &o, NULL))
            continue;
        if (chosen(c, o))
            vec_push(c->arena, &found, o);
    }
    if (!found.n)
        return cli_fatal(c, CLI_EXIT_ERROR, "no matching resource found");
    if (found.n > 1 && !cli_switch(c, "all"))
        return cli_fatal(c, CLI_EXIT_ERROR,
                         "multiple resources match inputs, use the --all flag to patch multiple "
                         "resources");
    *ret = found.at;
    *ret_n = found.n;
    return 0;
}

struct change { /* what is sent for each object */
    enum method method;
    const char *done; /* "patched" */
    value body;
    struct remote_query extra[2];
};

static int change_each(struct cli *c, const struct change *change)
{
    struct err err;
    value *object;
    size_t n = 0;
    int r = remote_open(c);
    if (r)
        return r;
    struct app_name name = app_name_of(c, c->args.at[0]);
    r = choose(c, name, &object, &n);
    for (size_t i = 0; i < n && !r; i++) {
        value o = object[i];
        const struct remote_query query[] = {{"appNamespace", name.namespace},
                                             {"namespace", object_ns(o)},
                                             {"resourceName", object_name(o)},
                                             {"version", object_version(o)},
                                             {"group", object_group(o)},
                                             {"kind", object_kind(o)},
                                             {"project", cli_flag(c, "project")},
                                             change->extra[0],
                                             change->extra[1]};
        if (remote_call(c, change->method, app_path(c, name, "/resource"), query, ARRAY_LEN(query),
                        change->body, NULL, &err))
            return cli_error(c, &err);
        cli_log(c, "info", "Resource '%.*s' %s", STR_FMT(object_name(o)), change->done);
    }
    return r;
}

int app_patch_resource_run(struct cli *c)
{
    static const char *const needed[] = {"kind", "patch"};
    int r = required(c, needed, ARRAY_LEN(needed));
    if (r)
        return r;
    if (c->args.n != 1)
        return cli_usage(c);
    const struct change change = {.method = METHOD_POST,
                                  .done = "patched",
                                  .body = value_of_str(c->arena, cli_flag(c, "patch")),
                                  .extra = {{"patchType", cli_flag(c, "patch-type")},
                                            {"", STR("")}}};
    return change_each(c, &change);
}

int app_delete_resource_run(struct cli *c)
{
    static const char *const needed[] = {"kind"};
    int r = required(c, needed, ARRAY_LEN(needed));
    if (r)
        return r;
    if (c->args.n != 1)
        return cli_usage(c);
    const struct change change = {.method = METHOD_DELETE,
                                  .done = "deleted",
                                  .body = VALUE_ABSENT,
                                  .extra = {{"force",
                                             cli_switch(c, "force") ? STR("true") : STR("")},
                                            {"orphan",
                                             cli_switch(c, "orphan") ? STR("true") : STR("")}}};
    return change_each(c, &change);
}

int app_confirm_deletion_run(struct cli *c)
{
    struct err err;
    value app;
    if (c->args.n != 1)
        return cli_usage(c);
    int r = remote_open(c);
    if (r)
        return r;
    struct app_name name = app_name_of(c, c->args.at[0]);
    if (app_fetch(c, name, "", &app, &err))
        return cli_error(c, &err);
    value metadata = value_edit_map(c->arena, app, STR("metadata"));
    value notes = value_edit_map(c->arena, metadata, STR("annotations"));
    value_set_str(c->arena, notes, KEY_DELETION_APPROVED, time_str(c->arena, time_wall_now()));
    const struct remote_query query[] = {{"validate", STR("false")},
                                         {"project", value_path_str(app, "spec.project")}};
    if (remote_call(c, METHOD_PUT, app_path(c, name, ""), query, ARRAY_LEN(query), app, NULL, &err))
        return cli_error(c, &err);
    fprintf(c->out, "Application '%.*s' updated successfully\n",
            STR_FMT(value_path_str(app, "metadata.name")));
    return 0;
}
