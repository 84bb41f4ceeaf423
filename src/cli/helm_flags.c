/* pflag: flags anywhere, "--name value", "--name=value", "-n value", "-nvalue", "--" ends. */
#include "cli/helm_flags.h"

#include <string.h>

#include "lang/gotime.h"
#include "value/number.h"

enum type {
    SWITCH,
    TEXT,
    TEXTS, /* each occurrence one */
    CSV,   /* each occurrence several, between commas */
    PAIRS, /* "key=value", between commas */
    INTEGER,
    UNSIGNED,
    NUMBER,
    DURATION,
    DRY_RUN, /* its value only behind '=' */
    WAIT     /* the same */
};

enum { BOTH, ONLY_4, ONLY_3 };

struct row {
    const char *name;
    char letter;
    enum type type;
    enum helm_flag flag;
    unsigned commands;      /* enum helm_command */
    unsigned levels;        /* BOTH, ONLY_4, ONLY_3 */
    const char *deprecated; /* by Helm 4 */
};

#define NO_EFFECT "this flag has no effect for 'helm template' and will be removed in Helm 5"
#define ALL (HELM_TEMPLATE | HELM_LINT | HELM_SHOW | HELM_SHOW_VALUES | HELM_DEPENDENCY)
#define RENDERING (HELM_TEMPLATE | HELM_LINT)
#define LOADING (HELM_TEMPLATE | HELM_SHOW | HELM_SHOW_VALUES)

