#include <fnmatch.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "app/errand.h"
#include "app/fdpass.h"
#include "app/targets.h"
#include "base/clock.h"
#include "base/log.h"

const char target_lie[] = "the signature matched another function: first bytes were not HTTP";

/* ---- what is known -------------------------------------------------------------------------- */

static uint64_t target_ns(struct timespec t)
{
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

int target_stat(int fd, struct target *ret)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOENT;
	*ret = (struct target){ .key = { st.st_dev, st.st_ino }, .watch = -1 };
	ret->size = (uint64_t)st.st_size;
	ret->mtime_ns = target_ns(st.st_mtim);
	ret->ctime_ns = target_ns(st.st_ctim);
	if (fs.f_type == OVERLAYFS_SUPER_MAGIC)
		ret->key.dev = MSG_OVERLAY_DEV(ret->ctime_ns);
	return 0;
}

bool target_same(const struct target *a, const struct target *b)
{
	return a->size == b->size && a->mtime_ns == b->mtime_ns;
}

static bool target_overlay(const struct target *e)
{
	return e->key.dev >> 63;
}

/* A file of an overlay is one inode with the lower file behind it, which may be attached by its own name. The same number,
 * size and times to the nanosecond say so. */
static struct target *target_twin(struct targets *t, const struct target *seen)
{
	struct target *e, *next;

	HASH_ITER (hh, t->all, e, next)
		if (e->state == TARGET_ATTACHED && e->key.ino == seen->key.ino &&
		    target_same(e, seen) && (!e->ctime_ns || e->ctime_ns == seen->ctime_ns) &&
		    target_overlay(e) != target_overlay(seen))
			return e;
	return NULL;
}

struct target *target_find(struct targets *t, const struct target_key *key)
{
	struct target *e;

	HASH_FIND(hh, t->all, key, sizeof(*key), e);
	return e;
}

void target_forget(struct targets *t, struct target *e)
{
	if (e->watch >= 0)
		inotify_rm_watch(t->inotify, e->watch);
	HASH_DEL(t->all, e);
	mem_free(e->site);
	mem_free(e);
}

int target_add(struct targets *t, const struct target *seen, struct target **ret)
{
	struct target *e, *old, *next;

	if (HASH_COUNT(t->all) >= LIMIT_TARGETS)
		HASH_ITER (hh, t->all, old, next)
			if (old->state != TARGET_ATTACHED) {
				target_forget(t, old);
				break;
			}
	e = mem_zero(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	*e = *seen;
	HASH_ADD(hh, t->all, key, sizeof(e->key), e);
	if (!e->hh.tbl) {
		mem_free(e);
		return -ENOMEM;
	}
	*ret = e;
	return 0;
}

/* ---- attaching ------------------------------------------------------------------------------ */

void target_detached(struct targets *t, struct target *e, enum target_state now)
{
	struct board_target *row = target_own_row(e);

	if (e->watch >= 0)
		inotify_rm_watch(t->inotify, e->watch);
	e->watch = -1;
	mem_free(e->site);
	e->site = NULL;
	e->sites = 0;
	e->owed = false;
	e->state = now;
	if (row)
		__atomic_store_n(&row->state, now, __ATOMIC_RELEASE);
}

int target_drop(struct targets *t, struct target *e, enum target_state now)
{
	struct keep k = { .op = KEEP_DROP, .dev = e->key.dev, .ino = e->key.ino };
	const struct board_target *row = target_own_row(e);
	struct fact f = { .op = FACT_LET_GO, .tgid = row ? row->number : 0 };
	int r;

	target_detached(t, e, now);
	r = errand_keep(t->world, &k, NULL, 0);
	/* a meter that takes nothing now hears of these calls when their processes end */
	if (r == 0 && f.tgid &&
	    fdpass_send(t->world->chan[CHAN_FACT][0], &f, sizeof(f), NULL, 0, MSG_DONTWAIT) < 0)
		log_debug("the meter does not hear that a file was let go");
	return r;
}

void target_refuse(struct targets *t, struct target *e, const char *path, const char *why)
{
	e->state = TARGET_REFUSED;
	target_show(t, e, path, why);
	log_warn(0, "%s: not metered: %s", path, why);
}

static void target_refuse_error(struct targets *t, struct target *e, const char *path, int r,
				const char *what)
{
	char why[sizeof(e->row->why)];

	snprintf(why, sizeof(why), "%s: %s", what, strerror(-r));
	target_refuse(t, e, path, why);
}

static int target_watch(struct targets *t, struct target *e, int fd)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	e->watch = inotify_add_watch(t->inotify, name, IN_MODIFY | IN_CLOSE_WRITE);
	return e->watch < 0 ? -errno : 0;
}

/* Written to since the finder was asked: its offsets are of another file. */
static bool target_changed(struct target *e, int fd)
{
	struct target now;

	if (target_stat(fd, &now) == 0 && target_same(&now, e))
		return false;
	e->ctime_ns = 0; /* ask again next time */
	return true;
}

