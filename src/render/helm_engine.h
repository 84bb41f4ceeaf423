/* render/helm_engine.h: the templates of a chart and its subcharts, executed; private to render/.
 *
 * Source: helm 4.2.4 pkg/engine/engine.go. */
#ifndef RENDER_HELM_ENGINE_H
#define RENDER_HELM_ENGINE_H

#include "render/helm_cache.h"
#include "render/helm_objects.h"

struct helm_rendered {
    str path, text;
};

struct helm_engine {
    struct arena *arena;
    const struct helm_options *options;
    struct helm_cache *cache; /* or NULL */
    struct helm_log *log;     /* lint mode: what `required` and `fail` say; or NULL */
    struct helm_objects objects;
    str failure; /* whole text when it failed */
};

/* Execute all; *ret in execution order (deepest path first). */
int helm_engine_run(struct helm_engine *e, const struct helm_chart *c, value values,
                    struct helm_rendered **ret, size_t *ret_n, struct err *err) MUST_CHECK;

#endif
