/* manifests/manifests.h: source + parameters -> objects, as one service.
 *
 * manifests_get resolves the revision, brings the commit, renders it in a jailed worker of its
 * domain, and answers frozen objects. It is a two-step cache: (repository, source, parameters) ->
 * the last 8 read sets -> result; a commit that changed no file an application read gives the
 * result that is already there, under the new revision. Equal questions under way are asked once. A
 * question that keeps failing is answered from memory for a while (back-off).
 *
 * It also remembers, per application, which paths were read: manifests_poll asks each repository
 * once what moved and names the applications concerned, so cost follows change.
 *
 * Error texts are what follows "rpc error: code = X desc = " in Argo CD's condition;
 * manifests_error_code gives X. Kinds: those of source/source.h and render/directory.h, and
 * -ERR_UNAVAILABLE when a worker died (retry), -ERR_TIMEOUT when rendering took too long.
 *
 * Owner: manifests_new/free on one loop; every function is called there. Answers are
 * reference-counted and immutable: readable from any thread. */
#ifndef MANIFESTS_MANIFESTS_H
#define MANIFESTS_MANIFESTS_H

#include "event/pool.h"
#include "files/read_set.h"
#include "render/directory.h"
#include "source/chart.h"
#include "value/doc.h"

#define MANIFESTS_REVISION_BYTES 256
#define MANIFESTS_READ_SETS_MAX 8 /* kept per (repository, source, parameters) */
#define MANIFESTS_CACHE_BYTES_DEFAULT ((size_t)16 << 20)

struct jail; /* manifests/jail.h */
struct manifests;

/* The repository of a URL for a project, with its credentials; false: none is configured. */
typedef bool manifests_repo_fn(void *arg, str url, str project, struct arena *a,
                               struct source_repo *ret);

struct manifests_options {
    struct source_options source;
    struct charts_options charts;
    /* The Helm repository or registry that Chart.yaml means by a URL, "@name" or "alias:name", when
     * the project may use it, with its credentials; false: none is configured. NULL: there are
     * none.
     */
    manifests_repo_fn *chart_repo;
    void *chart_repo_arg;
    struct jail *jail;              /* borrowed; NULL: render in the pool (CLI, tests) */
    size_t cache_bytes_max;         /* results kept in memory; 0: MANIFESTS_CACHE_BYTES_DEFAULT */
    usec render_timeout_us;         /* 0: 90 s */
    size_t combined_bytes_max;      /* 0: upstream's 10M */
    unsigned failures_before_pause; /* ARGOCD_PAUSE_GEN_AFTER_FAILED_ATTEMPTS; 0: 3 */
    usec pause_us;                  /* ARGOCD_PAUSE_GEN_MINUTES; 0: 60 min */
    bool allow_escaping_links;      /* --allow-oob-symlinks */
    bool disable_helm, disable_kustomize, disable_jsonnet;
};

int manifests_new(struct loop *l, struct pool *p, const struct manifests_options *o,
                  struct manifests **ret, struct err *err) MUST_CHECK;
void manifests_free(struct manifests *m); /* open questions are answered -ERR_CANCELED */

enum {
    MANIFESTS_REFS_NEW =
        1, /* ask the repository even if refs are fresh (refresh annotation, operation) */
    MANIFESTS_NO_CACHE =
        2, /* render even if cached (hard refresh); forgets back-off; implies REFS_NEW */
};

/* A source of the application that has a `ref`: "$name/path" in value files of the others. */
struct manifests_ref {
    str name; /* "$values" */
    struct source_repo repo;
    str revision;
    bool is_chart; /* it has a chart: nobody may refer to it */
};

/* One source of one application. Everything is borrowed for the call and copied where kept. */
struct manifests_request {
    str key; /* names this source of this application in the index: "argocd/shop/0"; empty: not
                indexed */
    struct source_repo repo; /* with credentials */
    value source;            /* the ApplicationSource */
    str revision; /* to use in place of source.targetRevision (an operation's); empty: the source's
                   */
    bool multi_source;               /* of spec.sources */
    const struct manifests_ref *ref; /* of all sources of the application */
    size_t n_refs;
    str app_name;  /* instance name: "shop", or "ns_shop" outside the control-plane namespace */
    str namespace; /* destination */
    str project;   /* the jail's domain together with the repository */
    str kube_version;
    const str *api_version;
    size_t n_api_versions;
    str value_file_schemes; /* helm.valuesFileSchemes; empty: "https, http" */
    usec refs_age_max_us;   /* how old refs may be without REFS_NEW; 0: 3 min, upstream's */
    unsigned flags;         /* MANIFESTS_* */
};

/* Fill source, revision, repo, multi_source and ref of a request: the source `at` of a list, with
 * the revisions to use in place of the sources' own (a list of texts; absent or empty: none). Texts
 * go into the arena or are borrowed from the list. */
