#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include "app/errand.h"
#include "app/fdpass.h"
#include "app/scope.h"
#include "app/target.h"
#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "host/cgroup.h"
#include "host/folder.h"
#include "host/mmapwatch.h"
#include "host/proc.h"

#define MS        1000000ull
#define TICK_MS   250
#define SCOPE_NS  (500 * MS)
#define SWEEP_NS  (10000 * MS)
#define ROUND_NS  (60000 * MS)
#define SETTLE_NS (500 * MS)  /* a changed file is looked at again once it is quiet */
#define BLIND_NS  (2000 * MS) /* between looks at all processes when mappings cannot be watched */
#define TOLD      8192

struct attacher {
	struct world *world;
	struct board *board;
	struct scope_set *scope;
	struct targets *targets;
	struct mmapwatch *watch; /* NULL: no observed cgroup yet, or the kernel refused */
	bool watch_refused;      /* logged once */
	int signals;
	uint32_t meter;  /* pid to which the facts were told */
	bool facts_owed; /* the meter did not take them all */
	bool rescan;
	uint64_t scope_at, sweep_at, rescan_at, round_at; /* CLOCK_BOOTTIME */
	struct {
		pid_t pid;
		uint64_t start_ns;
	} told[TOLD]; /* processes the meter knows, by pid % TOLD */
};

/* ---- facts for the meter -------------------------------------------------------------------- */

static int attacher_meter(const struct attacher *a)
{
	return a->world->chan[CHAN_FACT][0];
}

/* The meter may be starting or busy: waits a little, never for long. */
static void attacher_tell(struct attacher *a, const struct fact *f)
{
	struct pollfd p = { .fd = attacher_meter(a), .events = POLLOUT };
	int r = fdpass_send(p.fd, f, sizeof(*f), NULL, 0, MSG_DONTWAIT);

	if (r == -EAGAIN && !a->facts_owed && poll(&p, 1, 100) > 0)
		r = fdpass_send(p.fd, f, sizeof(*f), NULL, 0, MSG_DONTWAIT);
	if (r < 0)
		a->facts_owed = true;
}

static int attacher_tell_cgroup(void *ctx, uint64_t id, struct str path)
{
	struct fact f = { .op = FACT_CGROUP, .cgroup = id };

	if (path.n < sizeof(f.text)) {
		memcpy(f.text, path.p, path.n);
		attacher_tell(ctx, &f);
	}
	return 0;
}

static void attacher_tell_process(struct attacher *a, pid_t pid, const char *cgroup)
{
	struct fact f = { .op = FACT_PROCESS, .tgid = (uint32_t)pid };
	size_t slot = (size_t)pid % TOLD;

	if (proc_start_ns(pid, &f.start_ns) < 0 || proc_exe(pid, f.text, sizeof(f.text)) < 0)
		return;
	/* told at its first mapping: that of exec */
	if (a->told[slot].pid == pid && a->told[slot].start_ns == f.start_ns)
		return;
	if (cgroup_id(scope_mount(a->scope), cgroup, &f.cgroup) < 0)
		f.cgroup = 0;
	a->told[slot].pid = pid;
	a->told[slot].start_ns = f.start_ns;
	attacher_tell(a, &f);
}

/* ---- looking at processes and files --------------------------------------------------------- */

static int attacher_file(void *ctx, int fd, const char *path)
{
	struct attacher *a = ctx;

	return targets_look(a->targets, fd, path);
}

static bool attacher_own(const struct attacher *a, pid_t pid)
{
	if (pid == a->world->supervisor)
		return true;
	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (__atomic_load_n(&a->board->role[i].pid, __ATOMIC_RELAXED) == (uint32_t)pid)
			return true;
	return pid == getpid();
}

static int attacher_process(void *ctx, pid_t pid)
{
	struct attacher *a = ctx;
	char cgroup[LIMIT_CGROUP_PATH];
	int r;

	if (attacher_own(a, pid) || proc_cgroup(pid, cgroup, sizeof(cgroup)) < 0 ||
	    !scope_observed(a->scope, str_of(cgroup)))
		return 0;
	attacher_tell_process(a, pid, cgroup);
	r = proc_code(pid, attacher_file, a);
	return r == -EPIPE || r == -ENOMEM || r == -ETIMEDOUT ? r : 0;
}

static int attacher_fact(void *ctx, pid_t pid)
{
	struct attacher *a = ctx;
	char cgroup[LIMIT_CGROUP_PATH];

	if (!attacher_own(a, pid) && proc_cgroup(pid, cgroup, sizeof(cgroup)) == 0 &&
	    scope_observed(a->scope, str_of(cgroup)))
		attacher_tell_process(a, pid, cgroup);
	return 0;
}

/* Already gone: the next process that maps this file will be covered, if the name still leads to it. */
static int attacher_gone(struct attacher *a, const struct mapping *m)
{
	struct stat st;
	int fd, r = 0;

	if (!mmapwatch_per_cgroup(a->watch) || a->board->conf.exclude.count)
		return 0; /* nobody can say any more whether it was observed */
	fd = open(m->path.p, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && st.st_dev == m->dev && st.st_ino == m->ino)
		r = targets_look(a->targets, fd, m->path.p);
	close(fd);
	return r;
}

