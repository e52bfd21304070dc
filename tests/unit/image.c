/* An ELF file by address: what is in the file and nothing else, whatever the file says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include "base/obj.h"
#include "host/image.h"
#include "made.h"

struct view {
	struct image *image;
	int fd, r;
};

static struct view look(const void *p, size_t n)
{
	struct view v = { .fd = made_fd_of(p, n) };

	v.r = image_new(v.fd, &v.image);
	return v;
}

static void done(struct view *v)
{
	image_free(&v->image);
	close(v->fd);
}

static void test_addresses(void **state)
{
	struct made m;
	struct view v;
	uint64_t at;
	char text[8];

	(void)state;
	made_init(&m, true);
	made_text(&m, "hello");
	memcpy(m.p + MADE_CODE + 0x40, "\xf3\x0f\x1e\xfa\x55", 5);
	v = look(m.p, sizeof(m.p));
	assert_int_equal(v.r, 0);
	assert_true(image_fixed(v.image));
	assert_int_equal(image_segment(v.image, 1)->addr, MADE_FIXED + MADE_CODE);
	assert_true(image_segment(v.image, 1)->code);
	assert_false(image_segment(v.image, 0)->code || image_segment(v.image, 0)->written);
	assert_null(image_segment(v.image, 2));
	assert_int_equal(image_read(v.image, MADE_FIXED + MADE_TEXTS + 1, text, 6), 0);
	assert_string_equal(text, "hello");
	/* over the end of a segment, though another follows; outside; where the sum wraps */
	assert_int_equal(image_read(v.image, MADE_FIXED + MADE_CODE - 1, text, 2), -EBADMSG);
	assert_int_equal(image_read(v.image, MADE_FIXED - 1, text, 1), -EBADMSG);
	assert_int_equal(image_read(v.image, UINT64_MAX, text, 2), -EBADMSG);
	/* only code has a place for a probe */
	assert_false(image_offset(v.image, MADE_FIXED + 8, &at));
	assert_false(image_offset(v.image, MADE_FIXED + MADE_SIZE, &at));
	assert_true(image_offset(v.image, MADE_FIXED + MADE_CODE + 0x40, &at));
	assert_int_equal(at, MADE_CODE + 0x40);
	assert_true(image_entry(v.image, MADE_FIXED + MADE_CODE + 0x40, &at));
	assert_int_equal(at, MADE_CODE + 0x40 + (MADE_MACHINE == EM_X86_64 ? 4 : 0));
	assert_true(image_address(v.image, MADE_CODE + 0x40, &at));
	assert_int_equal(at, MADE_FIXED + MADE_CODE + 0x40);
	assert_false(image_address(v.image, MADE_CODE - 1, &at));
	done(&v);
}

static void test_foreign(void **state)
{
	struct made m;
	struct view v;

	(void)state;
	assert_int_equal(look("#!/bin/sh\n", 10).r, -ENOEXEC);
	assert_int_equal(look("", 0).r, -ENOEXEC);
	made_init(&m, false);
	made_head(&m)->e_machine = EM_S390;
	assert_int_equal(look(m.p, sizeof(m.p)).r, -ENOEXEC);
	made_init(&m, false);
	made_head(&m)->e_phnum = 1024 + 1;
	assert_int_equal(look(m.p, sizeof(m.p)).r, -EBADMSG);
	made_init(&m, false);
	made_head(&m)->e_phoff = UINT64_MAX - 4;
	assert_int_equal(look(m.p, sizeof(m.p)).r, -EBADMSG);
	/* a segment that the address space or the file has no room for is none; the others stand */
	made_init(&m, false);
	made_segment(&m, 0)->p_vaddr = UINT64_MAX - 8;
	made_segment(&m, 1)->p_filesz = UINT64_MAX;
	v = look(m.p, sizeof(m.p));
	assert_int_equal(v.r, 0);
	assert_int_equal(image_segment(v.image, 0)->size, MADE_SIZE - MADE_CODE);
	assert_null(image_segment(v.image, 1));
	done(&v);
}

