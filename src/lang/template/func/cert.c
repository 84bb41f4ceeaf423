/* lang/template/func/cert.c: keys and X.509 certificates.
 *
 * Extensions stand in Go's order: key usage, extended key usage, basic constraints, key ids,
 * alternative names. Source: Sprig 3.3 crypto.go; Go crypto/x509. */
#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/dsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/time.h"
#include "lang/template/func/base_n.h"
#include "lang/template/func/random.h"
#include "lang/template/func/rows.h"
#include "lang/template/print.h"
#include "lang/template/run.h"

#define RSA_BITS 2048
#define RSA_BITS_OF_GENERATE 4096
#define RSA_STEPS 2000000 /* some 100 ms */
#define SERIAL_BITS 128

struct certificate {
    str cert, key;
};

static tval field_cert(const void *object, struct arena *a)
{
    return template_str(((const struct certificate *)object)->cert);
}

static tval field_key(const void *object, struct arena *a)
{
    return template_str(((const struct certificate *)object)->key);
}

static const struct template_field FIELDS[] = {{"Cert", "Cert", field_cert},
                                               {"Key", "Key", field_key},
                                               {0}};

static bool same(const void *a, const void *b)
{
    const struct certificate *x = a, *y = b;
    return str_eq(x->cert, y->cert) && str_eq(x->key, y->key);
}

const struct template_type TEMPLATE_T_CERTIFICATE = {TEMPLATE_STRUCT, "sprig.certificate",
                                                     .field = FIELDS, .comparable = true,
                                                     .equal = same};

static void free_key(EVP_PKEY **k) { EVP_PKEY_free(*k); }
static void free_cert(X509 **x) { X509_free(*x); }
static void free_bio(BIO **b) { BIO_free(*b); }

/* ---- PEM ---- */

static str bio_text(struct template_call *c, BIO *b)
{
    char *at;
    long n = BIO_get_mem_data(b, &at);
    return arena_str(c->arena, str_mem(at, (size_t)n));
}

/* PKCS #1, SEC 1 or DSA's own form; PKCS #8 for what has none. */
static str key_text(struct template_call *c, EVP_PKEY *key)
{
    CLEANUP(free_bio) BIO *b = BIO_new(BIO_s_mem());
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
        PEM_write_bio_PKCS8PrivateKey(b, key, NULL, NULL, 0, NULL, NULL);
    else
        PEM_write_bio_PrivateKey_traditional(b, key, NULL, NULL, 0, NULL, NULL);
    return bio_text(c, b);
}

