/* kernel.h -- the attacher's hand on the kernel: load, scope, attach. Needs CAP_BPF and CAP_PERFMON.
 *
 * Loading leaves plain descriptors and no libbpf object: they can be handed to the supervisor and back, so a
 * restarted attacher goes on with what is there. Nothing is pinned: when the last descriptor closes, every
 * probe is gone. */
#ifndef PROBE_KERNEL_H
#define PROBE_KERNEL_H

#include <sys/types.h>
#include "base/lang.h"
#include "host/cgroup.h"

enum kfd {
#define KFD(name, text, words) KFD_##name,
#include "tbl/kfd.h"
#undef KFD
	KFD_COUNT
};

enum tls_row {
#define TLS(row, family, function, shape, dir, finder, tried) TLS_##row,
#include "tbl/tls.h"
#undef TLS
	TLS_COUNT
};

struct site {            /* one function of one file */
	uint32_t row;    /* enum tls_row */
	uint32_t leave;  /* 1: a RET instruction of it, probed in place of its return */
	uint64_t offset; /* in the file */
};

#define KERNEL_SITES  48 /* most of one file */

#define KERNEL_PORTS  16
#define KERNEL_EVENTS 8 /* most tracepoint links */

struct kernel {
	int fd[KFD_COUNT];        /* -1 = not open */
	int event[KERNEL_EVENTS]; /* links of process and cgroup events; -1 = none */
	bool multi;               /* programs were loaded for uprobe_multi links */
};

struct kernel_opts {
	uint32_t ring_bytes;  /* data ring, a power of two of at least 1 MiB */
	uint64_t quota_bytes; /* most bytes in flight per cgroup; 0 = a quarter of the ring */
	uint32_t supervisor;  /* its thread group: it and its children are never looked at */
	enum cgroup_hierarchy hierarchy; /* whose ids name the payer; not CGROUP_AUTO, 0 is v2 */
	bool sockets; /* load the programs of probe/sock.h; they need CAP_NET_ADMIN and the v2 hierarchy */
	uint16_t plain[KERNEL_PORTS]; /* ports of plain HTTP; 0 ends them */
	bool no_multi;                /* tests: use the perf-uprobe fallback */
};

/* Loads maps and programs and attaches the process and cgroup events. `why` gets a line for the user on failure. */
int kernel_load(const struct kernel_opts *o, struct kernel *ret, char why[256]) _must_use_;
void kernel_close(struct kernel *k);

enum scope { SCOPE_NONE, SCOPE_OUT, SCOPE_IN };
/* The subtree under this cgroup id, unless a deeper one says other; SCOPE_NONE: says nothing any more. Takes effect
 * before any later probe hit. What is known at the start is told before the first kernel_attach(). */
int kernel_scope(const struct kernel *k, uint64_t cgroup, enum scope s) _must_use_;

/* By user and by executable, of the processes in observed cgroups. As soon as a rule of a kind says SCOPE_IN, only what is
 * named so is observed; SCOPE_OUT says more than SCOPE_IN. An executable is a file, by what fstat() says of it, or a base
 * name of at most 63 bytes. The ends of processes are told of all. As kernel_scope() otherwise. -E2BIG: a thousand of them. */
int kernel_uid(const struct kernel *k, uint32_t uid, enum scope s) _must_use_;
int kernel_exe_file(const struct kernel *k, dev_t dev, uint64_t ino, enum scope s) _must_use_;
int kernel_exe_name(const struct kernel *k, const char *name, enum scope s) _must_use_;

/* One more process of ours that is never looked at: a thread group that is no child of the supervisor. */
int kernel_self(const struct kernel *k, uint32_t tgid) _must_use_;

/* One attachment: all sites of one inode. `file` is any descriptor of it; `target` comes back in each record of it
 * (abi.h). On success ret_links holds *ret_count descriptors (at most 3 with multi links); closing them, in this order,
 * detaches. -EINVAL: a site that a function of its shape does not have. -E2BIG: more than KERNEL_SITES sites, or more
 * links than KERNEL_LINKS. */
#define KERNEL_LINKS 60
int kernel_attach(const struct kernel *k, int file, uint32_t target, const struct site *site,
		  size_t count, int ret_links[KERNEL_LINKS], size_t *ret_count) _must_use_;

/* Frees what processes that are gone have left behind: slots of connections, and the calls that Go programs were in;
 * `alive` says whether (tgid, start_ns) still runs. What a process left behind when it ran exec stays until it ends. */
int kernel_sweep(const struct kernel *k, bool (*alive)(void *ctx, uint32_t tgid, uint64_t start_ns),
		 void *ctx, size_t *ret_freed) _must_use_;

#endif
