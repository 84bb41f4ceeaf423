/* lang/path_glob.c: patterns over paths: Go's path.Match and doublestar. */
#include "lang/glob.h"
#include "lang/glob_program.h"

struct reader {
    str pattern;
    size_t at;
    struct glob_program program;
    bool doublestar;
    unsigned depth;
};

static bool more(const struct reader *r) { return r->at < r->pattern.len; }

static char here(const struct reader *r) { return more(r) ? r->pattern.at[r->at] : 0; }

static uint32_t next(struct reader *r)
{
    size_t width;
    uint32_t c = glob_rune(r->pattern, r->at, &width);
    r->at += width;
    return c;
}

/* One character of a class, maybe escaped. path.Match refuses '-' and ']' that are not. */
static bool class_char(struct reader *r, uint32_t *ret)
{
    if (!more(r) || (!r->doublestar && (here(r) == '-' || here(r) == ']')))
        return false;
    if (here(r) == '\\') {
        r->at++;
        if (!more(r))
            return false;
    }
    *ret = next(r);
    return r->doublestar || more(r);
}

static bool read_class(struct reader *r)
{
    struct glob_program *p = &r->program;
    size_t step = glob_emit(p, GLOB_CLASS);
    p->steps.at[step].first = (uint32_t)p->ranges.n;
    if (here(r) == '^' || (r->doublestar && here(r) == '!')) {
        p->steps.at[step].negate = true;
        r->at++;
    }
    do {
        struct glob_range range;
        if (here(r) == ']' || !class_char(r, &range.low))
            return false;
        range.high = range.low;
        bool dash = here(r) == '-' && !(r->doublestar && r->at + 1 < r->pattern.len &&
                                        r->pattern.at[r->at + 1] == ']');
        if (dash) {
            r->at++;
            if (!class_char(r, &range.high))
                return false;
        }
        vec_push(p->arena, &p->ranges, range);
        p->steps.at[step].n++;
        if (!more(r))
            return false;
    } while (here(r) != ']');
    r->at++;
    return true;
}

static bool read_sequence(struct reader *r);

static bool read_braces(struct reader *r)
{
    struct glob_program *p = &r->program;
    VEC(size_t) exits = {0};
    if (++r->depth > GLOB_DEPTH_MAX)
        return false;
    for (;;) {
        size_t split = glob_emit(p, GLOB_SPLIT);
        if (!read_sequence(r) || !more(r))
            return false;
        vec_push(p->arena, &exits, glob_emit(p, GLOB_JUMP));
        p->steps.at[split].to = (uint32_t)p->steps.n;
        if (next(r) == '}')
            break;
    }
    glob_emit(p, GLOB_FAIL);
    for (size_t i = 0; i < exits.n; i++)
        p->steps.at[exits.at[i]].to = (uint32_t)p->steps.n;
    r->depth--;
    return true;
}

/* "**" that is a whole segment takes any number of them; behind '/' and at the end also none at
 * all. */
static void read_stars(struct reader *r)
{
    struct glob_program *p = &r->program;
    size_t from = r->at - 1;
    bool starts = from == 0 || r->pattern.at[from - 1] == '/';
    bool two = r->doublestar && here(r) == '*';
    if (two)
        r->at++;
    if (two && starts && !more(r)) {
        glob_emit_run(p, GLOB_ANY);
    } else if (two && starts && here(r) == '/') {
        r->at++;
        size_t split = glob_emit(p, GLOB_SPLIT);
        glob_emit_run(p, GLOB_ANY);
        glob_emit_rune(p, '/');
        p->steps.at[split].to = (uint32_t)p->steps.n;
    } else {
        glob_emit_run(p, GLOB_NOT_SEP);
    }
}

/* Two stars behind a slash at the end: the folder itself matches too. */
static bool slash_stars_end(const struct reader *r)
{
    str rest = str_from(r->pattern, r->at);
    return r->doublestar && !r->depth && (str_is(rest, "/**") || str_is(rest, "/**/"));
}

static bool read_sequence(struct reader *r)
{
    struct glob_program *p = &r->program;
    while (more(r)) {
        if (r->depth && (here(r) == ',' || here(r) == '}'))
            return true;
        if (slash_stars_end(r)) {
            bool slash = r->pattern.at[r->pattern.len - 1] == '/';
            size_t none = glob_emit(p, GLOB_SPLIT), no_more = 0;
            glob_emit_rune(p, '/');
            if (slash)
                no_more = glob_emit(p, GLOB_SPLIT);
            glob_emit_run(p, GLOB_ANY);
            if (slash)
                glob_emit_rune(p, '/');
            p->steps.at[none].to = (uint32_t)p->steps.n;
            if (slash)
                p->steps.at[no_more].to = (uint32_t)p->steps.n;
            r->at = r->pattern.len;
            return true;
        }
        uint32_t c = next(r);
        if (c == '*') {
            read_stars(r);
        } else if (c == '?') {
            glob_emit(p, GLOB_NOT_SEP);
        } else if (c == '[') {
            if (!read_class(r))
                return false;
        } else if (c == '{' && r->doublestar) {
            if (!read_braces(r))
                return false;
        } else if (c == '}' && r->doublestar) {
            return false;
        } else if (c == '\\') {
            if (!more(r))
                return false;
            glob_emit_rune(p, next(r));
        } else {
            glob_emit_rune(p, c);
        }
    }
    return true;
}

static int match(str pattern, str text, bool doublestar, bool *ret_matched, struct err *err)
{
    struct arena a;
    if (pattern.len > GLOB_PATTERN_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "pattern is longer than %d bytes",
                       GLOB_PATTERN_BYTES_MAX);
    arena_init(&a, ARENA_BYTES_DEFAULT);
    struct reader r = {.pattern = pattern,
                       .program = {.arena = &a, .separators = STR("/")},
                       .doublestar = doublestar};
    bool ok = read_sequence(&r);
    if (ok) {
        glob_emit(&r.program, GLOB_END);
        *ret_matched = glob_run(&r.program, text);
    }
    arena_done(&a);
    return ok ? 0 : err_set(err, ERR_INVALID, "syntax error in pattern");
}

int path_match(str pattern, str text, bool *ret_matched, struct err *err)
{
    return match(pattern, text, false, ret_matched, err);
}

int doublestar_match(str pattern, str text, bool *ret_matched, struct err *err)
{
    return match(pattern, text, true, ret_matched, err);
}

bool doublestar_has_meta(str pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.at[i] == '\\')
            i++;
        else if (strchr("*?[{", pattern.at[i]) && pattern.at[i])
            return true;
    }
    return false;
}
