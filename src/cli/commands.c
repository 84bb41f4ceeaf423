/* The commands and their flags. */
#include "cli/commands.h"

#include "cli/app.h"

#define REVISION_FLAGS                                                                             \
    {"revisions", 0, FLAG_LIST, "",                                                                \
     "Show manifests at specific revisions for source position in source-positions"},              \
        {"source-names", 0, FLAG_LIST, "", "List of source names. Default is an empty array."},    \
    {                                                                                              \
        "source-positions", 0, FLAG_LIST, "",                                                      \
            "List of source positions. Default is empty array. Counting start at 1."               \
    }
#define DIFF_TUNING                                                                                \
    {"ignore-normalizer-jq-execution-timeout", 0, FLAG_DURATION, "1s",                             \
     "Set ignore normalizer JQ execution timeout"},                                                \
        {"server-side-diff-concurrency", 0, FLAG_INT, "-1",                                        \
         "Max concurrent batches for server-side diff. -1 = unlimited, 1 = sequential, 2+ = "      \
         "concurrent (0 = invalid)"},                                                              \
    {                                                                                              \
        "server-side-diff-max-batch-kb", 0, FLAG_INT, "250",                                       \
            "Max batch size in KB for server-side diff. Smaller values are safer for proxies"      \
    }
#define LOCAL_ROOT(fallback)                                                                       \
    {                                                                                              \
        "local-repo-root", 0, FLAG_STRING, fallback,                                               \
            "Path to the repository root. Used together with --local allows setting the "          \
            "repository "                                                                          \
            "root"                                                                                 \
    }

#define END                                                                                        \
    {                                                                                              \
        NULL, 0, FLAG_BOOL, NULL, NULL                                                             \
    }

const struct cli_flag cli_global_flags[] = {
    {"argocd-context", 0, FLAG_STRING, "", "The name of the Argo-CD server context to use"},
    {"auth-token", 0, FLAG_STRING, "",
     "Authentication token; set this or the ARGOCD_AUTH_TOKEN environment variable"},
    {"client-crt", 0, FLAG_STRING, "", "Client certificate file"},
    {"client-crt-key", 0, FLAG_STRING, "", "Client certificate key file"},
    {"config", 0, FLAG_STRING, "", "Path to Argo CD config"},
    {"controller-name", 0, FLAG_STRING, "argocd-application-controller",
     "Name of the Argo CD Application controller"},
    {"core", 0, FLAG_BOOL, "false", "If set to true then CLI talks directly to Kubernetes"},
    {"grpc-web", 0, FLAG_BOOL, "false", "Enables gRPC-web protocol"},
    {"grpc-web-root-path", 0, FLAG_STRING, "", "Web root of the gRPC-web protocol"},
    {"header", 'H', FLAG_LIST, "", "Additional header of all requests; may be repeated"},
    {"http-retry-max", 0, FLAG_INT, "0", "Maximum number of retries of a request"},
    {"insecure", 0, FLAG_BOOL, "false", "Skip server certificate and domain verification"},
    {"kube-context", 0, FLAG_STRING, "", "Directs the command to the given kube-context"},
    {"logformat", 0, FLAG_STRING, "json", "Set the logging format. One of: json|text"},
    {"loglevel", 0, FLAG_STRING, "info", "Set the logging level. One of: debug|info|warn|error"},
    {"plaintext", 0, FLAG_BOOL, "false", "Disable TLS"},
    {"port-forward", 0, FLAG_BOOL, "false",
     "Connect to a random argocd-server port using port forwarding"},
    {"port-forward-namespace", 0, FLAG_STRING, "",
     "Namespace name which should be used for port forwarding"},
    {"prompts-enabled", 0, FLAG_BOOL, "false",
     "Force optional interactive prompts to be enabled or disabled"},
    {"redis-compress", 0, FLAG_STRING, "gzip", "Compression of values in Redis"},
    {"redis-haproxy-name", 0, FLAG_STRING, "argocd-redis-ha-haproxy", "Name of the Redis HA Proxy"},
    {"redis-name", 0, FLAG_STRING, "argocd-redis", "Name of the Redis deployment"},
    {"repo-server-name", 0, FLAG_STRING, "argocd-repo-server", "Name of the Argo CD Repo server"},
    {"server", 0, FLAG_STRING, "", "Argo CD server address"},
    {"server-crt", 0, FLAG_STRING, "", "Server certificate file"},
    {"server-name", 0, FLAG_STRING, "argocd-server", "Name of the Argo CD API server"},
    END,
};

