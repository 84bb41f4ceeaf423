/* lang/template/func/semver.c: semver, semverCompare and *semver.Version with its methods.
 *
 * Source: Sprig 3.3 semver.go; Masterminds/semver 3.5. */
#include "lang/semver.h"
#include "lang/template/func/rows.h"
#include "lang/template/strconv.h"

static const struct semver *version_of(tval v) { return v.p; }

static str version_text(tval v, struct arena *a)
{
    return v.p ? semver_str(a, version_of(v)) : STR("<nil>");
}

static value version_marshal(tval v, struct arena *a)
{
    return v.p ? value_of_str(a, version_text(v, a)) : value_null(a);
}

static tval new_version(struct arena *a, const struct semver *v, bool pointer)
{
    return template_object(pointer ? &TEMPLATE_T_SEMVER_PTR : &TEMPLATE_T_SEMVER,
                           arena_copy(a, v, sizeof *v));
}

/* ---- methods ---- */

static int version_major(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_uint64(version_of(c->receiver)->major);
    return 0;
}

static int version_minor(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_uint64(version_of(c->receiver)->minor);
    return 0;
}

static int version_patch(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    *ret = template_uint64(version_of(c->receiver)->patch);
    return 0;
}

static int give(tval *ret, str s)
{
    *ret = template_str(s);
    return 0;
}

static int version_prerelease(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give(ret, version_of(c->receiver)->prerelease);
}

static int version_metadata(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give(ret, version_of(c->receiver)->metadata);
}

static int version_original(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give(ret, version_of(c->receiver)->original);
}

static int version_string(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return give(ret, semver_str(c->arena, version_of(c->receiver)));
}

static int order(struct template_call *c, const tval *arg, int *ret)
{
    if (!arg[0].p)
        return template_fail(c, "runtime error: invalid memory address or nil pointer dereference");
    *ret = semver_compare(version_of(c->receiver), version_of(arg[0]));
    *ret = *ret < 0 ? -1 : *ret > 0;
    return 0;
}

static int version_compare(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    int o = 0, rc = order(c, arg, &o);
    *ret = template_int(o);
    return rc;
}

#define ORDER_METHOD(name, test)                                                                   \
    static int name(struct template_call *c, const tval *arg, size_t n, tval *ret)                 \
    {                                                                                              \
        int o = 0, rc = order(c, arg, &o);                                                         \
        *ret = template_bool(o test);                                                              \
        return rc;                                                                                 \
    }
ORDER_METHOD(version_equal, == 0)
ORDER_METHOD(version_less, < 0)
ORDER_METHOD(version_less_equal, <= 0)
ORDER_METHOD(version_greater, > 0)
ORDER_METHOD(version_greater_equal, >= 0)

/* A new version of which nothing but the numbers (and what was set) is left; original is the text
 * with the old one's "v". */
static int changed(struct template_call *c, struct semver v, tval *ret)
{
    str old = version_of(c->receiver)->original;
    v.original = ARENA_CAT(c->arena, str_starts(old, STR("v")) ? STR("v") : STR(""),
                           semver_str(c->arena, &v));
    *ret = new_version(c->arena, &v, false);
    return 0;
}

static int version_inc_major(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return changed(c, (struct semver){.major = version_of(c->receiver)->major + 1}, ret);
}

static int version_inc_minor(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    const struct semver *v = version_of(c->receiver);
    return changed(c, (struct semver){.major = v->major, .minor = v->minor + 1}, ret);
}

/* A pre-release only becomes the release. */
static int version_inc_patch(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    const struct semver *v = version_of(c->receiver);
    return changed(c,
                   (struct semver){.major = v->major,
                                   .minor = v->minor,
                                   .patch = v->patch + (v->prerelease.len ? 0 : 1)},
                   ret);
}

/* Only a text that makes a version with it is taken. */
static int set_part(struct template_call *c, str part, bool is_metadata, tval *ret)
{
    struct semver v = *version_of(c->receiver), parsed;
    struct err err;
    str text = ARENA_CAT(c->arena, is_metadata ? STR("1.0.0+") : STR("1.0.0-"), part);
    if (part.len && semver_parse(text, &parsed, &err)) {
        bool zero = !is_metadata && str_has(err_str(&err), STR("starts with 0"));
        return template_fail(c, "%s",
                             zero          ? err.text
                             : is_metadata ? "invalid metadata string"
                                           : "invalid prerelease string");
    }
    if (is_metadata)
        v.metadata = part;
    else
        v.prerelease = part;
    return changed(c, v, ret);
}

static int version_set_prerelease(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return set_part(c, template_text(arg[0]), false, ret);
}

static int version_set_metadata(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return set_part(c, template_text(arg[0]), true, ret);
}

