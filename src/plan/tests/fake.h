/* plan/tests/fake.h: a cluster of a few lists, for tests of the planner: writes succeed, workloads
 * are ready at once.
 *
 * The sync driver below does what controllers/application does with a plan, without any I/O. */
#ifndef PLAN_TESTS_FAKE_H
#define PLAN_TESTS_FAKE_H

#include "plan/operation.h"
#include "plan/sync.h"

#define FAKE_OBJECTS_MAX 256
#define FAKE_ANSWERS_MAX 1024

struct fake {
    struct arena *a;
    value object[FAKE_OBJECTS_MAX]; /* live; absent: a hole */
    size_t n;
    int64_t version;
    usec now;
    const char *refuse;      /* name of an object whose writes are refused, or NULL */
    const char *never_ready; /* name of a workload that stays progressing, or NULL */
    usec kinds_at;           /* kinds of definitions are served from then on */
    struct sync_answer answer[FAKE_ANSWERS_MAX];
    size_t n_answers;
    size_t creates, deletes; /* writes that happened */
    struct plan_kinds kinds;
};

void fake_init(struct fake *f, struct arena *a);
value fake_find(const struct fake *f, struct kube_key k);
void fake_put(struct fake *f, value object);
/* As if the object had never been. */
void fake_forget(struct fake *f, struct kube_key k);
/* Does the action and keeps its answer. */
void fake_do(struct fake *f, const struct sync_action *action);

struct fake_operation {
    struct fake *cluster;
    struct compare_context context;
    const value *manifest;
    size_t n_manifests;
    value operation, rows;
    enum op_phase phase;
    str message;
    usec started_at;
    usec wake_at; /* of the last turn */
    bool started, resumed;
    struct compare_result compared; /* of the last turn */
    size_t turns;
    const struct sync_action **asked; /* by the last turn */
    size_t n_asked;
};

/* One compare and one plan; the actions are done when `act`. */
void fake_turn(struct fake_operation *o, bool act);
/* Until the operation ends or `turns` are over; time goes on a second when there is nothing to do.
 */
void fake_run(struct fake_operation *o, size_t turns);

#endif
