/* cluster/apply.c: one object brought to a state, as a small machine.
 *
 *   OWNERS -> MOVE              fields of another manager become ours (migrate_manager)
 *   (roles: cluster_rbac_reconcile)
 *   READ -> (nothing there) CREATE
 *        -> (there) PATCH or PUT -> refused and force: DELETE -> GONE? (read until not found) ->
 *           CREATE -> refused: RESTORE
 *        -> a conflict: READ again, at most APPLY_TRIES times
 *   CHANGE (server-side) -> client-side managers seen: UPGRADE -> AGAIN
 *   any -> ESTABLISHED?         a definition: read until it is served
 *
 * Each request's answer comes back to `answered`; the table `on` says what a state makes of it. */
#include "cluster/apply_impl.h"

#include <stdlib.h>
#include <string.h>

#include "kube/managed.h"
#include "kube/object.h"

#define GONE_POLL_US (20 * USEC_PER_MS)
#define GONE_POLLS_MAX 1500
#define ESTABLISHED_POLL_US (100 * USEC_PER_MS)
#define CLIENT_SIDE_MAX 8

static void apply_free(struct apply *p)
{
    timer_stop(&p->poll);
    doc_unref(p->live);
    doc_unref(p->replaced);
    doc_unref(p->done);
    buf_done(&p->warnings);
    cluster_kinds_unref(p->kinds);
    arena_done(&p->arena);
    free(p);
}

static void fail(struct apply *p, const struct err *err)
{
    call_answer_err(p->asker, err);
    apply_free(p);
}

static void succeed(struct apply *p, struct doc *object, const char *what, bool created,
                    bool changed)
{
    struct apply_result *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    buf_init(&r->message, BUF_BYTES_DEFAULT);
    apply_say(p, object, what, &r->message);
    r->object = doc_ref(object);
    r->created = created;
    r->changed = changed;
    call_answer_ok(p->asker, r, apply_result_free);
    apply_free(p);
}

static void answered(void *arg, struct answer *ans);

static struct call expect(struct apply *p, enum apply_state state)
{
    p->state = state;
    return call_open(cluster_loop(p->client), 0, answered, p);
}

static void read_live(struct apply *p) { cluster_get(p->client, &p->target, expect(p, READ)); }

static void create(struct apply *p)
{
    if (p->o.dry_run) {
        succeed(p, NULL, "created", true, true);
        return;
    }
    bool plain =
        p->o.verb == APPLY_CREATE || p->o.verb == APPLY_REPLACE || p->o.verb == APPLY_UPDATE;
    const struct cluster_options o = {.field_manager = plain ? STR("") : p->o.field_manager};
    cluster_create(p->client, &p->target,
                   plain ? p->desired : apply_without_nulls(&p->arena, apply_with_last_applied(p)),
                   &o, expect(p, CREATE));
}

static void patch_client_side(struct apply *p)
{
    struct err err;
    value patch;
    enum cluster_patch_type type;
    if (apply_three_way(p, &patch, &type, &err) < 0) {
        fail(p, &err);
        return;
    }
    buf_reset(&p->warnings);
    if (!object_has_annotation(doc_root(p->live), STR(APPLY_LAST_APPLIED)))
        apply_warn_unmarked(p);
    if (value_len(patch) == 0) {
        apply_warn_if_deleting(p, p->live);
        succeed(p, p->live, "unchanged", false, false);
        return;
    }
    if (p->o.dry_run) {
        succeed(p, NULL, "configured", false, true);
        return;
    }
    const struct cluster_options o = {.field_manager = p->o.field_manager};
    str body = json_str(&p->arena, patch, AUDIENCE_WIRE, 0);
    cluster_patch(p->client, &p->target, type, body, &o, expect(p, CHANGE));
}

static void send_apply(struct apply *p, enum apply_state state)
{
    const struct cluster_options o = {.field_manager = p->o.field_manager, .force = true};
    str body = json_str(&p->arena, p->desired, AUDIENCE_WIRE, 0);
    cluster_patch(p->client, &p->target, CLUSTER_PATCH_APPLY, body, &o, expect(p, state));
}

