/* chart.c: who asks and what is known; see chart.h and chart_impl.h. */
#include "source/chart.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "argo/chart_version.h"
#include "source/chart_impl.h"

#define TIMEOUT_DEFAULT (90 * USEC_PER_SEC)
#define INDEX_AGE_DEFAULT (3 * USEC_PER_MIN)

/* ---- small things that are handed out ---- */

struct versions_memory {
    struct chart_versions is;
    _Atomic unsigned n_refs;
    struct arena arena;
};

struct chart_versions *chart_versions_new(const str *at, size_t n)
{
    struct versions_memory *m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    arena_init(&m->arena, (size_t)1 << 30);
    m->n_refs = 1;
    m->is.at = ARENA_ARRAY(&m->arena, str, n);
    m->is.n = n;
    for (size_t i = 0; i < n; i++)
        m->is.at[i] = arena_str(&m->arena, at[i]);
    return &m->is;
}

struct chart_versions *chart_versions_ref(struct chart_versions *v)
{
    CONTAINER_OF(v, struct versions_memory, is)->n_refs++;
    return v;
}

void chart_versions_unref(struct chart_versions *v)
{
    if (!v)
        return;
    struct versions_memory *m = CONTAINER_OF(v, struct versions_memory, is);
    if (--m->n_refs)
        return;
    arena_done(&m->arena);
    free(m);
}

void chart_versions_drop(void *v) { chart_versions_unref(v); }

void chart_revision_free(struct chart_revision *r) { free(r); /* the text stands behind it */ }

static void drop_revision(void *r) { chart_revision_free(r); }

static struct chart_revision *revision_new(str version)
{
    struct chart_revision *r = calloc(1, sizeof(*r) + version.len + 1);
    if (!r)
        abort();
    if (version.len)
        memcpy((char *)(r + 1), version.at, version.len);
    r->version = str_mem((char *)(r + 1), version.len);
    return r;
}

struct names_memory {
    struct chart_names is;
    struct chart_index *index; /* holds the text */
    struct arena arena;
};

void chart_names_unref(struct chart_names *n)
{
    if (!n)
        return;
    struct names_memory *m = CONTAINER_OF(n, struct names_memory, is);
    chart_index_unref(m->index);
    arena_done(&m->arena);
    free(m);
}

static void drop_names(void *n) { chart_names_unref(n); }

static int by_name(const void *a, const void *b)
{
    const struct chart_name *x = a, *y = b;
    return str_cmp(x->name, y->name);
}

static struct chart_names *names_new(struct chart_index *x)
{
    struct names_memory *m = calloc(1, sizeof(*m));
    void *entries;
    if (!m)
        abort();
    arena_init(&m->arena, (size_t)1 << 30);
    m->index = chart_index_ref(x);
    m->is.at = ARENA_ARRAY(&m->arena, struct chart_name, map_len(&x->by_name));
    for (size_t i = 0; map_next(&x->by_name, &i, NULL, &entries);) {
        const struct chart_entries *e = entries;
        struct chart_name *n = &m->is.at[m->is.n++];
        *n = (struct chart_name){e->name, ARENA_ARRAY(&m->arena, str, e->n), e->n};
        for (size_t k = 0; k < e->n; k++)
            n->version[k] = e->at[k].version;
    }
    qsort(m->is.at, m->is.n, sizeof(*m->is.at), by_name);
    return &m->is;
}

/* ---- what is known ---- */

static void known_drop(const struct known *k)
{
    if (k->kind == OP_INDEX)
        chart_index_unref(k->result);
    else
        chart_versions_unref(k->result);
}

static void known_remove(struct charts *c, size_t i)
{
    known_drop(&c->known[i]);
    c->n_known--;
    memmove(&c->known[i], &c->known[i + 1], (c->n_known - i) * sizeof(c->known[0]));
}

