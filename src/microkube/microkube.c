/* microkube/microkube.c: opening, closing, and what happens with time. */
#include "microkube/microkube.h"

#include "microkube/core.h"

#define SETTLE_ROUNDS_MAX 1000

static const char *const first_namespaces[] = {"default", "kube-node-lease", "kube-public",
                                               "kube-system"};

static const char first_node[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"microkube\",\"labels\":{"
    "\"kubernetes.io/arch\":\"amd64\",\"kubernetes.io/hostname\":\"microkube\",\"kubernetes.io/"
    "os\":\"linux\","
    "\"node-role.kubernetes.io/control-plane\":\"\"}},\"spec\":{\"podCIDR\":\"10.244.0.0/"
    "24\"},\"status\":{"
    "\"allocatable\":{\"cpu\":\"64\",\"memory\":\"256Gi\",\"pods\":\"10000\"},"
    "\"capacity\":{\"cpu\":\"64\",\"memory\":\"256Gi\",\"pods\":\"10000\"},\"conditions\":[{"
    "\"type\":\"Ready\","
    "\"status\":\"True\",\"reason\":\"KubeletReady\",\"message\":\"kubelet is posting ready "
    "status\"}],"
    "\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"127.0.0.1\"},{\"type\":\"Hostname\","
    "\"address\":"
    "\"microkube\"}],\"nodeInfo\":{\"kubeletVersion\":\"v1.36.3+microkube\",\"operatingSystem\":"
    "\"linux\","
    "\"architecture\":\"amd64\",\"containerRuntimeVersion\":\"none\",\"kernelVersion\":\"none\","
    "\"osImage\":"
    "\"microkube\"}}}";

/* Like a POST, but through no door: status is kept. */
static int make(struct microkube *mk, const char *plural, value object, struct arena *a,
                struct err *err)
{
    const struct mk_resource *r = mk_resource_find(mk, STR(""), STR("v1"), str_of(plural));
    if (mk_find(r->storage, STR(""), object_name(object)))
        return 0;
    value meta = value_edit_map(a, object, STR("metadata"));
    value_set_str(a, meta, "uid", mk_uid_new(mk, a));
    value_set_str(a, meta, "creationTimestamp", time_str(a, mk_now(mk)));
    mk_set_defaults(mk, a, r, VALUE_ABSENT, object);
    mk_prepare_new(mk, a, r, object);
    return mk_commit(mk, r->storage, NULL, object, a, NULL, err);
}

static int make_first_objects(struct microkube *mk, struct err *err)
{
    struct arena a;
    value node;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(first_namespaces); i++) {
        value ns = value_new_map(&a);
        value_set_str(&a, ns, "apiVersion", STR("v1"));
        value_set_str(&a, ns, "kind", STR("Namespace"));
        value_set_path(&a, ns, "metadata.name", value_of_str(&a, str_of(first_namespaces[i])));
        rc = make(mk, "namespaces", ns, &a, err);
    }
    if (rc == 0)
        rc = json_parse(str_of(first_node), NULL, &a, &node, err);
    if (rc == 0)
        rc = make(mk, "nodes", node, &a, err);
    arena_done(&a);
    return rc;
}

static void queue_everything(struct microkube *mk)
{
    for (struct mk_storage *s = mk->storages; s; s = s->next) {
        void *o;
        for (size_t i = 0; map_next(&s->objects, &i, NULL, &o);)
            mk_changed(mk, o, MK_MODIFIED);
    }
}

int microkube_open(const struct microkube_config *config, struct microkube **ret, struct err *err)
{
    struct microkube *mk = calloc(1, sizeof(*mk));
    if (!mk)
        abort();
    mk->config = *config;
    arena_init(&mk->arena, ARENA_BYTES_DEFAULT);
    map_init(&mk->owned, NULL);
    buf_init(&mk->written, BUF_BYTES_DEFAULT);
    mk->history_cap = config->history_events ? config->history_events : MK_HISTORY_EVENTS_DEFAULT;
    mk->history = calloc(mk->history_cap, sizeof(*mk->history));
    if (!mk->history)
        abort();
    mk_registry_open(mk);
    int rc = mk_store_open(mk, err);
    if (rc == 0)
        rc = make_first_objects(mk, err);
    if (rc < 0) {
        microkube_close(mk);
        return rc;
    }
    queue_everything(mk);
    *ret = mk;
    return 0;
}

void microkube_root_ca(struct microkube *mk, str pem) { mk->root_ca = arena_str(&mk->arena, pem); }

void microkube_close(struct microkube *mk)
{
    if (!mk)
        return;
    mk->closing = true;
    mk->config.wake = NULL;
    mk_watch_close_all(mk);
    mk_store_close(mk);
    arena_done(&mk->arena);
    free(mk);
}

void microkube_end_watches(struct microkube *mk) { mk_watch_close_all(mk); }

void mk_wake(struct microkube *mk, usec at)
{
    if (mk->next_at && mk->next_at <= at)
        return;
    mk->next_at = at;
    if (mk->config.wake)
        mk->config.wake(mk->config.arg, at);
}

usec microkube_next_at(const struct microkube *mk) { return mk->next_at; }

void microkube_tick(struct microkube *mk)
{
    if (!mk->next_at || mk_now(mk) < mk->next_at)
        return;
    mk->next_at = 0;
    mk_controllers_run(mk);
    mk_watch_tick(mk);
}

bool microkube_settle(struct microkube *mk)
{
    for (int i = 0; i < SETTLE_ROUNDS_MAX; i++) {
        mk->next_at = 0;
        bool more = mk_controllers_run(mk);
        mk_watch_tick(mk);
        if (!more)
            return true;
    }
    return false;
}

void microkube_count(const struct microkube *mk, struct microkube_counts *ret)
{
    *ret = mk->counts;
    ret->resource_version = mk->rv;
}
