/* bombs_h2.h -- the bombs that need HTTP/2 or a WebSocket. */
#ifndef TESTS_BOMBS_H2_H
#define TESTS_BOMBS_H2_H

#include "bombs.h"

struct h2_talk {
	struct make_h2 out, in;
};

static void h2_ask(struct h2_talk *t, uint32_t stream)
{
	const struct make_field f[] = { { S(":method"), S("POST"), false },
					{ S(":scheme"), S("https"), false },
					{ S(":authority"), S("api.openai.com"), false },
					{ S(":path"), S("/v1/chat/completions"), false } };
	const struct make_frame last = { .end = true };

	make_h2_headers(&t->out, stream, f, COUNT_OF(f), NULL);
	make_h2_data(&t->out, stream, S("{\"model\":\"gpt-4\"}"), &last);
}

static void h2_begin(struct h2_talk *t, struct buf *out, struct buf *in)
{
	make_h2_init(&t->out, out, 4096);
	make_h2_init(&t->in, in, 4096);
	make_h2_preface(&t->out);
	make_h2_settings(&t->out, NULL, 0);
	make_h2_settings(&t->in, NULL, 0);
	h2_ask(t, 1);
}

static void h2_answer(struct h2_talk *t, uint32_t stream)
{
	const struct make_field f[] = { { S(":status"), S("200"), false },
					{ S("content-type"), S("application/json"), false } };

	make_h2_headers(&t->in, stream, f, COUNT_OF(f), NULL);
}

static void h2_end(struct h2_talk *t)
{
	make_h2_done(&t->out);
	make_h2_done(&t->in);
}

/* One field of nearly a table's size, and then only its number, 60,000 times. */
static void h2_indexed(struct buf *out, struct buf *in)
{
	static char value[3000]; /* a larger one nghttp2 does not index */
	struct buf block = { .limit = 1u << 20 };
	struct make_field f[] = { { S(":status"), S("200"), false },
				  { S("x"), { value, sizeof(value) }, false } };
	struct h2_talk t;

	memset(value, 'v', sizeof(value));
	h2_begin(&t, out, in);
	make_h2_block(&t.in, f, COUNT_OF(f), &block);
	repeat(&block, (struct str){ "\xbe", 1 }, 12000);
	make_h2_frame(&t.in, 1, 4, 1, buf_str(&block));
	h2_end(&t);
	buf_done(&block);
}

/* A table size update that no SETTINGS has allowed. */
static void h2_table(struct buf *out, struct buf *in)
{
	struct h2_talk t;

	h2_begin(&t, out, in);
	make_h2_settings(&t.out, (const uint32_t[][2]){ { 1, 1u << 30 } }, 1);
	make_h2_settings(&t.in, (const uint32_t[][2]){ { 1, 1u << 30 } }, 1);
	make_h2_ack(&t.in);
	make_h2_ack(&t.out);
	make_h2_frame(&t.in, 1, 4, 1, (struct str){ "\x3f\xe1\xff\xff\xff\x03\x88", 7 });
	h2_end(&t);
}

static void h2_continuation(struct buf *out, struct buf *in)
{
	struct h2_talk t;

	h2_begin(&t, out, in);
	make_h2_frame(&t.in, 1, 0, 1, (struct str){ "\x88", 1 });
	for (int i = 0; i < 100000; i++)
		make_h2_frame(&t.in, 9, 0, 1, STR_NONE);
	h2_end(&t);
}

static void h2_streams(struct buf *out, struct buf *in)
{
	struct h2_talk t;

	h2_begin(&t, out, in);
	for (uint32_t id = 3; id < 600; id += 2)
		h2_ask(&t, id);
	h2_end(&t);
}

static void h2_resets(struct buf *out, struct buf *in)
{
	struct h2_talk t;

	h2_begin(&t, out, in);
	for (uint32_t id = 3; id < 20000; id += 2) {
		h2_ask(&t, id);
		make_h2_rst(&t.out, id, 8);
	}
	h2_end(&t);
}

static void h2_usage(struct h2_talk *t)
{
	const struct make_frame last = { .end = true };

	make_h2_data(&t->in, 1, S("{\"model\":\"gpt-4\"," USAGE), &last);
	h2_end(t);
}

static void h2_empty(struct buf *out, struct buf *in)
{
	struct h2_talk t;

	h2_begin(&t, out, in);
	h2_answer(&t, 1);
	for (int i = 0; i < 100000; i++)
		make_h2_frame(&t.in, 0, 0, 1, STR_NONE);
	h2_usage(&t);
}

static void h2_settings(struct buf *out, struct buf *in)
{
	struct h2_talk t;

	h2_begin(&t, out, in);
	h2_answer(&t, 1);
	for (int i = 0; i < 50000; i++) {
		make_h2_settings(&t.in,
				 (const uint32_t[][2]){ { 1, i % 2 ? 0 : 4096 }, { 3, 100 } }, 2);
		make_h2_ping(&t.in, false);
	}
	h2_usage(&t);
}

/* ---- WebSocket ---------------------------------------------------------------------------------------- */

#define CREATE "{\"type\":\"response.create\",\"model\":\"gpt-4\"}"

static void ws_begin(struct buf *out, struct buf *in, struct make_ws *client,
		     struct make_ws *server)
{
	const struct make_ws_how how[] = { { .client = true, .deflate = true },
					   { .deflate = true } };

	make_add(out, S("GET /v1/responses HTTP/1.1\r\nHost: api.openai.com\r\nUpgrade: "
			"websocket\r\nConnection: "
			"Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
			"AAAAAAAAAAAAAAAAAAAAAA==\r\n"
			"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"));
	make_add(in, S("HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: "
		       "Upgrade\r\nSec-WebSocket-Accept: "
		       "ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\nSec-WebSocket-Extensions: "
		       "permessage-deflate\r\n\r\n"));
	make_ws_init(client, out, &how[0]);
	make_ws_init(server, in, &how[1]);
	make_ws_message(client, MAKE_TEXT, S(CREATE), 0);
}

static void ws_deflate(struct buf *out, struct buf *in)
{
	struct buf plain = { .limit = MANY };
	struct make_ws client, server;

	ws_begin(out, in, &client, &server);
	repeat(&plain, S("{\"type\":\"       "), MANY / 16);
	make_ws_message(&server, MAKE_TEXT, buf_str(&plain), 0);
	make_ws_done(&client);
	make_ws_done(&server);
	buf_done(&plain);
}

static void ws_empty(struct buf *out, struct buf *in)
{
	struct make_ws client, server;

	ws_begin(out, in, &client, &server);
	make_ws_frame(&server, MAKE_TEXT, S("{"));
	for (int i = 0; i < 100000; i++)
		make_ws_frame(&server, MAKE_CONTINUE, STR_NONE);
	make_ws_done(&client);
	make_ws_done(&server);
}

#endif
