/* cluster/tests/real_test.c: client, reflector and mirror over HTTP against a real API server.
 *
 * Runs in the test-cluster suite only: TIPHYS_TEST_KUBECONFIG (or TIPHYS_CLUSTER_ADMIN) names the
 * kubeconfig. Works in namespaces of its own, which it deletes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "cluster/kubeconfig.h"
#include "cluster/mirror.h"
#include "cluster/transport_http.h"
#include "kube/object.h"

struct bench {
    struct loop *loop;
    struct cluster_client *client;
    struct mirror *mirror;
    struct arena arena;
    char ns[64];
    int rc;
    struct err err;
    struct doc *answer;
    int n_answers, n_synced, n_changes, n_mine;
    bool failed;
    usec changed_at;
};

static void on_answer(void *arg, struct answer *a)
{
    struct bench *b = arg;
    b->rc = a->rc;
    b->err = a->err;
    doc_unref(b->answer);
    b->answer = a->rc == 0 ? answer_take(a) : NULL;
    b->n_answers++;
    loop_stop(b->loop);
}
static struct call call(struct bench *b)
{
    return call_open(b->loop, 30 * USEC_PER_SEC, on_answer, b);
}
static int wait_answer(struct bench *b)
{
    int n = b->n_answers;
    while (b->n_answers == n)
        loop_run(b->loop);
    return b->rc;
}

static void stop_now(void *arg) { loop_stop(((struct bench *)arg)->loop); }
static void run_for(struct bench *b, usec t)
{
    struct timer timer;
    timer_init(&timer, b->loop, stop_now, b);
    timer_arm_in(&timer, t);
    while (timer_armed(&timer))
        loop_run(b->loop);
}

static value json(struct bench *b, const char *text)
{
    value v;
    assert_int_equal(json_parse(str_of(text), NULL, &b->arena, &v, &b->err), 0);
    return v;
}
static value config_map(struct bench *b, const char *name, const char *data)
{
    return json(b, arena_printf(&b->arena,
                                "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{"
                                "\"name\":\"%s\",\"namespace\":"
                                "\"%s\",\"labels\":{\"app\":\"%s\"}},\"data\":{\"k\":\"%s\"}}",
                                name, b->ns, b->ns, data)
                       .at);
}

static struct bench *bench(const char *what)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct kube_access access;
    struct kube_transport t;
    const char *file = getenv("TIPHYS_TEST_KUBECONFIG");
    if (!file)
        file = getenv("TIPHYS_CLUSTER_ADMIN");
    assert_non_null(file);
    b->loop = loop_new(EVENT_UV, 0);
    arena_init(&b->arena, 1 << 26);
    snprintf(b->ns, sizeof(b->ns), "event-%s-%d", what, (int)getpid());
    if (kubeconfig_read(str_of(file), STR(""), &b->arena, &access, &b->err) < 0)
        fail_msg("%s", b->err.text);
    assert_int_equal(kube_transport_http(b->loop, &access.http, &t, &b->err), 0);
    b->client = cluster_client_new(b->loop, &t);
    value ns =
        json(b, arena_printf(
                    &b->arena,
                    "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\"}}",
                    b->ns)
                    .at);
    struct cluster_target target = cluster_target_of(ns);
    cluster_create(b->client, &target, ns, NULL, call(b));
    if (wait_answer(b) < 0)
        fail_msg("%s", b->err.text);
    return b;
}

static void done(struct bench *b)
{
    struct cluster_target ns = {.gvk = {STR(""), STR("v1"), STR("Namespace")},
                                .name = str_of(b->ns)};
    mirror_close(b->mirror);
    cluster_delete(b->client, &ns, NULL, call(b));
    wait_answer(b);
    cluster_client_free(b->client);
    run_for(b, 100 * USEC_PER_MS);
    doc_unref(b->answer);
    arena_done(&b->arena);
    loop_free(b->loop);
    free(b);
}

static void objects_are_made_read_patched_and_deleted(void **state)
{
    struct bench *b = bench("crud");
    value m = config_map(b, "one", "1");
    struct cluster_target t = cluster_target_of(m);
    const struct cluster_options o = {.field_manager = STR("tiphys-test")}, dry = {.dry_run = true};
    cluster_create(b->client, &t, m, &dry, call(b));
    assert_int_equal(wait_answer(b), 0);
    cluster_get(b->client, &t, call(b));
    assert_int_equal(wait_answer(b), -ERR_NOT_FOUND);
    assert_string_equal(b->err.text, "configmaps \"one\" not found");
    cluster_create(b->client, &t, m, &o, call(b));
    assert_int_equal(wait_answer(b), 0);
    cluster_create(b->client, &t, m, &o, call(b));
    assert_int_equal(wait_answer(b), -ERR_EXISTS);
    cluster_patch(b->client, &t, CLUSTER_PATCH_MERGE, STR("{\"data\":{\"x\":\"y\"}}"), &o, call(b));
    assert_int_equal(wait_answer(b), 0);
    assert_true(str_is(value_path_str(doc_root(b->answer), "data.x"), "y"));
    cluster_patch(b->client, &t, CLUSTER_PATCH_MERGE,
                  STR("{\"metadata\":{\"resourceVersion\":\"1\"}}"), &o, call(b));
    assert_int_equal(wait_answer(b), -ERR_CONFLICT);
    cluster_patch(b->client, &t, CLUSTER_PATCH_JSON,
                  STR("[{\"op\":\"remove\",\"path\":\"/data/none\"}]"), &o, call(b));
    assert_int_equal(wait_answer(b), -ERR_UNPROCESSABLE);
    const struct cluster_options apply = {.field_manager = STR("other")},
                                 forced = {.field_manager = STR("other"), .force = true};
    str body = json_str(&b->arena, config_map(b, "one", "2"), AUDIENCE_WIRE, 0);
    cluster_patch(b->client, &t, CLUSTER_PATCH_APPLY, body, &apply, call(b));
    assert_int_equal(wait_answer(b), -ERR_CONFLICT);
    cluster_patch(b->client, &t, CLUSTER_PATCH_APPLY, body, &forced, call(b));
    assert_int_equal(wait_answer(b), 0);
    cluster_delete(b->client, &t, NULL, call(b));
    assert_int_equal(wait_answer(b), 0);
    done(b);
}

static void an_unknown_kind_is_unsupported_after_discovery(void **state)
{
    struct bench *b = bench("disc");
    struct cluster_target t = {.gvk = {STR("no.such"), STR("v1"), STR("Thing")},
                               .ns = str_of(b->ns),
                               .name = STR("x")};
    cluster_discover(b->client, call_open(b->loop, 30 * USEC_PER_SEC, on_answer, b));
    /* its result is no document: forget what on_answer took */
    int n = b->n_answers;
    while (b->n_answers == n)
        loop_run(b->loop);
    cluster_kinds_unref((struct cluster_kinds *)(void *)b->answer);
    b->answer = NULL;
    assert_int_equal(b->rc, 0);
    const struct kube_kind *k =
        cluster_kind(b->client, (struct kube_gvk){STR("apps"), STR("v1"), STR("Deployment")});
    assert_non_null(k);
    assert_true(kube_kind_has_subresource(k, STR("scale")));
    assert_true(str_starts(cluster_kinds(b->client)->server_version, STR("v1.")));
    cluster_get(b->client, &t, call(b));
    assert_int_equal(wait_answer(b), -ERR_UNSUPPORTED);
    done(b);
}

