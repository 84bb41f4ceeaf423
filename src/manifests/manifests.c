/* manifests.c: one question after the other: refs, commit, cache, engine. A job is one
 * manifests_get; jobs that come to the same run of the engine share it. */
#include "manifests/manifests.h"

#include <string.h>

#include "manifests/private.h"

#include "argo/application.h"
#include "manifests/result.h"
#include "value/json.h"

#define TIMEOUT_DEFAULT (90 * USEC_PER_SEC)
#define REFS_AGE_DEFAULT (3 * USEC_PER_MIN)
#define PAUSE_DEFAULT (60 * USEC_PER_MIN)
#define FAILURES_DEFAULT 3

struct job {
    struct job *next;
    struct manifests *m;
    struct arena arena;
    struct call asker;
    struct call step; /* what it waits for */
    char *key;        /* or NULL */
    struct source_repo repo;
    str revision;
    struct sha256 question;
    struct run_order *order; /* source and parameters; lease once it is here */
    unsigned flags;
    usec refs_age_us, started_at;
    usec refs_us, fetch_us, render_us;
    struct source_lease *lease;
    struct job *leader; /* the job whose run this one waits for, or NULL */
    bool running;       /* it leads a run */
};

/* ---- ends ---- */

static void job_free(struct job *j)
{
    struct job **at = &j->m->jobs;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    call_forget(&j->step);
    source_lease_unref(j->lease);
    run_order_unref(j->order);
    arena_done(&j->arena);
    free(j);
}

static void note_in_index(struct job *j, const char *commit, struct rendered *r)
{
    struct indexed *i = j->key ? index_find(&j->m->index, str_of(j->key)) : NULL;
    if (!i)
        return;
    index_result(&j->m->index, i, commit, r);
    i->question = j->question;
    memset(i->seen, 0, sizeof(i->seen));
    memcpy(i->seen, commit, strnlen(commit, sizeof(i->seen) - 1));
    i->lost = false;
}

static void job_fail(struct job *j, const struct err *err)
{
    j->m->stats.n_failures++;
    note_in_index(j, j->lease ? j->lease->commit->sha : "", NULL);
    call_answer_err(j->asker, err);
    job_free(j);
}

static void drop_result(void *r) { manifests_result_unref(r); }

static void job_succeed(struct job *j, struct rendered *r, bool cached)
{
    struct manifests_result *result = result_new(r, j->lease->commit);
    result->cached = cached;
    result->refs_us = j->refs_us;
    result->fetch_us = j->fetch_us;
    result->render_us = j->render_us;
    note_in_index(j, j->lease->commit->sha, r);
    call_answer_ok(j->asker, result, drop_result);
    job_free(j);
}

/* ---- the engine ---- */

static struct job *next_follower(struct manifests *m, const struct job *leader)
{
    struct job *j = m->jobs;
    while (j && j->leader != leader)
        j = j->next;
    return j;
}

/* Upstream shows a remembered error with its gRPC code, which the condition would otherwise add in
 * front. */
static void remember_failure(struct job *j, struct question *q, const struct err *why)
{
    if (strcmp(q->failed_commit, j->lease->commit->sha) != 0)
        q->n_failures = 0;
    memcpy(q->failed_commit, j->lease->commit->sha, sizeof(q->failed_commit));
    q->n_failures++;
    q->failed_at = loop_now(j->m->loop);
    bool has_code = why->kind == ERR_PRECONDITION;
    if (!q->failure)
        q->failure = calloc(1, sizeof(*q->failure));
    if (!q->failure)
        abort();
    (void)err_set(q->failure, ERR_INVALID, "Manifest generation error (cached): %s%s",
                  has_code ? "rpc error: code = FailedPrecondition desc = " : "", why->text);
}

/* A dying worker, a full queue or a shutdown say nothing about the manifests. */
static bool is_about_manifests(int kind)
{
    return kind == ERR_INVALID || kind == ERR_PRECONDITION || kind == ERR_TOO_LARGE ||
           kind == ERR_UNSUPPORTED || kind == ERR_NOT_FOUND || kind == ERR_TIMEOUT;
}

