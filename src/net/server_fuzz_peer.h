/* net/server_fuzz_peer.h: a server without sockets for the fuzz targets: bytes in, answers counted.
 * Private to them. */
#ifndef NET_SERVER_FUZZ_PEER_H
#define NET_SERVER_FUZZ_PEER_H

#include <assert.h>

#include "net/server_impl.h"

static inline void fuzz_handle(void *arg, const struct http_request *req, struct http_reply r)
{
    unsigned *n = arg;
    struct http_header h = {STR("X-Target"), req->target};
    switch ((*n)++ % 4) {
    case 0: http_reply_send(r, 200, &h, 1, req->body); break;
    case 1:
        http_reply_start(r, 200, &h, 1);
        (void)http_reply_write(r, req->path);
        http_reply_end(r, &h, 1);
        break;
    case 2: http_reply_abort(r); break;
    default: http_reply_simple(r, 204, NULL, STR("")); break;
    }
}

/* Feed `input` in pieces whose sizes its own bytes choose. */
static inline void fuzz_server(str before, str input)
{
    unsigned n = 0;
    struct http_server *s;
    struct err err;
    struct loop *l = loop_new(EVENT_SIM, 1);
    struct http_server_config config = {.handler = fuzz_handle,
                                        .arg = &n,
                                        .header_bytes_max = 4096,
                                        .body_bytes_max = 4096};
    int rc = http_server_open(l, &config, &s, &err);
    assert(rc == 0);
    struct conn *c = conn_new_memory(l, &server_conn_ops, NULL);
    struct server_conn *sc = server_conn_new(s, c);
    c->owner = sc;
    c->defers++; /* keep the memory until the end: the fuzz target holds a pointer */
    conn_feed(c, before);
    while (input.len && !c->closing) {
        size_t take = 1 + ((unsigned char)input.at[0] & 63);
        conn_feed(c, str_sub(input, 0, take));
        input = str_from(input, take);
        loop_run_sim(l, loop_now(l) + USEC_PER_MS, 1000);
    }
    http_server_stop(s, 0, NULL, NULL);
    loop_run_sim(l, loop_now(l) + 300 * USEC_PER_SEC, 100000);
    assert(c->closing);
    conn_unpin(c);
    loop_free(l);
}

#endif
