#include "cli/command.h"

#include <assert.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/cli.h"
#include "cli/remote.h"
#include "value/json.h"
#include "value/yaml.h"

/* ---- messages ---- */

static void log_line(struct cli *c, const char *level, str text)
{
    str time = time_str(c->arena, time_wall_now());
    fflush(c->out);
    if (c->given.n && str_is(cli_flag(c, "logformat"), "text")) {
        struct buf quoted = BUF_INIT;
        json_print_str(text, JSON_NO_HTML, &quoted);
        fprintf(c->log, "time=\"%.*s\" level=%s msg=%.*s\n", STR_FMT(time), level,
                STR_FMT(buf_str(&quoted)));
        buf_done(&quoted);
        return;
    }
    struct buf line = BUF_INIT;
    buf_printf(&line, "{\"level\":\"%s\",\"msg\":", level);
    json_print_str(text, 0, &line);
    buf_printf(&line, ",\"time\":\"%.*s\"}\n", STR_FMT(time));
    fwrite(line.at, 1, line.len, c->log);
    buf_done(&line);
}

int cli_fatal(struct cli *c, int exit_code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_line(c, "fatal", arena_vprintf(c->arena, format, args));
    va_end(args);
    return exit_code;
}

void cli_log(struct cli *c, const char *level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_line(c, level, arena_vprintf(c->arena, format, args));
    va_end(args);
}

int cli_error(struct cli *c, const struct err *err)
{
    log_line(c, "fatal", err_str(err));
    return CLI_EXIT_ERROR;
}

bool cli_print_value(struct cli *c, value v, str format)
{
    struct buf out = BUF_INIT;
    if (str_is(format, "json")) {
        json_print(v, AUDIENCE_WIRE, JSON_INDENT_2, &out);
        buf_addc(&out, '\n');
    } else if (str_is(format, "yaml")) {
        yaml_print(v, YAML_SIGS, AUDIENCE_WIRE, &out);
    } else {
        return false;
    }
    fwrite(out.at, 1, out.len, c->out);
    buf_done(&out);
    return true;
}

/* ---- flags ---- */

const struct cli_given *cli_given(const struct cli *c, const char *name)
{
    for (size_t i = 0; i < c->given.n; i++)
        if (!strcmp(c->given.at[i].flag->name, name))
            return &c->given.at[i];
    assert(!"a flag that the command does not have");
    return NULL;
}

str cli_flag(const struct cli *c, const char *name) { return cli_given(c, name)->text; }

bool cli_switch(const struct cli *c, const char *name)
{
    str s = cli_flag(c, name);
    return str_is(s, "true") || str_is(s, "1") || str_is(s, "t") || str_is(s, "T") ||
           str_is(s, "TRUE") || str_is(s, "True");
}

int64_t cli_number(const struct cli *c, const char *name)
{
    int64_t n = 0;
    str_to_i64(cli_flag(c, name), &n);
    return n;
}

static struct cli_given *find_long(struct cli *c, str name)
{
    for (size_t i = 0; i < c->given.n; i++)
        if (str_is(name, c->given.at[i].flag->name))
            return &c->given.at[i];
    return NULL;
}

static struct cli_given *find_letter(struct cli *c, char letter)
{
    for (size_t i = 0; i < c->given.n; i++)
        if (letter && c->given.at[i].flag->letter == letter)
            return &c->given.at[i];
    return NULL;
}

static void add_flags(struct cli *c, const struct cli_flag *set)
{
    for (; set && set->name; set++)
        vec_push(c->arena, &c->given,
                 (struct cli_given){.flag = set, .text = str_of(set->fallback)});
}

