/* value/bind/schema.c: structural schemas and CustomResourceDefinitions out of bind tables. */
#include "value/bind.h"
#include "value/bind/table.h"
#include "value/json.h"

static const char api_version_help[] =
    "APIVersion defines the versioned schema of this representation of an object.";
static const char kind_help[] = "Kind is a string value representing the REST resource this object "
                                "represents.";

static value text(struct arena *a, const char *z) { return value_borrow_str(a, str_of(z)); }

static void put(struct arena *a, value map, const char *key, value child)
{
    value_set_borrow_key(a, map, str_of(key), child);
}

static value texts(struct arena *a, const char *const *z)
{
    value list = value_new_list(a);
    for (; *z; z++)
        value_push(a, list, text(a, *z));
    return list;
}

static void put_limits(struct arena *a, const struct bind_field *f, value schema)
{
    bool string = f->shape == BIND_ONE && str_is(str_of(bind_openapi_type(f->type)), "string");
    bool list = f->shape == BIND_LIST;
    if (f->min)
        put(a, schema,
            list     ? "minItems"
            : string ? "minLength"
                     : "minimum",
            value_of_int(a, f->min));
    if (f->max)
        put(a, schema,
            list     ? "maxItems"
            : string ? "maxLength"
                     : "maximum",
            value_of_int(a, f->max));
}

/* The schema of one value of the field, without its help. */
static value single(struct arena *a, const struct bind_field *f)
{
    value s = f->type == BIND_OBJECT && f->table ? bind_schema(a, f->table) : value_new_map(a);
    const char *type = bind_openapi_type(f->type), *format = bind_openapi_format(f);
    value_remove(s, STR("description"));
    if (type)
        put(a, s, "type", text(a, type));
    if (format)
        put(a, s, "format", text(a, format));
    if (f->one_of)
        put(a, s, "enum", texts(a, f->one_of));
    if (f->pattern)
        put(a, s, "pattern", text(a, f->pattern));
    if (f->type == BIND_INT_OR_STRING) {
        static const char *const either[] = {"integer", "string"};
        value any = value_new_list(a);
        for (size_t i = 0; i < ARRAY_LEN(either); i++) {
            value one = value_new_map(a);
            put(a, one, "type", text(a, either[i]));
            value_push(a, any, one);
        }
        put(a, s, "anyOf", any);
        put(a, s, "x-kubernetes-int-or-string", value_of_bool(a, true));
    }
    bool open = f->type == BIND_ANY || (f->type == BIND_OBJECT && !f->table) ||
                f->flags & BIND_KEEP_UNKNOWN;
    if (open)
        put(a, s, "x-kubernetes-preserve-unknown-fields", value_of_bool(a, true));
    if (f->flags & BIND_EMBEDDED_RESOURCE)
        put(a, s, "x-kubernetes-embedded-resource", value_of_bool(a, true));
    return s;
}

static void put_list_type(struct arena *a, const struct bind_field *f, value schema)
{
    const char *type = f->list_keys             ? "map"
                       : f->flags & BIND_SET    ? "set"
                       : f->flags & BIND_ATOMIC ? "atomic"
                                                : NULL;
    if (f->list_keys)
        put(a, schema, "x-kubernetes-list-map-keys", texts(a, f->list_keys));
    if (type)
        put(a, schema, "x-kubernetes-list-type", text(a, type));
}

static value field_schema(struct arena *a, const struct bind_field *f)
{
    value s = single(a, f);
    if (f->shape != BIND_ONE) {
        value outer = value_new_map(a);
        put(a, outer, f->shape == BIND_LIST ? "items" : "additionalProperties", s);
        put(a, outer, "type", text(a, f->shape == BIND_LIST ? "array" : "object"));
        s = outer;
    }
    if (f->shape == BIND_LIST)
        put_list_type(a, f, s);
    else if (f->shape == BIND_ONE && f->flags & BIND_ATOMIC)
        put(a, s, "x-kubernetes-map-type", text(a, "atomic"));
    put_limits(a, f, s);
    if (f->help)
        put(a, s, "description", text(a, f->help));
    if (f->flags & BIND_NULLABLE)
        put(a, s, "nullable", value_of_bool(a, true));
    value fallback;
    if (f->fallback && json_parse(str_of(f->fallback), NULL, a, &fallback, NULL) == 0)
        put(a, s, "default", fallback);
    return s;
}

