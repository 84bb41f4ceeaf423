/* index.c */
#include "manifests/index.h"

#include <string.h>

struct readers {
    struct indexed **at;
    size_t n, cap;
    char path[]; /* the map's key */
};

void index_init(struct index *x)
{
    *x = (struct index){0};
    map_init(&x->by_key, NULL);
    map_init(&x->by_repo, NULL);
}

static char *copy(str s)
{
    char *z = strndup(s.len ? s.at : "", s.len);
    if (!z)
        abort();
    return z;
}

/* ---- paths ---- */

static struct readers *readers_of(struct indexed_repo *r, str path, bool make)
{
    struct readers *at = map_find(&r->by_path, path);
    if (at || !make)
        return at;
    at = calloc(1, sizeof(*at) + path.len + 1);
    if (!at)
        abort();
    if (path.len)
        memcpy(at->path, path.at, path.len);
    map_set(&r->by_path, str_mem(at->path, path.len), at);
    return at;
}

static void reader_add(struct indexed_repo *r, str path, struct indexed *i)
{
    struct readers *at = readers_of(r, path, true);
    for (size_t k = at->n; k > 0 && at->n - k < 4; k--)
        if (at->at[k - 1] == i) /* two kinds of reads of one path come close together */
            return;
    if (at->n == at->cap) {
        at->cap = at->cap ? 2 * at->cap : 2;
        at->at = realloc(at->at, at->cap * sizeof(struct indexed *));
        if (!at->at)
            abort();
    }
    at->at[at->n++] = i;
}

static void reader_remove(struct indexed_repo *r, str path, const struct indexed *i)
{
    struct readers *at = readers_of(r, path, false);
    size_t kept = 0;
    for (size_t k = 0; at && k < at->n; k++)
        if (at->at[k] != i)
            at->at[kept++] = at->at[k];
    if (!at)
        return;
    at->n = kept;
    if (kept)
        return;
    map_remove(&r->by_path, path);
    free(at->at);
    free(at);
}

/* What was read of its tree; NULL: nothing. */
static const struct read_set *index_reads(const struct indexed *i)
{
    return i->rendered && i->tree < i->rendered->n_trees ? i->rendered->reads[i->tree] : NULL;
}

static void each_path(struct indexed *i, void (*fn)(struct indexed_repo *, str, struct indexed *))
{
    const struct read_set *reads = index_reads(i);
    for (size_t k = 0; reads && k < read_set_len(reads); k++)
        fn(i->repo, read_set_at(reads, k)->path, i);
}

static void forget_path(struct indexed_repo *r, str path, struct indexed *i)
{
    reader_remove(r, path, i);
}

/* ---- rows ---- */

static void repo_free(struct index *x, struct indexed_repo *r)
{
    struct indexed_repo **at = &x->repos;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    map_remove(&x->by_repo, str_of(r->id));
    map_done(&r->by_path);
    arena_done(&r->arena);
    free(r->id);
    free(r);
}

static void unlink_row(struct index *x, struct indexed *i)
{
    struct indexed_repo *r = i->repo;
    each_path(i, forget_path);
    struct indexed **at = &r->sources;
    while (*at != i)
        at = &(*at)->next;
    *at = i->next;
    r->n_sources--;
    rendered_unref(TAKE(i->rendered));
    if (!r->sources)
        repo_free(x, r);
}

static void row_free(struct index *x, struct indexed *i)
{
    map_remove(&x->by_key, str_of(i->id));
    unlink_row(x, i);
    free(i->revision);
    free(i->key);
    free(i->id);
    free(i);
}

void index_remove(struct index *x, str key, size_t first_tree)
{
    for (size_t tree = first_tree; tree < TREES_MAX; tree++) {
        struct indexed *i = index_find(x, key, tree);
        if (i)
            row_free(x, i);
    }
}

void index_done(struct index *x)
{
    while (x->repos)
        row_free(x, x->repos->sources);
    map_done(&x->by_key);
    map_done(&x->by_repo);
}

/* "KEY" of a source's own tree, "KEY\nN" of another. */
static str id_of(struct arena *a, str key, size_t tree)
{
    return tree ? arena_printf(a, "%.*s\n%zu", STR_FMT(key), tree) : key;
}

struct indexed *index_find(struct index *x, str key, size_t tree)
{
    struct arena a;
    arena_init(&a, (size_t)1 << 20);
    struct indexed *i = map_find(&x->by_key, id_of(&a, key, tree));
    arena_done(&a);
    return i;
}

