#include "cli/app.h"

#include "argo/kinds.h"
#include "base/time.h"
#include "value/bind.h"

struct app_name app_name_of(struct cli *c, str given)
{
    struct app_name n = {.namespace = cli_flag(c, "app-namespace")};
    if (!str_cut(given, '/', &n.namespace, &n.name)) {
        n.name = given;
        n.namespace = cli_flag(c, "app-namespace");
    }
    return n;
}

str app_path(struct cli *c, struct app_name name, const char *rest)
{
    return ARENA_CAT(c->arena, STR("/api/v1/applications/"), remote_escape(c->arena, name.name),
                     str_of(rest));
}

int app_fetch(struct cli *c, struct app_name name, const char *refresh, value *ret, struct err *err)
{
    const struct remote_query query[] = {{"appNamespace", name.namespace},
                                         {"refresh", str_of(refresh)}};
    return remote_get(c, app_path(c, name, ""), query, ret, err);
}

int app_names(struct cli *c, str selector, const struct cli_given *projects, str *ret_names,
              size_t names_max, size_t *ret_n, struct err *err)
{
    VEC(struct remote_query) query = {0};
    value list;
    vec_push(c->arena, &query, (struct remote_query){"selector", selector});
    for (size_t i = 0; projects && i < projects->list.n; i++)
        vec_push(c->arena, &query, (struct remote_query){"projects", projects->list.at[i]});
    *ret_n = 0;
    int r = remote_call(c, METHOD_GET, STR("/api/v1/applications"), query.at, query.n, VALUE_ABSENT,
                        &list, err);
    if (r)
        return r;
    for (struct value_iter it = value_iter(value_getz(list, "items")); value_next(&it);)
        if (*ret_n < names_max)
            ret_names[(*ret_n)++] = app_qualified(c, it.val);
    return 0;
}

str app_qualified(struct cli *c, value app)
{
    str namespace = value_path_str(app, "metadata.namespace"),
        name = value_path_str(app, "metadata.name");
    return namespace.len ? ARENA_CAT(c->arena, namespace, STR("/"), name) : name;
}

str app_server(value app)
{
    str server = value_path_str(app, "spec.destination.server");
    return server.len ? server : value_path_str(app, "spec.destination.name");
}

size_t app_n_sources(value app) { return value_len(value_path(app, "spec.sources")); }

value app_source(value app, size_t i)
{
    return app_n_sources(app) ? value_at(value_path(app, "spec.sources"), i)
                              : value_path(app, "spec.source");
}

static bool is_automated(value app)
{
    value automated = value_path(app, "spec.syncPolicy.automated");
    value enabled = value_getz(automated, "enabled");
    return value_is_map(automated) && (value_is_nil(enabled) || value_bool(enabled));
}

str app_sync_policy(value app)
{
    if (!is_automated(app))
        return STR("Manual");
    return value_bool(value_path(app, "spec.syncPolicy.automated.prune")) ? STR("Auto-Prune")
                                                                          : STR("Auto");
}

str app_time(struct cli *c, value time)
{
    usec at;
    char text[64];
    if (!value_is_string(time))
        return STR("<nil>");
    if (!time_parse(value_str(time), &at))
        return value_str(time);
    time_t seconds = (time_t)(at / USEC_PER_SEC);
    struct tm tm;
    localtime_r(&seconds, &tm);
    size_t n = strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z %Z", &tm);
    return arena_str(c->arena, str_mem(text, n));
}

/* ---- resources ---- */

static bool same_resource(value a, const struct app_resource *b)
{
    return str_eq(value_str(value_getz(a, "group")), b->group) &&
           str_eq(value_str(value_getz(a, "kind")), b->kind) &&
           str_eq(value_str(value_getz(a, "namespace")), b->namespace) &&
           str_eq(value_str(value_getz(a, "name")), b->name);
}

static struct app_resource identity(value r)
{
    return (struct app_resource){
        .group = value_str(value_getz(r, "group")),
        .kind = value_str(value_getz(r, "kind")),
        .namespace = value_str(value_getz(r, "namespace")),
        .name = value_str(value_getz(r, "name")),
    };
}

static int by_key(const void *a_, const void *b_)
{
    const struct app_resource *a = a_, *b = b_;
    int d = str_cmp(a->group, b->group);
    d = d ? d : str_cmp(a->kind, b->kind);
    d = d ? d : str_cmp(a->namespace, b->namespace);
    return d ? d : str_cmp(a->name, b->name);
}

