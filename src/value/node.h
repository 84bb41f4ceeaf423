/* value/node.h: a building node. Private to the room. Lives in an arena; containers grow there. */
#ifndef VALUE_NODE_H
#define VALUE_NODE_H

#include "value/value.h"

struct node_entry {
    str key;
    value val;
};

#define NODE_SENSITIVE 1
#define NODE_LINEAR_MAX 16 /* larger maps are found through `slot` */

struct node {
    uint8_t type, flags, style;
    struct value_pos pos;
    union {
        bool b;
        struct {
            union {
                int64_t i;
                uint64_t u;
                double d;
            };
            str literal;
        } number;
        struct {
            str text, tag;
        } s;
        struct {
            union {
                struct node_entry *entry; /* map */
                value *item;              /* list */
            };
            uint32_t n, cap;
            struct arena *arena; /* of slot */
            uint32_t *slot;      /* open addressing, entry index + 1 */
            uint32_t n_slots;    /* power of two */
            bool slot_valid;     /* false after a removal */
        } c;
    };
};

static inline struct node *node_of(value v) { return (struct node *)v.at; }

/* Index of the entry with that key, or -1. */
ptrdiff_t node_find(struct node *map, str key);

#endif
