/* lang/template/func/list.c: lists; every function makes a new one. Source: Sprig 3.3 list.go. */
#include <math.h>

#include "lang/template/func/cast.h"
#include "lang/template/func/rows.h"
#include "lang/template/types.h"

/* Fails for what is no list; `what` is put before its kind. */
static int must_be_list(struct template_call *c, tval v, const char *what)
{
    if (!v.type)
        return template_fail(c, "runtime error: invalid memory address or nil pointer dereference");
    if (v.type->kind != TEMPLATE_SLICE)
        return template_fail(c, "%s %s", what, kind_name(v.type->kind));
    int rc = template_charge(c, template_len(v) / 4 + 1);
    return rc ? rc : template_room(c, (template_len(v) + 1) * sizeof(tval));
}

/* A []interface{} being made: room for all of it is taken at the beginning. */
struct maker {
    struct arena *arena;
    tval *item;
    size_t n;
};

static int begin(struct template_call *c, struct maker *m, size_t n_max)
{
    int rc = template_room(c, (n_max + 1) * sizeof(tval));
    if (!rc)
        *m = (struct maker){c->arena, ARENA_ARRAY(c->arena, tval, n_max), 0};
    return rc;
}

static void add(struct maker *m, tval v) { m->item[m->n++] = template_unwrap(v); }

static void add_range(struct maker *m, tval list, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        add(m, template_at(list, i));
}

static int give(struct maker *m, tval *ret)
{
    *ret = template_list(m->arena, &TEMPLATE_T_LIST, m->item, m->n);
    return 0;
}

int func_list(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct maker m = {0};
    int rc = begin(c, &m, n);
    for (size_t i = 0; !rc && i < n; i++)
        add(&m, arg[i]);
    return rc ? rc : give(&m, ret);
}

#define APPEND_CAP_MIN 4

/* Elements never change, so the new list may share the old one's array as long as no other list has
 * gone on behind it: appending in a loop takes linear time. */
int func_push(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct maker m = {0};
    tval old = arg[0];
    size_t len = template_len(old);
    if (old.type == &TEMPLATE_T_LIST && old.list && old.list->used && *old.list->used == len &&
        len < old.list->cap) {
        struct template_list *l = arena_copy(c->arena, old.list, sizeof *l);
        tval *item = (tval *)(uintptr_t)l->item;
        item[len] = arg[1];
        ++*l->used;
        l->n++;
        *ret = (tval){.type = &TEMPLATE_T_LIST, .list = l};
        return template_charge(c, 1);
    }
    int rc = must_be_list(c, old, "Cannot push on type");
    size_t cap = MAX_OF(len * 2, APPEND_CAP_MIN);
    if (!rc)
        rc = begin(c, &m, cap);
    if (rc)
        return rc;
    add_range(&m, old, 0, len);
    add(&m, arg[1]);
    give(&m, ret);
    struct template_list *l = (struct template_list *)(uintptr_t)ret->list;
    l->cap = cap;
    l->used = ARENA_NEW(c->arena, size_t);
    *l->used = len + 1;
    return 0;
}

int func_prepend(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct maker m = {0};
    int rc = must_be_list(c, arg[0], "Cannot prepend on type");
    if (!rc)
        rc = begin(c, &m, template_len(arg[0]) + 1);
    if (rc)
        return rc;
    add(&m, arg[1]);
    add_range(&m, arg[0], 0, template_len(arg[0]));
    return give(&m, ret);
}

int func_first(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    int rc = must_be_list(c, arg[0], "Cannot find first on type");
    if (!rc && template_len(arg[0]))
        *ret = template_unwrap(template_at(arg[0], 0));
    return rc;
}

int func_last(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    int rc = must_be_list(c, arg[0], "Cannot find last on type");
    if (!rc && template_len(arg[0]))
        *ret = template_unwrap(template_at(arg[0], template_len(arg[0]) - 1));
    return rc;
}

static const tval NIL_LIST = {.type = &TEMPLATE_T_LIST};

int func_rest(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct maker m = {0};
    int rc = must_be_list(c, arg[0], "Cannot find rest on type");
    *ret = NIL_LIST;
    if (rc || !template_len(arg[0]))
        return rc;
    rc = begin(c, &m, template_len(arg[0]));
    if (rc)
        return rc;
    add_range(&m, arg[0], 1, template_len(arg[0]));
    return give(&m, ret);
}

int func_initial(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct maker m = {0};
    int rc = must_be_list(c, arg[0], "Cannot find initial on type");
    *ret = NIL_LIST;
    if (rc || !template_len(arg[0]))
        return rc;
    rc = begin(c, &m, template_len(arg[0]));
    if (rc)
        return rc;
    add_range(&m, arg[0], 0, template_len(arg[0]) - 1);
    return give(&m, ret);
}

int func_reverse(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct maker m = {0};
    int rc = must_be_list(c, arg[0], "Cannot find reverse on type");
    if (!rc)
        rc = begin(c, &m, template_len(arg[0]));
    if (rc)
        return rc;
    for (size_t i = template_len(arg[0]); i > 0; i--)
        add(&m, template_at(arg[0], i - 1));
    return give(&m, ret);
}

