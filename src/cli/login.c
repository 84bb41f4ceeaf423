/* login, relogin, logout, context: the local configuration and the sessions in it. */
#include <termios.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/config.h"
#include "cli/remote.h"
#include "cli/table.h"
#include "value/json.h"
#include "value/yaml.h"

#define LINE_BYTES_MAX 1000

/* ---- asking ---- */

static str ask(struct cli *c, const char *label, bool secret)
{
    char line[LINE_BYTES_MAX];
    struct termios before, quiet;
    bool hide = secret && !tcgetattr(STDIN_FILENO, &before);
    fputs(label, c->out);
    fflush(c->out);
    if (hide) {
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
    }
    bool got = fgets(line, sizeof(line), stdin) != NULL;
    if (hide) {
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
        fputc('\n', c->out);
    }
    return got ? arena_str(c->arena, str_trim(str_of(line))) : STR("");
}

/* ---- tokens ---- */

static int base64url(char ch)
{
    return ch >= 'A' && ch <= 'Z'   ? ch - 'A'
           : ch >= 'a' && ch <= 'z' ? ch - 'a' + 26
           : ch >= '0' && ch <= '9' ? ch - '0' + 52
           : ch == '-'              ? 62
           : ch == '_'              ? 63
                                    : -1;
}

/* The claims of a JSON web token, not verified; absent when it is none. */
static value claims_of(struct cli *c, str token)
{
    str head, body, signature;
    value claims;
    if (!str_cut(token, '.', &head, &body) || !str_cut(body, '.', &body, &signature))
        return VALUE_ABSENT;
    char *text = arena_alloc(c->arena, body.len + 1), *w = text;
    uint32_t bits = 0;
    unsigned n = 0;
    for (size_t i = 0; i < body.len; i++) {
        int v = base64url(body.at[i]);
        if (v < 0)
            return VALUE_ABSENT;
        bits = bits << 6 | (unsigned)v;
        n += 6;
        if (n >= 8) {
            n -= 8;
            *w++ = (char)(bits >> n);
        }
    }
    return json_parse(str_mem(text, (size_t)(w - text)), NULL, c->arena, &claims, NULL)
               ? VALUE_ABSENT
               : claims;
}

static str shown_name(struct cli *c, str token)
{
    static const char *const fields[] = {"email", "name", "sub"};
    value claims = claims_of(c, token);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        str text = value_str(value_get(claims, str_of(fields[i])));
        if (text.len)
            return text;
    }
    return STR("");
}

static int make_session(struct cli *c, str user, str password, str *ret_token)
{
    value body = value_new_map(c->arena), answer;
    struct err err;
    if (!user.len)
        user = ask(c, "Username: ", false);
    if (!password.len)
        password = ask(c, "Password: ", true);
    value_set_str(c->arena, body, "username", user);
    value_set_str(c->arena, body, "password", password);
    if (remote_call(c, METHOD_POST, STR("/api/v1/session"), NULL, 0, body, &answer, &err))
        return cli_error(c, &err);
    *ret_token = value_str(value_getz(answer, "token"));
    return 0;
}

/* ---- login ---- */

static value editable(struct cli *c, value config)
{
    return value_is_map(config) ? config : value_new_map(c->arena);
}

static void set_switch(struct cli *c, value map, const char *key, bool on)
{
    if (on)
        value_set(c->arena, map, str_of(key), value_of_bool(c->arena, true));
    else
        value_remove(map, str_of(key));
}

static int save_login(struct cli *c, str server, str context, str token)
{
    value config;
    struct err err;
    if (config_read(c, &config, &err))
        return cli_error(c, &err);
    config = editable(c, config);
    value entry = config_edit(c, config, "servers", "server", server);
    set_switch(c, entry, "plain-text", cli_switch(c, "plaintext"));
    set_switch(c, entry, "insecure", cli_switch(c, "insecure"));
    set_switch(c, entry, "grpc-web", cli_switch(c, "grpc-web"));
    value_set_str(c->arena, config_edit(c, config, "users", "name", context), "auth-token", token);
    value reference = config_edit(c, config, "contexts", "name", context);
    value_set_str(c->arena, reference, "server", server);
    value_set_str(c->arena, reference, "user", context);
    value_set_str(c->arena, config, "current-context", context);
    if (config_write(c, config, &err))
        return cli_error(c, &err);
    fprintf(c->out, "Context '%.*s' updated\n", STR_FMT(context));
    return 0;
}

/* The flags are looked at by remote_open; the server comes from the argument. */
static int open_at(struct cli *c, str server)
{
    for (size_t i = 0; i < c->given.n; i++) {
        struct cli_given *g = &c->given.at[i];
        if (!strcmp(g->flag->name, "server"))
            g->text = server;
        if (!strcmp(g->flag->name, "auth-token"))
            g->text = STR("");
    }
    int r = remote_open(c);
    c->token = STR("");
    return r;
}

int login_run(struct cli *c)
{
    str token;
    if (c->args.n != 1)
        return cli_usage(c);
    if (cli_switch(c, "sso"))
        return cli_fatal(c, CLI_EXIT_ERROR, "--sso is not supported by this version");
    str server = c->args.at[0], context = cli_flag(c, "name");
    int r = open_at(c, server);
    r = r ? r : make_session(c, cli_flag(c, "username"), cli_flag(c, "password"), &token);
    if (r)
        return r;
    fprintf(c->out, "'%.*s' logged in successfully\n", STR_FMT(shown_name(c, token)));
    return save_login(c, server, context.len ? context : server, token);
}

