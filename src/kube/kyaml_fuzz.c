/* kube/kyaml_fuzz.c: two JSON texts, a zero byte between them: an object and a patch. Neither
 * changes, and a merge that went well goes well again with the same result. */
#include <assert.h>

#include "kube/kyaml_merge.h"
#include "value/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void merge(struct arena *a, value object, value patch, const struct kyaml_merge *how)
{
    struct err err;
    value once, again, before = value_copy(a, object), of_patch = value_copy(a, patch);
    int r = kyaml_merge(object, patch, how, a, &once, &err);
    assert(value_identical(object, before) && value_identical(patch, of_patch));
    int r2 = kyaml_merge(object, patch, how, a, &again, &err);
    assert(r == r2 && (r || value_identical(once, again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    str object_text, patch_text;
    value object, patch;
    if (size > 65536 || !str_cut(str_mem(data, size), 0, &object_text, &patch_text))
        return 0;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    if (json_parse(object_text, NULL, &a, &object, NULL) == 0 &&
        json_parse(patch_text, NULL, &a, &patch, NULL) == 0) {
        merge(&a, object, patch, NULL);
        merge(&a, object, patch, &(struct kyaml_merge){.append = true, .infer_lists = true});
    }
    arena_done(&a);
    return 0;
}
