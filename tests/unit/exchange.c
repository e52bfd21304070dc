/* exchange -- bodies of both directions, every coding by every framing; messages; one end each. */
#include "exchangekit.h"

/* ---- framings -------------------------------------------------------------------------------- */

static const struct {
	const char *type;
	struct str body;
	enum framing head;
	const char *out;   /* a line an event, %s for the direction's arrow and the framing */
	const char *asked; /* the same as a request; NULL: no difference */
} rows[] = {
	{ "text/event-stream; charset=utf-8",
	  { "event: a\ndata: {}\n\ndata: [DONE]\n\n", 34 },
	  FRAMING_SSE,
	  "event a|{}\nevent |[DONE]\n",
	  NULL },
	{ "application/x-ndjson",
	  { "{\"a\":1}\n{\"b\":2}", 15 },
	  FRAMING_LINES,
	  "event |{\"a\":1}\nevent |{\"b\":2}\n",
	  NULL },
	{ "application/json", { "{\"a\":[1]}", 9 }, FRAMING_NONE, "body {\"a\":[1]}\n", NULL },
	{ "application/json", { " \n{} ", 5 }, FRAMING_NONE, "body  \n{} \n", NULL },
	{ "application/json", { "  ", 2 }, FRAMING_NONE, "body   \n", NULL },
	{ "application/json",
	  { "[{\"a\":1}\n,\n{\"b\":2}]\n", 20 },
	  FRAMING_NONE,
	  "event |{\"a\":1}\nevent |{\"b\":2}\n",
	  "body [{\"a\":1}\n,\n{\"b\":2}]\n\n" },
	{ "application/json",
	  { "\n [1]", 5 },
	  FRAMING_NONE,
	  "body \n \nevent |1\n",
	  "body \n [1]\n" },
	{ "application/grpc",
	  { "\0\0\0\0\2ab\0\0\0\0\1c", 13 },
	  FRAMING_GRPC,
	  "event |ab\nevent |c\n",
	  NULL },
	{ "text/plain", { "[data: x\n\n", 10 }, FRAMING_NONE, "body [data: x\n\n\n", NULL },
	{ NULL, { "[1]", 3 }, FRAMING_NONE, "body [1]\n", NULL },
	{ "text/event-stream", { "", 0 }, FRAMING_SSE, "", NULL },
};

static void framings(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (int k = 0; k < MAKE_CODINGS * 2; k++) {
			enum make_coding coding = k / 2;
			struct body_in in = { .dir = k % 2, .type = rows[i].type };
			struct buf b = { .limit = MOST }, want = { .limit = MOST };
			const char *out =
				in.dir == DIR_OUT && rows[i].asked ? rows[i].asked : rows[i].out;

			make_coded(&b, coding, rows[i].body, NULL, 0);
			in.bytes = buf_str(&b);
			in.coding = make_coding_name(coding).p;
			wanted(&want, in.dir, rows[i].head,
			       rows[i].head ? rows[i].head : FRAMING_ARRAY, out, "end 0\n");
			every_cut(in, want.p);
			buf_done(&b);
			buf_done(&want);
		}
}

/* What cannot be read is cut for its reason, and what came before it stays. */
static void unreadable(void **state)
{
	static const struct {
		const char *type, *coding;
		struct str body;
		const char *out;
		enum why why;
		enum limit_id limit; /* that is counted; -1: none */
	} bad[] = {
		{ "text/event-stream", "gzip, br", { "data: 1\n\n", 9 }, "", WHY_ENCODING, -1 },
		{ "application/json", "compress", { "{}", 2 }, "", WHY_ENCODING, -1 },
		{ "application/json", "gzip", { "{\"plain\"}", 9 }, "", WHY_BAD_BODY, -1 },
		{ "application/json",
		  NULL,
		  { "[1,2 3]", 7 },
		  "event |1\nevent |2\n",
		  WHY_BAD_BODY,
		  -1 },
		{ "application/json", NULL, { "[1,2", 4 }, "event |1\n", WHY_BAD_BODY, -1 },
		{ "application/grpc",
		  NULL,
		  { "\0\0\0\0\1a\5", 7 },
		  "event |a\n",
		  WHY_BAD_BODY,
		  -1 },
		{ "application/grpc",
		  NULL,
		  { "\0\0\0\0\1a\5\0\0\0\0", 11 },
		  "event |a\n",
		  WHY_BAD_BODY,
		  -1 },
		{ "application/grpc", NULL, { "\0\2\0\0\0", 5 }, "", WHY_LIMIT, LIM_GRPC_BYTES },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct body_in in = { .dir = DIR_IN,
				      .type = bad[i].type,
				      .coding = bad[i].coding,
				      .bytes = bad[i].body,
				      .step = 100 };
		struct buf want = { .limit = MOST };
		enum framing head = events_find(str_of(bad[i].type))
					    ? events_find(str_of(bad[i].type))->framing
					    : FRAMING_NONE;
		char end[64];
		struct log l;

		text_of(end, sizeof(end), "<cut %d\nend 0\n", bad[i].why);
		wanted(&want, DIR_IN, head, head ? head : FRAMING_ARRAY, bad[i].out, end);
		every_cut(in, want.p);
		log_init(&l);
		assert_int_equal(play(&l, &in), 0);
		assert_int_equal(count_get(&l.c, LIMIT_HIT), bad[i].limit != (enum limit_id) - 1);
		if (bad[i].limit != (enum limit_id) - 1)
			assert_int_equal(l.c.limit[bad[i].limit], 1);
		log_done(&l);
		buf_done(&want);
	}
}

