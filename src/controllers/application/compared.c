/* controllers/application/compared.c: what was compared last, row by row.
 *
 * After a comparison of the whole application each row's verdict is kept with the live version it
 * was made from, and their counters; bodies are not. A change in the cluster compares the rows it
 * names and adjusts the counters; the status is made again only when a verdict has changed. The
 * whole application is compared when anything else has changed that a verdict depends on (the
 * *basis*: what was rendered, spec, project, settings, kinds, clusters), when an object comes or
 * goes that is no row, and whenever a row has something to say besides its verdict (a condition,
 * another owner's mark): such a comparison keeps nothing, so the next change compares all again. */
#include "controllers/application/app.h"

#include <stdlib.h>

#include "kube/object.h"

#define NOT_DESIRED UINT32_MAX
/* A row with a longer resourceVersion is compared each time. */
#define VERSION_BYTES 24

struct kept_row {
    struct kube_key key; /* text behind the rows */
    str version, message;
    uint32_t manifest; /* among those of the round, or NOT_DESIRED */
    struct compare_verdict verdict;
    char live[VERSION_BYTES]; /* resourceVersion; "" not there */
};

struct basis {
    uint64_t round, world;
    struct sha256 spec, project;
    struct settings_snapshot *settings; /* references */
    struct cluster_kinds *kinds;
};

struct compared {
    struct basis basis;
    struct compare_tally tally;
    size_t n;
    struct kept_row row[];
};

/* ---- the basis ---- */

/* Annotations that may decide something: those of our own domains, but for the one that asks. */
static value own_annotations(struct evaluation *e)
{
    value own = value_new_map(&e->arena);
    for (struct value_iter it = value_iter(object_annotations(e->view.object)); value_next(&it);)
        if (str_has(it.key, STR("argoproj.io/")) && !str_is(it.key, KEY_REFRESH))
            value_set(&e->arena, own, it.key, it.val);
    return own;
}

static struct sha256 spec_digest(struct evaluation *e)
{
    struct sha256 part[] = {value_digest(e->view.spec), value_digest(own_annotations(e))};
    return sha256_of(str_mem((const char *)part, sizeof(part)));
}

static struct basis basis_of(const struct application *app, struct evaluation *e)
{
    return (struct basis){
        .round = app->rendered.serial,
        .world = app->controller->world_serial,
        .spec = spec_digest(e),
        .project = evaluation_project_digest(e),
        .settings = e->settings,
        .kinds = e->cluster_kinds,
    };
}

static bool basis_eq(const struct basis *a, const struct basis *b)
{
    return a->round == b->round && a->world == b->world && sha256_eq(&a->spec, &b->spec) &&
           sha256_eq(&a->project, &b->project) && a->settings == b->settings &&
           a->kinds == b->kinds;
}

/* ---- keeping ---- */

static void set_message(struct kept_row *k, str message)
{
    char *own = NULL;
    if (message.len) {
        own = checked_calloc(1, message.len + 1);
        memcpy(own, message.at, message.len);
    }
    free((char *)(uintptr_t)k->message.at);
    k->message = (str){own, message.len};
    k->verdict.health_message = k->message;
}

static void set_live(struct kept_row *k, value live)
{
    str version = object_resource_version(live);
    memset(k->live, 0, sizeof(k->live));
    if (version.len < sizeof(k->live))
        memcpy(k->live, version.len ? version.at : "", version.len);
}

static void set_verdict(struct kept_row *k, const struct compare_row *r)
{
    k->verdict = r->verdict;
    set_message(k, r->verdict.health_message);
    set_live(k, r->live);
}

void compared_forget(struct application *app)
{
    struct compared *c = TAKE(app->compared);
    if (!c)
        return;
    for (size_t i = 0; i < c->n; i++)
        free((char *)(uintptr_t)c->row[i].message.at);
    settings_snapshot_unref(c->basis.settings);
    cluster_kinds_unref(c->basis.kinds);
    free(c);
}

static str keep_text(char **at, str s)
{
    str kept = {*at, s.len};
    memcpy(*at, s.len ? s.at : "", s.len);
    *at += s.len;
    return kept;
}

/* A row is printed from its key later: where the object calls itself otherwise it is not kept. */
static bool is_plain(const struct compare_row *r)
{
    value o = value_exists(r->live) ? r->live : r->target;
    return str_eq(object_name(o), r->key.name) && str_eq(object_ns(o), r->key.ns) &&
           !r->need_dry_run;
}

