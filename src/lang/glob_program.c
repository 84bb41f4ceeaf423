#include "lang/glob_program.h"

size_t glob_emit(struct glob_program *p, enum glob_op op)
{
    vec_push(p->arena, &p->steps, (struct glob_step){.op = op});
    return p->steps.n - 1;
}

void glob_emit_rune(struct glob_program *p, uint32_t rune)
{
    size_t i = glob_emit(p, GLOB_CHAR);
    p->steps.at[i].rune = rune;
}

void glob_emit_run(struct glob_program *p, enum glob_op op)
{
    size_t split = glob_emit(p, GLOB_SPLIT);
    glob_emit(p, op);
    size_t jump = glob_emit(p, GLOB_JUMP);
    p->steps.at[jump].to = (uint32_t)split;
    p->steps.at[split].to = (uint32_t)p->steps.n;
}

uint32_t glob_rune(str text, size_t i, size_t *ret_width)
{
    const uint8_t *u = (const uint8_t *)text.at + i;
    size_t left = text.len - i;
    unsigned width = u[0] < 0x80   ? 1
                     : u[0] < 0xc2 ? 0
                     : u[0] < 0xe0 ? 2
                     : u[0] < 0xf0 ? 3
                     : u[0] < 0xf5 ? 4
                                   : 0;
    *ret_width = 1;
    if (width == 1)
        return u[0];
    if (!width || width > left)
        return 0xfffd;
    uint32_t c = u[0] & (0x7fU >> width);
    for (unsigned k = 1; k < width; k++) {
        if ((u[k] & 0xc0) != 0x80)
            return 0xfffd;
        c = c << 6 | (u[k] & 0x3f);
    }
    if ((width == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) ||
        (width == 4 && (c < 0x10000 || c > 0x10ffff)))
        return 0xfffd;
    *ret_width = width;
    return c;
}

/* The steps that are waiting for the next rune, each once. */
struct set {
    uint32_t *member, *place;
    size_t n;
};

static bool has(const struct set *s, uint32_t step)
{
    return s->place[step] < s->n && s->member[s->place[step]] == step;
}

static void put(struct set *s, uint32_t step)
{
    if (!has(s, step)) {
        s->place[step] = (uint32_t)s->n;
        s->member[s->n++] = step;
    }
}

/* Add a step and all that is reached from it without a rune. */
static void reach(const struct glob_program *p, struct set *s, uint32_t step)
{
    size_t done = s->n;
    put(s, step);
    for (; done < s->n; done++) {
        const struct glob_step *at = &p->steps.at[s->member[done]];
        if (at->op == GLOB_SPLIT)
            put(s, s->member[done] + 1);
        if (at->op == GLOB_SPLIT || at->op == GLOB_JUMP)
            put(s, at->to);
    }
}

static bool is_separator(const struct glob_program *p, uint32_t rune)
{
    size_t width;
    for (size_t i = 0; i < p->separators.len; i += width)
        if (glob_rune(p->separators, i, &width) == rune)
            return true;
    return false;
}

static bool takes(const struct glob_program *p, const struct glob_step *s, uint32_t rune)
{
    bool in = false;
    switch (s->op) {
    case GLOB_CHAR: return s->rune == rune;
    case GLOB_ANY: return true;
    case GLOB_NOT_SEP: return !is_separator(p, rune);
    case GLOB_CLASS:
        for (uint32_t i = s->first; i < s->first + s->n; i++)
            in |= p->ranges.at[i].low <= rune && rune <= p->ranges.at[i].high;
        return in != s->negate && !(s->no_sep && is_separator(p, rune));
    default: return false;
    }
}

bool glob_run(const struct glob_program *p, str text)
{
    size_t n = p->steps.n;
    uint32_t small[4 * 64], *room = small;
    if (n > 64) {
        room = calloc(4 * n, sizeof(*room));
        if (!room)
            abort();
    } else {
        memset(small, 0, sizeof(small));
    }
    struct set now = {room, room + n, 0}, next = {room + 2 * n, room + 3 * n, 0};
    reach(p, &now, 0);
    size_t width;
    for (size_t i = 0; i < text.len && now.n; i += width) {
        uint32_t rune = glob_rune(text, i, &width);
        next.n = 0;
        for (size_t k = 0; k < now.n; k++)
            if (takes(p, &p->steps.at[now.member[k]], rune))
                reach(p, &next, now.member[k] + 1);
        struct set swap = now;
        now = next;
        next = swap;
    }
    bool matched = false;
    for (size_t k = 0; k < now.n; k++)
        matched |= p->steps.at[now.member[k]].op == GLOB_END;
    if (room != small)
        free(room);
    return matched;
}
