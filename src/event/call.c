/* event/call.c: slots of open questions. A slot is open -> answered (its entry waits in the loop's
 * inbox) -> free; every step to "free" changes what an address must match, so late answers find
 * nothing. Lock: the loop's place in the registry. */
#include <assert.h>
#include <stdlib.h>

#include "event/private.h"

enum call_state { CALL_FREE, CALL_OPEN, CALL_ANSWERED };

struct call_slot {
    enum call_state state;
    uint32_t gen, slot;
    call_fn *fn;
    void *arg;
    void (*end)(void *arg);
    void *end_arg;
    struct timer deadline; /* the asker's thread only */
    int rc;
    struct err *err; /* heap, only when rc != 0 */
    void *result;
    void (*drop)(void *result);
};

size_t call_slot_bytes(void) { return sizeof(struct call_slot); }

void *answer_take(struct answer *a)
{
    a->drop = NULL;
    return TAKE(a->result);
}

static void answer_drop(struct answer *a)
{
    if (a->result && a->drop)
        a->drop(a->result);
    a->result = NULL;
}

/* Under the lock. NULL: no such call any more. */
static struct call_slot *find(struct loop *l, struct call c)
{
    struct call_slot *s = l && c.gen ? slots_at(&l->calls, c.slot & SLOT_MASK) : NULL;
    return s && s->gen == c.gen && s->state != CALL_FREE ? s : NULL;
}

static void release(struct loop *l, struct call_slot *s)
{
    s->state = CALL_FREE;
    s->gen = 0;
    s->end = NULL;
    slots_give(&l->calls, s->slot & SLOT_MASK);
}

static void make_ready(struct loop *l, struct call_slot *s)
{
    s->state = CALL_ANSWERED;
    loop_inbox(l, (struct ready){.kind = READY_CALL, .slot = s->slot, .gen = s->gen});
}

/* The asker's thread: end an open call with an error of ours; the answerer's hook runs outside the
 * lock. */
static void end_with(struct call c, int kind, const char *text)
{
    unsigned place = c.slot >> SLOT_BITS;
    void (*end)(void *arg) = NULL;
    void *end_arg = NULL;
    struct loop *l = registry_lock(place);
    struct call_slot *s = find(l, c);
    if (s && s->state == CALL_OPEN) {
        s->err = malloc(sizeof(*s->err));
        assert(s->err);
        s->rc = err_set(s->err, kind, "%s", text);
        end = TAKE(s->end);
        end_arg = s->end_arg;
        make_ready(l, s);
    }
    registry_unlock(place);
    if (end)
        end(end_arg);
}

static void on_deadline(void *arg)
{
    struct call_slot *s =
        arg; /* slots keep their address; state and gen are ours to read: only we end a timer */
    end_with((struct call){s->slot, s->gen}, ERR_TIMEOUT, "no answer before the deadline");
}

struct call call_open(struct loop *l, usec timeout_us, call_fn *fn, void *arg)
{
    registry_lock(l->place);
    uint32_t index = slots_take(&l->calls);
    struct call_slot *s = slots_at(&l->calls, index);
    *s = (struct call_slot){.state = CALL_OPEN,
                            .gen = registry_gen(l->place),
                            .slot = l->place << SLOT_BITS | index,
                            .fn = fn,
                            .arg = arg};
    struct call c = {s->slot, s->gen};
    registry_unlock(l->place);
    timer_init(&s->deadline, l, on_deadline, s);
    if (timeout_us > 0)
        timer_arm_in(&s->deadline, timeout_us);
    return c;
}

void call_answer(struct call c, struct answer *take_a)
{
    unsigned place = c.slot >> SLOT_BITS;
    struct loop *l = registry_lock(place);
    struct call_slot *s = find(l, c);
    bool wanted = s && s->state == CALL_OPEN;
    if (wanted) {
        s->rc = take_a->rc;
        if (s->rc) {
            s->err = malloc(sizeof(*s->err));
            assert(s->err);
            *s->err = take_a->err;
        }
        s->result = TAKE(take_a->result);
        s->drop = take_a->drop;
        s->end = NULL;
        make_ready(l, s);
    }
    registry_unlock(place);
    if (!wanted)
        answer_drop(take_a);
}

void call_answer_err(struct call c, const struct err *err)
{
    struct answer a = {.rc = -err->kind, .err = *err};
    call_answer(c, &a);
}

void call_answer_ok(struct call c, void *take_result, void (*drop)(void *result))
{
    struct answer a = {.result = take_result, .drop = drop};
    call_answer(c, &a);
}

void call_cancel(struct call c) { end_with(c, ERR_CANCELED, "canceled"); }

/* Move the slot's answer out and free the slot; under the lock. */
static void take_answer(struct loop *l, struct call_slot *s, struct answer *ret,
                        struct err **ret_err)
{
    ret->rc = s->rc;
    ret->result = TAKE(s->result);
    ret->drop = s->drop;
    *ret_err = TAKE(s->err);
    release(l, s);
}

void call_forget(struct call *c)
{
    unsigned place = c->slot >> SLOT_BITS;
    void (*end)(void *arg) = NULL;
    void *end_arg = NULL;
    struct answer a = {0};
    struct err *err = NULL;
    struct timer *deadline = NULL;
    struct loop *l = registry_lock(place);
    struct call_slot *s = find(l, *c);
    if (s) {
        end = TAKE(s->end);
        end_arg = s->end_arg;
        deadline = &s->deadline;
        take_answer(l, s, &a, &err);
    }
    registry_unlock(place);
    *c = (struct call){0};
    if (deadline)
        timer_stop(deadline);
    free(err);
    answer_drop(&a);
    if (end)
        end(end_arg);
}

bool call_wanted(struct call c)
{
    unsigned place = c.slot >> SLOT_BITS;
    struct call_slot *s = find(registry_lock(place), c);
    bool wanted = s && s->state == CALL_OPEN;
    registry_unlock(place);
    return wanted;
}

bool call_on_end(struct call c, void (*fn)(void *arg), void *arg)
{
    unsigned place = c.slot >> SLOT_BITS;
    struct call_slot *s = find(registry_lock(place), c);
    bool open = s && s->state == CALL_OPEN;
    if (open) {
        s->end = fn;
        s->end_arg = arg;
    }
    registry_unlock(place);
    return open;
}

void call_deliver(struct loop *l, uint32_t slot, uint32_t gen)
{
    struct answer a = {0};
    struct err *err = NULL;
    registry_lock(l->place);
    struct call_slot *s = find(l, (struct call){slot, gen});
    if (!s) {
        registry_unlock(l->place);
        return; /* forgotten meanwhile */
    }
    call_fn *fn = s->fn;
    void *arg = s->arg;
    struct timer *deadline = &s->deadline;
    take_answer(l, s, &a, &err);
    registry_unlock(l->place);
    timer_stop(deadline);
    if (err) {
        a.err = *err;
        free(err);
    }
    fn(arg, &a);
    answer_drop(&a);
}

void calls_done(struct loop *l)
{
    for (uint32_t i = 0; i < l->calls.n; i++) {
        struct call_slot *s = slots_at(&l->calls, i);
        if (s->state == CALL_FREE)
            continue;
        timer_stop(&s->deadline);
        struct answer a = {.result = s->result, .drop = s->drop};
        answer_drop(&a);
        free(s->err);
        s->state = CALL_FREE;
    }
}
