/* supply.c */
#include "manifests/supply.h"

#include <stdlib.h>

struct supplying { /* one need */
    struct supplying *next;
    struct job *job;
    struct need need; /* in the order's arena */
    struct source_repo repo;
    str version; /* of a chart, exact */
    str failure; /* what was said when it was asked for */
    struct call step;
};

struct supplies { /* a round's needs */
    struct arena arena;
    struct supplying *open;
    struct call then;
};

/* ---- bytes ---- */

void blob_free(void *arg)
{
    struct blob *b = arg;
    if (!b)
        return;
    arena_done(&b->arena);
    free(b);
}

static struct blob *blob_new(void)
{
    struct blob *b = calloc(1, sizeof(*b));
    if (!b)
        abort();
    arena_init(&b->arena, PAYLOAD_BLOCK_MAX);
    return b;
}

static void drop_archive(void *a) { chart_archive_unref(a); }

static void pool_read(void *arg, struct answer *ret)
{
    struct blob *b = blob_new();
    ret->rc = chart_archive_read(arg, &b->arena, &b->bytes, &ret->err);
    ret->result = b;
    ret->drop = blob_free;
}

void blob_read(struct manifests *m, struct chart_archive *a, struct call c)
{
    pool_submit(m->pool, pool_read, chart_archive_ref(a), drop_archive, c);
}

/* ---- ends ---- */

void supplies_cancel(struct job *j)
{
    struct supplies *s = TAKE(j->supplies);
    if (!s)
        return;
    for (struct supplying *x = s->open; x; x = x->next)
        call_forget(&x->step);
    arena_done(&s->arena);
    free(s);
}

static void one_ended(struct supplying *x)
{
    struct job *j = x->job;
    struct supplies *s = j->supplies;
    struct err err;
    struct supplying **at = &s->open;
    while (*at != x)
        at = &(*at)->next;
    *at = x->next;
    if (s->open)
        return;
    struct call then = s->then;
    size_t bytes = 0;
    for (size_t i = 0; i < j->order->supply.n; i++)
        bytes += j->order->supply.at[i].bytes.len;
    supplies_cancel(j);
    if (bytes > PAYLOAD_BLOCK_MAX / 2) {
        (void)err_set(&err, ERR_TOO_LARGE, "charts and files of other servers have %zu MiB",
                      bytes >> 20);
        call_answer_err(then, &err);
    } else {
        call_answer_ok(then, NULL, NULL);
    }
}

static void add_supply(struct supplying *x, int error, str text, str bytes)
{
    struct run_order *o = x->job->order;
    struct render_supply s = {.key = need_key(&x->need),
                              .error = error,
                              .text = arena_str(&o->arena, text),
                              .bytes = bytes};
    vec_push(&o->arena, &o->supply, s);
    one_ended(x);
}

/* A worker may only claim some kinds of errors; that nothing was found is what it has to know. */
static void add_error(struct supplying *x, int kind, str text)
{
    add_supply(x, kind == ERR_NOT_FOUND ? ERR_NOT_FOUND : ERR_INVALID, text, STR(""));
}

static void keep_blob(struct supplying *x, struct blob *take_b, str text)
{
    struct run_order *o = x->job->order;
    take_b->next = o->blobs;
    o->blobs = take_b;
    add_supply(x, 0, text, take_b->bytes);
}

/* ---- files by URL ---- */

static void file_arrived(void *arg, struct answer *a)
{
    struct supplying *x = arg;
    if (a->rc) {
        add_error(x, ERR_INVALID, err_str(&a->err));
        return;
    }
    const struct remote_file *f = a->result;
    struct blob *b = blob_new();
    b->bytes = arena_str(&b->arena, f->bytes);
    x->job->may_change = true;
    keep_blob(x, b, STR(""));
}

static bool scheme_is_allowed(const struct run_order *o, str url)
{
    str scheme, rest, list = o->order.value_file_schemes, one;
    if (!str_cut(url, ':', &scheme, &rest))
        return false;
    while (list.len && str_next(&list, ',', &one))
        if (str_ieq(str_trim(one), scheme))
            return true;
    return false;
}

static void bring_file(struct supplying *x)
{
    const struct job *j = x->job;
    const struct job_tree *own = &j->tree[0];
    struct err err;
    x->step = call_open(j->m->loop, 0, file_arrived, x);
    if (!scheme_is_allowed(j->order, x->need.remote.url)) { /* the engine asked for it anyway */
        (void)err_set(&err, ERR_INVALID, "the URL scheme of '%.*s' is not allowed",
                      STR_FMT(x->need.remote.url));
        call_answer_err(x->step, &err);
        return;
    }
    remote_get(j->m->charts,
               &(struct remote_wanted){.url = x->need.remote.url,
                                       .proxy = own->repo.proxy,
                                       .no_proxy = own->repo.no_proxy},
               x->step);
}

