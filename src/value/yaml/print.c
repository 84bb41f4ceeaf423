/* Documents as YAML, byte for byte as go-yaml v2 writes them below sigs.k8s.io/yaml. Only frozen
 * documents are printed (a tree is frozen first); their tape is walked from front to back, a map's
 * entries in the natural order of their keys.
 *
 * Where a value goes: behind "key:" or "-" on the same line if it is a scalar or empty. A map
 * behind "key:" begins a line and is indented, a list begins a line and is not. Either behind "-"
 * begins on that line. */
#include <assert.h>
#include <math.h>

#include "value/number.h"
#include "value/tape.h"
#include "value/yaml/print.h"
#include "value/yaml/resolve.h"
#include "value/yaml_node.h"

#define LOG_BYTES_MAX 1024
#define INSERTION_MAX 12 /* maps up to that are sorted by insertion */

struct pair {
    str key;
    const char *val;
    bool complex; /* needs `? ` */
};

struct printer {
    struct yaml_out out;
    struct arena *arena;
    struct pair *pair; /* stack: entries of the open maps, innermost last */
    size_t n_pairs, cap_pairs;
};

enum place { AT_ROOT, BEHIND_KEY, BEHIND_DASH };

static void put_value(struct printer *p, const char *at, int indent, enum place place);

/* ---- scalars ---- */

/* Numbers come by way of JSON text, which YAML reads again: whole ones as integers where they fit.
 */
static size_t double_text(double d, char *text)
{
    if (d == 0) {
        text[0] = '0';
        return 1;
    }
    size_t n = number_print_double(d, text);
    struct yaml_scalar is = yaml_resolve(str_mem(text, n));
    return is.kind == YAML_FLOAT ? yaml_print_float(is.d, 64, text) : n;
}

static size_t number_text(unsigned kind, uint64_t bits, char *text)
{
    double d;
    if (kind == TAPE_INT64)
        return number_print_int((int64_t)bits, text);
    if (kind == TAPE_UINT64)
        return number_print_uint(bits, text);
    memcpy(&d, &bits, 8);
    return double_text(d, text);
}

static void put_scalar(struct printer *p, const char *at, int indent, bool blank)
{
    struct yaml_out *o = &p->out;
    uint32_t header = tape_u32(at), payload = header >> TAPE_PAYLOAD_SHIFT;
    unsigned kind = header & 15;
    switch (kind) {
    case TAPE_TEXT:
    case TAPE_ODD_TEXT: yaml_put_string(o, str_mem(at + 4, payload), indent, false, blank); return;
    case TAPE_BIG_TEXT:
        yaml_put_string(o, str_mem(at + 12, tape_u64(at + 4)), indent, false, blank);
        return;
    default: break;
    }
    char text[MAX_OF(NUMBER_PRINT_MAX, YAML_FLOAT_BYTES_MAX)];
    str s = STR("null");
    int64_t small = (int64_t)(int32_t)header >> TAPE_PAYLOAD_SHIFT;
    if (kind == TAPE_FALSE)
        s = STR("false");
    else if (kind == TAPE_TRUE)
        s = STR("true");
    else if (kind == TAPE_SMALL)
        s = str_mem(text, number_print_int(small, text));
    else if (kind == TAPE_NUMBER)
        s = str_mem(text, number_text((uint8_t)at[4] & 15, tape_u64(at + 5), text));
    else if (kind != TAPE_NULL)
        s = str_mem(text, number_text(kind, tape_u64(at + 4), text));
    yaml_out_room(o, s.len + 1);
    if (blank)
        *o->w++ = ' ';
    memcpy(o->w, s.at, s.len);
    o->w += s.len;
}

/* ---- maps ---- */

