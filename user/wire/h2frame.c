/* h2frame.c -- heads are collected, payloads are handed through. */
#include "wire/h2frame.h"

enum {
	KINDS = H2_CONTINUATION + 1,
	ANY = -1,
	USUAL = 16384, /* the largest payload until SETTINGS allow more */
	PRIORITY = 5,  /* bytes of it in HEADERS */
	PROMISED = 4   /* bytes: the stream that PUSH_PROMISE is about */
};

/* RFC 9113 section 6. */
static const struct kind {
	bool of_stream, of_connection; /* on which streams */
	int length;
	uint8_t flags;
} kinds[KINDS] = {
	[H2_DATA] = { true, false, ANY, H2_END_STREAM | H2_PADDED },
	[H2_HEADERS] = { true, false, ANY,
			 H2_END_STREAM | H2_END_HEADERS | H2_PADDED | H2_WITH_PRIORITY },
	[H2_PRIORITY] = { true, false, PRIORITY, 0 },
	[H2_RST_STREAM] = { true, false, 4, 0 },
	[H2_SETTINGS] = { false, true, ANY, H2_ACK },
	[H2_PUSH_PROMISE] = { true, false, ANY, H2_END_HEADERS | H2_PADDED },
	[H2_PING] = { false, true, 8, H2_ACK },
	[H2_GOAWAY] = { false, true, ANY, 0 },
	[H2_WINDOW_UPDATE] = { true, true, 4, 0 },
	[H2_CONTINUATION] = { true, false, ANY, H2_END_HEADERS },
};

