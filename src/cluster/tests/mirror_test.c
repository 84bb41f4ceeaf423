/* cluster/tests/mirror_test.c: the mirror against a server that misbehaves, on the virtual clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cluster/mirror.h"
#include "cluster/tests/fake_server.h"

enum { CONFIG_MAP, DEPLOYMENT, REPLICA_SET, POD, CRD, NODE, WIDGET };

struct shadow { /* what the owner knows from changes alone */
    char key[128], version[32], subject[64];
};
struct bench {
    struct loop *loop;
    struct fake *fake;
    struct cluster_client *client;
    struct mirror *mirror;
    struct mirror_policy policy;
    struct shadow shadow[FAKE_OBJECTS_MAX];
    size_t n_shadow, n_changes, n_deleted, n_batches, n_synced, n_kinds, n_failed;
    char roots[256];
    const char *subject_label;
    const char *wanted; /* name of objects whose body is kept without a subject */
    bool close_in_callback;
    struct doc *late[4]; /* answers of writes that come some time */
    struct doc *told;    /* by the last answer, or NULL */
};

static void look(void *arg, value object, struct arena *a, struct mirror_look *ret)
{
    struct bench *b = arg;
    ret->subject = object_label(object, str_of(b->subject_label));
    ret->keep_body = ret->subject.len > 0 || str_is(object_name(object), b->wanted);
    if (ret->subject.len)
        ret->note = arena_printf(a, "note of %.*s", STR_FMT(object_name(object)));
}

static struct shadow *find_shadow(struct bench *b, const char *key)
{
    for (size_t i = 0; i < b->n_shadow; i++)
        if (strcmp(b->shadow[i].key, key) == 0)
            return &b->shadow[i];
    return NULL;
}

static bool knows(const struct bench *b, const struct doc *object)
{
    struct mirror_object o;
    return mirror_find(b->mirror, object_key(doc_root(object)), &o) &&
           str_eq(o.resource_version, object_resource_version(doc_root(object)));
}

/* What an answer told is not forgotten: no watch that lags behind moves an object back in time. */
static void check_told(struct bench *b)
{
    for (size_t i = 0; b->told && i < b->fake->n_objects; i++)
        if (b->fake->object[i].doc == b->told)
            assert_true(knows(b, b->told));
}

static void changed(void *arg, const struct mirror_change *change, size_t n)
{
    struct bench *b = arg;
    b->n_batches++;
    check_told(b);
    for (size_t i = 0; i < n; i++) {
        const struct mirror_change *c = &change[i];
        char key[128];
        b->n_changes++;
        snprintf(key, sizeof(key), "%.*s/%.*s/%.*s/%.*s", STR_FMT(c->key.group),
                 STR_FMT(c->key.kind), STR_FMT(c->key.ns), STR_FMT(c->key.name));
        struct shadow *s = find_shadow(b, key);
        snprintf(b->roots, sizeof(b->roots), "%.*s", STR_FMT(c->root));
        if (c->what == MIRROR_ADDED) {
            assert_null(s);
            s = &b->shadow[b->n_shadow++];
            *s = (struct shadow){0};
            snprintf(s->key, sizeof(s->key), "%s", key);
        }
        assert_non_null(s); /* modified and deleted ones were added before */
        assert_true(str_is(c->old_subject, s->subject));
        if (c->what == MIRROR_DELETED) {
            b->n_deleted++;
            assert_true(str_is(c->resource_version, s->version));
            *s = b->shadow[--b->n_shadow];
            continue;
        }
        snprintf(s->version, sizeof(s->version), "%.*s", STR_FMT(c->resource_version));
        snprintf(s->subject, sizeof(s->subject), "%.*s", STR_FMT(c->subject));
    }
    if (b->close_in_callback)
        mirror_close(TAKE(b->mirror));
}
static void synced(void *arg) { ((struct bench *)arg)->n_synced++; }
static void kinds(void *arg) { ((struct bench *)arg)->n_kinds++; }
static void failed(void *arg, const struct err *err) { ((struct bench *)arg)->n_failed++; }

