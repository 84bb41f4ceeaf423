/* render/engine.h: what the engines share; private to render/. */
#ifndef RENDER_ENGINE_H
#define RENDER_ENGINE_H

#include "render/directory.h"

/* Append; -ERR_TOO_LARGE past RENDER_OBJECTS_MAX. */
int render_add(struct arena *a, struct render_result *ret, value object, str file, uint32_t line,
               struct err *err) MUST_CHECK;

/* The answer to a need of an earlier round; NULL: there is none. */
const struct render_supply *render_supply_find(const struct render_request *r,
                                               const struct need *n);
/* State a need, each once; -ERR_TOO_LARGE past RENDER_NEEDS_MAX. */
int render_need(struct arena *a, struct render_result *ret, const struct need *n,
                struct err *err) MUST_CHECK;

/* A document must be a map with a kind: "Object 'Kind' is missing in '...'". */
int render_check_object(value v, struct err *err) MUST_CHECK;

/* Replace every list (a map whose `items` is a list, whatever its kind) by its items, and drop null
 * lists. Lists inside lists stay. */
int render_expand_lists(struct arena *a, struct render_result *ret, struct err *err) MUST_CHECK;

/* Text of a file as UTF-8: a byte order mark says UTF-8 or UTF-16 and is cut; without one it is
 * UTF-8. */
str text_decode(struct arena *a, str bytes);

#endif
