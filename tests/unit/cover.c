/* Connections and plaintext, paired: what is left over is unmetered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "app/cover.h"
#include "base/obj.h"
#include "probe/kernel.h"

#define S_NS 1000000000ull

struct bed {
	struct board *board;
	struct cover *cover;
	const char *exe, *library;
};

static bool on_llm(void *ctx, struct str host)
{
	(void)ctx;
	return str_eq(host, S("10.0.0.9:8443")) || str_ieq(str_head(host, 3), S("llm"));
}

static void on_who(void *ctx, const struct origin *from, struct cover_who *ret)
{
	struct bed *b = ctx;

	(void)from;
	*ret = (struct cover_who){ str_of(b->exe), str_of(b->library), S("/a/b"), S("red") };
}

static void bed_init(struct bed *b)
{
	struct cover_opts o = { .llm = on_llm, .who = on_who, .ctx = b };

	*b = (struct bed){ .board = mem_zero(1, sizeof(*b->board)), .exe = "/opt/app" };
	assert_non_null(b->board);
	o.board = b->board;
	assert_int_equal(cover_new(&o, &b->cover), 0);
}

static void bed_done(struct bed *b)
{
	cover_free(&b->cover);
	assert_null(b->cover);
	mem_free(b->board);
}

/* A ClientHello with this name, the shortest there is. */
static struct str hello(const char *name)
{
	static char h[256];
	size_t n = strlen(name), at = 0;
	char head[] = { 22, 3, 1, 0, (char)(56 + n), 1, 0, 0, (char)(52 + n), 3, 3 };
	char list[] = { 0, 0, 0, (char)(n + 5), 0, (char)(n + 3), 0, 0, (char)n };

	memset(h, 0, sizeof(h));
	memcpy(h, head, sizeof(head));
	at = sizeof(head) + 32;
	memcpy(h + at, "\0\0\2\x13\1\1\0", 7);
	h[at + 8] = (char)(n + 9);
	memcpy(h + at + 9, list, sizeof(list));
	memcpy(h + at + 9 + sizeof(list), name, n);
	return (struct str){ h, at + 9 + sizeof(list) + n };
}

static void sock(struct bed *b, int type, uint64_t cookie, uint32_t tgid, const char *name,
		 uint64_t at_ns)
{
	struct abi_sock s = { .type = (uint32_t)type,
			      .cookie = cookie,
			      .tgid = tgid,
			      .start_ns = 5,
			      .at_ns = at_ns,
			      .port = name ? 443 : 8443,
			      .addr = { [10] = 255, [11] = 255, [12] = 10, [15] = 9 } };

	cover_sock(b->cover, &s, name ? hello(name) : STR_NONE, 0);
}

static void says(struct bed *b, uint64_t gen, uint32_t tgid, const char *text, uint64_t at_ns)
{
	struct chunk c = {
		.from = { .gen = gen, .tgid = tgid, .start_ns = 5, .row = TLS_OPENSSL_WRITE },
		.at_ns = at_ns,
		.bytes = str_of(text),
		.end = text ? END_NONE : END_FREE
	};

	cover_chunk(b->cover, &c);
}

static void plain(struct bed *b, uint64_t gen, uint32_t tgid, uint64_t at_ns)
{
	struct chunk c = { .from = { .gen = gen, .tgid = tgid, .start_ns = 5, .row = TLS_PLAIN },
			   .at_ns = at_ns,
			   .bytes = S("GET / HTTP/1.1\r\nhost: llm.b\r\n\r\n") };

	cover_chunk(b->cover, &c);
}

static void sums(struct bed *b, uint64_t llm, uint64_t metered, uint64_t idle, uint64_t unmetered)
{
	const struct board_cover *c = &b->board->cover;

	assert_int_equal(c->llm, llm);
	assert_int_equal(c->metered, metered);
	assert_int_equal(c->idle, idle);
	assert_int_equal(c->unmetered, unmetered);
}