/* A coded body that breaks off is not whole, even if its last event is. */
static void coded_part(void **state)
{
	struct buf b = { .limit = MOST };
	struct body_in in = { .dir = DIR_IN, .type = "text/event-stream", .coding = "gzip" };
	size_t flush = 9;
	char want[128];

	(void)state;
	make_coded(&b, MAKE_GZIP, S("data: 1\n\n"), &flush, 1);
	in.bytes = str_head(buf_str(&b), b.n - 1);
	text_of(want, sizeof(want), "<head %d\n<event%d |1\n<cut %d\nend 0\n", FRAMING_SSE,
		FRAMING_SSE, WHY_BAD_BODY);
	every_cut(in, want);
	in.broken_off = true; /* its end was not seen: nothing is said here, the end will say it */
	text_of(want, sizeof(want), "<head %d\n<event%d |1\nend 0\n", FRAMING_SSE, FRAMING_SSE);
	every_cut(in, want);
	buf_done(&b);
}

/* ---- messages, ends -------------------------------------------------------------------------------- */

static int messages_part(void *ctx, const struct part *p)
{
	struct log *l = ctx;

	if (p->kind == PART_EVENT)
		assert_true(p->framing == FRAMING_MESSAGES && p->message == 1000u + p->dir);
	return log_part(ctx, p) + 0 * (int)l->ends;
}

static void messages(void **state)
{
	const struct origin from = { .gen = 7 };
	struct part p = { .kind = PART_RESPONSE, .at_ns = 1, .status = 101, .upgraded = true };
	struct exchange *x = NULL;
	char want[256];
	struct log l;

	(void)state;
	log_init(&l);
	l.env.out.put = messages_part;
	assert_int_equal(exchange_new(&l.env, &from, 77, &x), 0);
	assert_int_equal(exchange_head(x, &p), 0);
	assert_int_equal(exchange_message(x, DIR_OUT, 2, 1000, S("as"), false, WHY_NONE), 0);
	assert_int_equal(exchange_message(x, DIR_OUT, 2, 1000, S("k"), true, WHY_NONE), 0);
	assert_int_equal(exchange_message(x, DIR_IN, 3, 1001, STR_NONE, true, WHY_GAP), 0);
	assert_int_equal(exchange_cut(x, DIR_IN, 4, WHY_GAP), 0);
	assert_int_equal(exchange_cut(x, DIR_IN, 4, WHY_GAP), 0); /* once */
	assert_int_equal(exchange_message(x, DIR_IN, 5, 1001, S("x"), true, WHY_NONE), 0);
	assert_int_equal(exchange_done(x, DIR_OUT, 6), 0);
	assert_int_equal(exchange_message(x, DIR_OUT, 7, 1000, S("x"), true, WHY_NONE), 0);
	assert_int_equal(exchange_gap(x, DIR_OUT, 7, 5), 0);
	assert_int_equal(exchange_cut(x, DIR_OUT, 7, WHY_GAP), 0); /* it was whole */
	assert_int_equal(exchange_end(&x, 8, WHY_STOPPED, false), 0);
	assert_null(x);
	text_of(want, sizeof(want), "<head %d\n>event%d |ask\n<event%d |!%d\n<cut %d\nend %d\n",
		FRAMING_MESSAGES, FRAMING_MESSAGES, FRAMING_MESSAGES, WHY_GAP, WHY_GAP,
		WHY_STOPPED);
	assert_true(str_eq(buf_str(&l.text), str_of(want)));
	assert_true(l.body_bytes[DIR_OUT] == 3 && l.body_bytes[DIR_IN] == 0);
	log_done(&l);
}

/* What is counted is what the bodies are once decoded, events or not. */
static void body_bytes(void **state)
{
	struct buf b = { .limit = MOST };
	struct body_in in = { .dir = DIR_IN, .type = "text/event-stream", .coding = "br" };
	struct log l;

	(void)state;
	make_coded(&b, MAKE_BR, S("data: 1\n\n"), NULL, 0);
	in.bytes = buf_str(&b);
	in.step = 2;
	log_init(&l);
	assert_int_equal(play(&l, &in), 0);
	assert_true(l.body_bytes[DIR_IN] == 9 && l.body_bytes[DIR_OUT] == 0);
	log_done(&l);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(framings),   cmocka_unit_test(unreadable),
		cmocka_unit_test(coded_part), cmocka_unit_test(messages),
		cmocka_unit_test(body_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
