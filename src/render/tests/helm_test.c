/* helm_test.c: charts as the real helms render them (tests/golden/render/helm.jsonl, made by
 * tests/oracle/helm), at both levels. With a name as argument: the cases that hold it in theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/helm.h"
#include "value/json.h"

#define SHOWN_MAX 30
#define FOLDER "$D"

static const char *only;

static char *read_file(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    char *text = NULL;
    size_t n = 0, got;
    do {
        char *more = realloc(text, n + (1 << 20));
        assert_non_null(more);
        text = more;
        got = fread(text + n, 1, 1 << 20, f);
        n += got;
    } while (got);
    fclose(f);
    *ret_len = n;
    return text;
}

static str base64(struct arena *a, str in)
{
    char *at = arena_alloc(a, in.len + 1);
    size_t n = 0;
    unsigned bits = 0, acc = 0;
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < in.len && in.at[i] != '='; i++) {
        const char *d = strchr(digits, in.at[i]);
        acc = acc << 6 | (unsigned)(d - digits);
        bits += 6;
        if (bits >= 8)
            at[n++] = (char)(acc >> (bits -= 8) & 255);
    }
    return str_mem(at, n);
}

static struct files *tree_of(struct arena *a, value files)
{
    struct files *f = files_new_memory();
    struct err err;
    for (struct value_iter it = value_iter(files); value_next(&it);) {
        int rc = 0;
        if (value_is_string(it.val))
            rc = files_memory_add(f, it.key, value_str(it.val), &err);
        else if (value_exists(value_getz(it.val, "b64")))
            rc = files_memory_add(f, it.key, base64(a, value_str(value_getz(it.val, "b64"))), &err);
        else
            rc = files_memory_add_link(f, it.key, value_str(value_getz(it.val, "link")), &err);
        assert_int_equal(rc, 0);
    }
    return f;
}

static int read_below(void *arg, str path, struct arena *a, str *ret, struct err *err)
{
    struct file_entry e;
    int rc = files_stat(arg, path, true, a, &e, err);
    if (!rc && e.kind == FILE_MISSING)
        return err_set(err, ERR_INVALID, "open %.*s: no such file or directory", STR_FMT(path));
    return rc ? rc : files_read(arg, path, 0, a, ret, err);
}

static const struct {
    const char *flag;
    enum helm_value_kind kind;
} value_flags[] = {
    {"-f", HELM_VALUE_FILE},
    {"--values", HELM_VALUE_FILE},
    {"--set", HELM_VALUE_SET},
    {"--set-string", HELM_VALUE_STRING},
    {"--set-json", HELM_VALUE_JSON},
    {"--set-file", HELM_VALUE_SET_FILE},
    {"--set-literal", HELM_VALUE_LITERAL},
};

struct run {
    struct arena *arena;
    value c;
    struct files *files;
    VEC(struct helm_value_source) values;
    struct helm_log log;
    enum helm_level level;
};

/* What the level's helm answered: "helm3" holds what differs from Helm 4. */
static value answer(const struct run *r)
{
    value three = value_getz(r->c, "helm3");
    return r->level == HELM_LEVEL_3 && value_exists(three) ? three : r->c;
}

static bool take_value_flag(struct run *r, value args, size_t *io_i)
{
    for (size_t i = 0; i < ARRAY_LEN(value_flags); i++)
        if (str_is(value_str(value_at(args, *io_i)), value_flags[i].flag)) {
            struct helm_value_source s = {value_flags[i].kind, value_str(value_at(args, ++*io_i))};
            vec_push(r->arena, &r->values, s);
            return true;
        }
    return false;
}

/* What we say and what helm said; equal texts pass. */
typedef bool case_fn(struct run *r, str *ret_got, str *ret_want);

static void run_cases(enum helm_level level, case_fn *fn)
{
    const char *root = getenv("TIPHYS_SOURCE_ROOT");
    char path[512];
    size_t len = 0, n = 0, bad = 0;
    snprintf(path, sizeof(path), "%s/tests/golden/render/helm.jsonl", root ? root : ".");
    char *text = read_file(path, &len);
    assert_non_null(text);
    str rest = str_mem(text, len), line;
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    while (str_next(&rest, '\n', &line) && line.len) {
        struct err err = {0};
        struct run r = {.arena = &a, .log = {.arena = &a, .level = level}, .level = level};
        str got, want;
        assert_int_equal(json_parse(line, NULL, &a, &r.c, &err), 0);
        str name = value_str(value_getz(r.c, "name"));
        if (!only || str_has(name, str_of(only))) {
            r.files = tree_of(&a, value_getz(r.c, "files"));
            bool counts = fn(&r, &got, &want);
            n += counts;
            if (counts && !str_eq(got, want) && bad++ < SHOWN_MAX)
                print_message("%.*s:\n got  %.*s\n want %.*s\n", STR_FMT(name), STR_FMT(got),
                              STR_FMT(want));
            files_close(r.files);
        }
        arena_reset(&a);
    }
    arena_done(&a);
    free(text);
    if (bad || (!n && !only))
        fail_msg("%zu of %zu cases differ", bad, n);
}

/* ---- whole charts ---- */

struct flags {
    struct helm_options o;
    struct helm_print p;
    struct helm_strs apis, show;
    bool known;
};

