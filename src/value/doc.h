/* value/doc.h: frozen documents.
 *
 * A doc is one position-independent immutable block, reference-counted (atomic), readable from any
 * thread through `value` cursors. Freezing copies a tree into a compact form (1.1 of its JSON text;
 * at most 1.2): value/tape.h. Digest and equality do not see positions. Keys live in the document:
 * there is no process-wide interner (docs/decisions/0003-frozen-documents.md). */
#ifndef VALUE_DOC_H
#define VALUE_DOC_H

#include "base/digest.h"
#include "value/value.h"

struct doc;

/* Freeze a tree (building, frozen or mixed) into a document of its own; the caller owns one
 * reference. Never fails for values within VALUE_DEPTH_MAX and 4 GiB. keep: bit set of DOC_KEEP_*.
 */
enum { DOC_KEEP_POSITIONS = 1, DOC_KEEP_LITERALS = 2 };
struct doc *doc_freeze(value v, unsigned keep);

struct doc *doc_ref(const struct doc *d); /* NULL is fine */
void doc_unref(const struct doc *d);
static inline void doc_unrefp(struct doc **d) { doc_unref(*d); } /* for CLEANUP */

value doc_root(const struct doc *d); /* NULL: absent */
size_t doc_bytes(const struct doc *d);

/* The document a value lives in, with a reference for the caller: the value's own document when the
 * value is its root, else a new freeze. */
struct doc *doc_of(value v);

/* SHA-256 of the canonical form (sorted keys, compact JSON, WIRE). Equal values have equal digests.
 */
struct sha256 value_digest(value v);

/* Packed form at rest: compressed with the shared dictionary (0.1 to 0.3 of the JSON text), without
 * positions; `packed` bytes are versioned, for memory of this process only. */
void doc_pack(const struct doc *d, struct buf *out);
int doc_unpack(str packed, struct doc **ret,
               struct err *err) MUST_CHECK; /* -ERR_INVALID: damaged */

#endif
