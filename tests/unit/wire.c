/* wire -- pieces become parts: sides, pairing, codings, ends; from any cut, under every failure. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "wire_scenes.h"

static const char *why_name(enum why why)
{
	static const char *const names[] = {
		".",
#define WHY(name, words) #name,
#include "tbl/why.h"
#undef WHY
	};

	return names[why];
}

/* "METHOD TARGET request-body status response-body why"; a cut is "!WHY" behind its body. */
static void tell(const struct world *w, struct buf *to)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct seen *s = &w->seen[i];
		long armed = mem_fail_after;
		int r;

		mem_fail_after = -1;
		r = s->orphan ? buf_add(to, S("orphan"))
			      : buf_printf(to, "%s %s " STR_FMT, s->method, s->target,
					   STR_ARG(buf_str(&s->body[0])));
		if (r == 0 && s->cut[0])
			r = buf_printf(to, "!%s", why_name(s->cut[0]));
		if (r == 0)
			r = buf_printf(to, " %u " STR_FMT STR_FMT, s->status,
				       STR_ARG(buf_str(&s->body[1])), STR_ARG(buf_str(&s->events)));
		if (r == 0 && s->cut[1])
			r = buf_printf(to, "!%s", why_name(s->cut[1]));
		if (r == 0)
			r = buf_printf(to, " %s%s\n", why_name(s->why),
				       s->aborted ? " aborted" : "");
		assert_int_equal(r, 0);
		mem_fail_after = armed;
	}
}

static void play(struct world *w, const struct scene *s, size_t cut)
{
	for (int i = 0; i < STEPS && s->steps[i].bytes; i++) {
		struct str rest = str_of(s->steps[i].bytes);

		while (rest.n) {
			(void)!world_chunk(w, s->steps[i].dir, str_head(rest, cut), false);
			rest = str_skip(rest, cut);
		}
	}
	(void)!world_end(w, s->end, DIR_OUT);
}

static void check_scene(const struct scene *s, size_t cut)
{
	struct buf got = { .limit = 1u << 20 };
	struct world w;

	assert_int_equal(world_init(&w), 0);
	play(&w, s, cut);
	world_close(&w);
	assert_int_equal(w.first_r, 0);
	tell(&w, &got);
	if (!str_eq(buf_str(&got), str_of(s->want)))
		fail_msg("%s, cut at %zu: got\n" STR_FMT "want\n%s", s->name, cut,
			 STR_ARG(buf_str(&got)), s->want);
	if (w.ignored != s->ignored)
		fail_msg("%s, cut at %zu: ignored %d, want %d", s->name, cut, w.ignored,
			 s->ignored);
	assert_int_equal(count_get(&w.c, CONNS_SERVER), s->ignored == SKIP_SERVER);
	assert_int_equal(count_get(&w.c, CONNS_OPAQUE), s->ignored == SKIP_OPAQUE);
	assert_int_equal(count_get(&w.c, CONNS_DESYNC), s->ignored == SKIP_DESYNC);
	assert_int_equal(count_get(&w.c, CALLS), w.count);
	if (s->ignored < 0 && w.count && !s->whole_only)
		assert_int_equal(w.parsed, w.fed);
	world_done(&w);
	buf_done(&got);
}

static void any_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(scenes); i++)
		for (size_t cut = scenes[i].whole_only ? 199 : 1; cut < 200;
		     cut += cut < 40 ? 1 : 23)
			check_scene(&scenes[i], cut);
}

static void no_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(scenes); i++)
		for (size_t cut = 5; cut < 1000; cut += 900) {
			bool failed = true;

			for (long n = 0; failed; n++) {
				struct world w;
				int r;

				assert_true(n < 500);
				mem_fail_after = n;
				r = world_init(&w);
				if (r == 0)
					play(&w, &scenes[i], cut);
				failed = mem_fail_after < 0;
				mem_fail_after = -1;
				if (r == 0)
					world_close(&w);
				assert_int_equal(r < 0 ? r : w.first_r, failed ? -ENOMEM : 0);
				world_done(&w);
			}
		}
}

