/* HTTP/2 limits and bombs: each is met, counted once, and what it costs is bounded. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <malloc.h>
#include "base/limit.h"
#include "h2talk.h"
#include "wire/h2frame.h"

#define HIT(w, name) ((w).c.limit[LIM_##name])

static struct talk talk;

static void begin(struct world *w)
{
	assert_int_equal(world_init(w), 0);
	talk_init(&talk);
	hello(&talk);
}

static void finish(struct world *w, const char *want, int ignored)
{
	struct buf got = { .limit = 1u << 20 };

	play(w, &talk, ALL);
	(void)!world_end(w, END_FREE, OUT);
	world_close(w);
	assert_int_equal(w->first_r, 0);
	tell(w, &got);
	if (want && !str_eq(buf_str(&got), str_of(want)))
		fail_msg("got\n" STR_FMT "want\n%s", STR_ARG(buf_str(&got)), want);
	assert_int_equal(w->ignored, ignored);
	talk_done(&talk);
	buf_done(&got);
}

/* CONTINUATION: as many as may be, and one more; a flood of empty ones. */
static void continuation(void **state)
{
	(void)state;
	for (int more = 0; more < 2; more++) {
		struct world w;
		struct make_h2 *h;

		begin(&w);
		h = say(&talk, OUT);
		make_h2_frame(h, H2_HEADERS, H2_END_STREAM, 1, S("\x82\x87\x84"));
		for (int i = 0; i < LIMIT_H2_CONTINUATION - 1 + more; i++)
			make_h2_frame(h, H2_CONTINUATION, 0, 1, STR_NONE);
		make_h2_frame(h, H2_CONTINUATION, H2_END_HEADERS, 1, S("\x41\x01h"));
		answer(&talk, 1, "200", END);
		finish(&w, more ? "" : "GET /   > 200 1  .\n", more ? SKIP_DESYNC : -1);
		assert_int_equal(HIT(w, H2_CONTINUATION), more);
		world_done(&w);
	}
}

/* Above the limit a request is told and given up; the others are not disturbed. */
static void streams(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	for (uint32_t i = 0; i <= LIMIT_H2_STREAMS; i++)
		ask(&talk, 2 * i + 1, "GET", END);
	for (uint32_t i = 0; i <= LIMIT_H2_STREAMS; i++)
		answer(&talk, 2 * i + 1, "200", END);
	finish(&w, NULL, -1);
	assert_int_equal(w.count, LIMIT_H2_STREAMS + 1);
	assert_int_equal(HIT(w, H2_STREAMS), 1);
	for (size_t i = 0; i < w.count; i++)
		assert_true(i < LIMIT_H2_STREAMS
				    ? w.seen[i].why == WHY_NONE && w.seen[i].status == 200
				    : w.seen[i].why == WHY_LIMIT);
	world_done(&w);
}

/* The same where the requests were before our time. */
static void orphans(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(world_chunk(&w, OUT, buf_str(&talk.bytes[OUT]), true), 0);
	assert_int_equal(world_chunk(&w, IN, buf_str(&talk.bytes[IN]), true), 0);
	talk.bytes[OUT].n = talk.bytes[IN].n = talk.steps = 0;
	for (uint32_t i = 0; i <= LIMIT_H2_STREAMS; i++)
		answer(&talk, 2 * i + 1, "200", (struct make_frame){ 0 });
	finish(&w, NULL, -1);
	assert_int_equal(HIT(w, H2_STREAMS), 1);
	assert_int_equal(w.count, LIMIT_H2_STREAMS + 1);
	for (size_t i = 0; i < w.count; i++)
		assert_int_equal(w.seen[i].why, i < LIMIT_H2_STREAMS ? WHY_ABORTED : WHY_LIMIT);
	world_done(&w);
}

/* The same where responses may have been lost: those that wait for one make room. */
static void stuck(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	for (uint32_t i = 0; i < LIMIT_H2_STREAMS; i++)
		ask(&talk, 2 * i + 1, "GET", END);
	play(&w, &talk, ALL);
	assert_int_equal(world_chunk(&w, IN, S("lost"), true), 0);
	talk.bytes[OUT].n = talk.bytes[IN].n = talk.steps = 0;
	make_h2_ping(say(&talk, IN), false);
	for (uint32_t i = LIMIT_H2_STREAMS; i < LIMIT_H2_STREAMS + 9; i++) {
		ask(&talk, 2 * i + 1, "GET", END);
		answer(&talk, 2 * i + 1, "200", END);
	}
	finish(&w, NULL, -1);
	assert_int_equal(HIT(w, H2_STREAMS), 0);
	assert_int_equal(w.count, LIMIT_H2_STREAMS + 9);
	for (size_t i = 0; i < w.count; i++)
		assert_int_equal(w.seen[i].why, i < LIMIT_H2_STREAMS ? WHY_GAP : WHY_NONE);
	world_done(&w);
}

