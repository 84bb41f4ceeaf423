/* cluster/discovery.c: /version, then the resources of all groups.
 *
 * A server of 1.27 or later answers /api and /apis with everything at once (aggregated discovery
 * v2); an older one with group names, and is asked once per group version. All answers are
 * collected as facts in a `struct discovery`; when none is outstanding the snapshot is built. A
 * group version that cannot be listed (its aggregated server is down) is named in `failed`; the
 * others count. */
#include "cluster/client_impl.h"

#include <stdlib.h>
#include <string.h>

#define AGGREGATED                                                                                 \
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
#define GROUP_VERSIONS_MAX 2000

struct cluster_kinds_owned { /* the snapshot with what it owns */
    struct cluster_kinds pub;
    _Atomic int refs;
    struct arena arena;
};

struct cluster_kinds *cluster_kinds_ref(struct cluster_kinds *k)
{
    if (k)
        ((struct cluster_kinds_owned *)k)->refs++;
    return k;
}

void cluster_kinds_unref(struct cluster_kinds *k)
{
    struct cluster_kinds_owned *owned = (struct cluster_kinds_owned *)k;
    if (!owned || --owned->refs > 0)
        return;
    arena_done(&owned->arena);
    free(owned);
}

const struct kube_kind *cluster_kinds_find(const struct cluster_kinds *k, str group, str version,
                                           str kind)
{
    for (size_t i = 0; i < k->n; i++) {
        const struct kube_kind *at = &k->at[i];
        if (str_eq(at->kind, kind) && str_eq(at->group, group) &&
            (!version.len || str_eq(at->version, version)))
            return at;
    }
    return NULL;
}

struct discovery {
    struct cluster_client *client;
    struct call asker;
    struct cluster_kinds_owned *found;
    VEC(struct kube_kind) kinds;
    VEC(str) failed;
    size_t outstanding;
    struct err err; /* kind 0: none yet */
};

struct question { /* one request of a discovery */
    struct discovery *d;
    void (*take)(struct discovery *d, struct question *q, value answer);
    char group_version[256]; /* of a single resource list; "" otherwise */
};

/* ---- building the snapshot ---- */

static int by_kind(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

/* "v1", "v1/Pod", "apps/v1", "apps/v1/Deployment", ...: sorted, unique. */
static void add_api_versions(struct discovery *d, struct arena *a)
{
    VEC(str) names = {0};
    for (size_t i = 0; i < d->kinds.n; i++) {
        const struct kube_kind *k = &d->kinds.at[i];
        str gv = kube_api_version(a, k->group, k->version);
        vec_push(a, &names, gv);
        vec_push(a, &names, ARENA_CAT(a, gv, STR("/"), k->kind));
    }
    if (names.n)
        qsort(names.at, names.n, sizeof(str), by_kind);
    size_t n = 0;
    for (size_t i = 0; i < names.n; i++)
        if (n == 0 || !str_eq(names.at[n - 1], names.at[i]))
            names.at[n++] = names.at[i];
    d->found->pub.api_version = names.at;
    d->found->pub.n_api_versions = n;
}

static void finish(struct discovery *d)
{
    struct cluster_client *c = d->client;
    if (d->err.kind) {
        call_answer_err(d->asker, &d->err);
        cluster_kinds_unref(&d->found->pub);
    } else {
        d->found->pub.at = d->kinds.at;
        d->found->pub.n = d->kinds.n;
        d->found->pub.failed = d->failed.at;
        d->found->pub.n_failed = d->failed.n;
        add_api_versions(d, &d->found->arena);
        cluster_kinds_unref(c->kinds);
        c->kinds = &d->found->pub;
        call_answer_ok(d->asker, cluster_kinds_ref(c->kinds),
                       (void (*)(void *))cluster_kinds_unref);
    }
    free(d);
}

static str join(struct arena *a, value list)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        if (b.len)
            buf_addc(&b, ',');
        buf_add(&b, value_str(it.val));
    }
    return arena_str(a, buf_str(&b));
}

