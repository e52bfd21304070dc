/* lane.h -- one BPF ring as memory: mapped through its descriptor alone, without bpf() and without a capability. */
#ifndef PROBE_LANE_H
#define PROBE_LANE_H

#include <stdatomic.h>
#include <sys/mman.h>
#include "base/lang.h"

/* Layout of a BPF ring: <linux/bpf.h> names the two bits; before each record stand its length and a word that
 * only the kernel uses. */
#define RING_BUSY    (1u << 31)
#define RING_DISCARD (1u << 30)
#define RING_MOST    (1u << 30) /* bytes */
#define RING_ALIGN   8

struct lane {
	int fd;
	size_t page, size, mapped;
	_Atomic uint64_t *consumer;       /* ours to write */
	const _Atomic uint64_t *producer; /* the kernel's */
	const char *data;                 /* `size` bytes, twice in a row */
	uint64_t at;                      /* *consumer */
	uint64_t goal;                    /* taken up to here before anything newer */
};

/* Takes up where the last reader stopped. `fd` is borrowed. A plain file laid out as the ring is may stand for it. */
int lane_init(struct lane *l, int fd) _must_use_;
void lane_done(struct lane *l);

/* Shared memory of a descriptor. -errno */
int lane_map(int fd, size_t size, int prot, off_t off, void **ret) _must_use_;
void lane_unmap(const void *p, size_t size); /* NULL is allowed */
size_t lane_page_up(size_t n);

#endif
