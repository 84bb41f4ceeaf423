/* lang/jsonschema/validate.c: values against compiled schemas. Follows upstream keyword by keyword:
 * which error ends a schema at once, which are collected, and which keywords count a property as
 * evaluated, all show in what the user reads. */
#include "lang/jsonschema/check.h"

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

void check_evaluated(struct check *c, size_t i)
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
            check_evaluated(c, i);
}

void check_all_evaluated(struct check *c) { c->left.n = c->left.n_left = 0; }

/* ---- applying schemas ---- */

/* A part that follows another draft is checked by that draft's meta-schema. */
static const struct schema *switch_meta(struct check *c, const struct schema *s)
{
    struct validation *x = c->x;
    if (!x->meta || s != x->meta)
        return s;
    str at = check_pointer(x->arena, c->path);
    for (size_t i = 0; i < x->resources->n; i++)
        if (str_eq(x->resources->at[i]->ptr, at))
            return x->meta_of(x->meta_arg, x->resources->at[i]->draft);
    return s;
}

static struct verror *run(struct check *c);

struct verror *check_enter(struct check *below, const struct schema *s)
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
struct verror *check_self(struct check *c, const struct schema *s, const char *keyword, bool silent)
{
    struct check below = {.x = c->x, .s = s, .v = c->v, .path = c->path};
    below.scope = (struct scope){s, keyword, c->scope.value_id, &c->scope};
    below.silent = c->silent || silent;
    left_begin(&below, c->left.n_left > 0);
    struct verror *e = check_enter(&below, s);
    if (!e && !c->x->rc)
        left_merge(c, &below.left);
    return e;
}

struct verror *check_child(struct check *c, const struct schema *s, value v, str token)
{
    struct path path = {token, c->path};
    struct check below = {.x = c->x, .s = s, .v = v, .path = &path, .silent = c->silent};
    below.scope = (struct scope){s, NULL, c->scope.value_id + 1, &c->scope};
    left_begin(&below, false);
    return check_enter(&below, s);
}

/* ---- one schema on one value ---- */

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
    struct verror *all = check_error(c, ERROR_GROUP, STR("validation failed"));
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
        return s->allows ? NULL : check_error(c, ERROR_PLAIN, STR("false schema"));
    const struct scope *cycle = find_cycle(&c->scope);
    if (cycle) {
        struct arena *a = c->x->arena;
        return check_error(
            c, ERROR_PLAIN,
            CHECK_TEXT(c, "both %.*s and %.*s resolve to \"%.*s\" causing reference cycle",
                       STR_FMT(keyword_location(a, &c->scope)), STR_FMT(keyword_location(a, cycle)),
                       STR_FMT(s->location)));
    }
    struct verror *e = check_basics(c);
    if (e)
        return e;
    if (s->ref) {
        e = check_reference(c, s->ref, "$ref");
        if (s->draft < DRAFT_2019)
            return e;
        check_push(c, e);
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
        verror_add(x->arena, root, e);
    return root;
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