static const struct row rows[] = {
    {"values", 'f', CSV, HELM_FLAG_VALUES, RENDERING, BOTH, NULL},
    {"set", 0, TEXTS, HELM_FLAG_SET, RENDERING, BOTH, NULL},
    {"set-string", 0, TEXTS, HELM_FLAG_SET_STRING, RENDERING, BOTH, NULL},
    {"set-file", 0, TEXTS, HELM_FLAG_SET_FILE, RENDERING, BOTH, NULL},
    {"set-json", 0, TEXTS, HELM_FLAG_SET_JSON, RENDERING, BOTH, NULL},
    {"set-literal", 0, TEXTS, HELM_FLAG_SET_LITERAL, RENDERING, BOTH, NULL},
    {"namespace", 'n', TEXT, HELM_FLAG_NAMESPACE, ALL, BOTH, NULL},
    {"kube-version", 0, TEXT, HELM_FLAG_KUBE_VERSION, RENDERING, BOTH, NULL},
    {"api-versions", 'a', CSV, HELM_FLAG_API_VERSIONS, HELM_TEMPLATE, BOTH, NULL},
    {"include-crds", 0, SWITCH, HELM_FLAG_INCLUDE_CRDS, HELM_TEMPLATE, BOTH, NULL},
    {"skip-tests", 0, SWITCH, HELM_FLAG_SKIP_TESTS, HELM_TEMPLATE, BOTH, NULL},
    {"no-hooks", 0, SWITCH, HELM_FLAG_NO_HOOKS, HELM_TEMPLATE, BOTH, NULL},
    {"show-only", 's', TEXTS, HELM_FLAG_SHOW_ONLY, HELM_TEMPLATE, BOTH, NULL},
    {"is-upgrade", 0, SWITCH, HELM_FLAG_IS_UPGRADE, HELM_TEMPLATE, BOTH, NULL},
    {"name-template", 0, TEXT, HELM_FLAG_NAME_TEMPLATE, HELM_TEMPLATE, BOTH, NULL},
    {"generate-name", 'g', SWITCH, HELM_FLAG_GENERATE_NAME, HELM_TEMPLATE, BOTH, NULL},
    {"release-name", 0, SWITCH, HELM_FLAG_RELEASE_NAME, HELM_TEMPLATE, BOTH, NULL},
    {"skip-schema-validation", 0, SWITCH, HELM_FLAG_SKIP_SCHEMA, RENDERING, BOTH, NULL},
    {"output-dir", 0, TEXT, HELM_FLAG_OUTPUT_DIR, HELM_TEMPLATE, BOTH, NULL},
    {"debug", 0, SWITCH, HELM_FLAG_DEBUG, ALL, BOTH, NULL},
    {"dry-run", 0, DRY_RUN, HELM_FLAG_DRY_RUN, HELM_TEMPLATE, BOTH, NULL},
    {"validate", 0, SWITCH, HELM_FLAG_VALIDATE, HELM_TEMPLATE, BOTH,
     "use '--dry-run=server' instead"},
    {"strict", 0, SWITCH, HELM_FLAG_STRICT, HELM_LINT, BOTH, NULL},
    {"quiet", 0, SWITCH, HELM_FLAG_QUIET, HELM_LINT, BOTH, NULL},
    {"with-subcharts", 0, SWITCH, HELM_FLAG_WITH_SUBCHARTS, HELM_LINT, BOTH, NULL},
    {"jsonpath", 0, TEXT, HELM_FLAG_JSONPATH, HELM_SHOW_VALUES, BOTH, NULL},
    {"max-col-width", 0, UNSIGNED, HELM_FLAG_COLUMN_WIDTH, HELM_DEPENDENCY, BOTH, NULL},
    {"helm-level", 0, TEXT, HELM_FLAG_LEVEL, ALL, BOTH, NULL},
    {"repo", 0, TEXT, HELM_FLAG_REPO, LOADING, BOTH, NULL},
    {"dependency-update", 0, SWITCH, HELM_FLAG_DEPENDENCY_UPDATE, HELM_TEMPLATE, BOTH, NULL},
    {"verify", 0, SWITCH, HELM_FLAG_VERIFY, LOADING, BOTH, NULL},
    {"post-renderer", 0, TEXT, HELM_FLAG_POST_RENDERER, HELM_TEMPLATE, BOTH, NULL},
    {"force", 0, SWITCH, HELM_FLAG_FORCE, HELM_TEMPLATE, BOTH, "use --force-replace instead"},
    {"force-replace", 0, SWITCH, HELM_FLAG_FORCE_REPLACE, HELM_TEMPLATE, ONLY_4, NULL},
    {"force-conflicts", 0, SWITCH, HELM_FLAG_FORCE_CONFLICTS, HELM_TEMPLATE, ONLY_4, NULL},
    /* accepted: they change what an installation or a download does, not what is printed */
    {"wait", 0, WAIT, HELM_FLAG_OTHER, HELM_TEMPLATE, ONLY_4, NULL},
    {"wait", 0, SWITCH, HELM_FLAG_OTHER, HELM_TEMPLATE, ONLY_3, NULL},
    {"skip-crds", 0, SWITCH, HELM_FLAG_OTHER, HELM_TEMPLATE, BOTH, NULL},
    {"hide-notes", 0, SWITCH, HELM_FLAG_OTHER, HELM_TEMPLATE, BOTH, NO_EFFECT},
    {"render-subchart-notes", 0, SWITCH, HELM_FLAG_OTHER, HELM_TEMPLATE, BOTH, NO_EFFECT},
    {"create-namespace", 0, SWITCH, HELM_FLAG_OTHER, HELM_TEMPLATE, BOTH, NULL},
    {"replace", 0, SWITCH, HELM_FLAG_OTHER, HELM_TEMPLATE, BOTH, NULL},
    {"server-side", 0, SWITCH, HELM_FLAG_OTHER, HELM_TEMPLATE, ONLY_4, NULL},
    {"wait-for-jobs", 0, SWITCH, HELM_FLAG_OTHER, HELM_TEMPLATE, BOTH, NULL},
    {"timeout", 0, DURATION, HELM_FLAG_OTHER, HELM_TEMPLATE, BOTH, NULL},
    {"description", 0, TEXT, HELM_FLAG_OTHER, HELM_TEMPLATE, BOTH, NULL},
    {"devel", 0, SWITCH, HELM_FLAG_OTHER, LOADING, BOTH, NULL},
    {"disable-openapi-validation", 0, SWITCH, HELM_FLAG_OTHER, HELM_TEMPLATE, BOTH, NULL},
    {"rollback-on-failure", 0, SWITCH, HELM_FLAG_OTHER, HELM_TEMPLATE, ONLY_4, NULL},
    {"atomic", 0, SWITCH, HELM_FLAG_OTHER, HELM_TEMPLATE, BOTH,
     "use --rollback-on-failure instead"},
    {"labels", 'l', PAIRS, HELM_FLAG_OTHER, HELM_TEMPLATE, BOTH, NULL},
    {"enable-dns", 0, SWITCH, HELM_FLAG_OTHER, HELM_TEMPLATE, BOTH, NULL},
    {"take-ownership", 0, SWITCH, HELM_FLAG_OTHER, HELM_TEMPLATE, BOTH, NULL},
    {"version", 0, TEXT, HELM_FLAG_OTHER, LOADING, BOTH, NULL},
    {"keyring", 0, TEXT, HELM_FLAG_OTHER, LOADING, BOTH, NULL},
    {"pass-credentials", 0, SWITCH, HELM_FLAG_OTHER, LOADING, BOTH, NULL},
    {"username", 0, TEXT, HELM_FLAG_OTHER, LOADING, BOTH, NULL},
    {"password", 0, TEXT, HELM_FLAG_OTHER, LOADING, BOTH, NULL},
    {"ca-file", 0, TEXT, HELM_FLAG_OTHER, LOADING, BOTH, NULL},
    {"cert-file", 0, TEXT, HELM_FLAG_OTHER, LOADING, BOTH, NULL},
    {"key-file", 0, TEXT, HELM_FLAG_OTHER, LOADING, BOTH, NULL},
    {"insecure-skip-tls-verify", 0, SWITCH, HELM_FLAG_OTHER, LOADING, BOTH, NULL},
    {"plain-http", 0, SWITCH, HELM_FLAG_OTHER, LOADING, BOTH, NULL},
    {"burst-limit", 0, INTEGER, HELM_FLAG_OTHER, ALL, BOTH, NULL},
    {"qps", 0, NUMBER, HELM_FLAG_OTHER, ALL, BOTH, NULL},
    {"kube-context", 0, TEXT, HELM_FLAG_OTHER, ALL, BOTH, NULL},
    {"kube-apiserver", 0, TEXT, HELM_FLAG_OTHER, ALL, BOTH, NULL},
    {"kube-as-group", 0, TEXTS, HELM_FLAG_OTHER, ALL, BOTH, NULL},
    {"kube-as-user", 0, TEXT, HELM_FLAG_OTHER, ALL, BOTH, NULL},
    {"kube-ca-file", 0, TEXT, HELM_FLAG_OTHER, ALL, BOTH, NULL},
    {"kube-insecure-skip-tls-verify", 0, SWITCH, HELM_FLAG_OTHER, ALL, BOTH, NULL},
    {"kube-tls-server-name", 0, TEXT, HELM_FLAG_OTHER, ALL, BOTH, NULL},
    {"kube-token", 0, TEXT, HELM_FLAG_OTHER, ALL, BOTH, NULL},
    {"kubeconfig", 0, TEXT, HELM_FLAG_OTHER, ALL, BOTH, NULL},
    {"registry-config", 0, TEXT, HELM_FLAG_OTHER, ALL, BOTH, NULL},
    {"repository-cache", 0, TEXT, HELM_FLAG_OTHER, ALL, BOTH, NULL},
    {"repository-config", 0, TEXT, HELM_FLAG_OTHER, ALL, BOTH, NULL},
    {"content-cache", 0, TEXT, HELM_FLAG_OTHER, ALL, ONLY_4, NULL},
    {"color", 0, TEXT, HELM_FLAG_OTHER, ALL, ONLY_4, NULL},
    {"colour", 0, TEXT, HELM_FLAG_OTHER, ALL, ONLY_4, NULL},
};

