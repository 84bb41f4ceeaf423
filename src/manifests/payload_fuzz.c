/* payload_fuzz.c: what a captured worker can answer (JSON text, NUL, read set), what a worker can
 * be ordered, and the block beside an order. */
#include "manifests/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str json, reads;
    str_cut(str_mem((const char *)data, size), 0, &json, &reads);
    struct err err;
    struct rendered *r = NULL;
    if (payload_parse(json, reads, &r, &err) == 0) {
        for (size_t i = 0; i < r->n_objects; i++)
            if (!value_is_map(doc_root(r->object[i].object)))
                abort();
        for (size_t i = 0; i < r->n_needs; i++)
            (void)need_key(&r->need[i]);
        rendered_unref(r);
    }
    struct arena a;
    struct render_order o, again;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    if (order_parse(json, &a, &o, &err) == 0) {
        CLEANUP(buf_done) struct buf b = BUF_INIT;
        order_print(&o, &b);
        if (order_parse(buf_str(&b), &a, &again, &err) || !str_eq(o.tree, again.tree) ||
            !value_equal(o.source, again.source) ||
            o.combined_bytes_max != again.combined_bytes_max)
            abort();
    }
    o = (struct render_order){0};
    if (order_take_block(&o, str_mem((const char *)data, size), &a, &err) == 0) {
        str *part;
        size_t n, bytes = 0;
        order_block(&o, &a, &part, &n);
        for (size_t i = 1; i < n; i++)
            bytes += part[i].len;
        if (bytes > size)
            abort();
    }
    arena_done(&a);
    return 0;
}
