/* WebSocket frames of one direction under anything: the same however they are cut, and what is unmasked and inflated is what
 * zlib makes of the payloads put together. Where payload is lost, what is still said to be whole is what it was. Input: a byte
 * of choices (bit 0: a server's; 1: deflate; 2: no context takeover; 3: a gap), a byte that seeds cuts and the gap, then frames. */
#include <zlib.h>
#include "base/buf.h"
#include "base/obj.h"
#include "fuzz.h"
#include "wire/ws.h"

#define MOST (1u << 28)

struct log {
	struct buf text;       /* off, why, data of each message */
	struct buf data;       /* of the one under way */
	const struct buf *all; /* what is whole must be among these; NULL: not asked */
	bool open;
	uint64_t off, bytes;
};

static void add(struct buf *b, struct str s)
{
	MUST(buf_add(b, s) == 0);
}

static void message(struct buf *to, uint64_t off, enum why why, struct str data)
{
	add(to, (struct str){ (const char *)&off, sizeof(off) });
	add(to, (struct str){ (const char *)&why, sizeof(why) });
	add(to, why ? STR_NONE : data); /* of a damaged one anything may have come */
	add(to, (struct str){ (const char *)&data.n, why ? 0 : sizeof(data.n) });
}

static int on_run(void *ctx, uint64_t off, struct str data, bool last, enum why why)
{
	struct log *l = ctx;

	MUST(last ? data.n == 0 : data.n > 0 && why == WHY_NONE);
	MUST(!l->open || l->off == off);
	l->off = off;
	l->open = !last;
	l->bytes += data.n;
	add(&l->data, data);
	if (!last)
		return 0;
	if (l->all)
		buf_reset(&l->text);
	message(&l->text, off, why, buf_str(&l->data));
	MUST(why || !l->all || memmem(l->all->p, l->all->n, l->text.p, l->text.n));
	buf_reset(&l->data);
	return 0;
}

/* The verdict; `gap` of what is certain is lost wherever there is so much, once. */
static int run(const struct ws_opts *o, struct str in, unsigned seed, uint64_t gap, struct log *l)
{
	_cleanup_(ws_free) struct ws *w = NULL;
	uint64_t off = 0;

	MUST(ws_new(o, on_run, l, &w) == 0);
	while (in.n) {
		size_t n = in.n;
		int r;

		if (gap && ws_sure(w) >= gap && gap <= in.n) {
			MUST(ws_skip(w, gap) == 0);
			off += gap;
			in = str_skip(in, gap);
			gap = 0;
			continue;
		}
		if (seed) {
			seed = seed * 1103515245 + 12345;
			n = MIN(in.n, 1 + (seed >> 16) % 30);
		}
		r = ws_feed(w, off, str_head(in, n));
		if (r < 0)
			return r;
		off += n;
		in = str_skip(in, n);
	}
	MUST(!ws_idle(w) || !l->open);
	return ws_closed(w);
}

/* ---- the reference: frames cut out of the whole input, messages inflated from a whole buffer --------------------- */

struct frame {
	unsigned first;
	struct buf payload;
	size_t size; /* of all of it */
};

/* 1: a frame; 0: not enough; -EBADMSG. `open`: within a message. */
static int frame_read(const struct ws_opts *o, struct str s, bool open, struct frame *ret)
{
	const unsigned char *p = (const unsigned char *)s.p;
	unsigned head = 2, n;
	uint64_t length;

	if (s.n < 2)
		return 0;
	n = p[1] & 127;
	if ((p[1] >= 128) != (o->dir == DIR_OUT) || p[0] & 0x30)
		return -EBADMSG;
	if ((p[0] & 8) && (n > 125 || !(p[0] & 0x80) || p[0] & 0x40))
		return -EBADMSG;
	if ((p[0] & 15) > 10 || ((p[0] & 15) > 2 && (p[0] & 15) < 8))
		return -EBADMSG;
	if (p[0] & 0x40 && (!o->deflate || !(p[0] & 15)))
		return -EBADMSG;
	if (!(p[0] & 8) && !(p[0] & 15) != open)
		return -EBADMSG;
	head += n == 126 ? 2 : n == 127 ? 8 : 0;
	if (s.n < head + (p[1] >= 128 ? 4 : 0))
		return 0;
	length = n;
	if (n >= 126)
		length = 0;
	for (unsigned i = 2; i < head; i++)
		length = length * 256 + p[i];
	if ((n == 126 && length < 126) || (n == 127 && (length < 65536 || length > INT64_MAX)))
		return -EBADMSG;
	ret->first = p[0];
	if (p[1] >= 128)
		head += 4;
	ret->size = length > s.n - head ? SIZE_MAX : head + length;
	for (uint64_t i = 0; ret->size != SIZE_MAX && i < length; i++)
		MUST(buf_put(&ret->payload,
			     (char)(p[head + i] ^ (o->dir == DIR_OUT ? p[head - 4 + i % 4] : 0))) ==
		     0);
	return 1;
}

