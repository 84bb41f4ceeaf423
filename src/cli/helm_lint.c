/* helm lint: Chart.yaml, values, templates, dependencies, CRDs; messages in helm's order and words.
 * Not asked: which API versions are deprecated (helm compiles in a table of Kubernetes'). */
#include <string.h>
#include <sys/stat.h>

#include "cli/helm_show.h"
#include "lang/semver.h"
#include "render/helm_lint.h"
#include "value/yaml.h"

enum severity { INFO = 1, WARNING, ERROR };

struct linting {
    struct helm_command_line *line;
    struct arena *arena;
    str path;
    value user;
    struct helm_strs messages;
    enum severity highest;
    size_t n_failed; /* at or above what is tolerated */
};

static const char *const severity_names[] = {"UNKNOWN", "INFO", "WARNING", "ERROR"};

static void say(struct linting *l, enum severity s, str path, str text)
{
    str m =
        arena_printf(l->arena, "[%s] %.*s: %.*s", severity_names[s], STR_FMT(path), STR_FMT(text));
    vec_push(l->arena, &l->messages, m);
    if (s > l->highest)
        l->highest = s;
    l->n_failed += s >= (helm_is_set(l->line, HELM_FLAG_STRICT) ? WARNING : ERROR);
}

#define SAY(l, severity, path, ...)                                                                \
    say((l), (severity), (path), arena_printf((l)->arena, __VA_ARGS__))

static str read_below(struct linting *l, const char *name, bool *ret_there)
{
    str text = STR("");
    struct err err;
    str path = ARENA_CAT(l->arena, l->path, STR("/"), str_of(name));
    *ret_there = !helm_cli_read(path, l->arena, &text, &err);
    return text;
}

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
        SAY(l, ERROR, STR("Chart.yaml"), "%s should be of type string but it's of type %s", key,
            type);
}

static bool is_request_url(str s)
{
    ptrdiff_t colon = str_find(s, STR(":"));
    return colon > 0 && (size_t)colon + 1 < s.len && str_find_char(s, ' ') < 0;
}

static void check_version(struct linting *l, str version)
{
    struct semver v;
    struct err err;
    str file = STR("Chart.yaml");
    if (!version.len)
        SAY(l, ERROR, file, "version is required");
    else if (semver_parse(version, &v, &err))
        SAY(l, ERROR, file, "version '%.*s' is not a valid SemVer", STR_FMT(version));
    else if (!helm_is_compatible(l->arena, STR(">0.0.0-0"), version))
        SAY(l, ERROR, file, "version %.*s is less than or equal to 0.0.0-0", STR_FMT(version));
}

