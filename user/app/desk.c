#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "app/desk_state.h"
#include "base/clock.h"
#include "base/log.h"
#include "desk/desk.h"

#define ASK_MS 5000 /* a meter that commits slowly is waited for this long */

struct front { /* what the API's ops see */
	struct world *world;
	const struct abi_cg *cg; /* NULL: no kernel counters */
	pthread_mutex_t lock;    /* one question at a time is on the channel */
	uint32_t last_id;
};

/* ---- questions to the meter ---- */

static int wait_answer(int fd, uint32_t id, uint64_t until_ns, struct answer *ret)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint64_t now = clock_boot_ns();

		if (now >= until_ns)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)((until_ns - now) / 1000000) + 1) < 0 && errno != EINTR)
			return -errno;
		/* An answer to a question that was given up, or by an earlier desk, is passed over. */
		while (recv(fd, ret, sizeof(*ret), MSG_DONTWAIT) == (ssize_t)sizeof(*ret))
			if (ret->id == id)
				return 0;
	}
}

static int front_ask(struct front *f, struct ask *q, struct answer *ret)
{
	int fd = f->world->chan[CHAN_ASK][0], r;
	uint64_t until = clock_boot_ns() + ASK_MS * (NS_PER_SEC / 1000);

	pthread_mutex_lock(&f->lock);
	q->id = ++f->last_id;
	r = send(fd, q, sizeof(*q), MSG_NOSIGNAL | MSG_DONTWAIT) < 0
		    ? -ETIMEDOUT
		    : wait_answer(fd, q->id, until, ret);
	pthread_mutex_unlock(&f->lock);
	return r < 0 ? -ETIMEDOUT : 0;
}

static int front_mark(void *ctx, uint64_t ret_mark[2])
{
	struct ask q = { .op = ASK_MARK };
	struct answer a;
	int r = front_ask(ctx, &q, &a);

	if (r == 0)
		r = a.r;
	if (r == 0)
		memcpy(ret_mark, a.mark, sizeof(a.mark));
	return r;
}

static int front_idle(void *ctx, const uint64_t mark[2], uint64_t *ret_open)
{
	struct ask q = { .op = ASK_IDLE, .mark = { mark[0], mark[1] } };
	struct answer a;
	int r = front_ask(ctx, &q, &a);

	if (r < 0)
		return r;
	*ret_open = a.open;
	return a.r;
}

static int put_text(struct str s, char *to, size_t room)
{
	if (s.n >= room)
		return -EINVAL;
	if (s.n)
		memcpy(to, s.p, s.n);
	return 0;
}

static int front_allocate(void *ctx, const struct wallet_move *m, char ret_text[256])
{
	struct ask q = { .op = ASK_ALLOCATE, .pico = m->pico };
	struct answer a;
	int r = put_text(m->team, q.team, sizeof(q.team));

	if (r == 0)
		r = put_text(m->reason, q.reason, sizeof(q.reason));
	if (r == 0)
		r = put_text(m->key, q.key, sizeof(q.key));
	if (r == 0)
		r = put_text(m->actor, q.actor, sizeof(q.actor));
	if (r == 0)
		r = front_ask(ctx, &q, &a);
	if (r < 0)
		return r;
	snprintf(ret_text, 256, "%.*s", (int)strnlen(a.text, sizeof(a.text)), a.text);
	return a.r;
}

static int front_reprice(void *ctx, const struct api_reprice *w, struct api_repriced *ret)
{
	struct ask q = { .op = ASK_REPRICE,
			 .reprice = { .since_ns = w->since_ns,
				      .until_ns = w->until_ns,
				      .after_seq = w->after_seq,
				      .corrected = w->corrected,
				      .dry_run = w->dry_run } };
	struct answer a;
	int r = put_text(w->provider, q.reprice.provider, sizeof(q.reprice.provider));

	if (r == 0)
		r = put_text(w->model, q.reprice.model, sizeof(q.reprice.model));
	if (r == 0)
		r = put_text(w->actor, q.actor, sizeof(q.actor));
	if (r == 0)
		r = front_ask(ctx, &q, &a);
	if (r < 0)
		return r;
	*ret = (struct api_repriced){ .looked = a.reprice.looked,
				      .priced = a.reprice.priced,
				      .corrected = a.reprice.corrected,
				      .joined = a.reprice.joined,
				      .unpriced = a.reprice.unpriced,
				      .next = a.reprice.next,
				      .more = dec_join(a.reprice.high, a.reprice.low) };
	snprintf(ret->text, sizeof(ret->text), "%.*s", (int)strnlen(a.text, sizeof(a.text)),
		 a.text);
	return a.r < 0 ? -EAGAIN : 0;
}

/* ---- state ---- */

static const char *front_missing(void *ctx)
{
	const struct front *f = ctx;

	return desk_missing(f->world->board);
}

static void front_status(void *ctx, struct jsonw *w)
{
	const struct front *f = ctx;

	desk_status(f->world->board, f->cg, w);
}

static void front_coverage(void *ctx, struct jsonw *w)
{
	const struct front *f = ctx;

	desk_coverage(f->world->board, f->cg, w);
}

static void front_probes(void *ctx, bool on)
{
	const struct front *f = ctx;

	__atomic_store_n(&f->world->board->off_asked, !on, __ATOMIC_RELEASE);
}

static const struct abi_cg *map_counters(const struct world *w)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = ABI_CG_SLOTS * sizeof(struct abi_cg);
	void *p;

	if (w->kernel.fd[KFD_CG_COUNT] < 0)
		return NULL;
	size = (size + page - 1) / page * page;
	p = mmap(NULL, size, PROT_READ, MAP_SHARED, w->kernel.fd[KFD_CG_COUNT], 0);
	if (p == MAP_FAILED) {
		log_warn(-errno, "cannot map the kernel's counters: status comes without them");
		return NULL;
	}
	return p;
}

/* ---- life ---- */

/* SIGTERM or the supervisor's end. Blocked in every thread, so it is taken here alone. */
static int wait_end(const struct world *w)
{
	struct pollfd p[2];
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		return log_err(-errno, "cannot wait for signals");
	p[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = w->parent, .events = POLLIN };
	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	close(fd);
	return 0;
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int serve(struct front *f, const char *ledger)
{
	const struct api_ops ops = { .ctx = f,
				     .missing = front_missing,
				     .status = front_status,
				     .coverage = front_coverage,
				     .mark = front_mark,
				     .idle = front_idle,
				     .allocate = front_allocate,
				     .reprice = front_reprice,
				     .probes = front_probes };
	_cleanup_(api_free) struct api *api = NULL;
	struct desk *desk = NULL;
	int r = api_new(ledger, &ops, &api);

	if (r == 0)
		r = desk_start(api, f->world->api, &desk);
	if (r < 0)
		return log_err(r, "cannot serve the API");
	r = wait_end(f->world);
	desk_stop(&desk);
	return r;
}

int desk_main(struct world *w)
{
	struct front f = { .world = w, .lock = PTHREAD_MUTEX_INITIALIZER };
	char ledger[CONF_TEXT + sizeof("/ledger.db")];
	int r;

	log_who = "desk";
	/* Ids of an earlier desk's questions may still be answered. */
	f.last_id = (uint32_t)getpid() << 16;
	block_signals();
	f.cg = map_counters(w);
	r = priv_drop(w, ROLE_DESK);
	if (r < 0)
		return log_err(r, "cannot give privileges away") < 0;
	snprintf(ledger, sizeof(ledger), "%s/ledger.db", w->board->conf.state);
	return serve(&f, ledger) < 0;
}
