/* manifests/jail_zygote.h: the zygote's loop, apart from its start; private. */
#ifndef MANIFESTS_JAIL_ZYGOTE_H
#define MANIFESTS_JAIL_ZYGOTE_H

#include "manifests/jail_worker.h"

/* Serve until the socket closes; the exit code. Its workers run `fn`. */
int zygote_serve(int socket, worker_fn *fn);

#endif
