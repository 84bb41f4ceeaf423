/* main/embedded.h: the transport of cluster/ straight into a microkube of this process: no sockets,
 * no TLS.
 *
 * Requests are answered and watch events delivered on later turns of the loop, in order, as over a
 * wire. Used by `tiphys up
 * --embedded` and by the simulation, which gives `fault` to make the wire fail. */
#ifndef MAIN_EMBEDDED_H
#define MAIN_EMBEDDED_H

#include "cluster/transport.h"
#include "microkube/microkube.h"

struct embedded_fault { /* what happens to one request or event batch; all zero: nothing */
    bool lose_request;  /* the server never sees it; the asker gets -ERR_UNAVAILABLE */
    bool lose_answer;   /* the server does it; the asker gets -ERR_UNAVAILABLE */
    int status;         /* answered with this status (409, 429, 500, 503) and not done */
    bool end_stream;    /* a watch breaks off */
    usec delay_us;
};

struct embedded_config {
    struct loop *loop;
    struct microkube *core; /* borrowed; must outlive the transport */
    str user;               /* who asks */
    /* NULL: no faults. is_watch: asked once for each batch of events. */
    void (*fault)(void *arg, const struct kube_request *r, bool is_watch,
                  struct embedded_fault *ret);
    void *fault_arg;
};
void embedded_transport(const struct embedded_config *config, struct kube_transport *ret);

#endif
