/* helm lint: which charts, their messages, the summary; the rules are in helm_lint_chart.c and
 * helm_lint_templates.c. */
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/helm_linting.h"

/* ---- messages ---- */

static const char *const severity_names[] = {"UNKNOWN", "INFO", "WARNING", "ERROR"};

void lint_say(struct linting *l, enum lint_severity s, str path, str text)
{
    str m =
        arena_printf(l->arena, "[%s] %.*s: %.*s", severity_names[s], STR_FMT(path), STR_FMT(text));
    vec_push(l->arena, &l->messages, m);
    if (s > l->highest)
        l->highest = s;
    l->n_failed += s >= (helm_is_set(l->line, HELM_FLAG_STRICT) ? LINT_WARNING : LINT_ERROR);
}

void lint_tell(const struct linting *l, const struct helm_log *log)
{
    for (size_t i = 0; i < log->lines.n; i++)
        fprintf(l->line->log, "%.*s\n", STR_FMT(log->lines.at[i]));
}

/* ---- files ---- */

static char *path_below(struct linting *l, const char *name)
{
    return arena_cstr(l->arena, ARENA_CAT(l->arena, l->where, STR("/"), str_of(name)));
}

bool lint_read(struct linting *l, const char *name, str *ret)
{
    struct err err;
    bool is_folder;
    return lint_stat(l, name, &is_folder) && !is_folder &&
           !helm_cli_read(str_of(path_below(l, name)), l->arena, ret, &err);
}

bool lint_stat(struct linting *l, const char *name, bool *ret_is_folder)
{
    struct stat st;
    if (stat(path_below(l, name), &st))
        return false;
    *ret_is_folder = S_ISDIR(st.st_mode);
    return true;
}

static bool is_archive(str path)
{
    return str_ends(path, STR(".tgz")) || str_ends(path, STR(".tar.gz"));
}

/* ---- subcharts ---- */

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

