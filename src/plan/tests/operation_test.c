/* The state machine around a sync: retries, history, automated sync, refresh. Texts as Argo CD 3.6
 * recorded them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "plan/autosync.h"
#include "plan/operation.h"
#include "plan/refresh.h"
#include "value/json.h"

static struct arena arena;
#define NOW (1700000000 * USEC_PER_SEC) /* 2023-11-14T22:13:20Z */

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, ARENA_BYTES_DEFAULT);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static value parse(const char *json)
{
    value v;
    struct err err;
    if (json_parse(str_of(json), NULL, &arena, &v, &err))
        fail_msg("%s in %s", err.text, json);
    return v;
}

static void app_of(const char *json, struct app *ret)
{
    app_view(parse(json), STR("argocd"), &arena, ret);
}

static void settings_of(struct settings *ret)
{
    settings_read(VALUE_ABSENT, VALUE_ABSENT, STR("argocd"), &arena, ret);
}

static void expect_json(value v, const char *json)
{
    if (!value_equal(v, parse(json)))
        fail_msg("%.*s", STR_FMT(json_str(&arena, v, AUDIENCE_WIRE, JSON_SORT_KEYS)));
}

static void expect_text(str s, const char *text)
{
    if (!str_is(s, text))
        fail_msg("%.*s", STR_FMT(s));
}

#define APP(more)                                                                                  \
    "{\"metadata\":{\"name\":\"a\",\"namespace\":\"argocd\"},\"spec\":{\"source\":{\"repoURL\":"   \
    "\"r\",\"path\":\"p\"},"                                                                       \
    "\"destination\":{\"server\":\"s\",\"namespace\":\"n\"}" more "}}"

/* ---- operation ---- */

static void a_new_operation_is_running_with_empty_structs_written_out(void **state)
{
    (void)state;
    expect_json(operation_begin(&arena, parse("{\"sync\":{}}"), NOW),
                "{\"operation\":{\"sync\":{},\"initiatedBy\":{},\"retry\":{}},\"phase\":"
                "\"Running\",\"startedAt\":\"2023-11-14T22:13:20Z\"}");
}

static const char *const failed_state =
    "{\"operation\":{\"sync\":{},\"initiatedBy\":{},\"retry\":{\"limit\":2,\"backoff\":{"
    "\"duration\":\"1s\",\"factor\":2,"
    "\"maxDuration\":\"3s\"}}},\"phase\":\"Failed\",\"message\":\"no\",\"startedAt\":\"2023-11-"
    "14T22:13:20Z\"}";

static void a_failed_operation_is_retried_until_its_limit(void **state)
{
    struct app app;
    struct settings s;
    struct operation_end end;
    struct operation_next next;
    (void)state;
    app_of(APP(""), &app);
    settings_of(&s);
    operation_complete(&app, parse(failed_state), false, NOW, &arena, &end);
    assert_true(end.retry);
    assert_false(end.clear);
    expect_text(value_path_str(end.state, "message"), "no. Retrying attempt #1 at 10:13PM.");
    expect_text(value_path_str(end.state, "phase"), "Running");
    operation_next(&app, &s, end.state, NOW + USEC_PER_SEC, &arena, &next);
    assert_int_equal(next.todo, OPERATION_WAIT);
    assert_int_equal(next.wake_at, NOW + 2 * USEC_PER_SEC);
    operation_next(&app, &s, end.state, NOW + 2 * USEC_PER_SEC, &arena, &next);
    assert_int_equal(next.todo, OPERATION_RESTART);
    expect_text(value_path_str(next.state, "message"), "Retrying operation. Attempt #1");
    assert_false(value_exists(value_getz(next.state, "finishedAt")));
    value last = value_copy(&arena, parse(failed_state));
    value_setz(&arena, last, "retryCount", value_of_int(&arena, 2));
    operation_complete(&app, last, false, NOW, &arena, &end);
    assert_false(end.retry);
    assert_true(end.clear);
    expect_text(value_path_str(end.state, "message"), "no (retried 2 times).");
}

static void a_terminated_operation_is_not_retried(void **state)
{
    struct app app;
    struct operation_end end;
    (void)state;
    app_of(APP(""), &app);
    operation_complete(&app, parse(failed_state), true, NOW, &arena, &end);
    assert_false(end.retry);
    expect_text(end.event_message, "Sync operation failed: no");
    assert_true(end.event_warning);
}

