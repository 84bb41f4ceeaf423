/* kube/tests/kube_test.c: answers of k8s.io/apimachinery (tests/golden/kube, made by
 * tests/oracle/kube) and of the tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kube/kinds.h"
#include "kube/managed.h"
#include "kube/names.h"
#include "base/digest.h"
#include "kube/object.h"
#include "kube/protobuf.h"
#include "kube/rbac.h"
#include "kube/selector.h"
#include "kube/strategic.h"
#include "value/json.h"

struct golden {
    struct arena a;
    str rest;
    value row;
    size_t line;
};

static str read_file(struct arena *a, const char *name)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/tests/golden/kube/%s", getenv("TIPHYS_SOURCE_ROOT"), name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    char *at = arena_alloc(a, (size_t)size + 1);
    assert_int_equal(fread(at, 1, (size_t)size, f), size);
    fclose(f);
    return str_mem(at, (size_t)size);
}

static void golden_open(struct golden *g, const char *name)
{
    *g = (struct golden){0};
    arena_init(&g->a, ARENA_BYTES_DEFAULT);
    g->rest = read_file(&g->a, name);
}

static bool golden_next(struct golden *g)
{
    str line;
    struct err err;
    if (!str_next(&g->rest, '\n', &line) || !line.len) {
        arena_done(&g->a);
        return false;
    }
    g->line++;
    if (json_parse(line, NULL, &g->a, &g->row, &err) < 0)
        fail_msg("line %zu: %s", g->line, err.text);
    return true;
}

static void assert_text(const struct golden *g, const char *field, str got)
{
    str want = value_path_str(g->row, field);
    if (!str_eq(want, got))
        fail_msg("line %zu (%.*s): want %s '%.*s', got '%.*s'", g->line,
                 STR_FMT(value_path_str(g->row, "text")), field, STR_FMT(want), STR_FMT(got));
}

static void label_selectors_parse_print_and_match_like_apimachinery(void **state)
{
    struct golden g;
    struct err err;
    value sets = VALUE_ABSENT;
    struct arena keep;
    arena_init(&keep, ARENA_BYTES_DEFAULT);
    golden_open(&g, "label-selectors.jsonl");
    str all = read_file(&keep, "label-selectors.jsonl"), line, last = STR("");
    while (str_next(&all, '\n', &line))
        if (line.len)
            last = line;
    assert_int_equal(json_parse(last, NULL, &keep, &sets, &err), 0);
    sets = value_getz(sets, "sets");
    while (golden_next(&g)) {
        struct kube_selector s;
        if (value_exists(value_getz(g.row, "sets")))
            continue;
        int rc = kube_label_selector_parse(value_path_str(g.row, "text"), &g.a, &s, &err);
        assert_text(&g, "error", rc < 0 ? err_str(&err) : STR(""));
        if (rc < 0)
            continue;
        assert_text(&g, "string", kube_selector_str(&g.a, &s));
        for (struct value_iter it = value_iter(sets); value_next(&it);)
            if (kube_selector_matches(&s, it.val) !=
                value_bool(value_at(value_getz(g.row, "matches"), it.i)))
                fail_msg("line %zu: set %zu", g.line, it.i);
    }
    arena_done(&keep);
}

static void field_selectors_parse_like_apimachinery(void **state)
{
    struct golden g;
    struct err err;
    for (golden_open(&g, "field-selectors.jsonl"); golden_next(&g);) {
        struct kube_selector s;
        int rc = kube_field_selector_parse(value_path_str(g.row, "text"), &g.a, &s, &err);
        assert_text(&g, "error", rc < 0 ? err_str(&err) : STR(""));
    }
}

static void names_are_refused_with_the_words_of_apimachinery(void **state)
{
    static const struct {
        const char *name;
        bool (*check)(str s, const char *joint, struct buf *why);
    } checks[] = {{"dns_label", kube_is_dns_label},
                  {"dns_subdomain", kube_is_dns_subdomain},
                  {"dns1035_label", kube_is_dns1035_label},
                  {"label_key", kube_is_label_key},
                  {"label_value", kube_is_label_value},
                  {"config_key", kube_is_config_key}};
    struct golden g;
    for (golden_open(&g, "names.jsonl"); golden_next(&g);) {
        CLEANUP(buf_done) struct buf why = BUF_INIT;
        size_t i = 0;
        str want = STR("");
        while (!str_is(value_path_str(g.row, "check"), checks[i].name))
            i++;
        for (struct value_iter it = value_iter(value_getz(g.row, "why")); value_next(&it);)
            want = ARENA_CAT(&g.a, want, it.i ? STR("|") : STR(""), value_str(it.val));
        bool ok = checks[i].check(value_path_str(g.row, "text"), "|", &why);
        if (ok != (want.len == 0) || !str_eq(want, buf_str(&why)))
            fail_msg("line %zu: want '%.*s', got '%.*s'", g.line, STR_FMT(want),
                     STR_FMT(buf_str(&why)));
    }
}

static const struct kube_schema *schema_of_row(const struct golden *g)
{
    return kube_schema_of_kind(value_path_str(g->row, "group"), value_path_str(g->row, "version"),
                               value_path_str(g->row, "kind"));
}

static void assert_value(const struct golden *g, const char *field, int rc, value got,
                         const struct err *err, const char *error_field)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    value want = value_path(g->row, field);
    if ((rc < 0) != value_exists(value_path(g->row, error_field)))
        fail_msg("line %zu %s: rc %d %s", g->line, field, rc, rc < 0 ? err->text : "");
    if (rc < 0) {
        str text = value_path_str(g->row, error_field);
        str no_key = STR("does not contain declared merge key"); /* of several, Go names any */
        bool same =
            str_eq(text, err_str(err)) || (str_has(text, no_key) && str_has(err_str(err), no_key));
        if (!same)
            fail_msg("line %zu: want error '%.*s', got '%s'", g->line, STR_FMT(text), err->text);
    } else if (!value_identical(want, got)) {
        fprintf(stderr, "want %.*s\ngot  %.*s\n",
                STR_FMT(json_str(&a, want, AUDIENCE_WIRE, JSON_SORT_KEYS)),
                STR_FMT(json_str(&a, got, AUDIENCE_WIRE, JSON_SORT_KEYS)));
        fail_msg("line %zu: %s differs", g->line, field);
    }
    arena_done(&a);
}