static void run_ended(void *arg, struct answer *a)
{
    struct job *j = arg;
    struct manifests *m = j->m;
    struct rendered *r = a->rc ? NULL : answer_take(a);
    struct question *q = cache_get(&m->cache, &j->question);
    j->render_us = loop_now(m->loop) - j->started_at;
    j->running = false;
    m->stats.n_renders++;
    if (r) {
        question_succeeded(q);
        cache_put(&m->cache, q, j->lease->commit->tree, r);
    } else if (is_about_manifests(a->err.kind)) {
        remember_failure(j, q, &a->err);
    }
    for (struct job *f; (f = next_follower(m, j));) {
        f->leader = NULL;
        if (r)
            job_succeed(f, r, true);
        else
            job_fail(f, &a->err);
    }
    if (r)
        job_succeed(j, r, false);
    else
        job_fail(j, &a->err);
    rendered_unref(r);
}

static void run(struct job *j)
{
    for (struct job *other = j->m->jobs; other; other = other->next) {
        if (other == j || !other->running || !sha256_eq(&other->question, &j->question) ||
            strcmp(other->lease->commit->tree, j->lease->commit->tree) != 0)
            continue;
        j->leader = other;
        return;
    }
    j->running = true;
    j->started_at = loop_now(j->m->loop);
    j->order->lease = source_lease_ref(j->lease);
    j->order->order.objects_dir = j->lease->objects_dir;
    j->order->order.tree = str_of(j->lease->commit->tree);
    j->order->order.revision = str_of(j->lease->commit->sha);
    j->step =
        call_open(j->m->loop, j->m->options.render_timeout_us + 5 * USEC_PER_SEC, run_ended, j);
    run_submit(j->m, j->order, j->step);
}

/* ---- the cache's second step ---- */

struct comparing { /* owned by the pool while it runs */
    struct source_lease *lease;
    struct rendered *candidate[MANIFESTS_READ_SETS_MAX];
    size_t n;
};

static void drop_comparing(void *arg)
{
    struct comparing *c = arg;
    source_lease_unref(c->lease);
    for (size_t i = 0; i < c->n; i++)
        rendered_unref(c->candidate[i]);
    free(c);
}

static void drop_rendered(void *r) { rendered_unref(r); }

static void compare_reads(void *arg, struct answer *ret)
{
    struct comparing *c = arg;
    CLEANUP(files_closep) struct files *f = NULL;
    ret->rc = source_lease_open(c->lease, &f, &ret->err);
    for (size_t i = 0; !ret->rc && !ret->result && i < c->n; i++) {
        struct arena a;
        bool same = false;
        arena_init(&a, ARENA_BYTES_DEFAULT);
        ret->rc = read_set_check(c->candidate[i]->reads, f, &a, &same, NULL, &ret->err);
        arena_done(&a);
        if (same) {
            ret->result = rendered_ref(c->candidate[i]);
            ret->drop = drop_rendered;
        }
    }
}

static void compared(void *arg, struct answer *a)
{
    struct job *j = arg;
    struct rendered *r = a->rc ? NULL : answer_take(a);
    if (!r) {
        run(j);
        return;
    }
    j->m->stats.n_same_reads++;
    cache_put(&j->m->cache, cache_get(&j->m->cache, &j->question), j->lease->commit->tree, r);
    job_succeed(j, r, true);
    rendered_unref(r);
}

static void compare(struct job *j, const struct question *q)
{
    struct comparing *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->lease = source_lease_ref(j->lease);
    for (; c->n < q->n_answers; c->n++)
        c->candidate[c->n] = rendered_ref(q->answer[c->n].rendered);
    j->step = call_open(j->m->loop, 0, compared, j);
    pool_submit(j->m->pool, compare_reads, c, drop_comparing, j->step);
}

/* ---- the commit is here ---- */

static bool is_paused(const struct manifests *m, const struct question *q, const char *commit)
{
    return q->n_failures >= m->options.failures_before_pause &&
           strcmp(q->failed_commit, commit) == 0 &&
           loop_now(m->loop) - q->failed_at < m->options.pause_us;
}

