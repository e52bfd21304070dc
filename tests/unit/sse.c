/* sse -- server-sent events: the WHATWG rules, from any cut, in constant memory. */
#include "eventkit.h"
#include "wire/sse.h"

static const struct split_row rows[] = {
	ROW("data: a\n\n", "|a;", 0),
	ROW("data: a\r\n\r\ndata: b\r\rdata: c\n\n", "|a;|b;|c;", 0),
	ROW("data: a\r\rdata: b\r\n\ndata: c\n\rdata: d\r\n\r", "|a;|b;|c;|d;", 0),
	ROW("data:a\ndata:  b\ndata\ndata:\n\n", "|a\n b\n\n;", 0),
	ROW("event: x\ndata: 1\n\ndata: 2\n\n", "x|1;|2;", 0),
	ROW("data: 1\nevent: late\n\n", "late|1;", 0),
	ROW("event: a\nevent: b\ndata: 1\n\n", "b|1;", 0),
	ROW("event: a\nevent\ndata: 1\n\n", "|1;", 0),
	ROW("event:  a \ndata: 1\n\n", " a |1;", 0),
	ROW("event: only\n\ndata: 1\n\n", "|1;", 0),
	ROW(": ping\n\n: x\ndata: 1\n: y\n\n", "|1;", 0),
	ROW(":\n:\n\n:data: 1\n\n", "", 0),
	ROW("id: 7\nretry: 5\nfoo: x\ndatax: 1\ndat: 2\ndata : 3\ndata: 4\n\n", "|4;", 0),
	ROW("id\nretry\nid: \0\nDATA: 1\nEvent: x\ndata: 2\n\n", "|2;", 0),
	ROW("event: eventeventevent\ndatadata: 1\ndata: 2\n\n", "eventeventevent|2;", 0),
	ROW("\xef\xbb\xbf"
	    "data: bom\n\n",
	    "|bom;", 0),
	ROW("\xef\xbb\xbf\xef\xbb\xbf"
	    "data: one bom\ndata: 2\n\n",
	    "|2;", 0),
	ROW("\xef\xbb"
	    "data: no bom\n\ndata: 2\n\n",
	    "|2;", 0),
	ROW("\xef", "", 0),
	ROW("data: \xef\xbb\xbf\n\n", "|\xef\xbb\xbf;", 0),
	ROW("data\n\n", "|;", 0),
	ROW("data:\n\n", "|;", 0),
	ROW("data: \0a\0\n\n", "|\0a\0;", 0),
	ROW("\n\n\r\n\n", "", 0),
	ROW("data: no blank line\n", "|no blank line;", 0),
	ROW("data: no line end", "|no line end;", 0),
	ROW("data", "|;", 0),
	ROW("data: a\n\nevent: x", "|a;", 0),
	ROW("data: {\"a\": \"b: c\"}\r\n\r\n", "|{\"a\": \"b: c\"};", 0),
	ROW("data: a\r", "|a;", 0),
	ROW("", "", 0),
};

static void table(void **state)
{
	(void)state;
	split_rows(&sse_events, rows, COUNT_OF(rows));
}

/* Lines of all kinds, however they end, from every cut the same. */
static void random_cuts(void **state)
{
	static const char *const lines[] = { "data: x", "data", "event: e", ": c",
					     "",        "",     "id: 1",    "data:y" };
	static const char *const ends[] = { "\n", "\r\n", "\r" };
	uint64_t seed = 7;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct buf in = { .limit = SPLIT_MAX };
		struct split whole, cut;

		split_init(&whole);
		for (int n = 0; n < 40; n++)
			make_printf(&in, "%s%s", lines[make_below(&seed, 8)],
				    ends[make_below(&seed, 3)]);
		assert_int_equal(split_run(&sse_events, buf_str(&in), 0, in.n, &whole), 0);
		for (size_t step = 1; step < 9; step++) {
			split_init(&cut);
			assert_int_equal(split_run(&sse_events, buf_str(&in), 0, step, &cut), 0);
			assert_true(str_eq(buf_str(&cut.text), buf_str(&whole.text)));
			split_done(&cut);
		}
		split_done(&whole);
		buf_done(&in);
	}
}

/* After sse_new() nothing is allocated, however many events come or however large one is. */
static void constant_memory(void **state)
{
	static char run_of_x[65536];
	struct str many = { run_of_x, sizeof(run_of_x) };
	struct split n;
	struct sse *s = NULL;

	(void)state;
	split_init(&n);
	n.light = true;
	memset(run_of_x, 'x', sizeof(run_of_x));
	assert_int_equal(sse_new(split_event, &n, &n.c, &s), 0);
	mem_fail_after = 0;
	for (int i = 0; i < 1000000; i++)
		assert_int_equal(sse_feed(s, S("event: e\ndata: {\"a\": 1}\n\n")), 0);
	assert_true(n.events == 1000000 && n.bytes == 1000000 * 8);
	for (int line = 0; line < 3; line++) {
		assert_int_equal(sse_feed(s, S("\ndata: ")), 0);
		for (int i = 0; i < 100; i++)
			assert_int_equal(sse_feed(s, many), 0);
	}
	assert_int_equal(sse_feed(s, S("\n\nevent: ")), 0);
	assert_int_equal(sse_feed(s, many), 0);
	assert_int_equal(sse_end(s), 0);
	assert_true(n.events == 1000001 && n.damaged == 0);
	assert_int_equal(n.bytes, 1000000 * 8 + 3 * 100 * sizeof(run_of_x) + 2);
	assert_int_equal(mem_fail_after, 0);
	mem_fail_after = -1;
	sse_free(&s);
	split_done(&n);
}

