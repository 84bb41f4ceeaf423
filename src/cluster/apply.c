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
#include "cluster/apply.h"

#include <stdlib.h>
#include <string.h>

#include "kube/managed.h"
#include "kube/object.h"
#include "kube/schema.h"
#include "kube/strategic.h"
#include "value/patch.h"

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"
#define GONE_POLL_US (20 * USEC_PER_MS)
#define GONE_POLLS_MAX 1500
#define ESTABLISHED_POLL_US (100 * USEC_PER_MS)
#define CLIENT_SIDE_MAX 8

enum state {
    OWNERS,
    MOVE,
    READ,
    CREATE,
    CHANGE,
    DELETE,
    GONE,
    RESTORE,
    UPGRADE,
    REREAD,
    AGAIN,
    ESTABLISHED
};

struct apply {
    struct cluster_client *client;
    struct call asker;
    struct arena arena;
    struct apply_options o;
    value desired;
    const struct kube_kind *kind; /* of `kinds`, or of kube's table */
    struct cluster_kinds *kinds;
    struct cluster_target target;
    struct doc *live;
    enum state state;
    int tries;
    bool recreated;
    struct doc *replaced; /* what was deleted to be made again */
    struct err refusal;   /* why the new one was not made */
    str note;             /* what was said about it before */
    struct buf warnings;  /* kubectl's standard error, lines */
    struct doc *done;     /* ESTABLISHED: what to answer, and with which words */
    const char *done_word;
    bool done_created;
    usec patience_ends;
    struct timer poll;
};

void apply_result_free(void *result)
{
    struct apply_result *r = result;
    if (!r)
        return;
    doc_unref(r->object);
    buf_done(&r->message);
    free(r);
}

str apply_object_name(struct arena *a, const struct kube_kind *kind, str group, str kind_name,
                      str name)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    str word = kind && kind->singular.len ? kind->singular : kind_name;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.at[i];
        buf_addc(&b, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
    }
    if (group.len) {
        buf_addc(&b, '.');
        buf_add(&b, group);
    }
    buf_addc(&b, '/');
    buf_add(&b, name);
    return arena_str(a, buf_str(&b));
}

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

/* kubectl's standard output and standard error as one text. */
static void say(struct apply *p, const struct doc *object, const char *what, struct buf *out)
{
    str name = apply_object_name(&p->arena, p->kind, p->target.gvk.group, p->target.gvk.kind,
                                 object ? object_name(doc_root(object)) : p->target.name);
    if (p->o.verb == APPLY_UPDATE && !str_is(str_of(what), "created"))
        name = ARENA_CAT(&p->arena, p->target.gvk.kind, STR("/"), p->target.name);
    buf_printf(out, "%.*s%.*s %s%s", STR_FMT(p->note), STR_FMT(name), what,
               p->o.dry_run ? " (dry run)" : "");
    str warnings = str_trim(buf_str(&p->warnings));
    if (warnings.len)
        buf_printf(out, ". %.*s", STR_FMT(warnings));
}

static void succeed(struct apply *p, struct doc *object, const char *what, bool created,
                    bool changed)
{
    struct apply_result *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    buf_init(&r->message, BUF_BYTES_DEFAULT);
    say(p, object, what, &r->message);
    r->object = doc_ref(object);
    r->created = created;
    r->changed = changed;
    call_answer_ok(p->asker, r, apply_result_free);
    apply_free(p);
}

static void warn_unmarked(struct apply *p)
{
    buf_printf(&p->warnings,
               "Warning: resource %.*s/%.*s is missing the " LAST_APPLIED
               " annotation which is required by  apply.  apply should only be used on resources "
               "created declaratively by either  create --save-config or  apply. The missing "
               "annotation will be patched automatically.\n",
               STR_FMT(p->kind ? p->kind->plural : STR("")), STR_FMT(p->target.name));
}

static void warn_if_deleting(struct apply *p, const struct doc *object)
{
    if (object && object_is_deleting(doc_root(object)))
        buf_printf(&p->warnings,
                   "Warning: Detected changes to resource %.*s which is currently being deleted.\n",
                   STR_FMT(p->target.name));
}

/* ---- what is sent ---- */

