/* The kernel side against functions that look like those of libraries that not every host has: rustls' lists of pieces and
 * records, a GnuTLS call that goes on with an earlier one's bytes; and a process with more connections than its cgroup may
 * have. This program plays both parts: what is observed is a copy of it, and only that copy is probed. */
#include "capture_check.h"

#define CONN_SHARE (ABI_CONN_SLOTS / 4) /* as in bpf/maps.bpf.h */
#define OVER       10                   /* connections above it */
#define PIECES     2000
#define ROUNDS     1024 /* of which so many are copied */
#define LONGEST    60000

/* ---- the observed side ---------------------------------------------------------------------- */

static volatile long answer_of_call;

#ifdef __clang__
#define SHAPE __attribute__((noinline, optnone, used)) static
#else
#define SHAPE __attribute__((noinline, noclone, used)) static
#endif

SHAPE long shape_ret(void *obj, const void *buf, int len)
{
	asm volatile("" : : "r"(obj), "r"(buf), "r"(len) : "memory");
	return answer_of_call;
}

SHAPE long shape_chunks(void *obj, uint64_t *chunks)
{
	asm volatile("" : : "r"(obj), "r"(chunks) : "memory");
	memset(chunks, 0xa5, 32); /* it is the callee's */
	return answer_of_call;
}

SHAPE void shape_taken(void *obj, const uint64_t *payload)
{
	asm volatile("" : : "r"(obj), "r"(payload) : "memory");
}

SHAPE void shape_free(void *obj)
{
	asm volatile("" : : "r"(obj) : "memory");
}

struct fake { /* a connection */
	uint64_t seed[2], done[2];
};

/* What rustls' functions get is moved about; what it points to stays. */
struct shell {
	uint64_t other[2];
	struct fake *fake;
};

static void fake_fill(const struct fake *f, int dir, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = stream_byte(f->seed[dir], f->done[dir] + i);
}

static void fake_moved(struct fake *f, int dir, size_t n)
{
	calls_made++;
	calls_empty += n == 0;
	f->done[dir] += n;
}

static struct shell *fake_shell(struct fake *f)
{
	static struct shell places[2];
	struct shell *s = &places[roll(2)];

	s->fake = f;
	return s;
}

/* One list, in either layout; of its bytes those from `start` on are meant, and `taken` of them are accepted. */
static void fake_list(struct fake *f, size_t pieces, size_t longest, bool other)
{
	uint64_t chunk[4], *piece = mem_zero(pieces, 16), total = 0, start = 0, taken;
	uint8_t *p = mem_zero(pieces, longest + 1);

	must(piece && p, "memory");
	for (size_t i = 0; i < pieces; i++) {
		piece[2 * i] = (uintptr_t)p + i * (longest + 1);
		piece[2 * i + 1] = longest > 1 ? roll((uint32_t)longest) : 1;
		total += piece[2 * i + 1];
	}
	if (longest > 1)
		start = roll((uint32_t)total + 1);
	taken = longest > 1 ? roll((uint32_t)(total - start) + 1) : total;
	for (size_t i = 0, at = 0; i < pieces; i++)
		for (size_t k = 0; k < piece[2 * i + 1]; k++, at++)
			((uint8_t *)(uintptr_t)piece[2 * i])[k] =
				at < start ? 0xee
					   : stream_byte(f->seed[0], f->done[0] + at - start);
	chunk[other] = (uintptr_t)piece;
	chunk[!other] = pieces;
	chunk[2] = start;
	chunk[3] = total;
	answer_of_call = (long)taken;
	shape_chunks(fake_shell(f), chunk);
	fake_moved(f, 0, taken);
	mem_free(piece);
	mem_free(p);
}

static void fake_single(struct fake *f)
{
	size_t n = roll(LONGEST), taken = roll(5) ? n : roll((uint32_t)n + 1);
	uint8_t *p = mem_zero(n + 1, 1);
	uint64_t chunk[4] = { 0, (uintptr_t)p, n, 0x1234 };

	must(p != NULL, "memory");
	fake_fill(f, 0, p, n);
	answer_of_call = (long)taken;
	shape_chunks(fake_shell(f), chunk);
	fake_moved(f, 0, taken);
	mem_free(p);
}

