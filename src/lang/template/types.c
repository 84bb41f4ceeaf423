/* lang/template/types.c: types of Go's language that templates meet. */
#include "lang/template_value.h"
#include "lang/template/types.h"

const struct template_type TEMPLATE_T_BOOL = {TEMPLATE_BOOL, "bool", .comparable = true};
const struct template_type TEMPLATE_T_INT = {TEMPLATE_INT, "int", .comparable = true};
const struct template_type TEMPLATE_T_INT32 = {TEMPLATE_INT32, "int32", .comparable = true};
const struct template_type TEMPLATE_T_INT64 = {TEMPLATE_INT64, "int64", .comparable = true};
const struct template_type TEMPLATE_T_UINT8 = {TEMPLATE_UINT8, "uint8", .comparable = true};
const struct template_type TEMPLATE_T_UINT32 = {TEMPLATE_UINT32, "uint32", .comparable = true};
const struct template_type TEMPLATE_T_UINT64 = {TEMPLATE_UINT64, "uint64", .comparable = true};
const struct template_type TEMPLATE_T_FLOAT64 = {TEMPLATE_FLOAT64, "float64", .comparable = true};
const struct template_type TEMPLATE_T_COMPLEX128 = {TEMPLATE_COMPLEX128, "complex128",
                                                    .comparable = true};
const struct template_type TEMPLATE_T_STRING = {TEMPLATE_STRING, "string", .comparable = true};
const struct template_type TEMPLATE_T_INTERFACE = {TEMPLATE_INTERFACE, "interface {}",
                                                   .comparable = true};

const struct template_type TEMPLATE_T_LIST = {TEMPLATE_SLICE, "[]interface {}",
                                              .elem = &TEMPLATE_T_INTERFACE};
const struct template_type TEMPLATE_T_LIST_LIST = {TEMPLATE_SLICE, "[][]interface {}",
                                                   .elem = &TEMPLATE_T_LIST};
const struct template_type TEMPLATE_T_MAP_LIST = {TEMPLATE_SLICE, "[]map[string]interface {}",
                                                  .elem = &TEMPLATE_T_MAP};
const struct template_type TEMPLATE_T_STRINGS = {TEMPLATE_SLICE, "[]string",
                                                 .elem = &TEMPLATE_T_STRING};
const struct template_type TEMPLATE_T_INTS = {TEMPLATE_SLICE, "[]int", .elem = &TEMPLATE_T_INT};
const struct template_type TEMPLATE_T_BYTES = {TEMPLATE_SLICE, "[]uint8",
                                               .elem = &TEMPLATE_T_UINT8};
const struct template_type TEMPLATE_T_MAP = {TEMPLATE_MAP, "map[string]interface {}",
                                             .elem = &TEMPLATE_T_INTERFACE};
const struct template_type TEMPLATE_T_STRING_MAP = {TEMPLATE_MAP, "map[string]string",
                                                    .elem = &TEMPLATE_T_STRING};

bool type_is_bytes(const struct template_type *t)
{
    return t && t->kind == TEMPLATE_SLICE && t->elem == &TEMPLATE_T_UINT8;
}

bool type_can_be_nil(const struct template_type *t)
{
    return t->kind == TEMPLATE_INTERFACE || t->kind == TEMPLATE_MAP || t->kind == TEMPLATE_SLICE ||
           t->kind == TEMPLATE_PTR;
}

bool type_assignable(const struct template_type *from, const struct template_type *to)
{
    if (from == to || to->kind == TEMPLATE_INTERFACE)
        return true;
    /* of two types with one underlying type one must be without a name */
    return type_can_be_nil(from) && (from->underlying == to || to->underlying == from);
}

static const char *const KIND_NAME[] = {
    [TEMPLATE_INVALID] = "invalid", [TEMPLATE_BOOL] = "bool",
    [TEMPLATE_INT] = "int",         [TEMPLATE_INT32] = "int32",
    [TEMPLATE_INT64] = "int64",     [TEMPLATE_UINT8] = "uint8",
    [TEMPLATE_UINT32] = "uint32",   [TEMPLATE_UINT64] = "uint64",
    [TEMPLATE_FLOAT64] = "float64", [TEMPLATE_COMPLEX128] = "complex128",
    [TEMPLATE_STRING] = "string",   [TEMPLATE_SLICE] = "slice",
    [TEMPLATE_MAP] = "map",         [TEMPLATE_STRUCT] = "struct",
    [TEMPLATE_PTR] = "ptr",         [TEMPLATE_INTERFACE] = "interface",
};

const char *kind_name(enum template_kind k) { return KIND_NAME[k]; }

bool kind_is_int(enum template_kind k)
{
    return k == TEMPLATE_INT || k == TEMPLATE_INT64 || k == TEMPLATE_INT32;
}

bool kind_is_uint(enum template_kind k)
{
    return k == TEMPLATE_UINT8 || k == TEMPLATE_UINT32 || k == TEMPLATE_UINT64;
}
