/* The kernel side against real TLS: what the rings hold equals, byte for byte, what processes in the observed cgroup
 * sent and received, and nothing of any other process; the counters tie out; nothing stays when the loader dies.
 *
 * Root. Makes its own cgroup, and its own copy of libssl in a folder under /tmp: only that copy is probed. Everything
 * runs twice, with multi links and with the fallback. */
#include "capture_check.h"

/* ---- the checks ----------------------------------------------------------------------------- */

static void check_mixed(struct bench *b)
{
	uint64_t execs = b->execs;
	unsigned eofs = 0;

	check_exact(b, "mixed", 0);
	for (size_t i = 0; i < b->streams; i++)
		eofs += b->stream[i].eofs;
	ok(eofs == 20,
	   "mixed: the close is told once for each of 20 connections, not per read (%u)", eofs);
	ok(b->execs == execs + 1, "mixed: exec is told, with its file");
	ok(b->made >= 1, "mixed: the new cgroup is told, with its id and path");
}

static bool ring_holds(const struct bench *b, const char *what)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p =
		mmap(NULL, page + 2 * RING, PROT_READ, MAP_SHARED, b->k.fd[KFD_DATA], (off_t)page);
	bool found;

	need(p != MAP_FAILED, "map the ring");
	found = memmem(p + page, RING, what, strlen(what)) != NULL;
	munmap(p, page + 2 * RING);
	return found;
}

static void check_outside(struct bench *b)
{
	uint64_t before = b->chunks, id;
	char path[128];
	struct child c;

	cgroup_make("kept-out");
	snprintf(path, sizeof(path), "%s/kept-out", top);
	need(cgroup_id(mount, path, &id) == 0 && kernel_scope(&b->k, id, SCOPE_OUT) == 0, path);
	child_run(&c, b, "canary", NULL);
	child_run(&c, b, "canary", "kept-out");
	ok(b->chunks == before && !ring_holds(b, CANARY),
	   "outside, and in an excluded subtree: no byte in the ring");
	ok(!counts(b, "kept-out"), "an excluded cgroup is not even counted");
	cgroup_make("canary");
	child_run(&c, b, "canary", "canary");
	ok(ring_holds(b, CANARY), "the same program inside: it is there");
}

static void check_verdict(struct bench *b)
{
	const struct abi_cg *cg;
	struct child c;
	uint64_t seen;
	unsigned good, sides;

	cgroup_make("pauses");
	child_start(&c, "pauses", "pauses");
	child_read(&c, b, "sent");
	drain_all(b);
	seen = b->chunks;
	for (size_t i = 0; i < b->streams; i++)
		if (b->stream[i].tgid == (uint32_t)c.pid)
			ring_ignore(b->ring, b->stream[i].gen);
	child_go(&c);
	child_read(&c, b, "sent");
	child_go(&c);
	child_read(&c, b, "sent");
	child_go(&c);
	child_end(&c);
	drain_all(b);
	cg = counts(b, "pauses");
	good = sides_match(b, &c, &sides);
	ok(b->chunks == seen && good == 0 && sides == 2,
	   "a connection not wanted: nothing more is copied");
	ok(cg && ties_out(cg, &c) && cg->bytes_ignored == 4 * 30000 && cg->bytes == 2 * 30000,
	   "a connection not wanted: still counted, to the byte");
}

