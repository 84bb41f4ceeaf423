/* Commands that write applications: create, set, patch, delete. */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "value/yaml.h"

#define FILE_BYTES_MAX (16 << 20)

/* ---- create ---- */

int app_read_text(struct cli *c, str path, str *ret, struct err *err)
{
    FILE *f = str_is(path, "-") ? stdin : fopen(arena_cstr(c->arena, path), "rb");
    if (!f) {
        const char *why = strerror(errno); /* Go writes these small */
        return err_set(err, ERR_IO, "open %.*s: %c%s", STR_FMT(path), tolower(why[0]), why + 1);
    }
    struct buf b = {.bytes_max = FILE_BYTES_MAX};
    while (!feof(f) && !ferror(f) && buf_reserve(&b, 65536))
        buf_advance(&b, fread(b.at + b.len, 1, 65536, f));
    if (f != stdin)
        fclose(f);
    *ret = arena_str(c->arena, buf_str(&b));
    int r = buf_check(&b, "file", err);
    buf_done(&b);
    return r;
}

struct collect {
    struct cli *c;
    value list;
};

static int collect_app(void *arg, value document, size_t index, uint32_t line, struct err *err)
{
    struct collect *k = arg;
    (void)index;
    if (!str_is(value_str(value_getz(document, "kind")), "Application"))
        return err_set(err, ERR_INVALID, "line %u: the kind is not Application", line);
    value_push(k->c->arena, k->list, document);
    return 0;
}

/* "k=v" of each entry into metadata.labels or annotations; only an annotation may lack its value
 * or hold a second "=". */
static int set_pairs(struct cli *c, value app, const char *path, const struct cli_given *pairs)
{
    bool labels = str_is(str_of(path), "labels");
    for (size_t i = 0; i < pairs->list.n; i++) {
        str key, text = STR("");
        bool pair = str_cut(pairs->list.at[i], '=', &key, &text);
        if (labels && (!pair || str_find_char(text, '=') >= 0))
            return cli_fatal(c, CLI_EXIT_ERROR,
                             "labels should have key=value, but instead got: %.*s",
                             STR_FMT(pairs->list.at[i]));
        if (!pair) {
            key = pairs->list.at[i];
            text = STR("");
        }
        value metadata = value_edit_map(c->arena, app, STR("metadata"));
        value map = value_edit_map(c->arena, metadata, str_of(path));
        value_set(c->arena, map, key, value_of_str(c->arena, text));
    }
    return 0;
}

static value new_app(struct cli *c)
{
    value app = value_new_map(c->arena);
    value_set_str(c->arena, app, "apiVersion", STR("argoproj.io/v1alpha1"));
    value_set_str(c->arena, app, "kind", STR("Application"));
    return app;
}

static int complete_app(struct cli *c, value app)
{
    size_t changed;
    value metadata = value_edit_map(c->arena, app, STR("metadata"));
    str name = c->args.n ? c->args.at[0] : cli_flag(c, "name"), ns;
    if (c->args.n && cli_flag(c, "name").len && !str_eq(cli_flag(c, "name"), name))
        return cli_fatal(c, CLI_EXIT_ERROR, "--name argument '%.*s' does not match app name %.*s",
                         STR_FMT(cli_flag(c, "name")), STR_FMT(name));
    if (str_cut(name, '/', &ns, &name))
        value_set_str(c->arena, metadata, "namespace", ns);
    else
        name = c->args.n ? c->args.at[0] : cli_flag(c, "name");
    if (name.len)
        value_set_str(c->arena, metadata, "name", name);
    if (cli_flag(c, "app-namespace").len)
        value_set_str(c->arena, metadata, "namespace", cli_flag(c, "app-namespace"));
    int r = set_pairs(c, app, "labels", cli_given(c, "label"));
    r = r ? r : set_pairs(c, app, "annotations", cli_given(c, "annotations"));
    r = r ? r : app_apply_options(c, value_edit_map(c->arena, app, STR("spec")), 0, &changed);
    if (!r && cli_switch(c, "set-finalizer"))
        value_push(c->arena, value_edit_list(c->arena, metadata, STR("finalizers")),
                   value_of_str(c->arena, STR("resources-finalizer.argocd.argoproj.io")));
    return r;
}