static void an_operation_without_sync_is_an_error(void **state)
{
    struct app app;
    struct settings s;
    struct operation_next next;
    (void)state;
    app_of(APP(""), &app);
    settings_of(&s);
    operation_next(&app, &s, operation_begin(&arena, parse("{}"), NOW), NOW, &arena, &next);
    assert_int_equal(next.todo, OPERATION_INVALID);
    expect_text(value_path_str(next.state, "message"),
                "Invalid operation request: no operation specified");
}

static void a_sync_timeout_terminates(void **state)
{
    struct app app;
    struct settings s;
    struct operation_next next;
    (void)state;
    app_of(APP(""), &app);
    settings_of(&s);
    s.sync_timeout_us = 60 * USEC_PER_SEC;
    operation_next(&app, &s, operation_begin(&arena, parse("{\"sync\":{}}"), NOW),
                   NOW + 61 * USEC_PER_SEC, &arena, &next);
    assert_int_equal(next.todo, OPERATION_TIMED_OUT);
    expect_text(value_path_str(next.state, "phase"), "Terminating");
    expect_text(value_path_str(next.state, "message"), "operation is terminating due to timeout");
}

static void history_counts_on_and_is_cut_to_its_limit(void **state)
{
    struct app app;
    (void)state;
    app_of("{\"metadata\":{\"name\":\"a\"},\"spec\":{\"revisionHistoryLimit\":2},\"status\":{"
           "\"history\":[{\"id\":3},{\"id\":4}]}}",
           &app);
    value done = parse("{\"operation\":{\"initiatedBy\":{\"username\":\"u\"}},\"startedAt\":\"2023-"
                       "11-14T22:13:20Z\",\"syncResult\":{"
                       "\"revision\":\"abc\",\"source\":{\"repoURL\":\"r\"}}}");
    expect_json(
        operation_history(&arena, &app, done, NOW),
        "[{\"id\":4},{\"id\":5,\"revision\":\"abc\",\"source\":{\"repoURL\":\"r\"},\"initiatedBy\":"
        "{\"username\":\"u\"},"
        "\"deployStartedAt\":\"2023-11-14T22:13:20Z\",\"deployedAt\":\"2023-11-14T22:13:20Z\"}]");
    app.history_limit = 0;
    expect_json(operation_history(&arena, &app, done, NOW), "[]");
}

static void a_sync_of_local_manifests_is_history_without_a_revision(void **state)
{
    struct app app;
    (void)state;
    app_of("{\"metadata\":{\"name\":\"a\"},\"spec\":{}}", &app);
    value done = parse("{\"startedAt\":\"2023-11-14T22:13:20Z\",\"syncResult\":{\"revision\":\"\","
                       "\"source\":{\"repoURL\":\"r\"}}}");
    expect_json(operation_history(&arena, &app, done, NOW),
                "[{\"id\":0,\"source\":{\"repoURL\":\"r\"},\"deployStartedAt\":\"2023-11-14T22:13:"
                "20Z\",\"deployedAt\":\"2023-11-14T22:13:20Z\"}]");
}

static void a_rollback_takes_source_and_revision_of_its_entry(void **state)
{
    struct app app;
    struct err err;
    value op;
    (void)state;
    app_of("{\"metadata\":{\"name\":\"a\"},\"spec\":{},\"status\":{\"history\":[{\"id\":3,"
           "\"revision\":\"abc\",\"source\":{\"path\":\"p\"}}]}}",
           &app);
    assert_int_equal(operation_rollback(&app, 3, true, false, &arena, &op, &err), 0);
    expect_json(op, "{\"sync\":{\"prune\":true,\"revision\":\"abc\",\"source\":{\"path\":\"p\"},"
                    "\"syncStrategy\":{\"apply\":{}}}}");
    assert_int_equal(operation_rollback(&app, 9, true, false, &arena, &op, &err), -ERR_NOT_FOUND);
    app.automated = true;
    assert_int_equal(operation_rollback(&app, 3, true, false, &arena, &op, &err),
                     -ERR_PRECONDITION);
    expect_text(err_str(&err), "rollback cannot be initiated when auto-sync is enabled");
}