/* ---- mirror ---- */

static void look(void *arg, value object, struct arena *a, struct mirror_look *ret)
{
    ret->subject = object_label(object, STR("app"));
    ret->keep_body = ret->subject.len > 0;
}
static bool wants(void *arg, const struct kube_kind *k)
{
    return !str_is(k->kind, "Event") && !str_is(k->kind, "Lease");
}
static const struct mirror_policy policy = {.wants = wants, .look = look};

static void changed(void *arg, const struct mirror_change *change, size_t n)
{
    struct bench *b = arg;
    b->n_changes += (int)n;
    for (size_t i = 0; i < n; i++)
        if (str_is(change[i].subject, b->ns)) {
            b->n_mine++;
            b->changed_at = loop_now(b->loop);
        }
}
static void synced(void *arg)
{
    struct bench *b = arg;
    b->n_synced++;
    loop_stop(b->loop);
}
static void failed(void *arg, const struct err *err) { print_message("# mirror: %s\n", err->text); }

static void the_mirror_of_a_real_cluster_syncs_and_follows(void **state)
{
    struct bench *b = bench("mirror");
    const struct mirror_owner owner = {.arg = b,
                                       .changed = changed,
                                       .synced = synced,
                                       .failed = failed};
    value m = config_map(b, "one", "1");
    struct cluster_target t = cluster_target_of(m);
    cluster_create(b->client, &t, m, NULL, call(b));
    assert_int_equal(wait_answer(b), 0);
    usec start = loop_now(b->loop);
    b->mirror = mirror_open(b->client, &policy, &owner);
    while (!b->n_synced && loop_now(b->loop) < start + 30 * USEC_PER_SEC)
        run_for(b, 50 * USEC_PER_MS);
    assert_int_equal(b->n_synced, 1);
    struct mirror_status st;
    mirror_status(b->mirror, &st);
    print_message("# synced in %d ms: %zu kinds, %zu objects, %zu B a record\n",
                  (int)((loop_now(b->loop) - start) / USEC_PER_MS), st.n_kinds, st.n_objects,
                  st.record_bytes / (st.n_objects ? st.n_objects : 1));
    assert_int_equal(st.n_synced, st.n_kinds);
    struct mirror_object o;
    struct doc *body;
    assert_true(mirror_find(b->mirror, object_key(m), &o));
    assert_int_equal(mirror_body(b->mirror, &o, &body, &b->err), 0);
    assert_true(str_is(value_path_str(doc_root(body), "data.k"), "1"));
    doc_unref(body);
    int before = b->n_mine;
    for (int i = 0; i < 20; i++) {
        char patch[64];
        snprintf(patch, sizeof(patch), "{\"data\":{\"k\":\"%d\"}}", i + 2);
        cluster_patch(b->client, &t, CLUSTER_PATCH_MERGE, str_of(patch), NULL, call(b));
        assert_int_equal(wait_answer(b), 0);
        run_for(b, 50 * USEC_PER_MS);
    }
    assert_int_equal(b->n_mine, before + 20);
    assert_true(mirror_find(b->mirror, object_key(m), &o));
    assert_true(str_eq(o.resource_version, object_resource_version(doc_root(b->answer))));
    done(b);
}

