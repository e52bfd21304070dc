/* socket -- a WebSocket from its handshake on, through the whole stage: random conversations from any cut, with each chunk lost in
 * turn, with no memory, with an outlet that fails; and how it ends. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "../kit/make.h"
#define WORLD_SEEN 2048
#include "socket_scenes.h"

static const char *const whys[] = {
	".",
#define WHY(name, words) #name,
#include "tbl/why.h"
#undef WHY
};

/* ---- by hand --------------------------------------------------------------------------------- */

static void tell(const struct world *w, struct buf *to)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct seen *s = &w->seen[i];
		struct str text[2] = { buf_str(&s->sent), buf_str(&s->events) }, head;

		make_printf(to, "%u%s ", s->status, s->upgraded ? " up" : "");
		for (int dir = OUT; dir <= IN; dir++) {
			while (str_cut(&text[dir], &head, '!')) { /* "!5;" */
				make_add(to, head);
				make_printf(to, "!%s;", whys[atoi(text[dir].p)]);
				assert_true(str_cut(&text[dir], &head, ';'));
			}
			make_add(to, text[dir]);
			make_add(to, dir == OUT ? S("/") : S(" "));
		}
		make_printf(to, "%s %s %s%s\n", whys[s->cut[OUT]], whys[s->cut[IN]], whys[s->why],
			    s->aborted ? " aborted" : "");
	}
}

static void play(struct world *w, const struct scene *s, size_t cut)
{
	for (size_t i = 0; i < COUNT_OF(s->steps); i++) {
		const struct step *step = &s->steps[i];
		struct str rest = step->bytes;

		if (step->end)
			(void)!world_end(w, step->end, step->dir);
		for (; rest.n; rest = str_skip(rest, cut))
			(void)!world_chunk(w, step->dir, str_head(rest, cut), step->lost);
	}
	(void)!world_end(w, END_FREE, OUT);
}

static void by_hand(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(scenes); i++)
		for (size_t cut = 1; cut < 200; cut += cut < 30 ? 1 : 31) {
			const struct scene *s = &scenes[i];
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
				fail_msg("%s, cut at %zu: ignored %d", s->name, cut, w.ignored);
			if (s->ignored < 0)
				assert_int_equal(w.parsed + w.skipped[SKIP_AFTER_GAP], w.fed);
			if (s->ignored < 0 && !w.seen[0].cut[OUT] && !w.seen[0].cut[IN])
				assert_int_equal(w.parsed, w.fed);
			world_done(&w);
			buf_done(&got);
		}
}

/* ---- random conversations -------------------------------------------------------------------- */

#define TALKS    60
#define MESSAGES 20
#define CHUNKS   400

struct talk {
	struct buf stream[2], want[2]; /* want: as world_message() says it */
	uint64_t off[2][MESSAGES];
	unsigned messages[2];
	struct part_of {
		enum flow_dir dir;
		size_t from, n;
	} chunk[CHUNKS]; /* as they come, the handshake first */
	unsigned chunks;
	bool takeover[2];
};

static void chunk_add(struct talk *k, enum flow_dir dir, size_t from, uint64_t *seed)
{
	while (from < k->stream[dir].n) {
		size_t n = make_size(seed, 400);

		n = MIN(n, k->stream[dir].n - from);
		assert_true(k->chunks < CHUNKS);
		k->chunk[k->chunks++] = (struct part_of){ dir, from, n };
		from += n;
	}
}

static void message_add(struct talk *k, struct make_ws *w, enum flow_dir dir, uint64_t *seed)
{
	_cleanup_(buf_done) struct buf data = { .limit = 1u << 20 };
	size_t from = k->stream[dir].n;
	unsigned words = make_chance(seed, 10) ? 0 : (unsigned)make_size(seed, 30);

	make_printf(&data, "{\"type\":\"response.output_text.delta\",\"n\":%u", k->messages[dir]);
	while (words--)
		make_printf(&data, ",\"w%u\":\"%llx\"", words % 3,
			    (unsigned long long)make_random(seed) >> 4 * make_below(seed, 15));
	make_add(&data, S("}"));
	w->plain = make_chance(seed, 20);
	k->off[dir][k->messages[dir]++] = from;
	make_ws_message(w, make_chance(seed, 50) ? MAKE_TEXT : MAKE_BINARY, buf_str(&data),
			make_chance(seed, 30) ? make_size(seed, 50) : 0);
	make_add(&k->want[dir], buf_str(&data));
	make_printf(&k->want[dir], "@%zu|;", from);
	if (make_chance(seed, 20))
		make_ws_frame(w, 0x80 | MAKE_PING, S("still there?"));
	chunk_add(k, dir, from, seed);
}