static void check_maintainers(struct linting *l, const struct helm_metadata *m)
{
    for (size_t i = 0; i < m->maintainers.n; i++) {
        const struct helm_maintainer *one = &m->maintainers.at[i];
        if (one->name.len == SIZE_MAX)
            SAY(l, ERROR, STR("Chart.yaml"), "a maintainer entry is empty");
        else if (!one->name.len)
            SAY(l, ERROR, STR("Chart.yaml"), "each maintainer requires a name");
        else if (one->email.len && str_find_char(one->email, '@') <= 0)
            SAY(l, ERROR, STR("Chart.yaml"), "invalid email '%.*s' for maintainer '%.*s'",
                STR_FMT(one->email), STR_FMT(one->name));
        else if (one->url.len && str_find_char(one->url, '.') < 0)
            SAY(l, ERROR, STR("Chart.yaml"), "invalid url '%.*s' for maintainer '%.*s'",
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
            SAY(l, ERROR, STR("Chart.yaml"), "invalid source URL '%.*s'",
                STR_FMT(m->sources.at[i]));
            break;
        }
    if (!m->icon.len)
        SAY(l, INFO, STR("Chart.yaml"), "icon is recommended");
    else if (!is_request_url(m->icon))
        SAY(l, ERROR, STR("Chart.yaml"), "invalid icon URL '%.*s'", STR_FMT(m->icon));
}

static void check_api_version(struct linting *l, const struct helm_metadata *m)
{
    str v = m->api_version;
    if (!v.len)
        SAY(l, ERROR, STR("Chart.yaml"),
            "apiVersion is required. The value must be either \"v1\" or \"v2\"");
    else if (!str_is(v, "v1") && !str_is(v, "v2"))
        SAY(l, ERROR, STR("Chart.yaml"),
            "apiVersion '%.*s' is not valid. The value must be either \"v1\" or \"v2\"",
            STR_FMT(v));
}

static void check_chart_file(struct linting *l)
{
    struct helm_metadata m = {0};
    struct semver v;
    struct err err;
    bool there;
    value chart = VALUE_ABSENT;
    str file = STR("Chart.yaml"), text = read_below(l, "Chart.yaml", &there);
    if (helm_metadata_parse(text, helm_cli_level(l->line), l->arena, &m, &err)) {
        SAY(l, ERROR, file, "unable to parse YAML\n\t%s", err.text);
        return;
    }
    if (yaml_parse(text, NULL, l->arena, &chart, &err))
        chart = VALUE_ABSENT;
    if (!m.name.len)
        SAY(l, ERROR, file, "name is required");
    else if (str_find_char(m.name, '/') >= 0)
        SAY(l, ERROR, file, "chart name \"%.*s\" is invalid", STR_FMT(m.name));
    check_api_version(l, &m);
    check_text_type(l, chart, "version");
    check_version(l, m.version);
    check_text_type(l, chart, "appVersion");
    check_maintainers(l, &m);
    check_links(l, &m);
    if (m.type.len && !str_is(m.api_version, "v2"))
        SAY(l, ERROR, file,
            "chart type is not valid in apiVersion '%.*s'. It is valid in apiVersion 'v2'",
            STR_FMT(m.api_version));
    if (m.n_dependencies && !str_is(m.api_version, "v2"))
        SAY(l, ERROR, file,
            "dependencies are not valid in the Chart file with apiVersion '%.*s'. They are valid "
            "in "
            "apiVersion 'v2'",
            STR_FMT(m.api_version));
    if (semver_parse_strict(m.version, &v, &err))
        SAY(l, WARNING, file, "version '%.*s' is not a valid SemVerV2", STR_FMT(m.version));
}

/* ---- values.yaml ---- */

static void check_values(struct linting *l)
{
    struct err err;
    bool there;
    str text = read_below(l, "values.yaml", &there), why = STR("");
    value v = VALUE_ABSENT;
    if (!there) {
        SAY(l, INFO, STR("values.yaml"), "file does not exist");
        return;
    }
    if (helm_lint_values(text, l->arena, &v, &err)) {
        SAY(l, ERROR, STR("values.yaml"), "unable to parse YAML: %s", err.text);
        return;
    }
    text = read_below(l, "values.schema.json", &there);
    if (text.len && !helm_is_set(l->line, HELM_FLAG_SKIP_SCHEMA) &&
        helm_lint_schema(text, v, l->user, l->arena, &why, &err))
        say(l, ERROR, STR("values.yaml"), why.len ? why : err_str(&err));
}

/* ---- templates ---- */

static bool has_extension(str name, const char *const *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_ends(name, str_of(at[i])))
            return true;
    return false;
}

static str extension(str name)
{
    str base = files_path_base(name);
    ptrdiff_t dot = str_rfind_char(base, '.');
    return dot < 0 ? STR("") : str_from(base, (size_t)dot);
}

static bool is_lower(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

static bool is_label(str s, bool letter_first)
{
    if (!s.len || !is_lower(s.at[0]) || !is_lower(s.at[s.len - 1]) ||
        (letter_first && s.at[0] <= '9'))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_lower(s.at[i]) && s.at[i] != '-')
            return false;
    return true;
}

