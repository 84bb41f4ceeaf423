#include "argo/settings.h"

#include <regex.h>
#include <string.h>

#include "argo/names.h"
#include "lang/glob.h"
#include "value/yaml.h"

/* ---- reading ---- */

struct reader {
    struct arena *a;
    struct settings *s;
    value cm, params;
};

static void problem(struct reader *r, str key, const char *what)
{
    value_push(r->a, r->s->problems,
               value_of_str(r->a, arena_printf(r->a, "%.*s: %s", STR_FMT(key), what)));
}

static bool bool_parse(str s, bool *ret) /* Go's strconv.ParseBool */
{
    static const struct {
        const char *word;
        bool is;
    } words[] = {{"1", true},    {"t", true},      {"T", true},      {"true", true},
                 {"TRUE", true}, {"True", true},   {"0", false},     {"f", false},
                 {"F", false},   {"false", false}, {"FALSE", false}, {"False", false}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_is(s, words[i].word)) {
            *ret = words[i].is;
            return true;
        }
    }
    return false;
}

enum setting_type { SETTING_TEXT, SETTING_BOOL, SETTING_DURATION, SETTING_SECONDS, SETTING_INT };

struct setting_row {
    const char *key;
    bool param; /* of argocd-cmd-params-cm */
    enum setting_type type;
    size_t offset; /* in struct settings */
    const char *fallback;
};

#define ROW(key, param, type, field, fallback)                                                     \
    {                                                                                              \
        key, param, type, offsetof(struct settings, field), fallback                               \
    }
static const struct setting_row rows[] = {
    ROW("application.instanceLabelKey", false, SETTING_TEXT, instance_label, KEY_INSTANCE_LABEL),
    ROW("installationID", false, SETTING_TEXT, installation_id, ""),
    ROW("timeout.reconciliation", false, SETTING_DURATION, reconcile_us, "120s"),
    ROW("timeout.reconciliation.jitter", false, SETTING_DURATION, reconcile_jitter_us, "60s"),
    ROW("timeout.hard.reconciliation", false, SETTING_DURATION, hard_reconcile_us, "0s"),
    ROW("resource.ignoreResourceUpdatesEnabled", false, SETTING_BOOL, ignore_updates_enabled,
        "true"),
    ROW("resource.sensitive.mask.annotations", false, SETTING_TEXT, sensitive_annotations, ""),
    ROW("application.allowedNodeLabels", false, SETTING_TEXT, allowed_node_labels, ""),
    ROW("cluster.inClusterEnabled", false, SETTING_BOOL, in_cluster_enabled, "true"),
    ROW("application.sync.impersonation.enabled", false, SETTING_BOOL, impersonation, "false"),
    ROW("application.sync.impersonation.enforced", false, SETTING_BOOL, impersonation_enforced,
        "true"),
    ROW("kustomize.enable", false, SETTING_BOOL, kustomize, "true"),
    ROW("helm.enable", false, SETTING_BOOL, helm, "true"),
    ROW("jsonnet.enable", false, SETTING_BOOL, jsonnet, "true"),
    ROW("helm.valuesFileSchemes", false, SETTING_TEXT, value_file_schemes, "https, http"),
    ROW("url", false, SETTING_TEXT, url, ""),
    ROW("controller.diff.server.side", true, SETTING_BOOL, server_side_diff, "false"),
    ROW("controller.resource.health.persist", true, SETTING_BOOL, persist_resource_health, "false"),
    ROW("controller.self.heal.timeout.seconds", true, SETTING_SECONDS, self_heal_timeout_us, "0"),
    ROW("controller.self.heal.backoff.timeout.seconds", true, SETTING_SECONDS, self_heal_backoff_us,
        "2"),
    ROW("controller.self.heal.backoff.factor", true, SETTING_INT, self_heal_factor, "3"),
    ROW("controller.self.heal.backoff.cap.seconds", true, SETTING_SECONDS, self_heal_cap_us, "300"),
    ROW("controller.sync.timeout.seconds", true, SETTING_SECONDS, sync_timeout_us, "0"),
    ROW("controller.sync.wave.delay.seconds", true, SETTING_SECONDS, sync_wave_delay_us, "2"),
    ROW("controller.repo.error.grace.period.seconds", true, SETTING_SECONDS, repo_error_grace_us,
        "180"),
};
#undef ROW

