/* body -- content codings: right from any cut, damaged is said, bombs are stopped. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include "base/buf.h"
#include "base/limit.h"
#include "base/obj.h"
#include "wire/body.h"

#define ROOM (1u << 22)

/* made with Node's zlib.brotliCompressSync: the text of text_make(), and 16 MiB of zeros */
static const unsigned char br_text[] = {
	0x1b, 0xb1, 0x1b, 0xa0, 0x1c, 0x05, 0x6e, 0x3b, 0x43, 0xae, 0x2c, 0x46, 0x8e, 0xaf, 0xde,
	0x5d, 0x93, 0xce, 0x66, 0xd2, 0x5e, 0x5f, 0x40, 0xeb, 0x65, 0xa9, 0xa0, 0xe3, 0x56, 0x20,
	0x22, 0x14, 0xc3, 0x73, 0x3f, 0x7c, 0xcc, 0x30, 0xd6, 0x59, 0xa0, 0x36, 0xd8, 0x80, 0x83,
	0x30, 0x9e, 0xa3, 0x77, 0xbf, 0xf2, 0x7d, 0xde, 0x0f, 0x82, 0x28, 0xc9, 0x8a, 0xaa, 0xd1,
	0xea, 0x6e, 0xf4, 0x9d, 0x90, 0xa4, 0x68, 0x86, 0xe5, 0x70, 0x75, 0xc9, 0x47, 0x90, 0x14,
	0xcd, 0xb0, 0x1c, 0xae, 0x2e, 0xf5, 0x08, 0x92, 0xa2, 0x19, 0x96, 0xc3, 0xd5, 0xa5, 0x1f,
	0x41, 0x52, 0x34, 0xc3, 0x72, 0xb8, 0xba, 0xcc, 0x23, 0x48, 0x8a, 0x66, 0x58, 0x0e, 0x57,
	0x97, 0x7d, 0x04, 0x49, 0xd1, 0x0c, 0xcb, 0xe1, 0xea, 0x72, 0x1e, 0x41, 0x52, 0x34, 0xc3,
	0x72, 0xb8, 0xba, 0xdc, 0x47, 0x90, 0x14, 0xcd, 0xb0, 0x1c, 0xae, 0x2e, 0xef, 0x11, 0x24,
	0x45, 0x33, 0x2c, 0x87, 0xfb, 0x38, 0xfe, 0xfb, 0x69, 0x98, 0x96, 0xed, 0xb8, 0x1e, 0x2f,
	0xaf, 0xf1, 0x0c, 0xd3, 0xb2, 0x1d, 0xd7, 0xe3, 0xe5, 0x35, 0x9f, 0x61, 0x5a, 0xb6, 0xe3,
	0x7a, 0xbc, 0xbc, 0xd6, 0x33, 0x4c, 0xcb, 0x76, 0x5c, 0x8f, 0x97, 0xd7, 0x7e, 0x86, 0x69,
	0xd9, 0x8e, 0xeb, 0xf1, 0xf2, 0x3a, 0xcf, 0x30, 0x2d, 0xdb, 0x71, 0x3d, 0x5e, 0x5e, 0xf7,
	0x19, 0xa6, 0x65, 0x3b, 0xae, 0xc7, 0xcb, 0xeb, 0x79, 0x86, 0x69, 0xd9, 0x8e, 0xeb, 0xf1,
	0xf2, 0x7a, 0x9f, 0x61, 0x5a, 0xb6, 0xe3, 0x7a, 0xbc, 0xbc, 0xbe, 0x67, 0x98, 0x96, 0xed,
	0xb8, 0x1e, 0xaf, 0x6e, 0xe6, 0x7b, 0x86, 0x69, 0xd9, 0x8e, 0xeb, 0xf1, 0xf2, 0x1a, 0xcf,
	0x30, 0x2d, 0xdb, 0x71, 0x3d, 0x5e, 0x5e, 0xf3, 0x19, 0xa6, 0x65, 0x3b, 0xae, 0xc7, 0xcb,
	0x6b, 0x3d, 0xc3, 0xb4, 0x6c, 0xc7, 0xf5, 0x78, 0x79, 0xed, 0x67, 0x98, 0x96, 0xed, 0xb8,
	0x1e, 0x2f, 0xaf, 0xf3, 0x0c, 0xd3, 0xb2, 0x1d, 0xd7, 0xe3, 0xe5, 0x75, 0x9f, 0x61, 0x5a,
	0xb6, 0xe3, 0x7a, 0xbc, 0xbc, 0x9e, 0x67, 0x98, 0x96, 0xed, 0xb8, 0x1e, 0x2f, 0xaf, 0xf7,
	0x19, 0xa6, 0x65, 0x3b, 0xae, 0xc7, 0xcb, 0xeb, 0x7b, 0x86, 0x69, 0xd9, 0x8e, 0xeb, 0xf1,
	0xea, 0x66, 0xbd, 0x67, 0x98, 0x96, 0xed, 0xb8, 0x1e, 0x2f, 0xaf, 0xf1, 0x0c, 0xd3, 0xb2,
	0x1d, 0xd7, 0xe3, 0xe5, 0x35, 0x9f, 0x61, 0x5a, 0xb6, 0xe3, 0x7a, 0xbc, 0xbc, 0xd6, 0x33,
	0x4c, 0xcb, 0x76, 0x5c, 0x8f, 0x97, 0xd7, 0x7e, 0x86, 0x69, 0xd9, 0x8e, 0xeb, 0xf1, 0xf2,
	0x3a, 0xcf, 0x30, 0x2d, 0xdb, 0x71, 0x3d, 0x5e, 0x5e, 0xf7, 0x19, 0xa6, 0x65, 0x3b, 0xae,
	0xc7, 0xcb, 0xeb, 0x79, 0x86, 0x69, 0xd9, 0x8e, 0xeb, 0xf1, 0xf2, 0x7a, 0x9f, 0x61, 0x5a,
	0xb6, 0xe3, 0x7a, 0xbc, 0xbc, 0xbe, 0x67, 0x98, 0x96, 0xed, 0xb8, 0x1e, 0xef, 0x26, 0x03,
};
static const unsigned char br_bomb[] = {
	0xcb, 0xff, 0xff, 0x3f, 0xf8, 0x27, 0x00, 0xe2, 0xb1, 0x40, 0x20, 0xf7, 0xfe, 0x2f,
	0xff, 0xff, 0xff, 0xf0, 0x4f, 0x00, 0xc4, 0x61, 0x11, 0x80, 0xee, 0xfd, 0x1f,
};