struct manifests_sources {
    value list;      /* of sources */
    value revisions; /* of texts */
    bool multi_source;
    manifests_repo_fn *repo;
    void *repo_arg;
};
void manifests_request_source(struct manifests_request *r, const struct manifests_sources *s,
                              size_t at, struct arena *a);

struct manifest {
    struct doc *object; /* owned by the result */
    str file;           /* relative to the repository root */
    uint32_t line;      /* 1-based */
};

struct manifests_result { /* immutable, reference-counted */
    const struct manifest *object;
    size_t n_objects;
    struct sha256 digest; /* of all objects in order: equal digests, equal manifests */
    char revision[MANIFESTS_REVISION_BYTES]; /* status.sync.revision: commit, or chart version */
    enum render_type type;                   /* status.sourceType: render_type_name */
    struct source_commit *commit;            /* NULL: a chart */
    const struct read_set *reads;            /* of its own tree; NULL: none */
    const str *warning;
    size_t n_warnings;
    bool cached;                       /* nothing was rendered for this answer */
    usec refs_us, fetch_us, render_us; /* time spent; 0 when skipped */
};
struct manifests_result *manifests_result_ref(struct manifests_result *r);
void manifests_result_unref(struct manifests_result *r);

/* Answers a `struct manifests_result` reference (drop: manifests_result_unref). */
void manifests_get(struct manifests *m, const struct manifests_request *r, struct call c);
/* The application's source is gone: drop it from the index. */
void manifests_forget(struct manifests *m, str key);

/* "FailedPrecondition" for a file that cannot be decoded, else "Unknown": upstream's gRPC code name
 * of an error of manifests_get. */
const char *manifests_error_code(int kind);

/* ---- what moved ---- */

enum manifests_move {
    MANIFESTS_MOVED, /* the revision is another commit, no path this source read has changed: a get
                        is cheap and gives the same objects */
    MANIFESTS_CHANGED, /* a path it read changed, or its last get failed, or the repository can be
                          asked again: get */
    MANIFESTS_LOST,    /* the repository cannot be asked any more: a get gives the error */
};
struct manifests_moved {
    str key;
    enum manifests_move move;
    char revision[MANIFESTS_REVISION_BYTES]; /* new commit or version; "" with LOST */
};
struct manifests_poll { /* answer; freed by manifests_poll_free */
    struct manifests_moved
        *at; /* only sources for which something moved since their last get or poll */
    size_t n;
    size_t n_repos, n_failed; /* repositories asked, and not answering */
};
void manifests_poll_free(struct manifests_poll *p);

/* One ls-refs per repository of the index (`repo` NULL), or of that one; fetches new commits,
 * compares trees with the path index. Repositories are asked in parallel (16 at a time); one that
 * does not answer does not hold up the others beyond its timeout. */
void manifests_poll(struct manifests *m, const struct source_repo *repo, struct call c);

/* Keys of indexed sources of `repo` which read one of the changed paths, pure look-up in the path
 * index. */
struct manifests_change {
    str path;
    enum file_kind before, after;
};
size_t manifests_changed(struct manifests *m, const struct source_repo *repo,
                         const struct manifests_change *change, size_t n_changes, struct arena *a,
                         str **ret_keys);

/* ---- for the API ---- */

/* Commit metadata of a resolved or unresolved revision: answers a `struct source_commit` (drop:
 * source_commit_unref). An unresolved one is asked of the repository now. */
void manifests_commit(struct manifests *m, const struct source_repo *repo, str revision,
                      struct call c);
/* The version of a chart that `revision` means, asked of the repository now when it is a
 * constraint: answers a `struct chart_revision` (drop: chart_revision_free). */
void manifests_chart_version(struct manifests *m, const struct source_repo *repo, str chart,
                             str revision, struct call c);
/* Refs (branches and tags; also "can this repository be reached?"): answers a `struct source_refs`.
 */
void manifests_refs(struct manifests *m, const struct source_repo *repo, struct call c);
/* Can the repository of this source (one of an Application) be reached? Answers nothing; the error
 * is what ls-refs or the index says. */
void manifests_reach(struct manifests *m, const struct source_repo *repo, value source,
                     struct call c);
/* Tags of `refs` that name `commit`, short names, in order. */
size_t manifests_tags_of(const struct source_refs *refs, const char *commit, struct arena *a,
                         str **ret);

struct manifests_stats {
    uint64_t n_gets, n_hits, n_same_reads, n_renders, n_failures, n_paused, n_polls;
    uint64_t n_workers, n_worker_deaths;
    size_t cache_bytes, n_results, n_indexed;
    struct source_stats source;
};
struct manifests_stats manifests_stats(const struct manifests *m);

#endif
