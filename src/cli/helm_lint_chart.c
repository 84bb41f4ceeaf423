/* helm lint's rules about Chart.yaml, values, dependencies and crds/. */
#include <string.h>

#include "cli/helm_linting.h"
#include "lang/semver.h"
#include "render/helm_lint.h"
#include "value/yaml.h"

/* ---- Chart.yaml ---- */

static const char *go_type(value v)
{
    switch (value_type(v)) {
    case VALUE_BOOL: return "bool";
    case VALUE_INT:
    case VALUE_UINT:
    case VALUE_DOUBLE: return "float64";
    case VALUE_LIST: return "[]interface {}";
    case VALUE_MAP: return "map[string]interface {}";
    default: return NULL;
    }
}

static void check_text_type(struct linting *l, value chart, const char *key)
{
    const char *type = go_type(value_get(chart, str_of(key)));
    if (type)
        LINT_SAY(l, LINT_ERROR, STR("Chart.yaml"),
                 "%s should be of type string but it's of type %s", key, type);
}

static bool is_letter(char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
/* Bytes of characters beyond ASCII count as letters. */
static bool is_word(char c) { return is_letter(c) || is_digit(c) || (unsigned char)c >= 0x80; }

static bool has_blank(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] <= ' ' || s.at[i] == 0x7f)
            return true;
    return false;
}

/* A URI with a scheme. */
static bool is_request_url(str s)
{
    str scheme, rest;
    if (!str_cut(s, ':', &scheme, &rest) || !scheme.len || !rest.len || has_blank(s) ||
        !is_letter(scheme.at[0]))
        return false;
    for (size_t i = 0; i < scheme.len; i++)
        if (!is_letter(scheme.at[i]) && !is_digit(scheme.at[i]) && !strchr("+-.", scheme.at[i]))
            return false;
    return true;
}

static bool is_host(str s)
{
    str host, port, user;
    (void)(str_cut(s, '@', &user, &host) || (host = s, true));
    str_cut(host, ':', &host, &port);
    if (!host.len || !is_word(host.at[0]) || !is_word(host.at[host.len - 1]))
        return false;
    for (size_t i = 0; i < host.len; i++)
        if (!is_word(host.at[i]) && !strchr("-._", host.at[i]))
            return false;
    return true;
}

#define URL_BYTES_MAX 2082

/* An address with a host, its scheme one of the web's or none. */
static bool is_url(str s)
{
    static const char *const schemes[] = {"ftp", "tcp", "udp", "ws", "wss", "http", "https"};
    if (s.len < 4 || s.len > URL_BYTES_MAX || s.at[0] == '.' || has_blank(s))
        return false;
    ptrdiff_t at = str_find(s, STR("://"));
    bool known = at < 0;
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        known = known || str_is(str_sub(s, 0, (size_t)at), schemes[i]);
    str rest = at < 0 ? s : str_from(s, (size_t)at + 3);
    size_t n = 0;
    while (n < rest.len && !strchr("/?#", rest.at[n]))
        n++;
    return known && is_host(str_sub(rest, 0, n)) &&
           (at >= 0 || str_find_char(s, '.') >= 0 || str_find_char(s, ':') >= 0);
}

/* Labels of letters and digits between dots, at least two; the last begins and ends in a letter. */
static bool is_mail_domain(str s)
{
    str rest = s, label = STR("");
    size_t n = 0;
    while (str_next(&rest, '.', &label)) {
        if (!label.len || !is_word(label.at[0]) || !is_word(label.at[label.len - 1]))
            return false;
        for (size_t i = 0; i < label.len; i++)
            if (!is_word(label.at[i]) && !strchr("-_~", label.at[i]))
                return false;
        n++;
    }
    return n >= 2 && !is_digit(label.at[0]) && !is_digit(label.at[label.len - 1]);
}

