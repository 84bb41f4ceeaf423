/* Plays whole sync operations against the fake cluster: recorded ones of Argo CD 3.6
 * (tests/golden/plan/sync.jsonl, made by tools/golden-plan), and the ways an operation can go
 * wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kube/object.h"
#include "plan/tests/fake.h"
#include "plan/tests/fake.inc"
#include "value/json.h"

static str read_golden(const char *name, struct arena *a)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/tests/golden/plan/%s", getenv("TIPHYS_SOURCE_ROOT"), name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)ftell(f);
    rewind(f);
    char *text = arena_alloc(a, n + 1);
    assert_int_equal(fread(text, 1, n, f), n);
    fclose(f);
    return str_mem(text, n);
}

static value parse(struct arena *a, const char *json)
{
    value v;
    struct err err;
    if (json_parse(str_of(json), NULL, a, &v, &err))
        fail_msg("%s", err.text);
    return v;
}

/* ---- one operation ---- */

struct bench {
    struct arena arena;
    struct fake cluster;
    struct app app;
    struct settings settings;
    struct project project;
    struct app_cluster where;
    struct normalizer *rules;
    struct fake_operation op;
    value manifest[64];
};

static void bench_init(struct bench *b, value spec, value manifests, value operation)
{
    struct arena *a = &b->arena;
    struct err err;
    memset(b, 0, sizeof(*b));
    arena_init(a, ARENA_BYTES_DEFAULT);
    fake_init(&b->cluster, a);
    value object = value_new_map(a), meta = value_edit_map(a, object, STR("metadata"));
    value_set_str(a, meta, "name", STR("app-$ID"));
    value_set_str(a, meta, "namespace", STR("argocd"));
    value_setz(a, object, "spec", spec);
    app_view(object, STR("argocd"), a, &b->app);
    settings_read(VALUE_ABSENT, VALUE_ABSENT, STR("argocd"), a, &b->settings);
    b->settings.sync_wave_delay_us = 0; /* as in the recordings */
    project_view(project_default(a, STR("argocd")), NULL, 0, a, &b->project);
    b->where = (struct app_cluster){.server = STR("https://kubernetes.default.svc"),
                                    .name = STR("in-cluster"),
                                    .found = true};
    assert_int_equal(normalizer_new(&b->app, &b->settings, a, &b->rules, &err), 0);
    size_t n = 0;
    for (struct value_iter it = value_iter(manifests);
         value_next(&it) && n < ARRAY_LEN(b->manifest);)
        b->manifest[n++] = it.val;
    fake_put(
        &b->cluster,
        parse(a,
              "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"ns-$ID\"}}"));
    b->op = (struct fake_operation){
        .cluster = &b->cluster,
        .context = {.app = &b->app,
                    .settings = &b->settings,
                    .project = &b->project,
                    .cluster = &b->where,
                    .rules = b->rules},
        .manifest = b->manifest,
        .n_manifests = n,
        .operation = operation,
        .phase = OP_RUNNING,
        .started_at = b->cluster.now,
    };
}

static const char *const plain_spec =
    "{\"project\":\"default\",\"source\":{\"repoURL\":\"r\",\"path\":\"p\"},\"destination\":{"
    "\"server\":"
    "\"https://kubernetes.default.svc\",\"namespace\":\"ns-$ID\"}}";

static void bench_start(struct bench *b, const char *manifests, const char *operation)
{
    struct arena inputs;
    arena_init(&inputs, ARENA_BYTES_DEFAULT);
    struct doc *all[] = {doc_freeze(parse(&inputs, plain_spec), 0),
                         doc_freeze(parse(&inputs, manifests), 0),
                         doc_freeze(parse(&inputs, operation), 0)};
    bench_init(b, doc_root(all[0]), doc_root(all[1]), doc_root(all[2]));
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        arena_on_done(&b->arena, (void (*)(void *))doc_unref, all[i]);
    arena_done(&inputs);
}