static void section(struct made *m, size_t i, uint32_t name, uint64_t flags, uint64_t offset,
		    uint64_t size)
{
	Elf64_Shdr *s = (Elf64_Shdr *)(m->p + 0x200) + i;

	*s = (Elf64_Shdr){ .sh_name = name,
			   .sh_type = SHT_PROGBITS,
			   .sh_flags = flags,
			   .sh_addr = flags & SHF_ALLOC ? m->base + offset : 0,
			   .sh_offset = offset,
			   .sh_size = size };
}

static void sections(struct made *m)
{
	made_init(m, true);
	memcpy(m->p + MADE_TEXTS, "\0.names\0.text\0.comment", 23);
	made_head(m)->e_shoff = 0x200;
	made_head(m)->e_shentsize = sizeof(Elf64_Shdr);
	made_head(m)->e_shnum = 4;
	made_head(m)->e_shstrndx = 1;
	section(m, 1, 1, 0, MADE_TEXTS, 23);
	section(m, 2, 8, SHF_ALLOC | SHF_EXECINSTR, MADE_CODE + 0x20, 0x30);
	section(m, 3, 14, 0, MADE_TEXTS, 4);
}

static int find(struct made *m, const char *name, struct image_part *ret)
{
	struct view v = look(m->p, sizeof(m->p));
	int r = v.r < 0 ? v.r : image_section(v.image, name, ret);

	done(&v);
	return r;
}

static void test_sections(void **state)
{
	struct image_part part;
	struct made m;

	(void)state;
	sections(&m);
	assert_int_equal(find(&m, ".text", &part), 0);
	assert_true(part.code);
	assert_int_equal(part.addr, MADE_FIXED + MADE_CODE + 0x20);
	assert_int_equal(part.offset, MADE_CODE + 0x20);
	assert_int_equal(part.size, 0x30);
	assert_int_equal(find(&m, ".comment", &part), 0);
	assert_int_equal(part.addr, 0);
	assert_int_equal(find(&m, ".tex", &part), -ENOENT);
	assert_int_equal(find(&m, ".texts", &part), -ENOENT);
	section(&m, 2, 8, SHF_ALLOC, MADE_CODE + 0x20, MADE_SIZE); /* longer than its segment */
	assert_int_equal(find(&m, ".text", &part), -ENOENT);
	section(&m, 2, 8, SHF_ALLOC, MADE_CODE + 0x20, 0x30);
	((Elf64_Shdr *)(m.p + 0x200))[2].sh_offset++; /* elsewhere than the segment says */
	assert_int_equal(find(&m, ".text", &part), -ENOENT);
	sections(&m);
	made_head(&m)->e_shstrndx = 9;
	assert_int_equal(find(&m, ".text", &part), -ENOENT);
	made_head(&m)->e_shoff =
		MADE_SIZE + 1; /* the segments are sound: the kernel would run it */
	assert_int_equal(find(&m, ".text", &part), -EBADMSG);
	sections(&m);
	made_head(&m)->e_shnum = 0; /* the number stands in the first section */
	((Elf64_Shdr *)(m.p + 0x200))[0].sh_size = UINT64_MAX / 64;
	assert_int_equal(find(&m, ".text", &part), -EBADMSG);
}

static int function(const struct made *m, uint64_t addr, uint64_t *start, uint64_t *end)
{
	struct view v = look(m->p, sizeof(m->p));
	int r = v.r < 0 ? v.r : image_function(v.image, addr, start, end);

	done(&v);
	return r;
}

#define F(n) (MADE_FIXED + MADE_CODE + (n))

