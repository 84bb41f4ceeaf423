/* net/tls.c: contexts and self-signed certificates with OpenSSL; see the header. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/digest.h"
#include "net/tls_impl.h"

struct tls_context {
    SSL_CTX *ctx;
    uint32_t refs;
    bool server, insecure;
    char *server_name; /* client: NULL means the host of the URL */
};

int tls_err(struct err *err, int kind, SSL *ssl, const char *what)
{
    char text[200] = "unknown reason";
    unsigned long code = ERR_peek_last_error();
    long verify = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
    if (verify != X509_V_OK) {
        ERR_clear_error();
        return err_set(err, ERR_UNAUTHENTICATED, "%s: certificate: %s", what,
                       X509_verify_cert_error_string(verify));
    }
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    if (reason)
        (void)snprintf(text, sizeof(text), "%s", reason);
    ERR_clear_error();
    return err_set(err, kind, "%s: %s", what, text);
}

static void bio_freep(BIO **b) { BIO_free(*b); }
static void x509_freep(X509 **x) { X509_free(*x); }
static void pkey_freep(EVP_PKEY **k) { EVP_PKEY_free(*k); }

static BIO *bio_of(str pem)
{
    return BIO_new_mem_buf(pem.len ? pem.at : "", (int)MIN_OF(pem.len, (size_t)1 << 24));
}

/* Certificate chain (leaf first) and key into the context. */
static int use_identity(SSL_CTX *ctx, str cert_pem, str key_pem, struct err *err)
{
    CLEANUP(bio_freep) BIO *cert_bio = bio_of(cert_pem);
    CLEANUP(bio_freep) BIO *key_bio = bio_of(key_pem);
    CLEANUP(x509_freep) X509 *leaf = PEM_read_bio_X509_AUX(cert_bio, NULL, NULL, NULL);
    if (!leaf || SSL_CTX_use_certificate(ctx, leaf) != 1)
        return tls_err(err, ERR_INVALID, NULL, "certificate PEM");
    for (X509 *more; (more = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL));)
        if (SSL_CTX_add0_chain_cert(ctx, more) != 1) {
            X509_free(more);
            return tls_err(err, ERR_INVALID, NULL, "certificate chain");
        }
    ERR_clear_error(); /* the end of the PEM is reported as an error */
    CLEANUP(pkey_freep) EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, (char *)"");
    if (!key)
        return tls_err(err, ERR_INVALID, NULL, "private key PEM");
    if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
        return tls_err(err, ERR_INVALID, NULL, "private key does not belong to the certificate");
    return 0;
}

static int use_cas(SSL_CTX *ctx, str ca_pem, bool announce, struct err *err)
{
    CLEANUP(bio_freep) BIO *bio = bio_of(ca_pem);
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    size_t n = 0;
    for (X509 *ca; (ca = PEM_read_bio_X509(bio, NULL, NULL, NULL)); n++) {
        bool ok = X509_STORE_add_cert(store, ca) == 1 &&
                  (!announce || SSL_CTX_add_client_CA(ctx, ca) == 1);
        X509_free(ca);
        if (!ok)
            return tls_err(err, ERR_INVALID, NULL, "CA certificate");
    }
    if (n == 0)
        return tls_err(err, ERR_INVALID, NULL, "CA certificate PEM");
    ERR_clear_error();
    return 0;
}

static struct tls_context *context_new(bool server)
{
    struct tls_context *t = calloc(1, sizeof(*t));
    if (!t)
        abort();
    t->refs = 1;
    t->server = server;
    t->ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    if (!t->ctx)
        abort();
    SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
    SSL_CTX_set_mode(t->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(t->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                    SSL_OP_IGNORE_UNEXPECTED_EOF);
    return t;
}

static int alpn_select(SSL *ssl, const unsigned char **out, unsigned char *outlen,
                       const unsigned char *in, unsigned int inlen, void *arg)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    (void)ssl;
    (void)arg;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, outlen, ours, sizeof(ours) - 1, in, inlen) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static void context_unrefp(struct tls_context **t) { tls_context_unref(*t); }

/* An untrusted or missing client certificate is the handler's business, not a failed handshake. */
static int accept_any(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    (void)store;
    return 1;
}

int tls_server_new(str cert_pem, str key_pem, str client_ca_pem, struct tls_context **ret,
                   struct err *err)
{
    CLEANUP(context_unrefp) struct tls_context *t = context_new(true);
    int rc = use_identity(t->ctx, cert_pem, key_pem, err);
    if (rc == 0 && client_ca_pem.len) {
        rc = use_cas(t->ctx, client_ca_pem, true, err);
        SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, accept_any);
    }
    if (rc)
        return rc;
    SSL_CTX_set_alpn_select_cb(t->ctx, alpn_select, NULL);
    SSL_CTX_set_session_id_context(t->ctx, (const unsigned char *)"tiphys", 6);
    *ret = TAKE(t);
    return 0;
}

