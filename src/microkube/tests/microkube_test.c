/* microkube/tests/microkube_test.c: the recorded answers of a real API server
 * (tests/golden/microkube, made by tests/oracle/microkube/record), and what a recording cannot
 * show: watches, time, the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fault.h"
#include "kube/object.h"
#include "microkube/microkube.h"
#include "value/json.h"

struct world {
    struct microkube *mk;
    struct arena a;
    usec now;
    uint64_t seed;
};

static usec world_now(void *arg) { return ((struct world *)arg)->now; }

static uint64_t world_random(void *arg)
{
    struct world *w = arg;
    w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
    return w->seed ^ (w->seed >> 29);
}

static void world_open(struct world *w, const char *dir, bool no_workloads)
{
    struct err err;
    *w = (struct world){.now = (usec)1700000000 * USEC_PER_SEC, .seed = 7};
    struct microkube_config config = {.data_dir = dir,
                                      .now = world_now,
                                      .random = world_random,
                                      .arg = w,
                                      .no_workloads = no_workloads};
    arena_init(&w->a, ARENA_BYTES_DEFAULT);
    if (microkube_open(&config, &w->mk, &err) < 0)
        fail_msg("%s", err.text);
    microkube_settle(w->mk); /* the namespaces have what each of them has */
}

static void world_close(struct world *w)
{
    microkube_close(w->mk);
    arena_done(&w->a);
}

static struct mk_response ask_for(struct world *w, enum method method, str target, str type,
                                  str body, str accept)
{
    struct mk_response res;
    struct mk_request req = {.method = method,
                             .target = target,
                             .content_type = type,
                             .body = body,
                             .accept = accept,
                             .user_agent = STR("oracle/1")};
    microkube_request(w->mk, &req, &w->a, &res);
    microkube_settle(w->mk);
    return res;
}

static struct mk_response ask(struct world *w, enum method method, str target, str type, str body)
{
    return ask_for(w, method, target, type, body, STR("application/json"));
}

static value parse(struct world *w, str text)
{
    value v;
    struct err err;
    if (json_parse(text, NULL, &w->a, &v, &err) < 0)
        return value_of_str(&w->a, text);
    return v;
}

static value post(struct world *w, const char *path, const char *json)
{
    struct mk_response r = ask(w, METHOD_POST, str_of(path), STR("application/json"), str_of(json));
    if (r.status != 201)
        fail_msg("%s: %d %.*s", path, r.status, STR_FMT(r.body));
    return parse(w, r.body);
}

/* ---- recorded answers ---- */

/* What differs from run to run, and what controllers of the real server add meanwhile. */
static const char *const masked[] = {"uid", "resourceVersion", "creationTimestamp", "time",
                                     "clusterIP", "clusterIPs", "lastTransitionTime",
                                     /* opaque; prose that we do not keep */
                                     "continue", "description", "deletionTimestamp"};

/* Texts with uids in them. */
static str without_uids(struct arena *a, str s)
{
    char *z = arena_cstr(a, s);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        bool uid = i + 36 <= s.len && z[i + 8] == '-' && z[i + 13] == '-' && z[i + 18] == '-' &&
                   z[i + 23] == '-';
        for (size_t j = 0; uid && j < 36; j++)
            uid = z[i + j] == '-' || (z[i + j] && strchr("0123456789abcdef", z[i + j]));
        i += uid ? 35 : 0;
        z[n++] = uid ? '*' : z[i];
    }
    return str_mem(z, n);
}

static value masked_copy(struct arena *a, value v)
{
    if (value_is_string(v))
        return value_of_str(a, without_uids(a, str_trim(value_str(v))));
    if (value_is_list(v)) {
        value out = value_new_list(a);
        for (struct value_iter it = value_iter(v); value_next(&it);)
            value_push(a, out, masked_copy(a, it.val));
        return out;
    }
    if (!value_is_map(v))
        return v;
    value out = value_new_map(a);
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        bool hide = false;
        for (size_t i = 0; i < ARRAY_LEN(masked); i++)
            hide = hide || str_is(it.key, masked[i]);
        value_set(a, out, it.key,
                  hide && value_is_string(it.val) ? value_of_str(a, STR("*"))
                  : hide && value_is_list(it.val) ? value_new_list(a)
                                                  : masked_copy(a, it.val));
    }
    return out;
}

