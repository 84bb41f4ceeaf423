/* microkube/request.c: the way of a request: path, query and Accept are read, then the verb's
 * function answers. */
#include "microkube/core.h"

str mk_query(const struct mk_ctx *c, const char *key)
{
    str s = http_query_find(&c->query, key);
    return s.at ? s : STR("");
}

/* "application/json;as=Table;v=v1;g=meta.k8s.io, application/json": the first that we can write. */
static enum mk_output output_of(str accept)
{
    str one, as;
    while (str_next(&accept, ',', &one)) {
        if (!str_starts(str_trim(one), STR("application/json")) && !str_has(one, STR("*/*")))
            continue;
        ptrdiff_t at = str_find(one, STR("as="));
        if (at < 0)
            return MK_OBJECT;
        str_cut(str_from(one, (size_t)at + 3), ';', &as, &(str){0});
        as = str_trim(as);
        if (str_is(as, "Table"))
            return MK_TABLE;
        if (str_is(as, "PartialObjectMetadata") || str_is(as, "PartialObjectMetadataList"))
            return MK_PARTIAL;
    }
    return MK_OBJECT;
}

/* The default field manager: what stands before the first "/" of the user agent. */
static str manager_of(const struct mk_ctx *c)
{
    str m = mk_query(c, "fieldManager"), head, tail;
    if (m.len)
        return m;
    str_cut(c->req->user_agent, '/', &head, &tail);
    head = str_trim(head);
    return head.len ? head : STR("unknown");
}

static int read_options(struct mk_ctx *c)
{
    str dry = mk_query(c, "dryRun"), fv = mk_query(c, "fieldValidation");
    bool patch = c->req->method == METHOD_PATCH;
    mk_causes causes = {0};
    struct mk_fault f = {.code = 422, .reason = "Invalid", .group = STR("meta.k8s.io")};
    f.kind = patch                             ? STR("PatchOptions")
             : c->req->method == METHOD_POST   ? STR("CreateOptions")
             : c->req->method == METHOD_DELETE ? STR("DeleteOptions")
                                               : STR("UpdateOptions");
    c->output = output_of(c->req->accept);
    c->manager = manager_of(c);
    c->dry_run = str_is(dry, "All");
    c->validation = MK_VALIDATE_WARN;
    if (dry.len && !c->dry_run)
        mk_cause(c, &causes, "FieldValueNotSupported", STR("dryRun"),
                 "Unsupported value: [\"%.*s\"]: supported values: \"All\"", STR_FMT(dry));
    if (str_is(fv, "Ignore"))
        c->validation = MK_VALIDATE_IGNORE;
    else if (str_is(fv, "Strict"))
        c->validation = MK_VALIDATE_STRICT;
    else if (fv.len && !str_is(fv, "Warn"))
        mk_cause(c, &causes, "FieldValueNotSupported", STR("fieldValidation"),
                 "Unsupported value: \"%.*s\": supported values: \"\", \"Ignore\", \"Strict\", "
                 "\"Warn\"",
                 STR_FMT(fv));
    if (!causes.n)
        return 0;
    f.causes = &causes;
    return mk_fail(c, &f, "%.*s.meta.k8s.io \"\" is invalid: %.*s: %.*s", STR_FMT(f.kind),
                   STR_FMT(causes.at[0].field), STR_FMT(causes.at[0].message));
}

static int resource_verb(struct mk_ctx *c)
{
    bool named = c->p.name.len > 0;
    switch (c->req->method) {
    case METHOD_GET:
    case METHOD_HEAD: return named ? mk_get(c) : mk_list(c);
    case METHOD_POST: return named ? mk_method_not_allowed(c) : mk_create(c);
    case METHOD_PUT: return named ? mk_update(c) : mk_method_not_allowed(c);
    case METHOD_PATCH: return named ? mk_patch(c) : mk_method_not_allowed(c);
    case METHOD_DELETE: return named ? mk_delete(c) : mk_delete_collection(c);
    default: return mk_method_not_allowed(c);
    }
}

static int page_not_found(struct mk_ctx *c)
{
    return mk_fail(c, &(struct mk_fault){.code = 404, .reason = "NotFound", .with_details = true},
                   "the server could not find the requested resource");
}

/* Paths outside of every group that is served. */
static int no_such_path(struct mk_ctx *c)
{
    c->res->status = 404;
    c->res->content_type = STR("text/plain; charset=utf-8");
    c->res->body = STR("404 page not found\n");
    return -1;
}

