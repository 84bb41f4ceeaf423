/* main/bootstrap.c: a list of objects, created one after the other. */
#include "main/bootstrap.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "argo/application.h"
#include "argo/project.h"
#include "base/fault.h"
#include "cluster/finalizer.h"
#include "kube/object.h"

#define OBJECTS_MAX 32
#define CRD_TIMEOUT_US (30 * USEC_PER_SEC)
#define BCRYPT_COST 10

enum how {
    ENSURE,
    CRD,
    DISCOVER, /* learn the kinds that the CRDs made */
    LOOK,     /* has admin a password? then the next N_PASSWORD objects are not wanted */
    SHOW,     /* the new password, for people: create or update */
    COMPLETE, /* its hash: create, or fill in what is there; last, for it ends the question */
};
#define N_PASSWORD 2

struct object {
    value object;
    enum how how;
};

struct bootstrap {
    struct cluster_client *client;
    struct call asker;
    struct arena arena;
    struct object object[OBJECTS_MAX];
    size_t n, at;
    char password[BOOTSTRAP_PASSWORD_BYTES];
    bool made_password, waiting, updating;
};

static void next(struct bootstrap *b);
static void answered(void *arg, struct answer *ans);

static void finish(struct bootstrap *b, const struct err *err)
{
    struct bootstrap_result *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    if (b->made_password)
        memcpy(r->password, b->password, sizeof(r->password));
    if (err) {
        call_answer_err(b->asker, err);
        free(r);
    } else {
        call_answer_ok(b->asker, r, free);
    }
    arena_done(&b->arena);
    free(b);
}

static void look(struct bootstrap *b, const struct object *o, value stored)
{
    value data = value_getz(stored, "data");
    if (value_exists(value_getz(data, "admin.password")))
        b->at += N_PASSWORD;
    else if (value_exists(value_getz(data, "server.secretkey"))) /* sessions stay valid */
        value_remove(value_getz(o->object, "data"), STR("server.secretkey"));
}

/* true: the object wants one more request. */
static bool goes_on(struct bootstrap *b, const struct object *o, struct answer *ans)
{
    if (ans->rc == -ERR_EXISTS && !b->updating && (o->how == CRD || o->how == COMPLETE)) {
        b->updating = true; /* an older release's, perhaps: make it ours */
        next(b);
        return true;
    }
    if (ans->rc == 0 && o->how == CRD && !b->waiting) {
        b->waiting = true;
        cluster_wait_established(b->client, object_name(o->object), CRD_TIMEOUT_US,
                                 call_open(cluster_loop(b->client), 0, answered, b));
        return true;
    }
    return false;
}

static bool may_fail(const struct object *o, int rc)
{
    return rc == -ERR_EXISTS || (o->how == LOOK && rc == -ERR_NOT_FOUND);
}

static void answered(void *arg, struct answer *ans)
{
    struct bootstrap *b = arg;
    struct object *o = &b->object[b->at];
    if (ans->rc < 0 && !may_fail(o, ans->rc)) {
        err_wrap(&ans->err, "installing %.*s '%.*s'", STR_FMT(object_kind(o->object)),
                 STR_FMT(object_name(o->object)));
        finish(b, &ans->err);
        return;
    }
    FAULT_POINT("bootstrap.installed");
    if (goes_on(b, o, ans))
        return;
    if (o->how == COMPLETE)
        b->made_password = true;
    if (o->how == LOOK && ans->rc == 0)
        look(b, o, doc_root(ans->result));
    b->waiting = b->updating = false;
    b->at++;
    next(b);
}

static void update(struct bootstrap *b, const struct object *o, const struct cluster_target *t,
                   struct call c)
{
    const struct cluster_options opt = {.field_manager = STR("tiphys"), .force = true};
    cluster_patch(b->client, t, o->how == COMPLETE ? CLUSTER_PATCH_MERGE : CLUSTER_PATCH_APPLY,
                  json_str(&b->arena, o->object, AUDIENCE_WIRE, 0), &opt, c);
}

static void next(struct bootstrap *b)
{
    if (b->at == b->n) {
        finish(b, NULL);
        return;
    }
    struct object *o = &b->object[b->at];
    struct cluster_target t = cluster_target_of(o->object);
    struct call c = call_open(cluster_loop(b->client), 0, answered, b);
    if (o->how == DISCOVER)
        cluster_discover(b->client, c);
    else if (o->how == LOOK)
        cluster_get(b->client, &t, c);
    else if (b->updating || o->how == SHOW)
        update(b, o, &t, c);
    else
        cluster_create(b->client, &t, o->object, NULL, c);
}

