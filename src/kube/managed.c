/* kube/managed.c */
#include "kube/managed.h"

#include "kube/fieldset.h"

#define LAST_APPLIED_ELEMENT "f:kubectl.kubernetes.io/last-applied-configuration"

static str text_at(value entry, const char *key)
{
    return value_str(value_get(entry, str_of(key)));
}

static bool is_entry(value entry, str manager, const char *operation)
{
    return str_eq(text_at(entry, "manager"), manager) &&
           str_is(text_at(entry, "operation"), operation) && !text_at(entry, "subresource").len;
}

bool managed_has_update(value managed_fields, str manager)
{
    for (struct value_iter it = value_iter(managed_fields); value_next(&it);)
        if (str_eq(text_at(it.val, "manager"), manager) &&
            str_is(text_at(it.val, "operation"), "Update"))
            return true;
    return false;
}

static bool owns_last_applied(value entry)
{
    value annotations =
        value_getz(value_getz(value_getz(entry, "fieldsV1"), "f:metadata"), "f:annotations");
    return value_exists(value_getz(annotations, LAST_APPLIED_ELEMENT));
}

size_t managed_client_side(value managed_fields, str *ret, size_t n_max)
{
    size_t n = 0;
    for (struct value_iter it = value_iter(managed_fields); value_next(&it) && n < n_max;) {
        str name = text_at(it.val, "manager");
        bool known = !str_is(text_at(it.val, "operation"), "Update") || !owns_last_applied(it.val);
        for (size_t i = 0; i < n && !known; i++)
            known = str_eq(ret[i], name);
        if (!known)
            ret[n++] = name;
    }
    return n;
}

static value find_entry(value list, str manager, const char *operation, str api_version, size_t *at)
{
    for (size_t i = 0; i < value_len(list); i++) {
        value entry = value_at(list, i);
        if (!is_entry(entry, manager, operation) ||
            (api_version.len && !str_eq(text_at(entry, "apiVersion"), api_version)))
            continue;
        *at = i;
        return entry;
    }
    return VALUE_ABSENT;
}

/* The fields of `entry` and of the update of the same version in one; updates of other versions are
 * dropped, as their fields have other paths. */
static int join(value entry, value update, struct arena *a, value *ret, struct err *err)
{
    struct fieldset *ours = fieldset_new(a), *theirs = fieldset_new(a);
    value fields = value_getz(entry, "fieldsV1"), more = value_getz(update, "fieldsV1");
    int rc = value_exists(fields) ? fieldset_parse(fields, a, &ours, err) : 0;
    if (rc == 0 && value_exists(more))
        rc = fieldset_parse(more, a, &theirs, err);
    if (rc == 0)
        *ret = fieldset_value(a, fieldset_union(a, ours, theirs));
    return rc;
}

static int upgrade_one(value list, str from, str to, struct arena *a, value *ret, struct err *err)
{
    size_t at, other;
    *ret = list;
    value entry = find_entry(list, to, "Apply", STR(""), &at);
    if (!value_exists(entry))
        entry = find_entry(list, from, "Update", STR(""), &at);
    if (!value_exists(entry))
        return 0;
    value update = find_entry(list, from, "Update", text_at(entry, "apiVersion"), &other), fields;
    int rc = join(entry, update, a, &fields, err);
    if (rc < 0)
        return rc;
    value joined = value_edit(a, value_fork(a, entry));
    value_set_str(a, joined, "manager", to);
    value_set_str(a, joined, "operation", STR("Apply"));
    value_setz(a, joined, "fieldsV1", fields);
    *ret = value_new_list(a);
    for (size_t i = 0; i < value_len(list); i++)
        if (i == at)
            value_push(a, *ret, joined);
        else if (!is_entry(value_at(list, i), from, "Update"))
            value_push(a, *ret, value_at(list, i));
    return 0;
}

int managed_upgrade(value managed_fields, const str *from, size_t n_from, str to, struct arena *a,
                    value *ret, struct err *err)
{
    value list = managed_fields;
    for (size_t i = 0; i < n_from; i++) {
        int rc = upgrade_one(list, from[i], to, a, &list, err);
        if (rc < 0)
            return rc;
    }
    *ret = value_equal(list, managed_fields) ? VALUE_ABSENT : list;
    return 0;
}

static value replace(struct arena *a, const char *path, value v)
{
    value op = value_new_map(a);
    value_set_str(a, op, "op", STR("replace"));
    value_set_str(a, op, "path", str_of(path));
    value_setz(a, op, "value", v);
    return op;
}

value managed_upgrade_patch(struct arena *a, value managed_fields, str resource_version)
{
    value patch = value_new_list(a);
    value_push(a, patch, replace(a, "/metadata/managedFields", managed_fields));
    value_push(a, patch,
               replace(a, "/metadata/resourceVersion", value_of_str(a, resource_version)));
    return patch;
}
