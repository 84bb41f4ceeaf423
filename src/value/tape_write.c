/* value/tape_write.c */
#include "value/tape_write.h"

#include <assert.h>

static struct doc *doc_around(char *tape)
{
    return tape ? (struct doc *)(tape - offsetof(struct doc, tape)) : NULL;
}

static char *resized(char *tape, size_t tape_bytes)
{
    struct doc *d = realloc(doc_around(tape), sizeof(*d) + tape_bytes + TAPE_SLACK);
    if (!d)
        abort();
    return d->tape;
}

void tape_writer_init(struct tape_writer *w, size_t cap)
{
    *w = (struct tape_writer){.at = resized(NULL, cap), .cap = cap + TAPE_SLACK};
    memset(w->at, 0, TAPE_ROOT);
    w->len = TAPE_ROOT;
}

void tape_writer_grow(struct tape_writer *w, size_t n)
{
    size_t cap = MAX_OF(w->cap * 2, w->len + n + TAPE_SLACK);
    assert(w->len + n < UINT32_MAX && "a document is smaller than 4 GiB");
    w->at = resized(w->at, cap);
    w->cap = cap + TAPE_SLACK;
}

void tape_writer_grow_offsets(struct tape_writer *w)
{
    w->cap_offset = MAX_OF(w->cap_offset * 2, (size_t)256);
    w->offset = realloc(w->offset, w->cap_offset * sizeof(*w->offset));
    if (!w->offset)
        abort();
}

void tape_writer_pos(struct tape_writer *w, size_t at, struct value_pos pos)
{
    if (w->n_pos == w->cap_pos) {
        w->cap_pos = MAX_OF(w->cap_pos * 2, (size_t)64);
        w->pos = realloc(w->pos, w->cap_pos * sizeof(*w->pos));
        if (!w->pos)
            abort();
    }
    w->pos[w->n_pos++] = (struct tape_pos){(uint32_t)at, pos.line, pos.column};
}

static int by_key(const void *a, const void *b, void *tape)
{
    const char *val;
    str x = tape_key((const char *)tape + *(const uint32_t *)a, &val);
    str y = tape_key((const char *)tape + *(const uint32_t *)b, &val);
    return str_cmp(x, y);
}

static void put_table(struct tape_writer *w, const uint32_t *offset, size_t n)
{
    memcpy(tape_writer_room(w, n * 4), offset, n * 4);
    w->len += n * 4;
}

/* The table in key order, or the mark that it is the source order. */
static uint32_t put_search_table(struct tape_writer *w, uint32_t *offset, size_t n,
                                 bool *ret_duplicate)
{
    bool sorted = true;
    for (size_t i = 1; sorted && i < n; i++)
        sorted = by_key(offset + i - 1, offset + i, w->at) < 0;
    if (sorted)
        return TAPE_SORTED;
    qsort_r(offset, n, sizeof(*offset), by_key, w->at);
    for (size_t i = 1; ret_duplicate && i < n; i++)
        if (by_key(offset + i - 1, offset + i, w->at) == 0)
            *ret_duplicate = true;
    put_table(w, offset, n);
    return 0;
}

void tape_writer_close(struct tape_writer *w, size_t start, size_t base, unsigned kind,
                       bool *ret_duplicate)
{
    size_t n = w->n_offset - base;
    uint32_t flags = 0;
    assert(n <= TAPE_ENTRIES_MAX);
    if (n > TAPE_WALK_MAX) {
        flags = TAPE_INDEXED;
        w->fixed = true;
        put_table(w, w->offset + base, n);
        if ((kind & 15) == TAPE_MAP && n > TAPE_SEARCH_MAX)
            flags |= put_search_table(w, w->offset + base, n, ret_duplicate);
    }
    w->n_offset = base;
    tape_put_u32(w->at + start, tape_header(kind, (uint32_t)n << 2 | flags));
    tape_put_u32(w->at + start + 4, (uint32_t)(w->len - start - 8));
}

struct doc *tape_writer_finish(struct tape_writer *w)
{
    memset(tape_writer_room(w, 0), 0, TAPE_SLACK);
    struct doc *d = doc_around(resized(w->at, w->len));
    assert(w->n_pos <= UINT32_MAX);
    d->refs = 1;
    d->movable = !w->fixed;
    d->n_pos = (uint32_t)w->n_pos;
    d->tape_bytes = w->len;
    d->pos = w->pos;
    free(w->offset);
    *w = (struct tape_writer){0};
    return d;
}

void tape_writer_drop(struct tape_writer *w)
{
    free(doc_around(w->at));
    free(w->offset);
    free(w->pos);
    *w = (struct tape_writer){0};
}

struct doc *tape_doc_new(size_t tape_bytes)
{
    struct doc *d = doc_around(resized(NULL, tape_bytes));
    *d = (struct doc){.refs = 1, .tape_bytes = tape_bytes};
    memset(d->tape + tape_bytes, 0, TAPE_SLACK);
    return d;
}