static void paired(void **state)
{
	struct bed b;

	(void)state;
	bed_init(&b);
	/* in this order, and in that of the rings, where data come first */
	sock(&b, ABI_HELLO, 1, 7, "llm.a", S_NS);
	sock(&b, ABI_SPENT, 1, 7, NULL, S_NS + 5);
	says(&b, 100, 7, "POST / HTTP/1.1\r\nHost: LLM.a:443\r\n\r\n", S_NS + 4);
	says(&b, 200, 7, "h2", 2 * S_NS + 4);
	sock(&b, ABI_HELLO, 2, 7, "llm.a", 2 * S_NS);
	sock(&b, ABI_SPENT, 2, 7, NULL, 2 * S_NS + 5);
	cover_tick(b.cover, 100 * S_NS);
	sums(&b, 2, 2, 0, 0);
	assert_int_equal(b.board->process[0].seen[TLS_OPENSSL_WRITE], 2);
	assert_string_equal(b.board->process[0].team, "red");
	assert_string_equal(b.board->process[0].exe, "/opt/app");
	assert_int_equal(b.board->process[0].version % 2, 0);
	/* plain HTTP is nobody's plaintext */
	plain(&b, 250, 7, 2 * S_NS);
	/* plaintext for another host, of another process, or from before it, is not its own */
	sock(&b, ABI_HELLO, 3, 7, "llm.b", 3 * S_NS);
	sock(&b, ABI_SPENT, 3, 7, NULL, 3 * S_NS);
	says(&b, 300, 7, "GET / HTTP/1.1\r\nhost: llm.a\r\n\r\n", 3 * S_NS);
	says(&b, 301, 8, "h2", 3 * S_NS);
	says(&b, 302, 7, "h2", 2 * S_NS);
	plain(&b, 304, 7, 3 * S_NS);
	cover_tick(b.cover, 3 * S_NS + COVER_WAIT_NS - 1);
	sums(&b, 3, 2, 0, 0);
	cover_tick(b.cover, 3 * S_NS + COVER_WAIT_NS);
	sums(&b, 3, 2, 0, 1);
	assert_string_equal(b.board->process[0].host, "llm.b");
	assert_string_equal(b.board->process[0].why, "no known TLS function in /opt/app");
	/* found after all */
	says(&b, 303, 7, "GET / HTTP/1.1\r\nhost: llm.b\r\n\r\n", 9 * S_NS);
	sums(&b, 3, 3, 0, 0);
	sock(&b, ABI_SHUT, 3, 7, NULL, 10 * S_NS);
	sums(&b, 3, 3, 0, 0);
	bed_done(&b);
}