static void error_conditions_refuse_a_sync(void **state)
{
    struct app app;
    struct operation_refusal r;
    (void)state;
    app_of(APP(""), &app);
    value conditions = parse("[{\"type\":\"ComparisonError\",\"message\":\"x\"},{\"type\":"
                             "\"InvalidSpecError\",\"message\":\"y\"},"
                             "{\"type\":\"SyncError\",\"message\":\"z\"}]");
    operation_check(&app, operation_begin(&arena, parse("{\"sync\":{}}"), NOW), conditions, &arena,
                    &r);
    assert_int_equal(r.phase, OP_ERROR);
    expect_text(r.message, "ComparisonError: x;InvalidSpecError: y");
}

/* ---- automated sync ---- */

#define AUTO ",\"syncPolicy\":{\"automated\":{\"prune\":true,\"selfHeal\":true}}"
#define ATTEMPTED(phase, finished, count)                                                          \
    "{\"metadata\":{\"name\":\"a\",\"namespace\":\"argocd\"},\"spec\":{\"source\":{\"repoURL\":"   \
    "\"r\"}" AUTO "},\"status\":{\"operationState\":{\"phase\":\"" phase                           \
    "\",\"message\":\"why\",\"finishedAt\":\"" finished                                            \
    "\",\"operation\":{\"sync\":{\"autoHealAttemptsCount\":" count                                 \
    "}},\"syncResult\":{\"revision\":\"abc\","                                                     \
    "\"source\":{\"repoURL\":\"r\"}}}}}"

static void decide(const char *app_json, const char *resources, struct autosync_result *ret)
{
    static struct app app;
    static struct settings s;
    app_of(app_json, &app);
    settings_of(&s);
    struct autosync_input in = {.app = &app,
                                .settings = &s,
                                .sync_status =
                                    parse("{\"status\":\"OutOfSync\",\"revision\":\"abc\"}"),
                                .resources = parse(resources),
                                .revisions_may_differ = true,
                                .now = NOW};
    autosync_decide(&in, &arena, ret);
}

static void a_new_revision_starts_an_automated_sync(void **state)
{
    struct autosync_result r;
    (void)state;
    decide(APP(AUTO), "[{\"kind\":\"ConfigMap\",\"name\":\"c\",\"status\":\"OutOfSync\"}]", &r);
    assert_true(r.start);
    expect_json(r.operation, "{\"initiatedBy\":{\"automated\":true},\"retry\":{\"limit\":5},"
                             "\"sync\":{\"prune\":true,\"revision\":\"abc\","
                             "\"source\":{\"repoURL\":\"r\",\"path\":\"p\"}}}");
    expect_text(r.event_message, "Initiated automated sync to 'abc'");
}

static void a_failed_attempt_is_told_and_not_repeated(void **state)
{
    struct autosync_result r;
    (void)state;
    decide(ATTEMPTED("Failed", "2023-11-14T22:13:00Z", "0"), "[{\"status\":\"OutOfSync\"}]", &r);
    assert_false(r.start);
    expect_text(r.condition, "Failed last sync attempt to [abc]: why");
}

static void self_heal_waits_longer_with_each_attempt(void **state)
{
    struct autosync_result r;
    (void)state;
    decide(ATTEMPTED("Succeeded", "2023-11-14T22:13:19Z", "0"),
           "[{\"kind\":\"ConfigMap\",\"name\":\"c\",\"status\":\"OutOfSync\"},"
           "{\"kind\":\"Secret\",\"name\":\"s\",\"status\":\"Synced\"}]",
           &r);
    assert_true(r.start);
    expect_json(value_path(r.operation, "sync.resources"),
                "[{\"kind\":\"ConfigMap\",\"name\":\"c\"}]");
    assert_int_equal(value_int(value_path(r.operation, "sync.autoHealAttemptsCount")), 1);
    decide(ATTEMPTED("Succeeded", "2023-11-14T22:13:19Z", "2"), "[{\"status\":\"OutOfSync\"}]", &r);
    assert_false(r.start);
    assert_int_equal(r.again_at, NOW + 5 * USEC_PER_SEC);
}

