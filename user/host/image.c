#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/limit.h"
#include "base/obj.h"
#include "host/image.h"

#define IMAGE_MAGIC 0x1a6e0001u
#define WINDOW      (1u << 20)
#define NAME_BYTES  64 /* of a section, with its NUL */

#if defined(__x86_64__)
#define IMAGE_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define IMAGE_MACHINE EM_AARCH64
#else
#error "no probes for this machine yet"
#endif

struct image {
	unsigned magic;
	int fd;
	uint64_t size; /* of the file, when it was opened */
	bool fixed;
	struct image_part *segment;
	size_t segments;
	uint64_t frames; /* address of .eh_frame_hdr; 0 = none */
	Elf64_Shdr *section;
	size_t sections;
	uint32_t names; /* number of the section that holds the names */
	bool odd;       /* the section headers are damaged; the kernel does not look at them */
};

static int image_pread(const struct image *m, uint64_t at, void *ret, size_t n)
{
	if (at > m->size || n > m->size - at)
		return -EBADMSG;
	return pread(m->fd, ret, n, (off_t)at) == (ssize_t)n ? 0 : -EBADMSG;
}

/* What of a segment is in the file and in the address space; false: nothing. */
static bool image_clip(const struct image *m, const Elf64_Phdr *p, struct image_part *ret)
{
	uint64_t size, end;

	if (p->p_offset >= m->size || p->p_filesz == 0)
		return false;
	size = MIN(p->p_filesz, m->size - p->p_offset);
	if (__builtin_add_overflow(p->p_vaddr, size, &end))
		return false;
	*ret = (struct image_part){ p->p_vaddr, p->p_offset, size, p->p_flags & PF_X,
				    p->p_flags & PF_W };
	return true;
}

static int image_segments(struct image *m, const Elf64_Ehdr *h)
{
	Elf64_Phdr p;

	if (h->e_phnum > LIMIT_ELF_SEGMENTS || (h->e_phnum && h->e_phentsize != sizeof(p)) ||
	    h->e_phoff > m->size)
		return -EBADMSG;
	m->segment = mem_zero(h->e_phnum + 1u, sizeof(*m->segment));
	if (!m->segment)
		return -ENOMEM;
	for (size_t i = 0; i < h->e_phnum; i++) {
		if (image_pread(m, h->e_phoff + i * sizeof(p), &p, sizeof(p)) < 0)
			return -EBADMSG;
		if (p.p_type == PT_LOAD && image_clip(m, &p, &m->segment[m->segments]))
			m->segments++;
		if (p.p_type == PT_GNU_EH_FRAME)
			m->frames = p.p_vaddr;
	}
	return 0;
}

/* Also protects libelf, which allocates by the number of sections before it has looked at one. */
static int image_sections(struct image *m, const Elf64_Ehdr *h)
{
	Elf64_Shdr first;
	uint64_t count;

	if (h->e_shoff == 0)
		return 0;
	m->odd = true;
	if (h->e_shentsize != sizeof(first) ||
	    image_pread(m, h->e_shoff, &first, sizeof(first)) < 0)
		return 0;
	count = h->e_shnum ? h->e_shnum : first.sh_size;
	if (count > LIMIT_ELF_SECTIONS || count * sizeof(first) > m->size - h->e_shoff)
		return 0;
	m->section = mem_zero(count + 1, sizeof(first));
	if (!m->section)
		return -ENOMEM;
	if (image_pread(m, h->e_shoff, m->section, count * sizeof(first)) < 0)
		return 0;
	m->sections = count;
	m->names = h->e_shstrndx == SHN_XINDEX ? first.sh_link : h->e_shstrndx;
	m->odd = false;
	return 0;
}

