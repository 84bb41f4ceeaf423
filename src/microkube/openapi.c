/* microkube/openapi.c: OpenAPI v3 documents, one per group version, and a v2 document in JSON,
 * printed from the type tables. Descriptions are not kept: kubectl explain shows the fields without
 * prose. */
#include "base/digest.h"
#include "microkube/core.h"

struct printer {
    struct buf out;
    bool v2;
    bool *wanted; /* by index of kube_schema_at */
};

static const char *const scalar[] = {
    [KUBE_BOOL] = "\"type\":\"boolean\"",
    [KUBE_INT] = "\"type\":\"integer\",\"format\":\"int64\"",
    [KUBE_INT32] = "\"type\":\"integer\",\"format\":\"int32\"",
    [KUBE_NUMBER] = "\"type\":\"number\",\"format\":\"double\"",
    [KUBE_STRING] = "\"type\":\"string\"",
    [KUBE_BYTES] = "\"type\":\"string\",\"format\":\"byte\"",
    [KUBE_TIME] = "\"type\":\"string\",\"format\":\"date-time\"",
    [KUBE_ANY_MAP] = "\"type\":\"object\"",
    [KUBE_STRUCT] = "\"type\":\"object\"",
};

static const char *ref_prefix(const struct printer *p)
{
    return p->v2 ? "#/definitions/" : "#/components/schemas/";
}

static void want(struct printer *p, const struct kube_schema *s)
{
    size_t i = (size_t)(s - kube_schema_at(0));
    if (p->wanted[i])
        return;
    p->wanted[i] = true;
    for (size_t f = 0; f < s->n_fields; f++) {
        const struct kube_schema *t = s->field[f].type;
        while (t && !t->name.len)
            t = t->elem;
        if (t)
            want(p, t);
    }
}

static void print_words(struct printer *p, str words)
{
    str word;
    const char *comma = "";
    buf_addc(&p->out, '[');
    while (words.len && str_next(&words, ',', &word)) {
        buf_printf(&p->out, "%s\"%.*s\"", comma, STR_FMT(word));
        comma = ",";
    }
    buf_addc(&p->out, ']');
}

static void print_list_rules(struct printer *p, const struct kube_schema *s)
{
    static const char *const name[] = {"atomic", "set", "map"};
    if (s->type == KUBE_LIST)
        buf_printf(&p->out, ",\"x-kubernetes-list-type\":\"%s\"", name[s->list]);
    if (s->keys.len) {
        buf_addz(&p->out, ",\"x-kubernetes-list-map-keys\":");
        print_words(p, s->keys);
    }
}

/* The inside of a schema object, without braces. */
static void print_type(struct printer *p, const struct kube_schema *s)
{
    if (s->name.len) {
        buf_printf(&p->out, p->v2 ? "\"$ref\":\"%s%.*s\"" : "\"allOf\":[{\"$ref\":\"%s%.*s\"}]",
                   ref_prefix(p), STR_FMT(s->name));
    } else if (s->type == KUBE_LIST || s->type == KUBE_MAP) {
        buf_addz(&p->out, s->type == KUBE_LIST ? "\"type\":\"array\",\"items\":{"
                                               : "\"type\":\"object\",\"additionalProperties\":{");
        print_type(p, s->elem);
        buf_addc(&p->out, '}');
        print_list_rules(p, s);
        if (s->atomic)
            buf_addz(&p->out, ",\"x-kubernetes-map-type\":\"atomic\"");
    } else if (s->type < (int)ARRAY_LEN(scalar) && scalar[s->type]) {
        buf_addz(&p->out, scalar[s->type]);
    }
}

static void print_field(struct printer *p, const struct kube_field *f)
{
    static const char *const strategy[] =
        {"", "merge", "replace", "", "retainKeys", "merge,retainKeys", "replace,retainKeys"};
    size_t start;
    buf_printf(&p->out, "\"%.*s\":{", STR_FMT(f->name));
    start = p->out.len;
    print_type(p, f->type);
    const char *comma = p->out.len > start ? "," : "";
    if (f->default_json.len && !p->v2) {
        buf_printf(&p->out, "%s\"default\":%.*s", comma, STR_FMT(f->default_json));
        comma = ",";
    }
    if (f->enums.len) {
        buf_printf(&p->out, "%s\"enum\":", comma);
        print_words(p, f->enums);
        comma = ",";
    }
    if (f->patch)
        buf_printf(&p->out, "%s\"x-kubernetes-patch-strategy\":\"%s\"", comma,
                   strategy[f->patch & 7]);
    if (f->merge_key.len)
        buf_printf(&p->out, ",\"x-kubernetes-patch-merge-key\":\"%.*s\"", STR_FMT(f->merge_key));
    buf_addc(&p->out, '}');
}

