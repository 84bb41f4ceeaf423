/* microkube/store.c: objects in memory, sorted when a list asks for it; the watch window; a SQLite
 * file that has the same rows. The file is written before memory changes, so what a client was told
 * survives a crash. */
#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/fault.h"
#include "microkube/core.h"

#define MK_SCHEMA_VERSION 2
#define WRITTEN_KEPT_BYTES ((size_t)64 << 10)

struct mk_db {
    sqlite3 *db;
    sqlite3_stmt *add, *put, *remove, *set_rv;
    int64_t last_id;
};

struct mk_dependents {
    struct mk_object **at;
    size_t n, cap;
    char *uid;
};

/* ---- SQLite ---- */

static int db_error(struct mk_db *d, const char *what, struct err *err)
{
    return err_set(err, ERR_IO, "%s: %s", what, d->db ? sqlite3_errmsg(d->db) : "out of memory");
}

static int db_exec(struct mk_db *d, const char *sql, struct err *err)
{
    return sqlite3_exec(d->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_error(d, sql, err);
}

static int db_run(struct mk_db *d, sqlite3_stmt *s, struct err *err)
{
    int rc = sqlite3_step(s);
    sqlite3_reset(s);
    return rc == SQLITE_DONE ? 0 : db_error(d, "writing the store", err);
}

static void bind_str(sqlite3_stmt *s, int i, str text)
{
    sqlite3_bind_text(s, i, text.at ? text.at : "", (int)text.len, SQLITE_STATIC);
}

static int db_prepare(struct mk_db *d, struct err *err)
{
    const struct {
        sqlite3_stmt **ret;
        const char *sql;
    } all[] = {
        {&d->add, "INSERT INTO object(rv,body,id,grp,plural,ns,name) VALUES(?,?,?,?,?,?,?)"},
        {&d->put, "UPDATE object SET rv=?,body=? WHERE id=?"},
        {&d->remove, "DELETE FROM object WHERE id=?"},
        {&d->set_rv, "INSERT INTO meta(key,value) VALUES('rv',?) ON CONFLICT(key) DO UPDATE SET "
                     "value=excluded.value"},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (sqlite3_prepare_v3(d->db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT, all[i].ret,
                               NULL) != SQLITE_OK)
            return db_error(d, "preparing the store", err);
    return 0;
}

static int db_number(struct mk_db *d, const char *sql, int64_t *ret, struct err *err)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(d->db, sql, -1, &s, NULL) != SQLITE_OK)
        return db_error(d, sql, err);
    *ret = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_finalize(s);
    return 0;
}

/* An object is found by its number: a row of up to a page lies in one leaf and is written over in
 * place. (By name, without a number, each write moved the body to new overflow pages: 33 us instead
 * of 11.) */
static int db_create(struct mk_db *d, struct err *err)
{
    static const char layout[] =
        "CREATE TABLE IF NOT EXISTS object(id INTEGER PRIMARY KEY, grp TEXT, plural TEXT, ns TEXT, "
        "name TEXT, rv INTEGER, body TEXT);"
        "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER);"
        "PRAGMA user_version=2";
    int64_t version;
    int rc = db_number(d, "PRAGMA user_version", &version, err);
    if (rc < 0)
        return rc;
    if (version > MK_SCHEMA_VERSION)
        return err_set(err, ERR_INVALID,
                       "the store was written by a newer version (%" PRId64 ", this one knows %d)",
                       version, MK_SCHEMA_VERSION);
    rc = db_exec(d,
                 "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
                 "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-8000;"
                 "PRAGMA wal_autocheckpoint=4000",
                 err);
    if (rc == 0 && version == 1)
        rc = db_exec(d, "BEGIN; ALTER TABLE object RENAME TO object_1", err);
    else if (rc == 0)
        rc = db_exec(d, "BEGIN", err);
    if (rc == 0)
        rc = db_exec(d, layout, err);
    if (rc == 0 && version == 1)
        rc = db_exec(d,
                     "INSERT INTO object(grp,plural,ns,name,rv,body) SELECT "
                     "grp,plural,ns,name,rv,body FROM object_1; DROP TABLE object_1",
                     err);
    if (rc == 0)
        rc = db_exec(d, "COMMIT", err);
    return rc < 0 ? rc : db_prepare(d, err);
}

