#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/limit.h"
#include "base/obj.h"
#include "host/proc.h"

#define PROC_NAME 64
#define PROC_NS   1000000000ull

static void proc_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void proc_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* A process that is gone shows as a missing file or as a read that fails. */
static int proc_errno(int e)
{
	return e == ENOENT ? -ESRCH : -e;
}

static int proc_read(pid_t pid, const char *name, char *ret, size_t room, size_t *ret_n)
{
	char path[PROC_NAME];
	_cleanup_(proc_close) int fd = -1;
	size_t n = 0;
	ssize_t r;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return proc_errno(errno);
	while (n < room - 1 && (r = read(fd, ret + n, room - 1 - n)) != 0) {
		if (r < 0)
			return -errno;
		n += (size_t)r;
	}
	ret[n] = '\0';
	*ret_n = n;
	return n ? 0 : -ESRCH;
}

uint64_t proc_tick_ns(void)
{
	return PROC_NS / (uint64_t)sysconf(_SC_CLK_TCK);
}

int proc_start_ns(pid_t pid, uint64_t *ret)
{
	char text[1024], *p;
	uint64_t ticks;
	size_t n;
	int r = proc_read(pid, "stat", text, sizeof(text), &n);

	if (r < 0)
		return r;
	/* field 2 is the name in brackets and may hold anything; 20 fields after it is the start */
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p)
		return -EBADMSG;
	ticks = strtoull(p + 1, NULL, 10);
	*ret = ticks * proc_tick_ns();
	return 0;
}

/* "0::/a", "7:cpu,cpuacct:/a", "1:name=systemd:/a": leaves the path */
static bool proc_cgroup_line(struct str *line, enum cgroup_hierarchy h)
{
	struct str want = h == CGROUP_SYSTEMD ? S("name=systemd") : str_of(cgroup_name(h));
	struct str number, list, one;

	if (!str_cut(line, &number, ':') || !str_cut(line, &list, ':'))
		return false;
	if (h == CGROUP_V2)
		return str_eq(number, S("0")) && list.n == 0;
	while (str_cut(&list, &one, ','))
		if (str_eq(one, want))
			return true;
	return str_eq(list, want);
}

int proc_cgroup(pid_t pid, enum cgroup_hierarchy h, char *ret, size_t room)
{
	char text[2 * LIMIT_CGROUP_PATH];
	struct str rest, line;
	size_t n;
	int r = proc_read(pid, "cgroup", text, sizeof(text), &n);

	if (r < 0)
		return r;
	rest = (struct str){ text, n };
	while (str_cut(&rest, &line, '\n')) {
		if (!proc_cgroup_line(&line, h))
			continue;
		if (str_ends(line, S(" (deleted)")))
			line.n -= S(" (deleted)").n;
		if (line.n >= room)
			return -ENAMETOOLONG;
		memcpy(ret, line.p, line.n);
		ret[line.n] = '\0';
		return 0;
	}
	return -ENOENT;
}

int proc_exe(pid_t pid, char *ret, size_t room)
{
	char path[PROC_NAME], text[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, text, sizeof(text));
	if (n < 0)
		return proc_errno(errno);
	if ((size_t)n >= room || (size_t)n == sizeof(text))
		return -ENAMETOOLONG;
	memcpy(ret, text, (size_t)n);
	ret[n] = '\0';
	return 0;
}

int proc_uid(pid_t pid, uint32_t *ret)
{
	char text[4096], *p;
	size_t n;
	int r = proc_read(pid, "status", text, sizeof(text), &n);

	if (r < 0)
		return r;
	p = strstr(text, "\nUid:\t");
	if (!p)
		return -EBADMSG;
	*ret = (uint32_t)strtoul(p + 6, NULL, 10);
	return 0;
}

int proc_pids(int (*fn)(void *ctx, pid_t pid), void *ctx)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int r = 0;

	if (!d)
		return -errno;
	while (r == 0 && (e = readdir(d))) {
		uint64_t pid;

		if (str_u64(str_of(e->d_name), &pid) == 0 && pid > 0 && pid <= INT_MAX)
			r = fn(ctx, (pid_t)pid);
	}
	closedir(d);
	return r;
}

