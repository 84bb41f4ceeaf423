/* source/chart_index.h: index.yaml of a Helm repository, cut down to what is asked of it; private
 * to source/.
 *
 * Two programs read it upstream and disagree: Argo CD takes every entry's version as it stands, in
 * the file's order; helm drops entries whose metadata it finds invalid, sorts the rest, and refuses
 * an index without apiVersion or with a key that is there twice. Both views are kept. A table of
 * versions costs some 200 bytes a version whatever the descriptions say.
 *
 * Immutable, reference-counted, any thread. Source: Argo CD util/helm/index.go (gopkg.in/yaml.v2);
 * helm pkg/repo/v1 (loadIndex, IndexFile.Get). */
#ifndef SOURCE_CHART_INDEX_H
#define SOURCE_CHART_INDEX_H

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"

#define CHART_INDEX_VERSIONS_MAX 1000000

struct chart_entry {
    str version, url, digest; /* url: the first of urls, or empty */
    bool valid;               /* in helm's eyes */
};

struct chart_entries {
    str name;
    struct chart_entry *at; /* in the file's order */
    size_t n;
};

struct chart_index {
    _Atomic unsigned n_refs;
    struct arena arena;
    struct map by_name; /* of struct chart_entries */
    struct err argo;    /* kind 0, or why Argo CD does not take this index; no entries then */
    struct err helm;    /* the same of helm */
};

/* Pool threads: a large index takes a second. Never NULL: what is wrong stands in argo and helm. */
struct chart_index *chart_index_parse(str text);
struct chart_index *chart_index_ref(struct chart_index *x);
void chart_index_unref(struct chart_index *x);

/* -ERR_NOT_FOUND: "chart 'x' not found in index"; -ERR_INVALID: "error decoding index: ...". */
int chart_index_find(const struct chart_index *x, str chart, const struct chart_entries **ret,
                     struct err *err) MUST_CHECK;
/* The entry that `helm pull --version` takes: that version to the letter, else the highest that
 * satisfies it as a constraint. -ERR_NOT_FOUND: `chart "x" version "1.0.0" not found in URL
 * repository`; -ERR_INVALID: what helm has against the index. */
int chart_index_pick(const struct chart_index *x, str repo_url, str chart, str version,
                     const struct chart_entry **ret, struct err *err) MUST_CHECK;

#endif
