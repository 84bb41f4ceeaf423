/* api/auth.c: accounts, tokens and policies as one snapshot, read again when a ConfigMap or Secret
 * changed; who sends a request and what he may do. Source: argo-cd util/settings/accounts.go,
 * util/session/sessionmanager.go. */
#include <openssl/hmac.h>

#include "api/impl.h"
#include "base/log.h"
#include "kube/object.h"

#define TOKEN_BYTES_MAX 8192

struct auth {
    struct arena arena;
    const struct rbac *rbac;
    str key; /* server.secretkey */
    bool anonymous;
    VEC(struct account) accounts;
    struct settings settings;
};

static value data_of(struct informer *i, str ns, const char *name, struct arena *a)
{
    const struct doc *d = informer_find(i, ns, str_of(name));
    if (!d)
        return VALUE_ABSENT;
    arena_on_done(a, (void (*)(void *))doc_unref, doc_ref(d));
    return value_getz(doc_root(d), "data");
}

/* A key of a Secret's data, decoded. */
static str secret_get(value data, struct arena *a, str key)
{
    str bytes;
    return base64_parse(a, value_str(value_get(data, key)), &bytes) ? bytes : STR("");
}

static struct account *account_get(struct auth *auth, str name)
{
    for (size_t i = 0; i < auth->accounts.n; i++)
        if (str_eq(auth->accounts.at[i].name, name))
            return &auth->accounts.at[i];
    struct account fresh = {.name = arena_str(&auth->arena, name), .enabled = true};
    vec_push(&auth->arena, &auth->accounts, fresh);
    return &auth->accounts.at[auth->accounts.n - 1];
}

static void read_password(struct auth *auth, struct account *x, value secret, str prefix)
{
    struct arena *a = &auth->arena;
    usec at;
    x->password_hash = secret_get(secret, a, ARENA_CAT(a, prefix, STR("password")));
    if (time_parse(secret_get(secret, a, ARENA_CAT(a, prefix, STR("passwordMtime"))), &at))
        x->password_at = at / USEC_PER_SEC;
    str tokens = secret_get(secret, a, ARENA_CAT(a, prefix, STR("tokens")));
    if (!tokens.len || json_parse(tokens, NULL, a, &x->tokens, NULL))
        x->tokens = VALUE_ABSENT;
}

static void capabilities(struct account *x, str text)
{
    str one;
    while (str_next(&text, ',', &one)) {
        one = str_trim(one);
        x->login |= str_is(one, "login");
        x->api_key |= str_is(one, "apiKey");
    }
}

/* accounts.<name> and accounts.<name>.enabled; `admin` always. */
static void read_accounts(struct auth *auth, value cm, value secret)
{
    struct arena *a = &auth->arena;
    struct account *admin = account_get(auth, STR("admin"));
    admin->login = true;
    admin->enabled = !str_is(value_str(value_getz(cm, "admin.enabled")), "false");
    read_password(auth, admin, secret, STR("admin."));
    for (struct value_iter it = value_iter(cm); value_next(&it);) {
        str name = str_trim_prefix(it.key, STR("accounts.")), sub;
        if (name.len == it.key.len)
            continue;
        if (!str_rcut(name, '.', &name, &sub))
            name = sub, sub = STR("");
        if (str_is(sub, "enabled"))
            account_get(auth, name)->enabled = !str_is(value_str(it.val), "false");
        else if (!sub.len)
            capabilities(account_get(auth, name), value_str(it.val));
    }
    for (size_t i = 1; i < auth->accounts.n; i++)
        read_password(auth, &auth->accounts.at[i], secret,
                      ARENA_CAT(a, STR("accounts."), auth->accounts.at[i].name, STR(".")));
}

static struct auth *auth_read(struct api *api)
{
    struct auth *auth = calloc(1, sizeof(*auth));
    str ns = api->config.namespace;
    struct err err;
    if (!auth)
        abort();
    arena_init(&auth->arena, (size_t)64 << 20);
    struct arena *a = &auth->arena;
    value cm = data_of(api->config_maps, ns, "argocd-cm", a);
    value params = data_of(api->config_maps, ns, "argocd-cmd-params-cm", a);
    value policy = data_of(api->config_maps, ns, "argocd-rbac-cm", a);
    value secret = data_of(api->secrets, ns, "argocd-secret", a);
    auth->key = secret_get(secret, a, STR("server.secretkey"));
    auth->anonymous = str_is(value_str(value_getz(cm, "users.anonymous.enabled")), "true");
    settings_read(cm, params, ns, a, &auth->settings);
    read_accounts(auth, cm, secret);
    if (rbac_read(policy, a, &auth->rbac, &err))
        LOG(LOG_LEVEL_ERROR, "argocd-rbac-cm: %s", err.text);
    return auth;
}

