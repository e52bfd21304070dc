/* HTTP/2 with bytes lost, and joined midway: at every place. What comes out is right, or cut, or absent; never another's. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/limit.h"
#include "h2talk.h"
#include "wire/exchange.h"

enum { STREAMS = 9 };

/* ---- a conversation at random ---------------------------------------------------------------- */

struct truth {
	char body[2][600];
	size_t sent[2];
	int step[2];  /* 0: head, 1: body, 2: over */
	size_t begun; /* step of the conversation at which it began */
};

static struct talk talk;
static struct truth truth[STREAMS];

static struct make_frame any_frame(uint64_t *seed)
{
	struct make_frame f = { .padded = make_chance(seed, 20),
				.priority = make_chance(seed, 10) };

	f.pad = f.padded ? make_below(seed, 20) : 0;
	return f;
}

static void go_on(struct talk *t, size_t i, uint64_t *seed)
{
	struct truth *x = &truth[i];
	enum flow_dir dir =
		x->step[OUT] < 2 && (x->step[OUT] == 0 || make_chance(seed, 80)) ? OUT : IN;
	struct make_frame how = any_frame(seed);
	uint32_t id = (uint32_t)(2 * i + 1);
	struct str rest = str_skip(str_of(x->body[dir]), x->sent[dir]);

	if (x->step[dir] == 2)
		return;
	if (x->step[dir] == 0) {
		talk_step(t);
		x->begun = dir == OUT ? t->steps : x->begun;
		how.fragment = make_chance(seed, 30) ? 40 : 0;
		how.end = !rest.n;
		if (dir == OUT)
			ask(t, id, "POST", how);
		else
			answer(t, id, make_chance(seed, 80) ? "200" : "529", how);
	} else {
		struct str run = str_head(rest, 1 + make_below(seed, 300));

		x->sent[dir] += run.n;
		how.end = run.n == rest.n;
		make_h2_data(say(t, dir), id, run, &how);
	}
	x->step[dir] = how.end ? 2 : 1;
}

static void write_talk(uint64_t seed)
{
	size_t left = STREAMS, open = 1;

	talk_init(&talk);
	hello(&talk);
	for (size_t i = 0; i < STREAMS; i++) {
		truth[i] = (struct truth){ .begun = 0 };
		for (int dir = 0; dir < 2; dir++) {
			int n = snprintf(truth[i].body[dir], 64, "{\"%s\":%zu,\"x\":\"",
					 dir ? "answer" : "ask", 2 * i + 1);

			memset(truth[i].body[dir] + n, 'a' + (int)i, make_below(&seed, 500));
		}
	}
	while (left) {
		size_t i = make_below(&seed, open);

		go_on(&talk, i, &seed);
		if (make_chance(&seed, 10))
			make_h2_ping(say(&talk, make_chance(&seed, 50)), false);
		if (open < STREAMS && truth[open - 1].step[OUT] > 0)
			open++;
		left = 0;
		for (size_t k = 0; k < STREAMS; k++)
			left += truth[k].step[OUT] < 2 || truth[k].step[IN] < 2;
	}
	talk_step(&talk);
}

/* ---- what must hold -------------------------------------------------------------------------- */

static bool begins(const char *whole, const struct buf *b)
{
	return str_starts(str_of(whole), buf_str(b));
}

/* Which exchange is it? By its heads, or by its bodies; -1: nothing tells. */
static int which(const struct seen *s)
{
	unsigned n;

	if (sscanf(s->target, "/%u", &n) == 1 || sscanf(s->id[0], "%u", &n) == 1 ||
	    sscanf(s->id[1], "%u", &n) == 1)
		return (int)n / 2;
	for (int dir = 0; dir < 2; dir++)
		for (int i = 0; i < STREAMS; i++)
			if (s->body[dir].n > 14 && begins(truth[i].body[dir], &s->body[dir]))
				return i;
	return -1;
}

