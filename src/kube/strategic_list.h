/* kube/strategic_list.h: what strategic merge's two halves (strategic.c applies, strategic_diff.c
 * compares) share: the identity of list items, their order, and the rules of a field. Private to
 * these files. */
#ifndef KUBE_STRATEGIC_LIST_H
#define KUBE_STRATEGIC_LIST_H

#include "base/map.h"
#include "kube/schema.h"

#define DIRECTIVE_PATCH STR("$patch")
#define DIRECTIVE_RETAIN_KEYS STR("$retainKeys")
#define DIRECTIVE_DELETE_LIST STR("$deleteFromPrimitiveList")
#define DIRECTIVE_ORDER STR("$setElementOrder")

struct strategic {
    struct arena *a;
    struct err *err;
};

typedef VEC(value) value_vec;

/* How a field merges: its type, strategy and key. For a list `sub` is the item's type. */
struct strategic_rule {
    const struct kube_schema *sub;
    bool merge, replace, retain_keys;
    str merge_key;
};
int strategic_rule(struct strategic *s, const struct kube_schema *schema, str field, bool list,
                   struct strategic_rule *ret) MUST_CHECK;

/* Text that is equal for equal items: by merge key for maps, by value for scalars ("s:x", "i:80",
 * "n"). */
str strategic_item_id(struct arena *a, value item, str merge_key, bool maps);
/* Text of a scalar as Go prints it with %v. */
str strategic_go_text(struct arena *a, value v);
/* The type that Go names for a decoded value. */
const char *strategic_go_type(value v);

/* The one type of all items of both lists. -ERR_INVALID when they differ, hold lists, or are both
 * empty. */
int strategic_item_type(struct strategic *s, value x, value y, enum value_type *ret) MUST_CHECK;

void strategic_index(struct strategic *s, value order, str merge_key, bool maps, struct map *ret);
/* Sort items by their place in `order`, stable; items with $patch: delete go last. -ERR_INVALID: no
 * merge key. */
int strategic_sort(struct strategic *s, value_vec *io, value order, str merge_key,
                   bool maps) MUST_CHECK;
int strategic_need_keys(struct strategic *s, value list, str merge_key) MUST_CHECK;
int strategic_no_key(struct strategic *s, value item, str merge_key);

value strategic_list(struct arena *a, const value_vec *v);

/* Patch `delta` merged into patch `into` (both patches; directives are kept): the last step of a
 * three-way diff. */
int strategic_merge_patches(struct strategic *s, value into, value delta,
                            const struct kube_schema *schema, value *ret) MUST_CHECK;

#endif