static void patch_server_side(struct apply *p)
{
    if (p->o.dry_run) {
        succeed(p, NULL, "serverside-applied", false, true);
        return;
    }
    send_apply(p, CHANGE);
}

static void delete_first(struct apply *p)
{
    const struct cluster_options o = {.propagation = STR("Background")};
    doc_unref(p->replaced);
    p->replaced = doc_ref(p->live);
    cluster_delete(p->client, &p->target, &o, expect(p, DELETE));
}

static void put(struct apply *p)
{
    if (p->o.dry_run) {
        succeed(p, NULL, "replaced", false, true);
        return;
    }
    if (p->o.force && p->o.verb == APPLY_REPLACE) {
        p->recreated = true;
        delete_first(p);
        return;
    }
    value object = value_edit(&p->arena, p->desired);
    value_set_str(&p->arena, value_edit_map(&p->arena, object, STR("metadata")), "resourceVersion",
                  object_resource_version(doc_root(p->live)));
    cluster_update(p->client, &p->target, object, NULL, expect(p, CHANGE));
}

static void start(struct apply *p)
{
    bool exists = p->live != NULL;
    switch (p->o.verb) {
    case APPLY_SERVER_SIDE: patch_server_side(p); return;
    case APPLY_CREATE: create(p); return;
    case APPLY_CLIENT_SIDE:
        if (exists)
            patch_client_side(p);
        else
            create(p);
        return;
    case APPLY_REPLACE:
    case APPLY_UPDATE:
        if (exists)
            put(p);
        else
            create(p);
        return;
    }
}

/* ---- what comes back ---- */

/* kubectl names the temporary file that Argo CD hands it; clients match the rest of the text. */
static void fail_changing(struct apply *p, struct err *err)
{
    if (p->o.verb == APPLY_CLIENT_SIDE)
        err_wrap(err, "error when patching \"/dev/shm/0\"");
    else if (p->o.verb == APPLY_REPLACE)
        err_wrap(err, "error when replacing \"/dev/shm/0\"");
    fail(p, err);
}

static bool try_again(struct apply *p)
{
    if (++p->tries >= APPLY_TRIES)
        return false;
    doc_unref(p->live);
    p->live = NULL;
    read_live(p);
    return true;
}

static void change_refused(struct apply *p, struct err *err)
{
    bool conflict = err->kind == ERR_CONFLICT || err->kind == ERR_NOT_FOUND;
    if (conflict && p->o.verb != APPLY_SERVER_SIDE && try_again(p))
        return;
    if (p->o.force && p->o.verb == APPLY_CLIENT_SIDE &&
        (err->kind == ERR_CONFLICT || err->kind == ERR_UNPROCESSABLE)) {
        p->recreated = true;
        delete_first(p);
        return;
    }
    fail_changing(p, err);
}

static void poll_again(void *arg)
{
    struct apply *p = arg;
    cluster_get(p->client, &p->target, expect(p, p->state == ESTABLISHED ? ESTABLISHED : GONE));
}

static void wait_gone(struct apply *p)
{
    if (++p->tries > GONE_POLLS_MAX) {
        struct err err;
        err_set(&err, ERR_TIMEOUT, "timed out waiting for the condition");
        fail(p, &err);
        return;
    }
    timer_arm_in(&p->poll, GONE_POLL_US);
}

static void look_and_start(struct apply *p)
{
    bool needs_live = p->o.verb != APPLY_SERVER_SIDE && p->o.verb != APPLY_CREATE;
    if (needs_live && !p->o.live_known)
        read_live(p);
    else
        start(p);
}

static void read_refused(struct apply *p, struct err *err)
{
    if (err->kind == ERR_NOT_FOUND)
        start(p);
    else
        fail(p, err);
}

static void read_done(struct apply *p, struct doc *object)
{
    doc_unref(p->live);
    p->live = doc_ref(object);
    start(p);
}

