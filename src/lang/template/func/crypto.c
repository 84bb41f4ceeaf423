/* lang/template/func/crypto.c: digests, passwords and AES.
 *
 * Source: Sprig 3.3 crypto.go. What costs much time takes many steps of the run's budget. */
#include <crypt.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "lang/template/func/base_n.h"
#include "lang/template/func/random.h"
#include "lang/template/func/rows.h"

#define BCRYPT_COST 10
#define BCRYPT_BYTES_MAX 72
#define BCRYPT_SALT_BYTES 16
#define SLOW_STEPS 1000000 /* some 50 ms */
#define AES_BLOCK 16
#define AES_KEY_BYTES 32

static int give(tval *ret, str s)
{
    *ret = template_str(s);
    return 0;
}

/* ---- digests ---- */

static int digest(struct template_call *c, str s, const EVP_MD *md, tval *ret)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!EVP_Digest(s.at, s.len, sum, &len, md, NULL))
        return template_fail(c, "the digest is not available");
    return give(ret, hex_str(c->arena, sum, len));
}

int func_sha1sum(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return digest(c, template_text(arg[0]), EVP_sha1(), ret);
}

int func_sha256sum(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return digest(c, template_text(arg[0]), EVP_sha256(), ret);
}

int func_sha512sum(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    return digest(c, template_text(arg[0]), EVP_sha512(), ret);
}

int func_adler32sum(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    uint32_t a = 1, b = 0;
    str s = template_text(arg[0]);
    for (size_t i = 0; i < s.len; i++) {
        a = (a + (unsigned char)s.at[i]) % 65521;
        b = (b + a) % 65521;
    }
    return give(ret, arena_printf(c->arena, "%u", b << 16 | a));
}

/* ---- bcrypt ---- */

static void free_scratch(struct crypt_data **d)
{
    free(*d);
    *d = NULL;
}

static int hash_password(struct template_call *c, str password, str *ret)
{
    char random[BCRYPT_SALT_BYTES], setting[CRYPT_GENSALT_OUTPUT_SIZE];
    CLEANUP(free_scratch) struct crypt_data *scratch = calloc(1, sizeof *scratch);
    if (password.len > BCRYPT_BYTES_MAX) {
        *ret =
            STR("failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes");
        return 0;
    }
    int rc = template_charge(c, SLOW_STEPS);
    if (rc)
        return rc;
    random_fill(c, random, sizeof random);
    const char *made = NULL;
    if (scratch &&
        crypt_gensalt_rn("$2a$", BCRYPT_COST, random, sizeof random, setting, sizeof setting))
        made = crypt_r(arena_cstr(c->arena, password), setting, scratch);
    if (!made || made[0] == '*')
        return template_fail(c, "bcrypt is not available");
    *ret = arena_str(c->arena, str_of(made));
    return 0;
}

int func_bcrypt(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str hash = STR("");
    int rc = hash_password(c, template_text(arg[0]), &hash);
    return rc ? rc : give(ret, hash);
}

int func_htpasswd(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str user = template_text(arg[0]), hash = STR("");
    if (str_find_char(user, ':') >= 0)
        return give(ret, ARENA_CAT(c->arena, STR("invalid username: "), user));
    int rc = hash_password(c, template_text(arg[1]), &hash);
    return rc ? rc : give(ret, ARENA_CAT(c->arena, user, STR(":"), hash));
}

/* ---- derivePassword: the Master Password algorithm ---- */

#define SEED_NAME "com.lyndir.masterpassword"

static const struct {
    const char *name;
    const char *const *form; /* letters name classes of characters */
    size_t n;
} PASSWORD[] = {
    {"maximum", (const char *const[]){"anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"}, 2},
    {"long",
     (const char *const[]){"CvcvnoCvcvCvcv", "CvcvCvcvnoCvcv", "CvcvCvcvCvcvno", "CvccnoCvcvCvcv",
                           "CvccCvcvnoCvcv", "CvccCvcvCvcvno", "CvcvnoCvccCvcv", "CvcvCvccnoCvcv",
                           "CvcvCvccCvcvno", "CvcvnoCvcvCvcc", "CvcvCvcvnoCvcc", "CvcvCvcvCvccno",
                           "CvccnoCvccCvcv", "CvccCvccnoCvcv", "CvccCvccCvcvno", "CvcvnoCvccCvcc",
                           "CvcvCvccnoCvcc", "CvcvCvccCvccno", "CvccnoCvcvCvcc", "CvccCvcvnoCvcc",
                           "CvccCvcvCvccno"},
     21},
    {"medium", (const char *const[]){"CvcnoCvc", "CvcCvcno"}, 2},
    {"short", (const char *const[]){"Cvcn"}, 1},
    {"basic", (const char *const[]){"aaanaaan", "aannaaan", "aaannaaa"}, 3},
    {"pin", (const char *const[]){"nnnn"}, 1},
};

static const struct {
    char name;
    const char *characters;
} CLASS[] = {
    {'V', "AEIOU"},
    {'C', "BCDFGHJKLMNPQRSTVWXYZ"},
    {'v', "aeiou"},
    {'c', "bcdfghjklmnpqrstvwxyz"},
    {'A', "AEIOUBCDFGHJKLMNPQRSTVWXYZ"},
    {'a', "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"},
    {'n', "0123456789"},
    {'o', "@&%?,=[]_:-+*$#!'^~;()/."},
    {'x', "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()"},
};

