/* manifests/payload.h: an order to render and what comes back, as bytes.
 *
 * The same bytes whether a jailed worker or a pool thread renders: the maker (payload_render) is
 * inside the jail, the reader (payload_parse) outside, and the reader takes nothing for granted.
 *
 *   order    one JSON object (a control frame)
 *   answer   JSON text {"type":..,"objects":[{"file":..,"line":..,"object":{..}}],"warnings":[..]}
 *            and, apart from it, the serialised read set
 *
 * An object goes through Go-like JSON once, as upstream's manifests do: 1.0 comes back as 1. */
#ifndef MANIFESTS_PAYLOAD_H
#define MANIFESTS_PAYLOAD_H

#include "files/read_set.h"
#include "manifests/manifests.h"

#define PAYLOAD_JSON_MAX ((size_t)256 << 20)

struct render_order {
    str objects_dir, tree; /* where the commit's tree lies */
    value source;
    str app_name, namespace, project, revision, kube_version;
    const str *api_version; /* group/version and group/version/Kind */
    size_t n_api_versions;
    struct helm_cache *helm_cache; /* the renderer's own; not part of the order */
    size_t combined_bytes_max;
    bool allow_escaping_links, disable_helm, disable_kustomize, disable_jsonnet;
};
void order_print(const struct render_order *o, struct buf *out);
/* -ERR_INVALID. Borrows from the arena. */
int order_parse(str text, struct arena *a, struct render_order *ret, struct err *err) MUST_CHECK;

/* Render `files` (its root is the repository's) and append the answer. */
int payload_render(const struct render_order *o, struct files *files, struct arena *a,
                   struct buf *json, struct buf *reads, struct err *err) MUST_CHECK;

/* What was rendered: immutable, reference-counted, any thread. */
struct rendered {
    _Atomic unsigned n;
    char *text; /* file names and warnings, one block */
    size_t text_len;
    enum render_type type;
    struct manifest *object;
    size_t n_objects;
    str *warning;
    size_t n_warnings;
    struct read_set *reads;
    struct sha256 digest;
    size_t bytes; /* memory it holds, about */
};
struct rendered *rendered_ref(struct rendered *r);
void rendered_unref(struct rendered *r);

/* Read an answer, from whoever it comes. -ERR_INVALID, -ERR_TOO_LARGE. */
int payload_parse(str json, str reads, struct rendered **ret, struct err *err) MUST_CHECK;

#endif
