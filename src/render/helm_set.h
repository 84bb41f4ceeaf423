/* render/helm_set.h: the little grammars of --set and its sisters.
 *
 * `name=value,list[2].key=value,a={x,y}` written into a building map. What is read before an error
 * stays written, as in helm. Bounds: names nest at most 30 deep, a list index is at most 65536.
 * Errors: -ERR_INVALID with helm's text. Memory: the arena of the map. Source: helm 4.2.4
 * pkg/strvals. */
#ifndef RENDER_HELM_SET_H
#define RENDER_HELM_SET_H

#include "value/value.h"

#define HELM_SET_INDEX_MAX 65536
#define HELM_SET_NESTED_MAX 30

enum helm_set_kind {
    HELM_SET,         /* typed: true, null, integers */
    HELM_SET_STRING,  /* always text */
    HELM_SET_FILE,    /* text is a path; its content is the value */
    HELM_SET_JSON,    /* values are JSON */
    HELM_SET_LITERAL, /* one key, the rest is the value */
};

/* Content of the file that a --set-file value names. */
typedef int helm_set_read_fn(void *arg, str path, struct arena *a, str *ret, struct err *err);

struct helm_set_input {
    enum helm_set_kind kind;
    helm_set_read_fn *read; /* HELM_SET_FILE */
    void *arg;
    bool level3; /* Helm 3: an index without "]" is an error */
};

int helm_set_into(const struct helm_set_input *in, str line, struct arena *a, value io_map,
                  struct err *err) MUST_CHECK;

#endif
