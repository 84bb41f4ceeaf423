/* controllers/application/results.c: what was computed, for the API to show: managed resources,
 * tree, manifests. */
#include "controllers/application/app.h"

#include "kube/object.h"
#include "plan/tree.h"

static struct doc *frozen_or_null(value v, struct arena *a)
{
    if (!value_exists(v) || value_is_null(v))
        return NULL;
    struct doc *d = doc_freeze(v, 0);
    arena_on_done(a, (void (*)(void *))doc_unref, d);
    return d;
}

/* Masked as it goes out: nobody behind the API sees a Secret's data. */
static void store_managed(struct application *app, struct evaluation *e)
{
    struct arena *a = &e->arena;
    const struct compare_result *r = &e->result;
    struct appcache_managed *item = ARENA_ARRAY(a, struct appcache_managed, r->n_rows + 1);
    for (size_t i = 0; i < r->n_rows; i++) {
        const struct compare_row *row = &r->row[i];
        value four[] = {row->target, row->live, row->diff.normalized_live,
                        row->diff.predicted_live};
        diff_mask_secrets(a, four, ARRAY_LEN(four), e->settings->settings.sensitive_annotations);
        item[i] = (struct appcache_managed){
            .group = row->key.group,
            .version = row->version,
            .kind = row->key.kind,
            .namespace = row->key.ns,
            .name = row->key.name,
            .resource_version = object_resource_version(row->live),
            .target = frozen_or_null(four[0], a),
            .live = frozen_or_null(four[1], a),
            .normalized_live = frozen_or_null(four[2], a),
            .predicted_live = frozen_or_null(four[3], a),
            .hook = row->verdict.hook,
            .modified = row->diff.modified,
        };
    }
    appcache_set_managed(app->controller->config.results, str_of(app->key), item, r->n_rows);
}

struct walk {
    struct evaluation *e;
    struct mirror *mirror;
    VEC(value) live;
    struct map seen; /* uid */
};

static void walk_children(struct walk *w, str uid, unsigned depth)
{
    struct mirror_object o;
    if (!uid.len || depth > MIRROR_OWNER_DEPTH_MAX || w->live.n >= TREE_NODES_MAX)
        return;
    for (struct mirror_iter it = mirror_children(w->mirror, uid); mirror_next(&it, &o);) {
        struct doc *body;
        struct err err;
        str child = arena_str(&w->e->arena, str_of(o.uid));
        if (map_has(&w->seen, child) || mirror_body(w->mirror, &o, &body, &err) < 0)
            continue;
        map_set(&w->seen, child, w);
        arena_on_done(&w->e->arena, (void (*)(void *))doc_unref, body);
        vec_push(&w->e->arena, &w->live, doc_root(body));
        walk_children(w, child, depth + 1);
    }
}

static void store_tree(struct application *app, struct evaluation *e)
{
    struct fleet_cluster cluster;
    struct err err;
    struct arena *a = &e->arena;
    value tree;
    if (!evaluation_cluster(app, e, &cluster))
        return;
    struct walk w = {.e = e, .mirror = cluster.mirror};
    map_init(&w.seen, a);
    for (size_t i = 0; i < e->result.n_rows; i++) {
        value live = e->result.row[i].live;
        str uid = object_uid(live);
        if (!uid.len || map_has(&w.seen, uid))
            continue;
        map_set(&w.seen, uid, &w);
        vec_push(a, &w.live, live);
        walk_children(&w, uid, 0);
    }
    const struct tree_input in = {.compared = &e->result, .live = w.live.at, .n_live = w.live.n};
    if (tree_build(&e->context, &in, a, &tree, &err) < 0)
        return;
    appcache_set_tree(app->controller->config.results, str_of(app->key), doc_freeze(tree, 0));
    value status = status_now(app, a), before = value_getz(status, "summary");
    value summary = tree_summary(&e->view, tree, a);
    if (value_len(summary) || value_exists(before)) {
        value_setz(a, status, "summary", value_len(summary) ? summary : value_new_map(a));
        status_want(app, status);
    }
}

static void store_manifests(struct application *app, struct evaluation *e, const struct round *r)
{
    struct arena *a = &e->arena;
    value answer = value_new_map(a), list = value_new_list(a);
    if (round_failed(r))
        return;
    for (size_t i = 0; i < e->desired.n; i++)
        value_push(a, list,
                   value_borrow_str(a, json_str(a, e->desired.object[i], AUDIENCE_DISPLAY,
                                                JSON_SORT_KEYS)));
    for (size_t i = 0; i < e->desired.n_hooks; i++)
        value_push(a, list,
                   value_borrow_str(a, json_str(a, e->desired.hook[i], AUDIENCE_DISPLAY,
                                                JSON_SORT_KEYS)));
    value_setz(a, answer, "manifests", list);
    for (size_t i = 0; i < r->n_sources && i < 1; i++)
        if (r->source[i].result) {
            value_set_str(a, answer, "revision", str_of(r->source[i].result->revision));
            value_set_str(a, answer, "sourceType", render_type_name(r->source[i].result->type));
        }
    appcache_set_manifests(app->controller->config.results, str_of(app->key),
                           doc_freeze(answer, 0));
}

void results_store(struct application *app, struct evaluation *e, const struct round *r)
{
    store_managed(app, e);
    store_tree(app, e);
    store_manifests(app, e, r);
}
