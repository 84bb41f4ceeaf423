/* kube/rbac.c
 *
 * Rules are compared after they were broken down to one verb, one resource, one name each: the
 * missing small rules are what is added and reported. */
#include "kube/rbac.h"

#include "base/buf.h"
#include "kube/object.h"

#define OPT_OUT "rbac.authorization.kubernetes.io/autoupdate"

static bool is_binding(value o)
{
    str kind = object_kind(o);
    return str_is(kind, "RoleBinding") || str_is(kind, "ClusterRoleBinding");
}

bool rbac_is_reconciled(value o)
{
    return str_is(object_api_version(o), "rbac.authorization.k8s.io/v1") &&
           (is_binding(o) || str_is(object_kind(o), "Role") ||
            str_is(object_kind(o), "ClusterRole"));
}

/* ---- sets of texts ---- */

static bool has(value set, str text)
{
    for (struct value_iter it = value_iter(set); value_next(&it);)
        if (str_eq(value_str(it.val), text))
            return true;
    return false;
}

static bool has_all(value set, value wanted)
{
    for (struct value_iter it = value_iter(wanted); value_next(&it);)
        if (!has(set, value_str(it.val)))
            return false;
    return true;
}

static bool resources_cover(value set, value wanted, struct arena *a)
{
    if (has(set, STR("*")))
        return true;
    for (struct value_iter it = value_iter(wanted); value_next(&it);) {
        str resource = value_str(it.val), head, sub;
        if (has(set, resource))
            continue;
        if (!str_cut(resource, '/', &head, &sub) || !has(set, ARENA_CAT(a, STR("*/"), sub)))
            return false;
    }
    return true;
}

static bool url_covers(str owner, str url)
{
    if (str_eq(owner, url))
        return true;
    if (!str_ends(owner, STR("*")))
        return false;
    while (str_ends(owner, STR("*")))
        owner = str_sub(owner, 0, owner.len - 1);
    return str_starts(url, owner);
}

static bool urls_cover(value set, value wanted)
{
    for (struct value_iter it = value_iter(wanted); value_next(&it);) {
        bool covered = false;
        for (struct value_iter own = value_iter(set); value_next(&own) && !covered;)
            covered = url_covers(value_str(own.val), value_str(it.val));
        if (!covered)
            return false;
    }
    return true;
}

/* small: one verb, at most one resource and name. */
static bool rule_covers(value rule, value small, struct arena *a)
{
    value verbs = value_getz(rule, "verbs"), groups = value_getz(rule, "apiGroups");
    value names = value_getz(rule, "resourceNames"), name = value_getz(small, "resourceNames");
    return (has(verbs, STR("*")) || has_all(verbs, value_getz(small, "verbs"))) &&
           (has(groups, STR("*")) || has_all(groups, value_getz(small, "apiGroups"))) &&
           resources_cover(value_getz(rule, "resources"), value_getz(small, "resources"), a) &&
           urls_cover(value_getz(rule, "nonResourceURLs"), value_getz(small, "nonResourceURLs")) &&
           (!value_len(names) || (value_len(name) && has_all(names, name)));
}

/* ---- breaking down ---- */

static void set_one(struct arena *a, value rule, const char *key, str text)
{
    value list = value_new_list(a);
    value_push(a, list, value_of_str(a, text));
    value_set(a, rule, str_of(key), list);
}

static void push_rule(struct arena *a, value list, str verb, str group, str resource, value name)
{
    value rule = value_new_map(a);
    set_one(a, rule, "verbs", verb);
    set_one(a, rule, "apiGroups", group);
    set_one(a, rule, "resources", resource);
    if (value_exists(name))
        set_one(a, rule, "resourceNames", value_str(name));
    value_push(a, list, rule);
}

static void break_down_verb(struct arena *a, value list, value rule, str group, str resource,
                            str verb)
{
    value names = value_getz(rule, "resourceNames");
    if (!value_len(names))
        push_rule(a, list, verb, group, resource, VALUE_ABSENT);
    for (struct value_iter it = value_iter(names); value_next(&it);)
        push_rule(a, list, verb, group, resource, it.val);
}

