/* payload.c */
#include "manifests/payload.h"

#include <string.h>

#include "value/json.h"

/* ---- orders ---- */

static const struct {
    const char *key;
    size_t at;
} order_texts[] = {
    {"objects", offsetof(struct render_order, objects_dir)},
    {"tree", offsetof(struct render_order, tree)},
    {"app", offsetof(struct render_order, app_name)},
    {"namespace", offsetof(struct render_order, namespace)},
    {"project", offsetof(struct render_order, project)},
    {"revision", offsetof(struct render_order, revision)},
    {"kubeVersion", offsetof(struct render_order, kube_version)},
};
static const struct {
    const char *key;
    size_t at;
} order_flags[] = {
    {"allowEscapingLinks", offsetof(struct render_order, allow_escaping_links)},
    {"disableHelm", offsetof(struct render_order, disable_helm)},
    {"disableKustomize", offsetof(struct render_order, disable_kustomize)},
    {"disableJsonnet", offsetof(struct render_order, disable_jsonnet)},
};

/* "apps/v1", "apps/v1/Deployment" -> {"apps/v1": ["Deployment"]}: the prefix is said once, a frame
 * has a bound. */
static value group_apis(struct arena *a, const str *at, size_t n)
{
    value groups = value_new_map(a);
    for (size_t i = 0; i < n; i++) {
        str version = at[i], kind = STR("");
        ptrdiff_t slash = str_rfind_char(at[i], '/');
        str last = slash < 0 ? at[i] : str_from(at[i], (size_t)slash + 1);
        /* A kind begins with a capital, a version does not. */
        if (slash >= 0 && last.len && last.at[0] >= 'A' && last.at[0] <= 'Z') {
            version = str_sub(at[i], 0, (size_t)slash);
            kind = last;
        }
        value list = value_edit_list(a, groups, version);
        if (kind.len)
            value_push(a, list, value_of_str(a, kind));
    }
    return groups;
}

static void ungroup_apis(struct arena *a, value groups, struct render_order *o)
{
    VEC(str) all = {0};
    for (struct value_iter it = value_iter(groups); value_next(&it);) {
        vec_push(a, &all, it.key);
        for (struct value_iter kind = value_iter(it.val); value_next(&kind);)
            vec_push(a, &all, ARENA_CAT(a, it.key, STR("/"), value_str(kind.val)));
    }
    o->api_version = all.at;
    o->n_api_versions = all.n;
}

void order_print(const struct render_order *o, struct buf *out)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    value v = value_new_map(&a);
    for (size_t i = 0; i < ARRAY_LEN(order_texts); i++)
        value_set_str(&a, v, order_texts[i].key,
                      *(const str *)((const char *)o + order_texts[i].at));
    for (size_t i = 0; i < ARRAY_LEN(order_flags); i++)
        value_set(&a, v, str_of(order_flags[i].key),
                  value_of_bool(&a, *(const bool *)((const char *)o + order_flags[i].at)));
    value_setz(&a, v, "apis", group_apis(&a, o->api_version, o->n_api_versions));
    value_setz(&a, v, "combinedBytesMax", value_of_uint(&a, o->combined_bytes_max));
    value_setz(&a, v, "source", value_exists(o->source) ? o->source : value_new_map(&a));
    json_print(v, AUDIENCE_WIRE, 0, out);
    arena_done(&a);
}

int order_parse(str text, struct arena *a, struct render_order *ret, struct err *err)
{
    value v;
    struct json_input in = {.exact_uint64 = true};
    int rc = json_parse(text, &in, a, &v, err);
    if (rc)
        return err_wrap(err, "order to render");
    struct render_order o = {0};
    for (size_t i = 0; i < ARRAY_LEN(order_texts); i++)
        *(str *)((char *)&o + order_texts[i].at) =
            value_str(value_get(v, str_of(order_texts[i].key)));
    for (size_t i = 0; i < ARRAY_LEN(order_flags); i++)
        *(bool *)((char *)&o + order_flags[i].at) =
            value_bool(value_get(v, str_of(order_flags[i].key)));
    o.combined_bytes_max = (size_t)value_uint(value_getz(v, "combinedBytesMax"));
    o.source = value_getz(v, "source");
    ungroup_apis(a, value_getz(v, "apis"), &o);
    if (!o.tree.len || !value_is_map(o.source))
        return err_set(err, ERR_INVALID, "order to render: tree or source is missing");
    *ret = o;
    return 0;
}

/* ---- the jailed half ---- */

static void print_result(const struct render_result *r, struct buf *out)
{
    buf_addz(out, "{\"type\":");
    json_print_str(render_type_name(r->type), 0, out);
    buf_addz(out, ",\"warnings\":[");
    for (size_t i = 0; i < r->n_warnings; i++) {
        buf_addz(out, i ? "," : "");
        json_print_str(r->warning[i], 0, out);
    }
    buf_addz(out, "],\"objects\":[");
    for (size_t i = 0; i < r->n_objects; i++) {
        buf_addz(out, i ? ",{\"file\":" : "{\"file\":");
        json_print_str(r->object[i].file, 0, out);
        buf_printf(out, ",\"line\":%u,\"object\":", r->object[i].line);
        json_print(r->object[i].object, AUDIENCE_WIRE, 0, out);
        buf_addc(out, '}');
    }
    buf_addz(out, "]}");
}

