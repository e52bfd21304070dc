/* The kernel side against Go's own TLS: many goroutines on few threads, stacks that grow in the middle of a call, buffers
 * that lie on them, Close during Read, an end of the process with goroutines in Read. As capture.c otherwise.
 *
 * Root, and Debian's golang: the program is built into a folder of its own, and only that file is probed. */
#include <libgen.h>
#include "capture_check.h"

static char exe[128];

/* The program for what is built here; NULL arguments end the list. */
static int go_run(const char *const argv[])
{
	int status;
	pid_t pid = fork();

	need(pid >= 0, "fork");
	if (pid == 0) {
		setenv("GO111MODULE", "off", 1);
		setenv("CGO_ENABLED", "0", 1);
		setenv("GOCACHE", lib_dir, 0);
		dup2(2, 1);
		execvp("go", (char *const *)argv);
		_exit(127);
	}
	need(waitpid(pid, &status, 0) == pid, "wait");
	return status;
}

static void go_build(const char *how, const char *option)
{
	char self[] = __FILE__, source[256], flag[64];

	snprintf(source, sizeof(source), "%s/observed.go", dirname(self));
	snprintf(exe, sizeof(exe), "%s/observed-%s", lib_dir, how);
	snprintf(flag, sizeof(flag), "%s", option);
	need(go_run((const char *[]){ "go", "build", "-o", exe, flag, source, NULL }) == 0,
	     "go build");
	program = exe;
}

static void go_remove(void)
{
	char command[256];

	cgroups_remove();
	snprintf(command, sizeof(command), "rm -rf %s", lib_dir);
	if (system(command) != 0)
		printf("# %s stays\n", lib_dir);
}

static struct bench *go_open(bool no_multi)
{
	struct kernel_opts o = { .ring_bytes = RING, .no_multi = no_multi };
	struct bench *b = mem_zero(1, sizeof(*b));
	struct tlsfind found;
	unsigned leaves = 0;
	int fd;

	need(b != NULL, "memory");
	bench_load(b, &o);
	fd = open(exe, O_RDONLY | O_CLOEXEC);
	need(fd >= 0 && tlsfind(NULL, fd, false, &found) == 0, "find the functions");
	for (size_t i = 0; i < found.count; i++)
		leaves += found.site[i].leave;
	ok(found.count > leaves + 2 && leaves >= 2, "%s: Read, Write and Close, with %u returns",
	   strrchr(exe, '/') + 1, leaves);
	found_attach(b, fd, &found);
	close(fd);
	return b;
}

static void go_close(struct bench *b)
{
	ok(count_get(&b->counters, BAD_RECORDS) == 0, "every record made sense");
	ok(keys_held(b, KFD_CALLS) == 0, "no call is left");
	bench_close(b);
	mem_free(b);
}

static void check_many(const char *how, const char *option, bool no_multi)
{
	struct bench *b;

	go_build(how, option);
	b = go_open(no_multi);
	check_exact(b, "many", 0);
	if (strcmp(how, "plain") == 0)
		check_exact(b, "closing", 0);
	go_close(b);
	cgroups_remove();
	cgroup_make("");
}

static void check_waiting(void)
{
	struct bench *b = go_open(false);
	bool alive = true;
	const struct abi_cg *cg;
	struct child c;
	size_t freed, calls;

	cgroup_make("waiting");
	child_start(&c, "waiting", "waiting");
	child_read(&c, b, "waiting");
	child_go(&c);
	child_end(&c);
	drain_all(b);
	calls = keys_held(b, KFD_CALLS);
	cg = counts(b, "waiting");
	ok(calls > 0 && calls <= 60, "%zu goroutines were in Read when the process ended", calls);
	ok(cg && cg->conns == 60, "60 connections are in the table (%llu)",
	   cg ? (unsigned long long)cg->conns : 0);
	need(kernel_sweep(&b->k, answer, &alive, &freed) == 0, "sweep");
	ok(freed == 0 && keys_held(b, KFD_CALLS) == calls, "what lives stays");
	alive = false;
	need(kernel_sweep(&b->k, answer, &alive, &freed) == 0, "sweep");
	ok(freed == 60 && cg->conns == 0, "the connections of the dead are freed");
	ok(cg->hits == cg->delivered + cg->empty && dropped(cg) == 0,
	   "what was under way counts as nothing");
	go_close(b);
}

/* A Read that began before the probes came returns with bytes whose connection is not known: where its goroutine reads
 * next there is a hole, and what follows is another connection. */
static void check_joined(void)
{
	unsigned streams = 0, good = 0;
	const struct abi_cg *cg;
	struct bench *b;
	struct child c;
	uint64_t server;

	cgroup_make("joined");
	child_start(&c, "joined", "joined");
	child_read(&c, NULL, "joined");
	b = go_open(false);
	child_go(&c);
	child_read(&c, b, "calls");
	child_end(&c);
	drain_all(b);
	need(strstr(c.text, "server 0x"), c.text);
	server = strtoull(strstr(c.text, "server 0x") + 7, NULL, 16);
	for (size_t i = 0; i < b->streams; i++)
		if (b->stream[i].obj == server) {
			good += b->stream[i].final[0] == (streams ? 0 : 50) &&
				b->stream[i].final[1] == (streams ? 200 : 0) &&
				b->stream[i].frees == 1;
			streams++;
		}
	ok(streams == 2 && good == 2, "a Read that was under way before: a hole (%u, %u)", streams,
	   good);
	cg = counts(b, "joined");
	ok(cg && cg->dropped[ABI_DR_CALLS] == 1 && dropped(cg) == 1 &&
		   cg->hits == cg->delivered + cg->empty + 1,
	   "it counts as lost (%llu of %llu calls)", cg ? (unsigned long long)dropped(cg) : 0,
	   cg ? (unsigned long long)cg->hits : 0);
	go_close(b);
}

static void cost(const char *when, bool inside)
{
	struct bench *b = inside ? go_open(false) : NULL;
	struct child c;

	cgroup_make("cost");
	child_run(&c, b, "cost", "cost");
	printf("# %s: %.*s\n", when, (int)strcspn(c.text, "\n"), c.text);
	if (b)
		go_close(b);
}

int main(void)
{
	if (!ready(CGROUP_V2)) {
		printf("1..0 # skip needs root and cgroup v2\n");
		return 0;
	}
	if (go_run((const char *[]){ "go", "version", NULL }) != 0) {
		printf("1..0 # skip needs golang\n");
		return 0;
	}
	need(mkdtemp(lib_dir) != NULL, lib_dir);
	atexit(go_remove);
	cgroup_make("");
	check_many("stripped", "-ldflags=-s -w", true);
	check_many("plain", "-ldflags=", false);
	check_waiting();
	check_joined();
	cost("not probed", false);
	cost("probed", true);
	printf("1..%u\n", tests);
	return failures != 0;
}
