/* order.c -- a connection has, for each direction, the offset that comes next and a list of what lies beyond it: sorted,
 * without overlap. Nearly every chunk finds the list empty and passes uncopied. */
#include <utlist.h>
#include "base/clock.h"
#include "base/limit.h"
#include "base/table.h"
#include "probe/kernel.h"
#include "probe/order.h"

enum {
#define SKIP(name, text, words) ORDER_SKIP_##name,
#include "tbl/skip.h"
#undef SKIP
};

struct held {
	struct origin from;
	uint64_t at_ns, off;
	size_t n;
	struct held *prev, *next;
	char bytes[];
};

struct stream { /* one direction */
	uint64_t next;
	struct held *held;
	bool ended; /* `end` waits for its offset */
	struct chunk end;
};

struct path { /* one connection */
	unsigned magic;
#define PATH_MAGIC 0x0de40002u
	uint64_t gen;
	struct stream dir[2];
	size_t bytes;
	unsigned count; /* held, both directions */
	bool waiting;   /* is in the list of those that hold something */
	struct path *prev, *next;
	UT_hash_handle hh; /* in order of arrival */
};

struct order {
	unsigned magic;
#define ORDER_MAGIC 0x0de40001u
	struct order_opts o;
	struct chunk_sink out;
	struct path *paths, *waiting;
	size_t bytes;
};

int order_new(const struct order_opts *opts, struct chunk_sink out, struct order **ret)
{
	struct order *o = obj_new(o, ORDER_MAGIC);

	if (!o)
		return -ENOMEM;
	o->o = *opts;
	o->out = out;
	*ret = o;
	return 0;
}

static void stale(struct order *o, const struct origin *from, size_t bytes)
{
	if (o->o.skipped && bytes)
		o->o.skipped(o->o.ctx, from, ORDER_SKIP_STALE, bytes);
}

static size_t cost(const struct held *h)
{
	return sizeof(*h) + h->n;
}

static bool holds(const struct path *p)
{
	return p->count || p->dir[0].ended || p->dir[1].ended;
}

/* ---- paths ---------------------------------------------------------------------------------- */

static struct path *path_find(struct order *o, uint64_t gen)
{
	struct path *p;

	HASH_FIND(hh, o->paths, &gen, sizeof(gen), p);
	return p;
}

/* In the list of those that wait if, and only if, something does. */
static void path_settle(struct order *o, struct path *p)
{
	if (holds(p) == p->waiting)
		return;
	p->waiting = !p->waiting;
	if (p->waiting)
		DL_APPEND(o->waiting, p);
	else
		DL_DELETE(o->waiting, p);
}

static void held_drop(struct order *o, struct path *p, struct stream *s, struct held *h)
{
	DL_DELETE(s->held, h);
	p->bytes -= cost(h);
	o->bytes -= cost(h);
	p->count--;
	mem_free(h);
}

static void path_drop(struct order *o, struct path *p)
{
	if (p->waiting)
		DL_DELETE(o->waiting, p);
	HASH_DEL(o->paths, p);
	p->magic = ~PATH_MAGIC;
	mem_free(p);
}

/* ---- handing on ----------------------------------------------------------------------------- */

static int order_pass(struct order *o, struct held *h, enum flow_dir dir)
{
	struct chunk c = { .from = h->from,
			   .at_ns = h->at_ns,
			   .dir = dir,
			   .off = h->off,
			   .bytes = { h->bytes, h->n },
			   .final = { OFF_UNKNOWN, OFF_UNKNOWN } };

	return chunk_put(o->out, &c);
}

/* What has come into order; with `over`, all of it: then holes stay. */
static int order_release(struct order *o, struct path *p, enum flow_dir dir, bool over)
{
	struct stream *s = &p->dir[dir];
	int last = 0, r;

	while (s->held && (over || s->held->off == s->next)) {
		struct held *h = s->held;

		s->next = h->off + h->n;
		r = order_pass(o, h, dir);
		last = r < 0 ? r : last;
		held_drop(o, p, s, h);
	}
	if (s->ended && (over || s->next >= s->end.final[dir])) {
		s->ended = false;
		r = chunk_put(o->out, &s->end);
		last = r < 0 ? r : last;
	}
	return last;
}