static struct bench *bench(uint64_t seed)
{
    struct bench *b = calloc(1, sizeof(*b));
    b->loop = loop_new(EVENT_SIM, seed);
    b->fake = fake_new(b->loop);
    b->subject_label = "app";
    b->wanted = "";
    fake_add_kind(b->fake, "", "v1", "ConfigMap", "configmaps", true);
    fake_add_kind(b->fake, "apps", "v1", "Deployment", "deployments", true);
    fake_add_kind(b->fake, "apps", "v1", "ReplicaSet", "replicasets", true);
    fake_add_kind(b->fake, "", "v1", "Pod", "pods", true);
    fake_add_kind(b->fake, "apiextensions.k8s.io", "v1", "CustomResourceDefinition",
                  "customresourcedefinitions", false);
    fake_add_kind(b->fake, "", "v1", "Node", "nodes", false);
    fake_add_kind(b->fake, "example.com", "v1", "Widget", "widgets", true);
    b->fake->kind[WIDGET].served = false;
    b->client = fake_client(b->fake);
    b->policy = (struct mirror_policy){.arg = b, .look = look};
    return b;
}
static void open_mirror(struct bench *b)
{
    const struct mirror_owner owner = {b, changed, synced, kinds, failed};
    b->mirror = mirror_open(b->client, &b->policy, &owner);
}
static void run(struct bench *b, usec t) { loop_run_sim(b->loop, loop_now(b->loop) + t, 10000000); }
static void done(struct bench *b)
{
    mirror_close(b->mirror);
    run(b, USEC_PER_MIN);
    for (size_t i = 0; i < ARRAY_LEN(b->late); i++)
        doc_unref(b->late[i]);
    cluster_client_free(b->client);
    fake_free(b->fake);
    loop_free(b->loop);
    free(b);
}

static const char *object_json(size_t kind, const char *kind_name, const char *ns, const char *name,
                               const char *app, const char *owner, int data)
{
    static char s[1024];
    static const char *const api[] =
        {"v1", "apps/v1", "apps/v1", "v1", "apiextensions.k8s.io/v1", "v1", "example.com/v1"};
    char labels[100] = "", owners[200] = "", space[100] = "";
    if (app[0])
        snprintf(labels, sizeof(labels), ",\"labels\":{\"app\":\"%s\"}", app);
    if (ns[0])
        snprintf(space, sizeof(space), ",\"namespace\":\"%s\"", ns);
    if (owner[0])
        snprintf(owners, sizeof(owners),
                 ",\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"X\",\"name\":\"x\","
                 "\"uid\":\"%s\"}]",
                 owner);
    snprintf(s, sizeof(s),
             "{\"apiVersion\":\"%s\",\"kind\":\"%s\",\"metadata\":{\"name\":\"%s\"%s%s%s,"
             "\"managedFields\":[{\"manager\":\"m\"}]},"
             "\"data\":{\"n\":\"%d\"}}",
             api[kind], kind_name, name, space, labels, owners, data);
    return s;
}
#define PUT(b, k_, ns, name, app, owner, data)                                                     \
    fake_put((b)->fake, k_, object_json(k_, (b)->fake->kind[k_].kind, ns, name, app, owner, data))

/* The mirror and the owner's shadow both equal the server. */
static void check_equal(struct bench *b)
{
    struct mirror_status st;
    mirror_status(b->mirror, &st);
    size_t n_served = 0;
    for (size_t i = 0; i < b->fake->n_objects; i++) {
        const struct fake_kind *k = &b->fake->kind[b->fake->object[i].kind];
        value o = doc_root(b->fake->object[i].doc);
        struct mirror_object m;
        if (!k->served)
            continue;
        n_served++;
        assert_true(mirror_find(b->mirror, object_key(o), &m));
        assert_true(str_eq(m.resource_version, object_resource_version(o)));
        assert_true(str_is(object_uid(o), m.uid));
        assert_true(str_eq(m.subject, object_label(o, STR("app"))));
        assert_int_equal(m.has_body, m.subject.len > 0);
        char key[128];
        struct arena a;
        arena_init(&a, 1 << 16);
        snprintf(key, sizeof(key), "%.*s", STR_FMT(kube_key_str(&a, object_key(o))));
        arena_done(&a);
        struct shadow *s = find_shadow(b, key);
        assert_non_null(s);
        assert_true(str_is(m.resource_version, s->version));
        assert_true(str_is(m.subject, s->subject));
        struct mirror_object by_uid;
        assert_true(mirror_find_uid(b->mirror, object_uid(o), &by_uid));
        assert_ptr_equal(by_uid.record, m.record);
    }
    assert_int_equal(st.n_objects, n_served);
    assert_int_equal(b->n_shadow, n_served);
}

