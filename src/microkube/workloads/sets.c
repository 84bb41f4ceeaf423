/* microkube/workloads/sets.c: StatefulSet and DaemonSet: pods with fixed names, revisions, replaced
 * one by one. */
#include <inttypes.h>

#include "microkube/workloads.h"

#define STS_HASH "controller-revision-hash"

static str revision_name(struct arena *a, struct mk_object *o, str hash)
{
    return ARENA_CAT(a, o->name, STR("-"), hash);
}

static void keep_revision(struct microkube *mk, struct mk_object *o, str name, struct arena *a)
{
    struct mk_storage *s = mk_storage_find(mk, STR("apps"), STR("controllerrevisions"));
    value v = value_new_map(a), owner = doc_root(o->doc),
          meta = value_edit_map(a, v, STR("metadata"));
    if (mk_find(s, o->ns, name))
        return;
    value_set_str(a, meta, "name", name);
    value_set_str(a, meta, "namespace", o->ns);
    value_setz(a, meta, "labels", value_path(owner, "spec.template.metadata.labels"));
    value_setz(a, meta, "ownerReferences", mk_owner_ref(a, owner));
    value_set_path(a, v, "data.spec.template", value_path(owner, "spec.template"));
    value_setz(a, v, "revision",
               value_of_int(a, (int64_t)mk_children_of(mk, o, "ControllerRevision", a).n + 1));
    mk_controller_create(mk, "apps", "ControllerRevision", v, a);
}

static void make_claims(struct microkube *mk, struct mk_object *o, str pod, struct arena *a)
{
    struct mk_storage *s = mk_storage_find(mk, STR(""), STR("persistentvolumeclaims"));
    for (struct value_iter it =
             value_iter(value_path(doc_root(o->doc), "spec.volumeClaimTemplates"));
         value_next(&it);) {
        str name = ARENA_CAT(a, object_name(it.val), STR("-"), pod);
        if (mk_find(s, o->ns, name))
            continue;
        value v = value_new_map(a), meta = value_edit_map(a, v, STR("metadata"));
        value_set_str(a, meta, "name", name);
        value_set_str(a, meta, "namespace", o->ns);
        value_setz(a, meta, "labels", value_path(doc_root(o->doc), "spec.selector.matchLabels"));
        value_setz(a, v, "spec", value_getz(it.val, "spec"));
        mk_controller_create(mk, "", "PersistentVolumeClaim", v, a);
    }
}

static void mount_claims(struct arena *a, value template, value sts, str pod)
{
    for (struct value_iter it = value_iter(value_path(sts, "spec.volumeClaimTemplates"));
         value_next(&it);) {
        value spec = value_edit_map(a, template, STR("spec")),
              list = value_edit_list(a, spec, STR("volumes"));
        value v = value_new_map(a);
        value_set_str(a, v, "name", object_name(it.val));
        value_set_path(a, v, "persistentVolumeClaim.claimName",
                       value_of_str(a, ARENA_CAT(a, object_name(it.val), STR("-"), pod)));
        value_push(a, list, v);
    }
}

static bool create_stateful_pod(struct microkube *mk, struct mk_object *o, str name, str revision,
                                int64_t i, struct arena *a)
{
    value sts = doc_root(o->doc), template = value_edit(a, value_path(sts, "spec.template"));
    value meta = value_edit_map(a, template, STR("metadata")),
          labels = value_edit_map(a, meta, STR("labels"));
    value_set_str(a, labels, "apps.kubernetes.io/pod-index", arena_printf(a, "%" PRId64, i));
    value_set_str(a, labels, "statefulset.kubernetes.io/pod-name", name);
    make_claims(mk, o, name, a);
    mount_claims(a, template, sts, name);
    value_set_path(a, template, "spec.hostname", value_of_str(a, name));
    value_set_path(a, template, "spec.subdomain", value_path(sts, "spec.serviceName"));
    return mk_pod_create(mk, o, template, name, STS_HASH, revision, a) != NULL;
}

struct sts_counts {
    int64_t all, ready, updated, current;
};

/* One step: make the first missing pod, wait for the first unready one, replace the last outdated
 * one. */
