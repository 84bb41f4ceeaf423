/* helm_bad_input_test.c: charts of strangers. Each ends within the time and the memory of a
 * rendering, with an error that says what was wrong, or as an ordinary chart; no error holds the
 * content of a file. Made in memory, one chart a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "render/helm.h"

#define ARENA_BYTES ((size_t)256 << 20)
#define CPU_SECONDS_MAX 20 /* of one row; the sanitizers' builds are ten times slower */
#define DEADLINE_SECONDS 5
#define SECRET "hunter2-in-a-file"

#define CHART "apiVersion: v2\nname: c\nversion: 0.1.0\n"

/* One file is head, `times` units, tail. */
struct row {
    const char *name, *path, *head, *unit;
    size_t times;
    const char *tail, *wanted; /* part of the error; NULL: it renders */
};

static const struct row rows[] = {
    {"a template calls itself", "templates/a.yaml",
     "{{ define \"x\" }}{{ template \"x\" . }}{{ end }}{{ template \"x\" . }}", "", 0, "",
     "exceeded maximum template depth"},
    {"include calls itself", "templates/a.yaml",
     "{{ define \"x\" }}{{ include \"x\" . }}{{ end }}{{ include \"x\" . }}", "", 0, "",
     "rendering template has a nested reference name: x"},
    {"tpl calls itself", "templates/a.yaml",
     "{{ $t := \"{{ tpl .t . }}\" }}{{ tpl $t (dict \"t\" $t \"Template\" .Template) }}", "", 0, "",
     "templates/a.yaml"},
    {"output doubles", "templates/a.yaml",
     "{{ $x := \"aaaaaaaaaaaaaaaa\" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}{{ $x }}", "", 0,
     "", "templates/a.yaml"},
    {"a list doubles", "templates/a.yaml",
     "{{ $x := list 1 }}{{ range 60 }}{{ $x = concat $x $x }}{{ end }}{{ len $x }}", "", 0, "",
     "templates/a.yaml"},
    {"ranges in ranges", "templates/a.yaml", "", "{{ range 1000 }}", 12,
     "x{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}"
     "{{ end }}{{ end }}",
     "c/templates/a.yaml:1:"},
    {"repeat", "templates/a.yaml", "{{ repeat 9000000000 \"x\" }}", "", 0, "", "templates/a.yaml"},
    {"until", "templates/a.yaml", "{{ until 9000000000 | len }}", "", 0, "", "templates/a.yaml"},
    {"indent", "templates/a.yaml", "{{ indent 2000000000 \"x\" }}", "", 0, "", "templates/a.yaml"},
    {"random text", "templates/a.yaml", "{{ randAlphaNum 2000000000 | len }}", "", 0, "",
     "templates/a.yaml"},
    {"an expression that backtracks elsewhere", "templates/a.yaml",
     "v: {{ regexMatch \"^(a+)+$\" (print (repeat 30000 \"a\") \"b\") }}", "", 0, "\n", NULL},
    {"a large expression", "templates/a.yaml",
     "{{ mustRegexMatch \"((a{1,100}){1,100}){1,100}\" \"a\" }}", "", 0, "", "templates/a.yaml"},
    {"the schema's expression", "values.schema.json",
     "{\"additionalProperties\": {\"pattern\": \"((a{1,100}){1,100}){1,100}\"}}", "", 0, "",
     "pattern"},
    {"nested blocks", "templates/a.yaml", "", "{{ if true }}", 30000, "", "templates/a.yaml"},
    {"nested parentheses", "templates/a.yaml", "{{ ", "(", 30000, "", "templates/a.yaml"},
    {"a bomb of aliases", "values.yaml",
     "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
     "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
     "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]\n"
     "g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f]\nh: &h [*g, *g, *g, *g, *g, *g, *g, *g, *g]\n",
     "", 0, "", "document contains excessive aliasing"},
    {"an alias of itself", "values.yaml", "a: &a [*a]\n", "", 0, "", "values.yaml"},
    {"nested lists", "values.yaml", "a: ", "[", 100000, "", "values.yaml"},
    {"nested maps", "values.yaml", "", "{a: ", 100000, "", "values.yaml"},
    {"nested lists of Chart.yaml", "Chart.yaml", "a: ", "[", 100000, "", "Chart.yaml"},
    {"nested lists that are rendered", "templates/a.yaml", "a: ", "[", 100000, "",
     "templates/a.yaml"},
    {"references in a circle", "values.schema.json",
     "{\"$ref\": \"#/$defs/a\", \"$defs\": {\"a\": {\"$ref\": \"#/$defs/b\"}, "
     "\"b\": {\"$ref\": \"#/$defs/a\"}}}",
     "", 0, "", "c:\n"},
    {"a circle through properties", "values.schema.json",
     "{\"$ref\": \"#/$defs/n\", \"$defs\": {\"n\": {\"additionalProperties\": "
     "{\"$ref\": \"#/$defs/n\"}}}}",
     "", 0, "", NULL},
    {"branches that double", "values.schema.json",
     "{\"$ref\": \"#/$defs/n\", \"$defs\": {\"n\": {\"anyOf\": [{\"properties\": {\"k\": "
     "{\"$ref\": \"#/$defs/n\"}}}, {\"properties\": {\"k\": {\"$ref\": \"#/$defs/n\"}}}]}}}",
     "", 0, "", NULL},
    {"a deep schema", "values.schema.json", "", "{\"not\": ", 100000, "true",
     "values.schema.json: nested deeper"},
    {"a schema of a file", "values.schema.json", "{\"$ref\": \"file:///etc/passwd\"}", "", 0, "",
     "c:\n"},
    {"a name is looked up", "templates/a.yaml", "v: {{ getHostByName \"localhost\" | quote }}", "",
     0, "\n", NULL},
    {"an alias that is a path", "Chart.yaml",
     CHART "dependencies: [{name: a, version: 1.0.0, alias: ../../x}]\n", "", 0, "",
     "disallowed characters in the alias"},
    {"a name that is a path", "Chart.yaml", "apiVersion: v2\nname: ../../x\nversion: 0.1.0\n", "",
     0, "", "chart.metadata.name \"../../x\" is invalid"},
    {"a lock with paths", "Chart.lock",
     "dependencies: [{name: ../../../etc, version: ../x, repository: \"file:///etc\"}]\n", "", 0,
     "", NULL},
    {"a lock that is none", "Chart.lock", "- " SECRET "\n", "", 0, "", "cannot load Chart.lock"},
    {"values that are none", "values.yaml", SECRET "\n", "", 0, "", "cannot load values.yaml"},
    {"values that do not parse", "values.yaml", "a: [" SECRET "\nb: 1\n", "", 0, "",
     "cannot load values.yaml"},
    {"a schema that is none", "values.schema.json", SECRET, "", 0, "", "c:\n"},
    {"a template that does not parse", "templates/a.yaml", "# " SECRET "\n{{ if", "", 0, "",
     "parse error at (c/templates/a.yaml:"},
    {"a manifest that does not parse", "templates/a.yaml", "a: [" SECRET "\nb: 1\n", "", 0, "",
     "YAML parse error on c/templates/a.yaml"},
    {"an archive that is none", "charts/s-1.0.0.tgz", SECRET, "", 0, "",
     "error unpacking subchart s-1.0.0.tgz"},
};

