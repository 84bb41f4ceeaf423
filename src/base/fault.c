/* base/fault.c */
#include "base/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>

#include "base/str.h"

struct plan {
    char name[64];
    int nth;
    bool kill;
};

static struct plan plan;
static _Atomic int passages;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_environment(void)
{
    str rest = str_of(getenv("TIPHYS_FAULT")), name, nth, how;
    if (!rest.len || !str_cut(rest, ':', &name, &rest))
        return;
    str_cut(rest, ':', &nth, &how);
    int64_t n = 0;
    if (name.len >= sizeof(plan.name) || !str_to_i64(nth, &n))
        return;
    memcpy(plan.name, name.at, name.len);
    plan.name[name.len] = 0;
    plan.nth = (int)n;
    plan.kill = str_is(how, "kill");
}

void fault_arm(const char *name, int nth)
{
    pthread_once(&once, read_environment);
    size_t len = name ? strlen(name) : 0;
    if (len >= sizeof(plan.name))
        len = sizeof(plan.name) - 1;
    memcpy(plan.name, name ? name : "", len);
    plan.name[len] = 0;
    plan.nth = nth;
    plan.kill = false;
    passages = 0;
}

int fault_count(const char *name) { return strcmp(plan.name, name) == 0 ? passages : 0; }

#ifdef TIPHYS_FAULTS
bool fault_hit(const char *name)
{
    pthread_once(&once, read_environment);
    if (!plan.name[0] || strcmp(plan.name, name) != 0)
        return false;
    if (atomic_fetch_add(&passages, 1) + 1 != plan.nth)
        return false;
    if (plan.kill)
        raise(SIGKILL);
    return true;
}
#endif
