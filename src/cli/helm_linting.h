/* cli/helm_linting.h: one chart under helm lint: its messages in helm's order and words, and the
 * rules that write them; private to cli/. Source: helm 4.2.4 pkg/chart/v2/lint, helm 3.19 pkg/lint.
 */
#ifndef CLI_HELM_LINTING_H
#define CLI_HELM_LINTING_H

#include "cli/helm_show.h"

enum lint_severity { LINT_INFO = 1, LINT_WARNING, LINT_ERROR };

struct linting {
    struct helm_command_line *line;
    struct arena *arena;
    str path;  /* as named by the user */
    str where; /* of the chart's folder: absolute, clean */
    value user;
    struct helm_strs messages;
    enum lint_severity highest;
    size_t n_failed; /* at or above what is tolerated */
};

void lint_say(struct linting *l, enum lint_severity s, str path, str text);
#define LINT_SAY(l, severity, path, ...)                                                           \
    lint_say((l), (severity), (path), arena_printf((l)->arena, __VA_ARGS__))

/* The lines of a log, on stderr. */
void lint_tell(const struct linting *l, const struct helm_log *log);

/* A file of the chart; false: it cannot be read. */
bool lint_read(struct linting *l, const char *name, str *ret);
/* What lies there; false: nothing. */
bool lint_stat(struct linting *l, const char *name, bool *ret_is_folder);

void lint_chart_file(struct linting *l);
void lint_values(struct linting *l);
void lint_templates(struct linting *l);
void lint_dependencies(struct linting *l);
/* Helm 4 only. */
void lint_crds(struct linting *l);

/* One YAML document's head as helm's linter decodes it; *ret_text: encoding/json's complaint. */
struct lint_head {
    str api_version, kind, name;
    bool is_null;
};
bool lint_head_read(struct linting *l, value v, struct lint_head *ret, str *ret_text);

#endif
