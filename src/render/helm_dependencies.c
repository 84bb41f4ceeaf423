/* Which subcharts take part, under which name, and what their values lend to their parents.
 *
 * Charts are shared and copied here exactly where upstream shares and copies them: two aliases of
 * one chart have their own name and list of subcharts, but the same subcharts' metadata. */
#include "render/helm_values.h"

#include "base/buf.h"
#include "value/doc.h"

/* ---- copies ---- */

static void add_dependency(struct arena *a, struct helm_chart *c, struct helm_chart *sub)
{
    if (c->n_dependencies == c->cap_dependencies) {
        size_t cap = c->cap_dependencies ? c->cap_dependencies * 2 : 8;
        struct helm_chart **all = ARENA_ARRAY(a, struct helm_chart *, cap);
        for (size_t i = 0; i < c->n_dependencies; i++)
            all[i] = c->dependency[i];
        c->dependency = all;
        c->cap_dependencies = cap;
    }
    sub->parent = c;
    c->dependency[c->n_dependencies++] = sub;
}

static void clear_dependencies(struct helm_chart *c)
{
    c->dependency = NULL;
    c->n_dependencies = c->cap_dependencies = 0;
}

static struct helm_metadata *copy_metadata(struct arena *a, const struct helm_metadata *m)
{
    struct helm_metadata *copy = arena_copy(a, m, sizeof(*m));
    copy->dependency = arena_copy(a, m->dependency, m->n_dependencies * sizeof(*m->dependency));
    return copy;
}

struct helm_chart *helm_chart_clone(struct arena *a, const struct helm_chart *c)
{
    struct helm_chart *copy = arena_copy(a, c, sizeof(*c));
    copy->metadata = copy_metadata(a, c->metadata);
    clear_dependencies(copy);
    for (size_t i = 0; i < c->n_dependencies; i++)
        add_dependency(a, copy, helm_chart_clone(a, c->dependency[i]));
    return copy;
}

/* The subchart that a requirement means, as a copy under its alias; NULL: none fits. */
static struct helm_chart *take_alias(const struct helm_values_context *x,
                                     struct helm_chart *const *at, size_t n,
                                     const struct helm_dependency *d)
{
    struct arena *a = x->arena;
    for (size_t i = 0; i < n; i++) {
        struct helm_chart *c = at[i];
        if (!str_eq(helm_chart_name(c), d->name) ||
            !helm_is_compatible(a, d->version, c->metadata->version))
            continue;
        struct helm_chart *out = arena_copy(a, c, sizeof(*c));
        /* Helm 3's copy is shallow: what is done to one alias' subcharts shows in the other's. */
        out->metadata = x->level3 ? arena_copy(a, c->metadata, sizeof(*c->metadata))
                                  : copy_metadata(a, c->metadata);
        if (!x->level3)
            clear_dependencies(out);
        for (size_t j = 0; !x->level3 && j < c->n_dependencies; j++)
            add_dependency(a, out, arena_copy(a, c->dependency[j], sizeof(*c)));
        if (d->alias.len)
            out->metadata->name = d->alias;
        return out;
    }
    return NULL;
}

/* ---- tags and conditions ---- */

static void apply_tags(const struct helm_values_context *x, struct helm_metadata *m, value cvals)
{
    value tags = value_getz(cvals, "tags");
    if (!value_is_map(tags))
        return;
    for (size_t i = 0; i < m->n_dependencies; i++) {
        struct helm_dependency *d = &m->dependency[i];
        bool has_true = false, has_false = false;
        for (size_t j = 0; j < d->tags.n; j++) {
            value v = value_get(tags, d->tags.at[j]);
            if (value_type(v) == VALUE_BOOL)
                *(value_bool(v) ? &has_true : &has_false) = true;
            else if (value_exists(v)) {
                helm_log_add(x->log, "WARN", STR("returned non-bool value"), "tag", d->tags.at[j],
                             "chart", d->name, NULL);
                helm_log_add3(x->log, "dependencies.go:95: ",
                              "Warning: Tag '%.*s' for chart %.*s returned non-bool value",
                              STR_FMT(d->tags.at[j]), STR_FMT(d->name));
            }
        }
        d->enabled = has_true || !has_false;
    }
}

