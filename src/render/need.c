/* need.c: what an engine lacks, and what was found for it. */
#include "render/engine.h"

const struct render_supply *render_supply_find(const struct render_request *r, const struct need *n)
{
    struct sha256 key = need_key(n);
    for (size_t i = 0; i < r->n_supplies; i++)
        if (sha256_eq(&r->supply[i].key, &key))
            return &r->supply[i];
    return NULL;
}

int render_need(struct arena *a, struct render_result *ret, const struct need *n, struct err *err)
{
    struct sha256 key = need_key(n);
    for (size_t i = 0; i < ret->needs.n; i++) {
        struct sha256 other = need_key(&ret->needs.at[i]);
        if (sha256_eq(&other, &key))
            return 0;
    }
    if (ret->needs.n >= RENDER_NEEDS_MAX)
        return err_set(err, ERR_TOO_LARGE, "more than %d charts and files of other servers",
                       RENDER_NEEDS_MAX);
    vec_push(a, &ret->needs, *n);
    return 0;
}