#define NAMESPACE                                                                                  \
    {                                                                                              \
        "app-namespace", 'N', FLAG_STRING, "", "Namespace of the application"                      \
    }
#define OUTPUT                                                                                     \
    {                                                                                              \
        "output", 'o', FLAG_STRING, "wide",                                                        \
            "Output format. One of: json|yaml|wide|tree|tree=detailed"                             \
    }
#define TIMEOUT                                                                                    \
    {                                                                                              \
        "timeout", 0, FLAG_INT, "0", "Time out after this many seconds"                            \
    }
#define SELECTOR                                                                                   \
    {                                                                                              \
        "selector", 'l', FLAG_STRING, "", "Applications with matching labels"                      \
    }
#define RESOURCE                                                                                   \
    {                                                                                              \
        "resource", 0, FLAG_LIST, "",                                                              \
            "Only resources GROUP:KIND:NAME, or all but !GROUP:KIND:NAME; may be repeated"         \
    }
#define REFRESH                                                                                    \
    {                                                                                              \
        "refresh", 0, FLAG_BOOL, "false", "Refresh application data when retrieving"               \
    }
#define HARD_REFRESH                                                                               \
    {                                                                                              \
        "hard-refresh", 0, FLAG_BOOL, "false",                                                     \
            "Refresh application data as well as target manifests cache"                           \
    }

static const struct cli_flag none[] = {END};
static const struct cli_flag namespace_only[] = {NAMESPACE, END};
static const struct cli_flag output_only[] = {{"output", 'o', FLAG_STRING, "",
                                               "Output format. One of: yaml, json"},
                                              END};

static const struct cli_flag create_flags[] = {
    {"annotations", 0, FLAG_LIST, "", "Annotation name=value; may be repeated"},
    NAMESPACE,
    {"file", 'f', FLAG_STRING, "", "Filename of the manifests of the app"},
    {"label", 'l', FLAG_LIST, "", "Label name=value; may be repeated"},
    {"name", 0, FLAG_STRING, "", "A name for the app, ignored if a file is set (DEPRECATED)"},
    {"set-finalizer", 0, FLAG_BOOL, "false", "Sets deletion finalizer on the application"},
    {"upsert", 0, FLAG_BOOL, "false", "Allows to override application with the same name"},
    END,
};
static const struct cli_flag set_flags[] = {
    NAMESPACE,
    {"source-position", 0, FLAG_INT, "-1",
     "Position of the source from the list of sources, from 1"},
    END,
};
static const struct cli_flag remove_source_flags[] = {
    NAMESPACE,
    {"source-name", 0, FLAG_STRING, "", "Name of the source from the list of sources of the app"},
    {"source-position", 0, FLAG_INT, "-1",
     "Position of the source from the list of sources, from 1"},
    END,
};
static const struct cli_flag unset_flags[] = {
    NAMESPACE,
    {"ignore-missing-components", 0, FLAG_BOOL, "false",
     "Unset the kustomize ignore-missing-components option"},
    {"ignore-missing-value-files", 0, FLAG_BOOL, "false",
     "Unset the helm ignore-missing-value-files option"},
    {"kustomize-image", 0, FLAG_LIST, "", "Kustomize images name; may be repeated"},
    {"kustomize-namespace", 0, FLAG_BOOL, "false", "Kustomize namespace"},
    {"kustomize-version", 0, FLAG_BOOL, "false", "Kustomize version"},
    {"nameprefix", 0, FLAG_BOOL, "false", "Kustomize nameprefix"},
    {"namesuffix", 0, FLAG_BOOL, "false", "Kustomize namesuffix"},
    {"parameter", 'p', FLAG_LIST, "", "Unset a parameter override; may be repeated"},
    {"pass-credentials", 0, FLAG_BOOL, "false", "Unset passCredentials"},
    {"plugin-env", 0, FLAG_LIST, "", "Unset plugin env; may be repeated"},
    {"ref", 0, FLAG_BOOL, "false", "Unset ref on the source"},
    {"source-name", 0, FLAG_STRING, "", "Name of the source from the list of sources of the app"},
    {"source-position", 0, FLAG_INT, "-1",
     "Position of the source from the list of sources, from 1"},
    {"values", 0, FLAG_LIST, "", "Unset Helm values file; may be repeated"},
    {"values-literal", 0, FLAG_BOOL, "false", "Unset literal Helm values block"},
    END,
};
static const struct cli_flag get_flags[] = {
    NAMESPACE,
    HARD_REFRESH,
    OUTPUT,
    REFRESH,
    {"show-operation", 0, FLAG_BOOL, "false", "Show application operation"},
    {"show-params", 0, FLAG_BOOL, "false", "Show application parameters and overrides"},
    {"source-name", 0, FLAG_STRING, "", "Name of the source from the list of sources of the app"},
    {"source-position", 0, FLAG_INT, "-1",
     "Position of the source from the list of sources of the app"},
    TIMEOUT,
    END,
};
static const struct cli_flag list_flags[] = {
    NAMESPACE,
    {"cluster", 'c', FLAG_STRING, "", "List apps by cluster name or url"},
    {"output", 'o', FLAG_STRING, "wide", "Output format. One of: wide|name|json|yaml"},
    {"path", 'P', FLAG_STRING, "", "List apps by path"},
    {"project", 'p', FLAG_LIST, "", "Filter by project name; may be repeated"},
    {"repo", 'r', FLAG_STRING, "", "List apps by source repo URL"},
    SELECTOR,
    END,
};
static const struct cli_flag history_flags[] = {NAMESPACE,
                                                {"output", 'o', FLAG_STRING, "wide",
                                                 "Output format. One of: wide|id"},
                                                END};