static bool is_boolean(str s)
{
    static const char *const words[] = {"1", "t", "T", "true",  "TRUE",  "True",
                                        "0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_is(s, words[i]))
            return true;
    return false;
}

/* Store a value; NULL or what is wrong with it, as Go's strconv and time say it. */
static const char *store(struct cli *c, struct cli_given *g, str text)
{
    int64_t n;
    usec d;
    switch (g->flag->type) {
    case FLAG_BOOL:
        if (!is_boolean(text))
            return arena_printf(c->arena, "strconv.ParseBool: parsing \"%.*s\": invalid syntax",
                                STR_FMT(text))
                .at;
        break;
    case FLAG_INT:
        if (!str_to_i64(text, &n))
            return arena_printf(c->arena, "strconv.ParseInt: parsing \"%.*s\": invalid syntax",
                                STR_FMT(text))
                .at;
        break;
    case FLAG_DURATION:
        if (!duration_parse(text, &d))
            return arena_printf(c->arena, "time: invalid duration \"%.*s\"", STR_FMT(text)).at;
        break;
    case FLAG_LIST: vec_push(c->arena, &g->list, text); break;
    case FLAG_STRING: break;
    }
    g->text = text;
    g->changed = true;
    return NULL;
}

static int wrong_use(struct cli *c, const char *format, ...) PRINTF(2, 3);
static int wrong_use(struct cli *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("Error: ", c->out);
    vfprintf(c->out, format, args);
    fputc('\n', c->out);
    va_end(args);
    return CLI_EXIT_USE;
}

static int bad_value(struct cli *c, const struct cli_given *g, str text, const char *why)
{
    if (g->flag->letter)
        return wrong_use(c, "invalid argument \"%.*s\" for \"-%c, --%s\" flag: %s", STR_FMT(text),
                         g->flag->letter, g->flag->name, why);
    return wrong_use(c, "invalid argument \"%.*s\" for \"--%s\" flag: %s", STR_FMT(text),
                     g->flag->name, why);
}

static int read_long(struct cli *c, str arg, int *io_i, int argc, char **argv)
{
    str name, text;
    bool has_value = str_cut(str_from(arg, 2), '=', &name, &text);
    struct cli_given *g = find_long(c, name);
    if (!g)
        return wrong_use(c, "unknown flag: --%.*s", STR_FMT(name));
    if (!has_value) {
        if (g->flag->type == FLAG_BOOL)
            text = STR("true");
        else if (*io_i + 1 < argc)
            text = str_of(argv[++*io_i]);
        else
            return wrong_use(c, "flag needs an argument: --%.*s", STR_FMT(name));
    }
    const char *why = store(c, g, text);
    return why ? bad_value(c, g, text, why) : 0;
}

static int read_letters(struct cli *c, str arg, int *io_i, int argc, char **argv)
{
    for (size_t k = 1; k < arg.len; k++) {
        struct cli_given *g = find_letter(c, arg.at[k]);
        if (!g)
            return wrong_use(c, "unknown shorthand flag: '%c' in %.*s", arg.at[k],
                             STR_FMT(k == 1 ? arg : str_from(arg, k)));
        bool ends = false;
        str text = STR("true");
        if (g->flag->type != FLAG_BOOL || (k + 1 < arg.len && arg.at[k + 1] == '=')) {
            ends = true;
            text = str_from(arg, k + 1);
            if (text.len && text.at[0] == '=')
                text = str_from(text, 1);
            else if (!text.len && *io_i + 1 < argc)
                text = str_of(argv[++*io_i]);
            else if (!text.len)
                return wrong_use(c, "flag needs an argument: '%c' in %.*s", arg.at[k],
                                 STR_FMT(arg));
        }
        const char *why = store(c, g, text);
        if (why)
            return bad_value(c, g, text, why);
        if (ends)
            break;
    }
    return 0;
}

/* Words of ARGOCD_OPTS: blanks separate, quotes keep together. */
static void add_words(struct cli *c, const char *text, void *words_)
{
    VEC(char *) *words = words_;
    while (*text) {
        while (*text == ' ')
            text++;
        char *word = arena_alloc(c->arena, strlen(text) + 1), *w = word, quote = 0;
        if (!*text)
            break;
        for (; *text && (quote || *text != ' '); text++) {
            if (quote ? *text == quote : *text == '"' || *text == '\'')
                quote = quote ? 0 : *text;
            else
                *w++ = *text;
        }
        vec_push(c->arena, words, word);
    }
}

/* Flags of the environment hold where the command line says nothing; unknown ones are passed over.
 */
static void read_environment(struct cli *c)
{
    static const struct {
        const char *variable, *flag;
    } variables[] = {{"ARGOCD_SERVER", "server"}, {"ARGOCD_AUTH_TOKEN", "auth-token"}};
    for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
        const char *text = getenv(variables[i].variable);
        struct cli_given *g = find_long(c, str_of(variables[i].flag));
        if (text && *text && !g->changed)
            g->text = str_of(text);
    }
    const char *options = getenv("ARGOCD_OPTS");
    VEC(char *) words = {0};
    if (options)
        add_words(c, options, &words);
    for (size_t i = 0; i < words.n; i++) {
        str name, text;
        if (!str_starts(str_of(words.at[i]), STR("--")))
            continue;
        bool has_value = str_cut(str_of(words.at[i] + 2), '=', &name, &text);
        struct cli_given *g = find_long(c, name);
        if (!has_value && i + 1 < words.n && words.at[i + 1][0] != '-')
            text = str_of(words.at[++i]);
        else if (!has_value)
            text = STR("true");
        if (g && !g->changed)
            g->text = text;
    }
}

