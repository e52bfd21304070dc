/* wiretest.h -- for tests of conn and wire: plays bytes through both stages and writes down what
 * came out.
 *
 * The outlet itself checks what must hold for all traffic: one end for each exchange, nothing
 * after a cut, sizes that add up, and (world_close) every byte parsed or skipped exactly once. */
#ifndef WIRETEST_H
#define WIRETEST_H

#include <stdio.h>
#include <stdlib.h>
#include "base/buf.h"
#include "base/obj.h"
#include "conn/conn.h"
#include "wire/wire.h"

#define WORLD_MAX (64u << 20) /* bytes kept of one body */
#ifndef WORLD_SEEN
#define WORLD_SEEN 512
#endif
#define WORLD_UNUSED __attribute__((unused))

struct seen {
	uint64_t gen, off;
	bool request, response, orphan, ended, aborted;
	bool blurred[2];
	bool split[2]; /* its body comes as events: their framing is no data */
	enum why cut[2], why;
	unsigned status;
	char method[32], target[128], id[2][64]; /* id: x-request-id of both heads */
	struct buf body[2];
	struct buf events,
		sent; /* answered, asked: data|name; and !why before the ; of a damaged one */
	size_t event_count, damaged; /* of both */
	/* WebSocket messages: as events, name and why behind them by "@" and the offset; damaged ones without data */
	bool upgraded, open[2];
	uint64_t message[2];
	size_t begun[2]; /* where it begins in `sent`, `events` */
	uint64_t request_ns, end_ns;
};

struct world {
	struct counters c;
	struct conn *conn;
	struct wire *wire;
	uint64_t fed, parsed, skipped[SKIP_COUNT], gaps;
	int ignored; /* enum skip, or -1 */
	struct seen *seen;
	size_t count;
	bool light;     /* keep no bodies */
	uint64_t bytes; /* of all bodies and events */
	long refuse_at; /* the outlet fails at this part with refuse_r; negative: never */
	int refuse_r;
	struct origin from;
	uint64_t off[2], now_ns;
	int first_r; /* first error any feed returned */
};

static struct seen *world_find(struct world *w, const struct part *p)
{
	for (size_t i = 0; i < w->count && i < WORLD_SEEN; i++) {
		struct seen *s = &w->seen[(w->count - 1 - i) % WORLD_SEEN];

		if (s->gen == p->from->gen && s->off == p->off)
			return s;
	}
	return NULL;
}

static void world_text(char *to, size_t size, struct str s)
{
	snprintf(to, size, STR_FMT, STR_ARG(str_head(s, size - 1)));
}

static struct seen *world_new_seen(struct world *w, const struct part *p)
{
	struct seen *s = &w->seen[w->count++ % WORLD_SEEN];

	assert(w->light || w->count <= WORLD_SEEN);
	buf_done(&s->body[0]);
	buf_done(&s->body[1]);
	buf_done(&s->events);
	buf_done(&s->sent);
	*s = (struct seen){ .gen = p->from->gen, .off = p->off };
	s->body[0].limit = s->body[1].limit = s->events.limit = s->sent.limit = WORLD_MAX;
	return s;
}

/* The outlet allocates, but is not what a test of failing memory is about. */
static void world_keep(struct buf *b, struct str s)
{
	long armed = mem_fail_after;
	int r;

	mem_fail_after = -1;
	r = buf_add(b, s);
	mem_fail_after = armed;
	assert(r == 0);
}

/* A message is begun once, goes on at the same offset, and ends once. */
static void world_message(const struct world *w, struct seen *s, const struct part *p,
			  struct buf *to)
{
	char off[24];

	assert(s->upgraded && !p->name.n && p->at_ns == w->now_ns);
	assert(!s->open[p->dir] || s->message[p->dir] == p->message);
	if (!s->open[p->dir])
		s->begun[p->dir] = to->n - p->bytes.n;
	s->open[p->dir] = !p->last;
	s->message[p->dir] = p->message;
	if (p->why)
		to->n = s->begun[p->dir];
	if (!p->last)
		return;
	snprintf(off, sizeof(off), "@%llu", (unsigned long long)p->message);
	world_keep(to, str_of(off));
}

