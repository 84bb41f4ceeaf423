/* base/err.h: one error object, one table of kinds.
 *
 * Functions that can fail return int: 0, or -kind with *err filled; their outputs are untouched
 * then. `struct err` has a fixed size and no pointers: it travels in messages. Context is put in
 * front once per room boundary (err_wrap): "syncing app 'shop': rendering chart 'web':
 * values.yaml:14:3: ...". The table (err_kind_info) maps a kind to its name, HTTP status, gRPC
 * code, CLI exit code and retry policy; nobody decides a retry by reading text. Messages never hold
 * a secret. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

#include "base/attr.h"
#include "base/str.h"

#define ERR_TEXT_MAX 4000 /* bytes, NUL included; a longer message is cut and ends in "..." */

enum err_kind {
    ERR_OK,
    ERR_INVALID,         /* input does not follow its rules: do not retry */
    ERR_NOT_FOUND,       /* the named thing does not exist */
    ERR_EXISTS,          /* it exists already */
    ERR_CONFLICT,        /* changed meanwhile (409): read again, retry */
    ERR_GONE,            /* resourceVersion too old (410): list again */
    ERR_UNAUTHENTICATED, /* who are you (401) */
    ERR_FORBIDDEN,       /* you may not (403) */
    ERR_PRECONDITION,    /* not in this state (412; gRPC FAILED_PRECONDITION) */
    ERR_TOO_LARGE,       /* past a stated bound */
    ERR_UNSUPPORTED,     /* a known thing that is not served here */
    ERR_UNPROCESSABLE,   /* understood and refused (422), e.g. admission */
    ERR_BUSY,            /* asked to slow down (429) */
    ERR_UNAVAILABLE,     /* the other side is not reachable or answers 5xx: retry */
    ERR_TIMEOUT,
    ERR_CANCELED,
    ERR_IO,       /* disk, pipe: errno in the text */
    ERR_INTERNAL, /* a bug of ours */
    ERR_KIND_COUNT
};

enum retry_policy { RETRY_NEVER, RETRY_BACKOFF, RETRY_AT_ONCE };

struct err_kind_info {
    const char *name;
    int http_status;
    int grpc_code;
    int exit_code; /* of the CLI; argocd's own code for a fatal error is 20 */
    enum retry_policy retry;
};

struct err {
    int kind; /* enum err_kind */
    char text[ERR_TEXT_MAX];
};

const struct err_kind_info *err_kind_info(int kind); /* kind or -kind; never NULL */

/* Fill *err (may be NULL) and return -kind. */
int err_set(struct err *err, int kind, const char *format, ...) PRINTF(3, 4);
int err_vset(struct err *err, int kind, const char *format, va_list args) PRINTF(3, 0);
/* The same from a saved errno: text gets ": <strerror>"; ENOENT, EACCES, EEXIST, ETIMEDOUT map to
 * their kinds, anything else to ERR_IO. */
int err_errno(struct err *err, int saved_errno, const char *format, ...) PRINTF(3, 4);
/* Put "context: " before the text; returns -err->kind. */
int err_wrap(struct err *err, const char *format, ...) PRINTF(2, 3);
/* Copy of `from` into err; returns -from->kind. */
int err_copy(struct err *err, const struct err *from);

/* clang's analyzer looks at one file at a time and cannot see that these never return 0: without
 * this it follows "failed, but returned 0" and finds outputs that nobody filled. */
#if defined(__clang_analyzer__) && !defined(ERR_DEFINES)
static inline int err_never_0(int rc) { return rc ? rc : -ERR_INTERNAL; }
#define err_set(...) err_never_0(err_set(__VA_ARGS__))
#define err_vset(...) err_never_0(err_vset(__VA_ARGS__))
#define err_errno(...) err_never_0(err_errno(__VA_ARGS__))
#define err_wrap(...) err_never_0(err_wrap(__VA_ARGS__))
#define err_copy(...) err_never_0(err_copy(__VA_ARGS__))
#endif

static inline str err_str(const struct err *e) { return str_of(e->text); }

#endif
