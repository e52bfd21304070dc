#include <arpa/inet.h>
#include <stdio.h>
#include <utlist.h>
#include "app/cover_row.h"
#include "app/cover_text.h"
#include "base/limit.h"
#include "base/table.h"
#include "conn/hello.h"
#include "probe/kernel.h"

#define SLIP_NS 10000000ull /* between two readings of the clocks */

struct line { /* a TLS connection, as the kernel knows it */
	uint64_t cookie, at_ns;
	uint64_t spent_ns, closed_ns; /* when a request may have gone; when it ended; 0 = not yet */
	char *host;
	struct board_host *llm; /* NULL: not an LLM host */
	bool found;
	bool counted; /* as unmetered */
	struct talk *talk;
	struct person *of;
	struct line *prev, *next;    /* of its process */
	struct line *before, *after; /* of those that wait for plaintext, by spent_ns */
	UT_hash_handle hh;
};

struct talk { /* a connection, as the probes know it */
	uint64_t gen, at_ns;
	uint64_t sent_ns, over_ns; /* the last that was sent; when its line ended, 0 = not yet */
	uint32_t row;
	char *host; /* NULL: not told */
	struct line *line;
	bool found, again;
	struct person *of;
	struct talk *prev, *next;
	UT_hash_handle hh;
};

struct person { /* a process */
	struct person_key {
		uint64_t start_ns, tgid, cgroup; /* cgroup: only of unknown processes */
	} key;
	struct board_process *row;
	struct line *lines;
	struct talk *talks;
	struct origin from;
	UT_hash_handle hh;
};

struct cover {
	unsigned magic;
#define COVER_MAGIC 0xc0fe0001u
	struct cover_opts o;
	struct person *persons;
	struct line *lines, *waiting;
	struct talk *talks;
	bool used[BOARD_PROCESSES];
};

#define BUMP(c, p, h, name, by)                                                                  \
	do {                                                                                     \
		__atomic_fetch_add(&(p)->row->name, (uint64_t)(by), __ATOMIC_RELAXED);           \
		__atomic_fetch_add(&(h)->name, (uint64_t)(by), __ATOMIC_RELAXED);                \
		__atomic_fetch_add(&(c)->o.board->cover.name, (uint64_t)(by), __ATOMIC_RELAXED); \
	} while (0)

static void refuse(struct cover *c)
{
	__atomic_fetch_add(&c->o.board->cover.refused, 1, __ATOMIC_RELAXED);
}

/* ---- rows on the board ----------------------------------------------------------------------- */

int cover_new(const struct cover_opts *o, struct cover **ret)
{
	struct cover *c = obj_new(c, COVER_MAGIC);

	static_assert(TLS_COUNT <= BOARD_ROWS, "a counter for each");
	if (!c)
		return -ENOMEM;
	c->o = *o;
	/* of a meter before us: what it knew of them is gone */
	for (size_t i = 0; i < BOARD_PROCESSES; i++)
		cover_row_new(&o->board->process[i], &(struct origin){ 0 }, 0);
	*ret = c;
	return 0;
}

/* Its owner and its program may become known after its first connection. */
static void row_who(struct cover *c, struct person *p, struct cover_who *ret)
{
	*ret = (struct cover_who){ 0 };
	c->o.who(c->o.ctx, &p->from, ret);
	cover_row_who(p->row, p->from.comm, ret);
}

