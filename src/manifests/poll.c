/* poll.c: what moved. One ls-refs per repository; where refs differ from last time, every source's
 * revision is resolved again (pure), and for each pair of old and new commit the trees are compared
 * once and looked up in the path index.
 *
 * A poll is answered after POLL_PATIENCE_US even if some repositories have not answered: they go on
 * as a late poll without asker, are not asked again meanwhile, and what they tell is part of the
 * next poll's answer. A host that hangs thus costs its own applications only. */
#include <assert.h>
#include <string.h>

#include "manifests/private.h"

#define REPOS_AT_ONCE 16
#define POLL_PATIENCE_US (2 * USEC_PER_SEC)
#define GC_EVERY USEC_PER_HOUR
#define REPO_UNUSED (24 * USEC_PER_HOUR) /* a folder nobody asked for this long goes */

struct pair { /* old commit -> new commit, and the sources that made this move */
    struct pair *next;
    struct asking *asking;
    char old[SOURCE_SHA_BYTES], now[SOURCE_SHA_BYTES];
    struct source_lease *old_lease, *now_lease;
    struct call step;
};

struct versions { /* a revision of a chart that is resolved again, for all who ask for it */
    struct versions *next;
    struct asking *asking;
    str revision;
    struct call step;
};

struct asking { /* one repository of a poll */
    struct asking *next;
    struct polling *poll;
    str id;    /* in the poll's arena */
    str chart; /* empty: git */
    struct versions *versions;
    bool failed;
    struct source_repo repo; /* in the poll's arena: the index may drop its copy meanwhile */
    struct call step;
    struct pair *pairs;
};

struct polling {
    struct polling *next;
    struct manifests *m;
    struct arena arena;
    struct call asker;
    bool late; /* it was answered already */
    struct timer patience;
    struct asking *waiting, *running;
    size_t n_running;
    struct {
        struct manifests_moved *at;
        size_t n, cap;
    } moved;
    size_t n_repos, n_failed;
};

struct owned_poll {
    struct manifests_poll poll; /* first */
    struct arena arena;
};

void manifests_poll_free(struct manifests_poll *p)
{
    if (!p)
        return;
    struct owned_poll *o = CONTAINER_OF(p, struct owned_poll, poll);
    arena_done(&o->arena);
    free(o);
}

static void drop_poll(void *p) { manifests_poll_free(p); }

/* ---- ends ---- */

static void pair_free(struct pair *p)
{
    call_forget(&p->step);
    source_lease_unref(p->old_lease);
    source_lease_unref(p->now_lease);
}

static void polling_free(struct polling *p)
{
    struct polling **at = &p->m->polls;
    while (*at && *at != p)
        at = &(*at)->next;
    assert(*at == p);
    *at = p->next;
    timer_stop(&p->patience);
    for (struct asking *a = p->running; a; a = a->next) {
        call_forget(&a->step);
        for (struct versions *v = a->versions; v; v = v->next)
            call_forget(&v->step);
        for (struct pair *q = a->pairs; q; q = q->next)
            pair_free(q);
    }
    arena_done(&p->arena);
    free(p);
}

static void move_rows(struct polling *from, struct arena *a, struct manifests_moved **ret)
{
    *ret = ARENA_ARRAY(a, struct manifests_moved, from->moved.n + 1);
    for (size_t i = 0; i < from->moved.n; i++) {
        (*ret)[i] = from->moved.at[i];
        (*ret)[i].key = arena_str(a, from->moved.at[i].key);
    }
    from->moved.n = 0;
}

static void polling_answer(struct polling *p)
{
    struct owned_poll *o = calloc(1, sizeof(*o));
    if (!o)
        abort();
    arena_init(&o->arena, ARENA_BYTES_DEFAULT);
    o->poll =
        (struct manifests_poll){.n = p->moved.n, .n_repos = p->n_repos, .n_failed = p->n_failed};
    struct manifests_moved *at;
    move_rows(p, &o->arena, &at);
    o->poll.at = at;
    call_answer_ok(p->asker, &o->poll, drop_poll);
    p->asker = (struct call){0};
    p->late = true;
    timer_stop(&p->patience);
}

/* All of its repositories have answered. What a late one has to tell waits for the next poll. */
static void polling_ended(struct polling *p)
{
    if (!p->late)
        polling_answer(p);
    if (!p->moved.n)
        polling_free(p);
}

static void out_of_patience(void *arg) { polling_answer(arg); }

static void start_next(struct polling *p);

static void asking_ended(struct asking *a)
{
    struct polling *p = a->poll;
    struct asking **at = &p->running;
    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    p->n_running--;
    start_next(p);
}

void polls_cancel(struct manifests *m)
{
    struct err why;
    (void)err_set(&why, ERR_CANCELED, "shutting down");
    while (m->polls) {
        call_answer_err(m->polls->asker, &why);
        polling_free(m->polls);
    }
}

