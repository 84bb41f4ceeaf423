/* main/up_options.c */
#include "main/up_options.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum flag_type { FLAG_BOOL, FLAG_TEXT, FLAG_NUMBER };

static const struct flag {
    const char *name, *value_name, *help;
    enum flag_type type;
    size_t offset;
} flags[] = {
    {"embedded", NULL, "run against the embedded Kubernetes API (microkube) in this process",
     FLAG_BOOL, offsetof(struct up_options, embedded)},
    {"memory", NULL, "with --embedded: keep the Kubernetes API's objects in memory only", FLAG_BOOL,
     offsetof(struct up_options, memory)},
    {"kube-port", "PORT", "with --embedded: port of the Kubernetes API (0: any free one)",
     FLAG_NUMBER, offsetof(struct up_options, kube_port)},
    {"kubeconfig", "FILE",
     "cluster to run against (default $KUBECONFIG, the pod's service account, ~/.kube/config)",
     FLAG_TEXT, offsetof(struct up_options, kubeconfig)},
    {"context", "NAME", "context of the kubeconfig (default its current one)", FLAG_TEXT,
     offsetof(struct up_options, context)},
    {"namespace", "NAME", "namespace of the control plane (default argocd)", FLAG_TEXT,
     offsetof(struct up_options, namespace)},
    {"data-dir", "DIR",
     "folder for repositories and the embedded database (default ~/.local/share/tiphys)", FLAG_TEXT,
     offsetof(struct up_options, data_dir)},
    {"write-kubeconfig", "FILE", "write a kubeconfig for kubectl there (with --embedded)",
     FLAG_TEXT, offsetof(struct up_options, write_kubeconfig)},
    {"address", "IP", "address to listen on (default 127.0.0.1)", FLAG_TEXT,
     offsetof(struct up_options, address)},
    {"port", "PORT", "port of API and web page (default 8080; 0: any free one)", FLAG_NUMBER,
     offsetof(struct up_options, port)},
    {"insecure", NULL, "serve plain HTTP instead of TLS", FLAG_BOOL,
     offsetof(struct up_options, insecure)},
    {"no-jail", NULL, "render without the jailed workers (debugging only)", FLAG_BOOL,
     offsetof(struct up_options, no_jail)},
    {"loglevel", "LEVEL", "debug, info, warn or error (default info)", FLAG_TEXT,
     offsetof(struct up_options, log_level)},
    {"logformat", "FORMAT", "text or json (default text)", FLAG_TEXT,
     offsetof(struct up_options, log_format)},
    {"help", NULL, "this text", FLAG_BOOL, offsetof(struct up_options, help)},
};

void up_options_help(void)
{
    puts("Run Tiphys: all controllers, the API and the render workers in one process.\n\n"
         "Usage:\n  tiphys up [flags]\n\nFlags:");
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        char left[64];
        snprintf(left, sizeof(left), "--%s%s%s", flags[i].name, flags[i].value_name ? " " : "",
                 flags[i].value_name ? flags[i].value_name : "");
        printf("      %-26s %s\n", left, flags[i].help);
    }
}

static const struct flag *find(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (str_is(name, flags[i].name))
            return &flags[i];
    return NULL;
}

static int set(struct up_options *o, const struct flag *f, const char *text, struct err *err)
{
    char *at = (char *)o + f->offset;
    switch (f->type) {
    case FLAG_TEXT: *(const char **)at = text; return 0;
    case FLAG_NUMBER:
        if (!str_to_i64(str_of(text), (int64_t *)at) || *(int64_t *)at < 0 ||
            *(int64_t *)at > 65535)
            return err_set(err, ERR_INVALID, "--%s: '%s' is not a port", f->name, text);
        return 0;
    case FLAG_BOOL:
        if (text && !str_is(str_of(text), "true") && !str_is(str_of(text), "false"))
            return err_set(err, ERR_INVALID, "--%s: '%s' is neither true nor false", f->name, text);
        *(bool *)at = !text || str_is(str_of(text), "true");
        return 0;
    }
    return 0;
}

static int parse_flag(int argc, char **argv, int *io_i, struct up_options *ret, struct err *err)
{
    str arg = str_of(argv[*io_i]), name, inline_value;
    if (!str_starts(arg, STR("--")))
        return err_set(err, ERR_INVALID, "unexpected argument '%s' (see tiphys up --help)",
                       argv[*io_i]);
    bool has_value = str_cut(str_from(arg, 2), '=', &name, &inline_value);
    const struct flag *f = find(name);
    if (!f)
        return err_set(err, ERR_INVALID, "unknown flag: --%.*s (see tiphys up --help)",
                       STR_FMT(name));
    const char *text = has_value ? inline_value.at : NULL;
    if (!has_value && f->type != FLAG_BOOL) {
        if (*io_i + 1 >= argc)
            return err_set(err, ERR_INVALID, "flag needs an argument: --%s", f->name);
        text = argv[++*io_i];
    }
    return set(ret, f, text, err);
}

int up_options_parse(int argc, char **argv, struct up_options *ret, struct err *err)
{
    *ret = (struct up_options){
        .kubeconfig = getenv("KUBECONFIG"),
        .data_dir = getenv("TIPHYS_DATA_DIR"),
        .namespace = "argocd",
        .address = "127.0.0.1",
        .port = 8080,
        .log_level = "info",
        .log_format = "text",
    };
    for (int i = 1; i < argc; i++) {
        int rc = parse_flag(argc, argv, &i, ret, err);
        if (rc < 0)
            return rc;
    }
    if (ret->memory && !ret->embedded)
        return err_set(err, ERR_INVALID, "--memory goes with --embedded");
    return 0;
}
