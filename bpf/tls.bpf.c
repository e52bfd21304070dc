/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* tls.bpf.c -- the two probe programs. The probe's cookie is the row of tbl/tls.h, and the target's number above it.
 *
 * tls_leave runs at the return of a function (a return probe), or, for Go, at each of its RET instructions. */
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

/* A goroutine's connection may have ended before, and another one may be at its address by now: that one stays. */
static __always_inline bool tls_still(const struct frame *f, __u32 tgid)
{
	struct abi_conn_key k;
	struct abi_conn *c;
	__u32 slot = 0;

	conn_key(f->obj, tgid, &k);
	c = conn_find(&k, &slot);
	return c && c->gen == f->extra;
}

/* Calls of this thread that will never return: counted as lost. `obj`: what the goroutine reads now, and so has read in a
 * call whose entry was not seen (tls_stray). */
static __noinline int tls_bury(struct thread *t, __u64 sp, __u64 freed, __u64 obj, __u32 tgid)
{
	struct frame dead;
	int i;

	for (i = 0; i < CALL_DEPTH; i++) {
		if (!calls_dead(t, sp, freed, &dead))
			break;
		if (!dead.obj)
			dead.obj = obj;
		else if (dead.row < TLS_COUNT && tls_rows[dead.row].shape == SHAPE_GO &&
			 !tls_still(&dead, tgid))
			dead.obj = 0;
		tls_blind(dead.cg_slot, ABI_DR_CALLS, dead.obj, tgid);
	}
	return 0;
}

/* ---- where a call is made ------------------------------------------------------------------- */

struct place {
	struct abi_caller who;
	struct go_stack stack; /* of a goroutine; of a thread 0: its addresses stay what they are */
};

static __always_inline void tls_caller(struct pt_regs *ctx, __u32 shape, __u64 id,
				       struct place *ret)
{
	ret->stack.lo = 0;
	ret->stack.hi = 0;
	if (shape_go(shape))
		calls_of_go(GO_G(ctx), id, &ret->who);
	else
		calls_of_thread(id, &ret->who);
}

/* Only of a process in scope: a goroutine's stack is read from its memory. */
static __always_inline bool tls_stack(struct pt_regs *ctx, __u32 shape, struct place *ret)
{
	return !shape_go(shape) || calls_go_stack(GO_G(ctx), &ret->stack);
}

/* Close() runs beside the Read of another goroutine, whose bytes still count: the last of those ends the connection. Its
 * address stays taken until then. The atomic addition comes before the look, on both sides. */
static __noinline int tls_close(__u64 obj, __u32 tgid)
{
	struct abi_conn_key k;
	struct abi_conn *c;
	__u32 slot = 0;

	conn_key(obj, tgid, &k);
	c = conn_find(&k, &slot);
	if (!c)
		return 0;
	add(c->calls, ABI_CONN_CALLS + 1);
	return *(volatile __u32 *)&c->calls & ABI_CONN_CALLS ? 0 : conn_end_key(&k);
}

static __noinline int tls_part(const struct frame *f, __u32 tgid)
{
	struct abi_conn_key k;
	struct abi_conn *c;
	__u32 slot = 0, calls;

	conn_key(f->obj, tgid, &k);
	c = conn_find(&k, &slot);
	if (!c || c->gen != f->extra)
		return 0;
	add(c->calls, -1);
	calls = *(volatile __u32 *)&c->calls;
	return calls > ABI_CONN_CALLS && !(calls & ABI_CONN_CALLS) ? conn_end_key(&k) : 0;
}

static __always_inline int tls_free(struct pt_regs *ctx, __u32 shape, __u64 id)
{
	__u64 obj = shape_obj(ctx, shape);
	struct thread *t;
	struct place at;

	tls_caller(ctx, shape, id, &at);
	t = bpf_map_lookup_elem(&calls, &at.who);
	/* Its address may be another object's at once: no frame may keep it. */
	if (t) {
		tls_bury(t, 0, obj, 0, id >> 32);
		if (shape == SHAPE_GOFREE)
			tls_bury(t, 0, 0, obj, id >> 32);
		calls_put(&at.who, t);
	}
	return shape == SHAPE_GOFREE ? tls_close(obj, id >> 32) : conn_end(obj, id >> 32);
}

/* ---- plaintext ------------------------------------------------------------------------------ */

