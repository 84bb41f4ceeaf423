/* microkube/output.c: objects as the client asked for them: whole, metadata only; tables are in
 * table.c. */
#include "microkube/core.h"

#define META_VERSION STR("meta.k8s.io/v1")

void mk_answer_json(struct mk_ctx *c, int status, value v)
{
    struct buf b = BUF_INIT;
    json_print(v, AUDIENCE_WIRE, 0, &b);
    buf_addc(&b, '\n');
    c->res->status = status;
    c->res->content_type = STR("application/json");
    c->res->body = arena_str(c->a, buf_str(&b));
    buf_done(&b);
}

bool mk_is_version(const struct mk_resource *r, value object)
{
    str version = object_api_version(object), rest = version;
    if (r->group.len) {
        if (!str_starts(version, r->group) || version.len <= r->group.len ||
            version.at[r->group.len] != '/')
            return false;
        rest = str_from(version, r->group.len + 1);
    }
    return str_eq(rest, r->version) && str_eq(object_kind(object), r->kind);
}

value mk_as_version(struct arena *a, const struct mk_resource *r, value object)
{
    if (mk_is_version(r, object))
        return object;
    value out = value_new_map(a);
    value_set_str(a, out, "apiVersion", kube_api_version(a, r->group, r->version));
    value_set_str(a, out, "kind", r->kind);
    for (struct value_iter it = value_iter(object); value_next(&it);)
        if (!str_is(it.key, "apiVersion") && !str_is(it.key, "kind"))
            value_set(a, out, it.key, it.val);
    return out;
}

value mk_partial(struct arena *a, const struct mk_resource *r, value object)
{
    value out = value_new_map(a);
    value_set_str(a, out, "kind", STR("PartialObjectMetadata"));
    value_set_str(a, out, "apiVersion", META_VERSION);
    value_setz(a, out, "metadata", value_getz(object, "metadata"));
    return out;
}

void mk_answer_object(struct mk_ctx *c, int status, value object)
{
    value out = mk_as_version(c->a, c->r, object);
    if (c->output == MK_TABLE)
        out = mk_table(c->mk, c->a, c->r, &out, 1,
                       &(struct mk_table){value_getz(object, "metadata"), true,
                                          mk_query(c, "includeObject")});
    else if (c->output == MK_PARTIAL)
        out = mk_partial(c->a, c->r, out);
    mk_answer_json(c, status, out);
}

void mk_answer_written(struct mk_ctx *c, int status, value object)
{
    if (c->output != MK_OBJECT || !mk_is_version(c->r, object)) {
        mk_answer_object(c, status, object);
        return;
    }
    c->res->status = status;
    c->res->body = ARENA_CAT(c->a, buf_str(&c->mk->written), STR("\n"));
}

value mk_table(struct microkube *mk, struct arena *a, const struct mk_resource *r, value *object,
               size_t n, const struct mk_table *t)
{
    value table = value_new_map(a), columns = value_new_list(a), rows = value_new_list(a);
    value meta = value_new_map(a);
    static const char *const kept[] = {"resourceVersion", "continue", "remainingItemCount"};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        value_set(a, meta, str_of(kept[i]), value_get(t->list_meta, str_of(kept[i])));
    value_set_str(a, table, "kind", STR("Table"));
    value_set_str(a, table, "apiVersion", STR("meta.k8s.io/v1"));
    value_setz(a, table, "metadata", meta);
    if (t->with_columns)
        mk_table_columns(a, r, columns);
    value_setz(a, table, "columnDefinitions", t->with_columns ? columns : value_null(a));
    for (size_t i = 0; i < n; i++) {
        value row = value_new_map(a);
        value_setz(a, row, "cells", mk_table_cells(mk, a, r, object[i]));
        if (str_is(t->include_object, "Object"))
            value_setz(a, row, "object", mk_as_version(a, r, object[i]));
        else
            value_setz(a, row, "object",
                       str_is(t->include_object, "None") ? value_null(a)
                                                         : mk_partial(a, r, object[i]));
        value_push(a, rows, row);
    }
    value_setz(a, table, "rows", rows);
    return table;
}
