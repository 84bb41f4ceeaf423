/* net/sse.c: server-sent events; see the header. */
#include "net/sse.h"

void sse_add(struct buf *out, str data)
{
    str rest = data, line;
    if (!rest.at)
        rest = STR("");
    while (str_next(&rest, '\n', &line)) {
        buf_add(out, STR("data: "));
        buf_add(out, line);
        buf_addc(out, '\n');
    }
    buf_addc(out, '\n');
}

void sse_add_comment(struct buf *out) { buf_add(out, STR(":\n")); }

void sse_reader_init(struct sse_reader *r, void (*event)(void *arg, str data), void *arg)
{
    *r = (struct sse_reader){.event = event, .arg = arg};
    buf_init(&r->line, SSE_EVENT_BYTES_MAX);
    buf_init(&r->data, SSE_EVENT_BYTES_MAX);
}

void sse_reader_done(struct sse_reader *r)
{
    buf_done(&r->line);
    buf_done(&r->data);
}

/* One complete line without its end. */
static void take_line(struct sse_reader *r)
{
    str line = buf_str(&r->line), field, val;
    if (line.len == 0) {
        if (r->any_data)
            r->event(r->arg, buf_str(&r->data));
        buf_reset(&r->data);
        r->any_data = false;
        return;
    }
    if (!str_cut(line, ':', &field, &val)) {
        field = line;
        val = STR("");
    }
    if (str_is(field, "data")) {
        if (r->any_data)
            buf_addc(&r->data, '\n');
        buf_add(&r->data, str_trim_prefix(val, STR(" ")));
        r->any_data = true;
    }
    buf_reset(&r->line);
}

int sse_reader_add(struct sse_reader *r, str bytes, struct err *err)
{
    size_t from = 0;
    for (size_t i = 0; i < bytes.len && !r->failed; i++) {
        char c = bytes.at[i];
        if (c != '\n' && c != '\r')
            continue;
        bool rest_of_crlf = c == '\n' && r->after_cr && i == from && r->line.len == 0;
        r->after_cr = c == '\r';
        if (!rest_of_crlf) {
            buf_add(&r->line, str_sub(bytes, from, i - from));
            r->failed = r->line.overflow || r->data.overflow;
            if (!r->failed)
                take_line(r);
        }
        from = i + 1;
    }
    if (from < bytes.len) {
        buf_add(&r->line, str_from(bytes, from));
        r->after_cr = false;
    }
    r->failed |= r->line.overflow || r->data.overflow;
    if (r->failed)
        return err_set(err, ERR_TOO_LARGE, "event stream: an event is larger than %zu MiB",
                       SSE_EVENT_BYTES_MAX >> 20);
    return 0;
}
