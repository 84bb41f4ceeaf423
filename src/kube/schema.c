/* kube/schema.c */
#include "kube/schema.h"

#include "kube/kinds.h"
#include "value/json.h"

#include "kube/schema_table.inc"

size_t kube_schema_count(void) { return ARRAY_LEN(types); }
const struct kube_schema *kube_schema_at(size_t i) { return &types[i]; }

const struct kube_schema *kube_schema_find(str definition)
{
    size_t low = 0, high = ARRAY_LEN(types);
    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = str_cmp(types[mid].name, definition);
        if (!c)
            return &types[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const struct kube_schema *kube_schema_of_kind(str group, str version, str kind)
{
    const struct kube_kind *k = kube_kind_find(group, version, kind);
    return k ? kube_schema_find(k->schema) : NULL;
}

const struct kube_field *kube_schema_field(const struct kube_schema *s, str name)
{
    size_t low = 0, high = s->n_fields;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = str_cmp(s->field[mid].name, name);
        if (!c)
            return &s->field[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const struct kube_schema *kube_schema_child(const struct kube_schema *s, str name)
{
    if (!s)
        return NULL;
    if (s->type == KUBE_STRUCT) {
        const struct kube_field *f = kube_schema_field(s, name);
        if (f)
            return f->type;
    }
    return s->type == KUBE_STRUCT || s->type == KUBE_MAP ? s->elem : NULL;
}

str kube_schema_short_name(const struct kube_schema *s)
{
    str head, tail;
    str_rcut(s->name, '.', &head, &tail);
    return tail;
}

/* ---- custom resources ---- */

static const struct kube_schema text_schema = {.type = KUBE_STRING};
static const struct kube_schema any_schema = {.type = KUBE_ANY};

static const struct kube_schema *meta_schema(void)
{
    return kube_schema_find(STR("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"));
}

struct builder {
    struct arena *a;
    struct err *err;
};

static int build(struct builder *b, value v, bool root, int depth, const struct kube_schema **ret);

static enum kube_type type_of(value v)
{
    static const struct {
        const char *name;
        enum kube_type type;
    } table[] = {{"string", KUBE_STRING}, {"integer", KUBE_INT}, {"number", KUBE_NUMBER},
                 {"boolean", KUBE_BOOL},  {"array", KUBE_LIST},  {"object", KUBE_STRUCT}};
    if (value_bool(value_getz(v, "x-kubernetes-int-or-string")))
        return KUBE_INT_OR_STRING;
    str type = value_path_str(v, "type");
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (str_is(type, table[i].name))
            return table[i].type;
    return value_len(value_getz(v, "properties")) ? KUBE_STRUCT : KUBE_ANY;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct kube_field *)a)->name, ((const struct kube_field *)b)->name);
}

static str enums_of(struct arena *a, value list)
{
    str out = STR("");
    for (struct value_iter it = value_iter(list); value_next(&it);)
        out = ARENA_CAT(a, out, out.len ? STR(",") : STR(""), value_str(it.val));
    return out;
}

static bool list_has(value list, str s)
{
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (str_eq(value_str(it.val), s))
            return true;
    return false;
}

typedef VEC(struct kube_field) field_vec;

static int build_fields(struct builder *b, value v, bool root, int depth, struct kube_schema *s)
{
    field_vec list = {0};
    bool object = root || s->embedded;
    for (struct value_iter it = value_iter(value_getz(v, "properties")); value_next(&it);) {
        struct kube_field f = {.name = it.key, .enums = enums_of(b->a, value_getz(it.val, "enum"))};
        if (object &&
            (str_is(it.key, "apiVersion") || str_is(it.key, "kind") || str_is(it.key, "metadata")))
            continue;
        int rc = build(b, it.val, false, depth + 1, &f.type);
        if (rc < 0)
            return rc;
        value d = value_getz(it.val, "default");
        if (value_exists(d))
            f.default_json = json_str(b->a, d, AUDIENCE_WIRE, 0);
        f.required = list_has(value_getz(v, "required"), it.key);
        vec_push(b->a, &list, f);
    }
    if (object) {
        vec_push(b->a, &list, (struct kube_field){.name = STR("apiVersion"), .type = &text_schema});
        vec_push(b->a, &list, (struct kube_field){.name = STR("kind"), .type = &text_schema});
        vec_push(b->a, &list, (struct kube_field){.name = STR("metadata"), .type = meta_schema()});
    }
    if (list.n)
        qsort(list.at, list.n, sizeof(*list.at), by_name);
    s->field = list.at;
    s->n_fields = list.n;
    value extra = value_getz(v, "additionalProperties");
    if (value_is_map(extra))
        return build(b, extra, false, depth + 1, &s->elem);
    if (value_bool(extra))
        s->elem = &any_schema;
    return 0;
}

static void read_list_type(struct builder *b, value v, struct kube_schema *s)
{
    str type = value_str(value_getz(v, "x-kubernetes-list-type"));
    s->list = str_is(type, "map")   ? KUBE_LIST_MAP
              : str_is(type, "set") ? KUBE_LIST_SET
                                    : KUBE_LIST_ATOMIC;
    s->keys = enums_of(b->a, value_getz(v, "x-kubernetes-list-map-keys"));
}

static int build(struct builder *b, value v, bool root, int depth, const struct kube_schema **ret)
{
    if (depth > VALUE_DEPTH_MAX)
        return err_set(b->err, ERR_INVALID, "the schema is nested deeper than %d", VALUE_DEPTH_MAX);
    struct kube_schema *s = ARENA_NEW(b->a, struct kube_schema);
    s->type = root ? KUBE_STRUCT : type_of(v);
    s->preserve_unknown = value_bool(value_getz(v, "x-kubernetes-preserve-unknown-fields"));
    s->nullable = value_bool(value_getz(v, "nullable"));
    s->embedded = value_bool(value_getz(v, "x-kubernetes-embedded-resource"));
    s->atomic = str_is(value_str(value_getz(v, "x-kubernetes-map-type")), "atomic");
    int rc = 0;
    if (s->type == KUBE_STRUCT) {
        rc = build_fields(b, v, root, depth, s);
        if (rc == 0 && !s->n_fields && s->elem)
            s->type = KUBE_MAP;
    } else if (s->type == KUBE_LIST) {
        read_list_type(b, v, s);
        value items = value_getz(v, "items");
        s->elem = &any_schema;
        if (value_is_map(items))
            rc = build(b, items, false, depth + 1, &s->elem);
    }
    *ret = s;
    return rc;
}

int kube_schema_of_crd(value schema, struct arena *a, const struct kube_schema **ret,
                       struct err *err)
{
    struct builder b = {.a = a, .err = err};
    if (!value_is_map(schema)) {
        *ret = kube_schema_untyped(a);
        return 0;
    }
    return build(&b, schema, true, 0, ret);
}

const struct kube_schema *kube_schema_untyped(struct arena *a)
{
    struct kube_schema *s = ARENA_NEW(a, struct kube_schema);
    struct kube_field *f = ARENA_ARRAY(a, struct kube_field, 3);
    f[0] = (struct kube_field){.name = STR("apiVersion"), .type = &text_schema};
    f[1] = (struct kube_field){.name = STR("kind"), .type = &text_schema};
    f[2] = (struct kube_field){.name = STR("metadata"), .type = meta_schema()};
    *s = (struct kube_schema){.type = KUBE_STRUCT,
                              .preserve_unknown = true,
                              .elem = &any_schema,
                              .field = f,
                              .n_fields = 3};
    return s;
}
