/* main/repos.c */
#include "main/repos.h"

#include "base/log.h"
#include "kube/object.h"

#define SECRET_TYPE STR("argocd.argoproj.io/secret-type")

static bool read_secret(const struct doc *d, struct arena *a, struct source_repo *ret)
{
    struct err err;
    if (source_repo_from_secret(doc_root(d), a, ret, &err) == 0)
        return true;
    LOG(LOG_LEVEL_WARN, "secret '%.*s': %s", STR_FMT(object_name(doc_root(d))), err.text);
    return false;
}

static bool find_repository(const struct informer *secrets, str normal, str project,
                            struct arena *a, struct source_repo *ret)
{
    const struct doc *d;
    bool found = false;
    for (size_t at = 0; (d = informer_next(secrets, &at));) {
        struct source_repo repo;
        if (!str_is(object_label(doc_root(d), SECRET_TYPE), "repository") ||
            !read_secret(d, a, &repo))
            continue;
        bool ours = !repo.project.len || str_eq(repo.project, project);
        if (!ours || !str_eq(source_url_normal(a, repo.url), normal))
            continue;
        if (!found || repo.project.len)
            *ret = repo;
        found = true;
    }
    return found;
}

static void inherit(const struct informer *secrets, str normal, struct arena *a,
                    struct source_repo *repo)
{
    const struct doc *d;
    size_t longest = 0;
    struct source_repo best;
    for (size_t at = 0; (d = informer_next(secrets, &at));) {
        struct source_repo creds;
        if (!str_is(object_label(doc_root(d), SECRET_TYPE), "repo-creds") ||
            !read_secret(d, a, &creds))
            continue;
        str prefix = source_url_normal(a, creds.url);
        if (!str_starts(normal, prefix) || prefix.len < longest)
            continue;
        longest = prefix.len;
        best = creds;
    }
    if (longest)
        source_repo_inherit(repo, &best);
}

static str plain_url(str url)
{
    return str_trim_suffix(str_trim_prefix(url, STR("oci://")), STR("/"));
}

static bool is_of_charts(const struct source_repo *r)
{
    return str_is(r->type, "helm") || str_is(r->type, "oci");
}

static bool find_chart_repository(const struct informer *secrets, str text, str project,
                                  struct arena *a, struct source_repo *ret)
{
    const struct doc *d;
    bool named = str_starts(text, STR("@")) || str_starts(text, STR("alias:"));
    str name = str_trim_prefix(str_trim_prefix(text, STR("@")), STR("alias:"));
    bool found = false;
    for (size_t at = 0; (d = informer_next(secrets, &at));) {
        struct source_repo repo;
        if (!str_is(object_label(doc_root(d), SECRET_TYPE), "repository") ||
            !read_secret(d, a, &repo) || !is_of_charts(&repo) ||
            (repo.project.len && !str_eq(repo.project, project)))
            continue;
        if (named ? !str_eq(repo.name, name) : !str_eq(plain_url(repo.url), plain_url(text)))
            continue;
        if (!found || repo.project.len)
            *ret = repo;
        found = true;
    }
    return found;
}

/* A registry without credentials of its own takes those of one whose URL begins alike. */
static bool find_registry(const struct informer *secrets, str url, str project, struct arena *a,
                          struct source_repo *ret)
{
    const struct doc *d;
    str wanted = plain_url(url);
    for (size_t at = 0; (d = informer_next(secrets, &at));) {
        struct source_repo repo;
        if (!str_is(object_label(doc_root(d), SECRET_TYPE), "repository") ||
            !read_secret(d, a, &repo) || (repo.project.len && !str_eq(repo.project, project)) ||
            !(repo.enable_oci || str_is(repo.type, "oci")))
            continue;
        str have = plain_url(repo.url);
        if (!str_starts(wanted, have) && !str_starts(have, wanted))
            continue;
        *ret = repo;
        ret->url = url;
        return true;
    }
    return false;
}

bool repos_find_chart(const struct informer *secrets, str text, str project, struct arena *a,
                      struct source_repo *ret)
{
    bool named = str_starts(text, STR("@")) || str_starts(text, STR("alias:"));
    if (find_chart_repository(secrets, text, project, a, ret)) {
        if (!source_repo_has_credentials(ret))
            inherit(secrets, source_url_normal(a, ret->url), a, ret);
        return true;
    }
    if (named)
        return false;
    *ret = (struct source_repo){.url = text};
    inherit(secrets, source_url_normal(a, text), a, ret);
    return source_repo_has_credentials(ret) ||
           (str_starts(text, STR("oci://")) && find_registry(secrets, text, project, a, ret));
}

bool repos_is_secret(const struct doc *d)
{
    str type = d ? object_label(doc_root(d), SECRET_TYPE) : STR("");
    return str_is(type, "repository") || str_is(type, "repo-creds");
}

bool repos_find(const struct informer *secrets, str url, str project, struct arena *a,
                struct source_repo *ret)
{
    str normal = source_url_normal(a, url);
    bool found = find_repository(secrets, normal, project, a, ret);
    if (!found)
        *ret = (struct source_repo){0};
    ret->url = url;
    if (!source_repo_has_credentials(ret))
        inherit(secrets, normal, a, ret);
    return found || source_repo_has_credentials(ret);
}

/* The name in "https://user@name:port/path" and in a registry's "name:port/path". */
static str host_of(str url)
{
    str scheme = STR(""), rest = url, head, tail;
    ptrdiff_t at = str_find(url, STR("://"));
    if (at >= 0) {
        scheme = str_sub(url, 0, (size_t)at);
        rest = str_from(url, (size_t)at + 3);
    }
    bool ssh = str_is(scheme, "ssh") || (!scheme.len && str_find_char(rest, '@') >= 0);
    if (ssh || str_is(scheme, "file") || str_starts(rest, STR("/")))
        return STR("");
    (void)str_cut(rest, '/', &rest, &tail);
    (void)str_rcut(rest, '@', &head, &rest);
    if (str_starts(rest, STR("[")) && str_cut(str_from(rest, 1), ']', &head, &tail))
        return head;
    (void)str_cut(rest, ':', &rest, &tail);
    return rest;
}

bool repos_trust(const struct informer *maps, str ns, struct arena *a, struct source_repo *io_repo)
{
    str host = host_of(io_repo->url);
    const struct doc *d =
        maps && host.len ? informer_find(maps, ns, STR("argocd-tls-certs-cm")) : NULL;
    str pem = d ? value_str(value_get(value_getz(doc_root(d), "data"), host)) : STR("");
    if (!pem.len)
        return false;
    io_repo->ca_pem = arena_str(a, pem);
    return true;
}
