#include <stdatomic.h>
#include "base/clock.h"
#include "base/limit.h"
#include "base/obj.h"
#include "probe/lane.h"
#include "probe/ring.h"

struct ring {
	unsigned magic;
#define RING_MAGIC 0x51a60001u
	struct ring_opts o;
	struct chunk_sink out;
	struct lane data, ctl;
	const struct abi_cg *cg;
	_Atomic uint64_t *used;
	_Atomic uint64_t *verdict;
	uint64_t utc_off;  /* UTC minus CLOCK_BOOTTIME, of this drain */
	uint64_t goal_ns;  /* what happened before it lies before the goals; CLOCK_BOOTTIME */
	uint64_t clear_ns; /* UTC; 0 = never yet */
};

struct record {
	const void *p;
	uint32_t len;
};

/* ---- mapping -------------------------------------------------------------------------------- */

static int rows_map(struct ring *r)
{
	void *p = NULL;
	int e;

	e = lane_map(r->o.fd[KFD_CG_COUNT], lane_page_up(ABI_CG_SLOTS * sizeof(*r->cg)), PROT_READ,
		     0, &p);
	if (e < 0)
		return e;
	r->cg = p;
	e = lane_map(r->o.fd[KFD_CG_USED], lane_page_up(ABI_CG_SLOTS * sizeof(*r->used)),
		     PROT_READ | PROT_WRITE, 0, &p);
	if (e < 0)
		return e;
	r->used = p;
	e = lane_map(r->o.fd[KFD_VERDICT], lane_page_up(ABI_CONN_SLOTS * sizeof(*r->verdict)),
		     PROT_READ | PROT_WRITE, 0, &p);
	if (e < 0)
		return e;
	r->verdict = p;
	return 0;
}

int ring_new(const struct ring_opts *o, struct chunk_sink out, struct ring **ret)
{
	_cleanup_(ring_free) struct ring *r = obj_new(r, RING_MAGIC);
	int e;

	static_assert(sizeof(struct abi_verdict) == sizeof(*r->verdict),
		      "a verdict is a generation");
	if (!r)
		return -ENOMEM;
	r->o = *o;
	r->out = out;
	e = lane_init(&r->data, o->fd[KFD_DATA]);
	if (e == 0)
		e = lane_init(&r->ctl, o->fd[KFD_CTL]);
	if (e == 0)
		e = rows_map(r);
	if (e < 0)
		return e;
	*ret = take(r);
	return 0;
}

void ring_free(struct ring **ptr)
{
	struct ring *r = obj_take(ptr, RING_MAGIC);

	if (!r)
		return;
	lane_done(&r->data);
	lane_done(&r->ctl);
	lane_unmap(r->cg, lane_page_up(ABI_CG_SLOTS * sizeof(*r->cg)));
	lane_unmap((const void *)r->used, lane_page_up(ABI_CG_SLOTS * sizeof(*r->used)));
	lane_unmap((const void *)r->verdict, lane_page_up(ABI_CONN_SLOTS * sizeof(*r->verdict)));
	mem_free(r);
}

int ring_poll_fd(const struct ring *r, enum kfd which)
{
	obj_check(r, RING_MAGIC);
	return which == KFD_CTL ? r->ctl.fd : r->data.fd;
}

/* ---- records -------------------------------------------------------------------------------- */

/* Positions are multiples of 8, or the kernel is not one. */
static uint64_t lane_end(const struct lane *l)
{
	return atomic_load_explicit(l->producer, memory_order_acquire) &
	       ~(uint64_t)(RING_ALIGN - 1);
}

static bool bad(const struct ring *r)
{
	count_add(r->o.counters, BAD_RECORDS, 1);
	return false;
}

static void lane_to(struct lane *l, uint64_t at)
{
	/* Sequentially consistent: the kernel wakes us only when it sees that we were at its record, and we look
	 * at the producer again after this. */
	atomic_store(l->consumer, at);
	l->at = at;
}

enum step { STEP_NONE, STEP_RECORD, STEP_SKIP };

/* The next record below the goal. It stays in place until lane_to(*ret_next). */
static enum step lane_next(const struct ring *r, struct lane *l, struct record *ret,
			   uint64_t *ret_next)
{
	const char *head = l->data + (l->at & (l->size - 1));
	uint64_t left = l->goal - l->at;
	uint32_t len;

	if (!left)
		return STEP_NONE;
	if (left > l->size) { /* no kernel does this; start again where it says */
		bad(r);
		*ret_next = l->goal;
		return STEP_SKIP;
	}
	len = atomic_load_explicit((const _Atomic uint32_t *)(const void *)head,
				   memory_order_acquire);
	if (len & RING_BUSY)
		return STEP_NONE;
	ret->len = len & ~(RING_BUSY | RING_DISCARD);
	ret->p = head + ABI_RING_HEAD;
	*ret_next = l->at + ABI_RING_HEAD +
		    ((uint64_t)ret->len + RING_ALIGN - 1) / RING_ALIGN * RING_ALIGN;
	if (*ret_next - l->at > left) {
		/* No length to go on by: what lies before the goal is lost. */
		bad(r);
		*ret_next = l->goal;
		return STEP_SKIP;
	}
	return len & RING_DISCARD ? STEP_SKIP : STEP_RECORD;
}