static void break_down(struct arena *a, value list, value rule)
{
    value verbs = value_getz(rule, "verbs"), resources = value_getz(rule, "resources");
    for (struct value_iter g = value_iter(value_getz(rule, "apiGroups")); value_next(&g);)
        for (struct value_iter r = value_iter(resources); value_next(&r);)
            for (struct value_iter v = value_iter(verbs); value_next(&v);)
                break_down_verb(a, list, rule, value_str(g.val), value_str(r.val),
                                value_str(v.val));
    for (struct value_iter u = value_iter(value_getz(rule, "nonResourceURLs")); value_next(&u);)
        for (struct value_iter v = value_iter(verbs); value_next(&v);) {
            value small = value_new_map(a);
            set_one(a, small, "verbs", value_str(v.val));
            set_one(a, small, "nonResourceURLs", value_str(u.val));
            value_push(a, list, small);
        }
}

static value missing_rules(struct arena *a, value existing, value desired)
{
    value small = value_new_list(a), missing = value_new_list(a);
    for (struct value_iter it = value_iter(desired); value_next(&it);)
        break_down(a, small, it.val);
    for (struct value_iter it = value_iter(small); value_next(&it);) {
        bool covered = false;
        for (struct value_iter own = value_iter(existing); value_next(&own) && !covered;)
            covered = rule_covers(own.val, it.val, a);
        if (!covered)
            value_push(a, missing, it.val);
    }
    return missing;
}

/* ---- selectors of aggregated roles ---- */

static bool same_or_empty(value x, value y)
{
    return value_len(x) || value_len(y) ? value_equal(x, y) : true;
}

static value missing_selectors(struct arena *a, value existing, value desired)
{
    value missing = value_new_list(a);
    value have = value_getz(existing, "clusterRoleSelectors");
    for (struct value_iter it = value_iter(value_getz(desired, "clusterRoleSelectors"));
         value_next(&it);) {
        bool covered = false;
        for (struct value_iter own = value_iter(have); value_next(&own) && !covered;)
            covered = same_or_empty(value_getz(own.val, "matchLabels"),
                                    value_getz(it.val, "matchLabels")) &&
                      same_or_empty(value_getz(own.val, "matchExpressions"),
                                    value_getz(it.val, "matchExpressions"));
        if (!covered)
            value_push(a, missing, it.val);
    }
    return missing;
}

/* ---- subjects ---- */

static const char *const subject_fields[] = {"kind", "apiGroup", "name", "namespace"};

static bool same_texts(value x, value y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!str_eq(value_str(value_get(x, str_of(subject_fields[i]))),
                    value_str(value_get(y, str_of(subject_fields[i])))))
            return false;
    return true;
}

static bool has_subject(value list, value subject)
{
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (same_texts(it.val, subject, ARRAY_LEN(subject_fields)))
            return true;
    return false;
}

static value missing_subjects(struct arena *a, value existing, value desired)
{
    value missing = value_new_list(a);
    for (struct value_iter it = value_iter(desired); value_next(&it);)
        if (!has_subject(existing, it.val) && !has_subject(missing, it.val))
            value_push(a, missing, it.val);
    return missing;
}

/* ---- the report: Go's %+v of the structs ---- */

static void print_list(struct buf *b, const char *name, value list)
{
    const char *gap = "";
    buf_printf(b, "%s:[", name);
    for (struct value_iter it = value_iter(list); value_next(&it); gap = " ")
        buf_printf(b, "%s%.*s", gap, STR_FMT(value_str(it.val)));
    buf_addc(b, ']');
}

static void print_rule(struct buf *b, value rule)
{
    static const struct {
        const char *name, *key;
    } fields[] = {{"Verbs", "verbs"},
                  {" APIGroups", "apiGroups"},
                  {" Resources", "resources"},
                  {" ResourceNames", "resourceNames"},
                  {" NonResourceURLs", "nonResourceURLs"}};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        print_list(b, fields[i].name, value_get(rule, str_of(fields[i].key)));
}

static void print_subject(struct buf *b, value s)
{
    buf_printf(b, "Kind:%.*s APIGroup:%.*s Name:%.*s Namespace:%.*s",
               STR_FMT(value_path_str(s, "kind")), STR_FMT(value_path_str(s, "apiGroup")),
               STR_FMT(value_path_str(s, "name")), STR_FMT(value_path_str(s, "namespace")));
}

