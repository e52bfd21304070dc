/* rustls 0.23 has one way in and one way out for all application data: CommonState::buffer_plaintext() and
 * take_received_plaintext(). Where the names are gone, they are known by what they do: compilers choose registers,
 * order and what is inlined afresh in every build, but not what is read and written through the arguments. */
#include <ctype.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/obj.h"
#include "host/image.h"
#include "host/rustls.h"
#include "host/tlsfind.h"

#define OVERLAP     256   /* more than any name or anchor is long */
#define ANCHORS     16384 /* the largest program has 2,800 */
#define NAMES       64    /* of one function; honest files have one or two */
#define ENTRY_BYTES 96    /* what we look for is this near to where its function begins */
#define FIELD_MIN   0x80  /* offsets in CommonState: 0x308 to 0x336 in all builds seen */
#define FIELD_MAX   0x800

enum { IN, OUT, ROWS };

static const struct {
	enum tlsfind_row row;
	const char *name;  /* common to legacy and v0 mangling */
	const char *plain; /* for users */
} rows[ROWS] = {
	[IN] = { TLSFIND_RUSTLS_IN, "11CommonState23take_received_plaintext", "received data" },
	[OUT] = { TLSFIND_RUSTLS_OUT, "11CommonState16buffer_plaintext", "sent data" },
};

struct places { /* addresses, in the order found */
	uint64_t at[ANCHORS];
	size_t count;
	bool full;
};

/* The same again comes soon: from where two windows overlap, or as one function's other anchor. */
static void places_add(struct places *p, uint64_t at)
{
	for (size_t i = p->count; i > 0 && p->count - i < 32; i--)
		if (p->at[i - 1] == at)
			return;
	if (p->count == ANCHORS)
		p->full = true;
	else
		p->at[p->count++] = at;
}