static void pruning_everything_is_refused(void **state)
{
    struct autosync_result r;
    (void)state;
    decide(APP(AUTO),
           "[{\"kind\":\"ConfigMap\",\"status\":\"OutOfSync\",\"requiresPruning\":true}]", &r);
    assert_false(r.start);
    expect_text(r.condition,
                "Skipping sync attempt to [abc]: auto-sync will wipe out all resources");
}

/* ---- refresh ---- */

#define COMPARED                                                                                   \
    "\"sync\":{\"comparedTo\":{\"source\":{\"repoURL\":\"r\",\"path\":\"p\"},\"destination\":{"    \
    "\"server\":\"s\","                                                                            \
    "\"namespace\":\"n\"}}}"

static void the_first_reason_to_refresh_wins(void **state)
{
    static const struct {
        const char *app;
        bool needed;
        enum compare_level level;
        enum refresh_type type;
    } rows[] = {
        {"{\"metadata\":{\"name\":\"a\"},\"spec\":{\"source\":{\"repoURL\":\"r\",\"path\":\"p\"},"
         "\"destination\":{\"server\":\"s\",\"namespace\":\"n\"}},"
         "\"status\":{\"reconciledAt\":\"2023-11-14T22:13:00Z\"," COMPARED "}}",
         false, COMPARE_NOTHING, REFRESH_NORMAL},
        {"{\"metadata\":{\"name\":\"a\",\"annotations\":{\"argocd.argoproj.io/"
         "refresh\":\"hard\"}},\"spec\":{\"source\":{\"repoURL\":\"x\"}},"
         "\"status\":{\"reconciledAt\":\"2023-11-14T22:13:00Z\"," COMPARED "}}",
         true, COMPARE_FORCE_RESOLVE, REFRESH_HARD},
        {"{\"metadata\":{\"name\":\"a\"},\"spec\":{\"source\":{\"repoURL\":\"x\"}},\"status\":{"
         "\"reconciledAt\":\"2023-11-14T22:13:00Z\"," COMPARED "}}",
         true, COMPARE_FORCE_RESOLVE, REFRESH_NORMAL},
        {"{\"metadata\":{\"name\":\"a\"},\"spec\":{\"source\":{\"repoURL\":\"r\",\"path\":\"p\"},"
         "\"destination\":{\"server\":\"s\",\"namespace\":\"n\"}},"
         "\"status\":{\"reconciledAt\":\"2023-11-14T22:10:00Z\"," COMPARED "}}",
         true, COMPARE_LATEST, REFRESH_NORMAL},
        {"{\"metadata\":{\"name\":\"a\"},\"spec\":{\"source\":{\"repoURL\":\"r\",\"path\":\"p\"},"
         "\"destination\":{\"server\":\"s\",\"namespace\":\"other\"}},"
         "\"status\":{\"reconciledAt\":\"2023-11-14T22:13:00Z\"," COMPARED "}}",
         true, COMPARE_LATEST, REFRESH_NORMAL},
    };
    struct settings s;
    (void)state;
    settings_of(&s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct app app;
        struct refresh_decision d;
        app_of(rows[i].app, &app);
        refresh_decide(&app, &s, NULL, 0, NOW, &d, &arena);
        assert_int_equal(d.needed, rows[i].needed);
        if (d.needed) {
            assert_int_equal(d.level, rows[i].level);
            assert_int_equal(d.type, rows[i].type);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_operation_is_running_with_empty_structs_written_out),
        cmocka_unit_test(a_failed_operation_is_retried_until_its_limit),
        cmocka_unit_test(a_terminated_operation_is_not_retried),
        cmocka_unit_test(an_operation_without_sync_is_an_error),
        cmocka_unit_test(a_sync_timeout_terminates),
        cmocka_unit_test(history_counts_on_and_is_cut_to_its_limit),
        cmocka_unit_test(a_sync_of_local_manifests_is_history_without_a_revision),
        cmocka_unit_test(a_rollback_takes_source_and_revision_of_its_entry),
        cmocka_unit_test(error_conditions_refuse_a_sync),
        cmocka_unit_test(a_new_revision_starts_an_automated_sync),
        cmocka_unit_test(a_failed_attempt_is_told_and_not_repeated),
        cmocka_unit_test(self_heal_waits_longer_with_each_attempt),
        cmocka_unit_test(pruning_everything_is_refused),
        cmocka_unit_test(the_first_reason_to_refresh_wins),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