static bool can_keep(const struct evaluation *e, const struct round *r)
{
    bool plain = !round_failed(r) && e->rules && !e->result.conditions.n && !e->spec_errors.n;
    for (size_t i = 0; plain && i < e->result.n_rows; i++)
        plain = is_plain(&e->result.row[i]);
    return plain;
}

void compared_keep(struct application *app, struct evaluation *e, const struct round *r)
{
    const struct compare_result *result = &e->result;
    size_t bytes = sizeof(struct compared) + result->n_rows * sizeof(struct kept_row);
    size_t text_at = bytes;
    compared_forget(app);
    if (!can_keep(e, r))
        return;
    for (size_t i = 0; i < result->n_rows; i++) {
        const struct compare_row *row = &result->row[i];
        bytes += row->key.group.len + row->key.kind.len + row->key.ns.len + row->key.name.len +
                 row->version.len;
    }
    struct compared *c = checked_calloc(1, bytes);
    char *text = (char *)c + text_at;
    c->basis = basis_of(app, e);
    settings_snapshot_ref(c->basis.settings);
    cluster_kinds_ref(c->basis.kinds);
    c->n = result->n_rows;
    for (size_t i = 0; i < c->n; i++) {
        const struct compare_row *row = &result->row[i];
        struct kept_row *k = &c->row[i];
        k->key =
            (struct kube_key){keep_text(&text, row->key.group), keep_text(&text, row->key.kind),
                              keep_text(&text, row->key.ns), keep_text(&text, row->key.name)};
        k->version = keep_text(&text, row->version);
        k->manifest = row->manifest ? (uint32_t)(row->manifest - 1) : NOT_DESIRED;
        set_verdict(k, row);
        compare_tally_add(&c->tally, &k->verdict);
    }
    app->compared = c;
}

/* ---- what changed ---- */

void compared_changed(struct application *app, struct kube_key key)
{
    for (size_t i = 0; i < app->n_changed; i++)
        if (kube_key_eq(app->changed[i]->key, key))
            return;
    if (app->n_changed == APP_CHANGED_MAX) {
        app->changed_all = true;
        return;
    }
    if (!app->changed)
        app->changed = checked_calloc(APP_CHANGED_MAX, sizeof(struct changed_key *));
    struct changed_key *c =
        checked_calloc(1, sizeof(*c) + key.group.len + key.kind.len + key.ns.len + key.name.len);
    char *at = c->text;
    c->key = (struct kube_key){keep_text(&at, key.group), keep_text(&at, key.kind),
                               keep_text(&at, key.ns), keep_text(&at, key.name)};
    app->changed[app->n_changed++] = c;
}

void compared_settled(struct application *app)
{
    for (size_t i = 0; i < app->n_changed; i++)
        free(app->changed[i]);
    free(TAKE(app->changed));
    app->n_changed = 0;
    app->changed_all = false;
}

/* ---- rows again ---- */

struct fresh_row {
    struct kept_row *kept;
    struct compare_row row;
};

struct again {
    struct application *app;
    struct evaluation *e;
    struct mirror *mirror;
    VEC(struct fresh_row) fresh;
};

static int by_key(const void *key, const void *row)
{
    return kube_key_cmp(*(const struct kube_key *)key, ((const struct kept_row *)row)->key);
}

static struct kept_row *find_row(struct compared *c, const struct kube_key *key)
{
    return c->n ? bsearch(key, c->row, c->n, sizeof(c->row[0]), by_key) : NULL;
}

static value manifest_at(const struct round *r, size_t at)
{
    if (r->is_local)
        return value_at(doc_root(r->local), at);
    for (size_t i = 0; i < r->n_sources; i++) {
        const struct manifests_result *result = r->source[i].result;
        if (result && at < result->n_objects)
            return doc_root(result->object[at].object);
        at -= result ? result->n_objects : 0;
    }
    return VALUE_ABSENT;
}

/* The target alone is what it is among all others, but for duplicates and generated names: the key
 * tells. */
static bool find_target(struct evaluation *e, const struct round *r, const struct kept_row *k,
                        value *ret)
{
    struct compare_desired one;
    struct err err;
    value manifest = k->manifest == NOT_DESIRED ? VALUE_ABSENT : manifest_at(r, k->manifest);
    *ret = VALUE_ABSENT;
    if (k->manifest == NOT_DESIRED)
        return true;
    e->context.unmarked = r->is_local;
    if (compare_targets(&e->context, &manifest, 1, &e->arena, &one, &err) < 0 || one.n != 1 ||
        one.conditions.n)
        return false;
    *ret = one.object[0];
    return kube_key_eq(one.key[0], k->key);
}