static void expect_message(const struct bench *b, enum op_phase phase, const char *message)
{
    if (b->op.phase != phase || !str_is(b->op.message, message))
        fail_msg("%.*s: %.*s", STR_FMT(op_phase_name(b->op.phase)), STR_FMT(b->op.message));
}

static str row_text(const struct bench *b, size_t i, const char *key)
{
    return value_str(value_get(value_at(b->op.rows, i), str_of(key)));
}

/* ---- recorded operations ---- */

static bool same_list(value mine, value recorded)
{
    if (!value_len(mine) && !value_len(recorded))
        return true;
    return value_equal(mine, recorded);
}

static void complain(struct arena *a, str name, const char *what, value mine, value recorded)
{
    str m = json_str(a, mine, AUDIENCE_WIRE, JSON_SORT_KEYS),
        r = json_str(a, recorded, AUDIENCE_WIRE, JSON_SORT_KEYS);
    fprintf(stderr, "# %.*s: %s differs\n#  ours     %.*s\n#  recorded %.*s\n", STR_FMT(name), what,
            STR_FMT(m), STR_FMT(r));
}

static bool play(value c)
{
    struct bench b;
    str name = value_str(value_getz(c, "name"));
    bench_init(&b, value_getz(c, "spec"), value_getz(c, "manifests"), value_getz(c, "operation"));
    fake_run(&b.op, 100);
    bool ok = true;
    if (b.op.phase != OP_SUCCEEDED || !str_eq(b.op.message, value_str(value_getz(c, "message")))) {
        fprintf(stderr, "# %.*s: %.*s: %.*s\n", STR_FMT(name), STR_FMT(op_phase_name(b.op.phase)),
                STR_FMT(b.op.message));
        ok = false;
    }
    if (!same_list(b.op.rows, value_getz(c, "rows"))) {
        complain(&b.arena, name, "syncResult.resources", b.op.rows, value_getz(c, "rows"));
        ok = false;
    }
    enum op_phase end = b.op.phase;
    fake_turn(&b.op, false);
    b.op.phase = end;
    if (!same_list(b.op.compared.resources, value_getz(c, "resources"))) {
        complain(&b.arena, name, "status.resources", b.op.compared.resources,
                 value_getz(c, "resources"));
        ok = false;
    }
    if (!str_eq(sync_code_name(b.op.compared.sync), value_str(value_getz(c, "sync"))) ||
        !str_eq(health_code_name(b.op.compared.health.code), value_str(value_getz(c, "health")))) {
        fprintf(stderr, "# %.*s: ends %.*s, %.*s\n", STR_FMT(name),
                STR_FMT(sync_code_name(b.op.compared.sync)),
                STR_FMT(health_code_name(b.op.compared.health.code)));
        ok = false;
    }
    arena_done(&b.arena);
    return ok;
}

static void recorded_operations_are_repeated(void **state)
{
    struct arena text;
    int n = 0, good = 0;
    (void)state;
    arena_init(&text, ARENA_BYTES_DEFAULT);
    str rest = read_golden("sync.jsonl", &text), line;
    while (str_next(&rest, '\n', &line)) {
        struct doc *d;
        struct err err;
        if (!line.len)
            continue;
        assert_int_equal(json_parse_doc(line, NULL, &d, &err), 0);
        n++;
        good += play(doc_root(d));
        doc_unref(d);
    }
    fprintf(stderr, "# %d of %d recorded operations\n", good, n);
    assert_true(n > 0);
    assert_int_equal(good, n);
    arena_done(&text);
}

/* ---- what can go wrong ---- */

#define CM(name)                                                                                   \
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" name "\"}}"
#define WAVE(name, wave)                                                                           \
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" name                 \
    "\",\"annotations\":{\"argocd.argoproj.io/sync-wave\":\"" wave "\"}}}"
