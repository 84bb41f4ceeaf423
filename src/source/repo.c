/* repo.c: what a repository is called and how it is reached, as the Secrets say it. */
#include <ctype.h>
#include <string.h>

#include "base/digest.h"
#include "source/source.h"

/* ---- names ---- */

/* "git@host:path" -> "git@host/path"; a colon followed by a port stays. */
static str scp_to_path(struct arena *a, str url)
{
    ptrdiff_t at = str_find_char(url, '@'), colon = str_find_char(url, ':');
    if (str_find(url, STR("://")) >= 0 || at < 0 || colon < at)
        return url;
    return ARENA_CAT(a, str_sub(url, 0, (size_t)colon), STR("/"),
                     str_trim_prefix(str_from(url, (size_t)colon + 1), STR("/")));
}

str source_url_normal(struct arena *a, str url)
{
    str u = str_trim(url);
    char *lower = arena_cstr(a, u);
    for (size_t i = 0; i < u.len; i++)
        lower[i] = (char)tolower((unsigned char)lower[i]);
    u = str_trim_suffix(str_mem(lower, u.len), STR("/"));
    u = str_trim_suffix(scp_to_path(a, u), STR(".git"));
    return str_trim_prefix(u, STR("ssh://"));
}

/* ---- credentials: one row per field ---- */

enum field_type { FIELD_STR, FIELD_BOOL, FIELD_UNSUPPORTED, FIELD_UNSUPPORTED_BOOL };

static const struct field {
    const char *key;
    enum field_type type;
    size_t at;
    bool credential; /* part of the identity, and inherited from repo-creds */
} fields[] = {
    {"url", FIELD_STR, offsetof(struct source_repo, url), false},
    {"project", FIELD_STR, offsetof(struct source_repo, project), false},
    {"type", FIELD_STR, offsetof(struct source_repo, type), false},
    {"name", FIELD_STR, offsetof(struct source_repo, name), false},
    {"username", FIELD_STR, offsetof(struct source_repo, username), true},
    {"password", FIELD_STR, offsetof(struct source_repo, password), true},
    {"bearerToken", FIELD_STR, offsetof(struct source_repo, bearer_token), true},
    {"sshPrivateKey", FIELD_STR, offsetof(struct source_repo, ssh_private_key), true},
    {"tlsClientCertData", FIELD_STR, offsetof(struct source_repo, tls_client_cert), true},
    {"tlsClientCertKey", FIELD_STR, offsetof(struct source_repo, tls_client_key), true},
    {"proxy", FIELD_STR, offsetof(struct source_repo, proxy), true},
    {"noProxy", FIELD_STR, offsetof(struct source_repo, no_proxy), true},
    {"insecure", FIELD_BOOL, offsetof(struct source_repo, insecure), false},
    {"insecureIgnoreHostKey", FIELD_BOOL, offsetof(struct source_repo, insecure), false},
    {"forceHttpBasicAuth", FIELD_BOOL, offsetof(struct source_repo, force_basic_auth), false},
    {"enableOCI", FIELD_BOOL, offsetof(struct source_repo, enable_oci), false},
    {"insecureOCIForceHttp", FIELD_BOOL, offsetof(struct source_repo, oci_force_http), false},
    {"githubAppPrivateKey", FIELD_UNSUPPORTED, offsetof(struct source_repo, unsupported), true},
    {"gcpServiceAccountKey", FIELD_UNSUPPORTED, offsetof(struct source_repo, unsupported), true},
    {"azureServicePrincipalClientSecret", FIELD_UNSUPPORTED,
     offsetof(struct source_repo, unsupported), true},
    {"useAzureWorkloadIdentity", FIELD_UNSUPPORTED_BOOL, offsetof(struct source_repo, unsupported),
     true},
    {"enableLfs", FIELD_UNSUPPORTED_BOOL, offsetof(struct source_repo, unsupported), false},
};

static str *str_field(const struct source_repo *r, const struct field *f)
{
    return (str *)((char *)(uintptr_t)r + f->at);
}

/* A Secret's entry, whichever way it is written; absent is empty. */
static int secret_entry(value secret, const char *key, struct arena *a, str *ret, struct err *err)
{
    value plain = value_get(value_getz(secret, "stringData"), str_of(key));
    value data = value_get(value_getz(secret, "data"), str_of(key));
    *ret = value_exists(plain) ? arena_str(a, value_str(plain)) : STR("");
    if (value_exists(plain) || value_str(data).len == 0)
        return 0;
    return base64_parse(a, value_str(data), ret)
               ? 0
               : err_set(err, ERR_INVALID, "secret's data.%s is not base64", key);
}