/* Why there is no plaintext of what was sent at that time. */
static void row_why(struct cover *c, struct person *p, const char *host, uint64_t at_ns,
		    const char *why)
{
	char said[sizeof(p->row->why)];
	struct cover_who who;

	row_who(c, p, &who);
	if (!why) {
		cover_why(c->o.board, &who, at_ns, said, sizeof(said));
		why = said;
	}
	cover_row_why(p->row, host, why);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void line_still(struct cover *c, struct line *l)
{
	if (l->before)
		DL_DELETE2(c->waiting, l, before, after);
	l->before = l->after = NULL;
}

static void line_drop(struct cover *c, struct line *l)
{
	line_still(c, l);
	if (l->talk)
		l->talk->line = NULL;
	DL_DELETE(l->of->lines, l);
	HASH_DEL(c->lines, l);
	mem_free(l->host);
	mem_free(l);
}

static void talk_drop(struct cover *c, struct talk *t)
{
	if (t->line)
		t->line->talk = NULL;
	DL_DELETE(t->of->talks, t);
	HASH_DEL(c->talks, t);
	mem_free(t->host);
	mem_free(t);
}

static void person_drop(struct cover *c, struct person *p)
{
	struct talk *t, *t_next;
	struct line *l, *l_next;

	DL_FOREACH_SAFE(p->lines, l, l_next)
	line_drop(c, l);
	DL_FOREACH_SAFE(p->talks, t, t_next)
	talk_drop(c, t);
	c->used[p->row - c->o.board->process] = false;
	HASH_DEL(c->persons, p);
	mem_free(p);
}

/* A free row, or that of the process that was quiet longest; one with something unmetered goes last. */
static struct board_process *row_get(struct cover *c)
{
	struct person *p, *next, *oldest = NULL;
	struct board_process *row;

	for (size_t i = 0; i < BOARD_PROCESSES && HASH_COUNT(c->persons) < BOARD_PROCESSES; i++)
		if (!c->used[i])
			return &c->o.board->process[i];
	HASH_ITER (hh, c->persons, p, next)
		if (!oldest || (p->row->unmetered != 0) < (oldest->row->unmetered != 0) ||
		    ((p->row->unmetered != 0) == (oldest->row->unmetered != 0) &&
		     p->row->last_ns < oldest->row->last_ns))
			oldest = p;
	row = oldest->row;
	person_drop(c, oldest);
	__atomic_fetch_add(&c->o.board->cover.forgotten, 1, __ATOMIC_RELAXED);
	return row;
}

static struct person *person_get(struct cover *c, const struct origin *from, uint64_t at_ns)
{
	struct person_key key = { from->start_ns, from->tgid, from->tgid ? 0 : from->cgroup };
	struct board_process *row;
	struct cover_who who;
	struct person *p;

	HASH_FIND(hh, c->persons, &key, sizeof(key), p);
	if (!p) {
		p = mem_zero(1, sizeof(*p));
		if (!p)
			return NULL;
		p->key = key;
		row = p->row = row_get(c);
		HASH_ADD(hh, c->persons, key, sizeof(key), p);
		if (!p->hh.tbl) {
			mem_free(p);
			return NULL;
		}
		p->from = *from;
		c->used[row - c->o.board->process] = true;
		cover_row_new(row, from, at_ns);
		row_who(c, p, &who);
	}
	p->from = *from;
	p->row->last_ns = MAX(p->row->last_ns, at_ns);
	return p;
}

static bool fits(const struct line *l, const struct talk *t)
{
	/* what was said before there was the connection was said on another */
	return t->at_ns + SLIP_NS >= l->at_ns &&
	       (!t->host || !l->host || str_ieq(str_of(t->host), str_of(l->host)));
}

static bool suits(const struct line *l, const struct talk *t)
{
	return !l->found && !t->found && fits(l, t);
}

/* Has it sent something since its connection ended? Not every library says that one of its objects is gone: at the same address
 * the next one goes on, over another connection. */
static bool talk_again(struct talk *t)
{
	if (!t->over_ns || t->sent_ns <= t->over_ns)
		return false;
	t->at_ns = t->sent_ns;
	t->over_ns = 0;
	t->found = false;
	t->again = true;
	mem_free(t->host);
	t->host = NULL;
	return true;
}

/* It is closed, and what is to be said of it was said. Returns whether its plaintext goes on. */
static bool line_end(struct cover *c, struct line *l)
{
	struct talk *t = l->talk;

	if (t)
		t->over_ns = l->closed_ns;
	line_drop(c, l);
	return t && talk_again(t);
}

static void pair(struct cover *c, struct line *l, struct talk *t)
{
	l->found = t->found = true;
	l->talk = t;
	t->line = l;
	if (t->again)
		__atomic_fetch_add(&t->of->row->seen[t->row], 1, __ATOMIC_RELAXED);
	t->again = false;
	line_still(c, l);
	if (l->llm) {
		BUMP(c, l->of, l->llm, metered, 1);
		if (l->counted)
			BUMP(c, l->of, l->llm, unmetered, -1);
	}
	if (l->closed_ns)
		line_end(c, l);
}

/* Programs open connections ahead: what has sent next to nothing leaves its plaintext to another. */
static bool line_yield(struct cover *c, struct line *l, struct line *to)
{
	struct talk *t = l->talk;

	if (l->spent_ns || !t || to->found || !fits(to, t))
		return false;
	if (l->llm)
		BUMP(c, l->of, l->llm, metered, -1);
	l->found = l->counted = false;
	l->talk = NULL;
	pair(c, to, t);
	return true;
}

/* The oldest that suits it; where that one is closed already, perhaps the next as well. */
static void talk_pair(struct cover *c, struct talk *t)
{
	struct line *l, *next;

	DL_FOREACH_SAFE(t->of->lines, l, next)
	if (suits(l, t))
		pair(c, l, t);
}

/* ---- from the kernel ------------------------------------------------------------------------- */

static bool is_llm(struct cover *c, const char *host, unsigned port)
{
	char full[CONF_TEXT + 8];

	snprintf(full, sizeof(full), "%s:%u", host, port);
	return c->o.llm(c->o.ctx, str_of(host)) || c->o.llm(c->o.ctx, str_of(full));
}

static void line_new(struct cover *c, struct person *p, const struct abi_sock *s, struct str name,
		     uint64_t at_ns)
{
	char addr[INET6_ADDRSTRLEN];
	struct talk *t;
	struct line *l;

	if (HASH_COUNT(c->lines) >= LIMIT_COVER_CONNS) {
		refuse(c);
		line_drop(c, c->lines); /* the oldest: its end may have been lost */
	}
	cover_address(s, addr, sizeof(addr));
	l = mem_zero(1, sizeof(*l));
	if (!l)
		return refuse(c);
	l->cookie = s->cookie;
	l->at_ns = at_ns;
	l->of = p;
	l->host = name.n ? mem_text(name.p, name.n) : mem_text(addr, strlen(addr));
	if (l->host)
		HASH_ADD(hh, c->lines, cookie, sizeof(l->cookie), l);
	if (!l->host || !l->hh.tbl) {
		mem_free(l->host);
		mem_free(l);
		return refuse(c);
	}
	DL_APPEND(p->lines, l);
	if (is_llm(c, l->host, s->port) || (name.n && is_llm(c, addr, s->port))) {
		l->llm = cover_host_row(c->o.board, l->host);
		BUMP(c, p, l->llm, llm, 1);
	}
	DL_FOREACH(p->talks, t)
	if (suits(l, t)) {
		pair(c, l, t);
		break;
	}
}

static void line_over(struct cover *c, struct line *l, uint64_t at_ns)
{
	struct talk *t = l->talk;
	struct line *to;

	DL_FOREACH(l->of->lines, to)
	if (line_yield(c, l, to))
		break;
	l->closed_ns = at_ns;
	if (!l->found && l->spent_ns && !l->counted)
		return; /* its plaintext may be on its way */
	if (!l->spent_ns && !l->found && l->llm)
		BUMP(c, l->of, l->llm, idle, 1);
	if (line_end(c, l))
		talk_pair(c, t);
}

static void line_spent(struct cover *c, struct line *l, uint64_t at_ns)
{
	struct line *from;

	l->spent_ns = at_ns;
	if (l->found)
		return;
	if (l->of->talks)
		DL_FOREACH(l->of->lines, from)
	if (line_yield(c, from, l))
		return;
	DL_APPEND2(c->waiting, l, before, after);
}

void cover_sock(struct cover *c, const struct abi_sock *s, struct str hello, uint64_t utc_off)
{
	uint64_t cookie = s->cookie, at_ns = s->at_ns + utc_off;
	struct origin from = {
		.cgroup = s->cgroup, .start_ns = s->start_ns, .tgid = s->tgid, .uid = s->uid
	};
	char addr[INET6_ADDRSTRLEN];
	struct person *p;
	struct line *l;

	obj_check(c, COVER_MAGIC);
	memcpy(from.comm, s->comm, sizeof(from.comm));
	HASH_FIND(hh, c->lines, &cookie, sizeof(cookie), l);
	if (l && s->type == ABI_SHUT)
		return line_over(c, l, at_ns);
	if (l && s->type == ABI_SPENT && !l->spent_ns)
		return line_spent(c, l, at_ns);
	if (l || (s->type != ABI_HELLO && s->type != ABI_QUIC))
		return;
	p = person_get(c, &from, at_ns);
	if (!p)
		return refuse(c);
	if (s->type == ABI_HELLO)
		return line_new(c, p, s, hello_name(hello), at_ns);
	cover_address(s, addr, sizeof(addr));
	BUMP(c, p, cover_host_row(c->o.board, addr), llm, 1);
	BUMP(c, p, cover_host_row(c->o.board, addr), unmetered, 1);
	row_why(c, p, addr, at_ns, "QUIC: the host's name is not visible, and HTTP/3 is not read");
}

/* ---- from the probes ------------------------------------------------------------------------- */

/* What the first bytes of a connection say. */
static void talk_reads(struct talk *t, const struct chunk *in)
{
	struct str host = cover_host_of(in->bytes);

	t->host = host.n ? mem_text(host.p, host.n) : NULL;
}

static void talk_new(struct cover *c, const struct chunk *in)
{
	struct person *p = person_get(c, &in->from, in->at_ns);
	struct talk *t = p ? mem_zero(1, sizeof(*t)) : NULL;

	if (!t)
		return refuse(c);
	t->gen = in->from.gen;
	t->at_ns = t->sent_ns = in->at_ns;
	t->row = in->from.row % BOARD_ROWS;
	if (in->dir == DIR_OUT && in->off == 0)
		talk_reads(t, in);
	t->of = p;
	HASH_ADD(hh, c->talks, gen, sizeof(t->gen), t);
	if (!t->hh.tbl) {
		mem_free(t->host);
		mem_free(t);
		return refuse(c);
	}
	DL_APPEND(p->talks, t);
	t->found = in->from.row == TLS_PLAIN; /* no TLS connection is missing it */
	__atomic_fetch_add(&p->row->seen[t->row], 1, __ATOMIC_RELAXED);
	talk_pair(c, t);
}

static void talk_goes_on(struct cover *c, struct talk *t, const struct chunk *in)
{
	t->sent_ns = MAX(t->sent_ns, in->at_ns);
	if (!talk_again(t))
		return;
	talk_reads(t, in);
	talk_pair(c, t);
}

void cover_chunk(struct cover *c, const struct chunk *in)
{
	uint64_t gen = in->from.gen;
	struct talk *t;

	obj_check(c, COVER_MAGIC);
	if (!gen)
		return;
	HASH_FIND(hh, c->talks, &gen, sizeof(gen), t);
	if (t && in->end == END_FREE)
		talk_drop(c, t);
	else if (t && in->dir == DIR_OUT && in->bytes.n)
		talk_goes_on(c, t, in);
	else if (!t && in->end == END_NONE && in->bytes.n) {
		if (HASH_COUNT(c->talks) >= LIMIT_COVER_CONNS)
			talk_drop(c, c->talks); /* the oldest */
		talk_new(c, in);
	}
}

void cover_tick(struct cover *c, uint64_t clear_ns)
{
	obj_check(c, COVER_MAGIC);
	while (c->waiting && c->waiting->spent_ns + COVER_WAIT_NS <= clear_ns) {
		struct line *l = c->waiting;

		line_still(c, l);
		l->counted = l->llm;
		if (l->counted) {
			BUMP(c, l->of, l->llm, unmetered, 1);
			row_why(c, l->of, l->host, l->spent_ns, NULL);
		}
		if (l->closed_ns)
			line_drop(c, l);
	}
}

void cover_free(struct cover **pc)
{
	struct cover *c = obj_take(pc, COVER_MAGIC);
	struct person *p, *next;

	if (!c)
		return;
	HASH_ITER (hh, c->persons, p, next)
		person_drop(c, p);
	mem_free(c);
}
