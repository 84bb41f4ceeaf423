/* api/rbac.c: policies; see the header. */
#include "api/rbac.h"

#include "lang/glob.h"

const char *const rbac_resources[] = {"clusters",
                                      "projects",
                                      "applications",
                                      "applicationsets",
                                      "repositories",
                                      "write-repositories",
                                      "certificates",
                                      "accounts",
                                      "gpgkeys",
                                      "logs",
                                      "exec",
                                      "extensions",
                                      NULL};
const char *const rbac_actions[] = {"get",      "create",   "update", "delete", "sync",
                                    "rollback", "override", "action", "invoke", NULL};

struct line {
    str subject;
    const struct glob *resource, *action, *object;
    bool deny;
};
struct grant {
    str member, role;
};
struct policy {
    VEC(struct line) lines;
    VEC(struct grant) grants;
};

struct rbac {
    struct policy policy;
    str default_role;
};

/* resource, actions; of the built-in roles. */
struct builtin {
    const char *role, *resource, *actions;
};
static const struct builtin builtins[] = {
    {"role:readonly", "applications", "get"},
    {"role:readonly", "applicationsets", "get"},
    {"role:readonly", "certificates", "get"},
    {"role:readonly", "clusters", "get"},
    {"role:readonly", "repositories", "get"},
    {"role:readonly", "write-repositories", "get"},
    {"role:readonly", "projects", "get"},
    {"role:readonly", "accounts", "get"},
    {"role:readonly", "gpgkeys", "get"},
    {"role:readonly", "logs", "get"},
    {"role:admin", "applications",
     "create update update/* delete delete/* sync rollback override action/*"},
    {"role:admin", "applicationsets", "get create update delete"},
    {"role:admin", "certificates", "create update delete"},
    {"role:admin", "clusters", "create update delete"},
    {"role:admin", "repositories", "create update delete"},
    {"role:admin", "write-repositories", "create update delete"},
    {"role:admin", "projects", "create update delete"},
    {"role:admin", "accounts", "update"},
    {"role:admin", "gpgkeys", "create delete"},
    {"role:admin", "exec", "create"},
};

static bool add_line(struct policy *p, struct arena *a, str subject, str resource, str action,
                     str object, bool deny)
{
    struct line l = {.subject = subject, .deny = deny};
    if (glob_compile(resource, STR(""), a, &l.resource, NULL) ||
        glob_compile(action, STR(""), a, &l.action, NULL) ||
        glob_compile(object, STR(""), a, &l.object, NULL))
        return true; /* a pattern that does not compile matches nothing, as upstream */
    if (p->lines.n + p->grants.n >= RBAC_LINES_MAX)
        return false;
    vec_push(a, &p->lines, l);
    return true;
}

static void add_grant(struct policy *p, struct arena *a, str member, str role)
{
    struct grant g = {member, role};
    if (p->lines.n + p->grants.n < RBAC_LINES_MAX)
        vec_push(a, &p->grants, g);
}

static void add_builtins(struct policy *p, struct arena *a)
{
    for (size_t i = 0; i < ARRAY_LEN(builtins); i++) {
        str rest = str_of(builtins[i].actions), action;
        bool two_parts = str_is(STR("applications"), builtins[i].resource) ||
                         str_is(STR("applicationsets"), builtins[i].resource) ||
                         str_is(STR("logs"), builtins[i].resource) ||
                         str_is(STR("exec"), builtins[i].resource);
        while (str_next(&rest, ' ', &action))
            add_line(p, a, str_of(builtins[i].role), str_of(builtins[i].resource), action,
                     two_parts ? STR("*/*") : STR("*"), false);
    }
    add_grant(p, a, STR("role:admin"), STR("role:readonly"));
    add_grant(p, a, STR("admin"), STR("role:admin"));
}

/* One CSV field with optional quotes, leading blanks dropped. */
static bool csv_field(str *rest, struct arena *a, str *ret, bool *ret_last)
{
    str s = *rest;
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t'))
        s = str_from(s, 1);
    if (!s.len || s.at[0] != '"') {
        str head, tail;
        *ret_last = !str_cut(s, ',', &head, &tail);
        *ret = str_trim(head);
        *rest = tail;
        return str_find_char(*ret, '"') < 0;
    }
    char *out = arena_alloc(a, s.len);
    size_t n = 0, i = 1;
    for (; i < s.len; i++) {
        if (s.at[i] == '"' && i + 1 < s.len && s.at[i + 1] == '"')
            out[n++] = s.at[i++];
        else if (s.at[i] == '"')
            break;
        else
            out[n++] = s.at[i];
    }
    if (i >= s.len)
        return false; /* the quote never closes */
    s = str_trim(str_from(s, i + 1));
    *ret = (str){out, n};
    *ret_last = s.len == 0;
    if (s.len && s.at[0] != ',')
        return false;
    *rest = s.len ? str_from(s, 1) : s;
    return true;
}

static int csv_line(str line, struct arena *a, str ret[6], size_t *ret_n)
{
    bool last = false;
    size_t n = 0;
    while (!last) {
        str field;
        if (n == 6 || !csv_field(&line, a, &field, &last))
            return -ERR_INVALID;
        ret[n++] = field;
    }
    *ret_n = n;
    return 0;
}

static bool take_line(struct policy *p, struct arena *a, const str f[6], size_t n)
{
    if (str_is(f[0], "g") && n == 3) {
        add_grant(p, a, f[1], f[2]);
        return true;
    }
    bool effect = n == 5 || (n == 6 && (str_is(f[5], "allow") || str_is(f[5], "deny")));
    if (!str_is(f[0], "p") || !effect)
        return false;
    return add_line(p, a, f[1], f[2], f[3], f[4], n == 6 && str_is(f[5], "deny"));
}

