/* microkube/patch.c: JSON, merge, strategic merge and apply patches; scale. */
#include "value/patch.h"

#include "kube/strategic.h"
#include "microkube/core.h"
#include "value/yaml.h"

enum patch_kind { PATCH_JSON, PATCH_MERGE, PATCH_STRATEGIC, PATCH_APPLY };

static const struct {
    const char *content_type;
    enum patch_kind kind;
} patch_types[] = {{"application/json-patch+json", PATCH_JSON},
                   {"application/merge-patch+json", PATCH_MERGE},
                   {"application/strategic-merge-patch+json", PATCH_STRATEGIC},
                   {"application/apply-patch+yaml", PATCH_APPLY},
                   {"application/apply-patch+json", PATCH_APPLY}};

static int patch_kind(struct mk_ctx *c, enum patch_kind *ret)
{
    str type, rest;
    str_cut(c->req->content_type, ';', &type, &rest);
    type = str_trim(type);
    for (size_t i = 0; i < ARRAY_LEN(patch_types); i++) {
        if (!str_is(type, patch_types[i].content_type))
            continue;
        *ret = patch_types[i].kind;
        if (*ret != PATCH_STRATEGIC || c->r->builtin)
            return 0;
        return mk_fail(
            c, &(struct mk_fault){.code = 415, .reason = "UnsupportedMediaType"},
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json-patch+json, application/merge-patch+json, "
            "application/apply-patch+yaml");
    }
    /* the real server refuses before it has a codec for the answer */
    return mk_fail(c,
                   &(struct mk_fault){.code = 415,
                                      .reason = "UnsupportedMediaType",
                                      .with_details = true},
                   "415: Unsupported Media Type");
}
/* Our parser says where; the real one only what. */
static str without_place(str text)
{
    str head, tail;
    return str_starts(text, STR("line ")) && str_cut(text, ':', &head, &tail) ? str_trim(tail)
                                                                              : text;
}

static int read_patch(struct mk_ctx *c, enum patch_kind kind, value *ret)
{
    struct err err;
    int rc = kind == PATCH_APPLY && !str_starts(str_trim(c->req->body), STR("{"))
                 ? yaml_parse(c->req->body, NULL, c->a, ret, &err)
                 : json_parse(c->req->body, NULL, c->a, ret, &err);
    if (rc < 0)
        return mk_bad_request(c,
                              kind == PATCH_APPLY ? "error decoding YAML: %.*s"
                                                  : "error decoding patch: %.*s",
                              STR_FMT(without_place(err_str(&err))));
    if (kind != PATCH_JSON && !value_is_map(*ret))
        return mk_bad_request(c, "error decoding patch: a patch must be an object");
    return 0;
}

static int apply_patch(struct mk_ctx *c, enum patch_kind kind, value old, value patch, value *ret)
{
    struct err err;
    int rc = 0;
    switch (kind) {
    case PATCH_JSON: rc = json_patch_apply(c->a, old, patch, ret, &err); break;
    case PATCH_MERGE: rc = json_merge_patch_apply(c->a, old, patch, ret, &err); break;
    default: rc = kube_strategic_apply(old, patch, c->r->schema, c->a, ret, &err); break;
    }
    if (rc == 0)
        return 0;
    if (rc == -ERR_UNPROCESSABLE)
        return mk_fail(c,
                       &(struct mk_fault){.code = 422, .reason = "Invalid", .with_details = true},
                       "the server rejected our request due to an error in our request");
    if (kind == PATCH_STRATEGIC)
        return mk_bad_request(c, "%s", err.text);
    return mk_bad_request(c, "error decoding patch: %s", err.text);
}

/* Version and kind of the result must be those of the URL. */
static int check_kind(struct mk_ctx *c, value object)
{
    str want = kube_api_version(c->a, c->r->group, c->r->version);
    if (value_is_map(object) && str_eq(object_api_version(object), want) &&
        str_eq(object_kind(object), c->r->kind))
        return 0;
    return mk_bad_request(
        c,
        "the API version in the data (%.*s) does not match the expected API version "
        "(%.*s)",
        STR_FMT(object_api_version(object)), STR_FMT(want));
}

int mk_patch(struct mk_ctx *c)
{
    enum patch_kind kind;
    value patch, object;
    if (patch_kind(c, &kind) < 0 || read_patch(c, kind, &patch) < 0)
        return -1;
    struct mk_object *o = mk_find(c->r->storage, c->p.ns, c->p.name);
    if (kind == PATCH_APPLY)
        return mk_apply(c, o, patch);
    if (!o)
        return mk_not_found(c, c->r, c->p.name);
    value old = mk_as_version(c->a, c->r, doc_root(o->doc));
    if (apply_patch(c, kind, old, patch, &object) < 0 || check_kind(c, object) < 0)
        return -1;
    /* A version in the patch is a precondition; without one the patch goes over whatever is there.
     */
    if (object.doc || !value_is_map(object))
        object = value_edit(c->a, object);
    return mk_put(c, o, object, MK_WRITE_PATCH, false);
}

