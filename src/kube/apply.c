/* kube/apply.c */
#include "kube/apply.h"

#include "value/json.h"

struct manager {
    str name, operation, api_version, subresource;
    value time;
    struct fieldset *set;
    bool touched;
};

typedef VEC(struct manager) manager_vec;

/* Paths of metadata and type that nobody owns. */
static const char *const never_owned[] = {"f:apiVersion", "f:kind"};
static const char *const never_owned_meta[] =
    {"f:name",        "f:namespace",  "f:creationTimestamp", "f:selfLink",       "f:uid",
     "f:clusterName", "f:generation", "f:managedFields",     "f:resourceVersion"};

static struct fieldset *stripped(const struct kube_apply *k, struct arena *a,
                                 const struct fieldset *s)
{
    value v = value_new_map(a), meta = value_edit_map(a, v, STR("f:metadata"));
    struct fieldset *gone;
    for (size_t i = 0; i < ARRAY_LEN(never_owned); i++)
        value_set(a, v, str_of(never_owned[i]), value_new_map(a));
    for (size_t i = 0; i < ARRAY_LEN(never_owned_meta); i++)
        value_set(a, meta, str_of(never_owned_meta[i]), value_new_map(a));
    if (fieldset_parse(v, a, &gone, NULL) < 0)
        return fieldset_new(a);
    struct fieldset *out = fieldset_difference_deep(a, s, gone);
    for (size_t i = 0; i < out->n; i++)
        if (str_is(out->at[i].element, "f:metadata"))
            out->at[i].member = false; /* metadata itself */
    out = k->reset ? fieldset_difference_deep(a, out, k->reset) : out;
    return fieldset_union(a, out, NULL);
}

static int read_managers(value live, struct arena *a, manager_vec *ret, struct err *err)
{
    for (struct value_iter it = value_iter(value_path(live, "metadata.managedFields"));
         value_next(&it);) {
        struct manager m = {.name = value_path_str(it.val, "manager"),
                            .operation = value_path_str(it.val, "operation"),
                            .api_version = value_path_str(it.val, "apiVersion"),
                            .subresource = value_path_str(it.val, "subresource"),
                            .time = value_getz(it.val, "time")};
        int rc = fieldset_parse(value_getz(it.val, "fieldsV1"), a, &m.set, err);
        if (rc < 0)
            return rc;
        vec_push(a, ret, m);
    }
    return 0;
}

static struct manager *find_manager(const struct kube_apply *k, manager_vec *v, str operation)
{
    bool apply = str_is(operation, "Apply");
    for (size_t i = 0; i < v->n; i++)
        if (str_eq(v->at[i].name, k->manager) && str_eq(v->at[i].operation, operation) &&
            str_eq(v->at[i].subresource, k->subresource) &&
            (apply || str_eq(v->at[i].api_version, k->api_version)))
            return &v->at[i];
    return NULL;
}

static int by_order(const void *x, const void *y)
{
    const struct manager *p = x, *q = y;
    int c = str_cmp(p->operation, q->operation);
    if (!c)
        c = str_cmp(value_str(p->time), value_str(q->time));
    if (!c)
        c = str_cmp(p->name, q->name);
    if (!c)
        c = str_cmp(p->api_version, q->api_version);
    return c ? c : str_cmp(p->subresource, q->subresource);
}

static void write_managers(struct arena *a, manager_vec *v, value object)
{
    value list = value_new_list(a), meta = value_edit_map(a, object, STR("metadata"));
    if (v->n)
        qsort(v->at, v->n, sizeof(*v->at), by_order);
    for (size_t i = 0; i < v->n; i++) {
        const struct manager *m = &v->at[i];
        if (fieldset_is_empty(m->set))
            continue;
        value e = value_new_map(a);
        value_set_str(a, e, "manager", m->name);
        value_set_str(a, e, "operation", m->operation);
        value_set_str(a, e, "apiVersion", m->api_version);
        value_setz(a, e, "time", m->time);
        value_set_str(a, e, "fieldsType", STR("FieldsV1"));
        value_setz(a, e, "fieldsV1", fieldset_value(a, m->set));
        if (m->subresource.len)
            value_set_str(a, e, "subresource", m->subresource);
        value_push(a, list, e);
    }
    value_setz(a, meta, "managedFields", value_len(list) ? list : VALUE_ABSENT);
}

