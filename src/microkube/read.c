/* microkube/read.c: get and list. */
#include <inttypes.h>

#include "base/digest.h"
#include "microkube/core.h"

#define ANY_FIELDS "metadata.name,metadata.namespace"

/* What may stand in a fieldSelector beside metadata.name and metadata.namespace. */
static const struct {
    const char *group, *plural, *fields;
} selectable[] = {
    {"", "pods",
     "spec.nodeName,spec.restartPolicy,spec.schedulerName,spec.serviceAccountName,spec.hostNetwork,"
     "status.phase,status.podIP,status.podIPs,status.nominatedNodeName"},
    {"", "events",
     "involvedObject.kind,involvedObject.namespace,involvedObject.name,involvedObject.uid,"
     "involvedObject.apiVersion,involvedObject.resourceVersion,involvedObject.fieldPath,reason,"
     "reportingComponent,source,type"},
    {"", "namespaces", "status.phase,name"},
    {"", "secrets", "type"},
    {"", "services", "spec.clusterIP,spec.type"},
    {"", "nodes", "spec.unschedulable"},
    {"", "replicationcontrollers", "status.replicas"},
    {"apps", "replicasets", "status.replicas"},
    {"batch", "jobs", "status.successful"},
    {"certificates.k8s.io", "certificatesigningrequests", "spec.signerName"},
};

static bool field_is_selectable(const struct mk_resource *r, str field)
{
    if (kube_words_have(STR(ANY_FIELDS), field))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(selectable); i++)
        if (str_is(r->plural, selectable[i].plural) &&
            str_is(r->storage->group, selectable[i].group))
            return kube_words_have(str_of(selectable[i].fields), field);
    for (struct value_iter it = value_iter(value_getz(r->crd_version, "selectableFields"));
         value_next(&it);)
        if (str_eq(str_trim_prefix(value_path_str(it.val, "jsonPath"), STR(".")), field))
            return true;
    return false;
}

static int refuse_field(struct mk_ctx *c, str field)
{
    for (size_t i = 0; i < ARRAY_LEN(selectable); i++)
        if (str_is(c->r->plural, selectable[i].plural) &&
            str_is(c->r->storage->group, selectable[i].group))
            return mk_bad_request(c, "field label not supported: %.*s", STR_FMT(field));
    return mk_bad_request(
        c, "\"%.*s\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
        STR_FMT(field));
}

int mk_parse_selectors(struct mk_ctx *c, struct mk_list_options *ret)
{
    struct err err;
    str labels = mk_query(c, "labelSelector"), fields = mk_query(c, "fieldSelector");
    *ret = (struct mk_list_options){0};
    if (labels.len && kube_label_selector_parse(labels, c->a, &ret->labels, &err) < 0)
        return mk_bad_request(c, "unable to parse requirement: %s",
                              str_from(err_str(&err),
                                       str_starts(err_str(&err),
                                                  STR("unable to parse requirement: "))
                                           ? strlen("unable to parse requirement: ")
                                           : 0)
                                  .at);
    if (fields.len && kube_field_selector_parse(fields, c->a, &ret->fields, &err) < 0)
        return mk_bad_request(c, "%s", err.text);
    for (size_t i = 0; i < ret->fields.n; i++)
        if (!field_is_selectable(c->r, ret->fields.requirement[i].key))
            return refuse_field(c, ret->fields.requirement[i].key);
    ret->has_labels = !kube_selector_is_empty(&ret->labels);
    ret->has_fields = !kube_selector_is_empty(&ret->fields);
    if (c->p.name.len) { /* a named list or watch: one object */
        static const char meta_name[] = "metadata.name";
        struct kube_requirement *q = ARENA_ARRAY(c->a, struct kube_requirement, ret->fields.n + 1);
        for (size_t i = 0; i < ret->fields.n; i++)
            q[i] = ret->fields.requirement[i];
        q[ret->fields.n] = (struct kube_requirement){str_of(meta_name), KUBE_OP_EQ, &c->p.name, 1};
        ret->fields.requirement = q;
        ret->fields.n++;
        ret->has_fields = true;
    }
    return 0;
}