/* ---- telling ---- */

static void tell(struct polling *p, struct indexed *i, enum manifests_move move, const char *commit)
{
    struct manifests_moved row = {.key = arena_str(&p->arena, str_of(i->key)), .move = move};
    if (commit)
        memcpy(row.revision, commit, strnlen(commit, sizeof(row.revision) - 1));
    memset(i->seen, 0, sizeof(i->seen));
    memcpy(i->seen, row.revision, sizeof(i->seen));
    i->lost = move == MANIFESTS_LOST;
    vec_push(&p->arena, &p->moved, row);
}

static struct indexed_repo *repo_of(struct asking *a)
{
    return map_find(&a->poll->m->index.by_repo, a->id);
}

/* ---- trees of a pair ---- */

struct differing { /* owned by the pool while it runs */
    struct source_lease *old, *now;
};

struct changes {
    struct arena arena;
    struct manifests_change *at;
    size_t n, cap;
};

static void drop_differing(void *arg)
{
    struct differing *d = arg;
    source_lease_unref(d->old);
    source_lease_unref(d->now);
    free(d);
}

static void drop_changes(void *arg)
{
    struct changes *c = arg;
    arena_done(&c->arena);
    free(c);
}

static void add_change(void *arg, str path, enum file_kind before, enum file_kind after)
{
    struct changes *c = arg;
    struct manifests_change row = {.path = arena_str(&c->arena, path),
                                   .before = before,
                                   .after = after};
    vec_push(&c->arena, c, row);
}

static void find_changes(void *arg, struct answer *ret)
{
    struct differing *d = arg;
    struct changes *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    arena_init(&c->arena, ARENA_BYTES_DEFAULT);
    ret->result = c;
    ret->drop = drop_changes;
    ret->rc = source_changed_paths(d->old, d->now, add_change, c, &ret->err);
}

static bool is_of_pair(const struct indexed *i, const struct pair *p)
{
    return strcmp(i->commit, p->old) == 0 && strcmp(i->seen, p->now) != 0;
}

/* Sources of the pair whose revision still resolves to its new commit: the index may have moved on
 * meanwhile. */
static bool resolves_to(struct manifests *m, const struct asking *a, const struct indexed *i,
                        const char *commit)
{
    char sha[SOURCE_SHA_BYTES];
    bool is_short;
    const struct source_refs *refs = source_refs_known(m->source, &a->repo);
    return refs && !revision_resolve(refs, str_of(i->revision), sha, &is_short, NULL) &&
           strcmp(sha, commit) == 0;
}

/* Nothing that was read for its answer has changed: it is the new tree's answer, too. */
static void answer_moves(struct manifests *m, const struct indexed *i, const struct pair *p)
{
    if (!i->rendered || i->rendered->n_trees != 1) /* of more trees a get finds out */
        return;
    str tree = str_of(p->now_lease->commit->tree);
    struct sha256 trees = trees_id(&tree, 1);
    cache_put(&m->cache, cache_get(&m->cache, &i->question), &trees, i->rendered);
}

static void pair_ended(struct pair *p, const struct changes *c)
{
    struct asking *a = p->asking;
    struct polling *poll = a->poll;
    struct indexed_repo *r = repo_of(a);
    struct arena scratch;
    arena_init(&scratch, ARENA_BYTES_DEFAULT);
    if (r) {
        struct indexed **touched = NULL;
        /* A link that leaves the tree is an error of every source; so is one that is mended. */
        bool all =
            !c || (p->old_lease->escaping_link.len != 0) != (p->now_lease->escaping_link.len != 0);
        if (!all)
            (void)index_touched(&poll->m->index, r, c->at, c->n, &scratch, &touched);
        for (struct indexed *i = r->sources; i; i = i->next) {
            if (!is_of_pair(i, p) || !resolves_to(poll->m, a, i, p->now))
                continue;
            bool changed = all || i->mark == poll->m->index.mark;
            if (!changed)
                answer_moves(poll->m, i, p);
            tell(poll, i, changed ? MANIFESTS_CHANGED : MANIFESTS_MOVED, p->now);
        }
    }
    arena_done(&scratch);
    struct pair **at = &a->pairs;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    pair_free(p);
    if (!a->pairs)
        asking_ended(a);
}

static void changes_arrived(void *arg, struct answer *ans)
{
    pair_ended(arg, ans->rc ? NULL : ans->result);
}

static void now_arrived(void *arg, struct answer *ans)
{
    struct pair *p = arg;
    if (ans->rc) { /* it cannot be brought: the get will say why */
        pair_ended(p, NULL);
        return;
    }
    p->now_lease = answer_take(ans);
    struct differing *d = calloc(1, sizeof(*d));
    if (!d)
        abort();
    d->old = source_lease_ref(p->old_lease);
    d->now = source_lease_ref(p->now_lease);
    struct manifests *m = p->asking->poll->m;
    p->step = call_open(m->loop, 0, changes_arrived, p);
    pool_submit(m->pool, find_changes, d, drop_differing, p->step);
}

