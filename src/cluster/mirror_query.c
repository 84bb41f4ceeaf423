/* cluster/mirror_query.c: views of records, walks over subjects, children and owners. */
#include "cluster/mirror_impl.h"

enum { OF_SUBJECT, CHILDREN, OWNERS };

static void view(const struct mirror *m, const struct record *r, struct mirror_object *ret)
{
    const struct kube_kind *k = &m->kind[r->kind]->kind;
    *ret =
        (struct mirror_object){.record = r,
                               .key = {k->group, k->kind, record_ns(&m->store, r), record_name(r)},
                               .version = k->version,
                               .resource_version = record_version(r),
                               .subject = record_subject(r),
                               .note = record_note(r),
                               .has_body = r->extra && r->extra->has_body,
                               .deleting = r->deleting,
                               .has_owner = r->owners != 0};
    store_uid_print(&r->node, ret->uid);
}

bool mirror_find(const struct mirror *m, struct kube_key key, struct mirror_object *ret)
{
    for (size_t i = 0; i < m->n_kinds; i++) {
        const struct mirror_kind *k = m->kind[i];
        if (!k || !str_eq(k->kind.kind, key.kind) || !str_eq(k->kind.group, key.group))
            continue;
        const struct record *r =
            store_find(&m->store, k->index, k->kind.namespaced ? key.ns : STR(""), key.name);
        if (r) {
            view(m, r, ret);
            return true;
        }
    }
    return false;
}

bool mirror_find_uid(const struct mirror *m, str uid, struct mirror_object *ret)
{
    struct store_uid u;
    const struct node *n = store_uid_parse(uid, &u) ? store_find_uid(&m->store, &u) : NULL;
    if (!n || n->ghost)
        return false;
    view(m, (const struct record *)n, ret);
    return true;
}

/* The first owner that leads to a subject wins; depth bounds cycles and nonsense. */
static str root_of(const struct mirror *m, const struct record *r, int depth)
{
    str subject = record_subject(r);
    if (subject.len || depth == MIRROR_OWNER_DEPTH_MAX)
        return subject;
    for (uint32_t e = r->owners; e; e = m->store.edge[e].next_owner) {
        const struct node *owner = m->store.edge[e].owner;
        if (owner->ghost)
            continue;
        subject = root_of(m, (const struct record *)owner, depth + 1);
        if (subject.len)
            return subject;
        depth++; /* many owners count like deep ones: the walk as a whole is bounded */
        if (depth >= MIRROR_OWNER_DEPTH_MAX)
            break;
    }
    return STR("");
}

str mirror_root_of(const struct mirror *m, const struct record *r) { return root_of(m, r, 0); }

str mirror_root_subject(const struct mirror *m, const struct mirror_object *o)
{
    return root_of(m, o->record, 0);
}

int mirror_body(const struct mirror *m, const struct mirror_object *o, struct doc **ret,
                struct err *err)
{
    const struct record *r = o->record;
    if (!r->extra || !r->extra->has_body)
        return err_set(err, ERR_NOT_FOUND, "the body of %.*s '%.*s' is not kept",
                       STR_FMT(o->key.kind), STR_FMT(o->key.name));
    return doc_unpack(record_body(r), ret, err);
}

struct mirror_iter mirror_of_subject(const struct mirror *m, str subject)
{
    const struct subject *s = map_find(&m->store.subjects, subject);
    return (struct mirror_iter){.mirror = m, .at = s ? s->first : NULL, .kind = OF_SUBJECT};
}

struct mirror_iter mirror_children(const struct mirror *m, str uid)
{
    struct store_uid u;
    const struct node *n = store_uid_parse(uid, &u) ? store_find_uid(&m->store, &u) : NULL;
    return (struct mirror_iter){.mirror = m, .edge = n ? n->children : 0, .kind = CHILDREN};
}

struct mirror_iter mirror_owners(const struct mirror *m, const struct mirror_object *o)
{
    return (struct mirror_iter){.mirror = m,
                                .edge = ((const struct record *)o->record)->owners,
                                .kind = OWNERS};
}

static const struct record *step(struct mirror_iter *it)
{
    const struct mirror *m = it->mirror;
    if (it->kind == OF_SUBJECT) {
        const struct record *r = it->at;
        it->at = r ? r->extra->next : NULL;
        return r;
    }
    while (it->edge) {
        const struct edge *e = &m->store.edge[it->edge];
        it->edge = it->kind == CHILDREN ? e->next : e->next_owner;
        if (it->kind == CHILDREN)
            return e->child;
        if (!e->owner->ghost)
            return (const struct record *)e->owner;
    }
    return NULL;
}

bool mirror_next(struct mirror_iter *it, struct mirror_object *ret)
{
    const struct record *r = step(it);
    if (r)
        view(it->mirror, r, ret);
    return r != NULL;
}
