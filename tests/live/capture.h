/* capture.h -- what capture.c stands on: its cgroups, its copy of libssl, the observed processes, the loaded kernel side
 * and the streams that come out of its ring. */
#ifndef TESTS_CAPTURE_H
#define TESTS_CAPTURE_H

#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "base/buf.h"
#include "base/clock.h"
#include "host/cgroup.h"
#include "host/tlsfind.h"
#include "observed.h"
#include "probe/ring.h"

#define RING    (64u << 20)
#define STREAMS 20000
#define TARGET  77 /* the number of the file that is probed */

struct stream {
	uint64_t gen, obj;
	uint32_t tgid;
	uint64_t at[2], lost[2], bad[2];
	uint64_t seed[2];
	uint64_t final[2];
	unsigned frees, eofs;
};

struct bench { /* one loaded kernel side and what came out of it */
	struct kernel k;
	struct ring *ring;
	struct counters counters;
	int links[KERNEL_LINKS];
	size_t link_count;
	struct stream stream[STREAMS];
	size_t streams;
	uint64_t chunks, exits, execs, made;
	uint64_t strays; /* chunks that came through no file of ours */
	uint32_t exit_tgid;
};

struct child {
	pid_t pid;
	int in, out; /* its standard input and output, our ends */
	char text[65536];
	size_t n;
};

static char lib_dir[] = "/tmp/submeter-capture-XXXXXX";
static char mount[256], top[64];
static unsigned tests, failures;
static const char *program; /* that is observed, with one argument; NULL: this one, as observed.h */

static inline _printf_(2, 3) bool ok(bool good, const char *format, ...)
{
	va_list a;

	tests++;
	failures += !good;
	printf("%sok %u - ", good ? "" : "not ", tests);
	va_start(a, format);
	vprintf(format, a);
	va_end(a);
	printf("\n");
	fflush(stdout);
	return good;
}

