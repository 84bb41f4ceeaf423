/* lang/semver.h: semantic versions and constraints as Masterminds/semver v3 reads them.
 *
 * Lenient parsing accepts a leading 'v', and one, two or three numbers ("1", "v1.2"). Constraints:
 * `= != > < >= =>
 * <= =< ~ ~> ^`, wildcards `x X *`, hyphen ranges "1.2 - 2.3", commas or blanks for AND, `||` for
 * OR; pre-releases are only considered by a constraint that carries one itself. Values borrow their
 * text from the argument they were parsed from. Pure, any thread. Source: Masterminds/semver v3;
 * argo-cd util/versions for the choice of a tag. */
#ifndef LANG_SEMVER_H
#define LANG_SEMVER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define SEMVER_BYTES_MAX 256             /* text of one version */
#define SEMVER_CONSTRAINT_BYTES_MAX 4096 /* text of a constraint */

struct semver {
    uint64_t major, minor, patch;
    str prerelease; /* "rc.1", without '-'; borrowed */
    str metadata;   /* "build5", without '+'; borrowed */
    str original;   /* as given; borrowed */
};

/* NewVersion. -ERR_INVALID with the library's text ("invalid semantic version", "version part
 * ..."). */
int semver_parse(str text, struct semver *ret, struct err *err) MUST_CHECK;
/* StrictNewVersion: three numbers, no 'v', no leading zeros. */
int semver_parse_strict(str text, struct semver *ret, struct err *err) MUST_CHECK;

/* <0, 0, >0; metadata does not count. */
int semver_compare(const struct semver *a, const struct semver *b);
/* Normal form "1.2.3-rc.1+b" in the arena. */
str semver_str(struct arena *a, const struct semver *v);

struct semver_constraint;
/* NewConstraint. -ERR_INVALID "improper constraint: ...". Lives in the arena. */
int semver_constraint_parse(str text, struct arena *a, const struct semver_constraint **ret,
                            struct err *err) MUST_CHECK;
bool semver_constraint_check(const struct semver_constraint *c, const struct semver *v);

/* A revision that is not itself a version but is a constraint: "1.2.*", ">=1", "*" (argo-cd git
 * client). */
bool semver_is_constraint(str revision);

/* argo-cd versions.MaxVersion for a constraint: the highest of tags[0..n) that begins with
 * tag_prefix (may be empty) and satisfies the constraint behind it. Tags that are no versions are
 * passed over. *ret_index into tags. -ERR_INVALID: the text is no constraint, or a tag is nearly a
 * version ("1.0.0-01"); -ERR_NOT_FOUND: no tag satisfies it. */
int semver_highest(str constraint, const str *tags, size_t n, str tag_prefix, size_t *ret_index,
                   struct err *err) MUST_CHECK;

#endif
