/* api/passwords.c: changing passwords, making and revoking API tokens: writes to argocd-secret.
 * Source: argo-cd server/account/account.go, util/settings/accounts.go. */
#include <crypt.h>
#include <stdlib.h>

#include "api/impl.h"
#include "base/digest.h"
#include "kube/object.h"

#define CALL_TIMEOUT_US (60 * USEC_PER_SEC)
#define PASSWORD_BYTES_MAX 256
#define PASSWORD_CHARS_MIN 8
#define PASSWORD_CHARS_MAX 32
#define BCRYPT_COST 10
#define TOKENS_MAX 1000

/* ---- argocd-secret ---- */

static str key_of(struct arena *a, str account, const char *what)
{
    if (str_is(account, "admin"))
        return ARENA_CAT(a, STR("admin."), str_of(what));
    return ARENA_CAT(a, STR("accounts."), account, STR("."), str_of(what));
}

struct secret_write {
    struct api_request *r;
    value answer;
};

static void secret_written(void *arg, struct answer *ans)
{
    struct secret_write *w = arg;
    if (ans->rc) {
        answer_err(w->r, &ans->err);
        return;
    }
    informer_put(w->r->api->secrets, ans->result);
    answer_value(w->r, w->answer);
}

/* data: keys of argocd-secret and their plain text. The resourceVersion guards against a writer in
 * between. */
static void write_secret(struct api_request *r, value texts, value answer)
{
    struct arena *a = r->a;
    struct secret_write *w = ARENA_NEW(a, struct secret_write);
    const struct doc *d =
        informer_find(r->api->secrets, r->api->config.namespace, STR("argocd-secret"));
    const struct cluster_options o = {.field_manager = STR("argocd")};
    const struct cluster_target t = {.gvk = {.version = STR("v1"), .kind = STR("Secret")},
                                     .ns = r->api->config.namespace,
                                     .name = STR("argocd-secret")};
    value patch = value_new_map(a), data = value_edit_map(a, patch, STR("data"));
    if (!d) {
        answer_error(r, GRPC_UNKNOWN, "secret \"argocd-secret\" not found");
        return;
    }
    value_setz(a, value_edit_map(a, patch, STR("metadata")), "resourceVersion",
               value_of_str(a, object_resource_version(doc_root(d))));
    for (struct value_iter it = value_iter(texts); value_next(&it);)
        value_set(a, data, it.key, value_borrow_str(a, base64_str(a, value_str(it.val))));
    *w = (struct secret_write){r, answer};
    cluster_patch(r->api->config.home, &t, CLUSTER_PATCH_MERGE,
                  json_str(a, patch, AUDIENCE_WIRE, 0), &o,
                  call_open(r->api->config.loop, CALL_TIMEOUT_US, secret_written, w));
}

/* ---- passwords ---- */

struct change { /* travels to the pool and back */
    char current[PASSWORD_BYTES_MAX], fresh[PASSWORD_BYTES_MAX], hash[128], made[128];
    bool good;
};
struct change_state {
    struct api_request *r;
    str account;
};

static bool bcrypt(const char *password, const char *setting, char ret[128])
{
    struct crypt_data *scratch = calloc(1, sizeof(*scratch));
    if (!scratch)
        abort();
    const char *made = crypt_r(password, setting, scratch);
    bool ok = made && made[0] != '*';
    (void)snprintf(ret, 128, "%s", ok ? made : "");
    explicit_bzero(scratch, sizeof(*scratch));
    free(scratch);
    return ok;
}

static void change_free(void *arg)
{
    explicit_bzero(arg, sizeof(struct change));
    free(arg);
}

static void check_and_hash(void *arg, struct answer *ret)
{
    const struct change *in = arg;
    struct change *out = calloc(1, sizeof(*out));
    char *salt = crypt_gensalt_ra("$2a$", BCRYPT_COST, NULL, 0);
    char again[128];
    if (!out || !salt)
        abort();
    out->good = bcrypt(in->current, in->hash, again) && strcmp(again, in->hash) == 0;
    if (out->good && !bcrypt(in->fresh, salt, out->made))
        out->good = false;
    free(salt);
    ret->result = out;
    ret->drop = change_free;
}

