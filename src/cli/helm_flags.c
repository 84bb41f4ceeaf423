/* pflag: flags anywhere, "--name value", "--name=value", "-n value", "-nvalue", "--" ends. */
#include "cli/helm_flags.h"

#include <string.h>

enum type {
    SWITCH,
    TEXT,
    TEXTS,   /* each occurrence one */
    CSV,     /* each occurrence several, between commas */
    OPTIONAL /* its value only behind '=' */
};

struct row {
    const char *name;
    char letter;
    enum type type;
    enum helm_flag flag;
    const char *deprecated;
};

#define NO_EFFECT "this flag has no effect for 'helm template' and will be removed in Helm 5"

static const struct row rows[] = {
    {"values", 'f', CSV, HELM_FLAG_VALUES, NULL},
    {"set", 0, TEXTS, HELM_FLAG_SET, NULL},
    {"set-string", 0, TEXTS, HELM_FLAG_SET_STRING, NULL},
    {"set-file", 0, TEXTS, HELM_FLAG_SET_FILE, NULL},
    {"set-json", 0, TEXTS, HELM_FLAG_SET_JSON, NULL},
    {"set-literal", 0, TEXTS, HELM_FLAG_SET_LITERAL, NULL},
    {"namespace", 'n', TEXT, HELM_FLAG_NAMESPACE, NULL},
    {"kube-version", 0, TEXT, HELM_FLAG_KUBE_VERSION, NULL},
    {"api-versions", 'a', CSV, HELM_FLAG_API_VERSIONS, NULL},
    {"include-crds", 0, SWITCH, HELM_FLAG_INCLUDE_CRDS, NULL},
    {"skip-tests", 0, SWITCH, HELM_FLAG_SKIP_TESTS, NULL},
    {"no-hooks", 0, SWITCH, HELM_FLAG_NO_HOOKS, NULL},
    {"show-only", 's', TEXTS, HELM_FLAG_SHOW_ONLY, NULL},
    {"is-upgrade", 0, SWITCH, HELM_FLAG_IS_UPGRADE, NULL},
    {"name-template", 0, TEXT, HELM_FLAG_NAME_TEMPLATE, NULL},
    {"generate-name", 'g', SWITCH, HELM_FLAG_GENERATE_NAME, NULL},
    {"release-name", 0, SWITCH, HELM_FLAG_RELEASE_NAME, NULL},
    {"skip-schema-validation", 0, SWITCH, HELM_FLAG_SKIP_SCHEMA, NULL},
    {"output-dir", 0, TEXT, HELM_FLAG_OUTPUT_DIR, NULL},
    {"debug", 0, SWITCH, HELM_FLAG_DEBUG, NULL},
    {"dry-run", 0, OPTIONAL, HELM_FLAG_DRY_RUN, NULL},
    {"validate", 0, SWITCH, HELM_FLAG_VALIDATE, "use '--dry-run=server' instead"},
    {"strict", 0, SWITCH, HELM_FLAG_STRICT, NULL},
    {"quiet", 0, SWITCH, HELM_FLAG_QUIET, NULL},
    {"with-subcharts", 0, SWITCH, HELM_FLAG_WITH_SUBCHARTS, NULL},
    {"helm-level", 0, TEXT, HELM_FLAG_LEVEL, NULL},
    {"repo", 0, TEXT, HELM_FLAG_REPO, NULL},
    {"dependency-update", 0, SWITCH, HELM_FLAG_DEPENDENCY_UPDATE, NULL},
    /* accepted: they change what an installation does, not what is printed */
    {"skip-crds", 0, SWITCH, HELM_FLAG_OTHER, NULL},
    {"hide-notes", 0, SWITCH, HELM_FLAG_OTHER, NO_EFFECT},
    {"render-subchart-notes", 0, SWITCH, HELM_FLAG_OTHER, NO_EFFECT},
    {"create-namespace", 0, SWITCH, HELM_FLAG_OTHER, NULL},
    {"replace", 0, SWITCH, HELM_FLAG_OTHER, NULL},
    {"force", 0, SWITCH, HELM_FLAG_OTHER, "use --force-replace instead"},
    {"force-replace", 0, SWITCH, HELM_FLAG_OTHER, NULL},
    {"force-conflicts", 0, SWITCH, HELM_FLAG_OTHER, NULL},
    {"server-side", 0, SWITCH, HELM_FLAG_OTHER, NULL},
    {"wait", 0, OPTIONAL, HELM_FLAG_OTHER, NULL},
    {"wait-for-jobs", 0, SWITCH, HELM_FLAG_OTHER, NULL},
    {"timeout", 0, TEXT, HELM_FLAG_OTHER, NULL},
    {"description", 0, TEXT, HELM_FLAG_OTHER, NULL},
    {"devel", 0, SWITCH, HELM_FLAG_OTHER, NULL},
    {"disable-openapi-validation", 0, SWITCH, HELM_FLAG_OTHER, NULL},
    {"rollback-on-failure", 0, SWITCH, HELM_FLAG_OTHER, NULL},
    {"atomic", 0, SWITCH, HELM_FLAG_OTHER, "use --rollback-on-failure instead"},
    {"labels", 'l', TEXTS, HELM_FLAG_OTHER, NULL},
    {"enable-dns", 0, SWITCH, HELM_FLAG_OTHER, NULL},
    {"take-ownership", 0, SWITCH, HELM_FLAG_OTHER, NULL},
    {"version", 0, TEXT, HELM_FLAG_OTHER, NULL},
    {"verify", 0, SWITCH, HELM_FLAG_OTHER, NULL},
    {"keyring", 0, TEXT, HELM_FLAG_OTHER, NULL},
    {"pass-credentials", 0, SWITCH, HELM_FLAG_OTHER, NULL},
    {"username", 0, TEXT, HELM_FLAG_OTHER, NULL},
    {"password", 0, TEXT, HELM_FLAG_OTHER, NULL},
    {"max-col-width", 0, TEXT, HELM_FLAG_OTHER, NULL},
    {"kube-context", 0, TEXT, HELM_FLAG_OTHER, NULL},
    {"kubeconfig", 0, TEXT, HELM_FLAG_OTHER, NULL},
    {"registry-config", 0, TEXT, HELM_FLAG_OTHER, NULL},
    {"repository-cache", 0, TEXT, HELM_FLAG_OTHER, NULL},
    {"repository-config", 0, TEXT, HELM_FLAG_OTHER, NULL},
    {"content-cache", 0, TEXT, HELM_FLAG_OTHER, NULL},
};