/* These sites, kept by the supervisor. 1: refused, and shown. */
static int target_links(struct targets *t, struct target *e, int fd, const char *path,
			struct keep *k, const struct site *site, size_t sites)
{
	int link[KERNEL_LINKS], r;
	size_t count = 0;

	k->dev = e->key.dev;
	k->ino = e->key.ino;
	k->mtime_ns = e->mtime_ns;
	k->size = e->size;
	k->owed = e->owed;
	r = kernel_attach(&t->world->kernel, fd, k->target, site, sites, link, &count);
	if (r < 0) {
		target_refuse_error(t, e, path, r, "the kernel refused the probes");
		return 1;
	}
	k->count = (uint32_t)count;
	r = errand_keep(t->world, k, link, count);
	while (count)
		close(link[--count]);
	if (r == -ENOSPC) {
		target_refuse_error(t, e, path, r, "too many files are attached already");
		return 1;
	}
	return r;
}

static int target_attach(struct targets *t, struct target *e, int fd, const char *path,
			 const struct find_answer *a)
{
	struct keep k = { .op = KEEP_LINKS };
	struct site *site;
	int r;

	/* a probe in a file that is written to kills who runs into it: none where nobody would tell */
	r = target_watch(t, e, fd);
	if (r < 0) {
		target_refuse_error(t, e, path, r, "it cannot be watched for changes");
		return 0;
	}
	if (target_changed(e, fd))
		return 0;
	site = mem_zero(a->count, sizeof(*site));
	if (!site)
		return -ENOMEM;
	memcpy(site, a->site, a->count * sizeof(*site));
	k.target = target_number(t, e);
	if (!k.target) {
		mem_free(site);
		target_refuse_error(t, e, path, -ENOSPC, "too many files are attached already");
		return 0;
	}
	r = target_links(t, e, fd, path, &k, site, a->count);
	if (r != 0) {
		mem_free(site);
		return MIN(r, 0);
	}
	mem_free(e->site);
	e->site = site;
	e->sites = a->count;
	e->state = TARGET_ATTACHED;
	target_show(t, e, path, a->why);
	log_info("metering %s: %u functions (%s)", path, a->count,
		 a->build_id[0] ? a->build_id : "no build id");
	return 0;
}

static bool target_has(const struct target *e, const struct site *s)
{
	for (uint32_t i = 0; i < e->sites; i++)
		if (e->site[i].row == s->row && e->site[i].leave == s->leave &&
		    e->site[i].offset == s->offset)
			return true;
	return false;
}

/* A deep look at a file that has probes. What it adds comes beside them, without a moment without probes. Where it says
 * that one is to be elsewhere the old ones go first: the time between is lost, but no byte is ever seen twice. */
static int target_more(struct targets *t, struct target *e, int fd, const char *path,
		       const struct find_answer *a)
{
	struct keep k = { .op = KEEP_MORE };
	struct site added[KERNEL_SITES], *site;
	size_t count = 0;
	int r;

	for (uint32_t i = 0; i < a->count; i++)
		if (!target_has(e, &a->site[i]))
			added[count++] = a->site[i];
	if (a->count - count != e->sites) {
		r = target_drop(t, e, TARGET_GONE);
		return r < 0 ? r : target_attach(t, e, fd, path, a);
	}
	if (target_changed(e, fd))
		return 0;
	site = mem_grow(e->site, e->sites + count, sizeof(*site));
	if (!site)
		return -ENOMEM;
	e->site = site;
	if (!count) { /* told that nothing is owed any more */
		k.dev = e->key.dev;
		k.ino = e->key.ino;
		return errand_keep(t->world, &k, NULL, 0);
	}
	k.target = target_own_row(e) ? e->row->number : 0;
	r = target_links(t, e, fd, path, &k, added, count);
	if (r > 0) { /* those before are kept */
		e->state = TARGET_ATTACHED;
		target_show(t, e, path, "what a search of its code found could not be probed");
	}
	if (r != 0)
		return MIN(r, 0);
	memcpy(e->site + e->sites, added, count * sizeof(*added));
	e->sites += (uint32_t)count;
	target_show(t, e, path, a->why);
	log_info("metering %s: %zu functions more", path, count);
	return 0;
}

/* ---- answers -------------------------------------------------------------------------------- */

void target_strip(const struct targets *t, const struct target *e, struct find_answer *a)
{
	const char *no_returns = t->world->board->no_returns;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < a->count; i++) {
		const char *why = e->distrusted && target_proof(&a->site[i])     ? target_lie
				  : no_returns[0] && target_returns(&a->site[i]) ? no_returns
										 : NULL;

		if (why)
			snprintf(a->why, sizeof(a->why), "%s", why);
		else
			a->site[kept++] = a->site[i];
	}
	a->count = kept;
}

