/* The JSON scanner: what it tells, what it refuses, and that neither depends on the cuts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/buf.h"
#include "base/json.h"
#include "base/limit.h"
#include "base/obj.h"

#define LOG_LIMIT 200000

static const char *const type_names[] = { "null", "false", "true", "num",
					  "str",  "obj",   "arr",  "name" };

/* Writes what is told as "ID TYPE TEXT|". */
static int note(void *ctx, int id, enum json_type type, struct str text)
{
	if (!text.p)
		return buf_printf(ctx, "%d %s too long %zu|", id, type_names[type], text.n);
	return buf_printf(ctx, "%d %s " STR_FMT "|", id, type_names[type], STR_ARG(text));
}

/* Feeds doc in three parts cut at a and b. */
static int scan(struct json *j, struct str doc, size_t a, size_t b)
{
	int r;

	json_reset(j);
	r = json_feed(j, str_head(doc, a));
	if (r == 0)
		r = json_feed(j, str_skip(str_head(doc, b), a));
	if (r == 0)
		r = json_feed(j, str_skip(doc, b));
	return r < 0 ? r : json_end(j);
}

static int scan_bytes(struct json *j, struct str doc)
{
	json_reset(j);
	for (size_t i = 0; i < doc.n; i++) {
		/* its own memory, so that a sanitizer sees a read past the part */
		char *one = mem_text(doc.p + i, 1);
		int r = json_feed(j, (struct str){ one, 1 });

		mem_free(one);
		if (r < 0)
			return r;
	}
	return json_end(j);
}

/* Whole, at every cut, and byte by byte: the same answer. */
static void expect(struct str doc, const struct json_want *want, size_t count, int result,
		   const char *told)
{
	_cleanup_(buf_done) struct buf got = { .limit = LOG_LIMIT };
	_cleanup_(json_free) struct json *j = NULL;

	assert_int_equal(json_new(want, count, note, &got, &j), 0);
	for (size_t a = 0; a <= doc.n; a++) {
		size_t b = doc.n < 200 ? a : doc.n;

		for (; b <= doc.n; b += MAX(doc.n / 50, (size_t)1)) {
			json_reset(j);
			(void)!json_feed(j, str_head(doc, a)); /* a reset leaves nothing of it */
			buf_reset(&got);
			assert_int_equal(scan(j, doc, a, MAX(a, b)), result);
			assert_int_equal(buf_put(&got, '\0'), 0);
			assert_string_equal(got.p, told);
		}
	}
	buf_reset(&got);
	assert_int_equal(scan_bytes(j, doc), result);
	assert_int_equal(buf_put(&got, '\0'), 0);
	assert_string_equal(got.p, told);
}

#define EXPECT(doc, want, result, told) expect(S(doc), want, COUNT_OF(want), result, told)

static void test_scalars(void **state)
{
	static const struct json_want want[] = { { "", 1, 0 } };

	(void)state;
	EXPECT("null", want, 0, "1 null null|");
	EXPECT(" true ", want, 0, "1 true true|");
	EXPECT("\tfalse\r\n", want, 0, "1 false false|");
	EXPECT("-0.50e+10", want, 0, "1 num -0.50e+10|");
	EXPECT("20000.10", want, 0, "1 num 20000.10|");
	EXPECT("0", want, 0, "1 num 0|");
	EXPECT("\"\"", want, 0, "1 str |");
	EXPECT("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\ud83d\\ude00z\"", want, 0,
	       "1 str a\"\\/\b\f\n\r\t\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z|");
	EXPECT("[]", want, 0, ""); /* met as another type, and neither RAW nor EACH */
	EXPECT("{}", want, 0, "");
}