/* The scalar at a dotted path; absent when there is none or a table. */
static value scalar_at(value v, str path)
{
    str folder, key, bad;
    if (str_rcut(path, '.', &folder, &key))
        v = helm_values_table(v, folder, &bad);
    v = value_get(v, key);
    return value_is_map(v) ? VALUE_ABSENT : v;
}

static void apply_conditions(const struct helm_values_context *x, struct helm_metadata *m,
                             value cvals, str prefix)
{
    for (size_t i = 0; i < m->n_dependencies; i++) {
        struct helm_dependency *d = &m->dependency[i];
        str rest = str_trim(d->condition), one;
        while (rest.len && str_next(&rest, ',', &one)) {
            if (!one.len)
                continue;
            value v = scalar_at(cvals, ARENA_CAT(x->arena, prefix, one));
            if (value_type(v) == VALUE_BOOL) {
                d->enabled = value_bool(v);
                break;
            }
            if (!value_exists(v))
                continue;
            helm_log_add(x->log, "WARN", STR("returned non-bool value"), "path", one, "chart",
                         d->name, NULL);
            helm_log_add3(x->log, "dependencies.go:64: ",
                          "Warning: Condition path '%.*s' for chart %.*s returned non-bool value",
                          STR_FMT(one), STR_FMT(d->name));
        }
    }
}

/* ---- which take part ---- */

static bool is_required(struct arena *a, const struct helm_metadata *m, const struct helm_chart *c)
{
    for (size_t i = 0; i < m->n_dependencies; i++)
        if (str_eq(helm_chart_name(c), m->dependency[i].name) &&
            helm_is_compatible(a, m->dependency[i].version, c->metadata->version))
            return true;
    return false;
}

static void resolve(const struct helm_values_context *x, struct helm_chart *c)
{
    struct arena *a = x->arena;
    struct helm_metadata *m = c->metadata;
    struct helm_chart **was = c->dependency;
    size_t n = c->n_dependencies;
    bool *unlisted = ARENA_ARRAY(a, bool, n + 1);
    for (size_t i = 0; i < n; i++)
        unlisted[i] = !is_required(a, m, was[i]);
    clear_dependencies(c);
    for (size_t i = 0; i < n; i++)
        if (unlisted[i])
            add_dependency(a, c, was[i]);
    for (size_t i = 0; i < m->n_dependencies; i++) {
        struct helm_dependency *d = &m->dependency[i];
        struct helm_chart *sub = take_alias(x, was, n, d);
        if (sub)
            add_dependency(a, c, sub);
        if (d->alias.len)
            d->name = d->alias;
        d->enabled = true;
    }
}

static bool is_disabled(const struct helm_metadata *m, str name)
{
    for (size_t i = 0; i < m->n_dependencies; i++)
        if (!m->dependency[i].enabled && str_eq(m->dependency[i].name, name))
            return true;
    return false;
}

static int process_enabled(const struct helm_values_context *x, struct helm_chart *c, value user,
                           str prefix, struct err *err)
{
    struct helm_metadata *m = c->metadata;
    value cvals;
    if (!m->has_dependencies)
        return 0;
    resolve(x, c);
    int rc = helm_values_coalesce(x, c, user, &cvals, err);
    if (rc)
        return rc;
    apply_tags(x, m, cvals);
    apply_conditions(x, m, cvals, prefix);
    struct helm_chart **all = c->dependency;
    size_t n = c->n_dependencies;
    clear_dependencies(c);
    for (size_t i = 0; !rc && i < n; i++) {
        if (is_disabled(m, helm_chart_name(all[i])))
            continue;
        add_dependency(x->arena, c, all[i]);
        rc = process_enabled(x, all[i], cvals,
                             ARENA_CAT(x->arena, prefix, helm_chart_name(all[i]), STR(".")), err);
    }
    struct helm_dependency *kept =
        ARENA_ARRAY(x->arena, struct helm_dependency, m->n_dependencies + 1);
    size_t n_kept = 0;
    for (size_t i = 0; i < m->n_dependencies; i++)
        if (!is_disabled(m, m->dependency[i].name))
            kept[n_kept++] = m->dependency[i];
    m->dependency = kept;
    m->n_dependencies = n_kept;
    m->has_dependencies = n_kept > 0;
    return rc;
}

/* ---- import-values ---- */

