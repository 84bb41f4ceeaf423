/* lang/template/func/dict.c: maps. set, unset and merging change the map they are given.
 *
 * Source: Sprig 3.3 dict.go; mergo 1.0.1 (merge without and with overwriting); copystructure 1.2.
 */
#include "lang/semver.h"
#include "lang/template/func/rows.h"
#include "lang/template/map.h"
#include "lang/template/types.h"

int func_dict(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_map_new(c->arena, &TEMPLATE_T_MAP);
    for (size_t i = 0; i < n; i += 2)
        template_put(*ret, func_strval(c, arg[i]), i + 1 < n ? arg[i + 1] : template_strz(""));
    return 0;
}

int func_get(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    bool found;
    *ret = template_unwrap(template_get(arg[0], template_text(arg[1]), &found));
    if (!found)
        *ret = template_strz("");
    return 0;
}

int func_set(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    if (!arg[0].map)
        return template_fail(c, "assignment to entry in nil map");
    template_put(arg[0], template_text(arg[1]), arg[2]);
    *ret = arg[0];
    return 0;
}

int func_unset(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    template_drop(arg[0], template_text(arg[1]));
    *ret = arg[0];
    return 0;
}

int func_has_key(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    bool found;
    (void)template_get(arg[0], template_text(arg[1]), &found);
    *ret = template_bool(found);
    return 0;
}

int func_pluck(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    tval *item = ARENA_ARRAY(c->arena, tval, n);
    size_t n_found = 0;
    for (size_t i = 1; i < n; i++) {
        bool found;
        tval v = template_get(arg[i], template_text(arg[0]), &found);
        if (found)
            item[n_found++] = template_unwrap(v);
    }
    *ret = template_list(c->arena, &TEMPLATE_T_LIST, item, n_found);
    return 0;
}

/* Go's order is random; ours is that of the keys. */
int func_keys(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    VEC(str) keys = {0};
    for (size_t i = 0; i < n; i++) {
        size_t n_keys;
        const str *key = template_keys(arg[i], &n_keys);
        for (size_t k = 0; k < n_keys; k++)
            vec_push(c->arena, &keys, key[k]);
    }
    *ret = template_strings(c->arena, keys.at, keys.n);
    return template_charge(c, keys.n);
}

int func_values(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    size_t n_keys;
    const str *key = template_keys(arg[0], &n_keys);
    tval *item = ARENA_ARRAY(c->arena, tval, n_keys);
    for (size_t i = 0; i < n_keys; i++)
        item[i] = template_unwrap(template_get(arg[0], key[i], NULL));
    *ret = template_list(c->arena, &TEMPLATE_T_LIST, item, n_keys);
    return template_charge(c, n_keys);
}

int func_pick(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_map_new(c->arena, &TEMPLATE_T_MAP);
    for (size_t i = 1; i < n; i++) {
        bool found;
        tval v = template_get(arg[0], template_text(arg[i]), &found);
        if (found)
            template_put(*ret, template_text(arg[i]), v);
    }
    return 0;
}

static bool names(const tval *arg, size_t n, str key)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(template_text(arg[i]), key))
            return true;
    return false;
}

int func_omit(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    const struct template_map *m = map_of(arg[0]);
    *ret = template_map_new(c->arena, &TEMPLATE_T_MAP);
    for (size_t i = 0; m && i < m->n; i++)
        if (m->entry[i].live && !names(arg + 1, n - 1, m->entry[i].key))
            template_put(*ret, m->entry[i].key, m->entry[i].val);
    return template_charge(c, m ? m->n : 0);
}

/* ---- dig ---- */

static int must_convert(struct template_call *c, tval v, const struct template_type *t)
{
    v = template_unwrap(v);
    if (v.type == t)
        return 0;
    return template_fail(c, "interface conversion: interface {} is %s, not %s",
                         v.type ? v.type->name : "nil", t->name);
}

int func_dig(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    if (n < 3)
        return template_fail(c, "dig needs at least three arguments");
    tval at = arg[n - 1];
    int rc = must_convert(c, at, &TEMPLATE_T_MAP);
    for (size_t i = 0; !rc && i + 2 < n; i++)
        rc = must_convert(c, arg[i], &TEMPLATE_T_STRING);
    for (size_t i = 0; !rc && i + 2 < n; i++) {
        bool found;
        if (i)
            rc = must_convert(c, at, &TEMPLATE_T_MAP);
        if (rc)
            return rc;
        at = template_unwrap(template_get(at, template_text(arg[i]), &found));
        if (!found) {
            *ret = arg[n - 2];
            return 0;
        }
    }
    *ret = at;
    return rc;
}