static void test_surrogates(void **state)
{
	static const struct json_want want[] = { { "", 1, 0 } };
#define RC "\xEF\xBF\xBD"

	(void)state;
	EXPECT("\"\\ud83d\"", want, 0, "1 str " RC "|");
	EXPECT("\"\\ud83dx\"", want, 0, "1 str " RC "x|");
	EXPECT("\"\\ud83d\\n\"", want, 0, "1 str " RC "\n|");
	EXPECT("\"\\ude00\\ud83d\"", want, 0, "1 str " RC RC "|");
	EXPECT("\"\\ud83d\\ud83d\\ude00\"", want, 0, "1 str " RC "\xF0\x9F\x98\x80|");
	EXPECT("\"\\ud83d\\ue000\"", want, 0, "1 str " RC "\xEE\x80\x80|");
	EXPECT("\"\\ud83d\\u0041\"", want, 0, "1 str " RC "A|");
}

static int nul_seen(void *ctx, int id, enum json_type type, struct str text)
{
	(void)id;
	*(bool *)ctx = type == JSON_STRING && str_eq(text, S("a\0b"));
	return 0;
}

static void test_nul(void **state)
{
	static const struct json_want want[] = { { "", 1, 0 } };
	bool seen = false;

	(void)state;
	assert_int_equal(json_scan(S("\"a\\u0000b\""), want, 1, nul_seen, &seen), 0);
	assert_true(seen);
}

static void test_paths(void **state)
{
	static const struct json_want want[] = {
		{ "model", 1, 0 },
		{ "usage", 2, JSON_RAW },
		{ "usage.input_tokens", 3, 0 },
		{ "output[].type", 4, 0 },
		{ "output[]", 5, JSON_EACH },
		{ "output", 6, JSON_EACH },
		{ "usage.details", 7, JSON_RAW | JSON_EACH },
		{ "model", 8, 0 },
		{ "m[][].x", 9, 0 },
	};

	(void)state;
	EXPECT("{\"model\":\"m-1\",\"x\":{\"model\":1},\"usage\":{ \"input_tokens\" : 12,"
	       "\"details\":{\"a\":[1,{}]}},\"output\":[{\"type\":\"a\"},7,{\"type\":null}],"
	       "\"mod\\u0065l\":\"m-2\"}",
	       want, 0,
	       "1 str m-1|8 str m-1|3 num 12|7 obj {\"a\":[1,{}]}|"
	       "2 obj { \"input_tokens\" : 12,\"details\":{\"a\":[1,{}]}}|4 str a|5 obj |5 num 7|"
	       "4 null null|5 obj |6 arr |1 str m-2|8 str m-2|");
	EXPECT("{\"usage\":null,\"output\":\"none\",\"model\":{\"model\":1}}", want, 0,
	       "2 null null|6 str none|");
	EXPECT("{\"usage\":[{\"input_tokens\":3}],\"output\":{\"[]\":1,\"\":{\"type\":1}}}", want,
	       0, "2 arr [{\"input_tokens\":3}]|6 obj |");
	EXPECT("{\"m\":[[{\"x\":1},{\"x\":2}],[],[[{\"x\":0}]],{\"x\":0},[{\"x\":[]}]]}", want, 0,
	       "9 num 1|9 num 2|");
}

/* Names that are not known beforehand. */
static void test_any_member(void **state)
{
	static const struct json_want want[] = { { "*", 1, JSON_NAMES | JSON_EACH },
						 { "*.*", 2, JSON_NAMES },
						 { "*.b", 3, 0 },
						 { "*.list[].*", 4, JSON_NAMES } };

	(void)state;
	EXPECT("{\"x\\n\":{\"a\":1,\"b\":2e-6},\"\":{},\"y\":[1,{\"z\":2}],\"*\":7}", want, 0,
	       "1 name x\n|2 name a|2 num 1|2 name b|2 num 2e-6|3 num 2e-6|1 obj |1 name |1 obj |"
	       "1 name y|1 arr |1 name *|1 num 7|");
	EXPECT("{\"m\":{\"list\":[{\"a\":1},{\"a\":null}],\"o\":{\"p\":1}}}", want, 0,
	       "1 name m|2 name list|4 name a|4 num 1|4 name a|4 null null|2 name o|1 obj |");
}