static void left_over(void **state)
{
	struct bed b;

	(void)state;
	bed_init(&b);
	sock(&b, ABI_HELLO, 1, 7, "llm.a", S_NS); /* opened, closed: no request */
	sock(&b, ABI_SHUT, 1, 7, NULL, 9 * S_NS);
	sums(&b, 1, 0, 1, 0);
	sock(&b, ABI_HELLO, 2, 7, "else.where", S_NS); /* none of ours, but takes its plaintext */
	says(&b, 100, 7, "h2", S_NS);
	sock(&b, ABI_SPENT, 2, 7, NULL, S_NS);
	sock(&b, ABI_HELLO, 3, 7, "llm.a", S_NS);
	sock(&b, ABI_SPENT, 3, 7, NULL, S_NS);
	sock(&b, ABI_SHUT, 3, 7, NULL, S_NS + 1); /* its plaintext may still come */
	sums(&b, 2, 0, 1, 0);
	b.exe = "/usr/lib/jvm/bin/java";
	cover_tick(b.cover, 9 * S_NS);
	sums(&b, 2, 0, 1, 1);
	assert_string_equal(b.board->process[0].why, "Java: TLS inside the JVM");
	says(&b, 101, 7, "h2", 9 * S_NS); /* too late: it is gone */
	sums(&b, 2, 0, 1, 1);
	/* no name in it: by its address */
	sock(&b, ABI_HELLO, 4, 9, NULL, S_NS);
	sock(&b, ABI_SPENT, 4, 9, NULL, S_NS);
	b.exe = "/opt/nss";
	b.library = "/usr/lib/libnss3.so";
	cover_tick(b.cover, 9 * S_NS);
	assert_string_equal(b.board->process[1].why, "NSS is not read");
	assert_string_equal(b.board->process[1].host, "10.0.0.9");
	b.library = NULL;
	b.board->target_count = 1;
	snprintf(b.board->target[0].path, sizeof(b.board->target[0].path), "/opt/nss");
	snprintf(b.board->target[0].why, sizeof(b.board->target[0].why), "two answers");
	sock(&b, ABI_HELLO, 5, 9, "llm.c", S_NS);
	sock(&b, ABI_SPENT, 5, 9, NULL, S_NS);
	cover_tick(b.cover, 9 * S_NS);
	assert_string_equal(b.board->process[1].why, "two answers");
	sock(&b, ABI_QUIC, 6, 9, NULL, S_NS);
	sums(&b, 5, 0, 1, 4);
	bed_done(&b);
}

/* A library that does not say when an object is gone: the next one at its address goes on where it ended. */
static void same_address(void **state)
{
	struct bed b;

	(void)state;
	bed_init(&b);
	for (uint64_t i = 1; i <= 3; i++) { /* one after another */
		sock(&b, ABI_HELLO, i, 7, "llm.a", i * S_NS);
		says(&b, 100, 7, "GET / HTTP/1.1\r\nhost: llm.a\r\n\r\n", i * S_NS + 4);
		sock(&b, ABI_SPENT, i, 7, NULL, i * S_NS + 4);
		sock(&b, ABI_SHUT, i, 7, NULL, i * S_NS + 9);
	}
	cover_tick(b.cover, 9 * S_NS);
	sums(&b, 3, 3, 0, 0);
	assert_int_equal(b.board->process[0].seen[TLS_OPENSSL_WRITE], 3);
	/* the data are read before what is told of sockets: all at once */
	for (uint64_t i = 11; i <= 13; i++)
		says(&b, 100, 7, "GET / HTTP/1.1\r\nhost: llm.a\r\n\r\n", i * S_NS + 4);
	for (uint64_t i = 11; i <= 13; i++) {
		sock(&b, ABI_HELLO, i, 7, "llm.a", i * S_NS);
		sock(&b, ABI_SPENT, i, 7, NULL, i * S_NS + 4);
		sock(&b, ABI_SHUT, i, 7, NULL, i * S_NS + 9);
	}
	cover_tick(b.cover, 19 * S_NS);
	sums(&b, 6, 6, 0, 0);
	/* what went before the end of its own connection is not there for another */
	sock(&b, ABI_HELLO, 21, 7, "llm.a", 21 * S_NS);
	says(&b, 100, 7, "GET / HTTP/1.1\r\nhost: llm.a\r\n\r\n", 21 * S_NS + 4);
	sock(&b, ABI_SPENT, 21, 7, NULL, 21 * S_NS + 4);
	sock(&b, ABI_HELLO, 22, 7, "llm.a", 21 * S_NS);
	sock(&b, ABI_SPENT, 22, 7, NULL, 21 * S_NS + 4);
	says(&b, 100, 7, "and more", 21 * S_NS + 5);
	sock(&b, ABI_SHUT, 21, 7, NULL, 21 * S_NS + 9);
	cover_tick(b.cover, 29 * S_NS);
	sums(&b, 8, 7, 0, 1);
	bed_done(&b);
}