void auth_free(struct auth *auth)
{
    if (!auth)
        return;
    arena_done(&auth->arena);
    free(auth);
}

const struct auth *auth_now(struct api *api)
{
    if (!informer_synced(api->config_maps) || !informer_synced(api->secrets))
        return NULL;
    uint64_t now[] = {informer_version(api->config_maps), informer_version(api->secrets), 1};
    if (memcmp(now, api->auth_version, sizeof(now)) == 0)
        return api->auth;
    auth_free(api->auth);
    api->auth = auth_read(api);
    memcpy(api->auth_version, now, sizeof(now));
    return api->auth;
}

const struct rbac *auth_rbac(const struct auth *auth) { return auth->rbac; }

const struct settings *auth_settings(const struct auth *auth) { return &auth->settings; }

size_t auth_accounts(const struct auth *auth, const struct account **ret)
{
    *ret = auth->accounts.at;
    return auth->accounts.n;
}

const struct account *auth_account(const struct auth *auth, str name)
{
    for (size_t i = 0; i < auth->accounts.n; i++)
        if (str_eq(auth->accounts.at[i].name, name))
            return &auth->accounts.at[i];
    return NULL;
}

/* ---- tokens ---- */

static str signature(const struct auth *auth, str text, struct arena *a)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!HMAC(EVP_sha256(), auth->key.at, (int)auth->key.len, (const unsigned char *)text.at,
              text.len, mac, &n))
        abort();
    return base64url_str(a, str_mem(mac, n));
}

str auth_sign(const struct auth *auth, value claims, struct arena *a)
{
    str head = base64url_str(a, STR("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"));
    str body = base64url_str(a, json_str(a, claims, AUDIENCE_WIRE, 0));
    str text = ARENA_CAT(a, head, STR("."), body);
    return ARENA_CAT(a, text, STR("."), signature(auth, text, a));
}

/* Equal, in time that does not depend on where they differ. */
static bool same_bytes(str a, str b)
{
    unsigned char differ = 0;
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        differ |= (unsigned char)a.at[i] ^ (unsigned char)b.at[i];
    return differ == 0;
}

/* Claims of a token that we signed; absent otherwise. Only HS256: a token never chooses its
 * algorithm. */
static value token_claims(const struct auth *auth, str token, struct arena *a)
{
    str signed_part, mac, head, body, head_json, body_json;
    value header, claims;
    if (token.len > TOKEN_BYTES_MAX || !auth->key.len ||
        !str_rcut(token, '.', &signed_part, &mac) || !str_cut(signed_part, '.', &head, &body))
        return VALUE_ABSENT;
    if (!base64url_parse(a, head, &head_json) || json_parse(head_json, NULL, a, &header, NULL) ||
        !str_is(value_str(value_getz(header, "alg")), "HS256") ||
        !same_bytes(signature(auth, signed_part, a), mac))
        return VALUE_ABSENT;
    if (!base64url_parse(a, body, &body_json) || json_parse(body_json, NULL, a, &claims, NULL) ||
        !str_is(value_str(value_getz(claims, "iss")), "argocd"))
        return VALUE_ABSENT;
    return claims;
}

static bool listed(value tokens, value claims)
{
    str id = value_str(value_getz(claims, "jti"));
    int64_t at = value_int(value_getz(claims, "iat"));
    for (struct value_iter it = value_iter(tokens); value_next(&it);) {
        str its = value_str(value_getz(it.val, "id"));
        if (id.len && its.len ? str_eq(its, id) : value_int(value_getz(it.val, "iat")) == at)
            return true;
    }
    return false;
}

static bool project_token_good(struct api *api, str subject, value claims)
{
    str rest = str_from(subject, 5), project, role;
    if (!str_cut(rest, ':', &project, &role))
        return false;
    const struct doc *d = informer_find(api->projects, api->config.namespace, project);
    value in_status = value_path(d ? doc_root(d) : VALUE_ABSENT, "status.jwtTokensByRole");
    value tokens = value_getz(value_get(in_status, role), "items");
    if (listed(tokens, claims))
        return true;
    value roles = value_path(d ? doc_root(d) : VALUE_ABSENT, "spec.roles");
    for (struct value_iter it = value_iter(roles); value_next(&it);)
        if (str_eq(value_str(value_getz(it.val, "name")), role) &&
            listed(value_getz(it.val, "jwtTokens"), claims))
            return true;
    return false;
}