static inline void need(bool good, const char *what)
{
	if (good)
		return;
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- what comes out of the ring ------------------------------------------------------------- */

static inline struct stream *stream_of(struct bench *b, const struct origin *from)
{
	size_t i;

	for (i = 0; i < b->streams; i++)
		if (b->stream[i].gen == from->gen)
			return &b->stream[i];
	need(b->streams < STREAMS, "more connections than the test makes");
	b->stream[b->streams] =
		(struct stream){ .gen = from->gen, .obj = from->obj, .tgid = from->tgid };
	return &b->stream[b->streams++];
}

static inline void stream_data(struct stream *s, const struct chunk *c)
{
	const uint8_t *p = (const uint8_t *)c->bytes.p;
	uint64_t i;

	s->lost[c->dir] += c->off - s->at[c->dir];
	for (i = 0; i < c->bytes.n; i++) {
		if (c->off + i < 8)
			s->seed[c->dir] |= (uint64_t)p[i] << 8 * (c->off + i);
		else if (p[i] != stream_byte(s->seed[c->dir], c->off + i))
			s->bad[c->dir]++;
	}
	s->at[c->dir] = c->off + c->bytes.n;
}

static inline int on_chunk(void *ctx, const struct chunk *c)
{
	struct bench *b = ctx;
	struct stream *s;

	if (c->end == END_EXIT || c->end == END_EXEC) {
		b->exits += c->end == END_EXIT;
		if (c->end == END_EXIT)
			b->exit_tgid = c->from.tgid;
		return 0;
	}
	s = stream_of(b, &c->from);
	b->chunks += c->end == END_NONE;
	b->strays += c->end == END_NONE && c->from.target != TARGET;
	if (c->end == END_NONE)
		stream_data(s, c);
	s->eofs += c->end == END_EOF;
	if (c->end == END_FREE) {
		s->frees++;
		memcpy(s->final, c->final, sizeof(s->final));
	}
	return 0;
}

static inline void on_cgroup(void *ctx, uint64_t id, struct str path)
{
	struct bench *b = ctx;
	char want[128];
	uint64_t real;

	snprintf(want, sizeof(want), "%s/mixed", top);
	if (str_eq(path, str_of(want)) && cgroup_id(mount, want, &real) == 0)
		b->made += id == real;
}

static inline void on_exec(void *ctx, uint32_t tgid, uint64_t start_ns, struct str file)
{
	struct bench *b = ctx;

	(void)tgid;
	b->execs += start_ns && str_eq(file, S("/proc/self/exe"));
}

static inline void drain(struct bench *b)
{
	size_t done;

	do {
		need(ring_drain(b->ring, 1000, &done) == 0, "drain");
	} while (done);
}

static inline void drain_all(struct bench *b)
{
	struct ring_mark m = ring_mark(b->ring);

	while (!ring_passed(b->ring, m))
		drain(b);
}

static inline const struct abi_cg *counts(struct bench *b, const char *name)
{
	const struct abi_cg *cg;
	char path[128];
	uint64_t id = 0;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	need(cgroup_id(mount, path, &id) == 0, path);
	for (uint32_t i = 0; (cg = ring_cg(b->ring, i)); i++)
		if (cg->cgroup == id)
			return cg;
	return NULL;
}

/* ---- the observed processes ----------------------------------------------------------------- */

static inline void cgroup_make(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s%s%s%s", mount, top, *name ? "/" : "", name);
	need(mkdir(path, 0755) == 0 || errno == EEXIST, path);
}

static inline void cgroup_join(const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s%s/%s/cgroup.procs", mount, top, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	must(fd >= 0 && write(fd, "0", 1) == 1, "cgroup");
	close(fd);
}

static inline void child_start(struct child *c, const char *what, const char *cgroup)
{
	int in[2], out[2];

	need(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "pipe");
	fflush(stdout);
	c->n = 0;
	c->pid = fork();
	need(c->pid >= 0, "fork");
	if (c->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		if (cgroup)
			cgroup_join(cgroup);
		setenv("LD_LIBRARY_PATH", lib_dir, 1);
		if (program)
			execl(program, program, what, NULL);
		else
			execl("/proc/self/exe", "capture", "observed", what, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	c->in = in[1];
	c->out = out[0];
}

/* Reads until `until` was printed, or the child has ended; drains the rings meanwhile unless b is NULL. */
static inline void child_read(struct child *c, struct bench *b, const char *until)
{
	struct pollfd p[3] = { { c->out, POLLIN, 0 }, { -1, POLLIN, 0 }, { -1, POLLIN, 0 } };
	size_t from = c->n;
	ssize_t n;

	if (b) {
		p[1].fd = ring_poll_fd(b->ring, KFD_DATA);
		p[2].fd = ring_poll_fd(b->ring, KFD_CTL);
	}
	for (;;) {
		c->text[c->n] = 0;
		if (until && strstr(c->text + from, until))
			return;
		need(poll(p, 3, 60000) > 0, "nothing happens");
		if (b)
			drain(b);
		if (!p[0].revents)
			continue;
		n = read(c->out, c->text + c->n, sizeof(c->text) - 1 - c->n);
		need(n >= 0, "read");
		if (n == 0)
			return;
		c->n += (size_t)n;
	}
}

static inline void child_go(struct child *c)
{
	need(write(c->in, "\n", 1) == 1, "write");
}

static inline void child_end(struct child *c)
{
	int status;

	close(c->in);
	child_read(c, NULL, NULL);
	close(c->out);
	need(waitpid(c->pid, &status, 0) == c->pid, "wait");
	if (status)
		ok(false, "the observed process ends with %x: %s", status, c->text);
}

static inline void child_run(struct child *c, struct bench *b, const char *what, const char *cgroup)
{
	child_start(c, what, cgroup);
	child_read(c, b, NULL);
	child_end(c);
	if (b)
		drain_all(b);
}

/* ---- loading and attaching ------------------------------------------------------------------ */

static char lib_path[2][128];

/* Copies the libssl and libcrypto that this program runs on: same bytes, other inodes. */
static inline void lib_copy(void)
{
	void *const in[2] = { (void *)(uintptr_t)SSL_write, (void *)(uintptr_t)BIO_new };
	Dl_info info;

	need(mkdtemp(lib_dir) != NULL, lib_dir);
	for (int i = 0; i < 2; i++) {
		char real[4096];
		const char *name;
		int from, to;

		need(dladdr(in[i], &info) != 0, "dladdr");
		name = strrchr(info.dli_fname, '/');
		need(name && realpath(info.dli_fname, real), info.dli_fname);
		snprintf(lib_path[i], sizeof(lib_path[i]), "%s%s", lib_dir, name);
		from = open(real, O_RDONLY | O_CLOEXEC);
		to = open(lib_path[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
		need(from >= 0 && to >= 0, lib_path[i]);
		while (sendfile(to, from, NULL, 1 << 20) > 0)
			;
		close(from);
		close(to);
	}
}

static inline void lib_remove(void)
{
	unlink(lib_path[0]);
	unlink(lib_path[1]);
	rmdir(lib_dir);
}

static inline void found_attach(struct bench *b, int fd, const struct tlsfind *found)
{
	struct site site[KERNEL_SITES];
	uint64_t start;
	size_t i;

	for (i = 0; i < found->count; i++)
		site[i] = (struct site){ .row = found->site[i].row,
					 .leave = found->site[i].leave,
					 .offset = found->site[i].offset };
	start = clock_boot_ns();
	need(kernel_attach(&b->k, fd, TARGET, site, found->count, b->links, &b->link_count) == 0,
	     "attach");
	printf("# %zu functions attached by %zu links in %llu us\n", found->count, b->link_count,
	       (unsigned long long)(clock_boot_ns() - start) / 1000);
}

/* `named`: the functions that have a name; else what submeterd would probe. */
static inline void lib_attach(struct bench *b, bool named)
{
	static const struct elf_want want[] = {
#define TLS(row, family, function, shape, dir, finder, tried) \
	{ FINDER_##finder == FINDER_SYMBOL ? function : "", TLS_##row },
#include "tbl/tls.h"
#undef TLS
	};
	struct tlsfind found;
	int fd;

	fd = open(lib_path[0], O_RDONLY | O_CLOEXEC);
	need(fd >= 0, lib_path[0]);
	if (named)
		need(elf_find(fd, want, COUNT_OF(want), found.site, &found.count, found.build_id) ==
			     0,
		     "find the functions");
	else
		need(tlsfind(NULL, fd, false, &found) == 0, "find the functions");
	found_attach(b, fd, &found);
	close(fd);
}

/* Loads, observes `top`; attaches nothing. */
static inline void bench_load(struct bench *b, const struct kernel_opts *o)
{
	struct ring_opts ro = {
		.counters = &b->counters, .cgroup = on_cgroup, .exec = on_exec, .ctx = b
	};
	char why[256];
	uint64_t id;

	if (kernel_load(o, &b->k, why) < 0) {
		printf("Bail out! %s\n", why);
		exit(1);
	}
	need(cgroup_id(mount, top, &id) == 0, "cgroup");
	need(kernel_scope(&b->k, id, SCOPE_IN) == 0, "scope");
	ro.fd = b->k.fd;
	need(ring_new(&ro, (struct chunk_sink){ on_chunk, b }, &b->ring) == 0, "ring");
}

/* `supervisor`: a thread group to look away from, with its children; 0 = none. */
static inline void bench_open(struct bench *b, bool no_multi, pid_t supervisor)
{
	struct kernel_opts o = { .ring_bytes = RING,
				 .no_multi = no_multi,
				 .supervisor = (uint32_t)supervisor };

	bench_load(b, &o);
	lib_attach(b, no_multi); /* each way once */
}

static inline void bench_close(struct bench *b)
{
	ring_free(&b->ring);
	while (b->link_count)
		close(b->links[--b->link_count]);
	kernel_close(&b->k);
}

static inline int cgroup_gone(void *ctx, uint64_t id, struct str path)
{
	struct buf *b = ctx;

	(void)id;
	return buf_printf(b, "%s" STR_FMT "\n", mount, STR_ARG(path));
}

/* Children before parents: the walk gives parents first. */
static inline void cgroups_remove(void)
{
	struct buf b = { .limit = 1 << 20 };
	char *p;

	if (cgroup_walk(mount, top, cgroup_gone, &b) == 0 && b.n) {
		b.p[b.n - 1] = 0;
		while ((p = strrchr(b.p, '\n'))) {
			rmdir(p + 1);
			*p = 0;
		}
		rmdir(b.p);
	}
	buf_done(&b);
}

/* Takes the hierarchy's root; a cgroup of our own below it is made by whoever needs one. */
static inline bool ready(enum cgroup_hierarchy h)
{
	if (geteuid() != 0 || cgroup_mount(&h, mount, sizeof(mount)) < 0)
		return false;
	snprintf(top, sizeof(top), "/submeter-capture-%d", (int)getpid());
	return true;
}

/* At every exit, also the one after a failure. */
static inline void clean(void)
{
	cgroups_remove();
	lib_remove();
}

#endif
