/* render/helm_values.h: how values of user, chart and subcharts become one.
 *
 * Values are building maps of one arena; nothing passed in is changed unless its name begins with
 * io_. Numbers of YAML are doubles, those of --set integers: templates see the difference.
 *
 * Errors: -ERR_INVALID with helm's text. Source: helm 4.2.4 pkg/chart/common/util/coalesce.go,
 * pkg/chart/v2/util/dependencies.go, pkg/cli/values. */
#ifndef RENDER_HELM_VALUES_H
#define RENDER_HELM_VALUES_H

#include "render/helm_chart.h"

struct helm_values_context {
    struct arena *arena;
    struct helm_log *log;
    bool level3; /* Helm 3: nulls of chart defaults stay (helm.md section 15) */
};

/* loader.MergeMaps: `over` wins; io_base is changed. */
value helm_values_merge(struct arena *a, value io_base, value over);

/* The chart's and its subcharts' defaults below `user`. */
int helm_values_coalesce(const struct helm_values_context *x, const struct helm_chart *c,
                         value user, value *ret, struct err *err) MUST_CHECK;
/* The same keeping nulls, without a user. */
int helm_values_merge_charts(const struct helm_values_context *x, const struct helm_chart *c,
                             value *ret, struct err *err) MUST_CHECK;
/* MergeTables: nulls kept, `io_dst` wins. */
value helm_values_merge_tables(const struct helm_values_context *x, value io_dst, value src);

/* Table at a dotted path; absent and *ret_key (the part that is none) when there is none. */
value helm_values_table(value v, str path, str *ret_key);

/* tags, conditions, aliases and import-values: changes the chart's tree. */
int helm_dependencies_process(const struct helm_values_context *x, struct helm_chart *io_c,
                              value user, struct err *err) MUST_CHECK;
/* Names in Chart.yaml that are not in charts/: "found in Chart.yaml, but missing in charts/
 * directory: a, b" under helm's lead-in; -ERR_PRECONDITION. */
int helm_dependencies_check(const struct helm_values_context *x, const struct helm_chart *c,
                            struct err *err) MUST_CHECK;
/* A copy whose tree can be processed without changing c; files and values are shared. */
struct helm_chart *helm_chart_clone(struct arena *a, const struct helm_chart *c);

/* As fmt's %v prints a value. */
str helm_value_text(struct arena *a, value v);

#endif
