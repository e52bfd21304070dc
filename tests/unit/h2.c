/* HTTP/2: whole conversations from any cut, with no memory, with an outlet that fails. What is lost: h2_lost.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "h2talk.h"

/* ---- scenes ---------------------------------------------------------------------------------- */

static void one(struct talk *t)
{
	hello(t);
	ask(t, 1, "GET", END);
	answer(t, 1, "200", NOT);
	data(t, IN, 1, "o", NOT);
	data(t, IN, 1, "k", END);
	ask(t, 3, "POST", NOT);
	data(t, OUT, 3, "abc", END);
	answer(t, 3, "404", END);
}

static void crossed(struct talk *t)
{
	hello(t);
	ask(t, 1, "POST", NOT);
	ask(t, 3, "POST", NOT);
	ask(t, 5, "GET", END);
	data(t, OUT, 3, "c", NOT);
	answer(t, 5, "200", NOT);
	data(t, OUT, 1, "a", NOT);
	data(t, IN, 5, "5", NOT);
	data(t, OUT, 3, "3", END);
	answer(t, 3, "201", NOT);
	data(t, IN, 3, "x", NOT);
	data(t, IN, 5, "five", END);
	data(t, IN, 3, "yz", END);
	data(t, OUT, 1, "1", END);
	answer(t, 1, "500", END);
}

static void padded(struct talk *t)
{
	struct make_frame how = { .padded = true, .pad = 9, .priority = true };

	hello(t);
	how.fragment = 7;
	ask(t, 1, "POST", how);
	how.fragment = 0;
	data(t, OUT, 1, "abc", how);
	how.pad = 0;
	how.end = true;
	data(t, OUT, 1, "", how);
	how = (struct make_frame){ .padded = true, .pad = 255, .fragment = 20 };
	answer(t, 1, "200", how);
	how = (struct make_frame){ .padded = true, .pad = 200, .end = true, .fragment = 2 };
	data(t, IN, 1, "padded", how);
}

static void odds(struct talk *t)
{
	hello(t);
	ask(t, 1, "GET", END);
	BLOCK(t, IN, 1, false, { ":status", "103" }, { "link", "</x>" });
	make_h2_ping(say(t, IN), false);
	make_h2_frame(say(t, IN), 0x16, 0xff, 1, S("a kind of frame that nobody knows"));
	make_h2_window(say(t, OUT), 1, 100);
	BLOCK(t, IN, 1, false, { ":status", "200" }, { "content-type", "text/event-stream" });
	data(t, IN, 1, "data: 1\n\nda", NOT);
	make_h2_settings(say(t, IN), (const uint32_t[][2]){ { 3, 100 } }, 1);
	make_h2_frame(say(t, OUT), 2, 0, 1, S("\0\0\0\0\20"));
	data(t, IN, 1, "ta: 2\n\n", NOT);
	BLOCK(t, IN, 1, true, { "grpc-status", "0" }, { "content-type", "a/lie" });
}

static void bodiless(struct talk *t)
{
	hello(t);
	ask(t, 1, "HEAD", END);
	BLOCK(t, IN, 1, true, { ":status", "200" }, { "content-length", "99" });
	ask(t, 3, "HEAD", END);
	BLOCK(t, IN, 3, false, { ":status", "200" }, { "content-length", "99" });
	data(t, IN, 3, "", END);
	ask(t, 5, "GET", END);
	BLOCK(t, IN, 5, false, { ":status", "304" }, { "content-length", "9" });
	data(t, IN, 5, "", END);
	ask(t, 7, "GET", END);
	BLOCK(t, IN, 7, false, { ":status", "204" });
	data(t, IN, 7, "no", END);
}

static void lengths(struct talk *t)
{
	hello(t);
	ask(t, 1, "GET", END);
	BLOCK(t, IN, 1, false, { ":status", "200" }, { "content-length", "5" });
	data(t, IN, 1, "right", END);
	ask(t, 3, "GET", END);
	BLOCK(t, IN, 3, false, { ":status", "200" }, { "content-length", "5" });
	data(t, IN, 3, "less", END);
	ask(t, 5, "GET", END);
	BLOCK(t, IN, 5, false, { ":status", "200" }, { "content-length", "5" });
	data(t, IN, 5, "to", NOT);
	data(t, IN, 5, "much", END);
}

