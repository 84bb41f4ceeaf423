/* tests/bench/http_client_bench.c: our HTTP client beside libcurl's multi interface, both against
 * our server over TLS and HTTP/2 on one connection: small requests 32 at a time, then 300 watches
 * of which one reader stands still. docs/decisions/0010-http-client.md tells what was decided by
 * it. */
#include <curl/curl.h>
#include <pthread.h>
#include <sys/resource.h>

#include "net/client.h"
#include "net/tests/net_test_server.c.inc"

#define REQUESTS 20000
#define AT_ONCE 32
#define WATCHES 300

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_THREAD, &u); /* of the client's thread: the server has its own */
    return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

struct meter {
    usec from;
    double cpu;
};

static struct meter meter_start(void)
{
    return (struct meter){time_monotonic_now(), cpu_seconds()};
}

static void meter_say(struct meter m, const char *what, double n)
{
    double s = (double)(time_monotonic_now() - m.from) / 1e6, cpu = cpu_seconds() - m.cpu;
    printf("%-34s %8.0f/s  %6.1f us of the client's processor each  (%.3f s)\n", what, n / s,
           cpu * 1e6 / n, s);
}

/* ---- ours ---- */

struct ours {
    struct loop *loop;
    struct http_client *client;
    int asked, answered, n;
    struct http_call first;
    size_t first_bytes, seen;
};

static void ours_ask(struct ours *o);

static void ours_done(void *arg, int rc, const struct http_response *resp, const struct err *err)
{
    struct ours *o = arg;
    if (rc) {
        fprintf(stderr, "%s\n", err->text);
        exit(1);
    }
    if (++o->answered == o->n)
        loop_stop(o->loop);
    else if (o->asked < o->n)
        ours_ask(o);
}

static void ours_ask(struct ours *o)
{
    const struct http_client_request r = {.method = METHOD_GET, .target = STR("/path")};
    o->asked++;
    http_client_send(o->client, &r, ours_done, o);
}

static void watch_data(void *arg, str bytes)
{
    struct ours *o = arg;
    if (++o->seen >= WATCHES)
        loop_stop(o->loop);
}

static void ours_run(const char *url, str ca)
{
    struct ours o = {.loop = loop_new(EVENT_UV, 0), .n = REQUESTS};
    struct err err;
    const struct http_client_config config = {.url = str_of(url), .tls.ca_pem = ca};
    static const struct http_stream_handler watch = {.data = watch_data};
    const struct http_client_request w = {.method = METHOD_GET, .target = STR("/watch")};
    struct http_call call[WATCHES];
    if (http_client_new(o.loop, &config, &o.client, &err))
        exit(1);
    struct meter m = meter_start();
    for (int i = 0; i < AT_ONCE; i++)
        ours_ask(&o);
    loop_run(o.loop);
    meter_say(m, "ours: requests", REQUESTS);
    m = meter_start();
    for (int i = 0; i < WATCHES; i++)
        call[i] = http_client_stream(o.client, &w, &watch, &o);
    loop_run(o.loop);
    meter_say(m, "ours: watches until first event", WATCHES);
    for (int i = 0; i < WATCHES / 2; i++)
        http_call_pause(call[i]);
    o.asked = o.answered = 0;
    o.n = REQUESTS / 4;
    m = meter_start();
    for (int i = 0; i < AT_ONCE; i++)
        ours_ask(&o);
    loop_run(o.loop);
    meter_say(m, "ours: requests beside 150 paused", REQUESTS * 0.25);
    printf("connections opened: %llu\n", (unsigned long long)http_client_stats(o.client).opened);
    http_client_free(o.client);
    loop_run(o.loop);
    loop_free(o.loop);
}

/* ---- libcurl ---- */

static size_t curl_sink(char *at, size_t size, size_t n, void *arg)
{
    ++*(size_t *)arg;
    return size * n;
}

static CURL *curl_easy(const char *url, const char *path, const char *ca, size_t *seen)
{
    char full[256];
    CURL *e = curl_easy_init();
    struct curl_blob blob = {(void *)ca, strlen(ca), CURL_BLOB_COPY};
    (void)snprintf(full, sizeof(full), "%s%s", url, path);
    curl_easy_setopt(e, CURLOPT_URL, full);
    curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &blob);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(e, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, curl_sink);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, seen);
    return e;
}

static void curl_requests(CURLM *multi, const char *url, const char *ca, int n, const char *what)
{
    size_t seen = 0;
    int running, asked = 0, answered = 0, left;
    struct meter m = meter_start();
    for (; asked < AT_ONCE; asked++)
        curl_multi_add_handle(multi, curl_easy(url, "/path", ca, &seen));
    while (answered < n) {
        curl_multi_perform(multi, &running);
        for (CURLMsg *msg; (msg = curl_multi_info_read(multi, &left));) {
            CURL *e = msg->easy_handle;
            if (msg->data.result)
                fprintf(stderr, "%s\n", curl_easy_strerror(msg->data.result)), exit(1);
            answered++;
            curl_multi_remove_handle(multi, e);
            if (asked++ < n)
                curl_multi_add_handle(multi, e); /* the handle is used again */
            else
                curl_easy_cleanup(e);
        }
        curl_multi_poll(multi, NULL, 0, 100, NULL);
    }
    meter_say(m, what, n);
}

static void curl_run(const char *url, const char *ca)
{
    static CURL *watch[WATCHES];
    size_t seen = 0;
    int running;
    CURLM *multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, 1000L);
    curl_requests(multi, url, ca, REQUESTS, "libcurl: requests");
    struct meter m = meter_start();
    for (int i = 0; i < WATCHES; i++) {
        watch[i] = curl_easy(url, "/watch", ca, &seen);
        curl_multi_add_handle(multi, watch[i]);
    }
    while (seen < WATCHES) {
        curl_multi_perform(multi, &running);
        curl_multi_poll(multi, NULL, 0, 100, NULL);
    }
    meter_say(m, "libcurl: watches until first event", WATCHES);
    for (int i = 0; i < WATCHES / 2; i++)
        curl_easy_pause(watch[i], CURLPAUSE_RECV);
    curl_requests(multi, url, ca, REQUESTS / 4, "libcurl: requests beside 150 paused");
    for (int i = 0; i < WATCHES; i++) {
        curl_multi_remove_handle(multi, watch[i]);
        curl_easy_cleanup(watch[i]);
    }
    curl_multi_cleanup(multi);
}

int main(void)
{
    struct test_tls tls;
    char url[64];
    test_tls_make(&tls);
    struct test_server t = {.config.tls = tls.context};
    test_server_start(&t);
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u", t.port);
    ours_run(url, buf_str(&tls.cert));
    curl_run(url, tls.cert.at);
    test_server_stop(&t);
    test_tls_done(&tls);
    return 0;
}
