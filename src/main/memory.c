/* main/memory.c */
#include "main/memory.h"

#include <malloc.h>

#define LOOK_US (3 * USEC_PER_SEC)
/* The loop's, and one for all threads of the pool: each heap keeps its own holes. */
#define HEAPS 2
/* Fixed thresholds: left alone, the library raises them with each large block that is freed, until
 * nothing large goes back to the system. */
#define MAPPED_BYTES (256 << 10)
#define TRIM_BYTES (1 << 20)

void memory_setup(void)
{
    mallopt(M_ARENA_MAX, HEAPS);
    mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
    mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
}

static uint64_t work_of(const struct app_controller *c)
{
    struct app_controller_status s;
    app_controller_status(c, &s);
    return s.n_refreshes + s.n_compares + s.n_writes + s.n_apps;
}

static void look(void *arg)
{
    struct memory_keeper *k = arg;
    uint64_t now = work_of(k->controller);
    if (now != k->seen) {
        k->worked = true;
    } else if (k->worked) {
        k->worked = false;
        malloc_trim(0);
    }
    k->seen = now;
    timer_arm_in(&k->timer, LOOK_US);
}

void memory_keeper_start(struct memory_keeper *k, struct loop *l, const struct app_controller *c)
{
    *k = (struct memory_keeper){.controller = c, .worked = true};
    timer_init(&k->timer, l, look, k);
    timer_arm_in(&k->timer, LOOK_US);
}

void memory_keeper_stop(struct memory_keeper *k)
{
    if (k->controller)
        timer_stop(&k->timer);
}
