/* lines -- JSON documents, one a line: blank lines are none, the last need not end. */
#include "eventkit.h"

static const struct split_row rows[] = {
	ROW("", "", 0),
	ROW("{\"a\":1}\n{\"b\":2}\n", "|{\"a\":1};|{\"b\":2};", 0),
	ROW("{\"a\":1}\r\n{\"b\":2}\r\n", "|{\"a\":1}\r;|{\"b\":2}\r;", 0),
	ROW("{}\n{\"no end\":1}", "|{};|{\"no end\":1};", 0),
	ROW("\n\n \t\r\n{}\n\n\n1\n", "|{};|1;", 0),
	ROW("  {} \n", "|{} ;", 0),
	ROW(" \r\t", "", 0),
	ROW("\n", "", 0),
	ROW("a\0b\nc", "|a\0b;|c;", 0), /* a NUL is a byte like others here */
};

static void table(void **state)
{
	(void)state;
	split_rows(&lines_events, rows, COUNT_OF(rows));
}

/* A million lines and one of 64 MiB: not a byte more memory. */
static void constant_memory(void **state)
{
	static char run[65536];
	struct split s;
	void *l = NULL;

	(void)state;
	split_init(&s);
	s.light = true;
	memset(run, '7', sizeof(run));
	assert_int_equal(lines_events.open(split_event, &s, &s.c, &l), 0);
	mem_fail_after = 0;
	for (int i = 0; i < 1000000; i++)
		assert_int_equal(lines_events.feed(l, S("{}\n")), 0);
	assert_int_equal(s.events, 1000000);
	for (int i = 0; i < 1024; i++)
		assert_int_equal(lines_events.feed(l, (struct str){ run, sizeof(run) }), 0);
	assert_int_equal(lines_events.end(l), 0);
	assert_int_equal(s.events, 1000001);
	assert_int_equal(s.bytes, 2000000 + (64u << 20));
	assert_int_equal(mem_fail_after, 0);
	mem_fail_after = -1;
	lines_events.close(l);
	split_done(&s);
}

static void gaps(void **state)
{
	struct stream t;

	(void)state;
	stream_init(&t, &lines_events, 1);
	for (int i = 0; i < EVENTS; i++) {
		char line[64];

		snprintf(line, sizeof(line), "{\"n\": %d, \"x\": \"%.*s\"}", i, 3 * i,
			 "abcdefghijkl");
		make_printf(&t.bytes, "%s%s", line, i % 2 ? "\n" : "\n\n");
		stream_said(&t, S(""), str_of(line));
	}
	stream_gaps(&t);
	stream_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(constant_memory),
		cmocka_unit_test(gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
