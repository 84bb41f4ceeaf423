/* The flags of `app create` and `app set` that describe an application: one table, from flag to
 * field of the spec. */
#include "cli/app.h"

const struct cli_flag app_spec_flags[] = {
    {"allow-empty", 0, FLAG_BOOL, "false",
     "Set allow zero live resources for automated sync policy"},
    {"auto-prune", 0, FLAG_BOOL, "false", "Set automatic pruning for automated sync policy"},
    {"config-management-plugin", 0, FLAG_STRING, "", "Config management plugin name"},
    {"dest-name", 0, FLAG_STRING, "", "K8s cluster Name (e.g. minikube)"},
    {"dest-namespace", 0, FLAG_STRING, "", "K8s target namespace"},
    {"dest-server", 0, FLAG_STRING, "", "K8s cluster URL (e.g. https://kubernetes.default.svc)"},
    {"directory-disable-extension-filter", 0, FLAG_BOOL, "false",
     "Take files of any extension that include and exclude choose"},
    {"directory-exclude", 0, FLAG_STRING, "", "Glob of files to leave out of the source path"},
    {"directory-include", 0, FLAG_STRING, "", "Glob of files to take from the source path"},
    {"directory-recurse", 0, FLAG_BOOL, "false", "Recurse directory"},
    {"dry-source-path", 0, FLAG_STRING, "", "Path of the dry source in its repository"},
    {"dry-source-repo", 0, FLAG_STRING, "", "Repository URL of the app dry source"},
    {"dry-source-revision", 0, FLAG_STRING, "", "Revision of the app dry source"},
    {"env", 0, FLAG_STRING, "", "Application environment to monitor"},
    {"helm-api-versions", 0, FLAG_LIST, "",
     "API versions that helm templates see; may be repeated"},
    {"helm-chart", 0, FLAG_STRING, "", "Helm Chart name"},
    {"helm-kube-version", 0, FLAG_STRING, "", "Kubernetes version that helm templates see"},
    {"helm-namespace", 0, FLAG_STRING, "", "Namespace that helm templates see"},
    {"helm-pass-credentials", 0, FLAG_BOOL, "false", "Pass credentials to all domain"},
    {"helm-set", 0, FLAG_LIST, "", "Helm value key=val; may be repeated"},
    {"helm-set-file", 0, FLAG_LIST, "", "Helm value key=path from a file; may be repeated"},
    {"helm-set-string", 0, FLAG_LIST, "", "Helm text value key=val; may be repeated"},
    {"helm-skip-crds", 0, FLAG_BOOL, "false", "Skip helm crd installation step"},
    {"helm-skip-schema-validation", 0, FLAG_BOOL, "false", "Skip helm schema validation step"},
    {"helm-skip-tests", 0, FLAG_BOOL, "false", "Skip helm test manifests installation step"},
    {"helm-version", 0, FLAG_STRING, "", "Helm version"},
    {"hydrate-to-branch", 0, FLAG_STRING, "", "The branch to hydrate the app to"},
    {"ignore-missing-components", 0, FLAG_BOOL, "false",
     "Ignore locally missing Kustomize components"},
    {"ignore-missing-value-files", 0, FLAG_BOOL, "false", "Ignore locally missing valueFiles"},
    {"jsonnet-ext-var-code", 0, FLAG_LIST, "", "Jsonnet ext var; may be repeated"},
    {"jsonnet-ext-var-str", 0, FLAG_LIST, "", "Jsonnet string ext var; may be repeated"},
    {"jsonnet-libs", 0, FLAG_LIST, "", "Additional jsonnet libs (prefixed by repoRoot)"},
    {"jsonnet-tla-code", 0, FLAG_LIST, "", "Jsonnet top level code arguments; may be repeated"},
    {"jsonnet-tla-str", 0, FLAG_LIST, "", "Jsonnet top level string arguments; may be repeated"},
    {"kustomize-api-versions", 0, FLAG_LIST, "",
     "API versions that charts of Kustomize see; may be repeated"},
    {"kustomize-common-annotation", 0, FLAG_LIST, "",
     "Common annotation key=value of Kustomize; may be repeated"},
    {"kustomize-common-label", 0, FLAG_LIST, "",
     "Common label key=value of Kustomize; may be repeated"},
    {"kustomize-force-common-annotation", 0, FLAG_BOOL, "false",
     "Force common annotations in Kustomize"},
    {"kustomize-force-common-label", 0, FLAG_BOOL, "false", "Force common labels in Kustomize"},
    {"kustomize-image", 0, FLAG_LIST, "", "Kustomize image name=new:tag; may be repeated"},
    {"kustomize-kube-version", 0, FLAG_STRING, "",
     "Kubernetes version that charts of Kustomize see"},
    {"kustomize-label-include-templates", 0, FLAG_BOOL, "false",
     "Apply common label to resource templates"},
    {"kustomize-label-without-selector", 0, FLAG_BOOL, "false",
     "Do not apply common label to selectors"},
    {"kustomize-namespace", 0, FLAG_STRING, "", "Kustomize namespace"},
    {"kustomize-replica", 0, FLAG_LIST, "", "Kustomize replicas name=count; may be repeated"},
    {"kustomize-version", 0, FLAG_STRING, "", "Kustomize version"},
    {"nameprefix", 0, FLAG_STRING, "", "Kustomize nameprefix"},
    {"namesuffix", 0, FLAG_STRING, "", "Kustomize namesuffix"},
    {"parameter", 'p', FLAG_LIST, "", "Parameter override name=value; may be repeated"},
    {"path", 0, FLAG_STRING, "", "Path in repository to the app directory"},
    {"plugin-env", 0, FLAG_LIST, "", "Plugin environment name=value; may be repeated"},
    {"project", 0, FLAG_STRING, "", "Application project name"},
    {"ref", 0, FLAG_STRING, "", "Ref is reference to another source within sources field"},
    {"release-name", 0, FLAG_STRING, "", "Helm release-name"},
    {"repo", 0, FLAG_STRING, "", "Repository URL"},
    {"revision", 0, FLAG_STRING, "", "Branch, tag, commit or Helm chart version to sync to"},
    {"revision-history-limit", 0, FLAG_INT, "10", "How many items to keep in revision history"},
    {"self-heal", 0, FLAG_BOOL, "false", "Set self healing for automated sync policy"},
    {"source-name", 0, FLAG_STRING, "", "Name of the source from the list of sources"},
    {"sync-option", 0, FLAG_LIST, "", "Add a sync option, or remove it with a ! in front"},
    {"sync-policy", 0, FLAG_STRING, "", "One of: manual (none), automated (auto, automatic)"},
    {"sync-retry-backoff-duration", 0, FLAG_DURATION, "5s", "Sync retry backoff base duration"},
    {"sync-retry-backoff-factor", 0, FLAG_INT, "2", "Factor of the duration after each retry"},
    {"sync-retry-backoff-max-duration", 0, FLAG_DURATION, "3m0s",
     "Max sync retry backoff duration"},
    {"sync-retry-limit", 0, FLAG_INT, "0", "Max number of allowed sync retries"},
    {"sync-retry-refresh", 0, FLAG_BOOL, "false", "Use the latest revision on retry"},
    {"sync-source-branch", 0, FLAG_STRING, "", "The branch from which the app will sync"},
    {"sync-source-path", 0, FLAG_STRING, "", "The path from which the app will sync"},
    {"tag-prefix", 0, FLAG_STRING, "", "Prefix of git tags that a semver constraint looks at"},
    {"validate", 0, FLAG_BOOL, "true", "Validation of repo and cluster"},
    {"values", 0, FLAG_LIST, "", "Helm values file; may be repeated"},
    {"values-literal-file", 0, FLAG_STRING, "", "File to take as the literal Helm values block"},
    {NULL, 0, FLAG_BOOL, NULL, NULL},
};

