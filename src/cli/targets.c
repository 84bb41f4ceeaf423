/* See targets.h. */
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "argo/application.h"
#include "argo/tracking.h"
#include "cli/targets.h"
#include "files/files.h"
#include "kube/object.h"
#include "render/directory.h"
#include "value/json.h"

/* ---- flags ---- */

static int read_positions(struct cli *c, struct target_choice *choice)
{
    const struct cli_given *g = cli_given(c, "source-positions");
    for (size_t i = 0; i < g->list.n; i++) {
        str rest = g->list.at[i], one;
        while (str_next(&rest, ',', &one)) {
            int64_t n;
            if (!str_to_i64(one, &n))
                return cli_fatal(c, CLI_EXIT_USE,
                                 "strconv.ParseInt: parsing \"%.*s\": invalid syntax",
                                 STR_FMT(one));
            vec_push(c->arena, &choice->position, n);
        }
    }
    return 0;
}

int target_choice_read(struct cli *c, int exit_code, struct target_choice *ret)
{
    *ret = (struct target_choice){.revision = cli_flag(c, "revision"),
                                  .local = cli_flag(c, "local"),
                                  .local_root = cli_flag(c, "local-repo-root"),
                                  .revisions = cli_given(c, "revisions"),
                                  .exit_code = exit_code};
    const struct cli_given *names = cli_given(c, "source-names");
    int r = read_positions(c, ret);
    if (r)
        return r;
    size_t n = ret->revisions->list.n;
    if (names->list.n && ret->position.n)
        return cli_fatal(c, exit_code,
                         "Only one of source-positions and source-names can be specified.");
    if (ret->position.n && n != ret->position.n)
        return cli_fatal(c, exit_code,
                         "While using --revisions and --source-positions, length of values for "
                         "both flags should be same.");
    if (names->list.n && n != names->list.n)
        return cli_fatal(c, exit_code,
                         "While using --revisions and --source-names, length of values for both "
                         "flags should be same.");
    return 0;
}

int target_choice_names(struct cli *c, value app, struct target_choice *io)
{
    const struct cli_given *names = cli_given(c, "source-names");
    for (size_t i = 0; i < names->list.n; i++) {
        size_t at = 0, n = app_n_sources(app);
        while (at < n &&
               !str_eq(value_str(value_getz(app_source(app, at), "name")), names->list.at[i]))
            at++;
        if (at == n)
            return cli_fatal(c, CLI_EXIT_USE, "Unknown source name '%.*s'",
                             STR_FMT(names->list.at[i]));
        vec_push(c->arena, &io->position, (int64_t)at + 1);
    }
    return 0;
}

int target_settings(struct cli *c, struct settings *ret, struct err *err)
{
    static const struct {
        const char *from, *to;
    } keys[] = {{"appLabelKey", "application.instanceLabelKey"},
                {"trackingMethod", "application.resourceTrackingMethod"},
                {"installationID", "installationID"}};
    value answer, cm = value_new_map(c->arena);
    int rc =
        remote_call(c, METHOD_GET, STR("/api/v1/settings"), NULL, 0, VALUE_ABSENT, &answer, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        str text = value_str(value_get(answer, str_of(keys[i].from)));
        if (text.len)
            value_set_str(c->arena, cm, keys[i].to, text);
    }
    str ns = value_str(value_getz(answer, "controllerNamespace"));
    settings_read(cm, VALUE_ABSENT, ns.len ? ns : STR("argocd"), c->arena, ret);
    return 0;
}

/* ---- where they come from ---- */

typedef VEC(value) value_list;

static int add_json(struct cli *c, str text, value_list *list, struct err *err)
{
    const struct json_input exact = {.exact_uint64 = true};
    value v = VALUE_ABSENT;
    if (text.len && !str_is(text, "null")) {
        int rc = json_parse(text, &exact, c->arena, &v, err);
        if (rc)
            return rc;
    }
    vec_push(c->arena, list, v);
    return 0;
}

static int of_revisions(struct cli *c, struct app_name name, const struct target_choice *choice,
                        value_list *list, struct err *err)
{
    VEC(struct remote_query) query = {0};
    value answer = VALUE_ABSENT;
    vec_push(c->arena, &query, (struct remote_query){"appNamespace", name.namespace});
    vec_push(c->arena, &query, (struct remote_query){"revision", choice->revision});
    for (size_t i = 0; i < choice->position.n; i++) {
        str position = arena_printf(c->arena, "%ld", (long)choice->position.at[i]);
        vec_push(c->arena, &query,
                 (struct remote_query){"revisions", choice->revisions->list.at[i]});
        vec_push(c->arena, &query, (struct remote_query){"sourcePositions", position});
    }
    int rc = remote_call(c, METHOD_GET, app_path(c, name, "/manifests"), query.at, query.n,
                         VALUE_ABSENT, &answer, err);
    for (struct value_iter it = value_iter(value_getz(answer, "manifests"));
         !rc && value_next(&it);)
        rc = add_json(c, value_str(it.val), list, err);
    return rc;
}

