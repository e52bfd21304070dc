#include "base/limit.h"
#include "base/obj.h"
#include "host/gomodule.h"
#include "host/gotab.h"

/* Which layout: runtime/symtab.go of each version */
#define MAGIC_1_2  0xfffffffbu
#define MAGIC_1_16 0xfffffffau
#define MAGIC_1_18 0xfffffff0u
#define MAGIC_1_20 0xfffffff1u

#define NAME_BYTES 512 /* a longer name is none of ours */
#define HEADER_WORDS \
	9 /* of 8 bytes; the first has the magic and what every program of a machine has in common */
#define WINDOW 65536

#if defined(__x86_64__)
#define SHORTEST_CODE 1
#elif defined(__aarch64__)
#define SHORTEST_CODE 4
#endif

int gotab_scan(struct gotab *t, const struct image_part *part, size_t overlap,
	       int (*fn)(void *ctx, uint64_t addr, const unsigned char *p, size_t n), void *ctx)
{
	if (part->size > t->left)
		return -E2BIG;
	t->left -= part->size;
	return image_scan(t->image, part, overlap, fn, ctx);
}

/* A piece of the table, as scans want it. */
static bool gotab_part(const struct gotab *t, uint64_t from, uint64_t to, struct image_part *ret)
{
	const struct image_part *s;

	for (size_t i = 0; (s = image_segment(t->image, i)); i++) {
		uint64_t into = from - s->addr;

		if (from < s->addr || into >= s->size || to < from || to - from > s->size - into)
			continue;
		*ret = (struct image_part){ .addr = from,
					    .offset = s->offset + into,
					    .size = to - from };
		return true;
	}
	return false;
}

/* ---- the table's place ------------------------------------------------------------------------------ */

bool gotab_old(const struct gotab *t)
{
	return t->magic == MAGIC_1_2;
}

bool gotab_wide(const struct gotab *t)
{
	return t->magic == MAGIC_1_16;
}

static uint64_t gotab_width(const struct gotab *t)
{
	return gotab_wide(t) ? 16 : 8;
}

/* Parts follow each other in this order in every version, so an accident does not look like it. */
static bool gotab_header(struct gotab *t, uint64_t addr, uint64_t end)
{
	uint64_t w[HEADER_WORDS], room = end - addr, *at;
	struct gotab n = *t;

	if (end <= addr || room < sizeof(w) || image_read(t->image, addr, w, sizeof(w)) < 0 ||
	    w[0] >> 32 != (8u << 24 | SHORTEST_CODE << 16) || w[1] == 0)
		return false;
	n.magic = (uint32_t)w[0];
	n.addr = n.names = addr;
	n.end = n.names_end = end;
	n.count = w[1];
	if (!gotab_old(&n)) {
		if (n.magic != MAGIC_1_16 && n.magic != MAGIC_1_18 && n.magic != MAGIC_1_20)
			return false;
		at = gotab_wide(&n) ? w + 3 : w + 4; /* names, units, files, numbers, functions */
		for (size_t i = 0; i < 4; i++)
			if (at[i] > at[i + 1])
				return false;
		if (at[0] < sizeof(uint64_t) * 8 || at[4] > room ||
		    n.count >= (room - at[4]) / gotab_width(&n))
			return false;
		n.names = addr + at[0];
		n.names_end = addr + at[1];
		n.funcs = addr + at[4];
	}
	*t = n;
	return true;
}

static int gotab_magic(void *ctx, uint64_t addr, const unsigned char *p, size_t n)
{
	static const unsigned char mark[] = { 0xff, 0xff, 0xff, 0, 0, SHORTEST_CODE, 8 };
	struct gotab *t = ctx;

	for (size_t at = 1; at < n;) {
		const unsigned char *hit = memmem(p + at, n - at, mark, sizeof(mark));

		if (!hit)
			return 0;
		at = (size_t)(hit - p);
		if ((addr + at - 1) % 8 == 0 && gotab_header(t, addr + at - 1, t->end))
			return 1;
		at++;
	}
	return 0;
}