/* Connections made ahead: the oldest is not always the one that is used. */
static void ahead(void **state)
{
	struct bed b;

	(void)state;
	bed_init(&b);
	/* the one that nobody used ends after the other was used, or before that is told */
	for (uint64_t i = 1; i <= 2; i++) {
		uint64_t at = i * 10 * S_NS;

		sock(&b, ABI_HELLO, 10 * i, 7, "llm.a", at);
		sock(&b, ABI_HELLO, 10 * i + 1, 7, "llm.a", at + 1);
		says(&b, 100 + i, 7, "GET / HTTP/1.1\r\nhost: llm.a\r\n\r\n", at + 2);
		if (i == 2)
			sock(&b, ABI_SHUT, 10 * i, 7, NULL, at + 3);
		sock(&b, ABI_SPENT, 10 * i + 1, 7, NULL, at + 3);
		if (i == 1)
			sock(&b, ABI_SHUT, 10 * i, 7, NULL, at + 4);
		cover_tick(b.cover, at + 9 * S_NS);
		sums(&b, 2 * i, i, i, 0);
	}
	/* it is still open, and then it is used as well, and not seen into */
	sock(&b, ABI_HELLO, 30, 7, "llm.a", 30 * S_NS);
	sock(&b, ABI_HELLO, 31, 7, "llm.a", 30 * S_NS + 1);
	says(&b, 103, 7, "GET / HTTP/1.1\r\nhost: llm.a\r\n\r\n", 30 * S_NS + 2);
	sock(&b, ABI_SPENT, 31, 7, NULL, 30 * S_NS + 3);
	cover_tick(b.cover, 39 * S_NS);
	sums(&b, 6, 3, 2, 0);
	sock(&b, ABI_SPENT, 30, 7, NULL, 40 * S_NS);
	cover_tick(b.cover, 49 * S_NS);
	sums(&b, 6, 3, 2, 1);
	sock(&b, ABI_SHUT, 30, 7, NULL, 50 * S_NS);
	sock(&b, ABI_SHUT, 31, 7, NULL, 50 * S_NS);
	sums(&b, 6, 3, 2, 1);
	bed_done(&b);
}

/* A file that is known now, and was not when this was sent. */
static void reasons(void **state)
{
	struct board_target *t;
	struct bed b;

	(void)state;
	bed_init(&b);
	t = &b.board->target[0];
	b.board->target_count = 1;
	t->state = TARGET_ATTACHED;
	t->attached_ns = 2 * S_NS;
	snprintf(t->path, sizeof(t->path), "/opt/app");
	sock(&b, ABI_HELLO, 1, 7, "llm.a", S_NS);
	sock(&b, ABI_SPENT, 1, 7, NULL, S_NS);
	cover_tick(b.cover, 9 * S_NS);
	assert_string_equal(b.board->process[0].why, "sent before the probes were in /opt/app");
	sock(&b, ABI_HELLO, 2, 7, "llm.a", 10 * S_NS);
	sock(&b, ABI_SPENT, 2, 7, NULL, 10 * S_NS);
	cover_tick(b.cover, 19 * S_NS);
	assert_string_equal(b.board->process[0].why, "nothing came through the probes in /opt/app");
	snprintf(t->why, sizeof(t->why), "its SSL_read is not probed");
	sock(&b, ABI_HELLO, 3, 7, "llm.a", 20 * S_NS);
	sock(&b, ABI_SPENT, 3, 7, NULL, 20 * S_NS);
	cover_tick(b.cover, 29 * S_NS);
	assert_string_equal(b.board->process[0].why, "its SSL_read is not probed");
	bed_done(&b);
}

