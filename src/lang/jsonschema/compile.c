/* lang/jsonschema/compile.c: a document into schemas: from the root, one schema after the other in
 * the order they are referred to. */
#include <stdlib.h>
#include <string.h>

#include "lang/jsonschema/compiler.h"
#include "lang/jsonschema/url.h"
#include "value/json.h"

static struct schema *enqueue(struct compiler *c, str url, str ptr)
{
    str key = ARENA_CAT(c->arena, url, STR("#"), ptr);
    struct schema *s = map_find(&c->schemas, key);
    if (s)
        return s;
    s = ARENA_NEW(c->arena, struct schema);
    s->url = url;
    s->ptr = ptr;
    s->location = compiler_location(c, url, ptr);
    map_set(&c->schemas, key, s);
    vec_push(c->arena, &c->queue, s);
    return s;
}

struct object { /* being compiled */
    struct compiler *c;
    struct root *root;
    struct resource *resource;
    struct schema *s;
    value v;
};

static struct schema *prop(struct object *o, const char *key)
{
    return value_exists(value_get(o->v, str_of(key)))
               ? enqueue(o->c, o->s->url, compiler_below(o->c, o->s->ptr, str_of(key)))
               : NULL;
}

static void list(struct object *o, const char *key, struct schema_list *ret)
{
    value v = value_get(o->v, str_of(key));
    str at = compiler_below(o->c, o->s->ptr, str_of(key));
    ret->exists = value_is_list(v);
    for (size_t i = 0; ret->exists && i < value_len(v); i++)
        vec_push(o->c->arena, ret,
                 enqueue(o->c, o->s->url, arena_printf(o->c->arena, "%.*s/%zu", STR_FMT(at), i)));
}

static int compare_names(const void *a, const void *b)
{
    return str_cmp(((const struct named_schema *)a)->name, ((const struct named_schema *)b)->name);
}

static void named(struct object *o, const char *key, struct named_schemas *ret)
{
    value v = value_get(o->v, str_of(key));
    str at = compiler_below(o->c, o->s->ptr, str_of(key));
    if (!value_is_map(v))
        return;
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        struct named_schema n = {.name = it.key,
                                 .schema =
                                     enqueue(o->c, o->s->url, compiler_below(o->c, at, it.key))};
        vec_push(o->c->arena, ret, n);
    }
    if (ret->n)
        qsort(ret->at, ret->n, sizeof(ret->at[0]), compare_names);
}

static enum additional additional(struct object *o, const char *key, struct schema **ret)
{
    value v = value_get(o->v, str_of(key));
    if (value_type(v) == VALUE_BOOL)
        return value_bool(v) ? ADDITIONAL_YES : ADDITIONAL_NO;
    *ret = prop(o, key);
    return *ret ? ADDITIONAL_SCHEMA : ADDITIONAL_ABSENT;
}

static void texts(struct object *o, value v, str **ret, size_t *ret_n)
{
    str *at = ARENA_ARRAY(o->c->arena, str, value_len(v) + 1);
    size_t n = 0;
    for (struct value_iter it = value_iter(v); value_next(&it);)
        if (value_is_string(it.val))
            at[n++] = value_str(it.val);
    *ret = at;
    *ret_n = n;
}

static int compare_dependencies(const void *a, const void *b)
{
    return str_cmp(((const struct dependency *)a)->name, ((const struct dependency *)b)->name);
}

static void dependencies(struct object *o, const char *key, bool schemas, struct dependencies *ret)
{
    value v = value_get(o->v, str_of(key));
    str at = compiler_below(o->c, o->s->ptr, str_of(key));
    for (struct value_iter it = value_iter(v); value_is_map(v) && value_next(&it);) {
        struct dependency d = {.name = it.key};
        if (value_is_list(it.val))
            texts(o, it.val, &d.needs, &d.n);
        else if (schemas)
            d.schema = enqueue(o->c, o->s->url, compiler_below(o->c, at, it.key));
        else
            continue;
        vec_push(o->c->arena, ret, d);
    }
    if (ret->n)
        qsort(ret->at, ret->n, sizeof(ret->at[0]), compare_dependencies);
}