static bool data_valid(const struct ring *r, const struct abi_data *d, uint32_t len)
{
	uint64_t charge =
		ABI_RING_HEAD + ((uint64_t)len + RING_ALIGN - 1) / RING_ALIGN * RING_ALIGN;

	if (len < sizeof(*d) || d->type != ABI_DATA || d->size > len - sizeof(*d) ||
	    d->size > LIMIT_CHUNK_BYTES)
		return bad(r);
	if (d->gen < ABI_GEN_STEP || ABI_GEN_SLOT(d->gen) != d->conn_slot ||
	    d->cg_slot >= ABI_CG_SLOTS || d->charge != charge)
		return bad(r);
	if (d->dir > DIR_IN || d->row >= TLS_COUNT || d->off > OFF_UNKNOWN - 1 - d->size)
		return bad(r);
	return true;
}

static int data_out(struct ring *r, const struct abi_data *d)
{
	struct chunk c = { .from = { .gen = d->gen,
				     .obj = d->obj,
				     .cgroup = d->cgroup,
				     .start_ns = d->start_ns,
				     .tgid = d->tgid,
				     .uid = d->uid,
				     .target = d->target,
				     .row = d->row,
				     .cg_slot = d->cg_slot },
			   .at_ns = d->at_ns + r->utc_off,
			   .end = END_NONE,
			   .dir = (enum flow_dir)d->dir,
			   .off = d->off,
			   .bytes = { (const char *)(d + 1), d->size },
			   .final = { OFF_UNKNOWN, OFF_UNKNOWN } };

	static_assert(sizeof(c.from.comm) == ABI_COMM, "comm");
	memcpy(c.from.comm, d->comm, ABI_COMM);
	if (!d->size) {
		if (r->o.unread)
			r->o.unread(r->o.ctx, &c);
		return 0;
	}
	count_add(r->o.counters, CHUNKS, 1);
	count_add(r->o.counters, CHUNK_BYTES, d->size);
	return chunk_put(r->out, &c);
}

static int data_apply(struct ring *r, struct record rec, uint64_t next)
{
	const struct abi_data *d = rec.p;
	uint32_t slot, charge;
	int e;

	if (!data_valid(r, d, rec.len)) {
		lane_to(&r->data, next);
		return 0;
	}
	e = data_out(r, d);
	slot = d->cg_slot;
	charge = d->charge;
	/* The record may be overwritten from here on. Room first, then the leave to use it. */
	lane_to(&r->data, next);
	atomic_fetch_add_explicit(&r->used[slot], charge, memory_order_release);
	return e;
}

static bool end_valid(const struct ring *r, const struct abi_end *d, uint32_t len)
{
	bool process = d->type == ABI_EXIT || d->type == ABI_EXEC;

	if (len < (d->type == ABI_EXEC ? sizeof(*d) : ABI_END_BYTES))
		return bad(r);
	if (d->dir > DIR_IN || d->cg_slot >= ABI_CG_SLOTS || d->conn_slot >= ABI_CONN_SLOTS)
		return bad(r);
	if (process ? d->gen != 0 : d->gen < ABI_GEN_STEP || ABI_GEN_SLOT(d->gen) != d->conn_slot)
		return bad(r);
	if (d->final[0] == OFF_UNKNOWN || d->final[1] == OFF_UNKNOWN)
		return bad(r);
	return true;
}

static enum flow_end end_of(uint32_t type)
{
	switch (type) {
	case ABI_EOF:
		return END_EOF;
	case ABI_EXIT:
		return END_EXIT;
	case ABI_EXEC:
		return END_EXEC;
	default:
		return END_FREE;
	}
}

static struct str text_of(const char *p, size_t room)
{
	return (struct str){ p, strnlen(p, room) };
}

static int end_apply(struct ring *r, const struct abi_end *d)
{
	bool process = d->type == ABI_EXIT || d->type == ABI_EXEC;
	struct chunk c = { .from = { .gen = d->gen,
				     .obj = d->obj,
				     .cgroup = d->cgroup,
				     .start_ns = d->start_ns,
				     .tgid = d->tgid,
				     .uid = d->uid,
				     .cg_slot = d->cg_slot },
			   .at_ns = d->at_ns + r->utc_off,
			   .end = end_of(d->type),
			   .dir = (enum flow_dir)d->dir };
	int e;

	memcpy(c.from.comm, d->comm, ABI_COMM);
	c.final[0] = process ? OFF_UNKNOWN : d->final[0];
	c.final[1] = process ? OFF_UNKNOWN : d->final[1];
	c.off = process ? 0 : d->final[d->dir];
	e = chunk_put(r->out, &c);
	if (e == 0 && d->type == ABI_EXEC && r->o.exec)
		r->o.exec(r->o.ctx, d->tgid, d->start_ns, text_of(d->path, ABI_PATH));
	return e;
}

