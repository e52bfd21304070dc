#include <bpf/bpf.h>
#include <string.h>
#include "abi.h"
#include "probe/kernel.h"
#include "probe/lane.h"

struct sweep {
	const struct kernel *k;
	bool (*alive)(void *ctx, uint32_t tgid, uint64_t start_ns);
	void *ctx;
	struct abi_cg *cg;
	size_t freed;
	uint64_t start_ns; /* of the process that was asked for last */
	uint32_t tgid;
	bool lives;
};

static bool sweep_lives(struct sweep *s, uint32_t tgid, uint64_t start_ns)
{
	if (s->tgid != tgid || s->start_ns != start_ns) {
		s->tgid = tgid;
		s->start_ns = start_ns;
		s->lives = s->alive(s->ctx, tgid, start_ns);
	}
	return s->lives;
}

static int sweep_conn(struct sweep *s, const void *at)
{
	const int *fd = s->k->fd;
	const struct abi_conn_key *key = at;
	struct abi_conn_at row;

	/* A socket whose process is not known ends by itself. */
	if (!key->tgid || sweep_lives(s, key->tgid, key->start_ns))
		return 0;
	/* The kernel may have been faster; whoever deletes the key gives the slot back. */
	if (bpf_map_lookup_elem(fd[KFD_CONN_KEY], key, &row) < 0 ||
	    bpf_map_delete_elem(fd[KFD_CONN_KEY], key) < 0)
		return errno == ENOENT ? 0 : -errno;
	__atomic_fetch_sub(&s->cg[row.cg_slot % ABI_CG_SLOTS].conns, 1, __ATOMIC_RELAXED);
	if (bpf_map_update_elem(fd[KFD_CONN_FREE], NULL, &row.slot, BPF_ANY) < 0)
		return -errno;
	s->freed++;
	return 0;
}

/* Goroutines that were in a call when their process ended; of a thread the end was told. */
static int sweep_call(struct sweep *s, const void *at)
{
	const struct abi_caller *key = at;

	if (!key->start_ns || sweep_lives(s, key->tgid, key->start_ns) ||
	    bpf_map_delete_elem(s->k->fd[KFD_CALLS], key) == 0)
		return 0;
	return errno == ENOENT ? 0 : -errno;
}

static int sweep_map(struct sweep *s, enum kfd which, size_t left,
		     int (*one)(struct sweep *s, const void *key))
{
	_Static_assert(sizeof(struct abi_conn_key) == sizeof(struct abi_caller), "one size");
	char key[sizeof(struct abi_caller)], next[sizeof(struct abi_caller)];
	int map = s->k->fd[which], r = 0;
	bool more;

	more = bpf_map_get_next_key(map, NULL, key) == 0;
	/* A key that vanishes while we stand on it starts the walk again: so the walk has an end of its own. */
	while (more && left-- && r == 0) {
		more = bpf_map_get_next_key(map, key, next) == 0;
		r = one(s, key);
		memcpy(key, next, sizeof(key));
	}
	return r;
}

int kernel_sweep(const struct kernel *k, bool (*alive)(void *ctx, uint32_t tgid, uint64_t start_ns),
		 void *ctx, size_t *ret_freed)
{
	struct sweep s = { .k = k, .alive = alive, .ctx = ctx };
	size_t size = lane_page_up(ABI_CG_SLOTS * sizeof(*s.cg));
	void *p;
	int r = lane_map(k->fd[KFD_CG_COUNT], size, PROT_READ | PROT_WRITE, 0, &p);

	if (r < 0)
		return r;
	s.cg = p;
	r = sweep_map(&s, KFD_CONN_KEY, ABI_CONN_SLOTS, sweep_conn);
	if (r == 0)
		r = sweep_map(&s, KFD_CALLS, ABI_CONN_SLOTS, sweep_call);
	lane_unmap(p, size);
	if (r == 0)
		*ret_freed = s.freed;
	return r;
}
