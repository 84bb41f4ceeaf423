/* kube/protobuf.h: objects as typed Go clients send them (application/vnd.kubernetes.protobuf).
 *
 * Reading only: answers are always JSON, which every client accepts. The field numbers are in the
 * tables of kube/schema.h; unknown fields are skipped. Limits: VALUE_DEPTH_MAX levels, lengths
 * inside the text. Source: apimachinery pkg/runtime/serializer/protobuf (magic "k8s\0",
 * runtime.Unknown), generated.proto of k8s.io/api. */
#ifndef KUBE_PROTOBUF_H
#define KUBE_PROTOBUF_H

#include "kube/schema.h"

/* The object with apiVersion and kind first. -ERR_INVALID: malformed; -ERR_UNSUPPORTED: a kind that
 * is not built in. */
int kube_protobuf_parse(str bytes, struct arena *a, value *ret, struct err *err) MUST_CHECK;

#endif
