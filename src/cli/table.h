/* cli/table.h: columns as Go's text/tabwriter lines them up. Private to the room.
 *
 * A cell that a tab ends belongs to a column; a column is as wide as its widest cell among lines
 * that follow one another. The last cell of a line is never padded. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

#include "base/arena.h"

struct table {
    struct arena *arena;
    size_t width_min, padding;
    VEC(str) lines; /* cells separated by tabs */
};

void table_init(struct table *t, struct arena *a, size_t width_min, size_t padding);
void table_add(struct table *t, const char *format, ...) PRINTF(2, 3); /* without the line break */
/* Print what was added since the last time. */
void table_print(struct table *t, FILE *out);

#endif
