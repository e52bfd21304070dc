/* wire, its memory: what the connections of one cgroup, and all together, may hold, and what happens above it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/limit.h"
#include "wiretest.h"

#define OUT  DIR_OUT
#define IN   DIR_IN
#define GET  "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
#define ZSTD "HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\n"

/* A zstd frame with the largest window that HTTP allows, and two letters: few bytes that hold 8 MiB. */
#define WINDOW (8u << 20)
#define MAGIC  "\x28\xb5\x2f\xfd"
#define BEGIN  "\x00\x68\x08\x00\x00o"
#define END    "\x09\x00\x00k"
#define Z(z)   ((struct str){ (z), sizeof(z) - 1 })

static void to(struct world *w, uint64_t cgroup, uint64_t gen, struct str in)
{
	static uint64_t off[100];

	assert_true(gen < COUNT_OF(off));
	w->from.cgroup = cgroup;
	w->from.gen = gen;
	if (str_eq(in, S(ZSTD))) {
		w->off[OUT] = w->off[IN] = 0;
		assert_int_equal(world_chunk(w, OUT, S(GET), false), 0);
	} else {
		w->off[IN] = off[gen];
	}
	assert_int_equal(world_chunk(w, IN, in, false), 0);
	off[gen] = w->off[IN];
}

static void open_at(struct world *w, uint64_t cgroup, uint64_t gen)
{
	to(w, cgroup, gen, S(ZSTD));
	to(w, cgroup, gen, Z(MAGIC));
	to(w, cgroup, gen, Z(BEGIN));
}

static const struct seen *seen_of(const struct world *w, uint64_t gen)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->seen[i].gen == gen)
			return &w->seen[i];
	return NULL;
}

static void ends(struct world *w, uint64_t cgroup, uint64_t gen, enum why cut, const char *body)
{
	const struct seen *s = seen_of(w, gen);

	to(w, cgroup, gen, Z(END));
	assert_int_equal(world_end(w, END_FREE, IN), 0);
	assert_non_null(s);
	assert_true(s->ended && s->why == WHY_NONE);
	assert_int_equal(s->cut[IN], cut);
	assert_true(str_eq(buf_str(&s->body[IN]), str_of(body)));
}

static void over(struct world *w)
{
	world_close(w);
	assert_int_equal(wire_held(w->wire), 0);
	world_done(w);
}

/* One cgroup fills its share: what it has begun ends exactly, what it begins then is cut or refused, and counted. Another
 * notices nothing. */
static void cgroup_limit(void **state)
{
	const uint64_t n = LIMIT_CGROUP_BYTES / WINDOW;
	struct world w;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	open_at(&w, 6, 50);
	to(&w, 5, 51, S(ZSTD)); /* its body comes later */
	for (uint64_t gen = 1; gen <= n; gen++) {
		assert_int_equal(w.c.limit[LIM_CGROUP_BYTES], 0);
		open_at(&w, 5, gen);
	}
	assert_true(wire_held(w.wire) > (int64_t)((n + 1) * WINDOW));

	to(&w, 5, 52, S(ZSTD)); /* two pieces of a connection that nobody knows */
	assert_int_equal(w.skipped[SKIP_REFUSED], sizeof(GET) - 1 + sizeof(ZSTD) - 1);
	assert_int_equal(w.c.limit[LIM_CGROUP_BYTES], 2);
	to(&w, 5, 51, Z(MAGIC));
	assert_int_equal(w.c.limit[LIM_CGROUP_BYTES], 3);
	open_at(&w, 6, 53);
	assert_int_equal(w.c.limit[LIM_CGROUP_BYTES], 3);
	assert_int_equal(w.c.limit[LIM_DECODER_BYTES], 0);

	ends(&w, 6, 50, WHY_NONE, "ok");
	ends(&w, 5, 51, WHY_LIMIT, "");
	ends(&w, 6, 53, WHY_NONE, "ok");
	for (uint64_t gen = 1; gen <= n; gen++)
		ends(&w, 5, gen, WHY_NONE, "ok");
	open_at(&w, 5, 54); /* there is room again */
	ends(&w, 5, 54, WHY_NONE, "ok");
	over(&w);
}

