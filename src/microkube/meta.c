/* microkube/meta.c: what the server itself keeps in metadata, and the rules for names. */
#include "kube/names.h"
#include "microkube/core.h"

/* Kinds whose metadata.generation counts changes of the spec; custom resources always do. */
static const struct {
    const char *group, *plurals;
} with_generation[] = {
    {"", "pods,replicationcontrollers"},
    {"apps", "deployments,replicasets,statefulsets,daemonsets"},
    {"batch", "jobs,cronjobs"},
    {"networking.k8s.io", "ingresses,networkpolicies,ingressclasses"},
    {"scheduling.k8s.io", "priorityclasses"},
    {"discovery.k8s.io", "endpointslices"},
    {"policy", "poddisruptionbudgets"},

    {"apiextensions.k8s.io", "customresourcedefinitions"},
    {"admissionregistration.k8s.io",
     "validatingwebhookconfigurations,mutatingwebhookconfigurations,validatingadmissionpolicies,"
     "mutatingadmissionpolicies"},
    {"flowcontrol.apiserver.k8s.io", "flowschemas,prioritylevelconfigurations"},
};

bool mk_has_generation(const struct mk_resource *r)
{
    if (!r->builtin)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(with_generation); i++)
        if (str_is(r->group, with_generation[i].group))
            return kube_words_have(str_of(with_generation[i].plurals), r->plural);
    return false;
}

/* Names that follow another rule than that of a DNS subdomain. */
static const struct {
    const char *group, *plurals;
    bool (*check)(str s, const char *joint, struct buf *why);
} name_rules[] = {
    {"", "namespaces", kube_is_dns_label},
    {"", "services", kube_is_dns_label},
    {"rbac.authorization.k8s.io", "roles,rolebindings,clusterroles,clusterrolebindings",
     kube_is_path_segment},
};

static int check_name(struct mk_ctx *c, str name, bool generated)
{
    CLEANUP(buf_done) struct buf why = BUF_INIT;
    bool (*check)(str, const char *, struct buf *) = kube_is_dns_subdomain;
    mk_causes causes = {0};
    for (size_t i = 0; i < ARRAY_LEN(name_rules); i++)
        if (str_is(c->r->group, name_rules[i].group) &&
            kube_words_have(str_of(name_rules[i].plurals), c->r->plural))
            check = name_rules[i].check;
    if (check(name, ", ", &why))
        return 0;
    mk_cause(c, &causes, "FieldValueInvalid", STR("metadata.name"), "Invalid value: \"%.*s\": %.*s",
             STR_FMT(name), STR_FMT(buf_str(&why)));
    return mk_invalid(c, name, &causes);
}

int mk_check_namespace(struct mk_ctx *c, str ns)
{
    const struct mk_resource *namespaces =
        mk_resource_find(c->mk, STR(""), STR("v1"), STR("namespaces"));
    if (!c->r->namespaced)
        return 0;
    struct mk_object *o = mk_find(namespaces->storage, STR(""), ns);
    if (!o)
        return mk_not_found(c, namespaces, ns);
    if (!object_is_deleting(doc_root(o->doc)))
        return 0;
    mk_causes causes = {0};
    mk_cause(c, &causes, "NamespaceTerminating", STR("metadata.namespace"),
             "namespace %.*s is being terminated", STR_FMT(ns));
    struct mk_fault f = {.code = 403,
                         .reason = "Forbidden",
                         .group = c->r->group,
                         .kind = c->r->plural,
                         .name = c->p.name,
                         .causes = &causes};
    return mk_fail(
        c, &f,
        "%.*s \"%.*s\" is forbidden: unable to create new content in namespace %.*s because "
        "it is being terminated",
        STR_FMT(mk_resource_name(c, c->r)), STR_FMT(c->p.name), STR_FMT(ns));
}

static value text(struct mk_ctx *c, str s) { return value_of_str(c->a, s); }