/* The consumer stands still while more is sent than the quota allows. */
static void check_quota(struct bench *b)
{
	uint64_t got = 0, gap = 0, lost = 0, owed = 0;
	const struct abi_cg *cg;
	const uint64_t *used;
	struct child c;

	cgroup_make("flood");
	child_start(&c, "flood", "flood");
	child_read(&c, NULL, "sent");
	child_go(&c);
	child_read(&c, NULL, "sent");
	drain_all(b);
	cg = counts(b, "flood");
	need(cg != NULL, "no counters");
	lost = cg->bytes_lost[ABI_DR_QUOTA];
	ok(lost && cg->dropped[ABI_DR_QUOTA] == dropped(cg), "quota: drops while nobody reads");
	child_go(&c);
	child_read(&c, b, "sent");
	child_go(&c);
	child_end(&c);
	drain_all(b);
	ok(ties_out(cg, &c) && cg->bytes == 6 * BIG,
	   "quota: the counters tie out with what was sent");
	ok(cg->bytes_lost[ABI_DR_QUOTA] == lost, "quota: nothing is lost once it is read again");
	for (size_t i = 0; i < b->streams; i++) {
		const struct stream *s = &b->stream[i];

		for (int d = 0; d < 2 && s->tgid == (uint32_t)c.pid; d++) {
			got += s->at[d] - s->lost[d];
			gap += s->lost[d] + s->final[d] - s->at[d];
		}
	}
	ok(got == cg->bytes_out && gap == lost,
	   "quota: the holes in the streams are the bytes counted lost");
	used = mmap(NULL, ABI_CG_SLOTS * sizeof(*used), PROT_READ, MAP_SHARED, b->k.fd[KFD_CG_USED],
		    0);
	need(used != MAP_FAILED, "map");
	for (uint32_t i = 0; (cg = ring_cg(b->ring, i)); i++)
		owed += cg->charged - used[i];
	ok(owed == 0, "quota: all of it is given back");
	munmap((void *)(uintptr_t)used, ABI_CG_SLOTS * sizeof(*used));
}

/* A process that is killed leaves its connections in the table; the sweep finds them. */
static void check_sweep(struct bench *b)
{
	struct child c;
	bool alive = true;
	size_t freed = 99;

	cgroup_make("killed");
	child_start(&c, "pauses", "killed");
	child_read(&c, b, "sent");
	kill(c.pid, SIGKILL);
	waitpid(c.pid, NULL, 0);
	close(c.in);
	close(c.out);
	drain_all(b);
	ok(b->exit_tgid == (uint32_t)c.pid, "sweep: the end of a killed process is told");
	need(kernel_sweep(&b->k, answer, &alive, &freed) == 0, "sweep");
	/* two of its own, and two that exec left behind before */
	ok(freed == 0 && keys_held(b, KFD_CONN_KEY) == 4, "sweep: what lives stays");
	alive = false;
	need(kernel_sweep(&b->k, answer, &alive, &freed) == 0, "sweep");
	ok(freed == 4 && keys_held(b, KFD_CONN_KEY) == 0,
	   "sweep: what is dead is freed (%zu), nothing else was left", freed);
}

/* After exec the same address is another connection. */
static void check_exec(struct bench *b)
{
	unsigned good, sides, streams = 0, twins = 0;
	struct child c;

	cgroup_make("again");
	child_run(&c, b, "again", "again");
	good = sides_match(b, &c, &sides);
	for (size_t i = 0; i < b->streams; i++) {
		streams += b->stream[i].tgid == (uint32_t)c.pid;
		for (size_t k = 0; k < i; k++)
			twins += b->stream[i].tgid == (uint32_t)c.pid &&
				 b->stream[k].tgid == b->stream[i].tgid &&
				 b->stream[i].obj == b->stream[k].obj;
	}
	ok(good == 2 && sides == 2 && streams == 4, "exec: new connections, whole (%u of %u)", good,
	   sides);
	ok(twins > 0, "exec: although the addresses came up again");
}

/* Our own children are never looked at, wherever they run. */
static void check_self(void)
{
	struct bench *b = mem_zero(1, sizeof(*b));
	struct child c;

	need(b != NULL, "memory");
	bench_open(b, false, getpid());
	child_run(&c, b, "canary", "canary");
	ok(b->chunks == 0 && !ring_holds(b, CANARY), "a child of the supervisor is not looked at");
	bench_close(b);
	memset(b, 0, sizeof(*b));
	bench_open(b, false, 0);
	child_start(&c, "waits", "canary");
	need(kernel_self(&b->k, (uint32_t)c.pid) == 0, "self");
	child_go(&c);
	child_read(&c, b, NULL);
	child_end(&c);
	drain_all(b);
	ok(b->chunks == 0, "nor is a process that was named as ours");
	bench_close(b);
	mem_free(b);
}