static int places_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Is one of these, in order, within `n` bytes from an address? */
static bool places_near(const struct places *p, uint64_t addr, uint64_t n)
{
	size_t low = 0, high = p->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (p->at[mid] < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low < p->count && p->at[low] - addr < n;
}

struct find {
	const struct image *image;
	char version[16];
	bool known;
	const char *name;            /* looked for in .strtab */
	struct places names, called; /* offsets in .strtab; addresses by symbol */
	bool scanned;
	struct places anchor[ROWS], calls;
	struct places found;
};

/* ---- the version: panic messages name the files they are from ------------------------------------ */

static uint64_t number(const unsigned char **p, const unsigned char *end)
{
	uint64_t n = 0;

	while (*p < end && isdigit(**p) && n < 1000000)
		n = n * 10 + (uint64_t)(*(*p)++ - '0');
	return n;
}

/* "rustls-0.23.46/src/"; but "tokio-rustls-0.26.4/src/" is another crate, whose 0.26 is built on rustls 0.23. That
 * one tells where rustls itself was patched, because its path has no version then. */
static void find_version_at(struct find *f, const unsigned char *p, size_t before,
			    const unsigned char *end)
{
	static const char tokio[] = "tokio-";
	const size_t tokio_len = sizeof(tokio) - 1;
	bool other = before > 0 && p[-1] == '-';
	const unsigned char *s = p + sizeof("rustls-0.") - 1;
	uint64_t minor = number(&s, end), patch;

	if (s >= end || *s++ != '.')
		return;
	patch = number(&s, end);
	if (end - s < 5 || (memcmp(s, "/src/", 5) != 0 && memcmp(s, "\\src\\", 5) != 0))
		return;
	if (other && before >= tokio_len && memcmp(p - tokio_len, tokio, tokio_len) == 0 &&
	    minor == 26 && !f->known) {
		f->known = true;
		snprintf(f->version, sizeof(f->version), "0.23");
	}
	if (other || (f->known && minor != 23))
		return;
	f->known = minor == 23;
	snprintf(f->version, sizeof(f->version), "0.%u.%u", (unsigned)(minor % 1000),
		 (unsigned)(patch % 1000));
}

static int find_version_in(void *ctx, uint64_t addr, const unsigned char *p, size_t n)
{
	static const char text[] = "rustls-0.";
	const unsigned char *end = p + n, *hit = p;
	struct find *f = ctx;

	(void)addr;
	while ((hit = memmem(hit, (size_t)(end - hit), text, sizeof(text) - 1)) != NULL) {
		find_version_at(f, hit, (size_t)(hit - p), end);
		hit++;
		if (f->known && strchr(f->version + 2, '.'))
			return 1;
	}
	return 0;
}

static int find_version(struct find *f)
{
	const struct image_part *s;
	int r = 0;

	/* as a rule among the constants; some linkers put those with the code */
	for (int code = 0; code < 2 && !f->known; code++)
		for (size_t i = 0; r == 0 && (s = image_segment(f->image, i)) != NULL; i++)
			if (s->code == (code == 1) && !f->known)
				r = image_scan(f->image, s, OVERLAP, find_version_in, f);
	return r;
}

/* ---- by name ------------------------------------------------------------------------------------- */

/* The name of the function itself: neither of a closure in it nor of a part of it that was moved away. */
static bool name_fits(const char *name, const char *hit, const char *needle)
{
	bool legacy = strncmp(name, "_ZN6rustls", 10) == 0;
	const char *rest = hit + strlen(needle);

	if (strstr(rest, ".cold"))
		return false;
	return legacy ? strncmp(rest, "17h", 3) == 0 : strncmp(name, "_RNvM", 5) == 0;
}

static int find_names_in(void *ctx, uint64_t addr, const unsigned char *p, size_t n)
{
	const unsigned char *end = p + n, *hit = p;
	struct find *f = ctx;

	while ((hit = memmem(hit, (size_t)(end - hit), f->name, strlen(f->name))) != NULL) {
		const unsigned char *from = memrchr(p, 0, (size_t)(hit - p));
		const unsigned char *to = memchr(hit, 0, (size_t)(end - hit));

		if (from && to && name_fits((const char *)from + 1, (const char *)hit, f->name))
			places_add(&f->names, addr + (uint64_t)(from + 1 - p));
		hit++;
	}
	return 0;
}

static int find_symbols_in(void *ctx, uint64_t addr, const unsigned char *p, size_t n)
{
	struct find *f = ctx;
	Elf64_Sym s;

	/* an entry that the end of this window cuts is whole in the next */
	for (size_t at = (sizeof(s) - addr % sizeof(s)) % sizeof(s); at + sizeof(s) <= n;
	     at += sizeof(s)) {
		memcpy(&s, p + at, sizeof(s));
		if (ELF64_ST_TYPE(s.st_info) != STT_FUNC || s.st_value == 0)
			continue;
		for (size_t i = 0; i < MIN(f->names.count, (size_t)NAMES); i++)
			if (f->names.at[i] == s.st_name)
				places_add(&f->called, s.st_value);
	}
	return 0;
}

static int find_named(struct find *f, const char *name)
{
	struct image_part symbols, strings;
	int r;

	f->name = name;
	f->names = f->called = (struct places){ .count = 0 };
	if (image_section(f->image, ".symtab", &symbols) < 0 ||
	    image_section(f->image, ".strtab", &strings) < 0)
		return 0;
	symbols.addr = strings.addr = 0; /* so that addresses count from the beginning of each */
	r = image_scan(f->image, &strings, OVERLAP, find_names_in, f);
	if (r == 0 && f->names.count)
		r = image_scan(f->image, &symbols, OVERLAP, find_symbols_in, f);
	return r;
}

/* ---- by what it does ----------------------------------------------------------------------------- */

static uint32_t u32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bool field(uint32_t disp)
{
	return disp >= FIELD_MIN && disp < FIELD_MAX;
}

/* Behind an opcode: the operand "offset(%register)". Its length, 0 when it is another kind. */
static size_t operand(const unsigned char *p, uint32_t *ret_disp)
{
	size_t sib = (p[0] & 7) == 4;

	if ((p[0] & 0xc0) != 0x80 || (sib && p[1] != 0x24))
		return 0;
	*ret_disp = u32(p + 1 + sib);
	return 5 + sib;
}

/* temper_counters.received_app_data(): `movb $32, field` */
static bool anchor_in(const unsigned char *p)
{
	uint32_t disp;
	size_t n = operand(p + 1, &disp);

	return n && p[1 + n] == 0x20 && (p[1] & 0x38) == 0 && field(disp);
}

/* queued_key_update_message.take(): None is stored over what was just read. rustc 1.95 has 1 << 63 for None, in a
 * register; 1.98 has -1. */
static bool anchor_out(const unsigned char *p, size_t before)
{
	static const unsigned char none[8] = { 0, 0, 0, 0, 0, 0, 0, 0x80 };
	size_t n, back = MIN(before, (size_t)64), near = MIN(before, (size_t)24);
	uint32_t disp;

	n = operand(p + 1, &disp);
	if (!n || !field(disp) || disp % 8 != 0 || !memmem(p - back, back, p + 1 + n - 4, 4))
		return false;
	if (p[0] == 0xc7)
		return (p[1] & 0x38) == 0 && u32(p + 1 + n) == 0xffffffff;
	return memmem(p - near, near, none, sizeof(none)) != NULL;
}

static int find_anchors_in(void *ctx, uint64_t addr, const unsigned char *p, size_t n)
{
	struct find *f = ctx;

	for (size_t i = 1; i + 16 < n; i++) {
		if (p[i] == 0xc6 && anchor_in(p + i))
			places_add(&f->anchor[IN], addr + i);
		else if ((p[i] == 0xc7 || p[i] == 0x89) && (p[i - 1] & 0xf8) == 0x48 &&
			 anchor_out(p + i, i))
			places_add(&f->anchor[OUT], addr + i);
	}
	return 0;
}

/* Where the take() is a function of its own: who calls that. */
static int find_calls_in(void *ctx, uint64_t addr, const unsigned char *p, size_t n)
{
	struct find *f = ctx;

	for (size_t i = 0; i + 5 < n; i++) {
		uint64_t to;

		if (p[i] != 0xe8)
			continue;
		to = addr + i + 5 + (uint64_t)(int64_t)(int32_t)u32(p + i + 1);
		if (places_near(&f->anchor[OUT], to, ENTRY_BYTES))
			places_add(&f->calls, addr + i);
	}
	return 0;
}

static int find_scan(struct find *f, int (*fn)(void *, uint64_t, const unsigned char *, size_t))
{
	const struct image_part *s;
	int r = 0;

	for (size_t i = 0; r == 0 && (s = image_segment(f->image, i)) != NULL; i++)
		if (s->code)
			r = image_scan(f->image, s, OVERLAP, fn, f);
	return r;
}

/* Deno has no .eh_frame, but every function of it sets up a frame pointer. */
static bool find_frame(const struct find *f, uint64_t addr)
{
	static const unsigned char prologue[4] = { 0x55, 0x48, 0x89, 0xe5 };
	unsigned char code[sizeof(prologue)];

	return image_read(f->image, addr, code, sizeof(code)) == 0 &&
	       memcmp(code, prologue, sizeof(prologue)) == 0;
}

static bool find_start(const struct find *f, uint64_t addr, uint64_t *ret)
{
	uint64_t end;

	if (image_function(f->image, addr, ret, &end) == 0)
		return addr - *ret < ENTRY_BYTES;
	for (uint64_t n = 4; n < ENTRY_BYTES && n <= addr; n++) {
		*ret = addr - n;
		if (find_frame(f, *ret))
			return true;
	}
	return false;
}

/* The place for a probe of a function that begins here, or 4 bytes before with an endbr64. */
static bool find_begins(const struct find *f, uint64_t addr, uint64_t offset)
{
	uint64_t start, end, entry;

	if (image_function(f->image, addr, &start, &end) < 0)
		return find_frame(f, addr);
	return image_entry(f->image, start, &entry) && entry == offset;
}

static bool find_is(const struct find *f, int which, uint64_t start)
{
	return which == IN ? rustls_is_take(f->image, start) : rustls_is_buffer(f->image, start);
}

static void find_check(struct find *f, int which, const struct places *a)
{
	uint64_t start;

	for (size_t i = 0; i < a->count; i++)
		if (find_start(f, a->at[i], &start) && find_is(f, which, start))
			places_add(&f->found, start);
}

static int find_searched(struct find *f, int which)
{
	int r = 0;

	find_check(f, which, &f->anchor[which]);
	if (which == OUT && f->found.count == 0 && f->anchor[OUT].count) {
		qsort(f->anchor[OUT].at, f->anchor[OUT].count, sizeof(uint64_t), places_order);
		r = find_scan(f, find_calls_in);
		find_check(f, OUT, &f->calls);
	}
	if (f->anchor[which].full || f->calls.full)
		f->found.full = true;
	return r;
}

/* ---- together ------------------------------------------------------------------------------------ */

/* Names first: two versions of rustls may be in one file, then what they do decides. */
static int find_row(struct find *f, int which, struct tlsfind *ret)
{
	uint64_t offset;
	int r = find_named(f, rows[which].name);

	f->found = f->called;
	if (f->called.count > 1) {
		f->found = (struct places){ .count = 0 };
		for (size_t i = 0; i < f->called.count; i++)
			if (find_is(f, which, f->called.at[i]))
				places_add(&f->found, f->called.at[i]);
	} else if (r == 0 && f->called.count == 0) {
		if (!f->scanned)
			r = find_scan(f, find_anchors_in);
		f->scanned = true;
		if (r == 0)
			r = find_searched(f, which);
	}
	if (r < 0)
		return r;
	if (f->found.count == 1 && !f->found.full && image_entry(f->image, f->found.at[0], &offset))
		return tlsfind_add(ret, rows[which].row, offset, false);
	tlsfind_why(ret, "rustls %s: %s not %s", f->version, rows[which].plain,
		    f->found.count > 1 || f->found.full ? "unique" : "found");
	return 0;
}

/* Where a function begins: from inside an instruction, the rest may read the same. */
static int find_hinted(const struct find *f, int which, const struct tlsfind_part *p)
{
	for (size_t i = 0; i < p->hint->count; i++) {
		const struct elf_site *s = &p->hint->site[i];
		uint64_t start;

		if (s->row == rows[which].row && image_address(f->image, s->offset, &start) &&
		    find_begins(f, start, s->offset) && find_is(f, which, start))
			return tlsfind_add(p->ret, s->row, s->offset, false);
	}
	return 0;
}

static int find_all(struct find *f, const struct tlsfind_part *p)
{
	int r = 0;

	for (int i = 0; p->hint && i < ROWS && r == 0; i++)
		r = find_hinted(f, i, p);
	if (p->hint)
		return r;
	r = find_version(f);
	if (r < 0)
		return r;
	if (!f->known) {
		if (f->version[0])
			tlsfind_why(p->ret, "rustls %s: not known", f->version);
		return 0;
	}
	for (int i = 0; i < ROWS && r == 0; i++)
		r = find_row(f, i, p->ret);
	return r;
}

int find_rustls(const struct tlsfind_part *p)
{
	struct find *f = mem_zero(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->image = p->image;
	r = find_all(f, p);
	mem_free(f);
	return r;
}
