/* chart_index.c: see chart_index.h. */
#include "source/chart_index.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "argo/chart_version.h"
#include "source/chart_index_rules.h"
#include "value/json.h"
#include "value/yaml.h"

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

/* A number as it was written, "1.10" and not 1.1: YAML's reader does not keep it, so it is read
 * where the value stood. */
static str number_at(str text, struct value_pos pos)
{
    str line = STR("");
    for (uint32_t i = 0; i < pos.line; i++)
        if (!str_next(&text, '\n', &line))
            return STR("");
    line = str_from(line, pos.column ? pos.column - 1 : 0);
    size_t n = 0;
    while (n < line.len && (isalnum((unsigned char)line.at[n]) || strchr("+-._", line.at[n])))
        n++;
    return str_sub(line, 0, n);
}

static str version_of(struct arena *a, str text, value v)
{
    str literal = value_is_number(v) ? number_at(text, value_pos(v)) : STR("");
    return literal.len ? arena_str(a, literal) : text_of(a, v);
}

static void take_chart(struct chart_index *x, str text, str name, value list)
{
    struct arena *a = &x->arena;
    struct chart_entries *c = ARENA_NEW(a, struct chart_entries);
    c->name = arena_str(a, name);
    c->at = ARENA_ARRAY(a, struct chart_entry, value_len(list));
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        struct chart_entry *e = &c->at[c->n++];
        e->version = version_of(a, text, value_getz(it.val, "version"));
        e->url = text_of(a, value_at(value_getz(it.val, "urls"), 0));
        e->digest = text_of(a, value_getz(it.val, "digest"));
        e->valid = helm_keeps_entry(it.val, e->version);
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

static bool json_is_valid(str text)
{
    struct doc *d = NULL;
    str start = str_trim(text);
    if (!str_starts(start, STR("{")) || json_parse_doc(text, NULL, &d, &(struct err){0}))
        return false;
    doc_unref(d);
    return true;
}

/* Two decoders, each with its own complaint; lines are kept only by a second reading, for there is
 * nearly never an error. */
static void judge(struct chart_index *x, str text, value root, bool json)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT * 4);
    str wrong = argo_index_time_complaint(root, &a);
    if (!wrong.len && argo_index_type_complaint(root, &a).len) {
        value placed = root;
        if (yaml_parse(text, &(struct yaml_input){.keep_positions = true}, &a, &placed,
                       &(struct err){0}))
            placed = root;
        wrong = argo_index_type_complaint(placed, &a);
    }
    if (wrong.len)
        (void)err_set(&x->argo, ERR_INVALID, "%.*s", STR_FMT(wrong));
    wrong = x->helm.kind ? STR("") : helm_index_complaint(root, json, &a);
    if (wrong.len)
        (void)err_set(&x->helm, ERR_INVALID, "%s%.*s",
                      json ? "" : "error unmarshaling JSON: while decoding JSON: ", STR_FMT(wrong));
    else if (!x->helm.kind && !text_of(&a, value_getz(root, "apiVersion")).len &&
             !text_of(&a, value_getz(root, "apiversion")).len)
        (void)err_set(&x->helm, ERR_INVALID, "no API version specified");
    arena_done(&a);
}

static bool has_number_for_version(value entries)
{
    for (struct value_iter c = value_iter(entries); value_next(&c);)
        for (struct value_iter e = value_iter(c.val); value_next(&e);)
            if (value_is_number(value_getz(e.val, "version")))
                return true;
    return false;
}

static void take_charts(struct chart_index *x, str text, value root)
{
    struct arena a;
    value entries = value_getz(root, "entries"), placed;
    arena_init(&a, ARENA_BYTES_DEFAULT * 4);
    if (has_number_for_version(entries) &&
        yaml_parse(text, &(struct yaml_input){.keep_positions = true}, &a, &placed,
                   &(struct err){0}) == 0)
        entries = value_getz(placed, "entries");
    for (struct value_iter it = value_iter(entries); value_next(&it);)
        take_chart(x, text, it.key, it.val);
    arena_done(&a);
}

/* helm refuses a key that is there twice, Argo CD takes the last: nearly always one reading serves
 * both. */
static int read_index(struct chart_index *x, str text, bool json, struct doc **ret)
{
    struct err strict;
    if (yaml_parse_doc(text, &(struct yaml_input){.strict = true}, ret, &strict) == 0)
        return 0;
    int rc = strict.kind == ERR_TOO_LARGE
                 ? err_copy(&x->argo, &strict)
                 : yaml_parse_doc(text, &(struct yaml_input){0}, ret, &x->argo);
    if (rc || !json)
        x->helm = strict;
    if (rc || !json)
        (void)err_wrap(&x->helm, "error converting YAML to JSON");
    if (!rc)
        x->argo = (struct err){0};
    return rc;
}

struct chart_index *chart_index_parse(str text)
{
    struct doc *d = NULL;
    struct chart_index *x = calloc(1, sizeof(*x));
    if (!x)
        abort();
    x->n_refs = 1;
    arena_init(&x->arena, ARENA_BYTES_DEFAULT);
    map_init(&x->by_name, &x->arena);
    if (!str_trim(text).len) {
        (void)err_set(&x->argo, ERR_INVALID, "EOF");
        (void)err_set(&x->helm, ERR_INVALID, "%s",
                      text.len ? "no API version specified" : "empty index.yaml file");
        return x;
    }
    bool json = json_is_valid(text);
    if (read_index(x, text, json, &d))
        return x;
    value root = doc_root(d);
    if (count_versions(value_getz(root, "entries")) > CHART_INDEX_VERSIONS_MAX) {
        (void)err_set(&x->argo, ERR_TOO_LARGE, "the index has more than %d versions",
                      CHART_INDEX_VERSIONS_MAX);
        x->helm = x->argo;
    } else {
        judge(x, text, root, json);
        if (!x->argo.kind)
            take_charts(x, text, root);
    }
    doc_unref(d);
    return x;
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
    if (x->argo.kind) {
        (void)err_copy(err, &x->argo);
        return err_wrap(err, "error decoding index");
    }
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
