#include <linux/magic.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "app/errand.h"
#include "app/target.h"
#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/table.h"

#define UNSEEN_ROUNDS 2

static const char *const families[] = {
#define TLS(row, family, function, shape, dir, finder, tried) family,
#include "tbl/tls.h"
#undef TLS
};

struct target {
	struct target_key {
		uint64_t dev, ino;
	} key;
	uint64_t size, mtime_ns, ctime_ns;
	enum target_state state;
	unsigned unseen;          /* rounds since a look came by */
	int watch;                /* inotify; -1 = none */
	struct board_target *row; /* may be NULL: the board is full */
	UT_hash_handle hh;        /* in order of arrival */
};

struct targets {
	unsigned magic;
#define TARGETS_MAGIC 0x54617267u
	struct world *world;
	struct target *all;
	uint64_t asked; /* id of the last question to the finder */
	int inotify;
	bool changed; /* seen while we waited for the finder, not told yet */
};

/* ---- what is known -------------------------------------------------------------------------- */

static uint64_t target_ns(struct timespec t)
{
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static int target_stat(int fd, struct target *ret)
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
		    e->size == seen->size && e->mtime_ns == seen->mtime_ns &&
		    (!e->ctime_ns || e->ctime_ns == seen->ctime_ns) &&
		    target_overlay(e) != target_overlay(seen))
			return e;
	return NULL;
}

static struct board_target *target_row(struct targets *t, const struct target_key *key)
{
	struct board *b = t->world->board;
	struct board_target *spare = NULL;

	for (uint32_t i = 0; i < b->target_count; i++) {
		struct board_target *row = &b->target[i];

		if (row->dev == key->dev && row->ino == key->ino)
			return row;
		if (row->state != TARGET_ATTACHED)
			spare = row;
	}
	return b->target_count < BOARD_TARGETS ? &b->target[b->target_count] : spare;
}

static void target_show(struct targets *t, struct target *e, uint32_t sites, const char *family,
			const char *path, const char *why)
{
	struct board *b = t->world->board;
	struct board_target *row = e->row ? e->row : target_row(t, &e->key);

	e->row = row;
	if (!row)
		return;
	row->dev = e->key.dev;
	row->ino = e->key.ino;
	row->sites = sites;
	row->attached_ns = e->state == TARGET_ATTACHED ? clock_utc_ns() : 0;
	snprintf(row->family, sizeof(row->family), "%s", family);
	snprintf(row->path, sizeof(row->path), "%s", path);
	snprintf(row->why, sizeof(row->why), "%s", why);
	__atomic_store_n(&row->state, e->state, __ATOMIC_RELEASE);
	if (row == &b->target[b->target_count])
		__atomic_store_n(&b->target_count, b->target_count + 1, __ATOMIC_RELEASE);
}

static void target_forget(struct targets *t, struct target *e)
{
	if (e->watch >= 0)
		inotify_rm_watch(t->inotify, e->watch);
	HASH_DEL(t->all, e);
	mem_free(e);
}

static int target_add(struct targets *t, const struct target *seen, struct target **ret)
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

static int target_drop(struct targets *t, struct target *e)
{
	struct keep k = { .op = KEEP_DROP, .dev = e->key.dev, .ino = e->key.ino };

	if (e->watch >= 0)
		inotify_rm_watch(t->inotify, e->watch);
	e->watch = -1;
	e->state = TARGET_GONE;
	if (e->row)
		__atomic_store_n(&e->row->state, TARGET_GONE, __ATOMIC_RELEASE);
	return errand_keep(t->world, &k, NULL, 0);
}

static void target_refuse(struct targets *t, struct target *e, const char *path, int r,
			  const char *what)
{
	char why[sizeof(e->row->why)];

	e->state = TARGET_REFUSED;
	snprintf(why, sizeof(why), "%s: %s", what, strerror(-r));
	target_show(t, e, 0, "", path, why);
	log_warn(r, "%s: not metered: %s", path, what);
}

