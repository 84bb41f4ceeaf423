/* Values against compiled schemas. Follows upstream keyword by keyword: which error ends a schema
 * at once, which are collected, and which keywords count a property as evaluated, all show in what
 * the user reads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/jsonschema/schema.h"
#include "value/text.h"

/* Which members or items nothing has looked at yet; `left` in order of the value. */
struct unevaluated {
    bool *left;
    size_t n, n_left;
};

/* Schemas that are applied to the same value, innermost first: finds cycles. */
struct scope {
    const struct schema *s;
    const char *keyword; /* of a jump: "$ref"; NULL: below its parent */
    unsigned value_id;
    const struct scope *parent;
};

struct path { /* of the value, innermost first */
    str token;
    const struct path *parent;
};

struct check { /* one schema on one value */
    struct validation *x;
    const struct schema *s;
    value v;
    const struct path *path;
    struct scope scope;
    struct unevaluated left;
    struct verror **error;
    size_t n_errors, cap_errors;
    bool silent; /* only whether it is valid counts */
};

static struct verror *run(struct check *c);

/* ---- errors ---- */

static str pointer_of(struct arena *a, const struct path *p)
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

static struct verror *new_error(struct check *c, enum error_kind kind, str text)
{
    if (c->silent)
        return &silent_error;
    struct verror *e = ARENA_NEW(c->x->arena, struct verror);
    *e = (struct verror){.kind = kind, .at = pointer_of(c->x->arena, c->path), .text = text};
    return e;
}

static void push(struct check *c, struct verror *e)
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

static void add_cause(struct arena *a, struct verror *e, struct verror *cause)
{
    if (e->n_causes == e->cap_causes) {
        size_t cap = e->cap_causes ? e->cap_causes * 2 : 4;
        e->cause = arena_grow(a, e->cause, e->n_causes * sizeof(struct verror *),
                              cap * sizeof(struct verror *));
        e->cap_causes = cap;
    }
    e->cause[e->n_causes++] = cause;
}

#define TEXT(c, ...) ((c)->silent ? STR("") : arena_printf((c)->x->arena, __VA_ARGS__))
#define ADD(c, ...) push((c), new_error((c), ERROR_PLAIN, TEXT((c), __VA_ARGS__)))

static void add_with_causes(struct check *c, str text, const struct check *causes)
{
    struct verror *e = new_error(c, ERROR_PLAIN, text);
    for (size_t i = 0; !c->silent && i < causes->n_errors; i++)
        add_cause(c->x->arena, e, causes->error[i]);
    push(c, e);
}

static str quoted_list(struct arena *a, const str *at, size_t n)
{
    str all = STR("");
    for (size_t i = 0; i < n; i++)
        all = ARENA_CAT(a, all, i ? STR(", ") : STR(""), schema_quote(a, at[i]));
    return all;
}

static str number_text(struct arena *a, value v)
{
    str literal = value_literal(v);
    if (literal.len)
        return literal;
    char at[32];
    double d = value_double(v);
    if (value_type(v) == VALUE_INT)
        return arena_printf(a, "%lld", (long long)value_int(v));
    snprintf(at, sizeof(at), "%.17g", d);
    return arena_str(a, str_of(at));
}

static str display(struct arena *a, value v)
{
    if (value_is_string(v))
        return schema_quote(a, value_str(v));
    if (value_is_list(v) || value_is_map(v))
        return STR("value");
    if (value_type(v) == VALUE_BOOL)
        return value_bool(v) ? STR("true") : STR("false");
    return value_is_nil(v) ? STR("<nil>") : number_text(a, v);
}

/* ---- what is left to evaluate ---- */

static void left_begin(struct check *c, bool caller_needs)
{
    const struct schema *s = c->s;
    size_t from = 0;
    if (value_is_map(c->v)) {
        if (s->all_props_evaluated || (!caller_needs && !s->unevaluated_properties))
            return;
    } else if (value_is_list(c->v)) {
        from = s->n_items_evaluated;
        if (s->all_items_evaluated || (!caller_needs && !s->unevaluated_items))
            return;
    } else
        return;
    c->left.n = value_len(c->v);
    c->left.left = ARENA_ARRAY(c->x->arena, bool, c->left.n + 1);
    for (size_t i = from; i < c->left.n; i++) {
        c->left.left[i] = true;
        c->left.n_left++;
    }
}

