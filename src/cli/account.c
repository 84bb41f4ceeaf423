/* account, version, completion. */
#include "cli/commands.h"
#include "base/time.h"
#include "cli/remote.h"
#include "cli/table.h"
#include "value/json.h"

#define CLI_VERSION "v3.6.0+tiphys"

int account_user_info_run(struct cli *c)
{
    value info;
    struct err err;
    str format = cli_flag(c, "output");
    if (c->args.n)
        return cli_usage(c);
    int r = remote_open(c);
    if (r)
        return r;
    if (remote_call(c, METHOD_GET, STR("/api/v1/session/userinfo"), NULL, 0, VALUE_ABSENT, &info,
                    &err))
        return cli_error(c, &err);
    if (cli_print_value(c, info, format)) {
        if (str_is(format, "yaml"))
            fputc('\n', c->out);
        return 0;
    }
    if (format.len)
        return cli_fatal(c, CLI_EXIT_USE, "Unknown output format: %.*s", STR_FMT(format));
    bool in = value_bool(value_getz(info, "loggedIn"));
    fprintf(c->out, "Logged In: %s\n", in ? "true" : "false");
    if (!in)
        return 0;
    fprintf(c->out, "Username: %.*s\nIssuer: %.*s\nGroups: ",
            STR_FMT(value_str(value_getz(info, "username"))),
            STR_FMT(value_str(value_getz(info, "iss"))));
    for (struct value_iter it = value_iter(value_getz(info, "groups")); value_next(&it);)
        fprintf(c->out, "%s%.*s", it.i ? "," : "", STR_FMT(value_str(it.val)));
    fputc('\n', c->out);
    return 0;
}

int account_can_i_run(struct cli *c)
{
    value answer;
    struct err err;
    if (c->args.n != 3)
        return cli_usage(c);
    int r = remote_open(c);
    if (r)
        return r;
    str path = STR("/api/v1/account/can-i");
    static const size_t order[] = {1, 0, 2}; /* resource, action, subresource */
    for (size_t i = 0; i < 3; i++)
        path = ARENA_CAT(c->arena, path, STR("/"), remote_escape(c->arena, c->args.at[order[i]]));
    if (remote_call(c, METHOD_GET, path, NULL, 0, VALUE_ABSENT, &answer, &err))
        return cli_error(c, &err);
    fprintf(c->out, "%.*s\n", STR_FMT(value_str(value_getz(answer, "value"))));
    return 0;
}

static str capabilities(struct cli *c, value account)
{
    str text = STR("");
    for (struct value_iter it = value_iter(value_getz(account, "capabilities")); value_next(&it);)
        text = ARENA_CAT(c->arena, text, it.i ? STR(", ") : STR(""), value_str(it.val));
    return text;
}

int account_list_run(struct cli *c)
{
    value answer;
    struct err err;
    struct table t;
    str format = cli_flag(c, "output");
    int r = remote_open(c);
    if (r)
        return r;
    if (remote_call(c, METHOD_GET, STR("/api/v1/account"), NULL, 0, VALUE_ABSENT, &answer, &err))
        return cli_error(c, &err);
    value items = value_getz(answer, "items");
    if (cli_print_value(c, items, format))
        return 0;
    bool names = str_is(format, "name");
    if (!names && format.len && !str_is(format, "wide"))
        return cli_fatal(c, CLI_EXIT_ERROR, "unknown output format: %.*s", STR_FMT(format));
    table_init(&t, c->arena, 0, 2);
    if (!names)
        table_add(&t, "NAME\tENABLED\tCAPABILITIES");
    for (struct value_iter it = value_iter(items); value_next(&it);) {
        str name = value_str(value_getz(it.val, "name"));
        if (names)
            table_add(&t, "%.*s", STR_FMT(name));
        else
            table_add(&t, "%.*s\t%s\t%.*s", STR_FMT(name),
                      value_bool(value_getz(it.val, "enabled")) ? "true" : "false",
                      STR_FMT(capabilities(c, it.val)));
    }
    table_print(&t, c->out);
    return 0;
}

/* Seconds since 1970 as argocd shows them; 0: never. */
static str token_time(struct cli *c, value seconds, bool never)
{
    int64_t s = 0;
    if (!str_to_i64(value_str(seconds), &s))
        s = value_int(seconds);
    return !s && never ? STR("never") : time_str(c->arena, s * USEC_PER_SEC);
}

static void print_account(struct cli *c, value account)
{
    value tokens = value_getz(account, "tokens");
    struct table t;
    fprintf(c->out, "%-20s%.*s\n%-20s%s\n%-20s%.*s\n\nTokens:\n",
            "Name:", STR_FMT(value_str(value_getz(account, "name"))),
            "Enabled:", value_bool(value_getz(account, "enabled")) ? "true" : "false",
            "Capabilities:", STR_FMT(capabilities(c, account)));
    if (!value_len(tokens)) {
        fputs("NONE\n", c->out);
        return;
    }
    table_init(&t, c->arena, 0, 2);
    table_add(&t, "ID\tISSUED AT\tEXPIRING AT");
    for (struct value_iter it = value_iter(tokens); value_next(&it);)
        table_add(&t, "%.*s\t%.*s\t%.*s", STR_FMT(value_str(value_getz(it.val, "id"))),
                  STR_FMT(token_time(c, value_getz(it.val, "issuedAt"), false)),
                  STR_FMT(token_time(c, value_getz(it.val, "expiresAt"), true)));
    table_print(&t, c->out);
}

