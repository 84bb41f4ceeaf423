/* value/bind/bind.c: finding rows, defaults, pruning. */
#include "value/bind.h"

#include <assert.h>

#include "value/bind/table.h"
#include "value/json.h"

const struct bind_field *bind_find(const struct bind_table *t, str name)
{
    for (size_t i = 0; t && i < t->n_fields; i++)
        if (str_is(name, t->field[i].name))
            return &t->field[i];
    return NULL;
}

const struct bind_field *bind_find_in_schema(const struct bind_table *t, str name)
{
    const struct bind_field *f = bind_find(t, name);
    return f && !(f->flags & BIND_NOT_IN_SCHEMA) ? f : NULL;
}

const struct bind_field *bind_find_path(const struct bind_table *t, const char *dotted)
{
    str rest = str_of(dotted), piece;
    const struct bind_field *f = NULL;
    while (str_next(&rest, '.', &piece)) {
        f = bind_find(t, piece);
        if (!f)
            return NULL;
        t = f->type == BIND_OBJECT ? f->table : NULL;
    }
    return f;
}

/* ---- walking the values of a field ---- */

typedef value each_fn(struct arena *a, const struct bind_table *t, value v);

/* fn applied to every object of a field (itself, its list items, its map values); the value itself
 * when nothing changed. */
static value each_object(struct arena *a, const struct bind_field *f, value v, each_fn *fn)
{
    value out = v;
    if (f->type != BIND_OBJECT || !f->table)
        return v;
    if (f->shape == BIND_ONE)
        return fn(a, f->table, v);
    if (value_type(v) != (f->shape == BIND_LIST ? VALUE_LIST : VALUE_MAP))
        return v;
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        value now = fn(a, f->table, it.val);
        if (now.doc == it.val.doc && now.at == it.val.at)
            continue;
        if (out.doc == v.doc && out.at == v.at)
            out = value_edit(a, value_fork(a, v));
        if (f->shape == BIND_LIST)
            value_put(a, out, it.i, now);
        else
            value_set(a, out, it.key, now);
    }
    return out;
}

/* Put `now` under `key` of *out, which is still v when nothing was changed yet. */
static void change(struct arena *a, value v, value *out, str key, value now)
{
    if (out->doc == v.doc && out->at == v.at)
        *out = value_edit(a, value_fork(a, v));
    value_set(a, *out, key, now);
}

static value fallback_of(struct arena *a, const struct bind_field *f)
{
    value v = VALUE_ABSENT;
    int r = json_parse(str_of(f->fallback), NULL, a, &v, NULL);
    assert(r == 0 && "the default of a bind row is JSON");
    (void)r;
    return v;
}

value bind_default(struct arena *a, const struct bind_table *t, value v)
{
    value out = v;
    if (!value_is_map(v))
        return v;
    for (size_t i = 0; i < t->n_fields; i++) {
        const struct bind_field *f = &t->field[i];
        value was = value_get(v, str_of(f->name)), now = was;
        bool null_counts_as_missing = value_is_null(was) && !(f->flags & BIND_NULLABLE);
        if (f->fallback && (!value_exists(was) || null_counts_as_missing))
            now = fallback_of(a, f);
        if (value_exists(now))
            now = each_object(a, f, now, bind_default);
        if (now.doc != was.doc || now.at != was.at)
            change(a, v, &out, str_of(f->name), now);
    }
    return out;
}

bool bind_is_implied(const struct bind_table *t, str name)
{
    if (!str_is(name, "apiVersion") && !str_is(name, "kind"))
        return false;
    for (size_t i = 0; i < t->n_fields; i++)
        if (t->field[i].type == BIND_METADATA)
            return true;
    return false;
}

static value prune(struct arena *a, const struct bind_table *t, value v)
{
    value out = v;
    if (!value_is_map(v))
        return v;
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        const struct bind_field *f = bind_find_in_schema(t, it.key);
        value now = it.val;
        if (f && f->type == BIND_OBJECT && f->flags & BIND_KEEP_UNKNOWN)
            continue;
        if (f)
            now = each_object(a, f, it.val, prune);
        else if (!bind_is_implied(t, it.key))
            now = VALUE_ABSENT;
        if (now.doc != it.val.doc || now.at != it.val.at)
            change(a, v, &out, it.key, now);
    }
    return out;
}

value bind_prune(struct arena *a, const struct bind_table *t, value v) { return prune(a, t, v); }
