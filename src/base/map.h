/* base/map.h: an insertion-ordered hash map from str to pointer.
 *
 * Keys are borrowed (they must outlive the entry), values are not owned. With an arena, memory
 * comes from it and map_done is not needed; without (NULL), from the heap. The hash is keyed per
 * process against collisions chosen by tenants. Iteration is in insertion order; removal keeps that
 * order. One thread at a time; at most 2^31 entries. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/arena.h"
#include "base/str.h"

struct map_entry {
    str key; /* key.at == NULL: removed */
    void *value;
    uint64_t hash;
};

struct map {
    struct arena *arena; /* or NULL: heap */
    struct map_entry *entry;
    uint32_t *slot; /* 0 free, else index + 1 */
    size_t n_entries, n_live, cap_entries, n_slots;
};

void map_init(struct map *m, struct arena *a);
void map_done(struct map *m);

void *map_find(const struct map *m, str key); /* NULL when missing */
bool map_has(const struct map *m, str key);
/* Set; returns the previous value or NULL. On replacement the old key bytes stay. */
void *map_set(struct map *m, str key, void *value);
void *map_remove(struct map *m, str key); /* the removed value or NULL */
static inline size_t map_len(const struct map *m) { return m->n_live; }

/* for (size_t i = 0; map_next(m, &i, &key, &value);) ... ; ret_* may be NULL. Entries may be
 * removed on the way. */
bool map_next(const struct map *m, size_t *io_i, str *ret_key, void **ret_value);

#endif