/* strconv.ParseBool */
static int parse_bool(str text, const char *key, bool *ret, struct err *err)
{
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (str_is(text, yes[i]) || str_is(text, no[i])) {
            *ret = str_is(text, yes[i]);
            return 0;
        }
    }
    return err_set(err, ERR_INVALID,
                   "secret's %s: strconv.ParseBool: parsing \"%.*s\": invalid syntax", key,
                   STR_FMT(text));
}

static int read_field(struct source_repo *r, const struct field *f, str text, struct err *err)
{
    bool b = false;
    int rc = 0;
    if (f->type == FIELD_BOOL || f->type == FIELD_UNSUPPORTED_BOOL)
        rc = parse_bool(text, f->key, &b, err);
    if (rc)
        return rc;
    switch (f->type) {
    case FIELD_STR: *str_field(r, f) = text; break;
    case FIELD_BOOL: *(bool *)((char *)r + f->at) |= b; break;
    case FIELD_UNSUPPORTED: *str_field(r, f) = str_of(f->key); break;
    case FIELD_UNSUPPORTED_BOOL:
        if (b)
            *str_field(r, f) = str_of(f->key);
        break;
    }
    return 0;
}

int source_repo_from_secret(value secret, struct arena *a, struct source_repo *ret, struct err *err)
{
    struct source_repo r = {0};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        str text;
        int rc = secret_entry(secret, fields[i].key, a, &text, err);
        if (!rc && text.len)
            rc = read_field(&r, &fields[i], text, err);
        if (rc)
            return rc;
    }
    if (r.url.len == 0)
        return err_set(err, ERR_INVALID, "repository secret has no url");
    *ret = r;
    return 0;
}

bool source_repo_has_credentials(const struct source_repo *r)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (fields[i].credential && str_field(r, &fields[i])->len)
            return true;
    return false;
}

void source_repo_inherit(struct source_repo *r, const struct source_repo *creds)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (fields[i].credential && str_field(r, &fields[i])->len == 0)
            *str_field(r, &fields[i]) = *str_field(creds, &fields[i]);
    r->insecure |= creds->insecure;
    r->force_basic_auth |= creds->force_basic_auth;
    r->enable_oci |= creds->enable_oci;
    r->oci_force_http |= creds->oci_force_http;
    if (!r->type.len)
        r->type = creds->type;
}

/* Go's url.Parse finds no host: "registry.example/charts", "registry.example:5000/charts". */
static bool is_without_scheme(str url)
{
    ptrdiff_t at = str_find(url, STR("://"));
    return url.len && at < 0 && !str_starts(url, STR("//"));
}

bool source_repo_is_oci(const struct source_repo *r)
{
    return r->enable_oci || str_is(r->type, "oci") || str_starts(r->url, STR("oci://")) ||
           is_without_scheme(r->url);
}

void source_repo_copy(struct arena *a, const struct source_repo *from, struct source_repo *ret)
{
    static const size_t others[] = {offsetof(struct source_repo, ca_pem),
                                    offsetof(struct source_repo, ssh_known_hosts)};
    *ret = *from;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (fields[i].type == FIELD_STR)
            *str_field(ret, &fields[i]) = arena_str(a, *str_field(from, &fields[i]));
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        str *s = (str *)((char *)ret + others[i]);
        *s = arena_str(a, *s);
    }
    ret->unsupported = arena_str(a, from->unsupported);
}

static void add_part(struct sha256_stream *s, str part)
{
    uint64_t len = part.len; /* so that no two lists of parts read alike */
    sha256_add(s, str_mem((const char *)&len, sizeof(len)));
    sha256_add(s, part);
}

str source_repo_id(const struct source_repo *r, struct arena *a)
{
    struct sha256_stream *s = sha256_open();
    /* The exact URL too: a path on disk may differ by case only. */
    add_part(s, source_url_normal(a, r->url));
    add_part(s, r->url);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (fields[i].credential)
            add_part(s, *str_field(r, &fields[i]));
    add_part(s, r->ca_pem);
    add_part(s, r->ssh_known_hosts);
    add_part(s, r->insecure ? STR("1") : STR("0"));
    struct sha256 d = sha256_close(s);
    return hex_str(a, d.byte, sizeof(d.byte));
}