/* ---- deepCopy ---- */

static int copy(struct template_call *c, tval v, unsigned depth, tval *ret)
{
    int rc = template_charge(c, 1);
    size_t n = template_len(v);
    *ret = v;
    if (!rc && depth > TEMPLATE_DEPTH_MAX)
        rc = template_fail(c, "the value nests too deeply");
    if (rc || !v.type || template_is_nil(v))
        return rc;
    if (v.type == &TEMPLATE_T_SEMVER || v.type == &TEMPLATE_T_SEMVER_PTR) {
        /* the library copies exported fields only, and a version has none */
        *ret = template_object(v.type, ARENA_NEW(c->arena, struct semver));
    } else if (v.type->kind == TEMPLATE_SLICE && !type_is_bytes(v.type)) {
        rc = template_room(c, n * sizeof(tval));
        if (rc)
            return rc;
        tval *item = ARENA_ARRAY(c->arena, tval, n);
        for (size_t i = 0; !rc && i < n; i++)
            rc = copy(c, template_unwrap(template_at(v, i)), depth + 1, &item[i]);
        *ret = template_list(c->arena, v.type, item, n);
    } else if (v.type->kind == TEMPLATE_MAP) {
        const struct template_map *m = map_of(v);
        rc = template_room(c, n * sizeof(struct map_item) * 2);
        if (rc)
            return rc;
        *ret = template_map_new(c->arena, v.type);
        for (size_t i = 0; !rc && i < m->n; i++) {
            tval child;
            if (!m->entry[i].live)
                continue;
            rc = copy(c, m->entry[i].val, depth + 1, &child);
            if (!rc)
                template_put(*ret, m->entry[i].key, child);
        }
    }
    return rc;
}

int func_deep_copy(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    if (!arg[0].type)
        return template_fail(c, "reflect: call of reflect.Value.Type on zero Value");
    return copy(c, arg[0], 0, ret);
}

/* ---- merging ---- */

static bool is_map(tval v) { return v.type && v.type->kind == TEMPLATE_MAP; }

/* What stays when nothing may be overwritten. */
static bool keeps(tval old, bool found) { return found && !func_is_empty(old); }

static int merge(struct template_call *c, tval to, tval from, bool overwrite, unsigned depth);

static int merge_entry(struct template_call *c, tval to, const struct map_item *e, bool overwrite,
                       unsigned depth)
{
    bool found;
    tval old = template_unwrap(template_get_hashed(to, e->key, e->hash, &found));
    if (is_map(e->val) && is_map(old) && old.map && e->val.map)
        return merge(c, old, e->val, overwrite, depth + 1);
    if (!e->val.type) {
        if (overwrite)
            template_put(to, e->key, TEMPLATE_NO_VALUE);
        return 0;
    }
    if (overwrite || !keeps(old, found))
        template_put(to, e->key, e->val);
    return 0;
}

static int merge(struct template_call *c, tval to, tval from, bool overwrite, unsigned depth)
{
    const struct template_map *m = map_of(from);
    int rc = template_charge(c, 1);
    if (!rc && depth > TEMPLATE_DEPTH_MAX)
        rc = template_fail(c, "the value nests too deeply");
    /* a map merged into itself is what it was */
    for (size_t i = 0; !rc && m && m != to.map && i < m->n; i++)
        if (m->entry[i].live)
            rc = merge_entry(c, to, &m->entry[i], overwrite, depth);
    return rc;
}

static int merge_all(struct template_call *c, const tval *arg, size_t n, bool overwrite, tval *ret)
{
    int rc = 0;
    *ret = arg[0];
    if (!arg[0].map && n > 1)
        *ret = template_map_new(c->arena, &TEMPLATE_T_MAP);
    for (size_t i = 1; !rc && i < n; i++)
        rc = merge(c, *ret, arg[i], overwrite, 0);
    return rc;
}

int func_merge(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return merge_all(c, arg, n, false, ret);
}

int func_merge_overwrite(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return merge_all(c, arg, n, true, ret);
}