/* First block of a text: its type and bytes in the arena. */
static bool pem_block(struct template_call *c, str text, str *ret_type, str *ret_bytes)
{
    CLEANUP(free_bio) BIO *b = BIO_new_mem_buf(text.at, (int)text.len);
    char *name = NULL, *header = NULL;
    unsigned char *data = NULL;
    long len = 0;
    bool ok = b && PEM_read_bio(b, &name, &header, &data, &len);
    ERR_clear_error();
    if (ok) {
        *ret_type = arena_str(c->arena, str_of(name));
        *ret_bytes = arena_str(c->arena, str_mem(data, (size_t)len));
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    return ok;
}

static const struct {
    const char *type, *label;
    int id;
} KEY_FORM[] = {{"RSA PRIVATE KEY", "parsing RSA private key from PEM", EVP_PKEY_RSA},
                {"EC PRIVATE KEY", "parsing EC private key from PEM", EVP_PKEY_EC},
                {"DSA PRIVATE KEY", "parsing DSA private key from PEM", EVP_PKEY_DSA},
                {"PRIVATE KEY", "decoding PEM as PKCS#8", EVP_PKEY_NONE}};

/* NULL: *ret_problem says why. */
static EVP_PKEY *parse_key(struct template_call *c, str text, str *ret_problem)
{
    str type, bytes;
    EVP_PKEY *key = NULL;
    if (!pem_block(c, text, &type, &bytes)) {
        *ret_problem = STR("no PEM data in input");
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(KEY_FORM); i++) {
        if (!str_is(type, KEY_FORM[i].type))
            continue;
        const unsigned char *at = (const unsigned char *)bytes.at;
        key = KEY_FORM[i].id == EVP_PKEY_NONE
                  ? d2i_AutoPrivateKey(NULL, &at, (long)bytes.len)
                  : d2i_PrivateKey(KEY_FORM[i].id, NULL, &at, (long)bytes.len);
        ERR_clear_error();
        if (!key)
            *ret_problem = arena_printf(c->arena, "%s: asn1: structure error", KEY_FORM[i].label);
        return key;
    }
    if (!str_ends(type, STR(" PRIVATE KEY")))
        *ret_problem = ARENA_CAT(c->arena, STR("no private key data in PEM block of type "), type);
    else
        *ret_problem = ARENA_CAT(c->arena, STR("invalid private key type "), type);
    return NULL;
}

static int parse_cert(struct template_call *c, str text, const char *label, X509 **ret)
{
    str type, bytes;
    if (!pem_block(c, text, &type, &bytes))
        return template_fail(c, "unable to decode certificate");
    const unsigned char *at = (const unsigned char *)bytes.at;
    *ret = d2i_X509(NULL, &at, (long)bytes.len);
    ERR_clear_error();
    if (!*ret)
        return template_fail(c, "error parsing certificate: %s: x509: malformed certificate",
                             label);
    return 0;
}

/* ---- making keys ---- */

static EVP_PKEY *make_dsa(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_DSA, NULL), *of = NULL;
    EVP_PKEY *parameters = NULL, *key = NULL;
    if (ctx && EVP_PKEY_paramgen_init(ctx) > 0 &&
        EVP_PKEY_CTX_set_dsa_paramgen_bits(ctx, 2048) > 0 &&
        EVP_PKEY_CTX_set_dsa_paramgen_q_bits(ctx, 256) > 0 &&
        EVP_PKEY_paramgen(ctx, &parameters) > 0)
        of = EVP_PKEY_CTX_new(parameters, NULL);
    if (of && EVP_PKEY_keygen_init(of) > 0)
        (void)EVP_PKEY_keygen(of, &key);
    EVP_PKEY_CTX_free(of);
    EVP_PKEY_free(parameters);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static int make_rsa(struct template_call *c, unsigned bits, uint64_t steps, EVP_PKEY **ret)
{
    int rc = template_charge(c, steps);
    if (rc)
        return rc;
    *ret = EVP_RSA_gen(bits);
    return *ret ? 0 : template_fail(c, "error generating rsa key");
}

int func_gen_private_key(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str type = template_text(arg[0]);
    CLEANUP(free_key) EVP_PKEY *key = NULL;
    int rc = 0;
    if (!type.len || str_is(type, "rsa")) {
        rc = make_rsa(c, RSA_BITS_OF_GENERATE, RSA_STEPS * 8, &key);
    } else if (str_is(type, "dsa")) {
        rc = template_charge(c, RSA_STEPS * 8);
        key = rc ? NULL : make_dsa();
    } else if (str_is(type, "ecdsa")) {
        key = EVP_EC_gen("P-256");
    } else if (str_is(type, "ed25519")) {
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    } else {
        *ret = template_str(ARENA_CAT(c->arena, STR("Unknown type "), type));
        return 0;
    }
    if (rc)
        return rc;
    *ret = template_str(key ? key_text(c, key) : STR("failed to generate private key"));
    return 0;
}

/* ---- making certificates ---- */

struct request {
    str name;
    tval ips, names; /* lists, maybe nil */
    int64_t days;
    bool is_ca;
};

static bool add_extension(X509 *x, X509V3_CTX *ctx, int nid, const char *text)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, ctx, nid, text);
    bool ok = e && X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    return ok;
}

static int bad_name(struct template_call *c, const char *what, tval v)
{
    struct buf b = BUF_INIT;
    print_verb(&b, c->arena, v, 'v');
    int rc = template_fail(c, "%s: %.*s is not a string", what, STR_FMT(buf_str(&b)));
    buf_done(&b);
    return rc;
}

static bool push_name(GENERAL_NAMES *to, int type, ASN1_STRING *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, type, text);
    return sk_GENERAL_NAME_push(to, name) > 0;
}

static int add_ip(struct template_call *c, GENERAL_NAMES *to, tval v)
{
    unsigned char ip[16];
    v = template_unwrap(v);
    if (v.type != &TEMPLATE_T_STRING)
        return bad_name(c, "error parsing ip", v);
    char *z = arena_cstr(c->arena, template_text(v));
    int len = inet_pton(AF_INET, z, ip) == 1 ? 4 : inet_pton(AF_INET6, z, ip) == 1 ? 16 : 0;
    if (!len)
        return template_fail(c, "error parsing ip: %s", z);
    ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(s, ip, len);
    (void)push_name(to, GEN_IPADD, s);
    return 0;
}

