/* tests/bench/event_bench.c: what a turn, a call and a message between threads cost, beside bare
 * epoll; and what a mirrored object costs from the bytes on the wire to the change told. `ninja -C
 * build event-bench && build/event-bench`. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/time.h"
#include "cluster/mirror.h"
#include "event/call.h"
#include "event/mailbox.h"
#include "event/pool.h"
#include "kube/object.h"

#define ROUNDS 200000
#define OBJECTS 50000

static void row(const char *what, usec us, int n)
{
    printf("%-64s %8.3f us\n", what, (double)us / n);
}

/* ---- loop ---- */

struct state {
    struct loop *loop;
    struct timer timer;
    struct pool *pool;
    struct mailbox box;
    struct state *peer;
    int left;
};

static void again(void *arg)
{
    struct state *s = arg;
    if (--s->left > 0)
        loop_defer(s->loop, again, s);
}
static void tick(void *arg)
{
    struct state *s = arg;
    if (--s->left > 0)
        timer_arm(&s->timer, loop_now(s->loop));
}
static void answered(void *arg, struct answer *a UNUSED)
{
    struct state *s = arg;
    if (--s->left > 0)
        call_answer_ok(call_open(s->loop, USEC_PER_MIN, answered, s), NULL, NULL);
}
static void nothing(void *arg UNUSED, struct answer *ret UNUSED) {}
static void worked(void *arg, struct answer *a UNUSED)
{
    struct state *s = arg;
    if (--s->left > 0)
        pool_submit(s->pool, nothing, NULL, NULL, call_open(s->loop, 0, worked, s));
}
static void pong(void *arg, void *message)
{
    struct state *s = arg;
    bool sent = mailbox_send(s->peer->box, message);
    if (!sent || --s->left <= 0)
        mailbox_close(&s->box);
}
static void *run_loop(void *arg)
{
    loop_run(((struct state *)arg)->loop);
    return NULL;
}

static void bench_threads(void)
{
    struct state a = {.loop = loop_new(EVENT_UV, 0), .left = ROUNDS / 10},
                 b = {.loop = loop_new(EVENT_UV, 0), .left = ROUNDS / 10};
    pthread_t t;
    a.peer = &b;
    b.peer = &a;
    a.box = mailbox_open(a.loop, 4, 4, pong, &a, NULL);
    b.box = mailbox_open(b.loop, 4, 4, pong, &b, NULL);
    usec start = time_monotonic_now();
    bool sent = mailbox_send(a.box, &a);
    if (!sent)
        abort();
    pthread_create(&t, NULL, run_loop, &b);
    loop_run(a.loop);
    mailbox_close(&b.box); /* its last message may have found our box closed */
    loop_free(a.loop);
    row("a message to another loop's thread, one at a time", time_monotonic_now() - start,
        2 * (ROUNDS / 10));
    pthread_detach(t);
}

static void bench_loop(void)
{
    struct state s = {.loop = loop_new(EVENT_UV, 0), .left = ROUNDS};
    usec start = time_monotonic_now();
    loop_defer(s.loop, again, &s);
    loop_run(s.loop);
    row("a turn with one deferred function (libuv polled each time)", time_monotonic_now() - start,
        ROUNDS);
    s.left = ROUNDS;
    timer_init(&s.timer, s.loop, tick, &s);
    start = time_monotonic_now();
    timer_arm(&s.timer, loop_now(s.loop));
    loop_run(s.loop);
    row("a turn with one due timer", time_monotonic_now() - start, ROUNDS);
    s.left = ROUNDS;
    start = time_monotonic_now();
    call_answer_ok(call_open(s.loop, USEC_PER_MIN, answered, &s), NULL, NULL);
    loop_run(s.loop);
    row("a call opened with a deadline, answered, delivered", time_monotonic_now() - start, ROUNDS);
    s.left = ROUNDS / 10;
    s.pool = pool_new(NULL, 1);
    start = time_monotonic_now();
    pool_submit(s.pool, nothing, NULL, NULL, call_open(s.loop, 0, worked, &s));
    loop_run(s.loop);
    row("empty work in the pool and back, one at a time", time_monotonic_now() - start,
        ROUNDS / 10);
    pool_free(s.pool);
    loop_free(s.loop);
}

