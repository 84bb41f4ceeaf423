/* argo/settings.h: argocd-cm, argocd-cmd-params-cm and argocd-rbac-cm as one immutable struct.
 *
 * settings_read never fails: a key that cannot be understood keeps its default and adds a line to
 * `problems`. The result borrows from the arena it was read into; owners publish it as a snapshot.
 * Source: Argo CD 3.6 util/settings; defaults as in the shipped manifests. */
#ifndef ARGO_SETTINGS_H
#define ARGO_SETTINGS_H

#include "base/time.h"
#include "value/value.h"

enum tracking_method { TRACK_ANNOTATION, TRACK_LABEL, TRACK_ANNOTATION_AND_LABEL };
enum ignore_status { IGNORE_STATUS_ALL, IGNORE_STATUS_CRD, IGNORE_STATUS_NONE };

struct resource_filter { /* one row of resource.exclusions / resource.inclusions; empty list: any */
    value api_groups, kinds, clusters;
};

struct resource_customization {
    str group, kind; /* globs; "*" and "*" for ".all" */
    str health_lua;
    bool use_open_libs;
    str actions; /* YAML text */
    value
        ignore_differences; /* {jsonPointers, jqPathExpressions, managedFieldsManagers} or absent */
    value ignore_resource_updates; /* the same shape */
    value known_type_fields;       /* [{field, type}] */
};

struct settings {
    enum tracking_method tracking;
    str instance_label; /* application.instanceLabelKey */
    str installation_id;
    str control_namespace;
    usec reconcile_us, reconcile_jitter_us, hard_reconcile_us;
    struct resource_filter *exclusion, *inclusion;
    size_t n_exclusions, n_inclusions;
    struct resource_customization *customization;
    size_t n_customizations;
    bool ignore_updates_enabled;  /* resource.ignoreResourceUpdatesEnabled */
    bool ignore_aggregated_roles; /* resource.compareoptions */
    enum ignore_status ignore_status;
    bool ignore_differences_on_updates;
    str sensitive_annotations; /* resource.sensitive.mask.annotations, comma list */
    str allowed_node_labels;
    value custom_labels;   /* resource.customLabels */
    value global_projects; /* [{projectName, labelSelector}] */
    bool in_cluster_enabled;
    bool impersonation, impersonation_enforced;
    bool kustomize, helm, jsonnet; /* tool switches */
    str url;
    str value_file_schemes; /* helm.valuesFileSchemes, comma list; "," for none */
    /* argocd-cmd-params-cm */
    value application_namespaces; /* list of globs */
    bool server_side_diff, persist_resource_health;
    usec self_heal_timeout_us, self_heal_backoff_us, self_heal_cap_us;
    int64_t self_heal_factor;
    usec sync_timeout_us, sync_wave_delay_us, repo_error_grace_us;
    value cm;       /* argocd-cm data, for the keys not named above */
    value params;   /* argocd-cmd-params-cm data */
    value problems; /* list of texts */
};

/* cm, params: the ConfigMaps' `data` maps, may be absent. control_namespace is copied. */
void settings_read(value cm, value params, str control_namespace, struct arena *a,
                   struct settings *ret);

/* Whether a kind is kept out by exclusions, inclusions and the built-in list. */
bool settings_excluded(const struct settings *s, str group, str kind, str cluster_server);
/* Whether applications of `namespace` are served. */
bool settings_namespace_allowed(const struct settings *s, str namespace);
/* A name against a glob, or against a regular expression between slashes. */
bool settings_pattern_matches(str pattern, str text);
/* Health Lua of a kind, or NULL. Exact entries win over globs. */
const struct resource_customization *settings_health_override(const struct settings *s, str group,
                                                              str kind);

#endif
