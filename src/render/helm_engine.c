/* One run executes a whole chart: values are shared by reference, so what one file sets the next
 * one sees, also in a subchart. */
#include "render/helm_engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

/* ---- templates of the tree of charts ---- */

struct item {
    str path, base;
    const struct helm_file *file;
    tval dot;
    unsigned depth; /* '/' in path */
    bool partial;
};

struct collecting {
    struct helm_engine *engine;
    struct map index; /* path -> item */
    VEC(struct item *) items;
};

/* The table at ".Values.<name>" of the parent's dot; a name may have dots. */
static tval sub_values(const struct helm_engine *e, tval parent, str name)
{
    tval v = template_unwrap(template_get(parent, STR("Values"), NULL));
    str rest = name, part;
    while (str_next(&rest, '.', &part)) {
        v = template_unwrap(template_get(v, part, NULL));
        if (template_kind(v) != TEMPLATE_MAP)
            return helm_object_empty_values(&e->objects);
    }
    return helm_object_as_values(&e->objects, v);
}

static str join(struct arena *a, str folder, str name)
{
    str path;
    /* path.Join cleans: a template name from an archive may hold "//". */
    return files_path_join(a, folder, name, &path) ? path : ARENA_CAT(a, folder, STR("/"), name);
}

static void add_template(struct collecting *x, str chart_path, const struct helm_file *f, tval dot)
{
    struct arena *a = x->engine->arena;
    struct item *it = ARENA_NEW(a, struct item);
    it->path = join(a, chart_path, f->name);
    it->base = join(a, chart_path, STR("templates"));
    it->file = f;
    it->dot = dot;
    it->partial = str_starts(files_path_base(it->path), STR("_"));
    for (size_t i = 0; i < it->path.len; i++)
        it->depth += it->path.at[i] == '/';
    struct item *was = map_set(&x->index, it->path, it);
    if (was)
        *was = *it; /* a later chart of the same path replaces the earlier one */
    else
        vec_push(a, &x->items, it);
}

static tval collect(struct collecting *x, const struct helm_chart *c, tval parent, tval values)
{
    struct helm_engine *e = x->engine;
    tval next = template_map_new(e->arena, &TEMPLATE_T_MAP);
    tval subs = template_map_new(e->arena, &TEMPLATE_T_MAP);
    template_put(next, STR("Chart"), helm_object_chart(&e->objects, c));
    template_put(next, STR("Files"), helm_object_files(&e->objects, &c->files));
    template_put(next, STR("Release"), e->objects.release);
    template_put(next, STR("Capabilities"), e->objects.capabilities);
    template_put(next, STR("Values"),
                 c->parent ? sub_values(e, parent, helm_chart_name(c)) : values);
    template_put(next, STR("Subcharts"), subs);
    for (size_t i = 0; i < c->n_dependencies; i++)
        template_put(subs, helm_chart_name(c->dependency[i]),
                     collect(x, c->dependency[i], next, values));
    str path = helm_chart_path(e->arena, c);
    bool library = helm_chart_is_library(c);
    tval dot = helm_object_as_values(&e->objects, next);
    for (size_t i = 0; i < c->templates.n; i++)
        if (!library || str_starts(files_path_base(c->templates.at[i].name), STR("_")))
            add_template(x, path, &c->templates.at[i], dot);
    return next;
}

/* Deepest first, and backwards by name: parse and execution order. */
static int compare(const void *pa, const void *pb)
{
    const struct item *a = *(struct item *const *)pa, *b = *(struct item *const *)pb;
    if (a->depth != b->depth)
        return a->depth > b->depth ? -1 : 1;
    return -str_cmp(a->path, b->path);
}

/* ---- parsing ---- */

/* "template: NAME:LINE: TEXT" as helm shows it. */
static int parse_failed(struct helm_engine *e, str path, struct err *err)
{
    str text = arena_str(e->arena, err_str(err)), rest, location, tail;
    if (err->kind == ERR_TOO_LARGE)
        return -err->kind;
    ptrdiff_t first = str_find(text, STR(": "));
    if (first < 0)
        return err_set(err, ERR_INVALID, "parse error in (%.*s): %.*s", STR_FMT(path),
                       STR_FMT(text));
    rest = str_from(text, (size_t)first + 2);
    ptrdiff_t second = str_find(rest, STR(": "));
    location = second < 0 ? rest : str_sub(rest, 0, (size_t)second);
    tail = rest;
    for (ptrdiff_t at; (at = str_find(tail, STR(": "))) >= 0;)
        tail = str_from(tail, (size_t)at + 2);
    return err_set(err, ERR_INVALID, "parse error at (%.*s): %.*s", STR_FMT(location),
                   STR_FMT(tail));
}

