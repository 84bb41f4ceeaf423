#include "argo/application.h"

#include "argo/tracking.h"
#include "kube/object.h"
#include "value/json.h"

/* ---- view ---- */

static void destination_view(value spec, struct app_destination *ret)
{
    value d = value_getz(spec, "destination");
    ret->server = value_str(value_getz(d, "server"));
    ret->name = value_str(value_getz(d, "name"));
    ret->namespace = value_str(value_getz(d, "namespace"));
}

static void sources_view(struct app *app)
{
    value list = value_getz(app->spec, "sources");
    app->multi_source = value_is_list(list) && value_len(list) > 0;
    if (!app->multi_source) {
        value one = value_getz(app->spec, "source");
        if (value_is_map(one))
            app->source[app->n_sources++] = one;
        return;
    }
    for (struct value_iter it = value_iter(list);
         value_next(&it) && app->n_sources < APP_SOURCES_MAX;)
        app->source[app->n_sources++] = it.val;
}

static void policy_view(struct app *app)
{
    value policy = value_getz(app->spec, "syncPolicy");
    value automated = value_getz(policy, "automated");
    value enabled = value_getz(automated, "enabled");
    app->automated = value_is_map(automated) && (value_is_nil(enabled) || value_bool(enabled));
    app->auto_prune = value_bool(value_getz(automated, "prune"));
    app->self_heal = value_bool(value_getz(automated, "selfHeal"));
    app->allow_empty = value_bool(value_getz(automated, "allowEmpty"));
    app->sync_options = value_getz(policy, "syncOptions");
    app->retry = value_getz(policy, "retry");
    app->managed_namespace_metadata = value_getz(policy, "managedNamespaceMetadata");
    if (value_is_nil(app->managed_namespace_metadata))
        app->managed_namespace_metadata = VALUE_ABSENT;
}

static bool text_is_true(str s) /* Go's strconv.ParseBool */
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (str_is(s, yes[i]))
            return true;
    return false;
}

void app_view(value object, str control_namespace, struct arena *a, struct app *ret)
{
    *ret = (struct app){.object = object, .history_limit = APP_HISTORY_LIMIT_DEFAULT};
    ret->spec = value_getz(object, "spec");
    ret->status = value_getz(object, "status");
    ret->operation = value_getz(object, "operation");
    ret->op_state = value_getz(ret->status, "operationState");
    if (!value_is_map(ret->operation))
        ret->operation = VALUE_ABSENT;
    if (!value_is_map(ret->op_state))
        ret->op_state = VALUE_ABSENT;
    ret->name = object_name(object);
    ret->namespace = object_ns(object);
    ret->uid = object_uid(object);
    ret->resource_version = object_resource_version(object);
    ret->project = value_path_str(object, "spec.project");
    if (!ret->project.len)
        ret->project = STR("default");
    ret->instance = tracking_instance(a, ret->namespace, ret->name, control_namespace);
    ret->qualified =
        ret->namespace.len ? ARENA_CAT(a, ret->namespace, STR("/"), ret->name) : ret->name;
    destination_view(ret->spec, &ret->destination);
    sources_view(ret);
    policy_view(ret);
    ret->ignore_differences = value_getz(ret->spec, "ignoreDifferences");
    value limit = value_getz(ret->spec, "revisionHistoryLimit");
    if (value_is_number(limit))
        ret->history_limit = MAX_OF(value_int(limit), 0);
    ret->created_at = object_created_at(object);
    ret->deletion_at = object_deleted_at(object);
    if (object_has_annotation(object, STR(KEY_REFRESH)))
        ret->refresh = str_is(object_annotation(object, STR(KEY_REFRESH)), "hard") ? REFRESH_HARD
                                                                                   : REFRESH_NORMAL;
    ret->skip_reconcile = text_is_true(object_annotation(object, STR(KEY_SKIP_RECONCILE)));
}

static void private_drop(void *doc) { doc_unref(doc); }

value object_private(struct arena *a, value object)
{
    if (object.doc || !value_exists(object))
        return object;
    struct doc *d = doc_freeze(object, 0);
    arena_on_done(a, private_drop, d);
    return doc_root(d);
}

/* ---- options ---- */

static bool option_next(str *rest, str *ret)
{
    while (str_next(rest, ',', ret)) {
        *ret = str_trim(*ret);
        if (ret->len)
            return true;
    }
    return false;
}

bool object_has_option(value object, const char *key, const char *option)
{
    str rest = object_annotation(object, str_of(key)), piece;
    while (option_next(&rest, &piece))
        if (str_is(piece, option))
            return true;
    return false;
}

static bool option_is(str piece, const char *name, str *ret)
{
    str n = str_of(name);
    if (!str_starts(piece, n) || piece.len <= n.len || piece.at[n.len] != '=')
        return false;
    *ret = str_from(piece, n.len + 1);
    return true;
}

str object_option_value(value object, const char *key, const char *name)
{
    str rest = object_annotation(object, str_of(key)), piece, found;
    while (option_next(&rest, &piece))
        if (option_is(piece, name, &found))
            return found;
    return STR("");
}

