#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/limit.h"
#include "host/elf.h"

#if defined(__x86_64__)
#define ELF_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define ELF_MACHINE EM_AARCH64
#else
#error "no probes for this machine yet"
#endif

struct elf_file {
	int fd;
	uint64_t size;
	Elf *elf;
};

static void elf_file_done(struct elf_file *f)
{
	if (f->elf)
		elf_end(f->elf);
}

static int elf_read(const struct elf_file *f, uint64_t at, void *ret, size_t n)
{
	if (at > f->size || n > f->size - at)
		return -EBADMSG;
	return pread(f->fd, ret, n, (off_t)at) == (ssize_t)n ? 0 : -EBADMSG;
}

/* libelf allocates by the number of sections before it has looked at one, so that number is checked against the
 * size of the file first. */
static int elf_check(const struct elf_file *f)
{
	Elf64_Ehdr h;
	Elf64_Shdr first;
	uint64_t sections;

	if (elf_read(f, 0, &h, sizeof(h)) < 0 || memcmp(h.e_ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB ||
	    h.e_machine != ELF_MACHINE || (h.e_type != ET_EXEC && h.e_type != ET_DYN))
		return -ENOEXEC;
	if (h.e_phentsize != sizeof(Elf64_Phdr) || h.e_phnum > LIMIT_ELF_SEGMENTS)
		return -EBADMSG;
	if (h.e_shoff == 0)
		return 0;
	if (h.e_shentsize != sizeof(first) || elf_read(f, h.e_shoff, &first, sizeof(first)) < 0)
		return -EBADMSG;
	sections = h.e_shnum ? h.e_shnum : first.sh_size;
	if (sections > LIMIT_ELF_SECTIONS || sections * sizeof(first) > f->size - h.e_shoff)
		return -EBADMSG;
	return 0;
}

/* An address in memory -> its place in the file, if code lies there. */
static bool elf_code_offset(const struct elf_file *f, uint64_t address, uint64_t *ret)
{
	size_t count, i;
	GElf_Phdr p;

	if (elf_getphdrnum(f->elf, &count) < 0)
		return false;
	for (i = 0; i < count && gelf_getphdr(f->elf, (int)i, &p); i++) {
		uint64_t into = address - p.p_vaddr, at;

		if (p.p_type != PT_LOAD || !(p.p_flags & PF_X) || address < p.p_vaddr ||
		    into >= p.p_filesz)
			continue;
		if (__builtin_add_overflow(into, p.p_offset, &at) || at >= f->size)
			continue;
		*ret = at;
		return true;
	}
	return false;
}

/* endbr64 cannot be emulated by the kernel, so a probe on it is dear; the arguments are the same right after it. */
static uint64_t elf_past_endbr(const struct elf_file *f, uint64_t at)
{
	static const unsigned char endbr64[4] = { 0xf3, 0x0f, 0x1e, 0xfa };
	unsigned char code[sizeof(endbr64)];

	if (ELF_MACHINE != EM_X86_64 || f->size - at <= sizeof(code) ||
	    elf_read(f, at, code, sizeof(code)) < 0 || memcmp(code, endbr64, sizeof(code)) != 0)
		return at;
	return at + sizeof(code);
}

/* "SSL_read@@OPENSSL_3.0.0" counts as "SSL_read"; a name without an end is none. */
static bool elf_named(struct str name, const char *symbol)
{
	struct str want = str_of(symbol);

	return str_starts(name, want) && name.n > want.n &&
	       (name.p[want.n] == '\0' || name.p[want.n] == '@');
}

struct elf_search {
	const struct elf_file *file;
	const struct elf_want *want;
	size_t count;
	struct elf_site *site;
	size_t found;
};

static bool elf_has(const struct elf_search *s, uint32_t row)
{
	for (size_t i = 0; i < s->found; i++)
		if (s->site[i].row == row)
			return true;
	return false;
}

static void elf_symbol(struct elf_search *s, struct str name, const Elf64_Sym *y)
{
	uint64_t at;

	for (size_t i = 0; i < s->count; i++) {
		if (!s->want[i].symbol[0] || !elf_named(name, s->want[i].symbol) ||
		    elf_has(s, s->want[i].row))
			continue;
		if (elf_code_offset(s->file, y->st_value, &at)) {
			struct elf_site site = { .row = s->want[i].row,
						 .offset = elf_past_endbr(s->file, at) };

			if (y->st_size > site.offset - at)
				site.size = y->st_size - (site.offset - at);
			s->site[s->found++] = site;
		}
	}
}

/* Programs have hundreds of thousands of symbols, and a process that waits to be metered is running meanwhile: no call of
 * libelf for each. */
static int elf_symbols(struct elf_search *s, Elf_Scn *scn, const GElf_Shdr *h)
{
	Elf_Data *table = elf_getdata(scn, NULL);
	Elf_Scn *text = elf_getscn(s->file->elf, h->sh_link);
	Elf_Data *names = text ? elf_getdata(text, NULL) : NULL;
	const char *p;
	Elf64_Sym y;

	if (!table || !table->d_buf || h->sh_entsize != sizeof(y) || !names || !names->d_buf)
		return -EBADMSG;
	p = table->d_buf;
	for (size_t left = table->d_size / sizeof(y); left > 0 && s->found < s->count;
	     left--, p += sizeof(y)) {
		memcpy(&y, p, sizeof(y));
		/* an indirect function's address is its resolver's */
		if (ELF64_ST_TYPE(y.st_info) != STT_FUNC || y.st_shndx == SHN_UNDEF ||
		    y.st_value == 0)
			continue;
		if (y.st_name < names->d_size)
			elf_symbol(s,
				   str_skip((struct str){ names->d_buf, names->d_size }, y.st_name),
				   &y);
	}
	return 0;
}

static int elf_tables(struct elf_search *s, uint32_t type)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr h;
	int r = 0;

	while (s->found < s->count && (scn = elf_nextscn(s->file->elf, scn))) {
		if (!gelf_getshdr(scn, &h))
			return -EBADMSG;
		/* one damaged table does not hide the other */
		if (h.sh_type == type && elf_symbols(s, scn, &h) < 0)
			r = -EBADMSG;
	}
	return r;
}