static bool is_row_of(const struct helm_command_line *c, const struct row *r)
{
    return (r->commands & c->command) && r->levels != (c->level == HELM_LEVEL_3 ? ONLY_4 : ONLY_3);
}

static const struct row *find_name(const struct helm_command_line *c, str name)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (is_row_of(c, &rows[i]) && str_is(name, rows[i].name))
            return &rows[i];
    return NULL;
}

static const struct row *find_letter(const struct helm_command_line *c, char letter)
{
    for (size_t i = 0; letter && i < ARRAY_LEN(rows); i++)
        if (is_row_of(c, &rows[i]) && rows[i].letter == letter)
            return &rows[i];
    return NULL;
}

static bool read_switch(str text, bool *ret)
{
    static const char *const words[] = {"0", "f", "F", "false", "FALSE", "False",
                                        "1", "t", "T", "true",  "TRUE",  "True"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_is(text, words[i])) {
            *ret = i >= ARRAY_LEN(words) / 2;
            return true;
        }
    return false;
}

static bool read_number(str text, double *ret)
{
    bool digits = false;
    for (size_t i = 0; i < text.len; i++) {
        if (!text.at[i] || !strchr("0123456789+-.eE", text.at[i]))
            return false;
        digits = digits || (text.at[i] >= '0' && text.at[i] <= '9');
    }
    return digits && number_to_double(text, ret);
}

