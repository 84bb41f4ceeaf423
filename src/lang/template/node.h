/* lang/template/node.h: parse trees of Go templates. Private to the room.
 *
 * Nodes live in the tree's arena and never change after parsing. `pos` is the byte offset that Go
 * gives the node: it decides the line and column in errors. Source: Go text/template/parse. */
#ifndef LANG_TEMPLATE_NODE_H
#define LANG_TEMPLATE_NODE_H

#include "base/buf.h"
#include "lang/template.h"

enum node_type {
    NODE_TEXT,
    NODE_ACTION,
    NODE_IF,
    NODE_WITH,
    NODE_RANGE,
    NODE_TEMPLATE,
    NODE_BREAK,
    NODE_CONTINUE,
    NODE_END,
    NODE_ELSE,
    NODE_LIST,
    NODE_PIPE,
    NODE_COMMAND,
    NODE_FIELD,
    NODE_VARIABLE,
    NODE_CHAIN,
    NODE_IDENTIFIER,
    NODE_DOT,
    NODE_NIL,
    NODE_BOOL,
    NODE_NUMBER,
    NODE_STRING,
};

struct tnode {
    uint8_t type;
    uint32_t pos;
};

struct name { /* one part of a.b.c */
    str text;
    uint32_t hash; /* template_key_hash */
};

struct node_list {
    struct tnode head;
    struct tnode **node;
    size_t n;
};

struct node_text {
    struct tnode head;
    str text;
};

struct node_pipe {
    struct tnode head;
    bool is_assign;
    uint8_t n_decl;
    struct node_names *decl[2];
    struct node_command **cmd;
    size_t n;
};

struct node_action {
    struct tnode head;
    struct node_pipe *pipe;
};

struct node_branch { /* if, with, range */
    struct tnode head;
    struct node_pipe *pipe;
    struct node_list *list, *else_list; /* else_list may be NULL */
};

struct node_template {
    struct tnode head;
    str name;
    struct node_pipe *pipe; /* or NULL */
};

struct node_command {
    struct tnode head;
    struct tnode **arg;
    size_t n;
};

struct node_names { /* field (.a.b), variable ($x.a), chain ((pipe).a) */
    struct tnode head;
    struct name *name; /* of a variable the first one is "$x" */
    size_t n;
    struct tnode *of; /* of a chain */
};

struct node_identifier {
    struct tnode head;
    str name;
    const struct template_func *func;
    bool is_and, is_or, is_call; /* builtins that the evaluator treats on its own */
};

struct node_literal { /* bool, string, number */
    struct tnode head;
    str source; /* as written */
    tval value; /* ideal value; "no value": none, the number overflows int */
    bool is_int, is_uint, is_float, is_complex;
    int64_t i;
    uint64_t u;
    double f, imaginary;
};

struct template_body { /* one named template */
    str name;
    struct node_list *root;
    const struct template_tree *tree; /* the text it stands in */
    bool is_empty;
    struct template_body *next;
};

struct template_tree {
    str parse_name, text;
    struct template_body *body; /* definitions and the text's own, names once each */
};

/* Text of a node as Go prints it in errors and %s. */
void node_print(const struct tnode *n, struct buf *out);

#endif