/* Linkers other than Go's have no section for it. Data first: it is shorter. */
static int gotab_hunt(struct gotab *t)
{
	const struct image_part *s;

	for (int code = 0; code < 2; code++) {
		for (size_t i = 0; (s = image_segment(t->image, i)); i++) {
			int r;

			if (s->code != code)
				continue;
			t->end = s->addr + s->size;
			r = gotab_scan(t, s, sizeof(uint64_t) * HEADER_WORDS, gotab_magic, t);
			if (r < 0 || t->count > 0)
				return r;
		}
	}
	return -ENOENT;
}

int gotab_open(const struct image *m, struct gotab *ret)
{
	static const char *const tables[] = { ".gopclntab", ".data.rel.ro.gopclntab" };
	static const char *const marks[] = { ".go.buildinfo", ".note.go.buildid" };
	struct gotab t = { .image = m, .left = LIMIT_GO_BYTES };
	struct image_part part;
	bool go = false;
	int r;

	for (size_t i = 0; i < COUNT_OF(tables); i++) {
		if (image_section(m, tables[i], &part) < 0)
			continue;
		go = true;
		if (gotab_header(&t, part.addr, part.addr + part.size)) {
			*ret = t;
			return 0;
		}
	}
	for (size_t i = 0; i < COUNT_OF(marks); i++)
		go = go || image_section(m, marks[i], &part) == 0;
	if (!go && image_section(m, ".shstrtab", &part) == 0)
		return -ENOENT;
	r = gotab_hunt(&t);
	if (r == -ENOENT || r == -E2BIG)
		return go ? -EBADMSG : -ENOENT;
	if (r == 0)
		*ret = t;
	return r;
}

/* ---- names ------------------------------------------------------------------------------------------ */

struct gotab_wanted {
	size_t name;
	uint64_t offset; /* among the names */
};

struct gotab_names {
	const struct gotab *t;
	const char *const *name;
	size_t names;
	struct gotab_wanted found[GOTAB_FUNCS];
	size_t count;
	bool full;
};

static void gotab_name(struct gotab_names *s, size_t name, uint64_t offset)
{
	for (size_t i = 0; i < s->count; i++) /* windows overlap */
		if (s->found[i].name == name && s->found[i].offset == offset)
			return;
	if (s->count == GOTAB_FUNCS)
		s->full = true;
	else
		s->found[s->count++] = (struct gotab_wanted){ name, offset };
}

/* The name that ends like this: whole, or behind a folder `vendor`. `at` gets its beginning, unless that is not in sight. */
static bool gotab_whole(const struct gotab_names *s, uint64_t addr, const unsigned char *p,
			size_t *at)
{
	static const char vendor[] = "vendor/";
	size_t n = sizeof(vendor) - 1, from = *at;

	while (from > 0 && p[from - 1] != '\0' && *at - from < NAME_BYTES)
		from--;
	if (from == 0 ? addr != s->t->names : p[from - 1] != '\0')
		return false;
	if (from < *at && (*at - from < n || memcmp(p + *at - n, vendor, n) != 0 ||
			   (*at - from > n && p[*at - n - 1] != '/')))
		return false;
	*at = from;
	return true;
}

static int gotab_look(void *ctx, uint64_t addr, const unsigned char *p, size_t n)
{
	struct gotab_names *s = ctx;

	for (size_t i = 0; i < s->names; i++) {
		size_t size = strlen(s->name[i]) + 1, at = 0; /* with its NUL */
		const unsigned char *hit;

		while ((hit = memmem(p + at, n - at, s->name[i], size))) {
			at = (size_t)(hit - p);
			if (gotab_whole(s, addr, p, &at))
				gotab_name(s, i, addr + at - s->t->names);
			at = (size_t)(hit - p) + size;
		}
	}
	return 0;
}

static int gotab_search(struct gotab *t, struct gotab_names *s)
{
	struct image_part part;

	if (!gotab_part(t, t->names, t->names_end, &part))
		return -EBADMSG;
	return gotab_scan(t, &part, 2 * NAME_BYTES, gotab_look, s);
}

int gotab_has(struct gotab *t, const char *name)
{
	struct gotab_names s = { .t = t, .name = &name, .names = 1 };
	int r = gotab_search(t, &s);

	return r < 0 ? r : s.count > 0;
}

/* ---- functions -------------------------------------------------------------------------------------- */

