/* Facts about processes, told of processes that we started. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "host/folder.h"
#include "host/proc.h"

static pid_t gone(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

static void test_start(void **state)
{
	uint64_t before = clock_boot_ns(), after, start, tick = proc_tick_ns();
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		prctl(PR_SET_NAME, ") R 1 (x) 9", 0, 0,
		      0); /* a name that looks like the fields behind it */
		pause();
		_exit(0);
	}
	after = clock_boot_ns();
	assert_int_equal(proc_start_ns(pid, &start), 0);
	assert_in_range(start, before - tick, after);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(proc_start_ns(pid, &start), -ESRCH);
}

static void test_self(void **state)
{
	char exe[4096], link[4096], cgroup[4096];
	uint32_t uid;
	ssize_t n;

	(void)state;
	n = readlink("/proc/self/exe", link, sizeof(link) - 1);
	assert_true(n > 0);
	link[n] = '\0';
	assert_int_equal(proc_exe(getpid(), exe, sizeof(exe)), 0);
	assert_string_equal(exe, link);
	assert_int_equal(proc_exe(getpid(), exe, 3), -ENAMETOOLONG);
	assert_int_equal(proc_uid(getpid(), &uid), 0);
	assert_int_equal(uid, getuid());
	if (proc_cgroup(getpid(), CGROUP_V2, cgroup, sizeof(cgroup)) == 0)
		assert_int_equal(cgroup[0], '/');
	assert_int_equal(proc_cgroup(getpid(), CGROUP_V2, cgroup, 1), -ENAMETOOLONG);
}

/* Each hierarchy has its line, whatever else is mounted with it. */
static void test_hierarchies(void **state)
{
	char mount[256], path[4096];

	(void)state;
	for (enum cgroup_hierarchy h = CGROUP_V2; h <= CGROUP_SYSTEMD; h++) {
		enum cgroup_hierarchy one = h;
		uint64_t id;

		if (cgroup_mount(&one, mount, sizeof(mount)) < 0)
			continue;
		assert_int_equal(proc_cgroup(getpid(), h, path, sizeof(path)), 0);
		assert_int_equal(path[0], '/');
		/* a cgroup namespace may hide it */
		if (cgroup_id(mount, path, &id) == 0)
			assert_int_not_equal(id, 0);
	}
}

static int never(void *ctx, int fd, const char *path)
{
	(void)ctx;
	(void)fd;
	fail_msg("%s", path);
	return 0;
}

static void test_gone(void **state)
{
	char text[256];
	uint32_t uid;
	pid_t pid = gone();

	(void)state;
	assert_int_equal(proc_exe(pid, text, sizeof(text)), -ESRCH);
	assert_int_equal(proc_cgroup(pid, CGROUP_V2, text, sizeof(text)), -ESRCH);
	assert_int_equal(proc_uid(pid, &uid), -ESRCH);
	assert_int_equal(proc_code(pid, never, NULL), -ESRCH);
}

struct hunt {
	pid_t pid;
	struct stat file;
	unsigned seen;
};

static int hunt_pid(void *ctx, pid_t pid)
{
	struct hunt *h = ctx;

	h->seen += pid == h->pid;
	return 0;
}

static int stop_walk(void *ctx, pid_t pid)
{
	(void)ctx;
	(void)pid;
	return -ECANCELED;
}

static void test_pids(void **state)
{
	struct hunt h = { .pid = getpid() };

	(void)state;
	assert_int_equal(proc_pids(hunt_pid, &h), 0);
	assert_int_equal(h.seen, 1);
	assert_int_equal(proc_pids(stop_walk, NULL), -ECANCELED);
}

static int hunt_file(void *ctx, int fd, const char *path)
{
	struct hunt *h = ctx;
	struct stat st;

	(void)path;
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	h->seen += st.st_dev == h->file.st_dev && st.st_ino == h->file.st_ino;
	return 0;
}

/* A file that is mapped twice comes once; one that is mapped without PROT_EXEC does not come. */
static void test_code(void **state)
{
	char name[] = "/tmp/proc test-XXXXXX";
	int fd = mkstemp(name);
	struct hunt h = { 0 };
	void *data, *code, *more;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 8192), 0);
	assert_int_equal(fstat(fd, &h.file), 0);
	data = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_int_equal(proc_code(getpid(), hunt_file, &h), 0);
	assert_int_equal(h.seen, 0);
	code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	more = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 4096);
	assert_true(data != MAP_FAILED && code != MAP_FAILED && more != MAP_FAILED);
	assert_int_equal(proc_code(getpid(), hunt_file, &h), 0);
	assert_int_equal(h.seen, 1);
	/* also without a name, where map_files may be read */
	unlink(name);
	h.seen = 0;
	assert_int_equal(proc_code(getpid(), hunt_file, &h), 0);
	if (geteuid() == 0)
		assert_int_equal(h.seen, 1);
	munmap(data, 4096);
	munmap(code, 4096);
	munmap(more, 4096);
	close(fd);
}

/* A name that leads to a pipe by now: no hanging in open(). */
static void test_pipe(void **state)
{
	char name[] = "/tmp/proc-test-XXXXXX", path[64];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(name));
	snprintf(path, sizeof(path), "%s/libssl.so", name);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(proc_open(getpid(), 0, 4096, path, &fd) < 0);
	unlink(path);
	rmdir(name);
}

