/* .Chart: in Helm 4 a map with Go's names as keys, in Helm 3 the struct itself with its fields, its
 * types and its JSON names. */
#include "render/helm_objects.h"

/* ---- Helm 4 ---- */

static tval texts(struct arena *a, const struct helm_strs *s)
{
    tval *item = ARENA_ARRAY(a, tval, s->n + 1);
    for (size_t i = 0; i < s->n; i++)
        item[i] = template_str(s->at[i]);
    return template_list(a, &TEMPLATE_T_LIST, item, s->n);
}

static tval maintainers(struct arena *a, const struct helm_metadata *m)
{
    tval *item = ARENA_ARRAY(a, tval, m->maintainers.n + 1);
    for (size_t i = 0; i < m->maintainers.n; i++) {
        item[i] = template_map_new(a, &TEMPLATE_T_MAP);
        template_put(item[i], STR("Name"), template_str(m->maintainers.at[i].name));
        template_put(item[i], STR("Email"), template_str(m->maintainers.at[i].email));
        template_put(item[i], STR("URL"), template_str(m->maintainers.at[i].url));
    }
    return template_list(a, &TEMPLATE_T_LIST, item, m->maintainers.n);
}

static tval dependency(struct arena *a, const struct helm_dependency *d)
{
    const struct {
        const char *name;
        str text;
    } rows[] = {{"Name", d->name},
                {"Version", d->version},
                {"Repository", d->repository},
                {"Condition", d->condition},
                {"Alias", d->alias}};
    tval map = template_map_new(a, &TEMPLATE_T_MAP);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        template_put(map, str_of(rows[i].name), template_str(rows[i].text));
    template_put(map, STR("Tags"), texts(a, &d->tags));
    template_put(map, STR("Enabled"), template_bool(d->enabled));
    template_put(map, STR("ImportValues"),
                 value_is_list(d->import_values)
                     ? template_view(a, d->import_values, NULL)
                     : template_list(a, &TEMPLATE_T_LIST, ARENA_NEW(a, tval), 0));
    return map;
}

static tval dependencies(struct arena *a, const struct helm_metadata *m)
{
    tval *item = ARENA_ARRAY(a, tval, m->n_dependencies + 1);
    for (size_t i = 0; i < m->n_dependencies; i++)
        item[i] = dependency(a, &m->dependency[i]);
    return template_list(a, &TEMPLATE_T_LIST, item, m->n_dependencies);
}

static tval annotations(struct arena *a, value v)
{
    if (!value_is_map(v))
        return (tval){.type = &TEMPLATE_T_STRING_MAP};
    tval map = template_map_new(a, &TEMPLATE_T_STRING_MAP);
    for (struct value_iter it = value_iter(v); value_next(&it);)
        template_put(map, it.key, template_str(value_str(it.val)));
    return map;
}

static tval chart_4(const struct helm_objects *x, const struct helm_chart *c)
{
    struct arena *a = x->arena;
    const struct helm_metadata *m = c->metadata;
    const struct {
        const char *name;
        str text;
    } rows[] = {{"Name", m->name},
                {"Home", m->home},
                {"Version", m->version},
                {"Description", m->description},
                {"Icon", m->icon},
                {"APIVersion", m->api_version},
                {"Condition", m->condition},
                {"Tags", m->tags},
                {"AppVersion", m->app_version},
                {"KubeVersion", m->kube_version},
                {"Type", m->type}};
    tval map = template_map_new(a, &TEMPLATE_T_MAP);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        template_put(map, str_of(rows[i].name), template_str(rows[i].text));
    template_put(map, STR("Sources"), texts(a, &m->sources));
    template_put(map, STR("Keywords"), texts(a, &m->keywords));
    template_put(map, STR("Maintainers"), maintainers(a, m));
    template_put(map, STR("Dependencies"), dependencies(a, m));
    template_put(map, STR("Annotations"), annotations(a, m->annotations));
    template_put(map, STR("Deprecated"), template_bool(m->deprecated));
    template_put(map, STR("IsRoot"), template_bool(!c->parent));
    return map;
}

/* ---- Helm 3 ---- */