static void left_drop(struct check *c, size_t i)
{
    if (i < c->left.n && c->left.left[i]) {
        c->left.left[i] = false;
        c->left.n_left--;
    }
}

static void left_merge(struct check *c, const struct unevaluated *other)
{
    for (size_t i = 0; i < c->left.n; i++)
        if (i >= other->n || !other->left[i])
            left_drop(c, i);
}

static void left_clear(struct check *c) { c->left.n = c->left.n_left = 0; }

/* ---- applying schemas ---- */

/* A part that follows another draft is checked by that draft's meta-schema. */
static const struct schema *switch_meta(struct check *c, const struct schema *s)
{
    struct validation *x = c->x;
    if (!x->meta || s != x->meta)
        return s;
    str at = pointer_of(x->arena, c->path);
    for (size_t i = 0; i < x->resources->n; i++)
        if (str_eq(x->resources->at[i]->ptr, at))
            return x->meta_of(x->meta_arg, x->resources->at[i]->draft);
    return s;
}

static struct verror *enter(struct check *below, const struct schema *s)
{
    struct validation *x = below->x;
    if (x->rc)
        return NULL;
    if (++x->steps > JSONSCHEMA_STEPS_MAX) {
        x->rc = err_set(x->err, ERR_TOO_LARGE,
                        "validating against the schema takes more than %llu steps",
                        (unsigned long long)JSONSCHEMA_STEPS_MAX);
        return NULL;
    }
    if (++x->depth > JSONSCHEMA_DEPTH_MAX) {
        x->rc = err_set(x->err, ERR_TOO_LARGE,
                        "schemas are applied inside each other more than %d "
                        "deep",
                        JSONSCHEMA_DEPTH_MAX);
        x->depth--;
        return NULL;
    }
    const struct schema *was = x->meta;
    below->s = switch_meta(below, s);
    if (x->meta && s == x->meta)
        x->meta = below->s;
    struct verror *e = run(below);
    x->meta = was;
    x->depth--;
    return e;
}

/* s on the same value. */
static struct verror *on_self(struct check *c, const struct schema *s, const char *keyword,
                              bool silent)
{
    struct check below = {.x = c->x, .s = s, .v = c->v, .path = c->path};
    below.scope = (struct scope){s, keyword, c->scope.value_id, &c->scope};
    below.silent = c->silent || silent;
    left_begin(&below, c->left.n_left > 0);
    struct verror *e = enter(&below, s);
    if (!e && !c->x->rc)
        left_merge(c, &below.left);
    return e;
}

static struct verror *on_child(struct check *c, const struct schema *s, value v, str token)
{
    struct path path = {token, c->path};
    struct check below = {.x = c->x, .s = s, .v = v, .path = &path, .silent = c->silent};
    below.scope = (struct scope){s, NULL, c->scope.value_id + 1, &c->scope};
    left_begin(&below, false);
    return enter(&below, s);
}

static str index_token(struct check *c, size_t i) { return arena_printf(c->x->arena, "%zu", i); }

static void collect(struct check *c, struct check *into, struct verror *e)
{
    (void)c;
    push(into, e);
}

/* ---- cycles ---- */

static const struct scope *find_cycle(const struct scope *sc)
{
    for (const struct scope *p = sc->parent; p && p->value_id == sc->value_id; p = p->parent)
        if (p->s == sc->s)
            return p;
    return NULL;
}

static str keyword_location(struct arena *a, const struct scope *sc)
{
    str all = STR("");
    for (; sc->parent; sc = sc->parent) {
        if (sc->keyword)
            all = ARENA_CAT(a, STR("/"), str_of(sc->keyword), all);
        else
            all = ARENA_CAT(a, str_from(sc->s->location, sc->parent->s->location.len), all);
    }
    return all;
}

