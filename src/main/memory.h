/* main/memory.h: how the C library's heap is used by a process that lives long.
 *
 * A burst (a thousand Applications at once) needs much for a moment, between what stays. When the
 * controllers rest after one, free pages go back to the system. */
#ifndef MAIN_MEMORY_H
#define MAIN_MEMORY_H

#include "controllers/application/controller.h"
#include "event/loop.h"

/* Before the first thread: heaps and thresholds of the process. */
void memory_setup(void);

struct memory_keeper { /* embedded in its owner */
    struct timer timer;
    const struct app_controller *controller; /* borrowed */
    uint64_t seen;                           /* the controller's work at the last look */
    bool worked;                             /* since the pages were given back last */
};
void memory_keeper_start(struct memory_keeper *k, struct loop *l, const struct app_controller *c);
void memory_keeper_stop(struct memory_keeper *k); /* also one that was never started */

#endif
