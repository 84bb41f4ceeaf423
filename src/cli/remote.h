/* cli/remote.h: requests to the API server, one at a time: a call returns when its answer is
 * complete. Private to the room. */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include "cli/command.h"
#include "base/time.h"
#include "net/http.h"

/* A REST path with its query: path segments and values are escaped. */
struct remote_query {
    const char *name;
    str value; /* empty: left out */
};

/* Resolve server and credentials from flags, environment and the local configuration; 0 or an exit
 * code (told). */
int remote_open(struct cli *c);
void remote_done(struct cli *c);

struct remote_request {
    enum method method;
    str path;
    const struct remote_query *query;
    size_t n_query;
    value body;      /* absent: none */
    usec timeout_us; /* streams; 0: none */
};

/* The answer in *ret (may be NULL). A status of 4xx or 5xx is an error: "rpc error: code =
 * NotFound desc = ..."; its kind is that of the status. */
int remote_send(struct cli *c, const struct remote_request *req, value *ret,
                struct err *err) MUST_CHECK;
#define remote_call(c, m, p, q, n, b, ret, err)                                                    \
    remote_send((c), &(struct remote_request){(m), (p), (q), (n), (b), 0}, (ret), (err))
#define remote_get(c, path, query, ret, err)                                                       \
    remote_call((c), METHOD_GET, (path), (query), ARRAY_LEN(query), VALUE_ABSENT, (ret), (err))

/* Server-sent events: each `result` is given to fn until it says stop (true), the peer ends it, or
 * timeout_us is over: then -ERR_TIMEOUT. fn makes no requests. */
typedef bool remote_event_fn(void *arg, value result);
int remote_listen(struct cli *c, const struct remote_request *req, remote_event_fn *fn, void *arg,
                  struct err *err) MUST_CHECK;

/* s percent-escaped as one path segment or query value. */
str remote_escape(struct arena *a, str s);

#endif