static const struct cli_flag manifests_flags[] = {
    NAMESPACE,
    {"local", 0, FLAG_STRING, "", "If set, show locally-generated manifests of this folder"},
    LOCAL_ROOT("."),
    {"revision", 0, FLAG_STRING, "", "Show manifests at a specific revision"},
    REVISION_FLAGS,
    {"source", 0, FLAG_STRING, "git", "Source of manifests. One of: live|git"},
    END,
};
static const struct cli_flag resources_flags[] = {
    NAMESPACE,
    {"orphaned", 0, FLAG_BOOL, "false", "Lists only orphaned resources"},
    {"output", 0, FLAG_STRING, "", "Provides the tree view of the resources"},
    {"project", 0, FLAG_STRING, "", "The name of the application's project"},
    END,
};
static const struct cli_flag sync_flags[] = {
    NAMESPACE,
    {"apply-out-of-sync-only", 0, FLAG_BOOL, "false", "Sync only out-of-sync resources"},
    {"assumeYes", 0, FLAG_BOOL, "false", "Assume yes as answer for all user queries or prompts"},
    {"async", 0, FLAG_BOOL, "false", "Do not wait for application to sync before continuing"},
    {"dry-run", 0, FLAG_BOOL, "false", "Preview apply without affecting cluster"},
    {"force", 0, FLAG_BOOL, "false", "Use a force apply"},
    DIFF_TUNING,
    {"info", 0, FLAG_LIST, "", "Information key=value of the operation; may be repeated"},
    {"label", 0, FLAG_LIST, "", "Sync only specific resources with a label; may be repeated"},
    {"local", 0, FLAG_STRING, "",
     "Path to a local directory. When this flag is present no git queries will be made"},
    LOCAL_ROOT("/"),
    OUTPUT,
    {"preview-changes", 0, FLAG_BOOL, "false",
     "Preview difference against the target and live state before syncing app and wait for user "
     "confirmation"},
    {"project", 0, FLAG_LIST, "", "Sync apps that belong to the specified projects"},
    {"prune", 0, FLAG_BOOL, "false", "Allow deleting unexpected resources"},
    {"replace", 0, FLAG_BOOL, "false", "Use a kubectl create/replace instead apply"},
    RESOURCE,
    {"retry-backoff-duration", 0, FLAG_DURATION, "5s", "Retry backoff base duration"},
    {"retry-backoff-factor", 0, FLAG_INT, "2", "Factor of the duration after each failed retry"},
    {"retry-backoff-max-duration", 0, FLAG_DURATION, "3m0s", "Max retry backoff duration"},
    {"retry-limit", 0, FLAG_INT, "0", "Max number of allowed sync retries"},
    {"retry-refresh", 0, FLAG_BOOL, "false", "Use the latest revision on retry"},
    {"revision", 0, FLAG_STRING, "", "Sync to a specific revision"},
    REVISION_FLAGS,
    SELECTOR,
    {"server-side", 0, FLAG_BOOL, "false", "Use server-side apply while syncing the application"},
    {"strategy", 0, FLAG_STRING, "", "Sync strategy (one of: apply|hook)"},
    TIMEOUT,
    END,
};
static const struct cli_flag wait_flags[] = {
    NAMESPACE,
    {"degraded", 0, FLAG_BOOL, "false", "Wait for degraded"},
    {"delete", 0, FLAG_BOOL, "false", "Wait for delete"},
    {"health", 0, FLAG_BOOL, "false", "Wait for health"},
    {"hydrated", 0, FLAG_BOOL, "false", "Wait for hydration operations"},
    {"operation", 0, FLAG_BOOL, "false", "Wait for pending operations"},
    OUTPUT,
    RESOURCE,
    SELECTOR,
    {"suspended", 0, FLAG_BOOL, "false", "Wait for suspended"},
    {"sync", 0, FLAG_BOOL, "false", "Wait for sync"},
    TIMEOUT,
    END,
};
static const struct cli_flag rollback_flags[] = {NAMESPACE,
                                                 OUTPUT,
                                                 {"prune", 0, FLAG_BOOL, "false",
                                                  "Allow deleting unexpected resources"},
                                                 TIMEOUT,
                                                 END};
