#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/limit.h"
#include "host/folder.h"

struct folder {
	const struct folder_calls *calls;
	void *ctx;
	size_t *left;
	size_t n;
	char path[PATH_MAX];
};

bool folder_wanted(const char *name)
{
	static const char *const wanted[] = {
#define LIBNAME(pattern, what) pattern,
#include "tbl/libname.h"
#undef LIBNAME
	};

	for (size_t i = 0; i < COUNT_OF(wanted); i++)
		if (fnmatch(wanted[i], name, 0) == 0)
			return true;
	return false;
}

static int folder_file(struct folder *f, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r = 0;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		r = f->calls->file(f->ctx, fd, f->path);
	close(fd);
	return r;
}

static int folder_dir(struct folder *f, int fd, unsigned depth);

static int folder_entry(struct folder *f, int dir, const struct dirent *e, unsigned depth)
{
	size_t n = f->n, more = strlen(e->d_name) + 1;
	int fd, r = 0;

	if (more >= sizeof(f->path) - n)
		return 0;
	snprintf(f->path + n, sizeof(f->path) - n, "/%s", e->d_name);
	f->n = n + more;
	if (e->d_type == DT_REG && folder_wanted(e->d_name))
		r = folder_file(f, dir, e->d_name);
	if (e->d_type == DT_DIR && depth < LIMIT_FOLDER_DEPTH) {
		fd = openat(dir, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0)
			r = folder_dir(f, fd, depth + 1);
	}
	f->n = n;
	f->path[n] = '\0';
	return r;
}

static int folder_dir(struct folder *f, int fd, unsigned depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!d) {
		close(fd);
		return 0;
	}
	if (f->calls->dir)
		f->calls->dir(f->ctx, f->path, depth);
	while (r == 0 && *f->left > 0 && (e = readdir(d))) {
		--*f->left;
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = folder_entry(f, dirfd(d), e, depth);
	}
	closedir(d);
	return r;
}

int folder_libs(const char *path, unsigned depth, size_t *left, const struct folder_calls *calls,
		void *ctx)
{
	struct folder f = { .calls = calls, .ctx = ctx, .left = left };
	struct stat st;
	int fd;

	f.n = strlen(path);
	if (f.n >= sizeof(f.path))
		return -ENAMETOOLONG;
	memcpy(f.path, path, f.n);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return folder_dir(&f, fd, depth);
	close(fd);
	return S_ISREG(st.st_mode) ? folder_file(&f, AT_FDCWD, path) : 0;
}