static bool setting_parse(enum setting_type type, str text, void *ret)
{
    int64_t i;
    switch (type) {
    case SETTING_TEXT: *(str *)ret = text; return true;
    case SETTING_BOOL: return bool_parse(text, ret);
    case SETTING_DURATION: return duration_parse(text, ret);
    case SETTING_SECONDS:
        if (!str_to_i64(text, &i) || i < 0 || i > INT64_MAX / USEC_PER_SEC)
            return false;
        *(usec *)ret = i * USEC_PER_SEC;
        return true;
    case SETTING_INT:
        if (!str_to_i64(text, &i))
            return false;
        *(int64_t *)ret = i;
        return true;
    }
    return false;
}

static void read_rows(struct reader *r)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct setting_row *row = &rows[i];
        void *field = (char *)r->s + row->offset;
        str key = str_of(row->key);
        str text = str_trim(value_str(value_get(row->param ? r->params : r->cm, key)));
        if (text.len && setting_parse(row->type, text, field))
            continue;
        if (text.len)
            problem(r, key, "not a value of its type; the default is used");
        setting_parse(row->type, str_of(row->fallback), field);
    }
    value schemes = value_getz(r->cm, "helm.valuesFileSchemes");
    if (value_is_string(schemes) && !str_trim(value_str(schemes)).len)
        r->s->value_file_schemes = STR(","); /* that is not the default: none */
}

/* A YAML text in a key; absent when missing or bad. */
static value read_yaml(struct reader *r, str key, str text)
{
    value v;
    struct err err;
    if (!str_trim(text).len)
        return VALUE_ABSENT;
    struct yaml_input in = {.name = key};
    if (yaml_parse(text, &in, r->a, &v, &err)) {
        problem(r, key, err.text);
        return VALUE_ABSENT;
    }
    return value_is_null(v) ? VALUE_ABSENT : v;
}

static value read_key(struct reader *r, const char *key)
{
    return read_yaml(r, str_of(key), value_str(value_get(r->cm, str_of(key))));
}

static struct resource_filter *read_filters(struct reader *r, const char *key, size_t *ret_n)
{
    value list = read_key(r, key);
    size_t n = value_is_list(list) ? value_len(list) : 0;
    struct resource_filter *f = ARENA_ARRAY(r->a, struct resource_filter, n);
    for (size_t i = 0; i < n; i++) {
        value row = value_at(list, i);
        f[i] = (struct resource_filter){value_getz(row, "apiGroups"), value_getz(row, "kinds"),
                                        value_getz(row, "clusters")};
    }
    *ret_n = n;
    return f;
}

typedef VEC(struct resource_customization) customization_vec;

static struct resource_customization *customization(struct reader *r, customization_vec *v,
                                                    str group, str kind)
{
    for (size_t i = 0; i < v->n; i++)
        if (str_eq(v->at[i].group, group) && str_eq(v->at[i].kind, kind))
            return &v->at[i];
    vec_push(r->a, v, (struct resource_customization){.group = group, .kind = kind});
    return &v->at[v->n - 1];
}

/* "group/Kind", "Kind" (core), "*" + "/" + "*". */
static void split_group_kind(str key, char separator, str *ret_group, str *ret_kind)
{
    if (!str_cut(key, separator, ret_group, ret_kind)) {
        *ret_kind = key;
        *ret_group = STR("");
    }
}

