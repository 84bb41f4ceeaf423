/* A chart out of a folder or an archive: walk, sort files by role, load subcharts. */
#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "files/read_set.h"
#include "render/helm_chart.h"
#include "value/doc.h"
#include "value/json.h"
#include "value/yaml.h"

/* ---- log lines ---- */

static bool log_needs_quotes(str s)
{
    if (!s.len)
        return true;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c <= ' ' || c == '"' || c == '=' || c == 0x7f)
            return true;
    }
    return false;
}

static void log_value(struct buf *b, str s)
{
    if (!log_needs_quotes(s)) {
        buf_add(b, s);
        return;
    }
    buf_addc(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else if (c == '\n')
            buf_addz(b, "\\n");
        else if (c == '\t')
            buf_addz(b, "\\t");
        else if (c == '\r')
            buf_addz(b, "\\r");
        else if ((unsigned char)c < ' ' || c == 0x7f)
            buf_printf(b, "\\x%02x", (unsigned char)c);
        else
            buf_addc(b, c);
    }
    buf_addc(b, '"');
}

void helm_log_add(struct helm_log *l, const char *severity, str msg, ...)
{
    if (!l || l->level == HELM_LEVEL_3)
        return;
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    buf_printf(&b, "level=%s msg=", severity);
    log_value(&b, msg);
    va_list args;
    va_start(args, msg);
    for (const char *key; (key = va_arg(args, const char *)) != NULL;) {
        buf_printf(&b, " %s=", key);
        log_value(&b, va_arg(args, str));
    }
    va_end(args);
    vec_push(l->arena, &l->lines, arena_str(l->arena, buf_str(&b)));
}

void helm_log_add3(struct helm_log *l, const char *place, const char *format, ...)
{
    if (!l || l->level != HELM_LEVEL_3)
        return;
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    va_list args;
    buf_addz(&b, place);
    va_start(args, format);
    buf_vprintf(&b, format, args);
    va_end(args);
    vec_push(l->arena, &l->lines, arena_str(l->arena, buf_str(&b)));
}

/* ---- values ---- */

value helm_values_as_float(struct arena *a, value v)
{
    switch (value_type(v)) {
    case VALUE_INT:
    case VALUE_UINT: return value_of_double(a, value_double(v));
    case VALUE_LIST:
        for (size_t i = 0, n = value_len(v); i < n; i++)
            value_put(a, v, i, helm_values_as_float(a, value_at(v, i)));
        return v;
    case VALUE_MAP:
        for (size_t i = 0, n = value_len(v); i < n; i++) {
            value child = value_val(v, i), now = helm_values_as_float(a, child);
            if (now.at != child.at)
                value_set(a, v, value_key(v, i), now);
        }
        return v;
    default: return v;
    }
}

static value merge_maps(struct arena *a, value base, value over)
{
    for (struct value_iter it = value_iter(over); value_next(&it);) {
        value was = value_get(base, it.key);
        if (value_is_map(it.val) && value_is_map(was))
            merge_maps(a, was, it.val);
        else
            value_set(a, base, it.key, it.val);
    }
    return base;
}

static const char *json_name(value v)
{
    static const char *const names[] = {
        [VALUE_NONE] = "null",     [VALUE_NULL] = "null",   [VALUE_BOOL] = "bool",
        [VALUE_INT] = "number",    [VALUE_UINT] = "number", [VALUE_DOUBLE] = "number",
        [VALUE_STRING] = "string", [VALUE_LIST] = "array",  [VALUE_MAP] = "object",
    };
    return names[value_type(v)];
}

/* What follows the first document is not looked at. */
static int parse_document(str text, struct arena *a, value *io, struct err *err)
{
    value v = VALUE_ABSENT;
    if (yaml_parse(text, NULL, a, &v, err))
        return err_wrap(err, "error converting YAML to JSON");
    if (value_is_nil(v))
        return 0;
    if (!value_is_map(v))
        return err_set(err, ERR_INVALID,
                       "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal %s "
                       "into Go value of type map[string]interface {}",
                       json_name(v));
    v = helm_values_as_float(a, v);
    *io = value_len(*io) ? merge_maps(a, *io, v) : v;
    return 0;
}

