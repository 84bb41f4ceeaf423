/* refs.c: one answer of ls-refs as a value. */
#include <string.h>

#include "source/refs.h"

struct owned_refs {
    struct source_refs refs; /* first */
    _Atomic unsigned n;
    struct arena arena;
};

static struct owned_refs *owned(struct source_refs *r)
{
    return CONTAINER_OF(r, struct owned_refs, refs);
}

struct source_refs *source_refs_ref(struct source_refs *r)
{
    owned(r)->n++;
    return r;
}

void source_refs_unref(struct source_refs *r)
{
    if (!r || --owned(r)->n)
        return;
    arena_done(&owned(r)->arena);
    free(owned(r));
}

struct source_refs *refs_new(struct arena **ret_arena)
{
    struct owned_refs *o = calloc(1, sizeof(*o));
    if (!o)
        abort();
    o->n = 1;
    arena_init(&o->arena, ARENA_BYTES_DEFAULT);
    *ret_arena = &o->arena;
    return &o->refs;
}

bool source_is_sha(str s)
{
    if (s.len != SOURCE_SHA_BYTES - 1)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("0123456789abcdefABCDEF", s.at[i]) || s.at[i] == 0)
            return false;
    return true;
}

void refs_seal(struct source_refs *r)
{
    struct sha256_stream *s = sha256_open();
    for (size_t i = 0; i < r->n; i++) {
        const struct source_ref *ref = &r->at[i];
        sha256_add(s, ref->name);
        sha256_add(s, STR(" "));
        sha256_add(s, ref->target);
        sha256_add(s, str_of(ref->sha));
        sha256_add(s, str_of(ref->commit));
        sha256_add(s, STR("\n"));
    }
    r->digest = sha256_close(s);
}

/* One line: "<sha>\t<name>", "<sha>\t<tag>^{}" (the commit of the tag before), "ref:
 * <target>\t<name>". */
static int add_line(struct source_refs *r, struct refs_at *v, struct arena *a, str line,
                    str *io_symbolic, struct err *err)
{
    str id, name;
    if (!str_cut(line, '\t', &id, &name) || name.len == 0)
        return err_set(err, ERR_INVALID, "git ls-remote printed an unexpected line");
    if (str_starts(id, STR("ref: "))) {
        *io_symbolic = arena_str(a, str_from(id, 5));
        return 0;
    }
    if (!source_is_sha(id))
        return err_set(err, ERR_UNSUPPORTED,
                       "repository uses an object format that is not supported");
    if (str_ends(name, STR("^{}"))) {
        if (v->n && str_eq(v->at[v->n - 1].name, str_sub(name, 0, name.len - 3)))
            memcpy(v->at[v->n - 1].commit, id.at, id.len);
        return 0;
    }
    if (v->n == SOURCE_REFS_MAX)
        return err_set(err, ERR_TOO_LARGE, "repository has more than %d refs", SOURCE_REFS_MAX);
    struct source_ref ref = {.name = arena_str(a, name), .target = *io_symbolic};
    memcpy(ref.sha, id.at, id.len);
    memcpy(ref.commit, id.at, id.len);
    *io_symbolic = STR("");
    vec_push(a, v, ref);
    return 0;
}

int refs_parse(str text, struct source_refs **ret, struct err *err)
{
    struct arena *a;
    struct source_refs *r = refs_new(&a);
    struct refs_at v = {0};
    str rest = text, line, symbolic = STR("");
    int rc = 0;
    while (!rc && str_next(&rest, '\n', &line))
        if (line.len)
            rc = add_line(r, &v, a, line, &symbolic, err);
    if (rc) {
        source_refs_unref(r);
        return rc;
    }
    r->at = v.at;
    r->n = v.n;
    refs_seal(r);
    *ret = r;
    return 0;
}