/* ---- scale ---- */

struct scale_paths {
    const char *spec, *status, *selector;
};

static struct scale_paths scale_paths(const struct mk_resource *r)
{
    value scale = value_path(r->crd_version, "subresources.scale");
    struct scale_paths p = {"spec.replicas", "status.replicas", "spec.selector"};
    if (value_exists(scale)) {
        p.spec = arena_cstr(r->arena,
                            str_trim_prefix(value_path_str(scale, "specReplicasPath"), STR(".")));
        p.status = arena_cstr(r->arena, str_trim_prefix(value_path_str(scale, "statusReplicasPath"),
                                                        STR(".")));
        p.selector =
            arena_cstr(r->arena,
                       str_trim_prefix(value_path_str(scale, "labelSelectorPath"), STR(".")));
    }
    return p;
}

static str selector_text(struct mk_ctx *c, value selector)
{
    struct kube_selector s;
    if (value_is_string(selector))
        return value_str(selector);
    if (value_exists(value_getz(selector, "matchLabels")) ||
        value_exists(value_getz(selector, "matchExpressions"))) {
        if (kube_label_selector_of(selector, c->a, &s, NULL) < 0)
            return STR("");
    } else {
        kube_label_selector_of_map(selector, c->a, &s);
    }
    return kube_selector_str(c->a, &s);
}

static value scale_of(struct mk_ctx *c, value object, const struct scale_paths *p)
{
    static const char *const kept[] = {"name", "namespace", "uid", "resourceVersion",
                                       "creationTimestamp"};
    value v = value_new_map(c->a), meta = value_new_map(c->a);
    value_set_str(c->a, v, "kind", STR("Scale"));
    value_set_str(c->a, v, "apiVersion", STR("autoscaling/v1"));
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        value_set(c->a, meta, str_of(kept[i]),
                  value_get(value_getz(object, "metadata"), str_of(kept[i])));
    value_setz(c->a, v, "metadata", meta);
    value spec = value_edit_map(c->a, v, STR("spec")),
          status = value_edit_map(c->a, v, STR("status"));
    int64_t replicas = value_int(value_path(object, p->spec));
    if (replicas)
        value_setz(c->a, spec, "replicas", value_of_int(c->a, replicas));
    value_setz(c->a, status, "replicas",
               value_of_int(c->a, value_int(value_path(object, p->status))));
    str selector = selector_text(c, value_path(object, p->selector));
    if (selector.len)
        value_set_str(c->a, status, "selector", selector);
    return v;
}

int mk_scale(struct mk_ctx *c)
{
    struct mk_object *o = mk_find(c->r->storage, c->p.ns, c->p.name);
    struct scale_paths p = scale_paths(c->r);
    enum patch_kind kind;
    value scale, patch;
    struct err err;
    if (!o)
        return mk_not_found(c, c->r, c->p.name);
    value old = mk_as_version(c->a, c->r, doc_root(o->doc)), now = scale_of(c, old, &p);
    if (c->req->method == METHOD_GET) {
        mk_answer_json(c, 200, now);
        return 0;
    }
    if (c->req->method == METHOD_PUT) {
        if (json_parse(c->req->body, NULL, c->a, &scale, &err) < 0)
            return mk_bad_request(c, "%s", err.text);
    } else if (c->req->method == METHOD_PATCH) {
        if (patch_kind(c, &kind) < 0 || read_patch(c, kind, &patch) < 0)
            return -1;
        if (kind == PATCH_JSON && json_patch_apply(c->a, now, patch, &scale, &err) < 0)
            return mk_bad_request(c, "%s", err.text);
        if (kind != PATCH_JSON && json_merge_patch_apply(c->a, now, patch, &scale, &err) < 0)
            return mk_bad_request(c, "%s", err.text);
    } else {
        return mk_method_not_allowed(c);
    }
    value object = value_edit(c->a, old);
    value_set_path(c->a, object, p.spec,
                   value_of_int(c->a, value_int(value_path(scale, "spec.replicas"))));
    value_set_path(c->a, object, "metadata.resourceVersion",
                   value_path(scale, "metadata.resourceVersion"));
    c->p.subresource = STR("");
    int rc = mk_put(c, o, object, MK_WRITE_PATCH, false);
    if (rc == 0 && !c->dry_run) {
        o = mk_find(c->r->storage, c->p.ns, c->p.name);
        mk_answer_json(c, 200, scale_of(c, doc_root(o->doc), &p));
    }
    return rc;
}
