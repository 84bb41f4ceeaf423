/* `helm dependency build`, as Argo CD runs it when helm misses subcharts: repositories are added,
 * the lock is compared with Chart.yaml, and every dependency is brought.
 *
 * What comes from elsewhere is stated as needs in one batch; the next round judges the answers in
 * upstream's order: repositories first (need without a chart's name), then the lock, then charts.
 * A repository's answer is its URL, for "@name" stands for one that only the asker knows.
 *
 * Source: Argo CD reposerver/repository/repository.go (getHelmRepos, runHelmBuild), util/helm; helm
 * 4.2.4 pkg/downloader/manager.go, internal/resolver/resolver.go. */
#include <stdlib.h>

#include "lang/semver.h"
#include "render/helm_app.h"
#include "render/helm_values.h"
#include "value/json.h"

struct building {
    struct helm_app *app;
    struct helm_log *log;
    struct helm_chart *chart;
    struct helm_dependency *wanted; /* of Chart.yaml, with URLs for names */
    str *added;                     /* repositories that are known to helm by then */
    size_t n_added;
    str no_version; /* dependencies of which no version fits */
    size_t n_no_version;
    bool tells_of_helm2; /* the lock is not helm 3's: it was looked at as helm 2's */
    bool waits;          /* something was not supplied yet */
};

static bool has_subchart(const struct helm_chart *c, str name)
{
    for (size_t i = 0; i < c->n_dependencies; i++)
        if (str_eq(helm_chart_name(c->dependency[i]), name))
            return true;
    return false;
}

static bool is_name(str repository)
{
    return str_starts(repository, STR("@")) || str_starts(repository, STR("alias:"));
}

static bool is_oci(str repository) { return str_starts(repository, STR("oci://")); }

static bool is_http(str repository)
{
    return str_starts(repository, STR("https://")) || str_starts(repository, STR("http://"));
}

/* `helm dependency build` says this. */
static int build_failed(const struct building *b, struct err *err)
{
    str text = arena_str(b->app->arena, err_str(err));
    return err_set(err, err->kind,
                   "failed to build helm dependencies: failed to build dependencies: failed "
                   "running helm: `helm dependency build` failed exit status 1: %sError: %.*s",
                   b->tells_of_helm2 ? "level=INFO msg=\"warning: a valid Helm v3 hash was not "
                                       "found. Checking against Helm v2 hash...\"\n"
                                     : "",
                   STR_FMT(text));
}

/* ---- repositories ---- */

static int ask(struct building *b, const struct need *n, const struct render_supply **ret,
               struct err *err)
{
    *ret = render_supply_find(b->app->request, n);
    if (*ret)
        return 0;
    b->waits = true;
    return render_need(b->app->arena, b->app->result, n, err);
}

/* Argo CD adds what Chart.yaml itself names, but not by http. */
static int add_repository(struct building *b, struct helm_dependency *d, struct err *err)
{
    const struct render_supply *s;
    const struct need n = {.kind = NEED_CHART, .chart.repo_url = d->repository};
    if (!is_name(d->repository) && !is_oci(d->repository) &&
        !str_starts(d->repository, STR("https://")))
        return 0;
    int rc = ask(b, &n, &s, err);
    if (rc || !s)
        return rc;
    if (s->error)
        return err_set(err, s->error, "%.*s", STR_FMT(s->text));
    d->repository = s->text;
    b->added[b->n_added++] = s->text;
    return 0;
}

