/* helm show values|chart, helm dependency list. */
#include "cli/helm_show.h"

#include <glob.h>
#include <string.h>
#include <sys/stat.h>

#include "lang/semver.h"
#include "value/yaml.h"

static int load_one(struct helm_command_line *c, const char *command, str *ret_path,
                    struct helm_chart **ret)
{
    struct helm_log log = helm_cli_log(c);
    struct err err;
    if (c->args.n != 1)
        return helm_cli_fail(c, arena_printf(c->arena,
                                             "\"helm %s\" requires 1 argument\n\nUsage:  helm %s "
                                             "[CHART] [flags]",
                                             command, command));
    if (c->given[HELM_FLAG_REPO].text.len || helm_is_set(c, HELM_FLAG_VERIFY))
        return helm_cli_fail(c, STR("--repo and --verify ask more than the chart's files; only "
                                    "local charts are read here"));
    int rc = helm_cli_load(c->args.at[0], c->arena, &log, ret_path, ret, &err);
    for (size_t i = 0; i < log.lines.n; i++)
        fprintf(c->log, "%.*s\n", STR_FMT(log.lines.at[i]));
    return rc ? helm_cli_fail(c, err_str(&err)) : 0;
}

static const struct helm_file *find_file(const struct helm_files *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (str_is(f->at[i].name, name))
            return &f->at[i];
    return NULL;
}

static const struct helm_file *readme_of(const struct helm_chart *chart)
{
    static const char *const names[] = {"readme.md", "readme.txt", "readme"};
    for (size_t i = 0; i < chart->files.n; i++)
        for (size_t j = 0; j < ARRAY_LEN(names); j++)
            if (str_ieq(chart->files.at[i].name, str_of(names[j])))
                return &chart->files.at[i];
    return NULL;
}

static void print_file(FILE *out, const struct helm_file *f)
{
    if (f)
        fprintf(out, "%.*s\n", STR_FMT(helm_file_data(f)));
}

static void print_crds(struct helm_command_line *c, const struct helm_chart *chart, bool is_all)
{
    struct helm_crd *crd = NULL;
    size_t n = helm_chart_crds(c->arena, chart, &crd);
    if (is_all && n && c->level == HELM_LEVEL_3)
        fputs("---\n", c->out);
    for (size_t i = 0; i < n; i++) {
        str text = helm_file_data(crd[i].content);
        bool cut = c->level == HELM_LEVEL_3 || str_starts(text, STR("---"));
        fprintf(c->out, "%s%.*s\n", cut ? "" : "---\n", STR_FMT(text));
    }
}

int helm_show_values_run(struct helm_command_line *c)
{
    struct helm_chart *chart;
    str path;
    int rc = load_one(c, "show values", &path, &chart);
    if (rc)
        return rc;
    if (c->given[HELM_FLAG_JSONPATH].text.len)
        return helm_cli_fail(c, STR("--jsonpath is not supported here"));
    print_file(c->out, find_file(&chart->raw, "values.yaml"));
    return 0;
}

int helm_show_readme_run(struct helm_command_line *c)
{
    struct helm_chart *chart;
    str path;
    int rc = load_one(c, "show readme", &path, &chart);
    if (!rc)
        print_file(c->out, readme_of(chart));
    return rc;
}

int helm_show_crds_run(struct helm_command_line *c)
{
    struct helm_chart *chart;
    str path;
    int rc = load_one(c, "show crds", &path, &chart);
    if (!rc)
        print_crds(c, chart, false);
    return rc;
}

/* ---- show chart ---- */

static void set_text(struct arena *a, value map, const char *key, str text)
{
    if (text.len)
        value_set_str(a, map, key, text);
}

static void set_texts(struct arena *a, value map, const char *key, const struct helm_strs *s)
{
    value list = value_new_list(a);
    for (size_t i = 0; i < s->n; i++)
        value_push(a, list, value_of_str(a, s->at[i]));
    if (s->n)
        value_set(a, map, str_of(key), list);
}

static value dependency_value(struct arena *a, const struct helm_dependency *d)
{
    value map = value_new_map(a);
    value_set_str(a, map, "name", d->name);
    set_text(a, map, "version", d->version);
    value_set_str(a, map, "repository", d->repository);
    set_text(a, map, "condition", d->condition);
    set_texts(a, map, "tags", &d->tags);
    if (d->enabled)
        value_setz(a, map, "enabled", value_of_bool(a, true));
    if (value_len(d->import_values))
        value_setz(a, map, "import-values", d->import_values);
    set_text(a, map, "alias", d->alias);
    return map;
}

