/* api/app.c: finding the application a request names, and its public form. Source: argo-cd
 * server/application (getAppEnforceRBAC). */
#include "api/impl.h"
#include "base/log.h"
#include "kube/object.h"

str app_project(value app)
{
    str p = value_path_str(app, "spec.project");
    return p.len ? p : STR("default");
}

str app_rbac_object(struct api_request *r, value app)
{
    str ns = object_ns(app);
    if (!ns.len || str_eq(ns, r->api->config.namespace))
        return ARENA_CAT(r->a, app_project(app), STR("/"), object_name(app));
    return ARENA_CAT(r->a, app_project(app), STR("/"), ns, STR("/"), object_name(app));
}

bool app_allowed(struct api_request *r, value app, const char *action)
{
    return allowed(r, STR("applications"), str_of(action), app_rbac_object(r, app));
}

struct cluster_target app_target(str ns, str name)
{
    return (struct cluster_target){.gvk = {.group = STR("argoproj.io"),
                                           .version = STR("v1alpha1"),
                                           .kind = STR("Application")},
                                   .ns = ns,
                                   .name = name};
}

static bool namespace_served(struct api_request *r, str ns)
{
    const struct auth *auth = auth_now(r->api);
    return str_eq(ns, r->api->config.namespace) ||
           (auth && settings_namespace_allowed(auth_settings(auth), ns));
}

/* Without a project nobody learns whether an application exists that he may not see. */
static const struct doc *find_visible(struct api_request *r, str ns, str name, str project)
{
    if (!namespace_served(r, ns)) {
        answer_error(r, GRPC_DENIED, "permission denied");
        return NULL;
    }
    const struct doc *d = informer_find(r->api->applications, ns, name);
    value app = d ? doc_root(d) : VALUE_ABSENT;
    if (!project.len) {
        if (d && app_allowed(r, app, "get"))
            return d;
        answer_error(r, GRPC_DENIED, "permission denied");
        return NULL;
    }
    str object = str_eq(ns, r->api->config.namespace)
                     ? ARENA_CAT(r->a, project, STR("/"), name)
                     : ARENA_CAT(r->a, project, STR("/"), ns, STR("/"), name);
    if (!allowed(r, STR("applications"), STR("get"), object)) {
        answer_error(r, GRPC_DENIED, "permission denied");
        return NULL;
    }
    if (d && str_eq(app_project(app), project))
        return d;
    answer_error(r, GRPC_NOT_FOUND, "applications.argoproj.io \"%.*s\" not found", STR_FMT(name));
    return NULL;
}

const struct doc *app_of(struct api_request *r, str name, str app_namespace, str project,
                         const char *action)
{
    str ns = app_namespace.len ? app_namespace : r->api->config.namespace;
    const struct doc *d = find_visible(r, ns, name, project);
    if (!d)
        return NULL;
    arena_on_done(r->a, (void (*)(void *))doc_unref, doc_ref(d));
    if (strcmp(action, "get") != 0 &&
        !allowed_or_denied(r, STR("applications"), str_of(action), app_rbac_object(r, doc_root(d))))
        return NULL;
    return d;
}

void app_repo(struct api_request *r, str url, str project, struct source_repo *ret)
{
    const struct api_ports *p = &r->api->config.ports;
    *ret = (struct source_repo){.url = url};
    if (p->repo && !p->repo(p->arg, url, project, r->a, ret))
        *ret = (struct source_repo){.url = url};
}

static void default_map(struct arena *a, value map, const char *key)
{
    if (!value_is_map(value_get(map, str_of(key))))
        value_set(a, map, str_of(key), value_new_map(a));
}

/* What the typed status prints even when nothing was ever stored. */
static void fill_status(struct arena *a, value object)
{
    value status = value_edit_map(a, object, STR("status"));
    default_map(a, status, "health");
    default_map(a, status, "summary");
    default_map(a, status, "sourceHydrator");
    value sync = value_edit_map(a, status, STR("sync"));
    if (!value_is_string(value_getz(sync, "status")))
        value_set_str(a, sync, "status", STR(""));
    value compared = value_edit_map(a, sync, STR("comparedTo"));
    default_map(a, compared, "destination");
    value source = value_edit_map(a, compared, STR("source"));
    if (!value_is_string(value_getz(source, "repoURL")))
        value_set_str(a, source, "repoURL", STR(""));
}

