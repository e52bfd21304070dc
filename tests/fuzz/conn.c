/* conn against a plain model of it: bytes in order, every hole named exactly, every end where it belongs, each byte poured or
 * stale once, whoever it belongs to. Input: steps of four bytes, see step(). */
#include "base/limit.h"
#include "base/obj.h"
#include "conn/conn.h"
#include "fuzz.h"

#define GENS  8
#define CHUNK 64 /* bytes of one at most */

struct row { /* what has to be known of a connection */
	bool open;
	uint64_t order, since_ns, cgroup, tgid, target, next[2];
};

struct expected { /* a piece that has to come */
	enum piece_kind kind;
	enum flow_end end;
	uint64_t gen, dir, off, n, cgroup;
};

struct bed {
	struct conn *conn;
	struct counters c;
	struct row row[GENS];
	struct expected want[3 * GENS];
	size_t wanted, came;
	uint64_t order, now_ns, stale, fed, poured, gaps, gap_bytes;
	bool refuse; /* the outlet refuses the piece that comes next */
	bool refused;
};

static char byte_at(uint64_t gen, uint64_t dir, uint64_t off)
{
	return (char)(gen * 31 + dir * 17 + off * 7);
}

/* ---- the model ------------------------------------------------------------------------------------ */

static struct expected *want(struct bed *b, enum piece_kind kind, uint64_t gen)
{
	MUST(b->wanted < COUNT_OF(b->want));
	b->want[b->wanted] = (struct expected){ kind, .gen = gen, .cgroup = b->row[gen].cgroup };
	return &b->want[b->wanted++];
}

static void want_gap(struct bed *b, uint64_t gen, uint64_t dir, uint64_t upto)
{
	struct row *r = &b->row[gen];
	struct expected *e;

	if (upto == OFF_UNKNOWN || upto <= r->next[dir])
		return;
	e = want(b, PIECE_GAP, gen);
	e->dir = dir;
	e->off = r->next[dir];
	e->n = upto - r->next[dir];
	b->gaps++;
	b->gap_bytes += e->n;
	r->next[dir] = upto;
}

static void want_over(struct bed *b, uint64_t gen, enum flow_end end, const uint64_t final[2])
{
	for (uint64_t dir = 0; final && dir < 2; dir++)
		want_gap(b, gen, dir, final[dir]);
	want(b, PIECE_END, gen)->end = end;
	b->row[gen].open = false;
}

/* The first connection of those that are open and were begun after `order`; GENS: none. */
static uint64_t next_open(const struct bed *b, uint64_t order)
{
	uint64_t found = GENS;

	for (uint64_t gen = 0; gen < GENS; gen++)
		if (b->row[gen].open && b->row[gen].order > order &&
		    (found == GENS || b->row[gen].order < b->row[found].order))
			found = gen;
	return found;
}

static void want_data(struct bed *b, const struct chunk *c)
{
	uint64_t gen = c->from.gen, n = c->bytes.n, stale;
	struct row *r = &b->row[gen];
	struct expected *e;

	if (c->off > UINT64_MAX - n || c->off + n == OFF_UNKNOWN) {
		b->stale += n;
		return;
	}
	if (!r->open)
		*r = (struct row){ .open = true,
				   .order = ++b->order,
				   .since_ns = c->at_ns,
				   .tgid = c->from.tgid,
				   .target = c->from.target };
	r->cgroup = c->from.cgroup;
	want_gap(b, gen, c->dir, c->off);
	stale = MIN(r->next[c->dir] - c->off, n);
	b->stale += stale;
	if (stale == n)
		return;
	e = want(b, PIECE_BYTES, gen);
	e->dir = c->dir;
	e->off = r->next[c->dir];
	e->n = n - stale;
	r->next[c->dir] += e->n;
}

static void want_end(struct bed *b, const struct chunk *c)
{
	bool process = c->end == END_EXEC || c->end == END_EXIT,
	     all = c->end == END_STOP && c->from.target;

	if (!process && !all) {
		if (!b->row[c->from.gen].open)
			return;
		if (c->end != END_EOF) {
			want_over(b, c->from.gen, c->end, c->final);
			return;
		}
		want_gap(b, c->from.gen, c->dir, c->final[c->dir]);
		want(b, PIECE_END, c->from.gen)->end = END_EOF;
		b->want[b->wanted - 1].dir = c->dir;
		return;
	}
	for (uint64_t order = 0, gen; (gen = next_open(b, order)) < GENS;) {
		const struct row *r = &b->row[gen];

		order = r->order;
		if (all ? r->target != c->from.target : !c->from.tgid || r->tgid != c->from.tgid)
			continue;
		if (c->end == END_EXEC && r->since_ns >= c->at_ns)
			continue;
		want_over(b, gen, c->end, process && gen == c->from.gen ? c->final : NULL);
	}
}

