/* lang/glob.h: the three pattern languages that Argo CD users write.
 *
 * glob         gobwas/glob 0.2.3: `*` (any run without separators), `**` (any run), `?`, `[abc]
 * [!a-z]`, `{a,b}` nested, backslash escapes. Used without separators for RBAC, destinations,
 * include/exclude, and with "/" for source repositories. Works on runes. path_match   Go's
 * path.Match: `*` and `?` stop at '/', `[^a-z]`; a malformed pattern is an error. doublestar
 * bmatcuk/doublestar v4: as path_match plus `**` over whole segments and `{a,b}`.
 *
 * A compiled glob lives in the arena it was compiled into, is immutable and may be used from any
 * thread. Matching costs at most O(pattern x text) for the sizes below and never recurses without
 * bound. Source: gobwas/glob, Go path.Match, bmatcuk/doublestar; argo-cd util/glob. */
#ifndef LANG_GLOB_H
#define LANG_GLOB_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define GLOB_PATTERN_BYTES_MAX 4096
#define GLOB_DEPTH_MAX 64 /* nested braces */

struct glob;

/* Compile a gobwas pattern. separators: the characters that `*` and `?` do not cross, "" for none;
 * copied. -ERR_INVALID: not a pattern (unclosed class or brace); -ERR_TOO_LARGE: past the bounds
 * above. */
int glob_compile(str pattern, str separators, struct arena *a, const struct glob **ret,
                 struct err *err) MUST_CHECK;
bool glob_match(const struct glob *g, str text);

/* argo-cd's util/glob.Match: compile and match; a pattern that does not compile matches nothing. */
bool glob_matches(str pattern, str text, str separators);

/* Go's path.Match. -ERR_INVALID "syntax error in pattern"; *ret_matched is untouched then. */
int path_match(str pattern, str text, bool *ret_matched, struct err *err) MUST_CHECK;

/* doublestar.Match (separator '/'). -ERR_INVALID "syntax error in pattern". */
int doublestar_match(str pattern, str text, bool *ret_matched, struct err *err) MUST_CHECK;
/* The pattern holds one of `* ? [ {` outside an escape: it has to be expanded. */
bool doublestar_has_meta(str pattern);

#endif
