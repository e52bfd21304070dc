/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* emit.bpf.h -- plaintext into the data ring, within the cgroup's quota; ends into the control ring.
 *
 * A ring record has a size known at compile time, so there are a few sizes; abi_data.size tells what counts. The
 * time is taken after the room: whatever happened before time T has its place in the ring at T. */
#ifndef BPF_EMIT_H
#define BPF_EMIT_H

#include "maps.bpf.h"

/* Where bytes come from, and who the current process is: a file that knows otherwise says so before it includes this.
 * `from` is what the caller of emit_step() passed. 0 = copied; 0 < n <= ABI_CHUNK. */
#ifndef EMIT_COPY
#define EMIT_COPY(from, to, n, w) bpf_probe_read_user(to, n, (void *)(w)->buf)
#endif
#ifndef EMIT_COMM
#define EMIT_COMM(to) bpf_get_current_comm(to, ABI_COMM)
#define EMIT_UID()    ((__u32)bpf_get_current_uid_gid())
#endif

#define TIER_COST(cap) (ABI_RING_HEAD + (((__u32)sizeof(struct abi_data) + (cap) + 7) & ~7u))
#define EMIT_ROUNDS    (ABI_CALL_MAX / ABI_CHUNK)

/* Bytes of a call that do not come through. The first reason is the call's. */
static __always_inline void emit_lost(struct abi_cg *cg, struct work *w, enum abi_dropped why,
				      __u64 n)
{
	add(cg->bytes_lost[why], n);
	if (!w->first)
		w->first = 1 + why;
}

/* One record of n bytes, n <= cap. */
static __always_inline void emit_tier(struct abi_cg *cg, const __u64 *used, struct work *w, __u64 n,
				      const __u32 cap, void *from)
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
	EMIT_COMM(rec->comm);
	/* The length must be the register that was just compared, or the verifier forgets its bound. */
	asm volatile("" : "+r"(n));
	if (n > cap)
		n = cap;
	if (EMIT_COPY(from, rec + 1, n, w)) {
		/* Room that was taken stays charged until it is read, or faults would get past the quota. */
		rec->size = 0;
		emit_lost(cg, w, ABI_DR_FAULT, n);
	} else {
		add(cg->bytes_out, n);
	}
	bpf_ringbuf_submit(rec, 0);
}

/* The next record of a call: of the w->have bytes at w->buf as many as fit. */
static __always_inline void emit_step(struct abi_cg *cg, const __u64 *used, struct work *w,
				      void *from)
{
	__u64 n = w->have;

	if (n > ABI_CHUNK)
		n = ABI_CHUNK;
	if (n <= 256)
		emit_tier(cg, used, w, n, 256, from);
	else if (n <= 1024)
		emit_tier(cg, used, w, n, 1024, from);
	else if (n <= 4096)
		emit_tier(cg, used, w, n, 4096, from);
	else
		emit_tier(cg, used, w, n, ABI_CHUNK, from);
	w->buf += n;
	w->off += n;
	w->have -= n;
	w->left -= n;
}

/* All bytes of a call that lie in one piece, in at most `rounds` records (a constant). */
static __always_inline void emit_call(struct abi_cg *cg, const __u64 *used, struct work *w,
				      const int rounds, void *from)
{
	int i;

	w->have = w->left;
	for (i = 0; i < rounds; i++) {
		if (!w->left)
			return;
		emit_step(cg, used, w, from);
	}
	if (w->left)
		emit_lost(cg, w, ABI_DR_LONG, w->left);
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
	e->uid = EMIT_UID();
	EMIT_COMM(e->comm);
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
