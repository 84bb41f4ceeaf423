/* base/metrics.c: the registry and its text form; see the header. */
#include "base/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct series {
    str *label;
    double value; /* histogram: sum */
    uint64_t *bucket;
    uint64_t count;
};

struct metric {
    struct metrics *registry;
    const char *name, *help;
    enum metric_type type;
    const char *const *labels;
    size_t n_labels;
    const double *bounds;
    size_t n_bounds;
    struct arena arena; /* series and keys; dropped by metric_clear */
    struct map by_key;
    VEC(struct series *) series;
};

struct collector {
    void (*fn)(void *arg);
    void *arg;
};

struct metrics {
    struct arena arena;
    VEC(struct metric *) metrics;
    VEC(struct collector) collectors;
    size_t n_series;
    struct metric *dropped;
};

struct metrics *metrics_new(void)
{
    struct metrics *m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    arena_init(&m->arena, ARENA_BYTES_DEFAULT);
    m->dropped = metrics_counter(m, "tiphys_metrics_dropped_total",
                                 "Series that were not kept because there were too many.", NULL);
    return m;
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->metrics.n; i++)
        arena_done(&m->metrics.at[i]->arena);
    arena_done(&m->arena);
    free(m);
}

static struct metric *declare(struct metrics *m, const char *name, const char *help,
                              const char *const *labels, enum metric_type type)
{
    for (size_t i = 0; i < m->metrics.n; i++)
        if (strcmp(m->metrics.at[i]->name, name) == 0)
            return m->metrics.at[i];
    struct metric *x = ARENA_NEW(&m->arena, struct metric);
    x->registry = m;
    x->name = name;
    x->help = help;
    x->type = type;
    x->labels = labels;
    while (labels && x->n_labels < METRIC_LABELS_MAX && labels[x->n_labels])
        x->n_labels++;
    arena_init(&x->arena, ARENA_BYTES_DEFAULT);
    map_init(&x->by_key, &x->arena);
    vec_push(&m->arena, &m->metrics, x);
    return x;
}

struct metric *metrics_counter(struct metrics *m, const char *name, const char *help,
                               const char *const *labels)
{
    return m ? declare(m, name, help, labels, METRIC_COUNTER) : NULL;
}

struct metric *metrics_gauge(struct metrics *m, const char *name, const char *help,
                             const char *const *labels)
{
    return m ? declare(m, name, help, labels, METRIC_GAUGE) : NULL;
}

struct metric *metrics_histogram(struct metrics *m, const char *name, const char *help,
                                 const char *const *labels, const double *bounds, size_t n_bounds)
{
    if (!m)
        return NULL;
    struct metric *x = declare(m, name, help, labels, METRIC_HISTOGRAM);
    x->bounds = bounds;
    x->n_bounds = n_bounds;
    return x;
}

/* Lengths in front of the values: no two lists of values share a key. */
static void key_of(const struct metric *x, const str *label, struct buf *key)
{
    for (size_t i = 0; i < x->n_labels; i++) {
        buf_printf(key, "%zu:", label[i].len);
        buf_add(key, label[i]);
    }
}

static struct series *series_find(const struct metric *x, const str *label)
{
    CLEANUP(buf_done) struct buf key = BUF_INIT;
    key_of(x, label, &key);
    return map_find(&x->by_key, key.at ? buf_str(&key) : STR(""));
}

static struct series *series_get(struct metric *x, const str *label)
{
    CLEANUP(buf_done) struct buf key = BUF_INIT;
    key_of(x, label, &key);
    str k = key.at ? buf_str(&key) : STR("");
    struct series *s = map_find(&x->by_key, k);
    if (s)
        return s;
    if (x->registry->n_series >= METRICS_SERIES_MAX) {
        if (x != x->registry->dropped)
            metric_add(x->registry->dropped, 1, NULL);
        return NULL;
    }
    s = ARENA_NEW(&x->arena, struct series);
    s->label = ARENA_ARRAY(&x->arena, str, x->n_labels);
    for (size_t i = 0; label && i < x->n_labels; i++)
        s->label[i] = arena_str(&x->arena, label[i]);
    if (x->n_bounds)
        s->bucket = ARENA_ARRAY(&x->arena, uint64_t, x->n_bounds);
    map_set(&x->by_key, arena_str(&x->arena, k), s);
    vec_push(&x->arena, &x->series, s);
    x->registry->n_series++;
    return s;
}

void metric_add(struct metric *x, double by, const str *label)
{
    struct series *s = x ? series_get(x, label) : NULL;
    if (s)
        s->value += by;
}

void metric_set(struct metric *x, double to, const str *label)
{
    struct series *s = x ? series_get(x, label) : NULL;
    if (s)
        s->value = to;
}

