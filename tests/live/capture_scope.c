/* Who is observed: users, executables, the version 1 hierarchies of older hosts; and whether return probes do harm at all.
 * As capture.c otherwise. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include "capture_check.h"
#include "probe/selftest.h"

/* ---- users and executables ------------------------------------------------------------------ */

static unsigned rounds;

/* Runs the program in a cgroup of its own: is it heard? Who is not takes no row of counters either. */
static bool heard(struct bench *b)
{
	uint64_t before = b->chunks;
	char name[32];
	struct child c;

	snprintf(name, sizeof(name), "round%u", rounds++);
	cgroup_make(name);
	child_run(&c, b, "canary", name);
	if (b->chunks == before && !counts(b, name))
		return false;
	ok(b->chunks > before && counts(b, name) && ties_out(counts(b, name), &c),
	   "%s: whoever is heard is heard whole", name);
	return true;
}

static void check_uid(struct bench *b)
{
	const struct kernel *k = &b->k;

	need(kernel_uid(k, 0, SCOPE_OUT) == 0, "uid");
	ok(!heard(b), "a user that is left out");
	need(kernel_uid(k, 0, SCOPE_NONE) == 0 && kernel_uid(k, 1, SCOPE_OUT) == 0, "uid");
	ok(heard(b), "another user is left out");
	need(kernel_uid(k, 2, SCOPE_IN) == 0, "uid");
	ok(!heard(b), "only another user is let in");
	need(kernel_uid(k, 0, SCOPE_IN) == 0, "uid");
	ok(heard(b), "this one, too");
	for (uint32_t i = 0; i < 3; i++)
		need(kernel_uid(k, i, SCOPE_NONE) == 0, "uid");
	ok(heard(b), "no rule is left");
}

static void check_exe(struct bench *b)
{
	static const char longest[] =
		"a-base-name-of-sixty-four-bytes-which-is-one-more-than-a-rule-has";
	const struct kernel *k = &b->k;
	struct stat st;
	char cut[16];

	need(stat("/proc/self/exe", &st) == 0, "stat");
	need(kernel_exe_name(k, "capture_scope", SCOPE_OUT) == 0, "exe");
	ok(!heard(b), "an executable that is left out, by its name");
	need(kernel_exe_name(k, "capture_scope", SCOPE_NONE) == 0, "exe");
	snprintf(cut, sizeof(cut), "capture_scop");
	need(kernel_exe_name(k, cut, SCOPE_OUT) == 0, "exe");
	ok(heard(b), "a name that only begins so");
	need(kernel_exe_file(k, st.st_dev, st.st_ino, SCOPE_OUT) == 0, "exe");
	ok(!heard(b), "an executable that is left out, by its file");
	need(kernel_exe_name(k, "capture_scope", SCOPE_IN) == 0, "exe");
	ok(!heard(b), "left out by its file counts more than let in by its name");
	need(kernel_exe_file(k, st.st_dev, st.st_ino, SCOPE_NONE) == 0, "exe");
	ok(heard(b), "let in by its name alone");
	need(kernel_exe_name(k, "capture_scope", SCOPE_NONE) == 0 &&
		     kernel_exe_file(k, st.st_dev, st.st_ino + 1, SCOPE_IN) == 0,
	     "exe");
	ok(!heard(b), "only another file is let in");
	need(kernel_exe_file(k, st.st_dev, st.st_ino, SCOPE_IN) == 0, "exe");
	ok(heard(b), "this one, too");
	for (uint64_t i = 0; i < 2; i++)
		need(kernel_exe_file(k, st.st_dev, st.st_ino + i, SCOPE_NONE) == 0, "exe");
	need(kernel_exe_name(k, cut, SCOPE_NONE) == 0, "exe");
	ok(heard(b), "no rule is left");
	ok(kernel_exe_name(k, longest, SCOPE_OUT) == -EINVAL &&
		   kernel_exe_name(k, "a/b", SCOPE_OUT) == -EINVAL &&
		   kernel_exe_name(k, "", SCOPE_OUT) == -EINVAL,
	   "what cannot be a base name is refused");
}

/* Left out in the middle of a connection and let in again: its bytes have a hole that nobody can measure. */
static void check_pause(struct bench *b, const char *by)
{
	bool uid = strcmp(by, "user") == 0;
	unsigned streams = 0, frees = 0;
	char path[128];
	struct child c;
	uint64_t id;

	cgroup_make(by);
	snprintf(path, sizeof(path), "%s/%s", top, by);
	need(cgroup_id(mount, path, &id) == 0, path);
	child_start(&c, "pauses", by);
	child_read(&c, b, "sent");
	need((uid ? kernel_uid(&b->k, 0, SCOPE_OUT) : kernel_scope(&b->k, id, SCOPE_OUT)) == 0, by);
	child_go(&c);
	child_read(&c, b, "sent");
	need((uid ? kernel_uid(&b->k, 0, SCOPE_NONE) : kernel_scope(&b->k, id, SCOPE_NONE)) == 0,
	     by);
	child_go(&c);
	child_read(&c, b, "sent");
	child_go(&c);
	child_end(&c);
	drain_all(b);
	for (size_t i = 0; i < b->streams; i++)
		if (b->stream[i].tgid == (uint32_t)c.pid) {
			streams++;
			frees += b->stream[i].frees;
		}
	ok(streams == 4 && frees == 4,
	   "left out for a while, by %s: another connection afterwards (%u)", by, streams);
}

