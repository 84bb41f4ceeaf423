/* argo/tests/crds_test.c: our CRDs against what Argo CD 3.6 installs. Counted in its manifests/crds
 * (commit 37ee0097): schema nodes, that is properties, items and additionalProperties, the root
 * included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "argo/application.h"
#include "argo/kinds.h"

static size_t count_nodes(value schema)
{
    size_t n = 1;
    for (struct value_iter it = value_iter(value_getz(schema, "properties")); value_next(&it);)
        n += count_nodes(it.val);
    value items = value_getz(schema, "items"), more = value_getz(schema, "additionalProperties");
    return n + (value_is_map(items) ? count_nodes(items) : 0) +
           (value_is_map(more) ? count_nodes(more) : 0);
}

static void our_schemas_have_as_many_nodes_as_upstream(void **state)
{
    static const struct {
        const char *name;
        size_t nodes;
    } want[] = {{"applications.argoproj.io", 1824},
                {"appprojects.argoproj.io", 97},
                {"applicationsets.argoproj.io", 9723}};
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    value crds = argo_crds(&a);
    assert_int_equal(value_len(crds), ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        value crd = value_at(crds, i);
        assert_true(str_is(value_path_str(crd, "metadata.name"), want[i].name));
        value version = value_at(value_path(crd, "spec.versions"), 0);
        assert_int_equal(count_nodes(value_path(version, "schema.openAPIV3Schema")), want[i].nodes);
    }
    arena_done(&a);
}

static int told(void *arg, const struct bind_problem *p)
{
    str *ret = arg;
    (void)p;
    ret->len++;
    return 0;
}

static void an_application_without_project_and_destination_is_refused(void **state)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    value app = value_new_map(&a);
    value_set_str(&a, app, "apiVersion", STR("argoproj.io/v1alpha1"));
    value_set_str(&a, app, "kind", STR("Application"));
    value_setz(&a, app, "metadata", value_new_map(&a));
    value_set_path(&a, app, "spec.source.path", value_of_int(&a, 7));
    str problems = STR("");
    /* spec.destination, spec.project and spec.source.repoURL are required; the path is no number.
     */
    assert_int_equal(bind_check_each(argo_kind_application.table, app, 0, told, &problems), 4);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_schemas_have_as_many_nodes_as_upstream),
        cmocka_unit_test(an_application_without_project_and_destination_is_refused),
    };
    return cmocka_run_group_tests_name("argo/crds", tests, NULL, NULL);
}