static str report(struct arena *a, const struct rbac_reconciled *r, value subjects, value rules)
{
    static const char *const words[] = {"", "create", "update", "recreate"};
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    if (r->operation == RBAC_NONE)
        return STR("");
    buf_printf(&b, "\treconciliation required %s%s\n", words[r->operation],
               r->opted_out ? ", but object opted out (" OPT_OUT ": false)" : "");
    if (value_len(subjects))
        buf_addz(&b, "\tmissing subjects added:\n");
    for (struct value_iter it = value_iter(subjects); value_next(&it);) {
        buf_addz(&b, "\t\t{");
        print_subject(&b, it.val);
        buf_addz(&b, "}\n");
    }
    if (value_len(rules))
        buf_addz(&b, "\tmissing rules added:\n");
    for (struct value_iter it = value_iter(rules); value_next(&it);) {
        buf_addz(&b, "\t\t{");
        print_rule(&b, it.val);
        buf_addz(&b, "}\n");
    }
    return arena_str(a, buf_str(&b));
}

/* ---- entry ---- */

/* What is there stays; what is missing is added. */
static void merge_texts(struct arena *a, struct rbac_reconciled *r, value desired, const char *key)
{
    value meta = value_edit_map(a, r->object, STR("metadata"));
    value wanted = value_get(value_getz(desired, "metadata"), str_of(key));
    value have = value_get(meta, str_of(key));
    if (!value_is_map(wanted))
        return;
    bool changes = !value_is_map(have);
    for (struct value_iter it = value_iter(wanted); value_next(&it);) {
        if (value_exists(value_get(have, it.key)))
            continue;
        changes = true;
        value_set(a, value_edit_map(a, meta, str_of(key)), it.key, it.val);
    }
    if (changes)
        r->operation = RBAC_UPDATE;
}

static void append(struct arena *a, struct rbac_reconciled *r, value map, const char *key,
                   value more)
{
    if (!value_len(more))
        return;
    value list = value_edit_list(a, map, str_of(key));
    for (struct value_iter it = value_iter(more); value_next(&it);)
        value_push(a, list, it.val);
    r->operation = RBAC_UPDATE;
}

static void reconcile_aggregation(struct arena *a, struct rbac_reconciled *r, value desired,
                                  value existing)
{
    value want = value_getz(desired, "aggregationRule"),
          have = value_getz(existing, "aggregationRule");
    if (!value_is_map(want) && value_is_map(have)) {
        value_remove(r->object, STR("aggregationRule"));
        r->operation = RBAC_UPDATE;
        return;
    }
    value more = missing_selectors(a, have, want);
    if (value_len(more))
        append(a, r, value_edit_map(a, r->object, STR("aggregationRule")), "clusterRoleSelectors",
               more);
}

void rbac_reconcile(value desired, value existing, struct arena *a, struct rbac_reconciled *ret)
{
    bool binding = is_binding(desired);
    value rules = VALUE_ABSENT, subjects = VALUE_ABSENT;
    *ret = (struct rbac_reconciled){.operation = RBAC_NONE, .object = desired};
    ret->opted_out = str_is(object_annotation(existing, STR(OPT_OUT)), "false");
    if (!value_exists(existing)) {
        ret->operation = RBAC_CREATE;
        rules = binding ? VALUE_ABSENT : value_getz(desired, "rules");
        subjects = binding ? value_getz(desired, "subjects") : VALUE_ABSENT;
    } else if (binding &&
               !same_texts(value_getz(desired, "roleRef"), value_getz(existing, "roleRef"), 3)) {
        ret->operation = RBAC_RECREATE;
    } else {
        ret->object = value_edit(a, value_fork(a, existing));
        merge_texts(a, ret, desired, "annotations");
        merge_texts(a, ret, desired, "labels");
        if (binding) {
            subjects = missing_subjects(a, value_getz(existing, "subjects"),
                                        value_getz(desired, "subjects"));
            append(a, ret, ret->object, "subjects", subjects);
        } else {
            rules = missing_rules(a, value_getz(existing, "rules"), value_getz(desired, "rules"));
            append(a, ret, ret->object, "rules", rules);
            if (str_is(object_kind(desired), "ClusterRole"))
                reconcile_aggregation(a, ret, desired, existing);
        }
    }
    ret->report = report(a, ret, subjects, rules);
}
