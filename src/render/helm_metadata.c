/* Chart.yaml, requirements.yaml and Chart.lock into structs: a small decoder that follows
 * sigs.k8s.io/yaml into encoding/json: keys match without regard to case, plain scalars become text
 * where text is wanted, null changes nothing, and the first misfit is told after all is read. */
#include <stdio.h>
#include <string.h>

#include "lang/semver.h"
#include "render/helm_chart.h"
#include "value/number.h"
#include "value/text.h"
#include "value/yaml.h"
#include "value/yaml_node.h"

enum field_type { TEXT, FLAG, TEXTS, ANYTHING, TEXT_MAP, MAINTAINERS, DEPENDENCIES, TIME };

struct field {
    const char *key;
    enum field_type type;
    size_t offset;
};

struct record {
    const char *name; /* Go's name of the struct */
    const struct field *field;
    size_t n;
};

static const struct field maintainer_fields[] = {
    {"name", TEXT, offsetof(struct helm_maintainer, name)},
    {"email", TEXT, offsetof(struct helm_maintainer, email)},
    {"url", TEXT, offsetof(struct helm_maintainer, url)},
};
static const struct record maintainer_record = {"Maintainer", maintainer_fields,
                                                ARRAY_LEN(maintainer_fields)};

static const struct field dependency_fields[] = {
    {"name", TEXT, offsetof(struct helm_dependency, name)},
    {"version", TEXT, offsetof(struct helm_dependency, version)},
    {"repository", TEXT, offsetof(struct helm_dependency, repository)},
    {"condition", TEXT, offsetof(struct helm_dependency, condition)},
    {"tags", TEXTS, offsetof(struct helm_dependency, tags)},
    {"enabled", FLAG, offsetof(struct helm_dependency, enabled)},
    {"import-values", ANYTHING, offsetof(struct helm_dependency, import_values)},
    {"alias", TEXT, offsetof(struct helm_dependency, alias)},
};
static const struct record dependency_record = {"Dependency", dependency_fields,
                                                ARRAY_LEN(dependency_fields)};

static const struct field metadata_fields[] = {
    {"name", TEXT, offsetof(struct helm_metadata, name)},
    {"home", TEXT, offsetof(struct helm_metadata, home)},
    {"sources", TEXTS, offsetof(struct helm_metadata, sources)},
    {"version", TEXT, offsetof(struct helm_metadata, version)},
    {"description", TEXT, offsetof(struct helm_metadata, description)},
    {"keywords", TEXTS, offsetof(struct helm_metadata, keywords)},
    {"maintainers", MAINTAINERS, offsetof(struct helm_metadata, maintainers)},
    {"icon", TEXT, offsetof(struct helm_metadata, icon)},
    {"apiVersion", TEXT, offsetof(struct helm_metadata, api_version)},
    {"condition", TEXT, offsetof(struct helm_metadata, condition)},
    {"tags", TEXT, offsetof(struct helm_metadata, tags)},
    {"appVersion", TEXT, offsetof(struct helm_metadata, app_version)},
    {"deprecated", FLAG, offsetof(struct helm_metadata, deprecated)},
    {"annotations", TEXT_MAP, offsetof(struct helm_metadata, annotations)},
    {"kubeVersion", TEXT, offsetof(struct helm_metadata, kube_version)},
    {"dependencies", DEPENDENCIES, offsetof(struct helm_metadata, dependency)},
    {"type", TEXT, offsetof(struct helm_metadata, type)},
};
static const struct record metadata_record = {"Metadata", metadata_fields,
                                              ARRAY_LEN(metadata_fields)};

static const struct field lock_fields[] = {
    {"generated", TIME, offsetof(struct helm_lock, generated)},
    {"digest", TEXT, offsetof(struct helm_lock, digest)},
    {"dependencies", DEPENDENCIES, offsetof(struct helm_lock, dependency)},
};
static const struct record lock_record = {"Lock", lock_fields, ARRAY_LEN(lock_fields)};

