/* chart_index_rules.c: see chart_index_rules.h. */
#include "source/chart_index_rules.h"

#include <ctype.h>
#include <string.h>

#include "argo/chart_version.h"
#include "base/time.h"
#include "value/json.h"

/* ---- times ---- */

#define LAYOUT "2006-01-02T15:04:05Z07:00"

struct time_reader {
    struct arena *arena;
    str text, rest;
};

static str cannot(const struct time_reader *r, const char *element)
{
    return arena_printf(r->arena,
                        "parsing time \"%.*s\" as \"" LAYOUT "\": cannot parse \"%.*s\" as \"%s\"",
                        STR_FMT(r->text), STR_FMT(r->rest), element);
}

static bool take_digits(str *rest, size_t n, uint64_t *ret)
{
    for (size_t i = 0; i < n; i++)
        if (i >= rest->len || !isdigit((unsigned char)rest->at[i]))
            return false;
    if (!str_to_u64(str_sub(*rest, 0, n), ret))
        return false;
    *rest = str_from(*rest, n);
    return true;
}

static bool take_zone(str *rest)
{
    uint64_t n;
    if (str_starts(*rest, STR("Z"))) {
        *rest = str_from(*rest, 1);
        return true;
    }
    str r = *rest;
    if (!r.len || !strchr("+-", r.at[0]))
        return false;
    r = str_from(r, 1);
    if (!take_digits(&r, 2, &n) || !str_starts(r, STR(":")))
        return false;
    r = str_from(r, 1);
    if (!take_digits(&r, 2, &n))
        return false;
    *rest = r;
    return true;
}

static void skip_fraction(str *rest)
{
    if (rest->len < 2 || !strchr(".,", rest->at[0]) || !isdigit((unsigned char)rest->at[1]))
        return;
    *rest = str_from(*rest, 1);
    while (rest->len && isdigit((unsigned char)rest->at[0]))
        *rest = str_from(*rest, 1);
}

static unsigned days_of(uint64_t year, uint64_t month)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

str go_time_complaint(str text, struct arena *a)
{
    static const struct {
        const char *element, *literal, *name;
        size_t digits;
        uint64_t min, max;
    } parts[] = {{"2006", "-", "year", 4, 0, 9999}, {"01", "-", "month", 2, 1, 12},
                 {"02", "T", "day", 2, 0, 99},      {"15", ":", "hour", 2, 0, 23},
                 {"04", ":", "minute", 2, 0, 59},   {"05", "", "second", 2, 0, 59}};
    struct time_reader r = {a, str_sub(text, 0, 200), str_sub(text, 0, 200)};
    uint64_t n[ARRAY_LEN(parts)];
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (!take_digits(&r.rest, parts[i].digits, &n[i]))
            return cannot(&r, parts[i].element);
        if (n[i] < parts[i].min || n[i] > parts[i].max)
            return arena_printf(a, "parsing time \"%.*s\": %s out of range", STR_FMT(r.text),
                                parts[i].name);
        if (!str_starts(r.rest, str_of(parts[i].literal)))
            return cannot(&r, parts[i].literal);
        r.rest = str_from(r.rest, strlen(parts[i].literal));
    }
    skip_fraction(&r.rest);
    if (!take_zone(&r.rest))
        return cannot(&r, "Z07:00");
    if (r.rest.len)
        return arena_printf(a, "parsing time \"%.*s\": extra text: \"%.*s\"", STR_FMT(r.text),
                            STR_FMT(r.rest));
    if (n[2] < 1 || n[2] > days_of(n[0], n[1]))
        return arena_printf(a, "parsing time \"%.*s\": day out of range", STR_FMT(r.text));
    return STR("");
}

/* A plain scalar that YAML takes for a time: "2024-1-2", "2024-01-02 3:4:5". */
static bool is_yaml_time(str text)
{
    uint64_t n;
    if (!take_digits(&text, 4, &n) || !str_starts(text, STR("-")))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!isdigit((unsigned char)text.at[i]) && !strchr("-:.+Tt Zz", text.at[i]))
            return false;
    return true;
}

/* ---- the structs helm decodes into ---- */

enum shape {
    SHAPE_STRING,
    SHAPE_SOFT_STRING, /* YAML: any scalar will do */
    SHAPE_BOOL,
    SHAPE_TIME,
    SHAPE_LIST, /* of `of` */
    SHAPE_MAP,  /* of `of` */
    SHAPE_STRUCT,
    SHAPE_ANY,
};

