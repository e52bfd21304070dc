#include "price/rates.h"

static const struct collapse {
	enum leaf leaf, as;
	unsigned flags;
} collapse[] = {
#define COLLAPSE(leaf, as, flags) { LEAF_##leaf, LEAF_##as, flags },
#include "tbl/collapse.h"
#undef COLLAPSE
};

bool rates_find(const struct rates *r, enum leaf leaf, struct rate *ret, enum leaf *ret_as,
		unsigned *flags)
{
	if (r->has >> leaf & 1) {
		*ret = r->rate[leaf];
		if (ret_as)
			*ret_as = leaf;
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(collapse); i++) {
		const struct collapse *c = &collapse[i];

		if (c->leaf != leaf || !(r->has >> c->as & 1))
			continue;
		*ret = r->rate[c->as];
		if (ret_as)
			*ret_as = c->as;
		*flags |= c->flags;
		return true;
	}
	return false;
}
