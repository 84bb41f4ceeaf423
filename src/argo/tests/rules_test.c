/* Settings, tracking, projects, sync windows, conditions: the rules of Argo CD 3.6, texts as
 * recorded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "argo/project.h"
#include "argo/tracking.h"
#include "lang/cron.h"
#include "value/json.h"

static struct arena arena;

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

static void read_settings(const char *cm, struct settings *ret)
{
    settings_read(parse(cm), VALUE_ABSENT, STR("argocd"), &arena, ret);
}

/* ---- settings ---- */

static void settings_have_the_shipped_defaults(void **state)
{
    struct settings s;
    (void)state;
    read_settings("{}", &s);
    assert_int_equal(s.tracking, TRACK_ANNOTATION);
    assert_int_equal(s.reconcile_us, 120 * USEC_PER_SEC);
    assert_int_equal(s.reconcile_jitter_us, 60 * USEC_PER_SEC);
    assert_int_equal(s.self_heal_backoff_us, 2 * USEC_PER_SEC);
    assert_true(s.ignore_updates_enabled);
    assert_int_equal(s.ignore_status, IGNORE_STATUS_ALL);
    expect_text(s.instance_label, "app.kubernetes.io/instance");
    assert_int_equal(value_len(s.problems), 0);
}

static void a_bad_setting_keeps_its_default_and_is_told(void **state)
{
    struct settings s;
    (void)state;
    read_settings("{\"timeout.reconciliation\":\"soon\",\"resource.exclusions\":\"[\"}", &s);
    assert_int_equal(s.reconcile_us, 120 * USEC_PER_SEC);
    assert_int_equal(value_len(s.problems), 2);
}

static void kinds_are_excluded_by_settings_and_always(void **state)
{
    struct settings s;
    (void)state;
    read_settings("{\"resource.exclusions\":\"- apiGroups: ['*.example.com']\\n  kinds: "
                  "[Secret*]\\n  clusters: ['*']\\n\"}",
                  &s);
    assert_true(settings_excluded(&s, STR("a.example.com"), STR("SecretThing"), STR("https://c")));
    assert_false(settings_excluded(&s, STR("a.example.com"), STR("Thing"), STR("https://c")));
    assert_true(settings_excluded(&s, STR("metrics.k8s.io"), STR("PodMetrics"), STR("https://c")));
    assert_true(settings_excluded(&s, STR(""), STR("Event"), STR("https://c")));
    assert_false(settings_excluded(&s, STR(""), STR("ConfigMap"), STR("https://c")));
}

static void customizations_are_read_in_both_forms(void **state)
{
    struct settings s;
    (void)state;
    read_settings("{\"resource.customizations\":\"apps/Deployment:\\n  ignoreDifferences: |\\n    "
                  "jsonPointers: [/a]\\n\","
                  "\"resource.customizations.ignoreDifferences.all\":\"jsonPointers: [/b]\","
                  "\"resource.customizations.health.example.com_Thing\":\"return {}\"}",
                  &s);
    assert_int_equal(s.n_customizations, 3);
    assert_non_null(settings_health_override(&s, STR("example.com"), STR("Thing")));
    assert_null(settings_health_override(&s, STR("example.com"), STR("Other")));
}

/* ---- tracking ---- */

static void a_tracking_id_is_written_and_read_back(void **state)
{
    struct settings s;
    struct tracking_id id;
    (void)state;
    read_settings("{}", &s);
    value o = tracking_write(
        &s, &arena,
        object_private(
            &arena,
            parse("{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"s\"}}")),
        STR("app"), STR("ns"));
    expect_json(
        o,
        "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"s\",\"annotations\":{"
        "\"argocd.argoproj.io/tracking-id\":\"app:/Service:ns/s\"}}}");
    expect_text(tracking_owner(&s, o), "app");
    assert_true(tracking_id_parse(STR("a:b/c:d/e"), &id));
    assert_false(tracking_id_parse(STR("a:b/c"), &id));
    assert_false(tracking_id_parse(STR("a:b/c/d:e/f"), &id));
}

