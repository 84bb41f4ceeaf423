/* app diff: what the live objects would become. */
#include "cli/commands.h"
#include "cli/targets.h"
#include "argo/application.h"

#define EXIT_WRONG_ARGS 2

static int check_flags(struct cli *c, struct target_choice *choice)
{
    if (cli_number(c, "server-side-diff-concurrency") == 0)
        return cli_fatal(c, CLI_EXIT_ERROR,
                         "invalid value for --server-side-diff-concurrency: 0 is not allowed (use "
                         "-1 for unlimited, or a positive number to limit concurrency)");
    return target_choice_read(c, CLI_EXIT_ERROR, choice);
}

static int check_app(struct cli *c, value app, struct target_choice *choice)
{
    size_t n = app_n_sources(app);
    bool asked = cli_switch(c, "server-side-diff");
    if (asked && !object_has_option(app, KEY_COMPARE_OPTIONS, "ServerSideDiff=true"))
        fputs("Warning: Application does not have ServerSideDiff=true annotation.\n", c->log);
    if (asked && choice->local.len && !cli_switch(c, "server-side-generate"))
        return cli_fatal(c, CLI_EXIT_USE,
                         "--server-side-diff with --local requires --server-side-generate.");
    if (choice->local.len && cli_switch(c, "server-side-generate"))
        return cli_fatal(c, CLI_EXIT_ERROR, "--server-side-generate is not supported yet");
    if (!n) /* not several sources: positions mean nothing */
        choice->position.n = 0;
    for (size_t i = 0; i < choice->position.n; i++)
        if (choice->position.at[i] <= 0 || choice->position.at[i] > (int64_t)n)
            return cli_fatal(c, CLI_EXIT_USE,
                             "source-position cannot be less than 1 or more than number of sources "
                             "in the app. Counting starts at 1.");
    if (choice->local.len && !choice->revision.len && !choice->position.n &&
        !cli_switch(c, "server-side-generate"))
        fputs("Warning: local diff without --server-side-generate is deprecated and does not work "
              "with plugins. Server-side generation will be the default in v2.7.",
              c->log);
    return 0;
}

int app_diff_run(struct cli *c)
{
    struct err err;
    value app;
    bool differs = false;
    struct target_choice choice;
    if (c->args.n != 1) {
        cli_usage(c);
        return EXIT_WRONG_ARGS;
    }
    int r = check_flags(c, &choice);
    r = r ? r : remote_open(c);
    if (r)
        return r;
    struct app_name name = app_name_of(c, c->args.at[0]);
    const char *refresh = cli_switch(c, "hard-refresh") ? "hard"
                          : cli_switch(c, "refresh")    ? "normal"
                                                        : "";
    if (app_fetch(c, name, refresh, &app, &err))
        return cli_error(c, &err);
    r = target_choice_names(c, app, &choice);
    r = r ? r : check_app(c, app, &choice);
    if (r)
        return r;
    if (targets_diff(c, name, app, &choice, &differs, &err))
        return cli_error(c, &err);
    return differs && cli_switch(c, "exit-code") ? (int)cli_number(c, "diff-exit-code") : 0;
}
