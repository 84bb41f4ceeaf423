/* cluster/tests/apply_test.c: which requests an apply sends for which answers, on the virtual
 * clock.
 *
 * A script says request by request what is expected and what is answered; what kubectl and Argo CD
 * send is known from their sources and from recordings on a real server (option-csa-to-ssa*,
 * sync-apply-order, sync-strategy-apply-force). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cluster/apply.h"
#include "event/loop.h"
#include "value/json.h"

struct line {
    enum method method;
    const char *target; /* whole, with query */
    const char *body;   /* must occur in what is sent; NULL: no matter */
    int status;
    const char *answer;
};

struct bench {
    struct loop *loop;
    struct cluster_client *client;
    const struct line *script;
    size_t n_sent;
    usec at[16]; /* when each request came */
    int rc;
    char text[1024];
    bool answered;
};

struct reply {
    struct timer timer;
    struct call call;
    struct kube_response *response;
};

static void reply_now(void *arg)
{
    struct reply *r = arg;
    call_answer_ok(r->call, r->response, kube_response_free);
    free(r);
}

static void send_request(void *arg, const struct kube_request *q, struct call c)
{
    struct bench *b = arg;
    const struct line *l = &b->script[b->n_sent];
    if (!l->target)
        fail_msg("one request too many: %.*s", STR_FMT(q->target));
    if (q->method != l->method || !str_is(q->target, l->target))
        fail_msg("request %zu: want %d %s, got %d %.*s", b->n_sent, l->method, l->target, q->method,
                 STR_FMT(q->target));
    if (l->body && !str_has(q->body, str_of(l->body)))
        fail_msg("request %zu: want %s in %.*s", b->n_sent, l->body, STR_FMT(q->body));
    b->at[b->n_sent++] = loop_now(b->loop);
    struct reply *r = calloc(1, sizeof(*r));
    r->call = c;
    r->response = calloc(1, sizeof(*r->response));
    r->response->status = l->status;
    buf_init(&r->response->body, 1 << 20);
    buf_addz(&r->response->body, l->answer);
    timer_init(&r->timer, b->loop, reply_now, r);
    timer_arm_in(&r->timer, USEC_PER_MS);
}

static struct kube_stream *no_stream(void *arg UNUSED, const struct kube_request *q UNUSED,
                                     const struct kube_stream_handler *h UNUSED,
                                     void *handler_arg UNUSED)
{
    abort();
}
static void no_close(void *arg UNUSED, struct kube_stream *s UNUSED) {}
static void no_free(void *arg UNUSED) {}

static void on_answer(void *arg, struct answer *ans)
{
    struct bench *b = arg;
    const struct apply_result *r = ans->result;
    b->answered = true;
    b->rc = ans->rc;
    snprintf(b->text, sizeof(b->text), "%.*s",
             STR_FMT(ans->rc < 0 ? err_str(&ans->err) : buf_str(&r->message)));
}

/* live: JSON or NULL. */
static void play(struct bench *b, const struct line *script, const char *desired, const char *live,
                 const struct apply_options *o)
{
    struct arena a;
    struct err err;
    value v, there = VALUE_ABSENT;
    *b = (struct bench){.script = script, .loop = loop_new(EVENT_SIM, 1)};
    const struct kube_transport t = {b, send_request, no_stream, no_close, no_free};
    b->client = cluster_client_new(b->loop, &t);
    arena_init(&a, ARENA_BYTES_DEFAULT);
    assert_int_equal(json_parse(str_of(desired), NULL, &a, &v, &err), 0);
    if (live)
        assert_int_equal(json_parse(str_of(live), NULL, &a, &there, &err), 0);
    struct doc *frozen = live ? doc_freeze(there, 0) : NULL;
    cluster_apply(b->client, v, frozen, o, call_open(b->loop, 0, on_answer, b));
    doc_unref(frozen);
    arena_done(&a);
    loop_run(b->loop);
    assert_true(b->answered);
    if (script[b->n_sent].target)
        fail_msg("not sent: %s", script[b->n_sent].target);
    cluster_client_free(b->client);
    loop_free(b->loop);
}

static void expect(const struct bench *b, int rc, const char *text)
{
    if (b->rc != rc || strcmp(b->text, text) != 0)
        fail_msg("want %d %s\n got %d %s", rc, text, b->rc, b->text);
}

#define CM "/api/v1/namespaces/n/configmaps"
#define CM1 CM "/c1"
#define MANAGER "?fieldManager=argocd-controller"
#define HEAD                                                                                       \
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c1\",\"namespace\":"   \
    "\"n\""
