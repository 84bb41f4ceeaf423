/* api/applications.c: create, update, patch and delete of Applications.
 * Source: argo-cd server/application/application.go. */
#include "api/applications.h"
#include "base/fault.h"
#include "control/write.h"
#include "kube/object.h"
#include "value/patch.h"

#define FINALIZER "resources-finalizer.argocd.argoproj.io"
#define UPDATING "error validating and normalizing app"

static struct call api_call(struct api_request *r, call_fn *fn)
{
    return call_open(r->api->config.loop, APPLICATION_CALL_TIMEOUT_US, fn, r);
}

/* ---- create ---- */

static void copy_key(struct arena *a, value to, value from, const char *key)
{
    value v = value_get(from, str_of(key));
    if (!value_is_nil(v))
        value_set(a, to, str_of(key), v);
}

/* What a caller may set: name, labels, annotations, finalizers, spec. */
static value fresh_object(struct api_request *r, value body)
{
    struct arena *a = r->a;
    value v = value_new_map(a), meta, from = value_getz(body, "metadata");
    value_set_str(a, v, "apiVersion", STR("argoproj.io/v1alpha1"));
    value_set_str(a, v, "kind", STR("Application"));
    meta = value_edit_map(a, v, STR("metadata"));
    static const char *const keys[] = {"name",   "generateName", "namespace",
                                       "labels", "annotations",  "finalizers"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        copy_key(a, meta, from, keys[i]);
    if (!value_str(value_getz(meta, "namespace")).len)
        value_setz(a, meta, "namespace", value_of_str(a, r->api->config.namespace));
    value spec = value_getz(body, "spec");
    value_setz(a, v, "spec", app_spec_normalized(a, value_is_map(spec) ? spec : value_new_map(a)));
    return v;
}

static void stored(void *arg, struct answer *ans)
{
    struct api_request *r = arg;
    FAULT_POINT("api.change.answered");
    if (ans->rc) {
        answer_err(r, &ans->err);
        return;
    }
    informer_put(r->api->applications, ans->result);
    answer_value(r, fields_filter(r, app_public(r->a, doc_root(ans->result))));
}

static void created(void *arg, struct answer *ans)
{
    struct api_request *r = arg;
    FAULT_POINT("api.create.answered");
    if (ans->rc) {
        err_wrap(&ans->err, "error creating application");
        answer_err(r, &ans->err);
        return;
    }
    event_record(r, doc_root(ans->result), "ResourceCreated", STR("created application"));
    stored(r, ans);
}

static void create_now(struct api_request *r, value object)
{
    struct cluster_target t = app_target(object_ns(object), STR(""));
    const struct cluster_options o = {.field_manager = STR("argocd")};
    FAULT_POINT("api.create.start");
    cluster_create(r->api->config.home, &t, object, &o, api_call(r, created));
}

static bool same_or_absent(value a, value b)
{
    return value_equal(a, b) || (value_len(a) == 0 && value_len(b) == 0);
}

/* Merge patch from the stored object to what is wanted; nothing to do: the stored one is the
 * answer. */
static void store_changes(struct api_request *r, value before, value after)
{
    value patch = merge_patch_between(r->a, before, after);
    struct cluster_target t = app_target(object_ns(before), object_name(before));
    const struct cluster_options o = {.field_manager = STR("argocd")};
    if (!value_len(patch)) {
        answer_value(r, fields_filter(r, app_public(r->a, before)));
        return;
    }
    FAULT_POINT("api.change.start");
    cluster_patch(r->api->config.home, &t, CLUSTER_PATCH_MERGE,
                  json_str(r->a, patch, AUDIENCE_WIRE, 0), &o, api_call(r, stored));
}

/* before with spec, labels, annotations and finalizers of `from`. merge: labels and annotations are
 * added to. */
static value with_changes(struct arena *a, value before, value from, bool merge)
{
    static const char *const keys[] = {"labels", "annotations", "finalizers"};
    value v = value_edit(a, object_private(a, before));
    value meta = value_edit_map(a, v, STR("metadata")), news = value_getz(from, "metadata");
    value_setz(a, v, "spec", value_getz(from, "spec"));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        value given = value_get(news, str_of(keys[i]));
        if (!merge || i == 2) {
            value_set(a, meta, str_of(keys[i]), value_is_nil(given) ? VALUE_ABSENT : given);
            continue;
        }
        if (!value_len(given))
            continue;
        value map = value_edit_map(a, meta, str_of(keys[i]));
        for (struct value_iter it = value_iter(given); value_next(&it);)
            value_set(a, map, it.key, it.val);
    }
    return v;
}

static void upsert_now(struct api_request *r, value object)
{
    const struct doc *d =
        informer_find(r->api->applications, object_ns(object), object_name(object));
    if (!d) {
        create_now(r, object);
        return;
    }
    arena_on_done(r->a, (void (*)(void *))doc_unref, doc_ref(d));
    store_changes(r, doc_root(d), with_changes(r->a, doc_root(d), object, true));
}

