/* lang/template/func/random.c: random texts and numbers, from the run's source.
 *
 * Source: Sprig 3.3 strings.go, crypto.go; goutils 1.1.1 cryptorandomstringutils.go. */
#include <string.h>

#include "base/digest.h"
#include "lang/template/func/random.h"
#include "lang/template/func/rows.h"
#include "lang/template/run.h"
#include "lang/template/unicode.h"

void random_fill(struct template_call *c, void *ret, size_t len)
{
    const struct template_env *env = &c->run->env;
    if (env->random)
        env->random(env->source_arg, ret, len);
    else
        random_bytes(ret, len);
}

/* 0..n-1, each as likely: what does not fit a whole number of times is drawn again. */
static uint64_t below(struct template_call *c, uint64_t n)
{
    uint64_t r, limit = UINT64_MAX - UINT64_MAX % n;
    do
        random_fill(c, &r, sizeof r);
    while (r >= limit);
    return r % n;
}

/* `count` of the signs; none for a count below 1. */
static int text_of(struct template_call *c, int64_t count, str signs, tval *ret)
{
    int rc = count > 0 ? template_charge(c, (uint64_t)count) : 0;
    if (!rc && count > 0)
        rc = template_room(c, (uint64_t)count);
    if (rc)
        return rc;
    struct buf *b = template_buf(c);
    for (int64_t i = 0; i < count && !b->overflow; i++)
        buf_addc(b, signs.at[below(c, signs.len)]);
    return template_buf_tval(c, b, ret);
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

int func_rand_alpha_num(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return text_of(c, arg[0].i, STR(LETTERS DIGITS), ret);
}

int func_rand_alpha(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return text_of(c, arg[0].i, STR(LETTERS), ret);
}

int func_rand_numeric(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return text_of(c, arg[0].i, STR(DIGITS), ret);
}

int func_rand_ascii(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    char sign['~' - ' ' + 1];
    for (size_t i = 0; i < sizeof sign; i++)
        sign[i] = (char)(' ' + (int)i);
    return text_of(c, arg[0].i, str_mem(sign, sizeof sign), ret);
}

int func_rand_bytes(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    if (arg[0].i < 0)
        return template_fail(c, "runtime error: makeslice: len out of range");
    int rc = template_charge(c, (uint64_t)arg[0].i / 64);
    if (!rc)
        rc = template_room(c, (uint64_t)arg[0].i * 3);
    if (rc)
        return rc;
    size_t len = (size_t)arg[0].i;
    char *bytes = arena_alloc(c->arena, len);
    random_fill(c, bytes, len);
    struct buf *b = template_buf(c);
    base64_add(b, str_mem(bytes, len));
    return template_buf_tval(c, b, ret);
}

int func_rand_int(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    int64_t width;
    if (__builtin_sub_overflow(arg[1].i, arg[0].i, &width) || width <= 0)
        return template_fail(c, "invalid argument to Intn");
    *ret = template_int(arg[0].i + (int64_t)below(c, (uint64_t)width));
    return 0;
}

int func_shuffle(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str s = template_text(arg[0]);
    size_t width, runes = unicode_count(s), i = 0;
    int rc = template_room(c, runes * sizeof(int32_t));
    if (rc)
        return rc;
    int32_t *rune = ARENA_ARRAY(c->arena, int32_t, runes);
    for (; s.len; s = str_from(s, width))
        rune[i++] = unicode_decode(s, &width);
    for (size_t left = runes; left > 1; left--) {
        size_t other = below(c, left);
        int32_t r = rune[left - 1];
        rune[left - 1] = rune[other];
        rune[other] = r;
    }
    struct buf *b = template_buf(c);
    for (i = 0; i < runes; i++)
        unicode_add(b, rune[i]);
    return template_buf_tval(c, b, ret);
}

int func_uuidv4(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    unsigned char id[16];
    random_fill(c, id, sizeof id);
    id[6] = (id[6] & 0x0f) | 0x40;
    id[8] = (id[8] & 0x3f) | 0x80;
    struct buf *b = template_buf(c);
    for (size_t i = 0; i < sizeof id; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            buf_addc(b, '-');
        buf_printf(b, "%02x", id[i]);
    }
    return template_buf_tval(c, b, ret);
}
