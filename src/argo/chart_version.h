/* argo/chart_version.h: which version of a chart a revision means.
 *
 * Two rules are in use: Argo CD's for the targetRevision of a source, helm's for what is then
 * pulled or stands in Chart.yaml. Pure, any thread. Source: Argo CD util/versions (MaxVersion),
 * reposerver newHelmClientResolveRevision; helm pkg/repo/v1 (IndexFile.Get). */
#ifndef ARGO_CHART_VERSION_H
#define ARGO_CHART_VERSION_H

#include "base/err.h"
#include "base/str.h"

/* Argo CD takes it as it stands, without looking whether it exists: "1.2.3", "v1", "1.2". */
bool chart_version_is_exact(str revision);
/* The one of version[0..n) that a constraint means (the highest that satisfies it), or other text
 * names to the letter. -ERR_INVALID, -ERR_NOT_FOUND: "version matching constraint not found in 3
 * tags", "failed to determine semver constraint: improper constraint: x". */
int chart_version_resolve(str revision, const str *version, size_t n, size_t *ret_index,
                          struct err *err) MUST_CHECK;

/* helm takes a version for one. */
bool chart_version_is_valid(str version);
/* helm: the version to the letter, else the highest that satisfies it as a constraint (empty: "*");
 * those of which valid[i] is false are passed over. -1: none. */
ptrdiff_t chart_version_pick(str wanted, const str *version, const bool *valid, size_t n);

#endif
