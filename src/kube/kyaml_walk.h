/* kube/kyaml_walk.h: what the files of kyaml's merge share. Private to them. */
#ifndef KUBE_KYAML_WALK_H
#define KUBE_KYAML_WALK_H

#include "kube/kyaml_merge.h"
#include "kube/kyaml_types.h"

struct kyaml_walk {
    const struct kyaml_merge *how;
    struct arena *a;
    struct err *err;
    unsigned depth;
    str path; /* dotted, of the node */
};

/* Nothing, or a null. */
bool kyaml_is_missing(const struct yaml_node *n);
bool kyaml_is_empty_map(const struct yaml_node *n);
int kyaml_need_kind(struct kyaml_walk *w, const struct yaml_node *n, enum yaml_node_kind want);

/* One node of both sides, either NULL; *ret NULL: it goes. Both may change. */
int kyaml_walk(struct kyaml_walk *w, struct kyaml_known k, struct yaml_node *dest,
               struct yaml_node *origin, struct yaml_node **ret);
/* A field takes a value in the style that it has; a new one comes last. */
void kyaml_set_field(struct kyaml_walk *w, struct yaml_node *map, str name, struct yaml_node *v);

/* What a comment of the node says of it (kyaml_comment.c); not known: nothing. */
struct kyaml_known kyaml_known_comment(const struct yaml_node *n, struct arena *a);

/* ---- lists (kyaml_list.c) ---- */

/* Put an element in the place of those that match, or at the end; NULL: remove them. Nulls and
 * empty maps go in any case. Keys without a value repeat what the last one with a value said. */
int kyaml_set_element(struct kyaml_walk *w, struct yaml_node *list, struct yaml_node *element,
                      const str *key, size_t n_keys, const str *val, size_t n_vals);
/* The items of origin into those of *io_list, which becomes another list when they come first. */
int kyaml_merge_items(struct kyaml_walk *w, struct kyaml_known k, const str *key, size_t n_keys,
                      struct yaml_node *origin, struct yaml_node **io_list);

#endif
