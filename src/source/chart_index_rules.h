/* source/chart_index_rules.h: what helm and Go's YAML reader have against an index.yaml; private to
 * source/.
 *
 * helm decodes into Go structs: a table here says their fields, and the first field in the order of
 * sorted keys that does not fit is the error, as encoding/json has it. Texts go into the arena; an
 * empty one: nothing is wrong. Pure. Source: helm pkg/repo/v1/index.go, pkg/chart/v2/metadata.go;
 * Go encoding/json, time.Parse; gopkg.in/yaml.v2. */
#ifndef SOURCE_CHART_INDEX_RULES_H
#define SOURCE_CHART_INDEX_RULES_H

#include "value/value.h"

/* json: the text is JSON: fields nobody knows are let pass, numbers are no strings. */
str helm_index_complaint(value root, bool json, struct arena *a);
/* Does helm keep this entry? */
bool helm_keeps_entry(value entry, str version);

/* gopkg.in/yaml.v2 into Argo CD's struct: "parsing time ..." at once, or all "yaml: unmarshal
 * errors". Lines need positions. */
str argo_index_time_complaint(value root, struct arena *a);
str argo_index_type_complaint(value root, struct arena *a);

/* `parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"` */
str go_time_complaint(str text, struct arena *a);

#endif