static bool is_mail_address(str s)
{
    str local, domain, rest, atom;
    if (!str_rcut(s, '@', &local, &domain) || !is_mail_domain(domain))
        return false;
    if (local.len > 2 && local.at[0] == '"' && local.at[local.len - 1] == '"')
        return true;
    for (rest = local; str_next(&rest, '.', &atom);) {
        if (!atom.len)
            return false;
        for (size_t i = 0; i < atom.len; i++)
            if (!is_word(atom.at[i]) && !strchr("!#$%&'*+/=?^_`{|}~-", atom.at[i]))
                return false;
    }
    return local.len > 0;
}

static void check_version(struct linting *l, str version)
{
    struct semver v;
    struct err err;
    str file = STR("Chart.yaml");
    if (!version.len)
        LINT_SAY(l, LINT_ERROR, file, "version is required");
    else if (semver_parse(version, &v, &err))
        LINT_SAY(l, LINT_ERROR, file, "version '%.*s' is not a valid SemVer", STR_FMT(version));
    else if (!helm_is_compatible(l->arena, STR(">0.0.0-0"), version))
        LINT_SAY(l, LINT_ERROR, file,
                 l->line->level == HELM_LEVEL_3
                     ? "version %.*s is less than or equal to 0.0.0-0"
                     : "version \"%.*s\" is less than or equal to \"0.0.0-0\"",
                 STR_FMT(version));
}

static void check_maintainers(struct linting *l, const struct helm_metadata *m)
{
    for (size_t i = 0; i < m->maintainers.n; i++) {
        const struct helm_maintainer *one = &m->maintainers.at[i];
        if (one->name.len == SIZE_MAX)
            LINT_SAY(l, LINT_ERROR, STR("Chart.yaml"), "a maintainer entry is empty");
        else if (!one->name.len)
            LINT_SAY(l, LINT_ERROR, STR("Chart.yaml"), "each maintainer requires a name");
        else if (one->email.len && !is_mail_address(one->email))
            LINT_SAY(l, LINT_ERROR, STR("Chart.yaml"), "invalid email '%.*s' for maintainer '%.*s'",
                     STR_FMT(one->email), STR_FMT(one->name));
        else if (one->url.len && !is_url(one->url))
            LINT_SAY(l, LINT_ERROR, STR("Chart.yaml"), "invalid url '%.*s' for maintainer '%.*s'",
                     STR_FMT(one->url), STR_FMT(one->name));
        else
            continue;
        return;
    }
}

static void check_links(struct linting *l, const struct helm_metadata *m)
{
    for (size_t i = 0; i < m->sources.n; i++)
        if (!is_request_url(m->sources.at[i])) {
            LINT_SAY(l, LINT_ERROR, STR("Chart.yaml"), "invalid source URL '%.*s'",
                     STR_FMT(m->sources.at[i]));
            break;
        }
    if (!m->icon.len)
        LINT_SAY(l, LINT_INFO, STR("Chart.yaml"), "icon is recommended");
    else if (!is_request_url(m->icon))
        LINT_SAY(l, LINT_ERROR, STR("Chart.yaml"), "invalid icon URL '%.*s'", STR_FMT(m->icon));
}

static void check_api_version(struct linting *l, const struct helm_metadata *m)
{
    str v = m->api_version;
    if (!v.len)
        LINT_SAY(l, LINT_ERROR, STR("Chart.yaml"),
                 "apiVersion is required. The value must be either \"v1\" or \"v2\"");
    else if (!str_is(v, "v1") && !str_is(v, "v2"))
        LINT_SAY(l, LINT_ERROR, STR("Chart.yaml"),
                 "apiVersion '%.*s' is not valid. The value must be either \"v1\" or \"v2\"",
                 STR_FMT(v));
}

static void check_semver_v2(struct linting *l, str version)
{
    struct semver v;
    struct err err;
    if (l->line->level == HELM_LEVEL_4 && semver_parse_strict(version, &v, &err))
        LINT_SAY(l, LINT_WARNING, STR("Chart.yaml"), "version '%.*s' is not a valid SemVerV2",
                 STR_FMT(version));
}

