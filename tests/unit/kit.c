/* kit -- what tests/kit makes, read by the libraries that others read it with. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <brotli/decode.h>
#include <stdlib.h>
#include <zstd.h>
#include "../kit/talk.h"

enum { ROOM = 1 << 17, BODY = 40000, ROUNDS = 200, STREAMS = 3 };

static void some_text(struct buf *out, size_t n, uint64_t seed)
{
	while (out->n < n)
		make_printf(out, "%u,", (unsigned)make_below(&seed, 1000));
}

/* Bytes of `in` undone into `to`. */
static size_t undone(enum make_coding coding, struct str in, char *to)
{
	size_t n = ROOM;
	z_stream z = { .next_in = (unsigned char *)in.p, .avail_in = (unsigned)in.n };

	if (coding == MAKE_BR) {
		assert_int_equal(BrotliDecoderDecompress(in.n, (const unsigned char *)in.p, &n,
							 (unsigned char *)to),
				 BROTLI_DECODER_RESULT_SUCCESS);
		return n;
	}
	if (coding == MAKE_ZSTD) {
		n = ZSTD_decompress(to, ROOM, in.p, in.n);
		assert_false(ZSTD_isError(n));
		return n;
	}
	z.next_out = (unsigned char *)to;
	z.avail_out = ROOM;
	assert_int_equal(inflateInit2(&z, coding == MAKE_GZIP   ? 31
					  : coding == MAKE_ZLIB ? 15
								: -15),
			 Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	inflateEnd(&z);
	return ROOM - z.avail_out;
}

static void codings(void **state)
{
	struct buf plain = { .limit = ROOM }, coded = { .limit = ROOM };
	static char got[ROOM];
	const size_t flush[] = { 0, 1, 1000, BODY - 1, BODY + 100 };

	(void)state;
	some_text(&plain, BODY, 1);
	for (enum make_coding c = MAKE_GZIP; c < MAKE_CODINGS; c++)
		for (size_t flushes = 0; flushes <= COUNT_OF(flush); flushes++)
			for (int empty = 0; empty < 2; empty++) {
				struct str s = empty ? S("") : buf_str(&plain);

				buf_reset(&coded);
				make_coded(&coded, c, s, flush, flushes);
				assert_int_equal(undone(c, buf_str(&coded), got), s.n);
				assert_memory_equal(got, plain.p, s.n);
			}
	buf_done(&plain);
	buf_done(&coded);
}

/* ---- HTTP/2: both directions of a conversation, each read by a session of nghttp2 ------------------------ */

struct heard {
	struct buf fields[STREAMS], body[STREAMS];
	int ends;
};

static int on_field(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name, size_t name_n,
		    const uint8_t *value, size_t value_n, uint8_t flags, void *ctx)
{
	struct buf *to = &((struct heard *)ctx)->fields[f->hd.stream_id / 2];

	(void)s;
	(void)flags;
	make_add(to, (struct str){ (const char *)name, name_n });
	make_add(to, S("="));
	make_add(to, (struct str){ (const char *)value, value_n });
	make_add(to, S(";"));
	return 0;
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *p, size_t n,
		   void *ctx)
{
	(void)s;
	(void)flags;
	make_add(&((struct heard *)ctx)->body[id / 2], (struct str){ (const char *)p, n });
	return 0;
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *f, void *ctx)
{
	(void)s;
	if (f->hd.flags & NGHTTP2_FLAG_END_STREAM &&
	    (f->hd.type == NGHTTP2_DATA || f->hd.type == NGHTTP2_HEADERS))
		((struct heard *)ctx)->ends++;
	return 0;
}

static int on_invalid(nghttp2_session *s, const nghttp2_frame *f, int error, void *ctx)
{
	(void)s;
	(void)ctx;
	fail_msg("frame of type %d: %s", f->hd.type, nghttp2_strerror(error));
	return 0;
}

struct ear {
	nghttp2_session *session;
	struct heard heard;
};

static int hear(void *ctx, const struct chunk *c)
{
	struct ear *e = ctx;

	if (c->end || c->dir != DIR_OUT)
		return 0;
	assert_int_equal(
		nghttp2_session_mem_recv(e->session, (const uint8_t *)c->bytes.p, c->bytes.n),
		c->bytes.n);
	assert_int_equal(nghttp2_session_send(e->session), 0);
	return 0;
}

static ssize_t forget(nghttp2_session *s, const uint8_t *p, size_t n, int flags, void *ctx)
{
	(void)s;
	(void)p;
	(void)flags;
	(void)ctx;
	return (ssize_t)n;
}

static void listen_to(struct ear *e, struct talk_exchange *x, uint64_t seed)
{
	nghttp2_session_callbacks *calls;
	struct talk how = { { hear, e }, TALK_H2, 1, seed, { 1, 2 } };

	*e = (struct ear){ 0 };
	for (int i = 0; i < STREAMS; i++)
		e->heard.fields[i].limit = e->heard.body[i].limit = ROOM;
	assert_int_equal(nghttp2_session_callbacks_new(&calls), 0);
	nghttp2_session_callbacks_set_send_callback(calls, forget);
	nghttp2_session_callbacks_set_on_header_callback(calls, on_field);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(calls, on_invalid);
	assert_int_equal(nghttp2_session_server_new(&e->session, calls, &e->heard), 0);
	nghttp2_session_callbacks_del(calls);
	/* allows the largest table that a conversation asks for */
	assert_int_equal(
		nghttp2_submit_settings(
			e->session, 0,
			&(nghttp2_settings_entry){ NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 1 << 16 },
			1),
		0);
	assert_int_equal(talk_run(&how, x, STREAMS), 0);
}

static void http2(void **state)
{
	const struct make_field field[] = { { S("x-one"), S("1"), false },
					    { S("authorization"), S("secret"), true } };
	struct buf body = { .limit = ROOM };

	(void)state;
	some_text(&body, BODY / 4, 2);
	for (uint64_t seed = 0; seed < ROUNDS; seed++) {
		struct talk_exchange x[STREAMS];
		struct ear e;

		for (int i = 0; i < STREAMS; i++)
			x[i] = (struct talk_exchange){
				.method = i ? S("POST") : S("GET"),
				.target = S("/path"),
				.host = S("host"),
				.status = 200,
				.side = { { field, 2, i ? buf_str(&body) : STR_NONE, MAKE_PLAIN,
					    !i },
					  { field, 2, buf_str(&body), MAKE_GZIP, false } }
			};
		listen_to(&e, x, seed);
		assert_int_equal(e.heard.ends, STREAMS);
		for (int i = 0; i < STREAMS; i++) {
			struct str heard = buf_str(&e.heard.fields[i]);

			assert_true(str_starts(heard, i ? S(":method=POST;:scheme=https;")
							: S(":method=GET;:scheme=https;")));
			assert_non_null(
				memmem(heard.p, heard.n, "x-one=1;authorization=secret;", 29));
			assert_int_equal(e.heard.body[i].n, i ? body.n : 0);
			assert_true(!i || str_eq(buf_str(&e.heard.body[i]), buf_str(&body)));
			buf_done(&e.heard.fields[i]);
			buf_done(&e.heard.body[i]);
		}
		nghttp2_session_del(e.session);
	}
	buf_done(&body);
}

/* ---- WebSocket ----------------------------------------------------------------------------------------------- */

/* The payload of the frame that `in` begins with, unmasked; *in goes on behind it. */
static struct str frame(struct str *in, unsigned first, char *to)
{
	const unsigned char *p = (const unsigned char *)in->p;
	size_t n = p[1] & 127, head = 2;
	bool masked = p[1] & 128;

	assert_int_equal(p[0], first);
	if (n >= 126) {
		size_t bytes = n == 126 ? 2 : 8;

		for (n = 0; head < 2 + bytes; head++)
			n = n << 8 | p[head];
	}
	for (size_t i = 0; i < n; i++)
		to[i] = (char)(p[head + (masked ? 4 : 0) + i] ^ (masked ? p[head + i % 4] : 0));
	*in = str_skip(*in, head + (masked ? 4 : 0) + n);
	return (struct str){ to, n };
}

static void websocket(void **state)
{
	static const size_t sizes[] = { 0, 5, 5, 125, 126, 65535, 65536, 0, 0, 7 };
	struct buf out = { .limit = 1 << 20 }, text = { .limit = ROOM };
	static char room[ROOM], got[ROOM];

	(void)state;
	some_text(&text, 65536, 3);
	for (int way = 0; way < 8; way++) {
		struct make_ws_how how = { way & 1, way & 2, way & 4, 0 };
		z_stream z = { 0 };
		struct make_ws w;

		make_ws_init(&w, &out, &how);
		assert_int_equal(inflateInit2(&z, -15), Z_OK);
		for (size_t i = 0; i < COUNT_OF(sizes); i++) {
			struct str data = str_head(buf_str(&text), sizes[i]), in, f;

			buf_reset(&out);
			make_ws_message(&w, MAKE_TEXT, data, 0);
			in = buf_str(&out);
			f = frame(&in, how.deflate ? 0xc1 : 0x81, room);
			assert_int_equal(in.n, 0);
			if (how.deflate) {
				memcpy(room + f.n, "\0\0\xff\xff", 4);
				z.next_in = (unsigned char *)room;
				z.avail_in = (unsigned)f.n + 4;
				z.next_out = (unsigned char *)got;
				z.avail_out = ROOM;
				if (how.fresh)
					assert_int_equal(inflateReset(&z), Z_OK);
				assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK);
				assert_int_equal(z.avail_in, 0);
				f = (struct str){ got, ROOM - z.avail_out };
			}
			assert_true(str_eq(f, data));
		}
		inflateEnd(&z);
		make_ws_done(&w);
	}
	buf_done(&out);
	buf_done(&text);
}

