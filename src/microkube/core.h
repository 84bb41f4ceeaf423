/* microkube/core.h: the state of the embedded API server and the pieces that work on it. Private to
 * the room.
 *
 *   store.c      objects, resource versions, the watch window, SQLite       watch.c   watches
 *   registry.c   which resources are served (built-in kinds, CRDs)          request.c the way of a
 * request read.c       get, list           write.c  create, update, delete        patch.c   patches
 *   meta.c       metadata rules      status.c answers that are errors       output.c  object, list,
 * table
 *
 * Objects are frozen documents in their storage version. Everything runs on the owner's thread. */
#ifndef MICROKUBE_CORE_H
#define MICROKUBE_CORE_H

#include "base/map.h"
#include "kube/kinds.h"
#include "kube/object.h"
#include "kube/schema.h"
#include "kube/selector.h"
#include "microkube/microkube.h"
#include "value/doc.h"
#include "value/json.h"

struct mk_object {
    struct doc *doc; /* owned */
    struct mk_storage *storage;
    uint64_t rv;
    char *key;         /* "ns/name", owned */
    int64_t row;       /* its number in the file; 0: none */
    uint32_t settled;  /* id of the resource whose type the document went through; 0: none */
    str ns, name, uid; /* in doc */
    usec due_at;       /* when its controller wants to look again; 0: not planned */
    bool queued;       /* waits for its controller */
};

/* All objects of one resource, whatever version they were written in. */
struct mk_storage {
    str group, kind, plural; /* borrowed from tables or from the registry */
    char *version;           /* storage version */
    bool namespaced;
    struct map objects;        /* key -> struct mk_object * */
    struct mk_object **sorted; /* by key; valid while sorted_ok */
    size_t n_sorted;
    bool sorted_ok;
    struct mk_watch *watches;
    struct mk_storage *next;
};

/* One served version of one resource. */
struct mk_resource {
    uint32_t id; /* never 0, never used again: a changed CRD makes new resources */
    str group, version, kind, plural, singular, short_names, categories, list_kind;
    bool namespaced, has_status, has_scale;
    unsigned verbs;
    const struct kube_kind *builtin;  /* NULL: from a CRD */
    const struct kube_schema *schema; /* never NULL */
    struct mk_storage *storage;       /* NULL: create-only reviews */
    value crd_version;                /* entry of spec.versions, in `arena` */
    struct arena *arena;              /* of a CRD's resource; NULL for built-in ones */
    struct mk_resource *next;
};

enum mk_event_type { MK_ADDED, MK_MODIFIED, MK_DELETED };

struct mk_event {
    uint64_t rv;
    enum mk_event_type type;
    struct mk_storage *storage;
    struct doc *now, *before; /* references; before may be NULL; DELETED: both are the last state,
                                 now with the event's version */
};

struct mk_db; /* SQLite, see store.c */

struct microkube {
    struct microkube_config config;
    struct arena arena; /* lives as long as the server */
    uint64_t rv;
    struct mk_storage *storages;
    struct mk_resource *resources, **resources_end; /* in discovery order */
    uint32_t resource_id;                           /* the last one given */
    struct mk_event *history;                       /* ring */
    size_t history_cap, history_first, history_n, history_bytes;
    uint64_t history_floor;   /* events after this version are in the ring */
    struct map owned;         /* uid -> struct mk_dependents *, heap */
    struct mk_object **queue; /* objects whose controller must look */
    size_t queue_n, queue_cap;
    struct mk_db *db;
    struct buf written; /* the object last committed as JSON, in its storage's version */
    usec next_at;
    str root_ca; /* PEM, in `arena`; "" none */
    struct microkube_counts counts;
    uint32_t cluster_ip_next;
    uint32_t node_port_next;
    bool closing;
};

/* ---- requests ---- */

enum mk_output { MK_OBJECT, MK_TABLE, MK_PARTIAL };
enum mk_field_validation { MK_VALIDATE_IGNORE, MK_VALIDATE_WARN, MK_VALIDATE_STRICT };

struct mk_ctx {
    struct microkube *mk;
    const struct mk_request *req;
    struct arena *a;
    struct mk_response *res;
    str path; /* percent-decoded */
    struct http_query query;
    struct kube_resource_path p;
    const struct mk_resource *r;
    enum mk_output output;
    enum mk_field_validation validation;
    bool dry_run;
    str manager; /* field manager */
    str door;    /* subresource that managedFields names: "", status, scale */
    VEC(str) warnings;
};

static inline usec mk_now(const struct microkube *mk) { return mk->config.now(mk->config.arg); }
str mk_query(const struct mk_ctx *c, const char *key); /* "" when missing */

/* ---- status.c ---- */

struct mk_cause {
    str field;
    const char *reason; /* FieldValueInvalid ... */
    str message;        /* "Invalid value: ..." */
};
typedef VEC(struct mk_cause) mk_causes;

struct mk_fault { /* what a Status says beside its message */
    int code;
    const char *reason;
    str group, kind, name, uid; /* details; "" left out */
    const mk_causes *causes;
    int retry_after_seconds;
    bool with_details; /* an empty details map, as answers have that no kind made */
};

