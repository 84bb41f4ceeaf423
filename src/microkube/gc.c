/* microkube/gc.c: deletion: finalizers, propagation policies, owner references, namespaces. */
#include "microkube/controllers.h"

#define ORPHAN STR("orphan")
#define FOREGROUND STR("foregroundDeletion")

#define POD_GRACE_SECONDS 30

#define ROOT_CA_DESCRIPTION                                                                        \
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "      \
    "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "      \
    "guaranteed across distributions of Kubernetes clusters."

/* Kinds whose dependents stay unless the caller says otherwise. */
static bool orphans_by_default(const struct mk_storage *s)
{
    return (str_is(s->plural, "replicationcontrollers") && !s->group.len);
}

static bool is_namespace(const struct mk_object *o)
{
    return str_is(o->storage->plural, "namespaces") && !o->storage->group.len;
}

static bool is_pod(const struct mk_object *o)
{
    return str_is(o->storage->plural, "pods") && !o->storage->group.len;
}

static value with_finalizer(struct arena *a, value list, str add)
{
    value out = value_new_list(a);
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        str s = value_str(it.val);
        if (!str_eq(s, ORPHAN) && !str_eq(s, FOREGROUND))
            value_push(a, out, it.val);
    }
    if (add.len)
        value_push(a, out, value_of_str(a, add));
    return out;
}

static bool has_dependents(struct microkube *mk, str uid)
{
    size_t n;
    mk_dependents(mk, uid, &n);
    return n > 0;
}

static int mark_deleted(struct microkube *mk, struct mk_object *o, value finalizers, int64_t grace,
                        struct arena *a, struct err *err)
{
    value v = value_edit(a, doc_root(o->doc)), meta = value_edit_map(a, v, STR("metadata"));
    bool first = !object_is_deleting(doc_root(o->doc));
    value_setz(a, meta, "finalizers", value_len(finalizers) ? finalizers : VALUE_ABSENT);
    if (first) {
        value_set_str(a, meta, "deletionTimestamp", time_str(a, mk_now(mk) + grace * USEC_PER_SEC));
        value_setz(a, meta, "deletionGracePeriodSeconds", value_of_int(a, grace));
        if (object_generation(v))
            value_setz(a, meta, "generation", value_of_int(a, object_generation(v) + 1));
    }
    if (is_namespace(o))
        value_set_path(a, v, "status.phase", value_of_str(a, STR("Terminating")));
    if (value_equal(v, doc_root(o->doc)))
        return 0;
    return mk_commit(mk, o->storage, o, v, a, NULL, err);
}

static enum mk_propagation propagation_of(const struct mk_object *o, enum mk_propagation how)
{
    value v = doc_root(o->doc);
    if (how != MK_PROPAGATION_DEFAULT)
        return how;
    if (object_has_finalizer(v, FOREGROUND))
        return MK_FOREGROUND;
    return object_has_finalizer(v, ORPHAN) || orphans_by_default(o->storage) ? MK_ORPHAN
                                                                             : MK_BACKGROUND;
}

/* Only pods that run somewhere take their time. */
static int64_t grace_of(const struct microkube *mk, const struct mk_object *o, int64_t wanted)
{
    value v = doc_root(o->doc), own = value_path(v, "spec.terminationGracePeriodSeconds");
    if (!is_pod(o) || !value_path_str(v, "spec.nodeName").len || mk->config.no_workloads)
        return 0;
    return wanted >= 0 ? wanted : value_exists(own) ? value_int(own) : POD_GRACE_SECONDS;
}

int mk_delete_object(struct microkube *mk, struct mk_object *o, struct mk_delete d, struct arena *a,
                     struct doc **ret_doc, bool *ret_gone, struct err *err)
{
    enum mk_propagation how = propagation_of(o, d.how);
    str add = how == MK_FOREGROUND                             ? FOREGROUND
              : how == MK_ORPHAN && has_dependents(mk, o->uid) ? ORPHAN
                                                               : STR("");
    value finalizers = with_finalizer(a, object_finalizers(doc_root(o->doc)), add);
    int64_t grace = grace_of(mk, o, d.grace_seconds);
    bool at_once = !value_len(finalizers) && !grace && !is_namespace(o);
    if (ret_gone)
        *ret_gone = at_once;
    if (at_once)
        return mk_erase(mk, o, a, ret_doc, err);
    int rc = mark_deleted(mk, o, finalizers, grace, a, err);
    if (rc == 0 && ret_doc)
        *ret_doc = doc_ref(o->doc);
    return rc;
}

