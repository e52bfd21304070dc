#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "app/conf.h"
#include "base/buf.h"
#include "cli/run_home.h"
#include "host/cgroup.h"

#define FILE_ROOM  65536 /* most bytes of a settings file written here */
#define OPEN_FILES 16    /* while a folder is removed */
#define LOG_NAME   "log"
#define LOG_SHOWN  8192
#define CONF_NAME  "submeter.yaml"
#define MAP_NAME   "team-map.yaml"

/* ---- files ---- */

static int path_in(const struct run_home *h, const char *name, char ret[RUN_PATH])
{
	return snprintf(ret, RUN_PATH, "%s/%s", h->folder, name) < RUN_PATH ? 0 : -ENAMETOOLONG;
}

static int write_file(const struct run_home *h, const char *name, struct str text)
{
	char path[RUN_PATH];
	int r = path_in(h, name, path), fd;
	ssize_t n;

	if (r < 0)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	n = write(fd, text.p, text.n);
	r = n < 0 ? -errno : (size_t)n == text.n ? 0 : -EIO;
	return close(fd) < 0 && r == 0 ? -errno : r;
}

/* A YAML text in double quotes. */
static int add_quoted(struct buf *b, const char *text)
{
	int r = buf_put(b, '"');

	for (; r == 0 && *text; text++) {
		if (*text == '"' || *text == '\\')
			r = buf_put(b, '\\');
		if (r == 0)
			r = (unsigned char)*text < 0x20 ? -EINVAL : buf_put(b, *text);
	}
	return r == 0 ? buf_put(b, '"') : r;
}

static int add_list(struct buf *b, const char *key, const struct conf_list *l)
{
	int r = buf_printf(b, "%s[", key);

	for (unsigned i = 0; r == 0 && i < l->count; i++) {
		r = i ? buf_add(b, S(", ")) : 0;
		if (r == 0)
			r = add_quoted(b, l->item[i]);
	}
	return r == 0 ? buf_add(b, S("]\n")) : r;
}

static int add_pair(struct buf *b, const char *key, const char *value)
{
	int r = buf_add(b, str_of(key));

	if (r == 0)
		r = add_quoted(b, value);
	return r == 0 ? buf_put(b, '\n') : r;
}

static int add_endpoints(struct buf *b, const struct conf *from)
{
	int r = from->endpoint_count ? buf_add(b, S("endpoints:\n")) : 0;

	for (unsigned i = 0; r == 0 && i < from->endpoint_count; i++) {
		r = add_pair(b, "  - host: ", from->endpoint[i].host);
		if (r == 0)
			r = add_pair(b, "    speaks: ", from->endpoint[i].speaks);
	}
	return r;
}

static int add_settings(const struct run_home *h, const struct conf *from, struct buf *b)
{
	char path[RUN_PATH];
	int r = buf_add(b, S("version: 1\nobserve:\n"));

	if (r == 0)
		r = buf_printf(b, "  cgroups: [\"%s\"]\n", h->name);
	if (r == 0)
		r = buf_printf(b, "  hierarchy: %s\n", cgroup_name(h->hierarchy));
	if (r == 0)
		r = add_list(b, "  folders: ", &from->folders);
	if (r == 0)
		r = path_in(h, MAP_NAME, path);
	if (r == 0)
		r = add_pair(b, "team_map: ", path);
	if (r == 0 && from->prices.count)
		r = add_list(b, "prices: ", &from->prices);
	if (r == 0)
		r = add_endpoints(b, from);
	if (r == 0)
		r = buf_printf(b, "capture: {ring: %llu, quota: %llu}\n",
			       (unsigned long long)from->ring_bytes,
			       (unsigned long long)from->quota_bytes);
	if (r == 0)
		r = buf_printf(b, "state: \"%s/state\"\nruntime: \"%s/run\"\n", h->folder,
			       h->folder);
	return r;
}

static int write_settings(const struct run_home *h, const struct conf *from)
{
	struct buf b = { .limit = FILE_ROOM };
	int r = add_settings(h, from, &b);

	if (r == 0)
		r = write_file(h, CONF_NAME, buf_str(&b));
	buf_done(&b);
	return r;
}

/* Everything belongs to one team: the meter sees nothing but this command. */
static int write_map(const struct run_home *h, const char *team)
{
	struct buf b = { .limit = FILE_ROOM };
	int r = buf_printf(
		&b,
		"version: 1\nteams:\n  \"%s\": {name: \"%s\"}\nrules:\n"
		"  - id: run\n    match: {cgroup: \"/**\"}\n    assign: {team: \"%s\"}\n",
		team, team, team);

	if (r == 0)
		r = write_file(h, MAP_NAME, buf_str(&b));
	buf_done(&b);
	return r;
}

