/* A document into schemas: find what has an id or an anchor, check it against its meta-schema, then
 * compile from the root, one schema after the other in the order they are referred to. */
#include <stdlib.h>
#include <string.h>

#include "lang/jsonschema/schema.h"
#include "lang/jsonschema/url.h"
#include "value/json.h"

#include "lang/jsonschema/meta.inc"

struct root {
    str url;
    value doc;
    struct resources resources;
    struct map processed; /* pointers whose ids and anchors are known */
};

struct compiler {
    struct arena *arena;
    const struct jsonschema_input *in;
    struct map roots;   /* url -> root */
    struct map schemas; /* "url#ptr" -> schema */
    struct schema_list queue;
    struct compiler *metas; /* of the meta-schemas; NULL: this is it */
    struct map urns;
    struct err *err;
    str text; /* whole text of the failure */
};

static int fail(struct compiler *c, const char *format, ...) PRINTF(2, 3);
static int fail(struct compiler *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    c->text = arena_vprintf(c->arena, format, args);
    va_end(args);
    return err_set(c->err, ERR_INVALID, "%.*s", STR_FMT(c->text));
}

/* ---- drafts ---- */

static const struct {
    enum draft draft;
    const char *path; /* behind http:// or https:// */
} drafts[] = {
    {DRAFT_2020, "json-schema.org/schema"},
    {DRAFT_2020, "json-schema.org/draft/2020-12/schema"},
    {DRAFT_2019, "json-schema.org/draft/2019-09/schema"},
    {DRAFT_7, "json-schema.org/draft-07/schema"},
    {DRAFT_6, "json-schema.org/draft-06/schema"},
    {DRAFT_4, "json-schema.org/draft-04/schema"},
};

static str without_scheme(str url)
{
    return str_starts(url, STR("http://")) ? str_from(url, 7)
                                           : str_trim_prefix(url, STR("https://"));
}

static bool draft_of_url(str url, enum draft *ret)
{
    str u, fragment;
    if (str_cut(url, '#', &u, &fragment) && fragment.len)
        return false;
    u = without_scheme(u);
    for (size_t i = 0; i < ARRAY_LEN(drafts); i++)
        if (str_is(u, drafts[i].path)) {
            *ret = drafts[i].draft;
            return true;
        }
    return false;
}

static const char *meta_url(enum draft d)
{
    switch (d) {
    case DRAFT_4: return "http://json-schema.org/draft-04/schema";
    case DRAFT_6: return "http://json-schema.org/draft-06/schema";
    case DRAFT_7: return "http://json-schema.org/draft-07/schema";
    case DRAFT_2019: return "https://json-schema.org/draft/2019-09/schema";
    case DRAFT_2020: break;
    }
    return "https://json-schema.org/draft/2020-12/schema";
}

static str id_of(enum draft d, value obj)
{
    str id, fragment;
    if (d < DRAFT_2019 && value_exists(value_getz(obj, "$ref")))
        return STR(""); /* beside $ref nothing counts */
    str_cut(value_str(value_get(obj, d == DRAFT_4 ? STR("id") : STR("$id"))), '#', &id, &fragment);
    return id;
}

/* ---- documents ---- */

static int add_root(struct compiler *c, str url, value doc, struct root **ret);

static str location(struct compiler *c, str url, str ptr)
{
    return ARENA_CAT(c->arena, url, STR("#"), url_escape_pointer(c->arena, ptr));
}

static int load_root(struct compiler *c, str url, struct root **ret)
{
    str name = without_scheme(url);
    *ret = map_find(&c->roots, url);
    if (*ret)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(meta_documents); i++)
        if (str_is(name, meta_documents[i].path)) {
            value doc;
            struct json_input in = {.keep_literals = true};
            int rc = json_parse(str_of(meta_documents[i].text), &in, c->arena, &doc, c->err);
            return rc ? rc : add_root(c, url, doc, ret);
        }
    if (str_starts(url, STR("urn:"))) {
        if (!map_set(&c->urns, url, c) && c->in->unresolved)
            c->in->unresolved(c->in->arg, url);
        return add_root(c, url, value_of_bool(c->arena, true), ret);
    }
    str shown = schema_url_quote(c->arena, url);
    if (str_starts(url, STR("file://"))) /* no file is visible from here */
        return fail(c, "failing loading %.*s: open %.*s: no such file or directory", STR_FMT(shown),
                    STR_FMT(str_from(url, strlen("file://"))));
    if (str_starts(url, STR("http://")) || str_starts(url, STR("https://")))
        return fail(c, "failing loading %.*s: remote schemas are never loaded", STR_FMT(shown));
    return fail(c, "failing loading %.*s: no URLLoader registered for %.*s", STR_FMT(shown),
                STR_FMT(shown));
}

