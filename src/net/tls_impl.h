/* net/tls_impl.h: what conn.c needs of a tls_context; private to net/. */
#ifndef NET_TLS_IMPL_H
#define NET_TLS_IMPL_H

#include <openssl/ssl.h>

#include "net/tls.h"

/* A new connection's state with memory BIOs attached; the caller frees it. host: name for SNI and
 * verification when the config had no server name (client side; ignored on the server's). Never
 * NULL. */
SSL *tls_context_open(struct tls_context *t, const char *host);

/* The reason of the last OpenSSL failure of this thread; clears the queue. ssl may be NULL. */
int tls_err(struct err *err, int kind, SSL *ssl, const char *what);

#endif
