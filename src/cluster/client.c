/* cluster/client.c: targets to requests, answers to documents or errors. */
#include "cluster/client_impl.h"

#include <stdlib.h>

#include "kube/object.h"

struct cluster_client *cluster_client_new(struct loop *l, const struct kube_transport *take_t)
{
    struct cluster_client *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->loop = l;
    c->transport = *take_t;
    return c;
}

void cluster_client_free(struct cluster_client *c)
{
    if (!c)
        return;
    c->transport.free(c->transport.arg);
    cluster_kinds_unref(c->kinds);
    free(c);
}

struct kube_transport *cluster_transport(struct cluster_client *c) { return &c->transport; }

struct loop *cluster_loop(struct cluster_client *c) { return c->loop; }

struct cluster_kinds *cluster_kinds(struct cluster_client *c) { return c->kinds; }

const struct kube_kind *cluster_kind(struct cluster_client *c, struct kube_gvk gvk)
{
    if (c->kinds)
        return cluster_kinds_find(c->kinds, gvk.group, gvk.version, gvk.kind);
    return kube_kind_find(gvk.group, gvk.version, gvk.kind);
}

/* ---- errors ---- */

static const struct {
    int status;
    const char *reason; /* NULL: any */
    int kind;
} kinds_of_status[] = {
    {400, NULL, ERR_INVALID},
    {401, NULL, ERR_UNAUTHENTICATED},
    {403, NULL, ERR_FORBIDDEN},
    {404, NULL, ERR_NOT_FOUND},
    {405, NULL, ERR_UNSUPPORTED},
    {406, NULL, ERR_UNSUPPORTED},
    {409, "AlreadyExists", ERR_EXISTS},
    {409, NULL, ERR_CONFLICT},
    {410, NULL, ERR_GONE},
    {413, NULL, ERR_TOO_LARGE},
    {415, NULL, ERR_UNSUPPORTED},
    {422, NULL, ERR_UNPROCESSABLE},
    {429, NULL, ERR_BUSY},
    {504, NULL, ERR_TIMEOUT},
};

static int kind_of_status(int status, str reason)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds_of_status); i++)
        if (kinds_of_status[i].status == status &&
            (!kinds_of_status[i].reason || str_is(reason, kinds_of_status[i].reason)))
            return kinds_of_status[i].kind;
    return status >= 500 ? ERR_UNAVAILABLE : ERR_INVALID;
}

/* A Status body has reason and message; a proxy in between answers with plain text. */
static int refused(const struct kube_response *r, struct err *err)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    value status = VALUE_ABSENT;
    str reason = {0}, message = {0};
    if (json_parse(buf_str(&r->body), NULL, &a, &status, NULL) == 0 && value_is_map(status)) {
        reason = value_path_str(status, "reason");
        message = value_path_str(status, "message");
    }
    int rc;
    if (message.len)
        rc = err_set(err, kind_of_status(r->status, reason), "%.*s", STR_FMT(message));
    else
        rc = err_set(err, kind_of_status(r->status, reason), "the server answered HTTP %d: %.*s",
                     r->status, (int)MIN_OF(r->body.len, (size_t)200),
                     r->body.len ? r->body.at : "");
    arena_done(&a);
    return rc;
}

int cluster_answer(const struct kube_response *r, struct doc **ret, struct err *err)
{
    if (r->status < 200 || r->status > 299)
        return refused(r, err);
    const struct json_input in = {.name = STR("answer of the API server")};
    int rc = json_parse_doc(buf_str(&r->body), &in, ret, err);
    return rc < 0 ? err_set(err, ERR_UNAVAILABLE, "the API server's answer cannot be read: %s",
                            err ? err->text : "")
                  : 0;
}

/* ---- one request for one document ---- */

static void drop_doc(void *doc) { doc_unref(doc); }

struct pending {
    struct call asker;
};

static void got_document(void *arg, struct answer *a)
{
    struct pending *p = arg;
    if (a->rc < 0) {
        call_answer_err(p->asker, &a->err);
    } else {
        struct doc *doc;
        struct err err;
        if (cluster_answer(a->result, &doc, &err) < 0)
            call_answer_err(p->asker, &err);
        else
            call_answer_ok(p->asker, doc, drop_doc);
    }
    free(p);
}

void cluster_ask(struct cluster_client *c, const struct kube_request *r, struct call asker)
{
    struct pending *p = calloc(1, sizeof(*p));
    if (!p)
        abort();
    p->asker = asker;
    c->transport.send(c->transport.arg, r, call_open(c->loop, 0, got_document, p));
}

void cluster_raw(struct cluster_client *c, const struct kube_request *r, struct call call)
{
    c->transport.send(c->transport.arg, r, call);
}

