/* lang/template/map.c: maps of templates.
 *
 * Entries stand in the order they came in; an open hash over them from MAP_LINEAR_MAX on. A view is
 * looked into once, at the first question: then this level is copied, containers below become views
 * of their own. Removed entries stay as holes until the table grows. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "lang/template/map.h"
#include "value/doc.h"

#define MAP_LINEAR_MAX 8

uint32_t template_key_hash(str key) { return (uint32_t)hash64(key); }

static tval view_child(struct arena *a, value v)
{
    tval t = template_view(a, v, NULL);
    return template_unwrap(t);
}

/* Index of the entry, or -1. */
static ptrdiff_t find(const struct template_map *m, str key, uint32_t hash)
{
    if (!m->slot) {
        for (size_t i = 0; i < m->n; i++)
            if (m->entry[i].hash == hash && m->entry[i].live && str_eq(m->entry[i].key, key))
                return (ptrdiff_t)i;
        return -1;
    }
    for (uint32_t at = hash & (m->n_slots - 1); m->slot[at]; at = (at + 1) & (m->n_slots - 1)) {
        size_t i = m->slot[at] - 1;
        if (m->entry[i].hash == hash && m->entry[i].live && str_eq(m->entry[i].key, key))
            return (ptrdiff_t)i;
    }
    return -1;
}

static void slot_put(struct template_map *m, size_t i)
{
    uint32_t at = m->entry[i].hash & (m->n_slots - 1);
    while (m->slot[at])
        at = (at + 1) & (m->n_slots - 1);
    m->slot[at] = (uint32_t)i + 1;
}

static void reindex(struct template_map *m)
{
    size_t want = 16;
    if (m->n <= MAP_LINEAR_MAX)
        return;
    while (want < m->cap * 2)
        want *= 2;
    m->slot = ARENA_ARRAY(m->arena, uint32_t, want);
    m->n_slots = (uint32_t)want;
    for (size_t i = 0; i < m->n; i++)
        if (m->entry[i].live)
            slot_put(m, i);
}

static void reserve(struct template_map *m, size_t cap)
{
    struct map_item *old = m->entry;
    size_t n = 0;
    m->entry = ARENA_ARRAY(m->arena, struct map_item, cap);
    for (size_t i = 0; i < m->n; i++)
        if (old[i].live)
            m->entry[n++] = old[i];
    m->n = n;
    m->cap = cap;
    m->slot = NULL;
    reindex(m);
}

static void append(struct template_map *m, str key, uint32_t hash, tval v)
{
    if (m->n == m->cap)
        reserve(m, m->cap ? m->cap * 2 : 4);
    m->entry[m->n] = (struct map_item){key, v, hash, true};
    m->n++;
    m->n_live++;
    m->sorted = NULL;
    if (m->slot)
        slot_put(m, m->n - 1);
    else
        reindex(m);
}

static void look(struct template_map *m)
{
    if (m->looked)
        return;
    m->looked = true;
    if (m->fill)
        m->fill(m->fill_arg, (tval){.type = &TEMPLATE_T_MAP, .map = m});
    if (!value_exists(m->view))
        return;
    reserve(m, MAX_OF(value_len(m->view), 1));
    for (struct value_iter it = value_iter(m->view); value_next(&it);) {
        uint32_t hash = template_key_hash(it.key);
        tval child = view_child(m->arena, it.val);
        ptrdiff_t i = find(m, it.key, hash);
        if (i >= 0)
            m->entry[i].val = child;
        else
            append(m, it.key, hash, child);
    }
}

struct template_map *map_of(tval v)
{
    if (v.type && v.type->kind == TEMPLATE_MAP && v.map)
        look(v.map);
    return v.type && v.type->kind == TEMPLATE_MAP ? v.map : NULL;
}

size_t map_count(tval v)
{
    const struct template_map *m = v.map;
    if (!m)
        return 0;
    return m->looked ? m->n_live : m->fill ? m->n_late : value_len(m->view);
}

tval template_map_new(struct arena *a, const struct template_type *t)
{
    struct template_map *m = ARENA_NEW(a, struct template_map);
    m->arena = a;
    m->looked = true;
    return (tval){.type = t, .map = m};
}

tval template_map_late(struct arena *a, const struct template_type *t, size_t n,
                       template_fill *fill, void *arg)
{
    struct template_map *m = ARENA_NEW(a, struct template_map);
    m->arena = a;
    m->fill = fill;
    m->fill_arg = arg;
    m->n_late = n;
    return (tval){.type = t, .map = m};
}

void *template_map_late_arg(tval map, template_fill *fill)
{
    return map.map && !map.map->looked && map.map->fill == fill ? map.map->fill_arg : NULL;
}

tval map_view(struct arena *a, value v, const struct template_type *t)
{
    struct template_map *m = ARENA_NEW(a, struct template_map);
    m->arena = a;
    m->view = v;
    return (tval){.type = t, .map = m};
}

