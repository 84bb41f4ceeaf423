/* lang/jsonschema/check_array.c: keywords for arrays. */
#include "lang/jsonschema/check.h"

str check_index_token(struct check *c, size_t i) { return arena_printf(c->x->arena, "%zu", i); }

static void check_unique(struct check *c)
{
    size_t n = value_len(c->v);
    for (size_t i = 1; i < n; i++) {
        value vi = value_at(c->v, i);
        c->x->steps += i / 8;
        for (size_t j = 0; j < i; j++)
            if (value_equal(vi, value_at(c->v, j))) {
                CHECK_ADD(c, "items at %.*s and %.*s are equal",
                          STR_FMT(shown_int(c->x->arena, (int64_t)j)),
                          STR_FMT(shown_int(c->x->arena, (int64_t)i)));
                return;
            }
        if (c->x->steps > JSONSCHEMA_STEPS_MAX)
            return; /* the next schema applied says so */
    }
}

static void check_items_before_2020(struct check *c)
{
    const struct schema *s = c->s;
    size_t n = value_len(c->v), evaluated = 0;
    if (s->items) {
        for (size_t i = 0; i < n && !c->x->rc; i++)
            check_push(c, check_child(c, s->items, value_at(c->v, i), check_index_token(c, i)));
        evaluated = n;
    } else if (s->items_list.exists) {
        evaluated = MIN_OF(n, s->items_list.n);
        for (size_t i = 0; i < evaluated; i++)
            check_push(c, check_child(c, s->items_list.at[i], value_at(c->v, i),
                                      check_index_token(c, i)));
    }
    if (s->additional_items == ADDITIONAL_NO && evaluated != n)
        CHECK_ADD(c, "last %.*s additionalItem(s) not allowed",
                  STR_FMT(shown_int(c->x->arena, (int64_t)(n - evaluated))));
    /* Upstream counts these items from 0 again. */
    for (size_t i = evaluated; s->additional_items == ADDITIONAL_SCHEMA && i < n && !c->x->rc; i++)
        check_push(c, check_child(c, s->additional_items_schema, value_at(c->v, i),
                                  check_index_token(c, i - evaluated)));
}

static void check_items_2020(struct check *c)
{
    const struct schema *s = c->s;
    size_t n = value_len(c->v), evaluated = MIN_OF(n, s->prefix_items.n);
    for (size_t i = 0; i < evaluated; i++)
        check_push(c, check_child(c, s->prefix_items.at[i], value_at(c->v, i),
                                  check_index_token(c, i)));
    for (size_t i = evaluated; s->items_2020 && i < n && !c->x->rc; i++)
        check_push(c, check_child(c, s->items_2020, value_at(c->v, i),
                                  check_index_token(c, i - evaluated)));
}

static void check_contains(struct check *c)
{
    const struct schema *s = c->s;
    struct arena *a = c->x->arena;
    struct check errors = {.x = c->x};
    size_t n = value_len(c->v), matched = 0;
    str at = STR("");
    for (size_t i = 0; i < n && !c->x->rc; i++) {
        struct verror *e = check_child(c, s->contains, value_at(c->v, i), check_index_token(c, i));
        if (e) {
            check_push(&errors, e);
            continue;
        }
        if (matched < 1000)
            at = ARENA_CAT(a, at, matched ? STR(" ") : STR(""), check_index_token(c, i));
        matched++;
        if (s->draft >= DRAFT_2020)
            check_evaluated(c, i);
    }
    str count = shown_int(a, (int64_t)matched);
    if (s->min_contains.exists) {
        str want = shown_int(a, s->min_contains.n);
        if ((int64_t)matched < s->min_contains.n)
            check_push_all(
                c,
                matched
                    ? CHECK_TEXT(c,
                                 "min %.*s items required to match contains schema, but matched "
                                 "%.*s items at %.*s",
                                 STR_FMT(want), STR_FMT(count), STR_FMT(at))
                    : CHECK_TEXT(c,
                                 "min %.*s items required to match contains schema, but none "
                                 "matched",
                                 STR_FMT(want)),
                &errors);
    } else if (!matched)
        check_push_all(c, STR("no items match contains schema"), &errors);
    if (s->max_contains.exists && (int64_t)matched > s->max_contains.n)
        CHECK_ADD(
            c, "max %.*s items required to match contains schema, but matched %.*s items at %.*s",
            STR_FMT(shown_int(a, s->max_contains.n)), STR_FMT(count), STR_FMT(at));
}

void check_array(struct check *c)
{
    const struct schema *s = c->s;
    check_count(c, "minItems", value_len(c->v), &s->min_items, false);
    check_count(c, "maxItems", value_len(c->v), &s->max_items, true);
    if (s->unique)
        check_unique(c);
    if (s->draft < DRAFT_2020)
        check_items_before_2020(c);
    else
        check_items_2020(c);
    if (s->contains)
        check_contains(c);
}
