/* source/url.h: URLs as Go's net/url takes them apart and puts them together; private to source/.
 *
 * Percent escapes stay as they were written. Values borrow from the text they were parsed from or
 * from the arena. Pure. Source: RFC 3986; Go net/url; helm pkg/repo (ResolveReferenceURL). */
#ifndef SOURCE_URL_H
#define SOURCE_URL_H

#include "base/arena.h"
#include "base/err.h"

#define URL_BYTES_MAX 8192

struct url {
    str scheme; /* lower case not enforced; empty: a relative reference */
    str user;   /* "user:password" as written, or empty */
    str host;   /* "name", "name:port", "[v6]:port" */
    str path;   /* with escapes */
    str query;  /* without "?" */
    bool has_authority;
};

/* -ERR_INVALID with Go's text: `parse "http://[::1": missing ']' in host`. */
int url_parse(str text, struct url *ret, struct err *err) MUST_CHECK;
str url_str(struct arena *a, const struct url *u); /* with user and password */
/* The text with control characters as Go's %q writes them, into `room`; cut to fit. */
str url_quoted(str text, char *room, size_t size);
/* The same without user, password and query: for logs and errors. */
str url_shown(struct arena *a, str url);
/* ResolveReference. */
struct url url_resolve(struct arena *a, const struct url *base, const struct url *ref);
/* A chart's URL in index.yaml: relative ones go below the repository's URL and keep its query. */
int url_of_chart(struct arena *a, str repo_url, str ref, str *ret, struct err *err) MUST_CHECK;
/* The repository's URL with `part` joined to its path (path.Join), query kept. */
int url_join(struct arena *a, str repo_url, str part, str *ret, struct err *err) MUST_CHECK;
bool url_is_http(const struct url *u); /* http or https */
str url_hostname(const struct url *u); /* without port and brackets */
str url_port(const struct url *u);     /* as written, or that of http and https */
/* Same scheme, name and port. */
bool url_same_origin(const struct url *a, const struct url *b);
/* May what was meant for `from` go to `to`, where a redirect leads? The same origin, or the same
 * name on the usual ports from http to https. */
bool url_may_follow_with_secret(const struct url *from, const struct url *to);

#endif
