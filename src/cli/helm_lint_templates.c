/* helm lint's rules about templates: their files, what they render, the objects in it. */
#include <string.h>

#include "cli/helm_linting.h"
#include "render/helm_lint.h"
#include "value/text.h"
#include "value/yaml.h"

/* ---- names ---- */

static bool is_one_of(str s, const char *const *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(s, at[i]))
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

#define SUBDOMAIN_MAX 253
#define LABEL_MAX 63

struct faults {
    struct arena *arena;
    struct helm_strs list;
};

static void add_fault(struct faults *f, const char *text)
{
    vec_push(f->arena, &f->list, str_of(text));
}

static void check_too_long(struct faults *f, str name, unsigned max)
{
    if (name.len > max)
        vec_push(f->arena, &f->list,
                 arena_printf(f->arena, "must be no more than %u characters", max));
}

static void check_path_segment(struct faults *f, str name)
{
    if (str_is(name, ".") || str_is(name, "..")) {
        add_fault(f, str_is(name, ".") ? "may not be '.'" : "may not be '..'");
        return;
    }
    if (str_find_char(name, '/') >= 0)
        add_fault(f, "may not contain '/'");
    if (str_find_char(name, '%') >= 0)
        add_fault(f, "may not contain '%'");
}

static void check_label(struct faults *f, str name, bool letter_first)
{
    check_too_long(f, name, LABEL_MAX);
    if (is_label(name, letter_first))
        return;
    if (!letter_first && is_subdomain(name))
        add_fault(f, "must not contain dots");
    else
        add_fault(f, letter_first ? LABEL_1035 : LABEL_1123);
}

/* What is wrong with an object's name. */
static void check_name(struct faults *f, str kind, str name)
{
    static const char *const rbac[] = {"role", "clusterrole", "rolebinding", "clusterrolebinding"};
    for (size_t i = 0; i < ARRAY_LEN(rbac); i++)
        if (str_ieq(kind, str_of(rbac[i]))) {
            check_path_segment(f, name);
            return;
        }
    if (str_ieq(kind, STR("certificatesigningrequest")))
        return;
    if (str_ieq(kind, STR("service")) || str_ieq(kind, STR("namespace"))) {
        check_label(f, name, str_ieq(kind, STR("service")));
        return;
    }
    check_too_long(f, name, SUBDOMAIN_MAX);
    if (!is_subdomain(name))
        add_fault(f, SUBDOMAIN);
}

static str quoted(struct arena *a, str s)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    text_quote(s, &b);
    return arena_str(a, buf_str(&b));
}

static void say_name(struct linting *l, str file, str kind, str name)
{
    struct faults f = {.arena = l->arena};
    str all = STR(""), shown = quoted(l->arena, name);
    check_name(&f, kind, name);
    for (size_t i = 0; i < f.list.n; i++)
        all = ARENA_CAT(l->arena, all, i ? STR(", ") : STR(""),
                        STR("metadata.name: Invalid value: "), shown, STR(": "), f.list.at[i]);
    if (f.list.n > 1)
        all = ARENA_CAT(l->arena, STR("["), all, STR("]"));
    if (f.list.n)
        LINT_SAY(l, LINT_WARNING, file,
                 "object name does not conform to Kubernetes naming requirements: %.*s: %.*s",
                 STR_FMT(shown), STR_FMT(all));
}

/* ---- one document ---- */

static const char *json_name(value v)
{
    static const char *const names[] = {
        [VALUE_NONE] = "null",     [VALUE_NULL] = "null",   [VALUE_BOOL] = "bool",
        [VALUE_INT] = "number",    [VALUE_UINT] = "number", [VALUE_DOUBLE] = "number",
        [VALUE_STRING] = "string", [VALUE_LIST] = "array",  [VALUE_MAP] = "object",
    };
    return names[value_type(v)];
}

/* encoding/json's choice: the exact key, else one that differs in case only. */
static value field(value map, const char *name)
{
    value v = value_get(map, str_of(name));
    for (struct value_iter it = value_iter(map); !value_exists(v) && value_next(&it);)
        if (str_ieq(it.key, str_of(name)))
            v = it.val;
    return v;
}

#define DECODING "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "

static void misfit(struct linting *l, value v, const char *field, const char *type, str *io_text)
{
    if (!io_text->len)
        *io_text = arena_printf(l->arena, DECODING "%s into Go struct field %s of type %s",
                                json_name(v), field, type);
}

/* A text field: scalars become text, as sigs.k8s.io/yaml makes them. */
static str read_text(struct linting *l, value v, const char *field, str *io_text)
{
    if (value_is_map(v) || value_is_list(v))
        misfit(l, v, field, "string", io_text);
    return value_is_nil(v) ? STR("") : helm_scalar_text(l->arena, v);
}

