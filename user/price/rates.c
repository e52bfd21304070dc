#include "price/rates.h"

static const struct collapse {
	enum leaf leaf, as;
	unsigned flags;
} collapse[] = {
#define COLLAPSE(leaf, as, flags) { LEAF_##leaf, LEAF_##as, flags },
#include "tbl/collapse.h"
#undef COLLAPSE
};

enum leaf rates_as(uint64_t has, enum leaf leaf, unsigned *flags)
{
	if (has >> leaf & 1)
		return leaf;
	for (size_t i = 0; i < COUNT_OF(collapse); i++) {
		const struct collapse *c = &collapse[i];

		if (c->leaf != leaf || !(has >> c->as & 1))
			continue;
		*flags |= c->flags;
		return c->as;
	}
	return LEAF_COUNT;
}

bool rates_find(const struct rates *r, enum leaf leaf, struct rate *ret, unsigned *flags)
{
	enum leaf as = rates_as(r->has, leaf, flags);

	if (as == LEAF_COUNT)
		return false;
	*ret = r->rate[as];
	return true;
}
