/* HTTP/2: a preface that comes late, a WebSocket with a hole, settings and numbers that were lost. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/limit.h"
#include "h2talk.h"

static struct talk talk;

/* Of one step `gone` bytes behind the first `seen` are lost. */
static void play_but(struct world *w, size_t step, size_t seen, size_t gone)
{
	talk_step(&talk);
	for (size_t i = 0; i < talk.steps; i++) {
		const struct talk_step *s = &talk.step[i];
		struct str all = { talk.bytes[s->dir].p + s->from, s->n }, rest;

		if (i != step) {
			(void)!world_chunk(w, s->dir, all, false);
			continue;
		}
		if (seen)
			(void)!world_chunk(w, s->dir, str_head(all, seen), false);
		rest = str_skip(all, seen);
		(void)!world_chunk(w, s->dir, str_head(rest, gone), true);
		if (gone < rest.n)
			(void)!world_chunk(w, s->dir, str_skip(rest, gone), false);
	}
}

static void finish(struct world *w, const char *want, int ignored)
{
	struct buf got = { .limit = 1u << 20 };

	(void)!world_end(w, END_FREE, OUT);
	world_close(w);
	assert_int_equal(w->first_r, 0);
	tell(w, &got);
	if (!str_eq(buf_str(&got), str_of(want)))
		fail_msg("got\n" STR_FMT "want\n%s", STR_ARG(buf_str(&got)), want);
	assert_int_equal(w->ignored, ignored);
	world_done(w);
	talk_done(&talk);
	buf_done(&got);
}

/* What was heard before it is none of ours; after it all is known: an answer that nobody asked for is a lie. */
static void preface(void **state)
{
	(void)state;
	for (int lie = 0; lie < 2; lie++) {
		struct world w;

		assert_int_equal(world_init(&w), 0);
		talk_init(&talk);
		assert_int_equal(world_chunk(&w, OUT, S("a proxy's greeting"), false), 0);
		hello(&talk);
		if (lie)
			answer(&talk, 7, "200", END);
		ask(&talk, 1, "GET", END);
		answer(&talk, 1, "200", END);
		play(&w, &talk, ALL);
		finish(&w, lie ? "orphan    > 200 7  .\n" : "GET /1 1  > 200 1  .\n",
		       lie ? SKIP_DESYNC : -1);
	}
}

/* The next connection of the object begins with empty tables, both known: what refers into one is an error. */
static void next_tables(void **state)
{
	struct make_h2 *h;
	struct world w;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	talk_init(&talk);
	hello(&talk);
	ask(&talk, 1, "GET", END);
	answer(&talk, 1, "200", END);
	h = say(&talk, OUT);
	make_h2_preface(h);
	make_h2_settings(h, NULL, 0);
	make_h2_frame(h, 1, 5, 1, S("\x82\x87\x84\xbe"));
	play(&w, &talk, ALL);
	finish(&w, "GET /1 1  > 200 1  .\n", SKIP_DESYNC);
}

/* A hole in a message damages that one; it says where it began. */
static void socket_hole(void **state)
{
	struct world w;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	talk_init(&talk);
	hello(&talk);
	BLOCK(&talk, OUT, 1, false, { ":method", "CONNECT" }, { ":protocol", "websocket" },
	      { ":scheme", "https" }, { ":path", "/ws" }, { ":authority", "h" });
	BLOCK(&talk, IN, 1, false, { ":status", "200" });
	make_h2_data(say(&talk, IN), 1, S("\x81\x03one\x81\x05two34\x81\x01x"), NULL);
	make_h2_data(say(&talk, IN), 1, S("\x81\x05three"), NULL);
	talk_step(&talk);
	for (size_t i = 0; i < talk.steps; i++) {
		const struct talk_step *s = &talk.step[i];
		struct str all = { talk.bytes[s->dir].p + s->from, s->n };

		if (i != 6) {
			(void)!world_chunk(&w, s->dir, all, false);
			continue;
		}
		(void)!world_chunk(&w, s->dir, str_head(all, 9 + 5 + 3), false);
		(void)!world_chunk(&w, s->dir, (struct str){ all.p + 17, 2 }, true);
		(void)!world_chunk(&w, s->dir, str_skip(all, 19), false);
	}
	assert_int_equal(w.seen[0].event_count, 4);
	assert_int_equal(w.seen[0].damaged, 1);
	assert_int_equal(w.seen[0].message[IN], 15);
	(void)!world_end(&w, END_FREE, OUT);
	world_close(&w);
	world_done(&w);
	talk_done(&talk);
}

/* SETTINGS that were lost, with or without the frame's head, may have allowed any table. */
static void settings(void **state)
{
	(void)state;
	for (int whole = 0; whole < 2; whole++) {
		struct world w;

		assert_int_equal(world_init(&w), 0);
		talk_init(&talk);
		hello(&talk);
		make_h2_settings(say(&talk, OUT), (const uint32_t[][2]){ { 1, 60000 } }, 1);
		make_h2_ping(say(&talk, OUT), false);
		nghttp2_hd_deflate_del(talk.side[IN].deflater);
		assert_int_equal(nghttp2_hd_deflate_new(&talk.side[IN].deflater, 65536), 0);
		make_h2_table(&talk.side[IN], 60000);
		ask(&talk, 1, "GET", END);
		answer(&talk, 1, "200", END);
		play_but(&w, 4, whole ? 9 : 0, SIZE_MAX);
		finish(&w, "GET /1 1  > 200 1  .\n", -1);
	}
}

