/* control/fleet.c: Secrets to clusters. A cluster that is taken away may be the one whose callback
 * is running, so it is only marked and unlinked; the fleet's timer buries it on the next turn. */
#include "control/fleet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "cluster/kubeconfig.h"
#include "cluster/transport_http.h"
#include "kube/object.h"

#define CLUSTER_TEXT_BYTES_MAX ((size_t)8 << 20)

struct cluster {
    struct fleet *fleet;
    struct cluster *next_dead;
    struct arena text;
    str secret; /* namespace/name; "" for the built-in in-cluster entry */
    str server, name, project;
    struct cluster_client *client; /* ours unless borrowed */
    bool borrowed, in_cluster, dead;
    struct mirror_policy policy;
    struct mirror *mirror;
    struct err failure;
};

struct fleet {
    struct fleet_config config;
    struct map by_server, by_secret;
    struct cluster *dead;
    struct timer bury;
};

/* ---- one cluster ---- */

static void on_changed(void *arg, const struct mirror_change *change, size_t n)
{
    struct cluster *c = arg;
    if (!c->dead)
        c->fleet->config.owner.changed(c->fleet->config.owner.arg, c->server, change, n);
}
static void on_synced(void *arg)
{
    struct cluster *c = arg;
    if (!c->dead && c->fleet->config.owner.synced)
        c->fleet->config.owner.synced(c->fleet->config.owner.arg, c->server);
}
static void on_kinds(void *arg)
{
    struct cluster *c = arg;
    if (!c->dead && c->fleet->config.owner.kinds)
        c->fleet->config.owner.kinds(c->fleet->config.owner.arg, c->server);
}
static void on_failed(void *arg, const struct err *err)
{
    struct cluster *c = arg;
    if (!c->dead && c->fleet->config.owner.failed)
        c->fleet->config.owner.failed(c->fleet->config.owner.arg, c->server, err);
}

static void cluster_free(struct cluster *c)
{
    mirror_close(c->mirror);
    if (!c->borrowed)
        cluster_client_free(c->client);
    arena_done(&c->text);
    free(c);
}

static struct cluster *cluster_new(struct fleet *f, str server, str name, str secret)
{
    struct cluster *c = calloc(1, sizeof(*c));
    assert(c);
    c->fleet = f;
    arena_init(&c->text, CLUSTER_TEXT_BYTES_MAX);
    c->server = arena_str(&c->text, server);
    c->name = arena_str(&c->text, name);
    c->secret = arena_str(&c->text, secret);
    c->policy = *f->config.policy;
    c->in_cluster = str_is(server, FLEET_IN_CLUSTER_SERVER);
    return c;
}

static void open_mirror(struct cluster *c)
{
    const struct mirror_owner owner = {.arg = c,
                                       .changed = on_changed,
                                       .synced = on_synced,
                                       .kinds = on_kinds,
                                       .failed = on_failed};
    if (!c->mirror && c->client)
        c->mirror = mirror_open(c->client, &c->policy, &owner);
}

/* ---- the set of clusters ---- */

static void enter(struct fleet *f, struct cluster *c)
{
    map_set(&f->by_server, c->server, c);
    if (c->secret.len)
        map_set(&f->by_secret, c->secret, c);
    if (f->config.owner.opened)
        f->config.owner.opened(f->config.owner.arg, c->server);
}

static void retire(struct fleet *f, struct cluster *c)
{
    if (map_find(&f->by_server, c->server) == c)
        map_remove(&f->by_server, c->server);
    if (c->secret.len && map_find(&f->by_secret, c->secret) == c)
        map_remove(&f->by_secret, c->secret);
    c->dead = true;
    c->next_dead = f->dead;
    f->dead = c;
    timer_arm(&f->bury, loop_now(f->config.loop));
}

static void on_bury(void *arg)
{
    struct fleet *f = arg;
    while (f->dead) {
        struct cluster *c = f->dead;
        f->dead = c->next_dead;
        cluster_free(c);
    }
}

