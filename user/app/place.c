#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "app/place.h"
#include "app/priv.h"
#include "base/log.h"

#define LOCK_NAME  "submeterd.lock"
#define LOCK_TRIES 60
#define LOCK_NS    50000000
#define BACKLOG    64

/* Like mkdir -p. */
static int place_make(const char *path)
{
	char part[PATH_MAX];
	size_t n = strlen(path);

	if (n >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* Nothing in it, or only the lock of an earlier start. */
static bool place_empty(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	bool empty = d != NULL;
	struct dirent *e;

	if (!d && fd >= 0)
		close(fd);
	while (empty && (e = readdir(d)))
		empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
			strcmp(e->d_name, LOCK_NAME) == 0;
	if (d)
		closedir(d);
	return empty;
}

static int place_give(const char *path, uint32_t uid, uint32_t gid)
{
	int r = place_make(path), fd;

	if (r < 0)
		return log_err(r, "cannot make the folder '%s'", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return log_err(-errno, "cannot open the folder '%s'", path);
	/* what has content was given to somebody already; whether it fits is tried out below */
	if (place_empty(fd) && (fchown(fd, uid, gid) < 0 || fchmod(fd, 0750) < 0))
		r = log_err(-errno, "cannot give the folder '%s' to uid %u", path, uid);
	close(fd);
	return r;
}

/* ---- trying, as the role ---------------------------------------------------------------------- */

struct place_need {
	enum role role;
	const char *path;
	int mode;      /* of access(2), for the last component */
	bool optional; /* may be absent */
};

static int place_try(const struct place_need *n, const struct world *w)
{
	char part[PATH_MAX];
	size_t length = strlen(n->path);
	uint32_t uid = w->uid[n->role];

	if (length == 0 || length >= sizeof(part))
		return 0;
	for (size_t i = 1; i <= length; i++) {
		bool last = n->path[i] == '\0';

		if (!last && n->path[i] != '/')
			continue;
		memcpy(part, n->path, i);
		part[i] = '\0';
		if (faccessat(AT_FDCWD, part, last ? n->mode : X_OK, AT_EACCESS) == 0)
			continue;
		if (errno == ENOENT && n->optional)
			return 0;
		if (last)
			return log_err(-errno,
				       "the %s (uid %u) cannot %s '%s'. Let it: chown -R %u:%u %s",
				       priv_name(n->role), uid, n->mode & W_OK ? "write" : "read",
				       part, w->uid[ROLE_METER], w->desk_gid, part);
		return log_err(-errno,
			       "the %s (uid %u) cannot pass '%s' on the way to '%s'. Open it with "
			       "chmod o+x %s, or choose another place",
			       priv_name(n->role), uid, part, n->path, part);
	}
	return 0;
}

static int place_try_all(const struct world *w, const struct place_need *need, size_t count)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return log_err(-errno, "cannot fork");
	if (pid == 0) {
		int r = priv_become(w->uid[need->role], w->gid[need->role]);

		if (r < 0)
			log_err(r, "cannot become uid %u", w->uid[need->role]);
		for (size_t i = 0; r == 0 && i < count; i++)
			r = place_try(&need[i], w);
		_exit(r < 0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status == 0 ? 0 : -EACCES;
}

int place_folders(const struct world *w)
{
	const struct conf *c = &w->board->conf;
	struct place_need meter[2 + CONF_LIST] = {
		{ ROLE_METER, c->state, R_OK | W_OK | X_OK, false },
		{ ROLE_METER, c->team_map, R_OK, true },
	};
	const struct place_need desk[] = { { ROLE_DESK, c->state, R_OK | X_OK, false } };
	size_t count = 2;
	int r;

	for (unsigned i = 0; i < c->prices.count; i++)
		meter[count++] = (struct place_need){ ROLE_METER, c->prices.item[i], R_OK, false };
	r = place_give(c->state, w->uid[ROLE_METER], w->desk_gid);
	/* root's: only the supervisor puts anything there */
	if (r == 0)
		r = place_give(c->runtime, 0, w->desk_gid);
	if (r == 0)
		r = place_try_all(w, meter, count);
	return r < 0 ? r : place_try_all(w, desk, COUNT_OF(desk));
}

/* ---- lock and socket -------------------------------------------------------------------------- */

int place_lock(const char *state, int *ret)
{
	static const struct timespec nap = { 0, LOCK_NS };
	char path[PATH_MAX];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", state, LOCK_NAME) >= sizeof(path))
		return log_err(-ENAMETOOLONG, "the state folder '%s'", state);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return log_err(-errno, "cannot open '%s'", path);
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			*ret = fd;
			return 0;
		}
		nanosleep(&nap, NULL);
	}
	close(fd);
	log_err(0,
		"another submeterd runs with the state folder '%s'. End it first, or choose "
		"another with --state",
		state);
	return -EAGAIN;
}

static bool place_answers(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;

	if (fd >= 0)
		close(fd);
	return yes;
}

int place_socket(const struct world *w, int *ret)
{
	const char *dir = w->board->conf.runtime;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, r;

	if ((size_t)snprintf(at.sun_path, sizeof(at.sun_path), "%s/api.sock", dir) >=
	    sizeof(at.sun_path))
		return log_err(-ENAMETOOLONG,
			       "'%s/api.sock' is too long for a socket: choose a shorter --runtime",
			       dir);
	if (place_answers(&at)) {
		log_err(0,
			"another submeterd answers at '%s'. End it first, or choose another place "
			"with --runtime",
			at.sun_path);
		return -EAGAIN;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return log_err(-errno, "cannot make a socket");
	if (unlink(at.sun_path) < 0 && errno != ENOENT)
		log_warn(-errno, "cannot remove '%s'", at.sun_path);
	mask = umask(0117);
	r = bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
	umask(mask);
	if (r == 0 && (lchown(at.sun_path, 0, w->desk_gid) < 0 || listen(fd, BACKLOG) < 0))
		r = -errno;
	if (r < 0) {
		close(fd);
		return log_err(r, "cannot listen at '%s'", at.sun_path);
	}
	*ret = fd;
	return 0;
}