/* sub is "name:login" or "name:apiKey" (older ones: "name"). */
static bool account_token_good(const struct auth *auth, str subject, value claims, str *ret_name)
{
    str name, capability;
    if (!str_rcut(subject, ':', &name, &capability))
        name = subject, capability = STR("login");
    const struct account *x = auth_account(auth, name);
    int64_t at = value_int(value_getz(claims, "iat"));
    if (!x || !x->enabled || !value_str(value_getz(claims, "jti")).len || at < x->password_at)
        return false;
    bool key = str_is(capability, "apiKey");
    if (key ? !x->api_key || !listed(x->tokens, claims) : !x->login)
        return false;
    *ret_name = x->name;
    return true;
}

static bool in_time(value claims, int64_t now)
{
    value exp = value_getz(claims, "exp"), nbf = value_getz(claims, "nbf");
    return (!value_is_number(exp) || value_int(exp) == 0 || now < value_int(exp)) &&
           (!value_is_number(nbf) || value_int(nbf) <= now + 60);
}

/* Authorization: Bearer, or the cookie argocd.token. */
static str find_token(const struct http_request *http)
{
    str header = http_header_find(&http->header, "authorization"), cookies, one;
    if (str_starts(header, STR("Bearer ")))
        return str_trim(str_from(header, 7));
    cookies = http_header_find(&http->header, "cookie");
    while (cookies.at && str_next(&cookies, ';', &one)) {
        one = str_trim(one);
        if (str_starts(one, STR("argocd.token=")))
            return str_from(one, 13);
    }
    return STR("");
}

void auth_user(struct api *api, const struct http_request *http, struct arena *a, usec now,
               struct api_user *ret)
{
    const struct auth *auth = auth_now(api);
    *ret = (struct api_user){0};
    if (!auth)
        return;
    value claims = token_claims(auth, find_token(http), a);
    str subject = value_str(value_getz(claims, "sub"));
    if (!subject.len || !in_time(claims, now / USEC_PER_SEC))
        return;
    if (str_starts(subject, STR("proj:"))) {
        if (!project_token_good(api, subject, claims))
            return;
        ret->name = subject;
    } else if (!account_token_good(auth, subject, claims, &ret->name)) {
        return;
    }
    ret->name = arena_str(a, ret->name);
    ret->subject = arena_str(a, subject);
    ret->issued_at = value_int(value_getz(claims, "iat"));
    ret->logged_in = true;
}

/* ---- permission ---- */

/* The project an object belongs to: the text before the first "/", for the resources that have one.
 */
static value project_of(struct api_request *r, str resource, str object)
{
    static const char *const with_project[] = {"applications", "applicationsets",
                                               "repositories", "clusters",
                                               "logs",         "exec"};
    str name = STR(""), rest;
    if (str_is(resource, "projects"))
        name = object;
    for (size_t i = 0; i < ARRAY_LEN(with_project); i++)
        if (str_is(resource, with_project[i]) && !str_cut(object, '/', &name, &rest))
            name = STR("");
    const struct doc *d =
        name.len ? informer_find(r->api->projects, r->api->config.namespace, name) : NULL;
    return d ? doc_root(d) : VALUE_ABSENT;
}

bool allowed(struct api_request *r, str resource, str action, str object)
{
    const struct auth *auth = auth_now(r->api);
    if (!auth || (!r->user.logged_in && !auth->anonymous))
        return false;
    value project = project_of(r, resource, object);
    if (str_starts(r->user.name, STR("proj:"))) {
        str own, role;
        str_cut(str_from(r->user.name, 5), ':', &own, &role);
        if (value_exists(project) && !str_eq(value_path_str(project, "metadata.name"), own))
            return false;
    }
    return rbac_allows(auth->rbac, project, r->user.name, resource, action, object);
}

bool allowed_or_denied(struct api_request *r, str resource, str action, str object)
{
    char at[TIME_RFC3339_BYTES];
    if (allowed(r, resource, action, object))
        return true;
    time_print(r->user.issued_at * USEC_PER_SEC, at);
    answer_error(r, GRPC_DENIED, "permission denied: %.*s, %.*s, %.*s, sub: %.*s, iat: %s",
                 STR_FMT(resource), STR_FMT(action), STR_FMT(object), STR_FMT(r->user.name), at);
    return false;
}
