/* files/git_store.h: an object database of git, opened read-only.
 *
 * Wraps libgit2: finds objects in packs and loose files below ".../objects", sees packs that arrive
 * later, runs nothing and writes nothing. Object ids are 40 hex digits. Reference-counted; one
 * store may serve several threads (libgit2 locks inside), the files opened from it one thread each.
 *
 * libgit2's own caches are bounded to GIT_STORE_CACHE_BYTES for the whole process. */
#ifndef FILES_GIT_STORE_H
#define FILES_GIT_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "files/files.h"

#define GIT_STORE_CACHE_BYTES ((size_t)4 << 20)

struct git_repository;

struct git_store;
int git_store_open(str objects_dir, struct git_store **ret,
                   struct err *err) MUST_CHECK; /* -ERR_NOT_FOUND */
struct git_store *git_store_ref(struct git_store *g);
void git_store_unref(struct git_store *g);
static inline void git_store_unrefp(struct git_store **g) { git_store_unref(*g); }
struct git_repository *git_store_repository(
    struct git_store *g); /* borrowed, for those who speak libgit2 */

/* Raw text of a commit object (an annotated tag is peeled), and its full id. -ERR_NOT_FOUND: no
 * such object here, or a prefix that names none; -ERR_INVALID: not a commit, or an ambiguous
 * prefix. `id`: 4..40 hex digits. */
int git_store_commit(struct git_store *g, str id, struct arena *a, char ret_id[41], str *ret_text,
                     struct err *err) MUST_CHECK;
/* All objects that a tree needs are here? A shallow answer: the tree itself and its sub-folders. */
bool git_store_has(struct git_store *g, str id);

/* Paths that differ between two trees, in byte order; either id may be empty (the empty tree).
 * Folders are descended only where their ids differ. Non-zero from fn stops and is returned. */
typedef int git_store_change_fn(void *arg, str path, const struct file_entry *before,
                                const struct file_entry *after, struct err *err);
int git_store_diff(struct git_store *g, str old_tree, str new_tree, git_store_change_fn *fn,
                   void *arg, struct err *err) MUST_CHECK;

#endif
