/* net/h2.c: see h2.h. */
#include "net/h2.h"

/* The connection's own queue is kept short so that many streams share it fairly. */
#define SEND_BYTES ((size_t)256 << 10)

str h2_text(nghttp2_rcbuf *b)
{
    nghttp2_vec v = nghttp2_rcbuf_get_buf(b);
    return str_mem(v.base, v.len);
}

static str lower(struct arena *a, str s)
{
    char *at = arena_cstr(a, s);
    for (size_t i = 0; i < s.len; i++)
        if (at[i] >= 'A' && at[i] <= 'Z')
            at[i] = (char)(at[i] + 32);
    return (str){at, s.len};
}

nghttp2_nv h2_field(struct arena *a, str name, str value)
{
    name = lower(a, name);
    value = str_trim(value);
    return (nghttp2_nv){(uint8_t *)name.at, (uint8_t *)value.at, name.len, value.len,
                        NGHTTP2_NV_FLAG_NONE};
}

void h2_pump(nghttp2_session *session, struct conn *c)
{
    while (conn_queued(c) < SEND_BYTES) {
        const uint8_t *at;
        ssize_t n = nghttp2_session_mem_send(session, &at);
        if (n <= 0)
            break;
        conn_write(c, str_mem(at, (size_t)n));
    }
}

bool h2_is_over(nghttp2_session *session)
{
    return !nghttp2_session_want_read(session) && !nghttp2_session_want_write(session);
}
