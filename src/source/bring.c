/* bring.c: a commit into a generation, and what is known about it there. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "source/git_run.h"
#include "source/refs.h"
#include "source/store.h"

/* ---- leases ---- */

struct owned_lease {
    struct source_lease lease; /* first */
    _Atomic unsigned n;
    struct generation *generation;
    char *escaping_link;
};

struct source_lease *source_lease_ref(struct source_lease *l)
{
    CONTAINER_OF(l, struct owned_lease, lease)->n++;
    return l;
}

void source_lease_unref(struct source_lease *l)
{
    if (!l)
        return;
    struct owned_lease *o = CONTAINER_OF(l, struct owned_lease, lease);
    if (--o->n)
        return;
    source_commit_unref(o->lease.commit);
    generation_unref(o->generation);
    free(o->escaping_link);
    free(o);
}

static struct generation *generation_of(const struct source_lease *l)
{
    return CONTAINER_OF(l, struct owned_lease, lease)->generation;
}

int source_lease_open(const struct source_lease *l, struct files **ret, struct err *err)
{
    return files_open_tree(generation_of(l)->objects, str_of(l->commit->tree), ret, err);
}

struct changed {
    source_changed_fn *fn;
    void *arg;
};

static int tell_changed(void *arg, str path, const struct file_entry *before,
                        const struct file_entry *after, UNUSED struct err *err)
{
    struct changed *c = arg;
    c->fn(c->arg, path, before->kind, after->kind);
    return 0;
}

int source_changed_paths(const struct source_lease *old, const struct source_lease *now,
                         source_changed_fn *fn, void *arg, struct err *err)
{
    struct changed c = {fn, arg};
    return git_store_diff(generation_of(now)->objects, str_of(old->commit->tree),
                          str_of(now->commit->tree), tell_changed, &c, err);
}

/* ---- links that leave the tree ---- */

struct link_scan {
    struct files *files;
    struct arena *a;
    str found;
};

static int scan_changed(void *arg, str path, UNUSED const struct file_entry *before,
                        const struct file_entry *after, struct err *err)
{
    struct link_scan *s = arg;
    str target;
    if (after->kind != FILE_LINK || s->found.len)
        return 0;
    int rc = s->files->kind->link(s->files, path, s->a, &target, err);
    if (!rc && files_link_escapes(path, target))
        s->found = arena_str(s->a, path);
    return rc;
}

/* Whether a link escapes depends on that link alone, so beside a tree known to be fine only changed
 * links count. */
static int find_escaping(struct generation *g, const struct source_commit *c,
                         const struct source_lease *known, struct arena *a, str *ret,
                         struct err *err)
{
    CLEANUP(files_closep) struct files *f = NULL;
    int rc = files_open_tree(g->objects, str_of(c->tree), &f, err);
    if (rc)
        return rc;
    struct link_scan s = {.files = f, .a = a};
    if (known && !known->escaping_link.len &&
        git_store_has(g->objects, str_of(known->commit->tree)) &&
        !git_store_diff(g->objects, str_of(known->commit->tree), str_of(c->tree), scan_changed, &s,
                        NULL)) {
        *ret = s.found;
        return 0;
    }
    return files_find_escaping_link(f, a, ret, err);
}

static int make_lease(struct generation *g, struct source_commit *take_c,
                      const struct source_lease *known, struct source_lease **ret, struct err *err)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    str link;
    int rc = find_escaping(g, take_c, known, &a, &link, err);
    if (rc) {
        source_commit_unref(take_c);
        arena_done(&a);
        return rc;
    }
    struct owned_lease *o = calloc(1, sizeof(*o));
    if (!o)
        abort();
    o->n = 1;
    o->generation = generation_ref(g);
    o->lease.commit = take_c;
    o->lease.objects_dir = str_of(g->objects_dir);
    o->escaping_link = strndup(link.len ? link.at : "", link.len);
    o->lease.escaping_link = str_of(o->escaping_link);
    arena_done(&a);
    *ret = &o->lease;
    return 0;
}

/* ---- fetching ---- */

struct bring {
    const struct store_options *o;
    const struct source_repo *repo;
    struct generation *g;
    str sha;
    struct arena *a;
    struct buf out, complaint;
};

static bool kept(const struct generation *g, const char *sha)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/refs/keep/%s", g->dir, sha);
    return access(path, F_OK) == 0;
}

