/* files_test.c: trees and what is recorded about them, against repositories made by the real git.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "files/asked.h"
#include "files/files.h"
#include "files/git_store.h"
#include "files/read_set.h"
#include "files/tests/git_fixture.h"

static struct arena arena;
static struct err err;

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        err.text[0] = 0;                                                                           \
        int rc_ = (call);                                                                          \
        if (rc_)                                                                                   \
            fail_msg("%s: %s", #call, err.text);                                                   \
    } while (0)
#define assert_str(s, z) assert_string_equal(arena_cstr(&arena, (s)), (z))

static int begin(UNUSED void **state)
{
    arena_init(&arena, ARENA_BYTES_DEFAULT);
    return 0;
}

static int end(UNUSED void **state)
{
    arena_done(&arena);
    return 0;
}

static struct files *tree_of(const struct git_fixture *g, const char *tree)
{
    char objects[PATH_MAX];
    struct files *f = NULL;
    fixture_objects(g, objects);
    assert_ok(files_open_git(str_of(objects), str_of(tree), &f, &err));
    return f;
}

static void fill(const struct git_fixture *g)
{
    fixture_write(g, "app/cm.yaml", "kind: ConfigMap\n");
    fixture_write(g, "app/deep/er/x.yaml", "x\n");
    fixture_write(g, "app-2/y.yaml", "y\n");
    fixture_write(g, "other/z.yaml", "z\n");
    fixture_link(g, "app/link.yaml", "../other/z.yaml");
    fixture_link(g, "folderlink", "app/deep");
    fixture_link(g, "dangling", "no/where");
}

/* Both backends answer the same questions alike. */
static void ask_everything(struct files *f)
{
    struct file_entry e;
    struct file_list l;
    str s;
    assert_ok(files_read(f, STR("app/cm.yaml"), 0, &arena, &s, &err));
    assert_str(s, "kind: ConfigMap\n");
    assert_ok(files_read(f, STR("app/link.yaml"), 0, &arena, &s, &err));
    assert_str(s, "z\n");
    assert_ok(files_read(f, STR("folderlink/er/../er/x.yaml"), 0, &arena, &s, &err));
    assert_str(s, "x\n");
    assert_ok(files_stat(f, STR("./app//deep/"), true, &arena, &e, &err));
    assert_int_equal(e.kind, FILE_FOLDER);
    assert_str(e.name, "app/deep");
    assert_ok(files_stat(f, STR("dangling"), true, &arena, &e, &err));
    assert_int_equal(e.kind, FILE_MISSING);
    assert_str(e.name, "no");
    assert_ok(files_stat(f, STR("dangling"), false, &arena, &e, &err));
    assert_int_equal(e.kind, FILE_LINK);
    assert_ok(files_stat(f, STR("app/cm.yaml/below"), true, &arena, &e, &err));
    assert_int_equal(e.kind, FILE_MISSING);
    assert_ok(files_list(f, STR("app"), &arena, &l, &err));
    assert_int_equal(l.n, 3);
    assert_str(l.at[0].name, "cm.yaml");
    assert_str(l.at[1].name, "deep");
    assert_int_equal(l.at[2].kind, FILE_LINK);
}

static int hand_over(void *arg, str question, struct arena *a, str *ret, struct err *e)
{
    return files_answer(arg, question, a, ret, e);
}

static void a_git_tree_and_a_folder_answer_alike(UNUSED void **state)
{
    struct git_fixture g;
    char tree[41], w[PATH_MAX];
    fixture_open(&g);
    fill(&g);
    fixture_commit(&g, NULL, tree);
    CLEANUP(files_closep) struct files *git = tree_of(&g, tree), *folder = NULL;
    ask_everything(git);
    fixture_work_tree(&g, w);
    assert_ok(files_open_folder(str_of(w), &folder, &err));
    ask_everything(folder);
    struct files_asker asker = {hand_over, git};
    CLEANUP(files_closep) struct files *asked = files_new_asked(asker);
    ask_everything(asked);
    fixture_close(&g);
}

static void what_is_asked_for_stays_in_the_tree(UNUSED void **state)
{
    CLEANUP(files_closep) struct files *f = files_new_memory();
    str s;
    assert_ok(files_memory_add(f, STR("a/b"), STR("bytes"), &err));
    assert_ok(files_answer(f, STR("r9 a/b"), &arena, &s, &err));
    assert_str(s, "bytes");
    assert_int_equal(files_answer(f, STR("r2 a/b"), &arena, &s, &err), -ERR_TOO_LARGE);
    static const char *const hostile[] =
        {"",       "r",       "r9",      "r9 ../x", "r9 /etc/passwd", "r9 a/../b",
         "x0 a/b", "r-1 a/b", "s0 a//b", "s0 a/",   "rr a/b"};
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++)
        assert_int_equal(files_answer(f, str_of(hostile[i]), &arena, &s, &err), -ERR_INVALID);
    assert_int_equal(files_answer(f, str_mem("r9 a\0b", 7), &arena, &s, &err), -ERR_INVALID);
}