tval element_of(const struct template_type *container, tval stored)
{
    if (container->elem->kind != TEMPLATE_INTERFACE)
        return stored;
    if (!stored.type)
        return TEMPLATE_NIL_INTERFACE;
    stored.iface = true;
    return stored;
}

bool map_get(const tval *map, str key, uint32_t hash, tval *ret)
{
    bool in_interface = map->type->elem->kind == TEMPLATE_INTERFACE;
    struct template_map *m = map->map;
    if (m)
        look(m);
    ptrdiff_t i = m ? find(m, key, hash) : -1;
    if (i < 0)
        return false;
    *ret = m->entry[i].val;
    if (in_interface && !ret->type)
        *ret = TEMPLATE_NIL_INTERFACE;
    else if (in_interface)
        ret->iface = true;
    return true;
}

tval template_get_hashed(tval map, str key, uint32_t hash, bool *ret_found)
{
    struct template_map *m = map_of(map);
    ptrdiff_t i = m ? find(m, key, hash) : -1;
    if (ret_found)
        *ret_found = i >= 0;
    return i < 0 ? TEMPLATE_NO_VALUE : element_of(map.type, m->entry[i].val);
}

tval template_get(tval map, str key, bool *ret_found)
{
    return template_get_hashed(map, key, template_key_hash(key), ret_found);
}

static int compare_keys(const void *a, const void *b) { return str_cmp_qsort(a, b); }

const str *template_keys(tval map, size_t *ret_n)
{
    struct template_map *m = map_of(map);
    *ret_n = m ? m->n_live : 0;
    if (!m)
        return NULL;
    if (!m->sorted) {
        size_t n = 0;
        m->sorted = ARENA_ARRAY(m->arena, str, MAX_OF(m->n_live, 1));
        for (size_t i = 0; i < m->n; i++)
            if (m->entry[i].live)
                m->sorted[n++] = m->entry[i].key;
        qsort(m->sorted, n, sizeof(str), compare_keys);
    }
    return m->sorted;
}

void template_put(tval map, str key, tval v)
{
    struct template_map *m = map_of(map);
    uint32_t hash = template_key_hash(key);
    ptrdiff_t i = find(m, key, hash);
    m->changed = true;
    if (i >= 0)
        m->entry[i].val = template_unwrap(v);
    else
        append(m, key, hash, template_unwrap(v));
}

void template_drop(tval map, str key)
{
    struct template_map *m = map_of(map);
    ptrdiff_t i = m ? find(m, key, template_key_hash(key)) : -1;
    if (i < 0)
        return;
    m->entry[i].live = false;
    m->n_live--;
    m->sorted = NULL;
    m->changed = true;
}

/* ---- lists ---- */

static const struct template_list *list_of(tval v)
{
    /* looking into a view is not a change: the list stays what it is for every holder */
    struct template_list *l = (struct template_list *)(uintptr_t)v.list;
    if (!l || l->item || !value_exists(l->view))
        return l;
    tval *item = ARENA_ARRAY(l->arena, tval, MAX_OF(l->n, 1));
    for (struct value_iter it = value_iter(l->view); value_next(&it);)
        item[it.i] = view_child(l->arena, it.val);
    l->item = item;
    return l;
}

tval list_view(struct arena *a, value v)
{
    struct template_list *l = ARENA_NEW(a, struct template_list);
    l->arena = a;
    l->view = v;
    l->n = value_len(v);
    return (tval){.type = &TEMPLATE_T_LIST, .list = l};
}

tval template_list(struct arena *a, const struct template_type *t, const tval *item, size_t n)
{
    struct template_list *l = ARENA_NEW(a, struct template_list);
    l->arena = a;
    l->item = item;
    l->n = n;
    return (tval){.type = t, .list = l};
}

tval template_at(tval list, size_t i)
{
    if (type_is_bytes(list.type))
        return (tval){.type = &TEMPLATE_T_UINT8, .u = (unsigned char)list.text[i]};
    return element_of(list.type, list_of(list)->item[i]);
}

bool map_is_clean(tval v)
{
    const struct template_map *m = v.map;
    if (!m || !value_exists(m->view) || m->changed)
        return false;
    if (!m->looked)
        return true;
    for (size_t i = 0; i < m->n; i++)
        if (!is_clean(m->entry[i].val))
            return false;
    return true;
}

/* Nothing was changed below: the document says the same. */
bool is_clean(tval v)
{
    if (!v.type)
        return true;
    if (v.type->kind == TEMPLATE_MAP)
        return map_is_clean(v);
    if (v.type->kind != TEMPLATE_SLICE)
        return true;
    if (type_is_bytes(v.type) || !v.list || !value_exists(v.list->view))
        return false;
    for (size_t i = 0; v.list->item && i < v.list->n; i++)
        if (!is_clean(v.list->item[i]))
            return false;
    return true;
}