/* Answer with a Status and return -1. */
int mk_fail(struct mk_ctx *c, const struct mk_fault *f, const char *format, ...) PRINTF(3, 4);
int mk_bad_request(struct mk_ctx *c, const char *format, ...) PRINTF(2, 3);
int mk_not_found(struct mk_ctx *c, const struct mk_resource *r, str name);
int mk_conflict(struct mk_ctx *c, str name, const char *why);
int mk_forbidden(struct mk_ctx *c, str name, const char *why);
int mk_method_not_allowed(struct mk_ctx *c);
int mk_internal(struct mk_ctx *c, const struct err *err);
int mk_expired(struct mk_ctx *c, const char *format, ...) PRINTF(2, 3);
/* 422 with all causes: `Deployment.apps "x" is invalid: ...`. */
int mk_invalid(struct mk_ctx *c, str name, const mk_causes *causes);
/* Add a cause; reasons as field.ErrorType: "FieldValueRequired" and so on. */
void mk_cause(struct mk_ctx *c, mk_causes *v, const char *reason, str field, const char *format,
              ...) PRINTF(5, 6);
str mk_resource_name(struct mk_ctx *c, const struct mk_resource *r); /* "deployments.apps" */
str mk_kind_name(struct arena *a, const struct mk_resource *r);      /* "Deployment.apps" */
void mk_success_status(struct mk_ctx *c, value object);              /* Status of a deletion */
void mk_warn(struct mk_ctx *c, str text);

/* ---- store.c ---- */

int mk_store_open(struct microkube *mk, struct err *err);
void mk_store_close(struct microkube *mk);
struct mk_storage *mk_storage_add(struct microkube *mk, str group, str plural, str kind,
                                  str version, bool namespaced, bool copy_text);
struct mk_storage *mk_storage_find(struct microkube *mk, str group, str plural);
struct mk_object *mk_find(struct mk_storage *s, str ns, str name);
/* All objects of a namespace ("" all) sorted by key: a range of s->sorted. */
struct mk_object **mk_range(struct mk_storage *s, str ns, size_t *ret_n);
/* Write: a new resourceVersion is put into `object` (a building map), which is frozen and stored;
 * watches hear of it. *ret (may be NULL) is the stored object. -ERR_IO: nothing changed. */
int mk_commit(struct microkube *mk, struct mk_storage *s, struct mk_object *old, value object,
              struct arena *a, struct mk_object **ret, struct err *err);
/* Remove for good. *ret_doc (may be NULL) is a new reference to the last state with the deletion's
 * resourceVersion. */
int mk_erase(struct microkube *mk, struct mk_object *o, struct arena *a, struct doc **ret_doc,
             struct err *err);
/* Objects that name `uid` as an owner: *ret_n of them, valid until the next write. */
struct mk_object **mk_dependents(struct microkube *mk, str uid, size_t *ret_n);
str mk_uid_new(struct microkube *mk, struct arena *a);
str mk_suffix_new(struct microkube *mk, struct arena *a); /* five letters, as generateName */

/* ---- registry.c ---- */

void mk_registry_open(struct microkube *mk);
void mk_registry_close(struct microkube *mk);
const struct mk_resource *mk_resource_find(const struct microkube *mk, str group, str version,
                                           str plural);
const struct mk_resource *mk_resource_by_kind(const struct microkube *mk, str group, str version,
                                              str kind);
/* The resource served for a storage in its storage version. */
const struct mk_resource *mk_resource_of(const struct microkube *mk, const struct mk_storage *s);
/* A CRD was written (object) or removed (VALUE_ABSENT): bring what is served up to date. */
void mk_registry_crd(struct microkube *mk, str crd_name, value crd);

/* Everything before the verb, for a watch: path, resource, options. */
int mk_open_watch_ctx(struct mk_ctx *c);

/* ---- watch.c ---- */

/* text: e->now as JSON when somebody has it, else empty. */
void mk_watch_notify(struct microkube *mk, const struct mk_event *e, str text);
void mk_watch_tick(struct microkube *mk);
void mk_watch_close_all(struct microkube *mk);
void mk_watch_end_storage(struct microkube *mk, struct mk_storage *s);

/* ---- read.c, write.c, patch.c ---- */

struct mk_list_options {
    struct kube_selector labels, fields;
    bool has_labels, has_fields;
};
int mk_parse_selectors(struct mk_ctx *c, struct mk_list_options *ret);
bool mk_object_matches(const struct mk_list_options *o, value object);

int mk_get(struct mk_ctx *c);
int mk_list(struct mk_ctx *c);
int mk_create(struct mk_ctx *c);
int mk_update(struct mk_ctx *c);
int mk_delete(struct mk_ctx *c);
int mk_delete_collection(struct mk_ctx *c);
int mk_patch(struct mk_ctx *c);
/* Server-side apply; o NULL: create. */
int mk_apply(struct mk_ctx *c, struct mk_object *o, value patch);
int mk_review(struct mk_ctx *c); /* create-only kinds: access reviews, token reviews, bindings */
int mk_scale(struct mk_ctx *c);

