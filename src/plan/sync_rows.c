#include "kube/object.h"
#include "plan/sync_task.h"
#include "plan/tree.h"

static str text_at(value v, const char *key) { return value_str(value_get(v, str_of(key))); }

void rows_load(struct sync_run *r)
{
    map_init(&r->row_of, r->a);
    for (struct value_iter it = value_iter(r->f->rows); value_next(&it);) {
        struct sync_row *row = ARENA_NEW(r->a, struct sync_row);
        *row = (struct sync_row){
            .key = {text_at(it.val, "group"), text_at(it.val, "kind"), text_at(it.val, "namespace"),
                    text_at(it.val, "name")},
            .phase = sync_phase_parse(text_at(it.val, "syncPhase")),
            .old = it.val,
            .status = result_code_parse(text_at(it.val, "status")),
            .op = op_phase_parse(text_at(it.val, "hookPhase")),
            .message = text_at(it.val, "message"),
            .version = text_at(it.val, "version"),
            .hook = text_at(it.val, "hookType").len > 0,
            .images = value_getz(it.val, "images"),
        };
        str key =
            ARENA_CAT(r->a, kube_key_str(r->a, row->key), STR(":"), sync_phase_name(row->phase));
        map_set(&r->row_of, key, row);
        vec_push(r->a, &r->rows, row);
    }
}

/* What people can do about two common refusals is added to the row (not to the operation's
 * message). */
static str message_augmented(struct sync_run *r, const struct sync_row *row)
{
    static const str gone = STR_INIT("the server could not find the requested resource");
    static const str long_note =
        STR_INIT("metadata.annotations: Too long: must have at most 262144 bytes");
    const struct kube_key *k = &row->key;
    if (str_has(row->message, gone)) {
        struct plan_kind any = plan_kind_of(r->f->context->kinds, k->group, STR(""), k->kind);
        if (any.known)
            return row->message;
        return arena_printf(r->a,
                            "The Kubernetes API could not find %.*s/%.*s for requested resource "
                            "%.*s/%.*s. Make sure "
                            "the \"%.*s\" CRD is installed on the destination cluster.",
                            STR_FMT(k->group), STR_FMT(k->kind), STR_FMT(k->ns), STR_FMT(k->name),
                            STR_FMT(k->kind));
    }
    if (str_has(row->message, long_note) && !str_has(row->message, STR("-Additional Info:")))
        return ARENA_CAT(
            r->a, row->message,
            STR(" \n -Additional Info: This error usually means that you are trying to add a large "
                "resource on client side. Consider using Server-side apply or syncing with replace "
                "enabled. Note: Syncing with Replace enabled is potentially destructive as it may "
                "cause "
                "resource deletion and re-creation."));
    return row->message;
}

static void set_text(struct arena *a, value v, const char *key, str text)
{
    if (text.len)
        value_set_str(a, v, key, text);
}

static value row_print(struct sync_run *r, const struct sync_row *row)
{
    struct arena *a = r->a;
    value v = value_new_map(a);
    value_set_str(a, v, "group", row->key.group);
    value_set_str(a, v, "version", row->version);
    value_set_str(a, v, "kind", row->key.kind);
    value_set_str(a, v, "namespace", row->key.ns);
    value_set_str(a, v, "name", row->key.name);
    set_text(a, v, "status", result_code_name(row->status));
    set_text(a, v, "message", message_augmented(r, row));
    if (row->hook)
        set_text(a, v, "hookType", sync_phase_name(row->phase));
    set_text(a, v, "hookPhase", op_phase_name(row->op));
    set_text(a, v, "syncPhase", sync_phase_name(row->phase));
    if (value_len(row->images))
        value_setz(a, v, "images", row->images);
    return v;
}

value rows_print(struct sync_run *r)
{
    if (!r->n_changes)
        return r->f->rows;
    if (!r->rows.n)
        return VALUE_ABSENT;
    value list = value_new_list(r->a);
    for (size_t i = 0; i < r->rows.n; i++)
        value_push(r->a, list, row_print(r, r->rows.at[i]));
    return list;
}

void row_set(struct sync_run *r, struct sync_task *t, enum result_code status, enum op_phase op,
             str message)
{
    if (!t->row) {
        t->row = ARENA_NEW(r->a, struct sync_row);
        *t->row = (struct sync_row){.key = t->key,
                                    .phase = t->phase,
                                    .version = object_version(task_object(t)),
                                    .hook = t->hook,
                                    .images = object_images(task_object(t), r->a)};
        map_set(&r->row_of, t->row_key, t->row);
        vec_push(r->a, &r->rows, t->row);
        r->n_changes++;
    }
    struct sync_row *row = t->row;
    if (!message.len)
        message = row->message;
    if (row->status == status && row->op == op && str_eq(row->message, message))
        return;
    row->status = status;
    row->op = op;
    row->message = message;
    r->n_changes++;
}
