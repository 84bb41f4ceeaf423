/* lang/template_value.h: the value of Go templates.
 *
 * Not the object value of value/: a template sees Go's kinds and named types (`kindOf`, `typeOf`,
 * `%T`, comparison and error texts depend on them), three sorts of nil, and maps that are shared by
 * reference and can be changed (`set`, `unset`, `merge`), also into cycles.
 *
 * A `tval` is three words, passed by copy: a type and a payload. The three nils:
 *   no value      type NULL (Go's zero reflect.Value): a missing key, an untyped nil
 *   nil interface TEMPLATE_NIL_INTERFACE: an element of a map or list that holds nothing; the next
 *                 stage of a pipeline makes it "no value"
 *   typed nil     a map, list or pointer type with an empty payload
 * An element taken from []interface{} or map[string]interface{} has `iface` set until it went
 * through a pipeline: Go then names the static type `interface {}` in errors.
 *
 * Maps and lists live in an arena (one render's). They may be *views* of a `value` (value/value.h):
 * then nothing is copied until the container is first looked into, and only that level is; `set`
 * never reaches the document. In a view VALUE_INT is int64, VALUE_UINT uint64, VALUE_DOUBLE
 * float64: what came from values.yaml, where Helm has float64 throughout, goes through
 * template_floats once before.
 *
 * Strings are borrowed: their bytes live as long as the arena, at most 4 GiB. Threads: one render,
 * one thread; types are constants. Source: Go reflect, text/template, fmt. */
#ifndef LANG_TEMPLATE_VALUE_H
#define LANG_TEMPLATE_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "value/value.h"

struct template_call;
struct template_type;
struct template_map;

enum template_kind {
    TEMPLATE_INVALID,
    TEMPLATE_BOOL,
    TEMPLATE_INT,
    TEMPLATE_INT32,
    TEMPLATE_INT64,
    TEMPLATE_UINT8,
    TEMPLATE_UINT32,
    TEMPLATE_UINT64,
    TEMPLATE_FLOAT64,
    TEMPLATE_COMPLEX128,
    TEMPLATE_STRING,
    TEMPLATE_SLICE,
    TEMPLATE_MAP,
    TEMPLATE_STRUCT,
    TEMPLATE_PTR,
    TEMPLATE_INTERFACE,
};

typedef struct {
    const struct template_type *type; /* NULL: no value */
    union {
        bool b;
        int64_t i;
        uint64_t u;
        double f;
        const double *complex;            /* real, imaginary */
        const char *text;                 /* `len` bytes */
        struct template_map *map;         /* NULL: nil map */
        const struct template_list *list; /* NULL: nil list */
        const void *p;                    /* structs and pointers to structs: the object */
    };
    uint32_t len; /* of a string or of []uint8 */
    bool iface;
} tval;

/* Lists never change once made. []uint8 (and named byte slices) have no list: text and len. */
struct template_list {
    const tval *item;
    size_t n;
    struct arena *arena;
    value view; /* item is NULL until looked into */
    /* Of a list that `append` made: its elements stand in a longer array, of which *used are taken;
     * the list whose n is *used may be followed in place. */
    size_t *used, cap;
};

/* One method of a named type. Signature: as in lang/template_func.h. The function finds the
 * receiver in call->receiver. */
struct template_method {
    const char *name;
    const char *signature;
    int (*call)(struct template_call *c, const tval *arg, size_t n, tval *ret);
};

/* One field of a struct, in Go's order. Unexported ones (lower-case first letter) are printed by
 * %v and refused to templates. json: name in JSON, NULL: left out; a trailing ",omitempty" holds.
 */
struct template_field {
    const char *name;
    const char *json;
    tval (*get)(const void *object, struct arena *a);
};

struct template_type {
    enum template_kind kind;
    const char *name;                       /* as %T prints it: "map[string]interface {}" */
    const struct template_type *elem;       /* of a list or map; what a pointer points to */
    const struct template_type *underlying; /* of a named type; NULL: it is unnamed or basic */
    const struct template_method *method;   /* ends with a NULL name; NULL: none */
    const struct template_field *field;     /* of a struct; ends with a NULL name */
    /* Of the first field of a struct, which is embedded: found and marshalled as the struct's own.
     * They are asked of the same object. NULL: nothing is embedded. */
    const struct template_field *promoted;
    str (*text)(tval v, struct arena *a);    /* its String or Error method, or NULL */
    str (*go_text)(tval v, struct arena *a); /* its GoString method (%#v), or NULL */
    /* What encoding/json makes of it; NULL: by kind and fields. */
    value (*marshal)(tval v, struct arena *a);
    bool comparable; /* structs: == is allowed, compares the object's identity or `equal` */
    bool (*equal)(const void *a, const void *b);
};

