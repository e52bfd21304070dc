#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
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
			     .count = count };
	memcpy(l->fd, fd, count * sizeof(*fd));
	return KEEP_KEPT;
}

static void keeper_drop(struct links *l)
{
	keeper_close(l->fd, l->count);
	l->count = 0;
}

static enum keep_ack keeper_one(struct keeper *k, struct world *w, const struct keep *m, int *fd,
				size_t count, bool ending)
{
	struct links *l;

	if (m->op == KEEP_KERNEL && !ending)
		return keeper_kernel(w, m, fd, count);
	if (m->op == KEEP_LINKS && !ending)
		return keeper_links(k, m, fd, count);
	keeper_close(fd, count);
	if (m->op != KEEP_DROP)
		return KEEP_FULL;
	l = keeper_row(k, m->dev, m->ino);
	if (l && l->count)
		keeper_drop(l);
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

/* ---- detaching everything --------------------------------------------------------------------- */

/* Whoever closes the last descriptor of a link waits a tenth of a second for the kernel, so a hundred files one after
 * another would take ten. Helpers that each hold a share wait at the same time. */
#define HELPERS 32

struct crew {
	int ready[2]; /* a helper that holds nothing but its share says so */
	int go[2];    /* at its end nobody else holds anything */
	pid_t pid[HELPERS];
	size_t count;
};

static void keeper_share(struct keeper *k, size_t who, size_t of, bool mine)
{
	for (size_t i = 0; i < BOARD_TARGETS; i++)
		if (of == 0 || (i % of == who) == mine)
			keeper_drop(&k->links[i]);
}

static void keeper_helper(struct keeper *k, struct crew *c, size_t who) __attribute__((noreturn));
static void keeper_helper(struct keeper *k, struct crew *c, size_t who)
{
	char none = 0;

	close(c->go[1]);
	close(c->ready[0]);
	keeper_share(k, who, HELPERS, false);
	if (write(c->ready[1], &none, 1) == 1)
		while (read(c->go[0], &none, 1) < 0 && errno == EINTR)
			;
	keeper_share(k, who, HELPERS, true);
	_exit(0);
}

static void keeper_crew(struct keeper *k, struct crew *c)
{
	char said;

	for (size_t i = 0; i < HELPERS; i++) {
		pid_t pid = fork();

		if (pid == 0)
			keeper_helper(k, c, i);
		if (pid > 0)
			c->pid[c->count++] = pid;
	}
	close(c->ready[1]);
	/* one that was killed has closed everything, too */
	for (size_t i = 0; i < c->count;) {
		ssize_t n = read(c->ready[0], &said, 1);

		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		i += n == 1;
	}
}

void keeper_detach(struct keeper *k)
{
	struct crew c = { .count = 0 };
	size_t files = 0;

	for (size_t i = 0; i < BOARD_TARGETS; i++)
		files += k->links[i].count > 0;
	if (files > 1 && pipe2(c.ready, O_CLOEXEC) == 0) {
		if (pipe2(c.go, O_CLOEXEC) == 0) {
			keeper_crew(k, &c);
			keeper_share(k, 0, 0, true);
			close(c.go[0]);
			close(c.go[1]);
		} else {
			close(c.ready[1]);
		}
		close(c.ready[0]);
	}
	keeper_share(k, 0, 0, true);
	for (size_t i = 0; i < c.count; i++)
		while (waitpid(c.pid[i], NULL, 0) < 0 && errno == EINTR)
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
	[ROLE_ATTACHER] = { { 1u << CHAN_KEEP | 1u << CHAN_FIND | 1u << CHAN_FACT, 0 },
			    .kernel = EVERY_KFD,
			    .events = true },
	[ROLE_FINDER] = { { 0, 1u << CHAN_FIND }, .kernel = 0 },
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