/* The next piece of a list becomes the one at hand. */
static __always_inline void tls_piece(struct abi_cg *cg, struct work *w)
{
	__u64 v[2];

	if (!w->pieces || bpf_probe_read_user(v, sizeof(v), (void *)w->next)) {
		emit_lost(cg, w, ABI_DR_FAULT, w->left);
		w->left = 0;
		return;
	}
	w->pieces--;
	w->next += sizeof(v);
	if (w->skip >= v[1]) {
		w->skip -= v[1];
		return;
	}
	w->buf = v[0] + w->skip;
	w->have = v[1] - w->skip;
	w->skip = 0;
	if (w->have > w->left)
		w->have = w->left;
}

/* Not static: the verifier then looks at it once, not once a round. */
__noinline int tls_step(struct abi_cg *cg, const __u64 *used, struct work *w)
{
	if (!cg || !used || !w)
		return 0;
	if (!w->have)
		tls_piece(cg, w);
	if (w->have)
		emit_step(cg, used, w, NULL);
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
	int i;

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
	for (i = 0; i < EMIT_ROUNDS && w->left; i++)
		tls_step(cg, used, w);
	if (w->left)
		emit_lost(cg, w, ABI_DR_LONG, w->left);
	if (!w->first)
		add(cg->delivered, 1);
	else if (w->first <= ABI_DR_COUNT)
		add(cg->dropped[w->first - 1], 1);
	return 0;
}

/* A call whose bytes belong to no connection that we know. */
static __always_inline int tls_lost(struct abi_cg *cg, enum abi_dropped why, __u64 n)
{
	add(cg->hits, 1);
	add(cg->bytes, n);
	add(cg->dropped[why], 1);
	add(cg->bytes_lost[why], n);
	return 0;
}

static __noinline int tls_some(struct abi_cg *cg, struct work *w, const struct frame *f, __u64 n,
			       __u64 id)
{
	struct tls_row how;
	struct abi_conn_key k;
	struct abi_conn *c;
	__u32 slot = 0;

	if (f->row >= TLS_COUNT)
		return 0;
	how = tls_rows[f->row];
	conn_key(f->obj, id >> 32, &k);
	c = conn_of(&k, f->target, &slot);
	/* It was ended during the call: what stands there now is not the call's. Or it is there only now, and lacks these. */
	if (how.shape == SHAPE_GO && (!c || c->gen != f->extra)) {
		if (!f->extra)
			conn_end_key(&k);
		return tls_lost(cg, f->extra ? ABI_DR_CALLS : ABI_DR_CONNS, n);
	}
	if (!c)
		c = conn_make(&k, f->cgroup, f->cg_slot, f->target, &slot);
	if (!c)
		return tls_lost(cg, ABI_DR_CONNS, n);
	w->left = n;
	w->buf = f->buf;
	w->have = f->pieces ? 0 : n;
	w->next = f->buf;
	w->pieces = f->pieces;
	w->skip = f->extra;
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
	w->dir = how.dir;
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

/* ---- entry ---------------------------------------------------------------------------------- */

/* A Go connection is known from the entry on: its generation tells at the return whether it still is the same. 0: there was
 * no room for it. */
static __noinline int tls_join(struct frame *f, __u32 tgid)
{
	struct abi_conn_key k;
	struct abi_conn *c;
	__u32 slot = 0;

	conn_key(f->obj, tgid, &k);
	c = conn_of(&k, f->target, &slot);
	if (!c)
		c = conn_make(&k, f->cgroup, f->cg_slot, f->target, &slot);
	f->extra = c ? c->gen : 0;
	if (c)
		add(c->calls, 1);
	return 0;
}

/* Not static, as tls_step(). 1: done. */
__noinline int tls_unpack(struct frame *f)
{
	return f && f->row < TLS_COUNT && shape_unpack(tls_rows[f->row].shape, f);
}

/* All of it is there at the entry, and nothing is known of the end. */
static __always_inline int tls_whole(struct thread *t, const struct frame *f, __u64 id)
{
	struct abi_cg *cg = bpf_map_lookup_elem(&cg_count, &f->cg_slot);

	if (!cg)
		return 0;
	if (f->len)
		return tls_some(cg, &t->work, f, f->len, id);
	add(cg->hits, 1);
	add(cg->empty, 1);
	return 0;
}

SEC("uprobe")
int tls_enter(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx), row = (__u32)cookie,
	      id = bpf_get_current_pid_tgid();
	struct frame f = {};
	struct thread *t;
	struct place at;
	__u32 shape;

	if (row >= TLS_COUNT)
		return 0;
	shape = tls_rows[row].shape;
	if (shape == SHAPE_FREE || shape == SHAPE_GOFREE)
		return tls_free(ctx, shape, id);

	f.cgroup = scope_cgroup();
	f.obj = shape_obj(ctx, shape);
	/* If the rules have let it in before, its connection has a hole from here on. */
	if (!scope_in(f.cgroup))
		return scope_was_in(f.cgroup) ? conn_end(f.obj, id >> 32) : 0;
	if (!scope_process(id >> 32))
		return conn_end(f.obj, id >> 32);
	f.cg_slot = scope_slot(f.cgroup);
	f.rules = scope_rules();
	f.row = row;
	f.target = cookie >> 32;
	shape_enter(ctx, shape, &f);
	tls_caller(ctx, shape, id, &at);
	if (!tls_stack(ctx, shape, &at) || !tls_unpack(&f))
		return tls_blind(f.cg_slot, ABI_DR_FAULT, f.obj, id >> 32);
	t = calls_get(&at.who);
	if (!t)
		return tls_blind(f.cg_slot, ABI_DR_CALLS, f.obj, id >> 32);
	if (shape == SHAPE_TAKEN || shape == SHAPE_GOPUT) {
		tls_whole(t, &f, id);
		calls_put(&at.who, t);
		return 0;
	}
	f.sp = PT_REGS_SP(ctx) - at.stack.hi;
	if (f.buf >= at.stack.lo && f.buf < at.stack.hi) {
		f.buf -= at.stack.hi;
		f.moves = 1;
	}
	tls_bury(t, f.sp, 0, f.obj, id >> 32);
	if (shape == SHAPE_GO)
		tls_join(&f, id >> 32);
	if (!calls_push(t, &f))
		tls_blind(f.cg_slot, ABI_DR_CALLS, f.obj, id >> 32);
	return 0;
}

