/* conn.c -- one table by generation, and one by process so that an exit need not search. */
#include <utlist.h>
#include "base/limit.h"
#include "base/table.h"
#include "conn/conn.h"

enum {
#define SKIP(name, text, words) CONN_SKIP_##name,
#include "tbl/skip.h"
#undef SKIP
};

struct process_key {
	uint64_t start_ns;
	uint64_t tgid; /* 64 bits wide: no padding in a hashed key */
};

struct process {
	unsigned magic;
#define PROCESS_MAGIC 0xc0440002u
	struct process_key key;
	struct link *links; /* in the order in which they were first seen */
	UT_hash_handle hh;
};

struct group { /* the connections of one cgroup: those of others never suffer for them */
	unsigned magic;
#define GROUP_MAGIC 0xc0440004u
	uint64_t id;
	size_t links;
	UT_hash_handle hh;
};

struct link {
	unsigned magic;
#define LINK_MAGIC 0xc0440003u
	struct origin from; /* as of the last chunk; ->gen is the key */
	uint64_t since_ns;  /* of the first chunk */
	uint64_t next[2];   /* offset that is expected in each direction */
	struct process *of;
	struct group *group;      /* where it began, wherever its process goes */
	struct link *prev, *succ; /* among those of its process */
	UT_hash_handle hh;
};

struct conn {
	unsigned magic;
#define CONN_MAGIC 0xc0440001u
	struct conn_opts o;
	struct piece_sink out;
	struct link *links;
	struct process *processes;
	struct group *groups;
};

int conn_new(const struct conn_opts *o, struct piece_sink out, struct conn **ret)
{
	struct conn *c = obj_new(c, CONN_MAGIC);

	if (!c)
		return -ENOMEM;
	c->o = *o;
	c->out = out;
	*ret = c;
	return 0;
}

static void conn_skip(struct conn *c, const struct chunk *in, int why, uint64_t bytes)
{
	if (c->o.skipped && bytes)
		c->o.skipped(c->o.ctx, &in->from, why, bytes);
}

/* ---- the tables ------------------------------------------------------------------------------ */

static struct process_key process_key(const struct origin *from)
{
	return (struct process_key){ .start_ns = from->start_ns, .tgid = from->tgid };
}

static struct process *process_get(struct conn *c, const struct origin *from)
{
	struct process_key key = process_key(from);
	struct process *p;

	HASH_FIND(hh, c->processes, &key, sizeof(key), p);
	if (p)
		return p;
	p = obj_new(p, PROCESS_MAGIC);
	if (!p)
		return NULL;
	p->key = key;
	HASH_ADD(hh, c->processes, key, sizeof(p->key), p);
	if (!p->hh.tbl) {
		mem_free(p);
		return NULL;
	}
	return p;
}

static void process_drop(struct conn *c, struct process *p)
{
	if (p->links)
		return;
	HASH_DELETE(hh, c->processes, p);
	p->magic = ~PROCESS_MAGIC;
	mem_free(p);
}

static struct group *group_get(struct conn *c, uint64_t id)
{
	struct group *g;

	HASH_FIND(hh, c->groups, &id, sizeof(id), g);
	if (g)
		return g;
	g = obj_new(g, GROUP_MAGIC);
	if (!g)
		return NULL;
	g->id = id;
	HASH_ADD(hh, c->groups, id, sizeof(g->id), g);
	if (!g->hh.tbl) {
		mem_free(g);
		return NULL;
	}
	return g;
}

static void group_drop(struct conn *c, struct group *g)
{
	if (g->links)
		return;
	HASH_DELETE(hh, c->groups, g);
	g->magic = ~GROUP_MAGIC;
	mem_free(g);
}

static void link_drop(struct conn *c, struct link *l)
{
	DL_DELETE2(l->of->links, l, prev, succ);
	process_drop(c, l->of);
	l->group->links--;
	group_drop(c, l->group);
	HASH_DELETE(hh, c->links, l);
	l->magic = ~LINK_MAGIC;
	mem_free(l);
	count_add(c->o.counters, CONNS_OPEN, (uint64_t)-1);
}

