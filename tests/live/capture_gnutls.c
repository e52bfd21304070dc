/* The kernel side against GnuTLS: two sessions of one process, over a pair of sockets that do not block. As capture.c
 * otherwise. The library is the host's, opened by name: no header of it is needed. */
#include <sys/socket.h>
#include "capture_check.h"

#define LIBRARY "libgnutls.so.30"
#define AGAIN   (-28)
#define RECORD  16384

/* name, result, arguments */
#define CALLS(X)                                                           \
	X(gnutls_init, int, (void **, unsigned))                           \
	X(gnutls_deinit, void, (void *))                                   \
	X(gnutls_priority_set_direct, int, (void *, const char *, void *)) \
	X(gnutls_anon_allocate_client_credentials, int, (void **))         \
	X(gnutls_anon_allocate_server_credentials, int, (void **))         \
	X(gnutls_credentials_set, int, (void *, int, void *))              \
	X(gnutls_transport_set_int2, void, (void *, int, int))             \
	X(gnutls_handshake, int, (void *))                                 \
	X(gnutls_bye, int, (void *, int))                                  \
	X(gnutls_record_send, ssize_t, (void *, const void *, size_t))     \
	X(gnutls_record_recv, ssize_t, (void *, void *, size_t))

#define DECLARE(name, result, arguments) static result(*name) arguments;
CALLS(DECLARE)
#undef DECLARE

static bool gnutls_load(void)
{
	void *lib = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL), *p;

	if (!lib)
		return false;
#define FIND(name, result, arguments) \
	p = dlsym(lib, #name);        \
	if (!p)                       \
		return false;         \
	memcpy(&name, &p, sizeof(p));
	CALLS(FIND)
#undef FIND
	return true;
}

/* ---- the observed side ---------------------------------------------------------------------- */

struct session {
	void *tls;
	uint64_t seed[2], done[2];
};

static void session_open(struct session *s, int fd, bool server)
{
	void *cred = NULL;

	must(gnutls_init(&s->tls, (server ? 1 : 2) | 8) == 0, "init");
	must((server ? gnutls_anon_allocate_server_credentials(&cred)
		     : gnutls_anon_allocate_client_credentials(&cred)) == 0,
	     "credentials");
	/* anonymous: no certificate to make */
	must(gnutls_priority_set_direct(s->tls, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ANON-ECDH",
					NULL) == 0,
	     "priority");
	must(gnutls_credentials_set(s->tls, 2, cred) == 0, "credentials");
	gnutls_transport_set_int2(s->tls, fd, fd);
}

static void sessions_open(struct session s[2], int room)
{
	int fd[2], a = AGAIN, b = AGAIN;

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0, "pair");
	memset(s, 0, 2 * sizeof(*s));
	for (int i = 0; i < 2; i++) {
		must(!room || setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) == 0,
		     "room");
		session_open(&s[i], fd[i], i);
		s[i].seed[0] = ((uint64_t)getpid() << 32 | roll(1u << 30)) | 1;
	}
	s[0].seed[1] = s[1].seed[0];
	s[1].seed[1] = s[0].seed[0];
	while (a == AGAIN || b == AGAIN) {
		a = a ? gnutls_handshake(s[0].tls) : a;
		b = b ? gnutls_handshake(s[1].tls) : b;
	}
	must(a == 0 && b == 0, "handshake");
}

static ssize_t session_moved(struct session *s, int dir, ssize_t n)
{
	calls_made++;
	calls_empty += n <= 0;
	s->done[dir] += n > 0 ? (uint64_t)n : 0;
	return n;
}

/* What has come so far; `at` goes up. */
static void session_take(struct session *s, const uint8_t *p, size_t *at)
{
	static uint8_t in[RECORD];
	ssize_t n;

	while ((n = session_moved(s, 1, gnutls_record_recv(s->tls, in, 1 + roll(sizeof(in))))) >
	       0) {
		must(memcmp(in, p + *at, (size_t)n) == 0, "content");
		*at += (size_t)n;
	}
	must(n == AGAIN, "receive");
}

/* One record; when there is no room, its rest goes with calls that bring no bytes of their own. */
static void session_send(struct session *from, struct session *to, size_t n)
{
	static uint8_t p[RECORD];
	size_t got = 0;
	ssize_t r;

	for (size_t i = 0; i < n; i++)
		p[i] = stream_byte(from->seed[0], from->done[0] + i);
	r = session_moved(from, 0, gnutls_record_send(from->tls, p, n));
	while (r == AGAIN) {
		session_take(to, p, &got);
		r = session_moved(from, 0, gnutls_record_send(from->tls, NULL, 0));
	}
	must(r == (ssize_t)n, "send");
	while (got < n)
		session_take(to, p, &got);
}

