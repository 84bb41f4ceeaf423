/* value/yaml/parse.h: what the grammar (parse.c) and the decoding of its nodes (decode.c) share.
 * Private to the room.
 *
 * Upstream works in three stages: parse all, decode all, convert to JSON; so an error of an earlier
 * stage hides those of later ones wherever they stand. Here all is one walk: errors of later stages
 * are kept (`decode`, `duplicates`, and in the tree what JSON cannot have) and the first of the
 * earliest stage is told at the end. */
#ifndef VALUE_YAML_PARSE_H
#define VALUE_YAML_PARSE_H

#include "base/map.h"
#include "value/yaml/resolve.h"
#include "value/yaml/scan.h"
#include "value/yaml/tree.h"
#include "value/yaml_node.h"

#define YAML_TAG_PREFIX "tag:yaml.org,2002:"

/* A node as the grammar delivers it. A scalar is not resolved yet: a key stays text. */
struct ynode {
    enum { SCALAR, SEQUENCE, MAPPING } kind;
    bool alias, implicit;
    str tag, text;
    struct yaml_mark mark;
    value v;               /* collections */
    struct yaml_scalar is; /* keys: what the text means */
    str zero;              /* mappings: the key that is 0.0 or -0.0 */
    struct map *seen;      /* mappings, when strict: kind and name of each key -> Go's text of it */
    struct yaml_node *node; /* when the tree is one of nodes */
    struct item *item;      /* sequences: what a merge asks of each item; NULL: nothing */
    size_t n_items;
};

struct item {
    str error; /* the first in decoding it */
    struct map *seen;
};

struct anchor {
    struct ynode node;
    uint64_t decodes; /* nodes that decoding it costs */
    size_t dup_from, dup_to;
    bool open; /* its node is still being read: */
    const struct ynode *building;
};

struct tag_rule {
    str handle, prefix;
};

/* Comments between the tokens that were looked at, which the next node takes. */
struct comments_at {
    struct yaml_comment_text head, line, foot;
    str stem; /* of the head, when it is that of the collection behind a dash */
    str document_head, document_foot;
};

struct parser {
    bool nodes;                   /* make nodes as yaml.v3 does, and no values */
    struct comments_at *comments; /* of nodes */
    struct yaml_scan s;
    struct arena *arena;
    bool strict;
    uint32_t line_base; /* added to positions of values */
    unsigned depth;
    size_t n_nodes;
    str bound; /* which bound of ours was passed, and where */
    VEC(struct tag_rule) rules;
    struct map anchors;
    uint64_t decodes, alias_decodes;
    str decode; /* first decoding error, with its "yaml: " */
    bool
        bad_keys; /* a key was met that JSON cannot have: its map holds the message, see decode.c */
    bool infinite; /* a number was met that JSON cannot have */
    VEC(str) duplicates;
};

void yaml_decode_error(struct parser *p, str text);
/* A bound was passed at that place: reading ends with -ERR_TOO_LARGE. The first is told. */
void yaml_past_bound(struct parser *p, struct yaml_mark at, const char *what, size_t max,
                     const char *unit);
value yaml_decoded(struct parser *p, struct ynode *n);

/* One more node was decoded: the budget of aliases is a ratio of these. */
bool yaml_is_past_budget(uint64_t decodes, uint64_t alias_decodes);
void yaml_check_budget(struct parser *p);
static inline void yaml_count_decode(struct parser *p)
{
    p->decodes++;
    if (p->alias_decodes > 100)
        yaml_check_budget(p);
}
bool yaml_parse_alias(struct parser *p, str name, struct yaml_mark mark, struct ynode *n);

/* A key is decoded before its value is looked at. */
void yaml_parsed_key(struct parser *p, struct ynode *key);
/* before: the decoding error there was before the value was read. */
void yaml_add_entry(struct parser *p, struct ynode *map, struct ynode *key, struct ynode *val,
                    str before);
/* before: the same, before the item was read. */
void yaml_add_item(struct parser *p, struct ynode *list, struct ynode *item, str before);

/* ---- trees of nodes (node.c) ---- */

void yaml_node_begin(struct parser *p, struct ynode *n);
void yaml_node_scalar(struct parser *p, struct ynode *n, char quote);
void yaml_node_alias(struct parser *p, struct ynode *n, str name);
/* What stands around the token at hand is the comment of n. */
void yaml_node_take_comments(struct parser *p, struct yaml_node *n);
/* The end of a collection was met. */
void yaml_node_end(struct parser *p, struct ynode *n);
/* An entry was added: a foot may belong to another part of the map. */
void yaml_node_move_foot(struct parser *p, struct yaml_node *map);
/* Comments that belong to tokens up to t are taken up. */
void yaml_node_unfold(struct parser *p, const struct yaml_token *t);
void yaml_node_split_stem(struct parser *p, size_t length);
void yaml_node_begin_document(struct parser *p);
void yaml_node_end_document(struct parser *p);

int yaml_take_in(str text, const struct yaml_input *in, uint32_t line_base, struct arena *a,
                 struct parser *ret, struct err *err) MUST_CHECK;
bool yaml_parse_document(struct parser *p, struct ynode *ret, bool *ret_any);
int yaml_syntax_error(const struct parser *p, const struct yaml_input *in, struct err *err);
/* A message with the file's name in front. */
int yaml_fail(const struct yaml_input *in, int kind, struct err *err, const char *text, int len);

/* The first number in the order of sorted keys that JSON cannot have, in words; empty: none. */
str yaml_bad_number(value v);
/* The first thing in the tree that JSON cannot have, in words; empty: there is none. */
str yaml_not_json(const struct parser *p, value root);

#endif
