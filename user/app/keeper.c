#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include "app/fdpass.h"
#include "app/keeper.h"
#include "base/log.h"

_Static_assert(KERNEL_LINKS <= FDPASS_MOST && KFD_COUNT + KERNEL_EVENTS <= FDPASS_MOST,
	       "one message holds it");

void keeper_init(struct keeper *k, struct world *w)
{
	w->links = k->links;
	w->link_count = BOARD_TARGETS;
	w->api = w->lock = w->parent = -1;
	for (int i = 0; i < CHAN_COUNT; i++)
		w->chan[i][0] = w->chan[i][1] = -1;
	for (int i = 0; i < KFD_COUNT; i++)
		w->kernel.fd[i] = -1;
	for (int i = 0; i < KERNEL_EVENTS; i++)
		w->kernel.event[i] = -1;
}

/* In their order: kernel_attach() counts on it. */
static void keeper_close(const int *fd, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fd[i]);
}

static int *keeper_kernel_fd(struct world *w, unsigned bit)
{
	if (bit < KFD_COUNT)
		return &w->kernel.fd[bit];
	return bit >= 32 && bit < 32 + KERNEL_EVENTS ? &w->kernel.event[bit - 32] : NULL;
}

static enum keep_ack keeper_kernel(struct world *w, const struct keep *m, int *fd, size_t count)
{
	size_t used = 0;

	if (w->kernel.fd[0] >= 0) {
		keeper_close(fd, count);
		return KEEP_FULL;
	}
	for (unsigned bit = 0; bit < 64 && used < count; bit++) {
		int *to = m->mask >> bit & 1 ? keeper_kernel_fd(w, bit) : NULL;

		if (to)
			*to = fd[used++];
	}
	keeper_close(fd + used, count - used);
	w->kernel.multi = m->multi;
	return KEEP_KEPT;
}

static struct links *keeper_row(struct keeper *k, uint64_t dev, uint64_t ino)
{
	struct links *spare = NULL;

	for (size_t i = 0; i < BOARD_TARGETS; i++) {
		struct links *l = &k->links[i];

		if (l->count && l->dev == dev && l->ino == ino)
			return l;
		if (!l->count)
			spare = l;
	}
	return spare;
}

static enum keep_ack keeper_links(struct keeper *k, const struct keep *m, int *fd, size_t count)
{
	struct links *l = keeper_row(k, m->dev, m->ino);

	/* attached already: the second set goes */
	if (!l || l->count || count == 0 || count > KERNEL_LINKS) {
		keeper_close(fd, count);
		return l && l->count ? KEEP_KEPT : KEEP_FULL;
	}
	*l = (struct links){ .dev = m->dev,
			     .ino = m->ino,
			     .mtime_ns = m->mtime_ns,
			     .size = m->size,
			     .target = m->target,
			     .owed = m->owed,
			     .count = count };
	memcpy(l->fd, fd, count * sizeof(*fd));
	return KEEP_KEPT;
}

static enum keep_ack keeper_more(struct keeper *k, const struct keep *m, int *fd, size_t count)
{
	struct links *l = keeper_row(k, m->dev, m->ino);

	if (!l || !l->count || l->count + count > KERNEL_LINKS) {
		keeper_close(fd, count);
		return KEEP_FULL;
	}
	memcpy(l->fd + l->count, fd, count * sizeof(*fd));
	l->count += count;
	l->owed = m->owed;
	return KEEP_KEPT;
}

/* ---- taking probes away ------------------------------------------------------------------------ */

/* Whoever closes the last descriptor of a link waits a twentieth of a second for the kernel, long after its probes are gone,
 * and those of the next link stay for so long: so several wait at the same time. They are joined before anything else is
 * done: the supervisor has one thread whenever it forks, and no signal is theirs, since all are blocked. */
#define CLOSERS 32

struct closing {
	const struct links *links;
	size_t rows, next; /* next: job, of rows * KERNEL_LINKS */
};

/* The first link of each file before the second of any: kernel_attach() counts on the order. */
static void *keeper_closer(void *ctx)
{
	struct closing *c = ctx;
	size_t job;

	while ((job = __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED)) < c->rows * KERNEL_LINKS) {
		const struct links *l = &c->links[job % c->rows];

		if (job / c->rows < l->count)
			close(l->fd[job / c->rows]);
	}
	return NULL;
}

static void keeper_drop(struct links *l, size_t rows)
{
	struct closing c = { .links = l, .rows = rows };
	size_t links = 0, count = 0;
	pthread_t thread[CLOSERS];

	for (size_t i = 0; i < rows; i++)
		links += l[i].count;
	/* one that cannot be started only makes it slower */
	while (count + 1 < MIN(links, (size_t)CLOSERS) &&
	       pthread_create(&thread[count], NULL, keeper_closer, &c) == 0)
		count++;
	keeper_closer(&c);
	while (count)
		pthread_join(thread[--count], NULL);
	for (size_t i = 0; i < rows; i++)
		l[i].count = 0;
}

void keeper_detach(struct keeper *k)
{
	keeper_drop(k->links, BOARD_TARGETS);
}

/* ---- what the attacher sends -------------------------------------------------------------------- */

