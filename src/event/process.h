/* event/process.h: one child process: arguments in, bounded output out, killed with all its
 * children at the deadline.
 *
 * The child leads a process group of its own; the deadline, cancelling the call, and too much
 * output kill the whole group. It inherits no descriptor but its three pipes. It runs nothing
 * through a shell. Only on EVENT_UV loops
 * (-ERR_UNSUPPORTED under sim). Threads: the loop's. */
#ifndef EVENT_PROCESS_H
#define EVENT_PROCESS_H

#include "event/call.h"

#define PROCESS_OUT_BYTES_DEFAULT ((size_t)64 << 20)
#define PROCESS_ERR_BYTES_DEFAULT ((size_t)64 << 10)

struct process_input {
    const char *const
        *argv; /* argv[0] is looked up in PATH when it has no slash; ends with NULL; all copied */
    const char *const
        *env; /* "NAME=value", ends with NULL; NULL: empty environment but PATH of this process */
    const char *cwd;      /* NULL: ours */
    str input;            /* written to standard input, then closed; copied */
    size_t out_bytes_max; /* 0: the default; more is -ERR_TOO_LARGE and kills */
    size_t err_bytes_max; /* 0: the default; more is dropped, the first bytes stay */
};

struct process_result {
    int exit_code; /* of the child; 128 + signal when it was killed by one */
    int signal;
    str out, err; /* owned by the result */
    bool err_cut;
};
void process_result_free(void *result);

/* Start it. The call's answer is a struct process_result (whatever the exit code), or
 * -ERR_NOT_FOUND, -ERR_FORBIDDEN, -ERR_IO when it could not be started, -ERR_TOO_LARGE. The call's
 * deadline is the child's. */
void process_run(struct loop *l, const struct process_input *in, struct call c);

#endif
