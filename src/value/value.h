/* value/value.h: the one dynamic value of all Kubernetes objects.
 *
 * A `value` is a cursor of two words, passed by copy. It points either into a *frozen* document
 * (immutable, shared, reference-counted; value/doc.h) or at a *building* node in a task's arena.
 * All readers work on both; only building nodes can be changed. A building tree may borrow frozen
 * subtrees: the arena then holds a reference on their document, so a merge copies only what
 * changes.
 *
 * Absent is not null: value_get on a missing key gives VALUE_ABSENT (value_exists false); a JSON
 * null exists and has type VALUE_NULL. Every reader accepts an absent value and answers absent /
 * false / 0 / "". Maps keep source order. Numbers are int64, uint64 (only above INT64_MAX) or
 * double; the literal as read is kept on request.
 *
 * Lifetime: a cursor lives as long as its document or arena. Text handed out is borrowed from
 * there. Threads: frozen values may be read from any thread; building values belong to the arena's
 * thread. */
#ifndef VALUE_VALUE_H
#define VALUE_VALUE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct doc;

enum value_type {
    VALUE_NONE, /* absent */
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_UINT,
    VALUE_DOUBLE,
    VALUE_STRING,
    VALUE_LIST,
    VALUE_MAP,
};

typedef struct {
    const struct doc *doc; /* NULL: building */
    uintptr_t at; /* offset into doc, or address of the building node; 0 with doc NULL: absent */
} value;

#define VALUE_ABSENT ((value){NULL, 0})
#define VALUE_DEPTH_MAX 200 /* deeper input is refused by every reader */

/* ---- reading ---- */

enum value_type value_type(value v);
static inline bool value_exists(value v) { return v.doc || v.at; }
bool value_is_null(value v); /* exists and is null */
bool value_is_nil(value v);  /* absent or null: Go's nil interface */
bool value_is_map(value v);
bool value_is_list(value v);
bool value_is_string(value v);
bool value_is_number(value v);

/* Scalars; a value of another type answers false / 0 / "". */
bool value_bool(value v);
int64_t value_int(value v); /* doubles with an integral value and uints that fit too */
uint64_t value_uint(value v);
double value_double(value v); /* any number */
str value_str(value v);
str value_literal(value v); /* number text as read, or "" when it was not kept */

size_t value_len(value v); /* entries of a list or map, else 0 */
value value_at(value list, size_t i);
str value_key(value map, size_t i); /* i-th entry in source order */
value value_val(value map, size_t i);

/* Entry of a map; absent when missing or when `map` is not one. With a duplicate key (refused by
 * default on parse) the last. */
value value_get(value map, str key);
#define value_getz(map, literal) value_get((map), STR(literal))

/* Follow plain keys separated by dots ("metadata.labels"); keys that hold dots need value_get. */
value value_path(value v, const char *dotted);
/* value_str(value_path(v, dotted)), a common pair. */
str value_path_str(value v, const char *dotted);

/* Walk: for (struct value_iter it = value_iter(v); value_next(&it);) uses it.key (maps), it.val,
 * it.i. Faster than indexing on long containers. The container must not change meanwhile. */
struct value_iter {
    value container, val;
    str key;
    size_t i, n;
    uintptr_t cursor;
};
struct value_iter value_iter(value container);
bool value_next(struct value_iter *it);

/* Where the value stood in its text; line 0 when unknown (built, or positions not kept). */
struct value_pos {
    uint32_t line, column; /* 1-based */
};
struct value_pos value_pos(value v);

/* Equal as JSON values: maps without regard to order, 1 == 1.0 numerically, null != absent. */
bool value_equal(value a, value b);
/* The same, types strict (int 1 differs from double 1.0). */
bool value_identical(value a, value b);
/* The same place of the same frozen document: identical without looking. False says nothing. */
static inline bool value_same_place(value a, value b)
{
    return a.doc && a.doc == b.doc && a.at == b.at;
}
/* Both frozen and alike to the byte: identical, found out fast. False says nothing. */
bool value_same_bytes(value a, value b);

/* ---- building; `a` is the arena of the tree ---- */

value value_null(struct arena *a);
value value_of_bool(struct arena *a, bool b);
value value_of_int(struct arena *a, int64_t i);
value value_of_uint(struct arena *a, uint64_t u);
value value_of_double(struct arena *a, double d);
value value_of_str(struct arena *a, str s); /* copies the text */
value value_borrow_str(struct arena *a,
                       str s); /* s outlives the arena (literals, text the arena holds) */
value value_new_map(struct arena *a);
value value_new_list(struct arena *a);

/* A value that may be changed and placed in a's tree. A building container made in any arena is
 * returned as it is; a frozen container is copied one level deep, its children stay borrowed;
 * scalars are copied. The arena takes a reference on the document. */
value value_edit(struct arena *a, value v);
/* A tree that may be changed without changing v: building containers are copied in depth, frozen
 * subtrees stay frozen and borrowed (edit them on the way), scalars are shared. */
value value_fork(struct arena *a, value v);
/* The same with building containers all the way down; scalars stay frozen and borrowed. Of a key
 * that is there twice the last value wins, at the place of the first. */
value value_thaw(struct arena *a, value v);
/* Keep the document of a frozen value alive as long as the arena; others: nothing. */
void value_hold(struct arena *a, value v);
/* Deep copy, all building, text copied. */
value value_copy(struct arena *a, value v);

/* Set, replacing in place or appending. map must be building. The key is copied; the child is
 * borrowed (frozen: a reference is taken; building: same lifetime as the arena). An absent child
 * removes. */
void value_set(struct arena *a, value map, str key, value child);
#define value_setz(a, map, literal, child) value_set((a), (map), STR(literal), (child))
/* The same with a key that lives as long as the arena (a literal, text the arena holds). child must
 * exist. */
void value_set_borrow_key(struct arena *a, value map, str key, value child);
void value_set_str(struct arena *a, value map, const char *key, str text);
bool value_remove(value map, str key); /* keeps the order of the others; true when it was there */
/* The child at key, made editable and put back; a new map when it is missing or not a map. */
value value_edit_map(struct arena *a, value map, str key);
value value_edit_list(struct arena *a, value map, str key);
/* Set below a building root, making maps on the way: value_set_path(a, root, "status.sync.status",
 * v). */
void value_set_path(struct arena *a, value root, const char *dotted, value child);

void value_push(struct arena *a, value list, value child);
void value_insert(struct arena *a, value list, size_t i, value child); /* i <= len */
void value_put(struct arena *a, value list, size_t i, value child);    /* replace, i < len */
void value_remove_at(value list, size_t i);

/* Sort a building map's entries by key bytes (Go's map order in JSON), optionally in depth.
 * Building only; printing with JSON_SORT_KEYS does not need it. */
void value_sort_keys(struct arena *a, value map, bool deep);

void value_set_pos(value building, struct value_pos pos);
/* Mark as sensitive: DISPLAY and LOG printing mask it whatever its kind. Building only; kept by
 * freezing. */
void value_set_sensitive(value building);
bool value_is_sensitive(value v);
/* Text of a number as read (borrowed; it outlives the arena): printing writes it instead of the
 * number. Building only. */
void value_set_literal(value number, str literal);
/* How a scalar or container was written; the numbers are the reader's (value/yaml.h). Lost when
 * frozen: 0. */
void value_set_style(value building, unsigned style);
unsigned value_style(value v);

#endif