static int keep(const struct generation *g, const char *sha, struct err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/refs/keep/%s", g->dir, sha);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && dprintf(fd, "%s\n", sha) == SOURCE_SHA_BYTES;
    int e = errno;
    if (fd >= 0)
        close(fd);
    return ok ? 0 : err_errno(err, e, "writing %s", path);
}

/* The commit if it is here and complete. A short id only counts when everything was fetched once.
 */
static int find_here(struct bring *b, struct source_commit **ret, struct err *err)
{
    char id[SOURCE_SHA_BYTES];
    str text;
    int rc = git_store_commit(b->g->objects, b->sha, b->a, id, &text, err);
    if (!rc && !kept(b->g, id))
        rc = err_set(err, ERR_NOT_FOUND, "commit %s is not complete here", id);
    return rc ? rc : commit_parse(id, text, ret, err);
}

#define STALE_LOCKS_MAX 64 /* refs of one repository that one dead process may have left locked */

/* A process that was killed leaves git's lock files behind. The cache folder is ours alone and one
 * fetch of a repository runs at a time, so a lock that git complains of belongs to nobody. */
static bool drop_stale_lock(struct bring *b)
{
    str said = buf_str(&b->complaint), dir = str_of(b->g->dir);
    ptrdiff_t at = str_find(said, STR("Unable to create '"));
    if (at < 0)
        return false;
    str path = str_from(said, (size_t)at + strlen("Unable to create '")), rest;
    if (!str_cut(path, '\'', &path, &rest) || !str_starts(rest, STR(": File exists")))
        return false;
    if (!str_starts(path, dir) || !str_ends(path, STR(".lock")) || str_has(path, STR("/../")))
        return false;
    return unlink(arena_cstr(b->a, path)) == 0;
}

static int fetch_once(struct bring *b, const char *const *refspec, size_t n, const char *depth,
                      int *ret_exit, struct err *err)
{
    char *url = NULL;
    str user, password;
    int rc = git_url(b->repo->url, b->a, &url, &user, &password, err);
    if (rc)
        return rc;
    struct git_run g = {
        .git = b->o->git,
        .private_dir = b->o->private_dir,
        .repo_dir = str_of(b->g->dir),
        .repo = b->repo,
        .timeout_us = b->o->timeout_us,
        .asker = b->o->asker,
        .arg = {"fetch", "--quiet", "--force", "--no-tags", "--no-write-fetch-head",
                "--no-auto-maintenance", "--no-recurse-submodules", depth, "--", url},
    };
    for (size_t i = 0; i < n; i++)
        g.arg[10 + i] = refspec[i];
    buf_reset(&b->out);
    buf_reset(&b->complaint);
    return git_run(&g, &b->out, &b->complaint, ret_exit, err);
}

static int fetch(struct bring *b, const char *const *refspec, size_t n, const char *depth,
                 int *ret_exit, struct err *err)
{
    int rc = 0;
    for (int i = 0; i < STALE_LOCKS_MAX; i++) {
        rc = fetch_once(b, refspec, n, depth, ret_exit, err);
        if (rc || *ret_exit == 0 || !drop_stale_lock(b))
            break;
    }
    FAULT_POINT("source.fetched");
    return rc;
}

static int fetch_one(struct bring *b, int *ret_exit, struct err *err)
{
    const char *refspec = arena_cstr(b->a, ARENA_CAT(b->a, b->sha, STR(":refs/keep/"), b->sha));
    return fetch(b, &refspec, 1, "--depth=1", ret_exit, err);
}

/* Everything with its history: for short ids and servers that give only what they advertise. */
static int fetch_all(struct bring *b, int *ret_exit, struct err *err)
{
    static const char *const all[] = {"+refs/heads/*:refs/all/heads/*",
                                      "+refs/tags/*:refs/all/tags/*"};
    return fetch(b, all, ARRAY_LEN(all), "--depth=2147483647", ret_exit, err);
}

static str last_line_of(str complaint)
{
    str rest = complaint, line, found = STR("");
    while (str_next(&rest, '\n', &line))
        if (str_starts(line, STR("fatal: ")) && !found.len)
            found = line;
    return found.len ? found : str_trim(complaint);
}

