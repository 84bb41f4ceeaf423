/* A .tgz of a stranger: the bytes as they are when they begin as gzip does, else as the tar inside
 * a gzip of stored blocks, so that what changes in it is the tar. What is taken has clean names
 * below the chart and bytes within the bounds; what is refused is explained. */
#include <stdlib.h>
#include <string.h>

#include "render/helm_chart.h"

#define INPUT_BYTES_MAX ((size_t)1 << 18)
#define BLOCK_BYTES 65535

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* gzip without compression; its checksum is not looked at. */
static str stored(struct arena *a, str tar)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    buf_add(&b, str_mem("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10));
    do {
        size_t n = MIN_OF(tar.len, (size_t)BLOCK_BYTES);
        const char head[] = {(char)(n == tar.len), (char)(n & 255), (char)(n >> 8),
                             (char)(~n & 255), (char)(~n >> 8 & 255)};
        buf_add(&b, str_mem(head, sizeof(head)));
        buf_add(&b, str_sub(tar, 0, n));
        tar = str_from(tar, n);
    } while (tar.len);
    buf_add(&b, str_mem("\0\0\0\0\0\0\0\0", 8));
    return arena_str(a, buf_str(&b));
}

static void check_name(str name)
{
    str rest = name, part;
    if (!name.len || name.at[0] == '/')
        abort();
    while (str_next(&rest, '/', &part))
        if (!part.len || str_is(part, ".") || str_is(part, ".."))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct err err = {0};
    struct helm_files files = {0};
    str bytes = str_mem((const char *)data, size);
    if (size > INPUT_BYTES_MAX)
        return 0;
    arena_init(&a, (size_t)1 << 30);
    if (!str_starts(bytes, STR("\x1f\x8b")))
        bytes = stored(&a, bytes);
    if (helm_archive_read(bytes, &a, &files, &err)) {
        if (!err.text[0])
            abort();
    } else {
        size_t all = 0;
        for (size_t i = 0; i < files.n; i++) {
            check_name(files.at[i].name);
            all += files.at[i].data.len;
        }
        if (!files.n || files.n > HELM_FILES_MAX || all > HELM_CHART_BYTES_MAX)
            abort();
    }
    arena_done(&a);
    return 0;
}
