#include <poll.h>
#include "app/errand.h"
#include "app/fdpass.h"
#include "base/clock.h"

#define FIND_MS  2500 /* the finder ends itself after 2 s, */
#define AGAIN_MS 400  /* and of a file that takes too long not before this */
#define KEEP_MS  10000

/* 1: readable; 0: time is over. */
static int errand_wait(const struct world *w, int fd, int ms)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
			      { .fd = w->parent, .events = POLLIN } };
	int n;

	do
		n = poll(p, COUNT_OF(p), ms);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (p[1].revents)
		return -EPIPE;
	return p[0].revents != 0;
}

int errand_keep(const struct world *w, const struct keep *k, const int *fd, size_t count)
{
	int sock = w->chan[CHAN_KEEP][0], r;
	unsigned char ack;

	r = fdpass_send(sock, k, sizeof(*k), fd, count, 0);
	if (r < 0)
		return r;
	r = errand_wait(w, sock, KEEP_MS);
	if (r <= 0)
		return r < 0 ? r : -ETIMEDOUT;
	r = fdpass_recv(sock, &ack, sizeof(ack), NULL, 0, &count, 0);
	if (r < 0)
		return r;
	return ack == KEEP_KEPT ? 0 : -ENOSPC;
}

/* Waits for the answer to question `id`; older ones are to files that were given up. *ret_again: the finder was
 * started anew meanwhile, and the question died with the old one. */
static int errand_answer(const struct world *w, uint64_t id, int (*idle)(void *ctx), void *ctx,
			 struct find_answer *ret, bool *ret_again)
{
	const uint32_t *pid = &w->board->role[ROLE_FINDER].pid;
	uint32_t before = __atomic_load_n(pid, __ATOMIC_RELAXED), now;
	uint64_t end = clock_boot_ns() + FIND_MS * 1000000ull;
	int sock = w->chan[CHAN_FIND][0], r;
	size_t count;

	*ret_again = false;
	while (clock_boot_ns() < end) {
		r = errand_wait(w, sock, 20);
		if (r >= 0 && idle(ctx) < 0)
			r = -EPIPE;
		if (r < 0)
			return r;
		now = __atomic_load_n(pid, __ATOMIC_RELAXED);
		if (r == 0 && before && now && now != before) {
			*ret_again = true;
			return -ECONNRESET;
		}
		if (r == 0)
			continue;
		r = fdpass_recv(sock, ret, sizeof(*ret), NULL, 0, &count, MSG_DONTWAIT);
		if (r == 0 && ret->id == id && ret->count <= KERNEL_SITES)
			return 0;
		if (r < 0 && r != -EAGAIN && r != -EBADMSG)
			return r;
	}
	return -ETIMEDOUT;
}

int errand_find(const struct world *w, uint64_t *last, int fd, int (*idle)(void *ctx), void *ctx,
		struct find_answer *ret)
{
	uint64_t soon = clock_boot_ns() + AGAIN_MS * 1000000ull;
	bool again = true;
	int r = -ETIMEDOUT;

	/* a second time, since the finder may have died of something else than this file, which takes long; never a third */
	for (int i = 0; i < 2 && again && (i == 0 || clock_boot_ns() < soon); i++) {
		struct find_ask ask = { .id = ++*last };

		r = fdpass_send(w->chan[CHAN_FIND][0], &ask, sizeof(ask), &fd, 1, MSG_DONTWAIT);
		if (r < 0)
			return r;
		r = errand_answer(w, ask.id, idle, ctx, ret, &again);
	}
	return r;
}

int errand_search(const struct world *w, uint64_t id, int fd)
{
	struct find_ask ask = { .id = id, .deep = 1 };

	return fdpass_send(w->chan[CHAN_SEARCH][0], &ask, sizeof(ask), &fd, 1, MSG_DONTWAIT);
}

int errand_found(const struct world *w, struct find_answer *ret)
{
	size_t none;
	int r;

	do
		r = fdpass_recv(w->chan[CHAN_SEARCH][0], ret, sizeof(*ret), NULL, 0, &none,
				MSG_DONTWAIT);
	while (r == -EBADMSG || (r == 0 && ret->count > KERNEL_SITES));
	return r;
}