struct decoding {
    struct arena *arena;
    const char *root;    /* Go's name of the outermost struct */
    const char *package; /* of those structs */
    str path;            /* of the field being read: "dependencies.name" */
    bool failed;
    str message; /* first misfit */
    str unknown; /* first key that no field has */
    bool has_unknown;
};

static const char *kind_name(value v)
{
    static const char *const names[] = {
        [VALUE_NONE] = "null",     [VALUE_NULL] = "null",   [VALUE_BOOL] = "bool",
        [VALUE_INT] = "number",    [VALUE_UINT] = "number", [VALUE_DOUBLE] = "number",
        [VALUE_STRING] = "string", [VALUE_LIST] = "array",  [VALUE_MAP] = "object",
    };
    return names[value_type(v)];
}

static void misfit(struct decoding *d, value v, const char *record, const char *go_type)
{
    if (d->failed)
        return;
    d->failed = true;
    d->message =
        arena_printf(d->arena, "json: cannot unmarshal %s into Go struct field %s.%.*s of type %s",
                     kind_name(v), record, STR_FMT(d->path), go_type);
}

/* strconv.FormatFloat(d, 'g', -1, 32): the shortest text that reads back as the same float. */
static str float_text(struct arena *a, double d)
{
    char at[40], best[40];
    float f = (float)d;
    for (int precision = 0; precision < 9; precision++) {
        float back = 0;
        snprintf(at, sizeof(at), "%.*e", precision, (double)f);
        if (sscanf(at, "%f", &back) == 1 && back == f)
            break;
    }
    /* d.ddde+XX -> Go's 'g': an exponent below -4 or from 6 on stays. */
    char *e = strchr(at, 'e');
    int64_t exponent = 0;
    if (!e || !str_to_i64(str_of(e + 1), &exponent))
        return str_of("NaN");
    if (exponent < -4 || exponent >= 6)
        return arena_printf(a, "%.*se%c%02d", (int)(e - at), at, exponent < 0 ? '-' : '+',
                            (int)(exponent < 0 ? -exponent : exponent));
    size_t digits = 0;
    for (char *p = at; p < e; p++)
        digits += *p >= '0' && *p <= '9';
    int after = (int)digits - 1 - (int)exponent;
    snprintf(best, sizeof(best), "%.*f", after > 0 ? after : 0, (double)f);
    return arena_str(a, str_of(best));
}

str helm_scalar_text(struct arena *a, value v)
{
    char at[NUMBER_PRINT_MAX];
    switch (value_type(v)) {
    case VALUE_INT: return arena_str(a, str_mem(at, number_print_int(value_int(v), at)));
    case VALUE_UINT: return arena_str(a, str_mem(at, number_print_uint(value_uint(v), at)));
    case VALUE_DOUBLE: return float_text(a, value_double(v));
    case VALUE_BOOL: return value_bool(v) ? STR("true") : STR("false");
    default: return value_str(v);
    }
}

/* "[]*v2.Maintainer" */
static const char *go_type(struct decoding *d, const char *prefix, const char *name)
{
    return arena_cstr(d->arena, arena_printf(d->arena, "%s%s.%s", prefix, d->package, name));
}

static bool is_scalar(value v) { return value_exists(v) && !value_is_map(v) && !value_is_list(v); }

static void decode_record(struct decoding *d, const struct record *r, value v, void *to);

static void decode_text(struct decoding *d, const char *record, value v, str *to)
{
    if (value_is_nil(v))
        return;
    if (is_scalar(v))
        *to = helm_scalar_text(d->arena, v);
    else
        misfit(d, v, record, "string");
}

static bool is_list_or_misfit(struct decoding *d, const char *record, value v, const char *go_type)
{
    if (value_is_list(v))
        return true;
    misfit(d, v, record, go_type);
    return false;
}

static void decode_texts(struct decoding *d, const char *record, value v, struct helm_strs *to)
{
    if (!is_list_or_misfit(d, record, v, "[]string"))
        return;
    to->n = 0;
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        str s = STR("");
        decode_text(d, record, it.val, &s);
        vec_push(d->arena, to, s);
    }
}

