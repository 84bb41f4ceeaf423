/* memory.c: a file tree in memory: for tests, for text that came by API, and where a worker may
 * open nothing. */
#include <string.h>

#include "base/map.h"
#include "files/files.h"
#include "files/read_set.h"

struct node {
    enum file_kind kind;
    str bytes; /* content, or a link's target */
    struct file_id id;
    struct map children; /* name -> node */
};

struct memory {
    struct files files;
    struct arena arena;
    struct node root;
};

static struct memory *memory_of(struct files *f) { return CONTAINER_OF(f, struct memory, files); }

static struct node *find(struct memory *m, str path)
{
    struct node *n = &m->root;
    str rest = path, part;
    if (path.len == 0)
        return n;
    while (n && str_next(&rest, '/', &part))
        n = n->kind == FILE_FOLDER ? map_find(&n->children, part) : NULL;
    return n;
}

static int memory_stat(struct files *f, str path, struct file_entry *ret, UNUSED struct err *err)
{
    const struct node *n = find(memory_of(f), path);
    *ret = (struct file_entry){.kind = FILE_MISSING};
    if (n)
        *ret = (struct file_entry){.kind = n->kind, .id = n->id};
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct file_entry *x = a, *y = b;
    return str_cmp(x->name, y->name);
}

static int memory_list(struct files *f, str path, struct arena *a, struct file_list *ret,
                       struct err *err)
{
    struct node *n = find(memory_of(f), path);
    if (!n || n->kind != FILE_FOLDER)
        return err_set(err, ERR_NOT_FOUND, "%.*s: no such folder", STR_FMT(path));
    str name;
    void *child;
    for (size_t i = 0; map_next(&n->children, &i, &name, &child);) {
        struct node *c = child;
        vec_push(a, ret, (struct file_entry){.name = name, .kind = c->kind, .id = c->id});
    }
    if (ret->n)
        qsort(ret->at, ret->n, sizeof(*ret->at), by_name);
    return 0;
}

static int memory_read(struct files *f, str path, size_t bytes_max, struct arena *a, str *ret,
                       struct err *err)
{
    const struct node *n = find(memory_of(f), path);
    if (!n)
        return err_set(err, ERR_NOT_FOUND, "%.*s: no such file", STR_FMT(path));
    if (n->bytes.len > bytes_max)
        return err_set(err, ERR_TOO_LARGE, "%.*s: file is larger than %zu bytes", STR_FMT(path),
                       bytes_max);
    *ret = arena_str(a, n->bytes);
    return 0;
}

static int memory_size(struct files *f, str path, size_t *ret, struct err *err)
{
    const struct node *n = find(memory_of(f), path);
    if (!n)
        return err_set(err, ERR_NOT_FOUND, "%.*s: no such file", STR_FMT(path));
    *ret = n->bytes.len;
    return 0;
}

static int memory_link(struct files *f, str path, struct arena *a, str *ret, struct err *err)
{
    return memory_read(f, path, FILES_PATH_MAX, a, ret, err);
}

static void memory_close(struct files *f)
{
    struct memory *m = memory_of(f);
    arena_done(&m->arena);
    free(m);
}

static const struct files_kind memory_kind = {
    .name = "memory",
    .stat = memory_stat,
    .list = memory_list,
    .read = memory_read,
    .link = memory_link,
    .size = memory_size,
    .close = memory_close,
};

struct files *files_new_memory(void)
{
    struct memory *m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    m->files.kind = &memory_kind;
    arena_init(&m->arena, ARENA_BYTES_DEFAULT);
    m->root.kind = FILE_FOLDER;
    map_init(&m->root.children, &m->arena);
    return &m->files;
}

static int add(struct files *f, str path, enum file_kind kind, str bytes, struct err *err)
{
    struct memory *m = memory_of(f);
    str clean;
    if (!files_path_join(&m->arena, STR(""), path, &clean) || clean.len == 0 ||
        !str_eq(clean, path))
        return err_set(err, ERR_INVALID, "'%.*s' is not a clean path below the root",
                       STR_FMT(path));
    struct node *n = &m->root;
    str rest = clean, part;
    while (str_next(&rest, '/', &part)) {
        if (n->kind != FILE_FOLDER)
            return err_set(err, ERR_INVALID, "'%.*s' goes through a file", STR_FMT(path));
        struct node *child = map_find(&n->children, part);
        if (!child) {
            child = ARENA_NEW(&m->arena, struct node);
            child->kind = FILE_FOLDER;
            map_init(&child->children, &m->arena);
            map_set(&n->children, part, child);
        }
        n = child;
    }
    if (n->kind == FILE_FOLDER && map_len(&n->children))
        return err_set(err, ERR_EXISTS, "'%.*s' is a folder", STR_FMT(path));
    n->kind = kind;
    n->bytes = arena_str(&m->arena, bytes);
    n->id = read_id_of_bytes(bytes);
    return 0;
}

int files_memory_add(struct files *f, str path, str bytes, struct err *err)
{
    return add(f, path, FILE_REGULAR, bytes, err);
}

int files_memory_add_link(struct files *f, str path, str target, struct err *err)
{
    return add(f, path, FILE_LINK, target, err);
}
