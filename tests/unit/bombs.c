/* bombs: each through conn, wire and llm, while another connection's call is under way. The bomb's call is marked, or exact where
 * nothing stops it from being so; little memory is held for it; little comes out of it; and the other call is exact.
 *
 * CPU time is printed. BOMBS_MS=100 makes it a test, too (`make bombs`): no other test here depends on the machine. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <time.h>
#include "base/obj.h"
#include "bombs.h"
#include "bombs_h2.h"
#include "conn/conn.h"
#include "llm/llm.h"
#include "wire/wire.h"

#define MEMORY (16 << 20)
#define BOMB   1
#define OTHER  2

struct bomb {
	const char *name;
	bomb_fn *make;
	enum why why;        /* of its call; WHY_NONE: it is exact */
	enum limit_id limit; /* that was reached; LIM_COUNT: none need be */
};

static const struct bomb bombs[] = {
	{ "gzip", gzip, WHY_LIMIT, LIM_INFLATE_STEEP },
	{ "deflate", deflate_raw, WHY_LIMIT, LIM_INFLATE_STEEP },
	{ "br", br, WHY_LIMIT, LIM_INFLATE_RATIO },
	{ "zstd", zstd, WHY_LIMIT, LIM_INFLATE_RATIO },
	{ "gzip of one event", gzip_events, WHY_LIMIT, LIM_INFLATE_STEEP },
	{ "br of empty lines", br_lines, WHY_LIMIT, LIM_INFLATE_RATIO },
	{ "gzip in gzip", nested, WHY_ENCODING, LIM_COUNT },
	{ "empty gzip members", empty_members, WHY_NO_USAGE, LIM_COUNT },
	{ "gzip in the request", gzip_request, WHY_LIMIT, LIM_INFLATE_STEEP },
	{ "JSON of depth 100,000", depth, WHY_LIMIT, LIM_JSON_DEPTH },
	{ "JSON of 1,000,000 keys", keys, WHY_NONE, LIM_COUNT },
	{ "a long string", long_string, WHY_NONE, LIM_COUNT },
	{ "a long key", long_key, WHY_NONE, LIM_COUNT },
	{ "escapes", escapes, WHY_NONE, LIM_COUNT },
	{ "a long usage object", long_usage, WHY_LIMIT, LIM_COUNT },
	{ "a long number", long_number, WHY_LIMIT, LIM_COUNT },
	{ "an event without end", endless_event, WHY_STREAM_NO_USAGE, LIM_COUNT },
	{ "chunks of one byte", small_chunks, WHY_NONE, LIM_COUNT },
	{ "a long chunk-size line", long_size, WHY_LIMIT, LIM_CHUNK_LINE },
	{ "a long head", long_head, WHY_LIMIT, LIM_HEAD_BYTES },
	{ "a long target, byte by byte", long_target, WHY_NONE, LIM_COUNT },
	{ "many trailers", many_trailers, WHY_LIMIT, LIM_HEAD_LINES },
	{ "50,000 early hints", hints, WHY_NONE, LIM_COUNT },
	{ "10,000 requests at once", pipeline, WHY_LIMIT, LIM_PIPELINE },
	{ "HPACK: a large field, many times", h2_indexed, WHY_LIMIT, LIM_HEAD_BYTES },
	{ "HPACK: a table of 1 GiB", h2_table, WHY_LIMIT, LIM_H2_TABLE },
	{ "CONTINUATION without end", h2_continuation, WHY_LIMIT, LIM_H2_CONTINUATION },
	{ "300 streams at once", h2_streams, WHY_LIMIT, LIM_H2_STREAMS },
	{ "rapid reset", h2_resets, WHY_LIMIT, LIM_H2_RESETS },
	{ "100,000 empty DATA frames", h2_empty, WHY_NONE, LIM_COUNT },
	{ "100,000 SETTINGS and PINGs", h2_settings, WHY_NONE, LIM_COUNT },
	{ "WebSocket deflate", ws_deflate, WHY_LIMIT, LIM_INFLATE_STEEP },
	{ "WebSocket frames of no bytes", ws_empty, WHY_ABORTED, LIM_COUNT },
};

struct bed {
	struct counters c;
	struct conn *conn;
	struct wire *wire;
	struct llm *llm;
	uint64_t off[3][2];
	uint64_t decoded; /* bytes that came out of the bomb */
	int64_t most;     /* bytes held at once */
	size_t bombed;    /* calls of the bomb */
	uint64_t why;     /* a bit each reason that one of them gave */
	bool exact;       /* one of them is */
	size_t others;
};

static int on_usage(void *ctx, const struct usage *u)
{
	struct bed *b = ctx;
	bool exact = u->source == SOURCE_REPORTED && u->why == WHY_NONE &&
		     u->used.n[LEAF_IN_TEXT] == 7 && u->used.n[LEAF_OUT_TEXT] == 5;

	if (u->from.gen == OTHER) {
		assert_true(exact);
		b->others++;
		return 0;
	}
	b->bombed++;
	b->why |= 1ull << u->why;
	b->exact |= exact;
	return 0;
}

static int on_part(void *ctx, const struct part *p)
{
	struct bed *b = ctx;
	int r = llm_feed(b->llm, p);

	if (p->from->gen == BOMB)
		b->decoded += p->bytes.n;
	b->most = MAX(b->most, wire_held(b->wire));
	return r;
}

static int on_piece(void *ctx, const struct piece *p)
{
	struct bed *b = ctx;
	int r = wire_feed(b->wire, p);

	b->most = MAX(b->most, wire_held(b->wire));
	return r;
}