static const struct known *known_find(struct charts *c, enum op_kind kind, const char *key)
{
    for (size_t i = 0; i < c->n_known; i++) {
        struct known k = c->known[i];
        if (k.kind != kind || strcmp(k.key, key) != 0)
            continue;
        if (loop_now(c->loop) - k.asked_at > c->o.index_age_us)
            return NULL;
        memmove(&c->known[1], &c->known[0], i * sizeof(k));
        c->known[0] = k;
        return &c->known[0];
    }
    return NULL;
}

void known_put(struct charts *c, enum op_kind kind, const char *key, void *take_result,
               size_t bytes)
{
    size_t total = bytes;
    for (size_t i = c->n_known; i-- > 0;)
        if (c->known[i].kind == kind && strcmp(c->known[i].key, key) == 0)
            known_remove(c, i);
    if (c->n_known == KNOWN_MAX)
        known_remove(c, KNOWN_MAX - 1);
    for (size_t i = 0; i < c->n_known;) {
        total += c->known[i].bytes;
        if (total > KNOWN_BYTES)
            known_remove(c, i);
        else
            i++;
    }
    memmove(&c->known[1], &c->known[0], c->n_known * sizeof(c->known[0]));
    c->n_known++;
    c->known[0] = (struct known){.kind = kind,
                                 .asked_at = loop_now(c->loop),
                                 .bytes = bytes,
                                 .result = take_result};
    memcpy(c->known[0].key, key, CHART_KEY_BYTES);
}

/* ---- ops ---- */

static void add_part(struct sha256_stream *s, str part)
{
    uint64_t len = part.len; /* so that no two lists of parts read alike */
    sha256_add(s, str_mem((const char *)&len, sizeof(len)));
    sha256_add(s, part);
}

static void make_key(const struct source_repo *repo, const char *kind, str one, str two,
                     char ret[CHART_KEY_BYTES])
{
    struct arena a;
    arena_init(&a, (size_t)64 << 20);
    struct sha256_stream *s = sha256_open();
    add_part(s, str_of(kind));
    add_part(s, source_repo_id(repo, &a));
    add_part(s, source_repo_is_oci(repo) ? STR("oci") : STR("helm"));
    add_part(s, repo->oci_force_http ? STR("http") : STR(""));
    add_part(s, one);
    add_part(s, two);
    struct sha256 d = sha256_close(s);
    str hex = hex_str(&a, d.byte, sizeof(d.byte));
    memcpy(ret, hex.at, CHART_KEY_BYTES - 1);
    ret[CHART_KEY_BYTES - 1] = 0;
    arena_done(&a);
}

static unsigned class_of(const struct op *op) { return op->kind == OP_ARCHIVE; }

static void start(struct op *op)
{
    static void (*const starts[])(struct op *) = {
        [OP_INDEX] = index_start,
        [OP_TAGS] = tags_start,
        [OP_ARCHIVE] = archive_start,
        [OP_REMOTE] = remote_start,
    };
    op->running = true;
    op->charts->n_running[class_of(op)]++;
    if (op->repo.unsupported.len)
        op_fail(op, ERR_UNSUPPORTED, "authentication by %.*s is not supported",
                STR_FMT(op->repo.unsupported));
    else
        starts[op->kind](op);
}

/* An archive may wait for an index, never the other way round: two classes, each with its bound. */
static void pump(void *arg)
{
    struct charts *c = arg;
    bool again = true;
    while (again) {
        again = false;
        for (struct op *op = c->ops; op; op = op->next) {
            if (op->running || c->n_running[class_of(op)] >= OPS_RUNNING_MAX)
                continue;
            start(op); /* it may have ended: the list is another */
            again = true;
            break;
        }
    }
}

static void add_waiter(struct op *op, struct waiter w)
{
    if (op->n_waiters == op->waiters_cap) {
        op->waiters_cap = op->waiters_cap ? 2 * op->waiters_cap : 4;
        op->waiter = realloc(op->waiter, op->waiters_cap * sizeof(*op->waiter));
        if (!op->waiter)
            abort();
    }
    op->waiter[op->n_waiters++] = w;
}