static unsigned verbs_of(value list)
{
    unsigned verbs = 0;
    for (struct value_iter it = value_iter(list); value_next(&it);)
        for (size_t i = 0; i < ARRAY_LEN(kube_verb_name); i++)
            if (str_is(value_str(it.val), kube_verb_name[i]))
                verbs |= 1U << i;
    return verbs;
}

static struct kube_kind *find_plural(struct discovery *d, str group, str version, str plural)
{
    for (size_t i = d->kinds.n; i-- > 0;) {
        struct kube_kind *k = &d->kinds.at[i];
        if (str_eq(k->plural, plural) && str_eq(k->group, group) && str_eq(k->version, version))
            return k;
    }
    return NULL;
}

static void add_subresource(struct arena *a, struct kube_kind *k, str name)
{
    k->subresources =
        k->subresources.len ? ARENA_CAT(a, k->subresources, STR(","), name) : arena_str(a, name);
}

/* The schema name of a built-in kind is not part of discovery. */
static str schema_of(const struct kube_kind *k)
{
    const struct kube_kind *builtin = kube_kind_find(k->group, k->version, k->kind);
    return builtin ? builtin->schema : STR("");
}

/* ---- plain lists: {"groupVersion": "apps/v1", "resources": [...]} ---- */

static void take_resource(struct discovery *d, str group, str version, value r)
{
    struct arena *a = &d->found->arena;
    str name = value_path_str(r, "name"), plural, sub;
    if (str_cut(name, '/', &plural, &sub)) {
        struct kube_kind *k = find_plural(d, group, version, plural);
        if (k)
            add_subresource(a, k, sub);
        return;
    }
    struct kube_kind k = {
        .group = arena_str(a, group),
        .version = arena_str(a, version),
        .kind = arena_str(a, value_path_str(r, "kind")),
        .plural = arena_str(a, name),
        .singular = arena_str(a, value_path_str(r, "singularName")),
        .short_names = join(a, value_getz(r, "shortNames")),
        .categories = join(a, value_getz(r, "categories")),
        .subresources = STR(""),
        .namespaced = value_bool(value_getz(r, "namespaced")),
        .verbs = verbs_of(value_getz(r, "verbs")),
    };
    k.schema = schema_of(&k);
    vec_push(a, &d->kinds, k);
}

static void take_list(struct discovery *d, struct question *q, value answer)
{
    str group, version;
    if (kube_api_version_parse(str_of(q->group_version), &group, &version, NULL) < 0)
        return;
    for (struct value_iter it = value_iter(value_getz(answer, "resources")); value_next(&it);)
        take_resource(d, group, version, it.val);
}

/* ---- aggregated: items[].versions[].resources[] ---- */

static void take_aggregated_resource(struct discovery *d, str group, str version, value r)
{
    struct arena *a = &d->found->arena;
    value kind = value_getz(r, "responseKind");
    struct kube_kind k = {
        .group = arena_str(a, group),
        .version = arena_str(a, version),
        .kind = arena_str(a, value_path_str(kind, "kind")),
        .plural = arena_str(a, value_path_str(r, "resource")),
        .singular = arena_str(a, value_path_str(r, "singularResource")),
        .short_names = join(a, value_getz(r, "shortNames")),
        .categories = join(a, value_getz(r, "categories")),
        .subresources = STR(""),
        .namespaced = str_is(value_path_str(r, "scope"), "Namespaced"),
        .verbs = verbs_of(value_getz(r, "verbs")),
    };
    for (struct value_iter it = value_iter(value_getz(r, "subresources")); value_next(&it);)
        add_subresource(a, &k, value_path_str(it.val, "subresource"));
    k.schema = schema_of(&k);
    if (k.kind.len)
        vec_push(a, &d->kinds, k);
}

