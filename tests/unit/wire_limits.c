/* wire, its limits: what a connection may hold, how large things get, what an idle one costs. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <malloc.h>
#include <zlib.h>
#include "base/limit.h"
#include "wiretest.h"

#define OUT DIR_OUT
#define IN  DIR_IN
#define GET "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define SSE_ \
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
#define AT(n) (w.off[OUT] = w.off[IN] = (n))

static void pipeline_limit(void **state)
{
	struct world w;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	for (int i = 0; i < LIMIT_PIPELINE; i++)
		assert_int_equal(world_chunk(&w, OUT, S(GET), false), 0);
	assert_int_equal(w.ignored, -1);
	assert_int_equal(wire_open(w.wire), LIMIT_PIPELINE);
	assert_int_equal(world_chunk(&w, OUT, S(GET), false), 0);
	assert_int_equal(w.ignored, SKIP_DESYNC);
	assert_int_equal(wire_open(w.wire), 0);
	assert_int_equal(w.seen[0].why, WHY_LIMIT);
	assert_int_equal(count_get(&w.c, LIMIT_HIT), 1);
	assert_int_equal(w.c.limit[LIM_PIPELINE], 1);
	world_close(&w);
	world_done(&w);
}

static void long_heads(void **state)
{
	struct world w;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	assert_int_equal(world_chunk(&w, OUT, S(GET "GET /b HTTP/1.1\r\nA: "), false), 0);
	for (int i = 0; i < LIMIT_HEAD_BYTES / 16; i++)
		assert_int_equal(world_chunk(&w, OUT, S("0123456789abcdef"), false), 0);
	assert_int_equal(w.ignored, SKIP_DESYNC);
	assert_int_equal(w.seen[0].why, WHY_LIMIT);
	w.from.gen = 2;
	AT(0);
	w.ignored = -1;
	for (int i = 0; i < LIMIT_HEAD_BYTES / 16 + 1; i++)
		assert_int_equal(
			world_chunk(&w, OUT, i ? S("0123456789abcdef") : S("GET /"), false), 0);
	assert_int_equal(w.ignored, SKIP_OPAQUE);
	assert_int_equal(w.c.limit[LIM_HEAD_BYTES], 2);
	assert_int_equal(count_get(&w.c, LIMIT_HIT), 2);
	world_close(&w);
	world_done(&w);
}

/* Nothing that looks like the beginning of a message, for long. */
static void strange_bytes(void **state)
{
	static char noise[LIMIT_CHUNK_BYTES];
	struct world w;

	(void)state;
	memset(noise, '\xfe', sizeof(noise));
	assert_int_equal(world_init(&w), 0);
	AT(5);
	for (int i = 0; i < LIMIT_STRANGE_BYTES / LIMIT_CHUNK_BYTES; i++)
		assert_int_equal(
			world_chunk(&w, i % 2, (struct str){ noise, sizeof(noise) }, false), 0);
	assert_int_equal(w.ignored, -1);
	assert_int_equal(world_chunk(&w, OUT, S("x"), false), 0);
	assert_int_equal(w.ignored, SKIP_OPAQUE);
	assert_int_equal(w.c.limit[LIM_STRANGE_BYTES], 1);
	world_close(&w);
	world_done(&w);
}

/* conn has the same limit and stops them before; whoever feeds this stage alone is stopped here. */
static void too_many(void **state)
{
	struct origin from = { .tgid = 7, .cgroup = 9 };
	struct piece p = { .from = &from, .kind = PIECE_BYTES, .bytes = S("G") };
	struct world w;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	w.fed = LIMIT_CONNS + 2;
	for (from.gen = 1; from.gen <= LIMIT_CONNS; from.gen++)
		assert_int_equal(wire_feed(w.wire, &p), 0);
	for (; from.gen <= LIMIT_CONNS + 2; from.gen++)
		assert_int_equal(wire_feed(w.wire, &p), 0);
	assert_int_equal(w.skipped[SKIP_REFUSED], 2);
	assert_int_equal(w.c.limit[LIM_CONNS], 2);
	p.kind = PIECE_END;
	p.end = END_FREE;
	p.bytes = STR_NONE;
	for (from.gen = 1; from.gen <= LIMIT_CONNS + 2; from.gen++)
		assert_int_equal(wire_feed(w.wire, &p), 0);
	world_close(&w);
	world_done(&w);
}

/* ---- size ------------------------------------------------------------------------------------ */

