#include "argo/project.h"

#include <string.h>

#include "kube/object.h"
#include "kube/selector.h"
#include "lang/glob.h"

#define PROJECT_SELECTOR_BYTES_MAX                                                                 \
    ((size_t)16 << 20) /* parsed selectors of all global projects                                  \
                        */

/* ---- view ---- */

/* Lists of a global project that are appended to those of the project itself. */
static const char *const inherited[] = {"clusterResourceWhitelist",
                                        "clusterResourceBlacklist",
                                        "namespaceResourceWhitelist",
                                        "namespaceResourceBlacklist",
                                        "syncWindows",
                                        "sourceRepos",
                                        "destinations",
                                        "destinationServiceAccounts"};

void project_view(value object, const value *globals, size_t n_globals, struct arena *a,
                  struct project *ret)
{
    value spec = object_private(a, value_getz(object, "spec"));
    for (size_t g = 0; g < n_globals; g++) {
        for (size_t i = 0; i < ARRAY_LEN(inherited); i++) {
            value from = value_get(value_getz(globals[g], "spec"), str_of(inherited[i]));
            if (!value_len(from))
                continue;
            spec = value_is_map(spec) ? value_edit(a, spec) : value_new_map(a);
            value list = value_edit_list(a, spec, str_of(inherited[i]));
            for (struct value_iter it = value_iter(from); value_next(&it);)
                value_push(a, list, it.val);
        }
    }
    value orphans = value_getz(spec, "orphanedResources");
    *ret = (struct project){.object = object, .spec = spec, .name = object_name(object)};
    ret->orphans = value_is_map(orphans);
    ret->orphans_warn = value_bool(value_getz(orphans, "warn"));
    ret->orphans_ignore = value_getz(orphans, "ignore");
}

static value one_map(struct arena *a, const char *k1, const char *v1, const char *k2,
                     const char *v2)
{
    value map = value_new_map(a), list = value_new_list(a);
    value_set_str(a, map, k1, str_of(v1));
    value_set_str(a, map, k2, str_of(v2));
    value_push(a, list, map);
    return list;
}

value project_default(struct arena *a, str namespace)
{
    value o = value_new_map(a), repos = value_new_list(a);
    value_set_str(a, o, "apiVersion", STR(ARGO_API_VERSION));
    value_set_str(a, o, "kind", STR("AppProject"));
    value_set_path(a, o, "metadata.name", value_of_str(a, STR("default")));
    value_set_path(a, o, "metadata.namespace", value_of_str(a, namespace));
    value_push(a, repos, value_of_str(a, STR("*")));
    value_set_path(a, o, "spec.sourceRepos", repos);
    value_set_path(a, o, "spec.destinations", one_map(a, "server", "*", "namespace", "*"));
    value_set_path(a, o, "spec.clusterResourceWhitelist", one_map(a, "group", "*", "kind", "*"));
    return o;
}

size_t project_globals(const struct settings *s, value object, str *ret_name, size_t max)
{
    struct arena a;
    size_t n = 0;
    arena_init(&a, PROJECT_SELECTOR_BYTES_MAX);
    for (struct value_iter it = value_iter(s->global_projects); value_next(&it) && n < max;) {
        struct kube_selector selector;
        struct err ignored;
        if (!kube_label_selector_of(value_getz(it.val, "labelSelector"), &a, &selector, &ignored) &&
            kube_selector_matches(&selector, object_labels(object)))
            ret_name[n++] = value_str(value_getz(it.val, "projectName"));
    }
    arena_done(&a);
    return n;
}

/* ---- sources, destinations ---- */

static bool is_deny(str pattern) { return pattern.len && pattern.at[0] == '!'; }

static bool matches(str pattern, str text, const char *separators)
{
    if (is_deny(pattern))
        return !glob_matches(str_from(pattern, 1), text, str_of(separators));
    return str_is(pattern, "*") || glob_matches(pattern, text, str_of(separators));
}

#define URL_BYTES_MAX 4096

/* git@host:path and ssh://git@host/path are one thing; case and ".git" do not count. Into ret
 * (URL_BYTES_MAX bytes). */
