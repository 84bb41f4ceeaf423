/* kube/apply.h: managedFields and server-side apply as pure functions.
 *
 * Objects are in one version (that of `schema`). The field sets of managers that wrote another
 * version are compared in theirs: `versions` says how; without it all versions have the same paths
 * (as custom resources without a conversion webhook). The caller brings what the server ignores
 * (`reset`: fields of other doors, such as status) and writes the result down. Source:
 * structured-merge-diff merge.Updater; apimachinery pkg/util/managedfields (entry order, conflict
 * texts, before-first-apply, the bound on entries of updates). */
#ifndef KUBE_APPLY_H
#define KUBE_APPLY_H

#include "base/time.h"
#include "kube/fieldset.h"

#define KUBE_UPDATE_MANAGERS_MAX 10 /* entries of updates; older ones are merged */

/* The other versions of a kind. */
struct kube_apply_versions {
    void *arg;
    /* The type of an apiVersion; NULL: it is not served any more, and its managers are dropped. */
    const struct kube_schema *(*schema)(void *arg, str api_version);
    /* The object in that version, in `a`. */
    value (*convert)(void *arg, value object, str api_version, struct arena *a);
};

struct kube_apply {
    const struct kube_schema *schema;
    str api_version;
    str manager;
    str subresource;                            /* "" or "status", "scale" */
    const struct kube_apply_versions *versions; /* NULL: all versions have the same paths */
    const struct fieldset *reset; /* paths that are never owned through this door, or NULL */
    usec now;
    bool force;
    bool settled; /* updates: live's managers were written under this type; they are not read again
                     but where the write reaches them */
};

/* One field that another manager owns. */
struct kube_apply_conflict {
    str manager; /* as people read it: "kubectl" using apps/v1 (with quotes) */
    str path;    /* .spec.replicas */
};

struct kube_apply_result {
    value object; /* with the new managedFields */
    struct kube_apply_conflict *conflict;
    size_t n_conflicts;
    str conflict_message; /* Apply failed with 1 conflict: ... */
};

/* Apply `config` (a manifest without managedFields) over `live` (absent: create). 0, also with
 * conflicts (n_conflicts > 0, object absent) unless forced; -ERR_INVALID: managedFields that cannot
 * be read. */
int kube_apply(const struct kube_apply *k, value live, value config, struct arena *a,
               struct kube_apply_result *ret, struct err *err) MUST_CHECK;

/* Track an update or a create (live absent) by any other verb: `object` is a building map whose
 * metadata.managedFields is set. Unreadable managedFields are started anew; an empty list resets
 * them. An existing object (it has a uid) without managers stays without. */
void kube_track_update(const struct kube_apply *k, value live, value object, struct arena *a);

#endif