/* The body that every coded sample stands for. */
static void text_make(struct buf *b)
{
	for (int i = 0; i < 400; i++)
		assert_int_equal(buf_printf(b, "data: {\"n\": %d}\n\n", i), 0);
}

static void zlib_make(struct buf *b, struct str in, int bits, int flush_every)
{
	z_stream z = { 0 };
	char out[65536];

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
	while (1) {
		struct str part = str_head(in, flush_every ? (size_t)flush_every : in.n);
		int last = part.n == in.n;

		in = str_skip(in, part.n);
		z.next_in = (unsigned char *)(uintptr_t)part.p;
		z.avail_in = (unsigned)part.n;
		do {
			z.next_out = (unsigned char *)out;
			z.avail_out = sizeof(out);
			deflate(&z, last ? Z_FINISH : Z_SYNC_FLUSH);
			assert_int_equal(buf_add(b, (struct str){ out, sizeof(out) - z.avail_out }),
					 0);
		} while (z.avail_out == 0);
		if (last)
			break;
	}
	deflateEnd(&z);
}

static void zstd_make(struct buf *b, struct str in)
{
	size_t room = ZSTD_compressBound(in.n);
	char *out = mem_zero(1, room);

	assert_non_null(out);
	room = ZSTD_compress(out, room, in.p, in.n, 3);
	assert_false(ZSTD_isError(room));
	assert_int_equal(buf_add(b, (struct str){ out, room }), 0);
	mem_free(out);
}

struct sample {
	const char *coding;
	struct buf coded, plain;
};

#define SAMPLES 10

static void samples_make(struct sample s[SAMPLES])
{
	static const char *const codings[SAMPLES] = { "gzip", "x-gzip", "deflate",  "DEFLATE",
						      "br",   "zstd",   "identity", "",
						      "gzip", " zstd" };
	struct str text;

	for (int i = 0; i < SAMPLES; i++) {
		s[i] = (struct sample){ .coding = codings[i] };
		s[i].coded.limit = s[i].plain.limit = ROOM;
		text_make(&s[i].plain);
	}
	text = buf_str(&s[0].plain);
	zlib_make(&s[0].coded, text, 16 + 15, 0);
	zlib_make(&s[1].coded, text, 16 + 15, 100); /* a stream that is flushed often */
	zlib_make(&s[2].coded, text, 15, 0);
	zlib_make(&s[3].coded, text, -15, 64);
	assert_int_equal(
		buf_add(&s[4].coded, (struct str){ (const char *)br_text, sizeof(br_text) }), 0);
	zstd_make(&s[5].coded, text);
	assert_int_equal(buf_add(&s[6].coded, text), 0);
	assert_int_equal(buf_add(&s[7].coded, text), 0);
	/* two members, two frames */
	zlib_make(&s[8].coded, str_head(text, 1000), 16 + 15, 0);
	zlib_make(&s[8].coded, str_skip(text, 1000), 16 + 15, 0);
	zstd_make(&s[9].coded, str_head(text, 1000));
	zstd_make(&s[9].coded, str_skip(text, 1000));
}

