/* asked.c: both ends of a tree that is asked for; see asked.h.
 *
 *   question  one letter, the bound in decimal (0 where there is none), a blank, the path
 *   answer    read, link: the bytes; stat: one entry; list: entries one after another
 *   entry     kind (1 byte), length of the id (1 byte), the id, the name, a NUL
 */
#include "files/asked.h"

#include <string.h>

enum question {
    ASK_STAT = 's',
    ASK_LIST = 'l',
    ASK_READ = 'r',
    ASK_LINK = 'k',
};

struct asked {
    struct files files;
    struct files_asker asker;
};

/* ---- the side that asks ---- */

static int ask(struct files *f, enum question q, str path, size_t bytes_max, struct arena *a,
               str *ret, struct err *err)
{
    const struct asked *k = CONTAINER_OF(f, struct asked, files);
    str question = arena_printf(a, "%c%zu %.*s", q, bytes_max, STR_FMT(path));
    return k->asker.ask(k->asker.arg, question, a, ret, err);
}

static bool take_entry(str *rest, struct file_entry *ret)
{
    struct file_entry e = {0};
    if (rest->len < 2)
        return false;
    e.kind = (enum file_kind)rest->at[0];
    e.id.len = (uint8_t)rest->at[1];
    if (e.kind > FILE_OTHER || e.id.len > sizeof(e.id.byte) || rest->len < 2U + e.id.len)
        return false;
    memcpy(e.id.byte, rest->at + 2, e.id.len);
    return str_cut(str_from(*rest, 2U + e.id.len), 0, &e.name, rest) && (*ret = e, true);
}

static int nonsense(str path, struct err *err)
{
    return err_set(err, ERR_IO, "%.*s: the answer about it cannot be read", STR_FMT(path));
}

static int asked_stat(struct files *f, str path, struct file_entry *ret, struct err *err)
{
    struct arena a;
    str answer;
    arena_init(&a, (size_t)1 << 20);
    int rc = ask(f, ASK_STAT, path, 0, &a, &answer, err);
    if (!rc && !take_entry(&answer, ret))
        rc = nonsense(path, err);
    ret->name = STR("");
    arena_done(&a);
    return rc;
}

static int asked_list(struct files *f, str path, struct arena *a, struct file_list *ret,
                      struct err *err)
{
    str answer;
    struct file_entry e;
    int rc = ask(f, ASK_LIST, path, 0, a, &answer, err);
    if (rc)
        return rc;
    while (answer.len) {
        if (!take_entry(&answer, &e))
            return nonsense(path, err);
        vec_push(a, ret, e);
    }
    return 0;
}

static int asked_read(struct files *f, str path, size_t bytes_max, struct arena *a, str *ret,
                      struct err *err)
{
    return ask(f, ASK_READ, path, bytes_max, a, ret, err);
}

static int asked_link(struct files *f, str path, struct arena *a, str *ret, struct err *err)
{
    return ask(f, ASK_LINK, path, 0, a, ret, err);
}

static void asked_close(struct files *f) { free(CONTAINER_OF(f, struct asked, files)); }

static const struct files_kind asked_kind = {
    .name = "asked",
    .stat = asked_stat,
    .list = asked_list,
    .read = asked_read,
    .link = asked_link,
    .close = asked_close,
};

struct files *files_new_asked(struct files_asker asker)
{
    struct asked *k = calloc(1, sizeof(*k));
    if (!k)
        abort();
    k->files.kind = &asked_kind;
    k->asker = asker;
    return &k->files;
}

/* ---- the side that answers ---- */

static str put_entry(struct arena *a, str so_far, const struct file_entry *e)
{
    const char head[2] = {(char)e->kind, (char)e->id.len};
    return ARENA_CAT(a, so_far, str_mem(head, 2), str_mem(e->id.byte, e->id.len), e->name,
                     str_mem("", 1));
}

static int answer_list(struct files *f, str path, struct arena *a, str *ret, struct err *err)
{
    struct file_list list = {0};
    struct buf b;
    int rc = f->kind->list(f, path, a, &list, err);
    if (rc)
        return rc;
    buf_init(&b, BUF_BYTES_DEFAULT);
    for (size_t i = 0; i < list.n; i++)
        buf_add(&b, put_entry(a, STR(""), &list.at[i]));
    rc = buf_check(&b, "list of a folder", err);
    if (!rc)
        *ret = arena_str(a, buf_str(&b));
    buf_done(&b);
    return rc;
}

int files_answer(struct files *f, str question, struct arena *a, str *ret_answer, struct err *err)
{
    str head, path;
    uint64_t bytes_max;
    struct file_entry e = {0};
    if (!str_cut(question, ' ', &head, &path) || head.len < 2 ||
        !str_to_u64(str_from(head, 1), &bytes_max) || path.len >= FILES_PATH_MAX ||
        !files_path_is_clean(path))
        return err_set(err, ERR_INVALID, "a question about files that cannot be read");
    switch ((enum question)head.at[0]) {
    case ASK_STAT: {
        int rc = f->kind->stat(f, path, &e, err);
        e.name = STR("");
        *ret_answer = put_entry(a, STR(""), &e);
        return rc;
    }
    case ASK_LIST: return answer_list(f, path, a, ret_answer, err);
    case ASK_READ:
        return f->kind->read(f, path, MIN_OF(bytes_max, FILES_BYTES_DEFAULT), a, ret_answer, err);
    case ASK_LINK: return f->kind->link(f, path, a, ret_answer, err);
    }
    return err_set(err, ERR_INVALID, "an unknown question about files");
}
