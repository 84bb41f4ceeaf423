/* source/chart.h: charts of Helm repositories and OCI registries, and files by URL.
 *
 * One `struct charts` per process. A question travels through net/'s HTTP client (TLS, client
 * certificate, proxy, redirects) on the owner's loop; big texts are parsed in the pool. Questions
 * are asked once: callers that ask for the same thing while it is under way share the answer.
 * Archives are kept in the cache folder by their SHA-256; which digest belongs to (repository,
 * credentials, chart, version) is kept beside them, so two sets of credentials never share an
 * answer, and a restart asks for nothing again.
 *
 * Credentials go to the origin (scheme, host, port) of the repository only. An archive of another
 * origin gets them when `pass_credentials` says so; a redirect to another origin never does, but
 * from http to https of the same name. A registry's token service gets them as the distribution
 * protocol has it, never over http for a registry reached by https, never at a private address that
 * is not the registry's. Errors and logs hold no credential and no query string of a redirect.
 *
 * Bounds: the index (options), 32 MiB of tags in 1,000 pages, 4 MiB of manifest, the archive
 * (options), 10 redirects, one deadline for everything that belongs to a question.
 *
 * Error texts are those Argo CD shows behind its own context: "error loading repo index: failed to
 * get index: 404 Not Found", "chart 'x' not found in index", "invalid revision: version matching
 * constraint not found in 3 tags", "unable to get tags: failed to get tags: ...", "failed to fetch
 * URL : 404 Not Found". Kinds: -ERR_NOT_FOUND (chart, version, 404), -ERR_UNAUTHENTICATED,
 * -ERR_FORBIDDEN, -ERR_UNAVAILABLE (no connection, 5xx: retry), -ERR_TIMEOUT, -ERR_TOO_LARGE,
 * -ERR_INVALID (URL, revision, what was answered), -ERR_UNSUPPORTED (scheme), -ERR_IO (cache
 * folder), -ERR_CANCELED (charts_free).
 *
 * Which repositories are registries: source_repo_is_oci.
 *
 * Owner: charts_new/charts_free on one loop; every function is called there unless it says
 * otherwise. Source: Argo CD util/helm/{client,index,cmd}.go, util/versions,
 * reposerver/repository (newHelmClientResolveRevision); helm 4 pkg/repo, pkg/getter,
 * pkg/downloader, pkg/registry; oras-go v2; OCI distribution specification 1.1. */
#ifndef SOURCE_CHART_H
#define SOURCE_CHART_H

#include "base/digest.h"
#include "source/source.h"

#define CHART_INDEX_BYTES_DEFAULT ((size_t)1 << 30)     /* HELM_MANIFEST_MAX_INDEX_SIZE */
#define CHART_INDEX_BYTES_PARSED_MAX ((size_t)64 << 20) /* a larger index is refused by size */
#define CHART_ARCHIVE_BYTES_DEFAULT ((size_t)256 << 20)
#define CHART_TAGS_MAX 1000000
#define CHART_TAG_PAGES_MAX 1000
#define CHART_MANIFEST_BYTES_MAX ((size_t)4 << 20)
#define REMOTE_BYTES_DEFAULT ((size_t)16 << 20)

struct charts_options {
    str cache_dir;            /* made (0700) when missing; not the git cache's */
    usec timeout_us;          /* one question with all it needs; 0: 90 s */
    size_t index_bytes_max;   /* 0: CHART_INDEX_BYTES_DEFAULT */
    size_t archive_bytes_max; /* packed; 0: CHART_ARCHIVE_BYTES_DEFAULT */
    usec index_age_us;   /* how old an index or a list of tags may be to answer a constraint; 0: 3
                            min,   upstream's revision cache */
    str user_agent;      /* empty: "tiphys" */
    str proxy, no_proxy; /* for repositories that have none: HTTPS_PROXY and NO_PROXY */
};
struct charts;
int charts_new(struct loop *l, struct pool *p, const struct charts_options *o, struct charts **ret,
               struct err *err) MUST_CHECK;
void charts_free(struct charts *c); /* outstanding questions are answered -ERR_CANCELED */

enum {
    CHARTS_FRESH = 1, /* ask the server (a refresh); joins a question already under way */
};

