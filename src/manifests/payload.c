/* payload.c */
#include "manifests/payload.h"

#include <string.h>

#include "render/helm_chart.h"
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
    {"valueFileSchemes", offsetof(struct render_order, value_file_schemes)},
};
static const struct {
    const char *key;
    size_t at;
} ref_texts[] = {
    {"name", offsetof(struct order_ref, name)},
    {"repoURL", offsetof(struct order_ref, repo_url)},
    {"objects", offsetof(struct order_ref, objects_dir)},
    {"tree", offsetof(struct order_ref, tree)},
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

static value refs_value(struct arena *a, const struct render_order *o)
{
    value list = value_new_list(a);
    for (size_t i = 0; i < o->n_refs; i++) {
        value v = value_new_map(a);
        for (size_t k = 0; k < ARRAY_LEN(ref_texts); k++)
            value_set_str(a, v, ref_texts[k].key,
                          *(const str *)((const char *)&o->ref[i] + ref_texts[k].at));
        value_push(a, list, v);
    }
    return list;
}

static void parse_refs(struct arena *a, value list, struct render_order *o)
{
    struct order_ref *at = ARENA_ARRAY(a, struct order_ref, value_len(list) + 1);
    for (struct value_iter it = value_iter(list); value_next(&it); o->n_refs++)
        for (size_t k = 0; k < ARRAY_LEN(ref_texts); k++)
            *(str *)((char *)&at[o->n_refs] + ref_texts[k].at) =
                value_str(value_get(it.val, str_of(ref_texts[k].key)));
    o->ref = at;
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
    if (o->n_refs)
        value_setz(&a, v, "refs", refs_value(&a, o));
    value_setz(&a, v, "blockBytes", value_of_uint(&a, o->block_bytes));
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
    o.block_bytes = (size_t)value_uint(value_getz(v, "blockBytes"));
    o.source = value_getz(v, "source");
    ungroup_apis(a, value_getz(v, "apis"), &o);
    if (!value_is_map(o.source) || value_len(value_getz(v, "refs")) >= TREES_MAX)
        return err_set(err, ERR_INVALID, "order to render: no source, or too many");
    parse_refs(a, value_getz(v, "refs"), &o);
    *ret = o;
    return 0;
}

size_t order_trees(const struct render_order *o) { return 1 + o->n_refs; }

/* ---- the block beside an order ---- */

void order_block(const struct render_order *o, struct arena *a, str **ret, size_t *ret_n)
{
    value head = value_new_map(a), list = value_new_list(a);
    str *part = ARENA_ARRAY(a, str, o->n_supplies + 3);
    *ret_n = 0;
    if (!o->archive.len && !o->n_supplies)
        return;
    value_setz(a, head, "archive", value_of_uint(a, o->archive.len));
    for (size_t i = 0; i < o->n_supplies; i++) {
        const struct render_supply *s = &o->supply[i];
        value v = value_new_map(a);
        value_set_str(a, v, "key", hex_str(a, s->key.byte, sizeof(s->key.byte)));
        value_setz(a, v, "error", value_of_int(a, s->error));
        value_set_str(a, v, "text", s->text);
        value_setz(a, v, "bytes", value_of_uint(a, s->bytes.len));
        value_push(a, list, v);
        part[2 + i] = s->bytes;
    }
    value_setz(a, head, "supplies", list);
    part[0] = ARENA_CAT(a, json_str(a, head, AUDIENCE_WIRE, 0), STR("\n"));
    part[1] = o->archive;
    *ret = part;
    *ret_n = 2 + o->n_supplies;
}

static bool take_piece(str *io_rest, value size, str *ret)
{
    uint64_t n = value_uint(size);
    if (n > io_rest->len)
        return false;
    *ret = str_sub(*io_rest, 0, n);
    *io_rest = str_from(*io_rest, n);
    return true;
}

int order_take_block(struct render_order *io, str block, struct arena *a, struct err *err)
{
    value v = VALUE_ABSENT;
    str head, rest;
    struct json_input in = {.exact_uint64 = true};
    if (!str_cut(block, '\n', &head, &rest) || json_parse(head, &in, a, &v, err))
        return err_set(err, ERR_INVALID, "order to render: its block has no head");
    value list = value_getz(v, "supplies");
    struct render_supply *at = ARENA_ARRAY(a, struct render_supply, value_len(list) + 1);
    bool good = take_piece(&rest, value_getz(v, "archive"), &io->archive);
    for (struct value_iter it = value_iter(list); good && value_next(&it);) {
        struct render_supply *s = &at[it.i];
        s->error = (int)value_int(value_getz(it.val, "error"));
        s->text = value_str(value_getz(it.val, "text"));
        good = hex_parse(value_str(value_getz(it.val, "key")), s->key.byte, sizeof(s->key.byte)) &&
               take_piece(&rest, value_getz(it.val, "bytes"), &s->bytes);
    }
    if (!good || rest.len)
        return err_set(err, ERR_INVALID, "order to render: its block is cut");
    io->supply = at;
    io->n_supplies = value_len(list);
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
    buf_addc(out, ']');
}

static void print_needs(const struct need_list *l, struct buf *out)
{
    buf_addz(out, "{\"needs\":[");
    for (size_t i = 0; i < l->n; i++) {
        const struct need *n = &l->at[i];
        bool chart = n->kind == NEED_CHART;
        const str text[] = {chart ? n->chart.repo_url : n->remote.url,
                            chart ? n->chart.name : n->remote.revision,
                            chart ? n->chart.version : STR("")};
        buf_addz(out, i ? ",{\"kind\":" : "{\"kind\":");
        json_print_str(chart ? STR("chart") : STR("remote"), 0, out);
        buf_addz(out, ",\"text\":[");
        for (size_t k = 0; k < ARRAY_LEN(text); k++) {
            buf_addz(out, k ? "," : "");
            json_print_str(text[k], 0, out);
        }
        buf_addz(out, "]}");
    }
    buf_addz(out, "]}");
}

/* A chart's archive as a tree: its root is the chart's folder. */
static int open_archive(str archive, struct arena *a, struct files **ret, struct err *err)
{
    struct helm_files list = {0};
    struct files *f = files_new_memory();
    int rc = helm_archive_read(archive, a, &list, err);
    for (size_t i = 0; !rc && i < list.n; i++)
        rc = files_memory_add(f, list.at[i].name, list.at[i].data, err);
    if (rc)
        files_close(f);
    else
        *ret = f;
    return rc;
}

static int render_trees(const struct render_order *o, struct files *const *files,
                        struct files *archive, struct arena *a, struct render_result *ret,
                        struct err *err)
{
    struct render_ref *ref = ARENA_ARRAY(a, struct render_ref, o->n_refs + 1);
    for (size_t i = 0; i < o->n_refs; i++)
        ref[i] = (struct render_ref){o->ref[i].name, o->ref[i].repo_url, files[1 + i]};
    struct render_request request = {
        .files = archive ? archive : files[0],
        .source = o->source,
        .app_name = o->app_name,
        .namespace = o->namespace,
        .project = o->project,
        .revision = o->revision,
        .kube_version = o->kube_version,
        .api_version = o->api_version,
        .n_api_versions = o->n_api_versions,
        .ref = ref,
        .n_refs = o->n_refs,
        .supply = o->supply,
        .n_supplies = o->n_supplies,
        .value_file_schemes = o->value_file_schemes,
        .helm_cache = o->helm_cache,
        .combined_bytes_max = o->combined_bytes_max,
        .allow_escaping_links = o->allow_escaping_links,
        .disable_helm = o->disable_helm,
        .disable_kustomize = o->disable_kustomize,
        .disable_jsonnet = o->disable_jsonnet,
    };
    return render_source(&request, a, ret, err);
}

/* What was read of each tree, and how many bytes that is. */
static void print_reads(struct read_set *const *set, size_t n, struct buf *json, struct buf *reads)
{
    buf_addz(json, ",\"reads\":[");
    for (size_t i = 0; i < n; i++) {
        size_t before = buf_str(reads).len;
        read_set_print(set[i], reads);
        buf_printf(json, "%s%zu", i ? "," : "", buf_str(reads).len - before);
    }
    buf_addz(json, "]}");
}

int payload_render(const struct render_order *o, struct files *const *files, struct arena *a,
                   struct buf *json, struct buf *reads, struct err *err)
{
    struct read_set *set[TREES_MAX];
    struct render_result result = {0};
    CLEANUP(files_closep) struct files *archive = NULL;
    size_t n = order_trees(o);
    int rc = files[0] ? 0 : open_archive(o->archive, a, &archive, err);
    for (size_t i = 0; i < n; i++) {
        set[i] = read_set_new();
        if (files[i])
            files[i]->reads = set[i];
    }
    if (!rc)
        rc = render_trees(o, files, archive, a, &result, err);
    if (!rc && result.needs.n) {
        print_needs(&result.needs, json);
    } else if (!rc) {
        print_result(&result, json);
        print_reads(set, n, json, reads);
    }
    for (size_t i = 0; i < n; i++) {
        if (files[i])
            files[i]->reads = NULL;
        read_set_free(set[i]);
    }
    if (!rc)
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
    for (size_t i = 0; i < r->n_trees; i++)
        read_set_free(r->reads[i]);
    free(r->reads);
    free(r->need);
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
    it = value_iter(value_getz(v, "needs"));
    while (value_next(&it))
        for (size_t i = 0; i < 3; i++)
            n += value_str(value_at(value_getz(it.val, "text"), i)).len;
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

static int parse_needs(value list, struct rendered *r, struct err *err)
{
    if (value_len(list) > RENDER_NEEDS_MAX)
        return err_set(err, ERR_INVALID, "rendered manifests: too many needs");
    r->need = calloc(value_len(list) + 1, sizeof(*r->need));
    if (!r->need)
        abort();
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        value text = value_getz(it.val, "text");
        str kept[3];
        for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
            kept[i] = keep_text(r, value_str(value_at(text, i)));
            if (kept[i].len > NEED_TEXT_MAX)
                return err_set(err, ERR_INVALID, "rendered manifests: a need is too long");
        }
        struct need *n = &r->need[r->n_needs++];
        if (str_is(value_str(value_getz(it.val, "kind")), "chart"))
            *n = (struct need){.kind = NEED_CHART, .chart = {kept[0], kept[1], kept[2]}};
        else
            *n = (struct need){.kind = NEED_REMOTE, .remote = {kept[0], kept[1]}};
    }
    return 0;
}

