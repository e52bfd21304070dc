/* ring.h -- stage: kernel -> chunk. Reads the two rings through their memory alone: no bpf() call, no capability.
 *
 * Order: data of one connection comes in the order of its calls. A control event is applied only after every data
 * record that was submitted before it; data submitted after it may come first. So END_EXEC, whose process goes on,
 * ends the connections whose first byte is older than its at_ns, and no other. */
#ifndef PROBE_RING_H
#define PROBE_RING_H

#include "abi.h"
#include "base/count.h"
#include "flow.h"
#include "probe/kernel.h"

struct ring;

struct ring_opts {
	const int *fd;             /* KFD_*: DATA, CTL, CG_COUNT, CG_USED, VERDICT; borrowed */
	struct counters *counters; /* borrowed */
	/* a cgroup was made: its id and path in the v2 hierarchy; may be NULL */
	void (*cgroup)(void *ctx, uint64_t id, struct str path);
	/* a process has run exec: the file as given to exec, after its END_EXEC; may be NULL */
	void (*exec)(void *ctx, uint32_t tgid, uint64_t start_ns, struct str file);
	/* a TLS or QUIC socket (abi.h; times in CLOCK_BOOTTIME), with its ClientHello; may be NULL */
	void (*sock)(void *ctx, const struct abi_sock *s, struct str hello);
	/* a call of which no byte could be read: a chunk without bytes; may be NULL */
	void (*unread)(void *ctx, const struct chunk *c);
	void *ctx;
};

/* A descriptor may also be a plain file (a memfd) laid out as the map is; a ring is then one page of the consumer,
 * one of the producer, and its data twice. */
int ring_new(const struct ring_opts *o, struct chunk_sink out, struct ring **ret) _must_use_;
/* Readable when there may be something to drain. `which`: KFD_DATA or KFD_CTL. Level-triggered; borrowed. */
int ring_poll_fd(const struct ring *r, enum kfd which);
/* Takes at most `max` records. *ret_done = records taken; 0 means both rings are empty, or what is next is still
 * being written (the descriptor becomes readable). A record that makes no sense is counted and passed over. An
 * error is that of the outlet; its record is taken. */
int ring_drain(struct ring *r, size_t max, size_t *ret_done) _must_use_;
/* Nothing that happened before this time is still in a ring (UTC ns). Valid after a drain. */
uint64_t ring_clear_until(const struct ring *r);
/* Positions for "everything seen so far": mark now; passed once both rings were drained beyond it. */
struct ring_mark {
	uint64_t data, ctl;
};
struct ring_mark ring_mark(const struct ring *r);
bool ring_passed(const struct ring *r, struct ring_mark m);
/* The kernel may stop copying this connection (still counts it). */
void ring_ignore(struct ring *r, uint64_t gen);
/* The kernel's counters of cgroup row i (see abi.h), or NULL past the last used row. */
const struct abi_cg *ring_cg(const struct ring *r, uint32_t i);
void ring_free(struct ring **r);

#endif