/* ---- repositories ---- */

static bool is_name(str repository)
{
    return str_starts(repository, STR("@")) || str_starts(repository, STR("alias:"));
}

static str plain_name(str repository)
{
    return str_trim_prefix(str_trim_prefix(repository, STR("@")), STR("alias:"));
}

str url_without_user(struct arena *a, str url)
{
    ptrdiff_t start = str_find(url, STR("://"));
    str scheme = start < 0 ? STR("") : str_sub(url, 0, (size_t)start + 3);
    str rest = str_from(url, scheme.len), host = rest, path = STR("");
    ptrdiff_t slash = str_find_char(rest, '/');
    if (slash >= 0) {
        host = str_sub(rest, 0, (size_t)slash);
        path = str_from(rest, (size_t)slash);
    }
    ptrdiff_t at = str_rfind_char(host, '@');
    return at < 0 ? url : ARENA_CAT(a, scheme, str_from(host, (size_t)at + 1), path);
}

/* The command as Argo CD logs it: credentials are stars. */
static str add_command(struct arena *a, const struct source_repo *r, str name, bool pass)
{
    return ARENA_CAT(a, STR("helm repo add"), r->username.len ? STR(" --username ******") : STR(""),
                     r->password.len ? STR(" --password ******") : STR(""),
                     r->insecure ? STR(" --insecure-skip-tls-verify") : STR(""),
                     pass ? STR(" --pass-credentials") : STR(""), STR(" "), name, STR(" "),
                     url_without_user(a, r->url));
}

/* helm's words for what charts_names could not have. */
static str index_error(struct arena *a, str text, str url)
{
    static const str status = STR_INIT("error loading repo index: failed to get index: ");
    static const str request = STR_INIT("error loading repo index: error making HTTP request: ");
    str why = text;
    if (str_starts(text, status))
        why = ARENA_CAT(a, STR("failed to fetch "), str_trim_suffix(url, STR("/")),
                        STR("/index.yaml : "), str_from(text, status.len));
    else if (str_starts(text, request))
        why = str_from(text, request.len);
    return ARENA_CAT(a, STR("looks like \""), url,
                     STR("\" is not a valid chart repository or cannot be reached: "), why);
}

static bool passes_credentials(const struct job *j)
{
    return value_bool(value_path(doc_root(j->order->source), "helm.passCredentials"));
}

static void repository_failed(struct supplying *x, str why)
{
    struct arena *a = &x->job->order->arena;
    str repository = x->need.chart.repo_url, name = x->repo.name;
    if (!name.len && is_name(repository))
        name = plain_name(repository);
    else if (!name.len) { /* as Argo CD names it */
        char *at = arena_copy(a, repository.at, repository.len);
        for (size_t i = 0; i < repository.len; i++)
            at[i] = at[i] == '/' ? '-' : at[i];
        name = str_mem(at, repository.len);
    }
    add_error(x, ERR_INVALID,
              ARENA_CAT(a, STR("failed to add helm repository "), url_without_user(a, x->repo.url),
                        STR(": failed to add repository: failed running helm: `"),
                        add_command(a, &x->repo, name, passes_credentials(x->job)),
                        STR("` failed exit status 1: Error: "), why));
}

static void repository_arrived(void *arg, struct answer *a)
{
    struct supplying *x = arg;
    if (a->rc)
        repository_failed(x, index_error(&x->job->order->arena, err_str(&a->err),
                                         url_without_user(&x->job->order->arena, x->repo.url)));
    else
        add_supply(x, 0, x->repo.url, STR(""));
}

/* The repository with its credentials; false: a name that nobody has. */
static bool find_repository(struct supplying *x)
{
    struct job *j = x->job;
    const struct manifests_options *o = &j->m->options;
    struct run_order *order = j->order;
    str url = x->need.chart.repo_url;
    if (o->chart_repo &&
        o->chart_repo(o->chart_repo_arg, url, order->order.project, &order->arena, &x->repo))
        return true;
    x->repo = (struct source_repo){.url = is_name(url) ? STR("") : url};
    return !is_name(url);
}

static void told_at_once(void *arg, UNUSED struct answer *a)
{
    struct supplying *x = arg;
    if (!x->repo.url.len)
        repository_failed(x, STR("could not find protocol handler for: "));
    else
        add_supply(x, 0, x->need.chart.repo_url, STR(""));
}

