#include "host/gomodule.h"

#define WORDS      40 /* of runtime.moduledata; what we want stands in the first 24 to this day */
#define CANDIDATES 16
#define ROW        3 /* words of a relocation: where, kind, value */

#if defined(__x86_64__)
#define RELATIVE 8 /* R_X86_64_RELATIVE */
#elif defined(__aarch64__)
#define RELATIVE 1027 /* R_AARCH64_RELATIVE */
#endif

struct gomodule {
	struct gotab *t;
	uint64_t first, last;
	uint64_t may
		[CANDIDATES]; /* words that point to the table, as the first of a moduledata does */
	size_t count;
	uint64_t rows; /* address of the relocations that are being read */
	uint64_t addr; /* of the moduledata that is being read; 0: we are looking for one */
	uint64_t word[WORDS];
};

static void gomodule_may(struct gomodule *m, uint64_t addr)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->may[i] == addr)
			return;
	if (m->count < CANDIDATES)
		m->may[m->count++] = addr;
}

static int gomodule_pointers(void *ctx, uint64_t addr, const unsigned char *p, size_t n)
{
	struct gomodule *m = ctx;
	uint64_t word;

	for (size_t at = (8 - addr % 8) % 8; at + sizeof(word) <= n; at += sizeof(word)) {
		memcpy(&word, p + at, sizeof(word));
		if (word == m->t->addr)
			gomodule_may(m, addr + at);
	}
	return 0;
}

/* Relocations give words their addresses. Go's linker writes them into the file as well, others do not. */
static int gomodule_row(void *ctx, uint64_t addr, const unsigned char *p, size_t n)
{
	struct gomodule *m = ctx;
	uint64_t row[ROW], into;
	size_t late = (size_t)((addr - m->rows) % sizeof(row));

	for (size_t at = late ? sizeof(row) - late : 0; at + sizeof(row) <= n; at += sizeof(row)) {
		memcpy(row, p + at, sizeof(row));
		into = row[0] - m->addr;
		if (row[1] != RELATIVE)
			continue;
		if (m->addr == 0 && row[2] == m->t->addr)
			gomodule_may(m, row[0]);
		else if (m->addr != 0 && into < sizeof(m->word) && into % 8 == 0)
			m->word[into / 8] = row[2];
	}
	return 0;
}

static int gomodule_rows(struct gomodule *m)
{
	static const char *const names[] = { ".rela.dyn", ".rela" };
	struct image_part part;
	int r = 0;

	for (size_t i = 0; r == 0 && i < COUNT_OF(names); i++) {
		if (image_fixed(m->t->image) || image_section(m->t->image, names[i], &part) < 0)
			continue;
		m->rows = part.addr;
		r = gotab_scan(m->t, &part, sizeof(uint64_t) * ROW, gomodule_row, m);
	}
	return r;
}

/* It holds the function table as a slice, and behind that the bounds of the code and the text's beginning: the runtime
 * itself checks them at start (moduledataverify1). Versions differ in what stands between. */
static bool gomodule_fits(const struct gomodule *m, uint64_t *ret)
{
	size_t i = 1;

	while (i < WORDS && (m->word[i - 1] != m->t->funcs || m->word[i] != m->t->count + 1))
		i++;
	for (; i + 2 < WORDS; i++) {
		uint64_t text = m->word[i + 2], base = gotab_wide(m->t) ? 0 : text;

		if (text == 0 || m->word[i] != base + m->first || m->word[i + 1] != base + m->last)
			continue;
		*ret = base;
		return true;
	}
	return false;
}

int gomodule_text(struct gotab *t, uint64_t first, uint64_t last, uint64_t *ret)
{
	struct gomodule m = { .t = t, .first = first, .last = last };
	const struct image_part *s;
	int r = 0;

	if (first >= last)
		return -EBADMSG;
	for (size_t i = 0; r == 0 && (s = image_segment(t->image, i)); i++)
		if (s->written)
			r = gotab_scan(t, s, sizeof(uint64_t), gomodule_pointers, &m);
	if (r == 0)
		r = gomodule_rows(&m);
	for (size_t i = 0; r == 0 && i < m.count; i++) {
		m.addr = m.may[i];
		if (m.addr == 0 || image_read(t->image, m.addr, m.word, sizeof(m.word)) < 0)
			continue;
		r = gomodule_rows(&m);
		if (r == 0 && gomodule_fits(&m, ret))
			return 0;
	}
	return r < 0 ? r : -EBADMSG;
}
