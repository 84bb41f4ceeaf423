/* value/yaml_node.h: YAML texts as kyaml sees them: trees of nodes that keep how they were written.
 *
 * What Kustomize holds between reading and writing: each scalar with its text, tag and quoting,
 * anchors and aliases, flow or block style, comments. Nodes live in the caller's arena and may be
 * changed by their owner; text is borrowed from the arena.
 *
 * Reading and resolution are those of yaml.v3 (YAML 1.2 booleans, both octals, timestamps, `<<`
 * under the keys beside it, duplicate keys refused), writing those of kyaml's encoder: two blanks,
 * lists of a map not indented, no folding. Bounds are those of value/yaml.h, and
 * YAML_COMMENTS_MAX.
 *
 * Source: sigs.k8s.io/kustomize/kyaml/yaml 0.21 over go.yaml.in/yaml/v3. */
#ifndef VALUE_YAML_NODE_H
#define VALUE_YAML_NODE_H

#include "value/style.h"
#include "value/yaml.h"

#define YAML_COMMENTS_MAX 100000 /* pieces of comments between two tokens; -ERR_TOO_LARGE */

enum yaml_node_kind { YAML_NODE_SCALAR, YAML_NODE_LIST, YAML_NODE_MAP, YAML_NODE_ALIAS };

/* Each with its #, several lines with "\n" between; empty: none. Which is whose is yaml.v3's (see
 * yaml/comment.c): of the entries of a map the key has the head and the foot, the value what stands
 * behind it. */
struct yaml_comments {
    str head, line, foot;
};

struct yaml_node {
    enum yaml_node_kind kind;
    unsigned style; /* VALUE_STYLE_ bits; a scalar without quoting is plain */
    str tag;        /* short: "!!str"; a plain scalar has the tag that it resolves to */
    str text;       /* of a scalar; of an alias its name */
    str anchor;
    struct yaml_comments *comments; /* NULL: none */
    struct yaml_node *alias;        /* what an alias stands for; NULL: it is inside of that */
    struct yaml_node **child;       /* items; keys and values in turn */
    size_t n_children, cap_children;
    uint32_t line, column; /* 1-based */
};

/* The first document of a text; NULL when there is none. -ERR_INVALID with yaml.v3's message. */
int yaml_node_parse(str text, const struct yaml_input *in, struct arena *a, struct yaml_node **ret,
                    struct err *err) MUST_CHECK;

/* The same with what stands around the root: the head of a text is the document's when an empty
 * line divides it from the root's, its foot what comes last. */
struct yaml_document {
    struct yaml_node *root;
    str head, foot;
};
int yaml_document_parse(str text, const struct yaml_input *in, struct arena *a,
                        struct yaml_document *ret, struct err *err) MUST_CHECK;

/* What the node is as JSON, decoded as yaml.v3 does into a map of strings (a list of anything for a
 * list). -ERR_INVALID: duplicate keys, keys that are no strings, numbers that JSON cannot have,
 * what is neither map nor list, with the libraries' messages. */
int yaml_node_value(const struct yaml_node *n, struct arena *a, value *ret,
                    struct err *err) MUST_CHECK;

/* ---- looking into trees and changing them ---- */

/* Index of the first key with that text (its value is behind it), or -1; of another node -1. */
ptrdiff_t yaml_node_find(const struct yaml_node *map, str key);
struct yaml_node *yaml_node_get(const struct yaml_node *map, str key); /* NULL: there is none */
void yaml_node_push(struct yaml_node *to, struct yaml_node *child, struct arena *a);
void yaml_node_remove(struct yaml_node *n, size_t at, size_t count);
/* Without tag, style and place. */
struct yaml_node *yaml_node_new(struct arena *a, enum yaml_node_kind kind, str text);
/* Of the whole tree; text is borrowed, aliases stand for what they stood for. NULL gives NULL. */
struct yaml_node *yaml_node_copy(const struct yaml_node *n, struct arena *a);

/* True when YAML 1.1 takes a plain text of one line for something else than text. */
bool yaml_node_reads_otherwise(str text, struct arena *a);

/* A tree of nodes for a value, as yaml.v3 marshals it: keys in its order. */
struct yaml_node *yaml_node_of(value v, struct arena *a);

void yaml_node_print(const struct yaml_node *n, struct arena *a, struct buf *out);
void yaml_document_print(const struct yaml_document *d, struct arena *a, struct buf *out);

#endif
