/* control/steps.c: the driver: one timer, a list of what runs, and the difference to what the plan
 * wants.
 *
 * A poke arms the subject's only timer for now, so any number of pokes in one turn makes one plan,
 * and closing the subject needs to stop nothing but that timer. A canceled step's call is
 * forgotten: its hook tells the worker, its late answer is dropped by event/call. The plan's own
 * wish (wake_at) and pokes share the timer: the earlier wins. */
#include "control/steps.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PLAN_BYTES_MAX ((size_t)64 << 20)

struct running_step {
    struct running_step *next;
    struct subject *subject;
    struct step step; /* args: our copy, behind this struct */
    struct call call;
};

static void on_wake(void *arg);

void subject_init(struct subject *s, struct loop *l, plan_fn *plan)
{
    s->loop = l;
    s->plan = plan;
    s->running = NULL;
    s->poked = s->closed = false;
    s->n_plans = 0;
    s->waiting_for[0] = '\0';
    timer_init(&s->wake, l, on_wake, s);
}

void steps_poke(struct subject *s)
{
    if (s->closed || s->poked)
        return;
    s->poked = true;
    timer_arm(&s->wake, loop_now(s->loop));
}

static void running_free(struct running_step *r) { free(r); }

static void unlink_step(struct running_step *r)
{
    struct running_step **at = &r->subject->running;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
}

void steps_close(struct subject *s)
{
    s->closed = true;
    timer_stop(&s->wake);
    while (s->running) {
        struct running_step *r = s->running;
        s->running = r->next;
        call_forget(&r->call);
        running_free(r);
    }
}

static const struct running_step *find(const struct subject *s, uint64_t id)
{
    for (const struct running_step *r = s->running; r; r = r->next)
        if (r->step.id == id)
            return r;
    return NULL;
}

bool steps_running(const struct subject *s, uint64_t id) { return find(s, id) != NULL; }

size_t steps_count(const struct subject *s)
{
    size_t n = 0;
    for (const struct running_step *r = s->running; r; r = r->next)
        n++;
    return n;
}

static bool planned(const struct plan *p, uint64_t id)
{
    for (size_t i = 0; i < p->n_steps; i++)
        if (p->step[i].id == id)
            return true;
    return false;
}

void plan_add(struct plan *p, const struct step_kind *kind, uint64_t id, const void *args,
              size_t args_bytes)
{
    if (p->n_steps == STEPS_MAX || planned(p, id))
        return;
    p->step[p->n_steps++] =
        (struct step){.kind = kind, .id = id, .args = args, .args_bytes = args_bytes};
}

static void on_answer(void *arg, struct answer *a)
{
    struct running_step *r = arg;
    struct subject *s = r->subject;
    unlink_step(r); /* before absorb: facts and the list of what runs must agree */
    r->step.kind->absorb(s, &r->step, a);
    assert(!s->closed);
    running_free(r);
    steps_poke(s);
}

static void start(struct subject *s, const struct step *st)
{
    struct running_step *r = calloc(1, sizeof(*r) + st->args_bytes);
    assert(r && st->kind->deadline_us > 0);
    r->subject = s;
    r->step = *st;
    r->step.args = r + 1;
    if (st->args_bytes)
        memcpy(r + 1, st->args, st->args_bytes);
    r->next = s->running;
    s->running = r;
    r->call = call_open(s->loop, st->kind->deadline_us, on_answer, r);
    struct err err = {0};
    int rc = st->kind->start(s, &r->step, r->call, &err);
    if (rc != 0) {
        if (!err.kind)
            err_set(&err, -rc, "starting step '%.*s' failed", STR_FMT(st->kind->name));
        call_answer_err(r->call, &err);
    }
}

static void cancel_unwanted(struct subject *s, const struct plan *p)
{
    for (struct running_step **at = &s->running, *r; (r = *at);) {
        if (planned(p, r->step.id)) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        call_forget(&r->call);
        running_free(r);
    }
}

static void on_wake(void *arg)
{
    struct subject *s = arg;
    s->poked = false;
    s->n_plans++;
    struct arena a;
    arena_init(&a, PLAN_BYTES_MAX);
    struct plan *p = ARENA_NEW(&a, struct plan);
    s->plan(s, loop_now(s->loop), &a, p);
    size_t n = MIN_OF(p->waiting_for.len, sizeof(s->waiting_for) - 1);
    if (n)
        memcpy(s->waiting_for, p->waiting_for.at, n);
    s->waiting_for[n] = '\0';
    cancel_unwanted(s, p);
    for (size_t i = 0; i < p->n_steps; i++)
        if (!find(s, p->step[i].id) && (p->announced || !p->step[i].kind->effect))
            start(s, &p->step[i]);
    if (p->wake_at && !s->poked) /* a poke from start() has armed it for now already */
        timer_arm(&s->wake, p->wake_at);
    arena_done(&a);
}
