/* net/query_fuzz.c: query strings, path pieces and URLs; what is escaped again must read the same.
 */
#include <assert.h>

#include "net/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct http_url url;
    struct err err;
    str text = str_mem(data, size), piece;
    CLEANUP(buf_done) struct buf again = BUF_INIT;
    arena_init(&a, 64 << 20);
    struct http_query q = http_query_parse(&a, text);
    for (size_t i = 0; i < q.n; i++) {
        if (i)
            buf_addc(&again, '&');
        http_query_escape(&again, q.at[i].key);
        buf_addc(&again, '=');
        http_query_escape(&again, q.at[i].value);
    }
    struct http_query same = http_query_parse(&a, buf_str(&again));
    assert(same.n == q.n && !same.malformed);
    for (size_t i = 0; i < q.n; i++)
        assert(str_eq(same.at[i].key, q.at[i].key) && str_eq(same.at[i].value, q.at[i].value));
    if (http_path_decode(&a, text, &piece)) {
        buf_reset(&again);
        http_path_escape(&again, piece);
        str back;
        assert(http_path_decode(&a, buf_str(&again), &back) && str_eq(back, piece));
    }
    if (http_url_parse(text, &url, &err) == 0)
        assert(url.port && url.host.len);
    arena_done(&a);
    return 0;
}