static void take_aggregated(struct discovery *d, value answer)
{
    struct arena *a = &d->found->arena;
    for (struct value_iter g = value_iter(value_getz(answer, "items")); value_next(&g);) {
        str group = value_path_str(g.val, "metadata.name");
        for (struct value_iter v = value_iter(value_getz(g.val, "versions")); value_next(&v);) {
            str version = value_path_str(v.val, "version");
            if (str_is(value_path_str(v.val, "freshness"), "Stale"))
                vec_push(a, &d->failed, kube_api_version(a, group, version));
            for (struct value_iter r = value_iter(value_getz(v.val, "resources")); value_next(&r);)
                take_aggregated_resource(d, group, version, r.val);
        }
    }
}

/* ---- asking ---- */

static void ask(struct discovery *d, const char *path, const char *group_version,
                void (*take)(struct discovery *, struct question *, value));

static void answered(void *arg, struct answer *ans)
{
    struct question *q = arg;
    struct discovery *d = q->d;
    if (ans->rc == 0)
        q->take(d, q, doc_root(ans->result));
    else if (q->group_version[0]) /* one group version may be down */
        vec_push(&d->found->arena, &d->failed,
                 arena_str(&d->found->arena, str_of(q->group_version)));
    else if (!d->err.kind)
        err_copy(&d->err, &ans->err);
    free(q);
    if (--d->outstanding == 0)
        finish(d);
}

static void ask(struct discovery *d, const char *path, const char *group_version,
                void (*take)(struct discovery *, struct question *, value))
{
    struct question *q = calloc(1, sizeof(*q));
    if (!q)
        abort();
    q->d = d;
    q->take = take;
    size_t len = MIN_OF(strlen(group_version), sizeof(q->group_version) - 1);
    memcpy(q->group_version, group_version, len);
    d->outstanding++;
    const struct kube_request r = {.method = METHOD_GET,
                                   .target = str_of(path),
                                   .accept = STR(AGGREGATED)};
    cluster_ask(d->client, &r, call_open(d->client->loop, 0, answered, q));
}

static void ask_group_version(struct discovery *d, str group_version)
{
    char path[320], gv[256];
    if (group_version.len >= sizeof(gv) || d->outstanding > GROUP_VERSIONS_MAX)
        return;
    memcpy(gv, group_version.at, group_version.len);
    gv[group_version.len] = 0;
    snprintf(path, sizeof(path), "%s%s", strchr(gv, '/') ? "/apis/" : "/api/", gv);
    ask(d, path, gv, take_list);
}

/* /api and /apis: everything, or the names of what to ask next. */
static void take_root(struct discovery *d, struct question *q UNUSED, value answer)
{
    if (value_is_list(value_getz(answer, "items"))) {
        take_aggregated(d, answer);
        return;
    }
    for (struct value_iter v = value_iter(value_getz(answer, "versions")); value_next(&v);)
        ask_group_version(d, value_str(v.val));
    for (struct value_iter g = value_iter(value_getz(answer, "groups")); value_next(&g);)
        for (struct value_iter v = value_iter(value_getz(g.val, "versions")); value_next(&v);)
            ask_group_version(d, value_path_str(v.val, "groupVersion"));
}

static void take_version(struct discovery *d, struct question *q UNUSED, value answer)
{
    d->found->pub.server_version =
        arena_str(&d->found->arena, value_path_str(answer, "gitVersion"));
}

void cluster_discover(struct cluster_client *c, struct call call)
{
    struct discovery *d = calloc(1, sizeof(*d));
    struct cluster_kinds_owned *found = calloc(1, sizeof(*found));
    if (!d || !found)
        abort();
    arena_init(&found->arena, ARENA_BYTES_DEFAULT);
    found->refs = 1;
    *d = (struct discovery){.client = c, .asker = call, .found = found};
    ask(d, "/version", "", take_version);
    ask(d, "/api", "", take_root);
    ask(d, "/apis", "", take_root);
}
