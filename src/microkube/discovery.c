/* microkube/discovery.c: what is served: /api, /apis and below, aggregated discovery, /version,
 * health. */
#include "base/digest.h"
#include "microkube/core.h"

#define AGGREGATED_TYPE STR("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")

/* The release whose behaviour we answer with. */
static const char version_json[] =
    "{\"major\":\"1\",\"minor\":\"36\",\"emulationMajor\":\"1\",\"emulationMinor\":\"36\","
    "\"minCompatibilityMajor\":\"1\",\"minCompatibilityMinor\":\"35\",\"gitVersion\":\"v1.36.3+"
    "microkube\","
    "\"gitCommit\":\"\",\"gitTreeState\":\"clean\",\"buildDate\":\"1970-01-01T00:00:00Z\","
    "\"goVersion\":\"none\","
    "\"compiler\":\"gcc\",\"platform\":\"linux/amd64\"}";

static void answer_text(struct mk_ctx *c, const char *type, str body)
{
    c->res->status = 200;
    c->res->content_type = str_of(type);
    c->res->body = body;
}

static value word_list(struct arena *a, str words)
{
    value list = value_new_list(a);
    str word;
    while (words.len && str_next(&words, ',', &word))
        value_push(a, list, value_of_str(a, word));
    return list;
}

static value verb_list(struct arena *a, unsigned verbs)
{
    value list = value_new_list(a);
    for (unsigned i = 0; i < 8; i++)
        if (verbs & (1u << i))
            value_push(a, list, value_of_str(a, str_of(kube_verb_name[i])));
    return list;
}

static const struct sub {
    const char *name, *group, *version, *kind; /* kind NULL: the resource's own */
    unsigned verbs;
} subs[] = {
    {"status", NULL, NULL, NULL, KUBE_VERB_GET | KUBE_VERB_PATCH | KUBE_VERB_UPDATE},
    {"scale", "autoscaling", "v1", "Scale", KUBE_VERB_GET | KUBE_VERB_PATCH | KUBE_VERB_UPDATE},
    {"finalize", NULL, NULL, NULL, KUBE_VERB_UPDATE},
    {"eviction", "policy", "v1", "Eviction", KUBE_VERB_CREATE},
};

static bool serves_sub(const struct mk_resource *r, const struct sub *s)
{
    if (str_is(str_of(s->name), "status"))
        return r->has_status;
    if (str_is(str_of(s->name), "scale"))
        return r->has_scale;
    return r->builtin && !r->group.len && kube_kind_has_subresource(r->builtin, str_of(s->name)) &&
           (str_is(r->plural, "namespaces") || str_is(r->plural, "pods"));
}

/* ---- APIResourceList ---- */

static value plain_resource(struct mk_ctx *c, const struct mk_resource *r, const struct sub *s)
{
    struct arena *a = c->a;
    value v = value_new_map(a);
    value_set_str(a, v, "name", s ? ARENA_CAT(a, r->plural, STR("/"), str_of(s->name)) : r->plural);
    value_set_str(a, v, "singularName", s ? STR("") : r->singular);
    value_setz(a, v, "namespaced", value_of_bool(a, r->namespaced));
    if (s && s->group) {
        value_set_str(a, v, "group", str_of(s->group));
        value_set_str(a, v, "version", str_of(s->version));
    }
    value_set_str(a, v, "kind", s && s->kind ? str_of(s->kind) : r->kind);
    value_setz(a, v, "verbs", verb_list(a, s ? s->verbs : r->verbs));
    if (!s && r->short_names.len)
        value_setz(a, v, "shortNames", word_list(a, r->short_names));
    if (!s && r->categories.len)
        value_setz(a, v, "categories", word_list(a, r->categories));
    if (!s && r->storage)
        value_set_str(
            a, v, "storageVersionHash",
            base64_str(a, str_sub(str_mem(sha256_of(ARENA_CAT(a, r->group, STR("/"), r->kind)).byte,
                                          8),
                                  0, 8)));
    return v;
}