/* ---- the end; a definition is waited for ---- */

static bool is_established(const struct doc *object)
{
    value conditions = value_path(doc_root(object), "status.conditions");
    for (struct value_iter it = value_iter(conditions); value_next(&it);)
        if (str_is(value_path_str(it.val, "type"), "Established"))
            return str_is(value_path_str(it.val, "status"), "True");
    return false;
}

static void written(struct apply *p, struct doc *object, const char *what, bool created)
{
    if (!p->o.wait_established || is_established(object)) {
        succeed(p, object, what, created, true);
        return;
    }
    p->done = doc_ref(object);
    p->done_word = what;
    p->done_created = created;
    p->state = ESTABLISHED;
    p->patience_ends = loop_now(cluster_loop(p->client)) + APPLY_ESTABLISHED_US;
    timer_arm_in(&p->poll, ESTABLISHED_POLL_US);
}

static void look_again(struct apply *p)
{
    if (loop_now(cluster_loop(p->client)) >= p->patience_ends)
        succeed(p, p->done, p->done_word, p->done_created, true);
    else
        timer_arm_in(&p->poll, ESTABLISHED_POLL_US);
}

static void established_refused(struct apply *p, struct err *err UNUSED) { look_again(p); }

static void established_done(struct apply *p, struct doc *object)
{
    if (is_established(object))
        succeed(p, object, p->done_word, p->done_created, true);
    else
        look_again(p);
}

/* ---- create, delete and create again ---- */

static void create_refused(struct apply *p, struct err *err)
{
    if (err->kind == ERR_EXISTS && p->o.verb != APPLY_CREATE && try_again(p))
        return;
    if (!p->recreated || !p->replaced || p->o.verb != APPLY_CLIENT_SIDE) {
        fail(p, err);
        return;
    }
    value original = value_edit(&p->arena, doc_root(p->replaced));
    value_remove(value_edit_map(&p->arena, original, STR("metadata")), STR("resourceVersion"));
    p->refusal = *err;
    const struct cluster_options o = {.field_manager = p->o.field_manager};
    cluster_create(p->client, &p->target, original, &o, expect(p, RESTORE));
}

static void create_done(struct apply *p, struct doc *object)
{
    written(p, object, p->recreated ? apply_word_of_change(p) : "created", !p->recreated);
}

static void restore_refused(struct apply *p, struct err *err)
{
    struct err both;
    err_set(&both, p->refusal.kind,
            "An error occurred force-replacing the existing object with the newly provided "
            "one:\n\n%s.\n\nAdditionally, an error occurred attempting to restore the original "
            "object:\n\n%s",
            p->refusal.text, err->text);
    fail(p, &both);
}

static void restore_done(struct apply *p, struct doc *object UNUSED) { fail(p, &p->refusal); }

static void gone_refused(struct apply *p, struct err *err)
{
    if (err->kind == ERR_NOT_FOUND)
        create(p);
    else
        fail(p, err);
}

static void gone_done(struct apply *p, struct doc *object UNUSED) { wait_gone(p); }

/* ---- from client-side to server-side ---- */

static void upgrade_failed(struct apply *p, struct doc *object, const struct err *err)
{
    apply_warn_not_migrated(p, err);
    apply_warn_if_deleting(p, object);
    written(p, object, apply_word_of_change(p), false);
}

struct move { /* fields of `from` become ours; sent in `state` */
    const str *from;
    size_t n;
    enum apply_state state;
    const struct cluster_options *options;
};

/* A patch that only fits the object as it is now. *ret_sent false: there is nothing to move. */
static int move_fields(struct apply *p, const struct doc *object, const struct move *m,
                       bool *ret_sent, struct err *err)
{
    struct arena *a = &p->arena;
    value moved;
    int rc = managed_upgrade(object_managed_fields(doc_root(object)), m->from, m->n,
                             p->o.field_manager, a, &moved, err);
    *ret_sent = rc == 0 && value_exists(moved);
    if (!*ret_sent)
        return rc;
    value patch = managed_upgrade_patch(a, moved, object_resource_version(doc_root(object)));
    cluster_patch(p->client, &p->target, CLUSTER_PATCH_JSON, json_str(a, patch, AUDIENCE_WIRE, 0),
                  m->options, expect(p, m->state));
    return 0;
}

