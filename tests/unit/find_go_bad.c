/* Go programs that were ruined: by one change each, cut short, or blown up. Never a wrong place, and a reason where TLS is
 * there and not found. */
#include <elf.h>
#include "gokit.h"

static int setup(void **state)
{
	int r = start();

	(void)state;
	if (have_go)
		build("stripped", "-ldflags='-s -w'");
	return r;
}

static uint64_t get(const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static unsigned char *table(struct bytes b)
{
#ifdef __x86_64__
	return find(b, "\xf0\xff\xff\xff\0\0\1\x08", 8);
#else
	return find(b, "\xf0\xff\xff\xff\0\0\4\x08", 8);
#endif
}

/* One change at a time to one program. */
struct ruin {
	void (*change)(struct bytes b);
	const char *why;    /* what it says begins with this */
	size_t read, write; /* entries that are found */
};

static void magic(struct bytes b)
{
	table(b)[0] = 0xf7;
}
static void old(struct bytes b)
{
	table(b)[0] = 0xfb;
}
static void count(struct bytes b)
{
	put(table(b) + 8, UINT64_MAX / 8);
}
static void order(struct bytes b) /* the table's parts */
{
	put(table(b) + 40, get(table(b) + 32) - 1);
}
static void entries(struct bytes b) /* the second one is far away */
{
	unsigned char *t = table(b);

	memset(t + get(t + 64) + 8, 0xff, 4);
}
static void records(struct bytes b) /* outside of the table */
{
	unsigned char *t = table(b);

	memset(t + get(t + 64) + 12, 0xff, 4);
}
static void modules(struct bytes b) /* no moduledata has that many functions */
{
	put(table(b) + 8, get(table(b) + 8) - 1);
}
static void one_name(struct bytes b)
{
	memcpy(find(b, "\0crypto/tls.(*Conn).Read", 25), "\0crypto/tls.(*Conn).Rood", 25);
}
static void all_names(struct bytes b)
{
	unsigned char *t = table(b);

	memset(t + get(t + 32), 'x', get(t + 40) - get(t + 32));
}
static void rename_one(struct bytes b, const char *name)
{
	static const char old[] = "crypto/tls.(*Conn).handlePostHandshakeMessage";

	assert_true(strlen(name) < sizeof(old));
	memcpy(find(b, old, sizeof(old)), name, strlen(name) + 1);
}
static void vendored(struct bytes b)
{
	rename_one(b, "example.org/vendor/crypto/tls.(*Conn).Write");
}
static void other_folder(struct bytes b)
{
	rename_one(b, "example.org/vandor/crypto/tls.(*Conn).Write");
}
static void longer_folder(struct bytes b)
{
	rename_one(b, "example.org/myvendor/crypto/tls.(*Conn).Write");
}

static unsigned char *site(struct bytes b, enum tlsfind_row row, bool leave)
{
	struct tlsfind f = look(b);

	for (size_t i = 0; i < f.count; i++)
		if (f.site[i].row == (uint32_t)row && f.site[i].leave == leave)
			return b.p + f.site[i].offset;
	fail();
	return NULL;
}
#ifdef __x86_64__
static void junk(struct bytes b) /* 06: no instruction of this machine */
{
	*site(b, TLSFIND_GO_READ, true) = 0x06;
}
static void
guard(struct bytes
	      b) /* cmp 16(%r14),%rsp; jbe NEAR: now 24(%r14), the stack limit of system code */
{
	unsigned char *p = site(b, TLSFIND_GO_READ, false) - 10;

	assert_memory_equal(p, "\x49\x3b\x66\x10\x0f\x86", 6);
	p[3] = 0x18;
}
static void no_guard(struct bytes b) /* sub $0,%r12 in its place */
{
	memcpy(site(b, TLSFIND_GO_READ, false) - 10, "\x49\x83\xec\x00", 4);
}
static void out(struct bytes b) /* jmp far away, over what was sub and mov */
{
	memcpy(site(b, TLSFIND_GO_READ, false), "\xe9\x00\x00\x01\x00\x90\x90\x90\x90", 9);
}
static void away(struct bytes b) /* the check goes to another function */
{
	unsigned char *p = site(b, TLSFIND_GO_READ, false) - 4;

	p[2] = 0x7f;
}
static void computed(struct bytes b) /* jmp *%rax over what was sub $104,%rsp */
{
	memcpy(site(b, TLSFIND_GO_READ, false), "\xff\xe0\x90\x90", 4);
}
static void at_once(struct bytes b) /* ret, where the entry is probed */
{
	memcpy(site(b, TLSFIND_GO_READ, false), "\xc3\x90\x90\x90", 4);
}
static void loop(struct bytes b) /* jmp to itself */
{
	memcpy(site(b, TLSFIND_GO_READ, false), "\xeb\xfe\x90\x90", 4);
}
#endif

static const struct ruin ruins[] = {
	{ magic, "Go: its table", 0, 0 },
	{ old, "Go: arguments on the stack", 0, 0 },
	{ count, "Go: its table", 0, 0 },
	{ order, "Go: its table", 0, 0 },
	{ entries, "Go: its table", 0, 0 },
	{ records, "Go: its table", 0, 0 },
	{ modules, "Go: its table", 0, 0 },
	{ one_name, "", 0, 1 },
	{ all_names, "Go: its function names", 0, 0 },
	{ vendored, "", 1, 2 },
	{ other_folder, "", 1, 1 },
	{ longer_folder, "", 1, 1 },
#ifdef __x86_64__
	{ junk, "Go: an unknown instruction in crypto/tls.(*Conn).Read", 0, 1 },
	{ guard, "Go: arguments on the stack", 0, 1 },
	{ no_guard, "Go: arguments on the stack", 0, 1 },
	{ out, "Go: a jump out of crypto/tls.(*Conn).Read", 0, 1 },
	{ away, "Go: arguments on the stack", 0, 1 },
	{ computed, "Go: a jump to a computed place in crypto/tls.(*Conn).Read", 0, 1 },
	{ at_once, "Go: returns of no known kind in crypto/tls.(*Conn).Read", 0, 1 },
	{ loop, "Go: a loop through the entry of crypto/tls.(*Conn).Read", 0, 1 },
#endif
};

static void ruined(void **state)
{
	struct bytes good;

	(void)state;
	need_go();
	good = slurp("stripped");
	for (size_t i = 0; i < COUNT_OF(ruins); i++) {
		struct bytes b = { mem_zero(1, good.n), good.n };
		struct tlsfind f;

		assert_non_null(b.p);
		memcpy(b.p, good.p, b.n);
		ruins[i].change(b);
		f = look(b);
		assert_memory_equal(f.why, ruins[i].why, strlen(ruins[i].why));
		assert_true(ruins[i].why[0] || !f.why[0]);
		assert_int_equal(sites(&f, TLSFIND_GO_READ, false), ruins[i].read);
		assert_int_equal(sites(&f, TLSFIND_GO_WRITE, false), ruins[i].write);
		assert_int_equal(ruins[i].read > 0, sites(&f, TLSFIND_GO_READ, true) > 0);
		mem_free(b.p);
	}
	mem_free(good.p);
}

static void cut_short(void **state)
{
	struct bytes b;

	(void)state;
	need_go();
	b = slurp("stripped");
	for (size_t i = 0; i < 64; i++) {
		int fd = memfd_create("go", MFD_CLOEXEC);
		size_t n = b.n * i / 64;
		struct tlsfind f;
		int r;

		assert_true(fd >= 0);
		assert_int_equal(write(fd, b.p, n), (ssize_t)n);
		r = look_at(fd, &f);
		assert_true(r == 0 || r == -ENOEXEC || r == -EBADMSG);
		assert_true(r == 0 || f.count == 0);
		for (size_t k = 0; k < f.count; k++)
			assert_true(f.site[k].offset < n);
		close(fd);
	}
	mem_free(b.p);
}

static Elf64_Ehdr head(struct bytes b)
{
	Elf64_Ehdr h;

	memcpy(&h, b.p, sizeof(h));
	return h;
}

/* A segment of 1 GiB, nearly all of it a hole in the file. */
static void too_much(void **state)
{
	int fd = memfd_create("go", MFD_CLOEXEC);
	struct tlsfind f;
	struct bytes b;
	Elf64_Ehdr h;
	Elf64_Phdr p;

	(void)state;
	need_go();
	b = slurp("stripped");
	h = head(b);
	for (size_t i = 0; i < h.e_phnum; i++) {
		memcpy(&p, b.p + h.e_phoff + i * sizeof(p), sizeof(p));
		if (p.p_type == PT_LOAD && (p.p_flags & PF_W))
			p.p_filesz = p.p_memsz = (1ull << 30) - p.p_offset;
		memcpy(b.p + h.e_phoff + i * sizeof(p), &p, sizeof(p));
	}
	assert_true(fd >= 0 && ftruncate(fd, 1 << 30) == 0);
	assert_int_equal(pwrite(fd, b.p, b.n, 0), (ssize_t)b.n);
	assert_int_equal(look_at(fd, &f), 0);
	assert_int_equal(f.count, 0);
	assert_string_equal(f.why, "Go: its table of functions cannot be read");
	close(fd);
	mem_free(b.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ruined),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(too_much),
	};

	return cmocka_run_group_tests_name("find_go_bad", tests, setup, teardown);
}
