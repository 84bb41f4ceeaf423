/* controllers/application/evaluate.c: gathers what a comparison needs and makes it.
 *
 * Live objects are those whose tracking mark names the application (the mirror's subject index) and
 * those that live at a desired key, as the mirror has them; answers of the running operation that
 * are newer than the mirror stand in for its records, so that a sync sees its own writes before the
 * watch tells. */
#include "controllers/application/app.h"

#include <stdlib.h>

#include "base/digest.h"
#include "kube/object.h"

#define BODY_LOOK_US USEC_PER_SEC
#define GLOBAL_PROJECTS_MAX 16
/* Of an arena that the next evaluation may use again. */
#define SPARE_BYTES_MAX ((size_t)128 << 10)

static struct plan_kind find_kind(const void *arg, str group, str version, str kind)
{
    const struct cluster_kinds *kinds = arg;
    const struct kube_kind *k = cluster_kinds_find(kinds, group, version, kind);
    return (struct plan_kind){.known = k != NULL, .namespaced = k ? k->namespaced : true};
}

void evaluation_take_kinds(struct evaluation *e, struct cluster_client *client)
{
    if (e->cluster_kinds)
        return;
    e->cluster_kinds = cluster_kinds_ref(cluster_kinds(client));
    e->kinds = (struct plan_kinds){e->cluster_kinds, find_kind};
    e->context.kinds = &e->kinds;
}

static void find_destination(struct application *app, struct evaluation *e)
{
    struct fleet_cluster cluster;
    struct err err;
    const struct app_destination *d = &e->view.destination;
    int rc = fleet_find(app->controller->fleet, d->server, d->name, &cluster, &err);
    if (rc == 0) {
        e->cluster = (struct app_cluster){
            .server = arena_str(&e->arena, cluster.server),
            .name = arena_str(&e->arena, cluster.name),
            .project = arena_str(&e->arena, cluster.project),
            .found = true,
            .n_same_name = 1,
        };
    } else {
        e->cluster = (struct app_cluster){.server = d->server,
                                          .name = d->name,
                                          .n_same_name = rc == -ERR_INVALID ? 2 : 0};
    }
    e->has_cluster = rc == 0;
    e->destination_error = app_destination_error(&e->view, &e->cluster, &e->arena);
}

bool evaluation_cluster(struct application *app, const struct evaluation *e,
                        struct fleet_cluster *ret)
{
    struct err err;
    return e->has_cluster &&
           fleet_get(app->controller->fleet, e->cluster.server, STR(""), ret, &err) == 0;
}

/* Frozen, and as long as the evaluation. */
static value hold_object(struct evaluation *e, const struct doc *object)
{
    value_hold(&e->arena, doc_root(object));
    return doc_root(object);
}

static void find_project(struct application *app, struct evaluation *e)
{
    struct app_controller *c = app->controller;
    const struct doc *object =
        informer_find(c->projects, c->config.control_namespace, e->view.project);
    if (!object)
        return;
    str name[GLOBAL_PROJECTS_MAX];
    size_t n = project_globals(&e->settings->settings, doc_root(object), name, ARRAY_LEN(name));
    e->global = n ? ARENA_ARRAY(&e->arena, value, n) : NULL;
    for (size_t i = 0; i < n; i++) {
        const struct doc *d = informer_find(c->projects, c->config.control_namespace, name[i]);
        if (d)
            e->global[e->n_globals++] = hold_object(e, d);
    }
    project_view(hold_object(e, object), e->global, e->n_globals, &e->arena, &e->project);
    e->has_project = true;
}

/* uid and version name a state of an object. */
static void add_state(struct buf *b, value object)
{
    buf_add(b, object_uid(object));
    buf_addc(b, '/');
    buf_add(b, object_resource_version(object));
    buf_addc(b, '/');
}

struct sha256 evaluation_project_digest(const struct evaluation *e)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    if (!e->has_project)
        return (struct sha256){0};
    add_state(&b, e->project.object);
    for (size_t i = 0; i < e->n_globals; i++)
        add_state(&b, e->global[i]);
    return sha256_of(buf_str(&b));
}

str evaluation_project_error(struct evaluation *e)
{
    const struct app *app = &e->view;
    if (!e->has_project)
        return arena_printf(&e->arena,
                            "error getting app project \"%.*s\": appproject.argoproj.io \"%.*s\" "
                            "not found",
                            STR_FMT(app->project), STR_FMT(app->project));
    if (project_app_namespace_permitted(&e->project, app->namespace, &e->settings->settings))
        return STR("");
    return arena_printf(&e->arena,
                        "application '%.*s' in namespace '%.*s' is not permitted to use project "
                        "'%.*s'",
                        STR_FMT(app->name), STR_FMT(app->namespace), STR_FMT(e->project.name));
}