static str column(sqlite3_stmt *s, int i)
{
    return str_mem(sqlite3_column_text(s, i), (size_t)sqlite3_column_bytes(s, i));
}

static void insert_object(struct microkube *mk, struct mk_storage *s, struct doc *take_doc,
                          uint64_t rv, struct mk_object **ret);

static int db_load_row(struct microkube *mk, sqlite3_stmt *row, struct err *err)
{
    str group = column(row, 0), plural = column(row, 1);
    struct mk_storage *s = mk_storage_find(mk, group, plural);
    struct doc *doc;
    if (!s)
        s = mk_storage_add(mk, group, plural, STR(""), STR("v1"), true, true);
    int rc = json_parse_doc(column(row, 3), NULL, &doc, err);
    if (rc < 0)
        return err_wrap(err, "stored object of %.*s", STR_FMT(plural));
    struct mk_object *o;
    insert_object(mk, s, doc, (uint64_t)sqlite3_column_int64(row, 2), &o);
    o->row = sqlite3_column_int64(row, 4);
    mk->db->last_id = MAX_OF(mk->db->last_id, o->row);
    mk->rv = MAX_OF(mk->rv, o->rv);
    if (str_is(plural, "customresourcedefinitions"))
        mk_registry_crd(mk, o->name, doc_root(o->doc));
    return 0;
}

/* CRDs first: they make the storages of the others. */
static int db_load(struct microkube *mk, struct err *err)
{
    static const char *const queries[] =
        {"SELECT grp,plural,rv,body,id FROM object WHERE plural='customresourcedefinitions'",
         "SELECT grp,plural,rv,body,id FROM object WHERE plural<>'customresourcedefinitions'"};
    sqlite3_stmt *s;
    int64_t rv;
    int rc = db_number(mk->db, "SELECT value FROM meta WHERE key='rv'", &rv, err);
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(queries); i++) {
        if (sqlite3_prepare_v2(mk->db->db, queries[i], -1, &s, NULL) != SQLITE_OK)
            return db_error(mk->db, "reading the store", err);
        while (rc == 0 && sqlite3_step(s) == SQLITE_ROW)
            rc = db_load_row(mk, s, err);
        sqlite3_finalize(s);
    }
    if (rc < 0)
        return rc;
    mk->rv = MAX_OF((uint64_t)rv, mk->rv);
    mk->history_floor = mk->rv;
    return 0;
}

static void db_close(struct mk_db *d)
{
    sqlite3_finalize(d->add);
    sqlite3_finalize(d->put);
    sqlite3_finalize(d->remove);
    sqlite3_finalize(d->set_rv);
    sqlite3_close(d->db);
    free(d);
}

int mk_store_open(struct microkube *mk, struct err *err)
{
    if (!mk->config.data_dir)
        return 0;
    if (mkdir(mk->config.data_dir, 0700) < 0 && errno != EEXIST)
        return err_errno(err, errno, "%s", mk->config.data_dir);
    str path = arena_printf(&mk->arena, "%s/microkube.db", mk->config.data_dir);
    mk->db = calloc(1, sizeof(*mk->db));
    if (!mk->db)
        abort();
    if (sqlite3_open(path.at, &mk->db->db) != SQLITE_OK)
        return db_error(mk->db, path.at, err);
    int rc = db_create(mk->db, err);
    if (rc == 0)
        rc = db_load(mk, err);
    return rc < 0 ? err_wrap(err, "%s", path.at) : 0;
}

/* *row: 0 makes one. */
static int db_put(struct microkube *mk, const struct mk_storage *s, int64_t *row, uint64_t rv,
                  value object, struct err *err)
{
    struct mk_db *d = mk->db;
    if (FAULT("microkube.write"))
        return err_set(err, ERR_IO, "writing the store: injected fault");
    if (!d)
        return 0;
    int64_t id = *row ? *row : d->last_id + 1;
    sqlite3_stmt *put = *row ? d->put : d->add;
    sqlite3_bind_int64(put, 1, (int64_t)rv);
    bind_str(put, 2, buf_str(&mk->written));
    sqlite3_bind_int64(put, 3, id);
    if (!*row) {
        bind_str(put, 4, s->group);
        bind_str(put, 5, s->plural);
        bind_str(put, 6, object_ns(object));
        bind_str(put, 7, object_name(object));
    }
    int rc = db_run(d, put, err);
    if (rc == 0) {
        *row = id;
        d->last_id = MAX_OF(d->last_id, id);
    }
    return rc;
}

