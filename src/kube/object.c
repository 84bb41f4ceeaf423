/* kube/object.c */
#include "kube/object.h"

static str meta_str(value o, str key)
{
    return value_str(value_get(value_getz(o, "metadata"), key));
}

static value meta_map(value o, str key)
{
    value v = value_get(value_getz(o, "metadata"), key);
    return value_is_map(v) ? v : VALUE_ABSENT;
}

static value meta_list(value o, str key)
{
    value v = value_get(value_getz(o, "metadata"), key);
    return value_is_list(v) ? v : VALUE_ABSENT;
}

static usec meta_time(value o, str key)
{
    usec at;
    return time_parse(meta_str(o, key), &at) ? at : 0;
}

str object_api_version(value o) { return value_str(value_getz(o, "apiVersion")); }
str object_kind(value o) { return value_str(value_getz(o, "kind")); }

static void split_version(value o, str *group, str *version)
{
    if (kube_api_version_parse(object_api_version(o), group, version, NULL) < 0)
        *group = *version = STR("");
}

str object_group(value o)
{
    str group, version;
    split_version(o, &group, &version);
    return group;
}

str object_version(value o)
{
    str group, version;
    split_version(o, &group, &version);
    return version;
}

struct kube_gvk object_gvk(value o)
{
    struct kube_gvk gvk = {.kind = object_kind(o)};
    split_version(o, &gvk.group, &gvk.version);
    return gvk;
}

struct kube_key object_key(value o)
{
    return (struct kube_key){object_group(o), object_kind(o), object_ns(o), object_name(o)};
}

str object_name(value o) { return meta_str(o, STR("name")); }
str object_ns(value o) { return meta_str(o, STR("namespace")); }
str object_uid(value o) { return meta_str(o, STR("uid")); }
str object_resource_version(value o) { return meta_str(o, STR("resourceVersion")); }
str object_generate_name(value o) { return meta_str(o, STR("generateName")); }

int64_t object_generation(value o)
{
    return value_int(value_getz(value_getz(o, "metadata"), "generation"));
}

usec object_created_at(value o) { return meta_time(o, STR("creationTimestamp")); }
usec object_deleted_at(value o) { return meta_time(o, STR("deletionTimestamp")); }
bool object_is_deleting(value o) { return meta_str(o, STR("deletionTimestamp")).len > 0; }

value object_labels(value o) { return meta_map(o, STR("labels")); }
value object_annotations(value o) { return meta_map(o, STR("annotations")); }
str object_label(value o, str key) { return value_str(value_get(object_labels(o), key)); }
str object_annotation(value o, str key) { return value_str(value_get(object_annotations(o), key)); }

bool object_has_annotation(value o, str key)
{
    return value_exists(value_get(object_annotations(o), key));
}

value object_finalizers(value o) { return meta_list(o, STR("finalizers")); }

bool object_has_finalizer(value o, str finalizer)
{
    for (struct value_iter it = value_iter(object_finalizers(o)); value_next(&it);)
        if (str_eq(value_str(it.val), finalizer))
            return true;
    return false;
}

value object_managed_fields(value o) { return meta_list(o, STR("managedFields")); }
value object_owner_refs(value o) { return meta_list(o, STR("ownerReferences")); }

struct kube_owner kube_owner_of_ref(value ref)
{
    return (struct kube_owner){
        .api_version = value_str(value_getz(ref, "apiVersion")),
        .kind = value_str(value_getz(ref, "kind")),
        .name = value_str(value_getz(ref, "name")),
        .uid = value_str(value_getz(ref, "uid")),
        .controller = value_bool(value_getz(ref, "controller")),
        .block_owner_deletion = value_bool(value_getz(ref, "blockOwnerDeletion")),
    };
}

bool object_controller(value o, struct kube_owner *ret)
{
    for (struct value_iter it = value_iter(object_owner_refs(o)); value_next(&it);) {
        struct kube_owner owner = kube_owner_of_ref(it.val);
        if (owner.controller) {
            *ret = owner;
            return true;
        }
    }
    return false;
}

bool object_is_owned_by(value o, str uid)
{
    for (struct value_iter it = value_iter(object_owner_refs(o)); value_next(&it);)
        if (str_eq(value_str(value_getz(it.val, "uid")), uid))
            return true;
    return false;
}

bool resource_version_newer(str a, str b)
{
    uint64_t x, y;
    if (str_to_u64(a, &x) && str_to_u64(b, &y))
        return x > y;
    return !str_eq(a, b);
}

bool resource_version_older(str a, str b)
{
    uint64_t x, y;
    return str_to_u64(a, &x) && str_to_u64(b, &y) && x < y;
}

bool object_is_list(value o)
{
    return str_ends(object_kind(o), STR("List")) && value_is_list(value_getz(o, "items"));
}

int object_check(value o, struct err *err)
{
    str group, version;
    if (!value_is_map(o))
        return err_set(err, ERR_INVALID, "a Kubernetes object must be a map");
    if (!object_kind(o).len)
        return err_set(err, ERR_INVALID, "Object 'Kind' is missing");
    if (!object_api_version(o).len)
        return err_set(err, ERR_INVALID, "Object 'apiVersion' is missing in %.*s",
                       STR_FMT(object_kind(o)));
    int rc = kube_api_version_parse(object_api_version(o), &group, &version, err);
    if (rc < 0)
        return rc;
    if (!object_name(o).len && !object_generate_name(o).len)
        return err_set(err, ERR_INVALID, "resource name may not be empty: %.*s",
                       STR_FMT(object_kind(o)));
    return 0;
}