static struct link *link_find(struct conn *c, uint64_t gen)
{
	struct link *l;

	HASH_FIND(hh, c->links, &gen, sizeof(gen), l);
	return l;
}

static int link_make(struct conn *c, const struct chunk *in, struct process *p, struct group *g,
		     struct link **ret)
{
	struct link *l = obj_new(l, LINK_MAGIC);

	if (!l)
		return -ENOMEM;
	l->from = in->from;
	l->since_ns = in->at_ns;
	l->of = p;
	l->group = g;
	HASH_ADD(hh, c->links, from.gen, sizeof(l->from.gen), l);
	if (!l->hh.tbl) {
		mem_free(l);
		return -ENOMEM;
	}
	DL_APPEND2(p->links, l, prev, succ);
	g->links++;
	count_add(c->o.counters, CONNS, 1);
	count_add(c->o.counters, CONNS_OPEN, 1);
	*ret = l;
	return 0;
}

/* A connection too many: nothing remembers it, so its first byte stands for it. */
static bool link_refused(struct conn *c, const struct chunk *in, const struct group *g)
{
	/* saved traffic has no cgroups (0) */
	bool all = HASH_COUNT(c->links) >= LIMIT_CONNS,
	     own = g->id && g->links >= LIMIT_CGROUP_CONNS;

	if (!(all || own) || in->off != 0 || in->dir != DIR_OUT)
		return all || own;
	count_add(c->o.counters, CONNS_REFUSED, 1);
	if (own)
		count_limit(c->o.counters, CGROUP_CONNS);
	else
		count_limit(c->o.counters, CONNS);
	return true;
}

