/* chart_fetch.c: index.yaml, archives of Helm repositories and files by URL; see chart_impl.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/chart_impl.h"

static int kind_of_status(int status)
{
    static const struct {
        int status, kind;
    } kinds[] = {{401, ERR_UNAUTHENTICATED}, {403, ERR_FORBIDDEN}, {404, ERR_NOT_FOUND},
                 {408, ERR_TIMEOUT},         {410, ERR_NOT_FOUND}, {429, ERR_BUSY}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].status == status)
            return kinds[i].kind;
    return status >= 500 ? ERR_UNAVAILABLE : ERR_INVALID;
}

/* ---- index.yaml ---- */

struct index_job {
    struct buf text;
};

static void drop_index_job(void *arg)
{
    struct index_job *j = arg;
    buf_done(&j->text);
    free(j);
}

static void drop_index(void *x) { chart_index_unref(x); }

static void index_run(void *arg, struct answer *ret)
{
    const struct index_job *j = arg;
    ret->result = chart_index_parse(buf_str(&j->text));
    ret->drop = drop_index;
}

static void index_failed(struct op *op, enum op_stage stage, const struct err *err, str status_text)
{
    struct err copy = *err;
    op_end(op, &(struct outcome){.rc = -copy.kind,
                                 .err = &copy,
                                 .stage = stage,
                                 .status_text = status_text,
                                 .url = op->url});
}

static void index_parsed(void *arg, struct answer *a)
{
    struct op *op = arg;
    op->call = (struct call){0};
    if (a->rc) {
        op_end_err(op, &a->err);
        return;
    }
    struct chart_index *x = answer_take(a);
    if (!x->argo.kind && !x->helm.kind)
        known_put(op->charts, OP_INDEX, op->key, chart_index_ref(x), x->arena.used_bytes);
    op_end(op, &(struct outcome){.result = x});
    chart_index_unref(x);
}

static void index_arrived(void *arg, int rc, const struct web_answer *a, const struct err *why)
{
    struct op *op = arg;
    struct err err;
    if (rc) {
        index_failed(op, web_answered(op->web) ? STAGE_BODY : STAGE_REQUEST, why, STR(""));
    } else if (a->status != 200) {
        (void)err_set(&err, kind_of_status(a->status), "%.*s", STR_FMT(a->status_text));
        index_failed(op, STAGE_STATUS, &err, a->status_text);
    } else {
        struct index_job *j = calloc(1, sizeof(*j));
        if (!j)
            abort();
        buf_init(&j->text, a->body.len + 1);
        buf_add(&j->text, a->body);
        op_pool(op, index_run, j, drop_index_job, index_parsed);
    }
}

void index_start(struct op *op)
{
    struct err err;
    if (url_join(&op->arena, op->repo.url, STR("index.yaml"), &op->url, &err)) {
        index_failed(op, STAGE_REQUEST, &err, STR(""));
        return;
    }
    size_t bytes_max = MIN_OF(op->charts->o.index_bytes_max, CHART_INDEX_BYTES_PARSED_MAX);
    web_get(op_web(op),
            &(struct web_request){.url = op->url,
                                  .authorization = op_authorization(op),
                                  .bytes_max = bytes_max,
                                  .fd = -1},
            index_arrived, op);
}

/* ---- archives ---- */

struct find_job {
    struct arena arena;
    str dir, key;
    bool forget;
};

static void drop_find_job(void *arg)
{
    struct find_job *j = arg;
    arena_done(&j->arena);
    free(j);
}

static void drop_archive(void *a) { chart_archive_unref(a); }

static void find_run(void *arg, struct answer *ret)
{
    const struct find_job *j = arg;
    struct chart_archive *x = NULL;
    if (j->forget)
        kept_forget(j->dir, j->key);
    ret->rc = kept_find(j->dir, j->key, &x, &ret->err);
    ret->result = x;
    ret->drop = drop_archive;
}

static void archive_end(struct op *op, struct chart_archive *take_x)
{
    struct chart_archive_memory *m = CONTAINER_OF(take_x, struct chart_archive_memory, is);
    take_x->name = arena_str(&m->arena, op->chart);
    take_x->version = arena_str(&m->arena, op->version);
    op_end(op, &(struct outcome){.result = take_x});
    chart_archive_unref(take_x);
}

static void archive_ask_index(struct op *op, bool fresh);

