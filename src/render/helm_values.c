/* Coalescing: transcribed rule by rule, since every odd corner of it is relied upon. */
#include "render/helm_values.h"

#include "base/buf.h"
#include "value/number.h"

/* ---- %v ---- */

static void print_float(struct buf *b, double d)
{
    char at[NUMBER_PRINT_MAX];
    size_t n = number_print_double(d, at);
    /* JSON writes 1e-7 where Go's %v writes 1e-07; from 1e21 on both have an exponent. */
    for (size_t i = 0; i + 2 < n + 1; i++)
        if (at[i] == 'e' && n - i == 3) {
            buf_add(b, str_mem(at, i + 2));
            buf_addc(b, '0');
            buf_addc(b, at[i + 2]);
            return;
        }
    buf_add(b, str_mem(at, n));
}

static void print_text(struct arena *a, value v, struct buf *b)
{
    size_t n = 0;
    switch (value_type(v)) {
    case VALUE_NONE:
    case VALUE_NULL: buf_addz(b, "<nil>"); return;
    case VALUE_BOOL: buf_addz(b, value_bool(v) ? "true" : "false"); return;
    case VALUE_INT:
    case VALUE_UINT: buf_printf(b, "%lld", (long long)value_int(v)); return;
    case VALUE_DOUBLE: print_float(b, value_double(v)); return;
    case VALUE_STRING: buf_add(b, value_str(v)); return;
    case VALUE_LIST:
        buf_addc(b, '[');
        for (struct value_iter it = value_iter(v); value_next(&it);) {
            buf_addz(b, n++ ? " " : "");
            print_text(a, it.val, b);
        }
        buf_addc(b, ']');
        return;
    case VALUE_MAP: break;
    }
    value sorted = value_fork(a, v);
    value_sort_keys(a, sorted, false);
    buf_addz(b, "map[");
    for (struct value_iter it = value_iter(sorted); value_next(&it);) {
        buf_printf(b, "%s%.*s:", n++ ? " " : "", STR_FMT(it.key));
        print_text(a, it.val, b);
    }
    buf_addc(b, ']');
}

str helm_value_text(struct arena *a, value v)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    print_text(a, v, &b);
    return arena_str(a, buf_str(&b));
}

/* ---- merging ---- */

value helm_values_merge(struct arena *a, value io_base, value over)
{
    for (struct value_iter it = value_iter(over); value_next(&it);) {
        value was = value_get(io_base, it.key);
        if (value_is_map(it.val) && value_is_map(was))
            helm_values_merge(a, was, it.val);
        else
            value_set(a, io_base, it.key, it.val);
    }
    return io_base;
}

static void warn(const struct helm_values_context *x, int line, str text)
{
    char place[32];
    snprintf(place, sizeof(place), "coalesce.go:%d: ", line);
    helm_log_add(x->log, "INFO", text, NULL);
    helm_log_add3(x->log, place, "%.*s", STR_FMT(text));
}

/* line: of helm 3.19's coalesce.go, which says where the text is from. */
#define WARN(x, line, ...) warn((x), (line), arena_printf((x)->arena, __VA_ARGS__))

static str prefixed(struct arena *a, str prefix, str key)
{
    return prefix.len ? ARENA_CAT(a, prefix, STR("."), key) : key;
}

static void remove_nulls(value map)
{
    for (size_t i = value_len(map); i-- > 0;) {
        value v = value_val(map, i);
        if (value_is_null(v))
            value_remove(map, value_key(map, i));
        else if (value_is_map(v))
            remove_nulls(v);
    }
}