static void test_document_wanted(void **state)
{
	static const struct json_want whole[] = { { "", 1, JSON_RAW } };
	static const struct json_want items[] = { { "[]", 1, JSON_RAW }, { "[].a", 2, 0 } };

	(void)state;
	EXPECT(" {\"a\" : [1, 2]} ", whole, 0, "1 obj {\"a\" : [1, 2]}|");
	EXPECT(" [ {\"a\":1} , 2,[3]] ", items, 0, "2 num 1|1 obj {\"a\":1}|1 num 2|1 arr [3]|");
}

static const char *const not_json[] = {
	"",
	" ",
	"{",
	"[",
	"[1",
	"[1,",
	"[1,]",
	"{,}",
	"{\"a\"}",
	"{\"a\":}",
	"{\"a\":1,}",
	"{a:1}",
	"{1:1}",
	"[1 2]",
	"[1}",
	"{\"a\":1]",
	"nul",
	"nulll",
	"True",
	"01",
	"-",
	"-x",
	"1.",
	".5",
	"+1",
	"1e",
	"1e+",
	"1.e1",
	"0x10",
	"1 2",
	"\"",
	"\"\\\"",
	"\"\\x\"",
	"\"\\u12\"",
	"\"\\u12g4\"",
	"\"\t\"",
	"\"\n\"",
	"'a'",
	"{}{}",
	"[]]",
	"NaN",
	"Infinity",
	"// x\n1",
	"\xEF\xBB\xBF[1]",
	"\"abcdefghijklmnop\x01\"",
	"\"abcdefghijklm\x1fnopqrstuvw\"",
	"[\"a\":1]",
	"{\"a\" 1}",
	"{\"a\":1 \"b\":2}",
	"-01",
	"1.5.5",
	"1e5.5",
	"]",
	"}",
	":",
	",",
	"\"\x1f\"",
	"{\"a\":1,,}",
	"[,1]",
	"\f1",
	"tru e",
	"--1",
	"1e--1",
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(not_json); i++) {
		_cleanup_(json_free) struct json *j = NULL;
		struct str doc = str_of(not_json[i]);

		assert_int_equal(json_new(NULL, 0, note, NULL, &j), 0);
		for (size_t a = 0; a <= doc.n; a++)
			if (scan(j, doc, a, a) != -EBADMSG)
				fail_msg("taken: %s", not_json[i]);
		assert_int_equal(scan(j, S("[1]"), 1, 2), 0); /* a reset forgets the error */
	}
	assert_int_equal(json_scan(S("1\0"), NULL, 0, note, NULL), -EBADMSG);
	assert_int_equal(json_scan(S("\"\\\0\""), NULL, 0, note, NULL), -EBADMSG);
}

static void test_error_sticks(void **state)
{
	_cleanup_(json_free) struct json *j = NULL;

	(void)state;
	assert_int_equal(json_new(NULL, 0, note, NULL, &j), 0);
	assert_false(json_started(j));
	assert_int_equal(json_feed(j, S(" \n")), 0);
	assert_false(json_started(j));
	assert_int_equal(json_end(j), -EBADMSG);
	assert_int_equal(json_feed(j, S("x")), -EBADMSG);
	assert_true(json_started(j));
	assert_int_equal(json_feed(j, S("1")), -EBADMSG);
	assert_int_equal(json_end(j), -EBADMSG);
	json_reset(j);
	assert_false(json_started(j));
	assert_int_equal(json_feed(j, S("1")), 0);
	assert_true(json_started(j));
	assert_false(json_closed(j));
	assert_int_equal(json_end(j), 0);
	json_reset(j);
	assert_false(json_closed(j));
	assert_int_equal(json_feed(j, S("[1")), 0);
	assert_false(json_closed(j));
	assert_int_equal(json_feed(j, S("] ")), 0);
	assert_true(json_closed(j));
	assert_int_equal(json_feed(j, S("1")), -EBADMSG);
	assert_false(json_closed(j));
}