/* Where a flag goes. A path that begins with "." is below the source, others below the spec. */
static const struct {
    const char *flag, *path;
} fields[] = {
    {"repo", ".repoURL"},
    {"path", ".path"},
    {"helm-chart", ".chart"},
    {"revision", ".targetRevision"},
    {"tag-prefix", ".tagPrefix"},
    {"ref", ".ref"},
    {"source-name", ".name"},
    {"directory-recurse", ".directory.recurse"},
    {"directory-include", ".directory.include"},
    {"directory-exclude", ".directory.exclude"},
    {"directory-disable-extension-filter", ".directory.disableExtensionFilter"},
    {"jsonnet-libs", ".directory.jsonnet.libs"},
    {"release-name", ".helm.releaseName"},
    {"helm-version", ".helm.version"},
    {"helm-pass-credentials", ".helm.passCredentials"},
    {"helm-skip-crds", ".helm.skipCrds"},
    {"helm-skip-schema-validation", ".helm.skipSchemaValidation"},
    {"helm-skip-tests", ".helm.skipTests"},
    {"helm-namespace", ".helm.namespace"},
    {"helm-kube-version", ".helm.kubeVersion"},
    {"helm-api-versions", ".helm.apiVersions"},
    {"ignore-missing-value-files", ".helm.ignoreMissingValueFiles"},
    {"values", ".helm.valueFiles"},
    {"nameprefix", ".kustomize.namePrefix"},
    {"namesuffix", ".kustomize.nameSuffix"},
    {"kustomize-version", ".kustomize.version"},
    {"kustomize-namespace", ".kustomize.namespace"},
    {"kustomize-kube-version", ".kustomize.kubeVersion"},
    {"kustomize-api-versions", ".kustomize.apiVersions"},
    {"kustomize-label-without-selector", ".kustomize.labelWithoutSelector"},
    {"kustomize-label-include-templates", ".kustomize.labelIncludeTemplates"},
    {"kustomize-force-common-label", ".kustomize.forceCommonLabels"},
    {"kustomize-force-common-annotation", ".kustomize.forceCommonAnnotations"},
    {"ignore-missing-components", ".kustomize.ignoreMissingComponents"},
    {"config-management-plugin", ".plugin.name"},
    {"dry-source-repo", "sourceHydrator.drySource.repoURL"},
    {"dry-source-path", "sourceHydrator.drySource.path"},
    {"dry-source-revision", "sourceHydrator.drySource.targetRevision"},
    {"sync-source-branch", "sourceHydrator.syncSource.targetBranch"},
    {"sync-source-path", "sourceHydrator.syncSource.path"},
    {"hydrate-to-branch", "sourceHydrator.hydrateTo.targetBranch"},
    {"dest-server", "destination.server"},
    {"dest-name", "destination.name"},
    {"dest-namespace", "destination.namespace"},
    {"project", "project"},
    {"revision-history-limit", "revisionHistoryLimit"},
};