static int add_repositories(struct building *b, struct err *err)
{
    const struct helm_metadata *m = b->chart->metadata;
    size_t n = m->n_dependencies;
    b->wanted = arena_copy(b->app->arena, m->dependency, n * sizeof(*b->wanted));
    b->added = ARENA_ARRAY(b->app->arena, str, n + 1);
    for (size_t i = 0; i < n && !str_is(m->api_version, "v1"); i++) {
        int rc = add_repository(b, &b->wanted[i], err);
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- the lock ---- */

/* json.Marshal of a chart.Dependency. */
static value dependency_value(struct arena *a, const struct helm_dependency *d)
{
    value v = value_new_map(a), tags = value_new_list(a);
    value_set_str(a, v, "name", d->name);
    if (d->version.len)
        value_set_str(a, v, "version", d->version);
    value_set_str(a, v, "repository", d->repository);
    if (d->condition.len)
        value_set_str(a, v, "condition", d->condition);
    for (size_t i = 0; i < d->tags.n; i++)
        value_push(a, tags, value_of_str(a, d->tags.at[i]));
    if (d->tags.n)
        value_setz(a, v, "tags", tags);
    if (d->enabled)
        value_setz(a, v, "enabled", value_of_bool(a, true));
    if (value_len(d->import_values))
        value_setz(a, v, "import-values", d->import_values);
    if (d->alias.len)
        value_set_str(a, v, "alias", d->alias);
    return v;
}

static void print_dependencies(struct arena *a, const struct helm_dependency *at, size_t n,
                               struct buf *out)
{
    buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        buf_addz(out, i ? "," : "");
        json_print(dependency_value(a, &at[i]), AUDIENCE_WIRE, 0, out);
    }
    buf_addc(out, ']');
}

static bool digest_is(struct arena *a, const struct buf *text, str digest)
{
    struct sha256 d = sha256_of(buf_str(text));
    str hex = hex_str(a, d.byte, sizeof(d.byte));
    return str_starts(digest, STR("sha256:")) && str_eq(str_from(digest, 7), hex);
}

static bool lock_fits(struct building *b)
{
    CLEANUP(buf_done) struct buf now = BUF_INIT, helm2 = BUF_INIT;
    struct arena *a = b->app->arena;
    const struct helm_chart *c = b->chart;
    buf_addc(&now, '[');
    print_dependencies(a, b->wanted, c->metadata->n_dependencies, &now);
    buf_addc(&now, ',');
    print_dependencies(a, c->lock.dependency, c->lock.n_dependencies, &now);
    buf_addc(&now, ']');
    buf_addz(&helm2, "{\"dependencies\":");
    print_dependencies(a, c->metadata->dependency, c->metadata->n_dependencies, &helm2);
    buf_addc(&helm2, '}');
    if (digest_is(a, &now, c->lock.digest))
        return true;
    b->tells_of_helm2 = str_is(c->metadata->api_version, "v1");
    return b->tells_of_helm2 && digest_is(a, &helm2, c->lock.digest);
}

static bool same_url(str x, str y)
{
    return str_eq(str_trim_suffix(x, STR("/")), str_trim_suffix(y, STR("/")));
}

static bool is_added(const struct building *b, str repository)
{
    for (size_t i = 0; i < b->n_added; i++)
        if (same_url(b->added[i], repository))
            return true;
    return false;
}

static int check_lock(struct building *b, struct err *err)
{
    const struct helm_chart *c = b->chart;
    str missing = STR("");
    if (!lock_fits(b))
        return str_is(c->metadata->api_version, "v1")
                   ? err_set(err, ERR_INVALID,
                             "the lock file (requirements.lock) is out of sync with the "
                             "dependencies file (requirements.yaml). Please update the "
                             "dependencies")
                   : err_set(err, ERR_INVALID,
                             "the lock file (Chart.lock) is out of sync with the dependencies "
                             "file (Chart.yaml). Please update the dependencies with 'helm "
                             "dependency update'");
    for (size_t i = 0; i < c->lock.n_dependencies; i++) {
        str r = c->lock.dependency[i].repository;
        if (r.len && !str_starts(r, STR("file://")) && !is_oci(r) && !is_added(b, r))
            missing = ARENA_CAT(b->app->arena, missing, missing.len ? STR(", ") : STR(""), r);
    }
    if (missing.len)
        return err_set(err, ERR_INVALID,
                       "no repository definition for %.*s. Please add the missing repos via 'helm "
                       "repo add'",
                       STR_FMT(missing));
    return 0;
}

/* What is neither a URL nor a name that is known. */
static int check_names(const struct building *b, struct err *err)
{
    str missing = STR("");
    bool plain = false;
    for (size_t i = 0; i < b->chart->metadata->n_dependencies; i++) {
        str r = b->wanted[i].repository;
        if (!r.len || is_http(r) || is_oci(r) || str_starts(r, STR("file://")))
            continue;
        missing = ARENA_CAT(b->app->arena, missing, missing.len ? STR(", ") : STR(""), r);
        plain = plain || (!str_has(r, STR("//")) && !is_name(r));
    }
    if (!missing.len)
        return 0;
    return err_set(err, ERR_INVALID,
                   "no repository definition for %.*s. Please add them via 'helm repo add'%s",
                   STR_FMT(missing),
                   plain ? "\nNote that repositories must be URLs or aliases. For example, to "
                           "refer to the \"example\"\nrepository, use "
                           "\"https://charts.example.com/\" or \"@example\" instead of\n"
                           "\"example\". Don't forget to add the repo, too ('helm repo add')."
                         : "");
}

/* ---- charts ---- */

/* A dependency that was brought replaces what charts/ held under its name. */
static void take_subchart(struct building *b, struct helm_chart *sub)
{
    struct helm_chart *c = b->chart;
    size_t n = 0;
    for (size_t i = 0; i < c->n_dependencies; i++)
        if (!str_eq(helm_chart_name(c->dependency[i]), helm_chart_name(sub)))
            c->dependency[n++] = c->dependency[i];
    c->n_dependencies = n;
    helm_chart_add(b->app->arena, c, sub);
}

/* Versions that nobody has are told together; helm with a lock tells the first. */
static int no_version(struct building *b, const struct helm_dependency *d)
{
    struct arena *a = b->app->arena;
    str one = arena_printf(a, "\"%.*s\" (repository \"%.*s\", version \"%.*s\")", STR_FMT(d->name),
                           STR_FMT(d->repository), STR_FMT(d->version));
    b->no_version = ARENA_CAT(a, b->no_version, b->n_no_version++ ? STR(", ") : STR(""), one);
    return 0;
}

static int bring_local(struct building *b, const struct helm_dependency *d, struct err *err)
{
    struct helm_app *x = b->app;
    struct file_entry e;
    struct helm_chart *sub;
    str path, where = str_from(d->repository, STR("file://").len);
    if (str_starts(where, STR("/")) || !files_path_join(x->arena, x->path, where, &path))
        return err_set(err, ERR_INVALID, "directory %.*s is outside of the repository",
                       STR_FMT(where));
    int rc = files_stat(x->request->files, path, true, x->arena, &e, err);
    if (!rc && e.kind == FILE_MISSING)
        return err_set(err, ERR_INVALID, "directory %.*s not found", STR_FMT(where));
    if (!rc)
        rc = helm_load_folder(x->request->files, path, path, x->arena, b->log, &sub, err);
    if (rc)
        return rc;
    if (!helm_is_compatible(x->arena, d->version, sub->metadata->version))
        return b->chart->lock.exists
                   ? err_set(err, ERR_INVALID, "can't get a valid version for dependency %.*s",
                             STR_FMT(d->name))
                   : no_version(b, d);
    take_subchart(b, sub);
    return 0;
}

/* The URL of "failed to fetch URL : 404 Not Found". */
static str fetched_url(str text)
{
    str rest = str_trim_prefix(text, STR("failed to fetch "));
    ptrdiff_t end = str_find(rest, STR(" : "));
    return end > 0 && rest.len < text.len ? str_sub(rest, 0, (size_t)end) : STR("");
}

/* helm's words: it looks into an index with a lock, and negotiates without one. */
static int chart_failed(struct building *b, const struct helm_dependency *d,
                        const struct render_supply *s, struct err *err)
{
    bool fetched = str_starts(s->text, STR("failed to fetch "));
    bool no_chart = str_has(s->text, STR("not found in index"));
    if (s->error != ERR_NOT_FOUND || fetched || is_oci(d->repository)) {
        str url = fetched ? fetched_url(s->text) : d->repository;
        return err_set(err, ERR_INVALID, "could not download %.*s: %.*s", STR_FMT(url),
                       STR_FMT(s->text));
    }
    if (b->chart->lock.exists)
        return err_set(err, ERR_INVALID, "could not find : %s",
                       no_chart ? "entry not found" : "no matching version");
    if (no_chart)
        return err_set(err, ERR_INVALID, "%.*s chart not found in repo %.*s", STR_FMT(d->name),
                       STR_FMT(d->repository));
    return no_version(b, d);
}

/* An archive that is no chart is passed over: helm then misses it again, and says so. */
static int bring_remote(struct building *b, const struct helm_dependency *d, struct err *err)
{
    struct err why;
    struct helm_chart *sub;
    const struct render_supply *s;
    const struct need n = {.kind = NEED_CHART,
                           .chart = {.repo_url = d->repository, d->name, d->version}};
    int rc = ask(b, &n, &s, err);
    if (rc || !s)
        return rc;
    if (s->error)
        return chart_failed(b, d, s, err);
    if (!helm_load_archive(s->bytes, STR(""), b->app->arena, b->log, &sub, &why))
        take_subchart(b, sub);
    return 0;
}

/* charts/NAME, which is a subchart already. */
static int look_below(const struct building *b, const struct helm_dependency *d, struct err *err)
{
    if (has_subchart(b->chart, d->name))
        return 0;
    return err_set(err, ERR_INVALID, "directory charts/%.*s not found", STR_FMT(d->name));
}

static int bring(struct building *b, const struct helm_dependency *d, struct err *err)
{
    struct err why;
    const struct semver_constraint *ignored;
    if (!b->chart->lock.exists &&
        semver_constraint_parse(d->version, b->app->arena, &ignored, &why))
        return err_set(err, ERR_INVALID,
                       "dependency \"%.*s\" has an invalid version/constraint format: improper "
                       "constraint: \"%.*s\"",
                       STR_FMT(d->name), STR_FMT(d->version));
    if (!d->repository.len)
        return look_below(b, d, err);
    return str_starts(d->repository, STR("file://")) ? bring_local(b, d, err)
                                                     : bring_remote(b, d, err);
}

static int bring_all(struct building *b, struct err *err)
{
    const struct helm_chart *c = b->chart;
    const struct helm_dependency *at = c->lock.exists ? c->lock.dependency : b->wanted;
    size_t n = c->lock.exists ? c->lock.n_dependencies : c->metadata->n_dependencies;
    int rc = check_names(b, err);
    if (!rc && c->lock.exists)
        rc = check_lock(b, err);
    for (size_t i = 0; !rc && i < n; i++)
        rc = bring(b, &at[i], err);
    if (!rc && b->n_no_version)
        rc = err_set(err, ERR_INVALID,
                     "can't get a valid version for %zu subchart(s): %.*s. Make sure a matching "
                     "chart version exists in the repo, or change the version constraint in "
                     "Chart.yaml",
                     b->n_no_version, STR_FMT(b->no_version));
    return rc ? build_failed(b, err) : 0;
}

static bool misses_subchart(const struct helm_chart *c)
{
    for (size_t i = 0; i < c->metadata->n_dependencies; i++)
        if (!has_subchart(c, c->metadata->dependency[i].name))
            return true;
    return false;
}

int helm_build(struct helm_app *x, struct helm_log *log, const struct helm_chart **io_c,
               struct err *err)
{
    struct building b = {.app = x, .log = log};
    if (!misses_subchart(*io_c))
        return 0;
    *io_c = b.chart = helm_chart_clone(x->arena, *io_c);
    int rc = add_repositories(&b, err);
    if (!rc && !b.waits)
        rc = bring_all(&b, err);
    return rc ? err_wrap(err, "error building helm chart dependencies") : 0;
}