#define OBJECT(meta) HEAD ",\"resourceVersion\":\"7\"" meta "}}"
#define STATUS(code, reason, text)                                                                 \
    "{\"kind\":\"Status\",\"status\":\"Failure\",\"code\":" code ",\"reason\":\"" reason           \
    "\",\"message\":\"" text "\"}"
#define OWNED(manager, operation)                                                                  \
    "{\"manager\":\"" manager "\",\"operation\":\"" operation                                      \
    "\",\"apiVersion\":\"v1\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:metadata\":{\"f:"      \
    "annotations\":{\"f:kubectl.kubernetes.io/last-applied-configuration\":{}}}}}"
#define MANAGED(list) ",\"managedFields\":[" list "]"

static const struct apply_options server_side = {.verb = APPLY_SERVER_SIDE,
                                                 .field_manager = STR_INIT("argocd-controller"),
                                                 .live_known = true};
static const struct apply_options client_side = {.verb = APPLY_CLIENT_SIDE,
                                                 .field_manager = STR_INIT("argocd-controller"),
                                                 .live_known = true};

static void fields_applied_on_the_clients_side_move_and_are_applied_again(void **state)
{
    static const struct line script[] =
        {{METHOD_PATCH, CM1 MANAGER "&force=true", NULL, 200,
          OBJECT(MANAGED(OWNED("argocd-controller", "Update")))},
         {METHOD_PATCH, CM1 MANAGER, "\"manager\":\"argocd-controller\",\"operation\":\"Apply\"",
          200, OBJECT("")},
         {METHOD_PATCH, CM1 MANAGER "&force=true", NULL, 200, OBJECT("")},
         {0}};
    struct bench b;
    (void)state;
    play(&b, script, OBJECT(""), NULL, &server_side);
    expect(&b, 0, "configmap/c1 serverside-applied");
}

static void nothing_moves_when_all_was_applied_by_the_server(void **state)
{
    static const struct line script[] = {{METHOD_PATCH, CM1 MANAGER "&force=true", NULL, 200,
                                          OBJECT(MANAGED(OWNED("argocd-controller", "Apply")))},
                                         {0}};
    struct bench b;
    (void)state;
    play(&b, script, OBJECT(""), NULL, &server_side);
    expect(&b, 0, "configmap/c1 serverside-applied");
}

static void a_move_that_meets_a_newer_object_reads_it_and_tries_again(void **state)
{
    static const char *const seen = OBJECT(MANAGED(OWNED("k", "Update")));
    const struct line script[] = {{METHOD_PATCH, CM1 MANAGER "&force=true", NULL, 200, seen},
                                  {METHOD_PATCH, CM1 MANAGER, NULL, 409,
                                   STATUS("409", "Conflict", "changed")},
                                  {METHOD_GET, CM1, NULL, 200, seen},
                                  {METHOD_PATCH, CM1 MANAGER, "\"value\":\"7\"", 200, OBJECT("")},
                                  {METHOD_PATCH, CM1 MANAGER "&force=true", NULL, 200, OBJECT("")},
                                  {0}};
    struct bench b;
    (void)state;
    play(&b, script, OBJECT(""), NULL, &server_side);
    expect(&b, 0, "configmap/c1 serverside-applied");
}

static void a_refused_move_is_a_warning(void **state)
{
    static const struct line script[] = {{METHOD_PATCH, CM1 MANAGER "&force=true", NULL, 200,
                                          OBJECT(MANAGED(OWNED("k", "Update")))},
                                         {METHOD_PATCH, CM1 MANAGER, NULL, 422,
                                          STATUS("422", "Invalid", "no")},
                                         {0}};
    struct bench b;
    (void)state;
    play(&b, script, OBJECT(""), NULL, &server_side);
    expect(&b, 0,
           "configmap/c1 serverside-applied. Warning: server rejected managed fields migration to "
           "Server-Side Apply. This is non-fatal and will be retried next time you apply. Error: "
           "no");
}

