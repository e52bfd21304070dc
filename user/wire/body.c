/* body.c -- runs a coding and bounds what it can do to our memory and time. */
#include "base/limit.h"
#include "base/obj.h"
#include "wire/body.h"
#include "wire/coding.h"

/* bytes out; below, a high ratio is harmless */
#define RATIO_FROM (1u << 20)
#define STEEP_FROM (8u << 20)

struct body {
	unsigned magic;
#define BODY_MAGIC 0xb0d70001u
	body_fn *fn;
	void *ctx;
	struct counters *counters;
	const struct coding *coding;
	void *state; /* of the coding */
	uint64_t in_bytes, out_bytes;
	bool ended;
};

int body_new(struct str coding, body_fn *fn, void *ctx, struct counters *counters,
	     struct body **ret)
{
	_cleanup_(body_free) struct body *b = NULL;
	const struct coding *c = coding_find(coding);
	int r;

	if (!c)
		return -EOPNOTSUPP;
	b = obj_new(b, BODY_MAGIC);
	if (!b)
		return -ENOMEM;
	b->fn = fn;
	b->ctx = ctx;
	b->counters = counters;
	b->coding = c;
	b->ended = true; /* no byte at all is a whole body */
	r = c->open ? c->open(&b->state) : 0;
	if (r < 0)
		return r;
	*ret = take(b);
	return 0;
}

void body_free(struct body **pb)
{
	struct body *b = obj_take(pb, BODY_MAGIC);

	if (!b)
		return;
	if (b->state)
		b->coding->close(b->state);
	mem_free(b);
}

static bool body_grows(const struct body *b, uint64_t from, uint64_t ratio)
{
	return b->out_bytes > from && b->out_bytes / ratio > b->in_bytes;
}

/* In bytes, not in time: a body is read the same on any machine. Close to a bound the verdict may depend on how it is cut: brotli
 * takes more input than it needs for the output so far. */
static int body_bounds(struct body *b)
{
	if (b->out_bytes > LIMIT_INFLATE_BYTES)
		count_limit(b->counters, INFLATE_BYTES);
	else if (body_grows(b, RATIO_FROM, LIMIT_INFLATE_RATIO))
		count_limit(b->counters, INFLATE_RATIO);
	else if (body_grows(b, STEEP_FROM, LIMIT_INFLATE_STEEP))
		count_limit(b->counters, INFLATE_STEEP);
	else
		return 0;
	return -EMSGSIZE;
}

int body_feed(struct body *b, struct str bytes)
{
	char out[LIMIT_CHUNK_BYTES];
	struct coding_io io = { .in = bytes, .out = out, .room = sizeof(out) };
	int r;

	obj_check(b, BODY_MAGIC);
	if (!bytes.n)
		return 0;
	if (!b->state)
		return b->fn(b->ctx, bytes);
	do {
		size_t before = io.in.n;

		io.got = 0;
		r = b->coding->step(b->state, &io);
		if (r < 0)
			return r;
		b->ended = io.end;
		b->in_bytes += before - io.in.n;
		b->out_bytes += io.got;
		r = body_bounds(b);
		if (r == 0 && io.got)
			r = b->fn(b->ctx, (struct str){ out, io.got });
		if (r < 0)
			return r;
		if (io.in.n && io.in.n == before && !io.got)
			return -EBADMSG; /* a decoder that neither takes nor gives */
	} while (io.in.n || io.more);
	return 0;
}

int body_end(struct body *b)
{
	obj_check(b, BODY_MAGIC);
	return b->ended ? 0 : -EBADMSG;
}
