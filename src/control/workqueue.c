/* control/workqueue.c: a map of keys; ready ones in a ring list, delayed ones under one timer each.
 */
#include "control/workqueue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

struct item {
    struct workqueue *queue;
    struct item *next; /* in the list of ready keys */
    bool waiting, working, dirty;
    unsigned failures;
    usec ready_at, started_at;
    struct timer delay;
    size_t key_bytes;
    char key[];
};

enum metric_row {
    M_DEPTH,
    M_ADDS,
    M_RETRIES,
    M_QUEUE_SECONDS,
    M_WORK_SECONDS,
    M_UNFINISHED,
    M_LONGEST,
    M_COUNT
};

struct workqueue {
    struct loop *loop;
    struct workqueue_config config;
    struct map
        items; /* key -> struct item; every key that waits, is delayed, worked, or has failures */
    struct item *first, **last;
    struct timer turn; /* armed while something may be started */
    size_t n_waiting, n_delayed, n_working, n_live;
    uint64_t adds, retries, worked, refused;
    double tokens;
    usec tokens_at;
    bool paused;
    struct metric *metric[M_COUNT];
};

/* client-go's buckets: 10 of them from 10 ns, factor 10 */
static const double seconds_bounds[] = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10};
static const char *const name_label[] = {"name", NULL};

enum metric_type { COUNTER, GAUGE, HISTOGRAM };
static const struct {
    enum metric_type type;
    const char *name, *help;
} metric_rows[M_COUNT] = {
    [M_DEPTH] = {GAUGE, "workqueue_depth", "Current depth of workqueue"},
    [M_ADDS] = {COUNTER, "workqueue_adds_total", "Total number of adds handled by workqueue"},
    [M_RETRIES] = {COUNTER, "workqueue_retries_total",
                   "Total number of retries handled by workqueue"},
    [M_QUEUE_SECONDS] = {HISTOGRAM, "workqueue_queue_duration_seconds",
                         "How long in seconds an item stays in workqueue before being requested"},
    [M_WORK_SECONDS] = {HISTOGRAM, "workqueue_work_duration_seconds",
                        "How long in seconds processing an item from workqueue takes."},
    [M_UNFINISHED] =
        {GAUGE, "workqueue_unfinished_work_seconds",
         "How many seconds of work has been done that is in progress and hasn't been observed by "
         "work_duration."},
    [M_LONGEST] =
        {GAUGE, "workqueue_longest_running_processor_seconds",
         "How many seconds has the longest running processor for workqueue been running."},
};

static double seconds(usec t) { return (double)t / (double)USEC_PER_SEC; }

static void collect(void *arg)
{
    struct workqueue *q = arg;
    usec now = loop_now(q->loop), sum = 0, longest = 0;
    void *v;
    for (size_t i = 0; map_next(&q->items, &i, NULL, &v);) {
        struct item *it = v;
        if (!it->working)
            continue;
        sum += now - it->started_at;
        longest = MAX_OF(longest, now - it->started_at);
    }
    metric_set(q->metric[M_UNFINISHED], seconds(sum), LABELS(str_of(q->config.name)));
    metric_set(q->metric[M_LONGEST], seconds(longest), LABELS(str_of(q->config.name)));
}

static void declare_metrics(struct workqueue *q)
{
    struct metrics *m = q->config.metrics;
    if (!m)
        return;
    for (int i = 0; i < M_COUNT; i++) {
        if (metric_rows[i].type == HISTOGRAM)
            q->metric[i] = metrics_histogram(m, metric_rows[i].name, metric_rows[i].help,
                                             name_label, seconds_bounds, ARRAY_LEN(seconds_bounds));
        else if (metric_rows[i].type == GAUGE)
            q->metric[i] = metrics_gauge(m, metric_rows[i].name, metric_rows[i].help, name_label);
        else
            q->metric[i] = metrics_counter(m, metric_rows[i].name, metric_rows[i].help, name_label);
    }
    metrics_on_collect(m, collect, q);
}

static void count(struct workqueue *q, enum metric_row row, double by)
{
    if (q->metric[row])
        metric_add(q->metric[row], by, LABELS(str_of(q->config.name)));
}

