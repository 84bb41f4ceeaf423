#include <stdlib.h>

#include "kube/object.h"
#include "plan/tree.h"

/* Where the pod spec of a kind is; "" the object is a Pod. */
static const struct {
    const char *group, *kind, *path;
} pod_specs[] = {
    {"", "Pod", "spec"},
    {"batch", "CronJob", "spec.jobTemplate.spec.template.spec"},
};

static value pod_spec_of(value o)
{
    for (size_t i = 0; i < ARRAY_LEN(pod_specs); i++)
        if (str_is(object_kind(o), pod_specs[i].kind) &&
            str_is(object_group(o), pod_specs[i].group))
            return value_path(o, pod_specs[i].path);
    return value_path(o, "spec.template.spec");
}

typedef VEC(str) texts;

static void add_images(value o, struct arena *a, texts *ret)
{
    static const char *const lists[] = {"containers", "initContainers"};
    value spec = pod_spec_of(o);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        for (struct value_iter it = value_iter(value_get(spec, str_of(lists[i])));
             value_next(&it);) {
            str image = value_str(value_getz(it.val, "image"));
            if (image.len)
                vec_push(a, ret, image);
        }
}

value objects_images(const value *object, size_t n, struct arena *a)
{
    texts all = {0};
    for (size_t i = 0; i < n; i++)
        add_images(object[i], a, &all);
    if (all.n)
        qsort(all.at, all.n, sizeof(*all.at), str_cmp_qsort);
    value list = value_new_list(a);
    for (size_t i = 0; i < all.n; i++)
        if (!i || !str_eq(all.at[i], all.at[i - 1]))
            value_push(a, list, value_of_str(a, all.at[i]));
    return list;
}

value object_images(value object, struct arena *a) { return objects_images(&object, 1, a); }
