/* control/tests/informer_test.c: informers, writes and the fleet against the fake server of
 * cluster/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cluster/tests/fake_server.h"
#include "control/fleet.h"
#include "control/informer.h"
#include "control/write.h"

enum { APPLICATION, SECRET };

struct bench {
    struct loop *loop;
    struct fake *fake;
    struct cluster_client *client;
    struct informer *informer;
    char log[4096];
    size_t n, n_synced;
};

static void log_change(void *arg, const struct doc *before, const struct doc *after)
{
    struct bench *b = arg;
    value o = doc_root(after ? after : before);
    b->n += (size_t)snprintf(b->log + b->n, sizeof(b->log) - b->n, "%c%.*s ",
                             !before ? '+'
                             : after ? '~'
                                     : '-',
                             STR_FMT(object_name(o)));
}
static void synced(void *arg) { ((struct bench *)arg)->n_synced++; }

static struct bench *bench(uint64_t seed)
{
    struct bench *b = calloc(1, sizeof(*b));
    b->loop = loop_new(EVENT_SIM, seed);
    b->fake = fake_new(b->loop);
    fake_add_kind(b->fake, "argoproj.io", "v1alpha1", "Application", "applications", true);
    fake_add_kind(b->fake, "", "v1", "Secret", "secrets", true);
    b->client = fake_client(b->fake);
    return b;
}
static void open_informer(struct bench *b, const char *ns, const char *selector)
{
    b->informer = informer_open(&(struct informer_config){.client = b->client,
                                                          .kind = &informer_kind_application,
                                                          .ns = str_of(ns),
                                                          .label_selector = str_of(selector),
                                                          .arg = b,
                                                          .changed = log_change,
                                                          .synced = synced});
}
static void run(struct bench *b, usec t) { loop_run_sim(b->loop, loop_now(b->loop) + t, 10000000); }
static void done(struct bench *b)
{
    informer_close(b->informer);
    run(b, USEC_PER_MIN);
    cluster_client_free(b->client);
    fake_free(b->fake);
    loop_free(b->loop);
    free(b);
}
static const char *take_log(struct bench *b)
{
    static char s[sizeof(b->log)];
    memcpy(s, b->log, sizeof(s));
    b->n = 0;
    b->log[0] = '\0';
    return s;
}
static void put_app(struct bench *b, const char *ns, const char *name, int n)
{
    char s[512];
    snprintf(s, sizeof(s),
             "{\"apiVersion\":\"argoproj.io/"
             "v1alpha1\",\"kind\":\"Application\",\"metadata\":{\"name\":\"%s\",\"namespace\":"
             "\"%s\",\"labels\":{\"n\":\"%d\"}},\"status\":{\"n\":%d}}",
             name, ns, n, n);
    fake_put(b->fake, APPLICATION, s);
}

static void objects_are_listed_followed_and_found(void **state)
{
    struct bench *b = bench(1);
    put_app(b, "argocd", "shop", 1);
    put_app(b, "other", "bank", 1);
    open_informer(b, "argocd", "");
    assert_false(informer_synced(b->informer));
    run(b, USEC_PER_SEC);
    assert_int_equal(b->n_synced, 1);
    assert_string_equal(take_log(b), "+shop ");
    put_app(b, "argocd", "shop", 2);
    put_app(b, "argocd", "new", 2);
    run(b, USEC_PER_SEC);
    assert_string_equal(take_log(b), "~shop +new ");
    const struct doc *d = informer_find(b->informer, STR("argocd"), STR("shop"));
    assert_int_equal(value_int(value_path(doc_root(d), "status.n")), 2);
    assert_null(informer_find(b->informer, STR("argocd"), STR("bank")));
    assert_int_equal(informer_len(b->informer), 2);
    fake_remove(b->fake, fake_find(b->fake, APPLICATION, "argocd", "shop"));
    run(b, USEC_PER_SEC);
    assert_string_equal(take_log(b), "-shop ");
    done(b);
}

static void only_objects_of_the_selector_are_kept(void **state)
{
    struct bench *b = bench(2);
    put_app(b, "argocd", "a", 1);
    put_app(b, "argocd", "b", 2);
    open_informer(b, "argocd", "n=1");
    run(b, USEC_PER_SEC);
    assert_string_equal(take_log(b), "+a ");
    done(b);
}

static void the_answer_of_a_write_counts_at_once_and_its_event_does_not_come_again(void **state)
{
    struct bench *b = bench(3);
    put_app(b, "argocd", "a", 1);
    open_informer(b, "argocd", "");
    run(b, USEC_PER_SEC);
    take_log(b);
    put_app(b, "argocd", "a", 2);
    struct doc *answer = doc_ref(fake_find(b->fake, APPLICATION, "argocd", "a")->doc);
    informer_put(b->informer, answer);
    assert_string_equal(take_log(b), "~a ");
    run(b, USEC_PER_SEC);
    assert_string_equal(take_log(b), "");
    put_app(b, "argocd", "a", 3);
    run(b, USEC_PER_SEC);
    assert_string_equal(take_log(b), "~a ");
    informer_put(b->informer, answer); /* an old answer that comes late */
    assert_string_equal(take_log(b), "");
    doc_unref(answer);
    done(b);
}

