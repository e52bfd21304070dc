#include <gelf.h>
#include <stdio.h>
#include "base/limit.h"
#include "host/elf.h"
#include "host/image.h"

struct elf_file {
	struct image *image;
	Elf *elf;
};

static void elf_file_done(struct elf_file *f)
{
	if (f->elf)
		elf_end(f->elf);
	image_free(&f->image);
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
	uint64_t at, entry;

	for (size_t i = 0; i < s->count; i++) {
		if (!s->want[i].symbol[0] || !elf_named(name, s->want[i].symbol) ||
		    elf_has(s, s->want[i].row))
			continue;
		if (image_offset(s->file->image, y->st_value, &at) &&
		    image_entry(s->file->image, y->st_value, &entry)) {
			uint64_t past = entry - at;

			s->site[s->found++] = (struct elf_site){
				.row = s->want[i].row,
				.offset = entry,
				.size = y->st_size > past ? y->st_size - past : 0,
			};
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
		if (p.p_type != PT_NOTE || p.p_filesz > LIMIT_ELF_NOTE || p.p_offset > INT64_MAX)
			continue;
		d = elf_getdata_rawchunk(f->elf, (int64_t)p.p_offset, p.p_filesz,
					 p.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		if (d && elf_note_id(d, ret))
			return;
	}
}

static int elf_open(int fd, struct elf_file *f)
{
	struct image_part none;
	int r = image_new(fd, &f->image);

	if (r < 0)
		return r;
	/* libelf allocates by the number of sections before it has looked at one */
	if (image_section(f->image, "", &none) == -EBADMSG)
		return -EBADMSG;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOSYS;
	/* read, not mapped: a file that is cut while we look at it must not end us with SIGBUS */
	f->elf = elf_begin(fd, ELF_C_READ, NULL);
	return f->elf && elf_kind(f->elf) == ELF_K_ELF ? 0 : -EBADMSG;
}

int elf_find(int fd, const struct elf_want *want, size_t count, struct elf_site *ret_site,
	     size_t *ret_count, char ret_build_id[64])
{
	_cleanup_(elf_file_done) struct elf_file f = { .image = NULL };
	struct elf_search s = { .file = &f, .want = want, .count = count, .site = ret_site };
	int r, r2;

	r = elf_open(fd, &f);
	if (r < 0)
		return r;
	r = elf_tables(&s, SHT_DYNSYM);
	r2 = elf_tables(&s, SHT_SYMTAB);
	/* damaged, but what was found before the damage is sound: each offset was checked by itself */
	if (s.found == 0 && (r < 0 || r2 < 0))
		return -EBADMSG;
	elf_build_id(&f, ret_build_id);
	*ret_count = s.found;
	return 0;
}

static bool elf_relocates(Elf *elf, Elf_Scn *scn, const GElf_Shdr *h, uint64_t addr,
			  const char *symbol)
{
	Elf_Scn *symbols = elf_getscn(elf, h->sh_link);
	Elf_Data *rela = elf_getdata(scn, NULL);
	Elf_Data *table = symbols ? elf_getdata(symbols, NULL) : NULL;
	GElf_Shdr of;
	GElf_Rela a;
	GElf_Sym y;

	if (!rela || !table || !gelf_getshdr(symbols, &of) || of.sh_type != SHT_DYNSYM)
		return false;
	for (int i = 0; gelf_getrela(rela, i, &a); i++) {
		const char *name;

		if (a.r_offset != addr)
			continue;
		if (!gelf_getsym(table, (int)GELF_R_SYM(a.r_info), &y))
			return false;
		name = elf_strptr(elf, of.sh_link, y.st_name);
		return name && strcmp(name, symbol) == 0;
	}
	return false;
}

bool elf_slot(int fd, uint64_t addr, const char *symbol)
{
	_cleanup_(elf_file_done) struct elf_file f = { .image = NULL };
	Elf_Scn *scn = NULL;
	GElf_Shdr h;

	if (elf_open(fd, &f) < 0)
		return false;
	while ((scn = elf_nextscn(f.elf, scn)))
		if (gelf_getshdr(scn, &h) && h.sh_type == SHT_RELA &&
		    elf_relocates(f.elf, scn, &h, addr, symbol))
			return true;
	return false;
}