struct bare {
    int wait_fd, wake_fd;
};
static void *bare_pong(void *arg)
{
    struct bare *b = arg;
    int poll = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN};
    uint64_t v;
    epoll_ctl(poll, EPOLL_CTL_ADD, b->wait_fd, &e);
    for (int i = 0; i < ROUNDS / 10; i++) {
        epoll_wait(poll, &e, 1, -1);
        if (read(b->wait_fd, &v, 8) != 8 || write(b->wake_fd, &(uint64_t){1}, 8) != 8)
            abort();
    }
    close(poll);
    return NULL;
}
static void bench_bare(void)
{
    int x = eventfd(0, 0), y = eventfd(0, 0);
    struct bare a = {x, y}, b = {y, x};
    pthread_t t;
    usec start = time_monotonic_now();
    pthread_create(&t, NULL, bare_pong, &b);
    if (write(x, &(uint64_t){1}, 8) != 8)
        abort();
    bare_pong(&a);
    pthread_join(t, NULL);
    row("  the same with bare epoll and eventfd", time_monotonic_now() - start, 2 * (ROUNDS / 10));
    close(x);
    close(y);
}

/* ---- mirror ---- */

struct wire {
    struct loop *loop;
    struct buf list, watch;
    bool keep;
};
struct kube_stream {
    const struct kube_stream_handler *handler;
    void *arg;
    struct timer timer;
    str rest;
    bool head;
};

static const char discovery[] = "{\"kind\":\"APIGroupDiscoveryList\",\"items\":[{\"metadata\":{"
                                "\"name\":\"\"},\"versions\":[{\"version\":\"v1\",\"resources\":"
                                "[{\"resource\":\"pods\",\"responseKind\":{\"kind\":\"Pod\"},"
                                "\"scope\":\"Namespaced\",\"verbs\":[\"list\",\"watch\"]}]}]}]}";

static void send_now(void *arg UNUSED, const struct kube_request *q, struct call c)
{
    struct kube_response *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    r->status = 200;
    buf_init(&r->body, 1 << 20);
    buf_addz(&r->body, str_is(q->target, "/api") ? discovery : "{}");
    call_answer_ok(c, r, kube_response_free);
}
static void on_turn(void *arg)
{
    struct kube_stream *s = arg;
    timer_arm_in(&s->timer, 1);
    if (!s->head) {
        s->head = true;
        s->handler->head(s->arg, 200);
        return;
    }
    str piece = str_sub(s->rest, 0, 16384);
    s->rest = str_from(s->rest, piece.len);
    if (!piece.len)
        timer_stop(&s->timer);
    if (piece.len)
        s->handler->data(s->arg, piece);
    else
        s->handler->end(s->arg, 0, NULL);
}
static struct kube_stream *open_stream(void *arg, const struct kube_request *q,
                                       const struct kube_stream_handler *handler, void *handler_arg)
{
    struct wire *w = arg;
    struct kube_stream *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    bool watch = str_has(q->target, STR("watch=true"));
    *s = (struct kube_stream){.handler = handler,
                              .arg = handler_arg,
                              .rest = buf_str(watch ? &w->watch : &w->list)};
    timer_init(&s->timer, w->loop, on_turn, s);
    timer_arm_in(&s->timer, 1);
    return s;
}
static void close_stream(void *arg UNUSED, struct kube_stream *s)
{
    timer_stop(&s->timer);
    free(s);
}
static void no_free(void *arg UNUSED) {}
static void look(void *arg, value object, struct arena *a UNUSED, struct mirror_look *ret)
{
    ret->subject = object_label(object, STR("app"));
    ret->keep_body = ((struct wire *)arg)->keep;
}
static void changed(void *arg UNUSED, const struct mirror_change *change UNUSED, size_t n UNUSED) {}