static void it_lists_then_follows_changes(void **state)
{
    struct bench *b = bench(1);
    PUT(b, CONFIG_MAP, "a", "one", "shop", "", 1);
    PUT(b, NODE, "", "n1", "", "", 1);
    open_mirror(b);
    run(b, USEC_PER_SEC);
    assert_int_equal(b->n_synced, 1);
    assert_int_equal(b->n_kinds, 1);
    check_equal(b);
    size_t requests = b->fake->n_requests;
    PUT(b, CONFIG_MAP, "a", "one", "shop", "", 2);
    PUT(b, CONFIG_MAP, "a", "two", "", "", 1);
    run(b, USEC_PER_SEC);
    check_equal(b);
    fake_remove(b->fake, fake_find(b->fake, CONFIG_MAP, "a", "one"));
    run(b, USEC_PER_SEC);
    check_equal(b);
    assert_int_equal(b->fake->n_requests, requests); /* a change costs no request */
    done(b);
}

static void a_kept_body_is_the_object_without_managed_fields(void **state)
{
    struct bench *b = bench(2);
    PUT(b, CONFIG_MAP, "a", "one", "shop", "", 1);
    PUT(b, CONFIG_MAP, "a", "other", "", "", 1);
    open_mirror(b);
    run(b, USEC_PER_SEC);
    struct mirror_object o;
    struct doc *d;
    struct err err;
    assert_true(mirror_find(b->mirror,
                            (struct kube_key){STR(""), STR("ConfigMap"), STR("a"), STR("one")},
                            &o));
    assert_int_equal(mirror_body(b->mirror, &o, &d, &err), 0);
    assert_true(str_is(value_path_str(doc_root(d), "data.n"), "1"));
    assert_true(str_is(value_path_str(doc_root(d), "metadata.labels.app"), "shop"));
    assert_false(value_exists(value_path(doc_root(d), "metadata.managedFields")));
    assert_true(str_is(o.note, "note of one"));
    doc_unref(d);
    assert_true(mirror_find(b->mirror,
                            (struct kube_key){STR(""), STR("ConfigMap"), STR("a"), STR("other")},
                            &o));
    assert_int_equal(mirror_body(b->mirror, &o, &d, &err), -ERR_NOT_FOUND);
    assert_false(mirror_find(b->mirror,
                             (struct kube_key){STR("apps"), STR("ConfigMap"), STR("a"), STR("one")},
                             &o));
    done(b);
}

static void descendants_lead_to_the_subject_of_their_root(void **state)
{
    struct bench *b = bench(3);
    struct mirror_object o;
    char deployment[40], set[40];
    open_mirror(b);
    run(b, USEC_PER_SEC);
    snprintf(deployment, sizeof(deployment), "%.*s",
             STR_FMT(PUT(b, DEPLOYMENT, "a", "web", "shop", "", 1)));
    run(b, USEC_PER_SEC);
    snprintf(set, sizeof(set), "%.*s",
             STR_FMT(PUT(b, REPLICA_SET, "a", "web-1", "", deployment, 1)));
    run(b, USEC_PER_SEC);
    PUT(b, POD, "a", "web-1-x", "", set, 1);
    run(b, USEC_PER_SEC);
    assert_string_equal(b->roots, "shop"); /* of the pod's change */
    PUT(b, POD, "a", "web-1-y", "", set, 1);
    run(b, USEC_PER_SEC);
    size_t n = 0;
    for (struct mirror_iter it = mirror_children(b->mirror, str_of(set)); mirror_next(&it, &o); n++)
        assert_true(str_starts(o.key.name, STR("web-1-")));
    assert_int_equal(n, 2);
    assert_true(mirror_find(b->mirror,
                            (struct kube_key){STR(""), STR("Pod"), STR("a"), STR("web-1-x")}, &o));
    assert_true(o.has_owner);
    assert_true(str_is(mirror_root_subject(b->mirror, &o), "shop"));
    struct mirror_iter up = mirror_owners(b->mirror, &o);
    assert_true(mirror_next(&up, &o) && str_is(o.key.name, "web-1"));
    assert_false(mirror_next(&up, &o));
    /* the owner goes first: its children stay findable by its uid */
    fake_remove(b->fake, fake_find(b->fake, REPLICA_SET, "a", "web-1"));
    run(b, USEC_PER_SEC);
    n = 0;
    for (struct mirror_iter it = mirror_children(b->mirror, str_of(set)); mirror_next(&it, &o);)
        n++;
    assert_int_equal(n, 2);
    n = 0;
    for (struct mirror_iter it = mirror_of_subject(b->mirror, STR("shop")); mirror_next(&it, &o);
         n++)
        assert_true(str_is(o.key.name, "web"));
    assert_int_equal(n, 1);
    done(b);
}