bool mk_object_matches(const struct mk_list_options *o, value object)
{
    return (!o->has_labels || kube_selector_matches(&o->labels, object_labels(object))) &&
           (!o->has_fields || kube_field_selector_matches(&o->fields, object));
}

/* A version newer than ours is answered as the watch cache does when it does not catch up. */
static int check_version(struct mk_ctx *c, const char *what)
{
    str rv = mk_query(c, "resourceVersion");
    uint64_t want;
    if (!rv.len)
        return 0;
    if (!str_to_u64(rv, &want)) {
        mk_causes causes = {0};
        struct mk_fault f = {.code = 400, .reason = "BadRequest"};
        mk_cause(c, &causes, "FieldValueInvalid", STR("resourceVersion"), "Invalid value");
        return mk_fail(
            c, &f, "Invalid value: \"%.*s\": strconv.ParseUint: parsing \"%.*s\": invalid syntax",
            STR_FMT(rv), STR_FMT(rv));
    }
    if (want <= c->mk->rv)
        return 0;
    mk_causes causes = {0};
    mk_cause(c, &causes, "ResourceVersionTooLarge", STR(""), "Too large resource version");
    struct mk_fault f = {.code = 504,
                         .reason = "Timeout",
                         .causes = &causes,
                         .retry_after_seconds = 1};
    return mk_fail(c, &f, "Too large resource version: %" PRIu64 ", current: %" PRIu64, want,
                   c->mk->rv);
}

int mk_get(struct mk_ctx *c)
{
    if (check_version(c, "get") < 0)
        return -1;
    struct mk_object *o = mk_find(c->r->storage, c->p.ns, c->p.name);
    if (!o)
        return mk_not_found(c, c->r, c->p.name);
    mk_answer_object(c, 200, doc_root(o->doc));
    return 0;
}

/* ---- list ---- */

struct list_page {
    uint64_t limit, rv;
    str start;  /* first key wanted, or "" */
    value next; /* continue token or absent */
    uint64_t remaining;
};

static int read_continue(struct mk_ctx *c, struct list_page *page)
{
    str token = mk_query(c, "continue"), json;
    value v;
    if (!token.len)
        return 0;
    if (!base64url_parse(c->a, token, &json) || json_parse(json, NULL, c->a, &v, NULL) < 0 ||
        !value_path_str(v, "start").len)
        return mk_bad_request(c, "invalid continue token: continue key is not valid: illegal "
                                 "base64 data at input byte 0");
    page->start = value_path_str(v, "start");
    page->rv = value_uint(value_getz(v, "rv"));
    if (page->rv < c->mk->history_floor)
        return mk_expired(
            c, "The provided continue parameter is too old to display a consistent "
               "list result. You can start a new list without the continue parameter, or "
               "use the continue token in this response to retrieve the remainder of the "
               "results. Continuing with the provided token results in an inconsistent "
               "list - objects that were created, modified, or deleted between the time "
               "the first chunk was returned and now may show up in the list.");
    return 0;
}

static value continue_token(struct mk_ctx *c, const struct list_page *page, const char *key)
{
    value v = value_new_map(c->a);
    value_set_str(c->a, v, "v", STR("meta.k8s.io/v1"));
    value_setz(c->a, v, "rv", value_of_uint(c->a, page->rv));
    value_set_str(c->a, v, "start", str_of(key));
    return value_of_str(c->a, base64url_str(c->a, json_str(c->a, v, AUDIENCE_WIRE, 0)));
}

