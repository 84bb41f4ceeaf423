#include "plan/diff.h"

#include "argo/names.h"
#include "argo/tracking.h"
#include "kube/apply.h"
#include "kube/defaults.h"
#include "kube/object.h"
#include "kube/strategic.h"
#include "plan/typed.h"
#include "value/json.h"
#include "value/patch.h"

/* ---- preparing ---- */

/* Without namespace and without an empty annotations map. */
static value slim_metadata(struct arena *a, value object)
{
    value meta = value_getz(object, "metadata");
    value notes = value_getz(meta, "annotations");
    bool empty = value_is_null(notes) || (value_is_map(notes) && !value_len(notes));
    if (!value_exists(value_getz(meta, "namespace")) && !empty)
        return object;
    object = value_edit(a, object_private(a, object));
    meta = value_edit_map(a, object, STR("metadata"));
    value_remove(meta, STR("namespace"));
    if (empty)
        value_remove(meta, STR("annotations"));
    return object;
}

/* What of `live` also stands in `config`, in depth. Elements of a list past those of `config` are
 * kept. */
static value reduce(struct arena *a, value config, value live)
{
    if (value_is_map(config) && value_is_map(live)) {
        value map = value_new_map(a);
        for (struct value_iter it = value_iter(config); value_next(&it);) {
            value v = value_get(live, it.key);
            if (value_exists(v))
                value_set(a, map, it.key, value_is_null(v) ? v : reduce(a, it.val, v));
        }
        return map;
    }
    if (value_is_list(config) && value_is_list(live)) {
        value list = value_new_list(a);
        for (struct value_iter it = value_iter(live); value_next(&it);)
            value_push(a, list,
                       it.i < value_len(config) && !value_is_null(it.val)
                           ? reduce(a, value_at(config, it.i), it.val)
                           : it.val);
        return list;
    }
    return live;
}

/* The API server fills volumeClaimTemplates with defaults that a patch would take for changes. */
static value claim_templates_reduced(struct arena *a, value orig, value live)
{
    value from = value_path(orig, "spec.volumeClaimTemplates"),
          to = value_path(live, "spec.volumeClaimTemplates");
    if (!value_is_list(from) || !value_is_list(to))
        return live;
    live = value_edit(a, object_private(a, live));
    value_setz(a, value_edit_map(a, live, STR("spec")), "volumeClaimTemplates",
               reduce(a, from, to));
    return live;
}

/* Last applied configuration of the live object; absent when there is none or it is not JSON. */
static value last_applied(value live, struct arena *a)
{
    struct err ignored;
    value v;
    if (!object_has_annotation(live, STR(KEY_LAST_APPLIED)))
        return VALUE_ABSENT;
    if (json_parse(object_annotation(live, STR(KEY_LAST_APPLIED)), NULL, a, &v, &ignored) ||
        !value_is_map(v))
        return VALUE_ABSENT;
    return v;
}

/* ---- three-way ---- */

static int patch_typed(const struct kube_schema *s, value orig, value config, value live,
                       struct arena *a, value *ret, struct err *err)
{
    value patch, base = live;
    if (str_is(object_kind(config), "StatefulSet"))
        base = claim_templates_reduced(a, orig, live);
    int rc = kube_strategic_diff3(orig, config, base, s, a, &patch, err);
    return rc ? rc : kube_strategic_apply(live, patch, s, a, ret, err);
}

static int patch_untyped(value orig, value config, value live, struct arena *a, value *ret,
                         struct err *err)
{
    value patch;
    int rc = json_merge_patch_three_way(a, orig, config, reduce(a, orig, live), &patch, err);
    return rc ? rc : json_merge_patch_apply(a, live, patch, ret, err);
}

static int three_way(value orig, value config, value live, struct arena *a, struct diff_result *ret,
                     struct err *err)
{
    const struct kube_schema *s = typed_schema(config);
    value predicted;
    orig = slim_metadata(a, orig);
    config = slim_metadata(a, config);
    int rc = s ? patch_typed(s, orig, config, live, a, &predicted, err)
               : patch_untyped(orig, config, live, a, &predicted, err);
    if (rc)
        return rc;
    live = kube_defaults(s, live, a);
    predicted = kube_defaults(s, predicted, a);
    *ret = (struct diff_result){.normalized_live = live, .predicted_live = predicted};
    ret->modified = !value_equal(live, predicted);
    return 0;
}

/* ---- structured merge ---- */

static value without_last_applied(struct arena *a, value object)
{
    if (!object_has_annotation(object, STR(KEY_LAST_APPLIED)))
        return object;
    object = value_edit(a, object_private(a, object));
    value meta = value_edit_map(a, object, STR("metadata"));
    value notes = value_edit_map(a, meta, STR("annotations"));
    value_remove(notes, STR(KEY_LAST_APPLIED));
    if (!value_len(notes))
        value_remove(meta, STR("annotations"));
    return object;
}

