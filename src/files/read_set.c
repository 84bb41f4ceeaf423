/* read_set.c */
#include "files/read_set.h"

#include <assert.h>
#include <string.h>

struct read_set {
    struct arena arena;
    VEC(struct read_entry) entry;
    struct map by_path; /* "<letter><path>" -> index + 1 */
    bool incomplete;
    bool packed; /* one block, entries sorted by path and kind, no map: a set that is only asked */
};

static const char letters[READ_KIND_COUNT] = {
    [READ_FILE] = 'f', [READ_ABSENT] = 'a', [READ_KIND] = 'k', [READ_LIST] = 'd', [READ_LINK] = 'l',
};

struct read_set *read_set_new(void)
{
    struct read_set *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    arena_init(&s->arena, (size_t)1 << 30);
    map_init(&s->by_path, &s->arena);
    return s;
}

void read_set_free(struct read_set *s)
{
    if (!s)
        return;
    if (!s->packed)
        arena_done(&s->arena);
    free(s);
}

void read_set_add(struct read_set *s, enum read_kind kind, enum file_kind file,
                  const struct file_id *id, str path)
{
    char probe[FILES_PATH_MAX + 1];
    assert(!s->packed);
    if (path.len >= FILES_PATH_MAX || s->entry.n == READ_SET_ENTRIES_MAX) {
        s->incomplete = true;
        return;
    }
    probe[0] = letters[kind];
    if (path.len)
        memcpy(probe + 1, path.at, path.len);
    str key = str_mem(probe, path.len + 1);
    if (map_has(&s->by_path, key))
        return;
    key = arena_str(&s->arena, key);
    struct read_entry e = {.kind = kind, .path = str_from(key, 1)};
    if (kind == READ_FILE || kind == READ_KIND)
        e.file = file;
    if (kind == READ_FILE || kind == READ_LIST || kind == READ_LINK)
        e.id = *id;
    vec_push(&s->arena, &s->entry, e);
    map_set(&s->by_path, key, (void *)(uintptr_t)s->entry.n);
}

size_t read_set_len(const struct read_set *s) { return s->entry.n; }

const struct read_entry *read_set_at(const struct read_set *s, size_t i) { return &s->entry.at[i]; }

struct file_id read_id_of_bytes(str bytes)
{
    struct sha256 d = sha256_of(bytes);
    struct file_id id = {.len = sizeof(d.byte)};
    memcpy(id.byte, d.byte, sizeof(d.byte));
    return id;
}

struct file_id read_id_of_list(const struct file_list *l)
{
    struct sha256_stream *s = sha256_open();
    for (size_t i = 0; i < l->n; i++) {
        /* Executable or not is the file's own mode (READ_FILE), not the listing's business. */
        enum file_kind k = l->at[i].kind == FILE_EXECUTABLE ? FILE_REGULAR : l->at[i].kind;
        char digit = (char)('0' + k);
        sha256_add(s, str_mem(&digit, 1));
        sha256_add(s, l->at[i].name);
        sha256_add(s, str_mem("/", 1)); /* no name holds one */
    }
    struct sha256 d = sha256_close(s);
    struct file_id id = {.len = sizeof(d.byte)};
    memcpy(id.byte, d.byte, sizeof(d.byte));
    return id;
}

/* ---- against another tree ---- */

static bool same(const struct read_entry *e, struct files *now, struct arena *a)
{
    struct file_entry f = {.kind = FILE_MISSING};
    struct file_list l = {0};
    struct err ignored;
    /* What cannot be read any more has changed: rendering again will tell why. */
    if (now->kind->stat(now, e->path, &f, &ignored))
        return false;
    switch (e->kind) {
    case READ_ABSENT: return f.kind == FILE_MISSING;
    case READ_FILE: return f.kind == e->file && file_id_eq(&f.id, &e->id);
    case READ_KIND: return f.kind == e->file;
    case READ_LINK: return f.kind == FILE_LINK && file_id_eq(&f.id, &e->id);
    case READ_LIST: break;
    default: return false;
    }
    if (f.kind != FILE_FOLDER || now->kind->list(now, e->path, a, &l, &ignored))
        return false;
    struct file_id id = read_id_of_list(&l);
    return file_id_eq(&id, &e->id);
}

