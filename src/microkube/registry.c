/* microkube/registry.c: which resources are served. Built-in kinds come from kube/kinds.h; a CRD
 * adds one resource for each served version. Resources are never freed before the end: watches and
 * requests point to them. */
#include "microkube/core.h"

/* Kinds that are two names for the same objects. */
static const struct {
    const char *group, *plural, *of_group;
} aliases[] = {{"events.k8s.io", "events", ""}};

/* Built-in kinds that make no sense here: there is no aggregation and no kubelet. */
static const char *const not_served[] = {"bindings", "componentstatuses"};

static void add(struct microkube *mk, struct mk_resource *r)
{
    r->id = ++mk->resource_id;
    *mk->resources_end = r;
    mk->resources_end = &r->next;
}

static struct mk_storage *builtin_storage(struct microkube *mk, const struct kube_kind *k)
{
    str group = k->group;
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
        if (str_is(k->group, aliases[i].group) && str_is(k->plural, aliases[i].plural))
            group = str_of(aliases[i].of_group);
    struct mk_storage *s = mk_storage_find(mk, group, k->plural);
    return s ? s : mk_storage_add(mk, group, k->plural, k->kind, k->version, k->namespaced, false);
}

static bool is_served(const struct kube_kind *k)
{
    for (size_t i = 0; i < ARRAY_LEN(not_served); i++)
        if (str_is(k->plural, not_served[i]))
            return false;
    return true;
}

void mk_registry_open(struct microkube *mk)
{
    mk->resources_end = &mk->resources;
    for (size_t i = 0; i < kube_kinds_count(); i++) {
        const struct kube_kind *k = kube_kind_at(i);
        const struct kube_schema *schema = kube_schema_find(k->schema);
        if (!is_served(k))
            continue;
        struct mk_resource *r = ARENA_NEW(&mk->arena, struct mk_resource);
        *r = (struct mk_resource){
            .group = k->group,
            .version = k->version,
            .kind = k->kind,
            .plural = k->plural,
            .singular = k->singular,
            .short_names = k->short_names,
            .categories = k->categories,
            .list_kind = ARENA_CAT(&mk->arena, k->kind, STR("List")),
            .namespaced = k->namespaced,
            .has_status = kube_kind_has_subresource(k, STR("status")),
            .has_scale = kube_kind_has_subresource(k, STR("scale")),
            .verbs = k->verbs,
            .builtin = k,
            .schema = schema ? schema : kube_schema_untyped(&mk->arena),
            .storage = k->verbs & KUBE_VERB_LIST ? builtin_storage(mk, k) : NULL,
        };
        add(mk, r);
    }
}

const struct mk_resource *mk_resource_find(const struct microkube *mk, str group, str version,
                                           str plural)
{
    for (const struct mk_resource *r = mk->resources; r; r = r->next)
        if (str_eq(r->plural, plural) && str_eq(r->group, group) && str_eq(r->version, version))
            return r;
    return NULL;
}

const struct mk_resource *mk_resource_by_kind(const struct microkube *mk, str group, str version,
                                              str kind)
{
    for (const struct mk_resource *r = mk->resources; r; r = r->next)
        if (str_eq(r->kind, kind) && str_eq(r->group, group) &&
            (!version.len || str_eq(r->version, version)))
            return r;
    return NULL;
}

const struct mk_resource *mk_resource_of(const struct microkube *mk, const struct mk_storage *s)
{
    for (const struct mk_resource *r = mk->resources; r; r = r->next)
        if (r->storage == s && str_is(r->version, s->version) && str_eq(r->group, s->group))
            return r;
    return NULL;
}

/* ---- custom resources ---- */

static void drop_resources(struct microkube *mk, struct mk_storage *s)
{
    struct mk_resource **at = &mk->resources;
    while (*at) {
        if ((*at)->storage == s)
            *at = (*at)->next;
        else
            at = &(*at)->next;
    }
    mk->resources_end = at;
}

static str words(struct arena *a, value list)
{
    str out = STR("");
    for (struct value_iter it = value_iter(list); value_next(&it);)
        out = ARENA_CAT(a, out, out.len ? STR(",") : STR(""), value_str(it.val));
    return out;
}

static void add_version(struct microkube *mk, struct mk_storage *s, value spec, value version)
{
    struct arena *a = &mk->arena;
    value names = value_getz(spec, "names"), sub = value_getz(version, "subresources");
    struct mk_resource *r = ARENA_NEW(a, struct mk_resource);
    const struct kube_schema *schema;
    if (kube_schema_of_crd(value_path(version, "schema.openAPIV3Schema"), a, &schema, NULL) < 0)
        schema = kube_schema_untyped(a);
    *r = (struct mk_resource){
        .group = value_path_str(spec, "group"),
        .version = value_path_str(version, "name"),
        .kind = value_path_str(names, "kind"),
        .plural = value_path_str(names, "plural"),
        .singular = value_path_str(names, "singular"),
        .short_names = words(a, value_getz(names, "shortNames")),
        .categories = words(a, value_getz(names, "categories")),
        .list_kind = value_path_str(names, "listKind"),
        .namespaced = str_is(value_path_str(spec, "scope"), "Namespaced"),
        .has_status = value_exists(value_getz(sub, "status")),
        .has_scale = value_exists(value_getz(sub, "scale")),
        .verbs = 255,
        .schema = schema,
        .storage = s,
        .crd_version = version,
        .arena = a,
    };
    add(mk, r);
}

void mk_registry_crd(struct microkube *mk, str crd_name, value crd)
{
    str plural, group;
    if (!str_cut(crd_name, '.', &plural, &group))
        return;
    struct mk_storage *s = mk_storage_find(mk, group, plural);
    if (!value_exists(crd)) {
        if (s)
            drop_resources(mk, s);
        return;
    }
    struct doc *doc = doc_of(crd); /* kept to the end: resources point into it */
    arena_on_done(&mk->arena, (void (*)(void *))(uintptr_t)doc_unref, doc);
    value spec = value_getz(doc_root(doc), "spec");
    str kind = value_path_str(spec, "names.kind");
    bool namespaced = str_is(value_path_str(spec, "scope"), "Namespaced");
    if (!s)
        s = mk_storage_add(mk, group, plural, kind, STR(""), namespaced, true);
    drop_resources(mk, s);
    s->kind = kind;
    s->namespaced = namespaced;
    for (struct value_iter it = value_iter(value_getz(spec, "versions")); value_next(&it);) {
        str name = value_path_str(it.val, "name");
        if (value_bool(value_getz(it.val, "storage"))) {
            free(s->version);
            s->version = strndup(name.at, name.len);
        }
        if (value_bool(value_getz(it.val, "served")))
            add_version(mk, s, spec, it.val);
    }
}
