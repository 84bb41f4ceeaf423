/* job.c: one question after the other: refs, commits, cache, engine. */
#include "manifests/job.h"

#include <string.h>

#include "manifests/references.h"
#include "manifests/result.h"
#include "manifests/supply.h"

/* ---- ends ---- */

void job_free(struct job *j)
{
    struct job **at = &j->m->jobs;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    call_forget(&j->step);
    supplies_cancel(j);
    for (size_t i = 0; i < j->n_trees; i++) {
        source_lease_unref(j->tree[i].lease);
        chart_archive_unref(j->tree[i].archive);
    }
    run_order_unref(j->order);
    arena_done(&j->arena);
    free(j);
}

/* Where a tree stands, for the index: a commit, or a short name of a chart's version. */
static void mark_of(const struct job_tree *t, bool resolved, char ret[SOURCE_SHA_BYTES])
{
    memset(ret, 0, SOURCE_SHA_BYTES);
    if (t->chart.len && (t->archive || resolved))
        index_mark_of_version(t->version, ret);
    else if (t->lease)
        memcpy(ret, t->lease->commit->sha, SOURCE_SHA_BYTES);
}

static void note_in_index(struct job *j, struct rendered *r)
{
    for (size_t t = 0; j->key && t < j->n_trees; t++) {
        struct indexed *i = index_find(&j->m->index, str_of(j->key), t);
        char sha[SOURCE_SHA_BYTES];
        mark_of(&j->tree[t], false, sha);
        if (!i)
            continue;
        index_result(&j->m->index, i, sha, r);
        i->question = j->question;
        memcpy(i->seen, sha, sizeof(i->seen));
        i->lost = i->lost && !sha[0];
    }
}

static void job_fail(struct job *j, const struct err *err)
{
    j->m->stats.n_failures++;
    note_in_index(j, NULL);
    call_answer_err(j->asker, err);
    job_free(j);
}

static void drop_result(void *r) { manifests_result_unref(r); }

