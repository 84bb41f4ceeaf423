/* cli/cli.h: the command line: `argocd ...` and the same commands of `tiphys`.
 *
 * Speaks HTTP to an API server of Argo CD or Tiphys. Flags, output and exit codes are argocd 3.6's:
 * 0 fine, 1 wrong use or an outcome that is not the wished one, 20 an error of the server or the
 * network. Source: argo-cd cmd/argocd. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>

#include "base/str.h"

/* argv[0] is the program's name as shown in messages. Prints to stdout and stderr; returns the exit
 * code. */
int cli_main(int argc, char **argv);

/* Is this the first word of a command ("app", "login")? For `tiphys`, which has commands of its own
 * too. */
bool cli_has_command(str word);

#endif