/* Creating what is there already: equal is fine, different needs upsert. */
static void create_again(struct api_request *r, const struct doc *d, value object)
{
    value old = doc_root(d);
    bool same = value_equal(value_getz(old, "spec"), value_getz(object, "spec")) &&
                same_or_absent(object_labels(old), object_labels(object)) &&
                same_or_absent(object_annotations(old), object_annotations(object)) &&
                same_or_absent(object_finalizers(old), object_finalizers(object));
    if (same) {
        answer_value(r, app_public(r->a, old));
    } else if (!http_query_bool(&r->query, "upsert")) {
        answer_error(r, GRPC_INVALID,
                     "existing application spec is different, use upsert flag to force update");
    } else if (allowed_or_denied(r, STR("applications"), STR("update"), app_rbac_object(r, old))) {
        application_validate(r, APPLICATION_CREATING, object, upsert_now);
    }
}

static void create_checked(struct api_request *r, value object)
{
    const struct doc *d =
        informer_find(r->api->applications, object_ns(object), object_name(object));
    if (d) {
        arena_on_done(r->a, (void (*)(void *))doc_unref, doc_ref(d));
        create_again(r, d, object);
    } else {
        create_now(r, object);
    }
}

static bool is_object(struct api_request *r, value v, const char *type)
{
    static const char *const names[] = {"value",  "null",   "bool",  "number", "number",
                                        "number", "string", "array", "object"};
    if (value_is_map(v))
        return true;
    answer_error(r, GRPC_INVALID, "json: cannot unmarshal %s into Go value of type %s",
                 names[value_type(v)], type);
    return false;
}

void handle_app_create(struct api_request *r)
{
    if (!is_object(r, r->body, "v1alpha1.Application"))
        return;
    value object = fresh_object(r, r->body);
    if (!allowed_or_denied(r, STR("applications"), STR("create"), app_rbac_object(r, object)))
        return;
    application_validate(r, APPLICATION_CREATING, object, create_checked);
}

/* ---- update ---- */

static void update_now(struct api_request *r, value object)
{
    store_changes(r, doc_root(r->state), object);
}

static void change(struct api_request *r, const struct doc *d, value after)
{
    value old = doc_root(d);
    r->state = (void *)d;
    value spec = value_getz(after, "spec");
    value_setz(r->a, after, "spec",
               app_spec_normalized(r->a, value_is_map(spec) ? spec : value_new_map(r->a)));
    if (!str_eq(app_project(old), app_project(after)) &&
        !allowed_or_denied(r, STR("applications"), STR("create"), app_rbac_object(r, after)))
        return;
    application_validate(r, UPDATING, after, update_now);
}

void handle_app_update(struct api_request *r)
{
    if (!is_object(r, r->body, "v1alpha1.Application"))
        return;
    const struct doc *d =
        app_of(r, r->var[0], object_ns(r->body), query_get(r, "project"), "update");
    if (d)
        change(r, d, with_changes(r->a, doc_root(d), r->body, false));
}

static void spec_stored(void *arg, struct answer *ans)
{
    struct api_request *r = arg;
    if (ans->rc) {
        answer_err(r, &ans->err);
        return;
    }
    informer_put(r->api->applications, ans->result);
    answer_value(r, value_getz(doc_root(ans->result), "spec"));
}

static void update_spec_now(struct api_request *r, value object)
{
    value before = doc_root(r->state), patch = merge_patch_between(r->a, before, object);
    struct cluster_target t = app_target(object_ns(before), object_name(before));
    const struct cluster_options o = {.field_manager = STR("argocd")};
    if (!value_len(patch))
        answer_value(r, value_getz(before, "spec"));
    else
        cluster_patch(r->api->config.home, &t, CLUSTER_PATCH_MERGE,
                      json_str(r->a, patch, AUDIENCE_WIRE, 0), &o, api_call(r, spec_stored));
}

void handle_app_update_spec(struct api_request *r)
{
    if (!is_object(r, r->body, "v1alpha1.ApplicationSpec"))
        return;
    const struct doc *d =
        app_of(r, r->var[0], query_get(r, "appNamespace"), query_get(r, "project"), "update");
    if (!d)
        return;
    value after = value_edit(r->a, object_private(r->a, doc_root(d)));
    value_setz(r->a, after, "spec", app_spec_normalized(r->a, r->body));
    if (!str_eq(app_project(doc_root(d)), app_project(after)) &&
        !allowed_or_denied(r, STR("applications"), STR("create"), app_rbac_object(r, after)))
        return;
    r->state = (void *)d;
    application_validate(r, "error validating and updating app: " UPDATING, after, update_spec_now);
}

