/* manifests/jail_frame.h: one message on a jail's socket: JSON text and at most one descriptor;
 * private.
 *
 * The sockets are SOCK_SEQPACKET: a message arrives whole or not at all. Nothing here trusts the
 * other side: a message past JAIL_FRAME_MAX, cut, or with more than one descriptor is an error, and
 * unwanted descriptors are closed. */
#ifndef MANIFESTS_JAIL_FRAME_H
#define MANIFESTS_JAIL_FRAME_H

#include "base/err.h"
#include "manifests/jail.h"

/* fd -1: none. -ERR_IO. */
int frame_send(int socket, str text, int fd, struct err *err) MUST_CHECK;
/* One message into at[JAIL_FRAME_MAX]; *ret_fd is the caller's, or -1. *ret_len 0: the other side
 * is gone. -ERR_BUSY: nothing there (non-blocking socket); -ERR_INVALID; -ERR_IO. */
int frame_receive(int socket, char *at, size_t *ret_len, int *ret_fd, struct err *err) MUST_CHECK;

/* A memory file that cannot change any more: written, sealed. */
int sealed_file(const char *name, const str *part, size_t n_parts, int *ret_fd,
                struct err *err) MUST_CHECK;
/* Map one that somebody else made: seals and size are checked first. -ERR_INVALID. */
int sealed_map(int fd, size_t bytes, size_t bytes_max, void **ret, struct err *err) MUST_CHECK;

#endif