static bool customization_set(struct reader *r, struct resource_customization *c, str type, str key,
                              str text)
{
    if (str_is(type, "health") || str_is(type, "health.lua"))
        c->health_lua = text;
    else if (str_is(type, "useOpenLibs"))
        return bool_parse(text, &c->use_open_libs);
    else if (str_is(type, "actions"))
        c->actions = text;
    else if (str_is(type, "ignoreDifferences"))
        c->ignore_differences = read_yaml(r, key, text);
    else if (str_is(type, "ignoreResourceUpdates"))
        c->ignore_resource_updates = read_yaml(r, key, text);
    else if (str_is(type, "knownTypeFields"))
        c->known_type_fields = read_yaml(r, key, text);
    else
        return false;
    return true;
}

static void read_legacy_customizations(struct reader *r, customization_vec *v)
{
    value map = read_key(r, "resource.customizations");
    for (struct value_iter it = value_iter(map); value_next(&it);) {
        str group, kind;
        split_group_kind(it.key, '/', &group, &kind);
        struct resource_customization *c = customization(r, v, group, kind);
        for (struct value_iter field = value_iter(it.val); value_next(&field);) {
            if (str_is(field.key, "knownTypeFields") && value_is_list(field.val))
                c->known_type_fields = field.val;
            else if (str_is(field.key, "health.lua.useOpenLibs"))
                c->use_open_libs = value_bool(field.val);
            else
                customization_set(r, c, field.key, it.key, value_str(field.val));
        }
    }
}

static void read_split_customizations(struct reader *r, customization_vec *v)
{
    static const str prefix = STR_INIT("resource.customizations.");
    for (struct value_iter it = value_iter(r->cm); value_next(&it);) {
        str type, name, group, kind;
        if (!str_starts(it.key, prefix) ||
            !str_cut(str_from(it.key, prefix.len), '.', &type, &name))
            continue;
        if (str_is(name, "all")) {
            group = kind = STR("*");
        } else {
            split_group_kind(name, '_', &group, &kind);
            if (!kind.len || str_find_char(kind, '_') >= 0) {
                problem(r, it.key, "the name must be <group>_<kind> or <kind>");
                continue;
            }
        }
        if (!customization_set(r, customization(r, v, group, kind), type, it.key,
                               value_str(it.val)))
            problem(r, it.key, "this customization is not known or has a bad value");
    }
}

static void read_compare_options(struct reader *r)
{
    value v = read_key(r, "resource.compareoptions");
    value status = value_getz(v, "ignoreResourceStatusField");
    r->s->ignore_aggregated_roles = value_bool(value_getz(v, "ignoreAggregatedRoles"));
    value updates = value_getz(v, "ignoreDifferencesOnResourceUpdates");
    r->s->ignore_differences_on_updates = value_is_nil(updates) || value_bool(updates);
    str word = value_str(status);
    r->s->ignore_status = IGNORE_STATUS_ALL;
    if (str_is(word, "crd"))
        r->s->ignore_status = IGNORE_STATUS_CRD;
    else if (str_is(word, "none") || str_is(word, "off") || str_is(word, "false") ||
             (value_type(status) == VALUE_BOOL && !value_bool(status)))
        r->s->ignore_status = IGNORE_STATUS_NONE; /* YAML reads a bare off as false */
}

static value comma_list(struct arena *a, str text)
{
    value list = value_new_list(a);
    str piece;
    while (str_next(&text, ',', &piece)) {
        piece = str_trim(piece);
        if (piece.len)
            value_push(a, list, value_of_str(a, piece));
    }
    return list;
}