static void old_arrived(void *arg, struct answer *ans)
{
    struct pair *p = arg;
    if (ans->rc) {
        pair_ended(p, NULL);
        return;
    }
    p->old_lease = answer_take(ans);
    struct manifests *m = p->asking->poll->m;
    p->step = call_open(m->loop, 0, now_arrived, p);
    source_commit_get(m->source, &p->asking->repo, str_of(p->now), p->step);
}

static void add_pair(struct asking *a, const char *old, const char *now)
{
    for (struct pair *p = a->pairs; p; p = p->next)
        if (strcmp(p->old, old) == 0 && strcmp(p->now, now) == 0)
            return;
    struct pair *p = ARENA_NEW(&a->poll->arena, struct pair);
    p->asking = a;
    p->next = a->pairs;
    a->pairs = p;
    memcpy(p->old, old, strlen(old));
    memcpy(p->now, now, strlen(now));
}

/* ---- refs ---- */

static void look_at(struct asking *a, const struct source_refs *refs, struct indexed *i)
{
    char sha[SOURCE_SHA_BYTES];
    bool is_short;
    struct polling *p = a->poll;
    if (revision_resolve(refs, str_of(i->revision), sha, &is_short, NULL)) {
        if (i->seen[0] || i->lost) /* it had one: the revision is gone */
            tell(p, i, MANIFESTS_CHANGED, NULL);
        return;
    }
    /* A short id names the beginning of the commit that was brought for it. */
    bool same = is_short ? strncmp(i->seen, sha, strlen(sha)) == 0 : strcmp(i->seen, sha) == 0;
    if (i->lost || (!same && !i->commit[0]))
        tell(p, i, MANIFESTS_CHANGED, is_short ? NULL : sha);
    else if (!same && !is_short)
        add_pair(a, i->commit, sha);
}

static void repo_lost(struct asking *a, struct indexed_repo *r)
{
    a->poll->n_failed++;
    r->refs_known = false;
    for (struct indexed *i = r->sources; i; i = i->next)
        if (!i->lost && !source_is_sha(str_of(i->revision)))
            tell(a->poll, i, MANIFESTS_LOST, NULL);
}

static void refs_arrived(void *arg, struct answer *ans)
{
    struct asking *a = arg;
    struct indexed_repo *r = repo_of(a);
    const struct source_refs *refs = ans->rc ? NULL : ans->result;
    if (r && !refs)
        repo_lost(a, r);
    if (r && refs) {
        for (struct indexed *i = r->sources; i; i = i->next)
            look_at(a, refs, i);
        r->refs = refs->digest;
        r->refs_known = true;
    }
    if (!a->pairs) {
        asking_ended(a);
        return;
    }
    struct manifests *m = a->poll->m;
    /* Answers come on a later turn, so the list does not change under us. */
    for (struct pair *p = a->pairs; p; p = p->next) {
        p->step = call_open(m->loop, 0, old_arrived, p);
        source_commit_get(m->source, &a->repo, str_of(p->old), p->step);
    }
}

/* ---- versions of charts ---- */

static void look_at_version(struct asking *a, struct indexed *i, str version)
{
    char mark[SOURCE_SHA_BYTES];
    index_mark_of_version(version, mark);
    if (!i->lost && strcmp(i->seen, mark) == 0)
        return;
    tell(a->poll, i, MANIFESTS_CHANGED, NULL);
    memcpy(i->seen, mark, sizeof(i->seen));
    struct manifests_moved *row = &a->poll->moved.at[a->poll->moved.n - 1];
    memcpy(row->revision, version.at, MIN_OF(version.len, sizeof(row->revision) - 1));
}

static void version_arrived(void *arg, struct answer *ans)
{
    struct versions *v = arg;
    struct asking *a = v->asking;
    struct indexed_repo *r = repo_of(a);
    const struct chart_revision *found = ans->rc ? NULL : ans->result;
    for (struct indexed *i = r ? r->sources : NULL; i; i = i->next) {
        if (!str_eq(str_of(i->revision), v->revision))
            continue;
        if (found)
            look_at_version(a, i, found->version);
        else if (!i->lost)
            tell(a->poll, i, MANIFESTS_LOST, NULL);
    }
    if (!found && !a->failed)
        a->poll->n_failed++;
    a->failed = a->failed || !found;
    struct versions **at = &a->versions;
    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
    if (!a->versions)
        asking_ended(a);
}

static void nothing_asked(void *arg, UNUSED struct answer *ans) { asking_ended(arg); }

