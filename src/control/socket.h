/*
 * socket: listening sockets for the server: a unix socket with its mode and group, a TCP address.
 */
#ifndef FD_CONTROL_SOCKET_H
#define FD_CONTROL_SOCKET_H

#include "base/err.h"

/* See server_listen_unix. Returns a listening, non-blocking descriptor, or -1 with e. */
int socket_bind_unix(const char *path, const char *group, struct err *e);

/* See server_listen_tcp. Returns a listening, non-blocking descriptor, or -1 with e. */
int socket_bind_tcp(const char *address, int *ret_port, struct err *e);

#endif
