/* result.c: an answer of the service: what was rendered, under the revision that was asked for. */
#include <string.h>

#include "manifests/result.h"

struct owned_result {
    struct manifests_result result; /* first */
    _Atomic unsigned n;
    struct rendered *rendered;
};

struct manifests_result *manifests_result_ref(struct manifests_result *r)
{
    CONTAINER_OF(r, struct owned_result, result)->n++;
    return r;
}

void manifests_result_unref(struct manifests_result *r)
{
    if (!r)
        return;
    struct owned_result *o = CONTAINER_OF(r, struct owned_result, result);
    if (--o->n)
        return;
    rendered_unref(o->rendered);
    source_commit_unref(o->result.commit);
    free(o);
}

struct manifests_result *result_new(struct rendered *r, struct source_commit *c, str version)
{
    struct owned_result *o = calloc(1, sizeof(*o));
    if (!o)
        abort();
    o->n = 1;
    o->rendered = rendered_ref(r);
    o->result = (struct manifests_result){
        .object = r->object,
        .n_objects = r->n_objects,
        .digest = r->digest,
        .type = r->type,
        .commit = c ? source_commit_ref(c) : NULL,
        .reads = r->n_trees ? r->reads[0] : NULL,
        .warning = r->warning,
        .n_warnings = r->n_warnings,
    };
    str revision = c ? str_of(c->sha) : str_sub(version, 0, sizeof(o->result.revision) - 1);
    if (revision.len)
        memcpy(o->result.revision, revision.at, revision.len);
    return &o->result;
}

const char *manifests_error_code(int kind)
{
    return kind == ERR_PRECONDITION || kind == -ERR_PRECONDITION ? "FailedPrecondition" : "Unknown";
}
