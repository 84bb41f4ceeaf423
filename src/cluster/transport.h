/* cluster/transport.h: how requests reach an API server.
 *
 * A small port, so that the same client and mirror run over HTTP (cluster/transport_http.h), and in
 * the simulation straight into microkube. A transport belongs to one loop; its callbacks never run
 * inside the function that was called.
 *
 * A 4xx or 5xx answer is an answer here; cluster/client.h turns it into an error. Failures to get
 * an answer are errors of the call: -ERR_UNAVAILABLE, -ERR_TIMEOUT, -ERR_CANCELED, -ERR_TOO_LARGE.
 */
#ifndef CLUSTER_TRANSPORT_H
#define CLUSTER_TRANSPORT_H

#include "base/buf.h"
#include "event/call.h"
#include "net/http.h"

#define KUBE_TIMEOUT_DEFAULT_US (30 * USEC_PER_SEC)
#define KUBE_BODY_BYTES_MAX ((size_t)64 << 20)
/* The server names who wrote without a fieldManager by the head of this: fields that Argo CD
 * created or replaced are owned by "argocd", and stay so. */
#define KUBE_USER_AGENT "argocd/v3.6.0"

struct kube_request { /* text is copied where kept */
    enum method method;
    str target;       /* path and query, escaped */
    str content_type; /* of the body; "" without */
    str accept;       /* "" means application/json */
    str body;
    usec timeout_us; /* 0: KUBE_TIMEOUT_DEFAULT_US; streams: until the head came */
};

struct kube_response { /* result of a call; drop: kube_response_free */
    int status;
    usec retry_after_us; /* 0 without the header */
    struct buf body;
};
void kube_response_free(void *response);

struct kube_stream_handler {
    void (*head)(void *arg, int status);                /* at most once, before data */
    void (*data)(void *arg, str bytes);                 /* valid during the callback */
    void (*end)(void *arg, int rc, const struct err *); /* exactly once, unless closed before */
};

struct kube_stream; /* the transport's own */

struct kube_transport {
    void *arg;
    /* Answers a struct kube_response. */
    void (*send)(void *arg, const struct kube_request *r, struct call c);
    /* Never NULL: a stream that cannot start ends with an error on a later turn. handler and its
     * arg must live until end or stream_close. */
    struct kube_stream *(*stream)(void *arg, const struct kube_request *r,
                                  const struct kube_stream_handler *handler, void *handler_arg);
    /* After end too: gives the stream back. No callback runs any more. */
    void (*stream_close)(void *arg, struct kube_stream *s);
    void (*free)(void *arg);
};

#endif