static str big_endian(struct arena *a, uint32_t u)
{
    unsigned char byte[4] = {(unsigned char)(u >> 24), (unsigned char)(u >> 16),
                             (unsigned char)(u >> 8), (unsigned char)u};
    return str_mem(arena_copy(a, byte, sizeof byte), sizeof byte);
}

static str fill_form(struct arena *a, const char *form, const unsigned char *seed)
{
    size_t len = strlen(form);
    char *out = arena_alloc(a, len);
    for (size_t i = 0; i < len; i++)
        for (size_t k = 0; k < ARRAY_LEN(CLASS); k++)
            if (CLASS[k].name == form[i])
                out[i] = CLASS[k].characters[seed[i + 1] % strlen(CLASS[k].characters)];
    return str_mem(out, len);
}

int func_derive_password(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str type = template_text(arg[1]), password = template_text(arg[2]);
    str user = template_text(arg[3]), site = template_text(arg[4]);
    unsigned char key[64], seed[EVP_MAX_MD_SIZE];
    unsigned seed_len = 0;
    size_t row = 0;
    while (row < ARRAY_LEN(PASSWORD) && !str_is(type, PASSWORD[row].name))
        row++;
    if (row == ARRAY_LEN(PASSWORD))
        return give(ret, ARENA_CAT(c->arena, STR("cannot find password template "), type));
    int rc = template_charge(c, SLOW_STEPS * 2);
    if (rc)
        return rc;
    str salt = ARENA_CAT(c->arena, STR(SEED_NAME), big_endian(c->arena, (uint32_t)user.len), user);
    str text = ARENA_CAT(c->arena, STR(SEED_NAME), big_endian(c->arena, (uint32_t)site.len), site,
                         big_endian(c->arena, (uint32_t)arg[0].u));
    if (!EVP_PBE_scrypt(password.at, password.len, (const unsigned char *)salt.at, salt.len, 32768,
                        8, 2, (uint64_t)128 << 20, key, sizeof key) ||
        !HMAC(EVP_sha256(), key, sizeof key, (const unsigned char *)text.at, text.len, seed,
              &seed_len))
        return template_fail(c, "failed to derive password");
    return give(ret, fill_form(c->arena, PASSWORD[row].form[seed[0] % PASSWORD[row].n], seed));
}

/* ---- AES-256-CBC; the key is the password, cut or filled up with zeros ---- */

static bool aes(struct template_call *c, str password, const char *iv, str in, bool encrypts,
                char *out)
{
    unsigned char key[AES_KEY_BYTES] = {0};
    int len = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    memcpy(key, password.at, MIN_OF(password.len, sizeof key));
    bool ok =
        ctx &&
        EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, (const unsigned char *)iv, encrypts) &&
        EVP_CIPHER_CTX_set_padding(ctx, 0) &&
        EVP_CipherUpdate(ctx, (unsigned char *)out, &len, (const unsigned char *)in.at,
                         (int)in.len);
    EVP_CIPHER_CTX_free(ctx);
    return ok && (size_t)len == in.len;
}

int func_encrypt_aes(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str s = template_text(arg[1]);
    size_t padding = AES_BLOCK - s.len % AES_BLOCK, len = s.len + padding;
    if (!s.len)
        return give(ret, STR(""));
    int rc = template_room(c, 4 * (uint64_t)len);
    if (rc)
        return rc;
    char *plain = arena_alloc(c->arena, len), *out = arena_alloc(c->arena, AES_BLOCK + len);
    memcpy(plain, s.at, s.len);
    memset(plain + s.len, (int)padding, padding);
    random_fill(c, out, AES_BLOCK);
    if (!aes(c, template_text(arg[0]), out, str_mem(plain, len), true, out + AES_BLOCK))
        return template_fail(c, "AES is not available");
    return give(ret, base64_str(c->arena, str_mem(out, AES_BLOCK + len)));
}

int func_decrypt_aes(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str text = template_text(arg[1]), in;
    size_t bad;
    if (!text.len)
        return give(ret, STR(""));
    if (!base64_read(text, c->arena, &in, &bad))
        return template_fail(c, "illegal base64 data at input byte %zu", bad);
    if (in.len < AES_BLOCK)
        return template_fail(c, "runtime error: slice bounds out of range [:16] with capacity %zu",
                             text.len / 4 * 3);
    str iv = str_sub(in, 0, AES_BLOCK);
    in = str_from(in, AES_BLOCK);
    if (in.len % AES_BLOCK)
        return template_fail(c, "crypto/cipher: input not full blocks");
    if (!in.len)
        return template_fail(c, "runtime error: index out of range [-1]");
    char *out = arena_alloc(c->arena, in.len);
    if (!aes(c, template_text(arg[0]), iv.at, in, false, out))
        return template_fail(c, "AES is not available");
    size_t padding = (unsigned char)out[in.len - 1];
    if (padding > in.len)
        return template_fail(c, "runtime error: slice bounds out of range [:-%zu]",
                             padding - in.len);
    return give(ret, str_mem(out, in.len - padding));
}
