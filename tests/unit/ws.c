/* ws -- WebSocket frames of one direction: the examples of the RFCs, random conversations from any cut and with bytes lost, and
 * what must be refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "../kit/make.h"
#include "base/limit.h"
#include "base/obj.h"
#include "ws_rows.h"

#define MOST (1u << 27)

struct log {
	struct buf text; /* data|why@off; */
	size_t message;  /* where it begins in `text` */
	bool open;
	uint64_t bytes;
	unsigned messages, damaged;
	bool light;
	long refuse_at; /* negative: never */
};

#define LOG ((struct log){ .text.limit = MOST, .refuse_at = -1 })

static const char *const whys[] = {
	"",
#define WHY(name, words) #name,
#include "tbl/why.h"
#undef WHY
};

static int on_run(void *ctx, uint64_t off, struct str data, bool last, enum why why)
{
	struct log *l = ctx;

	assert_true(last ? !data.n : data.n > 0 && !why);
	l->bytes += data.n;
	l->open = !last;
	l->messages += last;
	l->damaged += why != WHY_NONE;
	if (!l->light)
		make_add(&l->text, data);
	if (!l->light && last) {
		if (why) /* how far it came depends on the cuts, and does not matter */
			l->text.n = l->message;
		make_printf(&l->text, "|%s@%llu;", whys[why], (unsigned long long)off);
		l->message = l->text.n;
	}
	return l->refuse_at >= 0 && l->refuse_at-- == 0 ? -EDOM : 0;
}

static int feed(struct ws *w, uint64_t off, struct str in, size_t step)
{
	while (in.n) {
		struct str piece = str_head(in, step ? step : in.n);
		int r = ws_feed(w, off, piece);

		if (r < 0)
			return r;
		off += piece.n;
		in = str_skip(in, piece.n);
	}
	return 0;
}

static int run(const struct ws_opts *o, struct str in, size_t step, struct log *l)
{
	_cleanup_(ws_free) struct ws *w = NULL;
	int r = ws_new(o, on_run, l, &w);

	return r < 0 ? r : feed(w, 0, in, step);
}

/* ---- by hand --------------------------------------------------------------------------------- */

static void by_hand(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t step = 1; step <= rows[i].in.n + 1; step++) {
			struct log l = LOG;

			assert_int_equal(run(&rows[i].o, rows[i].in, step, &l),
					 rows[i].want ? 0 : -EBADMSG);
			if (rows[i].want && !str_eq(buf_str(&l.text), str_of(rows[i].want)))
				fail_msg("%s, cut at %zu: " STR_FMT, rows[i].name, step,
					 STR_ARG(buf_str(&l.text)));
			assert_true(!rows[i].want || !l.open);
			buf_done(&l.text);
		}
}

/* ---- random conversations -------------------------------------------------------------------- */

#define TALKS    150
#define MESSAGES 12

struct truth {
	uint64_t off;
	struct buf data;
};

struct talk {
	struct ws_opts o;
	struct buf stream;
	struct truth t[MESSAGES];
	uint64_t payload[256][2]; /* of data frames: from, to */
	unsigned frames;
};

static void text_make(uint64_t *seed, struct buf *to)
{
	static const char *const words[] = { "{\"type\":\"response.output_text.delta\"",
					     ",\"delta\":\"", "\"}", "usage", "0123456789" };
	size_t n = make_chance(seed, 10) ? 0 : make_size(seed, make_chance(seed, 10) ? 9000 : 40);

	while (n--)
		if (make_chance(seed, 80))
			make_add(to, str_of(words[make_below(seed, COUNT_OF(words))]));
		else
			make_number(to, make_random(seed), 1 + (int)make_below(seed, 8));
}

/* The payload of one whole frame */
static struct str payload_of(struct str frame)
{
	unsigned n = (unsigned char)frame.p[1] & 127;

	return str_skip(frame, 2 + (n == 127 ? 8 : n == 126 ? 2 : 0));
}

static void frame_add(struct talk *k, struct make_ws *w, unsigned first, struct str payload)
{
	make_ws_frame(w, first, payload);
	if ((first & 15) < 8 && k->frames < COUNT_OF(k->payload)) {
		k->payload[k->frames][0] = k->stream.n - payload.n;
		k->payload[k->frames++][1] = k->stream.n;
	}
}

/* A message in fragments of any size, control frames between them. */
static void message_add(struct talk *k, struct make_ws *w, struct make_ws *coder, uint64_t *seed,
			struct truth *t)
{
	struct str data, part;
	unsigned first = 1 + (unsigned)make_below(seed, 2);

