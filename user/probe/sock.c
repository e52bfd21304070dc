#include <bpf/bpf.h>
#include <unistd.h>
#include "probe/sock.h"

int sock_attach(const struct kernel *k, int folder, int ret_links[SOCK_LINKS])
{
	/* Connections first: a packet of one that was not seen to begin has no process. */
	static const struct {
		enum kfd prog;
		enum bpf_attach_type type;
	} row[SOCK_LINKS] = {
		{ KFD_SOCK_TO4, BPF_CGROUP_INET4_CONNECT },
		{ KFD_SOCK_TO6, BPF_CGROUP_INET6_CONNECT },
		{ KFD_SOCK_OUT, BPF_CGROUP_INET_EGRESS },
		{ KFD_SOCK_IN, BPF_CGROUP_INET_INGRESS },
	};
	int r = sock_loaded(k) ? 0 : -EOPNOTSUPP;
	size_t n;

	for (n = 0; r == 0 && n < SOCK_LINKS; n++) {
		ret_links[n] = bpf_link_create(k->fd[row[n].prog], folder, row[n].type, NULL);
		if (ret_links[n] < 0)
			r = -errno;
	}
	if (r < 0 && n)
		while (--n)
			close(ret_links[n - 1]);
	return r;
}
