/* kube/protobuf.c */
#include "kube/protobuf.h"

#include "base/digest.h"
#include "base/time.h"
#include "kube/kinds.h"
#include "value/json.h"

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct field {
    uint32_t number;
    enum wire wire;
    uint64_t number_value; /* varint, fixed */
    str bytes;
};

struct decoder {
    struct arena *a;
    struct err *err;
    int depth;
};

static int message(struct decoder *d, str bytes, const struct kube_schema *s, uint16_t via,
                   value out);

static int malformed(struct decoder *d, const char *what)
{
    return err_set(d->err, ERR_INVALID, "protobuf: %s", what);
}

static bool varint(str *io, uint64_t *ret)
{
    *ret = 0;
    for (unsigned shift = 0; shift < 64 && io->len; shift += 7) {
        unsigned char c = (unsigned char)io->at[0];
        *io = str_from(*io, 1);
        *ret |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80))
            return true;
    }
    return false;
}

static bool fixed(str *io, size_t n, uint64_t *ret)
{
    *ret = 0;
    if (io->len < n)
        return false;
    for (size_t i = 0; i < n; i++)
        *ret |= (uint64_t)(unsigned char)io->at[i] << (8 * i);
    *io = str_from(*io, n);
    return true;
}

/* The next field; false at a malformed one. */
static bool next_field(str *io, struct field *f)
{
    uint64_t tag, n;
    if (!varint(io, &tag) || tag >> 3 == 0 || tag >> 3 > UINT16_MAX)
        return false;
    *f = (struct field){.number = (uint32_t)(tag >> 3), .wire = (enum wire)(tag & 7)};
    switch (f->wire) {
    case WIRE_VARINT: return varint(io, &f->number_value);
    case WIRE_64: return fixed(io, 8, &f->number_value);
    case WIRE_32: return fixed(io, 4, &f->number_value);
    case WIRE_BYTES:
        if (!varint(io, &n) || n > io->len)
            return false;
        f->bytes = str_sub(*io, 0, (size_t)n);
        *io = str_from(*io, (size_t)n);
        return true;
    default: return false;
    }
}

/* A field of a small message, absent fields read 0 and "". */
static struct field member(str bytes, uint32_t number)
{
    struct field f;
    while (bytes.len && next_field(&bytes, &f))
        if (f.number == number)
            return f;
    return (struct field){.number = 0, .bytes = STR("")};
}

static value time_of(struct decoder *d, const struct field *f, bool micro)
{
    int64_t seconds = (int64_t)member(f->bytes, 1).number_value,
            nanos = (int64_t)member(f->bytes, 2).number_value;
    if (!f->bytes.len || seconds < -62135596800 + 1 || seconds > 253402300799)
        return VALUE_ABSENT; /* Go's zero time */
    usec at = seconds * USEC_PER_SEC + (micro ? nanos / 1000 : 0);
    return value_of_str(d->a, micro ? time_micro_str(d->a, at) : time_str(d->a, at));
}

static value json_of(struct decoder *d, str text)
{
    value v;
    return text.len && json_parse(text, NULL, d->a, &v, NULL) == 0 ? v : VALUE_ABSENT;
}

static value double_of(struct decoder *d, uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof(x));
    return value_of_double(d->a, x);
}

static int list_message(struct decoder *d, str bytes, const struct kube_schema *s, value *ret);

static int one(struct decoder *d, const struct field *f, const struct kube_schema *s, value *ret)
{
    switch (s->type) {
    case KUBE_BOOL: *ret = value_of_bool(d->a, f->number_value != 0); return 0;
    case KUBE_INT:
    case KUBE_INT32: *ret = value_of_int(d->a, (int64_t)f->number_value); return 0;
    case KUBE_NUMBER: *ret = double_of(d, f->number_value); return 0;
    case KUBE_STRING: *ret = value_of_str(d->a, f->bytes); return 0;
    case KUBE_BYTES: *ret = value_of_str(d->a, base64_str(d->a, f->bytes)); return 0;
    case KUBE_TIME: *ret = time_of(d, f, str_ends(s->name, STR("MicroTime"))); return 0;
    case KUBE_QUANTITY: *ret = value_of_str(d->a, member(f->bytes, 1).bytes); return 0;
    case KUBE_INT_OR_STRING:
        *ret = member(f->bytes, 1).number_value
                   ? value_of_str(d->a, member(f->bytes, 3).bytes)
                   : value_of_int(d->a, (int64_t)member(f->bytes, 2).number_value);
        return 0;
    case KUBE_ANY:
    case KUBE_ANY_MAP: *ret = json_of(d, member(f->bytes, 1).bytes); return 0;
    case KUBE_LIST: return list_message(d, f->bytes, s, ret);
    case KUBE_STRUCT: *ret = value_new_map(d->a); return message(d, f->bytes, s, 0, *ret);
    default: *ret = VALUE_ABSENT; return 0;
    }
}

