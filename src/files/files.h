/* files/files.h: read-only file trees, each read recorded.
 *
 * A `struct files` is a tree of folders, regular files and symbolic links behind a small table of
 * functions: a folder of this machine, a tree object of a git object database (no checkout),
 * memory. Paths are relative to the root, parts separated by '/'; "" and "." are the root. Absolute
 * paths and paths that leave the root by ".." are refused, and so is every symbolic link that
 * points out of the root, at any step. No backend writes, and none runs anything (no filters, no
 * hooks).
 *
 * When `reads` is set, every question asked is recorded there with its answer (files/read_set.h),
 * failures included, so that a caller can tell later whether another tree would give the same
 * answers.
 *
 * Error texts name the path relative to the root. -ERR_NOT_FOUND: no such path; -ERR_INVALID:
 * absolute or outside, or not of the wanted kind, or too many links; -ERR_TOO_LARGE;
 * -ERR_UNSUPPORTED: a git submodule on the way; -ERR_IO.
 *
 * Owner: whoever opened the tree (files_close). Threads: one at a time. Memory: what is read goes
 * into the arena passed. */
#ifndef FILES_FILES_H
#define FILES_FILES_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/str.h"

#define FILES_PATH_MAX 4096                    /* bytes of a path */
#define FILES_PARTS_MAX 256                    /* parts of a path */
#define FILES_LINKS_MAX 40                     /* symbolic links followed for one path, as Linux */
#define FILES_FOLDER_ENTRIES_MAX 200000        /* entries of one folder */
#define FILES_BYTES_DEFAULT ((size_t)64 << 20) /* one file */

enum file_kind {
    FILE_MISSING,
    FILE_REGULAR,
    FILE_EXECUTABLE, /* regular with the execute bit */
    FILE_LINK,
    FILE_FOLDER,
    FILE_MODULE, /* git submodule: a commit of another repository */
    FILE_OTHER,  /* device, socket, fifo (folder backend only) */
};
static inline bool file_kind_is_regular(enum file_kind k)
{
    return k == FILE_REGULAR || k == FILE_EXECUTABLE;
}
str file_kind_name(
    enum file_kind k); /* "missing", "file", "executable", "link", "folder", "submodule", "other" */

/* Identity of content: a git object id, or SHA-256 of the bytes in the other backends. len 0:
 * unknown. */
struct file_id {
    uint8_t len, byte[32];
};
bool file_id_eq(const struct file_id *a, const struct file_id *b);
bool file_id_parse(str hex, struct file_id *ret); /* 1..32 bytes */

struct file_entry {
    str name; /* in a listing: one part; in files_stat: the resolved path */
    enum file_kind kind;
    struct file_id id; /* folder: its tree id where the backend has one */
};

struct file_list { /* sorted by name, byte order */
    struct file_entry *at;
    size_t n, cap;
};

struct files;
struct read_set;

/* Backend functions: `path` is clean (no ".", "..", "//"), every part but the last is a real folder
 * or the answer is FILE_MISSING; nothing is followed. */
struct files_kind {
    const char *name;
    int (*stat)(struct files *f, str path, struct file_entry *ret, struct err *err);
    int (*list)(struct files *f, str path, struct arena *a, struct file_list *ret, struct err *err);
    int (*read)(struct files *f, str path, size_t bytes_max, struct arena *a, str *ret,
                struct err *err);
    int (*link)(struct files *f, str path, struct arena *a, str *ret_target, struct err *err);
    /* Bytes of a regular file; NULL: not known without reading it. */
    int (*size)(struct files *f, str path, size_t *ret, struct err *err);
    void (*close)(struct files *f);
};

struct files { /* first member of each backend's struct */
    const struct files_kind *kind;
    struct read_set *reads; /* borrowed; NULL: do not record */
};

/* ---- opening ---- */

/* A folder of this machine; the path is copied. Nothing outside is reachable (openat2
 * RESOLVE_BENEATH). */
int files_open_folder(str path, struct files **ret, struct err *err) MUST_CHECK;
/* The tree object `tree` (hex) of the git object database in `objects_dir` (".../objects"), opened
 * read-only. -ERR_NOT_FOUND: no such tree. */
int files_open_git(str objects_dir, str tree, struct files **ret, struct err *err) MUST_CHECK;
/* The same out of an object database that is already open (a reference is kept). */
struct git_store;
int files_open_tree(struct git_store *g, str tree, struct files **ret, struct err *err) MUST_CHECK;
/* An empty tree in memory, filled by files_memory_*; contents are copied. */
struct files *files_new_memory(void);
int files_memory_add(struct files *f, str path, str bytes,
                     struct err *err) MUST_CHECK; /* makes folders */
int files_memory_add_link(struct files *f, str path, str target, struct err *err) MUST_CHECK;
void files_close(struct files *f);                                     /* NULL is fine */
static inline void files_closep(struct files **f) { files_close(*f); } /* for CLEANUP */

/* ---- asking ---- */

/* What is at `path`? Follows links inside the tree when `follow`; ret->name is then the resolved
 * path (arena). A missing path is no error: kind FILE_MISSING. */
int files_stat(struct files *f, str path, bool follow, struct arena *a, struct file_entry *ret,
               struct err *err) MUST_CHECK;
/* Bytes of a regular file, links followed. bytes_max 0: FILES_BYTES_DEFAULT. */
int files_read(struct files *f, str path, size_t bytes_max, struct arena *a, str *ret,
               struct err *err) MUST_CHECK;
/* How many bytes the regular file at a resolved path has (file_entry.name of files_stat), without
 * reading it. -ERR_UNSUPPORTED: this backend would have to. Records nothing. */
int files_size(struct files *f, str path, size_t *ret, struct err *err) MUST_CHECK;
/* Entries of a folder, links on the way followed. */
int files_list(struct files *f, str path, struct arena *a, struct file_list *ret,
               struct err *err) MUST_CHECK;

/* Does `target` of the link at `path` leave the tree? Lexical, step by step, as upstream's scan. */
bool files_link_escapes(str path, str target);
/* Walk the whole tree for a symbolic link that leaves it: an absolute target, or one of whose
 * steps, taken from the link's folder, is above the root. Targets need not exist. ret_link: path of
 * the first such link in walk order (arena), or empty. Records nothing: it is a fact about the
 * whole tree. */
int files_find_escaping_link(struct files *f, struct arena *a, str *ret_link,
                             struct err *err) MUST_CHECK;

/* ---- paths ---- */

/* Lexical join and clean as Go's path.Join(base, path) below a root: "" for the root. false: leaves
 * the root. */
bool files_path_join(struct arena *a, str base, str path, str *ret);
/* No ".", "..", empty part, leading or trailing slash, or NUL; "" is the root. */
bool files_path_is_clean(str path);
str files_path_folder(str path); /* "a/b" -> "a", "a" -> "" */
str files_path_base(str path);   /* "a/b" -> "b" */

#endif
