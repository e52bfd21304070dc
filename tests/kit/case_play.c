/* case_play.c -- plays the bytes of a case through the pipeline, whole or cut, with loss or without memory, and writes the
 * postings down. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/hash.h"
#include "base/obj.h"
#include "case.h"

enum { STEP_NS = 1000000, FIRST_TGID = 1000, CHUNK = 16384 };

enum { /* where bytes come from */
#define TLS(row, family, function, shape, dir, finder, tried) ROW_##row,
#include "tbl/tls.h"
#undef TLS
};

const struct case_way case_way_whole = { CASE_ALL, CASE_ALL, { 0, 0 }, false, -1 };

struct case_world {
	struct book *book;
};

struct case_world *case_world_new(const char *book_path)
{
	struct case_world *w = mem_zero(1, sizeof(*w));
	char error[YAML_ERROR] = "";

	assert(w);
	if (book_new(&w->book) < 0 || book_load(w->book, book_path, error) < 0) {
		printf("Bail out! %s: %s\n", book_path, error);
		exit(2);
	}
	return w;
}

void case_world_free(struct case_world **pw)
{
	struct case_world *w = *pw;

	*pw = NULL;
	if (!w)
		return;
	book_free(&w->book);
	mem_free(w);
}

/* ---- what comes out ------------------------------------------------------------------------------------- */

static void keep(char *to, size_t size, struct str s)
{
	s = str_head(s, size - 1);
	if (s.n)
		memcpy(to, s.p, s.n);
}
#define KEEP(member, s) keep(to->member, sizeof(to->member), (s))

/* A call is named by where it began, or by its stream; but who comes midway counts from there. */
static uint64_t shift_of(const struct case_run *run, const struct usage *u)
{
	unsigned conn = (unsigned)u->from.gen - 1;

	return run->c->conn[conn].speaks == CASE_H2 ? 0 : run->shift[conn][u->off >> 63];
}

static int on_posting(void *ctx, const struct posting *p)
{
	struct case_run *run = ctx;
	const struct charge *c = p->charge;
	const struct usage *u = c->usage;
	struct case_seen *to = &run->seen[run->count];

	assert(run->count < CASE_CALLS);
	run->count++;
	to->gen = u->from.gen;
	to->off = u->off + shift_of(run, u);
	to->kind = u->kind;
	to->outcome = u->outcome;
	to->source = u->source;
	to->billing = c->billing;
	to->why = c->why;
	to->later = u->later;
	to->flags = c->flags;
	to->status = u->status;
	to->retry = u->retry;
	to->stream = u->stream;
	KEEP(provider, u->provider);
	KEEP(host, u->host);
	KEEP(operation, u->operation);
	KEEP(asked, u->model_requested);
	KEEP(served, u->model_served);
	KEEP(id, u->response_id);
	KEEP(request_id, u->request_id);
	KEEP(tier, u->tier);
	KEEP(region, u->region);
	KEEP(session, u->session);
	KEEP(cgroup, p->cgroup);
	KEEP(credential, u->credential);
	KEEP(hash, u->request_hash);
	KEEP(raw, u->raw);
	KEEP(entry, c->entry);
	KEEP(match, c->match);
	KEEP(contract, c->contract);
	KEEP(reported, u->reported_cost);
	to->used = u->used;
	to->low = u->low;
	to->high = u->high;
	to->pico = c->pico;
	to->low_pico = c->low_pico;
	to->high_pico = c->high_pico;
	return 0;
}

static void on_parsed(void *ctx, const struct origin *from, uint64_t bytes)
{
	struct case_run *run = ctx;

	assert(from->tgid && bytes);
	run->parsed += bytes;
}

static void on_skipped(void *ctx, const struct origin *from, int skip, uint64_t bytes)
{
	struct case_run *run = ctx;

	assert(from->tgid && bytes && skip >= 0 && skip < SKIP_COUNT);
	run->skipped[skip] += bytes;
}

static void on_facts(void *ctx, const struct origin *from, struct subject *ret)
{
	const struct case_run *run = ctx;

	assert(from->cgroup && from->cgroup <= run->c->cgroups);
	ret->cgroup = run->c->cgroup[from->cgroup - 1];
}

/* ---- what goes in ------------------------------------------------------------------------------------------- */

struct player {
	const struct case_world *w;
	const struct case_file *c;
	const struct case_acts *a;
	const struct case_way *way;
	struct case_run *run;
	struct chunk_sink to;
	uint64_t off[CASE_CONNS][2], now_ns, lost[CASE_CONNS];
	bool heard[CASE_CONNS][2];
	size_t at; /* bytes that would have been delivered without loss */
};

static struct origin origin_of(const struct player *p, const struct case_act *a)
{
	const struct case_conn *n = &p->c->conn[a->conn];

