#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/limit.h"
#include "base/table.h"
#include "host/folder.h"

#define FOLDER_EVENTS \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK)

struct folderwatch_dir {
	int wd;
	unsigned depth;
	char *path;
	UT_hash_handle hh;
};

struct folderwatch {
	unsigned magic;
#define FOLDERWATCH_MAGIC 0x466f6c64u
	int (*file)(void *ctx, int fd, const char *path);
	void *ctx;
	int inotify;
	bool full;
	size_t most;
	struct folderwatch_dir *dirs;
};

/* The kernel grants a user so many watches; half of them are for files that have probes. */
static size_t folderwatch_most(void)
{
	FILE *f = fopen("/proc/sys/fs/inotify/max_user_watches", "re");
	char text[32] = "";
	uint64_t all = 2ull * LIMIT_FOLDER_WATCHES;

	if (f) {
		if (fgets(text, sizeof(text), f))
			(void)!str_u64((struct str){ text, strcspn(text, "\n") }, &all);
		fclose(f);
	}
	return MIN(all / 2, (uint64_t)LIMIT_FOLDER_WATCHES);
}

int folderwatch_new(int (*file)(void *ctx, int fd, const char *path), void *ctx,
		    struct folderwatch **ret)
{
	_cleanup_(folderwatch_free) struct folderwatch *w = obj_new(w, FOLDERWATCH_MAGIC);

	if (!w)
		return -ENOMEM;
	w->file = file;
	w->ctx = ctx;
	w->most = folderwatch_most();
	w->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->inotify < 0)
		return -errno;
	*ret = take(w);
	return 0;
}

static void folderwatch_forget(struct folderwatch *w, struct folderwatch_dir *d)
{
	HASH_DEL(w->dirs, d);
	mem_free(d->path);
	mem_free(d);
}

/* The first folder of a walk may be reached by a link, so it is named with a "/." behind. */
static int folderwatch_add(struct folderwatch *w, const char *path)
{
	char name[PATH_MAX];

	if ((size_t)snprintf(name, sizeof(name), "%s/.", path) >= sizeof(name))
		return -1;
	return inotify_add_watch(w->inotify, name, FOLDER_EVENTS);
}

static struct folderwatch_dir *folderwatch_find(struct folderwatch *w, int wd)
{
	struct folderwatch_dir *d;

	HASH_FIND(hh, w->dirs, &wd, sizeof(wd), d);
	return d;
}

static void folderwatch_dir(void *ctx, const char *path, unsigned depth)
{
	struct folderwatch *w = ctx;
	struct folderwatch_dir *d;
	int wd;

	if (HASH_COUNT(w->dirs) >= w->most)
		w->full = true;
	if (w->full)
		return;
	wd = folderwatch_add(w, path);
	if (wd < 0) {
		w->full |= errno == ENOSPC || errno == ENOMEM;
		return;
	}
	d = folderwatch_find(w, wd);
	if (d) { /* known, perhaps by another name since it was moved */
		if (strcmp(d->path, path) == 0)
			return;
		folderwatch_forget(w, d);
	}
	d = mem_zero(1, sizeof(*d));
	if (!d)
		return;
	*d = (struct folderwatch_dir){ .wd = wd, .depth = depth };
	d->path = mem_text(path, strlen(path));
	if (d->path)
		HASH_ADD(hh, w->dirs, wd, sizeof(d->wd), d);
	if (!d->path || !d->hh.tbl) { /* no memory: seen at the next round */
		mem_free(d->path);
		mem_free(d);
	}
}

static int folderwatch_file(void *ctx, int fd, const char *path)
{
	struct folderwatch *w = ctx;

	return w->file(w->ctx, fd, path);
}

static const struct folder_calls calls = { folderwatch_file, folderwatch_dir };

int folderwatch_look(struct folderwatch *w, const char *path, size_t *left)
{
	obj_check(w, FOLDERWATCH_MAGIC);
	return folder_libs(path, 0, left, &calls, w);
}

/* What was made is still to be written, and is told again when it is closed; what was linked is whole. */
static int folderwatch_open(struct folderwatch *w, const char *path, bool made)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY), r = 0;
	struct stat st;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (!made || st.st_nlink > 1))
		r = w->file(w->ctx, fd, path);
	close(fd);
	return r;
}

static int folderwatch_event(struct folderwatch *w, const struct inotify_event *ev)
{
	size_t left = LIMIT_FOLDER_ENTRIES;
	struct folderwatch_dir *d;
	char path[PATH_MAX];

	d = folderwatch_find(w, ev->wd);
	if (!d)
		return 0;
	if (ev->mask & IN_IGNORED) {
		folderwatch_forget(w, d);
		return 0;
	}
	if (!ev->len ||
	    (size_t)snprintf(path, sizeof(path), "%s/%s", d->path, ev->name) >= sizeof(path))
		return 0;
	if (ev->mask & IN_ISDIR)
		return d->depth < LIMIT_FOLDER_DEPTH
			       ? folder_libs(path, d->depth + 1, &left, &calls, w)
			       : 0;
	return folder_wanted(ev->name) ? folderwatch_open(w, path, ev->mask & IN_CREATE) : 0;
}

int folderwatch_fd(const struct folderwatch *w)
{
	obj_check(w, FOLDERWATCH_MAGIC);
	return w->inotify;
}

int folderwatch_drain(struct folderwatch *w, bool *ret_lost)
{
	_Alignas(struct inotify_event) char bytes[16384];
	const struct inotify_event *ev;
	ssize_t n;
	int r = 0;

	obj_check(w, FOLDERWATCH_MAGIC);
	*ret_lost = false;
	while (r == 0 && (n = read(w->inotify, bytes, sizeof(bytes))) > 0)
		for (char *p = bytes; r == 0 && p < bytes + n; p += sizeof(*ev) + ev->len) {
			ev = (const void *)p;
			*ret_lost |= (ev->mask & IN_Q_OVERFLOW) != 0;
			r = folderwatch_event(w, ev);
		}
	return r;
}

size_t folderwatch_count(const struct folderwatch *w, bool *ret_full)
{
	obj_check(w, FOLDERWATCH_MAGIC);
	*ret_full = w->full;
	return HASH_COUNT(w->dirs);
}

void folderwatch_free(struct folderwatch **ptr)
{
	struct folderwatch *w = obj_take(ptr, FOLDERWATCH_MAGIC);

	if (!w)
		return;
	while (w->dirs)
		folderwatch_forget(w, w->dirs);
	if (w->inotify >= 0)
		close(w->inotify);
	mem_free(w);
}
