/* A cheaper place for a probe: found only where it is certain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "host/inner.h"
#include "host/tlsfind.h"

#define A    0x10 /* sub; call INNER; call OTHER; ret */
#define B    0x30 /* sub; call INNER; ret */
#define INN  0x50
#define OTH  0x60
#define SIZE 0x80

struct image {
	unsigned char code[SIZE];
	struct elf_site a, b;
};

static void put_call(struct image *m, size_t at, size_t to)
{
	int32_t distance = (int32_t)(to - at - 5);

	m->code[at] = 0xe8;
	memcpy(m->code + at + 1, &distance, sizeof(distance));
}

static struct image good(void)
{
	static const unsigned char sub[] = { 0x48, 0x83, 0xec, 0x08 };
	struct image m = { .a = { .offset = A, .size = 15 }, .b = { .offset = B, .size = 10 } };

	memset(m.code, 0x90, sizeof(m.code));
	memcpy(m.code + A, sub, sizeof(sub));
	put_call(&m, A + 4, INN);
	put_call(&m, A + 9, OTH);
	m.code[A + 14] = 0xc3;
	memcpy(m.code + B, sub, sizeof(sub));
	put_call(&m, B + 4, INN);
	m.code[B + 9] = 0xc3;
	m.code[INN] = 0x55;
	return m;
}

static uint64_t look(const struct image *m)
{
	int fd = memfd_create("code", MFD_CLOEXEC);
	uint64_t at = 0;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, m->code, sizeof(m->code)), sizeof(m->code));
	if (!inner_find(fd, &m->a, &m->b, &at))
		at = 0;
	close(fd);
	return at;
}

static void found(void **state)
{
	struct image m = good();

	(void)state;
#ifdef __x86_64__
	assert_int_equal(look(&m), INN);
	m.code[INN] = 0x41; /* push %r12 */
	m.code[INN + 1] = 0x54;
	assert_int_equal(look(&m), INN);
	memcpy(m.code + INN, "\xf3\x0f\x1e\xfa\x55", 5);
	assert_int_equal(look(&m), INN + 4);
#else
	assert_int_equal(look(&m), 0);
#endif
}

static void refused(void **state)
{
	struct image m = good();

	(void)state;
	m.code[INN] = 0x90; /* not a push */
	assert_int_equal(look(&m), 0);
	m = good();
	put_call(&m, B + 4, OTH); /* not the same */
	m.code[OTH] = 0x55;
	put_call(&m, A + 9, INN);
	assert_int_equal(look(&m), 0);
	m = good();
	m.b.size = 15; /* two calls */
	put_call(&m, B + 9, OTH);
	assert_int_equal(look(&m), 0);
	m = good();
	m.code[A] = m.code[B] =
		0x55; /* the named ones are cheap already: one-byte push, then junk that decodes */
	assert_int_equal(look(&m), 0);
	m = good();
	m.a.size = 0; /* nobody knows where it ends */
	assert_int_equal(look(&m), 0);
	m = good();
	m.code[B + 9] = 0x06; /* no instruction of this machine */
	assert_int_equal(look(&m), 0);
	m = good();
	m.b.offset = SIZE + 100;
	assert_int_equal(look(&m), 0);
	m = good();
	m.a.size = m.b.size = UINT64_MAX;
	assert_int_equal(look(&m), 0);
}

/* The library of this host, read only: 5 named functions, or 3 with both inner ones, never a mixture that counts twice. */
static void this_host(void **state)
{
	static const char *const paths[] = { "/usr/lib/x86_64-linux-gnu/libssl.so.3",
					     "/usr/lib/aarch64-linux-gnu/libssl.so.3" };
	struct tlsfind found;
	uint32_t rows = 0;
	int fd = -1;

	(void)state;
	for (size_t i = 0; fd < 0 && i < COUNT_OF(paths); i++)
		fd = open(paths[i], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		skip();
	assert_int_equal(tlsfind(NULL, fd, false, &found), 0);
	close(fd);
	for (size_t i = 0; i < found.count; i++)
		rows |= 1u << found.site[i].row;
	assert_int_equal(__builtin_popcount(rows), found.count);
	assert_true(rows & 1u << TLSFIND_OPENSSL_FREE);
	assert_true(!(rows & 1u << TLSFIND_OPENSSL_READ) !=
		    !(rows & 1u << TLSFIND_OPENSSL_READ_INNER));
	assert_true(!(rows & 1u << TLSFIND_OPENSSL_WRITE) !=
		    !(rows & 1u << TLSFIND_OPENSSL_WRITE_INNER));
	assert_true(!(rows & 1u << TLSFIND_OPENSSL_READ) ==
		    !(rows & 1u << TLSFIND_OPENSSL_READ_EX));
	assert_true(!(rows & 1u << TLSFIND_OPENSSL_WRITE) ==
		    !(rows & 1u << TLSFIND_OPENSSL_WRITE_EX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found),
		cmocka_unit_test(refused),
		cmocka_unit_test(this_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
