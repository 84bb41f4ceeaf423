#include "plan/kinds.h"

#include "kube/kinds.h"

struct plan_kind plan_kind_of(const struct plan_kinds *kinds, str group, str version, str kind)
{
    if (kinds)
        return kinds->find(kinds->arg, group, version, kind);
    const struct kube_kind *k = kube_kind_find(group, version, kind);
    return (struct plan_kind){k != NULL, k && k->namespaced};
}

bool plan_kind_namespaced(const struct plan_kinds *kinds, str group, str kind)
{
    struct plan_kind k = plan_kind_of(kinds, group, STR(""), kind);
    return !k.known || k.namespaced;
}
