/* helm.c: arguments and files in, the engine of render/, text out. */
#include "cli/helm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/helm_show.h"
#include "lang/template.h"
#include "render/helm.h"

#define FILE_BYTES_MAX ((size_t)64 << 20)

/* ---- files of this machine ---- */

static int read_descriptor(int fd, const char *what, struct arena *a, str *ret, struct err *err)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    for (;;) {
        if (!buf_reserve(&b, 1 << 16) || b.len > FILE_BYTES_MAX)
            return err_set(err, ERR_TOO_LARGE, "%s is larger than %zu bytes", what, FILE_BYTES_MAX);
        ssize_t n = read(fd, b.at + b.len, 1 << 16);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, errno, "read %s", what);
        if (!n)
            break;
        buf_advance(&b, (size_t)n);
    }
    *ret = arena_str(a, buf_str(&b));
    return 0;
}

/* Go's text: "open x: no such file or directory". */
static int open_failed(struct err *err, str path, int saved_errno)
{
    char reason[128];
    const char *text = strerror_r(saved_errno, reason, sizeof(reason));
    return err_set(err, ERR_INVALID, "open %.*s: %c%s", STR_FMT(path),
                   text[0] >= 'A' && text[0] <= 'Z' ? text[0] | 32 : text[0], text + 1);
}

static bool has_remote_scheme(str path)
{
    return str_starts(path, STR("http://")) || str_starts(path, STR("https://")) ||
           str_starts(path, STR("oci://"));
}

static int read_path(void *arg, str path, struct arena *a, str *ret, struct err *err)
{
    (void)arg;
    if (str_is(str_trim(path), "-"))
        return read_descriptor(STDIN_FILENO, "standard input", a, ret, err);
    if (has_remote_scheme(path))
        return err_set(err, ERR_UNSUPPORTED, "%.*s: values are read from local files only",
                       STR_FMT(path));
    int fd = open(arena_cstr(a, path), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return open_failed(err, path, errno);
    int rc = read_descriptor(fd, arena_cstr(a, path), a, ret, err);
    close(fd);
    return rc;
}

int helm_cli_read(str path, struct arena *a, str *ret, struct err *err)
{
    return read_path(NULL, path, a, ret, err);
}

str helm_cli_absolute(struct arena *a, str path)
{
    char cwd[FILES_PATH_MAX];
    str clean;
    if (!str_starts(path, STR("/")))
        path = ARENA_CAT(a, str_of(getcwd(cwd, sizeof(cwd)) ? cwd : ""), STR("/"), path);
    if (!files_path_join(a, STR(""), str_trim_prefix(path, STR("/")), &clean))
        return path;
    return ARENA_CAT(a, STR("/"), clean);
}

str helm_cli_clean(struct arena *a, str path)
{
    str clean;
    if (str_starts(path, STR("/")))
        return helm_cli_absolute(a, path);
    return files_path_join(a, STR(""), path, &clean) ? clean : path;
}

static int locate(struct arena *a, str name, str *ret, struct err *err)
{
    struct stat st;
    name = str_trim(name);
    if (!stat(arena_cstr(a, name), &st)) {
        *ret = helm_cli_absolute(a, name);
        return 0;
    }
    if (str_starts(name, STR("/")) || str_starts(name, STR(".")))
        return err_set(err, ERR_NOT_FOUND, "path \"%.*s\" not found", STR_FMT(name));
    if (has_remote_scheme(name))
        return err_set(err, ERR_UNSUPPORTED,
                       "%.*s: charts are read from local folders and archives "
                       "only",
                       STR_FMT(name));
    str repo, rest;
    if (str_cut(name, '/', &repo, &rest))
        return err_set(err, ERR_NOT_FOUND, "repo %.*s not found", STR_FMT(repo));
    return err_set(err, ERR_NOT_FOUND,
                   "non-absolute URLs should be in form of repo_name/path_to_chart, got: %.*s",
                   STR_FMT(name));
}

static int load_archive(str path, struct arena *a, struct helm_log *log, struct helm_chart **ret,
                        struct err *err)
{
    str bytes;
    int rc = read_path(NULL, path, a, &bytes, err);
    if (rc)
        return rc;
    if (!str_starts(bytes, STR("\x1f\x8b\x08"))) {
        if (str_ends(path, STR(".yml")) || str_ends(path, STR(".yaml")))
            return err_set(err, ERR_INVALID,
                           "file '%.*s' seems to be a YAML file, but expected a gzipped archive",
                           STR_FMT(path));
        return err_set(err, ERR_INVALID,
                       "file '%.*s' does not appear to be a gzipped archive; got "
                       "'text/plain; charset=utf-8'",
                       STR_FMT(path));
    }
    return helm_load_archive(bytes, path, a, log, ret, err);
}

int helm_cli_load(str name, struct arena *a, struct helm_log *log, str *ret_path,
                  struct helm_chart **ret, struct err *err)
{
    struct stat st;
    struct files *f __attribute__((cleanup(files_closep))) = NULL;
    int rc = locate(a, name, ret_path, err);
    if (rc)
        return rc;
    if (stat(arena_cstr(a, *ret_path), &st))
        return open_failed(err, *ret_path, errno);
    if (!S_ISDIR(st.st_mode))
        return load_archive(*ret_path, a, log, ret, err);
    /* The whole machine is the tree: a chart's links may lead anywhere, as for helm. */
    rc = files_open_folder(STR("/"), &f, err);
    return rc ? rc : helm_load_folder(f, str_from(*ret_path, 1), *ret_path, a, log, ret, err);
}

int helm_cli_fail(struct helm_command_line *c, str text)
{
    fprintf(c->log, "Error: %.*s\n", STR_FMT(text));
    return 1;
}

/* ---- names ---- */

static int template_name(str text, struct arena *a, str *ret, struct err *err)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    const struct template_tree *tree;
    int rc = template_parse(STR("name-template"), text, &TEMPLATE_FUNCS_SPRIG, a, &tree, err);
    if (rc)
        return rc;
    struct template_set *set = template_set_new(a);
    template_set_add(set, tree);
    struct template_env env = {.set = set, .funcs = &TEMPLATE_FUNCS_SPRIG};
    rc = template_execute(template_run_new(a, &env), STR("name-template"), TEMPLATE_NO_VALUE, &b,
                          err);
    if (!rc)
        *ret = arena_str(a, buf_str(&b));
    return rc;
}