/* "loc" below root "." -> "loc"; both may be relative to the working folder. */
static int below_root(struct cli *c, str root, str path, str *ret_root, str *ret_path,
                      struct err *err)
{
    char *r = realpath(arena_cstr(c->arena, root), NULL);
    char *p = realpath(arena_cstr(c->arena, path), NULL);
    int rc = 0;
    if (!r || !p) {
        rc = err_set(err, ERR_NOT_FOUND, "%.*s: app path does not exist", STR_FMT(r ? path : root));
    } else {
        *ret_root = arena_str(c->arena, str_of(r));
        str all = arena_str(c->arena, str_of(p));
        bool top = str_is(*ret_root, "/");
        bool inside = top || str_eq(all, *ret_root) ||
                      str_starts(all, ARENA_CAT(c->arena, *ret_root, STR("/")));
        if (!inside)
            rc = err_set(err, ERR_INVALID, "%.*s: app path outside root", STR_FMT(path));
        else
            *ret_path = str_trim_prefix(str_from(all, top ? 0 : ret_root->len), STR("/"));
    }
    free(r);
    free(p);
    return rc;
}

int targets_local(struct cli *c, value app, const struct target_choice *choice,
                  const struct settings *s, struct targets *ret, struct err *err)
{
    struct app *view = ARENA_NEW(c->arena, struct app);
    struct render_result result = {0};
    CLEANUP(files_closep) struct files *files = NULL;
    str root, path;
    app_view(app, s->control_namespace, c->arena, view);
    int rc = below_root(c, choice->local_root, choice->local, &root, &path, err);
    if (!rc)
        rc = files_open_folder(root, &files, err);
    if (rc)
        return rc;
    value source = value_edit(c->arena, object_private(c->arena, app_source(app, 0)));
    value_setz(c->arena, source, "path", value_of_str(c->arena, path.len ? path : STR(".")));
    const struct render_request request = {
        .files = files,
        .source = source,
        .app_name = view->instance,
        .namespace = view->destination.namespace,
        .project = view->project,
        .revision = value_str(value_getz(source, "targetRevision")),
        .value_file_schemes = STR("https, http"),
    };
    rc = render_source(&request, c->arena, &result, err);
    if (rc)
        return rc;
    if (result.needs.n)
        return err_set(err, ERR_UNSUPPORTED,
                       "%.*s needs something of the network: use --server-side-generate",
                       STR_FMT(choice->local));
    ret->local = true;
    ret->n = result.n_objects;
    ret->object = ARENA_ARRAY(c->arena, value, ret->n + 1);
    for (size_t i = 0; i < ret->n; i++)
        ret->object[i] = tracking_write(s, c->arena, result.object[i].object, view->instance,
                                        view->destination.namespace);
    return 0;
}

/* Their data cannot be masked here as the server masks it. */
static void leave_secrets_out(struct cli *c, struct targets *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        value o = t->object[i];
        if (!object_group(o).len && str_is(object_kind(o), "Secret"))
            fprintf(c->log,
                    "Warning: Secret %.*s/%.*s is not supported in local diff and will be "
                    "ignored\n",
                    STR_FMT(object_ns(o)), STR_FMT(object_name(o)));
        else
            t->object[n++] = o;
    }
    t->n = n;
}

int targets_get(struct cli *c, const struct target_question *q, struct targets *ret,
                struct err *err)
{
    value_list list = {0};
    int rc = 0;
    *ret = (struct targets){0};
    if (q->choice->position.n || q->choice->revision.len) {
        rc = of_revisions(c, q->name, q->choice, &list, err);
    } else if (q->choice->local.len) {
        rc = targets_local(c, q->app, q->choice, q->settings, ret, err);
        if (!rc)
            leave_secrets_out(c, ret);
        return rc;
    } else {
        for (struct value_iter it = value_iter(value_getz(q->managed, "items"));
             !rc && value_next(&it);)
            rc = add_json(c, value_str(value_getz(it.val, "targetState")), &list, err);
    }
    ret->object = list.at;
    ret->n = list.n;
    return rc;
}
