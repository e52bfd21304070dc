#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include "app/attacher.h"
#include "app/errand.h"
#include "app/sockets.h"
#include "app/fdpass.h"
#include "base/clock.h"
#include "base/log.h"
#include "host/cgroup.h"
#include "host/proc.h"
#include "probe/selftest.h"

#define MS        1000000ull
#define TICK_MS   250
#define SCOPE_NS  (500 * MS)
#define SWEEP_NS  (10000 * MS)
#define ROUND_NS  (60000 * MS)
#define SETTLE_NS (500 * MS)  /* a changed file is looked at again once it is quiet */
#define BLIND_NS  (2000 * MS) /* between looks at all processes when mappings cannot be watched */

static int attacher_meter(const struct attacher *a)
{
	return a->world->chan[CHAN_FACT][0];
}

static int attacher_lost(void *ctx, uint64_t records)
{
	struct attacher *a = ctx;

	__atomic_fetch_add(&a->board->attacher_lost, records, __ATOMIC_RELAXED);
	a->rescan = true;
	a->rescan_at = 0;
	return 0;
}

/* ---- start ---------------------------------------------------------------------------------- */

static int attacher_kernel(struct attacher *a)
{
	struct world *w = a->world;
	struct kernel_opts o = { .ring_bytes = (uint32_t)a->board->conf.ring_bytes,
				 .quota_bytes = a->board->conf.quota_bytes,
				 .supervisor = (uint32_t)w->supervisor,
				 .hierarchy = (enum cgroup_hierarchy)a->board->hierarchy };
	int fd[KFD_COUNT + KERNEL_EVENTS], r;
	struct keep k = { .op = KEEP_KERNEL };
	char why[256] = "";

	if (w->kernel.fd[0] >= 0)
		return 0; /* loaded by one of us that died */
	sockets_ask(a->board, &o);
	r = kernel_load(&o, &w->kernel, why);
	if (r < 0 && o.sockets) {
		sockets_refused(a->board, &o, why);
		r = kernel_load(&o, &w->kernel, why);
	}
	if (r < 0)
		return log_err(r, "this host cannot be metered: %s", why);
	for (int i = 0; i < KFD_COUNT + KERNEL_EVENTS; i++) {
		int one = i < KFD_COUNT ? w->kernel.fd[i] : w->kernel.event[i - KFD_COUNT];

		if (one < 0)
			continue;
		k.mask |= 1ull << (i < KFD_COUNT ? i : 32 + i - KFD_COUNT);
		fd[k.count++] = one;
	}
	k.multi = w->kernel.multi;
	return errand_keep(w, &k, fd, k.count);
}

/* Some kernels kill a program whose function returns through a probe: rather none of those. Tried once. */
static void attacher_selftest(struct attacher *a)
{
	char *no_returns = a->board->no_returns, why[256] = "";
	int r;

	if (a->board->attacher_tested)
		return;
	r = selftest_uretprobe(&a->world->kernel, why);
	if (r == -EPERM) {
		log_warn(0, "only Go programs are metered: %s", why);
		snprintf(no_returns, sizeof(a->board->no_returns), "%.95s", why);
	} else if (r < 0) {
		log_info("return probes could not be tried, and are used: %s", why);
	}
	a->board->attacher_tested = 1;
}

/* A watch for the observed cgroups that there are now, in place of the one before. */
static void attacher_watch(struct attacher *a)
{
	static const struct mmapwatch_calls calls = { attacher_mapped, attacher_lost };
	struct mmapwatch *fresh = NULL;
	int dir[CONF_LIST], r;
	size_t count = scope_dirs(a->scope, dir);

	if (count == 0)
		return;
	r = mmapwatch_new(dir, count, &calls, a, &fresh);
	while (count)
		close(dir[--count]);
	if (r < 0 && !a->watch_refused)
		log_warn(r, "cannot watch mappings: short programs that bring their own TLS "
			    "library may be missed");
	a->watch_refused = r < 0;
	if (r < 0)
		return;
	mmapwatch_free(&a->watch);
	a->watch = fresh;
	a->board->attacher_per_cgroup = mmapwatch_per_cgroup(fresh);
}

static int attacher_scope(struct attacher *a)
{
	size_t fresh;
	int r = scope_refresh(a->scope, &a->world->kernel, &fresh);

	a->scope_at = clock_boot_ns() + SCOPE_NS;
	if (r < 0 || fresh == 0)
		return r;
	r = scope_walk(a->scope, attacher_tell_cgroup, a);
	/* watch first, then look: what starts between the two is seen by one of them */
	attacher_watch(a);
	if (r == 0)
		r = sockets_attach(a);
	return r < 0 ? r : proc_pids(attacher_process, a);
}