/* All of a deflated message at once; false: it is not one. */
static bool reference_inflate(z_stream *z, struct str in, struct buf *to)
{
	static char room[1u << 16];
	bool ended = false, between = false;

	for (int tail = 0; tail < 2 && !(tail && ended); tail++) {
		struct str part = tail ? S("\0\0\xff\xff") : in;

		z->next_in = (unsigned char *)part.p;
		z->avail_in = (unsigned)part.n;
		for (;;) {
			int r;

			z->next_out = (unsigned char *)room;
			z->avail_out = sizeof(room);
			r = inflate(z, Z_SYNC_FLUSH);
			if (r == Z_BUF_ERROR)
				break;
			if (r != Z_OK && r != Z_STREAM_END)
				return false;
			add(to, (struct str){ room, sizeof(room) - z->avail_out });
			ended = r == Z_STREAM_END;
			between = ended || z->data_type == 128;
			if (ended) {
				unsigned char window[32768];
				unsigned n = 0;

				MUST(inflateGetDictionary(z, window, &n) == Z_OK);
				MUST(inflateReset(z) == Z_OK);
				MUST(inflateSetDictionary(z, window, n) == Z_OK);
			}
		}
	}
	return between;
}

struct reference {
	const struct ws_opts *o;
	z_stream z;
	bool open, coded, lost; /* lost: the deflate context */
	uint64_t off;
	struct buf payload, plain, text;
};

static void reference_end(struct reference *f)
{
	bool good = true;

	if (f->coded) {
		if (f->o->fresh_context) {
			MUST(inflateReset(&f->z) == Z_OK);
			f->lost = false;
		}
		buf_reset(&f->plain);
		good = !f->lost && reference_inflate(&f->z, buf_str(&f->payload), &f->plain);
		f->lost |= !good;
	}
	message(&f->text, f->off, good ? WHY_NONE : WHY_BAD_BODY,
		buf_str(f->coded ? &f->plain : &f->payload));
	buf_reset(&f->payload);
	f->open = false;
}

/* One frame: 1: go on; 0: closed */
static int reference_frame(struct reference *f, const struct frame *frame, uint64_t off)
{
	unsigned opcode = frame->first & 15;

	if (opcode == 1 || opcode == 2) {
		f->open = true;
		f->coded = frame->first & 0x40;
		f->off = off;
	}
	if (frame->size == SIZE_MAX)
		return 1;
	if (opcode == 8 && f->open)
		message(&f->text, f->off, WHY_ABORTED, STR_NONE);
	if (opcode == 8)
		return 0;
	if (opcode < 8) {
		add(&f->payload, buf_str(&frame->payload));
		if (frame->first & 0x80)
			reference_end(f);
	}
	return 1;
}

static int reference(struct reference *f, struct str in)
{
	struct frame frame = { .payload.limit = MOST };
	size_t off = 0;
	int r = 1;

	MUST(inflateInit2(&f->z, -15) == Z_OK);
	while (r == 1 && off < in.n) {
		buf_reset(&frame.payload);
		r = frame_read(f->o, str_skip(in, off), f->open, &frame);
		if (r == 1)
			r = reference_frame(f, &frame, off);
		else if (r == 0)
			r = 2; /* breaks off */
		if (r == 1 && frame.size == SIZE_MAX)
			r = 2;
		off += r == 1 ? frame.size : 0;
	}
	inflateEnd(&f->z);
	buf_done(&frame.payload);
	buf_done(&f->payload);
	buf_done(&f->plain);
	return r < 0 ? r : r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct log a = { .text.limit = MOST, .data.limit = MOST }, b = a, c = a;
	struct reference f = { .payload.limit = MOST, .plain.limit = MOST, .text.limit = MOST };
	struct ws_opts o = { 0 };
	struct str in;
	int r;

	if (size < 2)
		return 0;
	in = (struct str){ (const char *)data + 2, size - 2 };
	o.dir = data[0] & 1 ? DIR_IN : DIR_OUT;
	o.deflate = data[0] & 2;
	o.fresh_context = data[0] & 4;
	r = run(&o, in, 0, 0, &a);
	MUST(r == run(&o, in, data[1] + 1u, 0, &b));
	MUST(str_eq(buf_str(&a.text), buf_str(&b.text)));
	if (a.bytes <= 1u << 20) { /* else a limit may have been reached */
		f.o = &o;
		MUST(reference(&f, in) == r);
		MUST(str_eq(buf_str(&a.text), buf_str(&f.text)));
	}
	c.all = &a.text;
	if (data[0] & 8)
		(void)!run(&o, in, data[1] & 15, 1 + (data[1] >> 4), &c);
	buf_done(&f.text);
	for (struct log *l = &a; l; l = l == &a ? &b : l == &b ? &c : NULL) {
		buf_done(&l->text);
		buf_done(&l->data);
	}
	return 0;
}