static void test_depth(void **state)
{
	static const struct json_want want[] = { { "[][]", 1, JSON_EACH } };
	char doc[2 * LIMIT_JSON_DEPTH + 3];

	(void)state;
	memset(doc, '[', LIMIT_JSON_DEPTH);
	doc[LIMIT_JSON_DEPTH] = '1';
	memset(doc + LIMIT_JSON_DEPTH + 1, ']', LIMIT_JSON_DEPTH);
	expect((struct str){ doc, 2 * LIMIT_JSON_DEPTH + 1 }, want, 1, 0, "1 arr |");
	memset(doc, '[', LIMIT_JSON_DEPTH + 1);
	memset(doc + LIMIT_JSON_DEPTH + 1, ']', LIMIT_JSON_DEPTH + 1);
	expect((struct str){ doc, 2 * LIMIT_JSON_DEPTH + 2 }, want, 1, -EMSGSIZE, "");
}

static void test_deepest_path(void **state)
{
	char path[2 * LIMIT_JSON_DEPTH + 3], doc[2 * LIMIT_JSON_DEPTH + 2];
	struct json_want want = { path, 1, 0 };
	struct json *j = NULL;

	(void)state;
	for (size_t i = 0; i <= LIMIT_JSON_DEPTH; i++)
		memcpy(path + 2 * i, "[]", 3);
	assert_int_equal(json_new(&want, 1, note, NULL, &j), -EINVAL);
	path[2 * LIMIT_JSON_DEPTH] = '\0';
	memset(doc, '[', LIMIT_JSON_DEPTH);
	doc[LIMIT_JSON_DEPTH] = '1';
	memset(doc + LIMIT_JSON_DEPTH + 1, ']', LIMIT_JSON_DEPTH);
	expect((struct str){ doc, 2 * LIMIT_JSON_DEPTH + 1 }, &want, 1, 0, "1 num 1|");
}

/* {"big":{"pad":"xxx","small":{"n":1}},"text":"yyy"} with `pad` and `text` of the given sizes */
static struct buf padded(size_t pad, size_t text)
{
	struct buf b = { .limit = LOG_LIMIT };
	int r = buf_add(&b, S("{\"big\":{\"pad\":\""));

	for (size_t i = 0; i < pad; i++)
		r |= buf_put(&b, 'x');
	r |= buf_add(&b, S("\",\"small\":{\"n\":1}},\"text\":\""));
	for (size_t i = 0; i < text; i++)
		r |= buf_put(&b, 'y');
	r |= buf_add(&b, S("\",\"after\":[7]}"));
	assert_int_equal(r, 0);
	return b;
}

static void too_long(size_t pad, size_t text, bool big_kept, bool text_kept)
{
	static const struct json_want want[] = {
		{ "big", 1, JSON_RAW },   { "big.small", 2, JSON_RAW }, { "text", 3, 0 },
		{ "after", 4, JSON_RAW }, { "", 5, JSON_RAW },
	};
	_cleanup_(buf_done) struct buf doc = padded(pad, text), told = { .limit = LOG_LIMIT },
				       got = { .limit = LOG_LIMIT };
	_cleanup_(json_free) struct json *j = NULL;
	size_t big = pad + S("{\"pad\":\"\",\"small\":{\"n\":1}}").n;
	int r = buf_add(&told, S("2 obj {\"n\":1}|"));

	r |= big_kept ? buf_printf(&told, "1 obj " STR_FMT "|", (int)big, doc.p + 7)
		      : buf_printf(&told, "1 obj too long %zu|", big);
	r |= text_kept
		     ? buf_printf(&told, "3 str " STR_FMT "|", (int)text, doc.p + doc.n - text - 14)
		     : buf_printf(&told, "3 str too long %zu|", text);
	r |= buf_printf(&told, "4 arr [7]|5 obj too long %zu|", doc.n);
	assert_int_equal(r, 0);
	assert_int_equal(json_new(want, COUNT_OF(want), note, &got, &j), 0);
	for (size_t a = 0; a <= doc.n; a += 331) {
		for (size_t b = a; b <= doc.n; b += 1009) {
			buf_reset(&got);
			assert_int_equal(scan(j, buf_str(&doc), a, b), 0);
			assert_true(str_eq(buf_str(&got), buf_str(&told)));
		}
	}
	buf_reset(&got);
	assert_int_equal(scan_bytes(j, buf_str(&doc)), 0);
	assert_true(str_eq(buf_str(&got), buf_str(&told)));
}

