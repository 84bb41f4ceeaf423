#include "kube/object.h"
#include "kube/strategic.h"
#include "plan/sync.h"
#include "plan/typed.h"
#include "value/patch.h"

str sync_object_text(struct arena *a, value object, const char *what)
{
    str kind = object_kind(object), group = object_group(object);
    char *lower = arena_cstr(a, kind);
    for (char *p = lower; *p; p++)
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
    return ARENA_CAT(a, str_of(lower), group.len ? STR(".") : STR(""), group, STR("/"),
                     object_name(object), STR(" "), str_of(what));
}

static void copy_texts(struct arena *a, value meta, const char *key, value from)
{
    value to = value_edit_map(a, meta, str_of(key));
    for (struct value_iter it = value_iter(from); value_next(&it);)
        value_set(a, to, it.key, it.val);
    if (!value_len(to))
        value_remove(meta, str_of(key));
}

/* Managed metadata goes by server-side apply, so that labels of others stay. */
bool sync_namespace_wanted(const struct app *app, value live, struct arena *a, value *ret_target)
{
    bool managed = value_exists(app->managed_namespace_metadata);
    if (!managed && value_exists(live))
        return false;
    value o = value_new_map(a);
    value_set_str(a, o, "apiVersion", STR("v1"));
    value_set_str(a, o, "kind", STR("Namespace"));
    value meta = value_edit_map(a, o, STR("metadata"));
    value_set_str(a, meta, "name", app->destination.namespace);
    if (managed) {
        copy_texts(a, meta, "labels", value_getz(app->managed_namespace_metadata, "labels"));
        copy_texts(a, meta, "annotations",
                   value_getz(app->managed_namespace_metadata, "annotations"));
        value_set_str(a, value_edit_map(a, meta, STR("annotations")), KEY_SYNC_OPTIONS,
                      STR("ServerSideApply=true"));
    }
    value_setz(a, o, "spec", value_new_map(a)); /* upstream prints a Go struct */
    value_setz(a, o, "status", value_new_map(a));
    *ret_target = object_private(a, o);
    return true;
}

static value without_status(struct arena *a, value v)
{
    if (!value_exists(value_getz(v, "status")))
        return v;
    v = value_edit(a, object_private(a, v));
    value_remove(v, STR("status"));
    return v;
}

/* What the rules took from the live object is a patch; it is put onto what the rules left of the
 * target. */
int sync_respect_ignored(const struct compare_context *c, value target, value live, struct arena *a,
                         value *ret, struct err *err)
{
    const struct kube_schema *s = typed_schema(target);
    value wanted = target, kept = live, patch;
    int rc = c->rules ? normalize_ignored(c->rules, a, &wanted, &kept, err) : 0;
    if (rc)
        return rc;
    kept = without_status(a, kept);
    live = without_status(a, live);
    rc = s ? kube_strategic_diff(kept, live, s, a, &patch, err)
           : json_merge_patch_create(a, kept, live, &patch, err);
    if (rc)
        return rc;
    return s ? kube_strategic_apply(wanted, patch, s, a, ret, err)
             : json_merge_patch_apply(a, wanted, patch, ret, err);
}
