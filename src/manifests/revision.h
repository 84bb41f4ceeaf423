/* manifests/revision.h: which commit a revision names, given what the repository has. Pure.
 *
 * Order as upstream: a full commit id is itself (refs may be NULL then); a version ("v1.2.0") is a
 * plain name; a version constraint takes the highest tag that satisfies it; then a branch, tag or
 * full ref name; HEAD or "" the default branch; 7 and more hex digits pass through as a short id.
 * Annotated tags answer their commit.
 *
 * -ERR_NOT_FOUND "unable to resolve 'x' to a commit SHA: revision not found".
 * Source: Argo CD util/git/client.go (lsRemote, resolveSemverRevision). */
#ifndef MANIFESTS_REVISION_H
#define MANIFESTS_REVISION_H

#include "source/source.h"

/* *ret_short: the answer is a short id that only the repository's objects can complete. */
int revision_resolve(const struct source_refs *refs, str revision, char ret[SOURCE_SHA_BYTES],
                     bool *ret_short, struct err *err) MUST_CHECK;

#endif