/* --account, or who is logged in. 0 or an exit code (told). */
static int account_name(struct cli *c, str *ret)
{
    value info;
    struct err err;
    *ret = cli_flag(c, "account");
    if (ret->len)
        return 0;
    if (remote_call(c, METHOD_GET, STR("/api/v1/session/userinfo"), NULL, 0, VALUE_ABSENT, &info,
                    &err))
        return cli_error(c, &err);
    *ret = value_str(value_getz(info, "username"));
    return 0;
}

int account_get_run(struct cli *c)
{
    value account;
    struct err err;
    str name, format = cli_flag(c, "output");
    int r = remote_open(c);
    r = r ? r : account_name(c, &name);
    if (r)
        return r;
    str path = ARENA_CAT(c->arena, STR("/api/v1/account/"), remote_escape(c->arena, name));
    if (remote_call(c, METHOD_GET, path, NULL, 0, VALUE_ABSENT, &account, &err))
        return cli_error(c, &err);
    if (cli_print_value(c, account, format))
        return 0;
    if (format.len && !str_is(format, "wide"))
        return cli_fatal(c, CLI_EXIT_ERROR, "unknown output format: %.*s", STR_FMT(format));
    print_account(c, account);
    return 0;
}

/* "3h", "30m", "7d"; false: no such text. */
static bool lifetime(str s, int64_t *ret_seconds)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    int64_t n;
    for (size_t i = 0; s.len > 1 && i < ARRAY_LEN(units); i++)
        if (s.at[s.len - 1] == units[i].unit && str_to_i64(str_sub(s, 0, s.len - 1), &n)) {
            *ret_seconds = n * units[i].seconds;
            return true;
        }
    return false;
}

int account_generate_token_run(struct cli *c)
{
    value answer, body = value_new_map(c->arena);
    struct err err;
    int64_t seconds;
    str name, expires = cli_flag(c, "expires-in");
    int r = remote_open(c);
    if (r)
        return r;
    if (!lifetime(expires, &seconds))
        return cli_fatal(c, CLI_EXIT_ERROR,
                         "invalid since format '%.*s', expected format <duration><unit> (e.g. 3h)",
                         STR_FMT(expires));
    if ((r = account_name(c, &name)))
        return r;
    value_set_str(c->arena, body, "name", name);
    value_set_str(c->arena, body, "id", cli_flag(c, "id"));
    value_setz(c->arena, body, "expiresIn", value_of_int(c->arena, seconds));
    str path =
        ARENA_CAT(c->arena, STR("/api/v1/account/"), remote_escape(c->arena, name), STR("/token"));
    if (remote_call(c, METHOD_POST, path, NULL, 0, body, &answer, &err))
        return cli_error(c, &err);
    fprintf(c->out, "%.*s\n", STR_FMT(value_str(value_getz(answer, "token"))));
    return 0;
}

int account_delete_token_run(struct cli *c)
{
    struct err err;
    str name;
    if (c->args.n != 1)
        return cli_usage(c);
    int r = remote_open(c);
    r = r ? r : account_name(c, &name);
    if (r)
        return r;
    str path = ARENA_CAT(c->arena, STR("/api/v1/account/"), remote_escape(c->arena, name),
                         STR("/token/"), remote_escape(c->arena, c->args.at[0]));
    if (remote_call(c, METHOD_DELETE, path, NULL, 0, VALUE_ABSENT, NULL, &err))
        return cli_error(c, &err);
    return 0;
}

int account_update_password_run(struct cli *c)
{
    value body = value_new_map(c->arena);
    struct err err;
    str name;
    if (c->args.n)
        return cli_usage(c);
    int r = remote_open(c);
    r = r ? r : account_name(c, &name);
    if (r)
        return r;
    value_set_str(c->arena, body, "name", name);
    value_set_str(c->arena, body, "currentPassword", cli_flag(c, "current-password"));
    value_set_str(c->arena, body, "newPassword", cli_flag(c, "new-password"));
    if (remote_call(c, METHOD_PUT, STR("/api/v1/account/password"), NULL, 0, body, NULL, &err))
        return cli_error(c, &err);
    fputs("Password updated\n", c->out);
    return 0;
}

/* ---- version ---- */

static value client_version(struct cli *c)
{
    value v = value_new_map(c->arena);
    value_set_str(c->arena, v, "Version", STR(CLI_VERSION));
    value_set_str(c->arena, v, "Compiler", STR(__VERSION__));
    value_set_str(c->arena, v, "Platform", STR("linux/amd64"));
    return v;
}