static void an_expired_watch_lists_again_and_finds_what_went_meanwhile(void **state)
{
    struct bench *b = bench(4);
    PUT(b, CONFIG_MAP, "a", "one", "", "", 1);
    PUT(b, CONFIG_MAP, "a", "two", "", "", 1);
    open_mirror(b);
    run(b, USEC_PER_SEC);
    b->fake->faults = 1; /* every stream breaks */
    PUT(b, CONFIG_MAP, "a", "three", "shop", "", 1);
    run(b, 10 * USEC_PER_SEC);
    fake_remove(b->fake, fake_find(b->fake, CONFIG_MAP, "a", "one"));
    fake_remove(b->fake, fake_find(b->fake, CONFIG_MAP, "a", "two"));
    PUT(b, CONFIG_MAP, "a", "two", "", "", 5); /* another object by that name */
    b->fake->compacted = b->fake->version;     /* watches from before answer 410 */
    struct mirror_status st;
    mirror_status(b->mirror, &st);
    assert_true(st.n_failing > 0 && st.failure.kind == ERR_UNAVAILABLE);
    assert_int_equal(b->n_failed, 1); /* not once for every kind */
    b->fake->faults = 0;
    run(b, 2 * USEC_PER_MIN);
    check_equal(b);
    mirror_status(b->mirror, &st);
    assert_int_equal(b->n_deleted, 2); /* the new "two" is another object: deleted and added */
    assert_int_equal(st.n_failing, 0);
    assert_int_equal(st.failure.kind, 0);
    done(b);
}

static void a_new_crd_is_discovered_and_a_removed_one_forgotten(void **state)
{
    struct bench *b = bench(5);
    open_mirror(b);
    run(b, USEC_PER_SEC);
    PUT(b, WIDGET, "a", "w", "shop", "", 1);
    b->fake->kind[WIDGET].served = true;
    PUT(b, CRD, "", "widgets.example.com", "", "", 1);
    run(b, 5 * USEC_PER_SEC);
    assert_int_equal(b->n_kinds, 2);
    check_equal(b);
    b->fake->kind[WIDGET].served = false;
    fake_remove(b->fake, fake_find(b->fake, CRD, "", "widgets.example.com"));
    run(b, 5 * USEC_PER_SEC);
    check_equal(b);
    done(b);
}

static void a_kind_that_may_not_be_listed_does_not_hold_up_the_rest(void **state)
{
    struct bench *b = bench(6);
    b->fake->forbid_kind = NODE + 1;
    PUT(b, CONFIG_MAP, "a", "one", "", "", 1);
    open_mirror(b);
    run(b, USEC_PER_SEC);
    assert_int_equal(b->n_synced, 1);
    struct mirror_status st;
    mirror_status(b->mirror, &st);
    assert_int_equal(st.n_synced, st.n_kinds - 1);
    done(b);
}

static void only_the_namespaces_of_the_policy_are_mirrored(void **state)
{
    struct bench *b = bench(7);
    const str ns[] = {STR("a"), STR("b")};
    b->policy.ns = ns;
    b->policy.n_namespaces = 2;
    PUT(b, CONFIG_MAP, "a", "one", "", "", 1);
    PUT(b, CONFIG_MAP, "b", "one", "", "", 1);
    PUT(b, CONFIG_MAP, "c", "one", "", "", 1);
    PUT(b, NODE, "", "n", "", "", 1);
    open_mirror(b);
    run(b, USEC_PER_SEC);
    struct mirror_status st;
    mirror_status(b->mirror, &st);
    assert_int_equal(st.n_objects, 2);
    assert_int_equal(b->n_synced, 1);
    done(b);
}

static void after_invalidation_every_object_is_looked_at_anew(void **state)
{
    struct bench *b = bench(8);
    fake_put(b->fake, CONFIG_MAP,
             "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"x\","
             "\"namespace\":\"a\",\"labels\":"
             "{\"app\":\"old\",\"other\":\"new\"}}}");
    open_mirror(b);
    run(b, USEC_PER_SEC);
    assert_string_equal(b->shadow[0].subject, "old");
    b->subject_label = "other";
    mirror_invalidate(b->mirror);
    run(b, USEC_PER_SEC);
    assert_string_equal(b->shadow[0].subject, "new");
    assert_int_equal(b->n_synced, 2);
    size_t n = b->n_changes;
    mirror_invalidate(b->mirror);
    run(b, USEC_PER_SEC);
    assert_int_equal(b->n_changes, n); /* nothing new: nothing told */
    done(b);
}