static void a_snapshot_stays_as_it_was_and_is_shared_while_nothing_changes(void **state)
{
    struct bench *b = bench(4);
    put_app(b, "argocd", "b", 1);
    put_app(b, "argocd", "a", 1);
    open_informer(b, "", "");
    run(b, USEC_PER_SEC);
    struct informer_snapshot *s = informer_snapshot(b->informer),
                             *again = informer_snapshot(b->informer);
    assert_ptr_equal(s, again);
    informer_snapshot_unref(again);
    put_app(b, "argocd", "a", 2);
    run(b, USEC_PER_SEC);
    assert_int_equal(s->n, 2);
    assert_true(str_is(object_name(doc_root(s->at[0])), "a"));
    assert_int_equal(value_int(
                         value_path(doc_root(informer_snapshot_find(s, STR("argocd"), STR("a"))),
                                    "status.n")),
                     1);
    assert_null(informer_snapshot_find(s, STR("argocd"), STR("c")));
    again = informer_snapshot(b->informer);
    assert_ptr_not_equal(s, again);
    assert_true(again->version > s->version);
    informer_snapshot_unref(s);
    informer_snapshot_unref(again);
    done(b);
}

static void it_ends_equal_to_the_server_whatever_breaks(void **state)
{
    for (uint64_t seed = 10; seed < 60; seed++) {
        struct bench *b = bench(seed);
        b->fake->faults = 15;
        open_informer(b, "", "");
        for (int i = 0; i < 200; i++) {
            uint64_t r = loop_random(b->loop);
            char name[8];
            snprintf(name, sizeof(name), "a%d", (int)(r % 10));
            struct fake_object *o = fake_find(b->fake, APPLICATION, "x", name);
            if (o && (r >> 8) % 3 == 0) {
                char uid[40];
                snprintf(uid, sizeof(uid), "%.*s", STR_FMT(object_uid(doc_root(o->doc))));
                fake_remove(b->fake, o);
                if ((r >> 12) % 2)
                    informer_drop(b->informer, STR("x"), str_of(name), str_of(uid));
            } else {
                put_app(b, "x", name, i);
                if ((r >> 12) % 2)
                    informer_put(b->informer, fake_find(b->fake, APPLICATION, "x", name)->doc);
            }
            if ((r >> 16) % 30 == 0)
                b->fake->compacted = b->fake->version; /* watches from before answer 410 */
            run(b, (usec)((r >> 32) % (100 * USEC_PER_MS)));
            b->n = 0;
        }
        b->fake->faults = 0;
        run(b, 3 * USEC_PER_MIN);
        assert_int_equal(informer_len(b->informer), b->fake->n_objects);
        for (size_t i = 0; i < b->fake->n_objects; i++) {
            value o = doc_root(b->fake->object[i].doc);
            const struct doc *d = informer_find(b->informer, object_ns(o), object_name(o));
            assert_non_null(d);
            assert_true(value_equal(doc_root(d), o));
        }
        done(b);
    }
}

static value parse(struct arena *a, const char *json)
{
    value v;
    struct err err;
    assert_int_equal(json_parse(str_of(json), NULL, a, &v, &err), 0);
    return v;
}

static void a_write_holds_only_what_differs(void **state)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    value app = parse(
        &a, "{\"metadata\":{\"annotations\":{\"refresh\":\"normal\",\"x\":\"1\"}},\"operation\":{},"
            "\"status\":{\"sync\":{\"status\":\"Synced\"},\"list\":[1,2],\"old\":1}}");
    struct write_change w = {
        .status = parse(&a, "{\"sync\":{\"status\":\"Synced\"},\"list\":[1,2],\"old\":1}")};
    assert_false(value_exists(write_patch(&a, app, &w)));
    w.status = parse(&a, "{\"sync\":{\"status\":\"OutOfSync\"},\"list\":[1]}");
    w.annotations = parse(&a, "{\"refresh\":null,\"gone\":null,\"x\":\"1\",\"y\":\"2\"}");
    w.clear_operation = true;
    str got = json_str(&a, write_patch(&a, app, &w), AUDIENCE_WIRE, JSON_SORT_KEYS);
    assert_true(
        str_is(got,
               "{\"metadata\":{\"annotations\":{\"refresh\":null,\"y\":\"2\"}},\"operation\":null,"
               "\"status\":{\"list\":[1],\"old\":null,\"sync\":{\"status\":\"OutOfSync\"}}}"));
    arena_done(&a);
}

