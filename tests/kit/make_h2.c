#include <stdlib.h>
#include <sys/types.h>
#include "make.h"

enum {
	DATA,
	HEADERS,
	PRIORITY,
	RST_STREAM,
	SETTINGS,
	PUSH_PROMISE,
	PING,
	GOAWAY,
	WINDOW_UPDATE,
	CONTINUATION
};
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, WITH_PRIORITY = 0x20 };
enum { FRAME = 16384, MOST_FIELDS = 256, WEIGHT = 15 };

void make_h2_init(struct make_h2 *h, struct buf *out, size_t table)
{
	*h = (struct make_h2){ .out = out };
	assert(nghttp2_hd_deflate_new(&h->deflater, table) == 0);
}

void make_h2_done(struct make_h2 *h)
{
	nghttp2_hd_deflate_del(h->deflater);
	h->deflater = NULL;
}

void make_h2_preface(struct make_h2 *h)
{
	make_add(h->out, S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
}

void make_h2_frame(struct make_h2 *h, unsigned type, unsigned flags, uint32_t stream,
		   struct str payload)
{
	make_number(h->out, payload.n, 3);
	make_number(h->out, type, 1);
	make_number(h->out, flags, 1);
	make_number(h->out, stream, 4);
	make_add(h->out, payload);
}

/* A frame whose payload is numbers of four bytes. */
static void numbers(struct make_h2 *h, unsigned type, unsigned flags, uint32_t stream, size_t count,
		    const uint32_t *n)
{
	_cleanup_(buf_done) struct buf b = { .limit = FRAME };

	for (size_t i = 0; i < count; i++)
		make_number(&b, n[i], 4);
	make_h2_frame(h, type, flags, stream, buf_str(&b));
}

void make_h2_settings(struct make_h2 *h, const uint32_t (*pairs)[2], size_t count)
{
	_cleanup_(buf_done) struct buf b = { .limit = FRAME };

	for (size_t i = 0; i < count; i++) {
		make_number(&b, pairs[i][0], 2);
		make_number(&b, pairs[i][1], 4);
	}
	make_h2_frame(h, SETTINGS, 0, 0, buf_str(&b));
}

void make_h2_ack(struct make_h2 *h)
{
	make_h2_frame(h, SETTINGS, ACK, 0, STR_NONE);
}

void make_h2_block(struct make_h2 *h, const struct make_field *f, size_t count, struct buf *out)
{
	nghttp2_nv nv[MOST_FIELDS];
	unsigned char *room;
	ssize_t n;
	size_t most;

	assert(count <= MOST_FIELDS);
	for (size_t i = 0; i < count; i++)
		nv[i] = (nghttp2_nv){ .name = (unsigned char *)f[i].name.p,
				      .namelen = f[i].name.n,
				      .value = (unsigned char *)f[i].value.p,
				      .valuelen = f[i].value.n,
				      .flags = f[i].never ? NGHTTP2_NV_FLAG_NO_INDEX
							  : NGHTTP2_NV_FLAG_NONE };
	most = nghttp2_hd_deflate_bound(h->deflater, nv, count);
	room = malloc(most);
	assert(room);
	n = nghttp2_hd_deflate_hd(h->deflater, room, most, nv, count);
	assert(n >= 0);
	make_add(out, (struct str){ (const char *)room, (size_t)n });
	free(room);
}

void make_h2_table(struct make_h2 *h, size_t bytes)
{
	assert(nghttp2_hd_deflate_change_table_size(h->deflater, bytes) == 0);
}

/* A frame that may carry padding and, as HEADERS do, a dependency. */
static void filled(struct make_h2 *h, unsigned type, unsigned flags, uint32_t stream,
		   struct str bytes, const struct make_frame *how)
{
	_cleanup_(buf_done) struct buf b = { .limit = 1u << 24 };

	if (how->padded) {
		flags |= PADDED;
		make_number(&b, how->pad, 1);
	}
	if (how->priority && type == HEADERS) {
		flags |= WITH_PRIORITY;
		make_number(&b, 0, 4);
		make_number(&b, WEIGHT, 1);
	}
	make_add(&b, bytes);
	for (size_t i = 0; how->padded && i < how->pad; i++)
		make_number(&b, 0, 1);
	make_h2_frame(h, type, flags, stream, buf_str(&b));
}

void make_h2_headers(struct make_h2 *h, uint32_t stream, const struct make_field *f, size_t count,
		     const struct make_frame *how)
{
	_cleanup_(buf_done) struct buf block = { .limit = 1u << 24 };
	const struct make_frame none = { 0 };
	unsigned type = HEADERS;
	struct str rest;

	if (!how)
		how = &none;
	make_h2_block(h, f, count, &block);
	rest = buf_str(&block);
	do {
		struct str one = str_head(rest, how->fragment ? how->fragment : FRAME);
		unsigned flags = 0;

		rest = str_skip(rest, one.n);
		if (!rest.n)
			flags |= END_HEADERS;
		if (type == HEADERS)
			filled(h, type, flags | (how->end ? END_STREAM : 0), stream, one, how);
		else
			make_h2_frame(h, type, flags, stream, one);
		type = CONTINUATION;
	} while (rest.n);
}

void make_h2_data(struct make_h2 *h, uint32_t stream, struct str bytes,
		  const struct make_frame *how)
{
	const struct make_frame none = { 0 };

	if (!how)
		how = &none;
	do {
		struct str one = str_head(bytes, how->fragment ? how->fragment : FRAME);

		bytes = str_skip(bytes, one.n);
		filled(h, DATA, how->end && !bytes.n ? END_STREAM : 0, stream, one, how);
	} while (bytes.n);
}

void make_h2_push(struct make_h2 *h, uint32_t stream, uint32_t promised, const struct make_field *f,
		  size_t count)
{
	_cleanup_(buf_done) struct buf b = { .limit = FRAME };

	make_number(&b, promised, 4);
	make_h2_block(h, f, count, &b);
	make_h2_frame(h, PUSH_PROMISE, END_HEADERS, stream, buf_str(&b));
}

void make_h2_rst(struct make_h2 *h, uint32_t stream, uint32_t code)
{
	numbers(h, RST_STREAM, 0, stream, 1, &code);
}

void make_h2_goaway(struct make_h2 *h, uint32_t last, uint32_t code)
{
	numbers(h, GOAWAY, 0, 0, 2, (const uint32_t[]){ last, code });
}

void make_h2_window(struct make_h2 *h, uint32_t stream, uint32_t by)
{
	numbers(h, WINDOW_UPDATE, 0, stream, 1, &by);
}

void make_h2_ping(struct make_h2 *h, bool ack)
{
	make_h2_frame(h, PING, ack ? ACK : 0, 0, S("submeter"));
}
