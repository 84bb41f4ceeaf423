#include "plan/normalize.h"

#include "base/digest.h"

#include "kube/object.h"
#include "lang/glob.h"
#include "plan/jqpath.h"
#include "plan/managers.h"
#include "value/json.h"
#include "value/pointer.h"

#define RULES_MAX 10000 /* pointers and expressions of one application */

struct rule {
    str group, kind, name, namespace; /* group and kind are globs; empty name, namespace: any */
    str pointer;                      /* a JSON pointer, or */
    struct jqpath *jq;                /* a program, or */
    value managers;                   /* field managers */
};

struct normalizer {
    struct rule *rule;
    size_t n_rules;
    uint64_t digest;
    bool aggregated_roles;
};

/* ---- compiling ---- */

typedef VEC(struct rule) rule_vec;

struct compiler {
    struct arena *a;
    rule_vec rules;
    struct buf text; /* of all rules, for the digest */
    struct err *err;
};

static int add_rule(struct compiler *c, struct rule r, str program)
{
    if (c->rules.n >= RULES_MAX)
        return err_set(c->err, ERR_TOO_LARGE, "more than %d ignoreDifferences rules", RULES_MAX);
    str part[] = {r.group, r.kind, r.name, r.namespace, r.pointer, program};
    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        buf_add(&c->text, part[i]);
        buf_addc(&c->text, '\n');
    }
    if (value_exists(r.managers))
        json_print(r.managers, AUDIENCE_WIRE, 0, &c->text);
    vec_push(c->a, &c->rules, r);
    return 0;
}

/* block: {jsonPointers, jqPathExpressions, managedFieldsManagers}. */
static int add_block(struct compiler *c, struct rule base, value block)
{
    int rc = 0;
    for (struct value_iter it = value_iter(value_getz(block, "jsonPointers"));
         !rc && value_next(&it);) {
        struct rule r = base;
        r.pointer = value_str(it.val);
        if (r.pointer.len && pointer_valid(r.pointer))
            rc = add_rule(c, r, STR(""));
    }
    for (struct value_iter it = value_iter(value_getz(block, "jqPathExpressions"));
         !rc && value_next(&it);) {
        struct rule r = base;
        if (!(rc = jqpath_compile(value_str(it.val), c->a, &r.jq, c->err)))
            rc = add_rule(c, r, value_str(it.val));
    }
    value managers = value_getz(block, "managedFieldsManagers");
    if (!rc && value_len(managers)) {
        struct rule r = base;
        r.managers = managers;
        rc = add_rule(c, r, STR(""));
    }
    return rc;
}

static int add_settings(struct compiler *c, const struct settings *s)
{
    for (size_t i = 0; i < s->n_customizations; i++) {
        const struct resource_customization *custom = &s->customization[i];
        int rc = add_block(c, (struct rule){.group = custom->group, .kind = custom->kind},
                           custom->ignore_differences);
        if (rc)
            return rc;
    }
    struct rule status = {.group = STR("*"), .kind = STR("*"), .pointer = STR("/status")};
    if (s->ignore_status == IGNORE_STATUS_NONE)
        return 0;
    if (s->ignore_status == IGNORE_STATUS_CRD) {
        status.group = STR("apiextensions.k8s.io");
        status.kind = STR("CustomResourceDefinition");
    }
    return add_rule(c, status, STR(""));
}

static int add_application(struct compiler *c, value list)
{
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        struct rule base = {.group = value_str(value_getz(it.val, "group")),
                            .kind = value_str(value_getz(it.val, "kind")),
                            .name = value_str(value_getz(it.val, "name")),
                            .namespace = value_str(value_getz(it.val, "namespace"))};
        int rc = add_block(c, base, it.val);
        if (rc)
            return rc;
    }
    return 0;
}

int normalizer_new(const struct app *app, const struct settings *settings, struct arena *a,
                   struct normalizer **ret, struct err *err)
{
    struct compiler c = {.a = a, .text = BUF_INIT, .err = err};
    int rc = add_application(&c, app->ignore_differences);
    if (!rc && settings)
        rc = add_settings(&c, settings);
    if (!rc) {
        struct normalizer *n = ARENA_NEW(a, struct normalizer);
        n->aggregated_roles = settings && settings->ignore_aggregated_roles;
        buf_addc(&c.text, n->aggregated_roles ? '1' : '0');
        n->rule = c.rules.at;
        n->n_rules = c.rules.n;
        n->digest = hash64(buf_str(&c.text));
        *ret = n;
    }
    buf_done(&c.text);
    return rc;
}