static void world_data(struct world *w, struct seen *s, const struct part *p)
{
	struct buf *events;
	char why[12];

	assert(s->cut[p->dir] == WHY_NONE);
	assert(p->dir == DIR_OUT ? s->request : s->response);
	w->bytes += p->bytes.n;
	if (w->light)
		return;
	if (p->kind == PART_BODY) {
		assert(p->bytes.n > 0);
		world_keep(&s->body[p->dir], p->bytes);
		return;
	}
	events = p->dir == DIR_IN ? &s->events : &s->sent;
	assert((p->bytes.n || p->last) && (p->last || p->why == WHY_NONE));
	assert(p->framing > FRAMING_NONE && p->framing < FRAMING_COUNT);
	world_keep(events, p->bytes);
	if (p->framing == FRAMING_MESSAGES)
		world_message(w, s, p, events);
	if (!p->last)
		return;
	world_keep(events, S("|"));
	world_keep(events, p->name);
	if (p->why) {
		snprintf(why, sizeof(why), "!%d", p->why);
		world_keep(events, str_of(why));
		s->damaged++;
	}
	world_keep(events, S(";"));
	s->event_count++;
}

static int world_part(void *ctx, const struct part *p)
{
	struct world *w = ctx;
	struct seen *s = world_find(w, p);

	if (p->kind == PART_REQUEST || (p->kind == PART_RESPONSE && p->orphan)) {
		assert(!s || w->light);
		s = world_new_seen(w, p);
	}
	assert(s && !s->ended);
	switch (p->kind) {
	case PART_REQUEST:
		s->request = true;
		s->blurred[DIR_OUT] = p->blurred;
		s->split[DIR_OUT] = p->framing != FRAMING_NONE;
		world_text(s->method, sizeof(s->method), p->method);
		world_text(s->target, sizeof(s->target), p->target);
		world_text(s->id[0], sizeof(s->id[0]), p->header[HDR_X_REQUEST_ID]);
		s->request_ns = p->at_ns;
		break;
	case PART_RESPONSE:
		assert(!s->response && (p->status >= 101 || (p->blurred && !p->status)));
		s->blurred[DIR_IN] = p->blurred;
		s->response = true;
		s->orphan = p->orphan;
		assert(s->orphan == !s->request);
		s->status = p->status;
		s->upgraded = p->upgraded;
		assert(p->upgraded == (p->framing == FRAMING_MESSAGES));
		world_text(s->id[1], sizeof(s->id[1]), p->header[HDR_X_REQUEST_ID]);
		break;
	case PART_BODY:
	case PART_EVENT:
		world_data(w, s, p);
		break;
	case PART_CUT:
		assert(!s->open[p->dir]);
		assert(s->cut[p->dir] == WHY_NONE && p->why != WHY_NONE);
		s->cut[p->dir] = p->why;
		break;
	case PART_END:
		assert(!s->open[0] && !s->open[1]);
		s->ended = true;
		s->why = p->why;
		s->aborted = p->aborted;
		s->end_ns = p->at_ns;
		if (!w->light)
			assert((s->split[DIR_OUT] || s->sent.n ||
				p->body_bytes[DIR_OUT] == s->body[DIR_OUT].n) &&
			       (s->events.n || p->body_bytes[DIR_IN] >= s->body[DIR_IN].n));
		break;
	}
	return w->refuse_at >= 0 && w->refuse_at-- == 0 ? w->refuse_r : 0;
}

static int world_piece(void *ctx, const struct piece *p)
{
	struct world *w = ctx;

	if (p->kind == PIECE_GAP)
		w->gaps++;
	return wire_feed(w->wire, p);
}

static void world_parsed(void *ctx, const struct origin *from, uint64_t bytes)
{
	struct world *w = ctx;

	assert(from->tgid && bytes);
	w->parsed += bytes;
}

static void world_skipped(void *ctx, const struct origin *from, int skip, uint64_t bytes)
{
	struct world *w = ctx;

	assert(from->tgid && bytes && skip >= 0 && skip < SKIP_COUNT);
	w->skipped[skip] += bytes;
}

static void world_ignore(void *ctx, const struct origin *from, enum skip reason)
{
	struct world *w = ctx;

	assert(from->tgid);
	w->ignored = (int)reason;
}