static int add_dns(struct template_call *c, GENERAL_NAMES *to, tval v)
{
    v = template_unwrap(v);
    if (v.type != &TEMPLATE_T_STRING)
        return bad_name(c, "error processing alternate dns name", v);
    ASN1_IA5STRING *s = ASN1_IA5STRING_new();
    ASN1_STRING_set(s, v.text, (int)v.len);
    (void)push_name(to, GEN_DNS, s);
    return 0;
}

/* Addresses are looked at first (their error comes first), names stand first. */
static int alternative_names(struct template_call *c, const struct request *r, GENERAL_NAMES *ips,
                             GENERAL_NAMES *names)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < template_len(r->ips); i++)
        rc = add_ip(c, ips, template_at(r->ips, i));
    for (size_t i = 0; !rc && i < template_len(r->names); i++)
        rc = add_dns(c, names, template_at(r->names, i));
    while (!rc && sk_GENERAL_NAME_num(ips) > 0)
        (void)sk_GENERAL_NAME_push(names, sk_GENERAL_NAME_shift(ips));
    return rc;
}

static void set_serial(struct template_call *c, X509 *x)
{
    unsigned char bytes[SERIAL_BITS / 8];
    random_fill(c, bytes, sizeof bytes);
    BIGNUM *n = BN_bin2bn(bytes, sizeof bytes, NULL);
    (void)BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
    BN_free(n);
}

static void set_times(struct template_call *c, X509 *x, int64_t days)
{
    const struct template_env *env = &c->run->env;
    usec now = env->now ? env->now(env->source_arg) : time_wall_now();
    time_t from = (time_t)(now / USEC_PER_SEC);
    /* a duration of Go ends after 292 years */
    int64_t most = INT64_MAX / 1000000000 / 86400;
    days = days > most ? most : days < -most ? -most : days;
    (void)ASN1_TIME_set(X509_getm_notBefore(x), from);
    (void)ASN1_TIME_set(X509_getm_notAfter(x), from + (time_t)(days * 86400));
}

static const EVP_MD *digest_for(EVP_PKEY *key)
{
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
        return NULL;
    int bits = EVP_PKEY_get_base_id(key) == EVP_PKEY_EC ? EVP_PKEY_get_bits(key) : 0;
    return bits > 384 ? EVP_sha512() : bits > 256 ? EVP_sha384() : EVP_sha256();
}

static bool add_extensions(X509 *x, X509 *issuer, const struct request *r, GENERAL_NAMES *names)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer ? issuer : x, x, NULL, NULL, 0);
    bool ok = add_extension(x, &ctx, NID_key_usage,
                            r->is_ca ? "critical,digitalSignature,keyEncipherment,keyCertSign"
                                     : "critical,digitalSignature,keyEncipherment") &&
              add_extension(x, &ctx, NID_ext_key_usage, "serverAuth,clientAuth") &&
              add_extension(x, &ctx, NID_basic_constraints,
                            r->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (ok && r->is_ca)
        ok = add_extension(x, &ctx, NID_subject_key_identifier, "hash");
    if (ok && issuer && X509_get0_subject_key_id(issuer))
        ok = add_extension(x, &ctx, NID_authority_key_identifier, "keyid");
    if (ok && sk_GENERAL_NAME_num(names) > 0)
        ok = X509_add1_ext_i2d(x, NID_subject_alt_name, names, !r->name.len, 0) == 1;
    return ok;
}

static bool fill_cert(struct template_call *c, X509 *x, X509 *issuer, const struct request *r,
                      EVP_PKEY *key, GENERAL_NAMES *names)
{
    X509_NAME *subject = X509_get_subject_name(x);
    (void)X509_set_version(x, 2);
    set_serial(c, x);
    set_times(c, x, r->days);
    if (r->name.len &&
        !X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)r->name.at,
                                    (int)r->name.len, -1, 0))
        return false;
    return X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : subject) &&
           X509_set_pubkey(x, key) && add_extensions(x, issuer, r, names);
}

