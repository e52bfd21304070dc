#include <dirent.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/limit.h"
#include "base/obj.h"
#include "host/cgroup.h"

static const char *const names[] = { [CGROUP_AUTO] = "auto",
				     [CGROUP_V2] = "v2",
				     [CGROUP_PIDS] = "pids",
				     [CGROUP_MEMORY] = "memory",
				     [CGROUP_SYSTEMD] = "systemd" };

int cgroup_named(const char *name, enum cgroup_hierarchy *ret)
{
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcmp(name, names[i]) == 0)
			return *ret = (enum cgroup_hierarchy)i, 0;
	return -EINVAL;
}

const char *cgroup_name(enum cgroup_hierarchy h)
{
	return names[h];
}

static int cgroup_close_mounts(FILE *f, int r)
{
	endmntent(f);
	return r;
}

/* A v1 controller may be mounted with others, and anywhere: its options name it. */
static int cgroup_find(enum cgroup_hierarchy h, char *ret, size_t room)
{
	const char *option = h == CGROUP_SYSTEMD ? "name=systemd" : names[h];
	FILE *f = setmntent("/proc/self/mounts", "re");
	char text[4096];
	struct mntent m;

	if (!f)
		return -errno;
	while (getmntent_r(f, &m, text, sizeof(text))) {
		bool v2 = strcmp(m.mnt_type, "cgroup2") == 0;

		if (h == CGROUP_V2
			    ? !v2
			    : v2 || strcmp(m.mnt_type, "cgroup") != 0 || !hasmntopt(&m, option))
			continue;
		return cgroup_close_mounts(f, (size_t)snprintf(ret, room, "%s", m.mnt_dir) >= room
						      ? -ENAMETOOLONG
						      : 0);
	}
	return cgroup_close_mounts(f, -ENOENT);
}

/* A hybrid host need not have taken v2 into use: then everybody is in its root. */
static bool cgroup_used(const char *mount)
{
	struct stat st;

	/* a folder has a link of each folder in it */
	return stat(mount, &st) == 0 && st.st_nlink > 2;
}

int cgroup_mount(enum cgroup_hierarchy *h, char *ret, size_t room)
{
	static const enum cgroup_hierarchy order[] = { CGROUP_V2, CGROUP_SYSTEMD, CGROUP_PIDS };
	int r = -ENOENT;

	if (*h != CGROUP_AUTO)
		return cgroup_find(*h, ret, room);
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < COUNT_OF(order); i++) {
			r = cgroup_find(order[i], ret, room);
			if (r == -ENOENT || (r == 0 && pass == 0 && !cgroup_used(ret)))
				continue;
			*h = order[i];
			return r;
		}
	return r;
}

static bool cgroup_path_ok(const char *path)
{
	size_t n = strlen(path);

	return path[0] == '/' && n < LIMIT_CGROUP_PATH && !strstr(path, "/../") &&
	       !str_ends((struct str){ path, n }, S("/.."));
}

int cgroup_open(const char *mount, const char *path, int *ret)
{
	char full[LIMIT_CGROUP_PATH + 64];
	int fd;

	if (!cgroup_path_ok(path))
		return -EINVAL;
	if ((size_t)snprintf(full, sizeof(full), "%s%s", mount, path) >= sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

int cgroup_id(const char *mount, const char *path, uint64_t *ret)
{
	struct stat st;
	int fd, r;

	r = cgroup_open(mount, path, &fd);
	if (r < 0)
		return r;
	/* on 64 bits the inode number of the directory is the id that bpf_get_current_cgroup_id() gives */
	r = fstat(fd, &st) < 0 ? -errno : 0;
	close(fd);
	if (r == 0)
		*ret = st.st_ino;
	return r;
}

struct cgroup_visit {
	int (*fn)(void *ctx, uint64_t id, struct str path);
	void *ctx;
	char path[LIMIT_CGROUP_PATH];
	size_t n;
};

static int cgroup_visit(struct cgroup_visit *v, int dir, unsigned depth);

static int cgroup_visit_kid(struct cgroup_visit *v, int dir, const char *name, unsigned depth)
{
	size_t n = v->n, more = strlen(name) + 1;
	int fd, r;

	if (more >= sizeof(v->path) - n)
		return 0; /* no limit of the kernel's is as long */
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == EMFILE || errno == ENFILE ? -errno : 0;
	snprintf(v->path + n, sizeof(v->path) - n, "/%s", name);
	v->n = n + more;
	r = cgroup_visit(v, fd, depth + 1);
	v->n = n;
	v->path[n] = '\0';
	return r;
}

static int cgroup_visit(struct cgroup_visit *v, int dir, unsigned depth)
{
	struct dirent *e;
	struct stat st;
	DIR *d;
	int r;

	if (fstat(dir, &st) < 0) {
		close(dir);
		return 0;
	}
	r = v->fn(v->ctx, st.st_ino, v->n ? (struct str){ v->path, v->n } : S("/"));
	d = r == 0 && depth < LIMIT_CGROUP_DEPTH ? fdopendir(dir) : NULL;
	if (!d) {
		close(dir);
		return r;
	}
	while (r == 0 && (e = readdir(d)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			r = cgroup_visit_kid(v, dirfd(d), e->d_name, depth);
	closedir(d);
	return r;
}

int cgroup_walk(const char *mount, const char *path,
		int (*fn)(void *ctx, uint64_t id, struct str path), void *ctx)
{
	struct cgroup_visit v = { .fn = fn, .ctx = ctx };
	int fd, r;

	r = cgroup_open(mount, path, &fd);
	if (r < 0)
		return r;
	v.n = strlen(path);
	while (v.n > 0 && path[v.n - 1] == '/')
		v.n--;
	memcpy(v.path, path, v.n);
	return cgroup_visit(&v, fd, 0);
}

bool cgroup_below(struct str path, struct str root)
{
	while (root.n > 0 && root.p[root.n - 1] == '/')
		root.n--;
	return str_starts(path, root) && (path.n == root.n || path.p[root.n] == '/');
}
