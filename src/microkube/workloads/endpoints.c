/* microkube/workloads/endpoints.c: the EndpointSlice of a Service with a selector: its running
 * pods. */
#include "microkube/workloads.h"

#define SERVICE_NAME STR("kubernetes.io/service-name")

static struct mk_object *slice_of(struct microkube *mk, struct mk_object *service, struct arena *a)
{
    struct mk_children c = mk_children_of(mk, service, "EndpointSlice", a);
    return c.n ? c.at[0] : NULL;
}

static value endpoint_of(struct arena *a, value pod)
{
    value e = value_new_map(a), ref = value_new_map(a), conditions = value_new_map(a);
    bool ready = mk_pod_is_ready(pod);
    value_push(a, value_edit_list(a, e, STR("addresses")),
               value_of_str(a, value_path_str(pod, "status.podIP")));
    value_setz(a, conditions, "ready", value_of_bool(a, ready));
    value_setz(a, conditions, "serving", value_of_bool(a, ready));
    value_setz(a, conditions, "terminating", value_of_bool(a, false));
    value_setz(a, e, "conditions", conditions);
    value_setz(a, e, "nodeName", value_path(pod, "spec.nodeName"));
    value_set_str(a, ref, "kind", STR("Pod"));
    value_set_str(a, ref, "name", object_name(pod));
    value_set_str(a, ref, "namespace", object_ns(pod));
    value_set_str(a, ref, "uid", object_uid(pod));
    value_setz(a, e, "targetRef", ref);
    return e;
}

static value ports_of(struct arena *a, value service)
{
    value list = value_new_list(a);
    for (struct value_iter it = value_iter(value_path(service, "spec.ports")); value_next(&it);) {
        value p = value_new_map(a), target = value_getz(it.val, "targetPort");
        value_set_str(a, p, "name", value_path_str(it.val, "name"));
        value_setz(a, p, "port", value_is_number(target) ? target : value_getz(it.val, "port"));
        value_setz(a, p, "protocol", value_getz(it.val, "protocol"));
        value_push(a, list, p);
    }
    return list;
}

static value endpoints_of(struct microkube *mk, struct mk_object *service, struct arena *a)
{
    struct kube_selector s;
    size_t n;
    value list = value_new_list(a);
    struct mk_object **pods = mk_range(mk_storage_find(mk, STR(""), STR("pods")), service->ns, &n);
    kube_label_selector_of_map(value_path(doc_root(service->doc), "spec.selector"), a, &s);
    for (size_t i = 0; i < n; i++) {
        value pod = doc_root(pods[i]->doc);
        if (kube_selector_matches(&s, object_labels(pod)) &&
            value_path_str(pod, "status.podIP").len && !mk_pod_is_done(pod) &&
            !object_is_deleting(pod))
            value_push(a, list, endpoint_of(a, pod));
    }
    return list;
}

void mk_write_endpoints(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    value service = doc_root(o->doc);
    struct mk_object *slice = slice_of(mk, o, a);
    if (!value_len(value_path(service, "spec.selector")))
        return;
    value v = slice ? value_edit(a, doc_root(slice->doc)) : value_new_map(a);
    value_set_str(a, v, "addressType", STR("IPv4"));
    value_setz(a, v, "endpoints", endpoints_of(mk, o, a));
    value_setz(a, v, "ports", ports_of(a, service));
    if (slice) {
        mk_controller_update(mk, slice, v, a);
        return;
    }
    value meta = value_edit_map(a, v, STR("metadata"));
    value_set_str(a, meta, "generateName", ARENA_CAT(a, o->name, STR("-")));
    value_set_str(a, meta, "namespace", o->ns);
    value labels = value_edit(a, object_labels(service));
    if (!value_is_map(labels))
        labels = value_new_map(a);
    value_set_str(a, labels, "endpointslice.kubernetes.io/managed-by",
                  STR("endpointslice-controller.k8s.io"));
    value_set(a, labels, SERVICE_NAME, value_of_str(a, o->name));
    value_setz(a, meta, "labels", labels);
    value_setz(a, meta, "ownerReferences", mk_owner_ref(a, service));
    mk_controller_create(mk, "discovery.k8s.io", "EndpointSlice", v, a);
}

void mk_pod_services_changed(struct microkube *mk, value pod)
{
    size_t n;
    struct arena a;
    struct mk_object **services =
        mk_range(mk_storage_find(mk, STR(""), STR("services")), object_ns(pod), &n);
    if (!n || mk->config.no_workloads)
        return;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    for (size_t i = 0; i < n; i++) {
        struct kube_selector s;
        value selector = value_path(doc_root(services[i]->doc), "spec.selector");
        kube_label_selector_of_map(selector, &a, &s);
        if (value_len(selector) && kube_selector_matches(&s, object_labels(pod)))
            mk_enqueue(mk, services[i]);
    }
    arena_done(&a);
}