bool options_have(value list, const char *option)
{
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (str_is(value_str(it.val), option))
            return true;
    return false;
}

str options_value(value list, const char *name)
{
    str found;
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (option_is(value_str(it.val), name, &found))
            return found;
    return STR("");
}

/* ---- normal form ---- */

static bool value_is_zero(value v)
{
    switch (value_type(v)) {
    case VALUE_NONE:
    case VALUE_NULL: return true;
    case VALUE_BOOL: return !value_bool(v);
    case VALUE_INT:
    case VALUE_UINT:
    case VALUE_DOUBLE: return value_double(v) == 0;
    case VALUE_STRING: return value_str(v).len == 0;
    case VALUE_LIST:
    case VALUE_MAP: return value_len(v) == 0;
    }
    return false;
}

static bool members_are_zero(value map)
{
    for (struct value_iter it = value_iter(map); value_next(&it);)
        if (!value_is_zero(it.val) && !(value_is_map(it.val) && members_are_zero(it.val)))
            return false;
    return true;
}

/* What is left of a `directory` block: itself, only its include and exclude, or nothing (absent).
 */
static value directory_normalized(struct arena *a, value dir, bool *io_changed)
{
    value jsonnet = value_getz(dir, "jsonnet");
    if (value_bool(value_getz(dir, "recurse")) ||
        value_bool(value_getz(dir, "disableExtensionFilter")) || !members_are_zero(jsonnet))
        return dir;
    static const char *const kept[] = {"exclude", "include"};
    value slim = value_new_map(a);
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        str text = value_str(value_get(dir, str_of(kept[i])));
        if (text.len)
            value_set_str(a, slim, kept[i], text);
    }
    if (value_equal(slim, dir))
        return dir;
    *io_changed = true;
    return value_len(slim) ? slim : VALUE_ABSENT;
}

static value source_normalized(struct arena *a, value source, bool *io_changed)
{
    bool changed = false;
    value dir = value_getz(source, "directory");
    value new_dir = value_is_map(dir) ? directory_normalized(a, dir, &changed) : dir;
    static const char *const tools[] = {"kustomize", "helm"};
    bool drop[ARRAY_LEN(tools)] = {false};
    for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
        value tool = value_get(source, str_of(tools[i]));
        drop[i] = value_is_map(tool) && members_are_zero(tool);
        changed |= drop[i];
    }
    if (!changed)
        return source;
    *io_changed = true;
    source = value_edit(a, source);
    value_setz(a, source, "directory", new_dir);
    for (size_t i = 0; i < ARRAY_LEN(tools); i++)
        if (drop[i])
            value_remove(source, str_of(tools[i]));
    return source;
}

static bool policy_is_zero(value policy)
{
    return value_is_nil(value_getz(policy, "automated")) &&
           value_is_zero(value_getz(policy, "syncOptions")) &&
           value_is_nil(value_getz(policy, "retry")) &&
           value_is_nil(value_getz(policy, "managedNamespaceMetadata"));
}

value app_spec_normalized(struct arena *a, value spec)
{
    if (!value_is_map(spec))
        return spec;
    bool changed = false;
    value edited = object_private(a, spec);
    if (!value_str(value_getz(spec, "project")).len) {
        edited = value_edit(a, edited);
        value_set_str(a, edited, "project", STR("default"));
        changed = true;
    }
    value policy = value_getz(spec, "syncPolicy");
    if (value_is_map(policy) && policy_is_zero(policy)) {
        edited = value_edit(a, edited);
        value_remove(edited, STR("syncPolicy"));
        changed = true;
    }
    value list = value_getz(spec, "sources");
    if (value_len(list)) {
        bool some = false;
        value fresh = value_new_list(a);
        for (struct value_iter it = value_iter(list); value_next(&it);)
            value_push(a, fresh, source_normalized(a, object_private(a, it.val), &some));
        if (some) {
            edited = value_edit(a, edited);
            value_setz(a, edited, "sources", fresh);
            changed = true;
        }
    } else if (value_is_map(value_getz(spec, "source"))) {
        bool some = false;
        value one = source_normalized(a, object_private(a, value_getz(spec, "source")), &some);
        if (some) {
            edited = value_edit(a, edited);
            value_setz(a, edited, "source", one);
            changed = true;
        }
    }
    return changed ? edited : spec;
}

/* ---- sameness ---- */

static bool equal_loosely(value x, value y);

static bool lists_equal_loosely(value x, value y)
{
    if (value_len(x) != value_len(y))
        return false;
    for (size_t i = 0; i < value_len(x); i++)
        if (!equal_loosely(value_at(x, i), value_at(y, i)))
            return false;
    return true;
}

/* Every member of x is in y. */
static bool members_in(value x, value y)
{
    for (struct value_iter it = value_iter(x); value_next(&it);) {
        value other = value_get(y, it.key);
        bool exact = str_is(it.key, "valuesObject");
        if (exact ? !value_equal(it.val, other) : !equal_loosely(it.val, other))
            return false;
    }
    return true;
}

