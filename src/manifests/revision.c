/* revision.c */
#include "manifests/revision.h"

#include <ctype.h>
#include <string.h>

#include "lang/semver.h"

#define SHORT_ID_MIN 7

static void copy_lower(char *to, str from)
{
    for (size_t i = 0; i < from.len; i++)
        to[i] = (char)tolower((unsigned char)from.at[i]);
    to[from.len] = 0;
}

static bool is_short_id(str s)
{
    if (s.len < SHORT_ID_MIN || s.len >= SOURCE_SHA_BYTES)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!isxdigit((unsigned char)s.at[i]))
            return false;
    return true;
}

/* "refs/heads/main" -> "main", "refs/remotes/origin/x" -> "origin/x", as go-git's
 * ReferenceName.Short. */
static str short_name(str name)
{
    static const char *const prefixes[] = {"refs/heads/", "refs/tags/", "refs/remotes/",
                                           "refs/notes/", "refs/"};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (str_starts(name, str_of(prefixes[i])))
            return str_from(name, strlen(prefixes[i]));
    return name;
}

static const struct source_ref *find_tag(const struct source_refs *refs, str constraint)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    const struct source_ref **ref = ARENA_ARRAY(&a, const struct source_ref *, refs->n);
    str *tag = ARENA_ARRAY(&a, str, refs->n);
    size_t n = 0, best;
    struct err ignored;
    for (size_t i = 0; i < refs->n; i++) {
        if (!str_starts(refs->at[i].name, STR("refs/tags/")))
            continue;
        tag[n] = short_name(refs->at[i].name);
        ref[n++] = &refs->at[i];
    }
    const struct source_ref *found =
        semver_highest(constraint, tag, n, STR(""), &best, &ignored) ? NULL : ref[best];
    arena_done(&a);
    return found;
}

static const struct source_ref *find_name(const struct source_refs *refs, str name)
{
    for (size_t i = 0; i < refs->n; i++)
        if (str_eq(refs->at[i].name, name) || str_eq(short_name(refs->at[i].name), name))
            return &refs->at[i];
    return NULL;
}

int revision_resolve(const struct source_refs *refs, str revision, char ret[SOURCE_SHA_BYTES],
                     bool *ret_short, struct err *err)
{
    *ret_short = false;
    if (source_is_sha(revision)) {
        copy_lower(ret, revision);
        return 0;
    }
    if (revision.len == 0)
        revision = STR("HEAD");
    const struct source_ref *ref = semver_is_constraint(revision) ? find_tag(refs, revision) : NULL;
    if (!ref)
        ref = find_name(refs, revision);
    if (ref) {
        memcpy(ret, ref->commit, SOURCE_SHA_BYTES);
        return 0;
    }
    if (is_short_id(revision)) {
        copy_lower(ret, revision);
        *ret_short = true;
        return 0;
    }
    return err_set(err, ERR_NOT_FOUND,
                   "unable to resolve '%.*s' to a commit SHA: revision not found",
                   STR_FMT(str_sub(revision, 0, 300)));
}
