/* appcache/tests/appcache_test.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "appcache/appcache.h"
#include "value/json.h"

struct seen {
    unsigned n, parts;
};

static void see(void *arg, str app, unsigned parts)
{
    struct seen *s = arg;
    assert_true(str_is(app, "argocd/shop"));
    s->n++;
    s->parts |= parts;
}

static struct doc *doc(const char *json)
{
    struct doc *d;
    struct err err;
    assert_int_equal(json_parse_doc(str_of(json), NULL, &d, &err), 0);
    return d;
}

static void turn(struct loop *l) { loop_run_sim(l, loop_now(l) + 1, 1000); }

static void a_snapshot_outlives_changes_and_removal(void **state)
{
    struct loop *l = loop_new(EVENT_SIM, 1);
    struct appcache *c = appcache_new(l);
    struct doc *live = doc("{\"kind\":\"ConfigMap\"}");
    struct appcache_managed m = {.kind = STR("ConfigMap"), .name = STR("a"), .live = live};
    assert_null(appcache_read(c, STR("argocd/shop")));
    appcache_set_managed(c, STR("argocd/shop"), &m, 1);
    doc_unref(live);
    appcache_set_tree(c, STR("argocd/shop"), doc("{\"nodes\":[]}"));
    struct appcache_entry *first = appcache_read(c, STR("argocd/shop"));
    assert_int_equal(first->has, APPCACHE_MANAGED | APPCACHE_TREE);
    appcache_set_managed(c, STR("argocd/shop"), NULL, 0);
    struct appcache_entry *second = appcache_read(c, STR("argocd/shop"));
    assert_true(second->version > first->version);
    assert_int_equal(second->n_managed, 0);
    assert_ptr_equal(second->tree, first->tree);
    appcache_remove(c, STR("argocd/shop"));
    assert_null(appcache_read(c, STR("argocd/shop")));
    appcache_free(c);
    turn(l);
    assert_int_equal(first->n_managed, 1);
    assert_true(str_is(value_path_str(doc_root(first->managed[0].live), "kind"), "ConfigMap"));
    assert_true(value_is_list(value_path(doc_root(second->tree), "nodes")));
    appcache_entry_unref(first);
    appcache_entry_unref(second);
    loop_free(l);
}

static void changes_of_one_turn_are_told_once(void **state)
{
    struct loop *l = loop_new(EVENT_SIM, 1);
    struct appcache *c = appcache_new(l);
    struct seen mine = {0}, all = {0}, other = {0};
    struct appcache_watch w1, w2, w3;
    appcache_watch_start(&w1, c, STR("argocd/shop"), see, &mine);
    appcache_watch_start(&w2, c, STR(""), see, &all);
    appcache_watch_start(&w3, c, STR("argocd/other"), see, &other);
    appcache_set_managed(c, STR("argocd/shop"), NULL, 0);
    appcache_set_manifests(c, STR("argocd/shop"), doc("{}"));
    assert_int_equal(mine.n, 0);
    turn(l);
    assert_int_equal(mine.n, 1);
    assert_int_equal(mine.parts, APPCACHE_MANAGED | APPCACHE_MANIFESTS);
    assert_int_equal(all.n, 1);
    assert_int_equal(other.n, 0);
    appcache_watch_stop(&w1);
    appcache_remove(c, STR("argocd/shop"));
    turn(l);
    assert_int_equal(mine.n, 1);
    assert_int_equal(all.n, 2);
    assert_true(all.parts & APPCACHE_REMOVED);
    appcache_watch_stop(&w2);
    appcache_watch_stop(&w3);
    appcache_free(c);
    loop_free(l);
}

struct writer {
    struct appcache *cache;
    unsigned n;
};

static void write_managed(void *arg, str app)
{
    struct writer *w = arg;
    const struct appcache_managed m = {.kind = STR("ConfigMap"), .name = STR("a")};
    w->n++;
    if (!appcache_holds(w->cache, app, APPCACHE_MANAGED))
        appcache_set_managed(w->cache, app, &m, 1);
}

static void what_is_asked_for_is_written_then_and_kept_for_few(void **state)
{
    struct loop *l = loop_new(EVENT_SIM, 1);
    struct appcache *c = appcache_new(l);
    struct writer w = {c, 0};
    char name[32];
    appcache_on_miss(c, write_managed, &w);
    assert_null(appcache_read_whole(c, STR("argocd/shop"))); /* nobody knows it */
    assert_int_equal(w.n, 0);
    for (int i = 0; i <= APPCACHE_FILLED_MAX; i++) {
        int n = snprintf(name, sizeof(name), "argocd/app-%d", i);
        appcache_set_tree(c, str_mem(name, (size_t)n), doc("{}"));
        struct appcache_entry *plain = appcache_read(c, str_mem(name, (size_t)n));
        assert_int_equal(plain->has, APPCACHE_TREE);
        struct appcache_entry *whole = appcache_read_whole(c, str_mem(name, (size_t)n));
        assert_int_equal(whole->has, APPCACHE_TREE | APPCACHE_MANAGED);
        assert_int_equal(whole->n_managed, 1);
        appcache_entry_unref(plain);
        appcache_entry_unref(whole);
    }
    assert_int_equal(w.n, APPCACHE_FILLED_MAX + 1);
    assert_false(appcache_holds(c, STR("argocd/app-0"), APPCACHE_MANAGED)); /* asked for first */
    assert_true(appcache_holds(c, STR("argocd/app-0"), APPCACHE_TREE));
    assert_true(appcache_holds(c, STR("argocd/app-1"), APPCACHE_MANAGED));
    appcache_drop(c, STR("argocd/app-1"), APPCACHE_MANAGED);
    assert_false(appcache_holds(c, STR("argocd/app-1"), APPCACHE_MANAGED));
    appcache_free(c);
    turn(l);
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_for_is_written_then_and_kept_for_few),
        cmocka_unit_test(a_snapshot_outlives_changes_and_removal),
        cmocka_unit_test(changes_of_one_turn_are_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
