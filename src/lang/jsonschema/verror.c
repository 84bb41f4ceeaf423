/* lang/jsonschema/verror.c: errors of validation: made, gathered, printed. */
#include <string.h>

#include "lang/jsonschema/check.h"

str check_pointer(struct arena *a, const struct path *p)
{
    size_t n = 0, i;
    for (const struct path *q = p; q; q = q->parent)
        n++;
    str *part = ARENA_ARRAY(a, str, 2 * n + 1);
    i = 2 * n;
    for (const struct path *q = p; q; q = q->parent) {
        part[--i] = pointer_escape(a, q->token);
        part[--i] = STR("/");
    }
    return arena_cat(a, part, 2 * n);
}

static struct verror silent_error;

struct verror *check_error(struct check *c, enum error_kind kind, str text)
{
    if (c->silent)
        return &silent_error;
    struct verror *e = ARENA_NEW(c->x->arena, struct verror);
    *e = (struct verror){.kind = kind, .at = check_pointer(c->x->arena, c->path), .text = text};
    return e;
}

void check_push(struct check *c, struct verror *e)
{
    if (!e)
        return;
    if (c->n_errors == c->cap_errors) {
        size_t cap = c->cap_errors ? c->cap_errors * 2 : 4;
        c->error = arena_grow(c->x->arena, c->error, c->n_errors * sizeof(struct verror *),
                              cap * sizeof(struct verror *));
        c->cap_errors = cap;
    }
    c->error[c->n_errors++] = e;
}

void verror_add(struct arena *a, struct verror *e, struct verror *cause)
{
    if (e->n_causes == e->cap_causes) {
        size_t cap = e->cap_causes ? e->cap_causes * 2 : 4;
        e->cause = arena_grow(a, e->cause, e->n_causes * sizeof(struct verror *),
                              cap * sizeof(struct verror *));
        e->cap_causes = cap;
    }
    e->cause[e->n_causes++] = cause;
}

void check_push_all(struct check *c, str text, const struct check *causes)
{
    struct verror *e = check_error(c, ERROR_PLAIN, text);
    for (size_t i = 0; !c->silent && i < causes->n_errors; i++)
        verror_add(c->x->arena, e, causes->error[i]);
    check_push(c, e);
}

void check_count(struct check *c, const char *keyword, size_t got, const struct bound *b,
                 bool at_most)
{
    if (!b->exists || (at_most ? (int64_t)got <= b->n : (int64_t)got >= b->n))
        return;
    CHECK_ADD(c, "%s: got %.*s, want %.*s", keyword, STR_FMT(shown_int(c->x->arena, (int64_t)got)),
              STR_FMT(shown_int(c->x->arena, b->n)));
}

static void print(struct buf *b, const struct verror *e, int indent)
{
    /* A reference with one cause is that cause. */
    if (e->kind != ERROR_REFERENCE || e->n_causes != 1) {
        buf_addc(b, '\n');
        buf_fill(b, ' ', 2 * (size_t)(indent - 1));
        buf_addz(b, "- at ");
        struct arena a;
        arena_init(&a, ARENA_BYTES_DEFAULT);
        buf_add(b, schema_quote(&a, e->at));
        arena_done(&a);
        buf_addz(b, ": ");
        buf_add(b, e->text);
        indent++;
    }
    for (size_t i = 0; i < e->n_causes; i++)
        print(b, e->cause[i], indent);
}

void verror_print(struct buf *b, const struct verror *e, int indent)
{
    for (size_t i = 0; i < e->n_causes; i++)
        print(b, e->cause[i], indent);
}