static void enter_in_cluster(struct fleet *f)
{
    if (!f->config.in_cluster || map_has(&f->by_server, STR(FLEET_IN_CLUSTER_SERVER)))
        return;
    struct cluster *c =
        cluster_new(f, STR(FLEET_IN_CLUSTER_SERVER), STR(FLEET_IN_CLUSTER_NAME), STR(""));
    c->client = f->config.in_cluster;
    c->borrowed = true;
    enter(f, c);
}

struct fleet *fleet_new(const struct fleet_config *config)
{
    struct fleet *f = calloc(1, sizeof(*f));
    assert(f && config->policy && config->owner.changed);
    f->config = *config;
    map_init(&f->by_server, NULL);
    map_init(&f->by_secret, NULL);
    timer_init(&f->bury, config->loop, on_bury, f);
    enter_in_cluster(f);
    return f;
}

void fleet_free(struct fleet *f)
{
    if (!f)
        return;
    void *v;
    timer_stop(&f->bury);
    on_bury(f);
    for (size_t i = 0; map_next(&f->by_server, &i, NULL, &v);)
        cluster_free(v);
    map_done(&f->by_server);
    map_done(&f->by_secret);
    free(f);
}

/* ---- Secrets ---- */

static str secret_text(struct arena *a, value secret, const char *key)
{
    str text = {0};
    value plain = value_get(value_getz(secret, "stringData"), str_of(key));
    if (value_is_string(plain))
        return value_str(plain);
    return base64_parse(a, value_str(value_get(value_getz(secret, "data"), str_of(key))), &text)
               ? text
               : STR("");
}

static bool is_cluster_secret(value secret)
{
    return str_is(object_label(secret, STR("argocd.argoproj.io/secret-type")), "cluster");
}

static str server_of(str server) { return str_trim_suffix(str_trim(server), STR("/")); }

static void read_namespaces(struct cluster *c, str list)
{
    VEC(str) ns = {0};
    str rest = list, piece;
    if (!str_trim(list).len)
        return;
    while (str_next(&rest, ',', &piece))
        if (str_trim(piece).len)
            vec_push(&c->text, &ns, arena_str(&c->text, str_trim(piece)));
    c->policy.ns = ns.at;
    c->policy.n_namespaces = ns.n;
}

static int open_http(void *arg UNUSED, struct loop *l, str server, value config,
                     struct kube_transport *ret, struct err *err)
{
    struct arena a;
    struct kube_access access;
    arena_init(&a, CLUSTER_TEXT_BYTES_MAX);
    int rc = kubeconfig_of_secret(server, config, &a, &access, err);
    if (rc == 0)
        rc = kube_transport_open(l, &access, ret, err);
    arena_done(&a);
    return rc;
}

static bool has_credentials(value config)
{
    return value_path_str(config, "bearerToken").len || value_path_str(config, "username").len ||
           value_path_str(config, "password").len;
}

static int connect(struct cluster *c, str config_text, struct err *err)
{
    struct fleet *f = c->fleet;
    value config = VALUE_ABSENT;
    const struct json_input in = {.name = STR("config"), .bytes_max = (size_t)1 << 20};
    if (str_trim(config_text).len && json_parse(config_text, &in, &c->text, &config, err) < 0)
        return err_set(err, ERR_INVALID, "cluster '%.*s': the secret's config is not valid JSON",
                       STR_FMT(c->server)); /* its text is a secret */
    if (c->in_cluster && f->config.in_cluster && !has_credentials(config)) {
        c->client = f->config.in_cluster;
        c->borrowed = true;
        return 0;
    }
    struct kube_transport t;
    int rc = f->config.transport ? f->config.transport(f->config.transport_arg, f->config.loop,
                                                       c->server, config, &t, err)
                                 : open_http(NULL, f->config.loop, c->server, config, &t, err);
    if (rc == 0)
        c->client = cluster_client_new(f->config.loop, &t);
    return rc;
}

