/* git.c: trees of a git object database. Everything here is libgit2's reading half; a tree comes
 * from whoever can push, so names and sizes are checked before they are believed. */
#include <git2.h>
#include <string.h>

#include "files/files.h"
#include "files/git_store.h"

struct git_store {
    _Atomic unsigned refs;
    git_odb *odb;
    git_repository *repo;
};

static int fail(struct err *err, int rc, const char *what, str name)
{
    const git_error *e = git_error_last();
    int kind = rc == GIT_ENOTFOUND ? ERR_NOT_FOUND : rc == GIT_EAMBIGUOUS ? ERR_INVALID : ERR_IO;
    return err_set(err, kind, "%s %.*s: %s", what, STR_FMT(name),
                   e ? e->message : "git object error");
}

int git_store_open(str objects_dir, struct git_store **ret, struct err *err)
{
    char z[FILES_PATH_MAX];
    if (objects_dir.len >= sizeof(z))
        return err_set(err, ERR_INVALID, "path is longer than %d bytes", FILES_PATH_MAX);
    memcpy(z, objects_dir.at, objects_dir.len);
    z[objects_dir.len] = 0;
    if (git_libgit2_init() < 0)
        return err_set(err, ERR_INTERNAL, "libgit2 does not start");
    git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)GIT_STORE_CACHE_BYTES);
    struct git_store *g = calloc(1, sizeof(*g));
    if (!g)
        abort();
    g->refs = 1;
    int rc = git_odb_open(&g->odb, z);
    if (!rc)
        rc = git_repository_wrap_odb(&g->repo, g->odb);
    if (rc) {
        rc = fail(err, rc, "opening object folder", objects_dir);
        git_store_unref(g);
        return rc;
    }
    *ret = g;
    return 0;
}

struct git_store *git_store_ref(struct git_store *g)
{
    g->refs++;
    return g;
}

void git_store_unref(struct git_store *g)
{
    if (!g || --g->refs)
        return;
    git_repository_free(g->repo);
    git_odb_free(g->odb);
    git_libgit2_shutdown();
    free(g);
}

struct git_repository *git_store_repository(struct git_store *g) { return g->repo; }

static int parse_id(str id, git_oid *ret, struct err *err)
{
    if (id.len == 0 || id.len > GIT_OID_HEXSZ || git_oid_fromstrn(ret, id.at, id.len))
        return err_set(err, ERR_INVALID, "'%.*s' is not a git object id",
                       STR_FMT(str_sub(id, 0, 64)));
    return 0;
}

static void free_object(git_object **o) { git_object_free(*o); }
static void free_tree(git_tree **t) { git_tree_free(*t); }
static void free_blob(git_blob **b) { git_blob_free(*b); }
static void free_odb_object(git_odb_object **o) { git_odb_object_free(*o); }

int git_store_commit(struct git_store *g, str id, struct arena *a, char ret_id[41], str *ret_text,
                     struct err *err)
{
    git_oid oid;
    int rc = parse_id(id, &oid, err);
    if (rc)
        return rc;
    CLEANUP(free_object) git_object *found = NULL, *commit = NULL;
    rc = git_object_lookup_prefix(&found, g->repo, &oid, id.len, GIT_OBJECT_ANY);
    if (!rc)
        rc = git_object_peel(&commit, found, GIT_OBJECT_COMMIT);
    if (rc == GIT_EPEEL || rc == GIT_EINVALIDSPEC)
        return err_set(err, ERR_INVALID, "%.*s is not a commit", STR_FMT(id));
    if (rc)
        return fail(err, rc, "commit", id);
    CLEANUP(free_odb_object) git_odb_object *raw = NULL;
    rc = git_odb_read(&raw, g->odb, git_object_id(commit));
    if (rc)
        return fail(err, rc, "commit", id);
    git_oid_tostr(ret_id, 41, git_object_id(commit));
    *ret_text = arena_str(a, str_mem(git_odb_object_data(raw), git_odb_object_size(raw)));
    return 0;
}