static void print_difference(struct arena *a, str path, value want, value got)
{
    if (value_equal(want, got))
        return;
    if (value_is_map(want) && value_is_map(got)) {
        for (struct value_iter it = value_iter(want); value_next(&it);)
            print_difference(a, ARENA_CAT(a, path, STR("."), it.key), it.val,
                             value_get(got, it.key));
        for (struct value_iter it = value_iter(got); value_next(&it);)
            if (!value_exists(value_get(want, it.key)))
                print_difference(a, ARENA_CAT(a, path, STR("."), it.key), VALUE_ABSENT, it.val);
        return;
    }
    if (value_is_list(want) && value_is_list(got) && value_len(want) == value_len(got)) {
        for (size_t i = 0; i < value_len(want); i++)
            print_difference(a, arena_printf(a, "%.*s[%zu]", STR_FMT(path), i), value_at(want, i),
                             value_at(got, i));
        return;
    }
    fprintf(stderr, "    %.*s\n      want %.*s\n      got  %.*s\n", STR_FMT(path),
            STR_FMT(value_exists(want)
                        ? json_str(a, want, AUDIENCE_WIRE, JSON_SORT_KEYS | JSON_NO_HTML)
                        : STR("(absent)")),
            STR_FMT(value_exists(got)
                        ? json_str(a, got, AUDIENCE_WIRE, JSON_SORT_KEYS | JSON_NO_HTML)
                        : STR("(absent)")));
}

static str read_file(struct arena *a, const char *name)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", getenv("TIPHYS_SOURCE_ROOT"), name);
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

static void answers_are_those_of_the_real_server(void **state)
{
    struct world w;
    world_open(&w, NULL, true);
    post(&w, "/api/v1/namespaces",
         "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"mk-oracle\"}}");
    str all = read_file(&w.a, "tests/golden/microkube/api.jsonl"), line;
    size_t bad = 0, n = 0;
    while (str_next(&all, '\n', &line) && line.len) {
        value row = parse(&w, line), body = value_getz(row, "body"),
              want = value_getz(row, "answer");
        str text = value_is_string(body) ? value_str(body) : json_str(&w.a, body, AUDIENCE_WIRE, 0);
        struct mk_response r =
            ask_for(&w, method_parse(value_path_str(row, "method")), value_path_str(row, "path"),
                    value_path_str(row, "type"), text, value_path_str(row, "accept"));
        value got = parse(&w, value_is_string(want) ? str_trim(r.body) : r.body);
        n++;
        want = masked_copy(&w.a, want);
        got = masked_copy(&w.a, got);
        if (r.status == value_int(value_getz(row, "status")) && value_equal(want, got))
            continue;
        bad++;
        fprintf(stderr, "%.*s: status %d, want %d\n", STR_FMT(value_path_str(row, "name")),
                r.status, (int)value_int(value_getz(row, "status")));
        print_difference(&w.a, STR(""), want, got);
    }
    world_close(&w);
    assert_true(n > 100);
    if (bad)
        fail_msg("%zu of %zu answers differ", bad, n);
}

/* ---- what a recording cannot show ---- */

static value get(struct world *w, const char *path)
{
    struct mk_response r = ask(w, METHOD_GET, str_of(path), STR(""), STR(""));
    return parse(w, r.body);
}

static value patch(struct world *w, const char *path, const char *json)
{
    struct mk_response r =
        ask(w, METHOD_PATCH, str_of(path), STR("application/merge-patch+json"), str_of(json));
    if (r.status != 200)
        fail_msg("%s: %d %.*s", path, r.status, STR_FMT(r.body));
    return parse(w, r.body);
}

static int delete (struct world *w, const char *path)
{
    return ask(w, METHOD_DELETE, str_of(path), STR(""), STR("")).status;
}

struct listener {
    struct world *w;
    struct buf text;
    bool ended, slow;
};

static bool on_event(void *arg, str lines)
{
    struct listener *l = arg;
    buf_add(&l->text, lines);
    return !l->slow;
}

static void on_end(void *arg) { ((struct listener *)arg)->ended = true; }

static const struct mk_watch_handler handler = {on_event, on_end};

static struct mk_watch *watch(struct world *w, const char *target, struct listener *l)
{
    struct mk_watch *h;
    struct mk_response res;
    struct mk_request req = {.method = METHOD_GET,
                             .target = str_of(target),
                             .accept = STR("application/json")};
    *l = (struct listener){.w = w, .text = BUF_INIT};
    assert_true(mk_request_is_watch(&req));
    microkube_watch(w->mk, &req, &handler, l, &w->a, &h, &res);
    microkube_settle(w->mk);
    return h;
}

/* "ADDED a 5,MODIFIED a 6": types, names and versions of what a listener heard. */
static str heard(struct world *w, struct listener *l)
{
    str rest = buf_str(&l->text), line, out = STR("");
    while (rest.len && str_next(&rest, '\n', &line)) {
        if (!line.len)
            continue;
        value v = parse(w, line), o = value_getz(v, "object");
        out = ARENA_CAT(&w->a, out, out.len ? STR(",") : STR(""), value_path_str(v, "type"),
                        STR(" "), object_name(o));
    }
    buf_reset(&l->text);
    return out;
}

