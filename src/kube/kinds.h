/* kube/kinds.h: the kinds that a Kubernetes API server serves without any CRD.
 *
 * The table is generated from a real server's discovery (tools/kube-tables), in discovery order. A
 * server may serve more (CRDs, aggregated APIs) or fewer; what a cluster really has is its
 * discovery's word, in the same struct. Static memory, any thread. */
#ifndef KUBE_KINDS_H
#define KUBE_KINDS_H

#include "kube/key.h"

enum {
    KUBE_VERB_CREATE = 1,
    KUBE_VERB_DELETE = 2,
    KUBE_VERB_DELETECOLLECTION = 4,
    KUBE_VERB_GET = 8,
    KUBE_VERB_LIST = 16,
    KUBE_VERB_PATCH = 32,
    KUBE_VERB_UPDATE = 64,
    KUBE_VERB_WATCH = 128,
};

struct kube_kind {
    str group, version, kind; /* group "" is the core group */
    str plural, singular;     /* "deployments", "deployment" */
    str short_names;          /* "deploy", comma-separated */
    str categories;           /* "all", comma-separated */
    str subresources;         /* "scale,status", comma-separated, sorted */
    str schema; /* OpenAPI definition name ("io.k8s.api.apps.v1.Deployment"), see kube/schema.h, or
                   "" */
    bool namespaced;
    unsigned verbs; /* KUBE_VERB_* */
};

size_t kube_kinds_count(void);
const struct kube_kind *kube_kind_at(size_t i);

/* Exact, or NULL. version "" takes the group's preferred one (first in discovery order). */
const struct kube_kind *kube_kind_find(str group, str version, str kind);
const struct kube_kind *kube_kind_by_plural(str group, str version, str plural);
/* What people type: plural, singular, short name or lower-cased kind, optionally ".group" or
 * ".version.group". NULL: none. */
const struct kube_kind *kube_kind_by_word(str word);

bool kube_kind_has_verb(const struct kube_kind *k, unsigned verb);
bool kube_kind_has_subresource(const struct kube_kind *k, str name);
/* Is `word` one of a comma-separated list? */
bool kube_words_have(str words, str word);

/* Whether a built-in kind is cluster-scoped; kinds that are not built in count as namespaced. */
bool kube_kind_is_cluster_scoped(str group, str kind);

extern const char *const kube_verb_name[8]; /* by bit number, as discovery writes them */

#endif