/* Would the server find nothing to change? An empty project is "default"; empty maps are none. */
static bool is_unchanged(struct cli *c, value wanted, value now)
{
    static const char *const paths[] = {"metadata.labels", "metadata.annotations",
                                        "metadata.finalizers"};
    value spec = value_copy(c->arena, value_getz(wanted, "spec"));
    if (!value_str(value_getz(spec, "project")).len)
        value_set_str(c->arena, spec, "project", STR("default"));
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        value a = value_path(wanted, paths[i]), b = value_path(now, paths[i]);
        if ((value_len(a) || value_len(b)) && !value_equal(a, b))
            return false;
    }
    return value_equal(spec, value_getz(now, "spec"));
}

static int create_one(struct cli *c, value app)
{
    struct err err;
    value existing = VALUE_ABSENT, created;
    str name = value_path_str(app, "metadata.name");
    bool upsert = cli_switch(c, "upsert");
    if (!name.len)
        return cli_usage(c);
    struct app_name plain = {name, value_path_str(app, "metadata.namespace")};
    int r = app_fetch(c, plain, "", &existing, &err);
    if (r && r != -ERR_NOT_FOUND && r != -ERR_FORBIDDEN)
        return cli_error(c, &err);
    const struct remote_query query[] = {{"upsert", upsert ? STR("true") : STR("false")},
                                         {"validate",
                                          cli_switch(c, "validate") ? STR("true") : STR("false")}};
    if (remote_call(c, METHOD_POST, STR("/api/v1/applications"), query, 2, app, &created, &err))
        return cli_error(c, &err);
    const char *action = !value_is_map(existing)                         ? "created"
                         : !upsert || is_unchanged(c, existing, created) ? "unchanged"
                                                                         : "updated";
    fprintf(c->out, "application '%.*s' %s\n", STR_FMT(value_path_str(created, "metadata.name")),
            action);
    return 0;
}

int app_create_run(struct cli *c)
{
    struct collect k = {c, value_new_list(c->arena)};
    str file = cli_flag(c, "file"), text;
    struct err err;
    if (!file.len) {
        value_push(c->arena, k.list, new_app(c));
    } else if (app_read_text(c, file, &text, &err) ||
               yaml_parse_stream(text, NULL, c->arena, collect_app, &k, &err)) {
        return cli_error(c, &err);
    }
    int r = 0;
    for (size_t i = 0; i < value_len(k.list) && !r; i++)
        r = complete_app(c, value_at(k.list, i));
    for (size_t i = 0; i < value_len(k.list); i++)
        if (!r && !value_path_str(value_at(k.list, i), "metadata.name").len)
            return cli_usage(c);
    r = r ? r : remote_open(c);
    for (size_t i = 0; i < value_len(k.list) && !r; i++)
        r = create_one(c, value_at(k.list, i));
    return r;
}

/* ---- set, patch ---- */

int app_set_run(struct cli *c)
{
    struct err err;
    value app;
    size_t changed, position = (size_t)MAX_OF(cli_number(c, "source-position") - 1, 0);
    if (c->args.n != 1)
        return cli_usage(c);
    int r = remote_open(c);
    if (r)
        return r;
    struct app_name name = app_name_of(c, c->args.at[0]);
    if (app_fetch(c, name, "", &app, &err))
        return cli_error(c, &err);
    if (app_n_sources(app) && cli_number(c, "source-position") <= 0)
        return cli_fatal(c, CLI_EXIT_ERROR,
                         "Source position should be specified and must be greater than 0 for "
                         "applications with multiple sources");
    value spec = value_copy(c->arena, value_getz(app, "spec"));
    r = app_apply_options(c, spec, position, &changed);
    if (r)
        return r;
    if (!changed) {
        cli_log(c, "error", "Please set at least one option to update");
        return cli_usage(c);
    }
    const struct remote_query query[] = {{"appNamespace", name.namespace},
                                         {"validate",
                                          cli_switch(c, "validate") ? STR("true") : STR("false")}};
    if (remote_call(c, METHOD_PUT, app_path(c, name, "/spec"), query, 2, spec, NULL, &err))
        return cli_error(c, &err);
    return 0;
}