static void samples_done(struct sample s[SAMPLES])
{
	for (int i = 0; i < SAMPLES; i++) {
		buf_done(&s[i].coded);
		buf_done(&s[i].plain);
	}
}

static int collect(void *ctx, struct str bytes)
{
	struct buf *b = ctx;

	assert_true(bytes.n > 0);
	return buf_add(b, bytes) < 0 ? -EDOM : 0;
}

/* step 0: random cuts. *ret_end: what body_end() said. */
static int run(const char *coding, struct str in, size_t step, struct buf *out, int *ret_end)
{
	_cleanup_(body_free) struct body *b = NULL;
	int r = body_new(str_of(coding), collect, out, &b);

	while (r == 0 && in.n) {
		size_t n = step ? step : 1 + (size_t)random() % 300;

		r = body_feed(b, str_head(in, n));
		in = str_skip(in, n);
	}
	*ret_end = r == 0 ? body_end(b) : r;
	return r;
}

static void any_cut(void **state)
{
	static const size_t steps[] = { 1, 2, 3, 7, 100, 1u << 20, 0, 0, 0 };
	struct sample s[SAMPLES];

	(void)state;
	srandom(3);
	samples_make(s);
	for (int i = 0; i < SAMPLES; i++)
		for (size_t k = 0; k < COUNT_OF(steps); k++) {
			struct buf out = { .limit = ROOM };
			int end = -1;

			assert_int_equal(
				run(s[i].coding, buf_str(&s[i].coded), steps[k], &out, &end), 0);
			assert_int_equal(end, 0);
			assert_true(str_eq(buf_str(&out), buf_str(&s[i].plain)));
			buf_done(&out);
		}
	samples_done(s);
}

/* What a stream was flushed up to is out at once: usage must not wait for the end. */
static void at_once(void **state)
{
	struct buf coded = { .limit = ROOM }, out = { .limit = ROOM };
	z_stream z = { 0 };
	char room[256];
	struct body *b = NULL;

	(void)state;
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (unsigned char *)(uintptr_t) "hello";
	z.avail_in = 5;
	z.next_out = (unsigned char *)room;
	z.avail_out = sizeof(room);
	assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
	assert_int_equal(body_new(S("gzip"), collect, &out, &b), 0);
	assert_int_equal(body_feed(b, (struct str){ room, sizeof(room) - z.avail_out }), 0);
	assert_true(str_eq(buf_str(&out), S("hello")));
	assert_int_equal(body_end(b), -EBADMSG);
	body_free(&b);
	deflateEnd(&z);
	buf_done(&coded);
	buf_done(&out);
}

static void truncated(void **state)
{
	struct sample s[SAMPLES];

	(void)state;
	samples_make(s);
	for (int i = 0; i < 6; i++)
		for (size_t n = 0; n < s[i].coded.n; n += 1 + s[i].coded.n / 500) {
			struct buf out = { .limit = ROOM };
			int end = -1, r;

			r = run(s[i].coding, str_head(buf_str(&s[i].coded), n), 50, &out, &end);
			assert_int_equal(r, 0);
			assert_int_equal(end, n ? -EBADMSG : 0);
			assert_true(str_starts(buf_str(&s[i].plain), buf_str(&out)));
			buf_done(&out);
		}
	samples_done(s);
}

static void damaged(void **state)
{
	struct sample s[SAMPLES];
	unsigned refused = 0, tries = 0;

	(void)state;
	samples_make(s);
	for (int i = 0; i < 6; i++)
		for (size_t n = 0; n < s[i].coded.n; n += 1 + s[i].coded.n / 200) {
			struct buf out = { .limit = ROOM };
			int end = -1;

			s[i].coded.p[n] ^= 0x55;
			(void)!run(s[i].coding, buf_str(&s[i].coded), 64, &out, &end);
			s[i].coded.p[n] ^= 0x55;
			assert_true(end == 0 || end == -EBADMSG);
			refused += end != 0;
			tries++;
			/* gzip has a checksum: what it lets pass is right (or differs in a header
			 * field) */
			if (i < 2 && end == 0)
				assert_true(str_eq(buf_str(&out), buf_str(&s[i].plain)));
			buf_done(&out);
		}
	assert_true(refused > tries / 2);
	samples_done(s);
}