static void resets(struct talk *t)
{
	hello(t);
	ask(t, 1, "POST", NOT);
	data(t, OUT, 1, "a", NOT);
	answer(t, 1, "200", NOT);
	data(t, IN, 1, "half", NOT);
	make_h2_rst(say(t, OUT), 1, 8);
	data(t, IN, 1, " on its way", END);
	ask(t, 3, "POST", NOT); /* answered whole, then stopped: nothing is missing of the answer */
	data(t, OUT, 3, "b", NOT);
	answer(t, 3, "413", END);
	make_h2_rst(say(t, IN), 3, 0);
	ask(t, 5, "GET", END);
	make_h2_rst(say(t, IN), 5, 2); /* INTERNAL_ERROR */
	ask(t, 7, "GET", END);
	ask(t, 9, "GET", END);
	ask(t, 11, "GET", END);
	make_h2_rst(say(t, IN), 9, 7); /* REFUSED_STREAM */
	make_h2_goaway(say(t, IN), 7, 0);
	answer(t, 7, "200", END);
}

static void pushed(struct talk *t)
{
	hello(t);
	ask(t, 1, "GET", END);
	make_h2_push(say(t, IN), 1, 2,
		     (const struct make_field[]){ { S(":method"), S("GET"), false },
						  { S(":path"), S("/pushed"), false } },
		     2);
	answer(t, 2, "200", NOT);
	answer(t, 1, "200", NOT);
	data(t, IN, 2, "nobody asked", END);
	data(t, IN, 1, "1", END);
}

static void malformed(struct talk *t)
{
	hello(t);
	BLOCK(t, OUT, 1, true, { ":method", "GET" }, { ":scheme", "https" }, { ":path", "/1" },
	      { ":path", "/2" });
	BLOCK(t, OUT, 3, true, { ":method", "GET" }, { ":scheme", "https" }, { ":path", "/3" },
	      { ":authority", "a" }, { "host", "b" });
	BLOCK(t, OUT, 5, true, { ":method", "GET" }, { "x-y", "z" }, { ":scheme", "https" },
	      { ":path", "/5" });
	BLOCK(t, OUT, 7, true, { ":method", "GET" }, { ":path", "/7" });
	BLOCK(t, OUT, 9, true, { ":method", "GET" }, { ":scheme", "https" }, { ":path", "/9" },
	      { "Upper", "x" });
	BLOCK(t, OUT, 11, true, { ":method", "GET" }, { ":scheme", "https" }, { ":path", "/11" },
	      { "content-length", "1" }, { "content-length", "2" });
	ask(t, 13, "GET", END);
	answer(t, 13, "20", END);
	ask(t, 15, "GET", END);
	data(t, IN, 15, "no head", END);
	ask(t, 17, "GET", END);
	answer(t, 17, "200", NOT);
	answer(t, 17, "200", END);
	ask(t, 19, "GET", END);
	answer(t, 19, "101", NOT);
	ask(t, 21, "GET", END);
	BLOCK(t, IN, 21, true, { "server", "no status" });
}

static void connect(struct talk *t)
{
	hello(t);
	BLOCK(t, OUT, 1, false, { ":method", "CONNECT" }, { ":authority", "h:443" });
	answer(t, 1, "200", NOT);
	data(t, OUT, 1, "\x16\x03", NOT);
	data(t, IN, 1, "\x16\x03", NOT);
	BLOCK(t, OUT, 3, true, { ":method", "CONNECT" }, { ":authority", "h:443" });
	answer(t, 3, "403", NOT);
	data(t, IN, 3, "no", END);
}