static bool group_is_served(const struct mk_ctx *c)
{
    for (const struct mk_resource *r = c->mk->resources; r; r = r->next)
        if (str_eq(r->group, c->p.group) && str_eq(r->version, c->p.version))
            return true;
    return false;
}

static int subresource_verb(struct mk_ctx *c)
{
    str s = c->p.subresource;
    if (str_is(s, "status") && c->r->has_status)
        return c->req->method == METHOD_POST || c->req->method == METHOD_DELETE
                   ? mk_method_not_allowed(c)
                   : resource_verb(c);
    if (str_is(s, "scale") && c->r->has_scale)
        return mk_scale(c);
    if (str_is(s, "finalize") && str_is(c->r->plural, "namespaces") && c->req->method == METHOD_PUT)
        return mk_update(c);
    if (str_is(s, "eviction") && str_is(c->r->plural, "pods") && c->req->method == METHOD_POST)
        return mk_delete(c);
    return page_not_found(c);
}

static int find_resource(struct mk_ctx *c)
{
    struct err err;
    str rest;
    if (kube_resource_path_parse(c->path, &c->p, &rest, &err) < 0 || !group_is_served(c))
        return no_such_path(c);
    if (rest.len)
        return page_not_found(c);
    c->r = mk_resource_find(c->mk, c->p.group, c->p.version, c->p.plural);
    if (!c->r)
        return page_not_found(c);
    if (!c->r->namespaced && c->p.ns.len && !str_is(c->r->plural, "namespaces"))
        return page_not_found(c);
    if (str_is(c->r->plural, "namespaces") && !c->r->group.len)
        c->p.ns = STR("");
    if (c->r->namespaced && !c->p.ns.len && c->p.name.len)
        return page_not_found(c);
    return 0;
}

static void route(struct mk_ctx *c)
{
    if (c->req->body.len > MK_BODY_BYTES_MAX) {
        mk_fail(c, &(struct mk_fault){.code = 413, .reason = "RequestEntityTooLarge"},
                "Request entity too large: limit is %zu", MK_BODY_BYTES_MAX);
        return;
    }
    if (mk_discovery(c) || mk_openapi(c) || find_resource(c) < 0 || read_options(c) < 0)
        return;
    if (!c->r->storage)
        mk_review(c);
    else if (c->p.subresource.len) {
        c->door = c->p.subresource;
        subresource_verb(c);
    } else
        resource_verb(c);
}

/* Shared with watch.c: everything before the verb. */
static bool open_ctx(struct mk_ctx *c)
{
    struct http_request target = {0};
    http_target_split(c->req->target, &target);
    c->query = http_query_parse(c->a, target.query);
    return http_path_decode(c->a, target.path, &c->path);
}

void microkube_request(struct microkube *mk, const struct mk_request *req, struct arena *a,
                       struct mk_response *ret)
{
    struct mk_ctx c = {.mk = mk, .req = req, .a = a, .res = ret};
    *ret = (struct mk_response){.status = 500,
                                .content_type = STR("application/json"),
                                .body = STR(""),
                                .warning = STR("")};
    mk->counts.requests++;
    if (!open_ctx(&c))
        mk_bad_request(&c, "the path has a malformed escape");
    else
        route(&c);
    if (mk->queue_n)
        mk_wake(mk, mk_now(mk));
}

bool mk_request_is_watch(const struct mk_request *req)
{
    struct http_request target = {0};
    struct arena a;
    if (req->method != METHOD_GET || !str_has(req->target, STR("watch")))
        return false;
    http_target_split(req->target, &target);
    arena_init(&a, ARENA_BYTES_DEFAULT);
    struct http_query q = http_query_parse(&a, target.query);
    str watch = http_query_find(&q, "watch");
    bool yes = (watch.at && (str_is(watch, "true") || str_is(watch, "1") || !watch.len)) ||
               str_has(target.path, STR("/v1/watch/"));
    arena_done(&a);
    return yes;
}

int mk_open_watch_ctx(struct mk_ctx *c)
{
    if (!open_ctx(c))
        return mk_bad_request(c, "the path has a malformed escape");
    ptrdiff_t at = str_find(c->path, STR("/watch/"));
    if (at > 0) /* the old form /api/v1/watch/pods */
        c->path = ARENA_CAT(c->a, str_sub(c->path, 0, (size_t)at),
                            str_from(c->path, (size_t)at + STR("/watch").len));
    if (find_resource(c) < 0)
        return -1;
    if (!c->r->storage || c->p.subresource.len)
        return mk_method_not_allowed(c);
    return read_options(c);
}
