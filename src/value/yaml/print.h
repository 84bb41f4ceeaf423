/* value/yaml/print.h: the output of the YAML printers. Private to the room.
 *
 * Bytes go straight into the caller's buffer. Before a step its room is made sure of; past the
 * buffer's bound everything goes to a scratch place and the buffer is marked as overflowed. */
#ifndef VALUE_YAML_PRINT_H
#define VALUE_YAML_PRINT_H

#include "base/buf.h"
#include "value/yaml/write.h"

#define YAML_WIDTH 80
#define YAML_INDENT 2
#define YAML_SIMPLE_KEY_BYTES_MAX 128 /* of a key without `? ` */
#define YAML_OUT_SLACK 64             /* beyond what was asked for: copies may overrun */

struct yaml_out {
    struct buf *buf;
    struct arena *arena; /* scratch */
    char *w, *limit;
    char *line;    /* where the line begins */
    uint32_t wide; /* bytes of the line that begin no character */
    bool full;
};

void yaml_out_init(struct yaml_out *o, struct buf *buf, struct arena *a);
void yaml_out_grow(struct yaml_out *o, size_t n);
/* What was written belongs to the buffer now. */
void yaml_out_finish(struct yaml_out *o);

static inline void yaml_out_room(struct yaml_out *o, size_t n)
{
    if ((size_t)(o->limit - o->w) < n + YAML_OUT_SLACK)
        yaml_out_grow(o, n);
}

/* Characters on the line. */
static inline int yaml_out_column(const struct yaml_out *o)
{
    return (int)(o->w - o->line) - (int)o->wide;
}

/* A new line unless one was just begun, and `indent` blanks. */
void yaml_out_line(struct yaml_out *o, int indent);

/* A text in the way that go-yaml v2 chooses; `indent` is that of its continuing lines. key: on one
 * line. blank: a blank goes before. */
void yaml_put_string(struct yaml_out *o, str s, int indent, bool key, bool blank);
/* True when the text needs `? ` as a key. */
bool yaml_key_is_complex(str s);

#endif
