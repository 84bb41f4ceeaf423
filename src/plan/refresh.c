#include "plan/refresh.h"

#include "kube/object.h"

static bool text_equal(value map, const char *key, str text)
{
    return str_eq(value_str(value_get(map, str_of(key))), text);
}

static bool destination_matches(const struct app *app, value compared)
{
    value d = value_getz(compared, "destination");
    return text_equal(d, "server", app->destination.server) &&
           text_equal(d, "name", app->destination.name) &&
           text_equal(d, "namespace", app->destination.namespace);
}

static bool ignores_match(const struct app *app, value compared)
{
    value a = app->ignore_differences, b = value_getz(compared, "ignoreDifferences");
    return (!value_len(a) && !value_len(b)) || value_equal(a, b);
}

static void need(struct refresh_decision *ret, enum compare_level level, enum refresh_type type,
                 const char *reason)
{
    ret->needed = true;
    ret->level = level;
    ret->type = type;
    ret->reason = reason;
}

/* When the sooner of the two periods ends; 0: never. */
static usec expiry(const struct settings *s, usec at, usec soft_us)
{
    usec soft_at = soft_us ? at + soft_us + 1 : 0;
    usec hard_at = s->hard_reconcile_us > 0 ? at + s->hard_reconcile_us + 1 : 0;
    return !soft_at || (hard_at && hard_at < soft_at) ? hard_at : soft_at;
}

void refresh_decide(const struct app *app, const struct settings *s,
                    const struct refresh_request *request, usec jitter_us, usec now,
                    struct refresh_decision *ret, struct arena *a)
{
    value sync = value_getz(app->status, "sync"), compared = value_getz(sync, "comparedTo");
    bool periodic = s->reconcile_us > 0 && !(request && request->watched);
    usec at = 0, soft_us = periodic ? s->reconcile_us + jitter_us : 0;
    bool known = time_parse(value_path_str(app->status, "reconciledAt"), &at);
    bool soft = !known || (soft_us && at + soft_us < now);
    bool hard = s->hard_reconcile_us > 0 && (!known || at + s->hard_reconcile_us < now);
    (void)a;
    *ret = (struct refresh_decision){.type = REFRESH_NORMAL,
                                     .expires_at = known ? expiry(s, at, soft_us) : 0};
    if (app->refresh != REFRESH_NONE)
        need(ret, COMPARE_FORCE_RESOLVE, app->refresh, "refresh requested");
    else if (!app_spec_matches(app, compared))
        need(ret, COMPARE_FORCE_RESOLVE, REFRESH_NORMAL, "spec.source differs");
    else if (hard)
        need(ret, COMPARE_LATEST, REFRESH_HARD, "comparison expired, requesting hard refresh");
    else if (soft)
        need(ret, COMPARE_LATEST, REFRESH_NORMAL, "comparison expired, requesting refresh");
    else if (!destination_matches(app, compared))
        need(ret, COMPARE_LATEST, REFRESH_NORMAL, "spec.destination differs");
    else if (app_managed_namespace_changed(app))
        need(ret, COMPARE_LATEST, REFRESH_NORMAL,
             "spec.syncPolicy.managedNamespaceMetadata differs");
    else if (!ignores_match(app, compared))
        need(ret, COMPARE_LATEST, REFRESH_NORMAL, "spec.ignoreDifferences differs");
    else if (request && request->level >= 0)
        need(ret, (enum compare_level)request->level, REFRESH_NORMAL,
             "controller refresh requested");
}

static void operation(struct arena *a, value list, const char *op, const char *path, str text)
{
    value o = value_new_map(a);
    value_set_str(a, o, "op", str_of(op));
    value_set_str(a, o, "path", str_of(path));
    if (text.at)
        value_set_str(a, o, "value", text);
    value_push(a, list, o);
}

value refresh_annotation_patch(struct arena *a, value object)
{
    static const str none = {NULL, 0};
    value list = value_new_list(a);
    if (object_has_annotation(object, STR(KEY_REFRESH_TIMESTAMP))) {
        operation(a, list, "test", "/metadata/annotations/argocd.argoproj.io~1refresh-timestamp",
                  object_annotation(object, STR(KEY_REFRESH_TIMESTAMP)));
        operation(a, list, "remove", "/metadata/annotations/argocd.argoproj.io~1refresh-timestamp",
                  none);
    }
    if (object_has_annotation(object, STR(KEY_REFRESH)))
        operation(a, list, "remove", "/metadata/annotations/argocd.argoproj.io~1refresh", none);
    return list;
}