bool git_store_has(struct git_store *g, str id)
{
    git_oid oid;
    return !parse_id(id, &oid, NULL) && id.len == GIT_OID_HEXSZ && git_odb_exists(g->odb, &oid);
}

/* ---- a tree as files ---- */

struct git_files {
    struct files files;
    struct git_store *store;
    git_tree *root;
};

static enum file_kind kind_of(const git_tree_entry *e)
{
    switch (git_tree_entry_filemode(e)) {
    case GIT_FILEMODE_BLOB: return FILE_REGULAR;
    case GIT_FILEMODE_BLOB_EXECUTABLE: return FILE_EXECUTABLE;
    case GIT_FILEMODE_LINK: return FILE_LINK;
    case GIT_FILEMODE_TREE: return FILE_FOLDER;
    case GIT_FILEMODE_COMMIT: return FILE_MODULE;
    default: return FILE_OTHER;
    }
}

static struct file_id id_of(const git_oid *oid)
{
    struct file_id id = {.len = GIT_OID_RAWSZ};
    memcpy(id.byte, oid->id, GIT_OID_RAWSZ);
    return id;
}

static void free_entry(git_tree_entry **e) { git_tree_entry_free(*e); }

/* *ret NULL: missing, or a part on the way is no folder. */
static int entry_at(struct git_files *g, str path, git_tree_entry **ret, struct err *err)
{
    char z[FILES_PATH_MAX];
    memcpy(z, path.at, path.len); /* files.c bounds it */
    z[path.len] = 0;
    int rc = git_tree_entry_bypath(ret, g->root, z);
    if (rc && rc != GIT_ENOTFOUND)
        return fail(err, rc, "reading", path);
    if (rc)
        *ret = NULL;
    return 0;
}

static int git_stat(struct files *f, str path, struct file_entry *ret, struct err *err)
{
    struct git_files *g = CONTAINER_OF(f, struct git_files, files);
    if (path.len == 0) {
        *ret = (struct file_entry){.kind = FILE_FOLDER, .id = id_of(git_tree_id(g->root))};
        return 0;
    }
    CLEANUP(free_entry) git_tree_entry *e = NULL;
    int rc = entry_at(g, path, &e, err);
    if (rc)
        return rc;
    *ret = (struct file_entry){.kind = FILE_MISSING};
    if (e)
        *ret = (struct file_entry){.kind = kind_of(e), .id = id_of(git_tree_entry_id(e))};
    return 0;
}

static bool name_ok(str name)
{
    return name.len && name.len < FILES_PATH_MAX && !str_is(name, ".") && !str_is(name, "..") &&
           str_find_char(name, '/') < 0;
}

static int by_name(const void *a, const void *b)
{
    const struct file_entry *x = a, *y = b;
    return str_cmp(x->name, y->name);
}

static int list_tree(const git_tree *t, str path, struct arena *a, struct file_list *ret,
                     struct err *err)
{
    size_t n = git_tree_entrycount(t);
    if (n > FILES_FOLDER_ENTRIES_MAX)
        return err_set(err, ERR_TOO_LARGE, "%.*s: folder has more than %d entries", STR_FMT(path),
                       FILES_FOLDER_ENTRIES_MAX);
    for (size_t i = 0; i < n; i++) {
        const git_tree_entry *e = git_tree_entry_byindex(t, i);
        str name = str_of(git_tree_entry_name(e));
        if (!name_ok(name))
            return err_set(err, ERR_INVALID,
                           "folder '%.*s' of the git tree has an entry with a forbidden name",
                           STR_FMT(path));
        vec_push(a, ret,
                 (struct file_entry){.name = arena_str(a, name),
                                     .kind = kind_of(e),
                                     .id = id_of(git_tree_entry_id(e))});
    }
    /* Git sorts a folder as if its name ended in '/'; callers expect plain byte order. */
    if (ret->n)
        qsort(ret->at, ret->n, sizeof(*ret->at), by_name);
    return 0;
}