/* ---- objects ---- */

struct cluster_target cluster_target_of(value object)
{
    return (struct cluster_target){object_gvk(object), object_ns(object), object_name(object),
                                   STR("")};
}

str cluster_path(struct cluster_client *c, const struct cluster_target *t, struct arena *a)
{
    const struct kube_kind *kind = cluster_kind(c, t->gvk);
    if (!kind)
        return STR("");
    const struct kube_resource_path p = {
        .group = kind->group,
        .version = t->gvk.version.len ? t->gvk.version : kind->version,
        .plural = kind->plural,
        .ns = kind->namespaced ? t->ns : STR(""),
        .name = t->name,
        .subresource = t->subresource,
    };
    return kube_resource_path_str(a, &p);
}

static void add_options(struct buf *target, const struct cluster_options *o)
{
    if (!o)
        return;
    if (o->field_manager.len)
        http_query_add(target, "fieldManager", o->field_manager);
    if (o->field_validation.len)
        http_query_add(target, "fieldValidation", o->field_validation);
    if (o->force)
        http_query_add(target, "force", STR("true"));
    if (o->dry_run)
        http_query_add(target, "dryRun", STR("All"));
}

static void ask_target(struct cluster_client *c, const struct cluster_target *t,
                       const struct cluster_options *o, struct kube_request *r, struct call call)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    CLEANUP(buf_done) struct buf target = BUF_INIT;
    str path = cluster_path(c, t, &a);
    if (path.len == 0) {
        struct err err;
        err_set(&err, ERR_UNSUPPORTED, "the server could not find the requested resource");
        call_answer_err(call, &err);
    } else {
        buf_add(&target, path);
        add_options(&target, o);
        r->target = buf_str(&target);
        cluster_ask(c, r, call);
    }
    arena_done(&a);
}

void cluster_get(struct cluster_client *c, const struct cluster_target *t, struct call call)
{
    ask_target(c, t, NULL, &(struct kube_request){.method = METHOD_GET}, call);
}

static void ask_with_object(struct cluster_client *c, enum method method,
                            const struct cluster_target *t, value object,
                            const struct cluster_options *o, struct call call)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    json_print(object, AUDIENCE_WIRE, 0, &body);
    struct kube_request r = {.method = method,
                             .content_type = STR("application/json"),
                             .body = buf_str(&body)};
    ask_target(c, t, o, &r, call);
}

void cluster_create(struct cluster_client *c, const struct cluster_target *t, value object,
                    const struct cluster_options *o, struct call call)
{
    struct cluster_target collection = *t;
    if (!t->subresource.len)
        collection.name = STR("");
    ask_with_object(c, METHOD_POST, &collection, object, o, call);
}

void cluster_update(struct cluster_client *c, const struct cluster_target *t, value object,
                    const struct cluster_options *o, struct call call)
{
    ask_with_object(c, METHOD_PUT, t, object, o, call);
}

void cluster_patch(struct cluster_client *c, const struct cluster_target *t,
                   enum cluster_patch_type type, str body, const struct cluster_options *o,
                   struct call call)
{
    static const str content_type[] = {
        [CLUSTER_PATCH_JSON] = STR_INIT("application/json-patch+json"),
        [CLUSTER_PATCH_MERGE] = STR_INIT("application/merge-patch+json"),
        [CLUSTER_PATCH_STRATEGIC] = STR_INIT("application/strategic-merge-patch+json"),
        [CLUSTER_PATCH_APPLY] = STR_INIT("application/apply-patch+yaml"),
    };
    struct kube_request r = {.method = METHOD_PATCH,
                             .content_type = content_type[type],
                             .body = body};
    ask_target(c, t, o, &r, call);
}

void cluster_delete(struct cluster_client *c, const struct cluster_target *t,
                    const struct cluster_options *o, struct call call)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    value options = value_new_map(&a);
    value_set_str(&a, options, "kind", STR("DeleteOptions"));
    value_set_str(&a, options, "apiVersion", STR("v1"));
    if (o && o->propagation.len)
        value_set_str(&a, options, "propagationPolicy", o->propagation);
    if (o && o->uid.len)
        value_set_path(&a, options, "preconditions.uid", value_of_str(&a, o->uid));
    if (o && o->dry_run) {
        value all = value_new_list(&a);
        value_push(&a, all, value_of_str(&a, STR("All")));
        value_setz(&a, options, "dryRun", all);
    }
    struct kube_request r = {.method = METHOD_DELETE,
                             .content_type = STR("application/json"),
                             .body = json_str(&a, options, AUDIENCE_WIRE, 0)};
    ask_target(c, t, NULL, &r, call);
    arena_done(&a);
}