static void a_copied_tracking_id_is_no_tracking(void **state)
{
    struct settings s;
    (void)state;
    read_settings("{}", &s);
    value copied = parse("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
                         "\"two\",\"namespace\":\"ns\",\"annotations\":{"
                         "\"argocd.argoproj.io/tracking-id\":\"app:/ConfigMap:ns/one\"}}}");
    assert_false(tracking_self_referenced(&s, copied, VALUE_ABSENT));
    assert_true(tracking_self_referenced(&s, copied, copied));
}

static void a_long_label_is_cut_to_a_valid_one(void **state)
{
    struct settings s;
    (void)state;
    read_settings("{\"application.resourceTrackingMethod\":\"annotation+label\"}", &s);
    value o = tracking_write(
        &s, &arena,
        object_private(
            &arena,
            parse("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\"}}")),
        STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa--bbbb"), STR("ns"));
    expect_text(value_str(
                    value_get(value_path(o, "metadata.labels"), STR("app.kubernetes.io/instance"))),
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa--b");
}

static void a_definition_gets_no_mark(void **state)
{
    struct settings s;
    (void)state;
    read_settings("{}", &s);
    value o = parse("{\"apiVersion\":\"apiextensions.k8s.io/"
                    "v1\",\"kind\":\"CustomResourceDefinition\",\"metadata\":{\"name\":\"c\"}}");
    expect_text(tracking_owner(&s, tracking_write(&s, &arena, o, STR("app"), STR("ns"))), "");
}

/* ---- projects ---- */

static void read_project(const char *spec, struct project *ret)
{
    value o = value_new_map(&arena);
    value_set_path(&arena, o, "metadata.name", value_of_str(&arena, STR("p")));
    value_setz(&arena, o, "spec", parse(spec));
    project_view(o, NULL, 0, &arena, ret);
}

static void source_patterns_allow_and_deny(void **state)
{
    static const struct {
        const char *spec, *url;
        bool permitted;
    } rows[] = {
        {"{\"sourceRepos\":[]}", "https://h/a", false},
        {"{\"sourceRepos\":[\"*\"]}", "https://h/a", true},
        {"{\"sourceRepos\":[\"*\",\"!https://h/a.git\"]}", "https://H/a", false},
        {"{\"sourceRepos\":[\"!https://h/a\"]}", "https://h/b", true},
        {"{\"sourceRepos\":[\"file:///**\"]}", "file:///x/y", true},
        {"{\"sourceRepos\":[\"https://h/*\"]}", "https://h/a/b", false},
        {"{\"sourceRepos\":[\"git@h:org/*\"]}", "ssh://git@h/org/repo.git", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct project p;
        read_project(rows[i].spec, &p);
        if (project_source_permitted(&p, str_of(rows[i].url)) != rows[i].permitted)
            fail_msg("%s for %s", rows[i].spec, rows[i].url);
    }
}

static void destination_patterns_allow_and_deny(void **state)
{
    static const struct {
        const char *destinations, *namespace;
        bool permitted;
    } rows[] = {
        {"[{\"server\":\"*\",\"namespace\":\"*\"}]", "a", true},
        {"[{\"server\":\"https://c\",\"namespace\":\"team-*\"}]", "team-x", true},
        {"[{\"server\":\"https://c\",\"namespace\":\"team-*\"}]", "other", false},
        {"[{\"server\":\"*\",\"namespace\":\"*\"},{\"server\":\"*\",\"namespace\":\"!kube-system\"}"
         "]",
         "kube-system", false},
        {"[{\"name\":\"in-cluster\",\"namespace\":\"*\"}]", "a", true},
        {"[{\"name\":\"zzz\",\"namespace\":\"*\"}]", "a", false},
    };
    struct app_cluster c = {.server = STR("https://c"), .name = STR("in-cluster"), .found = true};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct project p;
        value spec = value_new_map(&arena), o = value_new_map(&arena);
        value_setz(&arena, spec, "destinations", parse(rows[i].destinations));
        value_setz(&arena, o, "spec", spec);
        project_view(o, NULL, 0, &arena, &p);
        if (project_destination_permitted(&p, &c, str_of(rows[i].namespace)) != rows[i].permitted)
            fail_msg("%s for %s", rows[i].destinations, rows[i].namespace);
    }
}

static void an_empty_white_list_denies_and_a_missing_one_allows(void **state)
{
    struct project p;
    (void)state;
    read_project("{}", &p);
    assert_true(project_kind_permitted(&p, STR(""), STR("ConfigMap"), STR("c"), true));
    assert_false(project_kind_permitted(&p, STR(""), STR("Namespace"), STR("n"), false));
    read_project("{\"namespaceResourceWhitelist\":[]}", &p);
    assert_false(project_kind_permitted(&p, STR(""), STR("ConfigMap"), STR("c"), true));
    read_project("{\"clusterResourceWhitelist\":[{\"group\":\"*\",\"kind\":\"Namespace\",\"name\":"
                 "\"team-*\"}]}",
                 &p);
    assert_true(project_kind_permitted(&p, STR(""), STR("Namespace"), STR("team-a"), false));
    assert_false(project_kind_permitted(&p, STR(""), STR("Namespace"), STR("other"), false));
}

static void spec_errors_have_upstreams_texts(void **state)
{
    static const struct {
        const char *spec, *message;
    } rows[] = {
        {"{\"destination\":{\"server\":\"https://c\"}}",
         "spec.source.repoURL and either spec.source.path or spec.source.chart are required"},
        {"{\"source\":{\"repoURL\":\"r\",\"chart\":\"c\"},\"destination\":{\"server\":\"https://"
         "c\"}}",
         "spec.source.targetRevision is required if the manifest source is a helm chart"},
        {"{\"source\":{\"repoURL\":\"r\",\"path\":\"p\"},\"destination\":{\"namespace\":\"n\"}}",
         "Destination server missing from app spec"},
        {"{\"source\":{\"repoURL\":\"r\",\"path\":\"p\"},\"destination\":{\"server\":\"s\","
         "\"name\":\"in-cluster\"}}",
         "application destination can't have both name and server defined: in-cluster s"},
        {"{\"source\":{\"repoURL\":\"r\",\"path\":\"p\"},\"destination\":{\"name\":\"nowhere\"}}",
         "there are no clusters with this name: nowhere"},
    };
    struct settings s;
    struct project p;
    (void)state;
    read_settings("{}", &s);
    project_view(project_default(&arena, STR("argocd")), NULL, 0, &arena, &p);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct app app;
        struct app_cluster c = {.found = false};
        struct app_conditions all = {0};
        value o = parse("{\"metadata\":{\"name\":\"a\",\"namespace\":\"argocd\"}}");
        value_setz(&arena, o, "spec", parse(rows[i].spec));
        app_view(o, STR("argocd"), &arena, &app);
        project_check_app(&p, &app, &c, &s, &arena, &all);
        assert_int_equal(all.n, 1);
        expect_text(all.at[0].message, rows[i].message);
        assert_int_equal(all.at[0].type, APP_CONDITION_INVALID_SPEC_ERROR);
    }
}

static void a_spec_is_normalised_as_it_is_stored(void **state)
{
    (void)state;
    expect_json(app_spec_normalized(
                    &arena, parse("{\"project\":\"\",\"syncPolicy\":{\"syncOptions\":[]},"
                                  "\"source\":{\"repoURL\":\"r\",\"helm\":{},"
                                  "\"directory\":{\"recurse\":false,\"include\":\"*.yaml\"}}}")),
                "{\"project\":\"default\",\"source\":{\"repoURL\":\"r\",\"directory\":{\"include\":"
                "\"*.yaml\"}}}");
    value normal = parse(
        "{\"project\":\"p\",\"source\":{\"repoURL\":\"r\",\"directory\":{\"recurse\":true}}}");
    expect_json(
        app_spec_normalized(&arena, normal),
        "{\"project\":\"p\",\"source\":{\"repoURL\":\"r\",\"directory\":{\"recurse\":true}}}");
}

static void an_unchanged_condition_keeps_its_time(void **state)
{
    struct app_conditions fresh = {0};
    (void)state;
    app_conditions_add(&fresh, APP_CONDITION_SYNC_ERROR, STR("same"));
    app_conditions_add(&fresh, APP_CONDITION_COMPARISON_ERROR, STR("new"));
    value old = parse("[{\"type\":\"SyncError\",\"message\":\"same\",\"lastTransitionTime\":\"2020-"
                      "01-01T00:00:00Z\"},"
                      "{\"type\":\"DeletionError\",\"message\":\"stays\",\"lastTransitionTime\":"
                      "\"2020-01-01T00:00:00Z\"}]");
    value merged = app_conditions_merge(&arena, old, &fresh,
                                        APP_CONDITION_BIT(APP_CONDITION_SYNC_ERROR) |
                                            APP_CONDITION_BIT(APP_CONDITION_COMPARISON_ERROR),
                                        1700000000 * USEC_PER_SEC);
    expect_json(merged, "[{\"type\":\"ComparisonError\",\"message\":\"new\",\"lastTransitionTime\":"
                        "\"2023-11-14T22:13:20Z\"},"
                        "{\"type\":\"DeletionError\",\"message\":\"stays\",\"lastTransitionTime\":"
                        "\"2020-01-01T00:00:00Z\"},"
                        "{\"type\":\"SyncError\",\"message\":\"same\",\"lastTransitionTime\":"
                        "\"2020-01-01T00:00:00Z\"}]");
    assert_false(value_exists(app_conditions_merge(&arena, merged, NULL, ~0U, 0)));
}

/* ---- windows ---- */

static bool allowed(const char *windows, bool manual, usec now)
{
    struct project p;
    struct app app;
    struct window_verdict v;
    value spec = value_new_map(&arena), o = value_new_map(&arena);
    value_setz(&arena, spec, "syncWindows", parse(windows));
    value_setz(&arena, o, "spec", spec);
    project_view(o, NULL, 0, &arena, &p);
    app_view(parse("{\"metadata\":{\"name\":\"web\"},\"spec\":{\"destination\":{\"server\":\"https:"
                   "//c\",\"namespace\":\"prod\"}}}"),
             STR("argocd"), &arena, &app);
    project_can_sync(&p, &app, manual, 0, now, &arena, &v);
    return v.allowed;
}

static void windows_decide_like_upstream(void **state)
{
    usec noon = (usec)1700049600 * USEC_PER_SEC; /* 2023-11-15T12:00:00Z */
    (void)state;
    assert_true(allowed("[]", false, noon));
    assert_false(allowed("[{\"kind\":\"deny\",\"schedule\":\"0 11 * * "
                         "*\",\"duration\":\"2h\",\"applications\":[\"*\"]}]",
                         false, noon));
    assert_false(allowed("[{\"kind\":\"deny\",\"schedule\":\"0 11 * * "
                         "*\",\"duration\":\"2h\",\"applications\":[\"*\"]}]",
                         true, noon));
    assert_true(allowed("[{\"kind\":\"deny\",\"schedule\":\"0 11 * * "
                        "*\",\"duration\":\"2h\",\"applications\":[\"*\"],\"manualSync\":true}]",
                        true, noon));
    assert_true(allowed("[{\"kind\":\"deny\",\"schedule\":\"0 8 * * "
                        "*\",\"duration\":\"2h\",\"applications\":[\"*\"]}]",
                        false, noon));
    assert_true(allowed("[{\"kind\":\"deny\",\"schedule\":\"* * * * "
                        "*\",\"duration\":\"2h\",\"applications\":[\"other\"]}]",
                        false, noon));
    assert_false(allowed("[{\"kind\":\"allow\",\"schedule\":\"0 8 * * "
                         "*\",\"duration\":\"2h\",\"namespaces\":[\"prod\"]}]",
                         false, noon));
    assert_true(allowed("[{\"kind\":\"allow\",\"schedule\":\"0 11 * * "
                        "*\",\"duration\":\"2h\",\"namespaces\":[\"prod\"]}]",
                        false, noon));
    assert_true(allowed("[{\"kind\":\"deny\",\"schedule\":\"* * * * "
                        "*\",\"duration\":\"2h\",\"applications\":[\"web\"],\"namespaces\":[\"x\"],"
                        "\"andOperator\":true}]",
                        false, noon));
    assert_false(allowed(
        "[{\"kind\":\"deny\",\"schedule\":\"bad\",\"duration\":\"2h\",\"applications\":[\"*\"]}]",
        false, noon));
}

static void a_schedule_gives_its_next_minute(void **state)
{
    static const struct {
        const char *schedule, *after, *next;
    } rows[] = {
        {"* * * * *", "2024-01-01T00:00:00Z", "2024-01-01T00:01:00Z"},
        {"*/15 * * * *", "2024-01-01T00:14:59Z", "2024-01-01T00:15:00Z"},
        {"0 0 29 FEB *", "2023-03-01T00:00:00Z", "2024-02-29T00:00:00Z"},
        {"30 9 * * MON-FRI", "2024-01-05T09:30:00Z", "2024-01-08T09:30:00Z"},
        {"0 0 1 * SUN", "2024-01-02T00:00:00Z", "2024-01-07T00:00:00Z"},
        {"0 22 31 12 ?", "2024-01-02T00:00:00Z", "2024-12-31T22:00:00Z"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cron c;
        struct err err;
        usec at;
        if (cron_parse(str_of(rows[i].schedule), &c, &err))
            fail_msg("%s", err.text);
        assert_true(time_parse(str_of(rows[i].after), &at));
        expect_text(time_str(&arena, cron_next(&c, at)), rows[i].next);
    }
    struct cron c;
    struct err err;
    assert_int_equal(cron_parse(STR("a b c"), &c, &err), -ERR_INVALID);
    expect_text(err_str(&err), "expected exactly 5 fields, found 3: [a b c]");
    assert_int_equal(cron_parse(STR("61 * * * *"), &c, &err), -ERR_INVALID);
    expect_text(err_str(&err), "end of range (61) above maximum (59): 61");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_have_the_shipped_defaults),
        cmocka_unit_test(a_bad_setting_keeps_its_default_and_is_told),
        cmocka_unit_test(kinds_are_excluded_by_settings_and_always),
        cmocka_unit_test(customizations_are_read_in_both_forms),
        cmocka_unit_test(a_tracking_id_is_written_and_read_back),
        cmocka_unit_test(a_copied_tracking_id_is_no_tracking),
        cmocka_unit_test(a_long_label_is_cut_to_a_valid_one),
        cmocka_unit_test(a_definition_gets_no_mark),
        cmocka_unit_test(source_patterns_allow_and_deny),
        cmocka_unit_test(destination_patterns_allow_and_deny),
        cmocka_unit_test(an_empty_white_list_denies_and_a_missing_one_allows),
        cmocka_unit_test(spec_errors_have_upstreams_texts),
        cmocka_unit_test(a_spec_is_normalised_as_it_is_stored),
        cmocka_unit_test(an_unchanged_condition_keeps_its_time),
        cmocka_unit_test(windows_decide_like_upstream),
        cmocka_unit_test(a_schedule_gives_its_next_minute),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
