/* microkube/review.c: kinds that are only ever created: access reviews (everything is allowed), who
 * am I. */
#include "microkube/core.h"

#define ADMIN STR("kubernetes-admin")

static str user_of(const struct mk_ctx *c) { return c->req->user.len ? c->req->user : ADMIN; }

static void answer_access(struct mk_ctx *c, value v)
{
    value_set_path(c->a, v, "status.allowed", value_of_bool(c->a, true));
}

static void answer_rules(struct mk_ctx *c, value v)
{
    static const char status[] =
        "{\"resourceRules\":[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"]}],"
        "\"nonResourceRules\":[{\"verbs\":[\"*\"],\"nonResourceURLs\":[\"*\"]}],\"incomplete\":"
        "false}";
    value s;
    if (json_parse(str_of(status), NULL, c->a, &s, NULL) == 0)
        value_setz(c->a, v, "status", s);
}

static void answer_self(struct mk_ctx *c, value v)
{
    value_set_path(c->a, v, "status.userInfo.username", value_of_str(c->a, user_of(c)));
    value groups = value_new_list(c->a);
    value_push(c->a, groups, value_of_str(c->a, STR("system:masters")));
    value_push(c->a, groups, value_of_str(c->a, STR("system:authenticated")));
    value_set_path(c->a, v, "status.userInfo.groups", groups);
}

static void answer_token(struct mk_ctx *c, value v)
{
    value_set_path(c->a, v, "status.authenticated", value_of_bool(c->a, true));
    value_set_path(c->a, v, "status.user.username", value_of_str(c->a, user_of(c)));
}

static const struct {
    const char *kind;
    void (*answer)(struct mk_ctx *c, value v);
} reviews[] = {
    {"SelfSubjectAccessReview", answer_access},  {"SubjectAccessReview", answer_access},
    {"LocalSubjectAccessReview", answer_access}, {"SelfSubjectRulesReview", answer_rules},
    {"SelfSubjectReview", answer_self},          {"TokenReview", answer_token},
};

int mk_review(struct mk_ctx *c)
{
    value v;
    if (c->req->method != METHOD_POST || c->p.name.len)
        return mk_method_not_allowed(c);
    if (mk_read_body(c, &v) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(reviews); i++) {
        if (!str_is(c->r->kind, reviews[i].kind))
            continue;
        mk_track(c, VALUE_ABSENT, false, v);
        reviews[i].answer(c, v);
        mk_answer_json(c, 201, v);
        return 0;
    }
    return mk_method_not_allowed(c);
}