static int name_and_chart(const struct helm_command_line *c, str *ret_name, str *ret_chart,
                          struct err *err)
{
    struct arena *a = c->arena;
    if (c->args.n > 2) {
        str all = STR("");
        for (size_t i = 2; i < c->args.n; i++)
            all = ARENA_CAT(a, all, i > 2 ? STR(", ") : STR(""), c->args.at[i]);
        return err_set(err, ERR_INVALID,
                       "expected at most two arguments, unexpected arguments: %.*s", STR_FMT(all));
    }
    *ret_chart = c->args.at[c->args.n - 1];
    if (c->args.n == 2) {
        *ret_name = c->args.at[0];
        if (helm_is_set(c, HELM_FLAG_GENERATE_NAME))
            return err_set(err, ERR_INVALID, "cannot set --generate-name and also specify a name");
        if (c->given[HELM_FLAG_NAME_TEMPLATE].text.len)
            return err_set(err, ERR_INVALID, "cannot set --name-template and also specify a name");
        return 0;
    }
    if (c->given[HELM_FLAG_NAME_TEMPLATE].text.len)
        return template_name(c->given[HELM_FLAG_NAME_TEMPLATE].text, a, ret_name, err);
    *ret_name = STR("release-name");
    return 0;
}

/* ---- values ---- */

static const struct {
    enum helm_flag flag;
    enum helm_value_kind kind;
} value_flags[] = {
    {HELM_FLAG_VALUES, HELM_VALUE_FILE},       {HELM_FLAG_SET_JSON, HELM_VALUE_JSON},
    {HELM_FLAG_SET, HELM_VALUE_SET},           {HELM_FLAG_SET_STRING, HELM_VALUE_STRING},
    {HELM_FLAG_SET_FILE, HELM_VALUE_SET_FILE}, {HELM_FLAG_SET_LITERAL, HELM_VALUE_LITERAL},
};

