/* cluster/apply.c: one object brought to a state, as a small machine.
 *
 *   READ -> (nothing there) CREATE
 *        -> (there) PATCH or PUT -> refused and force: DELETE -> GONE? (read until not found) ->
 * CREATE
 *        -> a conflict: READ again, at most APPLY_TRIES times
 *
 * Each request's answer comes back to `answered`, which looks at `state` only. */
#include "cluster/apply.h"

#include <stdlib.h>
#include <string.h>

#include "kube/object.h"
#include "kube/schema.h"
#include "kube/strategic.h"
#include "value/patch.h"

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"
#define GONE_POLL_US (20 * USEC_PER_MS)
#define GONE_POLLS_MAX 1500

enum state { READ, CREATE, CHANGE, DELETE, GONE };

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
    bool recreated, was_unmarked; /* unmarked: patched without a last-applied annotation */
    struct timer poll;
};

void apply_result_free(void *result)
{
    struct apply_result *r = result;
    if (!r)
        return;
    doc_unref(r->object);
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
    str name = apply_object_name(&p->arena, p->kind, p->target.gvk.group, p->target.gvk.kind,
                                 object ? object_name(doc_root(object)) : p->target.name);
    if (p->o.verb == APPLY_UPDATE && !created)
        name = ARENA_CAT(&p->arena, p->target.gvk.kind, STR("/"), p->target.name);
    snprintf(r->message, sizeof(r->message), "%.*s %s%s", STR_FMT(name), what,
             p->o.dry_run ? " (dry run)" : "");
    if (p->was_unmarked) {
        size_t len = strlen(r->message);
        snprintf(r->message + len, sizeof(r->message) - len,
                 ". Warning: resource %.*s/%.*s is missing the " LAST_APPLIED
                 " annotation which is required by  apply.  apply should only be used on resources "
                 "created "
                 "declaratively by either  create --save-config or  apply. The missing annotation "
                 "will be patched "
                 "automatically.",
                 STR_FMT(p->kind ? p->kind->plural : STR("")), STR_FMT(p->target.name));
    }
    r->object = doc_ref(object);
    r->created = created;
    r->changed = changed;
    call_answer_ok(p->asker, r, apply_result_free);
    apply_free(p);
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
    p->was_unmarked = !last.len;
    value modified = with_last_applied(p);
    const struct kube_schema *schema =
        kube_schema_of_kind(p->target.gvk.group, p->target.gvk.version, p->target.gvk.kind);
    *ret_type = schema ? CLUSTER_PATCH_STRATEGIC : CLUSTER_PATCH_MERGE;
    if (schema)
        return kube_strategic_diff3(original, modified, live, schema, a, ret_patch, err);
    return json_merge_patch_three_way(a, original, modified, live, ret_patch, err);
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
    cluster_create(p->client, &p->target, plain ? p->desired : with_last_applied(p), &o,
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
    if (value_len(patch) == 0) {
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

static void patch_server_side(struct apply *p)
{
    if (p->o.dry_run) {
        succeed(p, NULL, "serverside-applied", false, true);
        return;
    }
    const struct cluster_options o = {.field_manager = p->o.field_manager, .force = true};
    str body = json_str(&p->arena, p->desired, AUDIENCE_WIRE, 0);
    cluster_patch(p->client, &p->target, CLUSTER_PATCH_APPLY, body, &o, expect(p, CHANGE));
}

static void delete_first(struct apply *p)
{
    const struct cluster_options o = {.propagation = STR("Background")};
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

static void poll_gone(void *arg)
{
    struct apply *p = arg;
    cluster_get(p->client, &p->target, expect(p, GONE));
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

static void refused(struct apply *p, struct err *err)
{
    switch (p->state) {
    case READ:
        if (err->kind != ERR_NOT_FOUND) {
            fail(p, err);
            return;
        }
        start(p);
        return;
    case CREATE:
        if (err->kind == ERR_EXISTS && p->o.verb != APPLY_CREATE && try_again(p))
            return;
        fail(p, err);
        return;
    case CHANGE: change_refused(p, err); return;
    case DELETE:
    case GONE:
        if (err->kind != ERR_NOT_FOUND) {
            fail(p, err);
            return;
        }
        create(p);
        return;
    }
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

static void answered(void *arg, struct answer *ans)
{
    struct apply *p = arg;
    if (ans->rc < 0) {
        refused(p, &ans->err);
        return;
    }
    struct doc *object = answer_take(ans);
    switch (p->state) {
    case READ:
        doc_unref(p->live);
        p->live = object;
        start(p);
        return;
    case CREATE:
        succeed(p, object, p->recreated ? word_of_change(p) : "created", !p->recreated, true);
        break;
    case CHANGE: succeed(p, object, word_of_change(p), false, true); break;
    case DELETE:
    case GONE: wait_gone(p); break;
    }
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
    p->desired = value_copy(&p->arena, desired);
    p->target = cluster_target_of(p->desired);
    p->kinds = cluster_kinds_ref(cluster_kinds(c));
    p->kind = cluster_kind(c, p->target.gvk);
    p->live = doc_ref(live);
    timer_init(&p->poll, cluster_loop(c), poll_gone, p);
    bool needs_live = o->verb != APPLY_SERVER_SIDE && o->verb != APPLY_CREATE;
    if (needs_live && !o->live_known)
        read_live(p);
    else
        start(p);
}
