/* made.h -- an ELF file made in a test: texts, a table of functions (.eh_frame_hdr) and code, each at a known place. */
#ifndef UNIT_MADE_H
#define UNIT_MADE_H

#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/lang.h"

#ifdef __x86_64__
#define MADE_MACHINE EM_X86_64
#else
#define MADE_MACHINE EM_AARCH64
#endif
#define MADE_FIXED  0x400000 /* address of the file's first byte in an ET_EXEC; 0 else */
#define MADE_TEXTS  0x400    /* offsets in the file */
#define MADE_FRAMES 0x800
#define MADE_CODE   0x1000
#define MADE_SIZE   0x4000

struct made {
	_Alignas(8) unsigned char p[MADE_SIZE];
	size_t texts, code; /* used */
	uint64_t base;
	unsigned frames;
};

static inline Elf64_Ehdr *made_head(struct made *m)
{
	return (Elf64_Ehdr *)m->p;
}

static inline Elf64_Phdr *made_segment(struct made *m, size_t i)
{
	return (Elf64_Phdr *)(m->p + sizeof(Elf64_Ehdr)) + i;
}

/* Segments: 0 what is read, 1 code, 2 the table of functions (only with made_frame()), 3 a note with the build id. */
static inline void made_init(struct made *m, bool fixed)
{
	Elf64_Ehdr *h = made_head(m);
	Elf64_Nhdr note = { .n_namesz = 4, .n_descsz = 4, .n_type = NT_GNU_BUILD_ID };

	memset(m, 0, sizeof(*m));
	m->base = fixed ? MADE_FIXED : 0;
	m->texts = MADE_TEXTS + 1;
	m->code = MADE_CODE + 0x10;
	memcpy(h->e_ident, ELFMAG, SELFMAG);
	h->e_ident[EI_CLASS] = ELFCLASS64;
	h->e_ident[EI_DATA] = ELFDATA2LSB;
	h->e_ident[EI_VERSION] = EV_CURRENT;
	h->e_type = fixed ? ET_EXEC : ET_DYN;
	h->e_machine = MADE_MACHINE;
	h->e_version = EV_CURRENT;
	h->e_ehsize = sizeof(*h);
	h->e_phoff = sizeof(*h);
	h->e_phentsize = sizeof(Elf64_Phdr);
	h->e_phnum = 4;
	*made_segment(m, 0) = (Elf64_Phdr){ .p_type = PT_LOAD,
					    .p_flags = PF_R,
					    .p_vaddr = m->base,
					    .p_filesz = MADE_CODE,
					    .p_memsz = MADE_CODE };
	*made_segment(m, 1) = (Elf64_Phdr){ .p_type = PT_LOAD,
					    .p_flags = PF_R | PF_X,
					    .p_offset = MADE_CODE,
					    .p_vaddr = m->base + MADE_CODE,
					    .p_filesz = MADE_SIZE - MADE_CODE,
					    .p_memsz = MADE_SIZE - MADE_CODE };
	*made_segment(m, 3) =
		(Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = 0x300, .p_filesz = 20, .p_align = 4 };
	memcpy(m->p + 0x300, &note, sizeof(note));
	memcpy(m->p + 0x30c, "GNU\0\xde\xad\xbe\xef", 8);
	memset(m->p + MADE_CODE, 0xcc, MADE_SIZE - MADE_CODE);
}

/* Its address. */
static inline uint64_t made_text(struct made *m, const char *text)
{
	uint64_t at = m->base + m->texts;

	memcpy(m->p + m->texts, text, strlen(text) + 1);
	m->texts += strlen(text) + 1;
	return at;
}

static inline uint64_t made_here(const struct made *m)
{
	return m->base + m->code;
}

static inline void made_bytes(struct made *m, const void *p, size_t n)
{
	memcpy(m->p + m->code, p, n);
	m->code += n;
}
#define made_code(m, literal) made_bytes((m), (literal), sizeof(literal) - 1)

/* `op` and a distance: call e8, jmp e9. */
static inline void made_to(struct made *m, unsigned char op, uint64_t to)
{
	int32_t distance = (int32_t)(to - (made_here(m) + 5));

	made_bytes(m, &op, 1);
	made_bytes(m, &distance, sizeof(distance));
}

/* mov $value, %reg of 32 bits: "\xb9" is ecx, "\x41\xb8" r8d */
static inline void made_mov(struct made *m, const char *op, uint32_t value)
{
	made_bytes(m, op, strlen(op));
	made_bytes(m, &value, sizeof(value));
}

/* The address of a text into a register: 1 ecx, 2 edx, 7 edi; as code of this kind of file does it. */
static inline void made_address(struct made *m, unsigned reg, uint64_t to)
{
	int32_t distance;

	if (m->base) {
		made_mov(m, (char[]){ (char)(0xb8 + reg), 0 }, (uint32_t)to);
		return;
	}
	made_bytes(m, (unsigned char[]){ 0x48, 0x8d, (unsigned char)(0x05 + (reg << 3)) }, 3);
	distance = (int32_t)(to - (made_here(m) + 4));
	made_bytes(m, &distance, sizeof(distance));
}

static inline void made_align(struct made *m)
{
	m->code = (m->code + 15) & ~(size_t)15;
}

/* One row of the table of functions; rows rise by address. */
static inline void made_frame(struct made *m, uint64_t start, uint64_t end)
{
	const uint64_t table = m->base + MADE_FRAMES, record = table + 0x200 + 0x20 * m->frames;
	int32_t row[2] = { (int32_t)(start - table), (int32_t)(record - table) };
	uint32_t fde[4] = { 12, 1, (uint32_t)(start - (record + 8)), (uint32_t)(end - start) };
	unsigned char *p = m->p + MADE_FRAMES;

	*made_segment(m, 2) = (Elf64_Phdr){ .p_type = PT_GNU_EH_FRAME,
					    .p_offset = MADE_FRAMES,
					    .p_vaddr = table,
					    .p_filesz = 0x400 };
	memcpy(p, "\x01\x1b\x03\x3b", 4);
	memcpy(p + 12 + 8 * m->frames, row, sizeof(row));
	memcpy(p + (record - table), fde, sizeof(fde));
	m->frames++;
	memcpy(p + 8, &m->frames, sizeof(m->frames));
}

static inline int made_fd_of(const void *p, size_t n)
{
	int fd = memfd_create("made", MFD_CLOEXEC);

	assert(fd >= 0);
	assert(write(fd, p, n) == (ssize_t)n);
	return fd;
}

static inline int made_fd(const struct made *m)
{
	return made_fd_of(m->p, sizeof(m->p));
}

#endif
