/* source/source.h: bring a revision of a git repository to this machine.
 *
 * One `struct source` per process keeps bare repositories under a cache folder, one per (URL,
 * credentials): two projects with different credentials never share one, so a cached commit is only
 * ever shown to those who could fetch it. A repository folder is a *generation*: fetches add to it,
 * gc writes a new one, a lease keeps the old one until it is dropped. Nothing is checked out:
 * readers open the commit's tree in the object database (files_open_git).
 *
 * Questions are asked once: callers that ask for the same thing while it is under way share the
 * answer. All blocking work runs in the pool, with a deadline that kills the git process.
 * Credentials reach git by inherited descriptors or private files, never by argument, log line or
 * error text.
 *
 * Error texts are those Argo CD shows (the caller adds its own context in front): "failed to list
 * refs: repository not found", "failed to list refs: authentication required", "failed to list
 * refs: remote repository is empty", "unable to resolve 'x' to a commit SHA: revision not found",
 * ... Kinds: -ERR_NOT_FOUND (repository, revision), -ERR_UNAUTHENTICATED, -ERR_FORBIDDEN,
 * -ERR_UNAVAILABLE (no connection, server error: retry), -ERR_TIMEOUT, -ERR_UNSUPPORTED
 * (authentication method), -ERR_INVALID (URL), -ERR_TOO_LARGE, -ERR_IO (cache folder).
 *
 * Owner: source_new/source_free on one loop; every function is called on that loop unless it says
 * otherwise. Source: Argo CD util/git/client.go (revision resolution), go-git error texts,
 * git-fetch(1), gitprotocol-v2(5). */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include "base/time.h"
#include "event/pool.h"
#include "files/files.h"
#include "value/value.h"

#define SOURCE_REFS_MAX 1000000               /* refs of one repository */
#define SOURCE_OUTPUT_MAX ((size_t)128 << 20) /* bytes git may print */
#define SOURCE_SHA_BYTES 41                   /* 40 hex digits and NUL */

/* A repository with the credentials to reach it; text borrowed, copied by whoever keeps it. */
struct source_repo {
    str url;
    str project; /* of the credential; empty: any */
    str type;    /* "git", "helm", "oci"; empty: git */
    str name;    /* as Chart.yaml's "@name" and "alias:name" mean it */
    str username, password, bearer_token;
    str ssh_private_key;
    str tls_client_cert, tls_client_key; /* PEM */
    str ca_pem;          /* of the host, from argocd-tls-certs-cm; empty: the system's */
    str ssh_known_hosts; /* lines, from argocd-ssh-known-hosts-cm */
    str proxy, no_proxy;
    str unsupported; /* name of an authentication method that is configured and not served; else
                        empty */
    bool insecure;   /* skip TLS and host key checks */
    bool force_basic_auth;
    bool enable_oci;     /* of a Helm repository: it is a registry */
    bool oci_force_http; /* insecureOCIForceHttp: the registry speaks no TLS */
};

/* Read a repository or repo-creds Secret (data in base64, stringData as it is) into *ret, text in
 * the arena. -ERR_INVALID: a boolean that is none, no url. */
int source_repo_from_secret(value secret, struct arena *a, struct source_repo *ret,
                            struct err *err) MUST_CHECK;
/* Fill what `repo` lacks from a repo-creds entry (used when it has no credential of its own). */
void source_repo_inherit(struct source_repo *repo, const struct source_repo *creds);
/* Deep copy into the arena. */
void source_repo_copy(struct arena *a, const struct source_repo *from, struct source_repo *ret);
bool source_repo_has_credentials(const struct source_repo *repo);
/* Do its charts come from a registry? enable_oci, type "oci", "oci://" or a URL without scheme. */
bool source_repo_is_oci(const struct source_repo *repo);
/* Argo CD's normal form of a URL, for sameness: lower case, scp form as a path, without ".git" and
 * "ssh://". */
str source_url_normal(struct arena *a, str url);
/* Identity: SHA-256 of the normal URL and every credential, in hex (64 digits, arena). Safe to log.
 */
str source_repo_id(const struct source_repo *repo, struct arena *a);

