/* Segments of TCP in any order, twice, and cut anew: what comes out is the stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/limit.h"
#include "base/obj.h"
#include "probe/kernel.h"
#include "probe/order.h"

struct bed {
	struct order *order;
	struct counters counters;
	struct buf text;
	uint64_t next[10][2], out, skipped; /* by connection */
	bool loose;                         /* may go back */
	int refuse;
};

static int on_chunk(void *ctx, const struct chunk *c)
{
	static const char *const ends[] = { "", "eof", "free", "exec", "exit", "stop" };
	struct bed *b = ctx;
	uint64_t *next;

	if (b->refuse)
		return b->refuse;
	if (c->end)
		return buf_printf(&b->text, "%s ", ends[c->end]);
	next = &b->next[c->from.gen][c->dir];
	assert_true(b->loose || c->off >= *next);
	if (c->off > *next)
		(void)!buf_printf(&b->text, "+%llu ", (unsigned long long)(c->off - *next));
	*next = c->off + c->bytes.n;
	b->out += c->bytes.n;
	return buf_printf(&b->text, "%c" STR_FMT " ", c->dir ? '<' : '>', STR_ARG(c->bytes));
}

static void on_skip(void *ctx, const struct origin *from, int skip, uint64_t bytes)
{
	struct bed *b = ctx;

	(void)from;
	(void)skip;
	b->skipped += bytes;
}

static void bed_init(struct bed *b)
{
	struct order_opts o = { &b->counters, on_skip, b };

	*b = (struct bed){ .text.limit = 1 << 20 };
	assert_int_equal(order_new(&o, (struct chunk_sink){ on_chunk, b }, &b->order), 0);
}

static void bed_done(struct bed *b)
{
	order_free(&b->order);
	assert_null(b->order);
	buf_done(&b->text);
}

static int feed(struct bed *b, uint64_t gen, enum flow_dir dir, uint64_t off, const char *text)
{
	struct chunk c = { .from = { .gen = gen, .tgid = 7, .start_ns = 70, .row = TLS_PLAIN },
			   .at_ns = 1000,
			   .dir = dir,
			   .off = off,
			   .bytes = str_of(text) };

	return order_feed(b->order, &c);
}

static int finish(struct bed *b, uint64_t gen, enum flow_end end, uint64_t final)
{
	struct chunk c = { .from = { .gen = gen, .tgid = 7, .start_ns = 70 },
			   .at_ns = 1000,
			   .end = end,
			   .dir = DIR_IN,
			   .final = { OFF_UNKNOWN, final } };

	return order_feed(b->order, &c);
}

static void said(struct bed *b, const char *want)
{
	assert_int_equal(buf_put(&b->text, 0), 0);
	assert_string_equal(b->text.p, want);
	b->text.n = 0;
}

static void scenes(void **state)
{
	struct bed b;

	(void)state;
	bed_init(&b);
	feed(&b, 1, DIR_OUT, 0, "ask");
	feed(&b, 1, DIR_IN, 3, "def");
	feed(&b, 1, DIR_IN, 9, "jkl");
	said(&b, ">ask ");
	feed(&b, 1, DIR_IN, 0, "abc");
	said(&b, "<abc <def ");
	feed(&b, 1, DIR_IN, 2, "CDEFGHIJK"); /* 2..10: only ghi is new, and jkl came first */
	said(&b, "<GHI <jkl ");
	assert_int_equal(b.skipped, 6);
	feed(&b, 1, DIR_IN, 20, "zz");
	assert_int_equal(finish(&b, 1, END_EOF, 22), 0);
	said(&b, "");
	assert_int_equal(finish(&b, 1, END_FREE, 22), 0);
	said(&b, "+8 <zz eof free ");
	assert_int_equal(order_held(b.order), 0);
	/* an end of a direction that nothing is missing of passes; one of a connection we do not know as well */
	finish(&b, 9, END_EOF, 5);
	said(&b, "eof ");
	bed_done(&b);
}

static void a_hole_does_not_last(void **state)
{
	const uint64_t wait = LIMIT_ORDER_WAIT_MS * 1000000ull;
	struct bed b;

	(void)state;
	bed_init(&b);
	feed(&b, 1, DIR_IN, 5, "late");
	feed(&b, 2, DIR_IN, 5, "other");
	assert_int_equal(order_tick(b.order, 1000 + wait - 1), 0);
	said(&b, "");
	assert_int_equal(b.counters.limit[LIM_ORDER_WAIT_MS], 0);
	assert_int_equal(order_tick(b.order, 1000 + wait), 0);
	assert_int_equal(b.counters.limit[LIM_ORDER_WAIT_MS], 2);
	said(&b, "+5 <late +5 <other ");
	assert_int_equal(order_held(b.order), 0);
	feed(&b, 1, DIR_IN, 0, "12345"); /* too late */
	assert_int_equal(b.skipped, 5);
	said(&b, "");
	bed_done(&b);

	bed_init(&b); /* of its process; of all */
	feed(&b, 3, DIR_IN, 1, "x");
	finish(&b, 0, END_EXIT, OFF_UNKNOWN);
	said(&b, "+1 <x exit ");
	feed(&b, 3, DIR_IN, 9, "y");
	assert_int_equal(order_flush(b.order), 0);
	said(&b, "+7 <y ");
	bed_done(&b);
}