static void fields_of_the_manager_to_migrate_become_ours_first(void **state)
{
    static const struct line script[] = {
        {METHOD_GET, CM1, NULL, 200, OBJECT(MANAGED(OWNED("kubectl-client-side-apply", "Update")))},
        {METHOD_PATCH, CM1, "\"manager\":\"argocd-controller\",\"operation\":\"Apply\"", 409,
         STATUS("409", "Conflict", "changed")},
        {METHOD_GET, CM1, NULL, 200, OBJECT(MANAGED(OWNED("kubectl-client-side-apply", "Update")))},
        {METHOD_PATCH, CM1, "\"manager\":\"argocd-controller\",\"operation\":\"Apply\"", 200,
         OBJECT("")},
        {METHOD_PATCH, CM1 MANAGER "&force=true", NULL, 200, OBJECT("")},
        {0}};
    static const struct line none[] = {{METHOD_GET, CM1, NULL, 200,
                                        OBJECT(MANAGED(OWNED("other", "Update")))},
                                       {METHOD_PATCH, CM1 MANAGER "&force=true", NULL, 200,
                                        OBJECT("")},
                                       {0}};
    static const struct line absent[] = {{METHOD_GET, CM1, NULL, 404,
                                          STATUS("404", "NotFound", "not there")},
                                         {METHOD_PATCH, CM1 MANAGER "&force=true", NULL, 201,
                                          OBJECT("")},
                                         {0}};
    static const struct line forbidden[] = {
        {METHOD_GET, CM1, NULL, 200, OBJECT(MANAGED(OWNED("kubectl-client-side-apply", "Update")))},
        {METHOD_PATCH, CM1, NULL, 403, STATUS("403", "Forbidden", "not you")},
        {0}};
    struct apply_options o = server_side;
    struct bench b;
    (void)state;
    o.migrate_manager = STR("kubectl-client-side-apply");
    play(&b, script, OBJECT(""), NULL, &o);
    expect(&b, 0, "configmap/c1 serverside-applied");
    play(&b, none, OBJECT(""), NULL, &o);
    expect(&b, 0, "configmap/c1 serverside-applied");
    play(&b, absent, OBJECT(""), NULL, &o);
    expect(&b, 0, "configmap/c1 serverside-applied");
    play(&b, forbidden, OBJECT(""), NULL, &o);
    expect(&b, -ERR_FORBIDDEN,
           "Failed to perform client-side apply migration for /ConfigMap/n/c1: not you");
}

/* ---- roles ---- */

#define ROLES "/apis/rbac.authorization.k8s.io/v1/namespaces/n/roles"
#define RBAC(kind, name, more)                                                                     \
    "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"" kind                            \
    "\",\"metadata\":{\"name\":\"" name "\",\"namespace\":\"n\",\"uid\":\"u1\"}," more "}"
#define ROLE(rules) RBAC("Role", "r", "\"rules\":[" rules "]")
#define RULE "{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],\"verbs\":[\"get\"]}"
#define NAMESPACE                                                                                  \
    {                                                                                              \
        METHOD_GET, "/api/v1/namespaces/n", NULL, 200, "{}"                                        \
    }
#define UNMARKED(what)                                                                             \
    "Warning: resource " what " is missing the kubectl.kubernetes.io/last-applied-configuration "  \
    "annotation which is required by  apply.  apply should only be used on resources created "     \
    "declaratively by either  create --save-config or  apply. The missing annotation will be "     \
    "patched automatically."

static void a_role_is_reconciled_before_it_is_applied(void **state)
{
    static const struct line script[] = {NAMESPACE,
                                         {METHOD_GET, ROLES "/r", NULL, 404,
                                          STATUS("404", "NotFound", "not there")},
                                         {METHOD_POST, ROLES, "\"pods\"", 201, ROLE(RULE)},
                                         {METHOD_GET, ROLES "/r", NULL, 200, ROLE(RULE)},
                                         {METHOD_PATCH, ROLES "/r" MANAGER, "last-applied", 200,
                                          ROLE(RULE)},
                                         {0}};
    struct apply_options o = client_side;
    struct bench b;
    (void)state;
    o.rbac_reconcile = true;
    play(&b, script, ROLE(RULE), NULL, &o);
    expect(&b, 0,
           "role.rbac.authorization.k8s.io/r reconciled. reconciliation required create\n\tmissing "
           "rules added:\n\t\t{Verbs:[get] APIGroups:[] Resources:[pods] ResourceNames:[] "
           "NonResourceURLs:[]}role.rbac.authorization.k8s.io/r configured. " UNMARKED("roles/r"));
}

static void a_role_in_a_missing_namespace_makes_no_namespace(void **state)
{
    static const struct line script[] = {{METHOD_GET, "/api/v1/namespaces/n", NULL, 404,
                                          STATUS("404", "NotFound",
                                                 "namespaces \\\"n\\\" not found")},
                                         {0}};
    struct apply_options o = client_side;
    struct bench b;
    (void)state;
    o.rbac_reconcile = true;
    play(&b, script, ROLE(RULE), NULL, &o);
    expect(&b, -ERR_NOT_FOUND,
           "error running kubectl auth reconcile: error getting namespace n: namespaces \"n\" not "
           "found");
}