static void fake_taken(struct fake *f)
{
	size_t n = roll(4) ? roll(16385) : 0;
	uint8_t *p = mem_zero(n + 1, 1);
	uint64_t payload[3] = { roll(2) ? 1ull << 63 : n, (uintptr_t)p, n };

	must(p != NULL, "memory");
	fake_fill(f, 1, p, n);
	shape_taken(fake_shell(f), payload);
	fake_moved(f, 1, n);
	mem_free(p);
}

static struct fake *fake_new(void)
{
	struct fake *f = mem_zero(1, sizeof(*f));

	must(f != NULL, "memory");
	f->seed[0] = (uint64_t)getpid() << 32 | roll(1u << 30) | 1;
	f->seed[1] = f->seed[0] ^ 2;
	return f;
}

static void fake_close(struct fake *f)
{
	printf("side %llx %llu %llu %llu %llu\n", (unsigned long long)(uintptr_t)f,
	       (unsigned long long)f->seed[0], (unsigned long long)f->done[0],
	       (unsigned long long)f->seed[1], (unsigned long long)f->done[1]);
	shape_free(f);
	mem_free(f);
}

static void fake_write(struct fake *f, size_t n, long result)
{
	uint8_t p[256];

	fake_fill(f, 0, p, n);
	answer_of_call = result;
	shape_ret(f, p, (int)n);
	fake_moved(f, 0, result > 0 ? (size_t)result : 0);
}

/* "Again", then a call without a buffer that says how much of the first has gone. */
static void run_resumed(void)
{
	struct fake *f = fake_new();

	fake_write(f, 100, 100);
	fake_write(f, 200, -28);
	answer_of_call = 200;
	shape_ret(f, NULL, 0);
	fake_moved(f, 0, 200);
	fake_write(f, 50, 50);
	fake_close(f);
}

static void run_lists(void)
{
	struct fake *f = fake_new();

	for (int i = 0; i < 100; i++) {
		fake_list(f, 1 + roll(8), 1 + roll(40000), roll(2));
		fake_single(f);
		fake_taken(f);
	}
	fake_close(f);
}

static void run_long(void)
{
	struct fake *f = fake_new();

	fake_list(f, PIECES, 1, false);
	fake_close(f);
}

static void run_crowd(unsigned n)
{
	struct fake **f = mem_zero(n + OVER, sizeof(struct fake *));

	must(f != NULL, "memory");
	for (unsigned i = 0; i < n; i++)
		fake_write(f[i] = fake_new(), 8, 8);
	printf("crowd\n");
	wait_line();
	for (unsigned i = 0; i < OVER; i++)
		shape_free(f[i]);
	for (unsigned i = 0; i < OVER; i++)
		fake_write(fake_new(), 8, 8);
	printf("crowd\n");
	wait_line();
}

static int played(const char *what)
{
	dice += (uint64_t)getpid();
	if (strcmp(what, "lists") == 0)
		run_lists();
	else if (strcmp(what, "long") == 0)
		run_long();
	else if (strcmp(what, "resumed") == 0)
		run_resumed();
	else if (strcmp(what, "crowd") == 0)
		run_crowd(CONN_SHARE + OVER);
	else
		run_crowd(OVER);
	printf("calls %llu %llu\n", (unsigned long long)calls_made,
	       (unsigned long long)calls_empty);
	fflush(stdout);
	return 0;
}

/* ---- the checks ----------------------------------------------------------------------------- */

static char copy[128];

static struct bench *shapes_open(bool no_multi)
{
	static const struct elf_want want[] = { { "shape_ret", TLS_GNUTLS_SEND },
						{ "shape_chunks", TLS_RUSTLS_OUT },
						{ "shape_taken", TLS_RUSTLS_IN },
						{ "shape_free", TLS_GNUTLS_DEINIT } };
	struct kernel_opts o = { .ring_bytes = RING, .no_multi = no_multi };
	struct bench *b = mem_zero(1, sizeof(*b));
	struct tlsfind found;
	int fd = open(copy, O_RDONLY | O_CLOEXEC);