static int lookup(struct compiler *c, str url, value doc, str ptr, value *ret)
{
    str rest = str_from(ptr, 1), token;
    value v = doc;
    while (ptr.len && str_next(&rest, '/', &token)) {
        bool ok;
        uint64_t i;
        token = pointer_unescape(c->arena, token, &ok);
        if (!ok)
            return fail(c, "invalid json-pointer \"%.*s\"", STR_FMT(location(c, url, ptr)));
        if (value_is_map(v))
            v = value_get(v, token);
        else if (value_is_list(v) && str_to_u64(token, &i) && i < value_len(v))
            v = value_at(v, (size_t)i);
        else
            v = VALUE_ABSENT;
        if (!value_exists(v))
            return fail(c, "json-pointer in \"%.*s\" not found", STR_FMT(location(c, url, ptr)));
    }
    *ret = v;
    return 0;
}

/* ---- resources: what has an id ---- */

static struct resource *find_resource(struct root *r, str ptr)
{
    for (;;) {
        for (size_t i = 0; i < r->resources.n; i++)
            if (str_eq(r->resources.at[i]->ptr, ptr))
                return r->resources.at[i];
        ptrdiff_t slash = str_rfind_char(ptr, '/');
        if (slash < 0)
            break;
        ptr = str_sub(ptr, 0, (size_t)slash);
    }
    return r->resources.n ? r->resources.at[0] : NULL; /* the root's is the first */
}

static struct resource *find_id(struct root *r, str id)
{
    for (size_t i = 0; i < r->resources.n; i++)
        if (str_eq(r->resources.at[i]->id, id))
            return r->resources.at[i];
    return NULL;
}

static int add_anchor(struct compiler *c, struct root *r, struct resource *res, str name, str ptr,
                      bool dynamic)
{
    for (size_t i = 0; i < res->n_anchors; i++)
        if (str_eq(res->anchor[i].name, name)) {
            if (!str_eq(res->anchor[i].ptr, ptr))
                return fail(c, "duplicate anchor \"%.*s\" in \"%.*s\" at \"%.*s\" and \"%.*s\"",
                            STR_FMT(name), STR_FMT(r->url), STR_FMT(res->anchor[i].ptr),
                            STR_FMT(ptr));
            res->anchor[i].dynamic |= dynamic;
            return 0;
        }
    if (res->n_anchors == res->cap_anchors) {
        size_t cap = res->cap_anchors ? res->cap_anchors * 2 : 4;
        res->anchor = arena_grow(c->arena, res->anchor, res->n_anchors * sizeof(struct anchor),
                                 cap * sizeof(struct anchor));
        res->cap_anchors = cap;
    }
    res->anchor[res->n_anchors++] = (struct anchor){name, ptr, dynamic};
    return 0;
}

static int collect_anchors(struct compiler *c, struct root *r, value obj, str ptr,
                           struct resource *res)
{
    int rc = 0;
    if (!value_is_map(obj))
        return 0;
    if (res->draft < DRAFT_2019) {
        str id, fragment;
        if (value_exists(value_getz(obj, "$ref")))
            return 0;
        value v = value_get(obj, res->draft == DRAFT_4 ? STR("id") : STR("$id"));
        if (str_cut(value_str(v), '#', &id, &fragment) && fragment.len && fragment.at[0] != '/')
            rc = add_anchor(c, r, res, fragment, ptr, false);
        return rc;
    }
    value v = value_getz(obj, "$anchor");
    if (value_is_string(v))
        rc = add_anchor(c, r, res, value_str(v), ptr, false);
    v = value_getz(obj, "$dynamicAnchor");
    if (!rc && res->draft >= DRAFT_2020 && value_is_string(v))
        rc = add_anchor(c, r, res, value_str(v), ptr, true);
    return rc;
}

static int draft_of(struct compiler *c, str url, str ptr, value doc, enum draft fallback,
                    enum draft *ret)
{
    value v = value_getz(doc, "$schema");
    struct map seen;
    str u, fragment;
    map_init(&seen, c->arena);
    *ret = fallback;
    for (;;) {
        if (!value_is_string(v) || draft_of_url(value_str(v), ret))
            return 0;
        str_cut(value_str(v), '#', &u, &fragment);
        if (!ptr.len && str_eq(u, url))
            return fail(c, "draft \"%.*s\" is not supported", STR_FMT(u));
        if (map_set(&seen, u, c))
            return fail(c, "cycle in resolving $schema in \"%.*s\"", STR_FMT(u));
        struct root *r;
        int rc = load_root(c, u, &r);
        if (rc)
            return rc;
        url = u;
        ptr = STR("");
        v = value_getz(r->doc, "$schema");
    }
}