/* Nothing about it concerns other rows or other applications. */
static bool is_ordinary(const struct evaluation *e, const struct kept_row *k, value live)
{
    str owner = tracking_owner(&e->settings->settings, live);
    bool ours = str_eq(owner, e->view.instance), desired = k->manifest != NOT_DESIRED;
    if (desired ? owner.len && !ours : !ours || value_len(object_owner_refs(live)) > 0)
        return false;
    if (compare_is_managed_namespace(&e->view, live))
        return false;
    return !e->has_project ||
           project_live_permitted(&e->project, live, &e->cluster,
                                  plan_kind_namespaced(&e->kinds, k->key.group, k->key.kind));
}

static bool row_again(struct again *g, struct kept_row *k)
{
    struct evaluation *e = g->e;
    struct mirror_object seen;
    struct err err;
    bool there = mirror_find(g->mirror, k->key, &seen);
    if (there ? str_is(seen.resource_version, k->live) : !k->live[0])
        return true;
    struct doc *body = there ? live_object(g->app, e, NULL, k->key) : NULL;
    if (body)
        arena_on_done(&e->arena, (void (*)(void *))doc_unref, body);
    struct compare_row row = {.key = k->key, .verdict.wave = k->verdict.wave};
    struct app_conditions *said = ARENA_NEW(&e->arena, struct app_conditions);
    if (!find_target(e, &g->app->rendered, k, &row.target))
        return false;
    const struct compare_again again = {.live = whole_of(g->app, e, row.target, doc_root(body)),
                                        .conditions = said};
    if (e->n_missing || (!body && (there || k->manifest == NOT_DESIRED)))
        return false;
    if (body && !is_ordinary(e, k, again.live))
        return false;
    if (compare_row_again(&e->context, &row, &again, &e->arena, &err) < 0)
        return false;
    if (said->n || !is_plain(&row) || !str_eq(row.version, k->version))
        return false;
    vec_push(&e->arena, &g->fresh, (struct fresh_row){k, row});
    return true;
}

/* An object that is no row: somebody's child, or a stranger. One that bears our mark and has no
 * owner would be a new row. */
static bool is_beside(struct again *g, struct kube_key key)
{
    struct mirror_object seen;
    return !mirror_find(g->mirror, key, &seen) || seen.has_owner ||
           !str_eq(seen.subject, g->e->view.instance);
}

static bool verdict_eq(const struct compare_verdict *a, const struct compare_verdict *b)
{
    return a->sync == b->sync && a->health == b->health &&
           str_eq(a->health_message, b->health_message) && a->modified == b->modified &&
           a->hook == b->hook && a->requires_pruning == b->requires_pruning &&
           a->requires_deletion_confirmation == b->requires_deletion_confirmation &&
           a->counts_sync == b->counts_sync && a->counts_health == b->counts_health &&
           a->live == b->live && a->managed == b->managed && a->wave == b->wave;
}

static bool take_rows(struct again *g)
{
    struct compared *c = g->app->compared;
    bool news = false;
    for (size_t i = 0; i < g->fresh.n; i++) {
        struct kept_row *k = g->fresh.at[i].kept;
        const struct compare_row *row = &g->fresh.at[i].row;
        news |= !verdict_eq(&k->verdict, &row->verdict);
        compare_tally_remove(&c->tally, &k->verdict);
        set_verdict(k, row);
        compare_tally_add(&c->tally, &k->verdict);
        interest_of_row(g->app, g->e, row);
    }
    return news;
}

/* ---- results from rows ---- */

static str cause_of(const struct compared *c, enum health_code code, struct arena *a)
{
    if (code == HEALTH_HEALTHY)
        return STR("");
    struct compare_row *row = ARENA_ARRAY(a, struct compare_row, c->n);
    for (size_t i = 0; i < c->n; i++)
        row[i] = (struct compare_row){.key = c->row[i].key, .verdict = c->row[i].verdict};
    return compare_health_cause(row, c->n, code, a);
}

/* What the rows say together, without bodies. Where nothing is new and nothing to be synced, nobody
 * asks for the rows: they are as the status has them. */
