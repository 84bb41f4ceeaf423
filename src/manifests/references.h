/* manifests/references.h: which other sources of its application a source reads from. Pure.
 *
 * valueFiles and paths of fileParameters that begin with "$name/" mean the source whose `ref` is
 * name. All names of one repository must ask for one revision. Errors: -ERR_INVALID with Argo CD's
 * texts. Source: Argo CD reposerver/repository/repository.go (resolveReferencedSources,
 * runManifestGenAsync). */
#ifndef MANIFESTS_REFERENCES_H
#define MANIFESTS_REFERENCES_H

#include "manifests/manifests.h"

/* used[n_refs]: the source names this one. */
int references_find(value source, const struct manifests_ref *ref, size_t n_refs, bool *ret_used,
                    struct err *err) MUST_CHECK;
/* Two trees of one repository are one checkout upstream: the source's commit must be the one that
 * `name` asks for (revision: as asked, sha: what it is). */
int references_check(const struct manifests_ref *ref, const char *ref_sha, str repo_url,
                     str revision, const char *sha, struct err *err) MUST_CHECK;

#endif
