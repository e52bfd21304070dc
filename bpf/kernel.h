/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* kernel.h -- the few kernel types that we read. Only the fields named here exist for us; where they lie in the
 * running kernel is resolved at load time. */
#ifndef BPF_KERNEL_H
#define BPF_KERNEL_H

#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/ptrace.h>

#ifndef bool
#define bool _Bool
#define true 1
#define false 0
#endif
#define NULL ((void *)0)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct signal_struct {
	struct {
		int counter;
	} live; /* threads that have not begun to exit */
};

struct task_struct {
	int pid, tgid;
	struct task_struct *real_parent, *group_leader;
	struct signal_struct *signal;
	__u64 start_boottime;
	__u64 self_exec_id;
};

struct linux_binprm {
	const char *filename;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup_root {
	int hierarchy_id; /* 0: the v2 hierarchy */
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

#pragma clang attribute pop

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define add(counter, n) ((void)__sync_fetch_and_add(&(counter), (n)))

#endif
