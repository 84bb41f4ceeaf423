/* helm_cli_test.c: command lines of helm as the real ones answer them, at both levels
 * (tests/golden/cli/helm.jsonl, made by tests/oracle/helm). Each runs in a child of its own. With a
 * name as argument: the cases that hold it in theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/helm.h"
#include "value/json.h"

#define SHOWN_MAX 20
#define ARGS_MAX 16
#define TEXT_MAX (1 << 20)

static const char *only;

static str read_all(struct arena *a, const char *path)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = arena_alloc(a, TEXT_MAX * 4);
    size_t n = fread(text, 1, TEXT_MAX * 4, f);
    assert_true(n < TEXT_MAX * 4);
    fclose(f);
    return str_mem(text, n);
}

static str base64(struct arena *a, str in)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *at = arena_alloc(a, in.len + 1);
    size_t n = 0;
    unsigned bits = 0, acc = 0;
    for (size_t i = 0; i < in.len && in.at[i] != '='; i++) {
        acc = acc << 6 | (unsigned)(strchr(digits, in.at[i]) - digits);
        bits += 6;
        if (bits >= 8)
            at[n++] = (char)(acc >> (bits -= 8) & 255);
    }
    return str_mem(at, n);
}

static void write_file(struct arena *a, const char *folder, str name, value content)
{
    char *path = arena_cstr(a, arena_printf(a, "%s/%.*s", folder, STR_FMT(name)));
    for (char *p = path + strlen(folder) + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
        *p = 0;
        mkdir(path, 0755);
    }
    if (value_exists(value_getz(content, "link"))) {
        assert_int_equal(symlink(arena_cstr(a, value_path_str(content, "link")), path), 0);
        return;
    }
    str text =
        value_is_map(content) ? base64(a, value_path_str(content, "b64")) : value_str(content);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text.at, 1, text.len, f), text.len);
    fclose(f);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

/* Every occurrence of `from` becomes `to`. */
static str replace(struct arena *a, str s, str from, str to)
{
    str all = STR("");
    for (ptrdiff_t at; (at = str_find(s, from)) >= 0; s = str_from(s, (size_t)at + from.len))
        all = ARENA_CAT(a, all, str_sub(s, 0, (size_t)at), to);
    return ARENA_CAT(a, all, s);
}

/* The level's flag stands behind the command's words. */
static int arguments(struct arena *a, value c, bool level3, const char *folder, char **ret)
{
    value words = value_getz(c, "command");
    str first = value_str(value_at(words, 0));
    bool two = str_is(first, "show") || str_is(first, "inspect") || str_is(first, "dependency") ||
               str_is(first, "dep");
    int n = 0;
    ret[n++] = (char *)(uintptr_t) "helm";
    for (size_t i = 0; i < value_len(words) && n < ARGS_MAX - 2; i++) {
        ret[n++] =
            arena_cstr(a, replace(a, value_str(value_at(words, i)), STR("$D"), str_of(folder)));
        if (i == two)
            ret[n++] = (char *)(uintptr_t)(level3 ? "--helm-level=3" : "--helm-level=4");
    }
    ret[n] = NULL;
    return n;
}

static void run_child(const char *folder, const char *out, const char *log, int n, char **argv)
{
    setenv("HELM_NAMESPACE", "", 1);
    if (chdir(folder) || !freopen(out, "w", stdout) || !freopen(log, "w", stderr))
        _exit(99);
    int rc = helm_cli_main(n, argv);
    fflush(stdout);
    fflush(stderr);
    _exit(rc);
}

static str run(struct arena *a, value c, bool level3)
{
    char top[] = "/tmp/helm-cli-XXXXXX", folder[64], out[64], log[64], *argv[ARGS_MAX];
    assert_non_null(mkdtemp(top));
    snprintf(folder, sizeof(folder), "%s/t", top);
    snprintf(out, sizeof(out), "%s/out", top);
    snprintf(log, sizeof(log), "%s/log", top);
    mkdir(folder, 0755);
    for (struct value_iter it = value_iter(value_getz(c, "files")); value_next(&it);)
        write_file(a, folder, it.key, it.val);
    int n = arguments(a, c, level3, folder, argv), status = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (!pid)
        run_child(folder, out, log, n, argv);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    str got = arena_printf(a, "%d\n%.*s\n%.*s", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                           STR_FMT(read_all(a, out)), STR_FMT(read_all(a, log)));
    nftw(top, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return replace(a, got, str_of(folder), STR("$D"));
}

static void run_all(bool level3)
{
    const char *root = getenv("TIPHYS_SOURCE_ROOT");
    char path[512];
    struct arena all, a;
    struct err err;
    size_t n = 0, bad = 0;
    snprintf(path, sizeof(path), "%s/tests/golden/cli/helm.jsonl", root ? root : ".");
    arena_init(&all, ARENA_BYTES_DEFAULT);
    arena_init(&a, ARENA_BYTES_DEFAULT);
    str rest = read_all(&all, path), line;
    while (str_next(&rest, '\n', &line) && line.len) {
        value c;
        assert_int_equal(json_parse(line, NULL, &a, &c, &err), 0);
        str name = value_path_str(c, "name");
        if (!only || str_has(name, str_of(only))) {
            value three = value_getz(c, "helm3"),
                  answer = level3 && value_exists(three) ? three : c;
            str got = run(&a, c, level3);
            str want = arena_printf(&a, "%d\n%.*s\n%.*s", (int)value_int(value_getz(answer, "rc")),
                                    STR_FMT(value_path_str(answer, "stdout")),
                                    STR_FMT(value_path_str(answer, "stderr")));
            n++;
            if (!str_eq(got, want) && bad++ < SHOWN_MAX)
                print_message("%.*s:\n got  %.*s\n want %.*s\n", STR_FMT(name), STR_FMT(got),
                              STR_FMT(want));
        }
        arena_reset(&a);
    }
    arena_done(&a);
    arena_done(&all);
    if (bad || (!n && !only))
        fail_msg("%zu of %zu command lines differ", bad, n);
}

static void command_lines_are_answered_as_helm_4_answers(UNUSED void **state) { run_all(false); }
static void command_lines_are_answered_as_helm_3_answers(UNUSED void **state) { run_all(true); }

int main(int argc, char **argv)
{
    only = argc > 1 ? argv[1] : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_lines_are_answered_as_helm_4_answers),
        cmocka_unit_test(command_lines_are_answered_as_helm_3_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
