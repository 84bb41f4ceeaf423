/* argo/names.h: the words of the API as tables: conditions, phases, codes, hooks, options, keys.
 *
 * Every enum has value 0 for "not set" (printed as ""), a name function that never fails, and a
 * parse function that gives 0 for an unknown word. Threads: constants only. Source: Argo CD 3.6
 * application types and annotation list. */
#ifndef ARGO_NAMES_H
#define ARGO_NAMES_H

#include "base/str.h"

enum app_condition_type {
    APP_CONDITION_NONE,
    APP_CONDITION_DELETION_ERROR,
    APP_CONDITION_INVALID_SPEC_ERROR,
    APP_CONDITION_COMPARISON_ERROR,
    APP_CONDITION_SYNC_ERROR,
    APP_CONDITION_UNKNOWN_ERROR,
    APP_CONDITION_SHARED_RESOURCE_WARNING,
    APP_CONDITION_REPEATED_RESOURCE_WARNING,
    APP_CONDITION_EXCLUDED_RESOURCE_WARNING,
    APP_CONDITION_ORPHANED_RESOURCE_WARNING,
    APP_CONDITION_COUNT
};
#define APP_CONDITION_BIT(type) (1U << (type))

enum sync_code { SYNC_NONE, SYNC_SYNCED, SYNC_OUT_OF_SYNC, SYNC_UNKNOWN, SYNC_COUNT };

/* Order good to bad; a worse one wins in an aggregate. HEALTH_NONE: the resource has no health. */
enum health_code {
    HEALTH_NONE,
    HEALTH_HEALTHY,
    HEALTH_SUSPENDED,
    HEALTH_PROGRESSING,
    HEALTH_MISSING,
    HEALTH_DEGRADED,
    HEALTH_UNKNOWN,
    HEALTH_COUNT
};

enum op_phase {
    OP_NONE,
    OP_RUNNING,
    OP_TERMINATING,
    OP_SUCCEEDED,
    OP_FAILED,
    OP_ERROR,
    OP_PHASE_COUNT
};
static inline bool op_phase_completed(enum op_phase p) { return p >= OP_SUCCEEDED; }

enum result_code {
    RESULT_NONE,
    RESULT_SYNCED,
    RESULT_SYNC_FAILED,
    RESULT_PRUNED,
    RESULT_PRUNE_SKIPPED,
    RESULT_COUNT
};

/* Phases of a sync in the order they run, and the hook types (a hook type is a phase, or Skip). */
enum sync_phase {
    PHASE_NONE,
    PHASE_PRE_SYNC,
    PHASE_SYNC,
    PHASE_POST_SYNC,
    PHASE_SYNC_FAIL,
    PHASE_PRE_DELETE,
    PHASE_POST_DELETE,
    PHASE_SKIP,
    PHASE_COUNT
};
#define PHASE_BIT(phase) (1U << (phase))

enum hook_policy { /* bits */
                   HOOK_DELETE_SUCCEEDED = 1,
                   HOOK_DELETE_FAILED = 2,
                   HOOK_DELETE_BEFORE_CREATION = 4,
};

enum refresh_type { REFRESH_NONE, REFRESH_NORMAL, REFRESH_HARD, REFRESH_TYPE_COUNT };

str app_condition_name(enum app_condition_type t);
enum app_condition_type app_condition_parse(str s);
str sync_code_name(enum sync_code c);
enum sync_code sync_code_parse(str s);
str health_code_name(enum health_code c);
enum health_code health_code_parse(str s);
str op_phase_name(enum op_phase p);
enum op_phase op_phase_parse(str s);
str result_code_name(enum result_code c);
enum result_code result_code_parse(str s);
str sync_phase_name(enum sync_phase p);
enum sync_phase sync_phase_parse(str s);

/* Annotations, labels, finalizers. */
#define KEY_REFRESH "argocd.argoproj.io/refresh"
#define KEY_REFRESH_TIMESTAMP "argocd.argoproj.io/refresh-timestamp"
#define KEY_MANIFEST_GENERATE_PATHS "argocd.argoproj.io/manifest-generate-paths"
#define KEY_SKIP_RECONCILE "argocd.argoproj.io/skip-reconcile"
#define KEY_DELETION_APPROVED "argocd.argoproj.io/deletion-approved"
#define KEY_CSA_MIGRATION_MANAGER "argocd.argoproj.io/client-side-apply-migration-manager"
#define KEY_SYNC_OPTIONS "argocd.argoproj.io/sync-options"
#define KEY_SYNC_WAVE "argocd.argoproj.io/sync-wave"
#define KEY_HOOK "argocd.argoproj.io/hook"
#define KEY_HOOK_DELETE_POLICY "argocd.argoproj.io/hook-delete-policy"
#define KEY_COMPARE_OPTIONS "argocd.argoproj.io/compare-options"
#define KEY_TRACKING_ID "argocd.argoproj.io/tracking-id"
#define KEY_INSTALLATION_ID "argocd.argoproj.io/installation-id"
#define KEY_IGNORE_HEALTHCHECK "argocd.argoproj.io/ignore-healthcheck"
#define KEY_IGNORE_RESTART_POLICY "argocd.argoproj.io/ignore-restart-policy"
#define KEY_IGNORE_RESOURCE_UPDATES "argocd.argoproj.io/ignore-resource-updates"
#define KEY_IGNORE_DEFAULT_LINKS "argocd.argoproj.io/ignore-default-links"
#define KEY_LINK_PREFIX "link.argocd.argoproj.io/"
#define KEY_LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"
#define KEY_INSTANCE_LABEL "app.kubernetes.io/instance"
#define KEY_LEGACY_APP_NAME "applications.argoproj.io/app-name"
#define KEY_HELM_HOOK "helm.sh/hook"
#define KEY_HELM_HOOK_DELETE_POLICY "helm.sh/hook-delete-policy"
#define KEY_HELM_HOOK_WEIGHT "helm.sh/hook-weight"
#define KEY_HELM_RESOURCE_POLICY "helm.sh/resource-policy"
#define FINALIZER_RESOURCES "resources-finalizer.argocd.argoproj.io"
#define FINALIZER_RESOURCES_FOREGROUND "resources-finalizer.argocd.argoproj.io/foreground"
#define FINALIZER_RESOURCES_BACKGROUND "resources-finalizer.argocd.argoproj.io/background"
#define FINALIZER_PRE_DELETE "pre-delete-finalizer.argocd.argoproj.io"
#define FINALIZER_PRE_DELETE_CLEANUP "pre-delete-finalizer.argocd.argoproj.io/cleanup"
#define FINALIZER_POST_DELETE "post-delete-finalizer.argocd.argoproj.io"
#define FINALIZER_POST_DELETE_CLEANUP "post-delete-finalizer.argocd.argoproj.io/cleanup"
#define FINALIZER_HOOK "argocd.argoproj.io/hook-finalizer"
#define FIELD_MANAGER "argocd-controller"
#define ARGO_GROUP "argoproj.io"
#define ARGO_API_VERSION "argoproj.io/v1alpha1"

#endif