static void versions_compare_as_numbers(void **state)
{
    assert_true(resource_version_newer(STR("10"), STR("9")));
    assert_false(resource_version_newer(STR("9"), STR("10")));
    assert_false(resource_version_newer(STR("9"), STR("9")));
    assert_true(resource_version_newer(STR("abc"), STR("9")));
}

/* ---- fleet ---- */

struct fleet_bench {
    struct bench *b;
    struct fleet *fleet;
    int n_opened, n_closed, n_transports, n_changes;
    char last_config[256];
};
static void look(void *arg, value object, struct arena *a, struct mirror_look *ret) {}
static const struct mirror_policy policy = {.look = look};
static void fleet_changed(void *arg, str server, const struct mirror_change *change, size_t n)
{
    ((struct fleet_bench *)arg)->n_changes += (int)n;
}
static void opened(void *arg, str server) { ((struct fleet_bench *)arg)->n_opened++; }
static void closed(void *arg, str server) { ((struct fleet_bench *)arg)->n_closed++; }
static int transport(void *arg, struct loop *l, str server, value config,
                     struct kube_transport *ret, struct err *err)
{
    struct fleet_bench *f = arg;
    f->n_transports++;
    if (value_exists(value_getz(config, "execProviderConfig")))
        return err_set(err, ERR_UNSUPPORTED, "exec plug-ins are not supported");
    *ret = (struct kube_transport){f->b->fake, fake_send, fake_stream, fake_close, fake_no_free};
    return 0;
}
static struct doc *secret(const char *name, const char *cluster, const char *server,
                          const char *config)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    value s = parse(&a, "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"namespace\":"
                        "\"argocd\",\"labels\":{"
                        "\"argocd.argoproj.io/secret-type\":\"cluster\"}},\"data\":{}}");
    s = value_copy(&a, s);
    value_set_path(&a, s, "metadata.name", value_of_str(&a, str_of(name)));
    value_set_path(&a, s, "data.name", value_of_str(&a, base64_str(&a, str_of(cluster))));
    value_set_path(&a, s, "data.server", value_of_str(&a, base64_str(&a, str_of(server))));
    value_set_path(&a, s, "data.config", value_of_str(&a, base64_str(&a, str_of(config))));
    struct doc *d = doc_freeze(s, 0);
    arena_done(&a);
    return d;
}
static struct fleet_bench *fleet_bench(void)
{
    struct fleet_bench *f = calloc(1, sizeof(*f));
    f->b = bench(1);
    f->fleet = fleet_new(&(struct fleet_config){.loop = f->b->loop,
                                                .in_cluster = f->b->client,
                                                .policy = &policy,
                                                .owner = {.arg = f,
                                                          .changed = fleet_changed,
                                                          .opened = opened,
                                                          .closed = closed},
                                                .transport = transport,
                                                .transport_arg = f});
    return f;
}
static void fleet_done(struct fleet_bench *f)
{
    fleet_free(f->fleet);
    done(f->b);
    free(f);
}

static void a_cluster_is_found_by_server_and_by_name(void **state)
{
    struct fleet_bench *f = fleet_bench();
    struct fleet_cluster c;
    struct err err;
    assert_int_equal(fleet_find(f->fleet, STR("https://kubernetes.default.svc"), STR(""), &c, &err),
                     0);
    assert_true(c.in_cluster && c.client == f->b->client && !c.mirror);
    assert_int_equal(fleet_find(f->fleet, STR(""), STR("in-cluster"), &c, &err), 0);
    assert_int_equal(fleet_find(f->fleet, STR(""), STR("nowhere"), &c, &err), -ERR_NOT_FOUND);
    assert_string_equal(err.text, "there are no clusters with this name: nowhere");
    struct doc *one = secret("one", "prod", "https://prod:6443/", "{}"),
               *two = secret("two", "prod", "https://b", "{}");
    fleet_secret_changed(f->fleet, NULL, one);
    assert_int_equal(fleet_find(f->fleet, STR("https://prod:6443"), STR(""), &c, &err), 0);
    assert_int_equal(fleet_find(f->fleet, STR(""), STR("prod"), &c, &err), 0);
    fleet_secret_changed(f->fleet, NULL, two);
    assert_int_equal(fleet_find(f->fleet, STR(""), STR("prod"), &c, &err), -ERR_INVALID);
    assert_string_equal(err.text, "there are 2 clusters with the same name");
    fleet_secret_changed(f->fleet, two, NULL);
    assert_int_equal(f->n_closed, 1);
    assert_int_equal(fleet_find(f->fleet, STR(""), STR("prod"), &c, &err), 0);
    doc_unref(one);
    doc_unref(two);
    fleet_done(f);
}