static void limit(struct object *o, const char *key, struct limit *ret)
{
    value v = value_get(o->v, str_of(key));
    ret->exists = decimal_of(v, &ret->d);
    ret->shown = value_double(v);
}

static void bound(struct object *o, const char *key, struct bound *ret)
{
    struct limit l;
    limit(o, key, &l);
    ret->exists = l.exists && decimal_is_integer(&l.d);
    ret->n = l.shown > 9e18 ? INT64_MAX : (int64_t)l.shown;
}

static bool flag(struct object *o, const char *key)
{
    return value_bool(value_get(o->v, str_of(key)));
}

static int pattern(struct object *o, const char *key, str text, const void **ret)
{
    struct err err;
    if (!o->c->in->regexp->compile(text, o->c->arena, ret, &err))
        return 0;
    return compiler_fail(o->c, "invalid regex \"%.*s\" at \"%.*s/%s\": %s", STR_FMT(text),
                         STR_FMT(o->s->location), key, err.text);
}

/* The schema that a reference names; NULL: there is no such keyword. */
static int reference(struct object *o, const char *key, struct schema **ret, str *ret_anchor)
{
    struct compiler *c = o->c;
    value v = value_get(o->v, str_of(key));
    str ref, fragment, url;
    if (!value_is_string(v))
        return 0;
    str_cut(value_str(v), '#', &ref, &fragment);
    fragment = url_unescape(c->arena, fragment);
    url = url_join_base(c->arena, o->resource->id, ref);
    struct root *r = o->root;
    struct resource *res = str_eq(url, r->url) ? r->resources.at[0] : root_find_id(r, url);
    if (!res) {
        int rc = compiler_load(c, url, &r);
        if (rc)
            return rc;
        res = r->resources.at[0];
    }
    if (!fragment.len || fragment.at[0] == '/') {
        *ret = enqueue(c, r->url, ARENA_CAT(c->arena, res->ptr, fragment));
        return 0;
    }
    *ret_anchor = fragment;
    for (size_t i = 0; i < res->n_anchors; i++)
        if (str_eq(res->anchor[i].name, fragment)) {
            *ret = enqueue(c, r->url, res->anchor[i].ptr);
            return 0;
        }
    return compiler_fail(c, "anchor in \"%.*s#%.*s\" not found in schema \"%.*s\"",
                         STR_FMT(res->id), STR_FMT(url_escape_pointer(c->arena, fragment)),
                         STR_FMT(r->url));
}

static void compile_items(struct object *o)
{
    struct schema *s = o->s;
    if (s->draft >= DRAFT_2020) {
        list(o, "prefixItems", &s->prefix_items);
        s->items_2020 = prop(o, "items");
    } else if (value_is_list(value_getz(o->v, "items"))) {
        list(o, "items", &s->items_list);
        s->additional_items = additional(o, "additionalItems", &s->additional_items_schema);
    } else
        s->items = prop(o, "items");
}

static int compile_applicators(struct object *o)
{
    struct schema *s = o->s;
    list(o, "allOf", &s->all_of);
    list(o, "anyOf", &s->any_of);
    list(o, "oneOf", &s->one_of);
    s->not = prop(o, "not");
    named(o, "properties", &s->properties);
    named(o, "patternProperties", &s->patterns);
    for (size_t i = 0; i < s->patterns.n; i++) {
        int rc =
            pattern(o, "patternProperties", s->patterns.at[i].name, &s->patterns.at[i].pattern);
        if (rc)
            return rc;
    }
    s->additional = additional(o, "additionalProperties", &s->additional_schema);
    dependencies(o, "dependencies", true, &s->dependencies);
    compile_items(o);
    if (s->draft >= DRAFT_6) {
        s->contains = prop(o, "contains");
        s->property_names = prop(o, "propertyNames");
    }
    if (s->draft >= DRAFT_7) {
        s->if_ = prop(o, "if");
        s->then_ = s->if_ ? prop(o, "then") : NULL;
        s->else_ = s->if_ ? prop(o, "else") : NULL;
    }
    if (s->draft >= DRAFT_2019) {
        named(o, "dependentSchemas", &s->dependent_schemas);
        dependencies(o, "dependentRequired", false, &s->dependent_required);
        s->unevaluated_items = prop(o, "unevaluatedItems");
        s->unevaluated_properties = prop(o, "unevaluatedProperties");
    }
    return 0;
}