static void look_up(struct job *j)
{
    struct manifests *m = j->m;
    struct question *q = cache_get(&m->cache, &j->question);
    struct err err;
    if (j->flags & MANIFESTS_NO_CACHE)
        cache_forget(&m->cache, q);
    if (j->lease->escaping_link.len && !m->options.allow_escaping_links) {
        (void)err_set(&err, ERR_INVALID, "repository contains out-of-bounds symlinks. file: %.*s",
                      STR_FMT(j->lease->escaping_link));
        job_fail(j, &err);
        return;
    }
    if (is_paused(m, q, j->lease->commit->sha)) {
        m->stats.n_paused++;
        job_fail(j, q->failure);
        return;
    }
    struct rendered *r = question_find(q, j->lease->commit->tree);
    if (r) {
        m->stats.n_hits++;
        job_succeed(j, r, true);
    } else if (q->n_answers) {
        compare(j, q);
    } else {
        run(j);
    }
}

static void commit_arrived(void *arg, struct answer *a)
{
    struct job *j = arg;
    j->fetch_us = loop_now(j->m->loop) - j->started_at;
    if (a->rc) {
        job_fail(j, &a->err);
        return;
    }
    j->lease = answer_take(a);
    look_up(j);
}

static void bring(struct job *j, const struct source_refs *refs)
{
    char sha[SOURCE_SHA_BYTES];
    bool is_short;
    struct err err;
    if (revision_resolve(refs, j->revision, sha, &is_short, &err)) {
        job_fail(j, &err);
        return;
    }
    j->started_at = loop_now(j->m->loop);
    j->step = call_open(j->m->loop, 0, commit_arrived, j);
    source_commit_get(j->m->source, &j->repo, str_of(sha), j->step);
}

static void refs_arrived(void *arg, struct answer *a)
{
    struct job *j = arg;
    j->refs_us = loop_now(j->m->loop) - j->started_at;
    if (a->rc)
        job_fail(j, &a->err);
    else
        bring(j, a->result);
}

/* ---- asking ---- */

static void add_part(struct sha256_stream *s, str part)
{
    uint64_t len = part.len;
    sha256_add(s, str_mem((const char *)&len, sizeof(len)));
    sha256_add(s, part);
}

/* A directory or kustomization is the same for every cluster; a chart may ask what there is. */
static bool asks_cluster(value source)
{
    return value_is_nil(value_getz(source, "directory")) &&
           value_is_nil(value_getz(source, "kustomize"));
}

/* What the answer depends on, but for the revision: an engine that reads that one says so in its
 * reads. */
static struct sha256 question_of(const struct manifests_request *r, value source, struct arena *a)
{
    struct sha256 d = value_digest(source);
    str parts[] = {STR("render 2"), source_repo_id(&r->repo, a),
                   r->project,      r->app_name,
                   r->namespace,    str_mem((const char *)d.byte, sizeof(d.byte)),
                   r->kube_version};
    struct sha256_stream *s = sha256_open();
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        add_part(s, parts[i]);
    for (size_t i = 0; asks_cluster(source) && i < r->n_api_versions; i++)
        add_part(s, r->api_version[i]);
    return sha256_close(s);
}

static const str *copy_texts(struct arena *a, const str *from, size_t n)
{
    str *at = ARENA_ARRAY(a, str, n + 1);
    for (size_t i = 0; i < n; i++)
        at[i] = arena_str(a, from[i]);
    return at;
}

static struct run_order *order_of(struct manifests *m, const struct manifests_request *r)
{
    struct run_order *o = calloc(1, sizeof(*o));
    if (!o)
        abort();
    o->n = 1;
    arena_init(&o->arena, ARENA_BYTES_DEFAULT);
    value source = value_is_map(r->source) ? r->source : value_new_map(&o->arena);
    source = value_edit(&o->arena, object_private(&o->arena, source)); /* the asker's stays whole */
    value_remove(source, STR("targetRevision"));
    o->source = doc_freeze(source, 0);
    o->order = (struct render_order){
        .source = doc_root(o->source),
        .app_name = arena_str(&o->arena, r->app_name),
        .namespace = arena_str(&o->arena, r->namespace),
        .project = arena_str(&o->arena, r->project),
        .kube_version = arena_str(&o->arena, r->kube_version),
        .api_version = copy_texts(&o->arena, r->api_version, r->n_api_versions),
        .n_api_versions = r->n_api_versions,
        .combined_bytes_max = m->options.combined_bytes_max,
        .allow_escaping_links = m->options.allow_escaping_links,
        .disable_helm = m->options.disable_helm,
        .disable_kustomize = m->options.disable_kustomize,
        .disable_jsonnet = m->options.disable_jsonnet,
    };
    return o;
}

