#include "host/inner.h"
#include "host/tlsfind.h"

/* elf_find() passes over what has no name */
static const struct elf_want wants[] = {
#define TLS(row, family, function, shape, dir, finder, tried) \
	{ FINDER_##finder == FINDER_SYMBOL ? function : "", TLSFIND_##row },
#include "tbl/tls.h"
#undef TLS
};

static const struct inner {
	uint32_t row, instead_of[2];
	const char *unless;
} inners[] = {
#define INNER(row, a, b, unless) { TLSFIND_##row, { TLSFIND_##a, TLSFIND_##b }, unless },
#include "tbl/inner.h"
#undef INNER
};

static struct elf_site *site_of(struct elf_site *site, size_t count, uint32_t row)
{
	for (size_t i = 0; i < count; i++)
		if (site[i].row == row)
			return &site[i];
	return NULL;
}

static bool has_symbol(int fd, const char *symbol)
{
	struct elf_want want = { symbol, 0 };
	struct elf_site site;
	char build_id[64];
	size_t count;

	/* what cannot be told is taken for yes: the named functions always work */
	return symbol[0] && (elf_find(fd, &want, 1, &site, &count, build_id) < 0 || count > 0);
}

static void tlsfind_inner(int fd, const struct inner *in, struct elf_site *site, size_t *count)
{
	struct elf_site *a = site_of(site, *count, in->instead_of[0]);
	struct elf_site *b = site_of(site, *count, in->instead_of[1]);
	uint64_t offset;

	if (!a || !b || has_symbol(fd, in->unless) || !inner_find(fd, a, b, &offset))
		return;
	*a = (struct elf_site){ .row = in->row, .offset = offset };
	*b = site[--*count];
}

int tlsfind(struct tlsfind_memory *memory, int fd, bool deep, struct tlsfind *ret)
{
	int r;

	(void)memory;
	(void)deep;
	*ret = (struct tlsfind){ .count = 0 };
	r = elf_find(fd, wants, COUNT_OF(wants), ret->site, &ret->count, ret->build_id);
	if (r < 0)
		return r;
	for (size_t i = 0; i < COUNT_OF(inners); i++)
		tlsfind_inner(fd, &inners[i], ret->site, &ret->count);
	return 0;
}
