/* Which TLS functions a file holds, and where; files made byte by byte, so that each offset is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "host/elf.h"

#ifdef __x86_64__
#define MACHINE EM_X86_64
#else
#define MACHINE EM_AARCH64
#endif
#define BASE      0x400000
#define CODE      0x1000 /* in the file */
#define CODE_SIZE 0x100

static const struct elf_want wants[] = { { "SSL_read", 0 }, { "SSL_write", 1 }, { "SSL_free", 4 } };

/* One segment of code, one table of symbols, one note. */
struct file {
	Elf64_Ehdr head;
	Elf64_Phdr segment[2];
	Elf64_Shdr section[3];
	Elf64_Sym symbol[6];
	char name[128];
	struct {
		Elf64_Nhdr head;
		char name[4];
		unsigned char id[4];
	} note;
	unsigned char gap[CODE - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr) -
			  3 * sizeof(Elf64_Shdr) - 6 * sizeof(Elf64_Sym) - 128 - 20];
	unsigned char code[CODE_SIZE];
};
_Static_assert(offsetof(struct file, code) == CODE, "no padding");

static unsigned symbol(struct file *f, unsigned at, unsigned name, const char *text, uint64_t value)
{
	f->symbol[at] = (Elf64_Sym){ .st_name = name,
				     .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
				     .st_shndx = 1,
				     .st_value = value };
	strcpy(f->name + name, text);
	return name + (unsigned)strlen(text) + 1;
}

static void file_init(struct file *f, uint32_t table)
{
	unsigned n = 1;

	memset(f, 0, sizeof(*f));
	memcpy(f->head.e_ident, ELFMAG, SELFMAG);
	f->head.e_ident[EI_CLASS] = ELFCLASS64;
	f->head.e_ident[EI_DATA] = ELFDATA2LSB;
	f->head.e_ident[EI_VERSION] = EV_CURRENT;
	f->head.e_type = ET_DYN;
	f->head.e_machine = MACHINE;
	f->head.e_version = EV_CURRENT;
	f->head.e_ehsize = sizeof(f->head);
	f->head.e_phoff = offsetof(struct file, segment);
	f->head.e_phentsize = sizeof(f->segment[0]);
	f->head.e_phnum = 2;
	f->head.e_shoff = offsetof(struct file, section);
	f->head.e_shentsize = sizeof(f->section[0]);
	f->head.e_shnum = 3;
	f->segment[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				      .p_flags = PF_R | PF_X,
				      .p_offset = CODE,
				      .p_vaddr = BASE,
				      .p_filesz = CODE_SIZE,
				      .p_memsz = CODE_SIZE,
				      .p_align = 0x1000 };
	f->segment[1] = (Elf64_Phdr){ .p_type = PT_NOTE,
				      .p_flags = PF_R,
				      .p_offset = offsetof(struct file, note),
				      .p_filesz = sizeof(f->note),
				      .p_align = 4 };
	f->section[1] = (Elf64_Shdr){ .sh_type = table,
				      .sh_offset = offsetof(struct file, symbol),
				      .sh_size = sizeof(f->symbol),
				      .sh_link = 2,
				      .sh_entsize = sizeof(f->symbol[0]) };
	f->section[2] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
				      .sh_offset = offsetof(struct file, name),
				      .sh_size = sizeof(f->name) };
	f->note.head = (Elf64_Nhdr){ .n_namesz = 4, .n_descsz = 4, .n_type = NT_GNU_BUILD_ID };
	memcpy(f->note.name, "GNU", 4);
	memcpy(f->note.id, "\xde\xad\xbe\xef", 4);
	n = symbol(f, 1, n, "SSL_read", BASE + 0x10);
	n = symbol(f, 2, n, "SSL_write@@OPENSSL_3.0.0", BASE + 0x40);
	n = symbol(f, 3, n, "SSL_reader", BASE + 0x50);
	symbol(f, 4, n, "SSL_free", BASE + 0x60);
	memcpy(f->code + 0x40, "\xf3\x0f\x1e\xfa\x55", 5);
}

struct found {
	int r;
	size_t count;
	uint64_t at[8]; /* by row; 0 = not there */
	char id[64];
};

static struct found look(const void *bytes, size_t n)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);
	struct elf_site site[COUNT_OF(wants)];
	struct found f = { .id = "?" };

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	f.r = elf_find(fd, wants, COUNT_OF(wants), site, &f.count, f.id);
	for (size_t i = 0; f.r == 0 && i < f.count; i++)
		f.at[site[i].row] = site[i].offset;
	close(fd);
	return f;
}

static void test_offsets(void **state)
{
	static const uint32_t tables[] = { SHT_DYNSYM, SHT_SYMTAB };
	struct file f;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(tables); i++) {
		struct found r;

		file_init(&f, tables[i]);
		r = look(&f, sizeof(f));
		assert_int_equal(r.r, 0);
		assert_int_equal(r.count, 3);
		assert_int_equal(r.at[0], CODE + 0x10);
		assert_int_equal(r.at[1],
				 CODE + 0x40 + (MACHINE == EM_X86_64 ? 4 : 0)); /* endbr64 */
		assert_int_equal(r.at[4], CODE + 0x60);
		assert_string_equal(r.id, "deadbeef");
	}
}