static void test_functions(void **state)
{
	uint64_t start, end;
	struct made m;

	(void)state;
	made_init(&m, true);
	assert_int_equal(function(&m, F(0x10), &start, &end), -ENOENT); /* no table */
	made_frame(&m, F(0x10), F(0x30));
	made_frame(&m, F(0x30), F(0x38));
	made_frame(&m, F(0x50), F(0x90));
	for (uint64_t a = F(0); a < F(0xa0); a++) {
		int r = function(&m, a, &start, &end);
		bool first = a >= F(0x10) && a < F(0x30), second = a >= F(0x30) && a < F(0x38);

		if (!first && !second && !(a >= F(0x50) && a < F(0x90))) {
			assert_int_equal(r, -ENOENT);
			continue;
		}
		assert_int_equal(r, 0);
		assert_int_equal(start, first ? F(0x10) : second ? F(0x30) : F(0x50));
		assert_int_equal(end, first ? F(0x30) : second ? F(0x38) : F(0x90));
	}
	/* it says more than the segment holds; its record is elsewhere; another encoding; more rows than there are */
	made_frame(&m, F(0xa0), F(MADE_SIZE));
	assert_int_equal(function(&m, F(0xa0), &start, &end), -ENOENT);
	memset(m.p + MADE_FRAMES + 0x200, 0xff, 0x10);
	assert_int_equal(function(&m, F(0x10), &start, &end), -ENOENT);
	assert_int_equal(function(&m, F(0x30), &start, &end), 0);
	m.p[MADE_FRAMES + 3] = 0x1b;
	assert_int_equal(function(&m, F(0x30), &start, &end), -ENOENT);
	m.p[MADE_FRAMES + 3] = 0x3b;
	memset(m.p + MADE_FRAMES + 8, 0xff, 4);
	function(&m, F(0x30), &start, &end);
}

struct seen {
	uint64_t next, bytes;
	size_t windows, stop_at;
	int answer;
};

static int window(void *ctx, uint64_t addr, const unsigned char *p, size_t n)
{
	struct seen *s = ctx;

	assert_int_equal(addr, s->windows ? s->next - 7 : s->next);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p[i], (unsigned char)((addr + i) * 131 >> 7));
	s->bytes += addr + n - s->next;
	s->next = addr + n;
	return ++s->windows == s->stop_at ? s->answer : 0;
}

static void test_scan(void **state)
{
	static unsigned char big[(5 << 20) / 2 + 77];
	struct image_part part = { 0, 0, sizeof(big), false, false };
	struct seen s = { 0 };
	struct made m;
	struct view v;

	(void)state;
	made_init(&m, false);
	v = look(m.p, sizeof(m.p));
	assert_int_equal(v.r, 0);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (unsigned char)(i * 131 >> 7);
	assert_int_equal(pwrite(v.fd, big, sizeof(big), 0), sizeof(big));
	/* the file has grown since: what is behind its old end is not looked at */
	assert_int_equal(image_scan(v.image, &part, 7, window, &s), -EBADMSG);
	done(&v);
	memcpy(big, m.p, sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr));
	v = look(big, sizeof(big));
	assert_int_equal(v.r, 0);
	part.addr = part.offset = 4096;
	part.size -= 4096;
	s = (struct seen){ .next = 4096 };
	assert_int_equal(image_scan(v.image, &part, 7, window, &s), 0);
	assert_int_equal(s.bytes, part.size);
	assert_int_equal(s.windows, 3);
	s = (struct seen){ .next = 4096, .stop_at = 2, .answer = 1 };
	assert_int_equal(image_scan(v.image, &part, 7, window, &s), 0);
	assert_int_equal(s.windows, 2);
	s = (struct seen){ .next = 4096, .stop_at = 2, .answer = -EIO };
	assert_int_equal(image_scan(v.image, &part, 7, window, &s), -EIO);
	assert_int_equal(ftruncate(v.fd, 1 << 20), 0); /* cut while we look */
	s = (struct seen){ .next = 4096 };
	assert_int_equal(image_scan(v.image, &part, 7, window, &s), -EBADMSG);
	done(&v);
}

static void test_no_memory(void **state)
{
	struct made m;
	int r = -ENOMEM;

	(void)state;
	sections(&m);
	for (long n = 0; r == -ENOMEM; n++) {
		struct view v;

		mem_fail_after = n;
		v = look(m.p, sizeof(m.p));
		mem_fail_after = -1;
		r = v.r;
		assert_true(r == 0 || r == -ENOMEM);
		assert_true(r == 0 || n < 8);
		done(&v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_sections),  cmocka_unit_test(test_functions),
		cmocka_unit_test(test_scan),      cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