static void drop_document(void *doc) { doc_unref(doc); }

value helm_values_freeze(struct arena *a, value v)
{
    struct doc *d = doc_freeze(v, 0);
    arena_on_done(a, drop_document, d);
    return doc_root(d);
}

static int add_document(str text, struct arena *a, value *io, struct err *err)
{
    return parse_document(text, a, io, err) ? err_wrap(err, "cannot unmarshal yaml document") : 0;
}

/* Documents as apimachinery's YAMLReader cuts them: a line beginning "---" ends one. */
static int parse_documents(str text, struct arena *a, value *io, struct err *err)
{
    str rest = text, line;
    const char *from = text.at;
    bool has_bytes = false;
    while (str_next(&rest, '\n', &line)) {
        if (!str_starts(line, STR("---"))) {
            has_bytes = has_bytes || line.len || rest.at;
            continue;
        }
        str after = str_trim(str_from(line, 3));
        if (after.len && after.at[0] != '#')
            return err_set(err, ERR_INVALID,
                           "error reading yaml document: invalid Yaml document separator: %.*s",
                           STR_FMT(after));
        if (has_bytes) {
            int rc = add_document(str_mem(from, (size_t)(line.at - from)), a, io, err);
            if (rc)
                return rc;
            from = rest.at ? rest.at : text.at + text.len;
            has_bytes = false;
        } else
            has_bytes = true; /* the separator stays as the first line of what follows */
    }
    return from ? add_document(str_mem(from, (size_t)(text.at + text.len - from)), a, io, err) : 0;
}

int helm_values_parse(str text, enum helm_level level, struct arena *a, value *ret, struct err *err)
{
    value all = value_new_map(a);
    int rc = level == HELM_LEVEL_3 ? parse_document(text, a, &all, err)
                                   : parse_documents(text, a, &all, err);
    if (!rc)
        *ret = all;
    return rc;
}

/* ---- subcharts ---- */

static str extension(str name)
{
    str base = files_path_base(name);
    ptrdiff_t dot = str_rfind_char(base, '.');
    return dot < 0 ? STR("") : str_from(base, (size_t)dot);
}

struct loading {
    struct arena *arena;
    struct helm_log *log;
    unsigned depth;
    bool freezes;       /* values: the chart will be kept */
    size_t *files_left; /* over the whole tree */
};

static int load(struct loading *l, struct helm_files *files, struct helm_chart **ret,
                struct err *err);

void helm_chart_add(struct arena *a, struct helm_chart *c, struct helm_chart *sub)
{
    if (c->n_dependencies == c->cap_dependencies) {
        size_t cap = c->cap_dependencies ? c->cap_dependencies * 2 : 8;
        c->dependency =
            arena_grow(a, c->dependency, c->n_dependencies * sizeof(struct helm_chart *),
                       cap * sizeof(struct helm_chart *));
        c->cap_dependencies = cap;
    }
    sub->parent = c;
    c->merges = NULL; /* of what it was without this one */
    c->dependency[c->n_dependencies++] = sub;
}

/* The files of one entry below charts/: `files` still carry its name as first part. */
static int load_subchart(struct loading *l, struct helm_chart *c, str name,
                         struct helm_files *files, struct err *err)
{
    struct helm_chart *sub = NULL;
    struct loading below = *l;
    int rc = 0;
    below.depth++;
    if (str_is(extension(name), ".tgz")) {
        struct helm_files inner = {0};
        if (!str_eq(files->at[0].name, name))
            return err_set(err, ERR_INVALID,
                           "error unpacking subchart tar in %.*s: expected %.*s, got %.*s",
                           STR_FMT(helm_chart_name(c)), STR_FMT(name), STR_FMT(files->at[0].name));
        rc = helm_archive_read(files->at[0].data, l->arena, &inner, err);
        for (size_t i = 0; i < inner.n; i++)
            inner.at[i].kept = files->at[0].kept;
        if (!rc)
            rc = load(&below, &inner, &sub, err);
    } else {
        struct helm_files inner = {0};
        for (size_t i = 0; i < files->n; i++) {
            struct helm_file f = files->at[i];
            str first;
            if (!str_cut(f.name, '/', &first, &f.name))
                continue;
            vec_push(l->arena, &inner, f);
        }
        rc = load(&below, &inner, &sub, err);
    }
    if (rc)
        return err_wrap(err, "error unpacking subchart %.*s in %.*s", STR_FMT(name),
                        STR_FMT(helm_chart_name(c)));
    assert(sub);
    helm_chart_add(l->arena, c, sub);
    return 0;
}

