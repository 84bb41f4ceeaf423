/* net/handles.c: see handles.h. */
#include "net/handles.h"

#include <stdlib.h>

#define HANDLES_FIRST 16

static void handles_grow(struct handles *s)
{
    size_t n = s->n ? s->n * 2 : HANDLES_FIRST;
    s->at = realloc(s->at, n * sizeof(*s->at));
    if (!s->at)
        abort();
    for (size_t i = s->n; i < n; i++)
        s->at[i] = (struct handles_place){NULL, 1, i + 1 < n ? (uint32_t)i + 2 : 0};
    s->free = (uint32_t)s->n + 1;
    s->n = n;
}

struct handle handles_take(struct handles *s, void *thing)
{
    if (!s->free)
        handles_grow(s);
    uint32_t i = s->free - 1;
    s->free = s->at[i].next_free;
    s->at[i].thing = thing;
    return (struct handle){i, s->at[i].gen};
}

void *handles_find(const struct handles *s, struct handle name)
{
    return name.gen && name.slot < s->n && s->at[name.slot].gen == name.gen ? s->at[name.slot].thing
                                                                            : NULL;
}

void handles_give(struct handles *s, struct handle name)
{
    if (!handles_find(s, name))
        return;
    struct handles_place *p = &s->at[name.slot];
    p->thing = NULL;
    if (++p->gen == 0)
        p->gen = 1;
    p->next_free = s->free;
    s->free = name.slot + 1;
}

void handles_done(struct handles *s)
{
    free(s->at);
    *s = (struct handles){0};
}