/* Characters, not bytes: "." of the pattern is one code point. */
static size_t characters(str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.at[i] & 0xc0) != 0x80;
    return n;
}

static bool pattern_holds(struct api_request *r, str fresh)
{
    const struct settings *s = auth_settings(auth_now(r->api));
    str pattern = value_str(value_getz(s->cm, "passwordPattern"));
    size_t n = characters(fresh);
    if (pattern.len && !str_is(pattern, "^.{8,32}$")) {
        answer_error(r, GRPC_UNIMPLEMENTED, "passwordPattern is not supported yet");
        return false;
    }
    if (n >= PASSWORD_CHARS_MIN && n <= PASSWORD_CHARS_MAX && str_find_char(fresh, '\n') < 0 &&
        str_find_char(fresh, '\0') < 0)
        return true;
    answer_error(r, GRPC_UNKNOWN,
                 "new password does not match the following expression: ^.{8,32}$");
    return false;
}

static void changed(void *arg, struct answer *ans)
{
    struct change_state *s = arg;
    struct api_request *r = s->r;
    const struct change *c = ans->result;
    struct arena *a = r->a;
    if (ans->rc) {
        answer_err(r, &ans->err);
        return;
    }
    if (!c->good) {
        answer_error(r, GRPC_INVALID, "current password does not match");
        return;
    }
    if (!pattern_holds(r, value_str(value_getz(r->body, "newPassword"))))
        return;
    if (!auth_account(auth_now(r->api), s->account)) {
        answer_error(r, GRPC_NOT_FOUND, "account '%.*s' does not exist", STR_FMT(s->account));
        return;
    }
    value texts = value_new_map(a);
    value_set(a, texts, key_of(a, s->account, "password"), value_of_str(a, str_of(c->made)));
    value_set(a, texts, key_of(a, s->account, "passwordMtime"),
              value_of_str(a, time_str(a, r->now)));
    write_secret(r, texts, value_new_map(a));
}

void handle_password(struct api_request *r)
{
    const struct auth *auth = auth_now(r->api);
    str name = value_str(value_getz(r->body, "name"));
    str current = value_str(value_getz(r->body, "currentPassword"));
    str fresh = value_str(value_getz(r->body, "newPassword"));
    if (!name.len)
        name = r->user.name;
    if (!str_eq(name, r->user.name) && !allowed_or_denied(r, STR("accounts"), STR("update"), name))
        return;
    const struct account *caller = auth_account(auth, r->user.name);
    if (!caller || !caller->password_hash.len || current.len >= PASSWORD_BYTES_MAX ||
        str_find_char(current, '\0') >= 0) {
        answer_error(r, GRPC_INVALID, "current password does not match");
        return;
    }
    struct change_state *s = ARENA_NEW(r->a, struct change_state);
    struct change *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    *s = (struct change_state){r, name};
    (void)snprintf(c->current, sizeof(c->current), "%.*s", STR_FMT(current));
    (void)snprintf(c->fresh, sizeof(c->fresh), "%.*s", STR_FMT(fresh));
    (void)snprintf(c->hash, sizeof(c->hash), "%.*s", STR_FMT(caller->password_hash));
    pool_submit(r->api->config.pool, check_and_hash, c, change_free,
                call_open(r->api->config.loop, CALL_TIMEOUT_US, changed, s));
}

/* ---- tokens ---- */

static const struct account *account_to_change(struct api_request *r)
{
    str name = r->var[0];
    if (!str_eq(name, r->user.name) && !allowed_or_denied(r, STR("accounts"), STR("update"), name))
        return NULL;
    const struct account *x = auth_account(auth_now(r->api), name);
    if (!x)
        answer_error(r, GRPC_NOT_FOUND, "account '%.*s' does not exist", STR_FMT(name));
    return x;
}