/* ---- hierarchies ---------------------------------------------------------------------------- */

static void check_hierarchy(enum cgroup_hierarchy h)
{
	struct kernel_opts o = { .ring_bytes = RING, .hierarchy = h };
	struct bench *b = mem_zero(1, sizeof(*b));
	struct child c;
	uint64_t id;
	char path[128];

	need(b != NULL, "memory");
	if (!ready(h)) {
		ok(true, "%s # skip this host has no such hierarchy", cgroup_name(h));
		mem_free(b);
		return;
	}
	cgroup_make("");
	bench_load(b, &o);
	lib_attach(b, false);
	printf("# hierarchy %s\n", cgroup_name(h));
	check_exact(b, "mixed", 0);
	ok(b->made >= 1, "%s: the new cgroup is told, with its id and path", cgroup_name(h));
	cgroup_make("mixed/below");
	cgroup_make("mixed/kept-out");
	snprintf(path, sizeof(path), "%s/mixed/kept-out", top);
	need(cgroup_id(mount, path, &id) == 0 && kernel_scope(&b->k, id, SCOPE_OUT) == 0, path);
	b->chunks = 0;
	child_run(&c, b, "canary", NULL);
	child_run(&c, b, "canary", "mixed/kept-out");
	ok(b->chunks == 0, "%s: outside, and in an excluded subtree: nothing", cgroup_name(h));
	child_run(&c, b, "canary", "mixed/below");
	ok(b->chunks > 0 && counts(b, "mixed/below") && ties_out(counts(b, "mixed/below"), &c),
	   "%s: below an observed one, under its own id", cgroup_name(h));
	bench_close(b);
	mem_free(b);
	cgroups_remove();
}

/* ---- the self-test -------------------------------------------------------------------------- */

static void seal_kill(void)
{
	struct sock_filter kill[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS) };
	struct sock_fprog prog = { .len = 1, .filter = kill };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0);
}

static void seal_hang(void)
{
	for (;;)
		pause();
}

static void seal_leave(void)
{
	_exit(1); /* as if the function had returned something else */
}

static void check_selftest(bool no_multi)
{
	struct kernel_opts o = { .ring_bytes = RING, .no_multi = no_multi };
	struct bench *b = mem_zero(1, sizeof(*b));
	char why[256];
	int r;

	need(b != NULL, "memory");
	bench_load(b, &o);
	r = selftest_uretprobe(&b->k, why);
	ok(r == 0 && !why[0], "return probes do no harm under strict seccomp%s%s", r ? ": " : "",
	   why);
	ok(selftest_sealed(&b->k, seal_kill, why) == -EPERM && strstr(why, "under seccomp"),
	   "a filter that kills: %s", why);
	ok(selftest_sealed(&b->k, seal_hang, why) == -EPERM && strstr(why, "hang"),
	   "a call that does not come back: %s", why);
	ok(selftest_sealed(&b->k, seal_leave, why) == -EPERM && strstr(why, "changes"),
	   "a wrong result: %s", why);
	ok(keys_held(b, KFD_SELF) == 0 && keys_held(b, KFD_CALLS) == 0, "nothing of it stays");
	bench_close(b);
	mem_free(b);
}

int main(int argc, char **argv)
{
	struct bench *b = mem_zero(1, sizeof(*b));

	if (argc == 3 && strcmp(argv[1], "observed") == 0)
		return observed(argv[2]);
	if (!b || !ready(CGROUP_V2)) {
		printf("1..0 # skip needs root and cgroup v2\n");
		return 0;
	}
	lib_copy();
	atexit(clean);
	cgroup_make("");
	check_selftest(false);
	check_selftest(true);
	bench_open(b, false, 0);
	check_uid(b);
	check_exe(b);
	check_pause(b, "user");
	check_pause(b, "cgroup");
	ok(count_get(&b->counters, BAD_RECORDS) == 0, "every record made sense");
	bench_close(b);
	mem_free(b);
	cgroups_remove();
	check_hierarchy(CGROUP_PIDS);
	check_hierarchy(CGROUP_MEMORY);
	check_hierarchy(CGROUP_SYSTEMD);
	printf("1..%u\n", tests);
	return failures != 0;
}
