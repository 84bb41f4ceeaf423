/* main/serve.h: the API of this process: opens the port, hands api/ what it needs. */
#ifndef MAIN_SERVE_H
#define MAIN_SERVE_H

#include "controllers/application/controller.h"

struct serve_config {
    struct loop *loop;
    struct pool *pool;
    struct cluster_client *home;
    struct appcache *results;
    struct metrics *metrics;
    struct manifests *manifests;
    struct app_controller *controller;
    struct fleet *fleet;
    str namespace, address;
    uint16_t port; /* 0: any free one */
    bool insecure; /* plain HTTP */
    bool (*repo)(void *arg, str url, str project, struct arena *a, struct source_repo *ret);
    void *repo_arg;
};

struct serve;
int serve_open(const struct serve_config *config, struct serve **ret, struct err *err) MUST_CHECK;
const char *serve_url(const struct serve *s); /* "https://127.0.0.1:8080" */
/* Stop accepting, let running requests end; then done(arg). After it serve_free. */
void serve_close(struct serve *s, void (*done)(void *arg), void *arg);
void serve_free(struct serve *s);

#endif
