/* event/call.h: a question with exactly one answer.
 *
 * The asker opens a call on its own loop and hands the value `struct call` to whoever will answer,
 * on any thread. The answer is delivered on the asker's loop, never inside call_open. Exactly one
 * of these arrives: what call_answer gave, -ERR_TIMEOUT at the deadline, -ERR_CANCELED after
 * call_cancel. Later answers are dropped (their drop function runs). A call is an address (slot,
 * generation), never a pointer: it may be kept after its end without harm. */
#ifndef EVENT_CALL_H
#define EVENT_CALL_H

#include "event/loop.h"

struct call {
    uint32_t slot, gen; /* {0, 0}: no call; answering it does nothing but drop */
};

struct answer {
    int rc;                     /* 0 or -kind */
    struct err err;             /* when rc != 0 */
    void *result;               /* owned by the answer */
    void (*drop)(void *result); /* frees result when nobody takes it; may be NULL */
};
/* The result, now the caller's. */
void *answer_take(struct answer *a);

typedef void call_fn(void *arg,
                     struct answer *a); /* the driver drops what was not taken after it returns */

#define CALLS_MAX (1u << 20) /* open at once on one loop; one more aborts */

struct call call_open(struct loop *l, usec timeout_us, call_fn *fn,
                      void *arg); /* timeout 0: none */
/* Any thread. Takes the answer's result. */
void call_answer(struct call c, struct answer *take_a);
void call_answer_err(struct call c, const struct err *err);
void call_answer_ok(struct call c, void *take_result, void (*drop)(void *result));
/* Asker's thread: -ERR_CANCELED is delivered on the next turn unless an answer came before. */
void call_cancel(struct call c);
/* Asker's thread: forget the call; fn will not run (its owner is going away). */
void call_forget(struct call *c);
/* Answerer, any thread: is somebody still waiting? false after the deadline, call_cancel or
 * call_forget. */
bool call_wanted(struct call c);
/* Answerer on the asker's loop: run fn(arg) when interest ends before an answer (deadline, cancel,
 * forget), so that work under way can be given up. It runs once, inside call_cancel, call_forget or
 * the deadline's turn, and must not call back into the asker; answering afterwards is harmless. One
 * hook per call, the last one stays; NULL removes it. False when the call has ended already (fn
 * does not run). */
bool call_on_end(struct call c, void (*fn)(void *arg), void *arg);

#endif