static void at_a_limit_the_hole_shows(void **state)
{
	static char big[LIMIT_CHUNK_BYTES + 1];
	struct bed b;
	uint64_t off = 1;

	(void)state;
	memset(big, 'b', LIMIT_CHUNK_BYTES);
	bed_init(&b);
	while (!count_get(&b.counters, LIMIT_HIT)) {
		assert_int_equal(order_held(b.order) > LIMIT_ORDER_BYTES, 0);
		b.text.n = 0;
		b.text.limit = 1 << 26;
		feed(&b, 1, DIR_IN, off, big);
		off += LIMIT_CHUNK_BYTES;
	}
	assert_int_equal(order_held(b.order), 0);
	assert_int_equal(b.out, off - 1);
	assert_int_equal(b.next[1][DIR_IN], off);
	assert_int_equal(b.counters.limit[LIM_ORDER_BYTES], 1);
	bed_done(&b);

	bed_init(&b);
	for (off = 1; !count_get(&b.counters, LIMIT_HIT); off += 2)
		feed(&b, 1, DIR_IN, off, "s");
	assert_int_equal(off / 2, LIMIT_ORDER_SEGMENTS + 1);
	assert_int_equal(b.counters.limit[LIM_ORDER_SEGMENTS], 1);
	bed_done(&b);

	/* none holds too much, but all together do: the one that was the last straw goes on */
	bed_init(&b);
	for (uint64_t gen = 1; !count_get(&b.counters, LIMIT_HIT); gen++)
		for (int n = 0; n < 500 && !count_get(&b.counters, LIMIT_HIT); n++) {
			assert_true(gen < 12);
			b.text.n = 0;
			b.text.limit = 1 << 26;
			feed(&b, gen, DIR_IN, 1 + (uint64_t)n * LIMIT_CHUNK_BYTES, big);
		}
	assert_int_equal(b.counters.limit[LIM_ORDER_ALL], 1);
	assert_in_range(order_held(b.order), LIMIT_ORDER_ALL - LIMIT_ORDER_BYTES, LIMIT_ORDER_ALL);
	bed_done(&b);
}

/* ---- any order ------------------------------------------------------------------------------- */

static uint64_t rng;

static uint64_t draw(uint64_t below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (rng >> 33) % below;
}

#define STREAM 3000
#define PIECES 400

/* Every byte of the stream says where it stands and in which sending; what must come out is the first that was fed. */
static void any_order(void **state)
{
	(void)state;
	for (rng = 1; rng < 1u << 20; rng = rng * 2 + 1) {
		char first[STREAM] = { 0 }, got[STREAM] = { 0 };
		uint64_t fed = 0, seed = rng;
		struct bed b;

		bed_init(&b);
		b.text.limit = 1 << 24;
		for (int i = 0; i < PIECES || memchr(first, 0, STREAM); i++) {
			uint64_t off = draw(STREAM), n = 1 + draw(MIN(60u, STREAM - off));
			char text[64] = "";

			if (i >= PIECES) { /* fill what is left, from the end */
				off = (uint64_t)((char *)memrchr(first, 0, STREAM) - first);
				n = 1;
			}
			for (uint64_t k = 0; k < n; k++) {
				text[k] = (char)('a' + draw(26));
				if (!first[off + k])
					first[off + k] = text[k];
			}
			fed += n;
			assert_int_equal(feed(&b, 5, DIR_IN, off, text), 0);
		}
		assert_int_equal(buf_put(&b.text, 0), 0);
		for (size_t i = 0, at = 0; i < b.text.n; i++) {
			assert_true(b.text.p[i] != '+');
			if (b.text.p[i] >= 'a' && at < STREAM)
				got[at++] = b.text.p[i];
		}
		if (memcmp(got, first, STREAM) != 0)
			fail_msg("seed %llu: not the bytes that came first",
				 (unsigned long long)seed);
		assert_int_equal(b.out, STREAM);
		assert_int_equal(b.out + b.skipped, fed);
		assert_int_equal(order_held(b.order), 0);
		bed_done(&b);
	}
}

/* No memory, a refusing outlet: every byte is handed on or told, and nothing is lost from the books. */
static void without_memory(void **state)
{
	(void)state;
	for (long left = 0; left < 12; left++) {
		struct bed b;
		uint64_t fed = 0;

		bed_init(&b);
		b.loose = true; /* what cannot be held passes */
		mem_fail_after = left;
		for (uint64_t off = 40; off > 0; off -= 4, fed += 4)
			(void)!feed(&b, 1, DIR_IN, off, "four");
		(void)!feed(&b, 1, DIR_IN, 0, "last");
		mem_fail_after = -1;
		(void)!order_flush(b.order);
		assert_int_equal(b.out + b.skipped, fed + 4);
		bed_done(&b);
	}
	for (int i = 0; i < 2; i++) {
		struct bed b;

		bed_init(&b);
		feed(&b, 1, DIR_IN, 4, "four");
		b.refuse = -EIO;
		assert_int_equal(feed(&b, 1, DIR_IN, 0, "zero"), -EIO);
		assert_int_equal(order_held(b.order), 0);
		bed_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scenes),         cmocka_unit_test(a_hole_does_not_last),
		cmocka_unit_test(any_order),      cmocka_unit_test(at_a_limit_the_hole_shows),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
