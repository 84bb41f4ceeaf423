/* chart_index.c: see chart_index.h. */
#include "source/chart_index.h"

#include <stdlib.h>
#include <string.h>

#include "argo/chart_version.h"
#include "base/time.h"
#include "value/json.h"
#include "value/yaml.h"

#define TYPE_ERRORS_MAX 10

/* ---- what Go's reader has against it ---- */

struct type_errors {
    struct arena *arena;
    str text;
    unsigned n;
};

static const char *tag_of(value v)
{
    switch (value_type(v)) {
    case VALUE_BOOL: return "!!bool";
    case VALUE_INT:
    case VALUE_UINT: return "!!int";
    case VALUE_DOUBLE: return "!!float";
    case VALUE_STRING: return "!!str";
    case VALUE_LIST: return "!!seq";
    case VALUE_MAP: return "!!map";
    default: return "!!null";
    }
}

static void mismatch(struct type_errors *e, value v, const char *wanted)
{
    struct arena *a = e->arena;
    str shown = STR("");
    if (e->n++ >= TYPE_ERRORS_MAX)
        return;
    if (!value_is_list(v) && !value_is_map(v)) {
        str text = value_is_string(v) ? value_str(v) : json_str(a, v, AUDIENCE_WIRE, 0);
        bool cut = text.len > 10;
        shown =
            ARENA_CAT(a, STR(" `"), str_sub(text, 0, cut ? 7 : 10), cut ? STR("...`") : STR("`"));
    }
    e->text = ARENA_CAT(a, e->text,
                        arena_printf(a, "\n  line %u: cannot unmarshal %s%.*s into %s",
                                     value_pos(v).line, tag_of(v), STR_FMT(shown), wanted));
}

static bool is_time(value v)
{
    usec at;
    str text = value_str(v);
    return value_is_nil(v) || (value_is_string(v) && (time_parse(text, &at) || text.len >= 10));
}

static void check_entry(struct type_errors *e, value entry)
{
    if (value_is_nil(entry))
        return;
    if (!value_is_map(entry)) {
        mismatch(e, entry, "helm.Entry");
        return;
    }
    value version = value_getz(entry, "version"), created = value_getz(entry, "created");
    if (value_is_list(version) || value_is_map(version))
        mismatch(e, version, "string");
    if (!is_time(created))
        mismatch(e, created, "time.Time");
}

static void check_charts(struct type_errors *e, value root)
{
    value entries = value_getz(root, "entries");
    if (!value_is_nil(root) && !value_is_map(root)) {
        mismatch(e, root, "helm.Index");
        return;
    }
    if (!value_is_nil(entries) && !value_is_map(entries)) {
        mismatch(e, entries, "map[string]helm.Entries");
        return;
    }
    for (struct value_iter chart = value_iter(entries); value_next(&chart);) {
        if (!value_is_nil(chart.val) && !value_is_list(chart.val)) {
            mismatch(e, chart.val, "helm.Entries");
            continue;
        }
        for (struct value_iter entry = value_iter(chart.val); value_next(&entry);)
            check_entry(e, entry.val);
    }
}

/* Lines are kept only by a second reading, for there is nearly never an error. */
static int tell_type_errors(str text, struct err *err)
{
    struct arena a;
    value root;
    struct yaml_input in = {.keep_positions = true};
    arena_init(&a, ARENA_BYTES_DEFAULT * 4);
    struct type_errors e = {&a, STR("yaml: unmarshal errors:"), 0};
    int rc = yaml_parse(text, &in, &a, &root, err);
    if (!rc) {
        check_charts(&e, root);
        rc = err_set(err, ERR_INVALID, "%.*s", STR_FMT(e.text));
    }
    arena_done(&a);
    return rc;
}

/* ---- what helm has against it ---- */

static str base_name(str name)
{
    str head, tail;
    while (name.len > 1 && str_ends(name, STR("/")))
        name.len--;
    (void)str_rcut(name, '/', &head, &tail);
    return tail;
}

static bool helm_likes(value entry, str name, str version)
{
    str type = value_str(value_getz(entry, "type"));
    if (!name.len || str_is(name, ".") || str_is(name, "..") || !str_eq(name, base_name(name)))
        return false;
    if (!chart_version_is_valid(version))
        return false;
    return !type.len || str_is(type, "application") || str_is(type, "library");
}

static void ask_helm(struct chart_index *x, str text, value root)
{
    struct doc *d = NULL;
    if (value_str(value_getz(root, "apiVersion")).len == 0 &&
        value_is_nil(value_getz(root, "apiVersion"))) {
        (void)err_set(&x->helm, ERR_INVALID, "no API version specified");
    } else if (yaml_parse_doc(text, &(struct yaml_input){.strict = true}, &d, &x->helm) == 0) {
        x->helm = (struct err){0};
        doc_unref(d);
    } else {
        (void)err_wrap(&x->helm, "error converting YAML to JSON");
    }
}

/* ---- reading ---- */

