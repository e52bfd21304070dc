/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* proc.bpf.c -- ends of processes, exec, and new cgroups. */
#include "scope.bpf.h"
#include "calls.bpf.h"
#include "emit.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline void proc_end_fill(struct abi_end *e, enum abi_type type, __u32 tgid,
					  __u64 cgroup)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	emit_end_head(e, type, tgid);
	e->gen = 0;
	e->obj = 0;
	e->cgroup = cgroup;
	e->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	e->final[0] = 0;
	e->final[1] = 0;
	e->cg_slot = 0;
	e->conn_slot = 0;
	e->dir = 0;
}

SEC("raw_tp/sched_process_exit")
int proc_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 id = bpf_get_current_pid_tgid(), cgroup;
	struct abi_caller who;
	struct abi_end *e;

	calls_of_thread(id, &who);
	bpf_map_delete_elem(&calls, &who);
	if (BPF_CORE_READ(task, signal, live.counter) > 0)
		return 0;
	cgroup = scope_cgroup();
	if (!scope_in(cgroup))
		return 0;
	e = bpf_ringbuf_reserve(&ctl, ABI_END_BYTES, 0);
	if (!e) {
		end_lost(0);
		return 0;
	}
	proc_end_fill(e, ABI_EXIT, id >> 32, cgroup);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("raw_tp/sched_process_exec")
int proc_exec(struct bpf_raw_tracepoint_args *ctx)
{
	struct linux_binprm *bprm = (void *)ctx->args[2];
	__u64 id = bpf_get_current_pid_tgid(), cgroup = scope_cgroup();
	struct abi_caller who;
	struct abi_end *e;

	calls_of_thread(id, &who);
	bpf_map_delete_elem(&calls, &who);
	/* The thread that ran exec has taken over the leader's number. */
	who.who = (__u32)ctx->args[1];
	bpf_map_delete_elem(&calls, &who);
	if (!scope_in(cgroup))
		return 0;
	e = bpf_ringbuf_reserve(&ctl, sizeof(*e), 0);
	if (!e) {
		end_lost(0);
		return 0;
	}
	proc_end_fill(e, ABI_EXEC, id >> 32, cgroup);
	/* The end is told of everybody, or calls would stay open; what runs next only of those in scope. */
	if (!scope_process(id >> 32) ||
	    bpf_probe_read_kernel_str(e->path, sizeof(e->path), BPF_CORE_READ(bprm, filename)) < 0)
		e->path[0] = 0;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("raw_tp/cgroup_mkdir")
int proc_cgroup(struct bpf_raw_tracepoint_args *ctx)
{
	struct cgroup *cg = (void *)ctx->args[0];
	struct abi_cgroup *e;

	/* A host can have several hierarchies; only ids of one mean anything to us. */
	if ((__u32)BPF_CORE_READ(cg, root, hierarchy_id) != hierarchy)
		return 0;
	e = bpf_ringbuf_reserve(&ctl, sizeof(*e), 0);
	if (!e) {
		end_lost(0);
		return 0;
	}
	e->type = ABI_CGROUP;
	e->pad = 0;
	e->cgroup = BPF_CORE_READ(cg, kn, id);
	e->at_ns = bpf_ktime_get_boot_ns();
	if (bpf_probe_read_kernel_str(e->path, sizeof(e->path), (void *)ctx->args[1]) < 0)
		e->path[0] = 0;
	bpf_ringbuf_submit(e, 0);
	return 0;
}
