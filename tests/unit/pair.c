/* pair -- random conversations with bytes lost: what is said to be whole is right, and what is
 * poured of the rest is right as far as it goes. Never a wrong byte, never a wrong partner. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>
#include "wiretest.h"

#define TALKS  400 /* conversations of each kind */
#define CALLS  6   /* exchanges of one */
#define CHUNKS 4096
#define BIG    (1u << 18)

struct truth {
	uint64_t out_off, in_off; /* of the request, of the final response */
	char id[16], method[8];
	struct buf request, response, events; /* decoded */
};

struct piece_of { /* of one direction, as a TLS call would carry it */
	enum flow_dir dir;
	size_t from, n;
	bool lost;
};

struct talk {
	struct truth t[CALLS];
	struct buf stream[2];
	struct piece_of chunk[CHUNKS];
	size_t chunks;
	bool piped, with_heads, hostile; /* hostile: bodies that look like heads */
};

static unsigned roll(unsigned n)
{
	return (unsigned)random() % n;
}

static void put(struct buf *b, struct str s)
{
	assert_int_equal(buf_add(b, s), 0);
}

/* ---- one message ----------------------------------------------------------------------------- */

static const char *const words[] = { "data: ",
				     "event: e\n",
				     "\n\n",
				     "{\"usage\":",
				     "12}",
				     "\r\n",
				     "x",
				     "GET / HTTP/1.1\r\n\r\n",
				     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad",
				     "0\r\n\r\n",
				     ": c\n",
				     "data\n" };

static void body_make(struct buf *b, bool hostile)
{
	for (unsigned n = roll(60); n; n--)
		put(b, str_of(words[roll(hostile ? COUNT_OF(words) : 7)]));
}

static void event_end(bool *any, struct str *name, struct buf *to)
{
	if (*any) {
		put(to, S("|"));
		put(to, *name);
		put(to, S(";"));
	}
	*any = false;
	*name = STR_NONE;
}

/* The events of a body, by a second, plain reading of the rules. */
static void events_of(struct str s, struct buf *to)
{
	struct str name = STR_NONE, line;
	bool any = false;

	while (s.n) {
		size_t n = 0;

		while (n < s.n && s.p[n] != '\n' && s.p[n] != '\r')
			n++;
		line = str_head(s, n);
		n += n + 1 < s.n && s.p[n] == '\r' && s.p[n + 1] == '\n';
		s = str_skip(s, n + 1);
		if (!line.n) {
			event_end(&any, &name, to);
		} else if (str_starts(line, S("event:"))) {
			name = str_skip(line, 6);
			name = str_skip(name, name.n && name.p[0] == ' ');
		} else if (str_starts(line, S("data:")) || str_eq(line, S("data"))) {
			line = str_skip(line, 5);
			put(to, any ? S("\n") : S(""));
			put(to, str_skip(line, line.n && line.p[0] == ' '));
			any = true;
		}
	}
	event_end(&any, &name, to);
}

static void code(struct buf *b, unsigned how, const char **ret_name)
{
	struct buf out = { .limit = BIG };
	char room[65536];

	*ret_name = how == 1 ? "gzip" : how == 2 ? "zstd" : "identity";
	if (how == 1) {
		z_stream z = { 0 };

		assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 31, 8, 0), Z_OK);
		z.next_in = (unsigned char *)b->p;
		z.avail_in = (unsigned)b->n;
		z.next_out = (unsigned char *)room;
		z.avail_out = sizeof(room);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		put(&out, (struct str){ room, sizeof(room) - z.avail_out });
		deflateEnd(&z);
	} else if (how == 2) {
		put(&out, (struct str){ room, ZSTD_compress(room, sizeof(room), b->p, b->n, 1) });
	} else {
		return;
	}
	buf_done(b);
	*b = out;
}

/* The framing of a body: its header goes to `head`, its bytes to `wire`. */
static void frame(struct buf *head, struct buf *wire, struct str body, bool until_end)
{
	if (until_end) {
		put(wire, body);
	} else if (roll(2)) {
		assert_int_equal(buf_printf(head, "Content-Length: %zu\r\n", body.n), 0);
		put(wire, body);
	} else {
		put(head, S("Transfer-Encoding: chunked\r\n"));
		while (body.n) {
			struct str part = str_head(body, 1 + roll(200));

			assert_int_equal(
				buf_printf(wire, "%zx%s\r\n", part.n, roll(4) ? "" : " ;x=y"), 0);
			put(wire, part);
			put(wire, S("\r\n"));
			body = str_skip(body, part.n);
		}
		put(wire, roll(3) ? S("0\r\n\r\n") : S("0\r\nT: v\r\n\r\n"));
	}
	put(head, S("\r\n"));
}

