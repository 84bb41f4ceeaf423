/* references.c */
#include "manifests/references.h"

static int unknown(str name, const struct manifests_ref *ref, size_t n_refs, struct arena *a,
                   struct err *err)
{
    str names = STR("");
    if (!n_refs)
        return err_set(err, ERR_INVALID,
                       "source referenced \"%.*s\", but no source has a 'ref' field defined",
                       STR_FMT(name));
    for (size_t i = 0; i < n_refs; i++)
        names = ARENA_CAT(a, names, i ? STR(", ") : STR(""), ref[i].name);
    return err_set(err, ERR_INVALID,
                   "source referenced \"%.*s\", which is not one of the available sources (%.*s)",
                   STR_FMT(name), STR_FMT(names));
}

static bool same_repository(struct arena *a, str x, str y)
{
    return str_eq(source_url_normal(a, x), source_url_normal(a, y));
}

/* One more name that is used, beside those that were used before. */
static int add_use(const struct manifests_ref *ref, size_t n_refs, size_t i, bool *io_used,
                   struct arena *a, struct err *err)
{
    if (ref[i].is_chart)
        return err_set(err, ERR_INVALID,
                       "source has a 'chart' field defined, but Helm charts are not yet not "
                       "supported for 'ref' sources");
    for (size_t k = 0; k < n_refs; k++)
        if (io_used[k] && !str_eq(ref[k].revision, ref[i].revision) &&
            same_repository(a, ref[k].repo.url, ref[i].repo.url))
            return err_set(err, ERR_INVALID,
                           "cannot reference multiple revisions for the same repository (%.*s "
                           "references \"%.*s\" while %.*s references \"%.*s\")",
                           STR_FMT(ref[i].name), STR_FMT(ref[i].revision), STR_FMT(ref[k].name),
                           STR_FMT(ref[k].revision));
    io_used[i] = true;
    return 0;
}

static int find_one(str entry, const struct manifests_ref *ref, size_t n_refs, bool *io_used,
                    struct arena *a, struct err *err)
{
    str name, below;
    if (!str_starts(entry, STR("$")))
        return 0;
    if (!str_cut(entry, '/', &name, &below))
        name = entry;
    for (size_t i = 0; i < n_refs; i++)
        if (str_eq(ref[i].name, name))
            return add_use(ref, n_refs, i, io_used, a, err);
    return unknown(name, ref, n_refs, a, err);
}

int references_find(value source, const struct manifests_ref *ref, size_t n_refs, bool *ret_used,
                    struct err *err)
{
    struct arena a;
    int rc = 0;
    value helm = value_getz(source, "helm");
    arena_init(&a, (size_t)1 << 20);
    for (size_t i = 0; i < n_refs; i++)
        ret_used[i] = false;
    for (struct value_iter it = value_iter(value_getz(helm, "valueFiles")); !rc && value_next(&it);)
        rc = find_one(value_str(it.val), ref, n_refs, ret_used, &a, err);
    for (struct value_iter it = value_iter(value_getz(helm, "fileParameters"));
         !rc && value_next(&it);)
        rc = find_one(value_str(value_getz(it.val, "path")), ref, n_refs, ret_used, &a, err);
    arena_done(&a);
    return rc;
}

int references_check(const struct manifests_ref *ref, const char *ref_sha, str repo_url,
                     str revision, const char *sha, struct err *err)
{
    struct arena a;
    arena_init(&a, (size_t)1 << 20);
    bool clash =
        same_repository(&a, ref->repo.url, repo_url) && !str_eq(str_of(ref_sha), str_of(sha));
    arena_done(&a);
    if (!clash)
        return 0;
    return err_set(err, ERR_INVALID,
                   "cannot reference a different revision of the same repository (%.*s references "
                   "\"%.*s\" which resolves to \"%s\" while the application references \"%.*s\" "
                   "which resolves to \"%s\")",
                   STR_FMT(ref->name), STR_FMT(ref->revision), ref_sha, STR_FMT(revision), sha);
}