	return (struct origin){ .gen = a->conn + 1,
				.obj = n->obj,
				.cgroup = a->cgroup,
				.start_ns = n->process,
				.tgid = FIRST_TGID + n->process,
				.row = n->plain ? ROW_PLAIN : 0,
				.comm = "case" };
}

static void note(struct player *p, int r)
{
	if (r < 0 && p->run->first_r == 0)
		p->run->first_r = r;
}

static void lose(struct player *p, const struct case_act *a, size_t n)
{
	p->run->lost[a->conn] += n;
	if ((p->way->midway || p->c->conn[a->conn].midway) && !p->heard[a->conn][a->dir]) {
		p->run->shift[a->conn][a->dir] += n;
		return;
	}
	p->off[a->conn][a->dir] += n;
	p->lost[a->conn] += n;
}

static void deliver(struct player *p, const struct case_act *a, struct str bytes)
{
	struct chunk c = { .from = origin_of(p, a),
			   .at_ns = p->now_ns,
			   .dir = a->dir,
			   .off = p->off[a->conn][a->dir],
			   .bytes = bytes };

	p->off[a->conn][a->dir] += bytes.n;
	p->heard[a->conn][a->dir] = true;
	p->run->delivered += bytes.n;
	note(p, chunk_put(p->to, &c));
}

/* Up to the next place where something changes. */
static size_t stretch(const struct player *p, size_t n)
{
	const struct case_way *way = p->way;
	const size_t stops[] = { way->cut, way->lose[0], way->lose[1] };

	n = MIN(n, MIN(way->step, (size_t)CHUNK));
	for (size_t i = 0; i < COUNT_OF(stops); i++)
		if (stops[i] > p->at && stops[i] - p->at < n)
			n = stops[i] - p->at;
	return n;
}

static void play_bytes(struct player *p, const struct case_act *a)
{
	struct str rest = { p->a->bytes.p + a->at, a->n };

	if (a->lost) {
		lose(p, a, a->n);
		return;
	}
	while (rest.n) {
		size_t n = stretch(p, rest.n);

		if (p->at >= p->way->lose[0] && p->at < p->way->lose[1])
			lose(p, a, n);
		else
			deliver(p, a, str_head(rest, n));
		p->at += n;
		rest = str_skip(rest, n);
	}
}

static void play_end(struct player *p, const struct case_act *a)
{
	struct chunk c = { .from = origin_of(p, a),
			   .at_ns = p->now_ns,
			   .dir = a->dir,
			   .end = a->end,
			   .final = { p->off[a->conn][0], p->off[a->conn][1] } };

	note(p, chunk_put(p->to, &c));
	if (a->end == END_EOF)
		return;
	if (p->heard[a->conn][0] || p->heard[a->conn][1])
		p->run->holes += p->lost[a->conn];
	p->lost[a->conn] = 0;
	if (a->end != END_EXIT && a->end != END_EXEC)
		return;
	for (unsigned n = 0; n < p->c->conns; n++)
		p->run->holes_unsure |= n != a->conn && p->lost[n];
}

static void play_acts(struct player *p)
{
	for (size_t i = 0; i < p->a->count; i++) {
		const struct case_act *a = &p->a->act[i];

		p->now_ns += STEP_NS;
		if (a->what == CASE_LINE)
			play_bytes(p, a);
		else if (a->what == CASE_END)
			play_end(p, a);
		else
			p->now_ns += a->ns;
	}
}

void case_play(const struct case_world *w, const struct case_file *c, const struct case_acts *a,
	       const struct case_way *way, struct case_run *ret)
{
	_cleanup_(pipeline_free) struct pipeline *line = NULL;
	struct player p = { .w = w, .c = c, .a = a, .way = way, .run = ret, .now_ns = c->at_ns };
	struct pipeline_opts o = { .counters = &ret->counters,
				   .book = w->book,
				   .team = { .facts = on_facts, .ctx = ret },
				   .parsed = on_parsed,
				   .skipped = on_skipped,
				   .ctx = ret };
	int r;

	memset(ret->seen, 0, ret->count * sizeof(*ret->seen));
	memset(ret, 0, offsetof(struct case_run, seen));
	ret->c = c;
	mem_fail_after = way->fail_after;
	r = pipeline_new(&o, (struct posting_sink){ on_posting, ret }, &line);
	ret->started = r == 0;
	ret->first_r = r;
	if (r == 0) {
		p.to = pipeline_inlet(line);
		play_acts(&p);
	}
	ret->failed = way->fail_after >= 0 && mem_fail_after < 0;
	mem_fail_after = -1;
	if (r < 0)
		return;
	note(&p, pipeline_flush(line, p.now_ns + STEP_NS));
	ret->open = pipeline_open(line);
}