/* RFC 8441. */
static void websocket(struct talk *t)
{
	hello(t);
	for (uint32_t id = 1; id < 8; id += 2) {
		BLOCK(t, OUT, id, false, { ":method", "CONNECT" }, { ":protocol", "websocket" },
		      { ":scheme", "https" }, { ":path", "/ws" }, { ":authority", "h" });
		BLOCK(t, IN, id, false, { ":status", "200" });
	}
	make_h2_data(say(t, OUT), 1, S("\x81\x82\0\0\0\0hi"), NULL);
	make_h2_data(say(t, IN), 1, S("\x81\x05hello"), NULL);
	make_h2_data(say(t, IN), 1, S("\x88\0"), &END);
	make_h2_data(say(t, OUT), 1, S("\x88\x80\0\0\0\0"), &END);
	make_h2_data(say(t, IN), 3, S("\x81\x04half"), &END);
	make_h2_data(say(t, OUT), 3, STR_NONE, &END);
	make_h2_data(say(t, IN), 5, S("\x81\x01x"), NULL);
	make_h2_rst(say(t, IN), 5, 8);
	make_h2_data(say(t, IN), 7, S("\x81\x01y\x87nonsense"), NULL);
	BLOCK(t, OUT, 9, false, { ":method", "CONNECT" }, { ":protocol", "websocket" },
	      { ":scheme", "https" }, { ":path", "/ws" }, { ":authority", "h" });
	BLOCK(t, IN, 9, false, { ":status", "200" }, { "sec-websocket-extensions", "unheard-of" });
	make_h2_data(say(t, IN), 9, S("\x81\x01z"), NULL);
}

static void unfinished(struct talk *t)
{
	hello(t);
	ask(t, 1, "POST", NOT);
	data(t, OUT, 1, "ab", NOT);
	ask(t, 3, "GET", END);
	answer(t, 3, "200", NOT);
	data(t, IN, 3, "half", NOT);
	ask(t, 5, "POST", NOT);
	answer(t, 5, "200", END);
}

static void larger_table(struct talk *t)
{
	hello(t);
	make_h2_settings(say(t, OUT), (const uint32_t[][2]){ { 3, 9 }, { 1, 60000 } }, 2);
	make_h2_ack(say(t, IN));
	nghttp2_hd_deflate_del(t->side[IN].deflater);
	assert_int_equal(nghttp2_hd_deflate_new(&t->side[IN].deflater, 65536), 0);
	make_h2_table(&t->side[IN], 60000);
	for (uint32_t id = 1; id < 12; id += 2) {
		ask(t, id, "GET", END);
		answer(t, id, "200", END);
	}
}

static void lies(struct talk *t) /* and everything after them is not read */
{
	hello(t);
	ask(t, 1, "GET", END);
	answer(t, 1, "200", NOT);
	data(t, IN, 1, "a", NOT);
	data(t, IN, 3, "of a stream that nobody opened", NOT);
	data(t, IN, 1, "b", NOT);
	make_h2_ping(say(t, OUT), true);
	data(t, IN, 1, "c", END);
}

static void again(struct talk *t)
{
	hello(t);
	ask(t, 3, "GET", END);
	answer(t, 3, "200", END);
	ask(t, 3, "GET", END);
	answer(t, 3, "200", END);
}

/* Of an object that serves one connection after another. */
static void another(struct talk *t)
{
	hello(t);
	ask(t, 1, "GET", END);
	answer(t, 1, "200", NOT);
	data(t, IN, 1, "half", NOT);
	ask(t, 3, "POST", NOT);
	data(t, OUT, 3, "a", NOT);
	answer(t, 3, "413", END);
	talk_step(t);
	for (int dir = OUT; dir <= IN; dir++) {
		make_h2_done(&t->side[dir]);
		make_h2_init(&t->side[dir], &t->bytes[dir], 4096);
	}
	one(t);
}

/* A client that was told the length need not read the frame that ends the stream. */
static void told(struct talk *t)
{
	hello(t);
	ask(t, 1, "GET", END);
	BLOCK(t, IN, 1, false, { ":status", "200" }, { "content-length", "5" });
	data(t, IN, 1, "right", NOT);
	ask(t, 3, "GET", END);
	BLOCK(t, IN, 3, false, { ":status", "200" }, { "content-length", "5" });
	data(t, IN, 3, "less", NOT);
}

static void between(struct talk *t)
{
	hello(t);
	ask(t, 1, "GET", END);
	make_h2_frame(say(t, IN), 1, 0, 1, S("\x88"));
	make_h2_ping(say(t, IN), false);
}

static void compressed(struct talk *t)
{
	hello(t);
	ask(t, 1, "GET", END);
	make_h2_frame(say(t, IN), 1, 4, 1, S("\x88\xff\xff"));
	answer(t, 1, "200", END);
}