static void decode_text_map(struct decoding *d, const char *record, value v, value *to)
{
    if (!value_is_map(v)) {
        misfit(d, v, record, "map[string]string");
        return;
    }
    value map = value_new_map(d->arena);
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        str s = STR("");
        decode_text(d, record, it.val, &s);
        value_set(d->arena, map, it.key, value_of_str(d->arena, s));
    }
    *to = map;
}

static void decode_maintainers(struct decoding *d, const char *record, value v, void *field)
{
    struct helm_metadata *m = CONTAINER_OF(field, struct helm_metadata, maintainers);
    if (!is_list_or_misfit(d, record, v, go_type(d, "[]*", "Maintainer")))
        return;
    m->maintainers.n = 0;
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        struct helm_maintainer one = {.name = {NULL, SIZE_MAX}}; /* null: told by the check */
        if (!value_is_nil(it.val)) {
            one = (struct helm_maintainer){0};
            if (value_is_map(it.val))
                decode_record(d, &maintainer_record, it.val, &one);
            else
                misfit(d, it.val, record, go_type(d, "", "Maintainer"));
        }
        vec_push(d->arena, &m->maintainers, one);
    }
}

static struct helm_dependency *decode_dependencies(struct decoding *d, const char *record, value v,
                                                   size_t *ret_n)
{
    size_t n = value_len(v);
    struct helm_dependency *all = ARENA_ARRAY(d->arena, struct helm_dependency, n + 1);
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        if (value_is_nil(it.val))
            all[it.i].name = (str){NULL, SIZE_MAX};
        else if (value_is_map(it.val))
            decode_record(d, &dependency_record, it.val, &all[it.i]);
        else
            misfit(d, it.val, record, go_type(d, "", "Dependency"));
    }
    *ret_n = n;
    return all;
}

static void decode_dependency_list(struct decoding *d, const char *record, value v, void *field)
{
    size_t n = 0;
    if (!is_list_or_misfit(d, record, v, go_type(d, "[]*", "Dependency")))
        return;
    struct helm_dependency *all = decode_dependencies(d, record, v, &n);
    if (strcmp(d->root, "Lock") == 0) {
        struct helm_lock *l = CONTAINER_OF(field, struct helm_lock, dependency);
        l->dependency = all;
        l->n_dependencies = n;
        return;
    }
    struct helm_metadata *m = CONTAINER_OF(field, struct helm_metadata, dependency);
    m->dependency = all;
    m->n_dependencies = n;
    m->has_dependencies = true;
}

static void decode_field(struct decoding *d, const struct record *r, const struct field *f, value v,
                         void *record)
{
    void *to = (char *)record + f->offset;
    switch (f->type) {
    case TEXT:
    case TIME: decode_text(d, r->name, v, to); return;
    case FLAG:
        if (value_type(v) == VALUE_BOOL)
            *(bool *)to = value_bool(v);
        else
            misfit(d, v, r->name, "bool");
        return;
    case TEXTS: decode_texts(d, r->name, v, to); return;
    case ANYTHING:
        if (is_list_or_misfit(d, r->name, v, "[]interface {}"))
            *(value *)to = helm_values_as_float(d->arena, v);
        return;
    case TEXT_MAP: decode_text_map(d, r->name, v, to); return;
    case MAINTAINERS: decode_maintainers(d, r->name, v, to); return;
    case DEPENDENCIES: decode_dependency_list(d, r->name, v, to); return;
    }
}

static const struct field *find_field(const struct record *r, str key)
{
    for (size_t i = 0; i < r->n; i++)
        if (str_is(key, r->field[i].key))
            return &r->field[i];
    for (size_t i = 0; i < r->n; i++)
        if (str_ieq(key, str_of(r->field[i].key)))
            return &r->field[i];
    return NULL;
}

static void decode_record(struct decoding *d, const struct record *r, value v, void *to)
{
    value_sort_keys(d->arena, v, false); /* the JSON in between is sorted */
    str outer = d->path;
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        const struct field *f = find_field(r, it.key);
        if (!f && !d->has_unknown) {
            d->has_unknown = true;
            d->unknown = it.key;
        }
        if (!f || value_is_nil(it.val))
            continue;
        d->path = outer.len ? ARENA_CAT(d->arena, outer, STR("."), str_of(f->key)) : str_of(f->key);
        decode_field(d, r, f, it.val, to);
    }
    d->path = outer;
}