static int db_remove(struct microkube *mk, const struct mk_object *o, uint64_t rv, struct err *err)
{
    struct mk_db *d = mk->db;
    if (FAULT("microkube.remove"))
        return err_set(err, ERR_IO, "writing the store: injected fault");
    if (!d)
        return 0;
    int rc = db_exec(d, "BEGIN", err);
    if (rc < 0)
        return rc;
    sqlite3_bind_int64(d->remove, 1, o->row);
    rc = db_run(d, d->remove, err);
    sqlite3_bind_int64(d->set_rv, 1, (int64_t)rv);
    if (rc == 0)
        rc = db_run(d, d->set_rv, err);
    if (rc == 0)
        rc = db_exec(d, "COMMIT", err);
    if (rc < 0)
        sqlite3_exec(d->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* ---- storages ---- */

struct mk_storage *mk_storage_find(struct microkube *mk, str group, str plural)
{
    for (struct mk_storage *s = mk->storages; s; s = s->next)
        if (str_eq(s->plural, plural) && str_eq(s->group, group))
            return s;
    return NULL;
}

struct mk_storage *mk_storage_add(struct microkube *mk, str group, str plural, str kind,
                                  str version, bool namespaced, bool copy_text)
{
    struct mk_storage *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    *s = (struct mk_storage){group, kind, plural, NULL, namespaced};
    if (copy_text) {
        s->group = arena_str(&mk->arena, group);
        s->kind = arena_str(&mk->arena, kind);
        s->plural = arena_str(&mk->arena, plural);
    }
    s->version = strndup(version.at, version.len);
    map_init(&s->objects, NULL);
    s->next = mk->storages;
    mk->storages = s;
    return s;
}

struct mk_object *mk_find(struct mk_storage *s, str ns, str name)
{
    char key[512];
    if (ns.len + name.len + 1 > sizeof(key))
        return NULL;
    if (ns.len)
        memcpy(key, ns.at, ns.len);
    key[ns.len] = '/';
    if (name.len)
        memcpy(key + ns.len + 1, name.at, name.len);
    return map_find(&s->objects, str_mem(key, ns.len + name.len + 1));
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(struct mk_object *const *)a)->key, (*(struct mk_object *const *)b)->key);
}

struct mk_object **mk_range(struct mk_storage *s, str ns, size_t *ret_n)
{
    if (!s->sorted_ok) {
        size_t n = 0;
        void *o;
        s->sorted = realloc(s->sorted, (map_len(&s->objects) + 1) * sizeof(*s->sorted));
        if (!s->sorted)
            abort();
        for (size_t i = 0; map_next(&s->objects, &i, NULL, &o);)
            s->sorted[n++] = o;
        qsort(s->sorted, n, sizeof(*s->sorted), by_key);
        s->n_sorted = n;
        s->sorted_ok = true;
    }
    size_t low = 0, high = s->n_sorted;
    if (!ns.len || !s->namespaced) {
        *ret_n = s->n_sorted;
        return s->sorted;
    }
    while (low < high) { /* the first with this namespace; "ns/" sorts as a prefix */
        size_t mid = (low + high) / 2;
        str have = str_sub(str_of(s->sorted[mid]->key), 0, ns.len + 1);
        int c = str_cmp(str_sub(have, 0, ns.len), ns);
        if (c < 0 || (c == 0 && have.len > ns.len && have.at[ns.len] < '/'))
            low = mid + 1;
        else
            high = mid;
    }
    size_t end = low;
    while (end < s->n_sorted && str_eq(s->sorted[end]->ns, ns))
        end++;
    *ret_n = end - low;
    return s->sorted + low;
}

/* ---- owners ---- */

