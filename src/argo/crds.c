/* argo/crds.c: our kinds as bind tables, and the CustomResourceDefinitions made of them. */
#include "argo/application.h"
#include "argo/kinds.h"

/* clang-format off */
#include "argo/application_tables.inc"
#include "argo/appproject_tables.inc"
#include "argo/applicationset_tables.inc"
/* clang-format on */

static const struct bind_column application_columns[] = {
    {"Sync Status", ".status.sync.status", "string", 0, NULL},
    {"Health Status", ".status.health.status", "string", 0, NULL},
    {"Revision", ".status.sync.revision", "string", 10, NULL},
    {"Project", ".spec.project", "string", 10, NULL},
};

#define LABELS(name)                                                                               \
    (const char *const[])                                                                          \
    {                                                                                              \
        "app.kubernetes.io/name", name, "app.kubernetes.io/part-of", "argocd", NULL                \
    }

const struct bind_kind argo_kind_application = {
    .group = "argoproj.io",
    .version = "v1alpha1",
    .kind = "Application",
    .plural = "applications",
    .singular = "application",
    .short_names = (const char *const[]){"app", "apps", NULL},
    .table = &application_table,
    .column = application_columns,
    .n_columns = ARRAY_LEN(application_columns),
    .labels = LABELS("applications.argoproj.io"),
};

const struct bind_kind argo_kind_project = {
    .group = "argoproj.io",
    .version = "v1alpha1",
    .kind = "AppProject",
    .plural = "appprojects",
    .singular = "appproject",
    .short_names = (const char *const[]){"appproj", "appprojs", NULL},
    .table = &app_project_table,
    .labels = LABELS("appprojects.argoproj.io"),
};

const struct bind_kind argo_kind_applicationset = {
    .group = "argoproj.io",
    .version = "v1alpha1",
    .kind = "ApplicationSet",
    .plural = "applicationsets",
    .singular = "applicationset",
    .short_names = (const char *const[]){"appset", "appsets", NULL},
    .status_subresource = true,
    .table = &application_set_table,
    .labels = LABELS("applicationsets.argoproj.io"),
};

value argo_crds(struct arena *a)
{
    value list = value_new_list(a);
    value_push(a, list, bind_crd(a, &argo_kind_application));
    value_push(a, list, bind_crd(a, &argo_kind_project));
    value_push(a, list, bind_crd(a, &argo_kind_applicationset));
    return list;
}
