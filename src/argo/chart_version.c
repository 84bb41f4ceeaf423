/* chart_version.c: see chart_version.h. */
#include "argo/chart_version.h"

#include "lang/semver.h"

bool chart_version_is_exact(str revision)
{
    struct semver v;
    return semver_parse(revision, &v, &(struct err){0}) == 0;
}

int chart_version_resolve(str revision, const str *version, size_t n, size_t *ret_index,
                          struct err *err)
{
    int rc = semver_highest(revision, version, n, STR(""), ret_index, err);
    for (size_t i = 0; rc && !semver_is_constraint(revision) && i < n; i++) {
        if (str_eq(version[i], revision)) {
            *ret_index = i;
            return 0;
        }
    }
    return rc;
}

bool chart_version_is_valid(str version)
{
    struct semver v;
    return semver_parse(version, &v, &(struct err){0}) == 0;
}

ptrdiff_t chart_version_pick(str wanted, const str *version, const bool *valid, size_t n)
{
    struct arena a;
    const struct semver_constraint *c = NULL;
    struct semver best_v, v;
    ptrdiff_t best = -1;
    arena_init(&a, (size_t)16 << 20);
    int rc = semver_constraint_parse(wanted.len ? wanted : STR("*"), &a, &c, &(struct err){0});
    for (size_t i = 0; !rc && wanted.len && best < 0 && i < n; i++)
        if (valid[i] && str_eq(version[i], wanted))
            best = (ptrdiff_t)i;
    bool exact = best >= 0;
    for (size_t i = 0; !rc && !exact && i < n; i++) {
        if (!valid[i] || semver_parse(version[i], &v, &(struct err){0}) ||
            !semver_constraint_check(c, &v))
            continue;
        if (best < 0 || semver_compare(&v, &best_v) > 0) {
            best = (ptrdiff_t)i;
            best_v = v;
        }
    }
    arena_done(&a);
    return best;
}
