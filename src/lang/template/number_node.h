/* lang/template/number_node.h: number literals. Private to the room. Source: parse/node.go. */
#ifndef LANG_TEMPLATE_NUMBER_NODE_H
#define LANG_TEMPLATE_NUMBER_NODE_H

#include "lang/template/lex.h"
#include "lang/template/node.h"

/* Fill the node from its source. false: *ret_problem is Go's text. */
bool number_node_parse(struct node_number *n, enum lex_type type, struct arena *a,
                       str *ret_problem);

#endif