static const struct row *find_name(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(name, rows[i].name))
            return &rows[i];
    return NULL;
}

static const struct row *find_letter(char letter)
{
    for (size_t i = 0; letter && i < ARRAY_LEN(rows); i++)
        if (rows[i].letter == letter)
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

static int store(struct helm_command_line *c, const struct row *r, str text, struct err *err)
{
    struct helm_given *g = &c->given[r->flag];
    bool on = true;
    if (r->deprecated)
        fprintf(c->log, "Flag --%s has been deprecated, %s\n", r->name, r->deprecated);
    if (r->type == SWITCH && !read_switch(text, &on))
        return err_set(err, ERR_INVALID,
                       "invalid argument \"%.*s\" for \"%s%c%s--%s\" flag: strconv.ParseBool: "
                       "parsing \"%.*s\": invalid syntax",
                       STR_FMT(text), r->letter ? "-" : "", r->letter ? r->letter : '\0',
                       r->letter ? ", " : "", r->name, STR_FMT(text));
    g->is_set = on;
    g->text = text;
    str rest = text, one;
    if (r->type == TEXTS)
        vec_push(c->arena, &g->list, text);
    while (r->type == CSV && text.len && str_next(&rest, ',', &one))
        vec_push(c->arena, &g->list, one);
    return 0;
}

static int read_long(struct helm_command_line *c, str arg, int *io_i, int argc, char **argv,
                     struct err *err)
{
    str name, text;
    bool has_value = str_cut(str_from(arg, 2), '=', &name, &text);
    const struct row *r = find_name(name);
    if (!r)
        return err_set(err, ERR_INVALID, "unknown flag: --%.*s", STR_FMT(name));
    if (!has_value && r->type == SWITCH)
        text = STR("true");
    else if (!has_value && r->type == OPTIONAL)
        text = STR("unset");
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
        const struct row *r = find_letter(arg.at[k]);
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