/* A call's id rests on the epoch: no probe before it is on disk. */
static int attacher_epoch(struct attacher *a)
{
	struct pollfd p[] = { { a->world->parent, POLLIN, 0 }, { a->signals, POLLIN, 0 } };

	while (!__atomic_load_n(&a->board->epoch_stored, __ATOMIC_ACQUIRE)) {
		int r = poll(p, 2, 5);

		if (r > 0)
			return -EPIPE;
		if (r < 0 && errno != EINTR)
			return -errno;
	}
	return 0;
}

/* Chosen once: an attacher that is started again must not choose another. */
static int attacher_hierarchy(struct attacher *a)
{
	enum cgroup_hierarchy h = (enum cgroup_hierarchy)a->board->hierarchy;
	char mount[256];
	int r;

	if (h == CGROUP_AUTO)
		(void)!cgroup_named(a->board->conf.hierarchy, &h); /* conf_load() has looked */
	r = cgroup_mount(&h, mount, sizeof(mount));
	if (r < 0)
		return log_err(r, "observe.hierarchy: no %s hierarchy of cgroups is mounted",
			       cgroup_name(h));
	a->board->hierarchy = h;
	return 0;
}

static int attacher_start(struct attacher *a)
{
	bool changed;
	int r = attacher_hierarchy(a);

	if (r == 0)
		r = attacher_kernel(a);
	if (r == 0)
		r = attacher_epoch(a);
	if (r < 0)
		return r;
	a->board->attacher_multi = a->world->kernel.multi;
	attacher_selftest(a);
	r = scope_new(&a->board->conf, (enum cgroup_hierarchy)a->board->hierarchy, &a->scope);
	if (r < 0)
		return log_err(r, "cannot observe cgroups");
	r = pick_new(a->world, &a->pick);
	if (r == 0)
		r = pick_refresh(a->pick, &changed);
	if (r == 0)
		r = targets_new(a->world, a->pick, &a->targets);
	if (r == 0)
		r = folderwatch_new(attacher_file, a, &a->folders);
	/* an attacher before us may have been told to stop, or may have died of it halfway */
	if (r == 0)
		r = attacher_switch(a);
	if (r == 0)
		r = attacher_scope(a);
	if (r == 0)
		r = attacher_folders(a);
	if (r == 0 && a->watch)
		r = mmapwatch_drain(a->watch);
	a->round_at = clock_boot_ns() + ROUND_NS;
	if (r == 0)
		attacher_resumed(a);
	if (r == 0)
		__atomic_store_n(&a->board->attacher_ready, 1, __ATOMIC_RELEASE);
	return r;
}

/* ---- going on ------------------------------------------------------------------------------- */

/* A process that ended outside, or whose end found the ring full, still has its calls open in the meter. One that cannot
 * be told now counts as alive until the next look. */
static bool attacher_alive(void *ctx, uint32_t tgid, uint64_t start_ns)
{
	struct fact f = { .op = FACT_ENDED, .tgid = tgid, .start_ns = start_ns };
	uint64_t now, tick = proc_tick_ns();

	if (proc_start_ns((pid_t)tgid, &now) == 0 && now / tick == start_ns / tick)
		return true;
	return fdpass_send(attacher_meter(ctx), &f, sizeof(f), NULL, 0, MSG_DONTWAIT) < 0;
}

/* A meter that was started anew knows nothing of what its predecessor was told. */
static int attacher_facts(struct attacher *a)
{
	uint32_t meter = __atomic_load_n(&a->board->role[ROLE_METER].pid, __ATOMIC_RELAXED);
	bool anew = a->meter && meter && meter != a->meter;
	int r;

	if (meter)
		a->meter = meter;
	if (!anew && !a->facts_owed)
		return 0;
	/* all of /proc is read for this: not while the meter takes nothing */
	if (!anew && poll(&(struct pollfd){ attacher_meter(a), POLLOUT, 0 }, 1, 0) <= 0)
		return 0;
	a->facts_owed = false;
	memset(a->told, 0, sizeof(a->told));
	r = scope_walk(a->scope, attacher_tell_cgroup, a);
	return r < 0 ? r : proc_pids(attacher_fact, a);
}

/* Who and what is left alone: by new settings, or since a program was upgraded. */
static int attacher_rules(struct attacher *a)
{
	bool changed;
	int r = pick_refresh(a->pick, &changed);

	if (r < 0 || !changed)
		return r;
	attacher_again(a, 0);
	return targets_deny(a->targets);
}

