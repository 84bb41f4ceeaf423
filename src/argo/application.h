/* argo/application.h: a view over an Application object, its normal form and its spec errors.
 *
 * `struct app` borrows from the value it was made from (same lifetime) and from the arena it was
 * made in. Nothing here does I/O; "now" is passed in. Source: Argo CD 3.6 Application types,
 * NormalizeApplicationSpec, ValidatePermissions. */
#ifndef ARGO_APPLICATION_H
#define ARGO_APPLICATION_H

#include "argo/names.h"
#include "base/time.h"
#include "value/value.h"

#define APP_HISTORY_LIMIT_DEFAULT 10
#define APP_SOURCES_MAX 100

struct app_destination {
    str server, name, namespace;
};

struct app {
    value object, spec, status, operation, op_state; /* operation, op_state may be absent */
    str name, namespace, uid, resource_version;
    str project;   /* "default" when the spec has none */
    str instance;  /* tracking name: name, or namespace_name outside the control plane namespace */
    str qualified; /* namespace/name, as condition texts say it */
    struct app_destination destination;
    value source[APP_SOURCES_MAX]; /* effective sources in order (sources, else source) */
    size_t n_sources;
    bool multi_source; /* spec.sources is not empty, even with one entry */
    value ignore_differences;
    bool automated, auto_prune, self_heal, allow_empty;
    value sync_options; /* spec.syncPolicy.syncOptions */
    value retry;        /* spec.syncPolicy.retry */
    value managed_namespace_metadata;
    int64_t history_limit;
    usec created_at, deletion_at; /* deletion_at 0: not being deleted */
    enum refresh_type refresh;    /* annotation */
    bool skip_reconcile;
};

/* View of `object`; control_namespace is where the control plane lives. Wrong types read as absent.
 */
void app_view(value object, str control_namespace, struct arena *a, struct app *ret);

/* The object itself when it is frozen, else a frozen copy that lives as long as the arena. What
 * value_edit makes of the result is the caller's alone (editing a building tree in place would
 * change the tree of whoever made it). */
value object_private(struct arena *a, value object);

/* True when the comma separated annotation `key` holds `option` (blanks around items ignored). */
bool object_has_option(value object, const char *key, const char *option);
/* Text after "name=" of the first such option, or "" when there is none. */
str object_option_value(value object, const char *key, const char *name);
/* The same for lists of options: spec.syncPolicy.syncOptions, operation.sync.syncOptions. */
bool options_have(value list, const char *option);
str options_value(value list, const char *name);

/* The spec as upstream persists it: project, empty sync policy, empty tool options. Returns `spec`
 * itself when it is normal already, else a copy in `a`. */
value app_spec_normalized(struct arena *a, value spec);

/* Whether two sources (two lists of sources) are the same for "did the spec change": tool options
 * that are null, empty or absent are equal. */
bool app_source_equal(value x, value y);
bool app_sources_equal(value x, value y);

/* Whether spec and `compared_to` name the same thing (refresh reason 2). */
bool app_spec_matches(const struct app *app, value compared_to);

/* deletion-approved annotation holds a time at or after `since`. */
bool app_deletion_confirmed(const struct app *app, usec since);
/* managedNamespaceMetadata differs from the one of the last sync result. */
bool app_managed_namespace_changed(const struct app *app);

/* ---- conditions ---- */

struct app_condition {
    enum app_condition_type type;
    str message;
};
#define APP_CONDITIONS_MAX 256 /* more of one evaluation are dropped */
struct app_conditions {
    struct app_condition at[APP_CONDITIONS_MAX];
    size_t n;
};
/* Message is borrowed; equal (type, message) pairs are kept once. */
void app_conditions_add(struct app_conditions *c, enum app_condition_type type, str message);
bool app_conditions_have(const struct app_conditions *c, enum app_condition_type type);
/* {lastTransitionTime, message, type} */
value app_condition_value(struct arena *a, const struct app_condition *c, usec now);
/* The new status.conditions: those of `old` whose type is not in `evaluated` (bits) stay, the
 * others are replaced by `fresh`; unchanged ones keep their time. Sorted as upstream. Absent when
 * empty. */
value app_conditions_merge(struct arena *a, value old, const struct app_conditions *fresh,
                           unsigned evaluated, usec now);
/* "Type: message;Type: message" of all conditions of `conditions` with a type in `types`; "" for
 * none. */
str app_conditions_text(struct arena *a, value conditions, unsigned types);

/* Errors of the spec alone, before any project or cluster is looked at: adds InvalidSpecError
 * conditions with upstream's texts. */
void app_spec_check(const struct app *app, struct arena *a, struct app_conditions *io);

/* What is wrong with the `ref`s of a list of sources ("invalid sources: ..."), or "". */
str app_refs_error(value sources, struct arena *a);

/* Where an application's cluster is: filled by the asker from the cluster list. */
struct app_cluster {
    str server, name; /* resolved */
    str project;      /* project the cluster is scoped to, or "" */
    bool found;
    size_t n_same_name; /* clusters with this name, for the error text */
};
/* Text of the error when the destination cannot be resolved, or "" when it can. */
str app_destination_error(const struct app *app, const struct app_cluster *cluster,
                          struct arena *a);

/* CustomResourceDefinitions (Application, AppProject, ApplicationSet) as a list of values in `a`.
 */
value argo_crds(struct arena *a);

#endif