/* Read the body as one object, check that apiVersion and kind fit. */
int mk_read_body(struct mk_ctx *c, value *ret);
/* The way of a changed object to the store: prune, default, validate, metadata, managedFields,
 * no-op detection, commit, answer. */
enum mk_write { MK_WRITE_UPDATE, MK_WRITE_PATCH, MK_WRITE_APPLY };
int mk_put(struct mk_ctx *c, struct mk_object *old, value object, enum mk_write how,
           bool forced_create);
int mk_put_new(struct mk_ctx *c, value object, enum mk_write how);

/* ---- meta.c, validate.c, defaults.c, managed.c ----
 *
 * `settled` is the stored object when it came through this same type (mk_settled), else absent:
 * what a change left in its place is not looked at again, so that a write costs what it changes. */

int mk_check_namespace(struct mk_ctx *c, str ns);
/* A new object: name or generateName, namespace, uid, creationTimestamp, generation 1. */
int mk_meta_create(struct mk_ctx *c, value object);
/* A changed one: what the server owns comes from `old`; generation grows when the spec changed. */
int mk_meta_update(struct mk_ctx *c, value old, value object, bool status_only);

/* Unknown fields per fieldValidation, nulls and empties dropped as typed storage does, types
 * checked. */
int mk_validate_fields(struct mk_ctx *c, value settled, value object);
void mk_set_defaults(struct microkube *mk, struct arena *a, const struct mk_resource *r,
                     value settled, value object);
/* strategy.c: what a kind's own code adds to a new object that has its uid. */
void mk_prepare_new(struct microkube *mk, struct arena *a, const struct mk_resource *r,
                    value object);
/* The same for a changed one. */
void mk_prepare_update(struct microkube *mk, struct arena *a, const struct mk_resource *r,
                       value old, value object);
bool mk_has_generation(const struct mk_resource *r); /* meta.c */
void mk_check_service_ports(struct mk_ctx *c, value service, mk_causes *causes);
void mk_check_container_ports(struct mk_ctx *c, value container, str path, mk_causes *causes);
int mk_validate(struct mk_ctx *c, value old, value settled, value object);
int mk_validate_custom(struct mk_ctx *c, value settled, value object); /* crd.c: OpenAPI rules */
void mk_crd_complete(struct arena *a, value object); /* names and storedVersions */

/* Record who changed what (Update managers). old absent: create. */
void mk_track(struct mk_ctx *c, value old, bool old_is_settled, value object);

/* ---- output.c ---- */

/* The object as a version asks for it (apiVersion replaced); kind and apiVersion present. */
value mk_as_version(struct arena *a, const struct mk_resource *r, value object);
bool mk_is_version(const struct mk_resource *r, value object);
void mk_answer_object(struct mk_ctx *c, int status, value object);
struct mk_table {
    value list_meta;
    bool with_columns;
    str include_object; /* None, Metadata (also ""), Object */
};
value mk_table(struct microkube *mk, struct arena *a, const struct mk_resource *r, value *object,
               size_t n, const struct mk_table *t);
/* columns.c */
void mk_table_columns(struct arena *a, const struct mk_resource *r, value columns);
value mk_table_cells(struct microkube *mk, struct arena *a, const struct mk_resource *r,
                     value object);
value mk_partial(struct arena *a, const struct mk_resource *r, value object);
void mk_answer_json(struct mk_ctx *c, int status, value v);
/* The object just committed: mk->written. */
void mk_answer_written(struct mk_ctx *c, int status, value object);

/* ---- discovery.c, openapi.c ---- */

/* Answers every path that is not a resource. false: not ours. */
bool mk_discovery(struct mk_ctx *c);
bool mk_openapi(struct mk_ctx *c);

/* ---- controllers.c, gc.c, workloads.c, workloads/ ---- */

void mk_changed(struct microkube *mk, struct mk_object *o,
                enum mk_event_type type);         /* after each write */
void mk_gone(struct microkube *mk, value object); /* after a removal */
bool mk_controllers_run(struct microkube *mk);    /* true: something was done */
void mk_enqueue(struct microkube *mk, struct mk_object *o);
void mk_enqueue_at(struct microkube *mk, struct mk_object *o, usec at);
void mk_wake(struct microkube *mk, usec at);

/* Deletion in the store with all rules (finalizers, propagation); also used by controllers. */
enum mk_propagation { MK_BACKGROUND, MK_FOREGROUND, MK_ORPHAN, MK_PROPAGATION_DEFAULT };
struct mk_delete {
    enum mk_propagation how;
    int64_t grace_seconds; /* -1: the kind's own */
};
int mk_delete_object(struct microkube *mk, struct mk_object *o, struct mk_delete d, struct arena *a,
                     struct doc **ret_doc, bool *ret_gone, struct err *err);

/* A controller's write: keeps metadata the server owns; skipped when nothing changed. NULL on
 * failure. */
struct mk_object *mk_controller_update(struct microkube *mk, struct mk_object *o, value object,
                                       struct arena *a);
struct mk_object *mk_controller_create(struct microkube *mk, const char *group, const char *kind,
                                       value object, struct arena *a);

#endif
