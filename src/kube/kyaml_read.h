/* kube/kyaml_read.h: a file as Kustomize reads it: its documents, each a tree of nodes.
 *
 * Documents are divided at lines that begin with ---, behind which only blanks or a comment may
 * stand; "\r\n" is "\n". Of each part the first document counts; parts without content (comments
 * alone, null) are passed over. When the file has one part only and that is a List or ResourceList,
 * its items are the documents, whatever they are. Aliases become copies, `<<` is merged, anchors
 * go.
 *
 * Memory: the text once more, and what value/yaml_node.h says. Bounds are those of value/yaml.h.
 *
 * Source: sigs.k8s.io/kustomize/kyaml 0.21.1: kio.FromBytes, RNode.DeAnchor. */
#ifndef KUBE_KYAML_READ_H
#define KUBE_KYAML_READ_H

#include "value/yaml_node.h"

/* One document; head and foot are "" for an item of a List. `part`: index of its part in the file.
 * Non-zero stops. */
typedef int kyaml_document_fn(void *arg, const struct yaml_document *d, size_t part,
                              struct err *err);

/* All documents in order, when none of them has a fault. -ERR_INVALID with kyaml's text: "invalid
 * document separator: --- x", "MalformedYAMLError: yaml: ..." (lines count from the part), merges
 * of what is no map; -ERR_TOO_LARGE: a bound was passed. */
int kyaml_read(str text, const struct yaml_input *in, struct arena *a, kyaml_document_fn *document,
               void *arg, struct err *err) MUST_CHECK;

/* Aliases become copies of what they stand for, `<<` is merged, anchors go; n itself changes. */
int kyaml_resolve_aliases(struct yaml_node *n, struct arena *a, struct yaml_node **ret,
                          struct err *err) MUST_CHECK;

#endif
