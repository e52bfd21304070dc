#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "app/fdpass.h"
#include "app/keeper.h"
#include "app/meter.h"
#include "app/place.h"
#include "app/priv.h"
#include "base/clock.h"
#include "base/log.h"

#define MS         1000000ull
#define QUICK_NS   (10000 * MS) /* a role that lived shorter died quickly */
#define QUICK_MOST 5
#define AGAIN_NS   (400 * MS) /* pause before each start after that many */
#define SEND_BYTES \
	(4 << 20)       /* of each channel: the facts of a large host fit while the meter starts */
#define READ_SECONDS 10 /* for the settings at SIGHUP */
#define EXIT_BUSY    75
#define EXIT_CONF    78

/* Milliseconds that each role gets to end; together less than 10 s. */
#define END_FAST  1500
#define END_METER 5500
#define END_KILL  500ull

struct supervisor {
	struct world w;
	struct shared {
		struct board board;
		struct priv_ids ids;
		struct conf fresh; /* as a child has read it at SIGHUP */
	} * shared;
	const struct submeterd_opts *opts;
	pid_t reader;   /* that child; 0 = none */
	bool read_more; /* SIGHUP came while it read */
	struct keeper keeper;
	int parent; /* the end of the pipe that nobody else has */
	int signals;
	bool up; /* meter and desk have been started once */
	bool stopping;
	int status;
	struct {
		pid_t pid; /* 0 = not running */
		bool wanted;
		unsigned quick;                /* deaths in a row */
		uint64_t started_ns, again_ns; /* CLOCK_BOOTTIME */
	} role[ROLE_COUNT];
};

static int (*const mains[ROLE_COUNT])(struct world *) = {
	[ROLE_ATTACHER] = attacher_main, [ROLE_FINDER] = finder_main,
	[ROLE_SEARCHER] = searcher_main, [ROLE_METER] = meter_main,
	[ROLE_DESK] = desk_main,
};

/* ---- a role ----------------------------------------------------------------------------------- */

static void supervisor_child(struct supervisor *s, enum role role) __attribute__((noreturn));
static void supervisor_child(struct supervisor *s, enum role role)
{
	char name[16];
	sigset_t none;
	int r;

	log_who = priv_name(role);
	snprintf(name, sizeof(name), "sm-%s", log_who);
	prctl(PR_SET_NAME, name, 0, 0, 0);
	/* Ctrl-C is for the supervisor, who ends us in order */
	setpgid(0, 0);
	keeper_close_others(&s->w, role);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	r = priv_drop(&s->w, role);
	if (r < 0)
		_exit((log_err(r, "cannot give privileges away"), 1));
	_exit(mains[role](&s->w));
}

static void supervisor_start(struct supervisor *s, enum role role)
{
	struct board_role *row = &s->w.board->role[role];
	uint64_t now = clock_boot_ns();
	pid_t pid = fork();

	if (pid == 0)
		supervisor_child(s, role);
	s->role[role].wanted = true;
	s->role[role].started_ns = now;
	if (pid < 0) {
		log_err(-errno, "cannot start the %s", priv_name(role));
		s->role[role].again_ns = now + AGAIN_NS;
		return;
	}
	s->role[role].pid = pid;
	__atomic_store_n(&row->started_ns, clock_utc_ns(), __ATOMIC_RELAXED);
	__atomic_store_n(&row->pid, (uint32_t)pid, __ATOMIC_RELEASE);
}

static void supervisor_died(struct supervisor *s, enum role role, int status)
{
	uint64_t now = clock_boot_ns();
	const char *name = priv_name(role);

	s->role[role].pid = 0;
	__atomic_store_n(&s->w.board->role[role].pid, 0, __ATOMIC_RELEASE);
	if (role == ROLE_ATTACHER)
		keeper_forget(&s->keeper, &s->w);
	if (s->stopping) {
		if (role == ROLE_METER && status)
			s->status = 1; /* not all is booked */
		return;
	}
	if (role == ROLE_ATTACHER && WIFEXITED(status) && WEXITSTATUS(status) == ROLE_CANNOT) {
		s->stopping = true; /* it has said why */
		s->status = 1;
		return;
	}
	__atomic_fetch_add(&s->w.board->role[role].restarts, 1, __ATOMIC_RELAXED);
	s->role[role].quick =
		now - s->role[role].started_ns < QUICK_NS ? s->role[role].quick + 1 : 1;
	s->role[role].again_ns = s->role[role].quick > QUICK_MOST ? now + AGAIN_NS : now;
	log_warn(0, "the %s ended (%s %d), started again%s", name,
		 WIFSIGNALED(status) ? "signal" : "exit",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		 s->role[role].quick > QUICK_MOST ? " after a pause: it keeps dying" : "");
}

/* ---- settings anew ------------------------------------------------------------------------------ */

static const char *supervisor_conf(const struct submeterd_opts *o)
{
	static const char usual[] = "/etc/submeter/submeter.yaml";

	return !o->conf && access(usual, F_OK) == 0 ? usual : o->conf;
}

