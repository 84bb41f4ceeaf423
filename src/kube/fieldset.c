/* kube/fieldset.c: the trie: reading, writing, set algebra, paths for people. */
#include "kube/fieldset.h"

#include "value/json.h"

struct fieldset *fieldset_new(struct arena *a) { return ARENA_NEW(a, struct fieldset); }

static size_t place(const struct fieldset *s, str element, bool *found)
{
    size_t low = 0, high = s ? s->n : 0;
    *found = false;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = str_cmp(s->at[mid].element, element);
        if (!c) {
            *found = true;
            return mid;
        }
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct fieldset_entry *fieldset_find(const struct fieldset *s, str element)
{
    bool found;
    size_t i = place(s, element, &found);
    return s && found ? &s->at[i] : NULL;
}

struct fieldset_entry *fieldset_insert(struct arena *a, struct fieldset *s, str element)
{
    bool found;
    size_t i = place(s, element, &found);
    if (found)
        return &s->at[i];
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 4;
        s->at = arena_grow(a, s->at, s->cap * sizeof(*s->at), cap * sizeof(*s->at));
        s->cap = cap;
    }
    memmove(s->at + i + 1, s->at + i, (s->n - i) * sizeof(*s->at));
    s->n++;
    s->at[i] = (struct fieldset_entry){.element = element};
    return &s->at[i];
}

void fieldset_drop_empty(struct fieldset *s, str element)
{
    bool found;
    size_t i = place(s, element, &found);
    if (!found)
        return;
    if (s->at[i].child && !s->at[i].child->n)
        s->at[i].child = NULL;
    if (!s->at[i].member && !s->at[i].child) {
        memmove(s->at + i, s->at + i + 1, (s->n - i - 1) * sizeof(*s->at));
        s->n--;
    }
}

static bool element_is_known(str e)
{
    return e.len >= 2 && e.at[1] == ':' && strchr("fkvi", e.at[0]);
}

static int parse(value v, struct arena *a, int depth, struct fieldset *into, bool *ret_self,
                 struct err *err)
{
    *ret_self = false;
    if (!value_is_map(v) || depth > VALUE_DEPTH_MAX)
        return err_set(err, ERR_INVALID, "fieldsV1 must be a map of path elements");
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        if (str_is(it.key, ".")) {
            *ret_self = true;
            continue;
        }
        if (!element_is_known(it.key))
            return err_set(err, ERR_INVALID,
                           "missing key delimiter or unknown prefix in path element '%.*s'",
                           STR_FMT(it.key));
        struct fieldset *child = fieldset_new(a);
        bool self;
        int rc = parse(it.val, a, depth + 1, child, &self, err);
        if (rc < 0)
            return rc;
        struct fieldset_entry *e = fieldset_insert(a, into, arena_str(a, it.key));
        e->member = self || !child->n;
        e->child = child->n ? child : NULL;
    }
    return 0;
}

int fieldset_parse(value fields_v1, struct arena *a, struct fieldset **ret, struct err *err)
{
    struct fieldset *s = fieldset_new(a);
    bool self;
    int rc = value_is_nil(fields_v1) ? 0 : parse(fields_v1, a, 0, s, &self, err);
    if (rc == 0)
        *ret = s;
    return rc;
}

value fieldset_value(struct arena *a, const struct fieldset *s)
{
    value v = value_new_map(a);
    for (size_t i = 0; s && i < s->n; i++) {
        const struct fieldset_entry *e = &s->at[i];
        value child = fieldset_value(a, e->child);
        if (e->member && e->child) {
            value with = value_new_map(a);
            value_set(a, with, STR("."), value_new_map(a));
            for (struct value_iter it = value_iter(child); value_next(&it);)
                value_set(a, with, it.key, it.val);
            child = with;
        }
        value_set(a, v, e->element, child);
    }
    return v;
}

/* Does the path that ends at this entry's value belong to the set? */
static bool written_member(value at)
{
    return value_is_map(at) && (!value_len(at) || value_exists(value_getz(at, ".")));
}

bool fieldset_written_has_any(value fields_v1, const struct fieldset *s)
{
    for (size_t i = 0; s && i < s->n; i++) {
        value at = value_get(fields_v1, s->at[i].element);
        if ((s->at[i].member && written_member(at)) ||
            (value_exists(at) && fieldset_written_has_any(at, s->at[i].child)))
            return true;
    }
    return false;
}

bool fieldset_written_has_all(value fields_v1, const struct fieldset *s)
{
    for (size_t i = 0; s && i < s->n; i++) {
        value at = value_get(fields_v1, s->at[i].element);
        if ((s->at[i].member && !written_member(at)) ||
            !fieldset_written_has_all(at, s->at[i].child))
            return false;
    }
    return true;
}