int read_set_check(const struct read_set *s, struct files *now, struct arena *a, bool *ret_same,
                   str *ret_why, UNUSED struct err *err)
{
    *ret_same = !s->incomplete;
    if (ret_why)
        *ret_why = STR("");
    for (size_t i = 0; *ret_same && i < s->entry.n; i++) {
        if (same(&s->entry.at[i], now, a))
            continue;
        *ret_same = false;
        if (ret_why)
            *ret_why = arena_str(a, s->entry.at[i].path);
    }
    return 0;
}

static int by_path_and_kind(const struct read_entry *x, const struct read_entry *y)
{
    int by_path = str_cmp(x->path, y->path);
    return by_path ? by_path : (int)x->kind - (int)y->kind;
}

static bool has_packed(const struct read_set *s, enum read_kind kind, str path)
{
    const struct read_entry wanted = {.kind = kind, .path = path};
    size_t low = 0, high = s->entry.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = by_path_and_kind(&s->entry.at[middle], &wanted);
        if (order == 0)
            return true;
        *(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
    }
    return false;
}

static bool has(const struct read_set *s, enum read_kind kind, str path)
{
    char probe[FILES_PATH_MAX + 1];
    if (s->packed)
        return has_packed(s, kind, path);
    if (path.len >= FILES_PATH_MAX)
        return true;
    probe[0] = letters[kind];
    if (path.len)
        memcpy(probe + 1, path.at, path.len);
    return map_has(&s->by_path, str_mem(probe, path.len + 1));
}

static bool list_sees(enum file_kind before, enum file_kind after)
{
    before = before == FILE_EXECUTABLE ? FILE_REGULAR : before;
    after = after == FILE_EXECUTABLE ? FILE_REGULAR : after;
    return before != after;
}

bool read_set_touches(const struct read_set *s, str path, enum file_kind before,
                      enum file_kind after)
{
    if (s->incomplete)
        return true;
    for (int k = READ_FILE; k < READ_KIND_COUNT; k++)
        if (k != READ_LIST && has(s, (enum read_kind)k, path))
            return true;
    /* A file that comes or goes makes and removes the folders above it: each of them may have been
     * asked about. */
    if (!list_sees(before, after))
        return false;
    for (str up = path; up.len;) {
        up = files_path_folder(up);
        for (int k = READ_FILE; k < READ_KIND_COUNT; k++)
            if (has(s, (enum read_kind)k, up))
                return true;
    }
    return false;
}

static int by_path_and_kind_qsort(const void *a, const void *b)
{
    return by_path_and_kind(*(const struct read_entry *const *)a,
                            *(const struct read_entry *const *)b);
}

static const struct read_entry **sorted_entries(const struct read_set *s, struct arena *a)
{
    const struct read_entry **sorted = ARENA_ARRAY(a, const struct read_entry *, s->entry.n + 1);
    for (size_t i = 0; i < s->entry.n; i++)
        sorted[i] = &s->entry.at[i];
    qsort(sorted, s->entry.n, sizeof(*sorted), by_path_and_kind_qsort);
    return sorted;
}

/* ---- serialised ---- */

#define HEAD "reads 1\n"

static void print_number(struct buf *out, size_t n)
{
    char at[24];
    size_t len = 0;
    do
        at[sizeof(at) - ++len] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    buf_add(out, str_mem(at + sizeof(at) - len, len));
}

/* By hand: a chart has hundreds of files, and each rendering prints them all. */
static void print_entry(const struct read_entry *e, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * sizeof(e->id.byte)];
    const char head[] = {letters[e->kind], ' ', (char)('0' + (int)e->file), ' '};
    for (size_t i = 0; i < e->id.len; i++) {
        hex[2 * i] = digits[e->id.byte[i] >> 4];
        hex[2 * i + 1] = digits[e->id.byte[i] & 15];
    }
    buf_add(out, str_mem(head, sizeof(head)));
    buf_add(out, e->id.len ? str_mem(hex, 2 * (size_t)e->id.len) : STR("-"));
    buf_addc(out, ' ');
    print_number(out, e->path.len);
    buf_addc(out, ':');
    buf_add(out, e->path);
    buf_addc(out, '\n');
}

void read_set_print(const struct read_set *s, struct buf *out)
{
    buf_addz(out, HEAD);
    if (s->incomplete)
        buf_addz(out, "incomplete\n");
    for (size_t i = 0; i < s->entry.n; i++)
        print_entry(&s->entry.at[i], out);
}