static value field_value(struct cli *c, const struct cli_given *g)
{
    int64_t n = 0;
    switch (g->flag->type) {
    case FLAG_BOOL: return value_of_bool(c->arena, cli_switch(c, g->flag->name));
    case FLAG_INT: str_to_i64(g->text, &n); return value_of_int(c->arena, n);
    case FLAG_LIST: {
        value list = value_new_list(c->arena);
        for (size_t i = 0; i < g->list.n; i++)
            value_push(c->arena, list, value_of_str(c->arena, g->list.at[i]));
        return list;
    }
    default: return value_of_str(c->arena, g->text);
    }
}

/* The name in front of an image override: "nginx" of "nginx=me/nginx:1" and of "nginx:1". */
static str image_name(str image)
{
    for (size_t i = 0; i < image.len; i++)
        if (strchr("=:@", image.at[i]))
            return str_sub(image, 0, i);
    return image;
}

static bool set_images(struct cli *c, value source)
{
    const struct cli_given *g = cli_given(c, "kustomize-image");
    for (size_t i = 0; i < g->list.n; i++) {
        value kustomize = value_edit_map(c->arena, source, STR("kustomize"));
        value list = value_edit_list(c->arena, kustomize, STR("images"));
        value image = value_of_str(c->arena, g->list.at[i]);
        bool replaced = false;
        for (size_t k = 0; k < value_len(list) && !replaced; k++)
            if (str_eq(image_name(value_str(value_at(list, k))), image_name(g->list.at[i]))) {
                value_put(c->arena, list, k, image);
                replaced = true;
            }
        if (!replaced)
            value_push(c->arena, list, image);
    }
    return g->changed;
}

/* ---- sync policy ---- */

static int set_policy(struct cli *c, value spec)
{
    str policy = cli_flag(c, "sync-policy");
    if (str_is(policy, "none") || str_is(policy, "manual")) {
        value now = value_getz(spec, "syncPolicy");
        if (value_is_map(now))
            value_remove(value_edit_map(c->arena, spec, STR("syncPolicy")), STR("automated"));
        if (!value_len(value_getz(spec, "syncPolicy")))
            value_remove(spec, STR("syncPolicy"));
        return 0;
    }
    if (!str_is(policy, "automated") && !str_is(policy, "automatic") && !str_is(policy, "auto"))
        return cli_fatal(c, CLI_EXIT_USE, "Invalid sync-policy: %.*s", STR_FMT(policy));
    value_edit_map(c->arena, value_edit_map(c->arena, spec, STR("syncPolicy")), STR("automated"));
    return 0;
}

