/* cli/command.h: what a command is, and the context it runs in. Private to the room.
 *
 * Commands and flags are tables (commands.c, flags.c); this reads them as cobra does: flags
 * anywhere, "--name=value", "-n value",
 * "-abc" for switches, "--" ends. One context per process run; everything lives in its arena. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "value/value.h"

#define CLI_EXIT_USE 1    /* wrong use, unfulfilled wish */
#define CLI_EXIT_ERROR 20 /* the server or the network said no */
#define CLI_FLAG_SETS_MAX 4

enum cli_flag_type { FLAG_BOOL, FLAG_STRING, FLAG_INT, FLAG_LIST, FLAG_DURATION };

struct cli_flag {
    const char *name; /* NULL ends a set */
    char letter;      /* or 0 */
    enum cli_flag_type type;
    const char *fallback; /* text of the default, "" none */
    const char *help;
};

struct cli;
typedef int cli_run_fn(struct cli *c);

struct cli_command {
    const char *path;  /* "app get" */
    const char *use;   /* "get APPNAME" */
    const char *brief; /* first line of the help */
    const struct cli_flag *flags[CLI_FLAG_SETS_MAX];
    cli_run_fn *run;  /* NULL: a group */
    const char *more; /* further lines of the help, or NULL */
};

struct cli_given {
    const struct cli_flag *flag;
    bool changed;
    str text;
    VEC(str) list;
};

struct http_client;
struct loop;

struct cli {
    struct arena *arena;
    const char *program;
    FILE *out, *log;
    const struct cli_command *command;
    VEC(struct cli_given) given; /* all flags of the command and the global ones */
    VEC(str) args;
    struct loop *loop; /* remote.c */
    struct http_client *client;
    str server, token;
    bool plaintext, insecure;
};

extern const struct cli_flag cli_global_flags[];
extern const struct cli_command cli_commands[];
extern const size_t cli_n_commands;

/* The value of a flag that the command has (asserted). */
str cli_flag(const struct cli *c, const char *name);
bool cli_switch(const struct cli *c, const char *name);
int64_t cli_number(const struct cli *c, const char *name);
const struct cli_given *cli_given(const struct cli *c, const char *name);
static inline bool cli_changed(const struct cli *c, const char *name)
{
    return cli_given(c, name)->changed;
}

/* One log line on stderr as argocd writes it; returns exit_code. */
int cli_fatal(struct cli *c, int exit_code, const char *format, ...) PRINTF(3, 4);
void cli_log(struct cli *c, const char *level, const char *format, ...) PRINTF(3, 4);
int cli_error(struct cli *c, const struct err *err); /* CLI_EXIT_ERROR */
/* The help of the command, and CLI_EXIT_USE: wrong number of arguments. */
int cli_usage(struct cli *c);

/* "-o json" and "-o yaml" of one value or a list; false: another format. */
bool cli_print_value(struct cli *c, value v, str format);

#endif