static void supervisor_hup(struct supervisor *s, enum role role)
{
	if (s->role[role].pid)
		kill(s->role[role].pid, SIGHUP);
}

/* Only a child parses; nothing of it is in force before it has ended well. */
static void supervisor_reread(struct supervisor *s)
{
	char error[YAML_ERROR] = "";

	s->read_more = s->reader > 0;
	if (s->read_more)
		return;
	s->reader = fork();
	if (s->reader < 0)
		log_err(-errno, "cannot read the settings anew");
	if (s->reader != 0)
		return;
	/* no link outlives us in it, and a file system that hangs keeps it no longer */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	alarm(READ_SECONDS);
	if (conf_load(supervisor_conf(s->opts), &s->shared->fresh, error) == 0)
		_exit(0);
	log_line(LOG_ERR, 0, "settings not taken, the old ones stay: %s", error);
	_exit(1);
}

static void supervisor_has_read(struct supervisor *s, int status)
{
	struct board *b = s->w.board;

	s->reader = 0;
	if (status == 0) {
		/* the part that nobody reads, then its number */
		conf_rules(&s->shared->fresh, &b->rules[(b->rules_count + 1) % 2]);
		__atomic_store_n(&b->rules_count, b->rules_count + 1, __ATOMIC_RELEASE);
		supervisor_hup(s, ROLE_ATTACHER);
	} else {
		__atomic_fetch_add(&b->rules_refused, 1, __ATOMIC_RELAXED);
	}
	if (s->read_more)
		supervisor_reread(s);
}

static void supervisor_reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->reader) {
			supervisor_has_read(s, status);
			continue;
		}
		for (int i = 0; i < ROLE_COUNT; i++)
			if (s->role[i].pid == pid)
				supervisor_died(s, (enum role)i, status);
	}
}

/* ---- the loop --------------------------------------------------------------------------------- */

static void supervisor_signals(struct supervisor *s)
{
	struct signalfd_siginfo i;

	while (read(s->signals, &i, sizeof(i)) == (ssize_t)sizeof(i)) {
		if (i.ssi_signo == SIGHUP && !s->stopping) {
			supervisor_hup(s, ROLE_METER); /* the team map */
			supervisor_reread(s);
		} else if (i.ssi_signo == SIGTERM || i.ssi_signo == SIGINT) {
			s->stopping = true;
		}
	}
	supervisor_reap(s);
}

static void supervisor_turn(struct supervisor *s, int ms)
{
	struct pollfd p[] = { { .fd = s->signals, .events = POLLIN },
			      { .fd = s->w.chan[CHAN_KEEP][1], .events = POLLIN } };

	if (poll(p, COUNT_OF(p), ms) <= 0)
		return;
	/* first what the attacher has sent, then its death */
	if (p[1].revents)
		keeper_take(&s->keeper, &s->w, s->stopping);
	if (p[0].revents)
		supervisor_signals(s);
}

/* Milliseconds until the next start that is due, -1 for none. */
static int supervisor_starts(struct supervisor *s)
{
	uint64_t now = clock_boot_ns();
	int wait = -1;

	if (!s->up && s->w.kernel.fd[0] >= 0) {
		s->up = true;
		s->role[ROLE_METER].wanted = s->role[ROLE_DESK].wanted = true;
	}
	for (int i = 0; i < ROLE_COUNT; i++) {
		int ms;

		if (!s->role[i].wanted || s->role[i].pid)
			continue;
		if (now >= s->role[i].again_ns)
			supervisor_start(s, (enum role)i);
		if (s->role[i].pid)
			continue;
		ms = (int)((s->role[i].again_ns - now) / MS) + 1;
		wait = wait < 0 ? ms : MIN(wait, ms);
	}
	return wait;
}

/* False where it had to be killed. */
static bool supervisor_end(struct supervisor *s, enum role role, int ms)
{
	uint64_t end = clock_boot_ns() + (uint64_t)ms * MS, now;
	pid_t pid = s->role[role].pid;

	s->role[role].wanted = false;
	if (!pid)
		return true;
	kill(pid, SIGTERM);
	while (s->role[role].pid && (now = clock_boot_ns()) < end)
		supervisor_turn(s, (int)((end - now) / MS) + 1);
	if (!s->role[role].pid)
		return true;
	log_warn(0, "the %s did not end within %d ms: killed", priv_name(role), ms);
	kill(pid, SIGKILL);
	/* one that waits for a file system that does not answer cannot die: it is left to that */
	end = clock_boot_ns() + END_KILL * MS;
	while (s->role[role].pid && (now = clock_boot_ns()) < end)
		supervisor_turn(s, (int)((end - now) / MS) + 1);
	return false;
}