/* Returns how many are whole; `from`: those that began at this step or later have to be. */
static size_t check(const struct world *w, size_t from)
{
	bool found[STREAMS] = { false };
	size_t whole = 0;

	for (size_t i = 0; i < w->count; i++) {
		const struct seen *s = &w->seen[i];
		int at = which(s);

		if (at < 0) {
			assert_true(s->body[OUT].n < 15 && s->body[IN].n < 15);
			continue;
		}
		assert_true(at < STREAMS && !found[at]);
		assert_true(!s->id[0][0] || atoi(s->id[0]) / 2 == at);
		assert_true(!s->id[1][0] || atoi(s->id[1]) / 2 == at);
		for (int dir = 0; dir < 2; dir++) {
			bool head = dir ? s->response : s->request;

			assert_true(begins(truth[at].body[dir], &s->body[dir]));
			if (s->why == WHY_NONE && head && !s->cut[dir])
				assert_int_equal(s->body[dir].n, strlen(truth[at].body[dir]));
		}
		found[at] = s->request && s->response && s->why == WHY_NONE && !s->cut[OUT] &&
			    !s->cut[IN];
		assert_true(!found[at] || s->status == 200 || s->status == 529 ||
			    (s->blurred[IN] && !s->status));
		whole += found[at];
	}
	for (size_t i = 0; i < STREAMS; i++)
		if (truth[i].begun >= from && !found[i]) {
			struct buf got = { .limit = 1 << 20 };
			tell(w, &got);
			fail_msg("/%zu is not whole, joined at step %zu\n" STR_FMT, 2 * i + 1, from,
				 STR_ARG(buf_str(&got)));
		}
	return whole;
}

/* ---- lost ------------------------------------------------------------------------------------ */

/* Each run of `cut` bytes in turn, and the one after the next with it. */
static size_t lose_each(size_t cut, size_t *ret_runs)
{
	size_t whole = 0, at = 0, lost;

	for (lost = 0; at >= lost; lost++) {
		struct world w;

		at = 0;
		assert_int_equal(world_init(&w), 0);
		for (size_t i = 0; i < talk.steps; i++) {
			struct str rest = { talk.bytes[talk.step[i].dir].p + talk.step[i].from,
					    talk.step[i].n };

			while (rest.n) {
				struct str run = str_head(rest, cut);

				(void)!world_chunk(&w, talk.step[i].dir, run,
						   at == lost || at == lost + 2);
				rest = str_skip(rest, run.n);
				at++;
			}
		}
		(void)!world_end(&w, END_FREE, OUT);
		world_close(&w);
		assert_int_equal(w.first_r, 0);
		if (w.ignored >= 0)
			fail_msg("ignored %d: cut at %zu, %zu lost", w.ignored, cut, lost);
		whole += check(&w, at == lost ? 0 : ALL);
		world_done(&w);
	}
	*ret_runs += lost;
	return whole;
}

static void lost_anywhere(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		size_t whole = 0, runs = 0;

		write_talk(seed);
		whole += lose_each(ALL, &runs);
		whole += lose_each(11, &runs);
		whole += lose_each(60, &runs);
		if (whole * 10 < runs * STREAMS * 6)
			fail_msg("seed %d: only %zu of %zu are whole", (int)seed, whole,
				 runs * STREAMS);
		talk_done(&talk);
	}
}

/* ---- joined midway --------------------------------------------------------------------------- */

static void joined_anywhere(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		write_talk(seed);
		for (size_t from = 1; from < talk.steps; from++)
			for (int how = 0; how < 2; how++) {
				struct world w;

				assert_int_equal(world_init(&w), 0);
				if (how == 1)
					w.off[OUT] = w.off[IN] = 1000;
				for (size_t i = from; i < talk.steps; i++)
					play_step(&w, &talk, i, ALL, false);
				(void)!world_end(&w, END_FREE, OUT);
				world_close(&w);
				check(&w, from);
				assert_true(w.ignored < 0);
				world_done(&w);
			}
		talk_done(&talk);
	}
}

/* In the middle of frames: nothing until a piece begins one. */
static void joined_inside(void **state)
{
	size_t whole = 0;

	(void)state;
	write_talk(3);
	for (size_t from = 30; from < talk.bytes[OUT].n; from += 7) {
		struct world w;

		assert_int_equal(world_init(&w), 0);
		for (size_t i = 0; i < talk.steps; i++) {
			const struct talk_step *step = &talk.step[i];
			size_t skip = step->dir == OUT && step->from < from ? from - step->from : 0;
			struct str rest = { talk.bytes[step->dir].p + step->from, step->n };

			if (step->dir == IN && !w.fed)
				continue;
			rest = str_skip(rest, skip);
			if (rest.n)
				(void)!world_chunk(&w, step->dir, rest, false);
		}
		(void)!world_end(&w, END_FREE, OUT);
		world_close(&w);
		whole += check(&w, ALL);
		world_done(&w);
	}
	assert_true(whole > 40);
	talk_done(&talk);
}