static bool is_subdomain(str s)
{
    str rest = s, part;
    while (str_next(&rest, '.', &part))
        if (!is_label(part, false))
            return false;
    return s.len > 0;
}

#define SUBDOMAIN                                                                                  \
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "   \
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "  \
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define LABEL_1035                                                                                 \
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "   \
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "           \
    "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
#define LABEL_1123                                                                                 \
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "   \
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "     \
    "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

/* What is wrong with an object's name, or NULL. */
static const char *name_fault(str kind, str name)
{
    static const char *const rbac[] = {"role", "clusterrole", "rolebinding", "clusterrolebinding"};
    for (size_t i = 0; i < ARRAY_LEN(rbac); i++)
        if (str_ieq(kind, str_of(rbac[i])))
            return str_find_char(name, '/') >= 0   ? "may not contain '/'"
                   : str_find_char(name, '%') >= 0 ? "may not contain '%'"
                                                   : NULL;
    if (str_ieq(kind, STR("certificatesigningrequest")))
        return NULL;
    if (str_ieq(kind, STR("service")))
        return is_label(name, true) ? NULL : LABEL_1035;
    if (str_ieq(kind, STR("namespace")))
        return is_label(name, false) ? NULL : LABEL_1123;
    return is_subdomain(name) ? NULL : SUBDOMAIN;
}

struct document {
    struct linting *l;
    str file, text;
};

static int check_document(void *arg, value v, size_t index, uint32_t line, struct err *err)
{
    static const char *const selecting[] = {"Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"};
    struct document *d = arg;
    (void)index, (void)line, (void)err;
    str kind = value_str(value_getz(v, "kind")), name = value_path_str(v, "metadata.name");
    const char *fault = name_fault(kind, name);
    if (fault)
        SAY(d->l, WARNING, d->file,
            "object name does not conform to Kubernetes naming requirements: \"%.*s\": "
            "metadata.name: Invalid value: \"%.*s\": %s",
            STR_FMT(name), STR_FMT(name), fault);
    for (size_t i = 0; i < ARRAY_LEN(selecting); i++)
        if (str_is(kind, selecting[i]) && !str_has(d->text, STR("matchLabels")) &&
            !str_has(d->text, STR("matchExpressions")))
            SAY(d->l, ERROR, d->file,
                "a %.*s must contain matchLabels or matchExpressions, and \"%.*s\" does not",
                STR_FMT(kind), STR_FMT(name));
    return 0;
}

static void check_indent(struct linting *l, str file, str text)
{
    str rest = text, line;
    while (str_next(&rest, '\n', &line)) {
        if (!str_trim(line).len)
            continue;
        if (line.at[0] == ' ' || line.at[0] == '\t')
            SAY(l, WARNING, file,
                "document starts with an illegal indent: \"%.*s\", which may cause parsing "
                "problems",
                STR_FMT(line));
        return;
    }
}

/* false: helm stops here. */
static bool check_template(struct linting *l, const struct helm_chart *c,
                           const struct helm_lint_rendered *r, const struct helm_file *f)
{
    static const char *const allowed[] = {".yaml", ".yml", ".tpl", ".txt"};
    struct err err;
    if (!has_extension(f->name, allowed, ARRAY_LEN(allowed)))
        SAY(l, ERROR, f->name,
            "file extension '%.*s' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt",
            STR_FMT(extension(f->name)));
    str text = helm_lint_text(r, ARENA_CAT(l->arena, helm_chart_name(c), STR("/"), f->name));
    if (!has_extension(f->name, allowed, 2) || !str_trim(text).len)
        return true;
    check_indent(l, f->name, text);
    struct document d = {l, f->name, text};
    if (!yaml_parse_stream(text, NULL, l->arena, check_document, &d, &err))
        return true;
    SAY(l, ERROR, f->name, "unable to parse YAML: %s", err.text);
    return false;
}

