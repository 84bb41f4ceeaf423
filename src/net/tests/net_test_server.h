/* net/tests/net_test_server.h: a server on its own thread for the tests of net/, with a few
 * behaviours by path. */
#ifndef NET_TESTS_NET_TEST_SERVER_H
#define NET_TESTS_NET_TEST_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "net/server.h"

struct test_server {
    struct http_server_config config;
    struct loop *loop;
    struct http_server *server;
    pthread_t thread;
    uint16_t port;
    atomic_int gone, asked, open, drains;
    atomic_bool up;
};
/* /echo: body back; /path: the target back; /big?n=..: n bytes; /stream: endless chunks with
 * back-pressure; /events?n=..: n chunks and trailers; /slow?ms=..: answers later; /never: never
 * answers (counts gone). */
void test_server_start(struct test_server *t);
void test_server_stop(struct test_server *t);

/* TLS material for 127.0.0.1 and localhost. */
struct test_tls {
    struct buf cert, key;
    struct tls_context *context;
};
void test_tls_make(struct test_tls *t);
void test_tls_done(struct test_tls *t);

#endif
