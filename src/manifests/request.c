/* request.c: a request out of an application's list of sources. */
#include "manifests/manifests.h"

static void find_repo(const struct manifests_sources *s, str url, str project, struct arena *a,
                      struct source_repo *ret)
{
    if (!s->repo || !s->repo(s->repo_arg, url, project, a, ret))
        *ret = (struct source_repo){.url = url};
}

static str revision_at(const struct manifests_sources *s, size_t i)
{
    str asked = value_str(value_at(s->revisions, i));
    return asked.len ? asked : value_str(value_getz(value_at(s->list, i), "targetRevision"));
}

void manifests_request_source(struct manifests_request *r, const struct manifests_sources *s,
                              size_t at, struct arena *a)
{
    struct manifests_ref *ref = ARENA_ARRAY(a, struct manifests_ref, value_len(s->list) + 1);
    size_t n = 0;
    r->source = value_at(s->list, at);
    r->revision = value_str(value_at(s->revisions, at));
    r->multi_source = s->multi_source;
    find_repo(s, value_str(value_getz(r->source, "repoURL")), r->project, a, &r->repo);
    for (struct value_iter it = value_iter(s->list); s->multi_source && value_next(&it);) {
        str name = value_str(value_getz(it.val, "ref"));
        if (!name.len)
            continue;
        ref[n].name = ARENA_CAT(a, STR("$"), name);
        ref[n].revision = revision_at(s, it.i);
        ref[n].is_chart = value_str(value_getz(it.val, "chart")).len;
        find_repo(s, value_str(value_getz(it.val, "repoURL")), r->project, a, &ref[n].repo);
        n++;
    }
    r->ref = ref;
    r->n_refs = n;
}