static void outlet_says_no(const struct scene *s, int no)
{
	bool failed = true;

	for (long n = 0; failed; n++) {
		struct world w;

		assert_int_equal(world_init(&w), 0);
		w.refuse_at = n;
		w.refuse_r = no;
		play(&w, s, 9);
		failed = w.refuse_at < 0;
		world_close(&w);
		assert_int_equal(w.first_r, failed ? no : 0);
		world_done(&w);
	}
}

/* Whatever it says: the last two are our own words for bytes that are wrong, which are no error. */
static void outlet_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(scenes); i++) {
		outlet_says_no(&scenes[i], -EDOM);
		outlet_says_no(&scenes[i], -EBADMSG);
		outlet_says_no(&scenes[i], -EMSGSIZE);
	}
}

/* conn names each hole; whoever feeds this stage alone need not, and is told as well what the outlet says to it. */
static void unnamed_hole(void **state)
{
	struct origin from = { .gen = 1, .tgid = 7 };
	struct piece p = { .from = &from, .kind = PIECE_BYTES, .dir = OUT, .bytes = S(GET) };
	struct world w;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	assert_int_equal(wire_feed(w.wire, &p), 0);
	w.refuse_at = 0;
	p.dir = IN;
	p.off = 9;
	p.bytes = S("x");
	assert_int_equal(wire_feed(w.wire, &p), -EDOM);
	assert_int_equal(w.skipped[SKIP_REFUSED], 1);
	w.fed = sizeof(GET);
	p = (struct piece){ .from = &from, .kind = PIECE_END, .end = END_FREE };
	assert_int_equal(wire_feed(w.wire, &p), 0);
	world_close(&w);
	world_done(&w);
}

/* An answer is lost, and what comes after the next request begins none: that is the hole's doing. */
static void behind_a_hole(void **state)
{
	static const struct {
		enum flow_dir dir;
		const char *bytes;
		bool lost;
	} steps[] = { { OUT, GET, false },
		      { IN, OK2, true },
		      { IN, "tail", false },
		      { OUT, GET, false },
		      { IN, "tail", false } };
	struct world w;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	for (size_t i = 0; i < COUNT_OF(steps); i++)
		assert_int_equal(
			world_chunk(&w, steps[i].dir, str_of(steps[i].bytes), steps[i].lost), 0);
	assert_int_equal(w.count, 2);
	assert_true(w.seen[0].ended && w.seen[0].why == WHY_GAP);
	assert_true(w.seen[1].ended && w.seen[1].why == WHY_GAP);
	assert_int_equal(world_end(&w, END_FREE, OUT), 0);
	world_close(&w);
	world_done(&w);
}

/* ---- joined midway: the meaning depends on where pieces begin -------------------------------- */

#define AT(n) (w.off[OUT] = w.off[IN] = (n))

