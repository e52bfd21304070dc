/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* emit.bpf.h -- plaintext into the data ring, within the cgroup's quota; ends into the control ring.
 *
 * A ring record has a size known at compile time, so there are a few sizes; abi_data.size tells what counts. The
 * time is taken after the room: whatever happened before time T has its place in the ring at T. */
#ifndef BPF_EMIT_H
#define BPF_EMIT_H

#include "maps.bpf.h"

#define TIER_COST(cap) (ABI_RING_HEAD + (((__u32)sizeof(struct abi_data) + (cap) + 7) & ~7u))

/* Bytes of a call that do not come through. The first reason is the call's. */
static __always_inline void emit_lost(struct abi_cg *cg, struct work *w, enum abi_dropped why,
				      __u64 n)
{
	add(cg->bytes_lost[why], n);
	if (!w->first)
		w->first = 1 + why;
}

/* One record of n bytes at w->buf, n <= cap. */
static __always_inline void emit_tier(struct abi_cg *cg, const __u64 *used, struct work *w, __u64 n,
				      const __u32 cap)
{
	struct abi_data *rec;

	if (cg->charged - *used + TIER_COST(cap) > quota)
		return emit_lost(cg, w, ABI_DR_QUOTA, n);
	rec = bpf_ringbuf_reserve(&data, sizeof(*rec) + cap, 0);
	if (!rec)
		return emit_lost(cg, w, ABI_DR_RING, n);
	add(cg->charged, TIER_COST(cap));
	rec->type = ABI_DATA;
	rec->size = n;
	rec->gen = w->gen;
	rec->obj = w->obj;
	rec->cgroup = w->cgroup;
	rec->start_ns = w->start_ns;
	rec->at_ns = bpf_ktime_get_boot_ns();
	rec->off = w->off;
	rec->tgid = w->tgid;
	rec->uid = w->uid;
	rec->tid = w->tid;
	rec->conn_slot = w->conn_slot;
	rec->cg_slot = w->cg_slot;
	rec->charge = TIER_COST(cap);
	rec->dir = w->dir;
	rec->row = w->row;
	rec->target = w->target;
	__builtin_memset(rec->pad, 0, sizeof(rec->pad));
	bpf_get_current_comm(rec->comm, sizeof(rec->comm));
	/* The length must be the register that was just compared, or the verifier forgets its bound. */
	asm volatile("" : "+r"(n));
	if (n > cap)
		n = cap;
	if (bpf_probe_read_user(rec + 1, n, (void *)w->buf)) {
		/* Room that was taken stays charged until it is read, or faults would get past the quota. */
		rec->size = 0;
		emit_lost(cg, w, ABI_DR_FAULT, n);
	} else {
		add(cg->bytes_out, n);
	}
	bpf_ringbuf_submit(rec, 0);
}

static __noinline int emit_full(struct abi_cg *cg, const __u64 *used, struct work *w)
{
	emit_tier(cg, used, w, ABI_CHUNK, ABI_CHUNK);
	w->buf += ABI_CHUNK;
	w->off += ABI_CHUNK;
	w->left -= ABI_CHUNK;
	return 0;
}

static __noinline int emit_rest(struct abi_cg *cg, const __u64 *used, struct work *w)
{
	__u64 n = w->left;

	if (n <= 256)
		emit_tier(cg, used, w, n, 256);
	else if (n <= 1024)
		emit_tier(cg, used, w, n, 1024);
	else if (n <= 4096)
		emit_tier(cg, used, w, n, 4096);
	else
		emit_tier(cg, used, w, n, ABI_CHUNK);
	return 0;
}

/* All bytes of one call: w->left of them at w->buf, w->off in their direction. */
static __always_inline void emit_call(struct abi_cg *cg, const __u64 *used, struct work *w)
{
	int i;

	for (i = 0; i < ABI_CALL_MAX / ABI_CHUNK; i++) {
		if (w->left <= ABI_CHUNK)
			break;
		emit_full(cg, used, w);
	}
	if (w->left > ABI_CHUNK)
		emit_lost(cg, w, ABI_DR_LONG, w->left);
	else
		emit_rest(cg, used, w);
}

static __always_inline void end_lost(__u32 cg_slot)
{
	struct abi_cg *cg = bpf_map_lookup_elem(&cg_count, &cg_slot);

	if (cg)
		add(cg->ends_lost, 1);
}

static __always_inline void emit_end_head(struct abi_end *e, enum abi_type type, __u32 tgid)
{
	e->type = type;
	e->tgid = tgid;
	e->at_ns = bpf_ktime_get_boot_ns();
	e->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(e->comm, sizeof(e->comm));
}

static __always_inline void emit_conn_end(enum abi_type type, const struct abi_conn *c, __u32 slot)
{
	struct abi_end *e;

	if (!(c->flags & ABI_CONN_SENT))
		return;
	e = bpf_ringbuf_reserve(&ctl, ABI_END_BYTES, 0);
	if (!e)
		return end_lost(c->cg_slot);
	emit_end_head(e, type, c->tgid);
	e->gen = c->gen;
	e->obj = c->obj;
	e->cgroup = c->cgroup;
	e->start_ns = c->start_ns;
	e->final[0] = c->off[0];
	e->final[1] = c->off[1];
	e->cg_slot = c->cg_slot;
	e->conn_slot = slot;
	e->dir = type == ABI_EOF;
	bpf_ringbuf_submit(e, 0);
}

#endif
