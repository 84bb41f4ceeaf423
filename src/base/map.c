/* base/map.c: entries in order of insertion, and a table of slots with linear probing into them. */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

void map_init(struct map *m, struct arena *a) { *m = (struct map){.arena = a}; }

void map_done(struct map *m)
{
    if (!m->arena) {
        free(m->entry);
        free(m->slot);
    }
    *m = (struct map){.arena = m->arena};
}

static void *grow(struct map *m, void *old, size_t old_size, size_t new_size)
{
    if (m->arena)
        return arena_grow(m->arena, old, old_size, new_size);
    void *p = realloc(old, new_size);
    if (!p)
        abort();
    memset((char *)p + old_size, 0, new_size - old_size);
    return p;
}

static uint32_t *find_slot(const struct map *m, str key, uint64_t hash)
{
    size_t mask = m->n_slots - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        uint32_t s = m->slot[i];
        if (!s)
            return &m->slot[i];
        const struct map_entry *e = &m->entry[s - 1];
        if (e->hash == hash && e->key.at && str_eq(e->key, key))
            return &m->slot[i];
    }
}

static void rehash(struct map *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_entries; i++)
        if (m->entry[i].key.at)
            m->entry[n++] = m->entry[i];
    m->n_entries = n;
    size_t want = 8;
    while (want < (n + 1) * 2)
        want *= 2;
    if (want != m->n_slots) {
        if (!m->arena)
            free(m->slot);
        m->slot = NULL;
        m->slot = grow(m, NULL, 0, want * sizeof(*m->slot));
        m->n_slots = want;
    } else {
        memset(m->slot, 0, want * sizeof(*m->slot));
    }
    for (size_t i = 0; i < n; i++) {
        size_t mask = m->n_slots - 1, j = m->entry[i].hash & mask;
        while (m->slot[j])
            j = (j + 1) & mask;
        m->slot[j] = (uint32_t)i + 1;
    }
}

static struct map_entry *find_entry(const struct map *m, str key)
{
    if (!m->n_slots)
        return NULL;
    uint32_t *s = find_slot(m, key, hash64(key));
    return *s ? &m->entry[*s - 1] : NULL;
}

void *map_find(const struct map *m, str key)
{
    struct map_entry *e = find_entry(m, key);
    return e ? e->value : NULL;
}

bool map_has(const struct map *m, str key) { return find_entry(m, key) != NULL; }

void *map_set(struct map *m, str key, void *value)
{
    if ((m->n_entries + 1) * 4 > m->n_slots * 3)
        rehash(m);
    if (!key.at)
        key.at = "";
    uint64_t hash = hash64(key);
    uint32_t *s = find_slot(m, key, hash);
    if (*s) {
        void *old = m->entry[*s - 1].value;
        m->entry[*s - 1].value = value;
        return old;
    }
    if (m->n_entries == m->cap_entries) {
        size_t cap = m->cap_entries ? m->cap_entries * 2 : 8;
        m->entry = grow(m, m->entry, m->cap_entries * sizeof(*m->entry), cap * sizeof(*m->entry));
        m->cap_entries = cap;
    }
    m->entry[m->n_entries++] = (struct map_entry){key, value, hash};
    *s = (uint32_t)m->n_entries;
    m->n_live++;
    return NULL;
}

void *map_remove(struct map *m, str key)
{
    struct map_entry *e = find_entry(m, key);
    if (!e)
        return NULL;
    /* The slot keeps pointing at the dead entry, so probing goes on past it until the next rehash.
     */
    e->key = (str){NULL, 0};
    m->n_live--;
    void *old = e->value;
    e->value = NULL;
    return old;
}

bool map_next(const struct map *m, size_t *io_i, str *ret_key, void **ret_value)
{
    while (*io_i < m->n_entries) {
        const struct map_entry *e = &m->entry[(*io_i)++];
        if (!e->key.at)
            continue;
        if (ret_key)
            *ret_key = e->key;
        if (ret_value)
            *ret_value = e->value;
        return true;
    }
    return false;
}
