/* lang/template/node.h: parse trees of Go templates. Private to the room.
 *
 * Nodes live in the tree's arena and never change after parsing. `pos` is the byte offset that Go
 * gives the node: it decides the line and column in errors. A chart of a thousand templates keeps
 * all its trees and walks them at each render, so nodes are small and hold their lists in
 * themselves. Source: Go text/template/parse. */
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
    uint8_t mark; /* a pipe's: it assigns; an identifier's: enum builtin_mark */
    uint32_t pos;
};

enum builtin_mark { /* builtins that the evaluator treats on its own */
                    MARK_NONE,
                    MARK_AND,
                    MARK_OR,
                    MARK_CALL,
};

struct name { /* one part of a.b.c */
    const char *at;
    uint32_t len, hash; /* template_key_hash */
};
static inline str name_text(const struct name *n) { return str_mem(n->at, n->len); }

struct node_list {
    struct tnode head;
    size_t n;
    struct tnode *node[];
};

struct node_text {
    struct tnode head;
    str text;
};

struct node_pipe {
    struct tnode head; /* mark: "=", not ":=" */
    uint32_t n, n_decl;
    struct node_names **decl; /* of n_decl */
    struct node_command *cmd[];
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
    size_t n;
    struct tnode *arg[];
};

struct node_names { /* field (.a.b), variable ($x.a), chain ((pipe).a) */
    struct tnode head;
    size_t n;
    struct tnode *of;   /* of a chain */
    struct name name[]; /* of a variable the first one is "$x" */
};

struct node_identifier {
    struct tnode head;                /* mark: enum builtin_mark */
    const struct template_func *func; /* its name is the node's */
};

struct node_literal { /* bool, string, and the head of a number */
    struct tnode head;
    str source; /* as written */
    tval value; /* ideal value; "no value": none, the number overflows int */
};

struct node_number {
    struct node_literal literal;
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