struct bench {
    struct arena arena;
    jmp_buf full;
    clock_t started;
};

static void memory_is_full(void *arg, size_t wanted)
{
    struct bench *b = arg;
    (void)wanted;
    longjmp(b->full, 1);
}

static double seconds_since(clock_t t) { return (double)(clock() - t) / CLOCKS_PER_SEC; }

static bool is_late(void *arg)
{
    return seconds_since(((struct bench *)arg)->started) > DEADLINE_SECONDS;
}

static str content(struct arena *a, const struct row *r)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    buf_addz(&b, r->head);
    for (size_t i = 0; i < r->times; i++)
        buf_addz(&b, r->unit);
    buf_addz(&b, r->tail);
    return arena_str(a, buf_str(&b));
}

static int render(struct bench *b, struct files *f, enum helm_level level, str *ret_text)
{
    struct arena *a = &b->arena;
    struct err err = {0};
    struct helm_log log = {.arena = a, .level = level};
    struct helm_options o = {.level = level,
                             .release = STR("r"),
                             .namespace = STR("ns"),
                             .expired = is_late,
                             .expired_arg = b};
    struct helm_job j = {.options = &o, .log = &log};
    struct helm_output h = {.failure = STR("")};
    struct helm_chart *c;
    int rc = helm_load_folder(f, STR(""), STR("chart"), a, &log, &c, &err);
    if (!rc) {
        j.chart = c;
        rc = helm_render(&j, a, &h, &err);
    }
    *ret_text = arena_str(a, h.failure.len ? h.failure : err_str(&err));
    return rc;
}

/* Rendered, or refused with the wanted text, in time, telling no secret? */
static bool check(struct files *f, const char *name, const char *wanted, enum helm_level level)
{
    struct bench b;
    str text = STR("");
    arena_init(&b.arena, ARENA_BYTES);
    b.arena.on_full = memory_is_full;
    b.arena.on_full_arg = &b;
    b.started = clock();
    int rc = setjmp(b.full) ? -ERR_TOO_LARGE : render(&b, f, level, &text);
    double took = seconds_since(b.started);
    bool good = wanted ? rc && str_has(text, str_of(wanted)) : !rc;
    good = good && took <= CPU_SECONDS_MAX && !str_has(text, STR(SECRET));
    if (!good)
        print_message("%s (Helm %d): %d in %.1f s, wanted %s: %.*s\n", name,
                      level == HELM_LEVEL_3 ? 3 : 4, rc, took, wanted ? wanted : "a rendering",
                      (int)MIN_OF(text.len, (size_t)400), text.at);
    arena_done(&b.arena);
    return good;
}

