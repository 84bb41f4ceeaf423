/* main/main.c: which program is meant: by the first argument, or by the name we were called by. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/helm.h"
#include "main/up.h"
#include "main/version.h"
#include "manifests/jail.h"

static int usage(void)
{
    fputs("usage: tiphys up [flags]\n"
          "       tiphys helm template|lint|show|dependency [flags]   (as helm)\n"
          "       tiphys app|login|context|version|... [flags]   (as argocd; tiphys COMMAND "
          "--help)\n",
          stderr);
    return 2;
}

/* Called as argocd everything is a command of the client. */
static bool is_argocd(const char *name)
{
    const char *slash = strrchr(name, '/');
    return strcmp(slash ? slash + 1 : name, "argocd") == 0;
}

static int zygote_main(int argc, char **argv)
{
    int64_t socket = -1;
    if (argc != 3 || !str_to_i64(str_of(argv[2]), &socket) || socket < 0 || socket > 1 << 20)
        return 2;
    return render_zygote_main((int)socket);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], JAIL_ZYGOTE_ARG) == 0)
        return zygote_main(argc, argv);
    if (argc > 0 && is_argocd(argv[0]))
        return cli_main(argc, argv);
    if (argc > 1 && strcmp(argv[1], "up") == 0)
        return up_main(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "helm") == 0)
        return helm_cli_main(argc - 1, argv + 1);
    for (int i = 1; i < argc; i++)
        if (cli_has_command(str_of(argv[i])))
            return cli_main(argc, argv);
    return usage();
}