static value zero_of(struct arena *a, const struct kube_field *f)
{
    value v;
    return f->zero_json.len && json_parse(f->zero_json, NULL, a, &v, NULL) == 0 ? v : value_null(a);
}

/* What an object of the type looks like before anybody wrote it: structs by value and fields that
 * are always printed. */
static value blank(struct arena *a, const struct kube_schema *s, int depth)
{
    value v = value_new_map(a);
    for (size_t i = 0; s && s->type == KUBE_STRUCT && s->name.len && depth < 8 && i < s->n_fields;
         i++) {
        const struct kube_field *f = &s->field[i];
        if (f->by_value && f->type->type == KUBE_STRUCT)
            value_set(a, v, f->name, blank(a, f->type, depth + 1));
        else if (f->required || f->zero_json.len)
            value_set(a, v, f->name, zero_of(a, f));
    }
    return v;
}

static value without_managers(struct arena *a, value object)
{
    value v = value_edit(a, object);
    value meta = value_new_map(a);
    for (struct value_iter it = value_iter(value_getz(object, "metadata")); value_next(&it);)
        if (!str_is(it.key, "managedFields"))
            value_set(a, meta, it.key, it.val);
    if (v.at == object.at && !object.doc) { /* value_edit gave the caller's own map */
        v = value_new_map(a);
        for (struct value_iter it = value_iter(object); value_next(&it);)
            value_set(a, v, it.key, it.val);
    }
    value_setz(a, v, "metadata", meta);
    return v;
}

/* ---- updates ---- */

static value time_value(const struct kube_apply *k, struct arena *a)
{
    return value_of_str(a, time_str(a, k->now));
}

static void release(struct arena *a, manager_vec *v, const struct manager *but, str api_version,
                    const struct fieldset_comparison *c)
{
    struct fieldset *changed = fieldset_union(a, c->modified, c->added);
    for (size_t i = 0; i < v->n; i++) {
        struct manager *m = &v->at[i];
        if (m == but || !str_eq(m->api_version, api_version))
            continue;
        m->set = fieldset_difference(a, m->set, fieldset_intersection(a, m->set, changed));
        m->set = fieldset_difference(a, m->set, c->removed);
    }
}

void kube_track_update(const struct kube_apply *k, value live, value object, struct arena *a)
{
    manager_vec v = {0};
    struct fieldset_comparison c;
    struct err err;
    value old = value_exists(live) ? without_managers(a, live) : blank(a, k->schema, 0);
    if (read_managers(value_exists(value_path(object, "metadata.managedFields")) ? object : live, a,
                      &v, &err) < 0)
        v.n = 0;
    fieldset_compare(old, without_managers(a, object), k->schema, a, &c);
    struct manager *mine = find_manager(k, &v, STR("Update"));
    if (!mine) {
        vec_push(a, &v,
                 (struct manager){.name = k->manager,
                                  .operation = STR("Update"),
                                  .api_version = k->api_version,
                                  .subresource = k->subresource,
                                  .set = fieldset_new(a)});
        mine = &v.at[v.n - 1];
    }
    release(a, &v, mine, k->api_version, &c);
    struct fieldset *set = fieldset_difference(a, mine->set, c.removed);
    set = fieldset_union(a, set, stripped(k, a, fieldset_union(a, c.modified, c.added)));
    if (!fieldset_equal(set, mine->set) || !value_exists(mine->time) ||
        !fieldset_is_empty(c.modified))
        mine->time = time_value(k, a);
    mine->set = set;
    write_managers(a, &v, object);
}

/* ---- apply ---- */

struct conflicts {
    struct arena *a;
    str manager;
    VEC(struct kube_apply_conflict) list;
};

static void add_conflict(void *arg, str path)
{
    struct conflicts *c = arg;
    vec_push(c->a, &c->list, (struct kube_apply_conflict){c->manager, path});
}

static str manager_text(struct arena *a, const struct manager *m)
{
    str s = json_str(a, value_of_str(a, m->name), AUDIENCE_WIRE, JSON_NO_HTML);
    if (m->subresource.len)
        s = ARENA_CAT(a, s, STR(" with subresource \""), m->subresource, STR("\""));
    return str_is(m->operation, "Update") ? ARENA_CAT(a, s, STR(" using "), m->api_version) : s;
}

