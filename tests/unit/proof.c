/* What the first bytes through a signature say of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "app/proof.h"
#include "base/obj.h"
#include "probe/kernel.h"

static void looks(void **state)
{
#define ROW(bytes, want)                           \
	{                                          \
		{ bytes, sizeof(bytes) - 1 }, want \
	}
	static const struct {
		struct str bytes;
		int want;
	} row[] = {
		ROW("GET / HTTP/1.1\r\n", 1),
		ROW("POST /v1/messages HTTP/1.1\r\n", 1),
		ROW("OPTIONS * HTTP/1.1", 1),
		ROW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 1),
		ROW("HTTP/1.1 200 OK\r\n", 1),
		ROW("HTTP/1.0", 1),
		ROW("\0\0\x12\4\0\0\0\0\0\0\3", 1),
		ROW("\0\0\0\4\0\0\0\0\0", 1),
		ROW("", -1),
		ROW("P", -1),
		ROW("POST", -1),
		ROW("POST ", -1),
		ROW("HTTP/", -1),
		ROW("\0\0", -1),
		ROW("\0\0\x12\0\0\0\0\0\0", 0), /* data, before any settings */
		ROW("\0\0\x13\4\0\0\0\0\0", 0),
		ROW("\x16\3\1\2\0\1", 0),
		ROW("GETGETGETGETGETGETGET /", 0),
		ROW("get / HTTP/1.1", 0),
		ROW("GET  / HTTP/1.1", 0),
		ROW("\x7f"
		    "ELF",
		    0),
		ROW("HTTP/3", 0),
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		print_message("# row %zu\n", i);
		assert_int_equal(proof_looks(row[i].bytes), row[i].want);
	}
}

static void counted(void **state)
{
	const uint32_t number = 2 * BOARD_TARGETS + 5;
	struct board *b = mem_zero(1, sizeof(*b));
	struct chunk c = { .from = { .target = number, .row = TLS_BORING_WRITE, .start_ns = 100 } };

	(void)state;
	assert_non_null(b);
	b->target[5].number = number;
	b->target[5].attached_ns = 1050;
	c.bytes = S("GET / HTTP/1.1\r\n");
	proof_chunk(b, &c, 1000);
	proof_chunk(b, &c, 0); /* good news counts, whenever the process began */
	c.bytes = S("nonsense");
	proof_chunk(b, &c, 1000);
	proof_chunk(b, &c, 900); /* began before: the middle of a connection */
	c.off = 8;
	proof_chunk(b, &c, 1000);
	c.off = 0;
	c.from.row = TLS_OPENSSL_WRITE; /* a name needs no proof */
	proof_chunk(b, &c, 1000);
	c.from.row = TLS_BORING_READ;
	c.end = END_FREE;
	proof_chunk(b, &c, 1000);
	assert_int_equal(b->proof[5].number, number);
	assert_int_equal(b->proof[5].right, 2);
	assert_int_equal(b->proof[5].wrong, 1);
	/* the row is another file's now: late records of the one before count for nobody */
	b->target[5].number = number + 2 * BOARD_TARGETS;
	c.end = END_NONE;
	proof_chunk(b, &c, 1000);
	assert_int_equal(b->proof[5].wrong, 1);
	c.from.target = number + 2 * BOARD_TARGETS;
	proof_chunk(b, &c, 1000);
	assert_int_equal(b->proof[5].number, number + 2 * BOARD_TARGETS);
	assert_int_equal(b->proof[5].right, 0);
	assert_int_equal(b->proof[5].wrong, 1);
	mem_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(looks), cmocka_unit_test(counted) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
