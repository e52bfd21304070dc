/* bombs.h -- few bytes that ask for much: what a hostile server, or client, would send. For tests/unit/bombs.c. */
#ifndef TESTS_BOMBS_H
#define TESTS_BOMBS_H

#include <stdlib.h>
#include "../kit/make.h"
#include "base/limit.h"
#include "flow.h"

#define ASK                                                                              \
	"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: " \
	"17\r\n\r\n{\"model\":\"gpt-4\"}"
#define USAGE "\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5,\"total_tokens\":12}}"
#define MANY  (64u << 20) /* bytes that come out, unless something stops them */

/* Both directions of a connection, in the order: all of `out`, all of `in`. */
typedef void bomb_fn(struct buf *out, struct buf *in);

static void repeat(struct buf *b, struct str s, size_t times)
{
	while (times--)
		make_add(b, s);
}

static void answer(struct buf *in, const char *type, const char *coding, struct str body)
{
	make_printf(in,
		    "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Encoding: "
		    "%s\r\nContent-Length: %zu\r\n\r\n",
		    type, coding, body.n);
	make_add(in, body);
}

/* ---- codings ----------------------------------------------------------------------------------------- */

static void coded(struct buf *out, struct buf *in, enum make_coding coding, const char *type,
		  const char *begin, char fill)
{
	struct buf plain = { .limit = MANY + 4096 }, small = { .limit = MANY };
	char run[4096];

	memset(run, fill, sizeof(run));
	make_add(&plain, str_of(begin));
	repeat(&plain, (struct str){ run, sizeof(run) }, MANY / sizeof(run));
	make_coded(&small, coding, buf_str(&plain), NULL, 0);
	make_add(out, S(ASK));
	answer(in, type, make_coding_name(coding).p, buf_str(&small));
	buf_done(&plain);
	buf_done(&small);
}

static void gzip(struct buf *out, struct buf *in)
{
	coded(out, in, MAKE_GZIP, "application/json", "{\"a\":\"", 'a');
}

static void deflate_raw(struct buf *out, struct buf *in)
{
	coded(out, in, MAKE_DEFLATE, "application/json", "[", ' ');
}

static void br(struct buf *out, struct buf *in)
{
	coded(out, in, MAKE_BR, "application/json", "{\"a\":\"", 'a');
}

static void zstd(struct buf *out, struct buf *in)
{
	coded(out, in, MAKE_ZSTD, "application/json", "[", '[');
}

static void gzip_events(struct buf *out, struct buf *in)
{
	coded(out, in, MAKE_GZIP, "text/event-stream", "data: ", 'x');
}

static void br_lines(struct buf *out, struct buf *in)
{
	coded(out, in, MAKE_BR, "application/x-ndjson", "", '\n');
}

static void nested(struct buf *out, struct buf *in)
{
	struct buf small = { .limit = MANY };

	make_coded(&small, MAKE_GZIP, S("{}"), NULL, 0);
	make_add(out, S(ASK));
	answer(in, "application/json", "gzip, gzip", buf_str(&small));
	buf_done(&small);
}

/* Members without a byte in them: work, and nothing comes of it. */
static void empty_members(struct buf *out, struct buf *in)
{
	struct buf one = { .limit = MANY }, all = { .limit = MANY };

	make_coded(&one, MAKE_GZIP, STR_NONE, NULL, 0);
	repeat(&all, buf_str(&one), (1u << 20) / one.n);
	make_add(out, S(ASK));
	answer(in, "application/json", "gzip", buf_str(&all));
	buf_done(&one);
	buf_done(&all);
}

/* A client's, in its request. */
static void gzip_request(struct buf *out, struct buf *in)
{
	struct buf plain = { .limit = MANY }, small = { .limit = MANY };

	repeat(&plain, S("                "), MANY / 16);
	make_coded(&small, MAKE_GZIP, buf_str(&plain), NULL, 0);
	make_printf(out,
		    "POST /v1/chat/completions HTTP/1.1\r\nHost: "
		    "api.openai.com\r\nContent-Encoding: gzip\r\n"
		    "Content-Length: %zu\r\n\r\n",
		    small.n);
	make_add(out, buf_str(&small));
	answer(in, "application/json", "identity", S("{\"model\":\"gpt-4\"," USAGE));
	buf_done(&plain);
	buf_done(&small);
}

