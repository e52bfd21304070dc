/* The JSON writer: commas, escapes, errors that stick; and our own scanner reads it back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/json.h"
#include "base/jsonw.h"
#include "base/obj.h"

#define OUT_LIMIT 4096

static void write_all(struct jsonw *w)
{
	jsonw_open(w, '{');
	jsonw_key_str(w, "a", S("x\"\\\b\f\n\r\t\x01\x1f/"));
	jsonw_key_str(w, "absent", STR_NONE);
	jsonw_key_str(w, "empty", S(""));
	jsonw_key_u64(w, "n", UINT64_MAX);
	jsonw_key(w, "list");
	jsonw_open(w, '[');
	jsonw_i64(w, INT64_MIN);
	jsonw_bool(w, true);
	jsonw_bool(w, false);
	jsonw_raw(w, S("{\"k\": 1.50}"));
	jsonw_open(w, '{');
	jsonw_close(w, '}');
	jsonw_str(w, S("s"));
	jsonw_open(w, '[');
	jsonw_close(w, ']');
	jsonw_close(w, ']');
	jsonw_key(w, "\"");
	jsonw_u64(w, 0);
	jsonw_close(w, '}');
}

static const char all[] = "{\"a\":\"x\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f/\",\"empty\":\"\","
			  "\"n\":18446744073709551615,\"list\":[-9223372036854775808,true,false,"
			  "{\"k\": 1.50},{},\"s\",[]],\"\\\"\":0}";

static void test_document(void **state)
{
	_cleanup_(buf_done) struct buf b = { .limit = OUT_LIMIT };
	struct jsonw w;

	(void)state;
	jsonw_init(&w, &b);
	write_all(&w);
	assert_int_equal(jsonw_done(&w), 0);
	assert_int_equal(buf_put(&b, '\0'), 0);
	assert_string_equal(b.p, all);
}

static void test_utf8(void **state)
{
#define RC "\xEF\xBF\xBD"
	static const struct {
		struct str in;
		const char *out;
	} rows[] = {
		{ S("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"),
		  "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"" },
		{ S("a\xFFz"), "\"a" RC "z\"" },
		{ S("\xC3"), "\"" RC "\"" },
		{ { "\xC3\xA9", 1 }, "\"" RC "\"" },
		{ S("\xC3("), "\"" RC "(\"" },
		{ S("\xC0\x80"), "\"" RC RC "\"" },        /* longer than need be */
		{ S("\xE0\x9F\xBF"), "\"" RC RC RC "\"" }, /* the same */
		{ S("\xED\xA0\x80"), "\"" RC RC RC "\"" }, /* a surrogate */
		{ S("\xED\x9F\xBF"), "\"\xED\x9F\xBF\"" },
		{ S("\xF0\x8F\xBF\xBF"), "\"" RC RC RC RC "\"" }, /* longer than need be */
		{ S("\xF4\x90\x80\x80"), "\"" RC RC RC RC "\"" }, /* above U+10FFFF */
		{ S("\xF4\x8F\xBF\xBF"), "\"\xF4\x8F\xBF\xBF\"" },
		{ S("\xF5\x80\x80\x80"), "\"" RC RC RC RC "\"" },
		{ S("\x80\xBF"), "\"" RC RC "\"" },
		{ S("a\0b\x7F"), "\"a\\u0000b\\u007f\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		_cleanup_(buf_done) struct buf b = { .limit = OUT_LIMIT };
		struct jsonw w;

		jsonw_init(&w, &b);
		jsonw_str(&w, rows[i].in);
		assert_int_equal(jsonw_done(&w), 0);
		assert_int_equal(buf_put(&b, '\0'), 0);
		assert_string_equal(b.p, rows[i].out);
	}
}

static int same(void *ctx, int id, enum json_type type, struct str text)
{
	(void)id;
	assert_int_equal(type, JSON_STRING);
	assert_true(str_eq(text, *(struct str *)ctx));
	return 0;
}

/* Every pair of ASCII characters comes back through the scanner. */
static void test_back(void **state)
{
	static const struct json_want want[] = { { "[]", 0, 0 } };

	(void)state;
	for (int i = 0; i < 128 * 128; i++) {
		_cleanup_(buf_done) struct buf b = { .limit = OUT_LIMIT };
		char in[2] = { (char)(i >> 7), (char)(i & 127) };
		struct str s = { in, 2 };
		struct jsonw w;

		jsonw_init(&w, &b);
		jsonw_open(&w, '[');
		jsonw_str(&w, s);
		jsonw_close(&w, ']');
		assert_int_equal(jsonw_done(&w), 0);
		assert_int_equal(json_scan(buf_str(&b), want, 1, same, &s), 0);
	}
}

static void test_errors_stick(void **state)
{
	(void)state;
	for (size_t limit = 0; limit < sizeof(all) + 1; limit++) {
		_cleanup_(buf_done) struct buf b = { .limit = limit };
		struct jsonw w;

		jsonw_init(&w, &b);
		write_all(&w);
		assert_int_equal(jsonw_done(&w), limit < sizeof(all) - 1 ? -EMSGSIZE : 0);
		assert_true(b.n <= limit);
		assert_memory_equal(b.p ? b.p : "", all, b.n); /* nothing after what did not fit */
	}
}

static void test_no_memory(void **state)
{
	long n = 0;
	int r;

	(void)state;
	do {
		_cleanup_(buf_done) struct buf b = { .limit = OUT_LIMIT };
		struct jsonw w;

		mem_fail_after = n++;
		jsonw_init(&w, &b);
		write_all(&w);
		r = jsonw_done(&w);
		assert_true(r == 0 || r == -ENOMEM);
	} while (r < 0);
	mem_fail_after = -1;
	assert_true(n > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_document),  cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_back),      cmocka_unit_test(test_errors_stick),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