static bool elf_note_id(Elf_Data *d, char ret[64])
{
	size_t at = 0, name, desc;
	GElf_Nhdr n;

	while ((at = gelf_getnote(d, at, &n, &name, &desc)) > 0) {
		const unsigned char *id = (unsigned char *)d->d_buf + desc;

		if (n.n_type != NT_GNU_BUILD_ID || n.n_namesz != sizeof("GNU") ||
		    memcmp((char *)d->d_buf + name, "GNU", sizeof("GNU")) != 0)
			continue;
		for (size_t i = 0; i < n.n_descsz && i < 31; i++)
			snprintf(ret + 2 * i, 3, "%02x", id[i]);
		return true;
	}
	return false;
}

static void elf_build_id(const struct elf_file *f, char ret[64])
{
	size_t count, i;
	GElf_Phdr p;
	Elf_Data *d;

	ret[0] = '\0';
	if (elf_getphdrnum(f->elf, &count) < 0)
		return;
	for (i = 0; i < count && gelf_getphdr(f->elf, (int)i, &p); i++) {
		if (p.p_type != PT_NOTE || p.p_filesz > LIMIT_ELF_NOTE || p.p_offset > f->size ||
		    p.p_filesz > f->size - p.p_offset)
			continue;
		d = elf_getdata_rawchunk(f->elf, (int64_t)p.p_offset, p.p_filesz,
					 p.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		if (d && elf_note_id(d, ret))
			return;
	}
}

int elf_find(int fd, const struct elf_want *want, size_t count, struct elf_site *ret_site,
	     size_t *ret_count, char ret_build_id[64])
{
	_cleanup_(elf_file_done) struct elf_file f = { .fd = fd };
	struct elf_search s = { .file = &f, .want = want, .count = count, .site = ret_site };
	struct stat st;
	int r, r2;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	f.size = (uint64_t)st.st_size;
	r = elf_check(&f);
	if (r < 0)
		return r;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOSYS;
	/* read, not mapped: a file that is cut while we look at it must not end us with SIGBUS */
	f.elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!f.elf || elf_kind(f.elf) != ELF_K_ELF)
		return -EBADMSG;
	r = elf_tables(&s, SHT_DYNSYM);
	r2 = elf_tables(&s, SHT_SYMTAB);
	/* damaged, but what was found before the damage is sound: each offset was checked by itself */
	if (s.found == 0 && (r < 0 || r2 < 0))
		return -EBADMSG;
	elf_build_id(&f, ret_build_id);
	*ret_count = s.found;
	return 0;
}
