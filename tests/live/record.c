/* What a process in a cgroup said and heard over TLS, as the kernel side tells it: nothing of submeterd but its finder, its
 * probes and its ring.
 *
 *     record CGROUP-FOLDER OUT-FOLDER FILE...
 *
 * Attaches to each FILE what submeterd would, prints one line about each, then "attached", and records until SIGTERM. Then,
 * below OUT-FOLDER: N.out and N.in, each connection's bytes by offset; connections.jsonl and cgroups.jsonl. A FILE in which
 * nothing is found is told and passed over. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/table.h"
#include "host/tlsfind.h"
#include "probe/ring.h"

#define RING  (64u << 20)
#define FILES 16
#define HELD  (1u << 30) /* most bytes of one direction */

struct conn {
	uint64_t gen, first_ns;
	struct origin from;
	struct buf bytes[2];
	uint64_t gap[2], twice[2]; /* bytes that never came; that came again */
	uint64_t final[2];
	uint64_t rows; /* bit per row of tbl/tls.h */
	unsigned late; /* records after the end */
	unsigned eofs;
	enum flow_end end;
	size_t number; /* in the order of their first bytes */
	UT_hash_handle hh;
};

struct recorder {
	struct kernel k;
	struct ring *ring;
	struct counters counters;
	struct conn *conns;
	int links[FILES * KERNEL_LINKS];
	size_t link_count;
};

static const char *const functions[] = {
#define TLS(row, family, function, shape, dir, finder, tried) #row,
#include "tbl/tls.h"
#undef TLS
};
static const char *const ends[] = { "none", "eof", "free", "exec", "exit", "stop" };

static void need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "record: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void need_r(int r, const char *what)
{
	errno = -r;
	need(r >= 0, what);
}

/* ---- out of the ring ------------------------------------------------------------------------ */

static struct conn *conn_of(struct recorder *r, const struct chunk *c)
{
	struct conn *s;

	HASH_FIND(hh, r->conns, &c->from.gen, sizeof(c->from.gen), s);
	if (s)
		return s;
	s = mem_zero(1, sizeof(*s));
	need(s != NULL, "memory");
	s->gen = c->from.gen;
	s->first_ns = c->at_ns;
	s->from = c->from;
	s->number = HASH_COUNT(r->conns);
	s->bytes[0].limit = s->bytes[1].limit = HELD;
	s->final[0] = s->final[1] = OFF_UNKNOWN;
	HASH_ADD(hh, r->conns, gen, sizeof(s->gen), s);
	need(s->hh.tbl != NULL, "memory");
	return s;
}

static void conn_data(struct conn *s, const struct chunk *c)
{
	struct buf *b = &s->bytes[c->dir];
	struct str fresh = c->bytes;
	uint64_t again = c->off < b->n ? b->n - c->off : 0;

	s->rows |= 1ull << c->from.row;
	s->late += s->end != END_NONE;
	while (b->n < c->off && s->gap[c->dir]++ < HELD) /* a byte that never came is a NUL */
		need_r(buf_put(b, 0), "memory");
	if (again > fresh.n)
		again = fresh.n;
	s->twice[c->dir] += again;
	fresh.p += again;
	fresh.n -= again;
	need_r(buf_add(b, fresh), "memory");
}

static void conn_end(struct conn *s, const struct chunk *c)
{
	if (s->end != END_NONE)
		return;
	s->end = c->end;
	if (c->end == END_FREE)
		memcpy(s->final, c->final, sizeof(s->final));
}

static int on_chunk(void *ctx, const struct chunk *c)
{
	struct recorder *r = ctx;
	struct conn *s, *next;

	if (c->end == END_EXIT || c->end == END_EXEC) {
		HASH_ITER (hh, r->conns, s, next)
			if (s->from.tgid == c->from.tgid && s->from.start_ns == c->from.start_ns &&
			    (c->end == END_EXIT || s->first_ns < c->at_ns)) /* ring.h */
				conn_end(s, c);
		return 0;
	}
	s = conn_of(r, c);
	if (c->end == END_NONE)
		conn_data(s, c);
	else if (c->end == END_EOF)
		s->eofs++;
	else
		conn_end(s, c);
	return 0;
}

