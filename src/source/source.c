/* source.c: the loop's half of the store: who asks, who waits, what is known. What blocks is in
 * list_refs.c and bring.c and runs in the pool; a job owns everything it touches there. */
#include <assert.h>

#include "source/source.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "source/store.h"

#define LEASES_KEPT_MAX 16 /* commits of one repository that stay open */
#define TIMEOUT_DEFAULT (90 * USEC_PER_SEC)

/* What the pool needs to know of a repository: immutable, reference-counted. */
struct repo_facts {
    _Atomic unsigned n;
    struct arena arena;
    struct source_repo repo;
    struct store_options refs, fetch;
    str dir;
};

struct waiters {
    struct call *at;
    size_t n, cap;
};

struct bringing { /* one commit on its way */
    struct bringing *next;
    struct repo *repo;
    char sha[SOURCE_SHA_BYTES];
    struct waiters waiters;
    struct call call; /* {0,0} while it stands in the queue */
};

struct repo {
    struct repo *next;
    struct source *source;
    struct repo_facts *facts;
    char id[65];
    usec used_at;
    struct source_refs *refs;
    struct waiters refs_waiters;
    struct call refs_call;
    bool asking;
    struct generation *generation;               /* NULL until first needed */
    struct source_lease *lease[LEASES_KEPT_MAX]; /* newest first */
    struct bringing *queue;
};

struct source {
    struct loop *loop;
    struct pool *pool;
    struct arena arena;
    str cache_dir, private_dir, git;
    usec refs_timeout_us, fetch_timeout_us;
    int lock;
    struct repo *repos;
    struct map by_id;
    struct source_stats stats;
};

/* ---- facts ---- */

static void facts_unref(void *arg)
{
    struct repo_facts *f = arg;
    if (!f || --f->n)
        return;
    arena_done(&f->arena);
    free(f);
}

static struct repo_facts *facts_new(struct source *s, const struct source_repo *repo,
                                    const char *id)
{
    struct repo_facts *f = calloc(1, sizeof(*f));
    if (!f)
        abort();
    f->n = 1;
    arena_init(&f->arena, (size_t)64 << 20);
    source_repo_copy(&f->arena, repo, &f->repo);
    struct store_options o = {
        .git = arena_str(&f->arena, s->git),
        .private_dir = arena_str(&f->arena, s->private_dir),
        .timeout_us = s->refs_timeout_us,
    };
    f->refs = o;
    f->fetch = o;
    f->fetch.timeout_us = s->fetch_timeout_us;
    f->dir = ARENA_CAT(&f->arena, s->cache_dir, STR("/"), str_of(id));
    return f;
}

/* ---- repositories ---- */

static struct repo *repo_of(struct source *s, const struct source_repo *wanted)
{
    struct arena a;
    arena_init(&a, (size_t)64 << 20);
    str id = source_repo_id(wanted, &a);
    struct repo *r = map_find(&s->by_id, id);
    if (!r) {
        r = calloc(1, sizeof(*r));
        if (!r)
            abort();
        memcpy(r->id, id.at, sizeof(r->id) - 1);
        r->source = s;
        r->facts = facts_new(s, wanted, r->id);
        r->next = s->repos;
        s->repos = r;
        map_set(&s->by_id, str_of(r->id), r);
    }
    r->used_at = loop_now(s->loop);
    arena_done(&a);
    return r;
}

static void waiters_add(struct waiters *w, struct call c)
{
    if (w->n == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 4;
        w->at = realloc(w->at, w->cap * sizeof(*w->at));
        if (!w->at)
            abort();
    }
    w->at[w->n++] = c;
}

static void waiters_done(struct waiters *w)
{
    free(w->at);
    *w = (struct waiters){0};
}

static void waiters_fail(struct waiters *w, const struct err *err)
{
    for (size_t i = 0; i < w->n; i++)
        call_answer_err(w->at[i], err);
    waiters_done(w);
}

/* ---- refs ---- */

static void drop_refs(void *r) { source_refs_unref(r); }

struct list_job {
    struct repo_facts *facts;
    struct call asker;
};

static void drop_list_job(void *arg)
{
    struct list_job *j = arg;
    facts_unref(j->facts);
    free(j);
}

static void list_run(void *arg, struct answer *ret)
{
    const struct list_job *j = arg;
    struct store_options o = j->facts->refs;
    struct source_refs *r = NULL;
    o.asker = j->asker;
    ret->rc = store_list_refs(&o, &j->facts->repo, &r, &ret->err);
    ret->result = r;
    ret->drop = drop_refs;
}