/* The desired object with its own JSON in the last-applied annotation, as kubectl writes it. */
static value with_last_applied(struct apply *p)
{
    struct arena *a = &p->arena;
    value bare = value_edit(a, p->desired);
    value meta = value_edit_map(a, bare, STR("metadata"));
    if (value_is_map(value_getz(meta, "annotations")))
        value_remove(value_edit_map(a, meta, STR("annotations")), STR(LAST_APPLIED));
    else
        value_setz(a, meta, "annotations", value_new_map(a));
    str text = ARENA_CAT(a, json_str(a, bare, AUDIENCE_WIRE, JSON_SORT_KEYS), STR("\n"));
    value full = value_edit(a, bare);
    value_set(a, value_edit_map(a, value_edit_map(a, full, STR("metadata")), STR("annotations")),
              STR(LAST_APPLIED), value_borrow_str(a, text));
    return full;
}

/* last applied, desired, live -> the patch; *ret_type how to send it. */
static int three_way(struct apply *p, value *ret_patch, enum cluster_patch_type *ret_type,
                     struct err *err)
{
    struct arena *a = &p->arena;
    value live = doc_root(p->live), original = VALUE_ABSENT;
    str last = object_annotation(live, STR(LAST_APPLIED));
    if (last.len) {
        int rc = json_parse(last, &(struct json_input){.name = STR("last-applied-configuration")},
                            a, &original, err);
        if (rc < 0)
            return rc;
    }
    value modified = with_last_applied(p);
    const struct kube_schema *schema =
        kube_schema_of_kind(p->target.gvk.group, p->target.gvk.version, p->target.gvk.kind);
    *ret_type = schema ? CLUSTER_PATCH_STRATEGIC : CLUSTER_PATCH_MERGE;
    if (schema)
        return kube_strategic_diff3(original, modified, live, schema, a, ret_patch, err);
    return json_merge_patch_three_way(a, original, modified, live, ret_patch, err);
}

/* kubectl drops nulls from what it creates, not from the annotation about it. */
static value without_nulls(struct arena *a, value v)
{
    if (value_is_list(v)) {
        value list = value_new_list(a);
        for (struct value_iter it = value_iter(v); value_next(&it);)
            value_push(a, list, without_nulls(a, it.val));
        return list;
    }
    if (!value_is_map(v))
        return v;
    value map = value_new_map(a);
    for (struct value_iter it = value_iter(v); value_next(&it);)
        if (!value_is_null(it.val))
            value_set(a, map, it.key, without_nulls(a, it.val));
    return map;
}

static void answered(void *arg, struct answer *ans);

static struct call expect(struct apply *p, enum state state)
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
                   plain ? p->desired : without_nulls(&p->arena, with_last_applied(p)), &o,
                   expect(p, CREATE));
}

static void patch_client_side(struct apply *p)
{
    struct err err;
    value patch;
    enum cluster_patch_type type;
    if (three_way(p, &patch, &type, &err) < 0) {
        fail(p, &err);
        return;
    }
    buf_reset(&p->warnings);
    if (!object_has_annotation(doc_root(p->live), STR(LAST_APPLIED)))
        warn_unmarked(p);
    if (value_len(patch) == 0) {
        warn_if_deleting(p, p->live);
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

static void send_apply(struct apply *p, enum state state)
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

static const char *word_of_change(const struct apply *p)
{
    switch (p->o.verb) {
    case APPLY_SERVER_SIDE: return "serverside-applied";
    case APPLY_REPLACE: return "replaced";
    case APPLY_UPDATE: return "updated";
    default: return "configured";
    }
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
    written(p, object, p->recreated ? word_of_change(p) : "created", !p->recreated);
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
    buf_printf(&p->warnings,
               "Warning: server rejected managed fields migration to Server-Side Apply. This is "
               "non-fatal and will be retried next time you apply. Error: %s\n",
               err->text);
    warn_if_deleting(p, object);
    written(p, object, word_of_change(p), false);
}

struct move { /* fields of `from` become ours; sent in `state` */
    const str *from;
    size_t n;
    enum state state;
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
        warn_if_deleting(p, object);
        written(p, object, word_of_change(p), false);
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
    buf_printf(&p->warnings,
               "Warning: failed to re-apply configuration after performing Server-Side Apply "
               "migration. This is non-fatal and will be retried next time you apply. Error: %s\n",
               err->text);
    written(p, p->live, word_of_change(p), false);
}

static void change_done(struct apply *p, struct doc *object)
{
    if (p->o.verb == APPLY_SERVER_SIDE) {
        upgrade(p, object);
        return;
    }
    if (p->o.verb == APPLY_CLIENT_SIDE)
        warn_if_deleting(p, object);
    written(p, object, word_of_change(p), false);
}

static void again_done(struct apply *p, struct doc *object)
{
    warn_if_deleting(p, object);
    written(p, object, word_of_change(p), false);
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