/* ---- a loader that dies --------------------------------------------------------------------- */

static bool trapped(pid_t pid, uint64_t at, uint8_t clean)
{
	char path[64];
	uint8_t now = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	need(fd >= 0 && pread(fd, &now, 1, (off_t)at) == 1, path);
	close(fd);
	return now != clean;
}

static void check_killed(bool no_multi)
{
	struct bench *b = mem_zero(1, sizeof(*b));
	uint64_t deadline;
	struct child c;
	uint8_t clean;
	int ready[2];
	pid_t loader;
	char x;

	need(b != NULL && pipe(ready) == 0, "pipe");
	child_start(&c, "stay", NULL);
	child_read(&c, NULL, "\n");
	clean = *(const uint8_t *)(uintptr_t)SSL_free;
	loader = fork();
	if (loader == 0) {
		bench_open(b, no_multi, 0);
		x = 1;
		need(write(ready[1], &x, 1) == 1, "write");
		for (;;)
			pause();
	}
	close(ready[1]);
	need(read(ready[0], &x, 1) == 1, "the loader did not come up");
	close(ready[0]);
	ok(trapped(c.pid, strtoull(c.text + 3, NULL, 16), clean), "a running process is probed");
	kill(loader, SIGKILL);
	waitpid(loader, NULL, 0);
	/* The kernel takes them out after the last descriptor, in its own time. */
	deadline = clock_boot_ns() + 30 * NS_PER_SEC;
	while (trapped(c.pid, strtoull(c.text + 3, NULL, 16), clean) && clock_boot_ns() < deadline)
		poll(NULL, 0, 1);
	ok(!trapped(c.pid, strtoull(c.text + 3, NULL, 16), clean),
	   "kill -9 of the loader: no probe stays");
	child_end(&c);
	mem_free(b);
}

static void cost(struct bench *b, const char *cgroup, const char *when)
{
	struct child c;

	child_run(&c, b, "cost", cgroup);
	printf("# %s: %.*s\n", when, (int)strcspn(c.text, "\n"), c.text);
}

static void check_all(bool no_multi)
{
	struct bench *b = mem_zero(1, sizeof(*b));

	need(b != NULL, "memory");
	cgroup_make("");
	cgroup_make("cost");
	cost(NULL, "cost", "not probed");
	bench_open(b, no_multi, 0);
	ok(b->k.multi == !no_multi, "%s", no_multi ? "perf events" : "multi links");
	check_outside(b);
	check_mixed(b);
	check_exact(b, "big", 0);
	check_exact(b, "mapped", 0);
	check_exact(b, "nested", 0);
	check_exact(b, "leap", 1);
	check_verdict(b);
	check_exec(b);
	check_sweep(b);
	check_quota(b);
	cost(b, NULL, "probed, outside");
	cost(b, "cost", "probed, inside, read at once");
	cost(NULL, "cost", "probed, inside, nobody reads");
	ok(count_get(&b->counters, BAD_RECORDS) == 0, "every record made sense");
	ok(b->strays == 0, "every record names the file whose probe it came through");
	bench_close(b);
	mem_free(b);
	check_self();
	check_killed(no_multi);
	cgroups_remove();
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "observed") == 0)
		return observed(argv[2]);
	if (!ready(CGROUP_V2)) {
		printf("1..0 # skip needs root and cgroup v2\n");
		return 0;
	}
	lib_copy();
	atexit(clean);
	check_all(false);
	check_all(true);
	printf("1..%u\n", tests);
	return failures != 0;
}