static value with_managed_fields_of(struct arena *a, value object, value from)
{
    object = value_edit(a, object_private(a, object));
    value_setz(a, value_edit_map(a, object, STR("metadata")), "managedFields",
               object_managed_fields(from));
    return object;
}

/* What a server-side apply of the target would make of the live object, computed here. The live
 * object's managedFields tell which fields were ours; without them nothing is seen as removed. */
static int apply_here(value target, value live, struct arena *a, value *ret, struct err *err)
{
    const struct kube_schema *s = typed_schema(target);
    struct kube_apply_result merged;
    struct kube_apply k = {.schema = s ? s : kube_schema_untyped(a),
                           .api_version = object_api_version(target),
                           .manager = STR(FIELD_MANAGER),
                           .force = true};
    int rc = kube_apply(&k, live, target, a, &merged, err);
    if (rc)
        return err_wrap(err, "error calculating structured merge diff: error calculating diff");
    *ret = with_managed_fields_of(a, merged.object, live);
    return 0;
}

static int structured(value target, value live, struct arena *a, struct diff_result *ret,
                      struct err *err)
{
    const struct kube_schema *s = typed_schema(target);
    value predicted;
    int rc = apply_here(target, live, a, &predicted, err);
    if (rc)
        return rc;
    if (!value_equal(predicted, live)) {
        predicted = kube_defaults(s, without_last_applied(a, predicted), a);
        live = kube_defaults(s, without_last_applied(a, live), a);
    }
    *ret = (struct diff_result){.normalized_live = live, .predicted_live = predicted};
    ret->modified = !value_equal(live, predicted);
    return 0;
}

/* ---- server side ---- */

static value without_server_marks(struct arena *a, value object)
{
    static const char *const marks[] = {"managedFields", "resourceVersion"};
    object = value_edit(a, object_private(a, object));
    value meta = value_edit_map(a, object, STR("metadata"));
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        value_remove(meta, str_of(marks[i]));
    if (object_has_annotation(object, STR(KEY_LAST_APPLIED))) {
        value notes = value_edit_map(a, meta, STR("annotations"));
        value_remove(notes, STR(KEY_LAST_APPLIED));
        if (!value_len(notes))
            value_remove(meta, STR("annotations"));
    }
    return object;
}

/* Until the server's answer is there, what it will most likely say is computed here. */
static int server_side(const struct diff_input *in, value target, value live, struct arena *a,
                       struct diff_result *ret, struct err *err)
{
    value predicted = in->dry_run;
    bool asked = value_exists(predicted);
    int rc = asked ? 0 : apply_here(target, live, a, &predicted, err);
    if (rc)
        return rc;
    if (!asked) {
        const struct kube_schema *s = typed_schema(target);
        predicted = kube_defaults(s, predicted, a);
        live = kube_defaults(s, live, a);
    }
    rc = normalize_pair(in->rules, a, &predicted, &live, err);
    if (rc)
        return rc;
    predicted = without_server_marks(a, typed_remarshal(predicted, a));
    live = without_server_marks(a, live);
    *ret = (struct diff_result){.normalized_live = live,
                                .predicted_live = predicted,
                                .need_dry_run = !asked};
    ret->modified = !value_equal(live, predicted);
    return 0;
}

/* ---- one pair ---- */

static int one_sided(value target, value live, struct diff_result *ret)
{
    *ret = (struct diff_result){.modified = value_exists(target),
                                .normalized_live = live,
                                .predicted_live = target};
    return 0;
}

static int both_sides(const struct diff_input *in, value target, value live, struct arena *a,
                      struct diff_result *ret, struct err *err)
{
    struct err failed;
    if (in->mode == DIFF_STRUCTURED)
        return structured(target, live, a, ret, err);
    value orig = last_applied(live, a);
    if (value_exists(orig) && !normalize_one(in->rules, a, &orig, &failed) &&
        !three_way(orig, target, live, a, ret, &failed))
        return 0;
    return three_way(target, target, live, a, ret, err);
}

int diff_object(const struct diff_input *in, struct arena *a, struct diff_result *ret,
                struct err *err)
{
    value target = object_private(a, in->target), live = object_private(a, in->live);
    if (in->settings)
        tracking_normalize(in->settings, a, &target, &live);
    if (value_exists(target))
        target = typed_remarshal(target, a);
    if (value_exists(live))
        live = typed_remarshal(live, a);
    bool both = value_exists(target) && value_exists(live);
    if (in->mode == DIFF_SERVER_SIDE && both)
        return server_side(in, target, live, a, ret, err);
    int rc = normalize_pair(in->rules, a, &target, &live, err);
    if (rc)
        return rc;
    return both ? both_sides(in, target, live, a, ret, err) : one_sided(target, live, ret);
}