static void strategic_patches_apply_like_apimachinery(void **state)
{
    struct golden g;
    struct err err;
    for (golden_open(&g, "strategic-patches.jsonl"); golden_next(&g);) {
        value got, before = value_copy(&g.a, value_getz(g.row, "original"));
        int rc = kube_strategic_apply(value_getz(g.row, "original"), value_getz(g.row, "patch"),
                                      schema_of_row(&g), &g.a, &got, &err);
        assert_value(&g, "result", rc, got, &err, "error");
        assert_true(value_identical(before, value_getz(g.row, "original")));
    }
}

static void strategic_diffs_are_made_like_apimachinery(void **state)
{
    struct golden g;
    struct err err;
    for (golden_open(&g, "strategic-diffs.jsonl"); golden_next(&g);) {
        value got, original = value_getz(g.row, "original"),
                   modified = value_getz(g.row, "modified"), current = value_getz(g.row, "current");
        const struct kube_schema *schema = schema_of_row(&g);
        int rc = kube_strategic_diff(original, modified, schema, &g.a, &got, &err);
        assert_value(&g, "two", rc, got, &err, "two_error");
        rc = kube_strategic_diff3(original, modified, current, schema, &g.a, &got, &err);
        assert_value(&g, "three", rc, got, &err, "three_error");
        if (rc < 0)
            continue;
        rc = kube_strategic_apply(current, got, schema, &g.a, &got, &err);
        assert_value(&g, "applied", rc, got, &err, "applied_error");
    }
}

/* Without what Go does not print, or prints as nothing. */
static value without_zeros(struct arena *a, value v)
{
    value out;
    if (value_is_list(v)) {
        out = value_new_list(a);
        for (struct value_iter it = value_iter(v); value_next(&it);)
            value_push(a, out, without_zeros(a, it.val));
        return out;
    }
    if (!value_is_map(v))
        return v;
    out = value_new_map(a);
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        value child = without_zeros(a, it.val);
        bool zero = value_is_nil(child) || (value_is_string(child) && !value_str(child).len) ||
                    (value_is_number(child) && value_double(child) == 0) ||
                    (value_type(child) == VALUE_BOOL && !value_bool(child)) ||
                    ((value_is_map(child) || value_is_list(child)) && !value_len(child));
        if (!zero)
            value_set(a, out, it.key, child);
    }
    return out;
}

static void protobuf_of_typed_clients_reads_as_their_json(void **state)
{
    struct golden g;
    struct err err;
    for (golden_open(&g, "protobuf.jsonl"); golden_next(&g);) {
        str bytes;
        value got;
        assert_true(base64_parse(&g.a, value_path_str(g.row, "protobuf"), &bytes));
        if (kube_protobuf_parse(bytes, &g.a, &got, &err) < 0)
            fail_msg("line %zu: %s", g.line, err.text);
        value want = without_zeros(&g.a, value_getz(g.row, "json"));
        got = without_zeros(&g.a, got);
        if (!value_equal(want, got))
            fail_msg("line %zu:\nwant %.*s\ngot  %.*s", g.line,
                     STR_FMT(json_str(&g.a, want, AUDIENCE_WIRE, JSON_SORT_KEYS)),
                     STR_FMT(json_str(&g.a, got, AUDIENCE_WIRE, JSON_SORT_KEYS)));
        for (size_t i = 0; i < bytes.len; i++) /* cut anywhere: an error or less, never a fault */
            (void)!kube_protobuf_parse(str_sub(bytes, 0, i), &g.a, &got, &err);
    }
}