/* A number that was written with a point or an exponent: Go makes text of the float. */
static bool is_written_as_float(const struct yaml_node *n)
{
    str text = n && n->kind == YAML_NODE_SCALAR ? n->text : STR("");
    if (str_has(text, STR("x")) || str_has(text, STR("X")))
        return false;
    return str_find_char(text, 'e') >= 0 || str_find_char(text, 'E') >= 0 ||
           str_find_char(text, '.') >= 0;
}

/* The reader makes integers of whole numbers however they are written. */
static void restore_floats(struct arena *a, value io, const struct yaml_node *written)
{
    bool is_map = value_is_map(io);
    while (written && written->alias)
        written = written->alias;
    for (size_t i = 0, n = is_map || value_is_list(io) ? value_len(io) : 0; written && i < n; i++) {
        value child = is_map ? value_val(io, i) : value_at(io, i);
        const struct yaml_node *as = is_map ? yaml_node_get(written, value_key(io, i))
                                     : i < written->n_children ? written->child[i]
                                                               : NULL;
        if (value_type(child) != VALUE_INT && value_type(child) != VALUE_UINT) {
            restore_floats(a, child, as);
            continue;
        }
        if (!is_written_as_float(as))
            continue;
        value now = value_of_double(a, value_double(child));
        if (is_map)
            value_set(a, io, value_key(io, i), now);
        else
            value_put(a, io, i, now);
    }
}

static void read_floats(str text, struct arena *a, value io)
{
    struct yaml_node *root = NULL;
    struct err ignored;
    if (!yaml_node_parse(text, NULL, a, &root, &ignored))
        restore_floats(a, io, root);
}

static int decode(str text, enum helm_level level, const struct record *r, struct arena *a,
                  void *to, struct err *err)
{
    struct decoding d = {.arena = a,
                         .root = r->name,
                         .package = level == HELM_LEVEL_3 ? "chart" : "v2"};
    value v = VALUE_ABSENT;
    if (yaml_parse(text, NULL, a, &v, err))
        return err_wrap(err, "error converting YAML to JSON");
    if (value_is_map(v)) {
        read_floats(text, a, v);
        decode_record(&d, r, v, to);
    } else if (!value_is_nil(v)) {
        d.failed = true;
        d.message = arena_printf(a, "json: cannot unmarshal %s into Go value of type %s",
                                 kind_name(v), go_type(&d, "", r->name));
    }
    return d.failed
               ? err_set(err, ERR_INVALID, "error unmarshaling JSON: while decoding JSON: %.*s",
                         STR_FMT(d.message))
               : 0;
}

int helm_metadata_parse(str text, enum helm_level level, struct arena *a, struct helm_metadata *io,
                        struct err *err)
{
    return decode(text, level, &metadata_record, a, io, err);
}

int helm_lock_parse(str text, enum helm_level level, struct arena *a, struct helm_lock *io,
                    struct err *err)
{
    *io = (struct helm_lock){.exists = true};
    return decode(text, level, &lock_record, a, io, err);
}

static str quoted(struct arena *a, str s)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    text_quote(s, &b);
    return arena_str(a, buf_str(&b));
}

int helm_metadata_strict(str text, enum helm_level level, struct arena *a, struct err *err)
{
    struct helm_metadata ignored = {0};
    struct decoding d = {.arena = a,
                         .root = metadata_record.name,
                         .package = level == HELM_LEVEL_3 ? "chart" : "v2"};
    struct yaml_input in = {.strict = true};
    value v = VALUE_ABSENT;
    if (yaml_parse(text, &in, a, &v, err))
        return err_wrap(err, "error converting YAML to JSON");
    if (value_is_map(v))
        decode_record(&d, &metadata_record, v, &ignored);
    if (!d.has_unknown)
        return 0;
    return err_set(err, ERR_INVALID,
                   "error unmarshaling JSON: while decoding JSON: json: unknown field %.*s",
                   STR_FMT(quoted(a, d.unknown)));
}