int app_patch_run(struct cli *c)
{
    struct err err;
    value patched, body = value_new_map(c->arena);
    if (c->args.n != 1)
        return cli_usage(c);
    int r = remote_open(c);
    if (r)
        return r;
    struct app_name name = app_name_of(c, c->args.at[0]);
    value_set_str(c->arena, body, "name", name.name);
    value_set_str(c->arena, body, "appNamespace", name.namespace);
    value_set_str(c->arena, body, "patch", cli_flag(c, "patch"));
    value_set_str(c->arena, body, "patchType", cli_flag(c, "type"));
    if (remote_call(c, METHOD_PATCH, app_path(c, name, ""), NULL, 0, body, &patched, &err))
        return cli_error(c, &err);
    cli_print_value(c, patched, STR("yaml"));
    fputc('\n', c->out);
    return 0;
}

/* ---- delete ---- */

/* On a terminal, when resources go too: 'y', 'n', or for several 'a' (all). */
static char ask(struct cli *c, str name, size_t n)
{
    char answer[16];
    for (;;) {
        fprintf(c->out, "Are you sure you want to delete '%.*s' and all its resources? %s",
                STR_FMT(name),
                n > 1 ? "[y/n/a] where 'a' is to delete all specified apps and their resources "
                        "without prompting "
                      : "[y/n] ");
        fflush(c->out);
        if (!fgets(answer, sizeof(answer), stdin))
            return 'n';
        char first = (char)(answer[0] | 0x20);
        if (first == 'y' || first == 'n' || (n > 1 && first == 'a'))
            return first;
    }
}

static int delete_one(struct cli *c, str shown)
{
    struct err err;
    struct app_name name = app_name_of(c, shown);
    const struct remote_query query[] =
        {{"appNamespace", name.namespace},
         {"cascade", cli_changed(c, "cascade") ? cli_flag(c, "cascade") : STR("")},
         {"propagationPolicy",
          cli_changed(c, "propagation-policy") ? cli_flag(c, "propagation-policy") : STR("")}};
    value app = VALUE_ABSENT;
    bool wait = cli_switch(c, "wait");
    if (wait && app_fetch(c, name, "", &app, &err))
        return cli_error(c, &err);
    if (remote_call(c, METHOD_DELETE, app_path(c, name, ""), query, 3, VALUE_ABSENT, NULL, &err))
        return cli_error(c, &err);
    while (wait && !app_fetch(c, name, "", &app, &err)) /* gone when it cannot be read */
        usleep(100000);
    fprintf(c->out, "application '%.*s' deleted\n", STR_FMT(shown));
    return 0;
}

int app_delete_run(struct cli *c)
{
    str selector = cli_flag(c, "selector"), *names = c->args.at;
    size_t n = c->args.n;
    struct err err;
    if (!n && !selector.len)
        return cli_usage(c);
    int r = remote_open(c);
    if (!r && selector.len) {
        names = ARENA_ARRAY(c->arena, str, APP_NAMES_MAX);
        if (app_names(c, selector, NULL, names, APP_NAMES_MAX, &n, &err))
            return cli_error(c, &err);
        if (!n)
            return cli_fatal(c, CLI_EXIT_ERROR, "no apps match selector %.*s", STR_FMT(selector));
    }
    bool prompt = cli_switch(c, "cascade") && !cli_switch(c, "yes") && isatty(STDOUT_FILENO);
    for (size_t i = 0; i < n && !r; i++) {
        char answer = prompt ? ask(c, names[i], n) : 'y';
        prompt = prompt && answer != 'a';
        if (answer == 'n')
            fprintf(c->out, "The command to delete '%.*s' was cancelled.\n", STR_FMT(names[i]));
        else
            r = delete_one(c, names[i]);
    }
    return r;
}