/* 0 without *ret: refused. */
static int link_new(struct conn *c, const struct chunk *in, struct link **ret)
{
	struct group *g = group_get(c, in->from.cgroup);
	struct process *p;
	int r = 0;

	if (!g)
		return -ENOMEM;
	if (!link_refused(c, in, g)) {
		p = process_get(c, &in->from);
		r = p ? link_make(c, in, p, g, ret) : -ENOMEM;
		if (p)
			process_drop(c, p); /* if it came to nothing */
	}
	group_drop(c, g);
	return r;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static int conn_gap(struct conn *c, struct link *l, enum flow_dir dir, uint64_t upto,
		    uint64_t at_ns)
{
	struct piece p = { .from = &l->from, .at_ns = at_ns, .kind = PIECE_GAP, .dir = dir };

	if (upto == OFF_UNKNOWN || upto <= l->next[dir])
		return 0;
	p.off = l->next[dir];
	p.gap = upto - p.off;
	l->next[dir] = upto;
	count_add(c->o.counters, GAPS, 1);
	count_add(c->o.counters, GAP_BYTES, p.gap);
	return piece_put(c->out, &p);
}

static int conn_data(struct conn *c, const struct chunk *in)
{
	struct link *l = link_find(c, in->from.gen);
	struct piece p = { .at_ns = in->at_ns, .kind = PIECE_BYTES, .dir = in->dir };
	uint64_t end, stale;
	int r, gap;

	if (__builtin_add_overflow(in->off, in->bytes.n, &end) || end == OFF_UNKNOWN) {
		conn_skip(c, in, CONN_SKIP_STALE, in->bytes.n);
		return 0;
	}
	if (!l) {
		r = link_new(c, in, &l);
		if (!l) {
			conn_skip(c, in, CONN_SKIP_REFUSED, in->bytes.n);
			return r;
		}
	}
	l->from.cgroup = in->from.cgroup; /* a process may move; its identity may not */
	l->from.cg_slot = in->from.cg_slot;
	memcpy(l->from.comm, in->from.comm, sizeof(l->from.comm));
	gap = conn_gap(c, l, in->dir, in->off, in->at_ns);
	stale = MIN(l->next[in->dir] - in->off, in->bytes.n);
	conn_skip(c, in, CONN_SKIP_STALE, stale);
	p.bytes = str_skip(in->bytes, stale);
	if (!p.bytes.n)
		return gap;
	p.from = &in->from;
	p.off = l->next[in->dir];
	l->next[in->dir] = end;
	r = piece_put(c->out, &p);
	return gap < 0 ? gap : r;
}

/* The whole connection is over; the first error is returned, the rest is done all the same. */
static int conn_over(struct conn *c, struct link *l, enum flow_end end, uint64_t at_ns,
		     const uint64_t final[2])
{
	struct piece p = { .from = &l->from, .at_ns = at_ns, .kind = PIECE_END, .end = end };
	int first = 0, r;

	for (int dir = DIR_OUT; dir <= DIR_IN; dir++) {
		r = final ? conn_gap(c, l, dir, final[dir], at_ns) : 0;
		first = first < 0 ? first : r;
	}
	r = piece_put(c->out, &p);
	link_drop(c, l);
	return first < 0 ? first : r;
}

static int conn_process_over(struct conn *c, const struct chunk *in)
{
	struct process_key key = process_key(&in->from);
	struct process *p;
	struct link *l, *next;
	int first = 0;

	if (!key.tgid) /* the unknown process of many connections does not end */
		return 0;
	HASH_FIND(hh, c->processes, &key, sizeof(key), p);
	if (!p)
		return 0;
	/* link_drop() of the last one frees p: nothing of it is read after that */
	for (l = p->links; l; l = next) {
		int r;

		next = l->succ;
		/* what the new program has sent may come before the news of its start */
		if (in->end == END_EXEC && l->since_ns >= in->at_ns)
			continue;
		r = conn_over(c, l, in->end, in->at_ns,
			      l->from.gen == in->from.gen ? in->final : NULL);
		first = first < 0 ? first : r;
	}
	return first;
}

/* What its probes saw ends; it may go on by others of the same file, or unseen. */
static int conn_target_over(struct conn *c, const struct chunk *in)
{
	struct link *l, *next;
	int first = 0;

	HASH_ITER (hh, c->links, l, next) {
		int r = l->from.target == in->from.target
				? conn_over(c, l, END_STOP, in->at_ns, NULL)
				: 0;

		first = first < 0 ? first : r;
	}
	return first;
}

static int conn_eof(struct conn *c, struct link *l, const struct chunk *in)
{
	struct piece p = { .from = &l->from,
			   .at_ns = in->at_ns,
			   .kind = PIECE_END,
			   .end = END_EOF,
			   .dir = in->dir };
	int gap = conn_gap(c, l, in->dir, in->final[in->dir], in->at_ns), r;

	p.off = l->next[in->dir];
	r = piece_put(c->out, &p);
	return gap < 0 ? gap : r;
}

int conn_feed(struct conn *c, const struct chunk *in)
{
	struct link *l;

	obj_check(c, CONN_MAGIC);
	if (in->end == END_NONE)
		return in->bytes.n ? conn_data(c, in) : 0;
	if (in->end == END_EXEC || in->end == END_EXIT)
		return conn_process_over(c, in);
	if (in->end == END_STOP && in->from.target)
		return conn_target_over(c, in);
	l = link_find(c, in->from.gen);
	if (!l)
		return 0;
	if (in->end == END_EOF)
		return conn_eof(c, l, in);
	return conn_over(c, l, in->end, in->at_ns, in->final);
}

int conn_flush(struct conn *c, uint64_t now_ns)
{
	struct link *l, *next;
	int first = 0;

	obj_check(c, CONN_MAGIC);
	HASH_ITER (hh, c->links, l, next) {
		int r = conn_over(c, l, END_STOP, now_ns, NULL);

		first = first < 0 ? first : r;
	}
	return first;
}

void conn_free(struct conn **pc)
{
	struct conn *c = obj_take(pc, CONN_MAGIC);
	struct link *l, *next;

	if (!c)
		return;
	HASH_ITER (hh, c->links, l, next)
		link_drop(c, l);
	mem_free(c);
}
