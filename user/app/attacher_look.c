#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "app/attacher.h"
#include "app/fdpass.h"
#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "host/cgroup.h"
#include "host/proc.h"

/* ---- facts for the meter -------------------------------------------------------------------- */

static int attacher_meter(const struct attacher *a)
{
	return a->world->chan[CHAN_FACT][0];
}

/* The meter may be starting or busy: waits a little, never for long. */
void attacher_tell(struct attacher *a, const struct fact *f)
{
	struct pollfd p = { .fd = attacher_meter(a), .events = POLLOUT };
	int r = fdpass_send(p.fd, f, sizeof(*f), NULL, 0, MSG_DONTWAIT);

	if (r == -EAGAIN && !a->facts_owed && poll(&p, 1, 100) > 0)
		r = fdpass_send(p.fd, f, sizeof(*f), NULL, 0, MSG_DONTWAIT);
	if (r < 0)
		a->facts_owed = true;
}

int attacher_tell_cgroup(void *ctx, uint64_t id, struct str path)
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
	size_t slot = (size_t)pid % ATTACHER_TOLD;

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

/* Of libraries that nothing is probed in, but that say why. */
static void attacher_tell_library(struct attacher *a, pid_t pid, const char *path)
{
	static const char *const telling[] = { "libjvm.so", "libnss3.so" };
	const char *slash = strrchr(path, '/');
	struct fact f = { .op = FACT_LIBRARY, .tgid = (uint32_t)pid };

	for (size_t i = 0; i < COUNT_OF(telling); i++)
		if (str_starts(str_of(slash ? slash + 1 : path), str_of(telling[i])) &&
		    proc_start_ns(pid, &f.start_ns) == 0) {
			snprintf(f.text, sizeof(f.text), "%s", path);
			attacher_tell(a, &f);
		}
}

/* ---- looking at processes and files --------------------------------------------------------- */

int attacher_file(void *ctx, int fd, const char *path)
{
	struct attacher *a = ctx;

	if (a->looking)
		attacher_tell_library(a, a->looking, path);
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

int attacher_process(void *ctx, pid_t pid)
{
	struct attacher *a = ctx;
	char cgroup[LIMIT_CGROUP_PATH];
	int r;

	if (attacher_own(a, pid) || scope_cgroup(a->scope, pid, cgroup, sizeof(cgroup)) < 0 ||
	    !scope_observed(a->scope, str_of(cgroup)) || !pick_process(a->pick, pid))
		return 0;
	attacher_tell_process(a, pid, cgroup);
	a->looking = pid;
	r = proc_code(pid, attacher_file, a);
	a->looking = 0;
	return r == -EPIPE || r == -ENOMEM || r == -ETIMEDOUT ? r : 0;
}

int attacher_fact(void *ctx, pid_t pid)
{
	struct attacher *a = ctx;
	char cgroup[LIMIT_CGROUP_PATH];

	if (!attacher_own(a, pid) && scope_cgroup(a->scope, pid, cgroup, sizeof(cgroup)) == 0 &&
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

int attacher_mapped(void *ctx, const struct mapping *m)
{
	struct attacher *a = ctx;
	char cgroup[LIMIT_CGROUP_PATH];
	int fd, r;

	if (attacher_own(a, m->tgid))
		return 0;
	r = scope_cgroup(a->scope, m->tgid, cgroup, sizeof(cgroup));
	if (r < 0)
		return attacher_gone(a, m);
	if (!scope_observed(a->scope, str_of(cgroup)) || !pick_process(a->pick, m->tgid))
		return 0;
	if (proc_open(m->tgid, m->start, m->end, m->path.p, &fd) < 0)
		return attacher_gone(a, m);
	/* the probes first: the process is running towards its first call */
	r = targets_look(a->targets, fd, m->path.p);
	close(fd);
	attacher_tell_process(a, m->tgid, cgroup);
	attacher_tell_library(a, m->tgid, m->path.p);
	return r;
}

void attacher_again(struct attacher *a, uint64_t in_ns)
{
	uint64_t at = clock_boot_ns() + in_ns;

	a->rescan_at = a->rescan ? MIN(a->rescan_at, at) : at;
	a->rescan = true;
}

/* ---- folders -------------------------------------------------------------------------------- */

static void attacher_folder_state(struct attacher *a)
{
	bool full;

	a->board->folder_watches = (uint32_t)folderwatch_count(a->folders, &full);
	a->board->folder_full = full;
	if (full && !a->folders_refused)
		log_warn(0,
			 "observe.folders: only %u folders are watched; what appears in the others "
			 "is seen at its first "
			 "use, or within a minute",
			 a->board->folder_watches);
	a->folders_refused |= full;
}

int attacher_folders(struct attacher *a)
{
	const struct conf_list *l = &a->board->conf.folders;
	size_t left = LIMIT_FOLDER_ENTRIES;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < l->count; i++)
		r = folderwatch_look(a->folders, l->item[i], &left);
	if (left == 0)
		log_warn(0, "observe.folders: the search ended after %d entries",
			 LIMIT_FOLDER_ENTRIES);
	attacher_folder_state(a);
	return r;
}

int attacher_folder_events(struct attacher *a)
{
	bool lost;
	int r = folderwatch_drain(a->folders, &lost);

	if (r == 0 && lost)
		r = attacher_folders(a);
	attacher_folder_state(a);
	return r;
}