/* A list as the value of a map: a message with the repeated field 1. */
static int list_message(struct decoder *d, str bytes, const struct kube_schema *s, value *ret)
{
    struct field f;
    value item;
    *ret = value_new_list(d->a);
    while (bytes.len) {
        if (!next_field(&bytes, &f))
            return malformed(d, "bad list");
        int rc = one(d, &f, s->elem, &item);
        if (rc < 0)
            return rc;
        value_push(d->a, *ret, item);
    }
    return 0;
}

static int add(struct decoder *d, const struct field *f, const struct kube_field *kf, value out)
{
    const struct kube_schema *s = kf->type;
    value v;
    int rc;
    if (s->type == KUBE_LIST) {
        rc = one(d, f, s->elem, &v);
        if (rc == 0)
            value_push(d->a, value_edit_list(d->a, out, kf->name), v);
        return rc;
    }
    if (s->type == KUBE_MAP) {
        struct field entry = member(f->bytes, 2);
        rc = one(d, &entry, s->elem, &v);
        if (rc == 0)
            value_set(d->a, value_edit_map(d->a, out, kf->name),
                      arena_str(d->a, member(f->bytes, 1).bytes), v);
        return rc;
    }
    rc = one(d, f, s, &v);
    if (rc == 0 && value_exists(v))
        value_set(d->a, out, kf->name, v);
    return rc;
}

static int message(struct decoder *d, str bytes, const struct kube_schema *s, uint16_t via,
                   value out)
{
    struct field f;
    if (++d->depth > VALUE_DEPTH_MAX)
        return malformed(d, "too deep");
    while (bytes.len) {
        bool embedded = false;
        const struct kube_field *found = NULL;
        if (!next_field(&bytes, &f))
            return malformed(d, "bad field");
        for (size_t i = 0; i < s->n_fields && !found; i++) {
            embedded = embedded || (!via && s->field[i].proto_via == f.number);
            if (s->field[i].proto == f.number && s->field[i].proto_via == via)
                found = &s->field[i];
        }
        int rc = found      ? add(d, &f, found, out)
                 : embedded ? message(d, f.bytes, s, (uint16_t)f.number, out)
                            : 0;
        if (rc < 0)
            return rc;
    }
    d->depth--;
    return 0;
}

/* Kinds that are sent but are not resources. */
static const struct {
    const char *kind, *definition;
} other_kinds[] = {{"DeleteOptions", "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"},
                   {"Scale", "io.k8s.api.autoscaling.v1.Scale"},
                   {"Eviction", "io.k8s.api.policy.v1.Eviction"},
                   {"TokenRequest", "io.k8s.api.authentication.v1.TokenRequest"}};

static const struct kube_schema *schema_of(str api_version, str kind)
{
    str group, version;
    if (kube_api_version_parse(api_version, &group, &version, NULL) < 0)
        return NULL;
    const struct kube_schema *s = kube_schema_of_kind(group, version, kind);
    for (size_t i = 0; !s && i < ARRAY_LEN(other_kinds); i++)
        if (str_is(kind, other_kinds[i].kind))
            s = kube_schema_find(str_of(other_kinds[i].definition));
    return s;
}

int kube_protobuf_parse(str bytes, struct arena *a, value *ret, struct err *err)
{
    struct decoder d = {a, err, 0};
    if (!str_starts(bytes, str_mem("k8s\0", 4)))
        return malformed(&d, "the magic number is missing");
    str unknown = str_from(bytes, 4), meta = member(unknown, 1).bytes,
        raw = member(unknown, 2).bytes;
    str api_version = member(meta, 1).bytes, kind = member(meta, 2).bytes;
    const struct kube_schema *s = schema_of(api_version, kind);
    if (!s)
        return err_set(err, ERR_UNSUPPORTED,
                       "protobuf: no kind \"%.*s\" is known for version \"%.*s\"", STR_FMT(kind),
                       STR_FMT(api_version));
    value out = value_new_map(a);
    value_set_str(a, out, "kind", kind);
    value_set_str(a, out, "apiVersion", api_version);
    int rc = message(&d, raw, s, 0, out);
    if (rc == 0)
        *ret = out;
    return rc;
}
