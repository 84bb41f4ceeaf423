/* lang/jsonschema/document.c: documents of schemas: their drafts, what in them has an id or an
 * anchor, and whether they are valid against their meta-schemas. */
#include <string.h>

#include "lang/jsonschema/compiler.h"
#include "lang/jsonschema/url.h"
#include "value/json.h"

#include "lang/jsonschema/meta.inc"

int compiler_fail(struct compiler *c, const char *format, ...)
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

str compiler_location(struct compiler *c, str url, str ptr)
{
    return ARENA_CAT(c->arena, url, STR("#"), url_escape_pointer(c->arena, ptr));
}

int compiler_load(struct compiler *c, str url, struct root **ret)
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
            return rc ? rc : compiler_add(c, url, doc, ret);
        }
    if (str_starts(url, STR("urn:"))) {
        if (!map_set(&c->urns, url, c) && c->in->unresolved)
            c->in->unresolved(c->in->arg, url);
        return compiler_add(c, url, value_of_bool(c->arena, true), ret);
    }
    str shown = schema_url_quote(c->arena, url);
    if (str_starts(url, STR("file://"))) /* no file is visible from here */
        return compiler_fail(c, "failing loading %.*s: open %.*s: no such file or directory",
                             STR_FMT(shown), STR_FMT(str_from(url, strlen("file://"))));
    if (str_starts(url, STR("http://")) || str_starts(url, STR("https://")))
        return compiler_fail(c, "failing loading %.*s: remote schemas are never loaded",
                             STR_FMT(shown));
    return compiler_fail(c, "failing loading %.*s: no URLLoader registered for %.*s",
                         STR_FMT(shown), STR_FMT(shown));
}

int compiler_lookup(struct compiler *c, str url, value doc, str ptr, value *ret)
{
    str rest = str_from(ptr, 1), token;
    value v = doc;
    while (ptr.len && str_next(&rest, '/', &token)) {
        bool ok;
        uint64_t i;
        token = pointer_unescape(c->arena, token, &ok);
        if (!ok)
            return compiler_fail(c, "invalid json-pointer \"%.*s\"",
                                 STR_FMT(compiler_location(c, url, ptr)));
        if (value_is_map(v))
            v = value_get(v, token);
        else if (value_is_list(v) && str_to_u64(token, &i) && i < value_len(v))
            v = value_at(v, (size_t)i);
        else
            v = VALUE_ABSENT;
        if (!value_exists(v))
            return compiler_fail(c, "json-pointer in \"%.*s\" not found",
                                 STR_FMT(compiler_location(c, url, ptr)));
    }
    *ret = v;
    return 0;
}

/* ---- resources: what has an id ---- */

struct resource *root_find_resource(struct root *r, str ptr)
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

struct resource *root_find_id(struct root *r, str id)
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
                return compiler_fail(
                    c, "duplicate anchor \"%.*s\" in \"%.*s\" at \"%.*s\" and \"%.*s\"",
                    STR_FMT(name), STR_FMT(r->url), STR_FMT(res->anchor[i].ptr), STR_FMT(ptr));
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
            return compiler_fail(c, "draft \"%.*s\" is not supported", STR_FMT(u));
        if (map_set(&seen, u, c))
            return compiler_fail(c, "cycle in resolving $schema in \"%.*s\"", STR_FMT(u));
        struct root *r;
        int rc = compiler_load(c, u, &r);
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

str compiler_below(struct compiler *c, str ptr, str token)
{
    return ARENA_CAT(c->arena, ptr, STR("/"), pointer_escape(c->arena, token));
}

static int collect_below(struct compiler *c, struct root *r, value obj, str base, str ptr,
                         enum draft d)
{
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        value v = value_get(obj, str_of(places[i].key));
        str at = compiler_below(c, ptr, str_of(places[i].key));
        int rc = 0;
        if (!value_exists(v) || places[i].since > d)
            continue;
        if (places[i].below == ' ')
            rc = collect(c, r, v, base, at, d);
        else if (places[i].below == '*' ? value_is_map(v) : value_is_list(v))
            for (struct value_iter it = value_iter(v); !rc && value_next(&it);) {
                str token = places[i].below == '*' ? it.key : arena_printf(c->arena, "%zu", it.i);
                rc = collect(c, r, it.val, base, compiler_below(c, at, token), d);
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
        struct resource *same = root_find_id(r, base);
        if (same && !str_eq(same->ptr, ptr))
            return compiler_fail(c, "duplicate id \"%.*s\" in \"%.*s\" at \"%.*s\" and \"%.*s\"",
                                 STR_FMT(base), STR_FMT(r->url), STR_FMT(ptr), STR_FMT(same->ptr));
        if (!same)
            add_resource(c, r, ptr, base, has_schema ? d : fallback);
    }
    struct resource *res = root_find_id(r, base);
    if (!res)
        return compiler_fail(c, "baseres is nil");
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

static struct schema *meta_of(void *arg, enum draft d)
{
    struct compiler *c = arg;
    struct schema *s = NULL;
    /* The meta-schemas are part of the program: they compile. */
    if (compiler_compile(c->metas, str_of(meta_url(d)), STR(""), &s))
        abort();
    return s;
}

static int check(struct compiler *c, struct root *r, value v, str ptr)
{
    struct schema *meta = meta_of(c, root_find_resource(r, ptr)->draft);
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
    return compiler_fail(
        c,
        "\"%.*s\" is not valid against metaschema: jsonschema validation failed with "
        "%.*s%.*s",
        STR_FMT(compiler_location(c, r->url, ptr)), STR_FMT(schema_quote(c->arena, meta->location)),
        STR_FMT(buf_str(&b)));
}

int compiler_add(struct compiler *c, str url, value doc, struct root **ret)
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
int compiler_ensure(struct compiler *c, struct root *r, str ptr)
{
    value v;
    if (map_has(&r->processed, ptr))
        return 0;
    int rc = compiler_lookup(c, r->url, r->doc, ptr, &v);
    if (rc)
        return rc;
    struct resource *base = root_find_resource(r, ptr);
    rc = collect(c, r, v, base->id, ptr, base->draft);
    struct resource *now = root_find_resource(r, ptr);
    if (!rc && !str_eq(now->ptr, ptr))
        rc = collect_anchors(c, r, v, ptr, now);
    if (!rc && c->metas)
        rc = check(c, r, v, ptr);
    return rc;
}