int relogin_run(struct cli *c)
{
    value config;
    struct err err;
    str token;
    if (c->args.n)
        return cli_usage(c);
    if (config_read(c, &config, &err))
        return cli_error(c, &err);
    str context = value_str(value_getz(config, "current-context"));
    value reference = config_find(config, "contexts", "name", context);
    if (!value_exists(reference))
        return cli_fatal(c, CLI_EXIT_USE, "No context found. Login using `argocd login`");
    value user = config_find(config, "users", "name", value_str(value_getz(reference, "user")));
    str name = shown_name(c, value_str(value_getz(user, "auth-token"))), rest;
    str_cut(name, ':', &name, &rest);
    fprintf(c->out, "Relogging in as '%.*s'\n", STR_FMT(name));
    int r = remote_open(c);
    r = r ? r : make_session(c, name, cli_flag(c, "password"), &token);
    if (r)
        return r;
    fprintf(c->out, "'%.*s' logged in successfully\n", STR_FMT(shown_name(c, token)));
    value_set_str(c->arena, user, "auth-token", token);
    if (config_write(c, config, &err))
        return cli_error(c, &err);
    fprintf(c->out, "Context '%.*s' updated\n", STR_FMT(context));
    return 0;
}

int logout_run(struct cli *c)
{
    value config;
    struct err err;
    if (!c->args.n)
        return cli_usage(c);
    str context = c->args.at[0];
    if (config_read(c, &config, &err))
        return cli_error(c, &err);
    if (!value_exists(config))
        return cli_fatal(c, CLI_EXIT_USE, "Nothing to logout from");
    value user = config_find(config, "users", "name", context);
    if (!value_exists(user))
        return cli_fatal(c, CLI_EXIT_USE, "Context %.*s does not exist", STR_FMT(context));
    value_remove(user, STR("auth-token"));
    value_remove(user, STR("refresh-token"));
    if (config_write(c, config, &err))
        return cli_error(c, &err);
    fprintf(c->out, "Logged out from '%.*s'\n", STR_FMT(context));
    return 0;
}

/* ---- contexts ---- */

static int delete_context(struct cli *c, value config, str name)
{
    struct err err;
    value reference = config_find(config, "contexts", "name", name);
    if (!value_exists(reference))
        return cli_fatal(c, CLI_EXIT_ERROR, "context %.*s does not exist", STR_FMT(name));
    str server = value_str(value_getz(reference, "server"));
    config_remove(config, "contexts", "name", name);
    config_remove(config, "users", "name", name);
    config_remove(config, "servers", "server", server);
    /* Upstream takes the server away even when another context uses it; that one is dead then. */
    for (size_t i = value_len(value_getz(config, "contexts")); i-- > 0;) {
        value other = value_at(value_getz(config, "contexts"), i);
        if (!value_exists(
                config_find(config, "servers", "server", value_str(value_getz(other, "server")))))
            value_remove_at(value_getz(config, "contexts"), i);
    }
    if (str_eq(value_str(value_getz(config, "current-context")), name))
        value_set_str(c->arena, config, "current-context", STR(""));
    if (config_write(c, config, &err))
        return cli_error(c, &err);
    fprintf(c->out, "Context '%.*s' deleted\n", STR_FMT(name));
    return 0;
}

static void list_contexts(struct cli *c, value config)
{
    struct table t;
    str current = value_str(value_getz(config, "current-context"));
    table_init(&t, c->arena, 0, 2);
    table_add(&t, "CURRENT\tNAME\tSERVER");
    for (struct value_iter it = value_iter(value_getz(config, "contexts")); value_next(&it);) {
        str name = value_str(value_getz(it.val, "name"));
        table_add(&t, "%s\t%.*s\t%.*s", str_eq(name, current) ? "*" : " ", STR_FMT(name),
                  STR_FMT(value_str(value_getz(it.val, "server"))));
    }
    table_print(&t, c->out);
}

int context_run(struct cli *c)
{
    value config;
    struct err err;
    if (config_read(c, &config, &err))
        return cli_error(c, &err);
    if (!value_exists(config)) {
        fputs("No local configuration found\n", c->out);
        return CLI_EXIT_USE;
    }
    if (cli_switch(c, "delete"))
        return c->args.n ? delete_context(c, config, c->args.at[0]) : cli_usage(c);
    if (!c->args.n) {
        list_contexts(c, config);
        return 0;
    }
    str name = c->args.at[0], current = value_str(value_getz(config, "current-context"));
    if (str_is(name, "-"))
        name = value_str(value_getz(config, "previous-context"));
    if (str_eq(name, current)) {
        fprintf(c->out, "Already at context '%.*s'\n", STR_FMT(name));
        return 0;
    }
    if (!value_exists(config_find(config, "contexts", "name", name)))
        return cli_fatal(c, CLI_EXIT_USE, "Context '%.*s' undefined", STR_FMT(name));
    value_set_str(c->arena, config, "previous-context", current);
    value_set_str(c->arena, config, "current-context", name);
    if (config_write(c, config, &err))
        return cli_error(c, &err);
    fprintf(c->out, "Switched to context '%.*s'\n", STR_FMT(name));
    return 0;
}

int configure_run(struct cli *c)
{
    value config;
    struct err err;
    if (config_read(c, &config, &err))
        return cli_error(c, &err);
    if (!value_exists(config)) {
        fputs("No local configuration found\n", c->out);
        return CLI_EXIT_USE;
    }
    value_setz(c->arena, config, "prompts-enabled",
               value_of_bool(c->arena, cli_switch(c, "prompts-enabled")));
    if (config_write(c, config, &err))
        return cli_error(c, &err);
    fputs("Successfully updated the following configuration settings:\nprompts-enabled: ", c->out);
    fputs(cli_switch(c, "prompts-enabled") ? "true\n" : "false\n", c->out);
    return 0;
}