struct chart_object {
    const struct helm_metadata *m;
    bool is_root;
};

#define TEXT_FIELD(row, type, member)                                                              \
    static tval row(const void *o, struct arena *a)                                                \
    {                                                                                              \
        (void)a;                                                                                   \
        return template_str(((const type *)o)->member);                                            \
    }

static tval strings(struct arena *a, const struct helm_strs *s)
{
    return template_strings(a, s->at, s->n);
}

TEXT_FIELD(maintainer_name, struct helm_maintainer, name)
TEXT_FIELD(maintainer_email, struct helm_maintainer, email)
TEXT_FIELD(maintainer_url, struct helm_maintainer, url)

static const struct template_field maintainer_fields[] = {{"Name", "name,omitempty",
                                                           maintainer_name},
                                                          {"Email", "email,omitempty",
                                                           maintainer_email},
                                                          {"URL", "url,omitempty", maintainer_url},
                                                          {NULL, NULL, NULL}};
static const struct template_type maintainer_type = {.kind = TEMPLATE_STRUCT,
                                                     .name = "chart.Maintainer",
                                                     .field = maintainer_fields};
static const struct template_type maintainer_pointer = {.kind = TEMPLATE_PTR,
                                                        .name = "*chart.Maintainer",
                                                        .elem = &maintainer_type};
static const struct template_type maintainer_list = {.kind = TEMPLATE_SLICE,
                                                     .name = "[]*chart.Maintainer",
                                                     .elem = &maintainer_pointer};

TEXT_FIELD(dependency_name, struct helm_dependency, name)
TEXT_FIELD(dependency_version, struct helm_dependency, version)
TEXT_FIELD(dependency_repository, struct helm_dependency, repository)
TEXT_FIELD(dependency_condition, struct helm_dependency, condition)
TEXT_FIELD(dependency_alias, struct helm_dependency, alias)

static tval dependency_tags(const void *o, struct arena *a)
{
    return strings(a, &((const struct helm_dependency *)o)->tags);
}

static tval dependency_enabled(const void *o, struct arena *a)
{
    (void)a;
    return template_bool(((const struct helm_dependency *)o)->enabled);
}

static tval dependency_imports(const void *o, struct arena *a)
{
    const struct helm_dependency *d = o;
    return value_is_list(d->import_values)
               ? template_view(a, d->import_values, NULL)
               : template_list(a, &TEMPLATE_T_LIST, ARENA_NEW(a, tval), 0);
}

static const struct template_field dependency_fields[] =
    {{"Name", "name", dependency_name},
     {"Version", "version,omitempty", dependency_version},
     {"Repository", "repository", dependency_repository},
     {"Condition", "condition,omitempty", dependency_condition},
     {"Tags", "tags,omitempty", dependency_tags},
     {"Enabled", "enabled,omitempty", dependency_enabled},
     {"ImportValues", "import-values,omitempty", dependency_imports},
     {"Alias", "alias,omitempty", dependency_alias},
     {NULL, NULL, NULL}};
static const struct template_type dependency_type = {.kind = TEMPLATE_STRUCT,
                                                     .name = "chart.Dependency",
                                                     .field = dependency_fields};
static const struct template_type dependency_pointer = {.kind = TEMPLATE_PTR,
                                                        .name = "*chart.Dependency",
                                                        .elem = &dependency_type};
static const struct template_type dependency_list = {.kind = TEMPLATE_SLICE,
                                                     .name = "[]*chart.Dependency",
                                                     .elem = &dependency_pointer};

TEXT_FIELD(chart_name, struct chart_object, m->name)
TEXT_FIELD(chart_home, struct chart_object, m->home)
TEXT_FIELD(chart_version, struct chart_object, m->version)
TEXT_FIELD(chart_description, struct chart_object, m->description)
TEXT_FIELD(chart_icon, struct chart_object, m->icon)
TEXT_FIELD(chart_api_version, struct chart_object, m->api_version)
TEXT_FIELD(chart_condition, struct chart_object, m->condition)
TEXT_FIELD(chart_tags, struct chart_object, m->tags)
TEXT_FIELD(chart_app_version, struct chart_object, m->app_version)
TEXT_FIELD(chart_kube_version, struct chart_object, m->kube_version)
TEXT_FIELD(chart_type, struct chart_object, m->type)