static const struct {
    const char *name;
    unsigned type;
} type_names[] = {
    {"null", TYPE_NULL},       {"boolean", TYPE_BOOLEAN}, {"number", TYPE_NUMBER},
    {"integer", TYPE_INTEGER}, {"string", TYPE_STRING},   {"array", TYPE_ARRAY},
    {"object", TYPE_OBJECT},
};

static unsigned type_named(value v)
{
    for (size_t i = 0; i < ARRAY_LEN(type_names); i++)
        if (value_is_string(v) && str_is(value_str(v), type_names[i].name))
            return type_names[i].type;
    return 0;
}

static void compile_numbers(struct object *o)
{
    struct schema *s = o->s;
    limit(o, "multipleOf", &s->multiple_of);
    limit(o, "maximum", &s->maximum);
    limit(o, "minimum", &s->minimum);
    limit(o, "exclusiveMaximum", &s->exclusive_maximum);
    limit(o, "exclusiveMinimum", &s->exclusive_minimum);
    if (flag(o, "exclusiveMaximum")) { /* draft 4 */
        s->exclusive_maximum = s->maximum;
        s->maximum.exists = false;
    }
    if (flag(o, "exclusiveMinimum")) {
        s->exclusive_minimum = s->minimum;
        s->minimum.exists = false;
    }
    bound(o, "minLength", &s->min_length);
    bound(o, "maxLength", &s->max_length);
    bound(o, "minItems", &s->min_items);
    bound(o, "maxItems", &s->max_items);
    bound(o, "minProperties", &s->min_properties);
    bound(o, "maxProperties", &s->max_properties);
    if (s->draft >= DRAFT_2019 && s->contains) {
        bound(o, "minContains", &s->min_contains);
        bound(o, "maxContains", &s->max_contains);
    }
}

static int compile_assertions(struct object *o)
{
    struct schema *s = o->s;
    value type = value_getz(o->v, "type"), format = value_getz(o->v, "format");
    s->types = type_named(type);
    for (struct value_iter it = value_iter(type); value_is_list(type) && value_next(&it);)
        s->types |= type_named(it.val);
    value enums = value_getz(o->v, "enum"), required = value_getz(o->v, "required");
    s->enums = value_is_list(enums) ? enums : VALUE_ABSENT;
    s->constant = s->draft >= DRAFT_6 ? value_getz(o->v, "const") : VALUE_ABSENT;
    if (value_is_list(required))
        texts(o, required, &s->required.at, &s->required.n);
    s->unique = flag(o, "uniqueItems");
    compile_numbers(o);
    value text = value_getz(o->v, "pattern");
    /* Formats bind up to draft 7, and in meta-schemas. */
    if (value_is_string(format) && (s->draft < DRAFT_2019 || !o->c->metas)) {
        s->format_regex = str_is(value_str(format), "regex");
        s->format = s->format_regex ? NULL : format_find(value_str(format));
    }
    if (!value_is_string(text))
        return 0;
    s->pattern_text = value_str(text);
    return pattern(o, "pattern", s->pattern_text, &s->pattern);
}

static int compile_object(struct object *o)
{
    struct schema *s = o->s;
    str anchor = STR("");
    int rc = reference(o, "$ref", &s->ref, &anchor);
    if (rc || (s->ref && s->draft < DRAFT_2019))
        return rc;
    rc = compile_applicators(o);
    if (!rc)
        rc = compile_assertions(o);
    if (!rc && s->draft >= DRAFT_2019) {
        rc = reference(o, "$recursiveRef", &s->recursive_ref, &anchor);
        s->recursive_anchor = flag(o, "$recursiveAnchor");
    }
    if (!rc && s->draft >= DRAFT_2020) {
        s->dynamic_anchor = value_str(value_getz(o->v, "$dynamicAnchor"));
        rc = reference(o, "$dynamicRef", &s->dynamic_ref, &s->dynamic_ref_anchor);
    }
    return rc;
}