#define BINDINGS "/apis/rbac.authorization.k8s.io/v1/namespaces/n/rolebindings"
#define REF(name)                                                                                  \
    "\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"Role\",\"name\":\"" name   \
    "\"}"

static void a_binding_to_another_role_is_made_again(void **state)
{
    static const struct line script[] =
        {NAMESPACE,
         {METHOD_GET, BINDINGS "/b", NULL, 200, RBAC("RoleBinding", "b", REF("x"))},
         {METHOD_DELETE, BINDINGS "/b", "\"uid\":\"u1\"", 200, "{}"},
         {METHOD_POST, BINDINGS, "\"name\":\"y\"", 409, STATUS("409", "AlreadyExists", "there")},
         {METHOD_GET, BINDINGS "/b", NULL, 200, RBAC("RoleBinding", "b", REF("y"))},
         {METHOD_GET, BINDINGS "/b", NULL, 200, RBAC("RoleBinding", "b", REF("y"))},
         {METHOD_PATCH, BINDINGS "/b" MANAGER, NULL, 200, RBAC("RoleBinding", "b", REF("y"))},
         {0}};
    struct apply_options o = client_side;
    struct bench b;
    (void)state;
    o.rbac_reconcile = true;
    play(&b, script, RBAC("RoleBinding", "b", REF("y")), NULL, &o);
    expect(&b, 0,
           "rolebinding.rbac.authorization.k8s.io/b reconciledrolebinding.rbac.authorization.k8s.io"
           "/b configured. " UNMARKED("rolebindings/b"));
}

static void a_role_under_steady_change_is_given_up(void **state)
{
    static const char *const conflict = STATUS("409", "Conflict", "changed");
    const struct line script[] = {NAMESPACE,
                                  {METHOD_GET, ROLES "/r", NULL, 200, ROLE("")},
                                  {METHOD_PUT, ROLES "/r", "\"pods\"", 409, conflict},
                                  {METHOD_GET, ROLES "/r", NULL, 200, ROLE("")},
                                  {METHOD_PUT, ROLES "/r", "\"pods\"", 409, conflict},
                                  {METHOD_GET, ROLES "/r", NULL, 200, ROLE("")},
                                  {METHOD_PUT, ROLES "/r", "\"pods\"", 409, conflict},
                                  {0}};
    struct apply_options o = client_side;
    struct bench b;
    (void)state;
    o.rbac_reconcile = true;
    play(&b, script, ROLE(RULE), NULL, &o);
    expect(&b, -ERR_CONFLICT, "error running kubectl auth reconcile: changed");
}

static void a_dry_run_of_a_role_only_reads(void **state)
{
    static const struct line script[] = {{METHOD_GET, ROLES "/r", NULL, 404,
                                          STATUS("404", "NotFound", "not there")},
                                         {METHOD_GET, ROLES "/r", NULL, 404,
                                          STATUS("404", "NotFound", "not there")},
                                         {0}};
    struct apply_options o = client_side;
    struct bench b;
    (void)state;
    o.rbac_reconcile = o.dry_run = true;
    play(&b, script, ROLE(""), NULL, &o);
    expect(&b, 0,
           "role.rbac.authorization.k8s.io/r reconciled (dry run). reconciliation required "
           "createrole.rbac.authorization.k8s.io/r created (dry run)");
}

/* ---- definitions, nulls, force ---- */

#define CRDS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
#define DEFINITION(status)                                                                         \
    "{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\","           \
    "\"metadata\":{\"name\":\"ws.w.io\"},\"status\":{\"conditions\":[{\"type\":\"Established\","   \
    "\"status\":\"" status "\"}]}}"

static void a_definition_is_answered_when_it_is_served(void **state)
{
    static const struct line script[] =
        {{METHOD_POST, CRDS MANAGER, NULL, 201, DEFINITION("False")},
         {METHOD_GET, CRDS "/ws.w.io", NULL, 200, DEFINITION("False")},
         {METHOD_GET, CRDS "/ws.w.io", NULL, 200, DEFINITION("True")},
         {0}};
    struct apply_options o = client_side;
    struct bench b;
    (void)state;
    o.wait_established = true;
    play(&b, script, DEFINITION("False"), NULL, &o);
    expect(&b, 0, "customresourcedefinition.apiextensions.k8s.io/ws.w.io created");
    assert_true(b.at[2] - b.at[1] >= 100 * USEC_PER_MS);
}