/* Each host by itself, whoever talks to it; HTTP/2, too. */
static void by_host(void **state)
{
	const struct board_host *h;
	struct bed b;
	char name[16];

	(void)state;
	bed_init(&b);
	h = b.board->host;
	sock(&b, ABI_HELLO, 1, 7, "llm.a", S_NS);
	says(&b, 100, 7, "GET / HTTP/1.1\r\nhost: llm.a\r\n\r\n", S_NS);
	sock(&b, ABI_HELLO, 2, 7, "LLM.A", S_NS);
	sock(&b, ABI_SHUT, 2, 7, NULL, S_NS);
	sock(&b, ABI_HELLO, 3, 7, "llm.b", S_NS);
	sock(&b, ABI_SPENT, 3, 7, NULL, S_NS);
	sock(&b, ABI_HELLO, 4, 7, "else.where", S_NS);
	cover_tick(b.cover, 9 * S_NS);
	assert_int_equal(b.board->host_count, 2);
	assert_string_equal(h[0].name, "llm.a");
	assert_true(h[0].llm == 2 && h[0].metered == 1 && h[0].idle == 1 && h[0].unmetered == 0);
	assert_string_equal(h[1].name, "llm.b");
	assert_true(h[1].llm == 1 && h[1].metered == 0 && h[1].unmetered == 1);
	sock(&b, ABI_QUIC, 5, 8, NULL, S_NS);
	assert_string_equal(h[2].name, "10.0.0.9");
	assert_int_equal(h[2].unmetered, 1);
	/* HTTP/2 */
	sock(&b, ABI_HELLO, 6, 9, "llm.c", 10 * S_NS);
	says(&b, 600, 9, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 10 * S_NS);
	sock(&b, ABI_SPENT, 6, 9, NULL, 10 * S_NS);
	cover_tick(b.cover, 19 * S_NS);
	assert_true(h[3].llm == 1 && h[3].metered == 1 && h[3].unmetered == 0);
	sock(&b, ABI_SHUT, 6, 9, NULL, 20 * S_NS);
	assert_int_equal(h[3].metered, 1);
	/* whoever makes up names fills no more than there is room for */
	for (unsigned i = 0; i < 2 * BOARD_HOSTS; i++) {
		snprintf(name, sizeof(name), "llm.%u", i);
		sock(&b, ABI_HELLO, 1000 + i, 9, name, 20 * S_NS);
	}
	assert_int_equal(b.board->host_count, BOARD_HOSTS);
	assert_int_equal(h[BOARD_HOSTS - 1].llm, 2 * BOARD_HOSTS - (BOARD_HOSTS - 1 - 4));
	bed_done(&b);
}

static void bounded(void **state)
{
	struct bed b;

	(void)state;
	bed_init(&b);
	sock(&b, ABI_HELLO, 1, 1, "llm.a", 1);
	sock(&b, ABI_SPENT, 1, 1, NULL, 1);
	cover_tick(b.cover, 9 * S_NS);
	for (uint32_t i = 2; i < 2 * BOARD_PROCESSES; i++)
		says(&b, i, i, "x", i);
	/* the one with something to tell is still there, and the newest */
	assert_int_equal(b.board->process[0].tgid, 1);
	assert_int_equal(b.board->process[0].unmetered, 1);
	assert_int_equal(b.board->cover.forgotten, 2 * BOARD_PROCESSES - 1 - BOARD_PROCESSES);
	/* one's own end, and one that never was */
	says(&b, 5000, 77, "x", 1);
	says(&b, 5000, 77, NULL, 1);
	says(&b, 5000, 77, NULL, 1);
	bed_done(&b);

	bed_init(&b);
	for (long left = 0; left < 12; left++) {
		mem_fail_after = left;
		sock(&b, ABI_HELLO, 1000 + (uint64_t)left, 1, "llm.a", 1);
		says(&b, 2000 + (uint64_t)left, 1, "GET / HTTP/1.1\r\nHost: llm.a\r\n\r\n", 2);
		mem_fail_after = -1;
	}
	assert_true(b.board->cover.refused > 0);
	bed_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paired),       cmocka_unit_test(left_over),
		cmocka_unit_test(same_address), cmocka_unit_test(ahead),
		cmocka_unit_test(reasons),      cmocka_unit_test(by_host),
		cmocka_unit_test(bounded)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