static void garbage_behind(void **state)
{
	static const int which[] = { 0, 2, 4, 5 };
	struct sample s[SAMPLES];

	(void)state;
	samples_make(s);
	for (size_t k = 0; k < COUNT_OF(which); k++) {
		struct sample *one = &s[which[k]];
		struct buf out = { .limit = ROOM };
		int end = 0;

		assert_int_equal(buf_add(&one->coded, S("garbage")), 0);
		assert_int_equal(run(one->coding, buf_str(&one->coded), 10, &out, &end), -EBADMSG);
		assert_true(str_eq(buf_str(&out), buf_str(&one->plain)));
		buf_done(&out);
	}
	samples_done(s);
}

static void not_ours(void **state)
{
	static const char *const codings[] = { "compress",    "gzip, gzip", "gzip, br",
					       "aws-chunked", "gzip ;q=1",  "identity, gzip",
					       "bro",         "zst" };
	struct body *b = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(codings); i++)
		assert_int_equal(body_new(str_of(codings[i]), collect, NULL, &b), -EOPNOTSUPP);
	assert_null(b);
	body_free(&b);
}

struct tally {
	uint64_t bytes;
};

static int weigh(void *ctx, struct str bytes)
{
	((struct tally *)ctx)->bytes += bytes.n;
	assert_true(bytes.n <= LIMIT_CHUNK_BYTES);
	return 0;
}

static int bomb(const char *coding, struct str in, uint64_t *ret_bytes)
{
	_cleanup_(body_free) struct body *b = NULL;
	struct tally t = { 0 };
	int r = body_new(str_of(coding), weigh, &t, &b);

	while (r == 0 && in.n) {
		r = body_feed(b, str_head(in, 1000));
		in = str_skip(in, 1000);
	}
	*ret_bytes = t.bytes;
	return r;
}

static void bombs(void **state)
{
	struct buf gz = { .limit = ROOM }, zs = { .limit = ROOM };
	char *zeros = mem_zero(1, 80u << 20);
	uint64_t n = 0;

	(void)state;
	assert_non_null(zeros);
	zlib_make(&gz, (struct str){ zeros, 80u << 20 }, 31, 0);
	zstd_make(&zs, (struct str){ zeros, 80u << 20 });
	assert_int_equal(bomb("gzip", buf_str(&gz), &n), -EMSGSIZE);
	assert_true(n <= LIMIT_INFLATE_BYTES && n > LIMIT_INFLATE_BYTES / 2);
	assert_int_equal(bomb("zstd", buf_str(&zs), &n), -EMSGSIZE);
	assert_true(n <= 4u << 20);
	assert_int_equal(bomb("br", (struct str){ (const char *)br_bomb, sizeof(br_bomb) }, &n),
			 -EMSGSIZE);
	assert_true(n <= 4u << 20);
	gz.n = 0;
	zlib_make(&gz, (struct str){ zeros, 60u << 20 }, 31, 0); /* large, but within bounds */
	assert_int_equal(bomb("gzip", buf_str(&gz), &n), 0);
	assert_int_equal(n, 60u << 20);
	mem_free(zeros);
	buf_done(&gz);
	buf_done(&zs);
}

static void no_memory(void **state)
{
	struct sample s[SAMPLES];

	(void)state;
	samples_make(s);
	for (int i = 0; i < SAMPLES; i++)
		for (long n = 0;; n++) {
			struct buf out = { .limit = ROOM };
			int end = 0, r;
			bool failed;

			out.p = mem_zero(1, 65536); /* so that only the decoder can run out */
			out.room = 65536;
			assert_non_null(out.p);
			mem_fail_after = n;
			r = run(s[i].coding, buf_str(&s[i].coded), 512, &out, &end);
			failed = mem_fail_after < 0;
			mem_fail_after = -1;
			/* a library that can do without is welcome to */
			assert_true(r == (failed ? -ENOMEM : 0) || (r == 0 && end == 0));
			if (r == 0)
				assert_true(str_eq(buf_str(&out), buf_str(&s[i].plain)));
			buf_done(&out);
			if (!failed)
				break;
			assert_true(n < 1000);
		}
	samples_done(s);
}

static int refuse(void *ctx, struct str bytes)
{
	(void)ctx;
	(void)bytes;
	return -EDOM;
}

static void callers_errors(void **state)
{
	struct sample s[SAMPLES];

	(void)state;
	samples_make(s);
	for (int i = 0; i < SAMPLES; i++) {
		struct body *b = NULL;

		assert_int_equal(body_new(str_of(s[i].coding), refuse, NULL, &b), 0);
		assert_int_equal(body_feed(b, buf_str(&s[i].coded)), -EDOM);
		body_free(&b);
		assert_null(b);
	}
	samples_done(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_cut),        cmocka_unit_test(at_once),
		cmocka_unit_test(truncated),      cmocka_unit_test(damaged),
		cmocka_unit_test(garbage_behind), cmocka_unit_test(not_ours),
		cmocka_unit_test(bombs),          cmocka_unit_test(no_memory),
		cmocka_unit_test(callers_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