/* Folders that hold a Chart.yaml and archives, in the order in which Go walks: by name. */
static void find_charts(struct linting *l, str folder, unsigned depth, struct helm_strs *to)
{
    struct helm_strs names = {0};
    DIR *d = depth > HELM_DEPTH_MAX ? NULL : opendir(arena_cstr(l->arena, folder));
    for (struct dirent *e; d && (e = readdir(d)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            vec_push(l->arena, &names, arena_str(l->arena, str_of(e->d_name)));
    if (d)
        closedir(d);
    if (names.n)
        qsort(names.at, names.n, sizeof(names.at[0]), by_name);
    for (size_t i = 0; i < names.n; i++) {
        struct stat st;
        str path = ARENA_CAT(l->arena, folder, STR("/"), names.at[i]);
        if (str_is(names.at[i], "Chart.yaml"))
            vec_push(l->arena, to, folder);
        else if (is_archive(path))
            vec_push(l->arena, to, path);
        if (!lstat(arena_cstr(l->arena, path), &st) && S_ISDIR(st.st_mode))
            find_charts(l, path, depth + 1, to);
    }
}

/* ---- one chart ---- */

/* An archive is unpacked beside, as helm does, so that the rules see a folder. */
static int unpack(struct linting *l, str folder, str *ret_where, str *ret_why)
{
    struct helm_files files = {0};
    struct err err;
    str bytes;
    if (helm_cli_read(l->path, l->arena, &bytes, &err)) {
        *ret_why = arena_printf(l->arena, "unable to open tarball: %s", err.text);
        return -1;
    }
    int rc = helm_archive_read(bytes, l->arena, &files, &err);
    if (!rc)
        rc = helm_cli_unpack(&files, folder, l->arena, ret_where, &err);
    if (rc)
        *ret_why = arena_printf(l->arena, "unable to extract tarball: %s", err.text);
    return rc;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void print_messages(const struct linting *l, str why, bool quiet)
{
    fprintf(l->line->out, "==> Linting %.*s\n", STR_FMT(l->path));
    if (why.len && !l->messages.n)
        fprintf(l->line->out, "Error %.*s\n", STR_FMT(why));
    for (size_t i = 0; i < l->messages.n; i++)
        if (!quiet || !str_starts(l->messages.at[i], STR("[INFO]")))
            fprintf(l->line->out, "%.*s\n", STR_FMT(l->messages.at[i]));
    fputc('\n', l->line->out);
}

/* *ret_why: why it could not be looked at. */
static void lint_rules(struct linting *l, str *ret_why)
{
    bool is_folder;
    if (!lint_stat(l, "Chart.yaml", &is_folder)) {
        str shown = is_archive(l->path) ? l->where : l->path;
        *ret_why = arena_printf(l->arena,
                                "unable to check Chart.yaml file in chart: stat %.*s/Chart.yaml: "
                                "no such file or directory",
                                STR_FMT(shown));
        return;
    }
    lint_chart_file(l);
    lint_values(l);
    lint_templates(l);
    lint_dependencies(l);
    if (l->line->level == HELM_LEVEL_4)
        lint_crds(l);
}

/* Failed? *io_told counts charts with warnings or errors. */
static bool lint_one(struct linting *l, size_t *io_told)
{
    char folder[] = "/tmp/helm-lint-XXXXXX";
    str why = STR("");
    bool archive = is_archive(l->path), quiet = helm_is_set(l->line, HELM_FLAG_QUIET);
    if (archive && !mkdtemp(folder))
        why = STR("unable to create temp dir to extract tarball");
    else if (!archive || !unpack(l, str_of(folder), &l->where, &why))
        lint_rules(l, &why);
    if (archive)
        nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    bool told = l->highest >= LINT_WARNING || why.len;
    *io_told += told;
    if (!quiet || told)
        print_messages(l, why, quiet);
    return why.len || l->n_failed;
}

/* ---- all of it ---- */

static struct helm_strs charts_of(struct helm_command_line *c)
{
    struct helm_strs paths = {0};
    struct linting l = {.line = c, .arena = c->arena};
    for (size_t i = 0; i < c->args.n; i++)
        vec_push(c->arena, &paths, c->args.at[i]);
    size_t n = paths.n;
    for (size_t i = 0; helm_is_set(c, HELM_FLAG_WITH_SUBCHARTS) && i < n; i++)
        find_charts(&l, helm_cli_clean(c->arena, ARENA_CAT(c->arena, paths.at[i], STR("/charts"))),
                    0, &paths);
    return paths;
}

int helm_lint_run(struct helm_command_line *c)
{
    struct err err;
    value user;
    size_t failed = 0, told = 0;
    if (!c->args.n && c->level == HELM_LEVEL_3)
        vec_push(c->arena, &c->args, STR("."));
    if (!c->args.n)
        return helm_cli_fail(c, STR("\"helm lint\" requires at least 1 argument\n\nUsage:  helm "
                                    "lint PATH [flags]"));
    str kube = c->given[HELM_FLAG_KUBE_VERSION].text;
    if (helm_kube_version_check(kube, c->level, c->arena, &err) || helm_cli_values(c, &user, &err))
        return helm_cli_fail(c, err_str(&err));
    struct helm_strs paths = charts_of(c);
    for (size_t i = 0; i < paths.n; i++) {
        struct linting l = {.line = c, .arena = c->arena, .path = paths.at[i], .user = user};
        l.where = helm_cli_absolute(c->arena, l.path);
        failed += lint_one(&l, &told);
    }
    str summary =
        arena_printf(c->arena, "%zu chart(s) linted, %zu chart(s) failed", paths.n, failed);
    if (failed)
        return helm_cli_fail(c, summary);
    if (!helm_is_set(c, HELM_FLAG_QUIET) || told)
        fprintf(c->out, "%.*s\n", STR_FMT(summary));
    return 0;
}