static bool take(str *rest, str *ret, char until)
{
    ptrdiff_t at = str_find_char(*rest, until);
    if (at < 0)
        return false;
    *ret = str_sub(*rest, 0, (size_t)at);
    *rest = str_from(*rest, (size_t)at + 1);
    return true;
}

static bool parse_entry(str *rest, struct read_entry *e)
{
    str letter, file, id, len;
    if (!take(rest, &letter, ' ') || !take(rest, &file, ' ') || !take(rest, &id, ' ') ||
        !take(rest, &len, ':'))
        return false;
    const char *kind = letter.len == 1 ? memchr(letters, letter.at[0], sizeof(letters)) : NULL;
    uint64_t number, bytes;
    if (!kind || !str_to_u64(file, &number) || number > FILE_OTHER || !str_to_u64(len, &bytes))
        return false;
    if (bytes >= FILES_PATH_MAX || bytes + 1 > rest->len || rest->at[bytes] != '\n')
        return false;
    *e = (struct read_entry){.kind = (enum read_kind)(kind - letters),
                             .file = (enum file_kind)number};
    bool wants_id = e->kind == READ_FILE || e->kind == READ_LIST || e->kind == READ_LINK;
    if (str_is(id, "-") ? wants_id : !file_id_parse(id, &e->id))
        return false;
    e->path = str_sub(*rest, 0, (size_t)bytes);
    *rest = str_from(*rest, (size_t)bytes + 1);
    return true;
}

/* A path a backend may be asked about: no "..", no empty parts. */
static bool path_ok(str path)
{
    struct arena a;
    arena_init(&a, 4 * FILES_PATH_MAX);
    str clean;
    bool ok = !(path.len && memchr(path.at, 0, path.len)) &&
              files_path_join(&a, STR(""), path, &clean) && str_eq(clean, path);
    arena_done(&a);
    return ok;
}

/* The same set in the least memory: thousands of them are kept, and only ever asked. */
static struct read_set *packed(const struct read_set *s)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    const struct read_entry **sorted = sorted_entries(s, &a);
    size_t bytes = sizeof(*s) + s->entry.n * sizeof(struct read_entry), text = bytes;
    for (size_t i = 0; i < s->entry.n; i++)
        bytes += sorted[i]->path.len;
    struct read_set *p = calloc(1, bytes);
    if (!p)
        abort();
    p->packed = true;
    p->incomplete = s->incomplete;
    p->entry.n = s->entry.n;
    p->entry.at = (struct read_entry *)(p + 1);
    for (size_t i = 0; i < s->entry.n; i++) {
        struct read_entry *e = &p->entry.at[i];
        *e = *sorted[i];
        e->path.at = (char *)p + text;
        if (e->path.len)
            memcpy((char *)p + text, sorted[i]->path.at, e->path.len);
        text += e->path.len;
    }
    arena_done(&a);
    return p;
}

int read_set_parse(str text, struct read_set **ret, struct err *err)
{
    if (text.len > READ_SET_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "read set is larger than %zu bytes", READ_SET_BYTES_MAX);
    if (!str_starts(text, STR(HEAD)))
        return err_set(err, ERR_INVALID, "not a read set of version 1");
    str rest = str_from(text, sizeof(HEAD) - 1);
    CLEANUP(read_set_freep) struct read_set *s = read_set_new();
    if (str_starts(rest, STR("incomplete\n"))) {
        s->incomplete = true;
        rest = str_from(rest, sizeof("incomplete\n") - 1);
    }
    for (size_t n = 1; rest.len; n++) {
        struct read_entry e;
        if (n > READ_SET_ENTRIES_MAX)
            return err_set(err, ERR_TOO_LARGE, "read set has more than %d entries",
                           READ_SET_ENTRIES_MAX);
        if (!parse_entry(&rest, &e) || !path_ok(e.path))
            return err_set(err, ERR_INVALID, "read set: entry %zu is malformed", n);
        read_set_add(s, e.kind, e.file, &e.id, e.path);
    }
    *ret = packed(s);
    return 0;
}

struct sha256 read_set_digest(const struct read_set *s)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    const struct read_entry **sorted = sorted_entries(s, &a);
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    struct sha256_stream *stream = sha256_open();
    sha256_add(stream, s->incomplete ? STR("-") : STR("+"));
    for (size_t i = 0; i < s->entry.n; i++) {
        buf_reset(&b);
        print_entry(sorted[i], &b);
        sha256_add(stream, buf_str(&b));
    }
    struct sha256 d = sha256_close(stream);
    arena_done(&a);
    return d;
}