static value metadata_value(struct arena *a, const struct helm_metadata *m)
{
    const struct {
        const char *key;
        str text;
    } rows[] = {{"name", m->name},
                {"home", m->home},
                {"version", m->version},
                {"description", m->description},
                {"icon", m->icon},
                {"apiVersion", m->api_version},
                {"condition", m->condition},
                {"tags", m->tags},
                {"appVersion", m->app_version},
                {"kubeVersion", m->kube_version},
                {"type", m->type}};
    value map = value_new_map(a), people = value_new_list(a), deps = value_new_list(a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        set_text(a, map, rows[i].key, rows[i].text);
    set_texts(a, map, "sources", &m->sources);
    set_texts(a, map, "keywords", &m->keywords);
    if (m->deprecated)
        value_setz(a, map, "deprecated", value_of_bool(a, true));
    if (value_len(m->annotations))
        value_setz(a, map, "annotations", m->annotations);
    for (size_t i = 0; i < m->maintainers.n; i++) {
        value one = value_new_map(a);
        set_text(a, one, "name", m->maintainers.at[i].name);
        set_text(a, one, "email", m->maintainers.at[i].email);
        set_text(a, one, "url", m->maintainers.at[i].url);
        value_push(a, people, one);
    }
    if (value_len(people))
        value_setz(a, map, "maintainers", people);
    for (size_t i = 0; i < m->n_dependencies; i++)
        value_push(a, deps, dependency_value(a, &m->dependency[i]));
    if (value_len(deps))
        value_setz(a, map, "dependencies", deps);
    return map;
}

static void print_metadata(struct helm_command_line *c, const struct helm_chart *chart)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    yaml_print(metadata_value(c->arena, chart->metadata), YAML_SIGS, AUDIENCE_WIRE, &b);
    fprintf(c->out, "%.*s\n", STR_FMT(buf_str(&b)));
}

int helm_show_chart_run(struct helm_command_line *c)
{
    struct helm_chart *chart;
    str path;
    int rc = load_one(c, "show chart", &path, &chart);
    if (!rc)
        print_metadata(c, chart);
    return rc;
}

int helm_show_all_run(struct helm_command_line *c)
{
    struct helm_chart *chart;
    str path;
    int rc = load_one(c, "show all", &path, &chart);
    if (rc)
        return rc;
    const struct helm_file *values = find_file(&chart->raw, "values.yaml"),
                           *readme = readme_of(chart);
    print_metadata(c, chart);
    if (values)
        fputs("---\n", c->out);
    print_file(c->out, values);
    if (readme)
        fputs("---\n", c->out);
    print_file(c->out, readme);
    print_crds(c, chart, true);
    return 0;
}

/* ---- dependency list ---- */

struct paths {
    str *at;
    size_t n, cap;
};

static struct paths find_paths(struct arena *a, str pattern)
{
    struct paths p = {0};
    glob_t g = {0};
    if (!glob(arena_cstr(a, pattern), 0, NULL, &g))
        for (size_t i = 0; i < g.gl_pathc; i++)
            vec_push(a, &p, arena_str(a, str_of(g.gl_pathv[i])));
    globfree(&g);
    return p;
}

static const char *version_status(struct arena *a, const struct helm_dependency *d, str version)
{
    struct semver v;
    const struct semver_constraint *constraint;
    struct err err;
    if (str_eq(version, d->version))
        return NULL;
    if (semver_constraint_parse(d->version, a, &constraint, &err) ||
        semver_parse(version, &v, &err))
        return "invalid version";
    return semver_constraint_check(constraint, &v) ? NULL : "wrong version";
}

static const char *archive_status(const struct helm_command_line *line, str path,
                                  const struct helm_dependency *d)
{
    struct arena *a = line->arena;
    struct helm_chart *chart;
    struct err err;
    str absolute;
    struct helm_log log = helm_cli_log(line);
    if (helm_cli_load(path, a, &log, &absolute, &chart, &err))
        return "corrupt";
    if (!str_eq(helm_chart_name(chart), d->name))
        return "misnamed";
    const char *status = version_status(a, d, chart->metadata->version);
    return status ? status : "ok";
}

/* Of several archives the one whose name ends in a version; n of them in *ret_n. */
static str versioned(struct arena *a, const struct paths *p, str name, size_t *ret_n)
{
    str found = STR("");
    *ret_n = 0;
    for (size_t i = 0; i < p->n; i++) {
        struct semver v;
        struct err err;
        str base = str_trim_suffix(files_path_base(p->at[i]), STR(".tgz"));
        base = str_trim_prefix(base, ARENA_CAT(a, name, STR("-")));
        if (semver_parse_strict(base, &v, &err))
            continue;
        found = p->at[i];
        ++*ret_n;
    }
    return found;
}