value bind_schema(struct arena *a, const struct bind_table *t)
{
    value s = value_new_map(a), properties = value_new_map(a), required = value_new_list(a);
    if (t->help)
        put(a, s, "description", text(a, t->help));
    put(a, s, "properties", properties);
    for (size_t i = 0; i < t->n_fields; i++) {
        const struct bind_field *f = &t->field[i];
        if (f->flags & BIND_NOT_IN_SCHEMA)
            continue;
        put(a, properties, f->name, field_schema(a, f));
        if (f->flags & BIND_REQUIRED)
            value_push(a, required, text(a, f->name));
    }
    if (value_len(required) > 0)
        put(a, s, "required", required);
    put(a, s, "type", text(a, "object"));
    return s;
}

/* The schema of a whole object: apiVersion and kind belong to it. */
static value object_schema(struct arena *a, const struct bind_table *t)
{
    static const struct {
        const char *name, *help;
    } implied[] = {{"apiVersion", api_version_help}, {"kind", kind_help}};
    value s = bind_schema(a, t), properties = value_edit_map(a, s, STR("properties"));
    for (size_t i = 0; i < ARRAY_LEN(implied); i++) {
        if (value_exists(value_get(properties, str_of(implied[i].name))))
            continue;
        value one = value_new_map(a);
        put(a, one, "description", text(a, implied[i].help));
        put(a, one, "type", text(a, "string"));
        put(a, properties, implied[i].name, one);
    }
    value_sort_keys(a, properties, false);
    return s;
}

static value columns(struct arena *a, const struct bind_kind *k)
{
    value list = value_new_list(a);
    for (size_t i = 0; i < k->n_columns; i++) {
        const struct bind_column *c = &k->column[i];
        value one = value_new_map(a);
        if (c->help)
            put(a, one, "description", text(a, c->help));
        put(a, one, "jsonPath", text(a, c->json_path));
        put(a, one, "name", text(a, c->name));
        if (c->priority)
            put(a, one, "priority", value_of_int(a, c->priority));
        put(a, one, "type", text(a, c->type));
        value_push(a, list, one);
    }
    return list;
}

static value version_of(struct arena *a, const struct bind_kind *k)
{
    value version = value_new_map(a), schema = value_new_map(a), sub = value_new_map(a);
    if (k->n_columns)
        put(a, version, "additionalPrinterColumns", columns(a, k));
    put(a, version, "name", text(a, k->version));
    put(a, schema, "openAPIV3Schema", object_schema(a, k->table));
    put(a, version, "schema", schema);
    put(a, version, "served", value_of_bool(a, true));
    put(a, version, "storage", value_of_bool(a, true));
    if (k->status_subresource)
        put(a, sub, "status", value_new_map(a));
    put(a, version, "subresources", sub);
    return version;
}

value bind_crd(struct arena *a, const struct bind_kind *k)
{
    value crd = value_new_map(a), metadata = value_new_map(a), names = value_new_map(a),
          spec = value_new_map(a), versions = value_new_list(a), labels = value_new_map(a);
    put(a, crd, "apiVersion", text(a, "apiextensions.k8s.io/v1"));
    put(a, crd, "kind", text(a, "CustomResourceDefinition"));
    put(a, crd, "metadata", metadata);
    for (const char *const *l = k->labels; l && l[0]; l += 2)
        put(a, labels, l[0], text(a, l[1]));
    if (value_len(labels) > 0)
        put(a, metadata, "labels", labels);
    put(a, metadata, "name", value_borrow_str(a, arena_printf(a, "%s.%s", k->plural, k->group)));
    put(a, crd, "spec", spec);
    put(a, spec, "group", text(a, k->group));
    put(a, spec, "names", names);
    put(a, names, "kind", text(a, k->kind));
    put(a, names, "listKind", value_borrow_str(a, arena_printf(a, "%sList", k->kind)));
    put(a, names, "plural", text(a, k->plural));
    if (k->short_names)
        put(a, names, "shortNames", texts(a, k->short_names));
    put(a, names, "singular", text(a, k->singular));
    put(a, spec, "scope", text(a, k->cluster_scoped ? "Cluster" : "Namespaced"));
    value_push(a, versions, version_of(a, k));
    put(a, spec, "versions", versions);
    return crd;
}