/* A conversation with all that may be agreed on: deflate or not, each side's context and window. */
static void talk_make(struct talk *k, uint64_t seed)
{
	struct make_ws_how how[2];
	struct make_ws w[2];
	bool deflate = make_chance(&seed, 75);

	*k = (struct talk){ .chunks = 0 };
	for (int dir = OUT; dir <= IN; dir++) {
		k->stream[dir].limit = k->want[dir].limit = 1u << 20;
		how[dir] = (struct make_ws_how){ .client = dir == OUT,
						 .deflate = deflate,
						 .fresh = make_chance(&seed, 30),
						 .window = 9 + (int)make_below(&seed, 7) };
		k->takeover[dir] = deflate && !how[dir].fresh;
		make_ws_init(&w[dir], &k->stream[dir], &how[dir]);
	}
	make_add(&k->stream[OUT], S(ASK));
	make_add(&k->stream[IN], S(YES_));
	if (deflate)
		make_printf(&k->stream[IN],
			    "sec-websocket-extensions: permessage-deflate%s%s"
			    ";client_max_window_bits=%d;server_max_window_bits=%d\r\n",
			    how[OUT].fresh ? "; client_no_context_takeover" : "",
			    how[IN].fresh ? "; server_no_context_takeover" : "", how[OUT].window,
			    how[IN].window);
	make_add(&k->stream[IN], S("\r\n"));
	for (int dir = OUT; dir <= IN; dir++)
		k->chunk[k->chunks++] = (struct part_of){ dir, 0, k->stream[dir].n };
	for (int i = 0; i < MESSAGES; i++) {
		enum flow_dir dir = make_chance(&seed, 40) ? OUT : IN;

		message_add(k, &w[dir], dir, &seed);
	}
	for (int dir = OUT; dir <= IN; dir++) {
		size_t from = k->stream[dir].n;

		make_ws_close(&w[dir], 1000, S("bye"));
		chunk_add(k, dir, from, &seed);
		make_ws_done(&w[dir]);
	}
}

static void talk_done(struct talk *k)
{
	for (int dir = OUT; dir <= IN; dir++) {
		buf_done(&k->stream[dir]);
		buf_done(&k->want[dir]);
	}
}

/* lost: number of a chunk, or CHUNKS */
static void talk_play(struct world *w, const struct talk *k, unsigned lost, size_t cut)
{
	for (unsigned i = 0; i < k->chunks; i++) {
		const struct part_of *p = &k->chunk[i];
		struct str rest = { k->stream[p->dir].p + p->from, p->n };

		for (; rest.n; rest = str_skip(rest, cut))
			(void)!world_chunk(w, p->dir, str_head(rest, cut), i == lost);
	}
	(void)!world_end(w, END_FREE, OUT);
}

static void any_cut(void **state)
{
	uint64_t seed = 21;

	(void)state;
	for (int i = 0; i < TALKS; i++) {
		struct talk k;

		talk_make(&k, make_random(&seed));
		for (size_t cut = 1; cut < 2000; cut = cut * 3 + 1) {
			struct world w;
			const struct seen *s;

			assert_int_equal(world_init(&w), 0);
			s = w.seen;
			talk_play(&w, &k, CHUNKS, cut);
			world_close(&w);
			assert_int_equal(w.first_r, 0);
			assert_int_equal(w.count, 1);
			assert_true(s->upgraded && !s->why && !s->aborted && !s->damaged);
			assert_true(str_eq(buf_str(&s->sent), buf_str(&k.want[OUT])));
			assert_true(str_eq(buf_str(&s->events), buf_str(&k.want[IN])));
			assert_int_equal(w.parsed, w.fed);
			world_done(&w);
		}
		talk_done(&k);
	}
}