/* A server may speak first (TLS 1.3): what it allows holds, whether its SETTINGS were read or could have been anything. */
static void server_first(void **state)
{
	(void)state;
	for (int proof = 0; proof < 2; proof++) {
		struct world w;

		assert_int_equal(world_init(&w), 0);
		talk_init(&talk);
		make_h2_settings(say(&talk, IN), (const uint32_t[][2]){ { 1, 60000 } }, 1);
		if (proof)
			make_h2_window(&talk.side[IN], 0, 1000);
		make_h2_preface(say(&talk, OUT));
		make_h2_settings(&talk.side[OUT], NULL, 0);
		make_h2_ack(&talk.side[OUT]);
		nghttp2_hd_deflate_del(talk.side[OUT].deflater);
		assert_int_equal(nghttp2_hd_deflate_new(&talk.side[OUT].deflater, 65536), 0);
		make_h2_table(&talk.side[OUT], 60000);
		ask(&talk, 1, "GET", END);
		answer(&talk, 1, "200", END);
		play(&w, &talk, ALL);
		finish(&w, "GET /1 1  > 200 1  .\n", -1);
	}
}

/* The number of a farewell was lost, or some of it: nobody is sent away by it, nor by what stands behind it. */
static void farewell(void **state)
{
	(void)state;
	for (size_t gone = 1; gone <= 8; gone++) {
		struct world w;

		assert_int_equal(world_init(&w), 0);
		talk_init(&talk);
		hello(&talk);
		ask(&talk, 1, "GET", END);
		make_h2_goaway(say(&talk, OUT), 0, 0); /* the client's own is not about requests */
		make_h2_goaway(say(&talk, IN), gone < 8, 0);
		play_but(&w, 6, 9 + (gone < 5 ? 4 - gone : 0), gone);
		finish(&w, "GET /1 1  > 0   ABORTED aborted\n", -1);
	}
}

/* A frame may be as long as the letters of a preface say, where the server allows it. */
static void large_frame(void **state)
{
	static char zeros[LIMIT_CHUNK_BYTES];
	struct world w;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	talk_init(&talk);
	w.light = true;
	hello(&talk);
	ask(&talk, 1, "POST", NOT);
	play(&w, &talk, ALL);
	assert_int_equal(world_chunk(&w, OUT, S("\x50\x40\0\0\1\0\0\0\1"), false), 0);
	for (size_t left = 0x504000; left; left -= sizeof(zeros))
		assert_int_equal(world_chunk(&w, OUT, (struct str){ zeros, sizeof(zeros) }, false),
				 0);
	assert_int_equal(w.count, 1);
	assert_int_equal(w.seen[0].why, WHY_NONE);
	assert_int_equal(w.ignored, -1);
	assert_int_equal(world_end(&w, END_FREE, OUT), 0);
	world_done(&w);
	talk_done(&talk);
}

/* A number names one request for ever: what is over does not come back as an orphan, whatever is lost after it. */
static void over(void **state)
{
	struct world w;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	talk_init(&talk);
	hello(&talk);
	ask(&talk, 1, "GET", END);
	make_h2_rst(say(&talk, OUT), 1, 8);
	ask(&talk, 3, "GET", END); /* lost */
	make_h2_ping(say(&talk, OUT), false);
	answer(&talk, 1, "200", END); /* on its way when it was reset */
	answer(&talk, 3, "200", END);
	ask(&talk, 5, "GET", END);
	answer(&talk, 5, "200", END);
	play_but(&w, 6, 0, SIZE_MAX);
	finish(&w, "GET /1 1  > 0   ABORTED aborted\norphan    > 200 3  .\nGET~ /5   > 200 5  .\n",
	       -1);
}

/* A request may have trailers, too; a value that was too long once stays forgotten. */
static void trailers(void **state)
{
	static char text[5000];
	struct world w;

	(void)state;
	memset(text, 'v', sizeof(text) - 1);
	assert_int_equal(world_init(&w), 0);
	talk_init(&talk);
	hello(&talk);
	ask(&talk, 1, "POST", NOT);
	data(&talk, OUT, 1, "abc", NOT);
	BLOCK(&talk, OUT, 1, true, { "x-checksum", "1" });
	BLOCK(&talk, IN, 1, true, { ":status", "200" }, { "x-request-id", text },
	      { "x-request-id", "short" });
	play(&w, &talk, ALL);
	finish(&w, "POST /1 1 abc > 200   .\n", -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(preface),      cmocka_unit_test(next_tables),
		cmocka_unit_test(socket_hole),  cmocka_unit_test(settings),
		cmocka_unit_test(server_first), cmocka_unit_test(farewell),
		cmocka_unit_test(large_frame),  cmocka_unit_test(over),
		cmocka_unit_test(trailers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
