/* lang/glob_program.h: what every glob becomes: a small program that is run over all ways at once,
 * so that no pattern costs more than its length times the text's. Private to the room. */
#ifndef LANG_GLOB_PROGRAM_H
#define LANG_GLOB_PROGRAM_H

#include "base/arena.h"
#include "base/str.h"

enum glob_op {
    GLOB_CHAR,    /* one rune */
    GLOB_ANY,     /* one rune of any kind */
    GLOB_NOT_SEP, /* one rune that is no separator */
    GLOB_CLASS,   /* one rune of the ranges [first, first + n), or none of them */
    GLOB_SPLIT,   /* go on at the next instruction and at `to` */
    GLOB_JUMP,    /* go on at `to` */
    GLOB_END,     /* at the end of the text: a match */
    GLOB_FAIL,
};

struct glob_range {
    uint32_t low, high;
};

struct glob_step {
    enum glob_op op;
    uint32_t rune;
    uint32_t to;
    uint32_t first, n;
    bool negate, no_sep; /* GLOB_CLASS */
};

struct glob_program {
    struct arena *arena;
    VEC(struct glob_step) steps;
    VEC(struct glob_range) ranges;
    str separators;
};

size_t glob_emit(struct glob_program *p, enum glob_op op); /* index of the new step */
void glob_emit_rune(struct glob_program *p, uint32_t rune);
/* Any number of what `op` (GLOB_ANY, GLOB_NOT_SEP) takes. */
void glob_emit_run(struct glob_program *p, enum glob_op op);

bool glob_run(const struct glob_program *p, str text);

/* A rune and its width; an invalid byte is U+FFFD and one byte wide. */
uint32_t glob_rune(str text, size_t i, size_t *ret_width);

#endif
