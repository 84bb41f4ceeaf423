/* manifests/payload.h: an order to render and what comes back, as bytes.
 *
 * The same bytes whether a jailed worker or a pool thread renders: the maker (payload_render) is
 * inside the jail, the reader (payload_parse) outside, and the reader takes nothing for granted.
 *
 *   order    one JSON object (a control frame), and for a chart's archive and what was found for
 *            needs a block of bytes beside it: a JSON head that says how long the pieces are, then
 *            the pieces
 *   answer   JSON text {"type":..,"objects":[{"file":..,"line":..,"object":{..}}],"warnings":[..],
 *            "reads":[N..]} and, apart from it, the serialised read sets of N bytes each, one a
 *            tree; or {"needs":[..]}
 *
 * An object goes through Go-like JSON once, as upstream's manifests do: 1.0 comes back as 1. */
#ifndef MANIFESTS_PAYLOAD_H
#define MANIFESTS_PAYLOAD_H

#include "files/read_set.h"
#include "manifests/manifests.h"

#define PAYLOAD_JSON_MAX ((size_t)256 << 20)
#define PAYLOAD_BLOCK_MAX ((size_t)512 << 20) /* beside an order */
#define TREES_MAX 16 /* of one source: its own and those that its value files name */

struct order_ref { /* another source of the application */
    str name, repo_url;
    str objects_dir, tree; /* empty: nothing names it */
};

struct render_order {
    str objects_dir, tree; /* where the commit's tree lies; empty: the source is `archive` */
    str archive;           /* of a chart */
    const struct order_ref *ref;
    size_t n_refs;
    const struct render_supply *supply;
    size_t n_supplies;
    str value_file_schemes;
    size_t block_bytes; /* of the block beside it; 0: there is none */
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

/* The block beside an order; *ret_n 0: it needs none. Pieces borrow from the order and the arena.
 */
void order_block(const struct render_order *o, struct arena *a, str **ret, size_t *ret_n);
/* Put what the block holds into the order; borrows from it. -ERR_INVALID. */
int order_take_block(struct render_order *io, str block, struct arena *a,
                     struct err *err) MUST_CHECK;

/* The trees of an order: its own, then one for each `ref` (NULL: it has none). */
size_t order_trees(const struct render_order *o);

/* Render and append the answer. files[order_trees(o)]: roots of repositories; files[0] NULL: the
 * order's archive. */
int payload_render(const struct render_order *o, struct files *const *files, struct arena *a,
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
    struct read_set **reads; /* one a tree, in the order's sequence */
    size_t n_trees;
    struct need *need; /* it was not rendered: this is lacking; NEED_CHART and NEED_REMOTE only */
    size_t n_needs;
    struct sha256 archive; /* what stands for its own tree when that is a chart; else zero */
    bool may_change; /* what was supplied may be another thing tomorrow: holds for these trees only
                      */
    struct sha256 digest;
    size_t bytes; /* memory it holds, about */
};
/* Of a source that is nothing but a name for others. */
struct rendered *rendered_nothing(void);
struct rendered *rendered_ref(struct rendered *r);
void rendered_unref(struct rendered *r);

/* Read an answer, from whoever it comes. -ERR_INVALID, -ERR_TOO_LARGE. */
int payload_parse(str json, str reads, struct rendered **ret, struct err *err) MUST_CHECK;

#endif