int payload_render(const struct render_order *o, struct files *files, struct arena *a,
                   struct buf *json, struct buf *reads, struct err *err)
{
    CLEANUP(read_set_freep) struct read_set *set = read_set_new();
    struct render_request request = {
        .files = files,
        .source = o->source,
        .app_name = o->app_name,
        .namespace = o->namespace,
        .project = o->project,
        .revision = o->revision,
        .kube_version = o->kube_version,
        .api_version = o->api_version,
        .n_api_versions = o->n_api_versions,
        .helm_cache = o->helm_cache,
        .combined_bytes_max = o->combined_bytes_max,
        .allow_escaping_links = o->allow_escaping_links,
        .disable_helm = o->disable_helm,
        .disable_kustomize = o->disable_kustomize,
        .disable_jsonnet = o->disable_jsonnet,
    };
    struct render_result result = {0};
    files->reads = set;
    int rc = render_source(&request, a, &result, err);
    files->reads = NULL;
    if (rc)
        return rc;
    print_result(&result, json);
    read_set_print(set, reads);
    rc = buf_check(json, "rendered manifests", err);
    return rc ? rc : buf_check(reads, "read set", err);
}

/* ---- the other half ---- */

struct rendered *rendered_ref(struct rendered *r)
{
    r->n++;
    return r;
}

void rendered_unref(struct rendered *r)
{
    if (!r || --r->n)
        return;
    for (size_t i = 0; i < r->n_objects; i++)
        doc_unref(r->object[i].object);
    read_set_free(r->reads);
    free(r->object);
    free(r->warning);
    free(r->text);
    free(r);
}

static bool parse_type(str name, enum render_type *ret)
{
    for (int t = RENDER_DIRECTORY; t <= RENDER_PLUGIN; t++) {
        if (str_eq(name, render_type_name((enum render_type)t))) {
            *ret = (enum render_type)t;
            return true;
        }
    }
    return false;
}

/* Bytes of all texts that the result keeps; keep_text then hands out the block piece by piece. */
static size_t text_bytes(value v)
{
    size_t n = 0;
    struct value_iter it = value_iter(value_getz(v, "objects"));
    while (value_next(&it))
        n += value_str(value_getz(it.val, "file")).len;
    it = value_iter(value_getz(v, "warnings"));
    while (value_next(&it))
        n += value_str(it.val).len;
    return n;
}

static str keep_text(struct rendered *r, str s)
{
    char *at = r->text + r->text_len;
    if (s.len)
        memcpy(at, s.at, s.len);
    r->text_len += s.len;
    return str_mem(at, s.len);
}

static int parse_objects(value list, struct rendered *r, struct sha256_stream *digest,
                         struct err *err)
{
    size_t n = value_len(list);
    if (!value_is_list(list) || n > RENDER_OBJECTS_MAX)
        return err_set(err, ERR_INVALID, "rendered manifests: objects are missing or too many");
    r->object = calloc(n + 1, sizeof(*r->object));
    if (!r->object)
        abort();
    struct value_iter it = value_iter(list);
    while (value_next(&it)) {
        value object = value_getz(it.val, "object");
        int64_t line = value_int(value_getz(it.val, "line"));
        if (!value_is_map(object) || value_str(value_getz(object, "kind")).len == 0 || line < 0 ||
            line > UINT32_MAX)
            return err_set(err, ERR_INVALID, "rendered manifests: entry %zu is no object", it.i);
        struct manifest *m = &r->object[r->n_objects];
        m->object = doc_freeze(object, 0);
        m->file = keep_text(r, value_str(value_getz(it.val, "file")));
        m->line = (uint32_t)line;
        r->n_objects++;
        r->bytes += doc_bytes(m->object) + sizeof(*m) + m->file.len;
        struct sha256 d = value_digest(doc_root(m->object));
        sha256_add(digest, str_mem((const char *)d.byte, sizeof(d.byte)));
    }
    return 0;
}

static int parse_into(value v, str reads, struct rendered *r, struct err *err)
{
    if (!parse_type(value_str(value_getz(v, "type")), &r->type))
        return err_set(err, ERR_INVALID, "rendered manifests: unknown type");
    int rc = read_set_parse(reads, &r->reads, err);
    if (rc)
        return rc;
    value warnings = value_getz(v, "warnings");
    r->warning = calloc(value_len(warnings) + 1, sizeof(str));
    r->text = malloc(text_bytes(v) + 1);
    if (!r->warning || !r->text)
        abort();
    struct value_iter it = value_iter(warnings);
    while (value_next(&it))
        r->warning[r->n_warnings++] = keep_text(r, value_str(it.val));
    struct sha256_stream *digest = sha256_open();
    rc = parse_objects(value_getz(v, "objects"), r, digest, err);
    r->digest = sha256_close(digest);
    r->bytes += sizeof(*r) + 160 * read_set_len(r->reads);
    return rc;
}

int payload_parse(str json, str reads, struct rendered **ret, struct err *err)
{
    struct doc *doc = NULL;
    struct json_input in = {.bytes_max = PAYLOAD_JSON_MAX};
    int rc = json_parse_doc(json, &in, &doc, err);
    if (rc)
        return err_wrap(err, "rendered manifests");
    struct rendered *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    r->n = 1;
    rc = parse_into(doc_root(doc), reads, r, err);
    doc_unref(doc);
    if (rc) {
        rendered_unref(r);
        return rc;
    }
    *ret = r;
    return 0;
}
