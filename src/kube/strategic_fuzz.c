/* kube/strategic_fuzz.c: a JSON text {"original","modified","current","patch"} of a Deployment:
 * patches are made and applied, the inputs stay as they were, and a two-way patch of equal objects
 * changes nothing. It need not be empty: apimachinery sorts one of its two inputs in place and so
 * states the order of every unsorted list of scalars. */
#include "kube/apply.h"
#include "kube/strategic.h"
#include "value/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool only_orders(value patch)
{
    if (!value_is_map(patch))
        return false;
    for (struct value_iter it = value_iter(patch); value_next(&it);)
        if (!str_starts(it.key, STR("$setElementOrder/")) && !only_orders(it.val))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    value v, out, before;
    const struct kube_schema *schema =
        kube_schema_of_kind(STR("apps"), STR("v1"), STR("Deployment"));
    arena_init(&a, ARENA_BYTES_DEFAULT);
    if (json_parse(str_mem(data, size), NULL, &a, &v, NULL) == 0) {
        value original = value_getz(v, "original"), modified = value_getz(v, "modified"),
              patch = value_getz(v, "patch");
        before = value_copy(&a, v);
        if (kube_strategic_diff(original, modified, schema, &a, &out, NULL) == 0)
            (void)!kube_strategic_apply(original, out, schema, &a, &out, NULL);
        (void)!kube_strategic_diff3(original, modified, value_getz(v, "current"), schema, &a, &out,
                                    NULL);
        (void)!kube_strategic_apply(original, patch, schema, &a, &out, NULL);
        if (value_is_map(original) &&
            kube_strategic_diff(original, original, schema, &a, &out, NULL) == 0 &&
            !only_orders(out))
            abort();
        struct kube_apply k = {.schema = schema,
                               .api_version = STR("apps/v1"),
                               .manager = STR("fuzz")};
        struct kube_apply_result res;
        if (value_is_map(original) && value_is_map(patch))
            (void)!kube_apply(&k, original, patch, &a, &res, NULL);
        if (!value_identical(v, before))
            abort();
    }
    arena_done(&a);
    return 0;
}