static int parse(struct helm_engine *e, const struct item *it, const struct template_tree **ret,
                 struct err *err)
{
    int rc = helm_cache_parse(e->cache, e->options->level, it->path, it->file, e->arena, ret, err);
    return rc ? parse_failed(e, it->path, err) : 0;
}

/* ---- errors of execution ---- */

struct trace {
    str location, message, function;
    str wrapped; /* text of the error below, or empty */
};

static str cut_next(str message)
{
    ptrdiff_t at = str_find(message, STR(" template:"));
    return at < 0 ? message : str_sub(message, 0, (size_t)at);
}

/* `NAME: executing "FUNCTION" at <LOCATION>: MESSAGE`; *ret_is: it has that form. */
static bool trace_executing(str s, struct trace *ret, bool *ret_is)
{
    ptrdiff_t at = str_find(s, STR(": executing "));
    *ret_is = at >= 0;
    if (at < 0)
        return false;
    str after = str_from(s, (size_t)at + strlen(": executing "));
    if (!str_starts(after, STR("\"")))
        return false;
    ptrdiff_t quote = str_find_char(str_from(after, 1), '"');
    if (quote < 0)
        return false;
    str function = str_sub(after, 1, (size_t)quote);
    after = str_from(after, (size_t)quote + 2);
    if (!str_starts(after, STR(" at <")))
        return false;
    after = str_from(after, strlen(" at <"));
    ptrdiff_t close = str_find(after, STR(">: "));
    if (close < 0)
        return false;
    str message = str_from(after, (size_t)close + 3);
    *ret = (struct trace){.location = str_sub(s, 0, (size_t)at), .message = cut_next(message)};
    ret->function = str_mem(function.at, function.len + strlen("\" at <") + (size_t)close + 2);
    if (str_starts(message, STR("error calling "))) {
        ptrdiff_t colon = str_find(message, STR(": "));
        if (colon >= 0)
            ret->wrapped = str_from(message, (size_t)colon + 2);
    }
    return true;
}

static bool trace_of(str text, struct trace *ret)
{
    bool is = false;
    if (!str_starts(text, STR("template: ")))
        return false;
    str rest = str_from(text, strlen("template: "));
    if (str_starts(rest, STR("no template "))) {
        *ret = (struct trace){.message = text};
        return true;
    }
    if (trace_executing(rest, ret, &is))
        return true;
    ptrdiff_t colon = -1;
    for (size_t i = 0; i + 1 < rest.len; i++)
        if (rest.at[i] == ':' && rest.at[i + 1] == ' ')
            colon = (ptrdiff_t)i;
    if (colon < 0)
        return false;
    *ret = (struct trace){.location = str_sub(rest, 0, (size_t)colon),
                          .message = cut_next(str_from(rest, (size_t)colon + 2))};
    return true;
}

#define WARN_START STR("HELM_ERR_START")
#define WARN_END STR("HELM_ERR_END")

/* What `fail` and `required` said, between their marks. */
static bool warning_of(str text, str *ret)
{
    ptrdiff_t from = str_find(text, WARN_START), to = -1;
    if (from < 0)
        return false;
    str rest = str_from(text, (size_t)from + WARN_START.len);
    for (size_t i = 0; i + WARN_END.len <= rest.len; i++)
        if (memcmp(rest.at + i, WARN_END.at, WARN_END.len) == 0)
            to = (ptrdiff_t)i;
    if (to < 0)
        return false;
    *ret = str_sub(rest, 0, (size_t)to);
    return true;
}

static bool same_trace(const struct trace *a, const struct trace *b)
{
    return str_eq(a->location, b->location) && str_eq(a->message, b->message) &&
           str_eq(a->function, b->function);
}

/* helm's rewriting of Go's chain: only when every link of it is a template's. */
static str rewrite(struct helm_engine *e, str text)
{
    struct arena *a = e->arena;
    str rest, location, warning, all = STR("");
    ptrdiff_t colon = str_find(text, STR(": "));
    rest = colon < 0 ? STR("") : str_from(text, (size_t)colon + 2);
    ptrdiff_t second = str_find(rest, STR(": "));
    if (colon < 0 || second < 0)
        return text;
    location = str_sub(rest, 0, (size_t)second);
    if (warning_of(rest, &warning))
        return ARENA_CAT(a, STR("execution error at ("), location, STR("): "), warning);
    if (e->options->level == HELM_LEVEL_3)
        return text;
    struct trace last = {0}, t;
    for (str current = text; current.len; current = t.wrapped) {
        t = (struct trace){0};
        if (!trace_of(current, &t))
            return text;
        if (all.len && same_trace(&last, &t))
            continue;
        last = t;
        all =
            ARENA_CAT(a, all, t.location, t.location.len ? STR("\n  ") : STR(""),
                      t.function.len ? ARENA_CAT(a, STR("executing \""), t.function, STR("\n    "))
                                     : STR(""),
                      t.message, t.message.len ? STR("\n") : STR(""));
    }
    return str_trim(all);
}