/* The same of all; saved traffic has no cgroup. */
static void all_limit(void **state)
{
	struct world w;
	uint64_t n = 0;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	while (wire_held(w.wire) <= LIMIT_DECODER_BYTES)
		open_at(&w, 0, ++n);
	assert_in_range(n, 20, LIMIT_DECODER_BYTES / WINDOW);
	assert_int_equal(count_get(&w.c, LIMIT_HIT), 0);
	to(&w, 7, 52, S(ZSTD));
	assert_int_equal(w.skipped[SKIP_REFUSED], sizeof(GET) - 1 + sizeof(ZSTD) - 1);
	assert_int_equal(w.c.limit[LIM_DECODER_BYTES], 2);
	assert_int_equal(w.c.limit[LIM_CGROUP_BYTES], 0);
	for (uint64_t gen = 1; gen <= n; gen++)
		ends(&w, 0, gen, WHY_NONE, "ok");
	over(&w);
}

/* Decoders that have begun small do not grow without end either. */
static void growth(void **state)
{
	const uint64_t n = 10, fit = (LIMIT_CGROUP_BYTES + LIMIT_CGROUP_BYTES / 4) / WINDOW - 1;
	struct world w;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	for (uint64_t gen = 1; gen <= n; gen++) {
		to(&w, 5, gen, S(ZSTD));
		to(&w, 5, gen, Z(MAGIC));
	}
	for (uint64_t gen = 1; gen <= n; gen++) {
		to(&w, 5, gen, Z(BEGIN));
		assert_true(wire_held(w.wire) < LIMIT_CGROUP_BYTES + LIMIT_CGROUP_BYTES / 4);
		assert_int_equal(w.c.limit[LIM_CGROUP_BYTES], gen > fit ? gen - fit : 0);
	}
	for (uint64_t gen = 1; gen <= n; gen++)
		ends(&w, 5, gen, gen > fit ? WHY_LIMIT : WHY_NONE, gen > fit ? "" : "ok");
	over(&w);
}

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
#define BLOCK \
	"\0\xff\xff\1\0\0\0\0\1\x04\x7f\xe1\xd3\x03" /* of it a :path of so many letters is still to come */

/* Neither do many heads that never end: text is lent as decoders are. */
static void long_heads(void **state)
{
	static const struct {
		struct str begin, then;
	} row[] = {
		{ Z("GET /"), STR_NONE },
		{ Z("GET / HTTP/1.1\r\nHost: "), STR_NONE },
		{ Z(PREFACE BLOCK), STR_NONE },
		{ Z(PREFACE), Z(BLOCK) }, /* when all are there already */
	};
	const int64_t last = LIMIT_CGROUP_BYTES + LIMIT_CGROUP_BYTES / 4;
	static char text[60000];
	const uint64_t n = (uint64_t)last / sizeof(text) + 100;

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct world w;

		assert_int_equal(world_init(&w), 0);
		w.from.cgroup = 5;
		for (uint64_t gen = 1; gen <= n; gen++, world_next(&w))
			assert_int_equal(world_chunk(&w, OUT, row[i].begin, false), 0);
		for (w.from.gen = 1; w.from.gen <= n; w.from.gen++) {
			w.off[OUT] = row[i].begin.n;
			if (row[i].then.n)
				assert_int_equal(world_chunk(&w, OUT, row[i].then, false), 0);
			assert_int_equal(
				world_chunk(&w, OUT, (struct str){ text, sizeof(text) }, false), 0);
			assert_true(wire_held(w.wire) <= last);
		}
		assert_true(wire_held(w.wire) > LIMIT_CGROUP_BYTES);
		assert_true(w.c.limit[LIM_CGROUP_BYTES] > 0);
		assert_true(w.skipped[SKIP_REFUSED] + w.skipped[SKIP_DESYNC] > 0);
		over(&w);
	}
}

/* A connection of 10,000 requests leaves nothing behind, and neither do a hundred cgroups. */
static void comes_out_even(void **state)
{
	struct world w;
	int64_t held = 0;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	w.light = true;
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(world_chunk(&w, OUT, S(GET), false), 0);
		assert_int_equal(world_chunk(&w, IN, S("HTTP/1.1 204 No\r\n\r\n"), false), 0);
		held = i ? held : wire_held(w.wire);
		assert_int_equal(wire_held(w.wire), held);
	}
	for (uint64_t gen = 2; gen < 100; gen++) {
		w.from.gen = w.from.cgroup = gen;
		w.off[OUT] = 0;
		assert_int_equal(world_chunk(&w, OUT, S(GET), false), 0);
		assert_int_equal(world_end(&w, END_FREE, OUT), 0);
		assert_int_equal(wire_held(w.wire), held);
	}
	over(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cgroup_limit),   cmocka_unit_test(all_limit),
		cmocka_unit_test(growth),         cmocka_unit_test(long_heads),
		cmocka_unit_test(comes_out_even),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