/* Moves forward only: what is read is bounded by the table. */
struct gotab_window {
	uint64_t addr;
	size_t n;
	unsigned char p[WINDOW];
};

static const unsigned char *gotab_at(const struct gotab *t, struct gotab_window *w, uint64_t addr,
				     size_t n)
{
	if (addr < t->addr || addr > t->end || n > t->end - addr)
		return NULL;
	if (addr < w->addr || addr - w->addr > w->n || n > w->n - (addr - w->addr)) {
		w->n = (size_t)MIN(t->end - addr, (uint64_t)WINDOW);
		w->addr = addr;
		if (image_read(t->image, addr, w->p, w->n) < 0) {
			w->n = 0;
			return NULL;
		}
	}
	return w->p + (addr - w->addr);
}

/* Word i of a row of them. */
static uint64_t gotab_word(const struct gotab *t, const unsigned char *p, size_t i)
{
	uint64_t wide;
	uint32_t narrow;

	if (gotab_wide(t)) {
		memcpy(&wide, p + 8 * i, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, p + 4 * i, sizeof(narrow));
	return narrow;
}

/* Name offset of the function whose record stands there; its first word repeats the entry. */
static bool gotab_record(const struct gotab *t, struct gotab_window *w, uint64_t entry, uint64_t at,
			 uint32_t *ret)
{
	size_t word = gotab_wide(t) ? 8 : 4;
	const unsigned char *p;

	if (at > t->end - t->funcs)
		return false;
	p = gotab_at(t, w, t->funcs + at, word + sizeof(*ret));
	if (!p || gotab_word(t, p, 0) != entry)
		return false;
	memcpy(ret, p + word, sizeof(*ret));
	return true;
}

struct gotab_walk {
	struct gotab_window pair, record;
};

static int gotab_funcs(const struct gotab *t, struct gotab_walk *w, const struct gotab_names *s,
		       struct gotab_func *ret, size_t *count)
{
	uint64_t last = 0;

	for (uint64_t i = 0; i < t->count; i++) {
		const unsigned char *p = gotab_at(t, &w->pair, t->funcs + i * gotab_width(t),
						  gotab_width(t) * 3 / 2);
		uint64_t entry, at, next;
		uint32_t name;

		if (!p)
			return -EBADMSG;
		entry = gotab_word(t, p, 0);
		at = gotab_word(t, p, 1);
		next = gotab_word(t, p, 2);
		if (next < entry || at < last || !gotab_record(t, &w->record, entry, at, &name))
			return -EBADMSG;
		last = at;
		for (size_t k = 0; k < s->count; k++) {
			if (s->found[k].offset != name)
				continue;
			if (*count == GOTAB_FUNCS)
				return -E2BIG;
			ret[(*count)++] = (struct gotab_func){ s->found[k].name, t->text + entry,
							       t->text + next };
		}
	}
	return 0;
}

/* The header's own textStart is not asked: Go 1.26 writes 0, and relocations may have to fill it in. */
static int gotab_text(struct gotab *t, struct gotab_walk *w)
{
	uint64_t width = gotab_width(t), first;
	const unsigned char *p;

	p = gotab_at(t, &w->pair, t->funcs, width);
	if (!p)
		return -EBADMSG;
	first = gotab_word(t, p, 0);
	p = gotab_at(t, &w->pair, t->funcs + t->count * width, width / 2);
	if (!p)
		return -EBADMSG;
	return gomodule_text(t, first, gotab_word(t, p, 0), &t->text);
}

int gotab_find(struct gotab *t, const char *const *name, size_t names,
	       struct gotab_func ret[GOTAB_FUNCS], size_t *ret_count)
{
	struct gotab_names s = { .t = t, .name = name, .names = names };
	struct gotab_walk *w;
	size_t count = 0;
	int r = gotab_old(t) ? -EBADMSG : gotab_search(t, &s);

	if (r == 0 && s.full)
		r = -E2BIG;
	if (r < 0)
		return r;
	if (s.count == 0) {
		*ret_count = 0;
		return 0;
	}
	w = mem_zero(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	r = gotab_text(t, w);
	if (r == 0)
		r = gotab_funcs(t, w, &s, ret, &count);
	mem_free(w);
	if (r < 0)
		return r;
	*ret_count = count;
	return 0;
}
