/* microkube/crd.c: what the server adds to a CustomResourceDefinition, and the OpenAPI rules of
 * custom resources. */
#include <inttypes.h>
#include <regex.h>

#include "microkube/workloads.h"

static bool list_has(value list, str s)
{
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (str_eq(value_str(it.val), s))
            return true;
    return false;
}

void mk_crd_complete(struct arena *a, value object)
{
    value spec = value_getz(object, "spec");
    value status = value_edit_map(a, object, STR("status"));
    if (!value_exists(value_getz(status, "conditions"))) {
        value_setz(a, status, "conditions", value_null(a));
        value accepted = value_edit_map(a, status, STR("acceptedNames"));
        value_set_str(a, accepted, "plural", STR(""));
        value_set_str(a, accepted, "kind", STR(""));
    }
    value stored = value_edit_list(a, status, STR("storedVersions"));
    for (struct value_iter it = value_iter(value_getz(spec, "versions")); value_next(&it);) {
        str name = value_path_str(it.val, "name");
        if (value_bool(value_getz(it.val, "storage")) && !list_has(stored, name))
            value_push(a, stored, value_of_str(a, name));
    }
}

/* The controllers that accept names and establish: at once. */
void mk_crd_controller(struct microkube *mk, struct mk_object *o, struct arena *a)
{
    value crd = doc_root(o->doc), status = value_edit(a, value_getz(crd, "status"));
    if (object_is_deleting(crd))
        return;
    value_setz(a, status, "acceptedNames", value_path(crd, "spec.names"));
    mk_condition_set(mk, a, status,
                     &(struct mk_condition){"NamesAccepted", "True", "NoConflicts",
                                            STR("no conflicts found"), false});
    mk_condition_set(mk, a, status,
                     &(struct mk_condition){"Established", "True", "InitialNamesAccepted",
                                            STR("the initial names have been accepted"), false});
    mk_status_update(mk, o, status, a);
}

/* ---- validation of custom resources ---- */

struct check {
    struct mk_ctx *c;
    mk_causes causes;
    int depth;
};

static void check(struct check *k, value v, value was, value schema, str path);

static str quoted(struct check *k, value v)
{
    return json_str(k->c->a, v, AUDIENCE_WIRE, JSON_NO_HTML);
}

static void check_number(struct check *k, value v, value s, str path)
{
    value min = value_getz(s, "minimum"), max = value_getz(s, "maximum");
    double d = value_double(v);
    bool open_min = value_bool(value_getz(s, "exclusiveMinimum")),
         open_max = value_bool(value_getz(s, "exclusiveMaximum"));
    if (value_exists(min) && (open_min ? d <= value_double(min) : d < value_double(min)))
        mk_cause(k->c, &k->causes, "FieldValueInvalid", path,
                 "Invalid value: %.*s: %.*s in body should be greater than %s%.*s",
                 STR_FMT(quoted(k, v)), STR_FMT(path), open_min ? "" : "or equal to ",
                 STR_FMT(quoted(k, min)));
    if (value_exists(max) && (open_max ? d >= value_double(max) : d > value_double(max)))
        mk_cause(k->c, &k->causes, "FieldValueInvalid", path,
                 "Invalid value: %.*s: %.*s in body should be less than %s%.*s",
                 STR_FMT(quoted(k, v)), STR_FMT(path), open_max ? "" : "or equal to ",
                 STR_FMT(quoted(k, max)));
}

/* Go patterns to POSIX: \d, \w and \s are the classes that schemas use. */
static str posix_pattern(struct arena *a, str p)
{
    static const struct {
        char c;
        const char *text;
    } classes[] = {{'d', "[0-9]"}, {'w', "[0-9A-Za-z_]"}, {'s', "[[:space:]]"}};
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    for (size_t i = 0; i < p.len; i++) {
        const char *text = NULL;
        for (size_t j = 0; p.at[i] == '\\' && i + 1 < p.len && j < ARRAY_LEN(classes); j++)
            if (p.at[i + 1] == classes[j].c)
                text = classes[j].text;
        if (text) {
            buf_addz(&b, text);
            i++;
        } else if (str_starts(str_from(p, i), STR("(?:"))) {
            buf_addc(&b, '(');
            i += 2;
        } else {
            buf_addc(&b, p.at[i]);
        }
    }
    return arena_str(a, buf_str(&b));
}

