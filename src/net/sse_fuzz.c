/* net/sse_fuzz.c: an event stream in pieces gives the same events as at once. */
#include <assert.h>

#include "net/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void collect(void *arg, str event)
{
    struct buf *all = arg;
    buf_add(all, event);
    buf_addc(all, '\0');
}

static void read_in_pieces(str text, size_t piece, struct buf *all)
{
    struct sse_reader r;
    struct err err;
    sse_reader_init(&r, collect, all);
    for (size_t at = 0; at < text.len; at += piece)
        if (sse_reader_add(&r, str_sub(text, at, piece), &err))
            break;
    sse_reader_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_done) struct buf once = BUF_INIT;
    CLEANUP(buf_done) struct buf often = BUF_INIT;
    str text = str_mem(data, size);
    read_in_pieces(text, size ? size : 1, &once);
    read_in_pieces(text, 3, &often);
    assert(str_eq(buf_str(&once), buf_str(&often)));
    return 0;
}
