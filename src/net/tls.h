/* net/tls.h: keys, certificates and trust for server.h and client.h (OpenSSL; TLS 1.2 and 1.3
 * only).
 *
 * A tls_context is immutable after creation and may be used by many connections of one loop; it is
 * reference-counted by its connections, so a server can be given a new one while old connections go
 * on. Private keys appear in no message. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/time.h"

struct tls_context;

struct tls_client_config { /* all optional; PEM text, not file names; copied */
    str ca_pem;            /* one or more certificates; "" : the system's */
    str cert_pem, key_pem; /* client certificate (chain) and key, both or none */
    str server_name;       /* name to send and to verify; "" : the URL's host */
    bool insecure;         /* do not verify */
};

/* Server side, ALPN h2 and http/1.1. client_ca_pem: "" or the CAs whose client certificates are
 * asked for (optional for the peer). -ERR_INVALID names which PEM did not parse or that key and
 * certificate do not match. */
int tls_server_new(str cert_pem, str key_pem, str client_ca_pem, struct tls_context **ret,
                   struct err *err) MUST_CHECK;
/* Client side; `offer_h2`: ALPN h2 before http/1.1. */
int tls_client_new(const struct tls_client_config *config, bool offer_h2, struct tls_context **ret,
                   struct err *err) MUST_CHECK;
struct tls_context *tls_context_ref(struct tls_context *t);
void tls_context_unref(struct tls_context *t); /* NULL is fine */

/* Make an ECDSA P-256 key and a self-signed certificate (CA:TRUE, server and client auth) valid
 * from an hour before `now` for `days`. names: DNS names or IP addresses for subjectAltName, the
 * first is the common name. PEM is appended. */
int tls_self_signed(const str *name, size_t n_names, usec wall_now, int days,
                    struct buf *ret_cert_pem, struct buf *ret_key_pem, struct err *err) MUST_CHECK;

#endif