struct op *op_ask(struct charts *c, enum op_kind kind, const char key[CHART_KEY_BYTES],
                  const struct source_repo *repo, struct waiter w, bool *ret_new)
{
    struct op **at = &c->ops;
    while (*at && ((*at)->kind != kind || strcmp((*at)->key, key) != 0))
        at = &(*at)->next;
    *ret_new = !*at;
    if (*at) {
        c->stats.n_joined++;
    } else {
        struct op *op = calloc(1, sizeof(*op));
        if (!op)
            abort();
        op->charts = c;
        op->kind = kind;
        op->fd = -1;
        memcpy(op->key, key, CHART_KEY_BYTES);
        arena_init(&op->arena, OP_ARENA_BYTES_MAX);
        source_repo_copy(&op->arena, repo, &op->repo);
        *at = op;
        timer_arm_in(&c->pump, 0);
    }
    add_waiter(*at, w);
    return *at;
}

void op_stop_waiting(struct op *op)
{
    struct op *on = op->waits_for;
    op->waits_for = NULL;
    for (size_t i = 0; on && i < on->n_waiters; i++) {
        if (on->waiter[i].arg != op)
            continue;
        memmove(&on->waiter[i], &on->waiter[i + 1], (--on->n_waiters - i) * sizeof(on->waiter[0]));
        break;
    }
}

void op_end(struct op *op, const struct outcome *o)
{
    struct charts *c = op->charts;
    struct op **at = &c->ops;
    while (*at != op)
        at = &(*at)->next;
    *at = op->next;
    if (op->running)
        c->n_running[class_of(op)]--;
    op_stop_waiting(op);
    call_forget(&op->call);
    if (op->web)
        c->stats.n_requests += web_requests(op->web);
    if (o->rc)
        c->stats.n_failures++;
    while (op->n_waiters) { /* one that is told may remove itself from this very list */
        struct waiter w = op->waiter[--op->n_waiters];
        w.fn(w.arg, o);
    }
    web_free(op->web);
    if (op->fd >= 0)
        close(op->fd);
    if (op->part.len)
        (void)unlink(op->part.at);
    free(op->waiter);
    arena_done(&op->arena);
    free(op);
    if (!c->closing)
        timer_arm_in(&c->pump, 0);
}

void op_end_err(struct op *op, const struct err *err)
{
    struct err copy = *err;
    op_end(op, &(struct outcome){.rc = -copy.kind, .err = &copy});
}

void op_fail(struct op *op, int kind, const char *format, ...)
{
    struct err err;
    va_list args;
    va_start(args, format);
    (void)err_vset(&err, kind, format, args);
    va_end(args);
    op_end_err(op, &err);
}

struct web *op_web(struct op *op)
{
    const struct charts_options *o = &op->charts->o;
    const struct source_repo *r = &op->repo;
    bool own_proxy = r->proxy.len != 0;
    if (!op->web)
        op->web = web_new(op->charts->loop,
                          &(struct web_config){.tls = {.ca_pem = r->ca_pem,
                                                       .cert_pem = r->tls_client_cert,
                                                       .key_pem = r->tls_client_key,
                                                       .insecure = r->insecure},
                                               .proxy = own_proxy ? r->proxy : o->proxy,
                                               .no_proxy = own_proxy ? r->no_proxy : o->no_proxy,
                                               .user_agent = o->user_agent,
                                               .timeout_us = o->timeout_us});
    return op->web;
}

str op_authorization(struct op *op)
{
    const struct source_repo *r = &op->repo;
    if (r->username.len || r->password.len)
        return web_basic(&op->arena, r->username, r->password);
    return r->bearer_token.len ? ARENA_CAT(&op->arena, STR("Bearer "), r->bearer_token) : STR("");
}