static int path_over(struct order *o, struct path *p)
{
	int out = order_release(o, p, DIR_OUT, true), in = order_release(o, p, DIR_IN, true);

	path_settle(o, p);
	return in < 0 ? in : out;
}

/* ---- data ----------------------------------------------------------------------------------- */

static bool path_full(struct order *o, const struct path *p)
{
	if (p->count > LIMIT_ORDER_SEGMENTS)
		count_limit(o->o.counters, ORDER_SEGMENTS);
	else if (p->bytes > LIMIT_ORDER_BYTES)
		count_limit(o->o.counters, ORDER_BYTES);
	else if (o->bytes > LIMIT_ORDER_ALL)
		count_limit(o->o.counters, ORDER_ALL);
	else
		return false;
	return true;
}

/* The table is full: the one that was opened longest ago goes on unordered. */
static int path_get(struct order *o, uint64_t gen, struct path **ret)
{
	struct path *p = path_find(o, gen);
	int r = 0;

	*ret = p;
	if (p)
		return 0;
	if (HASH_COUNT(o->paths) >= LIMIT_CONNS) {
		count_limit(o->o.counters, CONNS);
		r = path_over(o, o->paths);
		path_drop(o, o->paths);
	}
	p = obj_new(p, PATH_MAGIC);
	if (!p)
		return -ENOMEM;
	p->gen = gen;
	HASH_ADD(hh, o->paths, gen, sizeof(p->gen), p);
	if (!p->hh.tbl) {
		mem_free(p);
		return -ENOMEM;
	}
	*ret = p;
	return r;
}

/* Holds bytes that overlap nothing, before `at` (NULL: at the end). */
static int hold(struct order *o, struct path *p, const struct chunk *in, uint64_t off,
		struct str bytes, struct held *at)
{
	struct stream *s = &p->dir[in->dir];
	struct held *h = mem_zero(1, sizeof(*h) + bytes.n);

	if (!h)
		return -ENOMEM;
	h->from = in->from;
	h->at_ns = in->at_ns;
	h->off = off;
	h->n = bytes.n;
	memcpy(h->bytes, bytes.p, bytes.n);
	if (at)
		DL_PREPEND_ELEM(s->held, at, h);
	else
		DL_APPEND(s->held, h);
	p->bytes += cost(h);
	o->bytes += cost(h);
	p->count++;
	return 0;
}

/* Holds what is new of the chunk. */
static int hold_new(struct order *o, struct path *p, const struct chunk *in, uint64_t off,
		    struct str bytes)
{
	struct stream *s = &p->dir[in->dir];
	struct held *h = s->held;
	int r = 0;

	/* the usual one lies beyond all others */
	if (h && h->prev->off + h->prev->n <= off)
		h = NULL;
	while (r == 0 && bytes.n) {
		size_t n = bytes.n;

		while (h && h->off + h->n <= off)
			h = h->next;
		if (h && h->off <= off) {
			n = MIN(n, h->off + h->n - off);
			stale(o, &in->from, n);
		} else {
			if (h)
				n = MIN(n, h->off - off);
			r = hold(o, p, in, off, str_head(bytes, n), h);
		}
		if (r < 0)
			break;
		off += n;
		bytes = str_skip(bytes, n);
	}
	if (r < 0) /* no memory: in order as far as it goes, and conn says what is a hole */
		stale(o, &in->from, bytes.n);
	return r;
}

