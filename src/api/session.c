/* api/session.c: login, accounts, can-i. Source: argo-cd server/session, server/account,
 * util/session. */
#include <crypt.h>
#include <stdlib.h>

#include "api/impl.h"

#define USER_BYTES_MAX 32
#define FAILURES_MAX 5
#define FAILURE_WINDOW_US (300 * USEC_PER_SEC)
#define FAILURE_NAMES_MAX 10000
#define LOGINS_RUNNING_MAX 50
#define BAD_LOGIN "Invalid username or password"

struct login_failure {
    usec at;
    unsigned n;
};

struct login {
    char password[256], hash[128];
    bool good;
    struct timer delay;
};

struct login_state {
    struct api_request *r;
    struct timer delay;
    str name;
};

static void check(void *arg, struct answer *ret)
{
    struct login *l = arg;
    struct crypt_data *scratch = calloc(1, sizeof(*scratch));
    if (!scratch)
        abort();
    const char *made = crypt_r(l->password, l->hash, scratch);
    l->good = made && made[0] != '*' && strcmp(made, l->hash) == 0;
    bool *good = malloc(sizeof(*good));
    if (!good)
        abort();
    *good = l->good;
    explicit_bzero(scratch, sizeof(*scratch));
    free(scratch);
    ret->result = good;
    ret->drop = free;
}

static void login_free(void *arg)
{
    explicit_bzero(arg, sizeof(struct login));
    free(arg);
}

static struct login_failure *failure_of(struct api *api, str name, usec now)
{
    struct login_failure *f = map_find(&api->failures, name);
    if (f && now - f->at > FAILURE_WINDOW_US)
        f->n = 0;
    return f;
}

/* When there are too many names all counts start again: the memory is bounded, the window short. */
static void note_failure(struct api *api, str name, usec now)
{
    struct login_failure *f = failure_of(api, name, now);
    if (!f && map_len(&api->failures) >= FAILURE_NAMES_MAX) {
        arena_reset(&api->failure_arena);
        map_init(&api->failures, &api->failure_arena);
    }
    if (!f) {
        f = ARENA_NEW(&api->failure_arena, struct login_failure);
        map_set(&api->failures, arena_str(&api->failure_arena, name), f);
    }
    f->n++;
    f->at = now;
}

static void refuse(void *arg)
{
    struct login_state *s = arg;
    answer_error(s->r, GRPC_UNAUTHENTICATED, BAD_LOGIN);
}

/* Between 0.5 and 1 s later: guessing is slow, and an unknown name takes as long as a wrong
 * password. */
static void refuse_later(struct login_state *s)
{
    struct api *api = s->r->api;
    metric_add(api->login_total, 1, LABELS(STR("failure")));
    timer_init(&s->delay, api->config.loop, refuse, s);
    timer_arm_in(&s->delay,
                 500 * USEC_PER_MS + (usec)(loop_random(api->config.loop) % (500 * USEC_PER_MS)));
}

str random_uuid(struct arena *a)
{
    unsigned char b[16];
    random_bytes(b, sizeof(b));
    b[6] = (unsigned char)((b[6] & 15) | 64);
    b[8] = (unsigned char)((b[8] & 63) | 128);
    str h = hex_str(a, b, sizeof(b));
    return arena_printf(a, "%.8s-%.4s-%.4s-%.4s-%.12s", h.at, h.at + 8, h.at + 12, h.at + 16,
                        h.at + 20);
}

static usec session_duration(const struct settings *s)
{
    usec d;
    str text = value_str(value_getz(s->cm, "users.session.duration"));
    return text.len && duration_parse(text, &d) && d > 0 ? d : 24 * USEC_PER_HOUR;
}

static void send_token(struct api_request *r, str name)
{
    const struct auth *auth = auth_now(r->api);
    struct arena *a = r->a;
    int64_t now = r->now / USEC_PER_SEC;
    value claims = value_new_map(a), v = value_new_map(a);
    value_set_str(a, claims, "iss", STR("argocd"));
    value_setz(a, claims, "sub", value_of_str(a, ARENA_CAT(a, name, STR(":login"))));
    value_setz(a, claims, "exp",
               value_of_int(a, now + session_duration(auth_settings(auth)) / USEC_PER_SEC));
    value_setz(a, claims, "nbf", value_of_int(a, now));
    value_setz(a, claims, "iat", value_of_int(a, now));
    value_set_str(a, claims, "jti", random_uuid(a));
    str token = auth_sign(auth, claims, a);
    value_set_str(a, v, "token", token);
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    struct http_header header[] = {
        {STR("Content-Type"), STR("application/json")},
        {STR("Grpc-Metadata-Content-Type"), STR("application/grpc")},
        {STR("Set-Cookie"), arena_printf(a, "argocd.token=%.*s; path=/; SameSite=lax; httpOnly%s",
                                         STR_FMT(token), r->http->tls ? "; Secure" : "")},
    };
    json_print(v, AUDIENCE_WIRE, 0, &out);
    metric_add(r->api->login_total, 1, LABELS(STR("success")));
    http_reply_send(r->reply, 200, header, ARRAY_LEN(header), buf_str(&out));
}

static void checked(void *arg, struct answer *ans)
{
    struct login_state *s = arg;
    struct api *api = s->r->api;
    bool good = ans->rc == 0 && *(bool *)ans->result;
    const struct auth *auth = auth_now(api);
    const struct account *x = auth ? auth_account(auth, s->name) : NULL;
    api->n_logins_running--;
    if (good && x && x->enabled && x->login && x->password_hash.len) {
        map_remove(&api->failures, s->name);
        send_token(s->r, s->name);
        return;
    }
    note_failure(api, s->name, loop_now(api->config.loop));
    refuse_later(s);
}

