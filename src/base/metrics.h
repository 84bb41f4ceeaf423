/* base/metrics.h: counters, gauges and histograms of a process, printed in the Prometheus text
 * format.
 *
 * A registry is passed around, never global. Series of one metric are told apart by label values in
 * the order the labels were declared. Everything belongs to one loop (other threads send their
 * numbers by message). Bounds: METRIC_LABELS_MAX labels, METRICS_SERIES_MAX series over the
 * registry; further series are dropped and counted in tiphys_metrics_dropped_total. Source:
 * Prometheus exposition format 0.0.4; names and labels of the rows: Argo CD's metrics
 * documentation. */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/buf.h"
#include "base/str.h"

#define METRIC_LABELS_MAX 24
#define METRICS_SERIES_MAX 1000000

struct metrics;
struct metric;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);

/* Declare once. name, help, labels and bounds are static text (borrowed). Declaring a name again
 * gives the same metric. labels: NULL-terminated array or NULL. */
struct metric *metrics_counter(struct metrics *m, const char *name, const char *help,
                               const char *const *labels);
struct metric *metrics_gauge(struct metrics *m, const char *name, const char *help,
                             const char *const *labels);
/* bounds: upper bounds in growing order, +Inf is added. */
struct metric *metrics_histogram(struct metrics *m, const char *name, const char *help,
                                 const char *const *labels, const double *bounds, size_t n_bounds);

/* label: as many values as labels were declared (NULL when none). A NULL metric is a no-op: rooms
 * may run without metrics. */
void metric_add(struct metric *x, double by, const str *label);    /* counter, gauge */
void metric_set(struct metric *x, double to, const str *label);    /* gauge */
void metric_observe(struct metric *x, double v, const str *label); /* histogram */
double metric_value(const struct metric *x,
                    const str *label); /* 0 when there is no such series; histogram: count */
void metric_clear(struct metric *x);   /* drop all its series */
#define LABELS(...)                                                                                \
    (const str[]) { __VA_ARGS__ }

/* fn runs before each print: sets gauges that are read from state (argocd_app_info). */
void metrics_on_collect(struct metrics *m, void (*fn)(void *arg), void *arg);

/* Append all metrics that have series, sorted by name, series in order of arrival. */
void metrics_print(struct metrics *m, struct buf *out);

#endif