/* Of a connection that lasts: many are given up, and others answered. */
static void resets_between(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.light = true;
	for (uint32_t i = 0; i < LIMIT_H2_RESETS + 9; i++) {
		ask(&talk, 4 * i + 1, "GET", END);
		make_h2_rst(&talk.side[OUT], 4 * i + 1, 8);
		ask(&talk, 4 * i + 3, "GET", END);
		answer(&talk, 4 * i + 3, "200", END);
	}
	finish(&w, NULL, -1);
	assert_int_equal(HIT(w, H2_RESETS), 0);
	assert_int_equal(w.count, 2 * (LIMIT_H2_RESETS + 9));
	world_done(&w);
}

/* CVE-2023-44487. */
static void rapid_reset(void **state)
{
	(void)state;
	for (uint32_t more = 0; more < 2; more++) {
		struct world w;

		begin(&w);
		w.light = true;
		for (uint32_t i = 0; i < LIMIT_H2_RESETS + more; i++) {
			ask(&talk, 2 * i + 1, "GET", END);
			make_h2_rst(&talk.side[OUT], 2 * i + 1, 8);
		}
		finish(&w, NULL, more ? SKIP_DESYNC : -1);
		assert_int_equal(HIT(w, H2_RESETS), more);
		assert_int_equal(w.count, LIMIT_H2_RESETS + more);
		world_done(&w);
	}
}

/* A few bytes a field, and each as large as the table: nothing is copied, and it ends at the limit of a head. */
static void indexed_bomb(void **state)
{
	struct buf b = { .limit = 1u << 20 };
	struct world w;

	(void)state;
	begin(&w);
	make_add(&b, S("\x82\x87\x84\x40\x01h\x7f\xa1\x1e"));
	for (int i = 0; i < 4000; i++)
		make_add(&b, S("v"));
	for (int i = 0; i < 10000; i++)
		make_add(&b, S("\xbe"));
	make_h2_frame(say(&talk, OUT), H2_HEADERS, H2_END_STREAM | H2_END_HEADERS, 1, buf_str(&b));
	finish(&w, "", SKIP_DESYNC);
	assert_int_equal(HIT(w, HEAD_BYTES), 1);
	world_done(&w);
	buf_done(&b);
}

/* A header block that never ends. */
static void block_bytes(void **state)
{
	struct buf b = { .limit = 1u << 24 };
	struct world w;

	(void)state;
	begin(&w);
	for (int i = 0; i < 3 << 20; i++)
		make_add(&b, S("\x20")); /* "the table has 0 bytes" */
	make_h2_frame(say(&talk, OUT), H2_HEADERS, H2_END_STREAM, 1, buf_str(&b));
	finish(&w, "", SKIP_DESYNC);
	assert_int_equal(HIT(w, HEAD_BYTES), 1);
	world_done(&w);
	buf_done(&b);
}

/* SETTINGS may allow any table; an encoder that uses more than we follow ends it. */
static void table(void **state)
{
	(void)state;
	for (int more = 0; more < 2; more++) {
		struct world w;

		begin(&w);
		make_h2_settings(say(&talk, IN), (const uint32_t[][2]){ { 1, 1u << 30 } }, 1);
		make_h2_frame(say(&talk, OUT), H2_HEADERS, H2_END_STREAM | H2_END_HEADERS, 1,
			      more ? S("\x3f\xe2\xff\x03\x82\x87\x84")
				   : S("\x3f\xe1\xff\x03\x82\x87\x84"));
		answer(&talk, 1, "200", END);
		finish(&w, more ? "" : "GET /   > 200 1  .\n", more ? SKIP_DESYNC : -1);
		assert_int_equal(HIT(w, H2_TABLE), more);
		world_done(&w);
	}
}

/* A long value that we would keep is forgotten, the request is not. */
static void value(void **state)
{
	static char text[LIMIT_HEADER_VALUE + 2];

	(void)state;
	for (int more = 0; more < 2; more++) {
		struct world w;

		memset(text, 'v', sizeof(text));
		text[LIMIT_HEADER_VALUE + more] = 0;
		begin(&w);
		BLOCK(&talk, OUT, 1, true, { ":method", "GET" }, { ":scheme", "https" },
		      { ":path", "/1" }, { ":authority", "h" }, { "session-id", text },
		      { "x-claude-code-session-id", text });
		answer(&talk, 1, "200", END);
		finish(&w, "GET /1   > 200 1  .\n", -1);
		assert_int_equal(HIT(w, HEADER_VALUE), more);
		world_done(&w);
	}
}

/* The largest frame the protocol has goes through: nothing of it is held. */
static void large_frame(void **state)
{
	static char zeros[(1 << 24) - 1];
	struct make_frame how = { .end = true, .fragment = sizeof(zeros) };
	struct world w;

	(void)state;
	begin(&w);
	ask(&talk, 1, "POST", NOT);
	make_h2_data(say(&talk, OUT), 1, (struct str){ zeros, sizeof(zeros) }, &how);
	answer(&talk, 1, "200", END);
	w.light = true;
	finish(&w, NULL, -1);
	assert_int_equal(w.bytes, sizeof(zeros));
	assert_int_equal(w.seen[0].why, WHY_NONE);
	world_done(&w);
}