	t->off = k->stream.n;
	t->data.limit = MOST;
	text_make(seed, &t->data);
	data = buf_str(&t->data);
	coder->plain = make_chance(seed, 20);
	if (coder->deflate && !coder->plain) {
		buf_reset(coder->out);
		make_ws_message(coder, first, data, 0);
		data = payload_of(buf_str(coder->out));
		first |= 0x40;
	}
	do {
		part = str_head(data, make_chance(seed, 30) ? make_below(seed, 300) : data.n);
		data = str_skip(data, part.n);
		frame_add(k, w, first | (data.n ? 0 : 0x80), part);
		first = 0;
		while (make_chance(seed, 20))
			make_ws_frame(w, 0x89 + (unsigned)make_below(seed, 2),
				      str_head(S("ping, or is it pong?"), make_below(seed, 20)));
	} while (data.n);
}

static void talk_make(struct talk *k, uint64_t seed)
{
	_cleanup_(buf_done) struct buf coded = { .limit = MOST };
	struct make_ws_how how = { .deflate = make_chance(&seed, 75),
				   .fresh = make_chance(&seed, 30),
				   .window = make_chance(&seed, 50) ? 9 + (int)make_below(&seed, 7)
								    : 0 };
	struct make_ws coder, w;

	*k = (struct talk){ .stream.limit = MOST };
	k->o = (struct ws_opts){ .dir = make_chance(&seed, 50) ? DIR_OUT : DIR_IN,
				 .deflate = how.deflate,
				 .fresh_context = how.fresh };
	make_ws_init(&coder, &coded, &how);
	make_ws_init(&w, &k->stream, &(struct make_ws_how){ .client = k->o.dir == DIR_OUT });
	for (int i = 0; i < MESSAGES; i++)
		message_add(k, &w, &coder, &seed, &k->t[i]);
	make_ws_done(&coder);
	make_ws_done(&w);
}

static void talk_done(struct talk *k)
{
	for (int i = 0; i < MESSAGES; i++)
		buf_done(&k->t[i].data);
	buf_done(&k->stream);
}

/* Everything that was said to be whole is right, in order; returns how many are. */
struct check {
	const struct talk *k;
	int at; /* of the message under way */
	struct buf data;
	unsigned whole, damaged;
};

static int on_check(void *ctx, uint64_t off, struct str data, bool last, enum why why)
{
	struct check *c = ctx;

	if (c->at == MESSAGES || c->k->t[c->at].off != off) {
		assert_int_equal(c->data.n, 0);
		do
			assert_true(++c->at < MESSAGES);
		while (c->k->t[c->at].off != off);
	}
	make_add(&c->data, data);
	if (!last) {
		struct str want = buf_str(&c->k->t[c->at].data);

		assert_true(str_starts(want, buf_str(&c->data)) || why);
		return 0;
	}
	if (!why)
		assert_true(str_eq(buf_str(&c->data), buf_str(&c->k->t[c->at].data)));
	c->whole += !why;
	c->damaged += why != WHY_NONE;
	buf_reset(&c->data);
	c->at++;
	return 0;
}

static void random_talks(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (int i = 0; i < TALKS; i++) {
		struct talk k;

		talk_make(&k, make_random(&seed));
		for (size_t step = 0; step < 6; step++) {
			struct check c = { .k = &k, .at = 0, .data.limit = MOST };
			struct ws *w = NULL;

			assert_int_equal(ws_new(&k.o, on_check, &c, &w), 0);
			assert_int_equal(feed(w, 0, buf_str(&k.stream), step * step), 0);
			assert_int_equal(c.whole, MESSAGES);
			assert_int_equal(c.damaged, 0);
			assert_true(ws_idle(w) && !ws_closed(w));
			ws_free(&w);
			buf_done(&c.data);
		}
		talk_done(&k);
	}
}

/* Bytes of one payload are lost: every message is told of, whole ones are right, and only those that need the bytes are damaged. */
static void lost(const struct talk *k, uint64_t from, uint64_t to)
{
	struct check c = { .k = k, .data.limit = MOST };
	struct ws *w = NULL;
	unsigned before = 0;

	while (before < MESSAGES && k->t[before].off < from)
		before++; /* the message that holds the hole is the last of these */
	assert_int_equal(ws_new(&k->o, on_check, &c, &w), 0);
	assert_int_equal(feed(w, 0, str_head(buf_str(&k->stream), from), 0), 0);
	assert_true(ws_sure(w) >= to - from);
	assert_int_equal(ws_skip(w, to - from), 0);
	assert_int_equal(feed(w, to, str_skip(buf_str(&k->stream), to), 7), 0);
	assert_int_equal(c.whole + c.damaged, MESSAGES);
	assert_true(c.damaged >= 1 && c.whole >= before - 1);
	if (!k->o.deflate || k->o.fresh_context)
		assert_int_equal(c.damaged, 1);
	ws_free(&w);
	buf_done(&c.data);
}

