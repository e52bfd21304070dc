#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include "base/limit.h"
#include "base/table.h"
#include "host/image.h"
#include "host/inner.h"
#include "host/tlsfind.h"
#include "host/xref.h"

#define MEMORY_MAGIC 0x7153f001u

/* elf_find() passes over what has no name */
static const struct elf_want wants[] = {
#define TLS(row, family, function, shape, dir, finder, tried) \
	{ FINDER_##finder == FINDER_SYMBOL ? function : "", TLSFIND_##row },
#include "tbl/tls.h"
#undef TLS
};

/* in the order of the rows */
static const enum tlsfind_how how_of[] = {
#define TLS(row, family, function, shape, dir, finder, tried) FINDER_##finder,
#include "tbl/tls.h"
#undef TLS
};

static const struct inner {
	uint32_t row, instead_of[2];
	const char *unless;
} inners[] = {
#define INNER(row, a, b, unless) { TLSFIND_##row, { TLSFIND_##a, TLSFIND_##b }, unless },
#define NESTED(row, within)
#include "tbl/inner.h"
#undef INNER
#undef NESTED
};

static const struct nested {
	uint32_t row, within;
} nests[] = {
#define INNER(row, a, b, unless)
#define NESTED(row, within) { TLSFIND_##row, TLSFIND_##within },
#include "tbl/inner.h"
#undef INNER
#undef NESTED
};

static struct elf_site *site_of(const struct tlsfind *t, uint32_t row)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->site[i].row == row)
			return (struct elf_site *)&t->site[i];
	return NULL;
}

int tlsfind_add(struct tlsfind *t, enum tlsfind_row row, uint64_t offset, bool leave)
{
	if (t->count == TLSFIND_SITES)
		return -E2BIG;
	t->site[t->count++] = (struct elf_site){ .row = row, .leave = leave, .offset = offset };
	return 0;
}

void tlsfind_why(struct tlsfind *t, const char *format, ...)
{
	size_t n = strlen(t->why);
	va_list ap;

	if (n > 0 && n + 2 < sizeof(t->why)) {
		memcpy(t->why + n, "; ", 3);
		n += 2;
	}
	va_start(ap, format);
	vsnprintf(t->why + n, sizeof(t->why) - n, format, ap);
	va_end(ap);
}

bool tlsfind_hint(const struct tlsfind_part *p, enum tlsfind_row row, uint64_t *ret)
{
	const struct elf_site *site = site_of(p->hint, row);
	uint64_t entry;

	if (!site || !image_address(p->image, site->offset, ret))
		return false;
	if (xref_begins(p->image, *ret))
		return true;
	*ret -= 4; /* the offset is past an endbr64 */
	return image_entry(p->image, *ret, &entry) && entry == site->offset &&
	       xref_begins(p->image, *ret);
}

/* ---- memory --------------------------------------------------------------------------------- */

#define KEY_BYTES 64

struct known {
	char key[KEY_BYTES];
	struct tlsfind found;
	UT_hash_handle hh; /* by key, in the order in which they came */
};

struct tlsfind_memory {
	unsigned magic;
	struct known *known;
};

int tlsfind_memory_new(struct tlsfind_memory **ret)
{
	struct tlsfind_memory *m = obj_new(m, MEMORY_MAGIC);

	if (!m)
		return -ENOMEM;
	*ret = m;
	return 0;
}

static void known_drop(struct tlsfind_memory *m, struct known *k)
{
	HASH_DEL(m->known, k);
	mem_free(k);
}

void tlsfind_memory_free(struct tlsfind_memory **p)
{
	struct tlsfind_memory *m = obj_take(p, MEMORY_MAGIC);
	struct known *k, *next;

	if (!m)
		return;
	HASH_ITER (hh, m->known, k, next)
		known_drop(m, k);
	mem_free(m);
}

/* The build id, or else how large the file's parts are: as good for a hint. */
static void memory_key(const struct image *m, const struct tlsfind *t, char ret[KEY_BYTES])
{
	const struct image_part *s;
	int n;

	_Static_assert(sizeof(t->build_id) <= KEY_BYTES, "fits");
	n = snprintf(ret, KEY_BYTES, "%s", t->build_id);
	for (size_t i = 0; !t->build_id[0] && n < KEY_BYTES && (s = image_segment(m, i)); i++)
		n += snprintf(ret + n, (size_t)(KEY_BYTES - n), "+%" PRIx64, s->size);
}

static struct known *memory_find(struct tlsfind_memory *m, const char *key)
{
	struct known *k = NULL;

	if (m)
		HASH_FIND_STR(m->known, key, k);
	return k;
}

