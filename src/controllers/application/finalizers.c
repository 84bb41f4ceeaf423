/* controllers/application/finalizers.c: the finalizers of an Application that are ours to add and
 * to take away. Source: argo-cd pkg/apis/application/v1alpha1 (CascadedDeletion,
 * SetPreDeleteFinalizer, SetPostDeleteFinalizer). */
#include "controllers/application/app.h"
#include "kube/object.h"

static const struct {
    str name;
    unsigned bit;
} table[] = {
    /* in the order in which they are added */
    {STR_INIT(FINALIZER_RESOURCES), FINALIZER_BIT_RESOURCES},
    {STR_INIT(FINALIZER_RESOURCES_FOREGROUND), FINALIZER_BIT_RESOURCES},
    {STR_INIT(FINALIZER_RESOURCES_BACKGROUND), FINALIZER_BIT_RESOURCES},
    {STR_INIT(FINALIZER_PRE_DELETE), FINALIZER_BIT_PRE_DELETE},
    {STR_INIT(FINALIZER_PRE_DELETE_CLEANUP), FINALIZER_BIT_PRE_DELETE_CLEANUP},
    {STR_INIT(FINALIZER_POST_DELETE), FINALIZER_BIT_POST_DELETE},
    {STR_INIT(FINALIZER_POST_DELETE_CLEANUP), FINALIZER_BIT_POST_DELETE_CLEANUP},
};

static unsigned bit_of(str finalizer)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (str_eq(table[i].name, finalizer))
            return table[i].bit;
    return 0;
}

unsigned finalizers_present(value object)
{
    unsigned bits = 0;
    for (struct value_iter it = value_iter(object_finalizers(object)); value_next(&it);)
        bits |= bit_of(value_str(it.val));
    return bits;
}

bool finalizers_background(value object)
{
    for (struct value_iter it = value_iter(object_finalizers(object)); value_next(&it);)
        if (bit_of(value_str(it.val)) == FINALIZER_BIT_RESOURCES)
            return str_is(value_str(it.val), FINALIZER_RESOURCES_BACKGROUND);
    return false;
}

value finalizers_changed(struct arena *a, value object, unsigned add, unsigned drop)
{
    unsigned present = finalizers_present(object);
    add &= ~present;
    drop &= present;
    if (!add && !drop)
        return VALUE_ABSENT;
    value list = value_new_list(a);
    for (struct value_iter it = value_iter(object_finalizers(object)); value_next(&it);)
        if (!(bit_of(value_str(it.val)) & drop))
            value_push(a, list, value_of_str(a, value_str(it.val)));
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].bit & add)
            value_push(a, list, value_of_str(a, table[i].name));
    return list;
}