/* git could not fetch: upstream's sentence around git's own words. */
static int fetch_error(struct bring *b, int exit_code, struct err *err)
{
    struct err why;
    (void)git_complaint(buf_str(&b->complaint), b->repo->url, &why);
    return err_set(
        err, why.kind,
        "failed to initialize repository resources: rpc error: code = Internal desc = Failed to "
        "fetch "
        "%.*s: `git fetch origin %.*s --tags --force --prune` failed exit status %d: %.*s",
        STR_FMT(b->sha), STR_FMT(b->sha), exit_code,
        STR_FMT(str_sub(last_line_of(buf_str(&b->complaint)), 0, 400)));
}

static int no_such_commit(struct bring *b, struct err *err)
{
    const char *words = source_is_sha(b->sha) ? "remote error: upload-pack: not our ref"
                                              : "couldn't find remote ref";
    return err_set(err, ERR_NOT_FOUND,
                   "failed to initialize repository resources: rpc error: code = Internal desc = "
                   "Failed to checkout "
                   "revision %.*s: `git fetch origin %.*s --tags --force --prune` failed exit "
                   "status 128: fatal: %s %.*s",
                   STR_FMT(b->sha), STR_FMT(b->sha), words, STR_FMT(b->sha));
}

static int fetch_and_find(struct bring *b, struct source_commit **ret, struct err *err)
{
    int exit_code = 0, rc = 0;
    if (source_is_sha(b->sha)) {
        rc = fetch_one(b, &exit_code, err);
        if (rc)
            return rc;
        if (exit_code == 0)
            return find_here(b, ret, err) ? no_such_commit(b, err) : 0;
        if (!str_has(buf_str(&b->complaint), STR("not our ref")) &&
            !str_has(buf_str(&b->complaint), STR("unadvertised")))
            return fetch_error(b, exit_code, err);
    }
    rc = fetch_all(b, &exit_code, err);
    if (rc)
        return rc;
    if (exit_code)
        return fetch_error(b, exit_code, err);
    char id[SOURCE_SHA_BYTES];
    str text;
    if (git_store_commit(b->g->objects, b->sha, b->a, id, &text, err))
        return no_such_commit(b, err);
    rc = keep(b->g, id, err);
    return rc ? rc : commit_parse(id, text, ret, err);
}

int store_get_commit(const struct commit_request *r, struct source_lease **ret, bool *ret_fetched,
                     struct err *err)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    struct bring b = {.o = r->options, .repo = r->repo, .g = r->generation, .sha = r->sha, .a = &a};
    buf_init(&b.out, SOURCE_OUTPUT_MAX);
    buf_init(&b.complaint, GIT_RUN_STDERR_MAX);
    struct source_commit *c = NULL;
    struct err not_here;
    *ret_fetched = false;
    int rc = find_here(&b, &c, &not_here);
    if (rc) {
        *ret_fetched = true;
        rc = fetch_and_find(&b, &c, err);
    }
    if (!rc)
        rc = make_lease(r->generation, c, r->known, ret, err);
    buf_done(&b.out);
    buf_done(&b.complaint);
    arena_done(&a);
    return rc;
}

/* ---- rewriting ---- */

static int copy_commit(const struct store_options *o, struct generation *from,
                       struct generation *to, str sha, struct err *err)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    struct source_repo local = {.url = str_of(from->dir)};
    struct bring b = {.o = o, .repo = &local, .g = to, .sha = sha, .a = &a};
    buf_init(&b.out, SOURCE_OUTPUT_MAX);
    buf_init(&b.complaint, GIT_RUN_STDERR_MAX);
    int exit_code = 0, rc = fetch_one(&b, &exit_code, err);
    if (!rc && exit_code)
        rc = fetch_error(&b, exit_code, err);
    buf_done(&b.out);
    buf_done(&b.complaint);
    arena_done(&a);
    return rc;
}

int store_rewrite(const struct store_options *o, struct generation *g, const str *keep_sha,
                  size_t n_keep, struct generation **ret, struct err *err)
{
    struct generation *fresh = NULL;
    int rc = generation_make(files_path_folder(str_of(g->dir)), g->number + 1, &fresh, err);
    for (size_t i = 0; !rc && i < n_keep; i++)
        rc = copy_commit(o, g, fresh, keep_sha[i], err);
    if (rc) {
        if (fresh)
            fresh->dropped = true;
        generation_unref(fresh);
        return err_wrap(err, "rewriting repository folder");
    }
    *ret = fresh;
    return 0;
}