#define EVENT "1b\r\nevent: d\ndata: {\"text\":1}\n\n\r\n"

static void many_events(void **state)
{
	struct world w;
	size_t before = 0;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	w.light = true;
	assert_int_equal(world_chunk(&w, OUT, S(GET), false), 0);
	assert_int_equal(world_chunk(&w, IN, S(SSE_), false), 0);
	for (int i = 0; i < 100000; i++) {
		assert_int_equal(world_chunk(&w, IN, S(EVENT), false), 0);
		if (i == 10)
			mem_fail_after = 0; /* from here on nothing may be allocated */
		before += i > 10;
	}
	assert_int_equal(mem_fail_after, 0);
	mem_fail_after = -1;
	assert_int_equal(before, 99989);
	assert_int_equal(w.bytes, 100000 * 10);
	assert_int_equal(world_chunk(&w, IN, S("0\r\n\r\n"), false), 0);
	assert_int_equal(w.seen[0].why, WHY_NONE);
	world_close(&w);
	world_done(&w);
}

static void large_body(void **state)
{
	static char mega[16384];
	struct world w;

	(void)state;
	memset(mega, 'm', sizeof(mega));
	assert_int_equal(world_init(&w), 0);
	w.light = true;
	assert_int_equal(world_chunk(&w, OUT,
				     S("POST /b HTTP/1.1\r\nContent-Length: 5242880\r\n\r\n"),
				     false),
			 0);
	mem_fail_after = 0;
	for (int i = 0; i < 320; i++)
		assert_int_equal(world_chunk(&w, OUT, (struct str){ mega, sizeof(mega) }, false),
				 0);
	assert_int_equal(mem_fail_after, 0);
	mem_fail_after = -1;
	assert_int_equal(w.bytes, 5242880);
	assert_int_equal(world_chunk(&w, IN, S(OK2), false), 0);
	assert_true(w.seen[0].ended && w.seen[0].why == WHY_NONE);
	world_close(&w);
	world_done(&w);
}

/* 10,000 idle connections: what one costs between calls. */
static void idle_connections(void **state)
{
	struct mallinfo2 before, after;
	struct world w;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	w.light = true;
	before = mallinfo2();
	for (uint64_t gen = 1; gen <= 10000; gen++) {
		w.from.gen = gen;
		AT(0);
		assert_int_equal(world_chunk(&w, OUT, S(GET), false), 0);
		assert_int_equal(world_chunk(&w, IN, S(OK2), false), 0);
	}
	after = mallinfo2();
	print_message("# %zu bytes a connection\n", (after.uordblks - before.uordblks) / 10000);
	assert_true((after.uordblks - before.uordblks) / 10000 < 2048);
	world_close(&w);
	world_done(&w);
}

/* A gzip body goes through whole, events included. */
static void coded_events(void **state)
{
	struct buf coded = { .limit = 1u << 20 };
	z_stream z = { 0 };
	char out[4096], head[128];
	struct world w;

	(void)state;
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (unsigned char *)(uintptr_t) "event: e\ndata: one\n\ndata: two";
	z.avail_in = 29;
	z.next_out = (unsigned char *)out;
	z.avail_out = sizeof(out);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(buf_add(&coded, (struct str){ out, sizeof(out) - z.avail_out }), 0);
	deflateEnd(&z);
	for (size_t cut = 1; cut <= coded.n; cut++) {
		struct str rest = buf_str(&coded);

		assert_int_equal(world_init(&w), 0);
		assert_int_equal(world_chunk(&w, OUT, S(GET), false), 0);
		snprintf(head, sizeof(head),
			 "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: "
			 "gzip\r\nContent-Length: %zu\r\n\r\n",
			 coded.n);
		assert_int_equal(world_chunk(&w, IN, str_of(head), false), 0);
		while (rest.n) {
			assert_int_equal(world_chunk(&w, IN, str_head(rest, cut), false), 0);
			rest = str_skip(rest, cut);
		}
		world_close(&w);
		assert_true(str_eq(buf_str(&w.seen[0].events), S("one|e;two|;")));
		assert_true(w.seen[0].why == WHY_NONE && !w.seen[0].cut[1]);
		world_done(&w);
	}
	buf_done(&coded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pipeline_limit),   cmocka_unit_test(long_heads),
		cmocka_unit_test(many_events),      cmocka_unit_test(large_body),
		cmocka_unit_test(idle_connections), cmocka_unit_test(coded_events),
		cmocka_unit_test(strange_bytes),    cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
