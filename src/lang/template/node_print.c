/* lang/template/node_print.c: nodes as Go writes them in errors. */
#include "lang/template/node.h"
#include "lang/template/strconv.h"

static void print_names(const struct node_names *n, struct buf *out)
{
    for (size_t i = 0; i < n->n; i++) {
        if (i || n->head.type != NODE_VARIABLE)
            buf_addc(out, '.');
        buf_add(out, name_text(&n->name[i]));
    }
}

/* Inside a command or before a chain's fields a pipeline wears its parentheses. */
static void print_operand(const struct tnode *n, struct buf *out)
{
    bool is_pipe = n->type == NODE_PIPE;
    if (is_pipe)
        buf_addc(out, '(');
    node_print(n, out);
    if (is_pipe)
        buf_addc(out, ')');
}

static void print_command(const struct node_command *c, struct buf *out)
{
    for (size_t i = 0; i < c->n; i++) {
        if (i)
            buf_addc(out, ' ');
        print_operand(c->arg[i], out);
    }
}

static void print_pipe(const struct node_pipe *p, struct buf *out)
{
    for (size_t i = 0; i < p->n_decl; i++) {
        if (i)
            buf_addz(out, ", ");
        print_names(p->decl[i], out);
    }
    if (p->n_decl)
        buf_addz(out, p->head.mark ? " = " : " := ");
    for (size_t i = 0; i < p->n; i++) {
        if (i)
            buf_addz(out, " | ");
        print_command(p->cmd[i], out);
    }
}

static void print_branch(const struct node_branch *b, struct buf *out)
{
    buf_addz(out, b->head.type == NODE_IF     ? "{{if "
                  : b->head.type == NODE_WITH ? "{{with "
                                              : "{{range ");
    print_pipe(b->pipe, out);
    buf_addz(out, "}}");
    node_print(&b->list->head, out);
    if (b->else_list) {
        buf_addz(out, "{{else}}");
        node_print(&b->else_list->head, out);
    }
    buf_addz(out, "{{end}}");
}

static void print_template(const struct node_template *t, struct buf *out)
{
    buf_addz(out, "{{template ");
    strconv_quote(out, t->name, false);
    if (t->pipe) {
        buf_addc(out, ' ');
        print_pipe(t->pipe, out);
    }
    buf_addz(out, "}}");
}

void node_print(const struct tnode *n, struct buf *out)
{
    switch ((enum node_type)n->type) {
    case NODE_TEXT: buf_add(out, ((const struct node_text *)n)->text); break;
    case NODE_ACTION:
        buf_addz(out, "{{");
        print_pipe(((const struct node_action *)n)->pipe, out);
        buf_addz(out, "}}");
        break;
    case NODE_IF:
    case NODE_WITH:
    case NODE_RANGE: print_branch((const struct node_branch *)n, out); break;
    case NODE_TEMPLATE: print_template((const struct node_template *)n, out); break;
    case NODE_BREAK: buf_addz(out, "{{break}}"); break;
    case NODE_CONTINUE: buf_addz(out, "{{continue}}"); break;
    case NODE_END: buf_addz(out, "{{end}}"); break;
    case NODE_ELSE: buf_addz(out, "{{else}}"); break;
    case NODE_LIST: {
        const struct node_list *list = (const struct node_list *)n;
        for (size_t i = 0; i < list->n; i++)
            node_print(list->node[i], out);
        break;
    }
    case NODE_PIPE: print_pipe((const struct node_pipe *)n, out); break;
    case NODE_COMMAND: print_command((const struct node_command *)n, out); break;
    case NODE_CHAIN:
        print_operand(((const struct node_names *)n)->of, out);
        __attribute__((fallthrough));
    case NODE_FIELD:
    case NODE_VARIABLE: print_names((const struct node_names *)n, out); break;
    case NODE_IDENTIFIER: buf_addz(out, ((const struct node_identifier *)n)->func->name); break;
    case NODE_DOT: buf_addc(out, '.'); break;
    case NODE_NIL: buf_addz(out, "nil"); break;
    case NODE_BOOL:
    case NODE_NUMBER:
    case NODE_STRING: buf_add(out, ((const struct node_literal *)n)->source); break;
    }
}