uint32_t h2frame_number(const unsigned char *p, int n)
{
	uint32_t v = 0;

	for (int i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/* Reads `head` and checks it by itself. */
static int frame_read(struct h2frame *f)
{
	const struct kind *k;

	f->left = h2frame_number(f->head, 3);
	f->type = f->head[3];
	f->flags = f->head[4];
	f->stream =
		h2frame_number(f->head + 5, 4) & 0x7fffffff; /* the reserved bit has no meaning */
	f->front = f->back = 0;
	f->murky = false;
	if (f->type >= KINDS)
		return 0; /* of a later version: passed over */
	k = &kinds[f->type];
	if (f->stream ? !k->of_stream : !k->of_connection)
		return -EBADMSG;
	if (k->length != ANY && f->left != (uint32_t)k->length)
		return -EBADMSG;
	if (f->type == H2_SETTINGS && (f->flags & H2_ACK ? f->left != 0 : f->left % 6 != 0))
		return -EBADMSG;
	if (f->type == H2_GOAWAY && f->left < 8)
		return -EBADMSG;
	f->front = (f->flags & k->flags & H2_PADDED ? 1 : 0) +
		   (f->flags & k->flags & H2_WITH_PRIORITY ? PRIORITY : 0) +
		   (f->type == H2_PUSH_PROMISE ? PROMISED : 0);
	return f->left < f->front ? -EBADMSG : 0;
}

static bool frame_padded(const struct h2frame *f)
{
	return f->type < KINDS && f->flags & kinds[f->type].flags & H2_PADDED;
}

/* Is the next byte that which says how long the padding is? */
static bool frame_at_pad(const struct h2frame *f)
{
	return frame_padded(f) && !f->murky && f->left && f->left == h2frame_number(f->head, 3);
}

static int frame_end(struct h2frame *f, const struct h2frame_calls *calls, void *ctx)
{
	if (f->left)
		return 0;
	f->got = 0;
	return calls->end(ctx, f);
}

static int feed_head(struct h2frame *f, const struct h2frame_calls *calls, void *ctx,
		     struct str bytes, size_t *ret_used)
{
	size_t n = MIN(bytes.n, (size_t)(H2FRAME_HEAD - f->got));
	int r;

	memcpy(f->head + f->got, bytes.p, n);
	f->got += (uint8_t)n;
	*ret_used = n;
	if (f->got < H2FRAME_HEAD)
		return 0;
	r = frame_read(f);
	if (r == 0)
		r = calls->begin(ctx, f);
	return r < 0 ? r : frame_end(f, calls, ctx);
}

static int feed_front(struct h2frame *f, struct str bytes, size_t *ret_used)
{
	size_t n = MIN(bytes.n, f->front);

	if (frame_at_pad(f)) {
		n = 1;
		f->back = (unsigned char)bytes.p[0];
		if (f->back > f->left - f->front)
			return -EBADMSG;
	}
	f->front -= (uint8_t)n;
	f->left -= (uint32_t)n;
	*ret_used = n;
	return 0;
}

static uint32_t frame_content(const struct h2frame *f)
{
	return f->left > f->back && !f->murky ? f->left - f->back : 0;
}

int h2frame_feed(struct h2frame *f, const struct h2frame_calls *calls, void *ctx, struct str bytes,
		 size_t *ret_used)
{
	size_t n, all = 0;
	int r;

	assert(bytes.n);
	if (f->got < H2FRAME_HEAD)
		return feed_head(f, calls, ctx, bytes, ret_used);
	while (f->front && all < bytes.n) {
		r = feed_front(f, str_skip(bytes, all), &n);
		if (r < 0)
			return r;
		all += n;
	}
	bytes = str_skip(bytes, all);
	n = f->front ? 0 : MIN(bytes.n, frame_content(f));
	if (n) {
		r = calls->content(ctx, f, str_head(bytes, n));
		if (r < 0)
			return r;
		f->left -= (uint32_t)n;
		all += n;
	}
	if (!f->front && !frame_content(f)) { /* padding */
		n = MIN(bytes.n - n, f->left);
		f->left -= (uint32_t)n;
		all += n;
	}
	*ret_used = all;
	return frame_end(f, calls, ctx);
}

uint64_t h2frame_sure(const struct h2frame *f)
{
	return f->got == H2FRAME_HEAD ? f->left : 0;
}

int h2frame_skip(struct h2frame *f, const struct h2frame_calls *calls, void *ctx, uint64_t bytes)
{
	uint64_t in_front, content;
	int r = 0;

	assert(bytes <= h2frame_sure(f));
	if (!bytes)
		return 0;
	if (frame_at_pad(f)) { /* anything that follows may be padding */
		f->murky = true;
		r = calls->lost(ctx, f, H2FRAME_UNKNOWN);
	}
	in_front = MIN(bytes, f->front);
	f->front -= (uint8_t)in_front;
	f->left -= (uint32_t)in_front;
	content = MIN(bytes - in_front, frame_content(f));
	if (r == 0 && content)
		r = calls->lost(ctx, f, content);
	f->left -= (uint32_t)(bytes - in_front);
	return r < 0 ? r : frame_end(f, calls, ctx);
}

bool h2frame_idle(const struct h2frame *f)
{
	return f->got == 0;
}

void h2frame_reset(struct h2frame *f)
{
	*f = (struct h2frame){ .got = 0 };
}

/* ---- certainty ------------------------------------------------------------------------------- */

enum { MANY_STREAMS = 1 << 24 };

/* Stricter than what a reader must take: a sender of today sends nothing else. `bytes` begin with a whole head. */
static bool frame_usual(struct h2frame *f, struct str bytes)
{
	memcpy(f->head, bytes.p, H2FRAME_HEAD);
	if (frame_read(f) < 0 || f->type >= KINDS || f->left > USUAL || f->head[5] & 0x80 ||
	    f->flags & ~kinds[f->type].flags)
		return false;
	if (f->stream && (f->stream % 2 == 0 || f->stream >= MANY_STREAMS))
		return false; /* nobody pushes, and connections do not last so long */
	return f->type != H2_DATA || f->left || f->flags & H2_END_STREAM;
}

/* These look like a length and zeros: so do messages of other protocols, and padding. */
static bool frame_vague(const struct h2frame *f)
{
	return f->type == H2_SETTINGS || f->type == H2_PRIORITY || !f->left;
}

bool h2frame_chain(struct str bytes)
{
	struct h2frame f;
	size_t certain = 0;

	for (bool first = true; bytes.n >= H2FRAME_HEAD; first = false) {
		h2frame_reset(&f);
		if (!frame_usual(&f, bytes) || (first && f.type == H2_CONTINUATION))
			return false;
		if (bytes.n - H2FRAME_HEAD < f.left)
			return certain;
		bytes = str_skip(bytes, H2FRAME_HEAD + f.left);
		certain += !frame_vague(&f);
	}
	return certain && (!bytes.n || bytes.p[0] == 0);
}