/* ---- return --------------------------------------------------------------------------------- */

static __always_inline int tls_back(struct pt_regs *ctx, struct thread *t, struct frame *f,
				    struct tls_row how, __u64 id)
{
	__u64 n = 0, cgroup = scope_cgroup();
	struct abi_cg *cg;
	enum moved m;

	/* The process may have been moved while it waited for bytes, or the rules changed. */
	if (cgroup != f->cgroup || scope_rules() != f->rules) {
		f->cgroup = cgroup;
		if (!scope_in(cgroup) || !scope_process(id >> 32))
			return conn_end(f->obj, id >> 32);
		f->cg_slot = scope_slot(cgroup);
	}
	cg = bpf_map_lookup_elem(&cg_count, &f->cg_slot);
	if (!cg)
		return 0;
	m = shape_leave(ctx, how, f, &n);
	if (m == MOVED_SOME)
		return tls_some(cg, &t->work, f, n, id);
	if (m == MOVED_LIES)
		return tls_blind(f->cg_slot, ABI_DR_FAULT, f->obj, id >> 32);
	add(cg->hits, 1);
	add(cg->empty, 1);
	return m == MOVED_EOF ? tls_eof(f->obj, id >> 32) : 0;
}

/* Bytes that a goroutine has read in a call whose entry was not seen: it was in it when the probes came. Whose they were shows
 * when it reads again; a frame without an object waits for that. */
static __noinline int tls_stray(const struct abi_caller *who, __u32 row, __u32 tgid)
{
	struct frame f = { .sp = ~0ull,
			   .row = row }; /* above every stack: it is no call's return */
	struct thread *t;

	f.cgroup = scope_cgroup();
	if (!who || !scope_in(f.cgroup) || !scope_process(tgid))
		return 0;
	f.cg_slot = scope_slot(f.cgroup);
	t = calls_get(who);
	if (!t || !calls_push(t, &f))
		tls_blind(f.cg_slot, ABI_DR_CALLS, 0, tgid);
	return 0;
}

SEC("uretprobe")
int tls_leave(struct pt_regs *ctx)
{
	__u64 row = (__u32)bpf_get_attach_cookie(ctx), id = bpf_get_current_pid_tgid();
	struct thread *t;
	struct tls_row how;
	struct place at;
	struct frame f;

	if (row >= TLS_COUNT)
		return 0;
	how = tls_rows[row];
	tls_caller(ctx, how.shape, id, &at);
	t = bpf_map_lookup_elem(&calls, &at.who);
	if (t && tls_stack(ctx, how.shape, &at) &&
	    calls_pop(t, PT_REGS_SP(ctx) - at.stack.hi, row, &f)) {
		if (f.moves)
			f.buf += at.stack.hi;
		tls_back(ctx, t, &f, how, id);
		if (how.shape == SHAPE_GO)
			tls_part(&f, id >> 32);
	} else if (how.shape == SHAPE_GO && shape_result(ctx, how.shape) > 0) {
		tls_stray(&at.who, row, id >> 32);
	}
	if (t)
		calls_put(&at.who, t);
	return 0;
}