static void payloads_lost(void **state)
{
	uint64_t seed = 12;

	(void)state;
	for (int i = 0; i < TALKS; i++) {
		struct talk k;

		talk_make(&k, make_random(&seed));
		for (unsigned f = 0; f < k.frames; f++) {
			uint64_t from = k.payload[f][0], n = k.payload[f][1] - from;

			if (!n)
				continue;
			lost(&k, from, from + n);
			lost(&k, from + make_below(&seed, n), from + n);
			lost(&k, from, from + 1);
		}
		talk_done(&k);
	}
}

/* A ping or what follows a close may be lost without harm; a head may not. */
static void lost_without_harm(void **state)
{
	struct ws_opts o = IN_;
	struct log l = LOG;
	struct ws *w = NULL;

	(void)state;
	assert_int_equal(ws_new(&o, on_run, &l, &w), 0);
	assert_true(ws_idle(w));
	assert_int_equal(feed(w, 0, S("\x01\x02hi\x89\x05"), 0), 0);
	assert_int_equal(ws_sure(w), 5);
	assert_int_equal(ws_skip(w, 2), 0);
	assert_int_equal(ws_skip(w, 3), 0);
	assert_int_equal(ws_sure(w), 0);
	assert_int_equal(ws_skip(w, 0), 0);
	assert_int_equal(feed(w, 11, S("\x80"), 0), 0);
	assert_int_equal(ws_sure(w), 0);
	assert_false(ws_idle(w));
	assert_int_equal(feed(w, 12, S("\x01!\x88\x02"), 0), 0);
	assert_false(ws_closed(w));
	assert_int_equal(ws_skip(w, 2), 0);
	assert_true(ws_closed(w) && ws_idle(w));
	assert_true(ws_sure(w) == UINT64_MAX);
	assert_int_equal(ws_skip(w, 1000), 0);
	assert_true(str_eq(buf_str(&l.text), S("hi!|@0;")));
	ws_free(&w);
	buf_done(&l.text);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

static char zeros[16384];

/* With the first deflated message all is allocated, however large one is. */
static void constant_memory(void **state)
{
	static char run_of_x[65535];
	struct ws_opts o = CODED_;
	struct log l = LOG;
	struct buf coded = { .limit = MOST };
	struct make_ws m;
	struct ws *w = NULL;
	char head[10] = "\x81\x7f\0\0\0\0\x10\0\0\0"; /* 256 MiB */

	(void)state;
	memset(run_of_x, 'x', sizeof(run_of_x));
	l.light = true;
	make_ws_init(&m, &coded, &(struct make_ws_how){ .deflate = true });
	make_ws_message(&m, MAKE_TEXT, S("hello"), 0);
	assert_int_equal(ws_new(&o, on_run, &l, &w), 0);
	assert_int_equal(feed(w, 0, buf_str(&coded), 0), 0);
	buf_reset(&coded);
	for (int i = 0; i < 100; i++)
		make_ws_message(&m, MAKE_TEXT, (struct str){ run_of_x, sizeof(run_of_x) }, 100);
	mem_fail_after = 0;
	assert_int_equal(feed(w, 0, buf_str(&coded), 0), 0);
	assert_int_equal(feed(w, 0, (struct str){ head, sizeof(head) }, 3), 0);
	for (int i = 0; i < 4096; i++) {
		assert_int_equal(feed(w, 0, (struct str){ run_of_x, sizeof(run_of_x) }, 0), 0);
		assert_int_equal(feed(w, 0, S("y"), 0), 0);
	}
	mem_fail_after = -1;
	assert_int_equal(l.messages, 102);
	assert_int_equal(l.bytes, 5 + 100 * sizeof(run_of_x) + (256u << 20));
	assert_int_equal(l.damaged, 0);
	ws_free(&w);
	make_ws_done(&m);
	buf_done(&coded);
}

/* `bytes` that deflate to about one in a hundred: not steep. */
static void long_text(struct buf *to, size_t bytes)
{
	uint64_t seed = 3;

	while (to->n < bytes)
		if (to->n % 4096 < 32)
			make_number(to, make_random(&seed), 1);
		else
			make_add(to,
				 (struct str){ zeros, MIN(bytes - to->n, 4096 - to->n % 4096) });
}

/* A message that grows beyond its limit is damaged, and nothing deflated is read after it; what is not deflated is. */
static void bomb(struct str data, uint64_t most, bool fresh, enum limit_id which)
{
	struct counters c = { .n = { 0 } };
	struct ws_opts o = {
		.dir = DIR_IN, .deflate = true, .fresh_context = fresh, .counters = &c
	};
	struct log l = LOG;
	struct buf b = { .limit = MOST };
	struct make_ws m;

	l.light = true;
	make_ws_init(&m, &b, &(struct make_ws_how){ .deflate = true, .fresh = fresh });
	assert_int_equal(deflateParams(&m.state, 6, Z_DEFAULT_STRATEGY), Z_OK);
	make_ws_message(&m, MAKE_TEXT, str_head(data, most), 0); /* as large as may be */
	assert_int_equal(run(&o, buf_str(&b), 16384, &l), 0);
	assert_int_equal(l.damaged, 0);
	assert_int_equal(l.bytes, most);
	make_ws_message(&m, MAKE_TEXT, data, 0);
	make_ws_message(&m, MAKE_TEXT, S("small"), 0);
	m.plain = true;
	make_ws_message(&m, MAKE_TEXT, S("plain"), 0);
	for (size_t step = 777; step < 20000; step += 15000) {
		c.limit[which] = 0;
		l = LOG;
		l.light = true;
		assert_int_equal(run(&o, buf_str(&b), step, &l), 0);
		assert_int_equal(l.messages, 4);
		assert_int_equal(l.damaged, 2);
		assert_int_equal(l.bytes, 2 * most + 5);
		assert_int_equal(c.limit[which], 1);
	}
	make_ws_done(&m);
	buf_done(&b);
}

static void bombs(void **state)
{
	struct buf data = { .limit = MOST };

	(void)state;
	long_text(&data, LIMIT_INFLATE_BYTES + sizeof(zeros));
	bomb(buf_str(&data), LIMIT_INFLATE_BYTES, false, LIM_INFLATE_BYTES);
	buf_reset(&data);
	while (data.n <= 8u << 20)
		make_add(&data, (struct str){ zeros, sizeof(zeros) });
	for (int fresh = 0; fresh < 2; fresh++)
		bomb(buf_str(&data), 8u << 20, fresh, LIM_INFLATE_STEEP);
	buf_done(&data);
}

static void errors(void **state)
{
	struct ws_opts o = CODED_;
	struct str in = S("\xc1\x07" HELLO "\x01\x02hi\x80\x00");
	struct log l = LOG;
	int r = -ENOMEM;
	long n;

	(void)state;
	for (n = 0; r == -ENOMEM; n++) {
		mem_fail_after = n;
		l.light = true; /* the log allocates, too */
		r = run(&o, in, 3, &l);
		mem_fail_after = -1;
	}
	assert_int_equal(r, 0);
	assert_true(n > 2);
	for (n = 0, r = -EDOM; r == -EDOM; n++) {
		l.refuse_at = n;
		r = run(&o, in, 0, &l);
	}
	assert_int_equal(r, 0);
	assert_int_equal(n, 5);
}

/* ---- the handshake --------------------------------------------------------------------------- */

static void handshake(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		struct ws_opts o[2] = { { .fresh_context = true }, { .deflate = true } };
		struct buf b = { .limit = 100 };
		bool fits = ws_extensions(str_of(answers[i].answer), o);

		for (int dir = 0; fits && dir < 2; dir++)
			if (o[dir].deflate)
				make_printf(&b, "%sd%s", dir ? "," : "",
					    o[dir].fresh_context ? "f" : "");
			else
				make_printf(&b, dir ? ",-" : "-");
		if (!str_eq(buf_str(&b), str_of(answers[i].want)))
			fail_msg("%s: " STR_FMT, answers[i].answer, STR_ARG(buf_str(&b)));
		assert_int_equal(fits, answers[i].want != NULL);
		buf_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_hand),         cmocka_unit_test(random_talks),
		cmocka_unit_test(payloads_lost),   cmocka_unit_test(lost_without_harm),
		cmocka_unit_test(constant_memory), cmocka_unit_test(bombs),
		cmocka_unit_test(errors),          cmocka_unit_test(handshake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