/* What is wrong with a value, as Go's parsers say it; err is set by what refuses. */
static int check_number(str text, const char *parser, bool ok, struct err *err)
{
    if (ok)
        return 0;
    return err_set(err, ERR_INVALID, "strconv.%s: parsing \"%.*s\": invalid syntax", parser,
                   STR_FMT(text));
}

static int check_pairs(str text, struct err *err)
{
    str rest = text, one, key, v;
    while (text.len && str_next(&rest, ',', &one))
        if (!str_cut(one, '=', &key, &v))
            return err_set(err, ERR_INVALID, "%.*s must be formatted as key=value", STR_FMT(one));
    return 0;
}

static int check_wait(struct helm_command_line *c, str text, struct err *err)
{
    if (str_is(text, "true") || str_is(text, "false")) {
        fprintf(c->log,
                "level=WARN msg=\"--wait=%.*s is deprecated (boolean value) and can be replaced "
                "with --wait=%s\"\n",
                STR_FMT(text), str_is(text, "true") ? "watcher" : "hookOnly");
        return 0;
    }
    if (str_is(text, "watcher") || str_is(text, "hookOnly") || str_is(text, "legacy"))
        return 0;
    return err_set(err, ERR_INVALID,
                   "invalid wait input \"%.*s\". Valid inputs are watcher, hookOnly, and legacy",
                   STR_FMT(text));
}

static int check_value(struct helm_command_line *c, const struct row *r, str text, bool *ret_on,
                       struct err *err)
{
    int64_t i;
    uint64_t u;
    double d;
    switch (r->type) {
    case SWITCH: return check_number(text, "ParseBool", read_switch(text, ret_on), err);
    case INTEGER: return check_number(text, "ParseInt", str_to_i64(text, &i), err);
    case UNSIGNED: return check_number(text, "ParseUint", str_to_u64(text, &u), err);
    case NUMBER: return check_number(text, "ParseFloat", read_number(text, &d), err);
    case DURATION: return goduration_parse(text, &i, err);
    case PAIRS: return check_pairs(text, err);
    case WAIT: return check_wait(c, text, err);
    default: return 0;
    }
}

static int store(struct helm_command_line *c, const struct row *r, str text, struct err *err)
{
    struct helm_given *g = &c->given[r->flag];
    bool on = true;
    char letter[] = {'-', r->letter, ',', ' ', 0};
    if (r->deprecated && c->level == HELM_LEVEL_4)
        fprintf(c->log, "Flag --%s has been deprecated, %s\n", r->name, r->deprecated);
    if (check_value(c, r, text, &on, err))
        return err_wrap(err, "invalid argument \"%.*s\" for \"%s--%s\" flag", STR_FMT(text),
                        r->letter ? letter : "", r->name);
    g->is_set = on;
    g->is_given = true;
    g->text = text;
    str rest = text, one;
    if (r->type == TEXTS)
        vec_push(c->arena, &g->list, text);
    while (r->type == CSV && text.len && str_next(&rest, ',', &one))
        vec_push(c->arena, &g->list, one);
    return 0;
}