static void sock_apply(struct ring *r, const struct abi_sock *d, uint32_t len)
{
	if (len < sizeof(*d) || d->size > len - sizeof(*d) || d->size > ABI_HELLO_MAX)
		(void)bad(r);
	else if (r->o.sock)
		r->o.sock(r->o.ctx, d, (struct str){ (const char *)(d + 1), d->size });
}

static int ctl_apply(struct ring *r, struct record rec, uint64_t next)
{
	const struct abi_cgroup *g = rec.p;
	const struct abi_end *d = rec.p;
	int e = 0;

	if (rec.len < sizeof(d->type)) {
		bad(r);
	} else if (d->type >= ABI_FREE && d->type <= ABI_EXEC) {
		if (rec.len < ABI_END_BYTES)
			bad(r);
		else if (end_valid(r, d, rec.len))
			e = end_apply(r, d);
	} else if (d->type >= ABI_HELLO && d->type <= ABI_SHUT) {
		sock_apply(r, rec.p, rec.len);
	} else if (d->type != ABI_CGROUP || rec.len < sizeof(*g)) {
		bad(r);
	} else if (r->o.cgroup) {
		r->o.cgroup(r->o.ctx, g->cgroup, text_of(g->path, ABI_PATH));
	}
	lane_to(&r->ctl, next);
	return e;
}

/* ---- draining ------------------------------------------------------------------------------- */

static int lane_drain(struct ring *r, struct lane *l,
		      int (*apply)(struct ring *r, struct record rec, uint64_t next), size_t max,
		      size_t *done)
{
	struct record rec;
	enum step step;
	uint64_t next;
	int e;

	while (*done < max) {
		step = lane_next(r, l, &rec, &next);
		if (step == STEP_NONE)
			break;
		++*done;
		if (step == STEP_SKIP) {
			lane_to(l, next);
			continue;
		}
		e = apply(r, rec, next);
		if (e < 0)
			return e;
	}
	return 0;
}

/* Names of cgroups come ahead of the data: a call may be over before their turn. Then they come again. */
static void names(struct ring *r)
{
	struct lane peek = r->ctl;
	struct record rec;
	enum step step;
	uint64_t next;

	while ((step = lane_next(r, &peek, &rec, &next)) != STEP_NONE) {
		const struct abi_cgroup *g = rec.p;

		if (r->o.cgroup && step == STEP_RECORD && rec.len >= sizeof(*g) &&
		    g->type == ABI_CGROUP)
			r->o.cgroup(r->o.ctx, g->cgroup, text_of(g->path, ABI_PATH));
		peek.at = next;
	}
}

/* A control record below its goal was submitted after all of its data were reserved; the data goal is read
 * later, so it lies beyond them. The clock is read first: what happened before is below both goals, because the
 * kernel takes the time after the place in the ring. */
static void goals(struct ring *r)
{
	r->goal_ns = clock_boot_ns();
	r->ctl.goal = lane_end(&r->ctl);
	r->data.goal = lane_end(&r->data);
	names(r);
}

int ring_drain(struct ring *r, size_t max, size_t *ret_done)
{
	size_t done = 0, before;
	int e;

	obj_check(r, RING_MAGIC);
	r->utc_off = clock_utc_ns() - clock_boot_ns();
	do {
		before = done;
		if (r->data.at == r->data.goal && r->ctl.at == r->ctl.goal)
			goals(r);
		e = lane_drain(r, &r->data, data_apply, max, &done);
		if (e == 0 && r->data.at == r->data.goal)
			e = lane_drain(r, &r->ctl, ctl_apply, max, &done);
		if (e < 0)
			return e;
		if (r->data.at == r->data.goal && r->ctl.at == r->ctl.goal)
			r->clear_ns = r->goal_ns + r->utc_off;
	} while (done != before && done < max);
	*ret_done = done;
	return 0;
}

uint64_t ring_clear_until(const struct ring *r)
{
	obj_check(r, RING_MAGIC);
	return r->clear_ns;
}

struct ring_mark ring_mark(const struct ring *r)
{
	obj_check(r, RING_MAGIC);
	return (struct ring_mark){ lane_end(&r->data), lane_end(&r->ctl) };
}

bool ring_passed(const struct ring *r, struct ring_mark m)
{
	obj_check(r, RING_MAGIC);
	return r->data.at >= m.data && r->ctl.at >= m.ctl;
}

void ring_ignore(struct ring *r, uint64_t gen)
{
	obj_check(r, RING_MAGIC);
	atomic_store_explicit(&r->verdict[ABI_GEN_SLOT(gen)], gen, memory_order_relaxed);
}

const struct abi_cg *ring_cg(const struct ring *r, uint32_t i)
{
	uint32_t end = ABI_CG_SLOTS;

	obj_check(r, RING_MAGIC);
	if (i >= ABI_CG_SLOTS)
		return NULL;
	if (i == 0 || r->cg[i].cgroup)
		return &r->cg[i];
	/* An unused row: a hole when a later one is used. */
	while (end > i + 1 && !r->cg[end - 1].cgroup)
		end--;
	return end > i + 1 ? &r->cg[i] : NULL;
}