/* ---- finding the command ---- */

static const struct cli_command *find_command(str path)
{
    for (size_t i = 0; i < cli_n_commands; i++)
        if (str_is(path, cli_commands[i].path))
            return &cli_commands[i];
    return NULL;
}

bool cli_has_command(str word) { return find_command(word) != NULL; }

/* Does this flag, met before the command is known, take the next word? */
static bool takes_word(str arg)
{
    str name = str_trim_prefix(str_trim_prefix(arg, STR("-")), STR("-"));
    if (str_find_char(arg, '=') >= 0)
        return false;
    for (const struct cli_flag *f = cli_global_flags; f->name; f++)
        if (str_is(name, f->name) || (name.len == 1 && f->letter == name.at[0]))
            return f->type != FLAG_BOOL;
    return false;
}

/* The command is the longest path that the first words make; their places in argv are marked as
 * used. */
static const struct cli_command *choose(struct cli *c, int argc, char **argv, bool *used)
{
    const struct cli_command *command = NULL;
    str path = {NULL, 0};
    for (int i = 1; i < argc; i++) {
        str arg = str_of(argv[i]);
        if (arg.len > 1 && arg.at[0] == '-') {
            if (str_is(arg, "--"))
                break;
            i += takes_word(arg);
            continue;
        }
        str longer = path.len ? ARENA_CAT(c->arena, path, STR(" "), arg) : arg;
        const struct cli_command *next = find_command(longer);
        if (!next)
            break;
        used[i] = true;
        command = next;
        path = longer;
        if (command->run)
            break;
    }
    return command;
}

/* ---- help ---- */

static void flag_line(struct cli *c, const struct cli_flag *f, size_t width)
{
    static const char *const types[] = {[FLAG_BOOL] = "",
                                        [FLAG_STRING] = " string",
                                        [FLAG_INT] = " int",
                                        [FLAG_LIST] = " stringArray",
                                        [FLAG_DURATION] = " duration"};
    char head[120];
    if (f->letter)
        snprintf(head, sizeof(head), "  -%c, --%s%s", f->letter, f->name, types[f->type]);
    else
        snprintf(head, sizeof(head), "      --%s%s", f->name, types[f->type]);
    fprintf(c->out, "%-*s   %s", (int)width, head, f->help);
    bool shown = *f->fallback && strcmp(f->fallback, "false") != 0 && strcmp(f->fallback, "0") != 0;
    if (shown && f->type == FLAG_STRING)
        fprintf(c->out, " (default \"%s\")", f->fallback);
    else if (shown)
        fprintf(c->out, " (default %s)", f->fallback);
    fputc('\n', c->out);
}

static size_t head_width(const struct cli_flag *set)
{
    size_t most = 0;
    for (; set && set->name; set++)
        most = MAX_OF(most, strlen(set->name) + (set->type == FLAG_BOOL ? 8 : 20));
    return most;
}

static bool is_child(const struct cli_command *child, str path)
{
    str p = str_of(child->path);
    return path.len ? str_starts(p, path) && p.len > path.len && p.at[path.len] == ' ' &&
                          str_find_char(str_from(p, path.len + 1), ' ') < 0
                    : str_find_char(p, ' ') < 0;
}

static void print_children(struct cli *c, str path)
{
    bool any = false;
    for (size_t i = 0; i < cli_n_commands; i++) {
        const struct cli_command *child = &cli_commands[i];
        if (!is_child(child, path))
            continue;
        if (!any)
            fputs("\nAvailable Commands:\n", c->out);
        any = true;
        const char *word = strrchr(child->path, ' ');
        fprintf(c->out, "  %-15s %s\n", word ? word + 1 : child->path, child->brief);
    }
}