#define HOOK(name, type, policy)                                                                   \
    "{\"apiVersion\":\"batch/v1\",\"kind\":\"Job\",\"metadata\":{\"name\":\"" name                 \
    "\",\"annotations\":{\"argocd.argoproj.io/hook\":\"" type                                      \
    "\",\"argocd.argoproj.io/hook-delete-policy\":\"" policy                                       \
    "\"}},\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]}}" \
    "}}"
#define DEPLOY(name, wave)                                                                         \
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"" name           \
    "\",\"annotations\":{\"argocd.argoproj.io/sync-wave\":\"" wave                                 \
    "\"}},\"spec\":{\"replicas\":1}}"

static void a_refused_object_fails_the_operation_and_the_others_are_applied(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, "[" CM("a") "," CM("b") "]", "{\"sync\":{}}");
    b.cluster.refuse = "a";
    fake_run(&b.op, 50);
    expect_message(&b, OP_FAILED,
                   "one or more synchronization tasks completed unsuccessfully, reason: refused a");
    assert_true(str_is(row_text(&b, 0, "status"), "SyncFailed"));
    assert_true(str_is(row_text(&b, 1, "status"), "Synced"));
    arena_done(&b.arena);
}

static void a_refused_only_object_fails_at_once(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, "[" CM("a") "]", "{\"sync\":{}}");
    b.cluster.refuse = "a";
    fake_run(&b.op, 50);
    expect_message(&b, OP_FAILED, "one or more objects failed to apply, reason: refused a");
    arena_done(&b.arena);
}

static void a_later_wave_waits_for_health(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, "[" DEPLOY("d0", "0") "," WAVE("c1", "1") "]", "{\"sync\":{}}");
    b.cluster.never_ready = "d0";
    fake_run(&b.op, 20);
    expect_message(&b, OP_RUNNING, "waiting for healthy state of apps/Deployment/d0");
    assert_int_equal(value_len(b.op.rows), 1);
    b.cluster.never_ready = NULL;
    fake_put(&b.cluster, fake_find(&b.cluster, (struct kube_key){STR("apps"), STR("Deployment"),
                                                                 STR("ns-$ID"), STR("d0")}));
    fake_run(&b.op, 20);
    expect_message(&b, OP_SUCCEEDED, "successfully synced (all tasks run)");
    arena_done(&b.arena);
}

static void an_object_that_disappears_while_waited_for_fails(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, "[" DEPLOY("d0", "0") "," WAVE("c1", "1") "]", "{\"sync\":{}}");
    b.cluster.never_ready = "d0";
    fake_run(&b.op, 20);
    for (size_t i = 0; i < b.cluster.n; i++)
        if (str_is(object_name(b.cluster.object[i]), "d0"))
            b.cluster.object[i] = b.cluster.object[--b.cluster.n];
    fake_run(&b.op, 50);
    expect_message(&b, OP_FAILED,
                   "one or more synchronization tasks completed unsuccessfully, reason: Resource "
                   "apps/Deployment/d0 is missing, it might have been deleted");
    arena_done(&b.arena);
}

static void terminating_ends_a_running_hook(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, "[" HOOK("h1", "PreSync", "") "," CM("c1") "]", "{\"sync\":{}}");
    b.cluster.never_ready = "h1";
    fake_run(&b.op, 10);
    expect_message(&b, OP_RUNNING, "waiting for completion of hook batch/Job/h1");
    b.op.phase = OP_TERMINATING;
    fake_run(&b.op, 10);
    expect_message(&b, OP_FAILED, "Operation terminated");
    assert_true(str_is(row_text(&b, 0, "message"), "Terminated"));
    assert_true(str_is(row_text(&b, 0, "hookPhase"), "Failed"));
    assert_false(value_exists(fake_find(&b.cluster, (struct kube_key){STR("batch"), STR("Job"),
                                                                      STR("ns-$ID"), STR("h1")})));
    arena_done(&b.arena);
}

