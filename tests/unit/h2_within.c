/* HTTP/2, within one frame: a hole among events; a head that begins as a preface does. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "h2talk.h"

static struct talk talk;

static void wants(struct world *w, const char *want, int ignored)
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
	buf_done(&got);
}

/* A hole within one frame of events costs the event that it is in, and no other. */
static void events(void **state)
{
	struct world w;
	char want[64];

	(void)state;
	assert_int_equal(world_init(&w), 0);
	talk_init(&talk);
	hello(&talk);
	ask(&talk, 1, "GET", END);
	BLOCK(&talk, IN, 1, false, { ":status", "200" }, { "content-type", "text/event-stream" });
	data(&talk, IN, 1, "data: 1\n\ndata: 2\n\ndata: 3\n\n", END);
	talk_step(&talk);
	for (size_t i = 0; i < talk.steps; i++) {
		const struct talk_step *s = &talk.step[i];
		struct str all = { talk.bytes[s->dir].p + s->from, s->n };
		size_t seen = i + 1 < talk.steps ? all.n : 9 + 12, gone = MIN(all.n - seen, 4u);

		assert_int_equal(world_chunk(&w, s->dir, str_head(all, seen), false), 0);
		assert_int_equal(world_chunk(&w, s->dir, (struct str){ all.p, gone }, true), 0);
		assert_int_equal(world_chunk(&w, s->dir, str_skip(all, seen + gone), false), 0);
	}
	snprintf(want, sizeof(want), "GET /1 1  > 200  1|;|!%d;3|; .\n", WHY_GAP);
	wants(&w, want, -1);
	talk_done(&talk);
}

/* The length of a frame may begin as the preface of the next connection does; its whole head may not. */
static void resembling(void **state)
{
	static const struct {
		struct str bytes;
		const char *want;
		int ignored;
	} rows[] = {
		{ { "PRI *\0\0\0\5 what is that", 22 }, "POST /5 5 !ABORTED > 200 5  .\n", -1 },
		{ { "P\0\0\0\1\0\0\0\5data", 13 }, "POST /5 5 data!ABORTED > 200 5  .\n", -1 },
		{ { "PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n", 24 },
		  "POST /5 5 !ABORTED > 200 5  .\n",
		  SKIP_DESYNC },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		talk_init(&talk);
		hello(&talk);
		ask(&talk, 5, "POST", NOT);
		answer(&talk, 5, "200", END);
		talk_step(&talk);
		assert_int_equal(buf_add(&talk.bytes[OUT], rows[i].bytes), 0);
		for (size_t cut = 1; cut <= 24; cut++) {
			struct world w;

			assert_int_equal(world_init(&w), 0);
			play(&w, &talk, cut);
			wants(&w, rows[i].want, rows[i].ignored);
		}
		talk_done(&talk);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events),
		cmocka_unit_test(resembling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
