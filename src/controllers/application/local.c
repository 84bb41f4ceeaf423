/* controllers/application/local.c: manifests that came with the operation (`app sync --local`).
 *
 * They are the target state of that sync, and of every comparison until another operation begins.
 * Source: argo-cd controller/state.go CompareAppState. */
#include "controllers/application/app.h"

#include <stdlib.h>

#include "base/digest.h"
#include "value/json.h"

static value manifests_now(const struct application *app)
{
    if (app->operation)
        return value_path(doc_root(app->operation->state), "operation.sync.manifests");
    value status = app->wanted.status ? doc_root(app->wanted.status)
                                      : value_getz(doc_root(app->object), "status");
    return value_path(status, "operationState.operation.sync.manifests");
}

static uint64_t identity(value texts)
{
    uint64_t id = 0;
    for (struct value_iter it = value_iter(texts); value_next(&it);)
        id = hash64_mix(id + 1, hash64(value_str(it.val)));
    return id;
}

bool round_is_current(const struct application *app, const struct round *r)
{
    return identity(manifests_now(app)) == r->local_id;
}

static int parse_all(value texts, struct arena *a, value *ret, struct err *err)
{
    value list = value_new_list(a);
    for (struct value_iter it = value_iter(texts); value_next(&it);) {
        value object;
        int rc = json_parse(value_str(it.val), &(struct json_input){.name = STR("manifests")}, a,
                            &object, err);
        if (rc == 0 && !value_is_map(object))
            rc = err_set(err, ERR_INVALID, "a manifest must be an object");
        if (rc < 0)
            return rc;
        value_push(a, list, object);
    }
    *ret = list;
    return 0;
}

/* The first source answers for all of them. */
static void fail_round(struct round *r, const struct err *err)
{
    r->source[0].state = SOURCE_FAILED;
    r->source[0].err = checked_calloc(1, sizeof(*err));
    *r->source[0].err = *err;
}

void round_take_local(struct application *app, struct round *r)
{
    struct arena a;
    struct err err;
    value objects;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    value texts = manifests_now(app);
    if (value_len(texts) && r->n_sources) {
        r->is_local = true;
        r->local_id = identity(texts);
        for (size_t i = 0; i < r->n_sources; i++)
            r->source[i].state = SOURCE_RENDERED;
        if (parse_all(texts, &a, &objects, &err) < 0)
            fail_round(r, &err);
        else
            r->local = doc_freeze(objects, 0);
    }
    arena_done(&a);
}