static bool resource_list(struct mk_ctx *c, str group, str version)
{
    struct arena *a = c->a;
    value v = value_new_map(a), list = value_new_list(a);
    for (const struct mk_resource *r = c->mk->resources; r; r = r->next) {
        if (!str_eq(r->group, group) || !str_eq(r->version, version))
            continue;
        value_push(a, list, plain_resource(c, r, NULL));
        for (size_t i = 0; i < ARRAY_LEN(subs); i++)
            if (serves_sub(r, &subs[i]))
                value_push(a, list, plain_resource(c, r, &subs[i]));
    }
    if (!value_len(list))
        return false;
    value_set_str(a, v, "kind", STR("APIResourceList"));
    value_set_str(a, v, "apiVersion", STR("v1"));
    value_set_str(a, v, "groupVersion", kube_api_version(a, group, version));
    value_setz(a, v, "resources", list);
    mk_answer_json(c, 200, v);
    return true;
}

/* ---- groups ---- */

/* Is this the first resource of its group (and version) in the list? */
static bool is_first(const struct mk_ctx *c, const struct mk_resource *r, bool of_version)
{
    for (const struct mk_resource *q = c->mk->resources; q != r; q = q->next)
        if (str_eq(q->group, r->group) && (!of_version || str_eq(q->version, r->version)))
            return false;
    return true;
}

static value group_version(struct arena *a, const struct mk_resource *r)
{
    value v = value_new_map(a);
    value_set_str(a, v, "groupVersion", kube_api_version(a, r->group, r->version));
    value_set_str(a, v, "version", r->version);
    return v;
}

static value plain_group(struct mk_ctx *c, const struct mk_resource *first, bool alone)
{
    struct arena *a = c->a;
    value v = value_new_map(a), versions = value_new_list(a);
    if (alone) {
        value_set_str(a, v, "kind", STR("APIGroup"));
        value_set_str(a, v, "apiVersion", STR("v1"));
    }
    value_set_str(a, v, "name", first->group);
    for (const struct mk_resource *r = first; r; r = r->next)
        if (str_eq(r->group, first->group) && is_first(c, r, true))
            value_push(a, versions, group_version(a, r));
    value_setz(a, v, "versions", versions);
    value_setz(a, v, "preferredVersion", group_version(a, first));
    return v;
}

static bool answer_group(struct mk_ctx *c, str group)
{
    for (const struct mk_resource *r = c->mk->resources; r; r = r->next) {
        if (str_eq(r->group, group)) {
            mk_answer_json(c, 200, plain_group(c, r, true));
            return true;
        }
    }
    return false;
}

static void answer_groups(struct mk_ctx *c)
{
    struct arena *a = c->a;
    value v = value_new_map(a), groups = value_new_list(a);
    value_set_str(a, v, "kind", STR("APIGroupList"));
    value_set_str(a, v, "apiVersion", STR("v1"));
    for (const struct mk_resource *r = c->mk->resources; r; r = r->next)
        if (r->group.len && is_first(c, r, false))
            value_push(a, groups, plain_group(c, r, false));
    value_setz(a, v, "groups", groups);
    mk_answer_json(c, 200, v);
}

static void answer_core_versions(struct mk_ctx *c)
{
    static const char text[] =
        "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],\"serverAddressByClientCIDRs\":"
        "[{\"clientCIDR\":\"0.0.0.0/0\",\"serverAddress\":\"127.0.0.1:6443\"}]}\n";
    answer_text(c, "application/json", str_of(text));
}

/* ---- aggregated discovery ---- */

static value response_kind(struct arena *a, str group, str version, str kind)
{
    value v = value_new_map(a);
    value_set_str(a, v, "group", group);
    value_set_str(a, v, "version", version);
    value_set_str(a, v, "kind", kind);
    return v;
}

static value aggregated_resource(struct mk_ctx *c, const struct mk_resource *r)
{
    struct arena *a = c->a;
    value v = value_new_map(a), list = value_new_list(a);
    value_set_str(a, v, "resource", r->plural);
    value_setz(a, v, "responseKind", response_kind(a, r->group, r->version, r->kind));
    value_set_str(a, v, "scope", r->namespaced ? STR("Namespaced") : STR("Cluster"));
    value_set_str(a, v, "singularResource", r->singular);
    value_setz(a, v, "verbs", verb_list(a, r->verbs));
    if (r->short_names.len)
        value_setz(a, v, "shortNames", word_list(a, r->short_names));
    if (r->categories.len)
        value_setz(a, v, "categories", word_list(a, r->categories));
    for (size_t i = 0; i < ARRAY_LEN(subs); i++) {
        const struct sub *s = &subs[i];
        if (!serves_sub(r, s))
            continue;
        value one = value_new_map(a);
        value_set_str(a, one, "subresource", str_of(s->name));
        value_setz(a, one, "responseKind",
                   s->kind ? response_kind(a, str_of(s->group), str_of(s->version), str_of(s->kind))
                           : response_kind(a, r->group, r->version, r->kind));
        value_setz(a, one, "verbs", verb_list(a, s->verbs));
        value_push(a, list, one);
    }
    if (value_len(list))
        value_setz(a, v, "subresources", list);
    return v;
}