static const char cm_a[] = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
                           "\"a\",\"labels\":{\"x\":\"1\"}}}";
static const char cm_b[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"b\"}}";
#define CMS "/api/v1/namespaces/default/configmaps"

static void a_watch_hears_what_enters_and_leaves_its_selector(void **state)
{
    struct world w;
    struct listener l;
    world_open(&w, NULL, true);
    post(&w, CMS, cm_a);
    watch(&w, CMS "?watch=true&labelSelector=x%3D1", &l);
    assert_true(str_is(heard(&w, &l), "ADDED a"));
    post(&w, CMS, cm_b);
    patch(&w, CMS "/b", "{\"metadata\":{\"labels\":{\"x\":\"1\"}}}");
    patch(&w, CMS "/b", "{\"data\":{\"k\":\"v\"}}");
    patch(&w, CMS "/a", "{\"metadata\":{\"labels\":{\"x\":\"2\"}}}");
    assert_int_equal(delete (&w, CMS "/a"), 200);
    assert_int_equal(delete (&w, CMS "/b"), 200);
    assert_true(str_is(heard(&w, &l), "ADDED b,MODIFIED b,DELETED a,DELETED b"));
    buf_done(&l.text);
    world_close(&w);
    assert_true(l.ended);
}

static void a_watch_from_a_version_hears_what_came_after(void **state)
{
    struct world w;
    struct listener l;
    world_open(&w, NULL, true);
    value first = post(&w, CMS, cm_a);
    post(&w, CMS, cm_b);
    str target = arena_printf(&w.a, CMS "?watch=1&resourceVersion=%.*s",
                              STR_FMT(object_resource_version(first)));
    watch(&w, target.at, &l);
    assert_true(str_is(heard(&w, &l), "ADDED b"));
    buf_done(&l.text);
    world_close(&w);
}

static void a_version_that_is_too_old_ends_the_watch_with_410(void **state)
{
    struct world w;
    struct listener l;
    world_open(&w, NULL, true);
    value first = post(&w, CMS, cm_a);
    for (int i = 0; i < MK_HISTORY_EVENTS_DEFAULT + 10; i++)
        patch(&w, CMS "/a", arena_printf(&w.a, "{\"data\":{\"k\":\"%d\"}}", i).at);
    str target = arena_printf(&w.a, CMS "?watch=1&resourceVersion=%.*s",
                              STR_FMT(object_resource_version(first)));
    watch(&w, target.at, &l);
    assert_true(str_has(buf_str(&l.text), STR("\"reason\":\"Expired\",\"code\":410")));
    assert_true(l.ended);
    buf_done(&l.text);
    world_close(&w);
}

static void initial_events_end_with_a_bookmark(void **state)
{
    struct world w;
    struct listener l;
    world_open(&w, NULL, true);
    post(&w, CMS, cm_a);
    watch(&w,
          CMS "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&"
              "allowWatchBookmarks=true",
          &l);
    assert_true(str_has(buf_str(&l.text), STR("\"k8s.io/initial-events-end\":\"true\"")));
    assert_true(str_is(heard(&w, &l), "ADDED a,ADDED kube-root-ca.crt,BOOKMARK "));
    w.now += 61 * USEC_PER_SEC;
    post(&w, "/api/v1/namespaces",
         "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"n\"}}");
    assert_true(str_is(heard(&w, &l), "BOOKMARK "));
    buf_done(&l.text);
    world_close(&w);
}

static void a_slow_reader_loses_its_watch(void **state)
{
    struct world w;
    struct listener l;
    struct microkube_counts n;
    world_open(&w, NULL, true);
    watch(&w, CMS "?watch=true&timeoutSeconds=5", &l);
    l.slow = true;
    post(&w, CMS, cm_a);
    microkube_count(w.mk, &n);
    assert_int_equal(n.watches, 0);
    assert_false(l.ended);
    buf_reset(&l.text);
    struct listener m;
    watch(&w, CMS "?watch=true&timeoutSeconds=5", &m);
    w.now += 6 * USEC_PER_SEC;
    microkube_tick(w.mk);
    assert_true(m.ended);
    buf_done(&l.text);
    buf_done(&m.text);
    world_close(&w);
}

static void a_list_comes_in_pages(void **state)
{
    struct world w;
    world_open(&w, NULL, true);
    for (int i = 0; i < 5; i++)
        post(&w, CMS, arena_printf(&w.a, "{\"metadata\":{\"name\":\"c%d\"}}", i).at);
    value page = get(&w, CMS "?limit=2");
    assert_int_equal(value_len(value_getz(page, "items")), 2);
    assert_int_equal(value_int(value_path(page, "metadata.remainingItemCount")), 4);
    size_t seen = 2;
    while (value_path_str(page, "metadata.continue").len) {
        page = get(&w, arena_printf(&w.a, CMS "?limit=2&continue=%.*s",
                                    STR_FMT(value_path_str(page, "metadata.continue")))
                           .at);
        assert_true(
            str_is(object_name(value_at(value_getz(page, "items"), 0)), seen == 2 ? "c2" : "c4"));
        seen += value_len(value_getz(page, "items"));
    }
    assert_int_equal(seen, 6); /* with kube-root-ca.crt */
    world_close(&w);
}

static void dependents_go_with_their_owner_or_stay_without_it(void **state)
{
    struct world w;
    world_open(&w, NULL, true);
    static const char *const policy[] = {"Background", "Foreground", "Orphan"};
    for (int i = 0; i < 3; i++) {
        value a = post(&w, CMS, cm_a);
        post(&w, CMS,
             arena_printf(&w.a,
                          "{\"metadata\":{\"name\":\"b\",\"ownerReferences\":[{\"apiVersion\":"
                          "\"v1\",\"kind\":\"ConfigMap\","
                          "\"name\":\"a\",\"uid\":\"%.*s\",\"blockOwnerDeletion\":true}]}}",
                          STR_FMT(object_uid(a)))
                 .at);
        assert_int_equal(delete (&w,
                                 arena_printf(&w.a, CMS "/a?propagationPolicy=%s", policy[i]).at),
                         200);
        assert_true(str_is(object_kind(get(&w, CMS "/a")), "Status"));
        value b = get(&w, CMS "/b");
        assert_true(str_is(object_kind(b), i == 2 ? "ConfigMap" : "Status"));
        assert_int_equal(value_len(object_owner_refs(b)), 0);
    }
    world_close(&w);
}

static void a_namespace_takes_its_content_along(void **state)
{
    struct world w;
    world_open(&w, NULL, true);
    post(&w, "/api/v1/namespaces", "{\"metadata\":{\"name\":\"n\"}}");
    post(&w, "/api/v1/namespaces/n/configmaps",
         "{\"metadata\":{\"name\":\"held\",\"finalizers\":[\"x.io/y\"]}}");
    post(&w, "/api/v1/namespaces/n/configmaps", "{\"metadata\":{\"name\":\"free\"}}");
    assert_int_equal(delete (&w, "/api/v1/namespaces/n"), 200);
    assert_true(
        str_is(value_path_str(get(&w, "/api/v1/namespaces/n"), "status.phase"), "Terminating"));
    assert_true(str_is(object_kind(get(&w, "/api/v1/namespaces/n/configmaps/free")), "Status"));
    struct mk_response r = ask(&w, METHOD_POST, STR("/api/v1/namespaces/n/configmaps"),
                               STR("application/json"), str_of(cm_a));
    assert_int_equal(r.status, 403);
    assert_true(str_has(r.body, STR("because it is being terminated")));
    patch(&w, "/api/v1/namespaces/n/configmaps/held", "{\"metadata\":{\"finalizers\":null}}");
    assert_true(str_is(object_kind(get(&w, "/api/v1/namespaces/n")), "Status"));
    world_close(&w);
}

/* ---- workloads ---- */

static const char deployment[] =
    "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"replicas\":2,\"selector\":{\"matchLabels\":{\"a\":"
    "\"b\"}},\"template\":{\"metadata\":"
    "{\"labels\":{\"a\":\"b\"}%s},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}";
#define DEPS "/apis/apps/v1/namespaces/default/deployments"

static str condition(value o, const char *type, const char *field)
{
    for (struct value_iter it = value_iter(value_path(o, "status.conditions")); value_next(&it);)
        if (str_is(value_path_str(it.val, "type"), type))
            return value_path_str(it.val, field);
    return STR("");
}

static void a_deployment_rolls_out_and_back(void **state)
{
    struct world w;
    world_open(&w, NULL, false);
    post(&w, DEPS, arena_printf(&w.a, deployment, "").at);
    value d = get(&w, DEPS "/d");
    assert_int_equal(value_int(value_path(d, "status.readyReplicas")), 2);
    assert_int_equal(value_int(value_path(d, "status.observedGeneration")), 1);
    assert_true(str_is(condition(d, "Available", "status"), "True"));
    assert_true(str_is(condition(d, "Progressing", "reason"), "NewReplicaSetAvailable"));
    assert_true(str_is(object_annotation(d, STR("deployment.kubernetes.io/revision")), "1"));
    d = patch(&w, DEPS "/d", "{\"spec\":{\"template\":{\"spec\":{\"dnsPolicy\":\"Default\"}}}}");
    assert_int_equal(object_generation(d), 2);
    d = get(&w, DEPS "/d");
    assert_true(str_is(object_annotation(d, STR("deployment.kubernetes.io/revision")), "2"));
    assert_int_equal(value_len(value_getz(get(&w, "/apis/apps/v1/replicasets"), "items")), 2);
    assert_int_equal(value_len(value_getz(get(&w, "/api/v1/pods"), "items")), 2);
    assert_int_equal(delete (&w, DEPS "/d"), 200);
    assert_int_equal(value_len(value_getz(get(&w, "/api/v1/pods"), "items")), 0);
    world_close(&w);
}

static void a_deployment_is_ready_when_its_annotation_says(void **state)
{
    struct world w;
    world_open(&w, NULL, false);
    post(&w, DEPS,
         arena_printf(&w.a, deployment,
                      ",\"annotations\":{\"microkube.tiphys.io/ready-after\":\"2s\"}")
             .at);
    assert_int_equal(value_int(value_path(get(&w, DEPS "/d"), "status.readyReplicas")), 0);
    assert_int_equal(microkube_next_at(w.mk), w.now + 2 * USEC_PER_SEC);
    w.now += 2 * USEC_PER_SEC;
    microkube_settle(w.mk);
    assert_int_equal(value_int(value_path(get(&w, DEPS "/d"), "status.readyReplicas")), 2);
    world_close(&w);
}

static void a_failing_deployment_exceeds_its_deadline(void **state)
{
    struct world w;
    world_open(&w, NULL, false);
    post(&w, DEPS,
         arena_printf(&w.a, deployment,
                      ",\"annotations\":{\"microkube.tiphys.io/fail\":\"crash-loop\"}")
             .at);
    value d = get(&w, DEPS "/d");
    assert_true(str_is(condition(d, "Available", "status"), "False"));
    assert_true(str_is(condition(d, "Progressing", "reason"), "ReplicaSetUpdated"));
    value pods = value_getz(get(&w, "/api/v1/pods"), "items");
    value waiting =
        value_path(value_at(value_path(value_at(pods, 0), "status.containerStatuses"), 0),
                   "state.waiting");
    assert_true(str_is(value_path_str(waiting, "reason"), "CrashLoopBackOff"));
    w.now += 600 * USEC_PER_SEC;
    microkube_settle(w.mk);
    assert_true(
        str_is(condition(get(&w, DEPS "/d"), "Progressing", "reason"), "ProgressDeadlineExceeded"));
    world_close(&w);
}

/* Pods of the newest and of the older sets that are wanted: "NEW+OLD, READY ready". */
static str shape(struct world *w)
{
    int64_t newest = 0, old = 0;
    value sets = value_getz(get(w, "/apis/apps/v1/replicasets"), "items");
    value d = get(w, DEPS "/d");
    for (struct value_iter it = value_iter(sets); value_next(&it);) {
        bool is_newest = str_eq(object_annotation(it.val, STR("deployment.kubernetes.io/revision")),
                                object_annotation(d, STR("deployment.kubernetes.io/revision")));
        int64_t n = value_int(value_path(it.val, "spec.replicas"));
        newest += is_newest ? n : 0;
        old += is_newest ? 0 : n;
    }
    return arena_printf(&w->a, "%d+%d, %d ready", (int)newest, (int)old,
                        (int)value_int(value_path(d, "status.readyReplicas")));
}

/* The numbers are those of a real controller with 4 replicas. */
static void a_rollout_that_is_stuck_keeps_within_surge_and_unavailable(void **state)
{
    struct world w;
    world_open(&w, NULL, false);
    post(&w, DEPS, arena_printf(&w.a, deployment, "").at);
    patch(&w, DEPS "/d", "{\"spec\":{\"replicas\":4}}");
    assert_true(str_is(shape(&w), "4+0, 4 ready"));
    patch(&w, DEPS "/d",
          "{\"spec\":{\"template\":{\"spec\":{\"nodeSelector\":{\"no\":\"where\"}}}}}");
    assert_true(str_is(shape(&w), "2+3, 3 ready"));
    assert_true(str_is(condition(get(&w, DEPS "/d"), "Available", "status"), "True"));
    patch(&w, DEPS "/d",
          "{\"spec\":{\"strategy\":{\"rollingUpdate\":{\"maxSurge\":2,\"maxUnavailable\":2}}}}");
    assert_true(str_is(shape(&w), "4+2, 2 ready"));
    patch(&w, DEPS "/d",
          "{\"spec\":{\"strategy\":{\"rollingUpdate\":{\"maxSurge\":0,\"maxUnavailable\":0}}}}");
    patch(&w, DEPS "/d", "{\"spec\":{\"template\":{\"spec\":{\"nodeSelector\":null}}}}");
    assert_true(str_is(shape(&w), "4+0, 4 ready"));
    patch(&w, DEPS "/d",
          "{\"spec\":{\"strategy\":{\"rollingUpdate\":null,\"type\":\"Recreate\"},\"template\":{"
          "\"spec\":{\"nodeSelector\":{\"no\":\"where\"}}}}}");
    assert_true(str_is(shape(&w), "4+0, 0 ready"));
    world_close(&w);
}

static void a_pod_that_fits_no_node_is_pending_until_the_node_has_the_label(void **state)
{
    struct world w;
    world_open(&w, NULL, false);
    post(&w, "/api/v1/namespaces/default/pods",
         "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"nodeSelector\":{\"disk\":\"fast\"},"
         "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}");
    post(&w, "/apis/apps/v1/namespaces/default/daemonsets",
         "{\"metadata\":{\"name\":\"ds\"},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"b\"}},"
         "\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"nodeSelector\":{"
         "\"disk\":\"fast\"},\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}");
    value p = get(&w, "/api/v1/namespaces/default/pods/p");
    assert_true(str_is(value_path_str(p, "status.phase"), "Pending"));
    assert_true(str_is(condition(p, "PodScheduled", "reason"), "Unschedulable"));
    assert_true(str_is(value_path_str(p, "spec.nodeName"), ""));
    value ds = get(&w, "/apis/apps/v1/namespaces/default/daemonsets/ds");
    assert_int_equal(value_int(value_path(ds, "status.desiredNumberScheduled")), 0);
    patch(&w, "/api/v1/nodes/microkube", "{\"metadata\":{\"labels\":{\"disk\":\"fast\"}}}");
    p = get(&w, "/api/v1/namespaces/default/pods/p");
    assert_true(str_is(value_path_str(p, "status.phase"), "Running"));
    ds = get(&w, "/apis/apps/v1/namespaces/default/daemonsets/ds");
    assert_int_equal(value_int(value_path(ds, "status.numberReady")), 1);
    world_close(&w);
}

static void what_each_namespace_has_is_put_back(void **state)
{
    static const char *const path[] = {"/api/v1/namespaces/n/serviceaccounts/default",
                                       "/api/v1/namespaces/n/configmaps/kube-root-ca.crt"};
    struct world w;
    world_open(&w, NULL, true);
    microkube_root_ca(w.mk, STR("PEM"));
    post(&w, "/api/v1/namespaces", "{\"metadata\":{\"name\":\"n\"}}");
    assert_true(
        str_is(value_str(value_getz(value_getz(get(&w, path[1]), "data"), "ca.crt")), "PEM"));
    for (size_t i = 0; i < ARRAY_LEN(path); i++) {
        str uid = object_uid(get(&w, path[i]));
        assert_int_equal(delete (&w, path[i]), 200);
        assert_true(uid.len && object_uid(get(&w, path[i])).len);
        assert_false(str_eq(uid, object_uid(get(&w, path[i]))));
    }
    assert_int_equal(delete (&w, "/api/v1/namespaces/n"), 200);
    assert_true(str_is(object_kind(get(&w, "/api/v1/namespaces/n")), "Status"));
    world_close(&w);
}

static void a_service_has_a_slice_of_its_pods(void **state)
{
    struct world w;
    world_open(&w, NULL, false);
    post(&w, "/api/v1/namespaces/default/services",
         "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"selector\":{\"a\":\"b\"},\"ports\":[{\"port\":"
         "80}]}}");
    post(&w, DEPS, arena_printf(&w.a, deployment, "").at);
    value list = value_getz(get(&w, "/apis/discovery.k8s.io/v1/endpointslices"), "items"),
          slice = value_at(list, 0);
    assert_int_equal(value_len(list), 1);
    assert_int_equal(value_len(value_getz(slice, "endpoints")), 2);
    assert_true(
        value_bool(value_path(value_at(value_getz(slice, "endpoints"), 0), "conditions.ready")));
    patch(&w, DEPS "/d", "{\"spec\":{\"replicas\":1}}");
    list = value_getz(get(&w, "/apis/discovery.k8s.io/v1/endpointslices"), "items");
    assert_int_equal(value_len(value_getz(value_at(list, 0), "endpoints")), 1);
    assert_int_equal(delete (&w, "/api/v1/namespaces/default/services/s"), 200);
    assert_int_equal(value_len(
                         value_getz(get(&w, "/apis/discovery.k8s.io/v1/endpointslices"), "items")),
                     0);
    world_close(&w);
}

static void jobs_complete_or_fail(void **state)
{
    struct world w;
    world_open(&w, NULL, false);
    static const char job[] = "{\"metadata\":{\"name\":\"%s\"%s},\"spec\":{\"template\":{\"spec\":{"
                              "\"restartPolicy\":\"Never\",\"containers\":"
                              "[{\"name\":\"c\",\"image\":\"i\"}]}}}}";
    post(&w, "/apis/batch/v1/namespaces/default/jobs", arena_printf(&w.a, job, "ok", "").at);
    post(&w, "/apis/batch/v1/namespaces/default/jobs",
         arena_printf(&w.a, job, "bad",
                      ",\"annotations\":{\"microkube.tiphys.io/fail\":\"job-failed\"}")
             .at);
    assert_true(str_is(condition(get(&w, "/apis/batch/v1/namespaces/default/jobs/ok"), "Complete",
                                 "status"),
                       "True"));
    assert_true(
        str_is(condition(get(&w, "/apis/batch/v1/namespaces/default/jobs/bad"), "Failed", "reason"),
               "BackoffLimitExceeded"));
    world_close(&w);
}

/* A write looks only at what it changes, but not at an object that another type let in. */
static void a_changed_type_is_asked_for_the_whole_object(void **state)
{
    static const char crd[] =
        "{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\","
        "\"metadata\":{\"name\":\"things.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":"
        "\"Cluster\",\"names\":{\"plural\":\"things\",\"kind\":\"Thing\"},\"versions\":[{\"name\":"
        "\"v1\",\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":"
        "\"object\","
        "\"properties\":{\"spec\":{\"type\":\"object\",\"properties\":{%s}}}}}}]}}";
    static const char merge[] = "application/merge-patch+json";
    static const char touch[] = "{\"metadata\":{\"annotations\":{\"a\":\"%d\"}}}";
    const char *crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    const str thing = STR("/apis/x.io/v1/things/t");
    struct world w;
    world_open(&w, NULL, true);
    post(&w, crds,
         arena_printf(&w.a, crd, "\"n\":{\"type\":\"integer\"},\"gone\":{\"type\":\"string\"}").at);
    post(&w, "/apis/x.io/v1/things",
         "{\"apiVersion\":\"x.io/v1\",\"kind\":\"Thing\",\"metadata\":{\"name\":\"t\"},\"spec\":{"
         "\"n\":1,\"gone\":\"x\"}}");
    struct mk_response r =
        ask(&w, METHOD_PATCH, thing, str_of(merge), arena_printf(&w.a, touch, 1));
    assert_int_equal(r.status, 200);
    assert_true(str_is(value_path_str(parse(&w, r.body), "spec.gone"), "x"));
    r = ask(&w, METHOD_PATCH,
            STR("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.x.io"),
            str_of(merge),
            arena_printf(&w.a, crd,
                         "\"n\":{\"type\":\"integer\",\"default\":3,\"minimum\":2},\"gone\":null"));
    assert_int_equal(r.status, 200);
    r = ask(&w, METHOD_PATCH, thing, str_of(merge), arena_printf(&w.a, touch, 2));
    assert_int_equal(r.status, 422);
    assert_true(str_has(r.body, STR("spec.n in body should be greater than or equal to 2")));
    r = ask(&w, METHOD_PATCH, thing, str_of(merge), STR("{\"spec\":{\"n\":null}}"));
    assert_int_equal(r.status, 200);
    value spec = value_getz(parse(&w, r.body), "spec");
    assert_int_equal(value_int(value_getz(spec, "n")), 3);
    assert_false(value_exists(value_getz(spec, "gone")));
    world_close(&w);
}

/* The layout of version 1 found rows by name. */
static void make_old(const char *dir)
{
    char path[256];
    sqlite3 *db;
    snprintf(path, sizeof(path), "%s/microkube.db", dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(
            db,
            "BEGIN; ALTER TABLE object RENAME TO now; CREATE TABLE object(grp TEXT, plural "
            "TEXT, ns TEXT, name TEXT, rv INTEGER, body TEXT, PRIMARY "
            "KEY(grp,plural,ns,name)) WITHOUT ROWID; INSERT INTO object SELECT "
            "grp,plural,ns,name,rv,body FROM now; DROP TABLE now; PRAGMA user_version=1; "
            "COMMIT",
            NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
}

static void what_was_written_is_there_after_a_restart(void **state)
{
    struct world w;
    char dir[] = "/tmp/microkube-test-XXXXXX";
    assert_non_null(mkdtemp(dir));
    world_open(&w, dir, true);
    value a = post(&w, CMS, cm_a);
    post(&w, CMS, cm_b);
    assert_int_equal(delete (&w, CMS "/b"), 200);
    post(&w, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
         "{\"metadata\":{\"name\":\"things.x.io\"},\"spec\":{\"group\":\"x.io\",\"scope\":"
         "\"Cluster\",\"names\":{\"plural\":\"things\","
         "\"kind\":\"Thing\"},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,"
         "\"schema\":{\"openAPIV3Schema\":{\"type\":"
         "\"object\",\"x-kubernetes-preserve-unknown-fields\":true}}}]}}");
    post(&w, "/apis/x.io/v1/things",
         "{\"apiVersion\":\"x.io/v1\",\"kind\":\"Thing\",\"metadata\":{\"name\":\"t\"},\"any\":1}");
    struct microkube_counts before, after;
    microkube_count(w.mk, &before);
    struct world again;
    str uid = object_uid(a);
    microkube_close(w.mk);
    make_old(dir);
    world_open(&again, dir, true);
    microkube_close(again.mk);
    arena_done(&again.a);
    world_open(&again, dir, true);
    microkube_count(again.mk, &after);
    assert_int_equal(before.resource_version, after.resource_version);
    assert_int_equal(before.objects, after.objects);
    assert_true(str_eq(object_uid(get(&again, CMS "/a")), uid));
    assert_true(str_is(object_kind(get(&again, CMS "/b")), "Status"));
    assert_int_equal(value_int(value_getz(get(&again, "/apis/x.io/v1/things/t"), "any")), 1);
    world_close(&again);
    arena_done(&w.a);
    static const char *const files[] = {"microkube.db", "microkube.db-wal", "microkube.db-shm"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char path[256];
        snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
}

static void a_write_that_the_store_refuses_has_not_happened(void **state)
{
#ifdef TIPHYS_FAULTS
    struct world w;
    struct microkube_counts before, after;
    world_open(&w, NULL, true);
    post(&w, CMS, cm_a);
    microkube_count(w.mk, &before);
    fault_arm("microkube.write", 1);
    struct mk_response r = ask(&w, METHOD_POST, STR(CMS), STR("application/json"), str_of(cm_b));
    fault_arm("microkube.remove", 1);
    struct mk_response d = ask(&w, METHOD_DELETE, STR(CMS "/a"), STR(""), STR(""));
    fault_arm(NULL, 0);
    microkube_count(w.mk, &after);
    assert_int_equal(r.status, 500);
    assert_int_equal(d.status, 500);
    assert_int_equal(before.resource_version, after.resource_version);
    assert_true(str_is(object_kind(get(&w, CMS "/a")), "ConfigMap"));
    assert_true(str_is(object_kind(get(&w, CMS "/b")), "Status"));
    world_close(&w);
#endif
}

static void tables_have_the_columns_of_kubectl(void **state)
{
    struct world w;
    struct mk_response res;
    world_open(&w, NULL, false);
    post(&w, DEPS, arena_printf(&w.a, deployment, "").at);
    struct mk_request req = {.method = METHOD_GET,
                             .target = STR(DEPS),
                             .accept = STR(
                                 "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")};
    microkube_settle(w.mk);
    microkube_request(w.mk, &req, &w.a, &res);
    value t = parse(&w, res.body), cells = value_getz(value_at(value_getz(t, "rows"), 0), "cells");
    assert_true(str_is(object_kind(t), "Table"));
    assert_true(str_is(value_str(value_at(cells, 0)), "d"));
    assert_true(str_is(value_str(value_at(cells, 1)), "2/2"));
    assert_true(str_is(value_path_str(value_at(value_getz(t, "columnDefinitions"), 3), "name"),
                       "Available"));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_of_the_real_server),
        cmocka_unit_test(a_watch_hears_what_enters_and_leaves_its_selector),
        cmocka_unit_test(a_watch_from_a_version_hears_what_came_after),
        cmocka_unit_test(a_version_that_is_too_old_ends_the_watch_with_410),
        cmocka_unit_test(initial_events_end_with_a_bookmark),
        cmocka_unit_test(a_slow_reader_loses_its_watch),
        cmocka_unit_test(a_list_comes_in_pages),
        cmocka_unit_test(dependents_go_with_their_owner_or_stay_without_it),
        cmocka_unit_test(a_namespace_takes_its_content_along),
        cmocka_unit_test(a_deployment_rolls_out_and_back),
        cmocka_unit_test(a_deployment_is_ready_when_its_annotation_says),
        cmocka_unit_test(a_failing_deployment_exceeds_its_deadline),
        cmocka_unit_test(a_rollout_that_is_stuck_keeps_within_surge_and_unavailable),
        cmocka_unit_test(a_pod_that_fits_no_node_is_pending_until_the_node_has_the_label),
        cmocka_unit_test(what_each_namespace_has_is_put_back),
        cmocka_unit_test(a_service_has_a_slice_of_its_pods),
        cmocka_unit_test(jobs_complete_or_fail),
        cmocka_unit_test(a_changed_type_is_asked_for_the_whole_object),
        cmocka_unit_test(what_was_written_is_there_after_a_restart),
        cmocka_unit_test(a_write_that_the_store_refuses_has_not_happened),
        cmocka_unit_test(tables_have_the_columns_of_kubectl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