static void archive_found(void *arg, struct answer *a)
{
    struct op *op = arg;
    struct url u;
    struct err err;
    op->call = (struct call){0};
    if (a->rc) {
        op_end_err(op, &a->err);
    } else if (a->result) {
        op->charts->stats.n_from_cache++;
        archive_end(op, answer_take(a));
    } else if (source_repo_is_oci(&op->repo)) {
        str base = str_trim_prefix(str_trim_prefix(op->repo.url, STR("oci://")), STR("https://"));
        registry_pull(op,
                      ARENA_CAT(&op->arena, str_trim_suffix(base, STR("/")), STR("/"), op->chart,
                                STR(":"), op->version),
                      true);
    } else if (url_parse(op->repo.url, &u, &err) == 0 && !url_is_http(&u)) {
        op_fail(op, ERR_UNSUPPORTED, "could not find protocol handler for: %.*s",
                STR_FMT(u.scheme));
    } else {
        archive_ask_index(op, op->fresh);
    }
}

void archive_start(struct op *op)
{
    struct find_job *j = calloc(1, sizeof(*j));
    if (!j)
        abort();
    arena_init(&j->arena, (size_t)1 << 20);
    j->dir = arena_str(&j->arena, op->charts->o.cache_dir);
    j->key = arena_str(&j->arena, str_of(op->key));
    j->forget = op->fresh;
    op_pool(op, find_run, j, drop_find_job, archive_found);
}

int archive_begin(struct op *op, struct err *err)
{
    return kept_begin(op->charts->o.cache_dir, &op->arena, &op->part, &op->fd, err);
}

struct keep_job {
    struct arena arena;
    struct kept_archive kept;
    str dir;
};

static void drop_keep_job(void *arg)
{
    struct keep_job *j = arg;
    arena_done(&j->arena);
    free(j);
}

static void keep_run(void *arg, struct answer *ret)
{
    const struct keep_job *j = arg;
    struct chart_archive *x = NULL;
    ret->rc = kept_add(j->dir, &j->kept, &x, &ret->err);
    ret->result = x;
    ret->drop = drop_archive;
}

static void archive_kept(void *arg, struct answer *a)
{
    struct op *op = arg;
    op->call = (struct call){0};
    if (a->rc)
        op_end_err(op, &a->err);
    else
        archive_end(op, answer_take(a));
}

static bool digest_differs(const struct op *op, const struct sha256 *is)
{
    struct sha256 wanted;
    str hex = str_trim_prefix(op->index_digest, STR("sha256:"));
    return hex.len &&
           (!hex_parse(hex, wanted.byte, sizeof(wanted.byte)) || !sha256_eq(&wanted, is));
}

void archive_arrived(struct op *op, const struct web_answer *a)
{
    struct keep_job *j = calloc(1, sizeof(*j));
    if (!j)
        abort();
    arena_init(&j->arena, (size_t)1 << 20);
    j->dir = arena_str(&j->arena, op->charts->o.cache_dir);
    j->kept = (struct kept_archive){.key = arena_str(&j->arena, str_of(op->key)),
                                    .part = arena_str(&j->arena, op->part),
                                    .url = arena_str(&j->arena, op->url),
                                    .digest = a->digest,
                                    .bytes = a->bytes,
                                    .digest_differs = digest_differs(op, &a->digest)};
    op_pool(op, keep_run, j, drop_keep_job, archive_kept);
}

/* `failed to fetch URL : 404 Not Found`, the blank included */
static void not_fetched(struct op *op, const struct web_answer *a)
{
    op_fail(op, kind_of_status(a->status), "failed to fetch %.*s : %.*s",
            STR_FMT(url_shown(&op->arena, op->url)), STR_FMT(a->status_text));
}

static void archive_fetched(void *arg, int rc, const struct web_answer *a, const struct err *err)
{
    struct op *op = arg;
    if (rc)
        op_end_err(op, err);
    else if (a->status != 200)
        not_fetched(op, a);
    else
        archive_arrived(op, a);
}

static void archive_fetch(struct op *op, bool ours)
{
    struct err err;
    if (archive_begin(op, &err)) {
        op_end_err(op, &err);
        return;
    }
    web_get(op_web(op),
            &(struct web_request){.url = op->url,
                                  .accept = STR("application/gzip,application/octet-stream"),
                                  .authorization = ours ? op_authorization(op) : STR(""),
                                  .bytes_max = op->charts->o.archive_bytes_max,
                                  .fd = op->fd},
            archive_fetched, op);
}

/* helm takes it for "repository/chart" then. */
static void not_absolute(struct op *op, const struct url *u)
{
    str name, rest;
    bool opaque = u->scheme.len && !u->has_authority && !str_starts(u->path, STR("/"));
    if (str_cut(opaque ? STR("") : u->path, '/', &name, &rest))
        op_fail(op, ERR_INVALID, "repo %.*s not found", STR_FMT(name));
    else
        op_fail(op, ERR_INVALID,
                "non-absolute URLs should be in form of repo_name/path_to_chart, got: %.*s",
                STR_FMT(url_shown(&op->arena, op->url)));
}