/* ---- what comes ------------------------------------------------------------------------------------ */

static int on_piece(void *ctx, const struct piece *p)
{
	struct bed *b = ctx;
	const struct expected *e = &b->want[b->came];

	MUST(b->came++ < b->wanted);
	MUST(p->kind == e->kind && p->from->gen == e->gen && p->from->cgroup == e->cgroup);
	MUST(p->at_ns == b->now_ns);
	if (p->kind == PIECE_END)
		MUST(p->end == e->end && (p->end != END_EOF || p->dir == e->dir));
	else
		MUST(p->dir == e->dir && p->off == e->off &&
		     (p->kind == PIECE_GAP ? p->gap : p->bytes.n) == e->n);
	for (size_t i = 0; p->kind == PIECE_BYTES && i < p->bytes.n; i++)
		MUST(p->bytes.p[i] == byte_at(e->gen, e->dir, e->off + i));
	if (p->kind == PIECE_BYTES)
		b->poured += p->bytes.n;
	b->refused |= b->refuse;
	return b->refuse ? (b->refuse = false, -EIO) : 0;
}

static void on_skip(void *ctx, const struct origin *from, int skip, uint64_t bytes)
{
	struct bed *b = ctx;

	(void)skip;
	MUST(from->gen < GENS);
	MUST(b->stale >= bytes);
	b->stale -= bytes;
	b->poured += bytes; /* accounted for, too */
}

static void settle(struct bed *b, int r)
{
	uint64_t open = 0;

	MUST(r == (b->refused ? -EIO : 0));
	MUST(b->came == b->wanted && b->stale == 0);
	b->came = b->wanted = 0;
	b->refused = false;
	for (int i = 0; i < GENS; i++)
		open += b->row[i].open;
	MUST(count_get(&b->c, CONNS_OPEN) == open && count_get(&b->c, CONNS) == b->order);
	MUST(count_get(&b->c, GAPS) == b->gaps && count_get(&b->c, GAP_BYTES) == b->gap_bytes);
	MUST(b->poured == b->fed);
}

/* Byte 0: what (bits 0 to 3), direction (4), the outlet refuses (5), time goes on (6, 7). Byte 1: connection (0 to 2), process
 * (3, 4), file (5), cgroup (6, 7). Byte 2: offset against the expected one, minus 8; above 250: at the end of all offsets.
 * Byte 3: length. */
static void step(struct bed *b, const uint8_t *p)
{
	static const enum flow_end ends[] = { END_EOF, END_FREE, END_EXEC, END_EXIT, END_STOP };
	char bytes[CHUNK];
	struct chunk c = { .from = { .gen = p[1] & 7,
				     .tgid = p[1] >> 3 & 3,
				     .start_ns = 5,
				     .target = p[1] >> 5 & 1,
				     .cgroup = 7 + (p[1] >> 6) },
			   .dir = p[0] >> 4 & 1 };
	const struct row *r = &b->row[c.from.gen];
	uint64_t next = r->open ? r->next[c.dir] : 0;

	b->refuse = p[0] >> 5 & 1;
	b->now_ns += p[0] >> 6;
	c.at_ns = b->now_ns;
	c.off = p[2] > 250 ? UINT64_MAX - (p[2] - 250) * 9u : next + p[2] - MIN(next, 8);
	if ((p[0] & 15) < 8) {
		c.bytes = (struct str){ bytes, p[3] % CHUNK };
		for (size_t i = 0; i < c.bytes.n; i++)
			bytes[i] = byte_at(c.from.gen, c.dir, c.off + i);
		b->fed += c.bytes.n;
		if (c.bytes.n)
			want_data(b, &c);
	} else {
		c.end = ends[(p[0] & 7) % COUNT_OF(ends)];
		c.final[c.dir] = p[2] == 255 ? OFF_UNKNOWN : c.off;
		c.final[!c.dir] = p[3] > 250 ? OFF_UNKNOWN : p[3];
		want_end(b, &c);
	}
	settle(b, conn_feed(b->conn, &c));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bed b = { .now_ns = 1 };
	struct conn_opts o = { &b.c, on_skip, &b };
	uint64_t order = 0, gen;

	MUST(conn_new(&o, (struct piece_sink){ on_piece, &b }, &b.conn) == 0);
	for (; size >= 4; data += 4, size -= 4)
		step(&b, data);
	b.refuse = false;
	while ((gen = next_open(&b, order)) < GENS) {
		order = b.row[gen].order;
		want_over(&b, gen, END_STOP, NULL);
	}
	settle(&b, conn_flush(b.conn, b.now_ns));
	conn_free(&b.conn);
	return 0;
}