static void print_gvk(struct printer *p, str group, str version, str kind)
{
    buf_printf(&p->out, "{\"group\":\"%.*s\",\"version\":\"%.*s\",\"kind\":\"%.*s\"}",
               STR_FMT(group), STR_FMT(version), STR_FMT(kind));
}

static void print_definition_type(struct printer *p, const struct kube_schema *s)
{
    static const char *const quantity[] =
        {"\"oneOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]", "\"type\":\"string\""};
    static const char *const either[] =
        {"\"format\":\"int-or-string\",\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]",
         "\"type\":\"string\",\"format\":\"int-or-string\""};
    if (s->type == KUBE_QUANTITY)
        buf_addz(&p->out, quantity[p->v2]);
    else if (s->type == KUBE_INT_OR_STRING)
        buf_addz(&p->out, either[p->v2]);
    else if (s->type != KUBE_ANY)
        buf_addz(&p->out, s->type < (int)ARRAY_LEN(scalar) && scalar[s->type]
                              ? scalar[s->type]
                              : "\"type\":\"object\"");
}

static void print_fields(struct printer *p, const struct kube_schema *s)
{
    const char *before = ",\"required\":[\"";
    buf_addz(&p->out, ",\"properties\":{");
    for (size_t i = 0; i < s->n_fields; i++) {
        if (i)
            buf_addc(&p->out, ',');
        print_field(p, &s->field[i]);
    }
    buf_addc(&p->out, '}');
    for (size_t i = 0; i < s->n_fields; i++) {
        if (!s->field[i].required)
            continue;
        buf_printf(&p->out, "%s%.*s\"", before, STR_FMT(s->field[i].name));
        before = ",\"";
    }
    if (before[1] == '"' && before[2] == '\0')
        buf_addc(&p->out, ']');
}

static void print_definition(struct printer *p, struct microkube *mk, const struct kube_schema *s)
{
    buf_printf(&p->out, "\"%.*s\":{", STR_FMT(s->name));
    print_definition_type(p, s);
    if (s->n_fields)
        print_fields(p, s);
    if (s->atomic && s->type == KUBE_STRUCT)
        buf_addz(&p->out, ",\"x-kubernetes-map-type\":\"atomic\"");
    for (const struct mk_resource *r = mk->resources; r; r = r->next) {
        if (!r->builtin || !str_eq(r->builtin->schema, s->name))
            continue;
        buf_addz(&p->out, ",\"x-kubernetes-group-version-kind\":[");
        print_gvk(p, r->group, r->version, r->kind);
        buf_addc(&p->out, ']');
        break;
    }
    buf_addc(&p->out, '}');
}

/* ---- paths ---- */

static void print_parameters(struct printer *p, const char *const *name, size_t n)
{
    buf_addz(&p->out, "\"parameters\":[");
    for (size_t i = 0; i < n; i++)
        buf_printf(
            &p->out,
            p->v2 ? "%s{\"name\":\"%s\",\"in\":\"query\",\"type\":\"string\",\"uniqueItems\":true}"
                  : "%s{\"name\":\"%s\",\"in\":\"query\",\"schema\":{\"type\":\"string\","
                    "\"uniqueItems\":true}}",
            i ? "," : "", name[i]);
    buf_addc(&p->out, ']');
}

struct operation {
    const char *method, *action;
    bool named, with_body;
};

