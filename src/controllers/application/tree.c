/* controllers/application/tree.c: the objects that belong to an application, walked in the mirror,
 * as the API's tree. */
#include "controllers/application/app.h"

#include "kube/object.h"
#include "plan/tree.h"

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

void results_store_tree(struct application *app, struct evaluation *e)
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