static void a_mirror_may_be_closed_inside_its_callback(void **state)
{
    struct bench *b = bench(9);
    b->close_in_callback = true;
    PUT(b, CONFIG_MAP, "a", "one", "", "", 1);
    open_mirror(b);
    run(b, USEC_PER_SEC);
    assert_null(b->mirror);
    assert_int_equal(b->n_batches, 1);
    done(b);
}

/* Answers of writes come soon, or late, or again. */
static void tell_of_an_answer(struct bench *b, uint64_t r, const struct fake_object *written)
{
    struct doc **late = &b->late[(r >> 12) % ARRAY_LEN(b->late)];
    if (*late && (r >> 20) % 2)
        mirror_put(b->mirror, doc_root(*late));
    if (written && (r >> 24) % 2) {
        mirror_put(b->mirror, doc_root(written->doc));
        b->told = knows(b, written->doc) ? doc_ref(written->doc) : NULL;
    }
    if (!written || (r >> 25) % 2)
        return;
    doc_unref(*late);
    *late = doc_ref(written->doc);
}

static void disturb(struct bench *b)
{
    uint64_t r = loop_random(b->loop);
    static const char *const ns[] = {"a", "b"}, *const app[] = {"", "shop", "bank"};
    char name[16], owner[40] = "";
    size_t kind = r % 4;
    snprintf(name, sizeof(name), "o%d", (int)((r >> 8) % 12));
    if ((r >> 16) % 3 == 0 && b->fake->n_objects) {
        struct fake_object *o = &b->fake->object[(r >> 20) % b->fake->n_objects];
        snprintf(owner, sizeof(owner), "%.*s", STR_FMT(object_uid(doc_root(o->doc))));
    }
    struct fake_object *there = fake_find(b->fake, kind, ns[(r >> 30) % 2], name);
    if (there && (r >> 32) % 3 == 0)
        fake_remove(b->fake, there);
    else
        PUT(b, kind, ns[(r >> 30) % 2], name, app[(r >> 36) % 3], owner, (int)((r >> 40) % 100));
    tell_of_an_answer(b, r, fake_find(b->fake, kind, ns[(r >> 30) % 2], name));
    if ((r >> 48) % 40 == 0)
        b->fake->compacted = b->fake->version; /* watches from before answer 410 */
    if ((r >> 56) % 64 == 0)
        mirror_invalidate(b->mirror);
    if (b->fake->n_objects)
        mirror_want_body(b->mirror, object_key(doc_root(b->fake->object[0].doc)));
}

static void what_a_write_answered_is_known_before_a_watch_tells(void **state)
{
    struct bench *b = bench(12);
    struct mirror_object o;
    const struct kube_key key = {STR(""), STR("ConfigMap"), STR("a"), STR("x")};
    open_mirror(b);
    run(b, USEC_PER_SEC);
    b->fake->faults = 1; /* every stream breaks */
    run(b, USEC_PER_MIN);
    PUT(b, CONFIG_MAP, "a", "x", "shop", "", 1);
    struct doc *first = doc_ref(fake_find(b->fake, CONFIG_MAP, "a", "x")->doc);
    run(b, USEC_PER_SEC);
    assert_false(mirror_find(b->mirror, key, &o));
    mirror_put(b->mirror, doc_root(first));
    assert_true(mirror_find(b->mirror, key, &o) && str_is(o.subject, "shop"));
    size_t n = b->n_changes;
    run(b, USEC_PER_SEC);
    assert_int_equal(b->n_changes, n + 1); /* the owner hears of it */
    b->fake->faults = 0;
    b->fake->cached = b->fake->version - 1; /* lists from before */
    mirror_invalidate(b->mirror);
    run(b, USEC_PER_MIN);
    assert_int_equal(b->n_changes, n + 1); /* once */
    fake_remove(b->fake, fake_find(b->fake, CONFIG_MAP, "a", "x"));
    run(b, USEC_PER_SEC);
    assert_false(mirror_find(b->mirror, key, &o));
    mirror_put(b->mirror, doc_root(first)); /* an answer that comes too late: it is gone */
    assert_false(mirror_find(b->mirror, key, &o));
    doc_unref(first);
    done(b);
}