static const struct cli_flag patch_flags[] = {
    NAMESPACE,
    {"patch", 0, FLAG_STRING, "", "Patch body"},
    {"type", 0, FLAG_STRING, "json", "The type of patch being provided; one of [json merge]"},
    END,
};
#define ONE_RESOURCE                                                                               \
    {"all", 0, FLAG_BOOL, "false", "Indicates whether to patch multiple matching of resources"},   \
        {"group", 0, FLAG_STRING, "", "Group"}, {"kind", 0, FLAG_STRING, "", "Kind"},              \
        {"namespace", 0, FLAG_STRING, "", "Namespace"},                                            \
        {"project", 0, FLAG_STRING, "", "The name of the application's project"},                  \
    {                                                                                              \
        "resource-name", 0, FLAG_STRING, "", "Name of resource"                                    \
    }
static const struct cli_flag patch_resource_flags[] = {
    NAMESPACE,
    ONE_RESOURCE,
    {"patch", 0, FLAG_STRING, "", "Patch"},
    {"patch-type", 0, FLAG_STRING, "application/merge-patch+json",
     "Which Patching strategy to use: 'application/json-patch+json', "
     "'application/merge-patch+json', or 'application/strategic-merge-patch+json'"},
    END,
};
static const struct cli_flag delete_resource_flags[] = {
    NAMESPACE,
    ONE_RESOURCE,
    {"force", 0, FLAG_BOOL, "false", "Indicates whether to force delete the resource"},
    {"orphan", 0, FLAG_BOOL, "false",
     "Indicates whether to orphan the dependents of the deleted resource"},
    END,
};
static const struct cli_flag delete_flags[] = {
    NAMESPACE,
    {"cascade", 0, FLAG_BOOL, "true", "Perform a cascaded deletion of all application resources"},
    {"propagation-policy", 'p', FLAG_STRING, "foreground",
     "Propagation policy for deletion of resources. One of: foreground|background"},
    SELECTOR,
    {"wait", 0, FLAG_BOOL, "false", "Wait until deletion of the application(s) completes"},
    {"yes", 'y', FLAG_BOOL, "false", "Turn off prompting to confirm cascaded deletion"},
    END,
};
static const struct cli_flag diff_flags[] = {
    NAMESPACE,
    DIFF_TUNING,
    {"diff-exit-code", 0, FLAG_INT, "1", "Return specified exit code when there is a diff"},
    {"exit-code", 0, FLAG_BOOL, "true", "Return non-zero exit code when there is a diff"},
    HARD_REFRESH,
    {"local", 0, FLAG_STRING, "", "Compare live app to a local manifests"},
    {"local-include", 0, FLAG_LIST, "*.yaml,*.yml,*.json",
     "Names of the files to send with --server-side-generate"},
    LOCAL_ROOT("/"),
    REFRESH,
    {"revision", 0, FLAG_STRING, "", "Compare live app to a particular revision"},
    REVISION_FLAGS,
    {"server-side-diff", 0, FLAG_BOOL, "false", "Use server-side diff to calculate the diff"},
    {"server-side-generate", 0, FLAG_BOOL, "false",
     "Used with --local, this will send your manifests to the server for diffing"},
    END,
};
static const struct cli_flag login_flags[] = {
    {"callback", 0, FLAG_STRING, "", "Scheme, Host and Port for the callback URL"},
    {"name", 0, FLAG_STRING, "", "Name to use for the context"},
    {"password", 0, FLAG_STRING, "", "The password of an account to authenticate"},
    {"skip-test-tls", 0, FLAG_BOOL, "false",
     "Skip testing whether the server is configured with TLS"},
    {"sso", 0, FLAG_BOOL, "false", "Perform SSO login"},
    {"sso-launch-browser", 0, FLAG_BOOL, "true", "Automatically launch the system default browser"},
    {"sso-port", 0, FLAG_INT, "8085", "Port to run local OAuth2 login application"},
    {"username", 0, FLAG_STRING, "", "The username of an account to authenticate"},
    END,
};
static const struct cli_flag relogin_flags[] = {{"password", 0, FLAG_STRING, "",
                                                 "The password of an account to authenticate"},
                                                END};
