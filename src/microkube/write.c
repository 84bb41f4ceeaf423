/* microkube/write.c: create, update, delete: the way of a changed object to the store. */
#include "kube/protobuf.h"
#include "microkube/core.h"
#include "value/yaml.h"

static int parse_body(struct mk_ctx *c, value *ret)
{
    struct err err;
    str body = str_trim(c->req->body), type = c->req->content_type;
    bool yaml = str_has(type, STR("yaml"));
    if (str_has(type, STR("vnd.kubernetes.protobuf"))) {
        if (kube_protobuf_parse(c->req->body, c->a, ret, &err) < 0)
            return mk_bad_request(c, "%s", err.text);
        return 0;
    }
    if (str_has(type, STR("cbor")))
        return mk_fail(
            c, &(struct mk_fault){.code = 415, .reason = "UnsupportedMediaType"},
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json, application/yaml");
    int rc = yaml && !str_starts(body, STR("{"))
                 ? yaml_parse(c->req->body, &(struct yaml_input){.strict = true}, c->a, ret, &err)
                 : json_parse(c->req->body, NULL, c->a, ret, &err);
    return rc < 0 ? mk_bad_request(c, "couldn't get version/kind; json parse error: %s", err.text)
                  : 0;
}

int mk_read_body(struct mk_ctx *c, value *ret)
{
    value v;
    if (parse_body(c, &v) < 0)
        return -1;
    if (!value_is_map(v))
        return mk_bad_request(c,
                              "couldn't get version/kind; json parse error: json: cannot unmarshal "
                              "into Go value of type struct");
    str want = kube_api_version(c->a, c->r->group, c->r->version);
    str version = object_api_version(v), kind = object_kind(v);
    if (version.len && !str_eq(version, want))
        return c->r->builtin
                   ? mk_bad_request(
                         c,
                         "%.*s in version \"%.*s\" cannot be handled as a %.*s: no kind \"%.*s\" "
                         "is "
                         "registered for version \"%.*s\" in scheme \"pkg/runtime/scheme.go:111\"",
                         STR_FMT(kind), STR_FMT(version), STR_FMT(c->r->kind), STR_FMT(kind),
                         STR_FMT(version))
                   : mk_bad_request(c,
                                    "the API version in the data (%.*s) does not match the "
                                    "expected API version (%.*s)",
                                    STR_FMT(version), STR_FMT(want));
    if (kind.len && !str_eq(kind, c->r->kind))
        return mk_bad_request(c,
                              "%.*s in version \"%.*s\" cannot be handled as a %.*s: converting "
                              "(v1.%.*s) to (core.%.*s): "
                              "unknown conversion",
                              STR_FMT(kind), STR_FMT(c->r->version), STR_FMT(c->r->kind),
                              STR_FMT(kind), STR_FMT(c->r->kind));
    if ((!version.len || !kind.len) && !c->r->builtin)
        return mk_bad_request(c, "Object 'Kind' is missing in '%.*s'",
                              STR_FMT(str_sub(c->req->body, 0, 200)));
    v = value_edit(c->a, v);
    value_set_str(c->a, v, "apiVersion", want);
    value_set_str(c->a, v, "kind", c->r->kind);
    *ret = v;
    return 0;
}

/* In the storage's version: what is written down. */
static value as_stored(struct mk_ctx *c, value object)
{
    struct mk_storage *s = c->r->storage;
    str version = kube_api_version(c->a, s->group, str_of(s->version));
    if (!str_eq(object_api_version(object), version)) {
        object = value_edit(c->a, object);
        value_set_str(c->a, object, "apiVersion", version);
        value_set_str(c->a, object, "kind", c->r->kind);
    }
    return object;
}

static int store(struct mk_ctx *c, struct mk_object *old, value object, int status)
{
    struct err err;
    struct mk_object *o;
    if (c->dry_run) {
        mk_answer_object(c, status, object);
        return 0;
    }
    if (mk_commit(c->mk, c->r->storage, old, as_stored(c, object), c->a, &o, &err) < 0)
        return mk_internal(c, &err);
    o->settled = c->r->id;
    mk_answer_written(c, status, doc_root(o->doc));
    return 0;
}

int mk_put_new(struct mk_ctx *c, value object, enum mk_write how)
{
    if (mk_meta_create(c, object) < 0)
        return -1;
    if (mk_find(c->r->storage, c->p.ns, c->p.name)) {
        struct mk_fault f = {.code = 409,
                             .reason = "AlreadyExists",
                             .group = c->r->group,
                             .kind = c->r->plural,
                             .name = c->p.name};
        return mk_fail(c, &f, "%.*s \"%.*s\" already exists", STR_FMT(mk_resource_name(c, c->r)),
                       STR_FMT(c->p.name));
    }
    if (c->r->has_status)
        value_remove(object, STR("status"));
    if (mk_validate_fields(c, VALUE_ABSENT, object) < 0)
        return -1;
    mk_set_defaults(c->mk, c->a, c->r, VALUE_ABSENT, object);
    if (how != MK_WRITE_APPLY)
        mk_track(c, VALUE_ABSENT, false, object);
    mk_prepare_new(c->mk, c->a, c->r, object);
    if (mk_validate(c, VALUE_ABSENT, VALUE_ABSENT, object) < 0)
        return -1;
    return store(c, NULL, object, 201);
}

/* Do two maps agree but for these two keys? */
static bool agree_but_for(value x, value y, const char *one, const char *other)
{
    const value side[2] = {x, y};
    for (int i = 0; i < 2; i++) {
        for (struct value_iter it = value_iter(side[i]); value_next(&it);) {
            if (str_is(it.key, one) || str_is(it.key, other))
                continue;
            value there = value_get(side[!i], it.key);
            if (!value_exists(there) || (!i && !value_equal(it.val, there)))
                return false;
        }
    }
    return true;
}

/* Only the version of the object and the times of managers differ: nothing is written. */
static bool is_no_op(value old, value object)
{
    if (!agree_but_for(value_getz(old, "metadata"), value_getz(object, "metadata"), "managedFields",
                       "resourceVersion") ||
        !agree_but_for(old, object, "metadata", ""))
        return false;
    value m = object_managed_fields(old), n = object_managed_fields(object);
    if (value_len(m) != value_len(n))
        return false;
    for (size_t i = 0; i < value_len(m); i++)
        if (!value_equal(value_getz(value_at(m, i), "fieldsV1"),
                         value_getz(value_at(n, i), "fieldsV1")) ||
            !str_eq(value_path_str(value_at(m, i), "manager"),
                    value_path_str(value_at(n, i), "manager")))
            return false;
    return true;
}

static void keep_from_old(struct mk_ctx *c, value object, value old, str key)
{
    value_set(c->a, object, key, value_get(old, key));
}

/* Through the status door only the status passes; through the main door everything else. */
static value through_door(struct mk_ctx *c, value old, value object)
{
    if (!c->r->has_status)
        return object;
    if (!str_is(c->p.subresource, "status")) {
        keep_from_old(c, object, old, STR("status"));
        return object;
    }
    value out = value_edit(c->a, old), meta = value_edit_map(c->a, out, STR("metadata"));
    value_setz(c->a, out, "status", value_getz(object, "status"));
    value_setz(c->a, meta, "resourceVersion", value_path(object, "metadata.resourceVersion"));
    value_setz(c->a, meta, "name", value_path(object, "metadata.name"));
    value_setz(c->a, meta, "uid", value_path(object, "metadata.uid"));
    if (value_exists(object_managed_fields(object)))
        value_setz(c->a, meta, "managedFields", object_managed_fields(object));
    return out;
}

/* The last finalizer of a deleted object went: so does the object. */
static int finish_deletion(struct mk_ctx *c, struct mk_object *old, value object)
{
    struct err err;
    struct mk_object *o;
    struct doc *gone;
    if (mk_commit(c->mk, c->r->storage, old, as_stored(c, object), c->a, &o, &err) < 0 ||
        mk_erase(c->mk, o, c->a, &gone, &err) < 0)
        return mk_internal(c, &err);
    mk_answer_object(c, 200, doc_root(gone));
    doc_unref(gone);
    return 0;
}

int mk_put(struct mk_ctx *c, struct mk_object *o, value object, enum mk_write how,
           bool forced_create)
{
    struct doc *hold = doc_ref(o->doc); /* the object is replaced below */
    arena_on_done(c->a, (void (*)(void *))(uintptr_t)doc_unref, hold);
    value old = mk_as_version(c->a, c->r, doc_root(hold));
    value settled = o->settled == c->r->id ? old : VALUE_ABSENT;
    bool status_only = str_is(c->p.subresource, "status");
    object = through_door(c, old, object);
    if (mk_validate_fields(c, settled, object) < 0)
        return -1;
    mk_set_defaults(c->mk, c->a, c->r, settled, object);
    if (mk_meta_update(c, old, object, status_only) < 0)
        return -1;
    if (how != MK_WRITE_APPLY)
        mk_track(c, old, value_exists(settled), object);
    if (!status_only)
        mk_prepare_update(c->mk, c->a, c->r, old, object);
    if (!status_only && mk_validate(c, old, settled, object) < 0)
        return -1;
    bool namespace = str_is(c->r->plural, "namespaces") && !c->r->group.len;
    if (object_is_deleting(old) && !value_len(object_finalizers(object)) && !c->dry_run &&
        value_len(object_finalizers(old)) && !namespace &&
        value_int(value_path(old, "metadata.deletionGracePeriodSeconds")) == 0)
        return finish_deletion(c, o, object);
    if (is_no_op(old, object)) {
        mk_answer_object(c, 200, old);
        return 0;
    }
    return store(c, o, object, 200);
}

int mk_create(struct mk_ctx *c)
{
    value object;
    if (c->r->namespaced && !c->p.ns.len)
        return mk_method_not_allowed(c);
    if (mk_read_body(c, &object) < 0)
        return -1;
    return mk_put_new(c, object, MK_WRITE_UPDATE);
}

int mk_update(struct mk_ctx *c)
{
    value object;
    if (mk_read_body(c, &object) < 0)
        return -1;
    struct mk_object *o = mk_find(c->r->storage, c->p.ns, c->p.name);
    if (!o)
        return mk_not_found(c, c->r, c->p.name);
    if (!object_name(object).len)
        return mk_bad_request(c,
                              "the name of the object () does not match the name on the URL (%.*s)",
                              STR_FMT(c->p.name));
    return mk_put(c, o, object, MK_WRITE_UPDATE, false);
}

/* ---- delete ---- */

struct delete_options {
    enum mk_propagation how;
    int64_t grace_seconds; /* -1: the kind's own */
    str uid, resource_version;
};

static bool propagation_parse(str s, enum mk_propagation *ret)
{
    static const char *const name[] = {"Background", "Foreground", "Orphan"};
    for (size_t i = 0; i < ARRAY_LEN(name); i++) {
        if (str_is(s, name[i])) {
            *ret = (enum mk_propagation)i;
            return true;
        }
    }
    return !s.len;
}

static int read_delete_options(struct mk_ctx *c, struct delete_options *o)
{
    value v = VALUE_ABSENT;
    str policy = mk_query(c, "propagationPolicy"), grace = mk_query(c, "gracePeriodSeconds");
    *o = (struct delete_options){MK_PROPAGATION_DEFAULT, -1, STR(""), STR("")};
    if (c->req->body.len && parse_body(c, &v) < 0)
        return -1;
    if (str_is(object_kind(v), "Eviction"))
        v = value_getz(v, "deleteOptions");
    if (value_exists(value_getz(v, "propagationPolicy")))
        policy = value_path_str(v, "propagationPolicy");
    if (value_is_number(value_getz(v, "gracePeriodSeconds")))
        o->grace_seconds = value_int(value_getz(v, "gracePeriodSeconds"));
    else if (grace.len)
        str_to_i64(grace, &o->grace_seconds);
    value orphan = value_getz(v, "orphanDependents");
    if (value_exists(orphan))
        o->how = value_bool(orphan) ? MK_ORPHAN : MK_BACKGROUND;
    if (str_is(value_str(value_at(value_getz(v, "dryRun"), 0)), "All"))
        c->dry_run = true;
    o->uid = value_path_str(v, "preconditions.uid");
    o->resource_version = value_path_str(v, "preconditions.resourceVersion");
    if (propagation_parse(policy, &o->how))
        return 0;
    mk_causes causes = {0};
    mk_cause(c, &causes, "FieldValueNotSupported", STR("propagationPolicy"),
             "Unsupported value: \"%.*s\": supported values: \"Foreground\", \"Background\", "
             "\"Orphan\", \"nil\"",
             STR_FMT(policy));
    return mk_fail(c,
                   &(struct mk_fault){.code = 422,
                                      .reason = "Invalid",
                                      .group = STR("meta.k8s.io"),
                                      .kind = STR("DeleteOptions"),
                                      .causes = &causes},
                   "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: %.*s",
                   STR_FMT(causes.at[0].message));
}

/* Kinds whose deletion answers the object itself, not a Status. */
static bool answers_object(const struct mk_resource *r)
{
    return r->builtin && !r->group.len &&
           kube_words_have(
               STR("pods,services,serviceaccounts,persistentvolumes,"
                   "persistentvolumeclaims,podtemplates,resourcequotas,replicationcontrollers"),
               r->plural);
}

static int delete_one(struct mk_ctx *c, struct mk_object *o, const struct delete_options *d)
{
    struct err err;
    struct doc *doc = NULL;
    bool gone = false;
    value v = doc_root(o->doc);
    if (d->uid.len && !str_eq(d->uid, o->uid)) {
        struct mk_fault f = {.code = 409,
                             .reason = "Conflict",
                             .group = c->r->group,
                             .kind = c->r->kind,
                             .name = o->name};
        return mk_fail(
            c, &f,
            "Operation cannot be fulfilled on %.*s \"%.*s\": the UID in the precondition (%.*s) "
            "does not match "
            "the UID in record (%.*s). The object might have been deleted and then recreated",
            STR_FMT(mk_kind_name(c->a, c->r)), STR_FMT(o->name), STR_FMT(d->uid), STR_FMT(o->uid));
    }
    if (d->resource_version.len && !str_eq(d->resource_version, object_resource_version(v)))
        return mk_conflict(c, o->name,
                           arena_printf(c->a,
                                        "Precondition failed: ResourceVersion in precondition: "
                                        "%.*s, ResourceVersion in object meta: %.*s",
                                        STR_FMT(d->resource_version),
                                        STR_FMT(object_resource_version(v)))
                               .at);
    if (c->dry_run) {
        if (answers_object(c->r))
            mk_answer_object(c, 200, v);
        else
            mk_success_status(c, v);
        return 0;
    }
    if (mk_delete_object(c->mk, o, (struct mk_delete){d->how, d->grace_seconds}, c->a, &doc, &gone,
                         &err) < 0)
        return mk_internal(c, &err);
    if (gone && !answers_object(c->r))
        mk_success_status(c, doc_root(doc));
    else
        mk_answer_object(c, 200, doc_root(doc));
    doc_unref(doc);
    return 0;
}

int mk_delete(struct mk_ctx *c)
{
    struct delete_options d;
    if (read_delete_options(c, &d) < 0)
        return -1;
    struct mk_object *o = mk_find(c->r->storage, c->p.ns, c->p.name);
    if (!o)
        return mk_not_found(c, c->r, c->p.name);
    if (str_is(c->r->plural, "namespaces") && !c->r->group.len &&
        (str_is(o->name, "default") || str_is(o->name, "kube-system") ||
         str_is(o->name, "kube-public")))
        return mk_forbidden(c, o->name, "this namespace may not be deleted");
    return delete_one(c, o, &d);
}

int mk_delete_collection(struct mk_ctx *c)
{
    struct mk_list_options options;
    struct delete_options d;
    struct err err;
    size_t n, n_found = 0;
    if (!(c->r->verbs & KUBE_VERB_DELETECOLLECTION))
        return mk_method_not_allowed(c);
    if (read_delete_options(c, &d) < 0 || mk_parse_selectors(c, &options) < 0)
        return -1;
    struct mk_object **all = mk_range(c->r->storage, c->p.ns, &n);
    struct mk_object **found = ARENA_ARRAY(c->a, struct mk_object *, n + 1);
    value list = value_new_map(c->a), items = value_edit_list(c->a, list, STR("items"));
    for (size_t i = 0; i < n; i++)
        if (mk_object_matches(&options, doc_root(all[i]->doc)))
            found[n_found++] = all[i];
    for (size_t i = 0; i < n_found; i++) {
        value item = value_edit(c->a, doc_root(found[i]->doc));
        if (c->r->builtin) {
            value_remove(item, STR("apiVersion"));
            value_remove(item, STR("kind"));
        }
        value_push(c->a, items, item);
        if (!c->dry_run &&
            mk_delete_object(c->mk, found[i], (struct mk_delete){d.how, d.grace_seconds}, c->a,
                             NULL, NULL, &err) < 0)
            return mk_internal(c, &err);
    }
    value_set_str(c->a, list, "kind", c->r->list_kind);
    value_set_str(c->a, list, "apiVersion", kube_api_version(c->a, c->r->group, c->r->version));
    value_set_path(c->a, list, "metadata.resourceVersion",
                   value_of_str(c->a, arena_printf(c->a, "%llu", (unsigned long long)c->mk->rv)));
    mk_answer_json(c, 200, list);
    return 0;
}