static int by_natural_order(const void *a, const void *b)
{
    return yaml_key_order(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static void sort_pairs(struct pair *pair, size_t n)
{
    if (n > INSERTION_MAX) {
        size_t i = 1;
        while (i < n && yaml_key_order(pair[i - 1].key, pair[i].key) < 0)
            i++;
        if (i < n)
            qsort(pair, n, sizeof(*pair), by_natural_order);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        struct pair one = pair[i];
        size_t j = i;
        for (; j > 0 && yaml_key_order(one.key, pair[j - 1].key) < 0; j--)
            pair[j] = pair[j - 1];
        pair[j] = one;
    }
}

static void grow_pairs(struct printer *p, size_t n)
{
    size_t cap = MAX_OF(p->cap_pairs * 2, p->n_pairs + n + 64);
    p->pair =
        arena_grow(p->arena, p->pair, p->cap_pairs * sizeof(*p->pair), cap * sizeof(*p->pair));
    p->cap_pairs = cap;
}

/* The entries of a map in the order in which they are written, on the stack. */
static void push_pairs(struct printer *p, const char *at, size_t n)
{
    if (p->cap_pairs - p->n_pairs < n)
        grow_pairs(p, n);
    struct pair *pair = p->pair + p->n_pairs;
    at += 8;
    for (size_t i = 0; i < n; i++) {
        bool odd = (uint8_t)*at == TAPE_KEY_LONG;
        pair[i].key = tape_key(at, &pair[i].val);
        if (odd)
            pair[i].key = yaml_reread(p->arena, pair[i].key);
        pair[i].complex = (odd || pair[i].key.len > YAML_SIMPLE_KEY_BYTES_MAX) &&
                          yaml_key_is_complex(pair[i].key);
        at = pair[i].val + tape_size(pair[i].val);
    }
    p->n_pairs += n;
    sort_pairs(pair, n);
}

static void put_key(struct printer *p, str key, bool complex, int indent)
{
    struct yaml_out *o = &p->out;
    if (!complex) {
        yaml_put_string(o, key, indent + YAML_INDENT, true, false);
    } else {
        yaml_out_room(o, 1);
        *o->w++ = '?';
        yaml_put_string(o, key, indent + YAML_INDENT, false, true);
        yaml_out_line(o, indent);
    }
    yaml_out_room(o, 1);
    *o->w++ = ':';
}

static void put_map(struct printer *p, const char *at, size_t n, int indent, enum place place)
{
    size_t base = p->n_pairs;
    push_pairs(p, at, n);
    for (size_t i = 0; i < n; i++) {
        struct pair one = p->pair[base + i];
        if (i > 0 || place == BEHIND_KEY)
            yaml_out_line(&p->out, indent);
        put_key(p, one.key, one.complex, indent);
        put_value(p, one.val, indent, one.complex ? BEHIND_DASH : BEHIND_KEY);
    }
    p->n_pairs = base;
}

static void put_list(struct printer *p, const char *at, size_t n, int indent, enum place place)
{
    at += 8;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 || place == BEHIND_KEY)
            yaml_out_line(&p->out, indent);
        yaml_out_room(&p->out, 1);
        *p->out.w++ = '-';
        put_value(p, at, indent, BEHIND_DASH);
        at += tape_size(at);
    }
}

/* indent: that of the container around it. */
static void put_value(struct printer *p, const char *at, int indent, enum place place)
{
    uint32_t header = tape_u32(at);
    unsigned kind = header & 15;
    if (kind < TAPE_LIST) {
        put_scalar(p, at, indent + YAML_INDENT, place != AT_ROOT);
        return;
    }
    size_t n = tape_count(header);
    if (!n || place == BEHIND_DASH) {
        yaml_out_room(&p->out, 3);
        if (place != AT_ROOT)
            *p->out.w++ = ' ';
    }
    if (!n) {
        *p->out.w++ = kind == TAPE_MAP ? '{' : '[';
        *p->out.w++ = kind == TAPE_MAP ? '}' : ']';
    } else if (kind == TAPE_MAP) {
        put_map(p, at, n, place == AT_ROOT ? 0 : indent + YAML_INDENT, place);
    } else {
        put_list(p, at, n, place == BEHIND_DASH ? indent + YAML_INDENT : indent, place);
    }
}

/* ---- the outside ---- */

/* A document that shows to `who` what it may see; the caller's. */
static struct doc *shown(value v, enum audience who, struct arena *a)
{
    struct json_input exact = {.exact_uint64 = true};
    struct doc *d = NULL;
    if (who == AUDIENCE_WIRE)
        return v.doc ? doc_ref(v.doc) : doc_freeze(value_exists(v) ? v : value_null(a), 0);
    /* masking has one place, the JSON printer */
    if (json_parse_doc(json_str(a, v, AUDIENCE_DISPLAY, 0), &exact, &d, NULL))
        d = doc_freeze(value_null(a), 0);
    return d;
}

static void put_document(value root, struct arena *a, struct buf *out)
{
    struct printer p = {.arena = a};
    yaml_out_init(&p.out, out, a);
    put_value(&p, root.doc->tape + root.at, 0, AT_ROOT);
    yaml_out_line(&p.out, 0);
    yaml_out_finish(&p.out);
}

void yaml_print(value v, enum yaml_style style, enum audience who, struct buf *out)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    struct doc *d = shown(v, who, &a);
    size_t from = out->len;
    assert(d);
    value root = {d, v.doc == d ? v.at : TAPE_ROOT};
    if (style == YAML_KUSTOMIZE)
        yaml_node_print(yaml_node_of(root, &a), &a, out);
    else
        put_document(root, &a, out);
    if (who == AUDIENCE_LOG && out->len > from + LOG_BYTES_MAX) {
        out->len = from + LOG_BYTES_MAX;
        buf_addz(out, "...");
    }
    doc_unref(d);
    arena_done(&a);
}
