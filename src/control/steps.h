/* control/steps.h: long work as a list of steps, planned again after every change.
 *
 * A subject holds FACTS only. plan() is pure: facts and the time -> the steps that should be
 * running. The driver starts missing ones, cancels unwanted ones, stores each answer as a fact, and
 * plans again. After a crash the facts are read from status.operationState and the cluster; the
 * same plan follows. Threads: everything here runs on the subject's loop. */
#ifndef CONTROL_STEPS_H
#define CONTROL_STEPS_H

#include "base/arena.h"
#include "event/call.h"

#define STEPS_MAX 64

struct subject;
struct step;

struct step_kind {    /* one row of the room's table of kinds */
    str name;         /* metrics, log, "waiting for" */
    usec deadline_us; /* > 0 */
    /* changes the world: starts only under a plan that says `announced` */
    bool effect;
    /* Never answers inside the call; copies what it keeps. Non-zero: absorbed as the answer. */
    int (*start)(struct subject *s, const struct step *st, struct call c, struct err *err);
    /* Writes facts, no I/O; also gets errors and time-outs. May take a->result. */
    void (*absorb)(struct subject *s, const struct step *st, struct answer *a);
};

struct step {
    const struct step_kind *kind;
    uint64_t id; /* digest of kind and arguments: same id, same step */
    /* in the plan's arena; the driver keeps a copy of args_bytes while the step runs */
    const void *args;
    size_t args_bytes;
};

struct plan {
    struct step step[STEPS_MAX];
    size_t n_steps;
    /* the status that announces the plan's effects is stored, by the facts; without it steps with
     * `effect` are not started (running ones go on) */
    bool announced;
    usec wake_at;    /* the subject's only timer (monotonic); 0: none */
    str waiting_for; /* object and reason, shown to users */
};
/* Empty plan without wake_at: the subject rests until poked. */
typedef void plan_fn(const struct subject *s, usec now, struct arena *a, struct plan *ret);

/* Embedded first in the owner's struct. */
struct running_step;
struct subject {
    struct loop *loop;
    plan_fn *plan;
    struct timer wake;
    struct running_step *running; /* list */
    bool poked, closed;
    uint64_t n_plans; /* how often plan() ran, for metrics and tests */
    char waiting_for[256];
};

/* start, absorb and plan may poke; they must not close the subject. */
void subject_init(struct subject *s, struct loop *l, plan_fn *plan);
/* facts changed: plan once on the next turn, however often this is called before */
void steps_poke(struct subject *s);
/* cancels all; late answers are dropped; after it the owner may be freed */
void steps_close(struct subject *s);
/* Is a step with this id running? For plan(): what runs may be left to finish by adding it again.
 */
bool steps_running(const struct subject *s, uint64_t id);
size_t steps_count(const struct subject *s);
/* Beyond STEPS_MAX steps nothing is added: the rest starts when the plan is made again after an
 * answer. So plan() adds steps in a stable order. A step added twice counts once. */
void plan_add(struct plan *p, const struct step_kind *kind, uint64_t id, const void *args,
              size_t args_bytes);

#endif
