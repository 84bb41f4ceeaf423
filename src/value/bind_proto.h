/* value/bind_proto.h: the protobuf form of our kinds, by their bind tables.
 *
 * A message is written as Kubernetes' generated code writes it (proto2): fields in ascending
 * number, lists unpacked, maps as entries {1: key, 2: value} in key order, times as {1: seconds, 2:
 * nanoseconds}, an int-or-string as {1: type, 2: number, 3: text}, free-form JSON as {1: its text},
 * bytes as they are (base64 in JSON). Fields without a number are not written, fields that are
 * absent are not written (generated code writes zeroes; readers see no difference).
 *
 * Reading leaves out what JSON's omitempty leaves out: zero values of fields that are neither
 * required nor BIND_POINTER. Unknown fields are skipped. Source: protobuf encoding;
 * k8s.io/apimachinery generated.pb.go. */
#ifndef VALUE_BIND_PROTO_H
#define VALUE_BIND_PROTO_H

#include "value/bind.h"

#define BIND_PROTO_BYTES_MAX ((size_t)256 << 20)

/* Append v (a map that the table accepts; what does not fit its type is left out). */
void bind_proto_print(const struct bind_table *t, value v, struct buf *out);

/* Read one message. -ERR_INVALID: not such a message; names the field. -ERR_TOO_LARGE: bound above,
 * or nested deeper than VALUE_DEPTH_MAX. The result is a building tree of a. */
int bind_proto_parse(struct arena *a, const struct bind_table *t, str bytes, value *ret,
                     struct err *err) MUST_CHECK;

#endif
