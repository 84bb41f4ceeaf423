/* list_refs.c: what a repository has, asked once. A repository on this machine is read in place by
 * libgit2 (no process is started because time passed); any other is asked by `git ls-remote`. */
#include <git2.h>
#include <limits.h>
#include <string.h>

#include "source/git_run.h"
#include "source/refs.h"
#include "source/store.h"

struct reading {
    git_repository *repo;
    struct arena *a;
    struct refs_at v;
};

static void free_repository(git_repository **r) { git_repository_free(*r); }
static void free_reference(git_reference **r) { git_reference_free(*r); }
static void free_object(git_object **o) { git_object_free(*o); }

static int add_ref(struct reading *rd, const char *name)
{
    CLEANUP(free_reference) git_reference *ref = NULL, *direct = NULL;
    CLEANUP(free_object) git_object *peeled = NULL;
    if (git_reference_lookup(&ref, rd->repo, name))
        return 0; /* removed meanwhile */
    if (git_reference_resolve(&direct, ref))
        return 0; /* an unborn HEAD or a dangling symbolic ref: git does not list it */
    struct source_ref r = {.name = arena_str(rd->a, str_of(name))};
    if (git_reference_type(ref) == GIT_REFERENCE_SYMBOLIC)
        r.target = arena_str(rd->a, str_of(git_reference_symbolic_target(ref)));
    git_oid_tostr(r.sha, sizeof(r.sha), git_reference_target(direct));
    memcpy(r.commit, r.sha, sizeof(r.sha));
    if (str_starts(r.name, STR("refs/tags/")) &&
        !git_reference_peel(&peeled, direct, GIT_OBJECT_ANY))
        git_oid_tostr(r.commit, sizeof(r.commit), git_object_id(peeled));
    vec_push(rd->a, &rd->v, r);
    return rd->v.n > SOURCE_REFS_MAX;
}

static int add_name(const char *name, void *arg) { return add_ref(arg, name); }

static int by_name(const void *a, const void *b)
{
    const struct source_ref *x = a, *y = b;
    bool x_head = str_is(x->name, "HEAD"), y_head = str_is(y->name, "HEAD");
    return x_head != y_head ? (int)y_head - (int)x_head : str_cmp(x->name, y->name);
}

/* false: libgit2 cannot read it; git may still be able to. */
static bool read_in_place(str path, struct source_refs **ret)
{
    char z[PATH_MAX];
    if (path.len >= sizeof(z))
        return false;
    memcpy(z, path.at, path.len);
    z[path.len] = 0;
    CLEANUP(free_repository) git_repository *repo = NULL;
    if (git_repository_open_ext(&repo, z, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL))
        return false;
    struct reading rd = {.repo = repo};
    struct source_refs *r = refs_new(&rd.a);
    if (add_ref(&rd, "HEAD") || git_reference_foreach_name(repo, add_name, &rd)) {
        source_refs_unref(r);
        return false;
    }
    if (rd.v.n)
        qsort(rd.v.at, rd.v.n, sizeof(*rd.v.at), by_name);
    r->at = rd.v.at;
    r->n = rd.v.n;
    refs_seal(r);
    *ret = r;
    return true;
}

static int ask_git(const struct store_options *o, const struct source_repo *repo,
                   struct source_refs **ret, struct err *err)
{
    struct arena a;
    arena_init(&a, (size_t)16 << 20);
    CLEANUP(buf_done) struct buf out, complaint;
    buf_init(&out, SOURCE_OUTPUT_MAX);
    buf_init(&complaint, GIT_RUN_STDERR_MAX);
    char *url = NULL;
    str user, password;
    int exit_code = 0;
    int rc = git_url(repo->url, &a, &url, &user, &password, err);
    struct git_run g = {
        .git = o->git,
        .private_dir = o->private_dir,
        .repo = repo,
        .timeout_us = o->timeout_us,
        .asker = o->asker,
        .arg = {"ls-remote", "--symref", "--quiet", "--", url},
    };
    if (!rc)
        rc = git_run(&g, &out, &complaint, &exit_code, err);
    if (!rc && exit_code)
        rc = git_complaint(buf_str(&complaint), repo->url, err);
    if (!rc)
        rc = refs_parse(buf_str(&out), ret, err);
    arena_done(&a);
    return rc;
}

int store_list_refs(const struct store_options *o, const struct source_repo *repo,
                    struct source_refs **ret, struct err *err)
{
    struct source_refs *r = NULL;
    str local = git_url_local_path(repo->url);
    int rc = 0;
    if (local.len == 0 || !read_in_place(local, &r))
        rc = ask_git(o, repo, &r, err);
    if (!rc && r->n == 0) {
        source_refs_unref(r);
        rc = err_set(err, ERR_NOT_FOUND, "remote repository is empty");
    }
    if (rc)
        return err_wrap(err, "failed to list refs");
    *ret = r;
    return 0;
}
