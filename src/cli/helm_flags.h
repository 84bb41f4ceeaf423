/* cli/helm_flags.h: the command line of a helm command, read as pflag reads it; private to cli/. */
#ifndef CLI_HELM_FLAGS_H
#define CLI_HELM_FLAGS_H

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "render/helm_chart.h"

/* Which flags are known. Of `show`, values has one more than the others. */
enum helm_command {
    HELM_TEMPLATE = 1,
    HELM_LINT = 2,
    HELM_SHOW = 4,
    HELM_SHOW_VALUES = 8,
    HELM_DEPENDENCY = 16,
};

enum helm_flag {
    HELM_FLAG_VALUES,
    HELM_FLAG_SET,
    HELM_FLAG_SET_STRING,
    HELM_FLAG_SET_FILE,
    HELM_FLAG_SET_JSON,
    HELM_FLAG_SET_LITERAL,
    HELM_FLAG_NAMESPACE,
    HELM_FLAG_KUBE_VERSION,
    HELM_FLAG_API_VERSIONS,
    HELM_FLAG_INCLUDE_CRDS,
    HELM_FLAG_SKIP_TESTS,
    HELM_FLAG_NO_HOOKS,
    HELM_FLAG_SHOW_ONLY,
    HELM_FLAG_IS_UPGRADE,
    HELM_FLAG_NAME_TEMPLATE,
    HELM_FLAG_GENERATE_NAME,
    HELM_FLAG_RELEASE_NAME,
    HELM_FLAG_SKIP_SCHEMA,
    HELM_FLAG_OUTPUT_DIR,
    HELM_FLAG_DEBUG,
    HELM_FLAG_DRY_RUN,
    HELM_FLAG_VALIDATE,
    HELM_FLAG_STRICT,
    HELM_FLAG_QUIET,
    HELM_FLAG_WITH_SUBCHARTS,
    HELM_FLAG_LEVEL,
    HELM_FLAG_REPO,
    HELM_FLAG_DEPENDENCY_UPDATE,
    HELM_FLAG_JSONPATH,
    HELM_FLAG_COLUMN_WIDTH,
    HELM_FLAG_VERIFY,
    HELM_FLAG_POST_RENDERER,
    HELM_FLAG_FORCE,
    HELM_FLAG_FORCE_REPLACE,
    HELM_FLAG_FORCE_CONFLICTS,
    HELM_FLAG_OTHER, /* accepted, of no effect here */
    HELM_FLAG_COUNT
};

struct helm_given {
    bool is_set; /* given, and not as "=false" */
    bool is_given;
    str text;
    struct {
        str *at;
        size_t n, cap;
    } list;
};

/* A value option and where it stood, for the order in which they were given. */
struct helm_command_line {
    struct arena *arena;
    FILE *out, *log;
    enum helm_command command;
    enum helm_level level; /* of --helm-level, wherever it stands */
    struct helm_given given[HELM_FLAG_COUNT];
    struct {
        str *at;
        size_t n, cap;
    } args;
    bool help;
};

/* -ERR_INVALID with pflag's text ("unknown flag: --x"). Deprecated flags are told on `log`. */
int helm_command_line_read(struct helm_command_line *c, int argc, char **argv,
                           struct err *err) MUST_CHECK;
/* Flags that exclude each other; cobra's text. */
int helm_command_line_check(const struct helm_command_line *c, struct err *err) MUST_CHECK;

static inline bool helm_is_set(const struct helm_command_line *c, enum helm_flag f)
{
    return c->given[f].is_set;
}

#endif