uint64_t normalizer_digest(const struct normalizer *n) { return n->digest; }

/* ---- built-in ---- */

static bool text_is_base64(struct arena *a, str text, str *ret_canonical)
{
    str raw;
    if (!base64_parse(a, text, &raw))
        return false;
    *ret_canonical = base64_str(a, raw);
    return true;
}

/* stringData goes into data as base64 (what is no text stays as it is); nil values become empty. A
 * Secret whose data does not decode is left alone, as Go's conversion fails. */
value normalize_secret(struct arena *a, value o)
{
    value text = value_getz(o, "stringData"), data = value_getz(o, "data");
    if (value_is_map(text)) {
        o = value_edit(a, o);
        data = value_edit_map(a, o, STR("data"));
        for (struct value_iter it = value_iter(text); value_next(&it);)
            value_set(a, data, it.key,
                      value_is_string(it.val) ? value_of_str(a, base64_str(a, value_str(it.val)))
                                              : it.val);
        value_remove(o, STR("stringData"));
    }
    if (!value_is_map(data))
        return o;
    value fresh = value_new_map(a);
    bool changed = false;
    for (struct value_iter it = value_iter(data); value_next(&it);) {
        str canonical;
        if (value_is_null(it.val)) {
            value_set(a, fresh, it.key, value_borrow_str(a, STR("")));
            changed = true;
        } else if (!value_is_string(it.val) || !text_is_base64(a, value_str(it.val), &canonical)) {
            return o;
        } else {
            changed |= !str_eq(canonical, value_str(it.val));
            value_set(a, fresh, it.key, value_of_str(a, canonical));
        }
    }
    if (!changed)
        return o;
    o = value_edit(a, o);
    value_setz(a, o, "data", fresh);
    return o;
}

static value normalize_role(struct arena *a, value o, bool ignore_aggregated)
{
    value rules = value_getz(o, "rules");
    bool aggregated = ignore_aggregated && value_is_map(value_getz(o, "aggregationRule"));
    if (!aggregated && !(value_is_list(rules) && !value_len(rules)))
        return o;
    if (aggregated && value_is_null(rules))
        return o;
    o = value_edit(a, o);
    value_setz(a, o, "rules", value_null(a));
    return o;
}

value normalize_builtin(struct arena *a, value object, bool ignore_aggregated_roles)
{
    value o = object_private(a, object);
    if (value_exists(value_path(o, "metadata.creationTimestamp"))) {
        o = value_edit(a, o);
        value_remove(value_edit_map(a, o, STR("metadata")), STR("creationTimestamp"));
    }
    str group = object_group(o), kind = object_kind(o);
    if (!group.len && str_is(kind, "Secret"))
        return normalize_secret(a, o);
    if (str_is(group, "rbac.authorization.k8s.io") &&
        (str_is(kind, "ClusterRole") || str_is(kind, "Role")))
        return normalize_role(a, o, ignore_aggregated_roles);
    return o;
}

/* ---- rules ---- */

/* Most patterns are "*" or a plain name: those need no compiling. */
static bool pattern_matches(str pattern, str text)
{
    static const char special[] = "*?[]{}\\";
    if (str_is(pattern, "*") || str_eq(pattern, text))
        return true;
    for (size_t i = 0; i < sizeof(special) - 1; i++)
        if (str_find_char(pattern, special[i]) >= 0)
            return glob_matches(pattern, text, STR(""));
    return false;
}

static bool rule_matches(const struct rule *r, value o)
{
    return pattern_matches(r->group, object_group(o)) && pattern_matches(r->kind, object_kind(o)) &&
           (!r->name.len || str_eq(r->name, object_name(o))) &&
           (!r->namespace.len || str_eq(r->namespace, object_ns(o)));
}

static value remove_pointer(struct arena *a, value v, str rest)
{
    str token;
    if (!pointer_next(a, &rest, &token))
        return v;
    size_t i = 0;
    value child;
    if (value_is_map(v))
        child = value_get(v, token);
    else if (value_is_list(v) && pointer_index(token, &i) && i < value_len(v))
        child = value_at(v, i);
    else
        return v;
    if (!value_exists(child))
        return v;
    if (rest.len) {
        value inner = remove_pointer(a, child, rest);
        if (inner.doc == child.doc && inner.at == child.at)
            return v;
        v = value_edit(a, v);
        if (value_is_map(v))
            value_set(a, v, token, inner);
        else
            value_put(a, v, i, inner);
        return v;
    }
    v = value_edit(a, v);
    if (value_is_map(v))
        value_remove(v, token);
    else
        value_remove_at(v, i);
    return v;
}