static void check_strictly(struct linting *l, str text)
{
    struct err err;
    if (l->line->level == HELM_LEVEL_4 && helm_metadata_strict(text, HELM_LEVEL_4, l->arena, &err))
        LINT_SAY(l, LINT_WARNING, STR("Chart.yaml"),
                 "failed to strictly parse chart metadata file\n\t%s", err.text);
}

void lint_chart_file(struct linting *l)
{
    struct helm_metadata m = {0};
    struct err err;
    bool is_folder = false;
    value chart = VALUE_ABSENT;
    str file = STR("Chart.yaml"), text = STR("");
    if (lint_stat(l, "Chart.yaml", &is_folder) && is_folder) {
        lint_say(l, LINT_ERROR, file, STR("should be a file, not a directory"));
        LINT_SAY(l, LINT_ERROR, file,
                 "unable to parse YAML\n\tread %.*s/Chart.yaml: is a directory", STR_FMT(l->where));
        return;
    }
    (void)lint_read(l, "Chart.yaml", &text);
    if (helm_metadata_parse(text, l->line->level, l->arena, &m, &err)) {
        LINT_SAY(l, LINT_ERROR, file, "unable to parse YAML\n\t%s", err.text);
        return;
    }
    check_strictly(l, text);
    if (yaml_parse(text, NULL, l->arena, &chart, &err))
        chart = VALUE_ABSENT;
    if (!m.name.len)
        LINT_SAY(l, LINT_ERROR, file, "name is required");
    else if (str_find_char(m.name, '/') >= 0)
        LINT_SAY(l, LINT_ERROR, file, "chart name \"%.*s\" is invalid", STR_FMT(m.name));
    check_api_version(l, &m);
    check_text_type(l, chart, "version");
    check_version(l, m.version);
    check_text_type(l, chart, "appVersion");
    check_maintainers(l, &m);
    check_links(l, &m);
    if (m.type.len && !str_is(m.api_version, "v2"))
        LINT_SAY(l, LINT_ERROR, file,
                 "chart type is not valid in apiVersion '%.*s'. It is valid in apiVersion 'v2'",
                 STR_FMT(m.api_version));
    if (m.n_dependencies && !str_is(m.api_version, "v2"))
        LINT_SAY(
            l, LINT_ERROR, file,
            "dependencies are not valid in the Chart file with apiVersion '%.*s'. They are valid "
            "in "
            "apiVersion 'v2'",
            STR_FMT(m.api_version));
    check_semver_v2(l, m.version);
}

/* ---- values.yaml ---- */

void lint_values(struct linting *l)
{
    struct err err;
    str file = STR("values.yaml"), text, schema, why = STR("");
    value v = VALUE_ABSENT;
    if (!lint_read(l, "values.yaml", &text)) {
        lint_say(l, LINT_INFO, file, STR("file does not exist"));
        return;
    }
    if (helm_lint_values(text, l->line->level, l->arena, &v, &err)) {
        LINT_SAY(l, LINT_ERROR, file, "unable to parse YAML: %s", err.text);
        return;
    }
    /* Helm 3 checks here whatever --skip-schema-validation says. */
    bool skips = l->line->level == HELM_LEVEL_4 && helm_is_set(l->line, HELM_FLAG_SKIP_SCHEMA);
    if (lint_read(l, "values.schema.json", &schema) && schema.len && !skips &&
        helm_lint_schema(schema, v, l->user, l->arena, &why, &err))
        lint_say(l, LINT_ERROR, file, why.len ? why : err_str(&err));
}

/* ---- dependencies ---- */

static void add_name(struct linting *l, str *io, str name)
{
    *io = ARENA_CAT(l->arena, *io, io->len ? STR(",") : STR(""), name);
}

