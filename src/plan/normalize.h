/* plan/normalize.h: what is not compared.
 *
 * A `struct normalizer` is compiled once per application and settings (ignoreDifferences, system
 * customisations, ignoreResourceStatusField, aggregated roles) and lives in the arena it was made
 * in; it may be used from any thread. Rule kinds: JSON pointers; jq paths of the forms .a.b,
 * .a["b"], .a[0], .a[], .a[]?, pipes and select(.k == "v") (also !=, and, or, test of presence),
 * compiled to path programs; managedFieldsManagers. Other jq is refused with -ERR_UNSUPPORTED, jq
 * that does not parse with -ERR_INVALID. Source: argo-cd util/argo/normalizers, gitops-engine
 * pkg/diff Normalize. */
#ifndef PLAN_NORMALIZE_H
#define PLAN_NORMALIZE_H

#include "argo/application.h"
#include "argo/settings.h"

struct normalizer;

/* *ret is in the arena. settings may be NULL (application rules only). The error text is upstream's
 * where there is one. */
int normalizer_new(const struct app *app, const struct settings *settings, struct arena *a,
                   struct normalizer **ret, struct err *err) MUST_CHECK;
/* Digest of all rules: part of the key of a cached verdict. */
uint64_t normalizer_digest(const struct normalizer *n);

/* A rule names field managers for this object: the live one needs its managedFields. */
bool normalizer_uses_managers(const struct normalizer *n, value target);

/* Normalise one pair; either may be absent. Outputs are the inputs when nothing had to change, else
 * copies in `a`. */
int normalize_pair(const struct normalizer *n, struct arena *a, value *io_target, value *io_live,
                   struct err *err) MUST_CHECK;
/* Only the rules of ignoreDifferences and customisations, without the built-in normalisation
 * (RespectIgnoreDifferences). */
int normalize_ignored(const struct normalizer *n, struct arena *a, value *io_target, value *io_live,
                      struct err *err) MUST_CHECK;

/* Built-in part and ignore rules for one object on its own (the last-applied configuration). */
int normalize_one(const struct normalizer *n, struct arena *a, value *io,
                  struct err *err) MUST_CHECK;

/* The built-in part alone: creationTimestamp, Secret stringData, empty role rules, empty
 * annotations. */
value normalize_builtin(struct arena *a, value object, bool ignore_aggregated_roles);

/* Its part for Secrets: stringData becomes data; other kinds stay as they are. */
value normalize_secret(struct arena *a, value object);

/* Hash of what ignoreResourceUpdates leaves of a live object; two equal hashes: the update may be
 * dropped. */
uint64_t normalize_update_hash(const struct settings *s, value live, struct arena *a);

#endif