int tls_client_new(const struct tls_client_config *config, bool offer_h2, struct tls_context **ret,
                   struct err *err)
{
    static const unsigned char both[] = "\x02h2\x08http/1.1", one[] = "\x08http/1.1";
    CLEANUP(context_unrefp) struct tls_context *t = context_new(false);
    int rc = 0;
    t->insecure = config->insecure;
    if (config->server_name.len)
        t->server_name = strndup(config->server_name.at, config->server_name.len);
    if (config->ca_pem.len)
        rc = use_cas(t->ctx, config->ca_pem, false, err);
    else if (!config->insecure && SSL_CTX_set_default_verify_paths(t->ctx) != 1)
        rc = tls_err(err, ERR_INVALID, NULL, "loading the system's CA certificates");
    if (rc == 0 && (config->cert_pem.len || config->key_pem.len))
        rc = use_identity(t->ctx, config->cert_pem, config->key_pem, err);
    if (rc)
        return rc;
    SSL_CTX_set_verify(t->ctx, config->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (offer_h2)
        SSL_CTX_set_alpn_protos(t->ctx, both, sizeof(both) - 1);
    else
        SSL_CTX_set_alpn_protos(t->ctx, one, sizeof(one) - 1);
    *ret = TAKE(t);
    return 0;
}

struct tls_context *tls_context_ref(struct tls_context *t)
{
    if (t)
        t->refs++;
    return t;
}

void tls_context_unref(struct tls_context *t)
{
    if (!t || --t->refs)
        return;
    SSL_CTX_free(t->ctx);
    free(t->server_name);
    free(t);
}

static bool is_ip(const char *name)
{
    unsigned char raw[16];
    return inet_pton(AF_INET, name, raw) == 1 || inet_pton(AF_INET6, name, raw) == 1;
}

SSL *tls_context_open(struct tls_context *t, const char *host)
{
    SSL *ssl = SSL_new(t->ctx);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (!ssl || !in || !out)
        abort();
    SSL_set_bio(ssl, in, out);
    if (t->server) {
        SSL_set_accept_state(ssl);
        return ssl;
    }
    const char *name = t->server_name ? t->server_name : host;
    if (is_ip(name)) {
        if (!t->insecure)
            X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
    } else {
        SSL_set_tlsext_host_name(ssl, name);
        if (!t->insecure)
            SSL_set1_host(ssl, name);
    }
    SSL_set_connect_state(ssl);
    return ssl;
}

/* ---- self-signed certificates ---- */

static bool add_extension(X509 *x, int nid, const char *text)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, text);
    bool ok = e && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

/* "DNS:a,IP:127.0.0.1"; a name with a comma or colon that is no address could add names of its own:
 * refused. */
static int san_text(const str *name, size_t n_names, struct buf *san, struct err *err)
{
    for (size_t i = 0; i < n_names; i++) {
        CLEANUP(buf_done) struct buf one = {.bytes_max = 300};
        buf_add(&one, name[i]);
        bool ip = one.len && !one.overflow && is_ip(one.at);
        bool bad = one.len == 0 || one.overflow;
        for (size_t k = 0; k < one.len && !ip; k++)
            bad |= !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.*",
                           one.at[k]);
        if (bad)
            return err_set(err, ERR_INVALID,
                           "certificate name '%.*s' is neither a DNS name nor an "
                           "IP address",
                           STR_FMT(name[i]));
        buf_printf(san, "%s%s:%s", i ? "," : "", ip ? "IP" : "DNS", one.at);
    }
    return 0;
}

static bool fill_certificate(X509 *x, EVP_PKEY *key, str common_name, const char *san,
                             usec wall_now, int days)
{
    uint64_t serial;
    time_t from = (time_t)(wall_now / USEC_PER_SEC) - 3600;
    random_bytes(&serial, sizeof(serial));
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1);
    ASN1_TIME_set(X509_getm_notBefore(x), from);
    ASN1_TIME_set(X509_getm_notAfter(x), from + 3600 + (time_t)days * 86400);
    X509_set_pubkey(x, key);
    X509_NAME *subject = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, (const unsigned char *)"Tiphys", -1, -1,
                               0);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)common_name.at,
                               (int)MIN_OF(common_name.len, (size_t)64), -1, 0);
    return X509_set_issuer_name(x, subject) == 1 &&
           add_extension(x, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(x, NID_key_usage,
                         "critical,digitalSignature,keyEncipherment,keyCertSign") &&
           add_extension(x, NID_ext_key_usage, "serverAuth,clientAuth") &&
           add_extension(x, NID_subject_key_identifier, "hash") &&
           add_extension(x, NID_subject_alt_name, san) && X509_sign(x, key, EVP_sha256()) != 0;
}

static void add_bio(struct buf *out, BIO *bio)
{
    char *at;
    long n = BIO_get_mem_data(bio, &at);
    if (n > 0)
        buf_add(out, (str){at, (size_t)n});
}

int tls_self_signed(const str *name, size_t n_names, usec wall_now, int days,
                    struct buf *ret_cert_pem, struct buf *ret_key_pem, struct err *err)
{
    CLEANUP(buf_done) struct buf san = {.bytes_max = 1 << 16};
    CLEANUP(pkey_freep) EVP_PKEY *key = NULL;
    CLEANUP(x509_freep) X509 *x = X509_new();
    CLEANUP(bio_freep) BIO *cert_bio = BIO_new(BIO_s_mem());
    CLEANUP(bio_freep) BIO *key_bio = BIO_new(BIO_s_mem());
    if (n_names == 0)
        return err_set(err, ERR_INVALID, "a certificate needs at least one name");
    int rc = san_text(name, n_names, &san, err);
    if (rc)
        return rc;
    key = EVP_EC_gen("P-256");
    if (!key || !x || !cert_bio || !key_bio ||
        !fill_certificate(x, key, name[0], san.at, wall_now, days) ||
        PEM_write_bio_X509(cert_bio, x) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return tls_err(err, ERR_INTERNAL, NULL, "making a self-signed certificate");
    add_bio(ret_cert_pem, cert_bio);
    add_bio(ret_key_pem, key_bio);
    return 0;
}
