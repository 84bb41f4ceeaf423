/* kube/fieldset.h: sets of field paths (managedFields' FieldsV1) as tries, and what server-side
 * apply asks of them.
 *
 * A path element is kept in its FieldsV1 spelling: "f:name", "k:{\"name\":\"a\"}", "v:\"x\"",
 * "i:0"; entries are sorted by it. Everything lives in the arena given; sets are not changed after
 * they were made, but by fieldset_insert and fieldset_drop_empty. The trie is fieldset.c, what it
 * asks of values fieldset_typed.c. Source: sigs.k8s.io/structured-merge-diff/v6 fieldpath (Set,
 * serialize.go), typed (tofieldset.go, compare.go, merge.go). */
#ifndef KUBE_FIELDSET_H
#define KUBE_FIELDSET_H

#include "kube/schema.h"

struct fieldset;

struct fieldset_entry {
    str element;
    bool member;            /* the path that ends here is in the set */
    struct fieldset *child; /* longer paths, or NULL */
};

struct fieldset {
    struct fieldset_entry *at;
    size_t n, cap;
};

struct fieldset *fieldset_new(struct arena *a);
/* The entry for an element, made when missing; until the next insertion. The element is borrowed.
 */
struct fieldset_entry *fieldset_insert(struct arena *a, struct fieldset *s, str element);
/* Remove the element's entry when it was made on the way and holds nothing. */
void fieldset_drop_empty(struct fieldset *s, str element);
/* -ERR_INVALID: not FieldsV1. */
int fieldset_parse(value fields_v1, struct arena *a, struct fieldset **ret,
                   struct err *err) MUST_CHECK;
value fieldset_value(struct arena *a, const struct fieldset *s);
/* Questions to FieldsV1 as it is written, without reading all of it: is any path of s a member; is
 * every one? */
bool fieldset_written_has_any(value fields_v1, const struct fieldset *s);
bool fieldset_written_has_all(value fields_v1, const struct fieldset *s);

bool fieldset_is_empty(const struct fieldset *s); /* NULL is empty */
bool fieldset_equal(const struct fieldset *x, const struct fieldset *y);
const struct fieldset_entry *fieldset_find(const struct fieldset *s, str element);
struct fieldset *fieldset_union(struct arena *a, const struct fieldset *x,
                                const struct fieldset *y);
struct fieldset *fieldset_difference(struct arena *a, const struct fieldset *x,
                                     const struct fieldset *y);
struct fieldset *fieldset_intersection(struct arena *a, const struct fieldset *x,
                                       const struct fieldset *y);
/* Without the paths of y and everything below them. */
struct fieldset *fieldset_difference_deep(struct arena *a, const struct fieldset *x,
                                          const struct fieldset *y);

/* Call fn with each path as people read it: .spec.containers[name="a"].image. Members of a level
 * come before longer paths. */
void fieldset_each(const struct fieldset *s, struct arena *a, void (*fn)(void *arg, str path),
                   void *arg);

/* The element of an item in an associative list ("k:..." or "v:..."). */
str fieldset_item_element(struct arena *a, const struct kube_schema *list, value item, size_t i);

/* All paths that a configuration sets (ToFieldSet). */
struct fieldset *fieldset_of(value v, const struct kube_schema *s, struct arena *a);

struct fieldset_comparison {
    struct fieldset *removed, *modified, *added;
};
void fieldset_compare(value old, value now, const struct kube_schema *s, struct arena *a,
                      struct fieldset_comparison *ret);

/* config merged over live: structs and maps by key, associative lists by item, anything else
 * replaced. */
value fieldset_merge(value live, value config, const struct kube_schema *s, struct arena *a);

/* The set as the type has it now: what is atomic is owned as a whole, though parts were owned when
 * the set was written. */
struct fieldset *fieldset_reconcile(struct arena *a, const struct fieldset *set,
                                    const struct kube_schema *s);

/* The set with the declared fields it reaches into as members of their own. */
struct fieldset *fieldset_with_named(struct arena *a, const struct fieldset *set,
                                     const struct kube_schema *s);

/* Without the paths of `gone`; a container that loses everything becomes null. */
value fieldset_remove_items(value v, const struct fieldset *gone, const struct kube_schema *s,
                            struct arena *a);

#endif