/* A chart has versions of its own. */
static str repo_id(struct arena *a, const struct source_repo *repo, str chart)
{
    str id = source_repo_id(repo, a);
    return chart.len ? ARENA_CAT(a, id, STR("\n"), chart) : id;
}

void index_mark_of_version(str version, char ret[SOURCE_SHA_BYTES])
{
    struct arena a;
    struct sha256 d = sha256_of(version);
    arena_init(&a, (size_t)64 << 10);
    str hex = hex_str(&a, d.byte, (SOURCE_SHA_BYTES - 1) / 2);
    memcpy(ret, hex.at, SOURCE_SHA_BYTES - 1);
    ret[SOURCE_SHA_BYTES - 1] = 0;
    arena_done(&a);
}

struct indexed_repo *index_repo(struct index *x, const struct source_repo *repo, str chart)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    struct indexed_repo *r = map_find(&x->by_repo, repo_id(&a, repo, chart));
    arena_done(&a);
    return r;
}

static struct indexed_repo *repo_make(struct index *x, const struct source_repo *repo, str chart)
{
    struct indexed_repo *r = index_repo(x, repo, chart);
    if (r)
        return r;
    r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    arena_init(&r->arena, ARENA_BYTES_DEFAULT);
    source_repo_copy(&r->arena, repo, &r->repo);
    r->chart = arena_str(&r->arena, chart);
    r->id = copy(repo_id(&r->arena, repo, chart));
    map_init(&r->by_path, NULL);
    r->next = x->repos;
    x->repos = r;
    map_set(&x->by_repo, str_of(r->id), r);
    return r;
}

static struct indexed *row_new(struct index *x, str key, size_t tree)
{
    struct arena a;
    struct indexed *i = calloc(1, sizeof(*i));
    if (!i)
        abort();
    arena_init(&a, (size_t)1 << 20);
    i->key = copy(key);
    i->tree = tree;
    i->id = copy(id_of(&a, key, tree));
    arena_done(&a);
    map_set(&x->by_key, str_of(i->id), i);
    return i;
}

struct indexed *index_set(struct index *x, str key, size_t tree, const struct indexed_as *as)
{
    str revision = as->revision;
    struct indexed_repo *r = repo_make(x, as->repo, as->chart);
    struct indexed *i = index_find(x, key, tree);
    if (i && i->repo == r) {
        if (!str_eq(str_of(i->revision), revision)) {
            free(i->revision);
            i->revision = copy(revision);
        }
        return i;
    }
    if (i) { /* another repository than before */
        unlink_row(x, i);
        i->commit[0] = i->seen[0] = 0;
        free(i->revision);
    } else {
        i = row_new(x, key, tree);
    }
    i->revision = copy(revision);
    i->repo = r;
    i->next = r->sources;
    r->sources = i;
    r->n_sources++;
    return i;
}

void index_result(UNUSED struct index *x, struct indexed *i, const char *commit, struct rendered *r)
{
    memset(i->commit, 0, sizeof(i->commit));
    if (r)
        memcpy(i->commit, commit, strnlen(commit, SOURCE_SHA_BYTES - 1));
    if (i->rendered == r || !r)
        return;
    each_path(i, forget_path);
    rendered_unref(i->rendered);
    i->rendered = rendered_ref(r);
    each_path(i, (void (*)(struct indexed_repo *, str, struct indexed *))reader_add);
}

/* ---- look-up ---- */

struct look_up {
    struct index *x;
    struct arena *a;
    struct {
        struct indexed **at;
        size_t n, cap;
    } found;
};

static void collect(struct look_up *l, struct indexed_repo *r, str at_path,
                    const struct manifests_change *c)
{
    const struct readers *at = readers_of(r, at_path, false);
    for (size_t k = 0; at && k < at->n; k++) {
        struct indexed *i = at->at[k];
        const struct read_set *reads = index_reads(i);
        if (i->mark == l->x->mark || !reads ||
            !read_set_touches(reads, c->path, c->before, c->after))
            continue;
        i->mark = l->x->mark;
        vec_push(l->a, &l->found, i);
    }
}

size_t index_touched(struct index *x, struct indexed_repo *r, const struct manifests_change *change,
                     size_t n, struct arena *a, struct indexed ***ret)
{
    struct look_up l = {.x = x, .a = a};
    x->mark++;
    for (size_t k = 0; k < n; k++) {
        str path = change[k].path;
        collect(&l, r, path, &change[k]);
        /* What comes or goes shows in the listings, and makes or removes the folders, above it. */
        while (path.len) {
            path = files_path_folder(path);
            collect(&l, r, path, &change[k]);
        }
    }
    *ret = l.found.at;
    return l.found.n;
}