static int parse_reads(value sizes, str reads, struct rendered *r, struct err *err)
{
    size_t n = value_len(sizes);
    if (n > TREES_MAX || (!n && !r->n_needs))
        return err_set(err, ERR_INVALID, "rendered manifests: reads are missing or too many");
    r->reads = calloc(n + 1, sizeof(struct read_set *));
    if (!r->reads)
        abort();
    for (; r->n_trees < n; r->n_trees++) {
        str one;
        if (!take_piece(&reads, value_at(sizes, r->n_trees), &one))
            return err_set(err, ERR_INVALID, "rendered manifests: reads are cut");
        int rc = read_set_parse(one, &r->reads[r->n_trees], err);
        if (rc)
            return rc;
        r->bytes += 160 * read_set_len(r->reads[r->n_trees]);
    }
    return reads.len ? err_set(err, ERR_INVALID, "rendered manifests: more reads than said") : 0;
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
    value needs = value_getz(v, "needs"), warnings = value_getz(v, "warnings");
    r->warning = calloc(value_len(warnings) + 1, sizeof(str));
    r->text = malloc(text_bytes(v) + 1);
    if (!r->warning || !r->text)
        abort();
    r->bytes = sizeof(*r);
    int rc = parse_needs(needs, r, err);
    if (!rc)
        rc = parse_reads(value_getz(v, "reads"), reads, r, err);
    if (rc || r->n_needs)
        return rc;
    if (!parse_type(value_str(value_getz(v, "type")), &r->type))
        return err_set(err, ERR_INVALID, "rendered manifests: unknown type");
    for (struct value_iter it = value_iter(warnings); value_next(&it);)
        r->warning[r->n_warnings++] = keep_text(r, value_str(it.val));
    struct sha256_stream *digest = sha256_open();
    rc = parse_objects(value_getz(v, "objects"), r, digest, err);
    r->digest = sha256_close(digest);
    return rc;
}

struct rendered *rendered_nothing(void)
{
    struct rendered *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    r->n = 1;
    r->type = RENDER_NOTHING;
    r->digest = sha256_of(STR(""));
    r->bytes = sizeof(*r);
    return r;
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