static const struct scene {
	const char *name;
	void (*write)(struct talk *t);
	enum flow_end end;
	const char *want;
	int ignored;
} scenes[] = {
	{ "one", one, END_FREE, "GET /1 1  > 200 1 ok .\nPOST /3 3 abc > 404 3  .\n", -1 },
	{ "crossed", crossed, END_FREE,
	  "POST /1 1 a1 > 500 1  .\nPOST /3 3 c3 > 201 3 xyz .\nGET /5 5  > 200 5 5five .\n", -1 },
	{ "padded", padded, END_FREE, "POST /1 1 abc > 200 1 padded .\n", -1 },
	{ "odds", odds, END_FREE, "GET /1 1  > 200  1|;2|; .\n", -1 },
	{ "bodiless", bodiless, END_FREE,
	  "HEAD /1 1  > 200   .\nHEAD /3 3  > 200   .\nGET /5 5  > 304   .\n"
	  "GET /7 7  > 204  !BAD_BODY .\n",
	  -1 },
	{ "lengths", lengths, END_FREE,
	  "GET /1 1  > 200  right .\nGET /3 3  > 200  less!BAD_BODY .\n"
	  "GET /5 5  > 200  tomuc!BAD_BODY .\n",
	  -1 },
	{ "resets", resets, END_FREE,
	  "POST /1 1 a > 200 1 half ABORTED aborted\nPOST /3 3 b!ABORTED > 413 3  .\n"
	  "GET /5 5  > 0   ABORTED aborted\nGET /7 7  > 200 7  .\n"
	  "GET /9 9  > 0   REFUSED\nGET /11 11  > 0   REFUSED\n",
	  -1 },
	{ "pushed", pushed, END_FREE, "GET /1 1  > 200 1 1 .\n", -1 },
	{ "malformed", malformed, END_FREE,
	  "GET /1  !DESYNC > 0   DESYNC\nGET /3  !DESYNC > 0   DESYNC\n"
	  "GET   !DESYNC > 0   DESYNC\nGET /7  !DESYNC > 0   DESYNC\n"
	  "GET /9  !DESYNC > 0   DESYNC\nGET /11  !DESYNC > 0   DESYNC\n"
	  "GET /13 13  > 0   DESYNC\nGET /15 15  > 0   DESYNC\n"
	  "GET /17 17  > 200 17 !DESYNC DESYNC\nGET /19 19  > 0   DESYNC\n"
	  "GET /21 21  > 0   DESYNC\n",
	  -1 },
	{ "connect", connect, END_FREE,
	  "CONNECT h:443  !PROTOCOL > 200 1 !PROTOCOL PROTOCOL\nCONNECT h:443   > 403 3 no .\n",
	  -1 },
	{ "websocket", websocket, END_FREE,
	  "CONNECT /ws  hi@0|; > 200  hello@0|; .\n"
	  "CONNECT /ws   > 200  half@0|; ABORTED aborted\n"
	  "CONNECT /ws   > 200  x@0|; ABORTED aborted\n"
	  "CONNECT /ws  !DESYNC > 200  y@0|;!DESYNC DESYNC\n"
	  "CONNECT /ws  !PROTOCOL > 200  !PROTOCOL PROTOCOL\n",
	  -1 },
	{ "unfinished", unfinished, END_FREE,
	  "POST /1 1 ab > 0   ABORTED aborted\nGET /3 3  > 200 3 half ABORTED aborted\n"
	  "POST /5 5 !ABORTED > 200 5  .\n",
	  -1 },
	{ "we stop", unfinished, END_STOP,
	  "POST /1 1 ab > 0   STOPPED\nGET /3 3  > 200 3 half STOPPED\n"
	  "POST /5 5 !ABORTED > 200 5  .\n",
	  -1 },
	{ "larger table", larger_table, END_FREE,
	  "GET /1 1  > 200 1  .\nGET /3 3  > 200 3  .\nGET /5 5  > 200 5  .\n"
	  "GET /7 7  > 200 7  .\nGET /9 9  > 200 9  .\nGET /11 11  > 200 11  .\n",
	  -1 },
	{ "lies", lies, END_FREE, "GET /1 1  > 200 1 ab!DESYNC DESYNC\n", SKIP_DESYNC },
	{ "again", again, END_FREE, "GET /3 3  > 200 3  .\n", SKIP_DESYNC },
	{ "another", another, END_FREE,
	  "GET /1 1  > 200 1 half ABORTED aborted\nPOST /3 3 a!ABORTED > 413 3  .\n"
	  "GET /1 1  > 200 1 ok .\nPOST /3 3 abc > 404 3  .\n",
	  -1 },
	{ "told", told, END_FREE,
	  "GET /1 1  > 200  right .\nGET /3 3  > 200  less ABORTED aborted\n", -1 },
	{ "between", between, END_FREE, "GET /1 1  > 0   DESYNC\n", SKIP_DESYNC },
	{ "compressed", compressed, END_FREE, "GET /1 1  > 0   DESYNC\n", SKIP_DESYNC },
};