	need(b != NULL && fd >= 0, copy);
	need(elf_find(fd, want, COUNT_OF(want), found.site, &found.count, found.build_id) == 0 &&
		     found.count == COUNT_OF(want),
	     "find the functions");
	bench_load(b, &o);
	found_attach(b, fd, &found);
	close(fd);
	return b;
}

/* What is lost of it leaves a hole of that size. */
static void check_holed(struct bench *b, const char *what, enum abi_dropped why, uint64_t lost)
{
	const struct abi_cg *cg;
	const struct stream *s;
	struct child c;

	cgroup_make(what);
	child_run(&c, b, what, what);
	cg = counts(b, what);
	s = &b->stream[b->streams - 1];
	ok(cg && ties_out(cg, &c) && cg->dropped[why] == 1 && dropped(cg) == 1 &&
		   cg->bytes_lost[why] == lost,
	   "%s: one call has lost %llu bytes, and says why", what, (unsigned long long)lost);
	ok(cg && s->frees == 1 && s->final[0] == cg->bytes && s->bad[0] == 0 &&
		   s->lost[0] + s->final[0] - s->at[0] == lost,
	   "%s: the connection goes on, with a hole of that size", what);
}

static void check_crowd(struct bench *b)
{
	const struct abi_cg *cg;
	struct child c, few;
	bool alive = false;
	size_t freed = 0;

	cgroup_make("crowd");
	cgroup_make("few");
	child_start(&c, "crowd", "crowd");
	child_read(&c, b, "crowd");
	drain_all(b);
	cg = counts(b, "crowd");
	need(cg != NULL, "no counters");
	ok(cg->conns == CONN_SHARE && cg->dropped[ABI_DR_CONNS] == OVER && dropped(cg) == OVER &&
		   cg->bytes_lost[ABI_DR_CONNS] == 8 * OVER,
	   "a cgroup has %llu connections and no more; %llu calls were lost",
	   (unsigned long long)cg->conns, (unsigned long long)dropped(cg));
	child_start(&few, "few", "few");
	child_read(&few, b, "crowd");
	drain_all(b);
	ok(counts(b, "few") && dropped(counts(b, "few")) == 0 && counts(b, "few")->conns == OVER,
	   "there is room for another's");
	child_go(&c);
	child_read(&c, b, "crowd");
	drain_all(b);
	ok(cg->conns == CONN_SHARE && dropped(cg) == OVER, "what is closed makes room again");
	child_go(&c);
	child_end(&c);
	child_go(&few);
	child_read(&few, b, "crowd");
	child_go(&few);
	child_end(&few);
	drain_all(b);
	ok(ties_out(cg, &c), "crowd: the counters tie out with what the program did");
	need(kernel_sweep(&b->k, answer, &alive, &freed) == 0, "sweep");
	ok(freed == CONN_SHARE + OVER && cg->conns == 0 && counts(b, "few")->conns == 0,
	   "the sweep takes them off the count (%zu)", freed);
}

static void check_shapes(bool no_multi)
{
	struct bench *b;

	cgroup_make("");
	b = shapes_open(no_multi);
	check_exact(b, "lists", 0);
	check_holed(b, "long", ABI_DR_LONG, PIECES - ROUNDS);
	check_holed(b, "resumed", ABI_DR_FAULT, 200);
	check_crowd(b);
	ok(count_get(&b->counters, BAD_RECORDS) == 0, "every record made sense");
	bench_close(b);
	mem_free(b);
	cgroups_remove();
}

static void shapes_remove(void)
{
	cgroups_remove();
	unlink(copy);
	rmdir(lib_dir);
}

int main(int argc, char **argv)
{
	int from, to;

	if (argc == 2)
		return played(argv[1]);
	if (!ready(CGROUP_V2)) {
		printf("1..0 # skip needs root and cgroup v2\n");
		return 0;
	}
	need(mkdtemp(lib_dir) != NULL, lib_dir);
	atexit(shapes_remove);
	snprintf(copy, sizeof(copy), "%s/shapes", lib_dir);
	from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	to = open(copy, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	need(from >= 0 && to >= 0, copy);
	while (sendfile(to, from, NULL, 1 << 20) > 0)
		;
	close(from);
	close(to);
	program = copy;
	check_shapes(false);
	check_shapes(true);
	printf("1..%u\n", tests);
	return failures != 0;
}
