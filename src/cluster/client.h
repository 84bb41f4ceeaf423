/* cluster/client.h: requests to one API server.
 *
 * Every function answers its call with a `struct doc` (drop: doc_unref) unless said otherwise.
 * Errors are the server's Status: kind by its code (404 NOT_FOUND, 409 CONFLICT or EXISTS by
 * reason, 410 GONE, 422 UNPROCESSABLE, 429 BUSY, 5xx UNAVAILABLE, 401, 403), text = its message.
 * Nothing is retried here; whoever planned the step decides by err_kind_info. One loop.
 *
 * Kinds become paths by the cluster's discovery (cluster_discover), before the first one by kube's
 * table of built-in kinds; an unknown kind answers -ERR_UNSUPPORTED "the server could not find the
 * requested resource". Source: Kubernetes API concepts; apimachinery Status. */
#ifndef CLUSTER_CLIENT_H
#define CLUSTER_CLIENT_H

#include "cluster/transport.h"
#include "kube/key.h"
#include "kube/kinds.h"
#include "value/doc.h"
#include "value/json.h"

struct cluster_client;

struct cluster_client *cluster_client_new(struct loop *l, const struct kube_transport *take_t);
void cluster_client_free(
    struct cluster_client *c); /* open calls are answered -ERR_CANCELED by the transport */
struct kube_transport *cluster_transport(struct cluster_client *c); /* borrowed: for watches */
struct loop *cluster_loop(struct cluster_client *c);

/* ---- discovery ---- */

struct cluster_kinds { /* immutable snapshot, reference-counted */
    const struct kube_kind *at;
    size_t n;
    str server_version;     /* "v1.36.3" */
    const str *api_version; /* every "group/version" and "group/version/Kind", for rendering */
    size_t n_api_versions;
    const str *failed; /* group/versions that could not be listed */
    size_t n_failed;
};
struct cluster_kinds *cluster_kinds_ref(struct cluster_kinds *k);
void cluster_kinds_unref(struct cluster_kinds *k);
/* version "": any. NULL: not served. */
const struct kube_kind *cluster_kinds_find(const struct cluster_kinds *k, str group, str version,
                                           str kind);

/* Ask for version, groups and resources (aggregated discovery when offered, else one request per
 * group version); the snapshot becomes the client's. Answers a struct cluster_kinds reference. */
void cluster_discover(struct cluster_client *c, struct call call);
/* The newest snapshot, borrowed until the next discovery; NULL before the first. */
struct cluster_kinds *cluster_kinds(struct cluster_client *c);
const struct kube_kind *cluster_kind(struct cluster_client *c, struct kube_gvk gvk);

/* ---- objects ---- */

struct cluster_target {
    struct kube_gvk gvk;
    str ns, name,
        subresource; /* ns is ignored for cluster-scoped kinds; name "" for create and list */
};
struct cluster_target cluster_target_of(value object); /* borrows */

enum cluster_patch_type {
    CLUSTER_PATCH_JSON,
    CLUSTER_PATCH_MERGE,
    CLUSTER_PATCH_STRATEGIC,
    CLUSTER_PATCH_APPLY
};

struct cluster_options { /* all may be zero; text is borrowed for the call */
    str field_manager;
    str field_validation; /* Strict, Warn, Ignore; "" the server's default */
    bool dry_run;         /* dryRun=All */
    bool force;           /* server-side apply */
    str propagation;      /* delete: Foreground, Background, Orphan */
    str uid;              /* delete: precondition */
};

void cluster_get(struct cluster_client *c, const struct cluster_target *t, struct call call);
void cluster_create(struct cluster_client *c, const struct cluster_target *t, value object,
                    const struct cluster_options *o, struct call call);
void cluster_update(struct cluster_client *c, const struct cluster_target *t, value object,
                    const struct cluster_options *o, struct call call);
void cluster_patch(struct cluster_client *c, const struct cluster_target *t,
                   enum cluster_patch_type type, str body, const struct cluster_options *o,
                   struct call call);
void cluster_delete(struct cluster_client *c, const struct cluster_target *t,
                    const struct cluster_options *o, struct call call);
/* Any path (escaped, with query): answers the raw struct kube_response whatever its status. */
void cluster_raw(struct cluster_client *c, const struct kube_request *r, struct call call);

/* The collection or object path of a target, escaped; "" when the kind is not known. */
str cluster_path(struct cluster_client *c, const struct cluster_target *t, struct arena *a);

/* 0 and the body's document, or the error its Status says. For transports' users that read answers
 * themselves. */
int cluster_answer(const struct kube_response *r, struct doc **ret, struct err *err) MUST_CHECK;

#endif