static int apply_rules(const struct normalizer *n, struct arena *a, value *io, struct err *err)
{
    struct err ignored;
    (void)err;
    if (!value_is_map(*io))
        return 0;
    for (size_t i = 0; i < n->n_rules; i++) {
        const struct rule *r = &n->rule[i];
        if (value_exists(r->managers) || !rule_matches(r, *io))
            continue;
        if (r->pointer.len)
            *io = remove_pointer(a, *io, r->pointer);
        else if (jqpath_delete(r->jq, *io, a, io, &ignored))
            continue; /* upstream logs it and leaves the object as it is */
    }
    return 0;
}

bool normalizer_uses_managers(const struct normalizer *n, value target)
{
    for (size_t i = 0; i < n->n_rules; i++)
        if (value_exists(n->rule[i].managers) && rule_matches(&n->rule[i], target))
            return true;
    return false;
}

static int apply_managers(const struct normalizer *n, struct arena *a, value *io_target,
                          value *io_live, struct err *err)
{
    if (!value_is_map(*io_target) || !value_is_map(*io_live))
        return 0;
    for (size_t i = 0; i < n->n_rules; i++) {
        const struct rule *r = &n->rule[i];
        if (!value_exists(r->managers) || !rule_matches(r, *io_target))
            continue;
        int rc = managers_drop_conflicts(r->managers, a, io_target, io_live, err);
        if (rc)
            return rc;
    }
    return 0;
}

int normalize_ignored(const struct normalizer *n, struct arena *a, value *io_target, value *io_live,
                      struct err *err)
{
    value target = object_private(a, *io_target), live = object_private(a, *io_live);
    int rc = apply_managers(n, a, &target, &live, err);
    if (!rc)
        rc = apply_rules(n, a, &target, err);
    if (!rc)
        rc = apply_rules(n, a, &live, err);
    if (rc)
        return rc;
    *io_target = target;
    *io_live = live;
    return 0;
}

int normalize_pair(const struct normalizer *n, struct arena *a, value *io_target, value *io_live,
                   struct err *err)
{
    value target = *io_target, live = *io_live;
    if (value_is_map(target))
        target = normalize_builtin(a, target, n->aggregated_roles);
    if (value_is_map(live))
        live = normalize_builtin(a, live, n->aggregated_roles);
    int rc = normalize_ignored(n, a, &target, &live, err);
    if (rc)
        return rc;
    *io_target = target;
    *io_live = live;
    return 0;
}

int normalize_one(const struct normalizer *n, struct arena *a, value *io, struct err *err)
{
    value v = normalize_builtin(a, *io, n->aggregated_roles);
    int rc = apply_rules(n, a, &v, err);
    if (!rc)
        *io = v;
    return rc;
}

/* ---- watch events ---- */

static value drop_block(struct arena *a, value o, value block)
{
    struct err ignored;
    for (struct value_iter it = value_iter(value_getz(block, "jsonPointers")); value_next(&it);)
        if (pointer_valid(value_str(it.val)))
            o = remove_pointer(a, o, value_str(it.val));
    for (struct value_iter it = value_iter(value_getz(block, "jqPathExpressions"));
         value_next(&it);) {
        struct jqpath *jq;
        if (!jqpath_compile(value_str(it.val), a, &jq, &ignored) &&
            jqpath_delete(jq, o, a, &o, &ignored))
            continue;
    }
    return o;
}

uint64_t normalize_update_hash(const struct settings *s, value live, struct arena *a)
{
    static const char *const always[] = {"/metadata/generation", "/metadata/resourceVersion",
                                         "/metadata/managedFields"};
    value o = object_private(a, live);
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        o = remove_pointer(a, o, str_of(always[i]));
    str group = object_group(live), kind = object_kind(live);
    for (size_t i = 0; i < s->n_customizations; i++) {
        const struct resource_customization *c = &s->customization[i];
        if (!pattern_matches(c->group, group) || !pattern_matches(c->kind, kind))
            continue;
        o = drop_block(a, o, c->ignore_resource_updates);
        if (s->ignore_differences_on_updates)
            o = drop_block(a, o, c->ignore_differences);
    }
    return hash64(json_str(a, o, AUDIENCE_WIRE, JSON_SORT_KEYS));
}