bool lint_head_read(struct linting *l, value v, struct lint_head *ret, str *ret_text)
{
    bool is_3 = l->line->level == HELM_LEVEL_3;
    *ret = (struct lint_head){.is_null = value_is_nil(v)};
    *ret_text = STR("");
    if (ret->is_null)
        return true;
    if (!value_is_map(v)) {
        *ret_text = arena_printf(l->arena, DECODING "%s into Go value of type rules.%s",
                                 json_name(v), is_3 ? "K8sYamlStruct" : "k8sYamlStruct");
        return false;
    }
    ret->api_version =
        read_text(l, field(v, "apiVersion"),
                  is_3 ? "K8sYamlStruct.apiVersion" : "k8sYamlStruct.apiVersion", ret_text);
    ret->kind = read_text(l, field(v, "kind"), is_3 ? "K8sYamlStruct.Kind" : "k8sYamlStruct.Kind",
                          ret_text);
    value m = field(v, "metadata");
    if (!value_is_nil(m) && !value_is_map(m))
        misfit(l, m, is_3 ? "K8sYamlStruct.Metadata" : "k8sYamlStruct.Metadata",
               "rules.k8sYamlMetadata", ret_text);
    ret->name = read_text(l, field(m, "name"), "k8sYamlMetadata.Metadata.Name", ret_text);
    (void)read_text(l, field(m, "namespace"), "k8sYamlMetadata.Metadata.Namespace", ret_text);
    return !ret_text->len;
}

struct document {
    struct linting *l;
    str file, text;
    const struct helm_options *options;
};

static void check_selector(struct document *d, const struct lint_head *h)
{
    static const char *const selecting[] = {"Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"};
    for (size_t i = 0; i < ARRAY_LEN(selecting); i++)
        if (str_is(h->kind, selecting[i]) && !str_has(d->text, STR("matchLabels")) &&
            !str_has(d->text, STR("matchExpressions")))
            LINT_SAY(d->l, LINT_ERROR, d->file,
                     "a %.*s must contain matchLabels or matchExpressions, and \"%.*s\" does not",
                     STR_FMT(h->kind), STR_FMT(h->name));
}

#define ITEM_NOTES "struct { Annotations map[string]string }"
#define ITEM "struct { Metadata " ITEM_NOTES " }"

/* Of one item: does it carry the annotation? */
static bool is_policy_item(struct linting *l, value item, str *io_text)
{
    if (!value_is_nil(item) && !value_is_map(item))
        misfit(l, item, ".Items", ITEM, io_text);
    value m = field(item, "metadata"), notes = field(m, "annotations");
    if (!value_is_nil(m) && !value_is_map(m))
        misfit(l, m, ".Items.Metadata", ITEM_NOTES, io_text);
    if (!value_is_nil(notes) && !value_is_map(notes))
        misfit(l, notes, ".Items.Metadata.Annotations", "map[string]string", io_text);
    for (struct value_iter it = value_iter(notes); value_is_map(notes) && value_next(&it);)
        (void)read_text(l, it.val, ".Items.Metadata.Annotations", io_text);
    return value_exists(value_getz(notes, "helm.sh/resource-policy"));
}

/* The whole file's first document is looked at, as helm does. */
static void check_list(struct document *d, const struct lint_head *h)
{
    struct err err;
    value v = VALUE_ABSENT;
    str text = STR("");
    bool found = false;
    if (!str_is(h->kind, "List") || yaml_parse(d->text, NULL, d->l->arena, &v, &err))
        return;
    value items = field(v, "items");
    if (!value_is_nil(items) && !value_is_list(items))
        misfit(d->l, items, ".Items", "[]" ITEM, &text);
    for (struct value_iter it = value_iter(items); value_is_list(items) && value_next(&it);)
        found = is_policy_item(d->l, it.val, &text) || found;
    if (text.len)
        LINT_SAY(d->l, LINT_ERROR, d->file, "unable to parse YAML: %.*s", STR_FMT(text));
    else if (found)
        LINT_SAY(d->l, LINT_ERROR, d->file,
                 "%cnnotation 'helm.sh/resource-policy' within List objects are ignored",
                 d->l->line->level == HELM_LEVEL_3 ? 'A' : 'a');
}

static int check_document(void *arg, value v, size_t index, uint32_t line, struct err *err)
{
    struct document *d = arg;
    struct lint_head h;
    str text;
    (void)index, (void)line;
    if (!lint_head_read(d->l, v, &h, &text))
        return err_set(err, ERR_INVALID, "%.*s", STR_FMT(text));
    if (h.is_null)
        return 0;
    say_name(d->l, d->file, h.kind, h.name);
    if (h.api_version.len && h.kind.len &&
        helm_lint_deprecated(h.api_version, h.kind, d->options, d->l->arena, &text))
        lint_say(d->l, LINT_WARNING, d->file, text);
    check_selector(d, &h);
    check_list(d, &h);
    return 0;
}

/* ---- one file ---- */