void manifests_get(struct manifests *m, const struct manifests_request *r, struct call c)
{
    struct job *j = calloc(1, sizeof(*j));
    if (!j)
        abort();
    m->stats.n_gets++;
    arena_init(&j->arena, ARENA_BYTES_DEFAULT);
    j->m = m;
    j->asker = c;
    j->next = m->jobs;
    m->jobs = j;
    j->flags = r->flags & MANIFESTS_NO_CACHE ? r->flags | MANIFESTS_REFS_NEW : r->flags;
    j->refs_age_us = r->refs_age_max_us ? r->refs_age_max_us : REFS_AGE_DEFAULT;
    source_repo_copy(&j->arena, &r->repo, &j->repo);
    str revision =
        r->revision.len ? r->revision : value_str(value_getz(r->source, "targetRevision"));
    j->revision = arena_str(&j->arena, revision);
    j->order = order_of(m, r);
    j->question = question_of(r, doc_root(j->order->source), &j->arena);
    if (r->key.len) {
        j->key = arena_cstr(&j->arena, r->key);
        index_set(&m->index, r->key, &r->repo, revision);
    }
    j->started_at = loop_now(m->loop);
    if (source_is_sha(j->revision)) {
        bring(j, NULL);
        return;
    }
    j->step = call_open(m->loop, 0, refs_arrived, j);
    source_refs_get(m->source, &j->repo, j->flags & MANIFESTS_REFS_NEW ? 0 : j->refs_age_us,
                    j->step);
}

void manifests_forget(struct manifests *m, str key) { index_remove(&m->index, key); }

/* ---- opening and closing ---- */

int manifests_new(struct loop *l, struct pool *p, const struct manifests_options *o,
                  struct manifests **ret, struct err *err)
{
    struct source *source = NULL;
    int rc = source_new(l, p, &o->source, &source, err);
    if (rc)
        return rc;
    struct manifests *m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    m->loop = l;
    m->pool = p;
    m->source = source;
    m->jail = o->jail;
    m->gc_at = loop_now(l);
    m->options = *o;
    if (!m->options.render_timeout_us)
        m->options.render_timeout_us = TIMEOUT_DEFAULT;
    if (!m->options.failures_before_pause)
        m->options.failures_before_pause = FAILURES_DEFAULT;
    if (!m->options.pause_us)
        m->options.pause_us = PAUSE_DEFAULT;
    cache_init(&m->cache, o->cache_bytes_max ? o->cache_bytes_max : MANIFESTS_CACHE_BYTES_DEFAULT);
    index_init(&m->index);
    *ret = m;
    return 0;
}

void manifests_free(struct manifests *m)
{
    if (!m)
        return;
    struct err why;
    (void)err_set(&why, ERR_CANCELED, "shutting down");
    while (m->jobs) {
        call_answer_err(m->jobs->asker, &why);
        job_free(m->jobs);
    }
    polls_cancel(m);
    runs_cancel(m);
    source_free(m->source);
    index_done(&m->index);
    cache_done(&m->cache);
    free(m);
}

struct manifests_stats manifests_stats(const struct manifests *m)
{
    struct manifests_stats s = m->stats;
    s.cache_bytes = m->cache.bytes;
    s.n_results = m->cache.n_results;
    s.n_indexed = map_len(&m->index.by_key);
    s.source = source_stats(m->source);
    if (m->jail) {
        struct jail_stats j = jail_stats(m->jail);
        s.n_workers = j.n_started;
        s.n_worker_deaths = j.n_died;
    }
    return s;
}
