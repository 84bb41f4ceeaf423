/* render/helm_schema.h: values.schema.json of a chart and its subcharts; private to render/.
 *
 * Source: helm 4.2.4 pkg/chart/common/util/jsonschema.go. */
#ifndef RENDER_HELM_SCHEMA_H
#define RENDER_HELM_SCHEMA_H

#include "render/helm.h"

/* -ERR_UNPROCESSABLE "values don't meet the specifications of the schema(s) in the following
 * chart(s): ..."; *ret_text: the whole of it. */
int helm_schema_check(const struct helm_chart *c, value values, struct arena *a,
                      struct helm_log *log, str *ret_text, struct err *err) MUST_CHECK;

#endif
