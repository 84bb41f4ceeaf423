#include "plan/tree.h"

#include <stdlib.h>

#include "kube/kinds.h"
#include "kube/object.h"

/* ---- owners ---- */

struct parents {
    struct tree_parent *at;
    size_t n;
};

static void add_parent(struct parents *p, struct tree_parent one)
{
    if (p->n < TREE_PARENTS_MAX)
        p->at[p->n++] = one;
}

/* Owners that Kubernetes does not write down. */
static void inferred_parents(value o, struct parents *p)
{
    struct kube_key key = object_key(o);
    if (key.group.len)
        return;
    if (str_is(key.kind, "Endpoints"))
        add_parent(p, (struct tree_parent){{STR(""), STR("Service"), key.ns, key.name},
                                           STR("v1"),
                                           STR("")});
    if (str_is(key.kind, "Secret") &&
        str_is(value_path_str(o, "type"), "kubernetes.io/service-account-token")) {
        str account = object_annotation(o, STR("kubernetes.io/service-account.name"));
        if (account.len)
            add_parent(p, (struct tree_parent){
                              {STR(""), STR("ServiceAccount"), key.ns, account},
                              STR("v1"),
                              object_annotation(o, STR("kubernetes.io/service-account.uid"))});
    }
}

size_t tree_parents(value live, struct arena *a, struct tree_parent ret[TREE_PARENTS_MAX])
{
    struct parents p = {ret, 0};
    (void)a;
    for (struct value_iter it = value_iter(object_owner_refs(live)); value_next(&it);) {
        struct kube_owner owner = kube_owner_of_ref(it.val);
        struct err ignored;
        str group, version;
        if (kube_api_version_parse(owner.api_version, &group, &version, &ignored))
            continue;
        bool global = kube_kind_is_cluster_scoped(group, owner.kind);
        add_parent(&p, (struct tree_parent){{group, owner.kind, global ? STR("") : object_ns(live),
                                             owner.name},
                                            version,
                                            owner.uid});
    }
    inferred_parents(live, &p);
    return p.n;
}

/* A claim made from a template of a StatefulSet: <template>-<set>-<ordinal>. */
static bool claim_of_set(value claim, value set)
{
    str name = object_name(claim);
    if (!str_is(object_kind(set), "StatefulSet") || !str_eq(object_ns(claim), object_ns(set)))
        return false;
    for (struct value_iter it = value_iter(value_path(set, "spec.volumeClaimTemplates"));
         value_next(&it);) {
        str template = value_path_str(it.val, "metadata.name"), own = object_name(set);
        int64_t ordinal;
        if (name.len > template.len + own.len + 2 && str_starts(name, template) &&
            name.at[template.len] == '-' && str_starts(str_from(name, template.len + 1), own) &&
            name.at[template.len + own.len + 1] == '-' &&
            str_to_i64(str_from(name, template.len + own.len + 2), &ordinal))
            return true;
    }
    return false;
}

static size_t claim_parents(const struct tree_input *in, value o, struct tree_parent *ret, size_t n)
{
    if (n || !str_is(object_kind(o), "PersistentVolumeClaim"))
        return n;
    for (size_t i = 0; i < in->n_live && n < TREE_PARENTS_MAX; i++)
        if (claim_of_set(o, in->live[i]))
            ret[n++] = (struct tree_parent){object_key(in->live[i]), object_version(in->live[i]),
                                            object_uid(in->live[i])};
    return n;
}

/* ---- the tree ---- */

struct entry {
    str key;
    value node;
};

typedef VEC(struct entry) entries;

static int entry_cmp(const void *x, const void *y)
{
    return str_cmp(((const struct entry *)x)->key, ((const struct entry *)y)->key);
}

static value entries_list(entries *e, struct arena *a)
{
    value list = value_new_list(a);
    if (e->n)
        qsort(e->at, e->n, sizeof(*e->at), entry_cmp);
    for (size_t i = 0; i < e->n; i++)
        if (!i || !str_eq(e->at[i].key, e->at[i - 1].key))
            value_push(a, list, e->at[i].node);
    return list;
}

static void add_live(const struct compare_context *c, const struct tree_input *in,
                     const value *live, size_t n, entries *ret, struct arena *a)
{
    struct tree_parent parent[TREE_PARENTS_MAX];
    for (size_t i = 0; i < n; i++) {
        value o = live[i];
        if (!value_is_map(o) || (c->project && !project_live_permitted(c->project, o, c->cluster,
                                                                       object_ns(o).len > 0)))
            continue;
        size_t n_parents = claim_parents(in, o, parent, tree_parents(o, a, parent));
        vec_push(a, ret,
                 (struct entry){kube_key_str(a, object_key(o)),
                                tree_node(c, o, parent, n_parents, a)});
    }
}

int tree_build(const struct compare_context *c, const struct tree_input *in, struct arena *a,
               value *ret_tree, struct err *err)
{
    entries nodes = {0}, orphans = {0};
    if (in->n_live + in->n_orphans > TREE_NODES_MAX)
        return err_set(err, ERR_TOO_LARGE, "the application has more than %d objects",
                       TREE_NODES_MAX);
    for (size_t i = 0; in->compared && i < in->compared->n_rows; i++) {
        const struct compare_row *row = &in->compared->row[i];
        if (!value_exists(row->live) && value_exists(row->target))
            vec_push(a, &nodes,
                     (struct entry){kube_key_str(a, row->key), tree_missing_node(row, a)});
    }
    add_live(c, in, in->live, in->n_live, &nodes, a);
    add_live(c, in, in->orphan, in->n_orphans, &orphans, a);
    value tree = value_new_map(a);
    if (nodes.n)
        value_setz(a, tree, "nodes", entries_list(&nodes, a));
    if (orphans.n)
        value_setz(a, tree, "orphanedNodes", entries_list(&orphans, a));
    *ret_tree = tree;
    return 0;
}

/* ---- summary ---- */

typedef VEC(str) texts;

static value unique_list(texts *t, struct arena *a)
{
    value list = value_new_list(a);
    if (t->n)
        qsort(t->at, t->n, sizeof(*t->at), str_cmp_qsort);
    for (size_t i = 0; i < t->n; i++)
        if (!i || !str_eq(t->at[i], t->at[i - 1]))
            value_push(a, list, value_of_str(a, t->at[i]));
    return list;
}

value tree_summary(const struct app *app, value tree, struct arena *a)
{
    texts urls = {0}, images = {0};
    bool apps = false;
    for (struct value_iter it = value_iter(value_getz(tree, "nodes")); value_next(&it);) {
        for (struct value_iter u = value_iter(value_path(it.val, "networkingInfo.externalURLs"));
             value_next(&u);)
            vec_push(a, &urls, value_str(u.val));
        for (struct value_iter i = value_iter(value_getz(it.val, "images")); value_next(&i);)
            vec_push(a, &images, value_str(i.val));
        apps |= str_is(value_str(value_getz(it.val, "kind")), "Application") &&
                str_is(value_str(value_getz(it.val, "group")), ARGO_GROUP);
    }
    for (struct value_iter it = value_iter(object_annotations(app->object)); value_next(&it);)
        if (str_starts(it.key, STR(KEY_LINK_PREFIX)))
            vec_push(a, &urls, value_str(it.val));
    value v = value_new_map(a);
    if (urls.n)
        value_setz(a, v, "externalURLs", unique_list(&urls, a));
    if (images.n)
        value_setz(a, v, "images", unique_list(&images, a));
    if (apps)
        value_setz(a, v, "isAppOfApps", value_of_bool(a, true));
    return v;
}