static void it_ends_equal_to_the_server_whatever_breaks(void **state)
{
    for (uint64_t seed = 100; seed < 140; seed++) {
        struct bench *b = bench(seed);
        b->fake->faults = 20;
        open_mirror(b);
        for (int i = 0; i < 300; i++) {
            disturb(b);
            usec pause = (usec)(loop_random(b->loop) % (200 * USEC_PER_MS));
            run(b, loop_random(b->loop) % 2 ? pause : 0); /* some changes come together */
            check_told(b);
            doc_unref(TAKE(b->told));
        }
        b->fake->faults = 0;
        run(b, 5 * USEC_PER_MIN);
        check_equal(b);
        done(b);
    }
}

static void a_body_that_is_wanted_later_is_asked_for(void **state)
{
    struct bench *b = bench(11);
    struct mirror_object o;
    struct doc *body;
    struct err err;
    const struct kube_key key = {STR(""), STR("ConfigMap"), STR("a"), STR("x")};
    PUT(b, CONFIG_MAP, "a", "x", "", "", 1);
    open_mirror(b);
    run(b, USEC_PER_SEC);
    assert_true(mirror_find(b->mirror, key, &o) && !o.has_body);
    size_t n = b->n_changes;
    b->wanted = "x";
    b->fake->faults = 2; /* every other request fails: it is asked for until it comes */
    mirror_want_body(b->mirror, key);
    mirror_want_body(b->mirror, key);
    run(b, USEC_PER_MIN);
    b->fake->faults = 0;
    assert_true(mirror_find(b->mirror, key, &o) && o.has_body);
    assert_int_equal(mirror_body(b->mirror, &o, &body, &err), 0);
    assert_true(str_is(value_path_str(doc_root(body), "data.n"), "1"));
    doc_unref(body);
    assert_true(b->n_changes > n);
    n = b->fake->n_requests;
    mirror_want_body(b->mirror, key); /* it is here */
    mirror_want_body(b->mirror,
                     (struct kube_key){STR(""), STR("ConfigMap"), STR("a"), STR("nobody")});
    assert_int_equal(b->fake->n_requests, n);
    PUT(b, CONFIG_MAP, "a", "y", "", "", 1);
    run(b, USEC_PER_SEC);
    mirror_want_body(b->mirror, (struct kube_key){STR(""), STR("ConfigMap"), STR("a"), STR("y")});
    done(b); /* while the request is under way */
}

static void a_record_costs_at_most_130_bytes(void **state)
{
    struct bench *b = bench(10);
    char name[64];
    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof(name), "some-application-name-%04d",
                 i); /* 26 bytes, as real names on average */
        PUT(b, CONFIG_MAP, "a", name, "", "", 1);
    }
    b->subject_label = "none";
    open_mirror(b);
    run(b, 10 * USEC_PER_SEC);
    struct mirror_status st;
    mirror_status(b->mirror, &st);
    assert_int_equal(st.n_objects, 400);
    /* its buckets (512 of 8 bytes in two tables for 400 records) and malloc's header come on top */
    assert_true(st.record_bytes / st.n_objects + 20 + 8 <= 130);
    done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_lists_then_follows_changes),
        cmocka_unit_test(a_kept_body_is_the_object_without_managed_fields),
        cmocka_unit_test(descendants_lead_to_the_subject_of_their_root),
        cmocka_unit_test(an_expired_watch_lists_again_and_finds_what_went_meanwhile),
        cmocka_unit_test(a_new_crd_is_discovered_and_a_removed_one_forgotten),
        cmocka_unit_test(a_kind_that_may_not_be_listed_does_not_hold_up_the_rest),
        cmocka_unit_test(only_the_namespaces_of_the_policy_are_mirrored),
        cmocka_unit_test(after_invalidation_every_object_is_looked_at_anew),
        cmocka_unit_test(a_mirror_may_be_closed_inside_its_callback),
        cmocka_unit_test(what_a_write_answered_is_known_before_a_watch_tells),
        cmocka_unit_test(it_ends_equal_to_the_server_whatever_breaks),
        cmocka_unit_test(a_body_that_is_wanted_later_is_asked_for),
        cmocka_unit_test(a_record_costs_at_most_130_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
