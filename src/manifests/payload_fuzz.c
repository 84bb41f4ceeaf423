/* payload_fuzz.c: what a captured worker can answer (JSON text, NUL, read set), and what a worker
 * can be ordered. */
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
    arena_done(&a);
    return 0;
}
