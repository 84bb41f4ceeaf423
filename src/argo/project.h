/* argo/project.h: what an AppProject permits.
 *
 * `struct project` is a view (borrows from the object and the arena). Global projects are merged by
 * project_view. Source: Argo CD 3.6 AppProject types; util/argo ValidatePermissions. */
#ifndef ARGO_PROJECT_H
#define ARGO_PROJECT_H

#include "argo/application.h"
#include "argo/settings.h"

struct project {
    value object, spec; /* spec with the rules of global projects appended */
    str name;
    bool orphans, orphans_warn;
    value orphans_ignore;
};

/* globals: objects of the global projects whose selector matches (project_global_matches), may be
 * NULL. */
void project_view(value object, const value *globals, size_t n_globals, struct arena *a,
                  struct project *ret);
/* The `default` AppProject that permits everything, as upstream creates it. */
value project_default(struct arena *a, str namespace);
/* Names of the global projects that apply to `object` by settings->global_projects. At most max;
 * returns how many. */
size_t project_globals(const struct settings *s, value object, str *ret_name, size_t max);

bool project_source_permitted(const struct project *p, str repo_url);
bool project_destination_permitted(const struct project *p, const struct app_cluster *cluster,
                                   str namespace);
/* name matters for cluster-scoped kinds only. */
bool project_kind_permitted(const struct project *p, str group, str kind, str name,
                            bool namespaced);
/* Kind and, for namespaced objects, the namespace. */
bool project_live_permitted(const struct project *p, value live, const struct app_cluster *cluster,
                            bool namespaced);
bool project_app_namespace_permitted(const struct project *p, str app_namespace,
                                     const struct settings *s);

/* Adds InvalidSpecError conditions for what the project does not permit. p may be NULL: the project
 * does not exist. */
void project_check_app(const struct project *p, const struct app *app,
                       const struct app_cluster *cluster, const struct settings *s, struct arena *a,
                       struct app_conditions *io);

/* Text of the refusal of one object at sync time, or "" when it is permitted. */
str project_sync_refusal(const struct project *p, value object, bool namespaced,
                         const struct app_cluster *cluster, struct arena *a);

/* An orphan the project's orphanedResources ignores, or one that is never counted (kubernetes
 * service, default account, root CA). */
bool project_orphan_ignored(const struct project *p, str group, str kind, str namespace, str name);

/* ---- sync windows ---- */

struct window_verdict {
    bool allowed;
    bool error;     /* a schedule or duration is not understood: blocked */
    str error_text; /* in the arena */
    usec change_at; /* when a window next opens or closes; 0 unknown */
};
/* May the application sync now? manual: not automated. started_at: start of the running operation,
 * 0 when none runs. */
void project_can_sync(const struct project *p, const struct app *app, bool manual, usec started_at,
                      usec now, struct arena *a, struct window_verdict *ret);
/* Windows of the project that match the application: list of values, with `active` set by
 * project_window_active. */
value project_windows(const struct project *p, const struct app *app,
                      const struct app_cluster *cluster, struct arena *a);
/* 1 active, 0 not, <0: bad schedule or duration. */
int project_window_active(value window, usec now, struct err *err) MUST_CHECK;

#endif