static void observe(struct workqueue *q, enum metric_row row, usec t)
{
    if (q->metric[row])
        metric_observe(q->metric[row], seconds(t), LABELS(str_of(q->config.name)));
}

static void on_turn(void *arg);

struct workqueue *workqueue_new(struct loop *l, const struct workqueue_config *config)
{
    struct workqueue *q = calloc(1, sizeof(*q));
    assert(q && config->work);
    q->loop = l;
    q->config = *config;
    struct workqueue_config *c = &q->config;
    c->name = c->name ? c->name : "queue";
    c->workers_max = c->workers_max ? c->workers_max : 20;
    c->retry_base_us = c->retry_base_us ? c->retry_base_us : 5 * USEC_PER_MS;
    c->retry_max_us = c->retry_max_us ? c->retry_max_us : 1000 * USEC_PER_SEC;
    c->retry_per_second = c->retry_per_second != 0 ? c->retry_per_second : 10;
    c->retry_burst = c->retry_burst ? c->retry_burst : 100;
    c->keys_max = c->keys_max ? c->keys_max : WORKQUEUE_KEYS_MAX_DEFAULT;
    q->tokens = c->retry_burst;
    q->tokens_at = loop_now(l);
    q->last = &q->first;
    map_init(&q->items, NULL);
    timer_init(&q->turn, l, on_turn, q);
    declare_metrics(q);
    return q;
}

void workqueue_free(struct workqueue *q)
{
    if (!q)
        return;
    timer_stop(&q->turn);
    void *v;
    for (size_t i = 0; map_next(&q->items, &i, NULL, &v);) {
        timer_stop(&((struct item *)v)->delay);
        free(v);
    }
    map_done(&q->items);
    free(q);
}

static str item_key(const struct item *it) { return (str){it->key, it->key_bytes}; }
static bool item_live(const struct item *it)
{
    return it->waiting || it->working || timer_armed(&it->delay);
}

/* An item that only remembers failures stays, but does not count against keys_max. */
static void release_idle(struct workqueue *q, struct item *it)
{
    if (item_live(it) || it->failures)
        return;
    map_remove(&q->items, item_key(it));
    free(it);
}

static void on_delay(void *arg);

static struct item *item_of(struct workqueue *q, str key)
{
    struct item *it = map_find(&q->items, key);
    if ((!it || !item_live(it)) && q->n_live >= q->config.keys_max) {
        q->refused++;
        return NULL;
    }
    if (it)
        return it;
    it = calloc(1, sizeof(*it) + key.len + 1);
    assert(it);
    it->queue = q;
    it->key_bytes = key.len;
    if (key.len)
        memcpy(it->key, key.at, key.len);
    timer_init(&it->delay, q->loop, on_delay, it);
    map_set(&q->items, item_key(it), it);
    return it;
}

static void schedule(struct workqueue *q)
{
    if (q->first && !q->paused && q->n_working < q->config.workers_max && !timer_armed(&q->turn))
        timer_arm(&q->turn, loop_now(q->loop));
}

static void stop_delay(struct workqueue *q, struct item *it)
{
    if (!timer_armed(&it->delay))
        return;
    timer_stop(&it->delay);
    q->n_delayed--;
}

static void enqueue(struct workqueue *q, struct item *it)
{
    it->waiting = true;
    it->ready_at = loop_now(q->loop);
    it->next = NULL;
    *q->last = it;
    q->last = &it->next;
    q->n_waiting++;
    count(q, M_DEPTH, 1);
    schedule(q);
}

static void make_ready(struct workqueue *q, struct item *it)
{
    q->adds++;
    count(q, M_ADDS, 1);
    if (it->working)
        it->dirty = true; /* workqueue_done puts it in line */
    else
        enqueue(q, it);
}

static void on_delay(void *arg)
{
    struct item *it = arg;
    struct workqueue *q = it->queue;
    q->n_delayed--; /* still counted in n_live: it becomes ready or dirty now */
    if (it->waiting || it->dirty)
        return;
    make_ready(q, it);
}