static void note_evaluated(struct schema *s)
{
    s->all_props_evaluated = s->additional != ADDITIONAL_ABSENT;
    if (s->draft < DRAFT_2020) {
        s->all_items_evaluated = s->items || s->additional_items != ADDITIONAL_ABSENT;
        s->n_items_evaluated = s->items_list.n;
    } else {
        s->all_items_evaluated = s->items_2020 != NULL;
        s->n_items_evaluated = s->prefix_items.n;
    }
}

static int compile_schema(struct compiler *c, struct schema *s)
{
    struct root *r;
    value v;
    int rc = compiler_load(c, s->url, &r);
    if (!rc)
        rc = compiler_ensure(c, r, s->ptr);
    if (!rc)
        rc = compiler_lookup(c, r->url, r->doc, s->ptr, &v);
    if (rc)
        return rc;
    struct resource *res = root_find_resource(r, s->ptr);
    s->draft = res->draft;
    s->resource = enqueue(c, s->url, res->ptr);
    for (size_t i = 0; s->resource == s && s->draft >= DRAFT_2020 && i < res->n_anchors; i++)
        if (res->anchor[i].dynamic) {
            struct named_schema n = {.name = res->anchor[i].name,
                                     .schema = enqueue(c, s->url, res->anchor[i].ptr)};
            vec_push(c->arena, &s->dynamic, n);
        }
    s->is_bool = value_type(v) == VALUE_BOOL || (value_is_map(v) && !value_len(v));
    s->allows = value_is_map(v) || value_bool(v);
    if (value_is_map(v) && value_len(v)) {
        struct object o = {.c = c, .root = r, .resource = res, .s = s, .v = v};
        rc = compile_object(&o);
    }
    note_evaluated(s);
    return rc;
}

int compiler_compile(struct compiler *c, str url, str ptr, struct schema **ret)
{
    size_t from = c->queue.n;
    struct schema *s = enqueue(c, url, ptr);
    for (size_t i = from; i < c->queue.n; i++) {
        if (c->queue.n > JSONSCHEMA_SCHEMAS_MAX)
            return err_set(c->err, ERR_TOO_LARGE, "the schema has more than %d parts",
                           JSONSCHEMA_SCHEMAS_MAX);
        int rc = compile_schema(c, c->queue.at[i]);
        if (rc)
            return rc;
    }
    *ret = s;
    return 0;
}

static void compiler_init(struct compiler *c, const struct jsonschema_input *in, struct arena *a,
                          struct err *err)
{
    *c = (struct compiler){.arena = a, .in = in, .err = err};
    map_init(&c->roots, a);
    map_init(&c->schemas, a);
    map_init(&c->urns, a);
}

/* encoding/json's Decoder: a second value behind the first has a text of its own. */
static int parse(str text, struct arena *a, value *ret, struct err *err)
{
    struct json_input in = {.keep_literals = true,
                            .bare_errors = true,
                            .bytes_max = JSONSCHEMA_BYTES_MAX};
    int rc = json_parse(text, &in, a, ret, err);
    if (rc && str_has(err_str(err), STR("after top-level value")))
        return err_set(err, ERR_INVALID, "invalid character after top-level value");
    if (rc && str_is(err_str(err), "unexpected end of JSON input"))
        return err_set(err, ERR_INVALID, str_trim(text).len ? "unexpected EOF" : "EOF");
    return rc;
}

int jsonschema_compile(str text, const struct jsonschema_input *in, struct arena *a,
                       const struct jsonschema **ret, str *ret_text, struct err *err)
{
    struct compiler *metas = ARENA_NEW(a, struct compiler), c;
    struct jsonschema *s = ARENA_NEW(a, struct jsonschema);
    struct root *r;
    value doc;
    compiler_init(metas, in, a, err);
    compiler_init(&c, in, a, err);
    c.metas = metas;
    int rc = parse(text, a, &doc, err);
    if (!rc)
        rc = compiler_add(&c, in->url, doc, &r);
    if (!rc)
        rc = compiler_compile(&c, in->url, STR(""), &s->root);
    if (rc) {
        *ret_text = c.text.len ? c.text : arena_str(a, err_str(err));
        return rc;
    }
    s->regexp = in->regexp;
    *ret = s;
    return 0;
}
