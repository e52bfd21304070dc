/* http1 -- one direction of HTTP/1: what is read, where it ends, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include "base/buf.h"
#include "base/limit.h"
#include "base/obj.h"
#include "wire/http1.h"

#define LOG_MAX (1u << 20)

struct log {
	struct counters c;
	struct buf text;
	bool in_body;
	int refuse; /* callbacks fail with this once */
};

static void say(struct log *l, const char *z)
{
	assert_int_equal(buf_add(&l->text, str_of(z)), 0);
}

static int on_head(void *ctx, const struct http1_head *h)
{
	struct log *l = ctx;
	char line[256];

	if (l->refuse)
		return l->refuse;
	if (h->method.p)
		snprintf(line, sizeof(line), STR_FMT " " STR_FMT, STR_ARG(h->method),
			 STR_ARG(h->target));
	else
		snprintf(line, sizeof(line), "%u", h->status);
	say(l, line);
	if (h->header[HDR_HOST].p) {
		snprintf(line, sizeof(line), " host=" STR_FMT, STR_ARG(h->header[HDR_HOST]));
		say(l, line);
	}
	say(l, h->body_less ? " -" : "");
	say(l, h->close_ends ? " close" : "");
	say(l, h->upgraded ? " up" : "");
	say(l, "\n");
	return 0;
}

static int on_body(void *ctx, struct str bytes)
{
	struct log *l = ctx;

	assert_true(bytes.n > 0);
	assert_int_equal(buf_add(&l->text, bytes), 0);
	l->in_body = true;
	return 0;
}

static int on_end(void *ctx)
{
	struct log *l = ctx;

	say(l, l->in_body ? "\nend\n" : "end\n");
	l->in_body = false;
	return 0;
}

static const struct http1_calls calls = { on_head, on_body, on_end };

struct row {
	const char *name, *in, *out; /* out: NULL = -EBADMSG */
	enum http1_side side;
	const char *expect;
	int eof; /* what http1_eof says after it */
};

#define REQ HTTP1_REQUEST, NULL
#define RES HTTP1_RESPONSE, NULL

