/* helm_test.c: charts as the real helm renders them (tests/golden/render/helm.jsonl, made by
 * tests/oracle/helm). With a name as argument: the cases that hold it in theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/helm.h"
#include "render/helm_schema.h"
#include "render/helm_values.h"
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
        text = realloc(text, n + (1 << 20));
        assert_non_null(text);
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
    str failure; /* whole text */
};

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

static bool is_skipping_schema(const struct run *r)
{
    value args = value_getz(r->c, "args");
    for (size_t i = 0; i < value_len(args); i++)
        if (str_is(value_str(value_at(args, i)), "--skip-schema-validation"))
            return true;
    return false;
}

static int values_of(struct run *r, value *ret, struct err *err)
{
    struct helm_chart *c;
    struct helm_values_context x = {.arena = r->arena, .log = &r->log};
    value user;
    struct helm_value_input in = {.at = r->values.at,
                                  .n = r->values.n,
                                  .read = read_below,
                                  .read_arg = r->files};
    int rc = helm_user_values(&in, r->arena, &user, err);
    if (!rc)
        rc = helm_load_folder(r->files, STR(""), STR(FOLDER), r->arena, &r->log, &c, err);
    if (!rc)
        rc = helm_dependencies_check(&x, c, err);
    if (!rc)
        rc = helm_dependencies_process(&x, c, user, err);
    if (!rc)
        rc = helm_values_coalesce(&x, c, user, ret, err);
    if (rc || is_skipping_schema(r))
        return rc;
    rc = helm_schema_check(c, *ret, r->arena, &r->log, &r->failure, err);
    return rc;
}

static bool is_dump(value c)
{
    value files = value_getz(c, "files");
    return str_is(value_str(value_get(files, STR("templates/v.yaml"))),
                  "v: {{ .Values | toJson | squote }}\n");
}

/* What we say and what helm said; equal texts pass. */
typedef bool case_fn(struct run *r, str *ret_got, str *ret_want);

static void run_cases(case_fn *fn)
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
        struct run r = {.arena = &a, .log = {.arena = &a}};
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

/* The root's .Values and the errors that come before templates. */
static bool check_values(struct run *r, str *ret_got, str *ret_want)
{
    struct err err = {0};
    value args = value_getz(r->c, "args"), v = VALUE_ABSENT;
    if (!is_dump(r->c) ||
        value_exists(value_get(value_getz(r->c, "files"), STR("templates/a.yaml"))))
        return false;
    for (size_t i = 0; i < value_len(args); i++)
        if (!take_value_flag(r, args, &i))
            break;
    int rc = values_of(r, &v, &err);
    if (value_int(value_getz(r->c, "rc"))) {
        str want = str_trim(value_str(value_getz(r->c, "stderr")));
        ptrdiff_t at = str_find(want, STR("Error: "));
        *ret_want = str_from(want, at < 0 ? 0 : (size_t)at);
        *ret_got = str_trim(
            ARENA_CAT(r->arena, STR("Error: "), r->failure.len ? r->failure : err_str(&err)));
        return rc != 0; /* what fails later than values is another test's */
    }
    *ret_want = value_str(value_getz(r->c, "stdout"));
    *ret_got = rc ? err_str(&err)
                  : ARENA_CAT(r->arena, STR("c/templates/v.yaml\nv: '"),
                              json_str(r->arena, v, AUDIENCE_WIRE, JSON_SORT_KEYS), STR("'\n"));
    if (str_has(*ret_want, *ret_got))
        *ret_got = *ret_want;
    return true;
}

static void values_are_helms(UNUSED void **state) { run_cases(check_values); }

int main(int argc, char **argv)
{
    only = argc > 1 ? argv[1] : NULL;
    const struct CMUnitTest tests[] = {cmocka_unit_test(values_are_helms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