/* Every message that was told of is right or damaged, in order, at its place; returns how many are right. */
static unsigned check_side(const struct talk *k, enum flow_dir dir, struct str got)
{
	struct str want = buf_str(&k->want[dir]), one, expected;
	unsigned right = 0, at = 0;

	while (str_cut(&got, &one, ';')) {
		bool damaged = one.p[0] == '@';
		char place[32];

		assert_true(damaged == (memchr(one.p, '!', one.n) != NULL));
		do {
			assert_true(at < k->messages[dir] && str_cut(&want, &expected, ';'));
			snprintf(place, sizeof(place), "@%llu|",
				 (unsigned long long)k->off[dir][at++]);
		} while (damaged ? !str_starts(one, str_of(place)) : !str_eq(one, expected));
		right += !damaged;
	}
	assert_int_equal(got.n, 0);
	return right;
}

static void each_lost(void **state)
{
	uint64_t seed = 22;
	unsigned right = 0, damaged = 0, cut = 0;

	(void)state;
	for (int i = 0; i < TALKS; i++) {
		struct talk k;

		talk_make(&k, make_random(&seed));
		for (unsigned lost = 2; lost < k.chunks; lost++) { /* the handshake: pair's */
			enum flow_dir dir = k.chunk[lost].dir;
			unsigned before = 0, n;
			struct world w;
			const struct seen *s;

			assert_int_equal(world_init(&w), 0);
			s = w.seen;
			talk_play(&w, &k, lost, lost % 2 ? 16384 : 13);
			world_close(&w);
			assert_int_equal(w.first_r, 0);
			assert_int_equal(w.count, 1);
			n = check_side(&k, IN, buf_str(&s->events)) +
			    check_side(&k, OUT, buf_str(&s->sent));
			while (before < k.messages[dir] && k.off[dir][before] < k.chunk[lost].from)
				before++;
			/* the other side and what came before are whole */
			assert_true(n + 1 >= k.messages[!dir] + before);
			assert_true(n + s->damaged == MESSAGES || s->cut[dir] == WHY_GAP);
			assert_true(!s->cut[!dir]);
			if (!k.takeover[dir])
				assert_true(s->damaged <= 1);
			right += n;
			damaged += (unsigned)s->damaged;
			cut += s->cut[dir] != WHY_NONE;
			world_done(&w);
		}
		talk_done(&k);
	}
	assert_true(right && damaged && cut); /* all of it happened */
}

/* ---- failures -------------------------------------------------------------------------------- */

static void no_memory(void **state)
{
	uint64_t seed = 23;
	struct talk k;

	(void)state;
	for (int i = 0; i < 6; i++) {
		bool failed = true;

		talk_make(&k, make_random(&seed));
		for (long n = 0; failed; n++) {
			struct world w;
			int r;

			assert_true(n < 500);
			mem_fail_after = n;
			r = world_init(&w);
			if (r == 0)
				talk_play(&w, &k, CHUNKS, 500);
			failed = mem_fail_after < 0;
			mem_fail_after = -1;
			if (r == 0)
				world_close(&w);
			assert_int_equal(r < 0 ? r : w.first_r, failed ? -ENOMEM : 0);
			for (size_t j = 0; r == 0 && j < w.count; j++) {
				(void)check_side(&k, IN, buf_str(&w.seen[j].events));
				(void)check_side(&k, OUT, buf_str(&w.seen[j].sent));
			}
			world_done(&w);
		}
		talk_done(&k);
	}
}

static void outlet_fails(void **state)
{
	uint64_t seed = 24;
	bool failed = true;
	struct talk k;

	(void)state;
	talk_make(&k, make_random(&seed));
	for (long n = 0; failed; n++) {
		struct world w;

		assert_int_equal(world_init(&w), 0);
		w.refuse_at = n;
		talk_play(&w, &k, CHUNKS, 500);
		failed = w.refuse_at < 0;
		world_close(&w);
		assert_int_equal(w.first_r, failed ? -EDOM : 0);
		world_done(&w);
	}
	talk_done(&k);
	for (size_t i = 0; i < COUNT_OF(scenes); i++) {
		failed = true;
		for (long n = 0; failed; n++) {
			struct world w;

			assert_int_equal(world_init(&w), 0);
			w.refuse_at = n;
			play(&w, &scenes[i], 50);
			failed = w.refuse_at < 0;
			world_close(&w);
			assert_int_equal(w.first_r, failed ? -EDOM : 0);
			world_done(&w);
		}
	}
}

