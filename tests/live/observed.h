/* observed.h -- the observed side of capture.c: TLS between two objects of one process, over memory, and a report on
 * standard output of what was really sent. The process runs on a private copy of libssl. */
#ifndef TESTS_OBSERVED_H
#define TESTS_OBSERVED_H

#include <fcntl.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <time.h>
#include <unistd.h>
#include "base/lang.h"
#include "base/obj.h"

#define CANARY    "canary-7f3a9c52e1b84d06-must-stay-unseen"
#define PIPE_ROOM (1 << 20)
#define BIG       5000000u
#define PAGES     1000
#define PAGE      4096

/* Byte i of a stream that begins with its seed. */
static inline uint8_t stream_byte(uint64_t seed, uint64_t i)
{
	uint64_t x = seed + i / 8 * 0x9e3779b97f4a7c15ull;

	if (i < 8)
		return (uint8_t)(seed >> 8 * i);
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return (uint8_t)((x ^ x >> 31) >> 8 * (i % 8));
}

struct side { /* one TLS object */
	SSL *ssl;
	uint64_t seed[2], done[2]; /* out, in */
};

static uint64_t calls_made, calls_empty;
static uint64_t dice = 42;

static inline uint32_t roll(uint32_t below)
{
	dice = dice * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(dice >> 33) % below;
}

static inline void must(bool ok, const char *what)
{
	if (ok)
		return;
	printf("bad %s\n", what);
	fflush(stdout);
	_exit(3);
}

/* One call, plain or _ex; the bytes moved, 0 for none. */
static inline size_t tls_call(struct side *s, bool in, void *buf, size_t n, bool ex)
{
	size_t moved = 0;
	int r;

	calls_made++;
	if (ex && in)
		r = SSL_read_ex(s->ssl, buf, n, &moved);
	else if (ex)
		r = SSL_write_ex(s->ssl, buf, n, &moved);
	else
		r = in ? SSL_read(s->ssl, buf, (int)n) : SSL_write(s->ssl, buf, (int)n);
	if (!ex)
		moved = r > 0 ? (size_t)r : 0;
	if (r <= 0 || !moved) {
		calls_empty++;
		return 0;
	}
	s->done[in] += moved;
	return moved;
}

static inline void pair_open(struct side *c, struct side *s, BIO *outer[2])
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	BIO *a, *b;

	*c = *s = (struct side){ .ssl = NULL };
	/* Anonymous: no certificate to make. */
	must(ctx && SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION) &&
		     SSL_CTX_set_cipher_list(ctx, "aNULL:@SECLEVEL=0"),
	     "context");
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE * roll(2));
	c->ssl = SSL_new(ctx);
	s->ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	if (outer) {
		a = outer[0];
		b = outer[1];
	} else {
		must(BIO_new_bio_pair(&a, PIPE_ROOM, &b, PIPE_ROOM) == 1, "pair");
	}
	SSL_set_bio(c->ssl, a, a);
	SSL_set_bio(s->ssl, b, b);
	SSL_set_connect_state(c->ssl);
	SSL_set_accept_state(s->ssl);
	for (int i = 0; i < 20 && (SSL_in_init(c->ssl) || SSL_in_init(s->ssl)); i++) {
		SSL_do_handshake(c->ssl);
		SSL_do_handshake(s->ssl);
	}
	must(!SSL_in_init(c->ssl) && !SSL_in_init(s->ssl), "handshake");
	for (int dir = 0; dir < 2; dir++) {
		struct side *from = dir ? s : c, *to = dir ? c : s;

		from->seed[0] = to->seed[1] = ((uint64_t)getpid() << 32 | roll(1u << 30)) | 1;
	}
}

/* n bytes of the stream from one side to the other; both retry as nonblocking programs do. */
static inline void send_bytes(struct side *from, struct side *to, size_t n)
{
	uint8_t *p = mem_zero(n, 1), *in = mem_zero(PIPE_ROOM, 1);
	size_t sent = 0, got = 0, i, k;

	must(p && in, "memory");
	for (i = 0; i < n; i++)
		p[i] = stream_byte(from->seed[0], from->done[0] + i);
	while (got < n) {
		bool ex = roll(2);

		if (sent < n)
			sent += tls_call(from, false, p + sent, n - sent, ex);
		while ((k = tls_call(to, true, in, 1 + roll(roll(2) ? 300 : 60000), roll(2)))) {
			must(memcmp(in, p + got, k) == 0, "content");
			got += k;
		}
	}
	mem_free(p);
	mem_free(in);
}

