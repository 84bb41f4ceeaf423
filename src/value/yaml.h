/* value/yaml.h: YAML in and out, exact like the Go libraries of the ecosystem.
 *
 * Reading follows sigs.k8s.io/yaml (YAML 1.1 resolution as go-yaml v2's fork, then JSON rules: maps
 * with string keys, null, booleans y/n/yes/no/on/off, octal, sexagesimal kept as in Go, timestamps
 * as strings, merge keys, anchors with a budget, duplicate keys refused when strict). Writing
 * follows the styles named below. */
#ifndef VALUE_YAML_H
#define VALUE_YAML_H

#include "base/buf.h"
#include "value/json.h"
#include "value/value.h"

/* Bounds. Passing one is -ERR_TOO_LARGE with file, line, column and the bound; depth is
 * VALUE_DEPTH_MAX, keys and numbers are those of value/json.h. Memory: at most 24 bytes a byte of
 * text and 250 a node. */
#define YAML_BYTES_MAX ((size_t)64 << 20)
#define YAML_NODES_MAX 3000000
#define YAML_DOCUMENTS_MAX 200000
#define YAML_ALIAS_NODES_MAX 1000000 /* made by aliases; go-yaml's budget, a ratio, holds too */

struct yaml_input {
    str name;            /* file for error messages */
    size_t bytes_max;    /* 0: YAML_BYTES_MAX */
    bool strict;         /* duplicate keys are an error (yaml.UnmarshalStrict) */
    bool keep_positions; /* value_pos answers line and column */
};

/* Exactly one document (an empty text gives null). -ERR_INVALID with the Go library's text where
 * users see it: "yaml: line 3: mapping values are not allowed in this context". */
int yaml_parse(str text, const struct yaml_input *in, struct arena *a, value *ret,
               struct err *err) MUST_CHECK;

/* The same, straight into a frozen document; the caller owns one reference. Texts in the everyday
 * form (value/yaml/direct.h) take one pass; others go by way of a tree. */
int yaml_parse_doc(str text, const struct yaml_input *in, struct doc **ret,
                   struct err *err) MUST_CHECK;

/* Split a stream as the Kubernetes YAML-or-JSON decoder does ("\n---" lines) and parse each
 * document; empty documents are skipped. The callee gets the document's index and first line
 * (1-based). Non-zero stops. */
typedef int yaml_document_fn(void *arg, value document, size_t index, uint32_t first_line,
                             struct err *err);
int yaml_parse_stream(str text, const struct yaml_input *in, struct arena *a,
                      yaml_document_fn *document, void *arg, struct err *err) MUST_CHECK;

enum yaml_style {
    YAML_SIGS, /* sigs.k8s.io/yaml Marshal: sorted keys, 2 blanks, lists not indented; kubectl -o
                  yaml */
    YAML_HELM, /* Helm's toYaml (sigs.k8s.io/yaml, trailing newline cut by the caller) */
    YAML_KUSTOMIZE, /* kyaml's Marshal (yaml.v3): no folding; trees that keep their styles are
                       printed by value/yaml_node.h */
};
void yaml_print(value v, enum yaml_style style, enum audience who, struct buf *out);

#endif
