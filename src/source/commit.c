/* commit.c: a commit object's text as facts for people. Source: git-cat-file(1), git's commit
 * format. */
#include <string.h>

#include "source/refs.h"

#define MESSAGE_BYTES_MAX ((size_t)64 << 10)

struct owned_commit {
    struct source_commit commit; /* first */
    _Atomic unsigned n;
    struct arena arena;
};

struct source_commit *source_commit_ref(struct source_commit *c)
{
    CONTAINER_OF(c, struct owned_commit, commit)->n++;
    return c;
}

void source_commit_unref(struct source_commit *c)
{
    if (!c)
        return;
    struct owned_commit *o = CONTAINER_OF(c, struct owned_commit, commit);
    if (--o->n)
        return;
    arena_done(&o->arena);
    free(o);
}

/* "Name <mail> 1700000000 +0100": the person and the instant. */
static void parse_person(struct arena *a, str text, str *ret_person, usec *ret_at)
{
    ptrdiff_t close = str_rfind_char(text, '>');
    size_t person = close < 0 ? text.len : (size_t)close + 1;
    *ret_person = arena_str(a, str_sub(text, 0, person));
    str seconds, zone;
    str_cut(str_trim(str_from(text, person)), ' ', &seconds, &zone);
    int64_t at;
    if (str_to_i64(seconds, &at) && at > -((int64_t)1 << 40) && at < ((int64_t)1 << 40))
        *ret_at = at * USEC_PER_SEC;
}

static bool take_sha(str text, char ret[SOURCE_SHA_BYTES])
{
    if (!source_is_sha(text))
        return false;
    memcpy(ret, text.at, text.len);
    return true;
}

static str signature_format(str first_line)
{
    static const struct {
        const char *begins, *format;
    } rows[] = {
        {"-----BEGIN PGP", "gpg"},
        {"-----BEGIN SSH", "ssh"},
        {"-----BEGIN SIGNED MESSAGE", "x509"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_starts(first_line, str_of(rows[i].begins)))
            return str_of(rows[i].format);
    return STR("unknown");
}

static void parse_header(struct source_commit *c, struct arena *a, str line)
{
    str key, text;
    str_cut(line, ' ', &key, &text);
    if (str_is(key, "tree"))
        take_sha(text, c->tree);
    else if (str_is(key, "parent") && !c->parent[0])
        take_sha(text, c->parent);
    else if (str_is(key, "author"))
        parse_person(a, text, &c->author, &c->author_at);
    else if (str_is(key, "committer"))
        parse_person(a, text, &c->committer, &c->commit_at);
    else if (str_is(key, "gpgsig"))
        c->signature.format = signature_format(text);
}

int commit_parse(const char *sha, str text, struct source_commit **ret, struct err *err)
{
    struct owned_commit *o = calloc(1, sizeof(*o));
    if (!o)
        abort();
    o->n = 1;
    arena_init(&o->arena, (size_t)16 << 20);
    struct source_commit *c = &o->commit;
    memcpy(c->sha, sha, MIN_OF(strlen(sha) + 1, sizeof(c->sha) - 1));
    str rest = text, line;
    while (str_next(&rest, '\n', &line) && line.len)
        parse_header(c, &o->arena, line);
    if (!c->tree[0]) {
        source_commit_unref(c);
        return err_set(err, ERR_INVALID, "commit %s is malformed: it names no tree", sha);
    }
    c->message = arena_str(&o->arena, str_sub(str_trim(rest), 0, MESSAGE_BYTES_MAX));
    str tail;
    str_cut(c->message, '\n', &c->subject, &tail);
    *ret = c;
    return 0;
}