void metric_observe(struct metric *x, double v, const str *label)
{
    struct series *s = x ? series_get(x, label) : NULL;
    if (!s)
        return;
    s->value += v;
    s->count++;
    for (size_t i = 0; i < x->n_bounds; i++)
        if (v <= x->bounds[i]) {
            s->bucket[i]++;
            break;
        }
}

double metric_value(const struct metric *x, const str *label)
{
    const struct series *s = x ? series_find(x, label) : NULL;
    if (!s)
        return 0;
    return x->type == METRIC_HISTOGRAM ? (double)s->count : s->value;
}

void metric_clear(struct metric *x)
{
    if (!x)
        return;
    x->registry->n_series -= x->series.n;
    arena_reset(&x->arena);
    map_init(&x->by_key, &x->arena);
    memset(&x->series, 0, sizeof(x->series));
}

void metrics_on_collect(struct metrics *m, void (*fn)(void *arg), void *arg)
{
    struct collector c = {fn, arg};
    if (m)
        vec_push(&m->arena, &m->collectors, c);
}

/* ---- text ---- */

static void add_number(struct buf *out, double v)
{
    if (isnan(v))
        buf_addz(out, "NaN");
    else if (isinf(v))
        buf_addz(out, v > 0 ? "+Inf" : "-Inf");
    else if (v == floor(v) && fabs(v) < 1e15)
        buf_printf(out, "%.0f", v);
    else
        buf_printf(out, "%.17g", v);
}

/* Shortest text that names a bound exactly as people wrote it. */
static void add_bound(struct buf *out, double v) { buf_printf(out, "%.12g", v); }

static void add_escaped(struct buf *out, str s, bool quote)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == '\\' || (quote && c == '"')) {
            buf_addc(out, '\\');
            buf_addc(out, c);
        } else if (c == '\n') {
            buf_addz(out, "\\n");
        } else {
            buf_addc(out, c);
        }
    }
}

static void add_labels(struct buf *out, const struct metric *x, const struct series *s,
                       const double *bound, bool inf)
{
    bool any = false;
    if (x->n_labels == 0 && !bound && !inf)
        return;
    buf_addc(out, '{');
    for (size_t i = 0; i < x->n_labels; i++) {
        buf_printf(out, "%s%s=\"", any ? "," : "", x->labels[i]);
        add_escaped(out, s->label[i], true);
        buf_addc(out, '"');
        any = true;
    }
    if (bound || inf) {
        buf_addz(out, any ? ",le=\"" : "le=\"");
        if (inf)
            buf_addz(out, "+Inf");
        else
            add_bound(out, *bound);
        buf_addc(out, '"');
    }
    buf_addc(out, '}');
}

static void add_histogram(struct buf *out, const struct metric *x, const struct series *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < x->n_bounds; i++) {
        sum += s->bucket[i];
        buf_printf(out, "%s_bucket", x->name);
        add_labels(out, x, s, &x->bounds[i], false);
        buf_printf(out, " %llu\n", (unsigned long long)sum);
    }
    buf_printf(out, "%s_bucket", x->name);
    add_labels(out, x, s, NULL, true);
    buf_printf(out, " %llu\n%s_sum", (unsigned long long)s->count, x->name);
    add_labels(out, x, s, NULL, false);
    buf_addc(out, ' ');
    add_number(out, s->value);
    buf_printf(out, "\n%s_count", x->name);
    add_labels(out, x, s, NULL, false);
    buf_printf(out, " %llu\n", (unsigned long long)s->count);
}

static void print_metric(const struct metric *x, struct buf *out)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    buf_printf(out, "# HELP %s ", x->name);
    add_escaped(out, str_of(x->help), false);
    buf_printf(out, "\n# TYPE %s %s\n", x->name, types[x->type]);
    for (size_t i = 0; i < x->series.n; i++) {
        const struct series *s = x->series.at[i];
        if (x->type == METRIC_HISTOGRAM) {
            add_histogram(out, x, s);
            continue;
        }
        buf_addz(out, x->name);
        add_labels(out, x, s, NULL, false);
        buf_addc(out, ' ');
        add_number(out, s->value);
        buf_addc(out, '\n');
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct metric *const *)a)->name, (*(struct metric *const *)b)->name);
}

void metrics_print(struct metrics *m, struct buf *out)
{
    for (size_t i = 0; i < m->collectors.n; i++)
        m->collectors.at[i].fn(m->collectors.at[i].arg);
    qsort(m->metrics.at, m->metrics.n, sizeof(*m->metrics.at), by_name);
    for (size_t i = 0; i < m->metrics.n; i++)
        if (m->metrics.at[i]->series.n)
            print_metric(m->metrics.at[i], out);
}