/* ---- any value ---- */

static str type_list(struct arena *a, unsigned types)
{
    static const char *const names[] = {"null",   "boolean", "number", "integer",
                                        "string", "array",   "object"};
    str all = STR("");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (types & 1u << i)
            all = ARENA_CAT(a, all, all.len ? STR(" or ") : STR(""), str_of(names[i]));
    return all;
}

static bool type_matches(const struct check *c)
{
    unsigned t = type_of(c->v);
    struct decimal d;
    if (!c->s->types || (c->s->types & t))
        return true;
    return (c->s->types & TYPE_INTEGER) && t == TYPE_NUMBER && decimal_of(c->v, &d) &&
           decimal_is_integer(&d);
}

static bool is_one_of(value v, value list)
{
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (value_equal(v, it.val))
            return true;
    return false;
}

static str enum_text(struct check *c)
{
    struct arena *a = c->x->arena;
    str all = STR("");
    if (c->silent)
        return all;
    for (struct value_iter it = value_iter(c->s->enums); value_next(&it);) {
        if (value_is_list(it.val) || value_is_map(it.val))
            return STR("'enum' failed");
        all = ARENA_CAT(a, all, it.i ? STR(", ") : STR(""), display(a, it.val));
    }
    return ARENA_CAT(a,
                     value_len(c->s->enums) == 1 ? STR("value must be ")
                                                 : STR("value must be one of "),
                     all);
}

static struct verror *check_format(struct check *c)
{
    const struct schema *s = c->s;
    struct arena *a = c->x->arena;
    str why = STR("");
    if (!value_is_string(c->v))
        return NULL;
    if (s->format_regex) {
        struct err err;
        const void *program;
        if (!c->x->regexp->compile(value_str(c->v), a, &program, &err))
            return NULL;
        why = arena_str(a, err_str(&err));
    } else if (!s->format || s->format->check(a, value_str(c->v), &why))
        return NULL;
    return new_error(c, ERROR_PLAIN,
                     TEXT(c, "%.*s is not valid %s: %.*s", STR_FMT(display(a, c->v)),
                          s->format ? s->format->name : "regex", STR_FMT(why)));
}

/* The first of these to fail ends the schema. */
static struct verror *check_basics(struct check *c)
{
    const struct schema *s = c->s;
    struct arena *a = c->x->arena;
    if (!type_matches(c))
        return new_error(c, ERROR_PLAIN,
                         TEXT(c, "got %.*s, want %.*s", STR_FMT(type_list(a, type_of(c->v))),
                              STR_FMT(type_list(a, s->types))));
    if (value_exists(s->constant) && !value_equal(c->v, s->constant)) {
        if (value_is_list(s->constant) || value_is_map(s->constant))
            return new_error(c, ERROR_PLAIN, STR("'const' failed"));
        return new_error(c, ERROR_PLAIN,
                         TEXT(c, "value must be %.*s", STR_FMT(display(a, s->constant))));
    }
    if (value_exists(s->enums) && !is_one_of(c->v, s->enums))
        return new_error(c, ERROR_PLAIN, enum_text(c));
    return check_format(c);
}

static struct verror *check_reference(struct check *c, const struct schema *s, const char *keyword)
{
    struct verror *e = on_self(c, s, keyword, false);
    if (!e)
        return NULL;
    struct verror *ref = new_error(c, ERROR_REFERENCE, STR("validation failed"));
    if (c->silent)
        return ref;
    if (e->kind == ERROR_GROUP) {
        ref->cause = e->cause;
        ref->n_causes = ref->cap_causes = e->n_causes;
    } else
        add_cause(c->x->arena, ref, e);
    return ref;
}

