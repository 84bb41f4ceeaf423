/* source/web.h: a conversation with web servers under one identity; private to source/.
 *
 * A `struct web` answers one question after the other (a second may be asked when the first has
 * ended): redirects are followed, connections to an origin are kept until the end, everything ends
 * at one deadline. The Authorization of a question goes with it to where url_may_follow_with_secret
 * allows, and is dropped for good elsewhere. Answers of another status than 200 keep the first
 * WEB_ERROR_BODY_MAX bytes of their body.
 *
 * Errors read as those of Go's HTTP client: `Get "URL": dial tcp: lookup x: no such host`, `Get
 * "URL": stopped after 10 redirects`; the URL without user, password and query. Owner: one loop. */
#ifndef SOURCE_WEB_H
#define SOURCE_WEB_H

#include "base/digest.h"
#include "net/client.h"
#include "source/url.h"

#define WEB_REDIRECTS_MAX 10
#define WEB_ERROR_BODY_MAX ((size_t)64 << 10)

struct web_config { /* text is copied */
    struct tls_client_config tls;
    str proxy, no_proxy;
    str user_agent;
    usec timeout_us; /* from web_new on */
};

struct web_request { /* text is copied */
    str url;
    str accept;
    str authorization; /* value of the header, or empty: user and password of the URL, if any */
    size_t bytes_max;  /* of the body */
    int fd;            /* the body of a 200 is written there; -1: kept in memory */
};

struct web_answer { /* valid during the callback */
    int status;
    str status_text; /* "404 Not Found" */
    struct http_headers header;
    str body;
    size_t bytes;         /* of the body */
    struct sha256 digest; /* of the body of a 200 */
    str url;              /* the last one, as asked */
    bool redirected_away; /* the last server is of another origin than the first */
};

struct web;
struct web *web_new(struct loop *l, const struct web_config *config);
void web_free(struct web *w); /* no callback runs any more; allowed inside one; NULL is fine */

/* rc 0: an answer, whatever its status. Runs from the loop, never inside web_get. */
typedef void web_done_fn(void *arg, int rc, const struct web_answer *answer, const struct err *err);
void web_get(struct web *w, const struct web_request *r, web_done_fn *done, void *arg);
bool web_answered(const struct web *w);     /* the head of an answer came; then it failed */
uint64_t web_requests(const struct web *w); /* sent so far, redirects included */

/* Value of an Authorization header. */
str web_basic(struct arena *a, str username, str password);
/* The proxy that golang.org/x/net/http/httpproxy picks for the URL; empty: none. */
str web_proxy_for(struct arena *a, const struct url *u, str proxy, str no_proxy);

#endif