static void version_text(struct cli *c, const char *name, value v, bool brief)
{
    static const char *const fields[] = {"BuildDate", "GitCommit",     "GitTreeState",
                                         "GitTag",    "GoVersion",     "Compiler",
                                         "Platform",  "ExtraBuildInfo"};
    static const char *const tools[] = {"Kustomize", "Helm", "Kubectl", "Jsonnet"};
    fprintf(c->out, "%s: %.*s\n", name, STR_FMT(value_str(value_getz(v, "Version"))));
    for (size_t i = 0; i < ARRAY_LEN(fields) && !brief; i++) {
        str text = value_str(value_get(v, str_of(fields[i])));
        if (text.len)
            fprintf(c->out, "  %s: %.*s\n", fields[i], STR_FMT(text));
    }
    for (size_t i = 0; i < ARRAY_LEN(tools) && !brief; i++) {
        str key = ARENA_CAT(c->arena, str_of(tools[i]), STR("Version"));
        str text = value_str(value_get(v, key));
        if (text.len)
            fprintf(c->out, "  %s Version: %.*s\n", tools[i], STR_FMT(text));
    }
}

/* What -o json and yaml show of one side. */
static value version_shown(struct cli *c, const char *name, value v, bool brief)
{
    if (!brief)
        return v;
    value map = value_new_map(c->arena);
    value_set_str(c->arena, map, name, value_str(value_getz(v, "Version")));
    return map;
}

int version_run(struct cli *c)
{
    value server = VALUE_ABSENT, all = value_new_map(c->arena);
    struct err err;
    str format = cli_flag(c, "output");
    bool brief = cli_switch(c, "short") || str_is(format, "short");
    bool structured = str_is(format, "json") || str_is(format, "yaml");
    if (!structured && format.len && !str_is(format, "wide") && !str_is(format, "short"))
        return cli_fatal(c, CLI_EXIT_USE, "unknown output format: %.*s", STR_FMT(format));
    if (!structured)
        version_text(c, "argocd", client_version(c), brief);
    if (!cli_switch(c, "client")) {
        int r = remote_open(c);
        if (r)
            return r;
        if (remote_call(c, METHOD_GET, STR("/api/version"), NULL, 0, VALUE_ABSENT, &server, &err))
            return cli_error(c, &err);
    }
    if (structured) {
        value_setz(c->arena, all, "client", version_shown(c, "argocd", client_version(c), brief));
        if (value_exists(server))
            value_setz(c->arena, all, "server", version_shown(c, "argocd-server", server, brief));
        cli_print_value(c, all, format);
    } else if (value_exists(server)) {
        version_text(c, "argocd-server", server, brief);
    }
    return 0;
}

/* ---- completion ---- */

/* The words that may follow a path of command words, for each path that has any. */
static void words_after(struct cli *c, str path, str *ret)
{
    str words = STR("");
    for (size_t i = 0; i < cli_n_commands; i++) {
        str p = str_of(cli_commands[i].path), rest = p;
        if (path.len && (!str_starts(p, path) || p.len == path.len || p.at[path.len] != ' '))
            continue;
        if (path.len)
            rest = str_from(p, path.len + 1);
        if (str_find_char(rest, ' ') < 0)
            words = ARENA_CAT(c->arena, words, words.len ? STR(" ") : STR(""), rest);
    }
    *ret = words;
}

static void each_group(struct cli *c, const char *format)
{
    str words;
    words_after(c, STR(""), &words);
    fprintf(c->out, "%s", "");
    for (size_t i = 0; i <= cli_n_commands; i++) {
        str path = i < cli_n_commands ? str_of(cli_commands[i].path) : STR("");
        words_after(c, path, &words);
        if (!words.len)
            continue;
        if (*format == 'b')
            fprintf(c->out, "    \"%.*s\") words=\"%.*s\" ;;\n", STR_FMT(path), STR_FMT(words));
        else if (!path.len)
            fprintf(c->out, "complete -c %s -f -n __fish_use_subcommand -a '%.*s'\n", c->program,
                    STR_FMT(words));
        else
            fprintf(c->out, "complete -c %s -f -n '__fish_seen_subcommand_from %.*s' -a '%.*s'\n",
                    c->program, STR_FMT(path), STR_FMT(words));
    }
}

int completion_run(struct cli *c)
{
    if (c->args.n != 1)
        return cli_usage(c);
    str shell = c->args.at[0];
    const char *p = c->program;
    if (str_is(shell, "fish")) {
        each_group(c, "fish");
        return 0;
    }
    if (!str_is(shell, "bash") && !str_is(shell, "zsh")) {
        fprintf(c->log, "Unsupported shell '%.*s'. The supported shells are bash, fish, and zsh.\n",
                STR_FMT(shell));
        return CLI_EXIT_USE;
    }
    if (str_is(shell, "zsh"))
        fputs("autoload -U +X bashcompinit && bashcompinit\n", c->out);
    fprintf(c->out, "__%s_complete()\n{\n    local words path= word\n", p);
    fputs("    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
          "        case $word in -*) ;; *) path=\"${path:+$path }$word\" ;; esac\n    done\n"
          "    case $path in\n",
          c->out);
    each_group(c, "bash");
    fprintf(
        c->out,
        "    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n"
        "complete -o default -F __%s_complete %s\n",
        p, p);
    return 0;
}