static str url_normalized(str url, char *ret)
{
    url = str_trim(url);
    if (url.len >= URL_BYTES_MAX)
        return url;
    for (size_t i = 0; i < url.len; i++)
        ret[i] = url.at[i] >= 'A' && url.at[i] <= 'Z' ? (char)(url.at[i] + 32) : url.at[i];
    str s = str_mem(ret, url.len);
    bool scheme = str_has(s, STR("://"));
    ptrdiff_t at = str_find_char(s, '@'), colon = str_find_char(s, ':');
    if (!scheme && at >= 0 && colon > at)
        ret[colon] = '/';
    return str_trim_prefix(str_trim_suffix(s, STR(".git")), STR("ssh://"));
}

bool project_source_permitted(const struct project *p, str repo_url)
{
    char wanted[URL_BYTES_MAX], item[URL_BYTES_MAX + 1];
    str url = url_normalized(repo_url, wanted);
    bool any = false;
    for (struct value_iter it = value_iter(value_getz(p->spec, "sourceRepos")); value_next(&it);) {
        str pattern = value_str(it.val);
        bool deny = is_deny(pattern);
        pattern = url_normalized(str_from(pattern, deny), item);
        bool same = str_is(pattern, "*") || glob_matches(pattern, url, STR("/"));
        if (deny && same)
            return false;
        any |= same != deny;
    }
    return any;
}

bool project_destination_permitted(const struct project *p, const struct app_cluster *cluster,
                                   str namespace)
{
    bool any = false;
    if (value_bool(value_getz(p->spec, "permitOnlyProjectScopedClusters")) &&
        !str_eq(cluster->project, p->name))
        return false;
    for (struct value_iter it = value_iter(value_getz(p->spec, "destinations")); value_next(&it);) {
        str name = value_str(value_getz(it.val, "name")),
            server = value_str(value_getz(it.val, "server"));
        str ns = value_str(value_getz(it.val, "namespace"));
        bool by_name = name.len && matches(name, cluster->name, "");
        bool by_server = server.len && matches(server, cluster->server, "");
        bool by_ns = matches(ns, namespace, "");
        if ((by_name || by_server) && by_ns)
            any = true;
        else if ((!by_name && is_deny(name)) || (!by_server && is_deny(server) && by_ns) ||
                 (!by_ns && is_deny(ns) && by_server))
            return false;
    }
    return any;
}

/* ---- kinds ---- */

static bool path_matches(str pattern, str text)
{
    struct err ignored;
    bool yes = false;
    return !path_match(pattern, text, &yes, &ignored) && yes;
}

static bool kind_listed(value list, str group, str kind, str name, bool named)
{
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        str wanted = value_str(value_getz(it.val, "name"));
        if (path_matches(value_str(value_getz(it.val, "kind")), kind) &&
            path_matches(value_str(value_getz(it.val, "group")), group) &&
            (!named || !wanted.len || path_matches(wanted, name)))
            return true;
    }
    return false;
}

bool project_kind_permitted(const struct project *p, str group, str kind, str name, bool namespaced)
{
    if (!namespaced)
        return kind_listed(value_getz(p->spec, "clusterResourceWhitelist"), group, kind, name,
                           true) &&
               !kind_listed(value_getz(p->spec, "clusterResourceBlacklist"), group, kind, name,
                            true);
    value white = value_getz(p->spec, "namespaceResourceWhitelist");
    return (value_is_nil(white) || kind_listed(white, group, kind, name, false)) &&
           !kind_listed(value_getz(p->spec, "namespaceResourceBlacklist"), group, kind, name,
                        false);
}

bool project_live_permitted(const struct project *p, value live, const struct app_cluster *cluster,
                            bool namespaced)
{
    str ns = object_ns(live);
    (void)namespaced; /* upstream goes by whether the object has a namespace */
    if (!project_kind_permitted(p, object_group(live), object_kind(live), object_name(live),
                                ns.len > 0))
        return false;
    return !ns.len || project_destination_permitted(p, cluster, ns);
}