static void entries_are_in_byte_order_even_where_git_sorts_folders_otherwise(UNUSED void **state)
{
    struct git_fixture g;
    char tree[41];
    fixture_open(&g);
    fixture_write(&g, "a/x", "1"); /* git: "a.b" < "a/" */
    fixture_write(&g, "a.b", "2");
    fixture_commit(&g, NULL, tree);
    CLEANUP(files_closep) struct files *f = tree_of(&g, tree);
    struct file_list l;
    assert_ok(files_list(f, STR(""), &arena, &l, &err));
    assert_str(l.at[0].name, "a");
    assert_str(l.at[1].name, "a.b");
    fixture_close(&g);
}

static void paths_that_leave_the_tree_are_refused(UNUSED void **state)
{
    CLEANUP(files_closep) struct files *f = files_new_memory();
    str s;
    assert_ok(files_memory_add_link(f, STR("app/out"), STR("../../etc/passwd"), &err));
    assert_ok(files_memory_add_link(f, STR("abs"), STR("/etc/passwd"), &err));
    assert_ok(files_memory_add_link(f, STR("loop"), STR("loop"), &err));
    static const struct {
        const char *path, *text;
    } rows[] = {
        {"/etc/passwd", "/etc/passwd: path is absolute"},
        {"../x", "../x: path leads out of the repository"},
        {"app/../../x", "app/../../x: path leads out of the repository"},
        {"app/out", "app/out: path leads out of the repository"},
        {"abs", "abs: symbolic link leads out of the repository"},
        {"loop", "loop: more than 40 symbolic links on the way"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(files_read(f, str_of(rows[i].path), 0, &arena, &s, &err), -ERR_INVALID);
        assert_string_equal(err.text, rows[i].text);
    }
    assert_int_equal(files_read(f, STR("a\0b"), 0, &arena, &s, &err), -ERR_INVALID);
}

static void a_folder_swapped_for_a_link_is_not_followed_by_the_folder_backend(UNUSED void **state)
{
    struct git_fixture g;
    char w[PATH_MAX];
    fixture_open(&g);
    fixture_link(&g, "etc", "/etc");
    fixture_work_tree(&g, w);
    CLEANUP(files_closep) struct files *f = NULL;
    str s;
    assert_ok(files_open_folder(str_of(w), &f, &err));
    assert_int_equal(files_read(f, STR("etc/passwd"), 0, &arena, &s, &err), -ERR_INVALID);
    struct file_list l = {0};
    assert_int_not_equal(f->kind->list(f, STR("etc"), &arena, &l, &err), 0);
    fixture_close(&g);
}

static void a_file_past_the_bound_is_refused_before_it_is_read(UNUSED void **state)
{
    struct git_fixture g;
    char tree[41];
    fixture_open(&g);
    fixture_write(&g, "big", "0123456789");
    fixture_commit(&g, NULL, tree);
    CLEANUP(files_closep) struct files *f = tree_of(&g, tree);
    str s;
    assert_ok(files_read(f, STR("big"), 10, &arena, &s, &err));
    assert_int_equal(files_read(f, STR("big"), 9, &arena, &s, &err), -ERR_TOO_LARGE);
    assert_string_equal(err.text, "big: file is larger than 9 bytes");
    fixture_close(&g);
}

static void a_link_out_of_the_tree_is_found_wherever_it_is(UNUSED void **state)
{
    CLEANUP(files_closep) struct files *f = files_new_memory();
    str link;
    assert_ok(files_memory_add(f, STR("app/cm.yaml"), STR("x"), &err));
    assert_ok(files_memory_add_link(f, STR("app/ok"), STR("../other/none"), &err));
    assert_ok(files_find_escaping_link(f, &arena, &link, &err));
    assert_str(link, "");
    /* Out and in again counts: the step above the root is what upstream looks at. */
    assert_ok(files_memory_add_link(f, STR("z/deep/bad"), STR("../../../repo/x"), &err));
    assert_ok(files_find_escaping_link(f, &arena, &link, &err));
    assert_str(link, "z/deep/bad");
    assert_ok(files_memory_add_link(f, STR("app/out.yaml"), STR("../../../etc/passwd"), &err));
    assert_ok(files_find_escaping_link(f, &arena, &link, &err));
    assert_str(link, "app/out.yaml");
}

static void a_submodule_on_the_way_is_a_clear_error(UNUSED void **state)
{
    struct git_fixture g;
    char tree[41], commit[41], w[PATH_MAX], info[128];
    fixture_open(&g);
    fixture_write(&g, "a", "a");
    fixture_commit(&g, commit, NULL);
    fixture_work_tree(&g, w);
    snprintf(info, sizeof(info), "160000,%s,sub", commit);
    fixture_must(FIXTURE_RUN(w, NULL, 0, "git", "update-index", "--add", "--cacheinfo", info));
    fixture_must(FIXTURE_RUN(w, tree, 41, "git", "write-tree"));
    CLEANUP(files_closep) struct files *f = tree_of(&g, tree);
    str s;
    assert_int_equal(files_read(f, STR("sub/x"), 0, &arena, &s, &err), -ERR_UNSUPPORTED);
    assert_string_equal(err.text,
                        "sub/x: 'sub' is a git submodule, and submodules are not supported");
    fixture_close(&g);
}

/* ---- recording ---- */

static struct read_set *ask_and_record(struct files *f)
{
    struct read_set *s = read_set_new();
    struct file_list l;
    struct file_entry e;
    str t;
    f->reads = s;
    assert_ok(files_list(f, STR("app"), &arena, &l, &err));
    assert_ok(files_read(f, STR("app/cm.yaml"), 0, &arena, &t, &err));
    assert_ok(files_read(f, STR("app/link.yaml"), 0, &arena, &t, &err));
    assert_ok(files_stat(f, STR("app/.argocd-source.yaml"), true, &arena, &e, &err));
    assert_ok(files_stat(f, STR("none/x"), true, &arena, &e, &err));
    f->reads = NULL;
    return s;
}

static bool same_in(const struct read_set *s, struct files *now)
{
    bool same = false;
    assert_ok(read_set_check(s, now, &arena, &same, NULL, &err));
    return same;
}

struct touch {
    const struct read_set *reads;
    bool touched;
};

static int touch_path(void *arg, str path, const struct file_entry *before,
                      const struct file_entry *after, UNUSED struct err *e)
{
    struct touch *t = arg;
    t->touched |= read_set_touches(t->reads, path, before->kind, after->kind);
    return 0;
}

/* What each change means for a reader of app/: the check against the tree is exact, the look-up by
 * path never misses. */
static void a_change_is_noticed_exactly_when_it_was_read(UNUSED void **state)
{
    static const struct {
        const char *write, *remove, *link, *target;
        bool same;
    } rows[] = {
        {.write = "app-2/y.yaml", .same = true},
        {.write = "app/deep/er/x.yaml", .same = true}, /* listed, not read */
        {.write = "new/file", .same = true},
        {.write = "app/cm.yaml"},
        {.write = "app/new.yaml"},
        {.remove = "app/deep/er/x.yaml"}, /* takes the folder along */
        {.write = "other/z.yaml"},        /* read through a link */
        {.link = "app/link.yaml", .target = "../app-2/y.yaml"},
        {.write = "app/.argocd-source.yaml"},
        {.write = "none/x"},
        {.write = "none/y", .same = false}, /* "none" was absent */
        {.remove = "app/cm.yaml"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct git_fixture g;
        char tree[41], tree2[41], objects[PATH_MAX];
        fixture_open(&g);
        fill(&g);
        fixture_commit(&g, NULL, tree);
        if (rows[i].write)
            fixture_write(&g, rows[i].write, "changed\n");
        if (rows[i].remove)
            fixture_remove(&g, rows[i].remove);
        if (rows[i].link)
            fixture_link(&g, rows[i].link, rows[i].target);
        fixture_commit(&g, NULL, tree2);
        CLEANUP(files_closep) struct files *was = tree_of(&g, tree), *now = tree_of(&g, tree2);
        CLEANUP(read_set_freep) struct read_set *s = ask_and_record(was);
        assert_true(same_in(s, was));
        if (same_in(s, now) != rows[i].same)
            fail_msg("row %zu: same=%d", i, !rows[i].same);
        CLEANUP(git_store_unrefp) struct git_store *store = NULL;
        fixture_objects(&g, objects);
        assert_ok(git_store_open(str_of(objects), &store, &err));
        struct touch t = {.reads = s};
        assert_ok(git_store_diff(store, str_of(tree), str_of(tree2), touch_path, &t, &err));
        if (!rows[i].same && !t.touched)
            fail_msg("row %zu: the path look-up missed it", i);
        if (i < 2 && t.touched)
            fail_msg("row %zu: the path look-up says changed", i);
        fixture_close(&g);
    }
}

static void a_read_set_survives_printing(UNUSED void **state)
{
    CLEANUP(files_closep) struct files *f = files_new_memory();
    assert_ok(files_memory_add(f, STR("app/cm.yaml"), STR("x"), &err));
    assert_ok(files_memory_add(f, STR("app/n\nl"), STR("x"), &err));
    assert_ok(files_memory_add_link(f, STR("app/link.yaml"), STR("cm.yaml"), &err));
    CLEANUP(read_set_freep) struct read_set *s = ask_and_record(f), *back = NULL;
    CLEANUP(buf_done) struct buf one = BUF_INIT, two = BUF_INIT;
    read_set_print(s, &one);
    assert_ok(read_set_parse(buf_str(&one), &back, &err));
    read_set_print(back, &two);
    assert_int_equal(one.len, two.len); /* a parsed set is in another order */
    for (size_t i = 0; i < read_set_len(s); i++) {
        const struct read_entry *e = read_set_at(s, i);
        if (e->kind != READ_LIST) /* a listing changes by what is in the folder */
            assert_true(read_set_touches(back, e->path, FILE_REGULAR, FILE_MISSING));
    }
    assert_true(read_set_touches(back, STR("app/zzz"), FILE_MISSING, FILE_REGULAR));
    assert_false(read_set_touches(back, STR("app/zzz"), FILE_REGULAR, FILE_REGULAR));
    assert_true(same_in(back, f));
    struct sha256 a = read_set_digest(s), b = read_set_digest(back);
    assert_true(sha256_eq(&a, &b));
}

static void a_damaged_read_set_is_refused(UNUSED void **state)
{
    static const char *const rows[] = {
        "",
        "reads 2\n",
        "reads 1\nx 0 - 1:a\n",
        "reads 1\nf 1 - 1:a\n",    /* a file needs its id */
        "reads 1\na 0 - 3:a\n",    /* shorter than it says */
        "reads 1\na 0 - 4:../a\n", /* not a clean path */
        "reads 1\na 0 - 2:/a\n",
        "reads 1\na 9 - 1:a\n",
        "reads 1\na 0 - 99999999999999999999:a\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct read_set *s = NULL;
        if (read_set_parse(str_of(rows[i]), &s, &err) != -ERR_INVALID)
            fail_msg("row %zu was accepted", i);
    }
}

static void a_difference_names_each_changed_file_once(UNUSED void **state);
static int collect(void *arg, str path, const struct file_entry *before,
                   const struct file_entry *after, UNUSED struct err *e)
{
    buf_printf(arg, "%.*s %.*s>%.*s\n", STR_FMT(path), STR_FMT(file_kind_name(before->kind)),
               STR_FMT(file_kind_name(after->kind)));
    return 0;
}

static void a_difference_names_each_changed_file_once(UNUSED void **state)
{
    struct git_fixture g;
    char tree[41], tree2[41], objects[PATH_MAX];
    fixture_open(&g);
    fixture_write(&g, "a/1", "1");
    fixture_write(&g, "a/2", "2");
    fixture_write(&g, "b", "b");
    fixture_write(&g, "c/x", "x");
    fixture_commit(&g, NULL, tree);
    fixture_write(&g, "a/2", "two");
    fixture_remove(&g, "b");
    fixture_write(&g, "b/now/folder", "b");
    fixture_remove(&g, "c/x");
    fixture_write(&g, "d/y", "y");
    fixture_commit(&g, NULL, tree2);
    CLEANUP(git_store_unrefp) struct git_store *store = NULL;
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    fixture_objects(&g, objects);
    assert_ok(git_store_open(str_of(objects), &store, &err));
    assert_ok(git_store_diff(store, str_of(tree), str_of(tree2), collect, &b, &err));
    /* git diff --name-status: M a/2, D b, A b/now/folder, D c/x, A d/y */
    assert_string_equal(b.at, "a/2 file>file\nb file>missing\nb/now/folder missing>file\n"
                              "c/x file>missing\nd/y missing>file\n");
    fixture_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_git_tree_and_a_folder_answer_alike, begin, end),
        cmocka_unit_test_setup_teardown(what_is_asked_for_stays_in_the_tree, begin, end),
        cmocka_unit_test_setup_teardown(
            entries_are_in_byte_order_even_where_git_sorts_folders_otherwise, begin, end),
        cmocka_unit_test_setup_teardown(paths_that_leave_the_tree_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(
            a_folder_swapped_for_a_link_is_not_followed_by_the_folder_backend, begin, end),
        cmocka_unit_test_setup_teardown(a_file_past_the_bound_is_refused_before_it_is_read, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_link_out_of_the_tree_is_found_wherever_it_is, begin, end),
        cmocka_unit_test_setup_teardown(a_submodule_on_the_way_is_a_clear_error, begin, end),
        cmocka_unit_test_setup_teardown(a_change_is_noticed_exactly_when_it_was_read, begin, end),
        cmocka_unit_test_setup_teardown(a_read_set_survives_printing, begin, end),
        cmocka_unit_test_setup_teardown(a_damaged_read_set_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(a_difference_names_each_changed_file_once, begin, end),
    };
    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