static void print_operation(struct printer *p, const struct mk_resource *r,
                            const struct operation *o)
{
    static const char *const write[] = {"dryRun", "fieldManager", "fieldValidation", "force"};
    static const char *const read[] = {"fieldSelector", "labelSelector", "limit", "watch"};
    bool patch = str_is(str_of(o->method), "patch");
    buf_printf(&p->out, "\"%s\":{", o->method);
    if (o->with_body)
        print_parameters(p, write, patch ? 4 : 3);
    else
        print_parameters(p, read, o->named ? 0 : 4);
    if (patch && !p->v2)
        buf_printf(&p->out,
                   ",\"requestBody\":{\"content\":{\"application/"
                   "apply-patch+yaml\":{},\"application/json-patch+json\":{},"
                   "\"application/merge-patch+json\":{}%s},\"required\":true}",
                   r->builtin ? ",\"application/strategic-merge-patch+json\":{}" : "");
    if (patch && p->v2)
        buf_addz(&p->out,
                 ",\"consumes\":[\"application/json-patch+json\",\"application/merge-patch+json\","
                 "\"application/strategic-merge-patch+json\",\"application/apply-patch+yaml\"]");
    buf_printf(&p->out,
               ",\"responses\":{\"200\":{\"description\":\"OK\"}},\"x-kubernetes-action\":\"%s\","
               "\"x-kubernetes-group-version-kind\":",
               o->action);
    print_gvk(p, r->group, r->version, r->kind);
    buf_addc(&p->out, '}');
}

static void print_path(struct printer *p, const struct mk_resource *r, bool named, struct arena *a)
{
    static const struct operation operations[] = {{"get", "get", true, false},
                                                  {"put", "put", true, true},
                                                  {"patch", "patch", true, true},
                                                  {"delete", "delete", true, false},
                                                  {"get", "list", false, false},
                                                  {"post", "post", false, true}};
    static const unsigned verb[] = {KUBE_VERB_GET,    KUBE_VERB_UPDATE, KUBE_VERB_PATCH,
                                    KUBE_VERB_DELETE, KUBE_VERB_LIST,   KUBE_VERB_CREATE};
    const char *comma = "";
    buf_printf(&p->out, "\"%s/%.*s%s%.*s%s\":{", r->group.len ? "/apis" : "/api",
               STR_FMT(kube_api_version(a, r->group, r->version)),
               r->namespaced ? "/namespaces/{namespace}/" : "/", STR_FMT(r->plural),
               named ? "/{name}" : "");
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        if (operations[i].named != named || !(r->verbs & verb[i]))
            continue;
        buf_addz(&p->out, comma);
        print_operation(p, r, &operations[i]);
        comma = ",";
    }
    buf_addc(&p->out, '}');
}

/* Custom resource: its schema as the CRD has it, named as the server names it: com.example.v1.Kind.
 */
static str custom_name(struct arena *a, const struct mk_resource *r)
{
    str out = STR(""), rest = r->group, piece;
    while (str_next(&rest, '.', &piece))
        out = out.len ? ARENA_CAT(a, piece, STR("."), out) : piece;
    return ARENA_CAT(a, out, STR("."), r->version, STR("."), r->kind);
}

static void print_custom(struct printer *p, const struct mk_resource *r, struct arena *a)
{
    value schema = value_path(r->crd_version, "schema.openAPIV3Schema"), list = value_new_list(a),
          gvk = value_new_map(a);
    schema = value_is_map(schema) ? value_edit(a, schema) : value_new_map(a);
    value_set_str(a, gvk, "group", r->group);
    value_set_str(a, gvk, "version", r->version);
    value_set_str(a, gvk, "kind", r->kind);
    value_push(a, list, gvk);
    value_setz(a, schema, "x-kubernetes-group-version-kind", list);
    str meta = kube_schema_find(STR("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"))->name;
    value ref = value_new_map(a), props = value_edit_map(a, schema, STR("properties"));
    value_set_str(a, ref, "$ref", ARENA_CAT(a, str_of(ref_prefix(p)), meta));
    value_setz(a, props, "metadata", ref);
    buf_printf(&p->out, "\"%.*s\":", STR_FMT(custom_name(a, r)));
    json_print(schema, AUDIENCE_WIRE, 0, &p->out);
}

/* ---- documents ---- */

static bool is_in(const struct mk_resource *r, bool all, str group, str version)
{
    return r->storage && (all || (str_eq(r->group, group) && str_eq(r->version, version)));
}