/* ---- check ---- */

static const struct {
    uint32_t from, to;
    char as; /* 0: dropped */
} odd_runes[] = {
    {0x09, 0x0d, ' '},     {0x00, 0x1f, 0},       {0x85, 0x85, ' '},     {0x7f, 0x9f, 0},
    {0xa0, 0xa0, ' '},     {0xad, 0xad, 0},       {0x1680, 0x1680, ' '}, {0x2000, 0x200a, ' '},
    {0x200b, 0x200f, 0},   {0x2028, 0x2029, ' '}, {0x202a, 0x202e, 0},   {0x202f, 0x202f, ' '},
    {0x205f, 0x205f, ' '}, {0x2060, 0x206f, 0},   {0x3000, 0x3000, ' '}, {0xd800, 0xf8ff, 0},
    {0xfeff, 0xfeff, 0},   {0xfff0, 0xfffb, 0},   {0xfffe, 0xffff, 0},   {0xe0000, 0x10ffff, 0},
};

/* Unicode spaces become ' ', what is not printable goes. */
static str clean(struct arena *a, str s)
{
    bool odd = false;
    for (size_t i = 0; i < s.len && !odd; i++)
        odd = (unsigned char)s.at[i] < ' ' || (unsigned char)s.at[i] >= 0x7f;
    if (!odd)
        return s;
    char *at = arena_alloc(a, s.len * 3 + 1);
    size_t n = 0;
    for (const char *p = s.at, *end = s.at + s.len; p < end;) {
        uint32_t rune;
        unsigned len = utf8_decode(p, end, &rune);
        size_t i = 0;
        while (i < ARRAY_LEN(odd_runes) && (rune < odd_runes[i].from || rune > odd_runes[i].to))
            i++;
        if (i == ARRAY_LEN(odd_runes))
            n += utf8_encode(rune, at + n);
        else if (odd_runes[i].as)
            at[n++] = odd_runes[i].as;
        p += len;
    }
    return str_mem(at, n);
}

static void clean_all(struct arena *a, struct helm_strs *l)
{
    for (size_t i = 0; i < l->n; i++)
        l->at[i] = clean(a, l->at[i]);
}

static bool is_alias(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (!((c | 32) >= 'a' && (c | 32) <= 'z') && !(c >= '0' && c <= '9') && c != '_' &&
            c != '-')
            return false;
    }
    return true;
}

#define INVALID(...) err_set(err, ERR_INVALID, "validation: " __VA_ARGS__)

static int check_dependency(struct arena *a, struct helm_dependency *d, struct err *err)
{
    if (d->name.len == SIZE_MAX)
        return INVALID("dependencies must not contain empty or null nodes");
    d->name = clean(a, d->name);
    d->version = clean(a, d->version);
    d->repository = clean(a, d->repository);
    d->condition = clean(a, d->condition);
    clean_all(a, &d->tags);
    if (!is_alias(d->alias))
        return INVALID("dependency %.*s has disallowed characters in the alias",
                       STR_FMT(quoted(a, d->name)));
    return 0;
}

static str dependency_key(const struct helm_dependency *d)
{
    return d->alias.len ? d->alias : d->name;
}

static int check_dependencies(struct arena *a, struct helm_metadata *m, struct err *err)
{
    for (size_t i = 0; i < m->n_dependencies; i++) {
        int rc = check_dependency(a, &m->dependency[i], err);
        if (rc)
            return rc;
        str key = dependency_key(&m->dependency[i]);
        for (size_t j = 0; j < i; j++)
            if (str_eq(dependency_key(&m->dependency[j]), key))
                return INVALID("more than one dependency with name or alias %.*s",
                               STR_FMT(quoted(a, key)));
    }
    return 0;
}

static int check_maintainers(struct arena *a, struct helm_metadata *m, struct err *err)
{
    for (size_t i = 0; i < m->maintainers.n; i++) {
        struct helm_maintainer *one = &m->maintainers.at[i];
        if (one->name.len == SIZE_MAX)
            return INVALID("maintainers must not contain empty or null nodes");
        one->name = clean(a, one->name);
        one->email = clean(a, one->email);
        one->url = clean(a, one->url);
    }
    return 0;
}