static value token_claims(struct api_request *r, str subject, str id, int64_t now, int64_t expires)
{
    struct arena *a = r->a;
    value claims = value_new_map(a);
    value_set_str(a, claims, "iss", STR("argocd"));
    value_setz(a, claims, "sub", value_of_str(a, subject));
    if (expires)
        value_setz(a, claims, "exp", value_of_int(a, expires));
    value_setz(a, claims, "nbf", value_of_int(a, now));
    value_setz(a, claims, "iat", value_of_int(a, now));
    value_setz(a, claims, "jti", value_of_str(a, id));
    return claims;
}

static bool token_known(const struct account *x, str id)
{
    for (struct value_iter it = value_iter(x->tokens); value_next(&it);)
        if (str_eq(value_str(value_getz(it.val, "id")), id))
            return true;
    return false;
}

static void write_tokens(struct api_request *r, const struct account *x, value tokens, value answer)
{
    value texts = value_new_map(r->a);
    value_set(r->a, texts, key_of(r->a, x->name, "tokens"),
              value_borrow_str(r->a, json_str(r->a, tokens, AUDIENCE_WIRE, 0)));
    write_secret(r, texts, answer);
}

void handle_token_create(struct api_request *r)
{
    struct arena *a = r->a;
    const struct account *x = account_to_change(r);
    value in = value_getz(r->body, "expiresIn");
    int64_t seconds = value_int(in), now = r->now / USEC_PER_SEC;
    str id = value_str(value_getz(r->body, "id"));
    if (!x)
        return;
    if (value_is_string(in) && !str_to_i64(value_str(in), &seconds)) {
        answer_error(r, GRPC_INVALID, "expiresIn must be a number of seconds");
        return;
    }
    if (!id.len)
        id = random_uuid(a);
    if (!x->api_key) {
        answer_error(r, GRPC_UNKNOWN,
                     "failed to update account with new token: account '%.*s' does not have apiKey "
                     "capability",
                     STR_FMT(x->name));
        return;
    }
    if (token_known(x, id)) {
        answer_error(r, GRPC_UNKNOWN,
                     "failed to update account with new token: account already has token with id "
                     "'%.*s'",
                     STR_FMT(id));
        return;
    }
    if (value_len(x->tokens) >= TOKENS_MAX || seconds < 0) {
        answer_error(r, GRPC_INVALID,
                     "an account keeps at most %d tokens, which expire later than now", TOKENS_MAX);
        return;
    }
    int64_t expires = seconds ? now + seconds : 0;
    value tokens = value_new_list(a), one = value_new_map(a), answer = value_new_map(a);
    for (struct value_iter it = value_iter(x->tokens); value_next(&it);)
        value_push(a, tokens, value_copy(a, it.val));
    value_setz(a, one, "id", value_of_str(a, id));
    value_setz(a, one, "iat", value_of_int(a, now));
    if (expires)
        value_setz(a, one, "exp", value_of_int(a, expires));
    value_push(a, tokens, one);
    str subject = ARENA_CAT(a, x->name, STR(":apiKey"));
    value_setz(a, answer, "token",
               value_borrow_str(a, auth_sign(auth_now(r->api),
                                             token_claims(r, subject, id, now, expires), a)));
    write_tokens(r, x, tokens, answer);
}

void handle_token_delete(struct api_request *r)
{
    struct arena *a = r->a;
    const struct account *x = account_to_change(r);
    if (!x)
        return;
    if (!token_known(x, r->var[1])) {
        answer_error(r, GRPC_NOT_FOUND, "token with id '%.*s' does not exist", STR_FMT(r->var[1]));
        return;
    }
    value tokens = value_new_list(a);
    for (struct value_iter it = value_iter(x->tokens); value_next(&it);)
        if (!str_eq(value_str(value_getz(it.val, "id")), r->var[1]))
            value_push(a, tokens, value_copy(a, it.val));
    write_tokens(r, x, tokens, value_new_map(a));
}