void settings_read(value cm, value params, str control_namespace, struct arena *a,
                   struct settings *ret)
{
    struct reader r = {a, ret, cm, params};
    customization_vec v = {0};
    *ret = (struct settings){.cm = cm, .params = params, .problems = value_new_list(a)};
    ret->control_namespace = arena_str(a, control_namespace);
    read_rows(&r);
    str method = value_str(value_getz(cm, "application.resourceTrackingMethod"));
    if (str_is(method, "label"))
        ret->tracking = TRACK_LABEL;
    else if (str_is(method, "annotation+label"))
        ret->tracking = TRACK_ANNOTATION_AND_LABEL;
    ret->exclusion = read_filters(&r, "resource.exclusions", &ret->n_exclusions);
    ret->inclusion = read_filters(&r, "resource.inclusions", &ret->n_inclusions);
    read_legacy_customizations(&r, &v);
    read_split_customizations(&r, &v);
    ret->customization = v.at;
    ret->n_customizations = v.n;
    read_compare_options(&r);
    ret->custom_labels = read_key(&r, "resource.customLabels");
    ret->global_projects = read_key(&r, "globalProjects");
    ret->application_namespaces =
        comma_list(a, value_str(value_getz(params, "application.namespaces")));
}

/* ---- questions ---- */

static bool filter_list_matches(value list, str text)
{
    if (!value_len(list))
        return true;
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (glob_matches(value_str(it.val), text, STR("")))
            return true;
    return false;
}

static bool filters_match(const struct resource_filter *f, size_t n, str group, str kind,
                          str cluster)
{
    for (size_t i = 0; i < n; i++)
        if (filter_list_matches(f[i].api_groups, group) && filter_list_matches(f[i].kinds, kind) &&
            filter_list_matches(f[i].clusters, cluster))
            return true;
    return false;
}

static bool built_in_excluded(str group, str kind)
{
    static const struct {
        const char *group, *kind; /* kind NULL: all */
    } out[] = {{"events.k8s.io", NULL},
               {"metrics.k8s.io", NULL},
               {"", "Event"},
               {"coordination.k8s.io", "Lease"}};
    for (size_t i = 0; i < ARRAY_LEN(out); i++)
        if (str_is(group, out[i].group) && (!out[i].kind || str_is(kind, out[i].kind)))
            return true;
    return false;
}

bool settings_excluded(const struct settings *s, str group, str kind, str cluster_server)
{
    if (built_in_excluded(group, kind) ||
        filters_match(s->exclusion, s->n_exclusions, group, kind, cluster_server))
        return true;
    return s->n_inclusions &&
           !filters_match(s->inclusion, s->n_inclusions, group, kind, cluster_server);
}

/* "/expression/" as Go's regexp would find it anywhere in text. POSIX syntax is close enough for
 * names. */
static bool regexp_matches(str pattern, str text)
{
    char p[512], t[512];
    regex_t re;
    if (pattern.len >= sizeof(p) || text.len >= sizeof(t))
        return false;
    memcpy(p, pattern.at, pattern.len);
    p[pattern.len] = 0;
    memcpy(t, text.at, text.len);
    t[text.len] = 0;
    if (regcomp(&re, p, REG_EXTENDED | REG_NOSUB))
        return false;
    bool found = regexec(&re, t, 0, NULL, 0) == 0;
    regfree(&re);
    return found;
}

bool settings_pattern_matches(str pattern, str text)
{
    if (pattern.len > 1 && pattern.at[0] == '/' && pattern.at[pattern.len - 1] == '/' &&
        regexp_matches(str_sub(pattern, 1, pattern.len - 2), text))
        return true;
    return glob_matches(pattern, text, STR(""));
}

bool settings_namespace_allowed(const struct settings *s, str namespace)
{
    if (str_eq(namespace, s->control_namespace))
        return true;
    for (struct value_iter it = value_iter(s->application_namespaces); value_next(&it);)
        if (settings_pattern_matches(value_str(it.val), namespace))
            return true;
    return false;
}

const struct resource_customization *settings_health_override(const struct settings *s, str group,
                                                              str kind)
{
    const struct resource_customization *by_glob = NULL;
    for (size_t i = 0; i < s->n_customizations; i++) {
        const struct resource_customization *c = &s->customization[i];
        if (!c->health_lua.len)
            continue;
        if (str_eq(c->group, group) && str_eq(c->kind, kind))
            return c;
        if (!by_glob && glob_matches(c->group, group, STR("")) &&
            glob_matches(c->kind, kind, STR("")))
            by_glob = c;
    }
    return by_glob;
}