struct type {
    enum shape shape;
    const char *go; /* its name in an error */
    const struct type *of;
    const struct field *field; /* of a struct; ends with a NULL name */
    const char *name;          /* of a struct */
};

struct field {
    const char *name, *path; /* path: how an error names it, when not by its name */
    const struct type *type;
};

static const struct type any = {.shape = SHAPE_ANY};
static const struct type text = {.shape = SHAPE_STRING, .go = "string"};
static const struct type soft = {.shape = SHAPE_SOFT_STRING, .go = "string"};
static const struct type boolean = {.shape = SHAPE_BOOL, .go = "bool"};
static const struct type instant = {.shape = SHAPE_TIME};
static const struct type texts = {.shape = SHAPE_LIST, .go = "[]string", .of = &text};
static const struct type softs = {.shape = SHAPE_LIST, .go = "[]string", .of = &soft};
static const struct type anys = {.shape = SHAPE_LIST, .go = "[]interface {}", .of = &any};
static const struct type text_map = {.shape = SHAPE_MAP, .go = "map[string]string", .of = &text};
static const struct type soft_map = {.shape = SHAPE_MAP, .go = "map[string]string", .of = &soft};
static const struct type any_map = {.shape = SHAPE_MAP,
                                    .go = "map[string]interface {}",
                                    .of = &any};

static const struct field maintainer_fields[] = {{"name", NULL, &text},
                                                 {"email", NULL, &text},
                                                 {"url", NULL, &text},
                                                 {NULL, NULL, NULL}};
static const struct type maintainer = {.shape = SHAPE_STRUCT,
                                       .go = "v2.Maintainer",
                                       .field = maintainer_fields,
                                       .name = "Maintainer"};
static const struct type maintainers = {.shape = SHAPE_LIST,
                                        .go = "[]*v2.Maintainer",
                                        .of = &maintainer};

static const struct field dependency_fields[] =
    {{"name", NULL, &text},          {"version", NULL, &text}, {"repository", NULL, &text},
     {"condition", NULL, &text},     {"tags", NULL, &texts},   {"enabled", NULL, &boolean},
     {"import-values", NULL, &anys}, {"alias", NULL, &text},   {NULL, NULL, NULL}};
static const struct type dependency = {.shape = SHAPE_STRUCT,
                                       .go = "v2.Dependency",
                                       .field = dependency_fields,
                                       .name = "Dependency"};
static const struct type dependencies = {.shape = SHAPE_LIST,
                                         .go = "[]*v2.Dependency",
                                         .of = &dependency};

static const struct field version_fields[] = {
    {"urls", NULL, &softs},
    {"created", NULL, &instant},
    {"removed", NULL, &boolean},
    {"digest", NULL, &soft},
    {"checksum", NULL, &soft},
    {"engine", NULL, &soft},
    {"tillerVersion", NULL, &soft},
    {"url", NULL, &soft},
    {"name", "Metadata.name", &text},
    {"home", "Metadata.home", &text},
    {"sources", "Metadata.sources", &texts},
    {"version", "Metadata.version", &text},
    {"description", "Metadata.description", &text},
    {"keywords", "Metadata.keywords", &texts},
    {"maintainers", "Metadata.maintainers", &maintainers},
    {"icon", "Metadata.icon", &text},
    {"apiVersion", "Metadata.apiVersion", &text},
    {"condition", "Metadata.condition", &text},
    {"tags", "Metadata.tags", &text},
    {"appVersion", "Metadata.appVersion", &text},
    {"deprecated", "Metadata.deprecated", &boolean},
    {"annotations", "Metadata.annotations", &text_map},
    {"kubeVersion", "Metadata.kubeVersion", &text},
    {"dependencies", "Metadata.dependencies", &dependencies},
    {"type", "Metadata.type", &text},
    {NULL, NULL, NULL},
};
static const struct type version = {.shape = SHAPE_STRUCT,
                                    .go = "repo.ChartVersion",
                                    .field = version_fields,
                                    .name = "ChartVersion"};
static const struct type versions = {.shape = SHAPE_LIST,
                                     .go = "repo.ChartVersions",
                                     .of = &version};
static const struct type entries = {.shape = SHAPE_MAP,
                                    .go = "map[string]repo.ChartVersions",
                                    .of = &versions};