static void drain(struct recorder *r)
{
	size_t done;

	do {
		need_r(ring_drain(r->ring, 1000, &done), "drain");
	} while (done);
}

/* ---- attaching ------------------------------------------------------------------------------ */

static void attach(struct recorder *r, const char *path, uint32_t target)
{
	struct tlsfind found;
	struct site site[KERNEL_SITES];
	size_t links = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC), e;

	need(fd >= 0, path);
	e = tlsfind(NULL, fd, false, &found);
	if (e == 0 && found.deeper)
		e = tlsfind(NULL, fd, true, &found);
	need_r(e == -ENOEXEC ? 0 : e, path);
	if (e < 0)
		found.count = 0;
	printf("{\"file\": \"%s\", \"target\": %u, \"why\": \"%s\", \"sites\": [", path, target,
	       e < 0 ? "not a program" : found.why);
	for (size_t i = 0; i < found.count; i++) {
		site[i] = (struct site){ .row = found.site[i].row,
					 .leave = found.site[i].leave,
					 .offset = found.site[i].offset };
		printf("%s\"%s%s\"", i ? ", " : "", functions[site[i].row],
		       site[i].leave ? " leave" : "");
	}
	printf("]}\n");
	if (found.count)
		need_r(kernel_attach(&r->k, fd, target, site, found.count, r->links + r->link_count,
				     &links),
		       path);
	r->link_count += links;
	close(fd);
}

static void start(struct recorder *r, const char *cgroup, char **files, int count)
{
	struct kernel_opts o = { .ring_bytes = RING };
	struct ring_opts ro = { .counters = &r->counters };
	char why[256] = "";
	struct stat st;

	need(stat(cgroup, &st) == 0, cgroup);
	need_r(kernel_load(&o, &r->k, why), why);
	need_r(kernel_scope(&r->k, st.st_ino, SCOPE_IN), "scope");
	ro.fd = r->k.fd;
	need_r(ring_new(&ro, (struct chunk_sink){ on_chunk, r }, &r->ring), "ring");
	for (int i = 0; i < count; i++)
		attach(r, files[i], (uint32_t)i + 1);
	printf("attached\n");
	fflush(stdout);
}

static void until_told(struct recorder *r)
{
	struct pollfd p[3] = { { -1, POLLIN, 0 },
			       { ring_poll_fd(r->ring, KFD_DATA), POLLIN, 0 },
			       { ring_poll_fd(r->ring, KFD_CTL), POLLIN, 0 } };
	struct ring_mark m;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	p[0].fd = signalfd(-1, &set, SFD_CLOEXEC);
	need(p[0].fd >= 0, "signals");
	while (!p[0].revents) {
		need(poll(p, 3, -1) > 0, "poll");
		drain(r);
	}
	for (m = ring_mark(r->ring); !ring_passed(r->ring, m);)
		drain(r);
	close(p[0].fd);
}

/* ---- writing down --------------------------------------------------------------------------- */

static FILE *create(const char *folder, const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "we");
	need(f != NULL, path);
	return f;
}

static void save_bytes(const char *folder, const struct conn *s)
{
	static const char *const dirs[2] = { "out", "in" };

	for (int d = 0; d < 2; d++) {
		char name[64];
		FILE *f;

		snprintf(name, sizeof(name), "%zu.%s", s->number, dirs[d]);
		f = create(folder, name);
		need(fwrite(s->bytes[d].p, 1, s->bytes[d].n, f) == s->bytes[d].n && fclose(f) == 0,
		     name);
	}
}

