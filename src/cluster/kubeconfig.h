/* cluster/kubeconfig.h: where a cluster is and who we are there.
 *
 * Reads a kubeconfig file (the current or a named context), the service account of a pod, or the
 * `config` of an Argo CD cluster secret, into one struct whose text lives in the arena. Files that
 * it names (certificates, token files) are read here; relative paths are relative to the
 * kubeconfig's folder. Exec and auth-provider plug-ins are refused by name: -ERR_UNSUPPORTED.
 * Source: client-go tools/clientcmd; Argo CD ClusterConfig. */
#ifndef CLUSTER_KUBECONFIG_H
#define CLUSTER_KUBECONFIG_H

#include "net/client.h"
#include "value/value.h"

#define KUBECONFIG_BYTES_MAX ((size_t)4 << 20)
#define SERVICE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

struct kube_access {
    str server;     /* "https://127.0.0.1:6443" */
    str context;    /* name of the context used; "in-cluster" for a service account */
    str namespace;  /* of the context; "" without */
    str token_file; /* where the token was read from, and is renewed; "" none */
    struct http_client_config http; /* ready for kube_transport_http */
};

/* path: a file; context "" means current-context. Errors name the file and the entry. */
int kubeconfig_read(str path, str context, struct arena *a, struct kube_access *ret,
                    struct err *err) MUST_CHECK;
/* Environment KUBERNETES_SERVICE_HOST/PORT (passed in) and SERVICE_ACCOUNT_DIR. -ERR_NOT_FOUND: not
 * in a pod. */
int kubeconfig_in_cluster(str host, str port, struct arena *a, struct kube_access *ret,
                          struct err *err) MUST_CHECK;
/* The JSON of `config` in a cluster secret: bearerToken, username/password (refused),
 * tlsClientConfig{insecure, serverName, caData, certData, keyData}. */
int kubeconfig_of_secret(str server, value config, struct arena *a, struct kube_access *ret,
                         struct err *err) MUST_CHECK;

#endif