static value nested(struct arena *a, str path, value data)
{
    str folder = path, key;
    if (str_is(path, "."))
        return data;
    do {
        if (!str_rcut(folder, '.', &folder, &key)) {
            key = folder.len ? folder : key;
            folder = (str){NULL, 0};
        }
        value map = value_new_map(a);
        value_set(a, map, key, data);
        data = map;
    } while (folder.at);
    return data;
}

static void import_one(const struct helm_values_context *x, const struct helm_dependency *d,
                       value cvals, str child, str parent, bool named, value io_all)
{
    str bad = STR("");
    value table = helm_values_table(cvals, ARENA_CAT(x->arena, d->name, STR("."), child), &bad);
    if (!value_exists(table)) {
        str text = arena_printf(x->arena, "\"%.*s\" is not a table", STR_FMT(bad));
        if (named) {
            helm_log_add(x->log, "WARN", STR("ImportValues missing table from chart"), "chart",
                         d->name, "error", text, NULL);
            helm_log_add3(x->log, "dependencies.go:270: ",
                          "Warning: ImportValues missing table from chart %.*s: %.*s",
                          STR_FMT(d->name), STR_FMT(text));
        } else {
            helm_log_add(x->log, "WARN", STR("ImportValues missing table"), "error", text, NULL);
            helm_log_add3(x->log,
                          "dependencies.go:287: ", "Warning: ImportValues missing table: %.*s",
                          STR_FMT(text));
        }
        return;
    }
    helm_values_merge_tables(x, io_all, nested(x->arena, parent, table));
}

static void import_dependency(const struct helm_values_context *x, struct helm_dependency *d,
                              value cvals, value io_all)
{
    struct arena *a = x->arena;
    value seen = value_new_list(a);
    for (struct value_iter it = value_iter(d->import_values); value_next(&it);) {
        str child, parent = STR(".");
        bool named = value_is_map(it.val);
        if (named) {
            child = helm_value_text(a, value_getz(it.val, "child"));
            parent = helm_value_text(a, value_getz(it.val, "parent"));
        } else if (value_is_string(it.val))
            child = ARENA_CAT(a, STR("exports."), value_str(it.val));
        else
            continue;
        value pair = value_new_map(a);
        value_setz(a, pair, "child", value_of_str(a, child));
        value_setz(a, pair, "parent", value_of_str(a, parent));
        value_push(a, seen, pair);
        import_one(x, d, cvals, child, parent, named, io_all);
    }
    if (value_len(d->import_values))
        d->import_values = seen;
}

static int process_imports(const struct helm_values_context *x, struct helm_chart *c,
                           struct err *err)
{
    value cvals;
    for (size_t i = 0; i < c->n_dependencies; i++) {
        int rc = process_imports(x, c->dependency[i], err);
        if (rc)
            return rc;
    }
    if (!c->metadata->has_dependencies)
        return 0;
    int rc = helm_values_merge_charts(x, c, &cvals, err);
    if (rc)
        return rc;
    value all = value_new_map(x->arena);
    for (size_t i = 0; i < c->metadata->n_dependencies; i++)
        import_dependency(x, &c->metadata->dependency[i], cvals, all);
    /* A deep copy: `all` holds tables of cvals, and merging writes into both. */
    c->values = value_thaw(x->arena, cvals);
    if (value_len(all))
        helm_values_merge_tables(x, c->values, value_thaw(x->arena, all));
    return 0;
}

/* ---- what imports came to before ---- */

#define MERGES_MAX 8 /* sets of subcharts that one kept chart remembers */

struct merged_chart {
    value values;
    value *import_values; /* by dependency */
};

struct helm_merge {
    struct helm_merge *next;
    str subcharts; /* which take part, and the level of Helm */
    struct merged_chart *chart;
    struct helm_strs log;
};

static void print_name(str name, struct buf *out)
{
    buf_printf(out, "%zu:%.*s", name.len, STR_FMT(name)); /* whatever a name holds */
}

/* "name[required](subchart...)" */
static void print_subcharts(const struct helm_chart *c, struct buf *out)
{
    print_name(helm_chart_name(c), out);
    buf_addc(out, '[');
    for (size_t i = 0; i < c->metadata->n_dependencies; i++)
        print_name(c->metadata->dependency[i].name, out);
    buf_addz(out, "](");
    for (size_t i = 0; i < c->n_dependencies; i++)
        print_subcharts(c->dependency[i], out);
    buf_addc(out, ')');
}

