/* render/helm_objects.h: what a chart's template sees behind its dot; private to render/.
 *
 * Named Go types with their methods: Values, Files, Capabilities, VersionSet, KubeVersion. All
 * objects live in the arena and are shared by the templates of one chart. Source: helm 4.2.4
 * pkg/chart/common, pkg/engine/files.go; helm 3.19 pkg/chartutil. */
#ifndef RENDER_HELM_OBJECTS_H
#define RENDER_HELM_OBJECTS_H

#include "lang/template_value.h"
#include "render/helm.h"

struct helm_kube_version {
    str version;    /* "v1.36.0-x" */
    str normalized; /* "v1.36.0": constraints, String() */
    str major, minor;
};
/* --kube-version; -ERR_INVALID "invalid kube version 'x': ...". Empty: the level's default. */
int helm_kube_version_parse(str text, enum helm_level level, struct arena *a,
                            struct helm_kube_version *ret, struct err *err) MUST_CHECK;

struct helm_objects {
    struct arena *arena;
    enum helm_level level;
    tval release, capabilities;
};
void helm_objects_init(struct helm_objects *x, const struct helm_options *o,
                       const struct helm_kube_version *kube, struct arena *a);

tval helm_object_values(const struct helm_objects *x, value v);
tval helm_object_empty_values(const struct helm_objects *x);
/* v, a map, under the name of Values: still the same map. */
tval helm_object_as_values(const struct helm_objects *x, tval v);
tval helm_object_files(const struct helm_objects *x, const struct helm_files *files);
tval helm_object_chart(const struct helm_objects *x, const struct helm_chart *c);

#endif