static int git_list(struct files *f, str path, struct arena *a, struct file_list *ret,
                    struct err *err)
{
    struct git_files *g = CONTAINER_OF(f, struct git_files, files);
    if (path.len == 0)
        return list_tree(g->root, path, a, ret, err);
    CLEANUP(free_entry) git_tree_entry *e = NULL;
    int rc = entry_at(g, path, &e, err);
    if (rc)
        return rc;
    if (!e || kind_of(e) != FILE_FOLDER)
        return err_set(err, ERR_NOT_FOUND, "%.*s: no such folder", STR_FMT(path));
    CLEANUP(free_tree) git_tree *t = NULL;
    rc = git_tree_lookup(&t, g->store->repo, git_tree_entry_id(e));
    return rc ? fail(err, rc, "reading folder", path) : list_tree(t, path, a, ret, err);
}

static int git_read(struct files *f, str path, size_t bytes_max, struct arena *a, str *ret,
                    struct err *err)
{
    struct git_files *g = CONTAINER_OF(f, struct git_files, files);
    CLEANUP(free_entry) git_tree_entry *e = NULL;
    int rc = entry_at(g, path, &e, err);
    if (rc)
        return rc;
    if (!e)
        return err_set(err, ERR_NOT_FOUND, "%.*s: no such file", STR_FMT(path));
    /* The header says the size before anything is inflated. */
    size_t size;
    git_object_t type;
    rc = git_odb_read_header(&size, &type, g->store->odb, git_tree_entry_id(e));
    if (rc)
        return fail(err, rc, "reading", path);
    if (size > bytes_max)
        return err_set(err, ERR_TOO_LARGE, "%.*s: file is larger than %zu bytes", STR_FMT(path),
                       bytes_max);
    CLEANUP(free_blob) git_blob *b = NULL;
    rc = git_blob_lookup(&b, g->store->repo, git_tree_entry_id(e));
    if (rc)
        return fail(err, rc, "reading", path);
    *ret = arena_str(a, str_mem(git_blob_rawcontent(b), (size_t)git_blob_rawsize(b)));
    return 0;
}

static int git_size(struct files *f, str path, size_t *ret, struct err *err)
{
    struct git_files *g = CONTAINER_OF(f, struct git_files, files);
    CLEANUP(free_entry) git_tree_entry *e = NULL;
    git_object_t type;
    int rc = entry_at(g, path, &e, err);
    if (rc)
        return rc;
    if (!e)
        return err_set(err, ERR_NOT_FOUND, "%.*s: no such file", STR_FMT(path));
    rc = git_odb_read_header(ret, &type, g->store->odb, git_tree_entry_id(e));
    return rc ? fail(err, rc, "reading", path) : 0;
}

static int git_link(struct files *f, str path, struct arena *a, str *ret, struct err *err)
{
    return git_read(f, path, FILES_PATH_MAX, a, ret, err);
}

static void git_close(struct files *f)
{
    struct git_files *g = CONTAINER_OF(f, struct git_files, files);
    git_tree_free(g->root);
    git_store_unref(g->store);
    free(g);
}

static const struct files_kind git_kind = {
    .name = "git",
    .stat = git_stat,
    .list = git_list,
    .read = git_read,
    .link = git_link,
    .size = git_size,
    .close = git_close,
};

int files_open_tree(struct git_store *store, str tree, struct files **ret, struct err *err)
{
    git_oid oid;
    int rc = parse_id(tree, &oid, err);
    if (rc)
        return rc;
    git_tree *root;
    rc = git_tree_lookup(&root, store->repo, &oid);
    if (rc)
        return fail(err, rc, "tree", tree);
    struct git_files *g = calloc(1, sizeof(*g));
    if (!g)
        abort();
    g->files.kind = &git_kind;
    g->store = git_store_ref(store);
    g->root = root;
    *ret = &g->files;
    return 0;
}

int files_open_git(str objects_dir, str tree, struct files **ret, struct err *err)
{
    CLEANUP(git_store_unrefp) struct git_store *g = NULL;
    int rc = git_store_open(objects_dir, &g, err);
    return rc ? rc : files_open_tree(g, tree, ret, err);
}

