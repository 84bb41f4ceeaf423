/* render/helm_engine.h: the templates of a chart and its subcharts, executed; private to render/.
 *
 * Parse trees may be kept between renders in a helm_cache: its entries are found by the digest of
 * name and text, so a chart that changed costs only what changed. The cache holds no value of a
 * tenant's. One owner, one thread. Source: helm 4.2.4 pkg/engine/engine.go. */
#ifndef RENDER_HELM_ENGINE_H
#define RENDER_HELM_ENGINE_H

#include "lang/template.h"
#include "render/helm_objects.h"

#define HELM_CACHE_BYTES_DEFAULT ((size_t)24 << 20)

struct helm_cache;
struct helm_cache *helm_cache_new(size_t bytes_max);
void helm_cache_free(struct helm_cache *c);
/* Before a job: forgets all when the bound was passed. Trees handed out before are gone then. */
void helm_cache_begin(struct helm_cache *c);

struct helm_rendered {
    str path, text;
};

struct helm_engine {
    struct arena *arena;
    const struct helm_options *options;
    struct helm_cache *cache; /* or NULL */
    struct helm_objects objects;
    str failure; /* whole text when it failed */
};

/* Execute all; *ret in execution order (deepest path first). */
int helm_engine_run(struct helm_engine *e, const struct helm_chart *c, value values,
                    struct helm_rendered **ret, size_t *ret_n, struct err *err) MUST_CHECK;

#endif
