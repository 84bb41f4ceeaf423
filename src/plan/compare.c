#include "plan/compare.h"

#include <stdlib.h>

#include "base/map.h"
#include "kube/object.h"
#include "plan/sync.h"
#include "plan/tree.h"

struct comparison {
    const struct compare_context *c;
    const struct compare_input *in;
    struct arena *a;
    struct map live; /* key text -> struct live_entry */
    VEC(struct compare_row) row;
    struct compare_result *ret;
    bool failed;
};

struct live_entry {
    value object;
    struct kube_key key;
    bool paired;
};

/* ---- live objects ---- */

static void warn_shared(struct comparison *m, value live, str owner)
{
    const struct app *app = m->c->app;
    if (!owner.len || str_eq(owner, app->instance))
        return;
    char *slashed = arena_cstr(m->a, owner);
    for (char *p = slashed; *p; p++)
        if (*p == '_')
            *p = '/';
    app_conditions_add(&m->ret->conditions, APP_CONDITION_SHARED_RESOURCE_WARNING,
                       arena_printf(m->a, "%.*s/%.*s is part of applications %.*s and %s",
                                    STR_FMT(object_kind(live)), STR_FMT(object_name(live)),
                                    STR_FMT(app->qualified), slashed));
}

static bool live_permitted(struct comparison *m, value live)
{
    const struct compare_context *c = m->c;
    if (!c->project)
        return true;
    bool namespaced = plan_kind_namespaced(c->kinds, object_group(live), object_kind(live));
    return project_live_permitted(c->project, live, c->cluster, namespaced);
}

static void index_live(struct comparison *m)
{
    map_init(&m->live, m->a);
    for (size_t i = 0; i < m->in->n_live; i++) {
        value o = m->in->live[i];
        if (!value_is_map(o) || !live_permitted(m, o))
            continue;
        struct live_entry *e = ARENA_NEW(m->a, struct live_entry);
        *e = (struct live_entry){.object = o, .key = object_key(o)};
        map_set(&m->live, kube_key_str(m->a, e->key), e);
    }
}

/* ---- rows ---- */

static struct live_entry *live_find(struct comparison *m, struct kube_key key)
{
    struct live_entry *e = map_find(&m->live, kube_key_str(m->a, key));
    if (!e && key.ns.len && !plan_kind_of(m->c->kinds, key.group, STR(""), key.kind).known) {
        key.ns = STR("");
        e = map_find(&m->live, kube_key_str(m->a, key));
    }
    return e;
}

static void add_row(struct comparison *m, struct kube_key key, value target, value live,
                    size_t manifest)
{
    vec_push(m->a, &m->row,
             (struct compare_row){.key = key,
                                  .target = target,
                                  .live = live,
                                  .manifest = manifest});
}

static void pair_desired(struct comparison *m)
{
    const struct compare_desired *d = m->in->desired;
    for (size_t i = 0; d && i < d->n; i++) {
        struct live_entry *e = live_find(m, d->key[i]);
        if (e) {
            e->paired = true;
            warn_shared(m, e->object, tracking_owner(m->c->settings, e->object));
        }
        add_row(m, e ? e->key : d->key[i], d->object[i], e ? e->object : VALUE_ABSENT,
                d->manifest ? d->manifest[i] + 1 : 0);
    }
}

/* Live objects that nothing desires: extra ones of this application (with the managed namespace's
 * synthetic target). */
static void pair_rest(struct comparison *m)
{
    void *at;
    for (size_t i = 0; map_next(&m->live, &i, NULL, &at);) {
        struct live_entry *e = at;
        str owner = tracking_owner(m->c->settings, e->object);
        if (e->paired || !str_eq(owner, m->c->app->instance) ||
            value_len(object_owner_refs(e->object)))
            continue;
        value target = VALUE_ABSENT;
        if (compare_is_managed_namespace(m->c->app, e->object))
            sync_namespace_wanted(m->c->app, e->object, m->a, &target);
        add_row(m, e->key, target, e->object, 0);
    }
}

static int64_t hook_wave(const struct compare_desired *d, value live)
{
    struct kube_key key = object_key(live);
    for (size_t i = 0; d && i < d->n_hooks; i++) {
        struct kube_key k = object_key(d->hook[i]);
        if (str_eq(k.name, key.name) && str_eq(k.kind, key.kind) && str_eq(k.ns, key.ns))
            return object_wave(d->hook[i]);
    }
    return 0;
}

static int row_cmp(const void *x, const void *y)
{
    return kube_key_cmp(((const struct compare_row *)x)->key, ((const struct compare_row *)y)->key);
}

/* Judge every row; a row that cannot be compared makes the whole application Unknown, and all are
 * judged again. */
