/* base/arena.c: a list of blocks, doubling from 4 KiB to 1 MiB; larger requests get a block of
 * their own. */
#include "base/arena.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#define GAP 16 /* between allocations, poisoned */
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define GAP 0
#endif

#define BLOCK_MIN ((size_t)4096)
#define BLOCK_MAX ((size_t)1 << 20)
#define ALIGN 16

struct arena_block {
    struct arena_block *next;
    size_t size; /* of the data behind the header */
    char data[] __attribute__((aligned(ALIGN)));
};

struct arena_hook {
    struct arena_hook *next;
    void (*fn)(void *arg);
    void *arg;
};

void arena_init(struct arena *a, size_t bytes_max) { *a = (struct arena){.bytes_max = bytes_max}; }

static NORETURN void full(struct arena *a, size_t wanted)
{
    if (a->on_full)
        a->on_full(a->on_full_arg, wanted);
    fprintf(stderr, "tiphys: arena bound of %zu bytes passed by a request for %zu\n", a->bytes_max,
            wanted);
    abort();
}

static void free_block(struct arena_block *b)
{
    UNPOISON(b->data, b->size);
    free(b);
}

static void run_hooks(struct arena *a)
{
    while (a->hook) {
        struct arena_hook *h = a->hook;
        a->hook = h->next;
        h->fn(h->arg);
    }
}

void arena_done(struct arena *a)
{
    run_hooks(a);
    while (a->block) {
        struct arena_block *b = a->block;
        a->block = b->next;
        free_block(b);
    }
    a->at = a->end = NULL;
    a->used_bytes = 0;
}

void arena_reset(struct arena *a)
{
    run_hooks(a);
    struct arena_block *keep = NULL;
    while (a->block) {
        struct arena_block *b = a->block;
        a->block = b->next;
        if (!keep && b->size <= BLOCK_MAX)
            keep = b;
        else
            free_block(b);
    }
    a->block = keep;
    a->at = a->end = NULL;
    a->used_bytes = 0;
    if (keep) {
        keep->next = NULL;
        a->at = keep->data;
        a->end = keep->data + keep->size;
        a->used_bytes = keep->size;
        POISON(keep->data, keep->size);
    }
}

static void add_block(struct arena *a, size_t at_least)
{
    size_t size = a->block ? a->block->size * 2 : BLOCK_MIN - sizeof(struct arena_block);
    size = MIN_OF(size, BLOCK_MAX);
#ifdef ARENA_MALLOC
    size = 0;
#endif
    size = MAX_OF(size, at_least);
    if (size > a->bytes_max - MIN_OF(a->used_bytes, a->bytes_max)) {
        size = at_least;
        if (size > a->bytes_max - MIN_OF(a->used_bytes, a->bytes_max))
            full(a, at_least);
    }
    struct arena_block *b = malloc(sizeof(*b) + size);
    if (!b)
        abort();
    b->size = size;
    b->next = a->block;
    a->block = b;
    a->used_bytes += size;
    a->at = b->data;
    a->end = b->data + size;
    POISON(b->data, size);
}

static size_t rounded(size_t size)
{
    return (MAX_OF(size, (size_t)1) + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 4)
        full(a, size);
    size_t take = rounded(size) + GAP;
#ifdef ARENA_MALLOC
    add_block(a, take);
#else
    if ((size_t)(a->end - a->at) < take)
        add_block(a, take);
#endif
    char *p = a->at;
    a->at += take;
    UNPOISON(p, size);
    memset(p, 0, size);
    return p;
}

void *arena_copy(struct arena *a, const void *from, size_t size)
{
    void *p = arena_alloc(a, size);
    if (size)
        memcpy(p, from, size);
    return p;
}

void *arena_grow(struct arena *a, void *old, size_t old_size, size_t new_size)
{
    assert(new_size >= old_size);
    size_t had = rounded(old_size) + GAP, want = rounded(new_size) + GAP;
    if (old && (char *)old + had == a->at && (size_t)(a->end - (char *)old) >= want) {
        a->at = (char *)old + want;
        UNPOISON(old, new_size);
        memset((char *)old + old_size, 0, new_size - old_size);
        return old;
    }
    void *p = arena_alloc(a, new_size);
    if (old && old_size)
        memcpy(p, old, old_size);
    return p;
}

str arena_str(struct arena *a, str s) { return (str){arena_cstr(a, s), s.len}; }

char *arena_cstr(struct arena *a, str s)
{
    char *p = arena_alloc(a, s.len + 1);
    if (s.len)
        memcpy(p, s.at, s.len);
    return p;
}

str arena_vprintf(struct arena *a, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    assert(n >= 0);
    char *p = arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, format, args);
    return (str){p, (size_t)n};
}

str arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str s = arena_vprintf(a, format, args);
    va_end(args);
    return s;
}

str arena_cat(struct arena *a, const str *part, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += part[i].len;
    char *p = arena_alloc(a, len + 1), *at = p;
    for (size_t i = 0; i < n; i++)
        if (part[i].len)
            at = mempcpy(at, part[i].at, part[i].len);
    return (str){p, len};
}

void arena_on_done(struct arena *a, void (*fn)(void *arg), void *arg)
{
    struct arena_hook *h = ARENA_NEW(a, struct arena_hook);
    *h = (struct arena_hook){a->hook, fn, arg};
    a->hook = h;
}

bool arena_is_hooked(const struct arena *a, void (*fn)(void *arg), const void *arg, size_t depth)
{
    for (const struct arena_hook *h = a->hook; h && depth > 0; h = h->next, depth--)
        if (h->fn == fn && h->arg == arg)
            return true;
    return false;
}