static value aggregated_version(struct mk_ctx *c, const struct mk_resource *first)
{
    struct arena *a = c->a;
    value v = value_new_map(a), list = value_new_list(a);
    value_set_str(a, v, "version", first->version);
    for (const struct mk_resource *r = first; r; r = r->next)
        if (str_eq(r->group, first->group) && str_eq(r->version, first->version))
            value_push(a, list, aggregated_resource(c, r));
    value_setz(a, v, "resources", list);
    value_set_str(a, v, "freshness", STR("Current"));
    return v;
}

static void answer_aggregated(struct mk_ctx *c, bool core)
{
    struct arena *a = c->a;
    value v = value_new_map(a), items = value_new_list(a);
    value_set_str(a, v, "kind", STR("APIGroupDiscoveryList"));
    value_set_str(a, v, "apiVersion", STR("apidiscovery.k8s.io/v2"));
    value_setz(a, v, "metadata", value_new_map(a));
    for (const struct mk_resource *first = c->mk->resources; first; first = first->next) {
        if ((first->group.len == 0) != core || !is_first(c, first, false))
            continue;
        value item = value_new_map(a), versions = value_new_list(a);
        value meta = value_edit_map(a, item, STR("metadata"));
        if (first->group.len)
            value_set_str(a, meta, "name", first->group);
        for (const struct mk_resource *r = first; r; r = r->next)
            if (str_eq(r->group, first->group) && is_first(c, r, true))
                value_push(a, versions, aggregated_version(c, r));
        value_setz(a, item, "versions", versions);
        value_push(a, items, item);
    }
    value_setz(a, v, "items", items);
    mk_answer_json(c, 200, v);
    c->res->content_type = AGGREGATED_TYPE;
}

static bool wants_aggregated(const struct mk_ctx *c)
{
    ptrdiff_t at = str_find(c->req->accept, STR("as=APIGroupDiscoveryList"));
    return at >= 0 && str_has(c->req->accept, STR("v=v2;"));
}

/* ---- routing ---- */

static void answer_root(struct mk_ctx *c)
{
    value v = value_new_map(c->a), list = value_edit_list(c->a, v, STR("paths"));
    static const char *const paths[] = {"/api",        "/api/v1", "/apis",
                                        "/healthz",    "/livez",  "/openapi/v2",
                                        "/openapi/v3", "/readyz", "/version"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        value_push(c->a, list, value_of_str(c->a, str_of(paths[i])));
    mk_answer_json(c, 200, v);
}

bool mk_discovery(struct mk_ctx *c)
{
    str path = str_trim_suffix(c->path, STR("/")), rest, group, version;
    if (c->req->method != METHOD_GET && c->req->method != METHOD_HEAD)
        return false;
    if (!path.len) {
        answer_root(c);
    } else if (str_is(path, "/version")) {
        answer_text(c, "application/json", str_of(version_json));
    } else if (str_is(path, "/healthz") || str_is(path, "/livez") || str_is(path, "/readyz")) {
        answer_text(c, "text/plain; charset=utf-8", STR("ok"));
    } else if (str_is(path, "/api") || str_is(path, "/apis")) {
        bool core = str_is(path, "/api");
        if (wants_aggregated(c))
            answer_aggregated(c, core);
        else if (core)
            answer_core_versions(c);
        else
            answer_groups(c);
    } else if (str_starts(path, STR("/api/"))) {
        rest = str_from(path, strlen("/api/"));
        return str_find_char(rest, '/') < 0 && resource_list(c, STR(""), rest);
    } else if (str_starts(path, STR("/apis/"))) {
        rest = str_from(path, strlen("/apis/"));
        if (!str_cut(rest, '/', &group, &version))
            return answer_group(c, rest);
        return str_find_char(version, '/') < 0 && resource_list(c, group, version);
    } else {
        return false;
    }
    return true;
}