static void a_hostile_chart_ends_in_time_with_a_clear_error(UNUSED void **state)
{
    struct arena a;
    struct err err;
    size_t bad = 0;
    arena_init(&a, ARENA_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct files *f = files_new_memory();
        if (strcmp(rows[i].path, "Chart.yaml") != 0)
            assert_int_equal(files_memory_add(f, STR("Chart.yaml"), STR(CHART), &err), 0);
        if (strcmp(rows[i].path, "values.yaml") != 0)
            assert_int_equal(files_memory_add(f, STR("values.yaml"),
                                              STR("k: {k: {k: {k: {k: {k: {k: {k: {k: 1}}}}}}}}\n"),
                                              &err),
                             0);
        assert_int_equal(files_memory_add(f, str_of(rows[i].path), content(&a, &rows[i]), &err), 0);
        bad += !check(f, rows[i].name, rows[i].wanted, HELM_LEVEL_4);
        bad += !check(f, rows[i].name, rows[i].wanted, HELM_LEVEL_3);
        files_close(f);
        arena_reset(&a);
    }
    arena_done(&a);
    assert_int_equal(bad, 0);
}

/* ---- archives ---- */

/* A .tgz with n entries of `bytes` zeros each. */
static str bomb(struct arena *a, size_t n, size_t bytes)
{
    size_t room = (size_t)8 << 20, used = 0;
    char *out = arena_alloc(a, room), *zeros = calloc(1, bytes + 1);
    struct archive *w = archive_write_new();
    assert_non_null(zeros);
    archive_write_add_filter_gzip(w);
    archive_write_set_format_pax_restricted(w);
    archive_write_set_bytes_per_block(w, 0);
    assert_int_equal(archive_write_open_memory(w, out, room, &used), ARCHIVE_OK);
    for (size_t i = 0; i < n; i++) {
        struct archive_entry *e = archive_entry_new();
        char name[32];
        snprintf(name, sizeof(name), "s/f%zu", i);
        archive_entry_set_pathname(e, name);
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_perm(e, 0644);
        archive_entry_set_size(e, (int64_t)bytes);
        archive_write_header(w, e);
        archive_write_data(w, zeros, bytes);
        archive_entry_free(e);
    }
    assert_int_equal(archive_write_close(w), ARCHIVE_OK);
    archive_write_free(w);
    free(zeros);
    return str_mem(out, used);
}

static void an_archive_that_grows_is_refused(UNUSED void **state)
{
    static const struct {
        const char *name, *wanted;
        size_t n, bytes;
    } cases[] = {
        {"a large file", "is larger than the maximum file size", 1, (size_t)6 << 20},
        {"many files", "decompressed chart is larger than the maximum size", 40, (size_t)4 << 20},
        {"no Chart.yaml", "Chart.yaml file is missing", 3, 10},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        struct err err;
        struct files *f = files_new_memory();
        arena_init(&a, ARENA_BYTES);
        str tgz = bomb(&a, cases[i].n, cases[i].bytes);
        assert_true(tgz.len < (size_t)1 << 18);
        assert_int_equal(files_memory_add(f, STR("Chart.yaml"), STR(CHART), &err), 0);
        assert_int_equal(files_memory_add(f, STR("charts/s-1.0.0.tgz"), tgz, &err), 0);
        assert_true(check(f, cases[i].name, cases[i].wanted, HELM_LEVEL_4));
        files_close(f);
        arena_done(&a);
    }
}

/* A header alone: 10 GiB in 512 bytes. */
static void a_promise_of_ten_gibibytes_is_not_inflated(UNUSED void **state)
{
    struct arena a;
    struct err err;
    struct helm_files files = {0};
    arena_init(&a, ARENA_BYTES);
    char tar[1024] = "s/x";
    memcpy(tar + 100, "0000644", 8);
    memcpy(tar + 108, "0000000", 8);
    memcpy(tar + 116, "0000000", 8);
    memcpy(tar + 124, "\x80\0\0\0\0\0\0\x02\x80\0\0\0", 12); /* 10 GiB, as GNU writes it */
    memcpy(tar + 136, "00000000000", 12);
    tar[156] = '0';
    memcpy(tar + 257,
           "ustar\0"
           "00",
           8);
    memset(tar + 148, ' ', 8);
    unsigned sum = 0;
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)tar[i];
    snprintf(tar + 148, 8, "%06o", sum);
    char gz[1100] = "\x1f\x8b\x08";
    gz[9] = 3;
    memcpy(gz + 10, "\x01\x00\x04\xff\xfb", 5); /* one stored block of 1024 */
    memcpy(gz + 15, tar, 1024);
    clock_t started = clock();
    assert_int_equal(helm_archive_read(str_mem(gz, 15 + 1024 + 8), &a, &files, &err),
                     -ERR_TOO_LARGE);
    assert_non_null(strstr(err.text, "larger than the maximum"));
    assert_true(seconds_since(started) < CPU_SECONDS_MAX);
    assert_true(a.used_bytes < (size_t)16 << 20);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hostile_chart_ends_in_time_with_a_clear_error),
        cmocka_unit_test(an_archive_that_grows_is_refused),
        cmocka_unit_test(a_promise_of_ten_gibibytes_is_not_inflated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