/* What one costs between calls, both tables filled with headers that nobody asks for. */
static void idle_connections(void **state)
{
	struct mallinfo2 before, after;
	struct world w;
	size_t each;

	(void)state;
	begin(&w);
	w.light = true;
	for (uint32_t id = 1; id < 6; id += 2) {
		BLOCK(&talk, OUT, id, true, { ":method", "POST" }, { ":scheme", "https" },
		      { ":authority", "api.openai.com" }, { ":path", "/v1/chat/completions" },
		      { "authorization", "Bearer sk-0123456789012345678901234567890123456789" },
		      { "user-agent", "OpenAI/JS 6.49.0" }, { "x-stainless-lang", "js" },
		      { "x-stainless-os", "Linux" }, { "x-stainless-arch", "x64" },
		      { "accept-encoding", "br, gzip, deflate" });
		BLOCK(&talk, IN, id, true, { ":status", "200" }, { "server", "cloudflare" },
		      { "date", "Sun, 22 Nov 2026 07:00:00 GMT" },
		      { "openai-processing-ms", "512" },
		      { "x-request-id", "req_0123456789abcdef0123456789abcdef" },
		      { "strict-transport-security", "max-age=31536000; includeSubDomains" },
		      { "cf-ray", "0123456789abcdef-FRA" }, { "alt-svc", "h3=\":443\"; ma=86400" });
	}
	talk_step(&talk);
	before = mallinfo2();
	for (w.from.gen = 1; w.from.gen <= 1000; w.from.gen++) {
		w.off[OUT] = w.off[IN] = 0;
		play(&w, &talk, ALL);
	}
	after = mallinfo2();
	each = (after.uordblks - before.uordblks) / 1000;
	print_message("# %zu bytes a connection\n", each);
	assert_true(each < 2048);
	assert_int_equal(w.count, 3000);
	world_close(&w);
	world_done(&w);
	talk_done(&talk);
}

/* ---- what is taken for HTTP/2 ---------------------------------------------------------------- */

#define CHAIN(bytes) h2frame_chain(S(bytes))

static void certain(void **state)
{
	static char large[2 * 9 + 16384] = "\0\x40\0\0\0\0\0\0\1";

	(void)state;
	assert_true(h2frame_chain((struct str){ large, 9 + 16384 })); /* as large as it may be */
	assert_true(h2frame_chain((struct str){ large, 9 + 16384 + 1 }));
	assert_true(CHAIN("\0\0\1\1\4\0\0\0\1\x82"));
	assert_true(CHAIN("\0\0\4\x8\0\0\0\0\0\0\0\0\1"));
	assert_true(CHAIN("\0\0\1\0\0\0\0\0\1x\0\0\5\0\1\0\0\0\3")); /* the second not whole */
	assert_true(CHAIN("\0\0\1\0\0\0\0\0\1x\0\0\5"));
	assert_false(CHAIN("\0\0\1\0\0\0\0\0\1xy"));
	assert_false(CHAIN("\0\0\5\0\1\0\0\0\1x"));                /* none whole */
	assert_false(CHAIN("\0\0\1\0\0\0\0\0\2x"));                /* even */
	assert_false(CHAIN("\0\0\1\0\4\0\0\0\1x"));                /* flags of another type */
	assert_false(CHAIN("\0\0\1\1\4\x80\0\0\1\x82"));           /* reserved bit */
	assert_false(CHAIN("\0\0\1\1\4\0\0\0\0\x82"));             /* no stream */
	assert_false(CHAIN("\0\0\1\x9\4\0\0\0\1\x82"));            /* begins in a block */
	assert_false(CHAIN("\0\0\1\xa\0\0\0\0\1x"));               /* of no known type */
	assert_false(CHAIN("\0\0\0\4\0\0\0\0\0"));                 /* a length and zeros */
	assert_false(CHAIN("\0\0\0\4\1\0\0\0\0"));                 /* the same */
	assert_false(CHAIN("\0\0\0\0\1\0\0\0\1"));                 /* the same */
	assert_false(CHAIN("\0\0\x8\6\0\0\0\0\1submeter"));        /* a ping of a stream */
	assert_false(CHAIN("\0\x40\1\0\0\0\0\0\1"));               /* larger than usual */
	assert_false(CHAIN("\0\0\0\x2a\0\3\0\x9\0\0\0\1\0\3abc")); /* Kafka */
	assert_false(CHAIN("\0\0\0\x8\4\xd2\x16\x2f"));            /* PostgreSQL */
	assert_false(CHAIN("data: {\"x\":1}\n\n"));
	assert_false(CHAIN(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(continuation), cmocka_unit_test(streams),
		cmocka_unit_test(stuck),        cmocka_unit_test(orphans),
		cmocka_unit_test(rapid_reset),  cmocka_unit_test(resets_between),
		cmocka_unit_test(indexed_bomb), cmocka_unit_test(block_bytes),
		cmocka_unit_test(table),        cmocka_unit_test(value),
		cmocka_unit_test(large_frame),  cmocka_unit_test(idle_connections),
		cmocka_unit_test(certain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
