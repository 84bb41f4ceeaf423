#include "argo/tracking.h"

#include "argo/names.h"
#include "kube/object.h"

#define LABEL_BYTES_MAX 63

/* Exactly one '/' in s: both halves. */
static bool halves(str s, str *ret_head, str *ret_tail)
{
    return str_cut(s, '/', ret_head, ret_tail) && str_find_char(*ret_tail, '/') < 0;
}

bool tracking_id_parse(str text, struct tracking_id *ret)
{
    struct tracking_id id;
    str kind, name, rest;
    if (!str_cut(text, ':', &id.instance, &rest) || !str_cut(rest, ':', &kind, &name))
        return false;
    if (!halves(kind, &id.group, &id.kind) || !halves(name, &id.namespace, &id.name))
        return false;
    *ret = id;
    return true;
}

str tracking_id_print(struct arena *a, const struct tracking_id *id)
{
    return ARENA_CAT(a, id->instance, STR(":"), id->group, STR("/"), id->kind, STR(":"),
                     id->namespace, STR("/"), id->name);
}

str tracking_instance(struct arena *a, str app_namespace, str app_name, str control_namespace)
{
    if (!app_namespace.len || str_eq(app_namespace, control_namespace))
        return app_name;
    return ARENA_CAT(a, app_namespace, STR("_"), app_name);
}

void tracking_instance_split(str instance, str *ret_namespace, str *ret_name)
{
    str head, tail;
    if (str_cut(instance, '_', &head, &tail)) {
        *ret_namespace = head;
        *ret_name = tail;
    } else {
        *ret_namespace = STR("");
        *ret_name = instance;
    }
}

static bool annotation_id(const struct settings *s, value object, struct tracking_id *ret)
{
    if (s->installation_id.len &&
        !str_eq(object_annotation(object, STR(KEY_INSTALLATION_ID)), s->installation_id))
        return false;
    return tracking_id_parse(object_annotation(object, STR(KEY_TRACKING_ID)), ret);
}

str tracking_owner(const struct settings *s, value object)
{
    struct tracking_id id;
    if (s->tracking == TRACK_LABEL)
        return object_label(object, s->instance_label);
    return annotation_id(s, object, &id) ? id.instance : STR("");
}

static bool is_crd(value object)
{
    return str_is(object_kind(object), "CustomResourceDefinition") &&
           str_is(object_group(object), "apiextensions.k8s.io");
}

static bool label_end_ok(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static str label_cut(str text)
{
    if (text.len <= LABEL_BYTES_MAX)
        return text;
    text.len = LABEL_BYTES_MAX;
    while (text.len && !label_end_ok(text.at[text.len - 1]))
        text.len--;
    return text;
}

/* The legacy label is also put on pod templates, for selectors written against it. */
static void label_template(struct arena *a, value object, str key, str text)
{
    static const char *const kinds[] = {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet",
                                        "Job"};
    if (!str_is(key, KEY_LEGACY_APP_NAME))
        return;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!str_is(object_kind(object), kinds[i]) ||
            !value_is_map(value_path(object, "spec.template")))
            continue;
        value template = value_edit_map(a, value_edit_map(a, object, STR("spec")), STR("template"));
        value labels =
            value_edit_map(a, value_edit_map(a, template, STR("metadata")), STR("labels"));
        value_set(a, labels, key, value_of_str(a, text));
    }
}

static void write_annotation(const struct settings *s, struct arena *a, value object, value meta,
                             str instance, str default_namespace)
{
    value notes = value_edit_map(a, meta, STR("annotations"));
    if (s->installation_id.len)
        value_set_str(a, notes, KEY_INSTALLATION_ID, s->installation_id);
    else
        value_remove(notes, STR(KEY_INSTALLATION_ID));
    struct tracking_id id = {instance, object_group(object), object_kind(object), object_ns(object),
                             object_name(object)};
    if (!id.namespace.len)
        id.namespace = default_namespace;
    value_set_str(a, notes, KEY_TRACKING_ID, tracking_id_print(a, &id));
}

value tracking_write(const struct settings *s, struct arena *a, value object, str instance,
                     str default_namespace)
{
    if (is_crd(object) || !value_is_map(object))
        return object;
    object = value_edit(a, object);
    value meta = value_edit_map(a, object, STR("metadata"));
    if (s->tracking != TRACK_LABEL)
        write_annotation(s, a, object, meta, instance, default_namespace);
    if (s->tracking != TRACK_ANNOTATION) {
        str text = s->tracking == TRACK_LABEL ? instance : label_cut(instance);
        value_set(a, value_edit_map(a, meta, STR("labels")), s->instance_label,
                  value_of_str(a, text));
        label_template(a, object, s->instance_label, text);
    }
    return object;
}

bool tracking_self_referenced(const struct settings *s, value live, value target)
{
    struct tracking_id id;
    if (!value_exists(live) || value_exists(target) || s->tracking == TRACK_LABEL)
        return true;
    if (!annotation_id(s, live, &id))
        return true;
    str ns = object_ns(live);
    return (!ns.len || str_eq(ns, id.namespace)) && str_eq(object_name(live), id.name) &&
           str_eq(object_group(live), id.group) && str_eq(object_kind(live), id.kind);
}

void tracking_normalize(const struct settings *s, struct arena *a, value *io_target, value *io_live)
{
    if (s->tracking == TRACK_LABEL || !value_exists(*io_target) || !value_exists(*io_live))
        return;
    if (!object_label(*io_live, s->instance_label).len || is_crd(*io_live))
        return;
    str mark = object_annotation(*io_target, STR(KEY_TRACKING_ID));
    bool fill = !object_annotation(*io_live, STR(KEY_TRACKING_ID)).len && mark.len;
    bool drop = !object_label(*io_target, s->instance_label).len;
    if (!fill && !drop)
        return;
    *io_live = value_edit(a, *io_live);
    value meta = value_edit_map(a, *io_live, STR("metadata"));
    if (fill)
        value_set_str(a, value_edit_map(a, meta, STR("annotations")), KEY_TRACKING_ID, mark);
    if (drop) {
        value labels = value_edit_map(a, meta, STR("labels"));
        value_remove(labels, s->instance_label);
        if (!value_len(labels))
            value_remove(meta, STR("labels"));
    }
}
