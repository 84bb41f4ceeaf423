/* value/yaml/node_text.h: how kyaml's encoder writes texts, indicators and comments. Private to the
 * room.
 *
 * What decides is where the output stands (column, whether a blank or only indentation was
 * written), so that state is kept as upstream keeps it. Comments wait in the writer until upstream
 * writes them, which may be behind a later node than their own. */
#ifndef VALUE_YAML_NODE_TEXT_H
#define VALUE_YAML_NODE_TEXT_H

#include "value/yaml/print.h"

struct node_writer {
    struct buf *out;
    struct arena *arena;
    int indent, column;
    unsigned flow_level;
    bool whitespace; /* the last character was a blank */
    bool indention;  /* only indentation and indicators stand on this line */
    bool in_map, simple_key;
    str head, line, foot, tail, key_line; /* comments that wait; tail: foot of the entry before */
    int foot_indent; /* a line that begins at this indentation has an empty one above; -1: none */
};

void yaml_node_put(struct node_writer *w, char c);
void yaml_node_put_break(struct node_writer *w);
/* A new line unless one was just begun, and the indentation. */
void yaml_node_indent(struct node_writer *w);
void yaml_node_indicator(struct node_writer *w, const char *text, bool need_blank, bool is_blank,
                         bool is_indention);
/* One level more; returns what the indentation was. */
int yaml_node_deeper(struct node_writer *w, bool flow, bool compact);

/* What a scalar may be written as. */
struct node_analysis {
    bool multiline, flow_plain, block_plain, single, block;
};
struct node_analysis yaml_node_analyze(struct arena *a, str s);
void yaml_node_put_scalar(struct node_writer *w, str s, const struct node_analysis *is,
                          enum yaml_quoting style, bool folded);

/* Comments that wait are written, if there are. */
void yaml_node_put_head(struct node_writer *w);
void yaml_node_put_line(struct node_writer *w);
void yaml_node_put_foot(struct node_writer *w);

#endif