static const struct template_method POINTER_METHODS[] = {
    {"Compare", "V", version_compare},
    {"Equal", "V", version_equal},
    {"GreaterThan", "V", version_greater},
    {"GreaterThanEqual", "V", version_greater_equal},
    {"IncMajor", "", version_inc_major},
    {"IncMinor", "", version_inc_minor},
    {"IncPatch", "", version_inc_patch},
    {"LessThan", "V", version_less},
    {"LessThanEqual", "V", version_less_equal},
    {"Major", "", version_major},
    {"Metadata", "", version_metadata},
    {"Minor", "", version_minor},
    {"Original", "", version_original},
    {"Patch", "", version_patch},
    {"Prerelease", "", version_prerelease},
    {"SetMetadata", "s", version_set_metadata},
    {"SetPrerelease", "s", version_set_prerelease},
    {"String", "", version_string},
    {0},
};

static const struct template_method VALUE_METHODS[] = {
    {"IncMajor", "", version_inc_major},
    {"IncMinor", "", version_inc_minor},
    {"IncPatch", "", version_inc_patch},
    {"Major", "", version_major},
    {"Metadata", "", version_metadata},
    {"Minor", "", version_minor},
    {"Patch", "", version_patch},
    {"Prerelease", "", version_prerelease},
    {"SetMetadata", "s", version_set_metadata},
    {"SetPrerelease", "s", version_set_prerelease},
    {"String", "", version_string},
    {0},
};

#define NUMBER_FIELD(name)                                                                         \
    static tval field_##name(const void *object, struct arena *a)                                  \
    {                                                                                              \
        return template_uint64(((const struct semver *)object)->name);                             \
    }
#define TEXT_FIELD(name)                                                                           \
    static tval field_##name(const void *object, struct arena *a)                                  \
    {                                                                                              \
        return template_str(((const struct semver *)object)->name);                                \
    }
NUMBER_FIELD(major)
NUMBER_FIELD(minor)
NUMBER_FIELD(patch)
TEXT_FIELD(prerelease)
TEXT_FIELD(metadata)
TEXT_FIELD(original)

static const struct template_field FIELDS[] = {
    {"major", NULL, field_major},
    {"minor", NULL, field_minor},
    {"patch", NULL, field_patch},
    {"pre", NULL, field_prerelease},
    {"metadata", NULL, field_metadata},
    {"original", NULL, field_original},
    {0},
};

static bool version_same(const void *a, const void *b)
{
    const struct semver *x = a, *y = b;
    return x->major == y->major && x->minor == y->minor && x->patch == y->patch &&
           str_eq(x->prerelease, y->prerelease) && str_eq(x->metadata, y->metadata) &&
           str_eq(x->original, y->original);
}

const struct template_type TEMPLATE_T_SEMVER = {TEMPLATE_STRUCT,         "semver.Version",
                                                .method = VALUE_METHODS, .field = FIELDS,
                                                .text = version_text,    .marshal = version_marshal,
                                                .comparable = true,      .equal = version_same};
const struct template_type TEMPLATE_T_SEMVER_PTR = {TEMPLATE_PTR,
                                                    "*semver.Version",
                                                    .elem = &TEMPLATE_T_SEMVER,
                                                    .method = POINTER_METHODS,
                                                    .text = version_text,
                                                    .marshal = version_marshal};

/* ---- functions ---- */

static int failed(struct template_call *c, const struct err *err)
{
    return template_fail_str(c, arena_str(c->arena, err_str(err)));
}

int func_semver(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct semver v;
    struct err err;
    if (semver_parse(template_text(arg[0]), &v, &err))
        return failed(c, &err);
    *ret = new_version(c->arena, &v, true);
    return 0;
}

/* The library that Helm has quotes the text, the one behind lang/semver.h does not. */
static int improper(struct template_call *c, const struct err *err)
{
    static const str START = STR_INIT("improper constraint: ");
    struct buf b = BUF_INIT;
    if (!str_starts(err_str(err), START))
        return failed(c, err);
    buf_add(&b, START);
    strconv_quote(&b, str_from(err_str(err), START.len), false);
    int rc = template_fail_str(c, arena_str(c->arena, buf_str(&b)));
    buf_done(&b);
    return rc;
}

int func_semver_compare(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    const struct semver_constraint *constraint;
    struct semver v;
    struct err err;
    if (semver_constraint_parse(template_text(arg[0]), c->arena, &constraint, &err))
        return improper(c, &err);
    if (semver_parse(template_text(arg[1]), &v, &err))
        return failed(c, &err);
    *ret = template_bool(semver_constraint_check(constraint, &v));
    return 0;
}
