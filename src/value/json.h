/* value/json.h: JSON in and out, exact like Go's encoding/json as Kubernetes uses it.
 *
 * Source: RFC 8259; Go encoding/json (string escaping: <, >, & and U+2028/9 as \u escapes, invalid
 * UTF-8 as U+FFFD; floats as strconv 'g'-like shortest form with exponent below 1e-6 and from
 * 1e21), sigs.k8s.io/json (integers stay int64 where they fit, else float64; duplicate keys: last
 * wins, or refused when strict). */
#ifndef VALUE_JSON_H
#define VALUE_JSON_H

#include "base/buf.h"
#include "value/doc.h"
#include "value/value.h"

#define JSON_BYTES_MAX ((size_t)512 << 20)
#define JSON_NUMBER_BYTES_MAX 10000
#define JSON_KEY_BYTES_MAX ((size_t)1 << 20)

struct json_input {
    str name;           /* file or source for error messages; may be empty */
    size_t bytes_max;   /* 0: JSON_BYTES_MAX */
    bool strict;        /* a duplicate key is an error */
    bool keep_literals; /* numbers keep their text */
    bool keep_positions;
    bool exact_uint64; /* integers above INT64_MAX up to UINT64_MAX stay exact; else double, as
                          Kubernetes reads them */
    bool bare_errors;  /* messages are Go's text alone ("unexpected end of JSON input"), without a
                          position in front */
};

/* Parse exactly one JSON text (white space around it allowed) into building nodes; they may be
 * changed. in may be NULL: defaults. text is not needed afterwards. Messages: "NAME:line:column: "
 * (or "line 1 column 5: " without a name) and Go's text. Costs some 10 bytes of arena a byte of
 * text; what is only read is better parsed into a doc. -ERR_INVALID names line, column and what was
 * expected; -ERR_TOO_LARGE names the bound (depth, size). */
int json_parse(str text, const struct json_input *in, struct arena *a, value *ret,
               struct err *err) MUST_CHECK;
/* The same straight into a frozen document. */
int json_parse_doc(str text, const struct json_input *in, struct doc **ret,
                   struct err *err) MUST_CHECK;

/* Who will read the output. There is no default: masking is decided here.
 *   WIRE     true bytes: for an API server, a cache, a digest.
 *   DISPLAY  for people: data and stringData of Secrets and sensitive marks become "++++++++".
 *   LOG      DISPLAY, and cut at 1 KiB. */
enum audience { AUDIENCE_WIRE, AUDIENCE_DISPLAY, AUDIENCE_LOG };

enum {
    JSON_SORT_KEYS = 1, /* byte order, as Go prints maps; else source order */
    JSON_NO_HTML = 2,   /* <, > and & as they are (Go's SetEscapeHTML(false)) */
    JSON_INDENT_2 = 4,  /* as json.MarshalIndent(v, "", "  ") */
    JSON_INDENT_4 = 8,
    JSON_CANONICAL_NUMBERS = 16, /* equal numbers print equally: literals are not used, 1.0 is 1 */
};
/* Append v to out; absent prints null. Overflow shows in buf_check. */
void json_print(value v, enum audience who, unsigned flags, struct buf *out);
/* The same with annotations of Secrets that are masked too (Argo CD's
 * resource.sensitive.mask.annotations); keys borrowed for the call. */
struct json_output {
    enum audience who;
    unsigned flags;
    const str *masked_annotation;
    size_t n_masked_annotations;
};
void json_print_masked(value v, const struct json_output *o, struct buf *out);
str json_str(struct arena *a, value v, enum audience who, unsigned flags);
/* Append s as a quoted JSON string. */
void json_print_str(str s, unsigned flags, struct buf *out);

/* Push parser for a LIST answer or a watch stream: bytes in, objects out as they complete. */
struct json_stream;
enum json_stream_kind {
    JSON_STREAM_LIST, /* {"kind":"XList","apiVersion":..,"metadata":{..},"items":[..]}: one call per
                         item; the item gets the list's kind without "List" and its apiVersion when
                         it has none (they come before items or the items are completed at the end)
                       */
    JSON_STREAM_LINES, /* a sequence of JSON texts: watch events */
};
/* item: one complete object, frozen; the callee takes the reference. Non-zero stops the stream with
 * that result. */
typedef int json_item_fn(void *arg, struct doc *take_item, struct err *err);
struct json_stream *json_stream_new(enum json_stream_kind kind, size_t item_bytes_max,
                                    json_item_fn *item, void *arg);
int json_stream_add(struct json_stream *s, str bytes, struct err *err) MUST_CHECK;
/* End of input. LIST: -ERR_INVALID when it is not complete; *ret_meta (may be NULL) is the list
 * without its items. */
int json_stream_end(struct json_stream *s, struct doc **ret_meta, struct err *err) MUST_CHECK;
void json_stream_free(struct json_stream *s);

#endif
