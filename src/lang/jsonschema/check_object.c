/* lang/jsonschema/check_object.c: keywords for objects. */
#include <stdlib.h>

#include "lang/jsonschema/check.h"

static str quoted_list(struct arena *a, const str *at, size_t n)
{
    str all = STR("");
    for (size_t i = 0; i < n; i++)
        all = ARENA_CAT(a, all, i ? STR(", ") : STR(""), schema_quote(a, at[i]));
    return all;
}

static void report_missing(struct check *c, const str *wanted, size_t n, const str *because)
{
    struct arena *a = c->x->arena;
    struct texts missing = {0};
    for (size_t i = 0; i < n; i++)
        if (!value_exists(value_get(c->v, wanted[i])))
            vec_push(a, &missing, wanted[i]);
    if (!missing.n)
        return;
    if (c->silent)
        check_push(c, check_error(c, ERROR_PLAIN, STR("")));
    else if (because)
        CHECK_ADD(c, "properties %.*s required, if %.*s exists",
                  STR_FMT(quoted_list(a, missing.at, missing.n)),
                  STR_FMT(schema_quote(a, *because)));
    else
        CHECK_ADD(c, "missing %s %.*s", missing.n == 1 ? "property" : "properties",
                  STR_FMT(quoted_list(a, missing.at, missing.n)));
}

static struct schema *find_named(const struct named_schemas *l, str name)
{
    size_t from = 0, to = l->n;
    while (from < to) {
        size_t mid = (from + to) / 2;
        int d = str_cmp(l->at[mid].name, name);
        if (!d)
            return l->at[mid].schema;
        if (d < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return NULL;
}

static int compare_members(const void *a, const void *b)
{
    return str_cmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

struct member *check_members_of(struct check *c, size_t *ret_n)
{
    struct member *m = ARENA_ARRAY(c->x->arena, struct member, value_len(c->v) + 1);
    size_t n = 0;
    for (struct value_iter it = value_iter(c->v); value_next(&it);)
        m[n++] = (struct member){it.key, it.val, it.i};
    if (n)
        qsort(m, n, sizeof(*m), compare_members);
    *ret_n = n;
    return m;
}

/* true: a keyword has looked at it. */
static bool check_member(struct check *c, const struct member *m, struct texts *io_refused)
{
    const struct schema *s = c->s;
    bool evaluated = false;
    const struct schema *p = find_named(&s->properties, m->key);
    if (p) {
        evaluated = true;
        check_push(c, check_child(c, p, m->v, m->key));
    }
    for (size_t i = 0; i < s->patterns.n; i++)
        if (c->x->regexp->match(s->patterns.at[i].pattern, m->key)) {
            evaluated = true;
            check_push(c, check_child(c, s->patterns.at[i].schema, m->v, m->key));
        }
    if (evaluated || s->additional == ADDITIONAL_ABSENT)
        return evaluated;
    if (s->additional == ADDITIONAL_NO)
        vec_push(c->x->arena, io_refused, m->key);
    else if (s->additional == ADDITIONAL_SCHEMA)
        check_push(c, check_child(c, s->additional_schema, m->v, m->key));
    return true;
}

static void check_members(struct check *c)
{
    struct texts refused = {0};
    size_t n;
    struct member *m = check_members_of(c, &n);
    for (size_t i = 0; i < n && !c->x->rc && !(c->silent && c->n_errors); i++)
        if (check_member(c, &m[i], &refused))
            check_evaluated(c, m[i].i);
    if (refused.n)
        CHECK_ADD(c, "additional properties %.*s not allowed",
                  STR_FMT(quoted_list(c->x->arena, refused.at, refused.n)));
    const struct schema *names = c->s->property_names;
    for (size_t i = 0; names && i < n && !c->x->rc; i++) {
        struct check below = {.x = c->x,
                              .s = names,
                              .v = value_of_str(c->x->arena, m[i].key),
                              .silent = c->silent};
        below.scope = (struct scope){names, NULL, c->scope.value_id + 1, &c->scope};
        struct verror *e = check_enter(&below, names);
        if (!e)
            continue;
        struct verror *all = check_error(&below, ERROR_PLAIN,
                                         CHECK_TEXT(c, "invalid propertyName %.*s",
                                                    STR_FMT(schema_quote(c->x->arena, m[i].key))));
        if (!c->silent && e->kind == ERROR_GROUP) {
            all->cause = e->cause;
            all->n_causes = all->cap_causes = e->n_causes;
        } else if (!c->silent)
            verror_add(c->x->arena, all, e);
        check_push(c, all);
    }
}

static void check_dependencies(struct check *c, const struct dependencies *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct dependency *d = &l->at[i];
        if (!value_exists(value_get(c->v, d->name)))
            continue;
        if (d->schema)
            check_push(c, check_self(c, d->schema, NULL, false));
        else
            report_missing(c, d->needs, d->n, &d->name);
    }
}

void check_object(struct check *c)
{
    const struct schema *s = c->s;
    check_count(c, "minProperties", value_len(c->v), &s->min_properties, false);
    check_count(c, "maxProperties", value_len(c->v), &s->max_properties, true);
    report_missing(c, s->required.at, s->required.n, NULL);
    if (c->silent && c->n_errors)
        return;
    check_dependencies(c, &s->dependencies);
    check_members(c);
    for (size_t i = 0; i < s->dependent_schemas.n; i++)
        if (value_exists(value_get(c->v, s->dependent_schemas.at[i].name)))
            check_push(c, check_self(c, s->dependent_schemas.at[i].schema, NULL, false));
    check_dependencies(c, &s->dependent_required);
}