/* The view's reconciledAt is when we last knew: polls that found nothing moved count, and are not
 * stored. */
static void remember_looked(struct application *app, struct evaluation *e)
{
    value stored = value_getz(e->view.status, "reconciledAt");
    usec at;
    if (!app->looked_at || !value_exists(stored) || !time_parse(value_str(stored), &at) ||
        at >= app->looked_at)
        return;
    value status = value_edit(&e->arena, e->view.status);
    value_set_str(&e->arena, status, "reconciledAt", time_str(&e->arena, app->looked_at));
    e->view.status = status;
}

/* Decisions are made on what is about to be stored, or each would be made twice. */
static void see_wanted_status(struct application *app, struct evaluation *e)
{
    if (!app->wanted.status)
        return;
    struct doc *status = doc_ref(app->wanted.status);
    arena_on_done(&e->arena, (void (*)(void *))doc_unref, status);
    e->view.status = doc_root(status);
    e->view.op_state = value_getz(e->view.status, "operationState");
}

struct evaluation *evaluation_new(struct application *app)
{
    struct evaluation *e = checked_calloc(1, sizeof(*e));
    e->controller = app->controller;
    e->arena = app->controller->spare;
    app->controller->spare = (struct arena){0};
    if (!e->arena.block)
        arena_init(&e->arena, ARENA_BYTES_DEFAULT);
    e->settings = settings_snapshot_ref(app->controller->settings);
    struct doc *object = doc_ref(app->object);
    arena_on_done(&e->arena, (void (*)(void *))doc_unref, object);
    app_view(doc_root(object), app->controller->config.control_namespace, &e->arena, &e->view);
    see_wanted_status(app, e);
    remember_looked(app, e);
    find_destination(app, e);
    find_project(app, e);
    app_spec_check(&e->view, &e->arena, &e->spec_errors);
    if (e->spec_errors.n == 0 && e->destination_error.len)
        app_conditions_add(&e->spec_errors, APP_CONDITION_INVALID_SPEC_ERROR, e->destination_error);
    if (e->spec_errors.n == 0)
        project_check_app(e->has_project ? &e->project : NULL, &e->view, &e->cluster,
                          &e->settings->settings, &e->arena, &e->spec_errors);
    e->context = (struct compare_context){
        .app = &e->view,
        .settings = &e->settings->settings,
        .project = e->has_project ? &e->project : NULL,
        .cluster = &e->cluster,
        .now = application_wall(app),
    };
    return e;
}

void evaluation_free(struct evaluation *e)
{
    if (!e)
        return;
    struct arena *spare = &e->controller->spare;
    if (!spare->block && e->arena.used_bytes <= SPARE_BYTES_MAX) {
        arena_reset(&e->arena);
        *spare = e->arena;
    } else {
        arena_done(&e->arena);
    }
    cluster_kinds_unref(e->cluster_kinds);
    settings_snapshot_unref(e->settings);
    free(e);
}

/* ---- live objects ---- */

/* The newest answer about this object that the mirror has not caught up with. */
static struct action_fact *unseen_answer(const struct operation *op, struct kube_key key)
{
    struct action_fact *found = NULL;
    for (size_t i = 0; op && i < op->n_actions; i++) {
        struct action_fact *f = &op->action[i];
        if (f->answered && f->answer.ok && f->answer_object && !f->seen &&
            kube_key_eq(f->action.key, key))
            found = f;
    }
    return found;
}

struct doc *live_object(struct application *app, struct evaluation *e, const struct operation *op,
                        struct kube_key key)
{
    struct fleet_cluster cluster;
    struct mirror_object seen;
    struct doc *body;
    struct err err;
    if (!evaluation_cluster(app, e, &cluster))
        return NULL;
    bool there = mirror_find(cluster.mirror, key, &seen);
    struct action_fact *mine = unseen_answer(op, key);
    if (mine) {
        str version = object_resource_version(doc_root(mine->answer_object));
        if (!there || resource_version_newer(version, seen.resource_version))
            return doc_ref(mine->answer_object);
        mine->seen = true;
    }
    if (there && !seen.has_body) {
        interest_add(app, key);
        mirror_want_body(cluster.mirror, key);
        e->incomplete = true;
    }
    if (!there || mirror_body(cluster.mirror, &seen, &body, &err) < 0)
        return NULL;
    return body;
}

struct live_list {
    VEC(value) at;
    struct map seen; /* key text -> 1 + where it is in `at`; 0 it is not */
};

static size_t *live_slot(struct evaluation *e, struct live_list *l, str text)
{
    size_t *slot = ARENA_NEW(&e->arena, size_t);
    map_set(&l->seen, text, slot);
    return slot;
}