static void bed_init(struct bed *b)
{
	struct conn_opts conn = { .counters = &b->c };
	struct wire_opts wire = { .counters = &b->c };
	struct llm_opts llm = { .counters = &b->c };

	*b = (struct bed){ .most = 0 };
	assert_int_equal(conn_new(&conn, (struct piece_sink){ on_piece, b }, &b->conn), 0);
	assert_int_equal(wire_new(&wire, (struct part_sink){ on_part, b }, &b->wire), 0);
	assert_int_equal(llm_new(&llm, (struct usage_sink){ on_usage, b }, &b->llm), 0);
}

static void feed_by(struct bed *b, uint64_t gen, enum flow_dir dir, struct str s, size_t by)
{
	while (s.n) {
		struct chunk c = { .from = { .gen = gen, .tgid = 9, .cgroup = 100 + gen },
				   .dir = dir,
				   .off = b->off[gen][dir],
				   .bytes = str_head(s, by) };

		assert_int_equal(conn_feed(b->conn, &c), 0);
		b->off[gen][dir] += c.bytes.n;
		s = str_skip(s, c.bytes.n);
	}
}

static void feed(struct bed *b, uint64_t gen, enum flow_dir dir, struct str s)
{
	feed_by(b, gen, dir, s, LIMIT_CHUNK_BYTES);
}

#define DONE "{\"model\":\"gpt-4\"," USAGE

static void other(struct bed *b, bool first)
{
	struct str body = S(DONE);
	char head[128];

	if (first) {
		feed(b, OTHER, DIR_OUT, S(ASK));
		return;
	}
	snprintf(head, sizeof(head),
		 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		 body.n);
	feed(b, OTHER, DIR_IN, str_of(head));
	feed(b, OTHER, DIR_IN, body);
}

static uint64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void end(struct bed *b, uint64_t gen)
{
	struct chunk c = { .from = { .gen = gen, .tgid = 9, .cgroup = 100 + gen },
			   .end = END_FREE,
			   .final = { b->off[gen][0], b->off[gen][1] } };

	assert_int_equal(conn_feed(b->conn, &c), 0);
}

static size_t head_of(const struct buf *b)
{
	const char *end = memmem(b->p, b->n, "\r\n\r\n", 4);

	return end ? (size_t)(end - b->p) + 4 : 0;
}

/* All that the client writes; a WebSocket's after its handshake. */
static void begin(struct bed *b, const struct buf *out, const struct buf *in, size_t by)
{
	size_t n = str_starts(buf_str(in), S("HTTP/1.1 101")) ? head_of(out) : out->n;

	feed_by(b, BOMB, DIR_OUT, str_head(buf_str(out), n), by);
	if (n < out->n)
		feed(b, BOMB, DIR_IN, str_head(buf_str(in), head_of(in)));
	feed(b, BOMB, DIR_OUT, str_skip(buf_str(out), n));
}

static void drop(const struct bomb *bomb, uint64_t most_us)
{
	struct buf out = { .limit = 4 * MANY }, in = { .limit = 4 * MANY };
	uint64_t begun, us, fed;
	struct bed b;

	bomb->make(&out, &in);
	fed = out.n + in.n;
	bed_init(&b);
	other(&b, true);
	other(&b, false);
	other(&b, true); /* its answer comes after the bomb */
	begun = cpu_us();
	begin(&b, &out, &in, bomb->make == long_target ? 1 : LIMIT_CHUNK_BYTES);
	feed(&b, BOMB, DIR_IN, str_skip(str_head(buf_str(&in), in.n / 2), b.off[BOMB][DIR_IN]));
	other(&b, false);
	other(&b, true);
	feed(&b, BOMB, DIR_IN, str_skip(buf_str(&in), b.off[BOMB][DIR_IN]));
	end(&b, BOMB);
	us = cpu_us() - begun;
	other(&b, false);
	end(&b, OTHER);
	print_message(
		"# %-34s %8llu bytes, %8llu out, %5lld KiB held, %3llu ms, %zu calls, why %llx\n",
		bomb->name, (unsigned long long)fed, (unsigned long long)b.decoded,
		(long long)(b.most >> 10), (unsigned long long)us / 1000, b.bombed,
		(unsigned long long)b.why);
	assert_int_equal(b.others, 3);
	assert_true(b.bombed > 0);
	assert_true(b.why >> bomb->why & 1);
	assert_int_equal(b.exact, bomb->why == WHY_NONE);
	assert_true(bomb->limit == LIM_COUNT || b.c.limit[bomb->limit] > 0);
	assert_in_range(b.most, 1, MEMORY);
	/* what costs time is what comes out */
	assert_in_range(b.decoded, 0,
			(8u << 20) + (uint64_t)LIMIT_INFLATE_STEEP * fed + 2 * LIMIT_CHUNK_BYTES);
	assert_in_range(b.decoded, 0, LIMIT_INFLATE_BYTES);
	assert_true(us <= most_us);
	assert_int_equal(wire_held(b.wire), 0);
	conn_free(&b.conn);
	wire_free(&b.wire);
	llm_free(&b.llm);
	buf_done(&out);
	buf_done(&in);
}

static void all(void **state)
{
	const char *ms = getenv("BOMBS_MS");
	uint64_t most = 0;

	(void)state;
	if (!ms || str_u64(str_of(ms), &most) < 0)
		most = UINT64_MAX / 1000;
	for (size_t i = 0; i < COUNT_OF(bombs); i++)
		drop(&bombs[i], most * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
