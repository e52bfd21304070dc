/* many: 10,000 idle and 1,000 streaming connections at once, through conn, wire and llm, of every kind; what they hold, and what
 * the process does. Every call is exact. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "../kit/make.h"
#include "base/limit.h"
#include "base/obj.h"
#include "conn/conn.h"
#include "llm/llm.h"
#include "wire/wire.h"

#define IDLE      10000
#define STREAMING 1000
#define CGROUPS   16
#define RESIDENT  (64u << 10) /* KiB, of the process */
#define HELD      (44u << 10) /* KiB, of the connections in wire and llm */

#define ASK       "{\"model\":\"gpt-4\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"
#define TEXT \
	"{\"model\":\"gpt-4\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"some words\"}}]}"
#define LAST                                                                               \
	"{\"model\":\"gpt-4\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_" \
	"tokens\":5,\"total_tokens\":12}}"

struct sort {
	const char *name;
	void (*make)(struct sort *k);
	enum make_coding coding;
	bool idle;             /* the answer is over, the connection stays */
	struct buf out, in[2]; /* what is written; read before all are there, and after */
	unsigned share;        /* of the idle, or of the streaming ones; tenths */
	int64_t held;          /* bytes, of one */
};

/* The events of an answer: cut in the middle, where its coding was flushed. */
static size_t body_of(struct sort *k, struct buf *body)
{
	struct buf lines = { .limit = 1u << 20 }, plain = { .limit = 1u << 20 },
		   half = { .limit = 1u << 20 };
	size_t flush;

	for (int i = 0; i < 50; i++)
		make_add(&lines, S(TEXT "\n"));
	make_add(&lines, S(LAST "\n"));
	make_sse(&plain, buf_str(&lines), &(struct make_sse){ .done = true });
	flush = plain.n / 2;
	make_coded(body, k->coding, buf_str(&plain), &flush, 1);
	make_coded(&half, k->coding, str_head(buf_str(&plain), flush), &flush, 1);
	flush = k->coding == MAKE_PLAIN ? flush : MIN(half.n, body->n / 2);
	buf_done(&lines);
	buf_done(&plain);
	buf_done(&half);
	return flush;
}

static void http1(struct sort *k)
{
	struct buf body = { .limit = 1u << 20 };
	size_t cut = body_of(k, &body);

	make_printf(&k->out,
		    "POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: "
		    "%zu\r\n\r\n" ASK,
		    sizeof(ASK) - 1);
	make_printf(
		&k->in[0],
		"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: " STR_FMT
		"\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n",
		STR_ARG(k->coding ? make_coding_name(k->coding) : S("identity")), cut);
	make_add(&k->in[0], str_head(buf_str(&body), cut));
	make_printf(&k->in[1], "\r\n%zx\r\n", body.n - cut);
	make_add(&k->in[1], str_skip(buf_str(&body), cut));
	make_add(&k->in[1], S("\r\n0\r\n\r\n"));
	buf_done(&body);
}

static void http2(struct sort *k)
{
	const struct make_field ask[] = {
		{ S(":method"), S("POST"), false },
		{ S(":scheme"), S("https"), false },
		{ S(":authority"), S("api.openai.com"), false },
		{ S(":path"), S("/v1/chat/completions"), false },
		{ S("authorization"), S("Bearer sk-0123456789abcdef0123456789abcdef"), false },
		{ S("user-agent"), S("a test of many connections/1.0 (linux)"), false }
	};
	const struct make_field answer[] = {
		{ S(":status"), S("200"), false },
		{ S("content-type"), S("text/event-stream"), false },
		{ S("content-encoding"), make_coding_name(k->coding), false },
		{ S("x-request-id"), S("req_0123456789abcdef"), false }
	};
	const struct make_frame last = { .end = true };
	struct buf body = { .limit = 1u << 20 };
	size_t cut = body_of(k, &body);
	struct make_h2 out, in;

	make_h2_init(&out, &k->out, 4096);
	make_h2_init(&in, &k->in[0], 4096);
	make_h2_preface(&out);
	make_h2_settings(&out, NULL, 0);
	make_h2_headers(&out, 1, ask, COUNT_OF(ask), NULL);
	make_h2_data(&out, 1, S(ASK), &last);
	make_h2_settings(&in, NULL, 0);
	make_h2_headers(&in, 1, answer, COUNT_OF(answer), NULL);
	make_h2_data(&in, 1, str_head(buf_str(&body), cut), NULL);
	in.out = &k->in[1];
	make_h2_data(&in, 1, str_skip(buf_str(&body), cut), &last);
	make_h2_done(&out);
	make_h2_done(&in);
	buf_done(&body);
}

static struct sort kinds[] = {
	{ .name = "HTTP/1, idle", .make = http1, .idle = true, .share = 6 },
	{ .name = "HTTP/2, idle", .make = http2, .idle = true, .share = 4 },
	{ .name = "HTTP/1, events", .make = http1, .share = 4 },
	{ .name = "HTTP/1, events in gzip", .make = http1, .coding = MAKE_GZIP, .share = 2 },
	{ .name = "HTTP/2, events", .make = http2, .share = 2 },
	{ .name = "HTTP/2, events in gzip", .make = http2, .coding = MAKE_GZIP, .share = 2 },
};

