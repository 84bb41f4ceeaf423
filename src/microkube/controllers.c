/* microkube/controllers.c: a queue of objects that changed, and who looks at each kind.
 *
 * A controller is a function from one object to writes; it is called again whenever the object or
 * one it owns changed, or at the time it asked for. Controllers write through the same store as
 * requests do. */
#include "microkube/controllers.h"

#include <inttypes.h>

static const struct {
    const char *group, *plural;
    mk_controller_fn *run;
    bool workload;
} controllers[] = {
    {"", "namespaces", mk_namespace_controller, false},
    {"apiextensions.k8s.io", "customresourcedefinitions", mk_crd_controller, false},
    {"apps", "deployments", mk_deployment_controller, true},
    {"apps", "replicasets", mk_replicaset_controller, true},
    {"apps", "statefulsets", mk_statefulset_controller, true},
    {"apps", "daemonsets", mk_daemonset_controller, true},
    {"batch", "jobs", mk_job_controller, true},
    {"", "pods", mk_pod_controller, true},
    {"", "persistentvolumeclaims", mk_pvc_controller, false},
    {"", "services", mk_service_controller, true},
    {"networking.k8s.io", "ingresses", mk_ingress_controller, true},
};

#define ROUNDS_MAX 200000 /* controller calls of one tick */

static mk_controller_fn *controller_of(const struct microkube *mk, const struct mk_storage *s)
{
    for (size_t i = 0; i < ARRAY_LEN(controllers); i++)
        if (str_is(s->plural, controllers[i].plural) && str_is(s->group, controllers[i].group))
            return controllers[i].workload && mk->config.no_workloads ? NULL : controllers[i].run;
    return NULL;
}

static void queue_push(struct microkube *mk, struct mk_object *o)
{
    if (o->queued)
        return;
    if (mk->queue_n == mk->queue_cap) {
        mk->queue_cap = mk->queue_cap ? mk->queue_cap * 2 : 64;
        mk->queue = realloc(mk->queue, mk->queue_cap * sizeof(struct mk_object *));
        if (!mk->queue)
            abort();
    }
    o->queued = true;
    mk->queue[mk->queue_n++] = o;
}

void mk_enqueue(struct microkube *mk, struct mk_object *o)
{
    queue_push(mk, o);
    o->due_at = 0;
}

/* The queue is also the list of timers: an object stays in it until it is due. */
void mk_enqueue_at(struct microkube *mk, struct mk_object *o, usec at)
{
    bool now = o->queued && !o->due_at;
    queue_push(mk, o);
    if (!now && (!o->due_at || at < o->due_at))
        o->due_at = at;
}

/* The object that controls this one, when it is there. */
static struct mk_object *controller_object(struct microkube *mk, value object)
{
    struct kube_owner owner;
    str group, version;
    if (!object_controller(object, &owner) ||
        kube_api_version_parse(owner.api_version, &group, &version, NULL) < 0)
        return NULL;
    const struct mk_resource *r = mk_resource_by_kind(mk, group, STR(""), owner.kind);
    if (!r || !r->storage)
        return NULL;
    return mk_find(r->storage, r->namespaced ? object_ns(object) : STR(""), owner.name);
}

/* Labels of the node decide where pods and daemons may run. */
static void look_at_pending_pods(struct microkube *mk)
{
    static const struct {
        const char *group, *plural;
    } kinds[] = {{"", "pods"}, {"apps", "daemonsets"}};
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        struct mk_storage *s = mk_storage_find(mk, str_of(kinds[k].group), str_of(kinds[k].plural));
        void *o;
        for (size_t i = 0; s && map_next(&s->objects, &i, NULL, &o);) {
            value v = doc_root(((struct mk_object *)o)->doc);
            if (controller_of(mk, s) && !value_path_str(v, "spec.nodeName").len)
                mk_enqueue(mk, o);
        }
    }
}

void mk_changed(struct microkube *mk, struct mk_object *o, enum mk_event_type type)
{
    value v = doc_root(o->doc);
    if (str_is(o->storage->plural, "customresourcedefinitions"))
        mk_registry_crd(mk, o->name, v);
    if (str_is(o->storage->plural, "pods"))
        mk_pod_services_changed(mk, v);
    if (str_is(o->storage->plural, "nodes"))
        look_at_pending_pods(mk);
    struct mk_object *owner = controller_object(mk, v);
    if (owner)
        mk_enqueue(mk, owner);
    if (controller_of(mk, o->storage) || object_is_deleting(v) || value_len(object_owner_refs(v)))
        mk_enqueue(mk, o);
    if (mk->queue_n)
        mk_wake(mk, mk_now(mk));
}

static bool belongs_to_each_namespace(value object)
{
    str kind = object_kind(object), name = object_name(object);
    return (str_is(kind, "ServiceAccount") && str_is(name, "default")) ||
           (str_is(kind, "ConfigMap") && str_is(name, MK_ROOT_CA));
}

