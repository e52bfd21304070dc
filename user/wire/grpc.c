/* grpc.c -- gRPC messages: u8 compressed or not, u32 length, big-endian, and the message.
 *
 * There is no checksum: what is lost inside a message damages that one alone, anything else lost ends the body. A compressed
 * message (its coding stands in a header that we do not keep) is passed over and said to be one. */
#include "base/limit.h"
#include "base/obj.h"
#include "wire/events.h"

enum { HEAD = 5 };

struct grpc {
	unsigned magic;
#define GRPC_MAGIC 0x64bc0001u
	event_fn *fn;
	void *ctx;
	struct counters *counters;
	unsigned char head[HEAD];
	size_t head_bytes; /* HEAD: in a message */
	uint32_t left;     /* bytes of it still to come */
	bool damaged;      /* and said so */
};

static int grpc_open(event_fn *fn, void *ctx, struct counters *c, void **ret)
{
	struct grpc *g = obj_new(g, GRPC_MAGIC);

	if (!g)
		return -ENOMEM;
	g->fn = fn;
	g->ctx = ctx;
	g->counters = c;
	*ret = g;
	return 0;
}

static int grpc_say(struct grpc *g, struct str data, bool last, enum why why)
{
	return g->fn(g->ctx, STR_NONE, data, last, why);
}

static int grpc_damaged(struct grpc *g, enum why why)
{
	g->damaged = true;
	return grpc_say(g, STR_NONE, true, why);
}

/* The message, or a part of it, lies behind us. */
static void grpc_pass(struct grpc *g, uint64_t bytes)
{
	g->left -= (uint32_t)bytes;
	if (!g->left)
		g->head_bytes = 0;
}

static int grpc_head(struct grpc *g)
{
	const unsigned char *h = g->head;

	g->left = (uint32_t)h[1] << 24 | (uint32_t)h[2] << 16 | (uint32_t)h[3] << 8 | h[4];
	g->damaged = false;
	if (h[0] > 1)
		return -EBADMSG;
	if (g->left > LIMIT_GRPC_BYTES) {
		count_limit(g->counters, GRPC_BYTES);
		return -EMSGSIZE;
	}
	if (g->left && h[0])
		return grpc_damaged(g, WHY_ENCODING);
	if (g->left)
		return 0;
	grpc_pass(g, 0);
	return grpc_say(g, STR_NONE, true, WHY_NONE);
}

static int grpc_feed(void *state, struct str bytes)
{
	struct grpc *g = state;
	int r = 0;

	obj_check(g, GRPC_MAGIC);
	while (r == 0 && bytes.n) {
		struct str run = str_head(bytes, g->left);

		if (g->head_bytes < HEAD) {
			g->head[g->head_bytes++] = (unsigned char)bytes.p[0];
			bytes = str_skip(bytes, 1);
			r = g->head_bytes == HEAD ? grpc_head(g) : 0;
			continue;
		}
		grpc_pass(g, run.n);
		bytes = str_skip(bytes, run.n);
		if (!g->damaged)
			r = grpc_say(g, run, !g->head_bytes, WHY_NONE);
	}
	return r;
}

static int grpc_gap(void *state, uint64_t bytes)
{
	struct grpc *g = state;
	int r;

	obj_check(g, GRPC_MAGIC);
	if (g->head_bytes < HEAD || bytes > g->left)
		return -EBADMSG;
	r = g->damaged ? 0 : grpc_damaged(g, WHY_GAP);
	grpc_pass(g, bytes);
	return r;
}

static int grpc_end(void *state)
{
	struct grpc *g = state;

	obj_check(g, GRPC_MAGIC);
	return g->head_bytes ? -EBADMSG : 0;
}

static void grpc_close(void *state)
{
	struct grpc *g = state;

	mem_free(obj_take(&g, GRPC_MAGIC));
}

const struct events grpc_events = {
	.framing = FRAMING_GRPC,
	.open = grpc_open,
	.feed = grpc_feed,
	.end = grpc_end,
	.gap = grpc_gap,
	.close = grpc_close,
};