/* filepath.Base */
static str go_base(str p)
{
    while (p.len > 1 && p.at[p.len - 1] == '/')
        p.len--;
    return p.len > 1 || !str_is(p, "/") ? files_path_base(p) : p;
}

static int check_name_and_version(struct arena *a, enum helm_level level,
                                  const struct helm_metadata *m, struct err *err)
{
    struct semver v;
    struct err ignored;
    if (!m->api_version.len)
        return INVALID("chart.metadata.apiVersion is required");
    if (!m->name.len)
        return INVALID("chart.metadata.name is required");
    if (level != HELM_LEVEL_3 && (str_is(m->name, ".") || str_is(m->name, "..")))
        return INVALID("chart.metadata.name %.*s is not allowed", STR_FMT(quoted(a, m->name)));
    if (!str_eq(m->name, go_base(m->name)))
        return INVALID("chart.metadata.name %.*s is invalid", STR_FMT(quoted(a, m->name)));
    if (!m->version.len)
        return INVALID("chart.metadata.version is required");
    if (semver_parse(m->version, &v, &ignored))
        return INVALID("chart.metadata.version %.*s is invalid", STR_FMT(quoted(a, m->version)));
    if (m->type.len && !str_is(m->type, "application") && !str_is(m->type, "library"))
        return INVALID("chart.metadata.type must be application or library");
    return 0;
}

int helm_metadata_check(struct arena *a, enum helm_level level, struct helm_metadata *m,
                        struct err *err)
{
    str *const texts[] = {&m->name,      &m->description, &m->home,        &m->icon,
                          &m->condition, &m->tags,        &m->app_version, &m->kube_version};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = clean(a, *texts[i]);
    clean_all(a, &m->sources);
    clean_all(a, &m->keywords);
    int rc = check_name_and_version(a, level, m, err);
    if (!rc)
        rc = check_maintainers(a, m, err);
    return rc ? rc : check_dependencies(a, m, err);
}

/* ---- asking ---- */

str helm_chart_path(struct arena *a, const struct helm_chart *c)
{
    return c->parent
               ? ARENA_CAT(a, helm_chart_path(a, c->parent), STR("/charts/"), helm_chart_name(c))
               : helm_chart_name(c);
}

bool helm_chart_is_library(const struct helm_chart *c)
{
    return str_ieq(c->metadata->type, STR("library"));
}

bool helm_is_compatible(struct arena *a, str constraint, str version)
{
    struct semver v;
    const struct semver_constraint *c;
    struct err ignored;
    return !semver_parse(version, &v, &ignored) &&
           !semver_constraint_parse(constraint, a, &c, &ignored) && semver_constraint_check(c, &v);
}

static bool is_manifest(str name)
{
    str base = files_path_base(name);
    ptrdiff_t dot = str_rfind_char(base, '.');
    str ext = dot < 0 ? STR("") : str_from(base, (size_t)dot);
    return str_ieq(ext, STR(".yaml")) || str_ieq(ext, STR(".yml")) || str_ieq(ext, STR(".json"));
}

struct crds {
    struct helm_crd *at;
    size_t n, cap;
};

static void add_crds(struct arena *a, const struct helm_chart *c, struct crds *to)
{
    for (size_t i = 0; i < c->files.n; i++) {
        const struct helm_file *f = &c->files.at[i];
        if (str_starts(f->name, STR("crds/")) && is_manifest(f->name)) {
            struct helm_crd crd = {ARENA_CAT(a, helm_chart_path(a, c), STR("/"), f->name), f};
            vec_push(a, to, crd);
        }
    }
    for (size_t i = 0; i < c->n_dependencies; i++)
        add_crds(a, c->dependency[i], to);
}

size_t helm_chart_crds(struct arena *a, const struct helm_chart *c, struct helm_crd **ret)
{
    struct crds all = {0};
    add_crds(a, c, &all);
    *ret = all.at;
    return all.n;
}
