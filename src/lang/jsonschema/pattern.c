/* lang/jsonschema/pattern.c: regular expressions of schemas by RE2; programs are freed with the
 * arena. */
#include "lang/jsonschema.h"
#include "lang/regexp.h"

static int compile(str pattern, struct arena *a, const void **ret, struct err *err)
{
    char arg[REGEXP_ARG_MAX];
    size_t arg_len = sizeof(arg);
    int code = 0;
    void *re = regexp_new(pattern.at, pattern.len, &code, arg, &arg_len);
    if (re) {
        arena_on_done(a, regexp_free, re);
        *ret = re;
        return 0;
    }
    const struct regexp_refusal *why = regexp_refusal_find(code);
    if (!why)
        return err_set(err, ERR_INVALID, "error parsing regexp: expression too large");
    str shown = why->shows == REGEXP_SHOWS_WHOLE      ? pattern
                : why->shows == REGEXP_SHOWS_ARGUMENT ? str_mem(arg, arg_len)
                                                      : STR("");
    return err_set(err, ERR_INVALID, "error parsing regexp: %s: `%.*s`", why->text, STR_FMT(shown));
}

static bool match(const void *program, str text)
{
    return regexp_match(program, text.at, text.len, 0, NULL, 0);
}

const struct jsonschema_regexp JSONSCHEMA_RE2 = {compile, match};