static void request_make(struct truth *t, struct buf *to, bool with_heads)
{
	_cleanup_(buf_done) struct buf wire = { .limit = BIG }, body = { .limit = BIG };
	unsigned kind = roll(with_heads ? 3 : 2);
	const char *coding;

	snprintf(t->method, sizeof(t->method), "%s",
		 kind == 0   ? "POST"
		 : kind == 1 ? "GET"
			     : "HEAD");
	t->out_off = to->n;
	if (kind == 0)
		body_make(&t->request, false);
	put(&body, buf_str(&t->request));
	code(&body, roll(4), &coding);
	assert_int_equal(buf_printf(to, "%s /%s HTTP/1.1\r\nHost: h\r\nX-Request-Id: %s\r\n",
				    t->method, t->id, t->id),
			 0);
	if (kind == 0) {
		assert_int_equal(buf_printf(to, "Content-Encoding: %s\r\n", coding), 0);
		frame(to, &wire, buf_str(&body), false);
		put(to, buf_str(&wire));
	} else {
		put(to, S("\r\n"));
	}
}

static void response_make(struct truth *t, struct buf *to, bool last, bool hostile)
{
	_cleanup_(buf_done) struct buf wire = { .limit = BIG }, body = { .limit = BIG };
	bool head = strcmp(t->method, "HEAD") == 0, events = roll(2);
	const char *coding;

	for (unsigned n = roll(5) ? 0 : 1 + roll(2); n; n--)
		put(to, S("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n"));
	body_make(&body, hostile);
	if (body.n && body.p[0] == 'H')
		body.p[0] = 'h';
	if (!head && events)
		events_of(buf_str(&body), &t->events);
	else if (!head)
		put(&t->response, buf_str(&body));
	code(&body, roll(4), &coding);
	t->in_off = to->n;
	assert_int_equal(buf_printf(to,
				    "HTTP/1.1 200 OK\r\nX-Request-Id: %s\r\nContent-Type: "
				    "%s\r\nContent-Encoding: %s\r\n",
				    t->id, events ? "text/event-stream" : "application/json",
				    coding),
			 0);
	frame(to, &wire, buf_str(&body), last && !head && roll(2));
	if (!head)
		put(to, buf_str(&wire));
}

/* ---- a conversation -------------------------------------------------------------------------- */

/* Cuts what was added to a stream since `from`: a message begins a piece, and so may anything that
 * looks like one. */
static void cut(struct talk *k, enum flow_dir dir, size_t from)
{
	size_t end = k->stream[dir].n,
	       least = dir == DIR_OUT ? 60 : 1; /* a request line is written whole */

	while (from < end) {
		struct str rest = { k->stream[dir].p + from, end - from };
		size_t n = least + roll(roll(3) ? 300 : 20);

		for (size_t i = least; i < n && i < rest.n; i++)
			if (roll(2) && (str_starts(str_skip(rest, i), S("HTTP/1.1 ")) ||
					str_starts(str_skip(rest, i), S("GET /"))))
				n = i;
		n = MIN(n, rest.n);
		assert_true(k->chunks < CHUNKS);
		k->chunk[k->chunks++] = (struct piece_of){ dir, from, n, false };
		from += n;
		least = 1;
	}
}

static void talk_make(struct talk *k, bool piped, bool with_heads, bool hostile)
{
	*k = (struct talk){ .piped = piped, .with_heads = with_heads, .hostile = hostile };
	k->stream[0].limit = k->stream[1].limit = 1u << 22;
	for (int i = 0; i < CALLS; i++) {
		struct truth *t = &k->t[i];
		size_t at = k->stream[DIR_OUT].n;

		t->request.limit = t->response.limit = t->events.limit = BIG;
		snprintf(t->id, sizeof(t->id), "r%d", i);
		request_make(t, &k->stream[DIR_OUT], with_heads);
		cut(k, DIR_OUT, at);
		if (piped)
			continue;
		at = k->stream[DIR_IN].n;
		response_make(t, &k->stream[DIR_IN], i == CALLS - 1, hostile);
		cut(k, DIR_IN, at);
	}
	for (int i = 0; piped && i < CALLS; i++) {
		size_t at = k->stream[DIR_IN].n;

		response_make(&k->t[i], &k->stream[DIR_IN], i == CALLS - 1, hostile);
		cut(k, DIR_IN, at);
	}
}