static const struct field index_fields[] = {{"serverInfo", NULL, &any_map},
                                            {"apiVersion", NULL, &soft},
                                            {"generated", NULL, &instant},
                                            {"entries", NULL, &entries},
                                            {"publicKeys", NULL, &softs},
                                            {"annotations", NULL, &soft_map},
                                            {NULL, NULL, NULL}};
static const struct type index_file = {.shape = SHAPE_STRUCT,
                                       .go = "repo.IndexFile",
                                       .field = index_fields,
                                       .name = "IndexFile"};

/* ---- decoding, as far as errors go ---- */

struct place {
    struct arena *arena;
    bool json;
    const char *owner; /* name of the struct; NULL: the document itself */
    str path;
};

static const char *json_kind(value v)
{
    switch (value_type(v)) {
    case VALUE_BOOL: return "bool";
    case VALUE_STRING: return "string";
    case VALUE_LIST: return "array";
    case VALUE_MAP: return "object";
    default: return "number";
    }
}

static str misfit(const struct place *p, value v, const char *go)
{
    if (!p->owner)
        return arena_printf(p->arena, "json: cannot unmarshal %s into Go value of type %s",
                            json_kind(v), go);
    return arena_printf(p->arena,
                        "json: cannot unmarshal %s into Go struct field %s.%.*s of type %s",
                        json_kind(v), p->owner, STR_FMT(p->path), go);
}

static str check(const struct place *p, value v, const struct type *t);

static const struct field *field_of(const struct type *t, str key)
{
    for (const struct field *f = t->field; f->name; f++)
        if (str_is(key, f->name))
            return f;
    for (const struct field *f = t->field; f->name; f++)
        if (str_ieq(key, str_of(f->name)))
            return f;
    return NULL;
}

struct entry {
    str key;
    value val;
};

static int by_key(const void *a, const void *b)
{
    return str_cmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

/* YAML has gone through a Go map: keys come sorted. JSON is read as it stands. */
static struct entry *sorted(const struct place *p, value map)
{
    struct entry *e = ARENA_ARRAY(p->arena, struct entry, value_len(map));
    size_t n = 0;
    for (struct value_iter it = value_iter(map); value_next(&it);)
        e[n++] = (struct entry){it.key, it.val};
    if (!p->json)
        qsort(e, n, sizeof(*e), by_key);
    return e;
}

static str check_struct(const struct place *p, value v, const struct type *t)
{
    struct arena *a = p->arena;
    const struct entry *e = sorted(p, v);
    for (size_t i = 0; i < value_len(v); i++) {
        const struct field *f = field_of(t, e[i].key);
        if (!f && p->json)
            continue;
        if (!f)
            return arena_printf(a, "json: unknown field \"%.*s\"",
                                STR_FMT(str_sub(e[i].key, 0, 200)));
        str name = str_of(f->path ? f->path : f->name);
        struct place at = {a, p->json, t->name,
                           p->path.len ? ARENA_CAT(a, p->path, STR("."), name) : name};
        str wrong = check(&at, e[i].val, f->type);
        if (wrong.len)
            return wrong;
    }
    return STR("");
}

static str check_members(const struct place *p, value v, const struct type *of)
{
    const struct entry *e = value_is_map(v) ? sorted(p, v) : NULL;
    for (size_t i = 0; i < value_len(v); i++) {
        str wrong = check(p, e ? e[i].val : value_at(v, i), of);
        if (wrong.len)
            return wrong;
    }
    return STR("");
}

static str check(const struct place *p, value v, const struct type *t)
{
    bool scalar = !value_is_list(v) && !value_is_map(v);
    if (value_is_nil(v))
        return STR("");
    switch (t->shape) {
    case SHAPE_ANY: return STR("");
    case SHAPE_STRING: return value_is_string(v) ? STR("") : misfit(p, v, t->go);
    case SHAPE_SOFT_STRING:
        return value_is_string(v) || (scalar && !p->json) ? STR("") : misfit(p, v, t->go);
    case SHAPE_BOOL: return value_type(v) == VALUE_BOOL ? STR("") : misfit(p, v, t->go);
    case SHAPE_TIME:
        return value_is_string(v) ? go_time_complaint(value_str(v), p->arena)
                                  : STR("Time.UnmarshalJSON: input is not a JSON string");
    case SHAPE_LIST: return value_is_list(v) ? check_members(p, v, t->of) : misfit(p, v, t->go);
    case SHAPE_MAP: return value_is_map(v) ? check_members(p, v, t->of) : misfit(p, v, t->go);
    case SHAPE_STRUCT: return value_is_map(v) ? check_struct(p, v, t) : misfit(p, v, t->go);
    }
    return STR("");
}

str helm_index_complaint(value root, bool json, struct arena *a)
{
    return check(&(struct place){a, json, NULL, STR("")}, root, &index_file);
}

/* ---- entries helm keeps ---- */

static bool is_alias(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.at[i]) && !strchr("_-", s.at[i]))
            return false;
    return true;
}

