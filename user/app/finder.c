#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>
#include "app/fdpass.h"
#include "app/role.h"
#include "base/log.h"
#include "host/tlsfind.h"

/* How long a file may take, and how much of that with the processor: everybody's files wait for a tenant's. A quick look
 * takes 50 ms of the largest, a deep one a second. */
static const struct pace {
	unsigned seconds, cpu_ms;
} paces[2] = { { 2, 500 }, { 10, 5000 } };
#define FILE_MEMORY (256ul << 20)

/* The default action ends us: it also cuts off a read that hangs, which a handler would not. */
static void finder_pace(const struct pace *p)
{
	struct itimerval cpu = { .it_value = { p->cpu_ms / 1000, p->cpu_ms % 1000 * 1000 } };

	alarm(p->seconds);
#ifndef __SANITIZE_ADDRESS__
	(void)!setitimer(ITIMER_PROF, &cpu, NULL);
#else
	(void)cpu;
#endif
}

static void finder_file(struct tlsfind_memory *memory, int fd, bool deep, struct find_answer *a)
{
	struct tlsfind found;

	finder_pace(&paces[deep]);
	a->r = tlsfind(memory, fd, deep, &found);
	finder_pace(&(struct pace){ 0 });
	if (a->r < 0)
		return;
	for (size_t i = 0; i < found.count; i++)
		a->site[i] = (struct site){ .row = found.site[i].row,
					    .leave = found.site[i].leave,
					    .offset = found.site[i].offset };
	a->count = (uint32_t)found.count;
	a->deeper = found.deeper;
	memcpy(a->build_id, found.build_id, sizeof(a->build_id));
	memcpy(a->why, found.why, sizeof(a->why));
}

static int finder_one(struct tlsfind_memory *memory, int sock)
{
	struct find_answer a = { 0 };
	struct find_ask ask;
	size_t count;
	int fd, r;

	r = fdpass_recv(sock, &ask, sizeof(ask), &fd, 1, &count, MSG_DONTWAIT);
	if (r < 0)
		return r == -EAGAIN || r == -EBADMSG ? 0 : r;
	a.id = ask.id;
	a.r = -EBADMSG;
	if (count == 1) {
		finder_file(memory, fd, ask.deep, &a);
		close(fd);
	}
	r = fdpass_send(sock, &a, sizeof(a), NULL, 0, MSG_DONTWAIT);
	return r == -EAGAIN ? 0 : r; /* nobody reads: the attacher has given up on it */
}

static int finder_serve(struct world *w, enum chan chan)
{
	struct pollfd p[] = { { .fd = w->chan[chan][1], .events = POLLIN },
			      { .fd = w->parent, .events = POLLIN } };
	_cleanup_(tlsfind_memory_free) struct tlsfind_memory *known = NULL;
	int r = tlsfind_memory_new(&known);

#ifndef __SANITIZE_ADDRESS__
	const struct rlimit memory = { FILE_MEMORY, FILE_MEMORY };

	if (setrlimit(RLIMIT_AS, &memory) < 0)
		return log_err(-errno, "cannot limit the memory"), 1;
#endif
	signal(SIGALRM, SIG_DFL);
	signal(SIGPROF, SIG_DFL);
	while (r == 0) {
		if (poll(p, COUNT_OF(p), -1) < 0)
			r = errno == EINTR ? 0 : -errno;
		else if (p[1].revents)
			return 0;
		else
			r = finder_one(known, p[0].fd);
	}
	return log_err(r, "cannot go on"), 1;
}

int finder_main(struct world *w)
{
	return finder_serve(w, CHAN_FIND);
}

int searcher_main(struct world *w)
{
	return finder_serve(w, CHAN_SEARCH);
}