static bool team_fits(const char *team)
{
	static const char fine[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	size_t n = strlen(team);

	return n > 0 && n < 64 && strspn(team, fine) == n;
}

/* ---- making and removing ---- */

/* Roles of other users pass through it, nobody lists it. */
static int make_folder(struct run_home *h)
{
	static const char *const where[] = { "/run/submeter-run-XXXXXX",
					     "/tmp/submeter-run-XXXXXX" };
	char path[RUN_PATH];

	for (size_t i = 0; i < COUNT_OF(where); i++) {
		snprintf(path, sizeof(path), "%s", where[i]);
		if (!mkdtemp(path))
			continue;
		memcpy(h->folder, path, sizeof(path));
		snprintf(h->server, sizeof(h->server), "unix:%s/run/api.sock", path);
		return chmod(path, 0711) < 0 ? -errno : 0;
	}
	return -errno;
}

static int make_subfolder(const struct run_home *h, const char *name)
{
	char path[RUN_PATH];
	int r = path_in(h, name, path);

	if (r < 0)
		return r;
	return mkdir(path, 0750) < 0 ? -errno : 0;
}

static int make_cgroup(struct run_home *h)
{
	char mount[RUN_PATH], path[RUN_PATH];
	int r;

	/* one cgroup of our own: any hierarchy will do, the v2 one first */
	if (h->hierarchy == CGROUP_AUTO &&
	    cgroup_mount(&(enum cgroup_hierarchy){ CGROUP_V2 }, mount, sizeof(mount)) == 0)
		h->hierarchy = CGROUP_V2;
	r = cgroup_mount(&h->hierarchy, mount, sizeof(mount));
	if (r < 0)
		return r;
	snprintf(h->name, sizeof(h->name), "/submeter-run-%ld", (long)getpid());
	if (snprintf(path, sizeof(path), "%s%s", mount, h->name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (mkdir(path, 0755) < 0)
		return -errno;
	memcpy(h->cgroup, path, sizeof(path));
	return 0;
}

static int failed(int r, const char *what)
{
	if (r == 0)
		return CLI_OK;
	fprintf(stderr, "submeter: cannot make %s: %s\n", what, strerror(-r));
	return CLI_ERROR;
}

int run_home_make(struct run_home *ret, const char *conf, const char *team)
{
	char error[YAML_ERROR];
	struct conf from;
	int r;

	*ret = (struct run_home){ 0 };
	if (!team_fits(team))
		return cli_usage("run", "run: --team: letters, digits, '-', '_' and '.' alone");
	conf_default(&from);
	if (conf && conf_load(conf, &from, error) < 0) {
		fprintf(stderr, "submeter: %s\n", error);
		return CLI_ERROR;
	}
	(void)!cgroup_named(from.hierarchy, &ret->hierarchy); /* conf_load() has looked */
	r = failed(make_cgroup(ret), "a cgroup");
	if (r == CLI_OK)
		r = failed(make_folder(ret), "a folder in /run or /tmp");
	if (r == CLI_OK)
		r = failed(make_subfolder(ret, "state"), "a state folder");
	if (r == CLI_OK)
		r = failed(make_subfolder(ret, "run"), "a runtime folder");
	if (r == CLI_OK)
		r = failed(write_map(ret, team), "a team map");
	return r == CLI_OK ? failed(write_settings(ret, &from), "settings") : r;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

void run_home_remove(struct run_home *h)
{
	if (h->cgroup[0] && rmdir(h->cgroup) < 0)
		fprintf(stderr,
			"submeter: %s stays: %s\n  processes that the command left behind are "
			"still "
			"in it, and are not metered any more\n",
			h->cgroup, strerror(errno));
	if (h->folder[0] && nftw(h->folder, remove_one, OPEN_FILES, FTW_DEPTH | FTW_PHYS) < 0)
		fprintf(stderr, "submeter: %s stays: %s\n", h->folder, strerror(errno));
	*h = (struct run_home){ 0 };
}

/* ---- processes ---- */

static void exec_meter(char *const argv[])
{
	static const char *const beside[] = { "submeterd", "../sbin/submeterd" };
	char self[RUN_PATH], path[2 * RUN_PATH];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[MAX(n, (ssize_t)0)] = '\0';
	for (size_t i = 0; i < COUNT_OF(beside) && strrchr(self, '/'); i++) {
		snprintf(path, sizeof(path), "%.*s/%s", (int)(strrchr(self, '/') - self), self,
			 beside[i]);
		execv(path, argv);
	}
	execvp(argv[0], argv);
}

pid_t run_home_meter(const struct run_home *h)
{
	char conf[RUN_PATH], log[RUN_PATH];
	char *const argv[] = { (char *)"submeterd", (char *)"-c", conf, NULL };
	int in, out, r = path_in(h, CONF_NAME, conf);
	pid_t pid, parent = getpid();
	sigset_t none;

	if (r == 0)
		r = path_in(h, LOG_NAME, log);
	if (r < 0)
		return r;
	pid = fork();
	if (pid != 0)
		return pid < 0 ? -errno : pid;
	/* Keys of the terminal are for the command; the meter ends when we say so, or with us. */
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	in = open("/dev/null", O_RDONLY);
	out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (getppid() != parent || in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(out, 2) < 0)
		_exit(CLI_ERROR);
	close_range(3, ~0u, 0);
	exec_meter(argv);
	fprintf(stderr, "cannot run submeterd: %s\n", strerror(errno));
	_exit(CLI_ERROR);
}

void run_home_log(const struct run_home *h, FILE *to)
{
	char path[RUN_PATH], text[LOG_SHOWN];
	FILE *f;
	size_t n;

	if (path_in(h, LOG_NAME, path) < 0)
		return;
	f = fopen(path, "re");
	if (!f)
		return;
	/* the end says why */
	if (fseek(f, -(long)sizeof(text), SEEK_END) < 0)
		rewind(f);
	n = fread(text, 1, sizeof(text), f);
	fwrite(text, 1, n, to);
	fclose(f);
}

int run_home_enter(const struct run_home *h)
{
	char path[RUN_PATH + 16];
	int fd, r;

	snprintf(path, sizeof(path), "%s/cgroup.procs", h->cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write(fd, "0", 1) == 1 ? 0 : -errno;
	close(fd);
	return r;
}