static value parse_crd(struct bench *b)
{
    return json(
        b, arena_printf(
               &b->arena,
               "{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\","
               "\"metadata\":{\"name\":\"things.%s.example.com\"},\"spec\":{\"group\":\"%s.example."
               "com\","
               "\"scope\":\"Namespaced\",\"names\":{\"kind\":\"Thing\",\"plural\":\"things\","
               "\"singular\":"
               "\"thing\"},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,"
               "\"schema\":{"
               "\"openAPIV3Schema\":{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":"
               "true}}}]}}",
               b->ns, b->ns)
               .at);
}

static void a_crd_made_while_the_mirror_runs_is_followed(void **state)
{
    struct bench *b = bench("crd");
    const struct mirror_owner owner = {.arg = b,
                                       .changed = changed,
                                       .synced = synced,
                                       .failed = failed};
    value crd = parse_crd(b);
    struct cluster_target t = cluster_target_of(crd);
    b->mirror = mirror_open(b->client, &policy, &owner);
    for (int i = 0; i < 200 && !b->n_synced; i++)
        run_for(b, 50 * USEC_PER_MS);
    cluster_create(b->client, &t, crd, NULL, call(b));
    assert_int_equal(wait_answer(b), 0);
    str api = arena_printf(&b->arena, "%s.example.com", b->ns);
    const struct kube_kind *kind = NULL;
    for (int i = 0; i < 200 && !kind; i++) {
        run_for(b, 50 * USEC_PER_MS);
        kind = cluster_kind(b->client, (struct kube_gvk){api, STR("v1"), STR("Thing")});
    }
    assert_non_null(kind);
    value thing =
        json(b, arena_printf(&b->arena,
                             "{\"apiVersion\":\"%.*s/"
                             "v1\",\"kind\":\"Thing\",\"metadata\":{\"name\":\"x\",\"namespace\":"
                             "\"%s\",\"labels\":{\"app\":\"%s\"}}}",
                             STR_FMT(api), b->ns, b->ns)
                    .at);
    struct cluster_target target = cluster_target_of(thing);
    cluster_create(b->client, &target, thing, NULL, call(b));
    assert_int_equal(wait_answer(b), 0);
    struct mirror_object o;
    bool found = false;
    for (int i = 0; i < 100 && !found; i++) {
        run_for(b, 50 * USEC_PER_MS);
        found = mirror_find(b->mirror, object_key(thing), &o);
    }
    cluster_delete(b->client, &t, NULL, call(b));
    assert_int_equal(wait_answer(b), 0);
    assert_true(found);
    for (int i = 0; i < 100 && found; i++) {
        run_for(b, 50 * USEC_PER_MS);
        found = mirror_find(b->mirror, object_key(thing), &o);
    }
    assert_false(found);
    done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_made_read_patched_and_deleted),
        cmocka_unit_test(an_unknown_kind_is_unsupported_after_discovery),
        cmocka_unit_test(the_mirror_of_a_real_cluster_syncs_and_follows),
        cmocka_unit_test(a_crd_made_while_the_mirror_runs_is_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