static const struct scene late[] = {
	{ "request first", /* among what is missing of the answers may be that of the first */
	  { { OUT, "tail of a body" }, { OUT, GET }, { IN, OK2 }, { OUT, GET }, { IN, OK2 } },
	  END_FREE,
	  "GET /a  0  GAP\nGET /a  200 ok .\n",
	  -1,
	  true },
	{ "answer first",
	  { { IN, OK2 }, { OUT, GET }, { IN, OK2 } },
	  END_FREE,
	  "orphan 200 ok .\nGET /a  200 ok .\n",
	  -1,
	  true },
	{ "tail first",
	  { { IN, "tail" }, { IN, OK2 }, { OUT, GET }, { IN, OK2 } },
	  END_FREE,
	  "GET /a  200 ok .\n",
	  -1,
	  true },
	{ "tail behind the request",
	  { { OUT, GET }, { IN, "tail" }, { IN, OK2 } },
	  END_FREE,
	  "GET /a  0  GAP\n",
	  -1,
	  true },
	{ "orphan of a HEAD",
	  { { IN, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" }, { OUT, GET }, { IN, OK2 } },
	  END_FREE,
	  "orphan 200 !MIDSTREAM MIDSTREAM\nGET /a  200 ok .\n",
	  -1,
	  true },
	{ "server", { { IN, GET }, { OUT, OK2 } }, END_FREE, "", SKIP_SERVER, true },
	{ "peer cannot say so",
	  { { IN, GET }, { OUT, GET }, { IN, OK2 } },
	  END_FREE,
	  "GET /a  200 ok .\n",
	  -1,
	  true },
	{ "h2",
	  { { OUT, "\0\0\1" }, { OUT, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nx" } },
	  END_FREE,
	  "",
	  -1,
	  true },
	{ "nothing known", { { OUT, "x" }, { IN, "y" } }, END_FREE, "", -1, true },
};

static void midstream(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(late); i++) {
		struct buf got = { .limit = 1u << 20 };
		struct world w;

		assert_int_equal(world_init(&w), 0);
		AT(1000);
		play(&w, &late[i], 1u << 20);
		world_close(&w);
		tell(&w, &got);
		if (!str_eq(buf_str(&got), str_of(late[i].want)))
			fail_msg("%s: got\n" STR_FMT, late[i].name, STR_ARG(buf_str(&got)));
		assert_int_equal(w.ignored, late[i].ignored);
		for (size_t n = 0; n < w.count; n++)
			assert_int_equal(w.seen[n].orphan, w.seen[n].off >> 63);
		world_done(&w);
		buf_done(&got);
	}
}

static void half_ends(void **state)
{
	struct world w;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	assert_int_equal(
		world_chunk(&w, OUT, S("POST /b HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"), false),
		0);
	assert_int_equal(world_end(&w, END_EOF, DIR_OUT), 0);
	assert_int_equal(wire_open(w.wire), 1);
	assert_int_equal(world_chunk(&w, IN, S(OK2), false), 0);
	assert_int_equal(wire_open(w.wire), 0);
	assert_true(w.seen[0].cut[0] == WHY_ABORTED && w.seen[0].why == WHY_NONE &&
		    !w.seen[0].aborted);
	w.from.gen = 2;
	AT(0);
	assert_int_equal(world_chunk(&w, OUT, S(GET GET), false), 0);
	assert_int_equal(world_chunk(&w, IN, S("HTTP/1.1 200 OK\r\n\r\nuntil the end"), false), 0);
	assert_int_equal(world_end(&w, END_EOF, DIR_IN), 0);
	assert_int_equal(wire_open(w.wire), 0);
	assert_true(w.seen[1].why == WHY_NONE && !w.seen[1].aborted);
	assert_true(w.seen[2].why == WHY_ABORTED && w.seen[2].aborted);
	world_close(&w);
	world_done(&w);
}

static void times_and_payer(void **state)
{
	struct world w;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	w.now_ns = 100;
	assert_int_equal(world_chunk(&w, OUT, S("G"), false), 0); /* 101 */
	assert_int_equal(world_chunk(&w, OUT, S("ET /a HTTP/1.1\r\n\r"), false), 0);
	w.from.cgroup = 9; /* the process moves: the call does not */
	assert_int_equal(world_chunk(&w, OUT, S("\n"), false), 0);
	assert_int_equal(world_chunk(&w, IN, S(OK2), false), 0); /* 104 */
	assert_int_equal(w.seen[0].request_ns, 101);
	assert_int_equal(w.seen[0].end_ns, 104);
	assert_int_equal(w.seen[0].off, 0);
	world_close(&w);
	world_done(&w);
}

/* Forgotten with requests under way that nobody was told the end of. */
static void left_open(void **state)
{
	struct world w;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			world_chunk(&w, OUT, S("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), false), 0);
	assert_int_equal(count_get(&w.c, CALLS_OPEN), 2);
	world_done(&w); /* nothing leaks */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_cut),       cmocka_unit_test(no_memory),
		cmocka_unit_test(outlet_fails),  cmocka_unit_test(midstream),
		cmocka_unit_test(half_ends),     cmocka_unit_test(times_and_payer),
		cmocka_unit_test(left_open),     cmocka_unit_test(unnamed_hole),
		cmocka_unit_test(behind_a_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