static void stateful_step(struct microkube *mk, struct mk_object *o, str revision, struct arena *a)
{
    value sts = doc_root(o->doc);
    struct mk_storage *pods = mk_storage_find(mk, STR(""), STR("pods"));
    int64_t want = value_int(value_path(sts, "spec.replicas"));
    int64_t partition = value_int(value_path(sts, "spec.updateStrategy.rollingUpdate.partition"));
    bool parallel = str_is(value_path_str(sts, "spec.podManagementPolicy"), "Parallel");
    bool on_delete = str_is(value_path_str(sts, "spec.updateStrategy.type"), "OnDelete"),
         all_ready = true;
    for (int64_t i = 0; i < want; i++) {
        str name = arena_printf(a, "%.*s-%" PRId64, STR_FMT(o->name), i);
        struct mk_object *pod = mk_find(pods, o->ns, name);
        if (!pod && !create_stateful_pod(mk, o, name, revision, i, a))
            return;
        if (!pod || !mk_pod_is_ready(doc_root(pod->doc)) ||
            object_is_deleting(doc_root(pod->doc))) {
            all_ready = false;
            bool outdated =
                pod && !str_eq(object_label(doc_root(pod->doc), STR(STS_HASH)), revision);
            if (!parallel && !outdated)
                return;
        }
    }
    struct mk_children c = mk_children_of(mk, o, "Pod", a);
    for (size_t i = c.n; i-- > 0;) {
        str base, number;
        int64_t n = 0;
        str_rcut(c.at[i]->name, '-', &base, &number);
        str_to_i64(number, &n);
        bool outdated = !str_eq(object_label(doc_root(c.at[i]->doc), STR(STS_HASH)), revision);
        if (n >= want) {
            mk_remove_object(mk, c.at[i], a);
            return;
        }
        if (outdated && !on_delete && n >= partition &&
            (all_ready || !mk_pod_is_ready(doc_root(c.at[i]->doc)))) {
            mk_remove_object(mk, c.at[i], a);
            return;
        }
    }
}

void mk_statefulset_controller(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    value sts = doc_root(o->doc), status = value_new_map(a);
    if (object_is_deleting(sts))
        return;
    int64_t want = value_int(value_path(sts, "spec.replicas"));
    str revision = revision_name(a, o, mk_template_hash(a, value_path(sts, "spec.template")));
    str current = value_path_str(sts, "status.currentRevision");
    current = arena_str(a, current.len ? current : revision);
    keep_revision(mk, o, revision, a);
    stateful_step(mk, o, revision, a);
    struct sts_counts n = {0, 0, 0, 0};
    struct mk_children c = mk_children_of(mk, o, "Pod", a);
    for (size_t i = 0; i < c.n; i++) {
        value pod = doc_root(c.at[i]->doc);
        str has = object_label(pod, STR(STS_HASH));
        n.all++;
        n.ready += mk_pod_is_ready(pod);
        n.updated += str_eq(has, revision);
        n.current += str_eq(has, current);
    }
    if (n.updated == want && n.ready == want && n.all == want) {
        current = revision;
        n.current = n.updated;
    }
    value_setz(a, status, "availableReplicas", value_of_int(a, n.ready));
    value_setz(a, status, "collisionCount", value_of_int(a, 0));
    mk_set_count(a, status, "currentReplicas", n.current);
    value_set_str(a, status, "currentRevision", current);
    value_setz(a, status, "observedGeneration", value_of_int(a, object_generation(sts)));
    mk_set_count(a, status, "readyReplicas", n.ready);
    value_setz(a, status, "replicas", value_of_int(a, n.all));
    value_set_str(a, status, "updateRevision", revision);
    mk_set_count(a, status, "updatedReplicas", n.updated);
    mk_status_update(mk, o, status, a);
}

void mk_daemonset_controller(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    value ds = doc_root(o->doc), status = value_new_map(a),
          template = value_path(ds, "spec.template");
    if (object_is_deleting(ds))
        return;
    str hash = mk_template_hash(a, template);
    bool on_delete = str_is(value_path_str(ds, "spec.updateStrategy.type"), "OnDelete");
    keep_revision(mk, o, revision_name(a, o, hash), a);
    struct mk_children c = mk_children_of(mk, o, "Pod", a);
    if (c.n && !on_delete && !str_eq(object_label(doc_root(c.at[0]->doc), STR(STS_HASH)), hash)) {
        mk_remove_object(mk, c.at[0], a);
        c = mk_children_of(mk, o, "Pod", a);
    }
    bool fits = mk_node_fits(mk, value_path(template, "spec.nodeSelector"));
    if (c.n && !fits) {
        mk_remove_object(mk, c.at[0], a);
        c = mk_children_of(mk, o, "Pod", a);
    }
    if (!c.n && fits && mk_pod_create(mk, o, template, STR(""), STS_HASH, hash, a))
        c = mk_children_of(mk, o, "Pod", a);
    bool there = c.n > 0, ready = there && mk_pod_is_ready(doc_root(c.at[0]->doc));
    bool updated = there && str_eq(object_label(doc_root(c.at[0]->doc), STR(STS_HASH)), hash);
    value_setz(a, status, "currentNumberScheduled", value_of_int(a, there));
    value_setz(a, status, "desiredNumberScheduled", value_of_int(a, fits));
    mk_set_count(a, status, "numberAvailable", ready);
    value_setz(a, status, "numberMisscheduled", value_of_int(a, 0));
    value_setz(a, status, "numberReady", value_of_int(a, ready));
    mk_set_count(a, status, "numberUnavailable", fits && !ready);
    value_setz(a, status, "observedGeneration", value_of_int(a, object_generation(ds)));
    mk_set_count(a, status, "updatedNumberScheduled", updated);
    mk_status_update(mk, o, status, a);
}