static str text_of(struct arena *a, value v)
{
    if (value_is_string(v))
        return arena_str(a, value_str(v));
    if (value_is_nil(v))
        return STR("");
    str literal = value_literal(v);
    return literal.len ? arena_str(a, literal) : json_str(a, v, AUDIENCE_WIRE, 0);
}

static void take_chart(struct chart_index *x, str name, value list)
{
    struct arena *a = &x->arena;
    struct chart_entries *c = ARENA_NEW(a, struct chart_entries);
    c->name = arena_str(a, name);
    c->at = ARENA_ARRAY(a, struct chart_entry, value_len(list));
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        struct chart_entry *e = &c->at[c->n++];
        e->version = text_of(a, value_getz(it.val, "version"));
        e->url = text_of(a, value_at(value_getz(it.val, "urls"), 0));
        e->digest = text_of(a, value_getz(it.val, "digest"));
        e->valid = value_is_map(it.val) &&
                   helm_likes(it.val, text_of(a, value_getz(it.val, "name")), e->version);
    }
    map_set(&x->by_name, c->name, c);
}

static size_t count_versions(value entries)
{
    size_t n = 0;
    for (struct value_iter it = value_iter(entries); value_next(&it);)
        n += 1 + value_len(it.val);
    return n;
}

static struct chart_index *take_index(str text, value root)
{
    struct chart_index *x = calloc(1, sizeof(*x));
    if (!x)
        abort();
    x->n_refs = 1;
    arena_init(&x->arena, ARENA_BYTES_DEFAULT);
    map_init(&x->by_name, &x->arena);
    for (struct value_iter it = value_iter(value_getz(root, "entries")); value_next(&it);)
        take_chart(x, it.key, it.val);
    ask_helm(x, text, root);
    return x;
}

int chart_index_parse(str text, struct chart_index **ret, struct err *err)
{
    struct doc *d = NULL;
    struct type_errors e = {0};
    if (!str_trim(text).len)
        return err_set(err, ERR_INVALID, "EOF");
    int rc = yaml_parse_doc(text, &(struct yaml_input){0}, &d, err);
    if (rc)
        return rc;
    value root = doc_root(d);
    struct arena a;
    arena_init(&a, (size_t)64 << 20);
    e.arena = &a;
    check_charts(&e, root);
    arena_done(&a);
    if (e.n)
        rc = tell_type_errors(text, err);
    else if (count_versions(value_getz(root, "entries")) > CHART_INDEX_VERSIONS_MAX)
        rc = err_set(err, ERR_TOO_LARGE, "the index has more than %d versions",
                     CHART_INDEX_VERSIONS_MAX);
    else
        *ret = take_index(text, root);
    doc_unref(d);
    return rc;
}

struct chart_index *chart_index_ref(struct chart_index *x)
{
    x->n_refs++;
    return x;
}

void chart_index_unref(struct chart_index *x)
{
    if (!x || --x->n_refs)
        return;
    arena_done(&x->arena);
    free(x);
}

/* ---- asking ---- */

int chart_index_find(const struct chart_index *x, str chart, const struct chart_entries **ret,
                     struct err *err)
{
    const struct chart_entries *c = map_find(&x->by_name, chart);
    if (!c)
        return err_set(err, ERR_NOT_FOUND, "chart '%.*s' not found in index",
                       STR_FMT(str_sub(chart, 0, 256)));
    *ret = c;
    return 0;
}

static const struct chart_entry *pick(const struct chart_entries *c, str wanted)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    str *version = ARENA_ARRAY(&a, str, c->n);
    bool *valid = ARENA_ARRAY(&a, bool, c->n);
    for (size_t i = 0; i < c->n; i++) {
        version[i] = c->at[i].version;
        valid[i] = c->at[i].valid;
    }
    ptrdiff_t at = chart_version_pick(wanted, version, valid, c->n);
    arena_done(&a);
    return at < 0 ? NULL : &c->at[at];
}

int chart_index_pick(const struct chart_index *x, str repo_url, str chart, str version,
                     const struct chart_entry **ret, struct err *err)
{
    if (x->helm.kind)
        return err_copy(err, &x->helm);
    const struct chart_entries *c = map_find(&x->by_name, chart);
    const struct chart_entry *e = c ? pick(c, version) : NULL;
    str name = str_sub(chart, 0, 256), wanted = str_sub(version, 0, 256);
    if (!e && version.len)
        return err_set(err, ERR_NOT_FOUND,
                       "chart \"%.*s\" version \"%.*s\" not found in %.*s repository",
                       STR_FMT(name), STR_FMT(wanted), STR_FMT(repo_url));
    if (!e)
        return err_set(err, ERR_NOT_FOUND, "chart \"%.*s\" not found in %.*s repository",
                       STR_FMT(name), STR_FMT(repo_url));
    if (!e->url.len)
        return err_set(err, ERR_INVALID, "chart \"%.*s\" version \"%.*s\" has no downloadable URLs",
                       STR_FMT(name), STR_FMT(wanted));
    *ret = e;
    return 0;
}