/* What a flag means that stands alone; NULL: its value is the next argument. */
static const char *value_alone(const struct helm_command_line *c, const struct row *r)
{
    switch (r->type) {
    case SWITCH: return "true";
    case DRY_RUN: return c->level == HELM_LEVEL_3 ? "client" : "unset";
    case WAIT: return "watcher";
    default: return NULL;
    }
}

static int read_long(struct helm_command_line *c, str arg, int *io_i, int argc, char **argv,
                     struct err *err)
{
    str name, text;
    bool has_value = str_cut(str_from(arg, 2), '=', &name, &text);
    const struct row *r = find_name(c, name);
    if (!r)
        return err_set(err, ERR_INVALID, "unknown flag: --%.*s", STR_FMT(name));
    if (!has_value && value_alone(c, r))
        text = str_of(value_alone(c, r));
    else if (!has_value) {
        if (*io_i + 1 >= argc)
            return err_set(err, ERR_INVALID, "flag needs an argument: --%.*s", STR_FMT(name));
        text = str_of(argv[++*io_i]);
    }
    return store(c, r, text, err);
}

static int read_letters(struct helm_command_line *c, str arg, int *io_i, int argc, char **argv,
                        struct err *err)
{
    for (size_t k = 1; k < arg.len; k++) {
        const struct row *r = find_letter(c, arg.at[k]);
        str text = str_from(arg, k + 1);
        if (!r)
            return err_set(err, ERR_INVALID, "unknown shorthand flag: '%c' in %.*s", arg.at[k],
                           STR_FMT(arg));
        if (r->type == SWITCH && !str_starts(text, STR("="))) {
            int rc = store(c, r, STR("true"), err);
            if (rc)
                return rc;
            continue;
        }
        if (str_starts(text, STR("=")))
            text = str_from(text, 1);
        else if (!text.len && *io_i + 1 < argc)
            text = str_of(argv[++*io_i]);
        else if (!text.len)
            return err_set(err, ERR_INVALID, "flag needs an argument: '%c' in %.*s", arg.at[k],
                           STR_FMT(arg));
        return store(c, r, text, err);
    }
    return 0;
}

int helm_command_line_read(struct helm_command_line *c, int argc, char **argv, struct err *err)
{
    bool only_words = false;
    int rc = 0;
    for (int i = 1; !rc && i < argc; i++) {
        str arg = str_of(argv[i]);
        if (only_words || arg.len < 2 || arg.at[0] != '-')
            vec_push(c->arena, &c->args, arg);
        else if (str_is(arg, "--"))
            only_words = true;
        else if (str_is(arg, "--help") || str_is(arg, "-h"))
            c->help = true;
        else if (arg.at[1] == '-')
            rc = read_long(c, arg, &i, argc, argv, err);
        else
            rc = read_letters(c, arg, &i, argc, argv, err);
    }
    return rc;
}

/* ---- flags that exclude each other ---- */

static int refuse_pair(const struct helm_command_line *c, enum helm_flag a, enum helm_flag b,
                       const char *group, const char *sorted, struct err *err)
{
    if (!c->given[a].is_given || !c->given[b].is_given)
        return 0;
    return err_set(err, ERR_INVALID,
                   "if any flags in the group [%s] are set none of the others can be; [%s] were "
                   "all set",
                   group, sorted);
}

int helm_command_line_check(const struct helm_command_line *c, struct err *err)
{
    if (c->level == HELM_LEVEL_3)
        return 0;
    int rc = refuse_pair(c, HELM_FLAG_FORCE, HELM_FLAG_FORCE_CONFLICTS, "force force-conflicts",
                         "force force-conflicts", err);
    if (!rc)
        rc = refuse_pair(c, HELM_FLAG_FORCE_REPLACE, HELM_FLAG_FORCE_CONFLICTS,
                         "force-replace force-conflicts", "force-conflicts force-replace", err);
    if (!rc)
        rc = refuse_pair(c, HELM_FLAG_VALIDATE, HELM_FLAG_DRY_RUN, "validate dry-run",
                         "dry-run validate", err);
    return rc;
}