/* ---- all of them ------------------------------------------------------------------------------------- */

struct bed {
	struct counters c;
	struct conn *conn;
	struct wire *wire;
	struct llm *llm;
	size_t calls;
};

static int on_usage(void *ctx, const struct usage *u)
{
	struct bed *b = ctx;

	assert_true(u->source == SOURCE_REPORTED && u->why == WHY_NONE);
	assert_int_equal(u->used.n[LEAF_IN_TEXT], 7);
	assert_int_equal(u->used.n[LEAF_OUT_TEXT], 5);
	b->calls++;
	return 0;
}

static int on_part(void *ctx, const struct part *p)
{
	return llm_feed(((struct bed *)ctx)->llm, p);
}

static int on_piece(void *ctx, const struct piece *p)
{
	return wire_feed(((struct bed *)ctx)->wire, p);
}

static struct origin from(uint64_t gen)
{
	return (struct origin){ .gen = gen,
				.obj = 0x7f0000000000 + gen * 4096,
				.tgid = 100 + (uint32_t)(gen % (4 * CGROUPS)),
				.start_ns = 5,
				.cgroup = 1 + gen % CGROUPS };
}

static void feed(struct bed *b, uint64_t gen, enum flow_dir dir, uint64_t off,
		 const struct buf *bytes)
{
	struct chunk c = {
		.from = from(gen), .at_ns = gen, .dir = dir, .off = off, .bytes = buf_str(bytes)
	};

	assert_int_equal(conn_feed(b->conn, &c), 0);
}

static void over(struct bed *b, uint64_t gen)
{
	struct chunk c = { .from = from(gen),
			   .end = END_FREE,
			   .final = { OFF_UNKNOWN, OFF_UNKNOWN } };

	assert_int_equal(conn_feed(b->conn, &c), 0);
}

static struct sort *kind_of(uint64_t gen)
{
	bool idle = gen < IDLE;
	unsigned at = gen % 10;

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (kinds[i].idle != idle)
			continue;
		if (at < kinds[i].share)
			return &kinds[i];
		at -= kinds[i].share;
	}
	fail();
	return NULL;
}

static size_t resident_kib(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];
	size_t kib = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, "VmRSS:", 6) == 0)
			kib = strtoul(line + 6, NULL, 10);
	fclose(f);
	return kib;
}

static void open_all(struct bed *b)
{
	for (uint64_t gen = 0; gen < IDLE + STREAMING; gen++) {
		struct sort *k = kind_of(gen);
		int64_t before = wire_held(b->wire);

		feed(b, gen, DIR_OUT, 0, &k->out);
		feed(b, gen, DIR_IN, 0, &k->in[0]);
		if (k->idle)
			feed(b, gen, DIR_IN, k->in[0].n, &k->in[1]);
		k->held = wire_held(b->wire) - before;
	}
}

static void many(void **state)
{
	struct bed b = { .calls = 0 };
	struct conn_opts conn = { .counters = &b.c };
	struct wire_opts wire = { .counters = &b.c };
	struct llm_opts llm = { .counters = &b.c };
	size_t kib;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		kinds[i].out.limit = kinds[i].in[0].limit = kinds[i].in[1].limit = 1u << 20;
		kinds[i].make(&kinds[i]);
	}
	assert_int_equal(conn_new(&conn, (struct piece_sink){ on_piece, &b }, &b.conn), 0);
	assert_int_equal(wire_new(&wire, (struct part_sink){ on_part, &b }, &b.wire), 0);
	assert_int_equal(llm_new(&llm, (struct usage_sink){ on_usage, &b }, &b.llm), 0);

	open_all(&b);
	kib = resident_kib();
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		print_message("# %-24s %6lld bytes held\n", kinds[i].name,
			      (long long)kinds[i].held);
	print_message("# %lld KiB held by all, %zu KiB resident\n",
		      (long long)wire_held(b.wire) >> 10, kib);
	assert_int_equal(b.calls, IDLE);
	assert_int_equal(count_get(&b.c, CONNS_OPEN), IDLE + STREAMING);
	assert_int_equal(wire_open(b.wire), STREAMING);
	assert_in_range(wire_held(b.wire) >> 10, 1, HELD);
#ifndef __SANITIZE_ADDRESS__ /* which has memory of its own: `make bombs` runs this without */
	assert_in_range(kib, 1, RESIDENT);
#endif
	for (uint64_t gen = IDLE; gen < IDLE + STREAMING; gen++)
		feed(&b, gen, DIR_IN, kind_of(gen)->in[0].n, &kind_of(gen)->in[1]);
	assert_int_equal(b.calls, IDLE + STREAMING);
	for (uint64_t gen = 0; gen < IDLE + STREAMING; gen++)
		over(&b, gen);
	assert_int_equal(wire_held(b.wire), 0);
	assert_int_equal(count_get(&b.c, LIMIT_HIT), 0);
	conn_free(&b.conn);
	wire_free(&b.wire);
	llm_free(&b.llm);
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		buf_done(&kinds[i].out);
		buf_done(&kinds[i].in[0]);
		buf_done(&kinds[i].in[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