static int attacher_rescan(struct attacher *a, uint64_t now)
{
	bool round = now >= a->round_at;
	int r = 0;

	a->rescan = false;
	if (round) {
		a->round_at = now + ROUND_NS;
		r = targets_round(a->targets, now);
		if (r == 0)
			r = attacher_rules(a);
	}
	/* there may be a hundred thousand names: not each time where processes are looked at every other second */
	if (r == 0 && (round || a->watch))
		r = attacher_folders(a);
	return r < 0 ? r : proc_pids(attacher_process, a);
}

static int attacher_tick(struct attacher *a)
{
	uint64_t now = clock_boot_ns();
	bool again = false;
	size_t freed;
	int r;

	r = attacher_switch(a);
	if (r == 0 && pick_stale(a->pick))
		r = attacher_rules(a);
	if (r == 0)
		r = targets_trial(a->targets, &again);
	if (r == 0)
		r = targets_retire(a->targets);
	if (again)
		attacher_again(a, 0);
	if (r == 0 && now >= a->scope_at)
		r = attacher_scope(a);
	if (r == 0)
		r = attacher_facts(a);
	/* without a watch because no observed cgroup is there yet: nothing to look for */
	if (r == 0 && !a->watch && a->watch_refused)
		attacher_again(a, BLIND_NS);
	/* also for what no event tells: a process that was moved into an observed cgroup, a file that nobody maps any more */
	if (r == 0 && (now >= a->round_at || (a->rescan && now >= a->rescan_at)))
		r = attacher_rescan(a, now);
	if (r == 0 && now >= a->sweep_at) {
		a->sweep_at = now + SWEEP_NS;
		r = kernel_sweep(&a->world->kernel, attacher_alive, a, &freed);
		if (r < 0) /* costs slots, not truth */
			log_warn(r, "cannot free the slots of ended processes");
		r = 0;
	}
	return r;
}

enum { ON_PARENT, ON_SIGNAL, ON_SCOPE, ON_CHANGE, ON_WATCH, ON_FOLDER, ON_SEARCH, ON_COUNT };

/* SIGHUP only wakes us: what it is about stands on the board. */
static bool attacher_told(const struct attacher *a)
{
	struct signalfd_siginfo i;

	while (read(a->signals, &i, sizeof(i)) == (ssize_t)sizeof(i))
		if (i.ssi_signo != SIGHUP)
			return true;
	return false;
}

/* 1: it is time to end. */
static int attacher_wait(struct attacher *a)
{
	struct pollfd p[ON_COUNT] = {
		[ON_PARENT] = { a->world->parent, POLLIN, 0 },
		[ON_SIGNAL] = { a->signals, POLLIN, 0 },
		[ON_SCOPE] = { scope_fd(a->scope), POLLIN, 0 },
		[ON_CHANGE] = { targets_fd(a->targets), POLLIN, 0 },
		[ON_WATCH] = { a->watch ? mmapwatch_fd(a->watch) : -1, POLLIN, 0 },
		[ON_FOLDER] = { folderwatch_fd(a->folders), POLLIN, 0 },
		[ON_SEARCH] = { targets_search_fd(a->targets), POLLIN, 0 },
	};
	bool changed = false;
	int r = 0;

	if (poll(p, ON_COUNT, TICK_MS) < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[ON_PARENT].revents || (p[ON_SIGNAL].revents && attacher_told(a)))
		return 1;
	r = targets_changed(a->targets, &changed);
	if (changed)
		attacher_again(a, SETTLE_NS);
	/* what runs now, what may run soon, and then what takes long */
	if (r == 0 && p[ON_WATCH].revents)
		r = mmapwatch_drain(a->watch);
	if (r == 0 && p[ON_FOLDER].revents)
		r = attacher_folder_events(a);
	if (r == 0)
		r = targets_search(a->targets);
	if (r == 0 && p[ON_SCOPE].revents)
		r = attacher_scope(a);
	return r < 0 ? r : attacher_tick(a);
}

static void attacher_done(struct attacher *a)
{
	mmapwatch_free(&a->watch);
	folderwatch_free(&a->folders);
	targets_free(&a->targets);
	pick_free(&a->pick);
	scope_free(&a->scope);
	if (a->signals >= 0)
		close(a->signals);
}

int attacher_main(struct world *w)
{
	static struct attacher a; /* large for a stack */
	sigset_t set;
	int r;

	a = (struct attacher){ .world = w, .board = w->board, .signals = -1 };
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	a.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a.signals < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return log_err(-errno, "cannot take signals"), 1;
	r = attacher_start(&a);
	if (r < 0 && !a.board->attacher_ready && r != -EPIPE) {
		attacher_done(&a);
		return ROLE_CANNOT;
	}
	while (r == 0)
		r = attacher_wait(&a);
	attacher_done(&a);
	if (r < 0 && r != -EPIPE)
		return log_err(r, "cannot go on"), 1;
	return 0;
}
