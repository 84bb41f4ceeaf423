/* api.c: what the API asks beside manifests: commits and refs. */
#include <string.h>

#include "manifests/private.h"

struct commit_job {
    struct manifests *m;
    struct arena arena;
    struct source_repo repo;
    str revision;
    struct call asker;
};

static void commit_job_free(struct commit_job *j)
{
    arena_done(&j->arena);
    free(j);
}

static void drop_commit(void *c) { source_commit_unref(c); }

static void commit_arrived(void *arg, struct answer *a)
{
    struct commit_job *j = arg;
    if (a->rc) {
        call_answer_err(j->asker, &a->err);
    } else {
        const struct source_lease *l = a->result;
        call_answer_ok(j->asker, source_commit_ref(l->commit), drop_commit);
    }
    commit_job_free(j);
}

static void bring(struct commit_job *j, const struct source_refs *refs)
{
    char sha[SOURCE_SHA_BYTES];
    bool is_short;
    struct err err;
    if (revision_resolve(refs, j->revision, sha, &is_short, &err)) {
        call_answer_err(j->asker, &err);
        commit_job_free(j);
        return;
    }
    source_commit_get(j->m->source, &j->repo, str_of(sha),
                      call_open(j->m->loop, 0, commit_arrived, j));
}

static void refs_arrived(void *arg, struct answer *a)
{
    struct commit_job *j = arg;
    if (!a->rc) {
        bring(j, a->result);
        return;
    }
    call_answer_err(j->asker, &a->err);
    commit_job_free(j);
}

void manifests_commit(struct manifests *m, const struct source_repo *repo, str revision,
                      struct call c)
{
    struct commit_job *j = calloc(1, sizeof(*j));
    if (!j)
        abort();
    arena_init(&j->arena, ARENA_BYTES_DEFAULT);
    j->m = m;
    j->asker = c;
    j->revision = arena_str(&j->arena, revision);
    source_repo_copy(&j->arena, repo, &j->repo);
    if (source_is_sha(revision))
        bring(j, NULL);
    else
        source_refs_get(m->source, &j->repo, 0, call_open(m->loop, 0, refs_arrived, j));
}

void manifests_chart_version(struct manifests *m, const struct source_repo *repo, str chart,
                             str revision, struct call c)
{
    charts_resolve(m->charts, repo, chart, revision, CHARTS_FRESH, c);
}

void manifests_refs(struct manifests *m, const struct source_repo *repo, struct call c)
{
    source_refs_get(m->source, repo, 0, c);
}

struct reach_job {
    struct call asker;
};

static void reached(void *arg, struct answer *a)
{
    struct reach_job *j = arg;
    if (a->rc)
        call_answer_err(j->asker, &a->err);
    else
        call_answer_ok(j->asker, NULL, NULL);
    free(j);
}

/* A registry cannot list: what it has of the chart is asked for. */
void manifests_reach(struct manifests *m, const struct source_repo *repo, value source,
                     struct call c)
{
    str chart = value_str(value_getz(source, "chart"));
    struct reach_job *j = calloc(1, sizeof(*j));
    if (!j)
        abort();
    j->asker = c;
    struct call done = call_open(m->loop, 0, reached, j);
    if (!chart.len)
        source_refs_get(m->source, repo, 0, done);
    else if (source_repo_is_oci(repo))
        charts_versions(m->charts, repo, chart, 0, done);
    else
        charts_names(m->charts, repo, 0, done);
}

size_t manifests_tags_of(const struct source_refs *refs, const char *commit, struct arena *a,
                         str **ret)
{
    size_t n = 0;
    *ret = ARENA_ARRAY(a, str, refs->n + 1);
    for (size_t i = 0; i < refs->n; i++)
        if (str_starts(refs->at[i].name, STR("refs/tags/")) &&
            strcmp(refs->at[i].commit, commit) == 0)
            (*ret)[n++] = str_from(refs->at[i].name, sizeof("refs/tags/") - 1);
    return n;
}