static void talk_done(struct talk *k)
{
	for (int i = 0; i < CALLS; i++) {
		buf_done(&k->t[i].request);
		buf_done(&k->t[i].response);
		buf_done(&k->t[i].events);
	}
	buf_done(&k->stream[0]);
	buf_done(&k->stream[1]);
}

static void talk_play(const struct talk *k, struct world *w)
{
	assert_int_equal(world_init(w), 0);
	for (size_t i = 0; i < k->chunks; i++) {
		const struct piece_of *c = &k->chunk[i];

		assert_int_equal(world_chunk(w, c->dir,
					     (struct str){ k->stream[c->dir].p + c->from, c->n },
					     c->lost),
				 0);
	}
	assert_int_equal(world_end(w, END_FREE, DIR_OUT), 0);
	world_close(w);
}

static const struct truth *truth_of(const struct talk *k, const struct seen *s)
{
	for (int i = 0; i < CALLS; i++)
		if (s->orphan ? (s->off ^ 1ull << 63) == k->t[i].in_off : s->off == k->t[i].out_off)
			return &k->t[i];
	return NULL;
}

static void check_bytes(const struct buf *got, const struct buf *want, bool whole, const char *what)
{
	if (whole ? !str_eq(buf_str(got), buf_str(want)) : !str_starts(buf_str(want), buf_str(got)))
		fail_msg("%s, %s: got '" STR_FMT "' want '" STR_FMT "'", what,
			 whole ? "whole" : "in part", STR_ARG(buf_str(got)),
			 STR_ARG(buf_str(want)));
}

/* Behind a hole the events go on: those that are not damaged are of the answer, in its order. */
static void check_events(const struct seen *s, const struct truth *t, bool whole)
{
	struct str got = buf_str(&s->events), want = buf_str(&t->events), one, other;

	if (!s->damaged)
		check_bytes(&s->events, &t->events, whole, "events");
	while (s->damaged && str_cut(&got, &one, ';'))
		while (!memchr(one.p, '!', one.n)) {
			assert_true(str_cut(&want, &other, ';'));
			if (str_eq(one, other))
				break;
		}
}

/* What went wrong, for whoever has to find it. */
static void explain(const struct talk *k, const struct world *w)
{
	for (size_t i = 0; i < k->chunks; i++)
		fprintf(stderr, "# %c %zu+%zu%s\n", k->chunk[i].dir == DIR_OUT ? '>' : '<',
			k->chunk[i].from, k->chunk[i].n, k->chunk[i].lost ? " lost" : "");
	for (int i = 0; i < CALLS; i++)
		fprintf(stderr, "# true: %s %s out %llu in %llu\n", k->t[i].method, k->t[i].id,
			(unsigned long long)k->t[i].out_off, (unsigned long long)k->t[i].in_off);
	for (size_t i = 0; i < w->count; i++) {
		const struct seen *s = &w->seen[i];

		fprintf(stderr, "# seen: %s%s %s at %llu status %u %s cut %d %d why %d%s\n",
			s->orphan ? "orphan" : "", s->method, s->id[0],
			(unsigned long long)(s->off & ~(1ull << 63)), s->status, s->id[1],
			s->cut[0], s->cut[1], s->why, s->aborted ? " aborted" : "");
	}
}

/* Returns how many exchanges are known whole and exactly. */
static int check(const struct talk *k, const struct world *w)
{
	int exact = 0;

	for (size_t i = 0; i < w->count; i++) {
		const struct seen *s = &w->seen[i];
		const struct truth *t = truth_of(k, s);
		bool ended = s->why == WHY_NONE && !s->aborted;

		if (!t)
			explain(k, w);
		assert_non_null(t);
		if (s->request)
			assert_true(!strcmp(s->id[0], t->id) && !strcmp(s->method, t->method));
		if (s->response)
			assert_string_equal(s->id[1], t->id);
		check_bytes(&s->body[DIR_OUT], &t->request, s->request && ended && !s->cut[0],
			    "request");
		check_bytes(&s->body[DIR_IN], &t->response, ended && !s->cut[1], "response");
		check_events(s, t, ended && !s->cut[1]);
		assert_true(!ended || s->response);
		exact += ended && s->request && !s->cut[0] && !s->cut[1] && !s->damaged;
	}
	return exact;
}