/* The chart's URL is known: credentials go along when it is the repository's origin. */
static void archive_locate(struct op *op, const struct chart_entry *e)
{
    struct url u, base;
    struct err err;
    op->index_digest = arena_str(&op->arena, e->digest);
    if (url_of_chart(&op->arena, op->repo.url, e->url, &op->url, &err)) {
        (void)err_wrap(&err, "failed to make chart URL absolute");
        op_end_err(op, &err);
        return;
    }
    if (url_parse(op->url, &u, &err) || url_parse(op->repo.url, &base, &err)) {
        op_end_err(op, &err);
        return;
    }
    if (str_is(u.scheme, "oci"))
        registry_pull(op, op->url, op->pass_credentials || str_ieq(u.host, base.host));
    else if (!u.scheme.len || !u.host.len || !u.path.len)
        not_absolute(op, &u);
    else if (!url_is_http(&u))
        op_fail(op, ERR_UNSUPPORTED, "scheme \"%.*s\" not supported", STR_FMT(u.scheme));
    else
        archive_fetch(op, op->pass_credentials || url_same_origin(&u, &base));
}

/* helm's words for an index that did not come. */
static void archive_without_index(struct op *op, const struct outcome *o)
{
    str url = url_shown(&op->arena, op->repo.url);
    struct err err = *o->err;
    if (o->stage == STAGE_STATUS)
        (void)err_set(&err, err.kind, "failed to fetch %.*s : %.*s",
                      STR_FMT(url_shown(&op->arena, o->url)), STR_FMT(o->status_text));
    (void)err_wrap(&err, "looks like \"%.*s\" is not a valid chart repository or cannot be reached",
                   STR_FMT(url));
    op_end_err(op, &err);
}

static void archive_index_told(void *arg, const struct outcome *o)
{
    struct op *op = arg;
    const struct chart_entry *e;
    struct err err;
    op->waits_for = NULL;
    if (o->rc && o->err->kind == ERR_CANCELED) {
        op_end_err(op, o->err);
        return;
    }
    if (o->rc) {
        archive_without_index(op, o);
        return;
    }
    const struct chart_index *x = o->result;
    if (x->helm.kind) {
        archive_without_index(op, &(struct outcome){.rc = -x->helm.kind,
                                                    .err = &x->helm,
                                                    .stage = STAGE_BODY});
    } else if (chart_index_pick(x, op->repo.url, op->chart, op->version, &e, &err) == 0) {
        archive_locate(op, e);
    } else if (err.kind == ERR_NOT_FOUND && !op->asked_again && !op->fresh) {
        op->asked_again = true;
        archive_ask_index(op, true); /* the version may be younger than what is known */
    } else {
        op_end_err(op, &err);
    }
}

static void archive_ask_index(struct op *op, bool fresh)
{
    struct op *on =
        charts_ask_index(op->charts, &op->repo, fresh, (struct waiter){archive_index_told, op});
    if (on)
        op->waits_for = on;
}

/* ---- files by URL ---- */

struct remote_memory {
    struct remote_file is;
    _Atomic unsigned n_refs;
    char *at;
};

struct remote_file *remote_file_ref(struct remote_file *f)
{
    CONTAINER_OF(f, struct remote_memory, is)->n_refs++;
    return f;
}

void remote_file_unref(struct remote_file *f)
{
    if (!f)
        return;
    struct remote_memory *m = CONTAINER_OF(f, struct remote_memory, is);
    if (--m->n_refs)
        return;
    free(m->at);
    free(m);
}

static void remote_arrived(void *arg, int rc, const struct web_answer *a, const struct err *err)
{
    struct op *op = arg;
    if (rc || a->status != 200) {
        if (rc)
            op_end_err(op, err);
        else
            not_fetched(op, a);
        return;
    }
    struct remote_memory *m = calloc(1, sizeof(*m));
    if (!m || !(m->at = malloc(a->body.len + 1)))
        abort();
    if (a->body.len)
        memcpy(m->at, a->body.at, a->body.len);
    m->n_refs = 1;
    m->is = (struct remote_file){str_mem(m->at, a->body.len), a->digest};
    op_end(op, &(struct outcome){.result = &m->is});
    remote_file_unref(&m->is);
}

void remote_start(struct op *op)
{
    op->url = op->repo.url;
    web_get(op_web(op), &(struct web_request){.url = op->url, .bytes_max = op->bytes_max, .fd = -1},
            remote_arrived, op);
}
