/* kube/apply.c */
#include "kube/apply.h"

#include "value/json.h"

struct manager {
    str name, operation, api_version, subresource;
    value time;
    value entry; /* settled: as it is written, while `set` is NULL */
    struct fieldset *set;
};

typedef VEC(struct manager) manager_vec;

/* Paths of metadata and type that nobody owns. */
static const char *const never_owned[] = {"f:apiVersion", "f:kind"};
static const char *const never_owned_meta[] =
    {"f:name",        "f:namespace",  "f:creationTimestamp", "f:selfLink",       "f:uid",
     "f:clusterName", "f:generation", "f:managedFields",     "f:resourceVersion"};

/* Drop these elements of one level with all below them. */
static void fieldset_forget(struct fieldset *s, const char *const *names, size_t n_names)
{
    size_t n = 0;
    for (size_t i = 0; s && i < s->n; i++) {
        bool gone = false;
        for (size_t j = 0; j < n_names && !gone; j++)
            gone = str_is(s->at[i].element, names[j]);
        if (!gone)
            s->at[n++] = s->at[i];
    }
    if (s)
        s->n = n;
}

static struct fieldset *stripped(const struct kube_apply *k, struct arena *a,
                                 const struct fieldset *s)
{
    struct fieldset *out = fieldset_difference_deep(a, s, NULL); /* a copy */
    fieldset_forget(out, never_owned, ARRAY_LEN(never_owned));
    for (size_t i = 0; i < out->n; i++) {
        if (!str_is(out->at[i].element, "f:metadata"))
            continue;
        out->at[i].member = false; /* metadata itself */
        fieldset_forget(out->at[i].child, never_owned_meta, ARRAY_LEN(never_owned_meta));
    }
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

/* The managers of a settled object: their sets stay as they are written until somebody asks. */
static void list_managers(value live, struct arena *a, manager_vec *ret)
{
    for (struct value_iter it = value_iter(value_path(live, "metadata.managedFields"));
         value_next(&it);) {
        struct manager m = {.name = value_path_str(it.val, "manager"),
                            .operation = value_path_str(it.val, "operation"),
                            .api_version = value_path_str(it.val, "apiVersion"),
                            .subresource = value_path_str(it.val, "subresource"),
                            .time = value_getz(it.val, "time"),
                            .entry = it.val};
        vec_push(a, ret, m);
    }
}

static struct fieldset *set_of(struct arena *a, struct manager *m)
{
    if (!m->set && fieldset_parse(value_getz(m->entry, "fieldsV1"), a, &m->set, NULL) < 0)
        m->set = fieldset_new(a);
    return m->set;
}

static bool owns_nothing(const struct manager *m)
{
    return m->set ? fieldset_is_empty(m->set) : !value_len(value_getz(m->entry, "fieldsV1"));
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
        if (owns_nothing(m))
            continue;
        if (!m->set && value_same_place(m->time, value_getz(m->entry, "time"))) {
            value_push(a, list, m->entry);
            continue;
        }
        value e = value_new_map(a);
        value_set_str(a, e, "manager", m->name);
        value_set_str(a, e, "operation", m->operation);
        value_set_str(a, e, "apiVersion", m->api_version);
        value_setz(a, e, "time", m->time);
        value_set_str(a, e, "fieldsType", STR("FieldsV1"));
        value_setz(a, e, "fieldsV1",
                   m->set ? fieldset_value(a, m->set) : value_getz(m->entry, "fieldsV1"));
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

/* ---- versions ---- */

struct typed {
    value object;
    str version;
    const struct kube_schema *schema;
};

static struct typed typed_of(const struct kube_apply *k, value object)
{
    return (struct typed){object, k->api_version, k->schema};
}

static bool version_is_served(const struct kube_apply *k, str version)
{
    return !k->versions || str_eq(version, k->api_version) ||
           k->versions->schema(k->versions->arg, version);
}

/* The object in another version, which is served. */
static struct typed to_version(const struct kube_apply *k, struct arena *a, struct typed t,
                               str version)
{
    if (!k->versions || str_eq(t.version, version))
        return t;
    bool own = str_eq(version, k->api_version);
    return (struct typed){k->versions->convert(k->versions->arg, t.object, version, a), version,
                          own ? k->schema : k->versions->schema(k->versions->arg, version)};
}

/* Managers of versions that are gone go with them; the sets of the others follow their types. */
static void reconcile_managers(const struct kube_apply *k, struct arena *a, manager_vec *v)
{
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) {
        struct manager m = v->at[i];
        bool own = !k->versions || str_eq(m.api_version, k->api_version);
        if (!version_is_served(k, m.api_version))
            continue;
        m.set = fieldset_reconcile(a, m.set,
                                   own ? k->schema
                                       : k->versions->schema(k->versions->arg, m.api_version));
        v->at[n++] = m;
    }
    v->n = n;
}

/* ---- conflicts ---- */

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

/* ---- what a write does to the sets of the others ---- */

struct comparison_at {
    str version;
    struct fieldset_comparison c;
};

struct write {
    const struct kube_apply *k;
    struct arena *a;
    struct typed old, now;
    VEC(struct comparison_at) seen;
    struct comparison_at
        whole; /* in the write's own version, before filtering; version "": not yet */
};

static struct fieldset *filtered(const struct kube_apply *k, struct arena *a, struct fieldset *s)
{
    return k->reset ? fieldset_difference_deep(a, s, k->reset) : s;
}

/* What the write changed, in its own version, with what this door resets. */
static struct fieldset_comparison whole_change(struct write *w)
{
    if (!w->whole.version.len)
        fieldset_compare(w->old.object, w->now.object, w->k->schema, w->a, &w->whole.c);
    w->whole.version = w->k->api_version;
    return w->whole.c;
}

/* What the write changed, as a version shows it. */
static struct fieldset_comparison changes_at(struct write *w, str version)
{
    for (size_t i = 0; i < w->seen.n; i++)
        if (!w->k->versions || str_eq(w->seen.at[i].version, version))
            return w->seen.at[i].c;
    struct typed old = to_version(w->k, w->a, w->old, version),
                 now = to_version(w->k, w->a, w->now, version);
    struct comparison_at at = {.version = version};
    if (str_eq(now.version, w->k->api_version))
        at.c = whole_change(w);
    else
        fieldset_compare(old.object, now.object, now.schema, w->a, &at.c);
    at.c.removed = filtered(w->k, w->a, at.c.removed);
    at.c.modified = filtered(w->k, w->a, at.c.modified);
    at.c.added = filtered(w->k, w->a, at.c.added);
    vec_push(w->a, &w->seen, at);
    return at.c;
}

/* Fields of others that the write changes: conflicts, unless it is forced. True: refused. */
static bool find_conflicts(struct write *w, manager_vec *v, const struct manager *mine,
                           struct kube_apply_result *ret)
{
    struct arena *a = w->a;
    struct conflicts found = {.a = a};
    for (size_t i = 0; i < v->n; i++) {
        if (&v->at[i] == mine)
            continue;
        struct fieldset_comparison c = changes_at(w, v->at[i].api_version);
        struct fieldset *changed = fieldset_union(a, c.modified, c.added);
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

/* The others lose what the write changed or removed. */
static void release(struct write *w, manager_vec *v, const struct manager *mine)
{
    for (size_t i = 0; i < v->n; i++) {
        struct manager *m = &v->at[i];
        if (m == mine)
            continue;
        struct fieldset_comparison c = changes_at(w, m->api_version);
        struct fieldset *changed = fieldset_union(w->a, c.modified, c.added);
        if (!m->set && !fieldset_written_has_any(value_getz(m->entry, "fieldsV1"), changed) &&
            !fieldset_written_has_any(value_getz(m->entry, "fieldsV1"), c.removed))
            continue;
        m->set = fieldset_difference(w->a, set_of(w->a, m), changed);
        m->set = fieldset_difference(w->a, m->set, c.removed);
    }
}

static struct manager *add_manager(const struct kube_apply *k, struct arena *a, manager_vec *v,
                                   str operation)
{
    vec_push(a, v,
             (struct manager){.name = k->manager,
                              .operation = operation,
                              .api_version = k->api_version,
                              .subresource = k->subresource,
                              .set = fieldset_new(a)});
    return &v->at[v->n - 1];
}

static value time_value(const struct kube_apply *k, struct arena *a)
{
    return value_of_str(a, time_str(a, k->now));
}

/* ---- updates ---- */

static int by_age(const void *x, const void *y)
{
    const struct manager *p = *(struct manager *const *)x, *q = *(struct manager *const *)y;
    int c = str_cmp(value_str(p->time), value_str(q->time));
    if (!c)
        c = str_cmp(p->name, q->name);
    return c ? c : str_cmp(p->api_version, q->api_version);
}

static struct manager *find_ancient(manager_vec *v, str version)
{
    for (size_t i = 0; i < v->n; i++)
        if (str_is(v->at[i].name, "ancient-changes") && str_is(v->at[i].operation, "Update") &&
            str_eq(v->at[i].api_version, version) && !v->at[i].subresource.len)
            return &v->at[i];
    return NULL;
}

/* Too many entries of updates: the oldest ones of a version become one. */
static void cap_updates(struct arena *a, manager_vec *v)
{
    VEC(struct manager *) old = {0};
    for (size_t i = 0; i < v->n; i++)
        if (str_is(v->at[i].operation, "Update") && !owns_nothing(&v->at[i]))
            vec_push(a, &old, &v->at[i]);
    if (old.n <= KUBE_UPDATE_MANAGERS_MAX)
        return;
    qsort(old.at, old.n, sizeof(*old.at), by_age);
    size_t n = old.n;
    for (size_t i = 0; i < old.n && n > KUBE_UPDATE_MANAGERS_MAX; i++) {
        struct manager *m = old.at[i], *first = NULL;
        for (size_t j = 0; j < i && !first; j++)
            if (str_eq(old.at[j]->api_version, m->api_version))
                first = old.at[j];
        if (!first)
            continue;
        struct manager *bucket = find_ancient(v, m->api_version);
        if (!bucket) {
            bucket = first;
            bucket->name = STR("ancient-changes");
            bucket->subresource = STR("");
        }
        if (bucket == m)
            continue;
        bucket->set = fieldset_union(a, set_of(a, m), set_of(a, bucket));
        bucket->time = m->time;
        m->set = fieldset_new(a);
        n--;
    }
}

static void update(const struct kube_apply *k, struct arena *a, manager_vec *v, value old,
                   value now)
{
    struct write w = {.k = k, .a = a, .old = typed_of(k, old), .now = typed_of(k, now)};
    if (!k->settled)
        reconcile_managers(k, a, v);
    release(&w, v, NULL);
    struct fieldset_comparison c = whole_change(&w);
    struct fieldset *set = stripped(k, a, fieldset_union(a, c.modified, c.added));
    if (!fieldset_is_empty(set)) {
        struct manager *mine = find_manager(k, v, STR("Update"));
        mine = mine ? mine : add_manager(k, a, v, STR("Update"));
        if (mine->set || !fieldset_written_has_all(value_getz(mine->entry, "fieldsV1"), set))
            mine->set = fieldset_union(a, set, set_of(a, mine));
        mine->time = time_value(k, a);
    }
    cap_updates(a, v);
}

/* An empty list, or one with an empty entry, is the request to forget all managers. */
static bool is_reset(value managed)
{
    return value_is_list(managed) &&
           (!value_len(managed) || (value_len(managed) == 1 && !value_len(value_at(managed, 0))));
}

void kube_track_update(const struct kube_apply *k, value live, value object, struct arena *a)
{
    manager_vec v = {0};
    struct err err;
    bool exists = value_exists(live);
    value given = value_path(object, "metadata.managedFields");
    bool own_list = !k->subresource.len;
    struct kube_apply how = *k;
    how.settled = k->settled && exists &&
                  (!own_list || !value_exists(given) ||
                   value_same_place(given, value_path(live, "metadata.managedFields")));
    if (own_list && is_reset(given)) {
        v.n = 0;
    } else if (how.settled) {
        list_managers(live, a, &v);
    } else {
        if (!own_list || read_managers(object, a, &v, &err) < 0 || !v.n) {
            v.n = 0;
            if (read_managers(live, a, &v, &err) < 0)
                v.n = 0;
        }
    }
    if (v.n || !exists || !value_path_str(live, "metadata.uid").len)
        update(&how, a, &v,
               how.settled ? live
               : exists    ? without_managers(a, live)
                           : blank(a, k->schema, 0),
               how.settled ? object : without_managers(a, object));
    write_managers(a, &v, object);
}

/* ---- apply ---- */

/* The sets of all managers that wrote a version. */
static struct fieldset *owned_at(const struct kube_apply *k, struct arena *a, const manager_vec *v,
                                 str version)
{
    struct fieldset *s = fieldset_new(a);
    for (size_t i = 0; i < v->n; i++)
        if (!k->versions || str_eq(v->at[i].api_version, version))
            s = fieldset_union(a, s, v->at[i].set);
    return s;
}

static struct fieldset *named_paths(struct arena *a, struct typed t)
{
    return fieldset_with_named(a, fieldset_of(t.object, t.schema, a), t.schema);
}

static struct typed without(struct arena *a, struct typed t, const struct fieldset *gone)
{
    t.object = fieldset_remove_items(t.object, gone, t.schema, a);
    return t;
}

/* Put back what somebody owns at a version. */
static void add_back_owned(const struct kube_apply *k, struct arena *a, const manager_vec *v,
                           str version, struct typed *merged, struct typed *pruned)
{
    *merged = to_version(k, a, *merged, version);
    *pruned = to_version(k, a, *pruned, version);
    struct fieldset *owned = fieldset_with_named(a, owned_at(k, a, v, version), merged->schema);
    struct fieldset *kept = fieldset_union(a, named_paths(a, *pruned), owned);
    *pruned = without(a, *merged, fieldset_difference(a, named_paths(a, *merged), kept));
}

/* What this manager applied last time, does not apply now, and nobody else owns, goes. */
static value prune(const struct kube_apply *k, struct arena *a, const manager_vec *v, value object,
                   const struct manager *last)
{
    struct typed merged = to_version(k, a, typed_of(k, object), last->api_version), all = merged;
    struct fieldset *applied = fieldset_with_named(a, last->set, merged.schema);
    struct typed pruned = without(a, merged, applied);
    add_back_owned(k, a, v, last->api_version, &all, &pruned);
    for (size_t i = 0; k->versions && i < v->n; i++) {
        bool seen = str_eq(v->at[i].api_version, last->api_version);
        for (size_t j = 0; j < i && !seen; j++)
            seen = str_eq(v->at[i].api_version, v->at[j].api_version);
        if (!seen)
            add_back_owned(k, a, v, v->at[i].api_version, &all, &pruned);
    }
    pruned = to_version(k, a, pruned, last->api_version);
    struct fieldset *gone = fieldset_difference(a, named_paths(a, merged), named_paths(a, pruned));
    merged = without(a, merged, fieldset_intersection(a, gone, applied));
    return to_version(k, a, merged, k->api_version).object;
}

/* The fields of an object that nobody manages yet belong to whoever made it. */
static void begin_managers(const struct kube_apply *k, struct arena *a, manager_vec *v, value live)
{
    struct kube_apply before = *k;
    before.manager = STR("before-first-apply");
    update(&before, a, v, blank(a, k->schema, 0), live);
}

int kube_apply(const struct kube_apply *k, value live, value config, struct arena *a,
               struct kube_apply_result *ret, struct err *err)
{
    manager_vec v = {0};
    struct manager last = {0};
    int rc = read_managers(live, a, &v, err);
    if (rc < 0)
        return rc;
    value old = value_exists(live) ? without_managers(a, live) : blank(a, k->schema, 0);
    if (!v.n && value_exists(live))
        begin_managers(k, a, &v, old);
    struct manager *mine = find_manager(k, &v, STR("Apply"));
    value last_time =
        mine ? mine->time : VALUE_ABSENT; /* outlives an entry of a version that is gone */
    reconcile_managers(k, a, &v);
    value merged = fieldset_merge(value_exists(live) ? old : value_new_map(a),
                                  without_managers(a, config), k->schema, a);
    mine = find_manager(k, &v, STR("Apply"));
    if (mine)
        last = *mine;
    else
        mine = add_manager(k, a, &v, STR("Apply"));
    mine->api_version = k->api_version;
    mine->time = last_time;
    mine->set = filtered(k, a, fieldset_of(config, k->schema, a));
    if (!fieldset_is_empty(last.set))
        merged = prune(k, a, &v, merged, &last);
    struct write w = {.k = k, .a = a, .old = typed_of(k, old), .now = typed_of(k, merged)};
    if (!k->force && find_conflicts(&w, &v, mine, ret))
        return 0;
    release(&w, &v, mine);
    mine->set = stripped(k, a, mine->set);
    if (!value_equal(old, merged))
        mine->time = time_value(k, a);
    write_managers(a, &v, merged);
    *ret = (struct kube_apply_result){.object = merged};
    return 0;
}