/* ---- JSON --------------------------------------------------------------------------------------------- */

static void document(struct buf *out, struct buf *in, const char *begin, const char *again,
		     size_t times, const char *end)
{
	struct buf body = { .limit = MANY };

	make_add(&body, str_of(begin));
	repeat(&body, str_of(again), times);
	make_add(&body, str_of(end));
	make_add(out, S(ASK));
	answer(in, "application/json", "identity", buf_str(&body));
	buf_done(&body);
}

static void depth(struct buf *out, struct buf *in)
{
	document(out, in, "{\"choices\":", "[", 100000, "");
}

static void keys(struct buf *out, struct buf *in)
{
	document(out, in, "{\"model\":\"gpt-4\"", ",\"k\":1", 1000000, "," USAGE);
}

static void long_string(struct buf *out, struct buf *in)
{
	document(out, in, "{\"id\":\"", "0123456789abcdef", 300000,
		 "\",\"model\":\"gpt-4\"," USAGE);
}

static void long_key(struct buf *out, struct buf *in)
{
	document(out, in, "{\"", "0123456789abcdef", 300000, "\":1,\"model\":\"gpt-4\"," USAGE);
}

static void escapes(struct buf *out, struct buf *in)
{
	document(out, in, "{\"id\":\"", "\\u0041\\ud83d\\ude00", 300000,
		 "\",\"model\":\"gpt-4\"," USAGE);
}

static void long_usage(struct buf *out, struct buf *in)
{
	document(out, in, "{\"model\":\"gpt-4\",\"usage\":{\"prompt_tokens\":7", ",\"x\":1", 500000,
		 "}}");
}

static void long_number(struct buf *out, struct buf *in)
{
	document(out, in, "{\"model\":\"gpt-4\",\"usage\":{\"prompt_tokens\":", "99999999", 300000,
		 "}}");
}

/* ---- HTTP/1 ------------------------------------------------------------------------------------------ */

static void endless_event(struct buf *out, struct buf *in)
{
	make_add(out, S(ASK));
	make_add(in, S("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: "));
	repeat(in, S("0123456789abcdef"), (8u << 20) / 16);
}

static void small_chunks(struct buf *out, struct buf *in)
{
	make_add(out, S(ASK));
	make_add(in, S("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: "
		       "chunked\r\n\r\n"));
	repeat(in, S("1\r\n \r\n"), 200000);
	make_printf(in, "%zx\r\n%s\r\n0\r\n\r\n", sizeof("{\"model\":\"gpt-4\"," USAGE) - 1,
		    "{\"model\":\"gpt-4\"," USAGE);
}

static void long_size(struct buf *out, struct buf *in)
{
	make_add(out, S(ASK));
	make_add(in, S("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;"));
	repeat(in, S("0123456789abcdef"), 65536);
}

static void long_head(struct buf *out, struct buf *in)
{
	make_add(out, S(ASK));
	make_add(in, S("HTTP/1.1 200 OK\r\n"));
	repeat(in, S("X-Header: 0123456789abcdef\r\n"), 100000);
}

static void long_target(struct buf *out, struct buf *in)
{
	make_add(out, S("POST /v1/chat/completions?"));
	repeat(out, S("0123456789abcdef"), 4000);
	make_add(out, S(" HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: "
			"17\r\n\r\n{\"model\":\"gpt-4\"}"));
	answer(in, "application/json", "identity", S("{\"model\":\"gpt-4\"," USAGE));
}

static void many_trailers(struct buf *out, struct buf *in)
{
	make_add(out, S(ASK));
	make_add(in, S("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"));
	repeat(in, S("X-Header: 0123456789abcdef\r\n"), 100000);
}

static void hints(struct buf *out, struct buf *in)
{
	make_add(out, S(ASK));
	repeat(in, S("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n"), 50000);
	answer(in, "application/json", "identity", S("{\"model\":\"gpt-4\"," USAGE));
}

static void pipeline(struct buf *out, struct buf *in)
{
	(void)in;
	repeat(out, S(ASK), 10000);
}

#endif
