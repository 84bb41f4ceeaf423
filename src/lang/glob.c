/* lang/glob.c: gobwas patterns. */
#include "lang/glob.h"

#include "lang/glob_program.h"

struct glob {
    struct glob_program program;
};

struct reader {
    str pattern;
    size_t at;
    struct glob_program *program;
    struct err *err;
    unsigned depth;
};

static int bad(struct reader *r, const char *text)
{
    return err_set(r->err, ERR_INVALID, "%s", text);
}

/* The next rune; 0 at the end (and for a NUL, which ends a pattern upstream too). */
static uint32_t next(struct reader *r)
{
    size_t width;
    if (r->at >= r->pattern.len)
        return 0;
    uint32_t c = glob_rune(r->pattern, r->at, &width);
    r->at += width;
    return c;
}

static uint32_t peek(struct reader *r)
{
    size_t at = r->at;
    uint32_t c = next(r);
    r->at = at;
    return c;
}

static void add_range(struct reader *r, size_t step, uint32_t low, uint32_t high)
{
    vec_push(r->program->arena, &r->program->ranges, (struct glob_range){low, high});
    r->program->steps.at[step].n++;
}

/* Behind '[': "!"? then "lo-hi" or characters, and ']'. */
static int read_class(struct reader *r)
{
    size_t step = glob_emit(r->program, GLOB_CLASS);
    r->program->steps.at[step].first = (uint32_t)r->program->ranges.n;
    uint32_t c = next(r);
    if (c == '!') {
        r->program->steps.at[step].negate = true;
        c = next(r);
    }
    if (!c)
        return bad(r, "unexpected end of input");
    if (peek(r) == '-') {
        next(r);
        uint32_t high = next(r);
        if (!high)
            return bad(r, "unexpected end of input");
        if (next(r) != ']')
            return bad(r, "expected close range character");
        if (high < c)
            return bad(r, "hi character should be greater than lo");
        add_range(r, step, c, high);
        return 0;
    }
    size_t n = 0;
    for (;; c = next(r)) {
        bool escaped = c == '\\';
        if (escaped)
            c = next(r);
        if (!c)
            return bad(r, "unexpected end of input");
        if (c == ']' && !escaped)
            break;
        add_range(r, step, c, c);
        n++;
    }
    return n ? 0 : bad(r, "could not parse range");
}

static int read_sequence(struct reader *r);

/* Behind '{': alternatives. The end of the pattern closes all, as upstream. */
static int read_terms(struct reader *r)
{
    struct glob_program *p = r->program;
    VEC(size_t) exits = {0};
    if (++r->depth > GLOB_DEPTH_MAX)
        return err_set(r->err, ERR_TOO_LARGE, "braces nested deeper than %d", GLOB_DEPTH_MAX);
    for (;;) {
        size_t split = glob_emit(p, GLOB_SPLIT);
        int e = read_sequence(r);
        if (e)
            return e;
        vec_push(p->arena, &exits, glob_emit(p, GLOB_JUMP));
        p->steps.at[split].to = (uint32_t)p->steps.n;
        if (next(r) != ',')
            break;
    }
    glob_emit(p, GLOB_FAIL);
    for (size_t i = 0; i < exits.n; i++)
        p->steps.at[exits.at[i]].to = (uint32_t)p->steps.n;
    r->depth--;
    return 0;
}

/* Up to the end, or the ',' or '}' that belongs to the brace around. */
static int read_sequence(struct reader *r)
{
    struct glob_program *p = r->program;
    int e = 0;
    while (!e) {
        uint32_t c = peek(r);
        if (!c || (r->depth && (c == ',' || c == '}')))
            return 0;
        next(r);
        switch (c) {
        case '*':
            if (peek(r) == '*') {
                next(r);
                glob_emit_run(p, GLOB_ANY);
            } else {
                glob_emit_run(p, p->separators.len ? GLOB_NOT_SEP : GLOB_ANY);
            }
            break;
        case '?': glob_emit(p, GLOB_NOT_SEP); break;
        case '[': e = read_class(r); break;
        case '{': e = read_terms(r); break;
        case '\\':
            if ((c = next(r)))
                glob_emit_rune(p, c);
            break;
        default: glob_emit_rune(p, c);
        }
    }
    return e;
}

int glob_compile(str pattern, str separators, struct arena *a, const struct glob **ret,
                 struct err *err)
{
    struct glob *g = ARENA_NEW(a, struct glob);
    g->program.arena = a;
    g->program.separators = arena_str(a, separators);
    struct reader r = {.pattern = pattern, .program = &g->program, .err = err};
    if (pattern.len > GLOB_PATTERN_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "pattern is longer than %d bytes",
                       GLOB_PATTERN_BYTES_MAX);
    int e = read_sequence(&r);
    if (e)
        return e;
    glob_emit(&g->program, GLOB_END);
    *ret = g;
    return 0;
}

bool glob_match(const struct glob *g, str text)
{
    /* Upstream a pattern that is one `?` or class alone takes the empty text for U+FFFD. */
    const struct glob_step *only = &g->program.steps.at[0];
    if (!text.len && g->program.steps.n == 2 &&
        (only->op == GLOB_NOT_SEP || only->op == GLOB_CLASS))
        return glob_run(&g->program, STR("\xef\xbf\xbd"));
    return glob_run(&g->program, text);
}

bool glob_matches(str pattern, str text, str separators)
{
    struct arena a;
    const struct glob *g;
    bool special = false;
    for (size_t i = 0; i < pattern.len && !special; i++)
        special = pattern.at[i] == 0 || strchr("*?[{\\", pattern.at[i]) != NULL;
    if (!special)
        return str_eq(pattern, text);
    if (str_is(pattern, "*") && !separators.len)
        return true;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    bool yes = !glob_compile(pattern, separators, &a, &g, NULL) && glob_match(g, text);
    arena_done(&a);
    return yes;
}
