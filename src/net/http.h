/* net/http.h: the shapes of an HTTP message, shared by the server, the client and microkube's core.
 *
 * Everything is a borrowed view: whoever hands out a message says how long it lives (server.h:
 * until the exchange ends; client.h: during the callback). Header names keep the case they came in
 * (HTTP/2: lower) and are compared without case; order is kept. Pure: nothing here does I/O.
 * Source: RFC 9110, RFC 3986; query strings as Go's net/url ParseQuery (keys in order of arrival,
 * "+" is a blank, a piece with a malformed escape or with ";" is dropped and reported). */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define HTTP_HEADERS_MAX 128 /* fields of one message; more: 431 */
#define HTTP_QUERY_PAIRS_MAX 1024

enum method {
    METHOD_NONE,
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_OTHER, /* answered 405 by the server before any handler sees it */
    METHOD_COUNT
};
str method_name(enum method m);     /* "GET"; METHOD_NONE and METHOD_OTHER: "" */
enum method method_parse(str name); /* exact case; METHOD_OTHER when unknown */

struct http_header {
    str name, value;
};
struct http_headers {
    struct http_header *at;
    size_t n, cap; /* grows in an arena */
};
/* First field of that name; an empty str with at == NULL when missing. Borrowed from the list. */
str http_header_find(const struct http_headers *h, const char *name);
bool http_header_has(const struct http_headers *h, const char *name);
/* Append; name and value are borrowed and must live as long as the arena. */
void http_header_add(struct arena *a, struct http_headers *h, str name, str value);

struct http_request {
    enum method method;
    str target; /* as received: "/apis/apps/v1/deployments?watch=true" */
    str path;   /* the part before "?", percent escapes as received (a "%2F" is not a separator) */
    str query;  /* the part after "?", raw; "" without */
    str authority; /* Host or :authority */
    bool tls;
    int version; /* 10, 11, 20 */
    struct http_headers header;
    str body;
    str peer; /* "127.0.0.1:49152" */
};

struct http_response {
    int status;
    str reason; /* client: as an HTTP/1.1 server wrote it; HTTP/2: empty */
    struct http_headers header;
    str body; /* empty for a streamed answer */
    struct http_headers trailer;
};

/* Connection, Keep-Alive, Transfer-Encoding, Content-Length, Date...: written by server and client
 * themselves, a caller's own are left out. */
bool http_header_is_hop(str name);
/* No CR, LF or NUL: such a name or value would forge fields; it is left out of answers and refused
 * in requests. */
bool http_header_is_clean(str text);

/* Text of a status code ("Not Found"), "" when unknown. */
const char *http_status_text(int status);

/* ---- targets and query strings ---- */

/* Fill target, path and query of r from an origin-form target. */
void http_target_split(str target, struct http_request *r);

struct http_query_pair {
    str key, value; /* decoded */
};
struct http_query {
    struct http_query_pair *at;
    size_t n;
    bool malformed; /* at least one piece was dropped: Go's ParseQuery error */
};
/* Split and decode; text lives in the arena or in `raw`. At most HTTP_QUERY_PAIRS_MAX pairs, the
 * rest sets malformed. */
struct http_query http_query_parse(struct arena *a, str raw);
/* First value of key; at == NULL when missing. */
str http_query_find(const struct http_query *q, const char *key);
bool http_query_bool(const struct http_query *q,
                     const char *key); /* "1 t T true TRUE True" are true, as strconv.ParseBool */

/* Percent-decode a path piece ("+" stays); false when an escape is malformed or decodes to NUL. */
bool http_path_decode(struct arena *a, str piece, str *ret);
/* Append with everything but unreserved characters escaped, as url.PathEscape / url.QueryEscape
 * (blank is "+"). */
void http_path_escape(struct buf *out, str s);
void http_query_escape(struct buf *out, str s);
/* Append "key=value" escaped, with "?" or "&" in front as `out` needs it. */
void http_query_add(struct buf *out, const char *key, str value);

/* ---- URLs ---- */

struct http_url {
    bool tls;      /* https */
    str host;      /* without brackets */
    uint16_t port; /* 80 or 443 when not given */
    str path;      /* "" or "/base", without query and without a trailing "/" */
};
/* http:// and https:// only, no user info. -ERR_INVALID says what was wrong. Borrows. */
int http_url_parse(str url, struct http_url *ret, struct err *err) MUST_CHECK;

#endif