static int check_label_maps(struct mk_ctx *c, value object)
{
    mk_causes causes = {0};
    CLEANUP(buf_done) struct buf why = BUF_INIT;
    size_t bytes = 0;
    for (struct value_iter it = value_iter(object_labels(object)); value_next(&it);) {
        buf_reset(&why);
        if (!kube_is_label_key(it.key, "; ", &why))
            mk_cause(c, &causes, "FieldValueInvalid", STR("metadata.labels"),
                     "Invalid value: \"%.*s\": %.*s", STR_FMT(it.key), STR_FMT(buf_str(&why)));
        buf_reset(&why);
        if (!kube_is_label_value(value_str(it.val), "; ", &why))
            mk_cause(c, &causes, "FieldValueInvalid", STR("metadata.labels"),
                     "Invalid value: \"%.*s\": %.*s", STR_FMT(value_str(it.val)),
                     STR_FMT(buf_str(&why)));
    }
    for (struct value_iter it = value_iter(object_annotations(object)); value_next(&it);) {
        buf_reset(&why);
        bytes += it.key.len + value_str(it.val).len;
        if (!kube_is_label_key(it.key, "; ", &why))
            mk_cause(c, &causes, "FieldValueInvalid", STR("metadata.annotations"),
                     "Invalid value: \"%.*s\": %.*s", STR_FMT(it.key), STR_FMT(buf_str(&why)));
    }
    if (bytes > KUBE_ANNOTATIONS_BYTES_MAX)
        mk_cause(c, &causes, "FieldValueTooLong", STR("metadata.annotations"),
                 "Too long: may not be more than %d bytes", KUBE_ANNOTATIONS_BYTES_MAX);
    return causes.n ? mk_invalid(c, object_name(object), &causes) : 0;
}

int mk_meta_create(struct mk_ctx *c, value object)
{
    value meta = value_edit_map(c->a, object, STR("metadata"));
    str ns = object_ns(object), name = object_name(object), prefix = object_generate_name(object);
    bool generated = !name.len && prefix.len;
    if (object_resource_version(object).len && !str_is(object_resource_version(object), "0"))
        return mk_fail(
            c, &(struct mk_fault){.code = 500, .reason = "InternalError"},
            "Internal error occurred: resourceVersion should not be set on objects to be created");
    if (!c->r->namespaced && ns.len)
        value_remove(meta, STR("namespace"));
    if (c->r->namespaced && ns.len && !str_eq(ns, c->p.ns))
        return mk_bad_request(
            c, "the namespace of the provided object does not match the namespace sent "
               "on the request");
    if (c->r->namespaced)
        value_setz(c->a, meta, "namespace", text(c, c->p.ns));
    if (generated) {
        name = ARENA_CAT(c->a, str_sub(prefix, 0, 58), mk_suffix_new(c->mk, c->a));
        value_setz(c->a, meta, "name", text(c, name));
    }
    if (!name.len) {
        mk_causes causes = {0};
        mk_cause(c, &causes, "FieldValueRequired", STR("metadata.name"),
                 "Required value: name or generateName is required");
        return mk_invalid(c, STR(""), &causes);
    }
    c->p.name = name;
    if (mk_check_namespace(c, c->p.ns) < 0 || check_name(c, name, generated) < 0)
        return -1;
    value_setz(c->a, meta, "uid", text(c, mk_uid_new(c->mk, c->a)));
    value_setz(c->a, meta, "creationTimestamp", text(c, time_str(c->a, mk_now(c->mk))));
    value_remove(meta, STR("deletionTimestamp"));
    value_remove(meta, STR("deletionGracePeriodSeconds"));
    value_remove(meta, STR("generation"));
    value_remove(meta, STR("selfLink"));
    value_remove(meta, STR("resourceVersion"));
    if (mk_has_generation(c->r))
        value_setz(c->a, meta, "generation", value_of_int(c->a, 1));
    return check_label_maps(c, object);
}

static const char *const kept_meta[] =
    {"uid",        "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
     "generation", "generateName",      "selfLink"};