/* ---- played ---------------------------------------------------------------------------------- */

static struct talk talk;

static void check_scene(const struct scene *s, size_t cut)
{
	struct buf got = { .limit = 1u << 20 };
	struct world w;

	assert_int_equal(world_init(&w), 0);
	play(&w, &talk, cut);
	(void)!world_end(&w, s->end, OUT);
	world_close(&w);
	assert_int_equal(w.first_r, 0);
	tell(&w, &got);
	if (!str_eq(buf_str(&got), str_of(s->want)))
		fail_msg("%s, cut at %zu: got\n" STR_FMT "want\n%s", s->name, cut,
			 STR_ARG(buf_str(&got)), s->want);
	if (w.ignored != s->ignored)
		fail_msg("%s, cut at %zu: ignored %d", s->name, cut, w.ignored);
	if (s->ignored < 0)
		assert_int_equal(w.parsed + w.skipped[SKIP_OPAQUE], w.fed);
	world_done(&w);
	buf_done(&got);
}

static void any_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(scenes); i++) {
		talk_init(&talk);
		scenes[i].write(&talk);
		for (size_t cut = 1; cut < 200; cut += cut < 24 ? 1 : 23)
			check_scene(&scenes[i], cut);
		check_scene(&scenes[i], ALL);
		talk_done(&talk);
	}
}

static void no_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(scenes); i++) {
		bool failed = true;

		talk_init(&talk);
		scenes[i].write(&talk);
		for (long n = 0; failed; n++) {
			struct world w;
			int r;

			assert_true(n < 2000);
			mem_fail_after = n;
			r = world_init(&w);
			if (r == 0) {
				play(&w, &talk, 11);
				(void)!world_end(&w, END_FREE, OUT);
			}
			failed = mem_fail_after < 0;
			mem_fail_after = -1;
			if (r == 0)
				world_close(&w);
			assert_int_equal(r < 0 ? r : w.first_r, failed ? -ENOMEM : 0);
			world_done(&w);
		}
		talk_done(&talk);
	}
}

static void outlet_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(scenes); i++) {
		bool failed = true;

		talk_init(&talk);
		scenes[i].write(&talk);
		for (long n = 0; failed; n++) {
			struct world w;

			assert_int_equal(world_init(&w), 0);
			w.refuse_at = n;
			play(&w, &talk, 9);
			(void)!world_end(&w, END_FREE, OUT);
			failed = w.refuse_at < 0;
			world_close(&w);
			assert_int_equal(w.first_r, failed ? -EDOM : 0);
			world_done(&w);
		}
		talk_done(&talk);
	}
}

static void half_ends(void **state)
{
	struct world w;

	(void)state;
	talk_init(&talk);
	unfinished(&talk);
	assert_int_equal(world_init(&w), 0);
	play(&w, &talk, ALL);
	assert_int_equal(wire_open(w.wire), 3);
	assert_int_equal(world_end(&w, END_EOF, OUT), 0); /* 5 was answered, 1 may be */
	assert_int_equal(wire_open(w.wire), 2);
	assert_int_equal(w.seen[0].cut[OUT], WHY_ABORTED);
	assert_int_equal(world_end(&w, END_EOF, IN), 0);
	assert_int_equal(wire_open(w.wire), 0);
	world_close(&w);
	world_done(&w);
	talk_done(&talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_cut),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(outlet_fails),
		cmocka_unit_test(half_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