static void a_hook_that_succeeded_is_deleted_by_its_policy(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, "[" HOOK("h1", "PreSync", "HookSucceeded") "," CM("c1") "]", "{\"sync\":{}}");
    fake_run(&b.op, 20);
    expect_message(&b, OP_SUCCEEDED, "successfully synced (all tasks run)");
    assert_int_equal(b.cluster.deletes, 1);
    arena_done(&b.arena);
}

static struct sync_action only_asked(const struct bench *b, enum sync_action_kind kind)
{
    assert_int_equal(b->op.n_asked, 1);
    assert_int_equal(b->op.asked[0]->kind, kind);
    return *b->op.asked[0];
}

/* The cache tells of the deletion that the operation asked for before the answer comes. */
static void a_hook_on_its_way_out_keeps_its_verdict(void **state)
{
    for (int gone = 0; gone < 2; gone++) {
        struct bench b;
        (void)state;
        bench_start(&b, "[" HOOK("h1", "PreSync", "HookSucceeded") "," CM("c1") "]",
                    "{\"sync\":{}}");
        b.cluster.never_ready = "h1";
        fake_run(&b.op, 10);
        b.cluster.never_ready = NULL;
        struct kube_key key = {STR("batch"), STR("Job"), STR("ns-$ID"), STR("h1")};
        fake_put(&b.cluster, fake_find(&b.cluster, key));
        fake_turn(&b.op, false);
        struct sync_action drop = only_asked(&b, SYNC_ACTION_DROP_HOOK_FINALIZER);
        if (gone) {
            fake_forget(&b.cluster, key);
        } else {
            value dying = value_copy(&b.arena, fake_find(&b.cluster, key));
            value_set_path(&b.arena, dying, "metadata.deletionTimestamp",
                           value_of_str(&b.arena, STR("2024-01-01T00:00:00Z")));
            fake_forget(&b.cluster, key);
            fake_put(&b.cluster, dying);
        }
        fake_do(&b.cluster, &drop);
        fake_run(&b.op, 30);
        expect_message(&b, OP_SUCCEEDED, "successfully synced (all tasks run)");
        assert_true(str_is(row_text(&b, 0, "hookPhase"), "Succeeded"));
        assert_true(
            str_is(row_text(&b, 0, "message"), "Reached expected number of succeeded pods"));
        arena_done(&b.arena);
    }
}

/* Deleted right after it was made: the cache may only lag for so long, and somebody must look. */
static void an_object_missing_right_after_its_write_is_looked_for_again(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, "[" DEPLOY("d0", "0") "," WAVE("c1", "1") "]", "{\"sync\":{}}");
    b.cluster.never_ready = "d0";
    while (!b.cluster.creates)
        fake_turn(&b.op, true);
    fake_forget(&b.cluster,
                (struct kube_key){STR("apps"), STR("Deployment"), STR("ns-$ID"), STR("d0")});
    fake_turn(&b.op, true);
    assert_true(b.op.wake_at > b.cluster.now);
    b.cluster.now = b.op.wake_at;
    fake_run(&b.op, 3);
    expect_message(&b, OP_FAILED,
                   "one or more synchronization tasks completed unsuccessfully, reason: Resource "
                   "apps/Deployment/d0 is missing, it might have been deleted");
    arena_done(&b.arena);
}

/* As above, but the cache has shown the object: its absence is news. */
static void an_object_that_was_seen_and_is_gone_is_missed_at_once(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, "[" DEPLOY("d0", "0") "," WAVE("c1", "1") "]", "{\"sync\":{}}");
    b.cluster.never_ready = "d0";
    while (!b.cluster.creates)
        fake_turn(&b.op, true);
    fake_forget(&b.cluster,
                (struct kube_key){STR("apps"), STR("Deployment"), STR("ns-$ID"), STR("d0")});
    for (size_t i = 0; i < b.cluster.n_answers; i++)
        b.cluster.answer[i].seen = true;
    fake_run(&b.op, 4);
    assert_int_equal(b.op.phase, OP_FAILED);
    arena_done(&b.arena);
}

