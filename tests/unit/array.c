/* array -- the elements of one JSON array: strict between them, whatever they are. */
#include "eventkit.h"

static const struct split_row rows[] = {
	ROW("[]", "", 0),
	ROW(" [ \n ] \r\n\t", "", 0),
	ROW("[{\"a\":1}\n,\n{\"b\":[1,{}]}]", "|{\"a\":1};|{\"b\":[1,{}]};", 0),
	ROW("[{\"a\":1},\r\n{\"b\":2}]\n", "|{\"a\":1};|{\"b\":2};", 0),
	ROW("[1,-2.5e3 ,true\n,null,false,\"x\",[],{}]",
	    "|1;|-2.5e3;|true;|null;|false;|\"x\";|[];|{};", 0),
	ROW("[[[1],[2]],[3]]", "|[[1],[2]];|[3];", 0),
	ROW("[\"],[\",\"\\\"\",\"\\\\\",\"\\u005d\"]", "|\"],[\";|\"\\\"\";|\"\\\\\";|\"\\u005d\";",
	    0),
	ROW("[{\"}\":\"{[\\\"\"}]", "|{\"}\":\"{[\\\"\"};", 0),
	/* the reader of the element says no to these, and the next one is found all the same */
	ROW("[{\"a\":1 2},tru,{]},1]", "|{\"a\":1 2};|tru;|{];", -EBADMSG),
	ROW("[{,},nope]", "|{,};|nope;", 0),
	/* broken off */
	ROW("", "", -EBADMSG),
	ROW(" ", "", -EBADMSG),
	ROW("[", "", -EBADMSG),
	ROW("[{\"a\":1}", "|{\"a\":1};", -EBADMSG),
	ROW("[{\"a\":1},", "|{\"a\":1};", -EBADMSG),
	ROW("[{\"a\":1},{\"b\"", "|{\"a\":1};", -EBADMSG),
	ROW("[12", "", -EBADMSG),
	ROW("[\"a]", "", -EBADMSG),
	/* not an array */
	ROW("{}", "", -EBADMSG),
	ROW("1", "", -EBADMSG),
	ROW("]", "", -EBADMSG),
	ROW("[,1]", "", -EBADMSG),
	ROW("[1,]", "|1;", -EBADMSG),
	ROW("[1,,2]", "|1;", -EBADMSG),
	ROW("[1 2]", "|1;", -EBADMSG),
	ROW("[{}{}]", "|{};", -EBADMSG),
	ROW("[\"a\"\"b\"]", "|\"a\";", -EBADMSG),
	ROW("[}]", "", -EBADMSG),
	ROW("[:]", "", -EBADMSG),
	ROW("[\0]", "", -EBADMSG),
	ROW("[1,\0]", "|1;", -EBADMSG),
	ROW("[1]x", "|1;", -EBADMSG),
	ROW("[1]]", "|1;", -EBADMSG),
	ROW("[1],[2]", "|1;", -EBADMSG),
	ROW("\xef\xbb\xbf[1]", "", -EBADMSG),
};

static void table(void **state)
{
	(void)state;
	split_rows(&array_events, rows, COUNT_OF(rows));
}

/* What an element looks like between its first and its last byte takes no memory, deep or long. */
static void constant_memory(void **state)
{
	static char open[65536], close[65536];
	struct split s;
	void *a = NULL;

	(void)state;
	split_init(&s);
	s.light = true;
	memset(open, '[', sizeof(open));
	memset(close, ']', sizeof(close));
	assert_int_equal(array_events.open(split_event, &s, &s.c, &a), 0);
	mem_fail_after = 0;
	assert_int_equal(array_events.feed(a, S("[0")), 0);
	for (int i = 0; i < 1000000; i++)
		assert_int_equal(array_events.feed(a, S(",{\"n\":[1]}")), 0);
	assert_int_equal(s.events, 1000001);
	assert_int_equal(array_events.feed(a, S(",")), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(array_events.feed(a, (struct str){ open, sizeof(open) }), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(array_events.feed(a, (struct str){ close, sizeof(close) }), 0);
	assert_int_equal(s.events, 1000002);
	assert_int_equal(array_events.end(a), -EBADMSG);
	assert_int_equal(array_events.feed(a, S("]")), 0);
	assert_int_equal(array_events.end(a), 0);
	assert_int_equal(mem_fail_after, 0);
	mem_fail_after = -1;
	array_events.close(a);
	split_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(constant_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