static void check_text(struct check *k, value v, value s, str path)
{
    value min = value_getz(s, "minLength"), max = value_getz(s, "maxLength");
    str pattern = value_path_str(s, "pattern"), text = value_str(v);
    int64_t n = (int64_t)text.len;
    if (value_exists(min) && n < value_int(min))
        mk_cause(k->c, &k->causes, "FieldValueInvalid", path,
                 "Invalid value: %.*s: %.*s in body should be at least %" PRId64 " chars long",
                 STR_FMT(quoted(k, v)), STR_FMT(path), value_int(min));
    if (value_exists(max) && n > value_int(max))
        mk_cause(k->c, &k->causes, "FieldValueTooLong", path,
                 "Too long: may not be more than %" PRId64 " bytes", value_int(max));
    regex_t re;
    if (!pattern.len || regcomp(&re, arena_cstr(k->c->a, posix_pattern(k->c->a, pattern)),
                                REG_EXTENDED | REG_NOSUB))
        return;
    if (regexec(&re, arena_cstr(k->c->a, text), 0, NULL, 0))
        mk_cause(k->c, &k->causes, "FieldValueInvalid", path,
                 "Invalid value: %.*s: %.*s in body should match '%.*s'", STR_FMT(quoted(k, v)),
                 STR_FMT(path), STR_FMT(pattern));
    regfree(&re);
}

static void check_enum(struct check *k, value v, value s, str path)
{
    value list = value_getz(s, "enum");
    str all = STR("");
    if (!value_len(list))
        return;
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        if (value_equal(it.val, v))
            return;
        all = ARENA_CAT(k->c->a, all, all.len ? STR(", ") : STR(""), quoted(k, it.val));
    }
    mk_cause(k->c, &k->causes, "FieldValueNotSupported", path,
             "Unsupported value: %.*s: supported values: %.*s", STR_FMT(quoted(k, v)),
             STR_FMT(all));
}

static void check_list(struct check *k, value v, value was, value s, str path)
{
    value min = value_getz(s, "minItems"), max = value_getz(s, "maxItems");
    int64_t n = (int64_t)value_len(v);
    if (value_exists(min) && n < value_int(min))
        mk_cause(k->c, &k->causes, "FieldValueInvalid", path,
                 "Invalid value: %" PRId64 ": %.*s in body should have at least %" PRId64 " items",
                 n, STR_FMT(path), value_int(min));
    if (value_exists(max) && n > value_int(max))
        mk_cause(k->c, &k->causes, "FieldValueTooMany", path,
                 "Too many: %" PRId64 ": must have at most %" PRId64 " items", n, value_int(max));
    for (struct value_iter it = value_iter(v); value_next(&it);)
        check(k, it.val, value_at(was, it.i), value_getz(s, "items"),
              arena_printf(k->c->a, "%.*s[%zu]", STR_FMT(path), it.i));
}

static void check_map(struct check *k, value v, value was, value s, str path)
{
    struct arena *a = k->c->a;
    for (struct value_iter it = value_iter(value_getz(s, "required")); value_next(&it);) {
        str key = value_str(it.val);
        if (!value_exists(value_get(v, key)))
            mk_cause(k->c, &k->causes, "FieldValueRequired",
                     path.len ? ARENA_CAT(a, path, STR("."), key) : key, "Required value");
    }
    value props = value_getz(s, "properties"), extra = value_getz(s, "additionalProperties");
    for (struct value_iter it = value_iter(v); value_next(&it);) {
        value before = value_get(was, it.key);
        if (value_same_place(it.val, before))
            continue;
        value sub = value_get(props, it.key);
        if (!value_exists(sub))
            sub = extra;
        if (!path.len && str_is(it.key, "metadata"))
            continue;
        check(k, it.val, before, sub, path.len ? ARENA_CAT(a, path, STR("."), it.key) : it.key);
    }
}

/* What stands in `was` at the same place was checked before. */
static void check(struct check *k, value v, value was, value s, str path)
{
    if (!value_is_map(s) || value_same_place(v, was) || k->depth > VALUE_DEPTH_MAX)
        return;
    k->depth++;
    if (value_is_null(v) && !value_bool(value_getz(s, "nullable")) && value_path_str(s, "type").len)
        mk_cause(k->c, &k->causes, "FieldValueTypeInvalid", path,
                 "Invalid value: \"null\": %.*s in body must be of type %.*s: \"null\"",
                 STR_FMT(path), STR_FMT(value_path_str(s, "type")));
    else if (!value_is_null(v))
        check_enum(k, v, s, path);
    if (value_is_number(v))
        check_number(k, v, s, path);
    else if (value_is_string(v))
        check_text(k, v, s, path);
    else if (value_is_list(v))
        check_list(k, v, was, s, path);
    else if (value_is_map(v))
        check_map(k, v, was, s, path);
    k->depth--;
}

int mk_validate_custom(struct mk_ctx *c, value settled, value object)
{
    struct check k = {.c = c};
    check(&k, object, settled, value_path(c->r->crd_version, "schema.openAPIV3Schema"), STR(""));
    return k.causes.n ? mk_invalid(c, object_name(object), &k.causes) : 0;
}