static void a_mirror_runs_only_where_somebody_asked_and_ends_with_its_secret(void **state)
{
    struct fleet_bench *f = fleet_bench();
    struct fleet_cluster c;
    struct err err;
    put_app(f->b, "x", "a", 1);
    struct doc *one = secret("one", "prod", "https://prod", "{}");
    fleet_secret_changed(f->fleet, NULL, one);
    run(f->b, USEC_PER_SEC);
    assert_int_equal(f->b->fake->n_requests, 0);
    assert_int_equal(fleet_get(f->fleet, STR("https://prod"), STR(""), &c, &err), 0);
    assert_non_null(c.mirror);
    run(f->b, USEC_PER_SEC);
    assert_int_equal(f->n_changes, 1);
    fleet_secret_changed(f->fleet, one, one); /* nothing changed */
    assert_int_equal(f->n_transports, 1);
    struct doc *other = secret("one", "prod", "https://prod", "{\"bearerToken\":\"t\"}");
    fleet_secret_changed(f->fleet, one, other);
    assert_int_equal(f->n_transports, 2);
    assert_int_equal(f->n_closed, 0);
    fleet_secret_changed(f->fleet, other, NULL);
    assert_int_equal(f->n_closed, 1);
    run(f->b, USEC_PER_SEC);
    assert_null(f->b->fake->streams);
    doc_unref(one);
    doc_unref(other);
    fleet_done(f);
}

static void a_cluster_that_cannot_be_reached_says_why(void **state)
{
    struct fleet_bench *f = fleet_bench();
    struct fleet_cluster c;
    struct err err;
    struct doc *one = secret("one", "eks", "https://eks", "{\"execProviderConfig\":{}}"),
               *two = secret("two", "bad", "https://bad", "{secret");
    fleet_secret_changed(f->fleet, NULL, one);
    assert_int_equal(fleet_find(f->fleet, STR("https://eks"), STR(""), &c, &err), 0);
    assert_null(c.client);
    assert_int_equal(fleet_get(f->fleet, STR("https://eks"), STR(""), &c, &err), -ERR_UNSUPPORTED);
    assert_string_equal(err.text, "exec plug-ins are not supported");
    fleet_secret_changed(f->fleet, NULL, two);
    assert_int_equal(fleet_get(f->fleet, STR("https://bad"), STR(""), &c, &err), -ERR_INVALID);
    assert_string_equal(err.text, "cluster 'https://bad': the secret's config is not valid JSON");
    doc_unref(one);
    doc_unref(two);
    fleet_done(f);
}

static void a_secret_may_speak_for_the_cluster_we_run_on(void **state)
{
    struct fleet_bench *f = fleet_bench();
    struct fleet_cluster c;
    struct err err;
    struct doc *one = secret("one", "home", "https://kubernetes.default.svc", "{}");
    fleet_secret_changed(f->fleet, NULL, one);
    assert_int_equal(fleet_find(f->fleet, STR(""), STR("home"), &c, &err), 0);
    assert_ptr_equal(c.client, f->b->client);
    fleet_secret_changed(f->fleet, one, NULL);
    assert_int_equal(fleet_find(f->fleet, STR(""), STR("in-cluster"), &c, &err), 0);
    assert_int_equal(f->n_closed, 0);
    doc_unref(one);
    fleet_done(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_listed_followed_and_found),
        cmocka_unit_test(only_objects_of_the_selector_are_kept),
        cmocka_unit_test(the_answer_of_a_write_counts_at_once_and_its_event_does_not_come_again),
        cmocka_unit_test(a_snapshot_stays_as_it_was_and_is_shared_while_nothing_changes),
        cmocka_unit_test(it_ends_equal_to_the_server_whatever_breaks),
        cmocka_unit_test(a_write_holds_only_what_differs),
        cmocka_unit_test(versions_compare_as_numbers),
        cmocka_unit_test(a_cluster_is_found_by_server_and_by_name),
        cmocka_unit_test(a_mirror_runs_only_where_somebody_asked_and_ends_with_its_secret),
        cmocka_unit_test(a_cluster_that_cannot_be_reached_says_why),
        cmocka_unit_test(a_secret_may_speak_for_the_cluster_we_run_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