static int load_subcharts(struct loading *l, struct helm_chart *c, const struct helm_files *below,
                          struct err *err)
{
    struct map groups;
    map_init(&groups, l->arena);
    for (size_t i = 0; i < below->n; i++) {
        str name, rest;
        str_cut(below->at[i].name, '/', &name, &rest);
        struct helm_files *group = map_find(&groups, name);
        if (!group) {
            group = ARENA_NEW(l->arena, struct helm_files);
            map_set(&groups, name, group);
        }
        vec_push(l->arena, group, below->at[i]);
    }
    str name;
    void *group;
    for (size_t i = 0; map_next(&groups, &i, &name, &group);) {
        if (!name.len || name.at[0] == '_' || name.at[0] == '.') {
            if (name.len)
                continue;
        }
        int rc = load_subchart(l, c, name, group, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- roles ---- */

static int take_chart_yaml(struct loading *l, struct helm_chart *c, const struct helm_files *files,
                           struct err *err)
{
    for (size_t i = 0; i < files->n; i++) {
        const struct helm_file *f = &files->at[i];
        vec_push(l->arena, &c->raw, *f);
        if (!str_is(f->name, "Chart.yaml"))
            continue;
        if (!c->metadata)
            c->metadata = ARENA_NEW(l->arena, struct helm_metadata);
        if (helm_metadata_parse(f->data, l->log->level, l->arena, c->metadata, err))
            return err_wrap(err, "cannot load Chart.yaml");
        if (!c->metadata->api_version.len)
            c->metadata->api_version = STR("v1");
    }
    return 0;
}

static bool is_v1(const struct helm_chart *c) { return str_is(c->metadata->api_version, "v1"); }

static int take_requirements(struct loading *l, struct helm_chart *c, const struct helm_file *f,
                             struct err *err)
{
    if (!c->metadata)
        c->metadata = ARENA_NEW(l->arena, struct helm_metadata);
    if (!is_v1(c)) {
        static const char text[] = "Warning: Dependencies are handled in Chart.yaml since "
                                   "apiVersion \"v2\". We recommend migrating dependencies to "
                                   "Chart.yaml.";
        helm_log_add(l->log, "INFO", str_of(text), NULL);
        helm_log_add3(l->log, "load.go:120: ", "%s", text);
    }
    if (helm_metadata_parse(f->data, l->log->level, l->arena, c->metadata, err))
        return err_wrap(err, "cannot load requirements.yaml");
    if (is_v1(c))
        vec_push(l->arena, &c->files, *f);
    return 0;
}

static int take_requirements_lock(struct loading *l, struct helm_chart *c,
                                  const struct helm_file *f, struct err *err)
{
    if (helm_lock_parse(f->data, l->log->level, l->arena, &c->lock, err))
        return err_wrap(err, "cannot load requirements.lock");
    if (!c->metadata)
        c->metadata = ARENA_NEW(l->arena, struct helm_metadata);
    if (!is_v1(c)) {
        static const char text[] = "Warning: Dependency locking is handled in Chart.lock since "
                                   "apiVersion \"v2\". We recommend migrating to Chart.lock.";
        helm_log_add(l->log, "INFO", str_of(text), NULL);
        helm_log_add3(l->log, "load.go:138: ", "%s", text);
    } else
        vec_push(l->arena, &c->files, *f);
    return 0;
}

static int take_lock(struct loading *l, struct helm_chart *c, const struct helm_file *f,
                     struct err *err)
{
    return helm_lock_parse(f->data, l->log->level, l->arena, &c->lock, err)
               ? err_wrap(err, "cannot load Chart.lock")
               : 0;
}

static int take_values(struct loading *l, struct helm_chart *c, const struct helm_file *f,
                       struct err *err)
{
    if (!l->freezes)
        return helm_values_parse(f->data, l->log->level, l->arena, &c->values, err)
                   ? err_wrap(err, "cannot load values.yaml")
                   : 0;
    struct arena scratch;
    arena_init(&scratch, l->arena->bytes_max);
    scratch.on_full = l->arena->on_full;
    scratch.on_full_arg = l->arena->on_full_arg;
    value v;
    int rc = helm_values_parse(f->data, l->log->level, &scratch, &v, err);
    if (!rc)
        c->values = helm_values_freeze(l->arena, v);
    arena_done(&scratch);
    return rc ? err_wrap(err, "cannot load values.yaml") : 0;
}

static int take_schema(struct loading *l, struct helm_chart *c, const struct helm_file *f,
                       struct err *err)
{
    (void)l, (void)err;
    c->has_schema = true;
    c->schema = f->data;
    return 0;
}

static int take_nothing(struct loading *l, struct helm_chart *c, const struct helm_file *f,
                        struct err *err)
{
    (void)l, (void)c, (void)f, (void)err;
    return 0;
}

static const struct {
    const char *name;
    int (*take)(struct loading *l, struct helm_chart *c, const struct helm_file *f,
                struct err *err);
} roles[] = {
    {"Chart.yaml", take_nothing},
    {"Chart.lock", take_lock},
    {"values.yaml", take_values},
    {"values.schema.json", take_schema},
    {"requirements.yaml", take_requirements},
    {"requirements.lock", take_requirements_lock},
};

static int take_file(struct loading *l, struct helm_chart *c, const struct helm_file *f,
                     struct helm_files *io_below, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        if (str_is(f->name, roles[i].name))
            return roles[i].take(l, c, f, err);
    if (str_starts(f->name, STR("templates/")))
        vec_push(l->arena, &c->templates, *f);
    else if (str_starts(f->name, STR("charts/")) && !str_is(extension(f->name), ".prov")) {
        struct helm_file sub = *f;
        sub.name = str_from(f->name, strlen("charts/"));
        vec_push(l->arena, io_below, sub);
    } else
        vec_push(l->arena, &c->files, *f);
    return 0;
}

static int load(struct loading *l, struct helm_files *files, struct helm_chart **ret,
                struct err *err)
{
    struct helm_chart *c = ARENA_NEW(l->arena, struct helm_chart);
    struct helm_files below = {0};
    if (l->depth > HELM_DEPTH_MAX)
        return err_set(err, ERR_TOO_LARGE, "subcharts are nested deeper than %d", HELM_DEPTH_MAX);
    if (files->n > *l->files_left)
        return err_set(err, ERR_TOO_LARGE, "the chart has more than %d files", HELM_FILES_MAX);
    *l->files_left -= files->n;
    c->values = value_new_map(l->arena);
    int rc = take_chart_yaml(l, c, files, err);
    for (size_t i = 0; !rc && i < files->n; i++)
        rc = take_file(l, c, &files->at[i], &below, err);
    if (rc)
        return rc;
    if (!c->metadata)
        return err_set(err, ERR_INVALID, "Chart.yaml file is missing");
    rc = helm_metadata_check(l->arena, l->log->level, c->metadata, err);
    if (!rc)
        rc = load_subcharts(l, c, &below, err);
    if (rc)
        return rc;
    *ret = c;
    return 0;
}

static int load_root(struct helm_files *files, bool freezes, struct arena *a, struct helm_log *log,
                     struct helm_chart **ret, struct err *err)
{
    size_t left = HELM_FILES_MAX;
    struct loading l = {.arena = a, .log = log, .freezes = freezes, .files_left = &left};
    return load(&l, files, ret, err);
}

int helm_load_files(struct helm_files *files, struct arena *a, struct helm_log *log,
                    struct helm_chart **ret, struct err *err)
{
    return load_root(files, false, a, log, ret, err);
}

/* ---- where charts come from ---- */

static const struct helm_file *find_chart_yaml(const struct helm_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        if (str_is(files->at[i].name, "Chart.yaml"))
            return &files->at[i];
    return NULL;
}

/* Which loader? Only the chart's apiVersion is looked at. Helm 3 has one loader and does not ask.
 */
static int check_version(str chart_yaml, const struct helm_log *log, struct arena *a,
                         struct err *err)
{
    struct helm_metadata m = {0};
    value v = VALUE_ABSENT;
    if (log->level == HELM_LEVEL_3 || log->any_version)
        return 0;
    if (yaml_parse(chart_yaml, NULL, a, &v, err))
        return err_wrap(err, "cannot load Chart.yaml: error converting YAML to JSON");
    if (!value_is_nil(v) && !value_is_map(v))
        return err_set(err, ERR_INVALID,
                       "cannot load Chart.yaml: error unmarshaling JSON: while decoding JSON: "
                       "json: cannot unmarshal %s into Go value of type loader.chartBase",
                       json_name(v));
    m.api_version = value_str(value_getz(v, "apiVersion"));
    if (m.api_version.len && !str_is(m.api_version, "v1") && !str_is(m.api_version, "v2"))
        return err_set(err, ERR_INVALID, "unsupported chart version");
    return 0;
}

int helm_load_archive(str bytes, str shown, struct arena *a, struct helm_log *log,
                      struct helm_chart **ret, struct err *err)
{
    struct helm_files files = {0};
    if (helm_archive_read(bytes, a, &files, err)) {
        if (!shown.len || err->kind == ERR_TOO_LARGE || log->level == HELM_LEVEL_3)
            return -err->kind;
        return err_set(err, err->kind, "unable to load chart archive");
    }
    const struct helm_file *chart_yaml = find_chart_yaml(&files);
    if (!chart_yaml && log->level != HELM_LEVEL_3)
        return err_set(err, ERR_INVALID, "unable to detect chart version, no Chart.yaml found");
    int rc = chart_yaml ? check_version(chart_yaml->data, log, a, err) : 0;
    return rc ? rc : helm_load_files(&files, a, log, ret, err);
}

struct walking {
    struct files *files;
    str root, shown;
    struct helm_ignore *ignore;
    struct arena *arena;
    struct helm_log *log;
    struct helm_reader *reader; /* NULL: nothing is late */
    unsigned links; /* folders above that are links: names below them are not resolved */
    struct helm_files found;
};

static str below(struct arena *a, str folder, str name)
{
    return folder.len ? ARENA_CAT(a, folder, STR("/"), name) : name;
}

/* A path of the tree as messages name it. */
static str shown_path(const struct walking *w, str path)
{
    if (!w->root.len)
        return ARENA_CAT(w->arena, w->shown, STR("/"), path);
    if (str_starts(path, w->root) && (path.len == w->root.len || path.at[w->root.len] == '/'))
        return ARENA_CAT(w->arena, w->shown, str_from(path, w->root.len));
    return str_starts(w->shown, STR("/")) ? ARENA_CAT(w->arena, STR("/"), path) : path;
}

static int walk(struct walking *w, str folder, unsigned depth, struct err *err);

/* Loading needs the files with a role, templates, and archives of subcharts. */
static bool is_needed(str name)
{
    str below_charts, chart, rest;
    while (str_starts(name, STR("charts/"))) {
        below_charts = str_from(name, strlen("charts/"));
        if (!str_cut(below_charts, '/', &chart, &rest) || str_is(extension(chart), ".tgz"))
            return true;
        name = rest;
    }
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        if (str_is(name, roles[i].name))
            return true;
    return str_starts(name, STR("templates/"));
}

static int too_large(str name, struct err *err)
{
    return err_set(err, ERR_TOO_LARGE,
                   "chart file \"%.*s\" is larger than the maximum file size %zu",
                   STR_FMT(files_path_base(name)), HELM_FILE_BYTES_MAX);
}

/* *ret_late: the file waits until somebody asks. */
static int take_late(struct walking *w, str name, const struct file_entry *e, bool *ret_late,
                     struct err *err)
{
    size_t bytes;
    *ret_late = false;
    if (!w->reader || w->links || !e->id.len || is_needed(name))
        return 0;
    int rc = files_size(w->files, e->name, &bytes, err);
    if (rc)
        return rc == -ERR_UNSUPPORTED ? 0 : rc;
    if (bytes > HELM_FILE_BYTES_MAX)
        return too_large(name, err);
    struct helm_late *late = ARENA_NEW(w->arena, struct helm_late);
    *late = (struct helm_late){.reader = w->reader, .entry = *e};
    struct helm_file f = {.name = name, .id = e->id, .late = late, .kept = true};
    vec_push(w->arena, &w->found, f);
    *ret_late = true;
    return 0;
}

static int walk_file(struct walking *w, str name, const struct file_entry *e, struct err *err)
{
    struct helm_file f = {.name = name, .id = e->id, .kept = w->reader != NULL};
    bool late;
    if (w->found.n >= HELM_FILES_MAX)
        return err_set(err, ERR_TOO_LARGE, "the chart has more than %d files", HELM_FILES_MAX);
    int rc = take_late(w, name, e, &late, err);
    if (rc || late)
        return rc;
    rc = files_read(w->files, below(w->arena, w->root, name), HELM_FILE_BYTES_MAX, w->arena,
                    &f.data, err);
    if (rc == -ERR_TOO_LARGE)
        return too_large(name, err);
    if (rc)
        return rc;
    f.data = str_trim_prefix(f.data, STR("\xef\xbb\xbf"));
    vec_push(w->arena, &w->found, f);
    return 0;
}

str helm_file_data(const struct helm_file *f)
{
    struct helm_late *late = f->late;
    if (!late)
        return f->data;
    struct helm_reader *r = late->reader;
    assert(r->files);
    if (r->files->reads)
        read_set_add(r->files->reads, READ_FILE, late->entry.kind, &late->entry.id,
                     late->entry.name);
    if (!late->data.at) {
        struct read_set *reads = r->files->reads;
        str data = STR("");
        r->files->reads = NULL; /* told above, also when the bytes are here */
        int rc = files_read(r->files, late->entry.name, HELM_FILE_BYTES_MAX, r->arena, &data,
                            r->rc ? NULL : &r->err);
        r->files->reads = reads;
        if (rc && !r->rc)
            r->rc = rc;
        if (rc)
            return STR("");
        late->data = str_trim_prefix(data, STR("\xef\xbb\xbf"));
    }
    return late->data;
}

/* e->name: the file's path below the root of files. */
static int walk_entry(struct walking *w, str name, struct file_entry e, unsigned depth,
                      struct err *err)
{
    bool is_link = e.kind == FILE_LINK;
    e.name = below(w->arena, w->root, name);
    if (is_link) {
        int rc = files_stat(w->files, e.name, true, w->arena, &e, err);
        if (rc)
            return rc;
        if (e.kind == FILE_MISSING)
            return err_set(err, ERR_INVALID,
                           "error evaluating symlink %.*s/%.*s: lstat %.*s: no such file or "
                           "directory",
                           STR_FMT(w->shown), STR_FMT(name), STR_FMT(shown_path(w, e.name)));
        str resolved = shown_path(w, e.name);
        helm_log_add(w->log, "INFO",
                     STR("found symbolic link in path. Contents of linked file included and used"),
                     "path", ARENA_CAT(w->arena, w->shown, STR("/"), name), "resolved", resolved,
                     NULL);
        helm_log_add3(w->log, "walk.go:75: ",
                      "found symbolic link in path: %.*s/%.*s resolves to %.*s. Contents of linked "
                      "file included and used",
                      STR_FMT(w->shown), STR_FMT(name), STR_FMT(resolved));
    }
    if (helm_ignore_match(w->ignore, name, e.kind == FILE_FOLDER))
        return 0;
    if (e.kind == FILE_FOLDER) {
        w->links += is_link;
        int rc = walk(w, name, depth + 1, err);
        w->links -= is_link;
        return rc;
    }
    if (!file_kind_is_regular(e.kind))
        return err_set(err, ERR_INVALID,
                       "cannot load irregular file %.*s/%.*s as it has file mode type bits set",
                       STR_FMT(w->shown), STR_FMT(name));
    return walk_file(w, name, &e, err);
}

static int walk(struct walking *w, str folder, unsigned depth, struct err *err)
{
    struct file_list l = {0};
    str path = folder.len ? below(w->arena, w->root, folder) : w->root;
    if (depth > HELM_DEPTH_MAX)
        return err_set(err, ERR_TOO_LARGE, "%.*s: folders are nested deeper than %d", STR_FMT(path),
                       HELM_DEPTH_MAX);
    int rc = files_list(w->files, path, w->arena, &l, err);
    for (size_t i = 0; !rc && i < l.n; i++) {
        /* A submodule that is not there is an empty folder in a checkout. */
        if (l.at[i].kind != FILE_MODULE)
            rc = walk_entry(w, below(w->arena, folder, l.at[i].name), l.at[i], depth, err);
    }
    return rc;
}

static int read_if_there(struct files *f, str path, struct arena *a, bool *ret_there, str *ret,
                         struct err *err)
{
    struct file_entry e;
    int rc = files_stat(f, path, true, a, &e, err);
    if (rc)
        return rc;
    *ret_there = file_kind_is_regular(e.kind);
    return *ret_there ? files_read(f, path, HELM_FILE_BYTES_MAX, a, ret, err) : 0;
}

static int load_folder(struct walking *w, struct helm_chart **ret, struct err *err)
{
    struct files *f = w->files;
    struct arena *a = w->arena;
    str path = w->root, text;
    bool there = false;
    int rc = read_if_there(f, below(a, path, STR("Chart.yaml")), a, &there, &text, err);
    if (rc)
        return rc;
    if (!there && w->log->level != HELM_LEVEL_3)
        return err_set(err, ERR_INVALID,
                       "unable to detect chart at %.*s/Chart.yaml: open %.*s/Chart.yaml: no such "
                       "file or directory",
                       STR_FMT(w->shown), STR_FMT(w->shown));
    if (there)
        rc = check_version(text, w->log, a, err);
    if (!rc)
        rc = read_if_there(f, below(a, path, STR(".helmignore")), a, &there, &text, err);
    if (!rc && there)
        rc = helm_ignore_parse(text, a, &w->ignore, err);
    if (rc)
        return rc;
    if (!w->ignore)
        w->ignore = helm_ignore_new(a);
    helm_ignore_add_defaults(w->ignore);
    rc = walk(w, STR(""), 0, err);
    return rc ? rc : load_root(&w->found, w->reader != NULL, a, w->log, ret, err);
}

int helm_load_folder(struct files *f, str path, str shown, struct arena *a, struct helm_log *log,
                     struct helm_chart **ret, struct err *err)
{
    struct walking w = {.files = f, .root = path, .shown = shown, .arena = a, .log = log};
    return load_folder(&w, ret, err);
}

int helm_load_folder_late(struct helm_reader *r, str path, str shown, struct helm_log *log,
                          struct helm_chart **ret, struct err *err)
{
    struct walking w = {.files = r->files,
                        .root = path,
                        .shown = shown,
                        .arena = r->arena,
                        .log = log,
                        .reader = r};
    int rc = load_folder(&w, ret, err);
    if (!rc)
        (*ret)->reader = r;
    return rc;
}
