/* value/yaml_fuzz.c: no text makes the YAML reader crash; the direct reader and the general one
 * agree on the tree and on where each value stands; what was read prints as JSON and as YAML that
 * read back equal, and the YAML is in canonical form: printed again it is as long. */
#include "value/doc.h"
#include "value/yaml.h"
#include "value/yaml/tree.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int nothing(void *arg, value document, size_t index, uint32_t first_line, struct err *err)
{
    (void)arg;
    (void)index;
    (void)err;
    assert(value_exists(document) && first_line > 0);
    return 0;
}

static void same_places(value a, value b)
{
    struct value_pos x = value_pos(a), y = value_pos(b);
    assert(x.line == y.line && x.column == y.column);
    struct value_iter other = value_iter(b);
    for (struct value_iter it = value_iter(a); value_next(&it);) {
        assert(value_next(&other) && str_eq(it.key, other.key));
        same_places(it.val, other.val);
    }
}

static void readers_agree(str text, struct arena *a)
{
    struct yaml_input in = {.keep_positions = true};
    struct err err = {0}, err_doc = {0};
    struct doc *d = NULL;
    value v;
    int r = yaml_parse_any(text, &in, a, &v, &err), r_doc = yaml_parse_doc(text, &in, &d, &err_doc);
    assert(r == r_doc && str_eq(err_str(&err), err_str(&err_doc)));
    if (r)
        return;
    assert(value_identical(v, doc_root(d)));
    same_places(v, doc_root(d));
    doc_unref(d);
}

/* The Go encoder writes the key "<<" without quotes, so that it reads back as a merge. */
static bool has_merge_key(value v)
{
    for (struct value_iter it = value_iter(v); value_next(&it);)
        if (str_is(it.key, "<<") || has_merge_key(it.val))
            return true;
    return false;
}

/* What YAML cannot hold (a line break that is not "\n", a byte order mark, ...) changes on the way
 * once, as it does in Go; after that nothing changes. */
static void prints_canonically(value v, struct arena *a)
{
    struct buf once = BUF_INIT, twice = BUF_INIT;
    struct err err;
    value again, third;
    if (has_merge_key(v))
        return;
    yaml_print(v, YAML_SIGS, AUDIENCE_WIRE, &once);
    int r = yaml_parse(buf_str(&once), NULL, a, &again, &err);
    assert(!r);
    yaml_print(again, YAML_SIGS, AUDIENCE_WIRE, &twice);
    r = yaml_parse(buf_str(&twice), NULL, a, &third, &err);
    assert(!r && value_equal(again, third));
    /* Upstream's order of keys can go in circles ("1.5", "1e6", "0.1"): then it depends on theirs.
     */
    assert(once.len == twice.len);
    buf_done(&once);
    buf_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct err err = {0};
    value v, again;
    str text = str_mem(data, size);
    if (size > (1 << 16))
        return 0;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    struct yaml_input strict = {.strict = true};
    readers_agree(text, &a);
    if (!yaml_parse(text, NULL, &a, &v, &err)) {
        struct json_input exact = {.exact_uint64 = true};
        str json = json_str(&a, v, AUDIENCE_WIRE, 0);
        int r = json_parse(json, &exact, &a, &again, &err);
        assert(!r && value_equal(v, again));
        prints_canonically(v, &a);
    } else {
        assert(err.text[0]);
    }
    if (yaml_parse(text, &strict, &a, &v, &err))
        assert(err.text[0]);
    if (yaml_parse_stream(text, NULL, &a, nothing, NULL, &err))
        assert(err.text[0]);
    arena_done(&a);
    return 0;
}