/* ---- owners ---- */

static struct mk_object *owner_object(struct microkube *mk, value dependent, value ref)
{
    struct kube_owner r = kube_owner_of_ref(ref);
    str group, version;
    if (kube_api_version_parse(r.api_version, &group, &version, NULL) < 0)
        return NULL;
    const struct mk_resource *res = mk_resource_by_kind(mk, group, STR(""), r.kind);
    if (!res || !res->storage)
        return NULL;
    struct mk_object *o =
        mk_find(res->storage, res->namespaced ? object_ns(dependent) : STR(""), r.name);
    return o && str_eq(o->uid, r.uid) ? o : NULL;
}

/* Every owner it names is gone, or waits for it in the foreground. */
static bool is_garbage(struct microkube *mk, value v, bool *ret_waited)
{
    value refs = object_owner_refs(v);
    *ret_waited = false;
    if (!value_len(refs))
        return false;
    for (struct value_iter it = value_iter(refs); value_next(&it);) {
        struct mk_object *owner = owner_object(mk, v, it.val);
        if (!owner)
            continue;
        value o = doc_root(owner->doc);
        if (!object_is_deleting(o) || !object_has_finalizer(o, FOREGROUND))
            return false;
        *ret_waited = true;
    }
    return true;
}

static void drop_finalizer(struct microkube *mk, struct mk_object *o, str finalizer,
                           struct arena *a)
{
    struct err err;
    value v = value_edit(a, doc_root(o->doc)), meta = value_edit_map(a, v, STR("metadata"));
    value list = value_new_list(a);
    for (struct value_iter it = value_iter(object_finalizers(doc_root(o->doc))); value_next(&it);)
        if (!str_eq(value_str(it.val), finalizer))
            value_push(a, list, it.val);
    value_setz(a, meta, "finalizers", value_len(list) ? list : VALUE_ABSENT);
    if (mk_commit(mk, o->storage, o, v, a, NULL, &err) == 0)
        mk_enqueue(mk, o);
}

static void disown(struct microkube *mk, struct mk_object *o, str uid, struct arena *a)
{
    struct err err;
    value v = value_edit(a, doc_root(o->doc)), meta = value_edit_map(a, v, STR("metadata"));
    value list = value_new_list(a);
    for (struct value_iter it = value_iter(object_owner_refs(doc_root(o->doc))); value_next(&it);)
        if (!str_eq(value_path_str(it.val, "uid"), uid))
            value_push(a, list, it.val);
    value_setz(a, meta, "ownerReferences", value_len(list) ? list : VALUE_ABSENT);
    if (mk_commit(mk, o->storage, o, v, a, NULL, &err) < 0)
        return;
}

static bool blocks(value dependent, str uid)
{
    for (struct value_iter it = value_iter(object_owner_refs(dependent)); value_next(&it);)
        if (str_eq(value_path_str(it.val, "uid"), uid))
            return value_bool(value_getz(it.val, "blockOwnerDeletion"));
    return false;
}

static struct mk_object **copy_dependents(struct microkube *mk, str uid, struct arena *a, size_t *n)
{
    struct mk_object **d = mk_dependents(mk, uid, n);
    return *n ? arena_copy(a, d, *n * sizeof(struct mk_object *)) : NULL;
}

static void run_orphan(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    size_t n;
    str uid = arena_str(a, o->uid);
    struct mk_object **d = copy_dependents(mk, uid, a, &n);
    for (size_t i = 0; i < n; i++)
        disown(mk, d[i], uid, a);
    drop_finalizer(mk, o, ORPHAN, a);
}

static void run_foreground(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    struct err err;
    size_t n, blocking = 0;
    str uid = arena_str(a, o->uid);
    struct mk_object **d = copy_dependents(mk, uid, a, &n);
    for (size_t i = 0; i < n; i++) {
        bool waited, must = blocks(doc_root(d[i]->doc), uid);
        bool garbage = is_garbage(mk, doc_root(d[i]->doc), &waited);
        if (garbage && !object_is_deleting(doc_root(d[i]->doc)) &&
            mk_delete_object(mk, d[i], (struct mk_delete){MK_PROPAGATION_DEFAULT, -1}, a, NULL,
                             NULL, &err) < 0)
            return;
        blocking += must && garbage;
    }
    mk_dependents(mk, uid, &n);
    if (!n || !blocking)
        drop_finalizer(mk, o, FOREGROUND, a);
}