static const struct cli_flag account_flags[] = {
    {"account", 'a', FLAG_STRING, "", "Account name. Defaults to the current account."},
    {"output", 'o', FLAG_STRING, "wide", "Output format. One of: json|yaml|wide|name"},
    END,
};
static const struct cli_flag account_list_flags[] = {{"output", 'o', FLAG_STRING, "wide",
                                                      "Output format. One of: json|yaml|wide|name"},
                                                     END};
static const struct cli_flag token_flags[] = {
    {"account", 'a', FLAG_STRING, "", "Account name. Defaults to the current account."},
    {"expires-in", 'e', FLAG_STRING, "0s",
     "Duration before the token will expire (e.g. 12h, 7d); never when 0s"},
    {"id", 0, FLAG_STRING, "", "Optional token id"},
    END,
};
static const struct cli_flag password_flags[] = {
    {"account", 0, FLAG_STRING, "",
     "An account name that should be updated. Defaults to current user account"},
    {"current-password", 0, FLAG_STRING, "", "Password of the currently logged on user"},
    {"new-password", 0, FLAG_STRING, "", "New password you want to update to"},
    END,
};
static const struct cli_flag configure_flags[] =
    {{"prompts-enabled", 0, FLAG_BOOL, "false", "Enable (or disable) optional interactive prompts"},
     END};
static const struct cli_flag context_flags[] = {{"delete", 0, FLAG_BOOL, "false",
                                                 "Delete the context instead of switching to it"},
                                                END};
static const struct cli_flag version_flags[] = {
    {"client", 0, FLAG_BOOL, "false", "client version only (no server required)"},
    {"output", 'o', FLAG_STRING, "wide", "Output format. One of: json|yaml|wide|short"},
    {"short", 0, FLAG_BOOL, "false", "print just the version number"},
    END,
};