static void judge(struct comparison *m)
{
    struct err err;
    struct app_conditions *conditions = &m->ret->conditions;
    for (size_t i = 0; i < m->row.n; i++) {
        struct compare_row *r = &m->row.at[i];
        bool answered = m->in->dry_run && i < m->in->n_dry_run;
        struct compare_again again = {.live = r->live,
                                      .dry_run = answered ? m->in->dry_run[i] : VALUE_ABSENT,
                                      .failed = m->failed,
                                      .conditions = conditions};
        if (!value_exists(r->target))
            r->verdict.wave = hook_wave(m->in->desired, r->live);
        if (!compare_row_again(m->c, r, &again, m->a, &err)) {
            m->ret->need_dry_run |= r->need_dry_run;
            continue;
        }
        app_conditions_add(
            conditions, APP_CONDITION_COMPARISON_ERROR,
            arena_printf(m->a,
                         "Failed to compare desired state to live state: failed to calculate "
                         "diff: %s",
                         err.text));
        m->failed = true;
        judge(m);
        return;
    }
}

/* ---- status ---- */

static value text_list(struct arena *a, const str *text, size_t n)
{
    value list = value_new_list(a);
    for (size_t i = 0; i < n; i++)
        value_push(a, list, value_of_str(a, text[i]));
    return list;
}

static value compared_to(struct comparison *m)
{
    struct arena *a = m->a;
    const struct app_destination *d = &m->c->app->destination;
    value v = value_new_map(a), where = value_new_map(a);
    if (m->in->multi_source)
        value_setz(a, v, "sources", m->in->sources);
    else if (value_len(m->in->sources))
        value_setz(a, v, "source", value_at(m->in->sources, 0));
    if (d->server.len)
        value_set_str(a, where, "server", d->server);
    if (d->namespace.len)
        value_set_str(a, where, "namespace", d->namespace);
    if (d->name.len)
        value_set_str(a, where, "name", d->name);
    value_setz(a, v, "destination", where);
    if (value_len(m->c->app->ignore_differences))
        value_setz(a, v, "ignoreDifferences", m->c->app->ignore_differences);
    return v;
}

static value status_of(struct comparison *m)
{
    struct arena *a = m->a;
    value v = value_new_map(a);
    value_set_str(a, v, "status", sync_code_name(m->ret->sync));
    value_setz(a, v, "comparedTo", compared_to(m));
    if (m->in->multi_source)
        value_setz(a, v, "revisions", text_list(a, m->in->revision, m->in->n_revisions));
    else if (m->in->n_revisions && m->in->revision[0].len)
        value_set_str(a, v, "revision", m->in->revision[0]);
    return v;
}

static void collect(struct comparison *m)
{
    struct compare_tally t = {0};
    struct compare_result *ret = m->ret;
    value list = value_new_list(m->a);
    for (size_t i = 0; i < m->row.n; i++) {
        compare_tally_add(&t, &m->row.at[i].verdict);
        value_push(m->a, list,
                   compare_row_status(&m->row.at[i], m->c->settings->persist_resource_health,
                                      m->a));
    }
    ret->row = m->row.at;
    ret->n_rows = m->row.n;
    ret->sync = compare_tally_sync(&t, m->c->app, m->failed);
    ret->health.code = compare_tally_health(&t);
    ret->health.message = compare_health_cause(ret->row, ret->n_rows, ret->health.code, m->a);
    ret->resources = m->row.n ? list : VALUE_ABSENT;
    ret->sync_status = status_of(m);
    VEC(value) targets = {0};
    for (size_t i = 0; i < m->row.n; i++)
        vec_push(m->a, &targets, m->row.at[i].target);
    ret->images = objects_images(targets.at, targets.n, m->a);
}

int compare_app(const struct compare_context *c, const struct compare_input *in, struct arena *a,
                struct compare_result *ret, struct err *err)
{
    struct comparison m = {.c = c, .in = in, .a = a, .ret = ret, .failed = in->load_error.len > 0};
    if (in->n_live > COMPARE_OBJECTS_MAX)
        return err_set(err, ERR_TOO_LARGE, "the application has %zu live objects, more than %d",
                       in->n_live, COMPARE_OBJECTS_MAX);
    *ret = (struct compare_result){.desired = in->desired};
    if (in->load_error.len)
        app_conditions_add(&ret->conditions, APP_CONDITION_COMPARISON_ERROR, in->load_error);
    if (!c->rules) {
        m.failed = true;
        app_conditions_add(
            &ret->conditions, APP_CONDITION_COMPARISON_ERROR,
            ARENA_CAT(a,
                      STR("Failed to compare desired state to live state: failed to create diff "
                          "normalizer: "),
                      c->rules_error));
    }
    for (size_t i = 0; in->desired && i < in->desired->conditions.n; i++)
        app_conditions_add(&ret->conditions, in->desired->conditions.at[i].type,
                           in->desired->conditions.at[i].message);
    index_live(&m);
    pair_desired(&m);
    pair_rest(&m);
    if (m.row.n)
        qsort(m.row.at, m.row.n, sizeof(*m.row.at), row_cmp);
    judge(&m);
    collect(&m);
    return 0;
}

value compare_status_unknown(const struct compare_context *c, const struct compare_input *in,
                             struct arena *a)
{
    (void)in;
    value old = value_getz(c->app->status, "sync");
    value v = value_is_map(old) ? value_edit(a, object_private(a, old)) : value_new_map(a);
    value_set_str(a, v, "status", sync_code_name(SYNC_UNKNOWN));
    return v;
}