static const char *dependency_status(const struct helm_command_line *line, str chart_path,
                                     const struct helm_dependency *d, const struct helm_chart *c)
{
    struct arena *a = line->arena;
    struct paths archives =
        find_paths(a, ARENA_CAT(a, chart_path, STR("/charts/"), d->name, STR("-*.tgz")));
    if (archives.n == 1)
        return archive_status(line, archives.at[0], d);
    if (archives.n > 1) {
        size_t n;
        str one = versioned(a, &archives, d->name, &n);
        if (n > 1)
            return "too many matches";
        if (n == 1)
            return archive_status(line, one, d);
    }
    const struct helm_chart *sub = NULL;
    for (size_t i = 0; i < c->n_dependencies; i++)
        if (str_eq(helm_chart_name(c->dependency[i]), d->name))
            sub = c->dependency[i];
    if (!sub)
        return "missing";
    const char *status = version_status(a, d, sub->metadata->version);
    return status ? status : "unpacked";
}

#define COLUMNS 4
#define COLUMN_WIDTH_DEFAULT 80

/* uitable: what is longer than a column may be ends in "...". */
static str cell(struct arena *a, str text, size_t width_max)
{
    if (text.len <= width_max)
        return text;
    return width_max > 3 ? ARENA_CAT(a, str_sub(text, 0, width_max - 3), STR("...")) : STR("...");
}

static void print_table(struct helm_command_line *c, str (*row)[COLUMNS], size_t n)
{
    size_t width[COLUMNS] = {0};
    uint64_t width_max = COLUMN_WIDTH_DEFAULT;
    if (c->given[HELM_FLAG_COLUMN_WIDTH].is_given)
        (void)str_to_u64(c->given[HELM_FLAG_COLUMN_WIDTH].text, &width_max);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < COLUMNS; j++) {
            row[i][j] = cell(c->arena, row[i][j], width_max);
            width[j] = MAX_OF(width[j], row[i][j].len);
        }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < COLUMNS; j++)
            fprintf(c->out, "%-*.*s%s", (int)width[j], STR_FMT(row[i][j]),
                    j + 1 < COLUMNS ? "\t" : "\n");
}

static void warn_unlisted(struct helm_command_line *c, str chart_path,
                          const struct helm_metadata *m)
{
    struct paths all = find_paths(c->arena, ARENA_CAT(c->arena, chart_path, STR("/charts/*")));
    for (size_t i = 0; i < all.n; i++) {
        struct helm_log log = helm_cli_log(c);
        struct helm_chart *sub;
        struct stat st;
        struct err err;
        str absolute;
        bool found = false;
        if (stat(arena_cstr(c->arena, all.at[i]), &st) ||
            (!S_ISDIR(st.st_mode) && !str_ends(all.at[i], STR(".tgz"))))
            continue;
        if (helm_cli_load(all.at[i], c->arena, &log, &absolute, &sub, &err)) {
            fprintf(c->out, "WARNING: \"%.*s\" is not a chart.\n", STR_FMT(all.at[i]));
            continue;
        }
        for (size_t j = 0; j < m->n_dependencies; j++)
            found = found || str_eq(m->dependency[j].name, helm_chart_name(sub));
        if (!found)
            fprintf(c->out, "WARNING: \"%.*s\" is not in Chart.yaml.\n", STR_FMT(all.at[i]));
    }
}

int helm_dependency_list_run(struct helm_command_line *c)
{
    struct helm_chart *chart = NULL;
    str path;
    struct stat st;
    if (c->args.n > 1)
        return helm_cli_fail(c,
                             STR("\"helm dependency list\" accepts at most 1 argument\n\nUsage:  "
                                 "helm dependency list CHART [flags]"));
    if (!c->args.n)
        vec_push(c->arena, &c->args, STR("."));
    str clean = helm_cli_clean(c->arena, c->args.at[0]);
    if (clean.len && stat(arena_cstr(c->arena, clean), &st))
        return helm_cli_fail(c, arena_printf(c->arena, "stat %.*s: no such file or directory",
                                             STR_FMT(clean)));
    int rc = load_one(c, "dependency list", &path, &chart);
    if (rc || !chart)
        return rc;
    const struct helm_metadata *m = chart->metadata;
    str given = c->args.at[0];
    while (given.len > 1 && str_ends(given, STR("/")))
        given.len--;
    if (!m->has_dependencies) {
        fprintf(c->out, "WARNING: no dependencies at %.*s/charts\n", STR_FMT(given));
        return 0;
    }
    str(*row)[COLUMNS] = arena_alloc(c->arena, sizeof(*row) * (m->n_dependencies + 1));
    const str head[COLUMNS] = {STR("NAME"), STR("VERSION"), STR("REPOSITORY"), STR("STATUS")};
    memcpy(row[0], head, sizeof(head));
    for (size_t i = 0; i < m->n_dependencies; i++) {
        const struct helm_dependency *d = &m->dependency[i];
        row[i + 1][0] = d->name;
        row[i + 1][1] = d->version;
        row[i + 1][2] = d->repository;
        row[i + 1][3] = str_of(dependency_status(c, given, d, chart));
    }
    print_table(c, row, m->n_dependencies + 1);
    fputc('\n', c->out);
    warn_unlisted(c, given, m);
    return 0;
}