static const struct helm_metadata *metadata_of(const void *o)
{
    return ((const struct chart_object *)o)->m;
}

static tval chart_sources(const void *o, struct arena *a)
{
    return strings(a, &metadata_of(o)->sources);
}

static tval chart_keywords(const void *o, struct arena *a)
{
    return strings(a, &metadata_of(o)->keywords);
}

static tval chart_maintainers(const void *o, struct arena *a)
{
    const struct helm_metadata *m = metadata_of(o);
    tval *item = ARENA_ARRAY(a, tval, m->maintainers.n + 1);
    for (size_t i = 0; i < m->maintainers.n; i++)
        item[i] = template_object(&maintainer_pointer, &m->maintainers.at[i]);
    return template_list(a, &maintainer_list, item, m->maintainers.n);
}

static tval chart_dependencies(const void *o, struct arena *a)
{
    const struct helm_metadata *m = metadata_of(o);
    tval *item = ARENA_ARRAY(a, tval, m->n_dependencies + 1);
    for (size_t i = 0; i < m->n_dependencies; i++)
        item[i] = template_object(&dependency_pointer, &m->dependency[i]);
    return template_list(a, &dependency_list, item, m->n_dependencies);
}

static tval chart_annotations(const void *o, struct arena *a)
{
    return annotations(a, metadata_of(o)->annotations);
}

static tval chart_deprecated(const void *o, struct arena *a)
{
    (void)a;
    return template_bool(metadata_of(o)->deprecated);
}

static tval chart_is_root(const void *o, struct arena *a)
{
    (void)a;
    return template_bool(((const struct chart_object *)o)->is_root);
}

static const struct template_field metadata_fields[] =
    {{"Name", "name,omitempty", chart_name},
     {"Home", "home,omitempty", chart_home},
     {"Sources", "sources,omitempty", chart_sources},
     {"Version", "version,omitempty", chart_version},
     {"Description", "description,omitempty", chart_description},
     {"Keywords", "keywords,omitempty", chart_keywords},
     {"Maintainers", "maintainers,omitempty", chart_maintainers},
     {"Icon", "icon,omitempty", chart_icon},
     {"APIVersion", "apiVersion,omitempty", chart_api_version},
     {"Condition", "condition,omitempty", chart_condition},
     {"Tags", "tags,omitempty", chart_tags},
     {"AppVersion", "appVersion,omitempty", chart_app_version},
     {"Deprecated", "deprecated,omitempty", chart_deprecated},
     {"Annotations", "annotations,omitempty", chart_annotations},
     {"KubeVersion", "kubeVersion,omitempty", chart_kube_version},
     {"Dependencies", "dependencies,omitempty", chart_dependencies},
     {"Type", "type,omitempty", chart_type},
     {NULL, NULL, NULL}};
static const struct template_type metadata_type = {.kind = TEMPLATE_STRUCT,
                                                   .name = "chart.Metadata",
                                                   .field = metadata_fields};

static tval chart_metadata(const void *o, struct arena *a)
{
    (void)a;
    return template_object(&metadata_type, o);
}

static const struct template_field chart_fields[] = {{"Metadata", NULL, chart_metadata},
                                                     {"IsRoot", "IsRoot", chart_is_root},
                                                     {NULL, NULL, NULL}};
static const struct template_type chart_object_type = {
    .kind = TEMPLATE_STRUCT,
    .name = "struct { chart.Metadata; IsRoot bool }",
    .field = chart_fields,
    .promoted = metadata_fields,
};

static tval chart_3(const struct helm_objects *x, const struct helm_chart *c)
{
    struct chart_object *o = ARENA_NEW(x->arena, struct chart_object);
    *o = (struct chart_object){c->metadata, !c->parent};
    return template_object(&chart_object_type, o);
}

tval helm_object_chart(const struct helm_objects *x, const struct helm_chart *c)
{
    return x->level == HELM_LEVEL_3 ? chart_3(x, c) : chart_4(x, c);
}
