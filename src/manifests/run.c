/* run.c: one run of the engine. Without a jail (CLI, tests) it happens in the pool; with one, in
 * the worker of its domain, and only the reading of the answer happens in the pool. */
#include "files/asked.h"
#include "manifests/supply.h"

struct run_order *run_order_ref(struct run_order *o)
{
    o->n++;
    return o;
}

void run_order_unref(void *arg)
{
    struct run_order *o = arg;
    if (!o || --o->n)
        return;
    for (size_t i = 0; i < TREES_MAX; i++)
        source_lease_unref(o->lease[i]);
    chart_archive_unref(o->archive);
    while (o->blobs) {
        struct blob *b = o->blobs;
        o->blobs = b->next;
        blob_free(b);
    }
    doc_unref(o->source);
    arena_done(&o->arena);
    free(o);
}

static void drop_rendered(void *r) { rendered_unref(r); }

/* ---- in the pool ---- */

static int render_here(struct run_order *o, struct rendered **ret, struct err *err)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    CLEANUP(buf_done) struct buf json, reads;
    buf_init(&json, PAYLOAD_JSON_MAX);
    buf_init(&reads, READ_SET_BYTES_MAX);
    struct files *f[TREES_MAX] = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < TREES_MAX; i++)
        rc = o->lease[i] ? source_lease_open(o->lease[i], &f[i], err) : 0;
    if (!rc)
        rc = payload_render(&o->order, f, &a, &json, &reads, err);
    for (size_t i = 0; i < TREES_MAX; i++)
        files_close(f[i]);
    arena_done(&a);
    return rc ? rc : payload_parse(buf_str(&json), buf_str(&reads), ret, err);
}

static void pool_render(void *arg, struct answer *ret)
{
    struct rendered *r = NULL;
    ret->rc = render_here(arg, &r, &ret->err);
    ret->result = r;
    ret->drop = drop_rendered;
}

/* ---- in the jail ---- */

struct reading {
    struct reading *next;
    struct manifests *m;
    struct call asker, answered;
    struct run_order *order; /* keeps the lease while the worker reads */
};

static void reading_free(struct reading *r)
{
    struct reading **at = &r->m->readings;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    call_forget(&r->answered);
    run_order_unref(r->order);
    free(r);
}

void runs_cancel(struct manifests *m)
{
    while (m->readings)
        reading_free(m->readings);
}

static void pool_parse(void *arg, struct answer *ret)
{
    const struct jail_answer *a = arg;
    struct rendered *r = NULL;
    ret->rc = payload_parse(a->json, a->reads, &r, &ret->err);
    ret->result = r;
    ret->drop = drop_rendered;
}

/* A worker that may open nothing asks for a file: "TREE question". */
struct file_question {
    struct run_order *order;
    const struct source_lease *lease; /* of the tree; NULL: it has none */
    struct arena arena;
    str text;
};

static void file_question_free(void *arg)
{
    struct file_question *q = arg;
    run_order_unref(q->order);
    arena_done(&q->arena);
    free(q);
}

static void pool_read(void *arg, struct answer *ret)
{
    struct file_question *q = arg;
    CLEANUP(files_closep) struct files *f = NULL;
    struct jail_file *file = jail_file_new();
    ret->rc = q->lease ? source_lease_open(q->lease, &f, &ret->err)
                       : err_set(&ret->err, ERR_INVALID, "a question about no tree");
    if (!ret->rc)
        ret->rc = files_answer(f, q->text, &file->arena, &file->bytes, &ret->err);
    ret->result = file;
    ret->drop = jail_file_free;
}

static void reading_asked(void *arg, str text, struct call c)
{
    struct reading *r = arg;
    struct file_question *q = calloc(1, sizeof(*q));
    if (!q)
        abort();
    q->order = run_order_ref(r->order);
    arena_init(&q->arena, (size_t)1 << 20);
    str number, rest;
    uint64_t tree;
    if (str_cut(text, ' ', &number, &rest) && str_to_u64(number, &tree) && tree < TREES_MAX) {
        q->lease = r->order->lease[tree];
        q->text = arena_str(&q->arena, rest);
    }
    pool_submit(r->m->pool, pool_read, q, file_question_free, c);
}

static void jail_answered(void *arg, struct answer *a)
{
    struct reading *r = arg;
    if (a->rc)
        call_answer_err(r->asker, &a->err);
    else
        pool_submit(r->m->pool, pool_parse, answer_take(a), jail_answer_free, r->asker);
    reading_free(r);
}

/* A domain is the project and the folders that its worker may read. */
static void submit_to_jail(struct reading *r)
{
    struct manifests *m = r->m;
    struct run_order *o = r->order;
    CLEANUP(buf_done) struct buf frame;
    struct arena a;
    struct err err;
    str folder[TREES_MAX], domain = o->order.project, *block = NULL;
    size_t n_folders = 0, n_block = 0;
    buf_init(&frame, JAIL_FRAME_MAX);
    arena_init(&a, (size_t)8 << 20);
    for (size_t i = 0; i < TREES_MAX; i++) {
        if (!o->lease[i])
            continue;
        folder[n_folders++] = o->lease[i]->objects_dir;
        domain = ARENA_CAT(&a, domain, STR("\n"), o->lease[i]->objects_dir);
    }
    struct render_order order = o->order;
    order_block(&order, &a, &block, &n_block);
    for (size_t i = 0; i < n_block; i++)
        order.block_bytes += block[i].len;
    order_print(&order, &frame);
    r->answered = call_open(m->loop, 0, jail_answered, r);
    if (buf_check(&frame, "order to render", &err)) {
        call_answer_err(r->answered, &err);
    } else {
        jail_run(m->jail,
                 &(struct jail_order){.domain = domain,
                                      .folder = folder,
                                      .n_folders = n_folders,
                                      .frame = buf_str(&frame),
                                      .block = block,
                                      .n_block = n_block,
                                      .timeout_us = m->options.render_timeout_us,
                                      .files = {reading_asked, r}},
                 r->answered);
    }
    arena_done(&a);
}

void run_submit(struct manifests *m, struct run_order *o, struct call c)
{
    if (!m->jail) {
        pool_submit(m->pool, pool_render, run_order_ref(o), run_order_unref, c);
        return;
    }
    struct reading *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    *r = (struct reading){.next = m->readings, .m = m, .asker = c, .order = run_order_ref(o)};
    m->readings = r;
    submit_to_jail(r);
}
