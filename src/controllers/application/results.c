/* controllers/application/results.c: what was computed, for the API to show: managed resources,
 * tree, manifests. */
#include "controllers/application/app.h"

#include "kube/object.h"

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
            .name = object_name(value_exists(row->live) ? row->live : row->target),
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

/* As rendered, with our mark; the default namespace is not in it. */
static void add_manifest(struct evaluation *e, value list, value object)
{
    struct arena *a = &e->arena;
    value marked = tracking_write(&e->settings->settings, a, object, e->view.instance,
                                  e->view.destination.namespace);
    value_push(a, list, value_borrow_str(a, json_str(a, marked, AUDIENCE_DISPLAY, JSON_SORT_KEYS)));
}

static void store_manifests(struct application *app, struct evaluation *e, const struct round *r)
{
    struct arena *a = &e->arena;
    value answer = value_new_map(a), list = value_new_list(a);
    if (round_failed(r) || r->is_local)
        return;
    for (size_t i = 0; i < r->n_sources; i++)
        for (size_t k = 0; r->source[i].result && k < r->source[i].result->n_objects; k++)
            add_manifest(e, list, doc_root(r->source[i].result->object[k].object));
    value_setz(a, answer, "manifests", list);
    for (size_t i = 0; i < r->n_sources && i < 1; i++)
        if (r->source[i].result) {
            value_set_str(a, answer, "revision", str_of(r->source[i].result->revision));
            value_set_str(a, answer, "sourceType", render_type_name(r->source[i].result->type));
        }
    appcache_set_manifests(app->controller->config.results, str_of(app->key),
                           doc_freeze(answer, 0));
}

/* Bodies are computed for those who look at them: the tree is all that everybody needs. */
void results_store(struct application *app, struct evaluation *e, const struct round *r)
{
    struct appcache *c = app->controller->config.results;
    if (appcache_holds(c, str_of(app->key), APPCACHE_MANAGED | APPCACHE_MANIFESTS)) {
        store_managed(app, e);
        store_manifests(app, e, r);
    }
    results_store_tree(app, e);
}

void results_forget(struct application *app)
{
    struct appcache *c = app->controller->config.results;
    appcache_drop(c, str_of(app->key), APPCACHE_MANIFESTS);
    appcache_set_managed(c, str_of(app->key), NULL, 0);
}

void results_outdated(struct application *app)
{
    appcache_drop(app->controller->config.results, str_of(app->key),
                  APPCACHE_MANAGED | APPCACHE_MANIFESTS);
}

void results_fill(void *controller, str key)
{
    struct app_controller *c = controller;
    struct application *app = map_find(&c->app, key);
    struct err err;
    const unsigned lazy = APPCACHE_MANAGED | APPCACHE_MANIFESTS;
    if (!app || !app->rendered.source ||
        (appcache_holds(c->config.results, key, lazy) && !app->tree_at))
        return;
    struct evaluation *e = evaluation_new(app);
    if (!e->spec_errors.n &&
        evaluation_compare(app, e, &app->rendered, NULL, &err) == EVALUATION_DONE) {
        store_managed(app, e);
        store_manifests(app, e, &app->rendered);
        results_store_tree(app, e);
        app->tree_at = 0;
    }
    evaluation_free(e);
}