bool fieldset_is_empty(const struct fieldset *s)
{
    for (size_t i = 0; s && i < s->n; i++)
        if (s->at[i].member || !fieldset_is_empty(s->at[i].child))
            return false;
    return true;
}

bool fieldset_equal(const struct fieldset *x, const struct fieldset *y)
{
    size_t n = x ? x->n : 0, m = y ? y->n : 0;
    if (n != m)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!str_eq(x->at[i].element, y->at[i].element) || x->at[i].member != y->at[i].member ||
            !fieldset_equal(x->at[i].child, y->at[i].child))
            return false;
    return true;
}

enum algebra { UNION, DIFFERENCE, INTERSECTION, DIFFERENCE_DEEP };

static struct fieldset *combine(struct arena *a, const struct fieldset *x, const struct fieldset *y,
                                enum algebra how);

static void combine_entry(struct arena *a, struct fieldset *out, const struct fieldset_entry *x,
                          const struct fieldset_entry *y, enum algebra how)
{
    bool mx = x && x->member, my = y && y->member, member;
    if (how == DIFFERENCE_DEEP && my)
        return;
    member = how == UNION ? mx || my : how == INTERSECTION ? mx && my : mx && !my;
    struct fieldset *child = combine(a, x ? x->child : NULL, y ? y->child : NULL, how);
    const struct fieldset_entry *named = x ? x : y;
    if (!named || (!member && !child))
        return;
    struct fieldset_entry *e = fieldset_insert(a, out, named->element);
    e->member = member;
    e->child = child;
}

static struct fieldset *combine(struct arena *a, const struct fieldset *x, const struct fieldset *y,
                                enum algebra how)
{
    size_t i = 0, j = 0, n = x ? x->n : 0, m = y ? y->n : 0;
    if (!n && (!m || how != UNION))
        return NULL;
    struct fieldset *out = fieldset_new(a);
    while (i < n || (j < m && how == UNION)) {
        int c = i == n ? 1 : j == m ? -1 : str_cmp(x->at[i].element, y->at[j].element);
        if (c == 0)
            combine_entry(a, out, &x->at[i++], &y->at[j++], how);
        else if (c < 0)
            combine_entry(a, out, &x->at[i++], NULL, how);
        else if (how == UNION)
            combine_entry(a, out, NULL, &y->at[j++], how);
        else
            j++;
    }
    return out->n ? out : NULL;
}

static struct fieldset *or_empty(struct arena *a, struct fieldset *s)
{
    return s ? s : fieldset_new(a);
}

struct fieldset *fieldset_union(struct arena *a, const struct fieldset *x, const struct fieldset *y)
{
    return or_empty(a, combine(a, x, y, UNION));
}

struct fieldset *fieldset_difference(struct arena *a, const struct fieldset *x,
                                     const struct fieldset *y)
{
    return or_empty(a, combine(a, x, y, DIFFERENCE));
}

struct fieldset *fieldset_intersection(struct arena *a, const struct fieldset *x,
                                       const struct fieldset *y)
{
    return or_empty(a, combine(a, x, y, INTERSECTION));
}

struct fieldset *fieldset_difference_deep(struct arena *a, const struct fieldset *x,
                                          const struct fieldset *y)
{
    return or_empty(a, combine(a, x, y, DIFFERENCE_DEEP));
}

/* ---- paths for people ---- */

static str element_text(struct arena *a, str element)
{
    str body = str_from(element, 2);
    value key;
    switch (element.at[0]) {
    case 'f': return ARENA_CAT(a, STR("."), body);
    case 'v': return ARENA_CAT(a, STR("[="), body, STR("]"));
    case 'i': return ARENA_CAT(a, STR("["), body, STR("]"));
    default: break;
    }
    if (json_parse(body, NULL, a, &key, NULL) < 0)
        return ARENA_CAT(a, STR("["), body, STR("]"));
    str out = STR("[");
    for (struct value_iter it = value_iter(key); value_next(&it);)
        out = ARENA_CAT(a, out, out.len > 1 ? STR(",") : STR(""), it.key, STR("="),
                        json_str(a, it.val, AUDIENCE_WIRE, JSON_NO_HTML));
    return ARENA_CAT(a, out, STR("]"));
}

static void each(const struct fieldset *s, struct arena *a, str prefix,
                 void (*fn)(void *arg, str path), void *arg)
{
    for (size_t i = 0; s && i < s->n; i++)
        if (s->at[i].member)
            fn(arg, ARENA_CAT(a, prefix, element_text(a, s->at[i].element)));
    for (size_t i = 0; s && i < s->n; i++)
        if (s->at[i].child)
            each(s->at[i].child, a, ARENA_CAT(a, prefix, element_text(a, s->at[i].element)), fn,
                 arg);
}

void fieldset_each(const struct fieldset *s, struct arena *a, void (*fn)(void *arg, str path),
                   void *arg)
{
    each(s, a, STR(""), fn, arg);
}