/* By manager; the paths of one manager keep their order. */
static void sort_conflicts(struct kube_apply_conflict *c, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0 && str_cmp(c[j].manager, c[j - 1].manager) < 0; j--) {
            struct kube_apply_conflict t = c[j];
            c[j] = c[j - 1];
            c[j - 1] = t;
        }
}

static str conflict_message(struct conflicts *c)
{
    struct arena *a = c->a;
    if (c->list.n == 1)
        return ARENA_CAT(a, STR("Apply failed with 1 conflict: conflict with "),
                         c->list.at[0].manager, STR(": "), c->list.at[0].path);
    str out = arena_printf(a, "Apply failed with %zu conflicts: ", c->list.n), last = STR("");
    for (size_t i = 0; i < c->list.n; i++) {
        if (!str_eq(last, c->list.at[i].manager))
            out = ARENA_CAT(a, out, i ? STR("\n") : STR(""), STR("conflicts with "),
                            c->list.at[i].manager, STR(":"));
        last = c->list.at[i].manager;
        out = ARENA_CAT(a, out, STR("\n- "), c->list.at[i].path);
    }
    return out;
}

static bool find_conflicts(const struct kube_apply *k, struct arena *a, manager_vec *v,
                           const struct manager *mine, const struct fieldset_comparison *c,
                           struct kube_apply_result *ret)
{
    struct conflicts found = {.a = a};
    struct fieldset *changed = fieldset_union(a, c->modified, c->added);
    for (size_t i = 0; i < v->n; i++) {
        if (&v->at[i] == mine || !str_eq(v->at[i].api_version, k->api_version))
            continue;
        found.manager = manager_text(a, &v->at[i]);
        fieldset_each(fieldset_intersection(a, v->at[i].set, changed), a, add_conflict, &found);
    }
    if (!found.list.n)
        return false;
    sort_conflicts(found.list.at, found.list.n);
    *ret = (struct kube_apply_result){.object = VALUE_ABSENT,
                                      .conflict = found.list.at,
                                      .n_conflicts = found.list.n,
                                      .conflict_message = conflict_message(&found)};
    return true;
}

static struct fieldset *all_owned(struct arena *a, const manager_vec *v)
{
    struct fieldset *s = fieldset_new(a);
    for (size_t i = 0; i < v->n; i++)
        s = fieldset_union(a, s, v->at[i].set);
    return s;
}

int kube_apply(const struct kube_apply *k, value live, value config, struct arena *a,
               struct kube_apply_result *ret, struct err *err)
{
    manager_vec v = {0};
    struct fieldset_comparison c;
    int rc = read_managers(live, a, &v, err);
    if (rc < 0)
        return rc;
    value old = value_exists(live) ? without_managers(a, live) : blank(a, k->schema, 0);
    value merged = fieldset_merge(value_exists(live) ? old : value_new_map(a),
                                  without_managers(a, config), k->schema, a);
    struct manager *mine = find_manager(k, &v, STR("Apply"));
    struct fieldset *last = mine ? mine->set : NULL, *set = fieldset_of(config, k->schema, a);
    if (!mine) {
        vec_push(a, &v,
                 (struct manager){.name = k->manager,
                                  .operation = STR("Apply"),
                                  .subresource = k->subresource});
        mine = &v.at[v.n - 1];
    }
    mine->api_version = k->api_version;
    mine->set = set; /* with the names of the object, which keep its metadata from being pruned */
    if (last)
        merged = fieldset_prune(merged, last, all_owned(a, &v), k->schema, a);
    fieldset_compare(old, merged, k->schema, a, &c);
    if (!k->force && find_conflicts(k, a, &v, mine, &c, ret))
        return 0;
    release(a, &v, mine, k->api_version, &c);
    set = stripped(k, a, set);
    mine->set = set;
    if (!last || !fieldset_equal(last, set) || !fieldset_is_empty(c.modified) ||
        !fieldset_is_empty(c.added) || !fieldset_is_empty(c.removed) || !value_exists(mine->time))
        mine->time = time_value(k, a);
    write_managers(a, &v, merged);
    *ret = (struct kube_apply_result){.object = merged};
    return 0;
}
