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

struct qstr {
	const unsigned char *name;
	__u32 len;
};

struct dentry {
	struct qstr d_name;
};

struct super_block {
	__u32 s_dev;
};

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
};

struct path {
	struct dentry *dentry;
};

struct file {
	struct inode *f_inode;
	struct path f_path;
};

struct mm_struct {
	struct file *exe_file;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup_root {
	int hierarchy_id; /* as in /proc/PID/cgroup; 0: the v2 hierarchy */
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct list_head {
	struct list_head *next;
};

struct css_set { /* the cgroups of a task, one in each hierarchy */
	struct cgroup_subsys_state *subsys[1];
	struct list_head cgrp_links;
};

struct cgrp_cset_link {
	struct cgroup *cgrp;
	struct list_head cgrp_link;
};

struct task_struct {
	int pid, tgid;
	struct task_struct *real_parent, *group_leader;
	struct signal_struct *signal;
	struct mm_struct *mm;
	struct css_set *cgroups;
	__u64 start_boottime;
	__u64 self_exec_id;
	char comm[16];
};

struct sock_common {
	struct {
		__s64 counter;
	} skc_cookie; /* 0: nobody has asked for it */
};

struct sock {
	struct sock_common __sk_common;
};

struct linux_binprm {
	const char *filename;
};

#pragma clang attribute pop

enum cgroup_subsys_id {
	memory_cgrp_id = 4,
	pids_cgrp_id = 11
}; /* the values are the running kernel's */

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define add(counter, n) ((void)__sync_fetch_and_add(&(counter), (n)))

#endif
