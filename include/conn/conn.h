/* conn.h -- stage: chunk -> piece. Two directions of each connection, in order, holes named.
 *
 * Offsets decide. A chunk beyond the expected offset means the bytes between are lost for good
 * (the ring keeps the order of one connection): a PIECE_GAP is poured first. Bytes at an offset
 * already passed are told to `skipped` as SKIP_STALE. A connection whose first chunk starts past 0
 * begins with a gap. The order between the two directions is the order in which chunks came.
 *
 * END_EOF closes one direction: gap up to its final offset, then PIECE_END. END_FREE does so for
 * both, and the connection is forgotten. END_EXIT and END_EXEC end every connection of (tgid,
 * start_ns) that way (END_EXEC: those that are older); final offsets count for the connection the
 * chunk names, if any. END_STOP ends every connection that was seen through the file `target`. A connection
 * above LIMIT_CONNS, or LIMIT_CGROUP_CONNS of its cgroup, is not followed: SKIP_REFUSED.
 *
 * An error of the outlet is passed up; the record it refused is gone, everything else holds. */
#ifndef CONN_CONN_H
#define CONN_CONN_H

#include "base/count.h"
#include "flow.h"

struct conn;

struct conn_opts {
	struct counters *counters; /* borrowed, must outlive the stage */
	/* Delivered bytes that go nowhere, for the identities; enum skip of wire.h. May be NULL. */
	void (*skipped)(void *ctx, const struct origin *from, int skip, uint64_t bytes);
	void *ctx;
};

int conn_new(const struct conn_opts *o, struct piece_sink out, struct conn **ret) _must_use_;
int conn_feed(struct conn *c, const struct chunk *in) _must_use_;
/* Ends every connection as END_STOP with unknown final offsets: nobody will listen any more. */
int conn_flush(struct conn *c, uint64_t now_ns) _must_use_;
void conn_free(struct conn **c);

#endif
