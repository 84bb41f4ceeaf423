/* manifests/jail.h: processes that render, without network, keys or write access.
 *
 * main() calls jail_open first thing: before threads, configuration or keys exist. It starts this
 * same program
 * (/proc/self/exe) as `render-zygote` with an empty environment and one socket. The zygote stays
 * single-threaded, never sees a tenant's bytes, and forks a worker on request. A worker serves one
 * domain (a project and the object folders it may read) for many jobs, one at a time: Landlock lets
 * it open exactly those folders, read-only; seccomp leaves no socket, exec, clone, open for
 * writing, ptrace or kill; rlimits bound memory and files; it dies with its parent.
 *
 * Control travels as small JSON frames (JAIL_FRAME_MAX), bulk as sealed memory files whose seals
 * and size are checked before they are mapped; whatever a worker answers is parsed as hostile
 * input. A job's deadline is the parent's timer and SIGKILL through the worker's pidfd. A worker
 * that dies answers its job with -ERR_UNAVAILABLE and is replaced.
 *
 * On a kernel without Landlock the filter forbids naming files, too: a worker asks its parent for
 * each file and gets it as a sealed memory file.
 *
 * Owner: jail_open/jail_close; jail_attach gives it to one loop, jobs run there. */
#ifndef MANIFESTS_JAIL_H
#define MANIFESTS_JAIL_H

#include "event/call.h"
#include "value/value.h"

#define JAIL_FRAME_MAX ((size_t)64 << 10)
#define JAIL_RESULT_MAX ((size_t)256 << 20)
#define JAIL_WORKERS_MAX 32
#define JAIL_FOLDERS_MAX 64 /* object folders of one domain */
#define JAIL_MEMORY_DEFAULT ((size_t)1 << 30)

/* Entry point of the zygote: main() calls it when argv[1] is JAIL_ZYGOTE_ARG; `socket` is argv[2].
 * Never returns to the rest of main: the result is the exit code. */
#define JAIL_ZYGOTE_ARG "render-zygote"
int render_zygote_main(int socket);

struct jail;
struct jail_options {
    str exe;              /* empty: /proc/self/exe */
    size_t memory_max;    /* arena of one job; 0: JAIL_MEMORY_DEFAULT */
    unsigned workers_max; /* 0: number of processors */
    usec idle_us;         /* a worker without work is ended after this; 0: 30 s */
    bool no_landlock;     /* do as on a kernel that has none */
};
int jail_open(const struct jail_options *o, struct jail **ret, struct err *err) MUST_CHECK;
void jail_close(
    struct jail *j); /* NULL is fine; running jobs are answered -ERR_CANCELED, the zygote ends */
/* From now on jobs run on this loop. */
int jail_attach(struct jail *j, struct loop *l, struct err *err) MUST_CHECK;

/* What holds the workers: "Landlock and seccomp", or "seccomp, files by descriptor (the kernel has
 * no Landlock)". */
str jail_describe(const struct jail *j);

#endif
