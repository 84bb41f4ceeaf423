/* value/patch_fuzz.c: hostile patches: input is DOCUMENT NUL PATCH. Building and frozen inputs give
 * the same and are not changed; a created merge patch makes one document into the other. */
#include <assert.h>

#include "value/json.h"
#include "value/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool holds_null(value v)
{
    if (value_is_null(v))
        return true;
    for (struct value_iter it = value_iter(v); value_next(&it);)
        if (holds_null(it.val))
            return true;
    return false;
}

static str text_of(struct arena *a, value v)
{
    return json_str(a, v, AUDIENCE_WIRE, JSON_SORT_KEYS);
}

static void check_json_patch(struct arena *a, value document, value patch, value frozen)
{
    struct err err = {0}, err_frozen = {0};
    value x = VALUE_ABSENT, y = VALUE_ABSENT;
    str before = text_of(a, document), patch_before = text_of(a, patch);
    int r = json_patch_apply(a, document, patch, &x, &err);
    assert(r == json_patch_apply(a, frozen, patch, &y, &err_frozen));
    assert(str_eq(err_str(&err), err_str(&err_frozen)));
    assert(r || str_eq(text_of(a, x), text_of(a, y)));
    assert(str_eq(before, text_of(a, document)) && str_eq(before, text_of(a, frozen)));
    assert(str_eq(patch_before, text_of(a, patch)));
}

static void check_merge(struct arena *a, value document, value patch, value frozen)
{
    struct err err;
    value x = VALUE_ABSENT, y = VALUE_ABSENT, diff = VALUE_ABSENT;
    str before = text_of(a, document), patch_before = text_of(a, patch);
    int r = json_merge_patch_apply(a, document, patch, &x, &err);
    assert(r == json_merge_patch_apply(a, frozen, patch, &y, &err));
    assert(r || str_eq(text_of(a, x), text_of(a, y)));
    if (value_is_map(document) && value_is_map(patch)) {
        r = json_merge_patch_create(a, frozen, patch, &diff, &err);
        assert(r == 0);
        r = json_merge_patch_apply(a, document, diff, &x, &err);
        assert(r == 0 && (holds_null(patch) || value_equal(x, patch)));
        r = json_merge_patch_three_way(a, document, patch, frozen, &diff, &err);
        assert(r == 0);
        r = json_merge_patch_apply(a, document, diff, &x, &err);
        assert(r == 0 && (holds_null(patch) || holds_null(document) || value_equal(x, patch)));
    }
    assert(str_eq(before, text_of(a, document)) && str_eq(before, text_of(a, frozen)));
    assert(str_eq(patch_before, text_of(a, patch)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    str text = str_mem(data, size), head, tail;
    value document = VALUE_ABSENT, patch = VALUE_ABSENT;
    if (size > 1 << 14 || !str_cut(text, 0, &head, &tail))
        return 0;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    if (json_parse(head, NULL, &a, &document, NULL) == 0 &&
        json_parse(tail, NULL, &a, &patch, NULL) == 0) {
        struct doc *d = doc_freeze(document, 0);
        check_json_patch(&a, document, patch, doc_root(d));
        check_merge(&a, document, patch, doc_root(d));
        doc_unref(d);
    }
    arena_done(&a);
    return 0;
}
