/* controllers/application/held.c: an application whose work has ended the process is left alone.
 *
 * control/quarantine.h counts; here is what it means for an Application: it keeps what it says,
 * gets a condition, and is worked again when somebody changes its spec, asks for a refresh or a
 * sync, or deletes it. Everything else goes on. A request that was there already when it was held
 * is no reason: it may be what ended the process. Upstream recovers from a panic of one key and
 * goes on with the next; a C process cannot. */
#include "controllers/application/app.h"

#include "control/quarantine.h"
#include "kube/object.h"

#define HELD_MESSAGE                                                                               \
    "Quarantined: working on this application ended the process twice. It is tried again when "    \
    "its "                                                                                         \
    "spec changes, or a refresh or a sync is asked for"

static bool has(const struct doc *d, const char *member)
{
    return value_exists(value_get(doc_root(d), str_of(member)));
}

static bool asked_again(const struct application *app)
{
    const struct doc *then = app->held, *now = app->object;
    bool refresh = object_has_annotation(doc_root(now), STR(KEY_REFRESH));
    return !value_equal(value_getz(doc_root(then), "spec"), value_getz(doc_root(now), "spec")) ||
           (!has(then, "operation") && has(now, "operation")) ||
           (!object_is_deleting(doc_root(then)) && object_is_deleting(doc_root(now))) ||
           (!object_has_annotation(doc_root(then), STR(KEY_REFRESH)) && refresh);
}

/* Its own refresh annotation is answered by the condition; gone, it can be set again. */
static void forget_served(struct application *app)
{
    if (!object_has_annotation(doc_root(app->held), STR(KEY_REFRESH)) ||
        object_has_annotation(doc_root(app->object), STR(KEY_REFRESH)))
        return;
    doc_unref(app->held);
    app->held = doc_ref(app->object);
}

static void say_so(struct application *app)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    struct app_conditions *fresh = ARENA_NEW(&a, struct app_conditions);
    app_conditions_add(fresh, APP_CONDITION_UNKNOWN_ERROR, STR(HELD_MESSAGE));
    value status = status_now(app, &a);
    value_setz(&a, status, "conditions",
               app_conditions_merge(&a, value_getz(status, "conditions"), fresh,
                                    APP_CONDITION_BIT(APP_CONDITION_UNKNOWN_ERROR),
                                    application_wall(app)));
    status_want(app, status);
    if (object_has_annotation(doc_root(app->object), STR(KEY_REFRESH)))
        app->wanted.drop_refresh = true;
    arena_done(&a);
}

bool application_held(struct application *app)
{
    struct quarantine *q = app->controller->config.quarantine;
    str key = str_of(app->key);
    if (!quarantine_holds(q, key))
        return false;
    if (!app->held) {
        app->held = doc_ref(app->object);
        LOG_WITH(LOG_LEVEL_ERROR, FIELDS({"application", key}), "%s", HELD_MESSAGE);
    }
    forget_served(app);
    if (asked_again(app)) {
        doc_unref(app->held);
        app->held = NULL;
        quarantine_release(q, key);
        return false;
    }
    say_so(app);
    return true;
}

void application_rested(struct application *app)
{
    if (!app->operation && !app->refresh.active && !app->waiting_for_cluster &&
        app->rendered.source)
        quarantine_settled(app->controller->config.quarantine, str_of(app->key));
}
