/* controllers/application/metrics.c: Argo CD's controller metrics that are known here: how long
 * refreshes take, how many applications wait. Source: argo-cd controller/metrics; client-go's
 * workqueue metrics for the two queues, which here are sets of subjects. */
#include "controllers/application/app.h"

static void collect(void *arg)
{
    struct app_controller *c = arg;
    size_t refreshing = 0;
    void *v;
    for (size_t i = 0; map_next(&c->app, &i, NULL, &v);) {
        const struct application *app = v;
        refreshing += app->refresh.active || app->wanted_level >= 0;
    }
    metric_set(c->queue_depth, (double)refreshing, LABELS(STR("app_reconciliation_queue")));
    metric_set(c->queue_depth, (double)c->status.n_operations,
               LABELS(STR("app_operation_processing_queue")));
}

void controller_metrics_open(struct app_controller *c)
{
    static const char *const reconcile[] = {"namespace", "dest_server", NULL}, *const queue[] =
                                                                                   {"name", NULL};
    static const double bounds[] = {0.25, 0.5, 1, 2, 4, 8, 16};
    struct metrics *m = c->config.metrics;
    c->reconcile = metrics_histogram(m, "argocd_app_reconcile",
                                     "Application reconciliation performance in seconds.",
                                     reconcile, bounds, ARRAY_LEN(bounds));
    c->queue_depth = metrics_gauge(m, "workqueue_depth", "Current depth of workqueue", queue);
    metrics_on_collect(m, collect, c);
}

void controller_metrics_reconciled(struct application *app, const struct evaluation *e,
                                   usec started_at)
{
    struct app_controller *c = app->controller;
    double took = (double)(loop_now(c->config.loop) - started_at) / (double)USEC_PER_SEC;
    metric_observe(c->reconcile, took, LABELS(e->view.namespace, e->cluster.server));
}