static void test_too_long(void **state)
{
	size_t frame = S("{\"pad\":\"\",\"small\":{\"n\":1}}").n;

	(void)state;
	too_long(LIMIT_JSON_VALUE - frame, LIMIT_JSON_TEXT, true, true);
	too_long(LIMIT_JSON_VALUE - frame + 1, LIMIT_JSON_TEXT + 1, false, false);
	too_long(3 * LIMIT_JSON_VALUE, 5 * LIMIT_JSON_TEXT, false, false);
}

static int refuse(void *ctx, int id, enum json_type type, struct str text)
{
	(void)text;
	(void)type;
	return id == *(int *)ctx ? -ECANCELED : 0;
}

static void test_callback_stops(void **state)
{
	static const struct json_want want[] = { { "a", 1, 0 },
						 { "b", 2, JSON_EACH },
						 { "", 3, JSON_RAW } };

	(void)state;
	for (int id = 1; id <= 4; id++)
		assert_int_equal(
			json_scan(S("{\"a\":1,\"b\":[]}"), want, COUNT_OF(want), refuse, &id),
			id <= 3 ? -ECANCELED : 0);
}

/* With the n-th allocation failing, for every n: -ENOMEM, or the right answer. */
static void test_no_memory(void **state)
{
	static const struct json_want want[] = { { "big", 1, JSON_RAW }, { "text", 2, 0 } };
	_cleanup_(buf_done) struct buf doc = padded(3000, 3000);
	long n = 0;
	int r;

	(void)state;
	do {
		_cleanup_(json_free) struct json *j = NULL;
		int never = 0;

		mem_fail_after = n++;
		r = json_new(want, COUNT_OF(want), refuse, &never, &j);
		for (size_t i = 0; i < doc.n && r == 0; i++)
			r = json_feed(j, (struct str){ doc.p + i, 1 });
		if (r == 0)
			r = json_end(j);
		assert_true(r == 0 || r == -ENOMEM);
	} while (r != 0);
	mem_fail_after = -1;
	assert_true(n > 10);
}

/* Once the buffers have their size, no document of any shape asks for memory again. */
static void test_constant_memory(void **state)
{
	static const struct json_want want[] = { { "", 1, JSON_RAW }, { "a", 2, JSON_RAW } };
	_cleanup_(buf_done) struct buf doc = padded(3 * LIMIT_JSON_VALUE, 0);
	_cleanup_(json_free) struct json *j = NULL;
	int never = 0;

	(void)state;
	assert_int_equal(json_new(want, COUNT_OF(want), refuse, &never, &j), 0);
	assert_int_equal(json_feed(j, S("{\"a\":\"")), 0);
	for (size_t i = 0; i <= LIMIT_JSON_TEXT; i++)
		assert_int_equal(json_feed(j, S("\\u0041")), 0);
	assert_int_equal(scan(j, buf_str(&doc), 7, 9), 0);
	mem_fail_after = 0;
	json_reset(j);
	assert_int_equal(json_feed(j, S("{\"a\":[")), 0);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(json_feed(j, S("{\"a\":\"\\u00e9\",\"b\":[1.5,{}]},")), 0);
	assert_int_equal(json_feed(j, S("0],\"a\":\"")), 0);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(json_feed(j, S("long \\ud83d\\ude00")), 0);
	assert_int_equal(json_feed(j, S("\"}")), 0);
	assert_int_equal(json_end(j), 0);
	assert_int_equal(mem_fail_after, 0); /* nothing was asked for */
	mem_fail_after = -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars),
		cmocka_unit_test(test_surrogates),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_any_member),
		cmocka_unit_test(test_document_wanted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_error_sticks),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_deepest_path),
		cmocka_unit_test(test_too_long),

		cmocka_unit_test(test_callback_stops),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_constant_memory),

	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