struct libs {
	char names[512];
};

static int libs_add(void *ctx, int fd, const char *path)
{
	struct libs *l = ctx;
	size_t n = strlen(l->names);

	assert_true(fd >= 0);
	snprintf(l->names + n, sizeof(l->names) - n, "%s ", strrchr(path, '/') + 1);
	return 0;
}

static const struct folder_calls libs_calls = { .file = libs_add };

/* What is in the folder now, what comes into it, also in folders that come; each once, as a whole. */
static void test_folder_watch(void **state)
{
	char name[] = "/tmp/folder-test-XXXXXX", command[1024];
	struct folderwatch *w = NULL;
	struct libs l = { "" };
	size_t left = 1000;
	bool lost, full;

	(void)state;
	assert_non_null(mkdtemp(name));
	assert_int_equal(folderwatch_new(libs_add, &l, &w), 0);
	assert_int_equal(folderwatch_look(w, name, &left), 0);
	assert_int_equal(folderwatch_count(w, &full), 1);
	assert_false(full);
	snprintf(command, sizeof(command),
		 "cd '%s' && echo x > libssl.so.1 && echo x > .new && mv .new libssl.so.2 && "
		 "ln .new2 x 2>/dev/null; cd '%s' && ln libssl.so.1 libssl.so.3 && echo x > "
		 "other.so && "
		 "mkdir sub && echo x > sub/bun && ln -s libssl.so.1 libssl.so.4",
		 name, name);
	assert_int_equal(system(command), 0);
	assert_int_equal(folderwatch_drain(w, &lost), 0);
	assert_false(lost);
	/* the first is made, closed and by then linked once more: telling of it again does no harm */
	assert_non_null(strstr(l.names, "libssl.so.1 "));
	assert_non_null(strstr(l.names, "libssl.so.2 "));
	assert_non_null(strstr(l.names, "libssl.so.3 "));
	assert_non_null(strstr(l.names, "bun "));
	assert_null(strstr(l.names, "other"));
	assert_null(strstr(l.names, "libssl.so.4"));
	assert_int_equal(folderwatch_count(w, &full), 2);
	/* a new folder is watched, a moved one by its new name, one that is gone no more */
	l.names[0] = '\0';
	snprintf(command, sizeof(command), "cd '%s' && mv sub moved && echo x > moved/node", name);
	assert_int_equal(system(command), 0);
	assert_int_equal(folderwatch_drain(w, &lost), 0);
	assert_non_null(strstr(l.names, "node "));
	snprintf(command, sizeof(command), "rm -r '%s/moved'", name);
	assert_int_equal(system(command), 0);
	assert_int_equal(folderwatch_drain(w, &lost), 0);
	assert_int_equal(folderwatch_count(w, &full), 1);
	folderwatch_free(&w);
	snprintf(command, sizeof(command), "rm -r '%s'", name);
	assert_int_equal(system(command), 0);
}

static void test_wanted(void **state)
{
	(void)state;
	assert_true(folder_wanted("libssl.so.3"));
	assert_true(folder_wanted("libgnutls.so.30"));
	assert_true(folder_wanted("claude"));
	assert_false(folder_wanted("libssl.a"));
	assert_false(folder_wanted("bunny"));
}

static void test_folder(void **state)
{
	static const char *const make =
		"cd '%s' && mkdir -p a/b 1/2/3/4/5/6/7 && touch libssl.so.3 a/b/libssl-0a1b.so.1.1 "
		"libcrypto.so.3 libssl.a 1/2/3/4/5/6/7/libssl.so && ln -s libssl.so.3 libssl.so";
	char name[] = "/tmp/folder-test-XXXXXX", command[512];
	struct libs l = { "" };
	size_t left = 1000;

	(void)state;
	assert_non_null(mkdtemp(name));
	snprintf(command, sizeof(command), make, name);
	assert_int_equal(system(command), 0);
	assert_int_equal(folder_libs(name, 0, &left, &libs_calls, &l), 0);
	assert_true(strstr(l.names, "libssl.so.3 ") && strstr(l.names, "libssl-0a1b.so.1.1 "));
	assert_int_equal(strlen(l.names), strlen("libssl.so.3 libssl-0a1b.so.1.1 "));
	assert_in_range(left, 1, 999);
	/* a file by its own name, whatever that is; what is missing is passed over */
	snprintf(command, sizeof(command), "%s/libcrypto.so.3", name);
	l.names[0] = '\0';
	assert_int_equal(folder_libs(command, 0, &left, &libs_calls, &l), 0);
	assert_string_equal(l.names, "libcrypto.so.3 ");
	assert_int_equal(folder_libs("/nonexistent", 0, &left, &libs_calls, &l), 0);
	left = 1;
	l.names[0] = '\0';
	assert_int_equal(folder_libs(name, 0, &left, &libs_calls, &l), 0);
	assert_int_equal(left, 0);
	snprintf(command, sizeof(command), "rm -r '%s'", name);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),  cmocka_unit_test(test_self),
		cmocka_unit_test(test_gone),   cmocka_unit_test(test_pids),
		cmocka_unit_test(test_code),   cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_folder), cmocka_unit_test(test_folder_watch),
		cmocka_unit_test(test_wanted), cmocka_unit_test(test_hierarchies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
