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

/* NULL: no slot is left, or the cgroup has its share. */
static __noinline struct abi_conn *conn_make(const struct abi_conn_key *k, __u64 cgroup,
					     __u32 cg_slot, __u32 target, __u32 *ret_slot)
{
	struct abi_cg *cg = bpf_map_lookup_elem(&cg_count, &cg_slot);
	struct abi_conn_at at = { .cg_slot = cg_slot }, *other;
	struct abi_conn *c;
	__u32 slot = 0;

	if (!cg || cg->conns >= CONN_SHARE || bpf_map_pop_elem(&conn_free, &slot))
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
	c->calls = 0;
	c->target = target;
	*ret_slot = at.slot = slot;
	/* Before the key: whoever deletes that takes it off again. */
	add(cg->conns, 1);
	if (!bpf_map_update_elem(&conn_keys, k, &at, BPF_NOEXIST))
		return c;
	add(cg->conns, -1);
	bpf_map_push_elem(&conn_free, &slot, 0);
	/* Another thread of the process was first, or the table is full. */
	other = bpf_map_lookup_elem(&conn_keys, k);
	if (!other)
		return NULL;
	*ret_slot = slot = other->slot;
	return bpf_map_lookup_elem(&conns, &slot);
}

static __always_inline struct abi_conn *conn_find(const struct abi_conn_key *k, __u32 *ret_slot)
{
	struct abi_conn_at *known = bpf_map_lookup_elem(&conn_keys, k);

	if (!known)
		return NULL;
	*ret_slot = known->slot;
	return bpf_map_lookup_elem(&conns, ret_slot);
}

/* The object is gone, or we lost track of it. */
static __noinline int conn_end_key(const struct abi_conn_key *k)
{
	struct abi_conn *c;
	struct abi_cg *cg;
	__u32 slot = 0;

	c = conn_find(k, &slot);
	/* Only one of us, the sweep and other threads deletes the key: that one gives the slot back. */
	if (!c || bpf_map_delete_elem(&conn_keys, k))
		return 0;
	cg = bpf_map_lookup_elem(&cg_count, &c->cg_slot);
	if (cg)
		add(cg->conns, -1);
	emit_conn_end(ABI_FREE, c, slot);
	bpf_map_push_elem(&conn_free, &slot, 0);
	return 0;
}

/* The one that these probes see. Had it others before (its file was let go and is attached again), it has a hole of
 * unknown size: what follows is another connection. */
static __always_inline struct abi_conn *conn_of(const struct abi_conn_key *k, __u32 target,
						__u32 *ret_slot)
{
	struct abi_conn *c = conn_find(k, ret_slot);

	if (!c || c->target == target)
		return c;
	conn_end_key(k);
	return NULL;
}

static __noinline __attribute__((unused)) int conn_end(__u64 obj, __u32 tgid)
{
	struct abi_conn_key k;

	conn_key(obj, tgid, &k);
	return conn_end_key(&k);
}

#endif