int image_new(int fd, struct image **ret)
{
	_cleanup_(image_free) struct image *m = obj_new(m, IMAGE_MAGIC);
	struct stat st;
	Elf64_Ehdr h;
	int r;

	if (!m)
		return -ENOMEM;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	m->fd = fd;
	m->size = (uint64_t)st.st_size;
	if (image_pread(m, 0, &h, sizeof(h)) < 0 || memcmp(h.e_ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB ||
	    h.e_machine != IMAGE_MACHINE || (h.e_type != ET_EXEC && h.e_type != ET_DYN))
		return -ENOEXEC;
	m->fixed = h.e_type == ET_EXEC;
	r = image_segments(m, &h);
	if (r == 0)
		r = image_sections(m, &h);
	if (r < 0)
		return r;
	*ret = take(m);
	return 0;
}

void image_free(struct image **p)
{
	struct image *m = obj_take(p, IMAGE_MAGIC);

	if (!m)
		return;
	mem_free(m->segment);
	mem_free(m->section);
	mem_free(m);
}

bool image_fixed(const struct image *m)
{
	obj_check(m, IMAGE_MAGIC);
	return m->fixed;
}

const struct image_part *image_segment(const struct image *m, size_t i)
{
	obj_check(m, IMAGE_MAGIC);
	return i < m->segments ? &m->segment[i] : NULL;
}

/* The segment that holds all of these bytes. */
static const struct image_part *image_at(const struct image *m, uint64_t addr, uint64_t n)
{
	for (size_t i = 0; i < m->segments; i++) {
		const struct image_part *s = &m->segment[i];
		uint64_t into = addr - s->addr;

		if (addr >= s->addr && into < s->size && n <= s->size - into)
			return s;
	}
	return NULL;
}

static bool image_named(const struct image *m, const Elf64_Shdr *h, const char *name)
{
	const Elf64_Shdr *names = &m->section[m->names];
	size_t n = strlen(name) + 1;
	char text[NAME_BYTES];
	uint64_t at;

	return n <= sizeof(text) && h->sh_name < names->sh_size &&
	       n <= names->sh_size - h->sh_name &&
	       !__builtin_add_overflow(names->sh_offset, h->sh_name, &at) &&
	       image_pread(m, at, text, n) == 0 && memcmp(text, name, n) == 0;
}

/* A section that is loaded must be where a segment says it is. */
static bool image_honest(const struct image *m, const Elf64_Shdr *h, struct image_part *ret)
{
	const struct image_part *s = image_at(m, h->sh_addr, h->sh_size);
	bool loaded = h->sh_flags & SHF_ALLOC;

	if (h->sh_type == SHT_NOBITS || h->sh_offset > m->size ||
	    h->sh_size > m->size - h->sh_offset)
		return false;
	if (loaded && (!s || h->sh_offset != s->offset + (h->sh_addr - s->addr)))
		return false;
	*ret = (struct image_part){ loaded ? h->sh_addr : 0, h->sh_offset, h->sh_size,
				    loaded && s->code, loaded && s->written };
	return true;
}

int image_section(const struct image *m, const char *name, struct image_part *ret)
{
	obj_check(m, IMAGE_MAGIC);
	if (m->odd)
		return -EBADMSG;
	if (m->names >= m->sections)
		return -ENOENT;
	for (size_t i = 0; i < m->sections; i++)
		if (image_named(m, &m->section[i], name) && image_honest(m, &m->section[i], ret))
			return 0;
	return -ENOENT;
}

int image_read(const struct image *m, uint64_t addr, void *ret, size_t n)
{
	const struct image_part *s;

	obj_check(m, IMAGE_MAGIC);
	s = image_at(m, addr, n);
	return s ? image_pread(m, s->offset + (addr - s->addr), ret, n) : -EBADMSG;
}

bool image_offset(const struct image *m, uint64_t addr, uint64_t *ret)
{
	obj_check(m, IMAGE_MAGIC);
	for (size_t i = 0; i < m->segments; i++) {
		const struct image_part *s = &m->segment[i];

		if (s->code && addr >= s->addr && addr - s->addr < s->size) {
			*ret = s->offset + (addr - s->addr);
			return true;
		}
	}
	return false;
}

bool image_address(const struct image *m, uint64_t offset, uint64_t *ret)
{
	obj_check(m, IMAGE_MAGIC);
	for (size_t i = 0; i < m->segments; i++) {
		const struct image_part *s = &m->segment[i];

		if (s->code && offset >= s->offset && offset - s->offset < s->size) {
			*ret = s->addr + (offset - s->offset);
			return true;
		}
	}
	return false;
}

bool image_entry(const struct image *m, uint64_t addr, uint64_t *ret)
{
	static const unsigned char endbr64[4] = { 0xf3, 0x0f, 0x1e, 0xfa };
	unsigned char code[sizeof(endbr64) + 1];

	if (IMAGE_MACHINE == EM_X86_64 && image_read(m, addr, code, sizeof(code)) == 0 &&
	    memcmp(code, endbr64, sizeof(endbr64)) == 0)
		addr += sizeof(endbr64);
	return image_offset(m, addr, ret);
}

int image_scan(const struct image *m, const struct image_part *part, size_t overlap,
	       int (*fn)(void *ctx, uint64_t addr, const unsigned char *p, size_t n), void *ctx)
{
	unsigned char *window;
	int r = 0;

	obj_check(m, IMAGE_MAGIC);
	assert(overlap < WINDOW);
	window = mem_zero(1, WINDOW);
	if (!window)
		return -ENOMEM;
	for (uint64_t at = 0; r == 0 && at < part->size;) {
		size_t n = (size_t)MIN(part->size - at, (uint64_t)WINDOW);
		uint64_t from;

		r = __builtin_add_overflow(part->offset, at, &from)
			    ? -EBADMSG
			    : image_pread(m, from, window, n);
		if (r == 0)
			r = fn(ctx, part->addr + at, window, n);
		if (at + n == part->size)
			break;
		at += n - overlap;
	}
	mem_free(window);
	return r < 0 ? r : 0;
}

/* ---- .eh_frame_hdr: a sorted table of (start of a function, its record in .eh_frame) ------------- */

struct frames {
	uint64_t base, table; /* addresses */
	uint32_t count;
};

/* Only the encodings that linkers write: 4-byte numbers, relative to themselves or to the table's base. */
static int image_frames(const struct image *m, struct frames *ret)
{
	static const unsigned char known[4] = { 1, 0x1b, 0x03, 0x3b };
	unsigned char head[12];

	if (m->frames == 0 || image_read(m, m->frames, head, sizeof(head)) < 0 ||
	    memcmp(head, known, sizeof(known)) != 0)
		return -ENOENT;
	ret->base = m->frames;
	ret->table = m->frames + sizeof(head);
	memcpy(&ret->count, head + 8, sizeof(ret->count));
	return 0;
}

static int image_frame(const struct image *m, const struct frames *f, uint32_t i,
		       uint64_t *ret_start, uint64_t *ret_record)
{
	int32_t at[2];

	if (image_read(m, f->table + 8ull * i, at, sizeof(at)) < 0)
		return -ENOENT;
	*ret_start = f->base + (uint64_t)(int64_t)at[0];
	*ret_record = f->base + (uint64_t)(int64_t)at[1];
	return 0;
}

/* A record is { u32 length, u32 CIE, start, size }. How wide start and size are stands in the CIE; but the start is known
 * already, so the width is the one with which it comes out right. */
static int image_range(const struct image *m, uint64_t start, uint64_t record, uint64_t *ret_size)
{
	uint64_t at, wide[2];
	uint32_t head[2], narrow[2];

	if (__builtin_add_overflow(record, sizeof(head), &at) ||
	    image_read(m, record, head, sizeof(head)) < 0 || head[1] == 0)
		return -ENOENT;
	if (head[0] >= sizeof(wide) + 4 && image_read(m, at, wide, sizeof(wide)) == 0 &&
	    (at + wide[0] == start || wide[0] == start)) {
		*ret_size = wide[1];
		return 0;
	}
	if (head[0] >= sizeof(narrow) + 4 && image_read(m, at, narrow, sizeof(narrow)) == 0 &&
	    (at + (uint64_t)(int64_t)(int32_t)narrow[0] == start || narrow[0] == start)) {
		*ret_size = narrow[1];
		return 0;
	}
	return -ENOENT;
}

int image_function(const struct image *m, uint64_t addr, uint64_t *ret_start, uint64_t *ret_end)
{
	uint64_t start, record, size;
	uint32_t low = 0, high;
	struct frames f;

	obj_check(m, IMAGE_MAGIC);
	if (image_frames(m, &f) < 0)
		return -ENOENT;
	for (high = f.count; low < high;) { /* the last that starts at or before addr is low - 1 */
		uint32_t mid = low + (high - low) / 2;

		if (image_frame(m, &f, mid, &start, &record) < 0)
			return -ENOENT;
		if (start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0 || image_frame(m, &f, low - 1, &start, &record) < 0 || start > addr ||
	    image_range(m, start, record, &size) < 0)
		return -ENOENT;
	if (addr - start >= size || !image_at(m, start, size) || !image_at(m, start, size)->code)
		return -ENOENT;
	*ret_start = start;
	*ret_end = start + size;
	return 0;
}