/* O_NONBLOCK: what looks like a library may be a pipe by the time we open it. */
static int proc_open_file(const char *path, int *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -ENOENT;
	}
	*ret = fd;
	return 0;
}

int proc_open(pid_t pid, uint64_t start, uint64_t end, const char *path, int *ret)
{
	char name[PATH_MAX + PROC_NAME];
	int r;

	snprintf(name, sizeof(name), "/proc/%d/map_files/%lx-%lx", pid, start, end);
	r = proc_open_file(name, ret);
	if (r == 0 || path[0] != '/')
		return r;
	snprintf(name, sizeof(name), "/proc/%d/root%s", pid, path);
	return proc_open_file(name, ret) == 0 ? 0 : r;
}

struct proc_map {
	uint64_t start, end, major, minor, ino;
	char path[PATH_MAX];
};

/* Cuts a hexadecimal number that ends with `end` off the front. */
static bool proc_hex(struct str *rest, char end, uint64_t *ret)
{
	struct str digits;
	uint64_t n = 0;

	if (!str_cut(rest, &digits, end) || digits.n == 0 || digits.n > 16)
		return false;
	for (size_t i = 0; i < digits.n; i++) {
		const char *all = "0123456789abcdef", *at = memchr(all, digits.p[i], 16);

		if (!at)
			return false;
		n = n << 4 | (uint64_t)(at - all);
	}
	*ret = n;
	return true;
}

/* "7f..-7f.. r-xp 00000000 08:01 1234    /usr/lib/x.so"; false unless a file is mapped executable */
static bool proc_map_line(struct str line, struct proc_map *ret)
{
	struct str mode, ino;
	uint64_t offset;

	if (str_ends(line, S("\n")))
		line.n--;
	if (!proc_hex(&line, '-', &ret->start) || !proc_hex(&line, ' ', &ret->end) ||
	    !str_cut(&line, &mode, ' ') || !proc_hex(&line, ' ', &offset) ||
	    !proc_hex(&line, ':', &ret->major) || !proc_hex(&line, ' ', &ret->minor) ||
	    !str_cut(&line, &ino, ' ') || str_u64(ino, &ret->ino) < 0)
		return false;
	if (mode.n < 3 || mode.p[2] != 'x' || ret->ino == 0)
		return false;
	line = str_trim(line);
	snprintf(ret->path, sizeof(ret->path), STR_FMT, STR_ARG(line));
	return true;
}

struct proc_seen {
	uint64_t (*key)[2];
	size_t count, room;
};

static void proc_seen_done(struct proc_seen *s)
{
	mem_free(s->key);
}

static int proc_seen_add(struct proc_seen *s, uint64_t dev, uint64_t ino)
{
	for (size_t i = s->count; i-- > 0;)
		if (s->key[i][0] == dev && s->key[i][1] == ino)
			return -EEXIST;
	if (s->count == LIMIT_PROC_MAPPED)
		return -EMSGSIZE;
	if (s->count == s->room) {
		size_t room = s->room ? 2 * s->room : 64;
		void *p = mem_grow(s->key, room, sizeof(*s->key));

		if (!p)
			return -ENOMEM;
		s->key = p;
		s->room = room;
	}
	s->key[s->count][0] = dev;
	s->key[s->count++][1] = ino;
	return 0;
}

int proc_code(pid_t pid, int (*fn)(void *ctx, int fd, const char *path), void *ctx)
{
	_cleanup_(proc_seen_done) struct proc_seen seen = { 0 };
	_cleanup_(proc_fclose) FILE *f = NULL;
	char name[PROC_NAME], line[PATH_MAX + 128];
	struct proc_map m;
	int r, fd;

	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	f = fopen(name, "re");
	if (!f)
		return proc_errno(errno);
	while (fgets(line, sizeof(line), f)) {
		if (!proc_map_line(str_of(line), &m))
			continue;
		r = proc_seen_add(&seen, m.major << 32 | m.minor, m.ino);
		if (r == -EEXIST)
			continue;
		if (r == -EMSGSIZE)
			return 0;
		if (r < 0)
			return r;
		if (proc_open(pid, m.start, m.end, m.path, &fd) < 0)
			continue;
		r = fn(ctx, fd, m.path);
		close(fd);
		if (r < 0)
			return r;
	}
	return ferror(f) ? -ESRCH : 0;
}