static void summarise(struct again *g, bool news)
{
    struct compared *c = g->app->compared;
    struct arena *a = &g->e->arena;
    struct compare_result *r = &g->e->result;
    r->sync = compare_tally_sync(&c->tally, &g->e->view, false);
    r->health.code = compare_tally_health(&c->tally);
    if (!news && r->sync != SYNC_OUT_OF_SYNC)
        return;
    bool with_health = g->e->settings->settings.persist_resource_health;
    value list = value_new_list(a);
    for (size_t i = 0; i < c->n; i++)
        value_push(a, list,
                   compare_verdict_status(c->row[i].key, c->row[i].version, &c->row[i].verdict,
                                          with_health, a));
    r->health.message = cause_of(c, r->health.code, a);
    r->resources = c->n ? list : VALUE_ABSENT;
}

static void check_against_all(struct application *app);

static bool look(struct again *g)
{
    struct application *app = g->app;
    if (!app->compared || app->changed_all)
        return false;
    for (size_t i = 0; i < app->n_changed; i++) {
        struct kept_row *k = find_row(app->compared, &app->changed[i]->key);
        if (k ? !row_again(g, k) : !is_beside(g, app->changed[i]->key))
            return false;
    }
    return true;
}

static bool ready(struct again *g)
{
    struct evaluation *e = g->e;
    struct fleet_cluster cluster;
    struct mirror_status mirrored;
    struct err err;
    if (!evaluation_cluster(g->app, e, &cluster) || !cluster.mirror)
        return false;
    mirror_status(cluster.mirror, &mirrored);
    g->mirror = cluster.mirror;
    evaluation_take_kinds(e, cluster.client);
    struct basis now = basis_of(g->app, e);
    if (!mirrored.synced || !basis_eq(&g->app->compared->basis, &now))
        return false;
    int rc = normalizer_new(&e->view, &e->settings->settings, &e->arena, &e->rules, &err);
    e->context.rules = e->rules;
    return rc == 0;
}

bool compared_again(struct application *app, struct evaluation *e, bool *ret_news)
{
    struct again g = {.app = app, .e = e};
    if (!app->compared || !ready(&g) || !look(&g))
        return false;
    app->controller->status.n_rows_compared += g.fresh.n;
    *ret_news = take_rows(&g);
    summarise(&g, *ret_news);
    if (app->n_changed && !app->tree_at)
        app->tree_at = application_wall(app) + TREE_SETTLE_US(app->compared->n);
    if (app->controller->config.check_counters)
        check_against_all(app);
    compared_settled(app);
    return true;
}

bool compared_rows(struct application *app, struct evaluation *e)
{
    struct again g = {.app = app, .e = e};
    struct compare_result *r = &e->result;
    if (!app->compared || !ready(&g))
        return false;
    r->row = ARENA_ARRAY(&e->arena, struct compare_row, app->compared->n + 1);
    r->n_rows = app->compared->n;
    for (size_t i = 0; i < r->n_rows; i++) {
        const struct kept_row *k = &app->compared->row[i];
        struct doc *body = live_object(app, e, NULL, k->key);
        r->row[i] = (struct compare_row){.key = k->key, .version = k->version};
        r->row[i].live = doc_root(body);
        if (body)
            arena_on_done(&e->arena, (void (*)(void *))doc_unref, body);
        else if (!find_target(e, &app->rendered, k, &r->row[i].target))
            return false;
    }
    return true;
}

/* ---- tests ---- */

static bool is_changed(const struct application *app, const struct kube_key *key)
{
    for (size_t i = 0; i < app->n_changed; i++)
        if (kube_key_eq(app->changed[i]->key, *key))
            return true;
    return false;
}

/* Counters from scratch, and the verdicts that a comparison of the whole application gives. The
 * mirror may know more by now than it has told: such rows are looked at when it does. */
static void check_against_all(struct application *app)
{
    struct compared *c = app->compared;
    struct compare_tally tally = {0};
    struct err err;
    struct evaluation *e = evaluation_new(app);
    bool same = evaluation_compare(app, e, &app->rendered, NULL, &err) == EVALUATION_DONE;
    for (size_t i = 0; same && i < e->result.n_rows; i++) {
        const struct compare_row *row = &e->result.row[i];
        const struct kept_row *k = find_row(c, &row->key);
        bool current = k && str_is(object_resource_version(row->live), k->live);
        if (k && (current || is_changed(app, &row->key))) {
            same = current && verdict_eq(&row->verdict, &k->verdict);
            app->controller->status.n_rows_checked++;
        }
    }
    for (size_t i = 0; i < c->n; i++)
        compare_tally_add(&tally, &c->row[i].verdict);
    if (!same || memcmp(&tally, &c->tally, sizeof(tally)) != 0) {
        LOG(LOG_LEVEL_ERROR, "the kept comparison of %s is not what all of it gives", app->key);
        abort();
    }
    evaluation_free(e);
}