struct app_resources app_resources(struct cli *c, value app, const struct cli_given *only)
{
    value known = value_path(app, "status.resources");
    value done = value_path(app, "status.operationState.syncResult.resources");
    size_t n = value_len(known);
    bool *used = ARENA_ARRAY(c->arena, bool, n + 1);
    VEC(struct app_resource) all = {0};
    for (struct value_iter it = value_iter(done); value_next(&it);) {
        struct app_resource r = identity(it.val);
        r.hook = value_str(value_getz(it.val, "hookType"));
        r.status = value_str(value_getz(it.val, "hookPhase"));
        r.health = value_str(value_getz(it.val, "status"));
        r.message = value_str(value_getz(it.val, "message"));
        for (struct value_iter k = value_iter(known); value_next(&k);) {
            if (used[k.i] || !same_resource(k.val, &r))
                continue;
            used[k.i] = true;
            if (!r.hook.len) {
                r.status = value_str(value_getz(k.val, "status"));
                r.health = value_path_str(k.val, "health.status");
            }
        }
        vec_push(c->arena, &all, r);
    }
    size_t from = all.n;
    for (struct value_iter k = value_iter(known); value_next(&k);) {
        struct app_resource r = identity(k.val);
        r.status = value_str(value_getz(k.val, "status"));
        r.health = value_path_str(k.val, "health.status");
        if (!used[k.i])
            vec_push(c->arena, &all, r);
    }
    if (all.n > from)
        qsort(all.at + from, all.n - from, sizeof(*all.at), by_key);
    size_t kept = 0;
    for (size_t i = 0; i < all.n; i++) {
        const struct app_resource *r = &all.at[i];
        if (app_resource_is_selected(c, only, r->group, r->kind, r->namespace, r->name))
            all.at[kept++] = all.at[i];
    }
    return (struct app_resources){all.at, kept};
}

static bool part_matches(str pattern, str text)
{
    return str_is(pattern, "*") || str_eq(pattern, text);
}

/* "group:kind:namespace/name" against a resource. */
static bool selection_matches(str s, str group, str kind, str namespace, str name)
{
    str g, k, n, rest, ns;
    if (!str_cut(s, ':', &g, &rest) || !str_cut(rest, ':', &k, &n))
        return false;
    if (str_cut(n, '/', &ns, &rest)) {
        if (!part_matches(ns, namespace))
            return false;
        n = rest;
    }
    return part_matches(g, group) && part_matches(k, kind) && part_matches(n, name);
}

bool app_resource_is_selected(struct cli *c, const struct cli_given *only, str group, str kind,
                              str namespace, str name)
{
    bool wanted = false, any_wanted = false;
    (void)c;
    for (size_t i = 0; only && i < only->list.n; i++) {
        str s = only->list.at[i];
        bool exclude = str_starts(s, STR("!"));
        bool hit = selection_matches(exclude ? str_from(s, 1) : s, group, kind, namespace, name);
        if (exclude && hit)
            return false;
        any_wanted |= !exclude;
        wanted |= !exclude && hit;
    }
    return wanted || !any_wanted;
}

int app_check_selection(struct cli *c, const struct cli_given *only)
{
    for (size_t i = 0; only && i < only->list.n; i++) {
        str s = only->list.at[i], piece, rest = s;
        size_t n = 0;
        while (str_next(&rest, ':', &piece))
            n++;
        if (n != 3)
            return cli_fatal(c, CLI_EXIT_ERROR,
                             "Resource should have GROUP:KIND:NAME, but instead got: %.*s",
                             STR_FMT(s));
    }
    return 0;
}

/* ---- order ---- */

static value ordered(struct cli *c, const struct bind_table *t, value v);

static value ordered_field(struct cli *c, const struct bind_field *f, value v)
{
    const struct bind_table *t = f->type == BIND_METADATA ? &bind_metadata_table : f->table;
    if (value_is_list(v)) {
        value list = value_new_list(c->arena);
        for (struct value_iter it = value_iter(v); value_next(&it);)
            value_push(c->arena, list, t ? ordered(c, t, it.val) : it.val);
        return list;
    }
    if (!value_is_map(v))
        return v;
    if (t && f->shape != BIND_MAP)
        return ordered(c, t, v);
    value map = value_copy(c->arena, v); /* a map in Go: keys in order */
    value_sort_keys(c->arena, map, true);
    return map;
}

static value ordered(struct cli *c, const struct bind_table *t, value v)
{
    if (!value_is_map(v))
        return v;
    value map = value_new_map(c->arena);
    for (size_t i = 0; i < t->n_fields; i++) {
        str name = str_of(t->field[i].name);
        value child = value_get(v, name);
        if (value_exists(child))
            value_set(c->arena, map, name, ordered_field(c, &t->field[i], child));
    }
    for (struct value_iter it = value_iter(v); value_next(&it);)
        if (!value_exists(value_get(map, it.key)))
            value_set(c->arena, map, it.key, it.val);
    return map;
}

value app_ordered(struct cli *c, value v)
{
    if (!value_is_list(v))
        return ordered(c, argo_kind_application.table, v);
    value list = value_new_list(c->arena);
    for (struct value_iter it = value_iter(v); value_next(&it);)
        value_push(c->arena, list, ordered(c, argo_kind_application.table, it.val));
    return list;
}
