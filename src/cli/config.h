/* cli/config.h: the local configuration: contexts, servers and tokens (~/.config/argocd/config,
 * mode 0600). Private to the room.
 *
 * Folder: $ARGOCD_CONFIG_DIR, else ~/.argocd when it is there, else $XDG_CONFIG_HOME/argocd, else
 * ~/.config/argocd; --config names the file itself. Source: argo-cd util/localconfig. */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "cli/command.h"

struct config_server {
    str address, token, user;
    bool plaintext, insecure, grpc_web;
};

str config_path(struct cli *c);
/* The whole file as a building map; absent when there is none. -ERR_INVALID: mode or content. */
int config_read(struct cli *c, value *ret, struct err *err) MUST_CHECK;
/* Written beside and renamed; a configuration without contexts removes the file. */
int config_write(struct cli *c, value config, struct err *err) MUST_CHECK;

/* Complete *io from the context that --argocd-context names, that of io->address, or the current
 * one. An unknown server is left as it is. -ERR_NOT_FOUND: --argocd-context is unknown. */
int config_server(struct cli *c, struct config_server *io, struct err *err) MUST_CHECK;

/* The entry of the list `key` ("contexts", "servers", "users") whose field has that text; absent:
 * none. */
value config_find(value config, const char *key, const char *field, str text);
/* The same, made when it is missing. config is building. */
value config_edit(struct cli *c, value config, const char *key, const char *field, str text);
void config_remove(value config, const char *key, const char *field, str text);

#endif
