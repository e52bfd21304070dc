/* grpc -- messages behind five bytes: exact, or the body ends. */
#include "eventkit.h"

static const struct split_row rows[] = {
	ROW("", "", 0),
	ROW("\0\0\0\0\3abc", "|abc;", 0),
	ROW("\0\0\0\0\3abc\0\0\0\0\1x", "|abc;|x;", 0),
	ROW("\0\0\0\0\0", "|;", 0),
	ROW("\1\0\0\0\0\0\0\0\0\0", "|;|;", 0), /* nothing, compressed, is nothing */
	ROW("\0\0\0\0\2\0\0\0\0\0\0\1z", "|\0\0;|z;", 0),
	ROW("\1\0\0\0\4\x1f\x8b\x08\0\0\0\0\0\1y", "|!E;|y;", 0),
	/* broken off */
	ROW("\0", "", -EBADMSG),
	ROW("\0\0\0\0", "", -EBADMSG),
	ROW("\0\0\0\0\2a", "", -EBADMSG),
	ROW("\0\0\0\0\1a\0", "|a;", -EBADMSG),
	ROW("\1\0\0\0\2a", "|!E;", -EBADMSG),
	/* not gRPC; the trailers of gRPC-Web are not either */
	ROW("\2\0\0\0\1a", "", -EBADMSG),
	ROW("\x80\0\0\0\1a", "", -EBADMSG),
	ROW("{\"a\":1}", "", -EBADMSG),
	ROW("\0\0\0\0\1a\3\0\0\0\1b", "|a;", -EBADMSG),
	/* 16 MiB and one byte */
	ROW("\0\1\0\0\1a", "", -EMSGSIZE),
	ROW("\0\xff\xff\xff\xff", "", -EMSGSIZE),
};

static void table(void **state)
{
	(void)state;
	split_rows(&grpc_events, rows, COUNT_OF(rows));
}

/* The largest there may be, and what the limit counts. */
static void limit(void **state)
{
	static char run[65536];
	struct split s;
	struct buf head = { .limit = 64 };
	void *g = NULL;

	(void)state;
	split_init(&s);
	s.light = true;
	make_number(&head, LIMIT_GRPC_BYTES, 5);
	assert_int_equal(grpc_events.open(split_event, &s, &s.c, &g), 0);
	mem_fail_after = 0;
	assert_int_equal(grpc_events.feed(g, buf_str(&head)), 0);
	for (int i = 0; i < LIMIT_GRPC_BYTES / (int)sizeof(run); i++)
		assert_int_equal(grpc_events.feed(g, (struct str){ run, sizeof(run) }), 0);
	assert_int_equal(s.events, 1);
	assert_int_equal(s.bytes, LIMIT_GRPC_BYTES);
	assert_int_equal(s.c.limit[LIM_GRPC_BYTES], 0);
	head.p[4]++;
	assert_int_equal(grpc_events.feed(g, buf_str(&head)), -EMSGSIZE);
	assert_int_equal(s.c.limit[LIM_GRPC_BYTES], 1);
	mem_fail_after = -1;
	grpc_events.close(g);
	buf_done(&head);
	split_done(&s);
}

/* Every byte of a length counts. */
static void lengths(void **state)
{
	static const uint32_t sizes[] = { 255, 256, 258, 65535, 65536, 66051, 1u << 20 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct buf b = { .limit = SPLIT_MAX };
		struct split s;

		make_number(&b, sizes[i], 5);
		while (b.n < 5 + sizes[i])
			make_number(&b, 0, (int)MIN(5 + sizes[i] - b.n, 8));
		make_add(&b, S("\0\0\0\0\1x"));
		split_init(&s);
		assert_int_equal(split_run(&grpc_events, buf_str(&b), 0, 1000, &s), 0);
		assert_true(s.events == 2 && s.bytes == sizes[i] + 1);
		split_done(&s);
		buf_done(&b);
	}
}

/* A hole in a message of which it was said before that it cannot be read. */
static void gap_in_damage(void **state)
{
	struct split s;
	void *g = NULL;

	(void)state;
	split_init(&s);
	assert_int_equal(grpc_events.open(split_event, &s, NULL, &g), 0);
	assert_int_equal(grpc_events.feed(g, S("\1\0\0\0\4a")), 0);
	assert_int_equal(grpc_events.gap(g, 1), 0);
	assert_int_equal(grpc_events.gap(g, 2), 0);
	assert_int_equal(grpc_events.feed(g, S("\0\0\0\0\1x")), 0);
	assert_int_equal(grpc_events.end(g), 0);
	assert_true(str_eq(buf_str(&s.text), S("|!E;|x;")));
	grpc_events.close(g);
	/* said by a hole, and another one in it */
	buf_reset(&s.text);
	assert_int_equal(grpc_events.open(split_event, &s, NULL, &g), 0);
	assert_int_equal(grpc_events.feed(g, S("\0\0\0\0\4a")), 0);
	assert_int_equal(grpc_events.gap(g, 1), 0);
	assert_int_equal(grpc_events.feed(g, S("b")), 0);
	assert_int_equal(grpc_events.gap(g, 1), 0);
	assert_int_equal(grpc_events.feed(g, S("\0\0\0\0\1x")), 0);
	assert_true(str_eq(buf_str(&s.text), S("|a!G;|x;")));
	grpc_events.close(g);
	split_done(&s);
}

/* Bytes n to n + gap of two messages are lost. */
static void gaps(void **state)
{
	static const struct str in = { "\0\0\0\0\4abcd\0\0\0\0\2xy", 16 };
	static const struct {
		size_t at, gap;
		const char *out;
		int r;
	} lost[] = {
		{ 5, 1, "|!G;|xy;", 0 },       { 5, 4, "|!G;|xy;", 0 },
		{ 6, 2, "|a!G;|xy;", 0 },      { 8, 1, "|abc!G;|xy;", 0 },
		{ 14, 2, "|abcd;|!G;", 0 },    { 15, 1, "|abcd;|x!G;", 0 },
		{ 5, 5, "", -EBADMSG },        { 0, 1, "", -EBADMSG },
		{ 4, 1, "", -EBADMSG },        { 9, 1, "|abcd;", -EBADMSG },
		{ 12, 2, "|abcd;", -EBADMSG }, { 15, 2, "|abcd;", -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lost); i++) {
		struct split s;
		void *g = NULL;
		int r;

		split_init(&s);
		assert_int_equal(grpc_events.open(split_event, &s, NULL, &g), 0);
		assert_int_equal(grpc_events.feed(g, str_head(in, lost[i].at)), 0);
		r = grpc_events.gap(g, lost[i].gap);
		if (r == 0)
			r = grpc_events.feed(g, str_skip(in, lost[i].at + lost[i].gap));
		if (r == 0)
			r = grpc_events.end(g);
		assert_int_equal(r, lost[i].r);
		assert_true(str_eq(buf_str(&s.text), str_of(lost[i].out)));
		grpc_events.close(g);
		split_done(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),         cmocka_unit_test(limit), cmocka_unit_test(lengths),
		cmocka_unit_test(gap_in_damage), cmocka_unit_test(gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