/* ---- versions ---- */

/* What a repository has of one chart: in the order of index.yaml or of the registry's list of tags
 * ("_" is "+" again). Immutable, reference-counted, any thread. */
struct chart_versions {
    str *at;
    size_t n;
    usec asked_at; /* loop_now when the answer came */
};
struct chart_versions *chart_versions_ref(struct chart_versions *v);
void chart_versions_unref(struct chart_versions *v);

/* Answers a `struct chart_versions` (a reference). `chart` may hold slashes; of a registry it is
 * appended to the repository's path, and may be empty when the URL names the chart. */
void charts_versions(struct charts *c, const struct source_repo *repo, str chart, unsigned flags,
                     struct call call);

/* All charts of a Helm repository, names sorted. */
struct chart_names {
    struct chart_name {
        str name;
        str *version;
        size_t n_versions;
    } * at;
    size_t n;
};
void chart_names_unref(struct chart_names *n);
/* Answers a `struct chart_names`. -ERR_UNSUPPORTED for a registry: it cannot list. */
void charts_names(struct charts *c, const struct source_repo *repo, unsigned flags,
                  struct call call);

/* ---- resolving ---- */

/* The exact version that `revision` means: a version ("1.2.3", "v1.2") is taken as it is, without
 * asking; a constraint is the highest version that satisfies it; other text must be in the list to
 * the letter. Answers a `struct chart_revision`. */
struct chart_revision { /* freed by chart_revision_free */
    str version;        /* as the repository writes it */
};
void chart_revision_free(struct chart_revision *r);
void charts_resolve(struct charts *c, const struct source_repo *repo, str chart, str revision,
                    unsigned flags, struct call call);

/* ---- archives ---- */

/* A chart's archive that is here now. Immutable, reference-counted, any thread; the bytes stay
 * readable by `fd` as long as a reference is held, whatever happens to the cache. */
struct chart_archive {
    int fd; /* O_RDONLY; use pread */
    size_t bytes;
    struct sha256 digest; /* of the bytes */
    str path;             /* file of the cache, for jails that map it */
    str url;              /* where it came from, without user, password and query */
    str name, version;
    bool digest_differs; /* index.yaml states another SHA-256: helm does not look, a user should */
};
struct chart_archive *chart_archive_ref(struct chart_archive *x);
void chart_archive_unref(struct chart_archive *x);
/* All bytes into the arena; any thread (blocking read of a local file). */
int chart_archive_read(const struct chart_archive *x, struct arena *a, str *ret,
                       struct err *err) MUST_CHECK;

struct chart_wanted {
    str chart, version; /* exact, from charts_resolve, or as Chart.lock says */
    bool pass_credentials;
};
/* Answers a `struct chart_archive` (a reference). CHARTS_FRESH drops what the cache says first
 * (a hard refresh). */
void charts_get(struct charts *c, const struct source_repo *repo, const struct chart_wanted *wanted,
                unsigned flags, struct call call);

/* ---- files by URL ---- */

struct remote_file { /* immutable, reference-counted, any thread */
    str bytes;
    struct sha256 digest;
};
struct remote_file *remote_file_ref(struct remote_file *f);
void remote_file_unref(struct remote_file *f);

struct remote_wanted {
    str url;             /* http:// or https://; the caller has checked it against
                            helm.valuesFileSchemes */
    str proxy, no_proxy; /* empty: those of the options */
    str ca_pem;          /* of the host; empty: the system's */
    size_t bytes_max;    /* 0: REMOTE_BYTES_DEFAULT */
};
/* Answers a `struct remote_file` (a reference). No credentials are sent, nothing is kept: a value
 * file may change at any time. Errors as helm's: "failed to fetch URL : 404 Not Found". */
void remote_get(struct charts *c, const struct remote_wanted *wanted, struct call call);

/* ---- housekeeping ---- */

/* Forget archives that were not asked for since `unused_us`. Answers nothing (result NULL). */
void charts_gc(struct charts *c, usec unused_us, struct call call);

struct charts_stats {
    uint64_t n_requests, n_joined, n_from_cache, n_failures;
};
struct charts_stats charts_stats(const struct charts *c);

#endif
