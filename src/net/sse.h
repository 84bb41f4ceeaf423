/* net/sse.h: server-sent events (text/event-stream), writing and reading.
 * Source: WHATWG HTML, "Server-sent events"; grpc-gateway writes only data lines. */
#ifndef NET_SSE_H
#define NET_SSE_H

#include "base/buf.h"
#include "base/err.h"

#define SSE_EVENT_BYTES_MAX ((size_t)64 << 20)

/* Append one event: one "data: " line for each line of data, then an empty line. */
void sse_add(struct buf *out, str data);
void sse_add_comment(struct buf *out); /* ":\n": keeps proxies and peers awake */

/* Push parser: bytes in, the data of each complete event out. */
struct sse_reader {
    struct buf line, data;
    bool after_cr, any_data, failed;
    void (*event)(void *arg, str data); /* valid during the callback */
    void *arg;
};
void sse_reader_init(struct sse_reader *r, void (*event)(void *arg, str data), void *arg);
void sse_reader_done(struct sse_reader *r);
/* -ERR_TOO_LARGE past SSE_EVENT_BYTES_MAX; the reader is then finished. */
int sse_reader_add(struct sse_reader *r, str bytes, struct err *err) MUST_CHECK;

#endif
