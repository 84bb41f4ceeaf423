/* controllers/application/controller.h: keeps clusters equal to what Applications say.
 *
 * One controller owns every Application of its namespaces on one loop. Each application is a
 * subject of control/steps: handlers write facts and let the pure rooms (argo/, plan/) draw
 * conclusions; plan() names the steps that should be running (render, write, apply, delete, tell).
 * Nothing is kept that the cluster does not know: after a crash everything is read from the
 * Application and the mirror.
 *
 * The world is reached through `struct app_world` (set in main/, or by the simulation), our own API
 * through a client, and destinations through control/fleet. Source: argo-cd
 * controller/appcontroller.go, controller/state.go, controller/sync.go. */
#ifndef CONTROLLERS_APPLICATION_CONTROLLER_H
#define CONTROLLERS_APPLICATION_CONTROLLER_H

#include "appcache/appcache.h"
#include "base/metrics.h"
#include "control/fleet.h"
#include "control/informer.h"
#include "manifests/manifests.h"

struct app_world {
    void *arg;
    /* As manifests_get, manifests_forget, manifests_poll. */
    void (*manifests_get)(void *arg, const struct manifests_request *r, struct call c);
    void (*manifests_forget)(void *arg, str key);
    void (*manifests_poll)(void *arg, struct call c);
    /* The repository with its credentials; false: none are configured (then only url is set). */
    bool (*repo)(void *arg, str url, str project, struct arena *a, struct source_repo *ret);
    /* Are the clusters and the credentials of repositories known? Until then nothing is concluded:
     * an application that is being deleted would lose its finalizers with its cluster. NULL: they
     * always are. Tell app_controller_look when they become so. */
    bool (*ready)(void *arg);
};

struct app_controller_config {
    struct loop *loop;
    struct cluster_client *home;   /* the API server that holds the Applications; borrowed */
    struct appcache *results;      /* borrowed */
    struct metrics *metrics;       /* borrowed; NULL: none */
    struct quarantine *quarantine; /* control/quarantine.h; borrowed; NULL: none */
    struct app_world world;
    str control_namespace; /* "argocd"; outlives the controller */
    bool check_counters; /* tests: each comparison of single rows is checked against a whole one */
    /* In place of controller.sync.wave.delay.seconds when that is not set. */
    bool sync_wave_delay_set;
    usec sync_wave_delay_us;
    usec reconcile_us; /* in place of argocd-cm's timeout.reconciliation when that is not set; 0:
                          none */
};

struct app_controller;
struct app_controller *app_controller_new(const struct app_controller_config *config);
void app_controller_free(struct app_controller *c); /* nothing of it runs any more */

/* The mirror policy that the fleet must be opened with, and the callbacks it must be given. */
const struct mirror_policy *app_controller_policy(struct app_controller *c);
struct fleet_owner app_controller_fleet_owner(struct app_controller *c);
/* Opens the informers of Applications, AppProjects and settings. fleet is borrowed until
 * app_controller_free. */
void app_controller_start(struct app_controller *c, struct fleet *fleet);

/* What app_world.ready says may have changed. */
void app_controller_look(struct app_controller *c);
/* What app_world.repo answers may have changed: whose sources could not be had tries again now. */
void app_controller_credentials_changed(struct app_controller *c);

/* Also told of every change of an Application, as informer_config.changed; one listener, NULL ends
 * it. */
void app_controller_watch(struct app_controller *c,
                          void (*changed)(void *arg, const struct doc *before,
                                          const struct doc *after),
                          void *arg);

struct app_controller_status {
    bool synced; /* Applications, projects and settings were listed */
    size_t n_apps, n_operations;
    uint64_t n_refreshes, n_operations_done, n_writes, n_polls;
    uint64_t n_compares, n_rows_compared; /* of whole applications; single rows after a change */
    uint64_t n_rows_checked;              /* with check_counters */
};
void app_controller_status(const struct app_controller *c, struct app_controller_status *ret);

/* Informers of our own kinds, for the API: borrowed, NULL before start. */
struct informer *app_controller_applications(struct app_controller *c);
struct informer *app_controller_projects(struct app_controller *c);
struct informer *app_controller_config_maps(struct app_controller *c); /* of our namespace */

#endif
