/* lang/jsonschema/check_combined.c: keywords that apply other schemas to the same value:
 * references, combinations, conditions, what nothing has evaluated. */
#include "lang/jsonschema/check.h"

struct verror *check_reference(struct check *c, const struct schema *s, const char *keyword)
{
    struct verror *e = check_self(c, s, keyword, false);
    if (!e)
        return NULL;
    struct verror *ref = check_error(c, ERROR_REFERENCE, STR("validation failed"));
    if (c->silent)
        return ref;
    if (e->kind == ERROR_GROUP) {
        ref->cause = e->cause;
        ref->n_causes = ref->cap_causes = e->n_causes;
    } else
        verror_add(c->x->arena, ref, e);
    return ref;
}

void check_dynamic(struct check *c)
{
    const struct schema *s = c->s, *target = s->recursive_ref;
    if (target) {
        if (target->recursive_anchor)
            for (const struct scope *sc = &c->scope; sc; sc = sc->parent)
                if (sc->s->resource && sc->s->resource->recursive_anchor)
                    target = sc->s;
        check_push(c, check_reference(c, target, "$recursiveRef"));
    }
    target = s->dynamic_ref;
    if (!target)
        return;
    if (s->dynamic_ref_anchor.len && str_eq(target->dynamic_anchor, s->dynamic_ref_anchor))
        for (const struct scope *sc = &c->scope; sc; sc = sc->parent)
            for (size_t i = 0; sc->s->resource && i < sc->s->resource->dynamic.n; i++)
                if (str_eq(sc->s->resource->dynamic.at[i].name, s->dynamic_ref_anchor))
                    target = sc->s->resource->dynamic.at[i].schema;
    check_push(c, check_reference(c, target, "$dynamicRef"));
}

static void check_all_of(struct check *c)
{
    struct check errors = {.x = c->x};
    for (size_t i = 0; i < c->s->all_of.n && !c->x->rc; i++) {
        struct verror *e = check_self(c, c->s->all_of.at[i], NULL, false);
        if (e)
            check_push(&errors, e);
        if (e && c->silent)
            break;
    }
    if (errors.n_errors)
        check_push_all(c, STR("'allOf' failed"), &errors);
}

static void check_any_of(struct check *c)
{
    struct check errors = {.x = c->x};
    bool matched = false;
    for (size_t i = 0; i < c->s->any_of.n && !c->x->rc; i++) {
        struct verror *e = check_self(c, c->s->any_of.at[i], NULL, false);
        if (e) {
            check_push(&errors, e);
            continue;
        }
        matched = true;
        if (!c->left.n_left) /* what counts as evaluated needs all of them */
            break;
    }
    if (!matched)
        check_push_all(c, STR("'anyOf' failed"), &errors);
}

static void check_one_of(struct check *c)
{
    struct check errors = {.x = c->x};
    ptrdiff_t matched = -1;
    for (size_t i = 0; i < c->s->one_of.n && !c->x->rc; i++) {
        struct verror *e = check_self(c, c->s->one_of.at[i], NULL, matched >= 0);
        if (e) {
            if (matched < 0)
                check_push(&errors, e);
            continue;
        }
        if (matched < 0) {
            matched = (ptrdiff_t)i;
            continue;
        }
        CHECK_ADD(c, "'oneOf' failed, subschemas %.*s, %.*s matched",
                  STR_FMT(shown_int(c->x->arena, matched)),
                  STR_FMT(shown_int(c->x->arena, (int64_t)i)));
        break;
    }
    if (matched < 0)
        check_push_all(c, STR("'oneOf' failed, none matched"), &errors);
}

void check_conditions(struct check *c)
{
    const struct schema *s = c->s;
    if (s->not &&!check_self(c, s->not, NULL, true) && !c->x->rc)
        check_push(c, check_error(c, ERROR_PLAIN, STR("'not' failed")));
    if (s->all_of.n)
        check_all_of(c);
    if (s->any_of.n)
        check_any_of(c);
    if (s->one_of.n)
        check_one_of(c);
    if (!s->if_)
        return;
    const struct schema *next = check_self(c, s->if_, NULL, true) ? s->else_ : s->then_;
    if (next)
        check_push(c, check_self(c, next, NULL, false));
}

void check_unevaluated(struct check *c)
{
    const struct schema *s = c->s;
    if (s->unevaluated_properties && value_is_map(c->v)) {
        size_t n;
        struct member *m = check_members_of(c, &n);
        for (size_t i = 0; i < n && !c->x->rc; i++)
            if (m[i].i < c->left.n && c->left.left[m[i].i])
                check_push(c, check_child(c, s->unevaluated_properties, m[i].v, m[i].key));
        check_all_evaluated(c);
    }
    if (s->unevaluated_items && value_is_list(c->v)) {
        for (size_t i = 0; i < c->left.n && !c->x->rc; i++)
            if (c->left.left[i])
                check_push(c, check_child(c, s->unevaluated_items, value_at(c->v, i),
                                          check_index_token(c, i)));
        check_all_evaluated(c);
    }
}