static void enter_secret(struct fleet *f, value secret, str key)
{
    struct arena a;
    arena_init(&a, CLUSTER_TEXT_BYTES_MAX);
    str server = server_of(secret_text(&a, secret, "server")),
        name = secret_text(&a, secret, "name");
    struct cluster *there = map_find(&f->by_server, server);
    if (there && there->secret.len == 0) {
        retire(f, there); /* the Secret speaks for the cluster we run on */
        there = NULL;
    }
    if (server.len &&
        !there) { /* of two Secrets with one server the first is used, as upstream warns */
        struct cluster *c = cluster_new(f, server, name.len ? name : server, key);
        c->project = arena_str(&c->text, secret_text(&a, secret, "project"));
        read_namespaces(c, secret_text(&a, secret, "namespaces"));
        c->policy.cluster_scoped = str_is(secret_text(&a, secret, "clusterResources"), "true");
        struct err err;
        if (connect(c, secret_text(&a, secret, "config"), &err) < 0)
            err_copy(&c->failure, &err);
        enter(f, c);
    }
    arena_done(&a);
}

void fleet_secret_changed(struct fleet *f, const struct doc *before, const struct doc *after)
{
    value old = doc_root(before), new = doc_root(after);
    bool was = is_cluster_secret(old), is = is_cluster_secret(new);
    if (!was && !is)
        return;
    if (was && is && value_equal(value_getz(old, "data"), value_getz(new, "data")))
        return;
    value any = is ? new : old;
    struct arena a;
    arena_init(&a, 1 << 20);
    str key = ARENA_CAT(&a, object_ns(any), STR("/"), object_name(any));
    struct cluster *c = map_find(&f->by_secret, key);
    str server = c ? arena_str(&a, c->server) : STR("");
    if (c)
        retire(f, c);
    if (is)
        enter_secret(f, new, key);
    enter_in_cluster(f);
    if (server.len && !map_has(&f->by_server, server) && f->config.owner.closed)
        f->config.owner.closed(f->config.owner.arg, server);
    arena_done(&a);
}

/* ---- asking ---- */

static void view(const struct cluster *c, struct fleet_cluster *ret)
{
    *ret = (struct fleet_cluster){.server = c->server,
                                  .name = c->name,
                                  .project = c->project,
                                  .client = c->client,
                                  .mirror = c->mirror,
                                  .failure = c->failure.kind ? &c->failure : NULL,
                                  .in_cluster = c->in_cluster};
}

static int find(struct fleet *f, str server, str name, struct cluster **ret, struct err *err)
{
    if (server.len) {
        *ret = map_find(&f->by_server, server_of(server));
        return *ret ? 0
                    : err_set(err, ERR_NOT_FOUND, "cluster \"%.*s\" not found", STR_FMT(server));
    }
    struct cluster *found = NULL;
    size_t n = 0;
    void *v;
    for (size_t i = 0; map_next(&f->by_server, &i, NULL, &v);)
        if (str_eq(((struct cluster *)v)->name, name)) {
            found = v;
            n++;
        }
    if (n > 1)
        return err_set(err, ERR_INVALID, "there are %zu clusters with the same name", n);
    if (n == 0)
        return err_set(err, ERR_NOT_FOUND, "there are no clusters with this name: %.*s",
                       STR_FMT(name));
    *ret = found;
    return 0;
}

int fleet_find(struct fleet *f, str server, str name, struct fleet_cluster *ret, struct err *err)
{
    struct cluster *c;
    int rc = find(f, server, name, &c, err);
    if (rc == 0)
        view(c, ret);
    return rc;
}

int fleet_get(struct fleet *f, str server, str name, struct fleet_cluster *ret, struct err *err)
{
    struct cluster *c = NULL;
    int rc = find(f, server, name, &c, err);
    if (rc != 0)
        return rc;
    if (c->failure.kind)
        return err_copy(err, &c->failure);
    open_mirror(c);
    view(c, ret);
    return 0;
}

bool fleet_next(struct fleet *f, size_t *io_at, struct fleet_cluster *ret)
{
    void *v;
    if (!map_next(&f->by_server, io_at, NULL, &v))
        return false;
    view(v, ret);
    return true;
}

void fleet_invalidate(struct fleet *f)
{
    void *v;
    for (size_t i = 0; map_next(&f->by_server, &i, NULL, &v);)
        if (((struct cluster *)v)->mirror)
            mirror_invalidate(((struct cluster *)v)->mirror);
}