int func_compact(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct maker m = {0};
    int rc = must_be_list(c, arg[0], "Cannot compact on type");
    if (!rc)
        rc = begin(c, &m, template_len(arg[0]));
    if (rc)
        return rc;
    for (size_t i = 0; i < template_len(arg[0]); i++)
        if (!func_is_empty(template_at(arg[0], i)))
            add(&m, template_at(arg[0], i));
    return give(&m, ret);
}

static bool is_in(const tval *item, size_t n, tval v)
{
    for (size_t i = 0; i < n; i++)
        if (template_deep_equal(item[i], v))
            return true;
    return false;
}

int func_uniq(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct maker m = {0};
    int rc = must_be_list(c, arg[0], "Cannot find uniq on type");
    if (!rc)
        rc = begin(c, &m, template_len(arg[0]));
    for (size_t i = 0; !rc && i < template_len(arg[0]); i++) {
        tval v = template_at(arg[0], i);
        rc = template_charge(c, m.n);
        if (!is_in(m.item, m.n, v))
            add(&m, v);
    }
    return rc ? rc : give(&m, ret);
}

int func_without(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct maker m = {0};
    int rc = must_be_list(c, arg[0], "Cannot find without on type");
    if (!rc)
        rc = begin(c, &m, template_len(arg[0]));
    for (size_t i = 0; !rc && i < template_len(arg[0]); i++) {
        tval v = template_at(arg[0], i);
        rc = template_charge(c, n);
        if (!is_in(arg + 1, n - 1, v))
            add(&m, v);
    }
    return rc ? rc : give(&m, ret);
}

int func_has(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    bool found = false;
    *ret = template_bool(false);
    if (!arg[1].type)
        return 0;
    int rc = must_be_list(c, arg[1], "Cannot find has on type");
    for (size_t i = 0; !rc && !found && i < template_len(arg[1]); i++)
        found = template_deep_equal(arg[0], template_at(arg[1], i));
    *ret = template_bool(found);
    return rc;
}

/* The list's own type stays. */
int func_slice(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    tval v = arg[0];
    int rc = must_be_list(c, v, "list should be type of slice or array but");
    int64_t len = (int64_t)template_len(v), from = n > 1 ? cast_int(arg[1]) : 0;
    int64_t to = n > 2 ? cast_int(arg[2]) : len;
    if (rc || !len)
        return rc;
    if (from < 0 || to < from || to > len)
        return template_fail(c, "reflect.Value.Slice: slice index out of bounds");
    *ret = v;
    if (type_is_bytes(v.type)) {
        ret->text += from;
        ret->len = (uint32_t)(to - from);
        return 0;
    }
    tval *item = ARENA_ARRAY(c->arena, tval, to - from);
    for (int64_t i = from; i < to; i++) {
        item[i - from] = template_at(v, (size_t)i);
        item[i - from] = template_unwrap(item[i - from]);
    }
    *ret = template_list(c->arena, v.type, item, (size_t)(to - from));
    return 0;
}

/* How many chunks Go's floating-point arithmetic wants; a size below 1 ends in its panic, or in
 * none at all. */
static int count_chunks(struct template_call *c, int64_t size, size_t len, size_t *ret)
{
    double n = size ? floor(((double)len - 1) / (double)size) + 1 : -1;
    if (n < 0 || (n > 0 && size < 0))
        return template_fail(c, "runtime error: makeslice: len out of range");
    *ret = (size_t)n;
    return 0;
}

int func_chunk(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    size_t len = template_len(arg[1]), n_chunks = 0;
    int rc = must_be_list(c, arg[1], "Cannot chunk type");
    if (!rc)
        rc = count_chunks(c, arg[0].i, len, &n_chunks);
    if (rc)
        return rc;
    tval *chunk = ARENA_ARRAY(c->arena, tval, n_chunks);
    for (size_t i = 0; i < n_chunks; i++) {
        struct maker m = {0};
        size_t from = i * (size_t)arg[0].i, upto = MIN_OF(len - from, (size_t)arg[0].i) + from;
        rc = begin(c, &m, upto - from);
        if (rc)
            return rc;
        add_range(&m, arg[1], from, upto);
        give(&m, &chunk[i]);
    }
    *ret = template_list(c->arena, &TEMPLATE_T_LIST_LIST, chunk, n_chunks);
    return 0;
}

int func_concat(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct maker m = {0};
    size_t total = 0;
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        if (arg[i].type && arg[i].type->kind != TEMPLATE_SLICE)
            return template_fail(c, "Cannot concat type %s as list", kind_name(arg[i].type->kind));
        rc = must_be_list(c, arg[i], "Cannot concat type");
        total += template_len(arg[i]);
    }
    *ret = NIL_LIST;
    if (!rc && total)
        rc = begin(c, &m, total);
    if (rc || !total)
        return rc;
    for (size_t i = 0; i < n; i++)
        add_range(&m, arg[i], 0, template_len(arg[i]));
    return give(&m, ret);
}
