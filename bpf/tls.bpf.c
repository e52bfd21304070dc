/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* tls.bpf.c -- the two probe programs. The probe's cookie is the row of tbl/tls.h, and the target's number above it. */
#include "scope.bpf.h"
#include "calls.bpf.h"
#include "conn.bpf.h"
#include "shape.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A call of which nothing can be said. Its connection ends here: what comes next has unknown offsets. */
static __noinline int tls_blind(__u32 cg_slot, enum abi_dropped why, __u64 obj, __u32 tgid)
{
	struct abi_cg *cg = bpf_map_lookup_elem(&cg_count, &cg_slot);

	if (!cg || why >= ABI_DR_COUNT)
		return 0;
	add(cg->hits, 1);
	add(cg->dropped[why], 1);
	return conn_end(obj, tgid);
}

/* Calls of this thread that will never return: counted as lost. */
static __noinline int tls_bury(struct thread *t, __u64 sp, __u64 freed, __u32 tgid)
{
	struct frame dead;
	int i;

	for (i = 0; i < CALL_DEPTH; i++) {
		if (!calls_dead(t, sp, freed, &dead))
			break;
		tls_blind(dead.cg_slot, ABI_DR_CALLS, dead.obj, tgid);
	}
	return 0;
}

static __always_inline int tls_free(__u64 obj, __u64 id)
{
	struct thread *t = bpf_map_lookup_elem(&calls, &id);

	/* Its address may be another object's at once: no frame may keep it. */
	if (t)
		tls_bury(t, 0, obj, id >> 32);
	return conn_end(obj, id >> 32);
}

SEC("uprobe")
int tls_enter(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx), row = (__u32)cookie,
	      id = bpf_get_current_pid_tgid();
	struct frame f = {};
	struct thread *t;
	__u32 shape;

	if (row >= TLS_COUNT)
		return 0;
	shape = tls_rows[row].shape;
	if (shape == SHAPE_FREE)
		return tls_free(PT_REGS_PARM1(ctx), id);

	f.cgroup = bpf_get_current_cgroup_id();
	if (!scope_slot(f.cgroup, &f.cg_slot) || scope_self(id >> 32))
		return 0;
	f.sp = PT_REGS_SP(ctx);
	f.row = row;
	f.target = cookie >> 32;
	shape_enter(ctx, shape, &f);
	t = calls_get(id);
	if (!t)
		return tls_blind(f.cg_slot, ABI_DR_CALLS, f.obj, id >> 32);
	tls_bury(t, f.sp, 0, id >> 32);
	if (!calls_push(t, &f))
		tls_blind(f.cg_slot, ABI_DR_CALLS, f.obj, id >> 32);
	return 0;
}

/* Plaintext of one successful call. It is read at the return in both directions: the library has just touched the
 * pages, so that a buffer which was not resident at the entry (a mapped file, first touch) is readable now, and a
 * partial write or a "try again" is known for what it was. */
static __noinline int tls_deliver(struct abi_cg *cg, struct work *w, struct abi_conn *c)
{
	__u64 *used = bpf_map_lookup_elem(&cg_used, &w->cg_slot);
	struct abi_verdict *v = bpf_map_lookup_elem(&verdicts, &w->conn_slot);
	__u64 n = w->left;

	if (!used || !v)
		return 0;
	w->off = c->off[w->dir & 1];
	c->off[w->dir & 1] = w->off + n;
	add(cg->hits, 1);
	if (v->gen == c->gen) {
		add(cg->ignored[ABI_IG_VERDICT], 1);
		add(cg->bytes_ignored, n);
		return 0;
	}
	w->gen = c->gen;
	c->flags |= ABI_CONN_SENT;
	if (w->dir == DIR_IN)
		c->flags &= ~ABI_CONN_EOF;
	add(cg->bytes, n);
	emit_call(cg, used, w);
	if (!w->first)
		add(cg->delivered, 1);
	else if (w->first <= ABI_DR_COUNT)
		add(cg->dropped[w->first - 1], 1);
	return 0;
}

static __always_inline int tls_some(struct abi_cg *cg, struct thread *t, const struct frame *f,
				    __u32 dir, __u64 n, __u64 id)
{
	struct work *w = &t->work;
	struct abi_conn_key k;
	struct abi_conn *c;
	__u32 slot = 0;

	conn_key(f->obj, id >> 32, &k);
	c = conn_find(&k, &slot);
	if (!c)
		c = conn_make(&k, f->cgroup, f->cg_slot, &slot);
	if (!c) {
		add(cg->hits, 1);
		add(cg->bytes, n);
		add(cg->dropped[ABI_DR_CONNS], 1);
		add(cg->bytes_lost[ABI_DR_CONNS], n);
		return 0;
	}
	w->buf = f->buf;
	w->left = n;
	w->cgroup = f->cgroup;
	w->start_ns = k.start_ns;
	w->obj = f->obj;
	w->tgid = id >> 32;
	w->tid = id;
	w->uid = bpf_get_current_uid_gid();
	w->conn_slot = slot;
	w->cg_slot = f->cg_slot;
	w->row = f->row;
	w->target = f->target;
	w->dir = dir;
	w->first = 0;
	return tls_deliver(cg, w, c);
}

static __noinline int tls_eof(__u64 obj, __u32 tgid)
{
	struct abi_conn_key k;
	struct abi_conn *c;
	__u32 slot = 0;

	conn_key(obj, tgid, &k);
	c = conn_find(&k, &slot);
	/* Told once: some programs read on and on. */
	if (!c || c->flags & ABI_CONN_EOF)
		return 0;
	c->flags |= ABI_CONN_EOF;
	emit_conn_end(ABI_EOF, c, slot);
	return 0;
}

SEC("uretprobe")
int tls_leave(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx), row = (__u32)cookie,
	      id = bpf_get_current_pid_tgid(), n = 0, cgroup;
	struct thread *t = bpf_map_lookup_elem(&calls, &id);
	struct abi_cg *cg;
	struct tls_row how;
	struct frame f;
	enum moved m;

	if (!t || row >= TLS_COUNT)
		return 0;
	how = tls_rows[row];
	if (!calls_pop(t, PT_REGS_SP(ctx), row, &f))
		return 0;
	/* The process may have been moved while it waited for bytes. */
	cgroup = bpf_get_current_cgroup_id();
	if (cgroup != f.cgroup) {
		f.cgroup = cgroup;
		if (!scope_slot(cgroup, &f.cg_slot))
			return conn_end(f.obj, id >> 32);
	}
	cg = bpf_map_lookup_elem(&cg_count, &f.cg_slot);
	if (!cg)
		return 0;
	m = shape_leave(ctx, how, &f, &n);
	if (m == MOVED_SOME)
		return tls_some(cg, t, &f, how.dir, n, id);
	if (m == MOVED_LIES)
		return tls_blind(f.cg_slot, ABI_DR_FAULT, f.obj, id >> 32);
	add(cg->hits, 1);
	add(cg->empty, 1);
	return m == MOVED_EOF ? tls_eof(f.obj, id >> 32) : 0;
}