static int attacher_mapped(void *ctx, const struct mapping *m)
{
	struct attacher *a = ctx;
	char cgroup[LIMIT_CGROUP_PATH];
	int fd, r;

	if (attacher_own(a, m->tgid))
		return 0;
	r = proc_cgroup(m->tgid, cgroup, sizeof(cgroup));
	if (r < 0)
		return attacher_gone(a, m);
	if (!scope_observed(a->scope, str_of(cgroup)))
		return 0;
	if (proc_open(m->tgid, m->start, m->end, m->path.p, &fd) < 0)
		return attacher_gone(a, m);
	/* the probes first: the process is running towards its first call */
	r = targets_look(a->targets, fd, m->path.p);
	close(fd);
	attacher_tell_process(a, m->tgid, cgroup);
	return r;
}

static int attacher_lost(void *ctx, uint64_t records)
{
	struct attacher *a = ctx;

	__atomic_fetch_add(&a->board->attacher_lost, records, __ATOMIC_RELAXED);
	a->rescan = true;
	a->rescan_at = 0;
	return 0;
}

static int attacher_folders(struct attacher *a)
{
	const struct conf_list *l = &a->board->conf.folders;
	size_t left = LIMIT_FOLDER_ENTRIES;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < l->count; i++)
		r = folder_libs(l->item[i], &left, attacher_file, a);
	if (left == 0)
		log_warn(0, "observe.folders: the search ended after %d entries",
			 LIMIT_FOLDER_ENTRIES);
	return r;
}

/* ---- start ---------------------------------------------------------------------------------- */

static int attacher_kernel(struct attacher *a)
{
	struct world *w = a->world;
	struct kernel_opts o = { .ring_bytes = (uint32_t)a->board->conf.ring_bytes,
				 .quota_bytes = a->board->conf.quota_bytes,
				 .supervisor = (uint32_t)w->supervisor };
	int fd[KFD_COUNT + KERNEL_EVENTS], r;
	struct keep k = { .op = KEEP_KERNEL };
	char why[256] = "";

	if (w->kernel.fd[0] >= 0)
		return 0; /* loaded by one of us that died */
	r = kernel_load(&o, &w->kernel, why);
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

static int attacher_start(struct attacher *a)
{
	int r = attacher_kernel(a);

	if (r == 0)
		r = attacher_epoch(a);
	if (r < 0)
		return r;
	a->board->attacher_multi = a->world->kernel.multi;
	r = scope_new(&a->board->conf, &a->scope);
	if (r < 0)
		return log_err(
			r, "no cgroup v2 hierarchy at /sys/fs/cgroup or /sys/fs/cgroup/unified");
	r = targets_new(a->world, &a->targets);
	if (r == 0)
		r = attacher_scope(a);
	if (r == 0)
		r = attacher_folders(a);
	if (r == 0 && a->watch)
		r = mmapwatch_drain(a->watch);
	a->round_at = clock_boot_ns() + ROUND_NS;
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

static int attacher_rescan(struct attacher *a, uint64_t now)
{
	bool round = now >= a->round_at;
	int r = 0;

	a->rescan = false;
	if (round) {
		a->round_at = now + ROUND_NS;
		r = targets_round(a->targets);
	}
	/* there may be a hundred thousand names: not each time where processes are looked at every other second */
	if (r == 0 && (round || a->watch))
		r = attacher_folders(a);
	return r < 0 ? r : proc_pids(attacher_process, a);
}

static int attacher_tick(struct attacher *a)
{
	uint64_t now = clock_boot_ns();
	size_t freed;
	int r = 0;

	if (now >= a->scope_at)
		r = attacher_scope(a);
	if (r == 0)
		r = attacher_facts(a);
	/* without a watch because no observed cgroup is there yet: nothing to look for */
	if (r == 0 && !a->watch && a->watch_refused && !a->rescan) {
		a->rescan = true;
		a->rescan_at = now + BLIND_NS;
	}
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

enum { ON_PARENT, ON_SIGNAL, ON_SCOPE, ON_CHANGE, ON_WATCH, ON_COUNT };

/* 1: it is time to end. */
static int attacher_wait(struct attacher *a)
{
	struct pollfd p[ON_COUNT] = {
		[ON_PARENT] = { a->world->parent, POLLIN, 0 },
		[ON_SIGNAL] = { a->signals, POLLIN, 0 },
		[ON_SCOPE] = { scope_fd(a->scope), POLLIN, 0 },
		[ON_CHANGE] = { targets_fd(a->targets), POLLIN, 0 },
		[ON_WATCH] = { a->watch ? mmapwatch_fd(a->watch) : -1, POLLIN, 0 },
	};
	bool changed = false;
	int r = 0;

	if (poll(p, ON_COUNT, TICK_MS) < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[ON_PARENT].revents || p[ON_SIGNAL].revents)
		return 1;
	r = targets_changed(a->targets, &changed);
	if (changed && !a->rescan) {
		a->rescan = true;
		a->rescan_at = clock_boot_ns() + SETTLE_NS;
	}
	if (r == 0 && p[ON_WATCH].revents)
		r = mmapwatch_drain(a->watch);
	if (r == 0 && p[ON_SCOPE].revents)
		r = attacher_scope(a);
	return r < 0 ? r : attacher_tick(a);
}

static void attacher_done(struct attacher *a)
{
	mmapwatch_free(&a->watch);
	targets_free(&a->targets);
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
