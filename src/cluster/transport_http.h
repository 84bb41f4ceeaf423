/* cluster/transport_http.h: the transport over net/client.h. */
#ifndef CLUSTER_TRANSPORT_HTTP_H
#define CLUSTER_TRANSPORT_HTTP_H

#include "cluster/transport.h"
#include "cluster/kubeconfig.h"
#include "net/client.h"

/* Opens a client of config->url; the transport owns it. -ERR_INVALID: URL or PEM. */
int kube_transport_http(struct loop *l, const struct http_client_config *config,
                        struct kube_transport *ret, struct err *err) MUST_CHECK;

/* The same from an access; a token that came from a file is read again every TOKEN_FILE_US while
 * the file can be read (Kubernetes renews the tokens of pods). Source: client-go
 * transport/token_source. */
#define TOKEN_FILE_US USEC_PER_MIN
int kube_transport_open(struct loop *l, const struct kube_access *access,
                        struct kube_transport *ret, struct err *err) MUST_CHECK;

#endif