static void paths_of_resources_are_read_and_written(void **state)
{
    static const struct {
        const char *path;
        struct kube_resource_path want;
    } table[] = {
        {"/api/v1/pods", {STR_INIT(""), STR_INIT("v1"), STR_INIT("pods")}},
        {"/api/v1/namespaces/x",
         {STR_INIT(""), STR_INIT("v1"), STR_INIT("namespaces"), STR_INIT("x"), STR_INIT("x")}},
        {"/api/v1/namespaces/x/status",
         {STR_INIT(""), STR_INIT("v1"), STR_INIT("namespaces"), STR_INIT("x"), STR_INIT("x"),
          STR_INIT("status")}},
        {"/apis/apps/v1/namespaces/x/deployments/d/scale",
         {STR_INIT("apps"), STR_INIT("v1"), STR_INIT("deployments"), STR_INIT("x"), STR_INIT("d"),
          STR_INIT("scale")}},
        {"/apis/a.b/v2/things/t",
         {STR_INIT("a.b"), STR_INIT("v2"), STR_INIT("things"), STR_INIT(""), STR_INIT("t")}},
    };
    struct arena a;
    struct err err;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct kube_resource_path p;
        str rest;
        assert_int_equal(kube_resource_path_parse(str_of(table[i].path), &p, &rest, &err), 0);
        assert_true(str_eq(p.group, table[i].want.group) && str_eq(p.ns, table[i].want.ns));
        assert_true(str_eq(p.plural, table[i].want.plural) && str_eq(p.name, table[i].want.name));
        assert_true(str_eq(p.subresource, table[i].want.subresource) && !rest.len);
        assert_true(str_is(kube_resource_path_str(&a, &p), table[i].path));
    }
    struct kube_resource_path p;
    str rest;
    assert_true(kube_resource_path_parse(STR("/healthz"), &p, &rest, &err) < 0);
    assert_true(kube_resource_path_parse(STR("/apis/apps/v1"), &p, &rest, &err) < 0);
    arena_done(&a);
}

static void kinds_are_found_by_every_name_people_type(void **state)
{
    assert_true(str_is(kube_kind_by_word(STR("deploy"))->kind, "Deployment"));
    assert_true(str_is(kube_kind_by_word(STR("deployments.apps"))->kind, "Deployment"));
    assert_true(str_is(kube_kind_by_word(STR("deployment.v1.apps"))->kind, "Deployment"));
    assert_true(str_is(kube_kind_by_word(STR("events.events.k8s.io"))->group, "events.k8s.io"));
    assert_null(kube_kind_by_word(STR("deployments.batch")));
    assert_true(kube_kind_is_cluster_scoped(STR(""), STR("Namespace")));
    assert_false(kube_kind_is_cluster_scoped(STR(""), STR("Pod")));
    for (size_t i = 0; i < kube_kinds_count(); i++)
        if (kube_kind_has_verb(kube_kind_at(i), KUBE_VERB_LIST))
            assert_non_null(kube_schema_find(kube_kind_at(i)->schema));
}

static void assert_same(const struct golden *g, const char *what, value want, value got)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    if (value_exists(want) != value_exists(got) || !value_equal(want, got))
        fail_msg("line %zu: want %s %.*s, got %.*s", g->line, what,
                 STR_FMT(json_str(&a, want, AUDIENCE_WIRE, 0)),
                 STR_FMT(json_str(&a, got, AUDIENCE_WIRE, 0)));
    arena_done(&a);
}

static void client_side_managers_move_to_server_side_like_csaupgrade(void **state)
{
    struct golden g;
    struct err err;
    str name[8];
    (void)state;
    golden_open(&g, "managed.jsonl");
    while (golden_next(&g)) {
        value list = value_getz(g.row, "managed"), from = value_getz(g.row, "from");
        value owners = value_getz(g.row, "client_side"), patch = VALUE_ABSENT, moved;
        size_t n = managed_client_side(list, name, ARRAY_LEN(name));
        assert_int_equal(n, value_len(owners));
        for (size_t i = 0; i < n; i++)
            assert_true(str_eq(name[i], value_str(value_at(owners, i))));
        for (n = 0; n < value_len(from); n++)
            name[n] = value_str(value_at(from, n));
        struct doc *frozen = doc_freeze(list, 0); /* as objects from a server are */
        arena_on_done(&g.a, (void (*)(void *))doc_unref, frozen);
        assert_int_equal(managed_upgrade(doc_root(frozen), name, n, STR("ours"), &g.a, &moved,
                                         &err),
                         0);
        if (value_exists(moved))
            patch = managed_upgrade_patch(&g.a, moved, STR("7"));
        assert_same(&g, "patch", value_getz(g.row, "patch"), patch);
    }
}

