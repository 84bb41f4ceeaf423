#include "plan/managers.h"

#include "base/attr.h"
#include "kube/object.h"
#include "value/json.h"

/* FieldsV1 is a tree of names: "f:x" a field, "k:{...}" the list element with these keys, "v:..."
 * an element of a set, "i:n" an index, "." the thing itself. Both objects are walked along it; at a
 * leaf that both have and where they differ the value goes from both. Source: argo-cd
 * util/argo/managedfields. */

struct walk {
    struct arena *a;
    struct err *err;
};

static bool element_has_keys(value element, value keys)
{
    for (struct value_iter it = value_iter(keys); value_next(&it);)
        if (!value_equal(value_get(element, it.key), it.val))
            return false;
    return true;
}

/* Index of the element that `name` means, or -1. */
static int64_t element_find(struct walk *w, value list, str name)
{
    str rest = str_from(name, 2);
    int64_t i;
    if (str_starts(name, STR("i:")))
        return str_to_i64(rest, &i) && i >= 0 && (size_t)i < value_len(list) ? i : -1;
    value wanted;
    struct err ignored;
    if (json_parse(rest, NULL, w->a, &wanted, &ignored))
        return -1;
    bool by_key = str_starts(name, STR("k:"));
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (by_key ? element_has_keys(it.val, wanted) : value_equal(it.val, wanted))
            return (int64_t)it.i;
    return -1;
}

struct place { /* where a name leads in one object */
    value child;
    int64_t index;
    bool found;
};

static struct place place_find(struct walk *w, value v, str name)
{
    struct place p = {VALUE_ABSENT, -1, false};
    if (str_starts(name, STR("f:"))) {
        p.child = value_get(v, str_from(name, 2));
        p.found = value_exists(p.child);
    } else if (value_is_list(v)) {
        p.index = element_find(w, v, name);
        p.found = p.index >= 0;
        if (p.found)
            p.child = value_at(v, (size_t)p.index);
    }
    return p;
}

static value place_put(struct walk *w, value v, str name, const struct place *p, value child)
{
    v = value_edit(w->a, v);
    if (p->index >= 0) {
        if (value_exists(child))
            value_put(w->a, v, (size_t)p->index, child);
        else
            value_remove_at(v, (size_t)p->index);
    } else {
        value_set(w->a, v, str_from(name, 2), child);
    }
    return v;
}

static bool is_leaf(value fields)
{
    for (struct value_iter it = value_iter(fields); value_next(&it);)
        if (!str_is(it.key, "."))
            return false;
    return true;
}

static void drop(struct walk *w, value fields, value *io_target, value *io_live)
{
    for (struct value_iter it = value_iter(fields); value_next(&it);) {
        if (str_is(it.key, ".") || it.key.len < 2)
            continue;
        struct place t = place_find(w, *io_target, it.key), l = place_find(w, *io_live, it.key);
        if (!t.found || !l.found) /* added or removed, not modified */
            continue;
        value target = t.child, live = l.child;
        if (is_leaf(it.val)) {
            if (value_equal(target, live))
                continue;
            target = live = VALUE_ABSENT;
        } else {
            drop(w, it.val, &target, &live);
        }
        *io_target = place_put(w, *io_target, it.key, &t, target);
        *io_live = place_put(w, *io_live, it.key, &l, live);
    }
}

static bool manager_trusted(value managers, str name)
{
    for (struct value_iter it = value_iter(managers); value_next(&it);)
        if (str_eq(value_str(it.val), name))
            return true;
    return false;
}

int managers_drop_conflicts(value managers, struct arena *a, value *io_target, value *io_live,
                            struct err *err)
{
    struct walk w = {a, err};
    value entries = object_managed_fields(*io_live);
    for (struct value_iter it = value_iter(entries); value_next(&it);) {
        value fields = value_getz(it.val, "fieldsV1");
        if (!manager_trusted(managers, value_str(value_getz(it.val, "manager"))))
            continue;
        if (!value_is_map(fields))
            return err_set(err, ERR_INVALID,
                           "error merging managed fields: fieldsV1 is not an object");
        drop(&w, fields, io_target, io_live);
    }
    return 0;
}