int target_answer(struct targets *t, struct target *e, int fd, const char *path,
		  struct find_answer *a, bool full)
{
	const char *name = strrchr(path, '/');

	a->why[sizeof(a->why) - 1] = a->build_id[sizeof(a->build_id) - 1] = '\0';
	target_strip(t, e, a);
	if (a->count > 0)
		return e->state == TARGET_ATTACHED ? target_more(t, e, fd, path, a)
						   : target_attach(t, e, fd, path, a);
	if (e->state == TARGET_ATTACHED) { /* what the quick look found stays */
		target_say(e, path, a->why);
		return 0;
	}
	e->state = TARGET_EMPTY;
	if (!full)
		return 0;
	if (a->why[0])
		target_refuse(t, e, path, a->why);
	/* a TLS library by its name in which nothing was found deserves a line */
	else if (fnmatch("libssl*", name ? name + 1 : path, 0) == 0)
		target_show(t, e, path, "no known TLS function in it");
	return 0;
}

/* A file that is written to is let go at once, also while the finder is busy with another. */
static int target_idle(void *ctx)
{
	struct targets *t = ctx;
	bool changed;
	int r = targets_changed(t, &changed);

	t->changed |= changed;
	if (r == 0 && !t->off && __atomic_load_n(&t->world->board->off_asked, __ATOMIC_RELAXED))
		r = targets_off(t);
	return r;
}

static int target_examine(struct targets *t, struct target *e, int fd, const char *path)
{
	struct find_answer a;
	int r = errand_find(t->world, &t->asked, fd, target_idle, t, &a);

	if (r == -EPIPE || r == -ENOMEM)
		return r;
	e->state = TARGET_GONE;
	if (t->off)
		return 0;
	if (r < 0) {
		target_refuse_error(t, e, path, r, "the finder gave no answer");
		return 0;
	}
	if (a.r == -ENOEXEC) {
		e->state = TARGET_EMPTY;
		return 0;
	}
	if (a.r < 0) {
		target_refuse_error(t, e, path, a.r, "the finder cannot read it");
		return 0;
	}
	e->owed = a.deeper;
	r = target_answer(t, e, fd, path, &a, !a.deeper);
	if (r == 0 && e->owed)
		target_owe(t, e, fd, path);
	return r;
}

/* ---- looking -------------------------------------------------------------------------------- */

/* It was looked at already, and is as it was then. */
static bool target_known(struct targets *t, struct target *e, const struct target *seen, int fd,
			 const char *path)
{
	struct board_target *row = target_own_row(e);

	if (!target_same(e, seen))
		return false;
	/* an attacher before us left it half done, and did not say with which sites */
	if (e->state == TARGET_ATTACHED && e->owed && !e->site)
		return false;
	if (e->state == TARGET_ATTACHED && e->watch < 0 /* taken over */ &&
	    target_watch(t, e, fd) < 0)
		return false;
	if (e->state == TARGET_ATTACHED && row && !row->path[0])
		snprintf(row->path, sizeof(row->path), "%s", path);
	if (e->state != TARGET_ATTACHED &&
	    (e->state == TARGET_GONE || e->ctime_ns != seen->ctime_ns))
		return false;
	if (e->owed)
		target_owe(t, e, fd, path);
	return true;
}

int target_refuse_denied(struct targets *t, struct target *e, const char *path)
{
	int r = e->state == TARGET_ATTACHED ? target_drop(t, e, TARGET_GONE) : 0;

	if (e->state == TARGET_DENIED)
		return r;
	e->state = TARGET_DENIED;
	target_show(t, e, path, "by observe.deny");
	return r;
}

int targets_look(struct targets *t, int fd, const char *path)
{
	struct target seen, *e;
	int r;

	obj_check(t, TARGETS_MAGIC);
	if (t->off || target_stat(fd, &seen) < 0)
		return 0;
	e = target_find(t, &seen.key);
	if (!e)
		e = target_twin(t, &seen);
	if (e)
		e->unseen = e->gone = 0;
	if (pick_denied(t->pick, path, seen.key.dev, seen.key.ino)) {
		r = e ? 0 : target_add(t, &seen, &e);
		return r < 0 ? r : target_refuse_denied(t, e, path);
	}
	if (e && target_known(t, e, &seen, fd, path))
		return 0;
	if (e && e->state == TARGET_ATTACHED) {
		r = target_drop(t, e, TARGET_GONE);
		if (r < 0)
			return r;
	}
	if (!e) {
		r = target_add(t, &seen, &e);
		if (r < 0)
			return r;
	}
	if (!target_same(e, &seen))
		e->distrusted = false;
	e->size = seen.size;
	e->mtime_ns = seen.mtime_ns;
	e->ctime_ns = seen.ctime_ns;
	return target_examine(t, e, fd, path);
}
