/* Go's texts for what RE2 refuses; programs freed with the arena. */
#include "lang/jsonschema/pattern.h"

#include "lang/jsonschema.h"

#define ARG_MAX 256

/* By RE2's error codes. */
static const struct {
    int code;
    const char *text;
    bool whole; /* Go shows the whole expression, RE2 a part */
} refusals[] = {
    {2, "invalid escape sequence", false},
    {3, "invalid character class", false},
    {4, "invalid character class range", false},
    {5, "missing closing ]", false},
    {6, "missing closing )", true},
    {7, "unexpected )", true},
    {8, "trailing backslash at end of expression", false},
    {9, "missing argument to repetition operator", false},
    {10, "invalid repeat count", false},
    {11, "invalid nested repetition operator", false},
    {12, "invalid or unsupported Perl syntax", false},
    {13, "invalid UTF-8", false},
    {14, "invalid named capture", false},
};
#define TRAILING_BACKSLASH 8

static int compile(str pattern, struct arena *a, const void **ret, struct err *err)
{
    char arg[ARG_MAX];
    size_t arg_len = sizeof(arg);
    int code = 0;
    void *re = pattern_new(pattern.at, pattern.len, &code, arg, &arg_len);
    if (re) {
        arena_on_done(a, pattern_free, re);
        *ret = re;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        if (refusals[i].code != code)
            continue;
        str shown = refusals[i].whole ? pattern : str_mem(arg, arg_len);
        if (code == TRAILING_BACKSLASH)
            shown = STR("");
        return err_set(err, ERR_INVALID, "error parsing regexp: %s: `%.*s`", refusals[i].text,
                       STR_FMT(shown));
    }
    return err_set(err, ERR_INVALID, "error parsing regexp: expression too large");
}

static bool match(const void *program, str text)
{
    return pattern_search(program, text.at, text.len);
}

const struct jsonschema_regexp JSONSCHEMA_RE2 = {compile, match};
