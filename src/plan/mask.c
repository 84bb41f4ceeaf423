#include "argo/names.h"
#include "base/digest.h"
#include "kube/object.h"
#include "plan/diff.h"
#include "value/json.h"

/* Values of one key over all objects: equal ones share a mask, each new one is four signs longer.
 */
#define MASK "++++++++"
#define MASK_STEP "++++"
#define MASK_OBJECTS_MAX 8

struct masks {
    struct arena *a;
    str text[MASK_OBJECTS_MAX], mask[MASK_OBJECTS_MAX];
    size_t n;
};

static str mask_of(struct masks *m, str text)
{
    for (size_t i = 0; i < m->n; i++)
        if (str_eq(m->text[i], text))
            return m->mask[i];
    str mask = m->n ? ARENA_CAT(m->a, m->mask[m->n - 1], STR(MASK_STEP)) : STR(MASK);
    if (m->n < MASK_OBJECTS_MAX) {
        m->text[m->n] = text;
        m->mask[m->n++] = mask;
    }
    return mask;
}

static bool is_secret(value o)
{
    return value_is_map(o) && !object_group(o).len && str_is(object_kind(o), "Secret");
}

static value text_map(value o, const char *path)
{
    value v = value_path(o, path);
    return value_is_map(v) ? v : VALUE_ABSENT;
}

/* Mask entry `key` of the map at `path` in every object; objects are building. */
static void mask_key(struct arena *a, value *o, size_t n, const char *path, str key)
{
    struct masks m = {.a = a};
    for (size_t i = 0; i < n; i++) {
        value map = text_map(o[i], path), v = value_get(map, key);
        if (!value_exists(v))
            continue;
        str text = value_is_string(v) ? value_str(v)
                   : value_is_null(v) ? STR("")
                                      : json_str(a, v, AUDIENCE_WIRE, 0);
        value fresh = value_edit(a, map);
        value_set(a, fresh, key, value_of_str(a, mask_of(&m, text)));
        value_set_path(a, o[i], path, fresh);
    }
}

static void mask_path(struct arena *a, value *o, size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++) {
        VEC(str) keys = {0};
        for (struct value_iter it = value_iter(text_map(o[i], path)); value_next(&it);)
            vec_push(a, &keys, it.key);
        for (size_t k = 0; k < keys.n; k++) {
            bool done = false;
            for (size_t before = 0; before < i && !done; before++)
                done = value_exists(value_get(text_map(o[before], path), keys.at[k]));
            if (!done)
                mask_key(a, o, n, path, keys.at[k]);
        }
    }
}

struct applied { /* last-applied configuration of one object */
    bool there, valid;
};

static struct applied applied_take(struct arena *a, value o, value *ret)
{
    static const str key = STR_INIT(KEY_LAST_APPLIED);
    struct applied p = {object_has_annotation(o, key), false};
    struct err ignored;
    value v;
    *ret = VALUE_ABSENT;
    if (p.there && !json_parse(object_annotation(o, key), NULL, a, &v, &ignored) &&
        value_is_map(v)) {
        p.valid = true;
        *ret = value_copy(a, normalize_secret(a, object_private(a, v)));
    }
    return p;
}

static bool list_has(str list, const char *word)
{
    str piece;
    while (str_next(&list, ',', &piece))
        if (str_is(str_trim(piece), word))
            return true;
    return false;
}

void diff_mask_secrets(struct arena *a, value *object, size_t n, str sensitive_annotations)
{
    value all[MASK_OBJECTS_MAX];
    struct applied applied[MASK_OBJECTS_MAX];
    size_t index[MASK_OBJECTS_MAX], n_all = 0;
    for (size_t i = 0; i < n && n_all < MASK_OBJECTS_MAX / 2; i++) {
        if (!is_secret(object[i]))
            continue;
        index[n_all] = i;
        all[n_all++] = value_copy(a, normalize_secret(a, object_private(a, object[i])));
    }
    for (size_t i = 0; i < n_all; i++)
        applied[i] = applied_take(a, all[i], &all[n_all + i]);
    mask_path(a, all, 2 * n_all, "data");
    str rest = sensitive_annotations, piece;
    while (rest.len && str_next(&rest, ',', &piece))
        if (!str_is(str_trim(piece), KEY_LAST_APPLIED))
            mask_key(a, all, 2 * n_all, "metadata.annotations", str_trim(piece));
    for (size_t i = 0; i < n_all; i++) {
        if (applied[i].there) {
            bool whole = !applied[i].valid || list_has(sensitive_annotations, KEY_LAST_APPLIED);
            str text =
                whole ? STR(MASK) : json_str(a, all[n_all + i], AUDIENCE_WIRE, JSON_SORT_KEYS);
            value notes =
                value_edit_map(a, value_edit_map(a, all[i], STR("metadata")), STR("annotations"));
            value_set_str(a, notes, KEY_LAST_APPLIED, text);
        }
        object[index[i]] = all[i];
    }
}
