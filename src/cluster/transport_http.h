/* cluster/transport_http.h: the transport over net/client.h. */
#ifndef CLUSTER_TRANSPORT_HTTP_H
#define CLUSTER_TRANSPORT_HTTP_H

#include "cluster/transport.h"
#include "net/client.h"

/* Opens a client of config->url; the transport owns it. -ERR_INVALID: URL or PEM. */
int kube_transport_http(struct loop *l, const struct http_client_config *config,
                        struct kube_transport *ret, struct err *err) MUST_CHECK;

#endif
