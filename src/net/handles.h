/* net/handles.h: a table of things that outsiders name by (slot, generation), never by pointer.
 *
 * A name stays valid until handles_give() and is refused for ever after, also when its place is
 * used again: a generation comes back only after 2^32 uses of one place. Generation 0 names
 * nothing. Private to net/, one thread. */
#ifndef NET_HANDLES_H
#define NET_HANDLES_H

#include <stddef.h>
#include <stdint.h>

struct handle {
    uint32_t slot, gen;
};

struct handles_place {
    void *thing; /* NULL: free */
    uint32_t gen, next_free;
};

struct handles {
    struct handles_place *at;
    size_t n;
    uint32_t free; /* index + 1; 0: none */
};

struct handle handles_take(struct handles *s, void *thing);
/* NULL when the name is stale. */
void *handles_find(const struct handles *s, struct handle name);
void handles_give(struct handles *s, struct handle name); /* nothing when it is stale */
void handles_done(struct handles *s);

#endif