static void test_not_code(void **state)
{
	struct file f;
	struct found r;

	(void)state;
	file_init(&f, SHT_DYNSYM);
	f.symbol[1].st_shndx = SHN_UNDEF;                            /* imported */
	f.symbol[2].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT); /* data */
	f.symbol[4].st_value = BASE + CODE_SIZE;                     /* behind the segment */
	r = look(&f, sizeof(f));
	assert_int_equal(r.r, 0);
	assert_int_equal(r.count, 0);
	file_init(&f, SHT_DYNSYM);
	f.segment[0].p_flags = PF_R;
	assert_int_equal(look(&f, sizeof(f)).count, 0);
	file_init(&f, SHT_DYNSYM);
	f.segment[0].p_offset = UINT64_MAX - 0x20; /* wraps around */
	r = look(&f, sizeof(f));
	assert_true(r.r < 0 || r.count == 0);
	/* a segment said to be longer than the file */
	file_init(&f, SHT_DYNSYM);
	f.segment[0].p_filesz = 0x100000;
	f.symbol[1].st_value = BASE + 0x8000;
	r = look(&f, sizeof(f));
	assert_int_equal(r.at[0], 0);
	assert_int_equal(r.at[4], CODE + 0x60);
}

static void test_foreign(void **state)
{
	struct file f;

	(void)state;
	assert_int_equal(look("#!/bin/sh\n", 10).r, -ENOEXEC);
	assert_int_equal(look("", 0).r, -ENOEXEC);
	file_init(&f, SHT_DYNSYM);
	f.head.e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(look(&f, sizeof(f)).r, -ENOEXEC);
	file_init(&f, SHT_DYNSYM);
	f.head.e_machine = EM_S390;
	assert_int_equal(look(&f, sizeof(f)).r, -ENOEXEC);
	file_init(&f, SHT_DYNSYM);
	f.head.e_type = ET_REL;
	assert_int_equal(look(&f, sizeof(f)).r, -ENOEXEC);
}

static void test_damaged(void **state)
{
	struct file f;

	(void)state;
	file_init(&f, SHT_DYNSYM);
	f.head.e_shoff = sizeof(f) + 1;
	assert_int_equal(look(&f, sizeof(f)).r, -EBADMSG);
	file_init(&f, SHT_DYNSYM);
	f.head.e_shnum = 0; /* the number stands in the first section */
	f.section[0].sh_size = UINT64_MAX / 64;
	assert_int_equal(look(&f, sizeof(f)).r, -EBADMSG);
	file_init(&f, SHT_DYNSYM);
	f.section[1].sh_size = UINT64_MAX;
	assert_int_equal(look(&f, sizeof(f)).r, -EBADMSG);
	file_init(&f, SHT_DYNSYM);
	f.section[1].sh_link = 77;
	assert_true(look(&f, sizeof(f)).count == 0);
	file_init(&f, SHT_DYNSYM);
	f.symbol[1].st_name = UINT32_MAX;
	assert_int_equal(look(&f, sizeof(f)).count, 2); /* the others are sound */
	file_init(&f, SHT_DYNSYM);
	memset(f.name, 'S', sizeof(f.name)); /* names without an end */
	assert_int_equal(look(&f, sizeof(f)).count, 0);
}

/* Cut after each byte, and each byte of the heads spoiled: an answer or a refusal, and no offset outside the file. */
static void test_every_byte(void **state)
{
	struct file f;
	unsigned char *p = (unsigned char *)&f;

	(void)state;
	file_init(&f, SHT_DYNSYM);
	for (size_t n = 0; n < sizeof(f); n += n < 1024 ? 1 : 97) {
		struct found r = look(&f, n);

		for (size_t i = 0; i < COUNT_OF(r.at); i++)
			assert_true(r.at[i] < MAX(n, (size_t)1));
	}
	for (size_t i = 0; i < offsetof(struct file, gap); i++) {
		static const unsigned char bad[] = { 0x00, 0x7f, 0x80, 0xff };
		unsigned char old = p[i];

		for (size_t j = 0; j < COUNT_OF(bad); j++) {
			struct found r;

			p[i] = bad[j];
			r = look(&f, sizeof(f));
			for (size_t k = 0; k < COUNT_OF(r.at); k++)
				assert_true(r.at[k] < sizeof(f));
		}
		p[i] = old;
	}
}

static void test_real(void **state)
{
	static const char *const libs[] = { "/usr/lib/x86_64-linux-gnu/libssl.so.3",
					    "/usr/lib/aarch64-linux-gnu/libssl.so.3" };
	struct elf_site site[COUNT_OF(wants)];
	char id[64];
	size_t count;
	int fd = -1;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(libs) && fd < 0; i++)
		fd = open(libs[i], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		skip();
	assert_int_equal(elf_find(fd, wants, COUNT_OF(wants), site, &count, id), 0);
	assert_int_equal(count, COUNT_OF(wants));
	assert_int_equal(strlen(id), 40);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets),    cmocka_unit_test(test_not_code),
		cmocka_unit_test(test_foreign),    cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_every_byte), cmocka_unit_test(test_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