/* Sites from number `from`. Without memory the file is searched again: slower, not wrong. */
static void memory_add(struct tlsfind_memory *m, const char *key, const struct tlsfind *found,
		       size_t from)
{
	struct known *k = memory_find(m, key);

	if (!m)
		return;
	if (k)
		known_drop(m, k);
	if (HASH_COUNT(m->known) >= LIMIT_TLS_MEMORY)
		known_drop(m, m->known);
	k = mem_zero(1, sizeof(*k));
	if (!k)
		return;
	memcpy(k->key, key, sizeof(k->key));
	k->found.count = found->count - from;
	memcpy(k->found.site, found->site + from, k->found.count * sizeof(found->site[0]));
	HASH_ADD_STR(m->known, key, k);
	if (!k->hh.tbl)
		mem_free(k);
}

/* ---- the quick look ------------------------------------------------------------------------- */

static bool has_symbol(int fd, const char *symbol)
{
	struct elf_want want = { symbol, 0 };
	struct elf_site site;
	char build_id[64];
	size_t count;

	/* what cannot be told is taken for yes: the named functions always work */
	return symbol[0] && (elf_find(fd, &want, 1, &site, &count, build_id) < 0 || count > 0);
}

static void quick_inner(int fd, const struct inner *in, struct tlsfind *t)
{
	struct elf_site *a = site_of(t, in->instead_of[0]), *b = site_of(t, in->instead_of[1]);
	uint64_t offset;

	if (!a || !b || has_symbol(fd, in->unless) || !inner_find(fd, a, b, &offset))
		return;
	*a = (struct elf_site){ .row = in->row, .offset = offset };
	*b = t->site[--t->count];
}

static void quick_nested(int fd, const struct image *m, const struct nested *n, struct tlsfind *t)
{
	struct elf_site *row = site_of(t, n->row), *within = site_of(t, n->within);
	bool calls = row && within && inner_calls(fd, m, within, row, wants[n->row].symbol);

	if (row && within)
		*(calls ? within : row) = t->site[--t->count];
}

static int quick_symbols(int fd, const struct image *m, struct tlsfind *t)
{
	int r = elf_find(fd, wants, COUNT_OF(wants), t->site, &t->count, t->build_id);

	if (r < 0)
		return r;
	for (size_t i = 0; i < COUNT_OF(inners); i++)
		quick_inner(fd, &inners[i], t);
	for (size_t i = 0; i < COUNT_OF(nests); i++)
		quick_nested(fd, m, &nests[i], t);
	return 0;
}

/* ---- both ----------------------------------------------------------------------------------- */

static bool is_large(const struct image *m, const struct tlsfind *t)
{
	const struct image_part *s;
	uint64_t code = 0;

	for (size_t i = 0; (s = image_segment(m, i)); i++)
		code += s->code ? s->size : 0;
	return code >= LIMIT_STATIC_TLS * (t->count > 0 ? 8ull : 1ull);
}

/* A part that fails keeps none of the others from being heard; with nothing found, its error is the answer. */
static void heard(struct tlsfind *t, int *r, const char *part, int r2)
{
	if (r2 == 0)
		return;
	*r = *r ? *r : r2;
	tlsfind_why(t, "%s: %s", part, strerror(-r2));
}

static void look_deep(const struct image *m, const struct tlsfind *hint, struct tlsfind *t, int *r)
{
	const struct tlsfind_part p = { m, hint, t };
	bool named = false;

	for (size_t i = 0; i < t->count; i++)
		named |= how_of[t->site[i].row] == FINDER_SYMBOL;
	if (!named) { /* a copy of what has a name would count twice */
		heard(t, r, "BoringSSL", find_boring(&p));
		heard(t, r, "OpenSSL", find_openssl(&p));
	}
	heard(t, r, "rustls", find_rustls(&p));
}

/* All of the hint's sites, or nothing of it. */
static bool look_hint(const struct image *m, const struct tlsfind *hint, struct tlsfind *t)
{
	struct tlsfind with = *t;
	int r = 0;

	look_deep(m, hint, &with, &r);
	if (r < 0 || with.count - t->count != hint->count)
		return false;
	*t = with;
	return true;
}

int tlsfind(struct tlsfind_memory *memory, int fd, bool deep, struct tlsfind *ret)
{
	_cleanup_(image_free) struct image *m = NULL;
	const struct tlsfind_part quick = { NULL, NULL, ret };
	struct tlsfind_part p = quick;
	char key[KEY_BYTES] = "";
	struct known *known;
	int r, r2 = 0;

	*ret = (struct tlsfind){ .count = 0 };
	r = image_new(fd, &m);
	if (r < 0)
		return r;
	p.image = m;
	heard(ret, &r2, "symbols", quick_symbols(fd, m, ret));
	heard(ret, &r2, "Go", find_go(&p));
	if (!is_large(m, ret))
		goto out;
	memory_key(m, ret, key);
	known = memory_find(memory, key);
	if (known && look_hint(m, &known->found, ret))
		goto out;
	ret->deeper = !deep;
	if (deep) {
		size_t before = ret->count;

		look_deep(m, NULL, ret, &r2);
		if (ret->count > before)
			memory_add(memory, key, ret, before);
	}
out:
	return ret->count > 0 ? 0 : r2;
}