/* Where a draft has schemas below a schema. '*': each member, '[': each item, ' ': itself. */
static const struct {
    const char *key;
    char below;
    enum draft since;
} places[] = {
    {"definitions", '*', DRAFT_4},
    {"not", ' ', DRAFT_4},
    {"allOf", '[', DRAFT_4},
    {"anyOf", '[', DRAFT_4},
    {"oneOf", '[', DRAFT_4},
    {"properties", '*', DRAFT_4},
    {"additionalProperties", ' ', DRAFT_4},
    {"patternProperties", '*', DRAFT_4},
    {"items", ' ', DRAFT_4},
    {"items", '[', DRAFT_4},
    {"additionalItems", ' ', DRAFT_4},
    {"dependencies", '*', DRAFT_4},
    {"propertyNames", ' ', DRAFT_6},
    {"contains", ' ', DRAFT_6},
    {"if", ' ', DRAFT_7},
    {"then", ' ', DRAFT_7},
    {"else", ' ', DRAFT_7},
    {"$defs", '*', DRAFT_2019},
    {"dependentSchemas", '*', DRAFT_2019},
    {"unevaluatedProperties", ' ', DRAFT_2019},
    {"unevaluatedItems", ' ', DRAFT_2019},
    {"contentSchema", ' ', DRAFT_2019},
    {"prefixItems", '[', DRAFT_2020},
};

static int collect(struct compiler *c, struct root *r, value sch, str base, str ptr,
                   enum draft fallback);

static str below(struct compiler *c, str ptr, str token)
{
    return ARENA_CAT(c->arena, ptr, STR("/"), pointer_escape(c->arena, token));
}

static int collect_below(struct compiler *c, struct root *r, value obj, str base, str ptr,
                         enum draft d)
{
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        value v = value_get(obj, str_of(places[i].key));
        str at = below(c, ptr, str_of(places[i].key));
        int rc = 0;
        if (!value_exists(v) || places[i].since > d)
            continue;
        if (places[i].below == ' ')
            rc = collect(c, r, v, base, at, d);
        else if (places[i].below == '*' ? value_is_map(v) : value_is_list(v))
            for (struct value_iter it = value_iter(v); !rc && value_next(&it);) {
                str token = places[i].below == '*' ? it.key : arena_printf(c->arena, "%zu", it.i);
                rc = collect(c, r, it.val, base, below(c, at, token), d);
            }
        if (rc)
            return rc;
    }
    return 0;
}

static void add_resource(struct compiler *c, struct root *r, str ptr, str id, enum draft d)
{
    struct resource *res = ARENA_NEW(c->arena, struct resource);
    *res = (struct resource){.ptr = ptr, .id = id, .draft = d};
    vec_push(c->arena, &r->resources, res);
}

static int collect_object(struct compiler *c, struct root *r, value obj, str base, str ptr,
                          enum draft fallback)
{
    enum draft d;
    bool has_schema = value_is_string(value_getz(obj, "$schema"));
    int rc = draft_of(c, r->url, ptr, obj, fallback, &d);
    if (rc)
        return rc;
    str id = id_of(d, obj);
    if (!id.len && ptr.len) { /* $schema counts beside an id only */
        d = fallback;
        has_schema = false;
        id = id_of(d, obj);
    }
    if (id.len)
        base = url_join_base(c->arena, base, id);
    if (id.len || !ptr.len) {
        struct resource *same = find_id(r, base);
        if (same && !str_eq(same->ptr, ptr))
            return fail(c, "duplicate id \"%.*s\" in \"%.*s\" at \"%.*s\" and \"%.*s\"",
                        STR_FMT(base), STR_FMT(r->url), STR_FMT(ptr), STR_FMT(same->ptr));
        if (!same)
            add_resource(c, r, ptr, base, has_schema ? d : fallback);
    }
    struct resource *res = find_id(r, base);
    if (!res)
        return fail(c, "baseres is nil");
    rc = collect_anchors(c, r, obj, ptr, res);
    return rc ? rc : collect_below(c, r, obj, base, ptr, d);
}

static int collect(struct compiler *c, struct root *r, value sch, str base, str ptr,
                   enum draft fallback)
{
    if (map_has(&r->processed, ptr))
        return 0;
    int rc = 0;
    if (value_is_map(sch))
        rc = collect_object(c, r, sch, base, ptr, fallback);
    else if (!ptr.len)
        add_resource(c, r, ptr, base, fallback);
    map_set(&r->processed, ptr, c);
    return rc;
}

/* ---- check against the meta-schema ---- */

static int compile_at(struct compiler *c, str url, str ptr, struct schema **ret);

static struct schema *meta_of(void *arg, enum draft d)
{
    struct compiler *c = arg;
    struct schema *s = NULL;
    /* The meta-schemas are part of the program: they compile. */
    if (compile_at(c->metas, str_of(meta_url(d)), STR(""), &s))
        abort();
    return s;
}

