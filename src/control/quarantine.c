/* control/quarantine.c: one page for the key under work, a table of those that crashed.
 *
 * Order of stores matters, for the process may end between any two: the length of the key under
 * work is stored last at begin and cleared first at end, so a half-written key does not count. */
#include "control/quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fault.h"

#define MAGIC 0x3171697469707974ULL

struct row {
    uint32_t len; /* 0: free */
    uint32_t crashes;
    usec at; /* wall: the last crash */
    char key[QUARANTINE_KEY_BYTES];
};

struct file {
    uint64_t magic;
    _Atomic uint32_t len; /* of the key under work; 0: none */
    char key[QUARANTINE_KEY_BYTES];
    struct row row[QUARANTINE_KEYS_MAX];
};

struct quarantine {
    struct file *file;
    unsigned depth; /* begins without an end */
    size_t n_rows;  /* in use; nearly always 0 */
};

static struct row *find(const struct quarantine *q, str key)
{
    for (size_t i = 0; q && q->n_rows && i < QUARANTINE_KEYS_MAX; i++) {
        struct row *r = &q->file->row[i];
        if (r->len && str_eq(str_mem(r->key, r->len), key))
            return r;
    }
    return NULL;
}

static struct row *free_row(struct quarantine *q)
{
    struct row *oldest = &q->file->row[0];
    for (size_t i = 0; i < QUARANTINE_KEYS_MAX; i++) {
        struct row *r = &q->file->row[i];
        if (!r->len)
            return r;
        if (r->at < oldest->at)
            oldest = r;
    }
    return oldest;
}

static void drop(struct quarantine *q, struct row *r)
{
    r->len = 0;
    q->n_rows--;
}

static void count_crash(struct quarantine *q, str key, usec now)
{
    struct row *r = find(q, key);
    if (!r) {
        r = free_row(q);
        q->n_rows += r->len == 0;
        *r = (struct row){.len = (uint32_t)key.len};
        memcpy(r->key, key.at, key.len);
    }
    r->crashes++;
    r->at = now;
}

/* A file that somebody else wrote may say anything. */
static void check_rows(struct quarantine *q, usec now)
{
    for (size_t i = 0; i < QUARANTINE_KEYS_MAX; i++) {
        struct row *r = &q->file->row[i];
        bool bad = r->len > sizeof(r->key) || r->crashes > QUARANTINE_CRASHES || !r->crashes;
        bool old = r->crashes < QUARANTINE_CRASHES && now - r->at > QUARANTINE_MEMORY_US;
        if (bad || old || r->at > now)
            r->len = 0;
        q->n_rows += r->len != 0;
    }
}

static int map_file(const char *path, struct file **ret, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, errno, "opening %s", path);
    int e = ftruncate(fd, sizeof(struct file)) ? errno : 0;
    void *at =
        e ? MAP_FAILED : mmap(NULL, sizeof(struct file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (!e && at == MAP_FAILED)
        e = errno;
    close(fd);
    if (e)
        return err_errno(err, e, "mapping %s", path);
    *ret = at;
    return 0;
}

int quarantine_open(const char *path, usec now, struct quarantine **ret, struct err *err)
{
    struct file *f = NULL;
    int rc = map_file(path, &f, err);
    if (rc)
        return rc;
    struct quarantine *q = calloc(1, sizeof(*q));
    if (!q)
        abort();
    q->file = f;
    if (f->magic != MAGIC) {
        memset(f, 0, sizeof(*f));
        f->magic = MAGIC;
    }
    check_rows(q, now);
    uint32_t len = f->len;
    if (len && len <= sizeof(f->key))
        count_crash(q, str_mem(f->key, len), now);
    f->len = 0;
    *ret = q;
    return 0;
}

void quarantine_close(struct quarantine *q)
{
    if (!q)
        return;
    q->file->len = 0;
    munmap(q->file, sizeof(*q->file));
    free(q);
}

void quarantine_begin(struct quarantine *q, str key)
{
    if (!q || q->depth++)
        return;
    if (key.len <= sizeof(q->file->key)) {
        memcpy(q->file->key, key.at, key.len);
        q->file->len = (uint32_t)key.len;
    }
    (void)FAULT_OF("quarantine.work", key);
}

void quarantine_end(struct quarantine *q)
{
    if (q && --q->depth == 0)
        q->file->len = 0;
}

unsigned quarantine_crashes(const struct quarantine *q, str key)
{
    const struct row *r = find(q, key);
    return r ? r->crashes : 0;
}

bool quarantine_holds(const struct quarantine *q, str key)
{
    return quarantine_crashes(q, key) >= QUARANTINE_CRASHES;
}

void quarantine_settled(struct quarantine *q, str key)
{
    struct row *r = find(q, key);
    if (r)
        drop(q, r);
}

void quarantine_release(struct quarantine *q, str key)
{
    struct row *r = find(q, key);
    if (r)
        r->crashes = QUARANTINE_CRASHES - 1;
}
