/* microkube/crd.c: what the server adds to a CustomResourceDefinition, and the OpenAPI rules of
 * custom resources. */
#include <inttypes.h>
#include <regex.h>

#include "microkube/core.h"

static void add_condition(struct mk_ctx *c, value list, const char *type, const char *reason,
                          const char *message)
{
    value v = value_new_map(c->a);
    value_set_str(c->a, v, "lastTransitionTime", time_str(c->a, mk_now(c->mk)));
    value_set_str(c->a, v, "message", str_of(message));
    value_set_str(c->a, v, "reason", str_of(reason));
    value_set_str(c->a, v, "status", STR("True"));
    value_set_str(c->a, v, "type", str_of(type));
    value_push(c->a, list, v);
}

static str lower(struct arena *a, str s)
{
    char *z = arena_cstr(a, s);
    for (char *p = z; *p; p++)
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
    return str_of(z);
}

static void default_names(struct mk_ctx *c, value names)
{
    str kind = value_path_str(names, "kind");
    if (!value_path_str(names, "singular").len)
        value_set_str(c->a, names, "singular", lower(c->a, kind));
    if (!value_path_str(names, "listKind").len)
        value_set_str(c->a, names, "listKind", ARENA_CAT(c->a, kind, STR("List")));
}

void mk_crd_complete(struct mk_ctx *c, value object)
{
    struct arena *a = c->a;
    value spec = value_edit_map(a, object, STR("spec"));
    value names = value_edit_map(a, spec, STR("names"));
    default_names(c, names);
    if (!value_exists(value_getz(spec, "conversion")))
        value_set_path(a, object, "spec.conversion.strategy", value_of_str(a, STR("None")));
    value status = value_edit_map(a, object, STR("status"));
    value_setz(a, status, "acceptedNames", names);
    if (!value_len(value_getz(status, "conditions"))) {
        value list = value_edit_list(a, status, STR("conditions"));
        add_condition(c, list, "NamesAccepted", "NoConflicts", "no conflicts found");
        add_condition(c, list, "Established", "InitialNamesAccepted",
                      "the initial names have been accepted");
    }
    value stored = value_edit_list(a, status, STR("storedVersions"));
    for (struct value_iter it = value_iter(value_getz(spec, "versions")); value_next(&it);) {
        bool have = false;
        str name = value_path_str(it.val, "name");
        for (struct value_iter s = value_iter(stored); value_next(&s);)
            have = have || str_eq(value_str(s.val), name);
        if (value_bool(value_getz(it.val, "storage")) && !have)
            value_push(a, stored, value_of_str(a, name));
    }
}

/* ---- validation of custom resources ---- */

struct check {
    struct mk_ctx *c;
    mk_causes causes;
    int depth;
};

static void check(struct check *k, value v, value schema, str path);

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

static void check_list(struct check *k, value v, value s, str path)
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
        check(k, it.val, value_getz(s, "items"),
              arena_printf(k->c->a, "%.*s[%zu]", STR_FMT(path), it.i));
}

static void check_map(struct check *k, value v, value s, str path)
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
        value sub = value_get(props, it.key);
        if (!value_exists(sub))
            sub = extra;
        if (!path.len && str_is(it.key, "metadata"))
            continue;
        check(k, it.val, sub, path.len ? ARENA_CAT(a, path, STR("."), it.key) : it.key);
    }
}

static void check(struct check *k, value v, value s, str path)
{
    if (!value_is_map(s) || k->depth > VALUE_DEPTH_MAX)
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
        check_list(k, v, s, path);
    else if (value_is_map(v))
        check_map(k, v, s, path);
    k->depth--;
}

int mk_validate_custom(struct mk_ctx *c, value object)
{
    struct check k = {.c = c};
    check(&k, object, value_path(c->r->crd_version, "schema.openAPIV3Schema"), STR(""));
    return k.causes.n ? mk_invalid(c, object_name(object), &k.causes) : 0;
}