static void print_help(struct cli *c)
{
    const struct cli_command *k = c->command;
    str path = k ? str_of(k->path) : STR("");
    bool more = k && k->more;
    fprintf(c->out, "%s%s%s\n\nUsage:\n", k ? k->brief : "argocd controls a Argo CD server",
            more ? "\n" : "", more ? k->more : "");
    if (!k)
        fprintf(c->out, "  %s [flags]\n", c->program);
    else if (str_rcut(path, ' ', &path, &(str){NULL, 0}))
        fprintf(c->out, "  %s %.*s %s [flags]\n", c->program, STR_FMT(path), k->use);
    else
        fprintf(c->out, "  %s %s [flags]\n", c->program, k->use);
    path = k ? str_of(k->path) : STR("");
    if (!k || !k->run) {
        fprintf(c->out, "  %s%s%.*s [command]\n", c->program, path.len ? " " : "", STR_FMT(path));
        print_children(c, path);
    }
    bool any = false;
    for (size_t i = 0; k && i < CLI_FLAG_SETS_MAX; i++)
        for (const struct cli_flag *f = k->flags[i]; f && f->name; f++) {
            if (!any)
                fputs("\nFlags:\n", c->out);
            any = true;
            flag_line(c, f, head_width(k->flags[0]));
        }
    fputs(k ? "\nGlobal Flags:\n" : "\nFlags:\n", c->out);
    for (const struct cli_flag *f = cli_global_flags; f->name; f++)
        flag_line(c, f, head_width(cli_global_flags));
}

int cli_usage(struct cli *c)
{
    print_help(c);
    return CLI_EXIT_USE;
}

/* ---- running ---- */

static int unknown_command(struct cli *c, const char *word)
{
    str time = time_str(c->arena, time_wall_now());
    fprintf(
        c->log,
        "time=\"%.*s\" level=warning msg=\"error looking for plugin '%s-%s': exec: \\\"%s-%s\\\": "
        "executable file not found in $PATH\"\n",
        STR_FMT(time), c->program, word, c->program, word);
    fprintf(c->out, "Error: unknown command \"%s\" for \"%s\"\nRun '%s --help' for usage.\n", word,
            c->program, c->program);
    return CLI_EXIT_USE;
}

static int read_arguments(struct cli *c, int argc, char **argv, const bool *used, bool *ret_help)
{
    bool only_words = false;
    *ret_help = false;
    for (int i = 1; i < argc; i++) {
        str arg = str_of(argv[i]);
        int r = 0;
        if (used[i])
            continue;
        if (only_words || arg.len < 2 || arg.at[0] != '-')
            vec_push(c->arena, &c->args, arg);
        else if (str_is(arg, "--"))
            only_words = true;
        else if (str_is(arg, "--help") || str_is(arg, "-h"))
            *ret_help = true;
        else if (arg.at[1] == '-')
            r = read_long(c, arg, &i, argc, argv);
        else
            r = read_letters(c, arg, &i, argc, argv);
        if (r)
            return r;
    }
    return 0;
}

static int run(struct cli *c, int argc, char **argv)
{
    bool *used = ARENA_ARRAY(c->arena, bool, argc + 1), help;
    c->command = choose(c, argc, argv, used);
    for (size_t i = 0; c->command && i < CLI_FLAG_SETS_MAX; i++)
        add_flags(c, c->command->flags[i]);
    add_flags(c, cli_global_flags);
    int r = read_arguments(c, argc, argv, used, &help);
    if (r)
        return r;
    read_environment(c);
    if (!c->command && c->args.n && !help)
        return unknown_command(c, c->args.at[0].at);
    if (help || !c->command) {
        print_help(c);
        return 0;
    }
    return c->command->run ? c->command->run(c) : cli_usage(c);
}

int cli_main(int argc, char **argv)
{
    struct arena arena;
    const char *name = argc && strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    arena_init(&arena, ARENA_BYTES_DEFAULT);
    struct cli c = {.arena = &arena, .program = name, .out = stdout, .log = stderr};
    int exit_code = run(&c, argc, argv);
    remote_done(&c);
    fflush(c.out);
    arena_done(&arena);
    return exit_code;
}
