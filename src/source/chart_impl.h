/* source/chart_impl.h: the parts of struct charts; private to source/.
 *
 * chart.c knows who asks and what is known; an `op` is one question to the outside that is under
 * way, shared by all who wait for it. chart_fetch.c carries those of Helm repositories and plain
 * URLs, registry.c those of registries. An op ends in op_end, which tells the waiters and frees it;
 * everything it holds is in its arena or in the few members that op_end releases. */
#ifndef SOURCE_CHART_IMPL_H
#define SOURCE_CHART_IMPL_H

#include "source/chart.h"
#include "source/chart_index.h"
#include "source/chart_kept.h"
#include "source/oci.h"
#include "source/web.h"

#define OPS_RUNNING_MAX 16 /* of a class; the others wait in line */
#define KNOWN_MAX 64       /* indexes and lists of tags in memory */
#define KNOWN_BYTES ((size_t)256 << 20)
#define OP_ARENA_BYTES_MAX ((size_t)512 << 20)

enum op_kind { OP_INDEX, OP_TAGS, OP_ARCHIVE, OP_REMOTE };

/* How far an index came, for two programs tell its failure in two ways. */
enum op_stage { STAGE_REQUEST, STAGE_STATUS, STAGE_BODY };

struct op;
struct outcome {
    int rc;
    const struct err *err; /* when rc */
    void *result;          /* borrowed: chart_index, chart_versions, chart_archive, remote_file */
    enum op_stage stage;   /* of a failed index */
    str status_text;       /* "404 Not Found", STAGE_STATUS */
    str url;               /* of the index */
};
typedef void told_fn(void *arg, const struct outcome *o);

struct waiter {
    told_fn *fn;
    void *arg;
};

struct registry_talk { /* registry.c */
    struct oci_reference ref;
    str authorization; /* what the registry last took */
    bool may_login, challenged, following, plain_http;
    struct web_request request;
    void (*then)(struct op *op, const struct web_answer *a);
    str page; /* of tags, the next one */
    unsigned n_pages;
    struct oci_tags tags;
    struct oci_manifest manifest;
    str context; /* put before errors */
};

struct op {
    struct op *next;
    struct charts *charts;
    enum op_kind kind;
    char key[CHART_KEY_BYTES];
    bool running, fresh;
    struct arena arena;
    struct source_repo repo;
    struct waiter *waiter; /* heap */
    size_t n_waiters, waiters_cap;
    struct web *web;
    struct call call; /* of the pool */
    struct op *waits_for;
    str chart, version, url; /* url: of an index, an archive or a remote file */
    bool pass_credentials, asked_again;
    size_t bytes_max;
    str part, index_digest; /* of an archive; part: file on its way, or empty */
    int fd;
    struct registry_talk registry;
};

struct known {
    char key[CHART_KEY_BYTES];
    enum op_kind kind;
    usec asked_at;
    size_t bytes;
    void *result;
};

struct charts {
    struct loop *loop;
    struct pool *pool;
    struct arena arena;
    struct charts_options o;
    struct op *ops; /* in the order of their asking */
    size_t n_running[2];
    bool closing;
    struct timer pump;
    struct known known[KNOWN_MAX]; /* last used first */
    size_t n_known;
    struct charts_stats stats;
};

/* ---- ops (chart.c) ---- */
/* The op under way for this key, or a new one; the waiter is added. */
struct op *op_ask(struct charts *c, enum op_kind kind, const char key[CHART_KEY_BYTES],
                  const struct source_repo *repo, struct waiter w, bool *ret_new);
void op_end(struct op *op, const struct outcome *o);
void op_end_err(struct op *op, const struct err *err);
void op_fail(struct op *op, int kind, const char *format, ...) PRINTF(3, 4);
void op_stop_waiting(struct op *op); /* for op->waits_for */
/* The conversation of the op, opened when it is first needed. */
struct web *op_web(struct op *op);
/* Value of Authorization for the repository, or empty. */
str op_authorization(struct op *op);
/* Run in the pool; what comes back is told on the loop. `job` is dropped by `drop`. */
void op_pool(struct op *op, pool_fn *fn, void *job, void (*drop)(void *job), call_fn *then);

void chart_versions_drop(void *v);
struct chart_versions *chart_versions_new(const str *at, size_t n);
void known_put(struct charts *c, enum op_kind kind, const char *key, void *take_result,
               size_t bytes);

/* Told a chart_index. The op that is waited for; NULL: told already. */
struct op *charts_ask_index(struct charts *c, const struct source_repo *repo, bool fresh,
                            struct waiter w);

/* ---- starting (chart_fetch.c, registry.c) ---- */
void index_start(struct op *op);
void archive_start(struct op *op);
void remote_start(struct op *op);
void tags_start(struct op *op);
/* The archive of the op's chart from a registry; `may_login`: the credentials are this registry's.
 */
void registry_pull(struct op *op, str reference, bool may_login);
/* The archive is in op->part: keep it and end. */
void archive_arrived(struct op *op, const struct web_answer *a);
int archive_begin(struct op *op, struct err *err) MUST_CHECK;

#endif
