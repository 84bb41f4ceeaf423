#include <stdlib.h>

#include "argo/application.h"

void app_conditions_add(struct app_conditions *c, enum app_condition_type type, str message)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->at[i].type == type && str_eq(c->at[i].message, message))
            return;
    if (c->n < APP_CONDITIONS_MAX)
        c->at[c->n++] = (struct app_condition){type, message};
}

bool app_conditions_have(const struct app_conditions *c, enum app_condition_type type)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->at[i].type == type)
            return true;
    return false;
}

static str condition_text(value condition, const char *key)
{
    return value_str(value_get(condition, str_of(key)));
}

value app_condition_value(struct arena *a, const struct app_condition *c, usec now)
{
    value v = value_new_map(a);
    value_set_str(a, v, "lastTransitionTime", time_str(a, now));
    value_set_str(a, v, "message", c->message);
    value_set_str(a, v, "type", app_condition_name(c->type));
    return v;
}

/* An old condition keeps its time when type and message are the same. */
static value condition_make(struct arena *a, value old, const struct app_condition *fresh, usec now)
{
    str name = app_condition_name(fresh->type);
    for (struct value_iter it = value_iter(old); value_next(&it);)
        if (str_eq(condition_text(it.val, "type"), name) &&
            str_eq(condition_text(it.val, "message"), fresh->message) &&
            condition_text(it.val, "lastTransitionTime").len)
            return it.val;
    return app_condition_value(a, fresh, now);
}

static int condition_cmp(const void *x, const void *y)
{
    static const char *const order[] = {"type", "message", "lastTransitionTime"};
    value v = *(const value *)x, w = *(const value *)y;
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        int c = str_cmp(condition_text(v, order[i]), condition_text(w, order[i]));
        if (c)
            return c;
    }
    return 0;
}

value app_conditions_merge(struct arena *a, value old, const struct app_conditions *fresh,
                           unsigned evaluated, usec now)
{
    VEC(value) all = {0};
    for (struct value_iter it = value_iter(old); value_next(&it);) {
        enum app_condition_type t = app_condition_parse(condition_text(it.val, "type"));
        if (t == APP_CONDITION_NONE || !(evaluated & APP_CONDITION_BIT(t)))
            vec_push(a, &all, it.val);
    }
    for (size_t i = 0; fresh && i < fresh->n; i++)
        vec_push(a, &all, condition_make(a, old, &fresh->at[i], now));
    if (!all.n)
        return VALUE_ABSENT;
    qsort(all.at, all.n, sizeof(*all.at), condition_cmp);
    value list = value_new_list(a);
    for (size_t i = 0; i < all.n; i++)
        value_push(a, list, all.at[i]);
    return list;
}

str app_conditions_text(struct arena *a, value conditions, unsigned types)
{
    str text = STR("");
    for (struct value_iter it = value_iter(conditions); value_next(&it);) {
        enum app_condition_type t = app_condition_parse(condition_text(it.val, "type"));
        if (t == APP_CONDITION_NONE || !(types & APP_CONDITION_BIT(t)))
            continue;
        text = ARENA_CAT(a, text, text.len ? STR(";") : STR(""), condition_text(it.val, "type"),
                         STR(": "), condition_text(it.val, "message"));
    }
    return text;
}
