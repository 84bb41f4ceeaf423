/* api/api.h: the REST API of Argo CD 3.6: route table, sessions, authorisation, streams, metrics
 * page.
 *
 * One api belongs to one loop and meets the controllers only through the Kubernetes API (intent: it
 * writes Applications) and through appcache/ (results: it reads what was last computed). api_handle
 * is the handler of net/server.h. Error bodies are grpc-gateway's {"error","code","message"}; texts
 * are Argo CD's.
 *
 * Accounts come from argocd-cm and argocd-secret (bcrypt passwords checked in the pool, HS256
 * tokens signed with server.secretkey), policies from argocd-rbac-cm; all three are followed. Until
 * they were read once, requests that need a login are answered 503. Source: argo-cd server/
 * (application, session, account, settings, version, project services). */
#ifndef API_API_H
#define API_API_H

#include "appcache/appcache.h"
#include "base/metrics.h"
#include "cluster/client.h"
#include "control/informer.h"
#include "event/pool.h"
#include "manifests/manifests.h"
#include "net/server.h"

struct api;

/* Where an application's objects live; the API reads and patches single resources there. */
struct api_ports {
    void *arg;
    /* As controllers' app_world.repo. May be NULL. */
    bool (*repo)(void *arg, str url, str project, struct arena *a, struct source_repo *ret);
    /* The client of a destination (server URL or cluster name); NULL: not known. May be NULL: home
     * only. */
    struct cluster_client *(*cluster)(void *arg, str server, str name);
    /* Is the process ready to serve? NULL: yes. */
    bool (*healthy)(void *arg);
};

struct api_config { /* everything is borrowed for the life of the api */
    struct loop *loop;
    struct pool *pool;
    struct cluster_client *home; /* holds Applications, AppProjects, settings, secrets */
    struct appcache *results;
    struct manifests *manifests; /* revisions to commits, commit metadata; may be NULL */
    struct informer *applications, *projects, *secrets; /* each may be NULL: the api opens its own.
                                                           With applications given, its owner must
                                                           call api_application_changed */
    struct metrics
        *metrics; /* printed at /metrics; argocd_app_info is added here. NULL: an own one */
    struct api_ports ports;
    str namespace; /* of the control plane: "argocd" */
    str version;   /* "v3.6.0+tiphys" */
};

/* Opens an informer of its own for the ConfigMaps of the namespace. */
struct api *api_new(const struct api_config *config);
/* arg is the struct api: http_server_config.handler = api_handle, .arg = api. */
void api_handle(void *arg, const struct http_request *req, struct http_reply reply);
/* Tell streams about a change of an Application (informer_config.changed of whoever owns the
 * informer). */
void api_application_changed(struct api *api, const struct doc *before, const struct doc *after);
/* End all streams (graceful shutdown); call before http_server_stop. */
void api_close(struct api *api);
void api_free(struct api *api);

#endif
