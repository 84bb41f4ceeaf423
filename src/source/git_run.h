/* source/git_run.h: one run of the git program, with a deadline and without secrets where others
 * can see them.
 *
 * Blocking: pool threads only. The environment is built from nothing; configuration, user name and
 * password reach git through memory files it inherits, an SSH key through a private file that is
 * gone afterwards (ssh closes inherited descriptors). At the deadline the whole process group is
 * killed. Protocols other than file, http, https, ssh and git are refused. */
#ifndef SOURCE_GIT_RUN_H
#define SOURCE_GIT_RUN_H

#include "base/buf.h"
#include "base/time.h"
#include "source/source.h"

#define GIT_RUN_ARGS_MAX 32
#define GIT_RUN_STDERR_MAX 16384

struct git_run {
    str git;         /* program */
    str private_dir; /* 0700, for key files */
    str repo_dir;    /* --git-dir, or empty */
    const struct source_repo *repo;
    usec timeout_us;
    struct call asker; /* git is ended when nobody waits for this call; {0}: only at the deadline */
    size_t out_bytes_max;
    const char *arg[GIT_RUN_ARGS_MAX]; /* after the global options; ends in NULL */
};

/* 0: git ran; *ret_exit is its exit code, out its output, complaint its standard error.
 * -ERR_TIMEOUT, -ERR_CANCELED (nobody waits), -ERR_TOO_LARGE, -ERR_UNSUPPORTED (authentication
 * method), -ERR_IO (cannot start it). */
int git_run(const struct git_run *g, struct buf *out, struct buf *complaint, int *ret_exit,
            struct err *err) MUST_CHECK;

/* The URL git is given: without user and password, which go to the credential helper. -ERR_INVALID:
 * a form that git must not see ("ext::...", one that starts with '-'). user and password (may be
 * NULL) are set when the URL has them. */
int git_url(str url, struct arena *a, char **ret, str *ret_user, str *ret_password,
            struct err *err) MUST_CHECK;
/* The path of "/x", "file:///x"; empty for other forms. */
str git_url_local_path(str url);

/* What git's complaint means, in upstream's words (go-git's). Always non-zero. */
int git_complaint(str complaint, str url, struct err *err);

#endif
