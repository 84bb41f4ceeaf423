/* value/bind/metadata.c: metav1.ObjectMeta, which every kind has. Source: apimachinery meta/v1
 * generated.proto. */
#include "value/bind/table.h"

static const struct bind_field owner_fields[] = {
    {"kind", BIND_STRING, 1, .flags = BIND_REQUIRED},
    {"name", BIND_STRING, 3, .flags = BIND_REQUIRED},
    {"uid", BIND_STRING, 4, .flags = BIND_REQUIRED},
    {"apiVersion", BIND_STRING, 5, .flags = BIND_REQUIRED},
    {"controller", BIND_BOOL, 6, .flags = BIND_POINTER},
    {"blockOwnerDeletion", BIND_BOOL, 7, .flags = BIND_POINTER},
};
static const struct bind_table owner_table = BIND_TABLE("OwnerReference", NULL, owner_fields);

static const struct bind_field managed_fields[] = {
    {"manager", BIND_STRING, 1},     {"operation", BIND_STRING, 2},  {"apiVersion", BIND_STRING, 3},
    {"time", BIND_TIME, 4},          {"fieldsType", BIND_STRING, 6}, {"fieldsV1", BIND_ANY, 7},
    {"subresource", BIND_STRING, 8},
};
static const struct bind_table managed_table =
    BIND_TABLE("ManagedFieldsEntry", NULL, managed_fields);

static const struct bind_field meta_fields[] = {
    {"name", BIND_STRING, 1},
    {"generateName", BIND_STRING, 2},
    {"namespace", BIND_STRING, 3},
    {"selfLink", BIND_STRING, 4},
    {"uid", BIND_STRING, 5},
    {"resourceVersion", BIND_STRING, 6},
    {"generation", BIND_INT64, 7},
    {"creationTimestamp", BIND_TIME, 8},
    {"deletionTimestamp", BIND_TIME, 9},
    {"deletionGracePeriodSeconds", BIND_INT64, 10, .flags = BIND_POINTER},
    {"labels", BIND_STRING, 11, .shape = BIND_MAP},
    {"annotations", BIND_STRING, 12, .shape = BIND_MAP},
    {"ownerReferences", BIND_OBJECT, 13, .shape = BIND_LIST, .table = &owner_table},
    {"finalizers", BIND_STRING, 14, .shape = BIND_LIST},
    {"managedFields", BIND_OBJECT, 17, .shape = BIND_LIST, .table = &managed_table},
};
const struct bind_table bind_metadata_table =
    BIND_TABLE("ObjectMeta", "Standard object metadata.", meta_fields);