static void target_watch(struct targets *t, struct target *e, int fd)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	e->watch = inotify_add_watch(t->inotify, name, IN_MODIFY | IN_CLOSE_WRITE);
	if (e->watch < 0)
		log_debug("cannot watch a file for changes: %s", strerror(errno));
}

static int target_attach(struct targets *t, struct target *e, int fd, const char *path,
			 const struct find_answer *a)
{
	struct keep k = { .op = KEEP_LINKS,
			  .dev = e->key.dev,
			  .ino = e->key.ino,
			  .mtime_ns = e->mtime_ns,
			  .size = e->size };
	int link[KERNEL_LINKS], r;
	struct target now;
	size_t count = 0;

	target_watch(t, e, fd);
	/* written to since the finder was asked: its offsets are of another file */
	if (target_stat(fd, &now) < 0 || now.mtime_ns != e->mtime_ns || now.size != e->size) {
		e->ctime_ns = 0; /* ask again next time */
		return 0;
	}
	r = kernel_attach(&t->world->kernel, fd, 0, a->site, a->count, link, &count);
	if (r < 0) {
		target_refuse(t, e, path, r, "the kernel refused the probes");
		return 0;
	}
	k.count = (uint32_t)count;
	r = errand_keep(t->world, &k, link, count);
	while (count)
		close(link[--count]);
	if (r == -ENOSPC) {
		target_refuse(t, e, path, r, "too many files are attached already");
		return 0;
	}
	if (r < 0)
		return r;
	e->state = TARGET_ATTACHED;
	target_show(t, e, a->count, families[a->site[0].row % COUNT_OF(families)], path, "");
	log_info("metering %s: %u functions (%s)", path, a->count,
		 a->build_id[0] ? a->build_id : "no build id");
	return 0;
}

/* A file that is written to is let go at once, also while the finder is busy with another. */
static int target_idle(void *ctx)
{
	struct targets *t = ctx;
	bool changed;
	int r = targets_changed(t, &changed);

	t->changed |= changed;
	return r;
}

static int target_examine(struct targets *t, struct target *e, int fd, const char *path)
{
	const char *name = strrchr(path, '/');
	struct find_answer a;
	int r = errand_find(t->world, &t->asked, fd, target_idle, t, &a);

	if (r == -EPIPE || r == -ENOMEM)
		return r;
	e->state = TARGET_EMPTY;
	if (r < 0) {
		target_refuse(t, e, path, r, "the finder gave no answer");
		return 0;
	}
	if (a.r < 0 && a.r != -ENOEXEC) {
		target_refuse(t, e, path, a.r, "the finder cannot read it");
		return 0;
	}
	if (a.r == 0 && a.count > 0)
		return target_attach(t, e, fd, path, &a);
	/* a TLS library by its name in which nothing was found deserves a line */
	if (strncmp(name ? name + 1 : path, "libssl", 6) == 0)
		target_show(t, e, 0, "", path, "no known TLS function in it");
	return 0;
}

int targets_look(struct targets *t, int fd, const char *path)
{
	struct target seen, *e;
	int r;

	obj_check(t, TARGETS_MAGIC);
	if (target_stat(fd, &seen) < 0)
		return 0;
	HASH_FIND(hh, t->all, &seen.key, sizeof(seen.key), e);
	if (!e)
		e = target_twin(t, &seen);
	if (e)
		e->unseen = 0;
	if (e && e->state == TARGET_ATTACHED && e->size == seen.size &&
	    e->mtime_ns == seen.mtime_ns) {
		if (e->watch < 0) /* taken over from an attacher that died */
			target_watch(t, e, fd);
		if (e->row && !e->row->path[0])
			snprintf(e->row->path, sizeof(e->row->path), "%s", path);
		return 0;
	}
	if (e && e->state != TARGET_ATTACHED && e->state != TARGET_GONE && e->size == seen.size &&
	    e->mtime_ns == seen.mtime_ns && e->ctime_ns == seen.ctime_ns)
		return 0;
	if (e && e->state == TARGET_ATTACHED) {
		r = target_drop(t, e);
		if (r < 0)
			return r;
	}
	if (!e) {
		r = target_add(t, &seen, &e);
		if (r < 0)
			return r;
	}
	e->size = seen.size;
	e->mtime_ns = seen.mtime_ns;
	e->ctime_ns = seen.ctime_ns;
	return target_examine(t, e, fd, path);
}

