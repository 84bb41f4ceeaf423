/* jail_worker.c: inside the jail. Everything a tenant wrote is read here and nowhere else. */
#include "manifests/jail_worker.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files/asked.h"
#include "files/git_store.h"
#include "manifests/jail_frame.h"
#include "manifests/payload.h"
#include "render/helm_cache.h"
#include "value/json.h"

struct worker_job {
    int socket;
    struct arena arena;
    char frame[JAIL_FRAME_MAX];
    bool opens_nothing;
    char reply[JAIL_FRAME_MAX]; /* of the parent, about a file */
    struct worker_store {       /* of a tree of the last job */
        struct git_store *git;
        char *dir;
    } store[TREES_MAX];
    int block_fd;                  /* that came with the order; -1: none */
    struct helm_cache *helm_cache; /* parse trees of this domain's charts */
};

struct arena *worker_arena(struct worker_job *j) { return &j->arena; }

static void send_or_leave(struct worker_job *j, str text, int fd)
{
    struct err err;
    if (frame_send(j->socket, text, fd, &err))
        _exit(3);
}

/* Memory may be used up when this is called: nothing is allocated. */
static void send_error(struct worker_job *j, int kind, str text, bool last)
{
    char at[2 * ERR_TEXT_MAX + 64];
    size_t n = (size_t)snprintf(at, sizeof(at), "{\"kind\":%d,\"last\":%s,\"text\":\"", kind,
                                last ? "true" : "false");
    for (size_t i = 0; i < text.len && n + 8 < sizeof(at); i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c < ' ')
            n += (size_t)snprintf(at + n, 7, "\\u%04x", c);
        else {
            if (c == '"' || c == '\\')
                at[n++] = '\\';
            at[n++] = (char)c;
        }
    }
    memcpy(at + n, "\"}", 2);
    send_or_leave(j, str_mem(at, n + 2), -1);
}

void worker_error(struct worker_job *j, int kind, str text) { send_error(j, kind, text, false); }

void worker_answer(struct worker_job *j, str json, str reads)
{
    struct err err;
    int fd = -1;
    const str parts[] = {json, reads};
    if (sealed_file("rendered", parts, ARRAY_LEN(parts), &fd, &err)) {
        worker_error(j, err.kind, err_str(&err));
        return;
    }
    char text[96];
    int n = snprintf(text, sizeof(text), "{\"json\":%zu,\"reads\":%zu}", json.len, reads.len);
    send_or_leave(j, str_mem(text, (size_t)n), fd);
    close(fd);
}

/* The arena's bound is the memory limit: say so, and leave; the parent starts another worker. */
static void memory_is_full(void *arg, UNUSED size_t wanted)
{
    struct worker_job *j = arg;
    char text[128];
    int n = snprintf(text, sizeof(text), "rendering needs more than %zu MiB of memory",
                     j->arena.bytes_max >> 20);
    send_error(j, ERR_TOO_LARGE, str_mem(text, (size_t)n), true);
    _exit(4);
}

static int open_store(struct worker_store *s, str dir, struct err *err)
{
    if (s->git && str_eq(str_of(s->dir), dir))
        return 0;
    git_store_unref(TAKE(s->git));
    free(TAKE(s->dir));
    int rc = git_store_open(dir, &s->git, err);
    if (!rc)
        s->dir = strndup(dir.at, dir.len);
    return rc;
}

void worker_ask(struct worker_job *j, str question)
{
    send_or_leave(j, ARENA_CAT(&j->arena, STR("?"), question), -1);
}

struct tree_question { /* who asks for files of a tree */
    struct worker_job *job;
    size_t tree;
};

/* Without Landlock: "?TREE question" goes to the parent, who answers "=N" with a file of N bytes
 * (none for 0), or "!KIND text". The parent is believed. */
static int ask_parent(void *arg, str question, struct arena *a, str *ret, struct err *err)
{
    const struct tree_question *t = arg;
    struct worker_job *j = t->job;
    size_t len;
    int fd;
    uint64_t n = 0;
    void *at = NULL;
    str kind, text, reply;
    worker_ask(j, arena_printf(a, "%zu %.*s", t->tree, STR_FMT(question)));
    if (frame_receive(j->socket, j->reply, &len, &fd, err) || len < 2)
        _exit(0); /* the parent is gone */
    reply = str_mem(j->reply, len);
    if (reply.at[0] == '!') {
        str_cut(str_from(reply, 1), ' ', &kind, &text);
        return err_set(err, str_to_u64(kind, &n) ? (int)n : ERR_IO, "%.*s", STR_FMT(text));
    }
    if (!str_to_u64(str_from(reply, 1), &n) || (n && fd < 0))
        _exit(3);
    *ret = STR("");
    if (n) {
        at = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
        close(fd);
        if (at == MAP_FAILED)
            return err_errno(err, errno, "mapping a file");
        *ret = arena_str(a, str_mem(at, n));
        munmap(at, n);
    }
    return 0;
}