static void add_live(struct application *app, struct evaluation *e, const struct operation *op,
                     struct live_list *l, struct kube_key key)
{
    str text = kube_key_str(&e->arena, key);
    if (map_has(&l->seen, text))
        return;
    size_t *slot = live_slot(e, l, text);
    struct doc *d = live_object(app, e, op, key);
    if (!d)
        return;
    arena_on_done(&e->arena, (void (*)(void *))doc_unref, d);
    vec_push(&e->arena, &l->at, doc_root(d));
    *slot = l->at.n;
}

/* Of those that are desired, what the comparison needs besides what the mirror keeps. */
static void make_whole(struct application *app, struct evaluation *e, struct live_list *l)
{
    for (size_t i = 0; i < e->desired.n; i++) {
        const size_t *slot = map_find(&l->seen, kube_key_str(&e->arena, e->desired.key[i]));
        if (slot && *slot)
            l->at.at[*slot - 1] = whole_of(app, e, e->desired.object[i], l->at.at[*slot - 1]);
    }
}

static void collect_live(struct application *app, struct evaluation *e, const struct operation *op,
                         struct mirror *m, struct live_list *l)
{
    struct mirror_object o;
    map_init(&l->seen, &e->arena);
    for (struct mirror_iter it = mirror_of_subject(m, e->view.instance); mirror_next(&it, &o);)
        if (!o.has_owner)
            add_live(app, e, op, l, kube_key_copy(&e->arena, o.key));
    for (size_t i = 0; i < e->desired.n; i++)
        add_live(app, e, op, l, e->desired.key[i]);
    for (size_t i = 0; op && i < op->n_actions; i++)
        if (op->action[i].answer_object)
            add_live(app, e, op, l, op->action[i].action.key);
}

/* The mirror may see the end of an object before the request that asked for it is answered: until
 * then it counts as there, or the operation would end without having told of it. */
static void collect_going(struct evaluation *e, const struct operation *op, struct live_list *l)
{
    for (size_t i = 0; op && i < op->n_actions; i++) {
        const struct action_fact *f = &op->action[i];
        if (f->action.kind != SYNC_ACTION_PRUNE || f->answered || !f->live)
            continue;
        str text = kube_key_str(&e->arena, f->action.key);
        if (map_has(&l->seen, text))
            continue;
        live_slot(e, l, text);
        arena_on_done(&e->arena, (void (*)(void *))doc_unref, doc_ref(f->live));
        vec_push(&e->arena, &l->at, doc_root(f->live));
    }
}

/* ---- comparing ---- */

str round_error(struct arena *a, const struct round *r)
{
    if (r->refs_are_wrong && r->n_sources)
        return arena_str(a, err_str(r->source[0].err));
    for (size_t i = 0; i < r->n_sources; i++)
        if (r->source[i].state == SOURCE_FAILED)
            return arena_printf(a,
                                "failed to generate manifest for source %zu of %zu: rpc "
                                "error: code = %s desc = %s",
                                i + 1, r->n_sources, manifests_error_code(r->source[i].err->kind),
                                r->source[i].err->text);
    return STR("");
}

static str load_error(struct evaluation *e, const struct round *r)
{
    if (r->is_local && round_failed(r))
        return ARENA_CAT(&e->arena, STR("Failed to load local manifests: "),
                         err_str(r->source[0].err));
    str text = round_error(&e->arena, r);
    return text.len ? ARENA_CAT(&e->arena, STR("Failed to load target state: "), text) : text;
}

int evaluation_desired(struct evaluation *e, const struct round *r, struct err *err)
{
    size_t n = value_len(doc_root(r->local));
    for (size_t i = 0; i < r->n_sources; i++)
        n += r->source[i].result ? r->source[i].result->n_objects : 0;
    value *manifest = ARENA_ARRAY(&e->arena, value, n + 1);
    n = 0;
    e->context.unmarked = r->is_local;
    if (r->local)
        arena_on_done(&e->arena, (void (*)(void *))doc_unref, doc_ref(r->local));
    for (struct value_iter it = value_iter(doc_root(r->local)); value_next(&it);)
        manifest[n++] = it.val;
    for (size_t i = 0; i < r->n_sources; i++) {
        struct manifests_result *result = r->source[i].result;
        if (!result)
            continue;
        arena_on_done(&e->arena, (void (*)(void *))manifests_result_unref,
                      manifests_result_ref(result));
        for (size_t k = 0; k < result->n_objects; k++)
            manifest[n++] = doc_root(result->object[k].object);
    }
    return compare_targets(&e->context, manifest, n, &e->arena, &e->desired, err);
}

