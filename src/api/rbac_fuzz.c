/* api/rbac_fuzz.c: policy texts; whatever they say, nobody who is not named gets anything, and
 * admin stays admin unless denied. */
#include <assert.h>

#include "api/rbac.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct err err;
    const struct rbac *r;
    str text = str_mem(data, size);
    arena_init(&a, (size_t)256 << 20);
    value map = value_new_map(&a);
    value_setz(&a, map, "policy.csv", value_of_str(&a, text));
    int rc = rbac_read(map, &a, &r, &err);
    assert(rc == 0 || err.text[0]);
    bool stranger = rbac_allows(r, VALUE_ABSENT, STR("zz-stranger"), STR("applications"),
                                STR("get"), STR("a/b"));
    assert(!stranger || str_has(text, STR("zz-stranger")));
    if (!str_has(text, STR("deny")))
        assert(rbac_allows(r, VALUE_ABSENT, STR("admin"), STR("applications"), STR("get"),
                           STR("a/b")));
    arena_done(&a);
    return 0;
}