/* ---- events: the layouts, against bytes written by hand ------------------------------------------------------- */

static void events(void **state)
{
	struct buf out = { .limit = ROOM };

	(void)state;
	make_base64(&out, S("any carnal pleas"));
	assert_true(str_eq(buf_str(&out), S("YW55IGNhcm5hbCBwbGVhcw==")));
	buf_reset(&out);
	/* the empty message of the AWS C library's tests */
	make_aws(&out, NULL, 0, STR_NONE, MAKE_WHOLE);
	assert_true(str_eq(buf_str(&out), S("\0\0\0\x10\0\0\0\0\x05\xc2\x48\xeb\x7d\x98\xc8\xff")));
	buf_reset(&out);
	make_proto_number(&out, 1, 150);
	make_proto_bytes(&out, 2, S("testing"));
	assert_true(str_eq(buf_str(&out), S("\x08\x96\x01\x12\x07testing")));
	buf_reset(&out);
	make_grpc(&out, 0, S("abc"));
	assert_true(str_eq(buf_str(&out), S("\0\0\0\0\x03"
					    "abc")));
	buf_reset(&out);
	make_sse(&out, S("{\"type\":\"a\"}\n{}"),
		 &(struct make_sse){ .eol = "\r\n", .named = true, .done = true });
	assert_true(str_eq(buf_str(&out), S("event: a\r\ndata: {\"type\":\"a\"}\r\n\r\ndata: {}\r\n"
					    "\r\ndata: [DONE]\r\n\r\n")));
	buf_reset(&out);
	make_chunked(&out, S("hello"), &(struct make_chunked){ 3, NULL, ";x", "A: b\r\n" });
	assert_true(str_eq(buf_str(&out), S("3;x\r\nhel\r\n2;x\r\nlo\r\n0;x\r\nA: b\r\n\r\n")));
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(codings), cmocka_unit_test(http2),
					    cmocka_unit_test(websocket), cmocka_unit_test(events) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