/* ---- refs: one answer of ls-refs; immutable, reference-counted, any thread ---- */

struct source_ref {
    str name;                      /* "HEAD", "refs/heads/main", "refs/tags/v1.0.0" */
    str target;                    /* of a symbolic ref, else empty */
    char sha[SOURCE_SHA_BYTES];    /* object it names; "" when only symbolic */
    char commit[SOURCE_SHA_BYTES]; /* peeled: of the commit when sha is an annotated tag, else = sha
                                    */
};
struct source_refs {
    struct source_ref *at; /* in the order of the server: HEAD first, then by name */
    size_t n;
    usec asked_at;        /* loop_now when the question was sent */
    struct sha256 digest; /* of all names and ids: equal digests, nothing moved */
};
struct source_refs *source_refs_ref(struct source_refs *r);
void source_refs_unref(struct source_refs *r);

bool source_is_sha(str revision); /* 40 hex digits */

/* ---- commits ---- */

struct source_signature { /* what gpg/ssh data the commit carries; not verified here */
    str format;           /* "gpg", "ssh", "x509", or empty: unsigned */
};
struct source_commit { /* immutable, reference-counted, any thread */
    char sha[SOURCE_SHA_BYTES];
    char tree[SOURCE_SHA_BYTES];
    char parent[SOURCE_SHA_BYTES]; /* first, or "" */
    str author;                    /* "Name <mail>" */
    str committer;
    usec author_at, commit_at;
    str message; /* trimmed, at most 64 KiB */
    str subject;
    struct source_signature signature;
};
struct source_commit *source_commit_ref(struct source_commit *c);
void source_commit_unref(struct source_commit *c);

/* A commit that is here now: keeps its repository generation alive until released.
 * Reference-counted; release on any thread. */
struct source_lease {
    struct source_commit *commit;
    str objects_dir;   /* ".../objects" of the generation */
    str escaping_link; /* "repository contains out-of-bounds symlinks. file: X", or empty */
};
struct source_lease *source_lease_ref(struct source_lease *l);
void source_lease_unref(struct source_lease *l);
/* The commit's tree; any thread. */
int source_lease_open(const struct source_lease *l, struct files **ret, struct err *err) MUST_CHECK;

/* ---- the store ---- */

struct source_options {
    str cache_dir;         /* made (0700) when missing */
    str git;               /* program; empty: "git" by PATH */
    usec refs_timeout_us;  /* 0: 90 s, upstream's request timeout */
    usec fetch_timeout_us; /* 0: 90 s */
};
struct source;
int source_new(struct loop *l, struct pool *p, const struct source_options *o, struct source **ret,
               struct err *err) MUST_CHECK;
void source_free(struct source *s); /* outstanding questions are answered -ERR_CANCELED */

/* ls-refs. An answer not older than max_age_us is given again; 0 always asks (but joins a question
 * already under way). Answers a `struct source_refs` (a reference, dropped by source_refs_unref).
 */
void source_refs_get(struct source *s, const struct source_repo *repo, usec max_age_us,
                     struct call c);
/* The newest refs known, without asking; NULL: never asked or last asking failed. Borrowed until
 * the next turn. */
const struct source_refs *source_refs_known(struct source *s, const struct source_repo *repo);

/* Exactly this commit (full SHA, or 7 and more hex digits), fetched when it is not here. Answers a
 * `struct source_lease` (a reference, dropped by source_lease_unref). */
void source_commit_get(struct source *s, const struct source_repo *repo, str sha, struct call c);

/* Rewrite repositories that gathered many packs, drop generations nobody leases and repositories
 * not asked for since `unused_us`. Answers nothing (result NULL). */
void source_gc(struct source *s, usec unused_us, struct call c);

/* Changed paths between two commits' trees, both present; any thread (run it in the pool). */
typedef void source_changed_fn(void *arg, str path, enum file_kind before, enum file_kind after);
int source_changed_paths(const struct source_lease *old, const struct source_lease *now,
                         source_changed_fn *fn, void *arg, struct err *err) MUST_CHECK;

struct source_stats {
    uint64_t n_ls_refs, n_fetches, n_joined, n_failures;
};
struct source_stats source_stats(const struct source *s);

#endif