static const struct row rows[] = {
	{ "get", "GET /a HTTP/1.1\r\nHost: x.test\r\n\r\n", "GET /a host=x.test -\nend\n", REQ, 0 },
	{ "length", "POST /a HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello", "POST /a\nhello\nend\n",
	  REQ, 0 },
	{ "zero", "POST /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "POST /a -\nend\n", REQ, 0 },
	{ "keep-alive", "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.0\r\n\r\n",
	  "GET /1 -\nend\nGET /2 -\nend\n", REQ, 0 },
	{ "blank first", "\r\nGET /1 HTTP/1.1\r\n\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
	  "GET /1 -\nend\nGET /2 -\nend\n", REQ, 0 },
	{ "chunked",
	  "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n6\r\n "
	  "world\r\n0\r\n\r\n",
	  "POST /\nhello world\nend\n", REQ, 0 },
	{ "extension",
	  "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0A ; "
	  "a=\"b\"\r\n0123456789\r\n00;z\r\n\r\n",
	  "POST /\n0123456789\nend\n", REQ, 0 },
	{ "trailers",
	  "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: "
	  "b\r\nContent-Length: 9\r\n\r\n"
	  "GET / HTTP/1.1\r\n\r\n",
	  "POST /\nx\nend\nGET / -\nend\n", REQ, 0 },
	{ "joined", "GET / HTTP/1.1\r\nHost: a\r\nhost:\tb \r\n\r\n", "GET / host=a, b -\nend\n",
	  REQ, 0 },
	{ "unfinished", "GET / HTTP/1.1\r\nHost", "", REQ, -EPIPE },
	{ "until close", "HTTP/1.1 200 OK\r\n\r\nabc\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
	  "200 close\nabc\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", RES, 0 },
	{ "no reason", "HTTP/1.1 404\r\nContent-Length: 1\r\n\r\nx", "404\nx\nend\n", RES, 0 },
	{ "1xx",
	  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 "
	  "OK\r\nContent-Length: 2\r\n\r\nok",
	  "100 -\n103 -\n200\nok\nend\n", RES, 0 },
	{ "204",
	  "HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\nHTTP/1.1 304 Same\r\nTransfer-Encoding: "
	  "chunked\r\n\r\n",
	  "204 -\nend\n304 -\nend\n", RES, 0 },
	{ "head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200 -\nend\n", HTTP1_RESPONSE,
	  "HEAD", 0 },
	{ "connect", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200 - up\n", HTTP1_RESPONSE,
	  "CONNECT", 0 },
	{ "connect refused", "HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno", "407\nno\nend\n",
	  HTTP1_RESPONSE, "CONNECT", 0 },
	{ "upgrade", "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\n\r\n", "101 - up\n", RES, 0 },
	{ "cut body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "200\nhel", RES, -EPIPE },
	/* ---- refused ---- */
	{ "both lengths",
	  "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", NULL, REQ,
	  0 },
	{ "both, other order",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", NULL, RES,
	  0 },
	{ "same length twice", "POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n",
	  NULL, REQ, 0 },
	{ "same length in a list", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n", NULL, RES,
	  0 },
	{ "lengths differ", "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
	  NULL, REQ, 0 },
	{ "lengths differ in a list", "POST / HTTP/1.1\r\nContent-Length: 5, 6\r\n\r\n", NULL, REQ,
	  0 },
	{ "length +5", "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n", NULL, REQ, 0 },
	{ "length -5", "POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", NULL, REQ, 0 },
	{ "length 0x5", "POST / HTTP/1.1\r\nContent-Length: 0x5\r\n\r\n", NULL, REQ, 0 },
	{ "length empty", "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", NULL, REQ, 0 },
	{ "length huge", "POST / HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n", NULL,
	  REQ, 0 },
	{ "length all ones", "POST / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n",
	  NULL, REQ, 0 },
	{ "gzip, chunked", "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", NULL, REQ,
	  0 },
	{ "xchunked", "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n", NULL, REQ, 0 },
	{ "chunked twice",
	  "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	  NULL, REQ, 0 },
	{ "chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", NULL, REQ, 0 },
	{ "bare LF", "GET / HTTP/1.1\nHost: a\n\n", NULL, REQ, 0 },
	{ "bare LF in a field", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", NULL, REQ, 0 },
	{ "bare CR", "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", NULL, REQ, 0 },
	{ "NUL", "HTTP/1.1 200 O\x01K\r\n\r\n", NULL, RES, 0 },
	{ "folded", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", NULL, REQ, 0 },
	{ "folded first", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", NULL, REQ, 0 },
	{ "space before colon", "GET / HTTP/1.1\r\nContent-Length : 5\r\n\r\n", NULL, REQ, 0 },
	{ "no colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", NULL, REQ, 0 },
	{ "no name", "GET / HTTP/1.1\r\n: a\r\n\r\n", NULL, REQ, 0 },
	{ "two spaces", "GET  / HTTP/1.1\r\n\r\n", NULL, REQ, 0 },
	{ "three words", "GET / x HTTP/1.1\r\n\r\n", NULL, REQ, 0 },
	{ "http/0.9", "GET /\r\n\r\n", NULL, REQ, 0 },
	{ "http/1.2", "GET / HTTP/1.2\r\n\r\n", NULL, REQ, 0 },
	{ "http/2.0", "PRI * HTTP/2.0\r\n\r\n", NULL, REQ, 0 },
	{ "lower case", "GET / http/1.1\r\n\r\n", NULL, REQ, 0 },
	{ "response as request", "HTTP/1.1 200 OK\r\n\r\n", NULL, REQ, 0 },
	{ "request as response", "GET / HTTP/1.1\r\n\r\n", NULL, RES, 0 },
	{ "two blanks", "\r\n\r\nGET / HTTP/1.1\r\n\r\n", NULL, REQ, 0 },
	{ "blank response", "\r\nHTTP/1.1 200 OK\r\n\r\n", NULL, RES, 0 },
	{ "status 20", "HTTP/1.1 20 OK\r\n\r\n", NULL, RES, 0 },
	{ "status 2000", "HTTP/1.1 2000 OK\r\n\r\n", NULL, RES, 0 },
	{ "status 099", "HTTP/1.1 099 OK\r\n\r\n", NULL, RES, 0 },
	{ "chunk size empty", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", NULL,
	  RES, 0 },
	{ "chunk size g", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ng\r\n", NULL, RES,
	  0 },
	{ "chunk size 0x1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n",
	  NULL, RES, 0 },
	{ "chunk size -1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", NULL, RES,
	  0 },
	{ "chunk size and space",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\na\r\n", NULL, RES, 0 },
	{ "chunk size overflow",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000001\r\n", NULL, RES,
	  0 },
	{ "chunk size bare LF", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n",
	  NULL, RES, 0 },
	{ "chunk too long", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
	  NULL, RES, 0 },
	{ "chunk end bare LF", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\n",
	  NULL, RES, 0 },
	{ "trailer without colon",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nab\r\n\r\n", NULL, RES, 0 },
	{ "trailer bare LF", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na: b\n\r\n",
	  NULL, RES, 0 },
};

/* Feeds `in` cut at `step` bytes, a message at a time. */
static int run(const struct row *row, struct str in, size_t step, struct log *l, struct http1 **ret)
{
	int r = http1_new(row->side, &calls, l, &l->c, ret);

	if (r < 0)
		return r;
	while (in.n) {
		struct str part = str_head(in, step);

		in = str_skip(in, part.n);
		while (part.n) {
			size_t used = 0;

			if (http1_idle(*ret))
				http1_expect(*ret, str_of(row->expect));
			r = http1_feed(*ret, part, &used);
			if (r < 0)
				return r;
			assert_true(used > 0);
			part = str_skip(part, used);
		}
	}
	return 0;
}

static void check_row(const struct row *row, size_t step)
{
	struct log l = { .text.limit = LOG_MAX };
	struct http1 *h = NULL;
	int r = run(row, str_of(row->in), step, &l, &h);

	if (!row->out) {
		if (r != -EBADMSG)
			fail_msg("%s, cut at %zu: not refused but %d", row->name, step, r);
	} else {
		if (r != 0 || !str_eq(buf_str(&l.text), str_of(row->out)))
			fail_msg("%s, cut at %zu: %d, got '" STR_FMT "'", row->name, step, r,
				 STR_ARG(buf_str(&l.text)));
		assert_int_equal(http1_eof(h), row->eof);
	}
	http1_free(&h);
	assert_null(h);
	buf_done(&l.text);
}

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t step = 1; step <= strlen(rows[i].in); step++)
			check_row(&rows[i], step);
}

static void no_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (long n = 0;; n++) {
			struct log l = { .text.limit = LOG_MAX };
			struct http1 *h = NULL;
			int r;

			assert_int_equal(buf_add(&l.text, str_of("room for what is said")), 0);
			assert_non_null(l.text.p = mem_grow(l.text.p, 4096, 1));
			l.text.room = 4096;
			mem_fail_after = n;
			r = run(&rows[i], str_of(rows[i].in), 7, &l, &h);
			r = mem_fail_after < 0 && r == 0 ? -ENOMEM : r;
			bool failed = mem_fail_after < 0;

			mem_fail_after = -1;
			http1_free(&h);
			buf_done(&l.text);
			if (!failed)
				break;
			assert_true(r == -ENOMEM);
			assert_true(n < 100);
		}
}

static int feed_many(struct http1 *h, const char *line, size_t times)
{
	size_t used = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < times; i++)
		r = http1_feed(h, str_of(line), &used);
	return r;
}

#define STATUS  "HTTP/1.1 200 OK\r\n"
#define CHUNKED STATUS "Transfer-Encoding: chunked\r\n\r\n"

/* Nothing after it is HTTP's. */
static void upgraded(void **state)
{
	struct log l = { .text.limit = LOG_MAX };
	struct http1 *h = NULL;
	struct str in = S("HTTP/1.1 101 Go\r\nUpgrade: websocket\r\n\r\n\x81\1a");
	size_t used;

	(void)state;
	assert_int_equal(http1_new(HTTP1_RESPONSE, &calls, &l, &l.c, &h), 0);
	assert_true(http1_feed(h, in, &used) == 0 && used == in.n - 3);
	assert_true(http1_feed(h, str_skip(in, used), &used) == 0 && used == 0);
	http1_free(&h);
	buf_done(&l.text);
}

static void limits(void **state)
{
	static const struct {
		const char *start, *more;
		size_t times;
		int want;
		enum limit_id limit; /* -EMSGSIZE: the one that was counted */
	} cases[] = {
		{ STATUS, "a: b\r\n", LIMIT_HEAD_LINES, 0, 0 },
		{ STATUS, "a: b\r\n", LIMIT_HEAD_LINES + 1, -EMSGSIZE, LIM_HEAD_LINES },
		{ STATUS "a: ", "0123456789abcdef", LIMIT_HEAD_BYTES / 16, -EMSGSIZE,
		  LIM_HEAD_BYTES },
		{ STATUS, "n", LIMIT_HEAD_NAME, 0, 0 },
		{ STATUS, "n", LIMIT_HEAD_NAME + 1, -EMSGSIZE, LIM_HEAD_NAME },
		{ CHUNKED, "0", 15, 0, 0 },
		{ CHUNKED, "0", 16, -EBADMSG, 0 },
		{ CHUNKED "1;", "0", LIMIT_CHUNK_LINE - 4, 0, 0 },
		{ CHUNKED "1;", "0", LIMIT_CHUNK_LINE, -EMSGSIZE, LIM_CHUNK_LINE },
		{ CHUNKED "0\r\na:", "0", LIMIT_CHUNK_LINE, -EMSGSIZE, LIM_CHUNK_LINE },
		{ CHUNKED "0\r\n", "a: b\r\n", LIMIT_HEAD_LINES, 0, 0 },
		{ CHUNKED "0\r\n", "a: b\r\n", LIMIT_HEAD_LINES + 1, -EMSGSIZE, LIM_HEAD_LINES },
		{ CHUNKED "0\r\n", "n", LIMIT_HEAD_NAME + 1, -EMSGSIZE, LIM_HEAD_NAME },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct log l = { .text.limit = LOG_MAX };
		struct http1 *h = NULL;
		int r;

		assert_int_equal(http1_new(HTTP1_RESPONSE, &calls, &l, &l.c, &h), 0);
		r = feed_many(h, cases[i].start, 1);
		if (r == 0)
			r = feed_many(h, cases[i].more, cases[i].times);
		if (r == 0)
			r = feed_many(h, cases[i].more[0] == 'n' ? ":\r\n\r\n" : "\r\n", 1);
		if (r != cases[i].want)
			fail_msg("limit %zu: %d, want %d", i, r, cases[i].want);
		assert_int_equal(count_get(&l.c, LIMIT_HIT), r == -EMSGSIZE);
		assert_int_equal(l.c.limit[cases[i].limit], r == -EMSGSIZE);
		http1_free(&h);
		buf_done(&l.text);
	}
}

/* Which verdict it is does not depend on how the bytes were cut: a long line that is also bad is long. */
static void long_and_bad(void **state)
{
	struct log l = { .text.limit = LOG_MAX };
	char line[LIMIT_HEAD_BYTES + 2];

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "HTTP/1.1 200 ", 13);
	line[sizeof(line) - 1] = '\0';
	for (size_t step = 1; step <= sizeof(line); step = step * 5 + 1) {
		struct str rest = { line, sizeof(line) };
		struct http1 *h = NULL;
		size_t used = 0;
		int r = 0;

		assert_int_equal(http1_new(HTTP1_RESPONSE, &calls, &l, NULL, &h), 0);
		for (; r == 0 && rest.n; rest = str_skip(rest, step))
			r = http1_feed(h, str_head(rest, step), &used);
		assert_int_equal(r, -EMSGSIZE);
		http1_free(&h);
	}
}

static int keep_host(void *ctx, const struct http1_head *h)
{
	*(struct str *)ctx = h->header[HDR_HOST];
	return 0;
}

static void long_values(void **state)
{
	static const struct http1_calls only = { keep_host, on_body, on_end };
	static const size_t sizes[] = { LIMIT_HEADER_VALUE, LIMIT_HEADER_VALUE + 1 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct buf b = { .limit = LOG_MAX };
		struct str host = S("?");
		struct counters c = { 0 };
		struct http1 *h = NULL;
		size_t used = 0;

		assert_int_equal(buf_add(&b, S("HTTP/1.1 100 x\r\nHost: ")), 0);
		for (size_t n = 0; n < sizes[i]; n++)
			assert_int_equal(buf_put(&b, 'h'), 0);
		assert_int_equal(buf_add(&b, S("\r\n\r\n")), 0);
		assert_int_equal(http1_new(HTTP1_RESPONSE, &only, &host, &c, &h), 0);
		assert_int_equal(http1_feed(h, buf_str(&b), &used), 0);
		assert_int_equal(used, b.n);
		assert_int_equal(host.n, i == 0 ? LIMIT_HEADER_VALUE : 0);
		assert_int_equal(c.limit[LIM_HEADER_VALUE], i);
		http1_free(&h);
		buf_done(&b);
	}
}

static void gaps(void **state)
{
	struct log l = { .text.limit = LOG_MAX };
	struct http1 *h = NULL;
	size_t used = 0;

	(void)state;
	assert_int_equal(http1_new(HTTP1_RESPONSE, &calls, &l, &l.c, &h), 0);
	assert_int_equal(http1_sure(h), 0);
	assert_int_equal(http1_feed(h, S("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"), &used),
			 0);
	assert_int_equal(http1_sure(h), 7);
	assert_int_equal(http1_skip(h, 3), 0);
	assert_int_equal(http1_feed(h, S("fg"), &used), 0);
	assert_int_equal(http1_skip(h, 2), 0);
	assert_true(http1_idle(h));
	assert_int_equal(
		http1_feed(h, S("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
			   &used),
		0);
	assert_int_equal(http1_sure(h), 3);
	assert_int_equal(http1_skip(h, 3), 0);
	assert_int_equal(http1_sure(h), 0);
	assert_int_equal(http1_feed(h, S("\r\n0\r\n\r\n"), &used), 0);
	assert_true(http1_idle(h));
	assert_int_equal(http1_feed(h, S("HTTP/1.0 200 OK\r\n\r\nab"), &used), 0);
	assert_true(http1_sure(h) == UINT64_MAX);
	assert_int_equal(http1_skip(h, 1ull << 40), 0);
	assert_int_equal(http1_eof(h), 0);
	assert_true(
		str_eq(buf_str(&l.text), S("200\nabfg\nend\n200\nab\nend\n200 close\nab\nend\n")));
	http1_free(&h);
	buf_done(&l.text);
}

static void callers_errors(void **state)
{
	struct log l = { .text.limit = LOG_MAX, .refuse = -EDOM };
	struct http1 *h = NULL;
	size_t used = 77;

	(void)state;
	assert_int_equal(http1_new(HTTP1_REQUEST, &calls, &l, &l.c, &h), 0);
	assert_int_equal(http1_feed(h, S("GET / HTTP/1.1\r\n\r\n"), &used), -EDOM);
	assert_int_equal(used, 77);
	l.refuse = 0;
	assert_int_equal(http1_feed(h, S("GET / HTTP/1.1\r\n\r\n"), &used), -EBADMSG);
	http1_reset(h);
	assert_int_equal(http1_feed(h, S("GET / HTTP/1.1\r\n\r\n"), &used), 0);
	http1_free(&h);
	http1_free(&h);
	buf_done(&l.text);
}

static void beginnings(void **state)
{
	static const char good[] = "POST /v1/x?y=z HTTP/1.1\r\nHost";
	static const char answer[] = "HTTP/1.1 200 OK";

	(void)state;
	for (size_t n = 0; n < sizeof(good) - 1; n++)
		assert_int_equal(http1_begins_request((struct str){ good, n }), n >= 25);
	for (size_t n = 0; n < sizeof(answer) - 1; n++)
		assert_int_equal(http1_begins_response((struct str){ answer, n }), n >= 13);
	assert_int_equal(http1_begins_request(S("abcdefghijklmnopqrstuvwxyz")), -EBADMSG);
	assert_int_equal(http1_begins_request(S("\x16\x03\x01")), -EBADMSG);
	assert_int_equal(http1_begins_request(S("USER me\r\n")), -EBADMSG);
	assert_int_equal(http1_begins_request(S("ET / HTTP/1.1\r\n")), -EBADMSG);
	assert_int_equal(http1_begins_request(S("GET")), 0);
	assert_int_equal(http1_begins_request(S("GETS / HTTP/1.1\r\n")), -EBADMSG);
	assert_int_equal(http1_begins_response(S("HTTP/2")), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),        cmocka_unit_test(no_memory),
		cmocka_unit_test(upgraded),     cmocka_unit_test(limits),
		cmocka_unit_test(long_and_bad), cmocka_unit_test(long_values),
		cmocka_unit_test(gaps),         cmocka_unit_test(callers_errors),
		cmocka_unit_test(beginnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