static int execution_failed(struct helm_engine *e, struct template_run *run, struct err *err)
{
    str text = template_run_error(run);
    if (!text.len)
        text = arena_str(e->arena, err_str(err));
    int kind = err->kind;
    e->failure = rewrite(e, text);
    return err_set(err, kind, "%.*s", STR_FMT(e->failure));
}

/* ---- running ---- */

/* Go prints "<no value>" for what is missing; helm takes it out again. */
static str without_no_value(struct arena *a, str text)
{
    str mark = STR("<no value>");
    ptrdiff_t at = str_find(text, mark);
    if (at < 0)
        return arena_str(a, text);
    char *to = arena_alloc(a, text.len + 1);
    size_t n = 0;
    for (; at >= 0; at = str_find(text, mark)) {
        memcpy(to + n, text.at, (size_t)at);
        n += (size_t)at;
        text = str_from(text, (size_t)at + mark.len);
    }
    if (text.len)
        memcpy(to + n, text.at, text.len);
    return str_mem(to, n + text.len);
}

static int execute(struct helm_engine *e, struct template_run *run, struct item *it,
                   struct buf *out, str *ret, struct err *err)
{
    tval about = helm_object_empty_values(&e->objects);
    template_put(about, STR("Name"), template_str(it->path));
    template_put(about, STR("BasePath"), template_str(it->base));
    template_put(it->dot, STR("Template"), about);
    buf_reset(out);
    int rc = template_execute(run, it->path, it->dot, out, err);
    if (!rc)
        rc = buf_check(out, "rendered text", err);
    if (rc)
        return execution_failed(e, run, err);
    *ret = without_no_value(e->arena, buf_str(out));
    return 0;
}

static int execute_all(struct helm_engine *e, struct template_run *run, const struct collecting *x,
                       struct helm_rendered **ret, size_t *ret_n, struct err *err)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    struct helm_rendered *all = ARENA_ARRAY(e->arena, struct helm_rendered, x->items.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < x->items.n; i++) {
        struct item *it = x->items.at[i];
        if (it->partial)
            continue;
        all[n].path = it->path;
        int rc = execute(e, run, it, &out, &all[n].text, err);
        if (rc)
            return rc;
        n++;
    }
    *ret = all;
    *ret_n = n;
    return 0;
}

/* In lint mode. */
static void tell(void *arg, enum template_told what, str message)
{
    static const struct {
        const char *severity, *text, *place, *format;
    } rows[] = {
        [TEMPLATE_TOLD_NIL] = {"WARN", "missing required value",
                               "engine.go:206: ", "[INFO] Missing required value: "},
        [TEMPLATE_TOLD_EMPTY] = {"WARN", "missing required values",
                                 "engine.go:214: ", "[INFO] Missing required value: "},
        [TEMPLATE_TOLD_FAIL] = {"INFO", "funcMap fail", "engine.go:227: ", "[INFO] Fail: "},
    };
    helm_log_add(arg, rows[what].severity, str_of(rows[what].text), "message", message, NULL);
    helm_log_add3(arg, rows[what].place, "%s%.*s", rows[what].format, STR_FMT(message));
}

int helm_engine_run(struct helm_engine *e, const struct helm_chart *c, value values,
                    struct helm_rendered **ret, size_t *ret_n, struct err *err)
{
    struct collecting x = {.engine = e};
    const struct template_funcs *funcs =
        e->options->level == HELM_LEVEL_3 ? &TEMPLATE_FUNCS_HELM3 : &TEMPLATE_FUNCS_HELM4;
    struct template_set *set = template_set_new(e->arena);
    map_init(&x.index, e->arena);
    collect(&x, c, TEMPLATE_NO_VALUE, helm_object_values(&e->objects, values));
    if (x.items.n)
        qsort(x.items.at, x.items.n, sizeof(x.items.at[0]), compare);
    for (size_t i = 0; i < x.items.n; i++) {
        const struct template_tree *tree;
        int rc = parse(e, x.items.at[i], &tree, err);
        if (rc)
            return rc;
        template_set_add(set, tree);
    }
    struct template_env env = {
        .set = set,
        .funcs = funcs,
        .lint = e->options->lint,
        .told = tell,
        .told_arg = e->log,
        .limits = {.expired = e->options->expired, .expired_arg = e->options->expired_arg},
    };
    int rc = execute_all(e, template_run_new(e->arena, &env), &x, ret, ret_n, err);
    if (c->reader && c->reader->rc) { /* a file that a template asked for is not readable */
        *err = c->reader->err;
        return c->reader->rc;
    }
    return rc;
}