static void add(struct bootstrap *b, value object, enum how how)
{
    if (b->n == OBJECTS_MAX)
        abort();
    b->object[b->n++] = (struct object){.object = object, .how = how};
}

static value named(struct bootstrap *b, const char *kind, str ns, const char *name,
                   const char *component)
{
    struct arena *a = &b->arena;
    value o = value_new_map(a);
    value_set_str(a, o, "apiVersion", STR("v1"));
    value_set_str(a, o, "kind", str_of(kind));
    value_set_path(a, o, "metadata.name", value_of_str(a, str_of(name)));
    if (ns.len)
        value_set_path(a, o, "metadata.namespace", value_of_str(a, ns));
    value labels = value_edit_map(a, value_edit_map(a, o, STR("metadata")), STR("labels"));
    value_set(a, labels, STR("app.kubernetes.io/part-of"), value_of_str(a, STR("argocd")));
    value_set(a, labels, STR("app.kubernetes.io/name"), value_of_str(a, str_of(component)));
    return o;
}

/* 16 letters and digits: 95 bits. */
static void make_password(char ret[BOOTSTRAP_PASSWORD_BYTES])
{
    static const char letter[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char raw[BOOTSTRAP_PASSWORD_BYTES - 1];
    random_bytes(raw, sizeof(raw));
    for (size_t i = 0; i < sizeof(raw); i++)
        ret[i] = letter[raw[i] & 63];
    ret[sizeof(raw)] = 0;
}

static void put_data(struct arena *a, value secret, const char *key, str bytes)
{
    value data = value_edit_map(a, secret, STR("data"));
    value_set(a, data, str_of(key), value_borrow_str(a, base64_str(a, bytes)));
}

/* Go's bcrypt writes version 2a; libxcrypt's 2b hash is the same for passwords below 72 bytes. */
static str bcrypt(struct arena *a, const char *password)
{
    struct crypt_data *scratch = ARENA_NEW(a, struct crypt_data);
    char *salt = crypt_gensalt_ra("$2a$", BCRYPT_COST, NULL, 0);
    char *hash = salt ? crypt_r(password, salt, scratch) : NULL;
    if (!hash)
        abort();
    str copy = arena_str(a, str_of(hash));
    free(salt);
    return copy;
}

/* As upstream: whoever finds no hash of admin's password makes a password, shows it, and stores the
 * hash last. A start that is cut short between the two makes another one next time. */
static void add_secrets(struct bootstrap *b, str ns)
{
    struct arena *a = &b->arena;
    unsigned char key[32];
    random_bytes(key, sizeof(key));
    make_password(b->password);
    value first =
        named(b, "Secret", ns, "argocd-initial-admin-secret", "argocd-initial-admin-secret");
    value_set_str(a, first, "type", STR("Opaque"));
    put_data(a, first, "password", str_of(b->password));
    value secret = named(b, "Secret", ns, "argocd-secret", "argocd-secret");
    value_set_str(a, secret, "type", STR("Opaque"));
    put_data(a, secret, "server.secretkey", base64_str(a, str_mem((char *)key, sizeof(key))));
    put_data(a, secret, "admin.password", bcrypt(a, b->password));
    put_data(a, secret, "admin.passwordMtime", time_str(a, loop_wall(cluster_loop(b->client))));
    add(b, secret, LOOK);
    add(b, first, SHOW);
    add(b, secret, COMPLETE);
}

void bootstrap_run(struct cluster_client *c, str namespace, struct call call)
{
    static const char *const config_map[] = {"argocd-cm",
                                             "argocd-rbac-cm",
                                             "argocd-cmd-params-cm",
                                             "argocd-ssh-known-hosts-cm",
                                             "argocd-tls-certs-cm",
                                             "argocd-gpg-keys-cm"};
    struct bootstrap *b = calloc(1, sizeof(*b));
    if (!b)
        abort();
    arena_init(&b->arena, ARENA_BYTES_DEFAULT);
    b->client = c;
    b->asker = call;
    value crds = argo_crds(&b->arena);
    for (struct value_iter it = value_iter(crds); value_next(&it);)
        add(b, it.val, CRD);
    add(b, VALUE_ABSENT, DISCOVER);
    str ns = arena_str(&b->arena, namespace);
    add(b, named(b, "Namespace", STR(""), arena_cstr(&b->arena, ns), "argocd"), ENSURE);
    for (size_t i = 0; i < ARRAY_LEN(config_map); i++)
        add(b, named(b, "ConfigMap", ns, config_map[i], config_map[i]), ENSURE);
    add_secrets(b, ns);
    add(b, project_default(&b->arena, ns), ENSURE);
    next(b);
}