static inline void side_close(struct side *s)
{
	printf("side %llx %llu %llu %llu %llu\n", (unsigned long long)(uintptr_t)s->ssl,
	       (unsigned long long)s->seed[0], (unsigned long long)s->done[0],
	       (unsigned long long)s->seed[1], (unsigned long long)s->done[1]);
	SSL_free(s->ssl);
	s->ssl = NULL;
}

static inline void wait_line(void)
{
	char c;

	fflush(stdout);
	while (read(0, &c, 1) == 1 && c != '\n')
		;
}

/* ---- scenarios ------------------------------------------------------------------------------ */

static inline void run_mixed(void)
{
	struct side c, s;
	char none[64];

	for (int i = 0; i < 20; i++) {
		pair_open(&c, &s, NULL);
		for (int k = 0; k < 10; k++) {
			send_bytes(&c, &s, 1 + roll(40000));
			send_bytes(&s, &c, 1 + roll(roll(2) ? 100 : 200000));
		}
		SSL_shutdown(c.ssl);
		/* The server sees the close: two reads of 0, one end. */
		must(!tls_call(&s, true, none, sizeof(none), false), "close");
		must(!tls_call(&s, true, none, sizeof(none), false), "close");
		side_close(&c);
		side_close(&s);
	}
}

static inline void run_big(void)
{
	struct side c, s;

	pair_open(&c, &s, NULL);
	SSL_clear_mode(c.ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
	send_bytes(&c, &s, BIG);
	side_close(&c);
	side_close(&s);
}

/* Each page of the send buffer is thrown out of memory before it is sent. */
static inline void run_mapped(void)
{
	char path[] = "/tmp/submeter-mapped-XXXXXX";
	int fd = mkstemp(path);
	struct side c, s;
	uint8_t *p, in[PAGE];
	size_t i, k;

	unlink(path);
	pair_open(&c, &s, NULL);
	must(fd >= 0 && ftruncate(fd, PAGES * PAGE) == 0, "file");
	p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(p != MAP_FAILED, "map");
	for (i = 0; i < PAGES * PAGE; i++)
		p[i] = stream_byte(c.seed[0], i);
	munmap(p, PAGES * PAGE);
	p = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	must(p != MAP_FAILED, "map");
	for (i = 0; i < PAGES; i++) {
		must(madvise(p, PAGES * PAGE, MADV_DONTNEED) == 0, "madvise");
		must(tls_call(&c, false, p + i * PAGE, PAGE, i % 2) == PAGE, "write");
		for (k = 0; k < PAGE;)
			k += tls_call(&s, true, in, PAGE - k, i % 2);
	}
	munmap(p, PAGES * PAGE);
	close(fd);
	side_close(&c);
	side_close(&s);
}

/* A BIO that is itself TLS, through the public functions: calls within calls on one thread. */
static jmp_buf *jump;

static inline int over_write(BIO *b, const char *p, int n)
{
	size_t k;

	if (jump)
		longjmp(*jump, 1);
	BIO_clear_retry_flags(b);
	k = tls_call(BIO_get_data(b), false, (void *)(uintptr_t)p, (size_t)n, n % 2);
	if (k)
		return (int)k;
	BIO_set_retry_write(b);
	return -1;
}

static inline int over_read(BIO *b, char *p, int n)
{
	size_t k;

	BIO_clear_retry_flags(b);
	k = tls_call(BIO_get_data(b), true, p, (size_t)n, n % 2);
	if (k)
		return (int)k;
	BIO_set_retry_read(b);
	return -1;
}

static inline long over_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	(void)b, (void)num, (void)ptr;
	return cmd == BIO_CTRL_FLUSH;
}

static inline BIO *over(BIO_METHOD *m, struct side *outer)
{
	BIO *b = BIO_new(m);

	must(b != NULL, "bio");
	BIO_set_data(b, outer);
	BIO_set_init(b, 1);
	return b;
}

/* The inner handshake goes through the outer objects' public calls: what they carry is not a stream of ours, so
 * only sizes are reported for them (seed 0). */
