/* What to probe in a file: each row by itself, nothing twice, and no trust in what a file says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/limit.h"
#include "base/obj.h"
#include "host/tlsfind.h"
#include "boring.h"
#include "built.h"

static uint64_t site(const struct tlsfind *t, uint32_t row)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->site[i].row == row)
			return t->site[i].offset;
	return 0;
}

/* ---- one function that does the work of another ----------------------------------------------- */

static struct tlsfind library(const char *source, const char *how)
{
	char command[256];
	struct built b;
	struct tlsfind t;
	int fd;

	built_init(&b);
	built_source(&b, "a.c", source);
	snprintf(command, sizeof(command), "cc -O2 -shared -fPIC %s -o a.so a.c", how);
	assert_true(built_run(&b, command));
	fd = built_open(&b, "a.so");
	assert_int_equal(tlsfind(NULL, fd, false, &t), 0);
	close(fd);
	built_done(&b);
	return t;
}

#define SEND2                                                                                  \
	"#include <sys/types.h>\n"                                                             \
	"int sent; ssize_t gnutls_record_send2(void *s, const void *p, size_t n, size_t pad, " \
	"unsigned f)\n"                                                                        \
	"{ sent += pad + f; return s && p ? n : 0; }\n"
#define THROUGH                                                          \
	"ssize_t gnutls_record_send(void *s, const void *p, size_t n)\n" \
	"{ return gnutls_record_send2(s, p, n, 0, 0); }\n"
#define ALONE                                                            \
	"ssize_t gnutls_record_send(void *s, const void *p, size_t n)\n" \
	"{ sent++; return s && p ? n : 0; }\n"

static void nested(void **state)
{
	/* through the linkage table, directly, by a call that is not the last thing done */
	static const char *const hows[] = { "", "-Wl,-Bsymbolic", "-fno-optimize-sibling-calls",
					    "-fno-plt", "-fcf-protection" };
	struct tlsfind t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(hows); i++) {
		t = library(SEND2 THROUGH, hows[i]);
		assert_int_equal(t.count, 1);
		assert_true(site(&t, TLSFIND_GNUTLS_SEND2));
	}
	t = library(SEND2 ALONE, "");
	assert_int_equal(t.count, 1);
	assert_true(site(&t, TLSFIND_GNUTLS_SEND));
	/* it calls something else through the linkage table */
	t = library("#include <unistd.h>\n" SEND2
		    "ssize_t gnutls_record_send(void *s, const void *p, size_t n)\n"
		    "{ sent++; return write(1, p, n) + (s != 0); }\n",
		    "");
	assert_int_equal(t.count, 1);
	assert_true(site(&t, TLSFIND_GNUTLS_SEND));
	t = library("int sent;\n#include <sys/types.h>\n" ALONE, ""); /* before 3.6.3 */
	assert_int_equal(t.count, 1);
	assert_true(site(&t, TLSFIND_GNUTLS_SEND));
}

static void gnutls(void **state)
{
	struct tlsfind t;
	int fd = open("/usr/lib/x86_64-linux-gnu/libgnutls.so.30", O_RDONLY | O_CLOEXEC);

	(void)state;
	if (fd < 0)
		skip(); /* not on this host */
	assert_int_equal(tlsfind(NULL, fd, false, &t), 0);
	close(fd);
	assert_int_equal(t.count, 3);
	assert_true(site(&t, TLSFIND_GNUTLS_RECV) && site(&t, TLSFIND_GNUTLS_SEND2) &&
		    site(&t, TLSFIND_GNUTLS_DEINIT));
	assert_false(t.deeper);
}

/* ---- the deep look and what it remembers ------------------------------------------------------ */

struct big { /* enough code to be worth a deep look */
	struct boring_lib lib;
	unsigned char p[MADE_CODE + LIMIT_STATIC_TLS];
};

static void fill(struct big *b)
{
	made_segment(&b->lib.m, 1)->p_filesz = LIMIT_STATIC_TLS;
	memset(b->p, 0xcc, sizeof(b->p));
	memcpy(b->p, b->lib.m.p, sizeof(b->lib.m.p));
}

static int find(struct tlsfind_memory *memory, const struct big *b, bool deep, struct tlsfind *ret)
{
	int fd = made_fd_of(b->p, sizeof(b->p));
	int r = tlsfind(memory, fd, deep, ret);

	close(fd);
	return r;
}

static void is_at(const struct tlsfind *t, const struct big *b)
{
	assert_int_equal(t->count, 2);
	assert_int_equal(site(t, TLSFIND_BORING_READ), b->lib.read - b->lib.m.base);
	assert_int_equal(site(t, TLSFIND_BORING_WRITE), b->lib.write - b->lib.m.base);
}

static void deeper(void **state)
{
	static struct big b;
	struct tlsfind t;

	(void)state;
	boring_lib(&b.lib, true, true, true);
	fill(&b);
	assert_int_equal(find(NULL, &b, false, &t), 0);
	assert_int_equal(t.count, 0);
	assert_true(t.deeper);
	assert_string_equal(t.build_id, "deadbeef");
	assert_int_equal(find(NULL, &b, true, &t), 0);
	assert_false(t.deeper);
	is_at(&t, &b);
	((Elf64_Phdr *)(b.p + sizeof(Elf64_Ehdr)))[1].p_filesz -=
		0x100; /* too little code to hold it */
	assert_int_equal(find(NULL, &b, true, &t), 0);
	assert_false(t.deeper);
	assert_int_equal(t.count, 0);
}