static void refs_arrived(void *arg, struct answer *a)
{
    struct repo *r = arg;
    struct waiters w = r->refs_waiters;
    r->refs_waiters = (struct waiters){0};
    r->asking = false;
    source_refs_unref(r->refs);
    r->refs = NULL;
    if (a->rc) {
        r->source->stats.n_failures++;
        waiters_fail(&w, &a->err);
        return;
    }
    r->refs = answer_take(a);
    r->refs->asked_at = loop_now(r->source->loop);
    for (size_t i = 0; i < w.n; i++)
        call_answer_ok(w.at[i], source_refs_ref(r->refs), drop_refs);
    waiters_done(&w);
}

void source_refs_get(struct source *s, const struct source_repo *repo, usec max_age_us,
                     struct call c)
{
    struct repo *r = repo_of(s, repo);
    if (!r->asking && r->refs && max_age_us &&
        loop_now(s->loop) - r->refs->asked_at <= max_age_us) {
        call_answer_ok(c, source_refs_ref(r->refs), drop_refs);
        return;
    }
    waiters_add(&r->refs_waiters, c);
    if (r->asking) {
        s->stats.n_joined++;
        return;
    }
    r->asking = true;
    s->stats.n_ls_refs++;
    struct list_job *j = calloc(1, sizeof(*j));
    if (!j)
        abort();
    r->facts->n++;
    r->refs_call = call_open(s->loop, 0, refs_arrived, r);
    *j = (struct list_job){r->facts, r->refs_call};
    pool_submit(s->pool, list_run, j, drop_list_job, r->refs_call);
}

const struct source_refs *source_refs_known(struct source *s, const struct source_repo *repo)
{
    return repo_of(s, repo)->refs;
}

/* ---- commits ---- */

struct bring_job {
    struct repo_facts *facts;
    struct generation *generation; /* may be NULL: open it */
    struct source_lease *known;    /* may be NULL */
    char sha[SOURCE_SHA_BYTES];
    struct call asker;
};

struct brought {
    struct source_lease *lease;
    struct generation *generation;
    bool fetched;
};

static void drop_lease(void *l) { source_lease_unref(l); }

static void drop_brought(void *arg)
{
    struct brought *b = arg;
    source_lease_unref(b->lease);
    generation_unref(b->generation);
    free(b);
}

static void drop_bring_job(void *arg)
{
    struct bring_job *j = arg;
    facts_unref(j->facts);
    generation_unref(j->generation);
    source_lease_unref(j->known);
    free(j);
}

static void bring_run(void *arg, struct answer *ret)
{
    struct bring_job *j = arg;
    struct repo_facts *f = j->facts;
    struct brought *b = calloc(1, sizeof(*b));
    if (!b)
        abort();
    ret->result = b;
    ret->drop = drop_brought;
    if (j->generation)
        b->generation = generation_ref(j->generation);
    else
        ret->rc = generation_open(f->dir, &b->generation, &ret->err);
    struct store_options o = f->fetch;
    o.asker = j->asker;
    if (!ret->rc)
        ret->rc = store_get_commit(&(struct commit_request){.options = &o,
                                                            .repo = &f->repo,
                                                            .generation = b->generation,
                                                            .sha = str_of(j->sha),
                                                            .known = j->known},
                                   &b->lease, &b->fetched, &ret->err);
}

static struct source_lease *find_lease(struct repo *r, const char *sha)
{
    for (size_t i = 0; i < LEASES_KEPT_MAX && r->lease[i]; i++) {
        struct source_lease *l = r->lease[i];
        if (strcmp(l->commit->sha, sha) == 0) {
            memmove(&r->lease[1], &r->lease[0], i * sizeof(r->lease[0]));
            r->lease[0] = l;
            return l;
        }
    }
    return NULL;
}

static void keep_lease(struct repo *r, struct source_lease *take_l)
{
    source_lease_unref(r->lease[LEASES_KEPT_MAX - 1]);
    memmove(&r->lease[1], &r->lease[0], (LEASES_KEPT_MAX - 1) * sizeof(r->lease[0]));
    r->lease[0] = take_l;
}

static void bring_next(struct repo *r);

static void commit_arrived(void *arg, struct answer *a)
{
    struct bringing *b = arg;
    struct repo *r = b->repo;
    struct brought *got = a->result;
    assert(a->rc || got);
    if (got && got->generation && !r->generation)
        r->generation = generation_ref(got->generation);
    if (a->rc) {
        r->source->stats.n_failures++;
        waiters_fail(&b->waiters, &a->err);
    } else {
        r->source->stats.n_fetches += got->fetched;
        for (size_t i = 0; i < b->waiters.n; i++)
            call_answer_ok(b->waiters.at[i], source_lease_ref(got->lease), drop_lease);
        waiters_done(&b->waiters);
        if (!find_lease(r, got->lease->commit->sha))
            keep_lease(r, TAKE(got->lease));
    }
    r->queue = b->next;
    free(b);
    bring_next(r);
}

