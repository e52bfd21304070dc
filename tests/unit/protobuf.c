/* protobuf -- messages by hand: what is asked for at each depth, from any cut; what breaks the encoding. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include "base/buf.h"
#include "llm/protobuf.h"

static const struct protobuf_want want[] = {
	{ { 1 }, 'n', false },    { { 2 }, 't', false },       { { 3 }, 'm', true },
	{ { 3, 1 }, 'i', false }, { { 4, 4, 1 }, 'p', false }, { { 4, 4, 4, 4, 1 }, 'd', false },
};

static int on_field(void *ctx, int id, enum protobuf_type type, uint64_t n, struct str text)
{
	struct buf *to = ctx;

	if (type == PROTOBUF_NUMBER)
		return buf_printf(to, "%c=%llu ", id, (unsigned long long)n);
	if (type == PROTOBUF_TEXT && !text.p)
		return buf_printf(to, "%c:%zu ", id, text.n);
	if (type == PROTOBUF_TEXT)
		return buf_printf(to, "%c'" STR_FMT "' ", id, STR_ARG(text));
	return buf_printf(to, "%c%c ", id, type == PROTOBUF_OPEN ? '{' : '}');
}

#define ROW(bytes, said, whole)                              \
	{                                                    \
		{ bytes, sizeof(bytes) - 1 }, said, 0, whole \
	}
#define BAD(bytes, said)                                            \
	{                                                           \
		{ bytes, sizeof(bytes) - 1 }, said, -EBADMSG, false \
	}

static const struct {
	struct str bytes;
	const char *said;
	int r;
	bool whole;
} rows[] = {
	ROW("", "", true),
	ROW("\x08\x05", "n=5 ", true),
	ROW("\x08\xac\x02\x08\0", "n=300 n=0 ", true),
	ROW("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "n=18446744073709551615 ", true),
	ROW("\x08\x85\x80\0", "n=5 ", true), /* longer than need be */
	ROW("\x12\x03"
	    "abc\x12\0",
	    "t'abc' t'' ", true),
	ROW("\x1a\x02\x08\x07\x1a\0", "m{ i=7 m} m{ m} ", true),
	/* as deep as paths are: a row ends there, and one of three numbers is not one of two or four */
	ROW("\x22\x08\x22\x06\x22\x04\x22\x02\x08\x09", "d=9 ", true),
	ROW("\x22\x04\x22\x02\x08\x09", "p=9 ", true),
	ROW("\x22\x02\x08\x09\x22\x06\x22\x04\x22\x02\x08\x09", "", true),
	/* fields that nobody asked for, of each kind */
	ROW("\x78\x01\x7d"
	    "1234\x79"
	    "12345678\x7a\x02"
	    "ab\x08\x01",
	    "n=1 ", true),
	ROW("\x0d"
	    "1234\x09"
	    "12345678\x15"
	    "1234\x08\x01",
	    "n=1 ", true),
	/* not all there */
	ROW("\x08", "", false),
	ROW("\x08\x80", "", false),
	ROW("\x12\x03"
	    "ab",
	    "", false),
	ROW("\x1a\x02\x08", "m{ ", false),
	ROW("\x1a\x04\x08\x07", "m{ i=7 ", false),
	/* broken */
	BAD("\x08\x01\0", "n=1 "), /* field 0 */
	BAD("\x0b", ""),
	BAD("\x0c", ""),
	BAD("\x0e", ""),
	BAD("\x0f", ""),                                         /* groups and worse */
	BAD("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", ""), /* more than 64 bits */
	BAD("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\0", ""),
	BAD("\x1a\x01\x08\x07", "m{ "), /* beyond the message */
	BAD("\x1a\x03\x12\x03"
	    "a",
	    "m{ "),
	BAD("\x1a\x04\x0d"
	    "123",
	    "m{ "),
	BAD("\x1a\x08\x09"
	    "1234567",
	    "m{ "),
	BAD("\x1a\x01\x80\x01", "m{ "),
};

static void check(size_t row, size_t cut, struct protobuf *p)
{
	struct buf said = { .limit = 1 << 16 };
	struct str rest = rows[row].bytes;
	int r = 0;

	p->ctx = &said;
	while (r == 0 && rest.n) {
		r = protobuf_feed(p, str_head(rest, cut));
		rest = str_skip(rest, cut);
	}
	if (!str_eq(buf_str(&said), str_of(rows[row].said)))
		fail_msg("row %zu, cut at %zu: '" STR_FMT "'", row, cut, STR_ARG(buf_str(&said)));
	if (r != rows[row].r || (r == 0 && protobuf_whole(p) != rows[row].whole))
		fail_msg("row %zu, cut at %zu: %d, %d", row, cut, r, protobuf_whole(p));
	buf_done(&said);
	protobuf_reset(p);
	assert_true(protobuf_whole(p));
}

static void table(void **state)
{
	static struct protobuf p;

	(void)state;
	protobuf_init(&p, want, COUNT_OF(want), on_field, NULL);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t cut = 1; cut <= rows[i].bytes.n + 1; cut++)
			check(i, cut, &p);
}

/* A text as long as can be kept, and one byte more. */
static void long_text(void **state)
{
	static char big[LIMIT_MODEL_TEXT + 1];
	static struct protobuf p;

	(void)state;
	memset(big, 'x', sizeof(big));
	for (size_t n = LIMIT_MODEL_TEXT; n <= LIMIT_MODEL_TEXT + 1; n++) {
		for (size_t cut = 1; cut < 40; cut += 19) {
			char head[] = { 0x12, (char)((n & 0x7f) | 0x80), (char)(n >> 7) };
			struct buf said = { .limit = 1 << 16 }, need = { .limit = 1 << 16 };
			struct str rest = { big, n };

			protobuf_init(&p, want, COUNT_OF(want), on_field, &said);
			assert_int_equal(protobuf_feed(&p, (struct str){ head, 3 }), 0);
			for (; rest.n; rest = str_skip(rest, cut))
				assert_int_equal(protobuf_feed(&p, str_head(rest, cut)), 0);
			if (n > LIMIT_MODEL_TEXT)
				assert_int_equal(buf_printf(&need, "t:%zu ", n), 0);
			else
				assert_int_equal(buf_printf(&need, "t'%.*s' ", (int)n, big), 0);
			assert_true(str_eq(buf_str(&said), buf_str(&need)));
			buf_done(&said);
			buf_done(&need);
		}
	}
}

static int refuse(void *ctx, int id, enum protobuf_type type, uint64_t n, struct str text)
{
	(void)ctx, (void)id, (void)n, (void)text;
	return type == *(enum protobuf_type *)ctx ? -EDOM : 0;
}

static void refused(void **state)
{
	static struct protobuf p;

	(void)state;
	for (enum protobuf_type type = PROTOBUF_NUMBER; type <= PROTOBUF_CLOSE; type++) {
		protobuf_init(&p, want, COUNT_OF(want), refuse, &type);
		assert_int_equal(protobuf_feed(&p, S("\x1a\x02\x08\x07\x12\x01t\x12\0\x1a\0")),
				 -EDOM);
	}
	for (enum protobuf_type type = PROTOBUF_TEXT; type <= PROTOBUF_CLOSE; type++) {
		protobuf_init(&p, want, COUNT_OF(want), refuse, &type);
		assert_int_equal(
			protobuf_feed(&p, type == PROTOBUF_TEXT ? S("\x12\0") : S("\x1a\0")),
			-EDOM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(long_text),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
