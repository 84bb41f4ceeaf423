/* lang/template/map.h: insides of maps and lists. Private to the room. */
#ifndef LANG_TEMPLATE_MAP_H
#define LANG_TEMPLATE_MAP_H

#include "lang/template/types.h"
#include "lang/template_value.h"

struct map_item {
    str key;
    tval val; /* without interface; nothing: "no value" */
    uint32_t hash;
    bool live;
};

struct template_map {
    struct arena *arena;
    value view; /* of which it is a view, or absent */
    bool looked, changed;
    template_fill *fill; /* of a late map of n_late entries, or NULL */
    void *fill_arg;
    size_t n_late;
    struct map_item *entry;
    size_t n, n_live, cap;
    uint32_t *slot; /* entry index + 1; NULL: few entries */
    uint32_t n_slots;
    str *sorted; /* keys, or NULL: to be made */
};

struct template_map *map_of(tval v); /* looked into; NULL: nil, or no map */
size_t map_count(tval v);
/* template_get_hashed of a map; false: no such key, *ret is as it was. ret may be map. */
bool map_get(const tval *map, str key, uint32_t hash, tval *ret);
tval map_view(struct arena *a, value v, const struct template_type *t);
tval list_view(struct arena *a, value v);

/* What reading an element gives: held in an interface where the container's elements are. */
tval element_of(const struct template_type *container, tval stored);

/* A view (or scalar) below which nothing was changed. */
bool is_clean(tval v);
bool map_is_clean(tval v);

#endif