/* Each revision once. Exact versions are answered without asking, constraints out of one index. */
static void ask_versions(struct asking *a)
{
    struct polling *p = a->poll;
    const struct indexed_repo *r = repo_of(a);
    for (const struct indexed *i = r ? r->sources : NULL; i; i = i->next) {
        struct versions *v = a->versions;
        while (v && !str_eq(v->revision, str_of(i->revision)))
            v = v->next;
        if (v)
            continue;
        v = ARENA_NEW(&p->arena, struct versions);
        v->asking = a;
        v->revision = arena_str(&p->arena, str_of(i->revision));
        v->next = a->versions;
        a->versions = v;
    }
    if (!a->versions) { /* nobody uses it any more */
        a->step = call_open(p->m->loop, 0, nothing_asked, a);
        call_answer_ok(a->step, NULL, NULL);
    }
    for (struct versions *v = a->versions; v; v = v->next) {
        v->step = call_open(p->m->loop, 0, version_arrived, v);
        charts_resolve(p->m->charts, &a->repo, a->chart, v->revision, CHARTS_FRESH, v->step);
    }
}

static void start_next(struct polling *p)
{
    while (p->waiting && p->n_running < REPOS_AT_ONCE) {
        struct asking *a = p->waiting;
        p->waiting = a->next;
        a->next = p->running;
        p->running = a;
        p->n_running++;
        if (a->chart.len) {
            ask_versions(a);
            continue;
        }
        a->step = call_open(p->m->loop, 0, refs_arrived, a);
        source_refs_get(p->m->source, &a->repo, 0, a->step);
    }
    if (!p->n_running)
        polling_ended(p);
}

static bool asks(const struct asking *list, str id)
{
    for (const struct asking *a = list; a; a = a->next)
        if (str_eq(a->id, id))
            return true;
    return false;
}

/* A late poll is still waiting for it. */
static bool is_late(const struct manifests *m, const struct indexed_repo *r)
{
    for (const struct polling *p = m->polls; p; p = p->next)
        if (p->late && (asks(p->running, str_of(r->id)) || asks(p->waiting, str_of(r->id))))
            return true;
    return false;
}

static void collect_late(struct polling *p)
{
    for (struct polling *q = p->m->polls, *next; q; q = next) {
        next = q->next;
        if (!q->late)
            continue;
        struct manifests_moved *row;
        size_t n = q->moved.n;
        move_rows(q, &p->arena, &row);
        for (size_t i = 0; i < n; i++)
            vec_push(&p->arena, &p->moved, row[i]);
        if (!q->running && !q->waiting)
            polling_free(q);
    }
}

static void add_repo(struct polling *p, const struct indexed_repo *r)
{
    if (is_late(p->m, r))
        return;
    struct asking *a = ARENA_NEW(&p->arena, struct asking);
    a->poll = p;
    a->id = arena_str(&p->arena, str_of(r->id));
    a->chart = arena_str(&p->arena, r->chart);
    source_repo_copy(&p->arena, &r->repo, &a->repo);
    a->next = p->waiting;
    p->waiting = a;
    p->n_repos++;
}

void manifests_poll(struct manifests *m, const struct source_repo *repo, struct call c)
{
    struct polling *p = calloc(1, sizeof(*p));
    if (!p)
        abort();
    m->stats.n_polls++;
    arena_init(&p->arena, ARENA_BYTES_DEFAULT);
    p->m = m;
    p->asker = c;
    p->next = m->polls;
    m->polls = p;
    timer_init(&p->patience, m->loop, out_of_patience, p);
    timer_arm_in(&p->patience, POLL_PATIENCE_US);
    collect_late(p);
    struct indexed_repo *one = repo ? index_repo(&m->index, repo, STR("")) : NULL;
    if (one)
        add_repo(p, one);
    for (struct indexed_repo *r = repo ? NULL : m->index.repos; r; r = r->next)
        add_repo(p, r);
    start_next(p);
    if (!repo && loop_now(m->loop) - m->gc_at > GC_EVERY) {
        m->gc_at = loop_now(m->loop);
        source_gc(m->source, REPO_UNUSED, (struct call){0, 0});
        charts_gc(m->charts, REPO_UNUSED, (struct call){0, 0});
    }
}

size_t manifests_changed(struct manifests *m, const struct source_repo *repo,
                         const struct manifests_change *change, size_t n_changes, struct arena *a,
                         str **ret_keys)
{
    struct indexed_repo *r = index_repo(&m->index, repo, STR(""));
    struct indexed **touched = NULL;
    size_t n = r ? index_touched(&m->index, r, change, n_changes, a, &touched) : 0;
    *ret_keys = ARENA_ARRAY(a, str, n + 1);
    for (size_t i = 0; i < n; i++)
        (*ret_keys)[i] = arena_str(a, str_of(touched[i]->key));
    return n;
}