static bool members_are_valid(value entry)
{
    for (struct value_iter it = value_iter(value_getz(entry, "maintainers")); value_next(&it);)
        if (value_is_nil(it.val))
            return false;
    for (struct value_iter it = value_iter(value_getz(entry, "dependencies")); value_next(&it);)
        if (value_is_nil(it.val) || !is_alias(value_str(value_getz(it.val, "alias"))))
            return false;
    return true;
}

bool helm_keeps_entry(value entry, str version_text)
{
    str name = value_str(value_getz(entry, "name")), type = value_str(value_getz(entry, "type"));
    if (!value_is_map(entry) || !name.len || str_is(name, ".") || str_is(name, "..") ||
        (name.len > 1 && str_find_char(name, '/') >= 0))
        return false;
    if (!chart_version_is_valid(version_text))
        return false;
    return (!type.len || str_is(type, "application") || str_is(type, "library")) &&
           members_are_valid(entry);
}

/* ---- Argo CD's reader ---- */

str argo_index_time_complaint(value root, struct arena *a)
{
    for (struct value_iter c = value_iter(value_getz(root, "entries")); value_next(&c);) {
        for (struct value_iter e = value_iter(c.val); value_next(&e);) {
            value created = value_getz(e.val, "created");
            if (!value_is_string(created) && !value_is_number(created))
                continue;
            str t = value_is_string(created) ? value_str(created)
                                             : json_str(a, created, AUDIENCE_WIRE, 0);
            str wrong =
                is_yaml_time(t) && !str_has(t, STR("T")) ? STR("") : go_time_complaint(t, a);
            if (wrong.len)
                return wrong;
        }
    }
    return STR("");
}

#define TYPE_ERRORS_MAX 10

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
    default: return "!!map";
    }
}

static void mismatch(struct type_errors *e, value v, const char *wanted)
{
    struct arena *a = e->arena;
    str shown = STR("");
    if (e->n++ >= TYPE_ERRORS_MAX)
        return;
    if (!value_is_list(v) && !value_is_map(v)) {
        str t = value_is_string(v) ? value_str(v) : json_str(a, v, AUDIENCE_WIRE, 0);
        bool cut = t.len > 10;
        shown = ARENA_CAT(a, STR(" `"), str_sub(t, 0, cut ? 7 : 10), cut ? STR("...`") : STR("`"));
    }
    e->text = ARENA_CAT(a, e->text,
                        arena_printf(a, "\n  line %u: cannot unmarshal %s%.*s into %s",
                                     value_pos(v).line, tag_of(v), STR_FMT(shown), wanted));
}

static void check_entry(struct type_errors *e, value entry)
{
    if (value_is_nil(entry))
        return;
    if (!value_is_map(entry)) {
        mismatch(e, entry, "helm.Entry");
        return;
    }
    value number = value_getz(entry, "version"), created = value_getz(entry, "created");
    if (value_is_list(number) || value_is_map(number))
        mismatch(e, number, "string");
    if (!value_is_nil(created) && !value_is_string(created) && !value_is_number(created))
        mismatch(e, created, "time.Time");
}

static void check_charts(struct type_errors *e, value root)
{
    value list = value_getz(root, "entries");
    if (value_is_nil(root))
        return;
    if (!value_is_map(root)) {
        mismatch(e, root, "helm.Index");
        return;
    }
    if (!value_is_nil(list) && !value_is_map(list)) {
        mismatch(e, list, "map[string]helm.Entries");
        return;
    }
    for (struct value_iter chart = value_iter(list); value_next(&chart);) {
        if (!value_is_nil(chart.val) && !value_is_list(chart.val)) {
            mismatch(e, chart.val, "helm.Entries");
            continue;
        }
        for (struct value_iter entry = value_iter(chart.val); value_next(&entry);)
            check_entry(e, entry.val);
    }
}

str argo_index_type_complaint(value root, struct arena *a)
{
    struct type_errors e = {a, STR("yaml: unmarshal errors:"), 0};
    check_charts(&e, root);
    return e.n ? e.text : STR("");
}