static int played(const char *what)
{
	int room = strcmp(what, "narrow") == 0 ? 5000 : 0;
	struct session s[2];
	uint8_t none[8];

	must(gnutls_load(), "library");
	dice += (uint64_t)getpid();
	sessions_open(s, room);
	for (int i = 0; i < 200; i++)
		session_send(&s[i % 2], &s[!(i % 2)], 1 + roll(roll(2) ? 100 : RECORD));
	gnutls_bye(s[0].tls, 1);
	must(session_moved(&s[1], 1, gnutls_record_recv(s[1].tls, none, sizeof(none))) == 0,
	     "the end");
	for (int i = 0; i < 2; i++) {
		printf("side %llx %llu %llu %llu %llu\n", (unsigned long long)(uintptr_t)s[i].tls,
		       (unsigned long long)s[i].seed[0], (unsigned long long)s[i].done[0],
		       (unsigned long long)s[i].seed[1], (unsigned long long)s[i].done[1]);
		gnutls_deinit(s[i].tls);
	}
	printf("calls %llu %llu\n", (unsigned long long)calls_made,
	       (unsigned long long)calls_empty);
	fflush(stdout);
	return 0;
}

/* ---- the checks ----------------------------------------------------------------------------- */

static char copy[128];

static void gnutls_copy(void)
{
	Dl_info info;
	int from, to;
	void *p;

	memcpy(&p, &gnutls_init, sizeof(p));
	need(mkdtemp(lib_dir) != NULL, lib_dir);
	snprintf(copy, sizeof(copy), "%s/%s", lib_dir, LIBRARY);
	need(dladdr(p, &info) != 0, "dladdr");
	from = open(info.dli_fname, O_RDONLY | O_CLOEXEC);
	to = open(copy, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	need(from >= 0 && to >= 0, copy);
	while (sendfile(to, from, NULL, 1 << 20) > 0)
		;
	close(from);
	close(to);
}

static void gnutls_remove(void)
{
	cgroups_remove();
	unlink(copy);
	rmdir(lib_dir);
}

/* Bytes of calls that did not get through at once are known by their number alone. */
static void check_narrow(struct bench *b)
{
	const struct abi_cg *cg;
	uint64_t holes = 0, bad = 0;
	struct child c;
	unsigned ends = 0;

	cgroup_make("narrow");
	child_run(&c, b, "narrow", "narrow");
	cg = counts(b, "narrow");
	for (size_t i = 0; i < b->streams; i++) {
		const struct stream *s = &b->stream[i];

		for (int d = 0; d < 2 && s->tgid == (uint32_t)c.pid; d++) {
			holes += s->lost[d] + s->final[d] - s->at[d];
			bad += s->at[d] > 8 && s->lost[d] == 0 ? s->bad[d] : 0;
			ends += d ? s->frees : 0;
		}
	}
	ok(cg && ties_out(cg, &c) && cg->dropped[ABI_DR_FAULT] &&
		   cg->dropped[ABI_DR_FAULT] == dropped(cg),
	   "narrow: %llu calls went on with an earlier one's bytes",
	   cg ? (unsigned long long)dropped(cg) : 0);
	ok(cg && holes == cg->bytes_lost[ABI_DR_FAULT] && !bad && ends == 2,
	   "narrow: both connections go on, with holes of their size");
}

static void check_gnutls(bool no_multi)
{
	struct kernel_opts o = { .ring_bytes = RING, .no_multi = no_multi };
	struct bench *b = mem_zero(1, sizeof(*b));
	struct tlsfind found;
	unsigned eofs = 0;
	int fd = open(copy, O_RDONLY | O_CLOEXEC);

	need(b && fd >= 0 && tlsfind(NULL, fd, false, &found) == 0, "find the functions");
	cgroup_make("");
	bench_load(b, &o);
	found_attach(b, fd, &found);
	close(fd);
	check_exact(b, "wide", 0);
	for (size_t i = 0; i < b->streams; i++)
		eofs += b->stream[i].eofs;
	ok(eofs == 1, "wide: the close is told");
	check_narrow(b);
	ok(count_get(&b->counters, BAD_RECORDS) == 0, "every record made sense");
	bench_close(b);
	mem_free(b);
	cgroups_remove();
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return played(argv[2]);
	if (!ready(CGROUP_V2)) {
		printf("1..0 # skip needs root and cgroup v2\n");
		return 0;
	}
	if (!gnutls_load()) {
		printf("1..0 # skip needs %s\n", LIBRARY);
		return 0;
	}
	gnutls_copy();
	atexit(gnutls_remove);
	check_gnutls(false);
	check_gnutls(true);
	printf("1..%u\n", tests);
	return failures != 0;
}