static bool too_many_failures(struct api *api, str name)
{
    struct login_failure *f = failure_of(api, name, loop_now(api->config.loop));
    return f && f->n >= FAILURES_MAX;
}

void handle_session_create(struct api_request *r)
{
    /* of a password nobody has: an unknown account costs the same time */
    static const char nobody[] = "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
    struct api *api = r->api;
    str name = value_str(value_getz(r->body, "username"));
    str password = value_str(value_getz(r->body, "password"));
    if (value_str(value_getz(r->body, "token")).len) {
        answer_error(r, GRPC_UNAUTHENTICATED,
                     "token-based session creation no longer supported. please upgrade argocd cli "
                     "to v0.7+");
        return;
    }
    if (!name.len || !password.len) {
        answer_error(r, GRPC_UNAUTHENTICATED, "no credentials supplied");
        return;
    }
    struct login_state *s = ARENA_NEW(r->a, struct login_state);
    s->r = r;
    s->name = name;
    struct login *l = calloc(1, sizeof(*l));
    if (!l)
        abort();
    if (name.len > USER_BYTES_MAX || password.len >= sizeof(l->password) ||
        str_find_char(password, '\0') >= 0 || too_many_failures(api, name) ||
        api->n_logins_running >= LOGINS_RUNNING_MAX) {
        free(l);
        refuse_later(s);
        return;
    }
    const struct account *x = auth_account(auth_now(api), name);
    str hash = x && x->password_hash.len ? x->password_hash : str_of(nobody);
    (void)snprintf(l->password, sizeof(l->password), "%.*s", STR_FMT(password));
    (void)snprintf(l->hash, sizeof(l->hash), "%.*s", STR_FMT(hash));
    api->n_logins_running++;
    pool_submit(api->config.pool, check, l, login_free,
                call_open(api->config.loop, 60 * USEC_PER_SEC, checked, s));
}

void handle_session_delete(struct api_request *r) { answer_empty(r); }

void handle_userinfo(struct api_request *r)
{
    struct arena *a = r->a;
    value v = value_new_map(a);
    if (r->user.logged_in) {
        value_setz(a, v, "loggedIn", value_of_bool(a, true));
        value_set_str(a, v, "username", r->user.name);
        value_set_str(a, v, "iss", STR("argocd"));
    }
    answer_value(r, v);
}

/* ---- accounts ---- */

static value account_public(struct arena *a, const struct account *x)
{
    value v = value_new_map(a), can = value_new_list(a);
    value_setz(a, v, "name", value_of_str(a, x->name));
    value_setz(a, v, "enabled", x->enabled ? value_of_bool(a, true) : VALUE_ABSENT);
    if (x->api_key)
        value_push(a, can, value_of_str(a, STR("apiKey")));
    if (x->login)
        value_push(a, can, value_of_str(a, STR("login")));
    if (value_len(can))
        value_setz(a, v, "capabilities", can);
    if (!value_len(x->tokens))
        return v;
    value tokens = value_edit_list(a, v, STR("tokens"));
    for (struct value_iter it = value_iter(x->tokens); value_next(&it);) {
        value t = value_new_map(a);
        value_setz(a, t, "id", value_getz(it.val, "id"));
        value_setz(a, t, "issuedAt", value_getz(it.val, "iat"));
        value_setz(a, t, "expiresAt", value_getz(it.val, "exp"));
        value_push(a, tokens, t);
    }
    return v;
}

static bool may_see(struct api_request *r, const struct account *x)
{
    return str_eq(x->name, r->user.name) || allowed(r, STR("accounts"), STR("get"), x->name);
}

void handle_accounts(struct api_request *r)
{
    const struct account *x;
    size_t n = auth_accounts(auth_now(r->api), &x);
    value v = value_new_map(r->a), items = value_new_list(r->a);
    for (size_t i = 0; i < n; i++)
        if (may_see(r, &x[i]))
            value_push(r->a, items, account_public(r->a, &x[i]));
    value_setz(r->a, v, "items", items);
    answer_value(r, v);
}

void handle_account(struct api_request *r)
{
    if (!str_eq(r->var[0], r->user.name) &&
        !allowed_or_denied(r, STR("accounts"), STR("get"), r->var[0]))
        return;
    const struct account *x = auth_account(auth_now(r->api), r->var[0]);
    if (!x)
        answer_error(r, GRPC_NOT_FOUND, "account '%.*s' does not exist", STR_FMT(r->var[0]));
    else
        answer_value(r, account_public(r->a, x));
}

static bool one_of(struct api_request *r, const char *const *list, str name)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    for (size_t i = 0; list[i]; i++) {
        if (str_is(name, list[i]))
            return true;
        buf_printf(&text, "%s%s", i ? " " : "", list[i]);
    }
    answer_error(r, GRPC_INVALID, "[%s] does not contain %.*s", text.at, STR_FMT(name));
    return false;
}

void handle_can_i(struct api_request *r)
{
    struct arena *a = r->a;
    str head, rest;
    if (!str_cut(r->var[1], '/', &head, &rest))
        head = r->var[1];
    if (!one_of(r, rbac_resources, r->var[0]) || !one_of(r, rbac_actions, head))
        return;
    value v = value_new_map(a);
    value_set_str(a, v, "value",
                  allowed(r, r->var[0], r->var[1], r->var[2]) ? STR("yes") : STR("no"));
    answer_value(r, v);
}
