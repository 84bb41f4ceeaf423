/* api/managed.c: the managed resources of an application, live objects with their managedFields.
 *
 * The mirror keeps no managedFields (they are often larger than the object): whoever asks for the
 * live objects waits until they were fetched, MANAGED_FETCHES_MAX at a time. An object that is gone
 * or cannot be read meanwhile is shown without. Source: argo-cd server/application/application.go
 * (ManagedResources). */
#include "api/impl.h"
#include "kube/object.h"

#define CALL_TIMEOUT_US (20 * USEC_PER_SEC)
#define MANAGED_FETCHES_MAX 16 /* requests under way for one caller */

struct managed_item {
    struct managed *of;
    const struct appcache_managed *row;
    value fields; /* metadata.managedFields; absent: none known */
};

struct managed {
    struct api_request *r;
    struct cluster_client *cluster;
    struct managed_item *item;
    size_t n, next, under_way;
};

static bool query_matches(struct api_request *r, const char *key, str have)
{
    str want = query_get(r, key);
    return !want.len || str_eq(want, have);
}

static void put_state(struct arena *a, value item, const char *key, const struct doc *d,
                      value fields)
{
    str text = STR("null");
    if (d) {
        value object = doc_root(d);
        /* A server-side diff shows its sides without what the server writes into metadata. */
        if (value_exists(fields) && object_resource_version(object).len) {
            object = value_edit(a, object);
            value_setz(a, value_edit_map(a, object, STR("metadata")), "managedFields", fields);
        }
        text = json_str(a, object, AUDIENCE_WIRE, JSON_SORT_KEYS);
    }
    value_set(a, item, str_of(key), value_borrow_str(a, text));
}

static void put_str(struct arena *a, value map, const char *key, str s)
{
    if (s.len)
        value_set_str(a, map, key, s);
}

static value managed_row(struct arena *a, const struct managed_item *item)
{
    const struct appcache_managed *m = item->row;
    value v = value_new_map(a);
    put_str(a, v, "group", m->group);
    put_str(a, v, "kind", m->kind);
    put_str(a, v, "namespace", m->namespace);
    put_str(a, v, "name", m->name);
    put_state(a, v, "targetState", m->target, VALUE_ABSENT);
    put_state(a, v, "liveState", m->live, item->fields);
    if (m->hook)
        value_setz(a, v, "hook", value_of_bool(a, true));
    put_state(a, v, "normalizedLiveState", m->normalized_live, item->fields);
    put_state(a, v, "predictedLiveState", m->predicted_live, item->fields);
    put_str(a, v, "resourceVersion", m->resource_version);
    if (m->modified)
        value_setz(a, v, "modified", value_of_bool(a, true));
    return v;
}

static void answer_managed(struct managed *x)
{
    struct api_request *r = x->r;
    value v = value_new_map(r->a), items = value_new_list(r->a);
    for (size_t i = 0; i < x->n; i++)
        value_push(r->a, items, managed_row(r->a, &x->item[i]));
    if (x->n)
        value_setz(r->a, v, "items", items);
    answer_value(r, fields_filter(r, v));
}

static void fetch_more(struct managed *x);

static void fetched(void *arg, struct answer *ans)
{
    struct managed_item *item = arg;
    struct managed *x = item->of;
    x->under_way--;
    if (ans->rc == 0) {
        value object = doc_root(ans->result);
        bool same = str_eq(object_uid(object), object_uid(doc_root(item->row->live)));
        if (same && value_exists(object_managed_fields(object)))
            item->fields = value_copy(x->r->a, object_managed_fields(object));
    }
    fetch_more(x);
}

static void fetch_more(struct managed *x)
{
    while (x->cluster && x->next < x->n && x->under_way < MANAGED_FETCHES_MAX) {
        struct managed_item *item = &x->item[x->next++];
        const struct appcache_managed *m = item->row;
        if (!m->live)
            continue;
        const struct cluster_target t = {{m->group, m->version, m->kind},
                                         m->namespace,
                                         object_name(doc_root(m->live)),
                                         STR("")};
        x->under_way++;
        cluster_get(x->cluster, &t,
                    call_open(x->r->api->config.loop, CALL_TIMEOUT_US, fetched, item));
    }
    if (!x->under_way)
        answer_managed(x);
}

void handle_app_managed(struct api_request *r)
{
    const struct doc *d = app_named(r, "get");
    if (!d)
        return;
    struct appcache_entry *e = app_results(r, d);
    struct managed *x = ARENA_NEW(r->a, struct managed);
    *x = (struct managed){.r = r, .cluster = app_destination(r, doc_root(d))};
    x->item = ARENA_ARRAY(r->a, struct managed_item, (e ? e->n_managed : 0) + 1);
    for (size_t i = 0; e && i < e->n_managed; i++) {
        const struct appcache_managed *m = &e->managed[i];
        if (query_matches(r, "namespace", m->namespace) && query_matches(r, "name", m->name) &&
            query_matches(r, "version", m->version) && query_matches(r, "group", m->group) &&
            query_matches(r, "kind", m->kind))
            x->item[x->n++] = (struct managed_item){x, m, VALUE_ABSENT};
    }
    fetch_more(x);
}