static void check_unique(struct linting *l, const struct helm_metadata *m)
{
    str twice = STR("");
    for (size_t j = 0; j < m->n_dependencies; j++)
        for (size_t i = 0; i < j; i++) {
            const struct helm_dependency *a = &m->dependency[i], *b = &m->dependency[j];
            str key = b->alias.len ? b->alias : b->name;
            if (!str_eq(a->alias.len ? a->alias : a->name, key))
                continue;
            add_name(l, &twice, key);
            break;
        }
    if (twice.len)
        LINT_SAY(l, LINT_ERROR, l->where, "multiple dependencies with name or alias: %.*s",
                 STR_FMT(twice));
}

void lint_dependencies(struct linting *l)
{
    struct helm_log log = helm_cli_log(l->line);
    struct helm_chart *c;
    struct err err;
    str path, unlisted = STR(""), missing = STR("");
    int rc = helm_cli_load(l->where, l->arena, &log, &path, &c, &err);
    lint_tell(l, &log);
    if (rc) {
        LINT_SAY(l, LINT_ERROR, STR(""), "unable to load chart\n\t%s", err.text);
        return;
    }
    const struct helm_metadata *m = c->metadata;
    for (size_t i = 0; i < c->n_dependencies; i++) {
        bool found = false;
        for (size_t j = 0; j < m->n_dependencies; j++)
            found |= str_eq(m->dependency[j].name, helm_chart_name(c->dependency[i]));
        if (!found)
            add_name(l, &unlisted, helm_chart_name(c->dependency[i]));
    }
    for (size_t j = 0; j < m->n_dependencies; j++) {
        bool found = false;
        for (size_t i = 0; i < c->n_dependencies; i++)
            found |= str_eq(m->dependency[j].name, helm_chart_name(c->dependency[i]));
        if (!found)
            add_name(l, &missing, m->dependency[j].name);
    }
    if (unlisted.len)
        LINT_SAY(l, LINT_ERROR, path, "chart metadata is missing these dependencies: %.*s",
                 STR_FMT(unlisted));
    check_unique(l, m);
    if (missing.len)
        LINT_SAY(l, LINT_WARNING, path, "chart directory is missing these dependencies: %.*s",
                 STR_FMT(missing));
}

/* ---- crds/ ---- */

struct crd_document {
    struct linting *l;
    str file;
};

static int check_crd(void *arg, value v, size_t index, uint32_t line, struct err *err)
{
    struct crd_document *d = arg;
    struct lint_head head;
    str text = STR("");
    (void)index, (void)line;
    if (!lint_head_read(d->l, v, &head, &text))
        return err_set(err, ERR_INVALID, "%.*s", STR_FMT(text));
    if (head.is_null)
        return 0;
    if (!str_starts(head.api_version, STR("apiextensions.k8s.io")))
        lint_say(d->l, LINT_ERROR, d->file, STR("apiVersion is not in 'apiextensions.k8s.io'"));
    if (!str_is(head.kind, "CustomResourceDefinition"))
        lint_say(d->l, LINT_ERROR, d->file, STR("object kind is not 'CustomResourceDefinition'"));
    return 0;
}

void lint_crds(struct linting *l)
{
    struct helm_log log = helm_cli_log(l->line);
    struct helm_chart *c;
    struct helm_crd *crd = NULL;
    struct err err;
    bool is_folder;
    str path;
    if (!lint_stat(l, "crds", &is_folder))
        return;
    if (!is_folder) {
        lint_say(l, LINT_ERROR, STR("crds/"), STR("not a directory"));
        return;
    }
    int rc = helm_cli_load(l->where, l->arena, &log, &path, &c, &err);
    lint_tell(l, &log);
    if (rc) {
        lint_say(l, LINT_ERROR, STR("crds/"), arena_str(l->arena, err_str(&err)));
        return;
    }
    size_t n = helm_chart_crds(l->arena, c, &crd);
    for (size_t i = 0; i < n; i++) {
        struct crd_document d = {l, crd[i].content->name};
        if (!yaml_parse_stream(helm_file_data(crd[i].content), NULL, l->arena, check_crd, &d, &err))
            continue;
        LINT_SAY(l, LINT_ERROR, d.file, "unable to parse YAML: %s", err.text);
        return;
    }
}
