/* base/arena.h: memory of one task, freed all at once.
 *
 * An arena hands out zeroed memory that lives until arena_done or arena_reset. Allocation never
 * returns NULL. Each arena states its bound: a task that would go past it ends through `on_full`
 * (a jailed worker reports and leaves), or aborts the process when none is set; doors (body, file,
 * document count) are therefore bounded before memory is taken. One owner, one thread at a time.
 * Under ASan unused memory is poisoned; with -Darena=malloc every allocation is its own malloc. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>

#include "base/attr.h"
#include "base/str.h"

#define ARENA_BYTES_DEFAULT ((size_t)1 << 30) /* bound where the caller has no better one */

struct arena_block;
struct arena_hook;

struct arena {
    struct arena_block *block; /* newest first */
    char *at, *end;            /* free part of the newest block */
    size_t used_bytes;         /* sum of blocks */
    size_t bytes_max;
    struct arena_hook *hook;                         /* run by done/reset, newest first */
    void (*on_full)(void *arg, size_t wanted_bytes); /* must not return */
    void *on_full_arg;
};

/* Prepare caller's storage; bytes_max > 0. Takes no memory until first use. */
void arena_init(struct arena *a, size_t bytes_max);
/* Run hooks, free everything; the arena is empty and usable again (done and reset differ in that
 * reset keeps one block for reuse). */
void arena_done(struct arena *a);
void arena_reset(struct arena *a);

/* `size` zeroed bytes aligned for any type. size 0 gives a valid unique-ish pointer. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc, returns_nonnull));
void *arena_copy(struct arena *a, const void *from, size_t size);

/* Grow an allocation: in place when it is the newest, else a copy. New bytes are zero. */
void *arena_grow(struct arena *a, void *old, size_t old_size, size_t new_size);

/* Copy of s followed by NUL (not counted in len). */
str arena_str(struct arena *a, str s);
char *arena_cstr(struct arena *a, str s);
str arena_printf(struct arena *a, const char *format, ...) PRINTF(2, 3);
str arena_vprintf(struct arena *a, const char *format, va_list args) PRINTF(2, 0);
/* Concatenation of n parts: ARENA_CAT(a, x, y, z). */
str arena_cat(struct arena *a, const str *part, size_t n);
#define ARENA_CAT(a, ...)                                                                          \
    arena_cat((a), (const str[]){__VA_ARGS__}, ARRAY_LEN(((const str[]){__VA_ARGS__})))

/* Call fn(arg) when the arena ends (drops references that arena memory holds). */
void arena_on_done(struct arena *a, void (*fn)(void *arg), void *arg);
/* True when that call is already among the `depth` newest ones: lets a holder of references avoid
 * repeating itself. */
bool arena_is_hooked(const struct arena *a, void (*fn)(void *arg), const void *arg, size_t depth);

#define ARENA_NEW(a, T) ((T *)arena_alloc((a), sizeof(T)))
#define ARENA_ARRAY(a, T, n) ((T *)arena_alloc((a), sizeof(T) * (size_t)(n)))

/* Growing arrays in an arena: VEC(struct item) v = {0}; vec_push(a, &v, item); v.at[i], v.n. */
#define VEC(T)                                                                                     \
    struct {                                                                                       \
        T *at;                                                                                     \
        size_t n, cap;                                                                             \
    }
#define vec_push(a, v, ...)                                                                        \
    do {                                                                                           \
        if ((v)->n == (v)->cap) {                                                                  \
            size_t cap_ = (v)->cap ? (v)->cap * 2 : 8;                                             \
            (v)->at =                                                                              \
                arena_grow((a), (v)->at, (v)->cap * sizeof(*(v)->at), cap_ * sizeof(*(v)->at));    \
            (v)->cap = cap_;                                                                       \
        }                                                                                          \
        (v)->at[(v)->n++] = (__VA_ARGS__);                                                         \
    } while (0)

#endif