static int world_init(struct world *w)
{
	struct wire_opts wo = { &w->c, world_parsed, world_skipped, world_ignore, w };
	struct conn_opts co = { &w->c, world_skipped, w };
	long armed = mem_fail_after;
	int r;

	*w = (struct world){ .ignored = -1, .refuse_at = -1, .refuse_r = -EDOM };
	mem_fail_after = -1;
	w->seen = mem_zero(WORLD_SEEN, sizeof(*w->seen));
	assert(w->seen);
	mem_fail_after = armed;
	w->from = (struct origin){ .gen = 1, .tgid = 7, .start_ns = 1, .comm = "test" };
	r = wire_new(&wo, (struct part_sink){ world_part, w }, &w->wire);
	return r < 0 ? r : conn_new(&co, (struct piece_sink){ world_piece, w }, &w->conn);
}

static uint64_t world_skips(const struct world *w)
{
	uint64_t n = 0;

	for (int i = 0; i < SKIP_COUNT; i++)
		n += w->skipped[i];
	return n;
}

static void world_done(struct world *w)
{
	conn_free(&w->conn);
	wire_free(&w->wire);
	for (size_t i = 0; w->seen && i < WORLD_SEEN; i++) {
		buf_done(&w->seen[i].body[0]);
		buf_done(&w->seen[i].body[1]);
		buf_done(&w->seen[i].events);
		buf_done(&w->seen[i].sent);
	}
	mem_free(w->seen);
}

static int world_note(struct world *w, int r)
{
	if (r < 0 && w->first_r == 0)
		w->first_r = r;
	return r;
}

WORLD_UNUSED static int world_chunk(struct world *w, enum flow_dir dir, struct str bytes, bool lost)
{
	struct chunk c = { .from = w->from,
			   .at_ns = ++w->now_ns,
			   .dir = dir,
			   .off = w->off[dir],
			   .bytes = bytes };

	w->off[dir] += bytes.n;
	if (lost)
		return 0;
	w->fed += bytes.n;
	return world_note(w, conn_feed(w->conn, &c));
}

WORLD_UNUSED static int world_end(struct world *w, enum flow_end end, enum flow_dir dir)
{
	struct chunk c = { .from = w->from,
			   .at_ns = ++w->now_ns,
			   .end = end,
			   .dir = dir,
			   .final = { w->off[0], w->off[1] } };

	return world_note(w, conn_feed(w->conn, &c));
}

/* What comes next is another connection: a generation never comes back. */
WORLD_UNUSED static void world_next(struct world *w)
{
	w->from.gen++;
	w->off[DIR_OUT] = w->off[DIR_IN] = 0;
}

/* What holds once every connection has ended, whatever happened. */
WORLD_UNUSED static void world_close(struct world *w)
{
	(void)!conn_flush(w->conn, ++w->now_ns);
	assert(w->fed == w->parsed + world_skips(w));
	assert(wire_open(w->wire) == 0 && wire_held(w->wire) == 0);
	for (size_t i = 0; i < w->count && i < WORLD_SEEN; i++)
		assert(w->seen[i].ended);
	assert(count_get(&w->c, CONNS_OPEN) == 0 && count_get(&w->c, CALLS_OPEN) == 0);
}

/* Everything that was seen, as text: equal for equal traffic however it was cut. Times are left
 * out. */
WORLD_UNUSED static void world_dump(const struct world *w, struct buf *to)
{
	for (size_t i = 0; i < w->count && i < WORLD_SEEN; i++) {
		const struct seen *s = &w->seen[i];
		char line[512];

		snprintf(
			line, sizeof(line),
			"[%llx] %s %s %s -> %u %s %s out=%zu cut=%d in=%zu cut=%d why=%d%s events=",
			(unsigned long long)s->off, s->method, s->target, s->id[0], s->status,
			s->id[1], s->orphan ? "orphan" : "", s->body[0].n, s->cut[0], s->body[1].n,
			s->cut[1], s->why, s->aborted ? " aborted" : "");
		world_keep(to, str_of(line));
		world_keep(to, buf_str(&s->body[0]));
		world_keep(to, S("/"));
		world_keep(to, buf_str(&s->body[1]));
		world_keep(to, S("/"));
		world_keep(to, buf_str(&s->events));
		world_keep(to, S("/"));
		world_keep(to, buf_str(&s->sent));
		world_keep(to, S("\n"));
	}
}

#endif