static void bring_repository(struct supplying *x)
{
    struct manifests *m = x->job->m;
    bool fresh = x->job->flags & MANIFESTS_NO_CACHE;
    if (find_repository(x) && !source_repo_is_oci(&x->repo)) {
        x->step = call_open(m->loop, 0, repository_arrived, x);
        charts_names(m->charts, &x->repo, fresh ? CHARTS_FRESH : 0, x->step);
        return;
    }
    x->step = call_open(m->loop, 0, told_at_once, x);
    call_answer_ok(x->step, NULL, NULL);
}

/* ---- charts ---- */

static void chart_read(void *arg, struct answer *a)
{
    struct supplying *x = arg;
    if (a->rc)
        add_error(x, ERR_INVALID, err_str(&a->err));
    else
        keep_blob(x, answer_take(a), x->version);
}

/* Which is not there, the version or the chart? `helm` tells them apart. */
static void versions_arrived(void *arg, struct answer *a)
{
    struct supplying *x = arg;
    add_error(x, ERR_NOT_FOUND, a->rc ? err_str(&a->err) : x->failure);
}

static void chart_failed(struct supplying *x, const struct err *why)
{
    struct manifests *m = x->job->m;
    if (why->kind != ERR_NOT_FOUND || source_repo_is_oci(&x->repo) ||
        str_starts(err_str(why), STR("failed to fetch "))) {
        add_error(x, why->kind, err_str(why));
        return;
    }
    x->failure = arena_str(&x->job->order->arena, err_str(why));
    x->step = call_open(m->loop, 0, versions_arrived, x);
    charts_versions(m->charts, &x->repo, x->need.chart.name, 0, x->step);
}

static void chart_arrived(void *arg, struct answer *a)
{
    struct supplying *x = arg;
    if (a->rc) {
        chart_failed(x, &a->err);
        return;
    }
    x->step = call_open(x->job->m->loop, 0, chart_read, x);
    blob_read(x->job->m, a->result, x->step);
}

static void version_arrived(void *arg, struct answer *a)
{
    struct supplying *x = arg;
    struct job *j = x->job;
    if (a->rc) {
        add_error(x, a->err.kind, err_str(&a->err));
        return;
    }
    x->version = arena_str(&j->order->arena, ((const struct chart_revision *)a->result)->version);
    j->may_change = j->may_change || !str_eq(x->version, x->need.chart.version);
    x->step = call_open(j->m->loop, 0, chart_arrived, x);
    charts_get(j->m->charts, &x->repo,
               &(struct chart_wanted){.chart = x->need.chart.name,
                                      .version = x->version,
                                      .pass_credentials = passes_credentials(j)},
               j->flags & MANIFESTS_NO_CACHE ? CHARTS_FRESH : 0, x->step);
}

static void bring_chart(struct supplying *x)
{
    struct job *j = x->job;
    (void)find_repository(x);
    x->step = call_open(j->m->loop, 0, version_arrived, x);
    charts_resolve(j->m->charts, &x->repo, x->need.chart.name, x->need.chart.version,
                   j->flags & MANIFESTS_NO_CACHE ? CHARTS_FRESH : 0, x->step);
}

/* ---- all of them ---- */

static struct need copy_need(struct arena *a, const struct need *n)
{
    struct need copy = *n;
    if (n->kind == NEED_CHART) {
        copy.chart.repo_url = arena_str(a, n->chart.repo_url);
        copy.chart.name = arena_str(a, n->chart.name);
        copy.chart.version = arena_str(a, n->chart.version);
    } else {
        copy.remote.url = arena_str(a, n->remote.url);
        copy.remote.revision = arena_str(a, n->remote.revision);
    }
    return copy;
}

void supplies_bring(struct job *j, const struct rendered *r, struct call then)
{
    struct supplies *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    arena_init(&s->arena, ARENA_BYTES_DEFAULT);
    s->then = then;
    j->supplies = s;
    for (size_t i = 0; i < r->n_needs; i++) {
        struct supplying *x = ARENA_NEW(&s->arena, struct supplying);
        x->job = j;
        x->need = copy_need(&j->order->arena, &r->need[i]);
        x->next = s->open;
        s->open = x;
    }
    /* Answers come on a later turn: the list does not change under us. */
    for (struct supplying *x = s->open; x; x = x->next) {
        if (x->need.kind == NEED_REMOTE)
            bring_file(x);
        else if (x->need.chart.name.len)
            bring_chart(x);
        else
            bring_repository(x);
    }
}
