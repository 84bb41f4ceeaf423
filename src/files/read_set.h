/* files/read_set.h: what was asked of a file tree and what it answered.
 *
 * One entry per distinct question:
 *
 *   READ_FILE     content id and mode of the regular file at a path
 *   READ_ABSENT   nothing is at the path
 *   READ_KIND     something of this kind is at the path, whatever it holds
 *   READ_LIST     names and kinds of a folder's entries (not their content)
 *   READ_LINK     target of a symbolic link
 *
 * Paths are real ones: a path through a link gives a READ_LINK for the link and entries below its
 * target.
 *
 * Serialised form (versioned text, self-delimiting, safe to parse from anyone): "reads 1\n", then
 * per entry "<letter> <kind digit> <hex id or -> <bytes of path>:<path>\n".
 *
 * Owner: read_set_new/free (long-lived part). Threads: one at a time while it grows, any number of
 * readers after. */
#ifndef FILES_READ_SET_H
#define FILES_READ_SET_H

#include "base/buf.h"
#include "base/map.h"
#include "files/files.h"

#define READ_SET_ENTRIES_MAX 1000000
#define READ_SET_BYTES_MAX ((size_t)128 << 20) /* serialised */

enum read_kind { READ_FILE, READ_ABSENT, READ_KIND, READ_LIST, READ_LINK, READ_KIND_COUNT };

struct read_entry {
    enum read_kind kind;
    enum file_kind file; /* READ_FILE: regular or executable; READ_KIND: which */
    struct file_id id;   /* FILE, LINK: of the content; LIST: read_id_of_list */
    str path;            /* owned by the set */
};

struct read_set;
struct read_set *read_set_new(void);
void read_set_free(struct read_set *s);
static inline void read_set_freep(struct read_set **s) { read_set_free(*s); }

/* Add an entry; the same question again is kept once. Past READ_SET_ENTRIES_MAX the set is marked
 * incomplete (read_set_check then always says changed). Copies the path. */
void read_set_add(struct read_set *s, enum read_kind kind, enum file_kind file,
                  const struct file_id *id, str path);
size_t read_set_len(const struct read_set *s);
/* In order of asking; a parsed set: by path and kind. */
const struct read_entry *read_set_at(const struct read_set *s, size_t i);

/* Would `now` answer every question as before? *ret_same; *ret_why (arena) names the first path
 * that differs. Errors are I/O only: a path that became unreadable counts as changed. */
int read_set_check(const struct read_set *s, struct files *now, struct arena *a, bool *ret_same,
                   str *ret_why, struct err *err) MUST_CHECK;

/* Does a change of `path` (was `before`, is `after`; FILE_MISSING for added and removed) touch the
 * set? By name only: may say yes where the answers stay the same, never no where one differs. */
bool read_set_touches(const struct read_set *s, str path, enum file_kind before,
                      enum file_kind after);

void read_set_print(const struct read_set *s, struct buf *out);
/* The parsed set is packed into one block; nothing can be added to it. */
int read_set_parse(str text, struct read_set **ret,
                   struct err *err) MUST_CHECK; /* -ERR_INVALID, -ERR_TOO_LARGE */
/* SHA-256 of the serialised form with entries sorted: equal for the same questions and answers. */
struct sha256 read_set_digest(const struct read_set *s);

/* Identity of a listing (names and kinds), and of bytes where a backend has no object ids. */
struct file_id read_id_of_list(const struct file_list *l);
struct file_id read_id_of_bytes(str s);

#endif
