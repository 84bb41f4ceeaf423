/* app diff: what the live objects would become, shown by diff(1). */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "value/json.h"
#include "value/yaml.h"

#define EXIT_WRONG_ARGS 2

static value object(struct cli *c, value item, const char *field)
{
    struct json_input exact = {.exact_uint64 = true};
    str text = value_str(value_get(item, str_of(field)));
    value v;
    if (!text.len || str_is(text, "null") || json_parse(text, &exact, c->arena, &v, NULL))
        return VALUE_ABSENT;
    return v;
}

static int write_yaml(struct cli *c, const char *path, value v, struct err *err)
{
    struct buf out = BUF_INIT;
    int r = 0, fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    (void)c;
    if (value_exists(v))
        yaml_print(v, YAML_SIGS, AUDIENCE_WIRE, &out);
    if (fd < 0 || (out.len && write(fd, out.at, out.len) != (ssize_t)out.len))
        r = err_errno(err, errno, "write %s", path);
    if (fd >= 0)
        close(fd);
    buf_done(&out);
    return r;
}

static int run_diff(const char *live, const char *target, struct err *err)
{
    const char *program = getenv("KUBECTL_EXTERNAL_DIFF");
    program = program && *program ? program : "diff";
    char *argv[] = {(char *)program, (char *)live, (char *)target, NULL};
    pid_t pid;
    int status, e = posix_spawnp(&pid, program, NULL, NULL, argv, environ);
    if (e)
        return err_errno(err, e, "%s", program);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return 0;
}

static int show(struct cli *c, str name, value live, value target, struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = arena_cstr(c->arena, ARENA_CAT(c->arena, str_of(tmp && *tmp ? tmp : "/tmp"),
                                               STR("/argocd-diffXXXXXX")));
    if (!mkdtemp(dir))
        return err_errno(err, errno, "make a folder in %s", dir);
    char *files[] = {arena_cstr(c->arena, ARENA_CAT(c->arena, str_of(dir), STR("/"), name,
                                                    STR("-live.yaml"))),
                     arena_cstr(c->arena, ARENA_CAT(c->arena, str_of(dir), STR("/"), name))};
    int r = write_yaml(c, files[0], live, err);
    r = r ? r : write_yaml(c, files[1], target, err);
    fflush(c->out);
    r = r ? r : run_diff(files[0], files[1], err);
    unlink(files[0]);
    unlink(files[1]);
    rmdir(dir);
    return r;
}

/* Prints the difference of one managed resource; *ret_differs. */
static int diff_one(struct cli *c, value item, bool *ret_differs, struct err *err)
{
    value live = object(c, item, "normalizedLiveState"),
          target = object(c, item, "predictedLiveState");
    bool has_live = value_exists(object(c, item, "liveState"));
    bool has_target = value_exists(object(c, item, "targetState"));
    if (value_bool(value_getz(item, "hook")) || (!has_live && !has_target))
        return 0;
    if (!has_live || !has_target) {
        live = object(c, item, "liveState");
        target = object(c, item, "targetState");
    }
    if (has_live && has_target && value_equal(live, target))
        return 0;
    *ret_differs = true;
    str name = value_str(value_getz(item, "name"));
    fprintf(c->out, "\n===== %.*s/%.*s %.*s/%.*s ======\n",
            STR_FMT(value_str(value_getz(item, "group"))),
            STR_FMT(value_str(value_getz(item, "kind"))),
            STR_FMT(value_str(value_getz(item, "namespace"))), STR_FMT(name));
    return show(c, name, live, target, err);
}

int app_diff_run(struct cli *c)
{
    struct err err;
    value app, answer;
    bool differs = false;
    if (c->args.n != 1) {
        cli_usage(c);
        return EXIT_WRONG_ARGS;
    }
    if (cli_flag(c, "local").len || cli_flag(c, "revision").len)
        return cli_fatal(c, CLI_EXIT_ERROR,
                         "--local and --revision are not supported by this version");
    int r = remote_open(c);
    if (r)
        return r;
    struct app_name name = app_name_of(c, c->args.at[0]);
    const char *refresh = cli_switch(c, "hard-refresh") ? "hard"
                          : cli_switch(c, "refresh")    ? "normal"
                                                        : "";
    const struct remote_query query[] = {{"appNamespace", name.namespace}};
    if (app_fetch(c, name, refresh, &app, &err) ||
        remote_get(c, app_path(c, name, "/managed-resources"), query, &answer, &err))
        return cli_error(c, &err);
    for (struct value_iter it = value_iter(value_getz(answer, "items")); value_next(&it);)
        if (diff_one(c, it.val, &differs, &err))
            return cli_error(c, &err);
    return differs && cli_switch(c, "exit-code") ? (int)cli_number(c, "diff-exit-code") : 0;
}