/* Types that Go's language or the functions bring. */
extern const struct template_type TEMPLATE_T_BOOL, TEMPLATE_T_INT, TEMPLATE_T_INT32,
    TEMPLATE_T_INT64, TEMPLATE_T_UINT8, TEMPLATE_T_UINT32, TEMPLATE_T_UINT64, TEMPLATE_T_FLOAT64,
    TEMPLATE_T_COMPLEX128, TEMPLATE_T_STRING, TEMPLATE_T_INTERFACE,
    TEMPLATE_T_LIST,       /* []interface {} */
    TEMPLATE_T_LIST_LIST,  /* [][]interface {} */
    TEMPLATE_T_MAP_LIST,   /* []map[string]interface {} */
    TEMPLATE_T_STRINGS,    /* []string */
    TEMPLATE_T_INTS,       /* []int */
    TEMPLATE_T_BYTES,      /* []uint8 */
    TEMPLATE_T_MAP,        /* map[string]interface {} */
    TEMPLATE_T_STRING_MAP, /* map[string]string */
    TEMPLATE_T_TIME,       /* time.Time */
    TEMPLATE_T_DURATION,   /* time.Duration */
    TEMPLATE_T_MONTH, TEMPLATE_T_WEEKDAY, TEMPLATE_T_LOCATION, TEMPLATE_T_SEMVER,
    TEMPLATE_T_SEMVER_PTR,  /* *semver.Version */
    TEMPLATE_T_CERTIFICATE; /* sprig.certificate */

/* clang-format off */
#define TEMPLATE_NO_VALUE ((tval){.type = NULL})
#define TEMPLATE_NIL_INTERFACE ((tval){.type = &TEMPLATE_T_INTERFACE})
/* clang-format on */

/* ---- making ---- */

tval template_bool(bool b);
tval template_int(int64_t i);   /* Go's int */
tval template_int64(int64_t i); /* Go's int64 */
tval template_uint64(uint64_t u);
tval template_float(double f);
tval template_str(str s); /* borrows */
tval template_strz(const char *z);
tval template_bytes(str s); /* []uint8 */
tval template_object(const struct template_type *t, const void *object);

/* Lists take over `item` (n of them, arena memory); the elements of []interface{} need no `iface`,
 * reading sets it. */
tval template_list(struct arena *a, const struct template_type *t, const tval *item, size_t n);
tval template_strings(struct arena *a, const str *s, size_t n); /* []string, texts borrowed */

/* A new empty map of type t (TEMPLATE_T_MAP, or a named one over it). */
tval template_map_new(struct arena *a, const struct template_type *t);

/* A map of n entries that are put in (template_put) when somebody looks into it: by fill(arg, map).
 * template_map_late_arg: arg while nobody has looked, else NULL. */
typedef void template_fill(void *arg, tval map);
tval template_map_late(struct arena *a, const struct template_type *t, size_t n,
                       template_fill *fill, void *arg);
void *template_map_late_arg(tval map, template_fill *fill);

/* View of a value tree: absent is "no value", null the nil interface, maps map[string]interface {},
 * lists []interface {}. v must outlive the arena (value_hold keeps a document). The root of a map
 * view may be given a named type; NULL: none. */
tval template_view(struct arena *a, value v, const struct template_type *map_type);
/* v with each integer as a double (as sigs.k8s.io/yaml and encoding/json give them to Go). In a's
 * tree; frozen parts without integers stay borrowed. */
value template_floats(struct arena *a, value v);

/* ---- reading ---- */

enum template_kind template_kind(tval v); /* TEMPLATE_INTERFACE for an element not yet unwrapped */
bool template_is_nil(tval v);             /* one of the three nils (after unwrapping) */
/* Without its interface: the nil interface becomes "no value". */
static inline tval template_unwrap(tval v)
{
    if (v.type && v.type->kind == TEMPLATE_INTERFACE)
        return TEMPLATE_NO_VALUE;
    v.iface = false;
    return v;
}
bool template_truth(tval v); /* of `if`; "no value" is false */
/* The same in its place. */
static inline void template_unwrap_at(tval *io)
{
    if (io->type && io->type->kind == TEMPLATE_INTERFACE)
        *io = TEMPLATE_NO_VALUE;
    else if (io->iface)
        io->iface = false;
}

static inline str template_text(tval v) { return (str){v.text, v.len}; } /* strings, []uint8 */

size_t template_len(tval v);           /* lists, maps, strings; else 0 */
tval template_at(tval list, size_t i); /* i < template_len */

/* The entry, or "no value" when it is missing. *ret_found (may be NULL) tells a null apart. */
tval template_get(tval map, str key, bool *ret_found);
/* hash: template_key_hash(key), for keys known beforehand. */
tval template_get_hashed(tval map, str key, uint32_t hash, bool *ret_found);
uint32_t template_key_hash(str key);

/* Keys in byte order; the array belongs to the map and lives until it is changed. */
const str *template_keys(tval map, size_t *ret_n);

/* ---- changing maps; key bytes are borrowed ---- */

void template_put(tval map, str key, tval v); /* map is not nil */
void template_drop(tval map, str key);

/* ---- as data ---- */

/* Go's %v (and what an action prints), %T's name. */
void template_print(tval v, struct buf *out, struct arena *a);
str template_type_name(tval v); /* "<nil>" for no value */
/* reflect.DeepEqual: types must be equal, too. */
bool template_deep_equal(tval a, tval b);

#define TEMPLATE_DEPTH_MAX 1000 /* nesting that converting, printing and comparing follow */

/* What encoding/json makes of v, as a value tree (unmodified views are borrowed). -ERR_INVALID with
 * Go's text ("json: unsupported value: +Inf"); a cycle or deeper nesting than VALUE_DEPTH_MAX is
 * refused. */
int template_to_value(tval v, struct arena *a, value *ret, struct err *err) MUST_CHECK;
/* The same for printing as JSON: *ret_in_order says that a struct is in it. Its fields stand in
 * Go's order and maps are sorted already, so printing must not sort. */
int template_to_value_in_order(tval v, struct arena *a, value *ret, bool *ret_in_order,
                               struct err *err) MUST_CHECK;

#endif