void op_pool(struct op *op, pool_fn *fn, void *job, void (*drop)(void *job), call_fn *then)
{
    op->call = call_open(op->charts->loop, 0, then, op);
    pool_submit(op->charts->pool, fn, job, drop, op->call);
}

/* ---- views: what an index or a list of tags says to one who asks ---- */

enum view_kind { VIEW_VERSIONS, VIEW_RESOLVE, VIEW_NAMES };

struct view {
    struct charts *charts;
    struct call call;
    enum view_kind kind;
    bool of_registry;
    struct arena arena;
    str chart, revision;
};

static void tell_view(const struct view *v, const str *tag, size_t n)
{
    struct err err;
    size_t at;
    if (v->kind == VIEW_VERSIONS) {
        struct chart_versions *list = chart_versions_new(tag, n);
        list->asked_at = loop_now(v->charts->loop);
        call_answer_ok(v->call, list, chart_versions_drop);
    } else if (chart_version_resolve(v->revision, tag, n, &at, &err)) {
        (void)err_wrap(&err, "invalid revision");
        call_answer_err(v->call, &err);
    } else {
        call_answer_ok(v->call, revision_new(tag[at]), drop_revision);
    }
}

static void tell_entries(struct view *v, const struct chart_index *x)
{
    const struct chart_entries *e;
    struct err err;
    if (chart_index_find(x, v->chart, &e, &err)) {
        call_answer_err(v->call, &err);
        return;
    }
    str *tag = ARENA_ARRAY(&v->arena, str, e->n);
    for (size_t i = 0; i < e->n; i++)
        tag[i] = e->at[i].version;
    tell_view(v, tag, e->n);
}

static void tell_names(const struct view *v, struct chart_index *x)
{
    struct err err = x->argo;
    if (!err.kind) {
        call_answer_ok(v->call, names_new(x), drop_names);
        return;
    }
    (void)err_wrap(&err, "error decoding index");
    call_answer_err(v->call, &err);
}

/* Argo CD's words for an index that did not come. */
static void tell_failure(const struct view *v, const struct outcome *o)
{
    struct err err = *o->err;
    if (v->of_registry && v->kind == VIEW_RESOLVE)
        (void)err_wrap(&err, "unable to get tags");
    else if (v->of_registry)
        err = *o->err;
    else if (o->stage == STAGE_STATUS)
        (void)err_set(&err, err.kind, "error loading repo index: failed to get index: %.*s",
                      STR_FMT(o->status_text));
    else if (o->stage == STAGE_BODY)
        (void)err_wrap(&err, "error loading repo index");
    else
        (void)err_wrap(&err, "error loading repo index: error making HTTP request");
    call_answer_err(v->call, &err);
}

static void view_told(void *arg, const struct outcome *o)
{
    struct view *v = arg;
    if (o->rc) {
        tell_failure(v, o);
    } else if (v->kind == VIEW_NAMES) {
        tell_names(v, o->result);
    } else if (v->of_registry) {
        const struct chart_versions *tags = o->result;
        tell_view(v, tags->at, tags->n);
    } else {
        tell_entries(v, o->result);
    }
    arena_done(&v->arena);
    free(v);
}

static void ask_tags(struct charts *c, const struct source_repo *repo, str chart, bool fresh,
                     struct waiter w)
{
    char key[CHART_KEY_BYTES];
    bool is_new;
    make_key(repo, "tags", chart, STR(""), key);
    const struct known *k = fresh ? NULL : known_find(c, OP_TAGS, key);
    if (k) {
        c->stats.n_from_cache++;
        w.fn(w.arg, &(struct outcome){.result = k->result});
        return;
    }
    struct op *op = op_ask(c, OP_TAGS, key, repo, w, &is_new);
    if (is_new)
        op->chart = arena_str(&op->arena, chart);
}