static void add_pod(struct buf *out, int i, int version)
{
    buf_printf(
        out,
        "{\"metadata\":{\"name\":\"web-application-7d9c5b%05d\",\"namespace\":\"ns%d\",\"uid\":"
        "\"%08x-0000-4000-8000-%012d\",\"resourceVersion\":\"%d\",\"labels\":{\"app\":\"app%d\"},"
        "\"ownerReferences\":[{"
        "\"apiVersion\":\"apps/"
        "v1\",\"kind\":\"ReplicaSet\",\"name\":\"web\",\"uid\":\"00000000-0000-4000-9000-%012d\"}],"
        "\"managedFields\":[{\"manager\":\"kubelet\",\"fieldsV1\":{\"f:status\":{\"f:conditions\":{"
        "\"f:lastProbeTime\":{},"
        "\"f:status\":{},\"f:type\":{}},\"f:hostIP\":{},\"f:phase\":{},\"f:podIP\":{}}}}]},"
        "\"spec\":{\"containers\":[{"
        "\"name\":\"c\",\"image\":\"nginx:1.%d\",\"ports\":[{\"containerPort\":80,\"protocol\":"
        "\"TCP\"}],\"resources\":{"
        "\"limits\":{\"cpu\":\"100m\",\"memory\":\"128Mi\"}},\"terminationMessagePath\":\"/dev/"
        "termination-log\","
        "\"imagePullPolicy\":\"IfNotPresent\"}],\"restartPolicy\":\"Always\","
        "\"terminationGracePeriodSeconds\":30,"
        "\"dnsPolicy\":\"ClusterFirst\",\"serviceAccountName\":\"default\",\"nodeName\":\"node-%"
        "d\"},\"status\":{\"phase\":"
        "\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"lastProbeTime\":"
        "null,\"lastTransitionTime\":"
        "\"2026-01-01T00:00:00Z\"}],\"hostIP\":\"10.0.0.%d\",\"podIP\":\"10.1.0.%d\"}}",
        i, i % 50, (unsigned)i, i, version, i % 1000, i / 10, i % 20, i % 30, i % 250, i % 250);
}

static void bench_mirror(bool keep)
{
    struct wire w = {.loop = loop_new(EVENT_SIM, 1),
                     .keep = keep,
                     .list = BUF_INIT,
                     .watch = BUF_INIT};
    buf_addz(&w.list, "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{"
                      "\"resourceVersion\":\"1000000\"},\"items\":[");
    for (int i = 0; i < OBJECTS; i++) {
        if (i)
            buf_addc(&w.list, ',');
        add_pod(&w.list, i, i + 1);
        buf_addz(&w.watch, "{\"type\":\"MODIFIED\",\"object\":");
        add_pod(&w.watch, i, 1000001 + i);
        buf_addz(&w.watch, "}\n");
    }
    buf_addz(&w.list, "]}");
    struct kube_transport t = {&w, send_now, open_stream, close_stream, no_free};
    struct cluster_client *c = cluster_client_new(w.loop, &t);
    const struct mirror_policy policy = {.arg = &w, .look = look};
    const struct mirror_owner owner = {.arg = &w, .changed = changed};
    struct mirror *m = mirror_open(c, &policy, &owner);
    struct mirror_status st;
    usec start = time_monotonic_now();
    do {
        loop_run_sim(w.loop, INT64_MAX, 1);
        mirror_status(m, &st);
    } while (!st.synced);
    row(keep ? "an object listed, its body kept" : "an object listed, its record kept",
        time_monotonic_now() - start, OBJECTS);
    start = time_monotonic_now();
    for (uint64_t end = st.n_events + OBJECTS - 100; st.n_events < end; mirror_status(m, &st))
        loop_run_sim(w.loop, INT64_MAX, 1000);
    row("  a watch event of it", time_monotonic_now() - start, OBJECTS);
    printf("  %zu bytes of JSON: %zu a record with its subject, %zu a packed body\n",
           w.watch.len / OBJECTS, st.record_bytes / st.n_objects,
           st.n_bodies ? st.body_bytes / st.n_bodies : 0);
    mirror_close(m);
    cluster_client_free(c);
    loop_free(w.loop);
    buf_done(&w.list);
    buf_done(&w.watch);
}

int main(void)
{
    bench_loop();
    bench_threads();
    bench_bare();
    bench_mirror(false);
    bench_mirror(true);
    return 0;
}