/* ---- objects ---- */

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
        push(c, &silent_error);
    else if (because)
        ADD(c, "properties %.*s required, if %.*s exists",
            STR_FMT(quoted_list(a, missing.at, missing.n)), STR_FMT(schema_quote(a, *because)));
    else
        ADD(c, "missing %s %.*s", missing.n == 1 ? "property" : "properties",
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

struct member {
    str key;
    value v;
    size_t i;
};

static int compare_members(const void *a, const void *b)
{
    return str_cmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static struct member *members_of(struct check *c, size_t *ret_n)
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
        push(c, on_child(c, p, m->v, m->key));
    }
    for (size_t i = 0; i < s->patterns.n; i++)
        if (c->x->regexp->match(s->patterns.at[i].pattern, m->key)) {
            evaluated = true;
            push(c, on_child(c, s->patterns.at[i].schema, m->v, m->key));
        }
    if (evaluated || s->additional == ADDITIONAL_ABSENT)
        return evaluated;
    if (s->additional == ADDITIONAL_NO)
        vec_push(c->x->arena, io_refused, m->key);
    else if (s->additional == ADDITIONAL_SCHEMA)
        push(c, on_child(c, s->additional_schema, m->v, m->key));
    return true;
}

static void check_members(struct check *c)
{
    struct texts refused = {0};
    size_t n;
    struct member *m = members_of(c, &n);
    for (size_t i = 0; i < n && !c->x->rc && !(c->silent && c->n_errors); i++)
        if (check_member(c, &m[i], &refused))
            left_drop(c, m[i].i);
    if (refused.n)
        ADD(c, "additional properties %.*s not allowed",
            STR_FMT(quoted_list(c->x->arena, refused.at, refused.n)));
    const struct schema *names = c->s->property_names;
    for (size_t i = 0; names && i < n && !c->x->rc; i++) {
        struct check below = {.x = c->x,
                              .s = names,
                              .v = value_of_str(c->x->arena, m[i].key),
                              .silent = c->silent};
        below.scope = (struct scope){names, NULL, c->scope.value_id + 1, &c->scope};
        struct verror *e = enter(&below, names);
        if (!e)
            continue;
        struct verror *all = new_error(&below, ERROR_PLAIN,
                                       TEXT(c, "invalid propertyName %.*s",
                                            STR_FMT(schema_quote(c->x->arena, m[i].key))));
        if (!c->silent && e->kind == ERROR_GROUP) {
            all->cause = e->cause;
            all->n_causes = all->cap_causes = e->n_causes;
        } else if (!c->silent)
            add_cause(c->x->arena, all, e);
        push(c, all);
    }
}

static void check_dependencies(struct check *c, const struct dependencies *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct dependency *d = &l->at[i];
        if (!value_exists(value_get(c->v, d->name)))
            continue;
        if (d->schema)
            push(c, on_self(c, d->schema, NULL, false));
        else
            report_missing(c, d->needs, d->n, &d->name);
    }
}

static void check_count(struct check *c, const char *keyword, size_t got, const struct bound *b,
                        bool at_most)
{
    if (!b->exists || (at_most ? (int64_t)got <= b->n : (int64_t)got >= b->n))
        return;
    ADD(c, "%s: got %.*s, want %.*s", keyword, STR_FMT(shown_int(c->x->arena, (int64_t)got)),
        STR_FMT(shown_int(c->x->arena, b->n)));
}

static void check_object(struct check *c)
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
            push(c, on_self(c, s->dependent_schemas.at[i].schema, NULL, false));
    check_dependencies(c, &s->dependent_required);
}

/* ---- arrays ---- */