/* The answer of the server shows who else owns fields: those who applied on the client's side would
 * keep what we dropped. */
static void upgrade(struct apply *p, struct doc *object)
{
    str from[CLIENT_SIDE_MAX];
    size_t n = managed_client_side(object_managed_fields(doc_root(object)), from, CLIENT_SIDE_MAX);
    const struct cluster_options o = {.field_manager = p->o.field_manager};
    const struct move m = {from, n, UPGRADE, &o};
    struct err err;
    bool sent;
    doc_unref(p->live);
    p->live = doc_ref(object);
    if (move_fields(p, object, &m, &sent, &err) < 0) {
        upgrade_failed(p, object, &err);
    } else if (!sent) {
        apply_warn_if_deleting(p, object);
        written(p, object, apply_word_of_change(p), false);
    }
}

static void upgrade_refused(struct apply *p, struct err *err)
{
    if (err->kind == ERR_CONFLICT && ++p->tries < APPLY_TRIES)
        cluster_get(p->client, &p->target, expect(p, REREAD));
    else
        upgrade_failed(p, p->live, err);
}

static void upgrade_done(struct apply *p, struct doc *object UNUSED) { send_apply(p, AGAIN); }

static void reread_refused(struct apply *p, struct err *err) { upgrade_failed(p, p->live, err); }

static void again_refused(struct apply *p, struct err *err)
{
    apply_warn_not_applied_again(p, err);
    written(p, p->live, apply_word_of_change(p), false);
}

static void change_done(struct apply *p, struct doc *object)
{
    if (p->o.verb == APPLY_SERVER_SIDE) {
        upgrade(p, object);
        return;
    }
    if (p->o.verb == APPLY_CLIENT_SIDE)
        apply_warn_if_deleting(p, object);
    written(p, object, apply_word_of_change(p), false);
}

static void again_done(struct apply *p, struct doc *object)
{
    apply_warn_if_deleting(p, object);
    written(p, object, apply_word_of_change(p), false);
}

/* ---- what comes before ---- */

static void reconciled(void *arg, struct answer *ans)
{
    struct apply *p = arg;
    if (ans->rc < 0) {
        err_wrap(&ans->err, "error running kubectl auth reconcile");
        fail(p, &ans->err);
        return;
    }
    p->note = arena_str(&p->arena, buf_str(ans->result));
    look_and_start(p);
}

static void prepare(struct apply *p)
{
    if (!p->o.rbac_reconcile) {
        look_and_start(p);
        return;
    }
    p->o.live_known = false;
    cluster_rbac_reconcile(p->client, p->desired, p->o.dry_run,
                           call_open(cluster_loop(p->client), 0, reconciled, p));
}

static void fail_moving(struct apply *p, struct err *err)
{
    err_wrap(err, "Failed to perform client-side apply migration for %.*s/%.*s/%.*s/%.*s",
             STR_FMT(p->target.gvk.group), STR_FMT(p->target.gvk.kind), STR_FMT(p->target.ns),
             STR_FMT(p->target.name));
    fail(p, err);
}

/* kubectl reads labels and annotations as texts before it does anything. */
static int check_texts(struct apply *p, struct err *err)
{
    static const char *const member[] = {"labels", "annotations"};
    static const char *const word[] =
        {[VALUE_BOOL] = "bool",     [VALUE_INT] = "number", [VALUE_UINT] = "number",
         [VALUE_DOUBLE] = "number", [VALUE_LIST] = "array", [VALUE_MAP] = "object"};
    for (size_t i = 0; i < ARRAY_LEN(member); i++) {
        value texts = value_get(value_getz(p->desired, "metadata"), str_of(member[i]));
        for (struct value_iter it = value_iter(texts); value_next(&it);) {
            enum value_type type = value_type(it.val);
            if (type < ARRAY_LEN(word) && word[type])
                return err_set(err, ERR_INVALID,
                               "unable to decode \"/dev/shm/0\": json: cannot unmarshal %s into Go "
                               "struct field ObjectMeta.metadata.%s of type string",
                               word[type], member[i]);
        }
    }
    return 0;
}