static int order_data(struct order *o, const struct chunk *in)
{
	struct str bytes = in->bytes;
	uint64_t off = in->off, end;
	struct stream *s;
	struct path *p;
	int r, late;

	if (__builtin_add_overflow(off, bytes.n, &end))
		return chunk_put(o->out, in);
	late = path_get(o, in->from.gen, &p);
	if (!p) {
		r = chunk_put(o->out, in);
		return r < 0 ? r : late;
	}
	s = &p->dir[in->dir];
	if (!s->held && off == s->next) {
		s->next = end;
		r = chunk_put(o->out, in);
	} else {
		size_t past = off < s->next ? MIN(bytes.n, s->next - off) : 0;

		stale(o, &in->from, past);
		r = hold_new(o, p, in, off + past, str_skip(bytes, past));
	}
	late = r < 0 ? r : late;
	r = order_release(o, p, in->dir, false);
	late = r < 0 ? r : late;
	if (path_full(o, p)) {
		r = path_over(o, p);
		late = r < 0 ? r : late;
	}
	path_settle(o, p);
	return late;
}

/* ---- ends ----------------------------------------------------------------------------------- */

/* All that a process, or everybody (NULL), holds. */
static int order_over(struct order *o, const struct origin *whose)
{
	struct path *p, *next;
	int last = 0, r;

	DL_FOREACH_SAFE(o->waiting, p, next)
	{
		const struct held *h = p->dir[1].held ? p->dir[1].held : p->dir[0].held;
		const struct origin *from = h ? &h->from : &p->dir[1].end.from;

		if (whose && (from->tgid != whose->tgid || from->start_ns != whose->start_ns))
			continue;
		r = path_over(o, p);
		last = r < 0 ? r : last;
	}
	return last;
}

static int order_end(struct order *o, const struct chunk *in)
{
	bool process = in->end == END_EXIT || in->end == END_EXEC;
	struct path *p = process ? NULL : path_find(o, in->from.gen);
	struct stream *s;
	int held = 0, r;

	if (process)
		held = order_over(o, &in->from);
	if (p && in->end == END_EOF) {
		s = &p->dir[in->dir];
		if (in->final[in->dir] != OFF_UNKNOWN && s->next < in->final[in->dir]) {
			s->ended = true;
			s->end = *in;
			path_settle(o, p);
			return 0;
		}
	} else if (p) {
		held = path_over(o, p);
		path_drop(o, p);
	}
	r = chunk_put(o->out, in);
	return r < 0 ? r : held;
}

int order_feed(struct order *o, const struct chunk *in)
{
	obj_check(o, ORDER_MAGIC);
	if (in->end != END_NONE)
		return order_end(o, in);
	if (in->from.row != TLS_PLAIN || !in->bytes.n)
		return chunk_put(o->out, in);
	return order_data(o, in);
}

int order_tick(struct order *o, uint64_t clear_ns)
{
	struct path *p, *next;
	int last = 0, r;

	obj_check(o, ORDER_MAGIC);
	DL_FOREACH_SAFE(o->waiting, p, next)
	{
		uint64_t since = UINT64_MAX;

		for (int dir = DIR_OUT; dir <= DIR_IN; dir++) {
			struct stream *s = &p->dir[dir];

			if (s->held)
				since = MIN(since, s->held->at_ns);
			else if (s->ended)
				since = MIN(since, s->end.at_ns);
		}
		if (clear_ns < since || clear_ns - since < LIMIT_ORDER_WAIT_MS * 1000000ull)
			continue;
		count_limit(o->o.counters, ORDER_WAIT_MS);
		r = path_over(o, p);
		last = r < 0 ? r : last;
	}
	return last;
}

int order_flush(struct order *o)
{
	obj_check(o, ORDER_MAGIC);
	return order_over(o, NULL);
}

size_t order_held(const struct order *o)
{
	obj_check(o, ORDER_MAGIC);
	return o->bytes;
}

void order_free(struct order **po)
{
	struct order *o = obj_take(po, ORDER_MAGIC);
	struct path *p, *next;

	if (!o)
		return;
	HASH_ITER (hh, o->paths, p, next) {
		for (int dir = DIR_OUT; dir <= DIR_IN; dir++)
			while (p->dir[dir].held)
				held_drop(o, p, &p->dir[dir], p->dir[dir].held);
		path_drop(o, p);
	}
	mem_free(o);
}