static int read_page(struct mk_ctx *c, struct list_page *page)
{
    str limit = mk_query(c, "limit"), match = mk_query(c, "resourceVersionMatch");
    str rv = mk_query(c, "resourceVersion");
    *page = (struct list_page){.rv = c->mk->rv, .start = STR("")};
    if (limit.len && !str_to_u64(limit, &page->limit))
        return mk_bad_request(c, "strconv.ParseInt: parsing \"%.*s\": invalid syntax",
                              STR_FMT(limit));
    if (match.len && !rv.len) {
        mk_causes causes = {0};
        mk_cause(c, &causes, "FieldValueForbidden", STR("resourceVersionMatch"),
                 "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided");
        return mk_fail(c,
                       &(struct mk_fault){.code = 422,
                                          .reason = "Invalid",
                                          .group = STR("meta.k8s.io"),
                                          .kind = STR("ListOptions"),
                                          .causes = &causes},
                       "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: %.*s",
                       STR_FMT(causes.at[0].message));
    }
    uint64_t want;
    if (str_is(match, "Exact") && str_to_u64(rv, &want) && want != c->mk->rv && want)
        return mk_expired(c, "The resourceVersion for the provided list is too old.");
    return read_continue(c, page);
}

typedef VEC(value) value_vec;

static int collect(struct mk_ctx *c, const struct mk_list_options *o, struct list_page *page,
                   value_vec *out)
{
    size_t n;
    struct mk_object **all = mk_range(c->r->storage, c->p.ns, &n);
    for (size_t i = 0; i < n; i++) {
        value v = doc_root(all[i]->doc);
        if (page->start.len && str_cmp(str_of(all[i]->key), page->start) < 0)
            continue;
        if (!mk_object_matches(o, v))
            continue;
        if (page->limit && out->n == page->limit) {
            page->next = continue_token(c, page, all[i]->key);
            page->remaining = o->has_labels || o->has_fields ? 0 : n - i;
            return 0;
        }
        vec_push(c->a, out, v);
    }
    return 0;
}

static value list_meta(struct mk_ctx *c, const struct list_page *page)
{
    value meta = value_new_map(c->a);
    value_set_str(c->a, meta, "resourceVersion", arena_printf(c->a, "%" PRIu64, page->rv));
    if (value_exists(page->next))
        value_setz(c->a, meta, "continue", page->next);
    if (page->remaining)
        value_setz(c->a, meta, "remainingItemCount", value_of_uint(c->a, page->remaining));
    return meta;
}

/* Items of built-in lists carry no kind and apiVersion, those of custom resources do. */
static value list_item(struct mk_ctx *c, value object)
{
    if (c->output == MK_PARTIAL)
        return mk_partial(c->a, c->r, object);
    if (!c->r->builtin)
        return mk_as_version(c->a, c->r, object);
    value out = value_edit(c->a, object);
    value_remove(out, STR("apiVersion"));
    value_remove(out, STR("kind"));
    return out;
}

int mk_list(struct mk_ctx *c)
{
    struct mk_list_options o;
    struct list_page page;
    value_vec found = {0};
    if (mk_parse_selectors(c, &o) < 0 || check_version(c, "list") < 0 || read_page(c, &page) < 0)
        return -1;
    collect(c, &o, &page, &found);
    value meta = list_meta(c, &page);
    if (c->output == MK_TABLE) {
        mk_answer_json(c, 200,
                       mk_table(c->mk, c->a, c->r, found.at, found.n,
                                &(struct mk_table){meta, true, mk_query(c, "includeObject")}));
        return 0;
    }
    value list = value_new_map(c->a), items = value_new_list(c->a);
    bool partial = c->output == MK_PARTIAL;
    value_set_str(c->a, list, "kind", partial ? STR("PartialObjectMetadataList") : c->r->list_kind);
    value_set_str(c->a, list, "apiVersion",
                  partial ? STR("meta.k8s.io/v1")
                          : kube_api_version(c->a, c->r->group, c->r->version));
    value_setz(c->a, list, "metadata", meta);
    for (size_t i = 0; i < found.n; i++)
        value_push(c->a, items, list_item(c, found.at[i]));
    value_setz(c->a, list, "items", items);
    mk_answer_json(c, 200, list);
    return 0;
}
