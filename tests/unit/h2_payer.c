/* HTTP/2: when a request began, and who pays for it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "h2talk.h"

static struct talk talk;

/* The first byte of its HEADERS, and who wrote it, are the request's. */
static void times_and_payer(void **state)
{
	struct world w;

	(void)state;
	talk_init(&talk);
	hello(&talk);
	ask(&talk, 1, "GET", END);
	answer(&talk, 1, "200", END);
	talk_step(&talk);
	assert_int_equal(world_init(&w), 0);
	for (size_t i = 0; i < 4; i++)
		play_step(&w, &talk, i, ALL, false);
	w.now_ns = 100;
	w.from.cgroup = 5;
	assert_int_equal(world_chunk(&w, OUT,
				     (struct str){ talk.bytes[OUT].p + talk.step[4].from, 3 },
				     false),
			 0); /* 101 */
	w.from.cgroup = 9;
	assert_int_equal(world_chunk(&w, OUT,
				     (struct str){ talk.bytes[OUT].p + talk.step[4].from + 3,
						   talk.step[4].n - 3 },
				     false),
			 0);
	play_step(&w, &talk, 5, ALL, false);
	assert_int_equal(w.seen[0].request_ns, 101);
	assert_int_equal(w.seen[0].end_ns, 103);
	assert_int_equal(w.seen[0].off, 1);
	(void)!world_end(&w, END_FREE, OUT);
	world_close(&w);
	world_done(&w);
	talk_done(&talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(times_and_payer) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