/* ---- changes -------------------------------------------------------------------------------- */

int targets_fd(const struct targets *t)
{
	obj_check(t, TARGETS_MAGIC);
	return t->inotify;
}

static int target_event(struct targets *t, const struct inotify_event *ev)
{
	struct target *e, *next;

	HASH_ITER (hh, t->all, e, next) {
		if (e->watch != ev->wd)
			continue;
		if (ev->mask & IN_IGNORED)
			e->watch = -1;
		if (!(ev->mask & IN_MODIFY) || e->state != TARGET_ATTACHED)
			continue;
		log_warn(0, "%s is written to while programs use it: let go",
			 e->row ? e->row->path : "a library");
		return target_drop(t, e);
	}
	return 0;
}

int targets_changed(struct targets *t, bool *ret_rescan)
{
	_Alignas(struct inotify_event) char bytes[4096];
	ssize_t n;
	int r;

	obj_check(t, TARGETS_MAGIC);
	*ret_rescan = t->changed;
	t->changed = false;
	while ((n = read(t->inotify, bytes, sizeof(bytes))) > 0) {
		const struct inotify_event *ev;

		for (char *p = bytes; p < bytes + n; p += sizeof(*ev) + ev->len) {
			ev = (const void *)p;
			*ret_rescan = true;
			r = target_event(t, ev);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* A probe holds its file, and the mount it was reached by: not longer than somebody may use it. */
static bool target_there(const struct target *e)
{
	struct stat st;

	return e->row && stat(e->row->path, &st) == 0 && st.st_dev == e->key.dev &&
	       st.st_ino == e->key.ino;
}

int targets_round(struct targets *t)
{
	struct target *e, *next;
	int r;

	obj_check(t, TARGETS_MAGIC);
	HASH_ITER (hh, t->all, e, next) {
		if (e->state != TARGET_ATTACHED || ++e->unseen <= UNSEEN_ROUNDS || target_there(e))
			continue;
		log_info("%s is gone: let go", e->row ? e->row->path : "a library");
		r = target_drop(t, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int targets_take_over(struct targets *t)
{
	for (size_t i = 0; i < t->world->link_count; i++) {
		const struct links *l = &t->world->links[i];
		struct target seen = { .key = { l->dev, l->ino }, .watch = -1 }, *e;
		int r;

		if (!l->count)
			continue;
		seen.size = l->size;
		seen.mtime_ns = l->mtime_ns;
		seen.state = TARGET_ATTACHED;
		/* else it was not told: 0 */
		if (target_overlay(&seen))
			seen.ctime_ns = seen.key.dev & ~MSG_OVERLAY_DEV(0);
		r = target_add(t, &seen, &e);
		if (r < 0)
			return r;
		/* died before it could say so on the board: the name comes with the next look at the file */
		e->row = target_row(t, &e->key);
		if (!e->row || e->row->dev != l->dev || e->row->ino != l->ino ||
		    e->row->state != TARGET_ATTACHED)
			target_show(t, e, (uint32_t)l->count, "", "", "");
	}
	return 0;
}

int targets_new(struct world *w, struct targets **ret)
{
	_cleanup_(targets_free) struct targets *t = obj_new(t, TARGETS_MAGIC);
	int r;

	if (!t)
		return -ENOMEM;
	t->world = w;
	t->inotify = -1;
	/* questions of an attacher that died may still be answered: its ids are never ours */
	t->asked = clock_boot_ns();
	t->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (t->inotify < 0)
		return -errno;
	r = targets_take_over(t);
	if (r < 0)
		return r;
	*ret = take(t);
	return 0;
}

void targets_free(struct targets **ptr)
{
	struct targets *t = obj_take(ptr, TARGETS_MAGIC);

	if (!t)
		return;
	while (t->all)
		target_forget(t, t->all);
	if (t->inotify >= 0)
		close(t->inotify);
	mem_free(t);
}
