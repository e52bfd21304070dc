/* sse -- server-sent events: the WHATWG rules, from any cut, in constant memory. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/buf.h"
#include "base/limit.h"
#include "base/obj.h"
#include "wire/sse.h"

#define LOG_MAX (1u << 20)

struct log {
	struct buf text; /* name|data\n for each event */
	struct buf data; /* of the event under way */
	size_t events;
};

static int on_event(void *ctx, struct str name, struct str data, bool last)
{
	struct log *l = ctx;

	assert_true(last || data.n);
	if (buf_add(&l->data, data) < 0)
		return -EDOM;
	if (!last)
		return 0;
	l->events++;
	if (buf_add(&l->text, name) < 0 || buf_put(&l->text, '|') < 0 ||
	    buf_add(&l->text, buf_str(&l->data)) < 0 || buf_add(&l->text, S(";")) < 0)
		return -EDOM;
	buf_reset(&l->data);
	return 0;
}

struct row {
	const char *in, *out;
};

static const struct row rows[] = {
	{ "data: a\n\n", "|a;" },
	{ "data: a\r\n\r\ndata: b\r\rdata: c\n\n", "|a;|b;|c;" },
	{ "data:a\ndata:  b\ndata\ndata:\n\n", "|a\n b\n\n;" },
	{ "event: x\ndata: 1\n\ndata: 2\n\n", "x|1;|2;" },
	{ "data: 1\nevent: late\n\n", "late|1;" },
	{ "event: a\nevent: b\ndata: 1\n\n", "b|1;" },
	{ "event: only\n\ndata: 1\n\n", "|1;" },
	{ ": ping\n\n: x\ndata: 1\n: y\n\n", "|1;" },
	{ "id: 7\nretry: 5\nfoo: x\ndatax: 1\ndat: 2\ndata : 3\ndata: 4\n\n", "|4;" },
	{ "\xef\xbb\xbf"
	  "data: bom\n\n",
	  "|bom;" },
	{ "\xef\xbb"
	  "data: no bom\n\ndata: 2\n\n",
	  "|2;" },
	{ "data: \xef\xbb\xbf\n\n", "|\xef\xbb\xbf;" },
	{ "data\n\n", "|;" },
	{ "data:\n\n", "|;" },
	{ "\n\n\r\n\n", "" },
	{ "data: no blank line\n", "|no blank line;" },
	{ "data: no line end", "|no line end;" },
	{ "data: a\n\nevent: x", "|a;" },
	{ "data: {\"a\": \"b: c\"}\r\n\r\n", "|{\"a\": \"b: c\"};" },
	{ "data: a\r", "|a;" },
	{ "", "" },
};

static int run(struct str in, size_t step, struct log *l)
{
	_cleanup_(sse_free) struct sse *s = NULL;
	int r = sse_new(on_event, l, &s);

	while (r == 0 && in.n) {
		r = sse_feed(s, str_head(in, step));
		in = str_skip(in, step);
	}
	return r == 0 ? sse_end(s) : r;
}

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t step = 1; step <= strlen(rows[i].in) + 1; step++) {
			struct log l = { .text.limit = LOG_MAX, .data.limit = LOG_MAX };

			assert_int_equal(run(str_of(rows[i].in), step, &l), 0);
			if (!str_eq(buf_str(&l.text), str_of(rows[i].out)))
				fail_msg("row %zu cut at %zu: " STR_FMT, i, step,
					 STR_ARG(buf_str(&l.text)));
			buf_done(&l.text);
			buf_done(&l.data);
		}
}