static void owned_add(struct microkube *mk, struct mk_object *o)
{
    for (struct value_iter it = value_iter(object_owner_refs(doc_root(o->doc))); value_next(&it);) {
        str uid = value_str(value_getz(it.val, "uid"));
        struct mk_dependents *d = map_find(&mk->owned, uid);
        if (!d) {
            d = calloc(1, sizeof(*d));
            if (!d)
                abort();
            d->uid = strndup(uid.at ? uid.at : "", uid.len);
            map_set(&mk->owned, str_of(d->uid), d);
        }
        if (d->n == d->cap) {
            d->cap = d->cap ? d->cap * 2 : 4;
            d->at = realloc(d->at, d->cap * sizeof(struct mk_object *));
            if (!d->at)
                abort();
        }
        d->at[d->n++] = o;
    }
}

static void owned_remove(struct microkube *mk, struct mk_object *o)
{
    for (struct value_iter it = value_iter(object_owner_refs(doc_root(o->doc))); value_next(&it);) {
        struct mk_dependents *d = map_find(&mk->owned, value_str(value_getz(it.val, "uid")));
        for (size_t i = 0; d && i < d->n; i++) {
            if (d->at[i] == o) {
                d->at[i] = d->at[--d->n];
                break;
            }
        }
        if (d && !d->n) {
            map_remove(&mk->owned, str_of(d->uid));
            free(d->uid);
            free(d->at);
            free(d);
        }
    }
}

struct mk_object **mk_dependents(struct microkube *mk, str uid, size_t *ret_n)
{
    struct mk_dependents *d = map_find(&mk->owned, uid);
    *ret_n = d ? d->n : 0;
    return d ? d->at : NULL;
}

/* ---- the watch window ---- */

static size_t event_bytes(const struct mk_event *e) { return doc_bytes(e->now) + 64; }

static void history_drop(struct microkube *mk)
{
    struct mk_event *e = &mk->history[mk->history_first];
    mk->history_floor = e->rv;
    mk->history_bytes -= event_bytes(e);
    doc_unref(e->now);
    doc_unref(e->before);
    mk->history_first = (mk->history_first + 1) % mk->history_cap;
    mk->history_n--;
}

static void history_add(struct microkube *mk, struct mk_event e)
{
    while (mk->history_n == mk->history_cap ||
           (mk->history_n && mk->history_bytes > MK_HISTORY_BYTES_DEFAULT))
        history_drop(mk);
    e.now = doc_ref(e.now);
    e.before = doc_ref(e.before);
    mk->history[(mk->history_first + mk->history_n++) % mk->history_cap] = e;
    mk->history_bytes += event_bytes(&e);
    mk->counts.events++;
}

/* ---- writing ---- */

static void object_point(struct mk_object *o)
{
    value v = doc_root(o->doc);
    o->ns = object_ns(v);
    o->name = object_name(v);
    o->uid = object_uid(v);
}

static void insert_object(struct microkube *mk, struct mk_storage *s, struct doc *take_doc,
                          uint64_t rv, struct mk_object **ret)
{
    struct mk_object *o = calloc(1, sizeof(*o));
    if (!o)
        abort();
    *o = (struct mk_object){.doc = take_doc, .storage = s, .rv = rv};
    object_point(o);
    if (asprintf(&o->key, "%.*s/%.*s", STR_FMT(o->ns), STR_FMT(o->name)) < 0)
        abort();
    map_set(&s->objects, str_of(o->key), o);
    s->sorted_ok = false;
    owned_add(mk, o);
    mk->counts.objects++;
    *ret = o;
}

static void set_version(struct arena *a, value object, uint64_t rv)
{
    value meta = value_edit_map(a, object, STR("metadata"));
    value_set(a, meta, STR("resourceVersion"), value_of_str(a, arena_printf(a, "%" PRIu64, rv)));
}