void mk_gone(struct microkube *mk, value object)
{
    size_t n;
    struct mk_object **d = mk_dependents(mk, object_uid(object), &n);
    for (size_t i = 0; i < n; i++)
        mk_enqueue(mk, d[i]);
    if (str_is(object_kind(object), "Pod"))
        mk_pod_services_changed(mk, object);
    struct mk_object *owner = controller_object(mk, object);
    if (owner)
        mk_enqueue(mk, owner);
    for (struct value_iter it = value_iter(object_owner_refs(object)); value_next(&it);) {
        struct kube_owner ref = kube_owner_of_ref(it.val);
        str group, version;
        if (kube_api_version_parse(ref.api_version, &group, &version, NULL) < 0)
            continue;
        const struct mk_resource *r = mk_resource_by_kind(mk, group, STR(""), ref.kind);
        struct mk_object *o =
            r && r->storage
                ? mk_find(r->storage, r->namespaced ? object_ns(object) : STR(""), ref.name)
                : NULL;
        if (o && object_is_deleting(doc_root(o->doc)))
            mk_enqueue(mk, o);
    }
    if (object_ns(object).len) {
        struct mk_storage *s = mk_storage_find(mk, STR(""), STR("namespaces"));
        struct mk_object *ns = mk_find(s, STR(""), object_ns(object));
        if (ns && (object_is_deleting(doc_root(ns->doc)) || belongs_to_each_namespace(object)))
            mk_enqueue(mk, ns);
    }
    if (str_is(object_kind(object), "CustomResourceDefinition"))
        mk_registry_crd(mk, object_name(object), VALUE_ABSENT);
    if (mk->queue_n)
        mk_wake(mk, mk_now(mk));
}

static void run_one(struct microkube *mk, struct mk_object *o)
{
    struct arena a;
    struct doc *hold = doc_ref(o->doc);
    mk_controller_fn *run = controller_of(mk, o->storage);
    arena_init(&a, ARENA_BYTES_DEFAULT);
    if (mk_collect_garbage(mk, o, &a) && run)
        run(mk, o, &a);
    arena_done(&a);
    doc_unref(hold);
}

bool mk_controllers_run(struct microkube *mk)
{
    usec now = mk_now(mk), due = 0;
    bool did = false;
    size_t kept = 0;
    size_t i = 0;
    for (; i < mk->queue_n && i < ROUNDS_MAX; i++) {
        struct mk_object *o = mk->queue[i];
        if (!o)
            continue;
        if (o->due_at > now) {
            due = due ? MIN_OF(due, o->due_at) : o->due_at;
            mk->queue[i] = NULL;
            mk->queue[kept++] = o; /* kept <= i: what is there was handled */
            continue;
        }
        mk->queue[i] = NULL;
        o->queued = false;
        o->due_at = 0;
        did = true;
        run_one(mk, o);
    }
    for (; i < mk->queue_n; i++) /* the rest of too long a turn comes next time */
        if (mk->queue[i])
            mk->queue[kept++] = mk->queue[i];
    mk->queue_n = kept;
    if (i >= ROUNDS_MAX)
        mk_wake(mk, now);
    if (due)
        mk_wake(mk, due);
    return did;
}

/* ---- writes of controllers ---- */

struct mk_object *mk_controller_update(struct microkube *mk, struct mk_object *o, value object,
                                       struct arena *a)
{
    struct err err;
    if (value_equal(doc_root(o->doc), object))
        return o;
    return mk_commit(mk, o->storage, o, object, a, &o, &err) < 0 ? NULL : o;
}

struct mk_object *mk_controller_create(struct microkube *mk, const char *group, const char *kind,
                                       value object, struct arena *a)
{
    const struct mk_resource *r = mk_resource_by_kind(mk, str_of(group), STR(""), str_of(kind));
    struct mk_object *o = NULL;
    struct err err;
    value meta = value_edit_map(a, object, STR("metadata"));
    if (!object_name(object).len)
        value_set_str(a, meta, "name",
                      ARENA_CAT(a, object_generate_name(object), mk_suffix_new(mk, a)));
    if (mk_find(r->storage, object_ns(object), object_name(object)))
        return NULL;
    value_set_str(a, object, "apiVersion", kube_api_version(a, r->group, r->version));
    value_set_str(a, object, "kind", r->kind);
    value_set_str(a, meta, "uid", mk_uid_new(mk, a));
    value_set_str(a, meta, "creationTimestamp", time_str(a, mk_now(mk)));
    if (mk_has_generation(r))
        value_setz(a, meta, "generation", value_of_int(a, 1));
    mk_set_defaults(mk, a, r, VALUE_ABSENT, object);
    mk_prepare_new(mk, a, r, object);
    return mk_commit(mk, r->storage, NULL, object, a, &o, &err) < 0 ? NULL : o;
}