int helm_cli_values(const struct helm_command_line *c, value *ret, struct err *err)
{
    VEC(struct helm_value_source) all = {0};
    for (size_t i = 0; i < ARRAY_LEN(value_flags); i++) {
        const struct helm_given *g = &c->given[value_flags[i].flag];
        for (size_t j = 0; j < g->list.n; j++) {
            struct helm_value_source s = {value_flags[i].kind, g->list.at[j]};
            vec_push(c->arena, &all, s);
        }
    }
    struct helm_value_input in = {.level = helm_cli_level(c),
                                  .at = all.at,
                                  .n = all.n,
                                  .read = read_path};
    return helm_user_values(&in, c->arena, ret, err);
}

/* ---- output ---- */

/* "a/b/c" -> the folders a and a/b. */
static int make_folders(struct arena *a, str path, struct err *err)
{
    char *z = arena_cstr(a, path);
    for (size_t i = 1; i < path.len; i++) {
        if (z[i] != '/')
            continue;
        z[i] = 0;
        if (mkdir(z, 0755) && errno != EEXIST)
            return err_errno(err, errno, "mkdir %s", z);
        z[i] = '/';
    }
    return 0;
}

static int write_one(struct helm_command_line *c, str folder, str name, str text, bool append,
                     struct err *err)
{
    str path = ARENA_CAT(c->arena, folder, STR("/"), name);
    int rc = make_folders(c->arena, path, err);
    if (rc)
        return rc;
    int fd = open(arena_cstr(c->arena, path),
                  O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0644);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f)
        return open_failed(err, path, errno);
    fprintf(f, "---\n# Source: %.*s\n%.*s\n", STR_FMT(name), STR_FMT(text));
    if (fclose(f))
        return err_errno(err, errno, "write %.*s", STR_FMT(path));
    fprintf(c->out, "wrote %.*s\n", STR_FMT(path));
    return 0;
}

/* Chart.yaml of an archive names the folder. */
static str name_in(const struct helm_files *files, struct arena *a)
{
    struct helm_metadata m = {0};
    struct err err;
    for (size_t i = 0; i < files->n; i++)
        if (str_is(files->at[i].name, "Chart.yaml") &&
            helm_metadata_parse(files->at[i].data, HELM_LEVEL_4, a, &m, &err))
            return STR("");
    return m.name;
}