str project_sync_refusal(const struct project *p, value object, bool namespaced,
                         const struct app_cluster *cluster, struct arena *a)
{
    str group = object_group(object), kind = object_kind(object);
    if (!project_kind_permitted(p, group, kind, object_name(object), namespaced))
        return arena_printf(a, "resource %.*s:%.*s is not permitted in project %.*s",
                            STR_FMT(group), STR_FMT(kind), STR_FMT(p->name));
    if (namespaced && !project_destination_permitted(p, cluster, object_ns(object)))
        return arena_printf(a, "namespace %.*s is not permitted in project '%.*s'",
                            STR_FMT(object_ns(object)), STR_FMT(p->name));
    return STR("");
}

bool project_orphan_ignored(const struct project *p, str group, str kind, str namespace, str name)
{
    static const struct {
        const char *namespace, *kind, *name;
    } never[] = {{"default", "Service", "kubernetes"},
                 {NULL, "ServiceAccount", "default"},
                 {NULL, "ConfigMap", "kube-root-ca.crt"}};
    for (size_t i = 0; i < ARRAY_LEN(never) && !group.len; i++)
        if (str_is(kind, never[i].kind) && str_is(name, never[i].name) &&
            (!never[i].namespace || str_is(namespace, never[i].namespace)))
            return true;
    for (struct value_iter it = value_iter(p->orphans_ignore); value_next(&it);) {
        str k = value_str(value_getz(it.val, "kind")), n = value_str(value_getz(it.val, "name"));
        if ((!k.len || glob_matches(k, kind, STR(""))) &&
            glob_matches(value_str(value_getz(it.val, "group")), group, STR("")) &&
            (!n.len || glob_matches(n, name, STR(""))))
            return true;
    }
    return false;
}

/* ---- applications ---- */

bool project_app_namespace_permitted(const struct project *p, str app_namespace,
                                     const struct settings *s)
{
    if (str_eq(app_namespace, s->control_namespace))
        return true;
    for (struct value_iter it = value_iter(value_getz(p->spec, "sourceNamespaces"));
         value_next(&it);)
        if (settings_pattern_matches(value_str(it.val), app_namespace))
            return true;
    return false;
}

static bool check_sources(const struct project *p, const struct app *app, struct arena *a,
                          struct app_conditions *io)
{
    size_t before = io->n;
    app_spec_check(app, a, io);
    if (io->n > before)
        return false;
    for (size_t i = 0; i < app->n_sources; i++) {
        str url = value_str(value_getz(app->source[i], "repoURL"));
        if (!project_source_permitted(p, url))
            app_conditions_add(
                io, APP_CONDITION_INVALID_SPEC_ERROR,
                arena_printf(a, "application repo %.*s is not permitted in project '%.*s'",
                             STR_FMT(url), STR_FMT(p->name)));
    }
    return true;
}

void project_check_app(const struct project *p, const struct app *app,
                       const struct app_cluster *cluster, const struct settings *s, struct arena *a,
                       struct app_conditions *io)
{
    if (!p) {
        app_conditions_add(io, APP_CONDITION_INVALID_SPEC_ERROR,
                           arena_printf(a,
                                        "Application referencing project %.*s which does not exist",
                                        STR_FMT(app->project)));
        return;
    }
    if (!project_app_namespace_permitted(p, app->namespace, s)) {
        app_conditions_add(
            io, APP_CONDITION_UNKNOWN_ERROR,
            arena_printf(a,
                         "application '%.*s' in namespace '%.*s' is not permitted to use project "
                         "'%.*s'",
                         STR_FMT(app->name), STR_FMT(app->namespace), STR_FMT(p->name)));
        return;
    }
    if (!check_sources(p, app, a, io))
        return;
    str error = app_destination_error(app, cluster, a);
    if (error.len) {
        app_conditions_add(io, APP_CONDITION_INVALID_SPEC_ERROR, error);
        return;
    }
    if (project_destination_permitted(p, cluster, app->destination.namespace))
        return;
    str server = app->destination.name.len ? cluster->name : cluster->server;
    app_conditions_add(
        io, APP_CONDITION_INVALID_SPEC_ERROR,
        arena_printf(
            a,
            "application destination server '%.*s' and namespace '%.*s' do not match any of "
            "the allowed destinations in project '%.*s'",
            STR_FMT(server), STR_FMT(app->destination.namespace), STR_FMT(p->name)));
}