/* A small piece that becomes a large message: it is damaged, and who sent it is read on. */
static void bomb(void **state)
{
	static char zeros[9u << 20];
	struct buf in = { .limit = 1u << 20 };
	struct make_ws m;
	struct world w;

	(void)state;
	make_add(&in, S(YES_ "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"));
	make_ws_init(&m, &in, &(struct make_ws_how){ .deflate = true });
	assert_int_equal(deflateParams(&m.state, 9, Z_DEFAULT_STRATEGY), Z_OK);
	make_ws_message(&m, MAKE_TEXT, (struct str){ zeros, sizeof(zeros) }, 0);
	m.plain = true;
	make_ws_message(&m, MAKE_TEXT, S("hi"), 0);
	assert_int_equal(world_init(&w), 0);
	assert_int_equal(world_chunk(&w, OUT, S(ASK), false), 0);
	assert_true(in.n < 16384);
	assert_int_equal(world_chunk(&w, IN, buf_str(&in), false), 0);
	assert_int_equal(world_end(&w, END_FREE, OUT), 0);
	world_close(&w);
	assert_int_equal(w.seen[0].event_count, 2);
	assert_int_equal(w.seen[0].damaged, 1);
	assert_true(str_ends(buf_str(&w.seen[0].events), S("|;")) && !w.seen[0].cut[IN]);
	assert_int_equal(w.c.limit[LIM_INFLATE_STEEP], 1);
	assert_int_equal(w.parsed, w.fed);
	world_done(&w);
	make_ws_done(&m);
	buf_done(&in);
}

/* More deflate contexts than one cgroup may have: the last sockets are cut before their first message, all others are exact. */
static void no_room(void **state)
{
	static const struct str said[] = { B("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"),
					   B("\xc1\x05\xf2\x00\x11\x00\x00") };
	struct str yes = S(YES_ "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
	unsigned exact = 0;
	struct world w;

	(void)state;
	assert_int_equal(world_init(&w), 0);
	w.from.cgroup = 9;
	for (w.from.gen = 1; w.from.gen <= WORLD_SEEN; w.from.gen++) {
		w.off[OUT] = w.off[IN] = 0;
		assert_int_equal(world_chunk(&w, OUT, S(ASK), false), 0);
		assert_int_equal(world_chunk(&w, IN, yes, false), 0);
	}
	for (unsigned i = 0; i < COUNT_OF(said); i++)
		for (w.from.gen = 1; w.from.gen <= WORLD_SEEN; w.from.gen++) {
			w.off[OUT] = sizeof(ASK) - 1;
			w.off[IN] = yes.n + i * said[0].n;
			assert_int_equal(world_chunk(&w, IN, said[i], false), 0);
		}
	assert_int_equal(w.count, WORLD_SEEN);
	for (size_t i = 0; i < w.count; i++) {
		bool whole = str_eq(buf_str(&w.seen[i].events), S("Hello@123|;Hello@132|;"));

		assert_true(whole ? !w.seen[i].cut[IN] : w.seen[i].cut[IN] == WHY_LIMIT);
		assert_true(whole || !w.seen[i].events.n);
		exact += whole;
	}
	assert_true(exact > 1600 && exact < WORLD_SEEN);
	assert_int_equal(w.c.limit[LIM_CGROUP_BYTES], WORLD_SEEN - exact);
	assert_int_equal(w.skipped[SKIP_REFUSED], (WORLD_SEEN - exact) * said[1].n);
	assert_int_equal(world_end(&w, END_EXIT, OUT), 0);
	world_close(&w);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_hand),      cmocka_unit_test(any_cut),
		cmocka_unit_test(each_lost),    cmocka_unit_test(no_memory),
		cmocka_unit_test(outlet_fails), cmocka_unit_test(no_room),
		cmocka_unit_test(bomb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