/* A line of `bytes`, then `rest`. */
static void long_line(const char *head, size_t bytes, const char *rest, struct split *s)
{
	static char run[65536];
	struct sse *p = NULL;

	split_init(s);
	memset(run, 'y', sizeof(run));
	assert_int_equal(sse_new(split_event, s, &s->c, &p), 0);
	mem_fail_after = 0;
	s->light = true;
	assert_int_equal(sse_feed(p, str_of(head)), 0);
	for (size_t n; bytes; bytes -= n) {
		n = MIN(bytes, sizeof(run));
		assert_int_equal(sse_feed(p, (struct str){ run, n }), 0);
	}
	mem_fail_after = -1;
	s->light = false;
	assert_int_equal(sse_feed(p, str_of(rest)), 0);
	assert_int_equal(sse_end(p), 0);
	sse_free(&p);
	split_done(s);
}

static void event_limit(void **state)
{
	static const size_t most = LIMIT_EVENT_BYTES;
	struct split s;

	(void)state;
	long_line("data: ", most, "\n\ndata: 2\n\n", &s);
	assert_true(s.events == 2 && s.damaged == 0 && s.bytes == most + 1);
	assert_int_equal(s.c.limit[LIM_EVENT_BYTES], 0);
	/* a larger event is damaged, in one line or in several, the next one is not */
	long_line("data: ", most + 1, "y\ndata: b\n\ndata: 2\n\n", &s);
	assert_true(s.events == 2 && s.damaged == 1 && s.bytes == most + 1);
	assert_int_equal(s.c.limit[LIM_EVENT_BYTES], 1);
	long_line("data: ", most, "\ndata: b\n\ndata: 2\n\n", &s);
	assert_true(s.events == 2 && s.damaged == 1 && s.bytes == most + 1);
	assert_int_equal(s.c.limit[LIM_EVENT_BYTES], 1);
	long_line("data: ", most + 70000, "", &s); /* no end of the line: of the body */
	assert_true(s.events == 1 && s.damaged == 1 && s.bytes == most);
	assert_int_equal(s.c.limit[LIM_EVENT_BYTES], 1);
	assert_int_equal(s.c.limit[LIM_SSE_LINE], 0);
}

/* What is no data is passed over. */
static void line_limit(void **state)
{
	static const struct {
		const char *head, *rest;
		unsigned more; /* bytes of the line in these */
	} longs[] = {
		{ ": ", "\ndata: 1\n\n", 0 },    { "", ": data\ndata: 1\n\n", 4 },
		{ "", "\ndata: 1\n\n", 0 },      { "event: ", "\ndata: 1\n\n", 5 },
		{ "id: a", "\ndata: 1\n\n", 3 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(longs); i++)
		for (unsigned over = 0; over < 3; over++) {
			size_t bytes = LIMIT_SSE_LINE - longs[i].more + over;
			struct split s;

			long_line(longs[i].head, bytes, longs[i].rest, &s);
			assert_true(s.events == 1 && s.damaged == 0 && s.bytes == 1);
			assert_int_equal(s.c.limit[LIM_SSE_LINE], over > 0);
			assert_int_equal(s.c.limit[LIM_SSE_NAME], longs[i].head[0] == 'e');
			assert_int_equal(s.c.limit[LIM_EVENT_BYTES], 0);
		}
}

static void long_name(void **state)
{
	struct buf in = { .limit = SPLIT_MAX };

	(void)state;
	make_add(&in, S("event: "));
	for (int i = 0; i < LIMIT_SSE_NAME; i++)
		make_add(&in, S("n"));
	for (unsigned more = 0; more < 3; more++) {
		struct split s;
		size_t n = in.n;

		make_add(&in, S("\ndata: 1\n\nevent: m\ndata: 2\n\n"));
		for (size_t step = 1; step < 300; step += 23) {
			split_init(&s);
			assert_int_equal(split_run(&sse_events, buf_str(&in), 0, step, &s), 0);
			assert_int_equal(s.text.n, LIMIT_SSE_NAME + 3 + 4);
			assert_int_equal(s.c.limit[LIM_SSE_NAME], more > 0);
			split_done(&s);
		}
		in.n = n;
		make_add(&in, S("n"));
	}
	buf_done(&in);
}

static void gaps(void **state)
{
	static const char *const ends[] = { "\n", "\r\n", "\r" };

	(void)state;
	for (size_t k = 0; k < COUNT_OF(ends); k++) {
		struct stream t;

		stream_init(&t, &sse_events, 1);
		for (int i = 0; i < EVENTS; i++) {
			char name[16], data[64];

			snprintf(name, sizeof(name), "e%d", i);
			snprintf(data, sizeof(data), "<%d>\n<%.*s>", i, 4 * i, "abcdefghijklmnop");
			make_printf(&t.bytes, ": %d%sevent: %s%sdata: <%d>%sdata: <%.*s>%s%s", i,
				    ends[k], name, ends[k], i, ends[k], 4 * i, "abcdefghijklmnop",
				    ends[k], ends[k]);
			stream_said(&t, str_of(name), str_of(data));
		}
		stream_gaps(&t);
		stream_done(&t);
	}
}

static void no_memory(void **state)
{
	struct sse *s = NULL;

	(void)state;
	mem_fail_after = 0;
	assert_int_equal(sse_new(split_event, NULL, NULL, &s), -ENOMEM);
	mem_fail_after = -1;
	assert_null(s);
	sse_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),           cmocka_unit_test(random_cuts),
		cmocka_unit_test(constant_memory), cmocka_unit_test(line_limit),
		cmocka_unit_test(event_limit),     cmocka_unit_test(long_name),
		cmocka_unit_test(no_memory),       cmocka_unit_test(gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