static void nothing_lost(void **state)
{
	static struct talk k;

	(void)state;
	srandom(11);
	for (int n = 0; n < TALKS; n++) {
		struct buf first = { .limit = 1u << 24 };

		talk_make(&k, n % 2, true, true);
		for (int again = 0; again < 3; again++) {
			struct buf dump = { .limit = 1u << 24 };
			struct world w;

			talk_play(&k, &w);
			assert_int_equal(check(&k, &w), CALLS);
			assert_int_equal(w.count, CALLS);
			assert_true(w.parsed == w.fed && w.gaps == 0);
			world_dump(&w, again ? &dump : &first);
			assert_true(!again || str_eq(buf_str(&dump), buf_str(&first)));
			buf_done(&dump);
			world_done(&w);
			/* the same bytes cut in the middle of every piece, then down to single
			 * bytes of one */
			for (size_t i = 0, end = k.chunks;
			     i < end && k.chunks < CHUNKS && !k.piped && !again; i++)
				if (k.chunk[i].n > 1 && roll(2)) {
					struct piece_of *c = &k.chunk[i], half = *c;

					memmove(c + 1, c, (k.chunks - i) * sizeof(*c));
					k.chunks++;
					c->n = 1 + roll((unsigned)half.n - 1);
					c[1].from += c->n;
					c[1].n -= c->n;
					i++;
				}
		}
		buf_done(&first);
		talk_done(&k);
	}
}

/* Each chunk in turn: only the call that lost it and its neighbour may be the worse for it. */
static void each_chunk_lost(void **state)
{
	static struct talk k;
	int exact = 0, all = 0;

	(void)state;
	srandom(12);
	for (int n = 0; n < TALKS / 8; n++) {
		talk_make(&k, false, n % 2, true);
		for (size_t i = 0; i < k.chunks; i++) {
			struct world w;
			int whole;

			k.chunk[i].lost = true;
			talk_play(&k, &w);
			whole = check(&k, &w);
			if (whole < CALLS - 2)
				explain(&k, &w);
			if (whole < CALLS - 2)
				fail_msg("seed %d chunk %zu: only %d whole", n, i, whole);
			assert_true(w.count >= CALLS - 1);
			exact += whole;
			all += CALLS;
			world_done(&w);
			k.chunk[i].lost = false;
		}
		talk_done(&k);
	}
	print_message("# one chunk lost in %d: %d of %d calls exact\n", all / CALLS, exact, all);
}

static void many_lost(void **state)
{
	static const unsigned one_in[] = { 40, 10, 4, 2 };
	static struct talk k;

	(void)state;
	srandom(13);
	for (int n = 0; n < TALKS * 4; n++) {
		struct world w;

		/* Losing many pieces, a HEAD request among them, its answer cannot be told. The
		 * first piece stays: without it this is a connection joined midway, see there. */
		talk_make(&k, false, false, true);
		for (size_t i = 1; i < k.chunks; i++)
			k.chunk[i].lost = roll(one_in[n % 4]) == 0;
		talk_play(&k, &w);
		check(&k, &w);
		world_done(&w);
		talk_done(&k);
	}
}

/* Everything before some moment was not seen. The first piece read is taken at its word: a body
 * that begins a piece like a head right there would be believed, so none does here. */
static void joined_midway(void **state)
{
	static struct talk k;
	int exact = 0;

	(void)state;
	srandom(14);
	for (int n = 0; n < TALKS; n++) {
		struct world w;
		size_t from;

		talk_make(&k, false, n % 2, false);
		from = roll((unsigned)k.chunks);
		for (size_t i = 0; i < k.chunks; i++) /* and, of some, more than that */
			k.chunk[i].lost = i < from || (n % 2 == 0 && roll(2) == 0);
		talk_play(&k, &w);
		exact += check(&k, &w);
		world_done(&w);
		talk_done(&k);
	}
	assert_true(exact > TALKS * CALLS / 8);
	print_message("# joined midway: %d of about %d calls exact\n", exact, TALKS * CALLS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_lost),
		cmocka_unit_test(each_chunk_lost),
		cmocka_unit_test(many_lost),
		cmocka_unit_test(joined_midway),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