/* issuer NULL: signed by itself. */
static int make_cert(struct template_call *c, const struct request *r, EVP_PKEY *key, X509 *issuer,
                     EVP_PKEY *issuer_key, tval *ret)
{
    GENERAL_NAMES *ips = GENERAL_NAMES_new(), *names = GENERAL_NAMES_new();
    CLEANUP(free_cert) X509 *x = X509_new();
    CLEANUP(free_bio) BIO *b = BIO_new(BIO_s_mem());
    int rc = alternative_names(c, r, ips, names);
    if (!rc && EVP_PKEY_get_base_id(key) == EVP_PKEY_DSA)
        rc = template_fail(c, "error creating certificate: x509: unsupported public key type: "
                              "*dsa.PublicKey");
    if (!rc && (!fill_cert(c, x, issuer, r, key, names) ||
                !X509_sign(x, issuer_key, digest_for(issuer_key)) || !PEM_write_bio_X509(b, x)))
        rc = template_fail(c, "error creating certificate");
    GENERAL_NAMES_free(ips);
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    if (rc)
        return rc;
    struct certificate *made = ARENA_NEW(c->arena, struct certificate);
    made->cert = bio_text(c, b);
    made->key = key_text(c, key);
    *ret = template_object(&TEMPLATE_T_CERTIFICATE, made);
    return 0;
}

/* The key: made anew, or read from a text (may be NULL: none given). */
static int take_key(struct template_call *c, const tval *pem, EVP_PKEY **ret)
{
    str problem;
    if (!pem)
        return make_rsa(c, RSA_BITS, RSA_STEPS, ret);
    *ret = parse_key(c, template_text(*pem), &problem);
    return *ret ? 0 : template_fail(c, "parsing private key: %.*s", STR_FMT(problem));
}

static int self_signed(struct template_call *c, const struct request *r, const tval *pem, tval *ret)
{
    CLEANUP(free_key) EVP_PKEY *key = NULL;
    int rc = take_key(c, pem, &key);
    return rc ? rc : make_cert(c, r, key, NULL, key, ret);
}

static int signed_by(struct template_call *c, const struct request *r, tval ca, const tval *pem,
                     tval *ret)
{
    const struct certificate *issuer = ca.p;
    CLEANUP(free_key) EVP_PKEY *key = NULL, *issuer_key = NULL;
    CLEANUP(free_cert) X509 *x = NULL;
    str problem;
    int rc = take_key(c, pem, &key);
    if (!rc)
        rc = parse_cert(c, issuer->cert, "decodedSignerCert.Bytes", &x);
    if (rc)
        return rc;
    issuer_key = parse_key(c, issuer->key, &problem);
    if (!issuer_key)
        return template_fail(c, "error parsing private key: %.*s", STR_FMT(problem));
    return make_cert(c, r, key, x, issuer_key, ret);
}

int func_gen_ca(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct request r = {.name = template_text(arg[0]), .days = arg[1].i, .is_ca = true};
    return self_signed(c, &r, n > 2 ? &arg[2] : NULL, ret);
}

int func_gen_self_signed_cert(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct request r = {template_text(arg[0]), arg[1], arg[2], arg[3].i, false};
    return self_signed(c, &r, n > 4 ? &arg[4] : NULL, ret);
}

int func_gen_signed_cert(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct request r = {template_text(arg[0]), arg[1], arg[2], arg[3].i, false};
    return signed_by(c, &r, arg[4], n > 5 ? &arg[5] : NULL, ret);
}

int func_build_custom_cert(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str cert, key_pem, problem;
    size_t bad;
    CLEANUP(free_cert) X509 *x = NULL;
    CLEANUP(free_key) EVP_PKEY *key = NULL;
    if (!base64_read(template_text(arg[0]), c->arena, &cert, &bad))
        return template_fail(c, "unable to decode base64 certificate");
    if (!base64_read(template_text(arg[1]), c->arena, &key_pem, &bad))
        return template_fail(c, "unable to decode base64 private key");
    int rc = parse_cert(c, cert, "decodedCert.Bytes", &x);
    if (rc)
        return rc;
    key = parse_key(c, key_pem, &problem);
    if (!key)
        return template_fail(c, "error parsing private key: %.*s", STR_FMT(problem));
    struct certificate *made = ARENA_NEW(c->arena, struct certificate);
    *made = (struct certificate){cert, key_pem};
    *ret = template_object(&TEMPLATE_T_CERTIFICATE, made);
    return 0;
}
