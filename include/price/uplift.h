/* uplift.h -- token rates that are higher in some regions, routes or deployments. For user/price only. */
#ifndef PRICE_UPLIFT_H
#define PRICE_UPLIFT_H

#include "price/load.h"

/* A list of {when: {region: [...], geo: [...], sku: [...]}, mul: 11/10, on: tokens}. NULL `at`: none. */
int uplift_load(const struct load *l, const struct yaml_node *at,
		struct book_uplift **ret) _must_use_;
/* One that always holds. */
int uplift_always(const struct load *l, const struct yaml_node *mul,
		  struct book_uplift **ret) _must_use_;
/* The first that fits what is told (absent: not told), or NULL. *ret_why: the facet that it asks for. */
const struct book_uplift *uplift_find(const struct book_uplift *list,
				      const struct str told[FACET_COUNT], struct str *ret_why);

#endif