const struct cli_command cli_commands[] = {
    {"account", "account", "Manage account settings", {none}, NULL},
    {"account can-i", "can-i ACTION RESOURCE SUBRESOURCE", "Can I", {none}, account_can_i_run},
    {"account delete-token",
     "delete-token",
     "Deletes account token",
     {account_flags},
     account_delete_token_run},
    {"account generate-token",
     "generate-token",
     "Generate account token",
     {token_flags},
     account_generate_token_run},
    {"account get", "get", "Get account details", {account_flags}, account_get_run},
    {"account list", "list", "List accounts", {account_list_flags}, account_list_run},
    {"account get-user-info",
     "get-user-info",
     "Get user info",
     {output_only},
     account_user_info_run},
    {"account update-password",
     "update-password",
     "Update an account's password",
     {password_flags},
     account_update_password_run},
    {"app", "app", "Manage applications", {none}, NULL},
    {"app add-source",
     "add-source APPNAME",
     "Adds a source to the list of sources in the application",
     {namespace_only, app_spec_flags},
     app_add_source_run},
    {"app create",
     "create APPNAME",
     "Create an application",
     {create_flags, app_spec_flags},
     app_create_run},
    {"app confirm-deletion",
     "confirm-deletion APPNAME",
     "Confirms deletion/pruning of an application resources",
     {namespace_only},
     app_confirm_deletion_run},
    {"app delete", "delete APPNAME", "Delete an application", {delete_flags}, app_delete_run},
    {"app delete-resource",
     "delete-resource APPNAME",
     "Delete resource in an application",
     {delete_resource_flags},
     app_delete_resource_run},
    {"app diff",
     "diff APPNAME",
     "Perform a diff against the target and live state.",
     {diff_flags},
     app_diff_run,
     "Uses 'diff' to render the difference. KUBECTL_EXTERNAL_DIFF environment variable can be used "
     "to select your own diff tool.\nReturns the following exit codes: 2 on general errors, 1 when "
     "a diff is found, and 0 when no diff is found\nKubernetes Secrets are ignored from this "
     "diff."},
    {"app get", "get APPNAME", "Get application details", {get_flags}, app_get_run},
    {"app history",
     "history APPNAME",
     "Show application deployment history",
     {history_flags},
     app_history_run},
    {"app list", "list", "List applications", {list_flags}, app_list_run},
    {"app manifests",
     "manifests APPNAME",
     "Print manifests of an application",
     {manifests_flags},
     app_manifests_run},
    {"app patch", "patch APPNAME", "Patch application", {patch_flags}, app_patch_run},
    {"app patch-resource",
     "patch-resource APPNAME",
     "Patch resource in an application",
     {patch_resource_flags},
     app_patch_resource_run},
    {"app remove-source",
     "remove-source APPNAME",
     "Remove a source from multiple sources application.",
     {remove_source_flags},
     app_remove_source_run},
    {"app resources",
     "resources APPNAME",
     "List resource of application",
     {resources_flags},
     app_resources_run},
    {"app rollback",
     "rollback APPNAME [ID]",
     "Rollback application to a previous deployed version by History ID, omitted will Rollback to "
     "the previous version",
     {rollback_flags},
     app_rollback_run},
    {"app set",
     "set APPNAME",
     "Set application parameters",
     {set_flags, app_spec_flags},
     app_set_run},
    {"app sync",
     "sync [APPNAME... | -l selector | --project project-name]",
     "Sync an application to its target state",
     {sync_flags},
     app_sync_run},
    {"app terminate-op",
     "terminate-op APPNAME",
     "Terminate running operation of an application",
     {namespace_only},
     app_terminate_run},
    {"app unset",
     "unset APPNAME parameters",
     "Unset application parameters",
     {unset_flags},
     app_unset_run},
    {"app wait",
     "wait [APPNAME.. | -l selector]",
     "Wait for an application to reach a synced and healthy state",
     {wait_flags},
     app_wait_run},
    {"completion",
     "completion SHELL",
     "output shell completion code for the specified shell (bash, zsh or fish)",
     {none},
     completion_run},
    {"configure", "configure", "Manage local configuration", {configure_flags}, configure_run},
    {"context", "context [CONTEXT]", "Switch between contexts", {context_flags}, context_run},
    {"login", "login SERVER", "Log in to Argo CD", {login_flags}, login_run},
    {"logout", "logout CONTEXT", "Log out from Argo CD", {none}, logout_run},
    {"relogin", "relogin", "Refresh an expired authenticate token", {relogin_flags}, relogin_run},
    {"version", "version", "Print version information", {version_flags}, version_run},
};
const size_t cli_n_commands = ARRAY_LEN(cli_commands);
