/* base/fault.c */
#include "base/fault.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <unistd.h>

struct plan {
    char name[64];
    char subject[256]; /* "": any */
    int nth;
    bool kill;
};

static struct plan plan;
static _Atomic int passages;
static pthread_once_t once = PTHREAD_ONCE_INIT;
#ifdef TIPHYS_FAULTS
static int log_fd = -1;
#endif

static bool copy(char *to, size_t size, str from)
{
    if (from.len >= size)
        return false;
    memcpy(to, from.len ? from.at : "", from.len);
    to[from.len] = 0;
    return true;
}

static void read_environment(void)
{
    str rest = str_of(getenv("TIPHYS_FAULT")), point, name, subject, nth, how;
#ifdef TIPHYS_FAULTS
    const char *log = getenv("TIPHYS_FAULT_LOG");
    if (log && *log)
        log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
#endif
    if (!rest.len || !str_cut(rest, ':', &point, &rest))
        return;
    str_cut(rest, ':', &nth, &how);
    str_cut(point, '@', &name, &subject);
    int64_t n = 0;
    if (!str_to_i64(nth, &n) || !copy(plan.subject, sizeof(plan.subject), subject) ||
        !copy(plan.name, sizeof(plan.name), name))
        return;
    plan.nth = (int)n;
    plan.kill = str_is(how, "kill");
}

void fault_arm(const char *name, int nth)
{
    pthread_once(&once, read_environment);
    if (!copy(plan.name, sizeof(plan.name), str_of(name)))
        plan.name[0] = 0;
    plan.subject[0] = 0;
    plan.nth = nth;
    plan.kill = false;
    passages = 0;
}

int fault_count(const char *name) { return strcmp(plan.name, name) == 0 ? passages : 0; }

#ifdef TIPHYS_FAULTS
static void tell(const char *name)
{
    char line[96];
    int n = snprintf(line, sizeof(line), "%s\n", name);
    if (n > 0 && (size_t)n < sizeof(line) && write(log_fd, line, (size_t)n) < 0)
        log_fd = -1;
}

bool fault_hit(const char *name, str subject)
{
    pthread_once(&once, read_environment);
    if (log_fd >= 0)
        tell(name);
    if (!plan.name[0] || strcmp(plan.name, name) != 0 ||
        (plan.subject[0] && !str_is(subject, plan.subject)))
        return false;
    if (atomic_fetch_add(&passages, 1) + 1 != plan.nth)
        return false;
    if (plan.kill)
        raise(SIGKILL);
    return true;
}
#endif
