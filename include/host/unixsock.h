/* unixsock.h -- unix sockets by their path: who is connected to a server, as /proc/net/unix tells it. */
#ifndef HOST_UNIXSOCK_H
#define HOST_UNIXSOCK_H

#include <stdint.h>
#include "base/lang.h"

/* Connections that a stream server at `path` has now. `table` has the form of /proc/net/unix: the sockets of one network
 * namespace; a path is as the server gave it to bind(). */
int unixsock_count(const char *table, const char *path, uint64_t *ret) _must_use_;

#endif