static void rows_of_one_kind_stand_in_the_order_of_their_answers(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, "[" CM("a") "," CM("b") "]", "{\"sync\":{}}");
    b.cluster.refuse = "a";
    fake_turn(&b.op, true); /* dry run */
    fake_turn(&b.op, false);
    assert_int_equal(b.op.n_asked, 2);
    fake_do(&b.cluster, b.op.asked[1]);
    b.cluster.now++;
    fake_do(&b.cluster, b.op.asked[0]);
    fake_run(&b.op, 10);
    assert_true(str_is(row_text(&b, 0, "name"), "b"));
    assert_true(str_is(row_text(&b, 1, "name"), "a"));
    arena_done(&b.arena);
}

static void an_old_hook_is_deleted_before_a_new_one_is_made(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, "[" HOOK("h1", "PreSync", "") "," CM("c1") "]", "{\"sync\":{}}");
    fake_run(&b.op, 20);
    expect_message(&b, OP_SUCCEEDED, "successfully synced (all tasks run)");
    b.op.phase = OP_RUNNING;
    b.op.rows = VALUE_ABSENT;
    b.op.started_at = b.cluster.now;
    b.cluster.n_answers = 0;
    fake_run(&b.op, 20);
    expect_message(&b, OP_SUCCEEDED, "successfully synced (all tasks run)");
    assert_int_equal(b.cluster.deletes, 1);
    assert_int_equal(b.cluster.creates, 3);
    arena_done(&b.arena);
}

/* Killed after every number of turns, then taken up by a new process: rows as stored, answers lost.
 */
static void a_restart_anywhere_creates_nothing_twice(void **state)
{
    (void)state;
    for (size_t kill_after = 1; kill_after < 14; kill_after++) {
        struct bench b;
        bench_start(&b,
                    "[" HOOK("h1", "PreSync", "") "," CM(
                        "c1") "," WAVE("c2", "1") "," HOOK("h2", "PostSync", "") "]",
                    "{\"sync\":{}}");
        fake_run(&b.op, kill_after);
        b.cluster.n_answers = 0;
        b.op.resumed = true;
        b.op.started = value_len(b.op.rows) > 0;
        fake_run(&b.op, 100);
        if (b.op.phase != OP_SUCCEEDED)
            fail_msg("killed after %zu: %.*s", kill_after, STR_FMT(b.op.message));
        assert_int_equal(b.cluster.creates, 4);
        assert_int_equal(value_len(b.op.rows), 4);
        arena_done(&b.arena);
    }
}

static void extra_objects_are_pruned_only_on_request(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, "[" CM("keep") "," CM("extra") "]", "{\"sync\":{}}");
    fake_run(&b.op, 20);
    for (int prune = 0; prune < 2; prune++) {
        b.op.n_manifests = 1;
        b.op.phase = OP_RUNNING;
        b.op.rows = VALUE_ABSENT;
        b.op.operation = parse(&b.arena, prune ? "{\"sync\":{\"prune\":true}}" : "{\"sync\":{}}");
        b.cluster.n_answers = 0;
        b.op.started_at += USEC_PER_SEC;
        fake_run(&b.op, 20);
        expect_message(&b, OP_SUCCEEDED, "successfully synced (all tasks run)");
        assert_true(str_is(row_text(&b, 0, "status"), prune ? "Pruned" : "PruneSkipped"));
        assert_true(
            str_is(row_text(&b, 0, "message"), prune ? "pruned" : "ignored (requires pruning)"));
        assert_int_equal(b.cluster.deletes, prune);
    }
    arena_done(&b.arena);
}

