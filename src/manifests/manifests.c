/* manifests.c: the service opens, closes, and takes questions; job.c answers them. */
#include "manifests/manifests.h"

#include <string.h>

#include "manifests/job.h"

#include "argo/application.h"

#define TIMEOUT_DEFAULT (90 * USEC_PER_SEC)
#define REFS_AGE_DEFAULT (3 * USEC_PER_MIN)
#define PAUSE_DEFAULT (60 * USEC_PER_MIN)
#define FAILURES_DEFAULT 3

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
    str parts[] = {STR("render 3"),      source_repo_id(&r->repo, a),
                   r->project,           r->app_name,
                   r->namespace,         str_mem((const char *)d.byte, sizeof(d.byte)),
                   r->kube_version,      r->multi_source ? STR("many") : STR("one"),
                   r->value_file_schemes};
    struct sha256_stream *s = sha256_open();
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        add_part(s, parts[i]);
    for (size_t i = 0; i < r->n_refs; i++) {
        add_part(s, r->ref[i].name);
        add_part(s, source_repo_id(&r->ref[i].repo, a));
    }
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
        .value_file_schemes = arena_str(&o->arena, r->value_file_schemes.len ? r->value_file_schemes
                                                                             : STR("https, http")),
        .combined_bytes_max = m->options.combined_bytes_max,
        .allow_escaping_links = m->options.allow_escaping_links,
        .disable_helm = m->options.disable_helm,
        .disable_kustomize = m->options.disable_kustomize,
        .disable_jsonnet = m->options.disable_jsonnet,
    };
    return o;
}

static void copy_refs(struct job *j, const struct manifests_request *r)
{
    struct manifests_ref *to = ARENA_ARRAY(&j->arena, struct manifests_ref, r->n_refs + 1);
    for (size_t i = 0; i < r->n_refs; i++) {
        to[i].name = arena_str(&j->arena, r->ref[i].name);
        to[i].revision = arena_str(&j->arena, r->ref[i].revision);
        to[i].is_chart = r->ref[i].is_chart;
        source_repo_copy(&j->arena, &r->ref[i].repo, &to[i].repo);
    }
    j->ref = to;
    j->n_refs = r->multi_source ? r->n_refs : 0;
}

/* One of many sources without path and chart is there for others to refer to. */
static bool is_nothing(const struct manifests_request *r)
{
    return r->multi_source && !value_str(value_getz(r->source, "path")).len &&
           !value_str(value_getz(r->source, "chart")).len;
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
    j->tree = ARENA_ARRAY(&j->arena, struct job_tree, MIN_OF(1 + r->n_refs, (size_t)TREES_MAX));
    source_repo_copy(&j->arena, &r->repo, &j->tree[0].repo);
    str revision =
        r->revision.len ? r->revision : value_str(value_getz(r->source, "targetRevision"));
    j->tree[0].revision = arena_str(&j->arena, revision);
    j->tree[0].chart = arena_str(&j->arena, value_str(value_getz(r->source, "chart")));
    copy_refs(j, r);
    j->is_nothing = is_nothing(r);
    j->order = order_of(m, r);
    j->question = question_of(r, doc_root(j->order->source), &j->arena);
    if (r->key.len) {
        j->key = arena_cstr(&j->arena, r->key);
        index_set(&m->index, r->key, 0, &(struct indexed_as){&r->repo, j->tree[0].chart, revision});
    }
    job_start(j);
}

void manifests_forget(struct manifests *m, str key) { index_remove(&m->index, key, 0); }

/* ---- opening and closing ---- */

/* Beside git's folder when nobody says where. */
static int open_charts(struct loop *l, struct pool *p, const struct manifests_options *o,
                       struct charts **ret, struct err *err)
{
    struct arena a;
    struct charts_options options = o->charts;
    arena_init(&a, (size_t)1 << 20);
    if (!options.cache_dir.len)
        options.cache_dir = ARENA_CAT(&a, o->source.cache_dir, STR("-charts"));
    int rc = charts_new(l, p, &options, ret, err);
    arena_done(&a);
    return rc;
}

int manifests_new(struct loop *l, struct pool *p, const struct manifests_options *o,
                  struct manifests **ret, struct err *err)
{
    struct source *source = NULL;
    struct charts *charts = NULL;
    int rc = source_new(l, p, &o->source, &source, err);
    if (!rc)
        rc = open_charts(l, p, o, &charts, err);
    if (rc) {
        source_free(source);
        return rc;
    }
    struct manifests *m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    m->loop = l;
    m->pool = p;
    m->source = source;
    m->charts = charts;
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
    charts_free(m->charts);
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