/* ---- difference of two trees ---- */

struct differ {
    struct git_store *store;
    git_store_change_fn *fn;
    void *arg;
    struct arena arena;
};

static int list_of(struct differ *d, const struct file_entry *folder, str path,
                   struct file_list *ret, struct err *err)
{
    if (folder->kind != FILE_FOLDER)
        return 0;
    git_oid oid;
    git_oid_fromraw(&oid, folder->id.byte);
    CLEANUP(free_tree) git_tree *t = NULL;
    int rc = git_tree_lookup(&t, d->store->repo, &oid);
    return rc ? fail(err, rc, "reading folder", path) : list_tree(t, path, &d->arena, ret, err);
}

static int diff_entry(struct differ *d, str path, const struct file_entry *old,
                      const struct file_entry *now, unsigned depth, struct err *err);

static int diff_folders(struct differ *d, str path, const struct file_entry *old,
                        const struct file_entry *now, unsigned depth, struct err *err)
{
    static const struct file_entry missing = {.kind = FILE_MISSING};
    struct file_list o = {0}, n = {0};
    if (depth == FILES_PARTS_MAX)
        return err_set(err, ERR_INVALID, "git tree is more than %d folders deep", FILES_PARTS_MAX);
    int rc = list_of(d, old, path, &o, err);
    if (!rc)
        rc = list_of(d, now, path, &n, err);
    for (size_t i = 0, j = 0; !rc && (i < o.n || j < n.n);) {
        int order = i == o.n ? 1 : j == n.n ? -1 : str_cmp(o.at[i].name, n.at[j].name);
        const struct file_entry *before = order <= 0 ? &o.at[i++] : &missing;
        const struct file_entry *after = order >= 0 ? &n.at[j++] : &missing;
        str name = before->kind ? before->name : after->name;
        str child = path.len ? ARENA_CAT(&d->arena, path, STR("/"), name) : name;
        rc = diff_entry(d, child, before, after, depth + 1, err);
    }
    return rc;
}

static int diff_entry(struct differ *d, str path, const struct file_entry *old,
                      const struct file_entry *now, unsigned depth, struct err *err)
{
    static const struct file_entry missing = {.kind = FILE_MISSING};
    if (old->kind == now->kind && file_id_eq(&old->id, &now->id))
        return 0;
    /* A folder in place of a file is told as the file's end and the folder's files' coming. */
    bool was_folder = old->kind == FILE_FOLDER, is_folder = now->kind == FILE_FOLDER;
    int rc = 0;
    if (!(was_folder && is_folder) && !((was_folder && !now->kind) || (is_folder && !old->kind)))
        rc = d->fn(d->arg, path, was_folder ? &missing : old, is_folder ? &missing : now, err);
    if (!rc && (was_folder || is_folder))
        rc = diff_folders(d, path, was_folder ? old : &missing, is_folder ? now : &missing, depth,
                          err);
    return rc;
}

static int root_entry(str tree, struct file_entry *ret, struct err *err)
{
    *ret = (struct file_entry){.kind = FILE_MISSING};
    if (tree.len == 0)
        return 0;
    git_oid oid;
    int rc = parse_id(tree, &oid, err);
    if (!rc)
        *ret = (struct file_entry){.kind = FILE_FOLDER, .id = id_of(&oid)};
    return rc;
}

int git_store_diff(struct git_store *g, str old_tree, str new_tree, git_store_change_fn *fn,
                   void *arg, struct err *err)
{
    struct file_entry old, now;
    int rc = root_entry(old_tree, &old, err);
    if (!rc)
        rc = root_entry(new_tree, &now, err);
    if (rc)
        return rc;
    struct differ d = {.store = g, .fn = fn, .arg = arg};
    arena_init(&d.arena, ARENA_BYTES_DEFAULT);
    rc = diff_entry(&d, STR(""), &old, &now, 0, err);
    arena_done(&d.arena);
    return rc;
}