static void managers_with_unreadable_fields_are_not_moved(void **state)
{
    struct arena a;
    struct err err = {0};
    value list, moved, fields;
    (void)state;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    assert_int_equal(json_parse(STR("[{\"manager\":\"k\",\"operation\":\"Update\","
                                    "\"fieldsV1\":{\"x:y\":1}}]"),
                                NULL, &a, &list, &err),
                     0);
    fields = value_getz(value_at(list, 0), "fieldsV1");
    assert_true(value_exists(fields));
    assert_true(managed_has_update(list, STR("k")));
    assert_false(managed_has_update(list, STR("q")));
    assert_int_equal(managed_upgrade(list, &STR("k"), 1, STR("ours"), &a, &moved, &err),
                     -ERR_INVALID);
    arena_done(&a);
}

/* The report as kubectl prints it, from what the oracle says is missing. */
static str expected_report(struct golden *g)
{
    str operation = value_path_str(g->row, "operation");
    static const char *const what[] = {"subjects", "rules"};
    if (str_is(operation, "none"))
        return STR("");
    str text = ARENA_CAT(&g->a, STR("\treconciliation required "), operation,
                         value_bool(value_getz(g->row, "protected"))
                             ? STR(", but object opted out "
                                   "(rbac.authorization.kubernetes.io/autoupdate: false)")
                             : STR(""),
                         STR("\n"));
    for (size_t i = 0; i < ARRAY_LEN(what); i++) {
        value list = value_get(g->row, str_of(what[i]));
        if (value_len(list))
            text = ARENA_CAT(&g->a, text, STR("\tmissing "), str_of(what[i]), STR(" added:\n"));
        for (struct value_iter it = value_iter(list); value_next(&it);)
            text = ARENA_CAT(&g->a, text, STR("\t\t"), value_str(it.val), STR("\n"));
    }
    return text;
}

static void roles_and_bindings_are_reconciled_like_kubectl_auth(void **state)
{
    static const char *const words[] = {"none", "create", "update", "recreate"};
    struct golden g;
    (void)state;
    golden_open(&g, "rbac.jsonl");
    while (golden_next(&g)) {
        struct rbac_reconciled r;
        value desired = value_getz(g.row, "desired"), want = value_getz(g.row, "object");
        assert_true(rbac_is_reconciled(desired));
        value existing = value_getz(g.row, "existing");
        struct doc *frozen = value_exists(existing) ? doc_freeze(existing, 0) : NULL;
        arena_on_done(&g.a, (void (*)(void *))doc_unref, frozen);
        rbac_reconcile(desired, frozen ? doc_root(frozen) : VALUE_ABSENT, &g.a, &r);
        assert_text(&g, "operation", str_of(words[r.operation]));
        assert_int_equal(r.opted_out, value_bool(value_getz(g.row, "protected")));
        if (!str_eq(r.report, expected_report(&g)))
            fail_msg("line %zu: report '%.*s'", g.line, STR_FMT(r.report));
        if (value_exists(want)) {
            value got = value_edit(&g.a, value_fork(&g.a, r.object));
            if (!value_len(value_getz(got, "aggregationRule"))) /* null and {} in Go's JSON */
                value_remove(got, STR("aggregationRule"));
            assert_same(&g, "object", want, got);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(label_selectors_parse_print_and_match_like_apimachinery),
        cmocka_unit_test(field_selectors_parse_like_apimachinery),
        cmocka_unit_test(names_are_refused_with_the_words_of_apimachinery),
        cmocka_unit_test(strategic_patches_apply_like_apimachinery),
        cmocka_unit_test(strategic_diffs_are_made_like_apimachinery),
        cmocka_unit_test(protobuf_of_typed_clients_reads_as_their_json),
        cmocka_unit_test(paths_of_resources_are_read_and_written),
        cmocka_unit_test(client_side_managers_move_to_server_side_like_csaupgrade),
        cmocka_unit_test(managers_with_unreadable_fields_are_not_moved),
        cmocka_unit_test(roles_and_bindings_are_reconciled_like_kubectl_auth),
        cmocka_unit_test(kinds_are_found_by_every_name_people_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