struct op *charts_ask_index(struct charts *c, const struct source_repo *repo, bool fresh,
                            struct waiter w)
{
    char key[CHART_KEY_BYTES];
    bool is_new;
    make_key(repo, "index", STR(""), STR(""), key);
    const struct known *k = fresh ? NULL : known_find(c, OP_INDEX, key);
    if (k) {
        c->stats.n_from_cache++;
        w.fn(w.arg, &(struct outcome){.result = k->result});
        return NULL;
    }
    return op_ask(c, OP_INDEX, key, repo, w, &is_new);
}

static void ask_view(struct charts *c, const struct source_repo *repo, struct view view,
                     unsigned flags)
{
    struct view *v = calloc(1, sizeof(*v));
    if (!v)
        abort();
    *v = view;
    v->charts = c;
    v->of_registry = source_repo_is_oci(repo);
    arena_init(&v->arena, (size_t)256 << 20);
    v->chart = arena_str(&v->arena, view.chart);
    v->revision = arena_str(&v->arena, view.revision);
    struct waiter w = {view_told, v};
    if (v->of_registry)
        ask_tags(c, repo, view.chart, flags & CHARTS_FRESH, w);
    else
        (void)charts_ask_index(c, repo, flags & CHARTS_FRESH, w);
}

void charts_versions(struct charts *c, const struct source_repo *repo, str chart, unsigned flags,
                     struct call call)
{
    ask_view(c, repo, (struct view){.call = call, .kind = VIEW_VERSIONS, .chart = chart}, flags);
}

void charts_names(struct charts *c, const struct source_repo *repo, unsigned flags,
                  struct call call)
{
    struct err err;
    if (source_repo_is_oci(repo)) {
        (void)err_set(&err, ERR_UNSUPPORTED, "a registry does not list its charts");
        call_answer_err(call, &err);
        return;
    }
    ask_view(c, repo, (struct view){.call = call, .kind = VIEW_NAMES}, flags);
}

void charts_resolve(struct charts *c, const struct source_repo *repo, str chart, str revision,
                    unsigned flags, struct call call)
{
    if (chart_version_is_exact(revision)) {
        call_answer_ok(call, revision_new(revision), drop_revision);
        return;
    }
    ask_view(c, repo,
             (struct view){.call = call,
                           .kind = VIEW_RESOLVE,
                           .chart = chart,
                           .revision = revision},
             flags);
}

/* ---- archives and files ---- */

struct asked { /* an external call behind a waiter */
    struct call call;
};

static void drop_archive(void *a) { chart_archive_unref(a); }
static void drop_remote(void *f) { remote_file_unref(f); }

static void archive_told(void *arg, const struct outcome *o)
{
    struct asked *k = arg;
    if (o->rc)
        call_answer_err(k->call, o->err);
    else
        call_answer_ok(k->call, chart_archive_ref(o->result), drop_archive);
    free(k);
}

static void remote_told(void *arg, const struct outcome *o)
{
    struct asked *k = arg;
    if (o->rc)
        call_answer_err(k->call, o->err);
    else
        call_answer_ok(k->call, remote_file_ref(o->result), drop_remote);
    free(k);
}

static struct waiter waiter_of(told_fn *fn, struct call call)
{
    struct asked *k = calloc(1, sizeof(*k));
    if (!k)
        abort();
    k->call = call;
    return (struct waiter){fn, k};
}

void charts_get(struct charts *c, const struct source_repo *repo, const struct chart_wanted *wanted,
                unsigned flags, struct call call)
{
    char key[CHART_KEY_BYTES];
    bool is_new;
    make_key(repo, wanted->pass_credentials ? "archive, passed on" : "archive", wanted->chart,
             wanted->version, key);
    struct op *op = op_ask(c, OP_ARCHIVE, key, repo, waiter_of(archive_told, call), &is_new);
    if (!is_new)
        return;
    op->chart = arena_str(&op->arena, wanted->chart);
    op->version = arena_str(&op->arena, wanted->version);
    op->pass_credentials = wanted->pass_credentials;
    op->fresh = flags & CHARTS_FRESH;
}

