/* cluster/apply_rbac.c: `kubectl auth reconcile` of one object.
 *
 *   NAMESPACE? -> READ -> (rbac_reconcile) -> CREATE | UPDATE | DELETE -> CREATE
 *
 * What changes under us (created, deleted, written in between) starts another round at READ.
 * kubectl would make a missing namespace; Argo CD does not want that and looks first. */
#include "cluster/apply.h"

#include <stdlib.h>

#include "kube/object.h"
#include "kube/rbac.h"

enum state { NAMESPACE, READ, CREATE, UPDATE, DELETE };

struct reconcile {
    struct cluster_client *client;
    struct call asker;
    struct arena arena;
    struct cluster_target target;
    value desired;
    struct rbac_reconciled result;
    enum state state;
    bool dry_run;
    int rounds;
};

void rbac_report_free(void *report)
{
    if (!report)
        return;
    buf_done(report);
    free(report);
}

static void end(struct reconcile *r)
{
    arena_done(&r->arena);
    free(r);
}

static void fail(struct reconcile *r, const struct err *err)
{
    call_answer_err(r->asker, err);
    end(r);
}

static void succeed(struct reconcile *r)
{
    struct buf *text = calloc(1, sizeof(*text));
    if (!text)
        abort();
    buf_init(text, BUF_BYTES_DEFAULT);
    str name = apply_object_name(&r->arena, cluster_kind(r->client, r->target.gvk),
                                 r->target.gvk.group, r->target.gvk.kind, r->target.name);
    str report = str_trim(r->result.report);
    buf_printf(text, "%.*s reconciled%s", STR_FMT(name), r->dry_run ? " (dry run)" : "");
    if (report.len)
        buf_printf(text, ". %.*s", STR_FMT(report));
    call_answer_ok(r->asker, text, rbac_report_free);
    end(r);
}

static void answered(void *arg, struct answer *ans);

static struct call expect(struct reconcile *r, enum state state)
{
    r->state = state;
    return call_open(cluster_loop(r->client), 0, answered, r);
}

static void read_existing(struct reconcile *r)
{
    cluster_get(r->client, &r->target, expect(r, READ));
}

static void create(struct reconcile *r)
{
    cluster_create(r->client, &r->target, r->result.object, NULL, expect(r, CREATE));
}

static void write_result(struct reconcile *r, str uid)
{
    const struct cluster_options same = {.uid = uid};
    enum rbac_operation op = r->dry_run || r->result.opted_out ? RBAC_NONE : r->result.operation;
    switch (op) {
    case RBAC_NONE: succeed(r); return;
    case RBAC_CREATE: create(r); return;
    case RBAC_UPDATE:
        cluster_update(r->client, &r->target, r->result.object, NULL, expect(r, UPDATE));
        return;
    case RBAC_RECREATE: cluster_delete(r->client, &r->target, &same, expect(r, DELETE)); return;
    }
}

static void refused(struct reconcile *r, struct err *err)
{
    static const int race[] =
        {[CREATE] = ERR_EXISTS, [UPDATE] = ERR_NOT_FOUND, [DELETE] = ERR_CONFLICT};
    if (r->state == NAMESPACE) {
        err_wrap(err, "error getting namespace %.*s", STR_FMT(r->target.ns));
    } else if (r->state == READ && err->kind == ERR_NOT_FOUND) {
        rbac_reconcile(r->desired, VALUE_ABSENT, &r->arena, &r->result);
        write_result(r, STR(""));
        return;
    } else if (r->state == DELETE && err->kind == ERR_NOT_FOUND) {
        create(r);
        return;
    } else if (r->state != READ && (err->kind == race[r->state] || err->kind == ERR_CONFLICT) &&
               ++r->rounds < RBAC_CONFLICTS_MAX) {
        read_existing(r);
        return;
    }
    fail(r, err);
}

static void answered(void *arg, struct answer *ans)
{
    struct reconcile *r = arg;
    if (ans->rc < 0) {
        refused(r, &ans->err);
        return;
    }
    struct doc *object = answer_take(ans);
    switch (r->state) {
    case NAMESPACE: read_existing(r); break;
    case READ:
        rbac_reconcile(r->desired, doc_root(object), &r->arena, &r->result);
        write_result(r, object_uid(doc_root(object)));
        break;
    case CREATE:
    case UPDATE: succeed(r); break;
    case DELETE: create(r); break;
    }
    doc_unref(object);
}

void cluster_rbac_reconcile(struct cluster_client *c, value desired, bool dry_run, struct call call)
{
    struct reconcile *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    arena_init(&r->arena, ARENA_BYTES_DEFAULT);
    r->client = c;
    r->asker = call;
    r->dry_run = dry_run;
    r->desired = value_copy(&r->arena, desired);
    r->target = cluster_target_of(r->desired);
    bool global = str_starts(r->target.gvk.kind, STR("Cluster"));
    const struct cluster_target ns = {.gvk = {STR(""), STR("v1"), STR("Namespace")},
                                      .name = r->target.ns};
    if (dry_run || global || !r->target.ns.len)
        read_existing(r);
    else
        cluster_get(c, &ns, expect(r, NAMESPACE));
}
