/* Trees and charts of earlier jobs. */
#include "render/helm_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/map.h"
#include "files/read_set.h"
#include "value/doc.h"

struct kept_chart {
    struct helm_chart *chart;
    struct helm_reader reader;
    struct helm_merges merges;
    size_t value_bytes;
    struct helm_strs log;
    struct read_set *reads;
};

struct helm_cache {
    struct arena arena;
    struct map trees;                      /* level, name and digest of the text -> tree */
    struct map charts;                     /* path and tree id -> kept_chart */
    VEC(const struct kept_chart *) loaded; /* also those that are not found again */
    VEC(struct helm_reader *) reading;     /* for the job that runs */
    size_t bytes_max;
};

static void begin(struct helm_cache *c)
{
    map_init(&c->trees, &c->arena);
    map_init(&c->charts, &c->arena);
    memset(&c->reading, 0, sizeof(c->reading));
    memset(&c->loaded, 0, sizeof(c->loaded));
}

struct helm_cache *helm_cache_new(size_t bytes_max)
{
    struct helm_cache *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->bytes_max = bytes_max ? bytes_max : HELM_CACHE_BYTES_DEFAULT;
    /* The bound is looked at between jobs: one job may add a chart and its trees. */
    arena_init(&c->arena, c->bytes_max + ARENA_BYTES_DEFAULT);
    begin(c);
    return c;
}

void helm_cache_free(struct helm_cache *c)
{
    if (!c)
        return;
    arena_done(&c->arena);
    free(c);
}

/* Documents of values are not in the arena. */
static size_t value_bytes(const struct helm_chart *c)
{
    size_t n = c->values.doc ? doc_bytes(c->values.doc) : 0;
    for (size_t i = 0; i < c->n_dependencies; i++)
        n += value_bytes(c->dependency[i]);
    return n;
}

void helm_cache_begin(struct helm_cache *c)
{
    size_t bytes = c->arena.used_bytes;
    for (size_t i = 0; i < c->loaded.n; i++)
        bytes += c->loaded.at[i]->value_bytes + c->loaded.at[i]->merges.bytes;
    if (bytes <= c->bytes_max)
        return;
    arena_done(&c->arena);
    begin(c);
}

void helm_cache_end(struct helm_cache *c)
{
    for (size_t i = 0; i < c->reading.n; i++)
        c->reading.at[i]->files = NULL;
    c->reading.n = 0;
}

/* ---- trees ---- */

static const struct template_funcs *funcs_of(enum helm_level level)
{
    return level == HELM_LEVEL_3 ? &TEMPLATE_FUNCS_HELM3 : &TEMPLATE_FUNCS_HELM4;
}

/* A text that the cache keeps is known by its place, another one by its digest. */
static str tree_key(struct arena *a, enum helm_level level, str name, const struct helm_file *file)
{
    char head[1 + sizeof(struct sha256)] = {(char)('a' + level)};
    if (file->kept) {
        memcpy(head + 1, &file->data.at, sizeof(file->data.at));
        return ARENA_CAT(a, str_mem(head, 1 + sizeof(file->data.at)), name);
    }
    struct sha256 d = sha256_of(file->data);
    head[0] = (char)('A' + level);
    memcpy(head + 1, d.byte, sizeof(d.byte));
    return ARENA_CAT(a, str_mem(head, sizeof(head)), name);
}

int helm_cache_parse(struct helm_cache *c, enum helm_level level, str name,
                     const struct helm_file *file, struct arena *a,
                     const struct template_tree **ret, struct err *err)
{
    if (!c)
        return template_parse(name, file->data, funcs_of(level), a, ret, err);
    str key = tree_key(a, level, name, file);
    *ret = map_find(&c->trees, key);
    if (*ret)
        return 0;
    str text = file->kept ? file->data : arena_str(&c->arena, file->data);
    int rc = template_parse(arena_str(&c->arena, name), text, funcs_of(level), &c->arena, ret, err);
    if (!rc)
        map_set(&c->trees, arena_str(&c->arena, key), (void *)(uintptr_t)*ret);
    return rc;
}

/* ---- charts ---- */

static void tell_reads(const struct read_set *from, struct files *f)
{
    for (size_t i = 0; f->reads && i < read_set_len(from); i++) {
        const struct read_entry *e = read_set_at(from, i);
        read_set_add(f->reads, e->kind, e->file, &e->id, e->path);
    }
}

static void free_reads(void *reads) { read_set_free(reads); }

/* The folder's id says it all only while no link led out of it. */
static bool lies_below(const struct read_set *s, str path)
{
    for (size_t i = 0; i < read_set_len(s); i++) {
        str p = read_set_at(s, i)->path;
        if (path.len && (!str_starts(p, path) || (p.len > path.len && p.at[path.len] != '/')))
            return false;
    }
    return true;
}

static void read_for(struct helm_cache *c, struct helm_reader *r, struct files *f)
{
    r->files = f;
    r->rc = 0;
    vec_push(&c->arena, &c->reading, r);
}

static int load(struct helm_cache *c, struct files *f, str path, str key, struct helm_log *log,
                const struct helm_chart **ret, struct err *err)
{
    struct kept_chart *k = ARENA_NEW(&c->arena, struct kept_chart);
    struct helm_log own = {.arena = &c->arena, .level = log->level};
    struct read_set *outer = f->reads;
    k->reads = read_set_new();
    arena_on_done(&c->arena, free_reads, k->reads);
    f->reads = k->reads;
    k->reader.arena = &c->arena;
    read_for(c, &k->reader, f);
    int rc =
        helm_load_folder_late(&k->reader, path, path.len ? path : STR("."), &own, &k->chart, err);
    f->reads = outer;
    tell_reads(k->reads, f);
    for (size_t i = 0; i < own.lines.n; i++)
        vec_push(log->arena, &log->lines, own.lines.at[i]);
    if (rc)
        return rc;
    k->log = own.lines;
    k->merges.arena = &c->arena;
    k->chart->merges = &k->merges;
    k->value_bytes = value_bytes(k->chart);
    vec_push(&c->arena, &c->loaded, k);
    if (lies_below(k->reads, path))
        map_set(&c->charts, arena_str(&c->arena, key), k);
    *ret = k->chart;
    return 0;
}

int helm_cache_load(struct helm_cache *c, struct files *f, str path, struct arena *a,
                    struct helm_log *log, const struct helm_chart **ret, struct err *err)
{
    struct file_entry e = {0};
    struct read_set *outer = f->reads;
    f->reads = NULL; /* what the cache is asked by is no read of the chart's */
    int rc = c ? files_stat(f, path, true, a, &e, err) : 0;
    f->reads = outer;
    if (rc)
        return rc;
    if (!c || e.kind != FILE_FOLDER || !e.id.len) {
        struct helm_chart *chart = NULL;
        rc = helm_load_folder(f, path, path.len ? path : STR("."), a, log, &chart, err);
        *ret = chart;
        return rc;
    }
    str key = ARENA_CAT(a, log->level == HELM_LEVEL_3 ? STR("3") : STR("4"),
                        str_mem((const char *)e.id.byte, e.id.len), path);
    struct kept_chart *k = map_find(&c->charts, key);
    if (!k)
        return load(c, f, path, key, log, ret, err);
    read_for(c, &k->reader, f);
    tell_reads(k->reads, f);
    for (size_t i = 0; i < k->log.n; i++)
        vec_push(log->arena, &log->lines, k->log.at[i]);
    *ret = k->chart;
    return 0;
}