static enum keep_ack keeper_one(struct keeper *k, struct world *w, const struct keep *m, int *fd,
				size_t count, bool ending)
{
	struct links *l;

	if (m->op == KEEP_KERNEL && !ending)
		return keeper_kernel(w, m, fd, count);
	if (m->op == KEEP_LINKS && !ending)
		return keeper_links(k, m, fd, count);
	if (m->op == KEEP_MORE && !ending)
		return keeper_more(k, m, fd, count);
	keeper_close(fd, count);
	if (m->op == KEEP_DROP_ALL) {
		keeper_detach(k);
		return KEEP_KEPT;
	}
	if (m->op != KEEP_DROP)
		return KEEP_FULL;
	l = keeper_row(k, m->dev, m->ino);
	if (l && l->count)
		keeper_drop(l, 1);
	return KEEP_KEPT;
}

void keeper_take(struct keeper *k, struct world *w, bool ending)
{
	int sock = w->chan[CHAN_KEEP][1], fd[FDPASS_MOST], r;
	struct keep m;
	size_t count;

	while ((r = fdpass_recv(sock, &m, sizeof(m), fd, FDPASS_MOST, &count, MSG_DONTWAIT)) == 0 ||
	       r == -EBADMSG) {
		/* -EBADMSG: no descriptor was free for what came along */
		unsigned char ack = r < 0 ? KEEP_FULL : keeper_one(k, w, &m, fd, count, ending);

		if (fdpass_send(sock, &ack, sizeof(ack), NULL, 0, MSG_DONTWAIT) < 0)
			log_debug("nobody takes the answer");
	}
}

void keeper_forget(struct keeper *k, struct world *w)
{
	unsigned char ack;
	size_t none;

	keeper_take(k, w, false);
	while (fdpass_recv(w->chan[CHAN_KEEP][0], &ack, sizeof(ack), NULL, 0, &none,
			   MSG_DONTWAIT) == 0)
		;
}

/* ---- what a role inherits --------------------------------------------------------------------- */

#define EVERY_KFD     (~0ull)
#define KFD_BIT(name) (1ull << KFD_##name)

static const struct {
	unsigned chan[2]; /* channels of which it has that end */
	uint64_t kernel;
	bool api, lock, events;
} parts[ROLE_COUNT] = {
	[ROLE_ATTACHER] = { { 1u << CHAN_KEEP | 1u << CHAN_FIND | 1u << CHAN_SEARCH |
				      1u << CHAN_FACT,
			      0 },
			    .kernel = EVERY_KFD,
			    .events = true },
	[ROLE_FINDER] = { { 0, 1u << CHAN_FIND }, .kernel = 0 },
	[ROLE_SEARCHER] = { { 0, 1u << CHAN_SEARCH }, .kernel = 0 },
	[ROLE_METER] = { { 0, 1u << CHAN_FACT | 1u << CHAN_ASK },
			 .kernel = KFD_BIT(DATA) | KFD_BIT(CTL) | KFD_BIT(CG_COUNT) |
				   KFD_BIT(CG_USED) | KFD_BIT(VERDICT),
			 .lock = true },
	[ROLE_DESK] = { { 1u << CHAN_ASK, 0 }, .kernel = KFD_BIT(CG_COUNT), .api = true },
};

struct kept {
	size_t count;
	int fd[3 + 2 * CHAN_COUNT + KFD_COUNT + KERNEL_EVENTS];
};

/* In order, so that the gaps can be closed. */
static void keeper_part(struct kept *k, int *fd, bool mine)
{
	size_t at = k->count;

	if (!mine)
		*fd = -1;
	if (*fd < 0)
		return;
	assert(k->count < COUNT_OF(k->fd));
	for (k->count++; at > 0 && k->fd[at - 1] > *fd; at--)
		k->fd[at] = k->fd[at - 1];
	k->fd[at] = *fd;
}

void keeper_close_others(struct world *w, enum role role)
{
	unsigned from = STDERR_FILENO + 1;
	struct kept k = { 0 };

	keeper_part(&k, &w->parent, true);
	keeper_part(&k, &w->api, parts[role].api);
	keeper_part(&k, &w->lock, parts[role].lock);
	for (int i = 0; i < CHAN_COUNT; i++)
		for (int end = 0; end < 2; end++)
			keeper_part(&k, &w->chan[i][end], parts[role].chan[end] >> i & 1);
	for (int i = 0; i < KFD_COUNT; i++)
		keeper_part(&k, &w->kernel.fd[i], parts[role].kernel >> i & 1);
	for (int i = 0; i < KERNEL_EVENTS; i++)
		keeper_part(&k, &w->kernel.event[i], parts[role].events);
	for (size_t i = 0; i < w->link_count; i++)
		for (size_t j = 0; j < w->links[i].count; j++)
			w->links[i].fd[j] = -1;
	for (size_t i = 0; i < k.count; i++) {
		if ((unsigned)k.fd[i] > from)
			close_range(from, (unsigned)k.fd[i] - 1, 0);
		from = MAX(from, (unsigned)k.fd[i] + 1);
	}
	close_range(from, ~0u, 0);
}
