/* api/tests/rbac_test.c: policies. Expected answers follow Argo CD's documentation of RBAC and its
 * built-in policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/rbac.h"
#include "value/json.h"

static value parse(struct arena *a, const char *json)
{
    value v;
    struct err err;
    assert_int_equal(json_parse(str_of(json), NULL, a, &v, &err), 0);
    return v;
}

static const struct rbac *policy(struct arena *a, const char *data, int want_rc)
{
    const struct rbac *r;
    struct err err;
    assert_int_equal(rbac_read(parse(a, data), a, &r, &err), want_rc);
    return r;
}

static bool may(const struct rbac *r, const char *who, const char *what, const char *how,
                const char *object)
{
    return rbac_allows(r, VALUE_ABSENT, str_of(who), str_of(what), str_of(how), str_of(object));
}

static void built_in_roles_are_always_there(void **state)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    const struct rbac *r = policy(&a, "{}", 0);
    assert_true(may(r, "admin", "applications", "sync", "default/shop"));
    assert_true(may(r, "admin", "applications", "get", "default/shop"));
    assert_true(may(r, "admin", "applications", "delete/apps/Deployment/ns/x", "default/shop"));
    assert_true(may(r, "admin", "exec", "create", "default/shop"));
    assert_false(may(r, "admin", "extensions", "invoke", "x"));
    assert_false(may(r, "admin", "applications", "sync", "*")); /* recorded: can-i answers no */
    assert_true(may(r, "admin", "clusters", "create", "*"));
    assert_true(may(r, "role:readonly", "applications", "get", "default/shop"));
    assert_false(may(r, "role:readonly", "applications", "sync", "default/shop"));
    assert_false(may(r, "alice", "applications", "get", "default/shop"));
    assert_false(may(r, "", "applications", "get", "default/shop"));
    arena_done(&a);
}

static void roles_globs_and_denials_work_together(void **state)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    const struct rbac *r =
        policy(&a,
               "{\"policy.csv\":\"# comment\\n\\np, role:dev, applications, *, team-*/*, allow\\n"
               "p, role:dev, applications, delete, team-a/prod, deny\\ng, alice, role:dev\\n\","
               "\"policy.more.csv\":\"p, \\\"bob\\\", applications, get, */*, allow\"}",
               0);
    assert_true(may(r, "alice", "applications", "sync", "team-a/shop"));
    assert_true(
        may(r, "alice", "applications", "action/apps/Deployment/restart", "team-a/ns/shop"));
    assert_false(may(r, "alice", "applications", "sync", "other/shop"));
    assert_false(may(r, "alice", "applications", "delete", "team-a/prod"));
    assert_true(may(r, "bob", "applications", "get", "team-a/prod"));
    assert_false(may(r, "bob", "applications", "sync", "team-a/prod"));
    assert_false(may(r, "Alice", "applications", "sync", "team-a/shop"));
    arena_done(&a);
}

static void the_default_role_cannot_be_denied(void **state)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    const struct rbac *r =
        policy(&a,
               "{\"policy.default\":\"role:readonly\",\"policy.csv\":\"p, carol, applications, "
               "get, x/y, deny\"}",
               0);
    assert_true(may(r, "carol", "applications", "get", "x/y"));
    assert_true(may(r, "anybody", "clusters", "get", "https://a"));
    assert_false(may(r, "anybody", "clusters", "delete", "https://a"));
    arena_done(&a);
}

static void a_malformed_policy_leaves_the_built_in_ones(void **state)
{
    static const char *const bad[] = {
        "{\"policy.csv\":\"p, eve, applications, get\"}",
        "{\"policy.csv\":\"x, eve, applications, get, *, allow\"}",
        "{\"policy.csv\":\"p, eve, applications, get, *, perhaps\"}",
        "{\"policy.csv\":\"p, \\\"eve, applications, get, *, allow\"}",
        "{\"policy.csv\":\"g, eve\"}",
    };
    struct arena a;
    arena_init(&a, 1 << 24);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct rbac *r = policy(&a, bad[i], -ERR_INVALID);
        assert_false(may(r, "eve", "applications", "get", "a/b"));
        assert_true(may(r, "admin", "applications", "get", "a/b"));
    }
    const struct rbac *r =
        policy(&a, "{\"policy.matchMode\":\"regex\",\"policy.csv\":\"p, eve, .*, .*, .*, allow\"}",
               -ERR_UNSUPPORTED);
    assert_false(may(r, "eve", "applications", "get", "a/b"));
    arena_done(&a);
}

static void a_project_role_never_reaches_beyond_its_project(void **state)
{
    static const struct {
        const char *policy;
        bool own;
    } cases[] = {
        {"p, proj:a:dev, applications, *, a/*, allow", true},
        {"p, proj:a:dev, applications, *, */*, allow", false},
        {"p, proj:a:dev, applications, *, ab/*, allow", false},
        {"p, proj:a:other, applications, *, a/*, allow", false},
        {"p, alice, applications, *, a/*, allow", false},
        {"g, proj:a:dev, role:admin", false},
        {"g, alice, role:admin, x, y, allow", false},
    };
    struct arena a;
    arena_init(&a, 1 << 24);
    const struct rbac *r = policy(&a, "{}", 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        str text = arena_printf(&a,
                                "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"roles\":[{\"name\":"
                                "\"dev\",\"groups\":[\"team\"],\"policies\":[\"%s\"]}]}}",
                                cases[i].policy);
        value project = parse(&a, text.at);
        assert_int_equal(rbac_allows(r, project, STR("proj:a:dev"), STR("applications"),
                                     STR("sync"), STR("a/shop")),
                         cases[i].own);
        assert_int_equal(rbac_allows(r, project, STR("team"), STR("applications"), STR("sync"),
                                     STR("a/shop")),
                         cases[i].own);
        assert_false(rbac_allows(r, project, STR("proj:a:dev"), STR("applications"), STR("sync"),
                                 STR("b/shop")));
        assert_false(
            rbac_allows(r, project, STR("alice"), STR("applications"), STR("sync"), STR("a/shop")));
    }
    arena_done(&a);
}

static void roles_that_lead_in_a_circle_end(void **state)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    const struct rbac *r =
        policy(&a,
               "{\"policy.csv\":\"g, a, b\\ng, b, c\\ng, c, a\\np, d, projects, get, *, allow\"}",
               0);
    assert_false(may(r, "a", "projects", "get", "x"));
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_roles_are_always_there),
        cmocka_unit_test(roles_globs_and_denials_work_together),
        cmocka_unit_test(the_default_role_cannot_be_denied),
        cmocka_unit_test(a_malformed_policy_leaves_the_built_in_ones),
        cmocka_unit_test(a_project_role_never_reaches_beyond_its_project),
        cmocka_unit_test(roles_that_lead_in_a_circle_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