/* One fetch of a repository at a time: git's lock files allow no more. */
static void bring_next(struct repo *r)
{
    struct bringing *b = r->queue;
    if (!b || b->call.gen)
        return;
    struct bring_job *j = calloc(1, sizeof(*j));
    if (!j)
        abort();
    j->facts = r->facts;
    j->facts->n++;
    j->generation = r->generation ? generation_ref(r->generation) : NULL;
    j->known = r->lease[0] ? source_lease_ref(r->lease[0]) : NULL;
    memcpy(j->sha, b->sha, sizeof(j->sha));
    b->call = call_open(r->source->loop, 0, commit_arrived, b);
    j->asker = b->call;
    pool_submit(r->source->pool, bring_run, j, drop_bring_job, b->call);
}

static bool copy_id(str sha, char ret[SOURCE_SHA_BYTES])
{
    if (sha.len < 4 || sha.len >= SOURCE_SHA_BYTES)
        return false;
    for (size_t i = 0; i < sha.len; i++) {
        if (!isxdigit((unsigned char)sha.at[i]))
            return false;
        ret[i] = (char)tolower((unsigned char)sha.at[i]);
    }
    ret[sha.len] = 0;
    return true;
}

void source_commit_get(struct source *s, const struct source_repo *repo, str sha, struct call c)
{
    struct err err;
    char id[SOURCE_SHA_BYTES];
    if (!copy_id(sha, id)) {
        (void)err_set(&err, ERR_INVALID, "'%.*s' is not a commit id", STR_FMT(str_sub(sha, 0, 64)));
        call_answer_err(c, &err);
        return;
    }
    struct repo *r = repo_of(s, repo);
    struct source_lease *l = find_lease(r, id);
    if (l) {
        call_answer_ok(c, source_lease_ref(l), drop_lease);
        return;
    }
    struct bringing **at = &r->queue;
    while (*at && strcmp((*at)->sha, id) != 0)
        at = &(*at)->next;
    if (*at) {
        s->stats.n_joined++;
        waiters_add(&(*at)->waiters, c);
        return;
    }
    struct bringing *b = calloc(1, sizeof(*b));
    if (!b)
        abort();
    b->repo = r;
    memcpy(b->sha, id, sizeof(id));
    waiters_add(&b->waiters, c);
    *at = b;
    bring_next(r);
}

struct source_stats source_stats(const struct source *s) { return s->stats; }

/* ---- opening and closing ---- */

static int make_folder(str path, struct err *err)
{
    char z[PATH_MAX];
    if (path.len + 128 >= sizeof(z))
        return err_set(err, ERR_INVALID, "cache folder's path is too long");
    memcpy(z, path.at, path.len);
    z[path.len] = 0;
    for (char *p = z + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        if (mkdir(z, 0700) && errno != EEXIST)
            return err_errno(err, errno, "making folder %s", z);
        *p = '/';
    }
    if (mkdir(z, 0700) && errno != EEXIST)
        return err_errno(err, errno, "making folder %s", z);
    return 0;
}

static int lock_folder(struct source *s, struct err *err)
{
    char *path = arena_cstr(&s->arena, ARENA_CAT(&s->arena, s->cache_dir, STR("/lock")));
    s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock < 0)
        return err_errno(err, errno, "opening %s", path);
    if (flock(s->lock, LOCK_EX | LOCK_NB))
        return err_set(err, ERR_BUSY, "cache folder %.*s is used by another process",
                       STR_FMT(s->cache_dir));
    return 0;
}

/* libgit2 must see no configuration but the repository's own, and may read what others own. It is
 * started for the process and not shut down: pool threads that outlive a source hold error texts
 * which only their own end frees. */
static void calm_libgit2(void)
{
    static const git_config_level_t levels[] = {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG,
                                                GIT_CONFIG_LEVEL_GLOBAL,
                                                GIT_CONFIG_LEVEL_PROGRAMDATA};
    git_libgit2_init();
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
}

int source_new(struct loop *l, struct pool *p, const struct source_options *o, struct source **ret,
               struct err *err)
{
    struct source *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    calm_libgit2();
    s->loop = l;
    s->pool = p;
    s->lock = -1;
    arena_init(&s->arena, (size_t)1 << 20);
    map_init(&s->by_id, NULL);
    s->cache_dir = arena_str(&s->arena, str_trim_suffix(o->cache_dir, STR("/")));
    s->private_dir = ARENA_CAT(&s->arena, s->cache_dir, STR("/private"));
    s->git = arena_str(&s->arena, o->git);
    s->refs_timeout_us = o->refs_timeout_us ? o->refs_timeout_us : TIMEOUT_DEFAULT;
    s->fetch_timeout_us = o->fetch_timeout_us ? o->fetch_timeout_us : TIMEOUT_DEFAULT;
    int rc = make_folder(s->cache_dir, err);
    if (!rc)
        rc = lock_folder(s, err);
    if (!rc) {
        folder_remove(arena_cstr(&s->arena, s->private_dir)); /* keys of a run that was killed */
        rc = make_folder(s->private_dir, err);
    }
    if (rc) {
        source_free(s);
        return rc;
    }
    *ret = s;
    return 0;
}