static int open_tree(struct worker_job *j, size_t i, str objects_dir, str tree, struct files **ret,
                     struct err *err)
{
    if (!tree.len)
        return 0;
    if (j->opens_nothing) {
        struct tree_question *t = ARENA_NEW(&j->arena, struct tree_question);
        *t = (struct tree_question){j, i};
        *ret = files_new_asked((struct files_asker){ask_parent, t});
        return 0;
    }
    int rc = open_store(&j->store[i], objects_dir, err);
    return rc ? rc : files_open_tree(j->store[i].git, tree, ret, err);
}

static int open_trees(struct worker_job *j, const struct render_order *o, struct files **ret,
                      struct err *err)
{
    int rc = open_tree(j, 0, o->objects_dir, o->tree, &ret[0], err);
    for (size_t i = 0; !rc && i < o->n_refs; i++)
        rc = open_tree(j, 1 + i, o->ref[i].objects_dir, o->ref[i].tree, &ret[1 + i], err);
    return rc;
}

/* The parent is believed about its size. */
static int open_block(struct worker_job *j, struct render_order *io, void **ret, struct err *err)
{
    if (!io->block_bytes)
        return 0;
    if (j->block_fd < 0)
        return err_set(err, ERR_INVALID, "order to render: its block is missing");
    *ret = mmap(NULL, io->block_bytes, PROT_READ, MAP_PRIVATE, j->block_fd, 0);
    if (*ret == MAP_FAILED) {
        *ret = NULL;
        return err_errno(err, errno, "mapping what goes with an order");
    }
    return order_take_block(io, str_mem(*ret, io->block_bytes), &j->arena, err);
}

void worker_render(struct worker_job *j, str order)
{
    struct err err;
    struct render_order o;
    struct files *f[TREES_MAX] = {0};
    void *block = NULL;
    CLEANUP(buf_done) struct buf json, reads;
    buf_init(&json, MIN_OF(PAYLOAD_JSON_MAX, JAIL_RESULT_MAX - READ_SET_BYTES_MAX));
    buf_init(&reads, READ_SET_BYTES_MAX);
    int rc = order_parse(order, &j->arena, &o, &err);
    if (!rc)
        rc = open_block(j, &o, &block, &err);
    if (!rc)
        rc = open_trees(j, &o, f, &err);
    if (!j->helm_cache)
        j->helm_cache = helm_cache_new(0);
    helm_cache_begin(j->helm_cache);
    o.helm_cache = j->helm_cache;
    if (!rc)
        rc = payload_render(&o, f, &j->arena, &json, &reads, &err);
    helm_cache_end(j->helm_cache);
    if (rc)
        worker_error(j, err.kind, err_str(&err));
    else
        worker_answer(j, buf_str(&json), buf_str(&reads));
    for (size_t i = 0; i < TREES_MAX; i++)
        files_close(f[i]);
    if (block)
        munmap(block, o.block_bytes);
}

#define TRIM_AFTER_MS 100

/* A worker without work gives back what its last job left free. */
static void wait_for_order(int socket)
{
    struct pollfd p = {.fd = socket, .events = POLLIN};
    if (poll(&p, 1, TRIM_AFTER_MS) == 0)
        malloc_trim(0);
}

NORETURN void worker_main(const struct worker_start *s)
{
    struct err err;
    struct worker_job *j = calloc(1, sizeof(*j));
    if (!j)
        _exit(5);
    j->socket = s->socket;
    j->opens_nothing = s->opens_nothing;
    /* Beside the arena: the answer's text, libgit2's own memory, the program's. */
    struct jail_limits limits = {.memory_max = 2 * s->memory_max + ((size_t)256 << 20),
                                 .file_bytes_max = JAIL_RESULT_MAX,
                                 .opens_nothing = s->opens_nothing};
    if (jail_lock(s->folder, s->n_folders, &limits, &err)) {
        send_error(j, err.kind, err_str(&err), true);
        _exit(6);
    }
    for (;;) {
        size_t len;
        int fd;
        wait_for_order(s->socket);
        if (frame_receive(s->socket, j->frame, &len, &fd, &err) || len == 0)
            _exit(0);
        j->block_fd = fd;
        arena_init(&j->arena, s->memory_max);
        j->arena.on_full = memory_is_full;
        j->arena.on_full_arg = j;
        s->fn(j, str_mem(j->frame, len));
        arena_done(&j->arena);
        if (fd >= 0)
            close(fd);
    }
}