static bool take_text_flag(struct run *r, struct flags *f, str flag, str text)
{
    str rest = text, one;
    if (str_is(flag, "--namespace") || str_is(flag, "-n"))
        f->o.namespace = text;
    else if (str_is(flag, "--kube-version"))
        f->o.kube_version = text;
    else if (str_is(flag, "--show-only") || str_is(flag, "-s"))
        vec_push(r->arena, &f->show, text);
    else if (str_is(flag, "--api-versions") || str_is(flag, "-a"))
        while (str_next(&rest, ',', &one))
            vec_push(r->arena, &f->apis, one);
    else
        return false;
    return true;
}

static bool take_switch(struct flags *f, str flag)
{
    const struct {
        const char *name;
        bool *to;
    } switches[] = {{"--no-hooks", &f->p.no_hooks},
                    {"--skip-tests", &f->p.skip_tests},
                    {"--include-crds", &f->p.include_crds},
                    {"--is-upgrade", &f->o.is_upgrade},
                    {"--skip-crds", &f->known},
                    {"--skip-schema-validation", &f->o.skip_schema}};
    for (size_t i = 0; i < ARRAY_LEN(switches); i++)
        if (str_is(flag, switches[i].name))
            return *switches[i].to = true;
    return false;
}

static struct flags flags_of(struct run *r)
{
    struct flags f = {.known = true, .o.namespace = STR("default")};
    value args = value_getz(r->c, "args");
    for (size_t i = 0; f.known && i < value_len(args); i++) {
        str flag = value_str(value_at(args, i));
        if (take_value_flag(r, args, &i) || take_switch(&f, flag))
            continue;
        f.known = take_text_flag(r, &f, flag, value_str(value_at(args, i + 1)));
        i++;
    }
    f.o.level = f.p.level = r->level;
    f.o.release = value_str(value_getz(r->c, "release"));
    f.o.api_version = f.apis.at;
    f.o.n_api_versions = f.apis.n;
    f.p.show_only = f.show.at;
    f.p.n_show_only = f.show.n;
    return f;
}

static bool kept; /* charts as a worker keeps them */

static int render_all(struct run *r, const struct flags *f, struct buf *out, struct helm_output *h,
                      struct err *err)
{
    struct helm_job j = {.options = &f->o, .log = &r->log};
    struct helm_chart *c;
    struct helm_value_input in = {.level = r->level,
                                  .at = r->values.at,
                                  .n = r->values.n,
                                  .read = read_below,
                                  .read_arg = r->files};
    struct helm_reader reader = {.files = r->files, .arena = r->arena};
    struct helm_merges merges = {.arena = r->arena};
    int rc = helm_kube_version_check(f->o.kube_version, r->level, r->arena, err);
    if (!rc)
        rc = helm_user_values(&in, r->arena, &j.user, err);
    if (!rc && kept)
        rc = helm_load_folder_late(&reader, STR(""), STR(FOLDER), &r->log, &c, err);
    else if (!rc)
        rc = helm_load_folder(r->files, STR(""), STR(FOLDER), r->arena, &r->log, &c, err);
    if (rc)
        return rc;
    j.chart = c;
    if (kept) { /* a rendering before this one leaves the chart as it is, and what it merged */
        struct helm_log log = {.arena = r->arena};
        struct err ignored;
        c->merges = &merges;
        j.log = &log;
        (void)!helm_render(&j, r->arena, h, &ignored);
        j.log = &r->log;
    }
    rc = helm_render(&j, r->arena, h, err);
    return rc ? rc : helm_print(h, &f->p, r->arena, out, err);
}

/* Output, exit code, log lines and error: all as helm's. */
static bool check_render(struct run *r, str *ret_got, str *ret_want)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    struct err err = {0};
    struct helm_output h = {.failure = STR("")};
    struct flags f = flags_of(r);
    str log = STR("");
    if (!f.known)
        return false;
    int rc = render_all(r, &f, &out, &h, &err);
    for (size_t i = 0; i < r->log.lines.n; i++)
        log = ARENA_CAT(r->arena, log, r->log.lines.at[i], STR("\n"));
    if (rc)
        log = ARENA_CAT(r->arena, log, STR("Error: "), h.failure.len ? h.failure : err_str(&err),
                        h.started && rc != -ERR_NOT_FOUND
                            ? STR("\n\nUse --debug flag to render out invalid YAML\n")
                            : STR("\n"));
    *ret_got =
        arena_printf(r->arena, "%.*s\n%.*s", STR_FMT(rc ? STR("") : buf_str(&out)), STR_FMT(log));
    *ret_want = ARENA_CAT(r->arena, value_str(value_getz(answer(r), "stdout")), STR("\n"),
                          value_str(value_getz(answer(r), "stderr")));
    return true;
}

static void charts_are_rendered_as_helm_4_renders_them(UNUSED void **state)
{
    run_cases(HELM_LEVEL_4, check_render);
}

static void charts_are_rendered_as_helm_3_renders_them(UNUSED void **state)
{
    run_cases(HELM_LEVEL_3, check_render);
}

static void charts_that_are_kept_are_rendered_alike(UNUSED void **state)
{
    kept = true;
    run_cases(HELM_LEVEL_4, check_render);
    run_cases(HELM_LEVEL_3, check_render);
    kept = false;
}

int main(int argc, char **argv)
{
    only = argc > 1 ? argv[1] : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charts_are_rendered_as_helm_4_renders_them),
        cmocka_unit_test(charts_are_rendered_as_helm_3_renders_them),
        cmocka_unit_test(charts_that_are_kept_are_rendered_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
