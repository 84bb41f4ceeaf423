/* cli/helm_show.h: what the helm commands share, and those that only look at a chart; private to
 * cli/. */
#ifndef CLI_HELM_SHOW_H
#define CLI_HELM_SHOW_H

#include "cli/helm_flags.h"
#include "render/helm.h"

/* Chart at a path of this machine, folder or archive. *ret_path: absolute. */
int helm_cli_load(str name, struct arena *a, struct helm_log *log, str *ret_path,
                  struct helm_chart **ret, struct err *err) MUST_CHECK;
/* The user's values, from the flags. */
int helm_cli_values(const struct helm_command_line *c, value *ret, struct err *err) MUST_CHECK;
/* --helm-level; 4 without it. */
enum helm_level helm_cli_level(const struct helm_command_line *c);
struct helm_log helm_cli_log(const struct helm_command_line *c);
struct helm_options helm_cli_options(const struct helm_command_line *c);
/* "Error: TEXT" on stderr; 1. */
int helm_cli_fail(struct helm_command_line *c, str text);

/* The path from the root of this machine, cleaned as Go does; the path as given, cleaned. */
str helm_cli_absolute(struct arena *a, str path);
str helm_cli_clean(struct arena *a, str path);
/* The files of a chart below `folder`, under the chart's name. *ret_where: its folder. */
int helm_cli_unpack(const struct helm_files *files, str folder, struct arena *a, str *ret_where,
                    struct err *err) MUST_CHECK;
/* A file of this machine; "-": standard input. "open x: no such file or directory". */
int helm_cli_read(str path, struct arena *a, str *ret, struct err *err) MUST_CHECK;

int helm_lint_run(struct helm_command_line *c);
int helm_show_values_run(struct helm_command_line *c);
int helm_show_chart_run(struct helm_command_line *c);
int helm_show_readme_run(struct helm_command_line *c);
int helm_show_crds_run(struct helm_command_line *c);
int helm_show_all_run(struct helm_command_line *c);
int helm_dependency_list_run(struct helm_command_line *c);

#endif