void handle_app_patch(struct api_request *r)
{
    struct err err;
    value patch, after;
    str type = value_str(value_getz(r->body, "patchType"));
    const struct doc *d = app_of(r, r->var[0], value_str(value_getz(r->body, "appNamespace")),
                                 value_str(value_getz(r->body, "project")), "update");
    if (!d)
        return;
    bool merge = str_is(type, "merge");
    if (!merge && type.len && !str_is(type, "json")) {
        answer_error(r, GRPC_INVALID, "Patch type '%.*s' is not supported", STR_FMT(type));
        return;
    }
    const struct json_input plain = {.bare_errors = true};
    if (json_parse(value_str(value_getz(r->body, "patch")), &plain, r->a, &patch, &err)) {
        answer_error(r, GRPC_UNKNOWN, "%s: %s",
                     merge ? "error calculating merge patch" : "error decoding json patch",
                     merge ? "Invalid JSON Patch" : err.text);
        return;
    }
    int rc = merge ? json_merge_patch_apply(r->a, doc_root(d), patch, &after, &err)
                   : json_patch_apply(r->a, doc_root(d), patch, &after, &err);
    if (rc) {
        const char *doing = merge                ? "error calculating merge patch"
                            : rc == -ERR_INVALID ? "error decoding json patch"
                                                 : "error applying patch";
        answer_error(r, GRPC_UNKNOWN, "%s: %s", doing, err.text);
        return;
    }
    change(r, d, with_changes(r->a, doc_root(d), after, false));
}

/* ---- delete ---- */

static void deleted(void *arg, struct answer *ans)
{
    struct api_request *r = arg;
    FAULT_POINT("api.delete.answered");
    if (ans->rc && ans->rc != -ERR_NOT_FOUND) {
        err_wrap(&ans->err, "error deleting application");
        answer_err(r, &ans->err);
        return;
    }
    event_record(r, doc_root(r->state), "ResourceDeleted", STR("deleted application"));
    answer_empty(r);
}

static void delete_now(struct api_request *r)
{
    value app = doc_root(r->state);
    struct cluster_target t = app_target(object_ns(app), object_name(app));
    FAULT_POINT("api.delete.start");
    cluster_delete(r->api->config.home, &t, NULL, api_call(r, deleted));
}

static void finalizers_set(void *arg, struct answer *ans)
{
    struct api_request *r = arg;
    if (ans->rc) {
        err_wrap(&ans->err, "error patching application with finalizers");
        answer_err(r, &ans->err);
    } else {
        delete_now(r);
    }
}

static bool is_resources_finalizer(str f)
{
    return str_is(f, FINALIZER) || str_is(f, FINALIZER "/foreground") ||
           str_is(f, FINALIZER "/background");
}

/* The list with `wanted` ("": without any of ours). Upstream adds to what is there: the first one
 * of ours decides how it is deleted. true: it differs. */
static bool finalizers_for(struct api_request *r, value app, str wanted, value *ret)
{
    bool differ = false, have = !wanted.len;
    *ret = value_new_list(r->a);
    for (struct value_iter it = value_iter(object_finalizers(app)); value_next(&it);) {
        str f = value_str(it.val);
        bool drop = !wanted.len && is_resources_finalizer(f);
        differ |= drop;
        have |= str_eq(f, wanted);
        if (!drop)
            value_push(r->a, *ret, it.val);
    }
    if (have)
        return differ;
    if (object_is_deleting(app)) /* Kubernetes takes no new finalizers then */
        return false;
    value_push(r->a, *ret, value_of_str(r->a, wanted));
    return true;
}

/* "": no such policy. */
static str finalizer_of_policy(str policy)
{
    static const struct {
        const char *policy;
        str finalizer;
    } table[] = {{"", STR_INIT(FINALIZER)},
                 {"foreground", STR_INIT(FINALIZER "/foreground")},
                 {"background", STR_INIT(FINALIZER "/background")}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (str_ieq(policy, str_of(table[i].policy)))
            return table[i].finalizer;
    return STR("");
}

void handle_app_delete(struct api_request *r)
{
    const struct doc *d =
        app_of(r, r->var[0], query_get(r, "appNamespace"), query_get(r, "project"), "delete");
    if (!d)
        return;
    str policy = query_get(r, "propagationPolicy"), cascade_text = query_get(r, "cascade");
    bool cascade = !cascade_text.len || http_query_bool(&r->query, "cascade");
    if (!cascade && policy.len) {
        answer_error(r, GRPC_INVALID, "cannot set propagation policy when cascading is disabled");
        return;
    }
    str wanted = cascade ? finalizer_of_policy(policy) : STR("");
    if (cascade && !wanted.len) {
        answer_error(r, GRPC_INVALID, "invalid propagation policy: %.*s", STR_FMT(policy));
        return;
    }
    value list, patch = value_new_map(r->a);
    r->state = (void *)d;
    if (!finalizers_for(r, doc_root(d), wanted, &list)) {
        delete_now(r);
        return;
    }
    value_setz(r->a, value_edit_map(r->a, patch, STR("metadata")), "finalizers", list);
    struct cluster_target t = app_target(object_ns(doc_root(d)), object_name(doc_root(d)));
    const struct cluster_options o = {.field_manager = STR("argocd")};
    cluster_patch(r->api->config.home, &t, CLUSTER_PATCH_MERGE,
                  json_str(r->a, patch, AUDIENCE_WIRE, 0), &o, api_call(r, finalizers_set));
}