/* Damaged tables of symbols, which the kernel does not read, hide nothing. */
static void one_fails(void **state)
{
	static struct big b;
	struct tlsfind t;

	(void)state;
	boring_lib(&b.lib, true, true, true);
	made_head(&b.lib.m)->e_shoff = UINT64_MAX - 8;
	fill(&b);
	assert_int_equal(find(NULL, &b, false, &t), -EBADMSG);
	assert_int_equal(find(NULL, &b, true, &t), 0);
	is_at(&t, &b);
	assert_non_null(strstr(t.why, "symbols"));
}

static void memory(void **state)
{
	_cleanup_(tlsfind_memory_free) struct tlsfind_memory *m = NULL;
	static struct big b, other;
	struct tlsfind t;

	(void)state;
	assert_int_equal(tlsfind_memory_new(&m), 0);
	boring_lib(&b.lib, true, true, true);
	fill(&b);
	assert_int_equal(find(m, &b, true, &t), 0);
	is_at(&t, &b);
	assert_int_equal(find(m, &b, false, &t), 0); /* a quick look is enough now */
	is_at(&t, &b);
	assert_false(t.deeper);

	/* another file with the same build id: everything moved, with other code at the remembered places */
	boring_lib(&other.lib, true, false, true);
	memmove(other.lib.m.p + MADE_CODE + 0x20, other.lib.m.p + MADE_CODE,
		MADE_SIZE - MADE_CODE - 0x20);
	/* calls are relative: nothing but the places changes */
	other.lib.read += 0x20;
	other.lib.write += 0x20;
	fill(&other);
	assert_int_equal(find(m, &other, false, &t), 0);
	assert_int_equal(t.count, 0);
	assert_true(t.deeper);
	assert_int_equal(find(m, &other, true, &t), 0);
	is_at(&t, &other);
	/* it is what is remembered now */
	assert_int_equal(find(m, &other, false, &t), 0);
	is_at(&t, &other);
	assert_int_equal(find(m, &b, false, &t), 0);
	assert_int_equal(t.count, 0);
	assert_true(t.deeper);

	/* one site of two is borne out: that is none */
	assert_int_equal(find(m, &b, true, &t), 0);
	other = b;
	memcpy(other.p + (b.lib.read - b.lib.m.base) + 4, "\x90\x90",
	       2); /* its length is not read */
	assert_int_equal(find(m, &other, false, &t), 0);
	assert_int_equal(t.count, 0);
	assert_true(t.deeper);
}

static void no_build_id(void **state)
{
	_cleanup_(tlsfind_memory_free) struct tlsfind_memory *m = NULL;
	static struct big b;
	struct tlsfind t;

	(void)state;
	assert_int_equal(tlsfind_memory_new(&m), 0);
	boring_lib(&b.lib, false, true, true);
	made_segment(&b.lib.m, 3)->p_type = PT_NULL;
	fill(&b);
	assert_int_equal(find(m, &b, true, &t), 0);
	is_at(&t, &b);
	assert_string_equal(t.build_id, "");
	assert_int_equal(find(m, &b, false, &t), 0);
	is_at(&t, &b);
	((Elf64_Phdr *)(b.p + sizeof(Elf64_Ehdr)))[0].p_filesz--; /* as another build would be */
	assert_int_equal(find(m, &b, false, &t), 0);
	assert_true(t.deeper);
}

static void remember(struct tlsfind_memory *m, struct big *b, uint32_t id)
{
	struct tlsfind t;

	memcpy(b->p + 0x310, &id, sizeof(id));
	assert_int_equal(find(m, b, true, &t), 0);
	is_at(&t, b);
}

static void bounded(void **state)
{
	_cleanup_(tlsfind_memory_free) struct tlsfind_memory *m = NULL;
	static struct big b;
	struct tlsfind t;

	(void)state;
	assert_int_equal(tlsfind_memory_new(&m), 0);
	boring_lib(&b.lib, true, true, true);
	fill(&b);
	for (uint32_t i = 0; i < LIMIT_TLS_MEMORY + 1; i++)
		remember(m, &b, i);
	assert_int_equal(find(m, &b, false, &t), 0); /* the last */
	is_at(&t, &b);
	memset(b.p + 0x310, 0, 4);
	assert_int_equal(find(m, &b, false, &t), 0); /* the first is forgotten */
	assert_true(t.deeper);
	memset(b.p + 0x310, 0, 4);
	b.p[0x310] = 1;
	assert_int_equal(find(m, &b, false, &t), 0); /* the second is not */
	is_at(&t, &b);
}

static void no_memory(void **state)
{
	static struct big b;
	int r = -ENOMEM;

	(void)state;
	boring_lib(&b.lib, true, false, true);
	fill(&b);
	for (long n = 0; r < 0; n++) {
		_cleanup_(tlsfind_memory_free) struct tlsfind_memory *m = NULL;
		struct tlsfind t;

		assert_true(n < 100);
		mem_fail_after = n;
		r = tlsfind_memory_new(&m);
		if (r == 0)
			r = find(m, &b, true, &t);
		mem_fail_after = -1;
		if (r == 0)
			is_at(&t, &b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __x86_64__
		cmocka_unit_test(nested),  cmocka_unit_test(gnutls),
		cmocka_unit_test(deeper),  cmocka_unit_test(one_fails),
		cmocka_unit_test(memory),  cmocka_unit_test(no_build_id),
		cmocka_unit_test(bounded), cmocka_unit_test(no_memory),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