bool workqueue_add(struct workqueue *q, str key)
{
    struct item *it = item_of(q, key);
    if (!it)
        return false;
    if (!item_live(it))
        q->n_live++;
    stop_delay(q, it);
    if (!it->waiting && !it->dirty)
        make_ready(q, it);
    return true;
}

bool workqueue_add_after(struct workqueue *q, str key, usec delay_us)
{
    if (delay_us <= 0)
        return workqueue_add(q, key);
    struct item *it = item_of(q, key);
    if (!it)
        return false;
    usec at = loop_now(q->loop) + delay_us;
    if (it->waiting || it->dirty || (timer_armed(&it->delay) && it->delay.at <= at))
        return true;
    if (!item_live(it))
        q->n_live++;
    if (!timer_armed(&it->delay))
        q->n_delayed++;
    timer_arm(&it->delay, at);
    return true;
}

static usec failure_delay(const struct workqueue *q, unsigned failures)
{
    usec d = q->config.retry_base_us;
    for (unsigned i = 0; i < failures && d < q->config.retry_max_us; i++)
        d *= 2;
    return MIN_OF(d, q->config.retry_max_us);
}

/* How long until one more token: the bucket may go below zero, as a reservation does. */
static usec bucket_delay(struct workqueue *q)
{
    double rate = q->config.retry_per_second;
    if (rate < 0)
        return 0;
    usec now = loop_now(q->loop);
    q->tokens =
        MIN_OF(q->tokens + seconds(now - q->tokens_at) * rate, (double)q->config.retry_burst);
    q->tokens_at = now;
    q->tokens -= 1;
    return q->tokens >= 0 ? 0 : (usec)(-q->tokens / rate * (double)USEC_PER_SEC);
}

bool workqueue_retry(struct workqueue *q, str key)
{
    struct item *it = item_of(q, key);
    if (!it)
        return false;
    usec own = failure_delay(q, it->failures), all = bucket_delay(q);
    it->failures++;
    q->retries++;
    count(q, M_RETRIES, 1);
    return workqueue_add_after(q, key, MAX_OF(own, all));
}

void workqueue_forget(struct workqueue *q, str key)
{
    struct item *it = map_find(&q->items, key);
    if (!it)
        return;
    it->failures = 0;
    release_idle(q, it);
}

unsigned workqueue_failures(const struct workqueue *q, str key)
{
    const struct item *it = map_find(&q->items, key);
    return it ? it->failures : 0;
}

static void on_turn(void *arg)
{
    struct workqueue *q = arg;
    if (!q->first || q->paused || q->n_working >= q->config.workers_max)
        return;
    struct item *it = q->first;
    q->first = it->next;
    if (!q->first)
        q->last = &q->first;
    it->waiting = false;
    it->working = true;
    it->started_at = loop_now(q->loop);
    q->n_waiting--;
    q->n_working++;
    count(q, M_DEPTH, -1);
    observe(q, M_QUEUE_SECONDS, it->started_at - it->ready_at);
    schedule(q); /* one key a turn: the loop's other work goes in between */
    q->config.work(q->config.arg, item_key(it));
}

void workqueue_done(struct workqueue *q, str key)
{
    struct item *it = map_find(&q->items, key);
    assert(it && it->working);
    it->working = false;
    q->n_working--;
    q->worked++;
    observe(q, M_WORK_SECONDS, loop_now(q->loop) - it->started_at);
    if (it->dirty) {
        it->dirty = false;
        enqueue(q, it);
    } else if (!item_live(it)) {
        q->n_live--;
        release_idle(q, it);
    }
    schedule(q);
}

void workqueue_pause(struct workqueue *q, bool paused)
{
    q->paused = paused;
    schedule(q);
}

struct workqueue_stats workqueue_stats(const struct workqueue *q)
{
    return (struct workqueue_stats){.waiting = q->n_waiting,
                                    .delayed = q->n_delayed,
                                    .working = q->n_working,
                                    .adds = q->adds,
                                    .retries = q->retries,
                                    .worked = q->worked,
                                    .refused = q->refused};
}
