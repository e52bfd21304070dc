/* ws.c -- a frame's head is collected; its payload goes through: unmasked, inflated, handed on, forgotten. */
#include <zlib.h>
#include "base/limit.h"
#include "base/obj.h"
#include "wire/ws.h"

/* RFC 6455 section 5.2: the first two bytes of a frame */
#define FIN        0x80
#define DEFLATED   0x40 /* RSV1 on the first frame of a message, RFC 7692 section 6 */
#define RESERVED   0x30
#define OPCODE     0x0f
#define MASKED     0x80
#define LENGTH     0x7f
#define LONG       126 /* the length follows in 2 bytes */
#define LONGER     127 /* in 8 */
#define HEAD_MAX   14

#define RUN        LIMIT_CHUNK_BYTES
#define STEEP_FROM (8u << 20)

enum opcode { OP_MORE = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

struct ws {
	unsigned magic;
#define WS_MAGIC 0x3b500001u
	struct ws_opts o;
	ws_fn *fn;
	void *ctx;
	/* the frame under way */
	unsigned char head[HEAD_MAX];
	size_t held; /* bytes of `head` */
	bool framed; /* the head is whole, its payload is not */
	uint64_t frame_off, left;
	unsigned char mask[4];
	unsigned mask_at;
	/* the message under way */
	bool open, coded;
	uint64_t off;
	enum why why;             /* it is damaged */
	uint64_t eaten, inflated; /* bytes into and out of the inflater */
	/* the deflate context */
	z_stream z;
	bool inflating;      /* `z` is alive */
	bool final, between; /* all input so far ends in a final block; in any block */
	enum why spoilt;     /* the context is lost, and with it what refers to it */
	bool closed;
};

int ws_new(const struct ws_opts *o, ws_fn *fn, void *ctx, struct ws **ret)
{
	struct ws *w = obj_new(w, WS_MAGIC);

	if (!w)
		return -ENOMEM;
	w->o = *o;
	w->fn = fn;
	w->ctx = ctx;
	*ret = w;
	return 0;
}

bool ws_closed(const struct ws *w)
{
	obj_check(w, WS_MAGIC);
	return w->closed;
}

bool ws_idle(const struct ws *w)
{
	obj_check(w, WS_MAGIC);
	return w->closed || (!w->open && !w->framed && !w->held);
}

/* ---- the deflate context --------------------------------------------------------------------- */

static void *inflater_alloc(void *opaque, unsigned count, unsigned size)
{
	(void)opaque;
	return mem_lend_raw(count, size);
}

static void inflater_release(void *opaque, void *p)
{
	(void)opaque;
	mem_free(p);
}

static int inflater_make(struct ws *w)
{
	if (w->inflating)
		return 0;
	w->z = (z_stream){ .zalloc = inflater_alloc, .zfree = inflater_release };
	if (inflateInit2(&w->z, -MAX_WBITS) != Z_OK)
		return -ENOMEM;
	w->inflating = true;
	return 0;
}

static void inflater_free(struct ws *w)
{
	if (w->inflating)
		inflateEnd(&w->z);
	w->inflating = false;
}

/* Nothing more of this message; where it was deflated, its context has gone too. */
static void ws_spoil(struct ws *w, enum why why)
{
	w->why = why;
	if (!w->coded)
		return;
	w->spoilt = why;
	inflater_free(w);
}

/* As in body.c, but for the ratio that deflate cannot have. Asked at every so many bytes of output: the verdict does not depend on
 * how the input was cut. */
static bool inflater_full(struct ws *w)
{
	if (w->inflated > LIMIT_INFLATE_BYTES)
		count_limit(w->o.counters, INFLATE_BYTES);
	else if (w->inflated > STEEP_FROM && w->inflated / LIMIT_INFLATE_STEEP > w->eaten)
		count_limit(w->o.counters, INFLATE_STEEP);
	else
		return false;
	return true;
}

static int ws_inflate(struct ws *w, struct str in)
{
	char out[RUN];
	int z, r = inflater_make(w);

	if (r < 0)
		return r;
	w->z.next_in = (unsigned char *)in.p;
	w->z.avail_in = (unsigned)in.n;
	do {
		unsigned before = w->z.avail_in, room = RUN - w->inflated % RUN;

		w->z.next_out = (unsigned char *)out;
		w->z.avail_out = room;
		z = inflate(&w->z, Z_SYNC_FLUSH);
		if (z == Z_MEM_ERROR)
			return -ENOMEM;
		if (z == Z_BUF_ERROR) /* nothing to do: the output just fitted */
			return 0;
		w->eaten += before - w->z.avail_in;
		w->inflated += room - w->z.avail_out;
		if (!w->z.avail_out && inflater_full(w)) {
			ws_spoil(w, WHY_LIMIT);
			return 0;
		}
		room -= w->z.avail_out;
		if (room) /* what came before an error, too: whether a message shows does not depend on how it was cut */
			r = w->fn(w->ctx, w->off, (struct str){ out, room }, false, WHY_NONE);
		if (r < 0)
			return r;
		if (z != Z_OK && z != Z_STREAM_END) {
			ws_spoil(w, WHY_BAD_BODY);
			return 0;
		}
		w->final = z == Z_STREAM_END;
		w->between = w->final || w->z.data_type == 128;
		if (w->final) /* blocks may follow all the same, and look back beyond it */
			inflateResetKeep(&w->z);
	} while (w->z.avail_in || !w->z.avail_out);
	return 0;
}

/* What every sender leaves off a message: the end of an empty stored block. The message is whole if the inflater then
 * stands between blocks. One that ended in a final block needs no more. */
static int ws_inflate_end(struct ws *w)
{
	int r = w->final ? 0 : ws_inflate(w, S("\0\0\xff\xff"));

	if (r == 0 && !w->why && !w->between)
		ws_spoil(w, WHY_BAD_BODY);
	return r;
}

/* ---- messages -------------------------------------------------------------------------------- */

static void message_begin(struct ws *w, bool coded)
{
	w->open = true;
	w->coded = coded;
	w->off = w->frame_off;
	w->eaten = w->inflated = 0;
	w->final = w->between = false;
	if (w->o.fresh_context && w->spoilt != WHY_LIMIT) /* who sent a bomb may not send another */
		w->spoilt = WHY_NONE;
	w->why = coded ? w->spoilt : WHY_NONE;
}

static int message_end(struct ws *w)
{
	int r = w->coded && !w->why ? ws_inflate_end(w) : 0;

	if (r < 0)
		return r;
	w->open = false;
	if (w->o.fresh_context)
		inflater_free(w);
	return w->fn(w->ctx, w->off, STR_NONE, true, w->why);
}

static int message_data(struct ws *w, struct str s)
{
	return w->coded ? ws_inflate(w, s) : w->fn(w->ctx, w->off, s, false, WHY_NONE);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static bool is_control(const struct ws *w)
{
	return (w->head[0] & OPCODE) >= OP_CLOSE;
}

static size_t head_size(const unsigned char *head)
{
	unsigned n = head[1] & LENGTH;

	return 2u + (n == LONGER ? 8 : n == LONG ? 2 : 0) + (head[1] & MASKED ? 4 : 0);
}

/* The payload's length, the shortest way: else -EBADMSG. */
static int head_length(const unsigned char *head, uint64_t *ret)
{
	unsigned n = head[1] & LENGTH, size = n == LONGER ? 8 : n == LONG ? 2 : 0;
	uint64_t length = 0;

	for (unsigned i = 0; i < size; i++)
		length = length << 8 | head[2 + i];
	if (!size)
		length = n;
	else if (length < (size == 2 ? 126u : 65536u) || length >> 63)
		return -EBADMSG;
	*ret = length;
	return 0;
}

/* The first two bytes tell. */
static bool head_fits(const struct ws *w)
{
	unsigned first = w->head[0];

	if (first & RESERVED || !(w->head[1] & MASKED) != (w->o.dir == DIR_IN))
		return false;
	if (first & DEFLATED && !w->o.deflate)
		return false;
	switch ((enum opcode)(first & OPCODE)) {
	case OP_TEXT:
	case OP_BINARY:
		return !w->open;
	case OP_MORE:
		return w->open && !(first & DEFLATED);
	case OP_CLOSE:
	case OP_PING:
	case OP_PONG:
		return first & FIN && !(first & DEFLATED) && (w->head[1] & LENGTH) < LONG;
	}
	return false;
}

static int frame_end(struct ws *w)
{
	unsigned opcode = w->head[0] & OPCODE;

	w->framed = false;
	w->held = 0;
	if (opcode == OP_CLOSE) {
		w->closed = true;
		if (!w->open)
			return 0;
		w->open = false;
		return w->fn(w->ctx, w->off, STR_NONE, true, WHY_ABORTED);
	}
	return opcode < OP_CLOSE && w->head[0] & FIN ? message_end(w) : 0;
}

static int frame_begin(struct ws *w)
{
	int r = head_length(w->head, &w->left);

	if (r < 0)
		return r;
	if (w->head[1] & MASKED)
		memcpy(w->mask, w->head + w->held - sizeof(w->mask), sizeof(w->mask));
	w->mask_at = 0;
	w->framed = true;
	if (!is_control(w) && !w->open)
		message_begin(w, w->head[0] & DEFLATED);
	return w->left ? 0 : frame_end(w);
}

static int feed_head(struct ws *w, uint64_t off, unsigned char c)
{
	if (!w->held)
		w->frame_off = off;
	w->head[w->held++] = c;
	if (w->held == 2 && !head_fits(w))
		return -EBADMSG;
	return w->held >= 2 && w->held == head_size(w->head) ? frame_begin(w) : 0;
}

/* `s` is payload of the frame under way. */
static int feed_payload(struct ws *w, struct str s)
{
	char plain[4096];
	int r = 0;

	while (s.n && r == 0 && !is_control(w) && !w->why) {
		struct str run = s;

		if (w->o.dir == DIR_OUT) {
			run = str_head(s, sizeof(plain));
			for (size_t i = 0; i < run.n; i++)
				plain[i] = (char)(s.p[i] ^ w->mask[(w->mask_at + i) & 3]);
			w->mask_at += (unsigned)run.n;
			run.p = plain;
		}
		r = message_data(w, run);
		s = str_skip(s, run.n);
	}
	return r;
}

int ws_feed(struct ws *w, uint64_t off, struct str bytes)
{
	int r = 0;

	obj_check(w, WS_MAGIC);
	while (bytes.n && r == 0 &&
	       !w->closed) { /* behind a close nothing counts: RFC 6455 section 1.4 */
		size_t n = 1;

		if (w->framed) {
			n = MIN(w->left, bytes.n);
			r = feed_payload(w, str_head(bytes, n));
			w->left -= n;
			if (r == 0 && !w->left)
				r = frame_end(w);
		} else {
			r = feed_head(w, off, (unsigned char)bytes.p[0]);
		}
		off += n;
		bytes = str_skip(bytes, n);
	}
	return r;
}

uint64_t ws_sure(const struct ws *w)
{
	obj_check(w, WS_MAGIC);
	return w->closed ? UINT64_MAX : w->framed ? w->left : 0;
}

int ws_skip(struct ws *w, uint64_t bytes)
{
	assert(bytes <= ws_sure(w));
	if (w->closed || !bytes)
		return 0;
	if (!is_control(w))
		ws_spoil(w, WHY_GAP);
	w->left -= bytes;
	return w->left ? 0 : frame_end(w);
}

void ws_free(struct ws **pw)
{
	struct ws *w = obj_take(pw, WS_MAGIC);

	if (!w)
		return;
	inflater_free(w);
	mem_free(w);
}

/* ---- the handshake --------------------------------------------------------------------------- */

/* The next of a list: false at its end. */
static bool list_next(struct str *rest, struct str *ret, char at)
{
	if (!rest->p)
		return false;
	if (!str_cut(rest, ret, at)) {
		*ret = *rest;
		*rest = STR_NONE;
	}
	*ret = str_trim(*ret);
	return true;
}

/* 8 to 15 without leading zeros, perhaps quoted */
static bool is_window(struct str s)
{
	uint64_t bits;

	if (s.n > 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		s = (struct str){ s.p + 1, s.n - 2 };
	return s.n && s.p[0] != '0' && str_u64(s, &bits) == 0 && bits >= 8 && bits <= 15;
}

static const struct str extension_params[] = {
	{ "client_no_context_takeover", 26 }, /* as enum flow_dir */
	{ "server_no_context_takeover", 26 },
	{ "client_max_window_bits", 22 }, /* these have a value */
	{ "server_max_window_bits", 22 },
};

/* One parameter of permessage-deflate: each at most once, no other is known. */
static bool extension_param(struct str param, struct ws_opts o[2], unsigned *seen)
{
	struct str name = param, value = param;
	bool has_value = str_cut(&value, &name, '=');
	unsigned i = 0;

	while (i < COUNT_OF(extension_params) && !str_ieq(str_trim(name), extension_params[i]))
		i++;
	if (i == COUNT_OF(extension_params) || *seen & 1u << i)
		return false;
	*seen |= 1u << i;
	if (i > DIR_IN)
		return has_value && is_window(str_trim(value));
	o[i].fresh_context = true;
	return !has_value;
}

bool ws_extensions(struct str answer, struct ws_opts ret[2])
{
	struct str extension, param;
	unsigned seen = 0;

	for (int dir = DIR_OUT; dir <= DIR_IN; dir++)
		ret[dir].deflate = ret[dir].fresh_context = false;
	while (list_next(&answer, &extension, ',')) {
		if (!extension.n)
			continue;
		if (!list_next(&extension, &param, ';') ||
		    !str_ieq(param, S("permessage-deflate")) || ret[DIR_OUT].deflate)
			return false;
		ret[DIR_OUT].deflate = ret[DIR_IN].deflate = true;
		while (list_next(&extension, &param, ';'))
			if (!extension_param(param, ret, &seen))
				return false;
	}
	return true;
}