int helm_cli_unpack(const struct helm_files *files, str folder, struct arena *a, str *ret_where,
                    struct err *err)
{
    str name = name_in(files, a);
    if (!name.len || str_find_char(name, '/') >= 0 || str_is(name, ".") || str_is(name, ".."))
        return err_set(err, ERR_INVALID, "chart name not specified");
    *ret_where = ARENA_CAT(a, folder, STR("/"), name);
    for (size_t i = 0; i < files->n; i++) {
        str path = ARENA_CAT(a, *ret_where, STR("/"), files->at[i].name);
        int rc = make_folders(a, path, err);
        if (rc)
            return rc;
        int fd = open(arena_cstr(a, path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
        if (!f)
            return open_failed(err, path, errno);
        fwrite(files->at[i].data.at, 1, files->at[i].data.len, f);
        if (fclose(f))
            return err_errno(err, errno, "write %.*s", STR_FMT(path));
    }
    return 0;
}

struct writing {
    struct helm_command_line *line;
    str folder;
    struct helm_strs written;
};

static int write_file(struct writing *w, str folder, str name, str text, struct err *err)
{
    bool append = false;
    for (size_t i = 0; i < w->written.n; i++)
        append = append || str_eq(w->written.at[i], name);
    vec_push(w->line->arena, &w->written, name);
    return write_one(w->line, folder, name, text, append, err);
}

static int write_folder(struct helm_command_line *c, const struct helm_output *h, str release,
                        struct err *err)
{
    str top = c->given[HELM_FLAG_OUTPUT_DIR].text;
    struct writing w = {.line = c, .folder = top};
    int rc = 0;
    if (helm_is_set(c, HELM_FLAG_RELEASE_NAME))
        w.folder = ARENA_CAT(c->arena, top, STR("/"), release);
    for (size_t i = 0; !rc && helm_is_set(c, HELM_FLAG_INCLUDE_CRDS) && i < h->n_crds; i++)
        rc = write_file(&w, top, h->crd[i].file, helm_file_data(h->crd[i].content), err);
    for (size_t i = 0; !rc && i < h->manifests.n; i++)
        rc = write_file(&w, w.folder, h->manifests.at[i].path, h->manifests.at[i].text, err);
    for (size_t i = 0; !rc && !helm_is_set(c, HELM_FLAG_NO_HOOKS) && i < h->hooks.n; i++)
        if (!helm_is_set(c, HELM_FLAG_SKIP_TESTS) || !h->hooks.at[i].is_test)
            rc = write_file(&w, w.folder, h->hooks.at[i].path, h->hooks.at[i].text, err);
    if (!rc)
        fputc('\n', c->out);
    return rc;
}

static int print(struct helm_command_line *c, const struct helm_output *h, str release,
                 struct err *err)
{
    if (helm_is_set(c, HELM_FLAG_OUTPUT_DIR) && c->given[HELM_FLAG_OUTPUT_DIR].text.len)
        return write_folder(c, h, release, err);
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    struct helm_print p = {
        .include_crds = helm_is_set(c, HELM_FLAG_INCLUDE_CRDS),
        .skip_tests = helm_is_set(c, HELM_FLAG_SKIP_TESTS),
        .no_hooks = helm_is_set(c, HELM_FLAG_NO_HOOKS),
        .show_only = c->given[HELM_FLAG_SHOW_ONLY].list.at,
        .n_show_only = c->given[HELM_FLAG_SHOW_ONLY].list.n,
        .level = helm_cli_level(c),
    };
    int rc = helm_print(h, &p, c->arena, &b, err);
    fwrite(b.at, 1, b.len, c->out);
    return rc;
}

/* ---- commands ---- */

static int fail(struct helm_command_line *c, str text, bool started)
{
    fprintf(c->log, "Error: %.*s%s\n", STR_FMT(text),
            started && !helm_is_set(c, HELM_FLAG_DEBUG)
                ? "\n\nUse --debug flag to render out invalid YAML"
                : "");
    return 1;
}

/* Helm 4: `helm template` is always a dry run; what the flag may say and what it is told. */
static int check_dry_run_4(const struct helm_command_line *c, str given, struct err *err)
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False", "none"};
    if (str_is(given, "client"))
        return 0;
    if (str_is(given, "unset")) {
        fputs("level=WARN msg=\"--dry-run is deprecated and should be replaced with "
              "'--dry-run=client'\"\n",
              c->log);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (str_is(given, yes[i])) {
            fprintf(c->log,
                    "level=WARN msg=\"boolean '--dry-run=%s' flag is deprecated and must be "
                    "replaced with '--dry-run=client'\"\n",
                    yes[i]);
            return 0;
        }
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (str_is(given, no[i]))
            return err_set(err, ERR_INVALID,
                           "invalid dry-run value (\"%s\"). Must be \"server\" or \"client\"",
                           no[i]);
    return err_set(err, ERR_INVALID,
                   "invalid dry-run value (\"%.*s\"). Must be \"none\", \"server\", or \"client\"",
                   STR_FMT(given));
}

/* What needs more than the chart's files. */
static int refuse_cluster(const struct helm_command_line *c, struct err *err)
{
    str dry_run = c->given[HELM_FLAG_DRY_RUN].text;
    bool is_asked = c->given[HELM_FLAG_DRY_RUN].is_given;
    int rc = 0;
    if (is_asked && c->level == HELM_LEVEL_4 && !str_is(dry_run, "server"))
        rc = check_dry_run_4(c, dry_run, err);
    if (rc)
        return rc;
    if (helm_is_set(c, HELM_FLAG_VALIDATE) || str_is(dry_run, "server"))
        return err_set(err, ERR_UNSUPPORTED,
                       "--validate and --dry-run=server ask a cluster; helm template here never "
                       "talks to one");
    if (helm_is_set(c, HELM_FLAG_DEPENDENCY_UPDATE) || c->given[HELM_FLAG_REPO].text.len)
        return err_set(err, ERR_UNSUPPORTED,
                       "--repo and --dependency-update ask a repository; helm template here reads "
                       "local charts only");
    if (c->given[HELM_FLAG_POST_RENDERER].text.len || helm_is_set(c, HELM_FLAG_VERIFY))
        return err_set(err, ERR_UNSUPPORTED,
                       "--post-renderer and --verify run other programs; helm template here never "
                       "does");
    return 0;
}

/* Helm 3 looks at it after the chart was loaded. */
static int check_dry_run_3(const struct helm_command_line *c, struct err *err)
{
    static const char *const known[] = {"", "false", "true", "none", "client"};
    str given = c->given[HELM_FLAG_DRY_RUN].text;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (c->level != HELM_LEVEL_3 || str_is(given, known[i]))
            return 0;
    return err_set(err, ERR_INVALID,
                   "Invalid dry-run flag. Flag must one of the following: false, true, none, "
                   "client, server");
}

static str namespace_of(const struct helm_command_line *c)
{
    const char *from_environment = getenv("HELM_NAMESPACE");
    if (c->given[HELM_FLAG_NAMESPACE].text.len)
        return c->given[HELM_FLAG_NAMESPACE].text;
    return from_environment && *from_environment ? str_of(from_environment) : STR("default");
}

enum helm_level helm_cli_level(const struct helm_command_line *c) { return c->level; }

struct helm_log helm_cli_log(const struct helm_command_line *c)
{
    return (struct helm_log){.arena = c->arena,
                             .level = c->level,
                             .any_version = c->command != HELM_TEMPLATE};
}

struct helm_options helm_cli_options(const struct helm_command_line *c)
{
    return (struct helm_options){
        .level = helm_cli_level(c),
        .namespace = namespace_of(c),
        .is_upgrade = helm_is_set(c, HELM_FLAG_IS_UPGRADE),
        .kube_version = c->given[HELM_FLAG_KUBE_VERSION].text,
        .api_version = c->given[HELM_FLAG_API_VERSIONS].list.at,
        .n_api_versions = c->given[HELM_FLAG_API_VERSIONS].list.n,
        .skip_schema = helm_is_set(c, HELM_FLAG_SKIP_SCHEMA),
    };
}

static int render(struct helm_command_line *c, struct helm_log *log, struct helm_output *ret,
                  str *ret_release, struct err *err)
{
    struct helm_options o = helm_cli_options(c);
    struct helm_job j = {.options = &o, .log = log};
    struct helm_chart *chart;
    str name = {0}, path;
    int rc = helm_command_line_check(c, err);
    if (!rc)
        rc = helm_kube_version_check(o.kube_version, o.level, c->arena, err);
    if (!rc)
        rc = refuse_cluster(c, err);
    if (!rc)
        rc = name_and_chart(c, ret_release, &name, err);
    if (!rc)
        rc = locate(c->arena, name, &path, err);
    if (!rc)
        rc = helm_cli_values(c, &j.user, err);
    if (!rc)
        rc = helm_cli_load(name, c->arena, log, &path, &chart, err);
    if (rc)
        return rc;
    rc = check_dry_run_3(c, err);
    if (rc)
        return rc;
    o.release = *ret_release;
    j.chart = chart;
    return helm_render(&j, c->arena, ret, err);
}

static int template_run_command(struct helm_command_line *c)
{
    struct helm_log log = helm_cli_log(c);
    struct helm_output h = {.failure = STR("")};
    struct err err;
    str release = STR("");
    if (c->args.n < 1)
        return fail(c,
                    STR("\"helm template\" requires at least 1 argument\n\nUsage:  helm template "
                        "[NAME] [CHART] [flags]"),
                    false);
    int rc = render(c, &log, &h, &release, &err);
    for (size_t i = 0; i < log.lines.n; i++)
        fprintf(c->log, "%.*s\n", STR_FMT(log.lines.at[i]));
    if (rc)
        return fail(c, h.failure.len ? h.failure : err_str(&err), h.started);
    rc = print(c, &h, release, &err);
    return rc ? fail(c, err_str(&err), false) : 0;
}

static const struct {
    const char *path; /* one or two words */
    enum helm_command command;
    int (*run)(struct helm_command_line *c);
} commands[] = {
    {"template", HELM_TEMPLATE, template_run_command},
    {"lint", HELM_LINT, helm_lint_run},
    {"show values", HELM_SHOW_VALUES, helm_show_values_run},
    {"show chart", HELM_SHOW, helm_show_chart_run},
    {"show readme", HELM_SHOW, helm_show_readme_run},
    {"show crds", HELM_SHOW, helm_show_crds_run},
    {"show all", HELM_SHOW, helm_show_all_run},
    {"inspect values", HELM_SHOW_VALUES, helm_show_values_run},
    {"inspect chart", HELM_SHOW, helm_show_chart_run},
    {"inspect readme", HELM_SHOW, helm_show_readme_run},
    {"inspect crds", HELM_SHOW, helm_show_crds_run},
    {"inspect all", HELM_SHOW, helm_show_all_run},
    {"dependency list", HELM_DEPENDENCY, helm_dependency_list_run},
    {"dependency ls", HELM_DEPENDENCY, helm_dependency_list_run},
    {"dependencies list", HELM_DEPENDENCY, helm_dependency_list_run},
    {"dependencies ls", HELM_DEPENDENCY, helm_dependency_list_run},
    {"dep list", HELM_DEPENDENCY, helm_dependency_list_run},
    {"dep ls", HELM_DEPENDENCY, helm_dependency_list_run},
};

static int usage(FILE *to)
{
    fputs("usage: helm template [NAME] [CHART] [flags]\n"
          "       helm lint PATH [flags]\n"
          "       helm show all|chart|crds|readme|values CHART [flags]\n"
          "       helm dependency list [CHART] [flags]\n"
          "\n"
          "Output, error texts, exit codes and flags are helm's; what needs a cluster or a\n"
          "repository is refused. One flag is Tiphys' own: --helm-level 3 answers as Helm 3.19\n"
          "does; 4, the default, as Helm 4.2. An Application chooses with source.helm.version\n"
          "(v3, v4).\n",
          to);
    return to == stdout ? 0 : 1;
}

/* It decides how the other flags are read, so it is looked for first. */
static int find_level(struct helm_command_line *c, int argc, char **argv, struct err *err)
{
    str name, text;
    for (int i = 1; i < argc && !str_is(str_of(argv[i]), "--"); i++) {
        bool has_value = str_cut(str_of(argv[i]), '=', &name, &text);
        if (!str_is(name, "--helm-level") || (!has_value && i + 1 >= argc))
            continue;
        if (!has_value)
            text = str_of(argv[i + 1]);
        text = str_trim_prefix(text, STR("v"));
        if (!str_is(text, "3") && !str_is(text, "4"))
            return err_set(err, ERR_INVALID,
                           "invalid argument \"%.*s\" for \"--helm-level\" flag: it is 3 or 4",
                           STR_FMT(text));
        c->level = str_is(text, "3") ? HELM_LEVEL_3 : HELM_LEVEL_4;
    }
    return 0;
}

static int run_command(size_t i, int argc, char **argv, struct helm_command_line *c)
{
    struct err err;
    int words = strchr(commands[i].path, ' ') ? 2 : 1;
    c->command = commands[i].command;
    int rc = find_level(c, argc - words, argv + words, &err);
    if (!rc)
        rc = helm_command_line_read(c, argc - words, argv + words, &err);
    if (c->help)
        return usage(stdout);
    return rc ? fail(c, err_str(&err), false) : commands[i].run(c);
}

int helm_cli_main(int argc, char **argv)
{
    struct arena a;
    arena_init(&a, (size_t)4 << 30);
    str first = str_of(argc > 1 ? argv[1] : ""), both = first;
    if (argc > 2)
        both = ARENA_CAT(&a, first, STR(" "), str_of(argv[2]));
    struct helm_command_line c = {.arena = &a, .out = stdout, .log = stderr};
    int exit_code = -1;
    for (size_t i = 0; exit_code < 0 && i < ARRAY_LEN(commands); i++)
        if (str_is(strchr(commands[i].path, ' ') ? both : first, commands[i].path))
            exit_code = run_command(i, argc, argv, &c);
    if (exit_code < 0)
        exit_code = usage(str_is(first, "--help") || str_is(first, "-h") ? stdout : stderr);
    fflush(stdout);
    arena_done(&a);
    return exit_code;
}
