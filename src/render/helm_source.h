/* render/helm_source.h: a Helm source of an Application -> objects; private to render/.
 *
 * Value files, values, parameters and the rest of `source.helm` become the arguments that Argo CD
 * gives to `helm template`, and its error texts name that command. Subcharts that are missing are
 * taken from the repository when Chart.yaml says file://. Charts and value files from elsewhere are
 * an error that says so.
 *
 * Source: Argo CD reposerver/repository/repository.go (helmTemplate, getResolvedValueFiles),
 * util/helm. */
#ifndef RENDER_HELM_SOURCE_H
#define RENDER_HELM_SOURCE_H

#include "render/engine.h"

/* path: clean, of the chart's folder. */
int helm_source_render(const struct render_request *r, value source, str path, struct arena *a,
                       struct render_result *ret, struct err *err) MUST_CHECK;

/* os.Expand with the build environment of the application. */
str build_env_expand(const struct render_request *r, value source, struct arena *a, str text);

#endif