static void set_sync_options(struct cli *c, value spec)
{
    const struct cli_given *g = cli_given(c, "sync-option");
    value policy = value_edit_map(c->arena, spec, STR("syncPolicy"));
    value list = value_edit_list(c->arena, policy, STR("syncOptions"));
    for (size_t i = 0; i < g->list.n; i++) {
        str option = g->list.at[i];
        bool remove = str_starts(option, STR("!")), found = false;
        if (remove)
            option = str_from(option, 1);
        for (size_t k = value_len(list); k-- > 0;) {
            bool same = str_eq(value_str(value_at(list, k)), option);
            found |= same;
            if (same && remove)
                value_remove_at(list, k);
        }
        if (!remove && !found)
            value_push(c->arena, list, value_of_str(c->arena, option));
    }
    if (!value_len(list))
        value_remove(policy, STR("syncOptions"));
    if (!value_len(policy))
        value_remove(spec, STR("syncPolicy"));
}

static void set_automated(struct cli *c, value spec, size_t *io_changed)
{
    static const struct {
        const char *flag, *field;
    } switches[] = {{"auto-prune", "prune"},
                    {"self-heal", "selfHeal"},
                    {"allow-empty", "allowEmpty"}};
    for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
        if (!cli_changed(c, switches[i].flag))
            continue;
        ++*io_changed;
        bool off = !value_is_map(value_path(spec, "syncPolicy.automated"));
        value automated =
            value_edit_map(c->arena, value_edit_map(c->arena, spec, STR("syncPolicy")),
                           STR("automated"));
        if (off) /* remembered for when it is switched on */
            value_setz(c->arena, automated, "enabled", value_of_bool(c->arena, false));
        value_set(c->arena, automated, str_of(switches[i].field),
                  value_of_bool(c->arena, cli_switch(c, switches[i].flag)));
    }
}

static int set_retry(struct cli *c, value spec)
{
    int64_t limit = cli_number(c, "sync-retry-limit");
    if (limit < -1)
        return cli_fatal(c, CLI_EXIT_USE, "Invalid sync-retry-limit [%ld]", (long)limit);
    value policy = value_edit_map(c->arena, spec, STR("syncPolicy"));
    value_remove(policy, STR("retry"));
    if (!limit)
        return 0;
    value retry = value_edit_map(c->arena, policy, STR("retry"));
    value_setz(c->arena, retry, "limit", value_of_int(c->arena, limit));
    if (cli_switch(c, "sync-retry-refresh"))
        value_setz(c->arena, retry, "refresh", value_of_bool(c->arena, true));
    value backoff = value_edit_map(c->arena, retry, STR("backoff"));
    value_set_str(c->arena, backoff, "duration", cli_flag(c, "sync-retry-backoff-duration"));
    value_set_str(c->arena, backoff, "maxDuration", cli_flag(c, "sync-retry-backoff-max-duration"));
    value_setz(c->arena, backoff, "factor",
               value_of_int(c->arena, cli_number(c, "sync-retry-backoff-factor")));
    return 0;
}

/* ---- all ---- */

/* The source that flags go to: spec.source, or the entry of spec.sources. */
static value edit_source(struct cli *c, value spec, size_t position)
{
    value sources = value_getz(spec, "sources");
    if (position < value_len(sources))
        return value_at(value_edit_list(c->arena, spec, STR("sources")), position);
    return value_edit_map(c->arena, spec, STR("source"));
}

static void set_field(struct cli *c, value spec, size_t position, const char *path,
                      const struct cli_given *g)
{
    bool below_source = *path == '.';
    bool tool =
        str_starts(str_of(path), STR(".helm.")) || str_starts(str_of(path), STR(".kustomize."));
    if (tool && g->flag->type == FLAG_BOOL && !cli_switch(c, g->flag->name))
        return; /* upstream only ever switches these on */
    value root = below_source ? edit_source(c, spec, position) : spec;
    value_set_path(c->arena, root, path + below_source, field_value(c, g));
}

int app_apply_options(struct cli *c, value spec, size_t position, size_t *ret_changed)
{
    size_t changed = 0;
    int r = 0;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const struct cli_given *g = cli_given(c, fields[i].flag);
        if (!g->changed)
            continue;
        changed++;
        set_field(c, spec, position, fields[i].path, g);
    }
    if (app_has_entries(c))
        r = app_apply_entries(c, edit_source(c, spec, position), &changed);
    if (cli_changed(c, "kustomize-image"))
        changed += set_images(c, edit_source(c, spec, position));
    if (!r && cli_changed(c, "sync-policy")) {
        changed++;
        r = set_policy(c, spec);
    }
    if (cli_changed(c, "sync-option")) {
        changed++;
        set_sync_options(c, spec);
    }
    set_automated(c, spec, &changed);
    if (!r && cli_changed(c, "sync-retry-limit")) {
        changed++;
        r = set_retry(c, spec);
    }
    *ret_changed = changed;
    return r;
}
