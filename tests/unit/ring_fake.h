/* ring_fake.h -- rings and rows made by hand, in memory files laid out as the kernel does, for the tests of
 * probe/ring.h. */
#ifndef TESTS_RING_FAKE_H
#define TESTS_RING_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/obj.h"
#include "probe/ring.h"

#define SIZE 65536u
#define BUSY (1u << 31)
#define DROP (1u << 30)

struct fake { /* one ring, from the kernel's side */
	int fd;
	size_t page;
	char *p;
	uint64_t at;
};

struct bed {
	struct fake data, ctl;
	int fd[KFD_COUNT];
	uint64_t *used, *verdict;
	struct abi_cg *cg;
	struct counters counters;
	struct ring *ring;
	char log[256]; /* one letter a record */
	size_t n;
	struct chunk last;
	char bytes[64];
	char path[64];
	uint64_t id;
	int answer;
};

static inline void *file_map(const char *name, size_t size, int *ret)
{
	void *p;

	*ret = memfd_create(name, MFD_CLOEXEC);
	assert_true(*ret >= 0 && ftruncate(*ret, (off_t)size) == 0);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *ret, 0);
	assert_true(p != MAP_FAILED);
	return p;
}

static inline void fake_init(struct fake *f, const char *name, uint64_t at)
{
	f->page = (size_t)sysconf(_SC_PAGESIZE);
	f->p = file_map(name, 2 * f->page + 2 * SIZE, &f->fd);
	f->at = at;
	memcpy(f->p, &at, 8);
	memcpy(f->p + f->page, &at, 8);
}

static inline void fake_done(struct fake *f)
{
	munmap(f->p, 2 * f->page + 2 * SIZE);
	close(f->fd);
}

static inline uint64_t consumed(const struct fake *f)
{
	uint64_t at;

	memcpy(&at, f->p, 8);
	return at;
}

/* Writes into both images of the data, as the kernel's double mapping does. */
static inline void fake_write(struct fake *f, uint64_t at, const void *p, size_t n)
{
	char *data = f->p + 2 * f->page;

	for (size_t i = 0; i < n; i++) {
		data[(at + i) % SIZE] = ((const char *)p)[i];
		data[(at + i) % SIZE + SIZE] = ((const char *)p)[i];
	}
}

static inline uint64_t fake_put(struct fake *f, uint32_t flags, const void *p, uint32_t n)
{
	uint32_t head[2] = { n | flags, 0 };
	uint64_t at = f->at;

	fake_write(f, at, head, 8);
	fake_write(f, at + 8, p, n);
	f->at += 8 + (n + 7) / 8 * 8;
	memcpy(f->p + f->page, &f->at, 8);
	return at;
}

static inline void fake_commit(struct fake *f, uint64_t at, uint32_t n)
{
	fake_write(f, at, &n, 4);
}

static inline int on_chunk(void *ctx, const struct chunk *c)
{
	struct bed *b = ctx;

	if (b->n < sizeof(b->log) - 1)
		b->log[b->n++] = "dEFXx"[c->end];
	b->last = *c;
	b->last.bytes.p = b->bytes;
	memcpy(b->bytes, c->bytes.p ? c->bytes.p : "", MIN(c->bytes.n, sizeof(b->bytes)));
	return b->answer;
}

static inline void on_cgroup(void *ctx, uint64_t id, struct str path)
{
	struct bed *b = ctx;

	if (b->n < sizeof(b->log) - 1)
		b->log[b->n++] = 'g';
	b->id = id;
	snprintf(b->path, sizeof(b->path), STR_FMT, STR_ARG(path));
}

static inline void on_exec(void *ctx, uint32_t tgid, uint64_t start_ns, struct str file)
{
	struct bed *b = ctx;

	b->id = tgid + start_ns;
	snprintf(b->path, sizeof(b->path), STR_FMT, STR_ARG(file));
}

static inline void on_sock(void *ctx, const struct abi_sock *s, struct str hello)
{
	struct bed *b = ctx;

	if (b->n < sizeof(b->log) - 1)
		b->log[b->n++] = 's';
	b->id = s->cookie;
	snprintf(b->path, sizeof(b->path), STR_FMT, STR_ARG(hello));
}

static inline int bed_ring(struct bed *b)
{
	struct ring_opts o = { .fd = b->fd,
			       .counters = &b->counters,
			       .cgroup = on_cgroup,
			       .exec = on_exec,
			       .sock = on_sock,
			       .ctx = b };

	return ring_new(&o, (struct chunk_sink){ on_chunk, b }, &b->ring);
}

static inline struct bed *bed_new(uint64_t at)
{
	struct bed *b = mem_zero(1, sizeof(*b));

	assert_non_null(b);
	fake_init(&b->data, "data", at);
	fake_init(&b->ctl, "ctl", at);
	b->fd[KFD_DATA] = b->data.fd;
	b->fd[KFD_CTL] = b->ctl.fd;
	b->cg = file_map("cg", ABI_CG_SLOTS * sizeof(*b->cg) + 4096, &b->fd[KFD_CG_COUNT]);
	b->used = file_map("used", ABI_CG_SLOTS * 8, &b->fd[KFD_CG_USED]);
	b->verdict = file_map("verdict", ABI_CONN_SLOTS * 8, &b->fd[KFD_VERDICT]);
	assert_int_equal(bed_ring(b), 0);
	return b;
}

static inline void bed_free(struct bed *b)
{
	ring_free(&b->ring);
	fake_done(&b->data);
	fake_done(&b->ctl);
	munmap(b->cg, ABI_CG_SLOTS * sizeof(*b->cg) + 4096);
	munmap(b->used, ABI_CG_SLOTS * 8);
	munmap(b->verdict, ABI_CONN_SLOTS * 8);
	close(b->fd[KFD_CG_COUNT]);
	close(b->fd[KFD_CG_USED]);
	close(b->fd[KFD_VERDICT]);
	mem_free(b);
}

struct full {
	struct abi_data head;
	char bytes[32];
};

static inline struct full good(const char *bytes)
{
	struct full d = { .head = { .type = ABI_DATA,
				    .size = (uint32_t)strlen(bytes),
				    .gen = ABI_GEN_STEP + 7,
				    .obj = 0x1000,
				    .cgroup = 55,
				    .start_ns = 99,
				    .at_ns = 1000000,
				    .off = 10,
				    .tgid = 3,
				    .uid = 4,
				    .tid = 5,
				    .conn_slot = 7,
				    .cg_slot = 2,
				    .charge = 8 + (sizeof(d) + 7) / 8 * 8,
				    .dir = 1,
				    .row = TLS_OPENSSL_READ,
				    .comm = "curl" } };

	memcpy(d.bytes, bytes, strlen(bytes));
	return d;
}

static inline struct abi_end end_of(uint32_t type)
{
	return (struct abi_end){ .type = type,
				 .tgid = 3,
				 .gen = type == ABI_FREE || type == ABI_EOF ? ABI_GEN_STEP + 7 : 0,
				 .start_ns = 99,
				 .conn_slot = 7,
				 .final = { 20, 30 },
				 .path = "/bin/true" };
}

static inline size_t drain(struct bed *b, size_t max)
{
	size_t done = 77;

	assert_int_equal(ring_drain(b->ring, max, &done), 0);
	b->log[b->n] = 0;
	return done;
}

#endif