static int check(struct compiler *c, struct root *r, value v, str ptr)
{
    struct schema *meta = meta_of(c, find_resource(r, ptr)->draft);
    struct validation x = {.arena = c->arena,
                           .regexp = c->in->regexp,
                           .meta = meta,
                           .resources = &r->resources,
                           .meta_of = meta_of,
                           .meta_arg = c,
                           .err = c->err};
    struct verror *e = schema_validate(&x, meta, v);
    if (x.rc)
        return x.rc;
    if (!e)
        return 0;
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    verror_print(&b, e, 1);
    return fail(c,
                "\"%.*s\" is not valid against metaschema: jsonschema validation failed with "
                "%.*s%.*s",
                STR_FMT(location(c, r->url, ptr)), STR_FMT(schema_quote(c->arena, meta->location)),
                STR_FMT(buf_str(&b)));
}

static int add_root(struct compiler *c, str url, value doc, struct root **ret)
{
    struct root *r = ARENA_NEW(c->arena, struct root);
    r->url = url;
    r->doc = doc;
    map_init(&r->processed, c->arena);
    int rc = collect(c, r, doc, url, STR(""), DRAFT_2020);
    if (!rc && c->metas && !str_starts(without_scheme(url), STR("json-schema.org/")))
        rc = check(c, r, doc, STR(""));
    if (rc)
        return rc;
    map_set(&c->roots, url, r);
    *ret = r;
    return 0;
}

/* A pointer to where no schema is expected: learn it then. */
static int ensure(struct compiler *c, struct root *r, str ptr)
{
    value v;
    if (map_has(&r->processed, ptr))
        return 0;
    int rc = lookup(c, r->url, r->doc, ptr, &v);
    if (rc)
        return rc;
    struct resource *base = find_resource(r, ptr);
    rc = collect(c, r, v, base->id, ptr, base->draft);
    struct resource *now = find_resource(r, ptr);
    if (!rc && !str_eq(now->ptr, ptr))
        rc = collect_anchors(c, r, v, ptr, now);
    if (!rc && c->metas)
        rc = check(c, r, v, ptr);
    return rc;
}

/* ---- compiling ---- */

static struct schema *enqueue(struct compiler *c, str url, str ptr)
{
    str key = ARENA_CAT(c->arena, url, STR("#"), ptr);
    struct schema *s = map_find(&c->schemas, key);
    if (s)
        return s;
    s = ARENA_NEW(c->arena, struct schema);
    s->url = url;
    s->ptr = ptr;
    s->location = location(c, url, ptr);
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
               ? enqueue(o->c, o->s->url, below(o->c, o->s->ptr, str_of(key)))
               : NULL;
}

static void list(struct object *o, const char *key, struct schema_list *ret)
{
    value v = value_get(o->v, str_of(key));
    str at = below(o->c, o->s->ptr, str_of(key));
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
    str at = below(o->c, o->s->ptr, str_of(key));
    if (!value_is_map(v))
        return;
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        struct named_schema n = {.name = it.key,
                                 .schema = enqueue(o->c, o->s->url, below(o->c, at, it.key))};
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
    str at = below(o->c, o->s->ptr, str_of(key));
    for (struct value_iter it = value_iter(v); value_is_map(v) && value_next(&it);) {
        struct dependency d = {.name = it.key};
        if (value_is_list(it.val))
            texts(o, it.val, &d.needs, &d.n);
        else if (schemas)
            d.schema = enqueue(o->c, o->s->url, below(o->c, at, it.key));
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
    return fail(o->c, "invalid regex \"%.*s\" at \"%.*s/%s\": %s", STR_FMT(text),
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
    struct resource *res = str_eq(url, r->url) ? r->resources.at[0] : find_id(r, url);
    if (!res) {
        int rc = load_root(c, url, &r);
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
    return fail(c, "anchor in \"%.*s#%.*s\" not found in schema \"%.*s\"", STR_FMT(res->id),
                STR_FMT(url_escape_pointer(c->arena, fragment)), STR_FMT(r->url));
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
    int rc = load_root(c, s->url, &r);
    if (!rc)
        rc = ensure(c, r, s->ptr);
    if (!rc)
        rc = lookup(c, r->url, r->doc, s->ptr, &v);
    if (rc)
        return rc;
    struct resource *res = find_resource(r, s->ptr);
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

static int compile_at(struct compiler *c, str url, str ptr, struct schema **ret)
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
        rc = add_root(&c, in->url, doc, &r);
    if (!rc)
        rc = compile_at(&c, in->url, STR(""), &s->root);
    if (rc) {
        *ret_text = c.text.len ? c.text : arena_str(a, err_str(err));
        return rc;
    }
    s->regexp = in->regexp;
    *ret = s;
    return 0;
}