static void a_pruned_object_that_is_gone_before_the_answer_keeps_its_row(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, "[" CM("keep") "," CM("extra") "]", "{\"sync\":{\"prune\":true}}");
    fake_run(&b.op, 20);
    b.op.n_manifests = 1;
    b.op.phase = OP_RUNNING;
    b.op.rows = VALUE_ABSENT;
    b.op.started = true; /* no dry run: the prune is asked for at once */
    b.cluster.n_answers = 0;
    fake_turn(&b.op, false);
    assert_int_equal(b.op.n_asked, 1);
    struct sync_action prune = *b.op.asked[0];
    assert_int_equal(prune.kind, SYNC_ACTION_PRUNE);
    fake_forget(&b.cluster, prune.key);
    fake_turn(&b.op, false);
    assert_int_equal(b.op.n_asked, 1);
    assert_int_equal(b.op.asked[0]->id, prune.id);
    fake_do(&b.cluster, &prune);
    fake_run(&b.op, 20);
    expect_message(&b, OP_SUCCEEDED, "successfully synced (all tasks run)");
    assert_true(str_is(row_text(&b, 0, "name"), "extra"));
    assert_true(str_is(row_text(&b, 0, "message"), "pruned"));
    arena_done(&b.arena);
}

static void an_object_waits_until_its_new_kind_is_served(void **state)
{
    static const char *const manifests =
        "[{\"apiVersion\":\"apiextensions.k8s.io/"
        "v1\",\"kind\":\"CustomResourceDefinition\",\"metadata\":{\"name\":\"ws.w.io\"},\"spec\":{"
        "\"group\":\"w.io\",\"scope\":\"Namespaced\",\"names\":{\"kind\":\"W\"}}},"
        "{\"apiVersion\":\"w.io/v1\",\"kind\":\"W\",\"metadata\":{\"name\":\"w1\"}}]";
    struct bench b;
    (void)state;
    bench_start(&b, manifests, "{\"sync\":{}}");
    b.cluster.kinds_at = b.cluster.now + 3 * USEC_PER_SEC;
    for (size_t i = 0; i < 50 && !op_phase_completed(b.op.phase); i++) {
        size_t before = b.cluster.creates;
        fake_turn(&b.op, true);
        if (b.cluster.creates > before && b.cluster.creates == 2)
            assert_true(b.cluster.now >= b.cluster.kinds_at);
    }
    expect_message(&b, OP_SUCCEEDED, "successfully synced (all tasks run)");
    arena_done(&b.arena);
}

static void a_dry_run_writes_nothing(void **state)
{
    struct bench b;
    (void)state;
    bench_start(&b, "[" CM("a") "," HOOK("h1", "PreSync", "") "]", "{\"sync\":{\"dryRun\":true}}");
    fake_run(&b.op, 20);
    expect_message(&b, OP_SUCCEEDED, "successfully synced (no more tasks)");
    assert_int_equal(b.cluster.creates, 0);
    assert_int_equal(value_len(b.op.rows), 2);
    arena_done(&b.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_operations_are_repeated),
        cmocka_unit_test(a_refused_object_fails_the_operation_and_the_others_are_applied),
        cmocka_unit_test(a_refused_only_object_fails_at_once),
        cmocka_unit_test(a_later_wave_waits_for_health),
        cmocka_unit_test(an_object_that_disappears_while_waited_for_fails),
        cmocka_unit_test(terminating_ends_a_running_hook),
        cmocka_unit_test(a_hook_that_succeeded_is_deleted_by_its_policy),
        cmocka_unit_test(a_hook_on_its_way_out_keeps_its_verdict),
        cmocka_unit_test(an_object_missing_right_after_its_write_is_looked_for_again),
        cmocka_unit_test(an_object_that_was_seen_and_is_gone_is_missed_at_once),
        cmocka_unit_test(rows_of_one_kind_stand_in_the_order_of_their_answers),
        cmocka_unit_test(an_old_hook_is_deleted_before_a_new_one_is_made),
        cmocka_unit_test(a_restart_anywhere_creates_nothing_twice),
        cmocka_unit_test(extra_objects_are_pruned_only_on_request),
        cmocka_unit_test(a_pruned_object_that_is_gone_before_the_answer_keeps_its_row),
        cmocka_unit_test(an_object_waits_until_its_new_kind_is_served),
        cmocka_unit_test(a_dry_run_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
