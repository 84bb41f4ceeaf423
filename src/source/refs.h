/* source/refs.h: making `struct source_refs`; private to source/. */
#ifndef SOURCE_REFS_H
#define SOURCE_REFS_H

#include "source/source.h"

struct refs_at {
    struct source_ref *at;
    size_t n, cap;
};

/* An empty answer with one reference; its text and rows go into *ret_arena. */
struct source_refs *refs_new(struct arena **ret_arena);
/* Compute the digest once all rows are there. */
void refs_seal(struct source_refs *r);

/* Output of `git ls-remote --symref`. Hostile: names and ids come from the server. -ERR_INVALID,
 * -ERR_UNSUPPORTED (SHA-256 repositories), -ERR_TOO_LARGE. */
int refs_parse(str text, struct source_refs **ret, struct err *err) MUST_CHECK;

/* A raw commit object into a `struct source_commit`. -ERR_INVALID: malformed. */
int commit_parse(const char *sha, str text, struct source_commit **ret, struct err *err) MUST_CHECK;

#endif
