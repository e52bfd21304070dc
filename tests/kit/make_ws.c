#include "make.h"

enum { FIN = 0x80, RSV1 = 0x40, MASK = 0x80, ROOM = 16384, MOST_SHORT = 125, MOST_16 = 65535 };
enum { LEVEL = 1, ZLIB_MEMORY = 8, WINDOW = 15, SYNC = 4 };

void make_ws_init(struct make_ws *w, struct buf *out, const struct make_ws_how *how)
{
	int window = how->window ? how->window : WINDOW;

	*w = (struct make_ws){ .out = out,
			       .mask = how->client,
			       .key = 0x1badb002,
			       .deflate = how->deflate,
			       .fresh = how->fresh };
	if (w->deflate)
		assert(deflateInit2(&w->state, LEVEL, Z_DEFLATED, -window, ZLIB_MEMORY,
				    Z_DEFAULT_STRATEGY) == Z_OK);
}

void make_ws_done(struct make_ws *w)
{
	if (w->deflate)
		deflateEnd(&w->state);
	w->deflate = false;
}

void make_ws_frame(struct make_ws *w, unsigned first, struct str payload)
{
	unsigned mask = w->mask ? MASK : 0;
	char *to;

	make_number(w->out, first, 1);
	if (payload.n <= MOST_SHORT) {
		make_number(w->out, mask | payload.n, 1);
	} else if (payload.n <= MOST_16) {
		make_number(w->out, mask | 126, 1);
		make_number(w->out, payload.n, 2);
	} else {
		make_number(w->out, mask | 127, 1);
		make_number(w->out, payload.n, 8);
	}
	if (!w->mask) {
		make_add(w->out, payload);
		return;
	}
	make_number(w->out, w->key, 4);
	make_add(w->out, payload);
	to = w->out->p + w->out->n - payload.n;
	for (size_t i = 0; i < payload.n; i++)
		to[i] ^= (char)(w->key >> 8 * (3 - i % 4));
	w->key = w->key * 1664525 + 1013904223;
}

/* RFC 7692 7.2.1: a sync flush without its last four bytes. */
static void deflated(struct make_ws *w, struct str data, struct buf *out)
{
	z_stream *z = &w->state;
	char room[ROOM];

	if (!data.n) { /* zlib flushes nothing twice; RFC 7692 7.2.3.6 */
		make_number(out, 0, 1);
		return;
	}
	if (w->fresh)
		assert(deflateReset(z) == Z_OK);
	z->next_in = (unsigned char *)data.p;
	z->avail_in = (unsigned)data.n;
	do {
		int r;

		z->next_out = (unsigned char *)room;
		z->avail_out = sizeof(room);
		r = deflate(z, Z_SYNC_FLUSH);
		assert(r == Z_OK || r == Z_BUF_ERROR);
		make_add(out, (struct str){ room, sizeof(room) - z->avail_out });
	} while (!z->avail_out);
	assert(out->n > SYNC);
	out->n -= SYNC;
}

void make_ws_message(struct make_ws *w, enum make_opcode opcode, struct str data, size_t fragment)
{
	_cleanup_(buf_done) struct buf b = { .limit = 1u << 28 };
	unsigned first = opcode;

	if (w->deflate && !w->plain) {
		deflated(w, data, &b);
		data = buf_str(&b);
		first |= RSV1;
	}
	do {
		struct str one = str_head(data, fragment ? fragment : data.n);

		data = str_skip(data, one.n);
		make_ws_frame(w, first | (data.n ? 0 : FIN), one);
		first = MAKE_CONTINUE;
	} while (data.n);
}

void make_ws_close(struct make_ws *w, unsigned code, struct str reason)
{
	_cleanup_(buf_done) struct buf b = { .limit = MOST_SHORT };

	make_number(&b, code, 2);
	make_add(&b, reason);
	make_ws_frame(w, FIN | MAKE_CLOSE, buf_str(&b));
}
