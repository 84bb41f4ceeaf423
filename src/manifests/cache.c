/* cache.c */
#include <assert.h>

#include "manifests/cache.h"

#include <string.h>

#define QUESTION_BYTES (sizeof(struct question) + 64)

static str id_str(const struct sha256 *id)
{
    return str_mem((const char *)id->byte, sizeof(id->byte));
}

void cache_init(struct cache *c, size_t bytes_max)
{
    *c = (struct cache){.bytes_max = bytes_max};
    map_init(&c->by_id, NULL);
}

static void unlink_row(struct cache *c, struct question *q)
{
    assert(q);
    if (q->newer)
        q->newer->older = q->older;
    else
        c->newest = q->older;
    if (q->older)
        q->older->newer = q->newer;
    else
        c->oldest = q->newer;
    q->newer = q->older = NULL;
}

static void link_newest(struct cache *c, struct question *q)
{
    q->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = q;
    c->newest = q;
}

static void drop_answers(struct cache *c, struct question *q, size_t keep)
{
    while (q->n_answers > keep) {
        struct rendered *r = q->answer[--q->n_answers].rendered;
        q->bytes -= r->bytes;
        c->bytes -= r->bytes;
        c->n_results--;
        rendered_unref(r);
    }
}

static void drop_row(struct cache *c, struct question *q)
{
    drop_answers(c, q, 0);
    unlink_row(c, q);
    map_remove(&c->by_id, id_str(&q->id));
    c->bytes -= QUESTION_BYTES;
    free(q->failure);
    free(q);
}

void cache_done(struct cache *c)
{
    while (c->newest)
        drop_row(c, c->newest);
    map_done(&c->by_id);
}

/* Older answers of everybody go before anybody's newest. */
static void shrink(struct cache *c)
{
    for (struct question *q = c->oldest; q && c->bytes > c->bytes_max; q = q->newer)
        drop_answers(c, q, q == c->newest ? q->n_answers : MIN_OF(q->n_answers, 1));
    while (c->bytes > c->bytes_max && c->oldest != c->newest)
        drop_row(c, c->oldest);
}

struct question *cache_get(struct cache *c, const struct sha256 *id)
{
    struct question *q = map_find(&c->by_id, id_str(id));
    if (q) {
        unlink_row(c, q);
        link_newest(c, q);
        return q;
    }
    q = calloc(1, sizeof(*q));
    if (!q)
        abort();
    q->id = *id;
    map_set(&c->by_id, id_str(&q->id), q);
    link_newest(c, q);
    c->bytes += QUESTION_BYTES;
    shrink(c);
    return q;
}

struct sha256 trees_id(const str *tree, size_t n)
{
    struct sha256_stream *s = sha256_open();
    for (size_t i = 0; i < n; i++) {
        uint64_t len = tree[i].len; /* so that no two lists read alike */
        sha256_add(s, str_mem((const char *)&len, sizeof(len)));
        sha256_add(s, tree[i]);
    }
    return sha256_close(s);
}

struct rendered *question_find(struct question *q, const struct sha256 *trees)
{
    for (size_t i = 0; i < q->n_answers; i++)
        if (sha256_eq(&q->answer[i].trees, trees))
            return q->answer[i].rendered;
    return NULL;
}

void cache_put(struct cache *c, struct question *q, const struct sha256 *trees, struct rendered *r)
{
    struct cached_answer a = {.rendered = r, .trees = *trees};
    size_t i = 0;
    while (i < q->n_answers && q->answer[i].rendered != r)
        i++;
    bool known = i < q->n_answers;
    if (!known) {
        drop_answers(c, q, MANIFESTS_READ_SETS_MAX - 1);
        i = q->n_answers++;
        rendered_ref(r);
        q->bytes += r->bytes;
        c->bytes += r->bytes;
        c->n_results++;
    }
    memmove(&q->answer[1], &q->answer[0], i * sizeof(a));
    q->answer[0] = a;
    shrink(c);
}

void question_succeeded(struct question *q)
{
    q->n_failures = 0;
    q->failed_trees = (struct sha256){0};
    free(TAKE(q->failure));
}

void cache_forget(struct cache *c, struct question *q)
{
    drop_answers(c, q, 0);
    question_succeeded(q);
}