void remote_get(struct charts *c, const struct remote_wanted *wanted, struct call call)
{
    char key[CHART_KEY_BYTES];
    bool is_new;
    struct source_repo as = {.url = wanted->url,
                             .proxy = wanted->proxy,
                             .no_proxy = wanted->no_proxy,
                             .ca_pem = wanted->ca_pem};
    make_key(&as, "file", STR(""), STR(""), key);
    struct op *op = op_ask(c, OP_REMOTE, key, &as, waiter_of(remote_told, call), &is_new);
    size_t bytes_max = wanted->bytes_max ? wanted->bytes_max : REMOTE_BYTES_DEFAULT;
    op->bytes_max = is_new ? bytes_max : MAX_OF(op->bytes_max, bytes_max);
}

/* ---- housekeeping ---- */

struct sweep {
    struct arena arena;
    str dir;
    usec before;
};

static void drop_sweep(void *arg)
{
    struct sweep *s = arg;
    arena_done(&s->arena);
    free(s);
}

static void sweep_run(void *arg, struct answer *ret)
{
    const struct sweep *s = arg;
    ret->rc = kept_sweep(s->dir, s->before, &ret->err);
}

void charts_gc(struct charts *c, usec unused_us, struct call call)
{
    struct sweep *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    arena_init(&s->arena, (size_t)1 << 20);
    s->dir = arena_str(&s->arena, c->o.cache_dir);
    s->before = loop_wall(c->loop) - unused_us;
    pool_submit(c->pool, sweep_run, s, drop_sweep, call);
}

struct charts_stats charts_stats(const struct charts *c)
{
    struct charts_stats s = c->stats;
    for (const struct op *op = c->ops; op; op = op->next)
        s.n_requests += op->web ? web_requests(op->web) : 0;
    return s;
}

static void fill_options(struct charts *c, const struct charts_options *o)
{
    struct arena *a = &c->arena;
    c->o = *o;
    c->o.cache_dir = arena_str(a, str_trim_suffix(o->cache_dir, STR("/")));
    c->o.user_agent = arena_str(a, o->user_agent.len ? o->user_agent : STR("tiphys"));
    c->o.proxy = arena_str(a, o->proxy);
    c->o.no_proxy = arena_str(a, o->no_proxy);
    c->o.timeout_us = o->timeout_us ? o->timeout_us : TIMEOUT_DEFAULT;
    c->o.index_age_us = o->index_age_us ? o->index_age_us : INDEX_AGE_DEFAULT;
    c->o.index_bytes_max = o->index_bytes_max ? o->index_bytes_max : CHART_INDEX_BYTES_DEFAULT;
    c->o.archive_bytes_max =
        o->archive_bytes_max ? o->archive_bytes_max : CHART_ARCHIVE_BYTES_DEFAULT;
}

int charts_new(struct loop *l, struct pool *p, const struct charts_options *o, struct charts **ret,
               struct err *err)
{
    int rc = kept_open(str_trim_suffix(o->cache_dir, STR("/")), err);
    if (rc)
        return rc;
    struct charts *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->loop = l;
    c->pool = p;
    arena_init(&c->arena, (size_t)1 << 20);
    fill_options(c, o);
    timer_init(&c->pump, l, pump, c);
    *ret = c;
    return 0;
}

void charts_free(struct charts *c)
{
    struct err why;
    if (!c)
        return;
    (void)err_set(&why, ERR_CANCELED, "shutting down");
    c->closing = true;
    timer_stop(&c->pump);
    while (c->ops)
        op_end_err(c->ops, &why);
    for (size_t i = 0; i < c->n_known; i++)
        known_drop(&c->known[i]);
    arena_done(&c->arena);
    free(c);
}
