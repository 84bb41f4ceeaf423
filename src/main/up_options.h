/* main/up_options.h: the flags of `tiphys up`, as a table (also printed by --help). */
#ifndef MAIN_UP_OPTIONS_H
#define MAIN_UP_OPTIONS_H

#include "base/err.h"
#include "base/log.h"

struct up_options {
    bool embedded, memory, help, no_jail;
    const char *kubeconfig, *context, *namespace, *data_dir, *write_kubeconfig, *address,
        *log_level, *log_format;
    int64_t port, kube_port;
    bool insecure; /* plain HTTP */
};

/* Defaults, environment (KUBECONFIG, TIPHYS_DATA_DIR), flags. -ERR_INVALID names the flag. */
int up_options_parse(int argc, char **argv, struct up_options *ret, struct err *err) MUST_CHECK;
void up_options_help(void);

#endif