static void labels_that_are_no_texts_are_not_even_asked_about(void **state)
{
    static const struct line script[] = {{0}};
    static const struct {
        const char *meta, *text;
    } cases[] = {
        {"\"labels\":{\"a\":\"1\",\"b\":2}",
         "number into Go struct field ObjectMeta.metadata.labels"},
        {"\"labels\":{\"a\":true}", "bool into Go struct field ObjectMeta.metadata.labels"},
        {"\"annotations\":{\"a\":[]}",
         "array into Go struct field ObjectMeta.metadata.annotations"},
        {"\"annotations\":{\"a\":{}}",
         "object into Go struct field ObjectMeta.metadata.annotations"},
    };
    struct apply_options o = server_side;
    struct bench b;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char desired[256], text[256];
        snprintf(desired, sizeof(desired), "%s,%s}}", HEAD, cases[i].meta);
        snprintf(text, sizeof(text),
                 "unable to decode \"/dev/shm/0\": json: cannot unmarshal %s of type string",
                 cases[i].text);
        o.dry_run = i % 2;
        play(&b, script, desired, NULL, &o);
        expect(&b, -ERR_INVALID, text);
    }
}

static void nulls_are_not_created(void **state)
{
    static const struct line script[] = {{METHOD_POST, CM MANAGER, "\"data\":{\"a\":\"1\"}", 201,
                                          OBJECT("")},
                                         {0}};
    struct bench b;
    (void)state;
    play(&b, script, HEAD "},\"data\":{\"a\":\"1\",\"b\":null}}", NULL, &client_side);
    expect(&b, 0, "configmap/c1 created");
}

static void an_object_that_could_not_be_made_again_is_put_back(void **state)
{
    static const struct line script[] =
        {{METHOD_PATCH, CM1 MANAGER, NULL, 422, STATUS("422", "Invalid", "immutable")},
         {METHOD_DELETE, CM1, NULL, 200, "{}"},
         {METHOD_GET, CM1, NULL, 404, STATUS("404", "NotFound", "gone")},
         {METHOD_POST, CM MANAGER, "\"new\"", 422, STATUS("422", "Invalid", "bad")},
         {METHOD_POST, CM MANAGER, "\"old\"", 201, OBJECT("")},
         {0}};
    struct apply_options o = client_side;
    struct bench b;
    (void)state;
    o.force = true;
    play(&b, script, HEAD "},\"data\":{\"a\":\"new\"}}",
         HEAD ",\"resourceVersion\":\"7\"},\"data\":{\"a\":\"old\"}}", &o);
    expect(&b, -ERR_UNPROCESSABLE, "bad");
}

static void a_change_of_an_object_on_its_way_out_is_a_warning(void **state)
{
    static const struct line script[] = {{METHOD_PATCH, CM1 MANAGER, NULL, 200,
                                          OBJECT(
                                              ",\"deletionTimestamp\":\"2024-01-01T00:00:00Z\"")},
                                         {0}};
    struct bench b;
    (void)state;
    play(&b, script, HEAD "},\"data\":{\"a\":\"new\"}}", OBJECT(""), &client_side);
    expect(&b, 0,
           "configmap/c1 configured. " UNMARKED("configmaps/c1") "\nWarning: Detected changes to "
                                                                 "resource c1 which is currently "
                                                                 "being deleted.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_applied_on_the_clients_side_move_and_are_applied_again),
        cmocka_unit_test(nothing_moves_when_all_was_applied_by_the_server),
        cmocka_unit_test(a_move_that_meets_a_newer_object_reads_it_and_tries_again),
        cmocka_unit_test(a_refused_move_is_a_warning),
        cmocka_unit_test(fields_of_the_manager_to_migrate_become_ours_first),
        cmocka_unit_test(a_role_is_reconciled_before_it_is_applied),
        cmocka_unit_test(a_role_in_a_missing_namespace_makes_no_namespace),
        cmocka_unit_test(a_binding_to_another_role_is_made_again),
        cmocka_unit_test(a_role_under_steady_change_is_given_up),
        cmocka_unit_test(a_dry_run_of_a_role_only_reads),
        cmocka_unit_test(a_definition_is_answered_when_it_is_served),
        cmocka_unit_test(labels_that_are_no_texts_are_not_even_asked_about),
        cmocka_unit_test(nulls_are_not_created),
        cmocka_unit_test(an_object_that_could_not_be_made_again_is_put_back),
        cmocka_unit_test(a_change_of_an_object_on_its_way_out_is_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