/* "helm.sh/hook: crd-install" with or without quotes around the key. */
static bool is_crd_hook(str text)
{
    str mark = STR("helm.sh/hook"), rest = text;
    for (ptrdiff_t at; (at = str_find(rest, mark)) >= 0;) {
        rest = str_from(rest, (size_t)at + mark.len);
        str after = str_trim_prefix(rest, STR("\""));
        if (!str_starts(after, STR(":")))
            continue;
        after = str_from(after, 1);
        str value_text = after;
        while (value_text.len && strchr(" \t\n\r\f", value_text.at[0]))
            value_text = str_from(value_text, 1);
        if (value_text.len < after.len && str_starts(value_text, STR("crd-install")))
            return true;
    }
    return false;
}

/* What Helm 3 warns of in templates of Helm 2. */
static void check_old(struct linting *l, const struct helm_file *f)
{
    if (l->line->level != HELM_LEVEL_3)
        return;
    if (is_crd_hook(f->data))
        lint_say(l, LINT_WARNING, f->name,
                 STR("manifest is a crd-install hook. This hook is no longer supported in v3 and "
                     "all CRDs should also exist the crds/ directory at the top level of the "
                     "chart"));
    if (str_has(f->data, STR(".Release.Time")))
        lint_say(l, LINT_ERROR, f->name,
                 STR(".Release.Time has been removed in v3, please replace with the `now` function "
                     "in your templates"));
}

static bool is_yaml_file(const struct linting *l, str name)
{
    str e = extension(name);
    if (l->line->level == HELM_LEVEL_3)
        return str_is(e, ".yaml");
    return str_ieq(e, STR(".yaml")) || str_ieq(e, STR(".yml"));
}

static void check_indent(struct linting *l, str file, str text)
{
    str rest = text, line;
    while (str_next(&rest, '\n', &line)) {
        if (!str_trim(line).len)
            continue;
        if (line.at[0] == ' ' || line.at[0] == '\t')
            LINT_SAY(l, LINT_WARNING, file,
                     "document starts with an illegal indent: %.*s, which may cause parsing "
                     "problems",
                     STR_FMT(quoted(l->arena, line)));
        return;
    }
}

/* false: helm stops here. */
static bool check_template(struct linting *l, const struct helm_chart *c,
                           const struct helm_lint_rendered *r, const struct helm_file *f,
                           const struct helm_options *o)
{
    static const char *const allowed[] = {".yaml", ".yml", ".tpl", ".txt"};
    struct err err;
    if (!is_one_of(extension(f->name), allowed, ARRAY_LEN(allowed)))
        LINT_SAY(l, LINT_ERROR, f->name,
                 "file extension '%.*s' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt",
                 STR_FMT(extension(f->name)));
    check_old(l, f);
    str text = helm_lint_text(r, ARENA_CAT(l->arena, helm_chart_name(c), STR("/"), f->name));
    if (!is_yaml_file(l, f->name) || !str_trim(text).len)
        return true;
    check_indent(l, f->name, text);
    struct document d = {l, f->name, text, o};
    if (!yaml_parse_stream(text, NULL, l->arena, check_document, &d, &err))
        return true;
    LINT_SAY(l, LINT_ERROR, f->name, "unable to parse YAML: %s", err.text);
    return false;
}

/* templates/: false: there is nothing to look at. */
static bool check_folder(struct linting *l)
{
    str folder = STR("templates/");
    bool is_folder = false, is_3 = l->line->level == HELM_LEVEL_3;
    bool there = lint_stat(l, "templates", &is_folder);
    if (!there && !is_3)
        lint_say(l, LINT_WARNING, folder, STR("directory does not exist"));
    if (there && !is_folder)
        lint_say(l, is_3 ? LINT_WARNING : LINT_ERROR, folder, STR("not a directory"));
    return is_folder || (!there && is_3);
}

void lint_templates(struct linting *l)
{
    struct helm_log log = helm_cli_log(l->line);
    struct helm_lint_rendered r = {0};
    struct helm_chart *c;
    struct err err;
    str path, why = STR(""), folder = STR("templates/");
    struct helm_options o = helm_cli_options(l->line);
    o.release = STR("test-release");
    if (!check_folder(l))
        return;
    if (helm_cli_load(l->where, l->arena, &log, &path, &c, &err)) {
        lint_tell(l, &log);
        lint_say(l, LINT_ERROR, folder, arena_str(l->arena, err_str(&err)));
        return;
    }
    struct helm_job j = {.chart = c, .user = l->user, .options = &o, .log = &log};
    int rc = helm_lint_render(&j, l->arena, &r, &why, &err);
    lint_tell(l, &log);
    if (rc) {
        lint_say(l, LINT_ERROR, folder, why.len ? why : arena_str(l->arena, err_str(&err)));
        return;
    }
    for (size_t i = 0; i < c->templates.n; i++)
        if (!check_template(l, c, &r, &c->templates.at[i], &o))
            return;
}