static void random_cuts(void **state)
{
	static const char *const lines[] = { "data: x", "data", "event: e", ": c",
					     "",        "",     "id: 1",    "data:y" };
	static const char *const ends[] = { "\n", "\r\n", "\r" };

	(void)state;
	srandom(7);
	for (int round = 0; round < 300; round++) {
		struct buf in = { .limit = LOG_MAX };
		struct log whole = { .text.limit = LOG_MAX, .data.limit = LOG_MAX };
		const char *end = ends[random() % 3];

		for (int n = 0; n < 40; n++) {
			assert_int_equal(buf_add(&in, str_of(lines[random() % 8])), 0);
			assert_int_equal(buf_add(&in, str_of(end)), 0);
		}
		assert_int_equal(run(buf_str(&in), in.n, &whole), 0);
		assert_true(whole.events > 0);
		for (size_t step = 1; step < 9; step++) {
			struct log l = { .text.limit = LOG_MAX, .data.limit = LOG_MAX };

			assert_int_equal(run(buf_str(&in), step, &l), 0);
			assert_true(str_eq(buf_str(&l.text), buf_str(&whole.text)));
			buf_done(&l.text);
			buf_done(&l.data);
		}
		buf_done(&whole.text);
		buf_done(&whole.data);
		buf_done(&in);
	}
}

static int count_only(void *ctx, struct str name, struct str data, bool last)
{
	size_t *n = ctx;

	(void)name;
	n[0] += data.n;
	n[1] += last;
	return 0;
}

/* After sse_new() nothing is allocated, however many events come or however large one is. */
static void constant_memory(void **state)
{
	static char run_of_x[65536];
	size_t n[2] = { 0, 0 };
	struct sse *s = NULL;

	(void)state;
	memset(run_of_x, 'x', sizeof(run_of_x));
	assert_int_equal(sse_new(count_only, n, &s), 0);
	mem_fail_after = 0;
	for (int i = 0; i < 100000; i++)
		assert_int_equal(sse_feed(s, S("event: delta\ndata: {\"text\": \"hello\"}\n\n")),
				 0);
	assert_int_equal(n[1], 100000);
	assert_int_equal(n[0], 100000 * 17);
	assert_int_equal(sse_feed(s, S("data: ")), 0);
	for (int i = 0; i < 800; i++)
		assert_int_equal(sse_feed(s, (struct str){ run_of_x, sizeof(run_of_x) }), 0);
	assert_int_equal(sse_feed(s, (struct str){ run_of_x, sizeof(run_of_x) }), 0);
	assert_int_equal(sse_feed(s, S("\n\nevent: ")), 0);
	assert_int_equal(sse_feed(s, (struct str){ run_of_x, sizeof(run_of_x) }), 0);
	assert_int_equal(sse_end(s), 0);
	assert_int_equal(n[1], 100001);
	assert_int_equal(mem_fail_after, 0);
	mem_fail_after = -1;
	sse_free(&s);
}

static void long_name(void **state)
{
	struct log l = { .text.limit = LOG_MAX, .data.limit = LOG_MAX };
	struct buf in = { .limit = LOG_MAX };

	(void)state;
	assert_int_equal(buf_add(&in, S("event: ")), 0);
	for (int i = 0; i < LIMIT_SSE_NAME + 50; i++)
		assert_int_equal(buf_put(&in, 'n'), 0);
	assert_int_equal(buf_add(&in, S("\ndata: 1\n\n")), 0);
	assert_int_equal(run(buf_str(&in), 5, &l), 0);
	assert_int_equal(l.text.n, LIMIT_SSE_NAME + 3);
	buf_done(&in);
	buf_done(&l.text);
	buf_done(&l.data);
}

static int refuse(void *ctx, struct str name, struct str data, bool last)
{
	(void)name;
	(void)data;
	return last == *(bool *)ctx ? -EDOM : 0;
}

static void errors(void **state)
{
	bool when = false;
	struct sse *s = NULL;

	(void)state;
	mem_fail_after = 0;
	assert_int_equal(sse_new(refuse, &when, &s), -ENOMEM);
	assert_null(s);
	for (int i = 0; i < 2; i++, when = true) {
		assert_int_equal(sse_new(refuse, &when, &s), 0);
		assert_int_equal(sse_feed(s, S("data: x\n\n")), -EDOM);
		sse_free(&s);
		assert_null(s);
	}
	sse_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),           cmocka_unit_test(random_cuts),
		cmocka_unit_test(constant_memory), cmocka_unit_test(long_name),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