static void check_unique(struct check *c)
{
    size_t n = value_len(c->v);
    for (size_t i = 1; i < n; i++) {
        value vi = value_at(c->v, i);
        c->x->steps += i / 8;
        for (size_t j = 0; j < i; j++)
            if (value_equal(vi, value_at(c->v, j))) {
                ADD(c, "items at %.*s and %.*s are equal",
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
            push(c, on_child(c, s->items, value_at(c->v, i), index_token(c, i)));
        evaluated = n;
    } else if (s->items_list.exists) {
        evaluated = MIN_OF(n, s->items_list.n);
        for (size_t i = 0; i < evaluated; i++)
            push(c, on_child(c, s->items_list.at[i], value_at(c->v, i), index_token(c, i)));
    }
    if (s->additional_items == ADDITIONAL_NO && evaluated != n)
        ADD(c, "last %.*s additionalItem(s) not allowed",
            STR_FMT(shown_int(c->x->arena, (int64_t)(n - evaluated))));
    /* Upstream counts these items from 0 again. */
    for (size_t i = evaluated; s->additional_items == ADDITIONAL_SCHEMA && i < n && !c->x->rc; i++)
        push(c, on_child(c, s->additional_items_schema, value_at(c->v, i),
                         index_token(c, i - evaluated)));
}

static void check_items_2020(struct check *c)
{
    const struct schema *s = c->s;
    size_t n = value_len(c->v), evaluated = MIN_OF(n, s->prefix_items.n);
    for (size_t i = 0; i < evaluated; i++)
        push(c, on_child(c, s->prefix_items.at[i], value_at(c->v, i), index_token(c, i)));
    for (size_t i = evaluated; s->items_2020 && i < n && !c->x->rc; i++)
        push(c, on_child(c, s->items_2020, value_at(c->v, i), index_token(c, i - evaluated)));
}

static void check_contains(struct check *c)
{
    const struct schema *s = c->s;
    struct arena *a = c->x->arena;
    struct check errors = {.x = c->x};
    size_t n = value_len(c->v), matched = 0;
    str at = STR("");
    for (size_t i = 0; i < n && !c->x->rc; i++) {
        struct verror *e = on_child(c, s->contains, value_at(c->v, i), index_token(c, i));
        if (e) {
            collect(c, &errors, e);
            continue;
        }
        if (matched < 1000)
            at = ARENA_CAT(a, at, matched ? STR(" ") : STR(""), index_token(c, i));
        matched++;
        if (s->draft >= DRAFT_2020)
            left_drop(c, i);
    }
    str count = shown_int(a, (int64_t)matched);
    if (s->min_contains.exists) {
        str want = shown_int(a, s->min_contains.n);
        if ((int64_t)matched < s->min_contains.n)
            add_with_causes(
                c,
                matched ? TEXT(c,
                               "min %.*s items required to match contains schema, but matched "
                               "%.*s items at %.*s",
                               STR_FMT(want), STR_FMT(count), STR_FMT(at))
                        : TEXT(c,
                               "min %.*s items required to match contains schema, but none "
                               "matched",
                               STR_FMT(want)),
                &errors);
    } else if (!matched)
        add_with_causes(c, STR("no items match contains schema"), &errors);
    if (s->max_contains.exists && (int64_t)matched > s->max_contains.n)
        ADD(c, "max %.*s items required to match contains schema, but matched %.*s items at %.*s",
            STR_FMT(shown_int(a, s->max_contains.n)), STR_FMT(count), STR_FMT(at));
}

static void check_array(struct check *c)
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

/* ---- strings and numbers ---- */

static void check_string(struct check *c)
{
    const struct schema *s = c->s;
    str text = value_str(c->v);
    if (s->min_length.exists || s->max_length.exists) {
        size_t n = 0;
        uint32_t rune;
        for (const char *p = text.at, *end = text.at + text.len; p < end; n++)
            p += utf8_decode(p, end, &rune);
        check_count(c, "minLength", n, &s->min_length, false);
        check_count(c, "maxLength", n, &s->max_length, true);
    }
    if (s->pattern && !c->x->regexp->match(s->pattern, text))
        ADD(c, "%.*s does not match pattern %.*s", STR_FMT(schema_quote(c->x->arena, text)),
            STR_FMT(schema_quote(c->x->arena, s->pattern_text)));
}

static void report_limit(struct check *c, const char *keyword, const struct limit *l)
{
    ADD(c, "%s: got %.*s, want %.*s", keyword,
        STR_FMT(shown_number(c->x->arena, value_double(c->v))),
        STR_FMT(shown_number(c->x->arena, l->shown)));
}

static void check_number(struct check *c)
{
    const struct schema *s = c->s;
    struct decimal d;
    if (!decimal_of(c->v, &d))
        return;
    if (s->minimum.exists && decimal_compare(&d, &s->minimum.d) < 0)
        report_limit(c, "minimum", &s->minimum);
    if (s->maximum.exists && decimal_compare(&d, &s->maximum.d) > 0)
        report_limit(c, "maximum", &s->maximum);
    if (s->exclusive_minimum.exists && decimal_compare(&d, &s->exclusive_minimum.d) <= 0)
        report_limit(c, "exclusiveMinimum", &s->exclusive_minimum);
    if (s->exclusive_maximum.exists && decimal_compare(&d, &s->exclusive_maximum.d) >= 0)
        report_limit(c, "exclusiveMaximum", &s->exclusive_maximum);
    if (s->multiple_of.exists && !decimal_is_multiple(&d, &s->multiple_of.d))
        report_limit(c, "multipleOf", &s->multiple_of);
}

/* ---- combinations ---- */

static void check_dynamic(struct check *c)
{
    const struct schema *s = c->s, *target = s->recursive_ref;
    if (target) {
        if (target->recursive_anchor)
            for (const struct scope *sc = &c->scope; sc; sc = sc->parent)
                if (sc->s->resource && sc->s->resource->recursive_anchor)
                    target = sc->s;
        push(c, check_reference(c, target, "$recursiveRef"));
    }
    target = s->dynamic_ref;
    if (!target)
        return;
    if (s->dynamic_ref_anchor.len && str_eq(target->dynamic_anchor, s->dynamic_ref_anchor))
        for (const struct scope *sc = &c->scope; sc; sc = sc->parent)
            for (size_t i = 0; sc->s->resource && i < sc->s->resource->dynamic.n; i++)
                if (str_eq(sc->s->resource->dynamic.at[i].name, s->dynamic_ref_anchor))
                    target = sc->s->resource->dynamic.at[i].schema;
    push(c, check_reference(c, target, "$dynamicRef"));
}

static void check_all_of(struct check *c)
{
    struct check errors = {.x = c->x};
    for (size_t i = 0; i < c->s->all_of.n && !c->x->rc; i++) {
        struct verror *e = on_self(c, c->s->all_of.at[i], NULL, false);
        if (e)
            push(&errors, e);
        if (e && c->silent)
            break;
    }
    if (errors.n_errors)
        add_with_causes(c, STR("'allOf' failed"), &errors);
}

static void check_any_of(struct check *c)
{
    struct check errors = {.x = c->x};
    bool matched = false;
    for (size_t i = 0; i < c->s->any_of.n && !c->x->rc; i++) {
        struct verror *e = on_self(c, c->s->any_of.at[i], NULL, false);
        if (e) {
            push(&errors, e);
            continue;
        }
        matched = true;
        if (!c->left.n_left) /* what counts as evaluated needs all of them */
            break;
    }
    if (!matched)
        add_with_causes(c, STR("'anyOf' failed"), &errors);
}

static void check_one_of(struct check *c)
{
    struct check errors = {.x = c->x};
    ptrdiff_t matched = -1;
    for (size_t i = 0; i < c->s->one_of.n && !c->x->rc; i++) {
        struct verror *e = on_self(c, c->s->one_of.at[i], NULL, matched >= 0);
        if (e) {
            if (matched < 0)
                push(&errors, e);
            continue;
        }
        if (matched < 0) {
            matched = (ptrdiff_t)i;
            continue;
        }
        ADD(c, "'oneOf' failed, subschemas %.*s, %.*s matched",
            STR_FMT(shown_int(c->x->arena, matched)), STR_FMT(shown_int(c->x->arena, (int64_t)i)));
        break;
    }
    if (matched < 0)
        add_with_causes(c, STR("'oneOf' failed, none matched"), &errors);
}

static void check_conditions(struct check *c)
{
    const struct schema *s = c->s;
    if (s->not &&!on_self(c, s->not, NULL, true) && !c->x->rc)
        push(c, new_error(c, ERROR_PLAIN, STR("'not' failed")));
    if (s->all_of.n)
        check_all_of(c);
    if (s->any_of.n)
        check_any_of(c);
    if (s->one_of.n)
        check_one_of(c);
    if (!s->if_)
        return;
    const struct schema *next = on_self(c, s->if_, NULL, true) ? s->else_ : s->then_;
    if (next)
        push(c, on_self(c, next, NULL, false));
}

static void check_unevaluated(struct check *c)
{
    const struct schema *s = c->s;
    if (s->unevaluated_properties && value_is_map(c->v)) {
        size_t n;
        struct member *m = members_of(c, &n);
        for (size_t i = 0; i < n && !c->x->rc; i++)
            if (m[i].i < c->left.n && c->left.left[m[i].i])
                push(c, on_child(c, s->unevaluated_properties, m[i].v, m[i].key));
        left_clear(c);
    }
    if (s->unevaluated_items && value_is_list(c->v)) {
        for (size_t i = 0; i < c->left.n && !c->x->rc; i++)
            if (c->left.left[i])
                push(c, on_child(c, s->unevaluated_items, value_at(c->v, i), index_token(c, i)));
        left_clear(c);
    }
}

static void check_by_type(struct check *c)
{
    switch (type_of(c->v)) {
    case TYPE_OBJECT: check_object(c); return;
    case TYPE_ARRAY: check_array(c); return;
    case TYPE_STRING: check_string(c); return;
    case TYPE_NUMBER: check_number(c); return;
    default: return;
    }
}

static struct verror *result(struct check *c)
{
    if (c->n_errors <= 1)
        return c->n_errors ? c->error[0] : NULL;
    struct verror *all = new_error(c, ERROR_GROUP, STR("validation failed"));
    if (!c->silent) {
        all->cause = c->error;
        all->n_causes = all->cap_causes = c->n_errors;
    }
    return all;
}

static struct verror *run(struct check *c)
{
    const struct schema *s = c->s;
    if (s->is_bool)
        return s->allows ? NULL : new_error(c, ERROR_PLAIN, STR("false schema"));
    const struct scope *cycle = find_cycle(&c->scope);
    if (cycle) {
        struct arena *a = c->x->arena;
        return new_error(c, ERROR_PLAIN,
                         TEXT(c, "both %.*s and %.*s resolve to \"%.*s\" causing reference cycle",
                              STR_FMT(keyword_location(a, &c->scope)),
                              STR_FMT(keyword_location(a, cycle)), STR_FMT(s->location)));
    }
    struct verror *e = check_basics(c);
    if (e)
        return e;
    if (s->ref) {
        e = check_reference(c, s->ref, "$ref");
        if (s->draft < DRAFT_2019)
            return e;
        push(c, e);
    }
    check_by_type(c);
    if (!c->n_errors || !c->silent) {
        if (s->draft >= DRAFT_2019)
            check_dynamic(c);
        check_conditions(c);
        if (s->draft >= DRAFT_2019)
            check_unevaluated(c);
    }
    return c->x->rc ? NULL : result(c);
}

struct verror *schema_validate(struct validation *x, const struct schema *s, value v)
{
    struct check c = {.x = x, .s = s, .v = v, .scope = {s, NULL, 0, NULL}};
    left_begin(&c, false);
    struct verror *e = run(&c);
    if (x->rc || !e)
        return NULL;
    /* The root: a group's causes stand on the first level. */
    struct verror *root = ARENA_NEW(x->arena, struct verror);
    if (e->kind == ERROR_GROUP) {
        root->cause = e->cause;
        root->n_causes = e->n_causes;
    } else
        add_cause(x->arena, root, e);
    return root;
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

int jsonschema_validate(const struct jsonschema *s, value v, struct arena *a, str *ret_text,
                        struct err *err)
{
    struct validation x = {.arena = a, .regexp = s->regexp, .err = err};
    struct verror *e = schema_validate(&x, s->root, v);
    if (x.rc)
        return x.rc;
    if (!e)
        return 0;
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    verror_print(&b, e, 1);
    *ret_text = arena_str(a, str_trim_prefix(buf_str(&b), STR("\n")));
    return err_set(err, ERR_UNPROCESSABLE, "%.*s", STR_FMT(*ret_text));
}
