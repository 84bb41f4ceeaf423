/* control/tests/quarantine_test.c: a process that dies leaves its key in the file. A child process
 * dies for real; what the kernel keeps of its mapping is what the next open finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "control/quarantine.h"

#define NOW ((usec)1700000000 * USEC_PER_SEC)

static char path[64];

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/tiphys-quarantine-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 || close(fd);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static struct quarantine *opened(usec now)
{
    struct quarantine *q;
    struct err err;
    assert_int_equal(quarantine_open(path, now, &q, &err), 0);
    return q;
}

/* Opens the file, works the keys up to the last one, and dies while working that. */
static void die_working(const char *const *key, size_t n, usec now)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct quarantine *q = opened(now);
        for (size_t i = 0; i < n; i++) {
            quarantine_begin(q, str_of(key[i]));
            if (i == n - 1)
                raise(SIGKILL);
            quarantine_end(q);
        }
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void a_key_is_held_after_its_second_crash(void **state)
{
    static const char *const keys[] = {"ns/good", "ns/bad"};
    die_working(keys, 2, NOW);
    struct quarantine *q = opened(NOW);
    assert_int_equal(quarantine_crashes(q, STR("ns/bad")), 1);
    assert_false(quarantine_holds(q, STR("ns/bad")));
    quarantine_close(q);
    die_working(keys, 2, NOW);
    q = opened(NOW);
    assert_true(quarantine_holds(q, STR("ns/bad")));
    assert_int_equal(quarantine_crashes(q, STR("ns/good")), 0);
    quarantine_close(q);
    q = opened(NOW + 2 * QUARANTINE_MEMORY_US);
    assert_true(quarantine_holds(q, STR("ns/bad")));
    quarantine_close(q);
}

static void an_end_of_the_process_between_two_works_is_nobodys_crash(void **state)
{
    struct quarantine *q = opened(NOW);
    quarantine_begin(q, STR("ns/a"));
    quarantine_end(q);
    quarantine_begin(q, STR("ns/b"));
    quarantine_close(q); /* an orderly end */
    q = opened(NOW);
    assert_int_equal(quarantine_crashes(q, STR("ns/a")), 0);
    assert_int_equal(quarantine_crashes(q, STR("ns/b")), 0);
    quarantine_close(q);
}

static void work_brought_to_rest_forgets_a_crash(void **state)
{
    static const char *const key[] = {"ns/a"};
    die_working(key, 1, NOW);
    struct quarantine *q = opened(NOW);
    quarantine_settled(q, STR("ns/a"));
    quarantine_close(q);
    die_working(key, 1, NOW);
    q = opened(NOW);
    assert_false(quarantine_holds(q, STR("ns/a")));
    quarantine_close(q);
}

static void a_crash_of_long_ago_is_forgotten(void **state)
{
    static const char *const key[] = {"ns/a"};
    die_working(key, 1, NOW);
    quarantine_close(opened(NOW));
    die_working(key, 1, NOW + QUARANTINE_MEMORY_US + USEC_PER_SEC);
    struct quarantine *q = opened(NOW + QUARANTINE_MEMORY_US + USEC_PER_SEC);
    assert_int_equal(quarantine_crashes(q, STR("ns/a")), 1);
    quarantine_close(q);
}

static void a_released_key_is_held_again_by_its_next_crash(void **state)
{
    static const char *const key[] = {"ns/a"};
    die_working(key, 1, NOW);
    die_working(key, 1, NOW);
    struct quarantine *q = opened(NOW);
    assert_true(quarantine_holds(q, STR("ns/a")));
    quarantine_release(q, STR("ns/a"));
    assert_false(quarantine_holds(q, STR("ns/a")));
    quarantine_close(q);
    die_working(key, 1, NOW);
    q = opened(NOW);
    assert_true(quarantine_holds(q, STR("ns/a")));
    quarantine_close(q);
}

static void an_inner_begin_leaves_the_outer_key(void **state)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct quarantine *q = opened(NOW);
        quarantine_begin(q, STR("outer"));
        quarantine_begin(q, STR("inner"));
        quarantine_end(q);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    struct quarantine *q = opened(NOW);
    assert_int_equal(quarantine_crashes(q, STR("outer")), 1);
    assert_int_equal(quarantine_crashes(q, STR("inner")), 0);
    quarantine_close(q);
}

static void more_crashed_keys_than_rows_push_the_oldest_out(void **state)
{
    for (int i = 0; i <= QUARANTINE_KEYS_MAX; i++) {
        char name[32];
        snprintf(name, sizeof(name), "ns/%d", i);
        const char *const key[] = {name};
        die_working(key, 1, NOW + i);
    }
    struct quarantine *q = opened(NOW + 1000);
    assert_int_equal(quarantine_crashes(q, STR("ns/0")), 0);
    assert_int_equal(quarantine_crashes(q, STR("ns/1")), 1);
    assert_int_equal(quarantine_crashes(q, STR("ns/64")), 1);
    quarantine_close(q);
}

static void a_file_of_somebody_else_is_begun_anew(void **state)
{
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 40000; i++)
        fputc(i * 31 & 0xff, f);
    fclose(f);
    struct quarantine *q = opened(NOW);
    quarantine_begin(q, STR("ns/a"));
    quarantine_end(q);
    assert_int_equal(quarantine_crashes(q, STR("ns/a")), 0);
    quarantine_close(q);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
    struct quarantine *q;
    struct err err;
    assert_true(quarantine_open("/nonexistent/at-work", NOW, &q, &err) < 0);
    assert_non_null(strstr(err.text, "/nonexistent/at-work"));
}

static void without_a_file_nothing_is_held(void **state)
{
    quarantine_begin(NULL, STR("a"));
    quarantine_end(NULL);
    quarantine_settled(NULL, STR("a"));
    quarantine_release(NULL, STR("a"));
    assert_false(quarantine_holds(NULL, STR("a")));
    quarantine_close(NULL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_key_is_held_after_its_second_crash),
        TEST(an_end_of_the_process_between_two_works_is_nobodys_crash),
        TEST(work_brought_to_rest_forgets_a_crash),
        TEST(a_crash_of_long_ago_is_forgotten),
        TEST(a_released_key_is_held_again_by_its_next_crash),
        TEST(an_inner_begin_leaves_the_outer_key),
        TEST(more_crashed_keys_than_rows_push_the_oldest_out),
        TEST(a_file_of_somebody_else_is_begun_anew),
        TEST(a_folder_that_is_not_there_is_an_error),
        TEST(without_a_file_nothing_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
