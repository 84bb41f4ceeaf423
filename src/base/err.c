/* base/err.c */
#define ERR_DEFINES
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct err_kind_info kinds[ERR_KIND_COUNT] = {
    [ERR_OK] = {"ok", 200, 0, 0, RETRY_NEVER},
    [ERR_INVALID] = {"invalid", 400, 3, 20, RETRY_NEVER},
    [ERR_NOT_FOUND] = {"not found", 404, 5, 20, RETRY_NEVER},
    [ERR_EXISTS] = {"exists", 409, 6, 20, RETRY_NEVER},
    [ERR_CONFLICT] = {"conflict", 409, 10, 20, RETRY_AT_ONCE},
    [ERR_GONE] = {"gone", 410, 11, 20, RETRY_AT_ONCE},
    [ERR_UNAUTHENTICATED] = {"unauthenticated", 401, 16, 20, RETRY_BACKOFF},
    [ERR_FORBIDDEN] = {"forbidden", 403, 7, 20, RETRY_BACKOFF},
    [ERR_PRECONDITION] = {"failed precondition", 400, 9, 20, RETRY_NEVER},
    [ERR_TOO_LARGE] = {"too large", 413, 8, 20, RETRY_NEVER},
    [ERR_UNSUPPORTED] = {"unsupported", 501, 12, 20, RETRY_NEVER},
    [ERR_UNPROCESSABLE] = {"unprocessable", 422, 3, 20, RETRY_NEVER},
    [ERR_BUSY] = {"busy", 429, 8, 20, RETRY_BACKOFF},
    [ERR_UNAVAILABLE] = {"unavailable", 503, 14, 20, RETRY_BACKOFF},
    [ERR_TIMEOUT] = {"timeout", 504, 4, 20, RETRY_BACKOFF},
    [ERR_CANCELED] = {"canceled", 499, 1, 20, RETRY_NEVER},
    [ERR_IO] = {"io", 500, 13, 20, RETRY_BACKOFF},
    [ERR_INTERNAL] = {"internal", 500, 13, 20, RETRY_NEVER},
};

const struct err_kind_info *err_kind_info(int kind)
{
    if (kind < 0)
        kind = -kind;
    return &kinds[kind < ERR_KIND_COUNT ? kind : ERR_INTERNAL];
}

static void mark_cut(struct err *err, int wanted)
{
    if (wanted >= ERR_TEXT_MAX)
        memcpy(err->text + ERR_TEXT_MAX - 4, "...", 4);
}

int err_vset(struct err *err, int kind, const char *format, va_list args)
{
    if (err) {
        err->kind = kind;
        mark_cut(err, vsnprintf(err->text, sizeof(err->text), format, args));
    }
    return -kind;
}

int err_set(struct err *err, int kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int rc = err_vset(err, kind, format, args);
    va_end(args);
    return rc;
}

static int kind_of_errno(int e)
{
    switch (e) {
    case ENOENT: return ERR_NOT_FOUND;
    case EACCES:
    case EPERM: return ERR_FORBIDDEN;
    case EEXIST: return ERR_EXISTS;
    case ETIMEDOUT: return ERR_TIMEOUT;
    default: return ERR_IO;
    }
}

int err_errno(struct err *err, int saved_errno, const char *format, ...)
{
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return err_set(err, kind_of_errno(saved_errno), "%s: %s", text, strerror(saved_errno));
}

int err_wrap(struct err *err, const char *format, ...)
{
    if (!err)
        return -ERR_INTERNAL;
    char context[ERR_TEXT_MAX], old[ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(context, sizeof(context), format, args);
    va_end(args);
    memcpy(old, err->text, sizeof(old));
    return err_set(err, err->kind, "%s: %s", context, old);
}

int err_copy(struct err *err, const struct err *from)
{
    if (err && err != from)
        *err = *from;
    return -from->kind;
}
