/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* conn.bpf.h -- connections: (process, TLS object) to a slot, and the slot's generation and offsets. */
#ifndef BPF_CONN_H
#define BPF_CONN_H

#include "emit.bpf.h"

static __always_inline void conn_key(__u64 obj, __u32 tgid, struct abi_conn_key *ret)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	ret->obj = obj;
	ret->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	ret->tgid = tgid;
	/* After exec the same address is another object. */
	ret->exec = BPF_CORE_READ(task, self_exec_id);
}

static __noinline struct abi_conn *conn_make(const struct abi_conn_key *k, __u64 cgroup,
					     __u32 cg_slot, __u32 *ret_slot)
{
	struct abi_conn *c;
	__u32 slot = 0, *other;

	if (bpf_map_pop_elem(&conn_free, &slot))
		return NULL;
	c = bpf_map_lookup_elem(&conns, &slot);
	if (!c)
		return NULL;
	/* Whoever popped a slot has it alone: no atomics. */
	c->gen = (c->gen ? c->gen : slot) + ABI_GEN_STEP;
	c->off[0] = 0;
	c->off[1] = 0;
	c->obj = k->obj;
	c->start_ns = k->start_ns;
	c->cgroup = cgroup;
	c->tgid = k->tgid;
	c->cg_slot = cg_slot;
	c->flags = 0;
	*ret_slot = slot;
	if (!bpf_map_update_elem(&conn_keys, k, &slot, BPF_NOEXIST))
		return c;
	bpf_map_push_elem(&conn_free, &slot, 0);
	/* Another thread of the process was first, or the table is full. */
	other = bpf_map_lookup_elem(&conn_keys, k);
	if (!other)
		return NULL;
	*ret_slot = slot = *other;
	return bpf_map_lookup_elem(&conns, &slot);
}

static __always_inline struct abi_conn *conn_find(const struct abi_conn_key *k, __u32 *ret_slot)
{
	__u32 *known = bpf_map_lookup_elem(&conn_keys, k);

	if (!known)
		return NULL;
	*ret_slot = *known;
	return bpf_map_lookup_elem(&conns, ret_slot);
}

/* The object is gone, or we lost track of it. */
static __noinline int conn_end(__u64 obj, __u32 tgid)
{
	struct abi_conn_key k;
	struct abi_conn *c;
	__u32 slot = 0;

	conn_key(obj, tgid, &k);
	c = conn_find(&k, &slot);
	/* Only one of us, the sweep and other threads deletes the key: that one gives the slot back. */
	if (!c || bpf_map_delete_elem(&conn_keys, &k))
		return 0;
	emit_conn_end(ABI_FREE, c, slot);
	bpf_map_push_elem(&conn_free, &slot, 0);
	return 0;
}

#endif
