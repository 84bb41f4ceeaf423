/* value/doc_pack.c: documents at rest: the tape under zstd with a dictionary of what Kubernetes
 * objects have in common.
 *
 * The dictionary (pack_dictionary.bin, made by tests/bench/train_pack_dictionary.c) is part of the
 * program. Its two digested forms are constants that are computed once; the contexts of a thread
 * are scratch memory, kept because making one costs more than unpacking a small object. */
#include <assert.h>
#include <pthread.h>
#include <zstd.h>

#include "value/doc.h"
#include "value/tape_write.h"

/* The file, by the assembler: __asm__ at file scope works alike in gcc and clang. */
__asm__(".section .rodata\n"
        ".balign 16\n"
        "value_pack_dictionary:\n"
        ".incbin \"" VALUE_PACK_DICTIONARY "\"\n"
        "1:\n"
        ".balign 8\n"
        "value_pack_dictionary_bytes:\n"
        ".quad 1b - value_pack_dictionary\n"
        ".previous\n");
extern const char value_pack_dictionary[] __attribute__((visibility("hidden")));
extern const uint64_t value_pack_dictionary_bytes __attribute__((visibility("hidden")));

#define PACK_LEVEL 3
#define PACK_VERSION 1

struct packed_header {
    uint32_t version;
    uint32_t tape_bytes;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static ZSTD_CDict *pack_with;
static ZSTD_DDict *unpack_with;
static pthread_key_t scratch_key;

struct scratch {
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
};

static void free_scratch(void *p)
{
    struct scratch *s = p;
    ZSTD_freeCCtx(s->pack);
    ZSTD_freeDCtx(s->unpack);
    free(s);
}

static void prepare(void)
{
    size_t n = value_pack_dictionary_bytes;
    pack_with = ZSTD_createCDict(value_pack_dictionary, n, PACK_LEVEL);
    unpack_with = ZSTD_createDDict(value_pack_dictionary, n);
    if (!pack_with || !unpack_with || pthread_key_create(&scratch_key, free_scratch))
        abort();
}

static struct scratch *scratch(void)
{
    pthread_once(&once, prepare);
    struct scratch *s = pthread_getspecific(scratch_key);
    if (s)
        return s;
    s = calloc(1, sizeof(*s));
    if (!s || !(s->pack = ZSTD_createCCtx()) || !(s->unpack = ZSTD_createDCtx()) ||
        pthread_setspecific(scratch_key, s))
        abort();
    ZSTD_CCtx_setParameter(s->pack, ZSTD_c_checksumFlag, 1);
    ZSTD_CCtx_setParameter(s->pack, ZSTD_c_dictIDFlag, 0);
    ZSTD_CCtx_setParameter(s->pack, ZSTD_c_contentSizeFlag, 0);
    ZSTD_CCtx_refCDict(s->pack, pack_with);
    ZSTD_DCtx_refDDict(s->unpack, unpack_with);
    return s;
}

void doc_pack(const struct doc *d, struct buf *out)
{
    struct packed_header h = {PACK_VERSION, (uint32_t)d->tape_bytes};
    size_t bound = ZSTD_compressBound(d->tape_bytes) + sizeof(h);
    if (!buf_reserve(out, bound))
        return;
    char *p = out->at + out->len;
    memcpy(p, &h, sizeof(h));
    size_t n =
        ZSTD_compress2(scratch()->pack, p + sizeof(h), bound - sizeof(h), d->tape, d->tape_bytes);
    assert(!ZSTD_isError(n));
    buf_advance(out, sizeof(h) + n);
    out->at[out->len] = 0;
}

int doc_unpack(str packed, struct doc **ret, struct err *err)
{
    struct packed_header h;
    if (packed.len < sizeof(h))
        return err_set(err, ERR_INVALID, "packed document of %zu bytes is cut short", packed.len);
    memcpy(&h, packed.at, sizeof(h));
    if (h.version != PACK_VERSION || h.tape_bytes <= TAPE_ROOT)
        return err_set(err, ERR_INVALID, "packed document has an unknown version");
    /* zstd never makes more than 32 Ki bytes of one: a size that cannot be true takes no memory */
    if (h.tape_bytes / 32768 > packed.len)
        return err_set(err, ERR_INVALID, "packed document is damaged");
    struct doc *d = tape_doc_new(h.tape_bytes);
    size_t n = ZSTD_decompressDCtx(scratch()->unpack, d->tape, h.tape_bytes, packed.at + sizeof(h),
                                   packed.len - sizeof(h));
    if (ZSTD_isError(n) || n != h.tape_bytes) {
        doc_unref(d);
        return err_set(err, ERR_INVALID, "packed document is damaged");
    }
    *ret = d;
    return 0;
}