static void check_templates(struct linting *l)
{
    struct helm_log log = helm_cli_log(l->line);
    struct helm_lint_rendered r = {0};
    struct helm_chart *c;
    struct err err;
    str path, why = STR("");
    struct helm_options o = helm_cli_options(l->line);
    struct stat st;
    o.release = STR("test-release");
    if (stat(arena_cstr(l->arena, ARENA_CAT(l->arena, l->path, STR("/templates"))), &st)) {
        SAY(l, WARNING, STR("templates/"), "directory does not exist");
        return;
    }
    if (helm_cli_load(l->path, l->arena, &log, &path, &c, &err)) {
        say(l, ERROR, STR("templates/"), arena_str(l->arena, err_str(&err)));
        return;
    }
    if (helm_lint_render(c, l->user, &o, l->arena, &r, &why, &err)) {
        say(l, ERROR, STR("templates/"), why.len ? why : arena_str(l->arena, err_str(&err)));
        return;
    }
    for (size_t i = 0; i < c->templates.n; i++)
        if (!check_template(l, c, &r, &c->templates.at[i]))
            return;
}

/* ---- dependencies ---- */

static void add_name(struct linting *l, str *io, str name)
{
    *io = ARENA_CAT(l->arena, *io, io->len ? STR(",") : STR(""), name);
}

static void check_dependencies(struct linting *l)
{
    struct helm_log log = helm_cli_log(l->line);
    struct helm_chart *c;
    struct err err;
    str path, unlisted = STR(""), missing = STR("");
    if (helm_cli_load(l->path, l->arena, &log, &path, &c, &err)) {
        SAY(l, ERROR, STR(""), "unable to load chart\n\t%s", err.text);
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
        SAY(l, ERROR, path, "chart metadata is missing these dependencies: %.*s",
            STR_FMT(unlisted));
    if (missing.len)
        SAY(l, WARNING, path, "chart directory is missing these dependencies: %.*s",
            STR_FMT(missing));
}

/* ---- all of it ---- */

static bool lint_one(struct linting *l)
{
    bool there;
    (void)read_below(l, "Chart.yaml", &there);
    if (there) {
        check_chart_file(l);
        check_values(l);
        check_templates(l);
        check_dependencies(l);
    }
    bool quiet = helm_is_set(l->line, HELM_FLAG_QUIET);
    if (quiet && there && l->highest < WARNING)
        return false;
    fprintf(l->line->out, "==> Linting %.*s\n", STR_FMT(l->path));
    if (!there)
        fprintf(
            l->line->out,
            "Error unable to check Chart.yaml file in chart: stat %.*s/Chart.yaml: no such file "
            "or directory\n",
            STR_FMT(l->path));
    for (size_t i = 0; i < l->messages.n; i++)
        if (!quiet || !str_starts(l->messages.at[i], STR("[INFO]")))
            fprintf(l->line->out, "%.*s\n", STR_FMT(l->messages.at[i]));
    fputc('\n', l->line->out);
    return !there || l->n_failed;
}

int helm_lint_run(struct helm_command_line *c)
{
    struct err err;
    value user;
    size_t failed = 0;
    if (!c->args.n)
        return helm_cli_fail(c, STR("\"helm lint\" requires at least 1 argument\n\nUsage:  helm "
                                    "lint PATH [flags]"));
    if (helm_cli_values(c, &user, &err))
        return helm_cli_fail(c, err_str(&err));
    for (size_t i = 0; i < c->args.n; i++) {
        struct linting l = {.line = c, .arena = c->arena, .path = c->args.at[i], .user = user};
        failed += lint_one(&l);
    }
    str summary =
        arena_printf(c->arena, "%zu chart(s) linted, %zu chart(s) failed", c->args.n, failed);
    if (failed)
        return helm_cli_fail(c, summary);
    if (!helm_is_set(c, HELM_FLAG_QUIET))
        fprintf(c->out, "%.*s\n", STR_FMT(summary));
    return 0;
}