static int add_csv(struct policy *p, struct arena *a, str text, struct err *err)
{
    str line;
    size_t number = 0;
    while (str_next(&text, '\n', &line)) {
        str f[6];
        size_t n;
        number++;
        line = str_trim(line);
        if (!line.len || line.at[0] == '#')
            continue;
        if (csv_line(line, a, f, &n) || !take_line(p, a, f, n))
            return err_set(err, ERR_INVALID, "policy line %zu is malformed: %.*s", number,
                           STR_FMT(str_sub(line, 0, 200)));
    }
    return 0;
}

static bool is_extra(str key)
{
    return str_starts(key, STR("policy.")) && str_ends(key, STR(".csv")) &&
           !str_is(key, "policy.csv");
}

static int by_key(const void *x, const void *y) { return str_cmp_qsort(x, y); }

/* policy.csv first, then policy.*.csv by name. */
static int add_user_policies(struct policy *p, struct arena *a, value data, struct err *err)
{
    VEC(str) keys = {0};
    int rc = add_csv(p, a, arena_str(a, value_str(value_getz(data, "policy.csv"))), err);
    for (struct value_iter it = value_iter(data); value_next(&it);)
        if (is_extra(it.key))
            vec_push(a, &keys, arena_str(a, it.key));
    if (keys.n)
        qsort(keys.at, keys.n, sizeof(*keys.at), by_key);
    for (size_t i = 0; i < keys.n && rc == 0; i++)
        rc = add_csv(p, a, arena_str(a, value_str(value_get(data, keys.at[i]))), err);
    return rc;
}

int rbac_read(value data, struct arena *a, const struct rbac **ret, struct err *err)
{
    struct rbac *r = ARENA_NEW(a, struct rbac), *plain = ARENA_NEW(a, struct rbac);
    int rc;
    r->default_role = plain->default_role =
        arena_str(a, str_trim(value_str(value_getz(data, "policy.default"))));
    add_builtins(&plain->policy, a);
    add_builtins(&r->policy, a);
    if (str_is(value_str(value_getz(data, "policy.matchMode")), "regex"))
        rc = err_set(err, ERR_UNSUPPORTED, "policy.matchMode regex is not supported");
    else
        rc = add_user_policies(&r->policy, a, data, err);
    *ret = rc ? plain : r;
    return rc;
}

/* ---- deciding ---- */

struct question {
    const struct policy *policy[2]; /* global, the project's */
    str resource, action, object;
};

/* Is `role` the subject itself or one that g lines lead to? */
static bool leads_to(const struct question *q, str subject, str role, int depth)
{
    if (str_eq(subject, role))
        return true;
    if (depth == 0)
        return false;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; q->policy[k] && i < q->policy[k]->grants.n; i++)
            if (str_eq(q->policy[k]->grants.at[i].member, subject) &&
                leads_to(q, q->policy[k]->grants.at[i].role, role, depth - 1))
                return true;
    return false;
}

static bool decide(const struct question *q, str subject)
{
    bool allow = false;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; q->policy[k] && i < q->policy[k]->lines.n; i++) {
            const struct line *l = &q->policy[k]->lines.at[i];
            if (!glob_match(l->resource, q->resource) || !glob_match(l->action, q->action) ||
                !glob_match(l->object, q->object) ||
                !leads_to(q, subject, l->subject, RBAC_DEPTH_MAX))
                continue;
            if (l->deny)
                return false;
            allow = true;
        }
    return allow;
}

/* "proj/..." or "proj": a role never speaks about another project. */
static bool within(str object, str project)
{
    return str_eq(object, project) || (str_starts(object, project) && object.len > project.len &&
                                       object.at[project.len] == '/');
}

/* A role's line must be about the role itself and its project: anything else would let whoever may
 * edit a project make himself admin. */
static bool role_line(struct policy *p, struct arena *a, str line, str role, str project)
{
    str f[6];
    size_t n;
    if (csv_line(line, a, f, &n) || n != 6 || !str_is(f[0], "p") || !str_eq(f[1], role) ||
        !within(f[4], project))
        return false;
    return take_line(p, a, f, n);
}

/* Policies of the project's roles. One that is malformed leaves out the whole project, as upstream.
 */
static void project_policy(value project, struct arena *a, struct policy *ret)
{
    str name = value_path_str(project, "metadata.name");
    for (struct value_iter it = value_iter(value_path(project, "spec.roles")); value_next(&it);) {
        value role = it.val;
        str full = arena_printf(a, "proj:%.*s:%.*s", STR_FMT(name),
                                STR_FMT(value_str(value_getz(role, "name"))));
        add_line(ret, a, full, STR("projects"), STR("get"), name, false);
        for (struct value_iter p = value_iter(value_getz(role, "policies")); value_next(&p);)
            if (!role_line(ret, a, value_str(p.val), full, name)) {
                *ret = (struct policy){0};
                return;
            }
        for (struct value_iter g = value_iter(value_getz(role, "groups")); value_next(&g);)
            add_grant(ret, a, value_str(g.val), full);
    }
}

bool rbac_allows(const struct rbac *rbac, value project, str subject, str resource, str action,
                 str object)
{
    struct arena a;
    struct policy own = {0};
    struct question q = {{&rbac->policy, NULL}, resource, action, object};
    if (rbac->default_role.len && decide(&q, rbac->default_role))
        return true;
    if (!value_len(value_path(project, "spec.roles")))
        return decide(&q, subject);
    arena_init(&a, (size_t)16 << 20);
    project_policy(project, &a, &own);
    q.policy[1] = &own;
    bool ok = decide(&q, subject);
    arena_done(&a);
    return ok;
}

str rbac_default_role(const struct rbac *rbac) { return rbac->default_role; }
