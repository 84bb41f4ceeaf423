/* cli/helm.h: `tiphys helm template|lint|show|dependency`: the commands of helm that need no
 * cluster, with its flags, output, error texts and exit codes.
 *
 * Source: helm 4.2.4 pkg/cmd. What needs a cluster or a repository is refused with a text that says
 * so. */
#ifndef CLI_HELM_H
#define CLI_HELM_H

/* argv[0] is "helm". Prints to stdout and stderr; returns the exit code. */
int helm_cli_main(int argc, char **argv);

#endif