static void read_owners(struct apply *p) { cluster_get(p->client, &p->target, expect(p, OWNERS)); }

static void owners_refused(struct apply *p, struct err *err)
{
    if (err->kind == ERR_NOT_FOUND) {
        prepare(p);
        return;
    }
    err_wrap(err, "failed to get fresh object for CSA migration");
    fail_moving(p, err);
}

static void owners_done(struct apply *p, struct doc *object)
{
    struct err err;
    bool sent = false;
    const struct move m = {&p->o.migrate_manager, 1, MOVE, NULL};
    if (managed_has_update(object_managed_fields(doc_root(object)), p->o.migrate_manager) &&
        move_fields(p, object, &m, &sent, &err) < 0) {
        err_wrap(&err, "failed to generate csaupgrade migration patch");
        fail_moving(p, &err);
    } else if (!sent) {
        prepare(p);
    }
}

static void move_refused(struct apply *p, struct err *err)
{
    if (err->kind == ERR_CONFLICT && ++p->tries < APPLY_TRIES)
        read_owners(p);
    else
        fail_moving(p, err);
}

static void move_done(struct apply *p, struct doc *object UNUSED)
{
    p->o.live_known = false;
    prepare(p);
}

/* ---- the table ---- */

static const struct {
    void (*done)(struct apply *p, struct doc *object); /* object: borrowed */
    void (*refused)(struct apply *p, struct err *err);
} on[] = {
    [OWNERS] = {owners_done, owners_refused},
    [MOVE] = {move_done, move_refused},
    [READ] = {read_done, read_refused},
    [CREATE] = {create_done, create_refused},
    [CHANGE] = {change_done, change_refused},
    [DELETE] = {gone_done, gone_refused},
    [GONE] = {gone_done, gone_refused},
    [RESTORE] = {restore_done, restore_refused},
    [UPGRADE] = {upgrade_done, upgrade_refused},
    [REREAD] = {upgrade, reread_refused},
    [AGAIN] = {again_done, again_refused},
    [ESTABLISHED] = {established_done, established_refused},
};

static void answered(void *arg, struct answer *ans)
{
    struct apply *p = arg;
    if (ans->rc < 0) {
        on[p->state].refused(p, &ans->err);
        return;
    }
    struct doc *object = answer_take(ans);
    on[p->state].done(p, object);
    doc_unref(object);
}

void cluster_apply(struct cluster_client *c, value desired, const struct doc *live,
                   const struct apply_options *o, struct call call)
{
    struct apply *p = calloc(1, sizeof(*p));
    if (!p)
        abort();
    arena_init(&p->arena, ARENA_BYTES_DEFAULT);
    p->client = c;
    p->asker = call;
    p->o = *o;
    p->o.field_manager = arena_str(&p->arena, o->field_manager);
    p->o.migrate_manager = arena_str(&p->arena, o->migrate_manager);
    p->desired = value_copy(&p->arena, desired);
    p->target = cluster_target_of(p->desired);
    p->kinds = cluster_kinds_ref(cluster_kinds(c));
    p->kind = cluster_kind(c, p->target.gvk);
    p->live = doc_ref(live);
    buf_init(&p->warnings, BUF_BYTES_DEFAULT);
    timer_init(&p->poll, cluster_loop(c), poll_again, p);
    struct err err;
    if (check_texts(p, &err) < 0)
        fail(p, &err);
    else if (p->o.migrate_manager.len && !o->dry_run)
        read_owners(p);
    else
        prepare(p);
}
