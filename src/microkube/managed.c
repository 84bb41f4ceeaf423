/* microkube/managed.c: who owns which field, and server-side apply. */
#include "kube/apply.h"
#include "microkube/core.h"

/* Paths that do not pass through this door. */
static const struct fieldset *reset_of(struct mk_ctx *c)
{
    struct fieldset *s;
    value v = value_new_map(c->a);
    bool status = str_is(c->door, "status");
    if (!c->r->has_status)
        return NULL;
    value_set(c->a, v, status ? STR("f:spec") : STR("f:status"), value_new_map(c->a));
    return fieldset_parse(v, c->a, &s, NULL) < 0 ? NULL : s;
}

static struct kube_apply apply_of(struct mk_ctx *c)
{
    return (struct kube_apply){.schema = c->r->schema,
                               .api_version = kube_api_version(c->a, c->r->group, c->r->version),
                               .manager = c->manager,
                               .subresource = c->door,
                               .reset = reset_of(c),
                               .now = mk_now(c->mk),
                               .force = str_is(mk_query(c, "force"), "true") ||
                                        str_is(mk_query(c, "force"), "1")};
}

void mk_track(struct mk_ctx *c, value old, bool old_is_settled, value object)
{
    struct kube_apply k = apply_of(c);
    k.settled = old_is_settled;
    kube_track_update(&k, old, object, c->a);
}

static int refuse_conflicts(struct mk_ctx *c, const struct kube_apply_result *res)
{
    mk_causes causes = {0};
    for (size_t i = 0; i < res->n_conflicts; i++)
        mk_cause(c, &causes, "FieldManagerConflict", res->conflict[i].path, "conflict with %.*s",
                 STR_FMT(res->conflict[i].manager));
    return mk_fail(c, &(struct mk_fault){.code = 409, .reason = "Conflict", .causes = &causes},
                   "%.*s", STR_FMT(res->conflict_message));
}

static int check_config(struct mk_ctx *c, value config)
{
    str want = kube_api_version(c->a, c->r->group, c->r->version),
        version = object_api_version(config);
    if (!mk_query(c, "fieldManager").len) {
        mk_causes causes = {0};
        mk_cause(c, &causes, "FieldValueRequired", STR("fieldManager"),
                 "Required value: is required for apply patch");
        return mk_fail(c,
                       &(struct mk_fault){.code = 422,
                                          .reason = "Invalid",
                                          .group = STR("meta.k8s.io"),
                                          .kind = STR("PatchOptions"),
                                          .causes = &causes},
                       "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is "
                       "required for apply patch");
    }
    if (value_len(object_managed_fields(config)))
        return mk_bad_request(c, "metadata.managedFields must be nil");
    if (!object_kind(config).len || !version.len)
        return mk_bad_request(c, "Object '%s' is missing in '%.*s'",
                              object_kind(config).len ? "apiVersion" : "Kind",
                              STR_FMT(str_sub(c->req->body, 0, 200)));
    if (!str_eq(version, want) || !str_eq(object_kind(config), c->r->kind))
        return mk_bad_request(c, "invalid object type: %.*s, Kind=%.*s", STR_FMT(version),
                              STR_FMT(object_kind(config)));
    if (object_name(config).len && !str_eq(object_name(config), c->p.name))
        return mk_bad_request(
            c, "the name of the object (%.*s) does not match the name on the URL (%.*s)",
            STR_FMT(object_name(config)), STR_FMT(c->p.name));
    return 0;
}

int mk_apply(struct mk_ctx *c, struct mk_object *o, value patch)
{
    struct kube_apply_result res;
    struct err err;
    if (check_config(c, patch) < 0)
        return -1;
    if (!o && c->p.subresource.len)
        return mk_not_found(c, c->r, c->p.name);
    value config = value_edit(c->a, patch), meta = value_edit_map(c->a, config, STR("metadata"));
    value_set_str(c->a, meta, "name", c->p.name);
    if (c->r->namespaced && !object_ns(config).len)
        value_set_str(c->a, meta, "namespace", c->p.ns);
    struct kube_apply k = apply_of(c);
    value live = o ? mk_as_version(c->a, c->r, doc_root(o->doc)) : VALUE_ABSENT;
    if (kube_apply(&k, live, config, c->a, &res, &err) < 0)
        return mk_internal(c, &err);
    if (res.n_conflicts)
        return refuse_conflicts(c, &res);
    return o ? mk_put(c, o, res.object, MK_WRITE_APPLY, false)
             : mk_put_new(c, res.object, MK_WRITE_APPLY);
}