static void job_succeed(struct job *j, struct rendered *r, bool cached)
{
    const struct job_tree *own = &j->tree[0];
    struct manifests_result *result =
        result_new(r, own->lease ? own->lease->commit : NULL, own->version);
    result->cached = cached;
    result->refs_us = j->refs_us;
    result->fetch_us = j->fetch_us;
    result->render_us = j->render_us;
    note_in_index(j, r);
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
    if (!sha256_eq(&q->failed_trees, &j->trees))
        q->n_failures = 0;
    q->failed_trees = j->trees;
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

/* A chart's version may be seen by its templates. */
static str tree_name(struct job *j, const struct job_tree *t)
{
    if (t->lease)
        return str_of(t->lease->commit->tree);
    return ARENA_CAT(&j->arena, t->version, STR(" "),
                     hex_str(&j->arena, t->archive->digest.byte, sizeof(t->archive->digest.byte)));
}

static struct sha256 archive_id(struct job *j)
{
    return j->tree[0].archive ? sha256_of(tree_name(j, &j->tree[0])) : (struct sha256){0};
}

static void run_ended(void *arg, struct answer *a);

static void run_again(struct job *j)
{
    struct run_order *o = j->order;
    o->order.supply = o->supply.at;
    o->order.n_supplies = o->supply.n;
    j->step =
        call_open(j->m->loop, j->m->options.render_timeout_us + 5 * USEC_PER_SEC, run_ended, j);
    run_submit(j->m, o, j->step);
}

static void supplied(void *arg, struct answer *a)
{
    struct job *j = arg;
    if (a->rc)
        run_ended(j, a);
    else
        run_again(j);
}

/* The engine lacks something: it is brought, and the engine runs again. */
static void go_on(struct job *j, struct rendered *take_r)
{
    struct answer a = {.rc = -ERR_INVALID};
    if (++j->n_rounds < NEED_ROUNDS_MAX && j->m->charts) {
        j->step = call_open(j->m->loop, 0, supplied, j);
        supplies_bring(j, take_r, j->step);
    } else {
        (void)err_set(&a.err, ERR_INVALID,
                      "rendering asked for charts and files of other servers %u times",
                      j->n_rounds);
        run_ended(j, &a);
    }
    rendered_unref(take_r);
}

static void run_ended(void *arg, struct answer *a)
{
    struct job *j = arg;
    struct manifests *m = j->m;
    struct rendered *r = a->rc ? NULL : answer_take(a);
    if (r && r->n_needs) {
        go_on(j, r);
        return;
    }
    if (r) {
        r->may_change = j->may_change;
        r->archive = archive_id(j);
    }
    struct question *q = cache_get(&m->cache, &j->question);
    j->render_us = loop_now(m->loop) - j->started_at;
    j->running = false;
    m->stats.n_renders++;
    if (r) {
        question_succeeded(q);
        cache_put(&m->cache, q, &j->trees, r);
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

static void fill_order(struct job *j)
{
    struct run_order *o = j->order;
    struct order_ref *ref = ARENA_ARRAY(&o->arena, struct order_ref, j->n_trees);
    for (size_t i = 0; i < j->n_trees; i++) {
        const struct job_tree *t = &j->tree[i];
        if (!t->lease)
            continue;
        o->lease[i] = source_lease_ref(t->lease);
        if (i)
            ref[i - 1] = (struct order_ref){t->ref->name, t->repo.url, t->lease->objects_dir,
                                            str_of(t->lease->commit->tree)};
    }
    o->order.ref = ref;
    o->order.n_refs = j->n_trees - 1;
    const struct job_tree *own = &j->tree[0];
    o->order.revision = own->version;
    if (!own->lease)
        return;
    o->order.objects_dir = own->lease->objects_dir;
    o->order.tree = str_of(own->lease->commit->tree);
    o->order.revision = str_of(own->lease->commit->sha);
}

static void archive_read(void *arg, struct answer *a)
{
    struct job *j = arg;
    struct run_order *o = j->order;
    if (a->rc) {
        run_ended(j, a);
        return;
    }
    struct blob *b = answer_take(a);
    b->next = o->blobs;
    o->blobs = b;
    o->order.archive = b->bytes;
    run_again(j);
}

static void run(struct job *j)
{
    for (struct job *other = j->m->jobs; other; other = other->next) {
        if (other == j || !other->running || !sha256_eq(&other->question, &j->question) ||
            !sha256_eq(&other->trees, &j->trees))
            continue;
        j->leader = other;
        return;
    }
    j->running = true;
    j->started_at = loop_now(j->m->loop);
    fill_order(j);
    if (!j->tree[0].archive) {
        run_again(j);
        return;
    }
    j->step = call_open(j->m->loop, 0, archive_read, j);
    blob_read(j->m, j->tree[0].archive, j->step);
}

/* ---- the cache's second step ---- */

struct comparing { /* owned by the pool while it runs */
    struct source_lease *lease[TREES_MAX];
    size_t n_trees;
    struct rendered *candidate[MANIFESTS_READ_SETS_MAX];
    size_t n;
};

static void drop_comparing(void *arg)
{
    struct comparing *c = arg;
    for (size_t i = 0; i < c->n_trees; i++)
        source_lease_unref(c->lease[i]);
    for (size_t i = 0; i < c->n; i++)
        rendered_unref(c->candidate[i]);
    free(c);
}

static void drop_rendered(void *r) { rendered_unref(r); }

/* Would all trees answer every read of it as before? */
static int reads_are_same(const struct rendered *r, struct files *const *f, bool *ret,
                          struct err *err)
{
    struct arena a;
    int rc = 0;
    *ret = true;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    for (size_t i = 0; !rc && *ret && i < r->n_trees; i++)
        rc = f[i] ? read_set_check(r->reads[i], f[i], &a, ret, NULL, err) : 0; /* NULL: archive */
    arena_done(&a);
    return rc;
}

static void compare_reads(void *arg, struct answer *ret)
{
    struct comparing *c = arg;
    struct files *f[TREES_MAX] = {0};
    for (size_t i = 0; !ret->rc && i < c->n_trees; i++)
        ret->rc = c->lease[i] ? source_lease_open(c->lease[i], &f[i], &ret->err) : 0;
    for (size_t i = 0; !ret->rc && !ret->result && i < c->n; i++) {
        bool same = false;
        if (c->candidate[i]->n_trees == c->n_trees)
            ret->rc = reads_are_same(c->candidate[i], f, &same, &ret->err);
        if (!ret->rc && same) {
            ret->result = rendered_ref(c->candidate[i]);
            ret->drop = drop_rendered;
        }
    }
    for (size_t i = 0; i < c->n_trees; i++)
        files_close(f[i]);
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
    cache_put(&j->m->cache, cache_get(&j->m->cache, &j->question), &j->trees, r);
    job_succeed(j, r, true);
    rendered_unref(r);
}

static void compare(struct job *j, const struct question *q)
{
    struct comparing *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    for (; c->n_trees < j->n_trees; c->n_trees++)
        if (j->tree[c->n_trees].lease)
            c->lease[c->n_trees] = source_lease_ref(j->tree[c->n_trees].lease);
    struct sha256 archive = archive_id(j);
    for (size_t i = 0; i < q->n_answers; i++)
        if (!q->answer[i].rendered->may_change &&
            sha256_eq(&q->answer[i].rendered->archive, &archive))
            c->candidate[c->n++] = rendered_ref(q->answer[i].rendered);
    j->step = call_open(j->m->loop, 0, compared, j);
    pool_submit(j->m->pool, compare_reads, c, drop_comparing, j->step);
}

/* ---- the commits are here ---- */

static bool is_paused(const struct job *j, const struct question *q)
{
    const struct manifests *m = j->m;
    return q->n_failures >= m->options.failures_before_pause &&
           sha256_eq(&q->failed_trees, &j->trees) &&
           loop_now(m->loop) - q->failed_at < m->options.pause_us;
}

static bool has_escaping_link(struct job *j)
{
    struct err err;
    for (size_t i = 0; i < j->n_trees && !j->m->options.allow_escaping_links; i++) {
        str link = j->tree[i].lease ? j->tree[i].lease->escaping_link : STR("");
        if (!link.len)
            continue;
        (void)err_set(&err, ERR_INVALID, "repository contains out-of-bounds symlinks. file: %.*s",
                      STR_FMT(link));
        job_fail(j, &err);
        return true;
    }
    return false;
}

static void name_trees(struct job *j)
{
    str tree[TREES_MAX];
    for (size_t i = 0; i < j->n_trees; i++)
        tree[i] = tree_name(j, &j->tree[i]);
    j->trees = trees_id(tree, j->n_trees);
}

static void look_up(struct job *j)
{
    struct manifests *m = j->m;
    struct question *q = cache_get(&m->cache, &j->question);
    name_trees(j);
    if (j->flags & MANIFESTS_NO_CACHE)
        cache_forget(&m->cache, q);
    if (has_escaping_link(j))
        return;
    if (is_paused(j, q)) {
        m->stats.n_paused++;
        job_fail(j, q->failure);
        return;
    }
    struct rendered *r = question_find(q, &j->trees);
    if (r) {
        m->stats.n_hits++;
        job_succeed(j, r, true);
    } else if (q->n_answers) {
        compare(j, q);
    } else {
        run(j);
    }
}

static void succeed_with_nothing(struct job *j)
{
    struct rendered *r = rendered_nothing();
    job_succeed(j, r, true);
    rendered_unref(r);
}

static void bring_next(struct job *j);

static void commit_arrived(void *arg, struct answer *a)
{
    struct job *j = arg;
    if (a->rc) {
        job_fail(j, &a->err);
        return;
    }
    j->tree[j->at++].lease = answer_take(a);
    bring_next(j);
}

/* The command as Argo CD shows it, but for its temporary folder. */
static str pull_command(struct arena *a, const struct job_tree *t, bool pass)
{
    const struct source_repo *r = &t->repo;
    if (source_repo_is_oci(r))
        return ARENA_CAT(a, STR("helm pull oci://"), str_trim_prefix(r->url, STR("oci://")),
                         STR("/"), t->chart, STR(" --version "), t->version);
    return ARENA_CAT(a, STR("helm pull --version "), t->version,
                     r->username.len ? STR(" --username ******") : STR(""),
                     r->password.len ? STR(" --password ******") : STR(""),
                     r->insecure ? STR(" --insecure-skip-tls-verify") : STR(""), STR(" --repo "),
                     url_without_user(a, r->url), STR(" "), t->chart,
                     pass ? STR(" --pass-credentials") : STR(""));
}

static bool passes_credentials(const struct job *j)
{
    return value_bool(value_path(doc_root(j->order->source), "helm.passCredentials"));
}

static void chart_arrived(void *arg, struct answer *a)
{
    struct job *j = arg;
    struct job_tree *t = &j->tree[j->at];
    if (a->rc) {
        struct err err;
        str command = pull_command(&j->arena, t, passes_credentials(j));
        bool oci = source_repo_is_oci(&t->repo);
        (void)err_set(&err, a->err.kind,
                      "%s: failed running helm: `%.*s` failed exit status 1: "
                      "Error: %s",
                      oci ? "error pulling OCI chart: failed to pull OCI chart"
                          : "error fetching chart: failed to fetch chart",
                      STR_FMT(command), a->err.text);
        job_fail(j, &err);
        return;
    }
    t->archive = answer_take(a);
    j->at++;
    bring_next(j);
}

static unsigned chart_flags(const struct job *j, unsigned when)
{
    return j->flags & when ? CHARTS_FRESH : 0;
}

static void bring_next(struct job *j)
{
    if (j->at < j->n_trees) {
        struct job_tree *t = &j->tree[j->at];
        j->step = call_open(j->m->loop, 0, t->chart.len ? chart_arrived : commit_arrived, j);
        if (t->chart.len)
            charts_get(j->m->charts, &t->repo,
                       &(struct chart_wanted){t->chart, t->version, passes_credentials(j)},
                       chart_flags(j, MANIFESTS_NO_CACHE), j->step);
        else
            source_commit_get(j->m->source, &t->repo, str_of(t->sha), j->step);
        return;
    }
    j->fetch_us = loop_now(j->m->loop) - j->started_at;
    if (j->is_nothing)
        succeed_with_nothing(j);
    else
        look_up(j);
}

/* ---- what is asked for ---- */

static void resolve_next(struct job *j);

/* A tree for each other source that this one names. */
static int add_references(struct job *j, struct err *err)
{
    bool *used = ARENA_ARRAY(&j->arena, bool, j->n_refs + 1);
    int rc = references_find(doc_root(j->order->source), j->ref, j->n_refs, used, err);
    for (size_t i = 0; !rc && i < j->n_refs; i++) {
        if (!used[i])
            continue;
        if (j->n_trees == TREES_MAX)
            return err_set(err, ERR_TOO_LARGE, "a source may refer to at most %d others",
                           TREES_MAX - 1);
        struct job_tree *t = &j->tree[j->n_trees];
        t->repo = j->ref[i].repo;
        t->revision = j->ref[i].revision;
        t->ref = &j->ref[i];
        if (j->key)
            index_set(&j->m->index, str_of(j->key), j->n_trees,
                      &(struct indexed_as){&t->repo, STR(""), t->revision});
        j->n_trees++;
    }
    if (j->key)
        index_remove(&j->m->index, str_of(j->key), j->n_trees);
    return rc;
}

/* What a tree's revision is, given what its repository has. */
static int resolve(struct job *j, struct job_tree *t, const struct source_refs *refs,
                   struct err *err)
{
    bool is_short;
    int rc = revision_resolve(refs, t->revision, t->sha, &is_short, err);
    if (rc || !t->ref)
        return rc;
    const struct job_tree *own = &j->tree[0];
    return references_check(t->ref, t->sha, own->repo.url, own->revision, own->sha, err);
}

static void tree_resolved(struct job *j, const struct source_refs *refs)
{
    struct err err;
    if (resolve(j, &j->tree[j->at], refs, &err)) {
        job_fail(j, &err);
        return;
    }
    j->at++;
    resolve_next(j);
}

static void refs_arrived(void *arg, struct answer *a)
{
    struct job *j = arg;
    const struct job_tree *t = &j->tree[j->at];
    struct err err;
    if (!a->rc) {
        tree_resolved(j, a->result);
        return;
    }
    if (t->ref) /* upstream says no more about it */
        (void)err_set(&err, a->err.kind, "failed to get git client for repo %.*s",
                      STR_FMT(t->repo.url));
    job_fail(j, t->ref ? &err : &a->err);
}

static void version_arrived(void *arg, struct answer *a)
{
    struct job *j = arg;
    if (a->rc) {
        job_fail(j, &a->err);
        return;
    }
    const struct chart_revision *v = a->result;
    j->tree[j->at++].version = arena_str(&j->arena, v->version);
    resolve_next(j);
}

static void resolve_next(struct job *j)
{
    struct err err;
    if (j->at == 1 && j->n_trees == 1 && add_references(j, &err)) {
        job_fail(j, &err);
        return;
    }
    if (j->at == j->n_trees) {
        j->refs_us = loop_now(j->m->loop) - j->started_at;
        j->started_at = loop_now(j->m->loop);
        j->at = 0;
        bring_next(j);
        return;
    }
    const struct job_tree *t = &j->tree[j->at];
    if (t->chart.len) {
        j->step = call_open(j->m->loop, 0, version_arrived, j);
        charts_resolve(j->m->charts, &t->repo, t->chart, t->revision,
                       chart_flags(j, MANIFESTS_REFS_NEW), j->step);
        return;
    }
    if (source_is_sha(t->revision)) {
        tree_resolved(j, NULL);
        return;
    }
    j->step = call_open(j->m->loop, 0, refs_arrived, j);
    source_refs_get(j->m->source, &t->repo, j->flags & MANIFESTS_REFS_NEW ? 0 : j->refs_age_us,
                    j->step);
}

void job_start(struct job *j)
{
    struct err err;
    const struct job_tree *own = &j->tree[0];
    j->started_at = loop_now(j->m->loop);
    j->n_trees = 1;
    if (!own->chart.len && str_starts(own->repo.url, STR("oci://"))) {
        (void)
            err_set(&err, ERR_UNSUPPORTED,
                    "%.*s: images of OCI registries are no sources here, charts of them are: name "
                    "the chart",
                    STR_FMT(own->repo.url));
        job_fail(j, &err);
        return;
    }
    resolve_next(j);
}