/* Resolved revisions; of a round that failed, what was asked for. */
static str *revisions_of(struct evaluation *e, const struct round *r)
{
    str *revision = ARENA_ARRAY(&e->arena, str, r->n_sources + 1);
    bool failed = round_failed(r) || e->cluster_away;
    for (size_t i = 0; i < r->n_sources; i++) {
        value asked = value_at(doc_root(r->revisions), i);
        value source = value_at(doc_root(r->sources), i);
        if (r->source[i].result && !failed)
            revision[i] = arena_str(&e->arena, str_of(r->source[i].result->revision));
        else if (value_str(asked).len)
            revision[i] = arena_str(&e->arena, value_str(asked));
        else
            revision[i] = arena_str(&e->arena, value_path_str(source, "targetRevision"));
    }
    return revision;
}

static value types_of(struct evaluation *e, const struct round *r)
{
    value types = value_new_list(&e->arena);
    for (size_t i = 0; i < r->n_sources; i++)
        if (r->source[i].result)
            value_push(&e->arena, types,
                       value_of_str(&e->arena, render_type_name(r->source[i].result->type)));
    return types;
}

static str cache_error(struct arena *a, str server, const struct err *why)
{
    str said = err_str(why), asked = STR("");
    ptrdiff_t end = str_find(said, STR("\": "));
    if (str_starts(said, STR("Get \"")) && end > 0) { /* no answer: upstream asks this first */
        asked = arena_printf(a, "Get \"%.*s/version?timeout=32s\": ", STR_FMT(server));
        said = str_from(said, (size_t)end + 3);
    }
    return ARENA_CAT(a,
                     STR("error synchronizing cache state : failed to get server version: failed "
                         "to get server version: "),
                     asked, said);
}

str evaluation_cluster_error(struct arena *a, str server, const struct err *why)
{
    return arena_printf(a, "failed to get cluster info for \"%.*s\": %.*s", STR_FMT(server),
                        STR_FMT(cache_error(a, server, why)));
}

/* Upstream builds both sides from the cluster's cache, and says for each that there is none. */
static str away_error(struct evaluation *e, str server, const struct err *why)
{
    struct arena *a = &e->arena;
    str info = evaluation_cluster_error(a, server, why);
    app_conditions_add(&e->spec_errors, APP_CONDITION_COMPARISON_ERROR,
                       ARENA_CAT(a, STR("Failed to load live state: "), info));
    app_conditions_add(&e->spec_errors, APP_CONDITION_UNKNOWN_ERROR, cache_error(a, server, why));
    return arena_printf(a,
                        "Failed to load target state: failed to get cluster version for cluster "
                        "\"%.*s\": %.*s",
                        STR_FMT(server), STR_FMT(info));
}

/* An operation that has begun waits for its cluster. */
static bool waits_for_cluster(const struct mirror_status *m, const struct operation *op)
{
    return !m->synced && (m->discovered || !m->failure.kind || (op && op->started));
}

enum evaluation_outcome evaluation_compare(struct application *app, struct evaluation *e,
                                           const struct round *r, const struct operation *op,
                                           struct err *err)
{
    struct fleet_cluster cluster;
    struct mirror_status mirrored;
    if (!evaluation_cluster(app, e, &cluster) || !cluster.mirror)
        return EVALUATION_WAITS;
    mirror_status(cluster.mirror, &mirrored);
    if (waits_for_cluster(&mirrored, op))
        return EVALUATION_WAITS;
    e->cluster_away = !mirrored.synced;
    evaluation_take_kinds(e, cluster.client);
    str failed =
        e->cluster_away ? away_error(e, cluster.server, &mirrored.failure) : load_error(e, r);
    struct err rules;
    e->rules = NULL; /* a rule that cannot be read is the comparison's error, not ours */
    if (normalizer_new(&e->view, &e->settings->settings, &e->arena, &e->rules, &rules) < 0)
        e->context.rules_error = arena_str(&e->arena, err_str(&rules));
    e->context.rules = e->rules;
    if (!failed.len && evaluation_desired(e, r, err) < 0)
        return EVALUATION_FAILED;
    struct live_list live = {0};
    collect_live(app, e, op, cluster.mirror, &live);
    collect_going(e, op, &live);
    if (e->incomplete) { /* the mirror tells one application of those that wait for an object */
        app->look_at = application_wall(app) + BODY_LOOK_US;
        return EVALUATION_WAITS;
    }
    make_whole(app, e, &live);
    if (e->n_missing)
        return EVALUATION_WAITS;
    value sources = value_copy(&e->arena, doc_root(r->sources));
    const struct compare_input in = {
        .desired = failed.len ? NULL : &e->desired,
        .live = live.at.at,
        .n_live = live.at.n,
        .load_error = failed,
        .sources = sources,
        .multi_source = r->multi_source,
        .revision = revisions_of(e, r),
        .n_revisions = r->n_sources,
        .source_types = failed.len ? VALUE_ABSENT : types_of(e, r),
    };
    if (compare_app(&e->context, &in, &e->arena, &e->result, err) < 0)
        return EVALUATION_FAILED;
    e->compared = true;
    app->controller->status.n_compares++;
    return EVALUATION_DONE;
}
