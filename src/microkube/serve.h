/* microkube/serve.h: microkube behind an HTTP(S) port on loopback, with the kubeconfig to reach it.
 *
 * Everybody needs the token (Authorization: Bearer) but for /healthz, /livez, /readyz and /version.
 * One loop. */
#ifndef MICROKUBE_SERVE_H
#define MICROKUBE_SERVE_H

#include "event/loop.h"
#include "microkube/microkube.h"

struct microkube_server;

struct microkube_server_config {
    struct loop *loop;
    const char *data_dir; /* NULL: memory */
    const char *host;     /* NULL: 127.0.0.1 */
    uint16_t port;        /* 0: any free one */
    bool plain;           /* HTTP without TLS */
    str token;            /* "": one is generated (and kept in data_dir) */
    bool no_workloads;
};

/* Open the store and listen. Errors of microkube_open and http_server_open. */
int microkube_server_open(const struct microkube_server_config *config,
                          struct microkube_server **ret, struct err *err) MUST_CHECK;
/* Stop listening, end watches, close the store; `done` (may be NULL) runs once when all is freed.
 */
void microkube_server_close(struct microkube_server *s, void (*done)(void *arg), void *arg);

struct microkube *microkube_server_core(struct microkube_server *s);
uint16_t microkube_server_port(const struct microkube_server *s);
str microkube_server_token(const struct microkube_server *s); /* borrowed */
/* Append a kubeconfig (YAML) with address, CA and token. */
void microkube_server_kubeconfig(const struct microkube_server *s, struct buf *out);

#endif
