/* controllers/application/deletion_hooks.c: PreDelete and PostDelete hooks.
 *
 * Running: every hook among the rendered manifests that does not live yet is created; the stage is
 * done when none of the live ones is progressing. A failed one is deleted, so that the next attempt
 * makes it anew, and holds the deletion. Cleaning up: hooks are deleted by their policies, where
 * BeforeHookCreation (also the default) leaves them. Source: argo-cd controller/hook.go. */
#include "controllers/application/deletion.h"

#include "plan/refresh.h"

static const char *type_name(enum sync_phase phase)
{
    return phase == PHASE_PRE_DELETE ? "PreDelete" : "PostDelete";
}

static bool is_hook(value object, enum sync_phase phase)
{
    return (object_delete_hook_phases(object) & PHASE_BIT(phase)) != 0;
}

/* The hooks are among what was rendered last; after a restart that must be rendered first. */
static enum stage_outcome rendered(struct deletion_run *run)
{
    struct application *app = run->app;
    struct evaluation *e = run->e;
    struct err err;
    const struct round *r = &app->rendered;
    if (!r->source) {
        if (!app->refresh.active)
            refresh_ask(app, COMPARE_LATEST);
        run->error = e->spec_errors.n ? e->spec_errors.at[0].message : STR("");
        return e->spec_errors.n ? STAGE_FAILED : STAGE_WAITS;
    }
    if (round_failed(r)) {
        run->error = round_error(&e->arena, r);
        return STAGE_FAILED;
    }
    if (evaluation_desired(e, r, &err) < 0) {
        run->error = arena_str(&e->arena, err_str(&err));
        return STAGE_FAILED;
    }
    return STAGE_DONE;
}

static bool lives(struct deletion_run *run, struct kube_key key, enum sync_phase phase)
{
    for (size_t i = 0; i < run->live.n; i++)
        if (is_hook(run->live.at[i].object, phase) && kube_key_eq(run->live.at[i].key, key))
            return true;
    return false;
}

/* How many are being made. */
static size_t create_missing(struct deletion_run *run, enum sync_phase phase)
{
    const struct compare_desired *d = &run->e->desired;
    size_t n = 0;
    for (size_t i = 0; i < d->n_delete_hooks; i++) {
        value hook = d->delete_hook[i];
        struct kube_key key = object_key(hook);
        if (!is_hook(hook, phase))
            continue;
        if (lives(run, key, phase)) {
            deletion_made_forget(run, key);
            continue;
        }
        const struct deletion_made *made = deletion_made_find(run, key);
        if (made && made->foreign)
            continue; /* somebody else's object has its name: upstream goes on without it */
        n++;
        if (!made)
            deletion_create(run, hook,
                            phase == PHASE_PRE_DELETE ? "error executing pre-delete hooks: " : "");
    }
    return n;
}

enum stage_outcome deletion_run_hooks(struct deletion_run *run, enum sync_phase phase)
{
    struct arena *a = &run->e->arena;
    enum stage_outcome ready = rendered(run);
    str failed = STR("");
    bool progressing = false;
    if (ready != STAGE_DONE)
        return ready;
    if (create_missing(run, phase) > 0)
        return STAGE_WAITS;
    for (size_t i = 0; i < run->live.n; i++) {
        const struct deletion_live *l = &run->live.at[i];
        if (!is_hook(l->object, phase))
            continue;
        struct health h = health_of(l->object, a);
        progressing |= h.code == HEALTH_PROGRESSING || l->terminating;
        if (h.code != HEALTH_DEGRADED || l->terminating)
            continue;
        deletion_delete(run, l->body, true);
        failed = ARENA_CAT(a, failed, failed.len ? STR(", ") : STR(""), l->key.ns, STR("/"),
                           l->key.name);
    }
    if (failed.len) {
        run->error = ARENA_CAT(a, str_of(type_name(phase)), STR(" hook(s) failed: "), failed);
        return STAGE_FAILED;
    }
    return progressing ? STAGE_WAITS : STAGE_DONE;
}

static bool policy_deletes(value hook, enum health_code worst)
{
    unsigned policies = object_hook_policies(hook);
    return ((policies & HOOK_DELETE_FAILED) && worst == HEALTH_DEGRADED) ||
           ((policies & HOOK_DELETE_SUCCEEDED) && worst == HEALTH_HEALTHY);
}

enum stage_outcome deletion_clean_hooks(struct deletion_run *run, enum sync_phase phase)
{
    enum health_code worst = HEALTH_HEALTHY;
    bool waits = false;
    for (size_t i = 0; i < run->live.n; i++)
        if (is_hook(run->live.at[i].object, phase))
            worst = health_worse(worst, health_of(run->live.at[i].object, &run->e->arena).code);
    for (size_t i = 0; i < run->live.n; i++) {
        const struct deletion_live *l = &run->live.at[i];
        if (!is_hook(l->object, phase) || !(l->terminating || policy_deletes(l->object, worst)))
            continue;
        waits = true;
        if (!l->terminating)
            deletion_delete(run, l->body, true);
    }
    return waits ? STAGE_WAITS : STAGE_DONE;
}