int mk_commit(struct microkube *mk, struct mk_storage *s, struct mk_object *old, value object,
              struct arena *a, struct mk_object **ret, struct err *err)
{
    uint64_t rv = mk->rv + 1;
    set_version(a, object, rv);
    struct doc *doc = doc_freeze(object, 0);
    int64_t row = old ? old->row : 0;
    if (mk->written.cap > WRITTEN_KEPT_BYTES)
        buf_done(&mk->written);
    buf_reset(&mk->written);
    json_print(doc_root(doc), AUDIENCE_WIRE, 0, &mk->written);
    int rc = db_put(mk, s, &row, rv, doc_root(doc), err);
    if (rc < 0) {
        doc_unref(doc);
        return rc;
    }
    FAULT_POINT("microkube.written");
    mk->rv = rv;
    mk->counts.writes++;
    struct mk_event e = {rv, old ? MK_MODIFIED : MK_ADDED, s, doc, old ? old->doc : NULL};
    struct mk_object *o = old;
    history_add(mk, e);
    if (old) {
        owned_remove(mk, old);
        old->doc = doc;
        old->rv = rv;
        old->settled = 0;
        object_point(old);
        owned_add(mk, old);
    } else {
        insert_object(mk, s, doc, rv, &o);
    }
    o->row = row;
    mk_watch_notify(mk, &e, buf_str(&mk->written));
    doc_unref(e.before);
    mk_changed(mk, o, e.type);
    if (ret)
        *ret = o;
    return 0;
}

static void queue_forget(struct microkube *mk, struct mk_object *o)
{
    for (size_t i = 0; i < mk->queue_n; i++)
        if (mk->queue[i] == o)
            mk->queue[i] = NULL;
}

static void object_free(struct mk_object *o)
{
    doc_unref(o->doc);
    free(o->key);
    free(o);
}

int mk_erase(struct microkube *mk, struct mk_object *o, struct arena *a, struct doc **ret_doc,
             struct err *err)
{
    uint64_t rv = mk->rv + 1;
    int rc = db_remove(mk, o, rv, err);
    if (rc < 0)
        return rc;
    FAULT_POINT("microkube.removed");
    value last = value_edit(a, doc_root(o->doc));
    set_version(a, last, rv);
    struct doc *doc = doc_freeze(last, 0);
    struct mk_event e = {rv, MK_DELETED, o->storage, doc, o->doc};
    mk->rv = rv;
    mk->counts.writes++;
    history_add(mk, e);
    owned_remove(mk, o);
    map_remove(&o->storage->objects, str_of(o->key));
    o->storage->sorted_ok = false;
    mk->counts.objects--;
    if (o->queued || o->due_at)
        queue_forget(mk, o);
    mk_watch_notify(mk, &e, STR(""));
    object_free(o);
    mk_gone(mk, doc_root(doc));
    if (ret_doc)
        *ret_doc = doc;
    else
        doc_unref(doc);
    return 0;
}

str mk_uid_new(struct microkube *mk, struct arena *a)
{
    uint64_t x = mk->config.random(mk->config.arg), y = mk->config.random(mk->config.arg);
    return arena_printf(a, "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-%04" PRIx64 "-%012" PRIx64,
                        x >> 32, (x >> 16) & 0xffff, x & 0xfff, (y >> 48 & 0x3fff) | 0x8000,
                        y & 0xffffffffffff);
}

str mk_suffix_new(struct microkube *mk, struct arena *a)
{
    /* Without vowels and look-alikes, as apimachinery's rand.SafeEncodeString */
    static const char letter[] = "bcdfghjklmnpqrstvwxz2456789";
    uint64_t x = mk->config.random(mk->config.arg);
    char out[5];
    for (int i = 0; i < 5; i++, x >>= 8)
        out[i] = letter[(x & 0xff) % (sizeof(letter) - 1)];
    return arena_str(a, str_mem(out, 5));
}

static void storage_free(struct mk_storage *s)
{
    void *o;
    for (size_t i = 0; map_next(&s->objects, &i, NULL, &o);)
        object_free(o);
    map_done(&s->objects);
    free(s->sorted);
    free(s->version);
    free(s);
}

void mk_store_close(struct microkube *mk)
{
    void *v;
    while (mk->history_n)
        history_drop(mk);
    for (size_t i = 0; map_next(&mk->owned, &i, NULL, &v);) {
        struct mk_dependents *d = v;
        free(d->uid);
        free(d->at);
        free(d);
    }
    map_done(&mk->owned);
    while (mk->storages) {
        struct mk_storage *next = mk->storages->next;
        storage_free(mk->storages);
        mk->storages = next;
    }
    free(mk->history);
    free(mk->queue);
    buf_done(&mk->written);
    if (mk->db)
        db_close(mk->db);
}
