/* plan/jqpath_node.h: the tree of a compiled jq expression. Private to jqpath_parse.c, which makes
 * it, and jqpath.c, which runs it. Immutable, in the program's arena. */
#ifndef PLAN_JQPATH_NODE_H
#define PLAN_JQPATH_NODE_H

#include "plan/jqpath.h"

enum node_kind {
    NODE_IDENTITY,
    NODE_KEY,   /* text */
    NODE_INDEX, /* number */
    NODE_ITERATE,
    NODE_RECURSE,
    NODE_TRY,  /* x? */
    NODE_PIPE, /* x | y, and .a.b as a chain */
    NODE_COMMA,
    NODE_LITERAL,
    NODE_CALL,    /* text, x: argument or NULL */
    NODE_COMPARE, /* text: operator */
    NODE_AND,
    NODE_OR,
};

struct node {
    enum node_kind kind;
    str text;
    int64_t number;
    value literal;
    const struct node *x, *y;
};

struct jqpath {
    const struct node *root;
};

enum call_kind {
    CALL_SELECT,
    CALL_NOT,
    CALL_HAS,
    CALL_STARTSWITH,
    CALL_ENDSWITH,
    CALL_CONTAINS,
    CALL_LENGTH,
    CALL_TYPE,
    CALL_KEYS,
    CALL_TO_ENTRIES,
    CALL_EMPTY,
    CALL_NONE
};

#endif
