/* controllers/application/interest.c: who cares about an object that bears nobody's mark.
 *
 * An application notices changes of its own objects by their tracking mark. What lives (or will
 * live) at one of its desired keys without the mark is found by key: each comparison registers
 * those keys, replacing the ones of the comparison before. A key has one listener; two applications
 * that desire one object both see it once one of them owns it. */
#include "controllers/application/app.h"

#include <stdlib.h>

void interest_clear(struct application *app)
{
    struct map *all = &app->controller->by_key;
    for (size_t i = 0; i < app->n_interests; i++) {
        if (map_find(all, str_of(app->interest[i])) == app)
            map_remove(all, str_of(app->interest[i]));
        free(app->interest[i]);
    }
    free(app->interest);
    app->interest = NULL;
    app->n_interests = 0;
}

static bool marked(const struct evaluation *e, const struct compare_row *row)
{
    return value_exists(row->live) &&
           str_eq(tracking_owner(&e->settings->settings, row->live), e->view.instance);
}

void interest_register(struct application *app, const struct evaluation *e)
{
    struct arena a;
    const struct compare_result *r = &e->result;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    interest_clear(app);
    app->interest = checked_calloc(r->n_rows + 1, sizeof(*app->interest));
    for (size_t i = 0; i < r->n_rows; i++) {
        if (!value_exists(r->row[i].target) || marked(e, &r->row[i]))
            continue;
        str key = kube_key_str(&a, r->row[i].key);
        if (map_has(&app->controller->by_key, key))
            continue;
        char *own = checked_calloc(1, key.len + 1);
        memcpy(own, key.at, key.len);
        map_set(&app->controller->by_key, str_of(own), app);
        app->interest[app->n_interests++] = own;
    }
    arena_done(&a);
}

static size_t find(const struct application *app, str key)
{
    size_t i = 0;
    while (i < app->n_interests && !str_is(key, app->interest[i]))
        i++;
    return i;
}

static void add(struct application *app, str key)
{
    if (map_has(&app->controller->by_key, key))
        return;
    char *own = checked_calloc(1, key.len + 1);
    memcpy(own, key.at, key.len);
    app->interest = realloc(app->interest, (app->n_interests + 1) * sizeof(*app->interest));
    if (!app->interest)
        abort();
    map_set(&app->controller->by_key, str_of(own), app);
    app->interest[app->n_interests++] = own;
}

static void drop(struct application *app, size_t i)
{
    char *own = app->interest[i];
    if (map_find(&app->controller->by_key, str_of(own)) == app)
        map_remove(&app->controller->by_key, str_of(own));
    app->interest[i] = app->interest[--app->n_interests];
    free(own);
}

void interest_add(struct application *app, struct kube_key key)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    add(app, kube_key_str(&a, key));
    arena_done(&a);
}

void interest_of_row(struct application *app, const struct evaluation *e,
                     const struct compare_row *row)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    str key = kube_key_str(&a, row->key);
    size_t i = find(app, key);
    bool wanted = value_exists(row->target) && !marked(e, row);
    if (wanted && i == app->n_interests)
        add(app, key);
    else if (!wanted && i < app->n_interests)
        drop(app, i);
    arena_done(&a);
}

struct application *interest_find(struct app_controller *c, struct kube_key key)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    struct application *app = map_find(&c->by_key, kube_key_str(&a, key));
    arena_done(&a);
    return app;
}
