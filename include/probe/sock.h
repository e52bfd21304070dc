/* sock.h -- the programs that look at the sockets of observed cgroups: plain HTTP, and TLS connections by their
 * ClientHello. Needs CAP_NET_ADMIN and the v2 hierarchy; kernel_load() loads them when kernel_opts.sockets says so. */
#ifndef PROBE_SOCK_H
#define PROBE_SOCK_H

#include "probe/kernel.h"

#define SOCK_LINKS 4

static inline bool sock_loaded(const struct kernel *k)
{
	return k->fd[KFD_SOCK_OUT] >= 0;
}

/* On a cgroup, by a descriptor of its folder, and all below it: attach to the topmost of nested ones alone. Closing the
 * descriptors detaches. */
int sock_attach(const struct kernel *k, int folder, int ret_links[SOCK_LINKS]) _must_use_;

#endif