static void repo_free(struct repo *r, const struct err *why)
{
    call_forget(&r->refs_call);
    waiters_fail(&r->refs_waiters, why);
    while (r->queue) {
        struct bringing *b = r->queue;
        r->queue = b->next;
        call_forget(&b->call);
        waiters_fail(&b->waiters, why);
        free(b);
    }
    for (size_t i = 0; i < LEASES_KEPT_MAX; i++)
        source_lease_unref(r->lease[i]);
    source_refs_unref(r->refs);
    generation_unref(r->generation);
    facts_unref(r->facts);
    free(r);
}

void source_free(struct source *s)
{
    if (!s)
        return;
    struct err why;
    (void)err_set(&why, ERR_CANCELED, "shutting down");
    while (s->repos) {
        struct repo *r = s->repos;
        s->repos = r->next;
        repo_free(r, &why);
    }
    map_done(&s->by_id);
    if (s->lock >= 0)
        close(s->lock);
    arena_done(&s->arena);
    free(s);
}

/* ---- gc ---- */

struct gc_job {
    struct repo_facts *facts;
    struct generation *generation;
    str *keep;
    size_t n_keep;
    struct arena arena;
};

static void drop_generation(void *g) { generation_unref(g); }

static void drop_gc_job(void *arg)
{
    struct gc_job *j = arg;
    facts_unref(j->facts);
    generation_unref(j->generation);
    arena_done(&j->arena);
    free(j);
}

static void gc_run(void *arg, struct answer *ret)
{
    struct gc_job *j = arg;
    struct generation *fresh = NULL;
    if (!generation_wants_rewrite(j->generation))
        return;
    ret->rc = store_rewrite(&j->facts->fetch, j->generation, j->keep, j->n_keep, &fresh, &ret->err);
    ret->result = fresh;
    ret->drop = drop_generation;
}

static void gc_done(void *arg, struct answer *a)
{
    struct bringing *b = arg;
    struct repo *r = b->repo;
    struct generation *fresh = a->rc ? NULL : answer_take(a);
    if (fresh) {
        for (size_t i = 0; i < LEASES_KEPT_MAX; i++)
            source_lease_unref(TAKE(r->lease[i]));
        r->generation->dropped = true;
        generation_unref(r->generation);
        r->generation = fresh;
    }
    struct answer done = {.rc = a->rc, .err = a->err};
    for (size_t i = 0; i < b->waiters.n; i++)
        call_answer(b->waiters.at[i], &done);
    waiters_done(&b->waiters);
    r->queue = b->next;
    free(b);
    bring_next(r);
}

static void gc_repo(struct repo *r)
{
    struct gc_job *j = calloc(1, sizeof(*j));
    struct bringing *b = calloc(1, sizeof(*b));
    if (!j || !b)
        abort();
    arena_init(&j->arena, (size_t)1 << 20);
    j->facts = r->facts;
    j->facts->n++;
    j->generation = generation_ref(r->generation);
    j->keep = ARENA_ARRAY(&j->arena, str, LEASES_KEPT_MAX);
    for (size_t i = 0; i < LEASES_KEPT_MAX && r->lease[i]; i++)
        j->keep[j->n_keep++] = arena_str(&j->arena, str_of(r->lease[i]->commit->sha));
    b->repo = r;
    b->next = r->queue;
    r->queue = b;
    b->call = call_open(r->source->loop, 0, gc_done, b);
    pool_submit(r->source->pool, gc_run, j, drop_gc_job, b->call);
}

void source_gc(struct source *s, usec unused_us, struct call c)
{
    struct err why;
    (void)err_set(&why, ERR_CANCELED, "repository was not used any more");
    usec now = loop_now(s->loop);
    for (struct repo **at = &s->repos; *at;) {
        struct repo *r = *at;
        if (r->queue || r->asking || now - r->used_at < unused_us) {
            if (!r->queue && r->generation)
                gc_repo(r);
            at = &r->next;
            continue;
        }
        *at = r->next;
        map_remove(&s->by_id, str_of(r->id));
        if (r->generation)
            r->generation->dropped = true;
        repo_free(r, &why);
    }
    call_answer_ok(c, NULL, NULL);
}