static bool print_document(struct mk_ctx *c, struct printer *p, bool all, str group, str version)
{
    const char *comma = "";
    bool any = false;
    p->wanted = ARENA_ARRAY(c->a, bool, kube_schema_count());
    buf_printf(&p->out,
               "{%s,\"info\":{\"title\":\"Kubernetes\",\"version\":\"v1.36.3\"},\"paths\":{",
               p->v2 ? "\"swagger\":\"2.0\"" : "\"openapi\":\"3.0.0\"");
    for (const struct mk_resource *r = c->mk->resources; r; r = r->next) {
        if (!is_in(r, all, group, version))
            continue;
        buf_addz(&p->out, comma);
        print_path(p, r, false, c->a);
        buf_addc(&p->out, ',');
        print_path(p, r, true, c->a);
        comma = ",";
        any = true;
        if (r->schema->name.len)
            want(p, r->schema);
        else
            want(p, kube_schema_find(STR("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")));
    }
    buf_addz(&p->out, p->v2 ? "},\"definitions\":{" : "},\"components\":{\"schemas\":{");
    comma = "";
    for (size_t i = 0; i < kube_schema_count(); i++) {
        if (!p->wanted[i])
            continue;
        buf_addz(&p->out, comma);
        print_definition(p, c->mk, kube_schema_at(i));
        comma = ",";
    }
    for (const struct mk_resource *r = c->mk->resources; r; r = r->next) {
        if (!is_in(r, all, group, version) || r->builtin)
            continue;
        buf_addz(&p->out, comma);
        print_custom(p, r, c->a);
        comma = ",";
    }
    buf_addz(&p->out, p->v2 ? "}}" : "}}}");
    return any;
}

static void answer_index(struct mk_ctx *c)
{
    struct arena *a = c->a;
    value v = value_new_map(a), paths = value_edit_map(a, v, STR("paths"));
    for (const struct mk_resource *r = c->mk->resources; r; r = r->next) {
        str key = ARENA_CAT(a, r->group.len ? STR("apis/") : STR("api/"),
                            kube_api_version(a, r->group, r->version));
        if (!r->storage || value_exists(value_get(paths, key)))
            continue;
        /* the hash tells clients when to ask again: CRDs change their group's document */
        uint64_t hash = 0;
        for (const struct mk_resource *q = c->mk->resources; q; q = q->next)
            if (str_eq(q->group, r->group) && str_eq(q->version, r->version))
                hash = hash64_mix(hash, hash64_stable(q->builtin ? q->kind
                                                                 : json_str(a, q->crd_version,
                                                                            AUDIENCE_WIRE, 0)));
        value_set_path(a, v, "paths", paths);
        value one = value_edit_map(a, paths, key);
        value_set_str(a, one, "serverRelativeURL",
                      arena_printf(a, "/openapi/v3/%.*s?hash=%016llX", STR_FMT(key),
                                   (unsigned long long)hash));
    }
    mk_answer_json(c, 200, v);
}

bool mk_openapi(struct mk_ctx *c)
{
    str path = str_trim_suffix(c->path, STR("/")), rest, head, group = STR(""), version;
    if (c->req->method != METHOD_GET || !str_starts(path, STR("/openapi/")))
        return false;
    if (str_is(path, "/openapi/v3")) {
        answer_index(c);
        return true;
    }
    struct printer p = {.out = BUF_INIT, .v2 = str_is(path, "/openapi/v2")};
    bool ok = p.v2;
    if (p.v2) {
        if (str_has(c->req->accept, STR("proto-openapi")) &&
            !str_has(c->req->accept, STR("json"))) {
            mk_fail(c, &(struct mk_fault){.code = 406, .reason = "NotAcceptable"},
                    "only the following media types are accepted: application/json");
            return true;
        }
        print_document(c, &p, true, STR(""), STR(""));
    } else if (str_starts(path, STR("/openapi/v3/"))) {
        rest = str_from(path, strlen("/openapi/v3/"));
        str_cut(rest, '/', &head, &version);
        if (str_is(head, "apis"))
            str_cut(version, '/', &group, &version);
        ok = print_document(c, &p, false, group, version);
    }
    if (ok) {
        c->res->status = 200;
        c->res->content_type = STR("application/json");
        c->res->body = arena_str(c->a, buf_str(&p.out));
    }
    buf_done(&p.out);
    return ok;
}