/* dst wins. Which keys of src were null to begin with decides whether a null of dst removes. */
static void coalesce_tables(const struct helm_values_context *x, value dst, value src, str prefix,
                            bool merge)
{
    size_t n_src = value_len(src);
    bool *had_value = ARENA_ARRAY(x->arena, bool, n_src + 1);
    for (size_t i = 0; i < n_src; i++)
        had_value[i] = x->level3 || !value_is_null(value_val(src, i));
    for (struct value_iter it = value_iter(dst); !x->level3 && value_next(&it);)
        if (value_is_null(it.val))
            value_set(x->arena, src, it.key, it.val);
    for (size_t i = 0, n = value_len(src); i < n; i++) {
        str key = value_key(src, i);
        value val = value_val(src, i), was = value_get(dst, key);
        /* Keys that only dst has were appended behind n_src: they never had a value of src. */
        if (value_is_null(was) && !merge && i < n_src && had_value[i])
            value_remove(dst, key);
        else if (!value_exists(was))
            value_set(x->arena, dst, key, val);
        else if (value_is_map(val) && value_is_map(was))
            coalesce_tables(x, was, val, prefixed(x->arena, prefix, key), merge);
        else if (value_is_map(val))
            WARN(x, 298, "warning: cannot overwrite table with non table for %.*s (%.*s)",
                 STR_FMT(prefixed(x->arena, prefix, key)), STR_FMT(helm_value_text(x->arena, val)));
        else if (value_is_map(was) && !value_is_null(val))
            WARN(x, 301,
                 "warning: destination for %.*s is a table. Ignoring non-table value (%.*s)",
                 STR_FMT(prefixed(x->arena, prefix, key)), STR_FMT(helm_value_text(x->arena, val)));
    }
}

value helm_values_merge_tables(const struct helm_values_context *x, value io_dst, value src)
{
    coalesce_tables(x, io_dst, src, STR(""), true);
    return io_dst;
}

static void coalesce_global(const struct helm_values_context *x, value dg, str key, value val,
                            str prefix)
{
    value was = value_get(dg, key);
    if (!value_is_map(val)) {
        if (value_is_map(was))
            WARN(x, 175, "key %.*s is table. Skipping", STR_FMT(key));
        else
            value_set(x->arena, dg, key, val);
        return;
    }
    if (value_exists(was) && !value_is_map(was)) {
        WARN(x, 161, "Conflict: cannot merge map onto non-map for \"%.*s\". Skipping.",
             STR_FMT(key));
        return;
    }
    value copy = value_new_map(x->arena);
    for (struct value_iter it = value_iter(val); value_next(&it);)
        value_set(x->arena, copy, it.key, it.val);
    if (value_is_map(was))
        coalesce_tables(x, copy, was, prefixed(x->arena, prefix, key), true);
    value_set(x->arena, dg, key, copy);
}

static void coalesce_globals(const struct helm_values_context *x, value dest, value src, str prefix)
{
    value dg = value_getz(dest, "global"), sg = value_getz(src, "global");
    if (value_exists(dg) && !value_is_map(dg)) {
        WARN(x, 138, "warning: skipping globals because destination global is not a table.");
        return;
    }
    if (value_exists(sg) && !value_is_map(sg)) {
        WARN(x, 145, "warning: skipping globals because source global is not a table.");
        return;
    }
    if (!value_exists(dg))
        dg = value_new_map(x->arena);
    else if (dg.doc)
        dg = value_thaw(x->arena, dg);
    for (struct value_iter it = value_iter(sg); value_next(&it);)
        coalesce_global(x, dg, it.key, it.val, prefix);
    value_setz(x->arena, dest, "global", dg);
}

/* ---- frozen defaults ----
 *
 * The defaults of a chart that is kept are frozen. What nobody changes is borrowed from them as it
 * is; what is written to (tables that both sides have, tables with nulls to be removed, globals,
 * which subcharts' globals are merged into in place) is thawed first. A merge that keeps nulls
 * shares tables between its sides, so it works on a copy throughout. */

static bool has_null(value map)
{
    for (struct value_iter it = value_iter(map); value_next(&it);)
        if (value_is_null(it.val) || (value_is_map(it.val) && has_null(it.val)))
            return true;
    return false;
}

/* The child at key, all of it building. */
static value thawed_child(const struct helm_values_context *x, value map, str key, value child)
{
    if (!child.doc)
        return child;
    child = value_thaw(x->arena, child);
    value_set(x->arena, map, key, child);
    return child;
}

/* A default for a place where there is nothing. */
static value take_default(const struct helm_values_context *x, str key, value def, bool merge)
{
    bool cleans = !merge && !x->level3 && value_is_map(def);
    if (def.doc && value_is_map(def) && (str_is(key, "global") || (cleans && has_null(def))))
        def = value_thaw(x->arena, def);
    if (cleans && !def.doc)
        remove_nulls(def);
    return def;
}

static bool is_subchart(const struct helm_chart *c, str name)
{
    for (size_t i = 0; i < c->n_dependencies; i++)
        if (str_eq(helm_chart_name(c->dependency[i]), name))
            return true;
    return false;
}