static inline void run_nested(bool leap)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "over");
	struct side c, s, ic, is;
	jmp_buf here;
	BIO *b[2];
	char y;

	BIO_meth_set_write(m, over_write);
	BIO_meth_set_read(m, over_read);
	BIO_meth_set_ctrl(m, over_ctrl);
	pair_open(&c, &s, NULL);
	b[0] = over(m, &c);
	b[1] = over(m, &s);
	c.seed[0] = c.seed[1] = s.seed[0] = s.seed[1] = 0;
	pair_open(&ic, &is, b);
	for (int i = 0; i < 20; i++) {
		send_bytes(&ic, &is, 1 + roll(30000));
		send_bytes(&is, &ic, 1 + roll(30000));
	}
	if (leap) {
		jump = &here;
		if (setjmp(here) == 0)
			tls_call(&ic, false, (void *)(uintptr_t) "x", 1, false);
		jump = NULL;
		/* Another object from the same depth of the stack: not to be taken for the call that was left. */
		must(tls_call(&c, false, (void *)(uintptr_t) "y", 1, false) == 1, "write");
		must(tls_call(&s, true, &y, 1, false) == 1, "read");
		side_close(&ic);
		side_close(&is);
		pair_open(&ic, &is, (BIO *[]){ over(m, &c), over(m, &s) });
		send_bytes(&ic, &is, 3000);
	}
	side_close(&ic);
	side_close(&is);
	side_close(&c);
	side_close(&s);
	BIO_meth_free(m);
}

static inline void run_pauses(size_t n)
{
	struct side c, s;

	pair_open(&c, &s, NULL);
	for (int i = 0; i < 3; i++) {
		send_bytes(&c, &s, n);
		printf("sent\n");
		wait_line();
	}
	side_close(&c);
	side_close(&s);
}

static inline void run_canary(void)
{
	struct side c, s;
	char in[256];

	pair_open(&c, &s, NULL);
	for (int i = 0; i < 100; i++) {
		must(tls_call(&c, false, (void *)(uintptr_t)CANARY, sizeof(CANARY), i % 2) > 0,
		     "write");
		must(tls_call(&s, true, in, sizeof(in), i % 2) > 0, "read");
	}
	side_close(&c);
	side_close(&s);
}

/* Shows where a probed function lies, and stays. */
static inline void run_stay(void)
{
	printf("at %llx\n", (unsigned long long)(uintptr_t)SSL_free);
	wait_line();
}

/* Leaves its connections open and runs itself again, where the same addresses come up once more. */
static inline void run_again(bool first)
{
	struct side c, s;

	if (first && !(personality(0xffffffff) & ADDR_NO_RANDOMIZE)) {
		personality(ADDR_NO_RANDOMIZE);
		execl("/proc/self/exe", "capture", "observed", "again", NULL);
	}
	dice = 42;
	pair_open(&c, &s, NULL);
	send_bytes(&c, &s, first ? 5000 : 3000);
	if (first)
		execl("/proc/self/exe", "capture", "observed", "again2", NULL);
	side_close(&c);
	side_close(&s);
}

static inline void run_cost(void)
{
	struct timespec a, b;
	struct side c, s;
	char p[128] = "";
	const int n = 20000;

	pair_open(&c, &s, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (int i = 0; i < n; i++) {
		tls_call(&c, false, p, sizeof(p), false);
		tls_call(&s, true, p, sizeof(p), false);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	printf("cost %lld ns of CPU a call\n",
	       ((b.tv_sec - a.tv_sec) * 1000000000ll + b.tv_nsec - a.tv_nsec) / (2 * n));
	side_close(&c);
	side_close(&s);
}

static inline int observed(const char *what)
{
	dice += (uint64_t)getpid();
	if (strcmp(what, "mixed") == 0)
		run_mixed();
	else if (strcmp(what, "big") == 0)
		run_big();
	else if (strcmp(what, "mapped") == 0)
		run_mapped();
	else if (strcmp(what, "nested") == 0)
		run_nested(false);
	else if (strcmp(what, "leap") == 0)
		run_nested(true);
	else if (strcmp(what, "pauses") == 0)
		run_pauses(30000);
	else if (strcmp(what, "flood") == 0)
		run_pauses(BIG);
	else if (strcmp(what, "canary") == 0)
		run_canary();
	else if (strcmp(what, "waits") == 0)
		wait_line(), run_canary();
	else if (strcmp(what, "stay") == 0)
		run_stay();
	else if (strcmp(what, "again") == 0)
		run_again(true);
	else if (strcmp(what, "again2") == 0)
		run_again(false);
	else if (strcmp(what, "cost") == 0)
		run_cost();
	else
		must(false, "scenario");
	printf("calls %llu %llu\n", (unsigned long long)calls_made,
	       (unsigned long long)calls_empty);
	fflush(stdout);
	return 0;
}

#endif