bool mk_collect_garbage(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    struct err err;
    bool waited;
    value v = doc_root(o->doc);
    if (object_is_deleting(v)) {
        if (object_has_finalizer(v, ORPHAN)) {
            run_orphan(mk, o, a);
            return false;
        }
        if (object_has_finalizer(v, FOREGROUND)) {
            run_foreground(mk, o, a);
            return false;
        }
        if (value_len(object_finalizers(v)) || is_namespace(o))
            return true;
        /* a pod ends with its (simulated) kubelet, at once */
        if (mk_erase(mk, o, a, NULL, &err) < 0)
            return true;
        return false;
    }
    if (!is_garbage(mk, v, &waited))
        return true;
    if (mk_delete_object(mk, o,
                         (struct mk_delete){waited ? MK_FOREGROUND : MK_PROPAGATION_DEFAULT, -1}, a,
                         NULL, NULL, &err) < 0)
        return true;
    return false;
}

/* ---- namespaces ---- */

static size_t delete_content(struct microkube *mk, struct mk_storage *s, str ns, struct arena *a)
{
    struct err err;
    size_t n, left = 0;
    struct mk_object **all = mk_range(s, ns, &n);
    struct mk_object **copy = ARENA_ARRAY(a, struct mk_object *, n + 1);
    if (n)
        memcpy(copy, all, n * sizeof(*copy));
    for (size_t i = 0; i < n; i++) {
        bool gone = false;
        if (object_is_deleting(doc_root(copy[i]->doc)) ||
            mk_delete_object(mk, copy[i], (struct mk_delete){MK_BACKGROUND, -1}, a, NULL, &gone,
                             &err) < 0 ||
            !gone)
            left++;
    }
    return left;
}

static value root_ca_fields(struct microkube *mk, struct arena *a)
{
    static const char fields[] =
        "[{\"manager\":\"kube-controller-manager\",\"operation\":\"Update\",\"apiVersion\":\"v1\","
        "\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:data\":{\".\":{},\"f:ca.crt\":{}},"
        "\"f:metadata\":{\"f:annotations\":{\".\":{},\"f:kubernetes.io/description\":{}}}}}]";
    value list;
    if (json_parse(str_of(fields), NULL, a, &list, NULL) < 0)
        return VALUE_ABSENT;
    value_set_str(a, value_at(list, 0), "time", time_str(a, mk_now(mk)));
    return list;
}

/* What other controllers put into each namespace, and put back. */
static void ensure_content(struct microkube *mk, str ns, struct arena *a)
{
    static const struct {
        const char *plural, *kind, *name;
    } content[] = {{"serviceaccounts", "ServiceAccount", "default"},
                   {"configmaps", "ConfigMap", MK_ROOT_CA}};
    for (size_t i = 0; i < ARRAY_LEN(content); i++) {
        struct mk_storage *s = mk_storage_find(mk, STR(""), str_of(content[i].plural));
        if (mk_find(s, ns, str_of(content[i].name)))
            continue;
        value object = value_new_map(a), meta = value_edit_map(a, object, STR("metadata"));
        value_set_str(a, meta, "name", str_of(content[i].name));
        value_set_str(a, meta, "namespace", ns);
        if (str_is(str_of(content[i].name), MK_ROOT_CA)) {
            value_set(a, value_edit_map(a, meta, STR("annotations")),
                      STR("kubernetes.io/description"), value_of_str(a, STR(ROOT_CA_DESCRIPTION)));
            value_set(a, value_edit_map(a, object, STR("data")), STR("ca.crt"),
                      value_of_str(a, mk->root_ca));
            value_setz(a, meta, "managedFields", root_ca_fields(mk, a));
        }
        mk_controller_create(mk, "", content[i].kind, object, a);
    }
}

void mk_namespace_controller(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    struct err err;
    size_t left = 0;
    str ns = arena_str(a, o->name);
    if (!object_is_deleting(doc_root(o->doc))) {
        ensure_content(mk, ns, a);
        return;
    }
    for (struct mk_storage *s = mk->storages; s; s = s->next)
        if (s->namespaced)
            left += delete_content(mk, s, ns, a);
    if (left || value_len(object_finalizers(doc_root(o->doc))))
        return;
    if (mk_erase(mk, o, a, NULL, &err) < 0)
        mk_enqueue_at(mk, o, mk_now(mk) + USEC_PER_SEC);
}
