/* render/helm_cache.h: what a worker keeps between renderings of its domain's charts.
 *
 * Charts by the id of their folder's tree (with the reads that loading them takes, which are told
 * again on a hit), parse trees of templates by the digest of name and text. No value of a tenant is
 * kept. Bounded by bytes: past the bound everything is forgotten before the next job. One owner,
 * one thread. */
#ifndef RENDER_HELM_CACHE_H
#define RENDER_HELM_CACHE_H

#include "lang/template.h"
#include "render/helm.h"

#define HELM_CACHE_BYTES_DEFAULT ((size_t)24 << 20)

struct helm_cache;
struct helm_cache *helm_cache_new(size_t bytes_max); /* 0: HELM_CACHE_BYTES_DEFAULT */
void helm_cache_free(struct helm_cache *c);
/* Before a job: forgets all when the bound was passed. What was handed out before is gone then. */
void helm_cache_begin(struct helm_cache *c);
/* Behind a job: its files are not asked any more. */
void helm_cache_end(struct helm_cache *c);

/* helm_load_folder, out of the cache when the folder has an id and was loaded before. c may be
 * NULL, log not: its level is part of the key. The chart must not be changed: helm_render copies.
 * Files that no role needs are read (and recorded) when a template or the answer asks for them: by
 * f, until helm_cache_end. */
int helm_cache_load(struct helm_cache *c, struct files *f, str path, struct arena *a,
                    struct helm_log *log, const struct helm_chart **ret,
                    struct err *err) MUST_CHECK;

/* template_parse, out of the cache; c may be NULL. level: the functions differ. name: the
 * template's; the file is its text. */
int helm_cache_parse(struct helm_cache *c, enum helm_level level, str name,
                     const struct helm_file *file, struct arena *a,
                     const struct template_tree **ret, struct err *err) MUST_CHECK;

#endif