/* ---- failures -------------------------------------------------------------------------------- */

/* Every ninth run of 60 bytes is lost, or the first steps are not seen. */
static int play_lossy(struct world *w, size_t from, bool lossy)
{
	size_t at = 0;

	for (size_t i = from; i < talk.steps; i++) {
		struct str rest = { talk.bytes[talk.step[i].dir].p + talk.step[i].from,
				    talk.step[i].n };

		while (rest.n) {
			struct str run = str_head(rest, 60);

			(void)!world_chunk(w, talk.step[i].dir, run, lossy && ++at % 9 == 0);
			rest = str_skip(rest, run.n);
		}
	}
	(void)!world_end(w, END_FREE, OUT);
	return w->first_r;
}

static void failures(void **state)
{
	(void)state;
	write_talk(7);
	for (int kind = 0; kind < 4; kind++) {
		bool memory = kind & 1, lossy = kind & 2, failed = true;

		for (long n = 0; failed; n++) {
			struct world w;
			int r;

			mem_fail_after = memory ? n : -1;
			r = world_init(&w);
			w.refuse_at = memory ? -1 : n;
			r = r < 0 ? r : play_lossy(&w, lossy ? 0 : 20, lossy);
			failed = memory ? mem_fail_after < 0 : w.refuse_at < 0;
			mem_fail_after = -1;
			if (w.conn)
				world_close(&w);
			assert_int_equal(r, !failed ? 0 : memory ? -ENOMEM : -EDOM);
			check(&w, ALL);
			world_done(&w);
		}
	}
	talk_done(&talk);
}

/* ---- scenes ---------------------------------------------------------------------------------- */

static void wants(struct world *w, const char *want)
{
	struct buf got = { .limit = 1u << 20 };

	(void)!world_end(w, END_FREE, OUT);
	world_close(w);
	assert_int_equal(w->first_r, 0);
	tell(w, &got);
	if (!str_eq(buf_str(&got), str_of(want)))
		fail_msg("got\n" STR_FMT "want\n%s", STR_ARG(buf_str(&got)), want);
	world_done(w);
	talk_done(&talk);
	buf_done(&got);
}

static void begin(struct world *w)
{
	assert_int_equal(world_init(w), 0);
	talk_init(&talk);
	hello(&talk);
	talk_step(&talk);
}

/* The answer is under way when we join: what was asked is not known, the answer is an orphan. */
static void orphan(void **state)
{
	struct world w;
	size_t from;

	(void)state;
	begin(&w);
	ask(&talk, 1, "POST", END);
	talk_step(&talk);
	from = talk.steps;
	answer(&talk, 1, "200", NOT);
	data(&talk, IN, 1, "{\"a\":1}", END);
	make_h2_ping(say(&talk, OUT), true);
	talk_step(&talk);
	for (size_t i = from; i < talk.steps; i++)
		play_step(&w, &talk, i, ALL, false);
	assert_true(w.seen[0].off & EXCHANGE_ORPHAN);
	wants(&w, "orphan    > 200 1 {\"a\":1} .\n");
}

/* The body of an answer whose head we did not see is passed over, and said so. */
static void headless(void **state)
{
	struct world w;
	size_t from;

	(void)state;
	begin(&w);
	ask(&talk, 1, "POST", END);
	answer(&talk, 1, "200", NOT);
	talk_step(&talk);
	from = talk.steps;
	make_h2_window(say(&talk, OUT), 0, 5);
	data(&talk, IN, 1, "{\"a\":1}", END);
	ask(&talk, 3, "GET", END);
	answer(&talk, 3, "200", NOT);
	data(&talk, IN, 3, "{}", END);
	talk_step(&talk);
	for (size_t i = from; i < talk.steps; i++)
		play_step(&w, &talk, i, ALL, false);
	assert_int_equal(w.skipped[SKIP_MIDSTREAM], 9 + 7);
	wants(&w, "GET~ /3   > 200~  {} .\n");
}