static size_t count_charts(const struct helm_chart *c)
{
    size_t n = 1;
    for (size_t i = 0; i < c->n_dependencies; i++)
        n += count_charts(c->dependency[i]);
    return n;
}

/* Both walk the tree in one order. */
static value frozen(struct helm_merges *all, value v)
{
    if (!value_exists(v) || v.doc)
        return v;
    v = helm_values_freeze(all->arena, v);
    all->bytes += doc_bytes(v.doc);
    return v;
}

static struct merged_chart *keep_merged(struct helm_merges *all, const struct helm_chart *c,
                                        struct merged_chart *to)
{
    size_t n = c->metadata->n_dependencies;
    to->values = frozen(all, c->values);
    to->import_values = ARENA_ARRAY(all->arena, value, n);
    for (size_t i = 0; i < n; i++)
        to->import_values[i] = frozen(all, c->metadata->dependency[i].import_values);
    to++;
    for (size_t i = 0; i < c->n_dependencies; i++)
        to = keep_merged(all, c->dependency[i], to);
    return to;
}

static const struct merged_chart *use_merged(struct helm_chart *c, const struct merged_chart *from)
{
    c->values = from->values;
    for (size_t i = 0; i < c->metadata->n_dependencies; i++)
        c->metadata->dependency[i].import_values = from->import_values[i];
    from++;
    for (size_t i = 0; i < c->n_dependencies; i++)
        from = use_merged(c->dependency[i], from);
    return from;
}

static void tell(struct helm_log *to, const struct helm_strs *lines)
{
    for (size_t i = 0; to && i < lines->n; i++)
        vec_push(to->arena, &to->lines, lines->at[i]);
}

static int process_kept_imports(const struct helm_values_context *x, struct helm_chart *c,
                                struct err *err)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    struct helm_merges *all = c->merges;
    buf_addc(&b, x->level3 ? '3' : '4');
    print_subcharts(c, &b);
    struct helm_merge *m = all->first;
    while (m && !str_eq(m->subcharts, buf_str(&b)))
        m = m->next;
    if (!m) {
        struct helm_log log = {.arena = all->arena,
                               .level = x->level3 ? HELM_LEVEL_3 : HELM_LEVEL_4};
        struct helm_values_context own = *x;
        own.log = &log;
        int rc = process_imports(&own, c, err);
        if (rc) {
            tell(x->log, &log.lines);
            return rc;
        }
        m = ARENA_NEW(all->arena, struct helm_merge);
        m->subcharts = arena_str(all->arena, buf_str(&b));
        m->chart = ARENA_ARRAY(all->arena, struct merged_chart, count_charts(c));
        m->log = log.lines;
        keep_merged(all, c, m->chart);
        if (all->n++ < MERGES_MAX) {
            m->next = all->first;
            all->first = m;
        }
    }
    use_merged(c, m->chart);
    tell(x->log, &m->log);
    return 0;
}

int helm_dependencies_process(const struct helm_values_context *x, struct helm_chart *io_c,
                              value user, struct err *err)
{
    int rc = process_enabled(x, io_c, user, STR(""), err);
    if (rc)
        return rc;
    return io_c->merges ? process_kept_imports(x, io_c, err) : process_imports(x, io_c, err);
}

int helm_dependencies_check(const struct helm_values_context *x, const struct helm_chart *c,
                            struct err *err)
{
    str missing = STR("");
    bool any = false;
    for (size_t i = 0; i < c->metadata->n_dependencies; i++) {
        str name = c->metadata->dependency[i].name;
        bool found = false;
        for (size_t j = 0; j < c->n_dependencies && !found; j++)
            found = str_eq(helm_chart_name(c->dependency[j]), name);
        if (!found)
            missing = ARENA_CAT(x->arena, missing, any ? STR(", ") : STR(""), name);
        any = any || !found;
    }
    if (!any)
        return 0;
    return err_set(err, ERR_PRECONDITION,
                   "%s error occurred while checking for chart dependencies. You may need to run "
                   "%chelm dependency build%c to fetch missing dependencies: found in Chart.yaml, "
                   "but missing in charts/ directory: %.*s",
                   x->level3 ? "An" : "an", x->level3 ? '`' : '\'', x->level3 ? '`' : '\'',
                   STR_FMT(missing));
}
