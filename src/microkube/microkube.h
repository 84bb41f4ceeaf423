/* microkube/microkube.h: the embedded Kubernetes API server, without sockets.
 *
 * A plain function from request to response over a store (memory, or SQLite in a folder), and
 * watches that call back. One owner, one thread; it reads no clock and no random numbers but those
 * it is given, so it runs under the simulation. microkube/serve.h puts HTTP in front of it.
 *
 * What changes later by itself (simulated workload controllers, garbage collection, namespace
 * deletion, bookmarks) happens in microkube_tick. After every request and tick the owner is told
 * through `wake` when the next tick is due; a tick before that time does nothing.
 *
 * Errors of the API are responses (a Status object), not errors of the function. A store that
 * cannot be written answers 500 and the change has not happened. Source: the API server of
 * Kubernetes 1.36 (a real one is the reference in tests), API conventions. */
#ifndef MICROKUBE_MICROKUBE_H
#define MICROKUBE_MICROKUBE_H

#include "base/buf.h"
#include "base/time.h"
#include "net/http.h"

#define MK_BODY_BYTES_MAX ((size_t)3 << 20) /* as the real server; more: 413 */
#define MK_HISTORY_EVENTS_DEFAULT 4096
#define MK_HISTORY_BYTES_DEFAULT ((size_t)16 << 20)
#define MK_PORT_DEFAULT 6443

struct microkube;

struct microkube_config {
    const char *data_dir;   /* folder for microkube.db, made when missing; NULL: memory only */
    usec (*now)(void *arg); /* wall clock */
    uint64_t (*random)(void *arg); /* for uids and generated names */
    void (*wake)(void *arg,
                 usec at); /* a tick is due at that wall time; the last call counts; may be NULL */
    void *arg;
    size_t history_events; /* watch window; 0: MK_HISTORY_EVENTS_DEFAULT (and
                              MK_HISTORY_BYTES_DEFAULT) */
    bool no_workloads;     /* do not simulate workload controllers */
};

/* Opens the store and makes the namespaces default, kube-system, kube-public, kube-node-lease and
 * the node "microkube" when they are missing. -ERR_IO, -ERR_INVALID (not our database, or a newer
 * one). */
int microkube_open(const struct microkube_config *config, struct microkube **ret,
                   struct err *err) MUST_CHECK;
/* Ends all watches (their `end` runs), writes what is left, frees. NULL is fine. */
void microkube_close(struct microkube *mk);
/* End all watches (their `end` runs) and go on serving: the first step of a graceful end. */
void microkube_end_watches(struct microkube *mk);

/* What kube-root-ca.crt holds in each namespace, from the next tick on; copied. */
void microkube_root_ca(struct microkube *mk, str pem);

/* Everything that is due: controllers, bookmarks, watch timeouts. */
void microkube_tick(struct microkube *mk);
/* Wall time of the next tick; 0: nothing is planned. */
usec microkube_next_at(const struct microkube *mk);
/* Tick with everything that does not wait for time until nothing changes any more (tests). false:
 * it did not settle in 1,000 rounds. */
bool microkube_settle(struct microkube *mk);

struct mk_request {
    enum method method;
    str target; /* path and query as received: "/api/v1/pods?limit=5" */
    str accept, content_type, user_agent;
    str user; /* who asks, for SelfSubjectReview and managedFields' default; "" is
                 "kubernetes-admin" */
    str body;
};

struct mk_response {
    int status;
    str content_type;
    str body;    /* in the arena given */
    str warning; /* value of a Warning field, or ""; several are joined by a newline */
};

/* Does the request ask for a watch (watch=true, or a /watch/ path)? Such a request goes to
 * microkube_watch. */
bool mk_request_is_watch(const struct mk_request *req);

/* Answer one request that is not a watch. */
void microkube_request(struct microkube *mk, const struct mk_request *req, struct arena *a,
                       struct mk_response *ret);

struct mk_watch;

/* event: one or more complete lines ({"type":...,"object":...}\n), valid during the call; end: the
 * server closes the watch (timeoutSeconds, 410 after its last event, microkube_close), nothing is
 * called afterwards and the handle is gone. They run inside microkube_watch (initial events),
 * microkube_request and microkube_tick: they may queue, but must not call microkube, except that
 * `event` may answer false: the reader is too slow or gone; the watch is closed without `end`. */
struct mk_watch_handler {
    bool (*event)(void *arg, str lines);
    void (*end)(void *arg);
};

/* Start a watch. *ret is NULL and *ret_error the answer when it is refused, else *ret_error has
 * status 200 and the content type of the stream. `handler` must live as long as the watch. The
 * first events (initial list) come on the next tick. */
void microkube_watch(struct microkube *mk, const struct mk_request *req,
                     const struct mk_watch_handler *handler, void *arg, struct arena *a,
                     struct mk_watch **ret, struct mk_response *ret_error);
/* The reader leaves; `end` does not run. */
void microkube_unwatch(struct microkube *mk, struct mk_watch *w);

struct microkube_counts {
    uint64_t requests, writes, events, resource_version;
    size_t objects, watches;
};
void microkube_count(const struct microkube *mk, struct microkube_counts *ret);

#endif