/* The observed process answers: it says so by what it writes, not by what it is sent. */
static void server(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	ask(&talk, 1, "POST", END);
	answer(&talk, 1, "200", NOT);
	talk_step(&talk);
	for (size_t i = 4; i < talk.steps; i++) {
		talk.step[i].dir = !talk.step[i].dir;
		assert_int_equal(world_chunk(&w, talk.step[i].dir,
					     (struct str){ talk.bytes[!talk.step[i].dir].p +
								   talk.step[i].from,
							   talk.step[i].n },
					     false),
				 0);
		assert_int_equal(w.ignored, i == 4 ? -1 : SKIP_SERVER);
	}
	wants(&w, "");
}

/* A head of which nothing is left but that it was there: its status is not known, and another may follow it. */
static void lost_head(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	ask(&talk, 1, "GET", END);
	answer(&talk, 1, "200", NOT);
	data(&talk, IN, 1, "{}", END);
	ask(&talk, 3, "GET", END);
	BLOCK(&talk, IN, 3, false, { ":status", "103" });
	answer(&talk, 3, "200", NOT);
	data(&talk, IN, 3, "{}", END);
	ask(&talk, 5, "GET", END);
	answer(&talk, 5, "200", NOT);
	data(&talk, IN, 5, "{}", END);
	talk_step(&talk);
	for (size_t i = 0; i < talk.steps; i++) {
		const struct talk_step *s = &talk.step[i];
		struct str all = { talk.bytes[s->dir].p + s->from, s->n };
		bool lose = i == 5 || i == 8;

		(void)!world_chunk(&w, s->dir, str_head(all, 9), false);
		(void)!world_chunk(&w, s->dir, str_skip(all, 9), lose);
	}
	wants(&w, "GET /1 1  > 0~  {} .\nGET /3 3  > 0~  !GAP GAP\nGET /5 5  > 200~  {} .\n");
}

/* What was lost in padding is not missing; in a counted body it is counted. */
static void lost_padding(void **state)
{
	struct make_frame how = { .padded = true, .pad = 20, .end = true };
	struct world w;

	(void)state;
	begin(&w);
	ask(&talk, 1, "GET", END);
	answer(&talk, 1, "200", NOT);
	data(&talk, IN, 1, "{}", how);
	ask(&talk, 3, "GET", END);
	answer(&talk, 3, "200", NOT);
	data(&talk, IN, 3, "{}", how);
	talk_step(&talk);
	for (size_t i = 0; i < talk.steps; i++) {
		const struct talk_step *s = &talk.step[i];
		struct str all = { talk.bytes[s->dir].p + s->from, s->n };
		size_t to = i == 6 ? 13 : 9;

		if (i != 6 && i != 9) {
			(void)!world_chunk(&w, s->dir, all, false);
			continue;
		}
		(void)!world_chunk(&w, s->dir, str_head(all, to), false);
		(void)!world_chunk(&w, s->dir, (struct str){ all.p + to, 3 }, true);
		(void)!world_chunk(&w, s->dir, str_skip(all, to + 3), false);
	}
	wants(&w, "GET /1 1  > 200 1 {} .\nGET /3 3  > 200 3 !GAP .\n");
}

/* A hole in what is sent up: the rest of it is not waited for, the answer ends the call. */
static void lost_upload(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	ask(&talk, 1, "POST", NOT);
	play(&w, &talk, ALL);
	(void)!world_chunk(&w, OUT, S("lost"), true);
	talk.bytes[OUT].n = talk.bytes[IN].n = talk.steps = 0;
	make_h2_ping(say(&talk, OUT), false);
	answer(&talk, 1, "200", END);
	play(&w, &talk, ALL);
	assert_int_equal(wire_open(w.wire), 0);
	wants(&w, "POST /1 1 !GAP > 200 1  .\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lost_anywhere), cmocka_unit_test(joined_anywhere),
		cmocka_unit_test(joined_inside), cmocka_unit_test(failures),
		cmocka_unit_test(orphan),        cmocka_unit_test(headless),
		cmocka_unit_test(server),        cmocka_unit_test(lost_head),
		cmocka_unit_test(lost_padding),  cmocka_unit_test(lost_upload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