static int check_identity(struct mk_ctx *c, value old, value object)
{
    str name = object_name(object), ns = object_ns(object), uid = object_uid(object);
    str rv = object_resource_version(object);
    if (name.len && !str_eq(name, object_name(old)))
        return mk_bad_request(
            c, "the name of the object (%.*s) does not match the name on the URL (%.*s)",
            STR_FMT(name), STR_FMT(c->p.name));
    if (c->r->namespaced && ns.len && !str_eq(ns, object_ns(old)))
        return mk_bad_request(
            c,
            "the namespace of the object (%.*s) does not match the namespace on the "
            "request (%.*s)",
            STR_FMT(ns), STR_FMT(c->p.ns));
    if (uid.len && !str_eq(uid, object_uid(old)))
        return mk_conflict(
            c, c->p.name,
            arena_printf(c->a,
                         "StorageError: invalid object, Code: 4, Key: /registry/%.*s/%.*s%s%.*s, "
                         "ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in "
                         "precondition: %.*s, UID in object meta: %.*s",
                         STR_FMT(c->r->plural), STR_FMT(object_ns(old)),
                         object_ns(old).len ? "/" : "", STR_FMT(object_name(old)), STR_FMT(uid),
                         STR_FMT(object_uid(old)))
                .at);
    if (rv.len && !str_is(rv, "0") && !str_eq(rv, object_resource_version(old)))
        return mk_conflict(c, c->p.name,
                           "the object has been modified; please apply your changes to the latest "
                           "version and try again");
    if (!rv.len && !c->r->builtin && c->req->method == METHOD_PUT) {
        mk_causes causes = {0};
        mk_cause(c, &causes, "FieldValueInvalid", STR("metadata.resourceVersion"),
                 "Invalid value: 0: must be specified for an update");
        struct mk_fault f = {.code = 422,
                             .reason = "Invalid",
                             .group = c->r->group,
                             .kind = c->r->plural,
                             .name = c->p.name,
                             .causes = &causes};
        return mk_fail(c, &f,
                       "%.*s \"%.*s\" is invalid: metadata.resourceVersion: Invalid value: 0: must "
                       "be specified "
                       "for an update",
                       STR_FMT(mk_resource_name(c, c->r)), STR_FMT(c->p.name));
    }
    return 0;
}

/* Did anything but metadata (and the status, where it has its own door) change? */
static bool spec_changed(const struct mk_resource *r, value old, value object)
{
    const value side[2] = {old, object};
    for (int i = 0; i < 2; i++) {
        for (struct value_iter it = value_iter(side[i]); value_next(&it);) {
            if (str_is(it.key, "metadata") || str_is(it.key, "apiVersion") ||
                str_is(it.key, "kind") || (r->has_status && str_is(it.key, "status")))
                continue;
            if (!value_equal(it.val, value_get(side[!i], it.key)))
                return true;
        }
    }
    return false;
}

static int refuse_new_finalizers(struct mk_ctx *c, value old, value object)
{
    mk_causes causes = {0};
    str list = STR("");
    for (struct value_iter it = value_iter(object_finalizers(object)); value_next(&it);)
        if (!object_has_finalizer(old, value_str(it.val)))
            list = arena_printf(c->a, "%.*s%s\"%.*s\"", STR_FMT(list), list.len ? ", " : "",
                                STR_FMT(value_str(it.val)));
    if (!list.len)
        return 0;
    for (int i = 0; i < (c->r->builtin ? 2 : 1); i++) /* typed kinds check it twice */
        mk_cause(c, &causes, "FieldValueForbidden", STR("metadata.finalizers"),
                 "Forbidden: no new finalizers can be added if the object is being deleted, found "
                 "new finalizers "
                 "[]string{%.*s}",
                 STR_FMT(list));
    struct mk_fault f = {.code = 422,
                         .reason = "Invalid",
                         .group = c->r->group,
                         .kind = c->r->kind,
                         .name = c->p.name,
                         .causes = &causes};
    return mk_fail(c, &f, "%.*s \"%.*s\" is invalid: metadata.finalizers: %.*s",
                   STR_FMT(mk_kind_name(c->a, c->r)), STR_FMT(c->p.name),
                   STR_FMT(causes.at[0].message));
}

/* The stored value stays, also when it is absent. */
static void keep(struct mk_ctx *c, value meta, value was, const char *key)
{
    value stored = value_get(was, str_of(key));
    if (!value_same_place(stored, value_get(meta, str_of(key))))
        value_set(c->a, meta, str_of(key), stored);
}

int mk_meta_update(struct mk_ctx *c, value old, value object, bool status_only)
{
    if (check_identity(c, old, object) < 0)
        return -1;
    value meta = value_edit_map(c->a, object, STR("metadata")), was = value_getz(old, "metadata");
    keep(c, meta, was, "name");
    if (c->r->namespaced)
        keep(c, meta, was, "namespace");
    for (size_t i = 0; i < ARRAY_LEN(kept_meta); i++)
        keep(c, meta, was, kept_meta[i]);
    keep(c, meta, was, "resourceVersion");
    if (!status_only && mk_has_generation(c->r) && spec_changed(c->r, old, object))
        value_setz(c->a, meta, "generation", value_of_int(c->a, object_generation(old) + 1));
    if (object_is_deleting(old) && refuse_new_finalizers(c, old, object) < 0)
        return -1;
    if (value_same_place(object_labels(object), object_labels(old)) &&
        value_same_place(object_annotations(object), object_annotations(old)))
        return 0;
    return check_label_maps(c, object);
}