static int supervisor_stop(struct supervisor *s)
{
	bool drained;

	s->stopping = true;
	supervisor_end(s, ROLE_ATTACHER, END_FAST);
	/* the gap begins here, however long the rest takes */
	__atomic_store_n(&s->w.board->detached_ns, clock_utc_ns(), __ATOMIC_RELEASE);
	keeper_detach(&s->keeper);
	supervisor_end(s, ROLE_FINDER, END_FAST / 6);
	supervisor_end(s, ROLE_SEARCHER, END_FAST / 6);
	/* nothing new comes into the rings: the meter books what is there */
	drained = supervisor_end(s, ROLE_METER, END_METER);
	supervisor_end(s, ROLE_DESK, END_FAST);
	if (s->status == 0 && !drained)
		s->status = 1;
	return s->status;
}

/* ---- start ------------------------------------------------------------------------------------ */

static int supervisor_text(char ret[CONF_TEXT], const char *option, const char *s)
{
	if (!s)
		return 0;
	if (!s[0] || (size_t)snprintf(ret, CONF_TEXT, "%s", s) >= CONF_TEXT)
		return log_err(-EINVAL, "%s: want a path of 1 to %d bytes", option, CONF_TEXT - 1);
	return 0;
}

/* In a child that ends right after: neither the configuration nor the user database touches the supervisor. */
static int supervisor_read(struct shared *to, const struct submeterd_opts *o)
{
	char error[YAML_ERROR] = "";
	int r;

	r = conf_load(supervisor_conf(o), &to->board.conf, error);
	if (r < 0) {
		log_err(error[0] ? 0 : r, "%s", error[0] ? error : "cannot read the configuration");
		return EXIT_CONF;
	}
	if (supervisor_text(to->board.conf.state, "--state", o->state) < 0 ||
	    supervisor_text(to->board.conf.runtime, "--runtime", o->runtime) < 0)
		return EXIT_CONF;
	if (meter_check(&to->board.conf) < 0)
		return EXIT_CONF;
	priv_ids(&to->ids);
	return 0;
}

static int supervisor_configure(struct supervisor *s, const struct submeterd_opts *o)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return log_err(-errno, "cannot fork"), 1;
	if (pid == 0)
		_exit(supervisor_read(s->shared, o));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	if (!WIFEXITED(status))
		return log_err(0, "reading the configuration died of signal %d", WTERMSIG(status)),
		       EXIT_CONF;
	conf_rules(&s->w.board->conf, &s->w.board->rules[0]);
	memcpy(s->w.uid, s->shared->ids.uid, sizeof(s->w.uid));
	memcpy(s->w.gid, s->shared->ids.gid, sizeof(s->w.gid));
	s->w.desk_gid = s->shared->ids.desk_gid;
	return WEXITSTATUS(status);
}

static int supervisor_channels(struct supervisor *s)
{
	const int bytes = SEND_BYTES;
	int pair[2];

	for (int i = 0; i < CHAN_COUNT; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s->w.chan[i]) < 0)
			return -errno;
		for (int j = 0; j < 2; j++)
			/* without CAP_NET_ADMIN the usual size has to do */
			if (setsockopt(s->w.chan[i][j], SOL_SOCKET, SO_SNDBUFFORCE, &bytes,
				       sizeof(bytes)) < 0)
				log_debug("the buffer of a channel stays small");
	}
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	s->w.parent = pair[0];
	s->parent = pair[1];
	return 0;
}

static int supervisor_blocked(struct supervisor *s)
{
	struct rlimit files;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	/* a link is a descriptor */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &files) < 0)
			log_debug("the limit of open files stays");
	}
	return 0;
}

static int supervisor_prepare(struct supervisor *s, const struct submeterd_opts *o)
{
	char why[256];
	int r;

	if (priv_check(why) < 0)
		return log_err(0, "%s", why), 1;
	s->shared = mmap(NULL, sizeof(*s->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->shared == MAP_FAILED)
		return log_err(-errno, "no memory"), 1;
	s->w.board = &s->shared->board;
	s->w.board->started_ns = clock_utc_ns();
	s->w.supervisor = getpid();
	umask(0022);
	r = supervisor_configure(s, o);
	if (r)
		return r;
	keeper_init(&s->keeper, &s->w);
	if (place_folders(&s->w) < 0)
		return 1;
	r = place_lock(s->w.board->conf.state, &s->w.lock);
	if (r == 0)
		r = place_socket(&s->w, &s->w.api);
	if (r < 0)
		return r == -EAGAIN ? EXIT_BUSY : 1;
	r = supervisor_channels(s);
	if (r == 0)
		r = supervisor_blocked(s);
	return r < 0 ? (log_err(r, "cannot start"), 1) : 0;
}

int supervisor_main(const struct submeterd_opts *o)
{
	static struct supervisor s;
	int r;

	log_who = "submeterd";
	s.opts = o;
	r = supervisor_prepare(&s, o);
	if (r)
		return r;
	/* the attacher needs both finders; both others need what the attacher loads */
	s.role[ROLE_FINDER].wanted = s.role[ROLE_SEARCHER].wanted = true;
	s.role[ROLE_ATTACHER].wanted = true;
	while (!s.stopping)
		supervisor_turn(&s, supervisor_starts(&s));
	return supervisor_stop(&s);
}
