/* wire.h -- stage: piece -> part. What the bytes mean as HTTP.
 *
 * Pure: no clock, no I/O. One connection speaks one protocol, decided from its first bytes: a
 * request read by the observed process first (DIR_IN) is a server's side: skipped, never billed; a
 * request written first is a client; anything else is opaque. A connection joined midway waits for
 * the first piece that begins with a request line (DIR_OUT); a response head before it is poured
 * as an orphan. Each byte of every piece is counted once: parsed, or skipped with a reason.
 *
 * Exchanges are poured in order: PART_REQUEST, PART_BODY (DIR_OUT), PART_RESPONSE, PART_BODY or
 * PART_EVENT (DIR_IN), PART_END; request and response body may interleave. Every exchange that was
 * begun gets exactly one PART_END. Behind a response that says `upgraded` come the messages of a
 * WebSocket, PART_EVENT of both directions, until the socket is closed or lost. */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include "base/count.h"
#include "flow.h"

enum skip {
#define SKIP(name, text, words) SKIP_##name,
#include "tbl/skip.h"
#undef SKIP
	SKIP_COUNT
};

struct wire;

struct wire_opts {
	struct counters *counters;                                            /* borrowed */
	void (*parsed)(void *ctx, const struct origin *from, uint64_t bytes); /* may be NULL */
	void (*skipped)(void *ctx, const struct origin *from, int skip,
			uint64_t bytes); /* may be NULL */
	/* The connection will never be of interest: the kernel may stop copying it. May be NULL. */
	void (*ignore)(void *ctx, const struct origin *from, enum skip reason);
	void *ctx;
};

int wire_new(const struct wire_opts *o, struct part_sink out, struct wire **ret) _must_use_;
int wire_feed(struct wire *w, const struct piece *in) _must_use_;
/* Exchanges that have begun and not ended. */
size_t wire_open(const struct wire *w);
/* Bytes that its connections hold, here and in the stages that it pours into. */
int64_t wire_held(const struct wire *w);
void wire_free(struct wire **w);

#endif