static void coalesce_values(const struct helm_values_context *x, const struct helm_chart *c,
                            value v, str prefix, bool merge)
{
    str sub_prefix = prefixed(x->arena, prefix, helm_chart_name(c));
    value defaults = merge || !c->values.doc ? value_thaw(x->arena, c->values) : c->values;
    for (size_t i = 0, n = value_len(defaults); i < n; i++) {
        str key = value_key(defaults, i);
        value def = value_val(defaults, i), was = value_get(v, key);
        if (!value_exists(was)) {
            if (!merge && !x->level3 && value_is_null(def))
                continue;
            value_set(x->arena, v, key, take_default(x, key, def, merge));
        } else if (value_is_null(was) && !merge)
            value_remove(v, key);
        else if (value_is_map(was) && value_is_map(def)) {
            bool deeper = merge || is_subchart(c, key);
            was = thawed_child(x, v, key, was);
            if (def.doc)
                def = value_thaw(x->arena, def);
            if (!deeper && !x->level3)
                remove_nulls(def);
            coalesce_tables(x, was, def, prefixed(x->arena, sub_prefix, key), deeper);
        } else if (value_is_map(was) && !value_is_null(def))
            WARN(x, 237, "warning: skipped value for %.*s.%.*s: Not a table.", STR_FMT(sub_prefix),
                 STR_FMT(key));
    }
}

/* %t of something that is no bool. */
static str not_a_bool(struct arena *a, value v)
{
    static const char *const names[] =
        {[VALUE_INT] = "int64", [VALUE_DOUBLE] = "float64", [VALUE_STRING] = "string"};
    if (value_type(v) == VALUE_BOOL)
        return value_bool(v) ? STR("true") : STR("false");
    if (value_is_nil(v))
        return STR("%!t(<nil>)");
    if (!value_is_list(v))
        return arena_printf(a, "%%!t(%s=%.*s)", names[value_type(v)],
                            STR_FMT(helm_value_text(a, v)));
    str all = STR("[");
    for (struct value_iter it = value_iter(v); value_next(&it);)
        all = ARENA_CAT(a, all, it.i ? STR(" ") : STR(""),
                        value_is_null(it.val) ? STR("<nil>") : not_a_bool(a, it.val));
    return ARENA_CAT(a, all, STR("]"));
}

static int coalesce(const struct helm_values_context *x, const struct helm_chart *c, value v,
                    str prefix, bool merge, struct err *err)
{
    coalesce_values(x, c, v, prefix, merge);
    str sub_prefix = prefixed(x->arena, prefix, helm_chart_name(c));
    for (size_t i = 0; i < c->n_dependencies; i++) {
        const struct helm_chart *sub = c->dependency[i];
        value below = value_get(v, helm_chart_name(sub));
        if (!value_exists(below)) {
            below = value_new_map(x->arena);
            value_set(x->arena, v, helm_chart_name(sub), below);
        } else if (!value_is_map(below))
            return err_set(err, ERR_INVALID, "type mismatch on %.*s: %.*s",
                           STR_FMT(helm_chart_name(sub)), STR_FMT(not_a_bool(x->arena, below)));
        below = value_edit_map(x->arena, v, helm_chart_name(sub));
        coalesce_globals(x, below, v, sub_prefix);
        int rc = coalesce(x, sub, below, sub_prefix, merge, err);
        if (rc)
            return rc;
    }
    return 0;
}

int helm_values_coalesce(const struct helm_values_context *x, const struct helm_chart *c,
                         value user, value *ret, struct err *err)
{
    value v = value_is_map(user) ? value_thaw(x->arena, user) : value_new_map(x->arena);
    int rc = coalesce(x, c, v, STR(""), false, err);
    if (!rc)
        *ret = v;
    return rc;
}

int helm_values_merge_charts(const struct helm_values_context *x, const struct helm_chart *c,
                             value *ret, struct err *err)
{
    value v = value_new_map(x->arena);
    int rc = coalesce(x, c, v, STR(""), true, err);
    if (!rc)
        *ret = v;
    return rc;
}

value helm_values_table(value v, str path, str *ret_key)
{
    str rest = path, part;
    while (str_next(&rest, '.', &part)) {
        v = value_get(v, part);
        if (!value_is_map(v)) {
            *ret_key = part;
            return VALUE_ABSENT;
        }
    }
    return v;
}
