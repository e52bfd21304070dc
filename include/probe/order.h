/* order.h -- stage: chunk -> chunk. The segments of plain TCP in the order of their offsets.
 *
 * A card, a loss or another path may bring them in any order, twice, or cut anew. Of bytes at one offset those that came
 * first count; the others are told to `skipped`. Chunks of TLS pass as they are.
 *
 * What lies beyond a hole is held (LIMIT_ORDER_*). It is handed on, the hole showing by its offset, when the connection or
 * its process ends, at a limit, or when nothing filled the hole for LIMIT_ORDER_WAIT_MS. An end of a direction waits for the
 * bytes before it in the same way. */
#ifndef PROBE_ORDER_H
#define PROBE_ORDER_H

#include "base/count.h"
#include "flow.h"

struct order;

struct order_opts {
	struct counters *counters; /* borrowed */
	/* As in conn.h; may be NULL. */
	void (*skipped)(void *ctx, const struct origin *from, int skip, uint64_t bytes);
	void *ctx;
};

int order_new(const struct order_opts *o, struct chunk_sink out, struct order **ret) _must_use_;
/* An error is that of the outlet, the last if there are several; what it refused is gone. */
int order_feed(struct order *o, const struct chunk *in) _must_use_;
/* Nothing that happened before `clear_ns` is still to come. */
int order_tick(struct order *o, uint64_t clear_ns) _must_use_;
/* Hands on all that is held. */
int order_flush(struct order *o) _must_use_;
size_t order_held(const struct order *o); /* bytes */
void order_free(struct order **o);

#endif