/* Equal up to members that Go leaves out when they are empty; free-form values are compared
 * exactly. */
static bool equal_loosely(value x, value y)
{
    if (value_is_zero(x) && value_is_zero(y))
        return true;
    if (value_is_map(x) && value_is_map(y))
        return members_in(x, y) && members_in(y, x);
    if (value_is_map(x) || value_is_map(y))
        return members_are_zero(x) && members_are_zero(y) && value_is_zero(value_is_map(x) ? y : x);
    return value_is_list(x) && value_is_list(y) ? lists_equal_loosely(x, y) : value_equal(x, y);
}

bool app_source_equal(value x, value y) { return equal_loosely(x, y); }

bool app_sources_equal(value x, value y)
{
    if (value_len(x) != value_len(y))
        return false;
    for (size_t i = 0; i < value_len(x); i++)
        if (!app_source_equal(value_at(x, i), value_at(y, i)))
            return false;
    return true;
}

bool app_spec_matches(const struct app *app, value compared_to)
{
    if (app->multi_source)
        return app_sources_equal(value_getz(app->spec, "sources"),
                                 value_getz(compared_to, "sources"));
    return app_source_equal(value_getz(app->spec, "source"), value_getz(compared_to, "source"));
}

bool app_deletion_confirmed(const struct app *app, usec since)
{
    usec at;
    str text = object_annotation(app->object, STR(KEY_DELETION_APPROVED));
    return text.len && time_parse(text, &at) && at >= since;
}

bool app_managed_namespace_changed(const struct app *app)
{
    value wanted = app->managed_namespace_metadata;
    value result = value_getz(app->op_state, "syncResult");
    if (!value_exists(wanted) || !value_is_map(result))
        return false;
    return !equal_loosely(wanted, value_getz(result, "managedNamespaceMetadata"));
}

/* ---- spec errors ---- */

static str source_text(value source, struct arena *a)
{
    return json_str(a, source, AUDIENCE_DISPLAY, 0);
}

static str source_error(const struct app *app, value source, struct arena *a)
{
    bool repo = value_str(value_getz(source, "repoURL")).len;
    bool path = value_str(value_getz(source, "path")).len;
    bool chart = value_str(value_getz(source, "chart")).len;
    bool ref = value_str(value_getz(source, "ref")).len;
    if (app->multi_source && (!repo || (!path && !chart && !ref)))
        return ARENA_CAT(
            a,
            STR("spec.source.repoURL and either source.path, source.chart, or source.ref are "
                "required for source "),
            source_text(source, a));
    if (!app->multi_source && (!repo || (!path && !chart)))
        return STR(
            "spec.source.repoURL and either spec.source.path or spec.source.chart are required");
    if (chart && !value_str(value_getz(source, "targetRevision")).len)
        return STR("spec.source.targetRevision is required if the manifest source is a helm chart");
    return STR("");
}

void app_spec_check(const struct app *app, struct arena *a, struct app_conditions *io)
{
    size_t n = MAX_OF(app->n_sources, 1);
    for (size_t i = 0; i < n; i++) {
        str text = source_error(app, i < app->n_sources ? app->source[i] : VALUE_ABSENT, a);
        if (!text.len)
            continue;
        app_conditions_add(io, APP_CONDITION_INVALID_SPEC_ERROR, text);
        return;
    }
}

static bool is_ref_name(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i], lower = c | 32;
        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return true;
}

str app_refs_error(value sources, struct arena *a)
{
    value seen = value_new_map(a);
    for (struct value_iter it = value_iter(sources); value_next(&it);) {
        str name = value_str(value_getz(it.val, "ref"));
        if (!name.len)
            continue;
        if (!is_ref_name(name))
            return ARENA_CAT(a, STR("sources.ref "), name,
                             STR(" cannot contain any special characters except '_' and '-'"));
        if (value_exists(value_get(seen, name)))
            return STR("invalid sources: multiple sources had the same `ref` key");
        value_set(a, seen, name, value_of_bool(a, true));
    }
    return STR("");
}

str app_destination_error(const struct app *app, const struct app_cluster *cluster, struct arena *a)
{
    const struct app_destination *d = &app->destination;
    if (d->server.len && d->name.len)
        return ARENA_CAT(a,
                         STR("application destination can't have both name and server defined: "),
                         d->name, STR(" "), d->server);
    if (!d->server.len && !d->name.len)
        return STR("Destination server missing from app spec");
    if (cluster->found)
        return STR("");
    if (d->server.len)
        return arena_printf(
            a,
            "error getting cluster by server \"%.*s\": rpc error: code = NotFound desc = cluster "
            "\"%.*s\" not found",
            STR_FMT(d->server), STR_FMT(d->server));
    if (cluster->n_same_name > 1)
        return arena_printf(a, "there are %zu clusters with the same name: [%.*s]",
                            cluster->n_same_name, STR_FMT(cluster->server));
    return ARENA_CAT(a, STR("there are no clusters with this name: "), d->name);
}
