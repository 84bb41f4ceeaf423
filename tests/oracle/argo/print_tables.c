/* tests/oracle/argo/print_tables.c: what our bind tables make of our kinds, as one JSON text:
 * {"crds": [...], "messages": {TYPE: {FIELD: {"number", "list", "map", "type"}}}}. Read by
 * tests/oracle/argo/compare. */
#include <stdio.h>

#include "argo/kinds.h"
#include "value/json.h"

struct printer {
    struct arena a;
    value messages;
};

static void add_table(struct printer *p, const struct bind_table *t);

static void add_field(struct printer *p, value message, const struct bind_field *f)
{
    value row = value_new_map(&p->a);
    value_setz(&p->a, row, "number", value_of_int(&p->a, f->number));
    bool direct = !(f->flags & BIND_WRAPPED);
    value_setz(&p->a, row, "list", value_of_bool(&p->a, direct && f->shape == BIND_LIST));
    value_setz(&p->a, row, "map", value_of_bool(&p->a, direct && f->shape == BIND_MAP));
    if (f->table)
        value_set_str(&p->a, row, "message", str_of(f->table->name));
    value_set(&p->a, message, str_of(f->name), row);
    if (f->table)
        add_table(p, f->table);
}

static void add_table(struct printer *p, const struct bind_table *t)
{
    if (value_exists(value_get(p->messages, str_of(t->name))))
        return;
    value message = value_new_map(&p->a);
    value_set(&p->a, p->messages, str_of(t->name), message);
    for (size_t i = 0; i < t->n_fields; i++)
        add_field(p, message, &t->field[i]);
}

int main(void)
{
    static const struct bind_kind *const kinds[] = {&argo_kind_application, &argo_kind_project,
                                                    &argo_kind_applicationset};
    struct printer p;
    arena_init(&p.a, ARENA_BYTES_DEFAULT);
    value root = value_new_map(&p.a), crds = value_edit_list(&p.a, root, STR("crds"));
    p.messages = value_edit_map(&p.a, root, STR("messages"));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        value_push(&p.a, crds, bind_crd(&p.a, kinds[i]));
        add_table(&p, kinds[i]->table);
    }
    str text = json_str(&p.a, root, AUDIENCE_WIRE, JSON_INDENT_2);
    printf("%.*s\n", STR_FMT(text));
    arena_done(&p.a);
    return 0;
}