static void save_conn(FILE *f, const struct conn *s)
{
	const char *comma = "";

	fprintf(f,
		"{\"number\": %zu, \"gen\": %llu, \"tgid\": %u, \"cgroup\": %llu, \"target\": %u, "
		"\"end\": \"%s\", \"eofs\": %u, \"late\": %u, \"gap\": [%llu, %llu], "
		"\"twice\": [%llu, %llu], \"got\": [%zu, %zu], \"rows\": [",
		s->number, (unsigned long long)s->gen, s->from.tgid,
		(unsigned long long)s->from.cgroup, s->from.target, ends[s->end], s->eofs, s->late,
		(unsigned long long)s->gap[0], (unsigned long long)s->gap[1],
		(unsigned long long)s->twice[0], (unsigned long long)s->twice[1], s->bytes[0].n,
		s->bytes[1].n);
	for (size_t i = 0; i < COUNT_OF(functions); i++) {
		if (!(s->rows >> i & 1))
			continue;
		fprintf(f, "%s\"%s\"", comma, functions[i]);
		comma = ", ";
	}
	if (s->final[0] == OFF_UNKNOWN)
		fprintf(f, "], \"final\": null}\n");
	else
		fprintf(f, "], \"final\": [%llu, %llu]}\n", (unsigned long long)s->final[0],
			(unsigned long long)s->final[1]);
}

#define NAME(name, text) text,
static const char *const ignored[] = { ABI_IGNORED_ROWS(NAME) };
static const char *const dropped[] = { ABI_DROPPED_ROWS(NAME) };
#undef NAME

static void save_split(FILE *f, const char *name, const char *const *words, const __u64 *n,
		       size_t count)
{
	fprintf(f, ", \"%s\": {", name);
	for (size_t i = 0; i < count; i++)
		fprintf(f, "%s\"%s\": %llu", i ? ", " : "", words[i], n[i]);
	fprintf(f, "}");
}

static void save_cgroups(FILE *f, const struct recorder *r)
{
	const struct abi_cg *c;

	for (uint32_t i = 0; (c = ring_cg(r->ring, i)); i++) {
		if (!c->cgroup && !c->hits)
			continue;
		fprintf(f,
			"{\"cgroup_id\": %llu, \"hits\": %llu, \"delivered\": %llu, \"empty\": "
			"%llu, "
			"\"bytes\": %llu, \"bytes_out\": %llu, \"ends_lost\": %llu",
			c->cgroup, c->hits, c->delivered, c->empty, c->bytes, c->bytes_out,
			c->ends_lost);
		save_split(f, "ignored", ignored, c->ignored, ABI_IG_COUNT);
		save_split(f, "dropped", dropped, c->dropped, ABI_DR_COUNT);
		save_split(f, "bytes_lost", dropped, c->bytes_lost, ABI_DR_COUNT);
		fprintf(f, "}\n");
	}
}

static void save(const struct recorder *r, const char *folder)
{
	FILE *conns = create(folder, "connections.jsonl");
	FILE *cgroups = create(folder, "cgroups.jsonl");
	struct conn *s, *next;

	HASH_ITER (hh, r->conns, s, next) {
		save_bytes(folder, s);
		save_conn(conns, s);
	}
	save_cgroups(cgroups, r);
	need(fclose(conns) == 0 && fclose(cgroups) == 0, folder);
}

static void done(struct recorder *r)
{
	struct conn *s, *next;

	while (r->link_count)
		close(r->links[--r->link_count]);
	HASH_ITER (hh, r->conns, s, next) {
		HASH_DEL(r->conns, s);
		buf_done(&s->bytes[0]);
		buf_done(&s->bytes[1]);
		mem_free(s);
	}
	ring_free(&r->ring);
	kernel_close(&r->k);
}

int main(int argc, char **argv)
{
	static struct recorder r;
	sigset_t set;

	if (argc < 4 || argc > 3 + FILES) {
		fprintf(stderr, "usage: record CGROUP-FOLDER OUT-FOLDER FILE...\n");
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	need(sigprocmask(SIG_BLOCK, &set, NULL) == 0, "signals");
	start(&r, argv[1], argv + 3, argc - 3);
	until_told(&r);
	save(&r, argv[2]);
	done(&r);
	return 0;
}