value app_public(struct arena *a, value object)
{
    value v = value_new_map(a);
    for (struct value_iter it = value_iter(object); value_next(&it);)
        if (!str_is(it.key, "apiVersion") && !str_is(it.key, "kind"))
            value_set(a, v, it.key, it.val);
    fill_status(a, v);
    return v;
}

static bool same_resource(value a, value b)
{
    static const char *const fields[] = {"group", "kind", "namespace", "name"};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (!str_eq(value_str(value_get(a, str_of(fields[i]))),
                    value_str(value_get(b, str_of(fields[i])))))
            return false;
    return true;
}

/* The health that the tree knows of a resource: of its node, or Missing when the node is only
 * wanted. */
static value health_in(struct arena *a, value nodes, value resource)
{
    for (struct value_iter it = value_iter(nodes); value_next(&it);) {
        value health = value_getz(it.val, "health");
        if (!same_resource(it.val, resource))
            continue;
        if (value_is_map(health))
            return health;
        if (value_exists(value_getz(it.val, "resourceVersion")) ||
            value_exists(value_getz(it.val, "uid")) ||
            value_exists(value_getz(it.val, "createdAt")))
            return VALUE_ABSENT;
        value missing = value_new_map(a);
        value_set_str(a, missing, "status", STR("Missing"));
        return missing;
    }
    return VALUE_ABSENT;
}

value app_shown(struct api *api, struct arena *a, value object)
{
    value v = app_public(a, object);
    value resources = value_path(v, "status.resources");
    str key = ARENA_CAT(a, object_ns(object), STR("/"), object_name(object));
    struct appcache_entry *e = appcache_read(api->config.results, key);
    if (e && e->tree && value_len(resources) &&
        str_is(value_path_str(v, "status.resourceHealthSource"), "appTree")) {
        value nodes = value_getz(doc_root(e->tree), "nodes");
        value list = value_new_list(a);
        for (struct value_iter it = value_iter(resources); value_next(&it);) {
            value row = value_edit(a, it.val);
            value_setz(a, row, "health", health_in(a, nodes, row));
            value_push(a, list, row);
        }
        value status = value_edit_map(a, v, STR("status"));
        value_setz(a, status, "resources", list);
    }
    appcache_entry_unref(e);
    return v;
}

/* ---- events ---- */

static void event_written(void *arg, struct answer *ans)
{
    (void)arg;
    if (ans->rc)
        LOG(LOG_LEVEL_WARN, "writing an event: %s", ans->err.text);
}

static value event_object(struct api_request *r, value app, const char *reason, str text)
{
    struct arena *a = r->a;
    static const char *const same[] = {"name", "namespace", "uid", "resourceVersion"};
    value e = value_new_map(a), meta, about, source;
    value_set_str(a, e, "apiVersion", STR("v1"));
    value_set_str(a, e, "kind", STR("Event"));
    meta = value_edit_map(a, e, STR("metadata"));
    value_setz(a, meta, "name",
               value_of_str(a, arena_printf(a, "%.*s.%llx", STR_FMT(object_name(app)),
                                            (unsigned long long)r->now * 1000)));
    value_setz(a, meta, "namespace", value_of_str(a, object_ns(app)));
    about = value_edit_map(a, e, STR("involvedObject"));
    value_set_str(a, about, "apiVersion", STR("argoproj.io/v1alpha1"));
    value_set_str(a, about, "kind", STR("Application"));
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        value_set(a, about, str_of(same[i]),
                  value_get(value_getz(app, "metadata"), str_of(same[i])));
    value_set_str(a, e, "reason", str_of(reason));
    value_setz(a, e, "message", value_of_str(a, ARENA_CAT(a, r->user.name, STR(" "), text)));
    value_set_str(a, e, "type", STR("Normal"));
    source = value_edit_map(a, e, STR("source"));
    value_set_str(a, source, "component", STR("argocd-server"));
    value_setz(a, e, "count", value_of_int(a, 1));
    value_set_str(a, e, "firstTimestamp", time_str(a, r->now));
    value_set_str(a, e, "lastTimestamp", time_str(a, r->now));
    return e;
}

void event_record(struct api_request *r, value app, const char *reason, str text)
{
    const struct cluster_target t = {.gvk = {.version = STR("v1"), .kind = STR("Event")},
                                     .ns = object_ns(app)};
    const struct cluster_options o = {.field_manager = STR("argocd-server")};
    cluster_create(r->api->config.home, &t, event_object(r, app, reason, text), &o,
                   call_open(r->api->config.loop, 30 * USEC_PER_SEC, event_written, NULL));
}
